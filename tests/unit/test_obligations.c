/*
 * Every obligation of the five plans (tests/vectors/obligations.csv, made from the table of
 * domain.md section 15) has a record, a field, a code where one is named, and a report that
 * counts records of that form; "-" in the last column: what is no figure.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "shared/base/bytes.h"
#include "shared/base/csv.h"
#include "shared/base/embedded.h"
#include "shared/base/files.h"
#include "shared/forms/form.h"
#include "shared/reports/report_definition.h"

struct walk {
	struct form_set *forms;
	struct bytes text;
	struct csv table;
	size_t records, codes;
};

/* Does the report count records of this form? */
static bool
counts(const char *report, const char *form)
{
	struct report_definition d;
	const struct embedded *file;
	struct error err;
	char path[96];
	bool found = false;

	error_clear(&err);
	snprintf(path, sizeof(path), "reports/%s.sql", report);
	file = embedded_find(path);
	if (file == NULL)
		fail_msg("there is no report %s", report);
	assert_int_equal(report_definition_parse(path, (const char *)file->data, file->len, &d, &err),
	    RC_OK);
	for (size_t i = 0; i < d.n_forms; i++)
		found = found || strcmp(d.forms[i], form) == 0;
	report_definition_reset(&d);
	return found;
}

/* "form.field" or "form.field=CODE". */
static void
there_is(struct walk *w, size_t row, char *reference, const char *reports)
{
	char *field = strchr(reference, '.'), *code = strchr(reference, '='), word[64];
	const struct form *form;
	const struct form_field *f;
	bool counted = strchr(reports, '-') != NULL;

	assert_non_null(field);
	*field++ = '\0';
	if (code != NULL)
		*code++ = '\0';
	form = form_set_find(w->forms, reference);
	if (form == NULL)
		fail_msg("row %zu: there is no form %s", row, reference);
	f = form_field_named(form, field);
	if (f == NULL)
		fail_msg("row %zu: %s has no field %s", row, reference, field);
	if (code != NULL && (f->list == NULL || form_choice_find(f->list, code) == NULL))
		fail_msg("row %zu: %s.%s has no code %s", row, reference, field, code);
	for (const char *at = reports; *at != '\0'; at += strcspn(at, " "), at += *at == ' ') {
		snprintf(word, sizeof(word), "%.*s", (int)strcspn(at, " "), at);
		if (word[0] != '-')
			counted = counts(word, reference) || counted;
	}
	if (!counted)
		fail_msg("row %zu: none of %s counts %s", row, reports, reference);
	w->records++;
	w->codes += code != NULL;
}

static void
every_obligation_has_a_record_a_field_and_a_report(void **state)
{
	struct walk w = { 0 };
	struct error err;
	char references[1024];

	(void)state;
	error_clear(&err);
	bytes_init(&w.text);
	assert_int_equal(form_set_load_embedded(&w.forms, &err), RC_OK);
	assert_int_equal(files_read("tests/vectors/obligations.csv", 1 << 20, &w.text, &err), RC_OK);
	assert_int_equal(csv_parse("obligations.csv", w.text.data, w.text.len, &w.table, &err), RC_OK);
	for (size_t row = 1; row <= w.table.n_rows; row++) {
		char *at = references, *next;

		snprintf(references, sizeof(references), "%s", csv_cell(&w.table, row, 2));
		for (; at != NULL; at = next) {
			next = strchr(at, ' ');
			if (next != NULL)
				*next++ = '\0';
			there_is(&w, row, at, csv_cell(&w.table, row, 3));
		}
	}
	/* the 80 rows of the table; some stand in two, as figures and as what is none */
	assert_true(w.table.n_rows >= 80);
	assert_true(w.records >= 200);
	assert_true(w.codes >= 100);
	csv_reset(&w.table);
	bytes_reset(&w.text);
	form_set_free(w.forms);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_obligation_has_a_record_a_field_and_a_report),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
