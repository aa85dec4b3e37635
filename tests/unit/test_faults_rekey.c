#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>

#include <sqlite3.h>

#include "shared/vault/vault_rekey.h"
#include "tests/support/faults.h"
#include "tests/support/rekey_desk.h"
#include "tests/support/vault_folder.h"

struct trial {
	struct rekey_desk *d;
	struct secret *next_code;
	int64_t rows;
};

static int
set_up(void **state)
{
	struct trial *t = calloc(1, sizeof *t);
	void *d;

	assert_non_null(t);
	if (vault_start() != RC_OK)
		return -1;
	faults_start();
	if (rekey_desk_set_up(&d) != 0)
		return -1;
	t->d = d;
	t->rows = REKEY_ROWS;
	*state = t;
	return 0;
}

static int
tear_down(void **state)
{
	struct trial *t = *state;
	void *d = t->d;

	secret_free(t->next_code);
	free(t);
	return rekey_desk_tear_down(&d);
}

/* New keys and one row more come together, or neither. */
static enum rc
one_row_more(struct vault *from, struct vault *to, struct error *err)
{
	(void)from;
	return vault_rc_of_sqlite(vault_db(to), sqlite3_exec(vault_db(to),
	    "INSERT INTO note(body) VALUES (printf('%.*c', 3000, 'n'))", NULL, NULL, NULL), "add a row", err);
}

static enum rc
run_rekey(void *ctx, struct error *err)
{
	struct trial *t = ctx;
	struct vault_kdf same = { 0, 0 };
	struct vault_rewrap how = { one_row_more };
	struct secret *code = NULL;
	enum rc rc = vault_rekey(t->d->v, t->d->old_pass, same, how, &code, err);

	assert_true(rc != RC_OK || code != NULL);
	secret_free(t->next_code);
	t->next_code = code;
	return rc;
}

/* An error without a code: as before.  With one: the next opening tells which code it is. */
static void
check_rekey(void *ctx, enum rc rc)
{
	struct trial *t = ctx;
	struct rekey_desk *d = t->d;
	bool is_new;

	if (t->next_code == NULL) {
		assert_int_not_equal(rc, RC_OK);
		assert_non_null(vault_db(d->v));
	}
	vault_close(d->v);
	d->v = NULL;
	is_new = t->next_code != NULL && rekey_desk_by_code(d, t->next_code) == RC_OK;
	assert_true(is_new || rc != RC_OK);
	if (is_new) {
		secret_free(d->old_code);
		d->old_code = t->next_code;
		t->next_code = NULL;
		t->rows++;
	}
	assert_int_equal(rekey_desk_by_code(d, d->old_code), RC_OK);
	assert_int_equal(vault_open(d->f->dir, d->old_pass, &d->v, NULL), RC_OK);
	assert_int_equal(vault_folder_number(d->v, "SELECT count(*) FROM note"), t->rows);
	assert_int_equal(vault_verify(d->v, NULL), RC_OK);
	assert_false(rekey_desk_has(d, "vault.db.new"));
}

static void
giving_a_vault_new_keys(void **state)
{
	struct faults_task task = { .name = "vault_rekey", .run = run_rekey, .check = check_rekey,
	    .argon2 = true };

	faults_drive(&task, *state);
}

/* The old database, the new one beside it, the new key files. */
static void
cut_behind_the_keys(void *ctx)
{
	struct trial *t = ctx;

	rekey_folder_put(t->d, &t->d->after);
	rekey_desk_put(t->d, "vault.db", rekey_folder_file(&t->d->before, "vault.db"));
	rekey_desk_put(t->d, "vault.db.new", rekey_folder_file(&t->d->after, "vault.db"));
}

static enum rc
run_settle(void *ctx, struct error *err)
{
	struct trial *t = ctx;
	struct vault *v = NULL;
	enum rc rc = vault_open_with_recovery(t->d->f->dir, t->d->code, &v, err);

	assert_true((rc == RC_OK) == (v != NULL));
	vault_close(v);
	return rc;
}

static void
check_settle(void *ctx, enum rc rc)
{
	struct trial *t = ctx;
	struct vault *v = NULL;

	(void)rc;
	assert_int_equal(vault_open_with_recovery(t->d->f->dir, t->d->code, &v, NULL), RC_OK);
	rekey_desk_whole(t->d, v, REKEY_ROWS);
	vault_close(v);
	assert_false(rekey_desk_has(t->d, "vault.db.new"));
}

static void
finishing_new_keys_after_a_power_cut(void **state)
{
	struct faults_task task = { .name = "vault_rekey_settle", .prepare = cut_behind_the_keys,
	    .run = run_settle, .check = check_settle };
	struct trial *t = *state;

	assert_int_equal(rekey_desk_run(t->d), RC_OK);
	vault_close(t->d->v);
	t->d->v = NULL;
	rekey_folder_take(t->d, &t->d->after);
	faults_drive(&task, t);
}

int
main(void)
{
#define TEST(t) cmocka_unit_test_setup_teardown(t, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(giving_a_vault_new_keys),
		TEST(finishing_new_keys_after_a_power_cut),
	};

	cmocka_set_test_filter(getenv("FAULTS_TEST"));
	return cmocka_run_group_tests(tests, NULL, NULL);
}
