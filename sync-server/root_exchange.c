#include "sync-server/root_exchange.h"

#include <stdlib.h>
#include <string.h>

#include "shared/sync/seal.h"
#include "shared/vault/digest.h"
#include "shared/vault/secret.h"

#define ROOT_LABEL "field-exchange-1"
#define STATE_LABEL "field-relay-state-1"

enum {
	VERSION = 1,
	WAITING_BYTES_MIN = 16 + 1 + 1,
	HEAD_BYTES_MIN = 16 + 8 + 1 + 16,
	ASIDE_BYTES_MIN = 32 + 16 + 1 + 1
};

void
root_exchange_start(struct bytes *out)
{
	bytes_reset(out);
	bytes_text(out, "FX");
	bytes_u8(out, VERSION);
}

enum rc
root_exchange_check_start(const uint8_t *p, size_t len)
{
	if (len < ROOT_EXCHANGE_START || memcmp(p, "FX", 2) != 0 || p[2] == 0)
		return RC_FORMAT;
	return p[2] == VERSION ? RC_OK : RC_NEWER;
}

/* What is signed: the digest of all items before, then the payload. */
static void
signed_bytes(const uint8_t *before, size_t before_len, const uint8_t *payload, size_t len,
    struct bytes *out)
{
	uint8_t digest[32];

	digest_of(digest, sizeof(digest), "field-exchange-items-1", before, before_len);
	bytes_init(out);
	bytes_put(out, digest, sizeof(digest));
	bytes_put(out, payload, len);
}

/* Sign the payload, append it to the message as an item, and end the message. */
static enum rc
put_signed(struct bytes *message, enum item_type type, const char *label,
    const struct secret *seed, struct bytes *payload)
{
	struct bytes text;
	uint8_t signature[SEAL_SIGNATURE_BYTES];
	enum rc rc;

	if (message->rc != RC_OK || payload->rc != RC_OK)
		return RC_NOMEM;
	signed_bytes(message->data, message->len, payload->data, payload->len, &text);
	rc = text.rc;
	if (rc == RC_OK)
		rc = seal_sign(seed, label, text.data, text.len, signature);
	bytes_reset(&text);
	if (rc != RC_OK)
		return rc;
	bytes_put(payload, signature, sizeof(signature));
	if (payload->rc != RC_OK)
		return payload->rc;
	if (payload->len > EXCHANGE_ITEM_MAX)
		return RC_LIMIT;
	exchange_put(message, type, payload->data, payload->len);
	exchange_put(message, ITEM_END, "", 0);
	return message->rc;
}

static enum rc
verify(const char *label, const uint8_t *payload, size_t len, const uint8_t *before,
    size_t before_len, const uint8_t public_key[32])
{
	struct bytes text;
	enum rc rc;

	if (len < SEAL_SIGNATURE_BYTES)
		return RC_FORMAT;
	len -= SEAL_SIGNATURE_BYTES;
	signed_bytes(before, before_len, payload, len, &text);
	rc = text.rc;
	if (rc == RC_OK)
		rc = seal_verify(public_key, label, text.data, text.len, payload + len);
	bytes_reset(&text);
	return rc;
}

/* ---- the root's item ---- */

enum rc
root_exchange_sign(const struct root_hello *h, const struct secret *root_seed,
    struct bytes *request)
{
	struct bytes p;
	enum rc rc;

	bytes_init(&p);
	bytes_put(&p, h->province, sizeof(h->province));
	bytes_put(&p, h->generation, sizeof(h->generation));
	bytes_put(&p, h->nonce, sizeof(h->nonce));
	bytes_varint(&p, h->statements);
	bytes_put(&p, h->directory_head, sizeof(h->directory_head));
	bytes_varint(&p, h->certificates);
	bytes_varint(&p, h->heads);
	rc = put_signed(request, ITEM_ROOT, ROOT_LABEL, root_seed, &p);
	bytes_reset(&p);
	return rc;
}

enum rc
root_exchange_read(const uint8_t *payload, size_t len, struct root_hello *out)
{
	struct reader r;

	memset(out, 0, sizeof(*out));
	reader_init(&r, payload, len);
	reader_copy(&r, out->province, sizeof(out->province));
	reader_copy(&r, out->generation, sizeof(out->generation));
	reader_copy(&r, out->nonce, sizeof(out->nonce));
	out->statements = reader_varint(&r);
	reader_copy(&r, out->directory_head, sizeof(out->directory_head));
	out->certificates = reader_varint(&r);
	out->heads = reader_varint(&r);
	reader_take(&r, SEAL_SIGNATURE_BYTES);
	return reader_done(&r) ? RC_OK : RC_FORMAT;
}

enum rc
root_exchange_verify(const uint8_t *payload, size_t len, const uint8_t *before,
    size_t before_len, const uint8_t root_public[32])
{
	return verify(ROOT_LABEL, payload, len, before, before_len, root_public);
}

/* ---- the relay's state ---- */

enum rc
root_exchange_state_sign(const struct relay_state *s, const struct secret *relay_seed,
    struct bytes *reply)
{
	struct bytes p;
	enum rc rc;

	if (s->n_waiting > ROOT_EXCHANGE_WAITING_MAX)
		return RC_LIMIT;
	bytes_init(&p);
	bytes_u8(&p, (uint8_t)s->status);
	bytes_put(&p, s->generation, sizeof(s->generation));
	bytes_put(&p, s->nonce, sizeof(s->nonce));
	bytes_varint(&p, s->statements);
	bytes_put(&p, s->directory_head, sizeof(s->directory_head));
	bytes_varint(&p, s->certificates);
	bytes_varint(&p, s->heads);
	bytes_u8(&p, s->more ? 1 : 0);
	bytes_varint(&p, s->n_waiting);
	for (size_t i = 0; i < s->n_waiting; i++) {
		bytes_put(&p, s->waiting[i].device, sizeof(s->waiting[i].device));
		bytes_u8(&p, (uint8_t)s->waiting[i].why);
		bytes_varint(&p, s->waiting[i].frames);
	}
	bytes_put(&p, s->request, sizeof(s->request));
	bytes_put(&p, s->relay, sizeof(s->relay));
	rc = put_signed(reply, ITEM_RELAY_STATE, STATE_LABEL, relay_seed, &p);
	bytes_reset(&p);
	return rc;
}

static enum rc
take_waiting(struct reader *r, struct relay_state *out)
{
	size_t n = (size_t)reader_varint_max(r, ROOT_EXCHANGE_WAITING_MAX);

	if (r->bad || n > reader_left(r) / WAITING_BYTES_MIN)
		return RC_FORMAT;
	if (n == 0)
		return RC_OK;
	if ((out->waiting = calloc(n, sizeof(*out->waiting))) == NULL)
		return RC_NOMEM;
	out->n_waiting = n;
	for (size_t i = 0; i < n; i++) {
		reader_copy(r, out->waiting[i].device, sizeof(out->waiting[i].device));
		out->waiting[i].why = (enum root_exchange_why)reader_u8(r);
		out->waiting[i].frames = reader_varint(r);
		if ((unsigned)out->waiting[i].why > WHY_REFUSED)
			return RC_NEWER;
	}
	return RC_OK;
}

enum rc
root_exchange_state_read(const uint8_t *payload, size_t len, struct relay_state *out)
{
	struct reader r;
	uint8_t status, more;
	enum rc rc;

	memset(out, 0, sizeof(*out));
	reader_init(&r, payload, len);
	status = reader_u8(&r);
	out->status = (enum root_exchange_status)status;
	reader_copy(&r, out->generation, sizeof(out->generation));
	reader_copy(&r, out->nonce, sizeof(out->nonce));
	out->statements = reader_varint(&r);
	reader_copy(&r, out->directory_head, sizeof(out->directory_head));
	out->certificates = reader_varint(&r);
	out->heads = reader_varint(&r);
	more = reader_u8(&r);
	out->more = more == 1;
	if ((rc = take_waiting(&r, out)) != RC_OK)
		goto out;
	reader_copy(&r, out->request, sizeof(out->request));
	reader_copy(&r, out->relay, sizeof(out->relay));
	reader_take(&r, SEAL_SIGNATURE_BYTES);
	if (!reader_done(&r) || more > 1)
		rc = RC_FORMAT;
	else if (status > ROOT_CHAINS_DIFFER)
		rc = RC_NEWER;
out:
	if (rc != RC_OK)
		root_exchange_state_reset(out);
	return rc;
}

enum rc
root_exchange_state_verify(const uint8_t *payload, size_t len, const uint8_t *before,
    size_t before_len, const uint8_t relay_public[32])
{
	return verify(STATE_LABEL, payload, len, before, before_len, relay_public);
}

void
root_exchange_state_reset(struct relay_state *s)
{
	free(s->waiting);
	memset(s, 0, sizeof(*s));
}

/* ---- heads and what is set aside ---- */

void
root_exchange_heads_write(const struct relay_head *heads, size_t n, struct bytes *payload)
{
	bytes_reset(payload);
	bytes_varint(payload, n);
	for (size_t i = 0; i < n; i++) {
		bytes_put(payload, heads[i].device, sizeof(heads[i].device));
		bytes_u64(payload, heads[i].head.log);
		bytes_varint(payload, heads[i].head.n);
		bytes_put(payload, heads[i].head.head, sizeof(heads[i].head.head));
	}
}

enum rc
root_exchange_heads_read(const uint8_t *p, size_t len, struct relay_head **out, size_t *n_out)
{
	struct relay_head *heads;
	struct reader r;
	size_t n;

	*out = NULL;
	*n_out = 0;
	reader_init(&r, p, len);
	n = (size_t)reader_varint_max(&r, ROOT_EXCHANGE_HEADS_MAX);
	if (r.bad || n > reader_left(&r) / HEAD_BYTES_MIN)
		return RC_FORMAT;
	if ((heads = calloc(n + 1, sizeof(*heads))) == NULL)
		return RC_NOMEM;
	for (size_t i = 0; i < n; i++) {
		reader_copy(&r, heads[i].device, sizeof(heads[i].device));
		heads[i].head.log = reader_u64(&r);
		heads[i].head.n = reader_varint(&r);
		reader_copy(&r, heads[i].head.head, sizeof(heads[i].head.head));
	}
	if (!reader_done(&r)) {
		free(heads);
		return RC_FORMAT;
	}
	*out = heads;
	*n_out = n;
	return RC_OK;
}

void
root_exchange_quarantine_write(const struct relay_aside *a, size_t n, struct bytes *payload)
{
	bytes_reset(payload);
	bytes_varint(payload, n);
	for (size_t i = 0; i < n; i++) {
		bytes_put(payload, a[i].frame, sizeof(a[i].frame));
		bytes_put(payload, a[i].author, sizeof(a[i].author));
		bytes_u8(payload, (uint8_t)a[i].reason);
		bytes_zigzag(payload, a[i].received);
	}
}

enum rc
root_exchange_quarantine_read(const uint8_t *p, size_t len, struct relay_aside **out,
    size_t *n_out)
{
	struct relay_aside *a;
	struct reader r;
	size_t n;

	*out = NULL;
	*n_out = 0;
	reader_init(&r, p, len);
	n = (size_t)reader_varint_max(&r, ROOT_EXCHANGE_QUARANTINE_MAX);
	if (r.bad || n > reader_left(&r) / ASIDE_BYTES_MIN)
		return RC_FORMAT;
	if ((a = calloc(n + 1, sizeof(*a))) == NULL)
		return RC_NOMEM;
	for (size_t i = 0; i < n; i++) {
		reader_copy(&r, a[i].frame, sizeof(a[i].frame));
		reader_copy(&r, a[i].author, sizeof(a[i].author));
		a[i].reason = (enum root_exchange_reason)reader_u8(&r);
		a[i].received = reader_zigzag(&r);
	}
	if (!reader_done(&r)) {
		free(a);
		return RC_FORMAT;
	}
	*out = a;
	*n_out = n;
	return RC_OK;
}
