#include "shared/sync/frame.h"

#include <stdlib.h>
#include <string.h>

#include "shared/sync/seal.h"
#include "shared/vault/digest.h"
#include "shared/vault/secret.h"

enum {
	VERSION = 1,
	KIND_MAX = FRAME_RESEALED,
	COMPARTMENT_MAX = 2,
	KEY_BYTES = 32,
	SEALED_KEY_BYTES = KEY_BYTES + SEAL_BOX_OVERHEAD,
	COMMITMENT_BYTES = 32,
	HASH_BYTES = 32,
	PADDED_MIN = 64,
	PAD_MARK = 0x80,
	CIPHERTEXT_MIN = PADDED_MIN + SEAL_TAG_BYTES
};

void
frame_header_reset(struct frame_header *h)
{
	free(h->ranges);
	memset(h, 0, sizeof *h);
}

void
frame_id(const uint8_t *p, size_t len, uint8_t out[FRAME_ID_BYTES])
{
	digest_of(out, FRAME_ID_BYTES, "field-frame-id-1", p, len);
}

/* One range as both directions want it; adds its count to *total. */
static enum rc
check_range(const struct frame_range *r, uint64_t *total)
{
	if (r->log == 0 || r->first == 0 || r->count == 0)
		return RC_FORMAT;
	if (r->count > FRAME_ENTRIES_MAX || r->first > UINT64_MAX - r->count)
		return RC_LIMIT;
	*total += r->count;
	return *total > FRAME_ENTRIES_MAX ? RC_LIMIT : RC_OK;
}

static enum rc
check_given(const struct frame_header *h, size_t len)
{
	uint64_t total = 0;

	if (h->kind > KIND_MAX || h->compartment > COMPARTMENT_MAX || h->n_ranges == 0 ||
	    !identity_unit_is_valid(h->unit, strnlen(h->unit, sizeof h->unit)))
		return RC_INVALID;
	if (h->n_ranges > FRAME_RANGES_MAX || len > FRAME_CARGO_MAX)
		return RC_LIMIT;
	for (size_t i = 0; i < h->n_ranges; i++) {
		enum rc rc = check_range(&h->ranges[i], &total);

		if (rc != RC_OK)
			return rc == RC_FORMAT ? RC_INVALID : rc;
	}
	return RC_OK;
}

static void
put_fields(const struct frame_header *h, struct bytes *out)
{
	bytes_text(out, "FF");
	bytes_u8(out, VERSION);
	bytes_u8(out, (uint8_t)h->kind);
	bytes_put(out, h->device, sizeof h->device);
	bytes_span(out, h->unit, strlen(h->unit));
	bytes_u8(out, (uint8_t)h->compartment);
	bytes_varint(out, h->epoch);
	bytes_varint(out, h->directory_seq);
	bytes_put(out, h->directory_head, sizeof h->directory_head);
	bytes_varint(out, h->n_ranges);
	for (size_t i = 0; i < h->n_ranges; i++) {
		const struct frame_range *r = &h->ranges[i];

		bytes_u64(out, r->log);
		bytes_varint(out, r->first);
		bytes_varint(out, r->count);
		bytes_put(out, r->before, sizeof r->before);
		bytes_put(out, r->after, sizeof r->after);
	}
}

/* K and the commitment to it, side by side: 64 bytes. */
static enum rc
derive_keys(const struct secret *k0, const uint8_t *context, size_t len, struct secret **out)
{
	struct digest d;
	enum rc rc = secret_new(KEY_BYTES + COMMITMENT_BYTES, out);

	if (rc != RC_OK)
		return rc;
	digest_start(&d, KEY_BYTES + COMMITMENT_BYTES, secret_bytes(k0), KEY_BYTES,
	    "field-frame-key-1");
	digest_put(&d, context, len);
	digest_end(&d, secret_data(*out));
	return RC_OK;
}

static size_t
padded_size(size_t len)
{
	size_t padded = seal_padme(len + 1);

	return padded < PADDED_MIN ? PADDED_MIN : padded;
}

static enum rc
pad(const uint8_t *cargo, size_t len, struct bytes *out)
{
	size_t padded = padded_size(len);
	uint8_t *to = bytes_room(out, padded);

	if (to == NULL)
		return out->rc;
	memset(to, 0, padded);
	if (len > 0)
		memcpy(to, cargo, len);
	to[len] = PAD_MARK;
	out->len += padded;
	return RC_OK;
}

/* What the author signs: one hash of the header, one of the ciphertext. */
static void
signed_digests(const uint8_t *header, size_t header_len, const uint8_t *ciphertext,
    size_t ciphertext_len, uint8_t out[2 * HASH_BYTES])
{
	digest_of(out, HASH_BYTES, "field-frame-header-1", header, header_len);
	digest_of(out + HASH_BYTES, HASH_BYTES, "field-frame-body-1", ciphertext, ciphertext_len);
}

/*
 * Put what stands between the fields and the signature, and encrypt.  The
 * header begins where `frame` is empty.
 */
static enum rc
seal_cargo(const uint8_t scope_public[32], const uint8_t *cargo, size_t len,
    struct bytes *frame, struct bytes *ciphertext)
{
	struct secret *k0 = NULL, *keys = NULL;
	struct bytes padded = { 0 };
	uint8_t nonce[SEAL_NONCE_BYTES], ad[HASH_BYTES];
	enum rc rc;

	if ((rc = secret_random(KEY_BYTES, &k0)) != RC_OK ||
	    (rc = seal_box(scope_public, secret_bytes(k0), KEY_BYTES, frame)) != RC_OK)
		goto out;
	secret_random_bytes(nonce, sizeof nonce);
	bytes_put(frame, nonce, sizeof nonce);
	if ((rc = frame->rc) != RC_OK ||
	    (rc = derive_keys(k0, frame->data, frame->len, &keys)) != RC_OK)
		goto out;
	bytes_put(frame, secret_bytes(keys) + KEY_BYTES, COMMITMENT_BYTES);
	bytes_varint(frame, padded_size(len) + SEAL_TAG_BYTES);
	if ((rc = frame->rc) != RC_OK || (rc = pad(cargo, len, &padded)) != RC_OK)
		goto out;
	digest_of(ad, sizeof ad, "field-frame-ad-1", frame->data, frame->len);
	rc = seal_encrypt(secret_bytes(keys), nonce, ad, sizeof ad, padded.data, padded.len,
	    ciphertext);
out:
	secret_free(k0);
	secret_free(keys);
	bytes_wipe(&padded);
	return rc;
}

enum rc
frame_seal(const struct frame_header *h, const uint8_t scope_public[32],
    const struct secret *device_seed, const uint8_t *cargo, size_t len, struct bytes *out)
{
	struct bytes frame = { 0 }, ciphertext = { 0 };
	uint8_t digests[2 * HASH_BYTES], signature[SEAL_SIGNATURE_BYTES];
	enum rc rc;

	if ((rc = check_given(h, len)) != RC_OK)
		return rc;
	put_fields(h, &frame);
	if ((rc = frame.rc) != RC_OK ||
	    (rc = seal_cargo(scope_public, cargo, len, &frame, &ciphertext)) != RC_OK)
		goto out;
	signed_digests(frame.data, frame.len, ciphertext.data, ciphertext.len, digests);
	rc = seal_sign(device_seed, "field-frame-1", digests, sizeof digests, signature);
	if (rc != RC_OK)
		goto out;
	bytes_put(&frame, signature, sizeof signature);
	bytes_put(&frame, ciphertext.data, ciphertext.len);
	if ((rc = frame.rc) == RC_OK) {
		bytes_put(out, frame.data, frame.len);
		rc = out->rc;
	}
out:
	bytes_reset(&frame);
	bytes_reset(&ciphertext);
	return rc;
}

static enum rc
read_ranges(struct reader *r, struct frame_header *h)
{
	enum { RANGE_MIN = 8 + 1 + 1 + 16 + 16 };
	uint64_t n = reader_varint(r);
	enum rc rc;

	if (r->bad || n == 0)
		return RC_FORMAT;
	if (n > FRAME_RANGES_MAX)
		return RC_LIMIT;
	if (n > reader_left(r) / RANGE_MIN)
		return RC_FORMAT;
	if ((h->ranges = calloc((size_t)n, sizeof *h->ranges)) == NULL)
		return RC_NOMEM;
	h->n_ranges = (size_t)n;
	for (size_t i = 0; i < n; i++) {
		struct frame_range *range = &h->ranges[i];

		range->log = reader_u64(r);
		range->first = reader_varint(r);
		range->count = reader_varint(r);
		reader_copy(r, range->before, sizeof range->before);
		reader_copy(r, range->after, sizeof range->after);
		if (r->bad)
			return RC_FORMAT;
		if ((rc = check_range(range, &h->n_entries)) != RC_OK)
			return rc;
	}
	return RC_OK;
}

/* "FF", version and kind. */
static enum rc
read_kind(struct reader *r, struct frame_header *h)
{
	const uint8_t *magic = reader_take(r, 2);
	uint8_t version = reader_u8(r);

	h->kind = reader_u8(r);
	if (r->bad || magic == NULL || memcmp(magic, "FF", 2) != 0 || version == 0)
		return RC_FORMAT;
	return version > VERSION || h->kind > KIND_MAX ? RC_NEWER : RC_OK;
}

static enum rc
read_header(struct reader *r, struct frame_header *h)
{
	const uint8_t *unit;
	size_t unit_len;
	uint64_t length;
	enum rc rc;

	if ((rc = read_kind(r, h)) != RC_OK)
		return rc;
	reader_copy(r, h->device, sizeof h->device);
	unit = reader_span(r, IDENTITY_UNIT_MAX, &unit_len);
	if (unit == NULL || !identity_unit_is_valid((const char *)unit, unit_len))
		return RC_FORMAT;
	memcpy(h->unit, unit, unit_len);
	h->compartment = reader_u8(r);
	h->epoch = (uint32_t)reader_varint_max(r, UINT32_MAX);
	h->directory_seq = reader_varint(r);
	reader_copy(r, h->directory_head, sizeof h->directory_head);
	if (r->bad || h->compartment > COMPARTMENT_MAX)
		return RC_FORMAT;
	if ((rc = read_ranges(r, h)) != RC_OK)
		return rc;
	(void)reader_take(r, SEALED_KEY_BYTES + SEAL_NONCE_BYTES);
	h->context_len = r->pos;
	(void)reader_take(r, COMMITMENT_BYTES);
	length = reader_varint(r);
	if (r->bad || length < CIPHERTEXT_MIN)
		return RC_FORMAT;
	if (length > FRAME_CIPHERTEXT_MAX)
		return RC_LIMIT;
	h->header_len = r->pos;
	h->ciphertext_len = (size_t)length;
	return RC_OK;
}

/* Do the places that the header names lie in these bytes? */
static bool
fits(const struct frame_header *h, size_t len)
{
	return len <= FRAME_MAX && h->ciphertext_len >= CIPHERTEXT_MIN &&
	    h->ciphertext_len <= FRAME_CIPHERTEXT_MAX &&
	    h->context_len > SEALED_KEY_BYTES + SEAL_NONCE_BYTES &&
	    h->header_len <= FRAME_MAX && h->context_len + COMMITMENT_BYTES < h->header_len &&
	    len == h->header_len + SEAL_SIGNATURE_BYTES + h->ciphertext_len;
}

enum rc
frame_read(const uint8_t *p, size_t len, struct frame_header *out)
{
	struct reader r;
	enum rc rc;

	memset(out, 0, sizeof *out);
	if (len > FRAME_MAX)
		return RC_LIMIT;
	reader_init(&r, p, len);
	rc = read_header(&r, out);
	if (rc == RC_OK && !fits(out, len))
		rc = RC_FORMAT;
	if (rc != RC_OK) {
		frame_header_reset(out);
		return rc;
	}
	frame_id(p, len, out->id);
	return RC_OK;
}

enum rc
frame_verify(const struct frame_header *h, const uint8_t *p, size_t len,
    const uint8_t sign_public[32])
{
	uint8_t digests[2 * HASH_BYTES];

	if (!fits(h, len))
		return RC_FORMAT;
	signed_digests(p, h->header_len, p + h->header_len + SEAL_SIGNATURE_BYTES,
	    h->ciphertext_len, digests);
	return seal_verify(sign_public, "field-frame-1", digests, sizeof digests,
	    p + h->header_len);
}

/* Cut the padding off; there is exactly one for each cargo. */
static enum rc
unpad(const struct bytes *padded, size_t *len)
{
	size_t i = padded->len;

	while (i > 0 && padded->data[i - 1] == 0)
		i--;
	if (i == 0 || padded->data[i - 1] != PAD_MARK || padded_size(i - 1) != padded->len)
		return RC_FORMAT;
	*len = i - 1;
	return RC_OK;
}

enum rc
frame_open(const struct frame_header *h, const uint8_t *p, size_t len,
    const uint8_t scope_public[32], const struct secret *scope_secret, struct bytes *cargo)
{
	struct secret *k0 = NULL, *keys = NULL;
	struct bytes padded = { 0 };
	const uint8_t *nonce;
	uint8_t ad[HASH_BYTES];
	size_t cargo_len = 0;
	enum rc rc;

	if (!fits(h, len))
		return RC_FORMAT;
	nonce = p + h->context_len - SEAL_NONCE_BYTES;
	rc = seal_box_open(scope_public, scope_secret, nonce - SEALED_KEY_BYTES,
	    SEALED_KEY_BYTES, &k0);
	if (rc != RC_OK || (rc = derive_keys(k0, p, h->context_len, &keys)) != RC_OK)
		goto out;
	if (!seal_equal(secret_bytes(keys) + KEY_BYTES, p + h->context_len, COMMITMENT_BYTES)) {
		rc = RC_AUTH;
		goto out;
	}
	digest_of(ad, sizeof ad, "field-frame-ad-1", p, h->header_len);
	rc = seal_decrypt(secret_bytes(keys), nonce, ad, sizeof ad,
	    p + h->header_len + SEAL_SIGNATURE_BYTES, h->ciphertext_len, &padded);
	if (rc != RC_OK || (rc = unpad(&padded, &cargo_len)) != RC_OK)
		goto out;
	bytes_put(cargo, padded.data, cargo_len);
	rc = cargo->rc;
out:
	secret_free(k0);
	secret_free(keys);
	bytes_wipe(&padded);
	return rc;
}
