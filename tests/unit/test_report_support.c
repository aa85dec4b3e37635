/* Tables B5 to B7 and B9: what became of persons, who is missing, what was told.  By hand. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "tests/support/report_world.h"

/* Persons 1 (girl, 15), 2 (woman), 3 (man), with cases 101 to 103; 104 came from elsewhere. */
static int
set_up(void **state)
{
	struct report_world *w;

	(void)report_world_set_up(state);
	w = *state;
	report_world_sql(w, "INSERT INTO form_person(id, unit, created_at, alive, conflicts, sex, birth_date)"
	    " VALUES (1, '06184', 0, 1, 0, 'F', '2010'), (2, '06184', 0, 1, 0, 'F', '1990'),"
	    " (3, '06196', 0, 1, 0, 'M', '1980'), (4, '06196', 0, 1, 0, 'F', NULL)");
	report_world_sql(w, "INSERT INTO form_case(id, unit, created_at, alive, conflicts, person_id,"
	    " recv_date, previous_case, close_reason, closed_on, continues) VALUES"
	    " (101, '06184', 0, 1, 0, 1, '2025-10-01', NULL, NULL, NULL, NULL),"
	    " (102, '06184', 0, 1, 0, 2, '2026-01-01', 77, 'REINTEGRATED', '2026-06-30', NULL),"
	    " (103, '06196', 0, 1, 0, 3, '2025-02-02', NULL, 'MOVED', '2026-07-01', NULL),"
	    " (104, '06196', 0, 1, 0, 4, '2026-02-02', NULL, NULL, NULL, 'aaaaaaaaaaaaaaaa.1')");
	return 0;
}

/* Columns: times, persons, male, female, under 18. */
static void
counts_where_persons_went_and_who_looked_after_them(void **state)
{
	struct report_world *w = *state;
	struct report *r;

	report_world_sql(w, "INSERT INTO form_referral(id, unit, created_at, alive, conflicts, case_id,"
	    " direction, kind, sent_at, received_at, outcome) VALUES"
	    " (201, '06184', 0, 1, 0, 101, 'OUT', 'REFER', '2026-02-01', NULL, NULL),"
	    " (202, '06184', 0, 1, 0, 101, 'OUT', 'REFER', '2026-03-01', NULL, NULL),"
	    " (203, '06184', 0, 1, 0, 102, 'OUT', 'REFER', '2026-03-01', NULL, NULL),"
	    " (204, '06196', 0, 1, 0, 103, 'OUT', 'TRANSFER', '2026-04-01', NULL, NULL),"
	    " (205, '06184', 0, 1, 0, 102, 'OUT', 'REFER', '2025-12-31', NULL, NULL),"
	    " (206, '06196', 0, 1, 0, 104, 'IN', 'TRANSFER', '2025-12-30', '2026-01-02', 'ACCEPTED')");
	report_world_sql(w, "INSERT INTO form_referral__answers VALUES (201, 1, 1, 1, 'ACCEPTED', 0),"
	    " (202, 1, 2, 1, 'DECLINED', 0), (204, 1, 3, 1, 'ACCEPTED', 0), (203, 1, 4, 1, 'ACCEPTED', 1)");
	report_world_sql(w, "INSERT INTO form_case_event(id, unit, created_at, alive, conflicts, case_id,"
	    " event, at, voids) VALUES"
	    " (301, '06184', 0, 1, 0, 101, 'S12_RETURN', '2026-05', NULL),"
	    " (302, '06184', 0, 1, 0, 102, 'S12_RETURN', '2026-05-05', NULL),"
	    " (303, '06184', 0, 1, 0, 102, 'NOTIFY', '2026-05-06', 302),"
	    " (304, '06184', 0, 1, 0, 101, 'ADMIT', '2026-01-01', NULL)");
	report_world_sql(w, "INSERT INTO form_lodging_stay(id, unit, created_at, alive, conflicts, case_id,"
	    " date_from, date_to) VALUES (401, '06184', 0, 1, 0, 101, '2026-01-01', NULL),"
	    " (402, '06184', 0, 1, 0, 102, '2026-01-01', '2026-06-29'),"
	    " (403, '06184', 0, 1, 0, 102, '2026-06-30', '2026-06-30')");
	/* due and done; due and late; due and open; of another period; transferred away */
	report_world_sql(w, "INSERT INTO form_follow_up(id, unit, created_at, alive, conflicts, case_id,"
	    " due, done_at, safe) VALUES (501, '06184', 0, 1, 0, 101, '2026-01-01', '2026-01-05', 'no'),"
	    " (502, '06184', 0, 1, 0, 101, '2026-06-01', '2026-07-01', 'no'),"
	    " (503, '06184', 0, 1, 0, 102, '2026-06-30', NULL, NULL),"
	    " (504, '06184', 0, 1, 0, 102, '2026-07-01', NULL, NULL),"
	    " (505, '06196', 0, 1, 0, 103, '2026-05-01', NULL, NULL),"
	    " (506, '06196', 0, 1, 0, 103, '2026-03-01', NULL, NULL)");
	r = report_world_run(w, "b5", "20");
	report_world_has(r, 0, "Chuyển đi trong kỳ", "4|3|1|2|1");
	report_world_has(r, 0, "Trong đó: nơi nhận đã tiếp nhận", "2|2|1|1|1");
	report_world_has(r, 0, "Trong đó: bị từ chối hoặc quá hạn", "1|1|0|1|1");
	report_world_has(r, 0, "Trong đó: đang chờ phản hồi", "1|1|0|1|0");
	report_world_has(r, 0, "Chuyển đến, đã tiếp nhận trong kỳ", "1|1|0|1|0");
	report_world_has(r, 0, "Đưa về nơi cư trú, trao trả về nước", "1|1|0|1|1");
	report_world_has(r, 0, "Đưa vào cơ sở trong kỳ", "1|1|0|1|1");
	report_world_has(r, 0, "Đang ở cơ sở vào ngày cuối kỳ", "2|2|0|2|1");
	/* 501 502 503 506; 505 fell due after the transfer */
	report_world_has(r, 0, "Theo dõi đến hạn trong kỳ", "4|3|1|2|1");
	report_world_has(r, 0, "Trong đó: đã thực hiện", "1|1|0|1|1");
	report_world_has(r, 0, "Trong đó: chưa thực hiện", "3|3|1|2|1");
	report_world_has(r, 0, "Lần theo dõi ghi nhận người được hỗ trợ không an toàn", "1|1|0|1|1");
	report_world_has(r, 0, "Bị mua bán trở lại (hồ sơ mới trong kỳ)", "1|1|0|1|0");
	report_world_has(r, 0, "Kết thúc hồ sơ trong kỳ", "1|1|0|1|0");
	assert_int_equal(r->blocks[1].n_rows, 1);
	report_world_has(r, 1, report_world_label(w, "close_reason", "REINTEGRATED"), "1|1|0|1|0");
	report_free(r);
}

/* Columns: times, victims, relatives, accompanying, danger, reported. */
static void
counts_protection_by_measure_and_refusals_apart(void **state)
{
	struct report_world *w = *state;
	struct report *r;

	report_world_sql(w, "INSERT INTO form_protection_measure(id, unit, created_at, alive, conflicts,"
	    " case_id, measure, for_whom, person_id, date_from, date_to, danger_signs, refused) VALUES"
	    " (201, '06184', 0, 1, 0, 101, 'SHELTER', 'VICTIM', NULL, '2026-02-01', NULL, 'x', NULL),"
	    " (202, '06184', 0, 1, 0, 101, 'SHELTER', 'VICTIM', 1, '2026-03-01', NULL, NULL, NULL),"
	    " (203, '06184', 0, 1, 0, 101, 'GUARD', 'RELATIVE', NULL, '2025-01-01', NULL, NULL, NULL),"
	    " (204, '06184', 0, 1, 0, 101, 'GUARD', 'RELATIVE', NULL, '2025-01-01', '2025-12-31', NULL, NULL),"
	    " (205, '06184', 0, 1, 0, 102, 'GUARD', 'VICTIM', NULL, '2026-01-01', NULL, NULL, 'yes'),"
	    " (206, '06184', 0, 1, 0, 102, 'REFUSED', 'VICTIM', NULL, '2025-01-01', NULL, NULL, NULL),"
	    " (207, '06184', 0, 1, 0, 102, 'ALERT', 'ACCOMP_U18', NULL, '2026-06-30', NULL, 'x', NULL)");
	report_world_sql(w, "INSERT INTO form_protection_measure__reported_to VALUES"
	    " (201, 1, 1, 1, 'POLP', 0), (201, 1, 1, 2, 'BGP', 0), (207, 1, 2, 1, 'POLP', 1)");
	r = report_world_run(w, "b6", "20");
	/* the victim of 101 is person 1, said or not */
	report_world_has(r, 0, report_world_label(w, "protect_measure", "SHELTER"), "2|1|0|0|1|1");
	report_world_has(r, 0, report_world_label(w, "protect_measure", "GUARD"), "1|0|1|0|0|0");
	report_world_has(r, 0, report_world_label(w, "protect_measure", "ALERT"), "1|0|0|1|1|0");
	report_world_has(r, 0, report_world_label(w, "protect_measure", "REFUSED"), "1|1|0|0|0|0");
	report_world_has(r, 0, "Tổng số", "4|1|1|1|2|1");
	report_free(r);
}

/* Columns: persons, male, female, under 18, suspected, found, last review. */
static void
shows_nothing_instead_of_zero_where_nobody_looked(void **state)
{
	struct report_world *w = *state;
	struct report *r;

	report_world_sql(w, "INSERT INTO form_missing_person(id, unit, created_at, alive, conflicts, sex,"
	    " birth_date, commune_code, left_date, suspect_trafficking, status, status_date) VALUES"
	    " (201, '06184', 0, 1, 0, 'F', '2008-07-01', '06184', '2024', 'yes', 'MISSING', NULL),"
	    " (202, '06184', 0, 1, 0, 'M', '2008-06-30', '06184', '2026-02', 'no', 'RETURNED', '2026-05-05'),"
	    " (203, '06184', 0, 1, 0, 'F', NULL, '06184', '2025-01', 'unknown', 'RETURNED', '2025-12-31'),"
	    " (204, '06184', 0, 1, 0, 'F', NULL, '06184', '2026-07', 'yes', 'MISSING', NULL),"
	    " (205, '06196', 0, 1, 0, NULL, NULL, NULL, '2026-01', 'yes', 'CONTACTED', '2026-07-01')");
	report_world_sql(w, "INSERT INTO form_survey(id, unit, created_at, alive, conflicts, subject, date,"
	    " commune_code, found_count) VALUES (301, '06184', 0, 1, 0, 'MISSING', '2026-06-01', '06184', 2),"
	    " (302, '06004', 0, 1, 0, 'MISSING', '2026-05-31', '06004', 0),"
	    " (303, '06541', 0, 1, 0, 'MISSING', '2025-05-31', '06541', 0),"
	    " (304, '06625', 0, 1, 0, 'NEEDS', '2026-05-31', '06625', 0)");
	r = report_world_run(w, "b7", "20");
	/* 201 is 17 on the last day, 202 is 18; 203 was found before, 204 left later */
	report_world_has(r, 0, "Xã Đồng Đăng", "2|1|1|1|1|1|01/06/2026");
	/* known of by a record, although nobody reviewed; found after the period */
	report_world_has(r, 0, "Xã Ba Sơn", "1|0|0|0|1|0|chưa rà soát trong kỳ");
	report_world_has(r, 0, "Xã Quốc Khánh", "0|0|0|0|0|0|31/05/2026");
	report_world_has(r, 0, "Xã Mẫu Sơn", "||||||31/05/2025 (chưa rà soát trong kỳ)");
	report_world_has(r, 0, "Xã Kiên Mộc", "||||||chưa rà soát trong kỳ");
	report_world_has(r, 0, "Tổng số", "3|1|1|1|2|1|");
	/* the commune that ended in 2025 is not of this period */
	assert_int_equal(r->blocks[0].n_rows, 6);
	report_free(r);
}

/* Columns: tips, information, counselling, referral, victims, suspected, pending, hours. */
static void
counts_tips_by_channel_class_and_outcome(void **state)
{
	struct report_world *w = *state;
	struct report *r;

	report_world_sql(w, "INSERT INTO form_tip(id, unit, created_at, alive, conflicts, received_on,"
	    " received_time, channel, outcome, call_class, call_class_derived, victim_status, continues)"
	    " VALUES (201, '06184', 0, 1, 0, '2026-01-01', '08:00', 'H111', 'FWD_POL', NULL, 'REFER',"
	    "  'VICTIM', NULL),"
	    " (202, '06184', 0, 1, 0, '2026-02-01', NULL, 'H111', 'COUNSELLED', NULL, 'COUNSEL',"
	    "  'SUSPECTED', NULL),"
	    " (203, '06184', 0, 1, 0, '2026-03-01', '23:00', 'H111', NULL, 'REFER', 'INFO', NULL, NULL),"
	    " (204, '06184', 0, 1, 0, '2026-03-01', NULL, NULL, 'PENDING', NULL, NULL, NULL, NULL),"
	    " (205, '06184', 0, 1, 0, '2026-03-01', NULL, 'H111', 'PENDING', NULL, NULL, NULL,"
	    "  'aaaaaaaaaaaaaaaa.1'),"
	    " (206, '06184', 0, 1, 0, '2026-07-01', NULL, 'H111', 'PENDING', NULL, NULL, NULL, NULL)");
	/* 201 after 4 hours (the later one does not count), 202 after a day, 203 after 2 hours */
	report_world_sql(w, "INSERT INTO form_tip_action(id, unit, created_at, alive, conflicts, tip_id,"
	    " date, time) VALUES (301, '06184', 0, 1, 0, 201, '2026-01-02', '08:00'),"
	    " (302, '06184', 0, 1, 0, 201, '2026-01-01', '12:00'),"
	    " (303, '06184', 0, 1, 0, 202, '2026-02-02', '07:00'),"
	    " (304, '06184', 0, 1, 0, 203, '2026-03-02', '01:00')");
	r = report_world_run(w, "b9", "20");
	report_world_has(r, 0, report_world_label(w, "tip_channel", "H111"), "3|0|1|2|1|1|1|4");
	report_world_has(r, 0, "Không ghi", "1|1|0|0|0|0|1|");
	report_world_has(r, 0, "Tổng số", "4|1|1|2|1|1|2|4");
	report_world_has(r, 1, report_world_label(w, "tip_outcome", "FWD_POL"), "1|0|0|1|1|0|0|4");
	report_world_has(r, 1, report_world_label(w, "tip_outcome", "PENDING"), "2|1|0|1|0|0|2|2");
	assert_int_equal(r->blocks[2].n_rows, 4);
	report_free(r);
}

#define T(f) cmocka_unit_test_setup_teardown(f, set_up, report_world_tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(counts_where_persons_went_and_who_looked_after_them),
		T(counts_protection_by_measure_and_refusals_apart),
		T(shows_nothing_instead_of_zero_where_nobody_looked),
		T(counts_tips_by_channel_class_and_outcome),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
