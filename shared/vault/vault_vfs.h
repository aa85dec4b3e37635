#ifndef SHARED_VAULT_VAULT_VFS_H
#define SHARED_VAULT_VAULT_VFS_H

/*
 * vault_vfs: a SQLite VFS that seals every file that SQLite opens for one vault
 * (architecture section 4).  Each open vault registers a VFS of its own under a
 * random name; its keys hang on that object and nowhere else.
 *
 *   database       pages of 4,096 bytes sealed in place, 40 bytes reserved
 *   WAL, journal   slots of 4,608 bytes (block_file)
 *   temporary      the same, under keys that exist only in memory
 *
 * Any other file (ATTACH, VACUUM INTO, a super-journal) is refused.
 */
#include <stdbool.h>
#include <stdint.h>

#include "shared/base/rc.h"
#include "shared/vault/block_file.h"
#include "shared/vault/vault_vfs_rules.h"

struct secret;
struct sqlite3_vfs;
struct vault_vfs;

/*
 * files_key: the VAULT_FILES subkey, copied.  db_path: the database's path.
 * below: the VFS that does the work, NULL for the system's.
 */
enum rc vault_vfs_new(const struct secret *files_key, const uint8_t vault_id[BLOCK_ID_BYTES],
    const char *db_path, struct sqlite3_vfs *below, const struct vault_vfs_rules *rules,
    struct vault_vfs **out) RC_CHECK;
/* Unregister and wipe.  All its connections must be closed. */
void vault_vfs_free(struct vault_vfs *vfs);

/* For sqlite3_open_v2: name of the VFS, and path of the database. */
const char *vault_vfs_name(const struct vault_vfs *vfs);
const char *vault_vfs_path(const struct vault_vfs *vfs);
/* The one that does the work. */
struct sqlite3_vfs *vault_vfs_below(const struct vault_vfs *vfs);

/*
 * The database's file by itself, in whole pages, while no connection has it open.
 * SQLite's codes.  Close takes NULL.
 */
int vault_vfs_open_database(struct vault_vfs *vfs, bool create, struct sqlite3_file **out) RC_CHECK;
int vault_vfs_close_database(struct sqlite3_file *file) RC_CHECK;

/* Size of the database file in bytes; RC_NOTFOUND if it is not there. */
enum rc vault_vfs_database_size(struct vault_vfs *vfs, int64_t *size, struct error *err) RC_CHECK;

/*
 * What opens under this VFS's keys, and is not empty: the first page of the database's file, any
 * of its pages, any block of its WAL?  A power cut may have torn the first page and others with it.
 * RC_NOTFOUND: there is no database; the WAL was looked at.
 */
struct vault_vfs_ours {
	bool first, pages, wal;
};
enum rc vault_vfs_find_ours(struct vault_vfs *vfs, struct vault_vfs_ours *out,
    struct error *err) RC_CHECK;

/*
 * Look at the WAL before SQLite does: RC_DAMAGED when whole transactions lie
 * behind a place where recovery would end (wal_check).  A missing WAL is fine.
 */
enum rc vault_vfs_check_wal(struct vault_vfs *vfs, struct error *err) RC_CHECK;

#endif
