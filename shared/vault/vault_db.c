#include <stdlib.h>
#include <string.h>

#include <sqlite3.h>

#include "shared/base/files.h"
#include "shared/vault/block_file.h"
#include "shared/vault/query_pool.h"
#include "shared/vault/vault_db.h"
#include "shared/vault/vault_vfs.h"

enum { CACHE_KIB = 16384 };

static enum rc
rc_of_code(sqlite3 *db, int sqlite_rc)
{
	switch (sqlite_rc) {
	case SQLITE_IOERR_NOMEM:
		return RC_NOMEM;
	case SQLITE_IOERR_DATA:
	case SQLITE_IOERR_SHORT_READ:
	case SQLITE_IOERR_CORRUPTFS:
		return RC_DAMAGED;
	case SQLITE_READONLY_DIRECTORY:
		return RC_IO;
	case SQLITE_CONSTRAINT_UNIQUE:
	case SQLITE_CONSTRAINT_PRIMARYKEY:
	case SQLITE_CONSTRAINT_ROWID:
		return RC_EXISTS;
	default:
		break;
	}
	switch (sqlite_rc & 255) {
	case SQLITE_OK:
	case SQLITE_ROW:
	case SQLITE_DONE:
		return RC_OK;
	case SQLITE_FULL:
		return RC_FULL;
	case SQLITE_IOERR:
	case SQLITE_CANTOPEN:
		return db == NULL ? RC_IO : files_rc_of_errno(sqlite3_system_errno(db));
	case SQLITE_READONLY:
		/* only start_wal makes a connection so: see there */
		return RC_FULL;
	case SQLITE_PERM:
		return RC_IO;
	case SQLITE_CORRUPT:
	case SQLITE_NOTADB:
		return RC_DAMAGED;
	case SQLITE_NOMEM:
		return RC_NOMEM;
	case SQLITE_BUSY:
	case SQLITE_LOCKED:
		return RC_BUSY;
	case SQLITE_TOOBIG:
		return RC_LIMIT;
	case SQLITE_CONSTRAINT:
	case SQLITE_MISMATCH:
		return RC_INVALID;
	default:
		return RC_INTERNAL;
	}
}

/*
 * SQLite's messages may quote what somebody typed (a search, a value).  Those
 * that name only our own tables are worth having.
 */
static const char *
safe_message(sqlite3 *db, int sqlite_rc)
{
	static const char *const safe[] = { "no such table: ", "no such function: ",
	    "no such module: ", "table ", "UNIQUE constraint failed: ",
	    "NOT NULL constraint failed: ", "FOREIGN KEY constraint failed" };
	const char *message = db == NULL ? NULL : sqlite3_errmsg(db);

	if (sqlite_rc == SQLITE_IOERR_DATA)
		return "a page is not what was written";
	if ((sqlite_rc & 255) == SQLITE_CORRUPT)
		return "pages are missing, or do not fit together";
	for (size_t i = 0; message != NULL && i < sizeof safe / sizeof *safe; i++) {
		if (strncmp(message, safe[i], strlen(safe[i])) == 0)
			return message;
	}
	return sqlite3_errstr(sqlite_rc);
}

enum rc
vault_db_rc(struct sqlite3 *db, int sqlite_rc, const char *doing, struct error *err)
{
	enum rc rc = rc_of_code(db, sqlite_rc);
	const char *help = NULL;

	if (rc == RC_OK)
		return RC_OK;
	if (rc == RC_FULL)
		help = "free some space on the disk and try again; what was saved before is safe";
	else if (rc == RC_DAMAGED)
		help = "copy the whole folder; field verify tells what is damaged, field rebuild keeps"
		    " what can be read";
	else if (sqlite_rc == SQLITE_READONLY_DIRECTORY)
		help = "give its owner the right to write in the folder";
	return error_set(err, rc, "vault.db", help, "%s: %s (%d)", doing,
	    safe_message(db, sqlite_rc), sqlite_rc);
}

static enum rc
run(sqlite3 *db, const char *sql, const char *doing, struct error *err)
{
	return vault_db_rc(db, sqlite3_exec(db, sql, NULL, NULL, NULL), doing, err);
}

/* First column of the first row as a number. */
static enum rc
number(sqlite3 *db, const char *sql, sqlite3_int64 *out, struct error *err)
{
	sqlite3_stmt *stmt = NULL;
	int rc = sqlite3_prepare_v2(db, sql, -1, &stmt, NULL);

	*out = 0;
	if (rc == SQLITE_OK && (rc = sqlite3_step(stmt)) == SQLITE_ROW)
		*out = sqlite3_column_int64(stmt, 0);
	sqlite3_finalize(stmt);
	return vault_db_rc(db, rc, "read a setting of the database", err);
}

static enum rc
settings(sqlite3 *db, bool create, struct error *err)
{
	int reserve = BLOCK_OVERHEAD;
	char cache[64];
	enum rc rc;

	sqlite3_extended_result_codes(db, 1);
	sqlite3_db_config(db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
	sqlite3_db_config(db, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
	sqlite3_db_config(db, SQLITE_DBCONFIG_DQS_DML, 0, NULL);
	sqlite3_db_config(db, SQLITE_DBCONFIG_DQS_DDL, 0, NULL);
	sqlite3_snprintf((int)sizeof cache, cache, "PRAGMA cache_size = -%d", CACHE_KIB);
	/* The lock first: it decides how a WAL is opened. */
	if ((rc = run(db, "PRAGMA locking_mode = EXCLUSIVE; PRAGMA mmap_size = 0;"
	    "PRAGMA temp_store = MEMORY; PRAGMA secure_delete = ON;"
	    "PRAGMA trusted_schema = OFF; PRAGMA synchronous = FULL",
	    "set up the database", err)) != RC_OK ||
	    (rc = run(db, cache, "set up the database", err)) != RC_OK)
		return rc;
	if (!create)
		return RC_OK;
	if ((rc = run(db, "PRAGMA page_size = 4096", "set up the database", err)) != RC_OK)
		return rc;
	return vault_db_rc(db, sqlite3_file_control(db, "main", SQLITE_FCNTL_RESERVE_BYTES, &reserve),
	    "reserve room in the pages", err);
}

/*
 * The journal mode is WAL from the first page on; and after a crash the WAL
 * that was recovered is emptied before anything is appended, because its end
 * may share a block with the last commit.
 */
static enum rc
start_wal(sqlite3 *db, bool create, const struct vault_vfs_rules *rules, struct error *err)
{
	sqlite3_int64 pages;
	int rc_sqlite;
	enum rc rc;

	/* EXTRA: the rollback journal of the very first page must not come back later. */
	if (create && (rc = run(db, "PRAGMA synchronous = EXTRA; PRAGMA journal_mode = WAL;"
	    "PRAGMA synchronous = FULL; PRAGMA application_id = 1717924964",
	    "create the database", err)) != RC_OK)
		return rc;
	if ((rc = number(db, "PRAGMA page_count", &pages, err)) != RC_OK ||
	    (rc = number(db, "SELECT count(*) FROM sqlite_schema", &pages, err)) != RC_OK)
		return rc;
	if (rules != NULL && rules->no_checkpoint_at_open)
		return RC_OK;
	rc_sqlite = sqlite3_wal_checkpoint_v2(db, "main", SQLITE_CHECKPOINT_TRUNCATE, NULL, NULL);
	/* Whoever has a full disk may at least read; nothing may be appended then. */
	if (rc_of_code(db, rc_sqlite) == RC_FULL)
		return run(db, "PRAGMA query_only = ON", "set up the database", err);
	return vault_db_rc(db, rc_sqlite, "empty the write-ahead log", err);
}

static enum rc
check_there(struct vault_vfs *vfs, bool create, struct error *err)
{
	int64_t size;
	enum rc rc = vault_vfs_database_size(vfs, &size, err);

	if (rc != RC_OK && rc != RC_NOTFOUND)
		return rc;
	if (create)
		return rc == RC_NOTFOUND ? RC_OK : error_set(err, RC_EXISTS, vault_vfs_path(vfs), NULL,
		    "there is a database already");
	/* Never a reason to begin an empty one: it held somebody's work. */
	if (rc == RC_NOTFOUND || size == 0)
		return error_set(err, RC_DAMAGED, vault_vfs_path(vfs),
		    "bring back the folder from a backup", "the database of this vault is gone");
	return RC_OK;
}

enum rc
vault_db_open(struct vault_vfs *vfs, bool create, const struct vault_vfs_rules *rules,
    struct sqlite3 **out, struct error *err)
{
	sqlite3 *db = NULL;
	int rc;
	enum rc result;

	*out = NULL;
	if ((result = check_there(vfs, create, err)) != RC_OK ||
	    (result = vault_vfs_check_wal(vfs, err)) != RC_OK)
		return result;
	/* Without its mutex: keys and blocks are for one thread at a time anyway (the keeper's gate). */
	rc = sqlite3_open_v2(vault_vfs_path(vfs), &db, SQLITE_OPEN_READWRITE |
	    (create ? SQLITE_OPEN_CREATE : 0) | SQLITE_OPEN_PRIVATECACHE | SQLITE_OPEN_NOMUTEX,
	    vault_vfs_name(vfs));
	if ((result = vault_db_rc(db, rc, "open the database", err)) != RC_OK)
		goto out;
	if (sqlite3_db_readonly(db, "main") != 0) {
		result = error_set(err, RC_IO, "vault.db", "give its owner the right to write",
		    "the database cannot be written");
		goto out;
	}
	if ((result = settings(db, create, err)) != RC_OK ||
	    (result = start_wal(db, create, rules, err)) != RC_OK)
		goto out;
	*out = db;
	db = NULL;
out:
	return vault_db_close(db) ? result : RC_INTERNAL;
}

bool
vault_db_close(struct sqlite3 *db)
{
	query_pool_drop(db);
	if (db == NULL || sqlite3_close(db) == SQLITE_OK)
		return true;
	/*
	 * Not ours to finalise: among those left may be statements that the
	 * full-text index finalises itself.
	 */
	sqlite3_close_v2(db);
	return false;
}

/* Every page as it lies on the disk, those that no row uses included. */
static enum rc
verify_pages(sqlite3 *db, struct error *err)
{
	uint8_t page[BLOCK_SIZE];
	sqlite3_file *file = NULL;
	sqlite3_int64 size = 0, first = 0;
	long bad = 0;
	int rc;

	rc = sqlite3_file_control(db, "main", SQLITE_FCNTL_FILE_POINTER, &file);
	if (rc == SQLITE_OK)
		rc = file->pMethods->xFileSize(file, &size);
	if (rc != SQLITE_OK)
		return vault_db_rc(db, rc, "read the database", err);
	for (sqlite3_int64 at = 0; at < size; at += BLOCK_SIZE) {
		if (at / BLOCK_SIZE == BLOCK_LOCK_PAGE)
			continue;
		rc = file->pMethods->xRead(file, page, BLOCK_SIZE, at);
		if (rc == SQLITE_IOERR_DATA) {
			if (bad++ == 0)
				first = at / BLOCK_SIZE + 1;
		} else if (rc != SQLITE_OK) {
			return vault_db_rc(db, rc, "read the database", err);
		}
	}
	if (bad > 0)
		return error_set(err, RC_DAMAGED, "vault.db", "bring back the folder from a backup",
		    "%ld of %lld pages are not what was written, the first is page %lld", bad,
		    (long long)(size / BLOCK_SIZE), (long long)first);
	return RC_OK;
}

static enum rc
verify_structure(sqlite3 *db, const char *pragma, const char *good, struct error *err)
{
	sqlite3_stmt *stmt = NULL;
	static const char unread[] = "unable to get the page. error code=";
	const char *text = NULL, *code;
	enum rc result = RC_OK;
	int rc = sqlite3_prepare_v2(db, pragma, -1, &stmt, NULL);

	if (rc == SQLITE_OK && (rc = sqlite3_step(stmt)) == SQLITE_ROW) {
		text = (const char *)sqlite3_column_text(stmt, 0);
		/* what the check says of a page that the disk would not give */
		code = text == NULL ? NULL : strstr(text, unread);
		if (code != NULL)
			result = vault_db_rc(db, (int)strtol(code + sizeof unread - 1, NULL, 10),
			    "check the database", err);
		else if (good == NULL || text == NULL || strcmp(text, good) != 0)
			result = error_set(err, RC_DAMAGED, "vault.db",
			    "bring back the folder from a backup", "%s: %s",
			    good == NULL ? "a row refers to one that is gone, in table" :
			    "the structure is damaged", text == NULL ? "?" : text);
	}
	if (result == RC_OK)
		result = vault_db_rc(db, rc, "check the database", err);
	sqlite3_finalize(stmt);
	return result;
}

enum rc
vault_db_verify(struct sqlite3 *db, struct error *err)
{
	enum rc rc;

	rc = vault_db_rc(db, sqlite3_wal_checkpoint_v2(db, "main", SQLITE_CHECKPOINT_TRUNCATE,
	    NULL, NULL), "empty the write-ahead log", err);
	if (rc != RC_OK || (rc = verify_pages(db, err)) != RC_OK ||
	    (rc = verify_structure(db, "PRAGMA integrity_check(1)", "ok", err)) != RC_OK)
		return rc;
	return verify_structure(db, "PRAGMA foreign_key_check", NULL, err);
}
