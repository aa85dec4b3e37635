/*
 * Plain tables: small and large transactions that spill the cache, savepoints and rollbacks,
 * checkpoints, VACUUM, syncs that fail.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sqlite3.h>

#include "shared/vault/vault_internal.h"
#include "tests/crash/crash_story.h"

enum { STEPS = 30, FAILING_LIVES = 4, NOT_KNOWN = -1 };

/*
 * Transaction n writes its number, and how many rows of how many bytes of n there
 * are; so each state can be judged by itself.
 */
static const char SCHEMA[] = "-- version 1\n"
    "CREATE TABLE log (n INTEGER PRIMARY KEY, rows INTEGER, bytes INTEGER);"
    "CREATE TABLE part (n INTEGER, v TEXT); CREATE INDEX part_n ON part(n);";

static const char WRONG[] =
    "SELECT count(*) FROM log WHERE rows <> (SELECT count(*) FROM part WHERE part.n = log.n)"
    " OR bytes <> (SELECT total(length(v)) FROM part WHERE part.n = log.n)"
    " OR n > (SELECT count(*) FROM log)";

static int
run(struct vault *v, const char *sql)
{
	return sqlite3_exec(vault_db(v), sql, NULL, NULL, NULL);
}

static int64_t
ask(struct vault *v, const char *sql)
{
	sqlite3_stmt *stmt = NULL;
	int64_t n = NOT_KNOWN - 1;

	if (sqlite3_prepare_v2(vault_db(v), sql, -1, &stmt, NULL) == SQLITE_OK &&
	    sqlite3_step(stmt) == SQLITE_ROW)
		n = sqlite3_column_int64(stmt, 0);
	sqlite3_finalize(stmt);
	return n;
}

static struct vault_bench
bench_of(struct crash_story *s)
{
	return (struct vault_bench){ crash_calls_vfs(), &s->rules };
}

static int
add_parts(struct vault *v, int64_t n, unsigned rows, unsigned size)
{
	char sql[400];

	snprintf(sql, sizeof sql, "WITH RECURSIVE c(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM c"
	    " WHERE i < %u) INSERT INTO part SELECT %lld, printf('%%.*c', %u, 'x') FROM c",
	    rows, (long long)n, size);
	return run(v, sql);
}

static int
work_in_transaction(struct crash_story *s, int64_t n)
{
	unsigned rows = 1 + crash_story_pick(s, 3);
	unsigned size = 10 + crash_story_pick(s, crash_story_pick(s, 8) == 0 ? 20000 : 300);
	char sql[300];
	int rc = SQLITE_OK;

	/* much that is rolled back again, larger than the page cache */
	if (crash_story_pick(s, 8) == 0 && ((rc = run(s->vault, "SAVEPOINT a")) != SQLITE_OK ||
	    (rc = add_parts(s->vault, n, 20, 2000)) != SQLITE_OK ||
	    (rc = run(s->vault, "ROLLBACK TO a; RELEASE a")) != SQLITE_OK))
		return rc;
	if (crash_story_pick(s, 4) == 0) {
		snprintf(sql, sizeof sql, "DELETE FROM part WHERE n = %lld;"
		    "UPDATE log SET rows = 0, bytes = 0 WHERE n = %lld", (long long)(n / 2),
		    (long long)(n / 2));
		if ((rc = run(s->vault, sql)) != SQLITE_OK)
			return rc;
	}
	snprintf(sql, sizeof sql, "INSERT INTO log VALUES (%lld, %u, %u)", (long long)n, rows,
	    rows * size);
	if ((rc = run(s->vault, sql)) == SQLITE_OK)
		rc = add_parts(s->vault, n, rows, size);
	return rc;
}

/* One transaction, committed or rolled back. */
static int
transact(struct crash_story *s)
{
	int64_t n = s->marks[s->n_marks - 1].n + 1;
	bool back = crash_story_pick(s, 10) == 0;
	int rc;

	if ((rc = run(s->vault, "BEGIN IMMEDIATE")) == SQLITE_OK &&
	    (rc = work_in_transaction(s, n)) == SQLITE_OK)
		rc = run(s->vault, back ? "ROLLBACK" : "COMMIT");
	if (rc == SQLITE_OK && !back)
		crash_story_mark_pages(s)->n = n;
	if (rc != SQLITE_OK && sqlite3_get_autocommit(vault_db(s->vault)) == 0)
		run(s->vault, "ROLLBACK");
	return rc;
}

static int
step(struct crash_story *s)
{
	int rc;

	switch (crash_story_pick(s, 24)) {
	case 0:
		return run(s->vault, "PRAGMA wal_checkpoint(TRUNCATE)");
	case 1:
		return run(s->vault, "PRAGMA wal_checkpoint(PASSIVE)");
	case 2:
		rc = run(s->vault, "VACUUM");
		if (rc == SQLITE_OK)
			crash_story_mark_pages(s);
		return rc;
	default:
		return transact(s);
	}
}

static bool
tables_make(struct crash_story *s, char why[CRASH_WHY_MAX])
{
	enum rc rc = vault_create_on(CRASH_FOLDER, s->master, bench_of(s), &s->vault, NULL);

	if (rc == RC_OK)
		rc = vault_migrate(s->vault, SCHEMA, NULL);
	if (rc != RC_OK)
		return crash_story_fail(why, "cannot be made", (int)rc);
	crash_story_mark_pages(s);
	return true;
}

static bool
tables_open(struct crash_story *s, size_t k, struct vault **out, char why[CRASH_WHY_MAX])
{
	struct error err = { 0 };
	enum rc rc = vault_open_on(CRASH_FOLDER, s->master, bench_of(s), out, &err);

	(void)k;
	if (rc != RC_OK)
		snprintf(why, CRASH_WHY_MAX, "does not open: %s: %s", rc_name(rc), err.what);
	return rc == RC_OK;
}

static bool
tables_live(struct crash_story *s, char why[CRASH_WHY_MAX])
{
	bool failing = crash_story_pick(s, FAILING_LIVES) == 0;
	char sql[100];
	int rc;

	if (!tables_open(s, 0, &s->vault, why) || !crash_story_begin(s, why))
		return false;
	snprintf(sql, sizeof sql, "PRAGMA cache_size = 10; PRAGMA wal_autocheckpoint = %u",
	    4 + crash_story_pick(s, 30));
	run(s->vault, sql);
	for (int i = 0; i < STEPS; i++) {
		if (failing && crash_story_pick(s, 6) == 0)
			crash_disk_fail_sync_in(s->disk, 1 + (long)crash_story_pick(s, 4));
		if ((rc = step(s)) == SQLITE_OK)
			continue;
		if (!failing)
			return crash_story_fail(why, "a transaction failed without a cut", rc);
		s->marks[s->n_marks - 1].loose = true;
	}
	if (crash_story_pick(s, 2) == 0) {
		vault_close(s->vault);
		s->vault = NULL;
	}
	return true;
}

static bool
tables_look(struct crash_story *s, struct vault *v, const struct crash_mark *m,
    char why[CRASH_WHY_MAX])
{
	struct error err = { 0 };
	int64_t n = ask(v, "SELECT coalesce(max(n), 0) FROM log");
	bool counted = n == m->n;

	(void)s;
	if (m->n == NOT_KNOWN)
		counted = n >= 0;
	if (vault_verify(v, &err) != RC_OK)
		snprintf(why, CRASH_WHY_MAX, "does not verify: %s", err.what);
	else if (!counted || ask(v, WRONG) != 0)
		snprintf(why, CRASH_WHY_MAX, "rows are wrong: %lld of %lld", (long long)n,
		    (long long)m->n);
	else
		return true;
	return false;
}

const struct crash_work CRASH_TABLES = {
	.name = "tables",
	.make = tables_make,
	.live = tables_live,
	.open = tables_open,
	.look = tables_look,
	.fates = 6,
	.damage = true,
};
