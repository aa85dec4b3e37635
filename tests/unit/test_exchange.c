#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "shared/sync/exchange.h"
#include "shared/sync/seal.h"
#include "shared/vault/secret.h"

/* What a stream handed out, one after the other. */
struct seen {
	struct bytes all;	/* type, length as u32, payload */
	size_t n;
	enum rc answer;		/* given back to the stream */
};

static enum rc
note(void *ctx, enum item_type type, const uint8_t *payload, size_t len)
{
	struct seen *seen = ctx;

	seen->n++;
	bytes_u8(&seen->all, (uint8_t)type);
	bytes_u32(&seen->all, (uint32_t)len);
	bytes_put(&seen->all, payload, len);
	return seen->answer;
}

static void
seen_reset(struct seen *seen)
{
	bytes_reset(&seen->all);
	memset(seen, 0, sizeof(*seen));
}

static enum rc
feed_text(const char *text, struct seen *seen)
{
	struct exchange_stream s;
	enum rc rc;

	exchange_stream_init(&s, note, seen);
	rc = exchange_stream_feed(&s, text, strlen(text));
	exchange_stream_reset(&s);
	return rc;
}

static struct secret *
a_seed(uint8_t public_key[32])
{
	struct secret *seed = NULL;

	assert_int_equal(secret_random(32, &seed), RC_OK);
	assert_int_equal(seal_sign_keys(seed, public_key), RC_OK);
	return seed;
}

static struct bytes
three_items(void)
{
	uint8_t big[300];
	struct bytes b;

	memset(big, 7, sizeof(big));
	bytes_init(&b);
	exchange_put(&b, ITEM_STATEMENT, "abc", 3);
	exchange_put(&b, ITEM_FRAME, big, sizeof(big));
	exchange_put(&b, (enum item_type)200, "later", 5);
	exchange_put(&b, ITEM_CERTIFICATE, "", 0);
	exchange_put(&b, ITEM_END, "", 0);
	assert_int_equal(b.rc, RC_OK);
	return b;
}

static void
gives_the_same_items_for_every_way_of_cutting(void **state)
{
	struct bytes b = three_items();
	struct seen whole = { 0 }, parts = { 0 };
	struct exchange_stream s;

	(void)state;
	exchange_stream_init(&s, note, &whole);
	assert_int_equal(exchange_stream_feed(&s, b.data, b.len), RC_OK);
	assert_true(s.ended);
	exchange_stream_reset(&s);
	assert_int_equal(whole.n, 4);
	for (size_t step = 1; step < b.len; step++) {
		exchange_stream_init(&s, note, &parts);
		for (size_t at = 0; at < b.len; at += step) {
			size_t n = b.len - at < step ? b.len - at : step;

			assert_int_equal(exchange_stream_feed(&s, b.data + at, n), RC_OK);
		}
		assert_true(s.ended);
		assert_int_equal(s.total, b.len);
		exchange_stream_reset(&s);
		assert_int_equal(parts.all.len, whole.all.len);
		assert_memory_equal(parts.all.data, whole.all.data, whole.all.len);
		seen_reset(&parts);
	}
	seen_reset(&whole);
	bytes_reset(&b);
}

static void
hands_out_what_came_whole_when_cut(void **state)
{
	struct bytes b = three_items();
	struct exchange_stream s;
	struct seen seen = { 0 };

	(void)state;
	for (size_t cut = 0; cut < b.len; cut++) {
		exchange_stream_init(&s, note, &seen);
		assert_int_equal(exchange_stream_feed(&s, b.data, cut), RC_OK);
		assert_false(s.ended);
		exchange_stream_reset(&s);
		assert_int_equal(seen.n, (size_t)(cut >= 5) + (cut >= 308) + (cut >= 317));
		seen_reset(&seen);
	}
	bytes_reset(&b);
}

static void
refuses_a_web_page_at_its_first_byte(void **state)
{
	struct seen seen = { 0 };

	(void)state;
	assert_int_equal(feed_text("<", &seen), RC_PROTOCOL);
	assert_int_equal(feed_text("HTTP", &seen), RC_PROTOCOL);
	assert_int_equal(seen.n, 0);
}

static void
refuses_an_item_over_its_limit_before_it_comes(void **state)
{
	static const uint8_t certificate[] = { ITEM_CERTIFICATE, 0xb1, 0x09 };	/* 1201 */
	static const uint8_t frame[] = { ITEM_FRAME, 0xff, 0xff, 0xff, 0x02 };
	static const uint8_t endless[] = { ITEM_FRAME, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80,
		0x80, 0x80 };
	struct seen seen = { 0 };
	struct exchange_stream s;

	(void)state;
	exchange_stream_init(&s, note, &seen);
	assert_int_equal(exchange_stream_feed(&s, certificate, sizeof(certificate)), RC_PROTOCOL);
	exchange_stream_reset(&s);
	exchange_stream_init(&s, note, &seen);
	assert_int_equal(exchange_stream_feed(&s, frame, sizeof(frame)), RC_PROTOCOL);
	exchange_stream_reset(&s);
	exchange_stream_init(&s, note, &seen);
	assert_int_equal(exchange_stream_feed(&s, endless, sizeof(endless)), RC_PROTOCOL);
	exchange_stream_reset(&s);
}

static void
refuses_anything_after_the_end(void **state)
{
	struct bytes b = three_items();
	struct exchange_stream s;
	struct seen seen = { 0 };

	(void)state;
	exchange_put(&b, ITEM_STATEMENT, "x", 1);
	exchange_stream_init(&s, note, &seen);
	assert_int_equal(exchange_stream_feed(&s, b.data, b.len), RC_PROTOCOL);
	assert_int_equal(seen.n, 4);
	exchange_stream_reset(&s);
	seen_reset(&seen);
	bytes_reset(&b);
}

static void
stays_stopped_by_what_its_reader_said(void **state)
{
	struct bytes b = three_items();
	struct exchange_stream s;
	struct seen seen = { .answer = RC_FULL };

	(void)state;
	exchange_stream_init(&s, note, &seen);
	assert_int_equal(exchange_stream_feed(&s, b.data, b.len), RC_FULL);
	assert_int_equal(exchange_stream_feed(&s, b.data, b.len), RC_FULL);
	assert_int_equal(seen.n, 1);
	exchange_stream_reset(&s);
	seen_reset(&seen);
	bytes_reset(&b);
}

static void
ends_a_message_without_end(void **state)
{
	uint8_t *chunk = calloc(1, 1 << 20);
	static const uint8_t head[] = { 200, 0x80, 0x80, 0x40 };	/* 1 MiB to be skipped */
	struct exchange_stream s;
	struct seen seen = { 0 };
	enum rc rc = RC_OK;
	size_t fed = 0;

	(void)state;
	assert_non_null(chunk);
	exchange_stream_init(&s, note, &seen);
	while (rc == RC_OK && fed < 2 * (size_t)EXCHANGE_BODY_MAX) {
		rc = exchange_stream_feed(&s, head, sizeof(head));
		if (rc == RC_OK)
			rc = exchange_stream_feed(&s, chunk, 1 << 20);
		fed += 1 << 20;
	}
	assert_int_equal(rc, RC_LIMIT);
	assert_int_equal(seen.n, 0);
	exchange_stream_reset(&s);
	free(chunk);
}

static void
carries_a_hello(void **state)
{
	static char lane0[] = "f0XA.01", lane1[] = "cXA";
	struct exchange_behind behind[] = { { lane0, 77 }, { lane1, 0 } };
	uint8_t offered[2][FRAME_ID_BYTES] = { { 9, 9 }, { 8 } };
	struct hello in = { .directory_seq = 12, .position = 1u << 20, .behind = behind,
		.n_behind = 2, .offered = offered, .n_offered = 2, .down_max = 65536 }, out;
	uint8_t key[32];
	struct secret *seed = a_seed(key);
	struct bytes b;

	(void)state;
	memset(in.province, 1, sizeof(in.province));
	memset(in.device, 2, sizeof(in.device));
	memset(in.generation, 3, sizeof(in.generation));
	memset(in.nonce, 4, sizeof(in.nonce));
	memset(in.directory_head, 5, sizeof(in.directory_head));
	memset(in.lanes_digest, 6, sizeof(in.lanes_digest));
	bytes_init(&b);
	assert_int_equal(exchange_hello_write(&in, seed, &b), RC_OK);
	assert_int_equal(exchange_hello_verify(b.data, b.len, key), RC_OK);
	assert_int_equal(exchange_hello_read(b.data, b.len, &out), RC_OK);
	assert_memory_equal(out.province, in.province, 8);
	assert_memory_equal(out.device, in.device, 16);
	assert_memory_equal(out.generation, in.generation, 16);
	assert_memory_equal(out.nonce, in.nonce, 16);
	assert_memory_equal(out.directory_head, in.directory_head, 16);
	assert_memory_equal(out.lanes_digest, in.lanes_digest, 16);
	assert_int_equal(out.directory_seq, 12);
	assert_int_equal(out.position, 1u << 20);
	assert_int_equal(out.down_max, 65536);
	assert_int_equal(out.n_behind, 2);
	assert_string_equal(out.behind[0].lane, "f0XA.01");
	assert_int_equal(out.behind[0].position, 77);
	assert_string_equal(out.behind[1].lane, "cXA");
	assert_int_equal(out.n_offered, 2);
	assert_memory_equal(out.offered, offered, sizeof(offered));
	exchange_hello_reset(&out);

	for (size_t cut = 0; cut < b.len; cut++) {
		assert_int_not_equal(exchange_hello_read(b.data, cut, &out), RC_OK);
		assert_null(out.behind);
	}
	for (size_t i = 0; i < b.len; i++) {
		b.data[i] ^= 1;
		assert_int_equal(exchange_hello_verify(b.data, b.len, key), RC_AUTH);
		b.data[i] ^= 1;
	}
	bytes_reset(&b);
	secret_free(seed);
}

/* Its bytes are what every idle sync costs, so growth must be noticed. */
static void
idle_hello_and_welcome_stay_small(void **state)
{
	struct hello h = { .directory_seq = 100, .position = 50000, .down_max = 4 << 20 };
	struct welcome w = { .now = 1800000000, .directory_seq = 100 };
	uint8_t key[32];
	struct secret *seed = a_seed(key);
	struct bytes b;

	(void)state;
	bytes_init(&b);
	assert_int_equal(exchange_hello_write(&h, seed, &b), RC_OK);
	assert_int_equal(b.len, 1 + 8 + 16 + 16 + 16 + 1 + 16 + 3 + 16 + 1 + 1 + 4 + 64);
	assert_int_equal(exchange_welcome_write(&w, seed, &b), RC_OK);
	assert_int_equal(b.len, 1 + 1 + 16 + 16 + 1 + 16 + 5 + 16 + 1 + 16 + 1 + 1 + 16 + 64);
	bytes_reset(&b);
	secret_free(seed);
}

static void
refuses_counts_that_the_bytes_cannot_hold(void **state)
{
	struct hello in = { 0 }, out;
	uint8_t key[32];
	struct secret *seed = a_seed(key);
	struct bytes b;
	size_t at = 1 + 8 + 16 + 16 + 16 + 1 + 16 + 1 + 16;	/* number of lanes behind */

	(void)state;
	bytes_init(&b);
	assert_int_equal(exchange_hello_write(&in, seed, &b), RC_OK);
	b.data[at] = 100;
	assert_int_equal(exchange_hello_read(b.data, b.len, &out), RC_FORMAT);
	b.data[at] = 0;
	b.data[at + 1] = 100;	/* frames offered */
	assert_int_equal(exchange_hello_read(b.data, b.len, &out), RC_FORMAT);
	b.data[at + 1] = 0;
	b.data[0] = 2;
	assert_int_equal(exchange_hello_read(b.data, b.len, &out), RC_NEWER);
	b.data[0] = 0;
	assert_int_equal(exchange_hello_read(b.data, b.len, &out), RC_FORMAT);
	in.n_offered = EXCHANGE_OFFERED_MAX + 1;
	assert_int_equal(exchange_hello_write(&in, seed, &b), RC_LIMIT);
	bytes_reset(&b);
	secret_free(seed);
}

static void
carries_a_welcome(void **state)
{
	struct welcome in = { .status = STATUS_RETIRED, .directory_seq = 3, .now = -5,
		.quarantined = 200 }, out;
	uint8_t key[32];
	struct secret *seed = a_seed(key);
	struct bytes b;

	(void)state;
	memset(in.generation, 1, 16);
	memset(in.nonce, 2, 16);
	memset(in.directory_head, 3, 16);
	memset(in.request, 4, 16);
	memset(in.relay, 5, 16);
	bytes_init(&b);
	assert_int_equal(exchange_welcome_write(&in, seed, &b), RC_OK);
	assert_int_equal(exchange_welcome_read(b.data, b.len, &out), RC_OK);
	assert_memory_equal(&in.generation, &out.generation, 16);
	assert_memory_equal(&in.nonce, &out.nonce, 16);
	assert_memory_equal(&in.directory_head, &out.directory_head, 16);
	assert_memory_equal(&in.request, &out.request, 16);
	assert_memory_equal(&in.relay, &out.relay, 16);
	assert_int_equal(out.status, STATUS_RETIRED);
	assert_int_equal(out.directory_seq, 3);
	assert_int_equal(out.now, -5);
	assert_int_equal(out.quarantined, 200);
	assert_int_equal(exchange_welcome_verify(b.data, b.len, key), RC_OK);
	/* a hello's signature is not a welcome's */
	assert_int_equal(exchange_hello_verify(b.data, b.len, key), RC_AUTH);
	for (size_t cut = 0; cut < b.len; cut++)
		assert_int_equal(exchange_welcome_read(b.data, cut, &out), RC_FORMAT);
	b.data[1] = 99;
	assert_int_equal(exchange_welcome_read(b.data, b.len, &out), RC_NEWER);
	bytes_reset(&b);
	secret_free(seed);
}

static void
carries_a_stored_receipt(void **state)
{
	uint8_t ids[3][FRAME_ID_BYTES];
	struct receipt in = { .kind = RECEIPT_STORED, .at = 1790000000, .frames = ids,
		.n_frames = 3 }, out;
	uint8_t key[32], other[32];
	struct secret *seed = a_seed(key), *stranger = a_seed(other);
	struct bytes b;

	(void)state;
	for (int i = 0; i < 3; i++)
		memset(ids[i], i + 1, sizeof(ids[i]));
	memset(in.signer, 8, 16);
	memset(in.device, 9, 16);
	bytes_init(&b);
	assert_int_equal(exchange_receipt_write(&in, seed, &b), RC_OK);
	assert_int_equal(exchange_receipt_verify(b.data, b.len, key), RC_OK);
	assert_int_equal(exchange_receipt_verify(b.data, b.len, other), RC_AUTH);
	assert_int_equal(exchange_receipt_read(b.data, b.len, &out), RC_OK);
	assert_int_equal(out.kind, RECEIPT_STORED);
	assert_int_equal(out.at, 1790000000);
	assert_int_equal(out.n_frames, 3);
	assert_memory_equal(out.frames, ids, sizeof(ids));
	assert_memory_equal(out.signer, in.signer, 16);
	assert_memory_equal(out.device, in.device, 16);
	exchange_receipt_reset(&out);
	for (size_t cut = 0; cut < b.len; cut++)
		assert_int_not_equal(exchange_receipt_read(b.data, cut, &out), RC_OK);
	bytes_reset(&b);
	secret_free(seed);
	secret_free(stranger);
}

static void
carries_a_held_receipt(void **state)
{
	struct exchange_head tips[] = { { 5, 10, { 1 } }, { 6, 1, { 2 } } };
	struct receipt_scope scopes[] = {
		{ .unit = "XA1", .compartment = 0, .tips = tips, .n_tips = 2 },
		{ .unit = "XA1", .compartment = 1, .tips = NULL, .n_tips = 0 },
	};
	struct receipt in = { .kind = RECEIPT_HELD, .at = 4, .scopes = scopes, .n_scopes = 2 }, out;
	uint8_t key[32];
	struct secret *seed = a_seed(key);
	struct bytes b;

	(void)state;
	bytes_init(&b);
	assert_int_equal(exchange_receipt_write(&in, seed, &b), RC_OK);
	assert_int_equal(exchange_receipt_read(b.data, b.len, &out), RC_OK);
	assert_int_equal(out.n_scopes, 2);
	assert_string_equal(out.scopes[0].unit, "XA1");
	assert_int_equal(out.scopes[0].n_tips, 2);
	assert_int_equal(out.scopes[0].tips[1].n, 1);
	assert_int_equal(out.scopes[1].compartment, 1);
	assert_int_equal(out.scopes[1].n_tips, 0);
	exchange_receipt_reset(&out);
	for (size_t cut = 0; cut < b.len; cut++)
		assert_int_not_equal(exchange_receipt_read(b.data, cut, &out), RC_OK);
	b.data[0] = 3;
	assert_int_equal(exchange_receipt_read(b.data, b.len, &out), RC_NEWER);
	bytes_reset(&b);
	secret_free(seed);
}

static void
reads_where_an_item_stands_in_the_sequence(void **state)
{
	static const uint8_t end[] = { 0xac, 0x02, 1 }, frame[] = { 0xac, 0x02, 'F', 'F' };
	static const uint8_t lane[] = { 5, ITEM_RECEIPT, 'r' }, hello[] = { 5, ITEM_HELLO, 'r' };
	static const uint8_t later[] = { 5, 200, 'r' };
	const uint8_t *inner;
	enum item_type type;
	uint64_t position;
	size_t len;
	bool more;

	(void)state;
	assert_int_equal(exchange_end_read(end, sizeof(end), &position, &more), RC_OK);
	assert_true(more);
	assert_int_equal(position, 300);
	assert_int_equal(exchange_frame_down_read(frame, sizeof(frame), &position, &inner, &len), RC_OK);
	assert_int_equal(position, 300);
	assert_int_equal(len, 2);
	assert_memory_equal(inner, "FF", 2);
	assert_int_equal(exchange_lane_read(lane, sizeof(lane), &position, &type, &inner, &len), RC_OK);
	assert_int_equal(position, 5);
	assert_int_equal(type, ITEM_RECEIPT);
	assert_int_equal(len, 1);
	assert_int_equal(exchange_lane_read(hello, sizeof(hello), &position, &type, &inner, &len), RC_FORMAT);
	assert_int_equal(exchange_lane_read(later, sizeof(later), &position, &type, &inner, &len), RC_NEWER);
	assert_int_equal(position, 5);
	for (size_t n = 0; n < sizeof(end); n++)
		assert_int_equal(exchange_end_read(end, n, &position, &more), RC_FORMAT);
	for (size_t n = 0; n < 3; n++)
		assert_int_equal(exchange_frame_down_read(frame, n, &position, &inner, &len), RC_FORMAT);
	for (size_t n = 0; n < 2; n++)
		assert_int_equal(exchange_lane_read(lane, n, &position, &type, &inner, &len), RC_FORMAT);
}

/*
 * From another program: 8 "ww"; a frame "FF" at 300; a receipt "r" at 301; the end.  Checks are BLAKE2b of
 * 4 bytes over "field-message-1", all that is before, the type, and the payload before the check.
 */
static const uint8_t REPLY[] = {
	8, 2, 'w', 'w', 3, 8, 0xac, 0x02, 'F', 'F', 0x95, 0x00, 0xe5, 0x20,
	10, 8, 0xad, 0x02, 7, 'r', 0x21, 0xaf, 0x27, 0x4b, 9, 7, 0xad, 0x02, 1, 0x81, 0x5a, 0x32, 0xaf
};
static const uint8_t REQUEST[] = { 1, 2, 'h', 'h', 9, 4, 0x34, 0x34, 0x3c, 0x94 };
enum { FRAME_AT = 4, LANE_AT = 14, END_AT = 24 };	/* in the reply */

static enum rc
feed_way(enum exchange_way way, const uint8_t *p, size_t len, struct seen *seen, bool *whole)
{
	struct exchange_stream s;
	enum rc rc;

	exchange_stream_init(&s, note, seen);
	s.way = way;
	rc = exchange_stream_feed(&s, p, len);
	*whole = rc == RC_OK && s.ended && !s.damaged;
	exchange_stream_reset(&s);
	return rc;
}

static void
a_check_covers_all_that_is_before_it(void **state)
{
	struct bytes b = { 0 }, drained = { 0 };
	struct exchange_sum sum;
	struct seen seen = { 0 };
	bool whole;

	(void)state;
	exchange_put(&b, ITEM_WELCOME, "ww", 2);
	exchange_put_down(&b, NULL, 300, ITEM_FRAME, "FF", 2);
	exchange_put_down(&b, NULL, 301, ITEM_RECEIPT, "r", 1);
	exchange_put_end_down(&b, NULL, 301, true);
	assert_int_equal(b.len, sizeof(REPLY));
	assert_memory_equal(b.data, REPLY, sizeof(REPLY));
	/* the same from a buffer that is emptied on the way */
	exchange_sum_init(&sum);
	exchange_put(&drained, ITEM_WELCOME, "ww", 2);
	exchange_put_down(&drained, &sum, 300, ITEM_FRAME, "FF", 2);
	assert_memory_equal(drained.data, REPLY, LANE_AT);
	exchange_sum_take(&sum, &drained);
	drained.len = 0;
	exchange_put_down(&drained, &sum, 301, ITEM_RECEIPT, "r", 1);
	exchange_sum_take(&sum, &drained);
	drained.len = 0;
	exchange_put_end_down(&drained, &sum, 301, true);
	assert_int_equal(drained.len, sizeof(REPLY) - END_AT);
	assert_memory_equal(drained.data, REPLY + END_AT, drained.len);
	b.len = 0;
	exchange_put(&b, ITEM_HELLO, "hh", 2);
	exchange_put_end_up(&b);
	assert_int_equal(b.len, sizeof(REQUEST));
	assert_memory_equal(b.data, REQUEST, sizeof(REQUEST));
	assert_int_equal(feed_way(EXCHANGE_DOWN, REPLY, sizeof(REPLY), &seen, &whole), RC_OK);
	assert_true(whole);
	assert_int_equal(seen.n, 4);
	seen_reset(&seen);
	assert_int_equal(feed_way(EXCHANGE_UP, REQUEST, sizeof(REQUEST), &seen, &whole), RC_OK);
	assert_true(whole);
	assert_int_equal(seen.n, 2);
	seen_reset(&seen);
	bytes_reset(&b);
	bytes_reset(&drained);
}

static void
a_reply_with_a_bit_turned_moves_no_cursor_past_it(void **state)
{
	static const size_t starts[] = { FRAME_AT, LANE_AT, END_AT, sizeof(REPLY) };
	struct seen seen = { 0 };
	uint8_t copy[sizeof(REPLY)];
	size_t before;
	bool whole;

	(void)state;
	for (size_t bit = 0; bit < 8 * sizeof(REPLY); bit++) {
		memcpy(copy, REPLY, sizeof(REPLY));
		copy[bit / 8] ^= (uint8_t)(1 << bit % 8);
		for (before = 0; starts[before] <= bit / 8; before++)
			;
		(void)!feed_way(EXCHANGE_DOWN, copy, sizeof(copy), &seen, &whole);
		assert_false(whole);
		/* what is turned may be handed out as something else, and nothing behind it */
		assert_true(seen.n <= before + 1);
		seen_reset(&seen);
	}
}

static void
a_request_with_a_bit_turned_does_not_end_well(void **state)
{
	struct seen seen = { 0 };
	uint8_t copy[sizeof(REQUEST)];
	bool whole;

	(void)state;
	for (size_t bit = 0; bit < 8 * sizeof(REQUEST); bit++) {
		memcpy(copy, REQUEST, sizeof(REQUEST));
		copy[bit / 8] ^= (uint8_t)(1 << bit % 8);
		(void)!feed_way(EXCHANGE_UP, copy, sizeof(copy), &seen, &whole);
		assert_false(whole);
		seen_reset(&seen);
	}
}

static int
setup(void **state)
{
	(void)state;
	return secret_start() == RC_OK ? 0 : -1;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(gives_the_same_items_for_every_way_of_cutting, setup),
		cmocka_unit_test(hands_out_what_came_whole_when_cut),
		cmocka_unit_test(refuses_a_web_page_at_its_first_byte),
		cmocka_unit_test(refuses_an_item_over_its_limit_before_it_comes),
		cmocka_unit_test(refuses_anything_after_the_end),
		cmocka_unit_test(stays_stopped_by_what_its_reader_said),
		cmocka_unit_test(ends_a_message_without_end),
		cmocka_unit_test(carries_a_hello),
		cmocka_unit_test(idle_hello_and_welcome_stay_small),
		cmocka_unit_test(refuses_counts_that_the_bytes_cannot_hold),
		cmocka_unit_test(carries_a_welcome),
		cmocka_unit_test(carries_a_stored_receipt),
		cmocka_unit_test(carries_a_held_receipt),
		cmocka_unit_test(reads_where_an_item_stands_in_the_sequence),
		cmocka_unit_test(a_check_covers_all_that_is_before_it),
		cmocka_unit_test(a_reply_with_a_bit_turned_moves_no_cursor_past_it),
		cmocka_unit_test(a_request_with_a_bit_turned_does_not_end_well),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
