#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <sqlite3.h>

#include "shared/base/files.h"
#include "shared/vault/keyslots.h"
#include "shared/vault/secret.h"
#include "shared/vault/vault.h"

/* One folder with one vault, its passphrase, recovery code and master key. */
struct fixture {
	char root[256];
	char dir[300];
	struct secret *master;
};

static const char SCHEMA[] =
    "-- version 1\n"
    "CREATE TABLE note (id INTEGER PRIMARY KEY, body TEXT NOT NULL);\n"
    "-- version 2\n"
    "CREATE TABLE tag (id INTEGER PRIMARY KEY, note INTEGER REFERENCES note(id));\n";

static int
set_up(void **state)
{
	const char *tmp = getenv("TMPDIR");
	struct fixture *f = calloc(1, sizeof *f);

	if (f == NULL || vault_start() != RC_OK)
		return -1;
	snprintf(f->root, sizeof f->root, "%s/vault-XXXXXX", tmp != NULL ? tmp : "/tmp");
	if (mkdtemp(f->root) == NULL)
		return -1;
	snprintf(f->dir, sizeof f->dir, "%s/v", f->root);
	if (secret_random(SECRET_KEY_BYTES, &f->master) != RC_OK)
		return -1;
	*state = f;
	return 0;
}

/* Removes the folders of a test: root, and one level below. */
static void
remove_all(const char *dir)
{
	char **names = NULL, path[FILES_PATH_MAX];
	size_t n = 0;

	if (files_list(dir, &names, &n, NULL) != RC_OK)
		return;
	for (size_t i = 0; i < n; i++) {
		snprintf(path, sizeof path, "%s/%s", dir, names[i]);
		if (files_is_dir(path))
			remove_all(path);
		else
			unlink(path);
	}
	files_names_free(names, n);
	rmdir(dir);
}

static int
tear_down(void **state)
{
	struct fixture *f = *state;

	remove_all(f->root);
	secret_free(f->master);
	free(f);
	return 0;
}

static struct secret *
text_secret(const char *s)
{
	struct secret *out;

	assert_int_equal(secret_from(s, strlen(s), &out), RC_OK);
	return out;
}

static struct vault *
made(struct fixture *f)
{
	struct vault *v;

	assert_int_equal(vault_create_with_master(f->dir, f->master, &v, NULL), RC_OK);
	assert_int_equal(vault_migrate(v, SCHEMA, NULL), RC_OK);
	return v;
}

static struct vault *
reopened(struct fixture *f)
{
	struct vault *v;

	assert_int_equal(vault_open_with_master(f->dir, f->master, &v, NULL), RC_OK);
	return v;
}

static void
sql(struct vault *v, const char *text)
{
	assert_int_equal(sqlite3_exec(vault_db(v), text, NULL, NULL, NULL), SQLITE_OK);
}

static int64_t
number(struct vault *v, const char *text)
{
	sqlite3_stmt *stmt;
	int64_t n;

	assert_int_equal(sqlite3_prepare_v2(vault_db(v), text, -1, &stmt, NULL), SQLITE_OK);
	assert_int_equal(sqlite3_step(stmt), SQLITE_ROW);
	n = sqlite3_column_int64(stmt, 0);
	sqlite3_finalize(stmt);
	return n;
}

static void
keeps_rows_over_close_and_open(void **state)
{
	struct fixture *f = *state;
	struct vault *v = made(f);

	sql(v, "INSERT INTO note(body) VALUES ('một'), ('hai')");
	vault_close(v);
	v = reopened(f);
	assert_int_equal(number(v, "SELECT count(*) FROM note"), 2);
	assert_int_equal(vault_verify(v, NULL), RC_OK);
	vault_close(v);
}

static void
opens_by_passphrase_recovery_and_escrow(void **state)
{
	/* crypto_box_seed_keypair of 32 zero bytes would do; a fresh pair is nearer to life */
	struct fixture *f = *state;
	struct vault_kdf kdf = { 32, 1 };
	struct secret *pass = text_secret("con trâu đen"), *wrong = text_secret("con trâu trắng");
	struct secret *code = NULL, *bad_code = NULL;
	struct vault *v = NULL;
	struct error err = { 0 };

	assert_int_equal(vault_create(f->dir, pass, kdf, NULL, &v, &code, NULL), RC_OK);
	assert_int_equal(secret_len(code), VAULT_RECOVERY_BYTES);
	assert_int_equal(vault_check_passphrase(v, pass, NULL), RC_OK);
	assert_int_equal(vault_check_passphrase(v, wrong, NULL), RC_AUTH);
	vault_close(v);
	assert_int_equal(vault_open(f->dir, wrong, &v, &err), RC_AUTH);
	assert_null(v);
	assert_int_equal(err.code, RC_AUTH);
	assert_int_equal(vault_open(f->dir, pass, &v, NULL), RC_OK);
	vault_close(v);
	assert_int_equal(vault_open_with_recovery(f->dir, code, &v, NULL), RC_OK);
	vault_close(v);
	assert_int_equal(secret_from(secret_bytes(code), 20, &bad_code), RC_OK);
	secret_data(bad_code)[0] ^= 1;
	assert_int_equal(vault_open_with_recovery(f->dir, bad_code, &v, NULL), RC_AUTH);
	secret_free(pass);
	secret_free(wrong);
	secret_free(code);
	secret_free(bad_code);
}

static void
one_vault_is_open_once(void **state)
{
	struct fixture *f = *state;
	struct vault *v = made(f), *second = (struct vault *)1;

	assert_int_equal(vault_open_with_master(f->dir, f->master, &second, NULL), RC_BUSY);
	assert_null(second);
	vault_close(v);
	vault_close(reopened(f));
}

static void
wraps_a_secret_for_one_place(void **state)
{
	struct fixture *f = *state;
	struct vault *v = made(f);
	struct secret *s = text_secret("khóa thiết bị"), *out = NULL;
	struct bytes b;

	bytes_init(&b);
	assert_int_equal(vault_wrap(v, VAULT_IDENTITY, "device:1", s, &b), RC_OK);
	assert_int_equal(b.len, secret_len(s) + VAULT_WRAP_OVERHEAD);
	assert_int_equal(vault_unwrap(v, VAULT_IDENTITY, "device:1", b.data, b.len, &out), RC_OK);
	assert_true(secret_equal(s, out));
	secret_free(out);
	assert_int_equal(vault_unwrap(v, VAULT_IDENTITY, "device:2", b.data, b.len, &out), RC_AUTH);
	assert_null(out);
	assert_int_equal(vault_unwrap(v, VAULT_SETTINGS, "device:1", b.data, b.len, &out), RC_AUTH);
	for (size_t i = 0; i < b.len; i++) {
		b.data[i] ^= 4;
		assert_int_equal(vault_unwrap(v, VAULT_IDENTITY, "device:1", b.data, b.len, &out),
		    RC_AUTH);
		b.data[i] ^= 4;
	}
	for (size_t n = 0; n < b.len; n++)
		assert_int_equal(vault_unwrap(v, VAULT_IDENTITY, "device:1", b.data, n, &out), RC_AUTH);
	bytes_reset(&b);
	secret_free(s);
	vault_close(v);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(keeps_rows_over_close_and_open, set_up, tear_down),
		cmocka_unit_test_setup_teardown(opens_by_passphrase_recovery_and_escrow, set_up, tear_down),
		cmocka_unit_test_setup_teardown(one_vault_is_open_once, set_up, tear_down),
		cmocka_unit_test_setup_teardown(wraps_a_secret_for_one_place, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
