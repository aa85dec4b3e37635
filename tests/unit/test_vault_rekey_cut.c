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
		rekey_desk_is(d, &d->after);
	}
	bytes_reset(&wal);
	rekey_desk_opens(d, d->new_pass, REKEY_ROWS);
	assert_int_equal(rekey_desk_by_code(d, d->code), RC_OK);
	assert_int_equal(rekey_desk_by_code(d, d->old_code), RC_AUTH);
}

/* Both names may lead to the new one. */
static void
a_rename_that_was_half_done_is_finished(void **state)
{
	struct rekey_desk *d = *state;

	rekey_desk_put(d, "vault.db.new", rekey_folder_file(&d->after, "vault.db"));
	assert_int_equal(rekey_desk_by_words(d, d->new_pass), RC_OK);
	rekey_desk_is(d, &d->after);
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
		AFTER(a_rename_that_was_half_done_is_finished),
		AFTER(the_old_code_takes_a_cut_rekey_back),
		AFTER(nothing_is_removed_when_neither_database_opens),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
