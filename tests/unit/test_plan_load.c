/* The plans that ship: every row passes its form, and reports, deadlines and obligations see them. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "field/plan_deadline.h"
#include "field/plan_load.h"
#include "shared/base/csv.h"
#include "shared/base/embedded.h"
#include "shared/base/files.h"
#include "shared/records/fold.h"
#include "shared/vault/query.h"
#include "tests/support/record_desk.h"

/* 23 November 2026 */
enum { TODAY = 1795392000 };

struct heard { size_t n; char last[600]; };

static void
hear(void *ctx, const struct plan_load_difference *d)
{
	struct heard *h = ctx;

	h->n++;
	snprintf(h->last, sizeof(h->last), "%s %s %s: %s / %s", d->form, d->row, d->field->name,
	    d->here, d->sheet);
}

static int
set_up(void **state)
{
	struct record_desk *d = calloc(1, sizeof(*d));
	struct form_set *forms = NULL;
	struct error err;

	assert_non_null(d);
	error_clear(&err);
	assert_int_equal(form_set_load_embedded(&forms, &err), RC_OK);
	record_desk_open_with(d, 1, forms);
	d->now = TODAY;
	*state = d;
	return 0;
}

static int
tear_down(void **state)
{
	record_desk_close(*state);
	free(*state);
	return 0;
}

static struct plan_load_counts
load(struct record_desk *d, const char *code, bool replace, struct heard *h)
{
	struct plan_load_sheet sheets[PLAN_LOAD_SHEETS_MAX];
	struct plan_load_counts n;
	size_t n_sheets;
	enum rc rc;

	memset(h, 0, sizeof(*h));
	error_clear(&d->err);
	assert_int_equal(plan_load_shipped(code, sheets, &n_sheets, &d->err), RC_OK);
	assert_int_equal(query_begin(d->db, &d->err), RC_OK);
	rc = plan_load_run(&d->c, sheets, n_sheets, replace, hear, h, &n, &d->err);
	if (rc != RC_OK)
		fail_msg("%s: %s: %s", code, d->err.where, d->err.what);
	assert_int_equal(query_end(d->db, rc, &d->err), RC_OK);
	return n;
}

/* Rows of all sheets of a plan, as a reader of the files counts them. */
static size_t
rows_of(const char *code)
{
	char before[64];
	size_t rows = 0;

	snprintf(before, sizeof(before), "plans/%s/", code);
	for (unsigned long i = 0; i < embedded_count; i++) {
		if (strncmp(embedded_table[i].name, before, strlen(before)) != 0)
			continue;
		for (size_t k = 0; k < embedded_table[i].len; k++)
			rows += embedded_table[i].data[k] == '\n';
		rows--;
	}
	return rows;
}

static int64_t
count(struct record_desk *d, const char *sql)
{
	int64_t n = 0;

	if (query_int(d->db, &d->err, &n, sql, "") != RC_OK)
		fail_msg("%s: %s", sql, d->err.what);
	return n;
}

static struct dot
record(struct record_desk *d, const char *sql)
{
	struct dot id;

	assert_int_equal(record_of_local(d->db, count(d, sql), &id), RC_OK);
	return id;
}

static void
every_plan_loads_row_by_row_through_its_forms(void **state)
{
	struct record_desk *d = *state;
	char code[PLAN_LOAD_CODE_MAX];
	size_t plans = 0;
	struct heard h;

	for (; plan_load_code(plans, code) != NULL; plans++) {
		struct plan_load_counts n = load(d, code, false, &h);

		assert_int_equal(n.added, rows_of(code));
		assert_int_equal(n.changed + n.differing + n.same, 0);
	}
	assert_int_equal(plans, 5);
	assert_int_equal(count(d, "SELECT COUNT(*) FROM form_plan WHERE alive"), 5);
	/* the numeric targets of the five texts (domain.md section 1), that of Huế for its communes
	 * as two, and two that only rise */
	assert_int_equal(count(d, "SELECT COUNT(*) FROM form_plan_target WHERE value = 100"),
	    2 + 3 + 2 + 0 + 4);
	assert_int_equal(count(d, "SELECT COUNT(*) FROM form_plan_target WHERE rising = 'yes'"), 2);
	assert_int_equal(count(d, "SELECT COUNT(*) FROM form_plan_task AS t"
	    " JOIN form_plan AS p ON p.id = t.plan_id WHERE p.code = 'HUE-2026'"), 22);
	assert_int_equal(count(d, "SELECT COUNT(*) FROM form_plan__hotlines WHERE value = '111'"), 3);
}

static void
a_second_loading_adds_nothing(void **state)
{
	struct record_desk *d = *state;
	struct plan_load_counts n;
	struct heard h;

	load(d, "QNA-2025", false, &h);
	n = load(d, "QNA-2025", false, &h);
	assert_int_equal(n.same, rows_of("QNA-2025"));
	assert_int_equal(n.added + n.changed + n.differing + h.n, 0);
	assert_int_equal(count(d, "SELECT COUNT(*) FROM form_plan WHERE alive"), 1);
}

static void
what_differs_is_shown_and_brought_only_when_it_is_wanted(void **state)
{
	struct record_desk *d = *state;
	struct plan_load_counts n;
	struct dot target, plan;
	struct heard h;

	load(d, "LS-2023", false, &h);
	target = record(d, "SELECT id FROM form_plan_target WHERE indicator = 'I2'");
	plan = record(d, "SELECT id FROM form_plan");
	assert_int_equal(record_desk_edit(d, target, NULL, NULL, "value=95", NULL), RC_OK);
	assert_int_equal(record_desk_edit(d, plan, NULL, NULL, "follow_up_months=6", NULL), RC_OK);
	n = load(d, "LS-2023", false, &h);
	assert_int_equal(n.differing, 1);
	assert_int_equal(n.changed, 0);
	assert_int_equal(h.n, 1);
	assert_string_equal(h.last, "plan_target I2 value: 95 / 100");
	record_desk_assert(d, target, "value", "95");
	n = load(d, "LS-2023", true, &h);
	assert_int_equal(n.changed, 1);
	record_desk_assert(d, target, "value", "100");
	/* the sheet says nothing of it */
	record_desk_assert(d, plan, "follow_up_months", "6");
	n = load(d, "LS-2023", true, &h);
	assert_int_equal(n.same, rows_of("LS-2023"));
}

static void
what_was_deleted_or_is_new_in_the_sheets_is_added(void **state)
{
	struct record_desk *d = *state;
	struct heard h;

	load(d, "TN-2025", false, &h);
	assert_int_equal(record_desk_delete(d, record(d, "SELECT id FROM form_plan_task WHERE no = 'III.4'"),
	    NULL), RC_OK);
	assert_int_equal(load(d, "TN-2025", false, &h).added, 1);
}

static void
a_plan_that_does_not_ship_is_not_found(void **state)
{
	struct plan_load_sheet sheets[PLAN_LOAD_SHEETS_MAX];
	struct record_desk *d = *state;
	size_t n;

	assert_int_equal(plan_load_shipped("LS-2031", sheets, &n, &d->err), RC_NOTFOUND);
	assert_int_equal(plan_load_shipped("../forms", sheets, &n, &d->err), RC_NOTFOUND);
}

/* ---- an office's own sheets ---- */

#define PLAN "code,issuer,year,period_6m_start,period_6m_end,period_year_start,period_year_end\n"
#define ROW "HUE-2027,UBND,2027,2027-01-01,2027-06-30,2027-01-01,2027-12-31\n"

static enum rc
load_own(struct record_desk *d, const char *plan, const char *tasks, struct plan_load_counts *n)
{
	struct plan_load_sheet sheets[] = {
		{ "plan_task", "x/plan_task.csv", (const uint8_t *)tasks, strlen(tasks) },
		{ "plan", "x/plan.csv", (const uint8_t *)plan, strlen(plan) },
	};
	struct heard h = { 0, "" };
	struct error ignored;
	enum rc rc;

	error_clear(&d->err);
	error_clear(&ignored);
	assert_int_equal(query_begin(d->db, &d->err), RC_OK);
	rc = plan_load_run(&d->c, sheets, 2, false, hear, &h, n, &d->err);
	assert_int_equal(query_end(d->db, rc, &ignored), rc);
	if (rc != RC_OK)
		fold_discard(d->fold);
	return rc;
}

static void
an_office_enters_its_own_plan(void **state)
{
	struct record_desk *d = *state;
	struct plan_load_counts n;

	assert_int_equal(load_own(d, PLAN ROW, "no;wording;partner_kinds\nI;Truyền thông;CPC,POLP\n", &n), RC_OK);
	assert_int_equal(n.added, 2);
	assert_int_equal(count(d, "SELECT COUNT(*) FROM form_plan_task AS t JOIN form_plan AS p ON p.id = t.plan_id"
	    " WHERE p.code = 'HUE-2027' AND t.no = 'I'"), 1);
	/* in another order of rows and with one more, only that is new */
	assert_int_equal(load_own(d, PLAN ROW, "wording,no\nKinh phí,II\nTruyền thông,I\n", &n), RC_OK);
	assert_int_equal(n.added, 1);
	assert_int_equal(n.same, 2);
}

static void
what_is_wrong_with_a_sheet_is_named_by_line_and_nothing_is_added(void **state)
{
	static const struct { const char *plan, *tasks, *where; enum rc rc; } wrong[] = {
		{ PLAN ROW, "no,wording\nI,a\nII,\n", "x/plan_task.csv:3: plan_task.wording", RC_INVALID },
		{ PLAN ROW, "no,wording,colour\nI,a,b\n", "x/plan_task.csv:2: plan_task.colour", RC_INVALID },
		{ PLAN ROW, "no,wording\nI,a\nI,b\n", "x/plan_task.csv:3: no", RC_INVALID },
		{ PLAN ROW, "no,wording,lead_kind\nI,a,NOBODY\n", "x/plan_task.csv:2: plan_task.lead_kind", RC_INVALID },
		{ PLAN, "no,wording\nI,a\n", "x/plan.csv", RC_INVALID },
		{ PLAN ROW ROW, "no,wording\nI,a\n", "x/plan.csv", RC_INVALID },
		{ PLAN ROW, "no,wording\n\"I,a\n", "x/plan_task.csv:2", RC_FORMAT },
	};
	struct record_desk *d = *state;
	struct plan_load_counts n;

	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		assert_int_equal(load_own(d, wrong[i].plan, wrong[i].tasks, &n), wrong[i].rc);
		if (strncmp(d->err.where, wrong[i].where, strlen(wrong[i].where)) != 0)
			fail_msg("%zu: %s: %s", i, d->err.where, d->err.what);
	}
	assert_int_equal(count(d, "SELECT COUNT(*) FROM form_plan"), 0);
}

static void
a_file_tells_its_form_by_its_name(void **state)
{
	struct record_desk *d = *state;
	const char *form;

	assert_int_equal(plan_load_form_of("2027/plan_task.csv", &form, &d->err), RC_OK);
	assert_string_equal(form, "plan_task");
	assert_int_equal(plan_load_form_of("plan.csv", &form, &d->err), RC_OK);
	assert_string_equal(form, "plan");
	assert_int_equal(plan_load_form_of("plans.csv", &form, &d->err), RC_USAGE);
	assert_int_equal(plan_load_form_of("person.csv", &form, &d->err), RC_USAGE);
}

/* ---- deadlines ---- */

struct lines { char text[8000]; };

static enum rc
write_line(void *ctx, const struct plan_deadline *d)
{
	struct lines *l = ctx;
	size_t used = strlen(l->text);
	char day[11] = "-";

	if (d->dated)
		date_iso(&d->last, day);
	snprintf(l->text + used, sizeof(l->text) - used, "%s %s %s>%s %s\n", day, d->kind, d->from_kind,
	    d->to_kinds, d->via_kind);
	return RC_OK;
}

/* Section 7.3 of the domain's reference: before 20/6 means that 19/6 is the last day. */
static void
the_last_days_are_those_of_the_texts(void **state)
{
	struct record_desk *d = *state;
	struct lines l = { "" };
	struct heard h;

	load(d, "QNA-2025", false, &h);
	load(d, "HUE-2026", false, &h);
	assert_int_equal(plan_deadline_list(d->db, 2025, NULL, write_line, &l, &d->err), RC_OK);
	assert_string_equal(l.text,
	    "2025-06-19 M6 DPC>PPC DOH\n"
	    "2025-12-04 Y1 DPC>PPC DOH\n"
	    "2025-12-14 Y1 DOH>MOH,PPC \n"
	    "- ADHOC DOH>MOH,PPC \n"
	    "- ADHOC DPC>PPC DOH\n");
	l.text[0] = '\0';
	assert_int_equal(plan_deadline_list(d->db, 2026, "CPC", write_line, &l, &d->err), RC_OK);
	assert_string_equal(l.text,
	    "2026-06-19 M6 CPC>DOH \n"
	    "2026-11-29 Y1 CPC>DOH \n"
	    "- ADHOC CPC>PPC \n");
	l.text[0] = '\0';
	assert_int_equal(plan_deadline_list(d->db, 0, "DOH", write_line, &l, &d->err), RC_OK);
	assert_string_equal(l.text,
	    "2025-12-14 Y1 DOH>MOH,PPC \n"
	    "2026-06-29 M6 DOH>PPC \n"
	    "2026-12-04 Y1 DOH>PPC \n"
	    "- ADHOC DOH>MOH,PPC \n"
	    "- ADHOC DOH>PPC \n");
}

static void
a_day_that_is_no_day_is_refused_and_the_first_of_a_month_goes_back(void **state)
{
	struct date d;

	(void)state;
	assert_int_equal(plan_deadline_last(2026, "01/3", true, &d), RC_OK);
	assert_int_equal(d.month * 100 + d.day, 228);
	assert_int_equal(plan_deadline_last(2028, "1/3", true, &d), RC_OK);
	assert_int_equal(d.month * 100 + d.day, 229);
	assert_int_equal(plan_deadline_last(2026, "1/1", true, &d), RC_OK);
	assert_int_equal(d.year, 2025);
	assert_int_equal(plan_deadline_last(2026, "20/6", false, &d), RC_OK);
	assert_int_equal(d.day, 20);
	assert_int_equal(plan_deadline_last(2026, "29/2", false, &d), RC_INVALID);
	assert_int_equal(plan_deadline_last(2026, "206", false, &d), RC_INVALID);
}

/* ---- obligations ---- */

static const char *const plans[] = { "LS-2023", "QNA-2025", "TN-2025", "ST-2023", "HUE-2026" };

/* "II.1-3": II.1, II.2, II.3; "I.2b-c", "III.4 consent": what stands before. */
static void
assert_task(struct record_desk *d, const char *plan, const char *no)
{
	size_t len = strcspn(no, " -abcdefghijklmnopqrstuvwxyz");
	int last = no[len] == '-' ? atoi(no + len + 1) : 0, first = 0;
	char name[32], sql[256];
	const char *dot = strrchr(no, '.');

	if (dot != NULL)
		first = atoi(dot + 1);
	for (int i = first; i <= (last > first ? last : first); i++) {
		if (first > 0)
			snprintf(name, sizeof(name), "%.*s.%d", (int)(dot - no), no, i);
		else
			snprintf(name, sizeof(name), "%.*s", (int)len, no);
		snprintf(sql, sizeof(sql), "SELECT COUNT(*) FROM form_plan_task AS t JOIN form_plan AS p"
		    " ON p.id = t.plan_id WHERE p.code = '%s' AND t.no = '%s'", plan, name);
		if (count(d, sql) != 1)
			fail_msg("%s has no task %s (%s)", plan, name, no);
	}
}

static void
every_obligation_is_a_task_of_its_plan(void **state)
{
	struct record_desk *d = *state;
	struct bytes text;
	struct csv csv;
	struct heard h;
	size_t seen = 0;

	bytes_init(&text);
	for (size_t i = 0; i < sizeof(plans) / sizeof(plans[0]); i++)
		load(d, plans[i], false, &h);
	assert_int_equal(files_read("tests/vectors/obligations.csv", 1 << 20, &text, &d->err), RC_OK);
	assert_int_equal(csv_parse("obligations.csv", text.data, text.len, &csv, &d->err), RC_OK);
	for (size_t row = 1; row <= csv.n_rows; row++) {
		const char *no = csv_cell(&csv, row, 1);

		if (strcmp(no, "end") == 0)
			continue;
		assert_task(d, plans[atoi(csv_cell(&csv, row, 0))], no);
		seen++;
	}
	assert_true(seen >= 80);
	csv_reset(&csv);
	bytes_reset(&text);
}

#define T(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(every_plan_loads_row_by_row_through_its_forms),
		T(a_second_loading_adds_nothing),
		T(what_differs_is_shown_and_brought_only_when_it_is_wanted),
		T(what_was_deleted_or_is_new_in_the_sheets_is_added),
		T(a_plan_that_does_not_ship_is_not_found),
		T(an_office_enters_its_own_plan),
		T(what_is_wrong_with_a_sheet_is_named_by_line_and_nothing_is_added),
		T(a_file_tells_its_form_by_its_name),
		T(the_last_days_are_those_of_the_texts),
		T(a_day_that_is_no_day_is_refused_and_the_first_of_a_month_goes_back),
		T(every_obligation_is_a_task_of_its_plan),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
