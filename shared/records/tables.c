#include "shared/records/tables.h"

#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>

#include "shared/base/phone.h"
#include "shared/base/text.h"
#include "shared/records/duplicate_cluster.h"
#include "shared/records/merged.h"
#include "shared/records/statement.h"
#include "shared/records/tables_schema.h"
#include "shared/records/value.h"

/* Statements of one form, prepared when first needed. */
struct tables_form {
	const struct form *form;
	struct sqlite3_stmt *put, *drop;
	struct sqlite3_stmt **put_child, **drop_child;	/* by index of the field; NULL: none */
};

struct tables {
	struct sqlite3 *db;
	const struct form_set *forms;
	struct tables_form *list;
	size_t n;
	struct sqlite3_stmt *find, *make;
};

/* Column numbers of the fixed ones in `put`. */
enum { PUT_ID = 1, PUT_UNIT, PUT_CREATED, PUT_ALIVE, PUT_CONFLICTS, PUT_FIELDS };

enum rc
tables_open(struct sqlite3 *db, const struct form_set *forms, struct tables **out,
    struct error *err)
{
	struct tables *t = calloc(1, sizeof(*t));
	enum rc rc;

	*out = NULL;
	if (t == NULL)
		return RC_NOMEM;
	t->db = db;
	t->forms = forms;
	t->n = form_set_count(forms);
	t->list = calloc(t->n + 1, sizeof(*t->list));
	rc = t->list != NULL ? RC_OK : RC_NOMEM;
	for (size_t i = 0; rc == RC_OK && i < t->n; i++) {
		struct tables_form *f = &t->list[i];

		f->form = form_set_at(forms, i);
		f->put_child = calloc(f->form->n_fields + 1, sizeof(struct sqlite3_stmt *));
		f->drop_child = calloc(f->form->n_fields + 1, sizeof(struct sqlite3_stmt *));
		if (f->put_child == NULL || f->drop_child == NULL)
			rc = RC_NOMEM;
	}
	if (rc == RC_OK)
		rc = tables_schema_make(db, forms, err);
	if (rc == RC_OK)
		rc = duplicate_cluster_schema(db, forms, err);
	if (rc == RC_OK)
		rc = statement_prepare(db, "SELECT id FROM record WHERE log = ?1 AND n = ?2",
		    &t->find, err);
	if (rc == RC_OK)
		rc = statement_prepare(db, "INSERT INTO record(log, n) VALUES(?1, ?2)", &t->make, err);
	if (rc != RC_OK) {
		tables_close(t);
		return rc;
	}
	*out = t;
	return RC_OK;
}

void
tables_close(struct tables *t)
{
	if (t == NULL)
		return;
	for (size_t i = 0; t->list != NULL && i < t->n; i++) {
		struct tables_form *f = &t->list[i];

		for (size_t k = 0; f->put_child != NULL && f->drop_child != NULL &&
		    k < f->form->n_fields; k++) {
			statement_free(f->put_child[k]);
			statement_free(f->drop_child[k]);
		}
		free(f->put_child);
		free(f->drop_child);
		statement_free(f->put);
		statement_free(f->drop);
	}
	free(t->list);
	statement_free(t->find);
	statement_free(t->make);
	free(t);
}

/* record.id of a record; its row is made on first mention. */
static enum rc
record_id(struct tables *t, const struct dot *record, int64_t *id, struct error *err)
{
	bool row;
	enum rc rc;

	*id = 0;
	rc = statement_first(t->find, &row, err, "uu", record->log, record->n);
	if (rc == RC_OK && row)
		*id = sqlite3_column_int64(t->find, 0);
	statement_rest(t->find);
	if (rc != RC_OK || row)
		return rc;
	if ((rc = statement_run(t->make, err, "uu", record->log, record->n)) != RC_OK)
		return rc;
	*id = sqlite3_last_insert_rowid(t->db);
	return RC_OK;
}

/* Preparing ------------------------------------------------------------ */

static enum rc
prepare(struct tables *t, struct bytes *sql, struct sqlite3_stmt **out, struct error *err)
{
	enum rc rc = sql->rc;

	if (rc == RC_OK)
		rc = statement_prepare(t->db, bytes_cstr(sql), out, err);
	bytes_reset(sql);
	return rc;
}

static enum rc
prepare_put(struct tables *t, struct tables_form *f, struct error *err)
{
	char name[TABLES_NAME_MAX];
	struct bytes sql;
	unsigned columns = PUT_FIELDS - 1;

	if (f->put != NULL)
		return RC_OK;
	bytes_init(&sql);
	bytes_text(&sql, "INSERT OR REPLACE INTO ");
	tables_name(f->form->name, NULL, name);
	tables_schema_name(&sql, name);
	bytes_text(&sql, "(id, unit, created_at, alive, conflicts");
	for (size_t i = 0; i < f->form->n_fields; i++) {
		if (!tables_schema_has_column(&f->form->fields[i]))
			continue;
		bytes_text(&sql, ", ");
		tables_column(f->form->fields[i].name, name);
		tables_schema_name(&sql, name);
		columns++;
	}
	bytes_text(&sql, ") VALUES(?1");
	for (unsigned i = 2; i <= columns; i++)
		bytes_printf(&sql, ", ?%u", i);
	bytes_text(&sql, ")");
	return prepare(t, &sql, &f->put, err);
}

static enum rc
prepare_drop(struct tables *t, const char *form, const char *field, struct sqlite3_stmt **out,
    struct error *err)
{
	char name[TABLES_NAME_MAX];
	struct bytes sql;

	if (*out != NULL)
		return RC_OK;
	bytes_init(&sql);
	bytes_text(&sql, "DELETE FROM ");
	tables_name(form, field, name);
	tables_schema_name(&sql, name);
	bytes_text(&sql, " WHERE id = ?1");
	return prepare(t, &sql, out, err);
}

static enum rc
prepare_put_child(struct tables *t, struct tables_form *f, size_t i, struct error *err)
{
	char name[TABLES_NAME_MAX];
	struct bytes sql;

	if (f->put_child[i] != NULL)
		return RC_OK;
	bytes_init(&sql);
	bytes_text(&sql, "INSERT OR REPLACE INTO ");
	tables_name(f->form->name, f->form->fields[i].name, name);
	tables_schema_name(&sql, name);
	bytes_text(&sql, "(id, item_log, item_n, item, voided, value)"
	    " VALUES(?1, ?2, ?3, ?4, ?5, ?6)");
	return prepare(t, &sql, &f->put_child[i], err);
}

/* Writing -------------------------------------------------------------- */

/* Bind a value to a column; the statement copies short texts that are made here. */
static enum rc
bind_value(struct tables *t, struct sqlite3_stmt *s, int column, const struct value *v,
    struct error *err)
{
	struct date d;
	char iso[11], number[VALUE_DECIMAL_MAX + 1];
	int64_t id = 0;
	enum rc rc = RC_OK;
	int code = SQLITE_OK;

	switch (v->type) {
	case VALUE_NOTHING:
	case VALUE_GROUP:
		code = sqlite3_bind_null(s, column);
		break;
	case VALUE_INTEGER:
		code = sqlite3_bind_int64(s, column, v->integer);
		break;
	case VALUE_TEXT:
	case VALUE_CODE:
		code = sqlite3_bind_text64(s, column, v->text, v->text_len, SQLITE_STATIC,
		    SQLITE_UTF8);
		break;
	case VALUE_DECIMAL:
		if (v->text_len > VALUE_DECIMAL_MAX)
			return error_set(err, RC_DAMAGED, NULL, NULL, "a decimal is too long");
		memcpy(number, v->text, v->text_len);
		number[v->text_len] = '\0';
		code = sqlite3_bind_double(s, column, strtod(number, NULL));
		break;
	case VALUE_DATE:
		if (!value_unpack_date(v->integer, &d))
			return error_set(err, RC_DAMAGED, NULL, NULL, "a date is none");
		date_iso(&d, iso);
		code = sqlite3_bind_text(s, column, iso, -1, SQLITE_TRANSIENT);
		break;
	case VALUE_REFERENCE:
		rc = record_id(t, &v->reference, &id, err);
		code = sqlite3_bind_int64(s, column, id);
		break;
	}
	if (rc == RC_OK && code != SQLITE_OK)
		rc = error_set(err, RC_NOMEM, NULL, NULL, "cannot bind a value");
	return rc;
}

static enum rc
bind_shown(struct tables *t, struct sqlite3_stmt *s, int column, const struct merged_field *f,
    struct error *err)
{
	struct value_member members[ENTRY_GROUP_MAX];
	struct value v;
	enum rc rc = merged_value(f, f->show.shown, &v, members);

	if (rc != RC_OK)
		return error_set(err, rc, f->field->name, NULL, "a stored value cannot be read");
	return bind_value(t, s, column, &v, err);
}

static const struct merged_field *
merged_of(const struct merged *m, const struct form_field *field)
{
	for (size_t i = 0; i < m->n_fields; i++)
		if (m->fields[i].field == field)
			return &m->fields[i];
	return NULL;
}

static enum rc
bind_column(struct tables *t, struct sqlite3_stmt *s, int column, const struct form_field *field,
    const struct merged *m, struct error *err)
{
	const struct merged_field *f;
	const char *text;

	if (!answers_relevant(m->answers, field))
		return RC_OK;		/* left NULL */
	if (field->type == FORM_CALCULATE) {
		text = answers_calculated(m->answers, field->name);
		if (text[0] != '\0' && sqlite3_bind_text(s, column, text, -1, SQLITE_STATIC) != SQLITE_OK)
			return error_set(err, RC_NOMEM, NULL, NULL, "cannot bind a value");
		return RC_OK;
	}
	f = merged_of(m, field);
	return f == NULL || f->show.shown == NULL ? RC_OK : bind_shown(t, s, column, f, err);
}

static enum rc
put_row(struct tables *t, struct tables_form *f, const struct tables_row *row,
    const struct merged *m, const struct tables_counts *counts, struct error *err)
{
	int column = PUT_FIELDS;
	enum rc rc = prepare_put(t, f, err);

	if (rc != RC_OK)
		return rc;
	statement_rest(f->put);
	for (size_t i = 0; rc == RC_OK && i < f->form->n_fields; i++)
		if (tables_schema_has_column(&f->form->fields[i]))
			rc = bind_column(t, f->put, column++, &f->form->fields[i], m, err);
	/* the fixed columns are bound by the run, which leaves the others as they are */
	if (rc == RC_OK)
		rc = statement_run(f->put, err, "itiii", row->id, row->unit,
		    register_created_at(row->state), (int64_t)counts->alive,
		    (int64_t)counts->conflicts);
	statement_rest(f->put);
	return rc;
}

/* Is there an equal value of a smaller address?  Then this one is no row. */
static bool
is_double(const struct merged_field *f, const struct register_value *v)
{
	if (f->rule.policy == FORM_APPEND)
		return false;
	for (size_t i = 0; i < f->show.n_all; i++) {
		const struct register_value *other = f->show.all[i];

		if (other != v && other->voided.log == 0 && register_value_equal(other, v) &&
		    address_compare(&other->address, &v->address) < 0)
			return true;
	}
	return v->voided.log != 0;
}

static enum rc
put_items(struct tables *t, struct tables_form *tf, const struct merged_field *f, int64_t id,
    struct error *err)
{
	size_t at = (size_t)(f->field - tf->form->fields);
	struct value_member members[ENTRY_GROUP_MAX];
	struct sqlite3_stmt *s;
	enum rc rc = prepare_put_child(t, tf, at, err);

	s = tf->put_child[at];
	for (size_t i = 0; rc == RC_OK && i < f->show.n_all; i++) {
		const struct register_value *v = f->show.all[i];
		struct value value;

		if (is_double(f, v))
			continue;
		if ((rc = merged_value(f, v, &value, members)) != RC_OK)
			return error_set(err, rc, f->field->name, NULL,
			    "a stored value cannot be read");
		statement_rest(s);
		if ((rc = bind_value(t, s, 6, &value, err)) == RC_OK)
			rc = statement_run(s, err, "iuuii", id, v->address.dot.log, v->address.dot.n,
			    (int64_t)v->address.item, (int64_t)(v->voided.log != 0));
	}
	return rc;
}

static struct tables_form *
form_named(struct tables *t, const char *name)
{
	for (size_t i = 0; i < t->n; i++)
		if (strcmp(t->list[i].form->name, name) == 0)
			return &t->list[i];
	return NULL;
}

static enum rc
drop_items(struct tables *t, struct tables_form *f, int64_t id, struct error *err)
{
	enum rc rc = RC_OK;

	for (size_t i = 0; rc == RC_OK && i < f->form->n_fields; i++) {
		if (!tables_schema_has_child(&f->form->fields[i]))
			continue;
		rc = prepare_drop(t, f->form->name, f->form->fields[i].name, &f->drop_child[i], err);
		if (rc == RC_OK)
			rc = statement_run(f->drop_child[i], err, "i", id);
	}
	return rc;
}

/* Rows that a record has from before: all if its form changed, else its items. */
static enum rc
drop_old(struct tables *t, const struct tables_row *row, struct error *err)
{
	struct tables_form *f = form_named(t, row->was_form);
	enum rc rc;

	if (f == NULL)
		return RC_OK;
	rc = drop_items(t, f, row->id, err);
	if (rc != RC_OK || strcmp(row->was_form, row->state->form) == 0)
		return rc;
	rc = prepare_drop(t, f->form->name, NULL, &f->drop, err);
	return rc == RC_OK ? statement_run(f->drop, err, "i", row->id) : rc;
}

/* A telephone number is found in the forms that are the same however it was typed. */
static void
add_phone(struct bytes *words, size_t from)
{
	char typed[4 * PHONE_MAX], e164[PHONE_MAX], domestic[PHONE_MAX];
	size_t len = words->len - from;

	if (words->rc != RC_OK || len >= sizeof(typed))
		return;
	memcpy(typed, words->data + from, len);
	typed[len] = '\0';
	if (!phone_e164(typed, e164))
		return;
	phone_domestic(e164, domestic);
	bytes_printf(words, "\n%s %s", e164 + 1, domestic);
}

/* Words are found in every live text, also in those that a conflict hides. */
static enum rc
gather_words(const struct merged *m, struct bytes *words)
{
	enum rc rc = RC_OK;
	size_t from;

	for (size_t i = 0; rc == RC_OK && i < m->n_fields; i++) {
		const struct merged_field *f = &m->fields[i];

		if (f->field->type != FORM_TEXT)
			continue;
		for (size_t k = 0; rc == RC_OK && k < f->show.n_all; k++) {
			bytes_u8(words, '\n');
			from = words->len;
			rc = merged_text(f, f->show.all[k], words);
			if (rc == RC_OK && form_field_looks(f->field, "phone"))
				add_phone(words, from);
		}
	}
	return rc;
}

static enum rc
write_known(struct tables *t, struct tables_form *f, const struct tables_row *row,
    struct tables_counts *counts, struct bytes *words, struct error *err)
{
	struct merged_counts seen;
	struct merged m;
	enum rc rc = merged_init(&m, f->form, row->state);

	if (rc != RC_OK)
		return rc;
	merged_count(&m, &seen);
	counts->conflicts = seen.conflicts;
	counts->settled = seen.settled;
	counts->newer = seen.newer;
	if ((rc = merged_work_out(&m, t->forms, FORM_VI, err)) != RC_OK)
		goto out;
	/* a rule that is broken in one desk's own work was broken with a warning there */
	if (row->state->n_dots > 1)
		counts->breaches = (unsigned)m.n_breaches;
	if ((rc = put_row(t, f, row, &m, counts, err)) != RC_OK)
		goto out;
	for (size_t i = 0; rc == RC_OK && i < m.n_fields; i++)
		if (m.fields[i].many && m.fields[i].show.n_all > 0 &&
		    answers_relevant(m.answers, m.fields[i].field))
			rc = put_items(t, f, &m.fields[i], row->id, err);
	if (rc == RC_OK)
		rc = gather_words(&m, words);
out:
	merged_reset(&m);
	return rc;
}

enum rc
tables_write(struct tables *t, const struct tables_row *row, struct tables_counts *counts,
    struct bytes *words, struct error *err)
{
	struct tables_form *f = form_named(t, row->state->form);
	struct register_alive alive = register_alive(row->state);
	enum rc rc;

	memset(counts, 0, sizeof(*counts));
	counts->alive = !alive.deleted;
	counts->conflicts = alive.conflict ? 1 : 0;
	if ((rc = drop_old(t, row, err)) != RC_OK)
		return rc;
	if (f != NULL)
		return write_known(t, f, row, counts, words, err);
	for (size_t i = 0; i < row->state->n_fields; i++)
		if (row->state->fields[i].field != ENTRY_ALIVE)
			counts->newer += (unsigned)row->state->fields[i].n_values;
	return RC_OK;
}
