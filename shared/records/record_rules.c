#include "shared/records/record_rules.h"

#include <stdlib.h>
#include <string.h>

#include "shared/forms/answers_state.h"
#include "shared/forms/expression.h"
#include "shared/records/record_draft.h"
#include "shared/records/value.h"

int64_t
record_rules_today(const struct record_context *c)
{
	struct date d;

	date_at(clock_now(c->clock), &d);
	return date_to_days(&d);
}

static int
by_number(const void *a, const void *b)
{
	const struct value_member *x = a, *y = b;

	return x->field < y->field ? -1 : x->field > y->field;
}

void
record_rules_sort_members(struct value_member *m, size_t n)
{
	if (n > 1)
		qsort(m, n, sizeof(*m), by_number);
}

/* Checking ------------------------------------------------------------- */

static enum rc
put_changes(struct answers *after, const struct answers *changes, struct error *err)
{
	enum rc rc = RC_OK;

	for (size_t i = 0; rc == RC_OK && i < answers_count(changes); i++) {
		const struct answer *a = answers_at(changes, i);

		if (a->field->policy != FORM_APPEND)
			rc = answers_clear(after, a->field->name, err);
		for (size_t k = 0; rc == RC_OK && k < a->n_items; k++)
			rc = answers_add(after, a->field->name, a->items[k], err);
	}
	return rc;
}

static bool
breaks(const struct answers_breach *b, size_t n, const struct form_field *field)
{
	for (size_t i = 0; i < n; i++)
		if (b[i].field == field)
			return true;
	return false;
}

/* Answers as they would stand, worked out; a breach is no failure. */
static enum rc
work_out(const struct record_context *c, const struct merged *m, const struct form *form,
    const struct answers *changes, struct record_trial *t, struct error *err)
{
	struct error broken;
	enum rc rc;

	error_clear(&broken);
	rc = m != NULL ? merged_answers(m, c->forms, &t->answers, err) :
	    answers_new(form, c->forms, &t->answers);
	if (rc == RC_OK && changes != NULL)
		rc = put_changes(t->answers, changes, err);
	if (rc != RC_OK)
		return rc;
	rc = answers_check(t->answers, record_rules_today(c), m == NULL, &t->breaches,
	    &t->n_breaches, c->lang, &broken);
	t->valid = rc == RC_OK;
	return rc == RC_OK || rc == RC_INVALID ? RC_OK :
	    error_set(err, rc, broken.where, NULL, "%s", broken.what);
}

/* The record with the changes; *first: the first rule that stands in their way, or NULL. */
static enum rc
try_changes(const struct record_context *c, const struct record_opened *o,
    const struct answers *changes, struct record_trial *t, const struct answers_breach **first,
    struct error *err)
{
	struct record_trial before;
	enum rc rc;

	memset(&before, 0, sizeof(before));
	*first = NULL;
	rc = work_out(c, &o->merged, o->form, NULL, &before, err);
	if (rc == RC_OK)
		rc = work_out(c, &o->merged, o->form, changes, t, err);
	for (size_t i = 0; rc == RC_OK && *first == NULL && i < t->n_breaches; i++) {
		const struct form_field *field = t->breaches[i].field;

		if (answers_find(changes, field->name) != NULL ||
		    !breaks(before.breaches, before.n_breaches, field))
			*first = &t->breaches[i];
	}
	t->valid = rc == RC_OK && *first == NULL;
	record_trial_reset(&before);
	return rc;
}

void
record_trial_reset(struct record_trial *t)
{
	answers_breaches_free(t->breaches, t->n_breaches);
	answers_breaches_free(t->warnings, t->n_warnings);
	answers_free(t->answers);
	memset(t, 0, sizeof(*t));
}

enum rc
record_try(const struct record_context *c, const struct dot *id, const struct answers *given,
    struct record_trial *out, struct error *err)
{
	const struct answers_breach *first;
	struct record_opened o;
	enum rc rc;

	memset(out, 0, sizeof(*out));
	if (id == NULL) {
		rc = work_out(c, NULL, given->form, given, out, err);
	} else if ((rc = record_parts_open_to_write(c, id, &o, err)) == RC_OK) {
		rc = o.form == given->form ? try_changes(c, &o, given, out, &first, err) :
		    error_set(err, RC_INVALID, o.form->name, NULL, "the record is of another form");
		record_parts_close(&o);
	}
	if (rc == RC_OK)
		rc = answers_warn(out->answers, record_rules_today(c), &out->warnings, &out->n_warnings,
		    err);
	if (rc != RC_OK)
		record_trial_reset(out);
	return rc;
}

enum rc
record_rules_check(const struct record_context *c, const struct record_opened *o,
    const struct answers *changes, struct error *err)
{
	const struct answers_breach *first;
	struct record_trial t;
	enum rc rc;

	memset(&t, 0, sizeof(t));
	rc = try_changes(c, o, changes, &t, &first, err);
	if (rc == RC_OK && first != NULL)
		rc = error_set(err, RC_INVALID, first->field->name, NULL, "%s",
		    first->message[c->lang]);
	record_trial_reset(&t);
	return rc;
}

/* Warnings ------------------------------------------------------------- */

static bool
hangs_on(const struct form *form, const struct form_field *f, const struct answers *changes)
{
	size_t at;

	if (answers_find(changes, f->name) != NULL)
		return true;
	for (size_t i = 0; (at = expression_uses(f->expected, i)) != SIZE_MAX; i++)
		if (answers_find(changes, form->fields[at].name) != NULL)
			return true;
	return false;
}

/* Keeps those that hang on the changes, in their order. */
static void
drop_others(const struct form *form, const struct answers *changes, struct answers_breach *all,
    size_t *n)
{
	size_t kept = 0;

	for (size_t i = 0; i < *n; i++) {
		struct answers_breach one = all[i];

		if (!hangs_on(form, one.field, changes))
			continue;
		all[i] = all[kept];
		all[kept++] = one;
	}
	for (size_t i = kept; i < *n; i++)
		for (int lang = 0; lang < FORM_LANGS; lang++)
			free(all[i].message[lang]);
	*n = kept;
}

enum rc
record_warnings(const struct record_context *c, const struct dot *id,
    const struct answers *changes, struct answers_breach **out, size_t *n, struct error *err)
{
	struct answers *a = NULL;
	struct record_opened o;
	enum rc rc = record_parts_open(c, id, &o, err);

	*out = NULL;
	*n = 0;
	if (rc != RC_OK)
		return rc;
	if (o.form != NULL && (rc = merged_answers(&o.merged, c->forms, &a, err)) == RC_OK)
		rc = answers_warn(a, record_rules_today(c), out, n, err);
	if (rc == RC_OK && changes != NULL)
		drop_others(o.form, changes, *out, n);
	answers_free(a);
	record_parts_close(&o);
	return rc;
}

/* Lowering ------------------------------------------------------------- */

enum rc
record_rules_lowering(const struct merged_field *f, const struct value *to,
    const char *reason, struct error *err)
{
	struct register_value v;
	struct bytes b;
	int64_t had, gets;

	if ((f->rule.policy != FORM_HIGHEST && f->rule.policy != FORM_DENY_WINS) ||
	    f->show.shown == NULL || (reason != NULL && reason[0] != '\0'))
		return RC_OK;
	bytes_init(&b);
	value_put(&b, to);
	if (b.rc != RC_OK)
		return RC_NOMEM;
	memset(&v, 0, sizeof(v));
	v.bytes = b.data;
	v.len = b.len;
	gets = register_rank(&f->rule, &v);
	had = register_rank(&f->rule, f->show.shown);
	bytes_reset(&b);
	if (gets >= had)
		return RC_OK;
	return error_set(err, RC_INVALID, f->field->name, "give a reason",
	    f->rule.policy == FORM_HIGHEST ? "lowering this needs a reason" :
	    "lifting this protection needs a reason");
}

/* Alive ---------------------------------------------------------------- */

static int
by_address(const void *a, const void *b)
{
	return address_compare(a, b);
}

/* A delete names every dot that was seen; a restoring, the values of `alive` alone. */
static enum rc
name_dots(struct record_draft *d, struct write *w, const struct record_seen *s,
    const struct record_seen_value *of_alive, size_t n_alive, bool all)
{
	size_t n = n_alive + (all ? s->token.n : 0), kept = 0;
	struct address *to = record_draft_replaces(d, w, n);

	if (to == NULL)
		return RC_NOMEM;
	for (size_t i = 0; i < n_alive; i++)
		to[kept++] = of_alive[i].address;
	for (size_t i = 0; all && i < s->token.n; i++)
		to[kept++] = (struct address){ s->token.dots[i], 0 };
	if (kept > 1)
		qsort(to, kept, sizeof(*to), by_address);
	n = 0;
	for (size_t i = 0; i < kept; i++)
		if (n == 0 || address_compare(&to[n - 1], &to[i]) != 0)
			to[n++] = to[i];
	w->n_replaces = n;
	return n > ENTRY_REPLACES_MAX ? RC_LIMIT : RC_OK;
}

enum rc
record_rules_set_alive(const struct record_context *c, const struct record_opened *o,
    bool alive, const char *seen, const char *reason, struct dot *dot, struct error *err)
{
	struct record_seen_value *values = NULL;
	struct record_draft d;
	struct record_seen s;
	struct value *v;
	struct write *w;
	size_t n = 0;
	enum rc rc = record_parts_see(c, o, seen, &s, err);

	if (rc != RC_OK)
		return rc;
	record_draft_init(&d, o->form, clock_now(c->clock));
	d.entry.record = o->id;
	if ((rc = record_parts_seen_values(o, &s, ENTRY_ALIVE, &values, &n)) != RC_OK)
		goto out;
	if ((w = record_draft_write(&d, ENTRY_ALIVE, WRITE_SET)) == NULL ||
	    (v = record_draft_values(&d, w, 1)) == NULL) {
		rc = RC_NOMEM;
		goto out;
	}
	v->type = VALUE_INTEGER;
	v->integer = alive ? 1 : 0;
	if ((rc = name_dots(&d, w, &s, values, n, !alive)) == RC_OK)
		rc = record_draft_commit(&d, c, &o->scope, reason, dot, err);
out:
	free(values);
	record_draft_reset(&d);
	record_parts_unsee(&s);
	return rc;
}
