#ifndef FIELD_IMPORT_SHEET_H
#define FIELD_IMPORT_SHEET_H

/*
 * import_sheet: the rows of a CSV sheet as new records of one form, and all that is wrong with
 * them.  A column is headed by the name of a field or by its label in either language; blanks,
 * capitals and marks do not count.  A column headed "id" and one without head and content are passed over.
 */
#include <stdbool.h>
#include <stddef.h>

#include "shared/base/csv.h"
#include "shared/base/rc.h"
#include "shared/forms/form.h"
#include "shared/records/record.h"

enum {
	IMPORT_SHEET_ROWS_MAX = 100000,
	IMPORT_SHEET_FOUND_MAX = 1000	/* things told one by one; others are counted */
};

/* One thing that is wrong. */
struct import_found {
	size_t line, column;		/* in the file, from 1; column 0: no one column */
	const char *header;		/* what heads the column, of the sheet; "" without one */
	bool warning;			/* it is imported nonetheless */
	struct error error;		/* what, and what to do; never a value */
};

struct import_sheet {
	const struct form *form;
	const struct form_set *forms;
	const struct csv *csv;
	const struct form_field **fields;	/* of each column; NULL: it is not read */
	size_t n_good;			/* rows that can be imported */
	size_t n_errors, n_warnings;
	struct import_found *found;
	size_t n_found;			/* at most IMPORT_SHEET_FOUND_MAX */
};

/*
 * What the columns are; all is borrowed for the life of *out.  A head that no field has, or
 * several, and a field that stands twice are found errors, not results.
 * RC_LIMIT: too many rows.  RC_NOMEM.
 */
enum rc import_sheet_open(const struct form *form, const struct form_set *forms,
    const struct csv *csv, struct import_sheet *out, struct error *err) RC_CHECK;
void import_sheet_reset(struct import_sheet *s);

/*
 * Make a record of every row, in the caller's transaction, and find what is wrong; after an
 * error the rows behind it are tried, too, so that the caller has to roll back if n_errors is
 * not 0.  Anything but RC_OK is no fault of the sheet.
 */
enum rc import_sheet_rows(struct import_sheet *s, const struct record_context *ctx,
    struct error *err) RC_CHECK;

#endif
