#include "shared/forms/answers.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "shared/forms/answer_value.h"
#include "shared/forms/answers_state.h"

enum { WHERE_MAX = 2 * 64 + 2 };

enum rc
answers_new(const struct form *form, const struct form_set *set, struct answers **out)
{
	struct answers *a = calloc(1, sizeof(*a));

	*out = NULL;
	if (a == NULL)
		return RC_NOMEM;
	a->form = form;
	a->set = set;
	a->slots = calloc(form->n_fields, sizeof(*a->slots));
	if (a->slots == NULL) {
		free(a);
		return RC_NOMEM;
	}
	for (size_t i = 0; i < form->n_fields; i++) {
		a->slots[i].answer.field = &form->fields[i];
		a->slots[i].relevant = true;
	}
	*out = a;
	return RC_OK;
}

static void
empty_slot(struct answers_slot *s)
{
	for (size_t i = 0; i < s->answer.n_items; i++)
		free(s->answer.items[i]);
	free(s->answer.items);
	s->answer.items = NULL;
	s->answer.n_items = 0;
}

void
answers_free(struct answers *a)
{
	if (a == NULL)
		return;
	for (size_t i = 0; i < a->form->n_fields; i++) {
		empty_slot(&a->slots[i]);
		free(a->slots[i].joined);
		free(a->slots[i].calculated);
	}
	free(a->slots);
	free(a);
}

static const char *
place(const struct answers *a, const char *field, char out[WHERE_MAX])
{
	snprintf(out, WHERE_MAX, "%s.%.64s", a->form->name, field);
	return out;
}

/* The slot of a field that can be written. */
static enum rc
slot_named(struct answers *a, const char *field, struct answers_slot **out, struct error *err)
{
	const struct form_field *f = form_field_named(a->form, field);
	char where[WHERE_MAX];

	*out = NULL;
	if (f == NULL)
		return error_set(err, RC_NOTFOUND, place(a, field, where), NULL,
		    "the form has no such field");
	if (f->number == 0)
		return error_set(err, RC_INVALID, place(a, field, where), "leave it out",
		    "the field is shown or derived, it takes no value");
	*out = &a->slots[f - a->form->fields];
	return RC_OK;
}

static bool
is_list(const struct form_field *f)
{
	return f->many || f->type == FORM_SELECT_MULTIPLE;
}

/* Where an item belongs: codes keep the order of their list, others come last. */
static size_t
position(const struct answers_slot *s, const char *item, bool *there)
{
	const struct form_field *f = s->answer.field;
	size_t at = s->answer.n_items;

	*there = false;
	for (size_t i = s->answer.n_items; i-- > 0;) {
		if (strcmp(s->answer.items[i], item) == 0 && f->policy != FORM_APPEND)
			*there = true;
		if (f->type == FORM_SELECT_MULTIPLE && f->policy != FORM_APPEND &&
		    form_choice_rank(f->list, s->answer.items[i]) >
		    form_choice_rank(f->list, item))
			at = i;
	}
	return at;
}

/* Takes over `item`. */
static enum rc
insert(struct answers_slot *s, char *item, const char *where, struct error *err)
{
	char **grown;
	bool there;
	size_t at = position(s, item, &there);

	if (there) {
		free(item);
		return RC_OK;
	}
	if (s->answer.n_items >= ANSWERS_ITEMS_MAX) {
		free(item);
		return error_set(err, RC_INVALID, where, "leave some out", "more than %d values",
		    ANSWERS_ITEMS_MAX);
	}
	grown = realloc(s->answer.items, (s->answer.n_items + 1) * sizeof(char *));
	if (grown == NULL) {
		free(item);
		return RC_NOMEM;
	}
	memmove(grown + at + 1, grown + at, (s->answer.n_items - at) * sizeof(char *));
	grown[at] = item;
	s->answer.items = grown;
	s->answer.n_items++;
	return RC_OK;
}

static enum rc
add_item(struct answers_slot *s, const char *value, size_t len, const char *where,
    struct error *err)
{
	char *item;
	enum rc rc = answer_value_read(s->answer.field, value, len, &item, where, err);

	if (rc != RC_OK)
		return rc;
	if (item[0] == '\0') {
		free(item);
		return RC_OK;
	}
	if (!is_list(s->answer.field) && s->answer.n_items > 0) {
		free(item);
		return error_set(err, RC_INVALID, where, "give one of them",
		    "the field takes one value");
	}
	return insert(s, item, where, err);
}

/* What separates the values of a list: codes have no blanks inside, texts do. */
static const char *
separators(const struct form_field *f)
{
	if (!is_list(f))
		return "";
	if (f->type == FORM_SELECT_ONE || f->type == FORM_SELECT_MULTIPLE ||
	    f->type == FORM_REFERENCE)
		return ", ";
	return f->policy == FORM_APPEND ? "" : ",";
}

enum rc
answers_add(struct answers *a, const char *field, const char *value, struct error *err)
{
	struct answers_slot *s;
	char where[WHERE_MAX];
	const char *sep;
	enum rc rc = slot_named(a, field, &s, err);

	if (rc != RC_OK)
		return rc;
	place(a, field, where);
	sep = separators(s->answer.field);
	for (;;) {
		size_t len = strcspn(value, sep);

		rc = add_item(s, value, len, where, err);
		if (rc != RC_OK || value[len] == '\0')
			break;
		value += len + 1;
	}
	if (rc == RC_OK)
		s->given = true;
	return rc;
}

enum rc
answers_clear(struct answers *a, const char *field, struct error *err)
{
	struct answers_slot *s;
	enum rc rc = slot_named(a, field, &s, err);

	if (rc != RC_OK)
		return rc;
	empty_slot(s);
	s->given = true;
	return RC_OK;
}

size_t
answers_count(const struct answers *a)
{
	size_t n = 0;

	for (size_t i = 0; i < a->form->n_fields; i++)
		n += a->slots[i].given;
	return n;
}

const struct answer *
answers_at(const struct answers *a, size_t at)
{
	for (size_t i = 0; i < a->form->n_fields; i++)
		if (a->slots[i].given && at-- == 0)
			return &a->slots[i].answer;
	return NULL;
}

const struct answer *
answers_find(const struct answers *a, const char *field)
{
	const struct form_field *f = form_field_named(a->form, field);
	const struct answers_slot *s = f != NULL ? &a->slots[f - a->form->fields] : NULL;

	return s != NULL && s->given ? &s->answer : NULL;
}

const char *
answers_calculated(const struct answers *a, const char *field)
{
	const struct form_field *f = form_field_named(a->form, field);
	const char *v = f != NULL ? a->slots[f - a->form->fields].calculated : NULL;

	return v != NULL ? v : "";
}

bool
answers_relevant(const struct answers *a, const struct form_field *field)
{
	return a->slots[field - a->form->fields].relevant;
}
