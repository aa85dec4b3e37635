#include <stdlib.h>
#include <string.h>

#include <sqlite3.h>

#include "shared/base/files.h"
#include "shared/vault/page_mend.h"
#include "shared/vault/query_pool.h"
#include "shared/vault/secret.h"
#include "shared/vault/vault_file.h"

enum {
	HEADER_BYTES = 100,
	WAL_HEADER_BYTES = 32,
	FEW_BLOCKS = 2,
	PAGES_HELD = 16,
	TIGHT_SLOT = BLOCK_SLOT_TEXT + BLOCK_OVERHEAD
};

struct page_buffers {
	uint8_t sealed[BLOCK_SIZE];
	uint8_t clear[BLOCK_SIZE];
	/* Sealed pages in a row, not yet below: they go there in one write, at a sync or before. */
	int64_t first, n;
	uint8_t held[PAGES_HELD * BLOCK_SIZE];
};

struct vault_file {
	sqlite3_file base;
	const struct vault_vfs_rules *rules;
	struct block_key *key;
	struct page_buffers *pages;	/* the database */
	struct page_mend *mend;		/* of a damaged one; else NULL */
	struct query_pool *queries;	/* of its connection, which drops them before it closes */
	struct block_file *blocks;	/* all others */
	bool is_wal;
	bool emptied;			/* a WAL: cut to nothing, and not synced since */
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

/* SQLite calls only ENOSPC a full disk; a quota that is used up, or a limit of file sizes, is one too. */
static int
or_full(struct vault_file *f, int rc)
{
	int e = 0;

	return rc == SQLITE_IOERR_WRITE && f->below->pMethods->xFileControl(f->below,
	    SQLITE_FCNTL_LAST_ERRNO, &e) == SQLITE_OK && files_rc_of_errno(e) == RC_FULL ? SQLITE_FULL : rc;
}

/* Hand down what is held back.  If that fails it stays, to be tried again. */
static int
pages_flush(struct vault_file *f)
{
	struct page_buffers *p = f->pages;
	int rc = p->n == 0 ? SQLITE_OK : f->below->pMethods->xWrite(f->below, p->held,
	    (int)p->n * BLOCK_SIZE, p->first * BLOCK_SIZE);

	if (rc == SQLITE_OK)
		p->n = 0;
	return or_full(f, rc);
}

/* A page as it is sealed: held back, or from the disk. */
static int
page_fetch(struct vault_file *f, int64_t page)
{
	struct page_buffers *p = f->pages;

	if (page < p->first || page >= p->first + p->n)
		return f->below->pMethods->xRead(f->below, p->sealed, BLOCK_SIZE, page * BLOCK_SIZE);
	memcpy(p->sealed, p->held + (page - p->first) * BLOCK_SIZE, BLOCK_SIZE);
	return SQLITE_OK;
}

static int
page_read_true(struct vault_file *f, uint8_t *out, int64_t page)
{
	sqlite3_int64 size = 0;
	int rc, size_rc;

	rc = page_fetch(f, page);
	if (rc == SQLITE_IOERR_SHORT_READ) {
		size_rc = f->below->pMethods->xFileSize(f->below, &size);
		if (size_rc != SQLITE_OK)
			return size_rc;
		/* Past the end is an answer; half a page is damage. */
		if (size <= page * BLOCK_SIZE) {
			memset(out, 0, BLOCK_SIZE);
			return f->mend != NULL && page < page_mend_pages(f->mend) ? SQLITE_IOERR_DATA : rc;
		}
	} else if (rc != SQLITE_OK && !f->rules->hide_errors) {
		return rc;
	}
	if (!block_unseal(f->key, (uint64_t)page, f->pages->sealed, BLOCK_PAGE_TEXT, out)) {
		memset(out, 0, BLOCK_SIZE);
		return f->rules->trust_pages ? SQLITE_OK : SQLITE_IOERR_DATA;
	}
	/* The frame checksums of the WAL cover them: they must always read the same. */
	if (f->rules->keep_reserved)
		memcpy(out + BLOCK_PAGE_TEXT, f->pages->sealed + BLOCK_PAGE_TEXT, BLOCK_OVERHEAD);
	else
		memset(out + BLOCK_PAGE_TEXT, 0, BLOCK_OVERHEAD);
	return SQLITE_OK;
}

static int
page_read(struct vault_file *f, uint8_t *out, int64_t page)
{
	return f->mend != NULL && page_mend_read(f->mend, page, out) ? SQLITE_OK :
	    page_read_true(f, out, page);
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
	if (rc == SQLITE_IOERR_DATA && offset == 0 && n == HEADER_BYTES && !f->rules->no_header) {
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
	struct page_buffers *p = f->pages;
	int64_t page = offset / BLOCK_SIZE;
	uint8_t *at;
	int rc;

	if (n != BLOCK_SIZE || offset % BLOCK_SIZE != 0 || f->rules->mend != NULL)
		return SQLITE_IOERR_WRITE;
	if ((p->n == PAGES_HELD || page != p->first + p->n) && (rc = pages_flush(f)) != SQLITE_OK)
		return rc;
	if (p->n == 0)
		p->first = page;
	at = p->held + p->n * BLOCK_SIZE;
	block_seal(f->key, (uint64_t)page, buf, BLOCK_PAGE_TEXT, at);
	p->n++;
	if (f->rules->seal_in_place) {
		union { const void *in; void *out; } u = { buf };

		memcpy(u.out, at, BLOCK_SIZE);
	}
	return SQLITE_OK;
}

static int
database_truncate(sqlite3_file *file, sqlite3_int64 size)
{
	struct vault_file *f = file_of(file);
	int rc;

	if (f->rules->mend != NULL)
		return SQLITE_IOERR_TRUNCATE;
	rc = pages_flush(f);
	return rc != SQLITE_OK ? rc : f->below->pMethods->xTruncate(f->below, size);
}

static int
database_size(sqlite3_file *file, sqlite3_int64 *size)
{
	struct vault_file *f = file_of(file);
	int64_t held = f->pages->first + f->pages->n;
	int rc = f->below->pMethods->xFileSize(f->below, size);

	if (rc == SQLITE_OK && f->pages->n > 0 && *size < held * BLOCK_SIZE)
		*size = held * BLOCK_SIZE;
	if (rc == SQLITE_OK && f->mend != NULL && *size < page_mend_pages(f->mend) * BLOCK_SIZE)
		*size = page_mend_pages(f->mend) * BLOCK_SIZE;
	return rc;
}

static int
database_sync(sqlite3_file *file, int flags)
{
	struct vault_file *f = file_of(file);
	int rc = pages_flush(f);

	if (rc == SQLITE_OK)
		rc = f->below->pMethods->xSync(f->below, flags);
	return f->rules->hide_errors ? SQLITE_OK : rc;
}

static int
slots_read(sqlite3_file *file, void *buf, int n, sqlite3_int64 offset)
{
	return block_file_read(file_of(file)->blocks, buf, n, offset);
}

int
vault_file_true_page(sqlite3_file *file, int64_t page, uint8_t out[BLOCK_SIZE])
{
	return page_read_true(file_of(file), out, page);
}

int
vault_file_true_pages(sqlite3_file *file, int64_t *out)
{
	struct vault_file *f = file_of(file);
	sqlite3_int64 size = 0;
	int rc = f->below->pMethods->xFileSize(f->below, &size);

	*out = f->mend != NULL ? page_mend_true_pages(f->mend) : (size + BLOCK_SIZE - 1) / BLOCK_SIZE;
	return rc;
}

/*
 * An emptied WAL is empty for good before anything else is written: what a torn
 * first block would leave behind it is then never mistaken for lost data.
 */
static int
empty_wal(struct vault_file *f)
{
	int rc;

	if (block_file_size(f->blocks) == 0 && !f->emptied)
		return SQLITE_OK;
	if ((rc = block_file_truncate(f->blocks, 0)) != SQLITE_OK || f->rules->reuse_wal)
		return rc;
	/* if the sync fails, the next try must not take it for done */
	f->emptied = true;
	if ((rc = f->below->pMethods->xSync(f->below, SQLITE_SYNC_NORMAL)) == SQLITE_OK)
		f->emptied = false;
	return rc;
}

static int
slots_truncate(sqlite3_file *file, sqlite3_int64 size)
{
	struct vault_file *f = file_of(file);

	if (f->rules->mend != NULL)
		return SQLITE_IOERR_TRUNCATE;
	return f->is_wal && size == 0 ? empty_wal(f) : block_file_truncate(f->blocks, size);
}

static int
slots_write(sqlite3_file *file, const void *buf, int n, sqlite3_int64 offset)
{
	struct vault_file *f = file_of(file);
	int rc;

	if (f->rules->mend != NULL)
		return SQLITE_IOERR_WRITE;
	/* SQLite begins a new WAL over the frames of the old one, once the database has them. */
	if (f->is_wal && offset == 0 && n == WAL_HEADER_BYTES && !f->rules->reuse_wal &&
	    (rc = empty_wal(f)) != SQLITE_OK)
		return rc;
	return or_full(f, block_file_write(f->blocks, buf, n, offset));
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
	int rc = or_full(f, block_file_flush(f->blocks));

	if (rc == SQLITE_OK)
		rc = f->below->pMethods->xSync(f->below, flags);
	return f->rules->hide_errors ? SQLITE_OK : rc;
}

static int
file_close(sqlite3_file *file)
{
	struct vault_file *f = file_of(file);
	int close_rc = SQLITE_OK, rc = f->blocks != NULL ? block_file_flush(f->blocks) :
	    f->pages != NULL ? pages_flush(f) : SQLITE_OK;

	if (f->below->pMethods != NULL)
		close_rc = f->below->pMethods->xClose(f->below);
	block_file_free(f->blocks);
	block_key_free(f->key);
	if (f->pages != NULL)
		secret_wipe(f->pages, sizeof *f->pages);
	free(f->pages);
	page_mend_free(f->mend);
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
	char **pragma = arg;

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
		/* The page size is that of the seal; NULL is only a question. */
		if (sqlite3_stricmp(pragma[1], "page_size") == 0 && pragma[2] != NULL &&
		    strcmp(pragma[2], "4096") != 0) {
			pragma[0] = sqlite3_mprintf("the page size of a vault cannot change");
			return SQLITE_ERROR;
		}
		return SQLITE_NOTFOUND;
	case QUERY_POOL_CONTROL:
		*(struct query_pool ***)arg = &f->queries;
		return f->pages != NULL ? SQLITE_OK : SQLITE_NOTFOUND;
	default:
		return SQLITE_NOTFOUND;
	}
}

static int
file_sector_size(sqlite3_file *file)
{
	return file_of(file)->rules->promise_powersafe ? 512 : BLOCK_SIZE;
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

	if (f->rules->promise_powersafe)
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

int
vault_file_bytes(const sqlite3_vfs *below)
{
	return (int)sizeof(struct vault_file) + below->szOsFile;
}

struct block_file *
vault_file_blocks(sqlite3_file *file)
{
	return file_of(file)->blocks;
}

static int
page_of(void *ctx, int64_t page, uint8_t out[BLOCK_SIZE])
{
	int rc = page_read_true(ctx, out, page);

	return rc == SQLITE_IOERR_SHORT_READ ? SQLITE_IOERR_DATA : rc;
}

static int
mend(struct vault_file *f)
{
	struct page_mend_source from = { page_of, f, 0, f->rules->mend };
	int rc = vault_file_true_pages(&f->base, &from.pages);

	if (rc == SQLITE_OK)
		rc = page_mend_new(&from, &f->mend);
	/* nothing left: SQLite is to find the damage itself */
	return rc == SQLITE_CORRUPT ? SQLITE_OK : rc;
}

int
vault_file_open(sqlite3_file *file, struct block_key *key, const struct vault_vfs_rules *rules,
    sqlite3_vfs *below, const char *name, int flags, int *out_flags)
{
	struct vault_file *f = file_of(file);
	struct block_file_options options = { 0 };
	int rc;

	memset(f, 0, sizeof *f);
	f->rules = rules;
	f->key = key;
	f->below = (sqlite3_file *)(void *)((uint8_t *)f + sizeof *f);
	f->below->pMethods = NULL;
	if ((rc = below->xOpen(below, name, f->below, flags, out_flags)) != SQLITE_OK)
		goto out;
	if ((flags & SQLITE_OPEN_MAIN_DB) != 0) {
		f->pages = calloc(1, sizeof *f->pages);
		f->base.pMethods = &DATABASE_METHODS;
		rc = f->pages == NULL ? SQLITE_NOMEM : rules->mend != NULL ? mend(f) : SQLITE_OK;
		goto out;
	}
	f->is_wal = (flags & SQLITE_OPEN_WAL) != 0;
	options.zeroes = (flags & (SQLITE_OPEN_WAL | SQLITE_OPEN_MAIN_JOURNAL)) != 0 &&
	    !rules->strict_wal;
	options.ahead = f->is_wal;
	options.slot = rules->tight_slots ? TIGHT_SLOT : BLOCK_SLOT;
	options.kept = rules->few_blocks ? FEW_BLOCKS : 0;
	rc = block_file_new(f->key, f->below, options, &f->blocks);
	f->base.pMethods = &SLOTS_METHODS;
out:
	if (rc != SQLITE_OK) {
		(void)file_close(file);		/* the first error is the one to tell */
		f->base.pMethods = NULL;
	}
	return rc;
}
