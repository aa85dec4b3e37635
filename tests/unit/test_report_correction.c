/* What came late to a period that was reported: figures by hand. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "shared/reports/report_correction.h"
#include "tests/support/report_world.h"

enum { TEXT_MAX = 8192 };

static const struct date half[3][2] = {
	{ { 2026, 1, 1 }, { 2026, 6, 30 } }, { { 2026, 7, 1 }, { 2026, 12, 31 } },
	{ { 2027, 1, 1 }, { 2027, 6, 30 } }
};

/* A case of a woman or a man of the year 1990. */
static void
receive(struct report_world *w, int id, const char *sex, const char *channel, const char *day)
{
	char sql[600];

	snprintf(sql, sizeof(sql), "INSERT INTO form_person(id, unit, created_at, alive, conflicts, sex,"
	    " birth_date) VALUES (%d, '06184', 0, 1, 0, '%s', '1990-01-01');"
	    "INSERT INTO form_case(id, unit, created_at, alive, conflicts, person_id, recv_channel,"
	    " recv_date, recv_org_kind) VALUES (%d, '06184', 0, 1, 0, %d, '%s', '%s', 'BGP')", id, sex,
	    id + 1000, id, channel, day);
	report_world_sql(w, sql);
}

/* The k-th half year, held against those that were told. */
static struct report *
run(struct report_world *w, const char *name, size_t k, const struct report_told *told, size_t n)
{
	struct report_order o = report_world_order;
	struct report *r;

	o.name = name;
	o.from = half[k][0];
	o.to = half[k][1];
	if (report_run(w->db, w->forms, &o, &r, &w->err) != RC_OK ||
	    report_correct(w->db, w->forms, "20", told, n, r, &w->err) != RC_OK)
		fail_msg("%s: %s", w->err.where, w->err.what);
	return r;
}

static json_t *
freeze(struct report_world *w, const char *name, size_t k, struct report_told *told)
{
	struct report *r = run(w, name, k, told, k);
	struct bytes text;
	json_t *o;

	bytes_init(&text);
	assert_int_equal(report_write_json(r, &text), RC_OK);
	o = json_loadb((const char *)text.data, text.len, 0, NULL);
	assert_non_null(o);
	told[k] = (struct report_told){ .from = half[k][0], .to = half[k][1], .table = o };
	bytes_reset(&text);
	report_free(r);
	return o;
}

static void
put_cell(const struct report_cell *c, char *out, size_t room)
{
	if (c->type == REPORT_INTEGER)
		snprintf(out, room, "%lld", (long long)c->integer);
	else if (c->type == REPORT_REAL)
		snprintf(out, room, "%.1f", c->real);
	else
		snprintf(out, room, "%s", c->type == REPORT_WORDS ? c->words : "");
}

/* A line each: month|part|row|column|told|now|difference. */
static void
assert_corrections(const struct report *r, const char *expected)
{
	char text[TEXT_MAX] = "";
	size_t used = 0;

	for (size_t i = 0; i < r->n_corrections && used < sizeof(text); i++) {
		const struct report_correction *c = &r->corrections[i];
		struct report_cell difference = report_correction_difference(c);
		char cells[3][200];

		put_cell(&c->told, cells[0], sizeof(cells[0]));
		put_cell(&c->now, cells[1], sizeof(cells[1]));
		put_cell(&difference, cells[2], sizeof(cells[2]));
		used += (size_t)snprintf(text + used, sizeof(text) - used, "%d/%d|%s|%s|%s|%s|%s|%s\n",
		    c->from.month, c->from.year, c->part, c->row, c->column, cells[0], cells[1], cells[2]);
	}
	assert_string_equal(text, expected);
}

static void
forget(json_t *const *frozen, size_t n)
{
	for (size_t i = 0; i < n; i++)
		json_decref(frozen[i]);
}

/* Two came in the half year; one of them was on record when it was reported. */
static void
what_came_late_stands_behind_the_table_of_the_next_period(void **state)
{
	struct report_world *w = *state;
	struct report_told told[3];
	struct report *r;
	json_t *first;

	receive(w, 1, "F", "GATE", "2026-03-02");
	first = freeze(w, "b1", 0, told);
	receive(w, 2, "M", "GATE", "2026-05-05");
	receive(w, 3, "F", "SELF_COMMUNE", "2026-07-02");
	r = run(w, "b1", 1, told, 1);
	report_world_has(r, 0, "Tổng số", "1|0|1|0|0|0|1|0|0|0");
	assert_corrections(r,
	    "1/2026|Theo hình thức tiếp nhận|Tiếp nhận qua cửa khẩu|Tổng số người|1|2|1\n"
	    "1/2026|Theo hình thức tiếp nhận|Tiếp nhận qua cửa khẩu|Nam|0|1|1\n"
	    "1/2026|Theo hình thức tiếp nhận|Tiếp nhận qua cửa khẩu|Từ 18 tuổi trở lên|1|2|1\n"
	    "1/2026|Theo hình thức tiếp nhận|Tổng số|Tổng số người|1|2|1\n"
	    "1/2026|Theo hình thức tiếp nhận|Tổng số|Nam|0|1|1\n"
	    "1/2026|Theo hình thức tiếp nhận|Tổng số|Từ 18 tuổi trở lên|1|2|1\n"
	    "1/2026|Theo cơ quan tiếp nhận|Bộ đội Biên phòng|Tổng số người|1|2|1\n"
	    "1/2026|Theo cơ quan tiếp nhận|Bộ đội Biên phòng|Nam|0|1|1\n"
	    "1/2026|Theo cơ quan tiếp nhận|Bộ đội Biên phòng|Từ 18 tuổi trở lên|1|2|1\n");
	report_free(r);
	forget(&first, 1);
}

/* A row that only the frozen table has. */
static void
what_is_taken_back_reads_nothing_now(void **state)
{
	struct report_world *w = *state;
	struct report_told told[3];
	struct report *r;
	json_t *first;

	report_world_sql(w, "INSERT INTO form_resource(id, unit, created_at, alive, conflicts, date,"
	    " donor_kind, resource_kind, value_vnd) VALUES (1, '06184', 0, 1, 0, '2026-02-01', 'NGO',"
	    " 'CASH', 5000000)");
	first = freeze(w, "b15", 0, told);
	report_world_sql(w, "UPDATE form_resource SET alive = 0");
	r = run(w, "b15", 1, told, 1);
	assert_corrections(r,
	    "1/2026|Nguồn lực huy động|Tổng số|Số khoản|1|0|-1\n"
	    "1/2026|Nguồn lực huy động|Tổng số|Đã chi, giá trị (đồng)|5000000|0|-5000000\n"
	    "1/2026|Nguồn lực huy động|Tổ chức phi chính phủ nước ngoài – Tài chính|Số khoản|1||-1\n"
	    "1/2026|Nguồn lực huy động|Tổ chức phi chính phủ nước ngoài – Tài chính|Đã chi, giá trị (đồng)|5000000||-5000000\n");
	report_free(r);
	forget(&first, 1);
}

/* 1 was told, then 2 as a correction; now it is 3.  What is not corrected again is not said again. */
static void
what_a_later_report_has_corrected_is_not_corrected_again(void **state)
{
	struct report_world *w = *state;
	struct report_told told[3];
	json_t *frozen[2];
	struct report *r;

	receive(w, 1, "F", "GATE", "2026-03-02");
	frozen[0] = freeze(w, "b2", 0, told);
	receive(w, 2, "M", "GATE", "2026-05-05");
	frozen[1] = freeze(w, "b2", 1, told);
	assert_int_equal(json_array_size(json_object_get(frozen[1], "corrections")), 4);
	r = run(w, "b2", 2, told, 2);
	assert_corrections(r, "");
	report_free(r);
	receive(w, 3, "F", "HANDOVER", "2026-06-30");
	receive(w, 4, "F", "HANDOVER", "2026-07-01");
	r = run(w, "b2", 2, told, 2);
	assert_corrections(r,
	    "1/2026|Xác minh, xác định nạn nhân|Hồ sơ tiếp nhận trong kỳ (người)|Tổng số|2|3|1\n"
	    "1/2026|Xác minh, xác định nạn nhân|Hồ sơ tiếp nhận trong kỳ (người)|Nữ|1|2|1\n"
	    "1/2026|Xác minh, xác định nạn nhân|Trong đó: chưa bắt đầu xác minh|Tổng số|2|3|1\n"
	    "1/2026|Xác minh, xác định nạn nhân|Trong đó: chưa bắt đầu xác minh|Nữ|1|2|1\n"
	    "7/2026|Xác minh, xác định nạn nhân|Hồ sơ tiếp nhận trong kỳ (người)|Tổng số|0|1|1\n"
	    "7/2026|Xác minh, xác định nạn nhân|Hồ sơ tiếp nhận trong kỳ (người)|Nữ|0|1|1\n"
	    "7/2026|Xác minh, xác định nạn nhân|Trong đó: chưa bắt đầu xác minh|Tổng số|0|1|1\n"
	    "7/2026|Xác minh, xác định nạn nhân|Trong đó: chưa bắt đầu xác minh|Nữ|0|1|1\n");
	report_free(r);
	forget(frozen, 2);
}

/* A row that came as a correction, in a table that did not have it, and goes again. */
static void
a_correction_that_is_taken_back_is_corrected_from_what_it_said(void **state)
{
	struct report_world *w = *state;
	struct report_told told[3];
	json_t *frozen[2];
	struct report *r;

	frozen[0] = freeze(w, "b17", 0, told);
	report_world_sql(w, "INSERT INTO form_award(id, unit, created_at, alive, conflicts, date, org,"
	    " recipient) VALUES (1, '06184', 0, 1, 0, '2026-02-01', 'UBND', 'Tổ 1'),"
	    " (2, '06184', 0, 1, 0, '2026-02-01', 'UBND', 'Tổ 1')");
	frozen[1] = freeze(w, "b17", 1, told);
	report_world_sql(w, "UPDATE form_award SET alive = 0 WHERE id = 2");
	r = run(w, "b17", 1, told, 1);
	assert_corrections(r, "1/2026|Biểu dương, khen thưởng|01/02/2026 – UBND – Tổ 1|Số dòng||1|1\n");
	report_free(r);
	r = run(w, "b17", 2, told, 2);
	assert_corrections(r,
	    "1/2026|Biểu dương, khen thưởng|01/02/2026 – UBND – Tổ 1 (2)|Số dòng|1||-1\n");
	report_free(r);
	forget(frozen, 2);
}

static void
a_verdict_and_a_share_are_corrected_like_figures(void **state)
{
	struct report_world *w = *state;
	struct report_told told[3];
	struct report *r;
	json_t *first;
	bool share = false;

	receive(w, 1, "F", "GATE", "2026-03-02");
	report_world_sql(w, "UPDATE form_case SET ident_result = 'VICTIM', ident_date = '2026-03-09'");
	first = freeze(w, "b16", 0, told);
	report_world_sql(w, "INSERT INTO form_service_delivery(id, unit, created_at, alive, conflicts,"
	    " case_id, service, status, date_from) VALUES (1, '06184', 0, 1, 0, 1001, 'MED', 'DELIVERED',"
	    " '2026-06-01')");
	r = run(w, "b16", 1, told, 1);
	for (size_t i = 0; i < r->n_corrections; i++) {
		const struct report_correction *c = &r->corrections[i];

		if (strncmp(c->row, "I1a – ", 6) != 0)
			continue;
		if (strcmp(c->column, "Tỷ lệ (%)") == 0) {
			struct report_cell d = report_correction_difference(c);

			share = true;
			assert_int_equal(d.type, REPORT_REAL);
			assert_true(d.real > 99.9 && d.real < 100.1);
		} else if (strcmp(c->column, "Đánh giá") == 0) {
			assert_string_equal(c->told.words, "Chưa đạt");
			assert_string_equal(c->now.words, "Đạt");
			assert_int_equal(report_correction_difference(c).type, REPORT_NOTHING);
		} else {
			assert_string_equal(c->column, "Tử số");
		}
	}
	assert_true(share);
	report_free(r);
	forget(&first, 1);
}

/* Whatever is dated in the next period leaves the one before as it was. */
static void
what_happens_in_the_next_period_corrects_nothing(void **state)
{
	static const char *const names[] = { "b1", "b3", "b4", "b5", "b6", "b7", "b8", "b10", "b11",
		"b12", "b13", "b14" };
	struct report_world *w = *state;
	struct report_told told[sizeof(names) / sizeof(*names)][3];
	json_t *frozen[sizeof(names) / sizeof(*names)];

	receive(w, 1, "F", "GATE", "2026-03-02");
	report_world_sql(w, "UPDATE form_case SET ident_result = 'VICTIM', ident_date = '2026-03-09';"
	    "INSERT INTO form_lodging_stay(id, unit, created_at, alive, conflicts, case_id, date_from)"
	    " VALUES (1, '06184', 0, 1, 0, 1001, '2026-06-20');"
	    "INSERT INTO form_follow_up(id, unit, created_at, alive, conflicts, case_id, due)"
	    " VALUES (1, '06184', 0, 1, 0, 1001, '2026-06-25');"
	    "INSERT INTO form_missing_person(id, unit, created_at, alive, conflicts, left_date)"
	    " VALUES (1, '06184', 0, 1, 0, '2026-04-01')");
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		frozen[i] = freeze(w, names[i], 0, told[i]);
	receive(w, 2, "M", "GATE", "2026-07-01");
	report_world_sql(w, "UPDATE form_lodging_stay SET date_to = '2026-07-05';"
	    "UPDATE form_follow_up SET done_at = '2026-07-02';"
	    "UPDATE form_missing_person SET status = 'FOUND', status_date = '2026-08-01';"
	    "UPDATE form_case SET close_reason = 'REINTEGRATED', closed_on = '2026-09-01' WHERE id = 1001;"
	    "INSERT INTO form_service_delivery(id, unit, created_at, alive, conflicts, case_id, service,"
	    " status, date_from) VALUES (1, '06184', 0, 1, 0, 1001, 'MED', 'DELIVERED', '2026-07-03');"
	    "INSERT INTO form_awareness_session(id, unit, created_at, alive, conflicts, date_start,"
	    " participants_total) VALUES (1, '06184', 0, 1, 0, '2026-07-30', 90);"
	    "INSERT INTO form_training(id, unit, created_at, alive, conflicts, date_start)"
	    " VALUES (1, '06184', 0, 1, 0, '2026-08-01');"
	    "INSERT INTO form_outreach(id, unit, created_at, alive, conflicts, date)"
	    " VALUES (1, '06184', 0, 1, 0, '2026-08-01');"
	    "INSERT INTO form_inspection(id, unit, created_at, alive, conflicts, date)"
	    " VALUES (1, '06184', 0, 1, 0, '2026-08-01');"
	    "INSERT INTO form_coordination_event(id, unit, created_at, alive, conflicts, date)"
	    " VALUES (1, '06184', 0, 1, 0, '2026-08-01');"
	    "INSERT INTO form_community_model(id, unit, created_at, alive, conflicts, start)"
	    " VALUES (1, '06184', 0, 1, 0, '2026-08-01')");
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		struct report *r = run(w, names[i], 1, told[i], 1);

		assert_corrections(r, "");
		report_free(r);
	}
	forget(frozen, sizeof(names) / sizeof(*names));
}

static void
a_table_that_may_leave_has_no_corrections(void **state)
{
	struct report_world *w = *state;
	struct report_order o = report_world_order;
	struct report_told told[3];
	struct report *r;
	json_t *first;

	first = freeze(w, "b1", 0, told);
	receive(w, 2, "M", "GATE", "2026-05-05");
	o.name = "b1";
	o.from = half[1][0];
	o.to = half[1][1];
	o.threshold = REPORT_THRESHOLD;
	assert_int_equal(report_run(w->db, w->forms, &o, &r, &w->err), RC_OK);
	assert_int_equal(report_correct(w->db, w->forms, "20", told, 1, r, &w->err), RC_OK);
	assert_int_equal(r->n_corrections, 0);
	report_free(r);
	forget(&first, 1);
}

static void
a_table_with_other_columns_is_not_compared_and_that_is_said(void **state)
{
	struct report_world *w = *state;
	struct report_told told[3];
	struct report *r;
	size_t notes;
	json_t *first;

	r = run(w, "b1", 1, NULL, 0);
	notes = r->n_notes;
	report_free(r);
	first = freeze(w, "b1", 0, told);
	assert_int_equal(json_array_set_new(json_object_get(first, "columns"), 2, json_string("Cột cũ")),
	    0);
	receive(w, 2, "M", "GATE", "2026-05-05");
	r = run(w, "b1", 1, told, 1);
	assert_int_equal(r->n_corrections, 0);
	assert_int_equal(r->n_notes, notes + 1);
	assert_non_null(strstr(r->notes[notes], "Từ 01/01/2026 đến 30/06/2026"));
	report_free(r);
	forget(&first, 1);
}

/* Frozen tables come from other devices: whatever is in them, it is read or left out. */
static void
a_table_of_any_shape_is_read_without_harm(void **state)
{
	static const char *const shapes[] = { "{}", "[]", "7", "{\"columns\":7,\"rows\":{}}",
		"{\"columns\":[],\"rows\":[[1,2],7,null]}" };
	struct report_world *w = *state;
	struct report_told told[3];
	struct report *r;
	json_t *first = freeze(w, "b2", 0, told), *rows = json_object_get(first, "rows"), *odd;

	for (size_t i = 0; i < sizeof(shapes) / sizeof(*shapes); i++) {
		odd = json_loads(shapes[i], 0, NULL);
		told[0].table = odd;
		r = run(w, "b2", 1, told, 1);
		assert_int_equal(r->n_corrections, 0);
		report_free(r);
		json_decref(odd);
	}
	told[0].table = first;
	json_array_append_new(rows, json_integer(3));
	json_array_append_new(rows, json_array());
	json_array_append_new(rows, json_loads("[null,[],{},true,\"x\",1]", 0, NULL));
	json_object_set_new(first, "corrections", json_loads("[3,{},{\"from\":1}]", 0, NULL));
	r = run(w, "b2", 1, told, 1);
	report_free(r);
	forget(&first, 1);
}

static void
sheets_and_json_show_the_corrections(void **state)
{
	struct report_world *w = *state;
	struct report_told told[3];
	struct report *r;
	struct bytes csv, json;
	json_t *first, *o;
	const char *rest;

	bytes_init(&csv);
	bytes_init(&json);
	first = freeze(w, "b10", 0, told);
	report_world_sql(w, "INSERT INTO form_outreach(id, unit, created_at, alive, conflicts, date,"
	    " kind, persons_m, persons_f) VALUES (1, '06184', 0, 1, 0, '2026-05-01', 'MIGCOUNS',"
	    " 0, 4)");
	r = run(w, "b10", 1, told, 1);
	assert_int_equal(report_write_csv(r, &csv), RC_OK);
	rest = strstr(bytes_cstr(&csv), "\r\n\r\nKỳ đã báo cáo,Phần,Dòng,Cột,Đã báo cáo,Hiện nay,Chênh lệch\r\n");
	assert_non_null(rest);
	assert_non_null(strstr(rest, "Từ 01/01/2026 đến 30/06/2026,"));
	assert_int_equal(report_write_json(r, &json), RC_OK);
	o = json_loads(bytes_cstr(&json), 0, NULL);
	assert_int_equal(json_array_size(json_object_get(o, "corrections")), r->n_corrections);
	assert_true(r->n_corrections > 0);
	json_decref(o);
	report_free(r);
	bytes_reset(&csv);
	bytes_reset(&json);
	forget(&first, 1);
}

#define T(name) cmocka_unit_test_setup_teardown(name, report_world_set_up, report_world_tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(what_came_late_stands_behind_the_table_of_the_next_period),
		T(what_is_taken_back_reads_nothing_now),
		T(what_a_later_report_has_corrected_is_not_corrected_again),
		T(a_correction_that_is_taken_back_is_corrected_from_what_it_said),
		T(a_verdict_and_a_share_are_corrected_like_figures),
		T(what_happens_in_the_next_period_corrects_nothing),
		T(a_table_that_may_leave_has_no_corrections),
		T(a_table_with_other_columns_is_not_compared_and_that_is_said),
		T(a_table_of_any_shape_is_read_without_harm),
		T(sheets_and_json_show_the_corrections),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
