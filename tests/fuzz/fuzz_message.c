/*
 * A message from anybody, in two ways of cutting: the items must be the same, and what
 * can be read must be written again to the same bytes (but for the signature).
 * Input: one byte for the size of the pieces, then the stream.
 */
#include <stdlib.h>
#include <string.h>

#include "shared/sync/exchange.h"
#include "shared/sync/seal.h"
#include "shared/vault/digest.h"
#include "shared/vault/secret.h"
#include "sync-server/root_exchange.h"
#include "tests/support/replay.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

/* Once per process: a seed to write with. */
static struct secret *seed;

struct digested { struct digest d; uint64_t n; };

static enum rc
digest_item(void *ctx, enum item_type type, const uint8_t *p, size_t len)
{
	struct digested *out = ctx;

	out->n++;
	digest_u8(&out->d, (uint8_t)type);
	digest_span(&out->d, p, len);
	return RC_OK;
}

/* The same bytes up to the signature? */
static void
must_match(const struct bytes *again, const uint8_t *p, size_t len)
{
	if (again->len != len || memcmp(again->data, p, len - SEAL_SIGNATURE_BYTES) != 0)
		abort();
}

static void
read_signed(enum item_type type, const uint8_t *p, size_t len)
{
	static const uint8_t key[32] = { 1 };
	struct hello hello;
	struct welcome welcome;
	struct receipt receipt;
	struct bytes again = { 0 };

	if (type == ITEM_HELLO && exchange_hello_read(p, len, &hello) == RC_OK) {
		if (exchange_hello_write(&hello, seed, &again) != RC_OK ||
		    exchange_hello_verify(p, len, key) == RC_OK)
			abort();
		must_match(&again, p, len);
		exchange_hello_reset(&hello);
	}
	if (type == ITEM_WELCOME && exchange_welcome_read(p, len, &welcome) == RC_OK) {
		if (exchange_welcome_write(&welcome, seed, &again) != RC_OK)
			abort();
		must_match(&again, p, len);
	}
	if (type == ITEM_RECEIPT && exchange_receipt_read(p, len, &receipt) == RC_OK) {
		if (exchange_receipt_write(&receipt, seed, &again) != RC_OK)
			abort();
		must_match(&again, p, len);
		exchange_receipt_reset(&receipt);
	}
	bytes_reset(&again);
}

static void
read_root(enum item_type type, const uint8_t *p, size_t len)
{
	struct root_hello hello;
	struct relay_state state;
	struct relay_head *heads;
	struct relay_aside *aside;
	struct bytes again = { 0 };
	size_t n;

	if (type == ITEM_ROOT && root_exchange_read(p, len, &hello) == RC_OK &&
	    root_exchange_verify(p, len, p, len, hello.directory_head) == RC_OK)
		abort();
	if (type == ITEM_RELAY_STATE && root_exchange_state_read(p, len, &state) == RC_OK)
		root_exchange_state_reset(&state);
	if (type == ITEM_RELAY_HEADS && root_exchange_heads_read(p, len, &heads, &n) == RC_OK) {
		root_exchange_heads_write(heads, n, &again);
		if (again.len != len || memcmp(again.data, p, len) != 0)
			abort();
		free(heads);
	}
	if (type == ITEM_QUARANTINE && root_exchange_quarantine_read(p, len, &aside, &n) == RC_OK) {
		root_exchange_quarantine_write(aside, n, &again);
		if (again.len != len || memcmp(again.data, p, len) != 0)
			abort();
		free(aside);
	}
	bytes_reset(&again);
}

static enum rc
read_item(void *ctx, enum item_type type, const uint8_t *p, size_t len)
{
	const uint8_t *inner;
	enum item_type inner_type;
	uint64_t position;
	size_t n;
	bool more;

	read_signed(type, p, len);
	read_root(type, p, len);
	if (type == ITEM_END && exchange_end_read(p, len, &position, &more) == RC_OK && len > 11)
		abort();	/* a varint and a byte */
	if (type == ITEM_FRAME && exchange_frame_down_read(p, len, &position, &inner, &n) == RC_OK &&
	    (n == 0 || n >= len))
		abort();
	if (type == ITEM_LANE &&
	    exchange_lane_read(p, len, &position, &inner_type, &inner, &n) == RC_OK && n >= len)
		abort();
	return digest_item(ctx, type, p, len);
}

static enum rc
run(const uint8_t *p, size_t len, size_t step, bool read, uint64_t *n, uint8_t digest[16])
{
	struct exchange_stream s;
	struct digested out;
	enum rc rc = RC_OK;
	size_t piece;

	out.n = 0;
	digest_start(&out.d, 16, NULL, 0, "items");
	exchange_stream_init(&s, read ? read_item : digest_item, &out);
	for (size_t at = 0; rc == RC_OK && at < len; at += piece) {
		piece = len - at < step ? len - at : step;
		rc = exchange_stream_feed(&s, p + at, piece);
	}
	exchange_stream_reset(&s);
	digest_end(&out.d, digest);
	*n = out.n;
	return rc;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	uint8_t whole[16], parts[16], bytes[32] = { 7 };
	uint64_t n_whole, n_parts;
	enum rc rc;

	if (len == 0)
		return 0;
	if (seed == NULL && (secret_start() != RC_OK || secret_from(bytes, 32, &seed) != RC_OK))
		abort();
	rc = run(data + 1, len - 1, len, true, &n_whole, whole);
	if (rc != run(data + 1, len - 1, (size_t)data[0] + 1, false, &n_parts, parts) ||
	    n_whole != n_parts || memcmp(whole, parts, sizeof(whole)) != 0)
		abort();
	return 0;
}

#ifndef FUZZING
int
main(int argc, char **argv)
{
	return replay_corpus(argc > 1 ? argv[1] : "", LLVMFuzzerTestOneInput);
}
#endif
