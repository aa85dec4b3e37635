#include "shared/vault/query_pool.h"

#include <sqlite3.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

/* The last that was given comes first. */
struct query_pool {
	size_t n;
	sqlite3_stmt *kept[QUERY_POOL_MOST];
};

/* Where the connection's pool hangs; NULL: it can have none. */
static struct query_pool **
place(sqlite3 *db)
{
	struct query_pool **at = NULL;

	if (sqlite3_file_control(db, "main", QUERY_POOL_CONTROL, &at) != SQLITE_OK)
		return NULL;
	return at;
}

static bool
may_keep(const char *sql)
{
	static const char *const begins[] = { "SELECT ", "INSERT ", "UPDATE ", "DELETE ", "WITH ",
	    "BEGIN", "COMMIT", "ROLLBACK", "SAVEPOINT ", "RELEASE " };

	for (size_t i = 0; i < sizeof begins / sizeof *begins; i++) {
		if (strncmp(sql, begins[i], strlen(begins[i])) == 0)
			return strlen(sql) <= QUERY_POOL_SQL_MAX;
	}
	return false;
}

int
query_pool_take(struct sqlite3 *db, const char *sql, struct sqlite3_stmt **out)
{
	struct query_pool **at = place(db), *p = at == NULL ? NULL : *at;

	for (size_t i = 0; p != NULL && i < p->n; i++) {
		if (strcmp(sqlite3_sql(p->kept[i]), sql) != 0)
			continue;
		*out = p->kept[i];
		p->n--;
		memmove(&p->kept[i], &p->kept[i + 1], (p->n - i) * sizeof *p->kept);
		return SQLITE_OK;
	}
	*out = NULL;
	return sqlite3_prepare_v3(db, sql, -1, may_keep(sql) ? SQLITE_PREPARE_PERSISTENT : 0, out, NULL);
}

void
query_pool_give(struct sqlite3_stmt *q)
{
	struct query_pool **at, *p;

	if (q == NULL)
		return;
	if (!may_keep(sqlite3_sql(q)) || (at = place(sqlite3_db_handle(q))) == NULL ||
	    (*at == NULL && (*at = calloc(1, sizeof **at)) == NULL)) {
		sqlite3_finalize(q);
		return;
	}
	sqlite3_reset(q);
	sqlite3_clear_bindings(q);
	p = *at;
	if (p->n == QUERY_POOL_MOST)
		sqlite3_finalize(p->kept[--p->n]);
	memmove(&p->kept[1], &p->kept[0], p->n * sizeof *p->kept);
	p->kept[0] = q;
	p->n++;
}

void
query_pool_drop(struct sqlite3 *db)
{
	struct query_pool **at = db == NULL ? NULL : place(db);

	if (at == NULL || *at == NULL)
		return;
	for (size_t i = 0; i < (*at)->n; i++)
		sqlite3_finalize((*at)->kept[i]);
	free(*at);
	*at = NULL;
}
