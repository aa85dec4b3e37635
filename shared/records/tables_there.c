#include "shared/records/tables_there.h"

#include <stdlib.h>
#include <string.h>

#include "shared/base/text.h"
#include "shared/vault/query.h"

static enum rc
add(struct tables_there *t, const char *name)
{
	if (t->n == t->cap) {
		size_t cap = t->cap == 0 ? 64 : t->cap * 2;
		char **grown = realloc(t->names, cap * sizeof(*grown));

		if (grown == NULL)
			return RC_NOMEM;
		t->names = grown;
		t->cap = cap;
	}
	if ((t->names[t->n] = text_dup(name)) == NULL)
		return RC_NOMEM;
	t->n++;
	return RC_OK;
}

/* The first column of all rows of q, which is closed. */
static enum rc
take(struct sqlite3_stmt *q, struct tables_there *t, struct error *err)
{
	bool row;
	enum rc rc;

	while ((rc = query_next(q, &row, err)) == RC_OK && row)
		if ((rc = add(t, query_column_text(q, 0))) != RC_OK)
			break;
	query_close(q);
	if (rc != RC_OK)
		tables_there_reset(t);
	return rc;
}

enum rc
tables_there_all(struct sqlite3 *db, struct tables_there *out, struct error *err)
{
	struct sqlite3_stmt *q = NULL;
	enum rc rc;

	*out = (struct tables_there){ NULL, 0, 0 };
	rc = query_open(db, err, &q, "SELECT type || ' ' || name AS name FROM sqlite_schema"
	    " WHERE type IN ('table', 'index') ORDER BY 1", "");
	return rc == RC_OK ? take(q, out, err) : rc;
}

enum rc
tables_there_columns(struct sqlite3 *db, const char *table, struct tables_there *out,
    struct error *err)
{
	struct sqlite3_stmt *q = NULL;
	enum rc rc;

	*out = (struct tables_there){ NULL, 0, 0 };
	rc = query_open(db, err, &q, "SELECT name FROM pragma_table_info(?1) ORDER BY 1", "t", table);
	return rc == RC_OK ? take(q, out, err) : rc;
}

/* As strcmp(kind followed by name, whole). */
static int
compare(const char *kind, const char *name, const char *whole)
{
	size_t n = strlen(kind);
	int order = strncmp(kind, whole, n);

	return order != 0 ? order : strcmp(name, whole + n);
}

bool
tables_there_has(const struct tables_there *t, const char *kind, const char *name)
{
	size_t low = 0, high = t->n;

	while (low < high) {
		size_t mid = low + (high - low) / 2;
		int order = compare(kind, name, t->names[mid]);

		if (order == 0)
			return true;
		if (order < 0)
			high = mid;
		else
			low = mid + 1;
	}
	return false;
}

void
tables_there_reset(struct tables_there *t)
{
	for (size_t i = 0; i < t->n; i++)
		free(t->names[i]);
	free(t->names);
	*t = (struct tables_there){ NULL, 0, 0 };
}
