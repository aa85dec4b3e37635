/* What a report looks like outside: CSV, JSON, and the list of reports. */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "shared/base/csv.h"
#include "shared/base/embedded.h"
#include "shared/base/text.h"
#include "shared/reports/report_correction.h"
#include "shared/reports/report_definition.h"

static const char *
part_title(const struct report *r)
{
	return r->lang == FORM_EN ? "Part" : "Phần";
}

void
report_period(const struct report *r, char out[REPORT_PERIOD_MAX])
{
	char from[11], to[11];

	if (r->lang == FORM_EN) {
		date_iso(&r->from, from);
		date_iso(&r->to, to);
		snprintf(out, REPORT_PERIOD_MAX, "From %s to %s", from, to);
	} else {
		date_vietnamese(&r->from, from);
		date_vietnamese(&r->to, to);
		snprintf(out, REPORT_PERIOD_MAX, "Từ %s đến %s", from, to);
	}
}

/* ---- CSV ---- */

/* Spreadsheet programs take these at the beginning of a cell for a formula. */
static void
put_words(struct bytes *out, const char *words, int first)
{
	struct bytes quoted;

	if (words[0] == '\0' || strchr("=+-@\t\r", words[0]) == NULL) {
		csv_put(out, words, first);
		return;
	}
	bytes_init(&quoted);
	bytes_text(&quoted, "'");
	bytes_text(&quoted, words);
	if (quoted.rc != RC_OK)
		out->rc = quoted.rc;
	csv_put(out, bytes_cstr(&quoted), first);
	bytes_reset(&quoted);
}

static void
put_cell(struct bytes *out, const struct report_cell *c, int first)
{
	char number[32];

	switch (c->type) {
	case REPORT_INTEGER:
		snprintf(number, sizeof(number), "%lld", (long long)c->integer);
		csv_put(out, number, first);
		break;
	case REPORT_REAL:
		snprintf(number, sizeof(number), "%.15g", c->real);
		csv_put(out, number, first);
		break;
	case REPORT_WORDS:
		put_words(out, c->words, first);
		break;
	case REPORT_NOTHING:
		csv_put(out, "", first);
		break;
	}
}

/* A table of its own behind an empty line. */
static void
put_corrections(const struct report *r, struct bytes *out)
{
	if (r->n_corrections > 0)
		bytes_text(out, "\r\n");
	for (unsigned h = CORRECTION_PERIOD; r->n_corrections > 0 && h < CORRECTION_HEADS; h++)
		csv_put(out, report_correction_head(r->lang, h), h == CORRECTION_PERIOD);
	for (size_t i = 0; i < r->n_corrections; i++) {
		const struct report_correction *c = &r->corrections[i];
		struct report_cell difference = report_correction_difference(c);
		char period[REPORT_PERIOD_MAX];

		report_correction_period(r, c, period);
		bytes_text(out, "\r\n");
		csv_put(out, period, 1);
		put_words(out, c->part, 0);
		put_words(out, c->row, 0);
		put_words(out, c->column, 0);
		put_cell(out, &c->told, 0);
		put_cell(out, &c->now, 0);
		put_cell(out, &difference, 0);
	}
	if (r->n_corrections > 0)
		bytes_text(out, "\r\n");
}

enum rc
report_write_csv(const struct report *r, struct bytes *out)
{
	bool parts = r->n_blocks > 1;

	bytes_text(out, "\xef\xbb\xbf");
	if (parts)
		csv_put(out, part_title(r), 1);
	for (size_t i = 0; i < r->n_columns; i++)
		put_words(out, r->columns[i].title, i == 0 && !parts);
	bytes_text(out, "\r\n");
	for (size_t b = 0; b < r->n_blocks; b++) {
		const struct report_block *block = &r->blocks[b];

		for (size_t row = 0; row < block->n_rows; row++) {
			if (parts)
				put_words(out, block->title, 1);
			for (size_t i = 0; i < r->n_columns; i++)
				put_cell(out, &block->rows[row].cells[i], i == 0 && !parts);
			bytes_text(out, "\r\n");
		}
	}
	put_corrections(r, out);
	return out->rc;
}

/* ---- JSON ---- */

static json_t *
json_cell(const struct report_cell *c)
{
	switch (c->type) {
	case REPORT_INTEGER:
		return json_integer(c->integer);
	case REPORT_REAL:
		return json_real(c->real);
	case REPORT_WORDS:
		return json_string(c->words);
	case REPORT_NOTHING:
		break;
	}
	return json_null();
}

/* jansson's `new` functions take what they are given even when they fail. */
static bool
json_rows(const struct report *r, json_t *columns, json_t *rows)
{
	bool parts = r->n_blocks > 1, ok = true;

	if (parts)
		ok = json_array_append_new(columns, json_string(part_title(r))) == 0;
	for (size_t i = 0; ok && i < r->n_columns; i++)
		ok = json_array_append_new(columns, json_string(r->columns[i].title)) == 0;
	for (size_t b = 0; b < r->n_blocks; b++) {
		const struct report_block *block = &r->blocks[b];

		for (size_t row = 0; ok && row < block->n_rows; row++) {
			json_t *cells = json_array();

			ok = json_array_append_new(rows, cells) == 0;
			if (ok && parts)
				ok = json_array_append_new(cells, json_string(block->title)) == 0;
			for (size_t i = 0; ok && i < r->n_columns; i++)
				ok = json_array_append_new(cells,
				    json_cell(&block->rows[row].cells[i])) == 0;
		}
	}
	return ok;
}

static bool
json_head(const struct report *r, json_t *o)
{
	char from[11], to[11];

	date_iso(&r->from, from);
	date_iso(&r->to, to);
	return json_object_set_new(o, "name", json_string(r->name)) == 0 &&
	    json_object_set_new(o, "title", json_string(r->title)) == 0 &&
	    json_object_set_new(o, "from", json_string(from)) == 0 &&
	    json_object_set_new(o, "to", json_string(to)) == 0 &&
	    json_object_set_new(o, "unit", r->unit != NULL ? json_string(r->unit) :
	    json_null()) == 0;
}

static bool
json_foot(const struct report *r, json_t *o)
{
	json_t *notes = json_array();
	char few[REPORT_SMALL_MAX];
	bool ok = json_object_set_new(o, "notes", notes) == 0;

	for (size_t i = 0; ok && i < r->n_notes; i++)
		ok = json_array_append_new(notes, json_string(r->notes[i])) == 0;
	if (ok && r->threshold > 0)
		ok = json_object_set_new(o, "threshold", json_integer(r->threshold)) == 0;
	return ok && json_object_set_new(o, "open_conflicts", report_open_words(r, few) ?
	    json_string(few) : json_integer((json_int_t)r->open_conflicts)) == 0;
}

/* Left out when there are none. */
static bool
json_corrections(const struct report *r, json_t *o)
{
	json_t *all = r->n_corrections > 0 ? json_array() : NULL;
	bool ok = all == NULL || json_object_set_new(o, "corrections", all) == 0;

	for (size_t i = 0; ok && i < r->n_corrections; i++) {
		const struct report_correction *c = &r->corrections[i];
		struct report_cell difference = report_correction_difference(c);
		char from[11], to[11];

		date_iso(&c->from, from);
		date_iso(&c->to, to);
		ok = json_array_append_new(all, json_pack("{s:s,s:s,s:s,s:s,s:s,s:o,s:o,s:o}", "from",
		    from, "to", to, "part", c->part, "row", c->row, "column", c->column, "reported",
		    json_cell(&c->told), "now", json_cell(&c->now), "difference",
		    json_cell(&difference))) == 0;
	}
	return ok;
}

enum rc
report_write_json(const struct report *r, struct bytes *out)
{
	json_t *o = json_object(), *columns = json_array(), *rows = json_array();
	char *text = NULL;
	bool ok = json_head(r, o);

	ok = json_object_set(o, "columns", columns) == 0 && ok;
	ok = json_object_set(o, "rows", rows) == 0 && ok;
	ok = ok && json_rows(r, columns, rows) && json_corrections(r, o) && json_foot(r, o);
	json_decref(columns);
	json_decref(rows);
	if (ok)
		text = json_dumps(o, JSON_COMPACT | JSON_PRESERVE_ORDER);
	json_decref(o);
	if (text == NULL)
		return RC_NOMEM;
	bytes_text(out, text);
	bytes_text(out, "\n");
	free(text);
	return out->rc;
}

/* ---- the list ---- */

static int
by_number(const void *a, const void *b)
{
	const struct report_summary *x = a, *y = b;
	size_t n = strlen(x->name), m = strlen(y->name);

	/* b4 before b16 */
	return n != m ? (n < m ? -1 : 1) : strcmp(x->name, y->name);
}

static enum rc
summarise(const struct embedded *file, struct report_summary *out, struct error *err)
{
	struct report_definition d;
	const char *name = file->name + strlen("reports/");
	size_t n = strlen(name);
	enum rc rc;

	if (n < 5 || n - 4 >= REPORT_NAME_MAX || strcmp(name + n - 4, ".sql") != 0)
		return error_set(err, RC_INTERNAL, file->name, NULL, "not the name of a report");
	snprintf(out->name, sizeof(out->name), "%.*s", (int)(n - 4), name);
	rc = report_definition_parse(file->name, (const char *)file->data, file->len, &d, err);
	for (int lang = 0; rc == RC_OK && lang < FORM_LANGS; lang++) {
		out->title[lang] = text_dup(d.title[lang]);
		if (out->title[lang] == NULL)
			rc = RC_NOMEM;
	}
	report_definition_reset(&d);
	return rc;
}

enum rc
report_list(struct report_summary **out, size_t *n, struct error *err)
{
	enum rc rc = RC_OK;

	*n = 0;
	*out = calloc(embedded_count + 1, sizeof(**out));
	if (*out == NULL)
		return RC_NOMEM;
	for (unsigned long i = 0; rc == RC_OK && i < embedded_count; i++) {
		if (strncmp(embedded_table[i].name, "reports/", 8) == 0)
			rc = summarise(&embedded_table[i], &(*out)[(*n)++], err);
	}
	if (rc != RC_OK) {
		report_list_free(*out, *n);
		*out = NULL;
		*n = 0;
		return rc;
	}
	qsort(*out, *n, sizeof(**out), by_number);
	return RC_OK;
}

void
report_list_free(struct report_summary *list, size_t n)
{
	for (size_t i = 0; list != NULL && i < n; i++) {
		for (int lang = 0; lang < FORM_LANGS; lang++)
			free(list[i].title[lang]);
	}
	free(list);
}
