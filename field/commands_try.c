/* What a form says of answers that are being typed. */
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "field/commands.h"
#include "field/commands_answers.h"
#include "field/commands_warning.h"
#include "field/workspace.h"
#include "shared/base/phrases.h"
#include "shared/forms/answers.h"
#include "shared/records/record.h"

struct trying {
	struct call *c;
	const struct form *form;
	struct answers *given;
	struct commands_answers_refused *refused;
	struct record_trial trial;
};

/* What was refused as it was typed, in the language of who types; the form's own words are so already. */
static size_t
translate(struct trying *t)
{
	struct phrases *phrases = NULL;
	struct error ignored = { 0 };
	size_t n = 0;

	for (size_t i = 0; i < t->form->n_fields; i++) {
		struct error *e = &t->refused->of[i];

		if (e->code == RC_OK)
			continue;
		n++;
		if (t->c->lang == FORM_VI && phrases == NULL && phrases_open(&phrases, &ignored) != RC_OK)
			return n;
		if (phrases != NULL)
			phrases_translate(phrases, e);
	}
	phrases_free(phrases);
	return n;
}

/* A value that its field does not take is the only thing to say of the field. */
static json_t *
errors_of(const struct trying *t, const struct form_field *f)
{
	const struct error *refused = &t->refused->of[f - t->form->fields];
	json_t *all = json_array();

	if (refused->code != RC_OK) {
		char text[ERROR_WHAT_MAX + ERROR_HELP_MAX + 3];

		snprintf(text, sizeof(text), "%s%s%s", refused->what, refused->help[0] != '\0' ? ": " : "",
		    refused->help);
		json_array_append_new(all, json_string(text));
		return all;
	}
	for (size_t i = 0; i < t->trial.n_breaches; i++)
		if (t->trial.breaches[i].field == f)
			json_array_append_new(all,
			    json_string(t->trial.breaches[i].message[t->c->lang]));
	return all;
}

/* What is saved all the same. */
static json_t *
warnings_of(const struct trying *t, const struct form_field *f)
{
	json_t *all = json_array();

	for (size_t i = 0; i < t->trial.n_warnings; i++)
		if (t->trial.warnings[i].field == f)
			json_array_append_new(all,
			    json_string(t->trial.warnings[i].message[t->c->lang]));
	return all;
}

/* A calculation, or a default where nothing was given; NULL: neither. */
static json_t *
value_of(const struct trying *t, const struct form_field *f)
{
	const struct answer *a;
	json_t *all;

	if (f->type == FORM_CALCULATE)
		return json_string(answers_calculated(t->trial.answers, f->name));
	if (f->default_value == NULL || answers_find(t->given, f->name) != NULL ||
	    t->refused->of[f - t->form->fields].code != RC_OK ||
	    (a = answers_find(t->trial.answers, f->name)) == NULL || a->n_items == 0)
		return NULL;
	if (!f->many && f->type != FORM_SELECT_MULTIPLE)
		return json_string(a->items[0]);
	all = json_array();
	for (size_t i = 0; i < a->n_items; i++)
		json_array_append_new(all, json_string(a->items[i]));
	return all;
}

static enum rc
offers_of(const struct trying *t, const struct form_field *f, json_t **out)
{
	bool offered;
	enum rc rc = RC_OK;

	*out = json_array();
	for (size_t i = 0; rc == RC_OK && i < f->list->n_choices; i++) {
		const char *code = f->list->choices[i].code;

		rc = answers_offers(t->trial.answers, f, code, &offered);
		if (rc == RC_OK && offered)
			json_array_append_new(*out, json_string(code));
	}
	return rc;
}

static enum rc
field_json(const struct trying *t, const struct form_field *f, json_t *fields)
{
	bool relevant = answers_relevant(t->trial.answers, f), required = false;
	json_t *one = json_object(), *value, *offers = NULL;
	enum rc rc = answers_required(t->trial.answers, f, &required);

	json_object_set_new(one, "relevant", json_boolean(relevant));
	json_object_set_new(one, "required", json_boolean(required));
	if ((value = value_of(t, f)) != NULL)
		json_object_set_new(one, "value", value);
	json_object_set_new(one, "errors", errors_of(t, f));
	json_object_set_new(one, "warnings", warnings_of(t, f));
	if (rc == RC_OK && f->choice_filter != NULL && relevant)
		rc = offers_of(t, f, &offers);
	if (offers != NULL)
		json_object_set_new(one, "offers", offers);
	json_object_set_new(fields, f->name, one);
	return rc;
}

static enum rc
answer_json(const struct trying *t, bool valid)
{
	json_t *fields = json_object();
	enum rc rc = RC_OK;

	for (size_t i = 0; rc == RC_OK && i < t->form->n_fields; i++)
		rc = field_json(t, &t->form->fields[i], fields);
	if (rc == RC_OK)
		return call_print_json(t->c, json_pack("{s:b,s:o}", "valid", valid, "fields", fields));
	json_decref(fields);
	return error_set(&t->c->err, rc, t->form->name, NULL, "the form could not be worked out");
}

static void
answer_print(const struct trying *t, bool valid)
{
	for (size_t i = 0; i < t->form->n_fields; i++) {
		const struct form_field *f = &t->form->fields[i];
		json_t *errors = errors_of(t, f);

		for (size_t k = 0; k < json_array_size(errors); k++)
			call_print(t->c, "%s: %s", f->label[t->c->lang] != NULL ? f->label[t->c->lang] :
			    f->name, json_string_value(json_array_get(errors, k)));
		json_decref(errors);
	}
	commands_warning_print(t->c, t->trial.warnings, t->trial.n_warnings);
	if (valid)
		call_print(t->c, "%s", call_say(t->c, "Có thể lưu.", "This can be saved."));
}

enum rc
commands_try(struct call *c)
{
	struct record_context ctx = workspace_records(c->ws, c->lang);
	bool stored = c->n_args > 1 && strchr(c->args[1], '=') == NULL, valid;
	struct trying t = { .c = c };
	struct dot id;
	enum rc rc;

	if ((rc = commands_form_named(c, c->args[0], &t.form)) != RC_OK ||
	    (stored && (rc = commands_record_id(c, c->args[1], &id)) != RC_OK))
		return rc;
	t.refused = calloc(1, sizeof(*t.refused));
	rc = t.refused == NULL ? RC_NOMEM :
	    commands_answers_read(c, t.form, stored ? 2 : 1, t.refused, &t.given);
	if (rc == RC_OK)
		rc = record_try(&ctx, stored ? &id : NULL, t.given, &t.trial, &c->err);
	if (rc == RC_OK) {
		valid = translate(&t) == 0 && t.trial.valid;
		if (c->json)
			rc = answer_json(&t, valid);
		else
			answer_print(&t, valid);
	}
	record_trial_reset(&t.trial);
	answers_free(t.given);
	free(t.refused);
	return rc;
}
