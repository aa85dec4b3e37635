#include "shared/records/entry.h"

#include <stdlib.h>
#include <string.h>

#include "shared/base/arena.h"
#include "shared/records/value.h"
#include "shared/vault/digest.h"

enum {
	BODY_VERSION = 1,
	FLAG_CREATES = 1,
	FLAG_REASON = 2,
	FLAG_RESTATES = 4,
	FLAGS_ALL = 7
};

/* Checking: one set of rules for what is written and what is read ------- */

static bool
is_dot(const struct dot *d)
{
	return d->log != 0 && d->n >= 1 && d->n <= INT64_MAX;
}

static enum rc
check_head(const struct entry *e)
{
	bool of_own = dot_compare(&e->record, &e->dot) == 0;
	enum rc rc;

	if (!is_dot(&e->dot) || !is_dot(&e->record))
		return RC_INTERNAL;
	if (e->restated) {
		bool of_original = dot_compare(&e->record, &e->restates) == 0;

		if (!is_dot(&e->restates) || e->restates.log == e->dot.log || of_own ||
		    e->creates != of_original)
			return RC_INTERNAL;
	} else if (e->creates != of_own) {
		return RC_INTERNAL;
	}
	if (e->form_len > ENTRY_FORM_NAME_MAX || e->reason_len > ENTRY_REASON_MAX)
		return RC_LIMIT;
	if (e->form == NULL || e->form_len == 0 || (e->reason != NULL && e->reason_len == 0))
		return RC_INTERNAL;
	if ((rc = value_check_text(e->form, e->form_len)) != RC_OK || e->reason == NULL)
		return rc;
	return value_check_text(e->reason, e->reason_len);
}

static enum rc
check_replaces(const struct entry *e, const struct write *w)
{
	if (w->n_replaces > ENTRY_REPLACES_MAX)
		return RC_LIMIT;
	for (size_t i = 0; i < w->n_replaces; i++) {
		const struct address *a = &w->replaces[i];

		if (!is_dot(&a->dot) || a->item > ENTRY_ITEMS_MAX ||
		    dot_compare(&a->dot, &e->dot) == 0)
			return RC_INTERNAL;
		if (i > 0 && address_compare(&w->replaces[i - 1], a) >= 0)
			return RC_INTERNAL;
	}
	return RC_OK;
}

static enum rc
check_kind(const struct entry *e, const struct write *w)
{
	switch (w->kind) {
	case WRITE_SET:
		if (w->n_values != 1)
			return RC_INTERNAL;
		if (w->field == ENTRY_ALIVE && (w->values[0].type != VALUE_INTEGER ||
		    (w->values[0].integer != 0 && w->values[0].integer != 1)))
			return RC_INTERNAL;
		return RC_OK;
	case WRITE_ITEMS:
		if (w->n_values > ENTRY_ITEMS_MAX)
			return RC_LIMIT;
		for (size_t i = 0; i < w->n_values; i++)
			if (w->values[i].type == VALUE_NOTHING || w->values[i].type == VALUE_GROUP)
				return RC_INTERNAL;
		return w->field != ENTRY_ALIVE && w->n_values + w->n_replaces > 0 ?
		    RC_OK : RC_INTERNAL;
	case WRITE_VOID:
		return w->field != ENTRY_ALIVE && w->n_values == 0 && w->n_replaces > 0 &&
		    e->reason != NULL ? RC_OK : RC_INTERNAL;
	}
	return RC_INTERNAL;
}

static enum rc
check_write(const struct entry *e, size_t i)
{
	const struct write *w = &e->writes[i];
	enum rc rc;

	if (w->field > ENTRY_FIELD_MAX)
		return RC_INTERNAL;
	if (i > 0) {
		const struct write *before = &e->writes[i - 1];

		if (w->field < before->field ||
		    (w->field == before->field && w->kind <= before->kind))
			return RC_INTERNAL;
	}
	if ((rc = check_replaces(e, w)) != RC_OK || (rc = check_kind(e, w)) != RC_OK)
		return rc;
	for (size_t k = 0; k < w->n_values; k++)
		if ((rc = value_check(&w->values[k])) != RC_OK)
			return rc;
	return RC_OK;
}

static enum rc
check_entry(const struct entry *e)
{
	enum rc rc = check_head(e);

	if (rc == RC_OK && e->n_writes > ENTRY_WRITES_MAX)
		rc = RC_LIMIT;
	for (size_t i = 0; rc == RC_OK && i < e->n_writes; i++)
		rc = check_write(e, i);
	return rc;
}

/* Writing -------------------------------------------------------------- */

static void
put_dot(struct bytes *b, const struct dot *d)
{
	bytes_u64(b, d->log);
	bytes_varint(b, d->n);
}

static void
put_write(struct bytes *b, const struct write *w)
{
	bytes_varint(b, w->field);
	bytes_u8(b, (uint8_t)w->kind);
	bytes_varint(b, w->n_replaces);
	for (size_t i = 0; i < w->n_replaces; i++) {
		put_dot(b, &w->replaces[i].dot);
		bytes_varint(b, w->replaces[i].item);
	}
	if (w->kind == WRITE_ITEMS)
		bytes_varint(b, w->n_values);
	for (size_t i = 0; i < w->n_values; i++)
		value_put(b, &w->values[i]);
}

enum rc
entry_encode(const struct entry *e, struct bytes *body)
{
	size_t start = body->len;
	enum rc rc = check_entry(e);

	if (rc != RC_OK)
		return rc;
	bytes_u8(body, BODY_VERSION);
	bytes_u8(body, (uint8_t)((e->creates ? FLAG_CREATES : 0) |
	    (e->reason != NULL ? FLAG_REASON : 0) | (e->restated ? FLAG_RESTATES : 0)));
	if (!e->creates || e->restated)
		put_dot(body, &e->record);
	bytes_span(body, e->form, e->form_len);
	bytes_varint(body, e->form_version);
	bytes_zigzag(body, e->saved_at);
	if (e->reason != NULL)
		bytes_span(body, e->reason, e->reason_len);
	if (e->restated)
		put_dot(body, &e->restates);
	bytes_varint(body, e->n_writes);
	for (size_t i = 0; i < e->n_writes; i++)
		put_write(body, &e->writes[i]);
	if (body->rc != RC_OK)
		return body->rc;
	return body->len - start > ENTRY_BODY_MAX ? RC_LIMIT : RC_OK;
}

/* Reading -------------------------------------------------------------- */

struct decoder {
	struct reader r;
	struct arena arena;
	bool no_memory;
};

/* n objects, where each takes at least min_bytes of what is left to read. */
static void *
room(struct decoder *d, size_t n, size_t size, size_t min_bytes)
{
	void *p;

	if (d->r.bad || n > reader_left(&d->r) / min_bytes) {
		d->r.bad = true;
		return NULL;
	}
	if ((p = arena_alloc(&d->arena, n, size)) == NULL)
		d->no_memory = d->r.bad = true;
	return p;
}

static struct dot
read_dot(struct reader *r)
{
	struct dot d;

	d.log = reader_u64(r);
	d.n = reader_varint_max(r, INT64_MAX);
	return d;
}

static void
read_value(struct decoder *d, struct value *out)
{
	struct value_member members[ENTRY_GROUP_MAX];
	struct value_member *kept;

	value_read(&d->r, out, members);
	if (out->n_members == 0)
		return;
	kept = arena_alloc(&d->arena, out->n_members, sizeof(*kept));
	if (kept == NULL) {
		d->no_memory = d->r.bad = true;
		out->n_members = 0;
	} else {
		memcpy(kept, members, out->n_members * sizeof(*kept));
	}
	out->members = kept;
}

static void
read_write(struct decoder *d, struct write *w)
{
	struct address *replaces;
	struct value *values;
	unsigned kind;

	w->field = (unsigned)reader_varint_max(&d->r, ENTRY_FIELD_MAX);
	kind = reader_u8(&d->r);
	w->n_replaces = (size_t)reader_varint_max(&d->r, ENTRY_REPLACES_MAX);
	if ((replaces = room(d, w->n_replaces, sizeof(*replaces), 10)) == NULL)
		return;
	for (size_t i = 0; i < w->n_replaces; i++) {
		replaces[i].dot = read_dot(&d->r);
		replaces[i].item = (uint32_t)reader_varint_max(&d->r, ENTRY_ITEMS_MAX);
	}
	w->replaces = replaces;
	if (kind == WRITE_SET)
		w->n_values = 1;
	else if (kind == WRITE_ITEMS)
		w->n_values = (size_t)reader_varint_max(&d->r, ENTRY_ITEMS_MAX);
	else if (kind != WRITE_VOID)
		d->r.bad = true;
	w->kind = (enum write_kind)kind;
	if ((values = room(d, w->n_values, sizeof(*values), 1)) == NULL)
		return;
	for (size_t i = 0; i < w->n_values && !d->r.bad; i++)
		read_value(d, &values[i]);
	w->values = values;
}

static void
read_entry(struct decoder *d, struct entry *out)
{
	struct reader *r = &d->r;
	unsigned flags = reader_u8(r);
	struct write *writes;

	if (flags > FLAGS_ALL)
		r->bad = true;
	out->creates = (flags & FLAG_CREATES) != 0;
	out->restated = (flags & FLAG_RESTATES) != 0;
	out->record = out->creates && !out->restated ? out->dot : read_dot(r);
	out->form = (const char *)reader_span(r, ENTRY_FORM_NAME_MAX, &out->form_len);
	out->form_version = (unsigned)reader_varint_max(r, UINT32_MAX);
	out->saved_at = reader_zigzag(r);
	if ((flags & FLAG_REASON) != 0)
		out->reason = (const char *)reader_span(r, ENTRY_REASON_MAX, &out->reason_len);
	if (out->restated)
		out->restates = read_dot(r);
	out->n_writes = (size_t)reader_varint_max(r, ENTRY_WRITES_MAX);
	if ((writes = room(d, out->n_writes, sizeof(*writes), 3)) == NULL)
		return;
	for (size_t i = 0; i < out->n_writes && !r->bad; i++)
		read_write(d, &writes[i]);
	out->writes = writes;
}

/* The arena moves to the heap with the entry; RC_NOMEM leaves it with the decoder. */
static enum rc
keep_arena(struct decoder *d, struct entry *out)
{
	struct arena *kept = malloc(sizeof(*kept));

	if (kept == NULL)
		return RC_NOMEM;
	*kept = d->arena;
	out->arena = kept;
	return RC_OK;
}

enum rc
entry_decode(const uint8_t *body, size_t len, struct dot dot, struct entry *out)
{
	struct decoder d = { .no_memory = false };
	enum rc rc;

	memset(out, 0, sizeof(*out));
	out->dot = dot;
	if (len == 0 || len > ENTRY_BODY_MAX)
		return RC_FORMAT;
	if (body[0] != BODY_VERSION)
		return body[0] > BODY_VERSION ? RC_NEWER : RC_FORMAT;
	arena_init(&d.arena, 0);
	reader_init(&d.r, body + 1, len - 1);
	read_entry(&d, out);
	if (d.no_memory)
		rc = RC_NOMEM;
	else if (!reader_done(&d.r))
		rc = RC_FORMAT;
	else if ((rc = check_entry(out)) != RC_OK && rc != RC_NOMEM)
		rc = RC_FORMAT;
	if (rc == RC_OK)
		rc = keep_arena(&d, out);
	if (rc != RC_OK) {
		arena_reset(&d.arena);
		memset(out, 0, sizeof(*out));
	}
	return rc;
}

void
entry_reset(struct entry *e)
{
	if (e->arena != NULL)
		arena_reset(e->arena);
	free(e->arena);
	memset(e, 0, sizeof(*e));
}

/* Chain ---------------------------------------------------------------- */

void
entry_key(const uint8_t log_key[ENTRY_LOG_KEY_BYTES], uint64_t n, uint8_t key[ENTRY_KEY_BYTES])
{
	struct digest d;

	digest_start(&d, ENTRY_KEY_BYTES, log_key, ENTRY_LOG_KEY_BYTES, "field-entry-key-1");
	digest_u64(&d, n);
	digest_end(&d, key);
}

void
entry_tag_by(const uint8_t key[ENTRY_KEY_BYTES], const uint8_t *body, size_t len,
    uint8_t tag[ENTRY_TAG_BYTES])
{
	struct digest d;

	digest_start(&d, ENTRY_TAG_BYTES, key, ENTRY_KEY_BYTES, "field-body-1");
	digest_put(&d, body, len);
	digest_end(&d, tag);
}

void
entry_tag(const uint8_t log_key[ENTRY_LOG_KEY_BYTES], uint64_t n,
    const uint8_t *body, size_t len, uint8_t tag[ENTRY_TAG_BYTES])
{
	uint8_t key[ENTRY_KEY_BYTES];

	entry_key(log_key, n, key);
	entry_tag_by(key, body, len, tag);
}

void
entry_chain_start(uint64_t log, const uint8_t device[ENTRY_DEVICE_BYTES],
    const char *unit, unsigned compartment, const struct entry_tip *tips, size_t n_tips,
    uint8_t head[ENTRY_HEAD_BYTES])
{
	struct digest d;

	digest_start(&d, ENTRY_HEAD_BYTES, NULL, 0, "field-log-1");
	digest_u64(&d, log);
	digest_put(&d, device, ENTRY_DEVICE_BYTES);
	digest_span(&d, unit, strlen(unit));
	digest_u8(&d, (uint8_t)compartment);
	digest_varint(&d, n_tips);
	for (size_t i = 0; i < n_tips; i++) {
		digest_u64(&d, tips[i].log);
		digest_varint(&d, tips[i].n);
		digest_put(&d, tips[i].head, ENTRY_HEAD_BYTES);
	}
	digest_end(&d, head);
}

void
entry_chain_next(uint8_t head[ENTRY_HEAD_BYTES], uint64_t n,
    const uint8_t tag[ENTRY_TAG_BYTES])
{
	struct digest d;

	digest_start(&d, ENTRY_HEAD_BYTES, NULL, 0, "field-chain-1");
	digest_put(&d, head, ENTRY_HEAD_BYTES);
	digest_u64(&d, n);
	digest_put(&d, tag, ENTRY_TAG_BYTES);
	digest_end(&d, head);
}
