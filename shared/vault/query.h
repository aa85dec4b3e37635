#ifndef SHARED_VAULT_QUERY_H
#define SHARED_VAULT_QUERY_H

/*
 * query: SQL statements with bound parameters in a line each.  Parameters follow a
 * format: i int64_t · t const char * (NULL: NULL) · b const void *, size_t ·
 * n nothing (NULL).  Errors are described through vault_rc_of_sqlite.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "shared/base/bytes.h"
#include "shared/base/rc.h"

struct sqlite3;
struct sqlite3_stmt;

/* Run to the end; rows are ignored. */
enum rc query_run(struct sqlite3 *db, struct error *err, const char *sql,
    const char *format, ...) RC_CHECK;
/* First column of the first row.  RC_NOTFOUND: no row, or NULL; *out is 0. */
enum rc query_int(struct sqlite3 *db, struct error *err, int64_t *out, const char *sql,
    const char *format, ...) RC_CHECK;
/* The same for a blob or text, appended to out.  RC_NOTFOUND is not described. */
enum rc query_blob(struct sqlite3 *db, struct error *err, struct bytes *out,
    const char *sql, const char *format, ...) RC_CHECK;

/* Rows one by one: query_open, then query_next until *row is false, then query_close. */
enum rc query_open(struct sqlite3 *db, struct error *err, struct sqlite3_stmt **out,
    const char *sql, const char *format, ...) RC_CHECK;
enum rc query_next(struct sqlite3_stmt *q, bool *row, struct error *err) RC_CHECK;
void query_close(struct sqlite3_stmt *q);	/* NULL is allowed */
int64_t query_column_int(struct sqlite3_stmt *q, int column);
/* Borrowed until the next step; never NULL. */
const uint8_t *query_column_blob(struct sqlite3_stmt *q, int column, size_t *len);
const char *query_column_text(struct sqlite3_stmt *q, int column);
bool query_column_is_null(struct sqlite3_stmt *q, int column);

/* Describe SQLite's result `code` of a statement by the statement's own words, never its values. */
enum rc query_failed(struct sqlite3 *db, int code, const char *sql, struct error *err) RC_CHECK;

/* BEGIN IMMEDIATE, and COMMIT if rc is RC_OK, else ROLLBACK; returns rc or what COMMIT said. */
enum rc query_begin(struct sqlite3 *db, struct error *err) RC_CHECK;
enum rc query_end(struct sqlite3 *db, enum rc rc, struct error *err) RC_CHECK;

#endif
