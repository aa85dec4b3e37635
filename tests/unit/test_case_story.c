/* One case from what was recorded of it.  Days were worked out by hand; the regime is R2024 throughout. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "tests/support/report_world.h"

#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "shared/records/case_story.h"

#define FIXED "id, unit, created_at, alive, conflicts"
#define AT "'06184', 0, 1, 0"

static struct case_rules *rules;

/* Person 1 and case 10, received on Monday 2 March 2026. */
static int
set_up(void **state)
{
	struct error err;

	(void)report_world_set_up(state);
	assert_int_equal(case_rules_load(&rules, &err), RC_OK);
	report_world_sql(*state, "INSERT INTO form_person(" FIXED ", pseudonym_code, birth_date) VALUES"
	    " (1, " AT ", 'DD-01', '1998')");
	report_world_sql(*state, "INSERT INTO form_case(" FIXED ", person_id, case_no, class, recv_channel,"
	    " recv_date, risk_level) VALUES (10, " AT ", 1, 'LS/7', 'V_VN', 'GATE', '2026-03-02', 'LOW')");
	return 0;
}

static int
tear_down(void **state)
{
	case_rules_free(rules);
	return report_world_tear_down(state);
}

static int64_t
days(const char *iso)
{
	struct date d;

	assert_int_equal(date_parse(iso, &d), RC_OK);
	return date_to_days(&d);
}

static struct case_desk
desk(const struct report_world *w, const char *today)
{
	return (struct case_desk){ w->db, w->forms, rules, days(today) };
}

static struct case_story
tell(struct report_world *w, const char *today)
{
	struct case_desk d = desk(w, today);
	struct case_story s;

	if (case_story_tell(&d, 10, &s, &w->err) != RC_OK)
		fail_msg("%s: %s", w->err.where, w->err.what);
	return s;
}

static void
stage_and_state(struct report_world *w, const char *stage, const char *state)
{
	struct case_story s = tell(w, "2026-03-20");

	assert_string_equal(s.stage, stage);
	assert_string_equal(s.state, state);
	case_story_reset(&s);
}

static void
event(struct report_world *w, int id, const char *code, const char *at)
{
	char sql[300];

	snprintf(sql, sizeof(sql), "INSERT INTO form_case_event(" FIXED ", case_id, event, at) VALUES"
	    " (%d, " AT ", 10, '%s', '%s')", id, code, at);
	report_world_sql(w, sql);
}

/* "rule month state due done", one a line. */
static void
deadlines(struct report_world *w, const char *today, const char *wanted)
{
	static const char *const states[] = { "open", "overdue", "met", "late", "extended", "ended" };
	struct case_story s = tell(w, today);
	char got[2000] = "", line[120];

	for (size_t i = 0; i < s.n_deadlines; i++) {
		const struct case_deadline *d = &s.deadlines[i];

		snprintf(line, sizeof(line), "%s%s %ld %s %s %s", i > 0 ? "\n" : "", d->rule, d->month,
		    states[d->state], d->due, d->done);
		strncat(got, line, sizeof(got) - strlen(got) - 1);
	}
	assert_string_equal(got, wanted);
	case_story_reset(&s);
}

/* Codes of the warnings, "CODE:about", with blanks between. */
static void
warnings(struct report_world *w, const char *today, const char *wanted)
{
	struct case_story s = tell(w, today);
	char got[1000] = "", one[100];

	for (size_t i = 0; i < s.n_warnings; i++) {
		snprintf(one, sizeof(one), "%s%s%s%s", i > 0 ? " " : "", s.warnings[i].code,
		    *s.warnings[i].about != '\0' ? ":" : "", s.warnings[i].about);
		strncat(got, one, sizeof(got) - strlen(got) - 1);
	}
	assert_string_equal(got, wanted);
	case_story_reset(&s);
}

static const char *
consent_state(struct report_world *w, const char *today, const char *kind, char out[24])
{
	struct case_story s = tell(w, today);

	out[0] = '\0';
	for (size_t i = 0; i < s.n_consents; i++)
		if (strcmp(s.consents[i].kind, kind) == 0)
			snprintf(out, 24, "%s", s.consents[i].state);
	case_story_reset(&s);
	return out;
}

/* Stage and state ---------------------------------------------------------------- */

static void
the_stage_is_the_furthest_event_that_nobody_corrected(void **state)
{
	stage_and_state(*state, "", "OPEN_INFO");
	event(*state, 100, "S02_RECEIVE", "2026-03-02");
	stage_and_state(*state, "S02_RECEIVE", "OPEN_INFO");
	event(*state, 101, "S06_IDENT", "2026-03-03");
	event(*state, 102, "S04_INITVER", "2026-03-09");
	stage_and_state(*state, "S06_IDENT", "IN_VERIFICATION");
	event(*state, 103, "NOTIFY", "2026-03-10");
	stage_and_state(*state, "S06_IDENT", "IN_VERIFICATION");
	report_world_sql(*state, "UPDATE form_case_event SET voids = 101 WHERE id = 102");
	stage_and_state(*state, "S04_INITVER", "IN_VERIFICATION");
	report_world_sql(*state, "UPDATE form_case_event SET alive = 0 WHERE id = 102");
	stage_and_state(*state, "S06_IDENT", "IN_VERIFICATION");
}

static void
support_and_follow_up_show_once_the_person_is_identified(void **state)
{
	event(*state, 100, "S03_INITSUP", "2026-03-02");
	stage_and_state(*state, "S03_INITSUP", "OPEN_INFO");
	report_world_sql(*state, "UPDATE form_case SET ident_result = 'PENDING'");
	stage_and_state(*state, "S03_INITSUP", "IN_VERIFICATION");
	event(*state, 101, "S10_SERVE", "2026-03-12");
	stage_and_state(*state, "S10_SERVE", "IN_VERIFICATION");
	report_world_sql(*state, "UPDATE form_case SET ident_result = 'VICTIM'");
	stage_and_state(*state, "S10_SERVE", "IN_SUPPORT");
	report_world_sql(*state, "INSERT INTO form_follow_up(" FIXED ", case_id, due) VALUES"
	    " (200, " AT ", 10, '2026-03-18')");
	stage_and_state(*state, "S10_SERVE", "IN_SUPPORT");
	report_world_sql(*state, "UPDATE form_follow_up SET done_at = '2026-03-18'");
	stage_and_state(*state, "S10_SERVE", "FOLLOW_UP");
	report_world_sql(*state, "UPDATE form_case SET ident_result = 'NOT_VICTIM'");
	stage_and_state(*state, "S10_SERVE", "NOT_VICTIM");
	report_world_sql(*state, "UPDATE form_case SET close_reason = 'MOVED', closed_on = '2026-03-19'");
	stage_and_state(*state, "S10_SERVE", "CLOSED_REFERRED");
	report_world_sql(*state, "UPDATE form_case SET close_reason = 'NOT_VICTIM'");
	stage_and_state(*state, "S10_SERVE", "CLOSED");
}

static void
a_minor_who_came_along_is_supported_without_identification(void **state)
{
	report_world_sql(*state, "UPDATE form_case SET class = 'U18_VN'");
	stage_and_state(*state, "", "OPEN_INFO");
	event(*state, 100, "S10_SERVE", "2026-03-02");
	stage_and_state(*state, "S10_SERVE", "IN_SUPPORT");
}

static void
an_event_of_closing_closes_and_is_told(void **state)
{
	event(*state, 100, "S15_CLOSE", "2026-03-10");
	report_world_sql(*state, "UPDATE form_case_event SET close_reason = 'MOVED'");
	stage_and_state(*state, "S15_CLOSE", "CLOSED_REFERRED");
	warnings(*state, "2026-03-20", "CLOSING_DIFFERS");
	report_world_sql(*state, "UPDATE form_case SET close_reason = 'MOVED', closed_on = '2026-03-10'");
	warnings(*state, "2026-03-20", "");
}

static void
the_law_is_that_of_the_reception_unless_another_is_chosen(void **state)
{
	struct case_story s;

	report_world_sql(*state, "UPDATE form_case SET recv_date = '2025-06-30'");
	s = tell(*state, "2026-03-20");
	assert_string_equal(s.regime, "R2011");
	assert_false(s.regime_chosen);
	assert_false(s.entitlement_known);
	assert_int_equal(s.n_deadlines, 0);
	case_story_reset(&s);
	report_world_sql(*state, "UPDATE form_case SET legal_regime = 'R2024'");
	s = tell(*state, "2026-03-20");
	assert_true(s.regime_chosen);
	assert_string_equal(s.entitlement.letters, "a b c d đ e g h i k");
	case_story_reset(&s);
}

/* Deadlines ------------------------------------------------------------------------ */

static void
verification_is_open_to_its_last_day_and_late_a_day_after(void **state)
{
	deadlines(*state, "2026-03-05", "INITVER 0 open 2026-03-05 ");
	deadlines(*state, "2026-03-06", "INITVER 0 overdue 2026-03-05 ");
	event(*state, 100, "S04_INITVER", "2026-03-06");
	deadlines(*state, "2026-03-06", "INITVER 0 late 2026-03-05 2026-03-06");
	event(*state, 101, "S04_INITVER", "2026-03-05");
	deadlines(*state, "2026-03-06", "INITVER 0 met 2026-03-05 2026-03-05");
	report_world_sql(*state, "UPDATE form_case_event SET alive = 0");
	report_world_sql(*state, "UPDATE form_case SET ident_result = 'PENDING', ident_date = '2026-03-04'");
	deadlines(*state, "2026-03-06", "INITVER 0 overdue 2026-03-05 ");
	report_world_sql(*state, "UPDATE form_case SET ident_result = 'VICTIM'");
	deadlines(*state, "2026-03-06", "INITVER 0 met 2026-03-05 2026-03-04");
	report_world_sql(*state, "UPDATE form_case SET ident_result = NULL, ident_date = NULL,"
	    " close_reason = 'SELFWISH', closed_on = '2026-03-10'");
	deadlines(*state, "2026-03-11", "INITVER 0 ended 2026-03-05 ");
	report_world_sql(*state, "UPDATE form_case SET recv_date = '2026-03', close_reason = NULL");
	deadlines(*state, "2026-03-04", "INITVER 0 open 2026-03-04 ");	/* a month counts from its first day */
}

static void
a_request_is_decided_in_nine_working_days_whatever_row_says_so(void **state)
{
	report_world_sql(*state, "DELETE FROM form_case");
	report_world_sql(*state, "INSERT INTO form_case(" FIXED ", class, recv_date, close_reason) VALUES"
	    " (10, " AT ", 'V_VN', '2025-06-01', NULL)");
	report_world_sql(*state, "INSERT INTO form_service_delivery(" FIXED ", case_id, service, status,"
	    " requested_at) VALUES (50, " AT ", 10, 'VOC', 'OFFERED', '2026-04-22')");
	deadlines(*state, "2026-05-08", "DECISION 0 open 2026-05-08 ");
	deadlines(*state, "2026-05-09", "DECISION 0 overdue 2026-05-08 ");
	report_world_sql(*state, "INSERT INTO form_service_delivery(" FIXED ", case_id, service, status,"
	    " of_delivery, decided_at) VALUES (51, " AT ", 10, 'VOC', 'APPROVED', 50, '2026-05-11')");
	deadlines(*state, "2026-05-12", "DECISION 0 late 2026-05-08 2026-05-11");
	report_world_sql(*state, "UPDATE form_service_delivery SET decided_at = NULL, status = 'CANCELLED'"
	    " WHERE id = 51");
	deadlines(*state, "2026-05-12", "DECISION 0 ended 2026-05-08 ");
	/* Asked for before the new law, which has this term. */
	report_world_sql(*state, "UPDATE form_service_delivery SET requested_at = '2025-06-30' WHERE id = 50");
	deadlines(*state, "2026-05-12", "");
}

static void
a_stay_may_last_to_its_last_day_or_be_extended(void **state)
{
	report_world_sql(*state, "UPDATE form_case SET recv_date = '2025-06-01'");
	report_world_sql(*state, "INSERT INTO form_lodging_stay(" FIXED ", case_id, date_from) VALUES"
	    " (60, " AT ", 10, '2026-01-01')");
	deadlines(*state, "2026-04-30", "LODGING 0 open 2026-04-30 ");
	deadlines(*state, "2026-05-01", "LODGING 0 overdue 2026-04-30 ");
	report_world_sql(*state, "UPDATE form_lodging_stay SET date_to = '2026-04-30'");
	deadlines(*state, "2026-05-01", "LODGING 0 met 2026-04-30 2026-04-30");
	report_world_sql(*state, "UPDATE form_lodging_stay SET date_to = '2026-05-20'");
	deadlines(*state, "2026-05-10", "LODGING 0 overdue 2026-04-30 ");	/* the end is still to come */
	deadlines(*state, "2026-05-20", "LODGING 0 late 2026-04-30 2026-05-20");
	report_world_sql(*state, "UPDATE form_lodging_stay SET extension_decision = '12/QĐ'");
	deadlines(*state, "2026-05-20", "LODGING 0 extended 2026-04-30 2026-05-20");
	/* Under the law in force when it began; or the one that was chosen. */
	report_world_sql(*state, "UPDATE form_lodging_stay SET date_from = '2025-05-01', date_to = NULL,"
	    " extension_decision = NULL");
	deadlines(*state, "2025-06-29", "LODGING 0 open 2025-06-29 ");
	report_world_sql(*state, "UPDATE form_lodging_stay SET legal_regime = 'R2024'");
	deadlines(*state, "2025-06-30", "LODGING 0 open 2025-08-28 ");	/* 31 + 30 + 31 + 28 */
}

/* Support began on 31 January 2026; an old case, so that nothing else is due. */
static void
begin_support(struct report_world *w)
{
	report_world_sql(w, "UPDATE form_case SET recv_date = '2025-06-01', ident_result = 'VICTIM'");
	report_world_sql(w, "INSERT INTO form_service_delivery(" FIXED ", case_id, service, status,"
	    " date_from) VALUES (50, " AT ", 10, 'MED', 'DELIVERED', '2026-01-31'),"
	    " (51, " AT ", 10, 'MED', 'OFFERED', '2026-01-01')");
}

static void
follow_ups_are_due_from_the_day_support_began(void **state)
{
	begin_support(*state);
	deadlines(*state, "2026-02-28", "FOLLOW_UP 1 open 2026-02-28 \nFOLLOW_UP 3 open 2026-04-30 \n"
	    "FOLLOW_UP 6 open 2026-07-31 \nFOLLOW_UP 12 open 2027-01-31 ");
	/* Done a day late; the visit of early April is nearer to the third month than to the first. */
	report_world_sql(*state, "INSERT INTO form_follow_up(" FIXED ", case_id, done_at) VALUES"
	    " (200, " AT ", 10, '2026-03-01'), (201, " AT ", 10, '2026-04-02')");
	deadlines(*state, "2026-08-01", "FOLLOW_UP 1 late 2026-02-28 2026-03-01\n"
	    "FOLLOW_UP 3 met 2026-04-30 2026-04-02\nFOLLOW_UP 6 overdue 2026-07-31 \n"
	    "FOLLOW_UP 12 open 2027-01-31 ");
	/* What a worker set counts in place of the default. */
	report_world_sql(*state, "INSERT INTO form_follow_up(" FIXED ", case_id, due) VALUES"
	    " (202, " AT ", 10, '2026-08-15')");
	deadlines(*state, "2026-08-15", "FOLLOW_UP 1 late 2026-02-28 2026-03-01\n"
	    "FOLLOW_UP 3 met 2026-04-30 2026-04-02\nFOLLOW_UP 0 open 2026-08-15 \n"
	    "FOLLOW_UP 12 open 2027-01-31 ");
	report_world_sql(*state, "UPDATE form_case SET close_reason = 'REINTEGRATED',"
	    " closed_on = '2026-08-10'");
	deadlines(*state, "2026-08-16", "FOLLOW_UP 1 late 2026-02-28 2026-03-01\n"
	    "FOLLOW_UP 3 met 2026-04-30 2026-04-02\nFOLLOW_UP 0 ended 2026-08-15 \n"
	    "FOLLOW_UP 12 ended 2027-01-31 ");
}

static void
two_visits_between_two_due_days_count_for_one_each(void **state)
{
	begin_support(*state);
	report_world_sql(*state, "UPDATE form_service_delivery SET date_from = '2026-01-01' WHERE id = 50");
	/* Due on 1 February and 1 April; 2 and 3 March lie on either side of the middle. */
	report_world_sql(*state, "INSERT INTO form_follow_up(" FIXED ", case_id, done_at, next_due) VALUES"
	    " (200, " AT ", 10, '2026-03-02', '2026-03-10'), (201, " AT ", 10, '2026-03-03', NULL)");
	deadlines(*state, "2026-03-05", "FOLLOW_UP 1 late 2026-02-01 2026-03-02\n"
	    "FOLLOW_UP 3 met 2026-04-01 2026-03-03\nFOLLOW_UP 6 open 2026-07-01 \n"
	    "FOLLOW_UP 12 open 2027-01-01 ");
	/* The last visit says when the next one is. */
	report_world_sql(*state, "UPDATE form_follow_up SET next_due = '2026-06-20' WHERE id = 201");
	deadlines(*state, "2026-03-05", "FOLLOW_UP 1 late 2026-02-01 2026-03-02\n"
	    "FOLLOW_UP 3 met 2026-04-01 2026-03-03\nFOLLOW_UP 0 open 2026-06-20 \n"
	    "FOLLOW_UP 12 open 2027-01-01 ");
	/* 1 October lies 92 days from 1 July and from 1 January: the earlier, unless that has its visit. */
	report_world_sql(*state, "UPDATE form_follow_up SET alive = 0 WHERE id = 200");
	report_world_sql(*state, "UPDATE form_follow_up SET done_at = '2026-10-01', next_due = NULL WHERE id = 201");
	deadlines(*state, "2026-11-01", "FOLLOW_UP 1 overdue 2026-02-01 \nFOLLOW_UP 3 overdue 2026-04-01 \n"
	    "FOLLOW_UP 6 late 2026-07-01 2026-10-01\nFOLLOW_UP 12 open 2027-01-01 ");
	report_world_sql(*state, "UPDATE form_follow_up SET alive = 1, done_at = '2026-07-01', next_due = NULL"
	    " WHERE id = 200");
	deadlines(*state, "2026-11-01", "FOLLOW_UP 1 overdue 2026-02-01 \nFOLLOW_UP 3 overdue 2026-04-01 \n"
	    "FOLLOW_UP 6 met 2026-07-01 2026-07-01\nFOLLOW_UP 12 met 2027-01-01 2026-10-01");
}

static void
the_plan_says_how_long_and_from_when(void **state)
{
	begin_support(*state);
	report_world_sql(*state, "INSERT INTO form_plan(" FIXED ", follow_up_months, period_year_start,"
	    " period_year_end) VALUES (300, '20', 0, 1, 0, 9, '2026-01-01', '2026-12-31'),"
	    " (301, '20', 0, 1, 0, 24, '2025-01-01', '2025-12-31')");
	deadlines(*state, "2026-02-01", "FOLLOW_UP 1 open 2026-02-28 \nFOLLOW_UP 3 open 2026-04-30 \n"
	    "FOLLOW_UP 6 open 2026-07-31 \nFOLLOW_UP 9 open 2026-10-31 ");
	/* The unit's own plan stands before the province's. */
	report_world_sql(*state, "INSERT INTO form_plan(" FIXED ", follow_up_months, period_year_start,"
	    " period_year_end) VALUES (302, " AT ", 3, '2026-01-01', '2026-12-31')");
	deadlines(*state, "2026-02-01", "FOLLOW_UP 1 open 2026-02-28 \nFOLLOW_UP 3 open 2026-04-30 ");
	report_world_sql(*state, "UPDATE form_plan SET follow_up_months = 0 WHERE id = 302");
	deadlines(*state, "2026-02-01", "");
	report_world_sql(*state, "UPDATE form_plan SET follow_up_months = 1, follow_up_from = 'CLOSE'"
	    " WHERE id = 302");
	deadlines(*state, "2026-02-01", "");
	report_world_sql(*state, "UPDATE form_case SET close_reason = 'SELFWISH', closed_on = '2026-05-31'");
	deadlines(*state, "2026-07-01", "FOLLOW_UP 1 overdue 2026-06-30 ");
	report_world_sql(*state, "UPDATE form_case SET close_reason = 'DIED'");
	deadlines(*state, "2026-07-01", "FOLLOW_UP 1 ended 2026-06-30 ");
}

/* Warnings ------------------------------------------------------------------------- */

static void
consent(struct report_world *w, int id, const char *more, const char *values)
{
	char sql[500];

	snprintf(sql, sizeof(sql), "INSERT INTO form_consent(" FIXED ", person_id, kind, given_by, decision,"
	    " at%s) VALUES (%d, " AT ", 1, 'SHARE_AGENCY', %s)", more, id, values);
	report_world_sql(w, sql);
}

static void
a_no_beats_every_yes_of_the_same_day_or_before(void **state)
{
	char got[24];

	warnings(*state, "2026-03-04", "CONSENT_MISSING:SHARE_AGENCY");
	consent(*state, 400, ", valid_to", "'SELF', 'GIVEN', '2026-03-03', '2026-03-10'");
	assert_string_equal(consent_state(*state, "2026-03-10", "SHARE_AGENCY", got), "GIVEN");
	assert_string_equal(consent_state(*state, "2026-03-11", "SHARE_AGENCY", got), "EXPIRED");
	warnings(*state, "2026-03-10", "");
	warnings(*state, "2026-03-11", "CONSENT_EXPIRED:SHARE_AGENCY");
	consent(*state, 401, ", withdrawn_at", "'SELF', 'WITHDRAWN', '2026-03-01', '2026-03-03'");
	warnings(*state, "2026-03-10", "CONSENT_WITHDRAWN:SHARE_AGENCY");
	consent(*state, 402, "", "'SELF', 'GIVEN', '2026-03-04'");
	warnings(*state, "2026-03-10", "");
	consent(*state, 403, ", case_id", "'SELF', 'REFUSED', '2026-03-09', 11");	/* another case */
	warnings(*state, "2026-03-10", "");
	report_world_sql(*state, "UPDATE form_consent SET case_id = 10 WHERE id = 403");
	warnings(*state, "2026-03-10", "CONSENT_REFUSED:SHARE_AGENCY");
}

static void
a_withdrawal_of_the_same_person_elsewhere_counts_too(void **state)
{
	consent(*state, 400, "", "'SELF', 'GIVEN', '2026-03-03'");
	report_world_sql(*state, "INSERT INTO form_person(" FIXED ", cluster) VALUES (2, '06004', 0, 1, 0, 1)");
	report_world_sql(*state, "INSERT INTO form_consent(" FIXED ", person_id, kind, decision, at,"
	    " withdrawn_at) VALUES (401, '06004', 0, 1, 0, 2, 'SHARE_AGENCY', 'WITHDRAWN', '2026-03-01',"
	    " '2026-03-05')");
	warnings(*state, "2026-03-10", "");
	report_world_sql(*state, "UPDATE form_person SET cluster = 1 WHERE id = 1");
	warnings(*state, "2026-03-10", "CONSENT_WITHDRAWN:SHARE_AGENCY");
}

static void
a_minor_needs_a_guardian_and_is_heard(void **state)
{
	/* 18 on 10 March 2026. */
	report_world_sql(*state, "UPDATE form_person SET birth_date = '2008-03-10'");
	consent(*state, 400, "", "'SELF', 'GIVEN', '2026-03-03'");
	warnings(*state, "2026-03-09", "MINOR_NO_GUARDIAN");
	warnings(*state, "2026-03-10", "");
	/* Of a partial date the latest day is taken; born on a leap day, of age on 1 March. */
	report_world_sql(*state, "UPDATE form_person SET birth_date = '2008'");
	warnings(*state, "2026-12-30", "MINOR_NO_GUARDIAN");
	warnings(*state, "2026-12-31", "");
	report_world_sql(*state, "UPDATE form_person SET birth_date = '2008-02-29'");
	warnings(*state, "2026-02-28", "MINOR_NO_GUARDIAN");
	warnings(*state, "2026-03-01", "");
	report_world_sql(*state, "UPDATE form_person SET birth_date = NULL, est_age = 16,"
	    " est_age_asof = '2024-06-01'");
	warnings(*state, "2026-05-31", "MINOR_NO_GUARDIAN");
	warnings(*state, "2026-06-01", "");
	consent(*state, 401, ", relation", "'GUARDIAN', 'GIVEN', '2026-03-04', 'MOTHER'");
	warnings(*state, "2026-05-31", "MINOR_NOT_HEARD");
	report_world_sql(*state, "UPDATE form_consent SET child_agrees = 'yes'");
	warnings(*state, "2026-05-31", "");
}

static void
a_guardian_who_is_a_suspect_decides_nothing(void **state)
{
	char got[24];

	report_world_sql(*state, "UPDATE form_person SET birth_date = '2012'");
	consent(*state, 400, ", relation, child_agrees", "'GUARDIAN', 'GIVEN', '2026-03-03', 'FATHER', 'yes'");
	warnings(*state, "2026-03-10", "");
	/* Person 5 is the father, and is suspected. */
	report_world_sql(*state, "INSERT INTO form_relation(" FIXED ", person_a, person_b, relation) VALUES"
	    " (500, " AT ", 1, 5, 'FATHER'), (501, " AT ", 1, 6, 'SUSPECT')");
	warnings(*state, "2026-03-10", "");
	report_world_sql(*state, "UPDATE form_relation SET person_b = 5");
	warnings(*state, "2026-03-10", "GUARDIAN_SUSPECT MINOR_NO_GUARDIAN CONSENT_BLOCKED:SHARE_AGENCY");
	assert_string_equal(consent_state(*state, "2026-03-10", "SHARE_AGENCY", got), "BLOCKED");
	/* The mother may. */
	consent(*state, 401, ", relation, child_agrees", "'GUARDIAN', 'GIVEN', '2026-03-03', 'MOTHER', 'yes'");
	warnings(*state, "2026-03-10", "GUARDIAN_SUSPECT");
	report_world_sql(*state, "UPDATE form_consent SET guardian_suspect = 'yes' WHERE id = 401");
	warnings(*state, "2026-03-10", "GUARDIAN_SUSPECT MINOR_NO_GUARDIAN CONSENT_BLOCKED:SHARE_AGENCY");
}

static void
what_was_given_beyond_the_law_warns_and_does_not_stop(void **state)
{
	consent(*state, 400, "", "'SELF', 'GIVEN', '2026-03-03'");
	report_world_sql(*state, "INSERT INTO form_consent(" FIXED ", person_id, kind, given_by, decision, at)"
	    " VALUES (401, " AT ", 1, 'SUPPORT', 'SELF', 'GIVEN', '2026-03-03')");
	report_world_sql(*state, "INSERT INTO form_service_delivery(" FIXED ", case_id, service, status,"
	    " date_from, date_to) VALUES (50, " AT ", 10, 'VOC', 'DELIVERED', '2026-03-04', NULL),"
	    " (51, " AT ", 10, 'LOAN', 'DECLINED', NULL, NULL), (52, " AT ", 10, 'SOCASST', 'DELIVERED',"
	    " '2026-03-05', NULL), (53, " AT ", 10, 'ESS', 'DELIVERED', '2026-01-01', '2026-04-30')");
	warnings(*state, "2026-05-02", "");
	report_world_sql(*state, "UPDATE form_case SET class = 'PIP_IN'");
	warnings(*state, "2026-05-02", "NOT_ENTITLED:VOC");
	report_world_sql(*state, "UPDATE form_case SET class = 'NONE'");
	warnings(*state, "2026-05-02", "NOT_ENTITLED:ESS NOT_ENTITLED:VOC");
	report_world_sql(*state, "UPDATE form_case SET class = NULL");
	report_world_sql(*state, "UPDATE form_service_delivery SET date_to = '2026-05-01' WHERE id = 53");
	warnings(*state, "2026-05-02", "CLASS_MISSING STAY_TOO_LONG:ESS");
}

static void
danger_and_gaps_are_told_first(void **state)
{
	consent(*state, 400, "", "'SELF', 'GIVEN', '2026-03-03'");
	report_world_sql(*state, "UPDATE form_person SET do_not_contact = 'yes'");
	report_world_sql(*state, "UPDATE form_case SET ident_result = 'VICTIM', ident_org = 'Công an tỉnh',"
	    " ident_doc_no = '1/KL', conflicts = 1");
	report_world_sql(*state, "INSERT INTO form_follow_up(" FIXED ", case_id, done_at, safe) VALUES"
	    " (200, " AT ", 10, '2026-03-10', 'no'), (201, " AT ", 10, '2026-03-09', 'yes')");
	warnings(*state, "2026-03-20", "DO_NOT_CONTACT UNSAFE VICTIM_NO_DOCUMENT UNSETTLED");
	report_world_sql(*state, "UPDATE form_case SET ident_date = '2026-03-05', conflicts = 0");
	report_world_sql(*state, "UPDATE form_follow_up SET done_at = '2026-03-11' WHERE id = 201");
	warnings(*state, "2026-03-20", "DO_NOT_CONTACT");
}

static void
every_code_has_its_words_in_both_languages(void **state)
{
	static const char *const codes[][2] = { { "warning", "DO_NOT_CONTACT" }, { "warning", "UNSAFE" },
		{ "warning", "GUARDIAN_SUSPECT" }, { "warning", "MINOR_NO_GUARDIAN" },
		{ "warning", "MINOR_NOT_HEARD" }, { "warning", "CONSENT_MISSING" },
		{ "warning", "CONSENT_REFUSED" }, { "warning", "CONSENT_WITHDRAWN" },
		{ "warning", "CONSENT_EXPIRED" }, { "warning", "CONSENT_BLOCKED" },
		{ "warning", "NOT_ENTITLED" }, { "warning", "CLASS_MISSING" },
		{ "warning", "STAY_TOO_LONG" }, { "warning", "VICTIM_NO_DOCUMENT" },
		{ "warning", "CLOSING_DIFFERS" }, { "warning", "UNSETTLED" }, { "deadline", "INITVER" },
		{ "deadline", "DECISION" }, { "deadline", "LODGING" }, { "deadline", "FOLLOW_UP" },
		{ "deadline", "REQUEST" }, { "deadline", "REQUEST_DO" }, { "warning", "REQUEST_OPEN" },
		{ "warning", "RESTRICTED" },
		{ "due", "OPEN" }, { "due", "OVERDUE" }, { "due", "MET" }, { "due", "LATE" },
		{ "due", "EXTENDED" }, { "due", "ENDED" }, { "consent", "GIVEN" }, { "consent", "MISSING" },
		{ "consent", "REFUSED" }, { "consent", "WITHDRAWN" }, { "consent", "EXPIRED" },
		{ "consent", "BLOCKED" }, { "consent", "NO_GUARDIAN" } };

	(void)state;
	for (size_t i = 0; i < sizeof(codes) / sizeof(*codes); i++)
		for (int lang = 0; lang < FORM_LANGS; lang++)
			assert_string_not_equal(case_rules_word(rules, codes[i][0], codes[i][1],
			    (enum form_lang)lang), codes[i][1]);
}

/* All cases ------------------------------------------------------------------------ */

static void
due(struct report_world *w, const char *today, long within, const char *wanted)
{
	struct case_desk d = desk(w, today);
	struct case_due_list l = { .n = 0 };
	char got[1000] = "", one[100];

	assert_int_equal(case_story_due(&d, within, &l, &w->err), RC_OK);
	for (size_t i = 0; i < l.n; i++) {
		snprintf(one, sizeof(one), "%s%s %s %s", i > 0 ? "\n" : "", l.items[i].deadline.due,
		    l.items[i].code, l.items[i].deadline.rule);
		strncat(got, one, sizeof(got) - strlen(got) - 1);
	}
	assert_string_equal(got, wanted);
	case_story_due_reset(&l);
}

static void
what_is_due_comes_oldest_first_and_without_what_others_took(void **state)
{
	report_world_sql(*state, "INSERT INTO form_person(" FIXED ", pseudonym_code, full_name) VALUES"
	    " (2, " AT ", 'DD-02', 'Đặng Thị Hòa')");
	report_world_sql(*state, "INSERT INTO form_case(" FIXED ", person_id, class, recv_date) VALUES"
	    " (11, " AT ", 2, 'V_VN', '2026-02-27'), (12, " AT ", 2, 'V_VN', '2026-03-01'),"
	    " (13, '06184', 0, 0, 0, 2, 'V_VN', '2026-03-01')");
	due(*state, "2026-03-03", 1, "2026-03-02 DD-02 INITVER\n2026-03-04 DD-02 INITVER");
	due(*state, "2026-03-03", 2, "2026-03-02 DD-02 INITVER\n2026-03-04 DD-02 INITVER\n"
	    "2026-03-05 DD-01 INITVER");
	due(*state, "2026-03-03", 0, "2026-03-02 DD-02 INITVER");
	report_world_sql(*state, "INSERT INTO form_referral(" FIXED ", case_id, direction, kind) VALUES"
	    " (600, " AT ", 11, 'OUT', 'TRANSFER'), (601, " AT ", 12, 'IN', 'REFER')");
	due(*state, "2026-03-03", 1, "2026-03-02 DD-02 INITVER");	/* 12 waits to be accepted */
	report_world_sql(*state, "UPDATE form_referral SET outcome = 'ACCEPTED' WHERE id = 601");
	due(*state, "2026-03-03", 1, "2026-03-02 DD-02 INITVER\n2026-03-04 DD-02 INITVER");
	report_world_sql(*state, "INSERT INTO form_referral__answers(id, item_log, item_n, item, value, voided)"
	    " VALUES (600, 1, 1, 0, 'ACCEPTED', 0)");
	due(*state, "2026-03-03", 1, "2026-03-04 DD-02 INITVER");
	report_world_sql(*state, "UPDATE form_referral SET outcome = 'DECLINED' WHERE id = 601");
	due(*state, "2026-03-03", 1, "");
	/* Who referred the case verified it. */
	report_world_sql(*state, "UPDATE form_referral SET outcome = 'ACCEPTED' WHERE id = 601");
	report_world_sql(*state, "UPDATE form_case SET continues = '0123456789abcdef.1' WHERE id = 12");
	due(*state, "2026-03-03", 1, "");
}

static void
what_is_no_case_has_no_story(void **state)
{
	struct report_world *w = *state;
	struct case_desk d = desk(w, "2026-03-03");
	struct case_story s;

	assert_int_equal(case_story_tell(&d, 1, &s, &w->err), RC_NOTFOUND);
	case_story_reset(&s);
	report_world_sql(w, "UPDATE form_case SET alive = 0");
	assert_int_equal(case_story_tell(&d, 10, &s, &w->err), RC_NOTFOUND);
	case_story_reset(&s);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(the_stage_is_the_furthest_event_that_nobody_corrected),
		TEST(support_and_follow_up_show_once_the_person_is_identified),
		TEST(a_minor_who_came_along_is_supported_without_identification),
		TEST(an_event_of_closing_closes_and_is_told),
		TEST(the_law_is_that_of_the_reception_unless_another_is_chosen),
		TEST(verification_is_open_to_its_last_day_and_late_a_day_after),
		TEST(a_request_is_decided_in_nine_working_days_whatever_row_says_so),
		TEST(a_stay_may_last_to_its_last_day_or_be_extended),
		TEST(follow_ups_are_due_from_the_day_support_began),
		TEST(two_visits_between_two_due_days_count_for_one_each),
		TEST(the_plan_says_how_long_and_from_when),
		TEST(a_no_beats_every_yes_of_the_same_day_or_before),
		TEST(a_withdrawal_of_the_same_person_elsewhere_counts_too),
		TEST(a_minor_needs_a_guardian_and_is_heard),
		TEST(a_guardian_who_is_a_suspect_decides_nothing),
		TEST(what_was_given_beyond_the_law_warns_and_does_not_stop),
		TEST(danger_and_gaps_are_told_first),
		TEST(every_code_has_its_words_in_both_languages),
		TEST(what_is_due_comes_oldest_first_and_without_what_others_took),
		TEST(what_is_no_case_has_no_story),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
