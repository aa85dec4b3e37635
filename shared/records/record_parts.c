#include "shared/records/record_parts.h"

#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>

#include "shared/records/value.h"
#include "shared/vault/digest.h"
#include "shared/vault/query.h"

static enum rc
read_row(const struct record_context *c, struct record_opened *o, struct error *err)
{
	struct sqlite3_stmt *q = NULL;
	const char *unit;
	const uint8_t *p;
	bool row = false;
	size_t len;
	enum rc rc;

	rc = query_open(c->db, err, &q, "SELECT id, unit, compartment, state FROM record"
	    " WHERE log = ?1 AND n = ?2 AND form <> ''", "ii", (int64_t)o->id.log,
	    (int64_t)o->id.n);
	if (rc == RC_OK && (rc = query_next(q, &row, err)) == RC_OK && row) {
		o->local = query_column_int(q, 0);
		unit = query_column_text(q, 1);
		if (strlen(unit) <= JOURNAL_UNIT_MAX)
			memcpy(o->scope.unit, unit, strlen(unit) + 1);
		o->scope.compartment = (unsigned)query_column_int(q, 2);
		p = query_column_blob(q, 3, &len);
		rc = register_state_decode(p, len, o->id, &o->state);
	}
	query_close(q);
	if (rc == RC_FORMAT)
		rc = error_set(err, RC_DAMAGED, "record", "run: field rebuild",
		    "the stored state of a record does not follow its grammar");
	if (rc == RC_OK && !row)
		rc = error_set(err, RC_NOTFOUND, NULL, NULL, "no such record here");
	return rc;
}

enum rc
record_parts_open(const struct record_context *c, const struct dot *id,
    struct record_opened *out, struct error *err)
{
	enum rc rc;

	memset(out, 0, sizeof(*out));
	out->id = *id;
	register_state_init(&out->state, *id);
	if ((rc = read_row(c, out, err)) != RC_OK)
		return rc;
	out->form = form_set_find(c->forms, out->state.form);
	if (out->form != NULL && (rc = merged_init(&out->merged, out->form, &out->state)) != RC_OK)
		record_parts_close(out);
	return rc;
}

enum rc
record_parts_open_to_write(const struct record_context *c, const struct dot *id,
    struct record_opened *out, struct error *err)
{
	enum rc rc = record_parts_open(c, id, out, err);

	if (rc != RC_OK)
		return rc;
	if (out->form == NULL)
		rc = error_set(err, RC_NEWER, NULL, "update the forms of this computer",
		    "the record's form is not known here");
	else if (register_alive(&out->state).deleted)
		rc = error_set(err, RC_INVALID, NULL, "take that back first: field undelete ID", "the record is deleted");
	if (rc != RC_OK)
		record_parts_close(out);
	return rc;
}

void
record_parts_close(struct record_opened *o)
{
	merged_reset(&o->merged);
	register_state_reset(&o->state);
}

enum rc
record_parts_field(const struct record_opened *o, const char *name,
    const struct merged_field **out, struct error *err)
{
	*out = NULL;
	for (size_t i = 0; i < o->merged.n_fields; i++) {
		if (strcmp(o->merged.fields[i].field->name, name) == 0) {
			*out = &o->merged.fields[i];
			return RC_OK;
		}
	}
	return error_set(err, RC_NOTFOUND, o->state.form, NULL, "the form has no such field");
}

void
record_parts_k(const struct address *a, size_t digits, char out[RECORD_K_MAX])
{
	uint8_t hash[RECORD_PARTS_K_DIGITS / 2];
	struct digest d;

	digest_start(&d, 16, NULL, 0, "field-value-name-1");
	digest_u64(&d, a->dot.log);
	digest_varint(&d, a->dot.n);
	digest_varint(&d, a->item);
	{
		uint8_t whole[16];

		digest_end(&d, whole);
		memcpy(hash, whole, sizeof(hash));
	}
	bytes_hex(hash, sizeof(hash), out);
	if (digits < RECORD_PARTS_K_DIGITS)
		out[digits] = '\0';
}

/* Seen ----------------------------------------------------------------- */

static enum rc
add_entry(const struct record_context *c, const struct record_opened *o,
    const struct dot *dot, struct record_seen *s)
{
	struct bytes *body = &s->bodies[s->n];
	struct entry *e = &s->entries[s->n];
	enum rc rc;

	bytes_init(body);
	rc = journal_get(c->db, dot, body, NULL);
	if (rc == RC_OK && body->len > 0)
		rc = entry_decode(body->data, body->len, *dot, e);
	if (rc == RC_OK && body->len > 0 && dot_compare(&e->record, &o->id) == 0) {
		s->n++;
		return RC_OK;
	}
	/* not here, hollow, or not of this record: there is nothing of it to replace */
	entry_reset(e);
	bytes_reset(body);
	return rc == RC_NOTFOUND || rc == RC_NEWER || rc == RC_FORMAT ? RC_OK : rc;
}

enum rc
record_parts_see(const struct record_context *c, const struct record_opened *o,
    const char *token, struct record_seen *out, struct error *err)
{
	enum rc rc;

	memset(out, 0, sizeof(*out));
	if (token == NULL)
		return record_token_of_state(&o->state, &out->token);
	out->given = true;
	if ((rc = record_token_read(token, &o->id, &out->token, err)) != RC_OK)
		return rc;
	out->entries = calloc(out->token.n + 1, sizeof(*out->entries));
	out->bodies = calloc(out->token.n + 1, sizeof(*out->bodies));
	if (out->entries == NULL || out->bodies == NULL)
		rc = RC_NOMEM;
	for (size_t i = 0; rc == RC_OK && i < out->token.n; i++)
		rc = add_entry(c, o, &out->token.dots[i], out);
	if (rc != RC_OK)
		record_parts_unsee(out);
	return rc;
}

void
record_parts_unsee(struct record_seen *s)
{
	for (size_t i = 0; i < s->n; i++) {
		entry_reset(&s->entries[i]);
		bytes_reset(&s->bodies[i]);
	}
	free(s->entries);
	free(s->bodies);
	record_token_reset(&s->token);
	memset(s, 0, sizeof(*s));
}

static bool
writes_to(const struct write *w, unsigned number)
{
	return w->field == number && w->kind != WRITE_VOID;
}

static int
by_address(const void *a, const void *b)
{
	const struct record_seen_value *x = a, *y = b;

	return address_compare(&x->address, &y->address);
}

/* From the token's entries, whatever became of their values since. */
static void
collect_written(const struct record_seen *s, unsigned number, struct record_seen_value *out,
    size_t *n)
{
	for (size_t i = 0; i < s->n; i++) {
		const struct entry *e = &s->entries[i];

		for (size_t k = 0; k < e->n_writes; k++) {
			const struct write *w = &e->writes[k];

			for (size_t v = 0; writes_to(w, number) && v < w->n_values; v++) {
				out[*n].address.dot = e->dot;
				out[*n].address.item = w->kind == WRITE_SET ? 0 : (uint32_t)v + 1;
				out[*n].saved_at = e->saved_at;
				out[*n].value = w->values[v];
				(*n)++;
			}
		}
	}
}

static size_t
count_written(const struct record_seen *s, unsigned number)
{
	size_t n = 0;

	for (size_t i = 0; i < s->n; i++)
		for (size_t k = 0; k < s->entries[i].n_writes; k++)
			if (writes_to(&s->entries[i].writes[k], number))
				n += s->entries[i].writes[k].n_values;
	return n;
}

/* From the state; members of groups go behind the list, into the same memory. */
static enum rc
collect_live(const struct register_field *f, struct record_seen_value *out, size_t *n,
    struct value_member *members)
{
	enum rc rc = RC_OK;

	for (size_t i = 0; f != NULL && rc == RC_OK && i < f->n_values; i++) {
		out[*n].address = f->values[i].address;
		out[*n].saved_at = f->values[i].saved_at;
		rc = register_value_get(&f->values[i], &out[*n].value, members);
		members += out[*n].value.n_members;
		(*n)++;
	}
	return rc;
}

enum rc
record_parts_seen_values(const struct record_opened *o, const struct record_seen *s,
    unsigned number, struct record_seen_value **out, size_t *n)
{
	const struct register_field *f = register_find(&o->state, number);
	size_t room = s->given ? count_written(s, number) : f == NULL ? 0 : f->n_values;
	size_t members = s->given || room == 0 ? 0 : room * ENTRY_GROUP_MAX;
	struct record_seen_value *list;
	enum rc rc = RC_OK;

	*out = NULL;
	*n = 0;
	list = malloc((room + 1) * sizeof(*list) + members * sizeof(struct value_member));
	if (list == NULL)
		return RC_NOMEM;
	if (s->given)
		collect_written(s, number, list, n);
	else
		rc = collect_live(f, list, n, (struct value_member *)(void *)(list + room + 1));
	if (rc != RC_OK) {
		free(list);
		*n = 0;
		return rc;
	}
	if (*n > 1)
		qsort(list, *n, sizeof(*list), by_address);
	*out = list;
	return RC_OK;
}
