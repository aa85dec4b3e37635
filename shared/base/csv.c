#include "shared/base/csv.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "shared/base/text.h"

/*
 * Cells are copied without their quotes into one buffer, each followed by a
 * NUL.  A cell never takes more there than in the sheet: its NUL takes the place
 * of the separator or line end behind it, the last one that of an extra byte.
 */
struct parser {
	const char *name;
	const char *data;
	size_t len;
	size_t pos;
	size_t line;		/* of pos, from 1 */
	char separator;
	char *to;		/* where the next cell goes */
	char *nothing;		/* what missing cells point to */
	size_t n_cells;
	size_t cells_room;
	size_t lines_room;
	struct csv *csv;
	struct error *err;
};

static enum rc
fail(struct parser *p, enum rc rc, size_t line, size_t column, const char *what,
    const char *help)
{
	char where[ERROR_WHERE_MAX];

	snprintf(where, sizeof(where), "%s:%zu:%zu", p->name, line, column);
	return error_set(p->err, rc, where, help, "%s", what);
}

/* Length of the line end at pos: 0 (none), 1 or 2. */
static size_t
line_end(const struct parser *p)
{
	if (p->pos < p->len && p->data[p->pos] == '\n')
		return 1;
	if (p->len - p->pos >= 2 && memcmp(p->data + p->pos, "\r\n", 2) == 0)
		return 2;
	return 0;
}

/* The separator of which the first line has more, outside quotes. */
static char
find_separator(const struct parser *p)
{
	size_t commas = 0, semicolons = 0;
	bool quoted = false;

	for (size_t i = p->pos; i < p->len && (quoted || p->data[i] != '\n'); i++) {
		if (p->data[i] == '"')
			quoted = !quoted;
		else if (!quoted && p->data[i] == ',')
			commas++;
		else if (!quoted && p->data[i] == ';')
			semicolons++;
	}
	return semicolons > commas ? ';' : ',';
}

/* From behind the opening quote to behind the closing one. */
static enum rc
copy_quoted(struct parser *p, size_t column)
{
	size_t line = p->line;

	while (p->pos < p->len) {
		char c = p->data[p->pos++];

		if (c == '"') {
			if (p->pos == p->len || p->data[p->pos] != '"')
				return RC_OK;
			p->pos++;
		} else if (c == '\r' && p->pos < p->len && p->data[p->pos] == '\n') {
			continue;
		} else if (c == '\n') {
			p->line++;
		}
		*p->to++ = c;
	}
	return fail(p, RC_FORMAT, line, column, "a quote is opened and never closed",
	    "write a quote inside quotes twice");
}

static enum rc
copy_plain(struct parser *p, size_t column)
{
	while (p->pos < p->len && p->data[p->pos] != p->separator && line_end(p) == 0) {
		if (p->data[p->pos] == '"')
			return fail(p, RC_FORMAT, p->line, column, "a quote inside a cell without quotes",
			    "put the cell in quotes, and write quotes in it twice");
		*p->to++ = p->data[p->pos++];
	}
	return RC_OK;
}

/* One cell, and the separator or line end behind it; *last: the row ends here. */
static enum rc
read_cell(struct parser *p, size_t column, char **cell, bool *last)
{
	size_t line = p->line, len, end;
	bool quoted = p->pos < p->len && p->data[p->pos] == '"';
	enum rc rc;

	*cell = p->to;
	*last = true;
	p->pos += quoted;
	rc = quoted ? copy_quoted(p, column) : copy_plain(p, column);
	if (rc != RC_OK)
		return rc;
	len = (size_t)(p->to - *cell);
	*p->to++ = '\0';
	if (len > CSV_CELL_MAX)
		return fail(p, RC_LIMIT, line, column, "a cell is larger than 1 MiB", NULL);
	if (!text_is_clean(*cell, len))
		return fail(p, RC_FORMAT, line, column, "not clean UTF-8 text",
		    "save the sheet as UTF-8, without control characters");
	if ((end = line_end(p)) > 0) {
		p->pos += end;
		p->line++;
	} else if (p->pos < p->len) {
		if (p->data[p->pos] != p->separator)
			return fail(p, RC_FORMAT, p->line, column, "text behind a closing quote",
			    "write a quote inside quotes twice");
		p->pos++;
		*last = false;
	}
	return RC_OK;
}

/* Room for one more of `n` elements, doubling; the array is kept on failure. */
static enum rc
grow(void **array, size_t n, size_t *room, size_t size)
{
	size_t more = *room == 0 ? 64 : *room * 2;
	void *grown;

	if (n < *room)
		return RC_OK;
	if ((grown = realloc(*array, more * size)) == NULL)
		return RC_NOMEM;
	*array = grown;
	*room = more;
	return RC_OK;
}

static enum rc
add_cell(struct parser *p, char *cell)
{
	void *cells = p->csv->cells;
	enum rc rc = grow(&cells, p->n_cells, &p->cells_room, sizeof(*p->csv->cells));

	p->csv->cells = cells;
	if (rc != RC_OK)
		return error_set(p->err, rc, p->name, NULL, "not enough memory for the sheet");
	p->csv->cells[p->n_cells++] = cell;
	return RC_OK;
}

static enum rc
add_line(struct parser *p, size_t row)
{
	void *lines = p->csv->lines;
	enum rc rc = grow(&lines, row, &p->lines_room, sizeof(*p->csv->lines));

	p->csv->lines = lines;
	if (rc != RC_OK)
		return error_set(p->err, rc, p->name, NULL, "not enough memory for the sheet");
	p->csv->lines[row] = p->line;
	return RC_OK;
}

/* One row with at most max cells; a row that is not the header is filled up to max. */
static enum rc
read_row(struct parser *p, size_t max, bool header)
{
	size_t line = p->line, column = 0;
	bool last = false;
	char *cell;
	enum rc rc = RC_OK;

	while (rc == RC_OK && !last) {
		if (column == max)
			return header ?
			    fail(p, RC_LIMIT, line, column + 1, "more columns than allowed", NULL) :
			    fail(p, RC_FORMAT, line, column + 1, "more cells than the header has",
			    "put cells that hold the separator in quotes");
		if ((rc = read_cell(p, column + 1, &cell, &last)) == RC_OK)
			rc = add_cell(p, cell);
		column++;
	}
	while (rc == RC_OK && !header && column++ < max)
		rc = add_cell(p, p->nothing);
	return rc;
}

static enum rc
read_rows(struct parser *p)
{
	struct csv *c = p->csv;
	size_t end, row = 0;
	enum rc rc;

	while (p->pos < p->len) {
		if ((end = line_end(p)) > 0) {
			p->pos += end;
			p->line++;
			continue;
		}
		if (row == 0)
			p->separator = find_separator(p);
		else if (row > CSV_ROWS_MAX || (row + 1) * c->n_columns > CSV_CELLS_MAX)
			return fail(p, RC_LIMIT, p->line, 1, "more rows than allowed",
			    "split the sheet");
		if ((rc = add_line(p, row)) != RC_OK)
			return rc;
		if ((rc = read_row(p, row == 0 ? CSV_COLUMNS_MAX : c->n_columns, row == 0)) != RC_OK)
			return rc;
		if (row++ == 0)
			c->n_columns = p->n_cells;
	}
	if (row == 0)
		return fail(p, RC_FORMAT, 1, 1, "the sheet is empty", "write the column names first");
	c->n_rows = row - 1;
	return RC_OK;
}

enum rc
csv_parse(const char *name, const uint8_t *data, size_t len, struct csv *out,
    struct error *err)
{
	struct parser p;
	enum rc rc;

	memset(out, 0, sizeof(*out));
	memset(&p, 0, sizeof(p));
	p.name = name;
	p.data = (const char *)data;
	p.len = len;
	p.line = 1;
	p.csv = out;
	p.err = err;
	if (len > SIZE_MAX - 2 || (out->text = malloc(len + 2)) == NULL)
		return error_set(err, RC_NOMEM, name, NULL, "not enough memory for the sheet");
	p.to = out->text;
	p.nothing = out->text + len + 1;
	*p.nothing = '\0';
	if (len >= 3 && memcmp(data, "\xEF\xBB\xBF", 3) == 0)
		p.pos = 3;
	if ((rc = read_rows(&p)) != RC_OK)
		csv_reset(out);
	return rc;
}

void
csv_reset(struct csv *c)
{
	free(c->cells);
	free(c->lines);
	free(c->text);
	memset(c, 0, sizeof(*c));
}

const char *
csv_cell(const struct csv *c, size_t row, size_t column)
{
	if (row > c->n_rows || column >= c->n_columns)
		return "";
	return c->cells[row * c->n_columns + column];
}

size_t
csv_column(const struct csv *c, const char *header)
{
	for (size_t i = 0; i < c->n_columns; i++)
		if (strcmp(c->cells[i], header) == 0)
			return i;
	return SIZE_MAX;
}

/* Blanks at an end are quoted too: some readers would drop them. */
static bool
needs_quotes(const char *cell)
{
	size_t len = strlen(cell);

	if (len == 0)
		return false;
	return cell[strcspn(cell, ",;\"\r\n")] != '\0' || strchr(" \t", cell[0]) != NULL ||
	    strchr(" \t", cell[len - 1]) != NULL;
}

void
csv_put(struct bytes *out, const char *cell, int first)
{
	if (!first)
		bytes_u8(out, ',');
	if (!needs_quotes(cell)) {
		bytes_text(out, cell);
		return;
	}
	bytes_u8(out, '"');
	for (; *cell != '\0'; cell++) {
		if (*cell == '"')
			bytes_u8(out, '"');
		bytes_u8(out, (uint8_t)*cell);
	}
	bytes_u8(out, '"');
}
