#include "tests/support/damaged_vault.h"

#include <stdarg.h>
#include <setjmp.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <sqlite3.h>

#include "shared/base/files.h"
#include "shared/vault/vault.h"

const char *const DAMAGED_VAULT_NAMES[DAMAGED_VAULT_FILES] = { "vault.key", "vault.key.b", "vault.db",
    "vault.db-wal", "vault.lock" };

void
damaged_vault_path(const struct damaged_vault *m, const char *name, char out[400])
{
	snprintf(out, 400, "%s/%s", m->f->dir, name);
}

void
damaged_vault_put(const struct damaged_vault *m, const char *name, const uint8_t *p, size_t len)
{
	char path[400];
	FILE *file;

	damaged_vault_path(m, name, path);
	file = fopen(path, "wb");
	assert_non_null(file);
	assert_int_equal(fwrite(p, 1, len, file), len);
	assert_int_equal(fclose(file), 0);
}

void
damaged_vault_take(const struct damaged_vault *m, const char *name, struct bytes *out)
{
	char path[400];

	bytes_init(out);
	damaged_vault_path(m, name, path);
	assert_int_equal(files_read(path, 1 << 24, out, NULL), RC_OK);
}

void
damaged_vault_remove(const struct damaged_vault *m, const char *name)
{
	char path[400];

	damaged_vault_path(m, name, path);
	if (files_is_dir(path))
		assert_int_equal(rmdir(path), 0);
	else
		unlink(path);
}

void
damaged_vault_mend(const struct damaged_vault *m)
{
	for (int i = 0; i < DAMAGED_VAULT_FILES; i++) {
		damaged_vault_remove(m, DAMAGED_VAULT_NAMES[i]);
		damaged_vault_put(m, DAMAGED_VAULT_NAMES[i], m->files[i].data, m->files[i].len);
	}
	damaged_vault_remove(m, "vault.db-journal");
}

static void
fill(struct vault *v, char letter)
{
	char sql[200];

	for (int i = 1; i <= DAMAGED_VAULT_ROWS; i++) {
		if (i == DAMAGED_VAULT_ROWS - DAMAGED_VAULT_COMMITS + 1)
			vault_folder_sql(v, "PRAGMA wal_checkpoint(TRUNCATE)");
		snprintf(sql, sizeof sql, "INSERT INTO note VALUES (%d, printf('%%d%%.*c', %d, %d, '%c'))", i,
		    i, DAMAGED_VAULT_BODY, letter);
		vault_folder_sql(v, sql);
	}
}

int
damaged_vault_set_up(void **state)
{
	struct damaged_vault *m = calloc(1, sizeof *m);
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
		for (int i = 0; i < DAMAGED_VAULT_FILES; i++)
			damaged_vault_take(m, DAMAGED_VAULT_NAMES[i], turn == 0 ? &m->other[i] : &m->files[i]);
		vault_close(v);
	}
	damaged_vault_take(m, "vault.db", &m->settled);
	bytes_init(&m->wal);
	bytes_put(&m->wal, m->files[3].data, m->files[3].len);
	*state = m;
	return 0;
}

int
damaged_vault_tear_down(void **state)
{
	struct damaged_vault *m = *state;
	void *f = m->f;

	for (int i = 0; i < DAMAGED_VAULT_FILES; i++) {
		bytes_reset(&m->files[i]);
		bytes_reset(&m->other[i]);
	}
	bytes_reset(&m->settled);
	bytes_reset(&m->wal);
	free(m);
	return vault_folder_tear_down(&f);
}

enum rc
damaged_vault_open(const struct damaged_vault *m, struct vault **v, struct error *err)
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

int
damaged_vault_row(struct sqlite3 *db, int i)
{
	char want[DAMAGED_VAULT_BODY + 20];
	sqlite3_stmt *q = NULL;
	int rc, found;

	snprintf(want, sizeof want, "%d%0*d", i, DAMAGED_VAULT_BODY, 0);
	for (char *c = want + strlen(want) - DAMAGED_VAULT_BODY; *c != '\0'; c++)
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

int
damaged_vault_readable(struct sqlite3 *db, int upto)
{
	int n = 0;

	for (int i = 1; i <= upto; i++)
		n += damaged_vault_row(db, i) == 1;
	return n;
}

void
damaged_vault_mends(const struct damaged_vault *m)
{
	struct vault *v = NULL;
	struct error err = { 0 };

	damaged_vault_mend(m);
	assert_int_equal(damaged_vault_open(m, &v, &err), RC_OK);
	assert_int_equal(damaged_vault_readable(vault_db(v), DAMAGED_VAULT_ROWS), DAMAGED_VAULT_ROWS);
	vault_close(v);
}
