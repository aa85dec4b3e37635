#include <stdlib.h>
#include <string.h>

#include "shared/sync/cargo_columns.h"
#include "shared/sync/numbering.h"

struct column {
	struct bytes main, literals;
	size_t n_texts;
};

struct writer {
	const struct cargo_log *logs;
	size_t n_logs;
	struct numbering log_numbers, form_numbers, shape_numbers, column_numbers, texts;
	struct bytes others, forms, shapes;	/* their contents, without counts */
	size_t n_others, n_forms, n_shapes, n_columns;
	struct column *columns;
	size_t columns_cap;
	struct bytes ids, saved, records, restates, replaces, tags;
	struct column reasons;
	struct bytes scratch;
	int64_t last_saved;
	size_t log;		/* the log of the entry at hand */
	struct dot dot;
	struct dot record;
	enum rc rc;
};

static void
fail(struct writer *w, enum rc rc)
{
	if (w->rc == RC_OK)
		w->rc = rc;
}

static size_t
log_index(struct writer *w, uint64_t log)
{
	uint8_t key[8];
	size_t next = w->n_logs + w->n_others + 1;
	size_t number;

	bytes_store64(key, log);
	number = numbering_of(&w->log_numbers, key, sizeof(key), next);
	if (number == 0)
		fail(w, RC_NOMEM);
	else if (number == next) {
		bytes_u64(&w->others, log);
		w->n_others++;
	}
	return number - 1;
}

/* 0: the entry's own log, n relative to its own; else 1 + index of the log. */
static void
put_dot(struct writer *w, struct bytes *to, const struct dot *d)
{
	if (d->log == w->dot.log) {
		bytes_u8(to, 0);
		bytes_zigzag(to, (int64_t)(w->dot.n - d->n));
	} else {
		bytes_varint(to, log_index(w, d->log) + 1);
		bytes_varint(to, d->n);
	}
}

static void
put_address(struct writer *w, const struct address *a)
{
	/* most edits replace what the record's first entry wrote */
	if (dot_compare(&a->dot, &w->record) == 0 && a->item == 0) {
		bytes_u8(&w->replaces, 0);
		return;
	}
	if (a->dot.log == w->dot.log) {
		bytes_u8(&w->replaces, 1);
		bytes_zigzag(&w->replaces, (int64_t)(w->dot.n - a->dot.n));
	} else {
		bytes_varint(&w->replaces, log_index(w, a->dot.log) + 2);
		bytes_varint(&w->replaces, a->dot.n);
	}
	bytes_varint(&w->replaces, a->item);
}

/* A text by its number in the column, 0 for one that is new and follows in literals. */
static void
put_text(struct writer *w, size_t column_id, struct column *c, const char *p, size_t len)
{
	size_t number;

	w->scratch.len = 0;
	bytes_varint(&w->scratch, column_id);
	bytes_put(&w->scratch, p, len);
	if (w->scratch.rc != RC_OK) {
		fail(w, RC_NOMEM);
		return;
	}
	number = numbering_of(&w->texts, w->scratch.data, w->scratch.len, c->n_texts + 1);
	if (number == 0) {
		fail(w, RC_NOMEM);
	} else if (number == c->n_texts + 1) {
		bytes_u8(&c->main, 0);
		bytes_span(&c->literals, p, len);
		c->n_texts++;
	} else {
		bytes_varint(&c->main, number);
	}
}

static void
put_value(struct writer *w, size_t column_id, const struct value *v)
{
	struct column *c = &w->columns[column_id];
	int64_t days;

	switch (v->type) {
	case VALUE_NOTHING:
		break;
	case VALUE_INTEGER:
		bytes_zigzag(&c->main, v->integer);
		break;
	case VALUE_TEXT:
	case VALUE_CODE:
	case VALUE_DECIMAL:
		put_text(w, column_id, c, v->text, v->text_len);
		break;
	case VALUE_DATE:
		/* near the day of saving, so its distance is small */
		if (cargo_columns_date_days(v->integer, &days))
			bytes_varint(&c->main,
			    bytes_zigzag_of(days - w->last_saved / 86400) << 1);
		else
			bytes_varint(&c->main, (uint64_t)v->integer << 1 | 1);
		break;
	case VALUE_REFERENCE:
		put_dot(w, &c->main, &v->reference);
		break;
	case VALUE_GROUP:
		fail(w, RC_INTERNAL);
		break;
	}
}

static size_t
column_of(struct writer *w, size_t form, unsigned field, unsigned member)
{
	uint8_t key[24];
	size_t number;
	void *p;

	bytes_store64(key, form);
	bytes_store64(key + 8, field);
	bytes_store64(key + 16, member);
	number = numbering_of(&w->column_numbers, key, sizeof(key), w->n_columns + 1);
	if (number == 0) {
		fail(w, RC_NOMEM);
		return 0;
	}
	if (number <= w->n_columns)
		return number - 1;
	if (w->n_columns == CARGO_COLUMNS_MAX) {
		fail(w, RC_LIMIT);
		return 0;
	}
	if (w->n_columns == w->columns_cap) {
		size_t cap = w->columns_cap ? w->columns_cap * 2 : 64;

		if ((p = realloc(w->columns, cap * sizeof(*w->columns))) == NULL) {
			fail(w, RC_NOMEM);
			return 0;
		}
		w->columns = p;
		w->columns_cap = cap;
	}
	memset(&w->columns[w->n_columns], 0, sizeof(*w->columns));
	return w->n_columns++;
}

static unsigned
items_type(const struct write *wr)
{
	for (size_t i = 1; i < wr->n_values; i++)
		if (wr->values[i].type != wr->values[0].type)
			return SHAPE_MIXED;
	return wr->n_values > 0 ? (unsigned)wr->values[0].type : VALUE_NOTHING;
}

static size_t
form_index(struct writer *w, const struct entry *e)
{
	size_t number;

	w->scratch.len = 0;
	bytes_span(&w->scratch, e->form, e->form_len);
	bytes_varint(&w->scratch, e->form_version);
	number = w->scratch.rc == RC_OK ?
	    numbering_of(&w->form_numbers, w->scratch.data, w->scratch.len, w->n_forms + 1) : 0;
	if (number == 0) {
		fail(w, RC_NOMEM);
		return 0;
	}
	if (number == w->n_forms + 1) {
		bytes_put(&w->forms, w->scratch.data, w->scratch.len);
		w->n_forms++;
	}
	return number - 1;
}

static void
put_shape(struct writer *w, const struct entry *e, size_t form)
{
	size_t number;
	struct bytes *s = &w->scratch;

	s->len = 0;
	bytes_varint(s, form);
	bytes_u8(s, (uint8_t)cargo_columns_flags(e));
	bytes_varint(s, e->n_writes);
	for (size_t i = 0; i < e->n_writes; i++) {
		const struct write *wr = &e->writes[i];
		unsigned type = wr->kind == WRITE_ITEMS ? items_type(wr) :
		    wr->kind == WRITE_SET ? (unsigned)wr->values[0].type : VALUE_NOTHING;

		bytes_varint(s, wr->field - (i > 0 ? e->writes[i - 1].field : 0));
		bytes_u8(s, (uint8_t)(((unsigned)wr->kind |
		    (wr->n_replaces > 0 ? SHAPE_REPLACES : 0U)) << 4 | type));
		if (type != VALUE_GROUP)
			continue;
		bytes_varint(s, wr->values[0].n_members);
		for (size_t m = 0; m < wr->values[0].n_members; m++) {
			bytes_varint(s, wr->values[0].members[m].field);
			bytes_u8(s, (uint8_t)wr->values[0].members[m].value.type);
		}
	}
	if (s->rc != RC_OK) {
		fail(w, RC_NOMEM);
		return;
	}
	number = numbering_of(&w->shape_numbers, s->data, s->len, w->n_shapes + 1);
	if (number == 0) {
		fail(w, RC_NOMEM);
		return;
	}
	if (number == w->n_shapes + 1) {
		if (w->n_shapes == CARGO_SHAPES_MAX)
			fail(w, RC_LIMIT);
		bytes_put(&w->shapes, s->data, s->len);
		w->n_shapes++;
	}
	bytes_varint(&w->ids, number);
}

static void
put_write(struct writer *w, size_t form, const struct write *wr)
{
	size_t column = column_of(w, form, wr->field, 0);

	if (wr->n_replaces > 0) {
		bytes_varint(&w->replaces, wr->n_replaces);
		for (size_t i = 0; i < wr->n_replaces; i++)
			put_address(w, &wr->replaces[i]);
	}
	if (w->rc != RC_OK || wr->kind == WRITE_VOID)
		return;
	if (wr->kind == WRITE_ITEMS) {
		unsigned type = items_type(wr);

		bytes_varint(&w->columns[column].main, wr->n_values);
		for (size_t i = 0; i < wr->n_values; i++) {
			if (type == SHAPE_MIXED)
				bytes_u8(&w->columns[column].main, (uint8_t)wr->values[i].type);
			put_value(w, column, &wr->values[i]);
		}
	} else if (wr->values[0].type == VALUE_GROUP) {
		for (size_t m = 0; m < wr->values[0].n_members; m++) {
			const struct value_member *mb = &wr->values[0].members[m];

			column = column_of(w, form, wr->field, mb->field);
			if (w->rc == RC_OK)
				put_value(w, column, &mb->value);
		}
	} else {
		put_value(w, column, &wr->values[0]);
	}
}

static void
put_entry(struct writer *w, const struct entry *e)
{
	size_t form = form_index(w, e);

	put_shape(w, e, form);
	bytes_zigzag(&w->saved, e->saved_at - w->last_saved);
	w->last_saved = e->saved_at;
	w->record = e->record;
	if (!e->creates || e->restated)
		put_dot(w, &w->records, &e->record);
	if (e->restated)
		put_dot(w, &w->restates, &e->restates);
	if (e->reason != NULL)
		put_text(w, SIZE_MAX >> 1, &w->reasons, e->reason, e->reason_len);
	for (size_t i = 0; i < e->n_writes && w->rc == RC_OK; i++)
		put_write(w, form, &e->writes[i]);
}

static void
put_one(struct writer *w, const struct cargo_entry *ce)
{
	struct entry decoded;
	enum rc rc;

	if (ce->hollow) {
		bytes_u8(&w->ids, SHAPE_HOLLOW);
		bytes_put(&w->tags, ce->tag, ENTRY_TAG_BYTES);
		return;
	}
	if (w->logs[w->log].keyless) {
		bytes_u8(&w->tags, ce->redacted ? 1 : 0);
		bytes_put(&w->tags, ce->redacted ? ce->tag : ce->key,
		    ce->redacted ? (size_t)ENTRY_TAG_BYTES : (size_t)ENTRY_KEY_BYTES);
	}
	if (ce->body == NULL) {
		put_entry(w, &ce->entry);
	} else if ((rc = entry_decode(ce->body, ce->body_len, w->dot, &decoded)) != RC_OK) {
		fail(w, rc);
	} else {
		put_entry(w, &decoded);
		entry_reset(&decoded);
	}
}

static void
put_logs(struct writer *w, struct bytes *raw)
{
	for (size_t i = 0; i < w->n_logs; i++) {
		const struct cargo_log *l = &w->logs[i];

		bytes_u8(raw, l->keyless ? 1 : 0);
		if (!l->keyless)
			bytes_put(raw, l->key, ENTRY_LOG_KEY_BYTES);
		if (l->first != 1)
			continue;
		bytes_varint(raw, l->n_tips);
		for (size_t t = 0; t < l->n_tips; t++) {
			bytes_u64(raw, l->tips[t].log);
			bytes_varint(raw, l->tips[t].n);
			bytes_put(raw, l->tips[t].head, ENTRY_HEAD_BYTES);
		}
	}
}

static void
put_stream(struct writer *w, struct bytes *raw, const struct bytes *s)
{
	if (s->rc != RC_OK)
		fail(w, s->rc);
	bytes_span(raw, s->data, s->len);
}

static void
assemble(struct writer *w, struct bytes *raw)
{
	put_logs(w, raw);
	bytes_varint(raw, w->n_others);
	bytes_put(raw, w->others.data, w->others.len);
	bytes_varint(raw, w->n_forms);
	bytes_put(raw, w->forms.data, w->forms.len);
	bytes_varint(raw, w->n_shapes);
	bytes_put(raw, w->shapes.data, w->shapes.len);
	put_stream(w, raw, &w->ids);
	put_stream(w, raw, &w->saved);
	put_stream(w, raw, &w->records);
	put_stream(w, raw, &w->restates);
	put_stream(w, raw, &w->replaces);
	put_stream(w, raw, &w->tags);
	put_stream(w, raw, &w->reasons.main);
	put_stream(w, raw, &w->reasons.literals);
	for (size_t i = 0; i < w->n_columns; i++) {
		put_stream(w, raw, &w->columns[i].main);
		put_stream(w, raw, &w->columns[i].literals);
	}
	if (raw->rc != RC_OK || w->others.rc != RC_OK || w->forms.rc != RC_OK ||
	    w->shapes.rc != RC_OK)
		fail(w, RC_NOMEM);
}

static void
writer_reset(struct writer *w)
{
	numbering_reset(&w->log_numbers);
	numbering_reset(&w->form_numbers);
	numbering_reset(&w->shape_numbers);
	numbering_reset(&w->column_numbers);
	numbering_reset(&w->texts);
	bytes_reset(&w->others);
	bytes_reset(&w->forms);
	bytes_reset(&w->shapes);
	bytes_reset(&w->ids);
	bytes_reset(&w->saved);
	bytes_reset(&w->records);
	bytes_reset(&w->restates);
	bytes_reset(&w->replaces);
	bytes_reset(&w->tags);
	bytes_wipe(&w->reasons.main);
	bytes_wipe(&w->reasons.literals);
	for (size_t i = 0; i < w->n_columns; i++) {
		bytes_wipe(&w->columns[i].main);
		bytes_wipe(&w->columns[i].literals);
	}
	free(w->columns);
	bytes_wipe(&w->scratch);
}

enum rc
cargo_columns_write(const struct cargo_log *logs, size_t n_logs,
    const struct cargo_entry *entries, size_t n_entries, struct bytes *raw)
{
	struct writer w;
	uint64_t left = 0;
	uint8_t key[8];
	size_t at = 0, number;

	memset(&w, 0, sizeof(w));
	w.logs = logs;
	w.n_logs = n_logs;
	for (size_t i = 0; i < n_logs; i++) {
		bytes_store64(key, logs[i].log);
		number = numbering_of(&w.log_numbers, key, sizeof(key), i + 1);
		if (number != i + 1)	/* 0: no memory; else a log stands twice */
			fail(&w, number == 0 ? RC_NOMEM : RC_INTERNAL);
	}
	for (size_t i = 0; i < n_entries && w.rc == RC_OK; i++) {
		while (left == 0 && at < n_logs) {
			w.log = at;
			left = logs[at++].count;
		}
		if (left == 0) {
			fail(&w, RC_INTERNAL);
			break;
		}
		w.dot.log = logs[w.log].log;
		w.dot.n = logs[w.log].first + logs[w.log].count - left--;
		put_one(&w, &entries[i]);
	}
	if (w.rc == RC_OK && (left != 0 || at != n_logs))
		fail(&w, RC_INTERNAL);
	if (w.rc == RC_OK)
		assemble(&w, raw);
	writer_reset(&w);
	return w.rc;
}
