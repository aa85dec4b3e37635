#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "shared/base/bytes.h"
#include "shared/base/clock.h"
#include "shared/base/csv.h"
#include "shared/base/files.h"
#include "shared/base/text.h"
#include "shared/forms/answers.h"
#include "shared/forms/form.h"
#include "tests/support/corpus.h"

enum { OFFSET = 7 * 3600, DAY = 86400 };

/* What the tests remember of each record. */
struct seen {
	const char *form;
	char commune[6];
};

static struct corpus *
make(uint64_t seed, size_t n, bool services)
{
	struct corpus_options o = { .seed = seed, .n = n, .services = services };
	struct corpus *c;

	assert_int_equal(corpus_new(&o, &c), RC_OK);
	return c;
}

static void
shares_are(bool services, size_t follow_up, size_t service)
{
	struct corpus *c = make(7, 400, services);
	struct corpus_record r;
	size_t n[6] = { 0 };
	static const char *const forms[] = { "follow_up", "awareness_session", "outreach", "person",
	    "case", "service_delivery" };

	while (corpus_next(c, &r)) {
		for (size_t i = 0; i < 6; i++)
			n[i] += strcmp(r.form, forms[i]) == 0;
	}
	corpus_free(c);
	assert_int_equal(n[0], follow_up);
	assert_int_equal(n[1], 100);
	assert_int_equal(n[2], 100);
	assert_int_equal(n[3], 30);
	assert_int_equal(n[4], 30);
	assert_int_equal(n[5], service);
}

static void
holds_its_shares_exactly(void **state)
{
	(void)state;
	shares_are(false, 140, 0);
	shares_are(true, 100, 40);
}

static void
refers_to_earlier_records_of_the_same_commune(void **state)
{
	struct corpus *c = make(11, 2000, true);
	struct seen *seen = calloc(2000, sizeof(*seen));
	struct corpus_record r;
	size_t references = 0;

	(void)state;
	assert_non_null(seen);
	while (corpus_next(c, &r)) {
		seen[r.index].form = r.form;
		snprintf(seen[r.index].commune, sizeof(seen[0].commune), "%s", r.commune);
		for (size_t i = 0; i < r.n_fields; i++) {
			const struct corpus_field *f = &r.fields[i];

			if (f->value != NULL)
				continue;
			references++;
			assert_true(f->refers < r.index);
			assert_string_equal(seen[f->refers].form,
			    strcmp(f->name, "person_id") == 0 ? "person" : "case");
			assert_string_equal(seen[f->refers].commune, r.commune);
		}
	}
	/* 150 cases, 500 follow-ups, 200 services */
	assert_int_equal(references, 850);
	free(seen);
	corpus_free(c);
}

static void
keeps_to_working_hours_of_the_year(void **state)
{
	const struct date first = { 2026, 1, 5 }, last = { 2026, 10, 30 }, tet = { 2026, 2, 17 };
	static const size_t sizes[] = { 1, 39, 200, 20000 };
	struct corpus_record r;

	(void)state;
	for (size_t k = 0; k < 4; k++) {
		struct corpus *c = make(k, sizes[k], false);
		int64_t before = 0, day = 0;

		while (corpus_next(c, &r)) {
			int64_t local = r.saved_at + OFFSET, hour = local % DAY / 3600;

			day = local / DAY;
			assert_true(r.saved_at >= before);
			assert_true(day >= date_to_days(&first) && day <= date_to_days(&last));
			assert_true(day != date_to_days(&tet));
			assert_true((day + 4) % 7 >= 1 && (day + 4) % 7 <= 5);
			assert_true(hour >= 7 && hour < 17 && hour != 12);
			before = r.saved_at;
		}
		/* spread over the year, not crowded at its beginning */
		assert_true(sizes[k] < 200 || day >= date_to_days(&last) - 60);
		corpus_free(c);
	}
}

static uint64_t
print_of(uint64_t seed, const char *const *communes, size_t n_communes)
{
	struct corpus_options o = { .seed = seed, .n = 500, .communes = communes,
		.n_communes = n_communes };
	struct corpus *c;
	struct corpus_record r;
	uint64_t h = 14695981039346656037u;

	assert_int_equal(corpus_new(&o, &c), RC_OK);
	while (corpus_next(c, &r)) {
		h = (h ^ (uint64_t)r.saved_at) * 1099511628211u;
		if (n_communes == 1)
			assert_string_equal(r.commune, communes[0]);
		for (size_t i = 0; i < r.n_fields; i++) {
			for (const char *p = r.fields[i].value; p != NULL && *p != '\0'; p++)
				h = (h ^ (uint64_t)(unsigned char)*p) * 1099511628211u;
			h = (h ^ r.fields[i].refers) * 1099511628211u;
		}
	}
	corpus_free(c);
	return h;
}

static void
repeats_itself_for_the_same_seed(void **state)
{
	static const char *const one[] = { "06184" };

	(void)state;
	assert_true(print_of(1, NULL, 0) == print_of(1, NULL, 0));
	assert_true(print_of(1, NULL, 0) != print_of(2, NULL, 0));
	assert_true(print_of(1, one, 1) == print_of(1, one, 1));
}

static void
writes_clean_normalised_vietnamese(void **state)
{
	struct corpus *c = make(3, 5000, true);
	struct corpus_record r;

	(void)state;
	while (corpus_next(c, &r)) {
		for (size_t i = 0; i < r.n_fields; i++) {
			char *normal = NULL;

			if (r.fields[i].value == NULL)
				continue;
			assert_int_equal(text_normalise(r.fields[i].value, strlen(r.fields[i].value),
			    &normal), RC_OK);
			assert_string_equal(normal, r.fields[i].value);
			free(normal);
		}
	}
	corpus_free(c);
}

static void
records_in_the_communes_of_the_units_file(void **state)
{
	struct corpus *c = make(5, 400, false);
	struct corpus_record r;
	struct bytes file;
	struct csv units;
	struct error err;

	(void)state;
	error_clear(&err);
	bytes_init(&file);
	assert_int_equal(files_read("tests/support/lang_son.csv", 65536, &file, &err), RC_OK);
	assert_int_equal(csv_parse("lang_son.csv", file.data, file.len, &units, &err), RC_OK);
	assert_int_equal(units.n_rows, 7);
	while (corpus_next(c, &r)) {
		size_t at = 1;

		while (at <= units.n_rows && strcmp(csv_cell(&units, at, 0), r.commune) != 0)
			at++;
		assert_true(at <= units.n_rows);
		assert_string_equal(csv_cell(&units, at, csv_column(&units, "parent_code")), "20");
	}
	csv_reset(&units);
	bytes_reset(&file);
	corpus_free(c);
}

static void
check_one(const struct form_set *forms, const struct corpus_record *r)
{
	struct answers *a;
	struct answers_breach *breaches = NULL;
	size_t n = 0;
	struct error err;
	enum rc rc;

	error_clear(&err);
	assert_int_equal(answers_new(form_set_find(forms, r->form), forms, &a), RC_OK);
	for (size_t i = 0; i < r->n_fields; i++) {
		const struct corpus_field *f = &r->fields[i];

		rc = answers_add(a, f->name, f->value != NULL ? f->value : "00000000000000a1.7", &err);
		if (rc != RC_OK)
			print_message("%s.%s: %s: %s\n", r->form, f->name, f->value, err.what);
		assert_int_equal(rc, RC_OK);
	}
	rc = answers_check(a, (r->saved_at + OFFSET) / DAY, true, &breaches, &n, FORM_EN, &err);
	for (size_t i = 0; i < n; i++)
		print_message("%s.%s: %s\n", r->form, breaches[i].field->name,
		    breaches[i].message[FORM_EN]);
	assert_int_equal(rc, RC_OK);
	answers_breaches_free(breaches, n);
	answers_free(a);
}

static void
passes_the_rules_of_the_forms(void **state)
{
	struct corpus *c = make(2026, 5000, true);
	struct form_set *forms;
	struct corpus_record r;
	struct error err;

	(void)state;
	error_clear(&err);
	assert_int_equal(form_set_load_embedded(&forms, &err), RC_OK);
	while (corpus_next(c, &r))
		check_one(forms, &r);
	corpus_free(c);
	form_set_free(forms);
}

static void
refuses_an_empty_corpus(void **state)
{
	struct corpus_options o = { .seed = 1 };
	struct corpus *c;

	(void)state;
	assert_int_equal(corpus_new(&o, &c), RC_LIMIT);
	assert_null(c);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(holds_its_shares_exactly),
		cmocka_unit_test(refers_to_earlier_records_of_the_same_commune),
		cmocka_unit_test(keeps_to_working_hours_of_the_year),
		cmocka_unit_test(repeats_itself_for_the_same_seed),
		cmocka_unit_test(writes_clean_normalised_vietnamese),
		cmocka_unit_test(records_in_the_communes_of_the_units_file),
		cmocka_unit_test(passes_the_rules_of_the_forms),
		cmocka_unit_test(refuses_an_empty_corpus),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
