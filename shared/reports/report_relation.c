/* Lines of a report's file that say what adds up, and what never leaves. */
#include <string.h>

#include "shared/reports/report_definition.h"

/* The rest of a line, read word by word. */
struct words {
	const char *p, *end;
	const char *word;
	size_t len;
};

static const struct { const char *key; bool relates; enum report_over over; } kinds[] = {
	{ "columns", true, REPORT_OVER_COLUMNS }, { "rows", true, REPORT_OVER_ROWS },
	{ "blocks", true, REPORT_OVER_BLOCKS }, { "follows", false, REPORT_OVER_COLUMNS },
	{ "withheld", false, REPORT_OVER_BLOCKS },
};
enum { KINDS = sizeof(kinds) / sizeof(kinds[0]), NUMBER_MAX = 999 };

static size_t
kind_of(const char *key, size_t len)
{
	size_t k = 0;

	while (k < KINDS && (strlen(kinds[k].key) != len || memcmp(kinds[k].key, key, len) != 0))
		k++;
	return k;
}

bool
report_relation_is(const char *key, size_t len)
{
	return kind_of(key, len) < KINDS;
}

static bool
next(struct words *w)
{
	while (w->p < w->end && *w->p == ' ')
		w->p++;
	w->word = w->p;
	while (w->p < w->end && *w->p != ' ')
		w->p++;
	w->len = (size_t)(w->p - w->word);
	return w->len > 0;
}

static bool
is(const struct words *w, const char *word)
{
	return w->len == strlen(word) && memcmp(w->word, word, w->len) == 0;
}

/* A number from 1 in digits, as an index from 0. */
static bool
index_of(const char *p, size_t len, size_t *out)
{
	size_t n = 0;

	*out = 0;
	for (size_t i = 0; i < len; i++) {
		if (p[i] < '0' || p[i] > '9' || n > NUMBER_MAX)
			return false;
		n = n * 10 + (size_t)(p[i] - '0');
	}
	if (n == 0 || n > NUMBER_MAX)
		return false;
	*out = n - 1;
	return true;
}

/* "3"; over rows also "1.t", "1.12". */
static bool
term(const struct words *w, enum report_over over, struct report_term *out)
{
	const char *point = memchr(w->word, '.', w->len);
	size_t len = point == NULL ? w->len : (size_t)(point - w->word);

	out->row = REPORT_ROW_PLAIN;
	if (!index_of(w->word, len, &out->at) || (point != NULL && over != REPORT_OVER_ROWS))
		return false;
	if (point == NULL)
		return true;
	if (w->len == len + 2 && point[1] == 't') {
		out->row = REPORT_ROW_TOTAL;
		return true;
	}
	return index_of(point + 1, w->len - len - 1, &out->row);
}

/* Numbers up to the end of the line, as bits. */
static bool
bits(struct words *w, uint32_t *out)
{
	size_t at;

	*out = 0;
	while (next(w)) {
		if (!index_of(w->word, w->len, &at) || at > 31)
			return false;
		*out |= (uint32_t)1 << at;
	}
	return *out != 0;
}

/* "TOTAL = PART PART [| COLUMN COLUMN]" */
static enum rc
relation(struct words *w, enum report_over over, struct report_relation *out, const char **what)
{
	*what = "a relation reads TOTAL = PART PART ..., or with >= or <=";
	out->over = over;
	if (!next(w) || !term(w, over, &out->total) || !next(w))
		return RC_FORMAT;
	if (over == REPORT_OVER_ROWS && out->total.row == REPORT_ROW_PLAIN)
		return RC_FORMAT;
	if (is(w, "="))
		out->compare = REPORT_SUM;
	else if (is(w, ">="))
		out->compare = REPORT_WITHIN;
	else if (is(w, "<="))
		out->compare = REPORT_UNION;
	else
		return RC_FORMAT;
	while (next(w) && !is(w, "|")) {
		if (out->n_parts == REPORT_TERMS_MAX) {
			*what = "too many terms";
			return RC_LIMIT;
		}
		if (!term(w, over, &out->parts[out->n_parts++]))
			return RC_FORMAT;
	}
	if (out->n_parts == 0 || (w->len > 0 && (over == REPORT_OVER_COLUMNS || !bits(w, &out->columns))))
		return RC_FORMAT;
	return RC_OK;
}

/* "COLUMN OTHER OTHER ..." */
static enum rc
follow(struct words *w, struct report_follow *out, const char **what)
{
	*what = "such a line reads COLUMN OTHER ...";
	return next(w) && index_of(w->word, w->len, &out->column) && bits(w, &out->others) ?
	    RC_OK : RC_FORMAT;
}

enum rc
report_relation_take(struct report_definition *d, const char *key, size_t key_len,
    const char *text, size_t len, const char **what)
{
	struct words w = { .p = text, .end = text + len };
	size_t k = kind_of(key, key_len);

	*what = "too many lines of this kind";
	if (k == KINDS)
		return RC_FORMAT;
	if (kinds[k].relates) {
		if (d->n_relations == REPORT_RELATIONS_MAX)
			return RC_LIMIT;
		return relation(&w, kinds[k].over, &d->relations[d->n_relations++], what);
	}
	if (strcmp(kinds[k].key, "follows") == 0) {
		if (d->n_follows == REPORT_FOLLOWS_MAX)
			return RC_LIMIT;
		return follow(&w, &d->follows[d->n_follows++], what);
	}
	*what = "blocks are numbers from 1";
	return d->withheld == 0 && bits(&w, &d->withheld) ? RC_OK : RC_FORMAT;
}

/* ---- whether they fit ---- */

/* A column whose figures are hidden by themselves, or with others. */
static bool
is_figure(const struct report_definition *d, size_t column)
{
	if (column >= d->n_columns)
		return false;
	if (d->columns[column].kind == REPORT_PERSONS)
		return true;
	for (size_t i = 0; i < d->n_follows; i++) {
		if (d->follows[i].column == column && d->columns[column].kind == REPORT_MONEY)
			return true;
	}
	return false;
}

static bool
are_figures(const struct report_definition *d, uint32_t columns)
{
	for (size_t c = 0; c < 32; c++) {
		if ((columns >> c & 1) != 0 && !is_figure(d, c))
			return false;
	}
	return true;
}

/* Whether a figure could stand in both. */
static bool
overlap(const struct report_relation *r, const struct report_term *a, const struct report_term *b)
{
	if (a->at != b->at)
		return false;
	if (r->over != REPORT_OVER_ROWS)
		return true;
	if (a->row < REPORT_ROW_TOTAL && b->row < REPORT_ROW_TOTAL)
		return a->row == b->row;
	return a->row == b->row || a->row < REPORT_ROW_TOTAL || b->row < REPORT_ROW_TOTAL;
}

static bool
relation_fits(const struct report_definition *d, const struct report_relation *r, size_t n_blocks)
{
	if (!are_figures(d, r->columns))
		return false;
	for (size_t i = 0; i <= r->n_parts; i++) {
		size_t at = i < r->n_parts ? r->parts[i].at : r->total.at;

		if (r->over == REPORT_OVER_COLUMNS ? !is_figure(d, at) : at >= n_blocks)
			return false;
		for (size_t k = 0; i < r->n_parts && k < i; k++) {
			if (overlap(r, &r->parts[i], &r->parts[k]))
				return false;
		}
		if (i < r->n_parts && overlap(r, &r->parts[i], &r->total))
			return false;
	}
	return true;
}

const char *
report_relation_check(const struct report_definition *d, size_t n_blocks)
{
	for (size_t i = 0; i < d->n_follows; i++) {
		if (d->follows[i].column >= d->n_columns || !are_figures(d, d->follows[i].others) ||
		    d->columns[d->follows[i].column].kind == REPORT_PERSONS)
			return "what a column follows are columns of persons";
	}
	for (size_t i = 0; i < d->n_relations; i++) {
		if (!relation_fits(d, &d->relations[i], n_blocks))
			return "a relation is of blocks that are there, and of columns of persons";
	}
	if (n_blocks < 32 && d->withheld >> n_blocks != 0)
		return "what is withheld is no block";
	return NULL;
}
