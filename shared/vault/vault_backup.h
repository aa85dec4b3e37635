#ifndef SHARED_VAULT_VAULT_BACKUP_H
#define SHARED_VAULT_VAULT_BACKUP_H

/*
 * vault_backup: a whole vault in one sealed file (formats.md, "Backup of a vault"),
 * made while the vault is worked with, and a vault made from it.
 *
 * From begin to end the database's file stands still: whatever is saved goes to the
 * WAL, and nothing of that is in the backup.
 */
#include <stdbool.h>

#include "shared/base/bytes.h"
#include "shared/base/rc.h"

struct file_stream;
struct secret;
struct vault;
struct vault_backup;

/* RC_BUSY: one is being made already, or a transaction is open. */
enum rc vault_backup_begin(struct vault *v, struct vault_backup **out, struct error *err) RC_CHECK;
/*
 * Append the next piece, about a megabyte, to out.  Nothing else may use the vault
 * meanwhile, but between two calls it may.  *more: call again.
 * RC_DAMAGED: a page is not what was written.
 */
enum rc vault_backup_next(struct vault_backup *b, struct bytes *out, bool *more,
    struct error *err) RC_CHECK;
/* At the end, or instead of it.  NULL is allowed. */
void vault_backup_end(struct vault_backup *b);

/*
 * Make a vault in dir of a backup, read from its beginning, opened by a passphrase or (by_code)
 * a recovery code of its time.  All of it is checked before anything is made.
 * RC_EXISTS: there is a vault.  RC_FORMAT: not a backup.  RC_DAMAGED: cut or changed.
 * RC_NEWER.  RC_AUTH.
 */
struct vault_backup_source {
	const char *path;
	const struct secret *key;
	bool by_code;
};
enum rc vault_backup_restore(const char *dir, struct vault_backup_source from,
    struct error *err) RC_CHECK;

#endif
