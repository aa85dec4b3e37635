#ifndef SHARED_SYNC_SEAL_H
#define SHARED_SYNC_SEAL_H

/*
 * seal: the public-key and sealing operations of sync; with identity the only
 * file above the vault that calls libsodium.  Byte layouts: formats.md.
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

/* Ed25519.  The secret is the 32-byte seed. */
enum rc seal_sign_keys(const struct secret *seed, uint8_t public_key[32]) RC_CHECK;
/* Signs label ‖ data. */
enum rc seal_sign(const struct secret *seed, const char *label, const void *data,
    size_t len, uint8_t signature[64]) RC_CHECK;
/* RC_AUTH: does not hold (small-order keys and non-canonical S included). */
enum rc seal_verify(const uint8_t public_key[32], const char *label, const void *data,
    size_t len, const uint8_t signature[64]) RC_CHECK;

/* X25519 sealed boxes.  The secret is the 32-byte scalar. */
enum rc seal_box_keys(const struct secret *key, uint8_t public_key[32]) RC_CHECK;
enum rc seal_box(const uint8_t public_key[32], const void *data, size_t len,
    struct bytes *out) RC_CHECK;
/* RC_AUTH.  *out is a secret of len - 48 bytes. */
enum rc seal_box_open(const uint8_t public_key[32], const struct secret *key,
    const uint8_t *p, size_t len, struct secret **out) RC_CHECK;

/* XChaCha20-Poly1305 under a 32-byte key; nonce of the caller (random, once). */
enum rc seal_encrypt(const uint8_t key[32], const uint8_t nonce[24], const void *ad,
    size_t ad_len, const void *data, size_t len, struct bytes *out) RC_CHECK;
enum rc seal_decrypt(const uint8_t key[32], const uint8_t nonce[24], const void *ad,
    size_t ad_len, const uint8_t *p, size_t len, struct bytes *out) RC_CHECK;

/* Padmé (formats.md "Frame"): the padded size for a length. */
size_t seal_padme(size_t len);

#endif
