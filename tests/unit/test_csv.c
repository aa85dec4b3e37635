#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "shared/base/csv.h"

static enum rc
parse(const char *text, struct csv *out, struct error *err)
{
	size_t len = strlen(text);
	uint8_t *exact = malloc(len ? len : 1);
	enum rc rc;

	/* a block of just that size, so that reading past the end is seen */
	assert_non_null(exact);
	memcpy(exact, text, len);
	error_clear(err);
	rc = csv_parse("units.csv", exact, len, out, err);
	free(exact);
	return rc;
}

/* Rows as "a|b/c|d", the header first. */
static void
parses_to(const char *text, const char *expected)
{
	struct csv c;
	struct error err;
	struct bytes b;

	bytes_init(&b);
	assert_int_equal(parse(text, &c, &err), RC_OK);
	for (size_t row = 0; row <= c.n_rows; row++) {
		for (size_t column = 0; column < c.n_columns; column++) {
			bytes_text(&b, column > 0 ? "|" : row > 0 ? "/" : "");
			bytes_text(&b, csv_cell(&c, row, column));
		}
	}
	assert_string_equal(bytes_cstr(&b), expected);
	bytes_reset(&b);
	csv_reset(&c);
}

static void
refuses(const char *text, enum rc rc, const char *where)
{
	struct csv c;
	struct error err;

	assert_int_equal(parse(text, &c, &err), rc);
	assert_int_equal(err.code, rc);
	assert_string_equal(err.where, where);
	assert_null(c.cells);
	assert_null(c.lines);
	assert_null(c.text);
	assert_int_equal(c.n_rows + c.n_columns, 0);
}

static void
reads_plain_sheets(void **state)
{
	(void)state;
	parses_to("code,name\n01,Hà Nội\n02,Hà Giang\n", "code|name/01|Hà Nội/02|Hà Giang");
	parses_to("a,b", "a|b");
	parses_to("a\n1", "a/1");
	parses_to("a,b\r\n1,2\r\n", "a|b/1|2");
	parses_to("a,b,c\n,,\n1,,3", "a|b|c/||/1||3");
	parses_to("a b , c\n x, y ", "a b | c/ x| y ");
}

static void
skips_a_byte_order_mark_and_blank_lines(void **state)
{
	(void)state;
	parses_to("\xEF\xBB\xBF" "a,b\n1,2", "a|b/1|2");
	parses_to("\n\r\na,b\n\n\r\n1,2\n\n", "a|b/1|2");
}

static void
takes_the_separator_of_the_first_line(void **state)
{
	(void)state;
	parses_to("a;b\n1;2,5", "a|b/1|2,5");
	parses_to("a,b\n1,2;5", "a|b/1|2;5");
	parses_to("\"x;y;z\",b\n1,2", "x;y;z|b/1|2");
	parses_to("\n\na;b\n1;2", "a|b/1|2");
}

static void
reads_quoted_cells(void **state)
{
	(void)state;
	parses_to("a,b\n\"1,5\",\"\"\n", "a|b/1,5|");
	parses_to("a\n\"he said \"\"no\"\"\"\n", "a/he said \"no\"");
	parses_to("a,b\n\"one\ntwo\",\"x\r\ny\"\r\n", "a|b/one\ntwo|x\ny");
	parses_to("\"a\",\"b\"", "a|b");
	parses_to("a\n\"\"\"\"", "a/\"");
}

static void
fills_missing_cells_at_the_end(void **state)
{
	(void)state;
	parses_to("a,b,c\n1\n1,2\n", "a|b|c/1||/1|2|");
}

static void
remembers_the_line_of_each_row(void **state)
{
	struct csv c;
	struct error err;

	(void)state;
	assert_int_equal(parse("a\n\n\"x\ny\"\n1\n", &c, &err), RC_OK);
	assert_int_equal(c.n_rows, 2);
	assert_int_equal(c.lines[0], 1);
	assert_int_equal(c.lines[1], 3);
	assert_int_equal(c.lines[2], 5);
	csv_reset(&c);
}

static void
finds_columns_by_name(void **state)
{
	struct csv c;
	struct error err;

	(void)state;
	assert_int_equal(parse("code,tên\n1,A", &c, &err), RC_OK);
	assert_int_equal(csv_column(&c, "tên"), 1);
	assert_int_equal(csv_column(&c, "name"), SIZE_MAX);
	assert_string_equal(csv_cell(&c, 1, csv_column(&c, "name")), "");
	assert_string_equal(csv_cell(&c, 2, 0), "");
	csv_reset(&c);
}

static void
refuses_broken_sheets_and_says_where(void **state)
{
	(void)state;
	refuses("", RC_FORMAT, "units.csv:1:1");
	refuses("\n\n", RC_FORMAT, "units.csv:1:1");
	refuses("\xEF\xBB\xBF", RC_FORMAT, "units.csv:1:1");
	refuses("a,b\n1,2\n1,2,3\n", RC_FORMAT, "units.csv:3:3");
	refuses("a,b\n1,2,\n", RC_FORMAT, "units.csv:2:3");
	refuses("a,b\n1,\"2\n\n", RC_FORMAT, "units.csv:2:2");
	refuses("a,b\n1,\"2\"x\n", RC_FORMAT, "units.csv:2:2");
	refuses("a,b\n1,2\"\n", RC_FORMAT, "units.csv:2:2");
	refuses("a\n\"", RC_FORMAT, "units.csv:2:1");
}

static void
refuses_cells_that_are_not_clean_text(void **state)
{
	struct csv c;
	struct error err = { 0 };
	const uint8_t nul[] = { 'a', '\n', 'b', 0, 'c' };

	(void)state;
	refuses("a,b\n1,\xE9\n", RC_FORMAT, "units.csv:2:2");
	refuses("a,b\n1\r,2\n", RC_FORMAT, "units.csv:2:1");
	refuses("a\n\x1B[0m\n", RC_FORMAT, "units.csv:2:1");
	refuses("a\nx\xE2\x80\xAEy\n", RC_FORMAT, "units.csv:2:1");
	assert_int_equal(csv_parse("x", nul, sizeof(nul), &c, &err), RC_FORMAT);
}

static void
refuses_more_columns_than_the_limit(void **state)
{
	char text[CSV_COLUMNS_MAX + 2];
	struct csv c;
	struct error err;

	(void)state;
	memset(text, ',', sizeof(text));
	text[CSV_COLUMNS_MAX - 1] = '\0';
	assert_int_equal(parse(text, &c, &err), RC_OK);
	assert_int_equal(c.n_columns, CSV_COLUMNS_MAX);
	csv_reset(&c);
	text[CSV_COLUMNS_MAX - 1] = ',';
	text[CSV_COLUMNS_MAX] = '\0';
	refuses(text, RC_LIMIT, "units.csv:1:513");
}

static void
refuses_cells_larger_than_the_limit(void **state)
{
	char *text = malloc(CSV_CELL_MAX + 4);
	struct csv c;
	struct error err;

	(void)state;
	assert_non_null(text);
	memcpy(text, "a\n", 2);
	memset(text + 2, 'x', CSV_CELL_MAX + 1);
	text[2 + CSV_CELL_MAX] = '\0';
	assert_int_equal(parse(text, &c, &err), RC_OK);
	assert_int_equal(strlen(csv_cell(&c, 1, 0)), CSV_CELL_MAX);
	csv_reset(&c);
	text[2 + CSV_CELL_MAX] = 'x';
	text[3 + CSV_CELL_MAX] = '\0';
	refuses(text, RC_LIMIT, "units.csv:2:1");
	free(text);
}

/* A small file of short rows under a wide header must not take gigabytes. */
static void
refuses_more_cells_than_the_limit(void **state)
{
	size_t rows = CSV_CELLS_MAX / CSV_COLUMNS_MAX, len = CSV_COLUMNS_MAX - 1;
	struct csv c;
	struct error err = { 0 };
	uint8_t *text = malloc(len + 2 * rows + 1);

	(void)state;
	assert_non_null(text);
	memset(text, ',', len);
	text[len++] = '\n';
	for (size_t i = 0; i < rows; i++) {
		text[len++] = 'x';
		text[len++] = '\n';
	}
	assert_int_equal(csv_parse("x", text, len, &c, &err), RC_LIMIT);
	assert_int_equal(csv_parse("x", text, len - 2, &c, &err), RC_OK);
	assert_int_equal(c.n_rows, rows - 1);
	csv_reset(&c);
	free(text);
}

static void
writes_what_it_reads_back(void **state)
{
	static const char *const cells[] = {
		"plain", "Hà Nội", "a,b", "a;b", "say \"no\"", "two\nlines", " outer ", "", "'=1+1",
		"\"", "\t",
	};
	size_t n = sizeof(cells) / sizeof(cells[0]);
	struct bytes b;
	struct csv c;

	(void)state;
	bytes_init(&b);
	for (int row = 0; row < 2; row++) {
		for (size_t i = 0; i < n; i++)
			csv_put(&b, cells[i], i == 0);
		bytes_text(&b, "\r\n");
	}
	assert_int_equal(csv_parse("x", b.data, b.len, &c, NULL), RC_OK);
	assert_int_equal(c.n_columns, n);
	assert_int_equal(c.n_rows, 1);
	for (size_t i = 0; i < n; i++)
		assert_string_equal(csv_cell(&c, 1, i), cells[i]);
	csv_reset(&c);
	bytes_reset(&b);
}

static void
quotes_only_where_it_must(void **state)
{
	struct bytes b;

	(void)state;
	bytes_init(&b);
	csv_put(&b, "a b", 1);
	csv_put(&b, "c\"d", 0);
	csv_put(&b, "", 0);
	csv_put(&b, "1,5", 0);
	assert_string_equal(bytes_cstr(&b), "a b,\"c\"\"d\",,\"1,5\"");
	bytes_reset(&b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_plain_sheets),
		cmocka_unit_test(skips_a_byte_order_mark_and_blank_lines),
		cmocka_unit_test(takes_the_separator_of_the_first_line),
		cmocka_unit_test(reads_quoted_cells),
		cmocka_unit_test(fills_missing_cells_at_the_end),
		cmocka_unit_test(remembers_the_line_of_each_row),
		cmocka_unit_test(finds_columns_by_name),
		cmocka_unit_test(refuses_broken_sheets_and_says_where),
		cmocka_unit_test(refuses_cells_that_are_not_clean_text),
		cmocka_unit_test(refuses_more_columns_than_the_limit),
		cmocka_unit_test(refuses_cells_larger_than_the_limit),
		cmocka_unit_test(refuses_more_cells_than_the_limit),
		cmocka_unit_test(writes_what_it_reads_back),
		cmocka_unit_test(quotes_only_where_it_must),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
