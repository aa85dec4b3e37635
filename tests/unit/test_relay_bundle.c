#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sync-server/relay_bundle.h"
#include "tests/support/relay_world.h"

/* Sticks at the relay.  Whole laptops and a whole server with them are in tests/flow/65-sticks.t. */

static struct world w;

/* ---- sticks ---- */

static void
start(struct bytes *stick)
{
	uint8_t province[8];

	bytes_init(stick);
	directory_province(w.province.d, province);
	exchange_bundle_start(province, stick);
}

static void
put_certificate(struct bytes *stick, const struct worker *k)
{
	exchange_put(stick, ITEM_CERTIFICATE, k->device.certificate.data, k->device.certificate.len);
}

static void
end(struct bytes *stick)
{
	exchange_put(stick, ITEM_END, NULL, 0);
	assert_int_equal(stick->rc, RC_OK);
}

/* A stick with a certificate and so many frames of 3 entries each. */
static void
fill(struct worker *k, size_t n, struct bytes *stick, struct bytes *frames)
{
	start(stick);
	put_certificate(stick, k);
	for (size_t i = 0; i < n; i++)
		frames[i] = worker_put_frame(k, stick);
	end(stick);
}

static enum rc
try_read(const uint8_t *p, size_t len, size_t step, struct relay_bundle_result *out, struct error *err)
{
	struct relay_bundle *b = NULL;
	enum rc rc = relay_bundle_start(w.depot, &w.clock, "stick", out, &b, err);
	size_t n;

	for (size_t at = 0; rc == RC_OK && at < len && relay_bundle_wants_more(b); at += n) {
		n = len - at < step ? len - at : step;
		rc = relay_bundle_feed(b, p + at, n);
	}
	if (rc == RC_OK)
		rc = relay_bundle_finish(b);
	relay_bundle_free(b);
	return rc;
}

static struct relay_bundle_result
read_stick(const struct bytes *stick)
{
	struct relay_bundle_result r;
	struct error err = { 0 };
	enum rc rc = try_read(stick->data, stick->len, stick->len, &r, &err);

	if (rc != RC_OK)
		fail_msg("%s: %s", rc_name(rc), err.what);
	return r;
}

static enum rc
keep(void *ctx, const uint8_t *p, size_t len)
{
	bytes_put(ctx, p, len);
	return ((struct bytes *)ctx)->rc;
}

static enum rc
try_write(const struct worker *k, const char *unit, struct bytes *stick, struct error *err)
{
	struct relay_bundle_result r;
	enum rc rc;

	bytes_reset(stick);
	rc = relay_bundle_write(w.depot, &w.clock, k != NULL ? k->device.identity.device : NULL, unit,
	    keep, stick, &r, err);
	if (rc == RC_OK)
		assert_int_equal(r.bytes, stick->len);
	return rc;
}

/* What is on a stick of the relay. */
struct found {
	size_t items[20];
	size_t n_receipted, n_frames;
	uint8_t receipted[WORLD_FRAMES_MAX][FRAME_ID_BYTES], frames[WORLD_FRAMES_MAX][FRAME_ID_BYTES];
	struct receipt last;
};

static enum rc
note_item(void *ctx, enum item_type type, const uint8_t *p, size_t len)
{
	struct found *f = ctx;
	struct receipt r;

	f->items[type]++;
	if (type == ITEM_FRAME)
		frame_id(p, len, f->frames[f->n_frames++]);
	if (type != ITEM_RECEIPT)
		return RC_OK;
	assert_int_equal(exchange_receipt_read(p, len, &r), RC_OK);
	assert_int_equal(exchange_receipt_verify(p, len, depot_identity(w.depot)->sign_public), RC_OK);
	assert_int_equal(r.kind, RECEIPT_STORED);
	for (size_t i = 0; i < r.n_frames; i++)
		memcpy(f->receipted[f->n_receipted++], r.frames[i], FRAME_ID_BYTES);
	exchange_receipt_reset(&r);
	return RC_OK;
}

static struct found
written(const struct worker *k, const char *unit)
{
	struct exchange_stream s;
	struct found f = { 0 };
	struct error err = { 0 };
	struct bytes stick = { 0 };
	uint8_t province[8];
	enum rc rc = try_write(k, unit, &stick, &err);

	if (rc != RC_OK)
		fail_msg("%s: %s", rc_name(rc), err.what);
	directory_province(w.province.d, province);
	assert_int_equal(exchange_bundle_check(stick.data, stick.len, province, "stick", NULL), RC_OK);
	exchange_stream_init(&s, note_item, &f);
	assert_int_equal(exchange_stream_feed(&s, stick.data + EXCHANGE_BUNDLE_HEAD_BYTES,
	    stick.len - EXCHANGE_BUNDLE_HEAD_BYTES), RC_OK);
	assert_true(s.ended);
	exchange_stream_reset(&s);
	bytes_reset(&stick);
	return f;
}

static bool
names(uint8_t ids[][FRAME_ID_BYTES], size_t n, const struct bytes *frame)
{
	uint8_t id[FRAME_ID_BYTES];

	frame_id(frame->data, frame->len, id);
	for (size_t i = 0; i < n; i++)
		if (memcmp(ids[i], id, sizeof(id)) == 0)
			return true;
	return false;
}

/* ---- what comes ---- */

static void
what_a_stick_brings_is_served_and_its_author_finds_receipts(void **state)
{
	struct worker far, near;
	struct bytes stick, frames[3];
	struct relay_bundle_result r;
	struct heard a;

	(void)state;
	worker_join(&w, "24.1.1", ROLE_COMMUNICATOR, &far);
	worker_join(&w, "24.1.1", ROLE_COMMUNICATOR, &near);
	fill(&far, 3, &stick, frames);
	r = read_stick(&stick);
	assert_int_equal(r.frames, 3);
	assert_int_equal(r.entries, 9);
	assert_int_equal(r.certificates, 1);
	assert_int_equal(r.known + r.aside + r.statements, 0);
	assert_int_equal(r.bytes, stick.len);
	worker_sync(&near, NULL, &a);
	assert_int_equal(a.n_frames, 3);
	assert_true(heard_serves(&a, &frames[0]) && heard_serves(&a, &frames[2]));
	assert_int_equal(a.n_certificates, 1);
	heard_reset(&a);
	/* the author, should it ever meet the network */
	worker_sync(&far, NULL, &a);
	assert_int_equal(a.n_lane_receipts, 1);
	heard_reset(&a);
	for (size_t i = 0; i < 3; i++)
		bytes_reset(&frames[i]);
	bytes_reset(&stick);
	worker_close(&far);
	worker_close(&near);
}

static void
a_stick_that_is_read_twice_changes_nothing(void **state)
{
	struct worker far;
	struct bytes stick, frames[2];
	struct relay_bundle_result r;
	struct depot_counts before, after;
	uint64_t lines, again, last, still;
	uint8_t head[16];

	(void)state;
	worker_join(&w, "24.1.1", ROLE_COMMUNICATOR, &far);
	fill(&far, 2, &stick, frames);
	read_stick(&stick);
	before = world_counts(&w);
	assert_int_equal(depot_last_position(w.depot, &last), RC_OK);
	assert_int_equal(depot_audit_head(w.depot, &lines, head), RC_OK);
	r = read_stick(&stick);
	assert_int_equal(r.frames + r.entries + r.certificates + r.aside, 0);
	assert_int_equal(r.known, 2);
	after = world_counts(&w);
	assert_memory_equal(&before, &after, sizeof(before));
	assert_int_equal(depot_last_position(w.depot, &still), RC_OK);
	assert_int_equal(still, last);
	assert_int_equal(depot_audit_head(w.depot, &again, head), RC_OK);
	assert_int_equal(again, lines);
	bytes_reset(&frames[0]);
	bytes_reset(&frames[1]);
	bytes_reset(&stick);
	worker_close(&far);
}

static void
a_stick_that_is_cut_anywhere_gives_what_is_whole_and_says_where_it_ends(void **state)
{
	struct worker far;
	struct bytes stick, frames[4];
	struct relay_bundle_result r;
	struct error err;
	char where[40];
	uint64_t whole = 0, had = 0;

	(void)state;
	worker_join(&w, "24.1.1", ROLE_COMMUNICATOR, &far);
	fill(&far, 4, &stick, frames);
	for (size_t len = 0; len < stick.len; len++) {
		memset(&err, 0, sizeof(err));
		/* the first byte of each piece is a transaction of its own, too */
		assert_int_equal(try_read(stick.data, len, len % 2 == 0 ? 7 : 4096, &r, &err), RC_FORMAT);
		whole += r.frames;
		assert_int_equal(world_counts(&w).served, whole);
		assert_true(whole >= had && whole <= had + 1);
		had = whole;
		snprintf(where, sizeof(where), "behind byte %zu", len);
		if (len >= EXCHANGE_BUNDLE_HEAD_BYTES)
			assert_non_null(strstr(err.what, where));
	}
	/* all that stands before the end item was taken by then */
	assert_int_equal(whole, 4);
	r = read_stick(&stick);
	assert_int_equal(r.known, 4);
	for (size_t i = 0; i < 4; i++)
		bytes_reset(&frames[i]);
	bytes_reset(&stick);
	worker_close(&far);
}

static void
a_stick_that_is_pulled_out_leaves_what_was_read_with_its_receipts(void **state)
{
	struct worker far;
	struct relay_bundle *b = NULL;
	struct relay_bundle_result r;
	struct bytes stick, frames[2];
	struct error err = { 0 };
	struct heard a;

	(void)state;
	worker_join(&w, "24.1.1", ROLE_COMMUNICATOR, &far);
	fill(&far, 2, &stick, frames);
	assert_int_equal(relay_bundle_start(w.depot, &w.clock, "stick", &r, &b, &err), RC_OK);
	assert_int_equal(relay_bundle_feed(b, stick.data, stick.len - 40), RC_OK);
	relay_bundle_free(b);
	assert_int_equal(world_counts(&w).served, 1);
	worker_sync(&far, NULL, &a);
	assert_int_equal(a.n_lane_receipts, 1);
	heard_reset(&a);
	bytes_reset(&frames[0]);
	bytes_reset(&frames[1]);
	bytes_reset(&stick);
	worker_close(&far);
}

static void
a_stick_of_another_province_or_of_nobody_changes_nothing(void **state)
{
	struct worker far;
	struct bytes stick, frames[1];
	struct relay_bundle_result r;
	struct error err = { 0 };

	(void)state;
	worker_join(&w, "24.1.1", ROLE_COMMUNICATOR, &far);
	fill(&far, 1, &stick, frames);
	stick.data[5] ^= 1;
	assert_int_equal(try_read(stick.data, stick.len, stick.len, &r, &err), RC_DENIED);
	stick.data[5] ^= 1;
	stick.data[2] = 2;
	assert_int_equal(try_read(stick.data, stick.len, stick.len, &r, &err), RC_NEWER);
	stick.data[2] = 1;
	stick.data[0] = 'P';
	assert_int_equal(try_read(stick.data, stick.len, stick.len, &r, &err), RC_FORMAT);
	assert_int_equal(world_counts(&w).served + world_counts(&w).aside, 0);
	assert_int_equal(world_counts(&w).certificates, 0);
	bytes_reset(&frames[0]);
	bytes_reset(&stick);
	worker_close(&far);
}

static void
what_a_strangers_hand_adds_blocks_nothing_and_is_not_served(void **state)
{
	struct worker far, stranger, reader;
	struct bytes stick, good, theirs, bent;
	struct small_province other;
	struct bytes forged = { 0 }, payload = { 0 };
	struct relay_bundle_result r;
	struct heard a;

	(void)state;
	worker_join(&w, "24.1.1", ROLE_COMMUNICATOR, &far);
	worker_join(&w, "24.1.1", ROLE_COMMUNICATOR, &stranger);
	worker_join(&w, "24.1.1", ROLE_COMMUNICATOR, &reader);
	/* another root's word on the next position of our chain */
	small_province_open(&other);
	while (directory_count(other.d) < directory_count(w.province.d)) {
		directory_write_revoke(stranger.device.invitation, "giả", &payload);
		small_province_say(&other, STATEMENT_REVOKE, &payload);
	}
	directory_write_revoke(stranger.device.invitation, "giả", &payload);
	forged = small_province_sign(&other, STATEMENT_REVOKE, &payload);
	start(&stick);
	exchange_put(&stick, ITEM_STATEMENT, forged.data, forged.len);
	exchange_put(&stick, ITEM_CERTIFICATE, "junk", 4);
	exchange_put(&stick, ITEM_RECEIPT, "junk", 4);
	exchange_put(&stick, ITEM_SHARE, "junk", 4);
	exchange_put(&stick, ITEM_SHARE_LIST, "junk", 4);
	exchange_put(&stick, ITEM_KEY, "junk", 4);
	exchange_put(&stick, ITEM_FRAME, "junk", 4);
	theirs = worker_put_frame(&stranger, &stick);	/* nobody has vouched for its author */
	bent = worker_put_frame(&far, &stick);
	stick.data[stick.len - 1] ^= 1;
	put_certificate(&stick, &far);
	good = worker_put_frame(&far, &stick);
	end(&stick);
	r = read_stick(&stick);
	assert_int_equal(r.statements, 0);
	assert_int_equal(r.frames, 1);
	assert_int_equal(r.aside, 3);
	assert_int_equal(directory_count(depot_directory(w.depot)), directory_count(w.province.d));
	worker_sync(&reader, NULL, &a);
	assert_int_equal(a.n_frames, 1);
	assert_true(heard_serves(&a, &good));
	heard_reset(&a);
	/* its certificate makes the stranger one of us */
	bytes_reset(&stick);
	start(&stick);
	put_certificate(&stick, &stranger);
	end(&stick);
	read_stick(&stick);
	assert_int_equal(world_counts(&w).aside, 2);
	assert_int_equal(world_counts(&w).served, 2);
	small_province_close(&other);
	bytes_reset(&forged);
	bytes_reset(&good);
	bytes_reset(&theirs);
	bytes_reset(&bent);
	bytes_reset(&stick);
	worker_close(&far);
	worker_close(&stranger);
	worker_close(&reader);
}

static void
junk_is_set_aside_within_the_limit_of_a_device_and_then_told(void **state)
{
	struct worker far;
	struct bytes stick, junk = { 0 }, good;
	struct relay_bundle_result r;
	struct error err = { 0 };
	size_t size = 4 << 20, n = RELAY_ASIDE_MAX / size + 2;
	uint8_t *room = bytes_room(&junk, size);

	(void)state;
	assert_non_null(room);
	memset(room, 0x55, size);
	junk.len = size;
	worker_join(&w, "24.1.1", ROLE_COMMUNICATOR, &far);
	start(&stick);
	for (size_t i = 0; i < n; i++) {
		junk.data[9] = (uint8_t)i;
		exchange_put(&stick, ITEM_FRAME, junk.data, junk.len);
	}
	put_certificate(&stick, &far);
	good = worker_put_frame(&far, &stick);
	end(&stick);
	assert_int_equal(try_read(stick.data, stick.len, 1 << 20, &r, &err), RC_LIMIT);
	assert_int_equal(world_counts(&w).aside, RELAY_ASIDE_MAX / size);
	assert_int_equal(world_counts(&w).served, 1);
	bytes_reset(&junk);
	bytes_reset(&good);
	bytes_reset(&stick);
	worker_close(&far);
}

static void
a_full_relay_takes_what_has_room_and_confirms_nothing_else(void **state)
{
	struct worker far;
	struct bytes stick, frames[4];
	struct relay_bundle_result r;
	struct error err = { 0 };

	(void)state;
	worker_join(&w, "24.1.1", ROLE_COMMUNICATOR, &far);
	fill(&far, 4, &stick, frames);
	depot_reserve(w.depot, UINT64_MAX / 2);
	assert_int_equal(try_read(stick.data, stick.len, stick.len, &r, &err), RC_FULL);
	assert_int_equal(r.frames + r.aside, 0);
	assert_int_equal(written(NULL, NULL).n_receipted, 0);
	depot_reserve(w.depot, 0);
	/* with room again the same stick completes it */
	assert_int_equal(read_stick(&stick).frames, 4);
	for (size_t i = 0; i < 4; i++)
		bytes_reset(&frames[i]);
	bytes_reset(&stick);
	worker_close(&far);
}

static void
a_relay_that_serves_meanwhile_hands_out_what_the_stick_brought(void **state)
{
	struct depot *mine = w.depot, *other = NULL;
	struct worker far, near;
	struct bytes stick, frames[2], items = { 0 }, theirs;
	struct found f;
	struct heard a;

	(void)state;
	assert_int_equal(depot_open(w.dir, &other, NULL), RC_OK);
	worker_join(&w, "24.1.1", ROLE_COMMUNICATOR, &far);
	worker_join(&w, "24.1.1", ROLE_COMMUNICATOR, &near);
	theirs = worker_put_frame(&near, &items);
	worker_sync(&near, &items, &a);
	heard_reset(&a);
	fill(&far, 2, &stick, frames);
	w.depot = other;	/* another process */
	assert_int_equal(read_stick(&stick).frames, 2);
	f = written(&near, NULL);
	assert_true(names(f.frames, f.n_frames, &theirs));
	w.depot = mine;
	worker_sync(&near, NULL, &a);
	assert_int_equal(a.n_frames, 2);
	heard_reset(&a);
	depot_close(other);
	bytes_reset(&theirs);
	bytes_reset(&items);
	bytes_reset(&frames[0]);
	bytes_reset(&frames[1]);
	bytes_reset(&stick);
	worker_close(&far);
	worker_close(&near);
}

/* ---- what goes ---- */

static void
a_stick_for_everybody_has_all_that_is_served_and_receipts_for_it(void **state)
{
	struct worker far, other;
	struct bytes stick, frames[2], theirs[1], again = { 0 };
	struct found f;
	struct error err = { 0 };

	(void)state;
	worker_join(&w, "24.1.1", ROLE_COMMUNICATOR, &far);
	worker_join(&w, "24.1.2", ROLE_COMMUNICATOR, &other);
	fill(&far, 2, &stick, frames);
	read_stick(&stick);
	bytes_reset(&stick);
	start(&stick);
	put_certificate(&stick, &other);
	theirs[0] = worker_frame(&other, "24.1.2", 0, 1, 1, 100);
	exchange_put(&stick, ITEM_FRAME, theirs[0].data, theirs[0].len);
	exchange_put(&stick, ITEM_FRAME, "junk", 4);
	end(&stick);
	read_stick(&stick);
	f = written(NULL, NULL);
	assert_int_equal(f.items[ITEM_STATEMENT], directory_count(w.province.d));
	assert_int_equal(f.items[ITEM_CERTIFICATE], 2);
	assert_int_equal(f.n_frames, 3);	/* nothing that was set aside */
	assert_true(names(f.receipted, f.n_receipted, &frames[0]));
	assert_true(names(f.receipted, f.n_receipted, &frames[1]));
	assert_true(names(f.receipted, f.n_receipted, &theirs[0]));
	/* the same again is the same bytes: receipts do not pile up where it is read */
	bytes_reset(&stick);
	assert_int_equal(try_write(NULL, NULL, &stick, &err), RC_OK);
	w.now += 1000;
	assert_int_equal(try_write(NULL, NULL, &again, &err), RC_OK);
	assert_int_equal(again.len, stick.len);
	assert_memory_equal(again.data, stick.data, stick.len);
	bytes_reset(&again);
	bytes_reset(&frames[0]);
	bytes_reset(&frames[1]);
	bytes_reset(&theirs[0]);
	bytes_reset(&stick);
	worker_close(&far);
	worker_close(&other);
}

static void
what_was_withdrawn_is_on_no_stick(void **state)
{
	struct worker far;
	struct bytes stick, frames[2];
	struct depot_frame kept;
	uint8_t id[FRAME_ID_BYTES];
	struct found f;

	(void)state;
	worker_join(&w, "24.1.1", ROLE_COMMUNICATOR, &far);
	fill(&far, 2, &stick, frames);
	read_stick(&stick);
	frame_id(frames[0].data, frames[0].len, id);
	assert_int_equal(depot_begin(w.depot), RC_OK);
	assert_int_equal(depot_find_frame(w.depot, id, &kept), RC_OK);
	assert_int_equal(depot_withdraw(w.depot, kept.key), RC_OK);
	assert_int_equal(depot_end(w.depot, depot_drop_frame(w.depot, kept.key)), RC_OK);
	f = written(NULL, NULL);
	assert_int_equal(f.items[ITEM_FRAME], 1);
	assert_true(names(f.frames, f.n_frames, &frames[1]));
	bytes_reset(&frames[0]);
	bytes_reset(&frames[1]);
	bytes_reset(&stick);
	worker_close(&far);
}

static void
a_stick_for_a_device_or_a_unit_has_what_they_may_have(void **state)
{
	struct worker far, other, shut;
	struct bytes stick, mine[1], theirs, none = { 0 }, payload = { 0 };
	struct error err = { 0 };
	struct meeting m;
	struct found f;

	(void)state;
	worker_join(&w, "24.1.1", ROLE_COMMUNICATOR, &far);
	worker_join(&w, "24.1.2", ROLE_COMMUNICATOR, &other);
	worker_join(&w, "24.1.2", ROLE_COMMUNICATOR, &shut);
	fill(&far, 1, &stick, mine);
	read_stick(&stick);
	bytes_reset(&stick);
	start(&stick);
	put_certificate(&stick, &other);
	put_certificate(&stick, &shut);
	theirs = worker_frame(&other, "24.1.2", 0, 1, 1, 100);
	exchange_put(&stick, ITEM_FRAME, theirs.data, theirs.len);
	end(&stick);
	read_stick(&stick);
	f = written(&far, NULL);
	assert_int_equal(f.n_frames, 1);
	assert_true(names(f.frames, f.n_frames, &mine[0]));
	assert_true(names(f.receipted, f.n_receipted, &mine[0]));
	assert_false(names(f.receipted, f.n_receipted, &theirs));
	f = written(NULL, "24.1.2");
	assert_int_equal(f.n_frames, 1);
	assert_true(names(f.frames, f.n_frames, &theirs));
	assert_int_equal(try_write(NULL, "24.2.1", &none, &err), RC_NOTFOUND);
	/* who was shut out gets nothing, by stick as little as over the network */
	directory_write_retire(shut.device.identity.device, "mất máy", NULL, 0, &payload);
	small_province_say(&w.province, STATEMENT_RETIRE, &payload);
	assert_int_equal(world_exchange(&w, NULL, &m), RC_OK);
	meeting_reset(&m);
	error_clear(&err);
	assert_int_equal(try_write(&shut, NULL, &none, &err), RC_DENIED);
	assert_int_equal(none.len, 0);
	bytes_reset(&none);
	bytes_reset(&mine[0]);
	bytes_reset(&theirs);
	bytes_reset(&stick);
	worker_close(&far);
	worker_close(&other);
	worker_close(&shut);
}

#define TEST(f) cmocka_unit_test_prestate_setup_teardown(f, world_set_up, world_tear_down, &w)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(what_a_stick_brings_is_served_and_its_author_finds_receipts),
		TEST(a_stick_that_is_read_twice_changes_nothing),
		TEST(a_stick_that_is_cut_anywhere_gives_what_is_whole_and_says_where_it_ends),
		TEST(a_stick_that_is_pulled_out_leaves_what_was_read_with_its_receipts),
		TEST(a_stick_of_another_province_or_of_nobody_changes_nothing),
		TEST(what_a_strangers_hand_adds_blocks_nothing_and_is_not_served),
		TEST(junk_is_set_aside_within_the_limit_of_a_device_and_then_told),
		TEST(a_full_relay_takes_what_has_room_and_confirms_nothing_else),
		TEST(a_relay_that_serves_meanwhile_hands_out_what_the_stick_brought),
		TEST(a_stick_for_everybody_has_all_that_is_served_and_receipts_for_it),
		TEST(what_was_withdrawn_is_on_no_stick),
		TEST(a_stick_for_a_device_or_a_unit_has_what_they_may_have),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
