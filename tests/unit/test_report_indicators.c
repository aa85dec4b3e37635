/* B16: every indicator of domain.md section 7.2 with both its terms, by hand. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "shared/base/embedded.h"
#include "tests/support/report_world.h"

/*
 * First half of 2026.  Victims 1 to 4 of 06184 and 5 of 06196: 1 served; 2 declined; 3 nothing; 4
 * not entitled; 5 served after the period.  Needs are known of 1, 2, 3, 4, and of 5 "none".
 * Received in the period: 6 (lodged), 7 (first help), 8 (nothing), 1 (served).
 */
static int
set_up(void **state)
{
	struct report_world *w;

	(void)report_world_set_up(state);
	w = *state;
	report_world_sql(w, "INSERT INTO form_person(id, unit, created_at, alive, conflicts) VALUES"
	    " (1, '06184', 0, 1, 0), (2, '06184', 0, 1, 0), (3, '06184', 0, 1, 0), (4, '06184', 0, 1, 0),"
	    " (5, '06196', 0, 1, 0), (6, '06625', 0, 1, 0), (7, '06625', 0, 1, 0), (8, '06625', 0, 1, 0)");
	report_world_sql(w, "INSERT INTO form_case(id, unit, created_at, alive, conflicts, person_id, class,"
	    " recv_date, ident_result, ident_date, previous_case) VALUES"
	    " (101, '06184', 0, 1, 0, 1, 'V_VN', '2026-01-01', 'VICTIM', '2026-02-01', 55),"
	    " (102, '06184', 0, 1, 0, 2, 'V_VN', '2025-03-01', 'VICTIM', '2025-04-01', NULL),"
	    " (103, '06184', 0, 1, 0, 3, 'V_VN', '2025-08-01', 'VICTIM', '2025-09-01', NULL),"
	    " (104, '06184', 0, 1, 0, 4, 'NONE', '2025-08-01', 'VICTIM', '2025-09-01', NULL),"
	    " (105, '06196', 0, 1, 0, 5, 'V_VN', '2025-08-01', 'VICTIM', '2025-09-01', NULL),"
	    " (106, '06625', 0, 1, 0, 6, NULL, '2026-03-01', NULL, NULL, NULL),"
	    " (107, '06625', 0, 1, 0, 7, NULL, '2026-03-01', NULL, NULL, NULL),"
	    " (108, '06625', 0, 1, 0, 8, NULL, '2026-06-30', NULL, NULL, NULL)");
	report_world_sql(w, "INSERT INTO form_service_delivery(id, unit, created_at, alive, conflicts,"
	    " case_id, service, status, date_from) VALUES"
	    " (201, '06184', 0, 1, 0, 101, 'PSY', 'DELIVERED', '2026-03-03'),"
	    " (202, '06184', 0, 1, 0, 102, 'PSY', 'DECLINED', '2025-05-05'),"
	    " (203, '06196', 0, 1, 0, 105, 'PSY', 'DELIVERED', '2026-07-01')");
	report_world_sql(w, "INSERT INTO form_needs_assessment(id, unit, created_at, alive, conflicts,"
	    " case_id, date) VALUES (301, '06184', 0, 1, 0, 101, '2026-02-02'),"
	    " (302, '06184', 0, 1, 0, 102, '2025-04-02'), (303, '06184', 0, 1, 0, 103, '2026-02-02'),"
	    " (304, '06184', 0, 1, 0, 104, '2026-02-02'), (305, '06196', 0, 1, 0, 105, '2026-02-02')");
	report_world_sql(w, "INSERT INTO form_needs_item(id, unit, created_at, alive, conflicts, case_id,"
	    " assessment_id, service, level) VALUES (401, '06184', 0, 1, 0, 101, 301, 'PSY', '3'),"
	    " (402, '06184', 0, 1, 0, 102, 302, 'PSY', '1'), (403, '06184', 0, 1, 0, 103, 303, 'JOB', '2'),"
	    " (404, '06184', 0, 1, 0, 104, 304, 'JOB', '2'), (405, '06196', 0, 1, 0, 105, 305, 'JOB', '0')");
	report_world_sql(w, "INSERT INTO form_lodging_stay(id, unit, created_at, alive, conflicts, case_id,"
	    " date_from) VALUES (501, '06625', 0, 1, 0, 106, '2026-03-01')");
	report_world_sql(w, "INSERT INTO form_case_event(id, unit, created_at, alive, conflicts, case_id,"
	    " event, at, voids) VALUES (601, '06625', 0, 1, 0, 107, 'S03_INITSUP', '2026-03-01', NULL),"
	    " (602, '06625', 0, 1, 0, 108, 'S03_INITSUP', '2026-06-30', NULL),"
	    " (603, '06625', 0, 1, 0, 108, 'NOTIFY', '2026-06-30', 602)");
	/* officers of 06184 (trained), 06196 (not), one who left; communicators */
	report_world_sql(w, "INSERT INTO form_staff(id, unit, created_at, alive, conflicts, role,"
	    " role_victim_support, active_from, active_to) VALUES"
	    " (701, '06184', 0, 1, 0, 'COMMUNE_OFF', 'yes', '2020', NULL),"
	    " (702, '06196', 0, 1, 0, 'NODEVICE', 'yes', '2020', NULL),"
	    " (703, '06196', 0, 1, 0, 'COMMUNE_OFF', 'yes', '2020', '2026-06-01'),"
	    " (704, '06004', 0, 1, 0, 'CTV', 'no', '2020', NULL)");
	report_world_sql(w, "INSERT INTO form_training(id, unit, created_at, alive, conflicts, course_kind,"
	    " status, date_start) VALUES (801, '20', 0, 1, 0, 'TRAIN', 'HELD', '2026-05-05'),"
	    " (802, '20', 0, 1, 0, 'EXCHANGE', 'HELD', '2026-05-06')");
	report_world_sql(w, "INSERT INTO form_training_trainee(id, unit, created_at, alive, conflicts,"
	    " training_id, staff_id, completed) VALUES (811, '20', 0, 1, 0, 801, 701, 'yes'),"
	    " (812, '20', 0, 1, 0, 802, 702, NULL)");
	report_world_sql(w, "INSERT INTO form_awareness_session(id, unit, created_at, alive, conflicts,"
	    " kind, status, date_start, commune_code, plan) VALUES"
	    " (901, '06184', 0, 1, 0, 'COMM', 'HELD', '2026-04-04', '06184', NULL),"
	    " (902, '06541', 0, 1, 0, 'COMM', 'HELD', '2026-04-05', '06541', 'LS-2026')");
	report_world_sql(w, "INSERT INTO form_awareness_session__plan_task VALUES (901, 1, 1, 1, 'II.1', 0),"
	    " (902, 1, 2, 1, 'II.1', 0), (902, 1, 2, 2, 'IX', 0)");
	report_world_sql(w, "INSERT INTO form_issued_document(id, unit, created_at, alive, conflicts,"
	    " doc_kind, date, plan, content_accepted) VALUES"
	    " (951, '06184', 0, 1, 0, 'LOCALPLAN', '2026-02-02', NULL, 'yes'),"
	    " (952, '06196', 0, 1, 0, 'LOCALPLAN', '2026-02-02', 'LS-2026', NULL),"
	    " (953, '06004', 0, 1, 0, 'DIRECTIVE', '2026-02-02', NULL, 'yes'),"
	    " (954, '06004', 0, 1, 0, 'LOCALPLAN', '2025-02-02', NULL, 'yes')");
	return 0;
}

/* The row of a code, from its numerator on: "num|den|share|target|met|num|den|share". */
static void
reads(const struct report *r, const char *label, const char *rest)
{
	char what[200];

	for (size_t i = 0; i < r->blocks[0].n_rows; i++) {
		const struct report_cell *c = r->blocks[0].rows[i].cells;

		if (c[0].type != REPORT_WORDS || strcmp(c[0].words, label) != 0)
			continue;
		snprintf(what, sizeof(what), "%s|%s", c[1].words, rest);
		report_world_has(r, 0, label, what);
		return;
	}
	fail_msg("no row %s", label);
}

static void
shows_every_indicator_with_both_its_terms(void **state)
{
	struct report *r = report_world_run(*state, "b16", "20");

	/* 1 to 5; 1 served, 2 declined.  A year before: 2 alone, who had declined */
	reads(r, "I1a", "2|5|40.0|100|Chưa đạt|1|1|100.0");
	/* 1 and 3; 2 declined, 4 is not entitled, 5 has no need */
	reads(r, "I1b", "1|2|50.0|100|Chưa đạt|0|0|không phát sinh");
	/* 1, 6, 7, 8: the help to 8 was written by mistake.  A year before: 102 */
	reads(r, "I2", "3|4|75.0|100|Chưa đạt|0|1|0.0");
	/* 06184 and 06541 at high risk, a victim in 06196; a year before also 06000 */
	reads(r, "I3", "2|3|66.6|100|Chưa đạt|0|3|0.0");
	/* 703 has left */
	reads(r, "I4", "1|2|50.0|100|Chưa đạt|0|3|0.0");
	reads(r, "I6", "1|2|50.0|||0|3|0.0");
	/* five communes; two issued a plan, one was accepted.  A year before, 06184, 06541, 06625, 06000 */
	reads(r, "I5a", "1|5|20.0|100|Chưa đạt|0|4|0.0");
	reads(r, "I7", "2|5|40.0|100|Chưa đạt|0|4|0.0");
	/*
	 * 06184 misses I1a, 06196 I1a, I3 and I4; 06541 meets I3; 06004 and 06625 have nothing to meet.
	 * A year before: 06184 and 06541 and 06000 missed I3.
	 */
	reads(r, "I5b", "3|5|60.0|100|Chưa đạt|1|4|25.0");
	reads(r, "T1", "||-60.0||Chưa đạt|||");
	reads(r, "I8", "1|5||||1|4|");
	report_free(r);
}

static void
takes_targets_days_and_tasks_from_the_plan_of_the_year(void **state)
{
	struct report_world *w = *state;
	struct report *r;

	report_world_sql(w, "INSERT INTO form_plan(id, unit, created_at, alive, conflicts, code, year,"
	    " period_year_start, period_year_end) VALUES"
	    " (1001, '20', 0, 1, 0, 'LS-2026', 2026, '2025-12-15', '2026-12-14'),"
	    " (1002, '20', 0, 1, 0, 'LS-2024', 2024, NULL, NULL)");
	report_world_sql(w, "INSERT INTO form_plan_target(id, unit, created_at, alive, conflicts, plan_id,"
	    " indicator, value) VALUES (1011, '20', 0, 1, 0, 1001, 'I1a', 40),"
	    " (1012, '20', 0, 1, 0, 1001, 'I4', 50.5), (1013, '20', 0, 1, 0, 1002, 'I3', 10)");
	report_world_sql(w, "INSERT INTO form_plan__addressed_units VALUES (1001, 1, 1, 1, '06184', 0),"
	    " (1001, 1, 1, 2, '06004', 0), (1001, 1, 1, 3, '99001', 0)");
	report_world_sql(w, "INSERT INTO form_plan_task(id, unit, created_at, alive, conflicts, plan_id, no,"
	    " wording) VALUES (1021, '20', 0, 1, 0, 1001, 'II.1', 'Truyền thông'),"
	    " (1022, '20', 0, 1, 0, 1001, 'II.2', 'Tiếp nhận')");
	r = report_world_run(w, "b16", "20");
	reads(r, "I1a", "2|5|40.0|40|Đạt|1|1|100.0");
	reads(r, "I4", "1|2|50.0|50.5|Chưa đạt|0|3|0.0");
	/* the plan says nothing of it, and that of 2024 is over */
	reads(r, "I3", "2|3|66.6|||0|3|0.0");
	/* 06184 and 06004 are addressed; 952 is the only document for this plan by name */
	reads(r, "I7", "1|2|50.0|||0|4|0.0");
	assert_int_equal(r->n_blocks, 4);
	report_world_has(r, 2, "06004", "Xã Quốc Khánh|||||Chưa ban hành kế hoạch thực hiện|||");
	report_world_has(r, 3, "II.1", "Truyền thông|2|||||||");
	report_world_has(r, 3, "II.2", "Tiếp nhận|0|||||||");
	report_world_has(r, 3, "IX", "|1|||||||");
	report_free(r);
}

/* A plan year that began in December: what was learned then counts, in both reports. */
static void
counts_training_since_the_plan_year_began_as_b11_does(void **state)
{
	struct report_world *w = *state;
	struct report *r;

	report_world_sql(w, "INSERT INTO form_plan(id, unit, created_at, alive, conflicts, code, year,"
	    " period_year_start, period_year_end) VALUES"
	    " (1001, '20', 0, 1, 0, 'LS-2026', 2026, '2025-12-15', '2026-12-14')");
	report_world_sql(w, "INSERT INTO form_staff(id, unit, created_at, alive, conflicts, sex, role,"
	    " role_victim_support, active_from) VALUES (1101, '06625', 0, 1, 0, 'F', 'COMMUNE_OFF', 'yes', '2020')");
	report_world_sql(w, "INSERT INTO form_training(id, unit, created_at, alive, conflicts, course_kind,"
	    " date_start) VALUES (1111, '06625', 0, 1, 0, 'TRAIN', '2025-12-20')");
	report_world_sql(w, "INSERT INTO form_training_trainee(id, unit, created_at, alive, conflicts,"
	    " training_id, staff_id, completed) VALUES (1121, '06625', 0, 1, 0, 1111, 1101, 'yes')");
	r = report_world_run(w, "b16", "06625");
	reads(r, "I4", "1|1|100.0|||0|1|0.0");
	report_free(r);
	r = report_world_run(w, "b11", "06625");
	report_world_has(r, 3, "Trong đó: đã hoàn thành tập huấn trong năm", "|1|0|1||||||");
	report_free(r);
	report_world_sql(w, "UPDATE form_training SET date_start = '2025-12-14' WHERE id = 1111");
	r = report_world_run(w, "b11", "06625");
	report_world_has(r, 3, "Trong đó: đã hoàn thành tập huấn trong năm", "|0|0|0||||||");
	report_free(r);
}

static void
shows_nothing_to_divide_by_as_none_arose(void **state)
{
	struct report *r = report_world_run(*state, "b16", "06004");

	reads(r, "I1a", "0|0|không phát sinh|100||0|0|không phát sinh");
	reads(r, "I4", "0|0|không phát sinh|100||0|0|không phát sinh");
	reads(r, "T1", "||không phát sinh|||||");
	reads(r, "I8", "1|1||||1|0|không phát sinh");
	report_free(r);
}

static void
counts_every_form_that_can_name_a_task_of_the_plan(void **state)
{
	const struct report_world *w = *state;
	const char *sql = (const char *)embedded_find("reports/b16.sql")->data;
	char table[96];
	size_t n = 0;

	for (size_t i = 0; i < form_set_count(w->forms); i++) {
		const struct form *form = form_set_at(w->forms, i);

		if (form_field_named(form, "plan_task") == NULL)
			continue;
		snprintf(table, sizeof(table), "FROM form_%s__plan_task ", form->name);
		if (strstr(sql, table) == NULL)
			fail_msg("b16 does not look at the tasks of %s", form->name);
		n++;
	}
	assert_true(n >= 19);
}

#define T(f) cmocka_unit_test_setup_teardown(f, set_up, report_world_tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(shows_every_indicator_with_both_its_terms),
		T(takes_targets_days_and_tasks_from_the_plan_of_the_year),
		T(counts_training_since_the_plan_year_began_as_b11_does),
		T(shows_nothing_to_divide_by_as_none_arose),
		T(counts_every_form_that_can_name_a_task_of_the_plan),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
