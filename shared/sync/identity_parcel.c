/* The invitation file: formats.md "Invitation file". */
#include "shared/sync/identity.h"

#include <stdlib.h>
#include <string.h>

#include "shared/sync/seal.h"
#include "shared/vault/digest.h"
#include "shared/vault/secret.h"

enum {
	VERSION = 1,
	KEY_BYTES = 32,
	PROVINCE_BYTES = 8,
	COMPARTMENT_MAX = 2,
	HEAD_BYTES = 3 + PROVINCE_BYTES + IDENTITY_ID_BYTES + SEAL_NONCE_BYTES,
	SCOPE_MAX = 1 + IDENTITY_UNIT_MAX + 1 + 5 + KEY_BYTES,
	VARINT_MAX = 10
};

static void
reset_items(struct bytes *items, size_t n)
{
	for (size_t i = 0; items != NULL && i < n; i++)
		bytes_reset(&items[i]);
	free(items);
}

void
identity_parcel_reset(struct invitation_parcel *p)
{
	bytes_reset(&p->invitation);
	secret_free(p->seed);
	for (size_t i = 0; p->secrets != NULL && i < p->n_secrets; i++)
		secret_free(p->secrets[i].key);
	free(p->secrets);
	reset_items(p->statements, p->n_statements);
	reset_items(p->shares, p->n_shares);
	reset_items(p->certificates, p->n_certificates);
	memset(p, 0, sizeof *p);
}

/* ---- seal ---- */

static bool
text_is_fine(const char *s, size_t size)
{
	size_t len = strnlen(s, size);

	return len < size && identity_text_is_valid((const uint8_t *)s, len);
}

static size_t
items_size(const struct bytes *items, size_t n)
{
	size_t size = VARINT_MAX;

	for (size_t i = 0; i < n && size <= IDENTITY_FILE_MAX; i++)
		size += VARINT_MAX + items[i].len;
	return size;
}

static enum rc
check_parcel(const struct invitation_parcel *p, size_t *payload_max)
{
	*payload_max = 0;
	if (!text_is_fine(p->name, sizeof p->name) || !text_is_fine(p->url, sizeof p->url) ||
	    !text_is_fine(p->pin, sizeof p->pin) || secret_len(p->seed) != KEY_BYTES)
		return RC_INVALID;
	if (p->n_secrets > IDENTITY_SECRETS_MAX || p->n_statements > IDENTITY_ITEMS_MAX ||
	    p->n_shares > IDENTITY_ITEMS_MAX || p->n_certificates > IDENTITY_ITEMS_MAX ||
	    p->invitation.len > IDENTITY_INVITATION_MAX)
		return RC_LIMIT;
	for (size_t i = 0; i < p->n_secrets; i++) {
		const struct scope_secret *s = &p->secrets[i];

		if (s->compartment > COMPARTMENT_MAX || secret_len(s->key) != KEY_BYTES ||
		    !identity_unit_is_valid(s->unit, strnlen(s->unit, sizeof s->unit)))
			return RC_INVALID;
	}
	*payload_max = VARINT_MAX * 5 + p->invitation.len + KEY_BYTES + sizeof p->name +
	    sizeof p->url + sizeof p->pin + p->n_secrets * SCOPE_MAX +
	    items_size(p->statements, p->n_statements) + items_size(p->shares, p->n_shares) +
	    items_size(p->certificates, p->n_certificates);
	return RC_OK;
}

static void
put_text(struct bytes *out, const char *s)
{
	bytes_span(out, s, strlen(s));
}

static void
put_items(struct bytes *out, const struct bytes *items, size_t n)
{
	bytes_varint(out, n);
	for (size_t i = 0; i < n; i++)
		bytes_span(out, items[i].data, items[i].len);
}

/* The room was taken at once: a buffer that grows leaves copies of the keys behind. */
static enum rc
write_payload(const struct invitation_parcel *p, size_t max, struct bytes *out)
{
	if (bytes_room(out, max) == NULL)
		return out->rc;
	bytes_span(out, p->invitation.data, p->invitation.len);
	bytes_put(out, secret_bytes(p->seed), KEY_BYTES);
	put_text(out, p->name);
	put_text(out, p->url);
	put_text(out, p->pin);
	bytes_varint(out, p->n_secrets);
	for (size_t i = 0; i < p->n_secrets; i++) {
		const struct scope_secret *s = &p->secrets[i];

		put_text(out, s->unit);
		bytes_u8(out, (uint8_t)s->compartment);
		bytes_varint(out, s->epoch);
		bytes_put(out, secret_bytes(s->key), KEY_BYTES);
	}
	put_items(out, p->statements, p->n_statements);
	put_items(out, p->shares, p->n_shares);
	put_items(out, p->certificates, p->n_certificates);
	return out->rc;
}

static enum rc
file_key(const struct secret *code, const uint8_t id[16], struct secret **out)
{
	struct digest d;
	enum rc rc;

	*out = NULL;
	if (secret_len(code) != IDENTITY_CODE_BYTES)
		return RC_AUTH;
	if ((rc = secret_new(KEY_BYTES, out)) != RC_OK)
		return rc;
	digest_start(&d, KEY_BYTES, secret_bytes(code), secret_len(code),
	    "field-invitation-key-1");
	digest_put(&d, id, IDENTITY_ID_BYTES);
	digest_end(&d, secret_data(*out));
	return RC_OK;
}

enum rc
identity_parcel_seal(const struct invitation_parcel *p, const uint8_t province[8],
    const uint8_t id[16], const struct secret *code, struct bytes *file)
{
	struct bytes head = { 0 }, payload = { 0 };
	struct secret *key = NULL;
	uint8_t nonce[SEAL_NONCE_BYTES];
	size_t max;
	enum rc rc;

	if ((rc = check_parcel(p, &max)) != RC_OK ||
	    (rc = write_payload(p, max, &payload)) != RC_OK)
		goto out;
	if (payload.len > IDENTITY_FILE_MAX - HEAD_BYTES - SEAL_TAG_BYTES) {
		rc = RC_LIMIT;
		goto out;
	}
	if ((rc = file_key(code, id, &key)) != RC_OK)
		goto out;
	secret_random_bytes(nonce, sizeof nonce);
	bytes_text(&head, "FI");
	bytes_u8(&head, VERSION);
	bytes_put(&head, province, PROVINCE_BYTES);
	bytes_put(&head, id, IDENTITY_ID_BYTES);
	bytes_put(&head, nonce, sizeof nonce);
	if ((rc = head.rc) != RC_OK)
		goto out;
	if (bytes_room(file, head.len + payload.len + SEAL_TAG_BYTES) == NULL) {
		rc = file->rc;
		goto out;
	}
	bytes_put(file, head.data, head.len);
	rc = seal_encrypt(secret_bytes(key), nonce, head.data, head.len, payload.data,
	    payload.len, file);
out:
	bytes_wipe(&payload);
	bytes_reset(&head);
	secret_free(key);
	return rc;
}

/* ---- open ---- */

static bool
read_text(struct reader *r, char *out, size_t size)
{
	size_t len;
	const uint8_t *p = reader_span(r, size - 1, &len);

	if (p == NULL || !identity_text_is_valid(p, len))
		return false;
	memcpy(out, p, len);
	out[len] = '\0';
	return true;
}

static enum rc
read_secret(struct reader *r, struct secret **out)
{
	const uint8_t *p = reader_take(r, KEY_BYTES);

	*out = NULL;
	return p == NULL ? RC_FORMAT : secret_from(p, KEY_BYTES, out);
}

static enum rc
read_secrets(struct reader *r, struct invitation_parcel *out)
{
	size_t n = (size_t)reader_varint_max(r, IDENTITY_SECRETS_MAX);
	enum rc rc;

	if (r->bad || n > reader_left(r) / KEY_BYTES)
		return RC_FORMAT;
	if (n == 0)
		return RC_OK;
	if ((out->secrets = calloc(n, sizeof *out->secrets)) == NULL)
		return RC_NOMEM;
	out->n_secrets = n;
	for (size_t i = 0; i < n; i++) {
		struct scope_secret *s = &out->secrets[i];
		size_t len;
		const uint8_t *unit = reader_span(r, IDENTITY_UNIT_MAX, &len);

		if (unit == NULL || !identity_unit_is_valid((const char *)unit, len))
			return RC_FORMAT;
		memcpy(s->unit, unit, len);
		s->compartment = reader_u8(r);
		s->epoch = (uint32_t)reader_varint_max(r, UINT32_MAX);
		if (r->bad || s->compartment > COMPARTMENT_MAX)
			return RC_FORMAT;
		if ((rc = read_secret(r, &s->key)) != RC_OK)
			return rc;
	}
	return RC_OK;
}

static enum rc
read_items(struct reader *r, struct bytes **items, size_t *n_out)
{
	size_t n = (size_t)reader_varint_max(r, IDENTITY_ITEMS_MAX);

	if (r->bad || n > reader_left(r))
		return RC_FORMAT;
	if (n == 0)
		return RC_OK;
	if ((*items = calloc(n, sizeof **items)) == NULL)
		return RC_NOMEM;
	*n_out = n;
	for (size_t i = 0; i < n; i++) {
		size_t len;
		const uint8_t *p = reader_span(r, IDENTITY_FILE_MAX, &len);

		if (p == NULL)
			return RC_FORMAT;
		bytes_put(&(*items)[i], p, len);
		if ((*items)[i].rc != RC_OK)
			return (*items)[i].rc;
	}
	return RC_OK;
}

/* The seed is that of the invitation, whose key (behind its version) gives the id. */
static enum rc
check_seed(const struct invitation_parcel *p)
{
	uint8_t public_key[KEY_BYTES], id[IDENTITY_ID_BYTES];
	enum rc rc = seal_sign_keys(p->seed, public_key);

	if (rc != RC_OK)
		return rc;
	identity_invitation_id(public_key, id);
	if (p->invitation.len <= KEY_BYTES || memcmp(id, p->id, sizeof id) != 0 ||
	    memcmp(p->invitation.data + 1, public_key, KEY_BYTES) != 0)
		return RC_FORMAT;
	return RC_OK;
}

static enum rc
read_payload(const struct bytes *payload, struct invitation_parcel *out)
{
	struct reader r;
	const uint8_t *invitation;
	size_t len;
	enum rc rc;

	reader_init(&r, payload->data, payload->len);
	if ((invitation = reader_span(&r, IDENTITY_INVITATION_MAX, &len)) == NULL)
		return RC_FORMAT;
	bytes_put(&out->invitation, invitation, len);
	if ((rc = out->invitation.rc) != RC_OK || (rc = read_secret(&r, &out->seed)) != RC_OK)
		return rc;
	if (!read_text(&r, out->name, sizeof out->name) ||
	    !read_text(&r, out->url, sizeof out->url) ||
	    !read_text(&r, out->pin, sizeof out->pin))
		return RC_FORMAT;
	if ((rc = read_secrets(&r, out)) != RC_OK ||
	    (rc = read_items(&r, &out->statements, &out->n_statements)) != RC_OK ||
	    (rc = read_items(&r, &out->shares, &out->n_shares)) != RC_OK ||
	    (rc = read_items(&r, &out->certificates, &out->n_certificates)) != RC_OK)
		return rc;
	return reader_done(&r) ? check_seed(out) : RC_FORMAT;
}

static enum rc
read_head(const uint8_t *file, size_t len, struct invitation_parcel *out)
{
	if (len < 3 || memcmp(file, "FI", 2) != 0 || file[2] == 0)
		return RC_FORMAT;
	if (file[2] > VERSION)
		return RC_NEWER;
	if (len < HEAD_BYTES + SEAL_TAG_BYTES)
		return RC_FORMAT;
	memcpy(out->province, file + 3, PROVINCE_BYTES);
	memcpy(out->id, file + 3 + PROVINCE_BYTES, IDENTITY_ID_BYTES);
	return RC_OK;
}

static enum rc
describe(enum rc rc, struct error *err)
{
	switch ((int)rc) {
	case RC_OK:
		return rc;
	case RC_FORMAT:
		return error_set(err, rc, NULL, "ask for the file again",
		    "this is not an invitation, or it is damaged");
	case RC_AUTH:
		return error_set(err, rc, NULL, "compare the code with the paper, letter by letter",
		    "the code does not open this invitation");
	case RC_NEWER:
		return error_set(err, rc, NULL, "install the newest version",
		    "the invitation was made by a newer program");
	case RC_LIMIT:
		return error_set(err, rc, NULL, NULL, "the file is too large for an invitation");
	default:
		return error_set(err, rc, NULL, NULL, "cannot read the invitation: %s", rc_name(rc));
	}
}

enum rc
identity_parcel_open(const uint8_t *file, size_t len, const struct secret *code,
    struct invitation_parcel *out, struct error *err)
{
	struct bytes payload = { 0 };
	struct secret *key = NULL;
	enum rc rc;

	memset(out, 0, sizeof *out);
	rc = len > IDENTITY_FILE_MAX ? RC_LIMIT : read_head(file, len, out);
	if (rc != RC_OK || (rc = file_key(code, out->id, &key)) != RC_OK)
		goto out;
	rc = seal_decrypt(secret_bytes(key), file + HEAD_BYTES - SEAL_NONCE_BYTES, file,
	    HEAD_BYTES, file + HEAD_BYTES, len - HEAD_BYTES, &payload);
	if (rc == RC_OK)
		rc = read_payload(&payload, out);
out:
	bytes_wipe(&payload);
	secret_free(key);
	if (rc != RC_OK)
		identity_parcel_reset(out);
	return describe(rc, err);
}
