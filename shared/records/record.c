#include "shared/records/record.h"

#include <string.h>

#include "shared/forms/answers_state.h"
#include "shared/records/fold.h"
#include "shared/records/record_draft.h"
#include "shared/records/record_parts.h"
#include "shared/records/record_rules.h"
#include "shared/records/value.h"
#include "shared/vault/query.h"

/* Creating ------------------------------------------------------------- */

static const char *
item_or_nothing(const struct answer *a)
{
	return a != NULL && a->n_items > 0 ? a->items[0] : "";
}

static enum rc
create_list(struct record_draft *d, const struct answer *a)
{
	struct write *w = record_draft_write(d, a->field->number, WRITE_ITEMS);
	struct value *to = w == NULL ? NULL : record_draft_values(d, w, a->n_items);
	enum rc rc = RC_OK;

	if (to == NULL)
		return RC_NOMEM;
	for (size_t i = 0; rc == RC_OK && i < a->n_items; i++)
		rc = record_draft_value(d, a->field, a->items[i], &to[i]);
	return rc;
}

static enum rc
create_single(struct record_draft *d, const struct answer *a)
{
	struct write *w = record_draft_write(d, a->field->number, WRITE_SET);
	struct value *to = w == NULL ? NULL : record_draft_values(d, w, 1);

	return to == NULL ? RC_NOMEM : record_draft_value(d, a->field, a->items[0], to);
}

/* A statement is written whole if any of its fields was answered. */
static enum rc
create_group(struct record_draft *d, const struct form *form, const struct form_group *g,
    const struct answers *answers)
{
	struct value_member *members;
	struct value *to;
	struct write *w;
	bool any = false;
	enum rc rc = RC_OK;

	for (size_t i = 0; i < g->n_fields; i++)
		any = any || item_or_nothing(answers_find(answers,
		    form->fields[g->fields[i]].name))[0] != '\0';
	if (!any)
		return RC_OK;
	w = record_draft_write(d, form->fields[g->fields[0]].number, WRITE_SET);
	to = w == NULL ? NULL : record_draft_values(d, w, 1);
	members = to == NULL ? NULL : arena_alloc(&d->arena, g->n_fields, sizeof(*members));
	if (to == NULL || members == NULL)
		return RC_NOMEM;
	for (size_t i = 0; rc == RC_OK && i < g->n_fields; i++) {
		const struct form_field *field = &form->fields[g->fields[i]];

		members[i].field = field->number;
		rc = record_draft_value(d, field, item_or_nothing(answers_find(answers,
		    field->name)), &members[i].value);
	}
	record_rules_sort_members(members, g->n_fields);
	to->type = VALUE_GROUP;
	to->members = members;
	to->n_members = g->n_fields;
	return rc;
}

static enum rc
create_all(struct record_draft *d, const struct form *form, const struct answers *answers)
{
	enum rc rc = RC_OK;

	for (size_t i = 0; rc == RC_OK && i < answers_count(answers); i++) {
		const struct answer *a = answers_at(answers, i);

		if (a->n_items == 0 || a->field->group >= 0)
			continue;
		rc = merged_is_many(a->field) ? create_list(d, a) : create_single(d, a);
	}
	for (size_t i = 0; rc == RC_OK && i < form->n_groups; i++)
		rc = create_group(d, form, &form->groups[i], answers);
	return rc;
}

/* The answers as they are, in a new record.  trusted: its references are not looked up. */
static enum rc
write_new(const struct record_context *c, const char *unit, const struct answers *answers,
    bool trusted, struct dot *id, struct error *err)
{
	const struct form *form = answers->form;
	struct journal_scope scope;
	struct record_draft d;
	enum rc rc;

	memset(&scope, 0, sizeof(scope));
	memcpy(scope.unit, unit, strlen(unit) + 1);
	scope.compartment = (unsigned)form->compartment;
	record_draft_init(&d, form, clock_now(c->clock));
	d.entry.creates = true;
	rc = create_all(&d, form, answers);
	if (trusted)
		d.n_references = 0;
	if (rc != RC_OK)
		rc = error_set(err, rc, form->name, NULL, "a value cannot be written");
	else
		rc = record_draft_commit(&d, c, &scope, NULL, id, err);
	record_draft_reset(&d);
	return rc;
}

static enum rc
check_unit(const char *unit, struct error *err)
{
	if (strlen(unit) > 0 && strlen(unit) <= JOURNAL_UNIT_MAX)
		return RC_OK;
	return error_set(err, RC_INVALID, "unit", NULL, "that is no code of a unit");
}

enum rc
record_create(const struct record_context *c, const char *unit, struct answers *answers,
    struct dot *id, struct error *err)
{
	struct answers_breach *breaches;
	size_t n;
	enum rc rc;

	*id = (struct dot){ 0, 0 };
	if (unit == NULL)
		unit = c->unit;
	if ((rc = check_unit(unit, err)) != RC_OK)
		return rc;
	if (c->reads != NULL && strcmp(unit, c->unit) != 0 &&
	    !c->reads(c->reads_ctx, unit, (unsigned)answers->form->compartment))
		return error_set(err, RC_DENIED, unit, "hand a case over with field refer",
		    "this device may not record for that unit");
	rc = answers_check(answers, record_rules_today(c), true, &breaches, &n, c->lang, err);
	answers_breaches_free(breaches, n);
	return rc != RC_OK ? rc : write_new(c, unit, answers, false, id, err);
}

enum rc
record_create_copy(const struct record_context *c, const char *unit,
    const struct answers *answers, struct dot *id, struct error *err)
{
	enum rc rc = check_unit(unit, err);

	*id = (struct dot){ 0, 0 };
	return rc != RC_OK ? rc : write_new(c, unit, answers, true, id, err);
}

/* Deleting, restoring, voiding ----------------------------------------- */

static enum rc
need_reason(const char *reason, struct error *err)
{
	if (reason != NULL && reason[0] != '\0')
		return RC_OK;
	return error_set(err, RC_INVALID, "reason", "give a reason", "this needs a reason");
}

enum rc
record_delete(const struct record_context *c, const struct dot *id, const char *seen,
    const char *reason, struct dot *dot, struct error *err)
{
	struct record_opened o;
	enum rc rc;

	*dot = (struct dot){ 0, 0 };
	if ((rc = need_reason(reason, err)) != RC_OK ||
	    (rc = record_parts_open_to_write(c, id, &o, err)) != RC_OK)
		return rc;
	rc = record_rules_set_alive(c, &o, false, seen, reason, dot, err);
	record_parts_close(&o);
	return rc;
}

enum rc
record_restore(const struct record_context *c, const struct dot *id, const char *seen,
    const char *reason, struct dot *dot, struct error *err)
{
	struct record_opened o;
	enum rc rc;

	*dot = (struct dot){ 0, 0 };
	if ((rc = record_parts_open(c, id, &o, err)) != RC_OK)
		return rc;
	if (o.form == NULL)
		rc = error_set(err, RC_NEWER, NULL, "update the forms of this computer",
		    "the record's form is not known here");
	else if (!register_alive(&o.state).deleted)
		rc = error_set(err, RC_INVALID, NULL, NULL, "the record is not deleted");
	else
		rc = record_rules_set_alive(c, &o, true, seen, reason, dot, err);
	record_parts_close(&o);
	return rc;
}

enum rc
record_void(const struct record_context *c, const struct dot *id, const char *field,
    const struct address *value, const char *reason, struct dot *dot, struct error *err)
{
	const struct merged_field *f;
	struct record_opened o;
	struct record_draft d;
	struct address *at;
	struct write *w;
	bool live = false;
	enum rc rc;

	*dot = (struct dot){ 0, 0 };
	if ((rc = need_reason(reason, err)) != RC_OK ||
	    (rc = record_parts_open_to_write(c, id, &o, err)) != RC_OK)
		return rc;
	record_draft_init(&d, o.form, clock_now(c->clock));
	if ((rc = record_parts_field(&o, field, &f, err)) != RC_OK)
		goto out;
	for (size_t i = 0; i < f->show.n_all; i++)
		live = live || (address_compare(&f->show.all[i]->address, value) == 0 &&
		    f->show.all[i]->voided.log == 0);
	if (f->rule.policy != FORM_APPEND)
		rc = error_set(err, RC_INVALID, field, "edit the field",
		    "only values of an appended list are struck through");
	else if (!live)
		rc = error_set(err, RC_NOTFOUND, field, NULL, "no such value in the field");
	if (rc != RC_OK)
		goto out;
	d.entry.record = o.id;
	if ((w = record_draft_write(&d, f->number, WRITE_VOID)) == NULL ||
	    (at = record_draft_replaces(&d, w, 1)) == NULL) {
		rc = RC_NOMEM;
		goto out;
	}
	*at = *value;
	rc = record_draft_commit(&d, c, &o.scope, reason, dot, err);
out:
	record_draft_reset(&d);
	record_parts_close(&o);
	return rc;
}

/* Restating ------------------------------------------------------------ */

static enum rc
check_left_out(const struct record_context *c, const struct dot *original,
    struct journal_log *log, struct error *err)
{
	enum rc rc = journal_log_get(c->db, original->log, log, err);

	if (rc != RC_OK)
		return rc;
	if (log->fork_n != 0 && original->n >= log->fork_n)
		return error_set(err, RC_INVALID, NULL, NULL, "that dot stands for several entries");
	if (original->n <= log->limit_n)
		return error_set(err, RC_INVALID, NULL, NULL, "that entry counts already");
	return RC_OK;
}

enum rc
record_enter_again(const struct record_context *c, const struct journal_log *log, struct entry *e,
    struct error *err)
{
	enum rc rc = journal_append(c->db, c->writer, &log->scope, log->folds, e, err);

	if (rc == RC_OK)
		rc = fold_entry(c->fold, e, err);
	return rc == RC_OK ? fold_flush(c->fold, err) : rc;
}

enum rc
record_restate(const struct record_context *c, const struct dot *original, struct dot *dot,
    struct error *err)
{
	struct journal_log log;
	struct bytes body;
	struct entry e;
	enum rc rc;

	*dot = (struct dot){ 0, 0 };
	bytes_init(&body);
	memset(&e, 0, sizeof(e));
	if ((rc = check_left_out(c, original, &log, err)) != RC_OK ||
	    (rc = journal_get(c->db, original, &body, err)) != RC_OK)
		goto out;
	if ((rc = entry_decode(body.data, body.len, *original, &e)) != RC_OK) {
		rc = error_set(err, rc, NULL, NULL, "that entry cannot be read");
		goto out;
	}
	/* what restates a restatement speaks of the same original */
	if (!e.restated)
		e.restates = *original;
	e.restated = true;
	if ((rc = record_enter_again(c, &log, &e, err)) == RC_OK)
		*dot = e.dot;
out:
	entry_reset(&e);
	bytes_wipe(&body);
	return rc;
}

/* Ids ------------------------------------------------------------------ */

enum rc
record_of_local(struct sqlite3 *db, int64_t local, struct dot *out)
{
	int64_t log = 0, n = 0;
	enum rc rc = query_int(db, NULL, &log, "SELECT log FROM record WHERE id = ?1", "i", local);

	if (rc == RC_OK)
		rc = query_int(db, NULL, &n, "SELECT n FROM record WHERE id = ?1", "i", local);
	*out = (struct dot){ (uint64_t)log, (uint64_t)n };
	return rc;
}

enum rc
record_to_local(struct sqlite3 *db, const struct dot *id, int64_t *out)
{
	return query_int(db, NULL, out, "SELECT id FROM record WHERE log = ?1 AND n = ?2", "ii",
	    (int64_t)id->log, (int64_t)id->n);
}

enum rc
record_value_text(const struct register_value *v, unsigned member, struct bytes *out)
{
	struct value_member members[ENTRY_GROUP_MAX];
	struct value value;
	enum rc rc = register_value_get(v, &value, members);

	if (rc != RC_OK)
		return rc;
	for (size_t i = 0; i < value.n_members; i++)
		if (value.members[i].field == member)
			value_text(&value.members[i].value, out);
	value_text(&value, out);
	return out->rc;
}
