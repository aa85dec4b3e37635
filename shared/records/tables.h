#ifndef SHARED_RECORDS_TABLES_H
#define SHARED_RECORDS_TABLES_H

/*
 * tables: the typed tables that reports and searches query, one a form.
 *
 *   form_<form>(id INTEGER PRIMARY KEY     = record.id
 *     unit TEXT, created_at INTEGER        seconds
 *     alive INTEGER                        0: deleted
 *     conflicts INTEGER                    registers of it in conflict
 *     cluster INTEGER                      of form_person alone: whom the person is linked
 *                                          to (duplicate_cluster.h), NULL: nobody
 *     <field> ...)                         one column a scalar field, as displayed
 *   form_<form>__<field>(id, item_log, item_n, item, value, voided)
 *                                          one row a value of a union, append or
 *                                          select_multiple field; a union's equal
 *                                          values are one row (the smallest address)
 *
 * Columns: text, code, date (ISO, may be partial) TEXT; integer INTEGER; decimal
 * REAL; reference INTEGER = record.id of its target.  NULL: not answered, or not
 * relevant.  Calculations are stored as of the day of the record's latest entry (NUMERIC,
 * so that a year is a number); what depends on today() is for display only.  A field that
 * is named like one of the fixed columns gets an underscore behind: "unit_".
 *
 * A column of references has an index, form_<form>_of_<field>, where it is not NULL.  There are no
 * others: what counts a unit or a period reads the table from its beginning to its end, which
 * costs less than its rows in the order of an index.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "shared/base/bytes.h"
#include "shared/base/rc.h"
#include "shared/forms/form.h"
#include "shared/records/register.h"

struct sqlite3;
struct tables;

enum { TABLES_NAME_MAX = 160 };

/* "form_case" / "form_case__purpose" (field NULL: the form's own). */
void tables_name(const char *form, const char *field, char out[TABLES_NAME_MAX]);
/* Name of a field's column, or of its value in a child table's name. */
void tables_column(const char *field, char out[TABLES_NAME_MAX]);

/*
 * Makes missing tables, columns and indexes.  forms is borrowed.  Call it inside a
 * transaction or savepoint.
 */
enum rc tables_open(struct sqlite3 *db, const struct form_set *forms, struct tables **out,
    struct error *err) RC_CHECK;
void tables_close(struct tables *t);
/* Drop every table that this tables_open made or an earlier one did. */
enum rc tables_drop_all(struct sqlite3 *db, struct error *err) RC_CHECK;

/* What the fold knows of a record beside its state. */
struct tables_row {
	int64_t id;
	const char *unit;
	const struct register_state *state;
	const char *was_form;	/* the form in whose tables its rows stand; "": none */
};
/* What came out, for the row in the table record. */
struct tables_counts {
	unsigned conflicts;	/* registers in conflict, `alive` included */
	unsigned settled;	/* registers that hide values under latest or deny_wins */
	unsigned newer;		/* live values that no form here can show */
	unsigned breaches;	/* fields that break a rule of the form after a merge */
	bool alive;
};
/*
 * Replace a record's rows by what its state displays.  A record whose form is not
 * known here has no rows; all its values count as newer.
 * words: the folded text of its text fields, appended (for the index).
 */
enum rc tables_write(struct tables *t, const struct tables_row *row,
    struct tables_counts *counts, struct bytes *words, struct error *err) RC_CHECK;

#endif
