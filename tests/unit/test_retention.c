/* How long what is over is kept.  Days were worked out by hand. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "tests/support/report_world.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "shared/base/clock.h"
#include "shared/records/retention.h"

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

static void
closed(struct report_world *w, int id, const char *reason, const char *on)
{
	char sql[300];

	snprintf(sql, sizeof(sql), "INSERT INTO form_case(" FIXED ", person_id, close_reason, closed_on)"
	    " VALUES (%d, " AT ", 1, nullif('%s', ''), nullif('%s', ''))", id, reason, on);
	report_world_sql(w, sql);
}

static void
review(struct report_world *w, int id, const char *field, int of, const char *at,
    const char *outcome, const char *until)
{
	char sql[300];

	snprintf(sql, sizeof(sql), "INSERT INTO form_retention_review(" FIXED ", %s, reviewed_at, outcome,"
	    " keep_until) VALUES (%d, " AT ", %d, '%s', '%s', nullif('%s', ''))", field, id, of, at,
	    outcome, until);
	report_world_sql(w, sql);
}

/* "id class due state" of each, one a line; state: open, over, erase. */
static void
listed(struct report_world *w, const char *today, long days, const char *wanted)
{
	struct case_desk d = desk(w, today);
	struct retention_list l;
	char got[1000] = "", one[100];

	if (retention_find(&d, days, &l, &w->err) != RC_OK)
		fail_msg("%s: %s", w->err.where, w->err.what);
	for (size_t i = 0; i < l.n; i++) {
		snprintf(one, sizeof(one), "%s%d %s %s %s", i > 0 ? "\n" : "", (int)l.items[i].id,
		    l.items[i].class, l.items[i].due, l.items[i].to_erase ? "erase" :
		    l.items[i].state == CASE_DUE_OVERDUE ? "over" : "open");
		strncat(got, one, sizeof(got) - strlen(got) - 1);
	}
	assert_string_equal(got, wanted);
	retention_reset(&l);
}

static void
a_case_is_to_be_reviewed_so_many_years_after_it_was_closed_by_its_class(void **state)
{
	closed(*state, 10, "SELFWISH", "2020-02-29");
	closed(*state, 11, "NOT_VICTIM", "2024-06-30");
	closed(*state, 12, "DUPLICATE", "2024-07-01");
	closed(*state, 13, "", "");				/* open */
	closed(*state, 14, "OTHER", "2019");		/* some day of that year: the last is meant */
	closed(*state, 15, "OTHER", "2019-02");
	listed(*state, "2025-03-01", 0, "15 CASE_VICTIM 2024-02-28 over\n14 CASE_VICTIM 2024-12-31 over\n"
	    "10 CASE_VICTIM 2025-02-28 over");
	listed(*state, "2025-02-28", -1, "15 CASE_VICTIM 2024-02-28 over\n14 CASE_VICTIM 2024-12-31 over");
	listed(*state, "2025-02-28", 123, "15 CASE_VICTIM 2024-02-28 over\n14 CASE_VICTIM 2024-12-31 over\n"
	    "10 CASE_VICTIM 2025-02-28 open\n11 CASE_NOT_VICTIM 2025-06-30 open\n"
	    "12 CASE_DUPLICATE 2025-07-01 open");
	report_world_sql(*state, "UPDATE form_case SET alive = 0");
	listed(*state, "2045-02-28", 0, "");
}

static void
tips_and_requests_have_their_time_once_they_are_dealt_with(void **state)
{
	report_world_sql(*state, "INSERT INTO form_tip(" FIXED ", received_on, outcome, case_id) VALUES"
	    " (30, " AT ", '2020-01-01', 'FWD_POL', NULL), (31, " AT ", '2020-01-01', 'PENDING', NULL),"
	    " (32, " AT ", '2020-01-01', 'CASE_OPENED', 10), (33, " AT ", '2020-01-01', NULL, NULL)");
	report_world_sql(*state, "INSERT INTO form_subject_request(" FIXED ", person_id, answered_at, do_by,"
	    " done_at) VALUES (20, " AT ", 1, '2020-01-02', NULL, NULL), (21, " AT ", 1, NULL, NULL, NULL),"
	    " (22, " AT ", 1, '2020-01-02', '2020-02-01', NULL),"
	    " (23, " AT ", 1, '2020-01-02', '2020-02-01', '2020-03-04')");
	listed(*state, "2026-01-01", 0, "30 TIP 2022-01-01 over\n20 REQUEST 2025-01-02 over\n"
	    "23 REQUEST 2025-03-04 over");
	review(*state, 40, "tip_id", 30, "2026-01-01", "ERASE", "");
	review(*state, 41, "request_id", 20, "2026-01-01", "KEEP", "2027-01-01");
	listed(*state, "2026-01-01", 0, "23 REQUEST 2025-03-04 over\n30 TIP 2026-01-01 erase");
}

static void
the_last_review_decides_and_of_two_on_one_day_the_one_that_keeps_longest(void **state)
{
	closed(*state, 10, "SELFWISH", "2015-01-01");
	review(*state, 40, "case_id", 10, "2026-01-01", "ERASE", "");
	listed(*state, "2026-01-10", 0, "10 CASE_VICTIM 2026-01-01 erase");
	review(*state, 41, "case_id", 10, "2026-01-01", "KEEP", "2026-01-05");
	listed(*state, "2026-01-10", 0, "10 CASE_VICTIM 2026-01-05 over");
	review(*state, 42, "case_id", 10, "2026-01-01", "KEEP", "2026-01-09");
	listed(*state, "2026-01-10", 0, "10 CASE_VICTIM 2026-01-09 over");
	review(*state, 39, "case_id", 10, "2026-01-02", "KEEP", "2027-01-09");
	listed(*state, "2026-01-10", 300, "");
	report_world_sql(*state, "UPDATE form_retention_review SET alive = 0 WHERE id = 39");
	listed(*state, "2026-01-10", 0, "10 CASE_VICTIM 2026-01-09 over");
	/* opened again: there is nothing to be reviewed */
	report_world_sql(*state, "UPDATE form_case SET close_reason = NULL, closed_on = NULL");
	listed(*state, "2026-01-10", 0, "");
}

/* The shipped forms, with another list of classes; NULL: with none. */
static void
with_classes(struct report_world *w, const char *sheet)
{
	struct form_set *shipped = w->forms, *other = NULL;
	size_t n, kept = 0;
	const struct form_file *files = form_set_files(shipped, &n);
	struct form_file *all = calloc(n, sizeof(*all));

	assert_non_null(all);
	for (size_t i = 0; i < n; i++) {
		if (strcmp(files[i].name, "codes/retention_class.csv") != 0)
			all[kept++] = files[i];
		else if (sheet != NULL)
			all[kept++] = (struct form_file){ files[i].name, (const uint8_t *)sheet, strlen(sheet) };
	}
	if (form_set_load(all, kept, &other, &w->err) != RC_OK)
		fail_msg("%s: %s", w->err.where, w->err.what);
	if (sheet != NULL)
		assert_int_equal(form_set_check_successor(shipped, other, &w->err), RC_OK);
	free(all);
	form_set_free(shipped);
	w->forms = other;
}

#define HEAD "list_name,name,label::Tiếng Việt (vi),label::English (en),years,basis\n"
#define REST "retention_class,CASE_NOT_VICTIM,a,a,0,x\nretention_class,CASE_DUPLICATE,a,a,1,x\n" \
    "retention_class,TIP,a,a,2,x\nretention_class,REQUEST,a,a,5,x\n"

static void
a_province_sets_its_own_terms_by_publishing_the_list(void **state)
{
	struct report_world *w = *state;
	struct case_desk d;
	struct retention_list l;

	/* the tables belong to the forms that are replaced */
	tables_close(w->tables);
	w->tables = NULL;
	closed(w, 10, "SELFWISH", "2015-01-01");
	closed(w, 11, "NOT_VICTIM", "2015-01-01");
	with_classes(w, HEAD "retention_class,CASE_VICTIM,a,a,20,Quyết định 9/QĐ-UBND\n" REST);
	listed(w, "2035-01-02", 0, "10 CASE_VICTIM 2035-01-01 over");	/* 0: never */
	d = desk(w, "2035-01-02");
	assert_int_equal(retention_find(&d, 0, &l, &w->err), RC_OK);
	assert_string_equal(l.items[0].source, "Quyết định 9/QĐ-UBND");
	retention_reset(&l);
	with_classes(w, HEAD "retention_class,CASE_VICTIM,a,a,năm,x\n" REST);
	d = desk(w, "2035-01-02");
	assert_int_equal(retention_find(&d, 0, &l, &w->err), RC_CONFIG);
	assert_string_equal(w->err.where, "CASE_VICTIM");
	retention_reset(&l);
	with_classes(w, HEAD "retention_class,CASE_VICTIM,a,a,201,x\n" REST);
	d = desk(w, "2035-01-02");
	assert_int_equal(retention_find(&d, 0, &l, &w->err), RC_CONFIG);
	retention_reset(&l);
	with_classes(w, NULL);
	listed(w, "2035-01-02", 0, "");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
		    a_case_is_to_be_reviewed_so_many_years_after_it_was_closed_by_its_class, set_up, tear_down),
		cmocka_unit_test_setup_teardown(tips_and_requests_have_their_time_once_they_are_dealt_with,
		    set_up, tear_down),
		cmocka_unit_test_setup_teardown(
		    the_last_review_decides_and_of_two_on_one_day_the_one_that_keeps_longest, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_province_sets_its_own_terms_by_publishing_the_list, set_up,
		    tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
