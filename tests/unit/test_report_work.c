/* Tables B10 to B15 and B17: the work of the agencies.  Figures by hand. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "tests/support/report_world.h"

/* Columns: sessions, persons, male, female, children, ethnic minority, referred. */
static void
counts_migration_counselling(void **state)
{
	struct report_world *w = *state;
	struct report *r;

	report_world_sql(w, "INSERT INTO form_outreach(id, unit, created_at, alive, conflicts, date, kind,"
	    " mode, persons_m, persons_f, persons_child, persons_ethmin, referred) VALUES"
	    " (101, '06184', 0, 1, 0, '2026-01-01', 'MIGCOUNS', 'GROUP', 3, 4, 1, 7, 'yes'),"
	    " (102, '06184', 0, 1, 0, '2026-06-30', 'MIGCOUNS', 'INDIVIDUAL', NULL, 1, NULL, NULL, 'no'),"
	    " (103, '06184', 0, 1, 0, '2026-06-30', 'MIGCOUNS', NULL, 2, NULL, NULL, NULL, NULL),"
	    " (104, '06184', 0, 1, 0, '2026-06-30', 'HOUSEHOLD', NULL, 9, 9, 9, 9, NULL)");
	report_world_sql(w, "INSERT INTO form_outreach__topics VALUES (101, 1, 1, 1, 'MIGRATE', 0),"
	    " (101, 1, 1, 2, 'JOBSCAM', 0), (104, 1, 2, 1, 'JOBSCAM', 0)");
	report_world_sql(w, "INSERT INTO form_outreach__destinations VALUES (101, 1, 1, 3, 'KR', 0)");
	r = report_world_run(w, "b10", "20");
	report_world_has(r, 0, report_world_label(w, "counselling_mode", "GROUP"), "1|7|3|4|1|7|1");
	report_world_has(r, 0, report_world_label(w, "counselling_mode", "INDIVIDUAL"), "1|1|0|1|||0");
	report_world_has(r, 0, "Tổng số", "3|10|5|5|1|7|1");
	report_world_has(r, 1, report_world_label(w, "comm_topic", "JOBSCAM"), "1|7|3|4|1|7|1");
	report_world_has(r, 1, "Không ghi", "2|3|2|1|||0");
	report_world_has(r, 2, report_world_label(w, "country", "KR"), "1|7|3|4|1|7|1");
	report_free(r);
}

/* Columns: courses, trainees, male, female, completed, four levels, cost. */
static void
counts_training_by_person_and_course(void **state)
{
	struct report_world *w = *state;
	struct report *r;

	report_world_sql(w, "INSERT INTO form_staff(id, unit, created_at, alive, conflicts, sex, role,"
	    " role_victim_support, active_from, active_to) VALUES"
	    " (1, '06184', 0, 1, 0, 'F', 'COMMUNE_OFF', 'yes', '2020', NULL),"
	    " (2, '06184', 0, 1, 0, 'M', 'NODEVICE', 'yes', '2026-06-30', NULL),"
	    " (3, '06184', 0, 1, 0, 'M', 'COMMUNE_OFF', 'yes', '2020', '2026-06-29'),"
	    " (4, '06184', 0, 1, 0, 'F', 'CTV', 'no', '2026-01-01', NULL),"
	    " (5, '06184', 0, 1, 0, NULL, 'CTV', NULL, '2025', NULL)");
	report_world_sql(w, "INSERT INTO form_training(id, unit, created_at, alive, conflicts, course_kind,"
	    " status, date_start, others_m, others_f, budget_vnd) VALUES"
	    " (101, '20', 0, 1, 0, 'TRAIN', 'HELD', '2026-03-01', 10, 20, 5000000),"
	    " (102, '20', 0, 1, 0, 'EXCHANGE', NULL, '2026-04-01', NULL, NULL, NULL),"
	    " (103, '20', 0, 1, 0, 'TRAIN', 'CANCELLED', '2026-04-01', 9, 9, 9),"
	    " (104, '20', 0, 1, 0, 'TRAIN', 'HELD', '2025-12-31', 9, 9, 9)");
	report_world_sql(w, "INSERT INTO form_training_trainee(id, unit, created_at, alive, conflicts,"
	    " training_id, staff_id, sex, train_group, train_level, completed) VALUES"
	    " (201, '20', 0, 1, 0, 101, 1, NULL, 'SUPPORT', 'COMM', 'yes'),"
	    " (202, '20', 0, 1, 0, 101, 2, 'M', 'SUPPORT', 'COMM', 'no'),"
	    " (203, '20', 0, 1, 0, 101, NULL, 'F', 'POLICE', 'PROV', 'yes'),"
	    " (204, '20', 0, 1, 0, 102, 1, NULL, 'SUPPORT', 'COMM', NULL),"
	    " (205, '20', 0, 1, 0, 104, 2, NULL, 'SUPPORT', 'COMM', 'yes'),"
	    " (206, '20', 0, 1, 0, 103, 2, NULL, 'SUPPORT', 'COMM', 'yes')");
	report_world_sql(w, "INSERT INTO form_training__topics VALUES (101, 1, 1, 1, 'PSY', 0)");
	r = report_world_run(w, "b11", "20");
	report_world_has(r, 0, report_world_label(w, "course_kind", "TRAIN"), "1|33|11|22|2|1|0|2|0|5000000");
	report_world_has(r, 0, report_world_label(w, "course_kind", "EXCHANGE"), "1|1|0|1|0|0|0|1|0|0");
	report_world_has(r, 0, "Tổng số", "2|34|11|23|2|1|0|3|0|5000000");
	report_world_has(r, 1, report_world_label(w, "train_group", "SUPPORT"), "2|3|1|2|1|0|0|3|0|");
	report_world_has(r, 1, "Người khác, không ghi tên", "1|30|10|20||||||");
	report_world_has(r, 2, report_world_label(w, "train_topic", "PSY"), "1|33|11|22|2|1|0|2|0|5000000");
	report_world_has(r, 3, "Cộng tác viên, tuyên truyền viên đang hoạt động", "|2|0|1||||||");
	report_world_has(r, 3, "Trong đó: mới trong kỳ", "|1|0|1||||||");
	/* 2 was trained last year, and in a course that was called off */
	report_world_has(r, 3, "Cán bộ làm công tác hỗ trợ nạn nhân", "|2|1|1||||||");
	report_world_has(r, 3, "Trong đó: đã hoàn thành tập huấn trong năm", "|1|0|1||||||");
	report_world_has(r, 3, "Trong đó: đã dự hội thảo, trao đổi kinh nghiệm trong năm", "|1|0|1||||||");
	report_free(r);
}

/* Columns: visits, five kinds, units, violations, six ways to handle them. */
static void
counts_inspections_by_subject(void **state)
{
	struct report_world *w = *state;
	struct report *r;

	report_world_sql(w, "INSERT INTO form_inspection(id, unit, created_at, alive, conflicts, kind, date,"
	    " units_count, violations, handled) VALUES"
	    " (101, '20', 0, 1, 0, 'CHECK', '2026-02-02', 4, 2, 'FINE'),"
	    " (102, '20', 0, 1, 0, 'JOINT', '2026-03-02', NULL, NULL, 'NONE'),"
	    " (103, '20', 0, 1, 0, 'SELF', '2026-07-02', 1, 1, 'FINE')");
	report_world_sql(w, "INSERT INTO form_inspection__subjects VALUES (101, 1, 1, 1, 'LABEXPORT', 0),"
	    " (101, 1, 1, 2, 'JOBCENTRE', 0)");
	r = report_world_run(w, "b12", "20");
	report_world_has(r, 0, report_world_label(w, "insp_subject", "LABEXPORT"), "1|1|0|0|0|0|4|2|0|1|0|0|0|0");
	report_world_has(r, 0, report_world_label(w, "insp_subject", "ADOPTION"), "0|0|0|0|0|0|0|0|0|0|0|0|0|0");
	report_world_has(r, 0, "Không ghi nội dung", "1|0|0|0|0|1|1|0|0|0|0|0|0|0");
	report_world_has(r, 0, "Tổng số", "2|1|0|0|0|1|5|2|0|1|0|0|0|0");
	report_free(r);
}

/* Columns: times, cases, persons, male, female, under 18, relatives, amount. */
static void
shows_coordination_and_the_figures_of_others_as_a_memo(void **state)
{
	struct report_world *w = *state;
	struct report *r;

	report_world_sql(w, "INSERT INTO form_coordination_event(id, unit, created_at, alive, conflicts,"
	    " form, team_purpose, date, victims_count) VALUES"
	    " (101, '20', 0, 1, 0, 'TEAM', 'RECEIVE', '2026-01-01', 5),"
	    " (102, '20', 0, 1, 0, 'MEETING', NULL, '2026-02-01', NULL)");
	/* one tells which cases an event was about, so it is the same event */
	report_world_sql(w, "INSERT INTO form_case_coordination(id, unit, created_at, alive, conflicts,"
	    " case_id, event, form, date) VALUES (201, '20', 0, 1, 0, 7, 'aaaaaaaaaaaaaaaa.2', 'MEETING', '2026-02-01'),"
	    " (202, '20', 0, 1, 0, 8, 'aaaaaaaaaaaaaaaa.2', 'MEETING', '2026-02-01'),"
	    " (203, '20', 0, 1, 0, 7, NULL, 'WRITTEN', '2026-03-01')");
	report_world_sql(w, "INSERT INTO form_awareness_session(id, unit, created_at, alive, conflicts,"
	    " kind, status, date_start) VALUES (301, '20', 0, 1, 0, 'GUIDE', 'HELD', '2026-05-05'),"
	    " (302, '20', 0, 1, 0, 'GUIDE', 'PLANNED', '2026-05-05')");
	report_world_sql(w, "INSERT INTO form_agency_figure(id, unit, created_at, alive, conflicts, org,"
	    " org_kind, figure, period_end, total, male, female, under18, relatives, amount_vnd) VALUES"
	    " (401, '20', 0, 1, 0, 'Công an tỉnh', 'POLP', 'RESCUED', '2026-06-30', 6, 1, 5, 2, NULL, NULL),"
	    " (402, '20', 0, 1, 0, 'Công an tỉnh', 'POLP', 'RESCUED', '2025-12-31', 9, 9, 9, 9, 9, 9)");
	r = report_world_run(w, "b13", "20");
	report_world_has(r, 0, report_world_label(w, "coord_form", "MEETING"), "1|2|0|||||");
	report_world_has(r, 0, report_world_label(w, "coord_form", "WRITTEN"), "1|1|0|||||");
	report_world_has(r, 0, report_world_label(w, "coord_form", "TEAM"), "1|0|5|||||");
	report_world_has(r, 0, "Tổng số", "3|2|5|||||");
	report_world_has(r, 1, report_world_label(w, "team_purpose", "RECEIVE"), "1||5|||||");
	report_world_has(r, 2, "Hướng dẫn, chỉ đạo, đôn đốc", "1|||||||");
	assert_int_equal(r->blocks[3].n_rows, 0);
	assert_int_equal(r->blocks[4].n_rows, 1);
	assert_int_equal(r->blocks[4].rows[0].cells[3].integer, 6);
	assert_non_null(strstr(r->blocks[4].rows[0].cells[0].words, "Công an tỉnh: "));
	report_free(r);
}

/* Columns: number, ready, members, places, victims helped, cost, text. */
static void
shows_models_as_they_stand_on_the_last_day(void **state)
{
	struct report_world *w = *state;
	struct report *r;

	report_world_sql(w, "INSERT INTO form_community_model(id, unit, created_at, alive, conflicts,"
	    " start, status, members, victims_helped) VALUES"
	    " (101, '06184', 0, 1, 0, '2025-01-01', 'NEW', 12, 1),"
	    " (102, '06184', 0, 1, 0, '2026-06-30', 'NEW', 8, NULL),"
	    " (103, '06184', 0, 1, 0, '2026-07-01', 'NEW', 9, 9),"
	    " (104, '06184', 0, 1, 0, '2020', 'KEPT', 5, 0), (105, '06184', 0, 1, 0, '2020', 'ENDED', 5, 0)");
	report_world_sql(w, "INSERT INTO form_community_model_status(id, unit, created_at, alive, conflicts,"
	    " model_id, date, status) VALUES (201, '06184', 0, 1, 0, 101, '2025-12', 'KEPT'),"
	    " (202, '06184', 0, 1, 0, 101, '2026-07-01', 'ENDED'),"
	    " (203, '06184', 0, 1, 0, 104, '2026-02-02', 'ENDED')");
	report_world_sql(w, "INSERT INTO form_facility(id, unit, created_at, alive, conflicts, name,"
	    " facility_kind, beds_m, beds_f, staff_count, ready, operating) VALUES"
	    " (301, '20', 0, 1, 0, 'Cơ sở A', 'SPC', 4, 6, 9, 'yes', 'yes'),"
	    " (302, '20', 0, 1, 0, 'Cơ sở B', 'SPC', NULL, 2, NULL, 'no', NULL),"
	    " (303, '20', 0, 1, 0, 'Cơ sở C', 'SPC', 9, 9, 9, 'yes', 'no')");
	report_world_sql(w, "INSERT INTO form_facility_upgrade(id, unit, created_at, alive, conflicts,"
	    " facility_id, date, what, amount_vnd) VALUES"
	    " (401, '20', 0, 1, 0, 301, '2026-05-05', 'giường tầng', 30000000),"
	    " (402, '20', 0, 1, 0, 301, '2025-05-05', 'mái', 9)");
	r = report_world_run(w, "b14", "20");
	report_world_has(r, 0, report_world_label(w, "model_status", "NEW"), "1||8||0||");
	report_world_has(r, 0, report_world_label(w, "model_status", "KEPT"), "1||12||1||");
	report_world_has(r, 0, report_world_label(w, "model_status", "ENDED"), "1||5||0||");
	report_world_has(r, 0, "Tổng số", "2||20||1||");
	report_world_has(r, 1, report_world_label(w, "facility_kind", "SPC"), "2|1|9|12|||");
	assert_int_equal(r->blocks[2].n_rows, 1);
	report_world_has(r, 2, "Cơ sở A: giường tầng", "1|||||30000000|");
	report_free(r);
}

static void
adds_up_money_by_source(void **state)
{
	struct report_world *w = *state;
	struct report *r;

	report_world_sql(w, "INSERT INTO form_budget_line(id, unit, created_at, alive, conflicts, year,"
	    " fund_source, budget_use, estimated_vnd, allocated_vnd, spent_vnd) VALUES"
	    " (101, '20', 0, 1, 0, 2026, 'LOCAL', 'COMM', 100, 90, 80),"
	    " (102, '06184', 0, 1, 0, 2026, 'LOCAL', 'COMM', 10, 9, NULL),"
	    " (103, '20', 0, 1, 0, 2026, 'LOCAL', 'TRAIN', 7, 7, 7),"
	    " (104, '20', 0, 1, 0, 2026, NULL, NULL, 1, NULL, NULL),"
	    " (105, '20', 0, 1, 0, 2025, 'LOCAL', 'COMM', 1000, 1000, 1000)");
	report_world_sql(w, "INSERT INTO form_resource(id, unit, created_at, alive, conflicts, donor_kind,"
	    " resource_kind, date, value_vnd) VALUES (201, '20', 0, 1, 0, 'FIRM', 'CASH', '2026-02', 500),"
	    " (202, '20', 0, 1, 0, 'FIRM', 'CASH', '2026-07-01', 9)");
	r = report_world_run(w, "b15", "20");
	assert_int_equal(r->n_blocks, 2);
	assert_int_equal(r->blocks[0].n_rows, 6);
	report_world_has(r, 0, "Tổng số", "|4|118|106|87");
	assert_true(r->blocks[0].rows[2].total);
	assert_int_equal(r->blocks[0].rows[0].cells[3].integer, 110);
	assert_int_equal(r->blocks[0].rows[2].cells[3].integer, 117);
	report_world_has(r, 1, "Tổng số", "|1|||500");
	report_free(r);
}

static void
lists_difficulties_until_they_are_settled(void **state)
{
	struct report_world *w = *state;
	struct report *r;

	report_world_sql(w, "INSERT INTO form_issue(id, unit, created_at, alive, conflicts, date, issue_area,"
	    " description, cause, proposal, addressee, status, solved_at, resolution) VALUES"
	    " (101, '06184', 0, 1, 0, '2026-02-02', 'MONEY', 'Thiếu kinh phí', 'Chưa giao', 'Bổ sung',"
	    "  'Sở Tài chính', 'OPEN', NULL, NULL),"
	    " (102, '06184', 0, 1, 0, '2025-02-02', NULL, 'Cũ, chưa xong', NULL, NULL, NULL, 'FORWARDED', NULL,"
	    "  NULL),"
	    " (103, '06184', 0, 1, 0, '2025-02-02', NULL, 'Cũ, đã xong', NULL, NULL, NULL, 'SOLVED',"
	    "  '2025-12-31', NULL),"
	    " (104, '06184', 0, 1, 0, '2025-02-02', NULL, 'Xong trong kỳ', NULL, NULL, NULL, 'SOLVED',"
	    "  '2026-01-01', 'Đã cấp'),"
	    " (105, '06184', 0, 1, 0, '2026-07-01', NULL, 'Sau kỳ', NULL, NULL, NULL, 'OPEN', NULL, NULL)");
	report_world_sql(w, "INSERT INTO form_award(id, unit, created_at, alive, conflicts, date, to_kind,"
	    " recipient, decision_no) VALUES (201, '20', 0, 1, 0, '2026-05-05', 'COLLECTIVE', 'Xã Đồng Đăng',"
	    " '12/QĐ-UBND')");
	report_world_sql(w, "INSERT INTO form_disclosure(id, unit, created_at, alive, conflicts,"
	    " published_at, where_kind, firms_count, fees_included) VALUES"
	    " (301, '20', 0, 1, 0, '2026-05-05', NULL, 12, 'yes')");
	r = report_world_run(w, "b17", "20");
	assert_int_equal(r->blocks[0].n_rows, 3);
	report_world_has(r, 0, "02/02/2026", "Xã Đồng Đăng|Kinh phí: Thiếu kinh phí|Chưa giao|Bổ sung|"
	    "Sở Tài chính|Chưa giải quyết");
	report_world_has(r, 4, "05/05/2026", "Tỉnh Lạng Sơn|Tập thể: Xã Đồng Đăng|12/QĐ-UBND|||");
	report_world_has(r, 5, "05/05/2026", "Tỉnh Lạng Sơn||12|Có||");
	report_free(r);
}

#define T(f) cmocka_unit_test_setup_teardown(f, report_world_set_up, report_world_tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(counts_migration_counselling),
		T(counts_training_by_person_and_course),
		T(counts_inspections_by_subject),
		T(shows_coordination_and_the_figures_of_others_as_a_memo),
		T(shows_models_as_they_stand_on_the_last_day),
		T(adds_up_money_by_source),
		T(lists_difficulties_until_they_are_settled),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
