#ifndef SHARED_VAULT_VAULT_REKEY_H
#define SHARED_VAULT_VAULT_REKEY_H

/*
 * vault_rekey: a new master key, and with it new keys for every file, new slots and a new
 * recovery code.  Whoever had learned the old master key, or an old copy of the key file and
 * what opens it, can no longer read what the folder holds.
 *
 * The database is written anew beside the old one (vault.db.new), under the new keys.  Then the
 * key file is replaced, and with that it is done; then the new database is written over the
 * old one.  A power cut in between is settled at the next opening: the database whose first page
 * opens under the master key of the key file is the right one (formats.md, "New keys").
 */
#include "shared/base/rc.h"
#include "shared/vault/vault.h"
#include "shared/vault/vault_internal.h"

struct secret;
struct vault;

/* Wrap again what the database holds wrapped: read with `from`, store in `to`, within a transaction. */
struct vault_rewrap {
	enum rc (*run)(struct vault *from, struct vault *to, struct error *err);	/* or NULL */
};

/*
 * passphrase: the one to open with from now on; kdf of zeroes: as the slot has it now.  rewrap must
 * know all that is wrapped in the database.  *recovery: the new code.  On success v is the vault
 * under its new keys.
 * On failure without a code everything is as before.  On failure with a code the new keys are on
 * the disk, or it cannot be told whether they are: the code is to be kept, and v can only be
 * closed; the next opening finishes it, or takes it back.
 * RC_BUSY: a backup is being made, or a statement is open.  RC_FULL: no room for a second database.
 * RC_EXISTS: copies of damaged files are there, which would stay under the old keys.
 */
enum rc vault_rekey(struct vault *v, const struct secret *passphrase, struct vault_kdf kdf,
    struct vault_rewrap rewrap, struct secret **recovery, struct error *err) RC_CHECK;

/*
 * Before the database of an opened key file is opened: is it under these keys?  Finish or clear
 * away what a power cut left of a rekey, and make both copies of the key file the same.
 * RC_DAMAGED: nothing in the database opens under these keys; nothing was changed.
 */
enum rc vault_rekey_settle(struct vault *v, struct vault_bench bench, struct error *err) RC_CHECK;

#endif
