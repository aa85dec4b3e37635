#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "shared/vault/vault.h"
#include "tests/support/damaged_vault.h"

/* Every bit, every length: DAMAGE=all; a bit of every byte of the large files: DAMAGE=bytes. */
enum { PAGE = 4096, SLOT = 4608, SLOT_USED = 4138 };

static bool
all(void)
{
	const char *s = getenv("DAMAGE");

	return s != NULL;
}

/* From one bit of a large file to the next. */
static size_t
bit_step(size_t few)
{
	const char *s = getenv("DAMAGE");

	return s == NULL ? few : strcmp(s, "all") == 0 ? 1 : 9;
}

/* The database ------------------------------------------------------------ */

static void
check_page(struct vault *v, int64_t page)
{
	struct error err = { 0 };
	char name[40];
	int have = damaged_vault_readable(vault_db(v), DAMAGED_VAULT_ROWS);

	/* one page of rows at most, or one that leads to all of them */
	assert_true(have >= DAMAGED_VAULT_ROWS - 2 * PAGE / DAMAGED_VAULT_BODY || have == 0);
	snprintf(name, sizeof name, "page %lld", (long long)page);
	assert_int_equal(vault_verify(v, &err), RC_DAMAGED);
	assert_non_null(strstr(err.what, name));
}

static void
a_turned_bit_of_the_database_spoils_one_page(void **state)
{
	struct damaged_vault *m = *state;
	struct vault *v = NULL;
	struct error err = { 0 };
	size_t readable_vaults = 0, step = bit_step(769);

	damaged_vault_mend(m);
	damaged_vault_remove(m, "vault.db-wal");
	for (size_t bit = 0; bit < m->settled.len * 8; bit += step) {
		m->settled.data[bit / 8] ^= (uint8_t)(1 << bit % 8);
		damaged_vault_put(m, "vault.db", m->settled.data, m->settled.len);
		if (damaged_vault_open(m, &v, &err) == RC_OK) {
			check_page(v, (int64_t)(bit / 8 / PAGE + 1));
			readable_vaults++;
		} else {
			assert_int_equal(err.code, RC_DAMAGED);
			/* the first page holds the names of all tables */
			assert_int_equal(bit / 8 / PAGE, 0);
		}
		vault_close(v);
		v = NULL;
		m->settled.data[bit / 8] ^= (uint8_t)(1 << bit % 8);
	}
	assert_true(readable_vaults > 0);
	damaged_vault_mends(m);
}

static void
a_cut_off_database_is_noticed(void **state)
{
	struct damaged_vault *m = *state;
	struct vault *v = NULL;
	struct error err = { 0 };
	size_t step = all() ? 1 : 511;

	damaged_vault_mend(m);
	damaged_vault_remove(m, "vault.db-wal");
	for (size_t len = 0; len < m->settled.len; len += step) {
		damaged_vault_put(m, "vault.db", m->settled.data, len);
		if (damaged_vault_open(m, &v, &err) == RC_OK) {
			damaged_vault_readable(vault_db(v), DAMAGED_VAULT_ROWS);
			assert_int_equal(vault_verify(v, &err), RC_DAMAGED);
		} else {
			assert_int_equal(err.code, RC_DAMAGED);
		}
		vault_close(v);
		v = NULL;
	}
	damaged_vault_mends(m);
}

/* The write-ahead log ------------------------------------------------------- */

/* All rows of the first n commits and no other. */
static int
commits_kept(struct vault *v)
{
	int kept = 0;

	assert_int_equal(damaged_vault_readable(vault_db(v), DAMAGED_VAULT_ROWS - DAMAGED_VAULT_COMMITS), DAMAGED_VAULT_ROWS - DAMAGED_VAULT_COMMITS);
	while (kept < DAMAGED_VAULT_COMMITS && damaged_vault_row(vault_db(v), DAMAGED_VAULT_ROWS - DAMAGED_VAULT_COMMITS + 1 + kept) == 1)
		kept++;
	for (int i = kept; i < DAMAGED_VAULT_COMMITS; i++)
		assert_int_equal(damaged_vault_row(vault_db(v), DAMAGED_VAULT_ROWS - DAMAGED_VAULT_COMMITS + 1 + i), 0);
	assert_int_equal(vault_verify(v, NULL), RC_OK);
	return kept;
}

static void
a_turned_bit_of_the_wal_before_its_end_is_noticed(void **state)
{
	struct damaged_vault *m = *state;
	struct bytes *wal = &m->files[3];
	struct vault *v = NULL;
	struct error err = { 0 };
	size_t step = bit_step(977), noticed = 0, ends = 0;

	for (size_t bit = 0; bit < wal->len * 8; bit += step) {
		bool sealed = bit / 8 % SLOT < SLOT_USED;

		damaged_vault_mend(m);
		wal->data[bit / 8] ^= (uint8_t)(1 << bit % 8);
		damaged_vault_put(m, "vault.db-wal", wal->data, wal->len);
		wal->data[bit / 8] ^= (uint8_t)(1 << bit % 8);
		if (damaged_vault_open(m, &v, &err) == RC_OK) {
			int kept = commits_kept(v);

			/*
			 * The last transaction may go like one that a power cut left unfinished; the
			 * one before it when the block is hit in which its commit frame ends.
			 */
			assert_true(kept == DAMAGED_VAULT_COMMITS || (sealed && kept >= DAMAGED_VAULT_COMMITS - 2));
			ends += kept != DAMAGED_VAULT_COMMITS;
		} else {
			assert_int_equal(err.code, RC_DAMAGED);
			assert_true(sealed);
			noticed++;
		}
		vault_close(v);
		v = NULL;
	}
	assert_true(noticed > ends);
	damaged_vault_mends(m);
}

static void
a_cut_off_wal_leaves_whole_transactions(void **state)
{
	struct damaged_vault *m = *state;
	struct bytes *wal = &m->files[3];
	struct vault *v = NULL;
	struct error err = { 0 };
	size_t step = all() ? 1 : 1153;
	int before = 0;

	for (size_t len = 0; len <= wal->len; len += step) {
		int kept;

		damaged_vault_mend(m);
		damaged_vault_put(m, "vault.db-wal", wal->data, len);
		assert_int_equal(damaged_vault_open(m, &v, &err), RC_OK);
		kept = commits_kept(v);
		assert_true(kept >= before);
		before = kept;
		vault_close(v);
		v = NULL;
	}
	assert_true(before >= DAMAGED_VAULT_COMMITS - 1);
	damaged_vault_mends(m);
}

/* The key file ---------------------------------------------------------------- */

static void
one_damaged_copy_of_the_key_file_is_made_good(void **state)
{
	struct damaged_vault *m = *state;
	struct vault *v = NULL;
	struct error err = { 0 };
	struct bytes now;
	size_t step = all() ? 1 : 37;

	for (int i = 0; i < 2; i++) {
		for (size_t bit = 0; bit < m->files[i].len * 8; bit += step) {
			damaged_vault_mend(m);
			m->files[i].data[bit / 8] ^= (uint8_t)(1 << bit % 8);
			damaged_vault_put(m, DAMAGED_VAULT_NAMES[i], m->files[i].data, m->files[i].len);
			m->files[i].data[bit / 8] ^= (uint8_t)(1 << bit % 8);
			assert_int_equal(damaged_vault_open(m, &v, &err), RC_OK);
			vault_close(v);
			damaged_vault_take(m, DAMAGED_VAULT_NAMES[i], &now);
			assert_int_equal(now.len, m->files[i].len);
			assert_memory_equal(now.data, m->files[i].data, now.len);
			bytes_reset(&now);
		}
		for (size_t len = 0; len < m->files[i].len; len += all() ? 1 : 31) {
			damaged_vault_mend(m);
			damaged_vault_put(m, DAMAGED_VAULT_NAMES[i], m->files[i].data, len);
			assert_int_equal(damaged_vault_open(m, &v, &err), RC_OK);
			vault_close(v);
		}
	}
}

static void
two_damaged_copies_are_told_and_left_alone(void **state)
{
	struct damaged_vault *m = *state;
	struct vault *v = NULL;
	struct error err = { 0 };
	size_t step = all() ? 1 : 41;
	struct bytes now;

	for (size_t bit = 0; bit < m->files[0].len * 8; bit += step) {
		damaged_vault_mend(m);
		for (int i = 0; i < 2; i++) {
			m->files[i].data[bit / 8] ^= (uint8_t)(1 << bit % 8);
			damaged_vault_put(m, DAMAGED_VAULT_NAMES[i], m->files[i].data, m->files[i].len);
		}
		assert_int_equal(damaged_vault_open(m, &v, &err), RC_DAMAGED);
		for (int i = 0; i < 2; i++) {
			damaged_vault_take(m, DAMAGED_VAULT_NAMES[i], &now);
			assert_memory_equal(now.data, m->files[i].data, now.len);
			bytes_reset(&now);
			m->files[i].data[bit / 8] ^= (uint8_t)(1 << bit % 8);
		}
	}
	damaged_vault_mends(m);
}

/* Whole files ------------------------------------------------------------------ */

/* A page from elsewhere in the file, or from another vault: its place is part of the seal. */
static void
moved_pages_are_noticed(void **state)
{
	struct damaged_vault *m = *state;
	size_t pages = m->settled.len / PAGE;
	struct vault *v = NULL;
	struct error err = { 0 };
	uint8_t keep[PAGE];

	damaged_vault_mend(m);
	damaged_vault_remove(m, "vault.db-wal");
	for (size_t from = 1; from < pages; from++) {
		for (size_t to = 1; to < pages; to += all() ? 1 : 3) {
			uint8_t *at = m->settled.data + to * PAGE;

			if (from == to)
				continue;
			memcpy(keep, at, PAGE);
			memcpy(at, m->settled.data + from * PAGE, PAGE);
			damaged_vault_put(m, "vault.db", m->settled.data, m->settled.len);
			memcpy(at, keep, PAGE);
			assert_int_equal(damaged_vault_open(m, &v, &err), RC_OK);
			check_page(v, (int64_t)to + 1);
			vault_close(v);
		}
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_turned_bit_of_the_database_spoils_one_page),
		cmocka_unit_test(a_cut_off_database_is_noticed),
		cmocka_unit_test(a_turned_bit_of_the_wal_before_its_end_is_noticed),
		cmocka_unit_test(a_cut_off_wal_leaves_whole_transactions),
		cmocka_unit_test(one_damaged_copy_of_the_key_file_is_made_good),
		cmocka_unit_test(two_damaged_copies_are_told_and_left_alone),
		cmocka_unit_test(moved_pages_are_noticed),
	};

	return cmocka_run_group_tests(tests, damaged_vault_set_up, damaged_vault_tear_down);
}
