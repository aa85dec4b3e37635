/* The entries of a cargo, out of its streams. */
#include <string.h>

#include "shared/sync/cargo_loader.h"

static uint64_t
log_at(struct cargo_loader *l, uint64_t index)
{
	if (index < l->n_ranges)
		return l->ranges[index].log;
	index -= l->n_ranges;
	if (index < l->n_others)
		return bytes_load64(l->others + 8 * index);
	cargo_loader_fail(l, RC_FORMAT);
	return 0;
}

static void
get_relative(struct cargo_loader *l, struct reader *r, struct dot *d)
{
	d->log = l->dot.log;
	d->n = l->dot.n - (uint64_t)reader_zigzag(r);
}

static void
get_dot(struct cargo_loader *l, struct reader *r, struct dot *d)
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
get_address(struct cargo_loader *l, struct address *a)
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
get_text(struct cargo_loader *l, struct cargo_column *c, const char **text, size_t *len)
{
	uint64_t number = reader_varint(&c->main);

	if (number > c->n_texts) {
		cargo_loader_fail(l, RC_FORMAT);
		return;
	}
	if (number > 0) {
		*text = c->texts[number - 1];
		*len = c->lens[number - 1];
		return;
	}
	*text = (const char *)reader_span(&c->literals, ENTRY_TEXT_BYTES_MAX, len);
	if (*text == NULL || c->main.bad) {
		cargo_loader_fail(l, RC_FORMAT);
		return;
	}
	if (c->n_texts == c->cap) {
		size_t cap = c->cap ? c->cap * 2 : 16;
		const char **texts = cargo_loader_take(l, cap, sizeof(*texts));
		size_t *lens = cargo_loader_take(l, cap, sizeof(*lens));

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
get_value(struct cargo_loader *l, size_t column, unsigned type, struct value *v)
{
	struct cargo_column *c = &l->columns[column];
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
				cargo_loader_fail(l, RC_FORMAT);
			else
				v->integer = cargo_columns_date_packed(days);
		}
		break;
	case VALUE_REFERENCE:
		v->type = VALUE_REFERENCE;
		get_dot(l, &c->main, &v->reference);
		break;
	default:
		cargo_loader_fail(l, RC_FORMAT);
	}
	if (c->main.bad)
		cargo_loader_fail(l, RC_FORMAT);
}

static void
get_items(struct cargo_loader *l, const struct shape_write *sw, struct write *w)
{
	struct reader *main = &l->columns[sw->column].main;
	struct value *values;

	w->n_values = (size_t)reader_varint_max(main, ENTRY_ITEMS_MAX);
	values = cargo_loader_take(l, w->n_values, sizeof(*values));
	w->values = values;
	for (size_t i = 0; i < w->n_values && l->rc == RC_OK; i++)
		get_value(l, sw->column,
		    sw->type == SHAPE_MIXED ? reader_u8(main) : sw->type, &values[i]);
	if (main->bad)
		cargo_loader_fail(l, RC_FORMAT);
}

static void
get_set(struct cargo_loader *l, const struct shape_write *sw, struct write *w)
{
	struct value *v = cargo_loader_take(l, 1, sizeof(*v));
	struct value_member *members;

	if (v == NULL)
		return;
	w->values = v;
	w->n_values = 1;
	if (sw->type != VALUE_GROUP) {
		get_value(l, sw->column, sw->type, v);
		return;
	}
	if ((members = cargo_loader_take(l, sw->n_members, sizeof(*members))) == NULL)
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
get_write(struct cargo_loader *l, const struct shape_write *sw, struct write *w)
{
	struct address *a;

	w->field = sw->field;
	w->kind = (enum write_kind)(sw->kind & 3);
	if (sw->kind & SHAPE_REPLACES) {
		w->n_replaces = (size_t)reader_varint_max(&l->replaces, ENTRY_REPLACES_MAX);
		if (w->n_replaces > reader_left(&l->replaces))
			cargo_loader_fail(l, RC_FORMAT);
		a = cargo_loader_take(l, w->n_replaces, sizeof(*a));
		w->replaces = a;
		for (size_t i = 0; i < w->n_replaces && l->rc == RC_OK; i++)
			get_address(l, &a[i]);
		if (l->replaces.bad)
			cargo_loader_fail(l, RC_FORMAT);
	}
	if (l->rc != RC_OK || w->kind == WRITE_VOID)
		return;
	if (w->kind == WRITE_ITEMS)
		get_items(l, sw, w);
	else
		get_set(l, sw, w);
}

static void
get_entry(struct cargo_loader *l, struct cargo_entry *ce)
{
	struct entry *e = &ce->entry;
	uint64_t id = reader_varint(&l->ids);
	const struct shape *s;
	struct write *writes;

	e->dot = l->dot;
	if (l->ids.bad || id > l->n_shapes) {
		cargo_loader_fail(l, RC_FORMAT);
		return;
	}
	if (id == SHAPE_HOLLOW) {
		ce->hollow = 1;
		reader_copy(&l->tags, ce->tag, ENTRY_TAG_BYTES);
		if (l->tags.bad)
			cargo_loader_fail(l, RC_FORMAT);
		return;
	}
	if (l->keyless) {
		ce->redacted = reader_u8(&l->tags);
		if (ce->redacted > 1)
			cargo_loader_fail(l, RC_FORMAT);
		reader_copy(&l->tags, ce->redacted ? ce->tag : ce->key,
		    ce->redacted ? (size_t)ENTRY_TAG_BYTES : (size_t)ENTRY_KEY_BYTES);
		if (l->tags.bad)
			cargo_loader_fail(l, RC_FORMAT);
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
		cargo_loader_fail(l, RC_FORMAT);
	l->record = e->record;
	writes = cargo_loader_take(l, s->n_writes, sizeof(*writes));
	e->writes = writes;
	e->n_writes = s->n_writes;
	for (size_t i = 0; i < s->n_writes && l->rc == RC_OK; i++)
		get_write(l, &s->writes[i], &writes[i]);
}

static void
get_entries(struct cargo_loader *l)
{
	size_t n = 0, at = 0;

	for (size_t i = 0; i < l->n_ranges; i++) {
		if (l->ranges[i].count > CARGO_ENTRIES_MAX ||
		    l->ranges[i].log == 0 || l->ranges[i].first == 0)
			cargo_loader_fail(l, RC_FORMAT);
		else
			n += (size_t)l->ranges[i].count;
		if (n > CARGO_ENTRIES_MAX)
			cargo_loader_fail(l, RC_LIMIT);
		if (l->rc != RC_OK)
			return;
	}
	if (n > l->ids.len) {
		cargo_loader_fail(l, RC_FORMAT);
		return;
	}
	l->out->entries = cargo_loader_take(l, n, sizeof(*l->out->entries));
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
check_ends(struct cargo_loader *l)
{
	const struct reader *all[] = {
		&l->ids, &l->saved, &l->records, &l->restates, &l->replaces, &l->tags,
		&l->reasons.main, &l->reasons.literals
	};

	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
		if (!reader_done(all[i]))
			cargo_loader_fail(l, RC_FORMAT);
	for (size_t i = 0; i < l->n_columns && l->rc == RC_OK; i++)
		if (!reader_done(&l->columns[i].main) || !reader_done(&l->columns[i].literals))
			cargo_loader_fail(l, RC_FORMAT);
}

enum rc
cargo_columns_read(const uint8_t *raw, size_t len, const struct cargo_log *ranges,
    size_t n_ranges, struct arena *arena, struct cargo *out)
{
	struct cargo_loader l;

	memset(&l, 0, sizeof(l));
	reader_init(&l.in, raw, len);
	l.arena = arena;
	l.ranges = ranges;
	l.n_ranges = n_ranges;
	l.out = out;
	if (n_ranges > CARGO_LOGS_MAX)
		return RC_LIMIT;
	cargo_loader_layout(&l);
	if (l.rc == RC_OK)
		get_entries(&l);
	if (l.rc == RC_OK)
		check_ends(&l);
	return l.rc;
}
