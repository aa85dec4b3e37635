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
#include "shared/vault/vault_vfs_rules.h"
#include "tests/support/power_disk.h"
#include "tests/support/vault_sim.h"

/* What is found in a WAL when a vault is opened: damage, or what a power cut left unfinished. */

static const struct vault_vfs_rules ALL_RULES;

/* Ten transactions in a WAL, and perhaps one more, then the power goes. */
static void
filled_wal_with(struct vault_sim *s, const struct vault_vfs_rules *rules, const char *last)
{
	char sql[100];

	vault_sim_fill(s, rules, 5);
	assert_int_equal(vault_sim_open(s, false), RC_OK);
	for (int i = 0; i < 10; i++) {
		snprintf(sql, sizeof sql, "INSERT INTO t VALUES (%d, 'wal')", 100 + i);
		assert_int_equal(vault_sim_run(s, sql), SQLITE_OK);
	}
	assert_int_equal(vault_sim_run(s, last), SQLITE_OK);
	power_disk_cut_in(s->disk, 1);
	vault_sim_close(s);
	power_disk_restart(s->disk);
}

static void
filled_wal(struct vault_sim *s, const struct vault_vfs_rules *rules)
{
	filled_wal_with(s, rules, "");
}

/* Where the slots end that were used: behind them lie those laid out ahead, as zeroes. */
static int64_t
used_wal(const struct vault_sim *s)
{
	static const uint8_t zeroes[BLOCK_SLOT];
	int64_t len;
	const uint8_t *p = power_disk_bytes(s->disk, "vault.db-wal", &len);

	while (len >= BLOCK_SLOT && memcmp(p + len - BLOCK_SLOT, zeroes, BLOCK_SLOT) == 0)
		len -= BLOCK_SLOT;
	return len;
}

/* Opens with one bit of one WAL slot flipped.  *rows: of the ten. */
static enum rc
open_with_bad_slot(int slot_from_end, const struct vault_vfs_rules *rules, int64_t *rows)
{
	struct vault_sim s;
	int64_t len, after;
	const uint8_t *p;
	uint8_t *before;
	enum rc rc;

	filled_wal(&s, rules);
	power_disk_spoil(s.disk, "vault.db-wal",
	    (used_wal(&s) / BLOCK_SLOT - slot_from_end) * BLOCK_SLOT + 9, 16);
	p = power_disk_bytes(s.disk, "vault.db-wal", &len);
	before = malloc((size_t)len);
	assert_non_null(before);
	memcpy(before, p, (size_t)len);
	rc = vault_sim_open(&s, false);
	*rows = rc == RC_OK ? vault_sim_ask(&s, "SELECT count(*) FROM t WHERE id >= 100") : -1;
	if (rc == RC_DAMAGED) {
		p = power_disk_bytes(s.disk, "vault.db-wal", &after);
		assert_int_equal(after, len);
		assert_memory_equal(p, before, (size_t)len);
	}
	free(before);
	vault_sim_reset(&s);
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
	struct vault_sim s;

	(void)state;
	assert_int_equal(open_with_bad_slot(1, &ALL_RULES, &rows), RC_OK);
	assert_true(rows >= 9);
	/* a longer one, of which everything but its first and last block arrived */
	filled_wal_with(&s, &ALL_RULES,
	    "INSERT INTO t SELECT id + 1000, printf('%.*c', 9000, 'l') FROM t");
	len = used_wal(&s);
	power_disk_spoil(s.disk, "vault.db-wal", 23 * BLOCK_SLOT + 9, 1);
	power_disk_spoil(s.disk, "vault.db-wal", len - BLOCK_SLOT + 9, 1);
	assert_true(len > 30 * BLOCK_SLOT);
	assert_int_equal(vault_sim_open(&s, false), RC_OK);
	assert_int_equal(vault_sim_ask(&s, "SELECT count(*) FROM t WHERE id >= 100"), 10);
	vault_sim_reset(&s);
}

/* Commits that failed leave whole transactions lying behind the end of the log. */
static void
what_failed_commits_left_behind_is_no_damage(void **state)
{
	struct vault_sim s;

	(void)state;
	vault_sim_fill(&s, &ALL_RULES, 5);
	assert_int_equal(vault_sim_open(&s, false), RC_OK);
	assert_int_equal(vault_sim_run(&s, "INSERT INTO t VALUES (100, 'a')"), SQLITE_OK);
	for (int size = 90000; size >= 50000; size -= 40000) {
		char sql[100];

		snprintf(sql, sizeof sql, "INSERT INTO t VALUES (200, printf('%%.*c', %d, '%c'))",
		    size, size == 90000 ? 'f' : 'g');
		power_disk_fail(s.disk, POWER_DISK_SYNC, "-wal", 1, SQLITE_IOERR_FSYNC);
		assert_int_not_equal(vault_sim_run(&s, sql), SQLITE_OK);
	}
	assert_int_equal(vault_sim_run(&s, "INSERT INTO t VALUES (101, 'b')"), SQLITE_OK);
	power_disk_cut_in(s.disk, 1);
	vault_sim_close(&s);
	power_disk_restart(s.disk);
	assert_int_equal(vault_sim_open(&s, false), RC_OK);
	assert_int_equal(vault_sim_ask(&s, "SELECT count(*) FROM t WHERE id >= 100"), 2);
	vault_sim_reset(&s);
}

static void
every_spoilt_byte_of_a_wal_slot_is_noticed(void **state)
{
	struct vault_sim s;

	(void)state;
	filled_wal(&s, &ALL_RULES);
	for (int64_t at = 4 * BLOCK_SLOT; at < 4 * BLOCK_SLOT + BLOCK_SLOT_TEXT + BLOCK_OVERHEAD;
	    at += 53) {
		power_disk_spoil(s.disk, "vault.db-wal", at, 128);
		assert_int_equal(vault_sim_open(&s, false), RC_DAMAGED);
		power_disk_spoil(s.disk, "vault.db-wal", at, 128);
	}
	assert_int_equal(vault_sim_open(&s, false), RC_OK);
	assert_int_equal(vault_sim_ask(&s, "SELECT count(*) FROM t WHERE id >= 100"), 10);
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
		cmocka_unit_test(a_wal_damaged_in_the_middle_is_noticed_and_kept),
		cmocka_unit_test(an_unfinished_last_transaction_is_no_damage),
		cmocka_unit_test(what_failed_commits_left_behind_is_no_damage),
		cmocka_unit_test(every_spoilt_byte_of_a_wal_slot_is_noticed),
	};

	return cmocka_run_group_tests(tests, start, NULL);
}
