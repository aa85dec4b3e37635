#ifndef SHARED_SYNC_SEAL_H
#define SHARED_SYNC_SEAL_H

/*
 * seal: the public-key and sealing operations of sync; with identity the only
 * file above the vault that calls libsodium.  Byte layouts: formats.md.
 *
 * Sizes are in bytes.  What is produced is appended to `out`; when a call
 * fails, nothing was appended.  Every function may return RC_NOMEM; a secret
 * of the wrong length is RC_INTERNAL.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "shared/base/bytes.h"
#include "shared/base/rc.h"

struct secret;

enum {
	SEAL_PUBLIC_BYTES = 32,
	SEAL_SIGNATURE_BYTES = 64,
	SEAL_BOX_OVERHEAD = 48,
	SEAL_NONCE_BYTES = 24,
	SEAL_TAG_BYTES = 16
};

/* Ed25519 (RFC 8032).  The secret is the 32-byte seed. */
enum rc seal_sign_keys(const struct secret *seed, uint8_t public_key[32]) RC_CHECK;
/* Signs label ‖ data.  The label (ASCII) keeps one use from passing for another. */
enum rc seal_sign(const struct secret *seed, const char *label, const void *data,
    size_t len, uint8_t signature[64]) RC_CHECK;
/* RC_AUTH: does not hold (small-order keys and non-canonical S included). */
enum rc seal_verify(const uint8_t public_key[32], const char *label, const void *data,
    size_t len, const uint8_t signature[64]) RC_CHECK;

/* X25519 sealed boxes (crypto_box_seal).  The secret is the 32-byte scalar. */
enum rc seal_box_keys(const struct secret *key, uint8_t public_key[32]) RC_CHECK;
/* False for a small-order public key: nothing can be sealed to it. */
bool seal_box_public_is_valid(const uint8_t public_key[32]);
/* Appends len + 48 bytes.  RC_AUTH: a small-order public key. */
enum rc seal_box(const uint8_t public_key[32], const void *data, size_t len,
    struct bytes *out) RC_CHECK;
/*
 * *out is a secret of len - 48 bytes.  RC_AUTH: not sealed to this key, changed,
 * or empty.  RC_LIMIT: more than SECRET_MAX.
 */
enum rc seal_box_open(const uint8_t public_key[32], const struct secret *key,
    const uint8_t *p, size_t len, struct secret **out) RC_CHECK;

/*
 * XChaCha20-Poly1305 under a 32-byte key; nonce of the caller (random, once).
 * Appends len + 16 bytes.
 */
enum rc seal_encrypt(const uint8_t key[32], const uint8_t nonce[24], const void *ad,
    size_t ad_len, const void *data, size_t len, struct bytes *out) RC_CHECK;
/* Appends len - 16 bytes.  RC_AUTH. */
enum rc seal_decrypt(const uint8_t key[32], const uint8_t nonce[24], const void *ad,
    size_t ad_len, const uint8_t *p, size_t len, struct bytes *out) RC_CHECK;

/* Are two runs of len bytes equal?  In constant time. */
bool seal_equal(const void *a, const void *b, size_t len);

/*
 * Padmé (formats.md "Frame"): the padded size for a length.  At most 12 % more,
 * so that sizes tell little.  Lengths below 2 or beyond SIZE_MAX / 2 stay as they are.
 */
size_t seal_padme(size_t len);

#endif
