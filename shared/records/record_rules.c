#include "shared/records/record_rules.h"

#include <stdlib.h>
#include <string.h>

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

static enum rc
compare(const struct record_context *c, const struct answers *changes,
    const struct answers_breach *before, size_t n_before, const struct answers_breach *after,
    size_t n_after, struct error *err)
{
	for (size_t i = 0; i < n_after; i++) {
		const struct form_field *field = after[i].field;

		if (answers_find(changes, field->name) != NULL || !breaks(before, n_before, field))
			return error_set(err, RC_INVALID, field->name, NULL, "%s",
			    after[i].message[c->lang]);
	}
	return RC_OK;
}

enum rc
record_rules_check(const struct record_context *c, const struct record_opened *o,
    const struct answers *changes, struct error *err)
{
	struct answers_breach *b[2] = { NULL, NULL };
	struct answers *a[2] = { NULL, NULL };
	size_t n[2] = { 0, 0 };
	int64_t today = record_rules_today(c);
	enum rc rc = RC_OK;

	/* 0: as it stands; 1: with the changes */
	for (int i = 0; rc == RC_OK && i < 2; i++) {
		struct error broken;

		error_clear(&broken);
		rc = merged_answers(&o->merged, c->forms, &a[i], err);
		if (rc == RC_OK && i == 1)
			rc = put_changes(a[i], changes, err);
		if (rc == RC_OK) {
			rc = answers_check(a[i], today, false, &b[i], &n[i], c->lang, &broken);
			if (rc == RC_INVALID)
				rc = RC_OK;
			else if (rc != RC_OK)
				rc = error_set(err, rc, broken.where, NULL, "%s", broken.what);
		}
	}
	if (rc == RC_OK)
		rc = compare(c, changes, b[0], n[0], b[1], n[1], err);
	for (int i = 0; i < 2; i++) {
		answers_breaches_free(b[i], n[i]);
		answers_free(a[i]);
	}
	return rc;
}

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
