#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "shared/base/bytes.h"
#include "shared/base/clock.h"
#include "shared/base/text.h"
#include "shared/forms/answers.h"
#include "shared/forms/answers_state.h"
#include "shared/forms/expression.h"

/* Used where the sheet says nothing of its own. */
enum plain_message { MISSING, NOT_ALLOWED, NOT_RELEVANT, NOT_OFFERED };

static const char *const plain_messages[][FORM_LANGS] = {
	[MISSING] = { "Mục này chưa có câu trả lời.", "This needs an answer." },
	[NOT_ALLOWED] = { "Câu trả lời không hợp lệ.", "This answer is not allowed." },
	[NOT_RELEVANT] = { "Mục này không áp dụng, hãy để trống.",
	    "This does not apply here; leave it empty." },
	[NOT_OFFERED] = { "Lựa chọn này không áp dụng ở đây.",
	    "This choice does not apply here." },
};

struct check {
	struct answers *a;
	struct answers_breach *breaches;
	size_t n;
};

/* ---- what expressions see ---- */

static void
field_value(void *ctx, size_t field, struct expression_value *out)
{
	const struct answers *a = ctx;
	const struct answers_slot *s = &a->slots[field];
	enum form_type type = a->form->fields[field].type;

	out->kind = type == FORM_DATE ? EXPRESSION_DATE : EXPRESSION_TEXT;
	out->text = "";
	if (!s->relevant)
		return;
	if (type == FORM_CALCULATE)
		out->text = s->calculated;
	else if (s->answer.n_items == 1)
		out->text = s->answer.items[0];
	else if (s->answer.n_items > 1)
		out->text = s->joined;
}

static struct expression_scope
scope_of(struct answers *a)
{
	return (struct expression_scope){ .field = field_value, .ctx = a,
	    .today_days = a->today_days };
}

/* A choice, as a choice filter sees it. */
struct offer {
	struct answers *a;
	const struct form_list *list;
	const struct form_choice *choice;
};

static void
offer_field(void *ctx, size_t field, struct expression_value *out)
{
	const struct offer *o = ctx;

	field_value(o->a, field, out);
}

static void
offer_column(void *ctx, size_t column, struct expression_value *out)
{
	const struct offer *o = ctx;

	out->kind = EXPRESSION_TEXT;
	out->text = column < o->list->n_columns ? o->choice->extra[column] : o->choice->code;
}

enum rc
answers_offers(const struct answers *a, const struct form_field *field, const char *code,
    bool *out)
{
	/* The scope's callbacks only read, whatever their signature allows. */
	struct answers copy = *a;
	struct offer o = { &copy, field->list, form_choice_find(field->list, code) };
	struct expression_scope scope = { .field = offer_field, .column = offer_column,
	    .ctx = &o, .today_days = a->today_days };

	*out = o.choice != NULL;
	if (o.choice == NULL || field->choice_filter == NULL)
		return RC_OK;
	return expression_test(field->choice_filter, &scope, out);
}

/* ---- breaches ---- */

void
answers_breaches_free(struct answers_breach *b, size_t n)
{
	for (size_t i = 0; i < n; i++)
		for (int lang = 0; lang < FORM_LANGS; lang++)
			free(b[i].message[lang]);
	free(b);
}

static enum rc
breach(struct check *c, const struct form_field *f, char *const message[FORM_LANGS],
    enum plain_message plain)
{
	struct answers_breach *grown = realloc(c->breaches, (c->n + 1) * sizeof(*grown));
	struct answers_breach *b;

	if (grown == NULL)
		return RC_NOMEM;
	c->breaches = grown;
	b = &grown[c->n++];
	memset(b, 0, sizeof(*b));
	b->field = f;
	for (int lang = 0; lang < FORM_LANGS; lang++) {
		b->message[lang] = text_dup(message != NULL && message[lang] != NULL ?
		    message[lang] : plain_messages[plain][lang]);
		if (b->message[lang] == NULL)
			return RC_NOMEM;
	}
	return RC_OK;
}

/* ---- defaults, relevance, calculations ---- */

static enum rc
join_items(struct answers_slot *s)
{
	struct bytes b;
	enum rc rc;

	free(s->joined);
	s->joined = NULL;
	if (s->answer.n_items < 2)
		return RC_OK;
	bytes_init(&b);
	for (size_t i = 0; i < s->answer.n_items; i++) {
		if (i > 0)
			bytes_text(&b, " ");
		bytes_text(&b, s->answer.items[i]);
	}
	rc = b.rc;
	if (rc == RC_OK) {
		s->joined = text_dup(bytes_cstr(&b));
		rc = s->joined != NULL ? RC_OK : RC_NOMEM;
	}
	bytes_reset(&b);
	return rc;
}

static enum rc
add_default(struct answers *a, const struct form_field *f, struct error *err)
{
	struct date d;
	char today[11];

	if (strcmp(f->default_value, "today()") != 0 || f->type != FORM_DATE)
		return answers_add(a, f->name, f->default_value, err);
	date_from_days(a->today_days, &d);
	date_iso(&d, today);
	return answers_add(a, f->name, today, err);
}

/* The values of all fields, in an order in which each finds what it asks for. */
static enum rc
work_out(struct answers *a)
{
	const struct form *form = a->form;
	struct expression_scope scope = scope_of(a);

	for (size_t k = 0; k < form->n_fields; k++) {
		const struct form_field *f = &form->fields[form->order[k]];
		struct answers_slot *s = &a->slots[form->order[k]];
		struct expression_value v;
		enum rc rc;

		rc = join_items(s);
		free(s->calculated);
		s->calculated = NULL;
		s->relevant = true;
		if (rc == RC_OK && f->relevant != NULL)
			rc = expression_test(f->relevant, &scope, &s->relevant);
		if (rc != RC_OK)
			return rc;
		if (f->calculation == NULL || !s->relevant)
			continue;
		rc = expression_evaluate(f->calculation, &scope, &v);
		if (rc == RC_OK)
			rc = expression_text(&v, &s->calculated);
		expression_value_reset(&v);
		if (rc != RC_OK)
			return rc;
	}
	return RC_OK;
}

/* Defaults count where nothing was given and the field is relevant. */
static enum rc
fill_in(struct answers *a, struct error *err)
{
	const struct form *form = a->form;
	bool defaulted[FORM_FIELDS_MAX] = { false };
	enum rc rc = RC_OK;

	for (size_t i = 0; rc == RC_OK && i < form->n_fields; i++) {
		if (a->slots[i].given || form->fields[i].default_value == NULL)
			continue;
		rc = add_default(a, &form->fields[i], err);
		defaulted[i] = true;
	}
	if (rc == RC_OK)
		rc = work_out(a);
	for (size_t i = 0; rc == RC_OK && i < form->n_fields; i++) {
		if (!defaulted[i] || a->slots[i].relevant)
			continue;
		rc = answers_clear(a, form->fields[i].name, err);
		a->slots[i].given = false;
	}
	return rc;
}

/* ---- rules ---- */

enum rc
answers_required(const struct answers *a, const struct form_field *field, bool *out)
{
	struct answers copy = *a;	/* as in answers_offers */
	struct expression_scope scope = scope_of(&copy);

	*out = field->required && answers_relevant(a, field);
	if (field->required_if == NULL || !answers_relevant(a, field))
		return RC_OK;
	return expression_test(field->required_if, &scope, out);
}

static enum rc
check_required(struct check *c, const struct form_field *f)
{
	bool required;
	enum rc rc = answers_required(c->a, f, &required);

	if (rc == RC_OK && required)
		rc = breach(c, f, f->required_message, MISSING);
	return rc;
}

/*
 * Does an answer keep to a rule?  "." is the whole answer, also of a select_multiple; in other
 * list fields every item is a value of its own and is tested alone.
 */
static enum rc
check_rule(struct check *c, const struct form_field *f, const struct answers_slot *s,
    const struct expression *rule, char *const message[FORM_LANGS])
{
	struct expression_scope scope = scope_of(c->a);
	bool whole = f->type == FORM_SELECT_MULTIPLE;
	bool fine = true;
	enum rc rc = RC_OK;

	scope.current.kind = f->type == FORM_DATE ? EXPRESSION_DATE : EXPRESSION_TEXT;
	for (size_t i = 0; rc == RC_OK && fine && i < (whole ? 1 : s->answer.n_items); i++) {
		scope.current.text = whole && s->joined != NULL ? s->joined : s->answer.items[i];
		rc = expression_test(rule, &scope, &fine);
	}
	if (rc == RC_OK && !fine)
		rc = breach(c, f, message, NOT_ALLOWED);
	return rc;
}

static enum rc
check_choices(struct check *c, const struct form_field *f, const struct answers_slot *s)
{
	bool offered = true;
	enum rc rc = RC_OK;

	for (size_t i = 0; rc == RC_OK && offered && i < s->answer.n_items; i++)
		rc = answers_offers(c->a, f, s->answer.items[i], &offered);
	if (rc == RC_OK && !offered)
		rc = breach(c, f, NULL, NOT_OFFERED);
	return rc;
}

static enum rc
check_field(struct check *c, const struct form_field *f, const struct answers_slot *s)
{
	enum rc rc = RC_OK;

	if (f->number == 0)
		return RC_OK;
	if (!s->relevant)
		return s->answer.n_items > 0 ? breach(c, f, NULL, NOT_RELEVANT) : RC_OK;
	if (s->answer.n_items == 0)
		return check_required(c, f);
	if (f->constraint != NULL)
		rc = check_rule(c, f, s, f->constraint, f->constraint_message);
	if (rc == RC_OK && f->choice_filter != NULL)
		rc = check_choices(c, f, s);
	return rc;
}

enum rc
answers_check(struct answers *a, int64_t today_days, bool with_defaults,
    struct answers_breach **breaches, size_t *n, enum form_lang lang, struct error *err)
{
	const struct form *form = a->form;
	struct check c = { .a = a };
	enum rc rc;

	*breaches = NULL;
	*n = 0;
	a->today_days = today_days;
	rc = with_defaults ? fill_in(a, err) : RC_OK;
	if (rc == RC_OK)
		rc = work_out(a);
	for (size_t i = 0; rc == RC_OK && i < form->n_fields; i++)
		rc = check_field(&c, &form->fields[i], &a->slots[i]);
	if (rc == RC_OK && c.n == 0)
		return RC_OK;
	if (rc == RC_OK) {
		char where[130];

		snprintf(where, sizeof(where), "%s.%s", form->name, c.breaches[0].field->name);
		*breaches = c.breaches;
		*n = c.n;
		return error_set(err, RC_INVALID, where, NULL, "%s", c.breaches[0].message[lang]);
	}
	answers_breaches_free(c.breaches, c.n);
	return error_set(err, rc, form->name, NULL, "the form could not be worked out");
}

enum rc
answers_warn(struct answers *a, int64_t today_days, struct answers_breach **warnings, size_t *n,
    struct error *err)
{
	const struct form *form = a->form;
	struct check c = { .a = a };
	enum rc rc;

	*warnings = NULL;
	*n = 0;
	a->today_days = today_days;
	rc = work_out(a);
	for (size_t i = 0; rc == RC_OK && i < form->n_fields; i++) {
		const struct form_field *f = &form->fields[i];
		const struct answers_slot *s = &a->slots[i];

		if (f->expected != NULL && s->relevant && s->answer.n_items > 0)
			rc = check_rule(&c, f, s, f->expected, f->expected_message);
	}
	if (rc != RC_OK) {
		answers_breaches_free(c.breaches, c.n);
		return error_set(err, rc, form->name, NULL, "the form could not be worked out");
	}
	*warnings = c.breaches;
	*n = c.n;
	return RC_OK;
}
