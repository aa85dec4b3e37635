#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "shared/sync/cargo_columns.h"
#include "shared/sync/exchange.h"
#include "shared/sync/frame.h"
#include "shared/sync/seal.h"
#include "shared/vault/secret.h"
#include "tests/support/vectors.h"

/*
 * tests/vectors/cargo.hex: entries, cargo, frames, messages and a bundle that a writer in Python made
 * from schema/formats.md alone (make_cargo.py).  All of it is read, and written again to the same bytes
 * where nothing random is in it.  Directory, certificates and invitations: test_directory, test_identity.
 */
#define V "cargo"

enum { ENTRIES = 7, HOLLOW = 4, REDACTED = 1, OF_LOG_A = 5 };

static const uint64_t LOG_A = 0x1122334455667788, LOG_B = 0x0102030405060708;

static void
ranges_of(struct cargo_log logs[2])
{
	memset(logs, 0, 2 * sizeof(*logs));
	logs[0].log = LOG_A;
	logs[0].first = 1;
	logs[0].count = 5;
	logs[1].log = LOG_B;
	logs[1].first = 5;
	logs[1].count = 2;
}

static struct bytes
numbered(const char *name, size_t i)
{
	char key[32];

	snprintf(key, sizeof(key), "%s_%zu", name, i);
	return vectors_get(V, key);
}

static struct dot
place(size_t i)
{
	return (struct dot){ i < OF_LOG_A ? LOG_A : LOG_B, i < OF_LOG_A ? i + 1 : i };
}

static void
assert_bytes(const struct bytes *got, const char *name)
{
	struct bytes want = vectors_get(V, name);

	assert_int_equal(got->rc, RC_OK);
	assert_int_equal(got->len, want.len);
	assert_memory_equal(got->data, want.data, want.len);
	bytes_reset(&want);
}

static void
bodies_are_read_and_written(void **state)
{
	struct bytes body, again = { 0 };
	struct entry e;

	(void)state;
	for (size_t i = 0; i < ENTRIES; i++) {
		if (i == HOLLOW)
			continue;
		body = numbered("body", i);
		assert_int_equal(entry_decode(body.data, body.len, place(i), &e), RC_OK);
		again.len = 0;
		assert_int_equal(entry_encode(&e, &again), RC_OK);
		assert_int_equal(again.len, body.len);
		assert_memory_equal(again.data, body.data, body.len);
		entry_reset(&e);
		bytes_reset(&body);
	}
	bytes_reset(&again);
}

/* Each entry of a decoded cargo is the body of the vectors; `erased`: log A is keyless. */
static void
assert_cargo(const struct cargo *c, bool erased)
{
	struct bytes body = { 0 }, want;

	assert_int_equal(c->n_entries, ENTRIES);
	for (size_t i = 0; i < ENTRIES; i++) {
		const struct cargo_entry *ce = &c->entries[i];

		assert_int_equal(ce->hollow, i == HOLLOW);
		if (ce->hollow)
			continue;
		assert_int_equal(ce->redacted, erased && i == REDACTED);
		body.len = 0;
		assert_int_equal(entry_encode(&ce->entry, &body), RC_OK);
		want = erased && i == REDACTED ? vectors_get(V, "body_erased_1") : numbered("body", i);
		assert_int_equal(body.len, want.len);
		assert_memory_equal(body.data, want.data, want.len);
		bytes_reset(&want);
	}
	bytes_reset(&body);
}

/* The heads behind the ranges come out; where a tag stands in for a body it is in the entry. */
static void
assert_chain(const struct cargo *c)
{
	uint8_t head[ENTRY_HEAD_BYTES], tag[ENTRY_TAG_BYTES], want[ENTRY_TAG_BYTES], device[16];
	struct bytes body = { 0 }, end;
	size_t at = 0;
	char key[16];

	vectors_copy(V, "device", device, sizeof(device));
	for (size_t r = 0; r < 2; r++) {
		end = numbered("before", r);
		memcpy(head, end.data, sizeof(head));
		bytes_reset(&end);
		if (r == 0) {
			uint8_t first[ENTRY_HEAD_BYTES];

			entry_chain_start(LOG_A, device, "24.001", 1, c->logs[0].tips, c->logs[0].n_tips, first);
			assert_memory_equal(first, head, sizeof(head));
		}
		for (uint64_t k = 0; k < c->logs[r].count; k++, at++) {
			const struct cargo_entry *ce = &c->entries[at];
			uint64_t n = c->logs[r].first + k;

			body.len = 0;
			if (!ce->hollow)
				assert_int_equal(entry_encode(&ce->entry, &body), RC_OK);
			if (ce->hollow || ce->redacted)
				memcpy(tag, ce->tag, sizeof(tag));
			else if (c->logs[r].keyless)
				entry_tag_by(ce->key, body.data, body.len, tag);
			else
				entry_tag(c->logs[r].key, n, body.data, body.len, tag);
			snprintf(key, sizeof(key), "tag_%zu", at);
			vectors_copy(V, key, want, sizeof(want));
			assert_memory_equal(tag, want, sizeof(tag));
			entry_chain_next(head, n, tag);
		}
		end = numbered("after", r);
		assert_memory_equal(head, end.data, sizeof(head));
		bytes_reset(&end);
	}
	bytes_reset(&body);
}

static void
check_cargo(const char *name, const char *raw_name, bool erased)
{
	struct bytes cargo = vectors_get(V, name), raw = { 0 }, again = { 0 };
	struct cargo_log logs[2];
	struct cargo c, back;

	ranges_of(logs);
	assert_int_equal(cargo_decode(cargo.data, cargo.len, logs, 2, &c), RC_OK);
	assert_int_equal(c.logs[0].keyless, erased);
	assert_cargo(&c, erased);
	assert_chain(&c);
	/* the columns are the very same; deflate may choose otherwise */
	assert_int_equal(cargo_columns_write(c.logs, 2, c.entries, c.n_entries, &raw), RC_OK);
	assert_bytes(&raw, raw_name);
	assert_int_equal(cargo_encode(c.logs, 2, c.entries, c.n_entries, &again), RC_OK);
	assert_int_equal(cargo_decode(again.data, again.len, logs, 2, &back), RC_OK);
	assert_cargo(&back, erased);
	cargo_reset(&back);
	cargo_reset(&c);
	bytes_reset(&cargo);
	bytes_reset(&raw);
	bytes_reset(&again);
}

static void
cargo_is_read_and_written(void **state)
{
	(void)state;
	check_cargo("cargo", "raw", false);
	check_cargo("cargo_bare", "raw", false);
}

static void
cargo_of_a_keyless_log_is_read_and_written(void **state)
{
	struct bytes cargo = vectors_get(V, "cargo_keyless");
	struct cargo_log logs[2];
	uint8_t key[ENTRY_KEY_BYTES];
	struct cargo c;

	(void)state;
	check_cargo("cargo_keyless", "raw_keyless", true);
	ranges_of(logs);
	assert_int_equal(cargo_decode(cargo.data, cargo.len, logs, 2, &c), RC_OK);
	vectors_copy(V, "key_0", key, sizeof(key));
	assert_memory_equal(c.entries[0].key, key, sizeof(key));
	assert_false(c.logs[1].keyless);
	cargo_reset(&c);
	bytes_reset(&cargo);
}

static void
check_frame(const char *name, const char *cargo_name, enum frame_kind kind, const char *signer)
{
	struct bytes f = vectors_get(V, name), cargo = { 0 };
	struct secret *seed = vectors_secret("sync", signer), *scope = vectors_secret("sync", "scope_key");
	uint8_t sign_public[32], scope_public[32];
	struct frame_header h;

	assert_int_equal(seal_sign_keys(seed, sign_public), RC_OK);
	assert_int_equal(seal_box_keys(scope, scope_public), RC_OK);
	assert_int_equal(frame_read(f.data, f.len, &h), RC_OK);
	assert_int_equal(h.kind, kind);
	assert_int_equal(h.n_ranges, 2);
	assert_int_equal(h.n_entries, ENTRIES);
	assert_int_equal(frame_verify(&h, f.data, f.len, sign_public), RC_OK);
	assert_int_equal(frame_open(&h, f.data, f.len, scope_public, scope, &cargo), RC_OK);
	assert_bytes(&cargo, cargo_name);
	frame_header_reset(&h);
	secret_free(seed);
	secret_free(scope);
	bytes_reset(&cargo);
	bytes_reset(&f);
}

static void
frames_of_authors_and_of_the_authority_are_opened(void **state)
{
	(void)state;
	check_frame("frame", "cargo", FRAME_BY_AUTHOR, "device_seed");
	check_frame("frame_resealed", "cargo_keyless", FRAME_RESEALED, "root_seed");
}

static void
items_of_messages_are_read_and_written(void **state)
{
	struct secret *dev = vectors_secret("sync", "device_seed"), *relay = vectors_secret(V, "relay_seed");
	struct bytes v, again = { 0 };
	struct welcome w;
	struct hello h;
	struct receipt r;
	uint8_t key[32];

	(void)state;
	v = vectors_get(V, "hello");
	assert_int_equal(exchange_hello_read(v.data, v.len, &h), RC_OK);
	assert_int_equal(seal_sign_keys(dev, key), RC_OK);
	assert_int_equal(exchange_hello_verify(v.data, v.len, key), RC_OK);
	assert_int_equal(exchange_hello_write(&h, dev, &again), RC_OK);
	assert_bytes(&again, "hello");
	assert_int_equal(h.position, 1000);
	assert_string_equal(h.behind[0].lane, "f124.001");
	exchange_hello_reset(&h);
	bytes_reset(&v);
	v = vectors_get(V, "welcome");
	assert_int_equal(exchange_welcome_read(v.data, v.len, &w), RC_OK);
	assert_int_equal(seal_sign_keys(relay, key), RC_OK);
	assert_int_equal(exchange_welcome_verify(v.data, v.len, key), RC_OK);
	again.len = 0;
	assert_int_equal(exchange_welcome_write(&w, relay, &again), RC_OK);
	assert_bytes(&again, "welcome");
	bytes_reset(&v);
	for (size_t i = 0; i < 2; i++) {
		v = vectors_get(V, i == 0 ? "stored" : "held");
		assert_int_equal(exchange_receipt_read(v.data, v.len, &r), RC_OK);
		assert_int_equal(exchange_receipt_verify(v.data, v.len, key), RC_OK);
		again.len = 0;
		assert_int_equal(exchange_receipt_write(&r, relay, &again), RC_OK);
		assert_bytes(&again, i == 0 ? "stored" : "held");
		exchange_receipt_reset(&r);
		bytes_reset(&v);
	}
	secret_free(dev);
	secret_free(relay);
	bytes_reset(&again);
}

/* Without checks they go as they are. */
struct putting {
	struct bytes again;
	enum exchange_way way;
};

static enum rc
put_item(void *ctx, enum item_type type, const uint8_t *p, size_t len)
{
	struct putting *to = ctx;
	enum item_type inner = ITEM_FRAME;
	uint64_t position;
	const uint8_t *body;
	size_t n;
	bool more;

	if (to->way == EXCHANGE_DOWN && type == ITEM_FRAME) {
		assert_int_equal(exchange_frame_down_read(p, len, &position, &body, &n), RC_OK);
		assert_int_equal(position, 1001);
		exchange_put_down(&to->again, NULL, position, inner, body, n);
	} else if (type == ITEM_LANE) {
		assert_int_equal(exchange_lane_read(p, len, &position, &inner, &body, &n), RC_OK);
		assert_int_equal(inner, ITEM_RECEIPT);
		exchange_put_down(&to->again, NULL, position, inner, body, n);
		/* a type of 128 and more is passed over, and stands under the check of the end */
		exchange_put(&to->again, (enum item_type)200, "later", 5);
	} else if (to->way == EXCHANGE_DOWN && type == ITEM_END) {
		assert_int_equal(exchange_end_read(p, len, &position, &more), RC_OK);
		assert_int_equal(position, 1002);
		exchange_put_end_down(&to->again, NULL, position, more);
	} else if (to->way == EXCHANGE_UP && type == ITEM_END) {
		exchange_put_end_up(&to->again);
	} else {
		exchange_put(&to->again, type, p, len);
	}
	return RC_OK;
}

/* Take a run of items apart, and put it together again. */
static struct bytes
items_again(enum exchange_way way, const uint8_t *p, size_t len)
{
	struct putting to = { .way = way };
	struct exchange_stream s;

	exchange_stream_init(&s, put_item, &to);
	s.way = way;
	assert_int_equal(exchange_stream_feed(&s, p, len), RC_OK);
	assert_true(s.ended);
	assert_false(s.damaged);
	exchange_stream_reset(&s);
	return to.again;
}

static void
messages_and_bundles_are_read_and_written(void **state)
{
	struct bytes up = vectors_get(V, "message_up"), down = vectors_get(V, "message_down");
	struct bytes bundle = vectors_get(V, "bundle"), frame = vectors_get(V, "frame"), again, made = { 0 };
	struct bytes stored = vectors_get(V, "stored"), resealed = vectors_get(V, "frame_resealed");
	uint8_t province[8];

	(void)state;
	again = items_again(EXCHANGE_UP, up.data, up.len);
	assert_bytes(&again, "message_up");
	bytes_reset(&again);
	again = items_again(EXCHANGE_DOWN, down.data, down.len);
	assert_bytes(&again, "message_down");
	bytes_reset(&again);
	vectors_copy(V, "province", province, sizeof(province));
	assert_int_equal(exchange_bundle_check(bundle.data, bundle.len, province, "stick", NULL), RC_OK);
	exchange_bundle_start(province, &made);
	exchange_put(&made, ITEM_FRAME, frame.data, frame.len);
	exchange_put(&made, ITEM_FRAME, resealed.data, resealed.len);
	exchange_put(&made, ITEM_RECEIPT, stored.data, stored.len);
	exchange_put(&made, ITEM_END, NULL, 0);
	assert_bytes(&made, "bundle");
	bytes_reset(&made);
	bytes_reset(&stored);
	bytes_reset(&resealed);
	bytes_reset(&frame);
	bytes_reset(&bundle);
	bytes_reset(&up);
	bytes_reset(&down);
}

static int
start(void **state)
{
	(void)state;
	return secret_start() == RC_OK ? 0 : -1;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(bodies_are_read_and_written),
		cmocka_unit_test(cargo_is_read_and_written),
		cmocka_unit_test(cargo_of_a_keyless_log_is_read_and_written),
		cmocka_unit_test(frames_of_authors_and_of_the_authority_are_opened),
		cmocka_unit_test(items_of_messages_are_read_and_written),
		cmocka_unit_test(messages_and_bundles_are_read_and_written),
	};

	return cmocka_run_group_tests(tests, start, NULL);
}
