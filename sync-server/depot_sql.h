#ifndef SYNC_SERVER_DEPOT_SQL_H
#define SYNC_SERVER_DEPOT_SQL_H

/*
 * depot_sql: the depot's SQLite handle, its migrations, and statements with bound
 * parameters in a line each.  Parameters follow a format: i int64_t · t const char * ·
 * b const void *, size_t · n nothing (NULL).  SQL texts are literals: prepared
 * statements are kept by their address.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "shared/base/bytes.h"
#include "shared/base/rc.h"

struct sqlite3;
struct sqlite3_stmt;

enum { DEPOT_SQL_KEPT = 96 };

struct depot_sql {
	struct sqlite3 *db;
	struct { const char *sql; struct sqlite3_stmt *q; bool used; } kept[DEPOT_SQL_KEPT];
	size_t n_kept;
	struct error error;	/* of the last failure */
};

/* Open or (if `create`) make the file and bring it to the newest version. */
enum rc depot_sql_start(struct depot_sql *s, const char *path, bool create,
    struct error *err) RC_CHECK;
void depot_sql_stop(struct depot_sql *s);
/* Roll back, if a transaction is open. */
void depot_sql_undo(struct depot_sql *s);
/* Undo what was done since SAVEPOINT piece.  False: the whole transaction is gone. */
bool depot_sql_undo_to(struct depot_sql *s);

enum rc depot_sql_run(struct depot_sql *s, const char *sql, const char *format, ...) RC_CHECK;
/* First column of the first row.  RC_NOTFOUND: no row, or NULL; *out is 0. */
enum rc depot_sql_int(struct depot_sql *s, int64_t *out, const char *sql,
    const char *format, ...) RC_CHECK;
/* The same for a blob, appended to out. */
enum rc depot_sql_blob(struct depot_sql *s, struct bytes *out, const char *sql,
    const char *format, ...) RC_CHECK;
/* The same for a blob of exactly so many bytes; zeroes when not RC_OK.  RC_DAMAGED: another size. */
enum rc depot_sql_fixed(struct depot_sql *s, uint8_t *out, size_t len, const char *sql,
    const char *format, ...) RC_CHECK;

/* Rows one by one: open, then next until *row is false, then close. */
enum rc depot_sql_open(struct depot_sql *s, struct sqlite3_stmt **out, const char *sql,
    const char *format, ...) RC_CHECK;
enum rc depot_sql_next(struct depot_sql *s, struct sqlite3_stmt *q, bool *row) RC_CHECK;
void depot_sql_close(struct depot_sql *s, struct sqlite3_stmt *q);	/* NULL is allowed */
int64_t depot_sql_column_int(struct sqlite3_stmt *q, int column);
/* Borrowed until the next step; never NULL. */
const uint8_t *depot_sql_column_blob(struct sqlite3_stmt *q, int column, size_t *len);
const char *depot_sql_column_text(struct sqlite3_stmt *q, int column);
/* Copies len bytes; zeroes if the column has another size. */
void depot_sql_column_fixed(struct sqlite3_stmt *q, int column, uint8_t *out, size_t len);

#endif
