#ifndef SHARED_VAULT_VAULT_FILE_H
#define SHARED_VAULT_VAULT_FILE_H

/*
 * vault_file: one file that SQLite has opened through vault_vfs, as
 * sqlite3_io_methods of version 1.  The database is sealed page by page where
 * it lies; pages in a row are held back and written together, at a sync at the
 * latest, so that what fails (a full disk) may fail then.  Every other file is a
 * block_file.  Result codes are SQLite's: those of the layer below come through,
 * a quota that is used up as SQLITE_FULL.
 */
#include "shared/base/rc.h"
#include "shared/vault/block_file.h"
#include "shared/vault/vault_vfs_rules.h"

struct sqlite3_file;
struct sqlite3_vfs;

/* The bytes of a sqlite3_file of this kind, with the one below behind it (szOsFile). */
int vault_file_bytes(const struct sqlite3_vfs *below);

/*
 * As xOpen.  Takes over key, on failure too; rules must outlive the file.
 * On failure pMethods is NULL and nothing is left open.
 */
int vault_file_open(struct sqlite3_file *file, struct block_key *key,
    const struct vault_vfs_rules *rules, struct sqlite3_vfs *below, const char *name, int flags,
    int *out_flags) RC_CHECK;

/* The slots behind a file; NULL for the database. */
struct block_file *vault_file_blocks(struct sqlite3_file *file);

/*
 * A page of the database as it lies on the disk, whatever stands in for it (page_mend), and how
 * many there are, with those that were cut off: they are SQLITE_IOERR_SHORT_READ.
 */
int vault_file_true_page(struct sqlite3_file *file, int64_t page, uint8_t out[BLOCK_SIZE]) RC_CHECK;
int vault_file_true_pages(struct sqlite3_file *file, int64_t *out) RC_CHECK;

#endif
