#include "shared/records/record_draft.h"

#include <stdlib.h>
#include <string.h>

#include "shared/base/text.h"
#include "shared/records/fold.h"
#include "shared/records/journal.h"
#include "shared/records/record.h"
#include "shared/records/value.h"
#include "shared/vault/query.h"

enum { REFERENCES_MAX = ENTRY_WRITES_MAX };

void
record_draft_init(struct record_draft *d, const struct form *form, int64_t saved_at)
{
	memset(d, 0, sizeof(*d));
	arena_init(&d->arena, 0);
	d->entry.form = form->name;
	d->entry.form_len = strlen(form->name);
	d->entry.form_version = form->version;
	d->entry.saved_at = saved_at;
}

void
record_draft_reset(struct record_draft *d)
{
	arena_reset(&d->arena);
	memset(d, 0, sizeof(*d));
}

struct write *
record_draft_write(struct record_draft *d, unsigned field, enum write_kind kind)
{
	struct write *w;

	if (d->writes == NULL)
		d->writes = arena_alloc(&d->arena, ENTRY_WRITES_MAX, sizeof(*d->writes));
	if (d->writes == NULL || d->entry.n_writes == ENTRY_WRITES_MAX)
		return NULL;
	w = &d->writes[d->entry.n_writes++];
	w->field = field;
	w->kind = kind;
	d->entry.writes = d->writes;
	return w;
}

struct value *
record_draft_values(struct record_draft *d, struct write *w, size_t n)
{
	struct value *values = arena_alloc(&d->arena, n, sizeof(*values));

	if (values == NULL)
		return NULL;
	w->values = values;
	w->n_values = n;
	return values;
}

struct address *
record_draft_replaces(struct record_draft *d, struct write *w, size_t n)
{
	struct address *replaces = arena_alloc(&d->arena, n, sizeof(*replaces));

	if (replaces == NULL)
		return NULL;
	w->replaces = replaces;
	w->n_replaces = n;
	return replaces;
}

static enum rc
set_text(struct record_draft *d, enum value_type type, const char *text, struct value *out)
{
	out->type = type;
	out->text_len = strlen(text);
	out->text = arena_copy(&d->arena, text, out->text_len);
	return out->text != NULL ? RC_OK : RC_NOMEM;
}

static enum rc
set_reference(struct record_draft *d, const struct form_field *field, const char *text,
    struct value *out)
{
	if (!dot_parse(text, &out->reference))
		return RC_INVALID;
	out->type = VALUE_REFERENCE;
	if (field->refers == NULL || d->n_references == REFERENCES_MAX)
		return field->refers == NULL ? RC_OK : RC_LIMIT;
	if (d->references == NULL) {
		d->references = arena_alloc(&d->arena, REFERENCES_MAX, sizeof(*d->references));
		d->refers = arena_alloc(&d->arena, REFERENCES_MAX, sizeof(char *));
		if (d->references == NULL || d->refers == NULL)
			return RC_NOMEM;
	}
	d->references[d->n_references] = out->reference;
	d->refers[d->n_references++] = field->refers;
	return RC_OK;
}

enum rc
record_draft_value(struct record_draft *d, const struct form_field *field, const char *text,
    struct value *out)
{
	struct date date;
	char *end;
	enum rc rc;

	memset(out, 0, sizeof(*out));
	if (text[0] == '\0')
		return RC_OK;
	switch (field->type) {
	case FORM_INTEGER:
		out->type = VALUE_INTEGER;
		out->integer = strtoll(text, &end, 10);
		return *end == '\0' ? RC_OK : RC_INVALID;
	case FORM_DATE:
		if ((rc = date_parse(text, &date)) != RC_OK)
			return rc;
		out->type = VALUE_DATE;
		out->integer = value_pack_date(&date);
		return RC_OK;
	case FORM_REFERENCE:
		return set_reference(d, field, text, out);
	case FORM_DECIMAL:
		return set_text(d, VALUE_DECIMAL, text, out);
	case FORM_SELECT_ONE:
	case FORM_SELECT_MULTIPLE:
		return set_text(d, VALUE_CODE, text, out);
	case FORM_TEXT:
		return set_text(d, VALUE_TEXT, text, out);
	case FORM_NOTE:
	case FORM_CALCULATE:
		break;
	}
	return RC_INTERNAL;
}

enum rc
record_draft_copy(struct record_draft *d, const struct value *from, struct value *out)
{
	struct value_member *members;
	enum rc rc = RC_OK;

	*out = *from;
	if (from->text_len > 0 && (out->text = arena_copy(&d->arena, from->text,
	    from->text_len)) == NULL)
		return RC_NOMEM;
	if (from->n_members == 0)
		return RC_OK;
	if ((members = arena_alloc(&d->arena, from->n_members, sizeof(*members))) == NULL)
		return RC_NOMEM;
	for (size_t i = 0; rc == RC_OK && i < from->n_members; i++) {
		struct value *v = &members[i].value;

		members[i] = from->members[i];
		if (v->text_len > 0 &&
		    (v->text = arena_copy(&d->arena, v->text, v->text_len)) == NULL)
			rc = RC_NOMEM;
	}
	out->members = members;
	return rc;
}

/* A reference names a record of the right form, in the entry's own scope. */
static enum rc
check_references(const struct record_draft *d, const struct record_context *c,
    const struct journal_scope *scope, struct error *err)
{
	for (size_t i = 0; i < d->n_references; i++) {
		int64_t count = 0;
		enum rc rc = query_int(c->db, err, &count, "SELECT count(*) FROM record WHERE log = ?1"
		    " AND n = ?2 AND form = ?3 AND unit = ?4 AND compartment = ?5", "iitti",
		    (int64_t)d->references[i].log, (int64_t)d->references[i].n, d->refers[i],
		    scope->unit, (int64_t)scope->compartment);

		if (rc != RC_OK)
			return rc;
		if (count == 0)
			return error_set(err, RC_INVALID, d->refers[i],
			    "choose a record of this unit", "no such record to refer to");
	}
	return RC_OK;
}

static int
by_field(const void *a, const void *b)
{
	const struct write *x = a, *y = b;

	if (x->field != y->field)
		return x->field < y->field ? -1 : 1;
	return x->kind < y->kind ? -1 : x->kind > y->kind;
}

/* As entered by a person: normalised, bounded; NULL stays. */
static enum rc
set_reason(struct record_draft *d, const char *reason, struct error *err)
{
	char *clean = NULL;
	enum rc rc;

	if (reason == NULL || reason[0] == '\0')
		return RC_OK;
	rc = text_normalise(reason, strlen(reason), &clean);
	if (rc == RC_OK && strlen(clean) > ENTRY_REASON_MAX)
		rc = RC_LIMIT;
	if (rc == RC_OK && clean[0] != '\0') {
		d->entry.reason_len = strlen(clean);
		d->entry.reason = arena_copy(&d->arena, clean, d->entry.reason_len);
		rc = d->entry.reason != NULL ? RC_OK : RC_NOMEM;
	}
	free(clean);
	if (rc == RC_OK)
		return RC_OK;
	return error_set(err, rc == RC_FORMAT ? RC_INVALID : rc, "reason", NULL,
	    rc == RC_LIMIT ? "the reason is too long" : "the reason is not clean text");
}

enum rc
record_draft_commit(struct record_draft *d, const struct record_context *c,
    const struct journal_scope *scope, const char *reason, struct dot *dot,
    struct error *err)
{
	bool folds = c->reads == NULL || c->reads(c->reads_ctx, scope->unit, scope->compartment);
	enum rc rc;

	if ((rc = set_reason(d, reason, err)) != RC_OK ||
	    (rc = check_references(d, c, scope, err)) != RC_OK)
		return rc;
	if (d->entry.n_writes > 1)
		qsort(d->writes, d->entry.n_writes, sizeof(*d->writes), by_field);
	if ((rc = journal_append(c->db, c->writer, scope, folds, &d->entry, err)) != RC_OK ||
	    (rc = fold_entry(c->fold, &d->entry, err)) != RC_OK ||
	    (rc = fold_flush(c->fold, err)) != RC_OK)
		return rc;
	*dot = d->entry.dot;
	return RC_OK;
}
