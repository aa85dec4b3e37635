#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include <sqlite3.h>

#include "shared/vault/secret.h"
#include "tests/support/power_disk.h"
#include "tests/support/vault_sim.h"

/* The file of an open database of a few pages. */
static sqlite3_file *
open_database(struct vault_sim *s)
{
	static const struct vault_vfs_rules all_rules;
	sqlite3_file *file = NULL;

	vault_sim_init(s, 7, &all_rules);
	assert_int_equal(vault_sim_open(s, true), RC_OK);
	assert_int_equal(vault_sim_run(s, "CREATE TABLE t (id INTEGER PRIMARY KEY);"
	    "PRAGMA wal_checkpoint(TRUNCATE)"), SQLITE_OK);
	assert_int_equal(sqlite3_file_control(s->db, "main", SQLITE_FCNTL_FILE_POINTER, &file),
	    SQLITE_OK);
	return file;
}

/* The same page twice: other bytes on the disk. */
static void
every_write_takes_a_new_nonce(void **state)
{
	uint8_t page[BLOCK_SIZE] = { 0 }, first[BLOCK_SIZE];
	const uint8_t *p;
	int64_t len;
	struct vault_sim s;
	sqlite3_file *file = open_database(&s);

	(void)state;
	assert_int_equal(file->pMethods->xWrite(file, page, sizeof page, 8 * 4096), SQLITE_OK);
	assert_int_equal(file->pMethods->xSync(file, SQLITE_SYNC_NORMAL), SQLITE_OK);
	p = power_disk_bytes(s.disk, "vault.db", &len);
	assert_true(len >= 9 * 4096);
	memcpy(first, p + 8 * 4096, sizeof first);
	assert_int_equal(file->pMethods->xWrite(file, page, sizeof page, 8 * 4096), SQLITE_OK);
	assert_int_equal(file->pMethods->xSync(file, SQLITE_SYNC_NORMAL), SQLITE_OK);
	p = power_disk_bytes(s.disk, "vault.db", &len);
	assert_true(len >= 9 * 4096);
	for (int i = 0; i < 4096; i += 24)
		assert_memory_not_equal(first + i, p + 8 * 4096 + i, 16);
	vault_sim_reset(&s);
}

static void
write_page(sqlite3_file *file, int64_t page, char c)
{
	uint8_t buf[BLOCK_SIZE];

	memset(buf, c, sizeof buf);
	assert_int_equal(file->pMethods->xWrite(file, buf, sizeof buf, page * BLOCK_SIZE), SQLITE_OK);
}

static void
assert_page(sqlite3_file *file, int64_t page, char c)
{
	uint8_t buf[BLOCK_SIZE];

	assert_int_equal(file->pMethods->xRead(file, buf, sizeof buf, page * BLOCK_SIZE), SQLITE_OK);
	for (int i = 0; i < BLOCK_PAGE_TEXT; i++)
		assert_int_equal(buf[i], c);
}

static void
pages_in_a_row_go_down_in_one_write_at_a_sync(void **state)
{
	struct vault_sim s;
	sqlite3_file *file = open_database(&s);
	sqlite3_int64 size = 0;
	long before;

	(void)state;
	before = power_disk_operations(s.disk);
	for (int i = 0; i < 4; i++)
		write_page(file, 20 + i, (char)('a' + i));
	assert_int_equal(power_disk_operations(s.disk), before);
	/* until then they are there as if they were on the disk */
	assert_page(file, 20, 'a');
	assert_page(file, 23, 'd');
	assert_int_equal(file->pMethods->xFileSize(file, &size), SQLITE_OK);
	assert_int_equal(size, 24 * BLOCK_SIZE);
	assert_int_equal(file->pMethods->xSync(file, SQLITE_SYNC_NORMAL), SQLITE_OK);
	assert_int_equal(power_disk_operations(s.disk), before + 2);
	/* one that does not follow sends the others down, and so does the same again */
	write_page(file, 24, 'e');
	write_page(file, 30, 'f');
	write_page(file, 30, 'g');
	assert_int_equal(power_disk_operations(s.disk), before + 4);
	assert_page(file, 24, 'e');
	assert_page(file, 30, 'g');
	assert_int_equal(file->pMethods->xTruncate(file, 31 * BLOCK_SIZE), SQLITE_OK);
	assert_page(file, 30, 'g');
	for (int i = 0; i < 40; i++)
		write_page(file, 31 + i, 'h');
	for (int i = 0; i < 40; i++)
		assert_page(file, 31 + i, 'h');
	vault_sim_reset(&s);
}

static void
pages_that_cannot_go_down_are_kept_until_they_can(void **state)
{
	struct vault_sim s;
	sqlite3_file *file = open_database(&s);
	uint8_t page[BLOCK_SIZE] = { 0 };

	(void)state;
	write_page(file, 20, 'a');
	power_disk_fail(s.disk, POWER_DISK_WRITE, "vault.db", 1, SQLITE_FULL);
	assert_int_equal(file->pMethods->xSync(file, SQLITE_SYNC_NORMAL), SQLITE_FULL);
	assert_page(file, 20, 'a');
	power_disk_fail(s.disk, POWER_DISK_WRITE, "vault.db", 1, SQLITE_FULL);
	assert_int_equal(file->pMethods->xWrite(file, page, sizeof page, 25 * 4096), SQLITE_FULL);
	power_disk_fail(s.disk, POWER_DISK_WRITE, "vault.db", 1, SQLITE_FULL);
	assert_int_equal(file->pMethods->xTruncate(file, 22 * 4096), SQLITE_FULL);
	assert_int_equal(file->pMethods->xSync(file, SQLITE_SYNC_NORMAL), SQLITE_OK);
	power_disk_restart(s.disk);
	assert_page(file, 20, 'a');
	vault_sim_reset(&s);
}

static int
start(void **state)
{
	(void)state;
	return secret_start() == RC_OK ? 0 : -1;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_write_takes_a_new_nonce),
		cmocka_unit_test(pages_in_a_row_go_down_in_one_write_at_a_sync),
		cmocka_unit_test(pages_that_cannot_go_down_are_kept_until_they_can),
	};

	return cmocka_run_group_tests(tests, start, NULL);
}
