#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sqlite3.h>

#include "shared/base/embedded.h"
#include "shared/base/files.h"
#include "shared/records/fold.h"
#include "shared/sync/replica.h"
#include "shared/sync/replica_salvage.h"
#include "shared/vault/query.h"
#include "shared/vault/secret.h"
#include "shared/vault/vault.h"
#include "shared/vault/vault_internal.h"
#include "shared/vault/vault_salvage.h"
#include "tests/support/province.h"
#include "tests/support/vault_folder.h"

/* A laptop whose pages are spoilt one at a time; all of its work was sent, but for the last. */
enum { PAGE = 4096, RECORDS = 60 };

struct desk {
	struct province p;
	char dir[300];
	struct bytes db;		/* vault.db, closed */
	struct secret *master;
	uint8_t digest[32];
	int64_t entries;
};

static void
path_of(const struct desk *d, const char *name, char out[400])
{
	snprintf(out, 400, "%s/%s", d->dir, name);
}

static int
set_up(void **state)
{
	struct desk *d = calloc(1, sizeof *d);
	struct workspace *ws;
	uint8_t key[SECRET_KEY_BYTES];
	char path[400];

	assert_non_null(d);
	assert_int_equal(vault_start(), RC_OK);
	province_start(&d->p);
	memset(key, 7, sizeof key);
	assert_int_equal(secret_from(key, sizeof key, &d->master), RC_OK);
	ws = province_device(&d->p, "06001", ROLE_CASEWORKER, "Hoàng Văn Pao");
	province_device_dir(&d->p, 0, d->dir);
	for (int i = 0; i < RECORDS; i++)
		province_add(ws, i % 2 == 0 ? "outreach" : "person",
		    i % 2 == 0 ? PROVINCE_VISIT : PROVINCE_PERSON);
	province_sync(&d->p, ws);
	province_add(ws, "person", PROVINCE_PERSON);
	province_digest(ws, d->digest);
	assert_int_equal(query_int(vault_db(ws->vault), NULL, &d->entries,
	    "SELECT count(*) FROM entry", ""), RC_OK);
	workspace_close(ws);
	bytes_init(&d->db);
	path_of(d, "vault.db", path);
	assert_int_equal(files_read(path, 1 << 26, &d->db, NULL), RC_OK);
	*state = d;
	return 0;
}

static int
tear_down(void **state)
{
	struct desk *d = *state;

	bytes_reset(&d->db);
	secret_free(d->master);
	province_end(&d->p);
	free(d);
	return 0;
}

static void
spoil(const struct desk *d, size_t page)
{
	char path[400];

	d->db.data[page * PAGE + 99] ^= 4;
	path_of(d, "vault.db", path);
	assert_int_equal(files_replace(path, d->db.data, d->db.len, NULL), RC_OK);
	d->db.data[page * PAGE + 99] ^= 4;
}

/* The pages on which a table or index lies, by asking SQLite in the whole vault. */
struct outcome { size_t whole, by_sync, keys, mended; };

/* After a salvage: open, rebuild; and what is gone comes back from the relay. */
static void
assert_restored(struct desk *d, struct vault *v, const struct replica_salvage *s,
    struct outcome *o, size_t page)
{
	struct workspace *ws = NULL;
	struct replica_sync_result r;
	struct error err = { 0 };
	uint8_t now[32];
	int64_t entries = 0;
	enum rc rc;

	if (workspace_adopt(d->dir, v, &ws, &err) != RC_OK) {
		/* what makes it a device is gone: a backup, or join again */
		if (!s->keys_lost && !s->statements_lost && err.code != RC_NOTFOUND)
			fail_msg("page %zu: %s: %s", page + 1, err.where, err.what);
		o->keys++;
		return;
	}
	ws->clock = d->p.clock;
	assert_int_equal(workspace_begin(ws, NULL), RC_OK);
	rc = fold_rebuild(replica_fold(ws->replica), &err);
	if (workspace_end(ws, rc, &err) != RC_OK)
		fail_msg("page %zu: rebuild: %s: %s", page + 1, err.where, err.what);
	assert_int_equal(vault_verify(ws->vault, &err), RC_OK);
	assert_int_equal(query_int(vault_db(ws->vault), NULL, &entries, "SELECT count(*) FROM entry", ""),
	    RC_OK);
	assert_int_equal((uint64_t)entries, s->entries);
	province_digest(ws, now);
	if (s->lost == 0 && !s->keys_lost) {
		if (memcmp(now, d->digest, sizeof now) != 0)
			fail_msg("page %zu: nothing is lost, and the fold is another one", page + 1);
		o->whole++;
	}
	if (province_try_sync(&d->p, ws, &r, &err) != RC_OK) {
		/* scope keys that are gone */
		if (!s->keys_lost && !s->statements_lost)
			fail_msg("page %zu: sync: %s: %s", page + 1, err.where, err.what);
	} else if (s->lost > 0 && s->own_lost == 0 && !s->keys_lost) {
		province_digest(ws, now);
		if (memcmp(now, d->digest, sizeof now) != 0)
			fail_msg("page %zu: %d entries are lost, and do not come back", page + 1, (int)s->lost);
		o->by_sync++;
	}
	workspace_close(ws);
}

/* As vault_open_to_salvage does when the list of tables cannot be read. */
static struct vault *
opened_mended(struct desk *d)
{
	struct vault_vfs_rules rules = { .no_checkpoint_at_open = true,
	    .mend = (const char *)embedded_find("vault.sql")->data };
	struct vault *v = NULL;
	struct error err = { 0 };

	if (vault_open_on(d->dir, d->master, (struct vault_bench){ NULL, &rules }, &v, &err) != RC_OK)
		fail_msg("%s: %s", err.where, err.what);
	return v;
}

static void
try_page(struct desk *d, size_t page, struct outcome *o)
{
	struct vault_damage damage;
	struct replica_salvage s = { 0 };
	struct error err = { 0 };
	struct vault *v = NULL;

	spoil(d, page);
	if (vault_open_with_master(d->dir, d->master, &v, &err) != RC_OK) {
		assert_int_equal(err.code, RC_DAMAGED);
		v = opened_mended(d);
		o->mended++;
	}
	assert_int_equal(vault_examine(v, &damage, &err), RC_OK);
	assert_false(vault_is_whole(&damage));
	assert_int_equal(damage.bad_pages, 1);
	assert_int_equal(damage.named[0], (int64_t)page + 1);
	if (replica_salvage(v, &s, &err) != RC_OK)
		fail_msg("page %zu (%s): %s: %s: %s", page + 1, damage.tables, rc_name(err.code), err.where,
		    err.what);
	if (getenv("DAMAGE_TELL") != NULL)
		print_message("page %zu: %s: %d entries, %d lost\n", page + 1, damage.tables, (int)s.entries,
		    (int)s.lost);
	assert_int_equal(s.entries + s.lost, (uint64_t)d->entries);
	assert_restored(d, v, &s, o, page);
}

static void
what_a_spoilt_page_held_is_named_and_made_good(void **state)
{
	struct desk *d = *state;
	size_t pages = d->db.len / PAGE, step = getenv("DAMAGE") != NULL ? 1 : 7;
	struct outcome o = { 0, 0, 0, 0 };

	for (size_t page = 0; page < pages; page += step)
		try_page(d, page, &o);
	print_message("%zu pages: %zu without loss, %zu with the relay's help, %zu need a backup or a"
	    " new invitation; %zu hid the list of tables\n", pages, o.whole, o.by_sync, o.keys, o.mended);
	assert_true(o.whole > o.keys);
	assert_true(o.mended > 0);
}

/* What stood before the cut is there. */
static void
of_a_cut_off_database_is_kept_what_is_left(void **state)
{
	struct desk *d = *state;
	size_t pages = d->db.len / PAGE, step = getenv("DAMAGE") != NULL ? 1 : 11, whole = 0, some = 0;
	char path[400];

	path_of(d, "vault.db", path);
	for (size_t left = pages - 1; left > step; left -= step) {
		/* every other time in the middle of a page */
		size_t len = left * PAGE + (left % 2) * 1000;
		struct vault_damage damage;
		struct replica_salvage s = { 0 };
		struct error err = { 0 };
		struct vault *v = NULL;

		assert_int_equal(files_replace(path, d->db.data, len, NULL), RC_OK);
		/* that a last page on which nothing begins is gone is only seen by who looks for it */
		if (vault_open_with_master(d->dir, d->master, &v, &err) != RC_DAMAGED)
			assert_int_equal(left, pages - 1);
		vault_close(v);
		v = opened_mended(d);
		assert_int_equal(vault_examine(v, &damage, &err), RC_OK);
		assert_int_equal(damage.pages, pages);
		assert_int_equal(damage.bad_pages, pages - left);
		if (replica_salvage(v, &s, &err) != RC_OK)
			fail_msg("%zu of %zu pages: %s: %s: %s", left, pages, rc_name(err.code), err.where,
			    err.what);
		assert_true(s.entries <= (uint64_t)d->entries);
		assert_int_equal(vault_verify(v, &err), RC_OK);
		whole += s.entries == (uint64_t)d->entries;
		some += s.entries > 0;
		vault_close(v);
	}
	print_message("of %zu cuts %zu lost no entry, %zu not all\n", (pages - 1) / step, whole, some);
	assert_true(whole > 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_a_spoilt_page_held_is_named_and_made_good),
		cmocka_unit_test(of_a_cut_off_database_is_kept_what_is_left),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
