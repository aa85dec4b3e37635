#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "shared/vault/vault.h"
#include "tests/support/damaged_vault.h"

/* What stands in the place of a vault's files and is none of them, and what is not there. */

enum { SLOT = 4608 };

/* Whatever comes: an error that says something, or a vault whose rows are right. */
static void
open_whatever(const struct damaged_vault *m)
{
	struct vault *v = NULL;
	struct error err = { 0 };

	if (damaged_vault_open(m, &v, &err) == RC_OK)
		damaged_vault_readable(vault_db(v), DAMAGED_VAULT_ROWS);
	vault_close(v);
}

enum strange { A_FOLDER, A_PIPE, A_LINK_TO_ITSELF, NOTHING, A_HUGE_ONE, STRANGES };

static void
put_strange(const struct damaged_vault *m, const char *name, enum strange what)
{
	char path[400];

	damaged_vault_path(m, name, path);
	damaged_vault_remove(m, name);
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
		damaged_vault_put(m, name, (const uint8_t *)"x", 1);
		assert_int_equal(truncate(path, (off_t)1 << 26), 0);
		break;
	case NOTHING:
	case STRANGES:
		damaged_vault_put(m, name, (const uint8_t *)"", 0);
	}
}

/* One copy of the key file is enough; a database or WAL of the kind is told by its name. */
static void
what_is_no_file_of_a_vault_is_told_by_name(void **state)
{
	struct damaged_vault *m = *state;

	for (int i = 0; i < DAMAGED_VAULT_FILES - 1; i++) {
		for (int what = 0; what < STRANGES; what++) {
			struct vault *v = NULL;
			struct error err = { 0 };
			enum rc rc;

			damaged_vault_mend(m);
			put_strange(m, DAMAGED_VAULT_NAMES[i], (enum strange)what);
			rc = damaged_vault_open(m, &v, &err);
			if (i < 2) {
				assert_int_equal(rc, RC_OK);
				assert_int_equal(damaged_vault_readable(vault_db(v), DAMAGED_VAULT_ROWS), DAMAGED_VAULT_ROWS);
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
				assert_int_equal(damaged_vault_readable(vault_db(v), DAMAGED_VAULT_ROWS), DAMAGED_VAULT_ROWS - DAMAGED_VAULT_COMMITS);
			}
			vault_close(v);
			damaged_vault_mends(m);
		}
	}
	for (int what = 0; what < STRANGES; what++) {
		struct vault *v = NULL;
		struct error err = { 0 };

		damaged_vault_mend(m);
		put_strange(m, DAMAGED_VAULT_NAMES[0], (enum strange)what);
		put_strange(m, DAMAGED_VAULT_NAMES[1], (enum strange)what);
		assert_int_equal(damaged_vault_open(m, &v, &err), RC_DAMAGED);
		assert_non_null(strstr(err.what, "key file"));
	}
	damaged_vault_mends(m);
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
	struct damaged_vault *m = *state;
	struct bytes *wal = &m->files[3], now;
	struct vault *v = NULL;
	struct error err = { 0 };

	damaged_vault_mend(m);
	turn_slots(wal);
	damaged_vault_put(m, DAMAGED_VAULT_NAMES[3], wal->data, wal->len);
	assert_int_equal(damaged_vault_open(m, &v, &err), RC_DAMAGED);
	assert_non_null(strstr(err.what, "another vault"));
	damaged_vault_take(m, DAMAGED_VAULT_NAMES[3], &now);
	assert_int_equal(now.len, wal->len);
	assert_memory_equal(now.data, wal->data, now.len);
	bytes_reset(&now);
	/* with a sector that was never written it may be one */
	memset(wal->data + 1024, 0, 512);
	damaged_vault_put(m, DAMAGED_VAULT_NAMES[3], wal->data, wal->len);
	assert_int_equal(damaged_vault_open(m, &v, &err), RC_OK);
	assert_int_equal(damaged_vault_readable(vault_db(v), DAMAGED_VAULT_ROWS), DAMAGED_VAULT_ROWS - DAMAGED_VAULT_COMMITS);
	vault_close(v);
	bytes_reset(wal);
	bytes_init(wal);
	bytes_put(wal, m->wal.data, m->wal.len);
	damaged_vault_mends(m);
}

static void
a_missing_file_is_told(void **state)
{
	struct damaged_vault *m = *state;

	for (int i = 0; i < DAMAGED_VAULT_FILES; i++) {
		damaged_vault_mend(m);
		damaged_vault_remove(m, DAMAGED_VAULT_NAMES[i]);
		open_whatever(m);
		damaged_vault_mends(m);
	}
	/* without its database a vault is never begun anew */
	for (int i = 0; i < DAMAGED_VAULT_FILES; i++) {
		struct vault *v = NULL;
		struct error err = { 0 };

		if (i == 2)
			continue;
		damaged_vault_mend(m);
		damaged_vault_remove(m, "vault.db");
		damaged_vault_remove(m, DAMAGED_VAULT_NAMES[i]);
		assert_int_not_equal(damaged_vault_open(m, &v, &err), RC_OK);
		assert_int_not_equal(vault_create_with_master(m->f->dir, m->f->master, &v, &err), RC_OK);
	}
}

static void
files_of_another_vault_and_of_each_other_are_told(void **state)
{
	struct damaged_vault *m = *state;
	struct vault *v = NULL;
	struct error err = { 0 };

	for (int i = 0; i < DAMAGED_VAULT_FILES - 1; i++) {
		damaged_vault_mend(m);
		damaged_vault_put(m, DAMAGED_VAULT_NAMES[i], m->other[i].data, m->other[i].len);
		open_whatever(m);
		for (int k = 0; k < i; k++) {
			damaged_vault_mend(m);
			damaged_vault_put(m, DAMAGED_VAULT_NAMES[i], m->files[k].data, m->files[k].len);
			damaged_vault_put(m, DAMAGED_VAULT_NAMES[k], m->files[i].data, m->files[i].len);
			open_whatever(m);
		}
		damaged_vault_mends(m);
	}
	/* its database with our keys, in a folder that had no WAL */
	damaged_vault_mend(m);
	damaged_vault_remove(m, "vault.db-wal");
	damaged_vault_put(m, "vault.db", m->other[2].data, m->other[2].len);
	assert_int_equal(damaged_vault_open(m, &v, &err), RC_DAMAGED);
}

static void
a_vault_that_may_not_be_written_is_told(void **state)
{
	struct damaged_vault *m = *state;
	struct vault *v = NULL;
	struct error err = { 0 };
	bool root = geteuid() == 0;
	char path[400];

	damaged_vault_mend(m);
	for (int i = 0; i < DAMAGED_VAULT_FILES; i++) {
		damaged_vault_path(m, DAMAGED_VAULT_NAMES[i], path);
		assert_int_equal(chmod(path, 0444), 0);
	}
	assert_int_equal(chmod(m->f->root, 0755), 0);
	assert_int_equal(chmod(m->f->dir, 0555), 0);
	/* nobody: root may write everywhere */
	if (root)
		assert_int_equal(seteuid(65534), 0);
	assert_int_equal(damaged_vault_open(m, &v, &err), RC_IO);
	if (root)
		assert_int_equal(seteuid(0), 0);
	assert_int_equal(chmod(m->f->dir, 0700), 0);
	for (int i = 0; i < DAMAGED_VAULT_FILES; i++) {
		damaged_vault_path(m, DAMAGED_VAULT_NAMES[i], path);
		assert_int_equal(chmod(path, 0600), 0);
	}
	damaged_vault_mends(m);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_no_file_of_a_vault_is_told_by_name),
		cmocka_unit_test(a_wal_of_other_keys_is_told_and_left_alone),
		cmocka_unit_test(a_missing_file_is_told),
		cmocka_unit_test(files_of_another_vault_and_of_each_other_are_told),
		cmocka_unit_test(a_vault_that_may_not_be_written_is_told),
	};

	return cmocka_run_group_tests(tests, damaged_vault_set_up, damaged_vault_tear_down);
}
