#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sqlite3.h>

#include "shared/base/files.h"
#include "shared/vault/query.h"
#include "shared/vault/secret.h"
#include "shared/vault/vault.h"
#include "shared/vault/vault_internal.h"
#include "tests/support/power_disk.h"
#include "tests/support/vault_folder.h"

static void
path_in(struct vault_folder *f, const char *name, char out[400])
{
	snprintf(out, 400, "%s/%s", f->dir, name);
}

static bool
file_holds(const char *path, const char *needle)
{
	struct bytes b;
	size_t n = strlen(needle);
	bool found = false;

	bytes_init(&b);
	if (files_read(path, 1 << 26, &b, NULL) != RC_OK)
		return false;
	for (size_t i = 0; i + n <= b.len && !found; i++)
		found = memcmp(b.data + i, needle, n) == 0;
	bytes_reset(&b);
	return found;
}

static void
a_marker_appears_in_no_file_of_the_folder_nor_of_tmp(void **state)
{
	static const char marker[] = "Lò-Thị-Dấu-Vết";
	const char *tmp = getenv("TMPDIR") != NULL ? getenv("TMPDIR") : "/tmp";
	struct vault_folder *f = *state;
	struct vault *v = vault_folder_made(f);
	char **names, path[700], text[600];
	size_t n;

	snprintf(text, sizeof text, "CREATE VIRTUAL TABLE words USING fts5(body);"
	    "WITH RECURSIVE c(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM c WHERE i < 4000)"
	    " INSERT INTO note SELECT i, '%s ' || i || hex(randomblob(200)) FROM c;"
	    "INSERT INTO words SELECT body FROM note;"
	    "CREATE TEMP TABLE s AS SELECT body FROM note ORDER BY body DESC;"
	    "UPDATE note SET body = body || '%s' WHERE id %% 5 = 0", marker, marker);
	vault_folder_sql(v, "PRAGMA temp_store = FILE; PRAGMA cache_size = 20");
	vault_folder_sql(v, text);
	for (int closed = 0; closed < 2; closed++) {
		assert_int_equal(files_list(f->dir, &names, &n, NULL), RC_OK);
		assert_true(n >= 4);
		for (size_t i = 0; i < n; i++) {
			path_in(f, names[i], path);
			assert_false(file_holds(path, marker));
		}
		files_names_free(names, n);
		assert_int_equal(files_list(tmp, &names, &n, NULL), RC_OK);
		for (size_t i = 0; i < n; i++) {
			snprintf(path, sizeof path, "%s/%s", tmp, names[i]);
			if (!files_is_dir(path))
				assert_false(file_holds(path, marker));
		}
		files_names_free(names, n);
		if (closed == 0)
			vault_close(v);
	}
}

static void
migrations_run_once_and_in_order(void **state)
{
	struct vault_folder *f = *state;
	struct vault *v = vault_folder_made(f);
	struct error err = { 0 };

	assert_int_equal(vault_folder_number(v, "PRAGMA user_version"), 2);
	assert_int_equal(vault_migrate(v, VAULT_FOLDER_SCHEMA, NULL), RC_OK);
	assert_int_equal(vault_migrate(v, "-- version 1\nCREATE TABLE note(x);\n-- version 2\n"
	    "CREATE TABLE tag(x);\n-- version 3\nCREATE TABLE third(x);\nINSERT INTO third VALUES (3)",
	    NULL), RC_OK);
	assert_int_equal(vault_folder_number(v, "SELECT x FROM third"), 3);
	assert_int_equal(vault_folder_number(v, "PRAGMA user_version"), 3);
	/* an older program */
	assert_int_equal(vault_migrate(v, VAULT_FOLDER_SCHEMA, &err), RC_NEWER);
	assert_int_equal(err.code, RC_NEWER);
	vault_close(v);
}

static void
a_failing_migration_leaves_nothing_behind(void **state)
{
	struct vault_folder *f = *state;
	struct vault *v = vault_folder_made(f);
	struct error err = { 0 };

	assert_int_not_equal(vault_migrate(v, "-- version 1\n-- version 2\n-- version 3\n"
	    "CREATE TABLE third(x);\n-- version 4\nCREATE TABLE note(x);\n", &err), RC_OK);
	assert_non_null(strstr(err.what, "version 4"));
	assert_int_equal(vault_folder_number(v, "PRAGMA user_version"), 2);
	assert_int_equal(vault_folder_number(v,
	    "SELECT count(*) FROM sqlite_schema WHERE name = 'third'"), 0);
	assert_int_equal(vault_migrate(v, "-- version 1\n-- version 3\n", NULL), RC_FORMAT);
	assert_int_equal(vault_migrate(v, "CREATE TABLE x(y);", NULL), RC_FORMAT);
	vault_close(v);
}

static void
verify_names_a_breach_of_a_reference(void **state)
{
	struct vault_folder *f = *state;
	struct vault *v = vault_folder_made(f);
	struct error err = { 0 };

	assert_int_equal(vault_verify(v, &err), RC_OK);
	vault_folder_sql(v, "PRAGMA foreign_keys = OFF; INSERT INTO tag VALUES (1, 99)");
	assert_int_equal(vault_verify(v, &err), RC_DAMAGED);
	assert_non_null(strstr(err.what, "tag"));
	vault_close(v);
}

static void
errors_of_sqlite_never_quote_what_was_typed(void **state)
{
	struct vault_folder *f = *state;
	struct vault *v = vault_folder_made(f);
	struct error err = { 0 };
	int rc;

	vault_folder_sql(v, "CREATE VIRTUAL TABLE w USING fts5(x)");
	rc = sqlite3_exec(vault_db(v), "SELECT * FROM w WHERE w MATCH '\"Bi-mat'", NULL, NULL,
	    NULL);
	assert_int_not_equal(vault_rc_of_sqlite(vault_db(v), rc, "search", &err), RC_OK);
	assert_null(strstr(err.what, "Bi-mat"));
	error_clear(&err);
	rc = sqlite3_exec(vault_db(v), "SELECT \"Bi-mat\" FROM note", NULL, NULL, NULL);
	assert_int_equal(vault_rc_of_sqlite(vault_db(v), rc, "search", &err), RC_INTERNAL);
	assert_null(strstr(err.what, "Bi-mat"));
	error_clear(&err);
	rc = sqlite3_exec(vault_db(v), "INSERT INTO note VALUES (1, 'a'), (1, 'b')", NULL, NULL,
	    NULL);
	assert_int_equal(rc, SQLITE_CONSTRAINT_PRIMARYKEY);
	assert_int_equal(vault_rc_of_sqlite(vault_db(v), rc, "save", &err), RC_EXISTS);
	error_clear(&err);
	rc = sqlite3_exec(vault_db(v), "SELECT * FROM nowhere", NULL, NULL, NULL);
	assert_int_equal(vault_rc_of_sqlite(vault_db(v), rc, "read", &err), RC_INTERNAL);
	assert_non_null(strstr(err.what, "nowhere"));
	vault_close(v);
}

static void
a_forgotten_statement_does_no_harm(void **state)
{
	struct vault_folder *f = *state;
	struct vault *v = vault_folder_made(f);
	sqlite3_stmt *stmt;

	vault_folder_sql(v,
	    "CREATE VIRTUAL TABLE w USING fts5(x); INSERT INTO w VALUES ('chữ'), ('chữ khác')");
	assert_int_equal(sqlite3_prepare_v2(vault_db(v), "SELECT * FROM w WHERE w MATCH 'chữ'", -1,
	    &stmt, NULL), SQLITE_OK);
	assert_int_equal(sqlite3_step(stmt), SQLITE_ROW);
	vault_close(v);
	assert_int_equal(sqlite3_step(stmt), SQLITE_ROW);
	sqlite3_finalize(stmt);
	v = vault_folder_reopened(f);
	assert_int_equal(vault_folder_number(v, "SELECT count(*) FROM w WHERE w MATCH 'chữ'"), 2);
	vault_close(v);
}

static void
a_full_disk_is_told_as_full(void **state)
{
	struct vault_folder *f = *state;
	struct power_disk *disk = power_disk_new(1);
	struct vault_bench bench = { power_disk_vfs(disk), NULL };
	struct error err = { 0 };
	struct vault *v;
	int rc;

	assert_int_equal(vault_create_on(f->dir, f->master, bench, &v, NULL), RC_OK);
	assert_int_equal(vault_migrate(v, VAULT_FOLDER_SCHEMA, NULL), RC_OK);
	vault_folder_sql(v, "INSERT INTO note(body) VALUES ('saved')");
	power_disk_limit(disk, power_disk_used(disk) + 9000);
	rc = sqlite3_exec(vault_db(v), "INSERT INTO note(body) VALUES (printf('%.*c', 99000, 'x'))",
	    NULL, NULL, NULL);
	assert_int_equal(vault_rc_of_sqlite(vault_db(v), rc, "save", &err), RC_FULL);
	assert_int_equal(err.code, RC_FULL);
	power_disk_limit(disk, power_disk_used(disk));
	vault_close(v);
	/* still full: what was saved can be read all the same */
	assert_int_equal(vault_open_on(f->dir, f->master, bench, &v, NULL), RC_OK);
	assert_int_equal(vault_folder_number(v, "SELECT count(*) FROM note WHERE body = 'saved'"),
	    1);
	/* and nothing is appended to a WAL that could not be emptied, room or no room */
	power_disk_limit(disk, 0);
	rc = sqlite3_exec(vault_db(v), "INSERT INTO note(body) VALUES ('x')", NULL, NULL, NULL);
	assert_int_equal(vault_rc_of_sqlite(vault_db(v), rc, "save", NULL), RC_FULL);
	vault_close(v);
	assert_int_equal(vault_open_on(f->dir, f->master, bench, &v, NULL), RC_OK);
	vault_folder_sql(v, "INSERT INTO note(body) VALUES ('x')");
	assert_int_equal(vault_folder_number(v, "SELECT count(*) FROM note"), 2);
	vault_close(v);
	power_disk_free(disk);
}

/* Copies of a text in this process's writable memory; the needle is kept inverted. */
static int
copies_in_memory(const uint8_t *inverted, size_t len)
{
	static uint8_t chunk[(1 << 16) + 64];	/* the end of each is the beginning of the next */
	const size_t step = sizeof chunk - 64;
	FILE *maps = fopen("/proc/self/maps", "r"), *mem = fopen("/proc/self/mem", "rb");
	unsigned long long from, to;
	char line[512], perms[8];
	int found = 0;

	if (maps == NULL || mem == NULL) {
		if (maps != NULL)
			fclose(maps);
		return -1;
	}
	while (fgets(line, sizeof line, maps) != NULL) {
		if (sscanf(line, "%llx-%llx %7s", &from, &to, perms) != 3 || perms[1] != 'w' ||
		    strstr(line, "[heap]") == NULL)
			continue;
		for (unsigned long long at = from; at < to; at += step) {
			size_t n;

			if (fseeko(mem, (off_t)at, SEEK_SET) != 0)
				break;
			n = fread(chunk, 1,
			    to - at < sizeof chunk ? (size_t)(to - at) : sizeof chunk, mem);
			for (size_t i = 0; i < step && i + len <= n; i++) {
				size_t j = 0;

				while (j < len && (chunk[i + j] ^ inverted[j]) == 255)
					j++;
				found += j == len;
			}
		}
	}
	fclose(maps);
	fclose(mem);
	return found;
}

static void
rows_do_not_linger_in_memory_after_close(void **state)
{
	struct vault_folder *f = *state;
	struct vault *v = vault_folder_made(f);
	uint8_t marker[24], inverted[24];
	sqlite3_stmt *stmt;
	void *fence;
	int found;

	secret_random_bytes(marker, sizeof marker);
	for (size_t i = 0; i < sizeof marker; i++)
		inverted[i] = marker[i] ^ 255;
	assert_int_equal(sqlite3_prepare_v2(vault_db(v),
	    "WITH RECURSIVE c(i) AS (SELECT 1 UNION ALL"
	    " SELECT i + 1 FROM c WHERE i < 300) INSERT INTO note SELECT i, ? FROM c", -1, &stmt,
	    NULL),
	    SQLITE_OK);
	sqlite3_bind_blob(stmt, 1, marker, sizeof marker, SQLITE_TRANSIENT);
	assert_int_equal(sqlite3_step(stmt), SQLITE_DONE);
	sqlite3_finalize(stmt);
	assert_true(vault_folder_number(v, "SELECT count(DISTINCT body) FROM note") == 1);
	secret_wipe(marker, sizeof marker);
	found = copies_in_memory(inverted, sizeof inverted);
	/* on top of the heap, so that none of it goes back to the system unseen */
	fence = malloc(120000);
	vault_close(v);
	/* no /proc, or a sanitizer's own heap: nothing can be seen */
	if (found <= 0) {
		free(fence);
		skip();
	}
	assert_true(found > 100);
	assert_int_equal(copies_in_memory(inverted, sizeof inverted), 0);
	free(fence);
}

static void
what_was_asked_for_does_not_linger_in_memory(void **state)
{
	struct vault_folder *f = *state;
	struct vault *v = vault_folder_made(f);
	uint8_t marker[4000], inverted[24];
	sqlite3_stmt *q;
	int64_t n;
	int found;

	secret_random_bytes(marker, sizeof inverted);
	for (size_t i = 0; i < sizeof marker; i++)
		marker[i] = marker[i % sizeof inverted];
	for (size_t i = 0; i < sizeof inverted; i++)
		inverted[i] = marker[i] ^ 255;
	/* the statement is kept, the value must not be */
	assert_int_equal(query_int(vault_db(v), NULL, &n, "SELECT count(*) FROM note WHERE body = ?1",
	    "b", marker, sizeof marker), RC_OK);
	assert_int_equal(query_open(vault_db(v), NULL, &q, "SELECT ?1", "b", marker, sizeof marker),
	    RC_OK);
	secret_wipe(marker, sizeof marker);
	found = copies_in_memory(inverted, sizeof inverted);
	query_close(q);
	if (found > 0) {
		assert_int_equal(found, sizeof marker / sizeof inverted);
		assert_int_equal(copies_in_memory(inverted, sizeof inverted), 0);
	}
	vault_close(v);
	if (found <= 0)
		skip();
}

int
main(void)
{
#define TEST(t) cmocka_unit_test_setup_teardown(t, vault_folder_set_up, vault_folder_tear_down)
	const struct CMUnitTest tests[] = {
		TEST(a_marker_appears_in_no_file_of_the_folder_nor_of_tmp),
		TEST(migrations_run_once_and_in_order),
		TEST(a_failing_migration_leaves_nothing_behind),
		TEST(verify_names_a_breach_of_a_reference),
		TEST(errors_of_sqlite_never_quote_what_was_typed),
		TEST(a_forgotten_statement_does_no_harm),
		TEST(a_full_disk_is_told_as_full),
		TEST(rows_do_not_linger_in_memory_after_close),
		TEST(what_was_asked_for_does_not_linger_in_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
