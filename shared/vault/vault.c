#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sqlite3.h>

#include "shared/base/files.h"
#include "shared/vault/key_file.h"
#include "shared/vault/keyslots_wrap.h"
#include "shared/vault/secret.h"
#include "shared/vault/sqlite_memory.h"
#include "shared/vault/vault.h"
#include "shared/vault/vault_db.h"
#include "shared/vault/vault_parts.h"
#include "shared/vault/vault_rekey.h"
#include "shared/vault/vault_upgrade.h"
#include "shared/vault/vault_vfs.h"

#define LOCK_NAME "vault.lock"
#define FILE_PREFIX "vault."
/* There while a vault is being made: without a key file beside it nothing was promised yet. */
#define MAKING_NAME "vault.making"

enum rc
vault_start(void)
{
	enum rc rc = secret_start();

	return rc == RC_OK ? sqlite_memory_start() : rc;
}

/* The lock says nothing, nor does a mark that was cut short. */
static bool
is_of_a_vault(const char *name)
{
	static const char cut[] = MAKING_NAME FILES_BESIDE;

	return strncmp(name, FILE_PREFIX, strlen(FILE_PREFIX)) == 0 && strcmp(name, LOCK_NAME) != 0 &&
	    strncmp(name, cut, sizeof cut - 1) != 0;
}

static enum rc
count_files(const char *dir, size_t *n, struct error *err)
{
	char **names = NULL;
	size_t all = 0;
	enum rc rc;

	*n = 0;
	if (!files_is_dir(dir))
		return RC_OK;
	if ((rc = files_list(dir, &names, &all, err)) != RC_OK)
		return rc;
	for (size_t i = 0; i < all; i++)
		*n += is_of_a_vault(names[i]);
	files_names_free(names, all);
	return RC_OK;
}

static enum rc
remove_files(const char *dir, bool keep_lock, struct error *err)
{
	char path[FILES_PATH_MAX];
	char **names = NULL;
	size_t n = 0;
	enum rc rc, one;

	if ((rc = files_list(dir, &names, &n, err)) != RC_OK)
		return rc;
	for (size_t i = 0; i < n; i++) {
		if (strncmp(names[i], FILE_PREFIX, strlen(FILE_PREFIX)) != 0 ||
		    (keep_lock && strcmp(names[i], LOCK_NAME) == 0))
			continue;
		if ((one = files_join(dir, names[i], path)) == RC_OK)
			one = files_remove(path, err);
		if (rc == RC_OK)
			rc = one;
	}
	files_names_free(names, n);
	return rc;
}

static bool
has_file(const char *dir, const char *name)
{
	char path[FILES_PATH_MAX];

	return files_join(dir, name, path) == RC_OK && files_exists(path);
}

/* Cut short before it was a vault. */
static bool
is_unfinished(const char *dir)
{
	return has_file(dir, MAKING_NAME) && !has_file(dir, KEY_FILE_A) && !has_file(dir, KEY_FILE_B);
}

int
vault_exists(const char *dir)
{
	size_t n = 0;

	/* A folder that cannot be listed is no place for a new vault. */
	return count_files(dir, &n, NULL) != RC_OK || (n > 0 && !is_unfinished(dir));
}

enum rc
vault_hold_folder(const char *dir, struct vault **out, struct error *err)
{
	struct vault *v = NULL;
	char path[FILES_PATH_MAX];
	enum rc rc;

	*out = NULL;
	if (strlen(dir) >= FILES_PATH_MAX || files_join(dir, LOCK_NAME, path) != RC_OK)
		return error_set(err, RC_LIMIT, NULL, "use a shorter path",
		    "the path of the vault is too long");
	if ((rc = vault_start()) != RC_OK)
		return error_set(err, rc, NULL, NULL, "cannot start the vault's libraries");
	if ((v = calloc(1, sizeof *v)) == NULL)
		return RC_NOMEM;
	memcpy(v->dir, dir, strlen(dir) + 1);
	if ((rc = files_lock(path, &v->lock, err)) != RC_OK) {
		free(v);
		return rc;
	}
	*out = v;
	return RC_OK;
}

enum rc
vault_make_vfs(struct vault *v, const char *name, struct vault_bench bench, struct error *err)
{
	struct secret *files_key = NULL;
	char path[FILES_PATH_MAX];
	enum rc rc;

	if ((rc = files_join(v->dir, name, path)) != RC_OK ||
	    (rc = keyslots_subkey(v->master, VAULT_FILES, &files_key)) != RC_OK)
		goto out;
	rc = vault_vfs_new(files_key, v->slots.vault_id, path, bench.below, bench.rules, &v->vfs);
	if (rc != RC_OK)
		rc = error_set(err, rc, path, NULL, "cannot prepare the database");
out:
	secret_free(files_key);
	return rc;
}

/* v->master and v->slots are known. */
static enum rc
open_database(struct vault *v, bool create, struct vault_bench bench, struct error *err)
{
	enum rc rc = vault_make_vfs(v, VAULT_DB_NAME, bench, err);

	return rc == RC_OK ? vault_db_open(v->vfs, create, bench.rules, &v->db, err) : rc;
}

/* What goes into the slots of a new vault. */
struct creation {
	const struct secret *master;		/* NULL: a random one */
	const struct secret *passphrase;	/* NULL: no slots */
	struct vault_kdf kdf;
	const uint8_t *escrow_public;
	struct secret **recovery;
};

static enum rc
fill_slots(struct vault *v, struct creation how, struct error *err)
{
	enum rc rc;

	secret_random_bytes(v->slots.vault_id, sizeof v->slots.vault_id);
	rc = how.master == NULL ? secret_random(SECRET_KEY_BYTES, &v->master) :
	    secret_from(secret_bytes(how.master), SECRET_KEY_BYTES, &v->master);
	if (rc != RC_OK || how.passphrase == NULL)
		return rc;
	if ((rc = vault_put_passphrase(v, &v->slots, how.passphrase, how.kdf, err)) != RC_OK)
		return rc;
	if ((rc = secret_random(VAULT_RECOVERY_BYTES, how.recovery)) != RC_OK ||
	    (rc = keyslots_put_recovery(&v->slots, *how.recovery, v->master)) != RC_OK)
		return rc;
	if (how.escrow_public != NULL &&
	    (rc = keyslots_put_escrow(&v->slots, how.escrow_public, v->master)) != RC_OK)
		return error_set(err, rc, NULL,
		    "ask the province for another invitation",
		    "the authority's recovery key cannot be used");
	return RC_OK;
}

/* No vault there; what one that was never finished left is cleared away.  Our lock is held. */
enum rc
vault_make_place(const char *dir, struct error *err)
{
	char path[FILES_PATH_MAX];
	size_t n;
	enum rc rc;

	if ((rc = count_files(dir, &n, err)) != RC_OK || (rc = files_join(dir, MAKING_NAME, path)) != RC_OK)
		return rc;
	if (n > 0 && !is_unfinished(dir))
		return error_set(err, RC_EXISTS, dir, "open it, or wipe it first if it is of no use",
		    "there are files of a vault already");
	if ((rc = remove_files(dir, true, err)) != RC_OK)
		return rc;
	return files_create(path, NULL, 0, err);
}

/* It is a vault now.  If this fails, the mark goes when the vault is opened. */
void
vault_made(const char *dir)
{
	char path[FILES_PATH_MAX];

	if (files_join(dir, MAKING_NAME, path) == RC_OK && files_exists(path) &&
	    files_remove(path, NULL) != RC_OK)
		return;
}

/* The slots before all else: from then on nothing can be opened any more. */
static enum rc
destroy(const char *dir, bool keep_lock, struct error *err)
{
	enum rc rc = key_file_destroy(dir, err), removed = remove_files(dir, keep_lock, err);

	return rc != RC_OK ? rc : removed;
}

void
vault_unmake(struct vault *v)
{
	struct file_lock *lock = v->lock;
	char dir[FILES_PATH_MAX];
	enum rc rc;

	memcpy(dir, v->dir, sizeof dir);
	/* held to the end: what another process makes there next is not ours to remove */
	v->lock = NULL;
	vault_close(v);
	rc = destroy(dir, false, NULL);
	(void)rc;		/* what is left is cleared away by the next try */
	files_unlock(lock);
}

static enum rc
create(const char *dir, struct creation how, struct vault_bench bench, struct vault **out,
    struct error *err)
{
	struct vault *v = NULL;
	bool begun = false;
	enum rc rc;

	*out = NULL;
	if (how.master != NULL && secret_len(how.master) != SECRET_KEY_BYTES)
		return RC_LIMIT;
	if ((rc = files_make_dir(dir, err)) != RC_OK || (rc = vault_hold_folder(dir, &v, err)) != RC_OK ||
	    (rc = vault_make_place(dir, err)) != RC_OK)
		goto out;
	begun = true;
	/* The key file last: with it the vault exists, without it nothing was promised. */
	if ((rc = fill_slots(v, how, err)) != RC_OK ||
	    (rc = open_database(v, true, bench, err)) != RC_OK ||
	    (rc = key_file_create(dir, &v->slots, v->master, err)) != RC_OK)
		goto out;
	vault_made(dir);
	*out = v;
	return RC_OK;
out:
	if (begun)
		vault_unmake(v);
	else
		vault_close(v);
	return rc;
}

enum rc
vault_create(const char *dir, const struct secret *passphrase, struct vault_kdf kdf,
    const uint8_t *escrow_public, struct vault **out, struct secret **recovery,
    struct error *err)
{
	struct creation how = { NULL, passphrase, kdf, escrow_public, recovery };
	struct vault_bench bench = { NULL, NULL };
	enum rc rc;

	*recovery = NULL;
	if ((rc = create(dir, how, bench, out, err)) != RC_OK) {
		secret_free(*recovery);
		*recovery = NULL;
	}
	return rc;
}

enum rc
vault_create_on(const char *dir, const struct secret *master, struct vault_bench bench,
    struct vault **out, struct error *err)
{
	struct creation how = { master, NULL, { 0, 0 }, NULL, NULL };

	return create(dir, how, bench, out, err);
}

enum rc
vault_create_with_master(const char *dir, const struct secret *master, struct vault **out,
    struct error *err)
{
	struct vault_bench bench = { NULL, NULL };

	return vault_create_on(dir, master, bench, out, err);
}

/* SQLite would say less clearly that something else stands in the place of a file. */
static enum rc
check_places(const char *dir, struct error *err)
{
	static const char *const names[] = { VAULT_DB_NAME, VAULT_DB_NAME "-wal",
	    VAULT_DB_NAME "-journal" };
	char path[FILES_PATH_MAX];
	enum rc rc;

	for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
		enum files_kind kind;

		if ((rc = files_join(dir, names[i], path)) != RC_OK)
			return rc;
		kind = files_kind_of(path);
		/* a database may lie elsewhere, what belongs to it lies beside it */
		if (kind == FILES_OTHER || (kind == FILES_LINK && i > 0))
			return error_set(err, RC_DAMAGED, path, "copy the whole folder, then move that away"
			    " and bring back the file from a backup", "this is not a file");
		if (kind == FILES_LINK && !files_exists(path))
			return error_set(err, RC_DAMAGED, path, "connect the disk that it lies on, or bring"
			    " back the file from a backup", "this is a link to nothing");
	}
	return RC_OK;
}

static enum rc
open_with(const char *dir, struct key_file_opener opener, struct vault_bench bench,
    struct vault **out, struct error *err)
{
	struct vault *v = NULL;
	size_t n;
	enum rc rc;

	*out = NULL;
	if ((rc = count_files(dir, &n, err)) != RC_OK)
		return rc;
	if (n == 0 || is_unfinished(dir))
		return error_set(err, RC_NOTFOUND, dir, NULL, "there is no vault");
	if ((rc = vault_hold_folder(dir, &v, err)) != RC_OK)
		goto out;
	rc = key_file_read(dir, opener, &v->slots, &v->master, err);
	if (rc == RC_NOTFOUND)
		rc = error_set(err, RC_DAMAGED, dir, "bring back vault.key from a backup",
		    "the key file of this vault is gone");
	if (rc != RC_OK || (rc = check_places(v->dir, err)) != RC_OK ||
	    (rc = vault_rekey_settle(v, bench, err)) != RC_OK ||
	    (rc = open_database(v, false, bench, err)) != RC_OK)
		goto out;
	key_file_sweep(dir);
	vault_made(dir);
	*out = v;
	v = NULL;
out:
	vault_close(v);
	return rc;
}

static enum rc
by_passphrase(const struct keyslots *k, const void *ctx, struct secret **master)
{
	return keyslots_open_passphrase(k, ctx, master);
}

static enum rc
by_recovery(const struct keyslots *k, const void *ctx, struct secret **master)
{
	return keyslots_open_recovery(k, ctx, master);
}

struct escrow {
	const uint8_t *public_key;
	const struct secret *secret_key;
};

static enum rc
by_escrow(const struct keyslots *k, const void *ctx, struct secret **master)
{
	const struct escrow *e = ctx;

	return keyslots_open_escrow(k, e->public_key, e->secret_key, master);
}

/* The MAC of the header tells whether it is the right one. */
static enum rc
by_master(const struct keyslots *k, const void *ctx, struct secret **master)
{
	const struct secret *given = ctx;

	(void)k;
	*master = NULL;
	if (secret_len(given) != SECRET_KEY_BYTES)
		return RC_AUTH;
	return secret_from(secret_bytes(given), SECRET_KEY_BYTES, master);
}

enum rc
vault_open(const char *dir, const struct secret *passphrase, struct vault **out,
    struct error *err)
{
	struct key_file_opener opener = { by_passphrase, passphrase };
	struct vault_bench bench = { NULL, NULL };

	return open_with(dir, opener, bench, out, err);
}

enum rc
vault_open_with_recovery(const char *dir, const struct secret *code, struct vault **out,
    struct error *err)
{
	struct key_file_opener opener = { by_recovery, code };
	struct vault_bench bench = { NULL, NULL };

	return open_with(dir, opener, bench, out, err);
}

enum rc
vault_open_with_escrow(const char *dir, const uint8_t escrow_public[32],
    const struct secret *escrow_secret, struct vault **out, struct error *err)
{
	struct escrow e = { escrow_public, escrow_secret };
	struct key_file_opener opener = { by_escrow, &e };
	struct vault_bench bench = { NULL, NULL };

	return open_with(dir, opener, bench, out, err);
}

enum rc
vault_open_on(const char *dir, const struct secret *master, struct vault_bench bench,
    struct vault **out, struct error *err)
{
	struct key_file_opener opener = { by_master, master };

	return open_with(dir, opener, bench, out, err);
}

enum rc
vault_open_with_master(const char *dir, const struct secret *master, struct vault **out,
    struct error *err)
{
	struct vault_bench bench = { NULL, NULL };

	return vault_open_on(dir, master, bench, out, err);
}

void
vault_close(struct vault *v)
{
	if (v == NULL)
		return;
	/* A forgotten statement still reads through the VFS: better kept than freed under it. */
	if (vault_db_close(v->db))
		vault_vfs_free(v->vfs);
	secret_free(v->master);
	files_unlock(v->lock);
	secret_wipe(v, sizeof *v);
	free(v);
}

enum rc
vault_wipe(const char *dir, struct error *err)
{
	struct file_lock *lock = NULL;
	char path[FILES_PATH_MAX];
	enum rc rc, held;

	if ((rc = vault_start()) != RC_OK || (rc = files_join(dir, LOCK_NAME, path)) != RC_OK)
		return rc;
	/* with the lock or without it: this is for a moment of danger */
	held = files_lock(path, &lock, NULL);
	rc = destroy(dir, held == RC_BUSY, err);
	files_unlock(lock);
	if (rc == RC_OK && held == RC_BUSY)
		return error_set(err, held, dir, "end it, then wipe again",
		    "the keys are destroyed, but another process has the vault open and may save once more");
	return rc;
}

struct sqlite3 *
vault_db(struct vault *v)
{
	return v->db;
}

const char *
vault_dir(const struct vault *v)
{
	return v->dir;
}

void
vault_id(const struct vault *v, uint8_t out[VAULT_ID_BYTES])
{
	memcpy(out, v->slots.vault_id, VAULT_ID_BYTES);
}

enum rc
vault_wrap(const struct vault *v, enum vault_purpose purpose, const char *context,
    const struct secret *s, struct bytes *out)
{
	return keyslots_wrap_seal(v->master, purpose, context, s, out);
}

enum rc
vault_unwrap(const struct vault *v, enum vault_purpose purpose, const char *context,
    const uint8_t *p, size_t len, struct secret **out)
{
	return keyslots_wrap_open(v->master, purpose, context, p, len, out);
}

enum rc
vault_migrate(struct vault *v, const char *sql, struct error *err)
{
	return vault_upgrade_run(v->vfs, v->db, sql, &v->upgraded, err);
}

enum rc
vault_verify(struct vault *v, struct error *err)
{
	if (v->backing_up)
		return error_set(err, RC_BUSY, v->dir, "wait until it is done",
		    "a backup is being written");
	return vault_db_verify(v->db, err);
}

enum rc
vault_rc_of_sqlite(struct sqlite3 *db, int sqlite_rc, const char *doing, struct error *err)
{
	return vault_db_rc(db, sqlite_rc, doing, err);
}
