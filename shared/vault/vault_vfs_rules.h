#ifndef SHARED_VAULT_VAULT_VFS_RULES_H
#define SHARED_VAULT_VAULT_VFS_RULES_H

/*
 * vault_vfs_rules: switches that break one rule of architecture section 4 each,
 * so that a test can show that the rule is needed.  All false is how a vault works;
 * of the programs only vault_salvage sets some, to get at what is left of a damaged one.
 */
#include <stdbool.h>

struct vault_vfs_rules {
	bool promise_powersafe;		/* report POWERSAFE_OVERWRITE, 512-byte sectors */
	bool trust_pages;		/* a page that does not authenticate reads as zeroes */
	bool strict_wal;		/* a WAL block that does not authenticate is an error */
	bool no_header;			/* no constant header when page 1 is torn */
	bool no_checkpoint_at_open;
	bool no_damage_check;		/* recover whatever stands before the first bad block */
	bool tight_slots;		/* slots without room between them */
	bool reuse_wal;			/* begin a new WAL over the old one's frames */
	bool hide_errors;		/* errors of reads and syncs below become success */
	bool keep_reserved;		/* reserved bytes read as they lie on the disk */
	bool seal_in_place;		/* encrypt in SQLite's own buffer */

	/* These break no rule. */
	bool few_blocks;		/* small transactions do what only large ones do else: two
					   blocks of a WAL in memory */
	const char *mend;		/* a damaged database is opened by page_mend, whose sql this is;
					   nothing is written.  Borrowed */
};

#endif
