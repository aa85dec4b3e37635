/* The shipped tables as they may leave: what their files say adds up, what is hidden with what. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "shared/base/embedded.h"
#include "shared/reports/report_mask.h"
#include "tests/support/report_world.h"


/* H(k, m): a number below m that follows from i, another for each k. */
#define H(k, m) "((i * 7919 + " #k " * 104729 + i * i % 97 * " #k " * 31) % " #m ")"
#define PICK(k, m, list) "json_extract('[" list "]', '$[' || " H(k, m) " || ']')"
#define UNIT PICK(1, 4, "\"06184\",\"06196\",\"06541\",\"06625\"")
#define DAY(k) "date('2025-10-01', '+' || " H(k, 300) " || ' days')"
#define MANY(n) "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < " #n ") "

/* Some ninety persons with a case or two, and what was done for them. */
static void
fill_world(struct report_world *w)
{
	report_world_sql(w, MANY(90) "INSERT INTO form_person(id, unit, created_at, alive, conflicts, sex,"
	    " birth_date, ethnicity, nationality, cluster) SELECT i, " UNIT ", 0, 1, 0, "
	    PICK(2, 4, "\"F\",\"F\",\"M\",null") ", " PICK(3, 4, "\"1990-05\",\"2009\",\"2015-01-02\",null")
	    ", " PICK(4, 4, "\"tay\",\"nung\",\"kinh\",null") ", " PICK(5, 4, "\"VN\",\"VN\",\"LA\",null")
	    ", CASE WHEN i % 10 < 2 THEN i - i % 2 END FROM n");
	report_world_sql(w, MANY(130) "INSERT INTO form_case(id, unit, created_at, alive, conflicts, person_id,"
	    " class, recv_channel, recv_date, recv_org_kind, ident_result, ident_date, cert_no, close_reason,"
	    " closed_on, exploited_country, previous_case) SELECT 1000 + i, " UNIT ", 0, 1, 0, 1 + i % 90, "
	    PICK(6, 3, "\"V_VN\",\"PIP_IN\",\"FOREIGN\"") ", "
	    PICK(7, 5, "\"GATE\",\"RESCUED_IN\",\"SELF_POLICE\",\"HANDOVER\",null") ", " DAY(8) ", "
	    PICK(9, 4, "\"POLP\",\"BGP\",\"CPC\",null") ", "
	    PICK(10, 4, "\"VICTIM\",\"VICTIM\",\"PENDING\",\"NOT_VICTIM\"") ", " DAY(11) ", "
	    PICK(12, 2, "null,\"1\"") ", " PICK(13, 4, "null,null,\"REINTEGRATED\",\"MOVED\"") ", " DAY(14)
	    ", " PICK(15, 3, "\"CN\",\"LA\",null") ", CASE WHEN i % 17 = 0 THEN 1 END FROM n");
	report_world_sql(w, MANY(130) "INSERT INTO form_case__causes SELECT 1000 + i, 1, i, 1, "
	    PICK(16, 4, "\"POVERTY\",\"DECEIVED\",\"DEBT\",\"NEWER\"") ", 0 FROM n WHERE i % 5 > 0");
	report_world_sql(w, MANY(130) "INSERT INTO form_case__causes SELECT 1000 + i, 1, i, 2, 'UNKNOWN', 0"
	    " FROM n WHERE i % 7 = 0");
	report_world_sql(w, MANY(130) "INSERT INTO form_case__purpose SELECT 1000 + i, 1, i, 3, "
	    PICK(17, 2, "\"SEX\",\"SCAM\"") ", 0 FROM n WHERE i % 3 > 0");
	report_world_sql(w, MANY(260) "INSERT INTO form_service_delivery(id, unit, created_at, alive, conflicts,"
	    " case_id, service, status, date_from, amount_vnd) SELECT 3000 + i, " UNIT ", 0, 1, 0, 1001 + i % 130, "
	    PICK(18, 5, "\"PSY\",\"MED\",\"ESS\",\"LATER\",null") ", "
	    PICK(19, 4, "\"DELIVERED\",\"DELIVERED\",\"DECLINED\",\"CANCELLED\"") ", " DAY(20) ", "
	    H(21, 4) " * 500000 FROM n");
	report_world_sql(w, MANY(80) "INSERT INTO form_needs_assessment(id, unit, created_at, alive, conflicts,"
	    " case_id, date) SELECT 4000 + i, " UNIT ", 0, 1, 0, 1001 + i, " DAY(22) " FROM n");
	report_world_sql(w, MANY(80) "INSERT INTO form_needs_item(id, unit, created_at, alive, conflicts,"
	    " assessment_id, case_id, service, level) SELECT 4200 + i, " UNIT ", 0, 1, 0, 4000 + i, 1001 + i, "
	    PICK(23, 3, "\"PSY\",\"VOC\",null") ", '1' FROM n");
	report_world_sql(w, MANY(60) "INSERT INTO form_referral(id, unit, created_at, alive, conflicts, case_id,"
	    " direction, sent_at) SELECT 5000 + i, " UNIT ", 0, 1, 0, 1001 + i * 2, 'OUT', " DAY(24) " FROM n");
	report_world_sql(w, MANY(60) "INSERT INTO form_referral__answers SELECT 5000 + i, 1, i, 1, "
	    PICK(25, 2, "\"ACCEPTED\",\"DECLINED\"") ", 0 FROM n WHERE i % 3 > 0");
	report_world_sql(w, MANY(150) "INSERT INTO form_follow_up(id, unit, created_at, alive, conflicts, case_id,"
	    " due, done_at, safe) SELECT 6000 + i, " UNIT ", 0, 1, 0, 1001 + i % 130, " DAY(26) ", CASE WHEN i % 3 > 0"
	    " THEN " DAY(26) " END, " PICK(27, 3, "\"yes\",\"no\",null") " FROM n");
	report_world_sql(w, MANY(50) "INSERT INTO form_protection_measure(id, unit, created_at, alive, conflicts,"
	    " case_id, measure, refused, for_whom, date_from, date_to, danger_signs) SELECT 7000 + i, " UNIT
	    ", 0, 1, 0, 1001 + i, " PICK(28, 4, "\"SHELTER\",\"GUARD\",\"REFUSED\",null") ", "
	    PICK(29, 8, "\"yes\",null,null,null,null,null,null,null") ", "
	    PICK(30, 4, "\"VICTIM\",\"VICTIM\",\"RELATIVE\",\"ACCOMP_U18\"") ", " DAY(31) ", " DAY(31) ", "
	    PICK(32, 2, "\"x\",null") " FROM n");
	report_world_sql(w, MANY(60) "INSERT INTO form_missing_person(id, unit, created_at, alive, conflicts, sex,"
	    " birth_date, commune_code, left_date, suspect_trafficking, status, status_date) SELECT 8000 + i, "
	    UNIT ", 0, 1, 0, " PICK(33, 3, "\"F\",\"M\",null") ", " PICK(34, 3, "\"1990\",\"2015\",null") ", " UNIT
	    ", " DAY(35) ", " PICK(36, 2, "\"yes\",\"no\"") ", " PICK(37, 2, "\"MISSING\",\"RETURNED\"") ", " DAY(38)
	    " FROM n");
	report_world_sql(w, MANY(70) "INSERT INTO form_tip(id, unit, created_at, alive, conflicts, channel, outcome,"
	    " call_class, victim_status, received_on) SELECT 9000 + i, " UNIT ", 0, 1, 0, "
	    PICK(39, 4, "\"H111\",\"POST\",\"NEWER\",null") ", " PICK(40, 3, "\"PENDING\",\"NEWER\",null") ", "
	    PICK(41, 4, "\"INFO\",\"COUNSEL\",\"REFER\",null") ", "
	    PICK(42, 3, "\"VICTIM\",\"SUSPECTED\",null") ", " DAY(43) " FROM n");
	report_world_sql(w, MANY(30) "INSERT INTO form_nationality_check(id, unit, created_at, alive, conflicts,"
	    " requested_at, result) SELECT 9200 + i, " UNIT ", 0, 1, 0, " DAY(44) ", "
	    PICK(45, 4, "\"VN\",\"NOT_VN\",\"UNKNOWN\",null") " FROM n");
	report_world_sql(w, MANY(20) "INSERT INTO form_community_model(id, unit, created_at, alive, conflicts,"
	    " start, status, victims_helped) SELECT 9400 + i, " UNIT ", 0, 1, 0, '2025', "
	    PICK(46, 4, "\"NEW\",\"KEPT\",\"REPLICATED\",null") ", " H(47, 8) " FROM n");
	report_world_sql(w, MANY(6) "INSERT INTO form_community_model_status(id, unit, created_at, alive, conflicts,"
	    " model_id, date, status) SELECT 9450 + i, '06184', 0, 1, 0, 9400 + i, '2026-02-02', 'ENDED' FROM n");
	report_world_sql(w, MANY(30) "INSERT INTO form_coordination_event(id, unit, created_at, alive, conflicts,"
	    " date, form, victims_count) SELECT 9500 + i, " UNIT ", 0, 1, 0, " DAY(48) ", "
	    PICK(49, 3, "\"DIRECT\",\"TEAM\",null") ", " H(50, 6) " FROM n");
}

static int
set_up(void **state)
{
	(void)report_world_set_up(state);
	fill_world(*state);
	return 0;
}

static void
definition_of(const char *name, struct report_definition *d)
{
	char path[64];
	const struct embedded *file;
	struct error err;

	snprintf(path, sizeof(path), "reports/%s.sql", name);
	file = embedded_find(path);
	assert_non_null(file);
	assert_int_equal(report_definition_parse(path, (const char *)file->data, file->len, d, &err), RC_OK);
}

static int64_t
figure(const struct report *r, size_t b, size_t row, size_t c)
{
	const struct report_cell *cell = &r->blocks[b].rows[row].cells[c];

	return cell->type == REPORT_INTEGER ? cell->integer : 0;
}

/* Total and parts by the three kinds of relation. */
static void
compare(const char *name, const struct report_relation *l, size_t row, size_t c, int64_t total,
    int64_t sum, int64_t most)
{
	bool holds = l->compare == REPORT_SUM ? total == sum :
	    l->compare == REPORT_WITHIN ? total >= sum : total <= sum && most <= total;

	if (!holds)
		fail_msg("%s: row %zu, column %zu: %lld, and parts of %lld, the largest %lld", name, row + 1,
		    c + 1, (long long)total, (long long)sum, (long long)most);
}

static void
add(int64_t v, int64_t *sum, int64_t *most)
{
	*sum += v;
	*most = v > *most ? v : *most;
}

static void
check_columns(const struct report *r, const struct report_relation *l)
{
	for (size_t b = 0; b < r->n_blocks; b++) {
		for (size_t i = 0; i < r->blocks[b].n_rows; i++) {
			int64_t sum = 0, most = 0;

			if (r->blocks[b].rows[i].open ||
			    r->blocks[b].rows[i].cells[l->total.at].type != REPORT_INTEGER)
				continue;
			for (size_t k = 0; k < l->n_parts; k++)
				add(figure(r, b, i, l->parts[k].at), &sum, &most);
			compare(r->name, l, i, l->total.at, figure(r, b, i, l->total.at), sum, most);
		}
	}
}

/* What a term of rows counts in a column. */
static void
add_rows(const struct report *r, const struct report_term *t, size_t c, int64_t *sum, int64_t *most)
{
	const struct report_block *b = &r->blocks[t->at];
	bool totals = false;

	for (size_t i = 0; i < b->n_rows; i++) {
		bool first = b->rows[i].total && !totals;

		totals |= b->rows[i].total;
		if (t->row == REPORT_ROW_PLAIN ? !b->rows[i].total : t->row == REPORT_ROW_TOTAL ? first : i == t->row)
			add(figure(r, t->at, i, c), sum, most);
	}
}

static void
check_rows(const struct report *r, const struct report_relation *l, size_t c)
{
	int64_t total = 0, ignored = 0, sum = 0, most = 0;

	add_rows(r, &l->total, c, &total, &ignored);
	for (size_t k = 0; k < l->n_parts; k++)
		add_rows(r, &l->parts[k], c, &sum, &most);
	compare(r->name, l, l->total.row, c, total, sum, most);
}

static void
check_blocks(const struct report *r, const struct report_relation *l, size_t c)
{
	for (size_t i = 0; i < r->blocks[l->total.at].n_rows; i++) {
		const char *label = r->blocks[l->total.at].rows[i].cells[0].words;
		int64_t sum = 0, most = 0;

		size_t found = 0;

		for (size_t k = 0; k < l->n_parts; k++) {
			const struct report_block *b = &r->blocks[l->parts[k].at];

			for (size_t j = 0; j < b->n_rows; j++) {
				if (strcmp(b->rows[j].cells[0].words, label) != 0)
					continue;
				add(figure(r, l->parts[k].at, j, c), &sum, &most);
				found++;
			}
		}
		if (found == l->n_parts || !r->blocks[l->total.at].rows[i].total)
			compare(r->name, l, i, c, figure(r, l->total.at, i, c), sum, most);
	}
}

static void
what_a_file_says_adds_up_does(void **state)
{
	struct report_world *w = *state;
	unsigned checked = 0;

	for (int n = 1; n <= 17; n++) {
		struct report_definition d;
		char name[8];
		struct report *r;

		snprintf(name, sizeof(name), "b%d", n);
		definition_of(name, &d);
		r = report_world_run(w, name, "20");
		for (size_t i = 0; i < d.n_relations; i++) {
			const struct report_relation *l = &d.relations[i];

			checked++;
			if (l->over == REPORT_OVER_COLUMNS)
				check_columns(r, l);
			for (size_t c = 0; l->over != REPORT_OVER_COLUMNS && c < d.n_columns; c++) {
				if (l->columns != 0 ? (l->columns >> c & 1) == 0 : d.columns[c].kind != REPORT_PERSONS)
					continue;
				if (l->over == REPORT_OVER_ROWS)
					check_rows(r, l, c);
				else
					check_blocks(r, l, c);
			}
		}
		report_free(r);
		report_definition_reset(&d);
	}
	assert_true(checked > 50);
}

static struct report *
public_of(struct report_world *w, const char *name, int64_t threshold)
{
	struct report_order o = report_world_order;
	struct report *r;

	o.name = name;
	o.threshold = threshold;
	if (report_run(w->db, w->forms, &o, &r, &w->err) != RC_OK)
		fail_msg("%s: %s", name, w->err.what);
	return r;
}

/* Of each shipped table: small figures are gone, nil is shown, and not all is hidden. */
static void
masks_every_shipped_table(void **state)
{
	static const int64_t thresholds[] = { 3, 5, 11 };
	unsigned small = 0, other = 0, large = 0;

	for (int k = 0; k < 3 * 17; k++) {
		int64_t threshold = thresholds[k / 17];
		struct report *r, *whole;
		char name[8];

		snprintf(name, sizeof(name), "b%d", k % 17 + 1);
		r = public_of(*state, name, threshold);
		whole = report_world_run(*state, name, "20");
		for (size_t b = 0; b < r->n_blocks; b++) {
			for (size_t i = 0; i < r->blocks[b].n_rows * r->n_columns; i++) {
				const struct report_row *row = &r->blocks[b].rows[i / r->n_columns];
				const struct report_cell *c = &row->cells[i % r->n_columns];
				int64_t true_ = figure(whole, r->blocks[b].number, i / r->n_columns, i % r->n_columns);

				if (r->columns[i % r->n_columns].kind != REPORT_PERSONS || row->open)
					continue;
				if (c->type == REPORT_WORDS) {
					if (true_ == 0)
						fail_msg("%s: nothing is shown below %lld", name, (long long)threshold);
					if (c->words[0] == '<')
						assert_true(true_ < threshold);
					*(true_ < threshold ? &small : &other) += 1;
				} else {
					assert_true(true_ == 0 || true_ >= threshold);
					large += true_ != 0;
				}
			}
		}
		report_free(whole);
		report_free(r);
	}
	print_message("%u small figures, %u hidden besides, %u shown\n", small, other, large);
	assert_true(small > 300 && large > 300);
}

/* ---- what goes with hidden cells ---- */

/* Of the one row of a block with that label, the cell of a column, as text. */
static void
reads(const struct report *r, size_t block, const char *label, size_t column, const char *wanted)
{
	char got[64] = "no such row";

	for (size_t i = 0; i < r->blocks[block].n_rows; i++) {
		const struct report_row *row = &r->blocks[block].rows[i];

		if (strcmp(row->cells[r->name[1] == '1' && r->name[2] == '6'].words, label) != 0)
			continue;
		if (row->cells[column].type == REPORT_INTEGER)
			snprintf(got, sizeof(got), "%lld", (long long)row->cells[column].integer);
		else if (row->cells[column].type == REPORT_REAL)
			snprintf(got, sizeof(got), "%.1f", row->cells[column].real);
		else
			snprintf(got, sizeof(got), "%s", row->cells[column].type == REPORT_WORDS ?
			    row->cells[column].words : "");
	}
	assert_string_equal(got, wanted);
}

static bool
has_note(const struct report *r, const char *words)
{
	for (size_t i = 0; i < r->n_notes; i++) {
		if (strstr(r->notes[i], words) != NULL)
			return true;
	}
	return false;
}

/* Seven persons get 100,000 each for PSY, two for MED. */
static void
hides_money_and_shares_with_the_persons(void **state)
{
	struct report_world *w = *state;
	struct report *r;

	report_world_sql(w, MANY(9) "INSERT INTO form_person(id, unit, created_at, alive, conflicts) SELECT i,"
	    " '06184', 0, 1, 0 FROM n");
	report_world_sql(w, MANY(9) "INSERT INTO form_case(id, unit, created_at, alive, conflicts, person_id,"
	    " recv_date, ident_result, ident_date) SELECT 100 + i, '06184', 0, 1, 0, i, '2026-02-02',"
	    " CASE WHEN i < 4 THEN 'VICTIM' END, CASE WHEN i < 4 THEN '2026-03-03' END FROM n");
	report_world_sql(w, MANY(9) "INSERT INTO form_service_delivery(id, unit, created_at, alive, conflicts,"
	    " case_id, service, status, date_from, amount_vnd) SELECT 200 + i, '06184', 0, 1, 0, 100 + i,"
	    " CASE WHEN i > 2 THEN 'PSY' ELSE 'MED' END, 'DELIVERED', '2026-04-04', 100000 FROM n");
	r = public_of(w, "b4", 5);
	reads(r, 0, report_world_label(w, "service", "MED"), 4, "<5");
	reads(r, 0, report_world_label(w, "service", "MED"), 6, "…");
	reads(r, 0, report_world_label(w, "service", "ESS"), 6, "0");
	/* nor may the other amounts say it: they add up */
	reads(r, 0, report_world_label(w, "service", "PSY"), 6, "…");
	assert_int_equal(r->n_charts, 0);
	assert_true(has_note(r, "Bản công bố. Ô ghi “<5”: dưới 5 người."));
	report_free(r);
	/* three victims, all served: neither the share nor the verdict may say that it is all */
	r = public_of(w, "b16", 5);
	for (size_t column = 4; column <= 6; column += 2)
		reads(r, 0, "Nạn nhân được tiếp cận dịch vụ, hưởng chế độ hỗ trợ", column, "…");
	reads(r, 0, "Nạn nhân được tiếp cận dịch vụ, hưởng chế độ hỗ trợ", 2, "<5");
	/* communes are no persons */
	reads(r, 0, "Xã, phường, đặc khu triển khai kế hoạch với nội dung phù hợp", 3, "5");
	report_free(r);
}

static void
leaves_free_text_and_places_of_victims_out(void **state)
{
	static const struct { const char *report, *part; } withheld[] = {
		{ "b1", "Người được giải cứu" }, { "b2", "Thời gian xác định" },
		{ "b9", "Theo kênh và kết quả" }, { "b13", "Đoàn liên ngành theo mục đích" },
		{ "b13", "Số liệu do cơ quan khác" }, { "b14", "Củng cố, nâng cấp cơ sở" },
		{ "b14", "Rà soát dịch vụ" }, { "b16", "I3: địa bàn chưa" },
		{ "b17", "Khó khăn ghi tại" }, { "b17", "Rà soát, góp ý" }, { "b17", "Kết quả sơ kết" },
		{ "b17", "Biểu dương" },
	};
	struct report_world *w = *state;
	struct report *r;

	report_world_sql(w, "INSERT INTO form_issue(id, unit, created_at, alive, conflicts, date, description)"
	    " VALUES (1, '06184', 0, 1, 0, '2026-02-02', 'Chị Hoa ở bản Nà Sầm')");
	r = public_of(w, "b17", 5);
	assert_int_equal(r->n_blocks, 1);
	assert_int_equal(r->blocks[0].number, 5);
	assert_true(has_note(r, "Bản công bố không có phần “Khó khăn, vướng mắc”."));
	report_free(r);
	for (size_t i = 0; i < sizeof(withheld) / sizeof(withheld[0]); i++) {
		char note[256];

		r = public_of(w, withheld[i].report, 5);
		snprintf(note, sizeof(note), "Bản công bố không có phần “%s", withheld[i].part);
		if (!has_note(r, note))
			fail_msg("%s: %s is published", withheld[i].report, withheld[i].part);
		report_free(r);
	}
}

static void
tells_no_small_number_of_open_conflicts(void **state)
{
	struct report_world *w = *state;
	struct bytes out;
	struct report *r;

	report_world_sql(w, "INSERT INTO form_missing_person(id, unit, created_at, alive, conflicts)"
	    " VALUES (1, '06184', 0, 1, 1)");
	r = public_of(w, "b7", 5);
	bytes_init(&out);
	assert_int_equal(report_write_json(r, &out), RC_OK);
	assert_non_null(strstr(bytes_cstr(&out), "\"open_conflicts\":\"<5\""));
	assert_non_null(strstr(bytes_cstr(&out), "\"threshold\":5"));
	assert_true(has_note(r, "Một số bản ghi chưa thống nhất"));
	assert_false(has_note(r, "Có 1 bản ghi"));
	bytes_reset(&out);
	report_free(r);
}

static void
refuses_a_threshold_that_hides_nothing(void **state)
{
	struct report_world *w = *state;
	struct report_order o = report_world_order;
	struct report *r;

	o.name = "b1";
	for (int64_t n = -1; n < 3; n++) {
		o.threshold = n;
		if (n != 0)
			assert_int_equal(report_run(w->db, w->forms, &o, &r, &w->err), RC_USAGE);
	}
}

#define FILLED(f) cmocka_unit_test_setup_teardown(f, set_up, report_world_tear_down)
#define EMPTY(f) cmocka_unit_test_setup_teardown(f, report_world_set_up, report_world_tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		FILLED(what_a_file_says_adds_up_does),
		FILLED(masks_every_shipped_table),
		EMPTY(hides_money_and_shares_with_the_persons),
		EMPTY(leaves_free_text_and_places_of_victims_out),
		EMPTY(tells_no_small_number_of_open_conflicts),
		EMPTY(refuses_a_threshold_that_hides_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
