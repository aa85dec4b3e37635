#ifndef TESTS_CRASH_CRASH_CALLS_H
#define TESTS_CRASH_CRASH_CALLS_H

/*
 * crash_calls: the operating system under the program, for the folders in CRASH_ROOT, each of
 * which is a disk of its own: a SQLite VFS, which is the default one from crash_calls_start
 * on, and the calls of files_posix.c (open, rename, fsync ...), which the linker leads here
 * (--wrap).  So the code of the programs runs as it is, and nothing in them knows of a test.
 * All else goes to the real system.  The stretching of passphrases is led here too, and is
 * made cheap.
 */
#include <stdbool.h>
#include <stdint.h>

#define CRASH_ROOT "/sim/"
#define CRASH_FOLDER CRASH_ROOT "v"

enum { CRASH_DISKS_MAX = 128, CRASH_FOLDER_MAX = 32 };

struct crash_disk;

/* The database that a rekey writes; its WAL begins so, too. */
#define CRASH_NEW "vault.db.new"

/* Switches that break one rule of the key file, or of new keys, each. */
struct crash_calls_rules {
	bool no_file_sync;		/* a new key file is not synced before it is renamed */
	bool no_folder_sync;		/* nor the folder after it */
	bool first_copy_unsynced;	/* the second is begun before the first is safe */
	bool write_in_place;		/* no file beside it and no rename */
	bool one_copy;			/* the second copy is never written again */
	bool no_overwrite;		/* a wipe removes the names only */
	bool new_unsynced;		/* the database of new keys is not synced before they are */
	bool new_name_unsynced;		/* nor its name */
	bool new_unseen;		/* an opening does not look for it */
};

void crash_calls_start(void);
struct sqlite3_vfs *crash_calls_vfs(void);
/* This disk alone is there, as CRASH_FOLDER.  NULL: none; every call fails. */
void crash_calls_use(struct crash_disk *d);
/* The disk in a folder of CRASH_ROOT, by the folder's name; NULL takes it away. */
void crash_calls_mount(const char *folder, struct crash_disk *d);
void crash_calls_break(struct crash_calls_rules rules);
/* From now on the program's randomness follows from this seed. */
void crash_calls_seed(uint64_t seed);

#endif
