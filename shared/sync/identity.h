#ifndef SHARED_SYNC_IDENTITY_H
#define SHARED_SYNC_IDENTITY_H

/*
 * identity: who signs.  Device keys, invitations, certificates, and the file
 * that carries an invitation (formats.md "Directory", "Invitation file").
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "shared/base/bytes.h"
#include "shared/base/rc.h"

struct secret;

enum {
	IDENTITY_ID_BYTES = 16,
	IDENTITY_UNIT_MAX = 16,
	IDENTITY_NAME_MAX = 200,	/* bytes of a holder's name */
	IDENTITY_SEALED_NAME_MAX = 400,
	IDENTITY_INVITATION_MAX = 256,
	IDENTITY_CERTIFICATE_MAX = 1200,
	IDENTITY_CODE_BYTES = 20,
	IDENTITY_URL_MAX = 255,
	IDENTITY_PIN_MAX = 127,
	IDENTITY_SECRETS_MAX = 1024,	/* scope secrets in an invitation file */
	IDENTITY_ITEMS_MAX = 65536,	/* statements, shares, certificates, each */
	IDENTITY_FILE_MAX = 16 << 20
};

enum identity_role {
	ROLE_COMMUNICATOR, ROLE_CASEWORKER, ROLE_SUPERVISOR, ROLE_ANALYST,
	ROLE_HOLDER, ROLE_RELAY, ROLE_COUNT
};
/* The English word of commands.md, "unknown" beyond the table. */
const char *identity_role_name(enum identity_role role);
/* False, and *out the first role, when it is none of the words. */
bool identity_role_parse(const char *name, enum identity_role *out);

/* Unit codes: 1..16 of [0-9A-Za-z._-]. */
bool identity_unit_is_valid(const char *unit, size_t len);
/* A `text` as formats.md has it: clean UTF-8 in normal form C.  Empty is allowed. */
bool identity_text_is_valid(const uint8_t *p, size_t len);

/* The keys of a device. */
struct identity {
	struct secret *sign_seed;	/* Ed25519 seed */
	struct secret *box_key;		/* X25519 scalar */
	uint8_t sign_public[32];
	uint8_t box_public[32];
	uint8_t device[IDENTITY_ID_BYTES];
};
/* New random keys.  *out is the caller's to reset; zeroes on failure. */
enum rc identity_make(struct identity *out) RC_CHECK;
/* From stored secrets of 32 bytes each; takes both, also when it fails. */
enum rc identity_load(struct secret *sign_seed, struct secret *box_key,
    struct identity *out) RC_CHECK;
void identity_reset(struct identity *id);
void identity_device_id(const uint8_t sign_public[32], uint8_t out[IDENTITY_ID_BYTES]);

struct invitation {
	uint8_t id[IDENTITY_ID_BYTES];
	uint8_t public_key[32];
	char unit[IDENTITY_UNIT_MAX + 1];
	enum identity_role role;
	int64_t not_before, not_after;
};
void identity_invitation_id(const uint8_t public_key[32], uint8_t out[IDENTITY_ID_BYTES]);
/* Append the signed invitation.  inv->id is not read: it follows from the key.  RC_INVALID. */
enum rc identity_invitation_sign(const struct secret *root_seed,
    const struct invitation *inv, struct bytes *out) RC_CHECK;
/* RC_FORMAT, RC_AUTH (not signed by this root), RC_NEWER.  *out is zeroes on failure. */
enum rc identity_invitation_read(const uint8_t *p, size_t len,
    const uint8_t root_public[32], struct invitation *out) RC_CHECK;

struct certificate {
	struct invitation invitation;
	uint8_t device[IDENTITY_ID_BYTES];
	uint8_t sign_public[32];
	uint8_t box_public[32];
	int64_t joined_at;
	uint8_t sealed_name[IDENTITY_SEALED_NAME_MAX];
	size_t sealed_name_len;
};
/*
 * Make the device's certificate with the invitation's one-use key and append it.
 * sealed_name: the holder's name in a sealed box to the unit's activities scope.
 * RC_LIMIT: too long.  RC_AUTH: the seed is not that of the invitation.
 */
enum rc identity_certificate_make(const struct identity *device,
    const uint8_t *invitation, size_t invitation_len, const struct secret *invitation_seed,
    int64_t joined_at, const uint8_t *sealed_name, size_t sealed_name_len,
    struct bytes *out) RC_CHECK;
/*
 * Checks root -> invitation -> device, and that the device has the keys it
 * names.  Dates are for the relay to judge.  RC_FORMAT, RC_AUTH, RC_NEWER; *out is
 * zeroes on failure.
 */
enum rc identity_certificate_read(const uint8_t *p, size_t len,
    const uint8_t root_public[32], struct certificate *out) RC_CHECK;
/*
 * Grammar only, no signature: for bytes that identity_certificate_read accepted
 * before and that nobody else could change since (the vault).
 */
enum rc identity_certificate_parse(const uint8_t *p, size_t len,
    struct certificate *out) RC_CHECK;

/* The invitation file: what travels inside it. */
struct scope_secret {
	char unit[IDENTITY_UNIT_MAX + 1];
	unsigned compartment;
	uint32_t epoch;
	struct secret *key;
};
struct invitation_parcel {
	uint8_t province[8];		/* set by identity_parcel_open */
	uint8_t id[IDENTITY_ID_BYTES];	/* likewise */
	struct bytes invitation;
	struct secret *seed;
	char name[IDENTITY_NAME_MAX + 1];
	char url[IDENTITY_URL_MAX + 1];
	char pin[IDENTITY_PIN_MAX + 1];
	struct scope_secret *secrets;
	size_t n_secrets;
	struct bytes *statements;
	size_t n_statements;
	struct bytes *shares;		/* payloads of share items (type 5) */
	size_t n_shares;
	struct bytes *certificates;
	size_t n_certificates;
};
/* Free and wipe everything in it; all zero afterwards. */
void identity_parcel_reset(struct invitation_parcel *p);
/*
 * Append the file, sealed under the code (20 bytes).  RC_INVALID: a text or a scope
 * that is none.  RC_LIMIT: more than IDENTITY_FILE_MAX.
 */
enum rc identity_parcel_seal(const struct invitation_parcel *p, const uint8_t province[8],
    const uint8_t id[16], const struct secret *code, struct bytes *file) RC_CHECK;
/*
 * RC_FORMAT: not an invitation or damaged in its frame.  RC_AUTH: wrong code or
 * changed bytes.  RC_LIMIT: a file of more than IDENTITY_FILE_MAX.  RC_NEWER.
 * The seed inside belongs to the invitation inside, and both to `id`.  The
 * invitation itself, the statements, shares and certificates are not judged here:
 * feed the statements to a directory pinned to `province`, then check the invitation
 * with identity_invitation_read under that directory's root.
 */
enum rc identity_parcel_open(const uint8_t *file, size_t len, const struct secret *code,
    struct invitation_parcel *out, struct error *err) RC_CHECK;

#endif
