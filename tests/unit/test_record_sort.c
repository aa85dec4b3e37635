#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/support/record_desk.h"

/* Persons of the shipped form; each is a second newer than the one before. */
static void
open_desk(struct record_desk *d)
{
	static const char *const persons[][4] = {
		{ "pseudonym_code=A1", "full_name=Nguyễn Thị Hoa", "est_age=40", "sex=F" },
		{ "pseudonym_code=A2", "full_name=Đặng Thị Hòa", "est_age=9", "sex=F" },
		{ "pseudonym_code=A3", "full_name=Đặng Thị Hoà", "est_age=17", "sex=U" },
		{ "pseudonym_code=A4", "full_name=Trần Văn An", "birth_date=1998", "sex=M" },
		{ "pseudonym_code=A5", "full_name=Lê Đức", "birth_date=1998-05-17", "sex=M" },
		{ "pseudonym_code=A6", "full_name=Nguyễn Lý", "birth_date=1998-05", "sex=U" },
		{ "pseudonym_code=A7", "full_name=Bùi Thị Lí", "est_age=100", "sex=F" },
		{ "pseudonym_code=A8", "full_name=Lê Văn Dũng", "sex=M", NULL },
		{ "pseudonym_code=A9", "sex=F", NULL, NULL },
	};
	struct form_set *forms = NULL;
	struct dot id;

	assert_int_equal(form_set_load_embedded(&forms, &d->err), RC_OK);
	record_desk_open_with(d, 1, forms);
	for (size_t i = 0; i < sizeof(persons) / sizeof(*persons); i++) {
		d->now++;
		assert_int_equal(record_desk_add(d, "person", &id, persons[i][0], persons[i][1],
		    persons[i][2], persons[i][3], NULL), RC_OK);
	}
}

static void
assert_order(struct record_desk *d, const char *sort, size_t limit, const char *want)
{
	struct record_line *lines;
	char got[256] = "";
	size_t n;

	assert_int_equal(record_list_sorted(&d->c, "person", NULL, sort, false, limit, &lines, &n,
	    &d->err), RC_OK);
	for (size_t i = 0; i < n; i++) {
		strcat(got, i > 0 ? " " : "");
		strcat(got, lines[i].headline);
	}
	assert_string_equal(got, want);
	record_lines_free(lines, n);
}

static void
persons_stand_by_given_name_then_family_name_then_the_rest(void **state)
{
	struct record_desk d;

	(void)state;
	open_desk(&d);
	/* An; Dũng before Đức; Hoa before Hòa, whose two spellings are one; Lí = Lý, then by family */
	assert_order(&d, "full_name", 20, "A4 A8 A5 A1 A3 A2 A7 A6 A9");
	record_desk_close(&d);
}

static void
numbers_dates_and_codes_have_their_own_order_and_what_is_empty_comes_last(void **state)
{
	struct record_desk d;

	(void)state;
	open_desk(&d);
	assert_order(&d, "est_age", 4, "A2 A3 A1 A7");
	assert_order(&d, "birth_date", 3, "A4 A6 A5");
	assert_order(&d, "sex", 20, "A8 A5 A4 A9 A7 A2 A1 A6 A3");
	assert_order(&d, "pseudonym_code", 2, "A1 A2");
	assert_order(&d, NULL, 2, "A9 A8");
	record_desk_close(&d);
}

static void
a_limit_counts_after_sorting(void **state)
{
	struct record_desk d;

	(void)state;
	open_desk(&d);
	assert_order(&d, "full_name", 1, "A4");
	record_desk_close(&d);
}

static void
refuses_to_sort_by_what_has_no_one_value(void **state)
{
	struct record_line *lines;
	struct record_desk d;
	size_t n;

	(void)state;
	open_desk(&d);
	assert_int_equal(record_list_sorted(&d.c, "person", NULL, "other_names", false, 9, &lines, &n,
	    &d.err), RC_INVALID);
	assert_int_equal(record_list_sorted(&d.c, "case", NULL, "person_id", false, 9, &lines, &n,
	    &d.err), RC_INVALID);
	assert_int_equal(record_list_sorted(&d.c, "person", NULL, "nothing", false, 9, &lines, &n,
	    &d.err), RC_NOTFOUND);
	assert_null(lines);
	record_desk_close(&d);
}

/* An edit tells of what hangs on it, the record itself of all. */
static void
warnings_of_an_edit_are_those_that_hang_on_it(void **state)
{
	struct answers *changes = NULL;
	struct answers_breach *w;
	struct record_desk d;
	struct dot id;
	size_t n;

	(void)state;
	open_desk(&d);
	assert_int_equal(record_desk_add(&d, "person", &id, "sex=M", "id_kind=CCCD",
	    "id_number=020198001234", "phone=0412345678", NULL), RC_OK);
	assert_int_equal(record_warnings(&d.c, &id, NULL, &w, &n, &d.err), RC_OK);
	assert_int_equal(n, 2);
	assert_string_equal(w[0].field->name, "id_number");
	answers_breaches_free(w, n);
	assert_int_equal(answers_new(form_set_find(d.c.forms, "person"), d.c.forms, &changes), RC_OK);
	assert_int_equal(answers_add(changes, "education", "E2", &d.err), RC_OK);
	assert_int_equal(record_warnings(&d.c, &id, changes, &w, &n, &d.err), RC_OK);
	assert_int_equal(n, 0);
	answers_breaches_free(w, n);
	assert_int_equal(answers_add(changes, "sex", "M", &d.err), RC_OK);
	assert_int_equal(record_warnings(&d.c, &id, changes, &w, &n, &d.err), RC_OK);
	assert_int_equal(n, 1);		/* the sex is part of what the number should agree with */
	assert_string_equal(w[0].field->name, "id_number");
	answers_breaches_free(w, n);
	answers_free(changes);
	record_desk_close(&d);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(persons_stand_by_given_name_then_family_name_then_the_rest),
		cmocka_unit_test(numbers_dates_and_codes_have_their_own_order_and_what_is_empty_comes_last),
		cmocka_unit_test(a_limit_counts_after_sorting),
		cmocka_unit_test(warnings_of_an_edit_are_those_that_hang_on_it),
		cmocka_unit_test(refuses_to_sort_by_what_has_no_one_value),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
