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
#include "shared/vault/secret.h"
#include "shared/vault/vault.h"
#include "shared/vault/vault_internal.h"
#include "tests/support/power_disk.h"
#include "tests/support/vault_folder.h"

/* What a later program might bring: a table, a column, and every row rewritten. */
static const char NEXT_SCHEMA[] =
    "-- version 1\n"
    "CREATE TABLE note (id INTEGER PRIMARY KEY, body TEXT NOT NULL);\n"
    "-- version 2\n"
    "CREATE TABLE tag (id INTEGER PRIMARY KEY, note INTEGER REFERENCES note(id));\n"
    "-- version 3\n"
    "ALTER TABLE note ADD COLUMN length INTEGER;\n"
    "UPDATE note SET length = length(body), body = body || '.';\n"
    "CREATE TABLE place (id INTEGER PRIMARY KEY, name TEXT);\n"
    "-- version 4\n"
    "INSERT INTO place SELECT id, 'thôn ' || id FROM note;\n";

static const char FILL[] = "WITH RECURSIVE c(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM c WHERE i < 60)"
    " INSERT INTO note(id, body) SELECT i, printf('%.*c', 700, 'x') FROM c";

/* A vault on a disk in memory; the key files lie in the folder. */
struct bench_vault {
	struct vault_folder *f;
	struct power_disk *disk;
	struct vault_bench bench;
	struct vault *v;
	struct error err;
};

static void
make(struct bench_vault *b, struct vault_folder *f, uint64_t seed)
{
	memset(b, 0, sizeof *b);
	b->f = f;
	b->disk = power_disk_new(seed);
	b->bench.below = power_disk_vfs(b->disk);
	assert_int_equal(vault_create_on(f->dir, f->master, b->bench, &b->v, NULL), RC_OK);
	assert_int_equal(vault_migrate(b->v, VAULT_FOLDER_SCHEMA, NULL), RC_OK);
	vault_folder_sql(b->v, FILL);
}

static enum rc
open_again(struct bench_vault *b)
{
	vault_close(b->v);
	b->v = NULL;
	error_clear(&b->err);
	return vault_open_on(b->f->dir, b->f->master, b->bench, &b->v, &b->err);
}

static void
end(struct bench_vault *b)
{
	vault_close(b->v);
	power_disk_free(b->disk);
	vault_folder_remove(b->f->dir);
}

static bool
has_copy(const struct bench_vault *b)
{
	int64_t len;

	return power_disk_bytes(b->disk, "vault.db.v2", &len) != NULL && len > 0;
}

static int64_t
version(struct bench_vault *b)
{
	return vault_folder_number(b->v, "PRAGMA user_version");
}

/* All of the old, or all of the new. */
static void
assert_whole(struct bench_vault *b)
{
	if (version(b) == 2) {
		assert_int_equal(vault_folder_number(b->v, "SELECT count(*) FROM note"
		    " WHERE length(body) = 700"), 60);
		assert_int_equal(vault_folder_number(b->v,
		    "SELECT count(*) FROM sqlite_schema WHERE name = 'place'"), 0);
	} else {
		assert_int_equal(version(b), 4);
		assert_int_equal(vault_folder_number(b->v, "SELECT count(*) FROM note"
		    " WHERE length(body) = 701 AND length = 700"), 60);
		assert_int_equal(vault_folder_number(b->v, "SELECT count(*) FROM place"), 60);
	}
	assert_int_equal(vault_verify(b->v, NULL), RC_OK);
}

static void
a_new_vault_needs_no_copy(void **state)
{
	struct bench_vault b;

	make(&b, *state, 1);
	assert_false(has_copy(&b));
	end(&b);
}

static void
the_copy_stays_until_the_new_version_was_opened_once(void **state)
{
	struct bench_vault b;

	make(&b, *state, 1);
	assert_int_equal(vault_migrate(b.v, NEXT_SCHEMA, NULL), RC_OK);
	assert_whole(&b);
	assert_true(has_copy(&b));
	/* a second look in the same opening */
	assert_int_equal(vault_migrate(b.v, NEXT_SCHEMA, NULL), RC_OK);
	assert_true(has_copy(&b));
	assert_int_equal(open_again(&b), RC_OK);
	assert_true(has_copy(&b));
	assert_int_equal(vault_migrate(b.v, NEXT_SCHEMA, NULL), RC_OK);
	assert_false(has_copy(&b));
	assert_whole(&b);
	end(&b);
}

static void
the_copy_is_sealed_and_opens_in_place_of_the_database(void **state)
{
	struct vault_folder *f = *state;
	struct vault *v = vault_folder_made(f);
	char db[400], copy[400];
	struct bytes b;

	vault_folder_sql(v, FILL);
	assert_int_equal(vault_migrate(v, NEXT_SCHEMA, NULL), RC_OK);
	vault_close(v);
	snprintf(db, sizeof db, "%s/vault.db", f->dir);
	snprintf(copy, sizeof copy, "%s/vault.db.v2", f->dir);
	bytes_init(&b);
	assert_int_equal(files_read(copy, 1 << 24, &b, NULL), RC_OK);
	for (size_t i = 0; i + 32 <= b.len; i++)
		assert_false(memcmp(b.data + i, "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx", 32) == 0);
	assert_int_equal(files_replace(db, b.data, b.len, NULL), RC_OK);
	bytes_reset(&b);
	v = vault_folder_reopened(f);
	assert_int_equal(vault_folder_number(v, "PRAGMA user_version"), 2);
	assert_int_equal(vault_folder_number(v, "SELECT count(*) FROM note WHERE length(body) = 700"), 60);
	/* and the new program begins again */
	assert_int_equal(vault_migrate(v, NEXT_SCHEMA, NULL), RC_OK);
	assert_int_equal(vault_folder_number(v, "SELECT count(*) FROM place"), 60);
	vault_close(v);
}

static void
no_room_for_the_copy_changes_nothing(void **state)
{
	struct bench_vault b;

	make(&b, *state, 1);
	assert_int_equal(open_again(&b), RC_OK);
	power_disk_limit(b.disk, power_disk_used(b.disk) + 30000);
	assert_int_equal(vault_migrate(b.v, NEXT_SCHEMA, &b.err), RC_FULL);
	assert_non_null(strstr(b.err.help, "make room"));
	assert_false(has_copy(&b));
	assert_whole(&b);
	assert_int_equal(version(&b), 2);
	power_disk_limit(b.disk, 0);
	assert_int_equal(vault_migrate(b.v, NEXT_SCHEMA, NULL), RC_OK);
	assert_whole(&b);
	end(&b);
}

static void
a_migration_that_fails_leaves_the_old_version_and_a_copy(void **state)
{
	struct bench_vault b;
	char wrong[sizeof NEXT_SCHEMA + 64];

	snprintf(wrong, sizeof wrong, "%s-- version 5\nINSERT INTO nowhere VALUES (1);\n", NEXT_SCHEMA);
	make(&b, *state, 1);
	assert_int_not_equal(vault_migrate(b.v, wrong, &b.err), RC_OK);
	assert_non_null(strstr(b.err.what, "version 5"));
	assert_int_equal(version(&b), 2);
	assert_whole(&b);
	assert_int_equal(vault_migrate(b.v, NEXT_SCHEMA, NULL), RC_OK);
	assert_whole(&b);
	end(&b);
}

/* Power fails in the nth operation of the migration.  False: it was over before. */
static bool
cut_at(struct vault_folder *f, uint64_t seed, long n)
{
	struct bench_vault b;
	bool cut;
	enum rc rc;

	make(&b, f, seed);
	power_disk_cut_in(b.disk, n);
	rc = vault_migrate(b.v, NEXT_SCHEMA, NULL);
	cut = power_disk_is_off(b.disk);
	if (!cut)
		assert_int_equal(rc, RC_OK);
	vault_close(b.v);
	b.v = NULL;
	power_disk_restart(b.disk);
	assert_int_equal(open_again(&b), RC_OK);
	if (rc == RC_OK)
		assert_int_equal(version(&b), 4);
	assert_whole(&b);
	assert_int_equal(vault_migrate(b.v, NEXT_SCHEMA, &b.err), RC_OK);
	assert_int_equal(version(&b), 4);
	assert_whole(&b);
	end(&b);
	return cut;
}

static void
a_power_cut_leaves_the_old_or_the_new_version(void **state)
{
	struct vault_folder *f = *state;
	long cuts = 0;

	for (uint64_t seed = 1; seed <= 8; seed++) {
		for (long n = 1; cut_at(f, seed, n); n++)
			cuts++;
	}
	assert_true(cuts > 100);
}

int
main(void)
{
#define TEST(t) cmocka_unit_test_setup_teardown(t, vault_folder_set_up, vault_folder_tear_down)
	const struct CMUnitTest tests[] = {
		TEST(a_new_vault_needs_no_copy),
		TEST(the_copy_stays_until_the_new_version_was_opened_once),
		TEST(the_copy_is_sealed_and_opens_in_place_of_the_database),
		TEST(no_room_for_the_copy_changes_nothing),
		TEST(a_migration_that_fails_leaves_the_old_version_and_a_copy),
		TEST(a_power_cut_leaves_the_old_or_the_new_version),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
