#include <jansson.h>
#include <string.h>

#include "field/commands.h"
#include "field/commands_view.h"
#include "field/workspace.h"
#include "shared/records/conflict.h"
#include "shared/sync/replica.h"

enum { CONFLICT_RECORDS_MAX = 10000 };

static json_t *
item_json(struct call *c, const struct conflict_item *it)
{
	char id[DOT_TEXT_MAX];

	dot_text(&it->view->id, id);
	if (it->kind == CONFLICT_BREACH)
		return json_pack("{s:s,s:s,s:s,s:s,s:s,s:[]}", "id", id, "form",
		    it->view->form_name, "field", it->breached->name, "seen", it->view->seen,
		    "breach", it->message, "values");
	return json_pack("{s:s,s:s,s:s,s:s,s:o}", "id", id, "form", it->view->form_name, "field",
	    it->field->name, "seen", it->view->seen, "values",
	    commands_view_values(c, it->field, true));
}

static void
item_print(struct call *c, const struct conflict_item *it)
{
	char id[DOT_TEXT_MAX];

	dot_text(&it->view->id, id);
	if (it->kind == CONFLICT_BREACH) {
		call_print(c, "%s  %s: %s", id, it->breached->label[c->lang], it->message);
		return;
	}
	call_print(c, "%s  %s  %s", id, it->view->form_name, it->field->name);
	call_print(c, "  %s", commands_view_label(c, it->field));
	commands_view_print_values(c, it->field);
}

enum rc
commands_conflicts(struct call *c)
{
	struct record_context ctx = workspace_records(c->ws, c->lang);
	struct conflict_list list;
	unsigned of = 1U << CONFLICT_OPEN | 1U << CONFLICT_BREACH;
	json_t *all = NULL;
	uint64_t of_cases = 0;
	enum rc rc;

	if (call_option(c, "settled") != NULL)
		of = 1U << CONFLICT_SETTLED;
	if ((rc = conflict_list(&ctx, of, CONFLICT_RECORDS_MAX, &list, &c->err)) != RC_OK)
		return rc;
	for (size_t i = 0; i < list.n_items; i++)
		of_cases += list.items[i].view->scope.compartment == FORM_CASES;
	rc = commands_access_listed(c, "conflicts", "all", of_cases, false);
	if (rc == RC_OK && c->json)
		all = json_array();
	for (size_t i = 0; rc == RC_OK && i < list.n_items; i++) {
		if (c->json)
			json_array_append_new(all, item_json(c, &list.items[i]));
		else
			item_print(c, &list.items[i]);
	}
	if (!c->json && list.n_items == 0)
		call_note(c, "%s", call_say(c, "Không có gì cần xem lại.", "Nothing to review."));
	conflict_list_reset(&list);
	return rc == RC_OK && c->json ? call_print_json(c, all) : rc;
}

enum rc
commands_resolve(struct call *c)
{
	struct record_context ctx = workspace_records(c->ws, c->lang);
	const char *pick = call_option(c, "pick"), *value = call_option(c, "value");
	struct dot id, dot = { 0, 0 };
	enum rc rc;

	if ((pick == NULL) == (value == NULL))
		return error_set(&c->err, RC_USAGE, "resolve", "give --pick K or --value V",
		    "say which value it shall be");
	if ((rc = commands_record_id(c, c->args[0], &id)) != RC_OK ||
	    (rc = workspace_begin(c->ws, &c->err)) != RC_OK)
		return rc;
	rc = record_resolve(&ctx, &id, c->args[1], pick, value, call_option(c, "seen"),
	    call_option(c, "reason"), &dot, &c->err);
	if (rc != RC_OK || dot.log != 0)
		return commands_finish(c, rc, &dot);
	rc = workspace_end(c->ws, rc, &c->err);
	return rc == RC_OK && c->json ? call_print_json(c, json_pack("{s:n}", "dot")) : rc;
}
