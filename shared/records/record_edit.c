#include <stdlib.h>
#include <string.h>

#include "shared/records/record.h"
#include "shared/records/record_draft.h"
#include "shared/records/record_parts.h"
#include "shared/records/record_rules.h"
#include "shared/records/value.h"

/* One edit on its way. */
struct edit {
	const struct record_context *c;
	const struct record_opened *o;
	const struct record_seen *seen;
	const struct answers *changes;
	const char *reason;
	bool settles;		/* resolving: several values are what it is about */
	struct record_draft draft;
	struct error *err;
};

/* One register that the edit touches. */
struct touched {
	const struct merged_field *lead;
	struct record_seen_value *seen;
	size_t n_seen;
};

static const struct answer *
answer_of(const struct edit *e, const struct merged_field *f)
{
	return answers_find(e->changes, f->field->name);
}

static const char *
only_item(const struct answer *a)
{
	return a->n_items > 0 ? a->items[0] : "";
}

/* Names of the addresses that were seen, for `replaces`; keep: which of them. */
static enum rc
name_seen(struct edit *e, struct write *w, const struct touched *t, const bool *keep)
{
	struct address *to;
	size_t n = 0;

	for (size_t i = 0; i < t->n_seen; i++)
		n += keep == NULL || keep[i] ? 1 : 0;
	if (n > ENTRY_REPLACES_MAX)
		return error_set(e->err, RC_LIMIT, t->lead->field->name, NULL,
		    "more values than one save can replace");
	if ((to = record_draft_replaces(&e->draft, w, n)) == NULL)
		return RC_NOMEM;
	n = 0;
	for (size_t i = 0; i < t->n_seen; i++)
		if (keep == NULL || keep[i])
			to[n++] = t->seen[i].address;
	return RC_OK;
}

/* Lists ---------------------------------------------------------------- */

static enum rc
is_wanted(struct edit *e, const struct merged_field *f, const struct answer *a,
    const struct value *v, bool *out)
{
	enum rc rc = RC_OK;

	*out = false;
	for (size_t i = 0; rc == RC_OK && !*out && i < a->n_items; i++) {
		struct value item;

		rc = record_draft_value(&e->draft, f->field, a->items[i], &item);
		*out = rc == RC_OK && value_equal(&item, v);
	}
	return rc;
}

static enum rc
is_live(const struct merged_field *f, const struct value *v, bool *out)
{
	struct value_member members[ENTRY_GROUP_MAX];
	enum rc rc = RC_OK;

	*out = false;
	for (size_t i = 0; rc == RC_OK && !*out && i < f->show.n_all; i++) {
		struct value have;

		rc = register_value_get(f->show.all[i], &have, members);
		*out = rc == RC_OK && f->show.all[i]->voided.log == 0 && value_equal(&have, v);
	}
	return rc;
}

/* The items of the answer that are to be written: those that are not live. */
static enum rc
new_items(struct edit *e, const struct merged_field *f, const struct answer *a,
    struct value *out, size_t *n)
{
	*n = 0;
	for (size_t i = 0; i < a->n_items; i++) {
		bool live = false;
		enum rc rc = record_draft_value(&e->draft, f->field, a->items[i], &out[*n]);

		if (rc == RC_OK && f->rule.policy != FORM_APPEND)
			rc = is_live(f, &out[*n], &live);
		if (rc != RC_OK)
			return rc;
		*n += live ? 0 : 1;
	}
	return RC_OK;
}

/* The whole set is given: what is new is added, what was seen and is not wanted goes. */
static enum rc
edit_list(struct edit *e, const struct touched *t)
{
	const struct merged_field *f = t->lead;
	const struct answer *a = answer_of(e, f);
	struct value items[ANSWERS_ITEMS_MAX], *to;
	bool *gone = calloc(t->n_seen + 1, sizeof(*gone));
	size_t n_new = 0, n_gone = 0;
	struct write *w;
	enum rc rc = gone == NULL ? RC_NOMEM : new_items(e, f, a, items, &n_new);

	for (size_t i = 0; rc == RC_OK && f->rule.policy != FORM_APPEND && i < t->n_seen; i++) {
		bool wanted;

		rc = is_wanted(e, f, a, &t->seen[i].value, &wanted);
		gone[i] = !wanted;
		n_gone += wanted ? 0 : 1;
	}
	if (rc != RC_OK || n_new + n_gone == 0)
		goto out;
	if ((w = record_draft_write(&e->draft, f->number, WRITE_ITEMS)) == NULL ||
	    (to = record_draft_values(&e->draft, w, n_new)) == NULL) {
		rc = RC_NOMEM;
		goto out;
	}
	memcpy(to, items, n_new * sizeof(*to));
	rc = name_seen(e, w, t, gone);
out:
	free(gone);
	return rc;
}

/* Single values and groups --------------------------------------------- */

/* Of a group: the value that the author changed some members of. */
static enum rc
base_value(const struct edit *e, const struct touched *t, struct value *out,
    struct value_member *members)
{
	const struct register_show *show = &t->lead->show;
	const struct record_seen_value *last = NULL;

	memset(out, 0, sizeof(*out));
	for (size_t i = 0; i < show->n_all; i++)
		if (!e->seen->given || record_token_has(&e->seen->token, &show->all[i]->address.dot))
			return register_value_get(show->all[i], out, members);
	/* it was replaced meanwhile: what the author saw is in the journal */
	for (size_t i = 0; i < t->n_seen; i++)
		if (last == NULL || t->seen[i].saved_at >= last->saved_at)
			last = &t->seen[i];
	if (last != NULL)
		*out = last->value;
	return RC_OK;
}

static const struct value *
member_of(const struct value *group, unsigned number)
{
	for (size_t i = 0; i < group->n_members; i++)
		if (group->members[i].field == number)
			return &group->members[i].value;
	return NULL;
}

/* The statement as a whole: changed members, the others as they were seen. */
static enum rc
make_group(struct edit *e, const struct touched *t, struct value *out)
{
	const struct form_group *g = &e->o->form->groups[t->lead->field->group];
	struct value_member members[ENTRY_GROUP_MAX], *to;
	struct value base;
	bool empty = true;
	enum rc rc = base_value(e, t, &base, members);

	memset(out, 0, sizeof(*out));
	if (rc != RC_OK)
		return rc;
	if ((to = arena_alloc(&e->draft.arena, g->n_fields, sizeof(*to))) == NULL)
		return RC_NOMEM;
	for (size_t i = 0; rc == RC_OK && i < g->n_fields; i++) {
		const struct form_field *field = &e->o->form->fields[g->fields[i]];
		const struct answer *a = answers_find(e->changes, field->name);
		const struct value *had = member_of(&base, field->number);

		to[i].field = field->number;
		if (a != NULL)
			rc = record_draft_value(&e->draft, field, only_item(a), &to[i].value);
		else if (had != NULL)
			rc = record_draft_copy(&e->draft, had, &to[i].value);
		empty = empty && to[i].value.type == VALUE_NOTHING;
	}
	if (rc != RC_OK || empty)
		return rc;
	out->type = VALUE_GROUP;
	record_rules_sort_members(to, g->n_fields);
	out->members = to;
	out->n_members = g->n_fields;
	return RC_OK;
}

/* Is the register just this value already? */
static enum rc
is_unchanged(const struct merged_field *f, const struct value *v, bool *out)
{
	*out = false;
	if (f->show.n_all == 0) {
		*out = v->type == VALUE_NOTHING;
		return RC_OK;
	}
	return f->show.n_distinct == 1 ? is_live(f, v, out) : RC_OK;
}

static enum rc
edit_single(struct edit *e, const struct touched *t)
{
	const struct merged_field *f = t->lead;
	struct value v, *to;
	struct write *w;
	bool unchanged;
	enum rc rc;

	if (f->field->group >= 0)
		rc = make_group(e, t, &v);
	else
		rc = record_draft_value(&e->draft, f->field, only_item(answer_of(e, f)), &v);
	if (rc != RC_OK || (rc = is_unchanged(f, &v, &unchanged)) != RC_OK || unchanged)
		return rc;
	if (!e->settles && !e->seen->given && f->show.n_distinct > 1)
		return error_set(e->err, RC_CONFLICT, f->field->name,
		    "show the record, then give the token it shows",
		    "the field has several values");
	if ((rc = record_rules_lowering(f, &v, e->reason, e->err)) != RC_OK)
		return rc;
	if ((w = record_draft_write(&e->draft, f->number, WRITE_SET)) == NULL ||
	    (to = record_draft_values(&e->draft, w, 1)) == NULL)
		return RC_NOMEM;
	*to = v;
	return name_seen(e, w, t, NULL);
}

/* All of them ---------------------------------------------------------- */

static bool
is_touched(const struct edit *e, const struct merged_field *lead)
{
	for (size_t i = 0; i < e->o->merged.n_fields; i++)
		if (e->o->merged.fields[i].number == lead->number &&
		    answer_of(e, &e->o->merged.fields[i]) != NULL)
			return true;
	return false;
}

static enum rc
edit_all(struct edit *e)
{
	enum rc rc = RC_OK;

	for (size_t i = 0; rc == RC_OK && i < e->o->merged.n_fields; i++) {
		struct touched t = { .lead = &e->o->merged.fields[i] };

		if (!t.lead->leads || !is_touched(e, t.lead))
			continue;
		rc = record_parts_seen_values(e->o, e->seen, t.lead->number, &t.seen, &t.n_seen);
		if (rc == RC_OK)
			rc = t.lead->many ? edit_list(e, &t) : edit_single(e, &t);
		free(t.seen);
	}
	if (rc == RC_INVALID || rc == RC_INTERNAL)
		rc = error_set(e->err, rc, e->o->form->name, NULL, "a value cannot be written");
	return rc;
}

static enum rc
run_edit(struct edit *e, struct dot *dot)
{
	enum rc rc = record_rules_check(e->c, e->o, e->changes, e->err);

	if (rc != RC_OK)
		return rc;
	record_draft_init(&e->draft, e->o->form, clock_now(e->c->clock));
	e->draft.entry.record = e->o->id;
	rc = edit_all(e);
	if (rc == RC_OK && e->draft.entry.n_writes > 0)
		rc = record_draft_commit(&e->draft, e->c, &e->o->scope, e->reason, dot, e->err);
	record_draft_reset(&e->draft);
	return rc;
}

enum rc
record_edit(const struct record_context *c, const struct dot *id, struct answers *changes,
    const char *seen, const char *reason, struct dot *dot, struct error *err)
{
	struct record_opened o;
	struct record_seen s;
	struct edit e = { .c = c, .o = &o, .seen = &s, .changes = changes, .reason = reason,
		.err = err };
	enum rc rc;

	*dot = (struct dot){ 0, 0 };
	if ((rc = record_parts_open_to_write(c, id, &o, err)) != RC_OK)
		return rc;
	if ((rc = record_parts_see(c, &o, seen, &s, err)) == RC_OK) {
		rc = run_edit(&e, dot);
		record_parts_unsee(&s);
	}
	record_parts_close(&o);
	return rc;
}

/* Settling ------------------------------------------------------------- */

static enum rc
settle_with_value(struct edit *e, const struct merged_field *f, const char *value, struct dot *dot)
{
	struct answers *changes = NULL;
	enum rc rc = answers_new(e->o->form, e->c->forms, &changes);

	if (rc == RC_OK && value[0] == '\0')
		rc = answers_clear(changes, f->field->name, e->err);
	else if (rc == RC_OK)
		rc = answers_add(changes, f->field->name, value, e->err);
	e->changes = changes;
	if (rc == RC_OK)
		rc = run_edit(e, dot);
	answers_free(changes);
	return rc;
}

/* Is `pick` the name of this value, or of more than its shortest form? */
static bool
is_named(const struct address *a, const char *pick)
{
	char k[RECORD_K_MAX];
	size_t len = strlen(pick);

	record_parts_k(a, RECORD_PARTS_K_DIGITS, k);
	return len >= RECORD_PARTS_K_MIN && len <= RECORD_PARTS_K_DIGITS &&
	    strncmp(k, pick, len) == 0;
}

static enum rc
settle_with_pick(struct edit *e, const struct merged_field *f, const char *pick, struct dot *dot)
{
	struct touched t = { .lead = f };
	const struct record_seen_value *picked = NULL;
	struct value *to;
	struct write *w;
	enum rc rc = record_parts_seen_values(e->o, e->seen, f->number, &t.seen, &t.n_seen);

	for (size_t i = 0; rc == RC_OK && i < t.n_seen; i++) {
		if (!is_named(&t.seen[i].address, pick))
			continue;
		if (picked != NULL)
			rc = error_set(e->err, RC_INVALID, f->field->name, "give more digits of it",
			    "two values have names that begin so");
		picked = &t.seen[i];
	}
	if (rc == RC_OK && picked == NULL)
		rc = error_set(e->err, RC_NOTFOUND, f->field->name, "list the conflicts again",
		    "no value of that name was shown");
	/* to pick what the policy did not show is to lower or to lift, and asks for its reason */
	if (rc == RC_OK)
		rc = record_rules_lowering(f, &picked->value, e->reason, e->err);
	if (rc != RC_OK)
		goto out;
	record_draft_init(&e->draft, e->o->form, clock_now(e->c->clock));
	e->draft.entry.record = e->o->id;
	if ((w = record_draft_write(&e->draft, f->number, WRITE_SET)) == NULL ||
	    (to = record_draft_values(&e->draft, w, 1)) == NULL)
		rc = RC_NOMEM;
	else
		rc = record_draft_copy(&e->draft, &picked->value, to);
	if (rc == RC_OK)
		rc = name_seen(e, w, &t, NULL);
	if (rc == RC_OK)
		rc = record_draft_commit(&e->draft, e->c, &e->o->scope, e->reason, dot, e->err);
	record_draft_reset(&e->draft);
out:
	free(t.seen);
	return rc;
}

/* The delete and the edits it did not see: which of them was picked? */
static enum rc
settle_alive(struct edit *e, const char *pick, const char *value, const char *seen,
    struct dot *dot)
{
	const struct register_state *s = &e->o->state;
	bool found = false, alive = false;

	if (value != NULL) {
		found = strcmp(value, "0") == 0 || strcmp(value, "1") == 0;
		alive = strcmp(value, "1") == 0;
	}
	for (size_t i = 0; pick != NULL && i < s->n_fields; i++) {
		for (size_t k = 0; k < s->fields[i].n_values; k++) {
			const struct register_value *v = &s->fields[i].values[k];
			struct address at = v->address;

			if (s->fields[i].field != ENTRY_ALIVE)
				at.item = 0;	/* an edit is one value, whatever it wrote */
			if (!is_named(&at, pick))
				continue;
			found = true;
			alive = s->fields[i].field != ENTRY_ALIVE ||
			    (v->len == 2 && v->bytes[1] != 0);
		}
	}
	if (!found)
		return error_set(e->err, pick != NULL ? RC_NOTFOUND : RC_INVALID, "alive",
		    "list the conflicts again", "no value of that name was shown");
	return record_rules_set_alive(e->c, e->o, alive, seen, e->reason, dot, e->err);
}

enum rc
record_resolve(const struct record_context *c, const struct dot *id, const char *field,
    const char *pick, const char *value, const char *seen, const char *reason,
    struct dot *dot, struct error *err)
{
	const struct merged_field *f;
	struct record_opened o;
	struct record_seen s;
	struct edit e = { .c = c, .o = &o, .seen = &s, .reason = reason, .settles = true,
		.err = err };
	enum rc rc;

	*dot = (struct dot){ 0, 0 };
	if ((pick == NULL) == (value == NULL))
		return error_set(err, RC_USAGE, NULL, NULL, "give a value or the name of one");
	if ((rc = record_parts_open_to_write(c, id, &o, err)) != RC_OK)
		return rc;
	if ((rc = record_parts_see(c, &o, seen, &s, err)) != RC_OK)
		goto out;
	if (strcmp(field, "alive") == 0)
		rc = settle_alive(&e, pick, value, seen, dot);
	else if ((rc = record_parts_field(&o, field, &f, err)) == RC_OK && f->many)
		rc = error_set(err, RC_INVALID, field, "edit the field",
		    "a list has nothing to settle");
	else if (rc == RC_OK && value != NULL)
		rc = settle_with_value(&e, f, value, dot);
	else if (rc == RC_OK)
		rc = settle_with_pick(&e, f, pick, dot);
	record_parts_unsee(&s);
out:
	record_parts_close(&o);
	return rc;
}
