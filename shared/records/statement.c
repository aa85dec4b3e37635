#include "shared/records/statement.h"

#include <sqlite3.h>
#include <stdarg.h>
#include <string.h>

#include "shared/vault/query.h"
#include "shared/vault/query_pool.h"

enum rc
statement_prepare(struct sqlite3 *db, const char *sql, struct sqlite3_stmt **out,
    struct error *err)
{
	int code = query_pool_take(db, sql, out);

	if (code == SQLITE_OK)
		return RC_OK;
	return query_failed(db, code, sql, err);
}

void
statement_free(struct sqlite3_stmt *s)
{
	query_pool_give(s);
}

void
statement_rest(struct sqlite3_stmt *s)
{
	sqlite3_reset(s);
	sqlite3_clear_bindings(s);
}

static int
bind_one(struct sqlite3_stmt *s, int i, char format, va_list *ap)
{
	const void *p;

	switch (format) {
	case 'i':
		return sqlite3_bind_int64(s, i, va_arg(*ap, int64_t));
	case 'u':
		return sqlite3_bind_int64(s, i, (int64_t)va_arg(*ap, uint64_t));
	case 't':
		return sqlite3_bind_text(s, i, va_arg(*ap, const char *), -1, SQLITE_STATIC);
	case 'b':
		p = va_arg(*ap, const void *);
		return sqlite3_bind_blob64(s, i, p == NULL ? "" : p, va_arg(*ap, size_t),
		    SQLITE_STATIC);
	case 'd':
		return sqlite3_bind_double(s, i, va_arg(*ap, double));
	case 'n':
		return sqlite3_bind_null(s, i);
	default:
		return SQLITE_MISUSE;
	}
}

static enum rc
bind_all(struct sqlite3_stmt *s, struct error *err, const char *format, va_list *ap)
{
	int code = SQLITE_OK;

	sqlite3_reset(s);
	for (int i = 1; *format != '\0' && code == SQLITE_OK; i++, format++)
		code = bind_one(s, i, *format, ap);
	if (code == SQLITE_OK)
		return RC_OK;
	return query_failed(sqlite3_db_handle(s), code, sqlite3_sql(s), err);
}

enum rc
statement_next(struct sqlite3_stmt *s, bool *row, struct error *err)
{
	int code = sqlite3_step(s);
	enum rc rc;

	*row = code == SQLITE_ROW;
	if (code == SQLITE_ROW)
		return RC_OK;
	if (code == SQLITE_DONE) {
		statement_rest(s);
		return RC_OK;
	}
	rc = query_failed(sqlite3_db_handle(s), code, sqlite3_sql(s), err);
	statement_rest(s);
	return rc;
}

enum rc
statement_first(struct sqlite3_stmt *s, bool *row, struct error *err, const char *format, ...)
{
	va_list ap;
	enum rc rc;

	*row = false;
	va_start(ap, format);
	rc = bind_all(s, err, format, &ap);
	va_end(ap);
	return rc == RC_OK ? statement_next(s, row, err) : rc;
}

enum rc
statement_run(struct sqlite3_stmt *s, struct error *err, const char *format, ...)
{
	bool row = true;
	va_list ap;
	enum rc rc;

	va_start(ap, format);
	rc = bind_all(s, err, format, &ap);
	va_end(ap);
	while (rc == RC_OK && row)
		rc = statement_next(s, &row, err);
	return rc;
}

uint64_t
statement_u64(struct sqlite3_stmt *s, int column)
{
	return (uint64_t)sqlite3_column_int64(s, column);
}

bool
statement_copy(struct sqlite3_stmt *s, int column, void *out, size_t len)
{
	const void *p = sqlite3_column_blob(s, column);

	memset(out, 0, len);
	if (p == NULL || (size_t)sqlite3_column_bytes(s, column) != len)
		return false;
	memcpy(out, p, len);
	return true;
}
