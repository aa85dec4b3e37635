#include "shared/sync/identity.h"

#include <stdlib.h>
#include <string.h>

#include "shared/base/text.h"
#include "shared/sync/seal.h"
#include "shared/vault/digest.h"
#include "shared/vault/secret.h"

enum {
	VERSION = 1,
	KEY_BYTES = 32
};

static const char *const ROLES[ROLE_COUNT] = {
	[ROLE_COMMUNICATOR] = "communicator",
	[ROLE_CASEWORKER] = "caseworker",
	[ROLE_SUPERVISOR] = "supervisor",
	[ROLE_ANALYST] = "analyst",
	[ROLE_HOLDER] = "holder",
	[ROLE_RELAY] = "relay"
};

const char *
identity_role_name(enum identity_role role)
{
	return (unsigned)role < ROLE_COUNT ? ROLES[role] : "unknown";
}

bool
identity_role_parse(const char *name, enum identity_role *out)
{
	*out = ROLE_COMMUNICATOR;
	for (unsigned i = 0; i < ROLE_COUNT; i++) {
		if (strcmp(name, ROLES[i]) == 0) {
			*out = (enum identity_role)i;
			return true;
		}
	}
	return false;
}

bool
identity_unit_is_valid(const char *unit, size_t len)
{
	if (len == 0 || len > IDENTITY_UNIT_MAX)
		return false;
	for (size_t i = 0; i < len; i++) {
		char c = unit[i];

		if (!((c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') ||
		    (c >= 'a' && c <= 'z') || c == '.' || c == '_' || c == '-'))
			return false;
	}
	return true;
}

bool
identity_text_is_valid(const uint8_t *p, size_t len)
{
	char *nfc = NULL;
	bool ascii = true, same;

	if (len == 0)
		return true;
	if (!text_is_clean((const char *)p, len))
		return false;
	for (size_t i = 0; i < len; i++)
		ascii = ascii && p[i] < 0x80;
	if (ascii)
		return true;
	same = text_nfc((const char *)p, len, &nfc) == RC_OK && strlen(nfc) == len &&
	    memcmp(nfc, p, len) == 0;
	free(nfc);
	return same;
}

void
identity_device_id(const uint8_t sign_public[32], uint8_t out[IDENTITY_ID_BYTES])
{
	digest_of(out, IDENTITY_ID_BYTES, "field-device-1", sign_public, KEY_BYTES);
}

void
identity_invitation_id(const uint8_t public_key[32], uint8_t out[IDENTITY_ID_BYTES])
{
	digest_of(out, IDENTITY_ID_BYTES, "field-invitation-1", public_key, KEY_BYTES);
}

enum rc
identity_load(struct secret *sign_seed, struct secret *box_key, struct identity *out)
{
	enum rc rc;

	memset(out, 0, sizeof *out);
	out->sign_seed = sign_seed;
	out->box_key = box_key;
	rc = seal_sign_keys(sign_seed, out->sign_public);
	if (rc == RC_OK)
		rc = seal_box_keys(box_key, out->box_public);
	if (rc != RC_OK) {
		identity_reset(out);
		return rc;
	}
	identity_device_id(out->sign_public, out->device);
	return RC_OK;
}

enum rc
identity_make(struct identity *out)
{
	struct secret *sign_seed = NULL, *box_key = NULL;
	enum rc rc;

	memset(out, 0, sizeof *out);
	rc = secret_random(KEY_BYTES, &sign_seed);
	if (rc == RC_OK)
		rc = secret_random(KEY_BYTES, &box_key);
	if (rc != RC_OK) {
		secret_free(sign_seed);
		return rc;
	}
	return identity_load(sign_seed, box_key, out);
}

void
identity_reset(struct identity *id)
{
	secret_free(id->sign_seed);
	secret_free(id->box_key);
	memset(id, 0, sizeof *id);
}

/* ---- invitations ---- */

static bool
invitation_is_valid(const struct invitation *inv)
{
	return (unsigned)inv->role < ROLE_COUNT && inv->not_before <= inv->not_after &&
	    identity_unit_is_valid(inv->unit, strnlen(inv->unit, sizeof inv->unit));
}

enum rc
identity_invitation_sign(const struct secret *root_seed, const struct invitation *inv,
    struct bytes *out)
{
	struct bytes body = { 0 };
	uint8_t signature[SEAL_SIGNATURE_BYTES];
	enum rc rc;

	if (!invitation_is_valid(inv))
		return RC_INVALID;
	bytes_u8(&body, VERSION);
	bytes_put(&body, inv->public_key, sizeof inv->public_key);
	bytes_span(&body, inv->unit, strlen(inv->unit));
	bytes_u8(&body, (uint8_t)inv->role);
	bytes_zigzag(&body, inv->not_before);
	bytes_zigzag(&body, inv->not_after);
	rc = body.rc;
	if (rc == RC_OK)
		rc = seal_sign(root_seed, "field-invitation-1", body.data, body.len, signature);
	if (rc == RC_OK) {
		bytes_put(&body, signature, sizeof signature);
		if ((rc = body.rc) == RC_OK)
			bytes_put(out, body.data, body.len);
	}
	bytes_reset(&body);
	return rc != RC_OK ? rc : out->rc;
}

static enum rc
read_version(struct reader *r)
{
	uint8_t version = reader_u8(r);

	if (r->bad || version == 0)
		return RC_FORMAT;
	return version > VERSION ? RC_NEWER : RC_OK;
}

static bool
read_unit(struct reader *r, char out[IDENTITY_UNIT_MAX + 1])
{
	size_t len;
	const uint8_t *p = reader_span(r, IDENTITY_UNIT_MAX, &len);

	if (p == NULL || !identity_unit_is_valid((const char *)p, len))
		return false;
	memcpy(out, p, len);
	out[len] = '\0';
	return true;
}

/* Grammar alone; the signature stands at p + len - 64. */
static enum rc
parse_invitation(const uint8_t *p, size_t len, struct invitation *out)
{
	struct reader r;
	unsigned role;
	enum rc rc;

	if (len > IDENTITY_INVITATION_MAX)
		return RC_FORMAT;
	reader_init(&r, p, len);
	if ((rc = read_version(&r)) != RC_OK)
		return rc;
	reader_copy(&r, out->public_key, sizeof out->public_key);
	if (!read_unit(&r, out->unit))
		return RC_FORMAT;
	role = reader_u8(&r);
	out->not_before = reader_zigzag(&r);
	out->not_after = reader_zigzag(&r);
	(void)reader_take(&r, SEAL_SIGNATURE_BYTES);
	if (!reader_done(&r) || role >= ROLE_COUNT)
		return RC_FORMAT;
	out->role = (enum identity_role)role;
	if (!invitation_is_valid(out))
		return RC_FORMAT;
	identity_invitation_id(out->public_key, out->id);
	return RC_OK;
}

static enum rc
verify_tail(const uint8_t public_key[32], const char *label, const uint8_t *p, size_t len)
{
	return seal_verify(public_key, label, p, len - SEAL_SIGNATURE_BYTES,
	    p + len - SEAL_SIGNATURE_BYTES);
}

enum rc
identity_invitation_read(const uint8_t *p, size_t len, const uint8_t root_public[32],
    struct invitation *out)
{
	enum rc rc;

	memset(out, 0, sizeof *out);
	rc = parse_invitation(p, len, out);
	if (rc == RC_OK)
		rc = verify_tail(root_public, "field-invitation-1", p, len);
	if (rc != RC_OK)
		memset(out, 0, sizeof *out);
	return rc;
}

/* ---- certificates ---- */

/* The seed must be that of the invitation, or the certificate would be void. */
static enum rc
check_seed(const uint8_t *invitation, size_t len, const struct secret *seed,
    struct invitation *inv)
{
	uint8_t public_key[KEY_BYTES];
	enum rc rc = parse_invitation(invitation, len, inv);

	if (rc == RC_OK)
		rc = seal_sign_keys(seed, public_key);
	if (rc == RC_OK && memcmp(public_key, inv->public_key, KEY_BYTES) != 0)
		rc = RC_AUTH;
	return rc;
}

static enum rc
append_signature(const struct secret *seed, const char *label, struct bytes *body)
{
	uint8_t signature[SEAL_SIGNATURE_BYTES];
	enum rc rc = body->rc;

	if (rc == RC_OK)
		rc = seal_sign(seed, label, body->data, body->len, signature);
	if (rc == RC_OK) {
		bytes_put(body, signature, sizeof signature);
		rc = body->rc;
	}
	return rc;
}

enum rc
identity_certificate_make(const struct identity *device, const uint8_t *invitation,
    size_t invitation_len, const struct secret *invitation_seed, int64_t joined_at,
    const uint8_t *sealed_name, size_t sealed_name_len, struct bytes *out)
{
	struct invitation inv = { 0 };
	struct bytes body = { 0 };
	enum rc rc;

	if (sealed_name_len > IDENTITY_SEALED_NAME_MAX)
		return RC_LIMIT;
	if ((rc = check_seed(invitation, invitation_len, invitation_seed, &inv)) != RC_OK)
		return rc;
	bytes_u8(&body, VERSION);
	bytes_span(&body, invitation, invitation_len);
	bytes_put(&body, device->sign_public, KEY_BYTES);
	bytes_put(&body, device->box_public, KEY_BYTES);
	bytes_zigzag(&body, joined_at);
	bytes_span(&body, sealed_name, sealed_name_len);
	rc = append_signature(invitation_seed, "field-certificate-1", &body);
	if (rc == RC_OK)
		rc = append_signature(device->sign_seed, "field-possession-1", &body);
	if (rc == RC_OK) {
		bytes_put(out, body.data, body.len);
		rc = out->rc;
	}
	bytes_reset(&body);
	return rc;
}

/* *invitation points at the invitation's bytes inside p. */
static enum rc
parse_certificate(const uint8_t *p, size_t len, struct certificate *out,
    const uint8_t **invitation, size_t *invitation_len)
{
	struct reader r;
	const uint8_t *name;
	enum rc rc;

	if (len > IDENTITY_CERTIFICATE_MAX)
		return RC_FORMAT;
	reader_init(&r, p, len);
	if ((rc = read_version(&r)) != RC_OK)
		return rc;
	*invitation = reader_span(&r, IDENTITY_INVITATION_MAX, invitation_len);
	if (*invitation == NULL)
		return RC_FORMAT;
	rc = parse_invitation(*invitation, *invitation_len, &out->invitation);
	if (rc != RC_OK)
		return rc;
	reader_copy(&r, out->sign_public, KEY_BYTES);
	reader_copy(&r, out->box_public, KEY_BYTES);
	out->joined_at = reader_zigzag(&r);
	name = reader_span(&r, IDENTITY_SEALED_NAME_MAX, &out->sealed_name_len);
	(void)reader_take(&r, 2 * (size_t)SEAL_SIGNATURE_BYTES);
	if (name == NULL || !reader_done(&r))
		return RC_FORMAT;
	memcpy(out->sealed_name, name, out->sealed_name_len);
	identity_device_id(out->sign_public, out->device);
	return RC_OK;
}

enum rc
identity_certificate_parse(const uint8_t *p, size_t len, struct certificate *out)
{
	const uint8_t *invitation;
	size_t invitation_len;
	enum rc rc;

	memset(out, 0, sizeof *out);
	rc = parse_certificate(p, len, out, &invitation, &invitation_len);
	if (rc != RC_OK)
		memset(out, 0, sizeof *out);
	return rc;
}

enum rc
identity_certificate_read(const uint8_t *p, size_t len, const uint8_t root_public[32],
    struct certificate *out)
{
	const uint8_t *invitation = NULL;
	size_t invitation_len = 0;
	enum rc rc;

	memset(out, 0, sizeof *out);
	rc = parse_certificate(p, len, out, &invitation, &invitation_len);
	if (rc == RC_OK)
		rc = verify_tail(root_public, "field-invitation-1", invitation, invitation_len);
	if (rc == RC_OK)
		rc = verify_tail(out->invitation.public_key, "field-certificate-1", p,
		    len - SEAL_SIGNATURE_BYTES);
	if (rc == RC_OK)
		rc = verify_tail(out->sign_public, "field-possession-1", p, len);
	/* Nothing could ever be sealed to such a key: it would stop a rotation. */
	if (rc == RC_OK && !seal_box_public_is_valid(out->box_public))
		rc = RC_AUTH;
	if (rc != RC_OK)
		memset(out, 0, sizeof *out);
	return rc;
}
