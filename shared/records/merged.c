#include "shared/records/merged.h"

#include <stdlib.h>
#include <string.h>

#include "shared/records/value.h"

bool
merged_is_many(const struct form_field *field)
{
	return field->many || field->type == FORM_SELECT_MULTIPLE;
}

bool
merged_is_written(const struct form_field *field)
{
	return field->number != 0 && field->type != FORM_NOTE && field->type != FORM_CALCULATE;
}

enum rc
merged_init(struct merged *m, const struct form *form, const struct register_state *state)
{
	enum rc rc;

	memset(m, 0, sizeof(*m));
	m->form = form;
	m->state = state;
	if ((m->fields = calloc(form->n_fields + 1, sizeof(*m->fields))) == NULL)
		return RC_NOMEM;
	for (size_t i = 0; i < form->n_fields; i++) {
		const struct form_field *field = &form->fields[i];
		struct merged_field *f = &m->fields[m->n_fields];

		if (!merged_is_written(field))
			continue;
		f->field = field;
		f->number = form_register_of(form, field);
		f->leads = f->number == field->number;
		f->many = merged_is_many(field);
		f->rule = register_rule_of(form, field);
		m->n_fields++;
		rc = register_show(register_find(state, f->number), &f->rule, &f->show);
		if (rc != RC_OK) {
			merged_reset(m);
			return rc;
		}
	}
	return RC_OK;
}

void
merged_reset(struct merged *m)
{
	for (size_t i = 0; i < m->n_fields; i++)
		register_show_reset(&m->fields[i].show);
	free(m->fields);
	answers_free(m->answers);
	answers_breaches_free(m->breaches, m->n_breaches);
	memset(m, 0, sizeof(*m));
}

enum rc
merged_value(const struct merged_field *f, const struct register_value *v, struct value *out,
    struct value_member *members)
{
	enum rc rc = register_value_get(v, out, members);
	const struct value none = { .type = VALUE_NOTHING };

	if (rc != RC_OK || out->type != VALUE_GROUP)
		return rc;
	for (size_t i = 0; i < out->n_members; i++) {
		if (out->members[i].field == f->field->number) {
			*out = out->members[i].value;
			return RC_OK;
		}
	}
	*out = none;
	return RC_OK;
}

enum rc
merged_text(const struct merged_field *f, const struct register_value *v, struct bytes *out)
{
	struct value_member members[ENTRY_GROUP_MAX];
	struct value value;
	enum rc rc = merged_value(f, v, &value, members);

	if (rc != RC_OK)
		return rc;
	value_text(&value, out);
	return out->rc;
}

static enum rc
add_answer(const struct merged_field *f, const struct register_value *v, struct answers *a,
    struct error *err)
{
	struct error ignored;
	struct bytes text;
	enum rc rc;

	if (v->voided.log != 0)
		return RC_OK;
	error_clear(&ignored);
	bytes_init(&text);
	rc = merged_text(f, v, &text);
	if (rc == RC_OK && text.len > 0) {
		/* what this version of the form no longer takes is no answer to it */
		rc = answers_add(a, f->field->name, bytes_cstr(&text), &ignored);
		if (rc == RC_INVALID)
			rc = RC_OK;
		else if (rc != RC_OK)
			rc = error_set(err, rc, f->field->name, NULL, "%s", ignored.what);
	}
	bytes_reset(&text);
	return rc;
}

enum rc
merged_answers(const struct merged *m, const struct form_set *set, struct answers **out,
    struct error *err)
{
	enum rc rc = answers_new(m->form, set, out);

	for (size_t i = 0; rc == RC_OK && i < m->n_fields; i++) {
		const struct merged_field *f = &m->fields[i];

		if (!f->many && f->show.shown != NULL)
			rc = add_answer(f, f->show.shown, *out, err);
		for (size_t k = 0; rc == RC_OK && f->many && k < f->show.n_all; k++)
			rc = add_answer(f, f->show.all[k], *out, err);
	}
	if (rc != RC_OK) {
		answers_free(*out);
		*out = NULL;
	}
	return rc;
}

/* That day, in days since 1970: where the date is furthest ahead, so that no one's own
 * calendar is in the future. */
static int64_t
day_of(int64_t seconds)
{
	const int64_t day = 86400, ahead = 14 * 3600;

	if (seconds > INT64_MAX - ahead)
		return INT64_MAX / day;
	seconds += ahead;
	return seconds >= 0 ? seconds / day : -((-(seconds + 1)) / day) - 1;
}

enum rc
merged_work_out(struct merged *m, const struct form_set *set, enum form_lang lang,
    struct error *err)
{
	struct error broken;
	enum rc rc = merged_answers(m, set, &m->answers, err);

	if (rc != RC_OK)
		return rc;
	error_clear(&broken);
	rc = answers_check(m->answers, day_of(register_latest_at(m->state)), false,
	    &m->breaches, &m->n_breaches, lang, &broken);
	/* RC_LIMIT: answers too long to work out; shown as they are, they stop nothing else */
	if (rc == RC_OK || rc == RC_INVALID || rc == RC_LIMIT)
		return RC_OK;
	return error_set(err, rc, m->form->name, NULL, "%s", broken.what);
}

static bool
knows(const struct merged *m, unsigned number)
{
	for (size_t i = 0; i < m->n_fields; i++)
		if (m->fields[i].number == number)
			return true;
	return false;
}

void
merged_count(const struct merged *m, struct merged_counts *out)
{
	memset(out, 0, sizeof(*out));
	out->conflicts = register_alive(m->state).conflict ? 1 : 0;
	for (size_t i = 0; i < m->n_fields; i++) {
		if (!m->fields[i].leads)
			continue;
		out->conflicts += m->fields[i].show.standing == REGISTER_CONFLICT ? 1 : 0;
		out->settled += m->fields[i].show.standing == REGISTER_SETTLED ? 1 : 0;
	}
	for (size_t i = 0; i < m->state->n_fields; i++) {
		const struct register_field *f = &m->state->fields[i];

		if (f->field != ENTRY_ALIVE && !knows(m, f->field))
			out->newer += (unsigned)f->n_values;
	}
}
