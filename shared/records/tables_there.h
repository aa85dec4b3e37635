#ifndef SHARED_RECORDS_TABLES_THERE_H
#define SHARED_RECORDS_TABLES_THERE_H

/*
 * tables_there: what the database has already, asked once: with all of a province's forms there are
 * hundreds of tables, columns and indexes, and to ask for each takes longer than to open the vault.
 */
#include <stdbool.h>
#include <stddef.h>

#include "shared/base/rc.h"

struct sqlite3;

/* Names in the order of their bytes. */
struct tables_there {
	char **names;
	size_t n, cap;
};

/* "table NAME" and "index NAME" of the whole database. */
enum rc tables_there_all(struct sqlite3 *db, struct tables_there *out, struct error *err) RC_CHECK;
/* The columns of one table; none if it is not there. */
enum rc tables_there_columns(struct sqlite3 *db, const char *table, struct tables_there *out,
    struct error *err) RC_CHECK;
/* kind: "table " or "index ", "" for columns. */
bool tables_there_has(const struct tables_there *t, const char *kind, const char *name);
void tables_there_reset(struct tables_there *t);

#endif
