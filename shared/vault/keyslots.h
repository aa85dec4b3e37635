#ifndef SHARED_VAULT_KEYSLOTS_H
#define SHARED_VAULT_KEYSLOTS_H

/*
 * keyslots: the grammar and the cryptography of a key file (formats.md, "Key
 * file").  Each slot opens the same vault master key by other means.  No files
 * here: key_file keeps the two copies.
 */
#include <stddef.h>
#include <stdint.h>

#include "shared/base/bytes.h"
#include "shared/base/rc.h"
#include "shared/vault/vault.h"

struct secret;

enum {
	KEYSLOTS_MAX = 16,
	KEYSLOTS_BYTES_MAX = 8192,	/* longer is no key file of this version */
	KEYSLOTS_SALT_BYTES = 16,
	KEYSLOTS_COMMIT_BYTES = 32,
	KEYSLOTS_NONCE_BYTES = 24,
	KEYSLOTS_SEALED_BYTES = 48,	/* 32 and a tag */
	KEYSLOTS_BOX_BYTES = 80		/* 32 in a sealed box */
};

enum keyslot_type { KEYSLOT_PASSPHRASE = 1, KEYSLOT_RECOVERY = 2, KEYSLOT_ESCROW = 3 };

struct keyslot {
	enum keyslot_type type;
	uint8_t number;			/* tells slots of one type apart */
	uint8_t salt[KEYSLOTS_SALT_BYTES];
	struct vault_kdf kdf;		/* passphrase */
	uint8_t escrow_public[32];	/* escrow */
	uint8_t escrow_box[KEYSLOTS_BOX_BYTES];
	uint8_t commit[KEYSLOTS_COMMIT_BYTES];
	uint8_t nonce[KEYSLOTS_NONCE_BYTES];
	uint8_t sealed[KEYSLOTS_SEALED_BYTES];
};

struct keyslots {
	uint8_t vault_id[VAULT_ID_BYTES];
	uint64_t generation;		/* one more at each change */
	size_t n;
	struct keyslot slots[KEYSLOTS_MAX];	/* ascending by type, then number */
};

/*
 * Parse a key file.  Whether it is genuine only keyslots_check can tell.
 * RC_NEWER: a whole key file of a later version.  RC_DAMAGED: anything else
 * that is not a key file; *out is then empty.
 */
enum rc keyslots_parse(const uint8_t *p, size_t len, struct keyslots *out) RC_CHECK;
/* Was this key file made by someone who had the master key?  RC_DAMAGED if not. */
enum rc keyslots_check(const uint8_t *p, size_t len, const struct secret *master) RC_CHECK;
/* The bytes of a key file, appended to out. */
enum rc keyslots_print(const struct keyslots *k, const struct secret *master,
    struct bytes *out) RC_CHECK;

/*
 * Are Argon2id parameters within the limits of vault.h?  RC_LIMIT.  Zeroes are
 * not; keyslots_calibrate replaces them, measuring this computer.
 */
enum rc keyslots_kdf_check(const struct vault_kdf *kdf) RC_CHECK;
enum rc keyslots_calibrate(struct vault_kdf *kdf) RC_CHECK;
/* Argon2id of a passphrase and a salt (KEYSLOTS_SALT_BYTES) into out, of SECRET_KEY_BYTES. */
enum rc keyslots_stretch(const struct secret *passphrase, const uint8_t *salt,
    const struct vault_kdf *kdf, struct secret *out) RC_CHECK;

/* Add a slot, or replace the one of its type (and, for escrow, public key). */
enum rc keyslots_put_passphrase(struct keyslots *k, const struct secret *passphrase,
    struct vault_kdf kdf, const struct secret *master) RC_CHECK;
enum rc keyslots_put_recovery(struct keyslots *k, const struct secret *code,
    const struct secret *master) RC_CHECK;
/* RC_INVALID: not a usable X25519 public key. */
enum rc keyslots_put_escrow(struct keyslots *k, const uint8_t escrow_public[32],
    const struct secret *master) RC_CHECK;

/*
 * Open the master key.  RC_AUTH: it does not fit any slot of that type, or
 * there is none.  RC_NOMEM: Argon2id did not get its memory.
 */
enum rc keyslots_open_passphrase(const struct keyslots *k, const struct secret *passphrase,
    struct secret **master) RC_CHECK;
enum rc keyslots_open_recovery(const struct keyslots *k, const struct secret *code,
    struct secret **master) RC_CHECK;
enum rc keyslots_open_escrow(const struct keyslots *k, const uint8_t escrow_public[32],
    const struct secret *escrow_secret, struct secret **master) RC_CHECK;

/* A subkey of the master key. */
enum rc keyslots_subkey(const struct secret *master, enum vault_purpose purpose,
    struct secret **out) RC_CHECK;

#endif
