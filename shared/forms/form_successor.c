/* Could one set of forms follow another in use?  See form.h. */
#include <stdio.h>
#include <string.h>

#include "shared/forms/form.h"

static enum rc
refuse(struct error *err, const struct form *f, const struct form_field *field,
    const char *what)
{
	char where[ERROR_WHERE_MAX];

	snprintf(where, sizeof(where), "%s%s%s", f->name, field != NULL ? "." : "",
	    field != NULL ? field->name : "");
	return error_set(err, RC_INVALID, where, "give the new meaning a field of its own",
	    "%s", what);
}

static bool
same(const char *a, const char *b)
{
	return a == b || (a != NULL && b != NULL && strcmp(a, b) == 0);
}

/* Codes stay: records hold them. */
static enum rc
check_codes(const struct form *f, const struct form_field *prev, const struct form_field *next,
    struct error *err)
{
	char what[ERROR_WHAT_MAX];

	if (prev->list == NULL || next->list == NULL)
		return RC_OK;
	for (size_t i = 0; i < prev->list->n_choices; i++) {
		if (form_choice_find(next->list, prev->list->choices[i].code) != NULL)
			continue;
		snprintf(what, sizeof(what), "the code %s of the list %s is gone",
		    prev->list->choices[i].code, prev->list->name);
		return refuse(err, f, prev, what);
	}
	return RC_OK;
}

static enum rc
check_field(const struct form *prev_form, const struct form_field *prev,
    const struct form *next_form, struct error *err)
{
	const struct form_field *next = form_field_named(next_form, prev->name);

	/* What was never written may go; its name may not come back as something else. */
	if (next == NULL && prev->number == 0)
		return RC_OK;
	if (next == NULL)
		return refuse(err, prev_form, prev,
		    "the field is gone; keep its row, with relevant false()");
	if (next->type != prev->type || !same(next->refers, prev->refers))
		return refuse(err, prev_form, prev, "the type of the field changed");
	if (next->number != prev->number)
		return refuse(err, prev_form, prev, "the number of the field changed");
	if (prev->number == 0)
		return RC_OK;
	if (next->policy != prev->policy && (next->many || prev->many))
		return refuse(err, prev_form, prev,
		    "the policy of the field changed to or from union or append");
	if ((next->group < 0) != (prev->group < 0) || (next->group >= 0 &&
	    !same(next_form->groups[next->group].name, prev_form->groups[prev->group].name)) ||
	    form_register_of(next_form, next) != form_register_of(prev_form, prev))
		return refuse(err, prev_form, prev, "the statement of the field changed");
	return check_codes(prev_form, prev, next, err);
}

static enum rc
check_form(const struct form *prev, const struct form *next, struct error *err)
{
	if (next == NULL)
		return refuse(err, prev, NULL, "the form is gone");
	if (next->version < prev->version)
		return refuse(err, prev, NULL, "the version of the form went down");
	if (next->compartment != prev->compartment)
		return refuse(err, prev, NULL, "the compartment of the form changed");
	for (size_t i = 0; i < prev->n_fields; i++) {
		enum rc rc = check_field(prev, &prev->fields[i], next, err);

		if (rc != RC_OK)
			return rc;
	}
	return RC_OK;
}

enum rc
form_set_check_successor(const struct form_set *prev, const struct form_set *next,
    struct error *err)
{
	for (size_t i = 0; i < form_set_count(prev); i++) {
		const struct form *f = form_set_at(prev, i);
		enum rc rc = check_form(f, form_set_find(next, f->name), err);

		if (rc != RC_OK)
			return rc;
	}
	return RC_OK;
}
