#include "sync-server/erasure.h"

#include <stdlib.h>
#include <string.h>

#include "shared/base/text.h"
#include "shared/forms/form.h"
#include "shared/records/redaction.h"
#include "shared/sync/cargo.h"
#include "shared/sync/frame.h"
#include "shared/vault/secret.h"
#include "sync-server/authority.h"
#include "sync-server/depot.h"

/* ---- frames of the store, opened ---- */

struct opened {
	struct frame_header header;
	struct cargo cargo;
};

static void
opened_reset(struct opened *o)
{
	frame_header_reset(&o->header);
	cargo_reset(&o->cargo);
}

/* Whoever signed it: the author, or the root after an earlier erasure. */
static enum rc
is_genuine(const struct directory *d, const struct frame_header *h, const struct bytes *bytes)
{
	const struct device *author = directory_device(d, h->device);

	if (author == NULL)
		return RC_AUTH;
	return frame_verify(h, bytes->data, bytes->len, h->kind == FRAME_RESEALED ?
	    directory_root(d) : author->cert.sign_public);
}

static enum rc
unpack(struct opened *o, const struct bytes *inside)
{
	struct cargo_log *ranges = calloc(o->header.n_ranges + 1, sizeof(*ranges));
	enum rc rc;

	if (ranges == NULL)
		return RC_NOMEM;
	for (size_t i = 0; i < o->header.n_ranges; i++) {
		ranges[i].log = o->header.ranges[i].log;
		ranges[i].first = o->header.ranges[i].first;
		ranges[i].count = o->header.ranges[i].count;
	}
	rc = cargo_decode(inside->data, inside->len, ranges, o->header.n_ranges, &o->cargo);
	free(ranges);
	return rc;
}

/* RC_NOTFOUND: not a frame that can be opened, or that its author might have sealed. */
static enum rc
open_frame(struct authority *a, const struct bytes *bytes, struct opened *out, struct error *err)
{
	struct secret *secret = NULL;
	struct bytes inside;
	uint8_t public_key[32];
	enum rc rc;

	memset(out, 0, sizeof(*out));
	bytes_init(&inside);
	if ((rc = frame_read(bytes->data, bytes->len, &out->header)) == RC_OK &&
	    (rc = is_genuine(authority_directory(a), &out->header, bytes)) == RC_OK &&
	    (rc = authority_frame_secret(a, &out->header, &secret, public_key, err)) == RC_OK &&
	    (rc = frame_open(&out->header, bytes->data, bytes->len, public_key, secret, &inside)) == RC_OK)
		rc = unpack(out, &inside);
	secret_free(secret);
	bytes_wipe(&inside);
	if (rc != RC_OK)
		opened_reset(out);
	return rc == RC_FORMAT || rc == RC_AUTH || rc == RC_NEWER || rc == RC_LIMIT ? RC_NOTFOUND : rc;
}

/* Those that somebody may read one day; what nobody can is passed over. */
static bool
may_be_read(const struct depot_frame *f)
{
	return f->state != FRAME_ASIDE || f->reason == ASIDE_ERASED ||
	    f->reason == ASIDE_AUTHOR_RETIRED || f->reason == ASIDE_BY_RETIRED;
}

static enum rc
each_frame(struct authority *a, struct depot *depot,
    enum rc (*each)(void *ctx, const struct opened *o), void *ctx, struct error *err)
{
	struct depot_frame f = { 0 };
	struct opened o;
	struct bytes bytes;
	enum rc rc;

	bytes_init(&bytes);
	while ((rc = depot_frame_next(depot, f.key, &f)) == RC_OK) {
		if (!may_be_read(&f))
			continue;
		bytes.len = 0;
		if ((rc = depot_frame_bytes(depot, f.key, &bytes)) != RC_OK)
			break;
		if ((rc = open_frame(a, &bytes, &o, err)) == RC_NOTFOUND)
			continue;
		if (rc == RC_OK)
			rc = each(ctx, &o);
		opened_reset(&o);
		if (rc != RC_OK)
			break;
	}
	bytes_reset(&bytes);
	return rc == RC_NOTFOUND ? RC_OK : rc;
}

/* ---- finding ---- */

struct finding {
	struct authority *authority;
	const struct form_set *forms;
	struct erasure_order *order;
	enum rc (*each)(void *ctx, const struct erasure_found *found);
	void *ctx;
	struct error *err;
};

static bool
is_meant(const struct erasure_thing *t, const struct entry *e)
{
	if (t->whole_record)
		return dot_compare(&t->dot, &e->record) == 0;
	return dot_compare(&t->dot, &e->dot) == 0 ||
	    (e->restated && dot_compare(&t->dot, &e->restates) == 0);
}

static int
by_number(const void *a, const void *b)
{
	const uint16_t *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

/* Registers of the thing's fields that this entry writes. */
static enum rc
fields_of(const struct finding *f, const struct erasure_thing *t, const struct entry *e,
    const char *form_name, uint16_t *fields, size_t *n)
{
	const struct form *form = form_set_find(f->forms, form_name);

	*n = 0;
	for (size_t i = 0; i < t->n_names; i++) {
		const struct form_field *field = form == NULL ? NULL : form_field_named(form, t->names[i]);
		uint16_t number;
		bool there = false, twice = false;

		if (field == NULL || field->number == 0)
			return error_set(f->err, RC_INVALID, form_name, "name fields as the form does",
			    "the form has no field %s", t->names[i]);
		number = (uint16_t)form_register_of(form, field);
		for (size_t k = 0; k < e->n_writes; k++)
			there = there || e->writes[k].field == number;
		for (size_t k = 0; k < *n; k++)
			twice = twice || fields[k] == number;
		if (there && !twice)
			fields[(*n)++] = number;
	}
	if (*n > 1)
		qsort(fields, *n, sizeof(*fields), by_number);
	return RC_OK;
}

/* *known: it is named already, by another frame or line. */
static enum rc
add_named(struct erasure_order *o, const struct dot *dot, const uint16_t *fields, size_t n,
    bool *known)
{
	size_t cap = o->cap_named ? 2 * o->cap_named : 64, at = o->n_named;
	struct erasure *p;

	*known = false;
	for (size_t i = 0; i < o->n_named; i++)
		if (o->named[i].log == dot->log && o->named[i].n == dot->n)
			at = i;
	*known = at < o->n_named;
	if (!*known && o->n_named == o->cap_named) {
		if ((p = realloc(o->named, cap * sizeof(*p))) == NULL)
			return RC_NOMEM;
		o->named = p;
		o->cap_named = cap;
	}
	p = &o->named[at];
	if (*known && (p->n_fields == 0 || (n == p->n_fields &&
	    memcmp(p->fields, fields, n * sizeof(*fields)) == 0)))
		return RC_OK;
	if (*known)	/* by two lines that mean different fields: all that either means */
		n = 0;
	else
		*p = (struct erasure){ .log = dot->log, .n = dot->n };
	free(p->fields);
	p->fields = NULL;
	p->n_fields = n;
	if (!*known)
		o->n_named++;
	if (n == 0)
		return RC_OK;
	if ((p->fields = malloc(n * sizeof(*fields))) == NULL)
		return RC_NOMEM;
	memcpy(p->fields, fields, n * sizeof(*fields));
	return RC_OK;
}

static enum rc
tell(const struct finding *f, const struct erasure_thing *t, const struct opened *o,
    const struct entry *e, const char *form_name)
{
	struct erasure_found found = { e, o->header.unit, form_name, "" };
	struct bytes names;
	enum rc rc;

	bytes_init(&names);
	for (size_t i = 0; i < t->n_names; i++) {
		bytes_put(&names, " ", i > 0);
		bytes_put(&names, t->names[i], strlen(t->names[i]));
	}
	found.fields = bytes_cstr(&names);
	rc = names.rc == RC_OK ? f->each(f->ctx, &found) : names.rc;
	bytes_reset(&names);
	return rc;
}

static enum rc
look_at(const struct finding *f, const struct opened *o, const struct entry *e)
{
	uint16_t fields[ERASURE_NAMES_MAX];
	char form_name[ENTRY_FORM_NAME_MAX + 1];
	bool known;
	size_t n;
	enum rc rc = RC_OK;

	memcpy(form_name, e->form, e->form_len);
	form_name[e->form_len] = '\0';
	for (size_t i = 0; i < f->order->n_things && rc == RC_OK; i++) {
		struct erasure_thing *t = &f->order->things[i];

		if (!is_meant(t, e))
			continue;
		t->found++;
		if ((rc = fields_of(f, t, e, form_name, fields, &n)) != RC_OK ||
		    (t->n_names > 0 && n == 0))
			continue;
		rc = add_named(f->order, &e->dot, fields, n, &known);
		if (rc == RC_OK && !known)
			rc = tell(f, t, o, e, form_name);
	}
	return rc;
}

static enum rc
look_into(void *ctx, const struct opened *o)
{
	const struct finding *f = ctx;
	enum rc rc = RC_OK;

	for (size_t i = 0; i < o->cargo.n_entries && rc == RC_OK; i++)
		if (!o->cargo.entries[i].hollow)
			rc = look_at(f, o, &o->cargo.entries[i].entry);
	return rc;
}

static int
by_dot(const void *a, const void *b)
{
	const struct erasure *x = a, *y = b;

	if (x->log != y->log)
		return x->log < y->log ? -1 : 1;
	return (x->n > y->n) - (x->n < y->n);
}

enum rc
erasure_find(struct authority *a, struct depot *depot, const struct form_set *forms,
    struct erasure_order *o, enum rc (*each)(void *ctx, const struct erasure_found *found),
    void *ctx, struct error *err)
{
	struct finding f = { a, forms, o, each, ctx, err };
	char id[DOT_TEXT_MAX];
	enum rc rc = each_frame(a, depot, look_into, &f, err);

	for (size_t i = 0; i < o->n_things && rc == RC_OK; i++) {
		dot_text(&o->things[i].dot, id);
		if (o->things[i].found == 0)
			rc = error_set(err, RC_NOTFOUND, id, "take ids from field show --history",
			    "the relay has nothing of this");
	}
	if (rc == RC_OK && o->n_named == 0)
		rc = error_set(err, RC_NOTFOUND, o->title, NULL, "no entry wrote those fields");
	if (o->n_named > 1)
		qsort(o->named, o->n_named, sizeof(*o->named), by_dot);
	return rc;
}

/* ---- sealing again ---- */

struct resealing {
	struct authority *authority;
	size_t n;
	struct error *err;
};

static bool
is_stale(const struct directory *d, const struct frame_header *h)
{
	for (size_t i = 0; i < h->n_ranges; i++)
		if (directory_erased_at(d, h->ranges[i].log) > h->directory_seq)
			return true;
	return false;
}

/* One entry as it travels from now on: without what was erased, and with a key or tag of its own. */
static enum rc
spare(const struct directory *d, const struct cargo_log *log, struct cargo_entry *e)
{
	struct bytes body, left;
	const struct erasure *erasures;
	struct entry decoded;
	size_t n;
	enum rc rc;

	if (e->hollow)
		return RC_OK;
	bytes_init(&body);
	erasures = directory_erasures(d, e->entry.dot.log, e->entry.dot.n, &n);
	rc = entry_encode(&e->entry, &body);
	if (rc == RC_OK && !log->keyless)
		entry_key(log->key, e->entry.dot.n, e->key);
	if (rc == RC_OK && n > 0 && !e->redacted) {
		entry_tag_by(e->key, body.data, body.len, e->tag);
		secret_wipe(e->key, sizeof(e->key));
		e->redacted = 1;
	}
	for (size_t i = 0; i < n && rc == RC_OK; i++) {
		bytes_init(&left);
		if ((rc = entry_decode(body.data, body.len, e->entry.dot, &decoded)) == RC_OK)
			rc = redaction_of(&decoded, erasures[i].fields, erasures[i].n_fields, &left);
		entry_reset(&decoded);
		bytes_wipe(&body);
		body = left;
	}
	e->body = body.data;	/* freed by reseal */
	e->body_len = body.len;
	return rc;
}

static enum rc
reseal(void *ctx, const struct opened *o)
{
	struct resealing *r = ctx;
	const struct directory *d = authority_directory(r->authority);
	struct cargo_entry *entries = o->cargo.entries;
	struct bytes cargo;
	size_t at = 0;
	enum rc rc = RC_OK;

	if (!is_stale(d, &o->header))
		return RC_OK;
	bytes_init(&cargo);
	for (size_t i = 0; i < o->cargo.n_logs; i++) {
		struct cargo_log *log = &o->cargo.logs[i];
		bool erased = directory_erased_at(d, log->log) > 0;

		for (uint64_t k = 0; k < log->count && rc == RC_OK; k++, at++)
			if (erased)
				rc = spare(d, log, &entries[at]);
		if (erased)
			log->keyless = 1;
	}
	if (rc == RC_OK)
		rc = cargo_encode(o->cargo.logs, o->cargo.n_logs, entries, o->cargo.n_entries, &cargo);
	if (rc == RC_OK)
		rc = authority_reseal(r->authority, &o->header, cargo.data, cargo.len, r->err);
	r->n += rc == RC_OK;
	for (size_t i = 0; i < o->cargo.n_entries; i++) {
		if (entries[i].body != NULL)
			secret_wipe(entries[i].body, entries[i].body_len);
		free(entries[i].body);
		entries[i].body = NULL;
	}
	bytes_wipe(&cargo);
	return rc;
}

enum rc
erasure_reseal(struct authority *a, struct depot *depot, size_t *n, struct error *err)
{
	struct resealing r = { a, 0, err };
	enum rc rc = each_frame(a, depot, reseal, &r, err);

	*n = r.n;
	return rc;
}
