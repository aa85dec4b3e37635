#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include <sqlite3.h>

#include "shared/vault/query.h"
#include "shared/vault/query_pool.h"
#include "shared/vault/vault.h"
#include "tests/support/vault_folder.h"

static const char ONE[] = "SELECT body FROM note WHERE id = ?1";

static struct vault *
with_notes(struct vault_folder *f)
{
	struct vault *v = vault_folder_made(f);

	vault_folder_sql(v, "INSERT INTO note VALUES (1, 'một'), (2, 'hai'), (3, 'ba')");
	return v;
}

/* Statements that the connection has, in use or kept. */
static size_t
count_statements(sqlite3 *db)
{
	size_t n = 0;

	for (sqlite3_stmt *q = NULL; (q = sqlite3_next_stmt(db, q)) != NULL; n++)
		;
	return n;
}

static sqlite3_stmt *
kept(sqlite3 *db, const char *sql)
{
	sqlite3_stmt *q = NULL;

	while ((q = sqlite3_next_stmt(db, q)) != NULL) {
		if (strcmp(sqlite3_sql(q), sql) == 0)
			return q;
	}
	return NULL;
}

static void
body_is(sqlite3 *db, int64_t id, const char *expected)
{
	struct bytes b;

	bytes_init(&b);
	assert_int_equal(query_blob(db, NULL, &b, ONE, "i", id), RC_OK);
	assert_string_equal(bytes_cstr(&b), expected);
	bytes_reset(&b);
}

static void
the_same_words_are_prepared_once(void **state)
{
	struct vault *v = with_notes(*state);
	sqlite3 *db = vault_db(v);
	char copy[sizeof ONE];
	sqlite3_stmt *q;

	body_is(db, 1, "một");
	q = kept(db, ONE);
	assert_non_null(q);
	memcpy(copy, ONE, sizeof copy);		/* the words count, not where they stand */
	for (int64_t i = 0; i < 3; i++) {
		sqlite3_stmt *again;

		assert_int_equal(query_open(db, NULL, &again, copy, "i", i), RC_OK);
		assert_ptr_equal(again, q);
		query_close(again);
	}
	assert_int_equal(count_statements(db), 1);
	vault_close(v);
}

static void
words_in_use_get_a_statement_of_their_own(void **state)
{
	static const char all[] = "SELECT id FROM note ORDER BY id";
	struct vault *v = with_notes(*state);
	sqlite3 *db = vault_db(v);
	sqlite3_stmt *outer, *inner;
	int64_t seen = 0;
	bool row;

	for (int round = 0; round < 2; round++) {
		assert_int_equal(query_open(db, NULL, &outer, all, ""), RC_OK);
		while (query_next(outer, &row, NULL) == RC_OK && row) {
			assert_int_equal(query_open(db, NULL, &inner, all, ""), RC_OK);
			assert_ptr_not_equal(inner, outer);
			while (query_next(inner, &row, NULL) == RC_OK && row)
				seen = 10 * seen + query_column_int(inner, 0);
			query_close(inner);
		}
		query_close(outer);
	}
	assert_int_equal(seen, INT64_C(123123123123123123));
	vault_close(v);
}

static void
nothing_stays_bound_and_no_row_open_in_what_is_kept(void **state)
{
	struct vault *v = with_notes(*state);
	sqlite3 *db = vault_db(v);
	sqlite3_stmt *q;
	char *words;
	bool row;

	assert_int_equal(query_open(db, NULL, &q, "SELECT id FROM note WHERE body <> ?1", "t", "Lò"),
	    RC_OK);
	assert_int_equal(query_next(q, &row, NULL), RC_OK);
	assert_true(row && sqlite3_stmt_busy(q));
	query_close(q);
	assert_ptr_equal(kept(db, "SELECT id FROM note WHERE body <> ?1"), q);
	assert_false(sqlite3_stmt_busy(q));
	words = sqlite3_expanded_sql(q);
	assert_string_equal(words, "SELECT id FROM note WHERE body <> NULL");
	sqlite3_free(words);
	/* nor does it hold a transaction: the journal can be emptied */
	assert_int_equal(sqlite3_wal_checkpoint_v2(db, "main", SQLITE_CHECKPOINT_TRUNCATE, NULL, NULL),
	    SQLITE_OK);
	vault_close(v);
}

/* A parameter that the next one leaves out is NULL, not the last one's. */
static void
the_next_one_does_not_see_the_values_of_the_last(void **state)
{
	struct vault *v = with_notes(*state);
	sqlite3 *db = vault_db(v);
	int64_t n;

	assert_int_equal(query_int(db, NULL, &n, ONE, "i", INT64_C(1)), RC_OK);
	assert_int_equal(query_int(db, NULL, &n, ONE, ""), RC_NOTFOUND);
	vault_close(v);
}

static void
what_is_kept_follows_the_schema(void **state)
{
	static const char all[] = "SELECT * FROM note WHERE id = 1";
	struct vault *v = with_notes(*state);
	sqlite3 *db = vault_db(v);
	struct error err = { 0 };
	sqlite3_stmt *q;
	bool row;
	int64_t n;

	assert_int_equal(query_int(db, NULL, &n, all, ""), RC_OK);
	vault_folder_sql(v, "ALTER TABLE note ADD COLUMN more DEFAULT 'thêm'");
	assert_int_equal(query_open(db, NULL, &q, all, ""), RC_OK);
	assert_int_equal(query_next(q, &row, NULL), RC_OK);
	assert_string_equal(query_column_text(q, 2), "thêm");
	query_close(q);
	vault_folder_sql(v, "DROP TABLE note");
	assert_int_not_equal(query_int(db, &err, &n, all, ""), RC_OK);
	assert_non_null(strstr(err.what, "no such table"));
	vault_folder_sql(v, "CREATE TABLE note(other, id); INSERT INTO note VALUES (7, 1)");
	assert_int_equal(query_int(db, NULL, &n, all, ""), RC_OK);
	assert_int_equal(n, 7);
	vault_close(v);
}

static void
what_is_kept_outlives_what_was_rolled_back(void **state)
{
	struct vault *v = with_notes(*state);
	sqlite3 *db = vault_db(v);
	int64_t n;

	for (int round = 0; round < 3; round++) {
		assert_int_equal(query_begin(db, NULL), RC_OK);
		assert_int_equal(query_run(db, NULL, "SAVEPOINT piece", ""), RC_OK);
		assert_int_equal(query_run(db, NULL, "INSERT INTO note VALUES (?1, ?2)", "it", INT64_C(4),
		    "bốn"), RC_OK);
		/* a statement that failed is as good as any the next time */
		assert_int_equal(query_run(db, NULL, "INSERT INTO note VALUES (?1, ?2)", "it", INT64_C(4),
		    "bốn"), RC_EXISTS);
		assert_int_equal(query_run(db, NULL, "CREATE TABLE late(x)", ""), RC_OK);
		assert_int_equal(query_run(db, NULL, "INSERT INTO late VALUES (1)", ""), RC_OK);
		assert_int_equal(query_run(db, NULL, "ROLLBACK TO piece", ""), RC_OK);
		assert_int_not_equal(query_run(db, NULL, "INSERT INTO late VALUES (1)", ""), RC_OK);
		assert_int_equal(query_run(db, NULL, "INSERT INTO note VALUES (?1, ?2)", "it", INT64_C(5),
		    "năm"), RC_OK);
		assert_int_equal(query_end(db, round == 2 ? RC_OK : RC_INVALID, NULL),
		    round == 2 ? RC_OK : RC_INVALID);
	}
	assert_int_equal(query_int(db, NULL, &n, "SELECT sum(id) FROM note", ""), RC_OK);
	assert_int_equal(n, 1 + 2 + 3 + 5);
	vault_close(v);
}

static void
keeps_only_so_many_and_lets_the_longest_unused_go(void **state)
{
	struct vault *v = with_notes(*state);
	sqlite3 *db = vault_db(v);
	char sql[QUERY_POOL_SQL_MAX + 100];
	int64_t n;

	for (int i = 0; i < 3 * QUERY_POOL_MOST; i++) {
		body_is(db, 2, "hai");
		snprintf(sql, sizeof sql, "SELECT %d", i);
		assert_int_equal(query_int(db, NULL, &n, sql, ""), RC_OK);
		assert_int_equal(n, i);
		assert_true(count_statements(db) <= QUERY_POOL_MOST);
	}
	assert_int_equal(count_statements(db), QUERY_POOL_MOST);
	assert_non_null(kept(db, ONE));
	assert_null(kept(db, "SELECT 0"));
	/* nor what is very long */
	snprintf(sql, sizeof sql, "SELECT 5%*s", QUERY_POOL_SQL_MAX, "");
	assert_int_equal(query_int(db, NULL, &n, sql, ""), RC_OK);
	assert_null(kept(db, sql));
	vault_close(v);
}

/* SQLite does part of these while it prepares them. */
static void
a_setting_is_set_each_time(void **state)
{
	struct vault *v = with_notes(*state);
	sqlite3 *db = vault_db(v);

	for (int i = 0; i < 2; i++) {
		assert_int_equal(query_run(db, NULL, "PRAGMA foreign_keys = ON", ""), RC_OK);
		assert_int_equal(vault_folder_number(v, "PRAGMA foreign_keys"), 1);
		assert_int_equal(query_run(db, NULL, "PRAGMA foreign_keys = OFF", ""), RC_OK);
		assert_int_equal(vault_folder_number(v, "PRAGMA foreign_keys"), 0);
	}
	assert_int_equal(count_statements(db), 0);
	vault_close(v);
}

static void
a_database_without_a_vault_keeps_none(void **state)
{
	sqlite3 *db;
	int64_t n;

	(void)state;
	assert_int_equal(sqlite3_open(":memory:", &db), SQLITE_OK);
	assert_int_equal(query_int(db, NULL, &n, "SELECT 3", ""), RC_OK);
	assert_int_equal(n, 3);
	assert_int_equal(count_statements(db), 0);
	query_pool_drop(db);
	query_pool_drop(NULL);
	assert_int_equal(sqlite3_close(db), SQLITE_OK);
}

static void
all_are_gone_when_the_vault_is_closed(void **state)
{
	struct vault *v = with_notes(*state);

	/* a statement that was left would keep the database, and say so: its lock, too */
	body_is(vault_db(v), 3, "ba");
	vault_close(v);
	v = vault_folder_reopened(*state);
	assert_int_equal(count_statements(vault_db(v)), 0);
	body_is(vault_db(v), 3, "ba");
	query_pool_drop(vault_db(v));
	assert_int_equal(count_statements(vault_db(v)), 0);
	body_is(vault_db(v), 3, "ba");
	vault_close(v);
}

int
main(void)
{
#define TEST(t) cmocka_unit_test_setup_teardown(t, vault_folder_set_up, vault_folder_tear_down)
	const struct CMUnitTest tests[] = {
		TEST(the_same_words_are_prepared_once),
		TEST(words_in_use_get_a_statement_of_their_own),
		TEST(nothing_stays_bound_and_no_row_open_in_what_is_kept),
		TEST(the_next_one_does_not_see_the_values_of_the_last),
		TEST(what_is_kept_follows_the_schema),
		TEST(what_is_kept_outlives_what_was_rolled_back),
		TEST(keeps_only_so_many_and_lets_the_longest_unused_go),
		TEST(a_setting_is_set_each_time),
		TEST(a_database_without_a_vault_keeps_none),
		TEST(all_are_gone_when_the_vault_is_closed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
