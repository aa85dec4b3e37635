#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "field/commands.h"
#include "field/commands_answers.h"
#include "field/commands_referral.h"
#include "field/commands_view.h"
#include "field/commands_warning.h"
#include "field/workspace.h"
#include "shared/forms/answers.h"
#include "shared/records/record.h"
#include "shared/records/record_rules.h"
#include "shared/sync/replica.h"

enum rc
commands_record_id(struct call *c, const char *text, struct dot *out)
{
	if (dot_parse(text, out))
		return RC_OK;
	return error_set(&c->err, RC_USAGE, text, "take it from field list or field search",
	    "this is no record's id");
}

enum rc
commands_form_named(struct call *c, const char *name, const struct form **out)
{
	*out = form_set_find(replica_forms(c->ws->replica), name);
	if (*out != NULL)
		return RC_OK;
	return error_set(&c->err, RC_NOTFOUND, name, "see field forms", "there is no such form");
}

enum rc
commands_print_dot(struct call *c, const char *name, const struct dot *d)
{
	char text[DOT_TEXT_MAX];

	dot_text(d, text);
	if (c->json)
		return call_print_json(c, json_pack("{s:s}", name, text));
	call_print(c, "%s", text);
	return RC_OK;
}

enum rc
commands_finish(struct call *c, enum rc rc, const struct dot *d)
{
	rc = workspace_end(c->ws, rc, &c->err);
	return rc == RC_OK ? commands_print_dot(c, "dot", d) : rc;
}

/* What was written, and what of it a person should look at again. */
static enum rc
print_written(struct call *c, const char *name, const struct dot *d,
    const struct answers_breach *warnings, size_t n)
{
	char text[DOT_TEXT_MAX];

	dot_text(d, text);
	commands_warning_note(c, warnings, n);
	if (c->json)
		return call_print_json(c, json_pack("{s:s,s:o}", name, text, "warnings",
		    commands_warning_json(c, warnings, n)));
	call_print(c, "%s", text);
	return RC_OK;
}

enum rc
commands_add(struct call *c)
{
	struct record_context rc_ctx = workspace_records(c->ws, c->lang);
	struct answers_breach *warnings = NULL;
	const struct form *form;
	struct answers *a = NULL;
	struct dot id;
	size_t n = 0;
	enum rc rc;

	if ((rc = commands_form_named(c, c->args[0], &form)) != RC_OK ||
	    (rc = commands_answers_read(c, form, 1, NULL, &a)) != RC_OK ||
	    (rc = workspace_begin(c->ws, &c->err)) != RC_OK)
		goto out;
	rc = record_create(&rc_ctx, call_option(c, "unit"), a, &id, &c->err);
	if (rc == RC_OK)
		rc = commands_draft_done(c, form, NULL);
	if ((rc = workspace_end(c->ws, rc, &c->err)) == RC_OK &&
	    (rc = answers_warn(a, record_rules_today(&rc_ctx), &warnings, &n, &c->err)) == RC_OK)
		rc = print_written(c, "id", &id, warnings, n);
	answers_breaches_free(warnings, n);
out:
	answers_free(a);
	return rc;
}

enum rc
commands_edit(struct call *c)
{
	struct record_context ctx = workspace_records(c->ws, c->lang);
	struct answers_breach *warnings = NULL;
	struct record_view view;
	struct answers *a = NULL;
	struct dot id, dot = { 0, 0 };
	size_t n = 0;
	enum rc rc;

	memset(&view, 0, sizeof(view));
	if ((rc = commands_record_id(c, c->args[0], &id)) != RC_OK ||
	    (rc = record_show(&ctx, &id, &view, &c->err)) != RC_OK)
		return rc;
	if (view.form == NULL)
		rc = error_set(&c->err, RC_NEWER, view.form_name, "sync, or update the program",
		    "the record's form is not known here");
	if (rc == RC_OK && (rc = commands_answers_read(c, view.form, 1, NULL, &a)) == RC_OK &&
	    (rc = workspace_begin(c->ws, &c->err)) == RC_OK) {
		rc = record_edit(&ctx, &id, a, call_option(c, "seen"), call_option(c, "reason"),
		    &dot, &c->err);
		if (rc == RC_OK)
			rc = commands_draft_done(c, view.form, &id);
		rc = workspace_end(c->ws, rc, &c->err);
	}
	if (rc == RC_OK && dot.log != 0) {
		if ((rc = record_warnings(&ctx, &id, a, &warnings, &n, &c->err)) == RC_OK)
			rc = print_written(c, "dot", &dot, warnings, n);
	} else if (rc == RC_OK && c->json)
		rc = call_print_json(c, json_pack("{s:n}", "dot"));
	else if (rc == RC_OK)
		call_note(c, "%s", call_say(c, "Không có gì thay đổi.", "Nothing changed."));
	answers_breaches_free(warnings, n);
	answers_free(a);
	record_view_reset(&view);
	return rc;
}

static enum rc
show_json(struct call *c, const struct record_view *v, const struct answers_breach *warnings,
    size_t n)
{
	json_t *all = commands_view_json(c, v);
	enum rc rc = all == NULL ? RC_NOMEM : commands_referral_json(c, v, all);

	if (rc == RC_OK && json_object_set_new(all, "warnings",
	    commands_warning_json(c, warnings, n)) != 0)
		rc = RC_NOMEM;
	if (rc == RC_OK)
		return call_print_json(c, all);
	json_decref(all);
	return rc;
}

static enum rc
show_text(struct call *c, const struct record_view *v, const struct answers_breach *warnings,
    size_t n)
{
	enum rc rc = commands_view_print(c, v);

	commands_warning_print(c, warnings, n);
	return rc == RC_OK ? commands_referral_print(c, v) : rc;
}

enum rc
commands_show(struct call *c)
{
	struct record_context ctx = workspace_records(c->ws, c->lang);
	struct answers_breach *warnings;
	struct record_view view;
	struct dot id;
	size_t n;
	enum rc rc;

	if ((rc = commands_record_id(c, c->args[0], &id)) != RC_OK)
		return rc;
	if ((rc = commands_access_opened(c, "show", &id, false)) != RC_OK)
		return rc;
	if (call_option(c, "history") != NULL)
		return commands_view_history(c, &ctx, &id);
	if ((rc = record_show(&ctx, &id, &view, &c->err)) != RC_OK)
		return rc;
	if ((rc = record_warnings(&ctx, &id, NULL, &warnings, &n, &c->err)) == RC_OK)
		rc = c->json ? show_json(c, &view, warnings, n) : show_text(c, &view, warnings, n);
	answers_breaches_free(warnings, n);
	record_view_reset(&view);
	return rc;
}

enum rc
commands_delete(struct call *c)
{
	struct record_context ctx = workspace_records(c->ws, c->lang);
	const char *reason = call_option(c, "reason");
	struct dot id, dot;
	enum rc rc;

	if (reason == NULL || *reason == '\0')
		return error_set(&c->err, RC_USAGE, "--reason", "say why, with --reason TEXT",
		    "deleting needs a reason");
	if ((rc = commands_record_id(c, c->args[0], &id)) != RC_OK ||
	    (rc = workspace_begin(c->ws, &c->err)) != RC_OK)
		return rc;
	rc = record_delete(&ctx, &id, call_option(c, "seen"), reason, &dot, &c->err);
	rc = commands_finish(c, rc, &dot);
	if (rc == RC_OK)
		commands_referral_deleted(c, &id);
	return rc;
}

enum rc
commands_undelete(struct call *c)
{
	struct record_context ctx = workspace_records(c->ws, c->lang);
	struct dot id, dot;
	enum rc rc;

	if ((rc = commands_record_id(c, c->args[0], &id)) != RC_OK ||
	    (rc = workspace_begin(c->ws, &c->err)) != RC_OK)
		return rc;
	rc = record_restore(&ctx, &id, call_option(c, "seen"), call_option(c, "reason"), &dot, &c->err);
	return commands_finish(c, rc, &dot);
}

enum rc
commands_void(struct call *c)
{
	struct record_context ctx = workspace_records(c->ws, c->lang);
	const char *reason = call_option(c, "reason");
	struct address value;
	struct dot id, dot;
	enum rc rc;

	if (reason == NULL || *reason == '\0')
		return error_set(&c->err, RC_USAGE, "--reason", "say why, with --reason TEXT",
		    "striking through needs a reason");
	if ((rc = commands_record_id(c, c->args[0], &id)) != RC_OK)
		return rc;
	if (!address_parse(c->args[2], &value))
		return error_set(&c->err, RC_USAGE, c->args[2], "take it from field show --json",
		    "this is no dot of a value");
	if ((rc = workspace_begin(c->ws, &c->err)) != RC_OK)
		return rc;
	rc = record_void(&ctx, &id, c->args[1], &value, reason, &dot, &c->err);
	return commands_finish(c, rc, &dot);
}
