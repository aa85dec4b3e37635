#include "shared/records/history.h"

#include <stdlib.h>
#include <string.h>

#include "shared/base/text.h"
#include "shared/records/record_parts.h"
#include "shared/records/register_parts.h"
#include "shared/records/statement.h"
#include "shared/records/value.h"
#include "shared/vault/query.h"

struct reading {
	const struct record_context *c;
	const struct record_opened *o;
	struct history *out;
	size_t cap;
	bool other_branch;	/* the rows are of the branch of a fork that came second */
	struct error *err;
};

/* Where an entry stands ------------------------------------------------ */

/* Does a restating entry's own text count, or that of the original or of an equal? */
static bool
is_outdone(const struct register_state *s, const struct register_dot *d)
{
	struct dot root = register_parts_root(s, &d->dot);

	for (size_t i = 0; i < s->n_dots; i++) {
		struct dot other = register_parts_root(s, &s->dots[i].dot);

		if (dot_compare(&other, &root) != 0 || &s->dots[i] == d)
			continue;
		if (s->dots[i].restates.log == 0 || dot_compare(&s->dots[i].dot, &d->dot) < 0)
			return true;
	}
	return false;
}

static enum rc
place_entry(const struct reading *r, struct history_entry *e)
{
	const struct register_state *s = &r->o->state;
	struct journal_log log;
	bool found;
	size_t i = register_parts_find_dot(s, &e->dot, &found);
	enum rc rc = journal_log_get(r->c->db, e->dot.log, &log, r->err);

	if (rc != RC_OK)
		return rc;
	memcpy(e->by, log.device, sizeof(e->by));
	if (r->other_branch)
		e->standing = HISTORY_FORKED;
	else if (found && s->dots[i].restates.log != 0 && is_outdone(s, &s->dots[i]))
		e->standing = HISTORY_RESTATED;
	else if (found)
		e->standing = HISTORY_COUNTS;
	else if (log.fork_n != 0 && e->dot.n >= log.fork_n)
		e->standing = HISTORY_FORKED;
	else if (e->dot.n > log.limit_n)
		e->standing = HISTORY_BEYOND_LIMIT;
	else
		e->standing = HISTORY_OTHER_SCOPE;
	return RC_OK;
}

/* What it wrote -------------------------------------------------------- */

static const struct form_field *
first_field(const struct reading *r, unsigned number)
{
	for (size_t i = 0; i < r->o->merged.n_fields; i++)
		if (r->o->merged.fields[i].number == number && r->o->merged.fields[i].leads)
			return r->o->merged.fields[i].field;
	return NULL;
}

static bool
is_live(const struct register_state *s, unsigned number, const struct address *a)
{
	const struct register_field *f = register_find(s, number);

	for (size_t i = 0; f != NULL && i < f->n_values; i++)
		if (address_compare(&f->values[i].address, a) == 0)
			return true;
	return false;
}

/* A statement reads "name=value name=value"; all else as its field shows it. */
static void
put_value(const struct reading *r, const struct value *v, struct bytes *out)
{
	bool first = true;

	value_text(v, out);
	for (size_t i = 0; i < v->n_members; i++) {
		const struct form_field *field = r->o->form == NULL ? NULL :
		    form_field_numbered(r->o->form, v->members[i].field);

		if (v->members[i].value.type == VALUE_NOTHING)
			continue;
		bytes_text(out, first ? "" : " ");
		if (field != NULL)
			bytes_text(out, field->name);
		else
			bytes_printf(out, "%u", v->members[i].field);
		bytes_text(out, "=");
		value_text(&v->members[i].value, out);
		first = false;
	}
}

static enum rc
copy_write(const struct reading *r, const struct entry *e, const struct write *w,
    struct history_write *out)
{
	out->number = w->field;
	out->field = first_field(r, w->field);
	out->kind = w->kind;
	out->values = calloc(w->n_values + 1, sizeof(*out->values));
	out->replaces = calloc(w->n_replaces + 1, sizeof(*out->replaces));
	if (out->values == NULL || out->replaces == NULL)
		return RC_NOMEM;
	if (w->n_replaces > 0)
		memcpy(out->replaces, w->replaces, w->n_replaces * sizeof(*out->replaces));
	out->n_replaces = w->n_replaces;
	for (size_t i = 0; i < w->n_values; i++) {
		struct history_value *v = &out->values[out->n_values++];
		struct bytes text;

		v->address.dot = e->dot;
		v->address.item = w->kind == WRITE_SET ? 0 : (uint32_t)i + 1;
		v->live = !r->other_branch && is_live(&r->o->state, w->field, &v->address);
		bytes_init(&text);
		put_value(r, &w->values[i], &text);
		v->text = text.rc == RC_OK ? text_dup(bytes_cstr(&text)) : NULL;
		bytes_wipe(&text);
		if (v->text == NULL)
			return RC_NOMEM;
	}
	return RC_OK;
}

static enum rc
copy_entry(const struct reading *r, const struct entry *e, struct history_entry *out)
{
	enum rc rc = RC_OK;

	out->restates = e->restates;
	out->at = e->saved_at;
	out->form_version = e->form_version;
	out->creates = e->creates;
	if (e->reason != NULL) {
		if ((out->reason = calloc(1, e->reason_len + 1)) == NULL)
			return RC_NOMEM;
		memcpy(out->reason, e->reason, e->reason_len);
	}
	if ((out->writes = calloc(e->n_writes + 1, sizeof(*out->writes))) == NULL)
		return RC_NOMEM;
	for (size_t i = 0; rc == RC_OK && i < e->n_writes; i++)
		rc = copy_write(r, e, &e->writes[i], &out->writes[out->n_writes++]);
	return rc;
}

static enum rc
add_row(void *ctx, const struct journal_row *row)
{
	struct reading *r = ctx;
	struct history *h = r->out;
	struct history_entry *to;
	struct entry e;
	enum rc rc;

	if (h->n_entries == r->cap) {
		size_t cap = r->cap == 0 ? 16 : r->cap * 2;

		if ((to = realloc(h->entries, cap * sizeof(*to))) == NULL)
			return RC_NOMEM;
		h->entries = to;
		r->cap = cap;
	}
	to = &h->entries[h->n_entries++];
	memset(to, 0, sizeof(*to));
	to->dot = row->dot;
	if ((rc = place_entry(r, to)) != RC_OK)
		return rc;
	to->hollow = row->body == NULL;
	if (to->hollow)
		return RC_OK;
	if ((rc = entry_decode(row->body, row->len, row->dot, &e)) == RC_OK)
		rc = copy_entry(r, &e, to);
	entry_reset(&e);
	return rc;
}

/* The branch of a fork that came second: kept whole, and a history of its records, too. */
static enum rc
add_other_branches(struct reading *r, const struct dot *id)
{
	struct sqlite3_stmt *q = NULL;
	bool row;
	enum rc rc = query_open(r->c->db, r->err, &q, "SELECT log, n, body FROM entry_other"
	    " WHERE body IS NOT NULL ORDER BY log < 0, log, n, after", "");

	r->other_branch = true;
	while (rc == RC_OK && (rc = query_next(q, &row, r->err)) == RC_OK && row) {
		struct journal_row of = { .dot = { statement_u64(q, 0), statement_u64(q, 1) } };
		struct entry e;

		of.body = query_column_blob(q, 2, &of.len);
		rc = entry_decode(of.body, of.len, of.dot, &e);
		if (rc == RC_OK && dot_compare(&e.record, id) == 0)
			rc = add_row(r, &of);
		else if (rc == RC_NEWER || rc == RC_FORMAT)
			rc = RC_OK;
		entry_reset(&e);
	}
	query_close(q);
	return rc;
}

/* In order ------------------------------------------------------------- */

static bool
names(const struct history_entry *later, const struct dot *earlier)
{
	for (size_t i = 0; i < later->n_writes; i++)
		for (size_t k = 0; k < later->writes[i].n_replaces; k++)
			if (dot_compare(&later->writes[i].replaces[k].dot, earlier) == 0)
				return true;
	return false;
}

static bool
is_earlier(const struct history_entry *a, const struct history_entry *b)
{
	return a->at != b->at ? a->at < b->at : dot_compare(&a->dot, &b->dot) < 0;
}

/*
 * The earliest of those that wait for nothing.  If they go in a ring, which only a program
 * that is not ours can write, the earliest of all.
 */
static size_t
next_of(const struct history_entry *e, const size_t *waits, size_t from, size_t n)
{
	size_t best = n, any = from;

	for (size_t i = from; i < n; i++) {
		if (is_earlier(&e[i], &e[any]))
			any = i;
		if (waits[i] == 0 && (best == n || is_earlier(&e[i], &e[best])))
			best = i;
	}
	return best < n ? best : any;
}

/* By time, but what replaced another stands after it, whatever the clocks said. */
static enum rc
put_in_order(struct history *h)
{
	struct history_entry *e = h->entries;
	size_t n = h->n_entries, *waits = calloc(n + 1, sizeof(*waits));

	if (waits == NULL)
		return RC_NOMEM;
	for (size_t i = 0; i < n; i++)
		for (size_t k = 0; k < n; k++)
			waits[i] += k != i && names(&e[i], &e[k].dot);
	for (size_t i = 0; i < n; i++) {
		size_t k = next_of(e, waits, i, n);
		struct history_entry next = e[k];

		memmove(&e[i + 1], &e[i], (k - i) * sizeof(*e));
		memmove(&waits[i + 1], &waits[i], (k - i) * sizeof(*waits));
		e[i] = next;
		for (k = i + 1; k < n; k++)
			waits[k] -= names(&e[k], &next.dot);
	}
	free(waits);
	return RC_OK;
}

enum rc
history_read(const struct record_context *c, const struct dot *id, struct history *out,
    struct error *err)
{
	struct record_opened o;
	struct reading r = { .c = c, .o = &o, .out = out, .err = err };
	enum rc rc;

	memset(out, 0, sizeof(*out));
	rc = record_parts_open(c, id, &o, NULL);
	/* nothing of it counts, but there may be entries that are left out */
	if (rc != RC_OK && rc != RC_NOTFOUND)
		return error_set(err, rc, NULL, NULL, "cannot read the record");
	rc = journal_read_record(c->db, id, add_row, &r, err);
	if (rc == RC_OK)
		rc = add_other_branches(&r, id);
	if (rc == RC_OK && out->n_entries == 0)
		rc = error_set(err, RC_NOTFOUND, NULL, NULL, "no such record here");
	if (rc == RC_OK)
		rc = put_in_order(out);
	if (rc != RC_OK)
		history_reset(out);
	record_parts_close(&o);
	return rc;
}

void
history_reset(struct history *h)
{
	for (size_t i = 0; i < h->n_entries; i++) {
		struct history_entry *e = &h->entries[i];

		for (size_t k = 0; k < e->n_writes; k++) {
			for (size_t v = 0; v < e->writes[k].n_values; v++)
				free(e->writes[k].values[v].text);
			free(e->writes[k].values);
			free(e->writes[k].replaces);
		}
		free(e->writes);
		free(e->reason);
	}
	free(h->entries);
	memset(h, 0, sizeof(*h));
}
