#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "shared/base/csv.h"
#include "shared/base/embedded.h"
#include "shared/reports/htcds.h"
#include "tests/support/report_world.h"

/* Everything that could say who it is holds one of these; "06184" and "06196" are communes. */
static const char *const markers[] = {
	"MARKER", "1998-05-17", "1998", "1995", "17/05", "06184", "06196", "Đồng Đăng", "2026-02-1",
};

/* n cases like one another, from number `first` on. */
static void
add(struct report_world *w, int first, int n, const char *sex, const char *birth,
    const char *country, const char *more)
{
	char sql[1200];

	for (int i = first; i < first + n; i++) {
		snprintf(sql, sizeof(sql), "INSERT INTO form_person(id, unit, created_at, alive, conflicts,"
		    " pseudonym_code, full_name, sex, birth_date, nationality, id_number, phone,"
		    " registered_commune, address_text) VALUES (%d, '06184', 0, 1, 0, 'MARKER-%d',"
		    " 'MARKER Thị', '%s', '%s', 'VN', 'MARKER', 'MARKER', '06196', 'MARKER Đồng Đăng')",
		    i, i, sex, birth);
		report_world_sql(w, sql);
		snprintf(sql, sizeof(sql), "INSERT INTO form_case(id, unit, created_at, alive, conflicts,"
		    " person_id, class, recv_channel, recv_date, recv_commune, recv_org, case_no, ident_result,"
		    " ident_org, ident_doc_no, exploited_country, exploited_place, recruiter_relation,"
		    " narrative, assigned_worker) VALUES (%d, '06184', 0, 1, 0, %d, 'V_VN', 'GATE',"
		    " '2026-02-1%d', '06184', 'MARKER', 'MARKER', 'VICTIM', 'Công an tỉnh MARKER', 'MARKER',"
		    " '%s', 'MARKER', 'BROKER', 'MARKER', 'MARKER')", i + 1000, i, i % 10, country);
		report_world_sql(w, sql);
		snprintf(sql, sizeof(sql), "INSERT INTO form_case__purpose VALUES (%d, 1, 1, 1, 'SEX', 0),"
		    " (%d, 1, 1, 2, 'SCAM', 0)", i + 1000, i + 1000);
		report_world_sql(w, sql);
	}
	if (more != NULL)
		report_world_sql(w, more);
}

struct result {
	struct bytes bytes;
	struct csv csv;
	struct htcds_counts n;
};

static void
export(struct report_world *w, unsigned smallest, struct result *out)
{
	struct report_order order = report_world_order;

	memset(out, 0, sizeof(*out));
	bytes_init(&out->bytes);
	order.smallest = smallest;
	if (htcds_export(w->db, w->forms, &order, &out->bytes, &out->n, &w->err) != RC_OK)
		fail_msg("%s: %s", w->err.where, w->err.what);
	assert_int_equal(csv_parse("h.csv", out->bytes.data, out->bytes.len, &out->csv, &w->err), RC_OK);
	assert_int_equal(out->csv.n_rows, out->n.exported);
}

static void
done(struct result *r)
{
	csv_reset(&r->csv);
	bytes_reset(&r->bytes);
}

static const char *
cell(const struct result *r, size_t row, const char *variable)
{
	size_t column = csv_column(&r->csv, variable);

	if (column == SIZE_MAX)
		fail_msg("no column %s", variable);
	return csv_cell(&r->csv, row, column);
}

/* Rows that have the value. */
static size_t
count(const struct result *r, const char *variable, const char *value)
{
	size_t n = 0;

	for (size_t row = 1; row <= r->csv.n_rows; row++)
		n += strcmp(cell(r, row, variable), value) == 0;
	return n;
}

static void
tells_a_case_in_the_words_of_the_standard(void **state)
{
	struct result r;

	add(*state, 1, 5, "F", "1998-05-17", "CN", "INSERT INTO form_service_delivery(id, unit, created_at,"
	    " alive, conflicts, case_id, service, status) VALUES (9001, '06184', 0, 1, 0, 1001, 'MED',"
	    " 'DELIVERED'), (9002, '06184', 0, 1, 0, 1001, 'PSY', 'DELIVERED'),"
	    " (9003, '06184', 0, 1, 0, 1002, 'LOAN', 'OFFERED')");
	export(*state, 5, &r);
	assert_int_equal(r.n.exported, 5);
	assert_int_equal(r.n.coarser, 0);
	assert_int_equal(count(&r, "prs_MailingState", "20"), 5);
	assert_int_equal(count(&r, "cas_YearOfRegistration", "2026"), 5);
	assert_int_equal(count(&r, "prs_Gender", "Female"), 5);
	assert_int_equal(count(&r, "prs_AgeBand", "25-34"), 5);
	assert_int_equal(count(&r, "prs_Nationality", "VN"), 5);
	assert_int_equal(count(&r, "hte_Country", "CN"), 5);
	assert_int_equal(count(&r, "vic_TraffickingStatus", "Actual victim"), 5);
	assert_int_equal(count(&r, "vic_DecisionMakingOrg", "Police"), 5);
	assert_int_equal(count(&r, "vic_RecruiterRelationship", "Broker"), 5);
	assert_int_equal(count(&r, "cas_Status", "Active"), 5);
	assert_int_equal(count(&r, "spl_Type", "Health"), 1);
	assert_int_equal(count(&r, "spl_Type", ""), 4);
	for (size_t row = 1; row <= 5; row++)
		assert_true(strcmp(cell(&r, row, "vic_TypeOfExploitation"), "SexualExploitation;Other") == 0 ||
		    strcmp(cell(&r, row, "vic_TypeOfExploitation"), "Other;SexualExploitation") == 0);
	done(&r);
}

static void
holds_nothing_that_says_who_it_is(void **state)
{
	struct result r;

	add(*state, 1, 12, "F", "1998-05-17", "CN", NULL);
	add(*state, 21, 11, "M", "1995", "LA", NULL);
	export(*state, 11, &r);
	assert_int_equal(r.n.exported, 23);
	for (size_t i = 0; i < sizeof(markers) / sizeof(markers[0]); i++)
		for (size_t row = 0; row <= r.csv.n_rows; row++)
			for (size_t k = 1; k < r.csv.n_columns; k++)	/* 0 is random */
				if (strstr(csv_cell(&r.csv, row, k), markers[i]) != NULL)
					fail_msg("the file holds %s", markers[i]);
	done(&r);
}

static void
numbers_differ_from_file_to_file_and_order_the_rows(void **state)
{
	struct result a, b;

	add(*state, 1, 11, "F", "1998", "CN", NULL);
	export(*state, 11, &a);
	export(*state, 11, &b);
	for (size_t i = 1; i <= 11; i++) {
		assert_int_equal(strlen(csv_cell(&a.csv, i, 0)), 16);
		for (size_t k = 1; k <= 11; k++)
			assert_string_not_equal(csv_cell(&a.csv, i, 0), csv_cell(&b.csv, k, 0));
		if (i > 1)
			assert_true(strcmp(csv_cell(&a.csv, i - 1, 0), csv_cell(&a.csv, i, 0)) < 0);
	}
	done(&a);
	done(&b);
}

/* How many rows share a row's province, year, sex, age and countries. */
static void
assert_common(const struct result *r, size_t smallest)
{
	static const char *const key[] = { "prs_MailingState", "cas_YearOfRegistration", "prs_Gender",
	    "prs_AgeBand", "prs_Nationality", "hte_Country" };

	for (size_t row = 1; row <= r->csv.n_rows; row++) {
		size_t n = 0;

		for (size_t other = 1; other <= r->csv.n_rows; other++) {
			bool same = true;

			for (size_t k = 0; k < sizeof(key) / sizeof(key[0]); k++)
				same = same && strcmp(cell(r, row, key[k]), cell(r, other, key[k])) == 0;
			n += same;
		}
		if (n < smallest)
			fail_msg("row %zu is shared by %zu", row, n);
	}
}

static void
a_rare_row_gets_coarser_until_it_is_not_rare(void **state)
{
	struct result r;

	add(*state, 1, 11, "F", "1998", "CN", NULL);	/* as they are */
	add(*state, 21, 6, "F", "2016", "CN", NULL);	/* 6 and 5 children of other ages: 0-17 */
	add(*state, 31, 5, "F", "2013", "CN", NULL);
	add(*state, 41, 7, "M", "1998", "LA", NULL);	/* 7 and 4: to two countries */
	add(*state, 51, 4, "M", "1980", "KH", NULL);
	export(*state, 11, &r);
	assert_int_equal(r.n.exported, 33);
	assert_int_equal(r.n.coarser, 22);
	assert_int_equal(r.n.left_out, 0);
	assert_int_equal(count(&r, "prs_AgeBand", "0-17"), 11);
	assert_int_equal(count(&r, "prs_AgeBand", "18+"), 11);
	assert_int_equal(count(&r, "hte_Country", "Withheld"), 11);
	assert_int_equal(count(&r, "hte_Country", "CN"), 22);
	assert_common(&r, 11);
	done(&r);
}

static void
what_stays_rare_is_left_out_and_counted(void **state)
{
	struct result r;

	add(*state, 1, 11, "F", "1998", "CN", NULL);
	add(*state, 21, 3, "M", "2016", "LA", NULL);
	export(*state, 11, &r);
	assert_int_equal(r.n.exported, 11);
	assert_int_equal(r.n.left_out, 3);
	assert_common(&r, 11);
	done(&r);
}

/* Eleven files of one person are one person. */
static void
persons_are_counted_and_not_files(void **state)
{
	struct result r;

	add(*state, 1, 11, "F", "1998", "CN", "UPDATE form_case SET person_id = 1");
	export(*state, 11, &r);
	assert_int_equal(r.n.exported, 0);
	assert_int_equal(r.n.left_out, 11);
	done(&r);
}

static void
who_does_not_want_to_be_in_figures_is_not(void **state)
{
	struct result r;

	add(*state, 1, 13, "F", "1998", "CN", "INSERT INTO form_consent(id, unit, created_at, alive,"
	    " conflicts, person_id, kind, decision, withdrawn_at) VALUES"
	    " (8001, '06184', 0, 1, 0, 1, 'STATS', 'REFUSED', NULL),"
	    " (8002, '06184', 0, 1, 0, 2, 'STATS', 'GIVEN', '2026-03-01'),"
	    " (8003, '06184', 0, 1, 0, 3, 'STATS', 'GIVEN', NULL),"
	    " (8004, '06184', 0, 1, 0, 4, 'PHOTO', 'REFUSED', NULL)");
	export(*state, 11, &r);
	assert_int_equal(r.n.exported, 11);
	assert_int_equal(r.n.unwilling, 2);
	done(&r);
}

static void
refuses_groups_that_are_as_good_as_names(void **state)
{
	struct report_world *w = *state;
	struct report_order order = report_world_order;
	struct htcds_counts n;
	struct bytes out;

	bytes_init(&out);
	order.smallest = 4;
	assert_int_equal(htcds_export(w->db, w->forms, &order, &out, &n, &w->err), RC_USAGE);
	assert_int_equal(out.len, 0);
	bytes_reset(&out);
}

/* field.list pairs that the mapping has to know whole. */
static void
every_code_of_our_lists_has_a_value(void **state)
{
	static const struct { const char *field, *list; } lists[] = {
		{ "sex", "sex" }, { "nationality", "country" }, { "exploited_country", "country" },
		{ "ident_result", "ident_result" }, { "purpose", "purpose" },
		{ "recruiter_relation", "recruiter_relation" }, { "service", "service" },
	};
	struct report_world *w = *state;
	const struct embedded *file = embedded_find("exchange/htcds.csv");
	struct csv map;

	assert_non_null(file);
	assert_int_equal(csv_parse("m", file->data, file->len, &map, &w->err), RC_OK);
	for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++) {
		const struct form_list *l = form_set_list(w->forms, lists[i].list);

		for (size_t k = 0; k < l->n_choices; k++) {
			bool there = false;

			for (size_t row = 1; row <= map.n_rows; row++)
				there = there || (strcmp(csv_cell(&map, row, 0), lists[i].field) == 0 &&
				    (strcmp(csv_cell(&map, row, 1), l->choices[k].code) == 0 ||
				    strcmp(csv_cell(&map, row, 1), "*") == 0));
			if (!there)
				fail_msg("%s has no value for %s", lists[i].field, l->choices[k].code);
		}
	}
	csv_reset(&map);
}

#define WITH_WORLD(f) cmocka_unit_test_setup_teardown(f, report_world_set_up, report_world_tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_WORLD(tells_a_case_in_the_words_of_the_standard),
		WITH_WORLD(holds_nothing_that_says_who_it_is),
		WITH_WORLD(numbers_differ_from_file_to_file_and_order_the_rows),
		WITH_WORLD(a_rare_row_gets_coarser_until_it_is_not_rare),
		WITH_WORLD(what_stays_rare_is_left_out_and_counted),
		WITH_WORLD(persons_are_counted_and_not_files),
		WITH_WORLD(who_does_not_want_to_be_in_figures_is_not),
		WITH_WORLD(refuses_groups_that_are_as_good_as_names),
		WITH_WORLD(every_code_of_our_lists_has_a_value),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
