#include "shared/sync/exchange.h"

#include <stdlib.h>
#include <string.h>

#include "shared/sync/directory.h"
#include "shared/sync/seal.h"
#include "shared/vault/digest.h"
#include "shared/vault/secret.h"

#define HELLO_LABEL "field-hello-1POST /sync"
#define WELCOME_LABEL "field-welcome-1"
#define RECEIPT_LABEL "field-receipt-1"

enum {
	HEAD_BYTES_MIN = 8 + 1 + 16	/* of a head of a log */
};

/* ---- signed payloads ---- */

static enum rc
sign_payload(struct bytes *b, const char *label, const struct secret *seed)
{
	uint8_t signature[SEAL_SIGNATURE_BYTES];
	enum rc rc;

	if (b->rc != RC_OK)
		return b->rc;
	if (b->len > EXCHANGE_ITEM_MAX - sizeof(signature))
		return RC_LIMIT;
	if ((rc = seal_sign(seed, label, b->data, b->len, signature)) != RC_OK)
		return rc;
	bytes_put(b, signature, sizeof(signature));
	return b->rc;
}

static enum rc
verify_payload(const uint8_t *p, size_t len, const char *label, const uint8_t sign_public[32])
{
	if (len < SEAL_SIGNATURE_BYTES)
		return RC_FORMAT;
	len -= SEAL_SIGNATURE_BYTES;
	return seal_verify(sign_public, label, p, len, p + len);
}

static void
put_heads(struct bytes *b, const struct exchange_head *heads, size_t n)
{
	bytes_varint(b, n);
	for (size_t i = 0; i < n; i++) {
		bytes_u64(b, heads[i].log);
		bytes_varint(b, heads[i].n);
		bytes_put(b, heads[i].head, sizeof(heads[i].head));
	}
}

static enum rc
take_heads(struct reader *r, struct exchange_head **out, size_t *n_out)
{
	struct exchange_head *heads;
	size_t n = (size_t)reader_varint_max(r, EXCHANGE_HEADS_MAX);

	*out = NULL;
	*n_out = 0;
	if (r->bad || n > reader_left(r) / HEAD_BYTES_MIN)
		return RC_FORMAT;
	if (n == 0)
		return RC_OK;
	if ((heads = calloc(n, sizeof(*heads))) == NULL)
		return RC_NOMEM;
	for (size_t i = 0; i < n; i++) {
		heads[i].log = reader_u64(r);
		heads[i].n = reader_varint(r);
		reader_copy(r, heads[i].head, sizeof(heads[i].head));
	}
	*out = heads;
	*n_out = n;
	return r->bad ? RC_FORMAT : RC_OK;
}

static enum rc
take_ids(struct reader *r, size_t max, uint8_t (**out)[FRAME_ID_BYTES], size_t *n_out)
{
	size_t n = (size_t)reader_varint_max(r, max);

	*out = NULL;
	*n_out = 0;
	if (r->bad || n > reader_left(r) / FRAME_ID_BYTES)
		return RC_FORMAT;
	if (n == 0)
		return RC_OK;
	if ((*out = calloc(n, sizeof(**out))) == NULL)
		return RC_NOMEM;
	*n_out = n;
	reader_copy(r, *out, n * FRAME_ID_BYTES);
	return RC_OK;
}

/* Version 1 goes on; a later one is for a later program. */
static enum rc
take_version(struct reader *r)
{
	uint8_t version = reader_u8(r);

	if (r->bad || version == 0)
		return RC_FORMAT;
	return version == 1 ? RC_OK : RC_NEWER;
}

/* ---- hello ---- */

enum rc
exchange_hello_write(const struct hello *h, const struct secret *device_seed,
    struct bytes *payload)
{
	bytes_reset(payload);
	if (h->n_behind > EXCHANGE_BEHIND_MAX || h->n_offered > EXCHANGE_OFFERED_MAX)
		return RC_LIMIT;
	bytes_u8(payload, 1);
	bytes_put(payload, h->province, sizeof(h->province));
	bytes_put(payload, h->device, sizeof(h->device));
	bytes_put(payload, h->generation, sizeof(h->generation));
	bytes_put(payload, h->nonce, sizeof(h->nonce));
	bytes_varint(payload, h->directory_seq);
	bytes_put(payload, h->directory_head, sizeof(h->directory_head));
	bytes_varint(payload, h->position);
	bytes_put(payload, h->lanes_digest, sizeof(h->lanes_digest));
	bytes_varint(payload, h->n_behind);
	for (size_t i = 0; i < h->n_behind; i++) {
		bytes_span(payload, h->behind[i].lane, strlen(h->behind[i].lane));
		bytes_varint(payload, h->behind[i].position);
	}
	bytes_varint(payload, h->n_offered);
	bytes_put(payload, h->offered, h->n_offered * FRAME_ID_BYTES);
	bytes_varint(payload, h->down_max);
	return sign_payload(payload, HELLO_LABEL, device_seed);
}

/* Lanes are letters, digits and the three marks of unit codes. */
static char *
take_lane(struct reader *r)
{
	size_t len;
	const uint8_t *p = reader_span(r, EXCHANGE_LANE_MAX, &len);
	char *lane;

	if (p == NULL || len < 2) {
		r->bad = true;
		return NULL;
	}
	for (size_t i = 0; i < len; i++)
		if (p[i] <= ' ' || p[i] > '~') {
			r->bad = true;
			return NULL;
		}
	if ((lane = malloc(len + 1)) == NULL)
		return NULL;
	memcpy(lane, p, len);
	lane[len] = '\0';
	return lane;
}

static enum rc
take_behind(struct reader *r, struct hello *out)
{
	size_t n = (size_t)reader_varint_max(r, EXCHANGE_BEHIND_MAX);

	if (r->bad || n > reader_left(r) / 4)
		return RC_FORMAT;
	if (n == 0)
		return RC_OK;
	if ((out->behind = calloc(n, sizeof(*out->behind))) == NULL)
		return RC_NOMEM;
	out->n_behind = n;
	for (size_t i = 0; i < n; i++) {
		if ((out->behind[i].lane = take_lane(r)) == NULL)
			return r->bad ? RC_FORMAT : RC_NOMEM;
		out->behind[i].position = reader_varint(r);
	}
	return RC_OK;
}

enum rc
exchange_hello_read(const uint8_t *p, size_t len, struct hello *out)
{
	struct reader r;
	enum rc rc;

	memset(out, 0, sizeof(*out));
	reader_init(&r, p, len);
	if ((rc = take_version(&r)) != RC_OK)
		goto out;
	reader_copy(&r, out->province, sizeof(out->province));
	reader_copy(&r, out->device, sizeof(out->device));
	reader_copy(&r, out->generation, sizeof(out->generation));
	reader_copy(&r, out->nonce, sizeof(out->nonce));
	out->directory_seq = reader_varint(&r);
	reader_copy(&r, out->directory_head, sizeof(out->directory_head));
	out->position = reader_varint(&r);
	reader_copy(&r, out->lanes_digest, sizeof(out->lanes_digest));
	if ((rc = take_behind(&r, out)) != RC_OK ||
	    (rc = take_ids(&r, EXCHANGE_OFFERED_MAX, &out->offered, &out->n_offered)) != RC_OK)
		goto out;
	out->down_max = reader_varint(&r);
	reader_take(&r, SEAL_SIGNATURE_BYTES);
	rc = reader_done(&r) ? RC_OK : RC_FORMAT;
out:
	if (rc != RC_OK)
		exchange_hello_reset(out);
	return rc;
}

enum rc
exchange_hello_verify(const uint8_t *p, size_t len, const uint8_t sign_public[32])
{
	return verify_payload(p, len, HELLO_LABEL, sign_public);
}

void
exchange_hello_reset(struct hello *h)
{
	for (size_t i = 0; h->behind != NULL && i < h->n_behind; i++)
		free(h->behind[i].lane);
	free(h->behind);
	free(h->offered);
	memset(h, 0, sizeof(*h));
}

void
exchange_request_id(const uint8_t *hello, size_t len, uint8_t out[16])
{
	digest_of(out, 16, "field-request-1", hello, len);
}

/* ---- welcome ---- */

enum rc
exchange_welcome_write(const struct welcome *w, const struct secret *relay_seed,
    struct bytes *payload)
{
	bytes_reset(payload);
	bytes_u8(payload, 1);
	bytes_u8(payload, (uint8_t)w->status);
	bytes_put(payload, w->generation, sizeof(w->generation));
	bytes_put(payload, w->nonce, sizeof(w->nonce));
	bytes_varint(payload, w->directory_seq);
	bytes_put(payload, w->directory_head, sizeof(w->directory_head));
	bytes_zigzag(payload, w->now);
	bytes_put(payload, w->request, sizeof(w->request));
	bytes_varint(payload, w->quarantined);
	bytes_put(payload, w->relay, sizeof(w->relay));
	bytes_varint(payload, w->last);
	bytes_varint(payload, w->audit);
	bytes_put(payload, w->audit_head, sizeof(w->audit_head));
	return sign_payload(payload, WELCOME_LABEL, relay_seed);
}

enum rc
exchange_welcome_read(const uint8_t *p, size_t len, struct welcome *out)
{
	struct reader r;
	uint8_t status;
	enum rc rc;

	memset(out, 0, sizeof(*out));
	reader_init(&r, p, len);
	if ((rc = take_version(&r)) != RC_OK)
		return rc;
	status = reader_u8(&r);
	out->status = (enum exchange_status)status;
	reader_copy(&r, out->generation, sizeof(out->generation));
	reader_copy(&r, out->nonce, sizeof(out->nonce));
	out->directory_seq = reader_varint(&r);
	reader_copy(&r, out->directory_head, sizeof(out->directory_head));
	out->now = reader_zigzag(&r);
	reader_copy(&r, out->request, sizeof(out->request));
	out->quarantined = reader_varint(&r);
	reader_copy(&r, out->relay, sizeof(out->relay));
	out->last = reader_varint(&r);
	out->audit = reader_varint(&r);
	reader_copy(&r, out->audit_head, sizeof(out->audit_head));
	reader_take(&r, SEAL_SIGNATURE_BYTES);
	if (!reader_done(&r))
		return RC_FORMAT;
	return status <= STATUS_FULL ? RC_OK : RC_NEWER;
}

enum rc
exchange_welcome_verify(const uint8_t *p, size_t len, const uint8_t sign_public[32])
{
	return verify_payload(p, len, WELCOME_LABEL, sign_public);
}

/* ---- receipts ---- */

static enum rc
put_scope(struct bytes *b, const struct receipt_scope *s)
{
	if (s->n_tips > EXCHANGE_HEADS_MAX || s->compartment >= DIRECTORY_COMPARTMENTS)
		return RC_LIMIT;
	bytes_span(b, s->unit, strlen(s->unit));
	bytes_u8(b, (uint8_t)s->compartment);
	put_heads(b, s->tips, s->n_tips);
	return b->rc;
}

enum rc
exchange_receipt_write(const struct receipt *r, const struct secret *seed, struct bytes *payload)
{
	enum rc rc;

	bytes_reset(payload);
	if (r->n_frames > EXCHANGE_RECEIPT_FRAMES_MAX)
		return RC_LIMIT;
	bytes_u8(payload, (uint8_t)r->kind);
	bytes_put(payload, r->signer, sizeof(r->signer));
	bytes_zigzag(payload, r->at);
	bytes_put(payload, r->device, sizeof(r->device));
	if (r->kind == RECEIPT_STORED) {
		bytes_varint(payload, r->n_frames);
		bytes_put(payload, r->frames, r->n_frames * FRAME_ID_BYTES);
	} else {
		bytes_varint(payload, r->n_scopes);
		for (size_t i = 0; i < r->n_scopes; i++)
			if ((rc = put_scope(payload, &r->scopes[i])) != RC_OK)
				return rc;
	}
	return sign_payload(payload, RECEIPT_LABEL, seed);
}

static enum rc
take_scopes(struct reader *r, struct receipt *out)
{
	enum { SCOPE_BYTES_MIN = 4 };
	size_t n = (size_t)reader_varint_max(r, DIRECTORY_UNITS_MAX * DIRECTORY_COMPARTMENTS);
	const uint8_t *unit;
	size_t len;
	enum rc rc;

	if (r->bad || n > reader_left(r) / SCOPE_BYTES_MIN)
		return RC_FORMAT;
	if (n == 0)
		return RC_OK;
	if ((out->scopes = calloc(n, sizeof(*out->scopes))) == NULL)
		return RC_NOMEM;
	out->n_scopes = n;
	for (size_t i = 0; i < n; i++) {
		unit = reader_span(r, IDENTITY_UNIT_MAX, &len);
		if (unit == NULL || !identity_unit_is_valid((const char *)unit, len))
			return RC_FORMAT;
		memcpy(out->scopes[i].unit, unit, len);
		out->scopes[i].compartment = reader_u8(r);
		if (out->scopes[i].compartment >= DIRECTORY_COMPARTMENTS)
			return RC_FORMAT;
		rc = take_heads(r, &out->scopes[i].tips, &out->scopes[i].n_tips);
		if (rc != RC_OK)
			return rc;
	}
	return RC_OK;
}

enum rc
exchange_receipt_read(const uint8_t *p, size_t len, struct receipt *out)
{
	struct reader r;
	uint8_t kind;
	enum rc rc;

	memset(out, 0, sizeof(*out));
	reader_init(&r, p, len);
	kind = reader_u8(&r);
	out->kind = (enum receipt_kind)kind;
	reader_copy(&r, out->signer, sizeof(out->signer));
	out->at = reader_zigzag(&r);
	reader_copy(&r, out->device, sizeof(out->device));
	if (kind == RECEIPT_STORED)
		rc = take_ids(&r, EXCHANGE_RECEIPT_FRAMES_MAX, &out->frames, &out->n_frames);
	else if (kind == RECEIPT_HELD)
		rc = take_scopes(&r, out);
	else
		rc = kind == 0 ? RC_FORMAT : RC_NEWER;
	if (rc == RC_OK) {
		reader_take(&r, SEAL_SIGNATURE_BYTES);
		rc = reader_done(&r) ? RC_OK : RC_FORMAT;
	}
	if (rc != RC_OK)
		exchange_receipt_reset(out);
	return rc;
}

enum rc
exchange_receipt_verify(const uint8_t *p, size_t len, const uint8_t sign_public[32])
{
	return verify_payload(p, len, RECEIPT_LABEL, sign_public);
}

void
exchange_receipt_reset(struct receipt *r)
{
	for (size_t i = 0; r->scopes != NULL && i < r->n_scopes; i++)
		free(r->scopes[i].tips);
	free(r->scopes);
	free(r->frames);
	memset(r, 0, sizeof(*r));
}
