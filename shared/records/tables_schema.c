#include "shared/records/tables_schema.h"

#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "shared/records/merged.h"
#include "shared/records/tables.h"
#include "shared/records/tables_there.h"
#include "shared/vault/query.h"

static const char *const FIXED[] = { "id", "unit", "created_at", "alive", "conflicts", "cluster" };

void
tables_column(const char *field, char out[TABLES_NAME_MAX])
{
	const char *behind = "";

	for (size_t i = 0; i < sizeof(FIXED) / sizeof(FIXED[0]); i++)
		if (strcmp(field, FIXED[i]) == 0)
			behind = "_";
	snprintf(out, TABLES_NAME_MAX, "%s%s", field, behind);
}

void
tables_name(const char *form, const char *field, char out[TABLES_NAME_MAX])
{
	if (field == NULL)
		snprintf(out, TABLES_NAME_MAX, "form_%s", form);
	else
		snprintf(out, TABLES_NAME_MAX, "form_%s__%s", form, field);
}

void
tables_schema_name(struct bytes *sql, const char *name)
{
	bytes_u8(sql, '"');
	for (; *name != '\0'; name++) {
		if (*name == '"')
			bytes_u8(sql, '"');
		bytes_u8(sql, (uint8_t)*name);
	}
	bytes_u8(sql, '"');
}

bool
tables_schema_has_child(const struct form_field *field)
{
	return merged_is_written(field) && merged_is_many(field);
}

bool
tables_schema_has_column(const struct form_field *field)
{
	return field->type == FORM_CALCULATE ||
	    (merged_is_written(field) && !merged_is_many(field));
}

static const char *
type_of(const struct form_field *field)
{
	switch (field->type) {
	case FORM_INTEGER:
	case FORM_REFERENCE:
		return "INTEGER";
	case FORM_DECIMAL:
		return "REAL";
	case FORM_CALCULATE:
		return "NUMERIC";
	case FORM_NOTE:
	case FORM_TEXT:
	case FORM_DATE:
	case FORM_SELECT_ONE:
	case FORM_SELECT_MULTIPLE:
		break;
	}
	return "TEXT";
}

static enum rc
run(struct sqlite3 *db, struct bytes *sql, struct error *err)
{
	enum rc rc = sql->rc;

	if (rc == RC_OK)
		rc = query_run(db, err, bytes_cstr(sql), "");
	bytes_reset(sql);
	return rc;
}

/* What a record refers to is asked for by its number; where it refers to nothing it costs nothing. */
static enum rc
make_index(struct sqlite3 *db, const struct tables_there *there, const char *table,
    const char *column, struct error *err)
{
	char name[2 * TABLES_NAME_MAX + 8];
	struct bytes sql;

	snprintf(name, sizeof(name), "%s_of_%s", table, column);
	if (tables_there_has(there, "index ", name))
		return RC_OK;
	bytes_init(&sql);
	bytes_text(&sql, "CREATE INDEX IF NOT EXISTS ");
	tables_schema_name(&sql, name);
	bytes_text(&sql, " ON ");
	tables_schema_name(&sql, table);
	bytes_text(&sql, "(");
	tables_schema_name(&sql, column);
	bytes_text(&sql, ") WHERE ");
	tables_schema_name(&sql, column);
	bytes_text(&sql, " IS NOT NULL");
	return run(db, &sql, err);
}

/*
 * One of earlier versions of the program.  By unit, first date or value nobody looks a record up;
 * but SQLite, which does not know how few units there are, read whole tables through them, in their
 * order and not in that of the pages.
 */
static enum rc
drop_index(struct sqlite3 *db, const struct tables_there *there, const char *table,
    const char *column, struct error *err)
{
	char name[2 * TABLES_NAME_MAX + 8];
	struct bytes sql;

	snprintf(name, sizeof(name), "%s_by_%s", table, column);
	if (!tables_there_has(there, "index ", name))
		return RC_OK;
	bytes_init(&sql);
	bytes_text(&sql, "DROP INDEX IF EXISTS ");
	tables_schema_name(&sql, name);
	return run(db, &sql, err);
}

static enum rc
add_column(struct sqlite3 *db, const char *table, const struct form_field *field,
    struct error *err)
{
	char column[TABLES_NAME_MAX];
	struct bytes sql;

	tables_column(field->name, column);
	bytes_init(&sql);
	bytes_text(&sql, "ALTER TABLE ");
	tables_schema_name(&sql, table);
	bytes_text(&sql, " ADD COLUMN ");
	tables_schema_name(&sql, column);
	bytes_printf(&sql, " %s", type_of(field));
	return run(db, &sql, err);
}

static enum rc
make_child(struct sqlite3 *db, const struct tables_there *there, const char *form,
    const char *field, struct error *err)
{
	char table[TABLES_NAME_MAX];
	struct bytes sql;

	tables_name(form, field, table);
	if (tables_there_has(there, "table ", table))
		return drop_index(db, there, table, "value", err);
	bytes_init(&sql);
	bytes_text(&sql, "CREATE TABLE IF NOT EXISTS ");
	tables_schema_name(&sql, table);
	bytes_text(&sql, "(id INTEGER NOT NULL, item_log INTEGER NOT NULL, item_n INTEGER NOT NULL,"
	    " item INTEGER NOT NULL, value, voided INTEGER NOT NULL,"
	    " PRIMARY KEY(id, item_log, item_n, item)) WITHOUT ROWID");
	return run(db, &sql, err);
}

/* Is it the first field that comes to this column? */
static bool
is_first_of_column(const struct form *form, size_t i, const char *column)
{
	char other[TABLES_NAME_MAX];

	for (size_t k = 0; k < i; k++) {
		tables_column(form->fields[k].name, other);
		if (tables_schema_has_column(&form->fields[k]) && strcmp(other, column) == 0)
			return false;
	}
	return true;
}

/* At once with all its columns: after each that is added SQLite reads the whole schema again. */
static enum rc
make_table(struct sqlite3 *db, const char *table, const struct form *form, struct error *err)
{
	char column[TABLES_NAME_MAX];
	struct bytes sql;

	bytes_init(&sql);
	bytes_text(&sql, "CREATE TABLE ");
	tables_schema_name(&sql, table);
	bytes_text(&sql, "(id INTEGER PRIMARY KEY, unit TEXT NOT NULL, created_at INTEGER NOT NULL,"
	    " alive INTEGER NOT NULL, conflicts INTEGER NOT NULL");
	for (size_t i = 0; i < form->n_fields; i++) {
		const struct form_field *field = &form->fields[i];

		tables_column(field->name, column);
		if (!tables_schema_has_column(field) || !is_first_of_column(form, i, column))
			continue;
		bytes_text(&sql, ", ");
		tables_schema_name(&sql, column);
		bytes_printf(&sql, " %s", type_of(field));
	}
	bytes_text(&sql, ")");
	return run(db, &sql, err);
}

/* Those of a newer version of the form. */
static enum rc
add_columns(struct sqlite3 *db, const char *table, const struct form *form, struct error *err)
{
	char column[TABLES_NAME_MAX];
	struct tables_there columns;
	enum rc rc = tables_there_columns(db, table, &columns, err);

	for (size_t i = 0; rc == RC_OK && i < form->n_fields; i++) {
		const struct form_field *field = &form->fields[i];

		tables_column(field->name, column);
		if (tables_schema_has_column(field) && is_first_of_column(form, i, column) &&
		    !tables_there_has(&columns, "", column))
			rc = add_column(db, table, field, err);
	}
	tables_there_reset(&columns);
	return rc;
}

static const struct form_field *
first_date(const struct form *form)
{
	for (size_t i = 0; i < form->n_fields; i++)
		if (form->fields[i].type == FORM_DATE && tables_schema_has_column(&form->fields[i]))
			return &form->fields[i];
	return NULL;
}

/* Indexes of the form's own table. */
static enum rc
make_indexes(struct sqlite3 *db, const struct tables_there *there, const char *table,
    const struct form *form, struct error *err)
{
	const struct form_field *date = first_date(form);
	char column[TABLES_NAME_MAX];
	enum rc rc = drop_index(db, there, table, "unit", err);

	if (rc == RC_OK && date != NULL) {
		tables_column(date->name, column);
		rc = drop_index(db, there, table, column, err);
	}
	for (size_t i = 0; rc == RC_OK && i < form->n_fields; i++) {
		if (form->fields[i].type != FORM_REFERENCE || !tables_schema_has_column(&form->fields[i]))
			continue;
		tables_column(form->fields[i].name, column);
		rc = make_index(db, there, table, column, err);
	}
	return rc;
}

static enum rc
make_form(struct sqlite3 *db, const struct tables_there *there, const struct form *form,
    struct error *err)
{
	char table[TABLES_NAME_MAX];
	enum rc rc;

	tables_name(form->name, NULL, table);
	rc = tables_there_has(there, "table ", table) ? add_columns(db, table, form, err) :
	    make_table(db, table, form, err);
	for (size_t i = 0; rc == RC_OK && i < form->n_fields; i++)
		if (tables_schema_has_child(&form->fields[i]))
			rc = make_child(db, there, form->name, form->fields[i].name, err);
	return rc == RC_OK ? make_indexes(db, there, table, form, err) : rc;
}

enum rc
tables_schema_make(struct sqlite3 *db, const struct form_set *forms, struct error *err)
{
	struct tables_there there;
	enum rc rc = tables_there_all(db, &there, err);

	for (size_t i = 0; rc == RC_OK && i < form_set_count(forms); i++)
		rc = make_form(db, &there, form_set_at(forms, i), err);
	tables_there_reset(&there);
	return rc;
}

enum rc
tables_drop_all(struct sqlite3 *db, struct error *err)
{
	struct sqlite3_stmt *q = NULL;
	bool row = true;
	enum rc rc = RC_OK;

	/* The list changes under the statement, so it is asked again each time. */
	while (rc == RC_OK && row) {
		struct bytes sql;

		bytes_init(&sql);
		rc = query_open(db, err, &q, "SELECT name FROM sqlite_schema WHERE type = 'table'"
		    " AND substr(name, 1, 5) = 'form_' LIMIT 1", "");
		if (rc == RC_OK && (rc = query_next(q, &row, err)) == RC_OK && row) {
			bytes_text(&sql, "DROP TABLE ");
			tables_schema_name(&sql, query_column_text(q, 0));
		}
		query_close(q);
		q = NULL;
		if (rc == RC_OK && row)
			rc = run(db, &sql, err);
		bytes_reset(&sql);
	}
	return rc;
}
