#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <sqlite3.h>

#include "shared/base/files.h"
#include "shared/vault/vault_db.h"
#include "shared/vault/vault_upgrade.h"
#include "shared/vault/vault_vfs.h"

enum { VERSION_MAX = 1000000, COPY_BYTES = 65536 };

static enum rc
run(sqlite3 *db, const char *sql, const char *doing, struct error *err)
{
	return vault_db_rc(db, sqlite3_exec(db, sql, NULL, NULL, NULL), doing, err);
}

static enum rc
version_of(sqlite3 *db, long *out, struct error *err)
{
	sqlite3_stmt *stmt = NULL;
	int rc = sqlite3_prepare_v2(db, "PRAGMA user_version", -1, &stmt, NULL);

	*out = 0;
	if (rc == SQLITE_OK && (rc = sqlite3_step(stmt)) == SQLITE_ROW)
		*out = (long)sqlite3_column_int64(stmt, 0);
	sqlite3_finalize(stmt);
	return vault_db_rc(db, rc, "read the version of the database", err);
}

/* The next "-- version N" line at or behind *at: *body is the line after it. */
static bool
next_version(const char *at, const char **line, const char **body, long *version)
{
	static const char mark[] = "-- version ";
	char *end;

	for (; at != NULL && *at != '\0'; at = strchr(at, '\n'), at = at == NULL ? NULL : at + 1) {
		if (strncmp(at, mark, sizeof mark - 1) != 0)
			continue;
		*version = strtol(at + sizeof mark - 1, &end, 10);
		*line = at;
		end += strcspn(end, "\n");
		*body = *end == '\n' ? end + 1 : end;
		return true;
	}
	return false;
}

/* Versions must be 1, 2, 3 ...; *last is the highest. */
static enum rc
check_versions(const char *sql, long *last, struct error *err)
{
	const char *line, *body;
	long version;

	*last = 0;
	while (next_version(sql, &line, &body, &version)) {
		if (version != *last + 1 || version > VERSION_MAX)
			return error_set(err, RC_FORMAT, "migrations", NULL,
			    "version %ld follows version %ld", version, *last);
		*last = version;
		sql = body;
	}
	if (*last == 0)
		return error_set(err, RC_FORMAT, "migrations", NULL, "no line \"-- version 1\"");
	return RC_OK;
}

static enum rc
run_version(sqlite3 *db, const char *body, long version, struct error *err)
{
	const char *line, *next;
	char where[64], pragma[64];
	char *text;
	long ignored;
	size_t len = next_version(body, &line, &next, &ignored) ? (size_t)(line - body) : strlen(body);
	enum rc rc;

	if ((text = malloc(len + 1)) == NULL)
		return RC_NOMEM;
	memcpy(text, body, len);
	text[len] = '\0';
	sqlite3_snprintf((int)sizeof where, where, "migrate to version %ld", version);
	sqlite3_snprintf((int)sizeof pragma, pragma, "PRAGMA user_version = %ld", version);
	if ((rc = run(db, text, where, err)) == RC_OK)
		rc = run(db, pragma, where, err);
	free(text);
	return rc;
}

/* The copy --------------------------------------------------------------- */

/* SQLite's VFS wants zeroes on both sides of a name. */
struct copy_name {
	char before[8];
	char path[FILES_PATH_MAX + 16];
	char behind[8];
};

static void
copy_name(const struct vault_vfs *vfs, long version, struct copy_name *out)
{
	memset(out, 0, sizeof *out);
	sqlite3_snprintf((int)sizeof out->path, out->path, "%s.v%ld", vault_vfs_path(vfs), version);
}

static int
open_below(sqlite3_vfs *below, const char *path, int flags, sqlite3_file **out)
{
	sqlite3_file *file = sqlite3_malloc(below->szOsFile);
	int rc, out_flags = 0;

	*out = NULL;
	if (file == NULL)
		return SQLITE_NOMEM;
	memset(file, 0, (size_t)below->szOsFile);
	rc = below->xOpen(below, path, file, flags | SQLITE_OPEN_READWRITE, &out_flags);
	if (rc == SQLITE_OK) {
		*out = file;
		return SQLITE_OK;
	}
	if (file->pMethods != NULL)
		file->pMethods->xClose(file);
	sqlite3_free(file);
	return rc;
}

static int
close_below(sqlite3_file *file, int rc)
{
	int close_rc = file == NULL ? SQLITE_OK : file->pMethods->xClose(file);

	sqlite3_free(file);
	return rc != SQLITE_OK ? rc : close_rc;
}

/* Sealed bytes from one file to the other, synced. */
static int
copy_bytes(sqlite3_file *from, sqlite3_file *to)
{
	sqlite3_int64 size = 0;
	uint8_t *buf = malloc(COPY_BYTES);
	int rc = buf == NULL ? SQLITE_NOMEM : to->pMethods->xTruncate(to, 0);

	if (rc == SQLITE_OK)
		rc = from->pMethods->xFileSize(from, &size);
	for (sqlite3_int64 at = 0; rc == SQLITE_OK && at < size; at += COPY_BYTES) {
		int n = size - at < COPY_BYTES ? (int)(size - at) : COPY_BYTES;

		if ((rc = from->pMethods->xRead(from, buf, n, at)) == SQLITE_OK)
			rc = to->pMethods->xWrite(to, buf, n, at);
	}
	free(buf);
	return rc == SQLITE_OK ? to->pMethods->xSync(to, SQLITE_SYNC_FULL) : rc;
}

/* The WAL is emptied first, so that the one file is everything. */
static enum rc
back_up(struct vault_vfs *vfs, sqlite3 *db, long version, struct error *err)
{
	sqlite3_vfs *below = vault_vfs_below(vfs);
	sqlite3_file *from = NULL, *to = NULL;
	struct copy_name name;
	int rc, ignored;

	copy_name(vfs, version, &name);
	rc = sqlite3_wal_checkpoint_v2(db, "main", SQLITE_CHECKPOINT_TRUNCATE, NULL, NULL);
	if (rc != SQLITE_OK)
		return vault_db_rc(db, rc, "empty the write-ahead log", err);
	/* As the database it is: SQLite then knows that its locks hang on this file. */
	rc = open_below(below, vault_vfs_path(vfs), SQLITE_OPEN_MAIN_DB, &from);
	if (rc == SQLITE_OK)
		rc = open_below(below, name.path, SQLITE_OPEN_SUPER_JOURNAL | SQLITE_OPEN_CREATE, &to);
	if (rc == SQLITE_OK)
		rc = copy_bytes(from, to);
	rc = close_below(from, rc);
	rc = close_below(to, rc);
	if (rc == SQLITE_OK)
		return RC_OK;
	/* Half a copy is of no use; if it cannot go, the next attempt writes over it. */
	ignored = below->xDelete(below, name.path, 0);
	(void)ignored;
	if (rc == SQLITE_NOMEM)
		return RC_NOMEM;
	return error_set(err, rc == SQLITE_FULL ? RC_FULL : RC_IO, name.path,
	    "make room for one more copy of vault.db; nothing was changed",
	    "cannot copy the database before it is changed (%d)", rc);
}

/* Copies of older versions have done their work. */
static void
drop_copies(struct vault_vfs *vfs, long now)
{
	sqlite3_vfs *below = vault_vfs_below(vfs);
	struct copy_name name;
	int there, rc;

	for (long v = 1; v < now; v++) {
		copy_name(vfs, v, &name);
		there = 0;
		if (below->xAccess(below, name.path, SQLITE_ACCESS_EXISTS, &there) == SQLITE_OK && there) {
			rc = below->xDelete(below, name.path, 1);
			(void)rc;	/* tried again at the next opening */
		}
	}
}

static enum rc
run_versions(sqlite3 *db, const char *sql, long now, struct error *err)
{
	const char *line, *body;
	long version;
	enum rc rc;

	if ((rc = run(db, "BEGIN IMMEDIATE", "migrate", err)) != RC_OK)
		return rc;
	while (rc == RC_OK && next_version(sql, &line, &body, &version)) {
		if (version > now)
			rc = run_version(db, body, version, err);
		sql = body;
	}
	if (rc == RC_OK)
		rc = run(db, "COMMIT", "migrate", err);
	if (rc != RC_OK)
		sqlite3_exec(db, "ROLLBACK", NULL, NULL, NULL);
	return rc;
}

enum rc
vault_upgrade_run(struct vault_vfs *vfs, struct sqlite3 *db, const char *sql, bool *upgraded,
    struct error *err)
{
	long now, last;
	enum rc rc;

	if ((rc = check_versions(sql, &last, err)) != RC_OK || (rc = version_of(db, &now, err)) != RC_OK)
		return rc;
	if (now > last)
		return error_set(err, RC_NEWER, "vault.db", "use the newer program",
		    "the database has version %ld, this program knows %ld", now, last);
	if (now == last) {
		if (!*upgraded)
			drop_copies(vfs, now);
		return RC_OK;
	}
	if (now > 0 && (rc = back_up(vfs, db, now, err)) != RC_OK)
		return rc;
	if ((rc = run_versions(db, sql, now, err)) == RC_OK && now > 0)
		*upgraded = true;
	return rc;
}
