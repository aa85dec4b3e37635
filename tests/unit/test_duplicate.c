#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "shared/records/duplicate.h"
#include "shared/records/duplicate_blocks.h"
#include "shared/records/duplicate_read.h"
#include "shared/records/tables.h"
#include "tests/support/record_fixture.h"

/* A database with rows of persons, written as the fold writes them. */
struct world {
	struct sqlite3 *db;
	struct form_set *forms;
	struct tables *tables;
	struct record_context c;
	int64_t n;
};

static int
open_world(void **state)
{
	struct world *w = calloc(1, sizeof(*w));

	w->db = record_fixture_db();
	assert_int_equal(form_set_load_embedded(&w->forms, NULL), RC_OK);
	assert_int_equal(tables_open(w->db, w->forms, &w->tables, NULL), RC_OK);
	w->c = (struct record_context){ .db = w->db, .forms = w->forms };
	*state = w;
	return 0;
}

static int
close_world(void **state)
{
	struct world *w = *state;

	tables_close(w->tables);
	form_set_free(w->forms);
	record_fixture_close(w->db);
	free(w);
	return 0;
}

/* columns: "full_name, sex"; values as in SQL. */
static int64_t
add(struct world *w, const char *columns, const char *values)
{
	char sql[1000];

	snprintf(sql, sizeof(sql), "INSERT INTO form_person(id, unit, created_at, alive, conflicts, %s)"
	    " VALUES (%lld, '06184', 1767225600, 1, 0, %s)", columns, (long long)++w->n, values);
	record_fixture_run(w->db, sql);
	return w->n;
}

static const char ALL[] = "full_name, sex, birth_date, id_number, phone, registered_commune";

/* Believable others: names of the region, nobody like anybody. */
static void
add_strangers(struct world *w, size_t n)
{
	static const char *const family[] = { "Nông", "Hoàng", "Vi", "Lý", "Lương", "Triệu", "Hứa", "Bế" };
	static const char *const given[] = { "Sơn", "Hương", "Liên", "Quân", "Thắm", "Bích", "Lâm" };

	for (size_t i = 0; i < n; i++) {
		char values[300];

		snprintf(values, sizeof(values), "'%s %s %s', '%s', '%zu-%02zu-%02zu', '020%09zu',"
		    " '09%08zu', '06%03zu'", family[i % 8], i % 2 == 0 ? "Văn" : "Thị", given[i % 7],
		    i % 2 == 0 ? "M" : "F", 1970 + i * 7 % 40, 1 + i % 12, 2 + i * 5 % 26, i * 7919, i * 104729,
		    100 + i % 60);
		add(w, ALL, values);
	}
}

/* The one pair that is suggested, or none; its grounds. */
static size_t
suggested(struct world *w, uint32_t *grounds)
{
	struct duplicate_list list;
	struct error err;
	size_t n;

	error_clear(&err);
	assert_int_equal(duplicate_find(&w->c, 10, &list, &err), RC_OK);
	*grounds = list.n > 0 ? list.pairs[0].grounds : 0;
	n = list.total;
	duplicate_list_reset(&list);
	return n;
}

/* Names ---------------------------------------------------------------- */

static void
words_of_names_know_spelling_marks_and_sound(void **state)
{
	struct duplicate_words *w;
	struct duplicate_name a, b, c;

	(void)state;
	assert_int_equal(duplicate_words_new(&w), RC_OK);
	assert_int_equal(duplicate_words_read(w, "Lý Thị Hoà", true, &a), RC_OK);
	assert_int_equal(duplicate_words_read(w, "LÍ  thị-Hòa", true, &b), RC_OK);
	assert_int_equal(duplicate_words_read(w, "Ly Thi Hoa", true, &c), RC_OK);
	assert_int_equal(a.n, 3);
	assert_memory_equal(a.word, b.word, sizeof(a.word));
	assert_memory_equal(a.word, c.word, sizeof(a.word));
	assert_memory_equal(a.marks, b.marks, sizeof(a.marks));
	assert_true(a.marks[0] != c.marks[0] && a.marks[2] != c.marks[2]);
	assert_true(a.marked && b.marked && !c.marked);
	assert_int_equal(duplicate_words_read(w, "Nan Xương Chang Dàng Cúc", true, &a), RC_OK);
	assert_int_equal(duplicate_words_read(w, "Lan Sương Trang Giàng Kúc", true, &b), RC_OK);
	for (int i = 0; i < 5; i++)
		assert_int_equal(duplicate_words_likeness(w, a.word[i], b.word[i]), DUPLICATE_SOUND);
	assert_int_equal(duplicate_words_likeness(w, a.word[0], b.word[1]), DUPLICATE_UNLIKE);
	/* of a long name the first and the last five */
	assert_int_equal(duplicate_words_read(w, "a b c d e f g h", true, &a), RC_OK);
	assert_int_equal(duplicate_words_read(w, "a d e f g h", true, &b), RC_OK);
	assert_memory_equal(a.word, b.word, sizeof(a.word));
	assert_int_equal(duplicate_words_read(w, " -.,' ", true, &a), RC_OK);
	assert_int_equal(a.n, 0);
	duplicate_words_free(w);
}

static void
texts_one_letter_apart_are_near(void **state)
{
	static const struct { const char *a, *b; bool near; } cases[] = {
		{ "huong", "huonh", true }, { "huong", "hung", true }, { "huong", "huon", true },
		{ "huong", "hoang", false }, { "huong", "houng", true }, { "huong", "uhong", true },
		{ "020198001234", "020198001243", true }, { "020198001234", "020198011234", true },
		{ "020198001234", "020199001235", false }, { "a", "a", true }, { "hong", "huong", true },
		{ "", "a", true }, { "ab", "", false },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		assert_int_equal(duplicate_words_one_apart(cases[i].a, strlen(cases[i].a), cases[i].b,
		    strlen(cases[i].b)), cases[i].near);
		assert_int_equal(duplicate_words_one_apart(cases[i].b, strlen(cases[i].b), cases[i].a,
		    strlen(cases[i].a)), cases[i].near);
	}
}

/* Suggestions ---------------------------------------------------------- */

struct example {
	const char *a, *b;	/* values of ALL */
	bool suggested;
	uint32_t grounds;	/* that are among those given */
};
#define G(x) (UINT32_C(1) << (unsigned)(x))

static const struct example examples[] = {
	/* without marks, day and month exchanged */
	{ "'Đặng Thị Hòa', 'F', '1998-05-12', NULL, NULL, '06184'",
	    "'dang thi hoa', 'F', '1998-12-05', NULL, NULL, '06184'", true,
	    G(GROUND_NAME_MARKS) | G(GROUND_BIRTH_SWAPPED) | G(GROUND_REGISTERED) },
	/* given name first, Lý as Lí, the year alone */
	{ "'Lý Văn Slam', 'M', '1996-07-02', NULL, NULL, '06184'",
	    "'Slam Lí Văn', 'M', '1996', NULL, NULL, '06184'", true,
	    G(GROUND_NAME_ORDER) | G(GROUND_BIRTH_YEAR) },
	/* the same papers and nothing else that fits */
	{ "'Chu Thị Mến', 'F', NULL, '020198001234', NULL, NULL",
	    "'Chu Mến', 'F', '1990', '020198001234', NULL, '06200'", true,
	    G(GROUND_PAPER) | G(GROUND_NAME_PART) },
	/* a digit of the papers and a letter of the name */
	{ "'Tằng Mùi Ghển', 'F', '1990-03-04', '020190001234', NULL, NULL",
	    "'Tằng Mùi Ghểm', 'F', '1990-03-04', '020190001243', NULL, NULL", true,
	    G(GROUND_PAPER_NEAR) | G(GROUND_NAME_NEAR) | G(GROUND_BIRTH) },
	/* written as heard, another telephone spelling */
	{ "'Giàng Thị Sáo', 'F', '2001-03', NULL, '0912345678', NULL",
	    "'Dàng Thị Xáo', 'F', '2001-03', NULL, '+84 912 345 678', NULL", true,
	    G(GROUND_NAME_SOUND) | G(GROUND_PHONE) | G(GROUND_BIRTH_MONTH) },
	/* the telephone before and after the conversion of 2018 */
	{ "'Chu Thị Mến', 'F', '1990', NULL, '0168.555.1234', NULL",
	    "'Chu Mến', 'F', '1990', NULL, '0084 385 551 234', NULL", true,
	    G(GROUND_NAME_PART) | G(GROUND_PHONE) | G(GROUND_BIRTH_YEAR) },
	/* sisters: the same house and telephone */
	{ "'Đặng Thị Hòa', 'F', '1998-05-12', NULL, '0912345678', '06184'",
	    "'Đặng Thị Huệ', 'F', '2001-03-02', NULL, '0912345678', '06184'", false, 0 },
	/* twins */
	{ "'Đặng Thị Hòa', 'F', '1998-05-12', NULL, '0912345678', '06184'",
	    "'Đặng Thị Thuận', 'F', '1998-05-12', NULL, '0912345678', '06184'", false, 0 },
	/* one name, two people: other papers, other years */
	{ "'Nguyễn Thị Hoa', 'F', '1990-03-04', '020190001234', NULL, '06184'",
	    "'Nguyễn Thị Hoa', 'F', '1984-08-30', '020184005678', NULL, '06200'", false, 0 },
	/* marks that say it is another name */
	{ "'Hoàng Thị Hòa', 'F', '1990', NULL, NULL, NULL",
	    "'Hoàng Thị Hoa', 'F', '1991', NULL, NULL, NULL", false, 0 },
	/* nothing is known of either */
	{ "NULL, 'F', NULL, NULL, NULL, NULL", "NULL, 'F', NULL, NULL, NULL, NULL", false, 0 },
};

static void
suggests_who_may_be_one_person_and_says_why(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(examples) / sizeof(examples[0]); i++) {
		const struct example *e = &examples[i];
		struct world *w;
		uint32_t grounds;
		void *own;
		size_t n;

		open_world(&own);
		w = own;
		add_strangers(w, 300);
		assert_int_equal(suggested(w, &grounds), 0);
		add(w, ALL, e->a);
		add(w, ALL, e->b);
		n = suggested(w, &grounds);
		if (n != (e->suggested ? 1u : 0u))
			fail_msg("%s and %s: %zu suggestions", e->a, e->b, n);
		if ((grounds & e->grounds) != e->grounds)
			fail_msg("%s: grounds %x, wanted %x", e->b, grounds, e->grounds);
		close_world(&own);
	}
}

static void
other_names_and_estimated_ages_count(void **state)
{
	struct world *w = *state;
	uint32_t grounds;
	int64_t a, b;
	char sql[200];

	add_strangers(w, 300);
	a = add(w, "full_name, sex, est_age, est_age_asof, registered_commune",
	    "'Bàn Tả Mụi', 'F', 30, '2026-03-01', '06184'");
	b = add(w, "full_name, sex, birth_date, registered_commune",
	    "'Nụ Hồng Ngát', 'F', '1996', '06184'");
	assert_int_equal(suggested(w, &grounds), 0);
	snprintf(sql, sizeof(sql), "INSERT INTO form_person__other_names VALUES (%lld, 1, 1, 1,"
	    " 'Ban Ta Mui', 0)", (long long)b);
	record_fixture_run(w->db, sql);
	assert_int_equal(suggested(w, &grounds), 1);
	assert_true((grounds & G(GROUND_NAME_OTHER)) != 0 && (grounds & G(GROUND_BIRTH_AGE)) != 0);
	snprintf(sql, sizeof(sql), "UPDATE form_person SET alive = 0 WHERE id = %lld", (long long)a);
	record_fixture_run(w->db, sql);
	assert_int_equal(suggested(w, &grounds), 0);
}

static void
decided_pairs_stay_away_also_through_another_record(void **state)
{
	struct world *w = *state;
	uint32_t grounds;
	int64_t id[3];
	char sql[300];

	for (int i = 0; i < 3; i++)
		id[i] = add(w, ALL, "'Đặng Thị Hòa', 'F', '1998-05-12', NULL, '0912345678', '06184'");
	assert_int_equal(suggested(w, &grounds), 3);
	/* 0 and 1 are one: 2 is like that one person, and is suggested once */
	snprintf(sql, sizeof(sql), "UPDATE form_person SET cluster = %lld WHERE id IN (%lld, %lld)",
	    (long long)id[0], (long long)id[0], (long long)id[1]);
	record_fixture_run(w->db, sql);
	assert_int_equal(suggested(w, &grounds), 1);
	/* 1 is not 2: then 0, who is 1, is not 2 either */
	record_fixture_run(w->db, "INSERT INTO record(id, log, n, form) VALUES (900, 5, 5, 'person_link')");
	snprintf(sql, sizeof(sql), "INSERT INTO form_person_link(id, unit, created_at, alive, conflicts,"
	    " person_a, person_b, verdict) VALUES (900, '06184', 0, 1, 0, %lld, %lld, 'DIFFERENT')",
	    (long long)id[2], (long long)id[1]);
	record_fixture_run(w->db, sql);
	assert_int_equal(suggested(w, &grounds), 0);
}

/* Blocks --------------------------------------------------------------- */

static enum rc
count_pair(void *ctx, const struct duplicate_person *a, const struct duplicate_person *b)
{
	assert_true(a < b);
	++*(size_t *)ctx;
	return RC_OK;
}

static size_t
compared(struct world *w)
{
	struct duplicate_persons all;
	size_t n = 0;

	assert_int_equal(duplicate_read(w->db, w->forms, &all, NULL), RC_OK);
	assert_int_equal(duplicate_blocks_each(all.all, all.n, &all.scale, count_pair, &n), RC_OK);
	duplicate_persons_reset(&all);
	return n;
}

static void
a_thousand_of_one_name_are_not_a_million_pairs(void **state)
{
	struct world *w = *state;

	record_fixture_run(w->db, "BEGIN");
	for (size_t i = 0; i < 3000; i++)
		add(w, "full_name, phone", "'Nguyễn Thị Hoa', '0912345678'");
	record_fixture_run(w->db, "COMMIT");
	/* nothing parts them: left alone rather than four million pairs of each key */
	assert_int_equal(compared(w), 0);
	record_fixture_run(w->db, "UPDATE form_person SET registered_commune = '06' || (100 + id % 30)");
	/* parted by commune: 30 blocks of 100, by name, telephone, and each two words of the name */
	assert_int_equal(compared(w), 5 * 30 * (100 * 99 / 2));
}

static void
each_key_alone_brings_two_records_together(void **state)
{
	static const char *const pairs[][2] = {
		{ "'Vi A', 'F', NULL, NULL, '0912345678', NULL", "'Lý B', 'F', NULL, NULL, '0912 345 678', NULL" },
		{ "'Vi A', 'F', NULL, 'B-123456', NULL, NULL", "'Lý B', 'F', NULL, 'b123456', NULL, NULL" },
		{ "'Vi A', 'F', '1998-05-12', NULL, NULL, NULL", "'Lý B', 'F', '1998-12-05', NULL, NULL, NULL" },
		{ "'Vi Thị A', 'F', NULL, NULL, NULL, NULL", "'A Vy', 'F', NULL, NULL, NULL, NULL" },
		{ "'Vi Thị Anh', 'F', '1998', NULL, NULL, NULL", "'Vi Thị Oanh', 'F', '1998-02', NULL, NULL, NULL" },
		{ "'Vi Thị Anh', 'F', NULL, NULL, NULL, '06184'", "'Vi Oanh Thị', 'F', '1998', NULL, NULL, '06184'" },
	};
	struct world *w = *state;

	for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++) {
		record_fixture_run(w->db, "DELETE FROM form_person");
		add(w, ALL, pairs[i][0]);
		add(w, ALL, pairs[i][1]);
		if (compared(w) != 1)
			fail_msg("key %zu: %zu pairs", i, compared(w));
	}
	/* 1 January is only a year */
	record_fixture_run(w->db, "DELETE FROM form_person");
	add(w, ALL, "'Vi A', 'F', '1998-01-01', NULL, NULL, NULL");
	add(w, ALL, "'Lý B', 'F', '1998-01-01', NULL, NULL, NULL");
	assert_int_equal(compared(w), 0);
}

static void
gives_the_likeliest_first_and_no_more_than_asked(void **state)
{
	struct world *w = *state;
	struct duplicate_list list;

	add_strangers(w, 100);
	for (int i = 0; i < 2; i++) {
		add(w, ALL, "'Đặng Thị Hòa', 'F', '1998-05-12', '020198001234', NULL, '06184'");
		add(w, ALL, "'Bàn Tả Mụi', 'F', '1996', NULL, NULL, '06185'");
	}
	assert_int_equal(duplicate_find(&w->c, 1, &list, NULL), RC_OK);
	assert_int_equal(list.n, 1);
	assert_int_equal(list.total, 2);
	assert_int_equal(list.persons, 104);
	assert_int_equal(list.pairs[0].a, 101);
	assert_int_equal(list.pairs[0].b, 103);
	assert_int_equal(list.pairs[0].percent, 99);
	duplicate_list_reset(&list);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(words_of_names_know_spelling_marks_and_sound),
		cmocka_unit_test(texts_one_letter_apart_are_near),
		cmocka_unit_test(suggests_who_may_be_one_person_and_says_why),
		cmocka_unit_test_setup_teardown(other_names_and_estimated_ages_count, open_world, close_world),
		cmocka_unit_test_setup_teardown(decided_pairs_stay_away_also_through_another_record, open_world,
		    close_world),
		cmocka_unit_test_setup_teardown(a_thousand_of_one_name_are_not_a_million_pairs, open_world,
		    close_world),
		cmocka_unit_test_setup_teardown(each_key_alone_brings_two_records_together, open_world,
		    close_world),
		cmocka_unit_test_setup_teardown(gives_the_likeliest_first_and_no_more_than_asked, open_world,
		    close_world),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
