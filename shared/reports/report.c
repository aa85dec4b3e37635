#include "shared/reports/report.h"

#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "shared/base/embedded.h"
#include "shared/base/text.h"
#include "shared/reports/report_gaps.h"
#include "shared/reports/report_mask.h"
#include "shared/reports/report_temp.h"
#include "shared/vault/query.h"
#include "shared/vault/vault.h"

/* One run: what every step needs. */
struct run {
	struct sqlite3 *db;
	const struct form_set *forms;
	const struct report_order *order;
	char from[11], to[11];
	struct report_definition definition;
	struct report *report;
	size_t n_rows;
	size_t n_blocks;		/* with those that were left out */
	struct error *err;
};

/* ---- running the file ---- */

static enum rc
sql_failed(struct run *r, int code)
{
	const char *said = sqlite3_errmsg(r->db);

	if (strncmp(said, "no such table", 13) == 0 || strncmp(said, "no such column", 14) == 0)
		return error_set(r->err, RC_CONFIG, r->order->name,
		    "publish forms that have it, or change the report", "the forms in use: %s", said);
	return vault_rc_of_sqlite(r->db, code, "report", r->err);
}

static enum rc
bind_number(struct run *r, struct sqlite3_stmt *s, const char *name, int64_t value)
{
	int at = sqlite3_bind_parameter_index(s, name);
	int code = at == 0 ? SQLITE_OK : sqlite3_bind_int64(s, at, value);

	return code == SQLITE_OK ? RC_OK : sql_failed(r, code);
}

static enum rc
bind(struct run *r, struct sqlite3_stmt *s)
{
	const struct { const char *name, *value; } values[] = {
		{ ":from", r->from }, { ":to", r->to }, { ":unit", r->order->unit },
	};

	for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
		int at = sqlite3_bind_parameter_index(s, values[i].name);
		int code = at == 0 ? SQLITE_OK :
		    sqlite3_bind_text(s, at, values[i].value, -1, SQLITE_STATIC);

		if (code != SQLITE_OK)
			return sql_failed(r, code);
	}
	return bind_number(r, s, ":smallest", r->order->smallest);
}

/* Rows as they come; they move into one array when their number is known. */
struct chain {
	struct report_row row;
	struct chain *next;
};

static enum rc
take_cell(struct run *r, struct sqlite3_stmt *s, int column, struct report_cell *to)
{
	switch (sqlite3_column_type(s, column)) {
	case SQLITE_INTEGER:
		to->type = REPORT_INTEGER;
		to->integer = sqlite3_column_int64(s, column);
		break;
	case SQLITE_FLOAT:
		to->type = REPORT_REAL;
		to->real = sqlite3_column_double(s, column);
		break;
	case SQLITE_TEXT:
		to->type = REPORT_WORDS;
		to->words = arena_copy(&r->report->arena, sqlite3_column_text(s, column),
		    (size_t)sqlite3_column_bytes(s, column));
		return to->words == NULL ? RC_NOMEM : RC_OK;
	default:
		to->type = REPORT_NOTHING;
	}
	return RC_OK;
}

static enum rc
take_row(struct run *r, struct sqlite3_stmt *s, struct chain **out)
{
	size_t n = r->report->n_columns;
	struct report_cell *cells = arena_alloc(&r->report->arena, n, sizeof(*cells));
	struct chain *c = arena_alloc(&r->report->arena, 1, sizeof(*c));
	enum rc rc = cells == NULL || c == NULL ? RC_NOMEM : RC_OK;

	*out = NULL;
	if (++r->n_rows > REPORT_ROWS_MAX)
		return error_set(r->err, RC_LIMIT, r->order->name, NULL, "the report has too many rows");
	for (size_t i = 0; rc == RC_OK && i < n; i++)
		rc = take_cell(r, s, (int)i, &cells[i]);
	if (rc != RC_OK)
		return rc;
	c->row.total = sqlite3_column_int(s, (int)n) == 1;
	c->row.open = sqlite3_column_int(s, (int)n) == 2;
	c->row.cells = cells;
	*out = c;
	return RC_OK;
}

static enum rc
take_rows(struct run *r, struct sqlite3_stmt *s, struct report_block *block)
{
	struct chain *first = NULL, **end = &first;
	struct report_row *rows;
	enum rc rc = RC_OK;
	int code;

	while ((code = sqlite3_step(s)) == SQLITE_ROW) {
		rc = take_row(r, s, end);
		if (rc != RC_OK)
			return rc;
		end = &(*end)->next;
		block->n_rows++;
	}
	if (code != SQLITE_DONE)
		return sql_failed(r, code);
	rows = arena_alloc(&r->report->arena, block->n_rows, sizeof(*rows));
	if (rows == NULL)
		return RC_NOMEM;
	block->rows = rows;
	for (const struct chain *c = first; c != NULL; c = c->next)
		*rows++ = c->row;
	return RC_OK;
}

/* All statements of a section; block NULL: one that prepares. */
static enum rc
run_section(struct run *r, const char *sql, struct report_block *block)
{
	struct sqlite3_stmt *s = NULL;
	enum rc rc = RC_OK;

	while (rc == RC_OK && sql[0] != '\0') {
		int code = sqlite3_prepare_v2(r->db, sql, -1, &s, &sql);

		if (code != SQLITE_OK)
			return sql_failed(r, code);
		if (s == NULL)		/* comments and blanks */
			break;
		rc = bind(r, s);
		if (rc == RC_OK && block != NULL) {
			if (sqlite3_column_count(s) != (int)r->report->n_columns + 1)
				rc = error_set(r->err, RC_INTERNAL, r->order->name, NULL,
				    "a row of the report does not have a value for each column");
			else
				rc = take_rows(r, s, block);
		} else if (rc == RC_OK && (code = sqlite3_step(s)) != SQLITE_DONE) {
			rc = sql_failed(r, code);
		}
		sqlite3_finalize(s);
	}
	return rc;
}

static enum rc
add_note(struct run *r, const char *note)
{
	struct report *out = r->report;

	if (note == NULL)
		return RC_NOMEM;
	if (out->n_notes < REPORT_NOTES_MAX)
		out->notes[out->n_notes++] = note;
	return RC_OK;
}

static const char *
copy(struct run *r, const char *s)
{
	return arena_copy(&r->report->arena, s, strlen(s));
}

static enum rc
left_out(struct run *r, const struct report_section *section)
{
	const char *title = section->title[r->order->lang];
	char note[512];

	if (section->prepares)
		return RC_OK;
	if (r->order->lang == FORM_EN)
		snprintf(note, sizeof(note), "The part “%s” is left out: the forms in use do not ask"
		    " for it.", title);
	else
		snprintf(note, sizeof(note), "Không có phần “%s”: biểu mẫu đang dùng chưa có nội dung"
		    " này.", title);
	return add_note(r, copy(r, note));
}

/* What several reports stand on; NULL: there is no such part. */
static const char *
part_text(const struct report_definition *d, size_t i)
{
	const struct embedded *file;
	char path[64];

	snprintf(path, sizeof(path), "report_parts/%s.sql", d->parts[i]);
	file = embedded_find(path);
	return file != NULL ? (const char *)file->data : NULL;
}

static enum rc
run_parts(struct run *r)
{
	const struct report_definition *d = &r->definition;
	enum rc rc = RC_OK;

	for (size_t i = 0; rc == RC_OK && i < d->n_parts; i++) {
		const char *text = part_text(d, i);

		rc = text != NULL ? run_section(r, text, NULL) : error_set(r->err, RC_INTERNAL,
		    r->order->name, NULL, "there is no part %s", d->parts[i]);
	}
	return rc;
}

/* The lists that some statement of the report names. */
static enum rc
make_codes(struct run *r)
{
	const struct report_definition *d = &r->definition;
	const char *texts[REPORT_PARTS_MAX + REPORT_SECTIONS_MAX];
	size_t n = 0;

	for (size_t i = 0; i < d->n_parts; i++)
		if ((texts[n] = part_text(d, i)) != NULL)
			n++;
	for (size_t i = 0; i < d->n_sections; i++)
		texts[n++] = d->sections[i].sql;
	return report_temp_codes(r->db, r->forms, d, texts, n, r->order->lang, r->err);
}

static enum rc
run_sections(struct run *r)
{
	enum rc rc = RC_OK;

	for (size_t i = 0; rc == RC_OK && i < r->definition.n_sections; i++) {
		const struct report_section *section = &r->definition.sections[i];
		struct report_block *block = NULL;
		size_t number = section->prepares ? 0 : r->n_blocks++;
		int64_t there = 1;

		if (section->needs != NULL)
			rc = query_int(r->db, r->err, &there, "SELECT count(*) FROM main.sqlite_schema"
			    " WHERE type = 'table' AND name = ?", "t", section->needs);
		if (rc == RC_OK && there == 0) {
			rc = left_out(r, section);
			continue;
		}
		if (rc == RC_OK && !section->prepares) {
			if (r->report->n_blocks == REPORT_BLOCKS_MAX)
				return error_set(r->err, RC_INTERNAL, r->order->name, NULL,
				    "the report has too many blocks");
			block = &r->report->blocks[r->report->n_blocks++];
			block->number = number;
			block->title = copy(r, section->title[r->order->lang]);
			rc = block->title == NULL ? RC_NOMEM : RC_OK;
		}
		if (rc == RC_OK)
			rc = run_section(r, section->sql, block);
	}
	return rc;
}

/* ---- the report as a whole ---- */

static enum rc
load_definition(struct run *r)
{
	const char *folder = r->order->folder != NULL ? r->order->folder : "reports";
	char path[REPORT_NAME_MAX + 64];
	const struct embedded *file = NULL;

	if (text_is_name(r->order->name) && strlen(r->order->name) < REPORT_NAME_MAX) {
		snprintf(path, sizeof(path), "%.32s/%s.sql", folder, r->order->name);
		file = embedded_find(path);
	}
	if (file == NULL)
		return error_set(r->err, RC_NOTFOUND, NULL, "see the list of reports",
		    "no such report");
	return report_definition_parse(file->name, (const char *)file->data, file->len,
	    &r->definition, r->err);
}

static enum rc
check_forms(struct run *r)
{
	const struct report_definition *d = &r->definition;

	for (size_t i = 0; i < d->n_forms; i++) {
		if (form_set_find(r->forms, d->forms[i]) == NULL)
			return error_set(r->err, RC_CONFIG, r->order->name,
			    "publish a form set that has it", "the forms in use have no %s",
			    d->forms[i]);
	}
	return RC_OK;
}

static enum rc
begin_report(struct run *r)
{
	const struct report_definition *d = &r->definition;
	struct report *out = r->report;
	size_t lang = (size_t)r->order->lang;
	enum rc rc = RC_OK;

	arena_init(&out->arena, REPORT_BYTES_MAX);
	snprintf(out->name, sizeof(out->name), "%s", r->order->name);
	out->lang = r->order->lang;
	out->from = r->order->from;
	out->to = r->order->to;
	out->title = copy(r, d->title[lang]);
	out->unit = r->order->unit == NULL ? NULL : copy(r, r->order->unit);
	if (out->title == NULL || (out->unit == NULL) != (r->order->unit == NULL))
		return RC_NOMEM;
	for (; rc == RC_OK && out->n_columns < d->n_columns; out->n_columns++) {
		struct report_column *c = &out->columns[out->n_columns];

		c->kind = d->columns[out->n_columns].kind;
		c->title = copy(r, d->columns[out->n_columns].title[lang]);
		rc = c->title == NULL ? RC_NOMEM : RC_OK;
	}
	for (size_t i = 0; rc == RC_OK && i < d->n_notes; i++)
		rc = add_note(r, copy(r, d->notes[i][lang]));
	memcpy(out->charts, d->charts, sizeof(out->charts));
	out->n_charts = d->n_charts;
	return rc;
}

static enum rc
name_unit(struct run *r)
{
	struct bytes name;
	enum rc rc;

	if (r->order->unit == NULL)
		return RC_OK;
	bytes_init(&name);
	rc = query_blob(r->db, r->err, &name, "SELECT full_name FROM temp.unit WHERE code = ?", "t",
	    r->order->unit);
	if (rc == RC_OK) {
		r->report->unit_name = copy(r, bytes_cstr(&name));
		rc = r->report->unit_name == NULL ? RC_NOMEM : RC_OK;
	}
	bytes_reset(&name);
	return rc == RC_NOTFOUND ? RC_OK : rc;
}

static enum rc
check_order(struct run *r)
{
	const struct report_order *o = r->order;

	if (o->from.day == 0 || o->to.day == 0 || !date_is_valid(&o->from) ||
	    !date_is_valid(&o->to) || date_to_days(&o->from) > date_to_days(&o->to))
		return error_set(r->err, RC_USAGE, NULL, "give the first and the last day",
		    "the period of a report is two days, the first not after the last");
	if (o->threshold != 0 &&
	    (o->threshold < REPORT_THRESHOLD_MIN || o->threshold > REPORT_THRESHOLD_MAX))
		return error_set(r->err, RC_USAGE, "threshold", "use 5, or 3 to 1000",
		    "this is no number of persons below which figures are hidden");
	date_iso(&o->from, r->from);
	date_iso(&o->to, r->to);
	return RC_OK;
}

/* All tables that it makes are undone with the savepoint. */
static enum rc
run_in_savepoint(struct run *r)
{
	enum rc rc, undone;

	rc = query_run(r->db, r->err, "SAVEPOINT report", "");
	if (rc != RC_OK)
		return rc;
	rc = make_codes(r);
	if (rc == RC_OK)
		rc = report_temp_scope(r->db, r->order->unit, r->err);
	if (rc == RC_OK)
		rc = name_unit(r);
	if (rc == RC_OK)
		rc = run_parts(r);
	if (rc == RC_OK)
		rc = run_sections(r);
	if (rc == RC_OK)
		rc = report_gaps_find(r->db, &r->definition, r->report, r->err);
	undone = query_run(r->db, r->err, "ROLLBACK TO report", "");
	if (undone == RC_OK)
		undone = query_run(r->db, r->err, "RELEASE report", "");
	return rc != RC_OK ? rc : undone;
}

enum rc
report_run(struct sqlite3 *db, const struct form_set *forms, const struct report_order *order,
    struct report **out, struct error *err)
{
	struct run r = { .db = db, .forms = forms, .order = order, .err = err };
	enum rc rc;

	*out = NULL;
	rc = check_order(&r);
	if (rc == RC_OK)
		rc = load_definition(&r);
	if (rc == RC_OK)
		rc = check_forms(&r);
	if (rc != RC_OK)
		goto out;
	r.report = calloc(1, sizeof(*r.report));
	rc = r.report == NULL ? RC_NOMEM : begin_report(&r);
	if (rc == RC_OK)
		rc = report_temp_make(db, err);
	if (rc == RC_OK)
		rc = report_temp_persons(db, err);
	if (rc == RC_OK)
		rc = run_in_savepoint(&r);
	if (rc == RC_OK && order->threshold != 0)
		rc = report_mask(r.report, &r.definition, order->threshold, err);
	if (rc == RC_OK) {
		*out = r.report;
		r.report = NULL;
	}
out:
	report_free(r.report);
	report_definition_reset(&r.definition);
	return rc;
}

void
report_free(struct report *r)
{
	if (r == NULL)
		return;
	arena_reset(&r->arena);
	free(r);
}
