#include "field/person_records.h"

#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "shared/base/embedded.h"
#include "shared/records/tables.h"
#include "shared/vault/query.h"

static const char left_out_file[] = "exchange/person_page.csv";

bool
person_records_is_left_out(const struct person_records *p, const struct form *form,
    const char *field)
{
	for (size_t row = 1; row <= p->left_out.n_rows; row++)
		if (strcmp(csv_cell(&p->left_out, row, 0), form->name) == 0 &&
		    strcmp(csv_cell(&p->left_out, row, 1), field == NULL ? "" : field) == 0)
			return true;
	return false;
}

static bool
is_among(const struct person_record *items, size_t n, const struct form *form, int64_t local)
{
	for (size_t i = 0; i < n; i++)
		if (items[i].local == local && items[i].form == form)
			return true;
	return false;
}

static enum rc
add(struct person_records *p, const struct form *form, int64_t local)
{
	if (p->n == PERSON_RECORDS_MAX)
		return error_set(p->err, RC_LIMIT, NULL, "print the cases one by one with field show",
		    "more than %d records are about this person", PERSON_RECORDS_MAX);
	p->items[p->n++] = (struct person_record){ local, form };
	return RC_OK;
}

/* Where a reference field keeps its values: its own column, or the table of a list field. */
static void
query_of(const struct form *form, const struct form_field *f, const char *what, const char *where,
    char *sql, size_t max)
{
	char own[TABLES_NAME_MAX], list[TABLES_NAME_MAX];

	tables_name(form->name, NULL, own);
	tables_name(form->name, f->name, list);
	if (f->many)
		snprintf(sql, max, "SELECT %s FROM main.%s AS r JOIN main.%s AS v ON v.id = r.id"
		    " WHERE r.alive AND NOT v.voided AND %s", strcmp(what, "id") == 0 ? "r.id" : "v.value",
		    own, list, strcmp(where, "id") == 0 ? "r.id = ?" : "v.value = ?");
	else
		snprintf(sql, max, "SELECT r.\"%s\" FROM main.%s AS r WHERE r.alive AND r.\"%s\" = ?",
		    strcmp(what, "id") == 0 ? "id" : f->name, own,
		    strcmp(where, "id") == 0 ? "id" : f->name);
}

static bool
is_about(const struct form_field *f, const char *form)
{
	return f->refers != NULL && strcmp(f->refers, form) == 0;
}

/* Does the record refer to a person, or a case, that is not on the page? */
static enum rc
is_of_others(struct person_records *p, const struct form *form, int64_t local, bool *out)
{
	char sql[TABLES_NAME_MAX * 3 + 128];
	enum rc rc = RC_OK;

	*out = false;
	for (size_t i = 0; i < form->n_fields && rc == RC_OK && !*out; i++) {
		const struct form_field *f = &form->fields[i];
		struct sqlite3_stmt *q = NULL;
		bool row = true;

		if (!is_about(f, "person") && !is_about(f, "case"))
			continue;
		query_of(form, f, "value", "id", sql, sizeof(sql));
		rc = query_open(p->ctx->db, p->err, &q, sql, "i", local);
		while (rc == RC_OK && !*out && (rc = query_next(q, &row, p->err)) == RC_OK && row)
			*out = sqlite3_column_type(q, 0) == SQLITE_INTEGER &&
			    !is_among(p->items, p->n, form_set_find(p->ctx->forms, f->refers),
			    sqlite3_column_int64(q, 0));
		query_close(q);
	}
	return rc;
}

/* Records of a form whose field refers to an item. */
static enum rc
add_referring(struct person_records *p, const struct form *form, const struct form_field *f, int64_t to)
{
	char sql[TABLES_NAME_MAX * 3 + 128];
	struct sqlite3_stmt *q = NULL;
	bool row = true, others;
	enum rc rc;

	query_of(form, f, "id", "value", sql, sizeof(sql));
	rc = query_open(p->ctx->db, p->err, &q, sql, "i", to);
	while (rc == RC_OK && (rc = query_next(q, &row, p->err)) == RC_OK && row) {
		int64_t local = sqlite3_column_int64(q, 0);

		if (is_among(p->items, p->n, form, local) || is_among(p->others, p->n_others, form, local))
			continue;
		others = person_records_is_left_out(p, form, NULL);
		if (!others && strcmp(form->name, "case") != 0)
			rc = is_of_others(p, form, local, &others);
		if (rc == RC_OK && !others)
			rc = add(p, form, local);
		else if (rc == RC_OK && p->n_others < PERSON_RECORDS_MAX)
			p->others[p->n_others++] = (struct person_record){ local, form };
	}
	query_close(q);
	return rc;
}

/* Records that refer to an item: cases, or all but cases and persons. */
static enum rc
add_around(struct person_records *p, const struct person_record *to, bool cases)
{
	enum rc rc = RC_OK;

	for (size_t k = 0; k < form_set_count(p->ctx->forms) && rc == RC_OK; k++) {
		const struct form *form = form_set_at(p->ctx->forms, k);

		if ((strcmp(form->name, "case") == 0) != cases || strcmp(form->name, "person") == 0)
			continue;
		for (size_t j = 0; j < form->n_fields && rc == RC_OK; j++)
			if (is_about(&form->fields[j], to->form->name))
				rc = add_referring(p, form, &form->fields[j], to->local);
	}
	return rc;
}

/* The persons' cases first, since they tell whose a record is; then all around, until nothing new is. */
static enum rc
collect(struct person_records *p)
{
	size_t persons = p->n;
	enum rc rc = RC_OK;

	for (size_t i = 0; i < persons && rc == RC_OK; i++) {
		const struct person_record person = p->items[i];

		rc = add_around(p, &person, true);
	}
	for (size_t i = 0; i < p->n && rc == RC_OK; i++) {
		const struct person_record one = p->items[i];

		rc = add_around(p, &one, false);
	}
	return rc;
}

/* The person, and the records that were linked as the same one. */
static enum rc
add_person(struct person_records *p, int64_t local)
{
	const struct form *form = form_set_find(p->ctx->forms, "person");
	struct sqlite3_stmt *q = NULL;
	bool row = true;
	enum rc rc = query_open(p->ctx->db, p->err, &q, "SELECT id FROM main.form_person WHERE alive AND"
	    " (id = ?1 OR cluster = (SELECT cluster FROM main.form_person WHERE id = ?1))"
	    " ORDER BY id <> ?1, id", "i", local);

	while (rc == RC_OK && (rc = query_next(q, &row, p->err)) == RC_OK && row)
		rc = add(p, form, sqlite3_column_int64(q, 0));
	query_close(q);
	return rc;
}

static enum rc
find_person(struct person_records *p, const struct dot *id)
{
	int64_t local = 0;
	struct record_view view;
	bool is_case, is_person;
	enum rc rc = record_show(p->ctx, id, &view, p->err);

	if (rc != RC_OK)
		return rc;
	local = view.local;
	is_case = strcmp(view.form_name, "case") == 0;
	is_person = strcmp(view.form_name, "person") == 0;
	record_view_reset(&view);
	if (is_case)
		rc = query_int(p->ctx->db, p->err, &local,
		    "SELECT COALESCE((SELECT person_id FROM main.form_case WHERE id = ?), 0)", "i", local);
	if (rc == RC_OK && is_case && local == 0)
		return error_set(p->err, RC_INVALID, NULL, NULL, "the case's person is not known here");
	if (rc == RC_OK && !is_case && !is_person)
		return error_set(p->err, RC_INVALID, NULL, "give the id of a person or a case",
		    "the record is neither a person nor a case");
	return rc != RC_OK ? rc : add_person(p, local);
}

enum rc
person_records_find(const struct record_context *ctx, const struct dot *id,
    struct person_records *out, struct error *err)
{
	const struct embedded *file = embedded_find(left_out_file);
	enum rc rc;

	*out = (struct person_records){ .ctx = ctx, .err = err };
	if (file == NULL)
		return error_set(err, RC_INTERNAL, left_out_file, NULL, "the page is not described");
	if ((rc = csv_parse(left_out_file, file->data, file->len, &out->left_out, err)) != RC_OK)
		return rc;
	out->items = calloc(PERSON_RECORDS_MAX, sizeof(*out->items));
	out->others = calloc(PERSON_RECORDS_MAX, sizeof(*out->others));
	if (out->items == NULL || out->others == NULL)
		return RC_NOMEM;
	rc = find_person(out, id);
	return rc == RC_OK ? collect(out) : rc;
}

void
person_records_reset(struct person_records *p)
{
	free(p->items);
	free(p->others);
	csv_reset(&p->left_out);
	memset(p, 0, sizeof(*p));
}
