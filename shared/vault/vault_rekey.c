#include "shared/vault/vault_rekey.h"

#include <stdlib.h>
#include <string.h>

#include <sqlite3.h>

#include "shared/base/files.h"
#include "shared/vault/key_file.h"
#include "shared/vault/query_pool.h"
#include "shared/vault/secret.h"
#include "shared/vault/vault_db.h"
#include "shared/vault/vault_parts.h"
#include "shared/vault/vault_vfs.h"

#define NEW_NAME "vault.db.new"

static const struct vault_bench PLAIN = { NULL, NULL };

/* ---- files ---- */

/* A file that is not there is removed, too. */
static enum rc
remove_one(const struct vault *v, const char *name, struct error *err)
{
	char path[FILES_PATH_MAX];
	enum rc rc = files_join(v->dir, name, path);

	if (rc != RC_OK || !files_exists(path))
		return rc;
	return files_remove(path, err);
}

static enum rc
remove_new(const struct vault *v, struct error *err)
{
	enum rc rc;

	if ((rc = remove_one(v, NEW_NAME "-wal", err)) != RC_OK ||
	    (rc = remove_one(v, NEW_NAME "-journal", err)) != RC_OK)
		return rc;
	return remove_one(v, NEW_NAME, err);
}

/* What a VFS for one of the two databases needs. */
static void
as_part(const struct vault *v, struct vault *out)
{
	memset(out, 0, sizeof *out);
	memcpy(out->dir, v->dir, sizeof out->dir);
	out->slots = v->slots;
	out->master = v->master;
}

/* ---- pages ---- */

static int
copy_page(sqlite3_file *from, sqlite3_file *to, int64_t page, uint8_t buf[BLOCK_SIZE])
{
	int rc;

	if (page == BLOCK_LOCK_PAGE)
		return SQLITE_OK;
	rc = from->pMethods->xRead(from, buf, BLOCK_SIZE, page * BLOCK_SIZE);
	return rc == SQLITE_OK ? to->pMethods->xWrite(to, buf, BLOCK_SIZE, page * BLOCK_SIZE) : rc;
}

/* The first page last, when the others are safe: with it the copy counts. */
static int
copy_pages(sqlite3_file *from, sqlite3_file *to)
{
	uint8_t buf[BLOCK_SIZE];
	sqlite3_int64 size = 0;
	int rc = from->pMethods->xFileSize(from, &size);

	for (int64_t page = 1; page < size / BLOCK_SIZE && rc == SQLITE_OK; page++)
		rc = copy_page(from, to, page, buf);
	if (rc == SQLITE_OK)
		rc = to->pMethods->xTruncate(to, size);
	if (rc == SQLITE_OK)
		rc = to->pMethods->xSync(to, SQLITE_SYNC_FULL);
	if (rc == SQLITE_OK)
		rc = copy_page(from, to, 0, buf);
	if (rc == SQLITE_OK)
		rc = to->pMethods->xSync(to, SQLITE_SYNC_FULL);
	secret_wipe(buf, sizeof buf);
	return rc;
}

/* From now on the new database is not the one to bring over. */
static int
mark_done(sqlite3_file *file)
{
	static const uint8_t nothing[BLOCK_SIZE];
	int rc = file->pMethods->xWrite(file, nothing, BLOCK_SIZE, 0);

	return rc == SQLITE_OK ? file->pMethods->xSync(file, SQLITE_SYNC_FULL) : rc;
}

/*
 * Over the old one, where it lies: no name changes, since a disk without a log of its folders
 * may lose a name that does.  Cut anywhere, it is done again, until the new one is marked as
 * done.  The old log is empty, and of other keys.
 */
static enum rc
take_place(const struct vault *v, struct error *err)
{
	struct vault parts[2];
	static const char *const names[2] = { NEW_NAME, VAULT_DB_NAME };
	sqlite3_file *files[2] = { NULL, NULL };
	int s = SQLITE_OK, close_rc;
	enum rc rc = remove_one(v, VAULT_DB_NAME "-wal", err);

	memset(parts, 0, sizeof parts);
	for (int i = 0; i < 2 && rc == RC_OK && s == SQLITE_OK; i++) {
		as_part(v, &parts[i]);
		if ((rc = vault_make_vfs(&parts[i], names[i], PLAIN, err)) == RC_OK)
			s = vault_vfs_open_database(parts[i].vfs, i == 1, &files[i]);
	}
	if (rc == RC_OK && s == SQLITE_OK && (s = copy_pages(files[0], files[1])) == SQLITE_OK)
		s = mark_done(files[0]);
	for (int i = 0; i < 2; i++) {
		close_rc = vault_vfs_close_database(files[i]);
		s = s == SQLITE_OK ? close_rc : s;
		vault_vfs_free(parts[i].vfs);
	}
	if (rc == RC_OK)
		rc = vault_db_rc(NULL, s, "bring over the new database", err);
	return rc == RC_OK ? remove_new(v, err) : rc;
}

/* ---- a cut rekey ---- */

static enum rc
find_ours(const struct vault *v, const char *name, struct vault_bench bench,
    struct vault_vfs_ours *out, struct error *err)
{
	struct vault part;
	enum rc rc;

	*out = (struct vault_vfs_ours){ false, false, false };
	as_part(v, &part);
	if ((rc = vault_make_vfs(&part, name, bench, err)) == RC_OK)
		rc = vault_vfs_find_ours(part.vfs, out, err);
	vault_vfs_free(part.vfs);
	return rc;
}

/*
 * SQLite must not see a database of other keys: closing it, it would remove a WAL in which it
 * could read nothing.  A new database whose first page opens is to be brought over.  One whose
 * first page does not was brought over already, or never will be; but when the old one has no
 * better first page, nowhere, nothing may go.
 */
enum rc
vault_rekey_settle(struct vault *v, struct vault_bench bench, struct error *err)
{
	struct vault_vfs_ours old, new = { false, false, false };
	char path[FILES_PATH_MAX];
	bool left;
	enum rc rc = files_join(v->dir, NEW_NAME, path), there;

	if (rc != RC_OK)
		return rc;
	left = files_exists(path);
	there = find_ours(v, VAULT_DB_NAME, bench, &old, err);
	if (there != RC_OK && there != RC_NOTFOUND)
		return there;
	/* SQLite calls an empty file none */
	if (left && (rc = find_ours(v, NEW_NAME, bench, &new, err)) != RC_OK && rc != RC_NOTFOUND)
		return rc;
	/* whoever opens it says that it is gone */
	if (there == RC_NOTFOUND && !left)
		return RC_OK;
	if (!new.first && !old.first && !old.wal && (new.pages || !old.pages))
		return error_set(err, RC_DAMAGED, v->dir,
		    "copy the whole folder, then bring back the key file and the database of one time",
		    "nothing in the database opens under the keys of this key file: it is of another"
		    " time, or the database is damaged");
	key_file_mend(v->dir, &v->slots, v->master);
	if (!left)
		return RC_OK;
	return new.first ? take_place(v, err) : remove_new(v, err);
}

/* ---- the new database ---- */

static enum rc
copy_database(struct vault *v, struct vault *n, struct error *err)
{
	sqlite3_file *from = NULL, *to = NULL;
	int rc, close_rc;

	rc = sqlite3_wal_checkpoint_v2(v->db, "main", SQLITE_CHECKPOINT_TRUNCATE, NULL, NULL);
	if (rc == SQLITE_OK)
		rc = sqlite3_file_control(v->db, "main", SQLITE_FCNTL_FILE_POINTER, &from);
	if (rc != SQLITE_OK)
		return vault_db_rc(v->db, rc, "read the database", err);
	rc = vault_vfs_open_database(n->vfs, true, &to);
	if (rc == SQLITE_OK)
		rc = copy_pages(from, to);
	close_rc = vault_vfs_close_database(to);
	return vault_db_rc(NULL, rc != SQLITE_OK ? rc : close_rc, "write the new database", err);
}

/* A statement that is left open keeps it open, and all as it is. */
static enum rc
close_database(struct vault *v, struct error *err)
{
	query_pool_drop(v->db);
	if (v->db != NULL && sqlite3_close(v->db) != SQLITE_OK)
		return error_set(err, RC_BUSY, v->dir, "try again", "a statement of the database is open");
	v->db = NULL;
	vault_vfs_free(v->vfs);
	v->vfs = NULL;
	return RC_OK;
}

static enum rc
make_database(struct vault *v, struct vault *n, struct vault_rewrap rewrap, struct error *err)
{
	enum rc rc;

	if ((rc = remove_new(v, err)) != RC_OK || (rc = vault_make_vfs(n, NEW_NAME, PLAIN, err)) != RC_OK ||
	    (rc = copy_database(v, n, err)) != RC_OK ||
	    (rc = vault_db_open(n->vfs, false, NULL, &n->db, err)) != RC_OK)
		return rc;
	if (rewrap.run != NULL)
		rc = rewrap.run(v, n, err);
	if (rc == RC_OK)
		rc = vault_db_verify(n->db, err);
	if (rc == RC_OK)
		rc = close_database(n, err);
	return rc == RC_OK ? files_sync_dir(v->dir, err) : rc;
}

/* What cannot be removed now goes at the next opening. */
static void
give_up_new(struct vault *v, struct vault *n)
{
	if (close_database(n, NULL) == RC_OK && remove_new(v, NULL) != RC_OK)
		return;
}

/* ---- the new key file ---- */

static struct vault_kdf
kdf_of(const struct vault *v)
{
	for (size_t i = 0; i < v->slots.n; i++)
		if (v->slots.slots[i].type == KEYSLOT_PASSPHRASE)
			return v->slots.slots[i].kdf;
	return (struct vault_kdf){ 0, 0 };
}

static enum rc
make_slots(const struct vault *v, struct vault *n, const struct secret *passphrase,
    struct vault_kdf kdf, struct secret **recovery)
{
	enum rc rc;

	memcpy(n->slots.vault_id, v->slots.vault_id, sizeof n->slots.vault_id);
	n->slots.generation = v->slots.generation;
	if (kdf.memory_mib == 0)
		kdf = kdf_of(v);
	if ((rc = secret_random(SECRET_KEY_BYTES, &n->master)) != RC_OK ||
	    (rc = keyslots_calibrate(&kdf)) != RC_OK ||
	    (rc = keyslots_put_passphrase(&n->slots, passphrase, kdf, n->master)) != RC_OK ||
	    (rc = secret_random(VAULT_RECOVERY_BYTES, recovery)) != RC_OK ||
	    (rc = keyslots_put_recovery(&n->slots, *recovery, n->master)) != RC_OK)
		return rc;
	for (size_t i = 0; i < v->slots.n && rc == RC_OK; i++)
		if (v->slots.slots[i].type == KEYSLOT_ESCROW)
			rc = keyslots_put_escrow(&n->slots, v->slots.slots[i].escrow_public, n->master);
	return rc;
}

/*
 * One of the copies may have the new slots already when the other cannot be written: then the
 * old ones are put back, or nobody could say which database counts.  *old: they are in force.
 */
static enum rc
replace_keys(struct vault *v, struct vault *n, bool *old, struct error *err)
{
	enum rc rc = key_file_replace(v->dir, &n->slots, n->master, err);

	*old = rc == RC_NOTFOUND || (rc != RC_OK && key_file_take_back(v->dir, &v->slots, v->master,
	    n->slots.generation));
	if (rc == RC_OK || *old)
		return rc;
	return error_set(err, rc, v->dir, "open the vault again, which settles it; then make a new"
	    " recovery code", "the new keys could not be written, nor the old ones put back");
}

/* Copies of the database from before an upgrade are under the old keys. */
static enum rc
remove_copies(const struct vault *v, struct error *err)
{
	static const char beginning[] = VAULT_DB_NAME ".v";
	char **names = NULL;
	size_t n = 0;
	enum rc rc = files_list(v->dir, &names, &n, err);

	for (size_t i = 0; i < n && rc == RC_OK; i++)
		if (strncmp(names[i], beginning, sizeof beginning - 1) == 0)
			rc = remove_one(v, names[i], err);
	files_names_free(names, n);
	return rc;
}

/* Copies of damaged files may hold what is nowhere else: not ours to remove. */
static enum rc
refuse_damaged_copies(const struct vault *v, struct error *err)
{
	char **names = NULL;
	size_t n = 0;
	enum rc rc = files_list(v->dir, &names, &n, err);

	for (size_t i = 0; i < n && rc == RC_OK; i++)
		if (strstr(names[i], ".damaged") != NULL)
			rc = error_set(err, RC_EXISTS, names[i],
			    "move it elsewhere together with a copy of vault.key, or delete it",
			    "this copy of a damaged file would stay under the old keys");
	files_names_free(names, n);
	return rc;
}

static enum rc
open_again(struct vault *v, struct error *err)
{
	enum rc rc = vault_make_vfs(v, VAULT_DB_NAME, PLAIN, err);

	return rc == RC_OK ? vault_db_open(v->vfs, false, NULL, &v->db, err) : rc;
}

/* v is the vault under its new keys. */
static enum rc
adopt(struct vault *v, struct vault *n, struct error *err)
{
	struct secret *old = v->master;
	enum rc rc;

	v->master = n->master;
	n->master = old;
	v->slots = n->slots;
	if ((rc = take_place(v, err)) != RC_OK || (rc = open_again(v, err)) != RC_OK)
		return rc;
	return remove_copies(v, err);
}

/* All is prepared, and v's database is closed.  *old: the old keys are in force. */
static enum rc
switch_keys(struct vault *v, struct vault *n, bool *old, struct error *err)
{
	enum rc rc = replace_keys(v, n, old, err);

	if (rc == RC_OK)
		return adopt(v, n, err);
	/* the new one goes at the next opening at the latest: the old one opens under the keys */
	if (*old && (open_again(v, NULL) != RC_OK || remove_new(v, NULL) != RC_OK))
		return rc;
	return rc;
}

enum rc
vault_rekey(struct vault *v, const struct secret *passphrase, struct vault_kdf kdf,
    struct vault_rewrap rewrap, struct secret **recovery, struct error *err)
{
	struct vault *n = calloc(1, sizeof *n);
	bool old = true;
	enum rc rc;

	*recovery = NULL;
	if (n == NULL)
		return RC_NOMEM;
	memcpy(n->dir, v->dir, sizeof n->dir);
	if (v->backing_up)
		rc = error_set(err, RC_BUSY, v->dir, "wait until it is done", "a backup is being written");
	else if ((rc = refuse_damaged_copies(v, err)) != RC_OK)
		;
	else if ((rc = make_slots(v, n, passphrase, kdf, recovery)) != RC_OK)
		rc = error_set(err, rc, NULL, "close other programs, or ask for less memory",
		    "cannot make the new keys: %s", rc_name(rc));
	else if ((rc = make_database(v, n, rewrap, err)) != RC_OK || (rc = close_database(v, err)) != RC_OK)
		give_up_new(v, n);
	else
		rc = switch_keys(v, n, &old, err);
	secret_free(n->master);
	secret_wipe(n, sizeof *n);
	free(n);
	if (rc != RC_OK && old) {
		secret_free(*recovery);
		*recovery = NULL;
	}
	return rc;
}
