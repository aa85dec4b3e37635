#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "tests/support/relay_world.h"

static struct world w;

/* ---- cuts ---- */

static void
a_cut_at_any_byte_keeps_whole_frames_and_a_repeat_completes(void **state)
{
	struct worker k;
	struct bytes items = { 0 }, f[3], request;
	struct relay_session *s;
	struct heard a;
	size_t head, whole;

	(void)state;
	worker_join(&w, "24.1.1", ROLE_COMMUNICATOR, &k);
	request = worker_request(&k, NULL, false);
	head = request.len;
	bytes_reset(&request);
	for (size_t i = 0; i < 3; i++)
		f[i] = worker_put_frame(&k, &items);
	request = worker_request(&k, &items, true);
	for (size_t cut = 0; cut < request.len; cut++) {
		assert_int_equal(relay_session_new(w.relay, &s), RC_OK);
		assert_int_equal(relay_session_feed(s, request.data, cut), RC_OK);
		relay_session_free(s);		/* the link is gone */
		whole = 0;
		for (size_t i = 0, at = head; i < 3; i++) {
			at += 3 + f[i].len;	/* type, two bytes of length, frame */
			whole += cut >= at;
		}
		assert_int_equal(world_counts(&w).served, whole);
	}
	/* the same hello still holds: no byte of it went through to its end */
	world_say(&w, &request, 50, &a);
	assert_int_equal(a.welcome.status, STATUS_OK);
	assert_int_equal(a.n_receipted, 3);
	heard_reset(&a);
	assert_int_equal(world_counts(&w).served, 3);
	bytes_reset(&request);
	bytes_reset(&items);
	for (size_t i = 0; i < 3; i++)
		bytes_reset(&f[i]);
	worker_close(&k);
}

static void
a_message_without_its_end_counts_as_far_as_it_came(void **state)
{
	struct worker k;
	struct bytes items = { 0 }, f, request;
	struct heard a;

	(void)state;
	worker_join(&w, "24.1.1", ROLE_COMMUNICATOR, &k);
	f = worker_put_frame(&k, &items);
	request = worker_request(&k, &items, false);
	world_say(&w, &request, 100, &a);
	/* it is asked for again: nobody knows what else there was */
	assert_int_equal(a.welcome.status, STATUS_STALE);
	assert_true(heard_receipts(&a, &f));
	heard_reset(&a);
	bytes_reset(&request);
	bytes_reset(&items);
	bytes_reset(&f);
	worker_close(&k);
}

static void
what_got_lost_in_a_request_is_asked_for_again(void **state)
{
	struct worker k;
	struct bytes items = { 0 }, f, g, request;
	struct heard a;

	(void)state;
	worker_join(&w, "24.1.1", ROLE_COMMUNICATOR, &k);
	f = worker_put_frame(&k, &items);
	g = worker_put_frame(&k, &items);
	request = worker_request(&k, &items, true);
	/* the type of the last frame, which is passed over then: end, frame, its length and type */
	assert_int_equal(request.data[request.len - 6 - g.len - 3], ITEM_FRAME);
	request.data[request.len - 6 - g.len - 3] |= 0x80;
	world_say(&w, &request, 100, &a);
	assert_int_equal(a.welcome.status, STATUS_STALE);
	assert_true(heard_receipts(&a, &f));
	assert_false(heard_receipts(&a, &g));
	heard_reset(&a);
	/* the nonce is the same: it may come again as it is */
	request.data[request.len - 6 - g.len - 3] &= 0x7f;
	world_say(&w, &request, 100, &a);
	assert_int_equal(a.welcome.status, STATUS_OK);
	assert_true(heard_receipts(&a, &f));
	assert_true(heard_receipts(&a, &g));
	heard_reset(&a);
	bytes_reset(&request);
	bytes_reset(&items);
	bytes_reset(&f);
	bytes_reset(&g);
	worker_close(&k);
}

static void
a_full_disk_loses_nothing_and_gives_no_receipt(void **state)
{
	struct worker k;
	struct bytes items = { 0 }, f[40];
	struct heard a;
	uint64_t stored;

	(void)state;
	worker_join(&w, "24.1.1", ROLE_COMMUNICATOR, &k);
	worker_sync_ok(&k, NULL, &a);
	heard_reset(&a);
	assert_int_equal(depot_limit(w.depot, 300 << 10), RC_OK);
	for (size_t i = 0; i < 40; i++) {
		f[i] = worker_frame(&k, "24.1.1", 0, 1, 3, 10000);
		exchange_put(&items, ITEM_FRAME, f[i].data, f[i].len);
	}
	worker_sync(&k, &items, &a);
	assert_int_equal(a.rc, RC_FULL);
	heard_reset(&a);
	stored = world_counts(&w).served;
	assert_true(stored > 0 && stored < 40);
	world_restart(&w);
	assert_int_equal(world_counts(&w).served, stored);
	worker_sync_ok(&k, &items, &a);
	assert_int_equal(a.n_receipted, 40);
	heard_reset(&a);
	assert_int_equal(world_counts(&w).served, 40);
	bytes_reset(&items);
	for (size_t i = 0; i < 40; i++)
		bytes_reset(&f[i]);
	worker_close(&k);
}

/* ---- the cursor ---- */

static void
a_bounded_reply_says_that_there_is_more(void **state)
{
	struct worker k, reader;
	struct bytes items = { 0 }, f[10];
	struct heard a;
	size_t got = 0, rounds = 0;
	bool more = true;

	(void)state;
	worker_join(&w, "24.1.1", ROLE_COMMUNICATOR, &k);
	worker_join(&w, "24.1.1", ROLE_COMMUNICATOR, &reader);
	for (size_t i = 0; i < 10; i++)
		f[i] = worker_frame(&k, "24.1.1", 0, 1, 3, 5000);
	for (size_t i = 0; i < 10; i++)
		exchange_put(&items, ITEM_FRAME, f[i].data, f[i].len);
	worker_sync_ok(&k, &items, &a);
	heard_reset(&a);
	reader.down_max = 20000;
	while (more && rounds++ < 20) {
		worker_sync_ok(&reader, NULL, &a);
		assert_true(a.bytes < 21000);
		got += a.n_frames;
		more = a.more;
		heard_reset(&a);
	}
	assert_int_equal(got, 10);
	assert_true(rounds >= 3 && rounds <= 5);
	/* one item is served even where the limit is smaller */
	reader.position = 0;
	reader.down_max = 1;
	worker_sync_ok(&reader, NULL, &a);
	assert_int_equal(a.n_frames + a.n_certificates, 1);
	assert_true(a.more);
	heard_reset(&a);
	bytes_reset(&items);
	for (size_t i = 0; i < 10; i++)
		bytes_reset(&f[i]);
	worker_close(&k);
	worker_close(&reader);
}

static void
a_lane_that_is_behind_catches_up(void **state)
{
	static char cases_lane[] = "f124.1.1";
	struct worker k, reader;
	struct bytes items = { 0 }, open, tip;
	struct heard a;

	(void)state;
	worker_join(&w, "24.1.1", ROLE_CASEWORKER, &k);
	worker_join(&w, "24.1.1", ROLE_CASEWORKER, &reader);
	tip = worker_frame(&k, "24.1.1", 1, 1, 1, 80);
	k.log++;
	k.n = 0;
	open = worker_frame(&k, "24.1.1", 0, 1, 1, 80);
	exchange_put(&items, ITEM_FRAME, tip.data, tip.len);
	exchange_put(&items, ITEM_FRAME, open.data, open.len);
	worker_sync_ok(&k, &items, &a);
	heard_reset(&a);
	worker_sync_ok(&reader, NULL, &a);
	assert_int_equal(a.n_frames, 2);
	heard_reset(&a);
	reader.behind[0].lane = cases_lane;
	reader.behind[0].position = 0;
	reader.n_behind = 1;
	worker_sync_ok(&reader, NULL, &a);
	assert_int_equal(a.n_frames, 1);
	assert_true(heard_serves(&a, &tip));
	heard_reset(&a);
	assert_int_equal(reader.n_behind, 0);
	/* with a digest of zeroes only what is named is served */
	reader.named_lanes = true;
	reader.behind[0].lane = cases_lane;
	reader.behind[0].position = 0;
	reader.n_behind = 1;
	reader.position = 0;
	worker_sync_ok(&reader, NULL, &a);
	assert_int_equal(a.n_frames, 1);
	assert_true(heard_serves(&a, &tip));
	heard_reset(&a);
	bytes_reset(&items);
	bytes_reset(&open);
	bytes_reset(&tip);
	worker_close(&k);
	worker_close(&reader);
}

static void
a_lane_that_is_not_the_devices_is_not_served(void **state)
{
	static char cases_lane[] = "f124.1.1";
	struct worker k, reader;
	struct bytes items = { 0 }, tip;
	struct heard a;

	(void)state;
	worker_join(&w, "24.1.1", ROLE_CASEWORKER, &k);
	worker_join(&w, "24.1.1", ROLE_COMMUNICATOR, &reader);
	tip = worker_frame(&k, "24.1.1", 1, 1, 1, 80);
	exchange_put(&items, ITEM_FRAME, tip.data, tip.len);
	worker_sync_ok(&k, &items, &a);
	heard_reset(&a);
	reader.named_lanes = true;
	reader.behind[0].lane = cases_lane;
	reader.n_behind = 1;
	worker_sync_ok(&reader, NULL, &a);
	assert_int_equal(a.n_frames, 0);
	heard_reset(&a);
	bytes_reset(&items);
	bytes_reset(&tip);
	worker_close(&k);
	worker_close(&reader);
}

static void
lanes_that_differ_stop_the_sequence_but_not_statements_and_receipts(void **state)
{
	struct worker k, reader;
	struct bytes items = { 0 }, f, mine;
	struct heard a;

	(void)state;
	worker_join(&w, "24.1.1", ROLE_COMMUNICATOR, &k);
	worker_join(&w, "24.1.1", ROLE_COMMUNICATOR, &reader);
	f = worker_put_frame(&k, &items);
	worker_sync_ok(&k, &items, &a);
	heard_reset(&a);
	bytes_reset(&items);
	reader.old_lanes = true;
	reader.directory_seq = 0;	/* it lacks statements: that is why */
	mine = worker_put_frame(&reader, &items);
	worker_sync(&reader, &items, &a);
	assert_int_equal(a.welcome.status, STATUS_OK);
	assert_int_equal(a.n_statements, 2);
	assert_int_equal(a.n_frames, 0);
	assert_true(heard_receipts(&a, &mine));
	assert_true(a.more);
	assert_int_equal(a.position, 0);
	heard_reset(&a);
	/* now it has them all, so something else is wrong */
	worker_sync(&reader, NULL, &a);
	assert_int_equal(a.welcome.status, STATUS_LANES);
	assert_int_equal(a.position, 0);
	heard_reset(&a);
	reader.old_lanes = false;
	worker_sync_ok(&reader, NULL, &a);
	assert_true(heard_serves(&a, &f));
	heard_reset(&a);
	bytes_reset(&items);
	bytes_reset(&f);
	bytes_reset(&mine);
	worker_close(&k);
	worker_close(&reader);
}

static void
a_cursor_of_another_generation_is_not_believed(void **state)
{
	struct worker k, reader;
	struct bytes items = { 0 }, f;
	struct heard a;

	(void)state;
	worker_join(&w, "24.1.1", ROLE_COMMUNICATOR, &k);
	worker_join(&w, "24.1.1", ROLE_COMMUNICATOR, &reader);
	f = worker_put_frame(&k, &items);
	worker_sync_ok(&k, &items, &a);
	heard_reset(&a);
	worker_sync_ok(&reader, NULL, &a);
	heard_reset(&a);
	assert_int_equal(depot_renew_generation(w.depot), RC_OK);
	world_restart(&w);
	worker_sync_ok(&reader, NULL, &a);
	assert_int_equal(a.n_frames, 0);
	assert_int_equal(a.position, 0);
	assert_true(a.more);
	heard_reset(&a);
	reader.position = 0;
	worker_sync_ok(&reader, NULL, &a);
	assert_int_equal(a.n_frames, 1);
	heard_reset(&a);
	bytes_reset(&items);
	bytes_reset(&f);
	worker_close(&k);
	worker_close(&reader);
}

static void
a_device_with_another_chain_gets_nothing_and_an_alarm_rings(void **state)
{
	struct worker k, reader;
	struct bytes items = { 0 }, f, request;
	struct hello h;
	struct bytes payload = { 0 };
	struct heard a;

	(void)state;
	worker_join(&w, "24.1.1", ROLE_COMMUNICATOR, &k);
	worker_join(&w, "24.1.1", ROLE_COMMUNICATOR, &reader);
	f = worker_put_frame(&k, &items);
	worker_sync_ok(&k, &items, &a);
	heard_reset(&a);
	worker_sync_ok(&reader, NULL, &a);
	heard_reset(&a);
	reader.position = 0;
	request = worker_request(&reader, NULL, false);
	/* the same hello with another head */
	assert_int_equal(exchange_hello_read(request.data + 3, request.len - 3, &h), RC_OK);
	h.directory_head[3] ^= 1;
	assert_int_equal(exchange_hello_write(&h, reader.device.identity.sign_seed, &payload), RC_OK);
	bytes_reset(&request);
	exchange_put(&request, ITEM_HELLO, payload.data, payload.len);
	exchange_put_end_up(&request);
	world_say(&w, &request, 100, &a);
	assert_int_equal(a.rc, RC_OK);
	assert_int_equal(a.n_statements + a.n_frames + a.n_certificates, 0);
	assert_int_equal(world_alarms(&w), 1);
	heard_reset(&a);
	exchange_hello_reset(&h);
	bytes_reset(&request);
	bytes_reset(&payload);
	bytes_reset(&items);
	bytes_reset(&f);
	worker_close(&k);
	worker_close(&reader);
}

int
main(void)
{
#define TEST(f) cmocka_unit_test_prestate_setup_teardown(f, world_set_up, world_tear_down, &w)
	const struct CMUnitTest tests[] = {
		TEST(a_cut_at_any_byte_keeps_whole_frames_and_a_repeat_completes),
		TEST(a_message_without_its_end_counts_as_far_as_it_came),
		TEST(what_got_lost_in_a_request_is_asked_for_again),
		TEST(a_full_disk_loses_nothing_and_gives_no_receipt),
		TEST(a_bounded_reply_says_that_there_is_more),
		TEST(a_lane_that_is_behind_catches_up),
		TEST(a_lane_that_is_not_the_devices_is_not_served),
		TEST(lanes_that_differ_stop_the_sequence_but_not_statements_and_receipts),
		TEST(a_cursor_of_another_generation_is_not_believed),
		TEST(a_device_with_another_chain_gets_nothing_and_an_alarm_rings),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
