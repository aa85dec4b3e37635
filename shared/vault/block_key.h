#ifndef SHARED_VAULT_BLOCK_KEY_H
#define SHARED_VAULT_BLOCK_KEY_H

/*
 * block_key: seals what stands in the files of a vault (formats.md, "Vault pages" and "Vault
 * blocks").  XChaCha20-Poly1305 with a fresh random nonce at every write; the associated
 * data are the file's id and the position.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "shared/base/rc.h"

struct secret;

enum {
	BLOCK_OVERHEAD = 40,		/* nonce 24, tag 16 */
	BLOCK_ID_BYTES = 16
};

/* Which file of a vault; its number is part of the file's key. */
enum block_kind {
	BLOCK_DATABASE = 1,
	BLOCK_WAL = 2,
	BLOCK_JOURNAL = 3,
	BLOCK_BACKUP = 4	/* of the subkey for backups, with a salt for the vault's id */
};

/* The key and id of one file, and a pool of nonces.  For one thread at a time. */
struct block_key;
enum rc block_key_new(const struct secret *files_key, const uint8_t vault_id[BLOCK_ID_BYTES],
    enum block_kind kind, struct block_key **out) RC_CHECK;
/* For a temporary file: a key that exists only in memory. */
enum rc block_key_random(struct block_key **out) RC_CHECK;
void block_key_free(struct block_key *key);

/* Seal len bytes at a position; out takes len + BLOCK_OVERHEAD and may not overlap. */
void block_seal(struct block_key *key, uint64_t position, const uint8_t *in, size_t len,
    uint8_t *out);
/* Open what block_seal wrote; len is the clear length.  false: not authentic. */
bool block_unseal(const struct block_key *key, uint64_t position, const uint8_t *in,
    size_t len, uint8_t *out) RC_CHECK;

#endif
