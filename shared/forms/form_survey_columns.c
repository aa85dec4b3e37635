/* Our extension columns of a survey sheet, see form.h. */
#include <stdlib.h>
#include <string.h>

#include "shared/base/text.h"
#include "shared/forms/form_survey_parts.h"

static enum rc
read_number(struct survey *s, size_t row, struct form_field *f)
{
	const char *v = form_survey_cell(s, row, "bind::field:number");
	bool wants = f->type != FORM_NOTE && f->type != FORM_CALCULATE;
	size_t n = strspn(v, "0123456789");

	if (!wants && v[0] == '\0')
		return RC_OK;
	if (!wants)
		return form_survey_refuse(s, row, "bind::field:number",
		    "a note or calculation is never written and has no number", NULL);
	if (n == 0 || n > 4 || v[n] != '\0')
		return form_survey_refuse(s, row, "bind::field:number", "a field needs a number",
		    NULL);
	f->number = (unsigned)strtoul(v, NULL, 10);
	if (f->number == 0 || f->number > FORM_FIELD_NUMBER_MAX)
		return form_survey_refuse(s, row, "bind::field:number",
		    "numbers go from 1 to 2047, not", v);
	for (size_t i = 0; i < s->form->n_fields; i++)
		if (&s->form->fields[i] != f && s->form->fields[i].number == f->number)
			return form_survey_refuse(s, row, "bind::field:number",
			    "another field has this number:", s->form->fields[i].name);
	return RC_OK;
}

static enum rc
read_policy(struct survey *s, size_t row, struct form_field *f)
{
	const char *v = form_survey_cell(s, row, "bind::field:merge");
	int p;

	f->policy = FORM_REVIEW;
	for (p = FORM_REVIEW; v[0] != '\0' && p <= FORM_LATEST; p++)
		if (strcmp(form_policy_name((enum form_policy)p), v) == 0)
			break;
	if (v[0] != '\0' && p > FORM_LATEST)
		return form_survey_refuse(s, row, "bind::field:merge", "unknown policy", v);
	if (v[0] != '\0')
		f->policy = (enum form_policy)p;
	f->many = f->policy == FORM_UNION || f->policy == FORM_APPEND;
	if ((f->policy == FORM_HIGHEST || f->policy == FORM_DENY_WINS) &&
	    f->type != FORM_SELECT_ONE)
		return form_survey_refuse(s, row, "bind::field:merge",
		    "this policy needs a select_one, whose list has an order:", v);
	return RC_OK;
}

static enum rc
read_sensitivity(struct survey *s, size_t row, struct form_field *f)
{
	static const char *const names[] = { "PUB", "INT", "CON", "SEC" };
	const char *v = form_survey_cell(s, row, "bind::field:sensitivity");

	f->sensitivity = FORM_INT;
	if (v[0] == '\0')
		return RC_OK;
	for (size_t i = 0; i < 4; i++) {
		if (strcmp(names[i], v) == 0) {
			f->sensitivity = (enum form_sensitivity)i;
			return RC_OK;
		}
	}
	return form_survey_refuse(s, row, "bind::field:sensitivity", "PUB, INT, CON or SEC, not",
	    v);
}

static enum rc
read_refers(struct survey *s, size_t row, struct form_field *f)
{
	const char *v = form_survey_cell(s, row, "bind::field:refers");

	if (v[0] == '\0')
		return RC_OK;
	if (f->type != FORM_TEXT || !text_is_name(v))
		return form_survey_refuse(s, row, "bind::field:refers",
		    "a reference is a text that names a form",
		    NULL);
	f->type = FORM_REFERENCE;
	f->refers = text_dup(v);
	return f->refers != NULL ? RC_OK : RC_NOMEM;
}

/* A statement of several fields: one register, one policy. */
static enum rc
read_group(struct survey *s, size_t row, struct form_field *f)
{
	const char *v = form_survey_cell(s, row, "bind::field:group");
	struct form *form = s->form;
	struct form_group *g = NULL;
	size_t *grown;

	f->group = -1;
	if (v[0] == '\0')
		return RC_OK;
	if (!text_is_name(v) || f->number == 0 || f->many)
		return form_survey_refuse(s, row, "bind::field:group",
		    "a statement takes fields that are written and hold one value", NULL);
	for (size_t i = 0; i < form->n_groups && g == NULL; i++) {
		if (strcmp(form->groups[i].name, v) == 0) {
			g = &form->groups[i];
			f->group = (int)i;
		}
	}
	if (g != NULL && g->policy != f->policy)
		return form_survey_refuse(s, row, "bind::field:merge",
		    "the fields of a statement share one policy:", v);
	if (g == NULL) {
		if (form->n_groups >= FORM_STATEMENTS_MAX)
			return form_sheet_refuse(s->sheet, row, "bind::field:group", s->err,
			    RC_LIMIT, "too many statements", NULL);
		f->group = (int)form->n_groups;
		g = &form->groups[form->n_groups++];
		g->policy = f->policy;
		g->name = text_dup(v);
		if (g->name == NULL)
			return RC_NOMEM;
	}
	if (g->n_fields >= FORM_STATEMENT_FIELDS_MAX)
		return form_sheet_refuse(s->sheet, row, "bind::field:group", s->err, RC_LIMIT,
		    "the statement has too many fields:", v);
	grown = realloc(g->fields, (g->n_fields + 1) * sizeof(*grown));
	if (grown == NULL)
		return RC_NOMEM;
	g->fields = grown;
	g->fields[g->n_fields++] = (size_t)(f - form->fields);
	return RC_OK;
}

enum rc
form_survey_columns(struct survey *s, size_t row, struct form_field *f)
{
	enum rc rc = read_number(s, row, f);

	if (rc == RC_OK)
		rc = read_policy(s, row, f);
	if (rc == RC_OK)
		rc = read_sensitivity(s, row, f);
	if (rc == RC_OK)
		rc = read_refers(s, row, f);
	if (rc == RC_OK)
		rc = read_group(s, row, f);
	return rc;
}
