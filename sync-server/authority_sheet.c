#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "shared/base/csv.h"
#include "shared/base/text.h"
#include "sync-server/authority_internal.h"
#include "sync-server/authority_sheet.h"

enum { UNIT_NAME_MAX = 200 };	/* bytes */

enum column {
	CODE, FULL_NAME, NAME, LEVEL, KIND, PARENT, VALID_FROM, VALID_TO, SUCCESSOR,
	HIGH_RISK, SYNC_POINT, COLUMNS = AUTHORITY_SHEET_COLUMNS, REQUIRED = VALID_FROM
};

static const char *const column_names[COLUMNS] = {
	"code", "full_name_vi", "name_vi", "level", "kind", "parent_code", "valid_from",
	"valid_to", "successor_code", "high_risk", "sync_point"
};

/* domain.md section 3; CUM is a sync point's cluster of communes, which is no unit of government. */
static const char *const levels[] = { "NAT", "PROV", "DIST", "COMM", NULL };
static const char *const kinds[] = { "NUOC", "TINH", "TPTW", "HUYEN", "THIXA", "TPTT", "QUAN", "XA",
	"PHUONG", "THITRAN", "DACKHU", "CUM", NULL };

static enum rc
bad(const struct sheet *s, size_t row, enum column column, struct error *err,
    const char *help, const char *what)
{
	char where[ERROR_WHERE_MAX];

	snprintf(where, sizeof(where), "%s:%zu:%zu", s->name, s->csv.lines[row],
	    s->columns[column] == SIZE_MAX ? 1 : s->columns[column] + 1);
	return error_set(err, RC_INVALID, where, help, "%s: %s", column_names[column], what);
}

static enum rc
find_columns(struct sheet *s, struct error *err)
{
	char where[ERROR_WHERE_MAX];

	for (size_t c = 0; c < COLUMNS; c++) {
		s->columns[c] = csv_column(&s->csv, column_names[c]);
		if (c < REQUIRED && s->columns[c] == SIZE_MAX)
			return error_set(err, RC_FORMAT, s->name, "add the column",
			    "the sheet has no column %s", column_names[c]);
	}
	for (size_t i = 0; i < s->csv.n_columns; i++) {
		bool known = false;

		for (size_t c = 0; c < COLUMNS; c++)
			known = known || s->columns[c] == i;
		if (known)
			continue;
		snprintf(where, sizeof(where), "%s:%zu:%zu", s->name, s->csv.lines[0], i + 1);
		return error_set(err, RC_FORMAT, where, "take the column out, or correct its name",
		    "a column that units do not have, or that comes twice");
	}
	return RC_OK;
}

static const char *
cell(const struct sheet *s, size_t row, enum column column)
{
	return csv_cell(&s->csv, row, s->columns[column]);
}

static bool
is_one_of(const char *value, const char *const *list)
{
	while (*list != NULL && strcmp(*list, value) != 0)
		list++;
	return *list != NULL;
}

static enum rc
read_code(const struct sheet *s, size_t row, enum column column, bool may_be_empty,
    char out[IDENTITY_UNIT_MAX + 1], struct error *err)
{
	const char *v = cell(s, row, column);

	if (v[0] == '\0' ? !may_be_empty : !identity_unit_is_valid(v, strlen(v)))
		return bad(s, row, column, err, "give 1 to 16 letters, digits, . _ or -",
		    "this is no code of a unit");
	snprintf(out, IDENTITY_UNIT_MAX + 1, "%s", v);
	return RC_OK;
}

static enum rc
read_text(const struct sheet *s, size_t row, enum column column, char **out, struct error *err)
{
	const char *v = cell(s, row, column);
	char *clean = NULL;
	enum rc rc = text_normalise(v, strlen(v), &clean);

	if (rc == RC_NOMEM)
		return rc;
	if (rc != RC_OK || clean[0] == '\0' || strlen(clean) > UNIT_NAME_MAX) {
		free(clean);
		return bad(s, row, column, err, "write the name in at most 200 bytes",
		    "the name is empty, too long or has hidden signs");
	}
	free(*out);
	*out = clean;
	return RC_OK;
}

static enum rc
read_date(const struct sheet *s, size_t row, enum column column, uint64_t *out, struct error *err)
{
	const char *v = cell(s, row, column);
	struct date d;

	if (s->columns[column] == SIZE_MAX)
		return RC_OK;
	*out = 0;
	if (v[0] == '\0')
		return RC_OK;
	if (date_parse(v, &d) != RC_OK || d.month == 0 || d.day == 0)
		return bad(s, row, column, err, "write it like 2025-07-01", "this is no date");
	*out = ((uint64_t)d.year * 16 + (uint64_t)d.month) * 32 + (uint64_t)d.day;
	return RC_OK;
}

static enum rc
read_flag(const struct sheet *s, size_t row, enum column column, bool *out, struct error *err)
{
	const char *v = cell(s, row, column);

	if (s->columns[column] == SIZE_MAX)
		return RC_OK;
	*out = strcmp(v, "1") == 0;
	if (*out || v[0] == '\0' || strcmp(v, "0") == 0)
		return RC_OK;
	return bad(s, row, column, err, "write 1 or 0", "this is neither yes nor no");
}

/* Start from what the directory says, so that a missing column changes nothing. */
static enum rc
copy_old(struct sheet_row *r)
{
	if (r->old == NULL)
		return RC_OK;
	r->unit = *r->old;
	r->unit.full_name = text_dup(r->old->full_name);
	r->unit.name = text_dup(r->old->name);
	return r->unit.full_name == NULL || r->unit.name == NULL ? RC_NOMEM : RC_OK;
}

static bool
same_unit(const struct unit *a, const struct unit *b)
{
	return strcmp(a->parent, b->parent) == 0 && strcmp(a->successor, b->successor) == 0 &&
	    strcmp(a->level, b->level) == 0 && strcmp(a->kind, b->kind) == 0 &&
	    strcmp(a->full_name, b->full_name) == 0 && strcmp(a->name, b->name) == 0 &&
	    a->valid_from == b->valid_from && a->valid_to == b->valid_to &&
	    a->high_risk == b->high_risk && a->sync_point == b->sync_point;
}

static enum rc
read_row(const struct sheet *s, size_t at, struct sheet_row *r, struct error *err)
{
	struct unit *u = &r->unit;
	enum rc rc;

	r->at = at;
	if ((rc = read_code(s, at, CODE, false, u->code, err)) != RC_OK)
		return rc;
	r->old = directory_unit(s->directory, u->code);
	if ((rc = copy_old(r)) != RC_OK ||
	    (rc = read_text(s, at, FULL_NAME, &u->full_name, err)) != RC_OK ||
	    (rc = read_text(s, at, NAME, &u->name, err)) != RC_OK ||
	    (rc = read_code(s, at, PARENT, true, u->parent, err)) != RC_OK ||
	    (rc = read_date(s, at, VALID_FROM, &u->valid_from, err)) != RC_OK ||
	    (rc = read_date(s, at, VALID_TO, &u->valid_to, err)) != RC_OK ||
	    (rc = read_flag(s, at, HIGH_RISK, &u->high_risk, err)) != RC_OK ||
	    (rc = read_flag(s, at, SYNC_POINT, &u->sync_point, err)) != RC_OK)
		return rc;
	if (s->columns[SUCCESSOR] != SIZE_MAX &&
	    (rc = read_code(s, at, SUCCESSOR, true, u->successor, err)) != RC_OK)
		return rc;
	if (!is_one_of(cell(s, at, LEVEL), levels))
		return bad(s, at, LEVEL, err, "write PROV, DIST or COMM (NAT: the whole country)", "no such level");
	if (!is_one_of(cell(s, at, KIND), kinds))
		return bad(s, at, KIND, err, "write TINH, TPTW, XA, PHUONG, DACKHU, CUM …",
		    "no such kind");
	snprintf(u->level, sizeof(u->level), "%s", cell(s, at, LEVEL));
	snprintf(u->kind, sizeof(u->kind), "%s", cell(s, at, KIND));
	if (u->valid_to != 0 && u->valid_to < u->valid_from)
		return bad(s, at, VALID_TO, err, "correct one of the two dates",
		    "the unit ends before it begins");
	r->differs = r->old == NULL || !same_unit(u, r->old);
	return RC_OK;
}

static int
by_code(const void *a, const void *b)
{
	const struct sheet_row *x = a, *y = b;
	int order = strcmp(x->unit.code, y->unit.code);

	return order != 0 ? order : (x->at > y->at) - (x->at < y->at);
}

static int
code_of_row(const void *key, const void *row)
{
	return strcmp(key, ((const struct sheet_row *)row)->unit.code);
}

/* A unit as it will be: from the sheet, else from the directory. */
static const struct unit *
unit_to_be(const struct sheet *s, const char *code)
{
	const struct sheet_row *r = bsearch(code, s->rows, s->n, sizeof(*s->rows), code_of_row);

	return r != NULL ? &r->unit : directory_unit(s->directory, code);
}

static enum rc
check_above(const struct sheet *s, struct sheet_row *r, struct error *err)
{
	const struct unit *u = &r->unit;

	r->tier = 0;
	while (u->parent[0] != '\0') {
		u = unit_to_be(s, u->parent);
		if (u == NULL)
			return bad(s, r->at, PARENT, err, "add the parent's row, or correct the code",
			    "there is no such unit");
		if (++r->tier >= AUTHORITY_SHEET_TIERS_MAX)
			return bad(s, r->at, PARENT, err, "correct the parents",
			    "the parents go in a circle, or over more than 8 tiers");
	}
	return RC_OK;
}

static enum rc
check_successor(const struct sheet *s, const struct sheet_row *r, struct error *err)
{
	const struct unit *u = &r->unit;

	for (int steps = 0; u->successor[0] != '\0'; steps++) {
		u = unit_to_be(s, u->successor);
		if (u == NULL)
			return bad(s, r->at, SUCCESSOR, err,
			    "add the successor's row, or correct the code", "there is no such unit");
		if (steps == AUTHORITY_SHEET_TIERS_MAX)
			return bad(s, r->at, SUCCESSOR, err, "correct the successors",
			    "the successors go in a circle, or over more than 8 steps");
	}
	return RC_OK;
}

/* There is one unit without a parent, and it stays the same. */
static enum rc
check_top(const struct sheet *s, const struct sheet_row *r, const char **top, struct error *err)
{
	const struct unit *u = &r->unit;

	if (u->parent[0] == '\0' && (*top)[0] == '\0')
		*top = u->code;
	if ((u->parent[0] == '\0') != (strcmp(*top, u->code) == 0))
		return bad(s, r->at, PARENT, err, "give every unit but one a parent, or take one province with --under CODE",
		    "one unit only is without a parent, and it stays the same");
	return RC_OK;
}

static enum rc
check_sheet(struct sheet *s, struct error *err)
{
	const char *top = directory_top_unit(s->directory);
	size_t added = 0;
	enum rc rc;

	if (top == NULL)
		top = "";
	qsort(s->rows, s->n, sizeof(*s->rows), by_code);
	for (size_t i = 0; i < s->n; i++) {
		struct sheet_row *r = &s->rows[i];

		if (i > 0 && strcmp(s->rows[i - 1].unit.code, r->unit.code) == 0)
			return bad(s, r->at, CODE, err, "take one of the two rows out",
			    "this code comes twice");
		if ((rc = check_top(s, r, &top, err)) != RC_OK)
			return rc;
		added += r->old == NULL;
	}
	for (size_t i = 0; i < s->n; i++)
		if ((rc = check_above(s, &s->rows[i], err)) != RC_OK ||
		    (rc = check_successor(s, &s->rows[i], err)) != RC_OK)
			return rc;
	if (directory_unit_count(s->directory) + added > DIRECTORY_UNITS_MAX)
		return error_set(err, RC_LIMIT, s->name, "a province has at most 10000 units",
		    "too many units");
	return RC_OK;
}

static void
free_names(struct sheet_row *r)
{
	free(r->unit.full_name);
	free(r->unit.name);
}

/* Is the row that unit, or below it?  A chain that leads nowhere, or round, is not. */
static bool
is_below(const struct sheet *s, const struct sheet_row *r, const char *under)
{
	for (int steps = 0; r != NULL && steps < AUTHORITY_SHEET_TIERS_MAX; steps++) {
		if (strcmp(r->unit.code, under) == 0)
			return true;
		r = bsearch(r->unit.parent, s->rows, s->n, sizeof(*s->rows), code_of_row);
	}
	return false;
}

/* One province out of a country's sheet: its rows alone, and it is the top. */
static enum rc
keep_below(struct sheet *s, const char *under, struct error *err)
{
	struct sheet_row *kept = calloc(s->n + 1, sizeof(*kept)), *all = s->rows;
	size_t n = 0;

	if (kept == NULL)
		return RC_NOMEM;
	qsort(s->rows, s->n, sizeof(*s->rows), by_code);
	for (size_t i = 0; i < s->n; i++)
		if (is_below(s, &s->rows[i], under))
			kept[n++] = s->rows[i];
	for (size_t i = 0; i < s->n; i++)
		if (!is_below(s, &s->rows[i], under))
			free_names(&s->rows[i]);
	s->rows = kept;
	s->n = n;
	free(all);
	for (size_t i = 0; i < n; i++) {
		struct sheet_row *r = &kept[i];

		if (strcmp(r->unit.code, under) != 0)
			continue;
		r->unit.parent[0] = '\0';
		r->differs = r->old == NULL || !same_unit(&r->unit, r->old);
		return RC_OK;
	}
	return error_set(err, RC_NOTFOUND, s->name, "write the code as the sheet has it",
	    "the sheet has no unit %s", under);
}

enum rc
authority_sheet_read(struct sheet *s, const char *name, const struct directory *d,
    const uint8_t *data, size_t len, const char *under, struct error *err)
{
	enum rc rc;

	memset(s, 0, sizeof(*s));
	s->name = name;
	s->directory = d;
	if ((rc = csv_parse(s->name, data, len, &s->csv, err)) != RC_OK ||
	    (rc = find_columns(s, err)) != RC_OK)
		return rc;
	if (s->csv.n_rows > DIRECTORY_UNITS_MAX)
		return error_set(err, RC_LIMIT, s->name, "a province has at most 10000 units",
		    "too many rows");
	s->rows = calloc(s->csv.n_rows + 1, sizeof(*s->rows));
	if (s->rows == NULL)
		return RC_NOMEM;
	for (size_t i = 1; i <= s->csv.n_rows; i++) {
		s->n = i;
		if ((rc = read_row(s, i, &s->rows[i - 1], err)) != RC_OK)
			return rc;
	}
	if (under != NULL && (rc = keep_below(s, under, err)) != RC_OK)
		return rc;
	return check_sheet(s, err);
}

void
authority_sheet_reset(struct sheet *s)
{
	for (size_t i = 0; i < s->n; i++)
		free_names(&s->rows[i]);
	free(s->rows);
	csv_reset(&s->csv);
}
