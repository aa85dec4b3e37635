#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "shared/base/embedded.h"
#include "shared/reports/report_definition.h"

#define HEAD "--: title: Tên | Title\n--: column: text | Cột | Column\n"
#define BODY "--: block: Phần | Part\nSELECT 1, 0;\n"

static enum rc
parse(const char *text, struct report_definition *d, struct error *err)
{
	size_t len = strlen(text);
	char *exact = malloc(len > 0 ? len : 1);
	enum rc rc;

	/* a block of just that size, so that reading past the end is seen */
	assert_non_null(exact);
	memcpy(exact, text, len);
	error_clear(err);
	rc = report_definition_parse("b1.sql", exact, len, d, err);
	free(exact);
	return rc;
}

static void
refuses(const char *text, enum rc rc, const char *where)
{
	struct report_definition d;
	struct error err;

	assert_int_equal(parse(text, &d, &err), rc);
	assert_string_equal(err.where, where);
	assert_int_equal(d.n_sections, 0);
	assert_null(d.arena.chunks);
}

static void
takes_a_file_apart(void **state)
{
	struct report_definition d;
	struct error err;

	(void)state;
	assert_int_equal(parse("-- for readers: nothing\n" HEAD
	    "--: forms: case  person\r\n"
	    "--: parts: cases\n"
	    "--: column: money | Tiền | Money\n"
	    "--: note: Ghi chú | Note\n"
	    "--: word: total | Tổng | Total\n"
	    "--: prepare\nCREATE TEMP TABLE a(b);\n-- a remark\n"
	    "--: prepare | if form_x\nDROP TABLE a;\n"
	    "--: block: Một | One | if form_y\nSELECT 1;\n"
	    "--: block: Hai | Two\nSELECT 2", &d, &err), RC_OK);
	assert_int_equal(d.n_parts, 1);
	assert_string_equal(d.parts[0], "cases");
	assert_string_equal(d.title[FORM_VI], "Tên");
	assert_string_equal(d.title[FORM_EN], "Title");
	assert_int_equal(d.n_forms, 2);
	assert_string_equal(d.forms[1], "person");
	assert_int_equal(d.n_columns, 2);
	assert_int_equal(d.columns[1].kind, REPORT_MONEY);
	assert_string_equal(d.columns[1].title[FORM_EN], "Money");
	assert_string_equal(d.notes[0][FORM_VI], "Ghi chú");
	assert_string_equal(d.words[0].code, "total");
	assert_string_equal(d.words[0].label[FORM_VI], "Tổng");
	assert_int_equal(d.n_sections, 4);
	assert_true(d.sections[0].prepares);
	assert_null(d.sections[0].needs);
	assert_string_equal(d.sections[0].sql, "CREATE TEMP TABLE a(b);\n-- a remark\n");
	assert_string_equal(d.sections[1].needs, "form_x");
	assert_false(d.sections[2].prepares);
	assert_string_equal(d.sections[2].title[FORM_VI], "Một");
	assert_string_equal(d.sections[2].needs, "form_y");
	assert_string_equal(d.sections[3].sql, "SELECT 2");
	report_definition_reset(&d);
}

static void
refuses_what_it_cannot_read_with_its_line(void **state)
{
	(void)state;
	refuses("", RC_FORMAT, "b1.sql:0");
	refuses(HEAD, RC_FORMAT, "b1.sql:2");
	refuses("--: title: Tên\n", RC_FORMAT, "b1.sql:1");
	refuses("--: title: Tên | \n", RC_FORMAT, "b1.sql:1");
	refuses(HEAD "--: colunm: text | a | b\n" BODY, RC_FORMAT, "b1.sql:3");
	refuses(HEAD "--: column: number | a | b\n" BODY, RC_FORMAT, "b1.sql:3");
	refuses(HEAD "--: chart: 1\n" BODY, RC_FORMAT, "b1.sql:3");
	refuses(HEAD "--: chart: 1 0\n" BODY, RC_FORMAT, "b1.sql:3");
	refuses(HEAD "--: forms: Case\n" BODY, RC_FORMAT, "b1.sql:3");
	refuses(HEAD BODY "--: note: a | b\n", RC_FORMAT, "b1.sql:5");
	refuses(HEAD "--: prepare: a | b\n" BODY, RC_FORMAT, "b1.sql:3");
	refuses(HEAD "--: block: a | b | when x\n", RC_FORMAT, "b1.sql:3");
	refuses(HEAD "--: block: a | b | if \n", RC_FORMAT, "b1.sql:3");
}

#define PERSONS HEAD "--: column: persons | a | b\n--: column: persons | a | b\n--: column: money | a | b\n"

static void
reads_what_adds_up_and_what_never_leaves(void **state)
{
	struct report_definition d;
	struct error err;

	(void)state;
	assert_int_equal(parse(PERSONS "--: columns: 2 >= 3\n--: rows: 1.t <= 2 1 | 2 4\n--: blocks: 2 = 1\n"
	    "--: follows: 4 2 3\n--: withheld: 2\n" BODY BODY, &d, &err), RC_OK);
	assert_int_equal(d.n_relations, 3);
	assert_int_equal(d.relations[0].over, REPORT_OVER_COLUMNS);
	assert_int_equal(d.relations[0].compare, REPORT_WITHIN);
	assert_int_equal(d.relations[0].total.at, 1);
	assert_int_equal(d.relations[1].compare, REPORT_UNION);
	assert_int_equal(d.relations[1].total.row, REPORT_ROW_TOTAL);
	assert_int_equal(d.relations[1].n_parts, 2);
	assert_int_equal(d.relations[1].parts[0].at, 1);
	assert_int_equal(d.relations[1].parts[1].row, REPORT_ROW_PLAIN);
	assert_int_equal(d.relations[1].columns, 1 << 1 | 1 << 3);
	assert_int_equal(d.relations[2].compare, REPORT_SUM);
	assert_int_equal(d.follows[0].column, 3);
	assert_int_equal(d.follows[0].others, 1 << 1 | 1 << 2);
	assert_int_equal(d.withheld, 1 << 1);
	report_definition_reset(&d);
}

static void
refuses_relations_of_what_is_not_there(void **state)
{
	static const char *const lines[] = {
		"columns: 2 = 9", "columns: 1 = 2", "columns: 2 =", "columns: 2 < 3", "columns: 2 = 2",
		"columns: 0 = 2", "columns: 2 = 3 | 2", "rows: 1 = 1", "rows: 1.t = 1 1", "rows: 1.t = 3",
		"rows: 1.t = 1 | 1", "rows: 1.t = 1 |", "rows: 1.x = 1", "blocks: 1 = 1", "blocks: 1.t = 2",
		"follows: 2 3", "follows: 4", "follows: 4 1", "withheld: 3", "withheld: 0", "withheld:",
		"columns: 2 = 3 3", "rows: 1.t = 2 1.12",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
		struct report_definition d;
		struct error err;
		char text[1024];

		snprintf(text, sizeof(text), "%s--: %s\n%s%s", PERSONS, lines[i], BODY, BODY);
		if (parse(text, &d, &err) != RC_FORMAT)
			fail_msg("taken: %s", lines[i]);
	}
}

static void
refuses_more_than_its_limits(void **state)
{
	char *text = calloc(1, REPORT_FILE_MAX + 2);
	size_t used = 0;

	(void)state;
	assert_non_null(text);
	used += (size_t)sprintf(text, "%s", HEAD);
	for (int i = 1; i < REPORT_COLUMNS_MAX + 1; i++)
		used += (size_t)sprintf(text + used, "--: column: text | a | b\n");
	refuses(text, RC_LIMIT, "b1.sql:26");
	memset(text, '-', REPORT_FILE_MAX + 1);
	refuses(text, RC_LIMIT, "b1.sql:0");
	free(text);
}

static void
reads_every_report_that_ships(void **state)
{
	struct report_definition d;
	struct error err;
	size_t found = 0;

	(void)state;
	error_clear(&err);
	for (unsigned long i = 0; i < embedded_count; i++) {
		const struct embedded *f = &embedded_table[i];

		if (strncmp(f->name, "reports/", 8) != 0)
			continue;
		found++;
		if (report_definition_parse(f->name, (const char *)f->data, f->len, &d, &err) != RC_OK)
			fail_msg("%s: %s", err.where, err.what);
		assert_true(d.n_forms > 0);
		report_definition_reset(&d);
	}
	assert_true(found >= 3);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(takes_a_file_apart),
		cmocka_unit_test(refuses_what_it_cannot_read_with_its_line),
		cmocka_unit_test(refuses_more_than_its_limits),
		cmocka_unit_test(reads_what_adds_up_and_what_never_leaves),
		cmocka_unit_test(refuses_relations_of_what_is_not_there),
		cmocka_unit_test(reads_every_report_that_ships),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
