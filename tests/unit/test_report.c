#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <jansson.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "shared/base/csv.h"
#include "tests/support/report_world.h"

/*
 * Persons 1..7, one case each but person 1, who has an old one too.  The period of
 * the tests is the first half of 2026.
 */
static void
fill_cases(struct report_world *w)
{
	report_world_sql(w, "INSERT INTO form_person(id, unit, created_at, alive, conflicts, current_commune) VALUES"
	    " (1, '06184', 0, 1, 0, '06184'), (2, '06184', 0, 1, 0, NULL), (3, '06196', 0, 1, 0, NULL),"
	    " (4, '06541', 0, 1, 0, '06196'), (5, '06184', 0, 1, 0, NULL), (6, '06625', 0, 1, 0, NULL),"
	    " (7, '06625', 0, 1, 0, NULL)");
	report_world_sql(w, "INSERT INTO form_case(id, unit, created_at, alive, conflicts, person_id, recv_date,"
	    " ident_result, ident_date, close_reason, closed_on) VALUES"
	    " (101, '06184', 0, 1, 1, 1, '2026-02-10', 'VICTIM', '2026-03-01', NULL, NULL),"
	    " (102, '06184', 0, 1, 0, 2, '2025-11-20', 'VICTIM', '2025-12-15', NULL, NULL),"
	    " (103, '06196', 0, 1, 0, 3, '2026-05', 'PENDING', NULL, NULL, NULL),"
	    " (104, '06196', 0, 1, 0, 1, '2025-03-03', 'VICTIM', '2025-04-01', 'REINTEGRATED',"
	    "  '2025-12-31'),"
	    " (105, '06541', 0, 1, 0, 4, '2026-04-01', 'VICTIM', '2026-04-20', NULL, NULL),"
	    " (106, '06184', 0, 0, 0, 5, '2026-01-10', 'VICTIM', '2026-01-20', NULL, NULL),"
	    " (107, '06625', 0, 1, 0, 6, '2026-06-01', 'VICTIM', '2026-07-02', NULL, NULL),"
	    " (108, '06625', 0, 1, 0, 7, '2026-01-20', 'VICTIM', '2026-02-02', NULL, NULL),"
	    " (109, '06625', 0, 1, 0, 6, '2026-01-20', 'VICTIM', '2026-02-02', 'DUPLICATE',"
	    "  '2026-03-03')");
	/* 1767204000 is 2025-12-31 18:00 UTC, 1 January in Viet Nam */
	report_world_sql(w, "INSERT INTO form_service_delivery(id, unit, created_at, alive, conflicts, case_id,"
	    " service, status, date_from, amount_vnd) VALUES"
	    " (201, '06184', 0, 1, 0, 101, 'PSY', 'DELIVERED', '2026-02-20', NULL),"
	    " (202, '06184', 0, 1, 0, 101, 'PSY', 'DELIVERED', '2026-03-20', 100000),"
	    " (203, '06184', 0, 1, 0, 101, 'ALLOW', 'OFFERED', '2026-03-01', NULL),"
	    " (204, '06184', 0, 1, 0, 102, 'PSY', 'DELIVERED', '2026-01-15', 200000),"
	    " (205, '06184', 0, 1, 0, 102, 'VOC', 'DECLINED', '2026-02-01', NULL),"
	    " (206, '06196', 0, 1, 0, 103, 'MED', 'DELIVERED', '2026-06-01', 300000),"
	    " (207, '06196', 0, 1, 0, 104, 'PSY', 'DELIVERED', '2026-01-05', NULL),"
	    " (208, '06541', 1767204000, 1, 0, 105, 'VOC', 'DECLINED', NULL, NULL),"
	    " (209, '06184', 0, 1, 0, 101, 'PSY', 'DELIVERED', '2025-12-31', 7),"
	    " (210, '06184', 0, 1, 0, 106, 'PSY', 'DELIVERED', '2026-02-02', 7),"
	    " (211, '06184', 0, 0, 0, 101, 'PSY', 'DELIVERED', '2026-02-02', 7),"
	    " (212, '06184', 0, 1, 0, 101, 'ESS', 'CANCELLED', '2026-02-02', 7),"
	    " (213, '06184', 0, 1, 0, 101, 'LATER', 'DELIVERED', '2026-06-30', 5),"
	    " (214, '06184', 0, 1, 0, 101, 'PSY', 'DELIVERED', '2026-07-01', 7)");
}

static void
fill_activities(struct report_world *w)
{
	report_world_sql(w, "INSERT INTO form_awareness_session(id, unit, created_at, alive, conflicts, kind, status,"
	    " date_start, commune_code, dup_of, participants_total, participants_female,"
	    " participants_child, participants_ethmin) VALUES"
	    " (301, '06184', 0, 1, 0, 'COMM', 'HELD', '2026-03-01', '06184', NULL, 50, 30, 5, 40),"
	    " (302, '06184', 0, 1, 0, NULL, NULL, '2026-06-30', '06184', NULL, 100, 60, 20, 100),"
	    " (303, '06196', 0, 1, 0, 'COMM', 'HELD', '2026-05-05', '06196', NULL, NULL, NULL, NULL,"
	    "  NULL),"
	    " (304, '06184', 0, 1, 0, 'COMM', 'CANCELLED', '2026-03-01', '06625', NULL, 9, 9, 9, 9),"
	    " (305, '06184', 0, 1, 0, 'COMM', 'PLANNED', '2026-03-01', '06625', NULL, 9, 9, 9, 9),"
	    " (306, '06184', 0, 1, 2, 'COMM', 'HELD', '2026-07-01', '06625', NULL, 9, 9, 9, 9),"
	    " (307, '06184', 0, 1, 0, 'COMM', 'HELD', '2026-03-01', '06184', 301, 50, 30, 5, 40),"
	    " (308, '06184', 0, 1, 0, 'PREVSUP', 'HELD', '2026-04-04', '06625', NULL, NULL, NULL, NULL,"
	    "  NULL),"
	    " (309, '06184', 0, 0, 0, 'COMM', 'HELD', '2026-03-01', '06625', NULL, 9, 9, 9, 9),"
	    " (310, '06184', 0, 1, 0, 'COMM', 'HELD', '2026-02-02', '06541', 999, 10, NULL, NULL, NULL)");
	report_world_sql(w, "UPDATE form_awareness_session SET items_count = 2, air_count = 6, air_minutes = 90,"
	    " reach = 800 WHERE id = 303");
	report_world_sql(w, "UPDATE form_awareness_session SET persons_supported_m = 3, persons_supported_f = 7"
	    " WHERE id = 308");
	report_world_sql(w, "INSERT INTO form_awareness_session__forms VALUES"
	    " (301, 1, 1, 1, 'TALK', 0), (301, 1, 1, 2, 'LEAFLET', 0), (302, 1, 2, 1, 'DIRECT', 0),"
	    " (303, 1, 3, 1, 'LOUDSPK', 0), (303, 1, 3, 2, 'TALK', 1), (310, 1, 4, 1, 'DIRECT', 0),"
	    " (307, 1, 5, 1, 'TALK', 0)");
	report_world_sql(w, "INSERT INTO form_awareness_session__audiences VALUES"
	    " (301, 1, 1, 3, 'WOMEN', 0), (302, 1, 2, 3, 'WOMEN', 0), (302, 1, 2, 4, 'BORDER', 0)");
	report_world_sql(w, "INSERT INTO form_awareness_session__topics VALUES"
	    " (301, 1, 1, 4, 'LAW', 0), (302, 1, 2, 5, 'TRICKS', 0)");
	report_world_sql(w, "INSERT INTO form_awareness_session__place_kind VALUES (302, 1, 2, 6, 'BORDERC', 0)");
	report_world_sql(w, "INSERT INTO form_awareness_session__campaigns VALUES"
	    " (302, 1, 2, 7, 'D30_7_NAT', 0), (302, 1, 2, 8, 'D30_7_WORLD', 0),"
	    " (301, 1, 1, 9, 'D30_7_NAT', 1)");
	report_world_sql(w, "INSERT INTO form_outreach(id, unit, created_at, alive, conflicts, date, kind, persons_m,"
	    " persons_f) VALUES"
	    " (401, '06184', 0, 1, 0, '2026-01-01', 'HOUSEHOLD', 1, 2),"
	    " (402, '06184', 0, 1, 0, '2026-02-01', 'HOUSEHOLD', NULL, 3),"
	    " (403, '06196', 0, 1, 0, '2026-03-01', 'MIGCOUNS', 4, 0),"
	    " (404, '06196', 0, 1, 0, '2026-03-02', NULL, 1, 1),"
	    " (405, '06196', 0, 1, 0, '2026-07-02', 'MIGCOUNS', 9, 9),"
	    " (406, '99001', 0, 1, 0, '2026-03-02', 'MIGCOUNS', 9, 9)");
	report_world_sql(w, "INSERT INTO form_outreach__campaigns VALUES (403, 2, 1, 1, 'D30_7_NAT', 0)");
}

static int
set_up(void **state)
{
	(void)report_world_set_up(state);
	fill_cases(*state);
	fill_activities(*state);
	return 0;
}

/* ---- B4 ---- */

static void
counts_services_by_distinct_person(void **state)
{
	struct report *r = report_world_run(*state, "b4", "20");

	assert_int_equal(r->n_blocks, 3);
	/*
	 * PSY in the period: 201 and 202 (person 1), 204 (2), 207 (1, by the old case);
	 * 209 and 214 lie outside, 210 belongs to a deleted case, 211 is deleted.
	 */
	report_world_has(r, 0, report_world_label(*state, "service", "PSY"), "0|2|0|2|4|300000");
	/* 205 (person 2), 208 (4; no date, so by the day it was recorded) */
	report_world_has(r, 0, report_world_label(*state, "service", "VOC"), "0|2|2|0|0|0");
	report_world_has(r, 0, report_world_label(*state, "service", "ALLOW"), "0|1|0|0|0|0");
	/* 212 is cancelled */
	report_world_has(r, 0, report_world_label(*state, "service", "ESS"), "0|0|0|0|0|0");
	/* a code that no list here has; the last day of the period counts */
	report_world_has(r, 0, "LATER", "0|1|0|1|1|5");
	/* offered 1 2 3 4; declined 2 4; served 1 2 3 */
	report_world_has(r, 0, "Tổng số", "0|4|2|3|6|600005");
	/* 21 services, LATER, total */
	assert_int_equal(r->blocks[0].n_rows, 23);
	assert_true(r->blocks[0].rows[22].total);
	assert_false(r->blocks[0].rows[0].total);
	report_free(r);
}

/* Case 101 is new, 102 of last year; the assessment of 101 in July is of the next period. */
static void
counts_who_needs_a_service_by_the_assessments_of_the_period(void **state)
{
	struct report_world *w = *state;
	struct report *r;

	report_world_sql(w, "INSERT INTO form_needs_assessment(id, unit, created_at, alive, conflicts,"
	    " case_id, date) VALUES (501, '06184', 0, 1, 0, 101, '2026-02-11'),"
	    " (502, '06184', 0, 1, 0, 102, '2026-06-30'), (503, '06184', 0, 1, 0, 101, '2026-07-01')");
	report_world_sql(w, "INSERT INTO form_needs_item(id, unit, created_at, alive, conflicts, case_id,"
	    " assessment_id, service, level) VALUES (511, '06184', 0, 1, 0, 101, 501, 'PSY', '3'),"
	    " (512, '06184', 0, 1, 0, 102, 502, 'PSY', NULL), (513, '06184', 0, 1, 0, 102, 502, 'ESS', '0'),"
	    " (514, '06184', 0, 1, 0, 101, 503, 'JOB', '1')");
	r = report_world_run(w, "b4", "20");
	report_world_has(r, 0, report_world_label(w, "service", "PSY"), "2|2|0|2|4|300000");
	report_world_has(r, 0, report_world_label(w, "service", "JOB"), "0|0|0|0|0|0");
	report_world_has(r, 0, "Tổng số", "2|4|2|3|6|600005");
	report_world_has(r, 1, "Tổng số", "1|3|1|2|4|400005");
	report_world_has(r, 2, "Tổng số", "1|2|1|2|2|200000");
	report_free(r);
}

static void
splits_services_into_new_and_earlier_cases(void **state)
{
	struct report *r = report_world_run(*state, "b4", "20");

	/* received in the period: 101, 103 (some day in May), 105 */
	report_world_has(r, 1, report_world_label(*state, "service", "PSY"), "0|1|0|1|2|100000");
	report_world_has(r, 1, "Tổng số", "0|3|1|2|4|400005");
	/* before: 102, 104 */
	report_world_has(r, 2, report_world_label(*state, "service", "PSY"), "0|2|0|2|2|200000");
	report_world_has(r, 2, "Tổng số", "0|2|1|2|2|200000");
	report_free(r);
}

static void
counts_one_unit_and_all_below_it(void **state)
{
	struct report *r = report_world_run(*state, "b4", "06184");

	assert_string_equal(r->unit, "06184");
	assert_string_equal(r->unit_name, "Xã Đồng Đăng");
	/* 201 202 204 */
	report_world_has(r, 0, report_world_label(*state, "service", "PSY"), "0|2|0|2|3|300000");
	report_free(r);
	r = report_world_run(*state, "b4", "99");
	report_world_has(r, 0, "Tổng số", "0|0|0|0|0|0");
	report_free(r);
	r = report_world_run(*state, "b4", NULL);
	assert_null(r->unit);
	report_world_has(r, 0, "Tổng số", "0|4|2|3|6|600005");
	report_free(r);
}

static void
counts_linked_persons_once(void **state)
{
	struct report_world *w = *state;
	struct report *r;

	report_world_sql(w, "UPDATE form_person SET cluster = 2 WHERE id IN (2, 4)");
	r = report_world_run(w, "b4", "20");
	report_world_has(r, 0, report_world_label(*state, "service", "VOC"), "0|1|1|0|0|0");
	report_world_has(r, 0, "Tổng số", "0|3|1|3|6|600005");
	report_free(r);
	/* victims 1, 2 = 4, 7; served 1 and 2 */
	r = report_world_run(w, "b16", "20");
	report_world_has(r, 0, "I1a", "Nạn nhân được tiếp cận dịch vụ, hưởng chế độ hỗ trợ|2|3|66.6|100|Chưa đạt|0|1|0.0");
	report_free(r);
}

static void
counts_the_records_that_wait_for_a_decision(void **state)
{
	struct report *b4 = report_world_run(*state, "b4", "20"), *b8 = report_world_run(*state, "b8", "20");
	struct report *other = report_world_run(*state, "b4", "06196");

	/* case 101; session 306, although it is outside the period */
	assert_int_equal(b4->open_conflicts, 1);
	assert_int_equal(b8->open_conflicts, 1);
	assert_int_equal(other->open_conflicts, 0);
	/* the province's last note says which communes are silent */
	assert_int_equal(b4->n_notes, other->n_notes + 2);
	assert_non_null(strstr(b4->notes[b4->n_notes - 2], "Có 1 bản ghi"));
	report_free(b4);
	report_free(b8);
	report_free(other);
}

/* The period begins at 2025-12-31 17:00 UTC: 1767200400. */
static void
names_the_communes_from_which_nothing_has_come(void **state)
{
	struct report_world *w = *state;
	struct report *r;

	report_world_sql(w, "INSERT INTO record(id, log, n, form, unit, created_at) VALUES"
	    " (1, 1, 1, 'case', '06184', 1767200400), (2, 1, 2, 'case', '06196', 1767200399),"
	    " (3, 1, 3, 'case', '99001', 1767200400)");
	r = report_world_run(w, "b4", "20");
	assert_int_equal(r->n_communes, 5);
	assert_int_equal(r->n_silent, 4);
	assert_string_equal(r->silent, "Từ đầu kỳ chưa nhận được bản ghi nào của 4 trong 5 xã, phường,"
	    " đặc khu: Xã Quốc Khánh; Xã Ba Sơn; Xã Mẫu Sơn; Xã Kiên Mộc.");
	assert_ptr_equal(r->notes[r->n_notes - 1], r->silent);
	report_free(r);
	/* one commune knows what it sent itself */
	r = report_world_run(w, "b4", "06196");
	assert_int_equal(r->n_communes, 0);
	assert_null(r->silent);
	report_free(r);
}

/* ---- B8 ---- */

static void
counts_sessions_by_form_and_once_in_the_total(void **state)
{
	struct report *r = report_world_run(*state, "b8", "20");

	/* 301; 307 is the same event recorded twice; TALK of 303 is voided */
	report_world_has(r, 0, report_world_label(*state, "comm_form", "TALK"), "1|50|30|5|40|0|0|||||||");
	report_world_has(r, 0, report_world_label(*state, "comm_form", "LEAFLET"), "1|50|30|5|40|0|0|||||||");
	/* 302 for 30 July, both codes but one event; 310, of which only the total is known */
	report_world_has(r, 0, report_world_label(*state, "comm_form", "DIRECT"), "2|110|60|20|100|1|100|||||||");
	report_world_has(r, 0, report_world_label(*state, "comm_form", "LOUDSPK"), "1|0|0|0|0|0|0|2|6|90|800|||");
	/* 301 302 303 310 */
	report_world_has(r, 0, "Tổng số", "4|160|90|25|140|1|100|2|6|90|800|||");
	report_free(r);
}

static void
counts_sessions_by_audience_place_and_topic(void **state)
{
	struct report *r = report_world_run(*state, "b8", "20");

	assert_int_equal(r->n_blocks, 9);
	assert_string_equal(r->blocks[1].title, "Theo đối tượng");
	report_world_has(r, 1, report_world_label(*state, "audience", "WOMEN"), "2|150|90|25|140|1|100|||||||");
	report_world_has(r, 1, report_world_label(*state, "audience", "BORDER"), "1|100|60|20|100|1|100|||||||");
	/* 303, 310 */
	report_world_has(r, 1, "Không ghi", "2|10||||0|0|2|6|90|800|||");
	assert_string_equal(r->blocks[2].title, "Theo đặc điểm địa bàn");
	assert_int_equal(r->blocks[2].n_rows, 1);
	report_world_has(r, 2, report_world_label(*state, "place_kind", "BORDERC"), "1|100|60|20|100|1|100|||||||");
	report_world_has(r, 3, report_world_label(*state, "comm_topic", "LAW"), "1|50|30|5|40|0|0|||||||");
	assert_int_equal(r->blocks[4].n_rows, 0);
	/* 308 */
	assert_int_equal(r->blocks[7].n_rows, 1);
	report_world_has(r, 7, report_world_label(*state, "activity_kind", "PREVSUP"),
	    "1|10|7|||0|0|||||||");
	report_free(r);
}

static void
counts_outreach_apart_from_sessions(void **state)
{
	struct report *r = report_world_run(*state, "b8", "20");

	report_world_has(r, 8, report_world_label(*state, "outreach_kind", "HOUSEHOLD"), "2|6|5|||0|0|||||||");
	report_world_has(r, 8, report_world_label(*state, "outreach_kind", "MIGCOUNS"), "1|4|0|||1|4|||||||");
	report_world_has(r, 8, "Không ghi", "1|2|1|||0|0|||||||");
	report_world_has(r, 8, "Tổng số", "4|12|6|||1|4|||||||");
	report_free(r);
}

/* ---- B16 ---- */

static void
shows_indicators_with_both_their_terms(void **state)
{
	struct report *r = report_world_run(*state, "b16", "20");

	/*
	 * Victims by 30 June with a case open in the half year: 1 (101), 2 (102), 4 (105), 7 (108).
	 * 104 was closed before, 106 is deleted, 107 was identified later, 109 is a duplicate.
	 * Served: 1, 2.  Declined: 2 and 4.
	 */
	report_world_has(r, 0, "I1a", "Nạn nhân được tiếp cận dịch vụ, hưởng chế độ hỗ trợ|3|4|75.0|100|Chưa đạt|0|1|0.0");
	/* rows without a code: the decliners, and the trafficked again */
	assert_string_equal(r->blocks[0].rows[1].cells[1].words,
	    "Trong đó: đã được đề xuất nhưng từ chối, chưa nhận dịch vụ nào");
	assert_int_equal(r->blocks[0].rows[1].cells[2].integer, 1);
	/*
	 * High risk: 06184, 06541 (06000 is gone, 99001 is elsewhere).  A victim lives in 06184 (1;
	 * and 2, where her record is kept), 06196 (4), 06625 (7).  Awareness work was held in 06184,
	 * 06196, and in 06541 by 06184; in 06625 only what was cancelled, planned, later or other.
	 */
	report_world_has(r, 0, "I3",
	    "Địa bàn nguy cơ cao hoặc có nạn nhân cư trú được tổ chức truyền thông|3|4|75.0|100|Chưa đạt|0|3|0.0");
	assert_int_equal(r->blocks[1].n_rows, 1);
	report_world_has(r, 1, "06625", "Xã Kiên Mộc||||||||");
	report_free(r);
	r = report_world_run(*state, "b16", "06184");
	report_world_has(r, 0, "I1a", "Nạn nhân được tiếp cận dịch vụ, hưởng chế độ hỗ trợ|2|2|100.0|100|Đạt|0|0|không phát sinh");
	report_free(r);
}

static void
says_none_arose_when_there_is_nothing_to_divide_by(void **state)
{
	struct report *r = report_world_run(*state, "b16", "06004");

	report_world_has(r, 0, "I1a",
	    "Nạn nhân được tiếp cận dịch vụ, hưởng chế độ hỗ trợ|0|0|không phát sinh|100||0|0|không phát sinh");
	report_world_has(r, 0, "I3",
	    "Địa bàn nguy cơ cao hoặc có nạn nhân cư trú được tổ chức truyền thông|0|0|không phát sinh|100||0|0|không phát sinh");
	report_free(r);
}

/* ---- running ---- */

static void
leaves_nothing_behind_in_the_database(void **state)
{
	struct report_world *w = *state;
	sqlite3_stmt *s;

	report_free(report_world_run(w, "b4", "20"));
	report_free(report_world_run(w, "b8", "20"));
	report_free(report_world_run(w, "b16", "20"));
	assert_int_equal(sqlite3_prepare_v2(w->db, "SELECT group_concat(name) FROM (SELECT name FROM"
	    " sqlite_temp_schema WHERE type = 'table' ORDER BY name)", -1, &s, NULL), SQLITE_OK);
	assert_int_equal(sqlite3_step(s), SQLITE_ROW);
	assert_string_equal((const char *)sqlite3_column_text(s, 0), "person_cluster,unit");
	sqlite3_finalize(s);
	assert_int_equal(sqlite3_prepare_v2(w->db, "PRAGMA temp_store", -1, &s, NULL), SQLITE_OK);
	assert_int_equal(sqlite3_step(s), SQLITE_ROW);
	assert_int_equal(sqlite3_column_int(s, 0), 2);
	sqlite3_finalize(s);
	assert_true(sqlite3_get_autocommit(w->db));
}

static void
runs_inside_a_transaction_of_the_caller(void **state)
{
	struct report_world *w = *state;
	struct report *r;

	report_world_sql(w, "BEGIN; DELETE FROM form_outreach WHERE id = 401");
	r = report_world_run(w, "b8", "20");
	report_world_has(r, 8, "Tổng số", "3|9|4|||1|4|||||||");
	report_free(r);
	assert_false(sqlite3_get_autocommit(w->db));
	report_world_sql(w, "ROLLBACK");
	r = report_world_run(w, "b8", "20");
	report_world_has(r, 8, "Tổng số", "4|12|6|||1|4|||||||");
	report_free(r);
}

static void
refused(struct report_world *w, struct report_order o, enum rc rc)
{
	struct report *r = NULL;

	error_clear(&w->err);
	assert_int_equal(report_run(w->db, w->forms, &o, &r, &w->err), rc);
	assert_int_equal(w->err.code, rc);
	assert_null(r);
	assert_true(sqlite3_get_autocommit(w->db));
}

static void
refuses_what_it_does_not_know(void **state)
{
	struct report_order o = report_world_order;

	o.name = "b99";
	refused(*state, o, RC_NOTFOUND);
	o.name = "../b4";
	refused(*state, o, RC_NOTFOUND);
	o.name = "b4";
	o.unit = "77777";
	refused(*state, o, RC_NOTFOUND);
	o = report_world_order;
	o.name = "b4";
	o.from = (struct date){ 2026, 7, 1 };
	refused(*state, o, RC_USAGE);
	o.from = (struct date){ 2026, 1, 0 };
	refused(*state, o, RC_USAGE);
}

static void
leaves_out_a_block_that_the_forms_do_not_ask_for(void **state)
{
	struct report_world *w = *state;
	struct report *whole = report_world_run(w, "b8", "20"), *r;
	size_t found = 0;

	report_world_sql(w, "DROP TABLE form_awareness_session__place_kind");
	r = report_world_run(w, "b8", "20");
	assert_int_equal(r->n_blocks, whole->n_blocks - 1);
	for (size_t i = 0; i < r->n_notes; i++)
		found += strstr(r->notes[i], "Không có phần “Theo đặc điểm địa bàn”") != NULL;
	assert_int_equal(found, 1);
	report_world_has(r, 0, "Tổng số", "4|160|90|25|140|1|100|2|6|90|800|||");
	report_free(r);
	report_free(whole);
}

static void
says_so_when_the_forms_lack_a_field_that_it_needs(void **state)
{
	struct report_world *w = *state;
	struct report_order o = report_world_order;

	report_world_sql(w, "ALTER TABLE form_service_delivery RENAME COLUMN amount_vnd TO price");
	o.name = "b4";
	refused(w, o, RC_CONFIG);
	assert_string_equal(w->err.where, "b4");
	/* what was begun is undone */
	report_free(report_world_run(w, "b8", "20"));
}

static void
lists_the_reports_by_number(void **state)
{
	struct report_world *w = *state;
	struct report_summary *list;
	size_t n;

	assert_int_equal(report_list(&list, &n, &w->err), RC_OK);
	assert_int_equal(n, 17);
	assert_string_equal(list[0].name, "b1");
	assert_string_equal(list[1].name, "b2");
	assert_string_equal(list[n - 1].name, "b17");
	assert_string_equal(list[0].title[FORM_VI], "B1. Tiếp nhận nạn nhân, người nghi là nạn nhân");
	assert_string_equal(list[0].title[FORM_EN], "B1. Persons received");
	report_list_free(list, n);
}

static void
speaks_english_when_asked(void **state)
{
	struct report_world *w = *state;
	struct report_order o = report_world_order;
	struct report *r;
	char period[REPORT_PERIOD_MAX];

	o.name = "b4";
	o.lang = FORM_EN;
	assert_int_equal(report_run(w->db, w->forms, &o, &r, &w->err), RC_OK);
	assert_string_equal(r->columns[0].title, "Service");
	report_world_has(r, 0, "Total", "0|4|2|3|6|600005");
	report_period(r, period);
	assert_string_equal(period, "From 2026-01-01 to 2026-06-30");
	r->lang = FORM_VI;
	report_period(r, period);
	assert_string_equal(period, "Từ 01/01/2026 đến 30/06/2026");
	report_free(r);
}

/* ---- writing ---- */

static void
writes_json_of_the_contract(void **state)
{
	struct report *r = report_world_run(*state, "b16", "06004");
	struct bytes out;
	json_t *o, *rows;
	json_error_t bad;

	bytes_init(&out);
	assert_int_equal(report_write_json(r, &out), RC_OK);
	o = json_loadb((const char *)out.data, out.len, JSON_REJECT_DUPLICATES, &bad);
	assert_non_null(o);
	assert_string_equal(json_string_value(json_object_get(o, "name")), "b16");
	assert_string_equal(json_string_value(json_object_get(o, "from")), "2026-01-01");
	assert_string_equal(json_string_value(json_object_get(o, "to")), "2026-06-30");
	assert_string_equal(json_string_value(json_object_get(o, "unit")), "06004");
	assert_int_equal(json_integer_value(json_object_get(o, "open_conflicts")), 0);
	assert_int_equal(json_array_size(json_object_get(o, "notes")), r->n_notes);
	/* several blocks: the first column names the block */
	assert_int_equal(json_array_size(json_object_get(o, "columns")), r->n_columns + 1);
	rows = json_object_get(o, "rows");
	/* thirteen indicators, and the commune without a plan of its own */
	assert_int_equal(json_array_size(rows), 14);
	assert_string_equal(json_string_value(json_array_get(json_array_get(rows, 0), 0)),
	    "Các chỉ tiêu");
	assert_int_equal(json_integer_value(json_array_get(json_array_get(rows, 0), 4)), 0);
	assert_true(json_is_null(json_array_get(json_array_get(rows, 0), 7)));
	json_decref(o);
	bytes_reset(&out);
	report_free(r);
}

static void
writes_csv_without_formulas(void **state)
{
	static const struct report_cell cells[2][2] = {
		{ { .type = REPORT_WORDS, .words = "=1+1" }, { .type = REPORT_INTEGER, .integer = -5 } },
		{ { .type = REPORT_WORDS, .words = "a, \"b\"" }, { .type = REPORT_REAL, .real = 66.6 } },
	};
	static const struct report_row rows[2] = { { false, cells[0], false }, { true, cells[1], false } };
	struct report r = { .name = "b0", .title = "", .n_columns = 2, .n_blocks = 1 };
	struct bytes out;

	(void)state;
	r.columns[0].title = "Chữ";
	r.columns[1].title = "Số";
	r.blocks[0] = (struct report_block){ "", rows, 2, 0 };
	bytes_init(&out);
	assert_int_equal(report_write_csv(&r, &out), RC_OK);
	assert_string_equal(bytes_cstr(&out),
	    "\xef\xbb\xbf" "Chữ,Số\r\n'=1+1,-5\r\n\"a, \"\"b\"\"\",66.6\r\n");
	bytes_reset(&out);
}

static void
writes_csv_that_reads_back_with_its_blocks(void **state)
{
	struct report_world *w = *state;
	struct report *r = report_world_run(w, "b8", "20");
	struct bytes out;
	struct csv sheet;
	size_t rows = 0;

	bytes_init(&out);
	assert_int_equal(report_write_csv(r, &out), RC_OK);
	assert_int_equal(csv_parse("b8.csv", out.data, out.len, &sheet, &w->err), RC_OK);
	for (size_t b = 0; b < r->n_blocks; b++)
		rows += r->blocks[b].n_rows;
	assert_int_equal(sheet.n_rows, rows);
	assert_int_equal(sheet.n_columns, r->n_columns + 1);
	assert_string_equal(csv_cell(&sheet, 0, 0), "Phần");
	assert_string_equal(csv_cell(&sheet, 1, 0), "Theo hình thức truyền thông");
	assert_string_equal(csv_cell(&sheet, rows, 1), "Tổng số");
	assert_string_equal(csv_cell(&sheet, rows, 3), "12");
	csv_reset(&sheet);
	bytes_reset(&out);
	report_free(r);
}

#define T(f) cmocka_unit_test_setup_teardown(f, set_up, report_world_tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(counts_services_by_distinct_person),
		T(counts_who_needs_a_service_by_the_assessments_of_the_period),
		T(splits_services_into_new_and_earlier_cases),
		T(counts_one_unit_and_all_below_it),
		T(counts_linked_persons_once),
		T(counts_the_records_that_wait_for_a_decision),
		T(names_the_communes_from_which_nothing_has_come),
		T(counts_sessions_by_form_and_once_in_the_total),
		T(counts_sessions_by_audience_place_and_topic),
		T(counts_outreach_apart_from_sessions),
		T(shows_indicators_with_both_their_terms),
		T(says_none_arose_when_there_is_nothing_to_divide_by),
		T(leaves_nothing_behind_in_the_database),
		T(runs_inside_a_transaction_of_the_caller),
		T(refuses_what_it_does_not_know),
		T(leaves_out_a_block_that_the_forms_do_not_ask_for),
		T(says_so_when_the_forms_lack_a_field_that_it_needs),
		T(lists_the_reports_by_number),
		T(speaks_english_when_asked),
		T(writes_json_of_the_contract),
		T(writes_csv_without_formulas),
		T(writes_csv_that_reads_back_with_its_blocks),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
