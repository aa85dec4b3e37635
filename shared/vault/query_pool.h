#ifndef SHARED_VAULT_QUERY_POOL_H
#define SHARED_VAULT_QUERY_POOL_H

/*
 * query_pool: SQL statements that were used and put away, kept at rest until the same
 * words are asked again, since SQLite takes longer to read a statement than to run
 * most of them.  A pool belongs to a connection to a database of a vault and hangs at
 * its file (QUERY_POOL_CONTROL); other connections have none.
 *
 * Only statements at rest are in it: reset, so that no transaction or checkpoint
 * waits for them, and without a bound value or a row.  Who asks for words that are in
 * use already gets a statement of his own.  When the schema changes SQLite reads them
 * anew by itself.  PRAGMA and whatever makes tables are never kept: part of what they
 * do is done while they are prepared.
 */
#include "shared/base/rc.h"

struct query_pool;
struct sqlite3;
struct sqlite3_stmt;

enum {
	QUERY_POOL_MOST = 64,		/* statements of a connection; the longest unused goes */
	QUERY_POOL_SQL_MAX = 4096,	/* bytes of one */
	/* xFileControl: *(struct query_pool ***)arg is to be where the file keeps its pool. */
	QUERY_POOL_CONTROL = 1717924965
};

/*
 * A statement of exactly these words, kept or prepared now; it is the caller's until it is
 * given back.  SQLite's result code; *out is NULL if it is not SQLITE_OK.
 */
int query_pool_take(struct sqlite3 *db, const char *sql, struct sqlite3_stmt **out) RC_CHECK;
/* Put it to rest and keep it, or finalise it.  NULL is allowed. */
void query_pool_give(struct sqlite3_stmt *q);
/* Before the connection is closed: finalise all that are kept.  NULL is allowed. */
void query_pool_drop(struct sqlite3 *db);

#endif
