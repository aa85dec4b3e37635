/* The settings sheet of a form: one row that says what the form is. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "shared/base/text.h"
#include "shared/forms/form_survey.h"

static enum rc
read_version(const struct form_sheet *s, struct form *form, struct error *err)
{
	const char *v = csv_cell(&s->csv, 1, csv_column(&s->csv, "version"));
	size_t n = strspn(v, "0123456789");

	if (n == 0 || n > 9 || v[n] != '\0' || v[0] == '0')
		return form_sheet_refuse(s, 1, "version", err, RC_FORMAT,
		    "the version is a positive number without leading zeroes", NULL);
	form->version = (unsigned)strtoul(v, NULL, 10);
	return RC_OK;
}

static enum rc
read_compartment(const struct form_sheet *s, struct form *form, struct error *err)
{
	const char *v = csv_cell(&s->csv, 1, csv_column(&s->csv, "compartment"));

	for (int c = FORM_ACTIVITIES; c <= FORM_REPORTS; c++) {
		if (strcmp(form_compartment_name((enum form_compartment)c), v) == 0) {
			form->compartment = (enum form_compartment)c;
			return RC_OK;
		}
	}
	return form_sheet_refuse(s, 1, "compartment", err, RC_FORMAT,
	    "the compartment is activities, cases or reports, not", v);
}

/* instance_name is one field, written ${name}; whether it exists is checked later. */
static enum rc
read_instance_name(const struct form_sheet *s, struct form *form, struct error *err)
{
	const char *v = csv_cell(&s->csv, 1, csv_column(&s->csv, "instance_name"));
	size_t n = strlen(v);

	if (n == 0)
		return RC_OK;
	if (n < 4 || n > 70 || v[0] != '$' || v[1] != '{' || strchr(v, '}') != v + n - 1)
		return form_sheet_refuse(s, 1, "instance_name", err, RC_FORMAT,
		    "the instance name is one field, written ${name}", NULL);
	form->instance_name = malloc(n);
	if (form->instance_name == NULL)
		return RC_NOMEM;
	memcpy(form->instance_name, v + 2, n - 3);
	form->instance_name[n - 3] = '\0';
	return RC_OK;
}

enum rc
form_survey_settings(const struct form_sheet *s, struct form *form, struct error *err)
{
	static const char *const known[] = { "form_title", "form_id", "version",
	    "default_language", "instance_name", "namespaces", "compartment", "style", NULL };
	static const char *const prefixes[] = { "form_title::", NULL };
	const char *id;
	enum rc rc = form_sheet_check_headers(s, known, prefixes, err);

	if (rc != RC_OK)
		return rc;
	if (s->csv.n_rows != 1)
		return form_sheet_refuse(s, 0, "form_id", err, RC_FORMAT,
		    "the settings sheet has one row below its header", NULL);
	id = csv_cell(&s->csv, 1, csv_column(&s->csv, "form_id"));
	if (strcmp(id, form->name) != 0)
		return form_sheet_refuse(s, 1, "form_id", err, RC_FORMAT,
		    "the form_id is the name of the form's folder, not", id);
	for (int lang = 0; rc == RC_OK && lang < FORM_LANGS; lang++) {
		size_t c = form_sheet_language(s, "form_title", (enum form_lang)lang);

		rc = form_sheet_text(s, 1, c, &form->title[lang], err);
		if (rc == RC_OK && form->title[lang] == NULL)
			rc = form_sheet_refuse(s, 1, "form_title", err, RC_FORMAT,
			    "the form needs a title in both languages", NULL);
	}
	if (rc == RC_OK)
		rc = read_version(s, form, err);
	if (rc == RC_OK)
		rc = read_compartment(s, form, err);
	if (rc == RC_OK)
		rc = read_instance_name(s, form, err);
	return rc;
}
