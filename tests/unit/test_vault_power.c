#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sqlite3.h>

#include "shared/vault/vault.h"
#include "shared/vault/vault_db.h"
#include "shared/vault/vault_vfs_rules.h"
#include "tests/support/power_disk.h"
#include "tests/support/vault_sim.h"

static const struct vault_vfs_rules ALL_RULES;

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
add_parts(struct vault_sim *s, int64_t n, unsigned rows, unsigned size)
{
	char sql[400];

	snprintf(sql, sizeof sql, "WITH RECURSIVE c(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM c"
	    " WHERE i < %u) INSERT INTO part SELECT %lld, printf('%%.*c', %u, 'x') FROM c",
	    rows, (long long)n, size);
	return vault_sim_run(s, sql);
}

/* One transaction, whose COMMIT may be cut.  true: acknowledged. */
static bool
transact(struct vault_sim *s, int64_t n)
{
	unsigned rows = 1 + vault_sim_pick(s, 3), size = 10 + vault_sim_pick(s, vault_sim_pick(s,
	    4) == 0 ? 20000 : 300);
	char sql[300];

	if (vault_sim_run(s, "BEGIN IMMEDIATE") != SQLITE_OK)
		return false;
	if (vault_sim_pick(s, 4) == 0) {
		/* much that is rolled back again, larger than the page cache */
		if (vault_sim_run(s, "SAVEPOINT a") != SQLITE_OK || add_parts(s, n, 20,
		    2000) != SQLITE_OK ||
		    vault_sim_run(s, "ROLLBACK TO a; RELEASE a") != SQLITE_OK)
			return false;
	}
	if (vault_sim_pick(s, 5) == 0) {
		snprintf(sql, sizeof sql, "DELETE FROM part WHERE n = %lld;"
		    "UPDATE log SET rows = 0, bytes = 0 WHERE n = %lld", (long long)(n / 2),
		    (long long)(n / 2));
		if (vault_sim_run(s, sql) != SQLITE_OK)
			return false;
	}
	snprintf(sql, sizeof sql, "INSERT INTO log VALUES (%lld, %u, %u)", (long long)n, rows,
	    rows * size);
	if (vault_sim_run(s, sql) != SQLITE_OK || add_parts(s, n, rows, size) != SQLITE_OK)
		return false;
	if (vault_sim_pick(s, 10) == 0)
		return vault_sim_run(s, "ROLLBACK") == SQLITE_OK && transact(s, n);
	return vault_sim_run(s, "COMMIT") == SQLITE_OK;
}

/* Open after a cut, perhaps with further cuts on the way. */
static enum rc
reopen_after_cut(struct vault_sim *s)
{
	enum rc rc = RC_OK;

	for (int i = 0; i < 3; i++) {
		power_disk_restart(s->disk);
		if (i < 2 && vault_sim_pick(s, 3) == 0)
			power_disk_cut_in(s->disk, 1 + (long)vault_sim_pick(s, 12));
		rc = vault_sim_open(s, false);
		if (!power_disk_is_off(s->disk))
			return rc;
		vault_sim_close(s);
	}
	return rc;
}

/* Several cuts on one disk.  Returns how many were survived; *bad says what went wrong. */
static int
cut_one_disk(uint64_t seed, const struct vault_vfs_rules *rules, int cuts, const char **bad)
{
	struct vault_sim s;
	int64_t acknowledged = 0, found;
	int survived = 0;
	enum rc rc;

	*bad = NULL;
	vault_sim_init(&s, seed, rules);
	assert_int_equal(vault_sim_open(&s, true), RC_OK);
	assert_int_equal(vault_sim_run(&s, CRASH_SCHEMA), SQLITE_OK);
	while (survived < cuts && *bad == NULL) {
		vault_sim_run(&s, "PRAGMA cache_size = 10; PRAGMA wal_autocheckpoint = 30");
		power_disk_cut_in(s.disk, 1 + (long)vault_sim_pick(&s, 150));
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
		vault_sim_close(&s);
		if ((rc = reopen_after_cut(&s)) != RC_OK) {
			*bad = rc == RC_DAMAGED ? "reported as damaged" : "does not open";
			break;
		}
		power_disk_cut_in(s.disk, 1000000);
		found = vault_sim_ask(&s, "SELECT coalesce(max(n), 0) FROM log");
		if (found < acknowledged)
			*bad = "an acknowledged row is gone";
		else if (found > acknowledged + 1 || vault_sim_ask(&s, CRASH_WRONG) != 0)
			*bad = "rows are wrong";
		else if (!vault_sim_sound(&s))
			*bad = "the structure is damaged";
		acknowledged = found;
		survived++;
	}
	/* Not sooner: it empties the WAL. */
	if (*bad == NULL && vault_db_verify(s.db, &s.err) != RC_OK)
		*bad = "does not verify";
	vault_sim_reset(&s);
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
