#ifndef SHARED_VAULT_BLOCK_FILE_H
#define SHARED_VAULT_BLOCK_FILE_H

/*
 * block_file: seals what stands in the files of a vault (formats.md, "Vault
 * pages" and "Vault blocks").  XChaCha20-Poly1305 with a fresh random nonce at
 * every write; the associated data are the file's id and the position.
 *
 * Functions that stand between SQLite and the disk return SQLite's own int
 * codes, because every error of the layer below must arrive above unchanged.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "shared/base/rc.h"

struct secret;
struct sqlite3_file;

enum {
	BLOCK_SIZE = 4096,		/* a page, and the clear part of a slot */
	BLOCK_LOCK_PAGE = (1 << 30) / BLOCK_SIZE,	/* from 0: SQLite never writes it */
	BLOCK_OVERHEAD = 40,		/* nonce 24, tag 16 */
	BLOCK_PAGE_TEXT = BLOCK_SIZE - BLOCK_OVERHEAD,
	BLOCK_SLOT_TEXT = BLOCK_SIZE + 2,	/* with the count of bytes in use */
	BLOCK_SLOT = 4608,		/* a multiple of 512: no two share a sector */
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

/*
 * A file of slots: any bytes at any offset, as SQLite writes its WAL, journals
 * and temporary files.  Blocks that were written or read lately are kept in clear,
 * and wiped in the end.  What is written is held back until block_file_flush, or until
 * its place is needed; so a block is sealed once however often it changes, and what
 * fails (a full disk) may fail then.
 */
struct block_file;

struct block_file_options {
	bool zeroes;	/* a slot that does not authenticate reads as zeroes
			   (WAL, journal); else it is SQLITE_IOERR_DATA */
	bool ahead;	/* (WAL) slots of zeroes are laid out before they are needed, and
			   many blocks are kept in memory */
	int slot;	/* 0: BLOCK_SLOT; others only in tests */
	int kept;	/* blocks in memory; 0: as many as do good; others only in tests */
};

/* Both are borrowed and must outlive the block_file.  SQLITE_NOMEM or below's error. */
int block_file_new(struct block_key *key, struct sqlite3_file *below,
    struct block_file_options options, struct block_file **out) RC_CHECK;
/* Wipes; what is held back is lost: flush first. */
void block_file_free(struct block_file *f);

/* As xRead: SQLITE_IOERR_SHORT_READ with the rest zeroed past the end. */
int block_file_read(struct block_file *f, void *buf, int n, int64_t offset) RC_CHECK;
int block_file_write(struct block_file *f, const void *buf, int n, int64_t offset) RC_CHECK;
int block_file_truncate(struct block_file *f, int64_t size) RC_CHECK;
/* Hand down what is held back; the caller syncs. */
int block_file_flush(struct block_file *f) RC_CHECK;
int64_t block_file_size(const struct block_file *f);

#endif
