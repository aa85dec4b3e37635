#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sqlite3.h>

#include "shared/vault/secret.h"
#include "shared/vault/vault.h"
#include "shared/vault/vault_db.h"
#include "shared/vault/vault_vfs.h"
#include "shared/vault/vault_vfs_rules.h"
#include "tests/support/power_disk.h"

/* A database on a disk whose power can be cut. */
struct sim {
	struct power_disk *disk;
	struct secret *key;
	uint8_t id[BLOCK_ID_BYTES];
	struct vault_vfs_rules rules;
	struct vault_vfs *vfs;
	sqlite3 *db;
	uint64_t random;
	struct error err;
};

static const struct vault_vfs_rules ALL_RULES;

static void
sim_init(struct sim *s, uint64_t seed, const struct vault_vfs_rules *rules)
{
	memset(s, 0, sizeof *s);
	s->random = seed * 2654435761u + 1;
	s->rules = *rules;
	s->disk = power_disk_new(seed);
	assert_int_equal(secret_random(SECRET_KEY_BYTES, &s->key), RC_OK);
	secret_random_bytes(s->id, sizeof s->id);
	assert_int_equal(vault_vfs_new(s->key, s->id, "/sim/vault.db", power_disk_vfs(s->disk),
	    &s->rules, &s->vfs), RC_OK);
}

static enum rc
sim_open(struct sim *s, bool create)
{
	error_clear(&s->err);
	return vault_db_open(s->vfs, create, &s->rules, &s->db, &s->err);
}

static void
sim_close(struct sim *s)
{
	vault_db_close(s->db);
	s->db = NULL;
}

static void
sim_reset(struct sim *s)
{
	sim_close(s);
	vault_vfs_free(s->vfs);
	power_disk_free(s->disk);
	secret_free(s->key);
	memset(s, 0, sizeof *s);
}

static unsigned
pick(struct sim *s, unsigned n)
{
	s->random = s->random * 6364136223846793005u + 1442695040888963407u;
	return (unsigned)(s->random >> 33) % n;
}

static int
run(struct sim *s, const char *sql)
{
	return sqlite3_exec(s->db, sql, NULL, NULL, NULL);
}

/* -1 when the question cannot be answered. */
static int64_t
ask(struct sim *s, const char *sql)
{
	sqlite3_stmt *stmt = NULL;
	int64_t n = -1;

	if (sqlite3_prepare_v2(s->db, sql, -1, &stmt, NULL) == SQLITE_OK &&
	    sqlite3_step(stmt) == SQLITE_ROW)
		n = sqlite3_column_int64(stmt, 0);
	sqlite3_finalize(stmt);
	return n;
}

static void
ask_text(struct sim *s, const char *sql, char *out, size_t max)
{
	sqlite3_stmt *stmt = NULL;

	out[0] = '\0';
	if (sqlite3_prepare_v2(s->db, sql, -1, &stmt, NULL) == SQLITE_OK &&
	    sqlite3_step(stmt) == SQLITE_ROW)
		snprintf(out, max, "%s", (const char *)sqlite3_column_text(stmt, 0));
	sqlite3_finalize(stmt);
}

/* --- power cuts ------------------------------------------------------- */

/*
 * Transaction n writes its number, and how many rows of how many bytes of n
 * there are; so each state of the database can be checked by itself.
 */
static const char CRASH_SCHEMA[] =
    "CREATE TABLE log (n INTEGER PRIMARY KEY, rows INTEGER, bytes INTEGER);"
    "CREATE TABLE part (n INTEGER, v TEXT); CREATE INDEX part_n ON part(n);";

static const char CRASH_WRONG[] =
    "SELECT count(*) FROM log WHERE rows <> (SELECT count(*) FROM part WHERE part.n = log.n)"
    " OR bytes <> (SELECT total(length(v)) FROM part WHERE part.n = log.n)"
    " OR n > (SELECT count(*) FROM log)";

static int
add_parts(struct sim *s, int64_t n, unsigned rows, unsigned size)
{
	char sql[400];

	snprintf(sql, sizeof sql, "WITH RECURSIVE c(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM c"
	    " WHERE i < %u) INSERT INTO part SELECT %lld, printf('%%.*c', %u, 'x') FROM c",
	    rows, (long long)n, size);
	return run(s, sql);
}

/* One transaction, whose COMMIT may be cut.  true: acknowledged. */
static bool
transact(struct sim *s, int64_t n)
{
	unsigned rows = 1 + pick(s, 3), size = 10 + pick(s, pick(s, 4) == 0 ? 20000 : 300);
	char sql[300];

	if (run(s, "BEGIN IMMEDIATE") != SQLITE_OK)
		return false;
	if (pick(s, 4) == 0) {
		/* much that is rolled back again, larger than the page cache */
		if (run(s, "SAVEPOINT a") != SQLITE_OK || add_parts(s, n, 20, 2000) != SQLITE_OK ||
		    run(s, "ROLLBACK TO a; RELEASE a") != SQLITE_OK)
			return false;
	}
	if (pick(s, 5) == 0) {
		snprintf(sql, sizeof sql, "DELETE FROM part WHERE n = %lld;"
		    "UPDATE log SET rows = 0, bytes = 0 WHERE n = %lld", (long long)(n / 2),
		    (long long)(n / 2));
		if (run(s, sql) != SQLITE_OK)
			return false;
	}
	snprintf(sql, sizeof sql, "INSERT INTO log VALUES (%lld, %u, %u)", (long long)n, rows,
	    rows * size);
	if (run(s, sql) != SQLITE_OK || add_parts(s, n, rows, size) != SQLITE_OK)
		return false;
	if (pick(s, 10) == 0)
		return run(s, "ROLLBACK") == SQLITE_OK && transact(s, n);
	return run(s, "COMMIT") == SQLITE_OK;
}

/* Open after a cut, perhaps with further cuts on the way. */
static enum rc
reopen_after_cut(struct sim *s)
{
	enum rc rc = RC_OK;

	for (int i = 0; i < 3; i++) {
		power_disk_restart(s->disk);
		if (i < 2 && pick(s, 3) == 0)
			power_disk_cut_in(s->disk, 1 + (long)pick(s, 12));
		rc = sim_open(s, false);
		if (!power_disk_is_off(s->disk))
			return rc;
		sim_close(s);
	}
	return rc;
}

static bool
sound(struct sim *s)
{
	char text[100];

	ask_text(s, "PRAGMA integrity_check(1)", text, sizeof text);
	return strcmp(text, "ok") == 0;
}

/* Several cuts on one disk.  Returns how many were survived; *bad says what went wrong. */
static int
cut_one_disk(uint64_t seed, const struct vault_vfs_rules *rules, int cuts, const char **bad)
{
	struct sim s;
	int64_t acknowledged = 0, found;
	int survived = 0;
	enum rc rc;

	*bad = NULL;
	sim_init(&s, seed, rules);
	assert_int_equal(sim_open(&s, true), RC_OK);
	assert_int_equal(run(&s, CRASH_SCHEMA), SQLITE_OK);
	while (survived < cuts && *bad == NULL) {
		run(&s, "PRAGMA cache_size = 10; PRAGMA wal_autocheckpoint = 30");
		power_disk_cut_in(s.disk, 1 + (long)pick(&s, 150));
		while (!power_disk_is_off(s.disk)) {
			if (transact(&s, acknowledged + 1))
				acknowledged++;
			else if (!power_disk_is_off(s.disk))
				break;
		}
		if (!power_disk_is_off(s.disk)) {
			*bad = "a transaction failed without a cut";
			break;
		}
		sim_close(&s);
		if ((rc = reopen_after_cut(&s)) != RC_OK) {
			*bad = rc == RC_DAMAGED ? "reported as damaged" : "does not open";
			break;
		}
		power_disk_cut_in(s.disk, 1000000);
		found = ask(&s, "SELECT coalesce(max(n), 0) FROM log");
		if (found < acknowledged)
			*bad = "an acknowledged row is gone";
		else if (found > acknowledged + 1 || ask(&s, CRASH_WRONG) != 0)
			*bad = "rows are wrong";
		else if (!sound(&s))
			*bad = "the structure is damaged";
		acknowledged = found;
		survived++;
	}
	/* Not sooner: it empties the WAL. */
	if (*bad == NULL && vault_db_verify(s.db, &s.err) != RC_OK)
		*bad = "does not verify";
	sim_reset(&s);
	return survived;
}

static long
cuts_wanted(long usual)
{
	const char *s = getenv("VAULT_CUTS");

	return s == NULL ? usual : strtol(s, NULL, 10);
}

/* Cuts until the first bad end, or all.  Returns the number survived. */
static long
cut_many(const struct vault_vfs_rules *rules, long cuts, const char **bad, uint64_t *seed)
{
	long survived = 0;

	*bad = NULL;
	for (*seed = 1; survived < cuts && *bad == NULL; ++*seed)
		survived += cut_one_disk(*seed, rules, 12, bad);
	--*seed;
	return survived;
}

static void
no_power_cut_loses_an_acknowledged_row(void **state)
{
	const char *bad;
	uint64_t seed;
	long survived = cut_many(&ALL_RULES, cuts_wanted(2000), &bad, &seed);

	(void)state;
	if (bad != NULL)
		fail_msg("after %ld cuts, seed %llu: %s", survived, (unsigned long long)seed, bad);
}

/* Each of these rules, switched off alone, must make some cut end badly. */
static void
cuts_end_badly_without(struct vault_vfs_rules rules)
{
	const char *bad;
	uint64_t seed;
	long survived = cut_many(&rules, cuts_wanted(6000), &bad, &seed);

	if (getenv("VAULT_TELL") != NULL)
		print_message("survived %ld, then %s\n", survived, bad == NULL ? "all" : bad);
	assert_non_null(bad);
}

static void
cuts_end_badly_when_no_checkpoint_follows_open(void **state)
{
	(void)state;
	cuts_end_badly_without((struct vault_vfs_rules){ .no_checkpoint_at_open = true });
}

static void
cuts_end_badly_when_slots_share_sectors(void **state)
{
	(void)state;
	cuts_end_badly_without((struct vault_vfs_rules){ .tight_slots = true });
}

static void
cuts_end_badly_when_a_torn_first_page_hides_the_header(void **state)
{
	(void)state;
	cuts_end_badly_without((struct vault_vfs_rules){ .no_header = true });
}

static void
cuts_end_badly_when_torn_wal_blocks_are_errors(void **state)
{
	(void)state;
	cuts_end_badly_without((struct vault_vfs_rules){ .strict_wal = true });
}

static void
cuts_end_badly_when_powersafe_overwrite_is_promised(void **state)
{
	(void)state;
	cuts_end_badly_without((struct vault_vfs_rules){ .promise_powersafe = true });
}

static void
cuts_end_badly_when_a_new_wal_is_written_over_the_old(void **state)
{
	(void)state;
	cuts_end_badly_without((struct vault_vfs_rules){ .reuse_wal = true });
}

static int
start(void **state)
{
	(void)state;
	return vault_start() == RC_OK ? 0 : -1;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(no_power_cut_loses_an_acknowledged_row),
		cmocka_unit_test(cuts_end_badly_when_no_checkpoint_follows_open),
		cmocka_unit_test(cuts_end_badly_when_slots_share_sectors),
		cmocka_unit_test(cuts_end_badly_when_a_torn_first_page_hides_the_header),
		cmocka_unit_test(cuts_end_badly_when_torn_wal_blocks_are_errors),
		cmocka_unit_test(cuts_end_badly_when_powersafe_overwrite_is_promised),
		cmocka_unit_test(cuts_end_badly_when_a_new_wal_is_written_over_the_old),
	};

	return cmocka_run_group_tests(tests, start, NULL);
}
