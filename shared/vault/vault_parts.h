#ifndef SHARED_VAULT_VAULT_PARTS_H
#define SHARED_VAULT_VAULT_PARTS_H

/* vault_parts: the inside of an open vault, for the files of vault alone. */
#include <stdbool.h>

#include "shared/base/files.h"
#include "shared/base/rc.h"
#include "shared/vault/keyslots.h"
#include "shared/vault/vault_internal.h"

struct secret;
struct sqlite3;
struct vault_vfs;

#define VAULT_DB_NAME "vault.db"

struct vault {
	char dir[FILES_PATH_MAX];
	struct file_lock *lock;
	struct keyslots slots;
	struct secret *master;
	struct vault_vfs *vfs;
	struct sqlite3 *db;
	bool upgraded;		/* by this opening: the copy from before stays until the next */
	bool backing_up;	/* the database's file must stay as it is (vault_backup) */
};

/* ---- vault_place.c ---- */

/* Is there a vault?  No folder holds none; what one that was never finished left is none. */
enum rc vault_look(const char *dir, bool *there, struct error *err) RC_CHECK;
/* A vault that holds the folder's lock and nothing else yet; vault_close frees it. */
enum rc vault_hold_folder(const char *dir, struct vault **out, struct error *err) RC_CHECK;
/*
 * Mark the folder as one where a vault is being made.  RC_EXISTS: there is one.  What
 * an earlier attempt left is cleared away.  The lock is held.
 */
enum rc vault_make_place(const char *dir, struct error *err) RC_CHECK;
/* It is a vault now: its key file is there. */
void vault_made(const char *dir);
/* Or it did not become one: close it, and clear its place for the next try. */
void vault_unmake(struct vault *v);

/* ---- vault.c, vault_slots.c ---- */

/* Fill in what `kdf` leaves open, and put the passphrase into the slots. */
enum rc vault_put_passphrase(const struct vault *v, struct keyslots *slots,
    const struct secret *passphrase, struct vault_kdf kdf, struct error *err) RC_CHECK;
/* A VFS for a database of this name in the folder; v->slots and v->master are known. */
enum rc vault_make_vfs(struct vault *v, const char *name, struct vault_bench bench,
    struct error *err) RC_CHECK;

#endif
