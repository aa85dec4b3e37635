#ifndef SHARED_VAULT_DIGEST_H
#define SHARED_VAULT_DIGEST_H

/*
 * digest: BLAKE2b, the one hash of the project (formats.md "Conventions").
 * Opens nothing and holds no key of its own, so the relay may use it too.
 */
#include <stddef.h>
#include <stdint.h>

enum { DIGEST_BYTES_MAX = 64 };

struct digest {
	_Alignas(64) uint8_t state[384];
	size_t len;
};

/* Start a hash of len (1..64) bytes with a label; key may be NULL, else 16..64 bytes. */
void digest_start(struct digest *d, size_t len, const uint8_t *key, size_t key_len,
    const char *label);
void digest_put(struct digest *d, const void *p, size_t len);
void digest_u8(struct digest *d, uint8_t v);
void digest_u64(struct digest *d, uint64_t v);
void digest_varint(struct digest *d, uint64_t v);
/* varint length, then the bytes, as a span */
void digest_span(struct digest *d, const void *p, size_t len);
/* Writes the len bytes given at the start, and wipes the state. */
void digest_end(struct digest *d, uint8_t *out);

/* label and one piece */
void digest_of(uint8_t *out, size_t out_len, const char *label, const void *p, size_t len);

#endif
