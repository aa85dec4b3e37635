#ifndef SHARED_RECORDS_TABLES_SCHEMA_H
#define SHARED_RECORDS_TABLES_SCHEMA_H

/* tables_schema: the typed tables themselves, and the names in them. */
#include "shared/base/bytes.h"
#include "shared/base/rc.h"
#include "shared/forms/form.h"

struct sqlite3;

/* A table or column name as an SQL identifier. */
void tables_schema_name(struct bytes *sql, const char *name);
/* Has the field a column (scalar fields, calculations)? */
bool tables_schema_has_column(const struct form_field *field);
/* Has it a child table? */
bool tables_schema_has_child(const struct form_field *field);
/* Make what is missing for all forms. */
enum rc tables_schema_make(struct sqlite3 *db, const struct form_set *forms,
    struct error *err) RC_CHECK;

#endif
