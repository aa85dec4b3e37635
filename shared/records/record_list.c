#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "shared/base/text.h"
#include "shared/forms/expression.h"
#include "shared/records/record.h"
#include "shared/records/record_parts.h"
#include "shared/records/record_rules.h"
#include "shared/records/statement.h"
#include "shared/records/tables.h"
#include "shared/records/tables_schema.h"
#include "shared/vault/query.h"

struct listing {
	const struct record_context *c;
	const struct form *form;
	struct expression *where;	/* NULL: all */
	bool deleted;
	struct record_line *lines;
	size_t n, cap, limit;
	struct error *err;
};

/* The condition ---------------------------------------------------------- */

static size_t
find_field(void *ctx, const char *name, size_t len)
{
	const struct form *form = ctx;

	for (size_t i = 0; i < form->n_fields; i++)
		if (strlen(form->fields[i].name) == len &&
		    memcmp(form->fields[i].name, name, len) == 0)
			return i;
	return SIZE_MAX;
}

/* A record's answers as expressions see them: items of a list with a blank between. */
struct seen_answers {
	const struct form *form;
	const struct answers *answers;
	char **joined;			/* by field; owned */
};

static void
field_value(void *ctx, size_t field, struct expression_value *out)
{
	const struct seen_answers *s = ctx;
	const struct form_field *f = &s->form->fields[field];
	const struct answer *a = answers_find(s->answers, f->name);

	out->kind = f->type == FORM_DATE ? EXPRESSION_DATE : EXPRESSION_TEXT;
	if (f->type == FORM_CALCULATE)
		out->text = answers_calculated(s->answers, f->name);
	else if (a == NULL || a->n_items == 0)
		out->text = "";
	else
		out->text = a->n_items == 1 ? a->items[0] : s->joined[field];
}

static enum rc
join_lists(struct seen_answers *s)
{
	for (size_t i = 0; i < answers_count(s->answers); i++) {
		const struct answer *a = answers_at(s->answers, i);
		struct bytes b;

		if (a->n_items < 2)
			continue;
		bytes_init(&b);
		for (size_t k = 0; k < a->n_items; k++) {
			bytes_text(&b, k > 0 ? " " : "");
			bytes_text(&b, a->items[k]);
		}
		s->joined[a->field - s->form->fields] = b.rc == RC_OK ? text_dup(bytes_cstr(&b)) : NULL;
		bytes_reset(&b);
		if (s->joined[a->field - s->form->fields] == NULL)
			return RC_NOMEM;
	}
	return RC_OK;
}

static enum rc
test_record(const struct listing *l, const struct dot *id, bool *out)
{
	struct seen_answers s = { .form = l->form };
	struct expression_scope scope = { .field = field_value, .ctx = &s,
		.today_days = record_rules_today(l->c) };
	struct record_opened o;
	enum rc rc = record_parts_open(l->c, id, &o, l->err);

	*out = false;
	if (rc != RC_OK)
		return rc;
	s.joined = calloc(l->form->n_fields + 1, sizeof(char *));
	rc = s.joined == NULL ? RC_NOMEM : merged_work_out(&o.merged, l->c->forms, l->c->lang,
	    l->err);
	s.answers = o.merged.answers;
	if (rc == RC_OK)
		rc = join_lists(&s);
	if (rc == RC_OK)
		rc = expression_test(l->where, &scope, out);
	for (size_t i = 0; s.joined != NULL && i < l->form->n_fields; i++)
		free(s.joined[i]);
	free(s.joined);
	record_parts_close(&o);
	return rc;
}

/* The list ------------------------------------------------------------- */

void
record_lines_free(struct record_line *lines, size_t n)
{
	for (size_t i = 0; i < n; i++)
		free(lines[i].headline);
	free(lines);
}

static enum rc
add_line(struct listing *l, struct sqlite3_stmt *q)
{
	struct record_line *line;

	if (l->n == l->cap) {
		size_t cap = l->cap == 0 ? 32 : l->cap * 2;
		struct record_line *grown = realloc(l->lines, cap * sizeof(*grown));

		if (grown == NULL)
			return RC_NOMEM;
		l->lines = grown;
		l->cap = cap;
	}
	line = &l->lines[l->n];
	line->id = (struct dot){ statement_u64(q, 0), statement_u64(q, 1) };
	line->local = query_column_int(q, 2);
	line->created_at = query_column_int(q, 3);
	line->conflicts = (unsigned)query_column_int(q, 4);
	if ((line->headline = text_dup(query_column_text(q, 5))) == NULL)
		return RC_NOMEM;
	l->n++;
	return RC_OK;
}

/* Living or deleted records, the newest first; the headline is the form's instance_name. */
static void
put_query(const struct form *form, bool deleted, struct bytes *sql)
{
	const struct form_field *headline = form->instance_name == NULL ? NULL :
	    form_field_named(form, form->instance_name);
	char name[TABLES_NAME_MAX];

	bytes_text(sql, "SELECT r.log, r.n, r.id, t.created_at, t.conflicts, ");
	if (headline != NULL && tables_schema_has_column(headline)) {
		tables_column(headline->name, name);
		bytes_text(sql, "coalesce(t.");
		tables_schema_name(sql, name);
		bytes_text(sql, ", '')");
	} else {
		bytes_text(sql, "''");
	}
	bytes_text(sql, " FROM ");
	tables_name(form->name, NULL, name);
	tables_schema_name(sql, name);
	bytes_text(sql, " t JOIN record r ON r.id = t.id WHERE t.alive = ");
	bytes_text(sql, deleted ? "0" : "1");
	bytes_text(sql, " ORDER BY t.created_at DESC, t.id DESC");
}

static enum rc
list_all(struct listing *l)
{
	struct sqlite3_stmt *q = NULL;
	struct bytes sql;
	bool row;
	enum rc rc;

	bytes_init(&sql);
	put_query(l->form, l->deleted, &sql);
	rc = sql.rc != RC_OK ? sql.rc : query_open(l->c->db, l->err, &q, bytes_cstr(&sql), "");
	while (rc == RC_OK && l->n < l->limit && (rc = query_next(q, &row, l->err)) == RC_OK && row) {
		struct dot id = { statement_u64(q, 0), statement_u64(q, 1) };
		bool wanted = true;

		if (l->where != NULL)
			rc = test_record(l, &id, &wanted);
		if (rc == RC_OK && wanted)
			rc = add_line(l, q);
	}
	query_close(q);
	bytes_reset(&sql);
	return rc;
}

enum rc
record_list(const struct record_context *c, const char *form, const char *where,
    bool deleted, size_t limit, struct record_line **out, size_t *n, struct error *err)
{
	struct expression_names names = { .field = find_field };
	struct listing l = { .c = c, .deleted = deleted,
		.limit = limit < RECORD_LIST_MAX ? limit : RECORD_LIST_MAX, .err = err };
	enum rc rc = RC_OK;

	*out = NULL;
	*n = 0;
	if ((l.form = form_set_find(c->forms, form)) == NULL)
		return error_set(err, RC_NOTFOUND, "form", "list the forms", "no such form");
	if (where != NULL && where[0] != '\0') {
		/* the compiler only hands it back to find_field, which only reads */
		union { const struct form *read; void *pass; } ctx = { .read = l.form };

		names.ctx = ctx.pass;
		rc = expression_compile(where, &names, "where", &l.where, err);
	}
	if (rc == RC_OK)
		rc = list_all(&l);
	expression_free(l.where);
	if (rc != RC_OK) {
		record_lines_free(l.lines, l.n);
		return rc;
	}
	*out = l.lines;
	*n = l.n;
	return RC_OK;
}

enum rc
record_usage(const struct record_context *c, const uint8_t device[ENTRY_DEVICE_BYTES],
    int64_t since, struct record_usage **out, size_t *n, struct error *err)
{
	struct record_usage *all = calloc(FORM_SET_MAX, sizeof(*all));
	struct sqlite3_stmt *q = NULL;
	bool row;
	enum rc rc;

	*out = NULL;
	*n = 0;
	if (all == NULL)
		return RC_NOMEM;
	rc = query_open(c->db, err, &q, "SELECT form, sum(alive),"
	    " sum(alive AND created_at >= ?1 AND created_by = ?2) FROM record WHERE form <> ''"
	    " GROUP BY form", "ib", since, device, (size_t)ENTRY_DEVICE_BYTES);
	while (rc == RC_OK && (rc = query_next(q, &row, err)) == RC_OK && row) {
		const char *name = query_column_text(q, 0);

		/* records of forms that are not known here are counted elsewhere */
		if (form_set_find(c->forms, name) == NULL || *n == FORM_SET_MAX)
			continue;
		snprintf(all[*n].form, sizeof(all[*n].form), "%s", name);
		all[*n].records = (uint64_t)query_column_int(q, 1);
		all[(*n)++].made = (uint64_t)query_column_int(q, 2);
	}
	query_close(q);
	if (rc != RC_OK) {
		*n = 0;
		free(all);
		return rc;
	}
	*out = all;
	return RC_OK;
}
