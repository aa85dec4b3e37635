#ifndef SHARED_VAULT_VAULT_DB_H
#define SHARED_VAULT_VAULT_DB_H

/*
 * vault_db: SQLite on top of vault_vfs: the connection with its settings, the
 * check of everything, and SQLite's errors as ours.
 */
#include <stdbool.h>

#include "shared/base/rc.h"
#include "shared/vault/vault_vfs_rules.h"

struct sqlite3;
struct vault_vfs;

/*
 * Open the database of a VFS, recover and empty its WAL.  create: there must be
 * none; else there must be one, and an absent or empty file is RC_DAMAGED.
 */
enum rc vault_db_open(struct vault_vfs *vfs, bool create, const struct vault_vfs_rules *rules,
    struct sqlite3 **out, struct error *err) RC_CHECK;
/*
 * NULL is allowed.  false: somebody forgot to finalise a statement; the
 * connection lives on until that is done, and so must its VFS.
 */
bool vault_db_close(struct sqlite3 *db) RC_CHECK;

/* See vault_verify and vault_rc_of_sqlite in vault.h. */
enum rc vault_db_verify(struct sqlite3 *db, struct error *err) RC_CHECK;
enum rc vault_db_rc(struct sqlite3 *db, int sqlite_rc, const char *doing,
    struct error *err) RC_CHECK;

#endif
