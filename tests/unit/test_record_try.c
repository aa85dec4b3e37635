#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "tests/support/form_fixture.h"
#include "tests/support/record_desk.h"
#include "tests/support/record_fixture.h"

static const char *const kinds[] = { "kind=", "kind=A", "kind=B" };
static const char *const details[] = { "detail=", "detail=x" };
static const char *const counts[] = { "count=", "count=5", "count=600" };

static void
give(struct record_desk *d, struct answers *a, const char *pair)
{
	char name[32];
	size_t len = strcspn(pair, "=");

	memcpy(name, pair, len);
	name[len] = '\0';
	if (pair[len + 1] == '\0')
		assert_int_equal(answers_clear(a, name, &d->err), RC_OK);
	else
		form_fixture_add(a, name, pair + len + 1);
}

/* What the trial says of three answers; what it finds must not be in the journal. */
static bool
tried(struct record_desk *d, const struct dot *id, const char *kind, const char *detail,
    const char *count)
{
	struct answers *a = form_fixture_begin(d->forms, "thing");
	int64_t entries = record_fixture_int(d->db, "SELECT count(*) FROM entry");
	struct record_trial t;
	bool valid;

	give(d, a, kind);
	give(d, a, detail);
	give(d, a, count);
	assert_int_equal(record_try(&d->c, id, a, &t, &d->err), RC_OK);
	valid = t.valid;
	record_trial_reset(&t);
	answers_free(a);
	assert_int_equal(record_fixture_int(d->db, "SELECT count(*) FROM entry"), entries);
	return valid;
}

static void
says_of_a_new_record_what_creating_it_says(void **state)
{
	struct record_desk d;
	struct dot id;

	(void)state;
	record_desk_open(&d, 1);
	for (size_t i = 0; i < 3 * 2 * 3; i++) {
		const char *kind = kinds[i % 3], *detail = details[i / 3 % 2], *count = counts[i / 6];
		bool valid = tried(&d, NULL, kind, detail, count);

		error_clear(&d.err);
		assert_int_equal(record_desk_add(&d, "thing", &id, "name=x", kind, detail, count, NULL),
		    valid ? RC_OK : RC_INVALID);
	}
	record_desk_close(&d);
}

static void
says_of_a_change_what_saving_it_says(void **state)
{
	struct record_desk d;
	struct dot id;

	(void)state;
	record_desk_open(&d, 1);
	for (size_t i = 0; i < 3 * 2 * 3; i++) {
		const char *kind = kinds[i % 3], *detail = details[i / 3 % 2], *count = counts[i / 6];
		bool valid;

		error_clear(&d.err);
		assert_int_equal(record_desk_add(&d, "thing", &id, "kind=B", "detail=z", NULL), RC_OK);
		valid = tried(&d, &id, kind, detail, count);
		assert_int_equal(record_desk_edit(&d, id, NULL, NULL, kind, detail, count, NULL),
		    valid ? RC_OK : RC_INVALID);
	}
	record_desk_close(&d);
}

static void
rule_that_is_broken_already_is_shown_and_does_not_make_a_change_invalid(void **state)
{
	struct record_desk a, b;
	struct record_trial t;
	struct answers *none;
	struct dot id;

	(void)state;
	record_desk_open(&a, 1);
	record_desk_open(&b, 2);
	assert_int_equal(record_desk_add(&a, "thing", &id, "kind=B", "detail=x", NULL), RC_OK);
	record_desk_sync(&a, &b);
	assert_int_equal(record_desk_edit(&a, id, NULL, NULL, "detail=y", NULL), RC_OK);
	assert_int_equal(record_desk_edit(&b, id, NULL, NULL, "kind=A", "detail=", NULL), RC_OK);
	record_desk_sync(&a, &b);
	none = form_fixture_begin(a.forms, "thing");
	assert_int_equal(record_try(&a.c, &id, none, &t, &a.err), RC_OK);
	assert_int_equal(t.n_breaches, 1);
	assert_string_equal(t.breaches[0].field->name, "detail");
	assert_true(t.valid);
	record_trial_reset(&t);
	form_fixture_add(none, "detail", "z");
	assert_int_equal(record_try(&a.c, &id, none, &t, &a.err), RC_OK);
	assert_false(t.valid);
	record_trial_reset(&t);
	answers_free(none);
	record_desk_close(&a);
	record_desk_close(&b);
}

static void
record_of_another_form_or_deleted_is_not_tried(void **state)
{
	struct record_desk d;
	struct record_trial t;
	struct answers *a;
	struct dot id;

	(void)state;
	record_desk_open(&d, 1);
	assert_int_equal(record_desk_add(&d, "thing", &id, "name=x", NULL), RC_OK);
	a = form_fixture_begin(d.forms, "part");
	assert_int_equal(record_try(&d.c, &id, a, &t, &d.err), RC_INVALID);
	answers_free(a);
	a = form_fixture_begin(d.forms, "thing");
	assert_int_equal(record_desk_delete(&d, id, NULL), RC_OK);
	assert_int_equal(record_try(&d.c, &id, a, &t, &d.err), RC_INVALID);
	id.n += 99;
	assert_int_equal(record_try(&d.c, &id, a, &t, &d.err), RC_NOTFOUND);
	assert_null(t.answers);
	answers_free(a);
	record_desk_close(&d);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(says_of_a_new_record_what_creating_it_says),
		cmocka_unit_test(says_of_a_change_what_saving_it_says),
		cmocka_unit_test(rule_that_is_broken_already_is_shown_and_does_not_make_a_change_invalid),
		cmocka_unit_test(record_of_another_form_or_deleted_is_not_tried),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
