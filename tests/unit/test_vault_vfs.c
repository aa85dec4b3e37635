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
	assert_true(vault_db_close(s->db));
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

/* --- single rules ------------------------------------------------------ */

/* A closed database of some pages, one of its tables holding the numbers 1..n. */
static void
filled(struct sim *s, const struct vault_vfs_rules *rules, int n)
{
	char sql[300];

	sim_init(s, 7, rules);
	assert_int_equal(sim_open(s, true), RC_OK);
	assert_int_equal(run(s, "CREATE TABLE t (id INTEGER PRIMARY KEY, v TEXT)"), SQLITE_OK);
	snprintf(sql, sizeof sql, "WITH RECURSIVE c(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM c"
	    " WHERE i < %d) INSERT INTO t SELECT i, printf('%%.*c', 500, 'y') FROM c", n);
	assert_int_equal(run(s, sql), SQLITE_OK);
	sim_close(s);
}

static sqlite3_file *
database_file(struct sim *s)
{
	sqlite3_file *file = NULL;

	assert_int_equal(sqlite3_file_control(s->db, "main", SQLITE_FCNTL_FILE_POINTER, &file),
	    SQLITE_OK);
	return file;
}

static void
every_spoilt_byte_of_a_page_is_noticed(void **state)
{
	struct sim s;

	(void)state;
	filled(&s, &ALL_RULES, 50);
	for (int64_t at = 3 * 4096; at < 4 * 4096; at += 61) {
		power_disk_spoil(s.disk, "vault.db", at, 1);
		assert_int_equal(sim_open(&s, false), RC_OK);
		assert_int_equal(vault_db_verify(s.db, &s.err), RC_DAMAGED);
		assert_non_null(strstr(s.err.what, "page 4"));
		sim_close(&s);
		power_disk_spoil(s.disk, "vault.db", at, 1);
	}
	assert_int_equal(sim_open(&s, false), RC_OK);
	assert_int_equal(vault_db_verify(s.db, &s.err), RC_OK);
	sim_reset(&s);
}

static int
read_all_with(struct vault_vfs_rules rules)
{
	struct sim s;
	int rc;

	filled(&s, &rules, 50);
	power_disk_spoil(s.disk, "vault.db", 3 * 4096 + 100, 1);
	assert_int_equal(sim_open(&s, false), RC_OK);
	rc = run(&s, "SELECT sum(length(v)) FROM t");
	if (rc != SQLITE_OK)
		rc = sqlite3_extended_errcode(s.db);
	sim_reset(&s);
	return rc;
}

static void
a_spoilt_page_is_a_data_error_and_never_contents(void **state)
{
	(void)state;
	assert_int_equal(read_all_with(ALL_RULES), SQLITE_IOERR_DATA);
	assert_int_not_equal(read_all_with((struct vault_vfs_rules){ .trust_pages = true }),
	    SQLITE_IOERR_DATA);
}

static void
pages_that_changed_places_are_refused(void **state)
{
	struct sim s;
	const uint8_t *p;
	int64_t len;

	(void)state;
	filled(&s, &ALL_RULES, 50);
	p = power_disk_bytes(s.disk, "vault.db", &len);
	for (int64_t i = 0; i < 4096; i++) {
		uint8_t differ = p[3 * 4096 + i] ^ p[4 * 4096 + i];

		power_disk_spoil(s.disk, "vault.db", 3 * 4096 + i, differ);
		power_disk_spoil(s.disk, "vault.db", 4 * 4096 + i, differ);
	}
	assert_int_equal(sim_open(&s, false), RC_OK);
	assert_int_equal(vault_db_verify(s.db, &s.err), RC_DAMAGED);
	sim_reset(&s);
}

/* The same disk, with another id or other rules. */
static void
change_vfs(struct sim *s, const struct vault_vfs_rules *rules)
{
	vault_vfs_free(s->vfs);
	assert_int_equal(vault_vfs_new(s->key, s->id, "/sim/vault.db", power_disk_vfs(s->disk),
	    rules, &s->vfs), RC_OK);
}

static void
the_database_of_another_vault_does_not_open(void **state)
{
	struct sim s;

	(void)state;
	filled(&s, &ALL_RULES, 50);
	s.id[0] ^= 1;
	change_vfs(&s, &ALL_RULES);
	assert_int_equal(sim_open(&s, false), RC_DAMAGED);
	sim_reset(&s);
}

/* Ten transactions in a WAL, and perhaps one more, then the power goes. */
static void
filled_wal_with(struct sim *s, const struct vault_vfs_rules *rules, const char *last)
{
	char sql[100];

	filled(s, rules, 5);
	assert_int_equal(sim_open(s, false), RC_OK);
	for (int i = 0; i < 10; i++) {
		snprintf(sql, sizeof sql, "INSERT INTO t VALUES (%d, 'wal')", 100 + i);
		assert_int_equal(run(s, sql), SQLITE_OK);
	}
	assert_int_equal(run(s, last), SQLITE_OK);
	power_disk_cut_in(s->disk, 1);
	sim_close(s);
	power_disk_restart(s->disk);
}

static void
filled_wal(struct sim *s, const struct vault_vfs_rules *rules)
{
	filled_wal_with(s, rules, "");
}

/* Opens with one bit of one WAL slot flipped.  *rows: of the ten. */
static enum rc
open_with_bad_slot(int slot_from_end, const struct vault_vfs_rules *rules, int64_t *rows)
{
	struct sim s;
	int64_t len, after;
	const uint8_t *p;
	uint8_t *before;
	enum rc rc;

	filled_wal(&s, rules);
	power_disk_bytes(s.disk, "vault.db-wal", &len);
	power_disk_spoil(s.disk, "vault.db-wal", (len / BLOCK_SLOT - slot_from_end) * BLOCK_SLOT + 9,
	    16);
	p = power_disk_bytes(s.disk, "vault.db-wal", &len);
	before = malloc((size_t)len);
	assert_non_null(before);
	memcpy(before, p, (size_t)len);
	rc = sim_open(&s, false);
	*rows = rc == RC_OK ? ask(&s, "SELECT count(*) FROM t WHERE id >= 100") : -1;
	if (rc == RC_DAMAGED) {
		p = power_disk_bytes(s.disk, "vault.db-wal", &after);
		assert_int_equal(after, len);
		assert_memory_equal(p, before, (size_t)len);
	}
	free(before);
	sim_reset(&s);
	return rc;
}

static void
a_wal_damaged_in_the_middle_is_noticed_and_kept(void **state)
{
	const struct vault_vfs_rules blind = { .no_damage_check = true };
	int64_t rows;

	(void)state;
	/* all but the last transaction; 21 is the block with the header of the log */
	for (int back = 5; back <= 21; back++) {
		assert_int_equal(open_with_bad_slot(back, &ALL_RULES, &rows), RC_DAMAGED);
		assert_int_equal(open_with_bad_slot(back, &blind, &rows), RC_OK);
		assert_true(rows < 9);
	}
}

static void
an_unfinished_last_transaction_is_no_damage(void **state)
{
	int64_t rows, len;
	struct sim s;

	(void)state;
	assert_int_equal(open_with_bad_slot(1, &ALL_RULES, &rows), RC_OK);
	assert_true(rows >= 9);
	/* a longer one, of which everything but its first and last block arrived */
	filled_wal_with(&s, &ALL_RULES, "INSERT INTO t SELECT id + 1000, printf('%.*c', 9000, 'l') FROM t");
	power_disk_bytes(s.disk, "vault.db-wal", &len);
	power_disk_spoil(s.disk, "vault.db-wal", 23 * BLOCK_SLOT + 9, 1);
	power_disk_spoil(s.disk, "vault.db-wal", len - BLOCK_SLOT + 9, 1);
	assert_true(len > 30 * BLOCK_SLOT);
	assert_int_equal(sim_open(&s, false), RC_OK);
	assert_int_equal(ask(&s, "SELECT count(*) FROM t WHERE id >= 100"), 10);
	sim_reset(&s);
}

/* Commits that failed leave whole transactions lying behind the end of the log. */
static void
what_failed_commits_left_behind_is_no_damage(void **state)
{
	struct sim s;

	(void)state;
	filled(&s, &ALL_RULES, 5);
	assert_int_equal(sim_open(&s, false), RC_OK);
	assert_int_equal(run(&s, "INSERT INTO t VALUES (100, 'a')"), SQLITE_OK);
	for (int size = 90000; size >= 50000; size -= 40000) {
		char sql[100];

		snprintf(sql, sizeof sql, "INSERT INTO t VALUES (200, printf('%%.*c', %d, '%c'))", size,
		    size == 90000 ? 'f' : 'g');
		power_disk_fail(s.disk, POWER_DISK_SYNC, "-wal", 1, SQLITE_IOERR_FSYNC);
		assert_int_not_equal(run(&s, sql), SQLITE_OK);
	}
	assert_int_equal(run(&s, "INSERT INTO t VALUES (101, 'b')"), SQLITE_OK);
	power_disk_cut_in(s.disk, 1);
	sim_close(&s);
	power_disk_restart(s.disk);
	assert_int_equal(sim_open(&s, false), RC_OK);
	assert_int_equal(ask(&s, "SELECT count(*) FROM t WHERE id >= 100"), 2);
	sim_reset(&s);
}

static void
every_spoilt_byte_of_a_wal_slot_is_noticed(void **state)
{
	struct sim s;

	(void)state;
	filled_wal(&s, &ALL_RULES);
	for (int64_t at = 4 * BLOCK_SLOT; at < 4 * BLOCK_SLOT + BLOCK_SLOT_TEXT + BLOCK_OVERHEAD;
	    at += 53) {
		power_disk_spoil(s.disk, "vault.db-wal", at, 128);
		assert_int_equal(sim_open(&s, false), RC_DAMAGED);
		power_disk_spoil(s.disk, "vault.db-wal", at, 128);
	}
	assert_int_equal(sim_open(&s, false), RC_OK);
	assert_int_equal(ask(&s, "SELECT count(*) FROM t WHERE id >= 100"), 10);
	sim_reset(&s);
}

/* Whatever lies in the last 40 bytes of a page on the disk, SQLite sees zeroes. */
static bool
reserved_bytes_are_zero(struct vault_vfs_rules rules)
{
	static const uint8_t zero[BLOCK_OVERHEAD];
	uint8_t page[BLOCK_SIZE];
	sqlite3_file *file;
	struct sim s;
	bool same;

	filled(&s, &rules, 5);
	assert_int_equal(sim_open(&s, false), RC_OK);
	file = database_file(&s);
	assert_int_equal(file->pMethods->xRead(file, page, sizeof page, 4096), SQLITE_OK);
	same = memcmp(page + BLOCK_PAGE_TEXT, zero, sizeof zero) == 0;
	sim_reset(&s);
	return same;
}

static void
reserved_bytes_read_as_zeroes(void **state)
{
	(void)state;
	assert_true(reserved_bytes_are_zero(ALL_RULES));
	assert_false(reserved_bytes_are_zero((struct vault_vfs_rules){ .keep_reserved = true }));
}

static bool
buffer_survives_a_write(struct vault_vfs_rules rules)
{
	uint8_t page[BLOCK_SIZE], before[BLOCK_SIZE];
	sqlite3_file *file;
	struct sim s;

	filled(&s, &ALL_RULES, 5);
	change_vfs(&s, &rules);
	assert_int_equal(sim_open(&s, false), RC_OK);
	file = database_file(&s);
	memset(page, 'p', sizeof page);
	memcpy(before, page, sizeof page);
	assert_int_equal(file->pMethods->xWrite(file, page, sizeof page, 20 * 4096), SQLITE_OK);
	sim_reset(&s);
	return memcmp(page, before, sizeof page) == 0;
}

static void
never_encrypts_in_the_buffer_of_sqlite(void **state)
{
	(void)state;
	assert_true(buffer_survives_a_write(ALL_RULES));
	assert_false(buffer_survives_a_write((struct vault_vfs_rules){ .seal_in_place = true }));
}

/* The same page twice: other bytes on the disk. */
static void
every_write_takes_a_new_nonce(void **state)
{
	uint8_t page[BLOCK_SIZE] = { 0 }, first[BLOCK_SIZE];
	const uint8_t *p;
	sqlite3_file *file;
	int64_t len;
	struct sim s;

	(void)state;
	filled(&s, &ALL_RULES, 5);
	assert_int_equal(sim_open(&s, false), RC_OK);
	file = database_file(&s);
	assert_int_equal(file->pMethods->xWrite(file, page, sizeof page, 8 * 4096), SQLITE_OK);
	p = power_disk_bytes(s.disk, "vault.db", &len);
	memcpy(first, p + 8 * 4096, sizeof first);
	assert_int_equal(file->pMethods->xWrite(file, page, sizeof page, 8 * 4096), SQLITE_OK);
	p = power_disk_bytes(s.disk, "vault.db", &len);
	for (int i = 0; i < 4096; i += 24)
		assert_memory_not_equal(first + i, p + 8 * 4096 + i, 16);
	sim_reset(&s);
}

static void
promises_nothing_that_the_disk_promises(void **state)
{
	sqlite3_file *file;
	struct sim s;

	(void)state;
	filled(&s, &ALL_RULES, 5);
	power_disk_promise(s.disk, 512, SQLITE_IOCAP_POWERSAFE_OVERWRITE | SQLITE_IOCAP_ATOMIC |
	    SQLITE_IOCAP_ATOMIC4K | SQLITE_IOCAP_SAFE_APPEND | SQLITE_IOCAP_SEQUENTIAL |
	    SQLITE_IOCAP_BATCH_ATOMIC | SQLITE_IOCAP_UNDELETABLE_WHEN_OPEN);
	assert_int_equal(sim_open(&s, false), RC_OK);
	file = database_file(&s);
	assert_int_equal(file->pMethods->xSectorSize(file), 4096);
	assert_int_equal(file->pMethods->xDeviceCharacteristics(file),
	    SQLITE_IOCAP_UNDELETABLE_WHEN_OPEN);
	/* version 1: no shared memory, no memory map */
	assert_int_equal(file->pMethods->iVersion, 1);
	assert_int_equal(run(&s, "PRAGMA mmap_size = 1000000"), SQLITE_OK);
	assert_int_equal(ask(&s, "SELECT count(*) FROM t"), 5);
	sim_reset(&s);
}

static void
the_connection_has_the_settings_of_the_plan(void **state)
{
	char text[40];
	int64_t len;
	struct sim s;

	(void)state;
	filled(&s, &ALL_RULES, 5);
	assert_int_equal(sim_open(&s, false), RC_OK);
	assert_int_equal(run(&s, "INSERT INTO t VALUES (99, 'x')"), SQLITE_OK);
	ask_text(&s, "PRAGMA journal_mode", text, sizeof text);
	assert_string_equal(text, "wal");
	ask_text(&s, "PRAGMA locking_mode", text, sizeof text);
	assert_string_equal(text, "exclusive");
	assert_int_equal(ask(&s, "PRAGMA synchronous"), 2);
	assert_int_equal(ask(&s, "PRAGMA temp_store"), 2);
	assert_int_equal(ask(&s, "PRAGMA secure_delete"), 1);
	assert_int_equal(ask(&s, "PRAGMA trusted_schema"), 0);
	assert_int_equal(ask(&s, "PRAGMA page_size"), 4096);
	assert_null(power_disk_bytes(s.disk, "-shm", &len));
	assert_int_not_equal(run(&s, "PRAGMA page_size = 8192"), SQLITE_OK);
	assert_int_not_equal(run(&s, "PRAGMA writable_schema = ON; DELETE FROM sqlite_schema"),
	    SQLITE_OK);
	sim_reset(&s);
}

static void
no_other_file_can_be_opened_beside_the_vault(void **state)
{
	int64_t len;
	struct sim s;

	(void)state;
	filled(&s, &ALL_RULES, 5);
	assert_int_equal(sim_open(&s, false), RC_OK);
	assert_int_not_equal(run(&s, "ATTACH '/sim/other.db' AS o; CREATE TABLE o.x(y)"), SQLITE_OK);
	assert_int_not_equal(run(&s, "ATTACH 'file:/tmp/other.db?vfs=unix' AS o;"
	    "CREATE TABLE o.x(y)"), SQLITE_OK);
	assert_int_not_equal(run(&s, "VACUUM INTO '/sim/copy.db'"), SQLITE_OK);
	assert_int_not_equal(run(&s, "VACUUM INTO 'file:/tmp/copy.db?vfs=unix'"), SQLITE_OK);
	assert_null(power_disk_bytes(s.disk, "other.db", &len));
	assert_null(power_disk_bytes(s.disk, "copy.db", &len));
	assert_int_equal(run(&s, "VACUUM"), SQLITE_OK);
	assert_int_equal(ask(&s, "SELECT count(*) FROM t"), 5);
	sim_reset(&s);
}

/* --- clear text -------------------------------------------------------- */

#define MARKER "Nguyen-Thi-Dau-Vet"

static void
work_with_marker(struct sim *s, bool temporary_files)
{
	assert_int_equal(run(s, temporary_files ? "PRAGMA temp_store = FILE" :
	    "PRAGMA temp_store = MEMORY"), SQLITE_OK);
	assert_int_equal(run(s, "PRAGMA cache_size = 10;"
	    "CREATE TABLE person (id INTEGER PRIMARY KEY, name TEXT, note TEXT);"
	    "CREATE INDEX by_name ON person(name);"
	    "CREATE VIRTUAL TABLE words USING fts5(body);"
	    "WITH RECURSIVE c(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM c WHERE i < 3000)"
	    " INSERT INTO person SELECT i, '" MARKER "' || i, '" MARKER " ' || hex(randomblob(99))"
	    " FROM c;"
	    "INSERT INTO words SELECT note FROM person"), SQLITE_OK);
	assert_int_equal(run(s, "BEGIN; SAVEPOINT a; UPDATE person SET note = name || '" MARKER "';"
	    "SAVEPOINT b; DELETE FROM person WHERE id % 3 = 0; ROLLBACK TO b; ROLLBACK TO a;"
	    "UPDATE person SET note = upper(note) WHERE id < 500; COMMIT;"
	    "BEGIN; DELETE FROM person; ROLLBACK"), SQLITE_OK);
	assert_int_equal(run(s, "CREATE TEMP TABLE sorted AS SELECT note, name FROM person"
	    " ORDER BY note DESC; CREATE INDEX temp.si ON sorted(note);"
	    "SELECT count(DISTINCT note || name) FROM person; VACUUM;"
	    "PRAGMA wal_checkpoint(TRUNCATE); DELETE FROM person WHERE id > 100; VACUUM"), SQLITE_OK);
	assert_int_equal(ask(s, "SELECT count(*) FROM words WHERE words MATCH '\"nguyen thi dau\"'"),
	    3000);
}

static void
a_marker_appears_in_no_file(void **state)
{
	struct sim s;

	(void)state;
	for (int files = 0; files < 2; files++) {
		sim_init(&s, 3, &ALL_RULES);
		assert_int_equal(sim_open(&s, true), RC_OK);
		work_with_marker(&s, files == 1);
		assert_true(files == 1 ? power_disk_temporaries(s.disk) > 0 :
		    power_disk_temporaries(s.disk) == 0);
		assert_false(power_disk_holds(s.disk, MARKER, strlen(MARKER)));
		assert_false(power_disk_holds(s.disk, "NGUYEN-THI", 10));
		assert_false(power_disk_holds(s.disk, "CREATE TABLE", 12));
		assert_false(power_disk_holds(s.disk, "SQLite format", 13));
		sim_close(&s);
		assert_int_equal(sim_open(&s, false), RC_OK);
		assert_int_equal(vault_db_verify(s.db, &s.err), RC_OK);
		assert_int_equal(ask(&s, "SELECT count(*) FROM person"), 100);
		sim_close(&s);
		assert_false(power_disk_holds(s.disk, MARKER, strlen(MARKER)));
		sim_reset(&s);
	}
}

static void
a_rollback_journal_is_sealed_too(void **state)
{
	struct sim s;
	int64_t len;

	(void)state;
	filled(&s, &ALL_RULES, 50);
	assert_int_equal(sim_open(&s, false), RC_OK);
	assert_int_equal(run(&s, "PRAGMA wal_checkpoint(TRUNCATE); PRAGMA journal_mode = TRUNCATE; PRAGMA synchronous = EXTRA;"
	    "PRAGMA cache_size = 5; INSERT INTO t VALUES (900, '" MARKER "')"), SQLITE_OK);
	assert_int_equal(run(&s, "BEGIN; UPDATE t SET v = v || '" MARKER "'"), SQLITE_OK);
	assert_non_null(power_disk_bytes(s.disk, "-journal", &len));
	assert_true(len > 0);
	assert_false(power_disk_holds(s.disk, MARKER, strlen(MARKER)));
	assert_false(power_disk_holds(s.disk, "yyyyyyyy", 8));
	/* a hot journal: the next open rolls back */
	power_disk_cut_in(s.disk, 1);
	sim_close(&s);
	power_disk_restart(s.disk);
	assert_int_equal(sim_open(&s, false), RC_OK);
	assert_int_equal(ask(&s, "SELECT count(*) FROM t WHERE length(v) > 500"), 0);
	assert_int_equal(ask(&s, "SELECT count(*) FROM t"), 51);
	sim_reset(&s);
}

/* --- errors of the layer below ------------------------------------------ */

static void
a_full_disk_is_told_and_loses_nothing_saved(void **state)
{
	struct sim s;
	int saved = 0, rc = SQLITE_OK;
	char sql[200];

	(void)state;
	for (int room = 0; room < 60; room++) {
		filled(&s, &ALL_RULES, 5);
		assert_int_equal(sim_open(&s, false), RC_OK);
		power_disk_limit(s.disk, power_disk_used(s.disk) + room * 4096);
		for (saved = 0; saved < 100; saved++) {
			snprintf(sql, sizeof sql, "INSERT INTO t VALUES (%d, printf('%%.*c', 3000, 'z'))",
			    1000 + saved);
			if ((rc = run(&s, sql)) != SQLITE_OK)
				break;
		}
		assert_int_equal(vault_db_rc(s.db, sqlite3_extended_errcode(s.db), "save", &s.err), RC_FULL);
		/* the same connection still reads, and goes on once there is room */
		assert_int_equal(ask(&s, "SELECT count(*) FROM t WHERE id >= 1000"), saved);
		power_disk_limit(s.disk, 0);
		assert_int_equal(run(&s, sql), SQLITE_OK);
		power_disk_cut_in(s.disk, 1);
		sim_close(&s);
		power_disk_restart(s.disk);
		assert_int_equal(sim_open(&s, false), RC_OK);
		assert_int_equal(ask(&s, "SELECT count(*) FROM t WHERE id >= 1000"), saved + 1);
		assert_true(sound(&s));
		sim_reset(&s);
	}
}

/* Fails the nth call of one kind on one file; false once no call is the nth any more. */
static bool
work_with_failure(enum power_disk_call call, const char *ending, int code, long n,
    struct vault_vfs_rules rules, bool *silent)
{
	struct sim s;
	int64_t acknowledged = 0;
	bool opened, told = false, fired;

	filled(&s, &rules, 5);
	power_disk_fail(s.disk, call, ending, n, code);
	opened = sim_open(&s, false) == RC_OK;
	told = !opened;
	if (opened) {
		run(&s, "PRAGMA cache_size = 10; PRAGMA wal_autocheckpoint = 0");
		for (int i = 0; i < 6; i++) {
			char sql[120];

			snprintf(sql, sizeof sql, "INSERT INTO t VALUES (%d, printf('%%.*c', 9000, 'z'))",
			    1000 + (int)acknowledged);
			if (run(&s, sql) == SQLITE_OK)
				acknowledged++;
			else
				told = true;
		}
		if (run(&s, "PRAGMA wal_checkpoint(TRUNCATE)") != SQLITE_OK)
			told = true;
		if (ask(&s, "SELECT sum(length(v)) FROM t") < 0)
			told = true;
	}
	/* still waiting: it never came to the nth call */
	fired = power_disk_failed(s.disk, call);
	power_disk_fail(s.disk, call, ending, 0, 0);
	power_disk_cut_in(s.disk, 1);
	sim_close(&s);
	power_disk_restart(s.disk);
	*silent = fired && !told;
	if (sim_open(&s, false) != RC_OK ||
	    ask(&s, "SELECT count(*) FROM t WHERE id >= 1000") < acknowledged || !sound(&s))
		*silent = true;
	sim_reset(&s);
	return fired;
}

static long
silent_failures(enum power_disk_call call, const char *ending, int code,
    struct vault_vfs_rules rules)
{
	long silent_ones = 0;
	bool silent;

	for (long n = 1; work_with_failure(call, ending, code, n, rules, &silent); n++)
		silent_ones += silent;
	return silent_ones;
}

static void
every_error_of_the_disk_is_passed_on(void **state)
{
	const struct vault_vfs_rules hide = { .hide_errors = true };

	(void)state;
	assert_int_equal(silent_failures(POWER_DISK_READ, "vault.db", SQLITE_IOERR_READ, ALL_RULES), 0);
	assert_int_equal(silent_failures(POWER_DISK_WRITE, "-wal", SQLITE_IOERR_WRITE, ALL_RULES), 0);
	assert_int_equal(silent_failures(POWER_DISK_WRITE, "vault.db", SQLITE_FULL, ALL_RULES), 0);
	assert_int_equal(silent_failures(POWER_DISK_SYNC, "-wal", SQLITE_IOERR_FSYNC, ALL_RULES), 0);
	assert_int_equal(silent_failures(POWER_DISK_SYNC, "vault.db", SQLITE_IOERR_FSYNC, ALL_RULES), 0);
	assert_true(silent_failures(POWER_DISK_SYNC, "-wal", SQLITE_IOERR_FSYNC, hide) > 0);
}

static void
half_a_page_at_the_end_is_damage(void **state)
{
	uint8_t page[BLOCK_SIZE];
	sqlite3_file *file;
	int64_t len;
	struct sim s;

	(void)state;
	filled(&s, &ALL_RULES, 50);
	assert_int_equal(sim_open(&s, false), RC_OK);
	file = database_file(&s);
	power_disk_bytes(s.disk, "vault.db", &len);
	assert_int_equal(file->pMethods->xTruncate(file, len - 100), SQLITE_OK);
	assert_int_equal(file->pMethods->xRead(file, page, BLOCK_SIZE, len - BLOCK_SIZE),
	    SQLITE_IOERR_DATA);
	assert_int_equal(file->pMethods->xRead(file, page, BLOCK_SIZE, len), SQLITE_IOERR_SHORT_READ);
	assert_int_equal(vault_db_verify(s.db, &s.err), RC_DAMAGED);
	sim_reset(&s);
}

static void
a_missing_or_empty_database_is_damage(void **state)
{
	struct sim s;

	(void)state;
	sim_init(&s, 1, &ALL_RULES);
	assert_int_equal(sim_open(&s, false), RC_DAMAGED);
	assert_int_equal(power_disk_operations(s.disk), 0);
	sim_reset(&s);
	filled(&s, &ALL_RULES, 5);
	assert_int_equal(sim_open(&s, true), RC_EXISTS);
	sim_reset(&s);
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
		cmocka_unit_test(every_spoilt_byte_of_a_page_is_noticed),
		cmocka_unit_test(a_spoilt_page_is_a_data_error_and_never_contents),
		cmocka_unit_test(pages_that_changed_places_are_refused),
		cmocka_unit_test(the_database_of_another_vault_does_not_open),
		cmocka_unit_test(a_wal_damaged_in_the_middle_is_noticed_and_kept),
		cmocka_unit_test(an_unfinished_last_transaction_is_no_damage),
		cmocka_unit_test(what_failed_commits_left_behind_is_no_damage),
		cmocka_unit_test(every_spoilt_byte_of_a_wal_slot_is_noticed),
		cmocka_unit_test(reserved_bytes_read_as_zeroes),
		cmocka_unit_test(never_encrypts_in_the_buffer_of_sqlite),
		cmocka_unit_test(every_write_takes_a_new_nonce),
		cmocka_unit_test(promises_nothing_that_the_disk_promises),
		cmocka_unit_test(the_connection_has_the_settings_of_the_plan),
		cmocka_unit_test(no_other_file_can_be_opened_beside_the_vault),
		cmocka_unit_test(a_marker_appears_in_no_file),
		cmocka_unit_test(a_rollback_journal_is_sealed_too),
		cmocka_unit_test(a_full_disk_is_told_and_loses_nothing_saved),
		cmocka_unit_test(every_error_of_the_disk_is_passed_on),
		cmocka_unit_test(half_a_page_at_the_end_is_damage),
		cmocka_unit_test(a_missing_or_empty_database_is_damage),
	};

	return cmocka_run_group_tests(tests, start, NULL);
}
