#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include <sodium.h>

#include "shared/sync/exchange.h"
#include "shared/sync/replica_internal.h"
#include "shared/vault/query.h"
#include "shared/vault/vault.h"
#include "sync-server/depot.h"
#include "tests/support/lying_relay.h"
#include "tests/support/province_stick.h"

/* Of receipts what is of use is kept: tests/support/province.h. */

#define OWN "SELECT count(*) FROM receipt WHERE outgoing = 0"

struct story {
	const struct workspace *ws;
	uint8_t frame[FRAME_ID_BYTES];	/* a real one of it */
	size_t names;			/* of a receipt; the first is that frame, if `real` */
	bool real;
};

/* Signed by the relay itself, each another one. */
static void
receipts_for_us(struct lying_relay *l, struct bytes *out)
{
	const struct identity *id = depot_identity(l->p->served);
	const struct story *s = l->ctx;
	struct receipt r = { .kind = RECEIPT_STORED, .n_frames = s->names };
	struct bytes payload;

	memcpy(r.signer, id->device, sizeof(r.signer));
	memcpy(r.device, replica_device(s->ws->replica), sizeof(r.device));
	assert_non_null(r.frames = calloc(r.n_frames, FRAME_ID_BYTES));
	for (int i = 0; i < 100; i++) {
		bytes_init(&payload);
		r.at = l->p->now + (int64_t)l->asked * 100 + i;
		randombytes_buf(r.frames, r.n_frames * FRAME_ID_BYTES);
		if (s->real)
			memcpy(r.frames[0], s->frame, FRAME_ID_BYTES);
		assert_int_equal(exchange_receipt_write(&r, id->sign_seed, &payload), RC_OK);
		exchange_put(out, ITEM_RECEIPT, payload.data, payload.len);
		bytes_reset(&payload);
	}
	free(r.frames);
}

static void
flood(struct province *p, struct workspace *a, struct story *s)
{
	struct replica_sync_result r;
	struct error err = { 0 };
	struct lying_relay l;

	lying_relay_start(&l, p);
	depot_generation(p->depot, l.generation);
	assert_int_equal(depot_last_position(p->depot, &l.last), RC_OK);
	l.position = l.last;
	l.over = true;
	l.say = receipts_for_us;
	l.ctx = s;
	assert_int_equal(workspace_sync(a, l.url, &r, &err), RC_OK);
	lying_relay_stop(&l);
}

static void
receipts_that_say_nothing_new_are_not_kept(void **state)
{
	struct province *p = *state;
	struct workspace *a = province_device(p, "06001", ROLE_CASEWORKER, "Hoàng Văn Pao");
	struct story s = { .ws = a, .names = 500 };
	struct bytes id;

	province_add(a, "outreach", PROVINCE_VISIT);
	/* before there is a real one: the first, since a person is told of it */
	flood(p, a, &s);
	assert_int_equal(province_count(a, OWN), 1);
	assert_int_equal(province_status(a).unsent_entries, 1);
	province_sync(p, a);
	assert_int_equal(province_count(a, OWN), 2);
	assert_int_equal(province_status(a).unsent_entries, 0);
	bytes_init(&id);
	assert_int_equal(query_blob(vault_db(a->vault), NULL, &id, "SELECT id FROM frame WHERE state = 2",
	    ""), RC_OK);
	memcpy(s.frame, id.data, FRAME_ID_BYTES);
	s.real = true;
	flood(p, a, &s);
	s.names = 1;
	flood(p, a, &s);
	assert_int_equal(province_count(a, OWN), 2);
	bytes_reset(&id);
	workspace_close(a);
}

/* The one true name in it is believed; the paper is not worth its room. */
static void
a_receipt_that_is_mostly_noise_counts_and_is_not_kept(void **state)
{
	struct province *p = *state;
	struct workspace *a = province_device(p, "06001", ROLE_CASEWORKER, "Hoàng Văn Pao");
	struct story s = { .ws = a, .names = 500, .real = true };
	struct error err = { 0 };
	struct bytes id;

	province_add(a, "outreach", PROVINCE_VISIT);
	province_sync(p, a);
	for (int i = 0; i < 3; i++) {
		province_add(a, "outreach", PROVINCE_VISIT);
		assert_int_equal(replica_seal(a->replica, 1 << 16, 0, &err), RC_OK);
		bytes_init(&id);
		assert_int_equal(query_blob(vault_db(a->vault), NULL, &id,
		    "SELECT id FROM frame WHERE state = 1", ""), RC_OK);
		memcpy(s.frame, id.data, FRAME_ID_BYTES);
		bytes_reset(&id);
		flood(p, a, &s);
		assert_int_equal(province_status(a).unsent_entries, 0);
		assert_int_equal(province_count(a, OWN), 1);
	}
	workspace_close(a);
}

static void
those_that_name_our_frames_are_kept_for_sticks_once(void **state)
{
	struct province *p = *state;
	struct workspace *a = province_device(p, "06001", ROLE_CASEWORKER, "Hoàng Văn Pao");
	struct workspace *b = province_device(p, "06001", ROLE_CASEWORKER, "Nông Thị Lan");

	for (int i = 0; i < 6; i++) {
		p->now += 60;
		province_add(a, "outreach", PROVINCE_VISIT);
		province_sync(p, a);
	}
	assert_int_equal(province_count(a, OWN), 6);
	province_stick_carry(a, b);
	assert_int_equal(province_status(b).records, 6);
	assert_int_equal(province_count(b, "SELECT count(*) FROM frame WHERE forward = 1"), 0);
	/* the relay is restored: what it said before counts no more, and all is handed in again */
	province_stop_relay(p);
	assert_int_equal(depot_renew_generation(p->depot), RC_OK);
	province_serve(p);
	p->now += 60;
	province_sync(p, a);
	assert_int_equal(province_status(a).unsent_entries, 0);
	assert_in_range(province_count(a, OWN), 1, 3);
	province_stick_carry(a, b);
	assert_int_equal(province_count(b, "SELECT count(*) FROM frame WHERE forward = 1"), 0);
	workspace_close(a);
	workspace_close(b);
}

static void
of_what_is_held_the_last_word_is_kept(void **state)
{
	struct province *p = *state;
	struct workspace *a = province_device(p, "06001", ROLE_CASEWORKER, "Hoàng Văn Pao");
	struct workspace *far = province_device(p, "06001", ROLE_CASEWORKER, "Nông Thị Lan");
	struct workspace *holder = province_device(p, "20", ROLE_HOLDER, "Kho của tỉnh");
	struct error err = { 0 };
	size_t n;

	province_sync(p, holder);
	province_sync(p, a);
	province_meet(p);
	for (int i = 0; i < 5; i++) {
		p->now += 60;
		province_add(a, "outreach", PROVINCE_VISIT);
		province_sync(p, a);
		province_sync(p, holder);
		assert_int_equal(replica_sign_held(holder->replica, &n, &err), RC_OK);
		assert_int_equal(n, 1);
		province_sync(p, holder);
		province_sync(p, a);
		assert_int_equal(province_status(a).receipt_level, 2);
	}
	assert_int_equal(province_count(a, OWN " AND kind = 2"), 1);
	assert_int_equal(province_count(holder, "SELECT count(*) FROM receipt WHERE outgoing IN (1, 2)"), 1);
	/* what was not sent is kept beside it */
	province_add(a, "outreach", PROVINCE_VISIT);
	province_sync(p, a);
	province_sync(p, holder);
	assert_int_equal(replica_sign_held(holder->replica, &n, &err), RC_OK);
	province_add(a, "outreach", PROVINCE_VISIT);
	province_sync(p, a);
	province_sync(p, holder);	/* and sends the one before */
	p->now += 60;
	assert_int_equal(replica_sign_held(holder->replica, &n, &err), RC_OK);
	assert_int_equal(province_count(holder, "SELECT count(*) FROM receipt WHERE outgoing IN (1, 2)"), 1);
	/* one stick tells all of it to who comes with nothing but sticks */
	province_stick_carry(holder, a);
	assert_int_equal(province_status(a).receipt_level, 2);
	province_stick_carry(holder, far);
	assert_int_equal(province_status(far).records, 7);
	workspace_close(a);
	workspace_close(far);
	workspace_close(holder);
}

/* So many whole logs of another device stand in the journal: more tips than a scope of a receipt names. */
static void
put_loose_logs(struct workspace *holder, const struct workspace *of, size_t n)
{
	static const char sql[] = "INSERT INTO log(id, device, unit, compartment, start, head_n, head)"
	    " SELECT ?1, device, unit, compartment, start, head_n, head FROM log"
	    " WHERE device = ?2 AND head_n > 0 LIMIT 1";

	for (size_t i = 0; i < n; i++)
		assert_int_equal(query_run(vault_db(holder->vault), NULL, sql, "ib", (int64_t)(1000000 + i),
		    replica_device(of->replica), (size_t)IDENTITY_ID_BYTES), RC_OK);
}

/* The relay is put back to a backup without that frame. */
static void
lose_last_frame(struct province *p)
{
	struct depot_frame f = { 0 };

	province_stop_relay(p);
	assert_int_equal(depot_refresh(p->depot), RC_OK);
	assert_int_equal(depot_frame_next(p->depot, 0, &f), RC_OK);
	assert_int_equal(depot_begin(p->depot), RC_OK);
	assert_int_equal(depot_withdraw(p->depot, f.key), RC_OK);
	assert_int_equal(depot_end(p->depot, depot_drop_frame(p->depot, f.key)), RC_OK);
	assert_int_equal(depot_renew_generation(p->depot), RC_OK);
	province_serve(p);
}

static void
a_stick_that_is_older_than_a_restore_is_handed_in_all_the_same(void **state)
{
	struct province *p = *state;
	struct workspace *a = province_device(p, "06001", ROLE_CASEWORKER, "Hoàng Văn Pao");
	struct workspace *b = province_device(p, "06001", ROLE_CASEWORKER, "Nông Thị Lan");
	struct workspace *c = province_device(p, "06001", ROLE_CASEWORKER, "Lý A Sáng");
	struct bytes stick;

	bytes_init(&stick);
	province_sync(p, b);
	(void)province_add(a, "outreach", PROVINCE_VISIT);
	province_sync(p, a);
	/* the frame, and the receipt for it; then a's laptop is lost, and the relay is put back */
	province_stick_write(a, &stick);
	lose_last_frame(p);
	province_sync(p, b);
	(void)province_stick_read(b, &stick);
	province_sync(p, b);
	province_sync(p, c);
	assert_int_equal(province_status(c).records, 1);
	bytes_reset(&stick);
	workspace_close(a);
	workspace_close(b);
	workspace_close(c);
}

static void
a_device_with_thousands_of_loose_logs_is_no_others_trouble(void **state)
{
	struct province *p = *state;
	struct workspace *a = province_device(p, "06001", ROLE_CASEWORKER, "Hoàng Văn Pao");
	struct workspace *b = province_device(p, "06002", ROLE_CASEWORKER, "Nông Thị Lan");
	struct workspace *holder = province_device(p, "20", ROLE_HOLDER, "Kho của tỉnh");
	struct error err = { 0 };
	size_t n;

	province_sync(p, holder);
	province_add(a, "outreach", PROVINCE_VISIT);
	province_sync(p, a);
	province_add(b, "outreach", PROVINCE_VISIT);
	province_sync(p, b);
	province_meet(p);
	province_sync(p, holder);
	put_loose_logs(holder, a, EXCHANGE_HEADS_MAX + 1);
	assert_int_equal(replica_sign_held(holder->replica, &n, &err), RC_OK);
	assert_int_equal(n, 1);
	assert_int_equal(province_count(holder, "SELECT count(*) FROM event WHERE kind = 'held-too-many'"
	    " AND detail = 'Hoàng Văn Pao'"), 1);
	province_sync(p, holder);
	province_sync(p, a);
	province_sync(p, b);
	assert_int_equal(province_status(a).receipt_level, 1);
	assert_int_equal(province_status(b).receipt_level, 2);
	workspace_close(a);
	workspace_close(b);
	workspace_close(holder);
}

#define T(name) cmocka_unit_test_setup_teardown(name, province_set_up, province_tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(receipts_that_say_nothing_new_are_not_kept),
		T(a_receipt_that_is_mostly_noise_counts_and_is_not_kept),
		T(those_that_name_our_frames_are_kept_for_sticks_once),
		T(of_what_is_held_the_last_word_is_kept),
		T(a_stick_that_is_older_than_a_restore_is_handed_in_all_the_same),
		T(a_device_with_thousands_of_loose_logs_is_no_others_trouble),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
