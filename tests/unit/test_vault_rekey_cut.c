#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "shared/vault/key_file.h"
#include "tests/support/rekey_desk.h"
#include "tests/support/vault_folder.h"

/* Cuts ---------------------------------------------------------------------- */

/* Key files old: whatever has been written of the new database goes. */
static void
a_cut_before_the_key_file_is_as_if_nothing_was_done(void **state)
{
	struct rekey_desk *d = *state;
	struct bytes part = *rekey_folder_file(&d->after, "vault.db");

	for (int i = 0; i < 4; i++) {
		rekey_folder_put(d, &d->before);
		part.len = i == 0 ? 0 : i == 1 ? REKEY_PAGE / 2 : i == 2 ? 7 * REKEY_PAGE :
		    rekey_folder_file(&d->after, "vault.db")->len;
		rekey_desk_put(d, "vault.db.new", &part);
		rekey_desk_put(d, "vault.db.new-wal", &part);
		rekey_desk_opens(d, d->old_pass, REKEY_ROWS);
		assert_false(rekey_desk_has(d, "vault.db.new"));
		assert_false(rekey_desk_has(d, "vault.db.new-wal"));
		assert_int_equal(rekey_desk_by_code(d, d->old_code), RC_OK);
	}
}

/* A first page that a checkpoint tore, whose contents are in the WAL, says nothing about the keys. */
static void
a_torn_first_page_beside_a_leftover_is_no_finished_rekey(void **state)
{
	struct rekey_desk *d = *state;
	struct rekey_folder cut = { .n = 0 };
	struct bytes torn = { 0 };

	rekey_folder_put(d, &d->before);
	assert_int_equal(vault_open(d->f->dir, d->old_pass, &d->v, NULL), RC_OK);
	/* every page is in the WAL */
	vault_folder_sql(d->v, "UPDATE note SET body = body || 'y'; CREATE TABLE more (x)");
	rekey_folder_take(d, &cut);
	vault_close(d->v);
	d->v = NULL;
	for (int all = 0; all < 2; all++) {
		const struct bytes *db = rekey_folder_file(&cut, "vault.db");

		rekey_folder_put(d, &cut);
		bytes_init(&torn);
		bytes_put(&torn, db->data, db->len);
		if (all)
			for (size_t at = 0; at < torn.len; at += REKEY_PAGE)
				torn.data[at + 100] ^= 1;
		else
			memset(torn.data, 0x5a, REKEY_PAGE / 2);
		rekey_desk_put(d, "vault.db", &torn);
		bytes_reset(&torn);
		rekey_desk_put(d, "vault.db.new", rekey_folder_file(&d->after, "vault.db"));
		assert_int_equal(vault_open(d->f->dir, d->old_pass, &d->v, NULL), RC_OK);
		assert_false(rekey_desk_has(d, "vault.db.new"));
		assert_int_equal(vault_folder_number(d->v, "SELECT count(*) FROM sqlite_schema"), 4);
		/* with all pages torn, those that are in no WAL are gone */
		if (!all)
			rekey_desk_whole(d, d->v, REKEY_ROWS);
		vault_close(d->v);
		d->v = NULL;
	}
	rekey_folder_reset(&cut);
}

/* Key files new, the old database still there. */
static void
a_cut_after_the_key_file_is_finished_by_the_next_opening(void **state)
{
	struct rekey_desk *d = *state;
	struct bytes wal = { 0 };

	bytes_put(&wal, rekey_folder_file(&d->before, "vault.db")->data, 3 * 4608);
	for (int i = 0; i < 3; i++) {
		rekey_folder_put(d, &d->after);
		rekey_desk_put(d, "vault.db", rekey_folder_file(&d->before, "vault.db"));
		rekey_desk_put(d, "vault.db.new", rekey_folder_file(&d->after, "vault.db"));
		if (i > 0)
			rekey_desk_put(d, "vault.db-wal", &wal);
		/* the second copy was not reached */
		if (i == 2)
			rekey_desk_put(d, KEY_FILE_B, rekey_folder_file(&d->before, KEY_FILE_B));
		assert_int_equal(rekey_desk_by_words(d, d->new_pass), RC_OK);
		assert_false(rekey_desk_has(d, "vault.db.new"));
	}
	bytes_reset(&wal);
	rekey_desk_opens(d, d->new_pass, REKEY_ROWS);
	assert_int_equal(rekey_desk_by_code(d, d->code), RC_OK);
	assert_int_equal(rekey_desk_by_code(d, d->old_code), RC_AUTH);
}

/* The old database is half overwritten, and may be shorter or longer than the new one. */
static void
a_copy_that_was_half_done_is_done_again(void **state)
{
	struct rekey_desk *d = *state;
	const struct bytes *old = rekey_folder_file(&d->before, "vault.db");
	const struct bytes *now = rekey_folder_file(&d->after, "vault.db");
	struct bytes half;

	for (size_t n = 0; n < 4; n++) {
		size_t len = n == 3 ? now->len : n * 20 * REKEY_PAGE + 100;

		bytes_init(&half);
		bytes_put(&half, now->data, len);
		bytes_put(&half, old->data + len, old->len - len);
		if (n == 2)
			bytes_put(&half, old->data, 3 * REKEY_PAGE);
		/* the first page comes last */
		memcpy(half.data, old->data, REKEY_PAGE);
		rekey_folder_put(d, &d->after);
		rekey_desk_put(d, "vault.db", &half);
		rekey_desk_put(d, "vault.db.new", now);
		bytes_reset(&half);
		rekey_desk_opens(d, d->new_pass, REKEY_ROWS);
		assert_false(rekey_desk_has(d, "vault.db.new"));
	}
}

/* What was saved since is not lost to a new database that was done with, and is still there. */
static void
a_new_database_that_was_brought_over_stays_over(void **state)
{
	struct rekey_desk *d = *state;
	struct bytes done = { 0 };
	const struct bytes *now = rekey_folder_file(&d->after, "vault.db");

	assert_int_equal(vault_open(d->f->dir, d->new_pass, &d->v, NULL), RC_OK);
	rekey_desk_save(d->v, REKEY_LATER);
	vault_close(d->v);
	d->v = NULL;
	bytes_put(&done, now->data, now->len);
	memset(done.data, 0x5a, REKEY_PAGE);
	rekey_desk_put(d, "vault.db.new", &done);
	bytes_reset(&done);
	rekey_desk_opens(d, d->new_pass, REKEY_ROWS + REKEY_LATER);
	assert_false(rekey_desk_has(d, "vault.db.new"));
}

/* Half overwritten, and the new one has lost its first page: two faults, and nothing goes. */
static void
nothing_is_removed_when_neither_first_page_opens(void **state)
{
	struct rekey_desk *d = *state;
	const struct bytes *old = rekey_folder_file(&d->before, "vault.db");
	const struct bytes *now = rekey_folder_file(&d->after, "vault.db");
	struct rekey_folder was = { .n = 0 };
	struct bytes half = { 0 }, bad = { 0 };

	bytes_put(&half, now->data, now->len);
	memcpy(half.data, old->data, REKEY_PAGE);
	bytes_put(&bad, now->data, now->len);
	bad.data[77] ^= 1;
	rekey_desk_put(d, "vault.db", &half);
	rekey_desk_put(d, "vault.db.new", &bad);
	bytes_reset(&half);
	bytes_reset(&bad);
	rekey_folder_take(d, &was);
	assert_int_equal(rekey_desk_by_words(d, d->new_pass), RC_DAMAGED);
	rekey_desk_is(d, &was);
	rekey_folder_reset(&was);
}

/* First copy new, second old, and only the old code at hand: it was not done yet, and is taken back. */
static void
the_old_code_takes_a_cut_rekey_back(void **state)
{
	struct rekey_desk *d = *state;

	rekey_folder_put(d, &d->before);
	rekey_desk_put(d, KEY_FILE_A, rekey_folder_file(&d->after, KEY_FILE_A));
	rekey_desk_put(d, "vault.db.new", rekey_folder_file(&d->after, "vault.db"));
	assert_int_equal(rekey_desk_by_code(d, d->old_code), RC_OK);
	rekey_desk_is(d, &d->before);
	rekey_desk_opens(d, d->old_pass, REKEY_ROWS);
}

static void
nothing_is_removed_when_neither_database_opens(void **state)
{
	struct rekey_desk *d = *state;
	struct rekey_folder was = { .n = 0 };
	struct bytes bad = { 0 };
	struct error err = { 0 };
	struct vault *v = NULL;

	bytes_put(&bad, rekey_folder_file(&d->after, "vault.db")->data, 4 * REKEY_PAGE);
	for (size_t at = 0; at < bad.len; at += REKEY_PAGE)
		bad.data[at + 7] ^= 4;
	rekey_desk_put(d, "vault.db", rekey_folder_file(&d->before, "vault.db"));
	rekey_desk_put(d, "vault.db.new", &bad);
	rekey_desk_put(d, "vault.db-wal", &bad);
	bytes_reset(&bad);
	rekey_folder_take(d, &was);
	assert_int_equal(vault_open(d->f->dir, d->new_pass, &v, &err), RC_DAMAGED);
	assert_null(v);
	assert_non_null(strstr(err.what, "nothing in the database opens"));
	rekey_desk_is(d, &was);
	rekey_folder_reset(&was);
}

int
main(void)
{
#define AFTER(t) cmocka_unit_test_setup_teardown(t, rekey_desk_set_up_after, rekey_desk_tear_down)
	const struct CMUnitTest tests[] = {
		AFTER(a_cut_before_the_key_file_is_as_if_nothing_was_done),
		AFTER(a_torn_first_page_beside_a_leftover_is_no_finished_rekey),
		AFTER(a_cut_after_the_key_file_is_finished_by_the_next_opening),
		AFTER(a_copy_that_was_half_done_is_done_again),
		AFTER(a_new_database_that_was_brought_over_stays_over),
		AFTER(nothing_is_removed_when_neither_first_page_opens),
		AFTER(the_old_code_takes_a_cut_rekey_back),
		AFTER(nothing_is_removed_when_neither_database_opens),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
