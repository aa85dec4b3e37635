#ifndef SHARED_BASE_CSV_H
#define SHARED_BASE_CSV_H

/*
 * csv: RFC 4180 sheets.  UTF-8 with or without a byte order mark, comma or
 * semicolon (decided by the first line), CR LF or LF, quotes doubled inside
 * quotes, line feeds inside quotes (CR LF there becomes LF).  A quote in a cell
 * that does not begin with one is an error.  Blank lines are skipped.
 */
#include <stddef.h>

#include "shared/base/bytes.h"
#include "shared/base/rc.h"

enum {
	CSV_COLUMNS_MAX = 512,
	CSV_ROWS_MAX = 2000000,
	CSV_CELLS_MAX = 1 << 25,	/* rows times columns, missing cells too */
	CSV_CELL_MAX = 1 << 20
};

struct csv {
	size_t n_columns;	/* of the header row */
	size_t n_rows;		/* without the header row */
	char **cells;		/* (n_rows + 1) * n_columns strings, header first */
	size_t *lines;		/* line in the file of each row; [0] is the header */
	char *text;		/* what the cells point into */
};

/*
 * Parse a whole sheet.  `name` is what errors call the file; they are at
 * "name:line:column", both counted from 1.  Every row must have as many cells
 * as the header, missing ones at the end are taken as empty.  Cells are checked
 * to be clean UTF-8, and are not normalised.
 * RC_FORMAT, RC_LIMIT, RC_NOMEM; then *out is empty.
 */
enum rc csv_parse(const char *name, const uint8_t *data, size_t len,
    struct csv *out, struct error *err) RC_CHECK;
void csv_reset(struct csv *c);

/* Cell of row 1..n_rows (0 is the header); "" beyond, as for column SIZE_MAX. */
const char *csv_cell(const struct csv *c, size_t row, size_t column);
/* Column with this header, or SIZE_MAX. */
size_t csv_column(const struct csv *c, const char *header);

/*
 * Append one cell, quoted if need be; a comma before it unless `first`.  A row
 * of one empty cell reads back as a blank line.
 */
void csv_put(struct bytes *out, const char *cell, int first);

#endif
