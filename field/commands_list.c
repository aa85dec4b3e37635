/* Lists of records, whole and page by page, and what is found by words. */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "field/commands.h"
#include "field/commands_discreet.h"
#include "field/workspace.h"
#include "shared/base/clock.h"
#include "shared/base/text.h"
#include "shared/records/record.h"
#include "shared/records/record_page.h"
#include "shared/records/search.h"

enum { LIST_DEFAULT = 100, FIELD_NAME_MAX = 64 };

/* What is shown of the records of a form. */
struct showing {
	struct call *c;
	const struct form *form;
	const struct form_field *sort;
	const struct form_field *fields[RECORD_PAGE_COLUMNS_MAX];
	size_t n_fields, n_columns;	/* of the fields the first n_columns were asked for */
	bool discreet;
	struct bytes *cells;		/* of each record n_fields */
};

/* ---- which fields ---- */

/* The field that holds the name of a person or a thing; NULL: there is none. */
static const struct form_field *
name_field(const struct form *form)
{
	for (size_t i = 0; i < form->n_fields; i++)
		if (form->fields[i].type == FORM_TEXT && form_field_looks(&form->fields[i], "name"))
			return &form->fields[i];
	return NULL;
}

static enum rc
read_columns(struct showing *s)
{
	const char *at = call_option(s->c, "columns");
	char name[FIELD_NAME_MAX];

	while (at != NULL && *at != '\0') {
		size_t len = strcspn(at, ",");
		const struct form_field *f;

		snprintf(name, sizeof(name), "%.*s", (int)(len < sizeof(name) ? len : sizeof(name) - 1), at);
		if ((f = form_field_named(s->form, name)) == NULL)
			return error_set(&s->c->err, RC_NOTFOUND, name, "see field forms show",
			    "the form has no such field");
		if (s->n_columns == RECORD_PAGE_COLUMNS_MAX - 1)
			return error_set(&s->c->err, RC_USAGE, "--columns", NULL, "at most %d columns",
			    RECORD_PAGE_COLUMNS_MAX - 1);
		s->fields[s->n_columns++] = f;
		at += len;
		at += *at == ',' ? 1 : 0;
	}
	s->n_fields = s->n_columns;
	s->discreet = call_option(s->c, "discreet") != NULL;
	if (s->discreet && name_field(s->form) != NULL)
		s->fields[s->n_fields++] = name_field(s->form);
	return RC_OK;
}

/* created, name, or a field. */
static enum rc
read_sort(struct showing *s)
{
	const char *by = call_option(s->c, "sort");

	if (by == NULL || strcmp(by, "created") == 0)
		return RC_OK;
	s->sort = form_field_named(s->form, by);
	if (s->sort == NULL && strcmp(by, "name") == 0)
		s->sort = name_field(s->form) != NULL || s->form->instance_name == NULL ?
		    name_field(s->form) : form_field_named(s->form, s->form->instance_name);
	return s->sort != NULL ? RC_OK : error_set(&s->c->err, RC_NOTFOUND, by, "see field forms show",
	    "the form has no such field");
}

/* ---- cells ---- */

static enum rc
put_cell(void *ctx, size_t record, size_t field, const char *value)
{
	struct showing *s = ctx;
	const struct form_field *f = s->fields[field];
	struct bytes *cell = &s->cells[record * s->n_fields + field];
	size_t before = cell->len;

	if (*value == '\0')
		return RC_OK;
	bytes_text(cell, before > 0 ? ", " : "");
	value = commands_label(s->c, f, value);
	if (s->discreet)
		return commands_discreet_value(f, value, cell);
	bytes_text(cell, value);
	return cell->rc;
}

static enum rc
read_cells(struct showing *s, const int64_t *ids, size_t n)
{
	struct record_context ctx = workspace_records(s->c->ws, s->c->lang);

	if (s->n_fields == 0 || n == 0)
		return RC_OK;
	if ((s->cells = calloc(n * s->n_fields, sizeof(*s->cells))) == NULL)
		return RC_NOMEM;
	for (size_t i = 0; i < n * s->n_fields; i++)
		bytes_init(&s->cells[i]);
	return record_page_cells(&ctx, s->form, s->fields, s->n_fields, ids, n, put_cell, s, &s->c->err);
}

static void
drop_cells(struct showing *s, size_t n)
{
	for (size_t i = 0; s->cells != NULL && i < n * s->n_fields; i++)
		bytes_wipe(&s->cells[i]);
	free(s->cells);
	s->cells = NULL;
}

static json_t *
cells_json(const struct showing *s, size_t record)
{
	json_t *all = json_object();

	for (size_t i = 0; i < s->n_columns; i++)
		json_object_set_new(all, s->fields[i]->name,
		    json_string(bytes_cstr(&s->cells[record * s->n_fields + i])));
	return all;
}

/* Code and initials in the place of what names a person. */
static void
add_discreet(const struct showing *s, size_t record, const struct dot *id, json_t *row)
{
	char code[COMMANDS_CODE_MAX];

	json_object_set_new(row, "code", json_string(commands_discreet_code(id, code)));
	if (s->n_fields > s->n_columns)
		json_object_set_new(row, "initials",
		    json_string(bytes_cstr(&s->cells[record * s->n_fields + s->n_columns])));
}

/* ---- lines ---- */

static const char *
headline_of(const struct showing *s, const struct record_line *line)
{
	const struct form_field *f = s->form->instance_name == NULL ? NULL :
	    form_field_named(s->form, s->form->instance_name);

	return s->discreet && f != NULL && !commands_discreet_shows(f) ? "" : line->headline;
}

/* What a list shows of the value that it is sorted by: of a name the initials, of a secret nothing. */
static enum rc
shown_key(const struct showing *s, const char *key, char **out)
{
	*out = NULL;
	if (s->sort == NULL)
		return RC_OK;
	if (form_field_looks(s->sort, "name"))
		return text_initials(key, out);
	*out = text_dup(s->sort->sensitivity == FORM_SEC ? "" : commands_label(s->c, s->sort, key));
	return *out != NULL ? RC_OK : RC_NOMEM;
}

static void
print_text(const struct showing *s, const struct record_line *line, size_t record, const char *key)
{
	struct call *c = s->c;
	char id[DOT_TEXT_MAX], when[17];
	struct bytes more;

	bytes_init(&more);
	for (size_t i = 0; i < s->n_fields; i++)
		bytes_printf(&more, "  %s", bytes_cstr(&s->cells[record * s->n_fields + i]));
	dot_text(&line->id, id);
	clock_vietnamese(line->created_at, when);
	call_print(c, "%-22s %s  %s%s%s%s%s", id, when, headline_of(s, line), key != NULL ? "  " : "",
	    key != NULL ? key : "", bytes_cstr(&more), line->conflicts > 0 ?
	    call_say(c, "  [cần xem lại]", "  [to review]") : "");
	bytes_wipe(&more);
}

static enum rc
print_line(const struct showing *s, const struct record_line *line, size_t record, json_t *all)
{
	char id[DOT_TEXT_MAX], *key = NULL;
	json_t *one;
	enum rc rc = shown_key(s, line->key, &key);

	if (rc != RC_OK)
		return rc;
	if (all == NULL) {
		print_text(s, line, record, key);
		free(key);
		return RC_OK;
	}
	dot_text(&line->id, id);
	one = json_pack("{s:s,s:s,s:s,s:I,s:i}", "id", id, "form", s->form->name, "headline",
	    headline_of(s, line), "created_at", (json_int_t)line->created_at, "conflicts",
	    (int)line->conflicts);
	if (key != NULL)
		json_object_set_new(one, "sorted_by", json_string(key));
	if (s->discreet)
		add_discreet(s, record, &line->id, one);
	if (s->n_columns > 0)
		json_object_set_new(one, "values", cells_json(s, record));
	json_array_append_new(all, one);
	free(key);
	return RC_OK;
}

static enum rc
print_lines(struct showing *s, const struct record_page *page)
{
	int64_t *ids = calloc(page->n + 1, sizeof(*ids));
	json_t *all = s->c->json ? json_array() : NULL;
	enum rc rc = ids == NULL ? RC_NOMEM : RC_OK;

	for (size_t i = 0; rc == RC_OK && i < page->n; i++)
		ids[i] = page->lines[i].local;
	if (rc == RC_OK)
		rc = read_cells(s, ids, page->n);
	for (size_t i = 0; rc == RC_OK && i < page->n; i++)
		rc = print_line(s, &page->lines[i], i, all);
	drop_cells(s, page->n);
	free(ids);
	if (rc == RC_OK && s->c->json)
		return call_print_json(s->c, call_option(s->c, "offset") == NULL ? all :
		    json_pack("{s:I,s:o}", "total", (json_int_t)page->total, "rows", all));
	json_decref(all);
	return rc;
}

enum rc
commands_list(struct call *c)
{
	struct record_context ctx = workspace_records(c->ws, c->lang);
	struct record_page_wanted w = { .where = call_option(c, "where"),
		.match = call_option(c, "match"), .deleted = call_option(c, "deleted") != NULL,
		.counts = call_option(c, "offset") != NULL, .kept = &c->ws->order };
	struct showing s = { .c = c };
	struct record_page page;
	long limit, offset;
	enum rc rc;

	if ((rc = call_number(c, "limit", 1, RECORD_LIST_MAX, LIST_DEFAULT, &limit)) != RC_OK ||
	    (rc = call_number(c, "offset", 0, INT32_MAX, 0, &offset)) != RC_OK ||
	    (rc = commands_form_named(c, c->args[0], &s.form)) != RC_OK ||
	    (rc = read_sort(&s)) != RC_OK || (rc = read_columns(&s)) != RC_OK ||
	    (rc = workspace_changes(c->ws, &w.changes, &c->err)) != RC_OK)
		return rc;
	w.form = s.form;
	w.sort = s.sort == NULL ? NULL : s.sort->name;
	w.limit = (size_t)limit;
	w.offset = (size_t)offset;
	if ((rc = record_page_read(&ctx, &w, &page, &c->err)) != RC_OK)
		return rc;
	if (s.form->compartment == FORM_CASES)
		rc = commands_access_listed(c, "list", s.form->name, page.n, false);
	if (rc == RC_OK)
		rc = print_lines(&s, &page);
	if (rc == RC_OK && page.n == (size_t)limit && call_option(c, "limit") == NULL)
		call_note(c, call_say(c, "Chỉ hiện %zu bản ghi; dùng --limit để xem thêm.",
		    "Only %zu records are shown; --limit shows more."), page.n);
	record_page_reset(&page);
	return rc;
}

/* ---- found by words ---- */

static enum rc
hit_json(struct call *c, const struct search_hit *hit, json_t *all)
{
	struct showing s = { .c = c, .discreet = call_option(c, "discreet") != NULL };
	char id[DOT_TEXT_MAX];
	json_t *one;
	enum rc rc = RC_OK;

	dot_text(&hit->id, id);
	one = json_pack("{s:s,s:s,s:s}", "id", id, "form", hit->form, "headline", hit->headline);
	if (s.discreet && (rc = commands_form_named(c, hit->form, &s.form)) == RC_OK) {
		if (name_field(s.form) != NULL)
			s.fields[s.n_fields++] = name_field(s.form);
		if ((rc = read_cells(&s, &hit->local, 1)) == RC_OK)
			add_discreet(&s, 0, &hit->id, one);
		drop_cells(&s, 1);
	}
	json_array_append_new(all, one);
	return rc;
}

enum rc
commands_search(struct call *c)
{
	struct record_context ctx = workspace_records(c->ws, c->lang);
	struct search_hit *hits = NULL;
	json_t *all = NULL;
	char id[DOT_TEXT_MAX];
	uint64_t of_cases = 0;
	size_t n = 0;
	long limit;
	enum rc rc;

	if ((rc = call_number(c, "limit", 1, SEARCH_LIMIT_MAX, LIST_DEFAULT, &limit)) != RC_OK ||
	    (rc = search_records(&ctx, c->args[0], call_option(c, "form"), (size_t)limit, &hits,
	    &n, &c->err)) != RC_OK)
		return rc;
	for (size_t i = 0; i < n; i++)
		of_cases += commands_access_is_logged(c, hits[i].form);
	rc = commands_access_listed(c, "search", "all", of_cases, false);
	if (rc == RC_OK && c->json)
		all = json_array();
	for (size_t i = 0; rc == RC_OK && i < n; i++) {
		dot_text(&hits[i].id, id);
		if (c->json)
			rc = hit_json(c, &hits[i], all);
		else
			call_print(c, "%-22s %-18s %s", id, hits[i].form, hits[i].headline);
	}
	search_hits_free(hits, n);
	if (rc == RC_OK && c->json)
		return call_print_json(c, all);
	json_decref(all);
	return rc;
}
