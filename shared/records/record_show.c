#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>

#include "shared/base/text.h"
#include "shared/records/record.h"
#include "shared/records/record_parts.h"
#include "shared/vault/query.h"

static enum rc
own_text(struct bytes *b, char **out)
{
	*out = b->rc == RC_OK ? text_dup(bytes_cstr(b)) : NULL;
	bytes_wipe(b);
	return *out != NULL ? RC_OK : RC_NOMEM;
}

static enum rc
device_of(const struct record_context *c, const struct dot *dot, uint8_t out[ENTRY_DEVICE_BYTES])
{
	struct journal_log log;
	enum rc rc = journal_log_get(c->db, dot->log, &log, NULL);

	memcpy(out, log.device, ENTRY_DEVICE_BYTES);
	return rc == RC_NOTFOUND ? RC_OK : rc;
}

/* When, by whom and why a value was struck through. */
static enum rc
fill_void(const struct record_context *c, const struct dot *by, struct record_value *out)
{
	struct bytes body, reason;
	struct entry e;
	enum rc rc;

	bytes_init(&body);
	bytes_init(&reason);
	memset(&e, 0, sizeof(e));
	out->voided = true;
	rc = device_of(c, by, out->void_by);
	if (rc == RC_OK)
		rc = journal_get(c->db, by, &body, NULL);
	if (rc == RC_OK && body.len > 0 &&
	    (rc = entry_decode(body.data, body.len, *by, &e)) == RC_OK) {
		out->void_at = e.saved_at;
		bytes_put(&reason, e.reason, e.reason_len);
	}
	if (rc == RC_OK)
		rc = own_text(&reason, &out->void_reason);
	entry_reset(&e);
	bytes_reset(&body);
	bytes_reset(&reason);
	return rc;
}

static enum rc
fill_value(const struct record_context *c, const struct register_value *v,
    const struct merged_field *f, struct record_value *out)
{
	struct bytes text;
	enum rc rc;

	bytes_init(&text);
	out->address = v->address;
	out->at = v->saved_at;
	rc = f != NULL ? merged_text(f, v, &text) : record_value_text(v, 0, &text);
	if (rc == RC_OK)
		rc = own_text(&text, &out->text);
	if (rc == RC_OK)
		rc = device_of(c, &v->address.dot, out->by);
	if (rc == RC_OK && v->voided.log != 0)
		rc = fill_void(c, &v->voided, out);
	bytes_reset(&text);
	return rc;
}

/* The shortest names that tell the values of one register apart. */
static void
name_values(struct record_value *values, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		size_t digits = RECORD_PARTS_K_MIN;
		char own[RECORD_K_MAX], other[RECORD_K_MAX];

		record_parts_k(&values[i].address, RECORD_PARTS_K_DIGITS, own);
		for (size_t k = 0; k < n; k++) {
			record_parts_k(&values[k].address, RECORD_PARTS_K_DIGITS, other);
			while (k != i && digits < RECORD_PARTS_K_DIGITS &&
			    strncmp(own, other, digits) == 0)
				digits++;
		}
		record_parts_k(&values[i].address, digits, values[i].k);
	}
}

static bool
is_shown(const struct merged_field *f, const struct register_value *v)
{
	if (v->voided.log != 0)
		return false;
	return f->many || (f->show.shown != NULL && register_value_equal(v, f->show.shown));
}

static enum rc
fill_field(const struct record_context *c, const struct merged_field *f,
    struct record_field *out)
{
	enum rc rc = RC_OK;

	out->name = f->field->name;
	out->field = f->field;
	out->number = f->number;
	out->standing = f->show.standing;
	if ((out->values = calloc(f->show.n_all, sizeof(*out->values))) == NULL)
		return RC_NOMEM;
	for (size_t i = 0; rc == RC_OK && i < f->show.n_all; i++) {
		out->n_values++;
		out->values[i].shown = is_shown(f, f->show.all[i]);
		rc = fill_value(c, f->show.all[i], f, &out->values[i]);
	}
	name_values(out->values, out->n_values);
	return rc;
}

/* One line for each entry that a delete has not seen: it says that the record lives. */
static enum rc
add_unseen(const struct record_context *c, const struct register_state *s,
    struct record_field *out)
{
	enum rc rc = RC_OK;

	for (size_t i = 0; i < s->n_fields; i++) {
		for (size_t k = 0; rc == RC_OK && k < s->fields[i].n_values; k++) {
			const struct register_value *v = &s->fields[i].values[k];
			struct record_value *to = &out->values[out->n_values];
			bool there = s->fields[i].field == ENTRY_ALIVE ||
			    !register_unseen_by_delete(s, v);

			for (size_t j = 0; !there && j < out->n_values; j++)
				there = dot_compare(&out->values[j].address.dot,
				    &v->address.dot) == 0;
			if (there)
				continue;
			out->n_values++;
			to->address = (struct address){ v->address.dot, 0 };
			to->at = v->saved_at;
			rc = device_of(c, &v->address.dot, to->by);
			if (rc == RC_OK && (to->text = text_dup("1")) == NULL)
				rc = RC_NOMEM;
		}
	}
	return rc;
}

static enum rc
fill_alive(const struct record_context *c, const struct register_state *s,
    struct record_field *out)
{
	const struct register_field *f = register_find(s, ENTRY_ALIVE);
	size_t room = 0;
	enum rc rc = RC_OK;

	for (size_t i = 0; i < s->n_fields; i++)
		room += s->fields[i].n_values;
	out->name = "alive";
	out->number = ENTRY_ALIVE;
	out->standing = register_alive(s).conflict ? REGISTER_CONFLICT : REGISTER_OK;
	if ((out->values = calloc(room + 1, sizeof(*out->values))) == NULL)
		return RC_NOMEM;
	for (size_t i = 0; rc == RC_OK && f != NULL && i < f->n_values; i++) {
		out->n_values++;
		out->values[i].shown = out->standing == REGISTER_OK;
		rc = fill_value(c, &f->values[i], NULL, &out->values[i]);
	}
	if (rc == RC_OK && out->standing == REGISTER_CONFLICT)
		rc = add_unseen(c, s, out);
	name_values(out->values, out->n_values);
	return rc;
}

static enum rc
fill_fields(const struct record_context *c, const struct record_opened *o,
    struct record_view *out)
{
	enum rc rc = RC_OK;

	out->fields = calloc(o->merged.n_fields + 1, sizeof(*out->fields));
	if (out->fields == NULL)
		return RC_NOMEM;
	for (size_t i = 0; rc == RC_OK && i < o->merged.n_fields; i++)
		if (o->merged.fields[i].show.n_all > 0)
			rc = fill_field(c, &o->merged.fields[i], &out->fields[out->n_fields++]);
	if (rc == RC_OK && register_find(&o->state, ENTRY_ALIVE) != NULL &&
	    register_find(&o->state, ENTRY_ALIVE)->n_values > 0)
		rc = fill_alive(c, &o->state, &out->fields[out->n_fields++]);
	return rc;
}

static enum rc
fill_headline(const struct record_opened *o, struct record_view *out)
{
	struct bytes text;
	enum rc rc = RC_OK;

	bytes_init(&text);
	for (size_t i = 0; rc == RC_OK && o->form->instance_name != NULL &&
	    i < o->merged.n_fields; i++) {
		const struct merged_field *f = &o->merged.fields[i];

		if (strcmp(f->field->name, o->form->instance_name) == 0 && f->show.shown != NULL)
			rc = merged_text(f, f->show.shown, &text);
	}
	if (rc == RC_OK)
		rc = own_text(&text, &out->headline);
	bytes_wipe(&text);
	return rc;
}

static enum rc
fill_counts(const struct record_context *c, struct record_view *out, struct error *err)
{
	struct sqlite3_stmt *q = NULL;
	bool row = false;
	enum rc rc = query_open(c->db, err, &q, "SELECT conflicts, settled, newer, breaches"
	    " FROM record WHERE id = ?1", "i", out->local);

	if (rc == RC_OK && (rc = query_next(q, &row, err)) == RC_OK && row) {
		out->conflicts = (unsigned)query_column_int(q, 0);
		out->settled = (unsigned)query_column_int(q, 1);
		out->newer = (unsigned)query_column_int(q, 2);
		out->breaches = (unsigned)query_column_int(q, 3);
	}
	query_close(q);
	return rc;
}

enum rc
record_show(const struct record_context *c, const struct dot *id, struct record_view *out,
    struct error *err)
{
	struct record_opened o;
	enum rc rc;

	memset(out, 0, sizeof(*out));
	if ((rc = record_parts_open(c, id, &o, err)) != RC_OK)
		return rc;
	out->id = *id;
	out->local = o.local;
	out->form = o.form;
	memcpy(out->form_name, o.state.form, sizeof(out->form_name));
	out->scope = o.scope;
	out->created_at = register_created_at(&o.state);
	out->deleted = register_alive(&o.state).deleted;
	if (o.state.creator.log != 0)
		rc = device_of(c, &o.state.creator, out->created_by);
	if (rc == RC_OK)
		rc = fill_counts(c, out, err);
	if (rc == RC_OK)
		rc = fill_fields(c, &o, out);
	if (rc == RC_OK && o.form != NULL)
		rc = fill_headline(&o, out);
	else if (rc == RC_OK && (out->headline = text_dup("")) == NULL)
		rc = RC_NOMEM;
	if (rc == RC_OK)
		rc = record_token_make(&o.state, &out->seen);
	record_parts_close(&o);
	if (rc != RC_OK)
		record_view_reset(out);
	return rc == RC_OK ? RC_OK : error_set(err, rc, NULL, NULL, "cannot show the record");
}

void
record_view_reset(struct record_view *v)
{
	for (size_t i = 0; i < v->n_fields; i++) {
		for (size_t k = 0; k < v->fields[i].n_values; k++) {
			free(v->fields[i].values[k].text);
			free(v->fields[i].values[k].void_reason);
		}
		free(v->fields[i].values);
	}
	free(v->fields);
	free(v->headline);
	free(v->seen);
	memset(v, 0, sizeof(*v));
}

const struct record_field *
record_view_field(const struct record_view *v, const char *name)
{
	for (size_t i = 0; i < v->n_fields; i++)
		if (strcmp(v->fields[i].name, name) == 0)
			return &v->fields[i];
	return NULL;
}
