#ifndef SHARED_RECORDS_STATEMENT_H
#define SHARED_RECORDS_STATEMENT_H

/*
 * statement: a prepared statement that is run many times (query.h is for once).
 * Parameters follow a format: i int64_t · u uint64_t (as a signed integer) ·
 * t const char * (NULL: NULL) · b const void *, size_t · d double · n NULL.
 * Texts and blobs are borrowed until the statement is run again or rested.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "shared/base/rc.h"

struct sqlite3;
struct sqlite3_stmt;

enum rc statement_prepare(struct sqlite3 *db, const char *sql, struct sqlite3_stmt **out,
    struct error *err) RC_CHECK;
void statement_free(struct sqlite3_stmt *s);	/* NULL is allowed */

/* Rest it, bind, and run to the end; rows are ignored. */
enum rc statement_run(struct sqlite3_stmt *s, struct error *err,
    const char *format, ...) RC_CHECK;
/* Rest it, bind, and take the first row; *row false: there is none. */
enum rc statement_first(struct sqlite3_stmt *s, bool *row, struct error *err,
    const char *format, ...) RC_CHECK;
enum rc statement_next(struct sqlite3_stmt *s, bool *row, struct error *err) RC_CHECK;
/* Let go of its row and of what was bound. */
void statement_rest(struct sqlite3_stmt *s);

/* A column that holds a 64-bit log id or an n. */
uint64_t statement_u64(struct sqlite3_stmt *s, int column);
/* Copy a blob of exactly len bytes; false (and zeroes) if it has another length. */
bool statement_copy(struct sqlite3_stmt *s, int column, void *out, size_t len);

#endif
