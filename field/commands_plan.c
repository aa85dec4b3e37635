#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "field/commands.h"
#include "field/plan_deadline.h"
#include "field/plan_load.h"
#include "field/workspace.h"
#include "shared/sync/replica.h"

/* ---- the plans that ship ---- */

static enum rc
print_plan(struct call *c, const struct record_context *ctx, const char *code, json_t *all)
{
	static const char *const columns[] = { "title", "issuer", "year" };
	struct bytes cells[3];
	bool there = false;
	enum rc rc = RC_OK;

	for (size_t i = 0; i < 3; i++) {
		bytes_init(&cells[i]);
		if (rc == RC_OK)
			rc = plan_load_cell(code, columns[i], &cells[i], &c->err);
	}
	if (rc == RC_OK)
		rc = plan_load_there(ctx, code, &there, &c->err);
	for (size_t i = 0; i < 3 && rc == RC_OK; i++)
		if (bytes_cstr(&cells[i]) == NULL)
			rc = RC_NOMEM;
	if (rc == RC_OK && all != NULL)
		json_array_append_new(all, json_pack("{s:s,s:s,s:s,s:s,s:b}", "code", code, "title",
		    bytes_cstr(&cells[0]), "issuer", bytes_cstr(&cells[1]), "year",
		    bytes_cstr(&cells[2]), "here", there));
	else if (rc == RC_OK)
		call_print(c, "%-10s %s  %s. %s%s", code, bytes_cstr(&cells[2]), bytes_cstr(&cells[1]),
		    bytes_cstr(&cells[0]), there ? call_say(c, " (đã có ở đây)", " (is here)") : "");
	for (size_t i = 0; i < 3; i++)
		bytes_reset(&cells[i]);
	return rc;
}

enum rc
commands_plans(struct call *c)
{
	struct record_context ctx = workspace_records(c->ws, c->lang);
	json_t *all = c->json ? json_array() : NULL;
	char code[PLAN_LOAD_CODE_MAX];
	enum rc rc = RC_OK;

	for (size_t i = 0; rc == RC_OK && plan_load_code(i, code) != NULL; i++)
		rc = print_plan(c, &ctx, code, all);
	if (rc == RC_OK && c->json)
		return call_print_json(c, all);
	json_decref(all);
	return rc;
}

/* ---- one of them into the vault ---- */

struct told { struct call *c; json_t *all; };

static void
tell(void *ctx, const struct plan_load_difference *d)
{
	struct told *t = ctx;

	if (t->all != NULL)
		json_array_append_new(t->all, json_pack("{s:s,s:s,s:s,s:s,s:s}", "form", d->form, "row",
		    d->row, "field", d->field->name, "here", d->here, "sheet", d->sheet));
	else
		call_print(t->c, call_say(t->c, "%s, %s: ở đây là “%s”, trong bảng là “%s”",
		    "%s, %s: here \"%s\", in the sheet \"%s\""), d->row, d->field->label[t->c->lang],
		    d->here, d->sheet);
}

static void
print_counts(struct call *c, const struct plan_load_counts *n, bool dry)
{
	if (dry)
		call_print(c, call_say(c, "Sẽ thêm %zu dòng, sẽ thay %zu dòng; %zu dòng có chỗ khác, %zu dòng "
		    "đã có. Chưa ghi gì.", "%zu rows would be added, %zu replaced; %zu differ, %zu are there."
		    "  Nothing was written."), n->added, n->changed, n->differing, n->same);
	else
		call_print(c, call_say(c, "Đã thêm %zu dòng, đã thay %zu dòng; %zu dòng có chỗ khác, %zu dòng "
		    "đã có.", "%zu rows added, %zu replaced; %zu differ, %zu are there."), n->added,
		    n->changed, n->differing, n->same);
	if (n->differing > 0)
		call_note(c, "%s", call_say(c,
		    "Những chỗ khác được giữ nguyên; thêm --replace để lấy theo bảng.",
		    "What differs was let be; --replace takes it from the sheets."));
}

static enum rc
load(struct call *c, const struct plan_load_sheet *sheets, size_t n_sheets)
{
	struct record_context ctx = workspace_records(c->ws, c->lang);
	bool dry = call_option(c, "dry-run") != NULL;
	struct told told = { .c = c, .all = c->json ? json_array() : NULL };
	struct plan_load_counts n;
	enum rc rc = workspace_begin(c->ws, &c->err);

	if (rc == RC_OK) {
		rc = plan_load_run(&ctx, sheets, n_sheets, call_option(c, "replace") != NULL, tell, &told,
		    &n, &c->err);
		if (rc == RC_OK && dry) {
			struct error ended = { 0 };

			/* rolls back and says so with the code that it was given */
			rc = workspace_end(c->ws, RC_INVALID, &ended);
			rc = rc == RC_INVALID ? RC_OK : rc;
		} else {
			rc = workspace_end(c->ws, rc, &c->err);
		}
	}
	if (rc == RC_OK && c->json)
		return call_print_json(c, json_pack("{s:b,s:I,s:I,s:I,s:I,s:o}", "dry_run", dry, "added",
		    (json_int_t)n.added, "changed", (json_int_t)n.changed, "differing",
		    (json_int_t)n.differing, "same", (json_int_t)n.same, "differences", told.all));
	if (rc == RC_OK)
		print_counts(c, &n, dry);
	json_decref(told.all);
	return rc;
}

enum rc
commands_plan_add(struct call *c)
{
	struct plan_load_sheet sheets[PLAN_LOAD_SHEETS_MAX];
	size_t n;
	enum rc rc = plan_load_shipped(c->args[0], sheets, &n, &c->err);

	return rc == RC_OK ? load(c, sheets, n) : rc;
}

enum rc
commands_plan_import(struct call *c)
{
	struct plan_load_sheet sheets[PLAN_LOAD_SHEETS_MAX];

	for (size_t i = 0; i < c->n_args; i++) {
		const struct bytes *file = call_input(c, c->args[i]);
		enum rc rc = plan_load_form_of(c->args[i], &sheets[i].form, &c->err);

		if (rc != RC_OK)
			return rc;
		if (file == NULL)
			return RC_NOTFOUND;
		sheets[i].name = c->args[i];
		sheets[i].data = file->data;
		sheets[i].len = file->len;
	}
	return load(c, sheets, c->n_args);
}

/* ---- the reports that they ask for ---- */

static const char *
label(const struct call *c, const char *field, const char *code)
{
	const struct form *form = form_set_find(replica_forms(c->ws->replica), "plan_deadline");
	const struct form_field *f = form != NULL ? form_field_named(form, field) : NULL;

	return f != NULL ? commands_label(c, f, code) : code;
}

void
commands_plan_labels(const struct call *c, const char *field, const char *codes, char *out,
    size_t room)
{
	char code[64];
	size_t used = 0;

	out[0] = '\0';
	while (*codes != '\0' && used < room) {
		int n;

		snprintf(code, sizeof(code), "%.*s", (int)strcspn(codes, ","), codes);
		n = snprintf(out + used, room - used, "%s%s", used > 0 ? "; " : "", label(c, field, code));
		used += n > 0 ? (size_t)n : room;
		codes += strcspn(codes, ",");
		codes += *codes == ',';
	}
}

static enum rc
print_deadline(void *ctx, const struct plan_deadline *d)
{
	struct told *t = ctx;
	struct call *c = t->c;
	char last[11] = "", to[600];

	if (d->dated && c->json)
		date_iso(&d->last, last);
	else if (d->dated)
		date_vietnamese(&d->last, last);
	if (c->json) {
		json_array_append_new(t->all, json_pack("{s:s,s:s,s:s,s:s,s:s,s:s,s:s}", "plan", d->plan,
		    "kind", d->kind, "from", d->from_kind, "to", d->to_kinds, "via", d->via_kind,
		    "last_day", last, "wording", d->wording));
		return RC_OK;
	}
	commands_plan_labels(c, "to_kinds", d->to_kinds, to, sizeof(to));
	call_print(c, call_say(c, "%s  %s  %s: %s → %s%s%s", "%s  %s  %s: %s → %s%s%s"),
	    d->dated ? last : "–         ", d->plan, label(c, "kind", d->kind),
	    label(c, "from_kind", d->from_kind), to,
	    *d->via_kind != '\0' ? call_say(c, ", qua ", ", through ") : "",
	    *d->via_kind != '\0' ? label(c, "via_kind", d->via_kind) : "");
	return RC_OK;
}

enum rc
commands_report_due(struct call *c)
{
	struct record_context ctx = workspace_records(c->ws, c->lang);
	struct told told = { .c = c, .all = c->json ? json_array() : NULL };
	long year = 0;
	enum rc rc = call_number(c, "year", 2000, 2100, 0, &year);

	if (rc == RC_OK)
		rc = plan_deadline_list(ctx.db, year, call_option(c, "org"), print_deadline, &told, &c->err);
	if (rc == RC_OK && c->json)
		return call_print_json(c, told.all);
	json_decref(told.all);
	return rc;
}
