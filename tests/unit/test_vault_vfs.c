#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include <sqlite3.h>

#include "shared/vault/secret.h"
#include "shared/vault/vault.h"
#include "shared/vault/vault_db.h"
#include "shared/vault/vault_vfs.h"
#include "shared/vault/vault_vfs_rules.h"
#include "tests/support/power_disk.h"
#include "tests/support/vault_sim.h"

static const struct vault_vfs_rules ALL_RULES;

static sqlite3_file *
database_file(struct vault_sim *s)
{
	sqlite3_file *file = NULL;

	assert_int_equal(sqlite3_file_control(s->db, "main", SQLITE_FCNTL_FILE_POINTER, &file),
	    SQLITE_OK);
	return file;
}

static void
every_spoilt_byte_of_a_page_is_noticed(void **state)
{
	struct vault_sim s;

	(void)state;
	vault_sim_fill(&s, &ALL_RULES, 50);
	for (int64_t at = 3 * 4096; at < 4 * 4096; at += 61) {
		power_disk_spoil(s.disk, "vault.db", at, 1);
		assert_int_equal(vault_sim_open(&s, false), RC_OK);
		assert_int_equal(vault_db_verify(s.db, &s.err), RC_DAMAGED);
		assert_non_null(strstr(s.err.what, "page 4"));
		vault_sim_close(&s);
		power_disk_spoil(s.disk, "vault.db", at, 1);
	}
	assert_int_equal(vault_sim_open(&s, false), RC_OK);
	assert_int_equal(vault_db_verify(s.db, &s.err), RC_OK);
	vault_sim_reset(&s);
}

static int
read_all_with(struct vault_vfs_rules rules)
{
	struct vault_sim s;
	int rc;

	vault_sim_fill(&s, &rules, 50);
	power_disk_spoil(s.disk, "vault.db", 3 * 4096 + 100, 1);
	assert_int_equal(vault_sim_open(&s, false), RC_OK);
	rc = vault_sim_run(&s, "SELECT sum(length(v)) FROM t");
	if (rc != SQLITE_OK)
		rc = sqlite3_extended_errcode(s.db);
	vault_sim_reset(&s);
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
	struct vault_sim s;
	const uint8_t *p;
	int64_t len;

	(void)state;
	vault_sim_fill(&s, &ALL_RULES, 50);
	p = power_disk_bytes(s.disk, "vault.db", &len);
	for (int64_t i = 0; i < 4096; i++) {
		uint8_t differ = p[3 * 4096 + i] ^ p[4 * 4096 + i];

		power_disk_spoil(s.disk, "vault.db", 3 * 4096 + i, differ);
		power_disk_spoil(s.disk, "vault.db", 4 * 4096 + i, differ);
	}
	assert_int_equal(vault_sim_open(&s, false), RC_OK);
	assert_int_equal(vault_db_verify(s.db, &s.err), RC_DAMAGED);
	vault_sim_reset(&s);
}

/* The same disk, with another id or other rules. */
static void
change_vfs(struct vault_sim *s, const struct vault_vfs_rules *rules)
{
	vault_vfs_free(s->vfs);
	assert_int_equal(vault_vfs_new(s->key, s->id, "/sim/vault.db", power_disk_vfs(s->disk),
	    rules, &s->vfs), RC_OK);
}

static void
the_database_of_another_vault_does_not_open(void **state)
{
	struct vault_sim s;

	(void)state;
	vault_sim_fill(&s, &ALL_RULES, 50);
	s.id[0] ^= 1;
	change_vfs(&s, &ALL_RULES);
	assert_int_equal(vault_sim_open(&s, false), RC_DAMAGED);
	vault_sim_reset(&s);
}

/* Whatever lies in the last 40 bytes of a page on the disk, SQLite sees zeroes. */
static bool
reserved_bytes_are_zero(struct vault_vfs_rules rules)
{
	static const uint8_t zero[BLOCK_OVERHEAD];
	uint8_t page[BLOCK_SIZE];
	sqlite3_file *file;
	struct vault_sim s;
	bool same;

	vault_sim_fill(&s, &rules, 5);
	assert_int_equal(vault_sim_open(&s, false), RC_OK);
	file = database_file(&s);
	assert_int_equal(file->pMethods->xRead(file, page, sizeof page, 4096), SQLITE_OK);
	same = memcmp(page + BLOCK_PAGE_TEXT, zero, sizeof zero) == 0;
	vault_sim_reset(&s);
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
	struct vault_sim s;

	vault_sim_fill(&s, &ALL_RULES, 5);
	change_vfs(&s, &rules);
	assert_int_equal(vault_sim_open(&s, false), RC_OK);
	file = database_file(&s);
	memset(page, 'p', sizeof page);
	memcpy(before, page, sizeof page);
	assert_int_equal(file->pMethods->xWrite(file, page, sizeof page, 20 * 4096), SQLITE_OK);
	vault_sim_reset(&s);
	return memcmp(page, before, sizeof page) == 0;
}

static void
never_encrypts_in_the_buffer_of_sqlite(void **state)
{
	(void)state;
	assert_true(buffer_survives_a_write(ALL_RULES));
	assert_false(buffer_survives_a_write((struct vault_vfs_rules){ .seal_in_place = true }));
}

static void
promises_nothing_that_the_disk_promises(void **state)
{
	sqlite3_file *file;
	struct vault_sim s;

	(void)state;
	vault_sim_fill(&s, &ALL_RULES, 5);
	power_disk_promise(s.disk, 512, SQLITE_IOCAP_POWERSAFE_OVERWRITE | SQLITE_IOCAP_ATOMIC |
	    SQLITE_IOCAP_ATOMIC4K | SQLITE_IOCAP_SAFE_APPEND | SQLITE_IOCAP_SEQUENTIAL |
	    SQLITE_IOCAP_BATCH_ATOMIC | SQLITE_IOCAP_UNDELETABLE_WHEN_OPEN);
	assert_int_equal(vault_sim_open(&s, false), RC_OK);
	file = database_file(&s);
	assert_int_equal(file->pMethods->xSectorSize(file), 4096);
	assert_int_equal(file->pMethods->xDeviceCharacteristics(file),
	    SQLITE_IOCAP_UNDELETABLE_WHEN_OPEN);
	/* version 1: no shared memory, no memory map */
	assert_int_equal(file->pMethods->iVersion, 1);
	assert_int_equal(vault_sim_run(&s, "PRAGMA mmap_size = 1000000"), SQLITE_OK);
	assert_int_equal(vault_sim_ask(&s, "SELECT count(*) FROM t"), 5);
	vault_sim_reset(&s);
}

static void
the_connection_has_the_settings_of_the_plan(void **state)
{
	char text[40];
	int64_t len;
	struct vault_sim s;

	(void)state;
	vault_sim_fill(&s, &ALL_RULES, 5);
	assert_int_equal(vault_sim_open(&s, false), RC_OK);
	assert_int_equal(vault_sim_run(&s, "INSERT INTO t VALUES (99, 'x')"), SQLITE_OK);
	vault_sim_text(&s, "PRAGMA journal_mode", text, sizeof text);
	assert_string_equal(text, "wal");
	vault_sim_text(&s, "PRAGMA locking_mode", text, sizeof text);
	assert_string_equal(text, "exclusive");
	assert_int_equal(vault_sim_ask(&s, "PRAGMA synchronous"), 2);
	assert_int_equal(vault_sim_ask(&s, "PRAGMA temp_store"), 2);
	assert_int_equal(vault_sim_ask(&s, "PRAGMA secure_delete"), 1);
	assert_int_equal(vault_sim_ask(&s, "PRAGMA trusted_schema"), 0);
	assert_int_equal(vault_sim_ask(&s, "PRAGMA page_size"), 4096);
	assert_null(power_disk_bytes(s.disk, "-shm", &len));
	assert_int_not_equal(vault_sim_run(&s, "PRAGMA page_size = 8192"), SQLITE_OK);
	assert_int_not_equal(vault_sim_run(&s,
	    "PRAGMA writable_schema = ON; DELETE FROM sqlite_schema"), SQLITE_OK);
	vault_sim_reset(&s);
}

static void
no_other_file_can_be_opened_beside_the_vault(void **state)
{
	int64_t len;
	struct vault_sim s;

	(void)state;
	vault_sim_fill(&s, &ALL_RULES, 5);
	assert_int_equal(vault_sim_open(&s, false), RC_OK);
	assert_int_not_equal(vault_sim_run(&s, "ATTACH '/sim/other.db' AS o; CREATE TABLE o.x(y)"),
	    SQLITE_OK);
	assert_int_not_equal(vault_sim_run(&s, "ATTACH 'file:/tmp/other.db?vfs=unix' AS o;"
	    "CREATE TABLE o.x(y)"), SQLITE_OK);
	assert_int_not_equal(vault_sim_run(&s, "VACUUM INTO '/sim/copy.db'"), SQLITE_OK);
	assert_int_not_equal(vault_sim_run(&s, "VACUUM INTO 'file:/tmp/copy.db?vfs=unix'"),
	    SQLITE_OK);
	assert_null(power_disk_bytes(s.disk, "other.db", &len));
	assert_null(power_disk_bytes(s.disk, "copy.db", &len));
	assert_int_equal(vault_sim_run(&s, "VACUUM"), SQLITE_OK);
	assert_int_equal(vault_sim_ask(&s, "SELECT count(*) FROM t"), 5);
	vault_sim_reset(&s);
}

#define MARKER "Nguyen-Thi-Dau-Vet"

static void
work_with_marker(struct vault_sim *s, bool temporary_files)
{
	assert_int_equal(vault_sim_run(s, temporary_files ? "PRAGMA temp_store = FILE" :
	    "PRAGMA temp_store = MEMORY"), SQLITE_OK);
	assert_int_equal(vault_sim_run(s, "PRAGMA cache_size = 10;"
	    "CREATE TABLE person (id INTEGER PRIMARY KEY, name TEXT, note TEXT);"
	    "CREATE INDEX by_name ON person(name);"
	    "CREATE VIRTUAL TABLE words USING fts5(body);"
	    "WITH RECURSIVE c(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM c WHERE i < 3000)"
	    " INSERT INTO person SELECT i, '" MARKER "' || i, '" MARKER " ' || hex(randomblob(99))"
	    " FROM c;"
	    "INSERT INTO words SELECT note FROM person"), SQLITE_OK);
	assert_int_equal(vault_sim_run(s,
	    "BEGIN; SAVEPOINT a; UPDATE person SET note = name || '" MARKER "';"
	    "SAVEPOINT b; DELETE FROM person WHERE id % 3 = 0; ROLLBACK TO b; ROLLBACK TO a;"
	    "UPDATE person SET note = upper(note) WHERE id < 500; COMMIT;"
	    "BEGIN; DELETE FROM person; ROLLBACK"), SQLITE_OK);
	assert_int_equal(vault_sim_run(s,
	    "CREATE TEMP TABLE sorted AS SELECT note, name FROM person"
	    " ORDER BY note DESC; CREATE INDEX temp.si ON sorted(note);"
	    "SELECT count(DISTINCT note || name) FROM person; VACUUM;"
	    "PRAGMA wal_checkpoint(TRUNCATE); DELETE FROM person WHERE id > 100; VACUUM"), SQLITE_OK);
	assert_int_equal(vault_sim_ask(s,
	    "SELECT count(*) FROM words WHERE words MATCH '\"nguyen thi dau\"'"), 3000);
}

static void
a_marker_appears_in_no_file(void **state)
{
	struct vault_sim s;

	(void)state;
	for (int files = 0; files < 2; files++) {
		vault_sim_init(&s, 3, &ALL_RULES);
		assert_int_equal(vault_sim_open(&s, true), RC_OK);
		work_with_marker(&s, files == 1);
		assert_true(files == 1 ? power_disk_temporaries(s.disk) > 0 :
		    power_disk_temporaries(s.disk) == 0);
		assert_false(power_disk_holds(s.disk, MARKER, strlen(MARKER)));
		assert_false(power_disk_holds(s.disk, "NGUYEN-THI", 10));
		assert_false(power_disk_holds(s.disk, "CREATE TABLE", 12));
		assert_false(power_disk_holds(s.disk, "SQLite format", 13));
		vault_sim_close(&s);
		assert_int_equal(vault_sim_open(&s, false), RC_OK);
		assert_int_equal(vault_db_verify(s.db, &s.err), RC_OK);
		assert_int_equal(vault_sim_ask(&s, "SELECT count(*) FROM person"), 100);
		vault_sim_close(&s);
		assert_false(power_disk_holds(s.disk, MARKER, strlen(MARKER)));
		vault_sim_reset(&s);
	}
}

static void
a_rollback_journal_is_sealed_too(void **state)
{
	struct vault_sim s;
	int64_t len;

	(void)state;
	vault_sim_fill(&s, &ALL_RULES, 50);
	assert_int_equal(vault_sim_open(&s, false), RC_OK);
	assert_int_equal(vault_sim_run(&s,
	    "PRAGMA wal_checkpoint(TRUNCATE); PRAGMA journal_mode = TRUNCATE; PRAGMA synchronous = EXTRA;"
	    "PRAGMA cache_size = 5; INSERT INTO t VALUES (900, '" MARKER "')"), SQLITE_OK);
	assert_int_equal(vault_sim_run(&s, "BEGIN; UPDATE t SET v = v || '" MARKER "'"), SQLITE_OK);
	assert_non_null(power_disk_bytes(s.disk, "-journal", &len));
	assert_true(len > 0);
	assert_false(power_disk_holds(s.disk, MARKER, strlen(MARKER)));
	assert_false(power_disk_holds(s.disk, "yyyyyyyy", 8));
	/* a hot journal: the next open rolls back */
	power_disk_cut_in(s.disk, 1);
	vault_sim_close(&s);
	power_disk_restart(s.disk);
	assert_int_equal(vault_sim_open(&s, false), RC_OK);
	assert_int_equal(vault_sim_ask(&s, "SELECT count(*) FROM t WHERE length(v) > 500"), 0);
	assert_int_equal(vault_sim_ask(&s, "SELECT count(*) FROM t"), 51);
	vault_sim_reset(&s);
}

static void
a_full_disk_is_told_and_loses_nothing_saved(void **state)
{
	struct vault_sim s;
	int saved = 0, rc = SQLITE_OK;
	char sql[200];

	(void)state;
	for (int room = 0; room < 60; room++) {
		vault_sim_fill(&s, &ALL_RULES, 5);
		assert_int_equal(vault_sim_open(&s, false), RC_OK);
		power_disk_limit(s.disk, power_disk_used(s.disk) + room * 4096);
		for (saved = 0; saved < 100; saved++) {
			snprintf(sql, sizeof sql,
			    "INSERT INTO t VALUES (%d, printf('%%.*c', 3000, 'z'))",
			    1000 + saved);
			if ((rc = vault_sim_run(&s, sql)) != SQLITE_OK)
				break;
		}
		assert_int_equal(vault_db_rc(s.db, sqlite3_extended_errcode(s.db), "save", &s.err),
		    RC_FULL);
		/* the same connection still reads, and goes on once there is room */
		assert_int_equal(vault_sim_ask(&s, "SELECT count(*) FROM t WHERE id >= 1000"),
		    saved);
		power_disk_limit(s.disk, 0);
		assert_int_equal(vault_sim_run(&s, sql), SQLITE_OK);
		power_disk_cut_in(s.disk, 1);
		vault_sim_close(&s);
		power_disk_restart(s.disk);
		assert_int_equal(vault_sim_open(&s, false), RC_OK);
		assert_int_equal(vault_sim_ask(&s, "SELECT count(*) FROM t WHERE id >= 1000"),
		    saved + 1);
		assert_true(vault_sim_sound(&s));
		vault_sim_reset(&s);
	}
}

/* Fails the nth call of one kind on one file; false once no call is the nth any more. */
static bool
work_with_failure(enum power_disk_call call, const char *ending, int code, long n,
    struct vault_vfs_rules rules, bool *silent)
{
	struct vault_sim s;
	int64_t acknowledged = 0;
	bool opened, told = false, fired;

	vault_sim_fill(&s, &rules, 5);
	power_disk_fail(s.disk, call, ending, n, code);
	opened = vault_sim_open(&s, false) == RC_OK;
	told = !opened;
	if (opened) {
		vault_sim_run(&s, "PRAGMA cache_size = 10; PRAGMA wal_autocheckpoint = 0");
		for (int i = 0; i < 6; i++) {
			char sql[120];

			snprintf(sql, sizeof sql,
			    "INSERT INTO t VALUES (%d, printf('%%.*c', 9000, 'z'))",
			    1000 + (int)acknowledged);
			if (vault_sim_run(&s, sql) == SQLITE_OK)
				acknowledged++;
			else
				told = true;
		}
		if (vault_sim_run(&s, "PRAGMA wal_checkpoint(TRUNCATE)") != SQLITE_OK)
			told = true;
		if (vault_sim_ask(&s, "SELECT sum(length(v)) FROM t") < 0)
			told = true;
	}
	/* still waiting: it never came to the nth call */
	fired = power_disk_failed(s.disk, call);
	power_disk_fail(s.disk, call, ending, 0, 0);
	power_disk_cut_in(s.disk, 1);
	vault_sim_close(&s);
	power_disk_restart(s.disk);
	*silent = fired && !told;
	if (vault_sim_open(&s, false) != RC_OK ||
	    vault_sim_ask(&s, "SELECT count(*) FROM t WHERE id >= 1000") < acknowledged ||
	    !vault_sim_sound(&s))
		*silent = true;
	vault_sim_reset(&s);
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
	assert_int_equal(silent_failures(POWER_DISK_READ, "vault.db", SQLITE_IOERR_READ, ALL_RULES),
	    0);
	assert_int_equal(silent_failures(POWER_DISK_WRITE, "-wal", SQLITE_IOERR_WRITE, ALL_RULES),
	    0);
	assert_int_equal(silent_failures(POWER_DISK_WRITE, "vault.db", SQLITE_FULL, ALL_RULES), 0);
	assert_int_equal(silent_failures(POWER_DISK_SYNC, "-wal", SQLITE_IOERR_FSYNC, ALL_RULES), 0);
	assert_int_equal(silent_failures(POWER_DISK_SYNC, "vault.db", SQLITE_IOERR_FSYNC,
	    ALL_RULES), 0);
	assert_true(silent_failures(POWER_DISK_SYNC, "-wal", SQLITE_IOERR_FSYNC, hide) > 0);
}

static void
half_a_page_at_the_end_is_damage(void **state)
{
	uint8_t page[BLOCK_SIZE];
	sqlite3_file *file;
	int64_t len;
	struct vault_sim s;

	(void)state;
	vault_sim_fill(&s, &ALL_RULES, 50);
	assert_int_equal(vault_sim_open(&s, false), RC_OK);
	file = database_file(&s);
	power_disk_bytes(s.disk, "vault.db", &len);
	assert_int_equal(file->pMethods->xTruncate(file, len - 100), SQLITE_OK);
	assert_int_equal(file->pMethods->xRead(file, page, BLOCK_SIZE, len - BLOCK_SIZE),
	    SQLITE_IOERR_DATA);
	assert_int_equal(file->pMethods->xRead(file, page, BLOCK_SIZE, len),
	    SQLITE_IOERR_SHORT_READ);
	assert_int_equal(vault_db_verify(s.db, &s.err), RC_DAMAGED);
	vault_sim_reset(&s);
}

static void
a_missing_or_empty_database_is_damage(void **state)
{
	struct vault_sim s;

	(void)state;
	vault_sim_init(&s, 1, &ALL_RULES);
	assert_int_equal(vault_sim_open(&s, false), RC_DAMAGED);
	assert_int_equal(power_disk_operations(s.disk), 0);
	vault_sim_reset(&s);
	vault_sim_fill(&s, &ALL_RULES, 5);
	assert_int_equal(vault_sim_open(&s, true), RC_EXISTS);
	vault_sim_reset(&s);
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
		cmocka_unit_test(every_spoilt_byte_of_a_page_is_noticed),
		cmocka_unit_test(a_spoilt_page_is_a_data_error_and_never_contents),
		cmocka_unit_test(pages_that_changed_places_are_refused),
		cmocka_unit_test(the_database_of_another_vault_does_not_open),
		cmocka_unit_test(reserved_bytes_read_as_zeroes),
		cmocka_unit_test(never_encrypts_in_the_buffer_of_sqlite),
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
