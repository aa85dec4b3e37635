#include "shared/sync/exchange.h"

#include <string.h>

#include "shared/vault/digest.h"

enum {
	SKIPPED_FROM = 128,	/* types that a reader of version 1 passes over */
	ITEM_HEAD_MAX = 11,	/* type and a varint */
	SMALL_ITEM_MAX = 4096,
	CHECK_BYTES = 4
};

/* ---- items ---- */

void
exchange_put(struct bytes *out, enum item_type type, const void *payload, size_t len)
{
	bytes_u8(out, (uint8_t)type);
	bytes_span(out, payload, len);
}

/* What an item of this type may weigh; 0: there is no such type. */
static size_t
item_limit(unsigned type)
{
	if (type >= SKIPPED_FROM)
		return EXCHANGE_ITEM_MAX;
	switch ((enum item_type)type) {
	case ITEM_CERTIFICATE:
		return IDENTITY_CERTIFICATE_MAX;
	case ITEM_SHARE:
	case ITEM_KEY:
	case ITEM_WELCOME:
	case ITEM_END:
		return SMALL_ITEM_MAX;
	case ITEM_HELLO:
	case ITEM_STATEMENT:
		return (size_t)2 << 20;
	case ITEM_FRAME:
	case ITEM_SHARE_LIST:
	case ITEM_RECEIPT:
	case ITEM_LANE:
	case ITEM_ROOT:
	case ITEM_RELAY_STATE:
	case ITEM_RELEASE:
	case ITEM_RELAY_HEADS:
	case ITEM_QUARANTINE:
	case ITEM_RESEALED:
		return EXCHANGE_ITEM_MAX;
	}
	return 0;
}

void
exchange_stream_init(struct exchange_stream *s,
    enum rc (*each)(void *ctx, enum item_type type, const uint8_t *payload, size_t len), void *ctx)
{
	memset(s, 0, sizeof(*s));
	bytes_init(&s->pending);
	s->each = each;
	s->ctx = ctx;
}

void
exchange_stream_reset(struct exchange_stream *s)
{
	bytes_reset(&s->pending);
	memset(s, 0, sizeof(*s));
}

/*
 * Take one item off the front of p.  *used is 0 when it is not whole yet.  The type and
 * the length are judged as soon as they are there, so a stream of something else ends
 * at its first bytes.
 */
static enum rc
take_item(struct exchange_stream *s, const uint8_t *p, size_t len, size_t *used)
{
	struct reader r;
	uint64_t size;
	size_t limit;
	unsigned type;

	*used = 0;
	if (s->ended || (limit = item_limit(p[0])) == 0)
		return RC_PROTOCOL;
	type = p[0];
	reader_init(&r, p + 1, len - 1);
	size = reader_varint(&r);
	if (r.bad)
		return len < ITEM_HEAD_MAX ? RC_OK : RC_PROTOCOL;
	if (size > limit)
		return RC_PROTOCOL;
	if (size > reader_left(&r))
		return RC_OK;
	*used = 1 + r.pos + (size_t)size;
	if (type >= SKIPPED_FROM)
		return RC_OK;
	if (type == ITEM_END)
		s->ended = true;
	return s->each(s->ctx, (enum item_type)type, p + 1 + r.pos, (size_t)size);
}

/* Hand out every whole item of p; *used bytes are done with. */
static enum rc
take_items(struct exchange_stream *s, const uint8_t *p, size_t len, size_t *used)
{
	size_t n = 0;
	enum rc rc = RC_OK;

	*used = 0;
	while (rc == RC_OK && *used < len) {
		rc = take_item(s, p + *used, len - *used, &n);
		if (n == 0)
			break;
		*used += n;
	}
	return rc;
}

/* Bytes that the item at the front of `pending` still lacks; at least 1. */
static size_t
lacking(const struct bytes *pending)
{
	struct reader r;
	uint64_t size;

	reader_init(&r, pending->data + 1, pending->len - 1);
	size = reader_varint(&r);
	if (r.bad || size <= reader_left(&r))
		return 1;
	return (size_t)size - reader_left(&r);
}

enum rc
exchange_stream_feed(struct exchange_stream *s, const void *p, size_t len)
{
	const uint8_t *from = p;
	size_t used, n;

	if (s->failed != RC_OK)
		return s->failed;
	s->total += len;
	if (s->total > (s->max != 0 ? s->max : EXCHANGE_BODY_MAX))
		return s->failed = RC_LIMIT;
	while (len > 0 && s->pending.len > 0) {
		/* complete the item that was begun, and no more */
		n = lacking(&s->pending);
		n = n < len ? n : len;
		bytes_put(&s->pending, from, n);
		if (s->pending.rc != RC_OK)
			return s->failed = RC_NOMEM;
		from += n;
		len -= n;
		s->failed = take_items(s, s->pending.data, s->pending.len, &used);
		if (s->failed != RC_OK)
			return s->failed;
		if (used > 0)
			bytes_reset(&s->pending);
	}
	if (len == 0)
		return RC_OK;
	s->failed = take_items(s, from, len, &used);
	if (s->failed == RC_OK && used < len) {
		bytes_put(&s->pending, from + used, len - used);
		s->failed = s->pending.rc;
	}
	return s->failed;
}

/* ---- what goes downward, with its place in the sequence ---- */

static void
check_of(enum item_type type, const uint8_t *p, size_t len, uint8_t out[CHECK_BYTES])
{
	struct digest d;

	digest_start(&d, CHECK_BYTES, NULL, 0, "field-down-1");
	digest_u8(&d, (uint8_t)type);
	digest_put(&d, p, len);
	digest_end(&d, out);
}

static void
put_check(enum item_type type, struct bytes *payload)
{
	uint8_t check[CHECK_BYTES];

	if (payload->rc != RC_OK)
		return;
	check_of(type, payload->data, payload->len, check);
	bytes_put(payload, check, sizeof(check));
}

/* A reader of what stands before the check, behind the position; bad if the check does not fit. */
static uint64_t
open_down(struct reader *r, enum item_type type, const uint8_t *p, size_t len)
{
	uint8_t check[CHECK_BYTES];
	uint64_t position;

	reader_init(r, p, len < CHECK_BYTES ? 0 : len - CHECK_BYTES);
	position = reader_varint(r);
	if (r->bad)
		return 0;
	check_of(type, p, len - CHECK_BYTES, check);
	r->bad = memcmp(check, p + len - CHECK_BYTES, CHECK_BYTES) != 0;
	return position;
}

void
exchange_put_down(struct bytes *out, uint64_t position, enum item_type type, const void *body,
    size_t len)
{
	enum item_type outer = type == ITEM_FRAME ? ITEM_FRAME : ITEM_LANE;
	struct bytes payload;

	bytes_init(&payload);
	bytes_varint(&payload, position);
	if (outer == ITEM_LANE)
		bytes_u8(&payload, (uint8_t)type);
	bytes_put(&payload, body, len);
	put_check(outer, &payload);
	if (payload.rc == RC_OK)
		exchange_put(out, outer, payload.data, payload.len);
	else
		out->rc = payload.rc;
	bytes_reset(&payload);
}

void
exchange_end_write(uint64_t position, bool more, struct bytes *payload)
{
	bytes_varint(payload, position);
	bytes_u8(payload, more ? 1 : 0);
	put_check(ITEM_END, payload);
}

enum rc
exchange_end_read(const uint8_t *p, size_t len, uint64_t *position, bool *more)
{
	struct reader r;
	uint8_t flag;

	*position = open_down(&r, ITEM_END, p, len);
	flag = reader_u8(&r);
	*more = flag == 1;
	return reader_done(&r) && flag <= 1 ? RC_OK : RC_FORMAT;
}

enum rc
exchange_frame_down_read(const uint8_t *p, size_t len, uint64_t *position,
    const uint8_t **frame, size_t *frame_len)
{
	struct reader r;

	*position = open_down(&r, ITEM_FRAME, p, len);
	*frame_len = reader_left(&r);
	*frame = reader_take(&r, *frame_len);
	return reader_done(&r) && *frame_len > 0 ? RC_OK : RC_FORMAT;
}

enum rc
exchange_lane_read(const uint8_t *p, size_t len, uint64_t *position,
    enum item_type *type, const uint8_t **inner, size_t *inner_len)
{
	struct reader r;
	uint8_t t;

	*position = open_down(&r, ITEM_LANE, p, len);
	t = reader_u8(&r);
	*type = (enum item_type)t;
	*inner_len = reader_left(&r);
	*inner = reader_take(&r, *inner_len);
	if (!reader_done(&r))
		return RC_FORMAT;
	if (t != ITEM_CERTIFICATE && t != ITEM_SHARE && t != ITEM_SHARE_LIST && t != ITEM_RECEIPT)
		return t >= SKIPPED_FROM ? RC_NEWER : RC_FORMAT;
	return RC_OK;
}
