#include "sync-server/depot_sql.h"

#include <sqlite3.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "shared/base/embedded.h"

enum { BUSY_MS = 10000 };

static const char *
help_for(enum rc rc, int code)
{
	if (rc == RC_IO)
		return code == SQLITE_IOERR ? "check the disk" :
		    "give the server's account the right to read and write it";
	return rc == RC_FULL ? "free some space" :
	    rc == RC_BUSY ? "another program holds it: try again" :
	    rc == RC_DAMAGED ? "restore it from a backup" : NULL;
}

static enum rc
failed(struct depot_sql *s, int code)
{
	enum rc rc;

	switch (code & 0xff) {
	case SQLITE_FULL:
		rc = RC_FULL;
		break;
	case SQLITE_BUSY:
	case SQLITE_LOCKED:
		rc = RC_BUSY;
		break;
	case SQLITE_NOMEM:
		rc = RC_NOMEM;
		break;
	case SQLITE_CORRUPT:
	case SQLITE_NOTADB:
		rc = RC_DAMAGED;
		break;
	case SQLITE_IOERR:
	case SQLITE_CANTOPEN:
	case SQLITE_READONLY:
	case SQLITE_PERM:
		rc = RC_IO;
		break;
	case SQLITE_CONSTRAINT:
		rc = RC_EXISTS;
		break;
	default:
		rc = RC_INTERNAL;
		break;
	}
	error_clear(&s->error);
	return error_set(&s->error, rc, "depot.db", help_for(rc, code & 0xff), "%s",
	    sqlite3_errmsg(s->db));
}

/* ---- statements ---- */

static enum rc
prepare(struct depot_sql *s, const char *sql, sqlite3_stmt **out)
{
	int code;

	*out = NULL;
	for (size_t i = 0; i < s->n_kept; i++)
		if (s->kept[i].sql == sql && !s->kept[i].used) {
			s->kept[i].used = true;
			*out = s->kept[i].q;
			return RC_OK;
		}
	code = sqlite3_prepare_v3(s->db, sql, -1, SQLITE_PREPARE_PERSISTENT, out, NULL);
	if (code != SQLITE_OK)
		return failed(s, code);
	if (s->n_kept < DEPOT_SQL_KEPT) {
		s->kept[s->n_kept].sql = sql;
		s->kept[s->n_kept].q = *out;
		s->kept[s->n_kept++].used = true;
	}
	return RC_OK;
}

void
depot_sql_close(struct depot_sql *s, sqlite3_stmt *q)
{
	if (q == NULL)
		return;
	for (size_t i = 0; i < s->n_kept; i++)
		if (s->kept[i].q == q) {
			sqlite3_reset(q);
			sqlite3_clear_bindings(q);
			s->kept[i].used = false;
			return;
		}
	sqlite3_finalize(q);
}

static enum rc
bind_all(struct depot_sql *s, sqlite3_stmt *q, const char *format, va_list ap)
{
	const void *p;
	size_t len;
	int code = SQLITE_OK;

	for (int i = 1; format[i - 1] != '\0' && code == SQLITE_OK; i++) {
		switch (format[i - 1]) {
		case 'i':
			code = sqlite3_bind_int64(q, i, va_arg(ap, int64_t));
			break;
		case 't':
			code = sqlite3_bind_text(q, i, va_arg(ap, const char *), -1, SQLITE_TRANSIENT);
			break;
		case 'b':
			p = va_arg(ap, const void *);
			len = va_arg(ap, size_t);
			/* a NULL pointer would bind NULL, not an empty blob */
			code = sqlite3_bind_blob64(q, i, len > 0 ? p : "", len, SQLITE_TRANSIENT);
			break;
		default:
			code = sqlite3_bind_null(q, i);
			break;
		}
	}
	return code == SQLITE_OK ? RC_OK : failed(s, code);
}

static enum rc
open_with(struct depot_sql *s, sqlite3_stmt **out, const char *sql, const char *format, va_list ap)
{
	enum rc rc;

	if ((rc = prepare(s, sql, out)) != RC_OK)
		return rc;
	if ((rc = bind_all(s, *out, format, ap)) != RC_OK) {
		depot_sql_close(s, *out);
		*out = NULL;
	}
	return rc;
}

enum rc
depot_sql_open(struct depot_sql *s, sqlite3_stmt **out, const char *sql, const char *format, ...)
{
	va_list ap;
	enum rc rc;

	va_start(ap, format);
	rc = open_with(s, out, sql, format, ap);
	va_end(ap);
	return rc;
}

enum rc
depot_sql_next(struct depot_sql *s, sqlite3_stmt *q, bool *row)
{
	int code = sqlite3_step(q);

	*row = code == SQLITE_ROW;
	return code == SQLITE_ROW || code == SQLITE_DONE ? RC_OK : failed(s, code);
}

enum rc
depot_sql_run(struct depot_sql *s, const char *sql, const char *format, ...)
{
	sqlite3_stmt *q = NULL;
	va_list ap;
	bool row = true;
	enum rc rc;

	va_start(ap, format);
	rc = open_with(s, &q, sql, format, ap);
	va_end(ap);
	while (rc == RC_OK && row)
		rc = depot_sql_next(s, q, &row);
	depot_sql_close(s, q);
	return rc;
}

/* The statement on its first row; RC_NOTFOUND when there is none or its first column is NULL. */
static enum rc
first_row(struct depot_sql *s, sqlite3_stmt **q, const char *sql, const char *format, va_list ap)
{
	bool row = false;
	enum rc rc;

	if ((rc = open_with(s, q, sql, format, ap)) != RC_OK)
		return rc;
	if ((rc = depot_sql_next(s, *q, &row)) != RC_OK)
		return rc;
	return row && sqlite3_column_type(*q, 0) != SQLITE_NULL ? RC_OK : RC_NOTFOUND;
}

enum rc
depot_sql_int(struct depot_sql *s, int64_t *out, const char *sql, const char *format, ...)
{
	sqlite3_stmt *q = NULL;
	va_list ap;
	enum rc rc;

	*out = 0;
	va_start(ap, format);
	rc = first_row(s, &q, sql, format, ap);
	va_end(ap);
	if (rc == RC_OK)
		*out = sqlite3_column_int64(q, 0);
	depot_sql_close(s, q);
	return rc;
}

enum rc
depot_sql_blob(struct depot_sql *s, struct bytes *out, const char *sql, const char *format, ...)
{
	sqlite3_stmt *q = NULL;
	const uint8_t *p;
	size_t len;
	va_list ap;
	enum rc rc;

	va_start(ap, format);
	rc = first_row(s, &q, sql, format, ap);
	va_end(ap);
	if (rc == RC_OK) {
		p = depot_sql_column_blob(q, 0, &len);
		bytes_put(out, p, len);
		rc = out->rc;
	}
	depot_sql_close(s, q);
	return rc;
}

enum rc
depot_sql_fixed(struct depot_sql *s, uint8_t *out, size_t len, const char *sql,
    const char *format, ...)
{
	sqlite3_stmt *q = NULL;
	va_list ap;
	enum rc rc;

	memset(out, 0, len);
	va_start(ap, format);
	rc = first_row(s, &q, sql, format, ap);
	va_end(ap);
	if (rc == RC_OK) {
		if (sqlite3_column_bytes(q, 0) == (int)len)
			depot_sql_column_fixed(q, 0, out, len);
		else
			rc = RC_DAMAGED;
	}
	depot_sql_close(s, q);
	return rc;
}

int64_t
depot_sql_column_int(sqlite3_stmt *q, int column)
{
	return sqlite3_column_int64(q, column);
}

const uint8_t *
depot_sql_column_blob(sqlite3_stmt *q, int column, size_t *len)
{
	static const uint8_t none;
	const uint8_t *p = sqlite3_column_blob(q, column);
	int n = sqlite3_column_bytes(q, column);

	*len = p != NULL && n > 0 ? (size_t)n : 0;
	return *len > 0 ? p : &none;
}

const char *
depot_sql_column_text(sqlite3_stmt *q, int column)
{
	const unsigned char *p = sqlite3_column_text(q, column);

	return p != NULL ? (const char *)p : "";
}

void
depot_sql_column_fixed(sqlite3_stmt *q, int column, uint8_t *out, size_t len)
{
	size_t n;
	const uint8_t *p = depot_sql_column_blob(q, column, &n);

	if (n == len)
		memcpy(out, p, len);
	else
		memset(out, 0, len);
}

/* ---- opening ---- */

static enum rc
exec(struct depot_sql *s, const char *sql)
{
	int code = sqlite3_exec(s->db, sql, NULL, NULL, NULL);

	return code == SQLITE_OK ? RC_OK : failed(s, code);
}

void
depot_sql_undo(struct depot_sql *s)
{
	/* some failures have ended the transaction already */
	if (sqlite3_get_autocommit(s->db) == 0)
		sqlite3_exec(s->db, "ROLLBACK", NULL, NULL, NULL);
}

bool
depot_sql_undo_to(struct depot_sql *s)
{
	return sqlite3_get_autocommit(s->db) == 0 &&
	    sqlite3_exec(s->db, "ROLLBACK TO piece; RELEASE piece", NULL, NULL, NULL) == SQLITE_OK;
}

/* One numbered part of schema/depot.sql, in a transaction with its number. */
static enum rc
migrate_to(struct depot_sql *s, long version, const char *from, size_t len)
{
	struct bytes sql;
	enum rc rc;

	bytes_init(&sql);
	bytes_text(&sql, "BEGIN IMMEDIATE;\n");
	bytes_put(&sql, from, len);
	bytes_printf(&sql, ";\nPRAGMA user_version = %ld;\nCOMMIT;", version);
	rc = sql.rc;
	if (rc == RC_OK)
		rc = exec(s, bytes_cstr(&sql));
	bytes_reset(&sql);
	if (rc != RC_OK)
		depot_sql_undo(s);
	return rc;
}

static enum rc
migrate(struct depot_sql *s)
{
	static const char mark[] = "-- version ";
	const struct embedded *schema = embedded_find("depot.sql");
	const char *part, *next;
	int64_t have;
	long version = 0;
	enum rc rc;

	if (schema == NULL)
		return RC_INTERNAL;
	if ((rc = depot_sql_int(s, &have, "PRAGMA user_version", "")) != RC_OK)
		return rc;
	part = strstr((const char *)schema->data, mark);
	while (rc == RC_OK && part != NULL) {
		version = strtol(part + sizeof(mark) - 1, NULL, 10);
		next = strstr(part + 1, mark);
		if (version > have)
			rc = migrate_to(s, version, part, next != NULL ? (size_t)(next - part) : strlen(part));
		part = next;
	}
	if (rc == RC_OK && have > version)
		return error_set(&s->error, RC_NEWER, "depot.db", "use the newer sync-server",
		    "made by a newer program");
	return rc;
}

enum rc
depot_sql_start(struct depot_sql *s, const char *path, bool create, struct error *err)
{
	int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | (create ? SQLITE_OPEN_CREATE : 0);
	int code;
	enum rc rc;

	memset(s, 0, sizeof(*s));
	code = sqlite3_open_v2(path, &s->db, flags, NULL);
	if (code != SQLITE_OK) {
		rc = s->db != NULL ? failed(s, code) : RC_NOMEM;
		goto out;
	}
	if (sqlite3_db_readonly(s->db, "main") != 0) {
		rc = error_set(&s->error, RC_IO, path, help_for(RC_IO, SQLITE_READONLY),
		    "the store can be read and not written");
		goto out;
	}
	sqlite3_extended_result_codes(s->db, 1);
	sqlite3_busy_timeout(s->db, BUSY_MS);
	sqlite3_db_config(s->db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
	rc = exec(s, "PRAGMA trusted_schema = OFF; PRAGMA journal_mode = WAL;"
	    " PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON; PRAGMA temp_store = MEMORY;");
	if (rc == RC_OK)
		rc = migrate(s);
out:
	if (rc != RC_OK) {
		if (s->error.code != RC_OK)
			error_set(err, rc, path, s->error.help, "%s", s->error.what);
		depot_sql_stop(s);
	}
	return rc;
}

void
depot_sql_stop(struct depot_sql *s)
{
	for (size_t i = 0; i < s->n_kept; i++)
		sqlite3_finalize(s->kept[i].q);
	sqlite3_close(s->db);
	memset(s, 0, sizeof(*s));
}
