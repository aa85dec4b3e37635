/* The register of requests.  Days were worked out by hand on a calendar of 2026. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "tests/support/report_world.h"

#include <stdio.h>
#include <string.h>

#include "shared/base/clock.h"
#include "shared/records/subject_request.h"

#define FIXED "id, unit, created_at, alive, conflicts"
#define AT "'06184', 0, 1, 0"

static struct case_rules *rules;

static int
set_up(void **state)
{
	struct error err;

	(void)report_world_set_up(state);
	assert_int_equal(case_rules_load(&rules, &err), RC_OK);
	report_world_sql(*state, "INSERT INTO form_person(" FIXED ", pseudonym_code, full_name) VALUES"
	    " (1, " AT ", 'DD-01', 'Đặng Thị Hòa')");
	report_world_sql(*state, "INSERT INTO form_case(" FIXED ", person_id, class, recv_date,"
	    " close_reason, closed_on) VALUES (10, " AT ", 1, 'V_VN', '2025-03-02', 'SELFWISH',"
	    " '2025-09-01')");
	return 0;
}

static int
tear_down(void **state)
{
	case_rules_free(rules);
	return report_world_tear_down(state);
}

static struct case_desk
desk(const struct report_world *w, const char *today)
{
	struct date d;

	assert_int_equal(date_parse(today, &d), RC_OK);
	return (struct case_desk){ w->db, w->forms, rules, date_to_days(&d) };
}

/* id, kind, received, answered, do_by, done; "" is nothing. */
static void
request(struct report_world *w, int id, const char *kind, const char *received,
    const char *answered, const char *do_by, const char *done)
{
	char sql[500];

	snprintf(sql, sizeof(sql), "INSERT INTO form_subject_request(" FIXED ", case_id, kind,"
	    " received_at, answered_at, outcome, do_by, done_at) VALUES (%d, " AT ", 10, '%s',"
	    " nullif('%s', ''), nullif('%s', ''), CASE WHEN '%s' <> '' THEN 'ACCEPTED' END,"
	    " nullif('%s', ''), nullif('%s', ''))", id, kind, received, answered, answered, do_by, done);
	report_world_sql(w, sql);
}

/* "id due state[ doing]" of each, one a line. */
static void
listed(struct report_world *w, const char *today, bool open_only, const char *wanted)
{
	static const char *const states[] = { "open", "overdue", "met", "late", "extended", "ended" };
	struct case_desk d = desk(w, today);
	struct subject_request_list l;
	char got[1000] = "", one[100];

	assert_int_equal(subject_request_find(&d, open_only, &l, &w->err), RC_OK);
	for (size_t i = 0; i < l.n; i++) {
		const struct subject_request *r = &l.items[i];

		snprintf(one, sizeof(one), "%s%d %s %s%s%s", i > 0 ? "\n" : "", (int)r->id, r->due,
		    states[r->state], *r->do_by != '\0' ? " " : "",
		    *r->do_by != '\0' ? states[r->doing] : "");
		strncat(got, one, sizeof(got) - strlen(got) - 1);
		assert_string_equal(r->code, "DD-01");
		assert_int_equal(r->person, 1);
	}
	assert_string_equal(got, wanted);
	subject_request_reset(&l);
}

static void
an_answer_is_due_two_working_days_after_the_request_came(void **state)
{
	request(*state, 20, "ACCESS", "2026-11-19", "", "", "");	/* Thursday: Friday, Monday */
	request(*state, 21, "ERASE", "2026-08-28", "", "", "");	/* Friday: Monday 31/8, 1-2/9 are off, Thursday */
	listed(*state, "2026-11-23", false, "21 2026-09-03 overdue\n20 2026-11-23 open");
	listed(*state, "2026-11-24", false, "21 2026-09-03 overdue\n20 2026-11-23 overdue");
}

static void
what_was_answered_was_in_time_or_late_for_ever(void **state)
{
	request(*state, 20, "ACCESS", "2026-11-19", "2026-11-23", "", "");
	request(*state, 21, "KNOW", "2026-11-19", "2026-11-24", "", "");
	listed(*state, "2026-12-30", false, "20 2026-11-23 met\n21 2026-11-23 late");
	listed(*state, "2026-12-30", true, "");
}

static void
what_was_promised_is_open_until_it_is_done(void **state)
{
	request(*state, 20, "ERASE", "2026-11-19", "2026-11-20", "2026-11-30", "");
	listed(*state, "2026-11-30", true, "20 2026-11-23 met open");
	listed(*state, "2026-12-01", true, "20 2026-11-23 met overdue");
	report_world_sql(*state, "UPDATE form_subject_request SET done_at = '2026-12-02'");
	listed(*state, "2026-12-02", true, "");
	listed(*state, "2026-12-02", false, "20 2026-11-23 met late");
}

static void
a_year_without_holidays_is_marked(void **state)
{
	struct case_desk d = desk(*state, "2028-01-04");
	struct report_world *w = *state;
	struct subject_request_list l;

	request(w, 20, "ACCESS", "2027-12-31", "", "", "");
	assert_int_equal(subject_request_find(&d, true, &l, &w->err), RC_OK);
	assert_false(l.items[0].sure);
	subject_request_reset(&l);
}

static void
due(struct report_world *w, const char *today, long within, const char *wanted)
{
	struct case_desk d = desk(w, today);
	struct case_due_list l = { .n = 0 };
	char got[1000] = "", one[100];

	assert_int_equal(case_story_due(&d, within, &l, &w->err), RC_OK);
	for (size_t i = 0; i < l.n; i++) {
		snprintf(one, sizeof(one), "%s%s %s %s %d %d", i > 0 ? "\n" : "", l.items[i].deadline.due,
		    l.items[i].code, l.items[i].deadline.rule, (int)l.items[i].id,
		    (int)l.items[i].deadline.record);
		strncat(got, one, sizeof(got) - strlen(got) - 1);
	}
	assert_string_equal(got, wanted);
	case_story_due_reset(&l);
}

static void
requests_stand_on_the_list_of_what_is_due_though_their_case_is_closed(void **state)
{
	uint64_t open, overdue;
	struct case_desk d = desk(*state, "2026-11-25");
	struct report_world *w = *state;

	report_world_sql(w, "INSERT INTO form_case(" FIXED ", person_id, class, recv_date) VALUES"
	    " (11, " AT ", 1, 'V_VN', '2026-11-18')");
	request(w, 20, "ACCESS", "2026-11-19", "", "", "");
	request(w, 21, "ERASE", "2026-11-19", "2026-11-20", "2026-11-30", "");
	request(w, 22, "KNOW", "2026-11-19", "2026-11-20", "", "");
	due(w, "2026-11-20", 30, "2026-11-21 DD-01 INITVER 11 11\n2026-11-23 DD-01 REQUEST 0 20\n"
	    "2026-11-30 DD-01 REQUEST_DO 0 21");
	due(w, "2026-11-20", 3, "2026-11-21 DD-01 INITVER 11 11\n2026-11-23 DD-01 REQUEST 0 20");
	assert_int_equal(subject_request_count(&d, &open, &overdue, &w->err), RC_OK);
	assert_int_equal(open, 2);
	assert_int_equal(overdue, 1);
	report_world_sql(w, "UPDATE form_subject_request SET alive = 0");
	assert_int_equal(subject_request_count(&d, &open, &overdue, &w->err), RC_OK);
	assert_int_equal(open + overdue, 0);
}

/* Codes with what they are about, one blank between. */
static void
warned(struct report_world *w, const char *wanted)
{
	struct case_desk d = desk(w, "2026-11-25");
	struct case_story s;
	char got[500] = "", one[100];

	assert_int_equal(case_story_tell(&d, 10, &s, &w->err), RC_OK);
	for (size_t i = 0; i < s.n_warnings; i++) {
		snprintf(one, sizeof(one), "%s%s:%s", i > 0 ? " " : "", s.warnings[i].code,
		    s.warnings[i].about);
		strncat(got, one, sizeof(got) - strlen(got) - 1);
	}
	assert_string_equal(got, wanted);
	case_story_reset(&s);
}

static void
a_request_that_waits_and_one_that_restricts_are_warned_of_in_the_case(void **state)
{
	warned(*state, "");
	request(*state, 20, "RESTRICT", "2026-11-19", "", "", "");
	warned(*state, "REQUEST_OPEN:RESTRICT");
	report_world_sql(*state, "UPDATE form_subject_request SET answered_at = '2026-11-20', outcome = 'DONE'");
	warned(*state, "RESTRICTED:RESTRICT");
	report_world_sql(*state, "UPDATE form_subject_request SET outcome = 'REFUSED'");
	warned(*state, "");
	report_world_sql(*state, "UPDATE form_subject_request SET kind = 'ACCESS', outcome = 'DONE'");
	warned(*state, "");
	/* of the person, whatever the case; and not of another case */
	report_world_sql(*state, "UPDATE form_subject_request SET kind = 'OBJECT', case_id = NULL, person_id = 1");
	warned(*state, "RESTRICTED:OBJECT");
	report_world_sql(*state, "UPDATE form_subject_request SET case_id = 99");
	warned(*state, "");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(an_answer_is_due_two_working_days_after_the_request_came,
		    set_up, tear_down),
		cmocka_unit_test_setup_teardown(what_was_answered_was_in_time_or_late_for_ever, set_up, tear_down),
		cmocka_unit_test_setup_teardown(what_was_promised_is_open_until_it_is_done, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_year_without_holidays_is_marked, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
		    requests_stand_on_the_list_of_what_is_due_though_their_case_is_closed, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
		    a_request_that_waits_and_one_that_restricts_are_warned_of_in_the_case, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
