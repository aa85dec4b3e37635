#ifndef SHARED_VAULT_WAL_CHECK_H
#define SHARED_VAULT_WAL_CHECK_H

/*
 * wal_check: tells a damaged WAL from one that a power cut left unfinished.
 * SQLite's recovery ends at the first frame that does not fit and drops all
 * behind it without a word.  A transaction is only begun when the one before is
 * synced, so a power cut leaves at most one commit frame behind the first bad
 * block; two in an unbroken run are acknowledged data (formats.md, "Vault blocks").
 * Damage to the very last transaction, or to the commit before it, cannot be told from
 * a power cut.
 */
#include <stdbool.h>
#include <stdint.h>

#include "shared/base/rc.h"

struct block_file;

struct wal_check {
	int64_t sound;		/* frames that recovery will take */
	int64_t frames;		/* frames that the file has room for */
	bool damaged;
};

/* SQLITE_OK, or the error of the layer below. */
int wal_check_run(struct block_file *wal, struct wal_check *out) RC_CHECK;

#endif
