#ifndef SHARED_VAULT_VAULT_UPGRADE_H
#define SHARED_VAULT_VAULT_UPGRADE_H

/*
 * vault_upgrade: the numbered migrations of a vault's database.  Before one that
 * holds something is changed, its file is copied as it lies, sealed, to
 * "vault.db.vN" (N: the version that it has).  The copy stays until the new
 * version was opened once more; whoever puts it back in the place of vault.db has
 * the vault as it was (formats.md, "Vault pages").
 */
#include <stdbool.h>

#include "shared/base/rc.h"

struct sqlite3;
struct vault_vfs;

/*
 * See vault_migrate in vault.h.  *upgraded: a vault that was in use was changed by this
 * call, or by an earlier one whose *upgraded is handed in again; its copy stays then.
 * RC_FULL: no room for the copy, nothing was changed.
 */
enum rc vault_upgrade_run(struct vault_vfs *vfs, struct sqlite3 *db, const char *sql,
    bool *upgraded, struct error *err) RC_CHECK;

#endif
