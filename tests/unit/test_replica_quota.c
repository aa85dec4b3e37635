#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sodium.h>

#include "shared/sync/exchange.h"
#include "shared/sync/replica_internal.h"
#include "shared/sync/replica_quota.h"
#include "shared/vault/query.h"
#include "shared/vault/secret.h"
#include "shared/vault/vault.h"
#include "sync-server/authority.h"
#include "sync-server/depot.h"
#include "tests/support/lying_relay.h"
#include "tests/support/province.h"

/* What nobody answers for takes a bounded room, and nothing else is lost by that. */

enum { QUOTA = 1 << 20, PAGE = 4096 };

static void
random_bytes(struct bytes *out, size_t len)
{
	uint8_t *room = bytes_room(out, len);

	assert_non_null(room);
	randombytes_buf(room, len);
	out->len += len;
}

/* A frame in due form, of a device that nobody knows. */
static void
put_stranger(const struct directory *d, size_t cargo, struct bytes *frame)
{
	const struct scope_key *key = directory_scope_key(d, "06001", 0);
	struct frame_range range = { .log = 1 + randombytes_random(), .first = 1, .count = 3 };
	struct frame_header h = { .epoch = key->epoch, .ranges = &range, .n_ranges = 1 };
	struct identity stranger;
	struct bytes noise;

	bytes_init(&noise);
	assert_int_equal(identity_make(&stranger), RC_OK);
	random_bytes(&noise, cargo);
	memcpy(h.device, stranger.device, sizeof(h.device));
	strcpy(h.unit, "06001");
	assert_int_equal(frame_seal(&h, key->public_key, stranger.sign_seed, noise.data, noise.len,
	    frame), RC_OK);
	identity_reset(&stranger);
	bytes_reset(&noise);
}

/* ---- a relay that never comes to an end ---- */

/* What it says in each answer: much of one kind. */
static void
strangers_without_end(struct lying_relay *l, struct bytes *out)
{
	struct bytes frame;

	for (int i = 0; i < 200; i++) {
		bytes_init(&frame);
		put_stranger(depot_directory(l->p->served), i % 2 ? 100 : 12000, &frame);
		exchange_put_down(out, NULL, ++l->position, ITEM_FRAME, frame.data, frame.len);
		bytes_reset(&frame);
	}
}

static void
noise_without_end(struct lying_relay *l, struct bytes *out)
{
	struct bytes frame;

	for (int i = 0; i < 200; i++) {
		bytes_init(&frame);
		random_bytes(&frame, i % 2 ? 1 : 12000);
		exchange_put_down(out, NULL, ++l->position, ITEM_FRAME, frame.data, frame.len);
		bytes_reset(&frame);
	}
}

static void
receipts_without_end(struct lying_relay *l, struct bytes *out)
{
	struct identity stranger;
	struct receipt r = { .kind = RECEIPT_STORED, .n_frames = 300 };
	struct bytes payload;

	assert_int_equal(identity_make(&stranger), RC_OK);
	memcpy(r.signer, stranger.device, sizeof(r.signer));
	assert_non_null(r.frames = calloc(r.n_frames, FRAME_ID_BYTES));
	for (int i = 0; i < 200; i++) {
		bytes_init(&payload);
		randombytes_buf(r.frames, r.n_frames * FRAME_ID_BYTES);
		assert_int_equal(exchange_receipt_write(&r, stranger.sign_seed, &payload), RC_OK);
		if (i % 2)
			exchange_put_down(out, NULL, ++l->position, ITEM_RECEIPT, payload.data, payload.len);
		else
			exchange_put(out, ITEM_RECEIPT, payload.data, payload.len);
		bytes_reset(&payload);
	}
	l->position++;
	free(r.frames);
	identity_reset(&stranger);
}

/* Of statements to come; every other one is a whole list. */
static void
shares_without_end(struct lying_relay *l, struct bytes *out)
{
	struct bytes payload, one;

	for (int i = 0; i < 200; i++) {
		struct share s = { .epoch = 1, .to_device = true };

		bytes_init(&payload);
		bytes_init(&one);
		strcpy(s.unit, "06001");
		randombytes_buf(s.sealed, sizeof(s.sealed));
		directory_share_write(&s, &one);
		if (i % 2) {
			struct bytes *list = calloc(60, sizeof(*list));

			assert_non_null(list);
			for (size_t k = 0; k < 60; k++)
				list[k] = one;
			directory_share_list_write(list, 60, 1000 + (uint64_t)i, &payload);
			free(list);
		} else {
			assert_int_equal(directory_share_item(&one, 1, 0, 1000, &payload), RC_OK);
		}
		exchange_put_down(out, NULL, ++l->position, i % 2 ? ITEM_SHARE_LIST : ITEM_SHARE, payload.data,
		    payload.len);
		bytes_reset(&payload);
		bytes_reset(&one);
	}
}

/* All that nobody answers for, as it lies in the vault. */
static uint64_t
kept(struct workspace *ws)
{
	return province_count(ws, "SELECT (SELECT ifnull(sum(max(512, length(bytes))), 0) FROM frame"
	    " WHERE state IN (3, 4)) + (SELECT ifnull(sum(max(512, length(bytes))), 0) FROM waiting_receipt)"
	    " + (SELECT ifnull(sum(max(512, length(bytes))), 0) FROM waiting_share)");
}

/* The laptop has something to send; a colleague has sent something for it. */
static void
flood(struct province *p, void (*say)(struct lying_relay *, struct bytes *))
{
	struct workspace *a = province_device(p, "06001", ROLE_CASEWORKER, "Hoàng Văn Pao");
	struct workspace *b = province_device(p, "06001", ROLE_CASEWORKER, "Nông Thị Lan");
	struct replica_sync_result r;
	struct error err = { 0 };
	struct lying_relay l;
	uint64_t pages, first;

	province_add(b, "outreach", PROVINCE_VISIT);
	province_sync(p, b);
	province_add(a, "outreach", PROVINCE_VISIT);
	a->replica->aside_max = QUOTA;
	pages = province_count(a, "PRAGMA page_count");
	lying_relay_start(&l, p);
	l.say = say;
	assert_int_equal(workspace_sync(a, l.url, &r, &err), RC_PROTOCOL);
	assert_int_equal(rc_exit_code(err.code), 76);
	assert_non_null(strstr(err.what, "known device"));
	assert_true(l.asked < 60);
	first = kept(a);
	assert_in_range(first, QUOTA / 2, QUOTA);
	assert_in_range(province_count(a, "PRAGMA page_count"), 1, pages + 3 * QUOTA / PAGE);
	assert_int_equal(province_count(a, "SELECT count(*) FROM event WHERE kind = 'aside-full'"), 1);
	assert_int_equal(province_status(a).unsent_entries, 1);
	/* nor does it grow with the next one */
	l.asked = 0;
	error_clear(&err);
	assert_int_equal(workspace_sync(a, l.url, &r, &err), RC_PROTOCOL);
	assert_true(l.asked < 60);
	assert_in_range(kept(a), first, QUOTA);
	assert_in_range(province_count(a, "PRAGMA page_count"), 1, pages + 3 * QUOTA / PAGE);
	assert_int_equal(province_count(a, "SELECT count(*) FROM event WHERE kind = 'aside-full'"), 1);
	lying_relay_stop(&l);
	/* an honest one finds all as it should be */
	province_sync(p, a);
	province_sync(p, b);
	assert_int_equal(province_status(a).records, 2);
	assert_int_equal(province_status(a).unsent_entries, 0);
	assert_true(province_same_fold(a, b));
	workspace_close(a);
	workspace_close(b);
}

static void
strangers_in_due_form_fill_no_disk(void **state)
{
	flood(*state, strangers_without_end);
}

static void
noise_fills_no_disk(void **state)
{
	flood(*state, noise_without_end);
}

static void
receipts_of_nobody_fill_no_disk(void **state)
{
	flood(*state, receipts_without_end);
}

static void
shares_of_statements_to_come_fill_no_disk(void **state)
{
	flood(*state, shares_without_end);
}

/* ---- the directory, and a clock ---- */

static void
wrong_statements(struct lying_relay *l, struct bytes *out)
{
	struct directory *d = NULL;
	struct identity stranger;
	struct bytes payload, statement;

	assert_int_equal(identity_make(&stranger), RC_OK);
	assert_int_equal(directory_new(&d), RC_OK);
	for (int i = 0; i < 50; i++) {
		bytes_init(&payload);
		bytes_init(&statement);
		directory_write_revoke(stranger.device, "không có", &payload);
		assert_int_equal(directory_sign(i % 2 ? depot_directory(l->p->served) : d, stranger.sign_seed,
		    STATEMENT_REVOKE, i, &payload, &statement), RC_OK);
		exchange_put(out, ITEM_STATEMENT, statement.data, statement.len);
		bytes_reset(&payload);
		bytes_reset(&statement);
	}
	l->clock_off += 2 * 86400;
	directory_free(d);
	identity_reset(&stranger);
}

static void
statements_of_another_hand_and_wild_clocks_leave_a_few_lines(void **state)
{
	struct province *p = *state;
	struct workspace *a = province_device(p, "06001", ROLE_CASEWORKER, "Hoàng Văn Pao");
	uint64_t statements = province_count(a, "SELECT count(*) FROM statement");
	struct replica_sync_result r;
	struct error err = { 0 };
	struct lying_relay l;

	lying_relay_start(&l, p);
	l.say = wrong_statements;
	for (int i = 0; i < 30; i++) {
		error_clear(&err);
		assert_int_not_equal(workspace_sync(a, l.url, &r, &err), RC_OK);
	}
	lying_relay_stop(&l);
	assert_int_equal(province_count(a, "SELECT count(*) FROM statement"), statements);
	assert_in_range(province_count(a, "SELECT count(*) FROM event"), 3, 60);
	assert_in_range(province_count(a, "SELECT count(*) FROM event WHERE kind = 'clock-wrong'"), 2, 20);
	province_sync(p, a);
	workspace_close(a);
}

/* ---- nothing is lost by a refusal ---- */

struct story {
	struct bytes frame, certificate;
	uint64_t frame_at;
	unsigned given;
};

/* A newcomer's frame before its certificate, where the honest relay has the frame. */
static void
frame_before_certificate(struct lying_relay *l, struct bytes *out)
{
	struct story *s = l->ctx;

	if (l->asked > 1)
		return;
	exchange_put_down(out, NULL, s->frame_at, ITEM_FRAME, s->frame.data, s->frame.len);
	exchange_put(out, ITEM_CERTIFICATE, s->certificate.data, s->certificate.len);
}

static uint64_t
last_position(struct province *p)
{
	uint64_t n;

	assert_int_equal(depot_last_position(p->depot, &n), RC_OK);
	return n;
}

/* A newcomer works and syncs; the others have met the honest relay before. */
static struct workspace *
newcomer(struct province *p, struct story *s)
{
	struct workspace *c = province_device(p, "06001", ROLE_CASEWORKER, "Lò Thị Mai");

	s->given = 0;
	bytes_init(&s->frame);
	bytes_init(&s->certificate);
	province_add(c, "outreach", PROVINCE_VISIT);
	province_sync(p, c);
	province_meet(p);
	province_sync(p, c);
	s->frame_at = last_position(p);
	assert_int_equal(query_blob(vault_db(c->vault), NULL, &s->frame,
	    "SELECT bytes FROM frame WHERE state = 2", ""), RC_OK);
	province_certificate(c, &s->certificate);
	return c;
}

/* A laptop, and what the newcomer did since. */
struct lied_to {
	struct province *p;
	struct workspace *a, *c;
	struct lying_relay l;
	struct story s;
};

/* a has room for so much of what nobody answers for. */
static void
begin_lies(struct lied_to *t, struct province *p, uint64_t aside_max)
{
	t->p = p;
	t->a = province_device(p, "06001", ROLE_CASEWORKER, "Hoàng Văn Pao");
	province_sync(p, t->a);
	province_meet(p);
	province_sync(p, t->a);
	t->c = newcomer(p, &t->s);
	t->a->replica->aside_max = aside_max;
}

static void
end_lies(struct lied_to *t)
{
	bytes_reset(&t->s.frame);
	bytes_reset(&t->s.certificate);
	workspace_close(t->a);
	workspace_close(t->c);
}

/* One sync with a relay that lies with the honest one's face and numbers. */
static enum rc
sync_with_liar(struct lied_to *t, void (*say)(struct lying_relay *l, struct bytes *out))
{
	struct replica_sync_result r;
	struct error err = { 0 };
	enum rc rc;

	lying_relay_start(&t->l, t->p);
	depot_generation(t->p->depot, t->l.generation);
	t->l.position = t->l.last = last_position(t->p);
	t->l.over = true;
	t->l.say = say;
	t->l.ctx = &t->s;
	rc = workspace_sync(t->a, t->l.url, &r, &err);
	lying_relay_stop(&t->l);
	return rc;
}

static uint64_t
frames(struct workspace *ws)
{
	return province_count(ws, "SELECT count(*) FROM frame");
}

static uint64_t
asks_again(struct workspace *ws)
{
	return province_count(ws, "SELECT count(*) FROM setting WHERE name = 'refused'");
}

static void
what_was_refused_comes_when_its_author_is_known(void **state)
{
	struct lied_to t;

	begin_lies(&t, *state, 0);
	assert_int_equal(sync_with_liar(&t, frame_before_certificate), RC_PROTOCOL);
	assert_int_equal(frames(t.a), 0);
	assert_int_equal(province_status(t.a).records, 0);
	province_sync(t.p, t.a);
	assert_int_equal(province_status(t.a).records, 1);
	assert_true(province_same_fold(t.a, t.c));
	/* and that is the end of it */
	assert_int_equal(asks_again(t.a), 0);
	end_lies(&t);
}

/* Only the frame, to whoever has not been given it. */
static void
frame_alone(struct lying_relay *l, struct bytes *out)
{
	struct story *s = l->ctx;
	struct hello h;
	struct reader in;
	const uint8_t *hello;
	size_t len;

	reader_init(&in, l->body.data, l->body.len);
	(void)reader_u8(&in);
	hello = reader_span(&in, 1 << 20, &len);
	assert_int_equal(exchange_hello_read(hello, len, &h), RC_OK);
	if (h.position < s->frame_at) {
		exchange_put_down(out, NULL, s->frame_at, ITEM_FRAME, s->frame.data, s->frame.len);
		s->given++;
	}
	exchange_hello_reset(&h);
}

static void
what_was_refused_comes_when_there_is_room(void **state)
{
	struct lied_to t;

	begin_lies(&t, *state, 100);
	assert_int_equal(sync_with_liar(&t, frame_alone), RC_PROTOCOL);
	/* where the relay's numbers have gone on, it is not asked for what is full */
	province_sync(t.p, t.a);
	assert_int_equal(frames(t.a), 0);
	assert_int_equal(asks_again(t.a), 1);
	t.a->replica->aside_max = REPLICA_QUOTA_MAX;
	province_sync(t.p, t.a);
	assert_int_equal(frames(t.a), 1);
	assert_int_equal(asks_again(t.a), 0);
	end_lies(&t);
}

static void
it_is_tried_again_without_a_reason_and_ever_more_rarely(void **state)
{
	struct lied_to t;

	begin_lies(&t, *state, 0);
	for (int i = 0; i < 40; i++) {
		unsigned given = t.s.given;

		if (sync_with_liar(&t, frame_alone) != RC_OK)
			given++;
		assert_int_equal(t.s.given, given);
	}
	/* after 2, 3, 5, 9 and 17 more */
	assert_int_equal(t.s.given, 6);
	end_lies(&t);
}

/* ---- who is answered for does not count ---- */

static void
a_colleagues_work_waits_for_its_key_beside_a_full_quota(void **state)
{
	struct province *p = *state;
	struct workspace *a = province_device(p, "06001", ROLE_CASEWORKER, "Hoàng Văn Pao");
	struct workspace *b = province_device(p, "06001", ROLE_CASEWORKER, "Nông Thị Lan");
	uint64_t from = directory_count(replica_directory(b->replica));
	struct bytes statement, frame;
	struct error err = { 0 };
	size_t n;

	bytes_init(&statement);
	bytes_init(&frame);
	province_sync(p, a);
	province_sync(p, b);
	province_meet(p);
	province_sync(p, b);
	assert_int_equal(authority_rotate(p->authority, "06001", false, &n, &err), RC_OK);
	province_meet(p);
	province_sync(p, a);
	province_add(a, "outreach", PROVINCE_VISIT);
	province_sync(p, a);
	/* b has the news of the new key, and not the key */
	for (uint64_t i = from; depot_statement(p->depot, i, &statement) == RC_OK; i++) {
		province_take(b, ITEM_STATEMENT, &statement);
		statement.len = 0;
	}
	b->replica->aside_max = 0;
	assert_int_equal(query_blob(vault_db(a->vault), NULL, &frame,
	    "SELECT bytes FROM frame WHERE state = 2 ORDER BY rowid DESC", ""), RC_OK);
	province_take(b, ITEM_FRAME, &frame);
	assert_int_equal(province_count(b, "SELECT count(*) FROM frame WHERE state = 3"), 1);
	assert_int_equal(b->replica->refused, 0);
	province_sync(p, b);
	assert_int_equal(province_status(b).waiting, 0);
	assert_true(province_same_fold(a, b));
	bytes_reset(&statement);
	bytes_reset(&frame);
	workspace_close(a);
	workspace_close(b);
}

static void
room_is_counted_again_by_the_next_process(void **state)
{
	struct province *p = *state;
	struct workspace *a = province_device(p, "06001", ROLE_CASEWORKER, "Hoàng Văn Pao");
	struct bytes frame;
	char dir[300];

	bytes_init(&frame);
	province_device_dir(p, 0, dir);
	for (int i = 0; i < 3; i++) {
		put_stranger(replica_directory(a->replica), 3000, &frame);
		province_take(a, ITEM_FRAME, &frame);
		workspace_close(a);
		a = province_open(p, dir);
		a->replica->aside_max = 2 * frame.len + frame.len / 2;
		bytes_reset(&frame);
	}
	assert_int_equal(province_count(a, "SELECT count(*) FROM frame"), 2);
	workspace_close(a);
}

/* ---- a laptop that was stolen ---- */

static void
what_a_retired_device_goes_on_writing_is_bounded(void **state)
{
	struct province *p = *state;
	struct workspace *a = province_device(p, "06001", ROLE_CASEWORKER, "Hoàng Văn Pao");
	struct workspace *b = province_device(p, "06001", ROLE_CASEWORKER, "Nông Thị Lan");
	struct replica_sync_result r;
	struct error err = { 0 };
	struct bytes stick;

	bytes_init(&stick);
	province_add(a, "outreach", PROVINCE_VISIT);
	province_sync(p, a);
	province_sync(p, b);
	province_meet(p);
	province_retire(p, a);
	province_sync(p, b);
	assert_int_equal(province_status(b).records, 1);
	/* it was handed in before: no news, and nothing to be charged */
	b->replica->aside_max = 20 * REPLICA_QUOTA_ITEM_MIN;
	for (int i = 0; i < 40; i++) {
		province_add(a, "outreach", PROVINCE_VISIT);
		assert_int_equal(replica_seal(a->replica, 1 << 16, 0, &err), RC_OK);
	}
	assert_int_equal(replica_bundle_write(a->replica, &stick, &r, &err), RC_OK);
	assert_int_equal(replica_bundle_read(b->replica, "stick", stick.data, stick.len, &r, &err),
	    RC_LIMIT);
	assert_in_range(province_status(b).left_out, 1, 20);
	assert_int_equal(province_status(b).records, 1);
	/* with room the same stick brings the rest */
	b->replica->aside_max = REPLICA_QUOTA_MAX;
	error_clear(&err);
	assert_int_equal(replica_bundle_read(b->replica, "stick", stick.data, stick.len, &r, &err), RC_OK);
	assert_int_equal(province_status(b).left_out, 40);
	bytes_reset(&stick);
	workspace_close(a);
	workspace_close(b);
}

#define T(name) cmocka_unit_test_setup_teardown(name, province_set_up, province_tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(strangers_in_due_form_fill_no_disk),
		T(noise_fills_no_disk),
		T(receipts_of_nobody_fill_no_disk),
		T(shares_of_statements_to_come_fill_no_disk),
		T(statements_of_another_hand_and_wild_clocks_leave_a_few_lines),
		T(what_was_refused_comes_when_its_author_is_known),
		T(what_was_refused_comes_when_there_is_room),
		T(it_is_tried_again_without_a_reason_and_ever_more_rarely),
		T(a_colleagues_work_waits_for_its_key_beside_a_full_quota),
		T(room_is_counted_again_by_the_next_process),
		T(what_a_retired_device_goes_on_writing_is_bounded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
