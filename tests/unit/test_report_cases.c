/* Tables B1 to B3: who was received, what came out, who the victims are.  Figures by hand. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "tests/support/report_world.h"

/*
 * Nine persons, half year of 2026.  1 and 5 are one (linked).
 * 101 (1) rescued at home, 12; 102 (2) came by herself, 17 by a year of birth; 103 (3) handed
 * over, a foreigner without papers; 104 (4) with 103, accompanying; 105 (5) the same person as 1,
 * received again by the police; 106 (6) of last year, decided in the period; 107 deleted;
 * 108 (7) a duplicate; 109 (8) came by a referral that waits; 110 (8) by one that was accepted;
 * 111 (9) another province.
 */
static int
set_up(void **state)
{
	struct report_world *w;

	(void)report_world_set_up(state);
	w = *state;
	report_world_sql(w, "INSERT INTO form_person(id, unit, created_at, alive, conflicts, cluster, sex,"
	    " birth_date, est_age, est_age_asof, ethnicity, nationality) VALUES"
	    " (1, '06184', 0, 1, 0, 1, NULL, '2013-06-30', NULL, NULL, 'tay', 'VN'),"
	    " (2, '06184', 0, 1, 0, NULL, 'F', '2009', NULL, NULL, 'nung', NULL),"
	    " (3, '06196', 0, 1, 0, NULL, 'M', NULL, 30, '2025-05-05', NULL, 'LA'),"
	    " (4, '06196', 0, 1, 0, NULL, 'U', NULL, NULL, NULL, NULL, NULL),"
	    " (5, '06184', 0, 1, 0, 1, 'F', '2013', NULL, NULL, NULL, NULL),"
	    " (6, '06184', 0, 1, 0, NULL, 'F', '1999-05', NULL, NULL, 'tay', NULL),"
	    " (7, '06184', 0, 1, 0, NULL, 'M', NULL, NULL, NULL, NULL, NULL),"
	    " (8, '06625', 0, 1, 0, NULL, 'M', '1960-01-01', NULL, NULL, 'kinh', NULL),"
	    " (9, '99001', 0, 1, 0, NULL, 'M', NULL, NULL, NULL, NULL, NULL)");
	report_world_sql(w, "INSERT INTO form_case(id, unit, created_at, alive, conflicts, person_id, class,"
	    " recv_channel, recv_date, recv_org_kind, rescue_org_kind, ident_result, ident_date, cert_no,"
	    " cert_date, close_reason, exploited_country, continues) VALUES"
	    " (101, '06184', 0, 1, 0, 1, 'V_VN', 'RESCUED_IN', '2026-06-29', 'POLP', 'BGP',"
	    "  'VICTIM', '2026-06-30', NULL, NULL, NULL, 'CN', NULL),"
	    " (102, '06184', 0, 1, 0, 2, 'PIP_IN', 'SELF_COMMUNE', '2026-01-01', 'CPC', NULL,"
	    "  'VICTIM', '2026-01-11', 'GXN-1', '2026-02-01', NULL, 'CN', NULL),"
	    " (103, '06196', 0, 1, 0, 3, 'FOREIGN', 'HANDOVER', '2026-03', 'BGP', NULL,"
	    "  'PENDING', NULL, NULL, NULL, NULL, NULL, NULL),"
	    " (104, '06196', 0, 1, 0, 4, 'U18_VN', 'HANDOVER', '2026-03-01', NULL, NULL,"
	    "  NULL, NULL, NULL, NULL, NULL, NULL, NULL),"
	    " (105, '06184', 0, 1, 0, 5, 'V_VN', 'SELF_POLICE', '2026-06-30', 'POLP', NULL,"
	    "  NULL, NULL, NULL, NULL, NULL, NULL, NULL),"
	    " (106, '06184', 0, 1, 0, 6, 'V_VN', 'GATE', '2025-12-31', 'BGP', NULL,"
	    "  'NOT_VICTIM', '2026-01-05', NULL, NULL, NULL, NULL, NULL),"
	    " (107, '06184', 0, 0, 0, 2, 'V_VN', 'GATE', '2026-03-03', 'BGP', NULL,"
	    "  'VICTIM', '2026-03-05', NULL, NULL, NULL, NULL, NULL),"
	    " (108, '06184', 0, 1, 0, 7, 'V_VN', 'GATE', '2026-03-03', 'BGP', NULL,"
	    "  'VICTIM', '2026-03-05', NULL, NULL, 'DUPLICATE', NULL, NULL),"
	    " (109, '06625', 0, 1, 0, 8, 'V_VN', 'GATE', '2026-04-01', 'BGP', NULL,"
	    "  'VICTIM', '2026-04-02', NULL, NULL, NULL, NULL, 'aaaaaaaaaaaaaaaa.1'),"
	    " (110, '06625', 0, 1, 0, 8, 'V_VN', 'GATE', '2026-04-01', 'BGP', NULL,"
	    "  'VICTIM', '2026-04-03', NULL, NULL, NULL, 'LA', 'aaaaaaaaaaaaaaaa.2'),"
	    " (111, '99001', 0, 1, 0, 9, 'V_VN', 'GATE', '2026-04-01', 'BGP', NULL,"
	    "  'VICTIM', '2026-04-03', NULL, NULL, NULL, NULL, NULL)");
	report_world_sql(w, "INSERT INTO form_referral(id, unit, created_at, alive, conflicts, case_id,"
	    " direction, outcome) VALUES (201, '06625', 0, 1, 0, 109, 'IN', 'PENDING'),"
	    " (202, '06625', 0, 1, 0, 110, 'IN', 'ACCEPTED')");
	report_world_sql(w, "INSERT INTO form_relation(id, unit, created_at, alive, conflicts, person_a,"
	    " person_b, relation) VALUES (301, '06196', 0, 1, 0, 3, 4, 'ACCOMP_U18')");
	report_world_sql(w, "INSERT INTO form_case__causes VALUES (101, 1, 1, 1, 'POVERTY', 0),"
	    " (101, 1, 1, 2, 'UNKNOWN', 0), (102, 1, 2, 1, 'DECEIVED', 0), (102, 1, 2, 2, 'NEWER', 0),"
	    " (102, 1, 2, 3, 'DEBT', 1)");
	report_world_sql(w, "INSERT INTO form_case__purpose VALUES (101, 1, 1, 3, 'SEX', 0),"
	    " (102, 1, 2, 4, 'SEX', 0), (102, 1, 2, 5, 'SCAM', 0), (102, 1, 2, 6, 'UNKNOWN', 0)");
	report_world_sql(w, "INSERT INTO form_nationality_check(id, unit, created_at, alive, conflicts,"
	    " requested_at, result, continues) VALUES"
	    " (401, '06196', 0, 1, 0, '2026-03', 'VN', NULL), (402, '06196', 0, 1, 0, '2026-03-02', NULL,"
	    " NULL), (403, '06196', 0, 1, 0, '2025-03-02', 'VN', NULL), (404, '06196', 0, 1, 0,"
	    " '2026-03-02', 'NOT_VN', 'aaaaaaaaaaaaaaaa.3')");
	return 0;
}

/* Columns: persons, male, female, unknown, <16, 16-17, 18+, no age, foreign, accompanying. */
static void
counts_who_was_received_by_channel_and_once_in_the_total(void **state)
{
	struct report_world *w = *state;
	struct report *r = report_world_run(w, "b1", "20");

	assert_int_equal(r->n_blocks, 3);
	/* 12 on the day before the birthday; her sex stands in the linked record */
	report_world_has(r, 0, report_world_label(w, "recv_channel", "RESCUED_IN"), "1|0|1|0|1|0|0|0|0|0");
	report_world_has(r, 0, report_world_label(w, "recv_channel", "SELF_COMMUNE"), "1|0|1|0|0|1|0|0|0|0");
	/* 3: 30 in 2025, so 31; 4: nothing is known */
	report_world_has(r, 0, report_world_label(w, "recv_channel", "HANDOVER"), "2|1|0|1|0|0|1|1|1|1");
	report_world_has(r, 0, report_world_label(w, "recv_channel", "SELF_POLICE"), "1|0|1|0|1|0|0|0|0|0");
	/* 106 is of last year, 109 and 110 were received elsewhere first */
	report_world_has(r, 0, report_world_label(w, "recv_channel", "GATE"), "0|0|0|0|0|0|0|0|0|0");
	report_world_has(r, 0, "Tổng số", "4|1|2|1|1|1|1|1|1|1");
	report_world_has(r, 1, report_world_label(w, "org_kind", "POLP"), "1|0|1|0|1|0|0|0|0|0");
	report_world_has(r, 1, "Không ghi", "1|0|0|1|0|0|0|1|0|1");
	assert_int_equal(r->blocks[2].n_rows, 1);
	report_world_has(r, 2, report_world_label(w, "org_kind", "BGP"), "1|0|1|0|1|0|0|0|0|0");
	report_free(r);
	r = report_world_run(w, "b1", "06184");
	report_world_has(r, 0, "Tổng số", "2|0|2|0|1|1|0|0|0|0");
	report_free(r);
}

static void
counts_what_came_out_and_how_long_it_took(void **state)
{
	struct report *r = report_world_run(*state, "b2", "20");

	assert_int_equal(r->n_blocks, 3);
	report_world_has(r, 0, "Hồ sơ tiếp nhận trong kỳ (người)", "4|1|2|2");
	report_world_has(r, 0, "Trong đó: đang xác minh", "1|1|0|0");
	/* 104; and 105 of the person whose other case is decided */
	report_world_has(r, 0, "Trong đó: chưa bắt đầu xác minh", "2|0|1|1");
	report_world_has(r, 0, "Trong đó: là nạn nhân", "2|0|2|2");
	/* 101, 102; 110 was accepted here */
	report_world_has(r, 0, "Được xác định là nạn nhân trong kỳ (người)", "3|1|2|2");
	report_world_has(r, 0, "Được xác định không phải nạn nhân trong kỳ (người)", "1|0|1|0");
	report_world_has(r, 0, "Được cấp giấy xác nhận nạn nhân trong kỳ (người)", "1|0|1|1");
	/* 1, 2, 5, 10 days: between 2 and 5 */
	report_world_has(r, 1, "Số ngày trung vị để xác định", "4|||");
	report_world_has(r, 2, "Đề nghị xác minh quốc tịch trong kỳ", "2|||");
	report_world_has(r, 2, "Trong đó: có quốc tịch Việt Nam", "1|||");
	report_world_has(r, 2, "Trong đó: không có quốc tịch Việt Nam", "0|||");
	report_world_has(r, 2, "Trong đó: đang xác minh", "1|||");
	report_free(r);
}

/* Columns: persons, male, female, unknown, twelve causes, none stated. */
static void
shows_victims_by_age_sex_and_cause(void **state)
{
	struct report_world *w = *state;
	struct report *r = report_world_run(w, "b3", "20");

	assert_int_equal(r->n_blocks, 7);
	report_world_has(r, 0, "11–15 tuổi", "1|0|1|0|1|0|0|0|0|0|0|0|0|0|0|0|0");
	/* a cause that no list here has is another cause; a voided one is none */
	report_world_has(r, 0, "16–17 tuổi", "1|0|1|0|0|0|0|1|0|0|0|0|0|0|1|0|0");
	report_world_has(r, 0, "Từ 60 tuổi", "1|1|0|0|0|0|0|0|0|0|0|0|0|0|0|0|1");
	report_world_has(r, 0, "Tổng số", "3|1|2|0|1|0|0|1|0|0|0|0|0|0|1|0|1");
	assert_int_equal(r->blocks[0].n_rows, 10);
	assert_true(r->blocks[0].rows[9].total);
	assert_int_equal(r->blocks[1].n_rows, 1);
	assert_int_equal(r->blocks[2].n_rows, 2);
	assert_int_equal(r->blocks[3].n_rows, 0);
	report_world_has(r, 4, report_world_label(w, "purpose", "SEX"), "2|0|2|0|1|0|0|1|0|0|0|0|0|0|1|0|0");
	report_world_has(r, 4, report_world_label(w, "purpose", "SCAM"), "1|0|1|0|0|0|0|1|0|0|0|0|0|0|1|0|0");
	report_world_has(r, 4, "Không ghi", "1|1|0|0|0|0|0|0|0|0|0|0|0|0|0|0|1");
	assert_int_equal(r->blocks[4].n_rows, 3);
	report_world_has(r, 5, report_world_label(w, "ethnicity", "tay"), "1|0|1|0|1|0|0|0|0|0|0|0|0|0|0|0|0");
	report_world_has(r, 6, report_world_label(w, "country", "CN"), "2|0|2|0|1|0|0|1|0|0|0|0|0|0|1|0|0");
	report_free(r);
}

#define T(f) cmocka_unit_test_setup_teardown(f, set_up, report_world_tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(counts_who_was_received_by_channel_and_once_in_the_total),
		T(counts_what_came_out_and_how_long_it_took),
		T(shows_victims_by_age_sex_and_cause),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
