#ifndef SHARED_VAULT_KEY_FILE_H
#define SHARED_VAULT_KEY_FILE_H

/*
 * key_file: the two copies of a vault's key file, vault.key (A) and vault.key.b
 * (B).  A is written completely before B is touched, so that one of them is
 * whole at every moment.  Who calls holds the vault's lock.
 */
#include <stdbool.h>

#include "shared/base/files.h"
#include "shared/base/rc.h"
#include "shared/vault/keyslots.h"

#define KEY_FILE_A "vault.key"
#define KEY_FILE_B "vault.key.b"
#define KEY_FILE_NEW_A KEY_FILE_A FILES_BESIDE	/* how their leftovers begin */
#define KEY_FILE_NEW_B KEY_FILE_B FILES_BESIDE

struct secret;

/* One way to open a slot; ctx belongs to whoever asks. */
struct key_file_opener {
	enum rc (*open)(const struct keyslots *k, const void *ctx, struct secret **master);
	const void *ctx;
};

/*
 * Take the newest copy that authenticates.  Nothing is written: a copy of another time fits a
 * secret of that time, and only the database tells that it is not the one (key_file_mend).
 * RC_NOTFOUND: neither copy is there.  RC_DAMAGED: neither is a key file, or
 * none authenticates.  RC_NEWER: a copy of a later version.  RC_AUTH: the opener
 * does not fit, or fits only a copy that was replaced.
 */
enum rc key_file_read(const char *dir, struct key_file_opener opener, struct keyslots *out,
    struct secret **master, struct error *err) RC_CHECK;

/*
 * Once the database is known to be under this key: write these slots over the copy that differs
 * from them, if one does.  One good copy is enough to work with, so that a failure is none.
 */
void key_file_mend(const char *dir, const struct keyslots *k, const struct secret *master);

/* Write both copies; refuses (RC_EXISTS) if there is one. */
enum rc key_file_create(const char *dir, struct keyslots *k, const struct secret *master,
    struct error *err) RC_CHECK;
/* Write both copies as they were, of a vault that is put back.  RC_EXISTS. */
enum rc key_file_put_back(const char *dir, const uint8_t *raw, size_t len, struct error *err) RC_CHECK;
/*
 * Replace both copies with the next generation.  k->generation grows even on
 * failure: the first copy may have been written.  RC_NOTFOUND: neither is there
 * any more, and nothing was written.
 */
enum rc key_file_replace(const char *dir, struct keyslots *k, const struct secret *master,
    struct error *err) RC_CHECK;
/*
 * After a replacement by slots of this generation failed: do the old ones stand, or can they be
 * put back?  If not, either may be what the next opening finds.
 */
bool key_file_take_back(const char *dir, struct keyslots *old, const struct secret *master,
    uint64_t generation) RC_CHECK;

/* Remove what writes that were cut short left behind: copies whose slots may be replaced one day. */
void key_file_sweep(const char *dir);

/* Overwrite both copies, and such leftovers, where they lie, then remove them.  Absent ones are fine. */
enum rc key_file_destroy(const char *dir, struct error *err) RC_CHECK;

#endif
