#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "tests/support/relay_world.h"

static struct world w;

static int
setup(void **state)
{
	(void)state;
	if (secret_start() != RC_OK)
		return -1;
	world_open(&w);
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	world_close(&w);
	return 0;
}

/* One more frame of the worker in 24.1.1, activities, added to the items. */
static struct bytes
write_frame(struct worker *k, struct bytes *items)
{
	struct bytes f = worker_frame(k, "24.1.1", 0, 1, 3, 200);

	exchange_put(items, ITEM_FRAME, f.data, f.len);
	return f;
}

static void
sync_ok(struct worker *k, const struct bytes *items, struct heard *a)
{
	worker_sync(k, items, a);
	assert_int_equal(a->rc, RC_OK);
	assert_int_equal(a->welcome.status, STATUS_OK);
}

static void
count_alarm(void *ctx, int64_t at, const char *kind, const uint8_t device[16], const char *detail)
{
	size_t *n = ctx;

	(void)at;
	(void)kind;
	(void)device;
	(void)detail;
	(*n)++;
}

static size_t
alarms(void)
{
	size_t n = 0;

	assert_int_equal(depot_alarms(w.depot, count_alarm, &n), RC_OK);
	return n;
}

static struct depot_counts
counts(void)
{
	struct depot_counts c;

	assert_int_equal(depot_count(w.depot, &c), RC_OK);
	return c;
}

/* ---- the ordinary day ---- */

static void
takes_frames_at_first_contact_and_receipts_them(void **state)
{
	struct worker k;
	struct bytes items = { 0 }, f1, f2;
	struct heard a;

	(void)state;
	worker_join(&w, "24.1.1", ROLE_COMMUNICATOR, &k);
	f1 = write_frame(&k, &items);
	f2 = write_frame(&k, &items);
	sync_ok(&k, &items, &a);
	assert_int_equal(a.n_receipts, 1);
	assert_int_equal(a.n_receipted, 2);
	assert_true(heard_receipts(&a, &f1) && heard_receipts(&a, &f2));
	assert_int_equal(a.n_frames, 0);
	assert_int_equal(a.welcome.quarantined, 0);
	assert_int_equal(a.welcome.now, WORLD_NOW);
	assert_false(a.more);
	assert_int_equal(counts().served, 2);
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
		f[i] = write_frame(&k, &items);
	sync_ok(&k, &items, &a);
	heard_reset(&a);
	sync_ok(&other, NULL, &a);
	assert_int_equal(a.n_frames, 5);
	for (size_t i = 0; i < 5; i++) {
		uint8_t id[FRAME_ID_BYTES];

		frame_id(f[i].data, f[i].len, id);
		assert_memory_equal(a.frames[i], id, sizeof(id));
	}
	/* the author's certificate came before */
	assert_int_equal(a.n_certificates, 1);
	heard_reset(&a);
	sync_ok(&other, NULL, &a);
	assert_int_equal(a.n_frames, 0);
	assert_int_equal(a.n_certificates, 0);
	heard_reset(&a);
	/* and what the other writes comes back to the first */
	bytes_reset(&items);
	first = write_frame(&other, &items);
	sync_ok(&other, &items, &a);
	heard_reset(&a);
	sync_ok(&k, NULL, &a);
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
	sync_ok(&k, NULL, &a);
	heard_reset(&a);
	request = worker_request(&k, NULL, true);
	sync_ok(&k, NULL, &a);
	assert_true(request.len <= 170);
	assert_true(a.bytes <= 170);
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
	f = write_frame(&k, &items);
	sync_ok(&k, &items, &a);
	heard_reset(&a);
	assert_int_equal(depot_last_position(w.depot, &last), RC_OK);
	for (int i = 0; i < 3; i++) {
		sync_ok(&k, &items, &a);
		assert_true(heard_receipts(&a, &f));
		heard_reset(&a);
	}
	assert_int_equal(depot_last_position(w.depot, &again), RC_OK);
	assert_int_equal(last, again);
	assert_int_equal(counts().served, 1);
	assert_int_equal(alarms(), 0);
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
	sync_ok(&cases, &items, &a);
	assert_int_equal(a.n_receipted, 2);
	heard_reset(&a);
	sync_ok(&talk, NULL, &a);
	assert_true(heard_serves(&a, &open));
	assert_false(heard_serves(&a, &secret));
	heard_reset(&a);
	sync_ok(&next, NULL, &a);
	assert_int_equal(a.n_frames, 0);
	heard_reset(&a);
	sync_ok(&above, NULL, &a);
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
	f = write_frame(&author, &items);
	sync_ok(&carrier, &items, &a);
	assert_true(heard_receipts(&a, &f));
	heard_reset(&a);
	/* carried twice, told once */
	sync_ok(&carrier, &items, &a);
	heard_reset(&a);
	sync_ok(&author, NULL, &a);
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
	sync_ok(&k, NULL, &a);
	heard_reset(&a);
	k.nonce[5] ^= 1;
	f = write_frame(&k, &items);
	worker_sync(&k, &items, &a);
	assert_int_equal(a.welcome.status, STATUS_STALE);
	assert_int_equal(a.n_receipts, 0);
	assert_int_equal(a.n_frames, 0);
	heard_reset(&a);
	assert_int_equal(counts().served, 0);
	sync_ok(&k, &items, &a);
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
	sync_ok(&known, NULL, &a);
	heard_reset(&a);
	f = write_frame(&k, &items);
	k.with_certificate = false;
	worker_sync(&k, &items, &a);
	assert_int_equal(a.welcome.status, STATUS_UNKNOWN_DEVICE);
	assert_memory_equal(a.welcome.generation, none, 16);
	assert_memory_equal(a.welcome.nonce, none, 16);
	assert_memory_equal(a.welcome.directory_head, none, 16);
	assert_int_equal(a.welcome.directory_seq, 0);
	assert_int_equal(a.n_statements, 0);
	assert_int_equal(counts().served + counts().aside, 0);
	/* somebody who speaks in the name of a known device gets the very same */
	request = worker_request(&known, NULL, true);
	request.data[request.len - 10] ^= 1;	/* in the hello's signature */
	world_say(&w, &request, 100, &b);
	assert_int_equal(b.welcome.status, STATUS_UNKNOWN_DEVICE);
	assert_int_equal(a.bytes, b.bytes);
	assert_memory_equal(b.welcome.nonce, none, 16);
	bytes_reset(&request);
	heard_reset(&a);
	heard_reset(&b);
	/* with its certificate it is a stranger no more */
	k.with_certificate = true;
	sync_ok(&k, &items, &a);
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
	exchange_put(&request, ITEM_END, "", 0);
	world_say(&w, &request, 100, &a);
	assert_int_equal(a.welcome.status, STATUS_UNKNOWN_DEVICE);
	assert_int_equal(counts().certificates, 0);
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
		sync_ok(&k, NULL, &a);
		heard_reset(&a);
	}
	worker_sync(&k, NULL, &a);
	assert_int_equal(a.welcome.status, STATUS_TOO_MANY);
	heard_reset(&a);
	worker_close(&k);
}

/* ---- those who wait, and those who are out ---- */

static void
a_second_use_of_an_invitation_waits_until_admitted(void **state)
{
	struct worker one, two, reader;
	struct bytes items = { 0 }, f, payload = { 0 };
	struct meeting m;
	struct heard a;

	(void)state;
	worker_join(&w, "24.1.1", ROLE_COMMUNICATOR, &one);
	worker_join_again(&one, &two);
	worker_join(&w, "24.1.1", ROLE_COMMUNICATOR, &reader);
	sync_ok(&one, NULL, &a);
	heard_reset(&a);
	f = write_frame(&two, &items);
	worker_sync(&two, &items, &a);
	assert_int_equal(a.welcome.status, STATUS_WAITING);
	assert_true(heard_receipts(&a, &f));
	assert_int_equal(a.n_statements + a.n_frames, 0);
	heard_reset(&a);
	sync_ok(&reader, NULL, &a);
	assert_false(heard_serves(&a, &f));
	heard_reset(&a);
	assert_int_equal(world_exchange(&w, NULL, &m), RC_OK);
	assert_int_equal(m.state.n_waiting, 1);
	assert_int_equal(m.state.waiting[0].why, WHY_SECOND_USE);
	assert_int_equal(m.state.waiting[0].frames, 1);
	assert_memory_equal(m.state.waiting[0].device, two.device.identity.device, 16);
	assert_int_equal(m.n_certificates, 3);
	meeting_reset(&m);

	directory_write_admit(&two.device.certificate, 1, &payload);
	small_province_say(&w.province, STATEMENT_ADMIT, &payload);
	assert_int_equal(world_exchange(&w, NULL, &m), RC_OK);
	assert_int_equal(m.state.n_waiting, 0);
	meeting_reset(&m);
	sync_ok(&reader, NULL, &a);
	assert_true(heard_serves(&a, &f));
	heard_reset(&a);
	sync_ok(&two, NULL, &a);
	heard_reset(&a);
	bytes_reset(&items);
	bytes_reset(&f);
	worker_close(&one);
	worker_close(&two);
	worker_close(&reader);
}

static void
what_a_refused_device_sent_is_set_aside_and_can_be_released(void **state)
{
	struct worker one, two, reader;
	struct bytes items = { 0 }, f, payload = { 0 };
	struct meeting m;
	struct heard a;
	uint8_t id[FRAME_ID_BYTES];

	(void)state;
	worker_join(&w, "24.1.1", ROLE_COMMUNICATOR, &one);
	worker_join_again(&one, &two);
	worker_join(&w, "24.1.1", ROLE_COMMUNICATOR, &reader);
	sync_ok(&one, NULL, &a);
	heard_reset(&a);
	f = write_frame(&two, &items);
	worker_sync(&two, &items, &a);
	assert_int_equal(a.welcome.status, STATUS_WAITING);
	heard_reset(&a);
	directory_write_refuse(two.device.identity.device, "đã mất máy", &payload);
	small_province_say(&w.province, STATEMENT_REFUSE, &payload);
	assert_int_equal(world_exchange(&w, NULL, &m), RC_OK);
	assert_int_equal(m.state.n_waiting, 0);
	assert_int_equal(m.n_aside, 1);
	assert_int_equal(m.aside[0].reason, ASIDE_AUTHOR_REFUSED);
	meeting_reset(&m);
	worker_sync(&two, NULL, &a);
	assert_int_equal(a.welcome.status, STATUS_RETIRED);
	heard_reset(&a);
	/* released by the authority's word */
	bytes_reset(&items);
	frame_id(f.data, f.len, id);
	bytes_varint(&payload, 1);
	bytes_put(&payload, id, sizeof(id));
	exchange_put(&items, ITEM_RELEASE, payload.data, payload.len);
	assert_int_equal(world_exchange(&w, &items, &m), RC_OK);
	assert_int_equal(m.n_aside, 0);
	meeting_reset(&m);
	sync_ok(&reader, NULL, &a);
	assert_true(heard_serves(&a, &f));
	heard_reset(&a);
	bytes_reset(&payload);
	bytes_reset(&items);
	bytes_reset(&f);
	worker_close(&one);
	worker_close(&two);
	worker_close(&reader);
}

static void
an_expired_or_revoked_invitation_waits(void **state)
{
	struct worker late, revoked;
	struct bytes payload = { 0 };
	struct meeting m;
	struct heard a;

	(void)state;
	worker_join(&w, "24.1.1", ROLE_COMMUNICATOR, &late);
	worker_join(&w, "24.1.1", ROLE_COMMUNICATOR, &revoked);
	directory_write_revoke(revoked.device.invitation, "thu hồi", &payload);
	small_province_say(&w.province, STATEMENT_REVOKE, &payload);
	assert_int_equal(world_exchange(&w, NULL, &m), RC_OK);
	meeting_reset(&m);
	worker_sync(&revoked, NULL, &a);
	assert_int_equal(a.welcome.status, STATUS_WAITING);
	heard_reset(&a);
	w.now = WORLD_NOW + 400LL * 86400;
	worker_sync(&late, NULL, &a);
	assert_int_equal(a.welcome.status, STATUS_WAITING);
	heard_reset(&a);
	assert_int_equal(world_exchange(&w, NULL, &m), RC_OK);
	assert_int_equal(m.state.n_waiting, 2);
	assert_int_equal(m.state.waiting[0].why, WHY_REVOKED);
	assert_int_equal(m.state.waiting[1].why, WHY_EXPIRED);
	meeting_reset(&m);
	worker_close(&late);
	worker_close(&revoked);
}

/* Retire k with the heads that the relay reported. */
static void
retire(struct worker *k, uint64_t n)
{
	struct device_head head = { k->log, n };
	struct bytes payload = { 0 };
	struct meeting m;

	directory_write_retire(k->device.identity.device, "mất máy", &head, 1, &payload);
	small_province_say(&w.province, STATEMENT_RETIRE, &payload);
	world_keys(&w, 2);
	assert_int_equal(world_exchange(&w, NULL, &m), RC_OK);
	assert_int_equal(m.state.status, ROOT_OK);
	meeting_reset(&m);
}

static void
a_retired_device_gets_its_retirement_and_nothing_else(void **state)
{
	struct worker k, other;
	struct bytes items = { 0 }, before, after, theirs;
	struct meeting m;
	struct heard a;

	(void)state;
	worker_join(&w, "24.1.1", ROLE_COMMUNICATOR, &k);
	worker_join(&w, "24.1.1", ROLE_COMMUNICATOR, &other);
	before = write_frame(&k, &items);
	sync_ok(&k, &items, &a);
	heard_reset(&a);
	bytes_reset(&items);
	theirs = write_frame(&other, &items);
	sync_ok(&other, &items, &a);
	heard_reset(&a);
	bytes_reset(&items);
	assert_int_equal(world_exchange(&w, NULL, &m), RC_OK);
	assert_int_equal(m.n_heads, 2);
	meeting_reset(&m);
	retire(&k, 3);
	after = write_frame(&k, &items);
	worker_sync(&k, &items, &a);
	assert_int_equal(a.welcome.status, STATUS_RETIRED);
	/* its retirement, but not the keys that came after */
	assert_int_equal(a.n_statements, 1);
	assert_int_equal(a.n_frames, 0);
	assert_int_equal(a.n_receipts, 0);
	assert_int_equal(a.welcome.quarantined, 1);
	heard_reset(&a);
	/* the same frame from another's hand is late work of a retired device */
	sync_ok(&other, &items, &a);
	assert_int_equal(a.welcome.quarantined, 1);
	assert_false(heard_receipts(&a, &after));
	heard_reset(&a);
	/* but what its last heads cover is welcome from anybody, e.g. for a restored relay */
	bytes_reset(&items);
	exchange_put(&items, ITEM_FRAME, before.data, before.len);
	sync_ok(&other, &items, &a);
	assert_true(heard_receipts(&a, &before));
	heard_reset(&a);
	bytes_reset(&items);
	bytes_reset(&before);
	bytes_reset(&after);
	bytes_reset(&theirs);
	worker_close(&k);
	worker_close(&other);
}

static void
what_a_retired_device_carried_is_taken_from_another(void **state)
{
	struct worker k, other;
	struct bytes items = { 0 }, f;
	struct heard a;

	(void)state;
	worker_join(&w, "24.1.1", ROLE_COMMUNICATOR, &k);
	worker_join(&w, "24.1.1", ROLE_COMMUNICATOR, &other);
	sync_ok(&k, NULL, &a);
	heard_reset(&a);
	sync_ok(&other, NULL, &a);
	heard_reset(&a);
	retire(&k, 0);
	f = write_frame(&other, &items);
	worker_sync(&k, &items, &a);
	assert_int_equal(a.welcome.status, STATUS_RETIRED);
	assert_int_equal(a.welcome.quarantined, 1);
	heard_reset(&a);
	sync_ok(&other, &items, &a);
	assert_true(heard_receipts(&a, &f));
	assert_int_equal(a.welcome.quarantined, 0);
	heard_reset(&a);
	assert_int_equal(counts().served, 1);
	assert_int_equal(counts().aside, 0);
	bytes_reset(&items);
	bytes_reset(&f);
	worker_close(&k);
	worker_close(&other);
}

/* ---- what is set aside ---- */

static void
a_flipped_bit_sets_one_frame_aside_and_blocks_nothing(void **state)
{
	struct worker k, reader;
	struct bytes items = { 0 }, bad, good;
	struct meeting m;
	struct heard a;

	(void)state;
	worker_join(&w, "24.1.1", ROLE_COMMUNICATOR, &k);
	worker_join(&w, "24.1.1", ROLE_COMMUNICATOR, &reader);
	bad = worker_frame(&k, "24.1.1", 0, 1, 2, 100);
	bad.data[bad.len - 3] ^= 4;
	exchange_put(&items, ITEM_FRAME, bad.data, bad.len);
	exchange_put(&items, ITEM_FRAME, "no frame", 8);
	good = write_frame(&k, &items);
	sync_ok(&k, &items, &a);
	assert_int_equal(a.welcome.quarantined, 2);
	assert_true(heard_receipts(&a, &good));
	assert_false(heard_receipts(&a, &bad));
	heard_reset(&a);
	sync_ok(&reader, NULL, &a);
	assert_int_equal(a.n_frames, 1);
	assert_true(heard_serves(&a, &good));
	heard_reset(&a);
	assert_int_equal(world_exchange(&w, NULL, &m), RC_OK);
	assert_int_equal(m.n_aside, 2);
	assert_int_equal(m.aside[0].reason, ASIDE_SIGNATURE);
	assert_int_equal(m.aside[1].reason, ASIDE_NOT_A_FRAME);
	assert_int_equal(relay_release(w.depot, &w.clock, m.aside[0].frame, NULL), RC_DENIED);
	meeting_reset(&m);
	bytes_reset(&items);
	bytes_reset(&bad);
	bytes_reset(&good);
	worker_close(&k);
	worker_close(&reader);
}

static void
sets_aside_what_its_author_may_not_write(void **state)
{
	struct worker k;
	struct bytes items = { 0 }, tip, elsewhere, future;
	struct meeting m;
	struct heard a;
	uint8_t id[FRAME_ID_BYTES];

	(void)state;
	worker_join(&w, "24.1.1", ROLE_COMMUNICATOR, &k);
	tip = worker_frame(&k, "24.1.1", 1, 1, 1, 80);		/* a tip: may be written */
	k.log++;
	k.n = 0;
	elsewhere = worker_frame(&k, "24.1.2", 0, 1, 1, 80);
	k.log++;
	k.n = 0;
	future = worker_frame(&k, "24.1.1", 0, 7, 1, 80);	/* an epoch that nobody knows */
	exchange_put(&items, ITEM_FRAME, tip.data, tip.len);
	exchange_put(&items, ITEM_FRAME, elsewhere.data, elsewhere.len);
	exchange_put(&items, ITEM_FRAME, future.data, future.len);
	sync_ok(&k, &items, &a);
	assert_int_equal(a.welcome.quarantined, 2);
	assert_true(heard_receipts(&a, &tip));
	heard_reset(&a);
	assert_int_equal(world_exchange(&w, NULL, &m), RC_OK);
	assert_int_equal(m.aside[0].reason, ASIDE_MAY_NOT_WRITE);
	assert_int_equal(m.aside[1].reason, ASIDE_UNKNOWN_EPOCH);
	meeting_reset(&m);
	/* the key comes: the frame is looked at again */
	world_keys(&w, 7);
	assert_int_equal(world_exchange(&w, NULL, &m), RC_OK);
	assert_int_equal(m.n_aside, 1);
	meeting_reset(&m);
	assert_int_equal(counts().served, 2);
	/* and a person may let the other in */
	frame_id(elsewhere.data, elsewhere.len, id);
	assert_int_equal(relay_release(w.depot, &w.clock, id, NULL), RC_OK);
	assert_int_equal(counts().served, 3);
	sync_ok(&k, &items, &a);
	assert_int_equal(a.n_receipted, 3);
	heard_reset(&a);
	bytes_reset(&items);
	bytes_reset(&tip);
	bytes_reset(&elsewhere);
	bytes_reset(&future);
	worker_close(&k);
}

static void
takes_late_work_from_before_a_move_to_another_unit(void **state)
{
	struct worker k;
	struct bytes items = { 0 }, late, payload = { 0 };
	struct meeting m;
	struct heard a;

	(void)state;
	worker_join(&w, "24.1.1", ROLE_COMMUNICATOR, &k);
	sync_ok(&k, NULL, &a);
	heard_reset(&a);
	late = write_frame(&k, &items);		/* written before it heard of the move */
	directory_write_assign(k.device.identity.device, "24.1.2", ROLE_COMMUNICATOR, &payload);
	small_province_say(&w.province, STATEMENT_ASSIGN, &payload);
	assert_int_equal(world_exchange(&w, NULL, &m), RC_OK);
	meeting_reset(&m);
	sync_ok(&k, &items, &a);
	assert_int_equal(a.welcome.quarantined, 0);
	assert_true(heard_receipts(&a, &late));
	heard_reset(&a);
	bytes_reset(&items);
	bytes_reset(&late);
	/* knowing of the move, it may not */
	k.directory_seq = directory_count(w.province.d) - 1;
	late = write_frame(&k, &items);
	sync_ok(&k, &items, &a);
	assert_int_equal(a.welcome.quarantined, 1);
	heard_reset(&a);
	bytes_reset(&items);
	bytes_reset(&late);
	worker_close(&k);
}

static void
a_frame_of_an_unknown_author_waits_for_the_certificate(void **state)
{
	struct worker author, carrier;
	struct bytes items = { 0 }, f;
	struct heard a;

	(void)state;
	worker_join(&w, "24.1.1", ROLE_COMMUNICATOR, &author);
	worker_join(&w, "24.1.1", ROLE_COMMUNICATOR, &carrier);
	f = write_frame(&author, &items);
	sync_ok(&carrier, &items, &a);
	assert_int_equal(a.welcome.quarantined, 1);
	heard_reset(&a);
	sync_ok(&author, NULL, &a);
	heard_reset(&a);
	sync_ok(&carrier, NULL, &a);
	assert_true(heard_serves(&a, &f));
	heard_reset(&a);
	bytes_reset(&items);
	bytes_reset(&f);
	worker_close(&author);
	worker_close(&carrier);
}

static void
both_branches_of_a_fork_are_served_and_an_alarm_rings(void **state)
{
	struct worker k, copy, reader;
	struct bytes items = { 0 }, base, left, right;
	struct heard a;

	(void)state;
	worker_join(&w, "24.1.1", ROLE_COMMUNICATOR, &k);
	worker_join(&w, "24.1.1", ROLE_COMMUNICATOR, &reader);
	base = write_frame(&k, &items);
	copy = k;		/* a running process that was copied */
	left = write_frame(&k, &items);
	right = write_frame(&copy, &items);
	sync_ok(&k, &items, &a);
	assert_int_equal(a.n_receipted, 3);
	heard_reset(&a);
	sync_ok(&reader, NULL, &a);
	assert_int_equal(a.n_frames, 3);
	heard_reset(&a);
	assert_int_equal(alarms(), 1);
	bytes_reset(&items);
	bytes_reset(&base);
	bytes_reset(&left);
	bytes_reset(&right);
	worker_close(&k);
	worker_close(&reader);
}

static void
a_log_belongs_to_one_device(void **state)
{
	struct worker k, thief;
	struct bytes items = { 0 }, f, stolen;
	struct heard a;

	(void)state;
	worker_join(&w, "24.1.1", ROLE_COMMUNICATOR, &k);
	worker_join(&w, "24.1.1", ROLE_COMMUNICATOR, &thief);
	f = write_frame(&k, &items);
	sync_ok(&k, &items, &a);
	heard_reset(&a);
	bytes_reset(&items);
	thief.log = k.log;
	stolen = write_frame(&thief, &items);
	sync_ok(&thief, &items, &a);
	assert_int_equal(a.welcome.quarantined, 1);
	heard_reset(&a);
	bytes_reset(&items);
	bytes_reset(&f);
	bytes_reset(&stolen);
	worker_close(&k);
	worker_close(&thief);
}

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
		f[i] = write_frame(&k, &items);
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
		assert_int_equal(counts().served, whole);
	}
	/* the same hello still holds: no byte of it went through to its end */
	world_say(&w, &request, 50, &a);
	assert_int_equal(a.welcome.status, STATUS_OK);
	assert_int_equal(a.n_receipted, 3);
	heard_reset(&a);
	assert_int_equal(counts().served, 3);
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
	f = write_frame(&k, &items);
	request = worker_request(&k, &items, false);
	world_say(&w, &request, 100, &a);
	assert_int_equal(a.welcome.status, STATUS_OK);
	assert_true(heard_receipts(&a, &f));
	heard_reset(&a);
	bytes_reset(&request);
	bytes_reset(&items);
	bytes_reset(&f);
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
	sync_ok(&k, NULL, &a);
	heard_reset(&a);
	assert_int_equal(depot_limit(w.depot, 300 << 10), RC_OK);
	for (size_t i = 0; i < 40; i++) {
		f[i] = worker_frame(&k, "24.1.1", 0, 1, 3, 10000);
		exchange_put(&items, ITEM_FRAME, f[i].data, f[i].len);
	}
	worker_sync(&k, &items, &a);
	assert_int_equal(a.rc, RC_FULL);
	heard_reset(&a);
	stored = counts().served;
	assert_true(stored > 0 && stored < 40);
	world_restart(&w);
	assert_int_equal(counts().served, stored);
	sync_ok(&k, &items, &a);
	assert_int_equal(a.n_receipted, 40);
	heard_reset(&a);
	assert_int_equal(counts().served, 40);
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
	sync_ok(&k, &items, &a);
	heard_reset(&a);
	reader.down_max = 20000;
	while (more && rounds++ < 20) {
		sync_ok(&reader, NULL, &a);
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
	sync_ok(&reader, NULL, &a);
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
	sync_ok(&k, &items, &a);
	heard_reset(&a);
	sync_ok(&reader, NULL, &a);
	assert_int_equal(a.n_frames, 2);
	heard_reset(&a);
	reader.behind[0].lane = cases_lane;
	reader.behind[0].position = 0;
	reader.n_behind = 1;
	sync_ok(&reader, NULL, &a);
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
	sync_ok(&reader, NULL, &a);
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
	sync_ok(&k, &items, &a);
	heard_reset(&a);
	reader.named_lanes = true;
	reader.behind[0].lane = cases_lane;
	reader.n_behind = 1;
	sync_ok(&reader, NULL, &a);
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
	f = write_frame(&k, &items);
	sync_ok(&k, &items, &a);
	heard_reset(&a);
	bytes_reset(&items);
	reader.old_lanes = true;
	reader.directory_seq = 0;	/* it lacks statements: that is why */
	mine = write_frame(&reader, &items);
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
	sync_ok(&reader, NULL, &a);
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
	f = write_frame(&k, &items);
	sync_ok(&k, &items, &a);
	heard_reset(&a);
	sync_ok(&reader, NULL, &a);
	heard_reset(&a);
	assert_int_equal(depot_renew_generation(w.depot), RC_OK);
	world_restart(&w);
	sync_ok(&reader, NULL, &a);
	assert_int_equal(a.n_frames, 0);
	assert_int_equal(a.position, 0);
	assert_true(a.more);
	heard_reset(&a);
	reader.position = 0;
	sync_ok(&reader, NULL, &a);
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
	f = write_frame(&k, &items);
	sync_ok(&k, &items, &a);
	heard_reset(&a);
	sync_ok(&reader, NULL, &a);
	heard_reset(&a);
	reader.position = 0;
	request = worker_request(&reader, NULL, false);
	/* the same hello with another head */
	assert_int_equal(exchange_hello_read(request.data + 3, request.len - 3, &h), RC_OK);
	h.directory_head[3] ^= 1;
	assert_int_equal(exchange_hello_write(&h, reader.device.identity.sign_seed, &payload), RC_OK);
	bytes_reset(&request);
	exchange_put(&request, ITEM_HELLO, payload.data, payload.len);
	exchange_put(&request, ITEM_END, "", 0);
	world_say(&w, &request, 100, &a);
	assert_int_equal(a.rc, RC_OK);
	assert_int_equal(a.n_statements + a.n_frames + a.n_certificates, 0);
	assert_int_equal(alarms(), 1);
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
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
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
		TEST(a_second_use_of_an_invitation_waits_until_admitted),
		TEST(what_a_refused_device_sent_is_set_aside_and_can_be_released),
		TEST(an_expired_or_revoked_invitation_waits),
		TEST(a_retired_device_gets_its_retirement_and_nothing_else),
		TEST(what_a_retired_device_carried_is_taken_from_another),
		TEST(a_flipped_bit_sets_one_frame_aside_and_blocks_nothing),
		TEST(sets_aside_what_its_author_may_not_write),
		TEST(takes_late_work_from_before_a_move_to_another_unit),
		TEST(a_frame_of_an_unknown_author_waits_for_the_certificate),
		TEST(both_branches_of_a_fork_are_served_and_an_alarm_rings),
		TEST(a_log_belongs_to_one_device),
		TEST(a_cut_at_any_byte_keeps_whole_frames_and_a_repeat_completes),
		TEST(a_message_without_its_end_counts_as_far_as_it_came),
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
