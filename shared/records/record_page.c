#include "shared/records/record_page.h"

#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>

#include "shared/records/search.h"
#include "shared/records/statement.h"
#include "shared/records/tables.h"
#include "shared/records/tables_schema.h"
#include "shared/vault/query.h"

/* ---- which records, in which order ---- */

struct ids { int64_t *all; size_t n, cap; };

static enum rc
add_id(struct ids *ids, int64_t id)
{
	if (ids->n == ids->cap) {
		size_t cap = ids->cap == 0 ? 256 : 2 * ids->cap;
		int64_t *grown = realloc(ids->all, cap * sizeof(*grown));

		if (grown == NULL)
			return RC_NOMEM;
		ids->all = grown;
		ids->cap = cap;
	}
	ids->all[ids->n++] = id;
	return RC_OK;
}

/* The newest first, from the index alone. */
static enum rc
read_newest(const struct record_context *c, const struct record_page_wanted *w, struct ids *out,
    struct error *err)
{
	struct sqlite3_stmt *q = NULL;
	bool row;
	enum rc rc = query_open(c->db, err, &q, "SELECT id FROM record WHERE form = ?1 AND alive = ?2"
	    " ORDER BY created_at DESC, id DESC", "ti", w->form->name, (int64_t)!w->deleted);

	while (rc == RC_OK && (rc = query_next(q, &row, err)) == RC_OK && row)
		rc = add_id(out, query_column_int(q, 0));
	query_close(q);
	return rc;
}

/* Those of which the condition holds. */
static enum rc
read_matching(const struct record_context *c, const struct record_page_wanted *w, struct ids *out,
    struct error *err)
{
	struct record_line *lines;
	bool all = w->counts || w->sort != NULL || (w->match != NULL && w->match[0] != '\0');
	size_t n, limit = all || w->offset > RECORD_LIST_MAX ? RECORD_LIST_MAX : w->offset + w->limit;
	enum rc rc = record_list_sorted(c, w->form->name, w->where, w->sort, w->deleted, limit, &lines, &n,
	    err);

	for (size_t i = 0; rc == RC_OK && i < n; i++)
		rc = add_id(out, lines[i].local);
	if (n > 0)
		record_lines_free(lines, n);
	return rc;
}

void
record_order_reset(struct record_order *o)
{
	free(o->ids);
	memset(o, 0, sizeof(*o));
}

/* "": the newest first. */
static const char *
sort_of(const struct record_page_wanted *w)
{
	return w->sort == NULL ? "" : w->sort;
}

static bool
is_kept(const struct record_page_wanted *w)
{
	const struct record_order *k = w->kept;

	return k != NULL && k->ids != NULL && k->changes == w->changes && k->deleted == w->deleted &&
	    w->where == NULL && strcmp(k->form, w->form->name) == 0 && strcmp(k->sort, sort_of(w)) == 0;
}

static enum rc
keep(const struct record_page_wanted *w, const struct ids *ids)
{
	struct record_order *k = w->kept;

	if (k == NULL || w->where != NULL || ids->n == 0 || strlen(sort_of(w)) >= sizeof(k->sort))
		return RC_OK;
	record_order_reset(k);
	if ((k->ids = malloc(ids->n * sizeof(*k->ids))) == NULL)
		return RC_NOMEM;
	memcpy(k->ids, ids->all, ids->n * sizeof(*k->ids));
	memcpy(k->form, w->form->name, strlen(w->form->name) + 1);
	memcpy(k->sort, sort_of(w), strlen(sort_of(w)) + 1);
	k->n = ids->n;
	k->deleted = w->deleted;
	k->changes = w->changes;
	return RC_OK;
}

static enum rc
read_order(const struct record_context *c, const struct record_page_wanted *w, struct ids *out,
    struct error *err)
{
	enum rc rc;

	if (!is_kept(w)) {
		if (w->where != NULL)
			rc = read_matching(c, w, out, err);
		else if (w->sort == NULL)
			rc = read_newest(c, w, out, err);
		else
			rc = record_ids_sorted(c, w->form, w->sort, w->deleted, &out->all, &out->n, err);
		return rc == RC_OK ? keep(w, out) : rc;
	}
	if ((out->all = malloc(w->kept->n * sizeof(*out->all))) == NULL)
		return RC_NOMEM;
	memcpy(out->all, w->kept->ids, w->kept->n * sizeof(*out->all));
	out->n = out->cap = w->kept->n;
	return RC_OK;
}

/* Only those that have the words, in the order in which they stand. */
static enum rc
narrow(const struct record_context *c, const char *match, struct ids *ids, struct error *err)
{
	int64_t *found, most = 0;
	uint8_t *there;
	size_t n, left = 0;
	enum rc rc = search_locals(c, match, &found, &n, err);

	if (rc != RC_OK)
		return rc;
	for (size_t i = 0; i < n; i++)
		most = found[i] > most ? found[i] : most;
	if ((there = calloc((size_t)most / 8 + 1, 1)) == NULL) {
		free(found);
		return RC_NOMEM;
	}
	for (size_t i = 0; i < n; i++)
		there[found[i] / 8] |= (uint8_t)(1u << (found[i] % 8));
	for (size_t i = 0; i < ids->n; i++)
		if (ids->all[i] <= most && (there[ids->all[i] / 8] >> (ids->all[i] % 8) & 1) != 0)
			ids->all[left++] = ids->all[i];
	ids->n = left;
	free(there);
	free(found);
	return RC_OK;
}

enum rc
record_page_read(const struct record_context *c, const struct record_page_wanted *w,
    struct record_page *out, struct error *err)
{
	struct ids ids = { NULL, 0, 0 };
	size_t limit = w->limit < RECORD_LIST_MAX ? w->limit : RECORD_LIST_MAX;
	enum rc rc;

	memset(out, 0, sizeof(*out));
	rc = read_order(c, w, &ids, err);
	if (rc == RC_OK && w->match != NULL && w->match[0] != '\0')
		rc = narrow(c, w->match, &ids, err);
	if (rc == RC_OK && w->offset < ids.n)
		rc = record_lines_of(c, w->form, w->sort == NULL ? NULL : form_field_named(w->form, w->sort),
		    ids.all + w->offset, ids.n - w->offset < limit ? ids.n - w->offset : limit, &out->lines,
		    &out->n, err);
	out->total = ids.n;
	free(ids.all);
	return rc;
}

void
record_page_reset(struct record_page *p)
{
	record_lines_free(p->lines, p->n);
	memset(p, 0, sizeof(*p));
}

/* ---- cells ---- */

struct cells {
	const struct record_context *c;
	const struct form *form;
	const struct form_field *const *fields;
	size_t n_fields;
	struct sqlite3_stmt *row, *lists[RECORD_PAGE_COLUMNS_MAX];
	enum rc (*each)(void *ctx, size_t record, size_t field, const char *value);
	void *ctx;
	struct error *err;
};

static enum rc
prepare_row(struct cells *s)
{
	char name[TABLES_NAME_MAX];
	struct bytes sql;
	enum rc rc;

	bytes_init(&sql);
	bytes_text(&sql, "SELECT id");
	for (size_t i = 0; i < s->n_fields; i++) {
		tables_column(s->fields[i]->name, name);
		bytes_text(&sql, ", ");
		if (tables_schema_has_column(s->fields[i]))
			tables_schema_name(&sql, name);
		else
			bytes_text(&sql, "NULL");
	}
	bytes_text(&sql, " FROM ");
	tables_name(s->form->name, NULL, name);
	tables_schema_name(&sql, name);
	bytes_text(&sql, " WHERE id = ?1");
	rc = sql.rc != RC_OK ? sql.rc : statement_prepare(s->c->db, bytes_cstr(&sql), &s->row, s->err);
	bytes_reset(&sql);
	return rc;
}

static enum rc
prepare_list(struct cells *s, size_t field)
{
	char name[TABLES_NAME_MAX];
	struct bytes sql;
	enum rc rc;

	if (!tables_schema_has_child(s->fields[field]))
		return RC_OK;
	bytes_init(&sql);
	bytes_text(&sql, "SELECT value FROM ");
	tables_name(s->form->name, s->fields[field]->name, name);
	tables_schema_name(&sql, name);
	bytes_text(&sql, " WHERE id = ?1 AND voided = 0 ORDER BY item_log, item_n, item");
	rc = sql.rc != RC_OK ? sql.rc : statement_prepare(s->c->db, bytes_cstr(&sql), &s->lists[field],
	    s->err);
	bytes_reset(&sql);
	return rc;
}

/* A reference lies there as a local number. */
static enum rc
give(struct cells *s, size_t record, size_t field, struct sqlite3_stmt *q, int column)
{
	char text[DOT_TEXT_MAX];
	struct dot id;
	enum rc rc;

	if (query_column_is_null(q, column))
		return RC_OK;
	if (s->fields[field]->type != FORM_REFERENCE)
		return s->each(s->ctx, record, field, query_column_text(q, column));
	rc = record_of_local(s->c->db, query_column_int(q, column), &id);
	if (rc != RC_OK)
		return rc == RC_NOTFOUND ? RC_OK : rc;
	dot_text(&id, text);
	return s->each(s->ctx, record, field, text);
}

static enum rc
give_list(struct cells *s, size_t record, size_t field, int64_t id)
{
	bool row;
	enum rc rc = statement_first(s->lists[field], &row, s->err, "i", id);

	while (rc == RC_OK && row) {
		rc = give(s, record, field, s->lists[field], 0);
		if (rc == RC_OK)
			rc = statement_next(s->lists[field], &row, s->err);
	}
	return rc;
}

static enum rc
give_record(struct cells *s, size_t record, int64_t id)
{
	bool row;
	enum rc rc = statement_first(s->row, &row, s->err, "i", id);

	for (size_t i = 0; rc == RC_OK && row && i < s->n_fields; i++)
		rc = s->lists[i] != NULL ? give_list(s, record, i, id) :
		    give(s, record, i, s->row, (int)i + 1);
	statement_rest(s->row);
	return rc;
}

enum rc
record_page_cells(const struct record_context *c, const struct form *form,
    const struct form_field *const *fields, size_t n_fields, const int64_t *ids, size_t n_ids,
    enum rc (*each)(void *ctx, size_t record, size_t field, const char *value), void *ctx,
    struct error *err)
{
	struct cells s = { .c = c, .form = form, .fields = fields, .n_fields = n_fields, .each = each,
		.ctx = ctx, .err = err };
	enum rc rc;

	if (n_fields > RECORD_PAGE_COLUMNS_MAX)
		return error_set(err, RC_INVALID, "columns", NULL, "at most %d columns",
		    RECORD_PAGE_COLUMNS_MAX);
	for (size_t i = 0; i < n_fields; i++)
		if (fields[i]->type == FORM_NOTE)
			return error_set(err, RC_INVALID, fields[i]->name, NULL, "a note has no value");
	rc = prepare_row(&s);
	for (size_t i = 0; rc == RC_OK && i < n_fields; i++)
		rc = prepare_list(&s, i);
	for (size_t i = 0; rc == RC_OK && i < n_ids; i++)
		rc = give_record(&s, i, ids[i]);
	statement_free(s.row);
	for (size_t i = 0; i < n_fields; i++)
		statement_free(s.lists[i]);
	return rc;
}
