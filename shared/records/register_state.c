#include <stdlib.h>
#include <string.h>

#include "shared/records/register.h"
#include "shared/records/register_parts.h"
#include "shared/records/value.h"

/*
 * state := version u8 = 1, form span, form version varint,
 *          logs: n x (log u64, dots: n x (step of n varint, saved_at zigzag as a step)),
 *          restates: n x (dot index varint, dot),
 *          fields: n x (step of number varint, values, pending)
 * values := n x (dot index varint, item varint, void varint, span, seen if field 0)
 *          in the order of their roots; void: 0, or 1 + index of the voiding dot
 * seen  := n x dot
 * pending := n x (dot, item varint, 2 x void + replaced varint)
 * A record without entries is no bytes at all.
 */
enum { STATE_VERSION = 1, DOT_BYTES_MIN = 9 };

/* Writing -------------------------------------------------------------- */

static void
put_dot(struct bytes *b, const struct dot *d)
{
	bytes_u64(b, d->log);
	bytes_varint(b, d->n);
}

static size_t
logs_of(const struct register_state *s)
{
	size_t n = 0;

	for (size_t i = 0; i < s->n_dots; i++)
		if (i == 0 || s->dots[i].dot.log != s->dots[i - 1].dot.log)
			n++;
	return n;
}

static void
put_dots(const struct register_state *s, struct bytes *b)
{
	uint64_t last_at = 0;

	bytes_varint(b, logs_of(s));
	for (size_t i = 0; i < s->n_dots; ) {
		uint64_t log = s->dots[i].dot.log, n = 0;
		size_t end = i;

		while (end < s->n_dots && s->dots[end].dot.log == log)
			end++;
		bytes_u64(b, log);
		bytes_varint(b, end - i);
		for (; i < end; i++) {
			uint64_t at = (uint64_t)s->dots[i].saved_at;

			bytes_varint(b, s->dots[i].dot.n - n);
			bytes_zigzag(b, (int64_t)(at - last_at));
			n = s->dots[i].dot.n;
			last_at = at;
		}
	}
	bytes_varint(b, s->n_restating);
	for (size_t i = 0; i < s->n_dots; i++) {
		if (s->dots[i].restates.log == 0)
			continue;
		bytes_varint(b, i);
		put_dot(b, &s->dots[i].restates);
	}
}

static uint64_t
void_index(const struct register_state *s, const struct dot *voided)
{
	bool found;

	return voided->log == 0 ? 0 : register_parts_find_dot(s, voided, &found) + 1;
}

static void
put_field(const struct register_state *s, const struct register_field *f, struct bytes *b)
{
	bool found;

	bytes_varint(b, f->n_values);
	for (size_t i = 0; i < f->n_values; i++) {
		const struct register_value *v = &f->values[i];

		bytes_varint(b, register_parts_find_dot(s, &v->address.dot, &found));
		bytes_varint(b, v->address.item);
		bytes_varint(b, void_index(s, &v->voided));
		bytes_span(b, v->bytes, v->len);
		if (f->field != ENTRY_ALIVE)
			continue;
		bytes_varint(b, v->n_seen);
		for (size_t k = 0; k < v->n_seen; k++)
			put_dot(b, &v->seen[k]);
	}
	bytes_varint(b, f->n_pending);
	for (size_t i = 0; i < f->n_pending; i++) {
		const struct register_pending *p = &f->pending[i];

		put_dot(b, &p->address.dot);
		bytes_varint(b, p->address.item);
		bytes_varint(b, void_index(s, &p->voided) * 2 + (p->replaced ? 1 : 0));
	}
}

enum rc
register_state_encode(const struct register_state *s, struct bytes *out)
{
	size_t start = out->len;
	unsigned last = 0;

	if (s->n_dots == 0)
		return out->rc;
	bytes_u8(out, STATE_VERSION);
	bytes_span(out, s->form, strlen(s->form));
	bytes_varint(out, s->form_version);
	put_dots(s, out);
	bytes_varint(out, s->n_fields);
	for (size_t i = 0; i < s->n_fields; i++) {
		bytes_varint(out, s->fields[i].field - last);
		last = s->fields[i].field;
		put_field(s, &s->fields[i], out);
	}
	if (out->rc != RC_OK)
		return out->rc;
	return out->len - start > REGISTER_STATE_MAX ? RC_LIMIT : RC_OK;
}

/* Reading -------------------------------------------------------------- */

struct state_reader {
	struct reader r;
	struct register_state *s;
	bool no_memory;
};

static struct dot
read_dot(struct reader *r)
{
	struct dot d;

	d.log = reader_u64(r);
	d.n = reader_varint_max(r, INT64_MAX);
	if (d.log == 0 || d.n == 0)
		r->bad = true;
	return d;
}

/* n things, each of at least min bytes in what is left. */
static size_t
read_count(struct state_reader *x, size_t min)
{
	return (size_t)reader_varint_max(&x->r, reader_left(&x->r) / min);
}

static void *
room(struct state_reader *x, size_t n, size_t size)
{
	void *p = calloc(n > 0 ? n : 1, size);

	if (p == NULL)
		x->no_memory = x->r.bad = true;
	return p;
}

static bool
add_dot(struct state_reader *x, struct dot d, int64_t saved_at)
{
	struct register_state *s = x->s;

	if (s->n_dots > 0 && dot_compare(&s->dots[s->n_dots - 1].dot, &d) >= 0)
		x->r.bad = true;
	if (!register_parts_grow(&s->dots, s->n_dots, &s->cap_dots, sizeof(*s->dots)))
		x->no_memory = x->r.bad = true;
	if (x->r.bad)
		return false;
	s->dots[s->n_dots] = (struct register_dot){ .dot = d, .saved_at = saved_at };
	s->n_dots++;
	return true;
}

static void
read_dots(struct state_reader *x)
{
	size_t n_logs = read_count(x, DOT_BYTES_MIN);
	uint64_t at = 0;

	for (size_t i = 0; i < n_logs && !x->r.bad; i++) {
		struct dot d = { reader_u64(&x->r), 0 };
		size_t n = read_count(x, 2);

		if (d.log == 0 || n == 0)
			x->r.bad = true;
		for (size_t k = 0; k < n && !x->r.bad; k++) {
			uint64_t step = reader_varint_max(&x->r, INT64_MAX - d.n);

			at += (uint64_t)reader_zigzag(&x->r);
			d.n += step;
			if (step == 0 || !add_dot(x, d, (int64_t)at))
				x->r.bad = true;
		}
	}
}

static void
read_restates(struct state_reader *x)
{
	size_t n = read_count(x, 1 + DOT_BYTES_MIN), last = 0;

	for (size_t k = 0; k < n && !x->r.bad; k++) {
		size_t i = (size_t)reader_varint(&x->r);
		struct dot restates = read_dot(&x->r);

		if (i >= x->s->n_dots || (k > 0 && i <= last) || x->r.bad) {
			x->r.bad = true;
			return;
		}
		last = i;
		x->s->dots[i].restates = restates;
		x->s->n_restating++;
	}
}

static struct dot
read_void(struct state_reader *x, uint64_t index)
{
	struct dot none = { 0, 0 };

	if (index > x->s->n_dots)
		x->r.bad = true;
	return index == 0 || x->r.bad ? none : x->s->dots[index - 1].dot;
}

static void
read_seen(struct state_reader *x, struct register_value *v)
{
	size_t n = read_count(x, DOT_BYTES_MIN);
	uint8_t *p;

	if (x->r.bad || n == 0)
		return;
	if ((p = register_parts_room(x->s, n * sizeof(struct dot))) == NULL) {
		x->no_memory = x->r.bad = true;
		return;
	}
	for (size_t i = 0; i < n; i++) {
		struct dot d = read_dot(&x->r);

		memcpy(p + i * sizeof(d), &d, sizeof(d));
	}
	v->seen = (const struct dot *)(const void *)p;
	v->n_seen = n;
}

static void
read_value(struct state_reader *x, struct register_field *f)
{
	struct register_value *v = &f->values[f->n_values];
	size_t i = (size_t)reader_varint(&x->r);

	v->address.item = (uint32_t)reader_varint_max(&x->r, ENTRY_ITEMS_MAX);
	v->voided = read_void(x, reader_varint(&x->r));
	v->bytes = reader_span(&x->r, ENTRY_BODY_MAX, &v->len);
	if (f->field == ENTRY_ALIVE)
		read_seen(x, v);
	if (i >= x->s->n_dots || x->r.bad) {
		x->r.bad = true;
		return;
	}
	v->address.dot = x->s->dots[i].dot;
	v->saved_at = x->s->dots[i].saved_at;
	v->root = register_parts_root(x->s, &v->address.dot);
	if (f->n_values > 0) {
		const struct address before = { v[-1].root, v[-1].address.item };
		const struct address at = { v->root, v->address.item };

		if (address_compare(&before, &at) >= 0)
			x->r.bad = true;
	}
	f->n_values++;
}

static void
read_pending(struct state_reader *x, struct register_field *f)
{
	struct register_pending *p = &f->pending[f->n_pending];
	uint64_t flags;

	p->address.dot = read_dot(&x->r);
	p->address.item = (uint32_t)reader_varint_max(&x->r, ENTRY_ITEMS_MAX);
	flags = reader_varint(&x->r);
	p->replaced = (flags & 1) != 0;
	p->voided = read_void(x, flags / 2);
	if (flags == 0 || (f->n_pending > 0 && address_compare(&p[-1].address, &p->address) >= 0))
		x->r.bad = true;
	if (!x->r.bad)
		f->n_pending++;
}

static void
read_field(struct state_reader *x, struct register_field *f)
{
	size_t n = read_count(x, 5);

	if (n > 0) {
		f->values = room(x, n, sizeof(*f->values));
		f->cap_values = n;
	}
	for (size_t i = 0; i < n && !x->r.bad; i++)
		read_value(x, f);
	n = read_count(x, DOT_BYTES_MIN + 2);
	if (n > 0 && !x->r.bad) {
		f->pending = room(x, n, sizeof(*f->pending));
		f->cap_pending = n;
	}
	for (size_t i = 0; i < n && !x->r.bad; i++)
		read_pending(x, f);
	if (f->n_values + f->n_pending == 0)
		x->r.bad = true;
}

static void
read_fields(struct state_reader *x)
{
	size_t n = read_count(x, 3);
	struct register_state *s = x->s;
	unsigned last = 0;

	if (x->r.bad || n == 0)
		return;
	if ((s->fields = room(x, n, sizeof(*s->fields))) == NULL)
		return;
	s->cap_fields = n;
	for (size_t i = 0; i < n && !x->r.bad; i++) {
		unsigned step = (unsigned)reader_varint_max(&x->r, ENTRY_FIELD_MAX - last);

		if (i > 0 && step == 0)
			x->r.bad = true;
		last += step;
		s->fields[i].field = last;
		s->n_fields++;
		read_field(x, &s->fields[i]);
	}
}

enum rc
register_state_decode(const uint8_t *p, size_t len, struct dot record, struct register_state *out)
{
	struct state_reader x = { .s = out, .no_memory = false };
	const uint8_t *form;
	uint8_t *copy;
	size_t form_len;

	register_state_init(out, record);
	if (len == 0)
		return RC_OK;
	if (len > REGISTER_STATE_MAX)
		return RC_FORMAT;
	if ((copy = register_parts_room(out, len)) == NULL)
		return RC_NOMEM;
	memcpy(copy, p, len);
	reader_init(&x.r, copy, len);
	if (reader_u8(&x.r) != STATE_VERSION)
		x.r.bad = true;
	form = reader_span(&x.r, ENTRY_FORM_NAME_MAX, &form_len);
	if (form != NULL)
		memcpy(out->form, form, form_len);
	out->form_version = (unsigned)reader_varint_max(&x.r, UINT32_MAX);
	read_dots(&x);
	read_restates(&x);
	read_fields(&x);
	if (!reader_done(&x.r) || out->n_dots == 0) {
		register_state_reset(out);
		return x.no_memory ? RC_NOMEM : RC_FORMAT;
	}
	out->creator = register_parts_creator(out);
	return RC_OK;
}
