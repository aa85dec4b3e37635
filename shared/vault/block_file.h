#ifndef SHARED_VAULT_BLOCK_FILE_H
#define SHARED_VAULT_BLOCK_FILE_H

/*
 * block_file: a file of slots, each sealed (block_key.h): any bytes at any offset, as
 * SQLite writes its WAL, journals and temporary files.  Blocks that were written or
 * read lately are kept in clear, and wiped in the end.  What is written is held back
 * until block_file_flush, or until its place is needed; so a block is sealed once
 * however often it changes, and what fails (a full disk) may fail then.
 *
 * It stands between SQLite and the disk, so results are SQLite's own int codes: every
 * error of the layer below must arrive above unchanged.
 */
#include "shared/vault/block_key.h"

struct sqlite3_file;

enum {
	BLOCK_SIZE = 4096,		/* a page, and the clear part of a slot */
	BLOCK_LOCK_PAGE = (1 << 30) / BLOCK_SIZE,	/* from 0: SQLite never writes it */
	BLOCK_PAGE_TEXT = BLOCK_SIZE - BLOCK_OVERHEAD,
	BLOCK_SLOT_TEXT = BLOCK_SIZE + 2,	/* with the count of bytes in use */
	BLOCK_SLOT = 4608		/* a multiple of 512: no two share a sector */
};

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

/*
 * Is it a WAL of other keys, in slots of BLOCK_SLOT?  Then many slots were written whole, and not one
 * opens.  A power cut in the first transaction leaves slots with sectors that were never written, or few.
 */
int block_file_is_foreign(struct block_file *f, bool *out) RC_CHECK;

#endif
