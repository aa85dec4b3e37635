#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "shared/base/text.h"
#include "shared/forms/form_list.h"
#include "shared/records/referral_parts.h"
#include "shared/records/tables.h"
#include "shared/records/tables_schema.h"
#include "shared/vault/query.h"

/* The list that says what a consent may cover beyond the least: schema/codes/consent_share.csv. */
#define SHARES_LIST "consent_share"
#define SHARES_COLUMN "covers"

enum { COVERED_MAX = 2 * FORM_LIST_CODE_MAX + 2 };

void
referral_package_reset(struct referral_package *p)
{
	for (size_t i = 0; i < p->n; i++)
		free(p->copies[i].seen);
	free(p->copies);
	memset(p, 0, sizeof(*p));
}

static enum rc
add_copy(struct referral_package *p, struct dot original, struct dot copy, char *seen)
{
	if (p->n == REFERRAL_COPIES_MAX) {
		free(seen);
		return error_set(p->err, RC_LIMIT, NULL, NULL,
		    "the case has more records than can be handed over at once");
	}
	if (p->n == p->cap) {
		size_t cap = p->cap == 0 ? 16 : 2 * p->cap;
		struct referral_copy *grown = realloc(p->copies, cap * sizeof(*grown));

		if (grown == NULL) {
			free(seen);
			return RC_NOMEM;
		}
		p->copies = grown;
		p->cap = cap;
	}
	p->copies[p->n++] = (struct referral_copy){ original, copy, seen };
	return RC_OK;
}

/* What may be shared ----------------------------------------------------- */

static bool
has_word(const char *words, const char *word)
{
	size_t len = strlen(word);

	for (const char *at = words; (at = strstr(at, word)) != NULL; at += len)
		if ((at == words || at[-1] == ' ') && (at[len] == ' ' || at[len] == '\0'))
			return true;
	return false;
}

/*
 * What the lists name ("service_delivery", "case.narrative") is shared if the consent has
 * a code that covers it.  otherwise: of what no code names.
 */
static bool
is_shared(const struct referral_package *p, const char *name, bool otherwise)
{
	const struct form_list *list = form_set_list(p->c->forms, SHARES_LIST);
	bool named = false;
	size_t column = 0;

	while (list != NULL && column < list->n_columns &&
	    strcmp(list->columns[column], SHARES_COLUMN) != 0)
		column++;
	if (list == NULL || column == list->n_columns)
		return otherwise;
	for (size_t i = 0; i < list->n_choices; i++) {
		const char *covers = list->choices[i].extra[column];

		if (covers == NULL || !has_word(covers, name))
			continue;
		named = true;
		if (has_word(p->shares, list->choices[i].code))
			return true;
	}
	return named ? false : otherwise;
}

static bool
is_field_shared(const struct referral_package *p, const struct form *form,
    const struct form_field *field)
{
	char name[COVERED_MAX];

	snprintf(name, sizeof(name), "%.63s.%.63s", form->name, field->name);
	return is_shared(p, name, true);
}

/* One record ------------------------------------------------------------- */

static enum rc
refuse_unsettled(const struct referral_package *p, const struct record_opened *o)
{
	struct merged_counts n;
	char id[DOT_TEXT_MAX];

	merged_count(&o->merged, &n);
	dot_text(&o->id, id);
	if (n.newer > 0)
		return error_set(p->err, RC_NEWER, id, "sync, or update the program",
		    "the record has values that this program does not know");
	if (n.conflicts > 0 && p->terms->consent != NULL)
		return error_set(p->err, RC_CONFLICT, id, "settle them first, see field conflicts",
		    "a field of the record has several values");
	for (size_t i = 0; i < o->merged.n_fields; i++)
		if (o->merged.fields[i].many && o->merged.fields[i].show.n_all > ANSWERS_ITEMS_MAX)
			return error_set(p->err, RC_LIMIT, id, NULL,
			    "a list of the record has more values than one save can hold");
	return RC_OK;
}

/* A reference to a record that goes along, or none: references never cross scopes. */
static const struct referral_copy *
copy_of(const struct referral_package *p, const char *text)
{
	struct dot original;

	for (size_t i = 0; dot_parse(text, &original) && i < p->n; i++)
		if (p->copies[i].copy.log != 0 &&
		    dot_compare(&p->copies[i].original, &original) == 0)
			return &p->copies[i];
	return NULL;
}

static enum rc
copy_answer(struct referral_package *p, const struct answer *from, struct answers *to)
{
	char id[DOT_TEXT_MAX];
	enum rc rc = RC_OK;

	for (size_t i = 0; rc == RC_OK && i < from->n_items; i++) {
		const char *text = from->items[i];

		if (from->field->type == FORM_REFERENCE) {
			const struct referral_copy *target = copy_of(p, text);

			if (target == NULL)
				continue;
			dot_text(&target->copy, id);
			text = id;
		}
		rc = answers_add(to, from->field->name, text, p->err);
	}
	return rc;
}

static enum rc
copy_answers(struct referral_package *p, const struct record_opened *o, struct answers *to)
{
	const struct answers *from = o->merged.answers;
	char id[DOT_TEXT_MAX];
	enum rc rc = RC_OK;

	for (size_t i = 0; rc == RC_OK && i < answers_count(from); i++) {
		const struct answer *a = answers_at(from, i);

		if (answers_relevant(from, a->field) && is_field_shared(p, o->form, a->field) &&
		    strcmp(a->field->name, "continues") != 0)
			rc = copy_answer(p, a, to);
	}
	dot_text(&o->id, id);
	return rc == RC_OK ? answers_add(to, "continues", id, p->err) : rc;
}

static enum rc
write_copy(struct referral_package *p, struct record_opened *o, struct dot *copy)
{
	struct answers *a = NULL;
	struct bytes seen;
	char *text = NULL;
	enum rc rc = refuse_unsettled(p, o);

	bytes_init(&seen);
	if (rc != RC_OK ||
	    (rc = merged_work_out(&o->merged, p->c->forms, p->c->lang, p->err)) != RC_OK ||
	    (rc = answers_new(o->form, p->c->forms, &a)) != RC_OK ||
	    (rc = copy_answers(p, o, a)) != RC_OK ||
	    (rc = record_create_copy(p->c, p->terms->to_unit, a, copy, p->err)) != RC_OK ||
	    (rc = referral_seen_write(&o->state, &seen)) != RC_OK)
		goto out;
	text = text_dup(bytes_cstr(&seen));
	rc = text == NULL ? RC_NOMEM : add_copy(p, o->id, *copy, text);
out:
	bytes_reset(&seen);
	answers_free(a);
	return rc;
}

enum rc
referral_copy_record(struct referral_package *p, const struct dot *original, struct dot *copy)
{
	struct record_opened o;
	enum rc rc;

	*copy = (struct dot){ 0, 0 };
	if ((rc = record_parts_open_to_write(p->c, original, &o, p->err)) != RC_OK)
		return rc;
	if (form_field_named(o.form, "continues") == NULL)
		rc = error_set(p->err, RC_CONFIG, o.form->name,
		    "ask the province to publish the forms of this version",
		    "the form has no field `continues`, so its records cannot be handed over");
	else
		rc = write_copy(p, &o, copy);
	record_parts_close(&o);
	return rc;
}

/* Children --------------------------------------------------------------- */

static enum rc
withhold(struct referral_package *p, const struct dot *original)
{
	char *none = text_dup("");

	p->withheld++;
	return none == NULL ? RC_NOMEM : add_copy(p, *original, (struct dot){ 0, 0 }, none);
}

/* Ids of the living records of a form that refer to a case. */
static enum rc
list_children(const struct record_context *c, const struct form *form,
    const struct form_field *field, int64_t parent, struct bytes *dots, struct error *err)
{
	struct sqlite3_stmt *q = NULL;
	char name[TABLES_NAME_MAX];
	struct bytes sql;
	bool row;
	enum rc rc;

	bytes_init(&sql);
	bytes_text(&sql, "SELECT r.log, r.n FROM ");
	tables_name(form->name, NULL, name);
	tables_schema_name(&sql, name);
	bytes_text(&sql, " t JOIN record r ON r.id = t.id WHERE t.alive = 1 AND t.");
	tables_column(field->name, name);
	tables_schema_name(&sql, name);
	bytes_text(&sql, " = ?1 ORDER BY t.created_at, r.log < 0, r.log, r.n");
	rc = sql.rc != RC_OK ? sql.rc : query_open(c->db, err, &q, bytes_cstr(&sql), "i", parent);
	while (rc == RC_OK && (rc = query_next(q, &row, err)) == RC_OK && row) {
		bytes_u64(dots, (uint64_t)query_column_int(q, 0));
		bytes_u64(dots, (uint64_t)query_column_int(q, 1));
	}
	query_close(q);
	bytes_reset(&sql);
	return rc == RC_OK ? dots->rc : rc;
}

/* The field that makes a form one of a case's children; NULL: it is none. */
static const struct form_field *
child_field(const struct form *form)
{
	static const char *const others[] = { "case", "consent", GUEST_REFERRAL_FORM };

	if (form->compartment != FORM_CASES)
		return NULL;
	for (size_t i = 0; i < sizeof(others) / sizeof(*others); i++)
		if (strcmp(form->name, others[i]) == 0)
			return NULL;
	for (size_t i = 0; i < form->n_fields; i++) {
		const struct form_field *f = &form->fields[i];

		if (f->refers != NULL && strcmp(f->refers, "case") == 0 && !merged_is_many(f))
			return f;
	}
	return NULL;
}

enum rc
referral_children(const struct record_context *c, const struct dot *case_id,
    referral_each_child *each, void *ctx, struct error *err)
{
	int64_t parent;
	enum rc rc = record_to_local(c->db, case_id, &parent);

	for (size_t i = 0; rc == RC_OK && i < form_set_count(c->forms); i++) {
		const struct form *form = form_set_at(c->forms, i);
		const struct form_field *field = child_field(form);
		struct bytes dots;
		struct reader in;
		struct dot id;

		if (field == NULL)
			continue;
		bytes_init(&dots);
		rc = list_children(c, form, field, parent, &dots, err);
		reader_init(&in, dots.data, dots.len);
		while (rc == RC_OK && reader_left(&in) > 0) {
			id.log = reader_u64(&in);
			id.n = reader_u64(&in);
			rc = each(ctx, form, &id);
		}
		bytes_reset(&dots);
	}
	return rc;
}

static enum rc
copy_child(void *ctx, const struct form *form, const struct dot *id)
{
	struct referral_package *p = ctx;
	struct dot copy;

	return is_shared(p, form->name, false) ? referral_copy_record(p, id, &copy) :
	    withhold(p, id);
}

enum rc
referral_copy_children(struct referral_package *p, const struct dot *case_id)
{
	return referral_children(p->c, case_id, copy_child, p, p->err);
}
