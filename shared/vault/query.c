#include "shared/vault/query.h"

#include <sqlite3.h>
#include <stdarg.h>
#include <string.h>

#include "shared/vault/query_pool.h"
#include "shared/vault/vault.h"

enum rc
query_failed(struct sqlite3 *db, int code, const char *sql, struct error *err)
{
	char doing[80];
	size_t n = strcspn(sql, "(\n");

	if (n >= sizeof(doing))
		n = sizeof(doing) - 1;
	memcpy(doing, sql, n);
	doing[n] = '\0';
	return vault_rc_of_sqlite(db, code, doing, err);
}

static int
bind_all(struct sqlite3_stmt *q, const char *format, va_list ap)
{
	int s = SQLITE_OK;
	const void *p;

	for (int i = 1; *format != '\0' && s == SQLITE_OK; i++, format++) {
		switch (*format) {
		case 'i':
			s = sqlite3_bind_int64(q, i, va_arg(ap, int64_t));
			break;
		case 't':
			s = sqlite3_bind_text(q, i, va_arg(ap, const char *), -1,
			    SQLITE_TRANSIENT);
			break;
		case 'b':
			p = va_arg(ap, const void *);
			s = sqlite3_bind_blob64(q, i, p == NULL ? "" : p, va_arg(ap, size_t),
			    SQLITE_TRANSIENT);
			break;
		case 'n':
			s = sqlite3_bind_null(q, i);
			break;
		default:
			s = SQLITE_MISUSE;
		}
	}
	return s;
}

static enum rc
open_bound(struct sqlite3 *db, struct error *err, struct sqlite3_stmt **out, const char *sql,
    const char *format, va_list ap)
{
	int s = query_pool_take(db, sql, out);

	if (s == SQLITE_OK)
		s = bind_all(*out, format, ap);
	if (s == SQLITE_OK)
		return RC_OK;
	query_close(*out);
	*out = NULL;
	return query_failed(db, s, sql, err);
}

enum rc
query_open(struct sqlite3 *db, struct error *err, struct sqlite3_stmt **out,
    const char *sql, const char *format, ...)
{
	va_list ap;
	enum rc rc;

	va_start(ap, format);
	rc = open_bound(db, err, out, sql, format, ap);
	va_end(ap);
	return rc;
}

enum rc
query_next(struct sqlite3_stmt *q, bool *row, struct error *err)
{
	int s = sqlite3_step(q);

	*row = s == SQLITE_ROW;
	if (s == SQLITE_ROW || s == SQLITE_DONE)
		return RC_OK;
	return query_failed(sqlite3_db_handle(q), s, sqlite3_sql(q), err);
}

void
query_close(struct sqlite3_stmt *q)
{
	query_pool_give(q);
}

enum rc
query_run(struct sqlite3 *db, struct error *err, const char *sql, const char *format, ...)
{
	struct sqlite3_stmt *q;
	va_list ap;
	bool row = true;
	enum rc rc;

	va_start(ap, format);
	rc = open_bound(db, err, &q, sql, format, ap);
	va_end(ap);
	while (rc == RC_OK && row)
		rc = query_next(q, &row, err);
	query_close(q);
	return rc;
}

enum rc
query_int(struct sqlite3 *db, struct error *err, int64_t *out, const char *sql,
    const char *format, ...)
{
	struct sqlite3_stmt *q;
	va_list ap;
	bool row;
	enum rc rc;

	*out = 0;
	va_start(ap, format);
	rc = open_bound(db, err, &q, sql, format, ap);
	va_end(ap);
	if (rc == RC_OK && (rc = query_next(q, &row, err)) == RC_OK) {
		if (!row || query_column_is_null(q, 0))
			rc = RC_NOTFOUND;
		else
			*out = query_column_int(q, 0);
	}
	query_close(q);
	return rc;
}

enum rc
query_blob(struct sqlite3 *db, struct error *err, struct bytes *out, const char *sql,
    const char *format, ...)
{
	struct sqlite3_stmt *q;
	va_list ap;
	bool row;
	const uint8_t *p;
	size_t len;
	enum rc rc;

	va_start(ap, format);
	rc = open_bound(db, err, &q, sql, format, ap);
	va_end(ap);
	if (rc == RC_OK && (rc = query_next(q, &row, err)) == RC_OK) {
		if (!row || query_column_is_null(q, 0)) {
			rc = RC_NOTFOUND;
		} else {
			p = query_column_blob(q, 0, &len);
			bytes_put(out, p, len);
			rc = out->rc;
		}
	}
	query_close(q);
	return rc;
}

int64_t
query_column_int(struct sqlite3_stmt *q, int column)
{
	return sqlite3_column_int64(q, column);
}

const uint8_t *
query_column_blob(struct sqlite3_stmt *q, int column, size_t *len)
{
	const void *p = sqlite3_column_blob(q, column);

	*len = (size_t)sqlite3_column_bytes(q, column);
	return p == NULL ? (const uint8_t *)"" : p;
}

const char *
query_column_text(struct sqlite3_stmt *q, int column)
{
	const void *p = sqlite3_column_text(q, column);

	return p == NULL ? "" : p;
}

bool
query_column_is_null(struct sqlite3_stmt *q, int column)
{
	return sqlite3_column_type(q, column) == SQLITE_NULL;
}

enum rc
query_begin(struct sqlite3 *db, struct error *err)
{
	return query_run(db, err, "BEGIN IMMEDIATE", "");
}

enum rc
query_end(struct sqlite3 *db, enum rc rc, struct error *err)
{
	enum rc undone;

	if (rc == RC_OK && (rc = query_run(db, err, "COMMIT", "")) == RC_OK)
		return RC_OK;
	if (sqlite3_get_autocommit(db) == 0) {
		undone = query_run(db, NULL, "ROLLBACK", "");
		if (rc == RC_OK)
			rc = undone;
	}
	return rc;
}
