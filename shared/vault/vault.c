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

enum rc
vault_start(void)
{
	enum rc rc = secret_start();

	return rc == RC_OK ? sqlite_memory_start() : rc;
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
	bool there;
	enum rc rc;

	*out = NULL;
	if ((rc = vault_look(dir, &there, err)) != RC_OK)
		return rc;
	if (!there)
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
