#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "tests/support/relay_world.h"

static struct world w;

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
	worker_sync_ok(&one, NULL, &a);
	heard_reset(&a);
	f = worker_put_frame(&two, &items);
	worker_sync(&two, &items, &a);
	assert_int_equal(a.welcome.status, STATUS_WAITING);
	assert_true(heard_receipts(&a, &f));
	assert_int_equal(a.n_statements + a.n_frames, 0);
	heard_reset(&a);
	worker_sync_ok(&reader, NULL, &a);
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
	worker_sync_ok(&reader, NULL, &a);
	assert_true(heard_serves(&a, &f));
	heard_reset(&a);
	worker_sync_ok(&two, NULL, &a);
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
	worker_sync_ok(&one, NULL, &a);
	heard_reset(&a);
	f = worker_put_frame(&two, &items);
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
	worker_sync_ok(&reader, NULL, &a);
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
a_retired_device_gets_its_retirement_and_a_receipt_and_nothing_else(void **state)
{
	struct worker k, other;
	struct bytes items = { 0 }, before, after, theirs;
	struct meeting m;
	struct heard a;

	(void)state;
	worker_join(&w, "24.1.1", ROLE_COMMUNICATOR, &k);
	worker_join(&w, "24.1.1", ROLE_COMMUNICATOR, &other);
	before = worker_put_frame(&k, &items);
	worker_sync_ok(&k, &items, &a);
	heard_reset(&a);
	bytes_reset(&items);
	theirs = worker_put_frame(&other, &items);
	worker_sync_ok(&other, &items, &a);
	heard_reset(&a);
	bytes_reset(&items);
	assert_int_equal(world_exchange(&w, NULL, &m), RC_OK);
	assert_int_equal(m.n_heads, 2);
	meeting_reset(&m);
	retire(&k, 3);
	after = worker_put_frame(&k, &items);
	worker_sync(&k, &items, &a);
	assert_int_equal(a.welcome.status, STATUS_RETIRED);
	/* its retirement, but not the keys that came after */
	assert_int_equal(a.n_statements, 1);
	assert_int_equal(a.n_frames, 0);
	/* what it brought is kept aside, and it may go */
	assert_int_equal(a.n_receipts, 1);
	assert_true(heard_receipts(&a, &after));
	assert_int_equal(a.welcome.quarantined, 1);
	heard_reset(&a);
	/* the same frame from another's hand is late work of a retired device */
	worker_sync_ok(&other, &items, &a);
	assert_int_equal(a.welcome.quarantined, 1);
	assert_false(heard_receipts(&a, &after));
	heard_reset(&a);
	/* but what its last heads cover is welcome from anybody, e.g. for a restored relay */
	bytes_reset(&items);
	exchange_put(&items, ITEM_FRAME, before.data, before.len);
	worker_sync_ok(&other, &items, &a);
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
	worker_sync_ok(&k, NULL, &a);
	heard_reset(&a);
	worker_sync_ok(&other, NULL, &a);
	heard_reset(&a);
	retire(&k, 0);
	f = worker_put_frame(&other, &items);
	worker_sync(&k, &items, &a);
	assert_int_equal(a.welcome.status, STATUS_RETIRED);
	assert_int_equal(a.welcome.quarantined, 1);
	heard_reset(&a);
	worker_sync_ok(&other, &items, &a);
	assert_true(heard_receipts(&a, &f));
	assert_int_equal(a.welcome.quarantined, 0);
	heard_reset(&a);
	assert_int_equal(world_counts(&w).served, 1);
	assert_int_equal(world_counts(&w).aside, 0);
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
	good = worker_put_frame(&k, &items);
	worker_sync_ok(&k, &items, &a);
	assert_int_equal(a.welcome.quarantined, 2);
	assert_true(heard_receipts(&a, &good));
	assert_false(heard_receipts(&a, &bad));
	heard_reset(&a);
	worker_sync_ok(&reader, NULL, &a);
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
	worker_sync_ok(&k, &items, &a);
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
	assert_int_equal(world_counts(&w).served, 2);
	/* and a person may let the other in */
	frame_id(elsewhere.data, elsewhere.len, id);
	assert_int_equal(relay_release(w.depot, &w.clock, id, NULL), RC_OK);
	assert_int_equal(world_counts(&w).served, 3);
	worker_sync_ok(&k, &items, &a);
	assert_int_equal(a.n_receipted, 3);
	heard_reset(&a);
	bytes_reset(&items);
	bytes_reset(&tip);
	bytes_reset(&elsewhere);
	bytes_reset(&future);
	worker_close(&k);
}

static void
what_its_author_may_write_as_soon_as_the_statement_comes_is_served_then(void **state)
{
	struct worker k;
	struct bytes items = { 0 }, early, payload = { 0 };
	struct meeting m;
	struct heard a;

	(void)state;
	worker_join(&w, "24.1.1", ROLE_COMMUNICATOR, &k);
	/* the author knows of its move, this relay, put back to an old state, does not */
	early = worker_frame(&k, "24.1.2", 0, 1, 1, 80);
	exchange_put(&items, ITEM_FRAME, early.data, early.len);
	worker_sync_ok(&k, &items, &a);
	assert_int_equal(a.welcome.quarantined, 1);
	heard_reset(&a);
	directory_write_assign(k.device.identity.device, "24.1.2", ROLE_COMMUNICATOR, &payload);
	small_province_say(&w.province, STATEMENT_ASSIGN, &payload);
	assert_int_equal(world_exchange(&w, NULL, &m), RC_OK);
	assert_int_equal(m.n_aside, 0);
	meeting_reset(&m);
	assert_int_equal(world_counts(&w).served, 1);
	bytes_reset(&items);
	bytes_reset(&early);
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
	worker_sync_ok(&k, NULL, &a);
	heard_reset(&a);
	late = worker_put_frame(&k, &items);		/* written before it heard of the move */
	directory_write_assign(k.device.identity.device, "24.1.2", ROLE_COMMUNICATOR, &payload);
	small_province_say(&w.province, STATEMENT_ASSIGN, &payload);
	assert_int_equal(world_exchange(&w, NULL, &m), RC_OK);
	meeting_reset(&m);
	worker_sync_ok(&k, &items, &a);
	assert_int_equal(a.welcome.quarantined, 0);
	assert_true(heard_receipts(&a, &late));
	heard_reset(&a);
	bytes_reset(&items);
	bytes_reset(&late);
	/* knowing of the move, it may not */
	k.directory_seq = directory_count(w.province.d) - 1;
	late = worker_put_frame(&k, &items);
	worker_sync_ok(&k, &items, &a);
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
	f = worker_put_frame(&author, &items);
	worker_sync_ok(&carrier, &items, &a);
	assert_int_equal(a.welcome.quarantined, 1);
	heard_reset(&a);
	worker_sync_ok(&author, NULL, &a);
	heard_reset(&a);
	worker_sync_ok(&carrier, NULL, &a);
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
	base = worker_put_frame(&k, &items);
	copy = k;		/* a running process that was copied */
	left = worker_put_frame(&k, &items);
	right = worker_put_frame(&copy, &items);
	worker_sync_ok(&k, &items, &a);
	assert_int_equal(a.n_receipted, 3);
	heard_reset(&a);
	worker_sync_ok(&reader, NULL, &a);
	assert_int_equal(a.n_frames, 3);
	heard_reset(&a);
	assert_int_equal(world_alarms(&w), 1);
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
	f = worker_put_frame(&k, &items);
	worker_sync_ok(&k, &items, &a);
	heard_reset(&a);
	bytes_reset(&items);
	thief.log = k.log;
	stolen = worker_put_frame(&thief, &items);
	worker_sync_ok(&thief, &items, &a);
	assert_int_equal(a.welcome.quarantined, 1);
	heard_reset(&a);
	bytes_reset(&items);
	bytes_reset(&f);
	bytes_reset(&stolen);
	worker_close(&k);
	worker_close(&thief);
}

int
main(void)
{
#define TEST(f) cmocka_unit_test_prestate_setup_teardown(f, world_set_up, world_tear_down, &w)
	const struct CMUnitTest tests[] = {
		TEST(a_second_use_of_an_invitation_waits_until_admitted),
		TEST(what_a_refused_device_sent_is_set_aside_and_can_be_released),
		TEST(an_expired_or_revoked_invitation_waits),
		TEST(a_retired_device_gets_its_retirement_and_a_receipt_and_nothing_else),
		TEST(what_a_retired_device_carried_is_taken_from_another),
		TEST(a_flipped_bit_sets_one_frame_aside_and_blocks_nothing),
		TEST(sets_aside_what_its_author_may_not_write),
		TEST(what_its_author_may_write_as_soon_as_the_statement_comes_is_served_then),
		TEST(takes_late_work_from_before_a_move_to_another_unit),
		TEST(a_frame_of_an_unknown_author_waits_for_the_certificate),
		TEST(both_branches_of_a_fork_are_served_and_an_alarm_rings),
		TEST(a_log_belongs_to_one_device),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
