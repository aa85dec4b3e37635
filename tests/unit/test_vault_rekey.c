#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <signal.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include <sqlite3.h>

#include "shared/vault/key_file.h"
#include "shared/vault/vault_backup.h"
#include "shared/vault/vault_parts.h"
#include "shared/vault/vault_rekey.h"
#include "tests/support/rekey_desk.h"
#include "tests/support/vault_folder.h"

/* New keys ------------------------------------------------------------------ */

static void
everything_is_there_under_the_new_keys(void **state)
{
	struct rekey_desk *d = *state;
	struct vault *v = NULL;
	struct bytes copy = { 0 };

	bytes_text(&copy, "a copy from before an upgrade");
	rekey_desk_put(d, "vault.db.v1", &copy);
	bytes_reset(&copy);
	assert_int_equal(rekey_desk_run(d), RC_OK);
	assert_memory_not_equal(secret_bytes(d->v->master), d->old_master, SECRET_KEY_BYTES);
	rekey_desk_whole(d, d->v, REKEY_ROWS);
	assert_int_equal(vault_check_passphrase(d->v, d->new_pass, NULL), RC_OK);
	rekey_desk_save(d->v, REKEY_LATER);
	vault_close(d->v);
	d->v = NULL;
	assert_false(rekey_desk_has(d, "vault.db.new"));
	assert_false(rekey_desk_has(d, "vault.db.new-wal"));
	assert_false(rekey_desk_has(d, "vault.db.v1"));
	rekey_desk_opens(d, d->new_pass, REKEY_ROWS + REKEY_LATER);
	assert_int_equal(rekey_desk_by_code(d, d->code), RC_OK);
	assert_int_equal(vault_open_with_escrow(d->f->dir, d->escrow_public, d->escrow_secret, &v,
	    NULL), RC_OK);
	rekey_desk_whole(d, v, REKEY_ROWS + REKEY_LATER);
	vault_close(v);
}

static void
what_opened_it_before_opens_nothing_any_more(void **state)
{
	struct rekey_desk *d = *state;
	struct secret *master;
	struct vault *v = NULL;

	assert_int_equal(rekey_desk_by_words(d, d->old_pass), RC_AUTH);
	assert_int_equal(rekey_desk_by_code(d, d->old_code), RC_AUTH);
	assert_int_equal(secret_from(d->old_master, sizeof d->old_master, &master), RC_OK);
	assert_int_equal(vault_open_with_master(d->f->dir, master, &v, NULL), RC_DAMAGED);
	assert_null(v);
	secret_free(master);
	rekey_desk_is(d, &d->after);
}

/* No page, and no nonce, is that of before. */
static void
nothing_of_the_old_database_is_left_in_the_new(void **state)
{
	struct rekey_desk *d = *state;
	const struct bytes *old = rekey_folder_file(&d->before, "vault.db"), *now = rekey_folder_file(&d->after, "vault.db");

	assert_true(now->len >= 10 * REKEY_PAGE);
	assert_int_equal(now->len % REKEY_PAGE, 0);
	for (size_t i = 0; i < now->len; i += REKEY_PAGE)
		for (size_t k = 0; k < old->len; k += REKEY_PAGE)
			assert_memory_not_equal(now->data + i + REKEY_PAGE - 40, old->data + k + REKEY_PAGE - 40, 24);
}

static void
the_cost_of_the_passphrase_stays_or_is_as_asked(void **state)
{
	struct rekey_desk *d = *state;
	struct vault_kdf more = { 2 * VAULT_KDF_MEMORY_MIN_MIB, 2 };
	struct vault_rewrap how = { rekey_desk_rewrap };
	struct keyslots k;

	assert_int_equal(rekey_desk_run(d), RC_OK);
	k = d->v->slots;
	assert_int_equal(k.n, 3);
	assert_int_equal(k.slots[0].kdf.memory_mib, REKEY_KDF.memory_mib);
	assert_int_equal(k.slots[0].kdf.passes, REKEY_KDF.passes);
	secret_free(d->code);
	assert_int_equal(vault_rekey(d->v, d->new_pass, more, how, &d->code, NULL), RC_OK);
	k = d->v->slots;
	assert_int_equal(k.slots[0].kdf.memory_mib, more.memory_mib);
	assert_int_equal(k.slots[0].kdf.passes, more.passes);
	rekey_desk_whole(d, d->v, REKEY_ROWS);
}

/* Key files of another time -------------------------------------------------- */

static void
an_old_key_file_beside_the_new_one_opens_nothing(void **state)
{
	static const char *const names[2] = { KEY_FILE_A, KEY_FILE_B };
	struct rekey_desk *d = *state;
	struct rekey_folder was = { .n = 0 };

	for (int i = 0; i < 2; i++) {
		rekey_desk_put(d, names[i], rekey_folder_file(&d->before, names[i]));
		rekey_folder_take(d, &was);
		assert_int_equal(rekey_desk_by_words(d, d->old_pass), RC_DAMAGED);
		assert_int_equal(rekey_desk_by_code(d, d->old_code), RC_DAMAGED);
		rekey_desk_is(d, &was);
		/* the new one is in the other copy, and mends this one */
		assert_int_equal(rekey_desk_by_code(d, d->code), RC_OK);
		rekey_desk_is(d, &d->after);
	}
	rekey_folder_reset(&was);
	rekey_desk_opens(d, d->new_pass, REKEY_ROWS);
}

/* With work in the WAL, which SQLite would have removed. */
static void
two_old_key_files_open_nothing_and_harm_nothing(void **state)
{
	struct rekey_desk *d = *state;
	struct rekey_folder cut = { .n = 0 }, was = { .n = 0 };

	assert_int_equal(vault_open(d->f->dir, d->new_pass, &d->v, NULL), RC_OK);
	rekey_desk_save(d->v, REKEY_LATER);
	rekey_folder_take(d, &cut);
	vault_close(d->v);
	d->v = NULL;
	rekey_folder_put(d, &cut);
	assert_true(rekey_folder_file(&cut, "vault.db-wal")->len > 0);
	rekey_desk_put(d, KEY_FILE_A, rekey_folder_file(&d->before, KEY_FILE_A));
	rekey_desk_put(d, KEY_FILE_B, rekey_folder_file(&d->before, KEY_FILE_B));
	rekey_folder_take(d, &was);
	assert_int_equal(rekey_desk_by_words(d, d->old_pass), RC_DAMAGED);
	assert_int_equal(rekey_desk_by_words(d, d->new_pass), RC_AUTH);
	rekey_desk_is(d, &was);
	rekey_desk_put(d, KEY_FILE_A, rekey_folder_file(&d->after, KEY_FILE_A));
	rekey_desk_opens(d, d->new_pass, REKEY_ROWS + REKEY_LATER);
	rekey_folder_reset(&cut);
	rekey_folder_reset(&was);
}

/* What somebody makes who knows the old passphrase and the old master key. */
static void
an_old_slot_in_the_new_key_file_is_refused(void **state)
{
	struct rekey_desk *d = *state;
	const struct bytes *old = rekey_folder_file(&d->before, KEY_FILE_A), *now = rekey_folder_file(&d->after, KEY_FILE_A);
	struct keyslots a, b;
	struct secret *master;
	struct bytes forged;

	assert_int_equal(keyslots_parse(old->data, old->len, &a), RC_OK);
	assert_int_equal(keyslots_parse(now->data, now->len, &b), RC_OK);
	assert_int_equal(secret_from(d->old_master, sizeof d->old_master, &master), RC_OK);
	for (size_t slot = 0; slot < a.n; slot++) {
		struct keyslots mixed = b;

		mixed.slots[slot] = a.slots[slot];
		mixed.generation = b.generation + 100;
		bytes_init(&forged);
		assert_int_equal(keyslots_print(&mixed, master, &forged), RC_OK);
		rekey_desk_put(d, KEY_FILE_A, &forged);
		rekey_desk_put(d, KEY_FILE_B, &forged);
		bytes_reset(&forged);
		assert_int_not_equal(rekey_desk_by_words(d, d->old_pass), RC_OK);
		assert_int_not_equal(rekey_desk_by_code(d, d->old_code), RC_OK);
		assert_int_not_equal(rekey_desk_by_words(d, d->new_pass), RC_OK);
		assert_int_not_equal(rekey_desk_by_code(d, d->code), RC_OK);
		rekey_desk_put(d, KEY_FILE_A, now);
		/* the other copy is the forged one, and of a higher generation */
		assert_int_equal(rekey_desk_by_code(d, d->code), RC_OK);
		rekey_desk_is(d, &d->after);
	}
	secret_free(master);
	rekey_desk_opens(d, d->new_pass, REKEY_ROWS);
}

static void
an_old_page_in_the_new_database_is_noticed(void **state)
{
	struct rekey_desk *d = *state;
	const struct bytes *old = rekey_folder_file(&d->before, "vault.db");
	struct bytes mixed = { 0 };
	const struct bytes *now = rekey_folder_file(&d->after, "vault.db");
	struct vault *v = NULL;

	bytes_put(&mixed, now->data, now->len);
	memcpy(mixed.data + 5 * REKEY_PAGE, old->data + 5 * REKEY_PAGE, REKEY_PAGE);
	rekey_desk_put(d, "vault.db", &mixed);
	bytes_reset(&mixed);
	assert_int_equal(vault_open(d->f->dir, d->new_pass, &v, NULL), RC_OK);
	assert_int_equal(vault_verify(v, NULL), RC_DAMAGED);
	vault_close(v);
}

/* Refusals and failures -------------------------------------------------------- */

static void
assert_as_before(struct rekey_desk *d)
{
	assert_null(d->code);
	rekey_desk_whole(d, d->v, REKEY_ROWS);
	assert_int_equal(vault_check_passphrase(d->v, d->old_pass, NULL), RC_OK);
	vault_close(d->v);
	d->v = NULL;
	assert_false(rekey_desk_has(d, "vault.db.new"));
	assert_int_equal(rekey_desk_by_words(d, d->new_pass), RC_AUTH);
	assert_int_equal(rekey_desk_by_code(d, d->old_code), RC_OK);
	rekey_desk_opens(d, d->old_pass, REKEY_ROWS);
	assert_int_equal(vault_open(d->f->dir, d->old_pass, &d->v, NULL), RC_OK);
}

static void
refuses_while_a_statement_a_transaction_or_a_backup_is_open(void **state)
{
	struct rekey_desk *d = *state;
	struct vault_backup *backup = NULL;
	sqlite3_stmt *q = NULL;

	assert_int_equal(sqlite3_prepare_v2(vault_db(d->v), "SELECT id FROM note", -1, &q, NULL),
	    SQLITE_OK);
	assert_int_equal(rekey_desk_run(d), RC_BUSY);
	assert_int_equal(sqlite3_step(q), SQLITE_ROW);
	assert_int_equal(rekey_desk_run(d), RC_BUSY);
	sqlite3_finalize(q);
	vault_folder_sql(d->v, "BEGIN IMMEDIATE");
	assert_int_equal(rekey_desk_run(d), RC_BUSY);
	vault_folder_sql(d->v, "ROLLBACK");
	assert_int_equal(vault_backup_begin(d->v, &backup, NULL), RC_OK);
	assert_int_equal(rekey_desk_run(d), RC_BUSY);
	vault_backup_end(backup);
	assert_as_before(d);
	assert_int_equal(rekey_desk_run(d), RC_OK);
}

static void
refuses_while_copies_of_damaged_files_are_there(void **state)
{
	struct rekey_desk *d = *state;
	struct bytes b = { 0 };
	char path[FILES_PATH_MAX];

	bytes_text(&b, "what could not be read");
	rekey_desk_put(d, "vault.db-wal.damaged", &b);
	bytes_reset(&b);
	assert_int_equal(rekey_desk_run(d), RC_EXISTS);
	assert_as_before(d);
	rekey_desk_path(d, "vault.db-wal.damaged", path);
	assert_int_equal(files_remove(path, NULL), RC_OK);
	assert_int_equal(rekey_desk_run(d), RC_OK);
}

static enum rc
rewrap_that_fails(struct vault *from, struct vault *to, struct error *err)
{
	(void)from;
	vault_folder_sql(to, "DELETE FROM note");
	return error_set(err, RC_IO, NULL, NULL, "as told");
}

static void
a_secret_that_cannot_be_wrapped_again_leaves_all_as_it_was(void **state)
{
	struct rekey_desk *d = *state;
	struct vault_kdf same = { 0, 0 };
	struct vault_rewrap how = { rewrap_that_fails };

	assert_int_equal(vault_rekey(d->v, d->new_pass, same, how, &d->code, NULL), RC_IO);
	assert_as_before(d);
	assert_int_equal(rekey_desk_run(d), RC_OK);
}

static void
a_damaged_page_leaves_all_as_it_was(void **state)
{
	struct rekey_desk *d = *state;
	struct bytes bad = { 0 };
	struct error err = { 0 };
	struct vault_kdf same = { 0, 0 };
	struct vault_rewrap how = { NULL };
	const struct bytes *db = rekey_folder_file(&d->before, "vault.db");

	vault_close(d->v);
	d->v = NULL;
	bytes_put(&bad, db->data, db->len);
	bad.data[8 * REKEY_PAGE + 9] ^= 1;
	rekey_desk_put(d, "vault.db", &bad);
	assert_int_equal(vault_open(d->f->dir, d->old_pass, &d->v, NULL), RC_OK);
	assert_int_equal(vault_rekey(d->v, d->new_pass, same, how, &d->code, &err), RC_DAMAGED);
	vault_close(d->v);
	d->v = NULL;
	rekey_desk_put(d, "vault.db", db);
	bytes_reset(&bad);
	rekey_desk_is(d, &d->before);
}

/* No file may grow beyond n bytes.  0: no limit. */
static void
limit_files(rlim_t n)
{
	struct rlimit r;

	signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &r), 0);
	r.rlim_cur = n == 0 ? r.rlim_max : n;
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &r), 0);
}

static void
a_full_disk_leaves_all_as_it_was(void **state)
{
	struct rekey_desk *d = *state;
	rlim_t all = rekey_folder_file(&d->before, "vault.db")->len;
	struct error err;
	struct vault_kdf same = { 0, 0 };
	struct vault_rewrap how = { rekey_desk_rewrap };

	for (rlim_t n = REKEY_PAGE; n < all; n += 9 * REKEY_PAGE) {
		memset(&err, 0, sizeof err);
		limit_files(n);
		assert_int_equal(vault_rekey(d->v, d->new_pass, same, how, &d->code, &err), RC_FULL);
		limit_files(0);
		assert_true(err.help[0] != '\0');
		assert_as_before(d);
	}
	assert_int_equal(rekey_desk_run(d), RC_OK);
	rekey_desk_whole(d, d->v, REKEY_ROWS);
}

/* The second copy cannot be replaced: the first one gets its old slots back. */
static void
a_key_file_that_cannot_be_written_leaves_all_as_it_was(void **state)
{
	struct rekey_desk *d = *state;
	char path[FILES_PATH_MAX];

	rekey_desk_path(d, KEY_FILE_B, path);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(files_make_dir(path, NULL), RC_OK);
	/* nor can the old ones be rekey_desk_put back into it: it cannot be told, and the code is given */
	assert_int_not_equal(rekey_desk_run(d), RC_OK);
	assert_non_null(d->code);
	vault_close(d->v);
	d->v = NULL;
	assert_int_equal(rmdir(path), 0);
	/* here the first copy has them */
	rekey_desk_opens(d, d->old_pass, REKEY_ROWS);
	assert_int_equal(rekey_desk_by_code(d, d->old_code), RC_OK);
	assert_int_equal(rekey_desk_by_code(d, d->code), RC_AUTH);
	assert_false(rekey_desk_has(d, "vault.db.new"));
}

int
main(void)
{
#define TEST(t) cmocka_unit_test_setup_teardown(t, rekey_desk_set_up, rekey_desk_tear_down)
#define AFTER(t) cmocka_unit_test_setup_teardown(t, rekey_desk_set_up_after, rekey_desk_tear_down)
	const struct CMUnitTest tests[] = {
		TEST(everything_is_there_under_the_new_keys),
		AFTER(what_opened_it_before_opens_nothing_any_more),
		AFTER(nothing_of_the_old_database_is_left_in_the_new),
		TEST(the_cost_of_the_passphrase_stays_or_is_as_asked),
		AFTER(an_old_key_file_beside_the_new_one_opens_nothing),
		AFTER(two_old_key_files_open_nothing_and_harm_nothing),
		AFTER(an_old_slot_in_the_new_key_file_is_refused),
		AFTER(an_old_page_in_the_new_database_is_noticed),
		TEST(refuses_while_a_statement_a_transaction_or_a_backup_is_open),
		TEST(refuses_while_copies_of_damaged_files_are_there),
		TEST(a_secret_that_cannot_be_wrapped_again_leaves_all_as_it_was),
		TEST(a_damaged_page_leaves_all_as_it_was),
		TEST(a_full_disk_leaves_all_as_it_was),
		TEST(a_key_file_that_cannot_be_written_leaves_all_as_it_was),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
