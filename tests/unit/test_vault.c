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
#include "shared/vault/secret.h"
#include "shared/vault/vault.h"
#include "shared/vault/vault_rekey.h"
#include "tests/support/vault_folder.h"

static struct secret *
text_secret(const char *s)
{
	struct secret *out;

	assert_int_equal(secret_from(s, strlen(s), &out), RC_OK);
	return out;
}

static void
keeps_rows_over_close_and_open(void **state)
{
	struct vault_folder *f = *state;
	struct vault *v = vault_folder_made(f);

	vault_folder_sql(v, "INSERT INTO note(body) VALUES ('một'), ('hai')");
	vault_close(v);
	v = vault_folder_reopened(f);
	assert_int_equal(vault_folder_number(v, "SELECT count(*) FROM note"), 2);
	assert_int_equal(vault_verify(v, NULL), RC_OK);
	vault_close(v);
}

static void
opens_by_passphrase_and_by_recovery_code(void **state)
{
	struct vault_folder *f = *state;
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
	struct vault_folder *f = *state;
	struct vault *v = vault_folder_made(f), *second = (struct vault *)1;

	assert_int_equal(vault_open_with_master(f->dir, f->master, &second, NULL), RC_BUSY);
	assert_null(second);
	vault_close(v);
	vault_close(vault_folder_reopened(f));
}

static void
wraps_a_secret_for_one_place(void **state)
{
	struct vault_folder *f = *state;
	struct vault *v = vault_folder_made(f);
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
		assert_int_equal(vault_unwrap(v, VAULT_IDENTITY, "device:1", b.data, n, &out),
		    RC_AUTH);
	bytes_reset(&b);
	secret_free(s);
	vault_close(v);
}

static void
path_in(struct vault_folder *f, const char *name, char out[400])
{
	snprintf(out, 400, "%s/%s", f->dir, name);
}

static void
put_file(struct vault_folder *f, const char *name, const void *p, size_t len)
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
copy_file(struct vault_folder *f, const char *from, const char *to)
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
	struct vault_folder *f = *state;
	struct vault_kdf kdf = { 32, 1 };
	struct secret *old = text_secret("cũ"), *new = text_secret("mới"), *code, *code2, *none;
	struct vault *v;

	assert_int_equal(vault_create(f->dir, old, kdf, NULL, &v, &code, NULL), RC_OK);
	assert_int_equal(vault_set_passphrase(v, new, kdf, NULL), RC_OK);
	assert_int_equal(vault_check_passphrase(v, old, NULL), RC_AUTH);
	assert_int_equal(vault_check_passphrase(v, new, NULL), RC_OK);
	assert_int_equal(vault_new_recovery(v, &code2, NULL), RC_OK);
	assert_int_equal(vault_set_passphrase(v, new, (struct vault_kdf){ 4096, 1 }, NULL),
	    RC_LIMIT);
	vault_close(v);
	assert_int_equal(vault_open(f->dir, old, &v, NULL), RC_AUTH);
	assert_int_equal(vault_open_with_recovery(f->dir, code, &v, NULL), RC_AUTH);
	assert_int_equal(vault_open_with_recovery(f->dir, code2, &v, NULL), RC_OK);
	vault_close(v);
	assert_int_equal(vault_open(f->dir, new, &v, NULL), RC_OK);
	vault_close(v);
	assert_int_equal(vault_create(f->dir, old, (struct vault_kdf){ 8, 1 }, NULL, &v, &none,
	    NULL),
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
	struct vault_folder *f = *state;
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
	struct vault_folder *f = *state;
	struct secret *wrong;
	struct vault *v;

	vault_close(vault_folder_made(f));
	assert_int_equal(secret_random(32, &wrong), RC_OK);
	assert_int_equal(vault_open_with_master(f->dir, wrong, &v, NULL), RC_DAMAGED);
	secret_free(wrong);
}

static bool
has_file(struct vault_folder *f, const char *name)
{
	char path[400];

	path_in(f, name, path);
	return files_exists(path);
}

static void
never_makes_a_vault_where_any_file_of_one_is(void **state)
{
	static const char *const names[] = { "vault.key", "vault.key.b", "vault.db", "vault.db-wal",
	    "vault.db-journal" };
	struct vault_folder *f = *state;
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
	vault_close(vault_folder_made(f));
}

static void
a_database_that_is_gone_or_another_is_damage(void **state)
{
	struct vault_folder *f = *state, other = { .dir = "", .master = f->master };
	char db[400], moved[400], theirs[400];
	struct vault *v;

	vault_close(vault_folder_made(f));
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
	vault_close(vault_folder_made(&other));
	path_in(&other, "vault.db", theirs);
	copy_file(f, theirs, "vault.db");
	assert_int_equal(vault_open_with_master(f->dir, f->master, &v, NULL), RC_DAMAGED);
	assert_int_equal(rename(moved, db), 0);
	vault_close(vault_folder_reopened(f));
}

static void
slots_of_another_vault_open_nothing(void **state)
{
	struct vault_folder *f = *state, other = { .dir = "" };
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
	struct vault_folder *f = *state;
	int up[2], down[2], status = 0;
	struct vault *v;
	char c = 0;
	pid_t pid;

	vault_close(vault_folder_made(f));
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
	vault_close(vault_folder_reopened(f));
	close(up[0]);
	close(up[1]);
}

static void
several_vaults_are_open_in_one_process(void **state)
{
	struct vault_folder *f = *state, other = { .dir = "", .master = f->master };
	struct vault *v = vault_folder_made(f), *w;
	uint8_t id_v[VAULT_ID_BYTES], id_w[VAULT_ID_BYTES];

	snprintf(other.dir, sizeof other.dir, "%s/w", f->root);
	w = vault_folder_made(&other);
	vault_id(v, id_v);
	vault_id(w, id_w);
	assert_memory_not_equal(id_v, id_w, sizeof id_v);
	vault_folder_sql(v, "INSERT INTO note(body) VALUES ('a')");
	vault_folder_sql(w, "INSERT INTO note(body) VALUES ('b'), ('c')");
	vault_close(v);
	assert_int_equal(vault_folder_number(w, "SELECT count(*) FROM note"), 2);
	vault_close(w);
}

/* As a power cut leaves it: the files of a moment, the WAL's last sectors torn. */
static void
a_folder_copied_in_the_middle_of_work_opens_with_all_that_was_saved(void **state)
{
	static const char *const names[] = { "vault.key", "vault.key.b", "vault.db" };
	struct vault_folder *f = *state, copy = { .dir = "", .master = f->master };
	struct vault *v = vault_folder_made(f), *w;
	char path[400];
	struct bytes wal;

	snprintf(copy.dir, sizeof copy.dir, "%s/w", f->root);
	for (int i = 1; i <= 40; i++) {
		char text[100];

		snprintf(text, sizeof text,
		    "INSERT INTO note VALUES (%d, printf('%%.*c', %d, 'z'))", i,
		    i * 211 % 9000 + 1);
		vault_folder_sql(v, text);
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
		w = vault_folder_reopened(&copy);
		assert_int_equal(vault_folder_number(w, "SELECT count(*) FROM note"), i);
		assert_int_equal(vault_verify(w, NULL), RC_OK);
		vault_close(w);
		vault_folder_remove(copy.dir);
	}
	vault_close(v);
}

/* A power cut before the key file was there: nobody was told that there is a vault. */
static void
a_vault_whose_making_was_cut_short_is_made_again(void **state)
{
	struct vault_folder *f = *state;
	struct vault *v;

	assert_int_equal(files_make_dir(f->dir, NULL), RC_OK);
	put_file(f, "vault.making", "", 0);
	put_file(f, "vault.db", "half a page", 11);
	put_file(f, "vault.db-wal", "", 0);
	put_file(f, "vault.key.new-Ab12Cd", "half a key file", 15);
	assert_int_equal(vault_exists(f->dir), 0);
	assert_int_equal(vault_open_with_master(f->dir, f->master, &v, NULL), RC_NOTFOUND);
	v = vault_folder_made(f);
	vault_folder_sql(v, "INSERT INTO note(body) VALUES ('một')");
	vault_close(v);
	assert_false(has_file(f, "vault.making"));
	assert_false(has_file(f, "vault.key.new-Ab12Cd"));
	v = vault_folder_reopened(f);
	assert_int_equal(vault_folder_number(v, "SELECT count(*) FROM note"), 1);
	vault_close(v);
}

/* Cut between the key file and the end: it is a vault, and the mark counts no more. */
static void
a_vault_with_a_key_file_is_never_taken_for_unfinished(void **state)
{
	struct vault_folder *f = *state;
	struct vault *v = vault_folder_made(f);

	vault_close(v);
	put_file(f, "vault.making", "", 0);
	assert_int_equal(vault_exists(f->dir), 1);
	assert_int_equal(vault_create_with_master(f->dir, f->master, &v, NULL), RC_EXISTS);
	vault_close(vault_folder_reopened(f));
	assert_false(has_file(f, "vault.making"));
}

/* Killed before the mark had its name: nothing was begun. */
static void
a_mark_that_was_cut_short_is_no_vault(void **state)
{
	struct vault_folder *f = *state;

	assert_int_equal(files_make_dir(f->dir, NULL), RC_OK);
	put_file(f, "vault.making.new-Ab12Cd", "", 0);
	assert_false(vault_exists(f->dir));
	vault_close(vault_folder_made(f));
	assert_false(has_file(f, "vault.making.new-Ab12Cd"));
	vault_close(vault_folder_reopened(f));
}

/* Slots that were replaced since would still open the vault. */
static void
opening_removes_what_a_cut_left_of_key_files(void **state)
{
	struct vault_folder *f = *state;

	vault_close(vault_folder_made(f));
	put_file(f, "vault.key.new-Ab12Cd", "slots of old", 12);
	put_file(f, "vault.key.b.new-Ab12Cd", "slots of old", 12);
	put_file(f, "vault.key.backup", "somebody's own", 14);
	vault_close(vault_folder_reopened(f));
	assert_false(has_file(f, "vault.key.new-Ab12Cd"));
	assert_false(has_file(f, "vault.key.b.new-Ab12Cd"));
	assert_true(has_file(f, "vault.key.backup"));
}

static void
a_wiped_vault_is_gone_and_its_place_is_free(void **state)
{
	struct vault_folder *f = *state;
	struct vault *v = vault_folder_made(f);
	char **names;
	size_t n;

	vault_folder_sql(v, "INSERT INTO note(body) VALUES ('x')");
	vault_close(v);
	assert_int_equal(vault_wipe(f->dir, NULL), RC_OK);
	assert_int_equal(vault_wipe(f->dir, NULL), RC_OK);
	assert_int_equal(files_list(f->dir, &names, &n, NULL), RC_OK);
	assert_int_equal(n, 0);
	files_names_free(names, n);
	assert_int_equal(vault_open_with_master(f->dir, f->master, &v, NULL), RC_NOTFOUND);
	vault_close(vault_folder_made(f));
}

static void
a_vault_that_could_not_be_finished_leaves_nothing(void **state)
{
	struct vault_folder *f = *state;
	struct rlimit before, small;
	struct vault *v;

	/* files of this process may not grow past two pages */
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
	small = before;
	small.rlim_cur = 8192;
	signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
	assert_int_equal(vault_create_with_master(f->dir, f->master, &v, NULL), RC_FULL);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
	assert_null(v);
	assert_int_equal(vault_exists(f->dir), 0);
	vault_close(vault_folder_made(f));
}

/* At a moment of danger nobody waits for another process; but it must not bring the keys back. */
static void
a_wipe_of_an_open_vault_is_told_and_not_undone(void **state)
{
	struct vault_folder *f = *state;
	struct vault *v = vault_folder_made(f);
	struct vault_kdf kdf = { 32, 1 };
	struct secret *pass = text_secret("con trâu đen"), *code = NULL;
	struct vault_rewrap none = { NULL };
	struct error err = { 0 };

	vault_folder_sql(v, "INSERT INTO note(body) VALUES ('x')");
	assert_int_equal(vault_wipe(f->dir, &err), RC_BUSY);
	assert_non_null(strstr(err.what, "another process"));
	assert_false(has_file(f, "vault.key") || has_file(f, "vault.key.b") || has_file(f, "vault.db"));
	error_clear(&err);
	assert_int_equal(vault_set_passphrase(v, pass, kdf, &err), RC_NOTFOUND);
	assert_non_null(strstr(err.what, "wiped"));
	assert_int_equal(vault_new_recovery(v, &code, NULL), RC_NOTFOUND);
	assert_null(code);
	assert_int_not_equal(vault_rekey(v, pass, kdf, none, &code, NULL), RC_OK);
	assert_null(code);
	assert_false(has_file(f, "vault.key") || has_file(f, "vault.key.b"));
	vault_close(v);
	assert_int_equal(vault_wipe(f->dir, NULL), RC_OK);
	assert_false(vault_exists(f->dir));
	secret_free(pass);
}

/* Who was refused before anything was written is not told that something may have been. */
static void
a_key_file_that_cannot_be_written_at_all_is_no_half_done_change(void **state)
{
	struct vault_folder *f = *state;
	struct vault *v = vault_folder_made(f);
	struct secret *code = NULL;
	struct error err = { 0 };
	struct rlimit was, none;

	assert_int_equal(getrlimit(RLIMIT_FSIZE, &was), 0);
	none = was;
	none.rlim_cur = 0;
	signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &none), 0);
	assert_int_equal(vault_new_recovery(v, &code, &err), RC_FULL);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &was), 0);
	assert_null(strstr(err.help, "again"));
	assert_null(code);
	assert_int_equal(vault_new_recovery(v, &code, NULL), RC_OK);
	secret_free(code);
	vault_close(v);
}

int
main(void)
{
#define TEST(t) cmocka_unit_test_setup_teardown(t, vault_folder_set_up, vault_folder_tear_down)
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
		TEST(a_vault_whose_making_was_cut_short_is_made_again),
		TEST(a_vault_with_a_key_file_is_never_taken_for_unfinished),
		TEST(opening_removes_what_a_cut_left_of_key_files),
		TEST(a_mark_that_was_cut_short_is_no_vault),
		TEST(a_wiped_vault_is_gone_and_its_place_is_free),
		TEST(a_wipe_of_an_open_vault_is_told_and_not_undone),
		TEST(a_key_file_that_cannot_be_written_at_all_is_no_half_done_change),
		TEST(a_vault_that_could_not_be_finished_leaves_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
