/* Who owes which report until when, and what has become of it.  Days by hand. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "field/plan_deadline.h"
#include "field/report_duty.h"
#include "field/submission.h"
#include "sync-server/authority.h"
#include "tests/support/province.h"

enum { TEXT_MAX = 4096 };

static struct date
day(const char *iso)
{
	struct date d;

	assert_int_equal(date_parse(iso, &d), RC_OK);
	return d;
}

/* About noon of that day in Viet Nam. */
static void
today(struct province *p, const char *iso)
{
	struct date d = day(iso);

	p->now = date_to_days(&d) * 86400 + 5 * 3600;
}

/* A new laptop, of June: its invitation is not out of date when it first comes. */
static struct workspace *
device(struct province *p, const char *unit, enum identity_role role, const char *name)
{
	today(p, "2026-06-15");
	return province_device(p, unit, role, name);
}

static void
ask(struct workspace *ws, const char *plan_id, const char *kind, const char *from, const char *until,
    const char *strict)
{
	const char *const deadline[] = { "plan_id", plan_id, "kind", kind, "from_kind", from, "to_kinds",
		"DOH", until != NULL ? "month_day" : NULL, until, "strict_before", strict, NULL };

	province_add(ws, "plan_deadline", deadline);
}

/* A plan of 2026 on record in the device's unit. */
static void
plan(struct workspace *ws, const char *code, char id[DOT_TEXT_MAX])
{
	const char *const fields[] = { "code", code, "issuer", "UBND tỉnh", "year", "2026", "level",
		"PROV", "period_6m_start", "2026-01-01", "period_6m_end", "2026-06-30",
		"period_year_start", "2026-01-01", "period_year_end", "2026-12-31", NULL };
	struct dot dot = province_add(ws, "plan", fields);

	dot_text(&dot, id);
}

/* Half a year from communes before 20/6, from the department before 30/6; a year by 5/12. */
static void
plan_of_province(struct workspace *office)
{
	char id[DOT_TEXT_MAX];

	plan(office, "LS-2026", id);
	ask(office, id, "M6", "CPC", "20/6", "yes");
	ask(office, id, "M6", "DOH", "30/6", "yes");
	ask(office, id, "Y1", "CPC", "5/12", "no");
	ask(office, id, "M6", "POLP", "20/6", "yes");
	ask(office, id, "ADHOC", "CPC", NULL, NULL);
}

static struct dot
submit(struct workspace *ws)
{
	const struct submission_order o = { .plan = "LS-2026", .kind = "M6", .from = { 2026, 1, 1 },
		.to = { 2026, 6, 14 } };
	struct error err = { 0 };
	struct dot id;

	if (submission_submit(ws, &o, FORM_EN, &id, &err) != RC_OK)
		fail_msg("%s: %s", err.where, err.what);
	return id;
}

static void
answer(struct workspace *ws, struct dot id, bool accept)
{
	struct error err = { 0 };
	struct dot dot;

	assert_int_equal(submission_answer(ws, &id, accept, "Thiếu phần kinh phí", FORM_EN, &dot, &err),
	    RC_OK);
}

/* A line each: last day, unit, kind, state, whether late, first sent, version. */
static void
assert_duties(struct workspace *ws, const char *on, const char *expected)
{
	struct report_duty_list list;
	struct error err = { 0 };
	char text[TEXT_MAX] = "";
	struct date d = day(on);
	size_t used = 0;

	assert_int_equal(report_duty_find(ws, NULL, &d, false, &list, &err), RC_OK);
	for (size_t i = 0; i < list.n && used < sizeof(text); i++) {
		const struct report_duty *v = &list.items[i];
		char last[11] = "-";

		if (v->dated)
			date_iso(&v->last, last);
		used += (size_t)snprintf(text + used, sizeof(text) - used, "%s %s %s %s%s %s %lld\n", last,
		    *v->unit != '\0' ? v->unit : v->from_kind, v->kind, report_duty_code(v->state),
		    v->late ? " late" : "", v->submitted, (long long)v->version);
	}
	report_duty_reset(&list);
	assert_string_equal(text, expected);
}

static void
before_20_june_is_kept_on_the_19th_and_late_on_the_20th(void **state)
{
	struct province *p = *state;
	struct workspace *office = device(p, "20", ROLE_SUPERVISOR, "Vi Thị Mai");

	plan_of_province(office);
	assert_duties(office, "2026-06-19",
	    "2026-06-19 06001 M6 MISSING  0\n"
	    "2026-06-19 06002 M6 MISSING  0\n"
	    "2026-06-19 POLP M6 OUTSIDE  0\n"
	    "2026-06-29 20 M6 MISSING  0\n"
	    "2026-12-05 06001 Y1 MISSING  0\n"
	    "2026-12-05 06002 Y1 MISSING  0\n");
	assert_duties(office, "2026-06-20",
	    "2026-06-19 06001 M6 OVERDUE late  0\n"
	    "2026-06-19 06002 M6 OVERDUE late  0\n"
	    "2026-06-19 POLP M6 OUTSIDE  0\n"
	    "2026-06-29 20 M6 MISSING  0\n"
	    "2026-12-05 06001 Y1 MISSING  0\n"
	    "2026-12-05 06002 Y1 MISSING  0\n");
	workspace_close(office);
}

/* What was not asked for yet, and what is a year past, is not told. */
static void
only_periods_that_have_begun_are_told_for_a_year(void **state)
{
	struct province *p = *state;
	struct workspace *office = device(p, "20", ROLE_SUPERVISOR, "Vi Thị Mai");
	struct report_duty_list list;
	struct error err = { 0 };
	struct date d = day("2040-01-01");

	plan_of_province(office);
	assert_duties(office, "2025-12-31", "");
	assert_duties(office, "2027-07-01",
	    "2026-12-05 06001 Y1 OVERDUE late  0\n"
	    "2026-12-05 06002 Y1 OVERDUE late  0\n");
	assert_duties(office, "2027-12-07", "");
	assert_int_equal(report_duty_find(office, "LS-2026", &d, false, &list, &err), RC_OK);
	assert_int_equal(list.n, 6);
	report_duty_reset(&list);
	assert_int_equal(report_duty_find(office, "LS-2025", &d, false, &list, &err), RC_OK);
	assert_int_equal(list.n, 0);
	report_duty_reset(&list);
	workspace_close(office);
}

static void
what_was_sent_returned_and_accepted_is_told_and_what_came_late(void **state)
{
	struct province *p = *state;
	struct workspace *office = device(p, "20", ROLE_SUPERVISOR, "Vi Thị Mai");
	struct workspace *one = device(p, "06001", ROLE_SUPERVISOR, "Triệu Thị Dao");
	struct workspace *two = device(p, "06002", ROLE_SUPERVISOR, "Lý A Sáng");
	struct dot first, second;

	plan_of_province(office);
	today(p, "2026-06-18");
	first = submit(one);
	province_sync(p, one);
	province_sync(p, office);
	assert_duties(office, "2026-06-18",
	    "2026-06-19 06001 M6 SUBMITTED 2026-06-18 1\n"
	    "2026-06-19 06002 M6 MISSING  0\n"
	    "2026-06-19 POLP M6 OUTSIDE  0\n"
	    "2026-06-29 20 M6 MISSING  0\n"
	    "2026-12-05 06001 Y1 MISSING  0\n"
	    "2026-12-05 06002 Y1 MISSING  0\n");
	today(p, "2026-06-21");
	answer(office, first, false);
	(void)submit(two);
	province_sync(p, two);
	province_sync(p, office);
	assert_duties(office, "2026-06-22",
	    "2026-06-19 06001 M6 RETURNED late 2026-06-18 1\n"
	    "2026-06-19 06002 M6 SUBMITTED late 2026-06-21 1\n"
	    "2026-06-19 POLP M6 OUTSIDE  0\n"
	    "2026-06-29 20 M6 MISSING  0\n"
	    "2026-12-05 06001 Y1 MISSING  0\n"
	    "2026-12-05 06002 Y1 MISSING  0\n");
	province_sync(p, one);
	today(p, "2026-06-23");
	second = submit(one);
	province_sync(p, one);
	province_sync(p, office);
	answer(office, second, true);
	assert_duties(office, "2026-06-30",
	    "2026-06-19 06001 M6 ACCEPTED 2026-06-18 2\n"
	    "2026-06-19 06002 M6 SUBMITTED late 2026-06-21 1\n"
	    "2026-06-19 POLP M6 OUTSIDE  0\n"
	    "2026-06-29 20 M6 OVERDUE late  0\n"
	    "2026-12-05 06001 Y1 MISSING  0\n"
	    "2026-12-05 06002 Y1 MISSING  0\n");
	/* as it stood before */
	assert_duties(office, "2026-06-17",
	    "2026-06-19 06001 M6 MISSING  0\n"
	    "2026-06-19 06002 M6 MISSING  0\n"
	    "2026-06-19 POLP M6 OUTSIDE  0\n"
	    "2026-06-29 20 M6 MISSING  0\n"
	    "2026-12-05 06001 Y1 MISSING  0\n"
	    "2026-12-05 06002 Y1 MISSING  0\n");
	workspace_close(office);
	workspace_close(one);
	workspace_close(two);
}

/* The province's plan copied by a commune, with the deadlines of all. */
static void
a_commune_is_told_its_own_and_the_province_tells_a_copy_once(void **state)
{
	struct province *p = *state;
	struct workspace *office = device(p, "20", ROLE_SUPERVISOR, "Vi Thị Mai");
	struct workspace *chair = device(p, "06001", ROLE_SUPERVISOR, "Triệu Thị Dao");
	struct workspace *worker = device(p, "06001", ROLE_CASEWORKER, "Nông Thị Lan");
	struct workspace *analyst = device(p, "20", ROLE_ANALYST, "Lý Văn Số");
	char id[DOT_TEXT_MAX];

	plan_of_province(office);
	plan(worker, "LS-2026", id);
	ask(worker, id, "M6", "CPC", "20/6", "yes");
	ask(worker, id, "M6", "DOH", "30/6", "yes");
	ask(worker, id, "M6", "POLP", "20/6", "yes");
	province_sync(p, worker);
	today(p, "2026-06-18");
	(void)submit(chair);
	province_sync(p, chair);
	province_sync(p, worker);
	province_sync(p, office);
	province_sync(p, analyst);
	assert_duties(chair, "2026-06-20", "2026-06-19 06001 M6 SUBMITTED 2026-06-18 1\n");
	/* who does not read reports is told the day, and no more */
	assert_duties(worker, "2026-06-20", "2026-06-19 06001 M6 UNKNOWN  0\n");
	assert_duties(analyst, "2026-06-20", "");
	assert_duties(office, "2026-06-20",
	    "2026-06-19 06001 M6 SUBMITTED 2026-06-18 1\n"
	    "2026-06-19 06002 M6 OVERDUE late  0\n"
	    "2026-06-19 POLP M6 OUTSIDE  0\n"
	    "2026-06-29 20 M6 MISSING  0\n"
	    "2026-12-05 06001 Y1 MISSING  0\n"
	    "2026-12-05 06002 Y1 MISSING  0\n");
	workspace_close(office);
	workspace_close(chair);
	workspace_close(worker);
	workspace_close(analyst);
}

/* A ward's own plan, without a day. */
static void
a_plan_of_a_commune_asks_nothing_of_others_and_no_day_is_never_late(void **state)
{
	struct province *p = *state;
	struct workspace *office = device(p, "20", ROLE_SUPERVISOR, "Vi Thị Mai");
	struct workspace *chair = device(p, "06001", ROLE_SUPERVISOR, "Triệu Thị Dao");
	char id[DOT_TEXT_MAX];

	plan(chair, "XA-2026", id);
	ask(chair, id, "SECTION", "CSO", NULL, NULL);
	province_sync(p, chair);
	province_sync(p, office);
	assert_duties(office, "2027-12-30", "- 06001 SECTION MISSING  0\n");
	workspace_close(office);
	workspace_close(chair);
}

/* 06002 went up in 06001 on the last day of June. */
static void
a_unit_that_is_not_there_any_more_on_the_day_owes_nothing(void **state)
{
	static const char merged[] =
	    "code,full_name_vi,name_vi,level,kind,parent_code,valid_from,valid_to,successor_code\n"
	    "20,Tỉnh Lạng Sơn,Lạng Sơn,PROV,TINH,,,,\n"
	    "06001,Xã Thử Một,Thử Một,COMM,XA,20,,,\n"
	    "06002,Xã Thử Hai,Thử Hai,COMM,XA,20,,2026-06-30,06001\n";
	struct province *p = *state;
	struct workspace *office = device(p, "20", ROLE_SUPERVISOR, "Vi Thị Mai");
	struct authority_import units;
	struct error err = { 0 };

	plan_of_province(office);
	assert_int_equal(authority_import_units(p->authority, "units.csv", (const uint8_t *)merged,
	    sizeof(merged) - 1, NULL, &units, &err), RC_OK);
	province_meet(p);
	province_sync(p, office);
	assert_duties(office, "2026-07-01",
	    "2026-06-19 06001 M6 OVERDUE late  0\n"
	    "2026-06-19 06002 M6 OVERDUE late  0\n"
	    "2026-06-19 POLP M6 OUTSIDE  0\n"
	    "2026-06-29 20 M6 OVERDUE late  0\n"
	    "2026-12-05 06001 Y1 MISSING  0\n");
	workspace_close(office);
}

static void
the_last_day_is_the_first_that_fits_the_period(void **state)
{
	static const struct {
		const char *from, *to, *month_day;
		bool strict;
		const char *last;	/* NULL: there is none */
	} cases[] = {
		{ "2026-01-01", "2026-06-30", "20/6", true, "2026-06-19" },
		{ "2026-01-01", "2026-06-30", "10/7", false, "2026-07-10" },
		{ "2025-12-15", "2026-06-14", "20/6", true, "2026-06-19" },
		{ "2026-01-01", "2026-12-31", "30/11", true, "2026-11-29" },
		{ "2026-01-01", "2026-12-31", "1/1", true, "2026-12-31" },
		{ "2026-01-01", "2026-12-31", "15/1", true, "2027-01-14" },
		{ "2025-12-15", "2026-12-14", "05/12", true, "2026-12-04" },
		{ "2026-01-01", "2026-12-31", "1/3", true, "2027-02-28" },
		{ "2026-01-01", "2026-12-31", "31/11", false, NULL },
		{ "2026-01-01", "2026-12-31", "2011", false, NULL },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct date from = day(cases[i].from), to = day(cases[i].to), last;
		enum rc rc = plan_deadline_of(&from, &to, cases[i].month_day, cases[i].strict, &last);
		char text[11];

		assert_int_equal(rc, cases[i].last != NULL ? RC_OK : RC_INVALID);
		if (cases[i].last == NULL)
			continue;
		date_iso(&last, text);
		assert_string_equal(text, cases[i].last);
	}
}

#define T(f) cmocka_unit_test_setup_teardown(f, province_set_up, province_tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(before_20_june_is_kept_on_the_19th_and_late_on_the_20th),
		T(only_periods_that_have_begun_are_told_for_a_year),
		T(what_was_sent_returned_and_accepted_is_told_and_what_came_late),
		T(a_commune_is_told_its_own_and_the_province_tells_a_copy_once),
		T(a_plan_of_a_commune_asks_nothing_of_others_and_no_day_is_never_late),
		T(a_unit_that_is_not_there_any_more_on_the_day_owes_nothing),
		cmocka_unit_test(the_last_day_is_the_first_that_fits_the_period),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
