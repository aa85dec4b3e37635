#include "shared/sync/exchange.h"

#include <string.h>

#include "shared/vault/digest.h"

enum {
	SKIPPED_FROM = 128,	/* types that a reader of version 1 passes over */
	ITEM_HEAD_MAX = 11,	/* type and a varint */
	SMALL_ITEM_MAX = 4096,
	CHECK_BYTES = 4
};
#define SUM_LABEL "field-message-1"

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

/* ---- checks ---- */

/* Over all that came before, the item's type, and what stands in it before the check. */
static void
check_of(const struct digest *before, enum item_type type, const uint8_t *p, size_t len,
    uint8_t out[CHECK_BYTES])
{
	struct digest d = *before;

	digest_u8(&d, (uint8_t)type);
	digest_put(&d, p, len);
	digest_end(&d, out);
}

void
exchange_sum_init(struct exchange_sum *s)
{
	memset(s, 0, sizeof(*s));
	digest_start(&s->digest, CHECK_BYTES, NULL, 0, SUM_LABEL);
}

static void
sum_up(struct exchange_sum *s, const struct bytes *out)
{
	if (out->len > s->at)
		digest_put(&s->digest, out->data + s->at, out->len - s->at);
	s->at = out->len;
}

void
exchange_sum_take(struct exchange_sum *s, const struct bytes *out)
{
	sum_up(s, out);
	s->at = 0;
}

static void
put_checked(struct bytes *out, struct exchange_sum *sum, enum item_type type, struct bytes *payload)
{
	uint8_t check[CHECK_BYTES];
	struct exchange_sum whole;

	if (sum == NULL)
		exchange_sum_init(sum = &whole);
	sum_up(sum, out);
	check_of(&sum->digest, type, payload->data, payload->len, check);
	bytes_put(payload, check, sizeof(check));
	if (payload->rc == RC_OK)
		exchange_put(out, type, payload->data, payload->len);
	else if (out->rc == RC_OK)
		out->rc = payload->rc;
	bytes_reset(payload);
}

/* Is there a check in an item of this type that goes this way? */
static bool
is_checked(enum exchange_way way, unsigned type)
{
	if (type == ITEM_END)
		return way != EXCHANGE_UNCHECKED;
	return way == EXCHANGE_DOWN && (type == ITEM_FRAME || type == ITEM_LANE);
}

/* The check at the end of a payload is taken off, whether it fits or not. */
static bool
take_check(const struct exchange_stream *s, unsigned type, const uint8_t *p, size_t *len)
{
	uint8_t check[CHECK_BYTES];

	if (*len < CHECK_BYTES) {
		*len = 0;
		return false;
	}
	*len -= CHECK_BYTES;
	check_of(&s->sum, (enum item_type)type, p, *len, check);
	return memcmp(check, p + *len, CHECK_BYTES) == 0;
}

/* ---- cutting ---- */

void
exchange_stream_init(struct exchange_stream *s,
    enum rc (*each)(void *ctx, enum item_type type, const uint8_t *payload, size_t len), void *ctx)
{
	memset(s, 0, sizeof(*s));
	bytes_init(&s->pending);
	digest_start(&s->sum, CHECK_BYTES, NULL, 0, SUM_LABEL);
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
	size_t limit, payload;
	unsigned type;
	enum rc rc = RC_OK;

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
	payload = (size_t)size;
	if (is_checked(s->way, type) && !take_check(s, type, p + 1 + r.pos, &payload)) {
		s->damaged = true;
		if (s->way == EXCHANGE_DOWN)
			return RC_PROTOCOL;
	}
	s->ended = type == ITEM_END;
	if (type < SKIPPED_FROM)
		rc = s->each(s->ctx, (enum item_type)type, p + 1 + r.pos, payload);
	if (s->way != EXCHANGE_UNCHECKED)
		digest_put(&s->sum, p, *used);
	return rc;
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

/* ---- what goes downward, with its place in the sequence, and the ends ---- */

void
exchange_put_down(struct bytes *out, struct exchange_sum *sum, uint64_t position,
    enum item_type type, const void *body, size_t len)
{
	enum item_type outer = type == ITEM_FRAME ? ITEM_FRAME : ITEM_LANE;
	struct bytes payload;

	bytes_init(&payload);
	bytes_varint(&payload, position);
	if (outer == ITEM_LANE)
		bytes_u8(&payload, (uint8_t)type);
	bytes_put(&payload, body, len);
	put_checked(out, sum, outer, &payload);
}

void
exchange_put_end_down(struct bytes *out, struct exchange_sum *sum, uint64_t position, bool more)
{
	struct bytes payload;

	bytes_init(&payload);
	bytes_varint(&payload, position);
	bytes_u8(&payload, more ? 1 : 0);
	put_checked(out, sum, ITEM_END, &payload);
}

void
exchange_put_end_up(struct bytes *out)
{
	struct bytes payload;

	bytes_init(&payload);
	put_checked(out, NULL, ITEM_END, &payload);
}

enum rc
exchange_end_read(const uint8_t *p, size_t len, uint64_t *position, bool *more)
{
	struct reader r;
	uint8_t flag;

	reader_init(&r, p, len);
	*position = reader_varint(&r);
	flag = reader_u8(&r);
	*more = flag == 1;
	return reader_done(&r) && flag <= 1 ? RC_OK : RC_FORMAT;
}

enum rc
exchange_frame_down_read(const uint8_t *p, size_t len, uint64_t *position,
    const uint8_t **frame, size_t *frame_len)
{
	struct reader r;

	reader_init(&r, p, len);
	*position = reader_varint(&r);
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

	reader_init(&r, p, len);
	*position = reader_varint(&r);
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
