#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sqlite3.h>

#include "shared/base/files.h"
#include "shared/vault/secret.h"
#include "shared/vault/vault.h"
#include "shared/vault/vault_salvage.h"
#include "tests/support/faults.h"
#include "tests/support/vault_folder.h"

enum { ROWS = 40, KDF_MIB = 32 };

static const char NEXT_SCHEMA[] =
    "-- version 1\n"
    "CREATE TABLE note (id INTEGER PRIMARY KEY, body TEXT NOT NULL);\n"
    "-- version 2\n"
    "CREATE TABLE tag (id INTEGER PRIMARY KEY, note INTEGER REFERENCES note(id));\n"
    "-- version 3\n"
    "ALTER TABLE note ADD COLUMN length INTEGER;\n"
    "UPDATE note SET length = length(body);\n";

struct desk {
	struct vault_folder *f;
	char model[300];		/* a vault as a power cut leaves it: the work is in its WAL */
	struct vault *v;		/* open over all tries, or NULL */
	struct secret *old_pass, *new_pass, *code;
	int64_t saved;			/* rows that were acknowledged */
};

static void
copy_folder(const char *from, const char *to)
{
	char **names, path[700];
	struct bytes b;
	size_t n;

	vault_folder_remove(to);
	assert_int_equal(files_make_dir(to, NULL), RC_OK);
	assert_int_equal(files_list(from, &names, &n, NULL), RC_OK);
	for (size_t i = 0; i < n; i++) {
		bytes_init(&b);
		snprintf(path, sizeof path, "%s/%s", from, names[i]);
		assert_int_equal(files_read(path, 1 << 26, &b, NULL), RC_OK);
		snprintf(path, sizeof path, "%s/%s", to, names[i]);
		assert_int_equal(files_replace(path, b.data, b.len, NULL), RC_OK);
		bytes_reset(&b);
	}
	files_names_free(names, n);
}

static struct secret *
words(const char *text)
{
	struct secret *s = NULL;

	assert_int_equal(secret_from(text, strlen(text), &s), RC_OK);
	return s;
}

static int
set_up(void **state)
{
	struct desk *d = calloc(1, sizeof *d);
	void *f;
	char sql[200];

	assert_non_null(d);
	if (vault_folder_set_up(&f) != 0)
		return -1;
	faults_start();
	d->f = f;
	d->old_pass = words("mật khẩu cũ của tôi");
	d->new_pass = words("mật khẩu mới của tôi");
	snprintf(d->model, sizeof d->model, "%s/model", d->f->root);
	d->v = vault_folder_made(d->f);
	snprintf(sql, sizeof sql, "WITH RECURSIVE c(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM c"
	    " WHERE i < %d) INSERT INTO note(body) SELECT printf('%%.*c', 500, 'x') FROM c", ROWS);
	vault_folder_sql(d->v, sql);
	copy_folder(d->f->dir, d->model);
	vault_close(d->v);
	d->v = NULL;
	*state = d;
	return 0;
}

static int
tear_down(void **state)
{
	struct desk *d = *state;
	void *f = d->f;

	vault_close(d->v);
	secret_free(d->old_pass);
	secret_free(d->new_pass);
	secret_free(d->code);
	free(d);
	return vault_folder_tear_down(&f);
}

static void
no_folder(void *ctx)
{
	struct desk *d = ctx;

	vault_folder_remove(d->f->dir);
}

static void
model_folder(void *ctx)
{
	struct desk *d = ctx;

	copy_folder(d->model, d->f->dir);
}

static void
assert_opens(struct desk *d)
{
	struct vault *v = vault_folder_reopened(d->f);

	assert_int_equal(vault_folder_number(v, "SELECT count(*) FROM note"), ROWS);
	assert_int_equal(vault_verify(v, NULL), RC_OK);
	vault_close(v);
}

static enum rc
run_create(void *ctx, struct error *err)
{
	struct desk *d = ctx;
	struct vault *v = NULL;
	enum rc rc = vault_create_with_master(d->f->dir, d->f->master, &v, err);

	assert_true((rc == RC_OK) == (v != NULL));
	vault_close(v);
	return rc;
}

static void
check_create(void *ctx, enum rc rc)
{
	struct desk *d = ctx;
	struct vault *v;

	if (rc != RC_OK)
		return;
	v = vault_folder_reopened(d->f);
	assert_int_equal(vault_verify(v, NULL), RC_OK);
	vault_close(v);
}

static void
creating_a_vault(void **state)
{
	struct faults_task t = { .name = "vault_create", .prepare = no_folder, .run = run_create,
	    .check = check_create };

	faults_drive(&t, *state);
}

static enum rc
run_create_full(void *ctx, struct error *err)
{
	struct desk *d = ctx;
	struct vault_kdf kdf = { KDF_MIB, 1 };
	struct vault *v = NULL;
	enum rc rc;

	secret_free(d->code);
	rc = vault_create(d->f->dir, d->old_pass, kdf, NULL, &v, &d->code, err);
	assert_true((rc == RC_OK) == (v != NULL));
	assert_true((rc == RC_OK) == (d->code != NULL));
	vault_close(v);
	return rc;
}

static void
check_create_full(void *ctx, enum rc rc)
{
	struct desk *d = ctx;
	struct vault *v = NULL;

	if (rc != RC_OK)
		return;
	assert_int_equal(vault_open_with_recovery(d->f->dir, d->code, &v, NULL), RC_OK);
	vault_close(v);
}

static void
creating_a_vault_with_a_passphrase(void **state)
{
	struct faults_task t = { .name = "vault_create with a passphrase", .prepare = no_folder,
	    .run = run_create_full, .check = check_create_full, .argon2 = true };

	faults_drive(&t, *state);
}

static enum rc
run_open(void *ctx, struct error *err)
{
	struct desk *d = ctx;
	struct vault *v = NULL;
	enum rc rc = vault_open_with_master(d->f->dir, d->f->master, &v, err);

	assert_true((rc == RC_OK) == (v != NULL));
	vault_close(v);
	return rc;
}

static void
check_open(void *ctx, enum rc rc)
{
	if (rc == RC_OK)
		assert_opens(ctx);
}

static void
opening_a_vault_after_a_power_cut(void **state)
{
	struct faults_task t = { .name = "vault_open", .prepare = model_folder, .run = run_open,
	    .check = check_open };

	faults_drive(&t, *state);
}

static enum rc
run_migrate(void *ctx, struct error *err)
{
	struct desk *d = ctx;
	struct vault *v = NULL;
	enum rc rc = vault_open_with_master(d->f->dir, d->f->master, &v, err);

	if (rc == RC_OK)
		rc = vault_migrate(v, NEXT_SCHEMA, err);
	vault_close(v);
	return rc;
}

static void
check_migrate(void *ctx, enum rc rc)
{
	struct desk *d = ctx;
	struct vault *v = vault_folder_reopened(d->f);
	int64_t version = vault_folder_number(v, "PRAGMA user_version");

	/* an error after COMMIT is none of this call, one before it is not done */
	assert_int_equal(version, rc == RC_OK ? 3 : 2);
	if (version == 3)
		assert_int_equal(vault_folder_number(v, "SELECT sum(length) FROM note"), ROWS * 500);
	assert_int_equal(vault_verify(v, NULL), RC_OK);
	vault_close(v);
}

static void
migrating_a_vault(void **state)
{
	struct faults_task t = { .name = "vault_migrate", .prepare = model_folder, .run = run_migrate,
	    .check = check_migrate };

	faults_drive(&t, *state);
}

static enum rc
run_wipe(void *ctx, struct error *err)
{
	struct desk *d = ctx;

	return vault_wipe(d->f->dir, err);
}

static void
check_wipe(void *ctx, enum rc rc)
{
	struct desk *d = ctx;

	if (rc == RC_OK)
		assert_false(vault_exists(d->f->dir));
}

static void
wiping_a_vault(void **state)
{
	struct faults_task t = { .name = "vault_wipe", .prepare = model_folder, .run = run_wipe,
	    .check = check_wipe };

	faults_drive(&t, *state);
}

static void
keep_open(struct desk *d)
{
	copy_folder(d->model, d->f->dir);
	d->v = vault_folder_reopened(d->f);
	d->saved = ROWS;
}

static enum rc
run_verify(void *ctx, struct error *err)
{
	struct desk *d = ctx;

	return vault_verify(d->v, err);
}

static void
verifying_a_vault(void **state)
{
	struct faults_task t = { .name = "vault_verify", .run = run_verify };

	keep_open(*state);
	faults_drive(&t, *state);
}

static enum rc
run_examine(void *ctx, struct error *err)
{
	struct desk *d = ctx;
	struct vault_damage found;
	enum rc rc = vault_examine(d->v, &found, err);

	if (rc == RC_OK)
		assert_true(vault_is_whole(&found));
	return rc;
}

static void
examining_a_vault(void **state)
{
	struct faults_task t = { .name = "vault_examine", .run = run_examine };

	keep_open(*state);
	faults_drive(&t, *state);
}

static enum rc
run_salvage(void *ctx, struct error *err)
{
	struct desk *d = ctx;
	struct vault_salvage_table tables[] = { { .name = "note" }, { .name = "tag" } };
	struct vault_salvage order = { .sql = VAULT_FOLDER_SCHEMA, .tables = tables, .n_tables = 2 };
	struct vault *v = NULL;
	enum rc rc = vault_open_with_master(d->f->dir, d->f->master, &v, err);

	if (rc == RC_OK && (rc = vault_salvage_run(v, &order, err)) == RC_OK) {
		assert_int_equal(tables[0].rows, ROWS);
		assert_false(tables[0].lost);
	}
	vault_close(v);
	return rc;
}

/* Done or not, all rows are there: nothing was damaged. */
static void
check_salvage(void *ctx, enum rc rc)
{
	(void)rc;
	assert_opens(ctx);
}

static void
salvaging_a_vault(void **state)
{
	struct faults_task t = { .name = "vault_salvage_run", .prepare = model_folder,
	    .run = run_salvage, .check = check_salvage };

	faults_drive(&t, *state);
}

static const char SAVE[] = "BEGIN IMMEDIATE;"
    "INSERT INTO note(body) VALUES (printf('%.*c', 9000, 'y'));"
    "INSERT INTO note(body) SELECT body FROM note WHERE id <= 3;"
    "UPDATE note SET body = body || 'z' WHERE id % 7 = 0; COMMIT";

static enum rc
run_save(void *ctx, struct error *err)
{
	struct desk *d = ctx;
	struct sqlite3 *db = vault_db(d->v);
	enum rc rc = vault_rc_of_sqlite(db, sqlite3_exec(db, SAVE, NULL, NULL, NULL), "save", err);

	if (sqlite3_get_autocommit(db) == 0)
		sqlite3_exec(db, "ROLLBACK", NULL, NULL, NULL);
	return rc;
}

static void
check_save(void *ctx, enum rc rc)
{
	struct desk *d = ctx;

	if (rc == RC_OK)
		d->saved += 4;
	assert_int_equal(vault_folder_number(d->v, "SELECT count(*) FROM note"), d->saved);
	if (d->saved % 20 != 0)
		return;
	/* what the handle says is what the disk has */
	vault_close(d->v);
	d->v = vault_folder_reopened(d->f);
	assert_int_equal(vault_folder_number(d->v, "SELECT count(*) FROM note"), d->saved);
	assert_int_equal(vault_verify(d->v, NULL), RC_OK);
	if (d->saved > 400) {
		vault_folder_sql(d->v, "DELETE FROM note WHERE id > 40");
		d->saved = ROWS;
	}
}

static void
saving_in_a_vault(void **state)
{
	struct faults_task t = { .name = "a transaction", .run = run_save, .check = check_save };

	keep_open(*state);
	faults_drive(&t, *state);
}

static enum rc
run_wrap(void *ctx, struct error *err)
{
	struct desk *d = ctx;
	struct secret *back = NULL;
	struct bytes b;
	enum rc rc;

	(void)err;
	bytes_init(&b);
	if ((rc = vault_wrap(d->v, VAULT_IDENTITY, "here", d->f->master, &b)) == RC_OK &&
	    (rc = vault_unwrap(d->v, VAULT_IDENTITY, "here", b.data, b.len, &back)) == RC_OK)
		assert_true(secret_equal(back, d->f->master));
	secret_free(back);
	bytes_reset(&b);
	return rc;
}

static void
wrapping_a_secret(void **state)
{
	struct faults_task t = { .name = "vault_wrap, vault_unwrap", .run = run_wrap };

	keep_open(*state);
	faults_drive(&t, *state);
}

static void
with_passphrase(struct desk *d)
{
	struct vault_kdf kdf = { KDF_MIB, 1 };

	vault_folder_remove(d->f->dir);
	assert_int_equal(vault_create(d->f->dir, d->old_pass, kdf, NULL, &d->v, &d->code, NULL), RC_OK);
}

static enum rc
run_new_recovery(void *ctx, struct error *err)
{
	struct desk *d = ctx;
	struct secret *code = NULL;
	enum rc rc = vault_new_recovery(d->v, &code, err);

	assert_true((rc == RC_OK) == (code != NULL));
	if (rc == RC_OK) {
		secret_free(d->code);
		d->code = code;
	}
	return rc;
}

/* The code on the paper, old or new, opens; when both were asked for, only the new one. */
static void
check_new_recovery(void *ctx, enum rc rc)
{
	struct desk *d = ctx;
	struct vault *v = NULL;

	vault_close(d->v);
	d->v = NULL;
	/* when nothing more can be written, it says that it is half done, and the passphrase is left */
	if (vault_open_with_recovery(d->f->dir, d->code, &v, NULL) == RC_AUTH && rc != RC_OK &&
	    faults_stay())
		assert_int_equal(vault_open(d->f->dir, d->old_pass, &v, NULL), RC_OK);
	assert_non_null(v);
	d->v = v;
}

static void
a_new_recovery_code(void **state)
{
	struct faults_task t = { .name = "vault_new_recovery", .run = run_new_recovery,
	    .check = check_new_recovery };

	with_passphrase(*state);
	faults_drive(&t, *state);
}

static enum rc
run_passphrase(void *ctx, struct error *err)
{
	struct desk *d = ctx;
	struct vault_kdf kdf = { KDF_MIB, 1 };

	return vault_set_passphrase(d->v, d->new_pass, kdf, err);
}

static void
check_passphrase(void *ctx, enum rc rc)
{
	struct desk *d = ctx;
	struct secret *keep;
	struct vault *v = NULL;

	vault_close(d->v);
	d->v = NULL;
	if (vault_open(d->f->dir, rc == RC_OK ? d->new_pass : d->old_pass, &v, NULL) == RC_AUTH &&
	    rc != RC_OK && faults_stay())
		assert_int_equal(vault_open(d->f->dir, d->new_pass, &v, NULL), RC_OK);
	assert_non_null(v);
	d->v = v;
	if (rc == RC_OK) {
		keep = d->old_pass;
		d->old_pass = d->new_pass;
		d->new_pass = keep;
	}
}

static void
changing_the_passphrase(void **state)
{
	struct faults_task t = { .name = "vault_set_passphrase", .run = run_passphrase,
	    .check = check_passphrase, .argon2 = true };

	with_passphrase(*state);
	faults_drive(&t, *state);
}

int
main(void)
{
#define TEST(t) cmocka_unit_test_setup_teardown(t, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(creating_a_vault),
		TEST(creating_a_vault_with_a_passphrase),
		TEST(opening_a_vault_after_a_power_cut),
		TEST(migrating_a_vault),
		TEST(wiping_a_vault),
		TEST(verifying_a_vault),
		TEST(examining_a_vault),
		TEST(salvaging_a_vault),
		TEST(saving_in_a_vault),
		TEST(wrapping_a_secret),
		TEST(a_new_recovery_code),
		TEST(changing_the_passphrase),
	};

	cmocka_set_test_filter(getenv("FAULTS_TEST"));
	return cmocka_run_group_tests(tests, NULL, NULL);
}
