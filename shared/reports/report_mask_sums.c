/* The figures of a table that is to be masked, and what its file says adds up. */
#include <stdlib.h>
#include <string.h>

#include "shared/reports/report_mask_internal.h"

enum { RELATED_MAX = REPORT_ROWS_MAX };

const struct report_follow *
report_mask_follow(const struct report_definition *d, size_t column)
{
	for (size_t i = 0; i < d->n_follows; i++) {
		if (d->follows[i].column == column)
			return &d->follows[i];
	}
	return NULL;
}

bool
report_mask_is_figure(const struct mask *m, size_t block, size_t row, size_t column)
{
	enum report_kind kind = m->r->columns[column].kind;

	return !m->r->blocks[block].rows[row].open &&
	    report_mask_cell(m, block, row, column)->type == REPORT_INTEGER &&
	    (kind == REPORT_PERSONS || (kind == REPORT_MONEY && report_mask_follow(m->d, column) != NULL));
}

/* ---- figures ---- */

/* What sums others up is dearer to lose. */
static uint8_t
cost_of(const struct mask *m, size_t block, size_t row, size_t column)
{
	unsigned cost = m->r->blocks[block].rows[row].total ? 2 : 1;

	for (size_t i = 0; i < m->d->n_relations; i++) {
		const struct report_relation *l = &m->d->relations[i];

		if (l->over == REPORT_OVER_COLUMNS && l->compare != REPORT_WITHIN &&
		    l->total.at == column)
			return (uint8_t)(cost + 1);
	}
	return (uint8_t)cost;
}

/* 0 is shown and stays: it is no figure here. */
static enum rc
add_figure(struct mask *m, size_t block, size_t row, size_t column)
{
	int64_t value = report_mask_cell(m, block, row, column)->integer;
	bool persons = m->r->columns[column].kind == REPORT_PERSONS;
	bool small = persons && value < m->threshold;
	struct report_hide_cell c = { .value = value, .low = 0, .high = INT64_MAX / 2, .hidden = small,
		.cost = cost_of(m, block, row, column) };
	uint32_t *to = &m->figures[report_mask_place(m, block, row, column)];
	enum rc rc;

	if (value == 0)
		return RC_OK;
	if (persons) {
		c.low = small ? 1 : m->threshold;
		c.high = small ? m->threshold - 1 : INT64_MAX / 2;
	}
	rc = report_hide_cell(&m->hide, &c, to);
	++*to;
	return rc;
}

static enum rc
add_figures(struct mask *m)
{
	const struct report *r = m->r;
	size_t n = 0;
	enum rc rc = RC_OK;

	for (size_t b = 0; b < r->n_blocks; b++) {
		m->first[b] = n;
		n += r->blocks[b].n_rows * r->n_columns;
	}
	m->figures = calloc(n + 1, sizeof(*m->figures));
	m->terms = calloc(RELATED_MAX + 2, sizeof(*m->terms));
	m->parts = calloc(RELATED_MAX + 1, sizeof(*m->parts));
	if (m->figures == NULL || m->terms == NULL || m->parts == NULL)
		return RC_NOMEM;
	for (size_t b = 0; b < r->n_blocks; b++) {
		for (size_t i = 0; i < r->blocks[b].n_rows; i++) {
			for (size_t c = 0; rc == RC_OK && c < r->n_columns; c++) {
				if (report_mask_is_figure(m, b, i, c))
					rc = add_figure(m, b, i, c);
			}
		}
	}
	return rc;
}

/* ---- what adds up ---- */

static int64_t
value_of(const struct mask *m, uint32_t figure)
{
	return figure == 0 ? 0 : m->hide.cells[figure - 1].value;
}

enum { ANY = INT32_MAX };

/* Parts less their total, which may be so much lower or higher than they are. */
static enum rc
put_sum(struct mask *m, uint32_t total, const uint32_t *parts, size_t n, int64_t low, int64_t high)
{
	size_t k = 0;

	if (total != 0)
		m->terms[k++] = (struct report_hide_term){ total - 1, -1 };
	for (size_t i = 0; i < n; i++) {
		if (parts[i] != 0)
			m->terms[k++] = (struct report_hide_term){ parts[i] - 1, 1 };
	}
	/* what does not hold in this table is kept as it is */
	return k == 0 ? RC_OK : report_hide_sum(&m->hide, m->terms, k, low > 0 ? low : 0,
	    high > 0 ? high : 0);
}

static enum rc
put_relation(struct mask *m, enum report_compare compare, uint32_t total, const uint32_t *parts, size_t n)
{
	int64_t rest = value_of(m, total);
	enum rc rc;

	for (size_t i = 0; i < n; i++)
		rest -= value_of(m, parts[i]);
	if (compare == REPORT_SUM)
		return put_sum(m, total, parts, n, 0, 0);
	if (compare == REPORT_WITHIN)
		return put_sum(m, total, parts, n, ANY, rest);
	rc = put_sum(m, total, parts, n, -rest, ANY);
	for (size_t i = 0; rc == RC_OK && i < n; i++) {
		if (parts[i] != 0)
			rc = put_sum(m, total, &parts[i], 1, ANY, value_of(m, total) - value_of(m, parts[i]));
	}
	return rc;
}

/* The block with a number of the file; false: it is left out. */
static bool
find_block(const struct mask *m, size_t number, size_t *out)
{
	for (*out = 0; *out < m->r->n_blocks; ++*out) {
		if (m->r->blocks[*out].number == number)
			return true;
	}
	return false;
}

static enum rc
relate_columns(struct mask *m, const struct report_relation *l)
{
	uint32_t parts[REPORT_TERMS_MAX];
	enum rc rc = RC_OK;

	for (size_t b = 0; b < m->r->n_blocks; b++) {
		for (size_t i = 0; rc == RC_OK && i < m->r->blocks[b].n_rows; i++) {
			if (!report_mask_is_figure(m, b, i, l->total.at))
				continue;
			for (size_t k = 0; k < l->n_parts; k++)
				parts[k] = m->figures[report_mask_place(m, b, i, l->parts[k].at)];
			rc = put_relation(m, l->compare, m->figures[report_mask_place(m, b, i, l->total.at)], parts,
			    l->n_parts);
		}
	}
	return rc;
}

/* Rows of a block that a term means: from *first as far as *end. */
static void
rows_of(const struct report_block *block, size_t asked, size_t *first, size_t *end)
{
	*first = asked == REPORT_ROW_PLAIN ? 0 : asked;
	if (asked == REPORT_ROW_TOTAL) {
		for (*first = 0; *first < block->n_rows && !block->rows[*first].total; ++*first)
			;
	}
	*end = asked == REPORT_ROW_PLAIN ? block->n_rows : *first + 1;
	if (*end > block->n_rows)
		*first = *end = block->n_rows;
}

/* The figures of a term in a column, behind each other. */
static void
gather(const struct mask *m, const struct report_term *t, size_t column, uint32_t *out, size_t *n)
{
	const struct report_block *block;
	size_t b, first, end;

	if (!find_block(m, t->at, &b))
		return;
	block = &m->r->blocks[b];
	rows_of(block, t->row, &first, &end);
	for (size_t i = first; i < end && *n < RELATED_MAX; i++) {
		uint32_t figure = m->figures[report_mask_place(m, b, i, column)];

		if (figure != 0 && !(t->row == REPORT_ROW_PLAIN && block->rows[i].total))
			out[(*n)++] = figure;
	}
}

static bool
takes_column(const struct mask *m, const struct report_relation *l, size_t column)
{
	return l->columns != 0 ? report_mask_has(l->columns, column) : m->r->columns[column].kind == REPORT_PERSONS;
}

static enum rc
relate_rows(struct mask *m, const struct report_relation *l)
{
	enum rc rc = RC_OK;
	size_t at;

	if (!find_block(m, l->total.at, &at))
		return RC_OK;
	for (size_t k = 0; k < l->n_parts; k++) {
		if (!find_block(m, l->parts[k].at, &at))
			return RC_OK;
	}

	for (size_t c = 0; rc == RC_OK && c < m->r->n_columns; c++) {
		size_t n = 0, one = 0;
		uint32_t total = 0;

		if (!takes_column(m, l, c))
			continue;
		gather(m, &l->total, c, &total, &one);
		for (size_t k = 0; k < l->n_parts; k++)
			gather(m, &l->parts[k], c, m->parts, &n);
		rc = put_relation(m, l->compare, total, m->parts, n);
	}
	return rc;
}

/* The row of a block that is called as that of another. */
static bool
find_row(const struct mask *m, size_t block, const char *label, size_t *out)
{
	for (*out = 0; *out < m->r->blocks[block].n_rows; ++*out) {
		const struct report_cell *c = report_mask_cell(m, block, *out, 0);

		if (c->type == REPORT_WORDS && strcmp(c->words, label) == 0)
			return true;
	}
	return false;
}

static enum rc
relate_blocks(struct mask *m, const struct report_relation *l)
{
	size_t total, at[REPORT_TERMS_MAX], row;
	uint32_t parts[REPORT_TERMS_MAX];
	enum rc rc = RC_OK;

	if (!find_block(m, l->total.at, &total))
		return RC_OK;
	for (size_t k = 0; k < l->n_parts; k++) {
		if (!find_block(m, l->parts[k].at, &at[k]))
			return RC_OK;
	}
	for (size_t i = 0; i < m->r->blocks[total].n_rows; i++) {
		const char *label = report_mask_cell(m, total, i, 0)->words;
		bool skip = false;

		/* what sums a block up is related to what sums others up, where they have such a row */
		for (size_t k = 0; label != NULL && k < l->n_parts; k++)
			skip |= m->r->blocks[total].rows[i].total && !find_row(m, at[k], label, &row);
		if (skip)
			continue;
		for (size_t c = 0; rc == RC_OK && label != NULL && c < m->r->n_columns; c++) {
			if (!takes_column(m, l, c))
				continue;
			for (size_t k = 0; k < l->n_parts; k++)
				parts[k] = find_row(m, at[k], label, &row) ?
				    m->figures[report_mask_place(m, at[k], row, c)] : 0;
			rc = put_relation(m, l->compare, m->figures[report_mask_place(m, total, i, c)], parts,
			    l->n_parts);
		}
	}
	return rc;
}

enum rc
report_mask_gather(struct mask *m)
{
	enum rc rc = add_figures(m);

	for (size_t i = 0; rc == RC_OK && i < m->d->n_relations; i++) {
		const struct report_relation *l = &m->d->relations[i];

		if (l->over == REPORT_OVER_COLUMNS)
			rc = relate_columns(m, l);
		else if (l->over == REPORT_OVER_ROWS)
			rc = relate_rows(m, l);
		else
			rc = relate_blocks(m, l);
	}
	return rc != RC_OK ? rc : report_hide_ready(&m->hide);
}
