#include <string.h>

#include "shared/sync/cargo_columns.h"

/* A column while it is read: its streams, and the texts seen so far. */
struct column {
	struct reader main, literals;
	const char **texts;
	size_t *lens;
	size_t n_texts, cap;
};

struct form_name {
	const char *name;
	size_t len;
	unsigned version;
};

struct loader {
	struct reader in;
	struct arena *arena;
	const struct cargo_log *ranges;
	size_t n_ranges;
	struct cargo *out;
	const uint8_t *others;
	size_t n_others;
	struct form_name *forms;
	size_t n_forms;
	struct shape *shapes;
	size_t n_shapes;
	struct column_key *keys;
	struct column *columns;
	size_t n_columns, keys_cap;
	struct reader ids, saved, records, restates, replaces, tags;
	struct column reasons;
	int64_t last_saved;
	bool keyless;			/* the log at hand */
	struct dot dot, record;
	enum rc rc;
};

static void
fail(struct loader *l, enum rc rc)
{
	if (l->rc == RC_OK)
		l->rc = rc;
}

static void *
take(struct loader *l, size_t n, size_t size)
{
	void *p = l->rc == RC_OK ? arena_alloc(l->arena, n, size) : NULL;

	if (p == NULL)
		fail(l, l->arena->limit != 0 && l->arena->total > l->arena->limit / 2 ?
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

static void
read_logs(struct loader *l)
{
	uint8_t kind;

	l->out->logs = take(l, l->n_ranges, sizeof(*l->out->logs));
	for (size_t i = 0; i < l->n_ranges && l->rc == RC_OK && !l->in.bad; i++) {
		struct cargo_log *g = &l->out->logs[i];

		*g = l->ranges[i];
		g->tips = NULL;
		g->n_tips = 0;
		kind = reader_u8(&l->in);
		if (kind > 1) {	/* another kind of key: a later version */
			fail(l, RC_NEWER);
			return;
		}
		g->keyless = kind == 1;
		if (!g->keyless)
			reader_copy(&l->in, g->key, ENTRY_LOG_KEY_BYTES);
		if (g->first != 1)
			continue;
		g->n_tips = (size_t)reader_varint_max(&l->in, ENTRY_TIPS_MAX);
		g->tips = take(l, g->n_tips, sizeof(*g->tips));
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
read_names(struct loader *l)
{
	l->n_others = (size_t)reader_varint_max(&l->in, reader_left(&l->in) / 8);
	l->others = reader_take(&l->in, l->n_others * 8);
	l->n_forms = count_of(&l->in, CARGO_SHAPES_MAX);
	l->forms = take(l, l->n_forms, sizeof(*l->forms));
	for (size_t i = 0; i < l->n_forms && l->rc == RC_OK && !l->in.bad; i++) {
		struct form_name *f = &l->forms[i];

		f->name = (const char *)reader_span(&l->in, ENTRY_FORM_NAME_MAX, &f->len);
		f->version = (unsigned)reader_varint_max(&l->in, UINT32_MAX);
	}
}

static size_t
column_of(struct loader *l, size_t form, unsigned field, unsigned member)
{
	/* columns number a few hundred: newest first finds most at once */
	for (size_t i = l->n_columns; i-- > 0;)
		if (l->keys[i].form == form && l->keys[i].field == field &&
		    l->keys[i].member == member)
			return i;
	if (l->n_columns == CARGO_COLUMNS_MAX) {
		fail(l, RC_LIMIT);
		return 0;
	}
	if (l->n_columns == l->keys_cap) {
		size_t cap = l->keys_cap ? l->keys_cap * 2 : 64;
		struct column_key *keys = take(l, cap, sizeof(*keys));

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
read_members(struct loader *l, struct shape *s, struct shape_write *w)
{
	w->n_members = count_of(&l->in, ENTRY_GROUP_MAX);
	w->members = take(l, w->n_members, sizeof(*w->members));
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
read_shape(struct loader *l, struct shape *s)
{
	unsigned field = 0;

	s->form = (size_t)reader_varint(&l->in);
	s->flags = reader_u8(&l->in);
	if (s->form >= l->n_forms || s->flags > SHAPE_FLAGS_MAX)
		l->in.bad = true;
	s->n_writes = count_of(&l->in, ENTRY_WRITES_MAX);
	s->writes = take(l, s->n_writes, sizeof(*s->writes));
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
read_stream(struct loader *l, struct reader *r)
{
	size_t len;
	const uint8_t *p = reader_span(&l->in, l->in.len, &len);

	reader_init(r, p, p == NULL ? 0 : len);
}

static void
read_streams(struct loader *l)
{
	l->n_shapes = count_of(&l->in, CARGO_SHAPES_MAX);
	l->shapes = take(l, l->n_shapes, sizeof(*l->shapes));
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
	l->columns = take(l, l->n_columns, sizeof(*l->columns));
	for (size_t i = 0; i < l->n_columns && l->rc == RC_OK && !l->in.bad; i++) {
		read_stream(l, &l->columns[i].main);
		read_stream(l, &l->columns[i].literals);
	}
	if (!reader_done(&l->in))
		fail(l, RC_FORMAT);
}

static uint64_t
log_at(struct loader *l, uint64_t index)
{
	if (index < l->n_ranges)
		return l->ranges[index].log;
	index -= l->n_ranges;
	if (index < l->n_others)
		return bytes_load64(l->others + 8 * index);
	fail(l, RC_FORMAT);
	return 0;
}

static void
get_relative(struct loader *l, struct reader *r, struct dot *d)
{
	d->log = l->dot.log;
	d->n = l->dot.n - (uint64_t)reader_zigzag(r);
}

static void
get_dot(struct loader *l, struct reader *r, struct dot *d)
{
	uint64_t index = reader_varint(r);

	if (index == 0) {
		get_relative(l, r, d);
		return;
	}
	d->log = log_at(l, index - 1);
	d->n = reader_varint(r);
}

static void
get_address(struct loader *l, struct address *a)
{
	uint64_t index = reader_varint(&l->replaces);

	if (index == 0) {
		a->dot = l->record;
		a->item = 0;
		return;
	}
	if (index == 1) {
		get_relative(l, &l->replaces, &a->dot);
	} else {
		a->dot.log = log_at(l, index - 2);
		a->dot.n = reader_varint(&l->replaces);
	}
	a->item = (uint32_t)reader_varint_max(&l->replaces, UINT32_MAX);
}

static void
get_text(struct loader *l, struct column *c, const char **text, size_t *len)
{
	uint64_t number = reader_varint(&c->main);

	if (number > c->n_texts) {
		fail(l, RC_FORMAT);
		return;
	}
	if (number > 0) {
		*text = c->texts[number - 1];
		*len = c->lens[number - 1];
		return;
	}
	*text = (const char *)reader_span(&c->literals, ENTRY_TEXT_BYTES_MAX, len);
	if (*text == NULL || c->main.bad) {
		fail(l, RC_FORMAT);
		return;
	}
	if (c->n_texts == c->cap) {
		size_t cap = c->cap ? c->cap * 2 : 16;
		const char **texts = take(l, cap, sizeof(*texts));
		size_t *lens = take(l, cap, sizeof(*lens));

		if (texts == NULL || lens == NULL)
			return;
		if (c->n_texts > 0) {
			memcpy(texts, c->texts, c->n_texts * sizeof(*texts));
			memcpy(lens, c->lens, c->n_texts * sizeof(*lens));
		}
		c->texts = texts;
		c->lens = lens;
		c->cap = cap;
	}
	c->texts[c->n_texts] = *text;
	c->lens[c->n_texts++] = *len;
}

static void
get_value(struct loader *l, size_t column, unsigned type, struct value *v)
{
	struct column *c = &l->columns[column];
	uint64_t u;

	memset(v, 0, sizeof(*v));
	switch (type) {
	case VALUE_NOTHING:
		v->type = VALUE_NOTHING;
		break;
	case VALUE_INTEGER:
		v->type = VALUE_INTEGER;
		v->integer = reader_zigzag(&c->main);
		break;
	case VALUE_TEXT:
	case VALUE_CODE:
	case VALUE_DECIMAL:
		v->type = (enum value_type)type;
		get_text(l, c, &v->text, &v->text_len);
		break;
	case VALUE_DATE:
		v->type = VALUE_DATE;
		u = reader_varint(&c->main);
		if (u & 1) {
			v->integer = (int64_t)(u >> 1);
		} else {
			int64_t days = bytes_unzigzag(u >> 1) + l->last_saved / 86400;

			if (days < -1000000 || days > 3000000)
				fail(l, RC_FORMAT);
			else
				v->integer = cargo_columns_date_packed(days);
		}
		break;
	case VALUE_REFERENCE:
		v->type = VALUE_REFERENCE;
		get_dot(l, &c->main, &v->reference);
		break;
	default:
		fail(l, RC_FORMAT);
	}
	if (c->main.bad)
		fail(l, RC_FORMAT);
}

static void
get_items(struct loader *l, const struct shape_write *sw, struct write *w)
{
	struct reader *main = &l->columns[sw->column].main;
	struct value *values;

	w->n_values = (size_t)reader_varint_max(main, ENTRY_ITEMS_MAX);
	values = take(l, w->n_values, sizeof(*values));
	w->values = values;
	for (size_t i = 0; i < w->n_values && l->rc == RC_OK; i++)
		get_value(l, sw->column,
		    sw->type == SHAPE_MIXED ? reader_u8(main) : sw->type, &values[i]);
	if (main->bad)
		fail(l, RC_FORMAT);
}

static void
get_set(struct loader *l, const struct shape_write *sw, struct write *w)
{
	struct value *v = take(l, 1, sizeof(*v));
	struct value_member *members;

	if (v == NULL)
		return;
	w->values = v;
	w->n_values = 1;
	if (sw->type != VALUE_GROUP) {
		get_value(l, sw->column, sw->type, v);
		return;
	}
	if ((members = take(l, sw->n_members, sizeof(*members))) == NULL)
		return;
	v->type = VALUE_GROUP;
	v->members = members;
	v->n_members = sw->n_members;
	for (size_t m = 0; m < sw->n_members && l->rc == RC_OK; m++) {
		members[m].field = sw->members[m].field;
		get_value(l, sw->members[m].column, sw->members[m].type, &members[m].value);
	}
}

static void
get_write(struct loader *l, const struct shape_write *sw, struct write *w)
{
	struct address *a;

	w->field = sw->field;
	w->kind = (enum write_kind)(sw->kind & 3);
	if (sw->kind & SHAPE_REPLACES) {
		w->n_replaces = (size_t)reader_varint_max(&l->replaces, ENTRY_REPLACES_MAX);
		if (w->n_replaces > reader_left(&l->replaces))
			fail(l, RC_FORMAT);
		a = take(l, w->n_replaces, sizeof(*a));
		w->replaces = a;
		for (size_t i = 0; i < w->n_replaces && l->rc == RC_OK; i++)
			get_address(l, &a[i]);
		if (l->replaces.bad)
			fail(l, RC_FORMAT);
	}
	if (l->rc != RC_OK || w->kind == WRITE_VOID)
		return;
	if (w->kind == WRITE_ITEMS)
		get_items(l, sw, w);
	else
		get_set(l, sw, w);
}

static void
get_entry(struct loader *l, struct cargo_entry *ce)
{
	struct entry *e = &ce->entry;
	uint64_t id = reader_varint(&l->ids);
	const struct shape *s;
	struct write *writes;

	e->dot = l->dot;
	if (l->ids.bad || id > l->n_shapes) {
		fail(l, RC_FORMAT);
		return;
	}
	if (id == SHAPE_HOLLOW) {
		ce->hollow = 1;
		reader_copy(&l->tags, ce->tag, ENTRY_TAG_BYTES);
		if (l->tags.bad)
			fail(l, RC_FORMAT);
		return;
	}
	if (l->keyless) {
		ce->redacted = reader_u8(&l->tags);
		if (ce->redacted > 1)
			fail(l, RC_FORMAT);
		reader_copy(&l->tags, ce->redacted ? ce->tag : ce->key,
		    ce->redacted ? (size_t)ENTRY_TAG_BYTES : (size_t)ENTRY_KEY_BYTES);
		if (l->tags.bad)
			fail(l, RC_FORMAT);
	}
	s = &l->shapes[id - 1];
	e->form = l->forms[s->form].name;
	e->form_len = l->forms[s->form].len;
	e->form_version = l->forms[s->form].version;
	e->creates = (s->flags & 1) != 0;
	e->restated = (s->flags & 4) != 0;
	l->last_saved = (int64_t)((uint64_t)l->last_saved + (uint64_t)reader_zigzag(&l->saved));
	e->saved_at = l->last_saved;
	e->record = l->dot;
	if (!e->creates || e->restated)
		get_dot(l, &l->records, &e->record);
	if (e->restated)
		get_dot(l, &l->restates, &e->restates);
	if (s->flags & 2)
		get_text(l, &l->reasons, &e->reason, &e->reason_len);
	if (l->saved.bad || l->records.bad || l->restates.bad)
		fail(l, RC_FORMAT);
	l->record = e->record;
	writes = take(l, s->n_writes, sizeof(*writes));
	e->writes = writes;
	e->n_writes = s->n_writes;
	for (size_t i = 0; i < s->n_writes && l->rc == RC_OK; i++)
		get_write(l, &s->writes[i], &writes[i]);
}

static void
get_entries(struct loader *l)
{
	size_t n = 0, at = 0;

	for (size_t i = 0; i < l->n_ranges; i++) {
		if (l->ranges[i].count > CARGO_ENTRIES_MAX ||
		    l->ranges[i].log == 0 || l->ranges[i].first == 0)
			fail(l, RC_FORMAT);
		else
			n += (size_t)l->ranges[i].count;
		if (n > CARGO_ENTRIES_MAX)
			fail(l, RC_LIMIT);
		if (l->rc != RC_OK)
			return;
	}
	if (n > l->ids.len) {
		fail(l, RC_FORMAT);
		return;
	}
	l->out->entries = take(l, n, sizeof(*l->out->entries));
	for (size_t i = 0; i < l->n_ranges && l->rc == RC_OK; i++) {
		l->keyless = l->out->logs[i].keyless != 0;
		for (uint64_t k = 0; k < l->ranges[i].count && l->rc == RC_OK; k++) {
			l->dot.log = l->ranges[i].log;
			l->dot.n = l->ranges[i].first + k;
			get_entry(l, &l->out->entries[at++]);
		}
	}
	l->out->n_entries = n;
}

/* Whatever is left over was not meant by this grammar. */
static void
check_ends(struct loader *l)
{
	const struct reader *all[] = {
		&l->ids, &l->saved, &l->records, &l->restates, &l->replaces, &l->tags,
		&l->reasons.main, &l->reasons.literals
	};

	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
		if (!reader_done(all[i]))
			fail(l, RC_FORMAT);
	for (size_t i = 0; i < l->n_columns && l->rc == RC_OK; i++)
		if (!reader_done(&l->columns[i].main) || !reader_done(&l->columns[i].literals))
			fail(l, RC_FORMAT);
}

enum rc
cargo_columns_read(const uint8_t *raw, size_t len, const struct cargo_log *ranges,
    size_t n_ranges, struct arena *arena, struct cargo *out)
{
	struct loader l;

	memset(&l, 0, sizeof(l));
	reader_init(&l.in, raw, len);
	l.arena = arena;
	l.ranges = ranges;
	l.n_ranges = n_ranges;
	l.out = out;
	if (n_ranges > CARGO_LOGS_MAX)
		return RC_LIMIT;
	read_logs(&l);
	if (l.rc == RC_OK)
		read_names(&l);
	if (l.rc == RC_OK)
		read_streams(&l);
	if (l.rc == RC_OK && l.in.bad)
		l.rc = RC_FORMAT;
	if (l.rc == RC_OK)
		get_entries(&l);
	if (l.rc == RC_OK)
		check_ends(&l);
	return l.rc;
}
