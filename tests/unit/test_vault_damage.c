#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <sqlite3.h>

#include "shared/base/files.h"
#include "shared/vault/secret.h"
#include "shared/vault/vault.h"
#include "shared/vault/vault_internal.h"
#include "tests/support/power_disk.h"
#include "tests/support/vault_folder.h"

/*
 * Every bit, every length: DAMAGE=all; a bit of every byte of the large files:
 * DAMAGE=bytes.  A vault of ROWS rows; the last COMMITS of them are
 * transactions that lie in the WAL only.
 */
enum { ROWS = 40, COMMITS = 6, BODY = 300, PAGE = 4096, SLOT = 4608, SLOT_USED = 4138, FILES = 5 };

static const char *const NAMES[FILES] = { "vault.key", "vault.key.b", "vault.db", "vault.db-wal",
    "vault.lock" };

struct model {
	struct vault_folder *f;
	struct bytes files[FILES];	/* as a power cut leaves them: the WAL is full */
	struct bytes settled;		/* vault.db after a clean close */
	struct bytes wal;		/* another copy of the WAL */
	struct bytes other[FILES];	/* of another vault */
};

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

static void
path_of(const struct model *m, const char *name, char out[400])
{
	snprintf(out, 400, "%s/%s", m->f->dir, name);
}

static void
put(const struct model *m, const char *name, const uint8_t *p, size_t len)
{
	char path[400];
	FILE *file;

	path_of(m, name, path);
	file = fopen(path, "wb");
	assert_non_null(file);
	assert_int_equal(fwrite(p, 1, len, file), len);
	assert_int_equal(fclose(file), 0);
}

static void
take(const struct model *m, const char *name, struct bytes *out)
{
	char path[400];

	bytes_init(out);
	path_of(m, name, path);
	assert_int_equal(files_read(path, 1 << 24, out, NULL), RC_OK);
}

static void
remove_one(const struct model *m, const char *name)
{
	char path[400];

	path_of(m, name, path);
	if (files_is_dir(path))
		assert_int_equal(rmdir(path), 0);
	else
		unlink(path);
}

/* The vault as it was. */
static void
mend(const struct model *m)
{
	for (int i = 0; i < FILES; i++) {
		remove_one(m, NAMES[i]);
		put(m, NAMES[i], m->files[i].data, m->files[i].len);
	}
	remove_one(m, "vault.db-journal");
}

static void
fill(struct vault *v, char letter)
{
	char sql[200];

	for (int i = 1; i <= ROWS; i++) {
		if (i == ROWS - COMMITS + 1)
			vault_folder_sql(v, "PRAGMA wal_checkpoint(TRUNCATE)");
		snprintf(sql, sizeof sql, "INSERT INTO note VALUES (%d, printf('%%d%%.*c', %d, %d, '%c'))", i,
		    i, BODY, letter);
		vault_folder_sql(v, sql);
	}
}

static int
set_up(void **state)
{
	struct model *m = calloc(1, sizeof *m);
	struct vault *v;
	void *f;

	assert_non_null(m);
	if (vault_folder_set_up(&f) != 0)
		return -1;
	m->f = f;
	for (int turn = 0; turn < 2; turn++) {
		vault_folder_remove(m->f->dir);
		v = vault_folder_made(m->f);
		fill(v, turn == 0 ? 'o' : 'x');
		for (int i = 0; i < FILES; i++)
			take(m, NAMES[i], turn == 0 ? &m->other[i] : &m->files[i]);
		vault_close(v);
	}
	take(m, "vault.db", &m->settled);
	bytes_init(&m->wal);
	bytes_put(&m->wal, m->files[3].data, m->files[3].len);
	*state = m;
	return 0;
}

static int
tear_down(void **state)
{
	struct model *m = *state;
	void *f = m->f;

	for (int i = 0; i < FILES; i++) {
		bytes_reset(&m->files[i]);
		bytes_reset(&m->other[i]);
	}
	bytes_reset(&m->settled);
	bytes_reset(&m->wal);
	free(m);
	return vault_folder_tear_down(&f);
}

static enum rc
open_it(const struct model *m, struct vault **v, struct error *err)
{
	enum rc rc;

	error_clear(err);
	rc = vault_open_with_master(m->f->dir, m->f->master, v, err);
	if (rc != RC_OK) {
		assert_null(*v);
		assert_true(err->what[0] != '\0');
		assert_int_equal(err->code, rc);
	}
	return rc;
}

/* Row i: 1 right, 0 absent, -1 cannot be read.  A wrong one ends the test. */
static int
row(struct sqlite3 *db, int i)
{
	char want[BODY + 20];
	sqlite3_stmt *q = NULL;
	int rc, found;

	snprintf(want, sizeof want, "%d%0*d", i, BODY, 0);
	for (char *c = want + strlen(want) - BODY; *c != '\0'; c++)
		*c = 'x';
	rc = sqlite3_prepare_v2(db, "SELECT body FROM note WHERE id = ?1", -1, &q, NULL);
	if (rc == SQLITE_OK) {
		sqlite3_bind_int(q, 1, i);
		rc = sqlite3_step(q);
	}
	if (rc == SQLITE_ROW)
		assert_string_equal((const char *)sqlite3_column_text(q, 0), want);
	found = rc == SQLITE_ROW ? 1 : rc == SQLITE_DONE ? 0 : -1;
	if (found < 0)
		assert_int_equal(vault_rc_of_sqlite(db, rc, "read", NULL), RC_DAMAGED);
	sqlite3_finalize(q);
	return found;
}

static int
readable(struct sqlite3 *db, int upto)
{
	int n = 0;

	for (int i = 1; i <= upto; i++)
		n += row(db, i) == 1;
	return n;
}

/* After a refusal nothing was changed: with the true bytes back all is there. */
static void
assert_mends(const struct model *m)
{
	struct vault *v = NULL;
	struct error err = { 0 };

	mend(m);
	assert_int_equal(open_it(m, &v, &err), RC_OK);
	assert_int_equal(readable(vault_db(v), ROWS), ROWS);
	vault_close(v);
}

/* The database ------------------------------------------------------------ */

static void
check_page(struct vault *v, int64_t page)
{
	struct error err = { 0 };
	char name[40];
	int have = readable(vault_db(v), ROWS);

	/* one page of rows at most, or one that leads to all of them */
	assert_true(have >= ROWS - 2 * PAGE / BODY || have == 0);
	snprintf(name, sizeof name, "page %lld", (long long)page);
	assert_int_equal(vault_verify(v, &err), RC_DAMAGED);
	assert_non_null(strstr(err.what, name));
}

static void
a_turned_bit_of_the_database_spoils_one_page(void **state)
{
	struct model *m = *state;
	struct vault *v = NULL;
	struct error err = { 0 };
	size_t readable_vaults = 0, step = bit_step(769);

	mend(m);
	remove_one(m, "vault.db-wal");
	for (size_t bit = 0; bit < m->settled.len * 8; bit += step) {
		m->settled.data[bit / 8] ^= (uint8_t)(1 << bit % 8);
		put(m, "vault.db", m->settled.data, m->settled.len);
		if (open_it(m, &v, &err) == RC_OK) {
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
	assert_mends(m);
}

static void
a_cut_off_database_is_noticed(void **state)
{
	struct model *m = *state;
	struct vault *v = NULL;
	struct error err = { 0 };
	size_t step = all() ? 1 : 511;

	mend(m);
	remove_one(m, "vault.db-wal");
	for (size_t len = 0; len < m->settled.len; len += step) {
		put(m, "vault.db", m->settled.data, len);
		if (open_it(m, &v, &err) == RC_OK) {
			readable(vault_db(v), ROWS);
			assert_int_equal(vault_verify(v, &err), RC_DAMAGED);
		} else {
			assert_int_equal(err.code, RC_DAMAGED);
		}
		vault_close(v);
		v = NULL;
	}
	assert_mends(m);
}

/* The write-ahead log ------------------------------------------------------- */

/* All rows of the first n commits and no other. */
static int
commits_kept(struct vault *v)
{
	int kept = 0;

	assert_int_equal(readable(vault_db(v), ROWS - COMMITS), ROWS - COMMITS);
	while (kept < COMMITS && row(vault_db(v), ROWS - COMMITS + 1 + kept) == 1)
		kept++;
	for (int i = kept; i < COMMITS; i++)
		assert_int_equal(row(vault_db(v), ROWS - COMMITS + 1 + i), 0);
	assert_int_equal(vault_verify(v, NULL), RC_OK);
	return kept;
}

static void
a_turned_bit_of_the_wal_before_its_end_is_noticed(void **state)
{
	struct model *m = *state;
	struct bytes *wal = &m->files[3];
	struct vault *v = NULL;
	struct error err = { 0 };
	size_t step = bit_step(977), noticed = 0, ends = 0;

	for (size_t bit = 0; bit < wal->len * 8; bit += step) {
		bool sealed = bit / 8 % SLOT < SLOT_USED;

		mend(m);
		wal->data[bit / 8] ^= (uint8_t)(1 << bit % 8);
		put(m, "vault.db-wal", wal->data, wal->len);
		wal->data[bit / 8] ^= (uint8_t)(1 << bit % 8);
		if (open_it(m, &v, &err) == RC_OK) {
			int kept = commits_kept(v);

			/*
			 * The last transaction may go like one that a power cut left unfinished; the
			 * one before it when the block is hit in which its commit frame ends.
			 */
			assert_true(kept == COMMITS || (sealed && kept >= COMMITS - 2));
			ends += kept != COMMITS;
		} else {
			assert_int_equal(err.code, RC_DAMAGED);
			assert_true(sealed);
			noticed++;
		}
		vault_close(v);
		v = NULL;
	}
	assert_true(noticed > ends);
	assert_mends(m);
}

static void
a_cut_off_wal_leaves_whole_transactions(void **state)
{
	struct model *m = *state;
	struct bytes *wal = &m->files[3];
	struct vault *v = NULL;
	struct error err = { 0 };
	size_t step = all() ? 1 : 1153;
	int before = 0;

	for (size_t len = 0; len <= wal->len; len += step) {
		int kept;

		mend(m);
		put(m, "vault.db-wal", wal->data, len);
		assert_int_equal(open_it(m, &v, &err), RC_OK);
		kept = commits_kept(v);
		assert_true(kept >= before);
		before = kept;
		vault_close(v);
		v = NULL;
	}
	assert_true(before >= COMMITS - 1);
	assert_mends(m);
}

/* The key file ---------------------------------------------------------------- */

static void
one_damaged_copy_of_the_key_file_is_made_good(void **state)
{
	struct model *m = *state;
	struct vault *v = NULL;
	struct error err = { 0 };
	struct bytes now;
	size_t step = all() ? 1 : 37;

	for (int i = 0; i < 2; i++) {
		for (size_t bit = 0; bit < m->files[i].len * 8; bit += step) {
			mend(m);
			m->files[i].data[bit / 8] ^= (uint8_t)(1 << bit % 8);
			put(m, NAMES[i], m->files[i].data, m->files[i].len);
			m->files[i].data[bit / 8] ^= (uint8_t)(1 << bit % 8);
			assert_int_equal(open_it(m, &v, &err), RC_OK);
			vault_close(v);
			take(m, NAMES[i], &now);
			assert_int_equal(now.len, m->files[i].len);
			assert_memory_equal(now.data, m->files[i].data, now.len);
			bytes_reset(&now);
		}
		for (size_t len = 0; len < m->files[i].len; len += all() ? 1 : 31) {
			mend(m);
			put(m, NAMES[i], m->files[i].data, len);
			assert_int_equal(open_it(m, &v, &err), RC_OK);
			vault_close(v);
		}
	}
}

static void
two_damaged_copies_are_told_and_left_alone(void **state)
{
	struct model *m = *state;
	struct vault *v = NULL;
	struct error err = { 0 };
	size_t step = all() ? 1 : 41;
	struct bytes now;

	for (size_t bit = 0; bit < m->files[0].len * 8; bit += step) {
		mend(m);
		for (int i = 0; i < 2; i++) {
			m->files[i].data[bit / 8] ^= (uint8_t)(1 << bit % 8);
			put(m, NAMES[i], m->files[i].data, m->files[i].len);
		}
		assert_int_equal(open_it(m, &v, &err), RC_DAMAGED);
		for (int i = 0; i < 2; i++) {
			take(m, NAMES[i], &now);
			assert_memory_equal(now.data, m->files[i].data, now.len);
			bytes_reset(&now);
			m->files[i].data[bit / 8] ^= (uint8_t)(1 << bit % 8);
		}
	}
	assert_mends(m);
}

/* Whole files ------------------------------------------------------------------ */

/* Whatever comes: an error that says something, or a vault whose rows are right. */
static void
open_whatever(const struct model *m)
{
	struct vault *v = NULL;
	struct error err = { 0 };

	if (open_it(m, &v, &err) == RC_OK)
		readable(vault_db(v), ROWS);
	vault_close(v);
}

enum strange { A_FOLDER, A_PIPE, A_LINK_TO_ITSELF, NOTHING, A_HUGE_ONE, STRANGES };

static void
put_strange(const struct model *m, const char *name, enum strange what)
{
	char path[400];

	path_of(m, name, path);
	remove_one(m, name);
	switch (what) {
	case A_FOLDER:
		assert_int_equal(mkdir(path, 0700), 0);
		break;
	case A_PIPE:
		assert_int_equal(mkfifo(path, 0600), 0);
		break;
	case A_LINK_TO_ITSELF:
		assert_int_equal(symlink(path, path), 0);
		break;
	case A_HUGE_ONE:
		put(m, name, (const uint8_t *)"x", 1);
		assert_int_equal(truncate(path, (off_t)1 << 26), 0);
		break;
	case NOTHING:
	case STRANGES:
		put(m, name, (const uint8_t *)"", 0);
	}
}

/* One copy of the key file is enough; a database or WAL of the kind is told by its name. */
static void
what_is_no_file_of_a_vault_is_told_by_name(void **state)
{
	struct model *m = *state;

	for (int i = 0; i < FILES - 1; i++) {
		for (int what = 0; what < STRANGES; what++) {
			struct vault *v = NULL;
			struct error err = { 0 };
			enum rc rc;

			mend(m);
			put_strange(m, NAMES[i], (enum strange)what);
			rc = open_it(m, &v, &err);
			if (i < 2) {
				assert_int_equal(rc, RC_OK);
				assert_int_equal(readable(vault_db(v), ROWS), ROWS);
			} else if (i == 2 && what == A_HUGE_ONE) {
				/* what stands in the WAL may be enough to open it */
				assert_true(rc == RC_DAMAGED || vault_verify(v, &err) == RC_DAMAGED);
			} else if (i == 2 || what < NOTHING) {
				assert_int_equal(rc, RC_DAMAGED);
				assert_non_null(strstr(err.where, m->f->dir));
				assert_true(err.help[0] != '\0');
			} else {
				/* a WAL that is gone takes with it what was in it alone */
				assert_int_equal(rc, RC_OK);
				assert_int_equal(readable(vault_db(v), ROWS), ROWS - COMMITS);
			}
			vault_close(v);
			assert_mends(m);
		}
	}
	for (int what = 0; what < STRANGES; what++) {
		struct vault *v = NULL;
		struct error err = { 0 };

		mend(m);
		put_strange(m, NAMES[0], (enum strange)what);
		put_strange(m, NAMES[1], (enum strange)what);
		assert_int_equal(open_it(m, &v, &err), RC_DAMAGED);
		assert_non_null(strstr(err.what, "key file"));
	}
	assert_mends(m);
}

/* A bit of every slot that was written. */
static void
turn_slots(struct bytes *wal)
{
	static const uint8_t nothing[SLOT];

	for (size_t at = 0; at + SLOT <= wal->len; at += SLOT)
		if (memcmp(wal->data + at, nothing, SLOT) != 0)
			wal->data[at] ^= 1;
}

/* All of it was written, and none of it opens: that is no power cut. */
static void
a_wal_of_other_keys_is_told_and_left_alone(void **state)
{
	struct model *m = *state;
	struct bytes *wal = &m->files[3], now;
	struct vault *v = NULL;
	struct error err = { 0 };

	mend(m);
	turn_slots(wal);
	put(m, NAMES[3], wal->data, wal->len);
	assert_int_equal(open_it(m, &v, &err), RC_DAMAGED);
	assert_non_null(strstr(err.what, "another vault"));
	take(m, NAMES[3], &now);
	assert_int_equal(now.len, wal->len);
	assert_memory_equal(now.data, wal->data, now.len);
	bytes_reset(&now);
	/* with a sector that was never written it may be one */
	memset(wal->data + 1024, 0, 512);
	put(m, NAMES[3], wal->data, wal->len);
	assert_int_equal(open_it(m, &v, &err), RC_OK);
	assert_int_equal(readable(vault_db(v), ROWS), ROWS - COMMITS);
	vault_close(v);
	bytes_reset(wal);
	bytes_init(wal);
	bytes_put(wal, m->wal.data, m->wal.len);
	assert_mends(m);
}

static void
a_missing_file_is_told(void **state)
{
	struct model *m = *state;

	for (int i = 0; i < FILES; i++) {
		mend(m);
		remove_one(m, NAMES[i]);
		open_whatever(m);
		assert_mends(m);
	}
	/* without its database a vault is never begun anew */
	for (int i = 0; i < FILES; i++) {
		struct vault *v = NULL;
		struct error err = { 0 };

		if (i == 2)
			continue;
		mend(m);
		remove_one(m, "vault.db");
		remove_one(m, NAMES[i]);
		assert_int_not_equal(open_it(m, &v, &err), RC_OK);
		assert_int_not_equal(vault_create_with_master(m->f->dir, m->f->master, &v, &err), RC_OK);
	}
}

static void
files_of_another_vault_and_of_each_other_are_told(void **state)
{
	struct model *m = *state;
	struct vault *v = NULL;
	struct error err = { 0 };

	for (int i = 0; i < FILES - 1; i++) {
		mend(m);
		put(m, NAMES[i], m->other[i].data, m->other[i].len);
		open_whatever(m);
		for (int k = 0; k < i; k++) {
			mend(m);
			put(m, NAMES[i], m->files[k].data, m->files[k].len);
			put(m, NAMES[k], m->files[i].data, m->files[i].len);
			open_whatever(m);
		}
		assert_mends(m);
	}
	/* its database with our keys, in a folder that had no WAL */
	mend(m);
	remove_one(m, "vault.db-wal");
	put(m, "vault.db", m->other[2].data, m->other[2].len);
	assert_int_equal(open_it(m, &v, &err), RC_DAMAGED);
}

/* A page from elsewhere in the file, or from another vault: its place is part of the seal. */
static void
moved_pages_are_noticed(void **state)
{
	struct model *m = *state;
	size_t pages = m->settled.len / PAGE;
	struct vault *v = NULL;
	struct error err = { 0 };
	uint8_t keep[PAGE];

	mend(m);
	remove_one(m, "vault.db-wal");
	for (size_t from = 1; from < pages; from++) {
		for (size_t to = 1; to < pages; to += all() ? 1 : 3) {
			uint8_t *at = m->settled.data + to * PAGE;

			if (from == to)
				continue;
			memcpy(keep, at, PAGE);
			memcpy(at, m->settled.data + from * PAGE, PAGE);
			put(m, "vault.db", m->settled.data, m->settled.len);
			memcpy(at, keep, PAGE);
			assert_int_equal(open_it(m, &v, &err), RC_OK);
			check_page(v, (int64_t)to + 1);
			vault_close(v);
		}
	}
}

static void
a_vault_that_may_not_be_written_is_told(void **state)
{
	struct model *m = *state;
	struct vault *v = NULL;
	struct error err = { 0 };
	bool root = geteuid() == 0;
	char path[400];

	mend(m);
	for (int i = 0; i < FILES; i++) {
		path_of(m, NAMES[i], path);
		assert_int_equal(chmod(path, 0444), 0);
	}
	assert_int_equal(chmod(m->f->root, 0755), 0);
	assert_int_equal(chmod(m->f->dir, 0555), 0);
	/* nobody: root may write everywhere */
	if (root)
		assert_int_equal(seteuid(65534), 0);
	assert_int_equal(open_it(m, &v, &err), RC_IO);
	if (root)
		assert_int_equal(seteuid(0), 0);
	assert_int_equal(chmod(m->f->dir, 0700), 0);
	for (int i = 0; i < FILES; i++) {
		path_of(m, NAMES[i], path);
		assert_int_equal(chmod(path, 0600), 0);
	}
	assert_mends(m);
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
		cmocka_unit_test(what_is_no_file_of_a_vault_is_told_by_name),
		cmocka_unit_test(a_wal_of_other_keys_is_told_and_left_alone),
		cmocka_unit_test(a_missing_file_is_told),
		cmocka_unit_test(files_of_another_vault_and_of_each_other_are_told),
		cmocka_unit_test(moved_pages_are_noticed),
		cmocka_unit_test(a_vault_that_may_not_be_written_is_told),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
