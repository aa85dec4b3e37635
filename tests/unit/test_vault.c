#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <sodium.h>
#include <sqlite3.h>

#include "shared/base/files.h"
#include "shared/vault/keyslots.h"
#include "shared/vault/secret.h"
#include "shared/vault/vault.h"
#include "shared/vault/vault_internal.h"
#include "tests/support/power_disk.h"

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
opens_by_passphrase_and_by_recovery_code(void **state)
{
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

static void
path_in(struct fixture *f, const char *name, char out[400])
{
	snprintf(out, 400, "%s/%s", f->dir, name);
}

static void
put_file(struct fixture *f, const char *name, const void *p, size_t len)
{
	char path[400];
	FILE *file;

	path_in(f, name, path);
	file = fopen(path, "wb");
	assert_non_null(file);
	assert_int_equal(fwrite(p, 1, len, file), len);
	assert_int_equal(fclose(file), 0);
}

static void
copy_file(struct fixture *f, const char *from, const char *to)
{
	struct bytes b;

	bytes_init(&b);
	assert_int_equal(files_read(from, 1 << 26, &b, NULL), RC_OK);
	put_file(f, to, b.data, b.len);
	bytes_reset(&b);
}

static void
a_changed_passphrase_opens_and_the_old_one_does_not(void **state)
{
	struct fixture *f = *state;
	struct vault_kdf kdf = { 32, 1 };
	struct secret *old = text_secret("cũ"), *new = text_secret("mới"), *code, *code2, *none;
	struct vault *v;

	assert_int_equal(vault_create(f->dir, old, kdf, NULL, &v, &code, NULL), RC_OK);
	assert_int_equal(vault_set_passphrase(v, new, kdf, NULL), RC_OK);
	assert_int_equal(vault_check_passphrase(v, old, NULL), RC_AUTH);
	assert_int_equal(vault_check_passphrase(v, new, NULL), RC_OK);
	assert_int_equal(vault_new_recovery(v, &code2, NULL), RC_OK);
	assert_int_equal(vault_set_passphrase(v, new, (struct vault_kdf){ 4096, 1 }, NULL), RC_LIMIT);
	vault_close(v);
	assert_int_equal(vault_open(f->dir, old, &v, NULL), RC_AUTH);
	assert_int_equal(vault_open_with_recovery(f->dir, code, &v, NULL), RC_AUTH);
	assert_int_equal(vault_open_with_recovery(f->dir, code2, &v, NULL), RC_OK);
	vault_close(v);
	assert_int_equal(vault_open(f->dir, new, &v, NULL), RC_OK);
	vault_close(v);
	assert_int_equal(vault_create(f->dir, old, (struct vault_kdf){ 8, 1 }, NULL, &v, &none, NULL),
	    RC_EXISTS);
	assert_null(none);
	secret_free(old);
	secret_free(new);
	secret_free(code);
	secret_free(code2);
}

static void
the_authority_opens_by_escrow(void **state)
{
	struct fixture *f = *state;
	struct vault_kdf kdf = { 32, 1 };
	struct secret *pass = text_secret("quên mất rồi"), *code, *secret, *other;
	uint8_t public[32], other_public[32];
	struct vault *v;

	assert_int_equal(secret_new(32, &secret), RC_OK);
	assert_int_equal(secret_new(32, &other), RC_OK);
	crypto_box_keypair(public, secret_data(secret));
	crypto_box_keypair(other_public, secret_data(other));
	assert_int_equal(vault_create(f->dir, pass, kdf, public, &v, &code, NULL), RC_OK);
	vault_close(v);
	assert_int_equal(vault_open_with_escrow(f->dir, other_public, other, &v, NULL), RC_AUTH);
	assert_int_equal(vault_open_with_escrow(f->dir, public, other, &v, NULL), RC_AUTH);
	assert_int_equal(vault_open_with_escrow(f->dir, public, secret, &v, NULL), RC_OK);
	vault_close(v);
	secret_free(pass);
	secret_free(code);
	secret_free(secret);
	secret_free(other);
}

static void
the_wrong_master_key_opens_nothing(void **state)
{
	struct fixture *f = *state;
	struct secret *wrong;
	struct vault *v;

	vault_close(made(f));
	assert_int_equal(secret_random(32, &wrong), RC_OK);
	assert_int_equal(vault_open_with_master(f->dir, wrong, &v, NULL), RC_DAMAGED);
	secret_free(wrong);
}

static void
never_makes_a_vault_where_any_file_of_one_is(void **state)
{
	static const char *const names[] = { "vault.key", "vault.key.b", "vault.db", "vault.db-wal",
	    "vault.db-journal" };
	struct fixture *f = *state;
	struct vault *v;
	char path[400];

	assert_int_equal(vault_exists(f->dir), 0);
	assert_int_equal(vault_open_with_master(f->dir, f->master, &v, NULL), RC_NOTFOUND);
	assert_false(files_exists(f->dir));
	assert_int_equal(files_make_dir(f->dir, NULL), RC_OK);
	assert_int_equal(vault_open_with_master(f->dir, f->master, &v, NULL), RC_NOTFOUND);
	for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
		put_file(f, names[i], "unreadable", 10);
		assert_int_equal(vault_exists(f->dir), 1);
		assert_int_equal(vault_create_with_master(f->dir, f->master, &v, NULL), RC_EXISTS);
		assert_int_equal(vault_open_with_master(f->dir, f->master, &v, NULL), RC_DAMAGED);
		path_in(f, names[i], path);
		assert_int_equal(unlink(path), 0);
	}
	/* a lock alone says nothing */
	assert_int_equal(vault_exists(f->dir), 0);
	vault_close(made(f));
}

static void
a_database_that_is_gone_or_another_is_damage(void **state)
{
	struct fixture *f = *state, other = { .dir = "", .master = f->master };
	char db[400], moved[400], theirs[400];
	struct vault *v;

	vault_close(made(f));
	path_in(f, "vault.db", db);
	snprintf(moved, sizeof moved, "%s/moved", f->root);
	assert_int_equal(rename(db, moved), 0);
	assert_int_equal(vault_open_with_master(f->dir, f->master, &v, NULL), RC_DAMAGED);
	assert_false(files_exists(db));
	put_file(f, "vault.db", "", 0);
	assert_int_equal(vault_open_with_master(f->dir, f->master, &v, NULL), RC_DAMAGED);
	unlink(db);
	assert_int_equal(mkdir(db, 0700), 0);
	assert_int_not_equal(vault_open_with_master(f->dir, f->master, &v, NULL), RC_OK);
	assert_int_equal(rmdir(db), 0);
	/* even with the very same master key */
	snprintf(other.dir, sizeof other.dir, "%s/w", f->root);
	vault_close(made(&other));
	path_in(&other, "vault.db", theirs);
	copy_file(f, theirs, "vault.db");
	assert_int_equal(vault_open_with_master(f->dir, f->master, &v, NULL), RC_DAMAGED);
	assert_int_equal(rename(moved, db), 0);
	vault_close(reopened(f));
}

static void
slots_of_another_vault_open_nothing(void **state)
{
	struct fixture *f = *state, other = { .dir = "" };
	struct vault_kdf kdf = { 32, 1 };
	struct secret *pass = text_secret("cùng một mật khẩu"), *a, *b;
	struct vault *v;
	char path[400];

	snprintf(other.dir, sizeof other.dir, "%s/w", f->root);
	assert_int_equal(vault_create(f->dir, pass, kdf, NULL, &v, &a, NULL), RC_OK);
	vault_close(v);
	assert_int_equal(vault_create(other.dir, pass, kdf, NULL, &v, &b, NULL), RC_OK);
	vault_close(v);
	path_in(&other, "vault.key", path);
	copy_file(f, path, "vault.key");
	copy_file(f, path, "vault.key.b");
	assert_int_equal(vault_open(f->dir, pass, &v, NULL), RC_DAMAGED);
	secret_free(pass);
	secret_free(a);
	secret_free(b);
}

static void
another_process_that_has_it_open_is_told_apart(void **state)
{
	struct fixture *f = *state;
	int up[2], down[2], status = 0;
	struct vault *v;
	char c = 0;
	pid_t pid;

	vault_close(made(f));
	assert_int_equal(pipe(up), 0);
	assert_int_equal(pipe(down), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		struct vault *mine = NULL;

		close(down[1]);
		if (vault_open_with_master(f->dir, f->master, &mine, NULL) != RC_OK ||
		    write(up[1], "x", 1) != 1 || read(down[0], &c, 1) != 0)
			_exit(1);
		/* ends without closing, as a killed process does */
		_exit(0);
	}
	close(down[0]);
	assert_int_equal(read(up[0], &c, 1), 1);
	assert_int_equal(vault_open_with_master(f->dir, f->master, &v, NULL), RC_BUSY);
	close(down[1]);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	vault_close(reopened(f));
	close(up[0]);
	close(up[1]);
}

static void
several_vaults_are_open_in_one_process(void **state)
{
	struct fixture *f = *state, other = { .dir = "", .master = f->master };
	struct vault *v = made(f), *w;
	uint8_t id_v[VAULT_ID_BYTES], id_w[VAULT_ID_BYTES];

	snprintf(other.dir, sizeof other.dir, "%s/w", f->root);
	w = made(&other);
	vault_id(v, id_v);
	vault_id(w, id_w);
	assert_memory_not_equal(id_v, id_w, sizeof id_v);
	sql(v, "INSERT INTO note(body) VALUES ('a')");
	sql(w, "INSERT INTO note(body) VALUES ('b'), ('c')");
	vault_close(v);
	assert_int_equal(number(w, "SELECT count(*) FROM note"), 2);
	vault_close(w);
}

/* As a power cut leaves it: the files of a moment, the WAL's last sectors torn. */
static void
a_folder_copied_in_the_middle_of_work_opens_with_all_that_was_saved(void **state)
{
	static const char *const names[] = { "vault.key", "vault.key.b", "vault.db" };
	struct fixture *f = *state, copy = { .dir = "", .master = f->master };
	struct vault *v = made(f), *w;
	char path[400];
	struct bytes wal;

	snprintf(copy.dir, sizeof copy.dir, "%s/w", f->root);
	for (int i = 1; i <= 40; i++) {
		char text[100];

		snprintf(text, sizeof text, "INSERT INTO note VALUES (%d, printf('%%.*c', %d, 'z'))", i,
		    i * 211 % 9000 + 1);
		sql(v, text);
		if (i % 4 != 0)
			continue;
		assert_int_equal(files_make_dir(copy.dir, NULL), RC_OK);
		for (size_t j = 0; j < sizeof names / sizeof *names; j++) {
			path_in(f, names[j], path);
			copy_file(&copy, path, names[j]);
		}
		path_in(f, "vault.db-wal", path);
		bytes_init(&wal);
		assert_int_equal(files_read(path, 1 << 26, &wal, NULL), RC_OK);
		/* what would have come next, in part */
		for (int n = 0; n < i * 37 % 6000; n++)
			bytes_u8(&wal, (uint8_t)(n * 7));
		put_file(&copy, "vault.db-wal", wal.data, wal.len);
		bytes_reset(&wal);
		w = reopened(&copy);
		assert_int_equal(number(w, "SELECT count(*) FROM note"), i);
		assert_int_equal(vault_verify(w, NULL), RC_OK);
		vault_close(w);
		remove_all(copy.dir);
	}
	vault_close(v);
}

static bool
file_holds(const char *path, const char *needle)
{
	struct bytes b;
	size_t n = strlen(needle);
	bool found = false;

	bytes_init(&b);
	if (files_read(path, 1 << 26, &b, NULL) != RC_OK)
		return false;
	for (size_t i = 0; i + n <= b.len && !found; i++)
		found = memcmp(b.data + i, needle, n) == 0;
	bytes_reset(&b);
	return found;
}

static void
a_marker_appears_in_no_file_of_the_folder_nor_of_tmp(void **state)
{
	static const char marker[] = "Lò-Thị-Dấu-Vết";
	const char *tmp = getenv("TMPDIR") != NULL ? getenv("TMPDIR") : "/tmp";
	struct fixture *f = *state;
	struct vault *v = made(f);
	char **names, path[700], text[600];
	size_t n;

	snprintf(text, sizeof text, "CREATE VIRTUAL TABLE words USING fts5(body);"
	    "WITH RECURSIVE c(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM c WHERE i < 4000)"
	    " INSERT INTO note SELECT i, '%s ' || i || hex(randomblob(200)) FROM c;"
	    "INSERT INTO words SELECT body FROM note;"
	    "CREATE TEMP TABLE s AS SELECT body FROM note ORDER BY body DESC;"
	    "UPDATE note SET body = body || '%s' WHERE id %% 5 = 0", marker, marker);
	sql(v, "PRAGMA temp_store = FILE; PRAGMA cache_size = 20");
	sql(v, text);
	for (int closed = 0; closed < 2; closed++) {
		assert_int_equal(files_list(f->dir, &names, &n, NULL), RC_OK);
		assert_true(n >= 4);
		for (size_t i = 0; i < n; i++) {
			path_in(f, names[i], path);
			assert_false(file_holds(path, marker));
		}
		files_names_free(names, n);
		assert_int_equal(files_list(tmp, &names, &n, NULL), RC_OK);
		for (size_t i = 0; i < n; i++) {
			snprintf(path, sizeof path, "%s/%s", tmp, names[i]);
			if (!files_is_dir(path))
				assert_false(file_holds(path, marker));
		}
		files_names_free(names, n);
		if (closed == 0)
			vault_close(v);
	}
}

static void
migrations_run_once_and_in_order(void **state)
{
	struct fixture *f = *state;
	struct vault *v = made(f);
	struct error err = { 0 };

	assert_int_equal(number(v, "PRAGMA user_version"), 2);
	assert_int_equal(vault_migrate(v, SCHEMA, NULL), RC_OK);
	assert_int_equal(vault_migrate(v, "-- version 1\nCREATE TABLE note(x);\n-- version 2\n"
	    "CREATE TABLE tag(x);\n-- version 3\nCREATE TABLE third(x);\nINSERT INTO third VALUES (3)",
	    NULL), RC_OK);
	assert_int_equal(number(v, "SELECT x FROM third"), 3);
	assert_int_equal(number(v, "PRAGMA user_version"), 3);
	/* an older program */
	assert_int_equal(vault_migrate(v, SCHEMA, &err), RC_NEWER);
	assert_int_equal(err.code, RC_NEWER);
	vault_close(v);
}

static void
a_failing_migration_leaves_nothing_behind(void **state)
{
	struct fixture *f = *state;
	struct vault *v = made(f);
	struct error err = { 0 };

	assert_int_not_equal(vault_migrate(v, "-- version 1\n-- version 2\n-- version 3\n"
	    "CREATE TABLE third(x);\n-- version 4\nCREATE TABLE note(x);\n", &err), RC_OK);
	assert_non_null(strstr(err.what, "version 4"));
	assert_int_equal(number(v, "PRAGMA user_version"), 2);
	assert_int_equal(number(v, "SELECT count(*) FROM sqlite_schema WHERE name = 'third'"), 0);
	assert_int_equal(vault_migrate(v, "-- version 1\n-- version 3\n", NULL), RC_FORMAT);
	assert_int_equal(vault_migrate(v, "CREATE TABLE x(y);", NULL), RC_FORMAT);
	vault_close(v);
}

static void
verify_names_a_breach_of_a_reference(void **state)
{
	struct fixture *f = *state;
	struct vault *v = made(f);
	struct error err = { 0 };

	assert_int_equal(vault_verify(v, &err), RC_OK);
	sql(v, "PRAGMA foreign_keys = OFF; INSERT INTO tag VALUES (1, 99)");
	assert_int_equal(vault_verify(v, &err), RC_DAMAGED);
	assert_non_null(strstr(err.what, "tag"));
	vault_close(v);
}

static void
errors_of_sqlite_never_quote_what_was_typed(void **state)
{
	struct fixture *f = *state;
	struct vault *v = made(f);
	struct error err = { 0 };
	int rc;

	sql(v, "CREATE VIRTUAL TABLE w USING fts5(x)");
	rc = sqlite3_exec(vault_db(v), "SELECT * FROM w WHERE w MATCH '\"Bi-mat'", NULL, NULL, NULL);
	assert_int_not_equal(vault_rc_of_sqlite(vault_db(v), rc, "search", &err), RC_OK);
	assert_null(strstr(err.what, "Bi-mat"));
	error_clear(&err);
	rc = sqlite3_exec(vault_db(v), "SELECT \"Bi-mat\" FROM note", NULL, NULL, NULL);
	assert_int_equal(vault_rc_of_sqlite(vault_db(v), rc, "search", &err), RC_INTERNAL);
	assert_null(strstr(err.what, "Bi-mat"));
	error_clear(&err);
	rc = sqlite3_exec(vault_db(v), "INSERT INTO note VALUES (1, 'a'), (1, 'b')", NULL, NULL, NULL);
	assert_int_equal(rc, SQLITE_CONSTRAINT_PRIMARYKEY);
	assert_int_equal(vault_rc_of_sqlite(vault_db(v), rc, "save", &err), RC_EXISTS);
	error_clear(&err);
	rc = sqlite3_exec(vault_db(v), "SELECT * FROM nowhere", NULL, NULL, NULL);
	assert_int_equal(vault_rc_of_sqlite(vault_db(v), rc, "read", &err), RC_INTERNAL);
	assert_non_null(strstr(err.what, "nowhere"));
	vault_close(v);
}

static void
a_forgotten_statement_does_no_harm(void **state)
{
	struct fixture *f = *state;
	struct vault *v = made(f);
	sqlite3_stmt *stmt;

	sql(v, "CREATE VIRTUAL TABLE w USING fts5(x); INSERT INTO w VALUES ('chữ'), ('chữ khác')");
	assert_int_equal(sqlite3_prepare_v2(vault_db(v), "SELECT * FROM w WHERE w MATCH 'chữ'", -1,
	    &stmt, NULL), SQLITE_OK);
	assert_int_equal(sqlite3_step(stmt), SQLITE_ROW);
	vault_close(v);
	assert_int_equal(sqlite3_step(stmt), SQLITE_ROW);
	sqlite3_finalize(stmt);
	v = reopened(f);
	assert_int_equal(number(v, "SELECT count(*) FROM w WHERE w MATCH 'chữ'"), 2);
	vault_close(v);
}

static void
a_wiped_vault_is_gone_and_its_place_is_free(void **state)
{
	struct fixture *f = *state;
	struct vault *v = made(f);
	char **names;
	size_t n;

	sql(v, "INSERT INTO note(body) VALUES ('x')");
	/* also while somebody has it open: it is for a moment of danger */
	assert_int_equal(vault_wipe(f->dir, NULL), RC_OK);
	vault_close(v);
	assert_int_equal(vault_wipe(f->dir, NULL), RC_OK);
	assert_int_equal(files_list(f->dir, &names, &n, NULL), RC_OK);
	assert_int_equal(n, 0);
	files_names_free(names, n);
	assert_int_equal(vault_open_with_master(f->dir, f->master, &v, NULL), RC_NOTFOUND);
	vault_close(made(f));
}

static void
a_full_disk_is_told_as_full(void **state)
{
	struct fixture *f = *state;
	struct power_disk *disk = power_disk_new(1);
	struct vault_bench bench = { power_disk_vfs(disk), NULL };
	struct error err = { 0 };
	struct vault *v;
	int rc;

	assert_int_equal(vault_create_on(f->dir, f->master, bench, &v, NULL), RC_OK);
	assert_int_equal(vault_migrate(v, SCHEMA, NULL), RC_OK);
	sql(v, "INSERT INTO note(body) VALUES ('saved')");
	power_disk_limit(disk, power_disk_used(disk) + 9000);
	rc = sqlite3_exec(vault_db(v), "INSERT INTO note(body) VALUES (printf('%.*c', 99000, 'x'))",
	    NULL, NULL, NULL);
	assert_int_equal(vault_rc_of_sqlite(vault_db(v), rc, "save", &err), RC_FULL);
	assert_int_equal(err.code, RC_FULL);
	vault_close(v);
	/* still full: what was saved can be read all the same */
	assert_int_equal(vault_open_on(f->dir, f->master, bench, &v, NULL), RC_OK);
	assert_int_equal(number(v, "SELECT count(*) FROM note WHERE body = 'saved'"), 1);
	/* and nothing is appended to a WAL that could not be emptied, room or no room */
	power_disk_limit(disk, 0);
	rc = sqlite3_exec(vault_db(v), "INSERT INTO note(body) VALUES ('x')", NULL, NULL, NULL);
	assert_int_equal(vault_rc_of_sqlite(vault_db(v), rc, "save", NULL), RC_FULL);
	vault_close(v);
	assert_int_equal(vault_open_on(f->dir, f->master, bench, &v, NULL), RC_OK);
	sql(v, "INSERT INTO note(body) VALUES ('x')");
	assert_int_equal(number(v, "SELECT count(*) FROM note"), 2);
	vault_close(v);
	power_disk_free(disk);
}

static void
a_vault_that_could_not_be_finished_leaves_nothing(void **state)
{
	struct fixture *f = *state;
	struct rlimit before, small;
	struct vault *v;

	/* files of this process may not grow past two pages */
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
	small = before;
	small.rlim_cur = 8192;
	signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
	assert_int_equal(vault_create_with_master(f->dir, f->master, &v, NULL), RC_IO);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
	assert_null(v);
	assert_int_equal(vault_exists(f->dir), 0);
	vault_close(made(f));
}

/* Copies of a text in this process's writable memory; the needle is kept inverted. */
static int
copies_in_memory(const uint8_t *inverted, size_t len)
{
	static uint8_t chunk[1 << 16];
	FILE *maps = fopen("/proc/self/maps", "r"), *mem = fopen("/proc/self/mem", "rb");
	unsigned long long from, to;
	char line[512], perms[8];
	int found = 0;

	if (maps == NULL || mem == NULL) {
		if (maps != NULL)
			fclose(maps);
		return -1;
	}
	while (fgets(line, sizeof line, maps) != NULL) {
		if (sscanf(line, "%llx-%llx %7s", &from, &to, perms) != 3 || perms[1] != 'w' ||
		    strstr(line, "[heap]") == NULL)
			continue;
		for (unsigned long long at = from; at < to; at += sizeof chunk - 64) {
			size_t n;

			if (fseeko(mem, (off_t)at, SEEK_SET) != 0)
				break;
			n = fread(chunk, 1, to - at < sizeof chunk ? (size_t)(to - at) : sizeof chunk, mem);
			for (size_t i = 0; i + len <= n; i++) {
				size_t j = 0;

				while (j < len && (chunk[i + j] ^ inverted[j]) == 255)
					j++;
				found += j == len;
			}
		}
	}
	fclose(maps);
	fclose(mem);
	return found;
}

static void
rows_do_not_linger_in_memory_after_close(void **state)
{
	struct fixture *f = *state;
	struct vault *v = made(f);
	uint8_t marker[24], inverted[24];
	sqlite3_stmt *stmt;
	void *fence;
	int found;

	secret_random_bytes(marker, sizeof marker);
	for (size_t i = 0; i < sizeof marker; i++)
		inverted[i] = marker[i] ^ 255;
	assert_int_equal(sqlite3_prepare_v2(vault_db(v), "WITH RECURSIVE c(i) AS (SELECT 1 UNION ALL"
	    " SELECT i + 1 FROM c WHERE i < 300) INSERT INTO note SELECT i, ? FROM c", -1, &stmt, NULL),
	    SQLITE_OK);
	sqlite3_bind_blob(stmt, 1, marker, sizeof marker, SQLITE_TRANSIENT);
	assert_int_equal(sqlite3_step(stmt), SQLITE_DONE);
	sqlite3_finalize(stmt);
	assert_true(number(v, "SELECT count(DISTINCT body) FROM note") == 1);
	secret_wipe(marker, sizeof marker);
	found = copies_in_memory(inverted, sizeof inverted);
	/* on top of the heap, so that none of it goes back to the system unseen */
	fence = malloc(120000);
	vault_close(v);
	/* no /proc, or a sanitizer's own heap: nothing can be seen */
	if (found <= 0) {
		free(fence);
		skip();
	}
	assert_true(found > 100);
	assert_int_equal(copies_in_memory(inverted, sizeof inverted), 0);
	free(fence);
}

int
main(void)
{
#define TEST(t) cmocka_unit_test_setup_teardown(t, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(keeps_rows_over_close_and_open),
		TEST(opens_by_passphrase_and_by_recovery_code),
		TEST(one_vault_is_open_once),
		TEST(wraps_a_secret_for_one_place),
		TEST(a_changed_passphrase_opens_and_the_old_one_does_not),
		TEST(the_authority_opens_by_escrow),
		TEST(the_wrong_master_key_opens_nothing),
		TEST(never_makes_a_vault_where_any_file_of_one_is),
		TEST(a_database_that_is_gone_or_another_is_damage),
		TEST(slots_of_another_vault_open_nothing),
		TEST(another_process_that_has_it_open_is_told_apart),
		TEST(several_vaults_are_open_in_one_process),
		TEST(a_folder_copied_in_the_middle_of_work_opens_with_all_that_was_saved),
		TEST(a_marker_appears_in_no_file_of_the_folder_nor_of_tmp),
		TEST(migrations_run_once_and_in_order),
		TEST(a_failing_migration_leaves_nothing_behind),
		TEST(verify_names_a_breach_of_a_reference),
		TEST(errors_of_sqlite_never_quote_what_was_typed),
		TEST(a_forgotten_statement_does_no_harm),
		TEST(a_wiped_vault_is_gone_and_its_place_is_free),
		TEST(a_full_disk_is_told_as_full),
		TEST(a_vault_that_could_not_be_finished_leaves_nothing),
		TEST(rows_do_not_linger_in_memory_after_close),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
