#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sqlite3.h>

#include "shared/base/files.h"
#include "shared/vault/secret.h"
#include "shared/vault/vault_file.h"
#include "shared/vault/vault_vfs.h"
#include "shared/vault/wal_check.h"

enum { NAME_MAX_BYTES = 32 };

struct vault_vfs {
	sqlite3_vfs base;		/* pAppData points back here */
	sqlite3_vfs *below;
	struct secret *files_key;
	struct vault_vfs_rules rules;
	uint8_t vault_id[BLOCK_ID_BYTES];
	char name[NAME_MAX_BYTES];
	char path[FILES_PATH_MAX];	/* as xFullPathname of below gives it */
	char wal_path[FILES_PATH_MAX + 16];
	char journal_path[FILES_PATH_MAX + 16];
};

static struct vault_vfs *
vfs_of(sqlite3_vfs *v)
{
	return v->pAppData;
}

/* The key of a file that SQLite opens; NULL and RC_DENIED for a stranger. */
static enum rc
key_for(const struct vault_vfs *v, const char *name, int flags, struct block_key **out)
{
	enum block_kind kind;
	const char *expected;

	*out = NULL;
	if ((flags & (SQLITE_OPEN_TEMP_DB | SQLITE_OPEN_TRANSIENT_DB | SQLITE_OPEN_TEMP_JOURNAL |
	    SQLITE_OPEN_SUBJOURNAL)) != 0)
		return block_key_random(out);
	if ((flags & SQLITE_OPEN_MAIN_DB) != 0) {
		kind = BLOCK_DATABASE;
		expected = v->path;
	} else if ((flags & SQLITE_OPEN_WAL) != 0) {
		kind = BLOCK_WAL;
		expected = v->wal_path;
	} else if ((flags & SQLITE_OPEN_MAIN_JOURNAL) != 0) {
		kind = BLOCK_JOURNAL;
		expected = v->journal_path;
	} else {
		return RC_DENIED;
	}
	if (name == NULL || strcmp(name, expected) != 0)
		return RC_DENIED;
	return block_key_new(v->files_key, v->vault_id, kind, out);
}

static int
vfs_open(sqlite3_vfs *base, const char *name, sqlite3_file *file, int flags, int *out_flags)
{
	struct vault_vfs *v = vfs_of(base);
	struct block_key *key = NULL;

	file->pMethods = NULL;
	switch ((int)key_for(v, name, flags, &key)) {
	case RC_OK:
		return vault_file_open(file, key, &v->rules, v->below, name, flags, out_flags);
	case RC_DENIED:
		return SQLITE_CANTOPEN;
	default:
		return SQLITE_NOMEM;
	}
}

static int
vfs_delete(sqlite3_vfs *base, const char *name, int sync_dir)
{
	sqlite3_vfs *below = vfs_of(base)->below;

	/* what is only looked at keeps its WAL */
	if (vfs_of(base)->rules.mend != NULL)
		return SQLITE_IOERR_DELETE;
	return below->xDelete(below, name, sync_dir);
}

static int
vfs_access(sqlite3_vfs *base, const char *name, int flags, int *out)
{
	sqlite3_vfs *below = vfs_of(base)->below;

	return below->xAccess(below, name, flags, out);
}

static int
vfs_full_pathname(sqlite3_vfs *base, const char *name, int n, char *out)
{
	sqlite3_vfs *below = vfs_of(base)->below;

	return below->xFullPathname(below, name, n, out);
}

static int
vfs_randomness(sqlite3_vfs *base, int n, char *out)
{
	(void)base;
	secret_random_bytes(out, n > 0 ? (size_t)n : 0);
	return n;
}

static int
vfs_sleep(sqlite3_vfs *base, int microseconds)
{
	sqlite3_vfs *below = vfs_of(base)->below;

	return below->xSleep(below, microseconds);
}

static int
vfs_current_time(sqlite3_vfs *base, double *out)
{
	sqlite3_vfs *below = vfs_of(base)->below;

	return below->xCurrentTime(below, out);
}

static int
vfs_last_error(sqlite3_vfs *base, int n, char *out)
{
	sqlite3_vfs *below = vfs_of(base)->below;

	return below->xGetLastError == NULL ? 0 : below->xGetLastError(below, n, out);
}

static enum rc
set_paths(struct vault_vfs *v, const char *db_path)
{
	int rc = v->below->xFullPathname(v->below, db_path, (int)sizeof v->path, v->path);

	/* A symbolic link on the way is fine: all that it leads to is sealed. */
	if (rc != SQLITE_OK && rc != SQLITE_OK_SYMLINK)
		return RC_IO;
	snprintf(v->wal_path, sizeof v->wal_path, "%s-wal", v->path);
	snprintf(v->journal_path, sizeof v->journal_path, "%s-journal", v->path);
	return RC_OK;
}

enum rc
vault_vfs_new(const struct secret *files_key, const uint8_t vault_id[BLOCK_ID_BYTES],
    const char *db_path, struct sqlite3_vfs *below, const struct vault_vfs_rules *rules,
    struct vault_vfs **out)
{
	struct vault_vfs *v;
	uint8_t random[8];
	enum rc rc;

	*out = NULL;
	if (below == NULL && (below = sqlite3_vfs_find(NULL)) == NULL)
		return RC_INTERNAL;
	if ((v = calloc(1, sizeof *v)) == NULL)
		return RC_NOMEM;
	v->below = below;
	if (rules != NULL)
		v->rules = *rules;
	memcpy(v->vault_id, vault_id, sizeof v->vault_id);
	secret_random_bytes(random, sizeof random);
	memcpy(v->name, "vault-", 6);
	bytes_hex(random, sizeof random, v->name + 6);
	v->base = (sqlite3_vfs){
		.iVersion = 1,
		.szOsFile = vault_file_bytes(below),
		.mxPathname = FILES_PATH_MAX,
		.zName = v->name,
		.pAppData = v,
		.xOpen = vfs_open,
		.xDelete = vfs_delete,
		.xAccess = vfs_access,
		.xFullPathname = vfs_full_pathname,
		.xRandomness = vfs_randomness,
		.xSleep = vfs_sleep,
		.xCurrentTime = vfs_current_time,
		.xGetLastError = vfs_last_error,
	};
	if ((rc = set_paths(v, db_path)) != RC_OK ||
	    (rc = secret_from(secret_bytes(files_key), secret_len(files_key),
	    &v->files_key)) != RC_OK)
		goto out;
	if (sqlite3_vfs_register(&v->base, 0) != SQLITE_OK) {
		rc = RC_NOMEM;
		goto out;
	}
	*out = v;
	v = NULL;
out:
	if (v != NULL) {
		secret_free(v->files_key);
		free(v);
	}
	return rc;
}

void
vault_vfs_free(struct vault_vfs *vfs)
{
	if (vfs == NULL)
		return;
	sqlite3_vfs_unregister(&vfs->base);
	secret_free(vfs->files_key);
	free(vfs);
}

const char *
vault_vfs_name(const struct vault_vfs *vfs)
{
	return vfs->name;
}

const char *
vault_vfs_path(const struct vault_vfs *vfs)
{
	return vfs->path;
}

struct sqlite3_vfs *
vault_vfs_below(const struct vault_vfs *vfs)
{
	return vfs->below;
}

/* Open a file through the shim, outside of any connection. */
static int
open_alone(struct vault_vfs *v, const char *path, int flags, sqlite3_file **out)
{
	sqlite3_file *file = sqlite3_malloc(v->base.szOsFile);
	int rc, out_flags = 0;

	*out = NULL;
	if (file == NULL)
		return SQLITE_NOMEM;
	rc = vfs_open(&v->base, path, file, flags | SQLITE_OPEN_READWRITE, &out_flags);
	if (rc != SQLITE_OK) {
		sqlite3_free(file);
		return rc;
	}
	*out = file;
	return SQLITE_OK;
}

static int
close_alone(sqlite3_file *file)
{
	int rc = file == NULL ? SQLITE_OK : file->pMethods->xClose(file);

	sqlite3_free(file);
	return rc;
}

static enum rc
look_for(struct vault_vfs *v, const char *path, int *there, struct error *err)
{
	if (v->below->xAccess(v->below, path, SQLITE_ACCESS_EXISTS, there) != SQLITE_OK)
		return error_set(err, RC_IO, path, NULL, "cannot look for the file");
	return RC_OK;
}

int
vault_vfs_open_database(struct vault_vfs *vfs, bool create, struct sqlite3_file **out)
{
	return open_alone(vfs, vfs->path, SQLITE_OPEN_MAIN_DB | (create ? SQLITE_OPEN_CREATE : 0), out);
}

int
vault_vfs_close_database(struct sqlite3_file *file)
{
	return close_alone(file);
}

enum rc
vault_vfs_database_size(struct vault_vfs *vfs, int64_t *size, struct error *err)
{
	sqlite3_file *file = NULL;
	sqlite3_int64 n = 0;
	int there = 0, rc, close_rc;
	enum rc result;

	*size = 0;
	if ((result = look_for(vfs, vfs->path, &there, err)) != RC_OK)
		return result;
	if (!there)
		return RC_NOTFOUND;
	rc = open_alone(vfs, vfs->path, SQLITE_OPEN_MAIN_DB, &file);
	if (rc == SQLITE_OK)
		rc = file->pMethods->xFileSize(file, &n);
	close_rc = close_alone(file);
	if (rc != SQLITE_OK || close_rc != SQLITE_OK)
		return error_set(err, rc == SQLITE_NOMEM ? RC_NOMEM : RC_IO, vfs->path,
		    "something else may stand in its place: copy the whole folder, then bring back the"
		    " file from a backup",
		    "cannot open the database (%d)", rc != SQLITE_OK ? rc : close_rc);
	*size = n;
	return RC_OK;
}

/* Does the first page or block open, does any, and hold something? */
static int
any_opens(struct sqlite3_file *file, bool *first, bool *any)
{
	static const uint8_t nothing[BLOCK_SIZE];
	uint8_t buf[BLOCK_SIZE];
	sqlite3_int64 size = 0;
	int rc = file->pMethods->xFileSize(file, &size);

	for (sqlite3_int64 at = 0; rc == SQLITE_OK && at < size && !*any; at += BLOCK_SIZE) {
		rc = file->pMethods->xRead(file, buf, BLOCK_SIZE, at);
		/* in a WAL what does not open reads as zeroes */
		*any = (rc == SQLITE_OK || rc == SQLITE_IOERR_SHORT_READ) &&
		    memcmp(buf, nothing, sizeof buf) != 0;
		*first = *any && at == 0;
		if (rc == SQLITE_IOERR_DATA || rc == SQLITE_IOERR_SHORT_READ)
			rc = SQLITE_OK;
	}
	secret_wipe(buf, sizeof buf);
	return rc;
}

static enum rc
look_into(struct vault_vfs *vfs, const char *path, int flags, bool *first, bool *any,
    struct error *err)
{
	sqlite3_file *file;
	int there = 0, rc, close_rc;
	enum rc result;

	if ((result = look_for(vfs, path, &there, err)) != RC_OK || !there)
		return result == RC_OK ? RC_NOTFOUND : result;
	rc = open_alone(vfs, path, flags, &file);
	if (rc == SQLITE_OK)
		rc = any_opens(file, first, any);
	close_rc = close_alone(file);
	if (rc == SQLITE_OK)
		rc = close_rc;
	if (rc == SQLITE_NOMEM || rc == SQLITE_IOERR_NOMEM)
		return RC_NOMEM;
	return rc == SQLITE_OK ? RC_OK :
	    error_set(err, RC_IO, path, "something else may stand in its place: copy the whole folder,"
	    " then bring back the file from a backup", "cannot read the file (%d)", rc);
}

enum rc
vault_vfs_find_ours(struct vault_vfs *vfs, struct vault_vfs_ours *out, struct error *err)
{
	bool ignored = false;
	enum rc rc, wal = RC_OK;

	*out = (struct vault_vfs_ours){ false, false, false };
	rc = look_into(vfs, vfs->path, SQLITE_OPEN_MAIN_DB, &out->first, &out->pages, err);
	if ((rc == RC_OK && !out->first) || rc == RC_NOTFOUND)
		wal = look_into(vfs, vfs->wal_path, SQLITE_OPEN_WAL, &ignored, &out->wal, err);
	return wal == RC_OK || wal == RC_NOTFOUND ? rc : wal;
}

enum rc
vault_vfs_check_wal(struct vault_vfs *vfs, struct error *err)
{
	struct wal_check found = { 0 };
	sqlite3_file *file = NULL;
	bool foreign = false;
	int there = 0, rc, close_rc;
	enum rc result;

	if (vfs->rules.no_damage_check)
		return RC_OK;
	if ((result = look_for(vfs, vfs->wal_path, &there, err)) != RC_OK || !there)
		return result;
	rc = open_alone(vfs, vfs->wal_path, SQLITE_OPEN_WAL, &file);
	if (rc == SQLITE_OK)
		rc = wal_check_run(vault_file_blocks(file), &found);
	if (rc == SQLITE_OK && !found.damaged && !vfs->rules.tight_slots)
		rc = block_file_is_foreign(vault_file_blocks(file), &foreign);
	close_rc = close_alone(file);
	if (rc == SQLITE_NOMEM)
		return RC_NOMEM;
	if (rc != SQLITE_OK || close_rc != SQLITE_OK)
		return error_set(err, RC_IO, vfs->wal_path,
		    "something else may stand in its place: copy the whole folder, then move that away",
		    "cannot read the write-ahead log (%d)",
		    rc != SQLITE_OK ? rc : close_rc);
	if (foreign)
		return error_set(err, RC_DAMAGED, vfs->wal_path, "bring back the one that belongs"
		    " here; nothing was changed.  Without it the work saved last is missing:"
		    " field rebuild keeps it aside", "the write-ahead log is of another vault, or from before its keys were changed");
	if (found.damaged)
		return error_set(err, RC_DAMAGED, vfs->wal_path,
		    "nothing was changed.  Copy the whole folder, then run field rebuild: it keeps what"
		    " stands before the damaged place, and the file itself",
		    "saved work stands behind a damaged place after frame %lld of %lld",
		    (long long)found.sound, (long long)found.frames);
	return RC_OK;
}
