#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "field/commands.h"
#include "field/workspace.h"
#include "shared/forms/form.h"
#include "shared/forms/form_pack.h"
#include "shared/records/case_rules.h"
#include "shared/records/record.h"
#include "shared/sync/replica.h"

enum { USED_LATELY_DAYS = 90 };

/* {"vi","en"}; null where neither is there. */
static json_t *
both(char *const text[FORM_LANGS])
{
	if (text[FORM_VI] == NULL && text[FORM_EN] == NULL)
		return json_null();
	return json_pack("{s:s?,s:s?}", "vi", text[FORM_VI], "en", text[FORM_EN]);
}

/* ---- all forms ---- */

static const struct record_usage *
usage_of(const struct record_usage *all, size_t n, const char *form)
{
	for (size_t i = 0; i < n; i++)
		if (strcmp(all[i].form, form) == 0)
			return &all[i];
	return NULL;
}

/* Which of its fields name records of which form. */
static json_t *
references_json(const struct form *f)
{
	json_t *all = json_array();

	for (size_t i = 0; i < f->n_fields; i++)
		if (f->fields[i].refers != NULL)
			json_array_append_new(all, json_pack("{s:s,s:s}", "field", f->fields[i].name, "form",
			    f->fields[i].refers));
	return all;
}

/* c->ws NULL: a set that is only looked at, with no records. */
static json_t *
summary_json(struct call *c, const struct form *f, const struct record_usage *used)
{
	json_t *one = json_pack("{s:s,s:i,s:o,s:s,s:i,s:o}", "name", f->name, "version",
	    (int)f->version, "title", both(f->title), "compartment",
	    form_compartment_name(f->compartment), "fields", (int)f->n_fields, "refers",
	    references_json(f));
	struct record_context ctx;

	if (c->ws == NULL)
		return one;
	ctx = workspace_records(c->ws, c->lang);
	json_object_set_new(one, "reads", json_boolean(ctx.reads == NULL ||
	    ctx.reads(ctx.reads_ctx, ctx.unit, (unsigned)f->compartment)));
	json_object_set_new(one, "records", json_integer(used != NULL ?
	    (json_int_t)used->records : 0));
	json_object_set_new(one, "made", json_integer(used != NULL ? (json_int_t)used->made : 0));
	return one;
}

static enum rc
print_forms(struct call *c, const struct form_set *set, const struct record_usage *used, size_t n)
{
	json_t *all = c->json ? json_array() : NULL;

	for (size_t i = 0; i < form_set_count(set); i++) {
		const struct form *f = form_set_at(set, i);

		if (c->json)
			json_array_append_new(all, summary_json(c, f, usage_of(used, n, f->name)));
		else
			call_print(c, "%-20s %3u  %s", f->name, f->version, f->title[c->lang]);
	}
	return c->json ? call_print_json(c, all) : RC_OK;
}

enum rc
commands_forms(struct call *c)
{
	struct record_context ctx = workspace_records(c->ws, c->lang);
	struct record_usage *used = NULL;
	size_t n = 0;
	enum rc rc;

	if (c->json && (rc = record_usage(&ctx, replica_device(c->ws->replica),
	    clock_now(&c->ws->clock) - (int64_t)USED_LATELY_DAYS * 86400, &used, &n,
	    &c->err)) != RC_OK)
		return rc;
	rc = print_forms(c, ctx.forms, used, n);
	free(used);
	return rc;
}

/* ---- one form ---- */

static json_t *
text_or_null(const char *s)
{
	return s != NULL ? json_string(s) : json_null();
}

static json_t *
field_json(const struct form *form, const struct form_field *f)
{
	json_t *one = json_pack("{s:s,s:s,s:o,s:o,s:o}", "name", f->name, "type",
	    form_type_name(f->type), "group", f->section < 0 ? json_null() :
	    json_string(form->sections[f->section].name), "label", both(f->label), "hint",
	    both(f->hint));

	json_object_set_new(one, "required", json_boolean(f->required || f->required_if != NULL));
	json_object_set_new(one, "many", json_boolean(f->many || f->type == FORM_SELECT_MULTIPLE));
	json_object_set_new(one, "list", text_or_null(f->list != NULL ? f->list->name : NULL));
	json_object_set_new(one, "filtered", json_boolean(f->choice_filter != NULL));
	json_object_set_new(one, "refers", text_or_null(f->refers));
	json_object_set_new(one, "sensitivity",
	    json_string(form_sensitivity_name(f->sensitivity)));
	json_object_set_new(one, "appearance", text_or_null(f->appearance));
	json_object_set_new(one, "default", text_or_null(f->default_value));
	json_object_set_new(one, "merge", json_string(form_policy_name(f->policy)));
	json_object_set_new(one, "statement",
	    text_or_null(f->group < 0 ? NULL : form->groups[f->group].name));
	return one;
}

static json_t *
list_json(const struct form_list *list)
{
	json_t *all = json_array();

	for (size_t i = 0; i < list->n_choices; i++)
		json_array_append_new(all, json_pack("{s:s,s:s?,s:s?}", "code",
		    list->choices[i].code, "vi", list->choices[i].label[FORM_VI], "en",
		    list->choices[i].label[FORM_EN]));
	return all;
}

static json_t *
form_json(const struct form *form)
{
	json_t *fields = json_array(), *sections = json_array(), *lists = json_object();

	for (size_t i = 0; i < form->n_fields; i++) {
		const struct form_field *f = &form->fields[i];

		json_array_append_new(fields, field_json(form, f));
		if (f->list != NULL && json_object_get(lists, f->list->name) == NULL)
			json_object_set_new(lists, f->list->name, list_json(f->list));
	}
	for (size_t i = 0; i < form->n_sections; i++) {
		const struct form_section *s = &form->sections[i];

		json_array_append_new(sections, json_pack("{s:s,s:o,s:o}", "name", s->name,
		    "label", both(s->label), "relevant", text_or_null(s->relevant)));
	}
	return json_pack("{s:s,s:i,s:o,s:s,s:o,s:o,s:o,s:o}", "form", form->name, "version",
	    (int)form->version, "title", both(form->title), "compartment",
	    form_compartment_name(form->compartment), "headline",
	    text_or_null(form->instance_name), "fields", fields, "sections", sections, "lists",
	    lists);
}

static void
print_form(struct call *c, const struct form *form)
{
	int section = -1;

	call_print(c, "%s %u  %s", form->name, form->version, form->title[c->lang]);
	for (size_t i = 0; i < form->n_fields; i++) {
		const struct form_field *f = &form->fields[i];

		if (f->section >= 0 && f->section != section)
			call_print(c, "%s", form->sections[f->section].label[c->lang] != NULL ?
			    form->sections[f->section].label[c->lang] :
			    form->sections[f->section].name);
		section = f->section;
		call_print(c, "  %-24s %-16s %s%s", f->name, form_type_name(f->type),
		    f->label[c->lang] != NULL ? f->label[c->lang] : "",
		    f->required || f->required_if != NULL ? " *" : "");
	}
}

enum rc
commands_forms_show(struct call *c)
{
	const struct form *form;
	enum rc rc;

	if ((rc = commands_form_named(c, c->args[0], &form)) != RC_OK)
		return rc;
	if (c->json)
		return call_print_json(c, form_json(form));
	print_form(c, form);
	return RC_OK;
}

/* ---- sheets in a folder ---- */

enum rc
commands_forms_check(struct call *c)
{
	struct form_set *set = NULL;
	enum rc rc;

	if ((rc = form_set_load_dir(c->args[0], &set, &c->err)) != RC_OK)
		return rc;
	if ((rc = case_rules_check_set(set, &c->err)) == RC_OK)
		rc = print_forms(c, set, NULL, 0);
	form_set_free(set);
	return rc;
}

enum rc
commands_forms_pack(struct call *c)
{
	const char *dir = call_option(c, "forms");
	struct form_set *set = NULL;
	enum rc rc;

	rc = dir != NULL ? form_set_load_dir(dir, &set, &c->err) :
	    form_set_load_embedded(&set, &c->err);
	if (rc == RC_OK)
		rc = form_pack(set, c->args[0], c->args[1], &c->err);
	form_set_free(set);
	return rc;
}
