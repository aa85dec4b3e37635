#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "field/import_sheet.h"
#include "shared/records/fold.h"
#include "shared/vault/query.h"
#include "tests/support/record_desk.h"

struct desk {
	struct record_desk d;
	struct csv csv;
	struct import_sheet s;
	struct error err;
};

/* Reads a sheet of the form as an import does, and takes all of it back if anything is wrong. */
static void
import(struct desk *t, const char *form, const char *sheet)
{
	struct form_set *forms = NULL;
	enum rc rc;

	memset(t, 0, sizeof(*t));
	assert_int_equal(form_set_load_embedded(&forms, &t->err), RC_OK);
	record_desk_open_with(&t->d, 1, forms);
	assert_int_equal(csv_parse("s.csv", (const uint8_t *)sheet, strlen(sheet), &t->csv, &t->err),
	    RC_OK);
	assert_int_equal(import_sheet_open(form_set_find(forms, form), forms, &t->csv, &t->s,
	    &t->err), RC_OK);
	if (t->s.n_errors > 0)
		return;
	assert_int_equal(query_begin(t->d.db, &t->err), RC_OK);
	assert_int_equal(import_sheet_rows(&t->s, &t->d.c, &t->err), RC_OK);
	rc = query_end(t->d.db, t->s.n_errors > 0 ? RC_INVALID : RC_OK, &t->err);
	if (rc != RC_OK)
		fold_discard(t->d.fold);
}

static void
done(struct desk *t)
{
	import_sheet_reset(&t->s);
	csv_reset(&t->csv);
	record_desk_close(&t->d);
}

static void
assert_found(const struct desk *t, size_t i, size_t line, size_t column, const char *words)
{
	assert_true(i < t->s.n_found);
	assert_int_equal(t->s.found[i].line, line);
	assert_int_equal(t->s.found[i].column, column);
	if (strstr(t->s.found[i].error.what, words) == NULL)
		fail_msg("\"%s\" is not in \"%s\"", words, t->s.found[i].error.what);
}

/* What the only record of a form shows for a field. */
static void
assert_shows(struct desk *t, const char *form, const char *field, const char *want)
{
	struct record_line *lines;
	size_t n;

	assert_int_equal(record_list(&t->d.c, form, NULL, false, 9, &lines, &n, &t->err), RC_OK);
	assert_int_equal(n, 1);
	record_desk_assert(&t->d, lines[0].id, field, want);
	record_lines_free(lines, n);
}

static void
takes_what_a_vietnamese_spreadsheet_writes(void **state)
{
	struct desk t;

	(void)state;
	import(&t, "outreach",
	    "\xEF\xBB\xBFNgày thực hiện;XA PHUONG  đặc khu;Women and girls;note;\r\n"
	    "1/4/2025;06184;3;\"hai\r\ndòng; một ô\";\r\n");
	if (t.s.n_errors > 0)
		fail_msg("%zu: %s", t.s.found[0].column, t.s.found[0].error.what);
	assert_int_equal(t.s.n_good, 1);
	assert_shows(&t, "outreach", "date", "2025-04-01");
	assert_shows(&t, "outreach", "commune_code", "06184");
	assert_shows(&t, "outreach", "persons_f", "3");
	assert_shows(&t, "outreach", "note", "hai\ndòng; một ô");
	done(&t);
}

static void
finds_everything_that_is_wrong_with_the_heads(void **state)
{
	struct desk t;

	(void)state;
	import(&t, "person", "Họ và tên,full_name,xyz,id,,age\nA,B,C,,D,5\n");
	assert_int_equal(t.s.n_errors, 4);
	assert_found(&t, 0, 1, 2, "two columns");
	assert_found(&t, 1, 1, 3, "no field of this name");
	assert_found(&t, 2, 1, 5, "no field of this name");
	assert_found(&t, 3, 1, 6, "shown or derived");
	done(&t);
}

static void
finds_every_cell_that_is_wrong_and_adds_nothing(void **state)
{
	struct record_line *lines;
	struct desk t;
	size_t n;

	(void)state;
	import(&t, "outreach",
	    "date,commune_code,persons_m,persons_f\n"
	    "2025-04-01,06184,1,2\n"
	    "32/04/2025,6184,ba,2\n"
	    "2025-04-01,06184,1,2\n"
	    ",06184,1,2\n");
	assert_int_equal(t.s.n_good, 2);
	assert_int_equal(t.s.n_errors, 4);
	assert_found(&t, 0, 3, 1, "not a date");
	assert_found(&t, 1, 3, 2, "spreadsheet");
	assert_found(&t, 2, 3, 3, "not a whole number");
	assert_found(&t, 3, 5, 1, "");
	assert_int_equal(record_list(&t.d.c, "outreach", NULL, false, 9, &lines, &n, &t.err), RC_OK);
	assert_int_equal(n, 0);
	record_lines_free(lines, n);
	done(&t);
}

/* The result cannot be read; that its agency does not apply to none is no second error. */
static void
says_nothing_that_hangs_on_a_cell_that_cannot_be_read(void **state)
{
	struct desk t;

	(void)state;
	import(&t, "person", "id_kind,id_number,sex\nTHẺ,024198000001,F\n");
	assert_int_equal(t.s.n_errors, 1);
	assert_found(&t, 0, 2, 1, "not a code of the list id_kind");
	done(&t);
}

static void
tells_a_short_list_of_codes(void **state)
{
	struct desk t;

	(void)state;
	import(&t, "person", "sex\nNu\n");
	assert_int_equal(t.s.n_errors, 1);
	assert_non_null(strstr(t.s.found[0].error.help, "F = "));
	done(&t);
}

static void
knows_the_zero_that_a_spreadsheet_dropped(void **state)
{
	struct desk t;

	(void)state;
	import(&t, "person",
	    "registered_commune,id_kind,id_number,phone\n"
	    "6184,,,\n"
	    "4,,,\n"
	    ",CCCD,24198000001,\n"
	    ",CCCD,1198000001,\n"
	    ",,,912345678\n"
	    "618412,,,\n"
	    ",CCCD,2.4198E+10,\n");
	assert_int_equal(t.s.n_errors, 7);
	assert_found(&t, 0, 2, 1, "a spreadsheet has dropped it");
	assert_found(&t, 1, 3, 1, "a spreadsheet has dropped it");
	assert_found(&t, 2, 4, 3, "a spreadsheet has dropped it");
	assert_found(&t, 3, 5, 3, "a spreadsheet has dropped it");
	assert_found(&t, 4, 6, 4, "a spreadsheet has dropped it");
	assert_null(strstr(t.s.found[5].error.what, "spreadsheet"));
	assert_found(&t, 6, 8, 3, "digits are lost");
	done(&t);
}

static void
warns_of_a_short_number_whose_kind_is_not_told(void **state)
{
	struct desk t;

	(void)state;
	import(&t, "person", "full_name,id_number\nA,24198000001\nB,024198000001\nC,123456789\n");
	assert_int_equal(t.s.n_errors, 0);
	assert_int_equal(t.s.n_good, 3);
	assert_int_equal(t.s.n_warnings, 1);
	assert_found(&t, 0, 2, 2, "12 digits");
	assert_true(t.s.found[0].warning);
	done(&t);
}

static void
tells_and_imports_what_is_not_as_expected(void **state)
{
	struct desk t;

	(void)state;
	import(&t, "person", "full_name,sex,id_kind,id_number,phone\n"
	    "A,M,CCCD,020198001234,0912345678\n"
	    "B,F,CCCD,020198001234,0412 345 678\n"
	    "C,F,CCCD,020198001234,0912 345 678\n");
	assert_int_equal(t.s.n_errors, 0);
	assert_int_equal(t.s.n_good, 3);
	assert_int_equal(t.s.n_warnings, 2);
	assert_found(&t, 0, 2, 4, "Compare it with the paper");
	assert_found(&t, 1, 3, 5, "number in use");
	assert_true(t.s.found[0].warning && t.s.found[1].warning);
	done(&t);
}

static void
keeps_leading_zeroes(void **state)
{
	struct desk t;

	(void)state;
	import(&t, "person", "id_kind,id_number,registered_commune\nCCCD,001198000001,00004\n");
	assert_int_equal(t.s.n_errors, 0);
	assert_shows(&t, "person", "id_number", "001198000001");
	assert_shows(&t, "person", "registered_commune", "00004");
	done(&t);
}

static void
an_error_of_a_field_without_a_column_names_the_field(void **state)
{
	struct desk t;

	(void)state;
	import(&t, "outreach", "commune_code,persons_f\n06184,2\n");
	assert_int_equal(t.s.n_errors, 1);
	assert_found(&t, 0, 2, 0, "Date: Enter the date");
	done(&t);
}

static void
a_reference_to_nothing_is_found_in_its_column(void **state)
{
	struct desk t;

	(void)state;
	import(&t, "case", "recv_channel,recv_date,risk_level,person_id\n"
	    "HOTLINE,2025-01-02,LOW,0123456789abcdef.1\n");
	assert_int_equal(t.s.n_errors, 1);
	assert_found(&t, 0, 2, 4, "");
	done(&t);
}

static void
no_error_quotes_a_cell(void **state)
{
	struct desk t;

	(void)state;
	import(&t, "person", "sex,birth_date,id_kind,id_number,phone,registered_commune\n"
	    "MARKER,MARKER,MARKER,MARKER,MARKER,MARKER\n");
	assert_true(t.s.n_errors >= 5);
	for (size_t i = 0; i < t.s.n_found; i++) {
		assert_null(strstr(t.s.found[i].error.what, "MARKER"));
		assert_null(strstr(t.s.found[i].error.help, "MARKER"));
	}
	done(&t);
}

static void
counts_errors_beyond_those_that_it_tells(void **state)
{
	enum { ROWS = IMPORT_SHEET_FOUND_MAX + 7 };
	char *sheet = malloc(ROWS * 2 + 16);
	struct desk t;

	(void)state;
	assert_non_null(sheet);
	strcpy(sheet, "sex\n");
	for (int i = 0; i < ROWS; i++)
		strcpy(sheet + 4 + i * 2, "X\n");
	import(&t, "person", sheet);
	assert_int_equal(t.s.n_found, IMPORT_SHEET_FOUND_MAX);
	assert_int_equal(t.s.n_errors, ROWS);
	done(&t);
	free(sheet);
}

static void
refuses_a_sheet_of_too_many_rows(void **state)
{
	struct csv csv = { .n_columns = 1, .n_rows = IMPORT_SHEET_ROWS_MAX + 1 };
	struct import_sheet s;
	struct error err = { 0 };

	(void)state;
	assert_int_equal(import_sheet_open(NULL, NULL, &csv, &s, &err), RC_LIMIT);
	assert_non_null(strstr(err.what, "100000 rows"));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(takes_what_a_vietnamese_spreadsheet_writes),
		cmocka_unit_test(finds_everything_that_is_wrong_with_the_heads),
		cmocka_unit_test(finds_every_cell_that_is_wrong_and_adds_nothing),
		cmocka_unit_test(says_nothing_that_hangs_on_a_cell_that_cannot_be_read),
		cmocka_unit_test(tells_a_short_list_of_codes),
		cmocka_unit_test(knows_the_zero_that_a_spreadsheet_dropped),
		cmocka_unit_test(warns_of_a_short_number_whose_kind_is_not_told),
		cmocka_unit_test(tells_and_imports_what_is_not_as_expected),
		cmocka_unit_test(keeps_leading_zeroes),
		cmocka_unit_test(an_error_of_a_field_without_a_column_names_the_field),
		cmocka_unit_test(a_reference_to_nothing_is_found_in_its_column),
		cmocka_unit_test(no_error_quotes_a_cell),
		cmocka_unit_test(counts_errors_beyond_those_that_it_tells),
		cmocka_unit_test(refuses_a_sheet_of_too_many_rows),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
