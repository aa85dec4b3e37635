#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "shared/sync/seal.h"
#include "tests/support/relay_world.h"

enum { LINES = 40 };

static struct world w;

/* A list for `device` (its first `mine` lines) and for scopes of other units. */
static void
make_shares(const uint8_t device[16], size_t mine, struct bytes shares[LINES])
{
	struct share s;

	for (size_t i = 0; i < LINES; i++) {
		memset(&s, 0, sizeof(s));
		strcpy(s.unit, "24.1.1");
		s.epoch = 2;
		s.to_device = i < mine;
		if (s.to_device) {
			memcpy(s.to_device_id, device, 16);
			s.compartment = i % 2;
		} else {
			strcpy(s.to_unit, "24.2");
			s.to_epoch = 1;
		}
		memset(s.sealed, (int)i, sizeof(s.sealed));
		bytes_init(&shares[i]);
		directory_share_write(&s, &shares[i]);
		assert_int_equal(shares[i].rc, RC_OK);
	}
}

/* Publish the statement and bring the list to the relay. */
static void
publish(struct bytes shares[LINES])
{
	struct scope_key key = { .unit = "24.1.1", .epoch = 2 };
	struct bytes payload = { 0 }, list = { 0 }, items = { 0 };
	uint64_t seq = directory_count(w.province.d);
	struct meeting m;

	memcpy(key.public_key, w.scope_public, 32);
	directory_write_keys(&key, 1, shares, LINES, &payload);
	small_province_say(&w.province, STATEMENT_KEYS, &payload);
	directory_share_list_write(shares, LINES, seq, &list);
	exchange_put(&items, ITEM_SHARE_LIST, list.data, list.len);
	assert_int_equal(world_exchange(&w, &items, &m), RC_OK);
	assert_int_equal(m.state.status, ROOT_OK);
	meeting_reset(&m);
	/* twice is once */
	assert_int_equal(world_exchange(&w, &items, &m), RC_OK);
	meeting_reset(&m);
	bytes_reset(&list);
	bytes_reset(&items);
	for (size_t i = 0; i < LINES; i++)
		bytes_reset(&shares[i]);
}

static void
a_device_gets_its_own_lines_with_their_path(void **state)
{
	struct bytes shares[LINES];
	struct worker k, other;
	struct share s;
	struct heard a;

	(void)state;
	worker_join(&w, "24.1.1", ROLE_COMMUNICATOR, &k);
	worker_join(&w, "24.1.2", ROLE_COMMUNICATOR, &other);
	worker_sync(&k, NULL, &a);
	heard_reset(&a);
	make_shares(k.device.identity.device, 2, shares);
	publish(shares);
	worker_sync(&k, NULL, &a);
	assert_int_equal(a.n_statements, 1);
	assert_int_equal(a.n_shares, 2);
	assert_int_equal(a.n_share_lists, 0);
	assert_int_equal(directory_share_check(w.province.d, a.last_lane.data, a.last_lane.len, &s),
	    RC_OK);
	assert_memory_equal(s.to_device_id, k.device.identity.device, 16);
	assert_int_equal(s.sealed[0], 1);
	heard_reset(&a);
	worker_sync(&k, NULL, &a);
	assert_int_equal(a.n_shares, 0);
	heard_reset(&a);
	worker_sync(&other, NULL, &a);
	assert_int_equal(a.n_shares, 0);
	heard_reset(&a);
	worker_close(&k);
	worker_close(&other);
}

static void
who_may_have_more_than_a_quarter_gets_the_whole_list(void **state)
{
	struct bytes shares[LINES], f, items = { 0 };
	struct worker k;
	struct share *list;
	size_t n;
	struct heard a;

	(void)state;
	worker_join(&w, "24.1.1", ROLE_COMMUNICATOR, &k);
	worker_sync(&k, NULL, &a);
	heard_reset(&a);
	make_shares(k.device.identity.device, 11, shares);
	publish(shares);
	worker_sync(&k, NULL, &a);
	assert_int_equal(a.n_share_lists, 1);
	assert_int_equal(a.n_shares, 0);
	assert_int_equal(directory_share_list_check(w.province.d, a.last_lane.data,
	    a.last_lane.len, &list, &n), RC_OK);
	assert_int_equal(n, LINES);
	free(list);
	heard_reset(&a);
	/* and what comes after it comes still, once */
	f = worker_frame(&k, "24.1.1", 0, 1, 1, 50);
	exchange_put(&items, ITEM_FRAME, f.data, f.len);
	worker_sync(&k, &items, &a);
	assert_int_equal(a.n_share_lists + a.n_shares, 0);
	assert_true(heard_receipts(&a, &f));
	heard_reset(&a);
	/* a list at the edge of what fits is not served by halves */
	k.position = 0;
	k.down_max = 1;
	worker_sync(&k, NULL, &a);
	assert_true(a.more);
	assert_int_equal(a.n_share_lists, 1);
	heard_reset(&a);
	worker_sync(&k, NULL, &a);
	assert_int_equal(a.n_share_lists + a.n_shares, 0);
	assert_true(heard_serves(&a, &f));
	heard_reset(&a);
	bytes_reset(&f);
	bytes_reset(&items);
	worker_close(&k);
}

static void
a_list_that_was_not_promised_is_refused_whole(void **state)
{
	struct bytes shares[LINES], list = { 0 }, items = { 0 };
	struct worker k;
	struct meeting m;
	uint64_t last, again;

	(void)state;
	worker_join(&w, "24.1.1", ROLE_COMMUNICATOR, &k);
	make_shares(k.device.identity.device, 2, shares);
	directory_share_list_write(shares, LINES, 2, &list);	/* statement 2 promised none */
	exchange_put(&items, ITEM_SHARE_LIST, list.data, list.len);
	assert_int_equal(depot_last_position(w.depot, &last), RC_OK);
	assert_int_not_equal(world_exchange(&w, &items, &m), RC_OK);
	assert_int_equal(depot_last_position(w.depot, &again), RC_OK);
	assert_int_equal(last, again);
	assert_int_equal(world_exchange(&w, NULL, &m), RC_OK);
	meeting_reset(&m);
	bytes_reset(&list);
	bytes_reset(&items);
	for (size_t i = 0; i < LINES; i++)
		bytes_reset(&shares[i]);
	worker_close(&k);
}

/* ---- receipts of holders ---- */

static void
put_held(struct bytes *items, struct worker *holder, struct worker *of, uint64_t n)
{
	struct exchange_head tip = { .log = of->log, .n = n };
	struct receipt_scope scope = { .unit = "24.1.1", .compartment = 0, .tips = &tip, .n_tips = 1 };
	struct receipt r = { .kind = RECEIPT_HELD, .at = WORLD_NOW, .scopes = &scope, .n_scopes = 1 };
	struct bytes payload = { 0 };

	memcpy(r.signer, holder->device.identity.device, 16);
	memcpy(r.device, of->device.identity.device, 16);
	assert_int_equal(exchange_receipt_write(&r, holder->device.identity.sign_seed, &payload),
	    RC_OK);
	exchange_put(items, ITEM_RECEIPT, payload.data, payload.len);
	bytes_reset(&payload);
}

static void
a_holders_receipt_reaches_its_device_once(void **state)
{
	struct bytes items = { 0 };
	struct worker k, holder;
	struct receipt r;
	struct heard a;

	(void)state;
	worker_join(&w, "24.1.1", ROLE_COMMUNICATOR, &k);
	worker_join(&w, "24", ROLE_HOLDER, &holder);
	worker_sync(&k, NULL, &a);
	heard_reset(&a);
	put_held(&items, &holder, &k, 7);
	for (int i = 0; i < 3; i++) {
		worker_sync(&holder, &items, &a);
		assert_int_equal(a.welcome.status, STATUS_OK);
		heard_reset(&a);
	}
	worker_sync(&k, NULL, &a);
	assert_int_equal(a.n_lane_receipts, 1);
	assert_int_equal(exchange_receipt_read(a.last_lane.data, a.last_lane.len, &r), RC_OK);
	assert_int_equal(r.kind, RECEIPT_HELD);
	assert_int_equal(r.scopes[0].tips[0].n, 7);
	exchange_receipt_reset(&r);
	heard_reset(&a);
	bytes_reset(&items);
	worker_close(&k);
	worker_close(&holder);
}

static void
only_holders_say_that_something_is_held(void **state)
{
	struct bytes items = { 0 };
	struct worker k, supervisor, holder;
	struct heard a;

	(void)state;
	worker_join(&w, "24.1.1", ROLE_COMMUNICATOR, &k);
	worker_join(&w, "24", ROLE_SUPERVISOR, &supervisor);
	worker_join(&w, "24", ROLE_HOLDER, &holder);
	worker_sync(&k, NULL, &a);
	heard_reset(&a);
	put_held(&items, &supervisor, &k, 7);
	put_held(&items, &holder, &k, 9);
	items.data[items.len - 1] ^= 1;		/* and a forged one */
	exchange_put(&items, ITEM_RECEIPT, "nonsense", 8);
	worker_sync(&supervisor, &items, &a);
	assert_int_equal(a.welcome.status, STATUS_OK);
	heard_reset(&a);
	worker_sync(&k, NULL, &a);
	assert_int_equal(a.n_lane_receipts, 0);
	heard_reset(&a);
	bytes_reset(&items);
	worker_close(&k);
	worker_close(&supervisor);
	worker_close(&holder);
}

/* ---- the authority ---- */

static void
nobody_but_the_root_is_answered(void **state)
{
	struct bytes request = world_request(&w, NULL), reply = { 0 };

	(void)state;
	for (size_t i = 0; i < request.len; i++) {
		request.data[i] ^= 1;
		assert_int_not_equal(relay_exchange(w.depot, &w.clock, request.data, request.len, &reply,
		    NULL), RC_OK);
		assert_int_equal(reply.len, 0);
		request.data[i] ^= 1;
	}
	for (size_t cut = 0; cut < request.len; cut++)
		assert_int_not_equal(relay_exchange(w.depot, &w.clock, request.data, cut, &reply, NULL),
		    RC_OK);
	assert_int_equal(relay_exchange(w.depot, &w.clock, request.data, request.len, &reply, NULL),
	    RC_OK);
	bytes_reset(&request);
	bytes_reset(&reply);
}

static void
an_old_request_of_the_authority_does_nothing_again(void **state)
{
	struct bytes request = world_request(&w, NULL), reply = { 0 };
	struct meeting m;

	(void)state;
	assert_int_equal(relay_exchange(w.depot, &w.clock, request.data, request.len, &reply, NULL),
	    RC_OK);
	/* w still has the nonce of before */
	assert_int_equal(world_exchange(&w, NULL, &m), RC_OK);
	assert_int_equal(m.state.status, ROOT_STALE);
	meeting_reset(&m);
	assert_int_equal(world_exchange(&w, NULL, &m), RC_OK);
	assert_int_equal(m.state.status, ROOT_OK);
	meeting_reset(&m);
	bytes_reset(&request);
	bytes_reset(&reply);
}

static void
an_authority_from_an_old_backup_is_told_so(void **state)
{
	struct bytes payload = { 0 };
	struct small_province old = w.province;
	struct meeting m;
	uint64_t before = directory_count(depot_directory(w.depot));

	(void)state;
	/* another statement at the next place, by the same root: a copy of the authority */
	directory_write_revoke((const uint8_t *)"0123456789abcdef", "một", &payload);
	old.said = NULL;
	struct bytes one = small_province_sign(&old, STATEMENT_REVOKE, &payload);
	struct bytes items = { 0 };

	exchange_put(&items, ITEM_STATEMENT, one.data, one.len);
	world_keys(&w, 2);
	assert_int_equal(world_exchange(&w, NULL, &m), RC_OK);
	assert_int_equal(m.state.status, ROOT_OK);
	meeting_reset(&m);
	assert_int_equal(directory_count(depot_directory(w.depot)), before + 1);
	assert_int_equal(world_exchange(&w, &items, &m), RC_OK);
	assert_int_equal(m.state.status, ROOT_CHAINS_DIFFER);
	assert_int_equal(directory_count(depot_directory(w.depot)), before + 1);
	meeting_reset(&m);
	bytes_reset(&one);
	bytes_reset(&items);
}

static void
certificates_and_heads_are_told_once(void **state)
{
	struct bytes items = { 0 }, f;
	struct worker k;
	struct meeting m;
	struct heard a;

	(void)state;
	worker_join(&w, "24.1.1", ROLE_COMMUNICATOR, &k);
	f = worker_frame(&k, "24.1.1", 0, 1, 4, 50);
	exchange_put(&items, ITEM_FRAME, f.data, f.len);
	worker_sync(&k, &items, &a);
	heard_reset(&a);
	assert_int_equal(world_exchange(&w, NULL, &m), RC_OK);
	assert_int_equal(m.n_certificates, 1);
	assert_int_equal(m.n_heads, 1);
	assert_memory_equal(m.last_head.device, k.device.identity.device, 16);
	assert_true(m.last_head.head.log == k.log);
	assert_int_equal(m.last_head.head.n, 4);
	assert_memory_equal(m.last_head.head.head, k.head, 16);
	meeting_reset(&m);
	assert_int_equal(world_exchange(&w, NULL, &m), RC_OK);
	assert_int_equal(m.n_certificates + m.n_heads, 0);
	meeting_reset(&m);
	/* a restored relay tells everything again */
	assert_int_equal(depot_renew_generation(w.depot), RC_OK);
	assert_int_equal(world_exchange(&w, NULL, &m), RC_OK);
	assert_int_equal(m.n_certificates, 1);
	assert_int_equal(m.n_heads, 1);
	meeting_reset(&m);
	bytes_reset(&f);
	bytes_reset(&items);
	worker_close(&k);
}

int
main(void)
{
#define TEST(f) cmocka_unit_test_prestate_setup_teardown(f, world_set_up, world_tear_down, &w)
	const struct CMUnitTest tests[] = {
		TEST(a_device_gets_its_own_lines_with_their_path),
		TEST(who_may_have_more_than_a_quarter_gets_the_whole_list),
		TEST(a_list_that_was_not_promised_is_refused_whole),
		TEST(a_holders_receipt_reaches_its_device_once),
		TEST(only_holders_say_that_something_is_held),
		TEST(nobody_but_the_root_is_answered),
		TEST(an_old_request_of_the_authority_does_nothing_again),
		TEST(an_authority_from_an_old_backup_is_told_so),
		TEST(certificates_and_heads_are_told_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
