#include "shared/records/register.h"

#include <stdlib.h>
#include <string.h>

#include "shared/records/register_parts.h"
#include "shared/records/value.h"

/* One entry on its way into a state. */
struct applying {
	struct register_state *s;
	const struct entry *e;
	struct dot root;	/* of the entry's class */
	bool settled;		/* the root itself is here: nothing of it is awaited */
};

static bool
is_here(const struct register_state *s, const struct dot *d)
{
	bool found;
	size_t i = register_parts_find_dot(s, d, &found);

	/* a ring of restatements has a root that restates, and no original */
	return found && s->dots[i].restates.log == 0;
}

static bool
add_dot(struct register_state *s, const struct entry *e, size_t at)
{
	if (!register_parts_grow(&s->dots, s->n_dots, &s->cap_dots, sizeof(*s->dots)))
		return false;
	memmove(&s->dots[at + 1], &s->dots[at], (s->n_dots - at) * sizeof(*s->dots));
	memset(&s->dots[at], 0, sizeof(s->dots[at]));
	s->dots[at].dot = e->dot;
	s->dots[at].saved_at = e->saved_at;
	if (e->restated) {
		s->dots[at].restates = e->restates;
		s->n_restating++;
	}
	s->n_dots++;
	return true;
}

/* The form comes from the creating entry, else from the smallest dot. */
static void
note_form(struct register_state *s, const struct entry *e)
{
	struct dot source;

	s->creator = register_parts_creator(s);
	source = s->creator.log != 0 ? s->creator : s->dots[0].dot;
	if (dot_compare(&source, &e->dot) != 0 || e->form_len > ENTRY_FORM_NAME_MAX)
		return;
	memcpy(s->form, e->form, e->form_len);
	s->form[e->form_len] = '\0';
	s->form_version = e->form_version;
}

static void
remove_value(struct register_field *f, size_t i)
{
	f->n_values--;
	memmove(&f->values[i], &f->values[i + 1], (f->n_values - i) * sizeof(*f->values));
}

static void
remove_pending(struct register_field *f, size_t i)
{
	f->n_pending--;
	memmove(&f->pending[i], &f->pending[i + 1], (f->n_pending - i) * sizeof(*f->pending));
}

static struct dot
earlier_void(struct dot a, struct dot b)
{
	if (a.log == 0)
		return b;
	if (b.log == 0)
		return a;
	return dot_compare(&a, &b) < 0 ? a : b;
}

/* Remember a replacement or void of a value whose class still awaits something. */
static bool
remember(struct register_state *s, struct register_field *f, const struct address *a,
    bool replaced, struct dot voided)
{
	bool found;
	size_t i;

	if (s->forget_pending)
		return true;
	i = register_parts_find_pending(f, a, &found);
	if (!found) {
		if (!register_parts_grow(&f->pending, f->n_pending, &f->cap_pending,
		    sizeof(*f->pending)))
			return false;
		memmove(&f->pending[i + 1], &f->pending[i],
		    (f->n_pending - i) * sizeof(*f->pending));
		memset(&f->pending[i], 0, sizeof(f->pending[i]));
		f->pending[i].address = *a;
		f->n_pending++;
	}
	f->pending[i].replaced = f->pending[i].replaced || replaced;
	f->pending[i].voided = earlier_void(f->pending[i].voided, voided);
	return true;
}

/* Replace or void what is live at a (a root's address); remember it if more may come. */
static bool
strike(struct register_state *s, unsigned field, const struct address *a, bool replaced,
    struct dot voided)
{
	struct register_field *f = register_parts_field(s, field);
	bool found;
	size_t i;

	if (f == NULL)
		return false;
	i = register_parts_find_value(f, &a->dot, a->item, &found);
	if (found && replaced)
		remove_value(f, i);
	else if (found)
		f->values[i].voided = earlier_void(f->values[i].voided, voided);
	return is_here(s, &a->dot) || remember(s, f, a, replaced, voided);
}

/* Put a value in its place, unless it was replaced before it came there. */
static bool
insert_value(struct register_field *f, struct register_value *v)
{
	struct address at = { v->root, v->address.item };
	bool found;
	size_t i = register_parts_find_pending(f, &at, &found);

	if (found && f->pending[i].replaced)
		return true;
	if (found)
		v->voided = earlier_void(v->voided, f->pending[i].voided);
	i = register_parts_find_value(f, &v->root, v->address.item, &found);
	if (found) {
		f->values[i] = *v;
		return true;
	}
	if (!register_parts_grow(&f->values, f->n_values, &f->cap_values, sizeof(*f->values)))
		return false;
	memmove(&f->values[i + 1], &f->values[i], (f->n_values - i) * sizeof(*f->values));
	f->values[i] = *v;
	f->n_values++;
	return true;
}

/*
 * Classes that hung on this entry's dot now hang on its root: their values and
 * pending strikes move.  Values that meet there are sorted out by the winner.
 */
static bool
move_class(struct applying *a, struct register_field *f, struct dot winner)
{
	const struct dot from = a->e->dot;

	for (size_t i = 0; i < f->n_values; ) {
		struct register_value v = f->values[i];

		if (dot_compare(&v.root, &from) != 0) {
			i++;
			continue;
		}
		remove_value(f, i);
		v.root = a->root;
		if (dot_compare(&v.address.dot, &winner) == 0) {
			if (!insert_value(f, &v))
				return false;
			i = 0;
		}
	}
	for (size_t i = 0; i < f->n_pending; ) {
		struct register_pending p = f->pending[i];

		if (dot_compare(&p.address.dot, &from) != 0) {
			i++;
			continue;
		}
		remove_pending(f, i);
		p.address.dot = a->root;
		if (!strike(a->s, f->field, &p.address, p.replaced, p.voided))
			return false;
		i = 0;
	}
	return true;
}

/* The dot whose values count in the entry's class. */
static struct dot
winner_of(const struct applying *a)
{
	const struct register_state *s = a->s;

	if (a->settled)
		return a->root;
	for (size_t i = 0; i < s->n_dots; i++) {
		struct dot root;

		if (s->dots[i].restates.log == 0)
			continue;
		root = register_parts_root(s, &s->dots[i].dot);
		if (dot_compare(&root, &a->root) == 0)
			return s->dots[i].dot;	/* ascending: the smallest */
	}
	return a->e->dot;
}

/* Values in the class that another than the winner wrote. */
static void
drop_losers(struct applying *a, struct dot winner)
{
	for (size_t k = 0; k < a->s->n_fields; k++) {
		struct register_field *f = &a->s->fields[k];

		for (size_t i = 0; i < f->n_values; ) {
			if (dot_compare(&f->values[i].root, &a->root) == 0 &&
			    dot_compare(&f->values[i].address.dot, &winner) != 0)
				remove_value(f, i);
			else
				i++;
		}
	}
}

static bool
keep_bytes(struct applying *a, const struct write *w, const struct value *v,
    struct register_value *out)
{
	struct bytes b;
	uint8_t *room;

	bytes_init(&b);
	value_put(&b, v);
	room = b.rc != RC_OK ? NULL : register_parts_room(a->s, b.len);
	if (room != NULL) {
		memcpy(room, b.data, b.len);
		out->bytes = room;
		out->len = b.len;
	}
	bytes_reset(&b);
	if (room == NULL || w->field != ENTRY_ALIVE || w->n_replaces == 0)
		return room != NULL;
	room = register_parts_room(a->s, w->n_replaces * sizeof(struct dot));
	if (room == NULL)
		return false;
	for (size_t i = 0; i < w->n_replaces; i++)
		memcpy(room + i * sizeof(struct dot), &w->replaces[i].dot, sizeof(struct dot));
	out->seen = (const struct dot *)(const void *)room;
	out->n_seen = w->n_replaces;
	return true;
}

static bool
place_value(struct applying *a, const struct write *w, size_t k)
{
	struct register_field *f = register_parts_field(a->s, w->field);
	struct register_value v = { .address = { a->e->dot, w->kind == WRITE_SET ? 0 :
		(uint32_t)(k + 1) }, .root = a->root, .saved_at = a->e->saved_at };

	if (f == NULL)
		return false;
	return keep_bytes(a, w, &w->values[k], &v) && insert_value(f, &v);
}

/* What this entry wrote, less what was replaced before it came. */
static bool
place_values(struct applying *a)
{
	for (size_t i = 0; i < a->e->n_writes; i++)
		for (size_t k = 0; k < a->e->writes[i].n_values; k++)
			if (!place_value(a, &a->e->writes[i], k))
				return false;
	return true;
}

/* The root is here: nothing that was remembered for its class is needed any more. */
static void
forget_strikes(struct applying *a)
{
	for (size_t k = 0; k < a->s->n_fields; k++) {
		struct register_field *f = &a->s->fields[k];

		for (size_t i = 0; i < f->n_pending; ) {
			if (dot_compare(&f->pending[i].address.dot, &a->root) == 0)
				remove_pending(f, i);
			else
				i++;
		}
	}
}

static bool
strike_all(struct applying *a)
{
	const struct dot none = { 0, 0 };

	for (size_t i = 0; i < a->e->n_writes; i++) {
		const struct write *w = &a->e->writes[i];
		bool voids = w->kind == WRITE_VOID;

		for (size_t k = 0; k < w->n_replaces; k++) {
			struct address at = { register_parts_root(a->s, &w->replaces[k].dot),
				w->replaces[k].item };

			if (!strike(a->s, w->field, &at, !voids, voids ? a->e->dot : none))
				return false;
		}
	}
	return true;
}

static void
drop_empty_fields(struct register_state *s)
{
	size_t to = 0;

	for (size_t i = 0; i < s->n_fields; i++) {
		if (s->fields[i].n_values == 0 && s->fields[i].n_pending == 0) {
			free(s->fields[i].values);
			free(s->fields[i].pending);
		} else {
			s->fields[to++] = s->fields[i];
		}
	}
	s->n_fields = to;
}

enum rc
register_apply(struct register_state *s, const struct entry *e, bool *is_new)
{
	struct applying a = { .s = s, .e = e };
	struct dot winner;
	bool found;
	size_t at;

	*is_new = false;
	if (dot_compare(&e->record, &s->record) != 0)
		return RC_INVALID;
	at = register_parts_find_dot(s, &e->dot, &found);
	if (found)
		return RC_OK;
	*is_new = true;
	if (!add_dot(s, e, at))
		return RC_NOMEM;
	note_form(s, e);
	a.root = register_parts_root(s, &e->dot);
	a.settled = is_here(s, &a.root);
	winner = s->n_restating == 0 ? e->dot : winner_of(&a);
	if (dot_compare(&a.root, &e->dot) != 0)
		for (size_t k = 0; k < s->n_fields; k++)
			if (!move_class(&a, &s->fields[k], winner))
				return RC_NOMEM;
	if (s->n_restating > 0)
		drop_losers(&a, winner);
	if (dot_compare(&winner, &e->dot) == 0 && !place_values(&a))
		return RC_NOMEM;
	if (a.settled)
		forget_strikes(&a);
	if (!strike_all(&a))
		return RC_NOMEM;
	drop_empty_fields(s);
	return RC_OK;
}
