#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "shared/sync/replica_heads.h"
#include "shared/vault/query.h"
#include "shared/vault/secret.h"
#include "shared/vault/vault.h"
#include "sync-server/authority.h"
#include "sync-server/authority_internal.h"
#include "sync-server/depot.h"
#include "tests/support/province.h"

/* What frames say of the directory that their authors knew: tests/support/province.h. */

struct two {
	struct province p;
	struct workspace *a, *b;
	struct bytes frame;
};

static int
begin(void **state)
{
	struct two *t = calloc(1, sizeof(*t));

	assert_non_null(t);
	province_start(&t->p);
	t->a = province_device(&t->p, "06001", ROLE_CASEWORKER, "Hoàng Văn Pao");
	t->b = province_device(&t->p, "06001", ROLE_CASEWORKER, "Nông Thị Lan");
	for (int i = 0; i < 2; i++) {
		province_sync(&t->p, t->a);
		province_sync(&t->p, t->b);
		province_meet(&t->p);
	}
	bytes_init(&t->frame);
	*state = t;
	return 0;
}

static int
end(void **state)
{
	struct two *t = *state;

	bytes_reset(&t->frame);
	workspace_close(t->a);
	workspace_close(t->b);
	province_end(&t->p);
	free(t);
	return 0;
}

static int64_t
told(struct workspace *ws, const char *kind, const char *detail)
{
	int64_t n;

	assert_int_equal(query_int(vault_db(ws->vault), NULL, &n, "SELECT count(*) FROM event"
	    " WHERE kind = ?1 AND detail = ?2", "tt", kind, detail), RC_OK);
	return n;
}

/* The relay shows what it had in another folder, of an earlier day. */
static void
copy_relay(struct province *p, const char *from, const char *to)
{
	char path[300];
	struct error err = { 0 };

	province_stop_relay(p);
	depot_close(p->depot);
	province_copy(p, from, to);
	snprintf(path, sizeof(path), "%s/relay", p->dir);
	assert_int_equal(depot_open(path, &p->depot, &err), RC_OK);
	province_serve(p);
}

static void
rotate(struct province *p, const char *unit)
{
	struct error err = { 0 };
	size_t n;

	assert_int_equal(authority_rotate(p->authority, unit, false, &n, &err), RC_OK);
}

/* What a seals now. */
static void
seal_one(struct two *t)
{
	struct error err = { 0 };

	province_add(t->a, "outreach", PROVINCE_VISIT);
	assert_int_equal(replica_seal(t->a->replica, 1 << 16, 0, &err), RC_OK);
	bytes_reset(&t->frame);
	assert_int_equal(query_blob(vault_db(t->a->vault), &err, &t->frame,
	    "SELECT bytes FROM frame WHERE state = 1 ORDER BY rowid DESC", ""), RC_OK);
}

static void
statements_that_the_relay_keeps_to_itself_are_told(void **state)
{
	struct two *t = *state;

	copy_relay(&t->p, "relay", "relay-before");
	rotate(&t->p, "06001");
	province_meet(&t->p);
	province_sync(&t->p, t->a);
	seal_one(t);
	copy_relay(&t->p, "relay", "relay-after");
	copy_relay(&t->p, "relay-before", "relay");
	province_take(t->b, ITEM_FRAME, &t->frame);
	province_sync(&t->p, t->b);
	assert_int_equal(province_count(t->b, "SELECT count(*) FROM event WHERE kind LIKE 'directory-%'"), 0);
	province_sync(&t->p, t->b);
	assert_int_equal(told(t->b, "directory-withheld", "Hoàng Văn Pao"), 1);
	/* once a day */
	province_sync(&t->p, t->b);
	assert_int_equal(province_count(t->b, "SELECT count(*) FROM event WHERE kind LIKE 'directory-%'"), 1);
	/* it shows them after all, and they are what a knew: that is over */
	copy_relay(&t->p, "relay-after", "relay");
	province_sync(&t->p, t->b);
	assert_int_equal(province_count(t->b, "SELECT count(*) FROM setting WHERE name = 'heard'"), 0);
	assert_int_equal(province_count(t->b, "SELECT count(*) FROM event WHERE kind = 'directory-fork'"), 0);
	assert_int_equal(province_count(t->b, "SELECT count(*) FROM form_outreach"), 1);
}

static void
a_hub_whose_line_is_down_withholds_nothing(void **state)
{
	struct two *t = *state;
	struct error err = { 0 };

	rotate(&t->p, "06001");
	province_meet(&t->p);
	province_sync(&t->p, t->a);
	seal_one(t);
	province_take(t->b, ITEM_FRAME, &t->frame);
	for (int i = 0; i < 3; i++)
		assert_int_equal(replica_heads_weigh(t->b->replica, true, &err), RC_OK);
	assert_int_equal(province_count(t->b, "SELECT count(*) FROM event WHERE kind LIKE 'directory-%'"), 0);
	/* and in an ordinary day nobody is accused of anything */
	province_sync(&t->p, t->b);
	province_sync(&t->p, t->a);
	province_sync(&t->p, t->b);
	assert_int_equal(province_count(t->b, "SELECT count(*) FROM event WHERE kind LIKE 'directory-%'"), 0);
	assert_int_equal(province_count(t->b, "SELECT count(*) FROM setting WHERE name = 'heard'"), 0);
}

/* The newest statement of the authority as it is now. */
static void
last_statement(struct province *p, struct bytes *out)
{
	struct error err = { 0 };

	bytes_reset(out);
	assert_int_equal(query_blob(p->authority->db, &err, out,
	    "SELECT bytes FROM statement ORDER BY seq DESC", ""), RC_OK);
}

/* Two copies of the authority signed: a was shown one chain, b the other, by whatever way. */
static void
two_chains_are_told_by_the_frames_of_those_who_were_shown_the_other(void **state)
{
	struct two *t = *state;
	struct bytes first, second;
	char url[300];

	bytes_init(&first);
	bytes_init(&second);
	authority_close(t->p.authority);
	province_copy(&t->p, "authority", "authority-copy");
	province_open_authority(&t->p);
	rotate(&t->p, "06001");
	last_statement(&t->p, &first);
	province_meet(&t->p);
	province_sync(&t->p, t->a);
	seal_one(t);
	authority_close(t->p.authority);
	province_copy(&t->p, "authority-copy", "authority");
	province_open_authority(&t->p);
	rotate(&t->p, "06002");
	last_statement(&t->p, &second);

	/* b hears of a's chain before it is shown the other */
	province_take(t->b, ITEM_FRAME, &t->frame);
	assert_int_equal(province_count(t->b, "SELECT count(*) FROM event WHERE kind = 'directory-fork'"), 0);
	province_take(t->b, ITEM_STATEMENT, &second);
	assert_int_equal(told(t->b, "directory-fork", "Hoàng Văn Pao"), 1);
	/* and after it */
	assert_int_equal(query_run(vault_db(t->b->vault), NULL, "DELETE FROM event", ""), RC_OK);
	seal_one(t);
	province_take(t->b, ITEM_FRAME, &t->frame);
	assert_int_equal(told(t->b, "directory-fork", "Hoàng Văn Pao"), 1);
	/* the statement itself, and the relay that shows it */
	province_take(t->b, ITEM_STATEMENT, &first);
	snprintf(url, sizeof(url), "%s", t->p.url);
	(void)!workspace_sync(t->b, url, &(struct replica_sync_result){ 0 }, &(struct error){ 0 });
	assert_int_equal(province_count(t->b, "SELECT count(DISTINCT detail) FROM event"
	    " WHERE kind = 'directory-fork'"), 3);
	bytes_reset(&first);
	bytes_reset(&second);
}

static void
who_invents_a_later_statement_hides_no_earlier_one(void **state)
{
	struct two *t = *state;
	struct frame_header h = { .directory_seq = UINT64_MAX };
	struct error err = { 0 };

	memcpy(h.device, replica_device(t->b->replica), sizeof(h.device));
	assert_int_equal(replica_heads_heard(t->b->replica, &h, &err), RC_OK);
	memcpy(h.device, replica_device(t->a->replica), sizeof(h.device));
	h.directory_seq = directory_count(replica_directory(t->b->replica));
	assert_int_equal(replica_heads_heard(t->b->replica, &h, &err), RC_OK);
	h.directory_seq += 2;
	assert_int_equal(replica_heads_heard(t->b->replica, &h, &err), RC_OK);
	/* the head was invented, too: told as soon as there is one */
	rotate(&t->p, "06001");
	province_meet(&t->p);
	province_sync(&t->p, t->b);
	assert_int_equal(told(t->b, "directory-fork", "Hoàng Văn Pao"), 1);
}

#define T(name) cmocka_unit_test_setup_teardown(name, begin, end)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(statements_that_the_relay_keeps_to_itself_are_told),
		T(a_hub_whose_line_is_down_withholds_nothing),
		T(two_chains_are_told_by_the_frames_of_those_who_were_shown_the_other),
		T(who_invents_a_later_statement_hides_no_earlier_one),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
