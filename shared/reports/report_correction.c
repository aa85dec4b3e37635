#include "shared/reports/report_correction.h"

#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "shared/reports/report_lines.h"

static const char ROWS_HEAD[] = "Số dòng";	/* of a table of texts: how often a row is there */

/* One earlier period: what was told of it, and what it reads now. */
struct comparison {
	struct report *to;		/* gets the corrections */
	struct arena arena;		/* of one period */
	const struct report_told *told;
	struct report *again;
	const char *heads[REPORT_COLUMNS_MAX];
	size_t n_labels, n_values;
	bool parts;
	struct report_lines then, now;
	struct report_correction *list;	/* REPORT_CORRECTIONS_MAX */
	size_t left_out;
};

/* ---- cells ---- */

static double
number_of(const struct report_cell *c)
{
	return c->type == REPORT_INTEGER ? (double)c->integer : c->type == REPORT_REAL ? c->real : 0;
}

static bool
is_words(const struct report_cell *c)
{
	return c->type == REPORT_WORDS && c->words[0] != '\0';
}

/* Nothing, 0 and an empty text are the same: no figure. */
static bool
is_same(const struct report_cell *a, const struct report_cell *b)
{
	if (is_words(a) || is_words(b))
		return is_words(a) && is_words(b) && strcmp(a->words, b->words) == 0;
	return fabs(number_of(a) - number_of(b)) < 0.001;
}

struct report_cell
report_correction_difference(const struct report_correction *c)
{
	struct report_cell d = { .type = REPORT_NOTHING };

	if (is_words(&c->told) || is_words(&c->now))
		return d;
	if (c->told.type == REPORT_REAL || c->now.type == REPORT_REAL) {
		d.type = REPORT_REAL;
		d.real = round(10 * (number_of(&c->now) - number_of(&c->told))) / 10;
	} else {
		d.type = REPORT_INTEGER;
		d.integer = c->now.integer - c->told.integer;
	}
	return d;
}

static const char *
copy(struct comparison *c, const char *s)
{
	return arena_copy(&c->arena, s, strlen(s));
}

static enum rc
take_json(struct comparison *c, const json_t *v, struct report_cell *out)
{
	*out = (struct report_cell){ .type = REPORT_NOTHING };
	if (json_is_integer(v)) {
		out->type = REPORT_INTEGER;
		out->integer = json_integer_value(v);
	} else if (json_is_real(v)) {
		out->type = REPORT_REAL;
		out->real = json_real_value(v);
	} else if (json_is_string(v)) {
		out->type = REPORT_WORDS;
		out->words = copy(c, json_string_value(v));
		return out->words != NULL ? RC_OK : RC_NOMEM;
	}
	return RC_OK;
}

/* ---- rows ---- */

/* The texts before the first figure, with dashes between them. */
static enum rc
add_row(const struct comparison *c, struct report_lines *s, const char *part,
    const struct report_cell *cells)
{
	struct bytes name;
	struct report_line *l;

	bytes_init(&name);
	for (size_t i = 0; i < c->n_labels; i++) {
		if (cells[i].type == REPORT_NOTHING || (cells[i].type == REPORT_WORDS && !is_words(&cells[i])))
			continue;
		bytes_text(&name, name.len > 0 ? " – " : "");
		if (cells[i].type == REPORT_WORDS)
			bytes_text(&name, cells[i].words);
		else
			bytes_printf(&name, "%.15g", number_of(&cells[i]));
	}
	l = name.rc == RC_OK ? report_lines_add(s, part, bytes_cstr(&name)) : NULL;
	bytes_reset(&name);
	if (l == NULL)
		return RC_NOMEM;
	if (c->heads[0] == ROWS_HEAD)
		l->cells[0] = (struct report_cell){ .type = REPORT_INTEGER, .integer = 1 };
	else
		memcpy(l->cells, cells + c->n_labels, c->n_values * sizeof(*cells));
	return RC_OK;
}

/* ---- what it reads now ---- */

static void
find_columns(struct comparison *c)
{
	const struct report *r = c->again;

	while (c->n_labels < r->n_columns && r->columns[c->n_labels].kind == REPORT_TEXT)
		c->n_labels++;
	for (size_t i = c->n_labels; i < r->n_columns; i++)
		c->heads[c->n_values++] = r->columns[i].title;
	if (c->n_values == 0)
		c->heads[c->n_values++] = ROWS_HEAD;
}

static enum rc
read_again(struct comparison *c)
{
	const struct report *r = c->again;
	size_t n = 0;
	enum rc rc;

	for (size_t b = 0; b < r->n_blocks; b++)
		n += r->blocks[b].n_rows;
	rc = report_lines_init(&c->now, &c->arena, n, c->n_values);
	for (size_t b = 0; b < r->n_blocks; b++) {
		for (size_t i = 0; rc == RC_OK && i < r->blocks[b].n_rows; i++)
			rc = add_row(c, &c->now, c->parts ? r->blocks[b].title : "",
			    r->blocks[b].rows[i].cells);
	}
	return rc == RC_OK ? report_lines_number(&c->now) : rc;
}

/* ---- what was told ---- */

/* Are these the columns that it has today? */
static bool
has_columns(struct comparison *c)
{
	const json_t *columns = json_object_get(c->told->table, "columns");
	size_t n = json_array_size(columns);

	c->parts = n == c->again->n_columns + 1;
	for (size_t i = 0; i < c->again->n_columns; i++) {
		const char *title = json_string_value(json_array_get(columns, i + c->parts));

		if (title == NULL || strcmp(title, c->again->columns[i].title) != 0)
			return false;
	}
	return n == c->again->n_columns + c->parts;
}

static const char *
text_of(const json_t *o, const char *name)
{
	const char *s = json_string_value(json_object_get(o, name));

	return s != NULL ? s : "";
}

/* What a later report said of this period stands in the place of what was told before. */
static enum rc
take_corrections(struct comparison *c, const json_t *table)
{
	const json_t *all = json_object_get(table, "corrections");
	char from[11], to[11];
	enum rc rc = RC_OK;

	date_iso(&c->told->from, from);
	date_iso(&c->told->to, to);
	for (size_t i = 0; rc == RC_OK && i < json_array_size(all); i++) {
		const json_t *o = json_array_get(all, i);
		const char *part = text_of(o, "part"), *row = text_of(o, "row");
		struct report_line *l;

		if (strcmp(text_of(o, "from"), from) != 0 || strcmp(text_of(o, "to"), to) != 0)
			continue;
		if ((l = report_lines_find(&c->then, part, row)) == NULL &&
		    (l = report_lines_add(&c->then, part, row)) == NULL)
			return RC_NOMEM;
		for (size_t v = 0; rc == RC_OK && v < c->n_values; v++)
			if (strcmp(c->heads[v], text_of(o, "column")) == 0)
				rc = take_json(c, json_object_get(o, "now"), &l->cells[v]);
	}
	return rc;
}

static enum rc
read_told(struct comparison *c, size_t later)
{
	const json_t *rows = json_object_get(c->told->table, "rows");
	size_t n = json_array_size(rows), max = n;
	enum rc rc;

	for (size_t k = 1; k <= later; k++)
		max += json_array_size(json_object_get(c->told[k].table, "corrections"));
	if (max > REPORT_ROWS_MAX)
		return RC_LIMIT;
	rc = report_lines_init(&c->then, &c->arena, max, c->n_values);
	for (size_t i = 0; rc == RC_OK && i < n; i++) {
		const json_t *row = json_array_get(rows, i);
		const char *part = c->parts ? json_string_value(json_array_get(row, 0)) : "";
		struct report_cell cells[REPORT_COLUMNS_MAX];

		for (size_t k = 0; rc == RC_OK && k < c->again->n_columns; k++)
			rc = take_json(c, json_array_get(row, k + c->parts), &cells[k]);
		if (rc == RC_OK)
			rc = add_row(c, &c->then, part != NULL ? part : "", cells);
	}
	if (rc == RC_OK)
		rc = report_lines_number(&c->then);
	for (size_t k = 1; rc == RC_OK && k <= later; k++)
		rc = take_corrections(c, c->told[k].table);
	return rc;
}

/* ---- the difference ---- */

/* Of the report that gets it, not of the period that is looked at. */
static const char *
keep_words(struct report *r, const char *s)
{
	return arena_copy(&r->arena, s, strlen(s));
}

static enum rc
keep_cell(struct report *r, const struct report_cell *from, struct report_cell *out)
{
	*out = *from;
	if (from->type == REPORT_WORDS && (out->words = keep_words(r, from->words)) == NULL)
		return RC_NOMEM;
	return RC_OK;
}

static enum rc
add_correction(struct comparison *c, const struct report_line *l, size_t value,
    const struct report_cell *told, const struct report_cell *now)
{
	struct report_correction *to = &c->list[c->to->n_corrections];
	enum rc rc;

	if (c->to->n_corrections == REPORT_CORRECTIONS_MAX) {
		c->left_out++;
		return RC_OK;
	}
	to->from = c->told->from;
	to->to = c->told->to;
	to->part = keep_words(c->to, l->part);
	to->row = keep_words(c->to, l->row);
	to->column = keep_words(c->to, c->heads[value]);
	if (to->part == NULL || to->row == NULL || to->column == NULL)
		return RC_NOMEM;
	if ((rc = keep_cell(c->to, told, &to->told)) == RC_OK &&
	    (rc = keep_cell(c->to, now, &to->now)) == RC_OK)
		c->to->n_corrections++;
	return rc;
}

static enum rc
compare_lines(struct comparison *c, const struct report_line *then, const struct report_line *now)
{
	static const struct report_cell nothing = { .type = REPORT_NOTHING };
	enum rc rc = RC_OK;

	for (size_t v = 0; rc == RC_OK && v < c->n_values; v++) {
		const struct report_cell *a = then != NULL ? &then->cells[v] : &nothing;
		const struct report_cell *b = now != NULL ? &now->cells[v] : &nothing;

		if (!is_same(a, b))
			rc = add_correction(c, now != NULL ? now : then, v, a, b);
	}
	return rc;
}

/* In the order of the table as it is now; what is there no more behind it. */
static enum rc
compare(struct comparison *c)
{
	enum rc rc = RC_OK;

	for (size_t i = 0; rc == RC_OK && i < c->now.n; i++) {
		struct report_line *then = report_lines_find(&c->then, c->now.lines[i].part,
		    c->now.lines[i].row);

		if (then != NULL)
			then->seen = true;
		rc = compare_lines(c, then, &c->now.lines[i]);
	}
	for (size_t i = 0; rc == RC_OK && i < c->then.n; i++)
		if (!c->then.lines[i].seen)
			rc = compare_lines(c, &c->then.lines[i], NULL);
	return rc;
}

static enum rc
add_note(struct report *r, const char *note)
{
	if (r->n_notes == REPORT_NOTES_MAX)
		return RC_OK;
	r->notes[r->n_notes] = keep_words(r, note);
	return r->notes[r->n_notes++] != NULL ? RC_OK : RC_NOMEM;
}

static enum rc
note_other_columns(const struct comparison *c, const struct report_correction *of)
{
	char period[REPORT_PERIOD_MAX], note[REPORT_PERIOD_MAX + 128];

	report_correction_period(c->to, of, period);
	if (c->to->lang == FORM_EN)
		snprintf(note, sizeof(note), "What was reported (%s) cannot be compared: the table has"
		    " other columns now.", period);
	else
		snprintf(note, sizeof(note), "Chưa đối chiếu được số liệu đã báo cáo (%s): mẫu biểu đã"
		    " thay đổi.", period);
	return add_note(c->to, note);
}

static enum rc
note_left_out(const struct comparison *c)
{
	char note[128];

	if (c->left_out == 0)
		return RC_OK;
	if (c->to->lang == FORM_EN)
		snprintf(note, sizeof(note), "%zu more figures of earlier periods have changed and are not"
		    " listed here.", c->left_out);
	else
		snprintf(note, sizeof(note), "Còn %zu số liệu các kỳ trước có thay đổi, chưa nêu ở đây.",
		    c->left_out);
	return add_note(c->to, note);
}

/* told[0] is looked at; `later` more behind it may have corrected it. */
static enum rc
correct_period(struct sqlite3 *db, const struct form_set *forms, const char *unit,
    const struct report_told *told, size_t later, struct comparison *c, struct error *err)
{
	struct report_order order = { .name = c->to->name, .from = told->from, .to = told->to,
		.unit = unit, .lang = FORM_VI };
	struct report_correction of = { .from = told->from, .to = told->to };
	enum rc rc;

	if ((rc = report_run(db, forms, &order, &c->again, err)) != RC_OK)
		return rc;
	arena_init(&c->arena, REPORT_BYTES_MAX);
	c->told = told;
	c->n_labels = c->n_values = 0;
	find_columns(c);
	if (!has_columns(c)) {
		rc = note_other_columns(c, &of);
	} else if ((rc = read_again(c)) == RC_OK && (rc = read_told(c, later)) == RC_OK) {
		rc = compare(c);
	}
	report_free(c->again);
	c->again = NULL;
	arena_reset(&c->arena);
	c->then = c->now = (struct report_lines){ .n = 0 };
	return rc;
}

enum rc
report_correct(struct sqlite3 *db, const struct form_set *forms, const char *unit,
    const struct report_told *told, size_t n, struct report *r, struct error *err)
{
	struct comparison c = { .to = r };
	enum rc rc = RC_OK;

	if (r->threshold != 0 || n == 0)
		return RC_OK;
	c.list = arena_alloc(&r->arena, REPORT_CORRECTIONS_MAX, sizeof(*c.list));
	if (c.list == NULL)
		return RC_NOMEM;
	r->corrections = c.list;
	for (size_t i = 0; rc == RC_OK && i < n; i++)
		rc = correct_period(db, forms, unit, &told[i], n - i - 1, &c, err);
	return rc == RC_OK ? note_left_out(&c) : rc;
}

/* ---- words ---- */

const char *
report_correction_head(enum form_lang lang, enum report_correction_head which)
{
	static const char *const heads[FORM_LANGS][CORRECTION_HEADS] = {
		[FORM_VI] = { "Điều chỉnh số liệu các kỳ đã báo cáo", "Kỳ đã báo cáo", "Phần", "Dòng",
		    "Cột", "Đã báo cáo", "Hiện nay", "Chênh lệch" },
		[FORM_EN] = { "Corrections to periods that were reported", "Reported period", "Part",
		    "Row", "Column", "Reported", "Now", "Difference" },
	};

	return heads[lang][which];
}

void
report_correction_period(const struct report *r, const struct report_correction *c,
    char out[REPORT_PERIOD_MAX])
{
	struct report of = { .lang = r->lang, .from = c->from, .to = c->to };

	report_period(&of, out);
}
