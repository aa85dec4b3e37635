#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "tests/support/relay_world.h"

static struct world w;

/* ---- the ordinary day ---- */

static void
takes_frames_at_first_contact_and_receipts_them(void **state)
{
	struct worker k;
	struct bytes items = { 0 }, f1, f2;
	struct heard a;

	(void)state;
	worker_join(&w, "24.1.1", ROLE_COMMUNICATOR, &k);
	f1 = worker_put_frame(&k, &items);
	f2 = worker_put_frame(&k, &items);
	worker_sync_ok(&k, &items, &a);
	assert_int_equal(a.n_receipts, 1);
	assert_int_equal(a.n_receipted, 2);
	assert_true(heard_receipts(&a, &f1) && heard_receipts(&a, &f2));
	assert_int_equal(a.n_frames, 0);
	assert_int_equal(a.welcome.quarantined, 0);
	assert_int_equal(a.welcome.now, WORLD_NOW);
	assert_false(a.more);
	assert_int_equal(world_counts(&w).served, 2);
	heard_reset(&a);
	bytes_reset(&items);
	bytes_reset(&f1);
	bytes_reset(&f2);
	worker_close(&k);
}

static void
brings_frames_to_colleagues_in_order_and_once(void **state)
{
	struct worker k, other;
	struct bytes items = { 0 }, f[5], first = { 0 };
	struct heard a;

	(void)state;
	worker_join(&w, "24.1.1", ROLE_COMMUNICATOR, &k);
	worker_join(&w, "24.1.1", ROLE_CASEWORKER, &other);
	for (size_t i = 0; i < 5; i++)
		f[i] = worker_put_frame(&k, &items);
	worker_sync_ok(&k, &items, &a);
	heard_reset(&a);
	worker_sync_ok(&other, NULL, &a);
	assert_int_equal(a.n_frames, 5);
	for (size_t i = 0; i < 5; i++) {
		uint8_t id[FRAME_ID_BYTES];

		frame_id(f[i].data, f[i].len, id);
		assert_memory_equal(a.frames[i], id, sizeof(id));
	}
	/* the author's certificate came before */
	assert_int_equal(a.n_certificates, 1);
	heard_reset(&a);
	worker_sync_ok(&other, NULL, &a);
	assert_int_equal(a.n_frames, 0);
	assert_int_equal(a.n_certificates, 0);
	heard_reset(&a);
	/* and what the other writes comes back to the first */
	bytes_reset(&items);
	first = worker_put_frame(&other, &items);
	worker_sync_ok(&other, &items, &a);
	heard_reset(&a);
	worker_sync_ok(&k, NULL, &a);
	assert_int_equal(a.n_frames, 1);
	assert_true(heard_serves(&a, &first));
	heard_reset(&a);
	for (size_t i = 0; i < 5; i++)
		bytes_reset(&f[i]);
	bytes_reset(&first);
	bytes_reset(&items);
	worker_close(&k);
	worker_close(&other);
}

static void
an_idle_sync_is_small(void **state)
{
	struct worker k;
	struct heard a;
	struct bytes request;

	(void)state;
	worker_join(&w, "24.1.1", ROLE_COMMUNICATOR, &k);
	worker_sync_ok(&k, NULL, &a);
	heard_reset(&a);
	request = worker_request(&k, NULL, true);
	worker_sync_ok(&k, NULL, &a);
	assert_true(request.len <= 170);
	assert_true(a.bytes <= 192);
	bytes_reset(&request);
	heard_reset(&a);
	worker_close(&k);
}

static void
a_repeat_changes_nothing_and_is_receipted(void **state)
{
	struct worker k;
	struct bytes items = { 0 }, f;
	struct heard a;
	uint64_t last, again;

	(void)state;
	worker_join(&w, "24.1.1", ROLE_COMMUNICATOR, &k);
	f = worker_put_frame(&k, &items);
	worker_sync_ok(&k, &items, &a);
	heard_reset(&a);
	assert_int_equal(depot_last_position(w.depot, &last), RC_OK);
	for (int i = 0; i < 3; i++) {
		worker_sync_ok(&k, &items, &a);
		assert_true(heard_receipts(&a, &f));
		heard_reset(&a);
	}
	assert_int_equal(depot_last_position(w.depot, &again), RC_OK);
	assert_int_equal(last, again);
	assert_int_equal(world_counts(&w).served, 1);
	assert_int_equal(world_alarms(&w), 0);
	bytes_reset(&items);
	bytes_reset(&f);
	worker_close(&k);
}

static void
keeps_compartments_and_communes_apart(void **state)
{
	struct worker cases, talk, next, above;
	struct bytes items = { 0 }, secret, open;
	struct heard a;

	(void)state;
	worker_join(&w, "24.1.1", ROLE_CASEWORKER, &cases);
	worker_join(&w, "24.1.1", ROLE_COMMUNICATOR, &talk);
	worker_join(&w, "24.1.2", ROLE_CASEWORKER, &next);
	worker_join(&w, "24.1", ROLE_SUPERVISOR, &above);
	open = worker_frame(&cases, "24.1.1", 0, 1, 1, 100);
	exchange_put(&items, ITEM_FRAME, open.data, open.len);
	cases.log++;		/* one log is of one scope */
	cases.n = 0;
	secret = worker_frame(&cases, "24.1.1", 1, 1, 1, 100);
	exchange_put(&items, ITEM_FRAME, secret.data, secret.len);
	worker_sync_ok(&cases, &items, &a);
	assert_int_equal(a.n_receipted, 2);
	heard_reset(&a);
	worker_sync_ok(&talk, NULL, &a);
	assert_true(heard_serves(&a, &open));
	assert_false(heard_serves(&a, &secret));
	heard_reset(&a);
	worker_sync_ok(&next, NULL, &a);
	assert_int_equal(a.n_frames, 0);
	heard_reset(&a);
	worker_sync_ok(&above, NULL, &a);
	assert_int_equal(a.n_frames, 2);
	heard_reset(&a);
	bytes_reset(&items);
	bytes_reset(&open);
	bytes_reset(&secret);
	worker_close(&cases);
	worker_close(&talk);
	worker_close(&next);
	worker_close(&above);
}

static void
tells_the_author_of_a_frame_that_another_carried(void **state)
{
	struct worker author, carrier;
	struct bytes items = { 0 }, f;
	struct heard a;

	(void)state;
	worker_join(&w, "24.1.1", ROLE_COMMUNICATOR, &author);
	worker_join(&w, "24.1.2", ROLE_COMMUNICATOR, &carrier);
	exchange_put(&items, ITEM_CERTIFICATE, author.device.certificate.data,
	    author.device.certificate.len);
	f = worker_put_frame(&author, &items);
	worker_sync_ok(&carrier, &items, &a);
	assert_true(heard_receipts(&a, &f));
	heard_reset(&a);
	/* carried twice, told once */
	worker_sync_ok(&carrier, &items, &a);
	heard_reset(&a);
	worker_sync_ok(&author, NULL, &a);
	assert_int_equal(a.n_lane_receipts, 1);
	heard_reset(&a);
	bytes_reset(&items);
	bytes_reset(&f);
	worker_close(&author);
	worker_close(&carrier);
}

/* ---- who may speak ---- */

static void
a_stale_nonce_costs_one_round_and_changes_nothing(void **state)
{
	struct worker k;
	struct bytes items = { 0 }, f;
	struct heard a;

	(void)state;
	worker_join(&w, "24.1.1", ROLE_COMMUNICATOR, &k);
	worker_sync_ok(&k, NULL, &a);
	heard_reset(&a);
	k.nonce[5] ^= 1;
	f = worker_put_frame(&k, &items);
	worker_sync(&k, &items, &a);
	assert_int_equal(a.welcome.status, STATUS_STALE);
	assert_int_equal(a.n_receipts, 0);
	assert_int_equal(a.n_frames, 0);
	heard_reset(&a);
	assert_int_equal(world_counts(&w).served, 0);
	worker_sync_ok(&k, &items, &a);
	assert_true(heard_receipts(&a, &f));
	heard_reset(&a);
	bytes_reset(&items);
	bytes_reset(&f);
	worker_close(&k);
}

static void
a_request_cannot_be_replayed(void **state)
{
	struct worker k;
	struct bytes request;
	struct heard a;

	(void)state;
	worker_join(&w, "24.1.1", ROLE_COMMUNICATOR, &k);
	request = worker_request(&k, NULL, true);
	world_say(&w, &request, 100, &a);
	assert_int_equal(a.welcome.status, STATUS_OK);
	heard_reset(&a);
	world_say(&w, &request, 100, &a);
	assert_int_equal(a.welcome.status, STATUS_STALE);
	heard_reset(&a);
	bytes_reset(&request);
	worker_close(&k);
}

static void
strangers_learn_nothing(void **state)
{
	static const uint8_t none[16];
	struct worker k, known;
	struct bytes request, items = { 0 }, f;
	struct heard a, b;

	(void)state;
	worker_join(&w, "24.1.1", ROLE_COMMUNICATOR, &k);
	worker_join(&w, "24.1.1", ROLE_COMMUNICATOR, &known);
	worker_sync_ok(&known, NULL, &a);
	heard_reset(&a);
	f = worker_put_frame(&k, &items);
	k.with_certificate = false;
	worker_sync(&k, &items, &a);
	assert_int_equal(a.welcome.status, STATUS_UNKNOWN_DEVICE);
	assert_memory_equal(a.welcome.generation, none, 16);
	assert_memory_equal(a.welcome.nonce, none, 16);
	assert_memory_equal(a.welcome.directory_head, none, 16);
	assert_int_equal(a.welcome.directory_seq, 0);
	assert_int_equal(a.n_statements, 0);
	assert_int_equal(world_counts(&w).served + world_counts(&w).aside, 0);
	/* somebody who speaks in the name of a known device gets the very same */
	request = worker_request(&known, NULL, false);
	request.data[request.len - 8] ^= 1;	/* in the hello's signature */
	exchange_put_end_up(&request);
	world_say(&w, &request, 100, &b);
	assert_int_equal(b.welcome.status, STATUS_UNKNOWN_DEVICE);
	assert_int_equal(a.bytes, b.bytes);
	assert_memory_equal(b.welcome.nonce, none, 16);
	bytes_reset(&request);
	heard_reset(&a);
	heard_reset(&b);
	/* with its certificate it is a stranger no more */
	k.with_certificate = true;
	worker_sync_ok(&k, &items, &a);
	assert_true(heard_receipts(&a, &f));
	heard_reset(&a);
	bytes_reset(&items);
	bytes_reset(&f);
	worker_close(&k);
	worker_close(&known);
}

static void
a_certificate_of_somebody_else_opens_nothing(void **state)
{
	struct worker k, victim;
	struct bytes request, hello = { 0 };
	struct heard a;

	(void)state;
	worker_join(&w, "24.1.1", ROLE_COMMUNICATOR, &k);
	worker_join(&w, "24.1.1", ROLE_COMMUNICATOR, &victim);
	k.with_certificate = false;
	request = worker_request(&k, NULL, false);
	exchange_put(&request, ITEM_CERTIFICATE, victim.device.certificate.data,
	    victim.device.certificate.len);
	exchange_put_end_up(&request);
	world_say(&w, &request, 100, &a);
	assert_int_equal(a.welcome.status, STATUS_UNKNOWN_DEVICE);
	assert_int_equal(world_counts(&w).certificates, 0);
	heard_reset(&a);
	bytes_reset(&request);
	bytes_reset(&hello);
	worker_close(&k);
	worker_close(&victim);
}

static void
another_province_is_told_so(void **state)
{
	struct world elsewhere;
	struct worker k;
	struct bytes request;
	struct heard a;

	(void)state;
	world_open(&elsewhere);
	worker_join(&elsewhere, "24.1.1", ROLE_COMMUNICATOR, &k);
	request = worker_request(&k, NULL, true);
	world_say(&w, &request, 100, &a);
	assert_int_equal(a.welcome.status, STATUS_OTHER_PROVINCE);
	assert_int_equal(a.n_statements, 0);
	heard_reset(&a);
	bytes_reset(&request);
	worker_close(&k);
	world_close(&elsewhere);
}

static void
refuses_what_is_no_message(void **state)
{
	static const uint8_t page[] = "<html><body>hello</body></html>";
	struct bytes request = { 0 };
	struct heard a;

	(void)state;
	bytes_put(&request, page, sizeof(page));
	world_say(&w, &request, 5, &a);
	assert_int_equal(a.rc, RC_PROTOCOL);
	request.len = 0;
	world_say(&w, &request, 5, &a);
	assert_int_equal(a.rc, RC_PROTOCOL);
	exchange_put(&request, ITEM_END, "", 0);
	world_say(&w, &request, 5, &a);
	assert_int_equal(a.rc, RC_PROTOCOL);
	request.len = 0;
	exchange_put(&request, ITEM_HELLO, "short", 5);
	world_say(&w, &request, 5, &a);
	assert_int_equal(a.rc, RC_PROTOCOL);
	bytes_reset(&request);
}

static void
slows_down_a_device_that_asks_too_often(void **state)
{
	struct worker k;
	struct heard a;

	(void)state;
	relay_free(w.relay);
	assert_int_equal(relay_new(w.depot, &w.clock, 3, &w.relay), RC_OK);
	worker_join(&w, "24.1.1", ROLE_COMMUNICATOR, &k);
	for (int i = 0; i < 3; i++) {
		worker_sync_ok(&k, NULL, &a);
		heard_reset(&a);
	}
	worker_sync(&k, NULL, &a);
	assert_int_equal(a.welcome.status, STATUS_TOO_MANY);
	heard_reset(&a);
	worker_close(&k);
}

int
main(void)
{
#define TEST(f) cmocka_unit_test_prestate_setup_teardown(f, world_set_up, world_tear_down, &w)
	const struct CMUnitTest tests[] = {
		TEST(takes_frames_at_first_contact_and_receipts_them),
		TEST(brings_frames_to_colleagues_in_order_and_once),
		TEST(an_idle_sync_is_small),
		TEST(a_repeat_changes_nothing_and_is_receipted),
		TEST(keeps_compartments_and_communes_apart),
		TEST(tells_the_author_of_a_frame_that_another_carried),
		TEST(a_stale_nonce_costs_one_round_and_changes_nothing),
		TEST(a_request_cannot_be_replayed),
		TEST(strangers_learn_nothing),
		TEST(a_certificate_of_somebody_else_opens_nothing),
		TEST(another_province_is_told_so),
		TEST(refuses_what_is_no_message),
		TEST(slows_down_a_device_that_asks_too_often),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
