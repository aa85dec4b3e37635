#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sqlite3.h>

#include "shared/base/files.h"
#include "shared/vault/secret.h"
#include "shared/vault/vault_vfs.h"
#include "shared/vault/wal_check.h"

enum {
	NAME_MAX_BYTES = 32,
	HEADER_BYTES = 100,
	WAL_HEADER_BYTES = 32,
	TIGHT_SLOT = BLOCK_SLOT_TEXT + BLOCK_OVERHEAD
};

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

struct page_buffers {
	uint8_t sealed[BLOCK_SIZE];
	uint8_t clear[BLOCK_SIZE];
};

struct vault_file {
	sqlite3_file base;
	struct vault_vfs *vfs;
	struct block_key *key;
	struct page_buffers *pages;	/* the database */
	struct block_file *blocks;	/* all others */
	bool is_wal;
	sqlite3_file *below;		/* stands behind this struct */
};

static struct vault_file *
file_of(sqlite3_file *f)
{
	return (struct vault_file *)(void *)f;
}

/*
 * What SQLite must know to begin: page size 4,096, WAL, 40 reserved bytes
 * (sqlite.org/fileformat2.html, section 1.3).  The rest comes from the WAL.
 */
static void
constant_header(uint8_t out[HEADER_BYTES])
{
	static const uint8_t start[] = "SQLite format 3\0\x10\x00\x02\x02\x28\x40\x20\x20";

	memset(out, 0, HEADER_BYTES);
	memcpy(out, start, sizeof start - 1);
}

static int
page_read(struct vault_file *f, uint8_t *out, int64_t page)
{
	sqlite3_int64 size = 0;
	int rc, size_rc;

	rc = f->below->pMethods->xRead(f->below, f->pages->sealed, BLOCK_SIZE, page * BLOCK_SIZE);
	if (rc == SQLITE_IOERR_SHORT_READ) {
		size_rc = f->below->pMethods->xFileSize(f->below, &size);
		if (size_rc != SQLITE_OK)
			return size_rc;
		/* Past the end is an answer; half a page is damage. */
		if (size <= page * BLOCK_SIZE) {
			memset(out, 0, BLOCK_SIZE);
			return rc;
		}
	} else if (rc != SQLITE_OK && !f->vfs->rules.hide_errors) {
		return rc;
	}
	if (!block_unseal(f->key, (uint64_t)page, f->pages->sealed, BLOCK_PAGE_TEXT, out)) {
		memset(out, 0, BLOCK_SIZE);
		return f->vfs->rules.trust_pages ? SQLITE_OK : SQLITE_IOERR_DATA;
	}
	/* The frame checksums of the WAL cover them: they must always read the same. */
	if (f->vfs->rules.keep_reserved)
		memcpy(out + BLOCK_PAGE_TEXT, f->pages->sealed + BLOCK_PAGE_TEXT, BLOCK_OVERHEAD);
	else
		memset(out + BLOCK_PAGE_TEXT, 0, BLOCK_OVERHEAD);
	return SQLITE_OK;
}

static int
database_read(sqlite3_file *file, void *buf, int n, sqlite3_int64 offset)
{
	struct vault_file *f = file_of(file);
	int from = (int)(offset % BLOCK_SIZE), rc;

	if (n == BLOCK_SIZE && from == 0)
		return page_read(f, buf, offset / BLOCK_SIZE);
	if (n > BLOCK_SIZE - from)
		return SQLITE_IOERR_READ;
	rc = page_read(f, f->pages->clear, offset / BLOCK_SIZE);
	if (rc == SQLITE_IOERR_DATA && offset == 0 && n == HEADER_BYTES && !f->vfs->rules.no_header) {
		constant_header(buf);
		return SQLITE_OK;
	}
	memcpy(buf, f->pages->clear + from, (size_t)n);
	return rc;
}

static int
database_write(sqlite3_file *file, const void *buf, int n, sqlite3_int64 offset)
{
	struct vault_file *f = file_of(file);

	if (n != BLOCK_SIZE || offset % BLOCK_SIZE != 0)
		return SQLITE_IOERR_WRITE;
	block_seal(f->key, (uint64_t)offset / BLOCK_SIZE, buf, BLOCK_PAGE_TEXT, f->pages->sealed);
	if (f->vfs->rules.seal_in_place) {
		union { const void *in; void *out; } u = { buf };

		memcpy(u.out, f->pages->sealed, BLOCK_SIZE);
	}
	return f->below->pMethods->xWrite(f->below, f->pages->sealed, n, offset);
}

static int
database_truncate(sqlite3_file *file, sqlite3_int64 size)
{
	struct vault_file *f = file_of(file);

	return f->below->pMethods->xTruncate(f->below, size);
}

static int
database_size(sqlite3_file *file, sqlite3_int64 *size)
{
	struct vault_file *f = file_of(file);

	return f->below->pMethods->xFileSize(f->below, size);
}

static int
database_sync(sqlite3_file *file, int flags)
{
	struct vault_file *f = file_of(file);
	int rc = f->below->pMethods->xSync(f->below, flags);

	return f->vfs->rules.hide_errors ? SQLITE_OK : rc;
}

static int
slots_read(sqlite3_file *file, void *buf, int n, sqlite3_int64 offset)
{
	return block_file_read(file_of(file)->blocks, buf, n, offset);
}

/*
 * An emptied WAL is empty for good before anything else is written: what a torn
 * first block would leave behind it is then never mistaken for lost data.
 */
static int
empty_wal(struct vault_file *f)
{
	int rc;

	if (block_file_size(f->blocks) == 0)
		return SQLITE_OK;
	if ((rc = block_file_truncate(f->blocks, 0)) != SQLITE_OK || f->vfs->rules.reuse_wal)
		return rc;
	return f->below->pMethods->xSync(f->below, SQLITE_SYNC_NORMAL);
}

static int
slots_truncate(sqlite3_file *file, sqlite3_int64 size)
{
	struct vault_file *f = file_of(file);

	return f->is_wal && size == 0 ? empty_wal(f) : block_file_truncate(f->blocks, size);
}

static int
slots_write(sqlite3_file *file, const void *buf, int n, sqlite3_int64 offset)
{
	struct vault_file *f = file_of(file);
	int rc;

	/* SQLite begins a new WAL over the frames of the old one, once the database has them. */
	if (f->is_wal && offset == 0 && n == WAL_HEADER_BYTES && !f->vfs->rules.reuse_wal &&
	    (rc = empty_wal(f)) != SQLITE_OK)
		return rc;
	return block_file_write(f->blocks, buf, n, offset);
}

static int
slots_size(sqlite3_file *file, sqlite3_int64 *size)
{
	*size = block_file_size(file_of(file)->blocks);
	return SQLITE_OK;
}

static int
slots_sync(sqlite3_file *file, int flags)
{
	struct vault_file *f = file_of(file);
	int rc = block_file_flush(f->blocks);

	if (rc == SQLITE_OK)
		rc = f->below->pMethods->xSync(f->below, flags);
	return f->vfs->rules.hide_errors ? SQLITE_OK : rc;
}

static int
file_close(sqlite3_file *file)
{
	struct vault_file *f = file_of(file);
	int rc = SQLITE_OK, close_rc = SQLITE_OK;

	if (f->blocks != NULL)
		rc = block_file_flush(f->blocks);
	if (f->below->pMethods != NULL)
		close_rc = f->below->pMethods->xClose(f->below);
	block_file_free(f->blocks);
	block_key_free(f->key);
	if (f->pages != NULL)
		secret_wipe(f->pages, sizeof *f->pages);
	free(f->pages);
	f->blocks = NULL;
	f->key = NULL;
	f->pages = NULL;
	return rc != SQLITE_OK ? rc : close_rc;
}

static int
file_lock(sqlite3_file *file, int level)
{
	struct vault_file *f = file_of(file);

	return f->below->pMethods->xLock(f->below, level);
}

static int
file_unlock(sqlite3_file *file, int level)
{
	struct vault_file *f = file_of(file);

	return f->below->pMethods->xUnlock(f->below, level);
}

static int
file_check_reserved(sqlite3_file *file, int *out)
{
	struct vault_file *f = file_of(file);

	return f->below->pMethods->xCheckReservedLock(f->below, out);
}

/* Only what neither speaks of sizes nor opens a way around the seal goes down. */
static int
file_control(sqlite3_file *file, int op, void *arg)
{
	struct vault_file *f = file_of(file);
	char **pragma;

	switch (op) {
	case SQLITE_FCNTL_LOCKSTATE:
	case SQLITE_FCNTL_LAST_ERRNO:
	case SQLITE_FCNTL_HAS_MOVED:
	case SQLITE_FCNTL_SYNC:
	case SQLITE_FCNTL_COMMIT_PHASETWO:
	case SQLITE_FCNTL_PERSIST_WAL:
	case SQLITE_FCNTL_BUSYHANDLER:
	case SQLITE_FCNTL_PDB:
		return f->below->pMethods->xFileControl(f->below, op, arg);
	case SQLITE_FCNTL_PRAGMA:
		pragma = arg;
		/* The page size is that of the seal; NULL is only a question. */
		if (sqlite3_stricmp(pragma[1], "page_size") == 0 && pragma[2] != NULL &&
		    strcmp(pragma[2], "4096") != 0) {
			pragma[0] = sqlite3_mprintf("the page size of a vault cannot change");
			return SQLITE_ERROR;
		}
		return SQLITE_NOTFOUND;
	default:
		return SQLITE_NOTFOUND;
	}
}

static int
file_sector_size(sqlite3_file *file)
{
	return file_of(file)->vfs->rules.promise_powersafe ? 512 : BLOCK_SIZE;
}

/*
 * A block is sealed as a whole, so a write touches its neighbours: nothing that
 * the layer below promises about them (POWERSAFE_OVERWRITE, ATOMIC, SAFE_APPEND,
 * SEQUENTIAL, SUBPAGE_READ) holds here.
 */
static int
file_characteristics(sqlite3_file *file)
{
	struct vault_file *f = file_of(file);
	int all = f->below->pMethods->xDeviceCharacteristics(f->below);

	if (f->vfs->rules.promise_powersafe)
		return SQLITE_IOCAP_POWERSAFE_OVERWRITE;
	return all & SQLITE_IOCAP_UNDELETABLE_WHEN_OPEN;
}

/* Version 1: no shared memory and no mapping of the file past the seal. */
static const sqlite3_io_methods DATABASE_METHODS = {
	.iVersion = 1,
	.xClose = file_close,
	.xRead = database_read,
	.xWrite = database_write,
	.xTruncate = database_truncate,
	.xSync = database_sync,
	.xFileSize = database_size,
	.xLock = file_lock,
	.xUnlock = file_unlock,
	.xCheckReservedLock = file_check_reserved,
	.xFileControl = file_control,
	.xSectorSize = file_sector_size,
	.xDeviceCharacteristics = file_characteristics,
};

static const sqlite3_io_methods SLOTS_METHODS = {
	.iVersion = 1,
	.xClose = file_close,
	.xRead = slots_read,
	.xWrite = slots_write,
	.xTruncate = slots_truncate,
	.xSync = slots_sync,
	.xFileSize = slots_size,
	.xLock = file_lock,
	.xUnlock = file_unlock,
	.xCheckReservedLock = file_check_reserved,
	.xFileControl = file_control,
	.xSectorSize = file_sector_size,
	.xDeviceCharacteristics = file_characteristics,
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
	struct vault_file *f = file_of(file);
	struct block_file_options options = { 0 };
	int rc, close_rc;

	memset(f, 0, sizeof *f);
	f->vfs = v;
	f->below = (sqlite3_file *)(void *)((uint8_t *)f + sizeof *f);
	f->below->pMethods = NULL;
	switch ((int)key_for(v, name, flags, &f->key)) {
	case RC_OK:
		break;
	case RC_DENIED:
		return SQLITE_CANTOPEN;
	default:
		return SQLITE_NOMEM;
	}
	if ((rc = v->below->xOpen(v->below, name, f->below, flags, out_flags)) != SQLITE_OK)
		goto out;
	if ((flags & SQLITE_OPEN_MAIN_DB) != 0) {
		f->pages = calloc(1, sizeof *f->pages);
		rc = f->pages == NULL ? SQLITE_NOMEM : SQLITE_OK;
		f->base.pMethods = &DATABASE_METHODS;
		goto out;
	}
	f->is_wal = (flags & SQLITE_OPEN_WAL) != 0;
	options.zeroes = (flags & (SQLITE_OPEN_WAL | SQLITE_OPEN_MAIN_JOURNAL)) != 0 &&
	    !v->rules.strict_wal;
	options.slot = v->rules.tight_slots ? TIGHT_SLOT : BLOCK_SLOT;
	rc = block_file_new(f->key, f->below, options, &f->blocks);
	f->base.pMethods = &SLOTS_METHODS;
out:
	if (rc != SQLITE_OK) {
		close_rc = file_close(file);
		(void)close_rc;		/* the first error is the one to tell */
		f->base.pMethods = NULL;
	}
	return rc;
}

static int
vfs_delete(sqlite3_vfs *base, const char *name, int sync_dir)
{
	sqlite3_vfs *below = vfs_of(base)->below;

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
		.szOsFile = (int)sizeof(struct vault_file) + below->szOsFile,
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
	    (rc = secret_from(secret_bytes(files_key), secret_len(files_key), &v->files_key)) != RC_OK)
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
not_there(struct vault_vfs *v, const char *path, int *there, struct error *err)
{
	if (v->below->xAccess(v->below, path, SQLITE_ACCESS_EXISTS, there) != SQLITE_OK)
		return error_set(err, RC_IO, path, NULL, "cannot look for the file");
	return RC_OK;
}

enum rc
vault_vfs_database_size(struct vault_vfs *vfs, int64_t *size, struct error *err)
{
	sqlite3_file *file = NULL;
	sqlite3_int64 n = 0;
	int there = 0, rc, close_rc;
	enum rc result;

	*size = 0;
	if ((result = not_there(vfs, vfs->path, &there, err)) != RC_OK)
		return result;
	if (!there)
		return RC_NOTFOUND;
	rc = open_alone(vfs, vfs->path, SQLITE_OPEN_MAIN_DB, &file);
	if (rc == SQLITE_OK)
		rc = file->pMethods->xFileSize(file, &n);
	close_rc = close_alone(file);
	if (rc != SQLITE_OK || close_rc != SQLITE_OK)
		return error_set(err, rc == SQLITE_NOMEM ? RC_NOMEM : RC_IO, vfs->path, NULL,
		    "cannot open the database (%d)", rc != SQLITE_OK ? rc : close_rc);
	*size = n;
	return RC_OK;
}

enum rc
vault_vfs_check_wal(struct vault_vfs *vfs, struct error *err)
{
	struct wal_check found = { 0 };
	sqlite3_file *file = NULL;
	int there = 0, rc, close_rc;
	enum rc result;

	if (vfs->rules.no_damage_check)
		return RC_OK;
	if ((result = not_there(vfs, vfs->wal_path, &there, err)) != RC_OK || !there)
		return result;
	rc = open_alone(vfs, vfs->wal_path, SQLITE_OPEN_WAL, &file);
	if (rc == SQLITE_OK)
		rc = wal_check_run(file_of(file)->blocks, &found);
	close_rc = close_alone(file);
	if (rc == SQLITE_NOMEM)
		return RC_NOMEM;
	if (rc != SQLITE_OK || close_rc != SQLITE_OK)
		return error_set(err, RC_IO, vfs->wal_path, NULL, "cannot read the write-ahead log (%d)",
		    rc != SQLITE_OK ? rc : close_rc);
	if (found.damaged)
		return error_set(err, RC_DAMAGED, vfs->wal_path,
		    "nothing was changed; copy the whole folder before anything else",
		    "saved work stands behind a damaged place after frame %lld of %lld",
		    (long long)found.sound, (long long)found.frames);
	return RC_OK;
}
