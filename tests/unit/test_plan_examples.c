/*
 * A small invented year of each plan that ships (tests/examples/<plan>), entered through import
 * and the real forms.  figures.csv was worked out by hand from year.csv: every figure that the
 * reports of the plan's obligations (tests/vectors/obligations.csv) show for a commune, a middle
 * level and the province, for six months and for the year, with how it comes about.  A figure
 * that is not in the table fails, too.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "field/import_sheet.h"
#include "field/plan_load.h"
#include "shared/base/csv.h"
#include "shared/base/files.h"
#include "shared/reports/report.h"
#include "shared/vault/query.h"
#include "tests/support/record_desk.h"

enum {
	TODAY = 1800000000,		/* January 2027: the years are over */
	PLACES = 3, PERIODS = 2, TOLD_MAX = 60,
	/* columns of units.csv, year.csv, figures.csv */
	U_CODE = 0, U_NAME, U_FULL, U_PARENT, U_LEVEL, U_HIGH_RISK, U_FROM, U_TO, U_PLACE,
	Y_UNIT = 0, Y_ID, Y_FORM, Y_ANSWERS,
	F_REPORT = 0, F_BLOCK, F_ROW, F_COLUMN, F_FIRST
};

static const char *const places[PLACES] = { "commune", "middle", "province" };

struct sheet { struct bytes text; struct csv csv; };

struct example {
	struct record_desk d;
	char plan[PLAN_LOAD_CODE_MAX];
	int year;
	const char *unit[PLACES];
	struct sheet units, records, figures;
	struct dot *ids;		/* of the rows of year.csv */
	bool *seen;			/* rows of figures.csv, in one run */
	size_t told, runs;
};

static void RC_PRINTF(2, 3)
tell(struct example *e, const char *fmt, ...)
{
	va_list ap;

	if (e->told++ >= TOLD_MAX)
		return;
	va_start(ap, fmt);
	fprintf(stderr, "%s: ", e->plan);
	vfprintf(stderr, fmt, ap);
	fputc('\n', stderr);
	va_end(ap);
}

static void
open_sheet(struct example *e, const char *name, struct sheet *s)
{
	char path[128];
	struct error *err = &e->d.err;

	snprintf(path, sizeof(path), "tests/examples/%s/%s", e->plan, name);
	bytes_init(&s->text);
	if (files_read(path, 1 << 20, &s->text, err) != RC_OK ||
	    csv_parse(path, s->text.data, s->text.len, &s->csv, err) != RC_OK)
		fail_msg("%s: %s", err->where, err->what);
}

static void
close_sheet(struct sheet *s)
{
	csv_reset(&s->csv);
	bytes_reset(&s->text);
}

/* ---- the year, row by row through import ---- */

static size_t
row_of(const struct example *e, const char *id, size_t len)
{
	for (size_t row = 1; row <= e->records.csv.n_rows; row++) {
		const char *have = csv_cell(&e->records.csv, row, Y_ID);

		if (strlen(have) == len && strncmp(have, id, len) == 0)
			return row;
	}
	fail_msg("%s: there is no record %.*s", e->plan, (int)len, id);
	return 0;
}

/* "a=1 | b=@P1,@P2" as a sheet of one row; @P1 becomes the id of that record. */
static void
write_sheet(const struct example *e, const char *answers, struct bytes *out)
{
	struct bytes values, value;
	bool first = true;

	bytes_init(&values);
	bytes_init(&value);
	while (*answers != '\0') {
		const char *end = strstr(answers, " | "), *equals = strchr(answers, '=');
		size_t len = end != NULL ? (size_t)(end - answers) : strlen(answers);
		char name[64], id[DOT_TEXT_MAX];

		assert_true(equals != NULL && equals < answers + len);
		snprintf(name, sizeof(name), "%.*s", (int)(equals - answers), answers);
		value.len = 0;
		for (const char *at = equals + 1; at < answers + len; at++) {
			size_t n = *at == '@' ? strspn(at + 1, "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789") : 0;

			if (n == 0) {
				bytes_put(&value, at, 1);
				continue;
			}
			dot_text(&e->ids[row_of(e, at + 1, n)], id);
			bytes_text(&value, id);
			at += n;
		}
		csv_put(out, name, first);
		csv_put(&values, bytes_cstr(&value), first);
		first = false;
		answers += len + (end != NULL ? 3 : 0);
	}
	bytes_text(out, "\n");
	bytes_put(out, values.data, values.len);
	bytes_text(out, "\n");
	bytes_reset(&values);
	bytes_reset(&value);
}

static void
import_row(struct example *e, size_t row)
{
	const char *form = csv_cell(&e->records.csv, row, Y_FORM);
	const char *id = csv_cell(&e->records.csv, row, Y_ID);
	struct import_sheet s;
	struct bytes text;
	char sql[96];
	int64_t local;
	struct csv csv;

	bytes_init(&text);
	error_clear(&e->d.err);
	write_sheet(e, csv_cell(&e->records.csv, row, Y_ANSWERS), &text);
	if (form_set_find(e->d.forms, form) == NULL)
		fail_msg("%s: no form %s", id, form);
	e->d.c.unit = csv_cell(&e->records.csv, row, Y_UNIT);
	e->d.now++;
	assert_int_equal(csv_parse(id, text.data, text.len, &csv, &e->d.err), RC_OK);
	assert_int_equal(import_sheet_open(form_set_find(e->d.forms, form), e->d.forms, &csv, &s,
	    &e->d.err), RC_OK);
	if (s.n_errors == 0 && import_sheet_rows(&s, &e->d.c, &e->d.err) != RC_OK)
		fail_msg("%s: %s", id, e->d.err.what);
	if (s.n_errors > 0)
		fail_msg("%s %s: %s: %s", e->plan, id, s.found[0].header, s.found[0].error.what);
	assert_int_equal(s.n_good, 1);
	snprintf(sql, sizeof(sql), "SELECT MAX(id) FROM form_%s", form);
	assert_int_equal(query_int(e->d.db, &e->d.err, &local, sql, ""), RC_OK);
	assert_int_equal(record_of_local(e->d.db, local, &e->ids[row]), RC_OK);
	import_sheet_reset(&s);
	csv_reset(&csv);
	bytes_reset(&text);
}

static void
no_difference(void *ctx, const struct plan_load_difference *d)
{
	(void)ctx;
	fail_msg("%s %s differs", d->form, d->row);
}

/* The plan on record where it was issued and in the commune, where it must not count twice; the
 * year's records where they were made. */
static void
enter(struct example *e, const char *issuer)
{
	struct plan_load_sheet sheets[PLAN_LOAD_SHEETS_MAX];
	const char *const units[] = { issuer, e->unit[0] };
	struct plan_load_counts n;
	size_t n_sheets;

	assert_int_equal(plan_load_shipped(e->plan, sheets, &n_sheets, &e->d.err), RC_OK);
	assert_int_equal(query_begin(e->d.db, &e->d.err), RC_OK);
	for (size_t i = 0; i < 2; i++) {
		e->d.c.unit = units[i];
		if (plan_load_run(&e->d.c, sheets, n_sheets, false, no_difference, NULL, &n, &e->d.err) != RC_OK)
			fail_msg("%s: %s", e->d.err.where, e->d.err.what);
	}
	for (size_t row = 1; row <= e->records.csv.n_rows; row++)
		import_row(e, row);
	assert_int_equal(query_end(e->d.db, RC_OK, &e->d.err), RC_OK);
	assert_true(e->records.csv.n_rows >= 25 && e->records.csv.n_rows <= 60);
}

static void
enter_units(struct example *e)
{
	const struct csv *csv = &e->units.csv;
	struct report_unit units[32];

	assert_true(csv->n_rows <= 32);
	for (size_t i = 0; i < csv->n_rows; i++) {
		units[i] = (struct report_unit){ csv_cell(csv, i + 1, U_CODE), csv_cell(csv, i + 1, U_NAME),
			csv_cell(csv, i + 1, U_FULL), csv_cell(csv, i + 1, U_PARENT),
			csv_cell(csv, i + 1, U_LEVEL), *csv_cell(csv, i + 1, U_HIGH_RISK) == '1',
			csv_cell(csv, i + 1, U_FROM), csv_cell(csv, i + 1, U_TO) };
		for (size_t k = 0; k < PLACES; k++)
			if (strcmp(csv_cell(csv, i + 1, U_PLACE), places[k]) == 0)
				e->unit[k] = units[i].code;
	}
	for (size_t k = 0; k < PLACES; k++)
		assert_non_null(e->unit[k]);
	assert_int_equal(report_units(e->d.db, units, csv->n_rows, &e->d.err), RC_OK);
}

/* ---- what the reports show, against the table ---- */

/* What names a row: its first texts; of b16 the first alone, which is a code or a number. */
static void
row_name(const struct report *r, const struct report_row *row, char *out, size_t room)
{
	size_t used = 0;

	out[0] = '\0';
	for (size_t i = 0; i < r->n_columns && r->columns[i].kind == REPORT_TEXT && used < room; i++) {
		if (row->cells[i].type != REPORT_WORDS)
			continue;
		if (used > 0 && strcmp(r->name, "b16") == 0)
			break;
		used += (size_t)snprintf(out + used, room - used, "%s%s", used > 0 ? " / " : "",
		    row->cells[i].words);
	}
}

static size_t
figure_of(const struct example *e, const char *report, size_t block, const char *row,
    const char *column)
{
	const struct csv *csv = &e->figures.csv;

	for (size_t i = 1; i <= csv->n_rows; i++)
		if (strcmp(csv_cell(csv, i, F_REPORT), report) == 0 &&
		    (size_t)atoi(csv_cell(csv, i, F_BLOCK)) == block &&
		    strcmp(csv_cell(csv, i, F_ROW), row) == 0 &&
		    strcmp(csv_cell(csv, i, F_COLUMN), column) == 0)
			return i;
	return 0;
}

static bool
agrees(const struct report_cell *c, const char *wanted)
{
	if (c->type == REPORT_WORDS)
		return strcmp(c->words, wanted) == 0;
	return fabs((c->type == REPORT_REAL ? c->real : (double)c->integer) - atof(wanted)) < 0.001;
}

static void
compare_cell(struct example *e, const struct report *r, size_t block, const char *row,
    size_t column, const struct report_cell *c, size_t run)
{
	size_t i = figure_of(e, r->name, block, row, r->columns[column].title);
	const char *wanted = csv_cell(&e->figures.csv, i, F_FIRST + run);
	bool number = c->type == REPORT_INTEGER || c->type == REPORT_REAL;
	double value = c->type == REPORT_REAL ? c->real : (double)c->integer;

	if (c->type == REPORT_NOTHING || (i == 0 && (!number || value == 0)))
		return;
	if (i == 0) {
		tell(e, "%s %zu, %s, %s, %s of %d months: %.1f is not in the table", r->name, block, row,
		    r->columns[column].title, places[run / PERIODS], run % PERIODS == 0 ? 6 : 12, value);
		return;
	}
	if (*wanted != '\0')
		e->seen[i] = true;
	if ((*wanted != '\0' || number) && !agrees(c, wanted))
		tell(e, "%s %zu, %s, %s, %s of %d months: %.1f%s, by hand %s", r->name, block, row,
		    r->columns[column].title, places[run / PERIODS], run % PERIODS == 0 ? 6 : 12,
		    number ? value : 0, number ? "" : c->words, *wanted != '\0' ? wanted : "0");
}

static void
compare(struct example *e, const struct report *r, size_t run)
{
	const struct csv *csv = &e->figures.csv;
	char name[2048];

	memset(e->seen, 0, (csv->n_rows + 1) * sizeof(*e->seen));
	for (size_t b = 0; b < r->n_blocks; b++)
		for (size_t i = 0; i < r->blocks[b].n_rows; i++) {
			const struct report_row *row = &r->blocks[b].rows[i];

			row_name(r, row, name, sizeof(name));
			for (size_t k = 1; k < r->n_columns; k++)
				compare_cell(e, r, r->blocks[b].number + 1, name, k, &row->cells[k], run);
		}
	for (size_t i = 1; i <= csv->n_rows; i++) {
		const char *wanted = csv_cell(csv, i, F_FIRST + run);

		if (strcmp(csv_cell(csv, i, F_REPORT), r->name) == 0 && !e->seen[i] &&
		    *wanted != '\0' && strcmp(wanted, "0") != 0)
			tell(e, "%s %s, %s, %s, %s of %d months: not shown, by hand %s", r->name,
			    csv_cell(csv, i, F_BLOCK), csv_cell(csv, i, F_ROW), csv_cell(csv, i, F_COLUMN),
			    places[run / PERIODS], run % PERIODS == 0 ? 6 : 12, wanted);
	}
}

static void
run_report(struct example *e, const char *name)
{
	for (size_t run = 0; run < PLACES * PERIODS; run++) {
		struct report_order o = { .name = name, .from = { e->year, 1, 1 },
			.to = { e->year, run % PERIODS == 0 ? 6 : 12, run % PERIODS == 0 ? 30 : 31 },
			.unit = e->unit[run / PERIODS], .lang = FORM_VI };
		struct report *r;

		if (report_run(e->d.db, e->d.forms, &o, &r, &e->d.err) != RC_OK)
			fail_msg("%s: %s: %s", name, e->d.err.where, e->d.err.what);
		compare(e, r, run);
		report_free(r);
		e->runs++;
	}
}

/* Those that the plan's obligations ask for. */
static void
run_reports(struct example *e, const char *number)
{
	struct bytes text;
	struct csv csv;
	bool asked[18] = { false };
	char name[16];

	bytes_init(&text);
	assert_int_equal(files_read("tests/vectors/obligations.csv", 1 << 20, &text, &e->d.err), RC_OK);
	assert_int_equal(csv_parse("obligations.csv", text.data, text.len, &csv, &e->d.err), RC_OK);
	for (size_t row = 1; row <= csv.n_rows; row++) {
		const char *at = csv_cell(&csv, row, 3);

		if (strcmp(csv_cell(&csv, row, 0), number) != 0)
			continue;
		for (; (at = strchr(at, 'b')) != NULL; at++)
			asked[atoi(at + 1)] = true;
	}
	csv_reset(&csv);
	bytes_reset(&text);
	for (int i = 1; i <= 17; i++) {
		snprintf(name, sizeof(name), "b%d", i);
		if (asked[i])
			run_report(e, name);
	}
	for (size_t i = 1; i <= e->figures.csv.n_rows; i++)
		if (!asked[atoi(csv_cell(&e->figures.csv, i, F_REPORT) + 1)])
			tell(e, "%s is not asked for", csv_cell(&e->figures.csv, i, F_REPORT));
}

static void
work_out(const char *plan, const char *number, const char *issuer)
{
	struct form_set *forms = NULL;
	struct example e;
	struct error err;

	memset(&e, 0, sizeof(e));
	error_clear(&err);
	assert_int_equal(form_set_load_embedded(&forms, &err), RC_OK);
	record_desk_open_with(&e.d, 1, forms);
	e.d.now = TODAY;
	e.d.c.lang = FORM_VI;
	snprintf(e.plan, sizeof(e.plan), "%s", plan);
	e.year = atoi(strrchr(plan, '-') + 1);
	open_sheet(&e, "units.csv", &e.units);
	open_sheet(&e, "year.csv", &e.records);
	open_sheet(&e, "figures.csv", &e.figures);
	e.ids = calloc(e.records.csv.n_rows + 1, sizeof(*e.ids));
	e.seen = calloc(e.figures.csv.n_rows + 1, sizeof(*e.seen));
	assert_true(e.ids != NULL && e.seen != NULL);
	enter_units(&e);
	enter(&e, issuer);
	run_reports(&e, number);
	if (e.told > 0)
		fail_msg("%zu figures of %s", e.told, plan);
	assert_true(e.runs > 0);
	free(e.ids);
	free(e.seen);
	close_sheet(&e.units);
	close_sheet(&e.records);
	close_sheet(&e.figures);
	record_desk_close(&e.d);
}

static void
lang_son_2023_gives_the_figures_worked_out_by_hand(void **state)
{
	(void)state;
	work_out("LS-2023", "000", "20");
}

static void
quang_nam_2025_gives_the_figures_worked_out_by_hand(void **state)
{
	(void)state;
	work_out("QNA-2025", "001", "49");
}

static void
thanh_nam_2025_gives_the_figures_worked_out_by_hand(void **state)
{
	(void)state;
	work_out("TN-2025", "002", "13699");
}

static void
soc_trang_2023_gives_the_figures_worked_out_by_hand(void **state)
{
	(void)state;
	work_out("ST-2023", "003", "94");
}

static void
hue_2026_gives_the_figures_worked_out_by_hand(void **state)
{
	(void)state;
	work_out("HUE-2026", "004", "46");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lang_son_2023_gives_the_figures_worked_out_by_hand),
		cmocka_unit_test(quang_nam_2025_gives_the_figures_worked_out_by_hand),
		cmocka_unit_test(thanh_nam_2025_gives_the_figures_worked_out_by_hand),
		cmocka_unit_test(soc_trang_2023_gives_the_figures_worked_out_by_hand),
		cmocka_unit_test(hue_2026_gives_the_figures_worked_out_by_hand),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
