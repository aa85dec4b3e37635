#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sodium.h>
#include <sqlite3.h>

#include "shared/base/files.h"
#include "shared/vault/secret.h"
#include "shared/vault/vault_parts.h"
#include "shared/vault/vault_rekey.h"
#include "tests/support/rekey_desk.h"
#include "tests/support/vault_folder.h"

enum { WRAPPED_MAX = 200 };

const struct vault_kdf REKEY_KDF = { VAULT_KDF_MEMORY_MIN_MIB, 1 };
static const char CONTEXT[] = "place of the secret";

/* Folders ------------------------------------------------------------------ */

void
rekey_desk_path(const struct rekey_desk *d, const char *name, char out[FILES_PATH_MAX])
{
	assert_int_equal(files_join(d->f->dir, name, out), RC_OK);
}

void
rekey_folder_reset(struct rekey_folder *f)
{
	for (size_t i = 0; i < f->n; i++)
		bytes_reset(&f->files[i].b);
	f->n = 0;
}

/* The lock aside, which says nothing. */
void
rekey_folder_take(const struct rekey_desk *d, struct rekey_folder *out)
{
	char **names, path[FILES_PATH_MAX];
	size_t n;

	rekey_folder_reset(out);
	assert_int_equal(files_list(d->f->dir, &names, &n, NULL), RC_OK);
	for (size_t i = 0; i < n; i++) {
		struct rekey_file *k = &out->files[out->n];

		if (strcmp(names[i], "vault.lock") == 0)
			continue;
		assert_true(out->n < REKEY_FILES);
		snprintf(k->name, sizeof k->name, "%s", names[i]);
		bytes_init(&k->b);
		rekey_desk_path(d, names[i], path);
		assert_int_equal(files_read(path, 1 << 26, &k->b, NULL), RC_OK);
		out->n++;
	}
	files_names_free(names, n);
}

const struct bytes *
rekey_folder_file(const struct rekey_folder *f, const char *name)
{
	for (size_t i = 0; i < f->n; i++)
		if (strcmp(f->files[i].name, name) == 0)
			return &f->files[i].b;
	abort();
}

void
rekey_desk_put(const struct rekey_desk *d, const char *name, const struct bytes *b)
{
	char path[FILES_PATH_MAX];

	rekey_desk_path(d, name, path);
	assert_int_equal(files_replace(path, b->data, b->len, NULL), RC_OK);
}

bool
rekey_desk_has(const struct rekey_desk *d, const char *name)
{
	char path[FILES_PATH_MAX];

	rekey_desk_path(d, name, path);
	return files_exists(path);
}

void
rekey_folder_put(const struct rekey_desk *d, const struct rekey_folder *f)
{
	vault_folder_remove(d->f->dir);
	assert_int_equal(files_make_dir(d->f->dir, NULL), RC_OK);
	for (size_t i = 0; i < f->n; i++)
		rekey_desk_put(d, f->files[i].name, &f->files[i].b);
}

void
rekey_desk_is(const struct rekey_desk *d, const struct rekey_folder *was)
{
	struct rekey_folder now = { .n = 0 };

	rekey_folder_take(d, &now);
	assert_int_equal(now.n, was->n);
	for (size_t i = 0; i < now.n; i++) {
		assert_string_equal(now.files[i].name, was->files[i].name);
		assert_int_equal(now.files[i].b.len, was->files[i].b.len);
		assert_memory_equal(now.files[i].b.data, was->files[i].b.data, now.files[i].b.len);
	}
	rekey_folder_reset(&now);
}

/* A vault with all that a rekey_desk_run must bring over ------------------------------ */

static struct secret *
words(const char *text)
{
	struct secret *s = NULL;

	assert_int_equal(secret_from(text, strlen(text), &s), RC_OK);
	return s;
}

void
rekey_desk_save(struct vault *v, int n)
{
	char sql[200];

	snprintf(sql, sizeof sql, "WITH RECURSIVE c(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM c"
	    " WHERE i < %d) INSERT INTO note(body) SELECT printf('%%.*c', 500, 'x') FROM c", n);
	vault_folder_sql(v, sql);
}

static void
make(struct rekey_desk *d)
{
	uint8_t public[32], secret[32];
	sqlite3_stmt *q = NULL;
	struct bytes wrapped;

	crypto_box_keypair(public, secret);
	memcpy(d->escrow_public, public, sizeof public);
	assert_int_equal(secret_from(secret, sizeof secret, &d->escrow_secret), RC_OK);
	assert_int_equal(vault_create(d->f->dir, d->old_pass, REKEY_KDF, d->escrow_public, &d->v,
	    &d->old_code, NULL), RC_OK);
	assert_int_equal(vault_migrate(d->v, VAULT_FOLDER_SCHEMA, NULL), RC_OK);
	vault_folder_sql(d->v, "CREATE TABLE wrapped (bytes BLOB NOT NULL)");
	rekey_desk_save(d->v, REKEY_ROWS);
	bytes_init(&wrapped);
	assert_int_equal(vault_wrap(d->v, VAULT_IDENTITY, CONTEXT, d->inner, &wrapped), RC_OK);
	assert_int_equal(sqlite3_prepare_v2(vault_db(d->v), "INSERT INTO wrapped VALUES (?1)", -1, &q,
	    NULL), SQLITE_OK);
	sqlite3_bind_blob(q, 1, wrapped.data, (int)wrapped.len, SQLITE_TRANSIENT);
	assert_int_equal(sqlite3_step(q), SQLITE_DONE);
	sqlite3_finalize(q);
	bytes_reset(&wrapped);
	memcpy(d->old_master, secret_bytes(d->v->master), SECRET_KEY_BYTES);
	vault_close(d->v);
	d->v = NULL;
	rekey_folder_take(d, &d->before);
	assert_int_equal(vault_open(d->f->dir, d->old_pass, &d->v, NULL), RC_OK);
}

static size_t
wrapped_of(struct vault *v, uint8_t out[WRAPPED_MAX])
{
	sqlite3_stmt *q = NULL;
	size_t n;

	assert_int_equal(sqlite3_prepare_v2(vault_db(v), "SELECT bytes FROM wrapped", -1, &q, NULL),
	    SQLITE_OK);
	assert_int_equal(sqlite3_step(q), SQLITE_ROW);
	n = (size_t)sqlite3_column_bytes(q, 0);
	assert_in_range(n, 1, WRAPPED_MAX);
	memcpy(out, sqlite3_column_blob(q, 0), n);
	sqlite3_finalize(q);
	return n;
}

enum rc
rekey_desk_rewrap(struct vault *from, struct vault *to, struct error *err)
{
	uint8_t raw[WRAPPED_MAX];
	size_t n = wrapped_of(from, raw);
	struct secret *s = NULL;
	struct bytes fresh;
	sqlite3_stmt *q = NULL;

	(void)err;
	bytes_init(&fresh);
	assert_int_equal(vault_unwrap(from, VAULT_IDENTITY, CONTEXT, raw, n, &s), RC_OK);
	assert_int_equal(vault_wrap(to, VAULT_IDENTITY, CONTEXT, s, &fresh), RC_OK);
	assert_int_equal(sqlite3_prepare_v2(vault_db(to), "UPDATE wrapped SET bytes = ?1", -1, &q, NULL),
	    SQLITE_OK);
	sqlite3_bind_blob(q, 1, fresh.data, (int)fresh.len, SQLITE_TRANSIENT);
	assert_int_equal(sqlite3_step(q), SQLITE_DONE);
	sqlite3_finalize(q);
	bytes_reset(&fresh);
	secret_free(s);
	return RC_OK;
}

enum rc
rekey_desk_run(struct rekey_desk *d)
{
	struct vault_kdf same = { 0, 0 };
	struct vault_rewrap how = { rekey_desk_rewrap };

	return vault_rekey(d->v, d->new_pass, same, how, &d->code, NULL);
}

/* An open vault with everything in it, which it also saves. */
void
rekey_desk_whole(const struct rekey_desk *d, struct vault *v, int64_t rows)
{
	uint8_t raw[WRAPPED_MAX];
	struct secret *s = NULL;
	size_t n;

	assert_non_null(v);
	assert_int_equal(vault_folder_number(v, "SELECT count(*) FROM note"), rows);
	n = wrapped_of(v, raw);
	assert_int_equal(vault_unwrap(v, VAULT_IDENTITY, CONTEXT, raw, n, &s), RC_OK);
	assert_true(secret_equal(s, d->inner));
	secret_free(s);
	assert_int_equal(vault_verify(v, NULL), RC_OK);
	vault_folder_sql(v, "INSERT INTO tag(note) VALUES (1); DELETE FROM tag");
}

void
rekey_desk_opens(struct rekey_desk *d, const struct secret *passphrase, int64_t rows)
{
	struct vault *v = NULL;

	assert_int_equal(vault_open(d->f->dir, passphrase, &v, NULL), RC_OK);
	rekey_desk_whole(d, v, rows);
	vault_close(v);
}

enum rc
rekey_desk_by_code(const struct rekey_desk *d, const struct secret *code)
{
	struct vault *v = NULL;
	enum rc rc = vault_open_with_recovery(d->f->dir, code, &v, NULL);

	vault_close(v);
	return rc;
}

enum rc
rekey_desk_by_words(const struct rekey_desk *d, const struct secret *passphrase)
{
	struct vault *v = NULL;
	enum rc rc = vault_open(d->f->dir, passphrase, &v, NULL);

	vault_close(v);
	return rc;
}

int
rekey_desk_set_up(void **state)
{
	struct rekey_desk *d = calloc(1, sizeof *d);
	void *f;

	assert_non_null(d);
	if (vault_folder_set_up(&f) != 0)
		return -1;
	d->f = f;
	d->old_pass = words("mật khẩu của hôm qua");
	d->new_pass = words("mật khẩu của hôm nay");
	d->inner = words("a secret of 32 bytes, more or le");
	make(d);
	*state = d;
	return 0;
}

/* Rekeyed and closed. */
int
rekey_desk_set_up_after(void **state)
{
	struct rekey_desk *d;

	if (rekey_desk_set_up(state) != 0)
		return -1;
	d = *state;
	assert_int_equal(rekey_desk_run(d), RC_OK);
	vault_close(d->v);
	d->v = NULL;
	rekey_folder_take(d, &d->after);
	return 0;
}

int
rekey_desk_tear_down(void **state)
{
	struct rekey_desk *d = *state;
	void *f = d->f;

	vault_close(d->v);
	rekey_folder_reset(&d->before);
	rekey_folder_reset(&d->after);
	secret_free(d->old_pass);
	secret_free(d->new_pass);
	secret_free(d->old_code);
	secret_free(d->code);
	secret_free(d->inner);
	secret_free(d->escrow_secret);
	free(d);
	return vault_folder_tear_down(&f);
}

