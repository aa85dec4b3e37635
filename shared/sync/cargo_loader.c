/* What stands around the streams of a cargo: logs, names, shapes, columns. */
#include <string.h>

#include "shared/sync/cargo_loader.h"

void
cargo_loader_fail(struct cargo_loader *l, enum rc rc)
{
	if (l->rc == RC_OK)
		l->rc = rc;
}

void *
cargo_loader_take(struct cargo_loader *l, size_t n, size_t size)
{
	void *p = l->rc == RC_OK ? arena_alloc(l->arena, n, size) : NULL;

	if (p == NULL)
		cargo_loader_fail(l, l->arena->limit != 0 && l->arena->total > l->arena->limit / 2 ?
		    RC_LIMIT : RC_NOMEM);
	return p;
}

/* A count of things that take at least one byte each of what is left. */
static size_t
count_of(struct reader *r, size_t max)
{
	size_t left = reader_left(r);

	return (size_t)reader_varint_max(r, left < max ? left : max);
}

/* ---- what stands before the streams ---- */

static void
read_logs(struct cargo_loader *l)
{
	uint8_t kind;

	l->out->logs = cargo_loader_take(l, l->n_ranges, sizeof(*l->out->logs));
	for (size_t i = 0; i < l->n_ranges && l->rc == RC_OK && !l->in.bad; i++) {
		struct cargo_log *g = &l->out->logs[i];

		*g = l->ranges[i];
		g->tips = NULL;
		g->n_tips = 0;
		kind = reader_u8(&l->in);
		if (kind > 1) {	/* another kind of key: a later version */
			cargo_loader_fail(l, RC_NEWER);
			return;
		}
		g->keyless = kind == 1;
		if (!g->keyless)
			reader_copy(&l->in, g->key, ENTRY_LOG_KEY_BYTES);
		if (g->first != 1)
			continue;
		g->n_tips = (size_t)reader_varint_max(&l->in, ENTRY_TIPS_MAX);
		g->tips = cargo_loader_take(l, g->n_tips, sizeof(*g->tips));
		for (size_t t = 0; t < g->n_tips && g->tips != NULL; t++) {
			g->tips[t].log = reader_u64(&l->in);
			g->tips[t].n = reader_varint(&l->in);
			reader_copy(&l->in, g->tips[t].head, ENTRY_HEAD_BYTES);
			if (g->tips[t].log == 0 || g->tips[t].n == 0)
				l->in.bad = true;
		}
	}
	l->out->n_logs = l->n_ranges;
}

static void
read_names(struct cargo_loader *l)
{
	l->n_others = (size_t)reader_varint_max(&l->in, reader_left(&l->in) / 8);
	l->others = reader_take(&l->in, l->n_others * 8);
	l->n_forms = count_of(&l->in, CARGO_SHAPES_MAX);
	l->forms = cargo_loader_take(l, l->n_forms, sizeof(*l->forms));
	for (size_t i = 0; i < l->n_forms && l->rc == RC_OK && !l->in.bad; i++) {
		struct form_name *f = &l->forms[i];

		f->name = (const char *)reader_span(&l->in, ENTRY_FORM_NAME_MAX, &f->len);
		f->version = (unsigned)reader_varint_max(&l->in, UINT32_MAX);
	}
}

static size_t
column_of(struct cargo_loader *l, size_t form, unsigned field, unsigned member)
{
	/* columns number a few hundred: newest first finds most at once */
	for (size_t i = l->n_columns; i-- > 0;)
		if (l->keys[i].form == form && l->keys[i].field == field &&
		    l->keys[i].member == member)
			return i;
	if (l->n_columns == CARGO_COLUMNS_MAX) {
		cargo_loader_fail(l, RC_LIMIT);
		return 0;
	}
	if (l->n_columns == l->keys_cap) {
		size_t cap = l->keys_cap ? l->keys_cap * 2 : 64;
		struct column_key *keys = cargo_loader_take(l, cap, sizeof(*keys));

		if (keys == NULL)
			return 0;
		if (l->n_columns > 0)
			memcpy(keys, l->keys, l->n_columns * sizeof(*keys));
		l->keys = keys;
		l->keys_cap = cap;
	}
	l->keys[l->n_columns] = (struct column_key){ form, field, member };
	return l->n_columns++;
}

static void
read_members(struct cargo_loader *l, struct shape *s, struct shape_write *w)
{
	w->n_members = count_of(&l->in, ENTRY_GROUP_MAX);
	w->members = cargo_loader_take(l, w->n_members, sizeof(*w->members));
	for (size_t m = 0; m < w->n_members && l->rc == RC_OK && !l->in.bad; m++) {
		w->members[m].field = (unsigned)reader_varint_max(&l->in, ENTRY_FIELD_MAX);
		w->members[m].type = reader_u8(&l->in);
		if (w->members[m].type >= VALUE_GROUP)
			l->in.bad = true;
		if (l->in.bad)
			return;
		w->members[m].column = column_of(l, s->form, w->field, w->members[m].field);
	}
}

static void
read_shape(struct cargo_loader *l, struct shape *s)
{
	unsigned field = 0;

	s->form = (size_t)reader_varint(&l->in);
	s->flags = reader_u8(&l->in);
	if (s->form >= l->n_forms || s->flags > SHAPE_FLAGS_MAX)
		l->in.bad = true;
	s->n_writes = count_of(&l->in, ENTRY_WRITES_MAX);
	s->writes = cargo_loader_take(l, s->n_writes, sizeof(*s->writes));
	for (size_t i = 0; i < s->n_writes && l->rc == RC_OK && !l->in.bad; i++) {
		struct shape_write *w = &s->writes[i];
		unsigned both;

		field += (unsigned)reader_varint_max(&l->in, ENTRY_FIELD_MAX);
		both = reader_u8(&l->in);
		w->field = field;
		w->kind = both >> 4;
		w->type = both & 15;
		if (field > ENTRY_FIELD_MAX || w->kind > (SHAPE_REPLACES | WRITE_VOID) ||
		    (w->kind & 3) > WRITE_VOID ||
		    (w->type > VALUE_GROUP && w->type != SHAPE_MIXED) ||
		    (w->type == SHAPE_MIXED && (w->kind & 3) != WRITE_ITEMS) ||
		    (w->type == VALUE_GROUP && (w->kind & 3) != WRITE_SET))
			l->in.bad = true;
		if (l->in.bad)
			return;
		w->column = column_of(l, s->form, w->field, 0);
		if (w->type == VALUE_GROUP)
			read_members(l, s, w);
	}
}

static void
read_stream(struct cargo_loader *l, struct reader *r)
{
	size_t len;
	const uint8_t *p = reader_span(&l->in, l->in.len, &len);

	reader_init(r, p, p == NULL ? 0 : len);
}

static void
read_streams(struct cargo_loader *l)
{
	l->n_shapes = count_of(&l->in, CARGO_SHAPES_MAX);
	l->shapes = cargo_loader_take(l, l->n_shapes, sizeof(*l->shapes));
	for (size_t i = 0; i < l->n_shapes && l->rc == RC_OK && !l->in.bad; i++)
		read_shape(l, &l->shapes[i]);
	read_stream(l, &l->ids);
	read_stream(l, &l->saved);
	read_stream(l, &l->records);
	read_stream(l, &l->restates);
	read_stream(l, &l->replaces);
	read_stream(l, &l->tags);
	read_stream(l, &l->reasons.main);
	read_stream(l, &l->reasons.literals);
	l->columns = cargo_loader_take(l, l->n_columns, sizeof(*l->columns));
	for (size_t i = 0; i < l->n_columns && l->rc == RC_OK && !l->in.bad; i++) {
		read_stream(l, &l->columns[i].main);
		read_stream(l, &l->columns[i].literals);
	}
	if (!reader_done(&l->in))
		cargo_loader_fail(l, RC_FORMAT);
}

void
cargo_loader_layout(struct cargo_loader *l)
{
	read_logs(l);
	if (l->rc == RC_OK)
		read_names(l);
	if (l->rc == RC_OK)
		read_streams(l);
	if (l->rc == RC_OK && l->in.bad)
		l->rc = RC_FORMAT;
}
