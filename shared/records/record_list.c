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
	const struct form_field *sort;	/* NULL: the newest first */
	bool bare;			/* only local numbers are wanted */
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
	for (size_t i = 0; i < n; i++) {
		free(lines[i].headline);
		free(lines[i].key);
	}
	free(lines);
}

/* Order ---------------------------------------------------------------- */

/* By what the field holds; nothing comes last, and equals stay the newest first. */
static int
compare_keys(const struct form_field *f, const char *a, const char *b)
{
	double x, y;
	char *end_a, *end_b;

	if (*a == '\0' || *b == '\0')
		return (*a == '\0') - (*b == '\0');
	switch (f->type) {
	case FORM_DATE:
		return strcmp(a, b);
	case FORM_SELECT_ONE:
		return form_choice_rank(f->list, a) - form_choice_rank(f->list, b);
	case FORM_INTEGER:
	case FORM_DECIMAL:
	case FORM_CALCULATE:
		x = strtod(a, &end_a);
		y = strtod(b, &end_b);
		if (*end_a == '\0' && *end_b == '\0')
			return (x > y) - (x < y);
		break;
	case FORM_NOTE:
	case FORM_TEXT:
	case FORM_SELECT_MULTIPLE:
	case FORM_REFERENCE:
		break;
	}
	return form_field_looks(f, "name") ? text_compare_names(a, b) : text_compare(a, b);
}

static int
compare_lines(const struct listing *l, const struct record_line *a, const struct record_line *b)
{
	int d = compare_keys(l->sort, a->key, b->key);

	if (d == 0)
		d = (a->created_at < b->created_at) - (a->created_at > b->created_at);
	return d != 0 ? d : (a->local < b->local) - (a->local > b->local);
}

/* qsort has no place for the field. */
static void
merge_lines(const struct listing *l, const struct record_line *from, size_t a, size_t b, size_t end,
    struct record_line *to)
{
	size_t i = a, k = b;

	for (size_t at = a; at < end; at++)
		to[at] = k == end || (i < b && compare_lines(l, &from[i], &from[k]) <= 0) ? from[i++] :
		    from[k++];
}

static enum rc
sort_lines(struct listing *l)
{
	struct record_line *from = l->lines, *to = calloc(l->n + 1, sizeof(*to)), *other = to;

	if (to == NULL)
		return RC_NOMEM;
	for (size_t run = 1; run < l->n; run *= 2) {
		for (size_t a = 0; a < l->n; a += 2 * run) {
			size_t b = a + run < l->n ? a + run : l->n;

			merge_lines(l, from, a, b, b + run < l->n ? b + run : l->n, to);
		}
		other = from;
		from = to;
		to = other;
	}
	l->lines = from;
	free(to);
	return RC_OK;
}

static enum rc
find_sort(struct listing *l, const char *name)
{
	const struct form_field *f = form_field_named(l->form, name);

	if (f == NULL)
		return error_set(l->err, RC_NOTFOUND, name, "see field forms",
		    "the form has no such field");
	if (!tables_schema_has_column(f) || f->type == FORM_REFERENCE)
		return error_set(l->err, RC_INVALID, name, "sort by another field",
		    "records cannot be sorted by this field");
	l->sort = f;
	return RC_OK;
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
	memset(line, 0, sizeof(*line));
	line->id = (struct dot){ statement_u64(q, 0), statement_u64(q, 1) };
	line->local = query_column_int(q, 2);
	line->created_at = query_column_int(q, 3);
	line->conflicts = (unsigned)query_column_int(q, 4);
	l->n++;
	line->headline = text_dup(query_column_text(q, 5));
	line->key = text_dup(query_column_text(q, 6));
	return line->headline != NULL && line->key != NULL ? RC_OK : RC_NOMEM;
}

static void
put_column(struct bytes *sql, const struct form_field *f)
{
	char name[TABLES_NAME_MAX];

	if (f == NULL || !tables_schema_has_column(f)) {
		bytes_text(sql, "''");
		return;
	}
	tables_column(f->name, name);
	bytes_text(sql, "coalesce(t.");
	tables_schema_name(sql, name);
	bytes_text(sql, ", '')");
}

/* The columns of a line; the headline is the form's instance_name. */
static void
put_lines(const struct listing *l, struct bytes *sql)
{
	const struct form *form = l->form;
	char name[TABLES_NAME_MAX];

	bytes_text(sql, l->bare ? "SELECT 0, 0, t.id, t.created_at, 0, " :
	    "SELECT r.log, r.n, r.id, t.created_at, t.conflicts, ");
	put_column(sql, l->bare || form->instance_name == NULL ? NULL :
	    form_field_named(form, form->instance_name));
	bytes_text(sql, ", ");
	put_column(sql, l->sort);
	bytes_text(sql, " FROM ");
	tables_name(form->name, NULL, name);
	tables_schema_name(sql, name);
	bytes_text(sql, l->bare ? " t WHERE " : " t JOIN record r ON r.id = t.id WHERE ");
}

/* Living or deleted records, the newest first. */
static void
put_query(const struct listing *l, struct bytes *sql)
{
	put_lines(l, sql);
	bytes_text(sql, l->deleted ? "t.alive = 0" : "t.alive = 1");
	bytes_text(sql, " ORDER BY t.created_at DESC, t.id DESC");
}

static enum rc
list_all(struct listing *l)
{
	struct sqlite3_stmt *q = NULL;
	struct bytes sql;
	size_t most = l->sort != NULL ? RECORD_LIST_MAX : l->limit;
	bool row;
	enum rc rc;

	bytes_init(&sql);
	put_query(l, &sql);
	rc = sql.rc != RC_OK ? sql.rc : query_open(l->c->db, l->err, &q, bytes_cstr(&sql), "");
	while (rc == RC_OK && l->n < most && (rc = query_next(q, &row, l->err)) == RC_OK && row) {
		struct dot id = { statement_u64(q, 0), statement_u64(q, 1) };
		bool wanted = true;

		if (l->where != NULL)
			rc = test_record(l, &id, &wanted);
		if (rc == RC_OK && wanted)
			rc = add_line(l, q);
	}
	query_close(q);
	bytes_reset(&sql);
	if (rc != RC_OK || l->sort == NULL || (rc = sort_lines(l)) != RC_OK)
		return rc;
	for (; l->n > l->limit; l->n--) {
		free(l->lines[l->n - 1].headline);
		free(l->lines[l->n - 1].key);
	}
	return RC_OK;
}

enum rc
record_list(const struct record_context *c, const char *form, const char *where,
    bool deleted, size_t limit, struct record_line **out, size_t *n, struct error *err)
{
	return record_list_sorted(c, form, where, NULL, deleted, limit, out, n, err);
}

/* What is stored is in normal form C, so a condition is put into it before it is compared. */
static enum rc
compile_where(struct listing *l, const char *where)
{
	/* the compiler only hands it back to find_field, which only reads */
	union { const struct form *read; void *pass; } ctx = { .read = l->form };
	struct expression_names names = { .field = find_field, .ctx = ctx.pass };
	char *composed;
	enum rc rc = text_nfc(where, strlen(where), &composed);

	if (rc == RC_OK)
		rc = expression_compile(composed, &names, "where", &l->where, l->err);
	else
		rc = error_set(l->err, rc, "where", NULL, "not clean UTF-8 text");
	free(composed);
	return rc;
}

enum rc
record_list_sorted(const struct record_context *c, const char *form, const char *where,
    const char *sort, bool deleted, size_t limit, struct record_line **out, size_t *n,
    struct error *err)
{
	struct listing l = { .c = c, .deleted = deleted,
		.limit = limit < RECORD_LIST_MAX ? limit : RECORD_LIST_MAX, .err = err };
	enum rc rc = RC_OK;

	*out = NULL;
	*n = 0;
	if ((l.form = form_set_find(c->forms, form)) == NULL)
		return error_set(err, RC_NOTFOUND, "form", "list the forms", "no such form");
	if (sort != NULL && (rc = find_sort(&l, sort)) != RC_OK)
		return rc;
	if (where != NULL && where[0] != '\0')
		rc = compile_where(&l, where);
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
record_ids_sorted(const struct record_context *c, const struct form *form, const char *sort,
    bool deleted, int64_t **out, size_t *n, struct error *err)
{
	struct listing l = { .c = c, .form = form, .bare = true, .deleted = deleted,
		.limit = RECORD_LIST_MAX, .err = err };
	enum rc rc = find_sort(&l, sort);

	*out = NULL;
	*n = 0;
	if (rc == RC_OK && (rc = list_all(&l)) == RC_OK &&
	    (*out = calloc(l.n + 1, sizeof(**out))) == NULL)
		rc = RC_NOMEM;
	for (size_t i = 0; rc == RC_OK && i < l.n; i++)
		(*out)[(*n)++] = l.lines[i].local;
	record_lines_free(l.lines, l.n);
	return rc;
}

enum rc
record_lines_of(const struct record_context *c, const struct form *form,
    const struct form_field *sort, const int64_t *ids, size_t n, struct record_line **out,
    size_t *n_out, struct error *err)
{
	struct listing l = { .c = c, .form = form, .sort = sort, .err = err };
	struct sqlite3_stmt *q = NULL;
	struct bytes sql;
	bool row;
	enum rc rc;

	*out = NULL;
	*n_out = 0;
	bytes_init(&sql);
	put_lines(&l, &sql);
	bytes_text(&sql, "t.id = ?1");
	rc = sql.rc != RC_OK ? sql.rc : statement_prepare(c->db, bytes_cstr(&sql), &q, err);
	for (size_t i = 0; rc == RC_OK && i < n; i++)
		if ((rc = statement_first(q, &row, err, "i", ids[i])) == RC_OK && row)
			rc = add_line(&l, q);
	statement_free(q);
	bytes_reset(&sql);
	if (rc != RC_OK) {
		record_lines_free(l.lines, l.n);
		return rc;
	}
	*out = l.lines;
	*n_out = l.n;
	return RC_OK;
}

static enum rc
read_usage(const struct record_context *c, struct sqlite3_stmt *q, struct record_usage *all,
    size_t *n, struct error *err)
{
	bool row;
	enum rc rc;

	while ((rc = query_next(q, &row, err)) == RC_OK && row) {
		const char *name = query_column_text(q, 0);

		/* records of forms that are not known here are counted elsewhere */
		if (form_set_find(c->forms, name) == NULL || *n == FORM_SET_MAX)
			continue;
		snprintf(all[*n].form, sizeof(all[*n].form), "%s", name);
		all[(*n)++].records = (uint64_t)query_column_int(q, 1);
	}
	return rc;
}

enum rc
record_usage(const struct record_context *c, const uint8_t device[ENTRY_DEVICE_BYTES],
    int64_t since, struct record_usage **out, size_t *n, struct error *err)
{
	struct record_usage *all = calloc(FORM_SET_MAX, sizeof(*all));
	struct sqlite3_stmt *q = NULL;
	int64_t made;
	enum rc rc;

	*out = NULL;
	*n = 0;
	if (all == NULL)
		return RC_NOMEM;
	rc = query_open(c->db, err, &q, "SELECT form, sum(alive) FROM record WHERE form <> ''"
	    " GROUP BY form", "");
	if (rc == RC_OK)
		rc = read_usage(c, q, all, n, err);
	query_close(q);
	for (size_t i = 0; rc == RC_OK && i < *n; i++) {
		rc = query_int(c->db, err, &made, "SELECT coalesce(sum(created_by = ?3), 0) FROM (SELECT"
		    " created_by FROM record WHERE form = ?1 AND alive = 1 AND created_at >= ?2"
		    " ORDER BY created_at DESC LIMIT ?4)", "tibi", all[i].form, since, device,
		    (size_t)ENTRY_DEVICE_BYTES, (int64_t)RECORD_USAGE_NEWEST);
		all[i].made = (uint64_t)made;
	}
	if (rc != RC_OK) {
		*n = 0;
		free(all);
		return rc;
	}
	*out = all;
	return RC_OK;
}
