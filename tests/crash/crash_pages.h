#ifndef TESTS_CRASH_CRASH_PAGES_H
#define TESTS_CRASH_CRASH_PAGES_H

/*
 * crash_pages: one number for all pages of a database in clear.  What was there at a commit
 * and what comes back after a cut must have the same one: nothing half-applied.
 */
#include <stdbool.h>
#include <stdint.h>

struct crash_disk;
struct sqlite3;

/* As the connection sees them now, in its WAL and cache as well; 0: they cannot be read. */
uint64_t crash_pages_seen(struct sqlite3 *db);
/*
 * As they lie in vault.db behind an empty WAL, read through the vault's VFS; a page whose
 * sealed bytes are shared with another copy of the disk is opened once only.
 * SQLITE_OK, or the error of the read.
 */
int crash_pages_stored(struct sqlite3 *db, const struct crash_disk *disk, uint64_t *out);

#endif
