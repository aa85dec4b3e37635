#include "field/commands_view.h"

#include <jansson.h>
#include <string.h>

#include "field/commands.h"
#include "field/workspace.h"
#include "shared/base/clock.h"
#include "shared/base/phone.h"
#include "shared/records/history.h"
#include "shared/records/record.h"
#include "shared/sync/replica.h"

const char *
commands_label(const struct call *c, const struct form_field *field, const char *text)
{
	const struct form_choice *choice =
	    field == NULL || field->list == NULL ? NULL : form_choice_find(field->list, text);

	return choice == NULL ? text : choice->label[c->lang];
}

const char *
commands_view_label(const struct call *c, const struct record_field *f)
{
	if (f->field != NULL && f->field->label[c->lang] != NULL)
		return f->field->label[c->lang];
	return f->name;
}

static const char *
state_name(enum register_standing s)
{
	return s == REGISTER_CONFLICT ? "conflict" : s == REGISTER_SETTLED ? "settled" : "ok";
}

static bool
is_phone(const struct record_field *f)
{
	return f->field != NULL && form_field_looks(f->field, "phone");
}

json_t *
commands_view_values(struct call *c, const struct record_field *f, bool with_k)
{
	json_t *all = json_array(), *one;
	char dot[DOT_TEXT_MAX], at[21], e164[PHONE_MAX];

	for (size_t i = 0; i < f->n_values; i++) {
		const struct record_value *v = &f->values[i];

		address_text(&v->address, dot);
		clock_iso(v->at, at);
		one = json_pack("{s:s,s:s,s:s,s:s}", "dot", dot, "value", v->text, "by",
		    replica_name_of(c->ws->replica, v->by), "at", at);
		if (with_k)
			json_object_set_new(one, "k", json_string(v->k));
		if (v->voided)
			json_object_set_new(one, "voided", json_string(v->void_reason));
		if (is_phone(f) && phone_e164(v->text, e164))
			json_object_set_new(one, "e164", json_string(e164));
		json_array_append_new(all, one);
	}
	return all;
}

static json_t *
shown_value(const struct record_field *f)
{
	bool many = f->field != NULL &&
	    (f->field->many || f->field->type == FORM_SELECT_MULTIPLE);
	json_t *all;

	if (!many) {
		for (size_t i = 0; i < f->n_values; i++)
			if (f->values[i].shown)
				return json_string(f->values[i].text);
		return json_null();
	}
	all = json_array();
	for (size_t i = 0; i < f->n_values; i++)
		if (f->values[i].shown && !f->values[i].voided)
			json_array_append_new(all, json_string(f->values[i].text));
	return all;
}

json_t *
commands_view_json(struct call *c, const struct record_view *v)
{
	static const char *const compartments[] = { "activities", "cases", "reports" };
	json_t *fields = json_object();
	char id[DOT_TEXT_MAX], at[21], scope[64];

	dot_text(&v->id, id);
	clock_iso(v->created_at, at);
	snprintf(scope, sizeof(scope), "%s/%s", v->scope.unit,
	    v->scope.compartment < 3 ? compartments[v->scope.compartment] : "?");
	for (size_t i = 0; i < v->n_fields; i++)
		json_object_set_new(fields, v->fields[i].name, json_pack("{s:o,s:s,s:o}", "value",
		    shown_value(&v->fields[i]), "state", state_name(v->fields[i].standing),
		    "values", commands_view_values(c, &v->fields[i], true)));
	return json_pack("{s:s,s:s,s:s,s:s,s:{s:s,s:s},s:b,s:i,s:s,s:o}", "id", id, "form",
	    v->form_name, "unit", v->scope.unit, "scope", scope, "created", "by",
	    replica_name_of(c->ws->replica, v->created_by), "at", at, "deleted", v->deleted,
	    "newer", (int)v->newer, "seen", v->seen, "fields", fields);
}

static void
print_date_or_text(struct call *c, const struct record_field *f, const struct record_value *v,
    const char *lead)
{
	const char *text = v->text;
	char shown[11], e164[PHONE_MAX] = "";
	bool beside;
	struct date d;

	if (f->field != NULL && f->field->type == FORM_DATE && date_parse(text, &d) == RC_OK) {
		date_vietnamese(&d, shown);
		text = shown;
	}
	beside = is_phone(f) && phone_e164(text, e164) && strcmp(text, e164) != 0;
	call_print(c, "%s%s%s%s%s%s%s%s", lead, v->voided ? "[" : "",
	    commands_label(c, f->field, text), v->voided ? "]" : "",
	    v->voided ? call_say(c, " (đã gạch bỏ)", " (struck through)") : "",
	    beside ? "  (" : "", beside ? e164 : "", beside ? ")" : "");
}

void
commands_view_print_values(struct call *c, const struct record_field *f)
{
	char when[17], dot[DOT_TEXT_MAX];

	for (size_t i = 0; i < f->n_values; i++) {
		const struct record_value *v = &f->values[i];

		clock_vietnamese(v->at, when);
		address_text(&v->address, dot);
		call_print(c, "    %-6s %s  — %s, %s%s", v->k, commands_label(c, f->field, v->text),
		    replica_name_of(c->ws->replica, v->by), when, v->shown ?
		    call_say(c, "  (đang hiển thị)", "  (shown)") : "");
	}
}

enum rc
commands_view_print(struct call *c, const struct record_view *v)
{
	char id[DOT_TEXT_MAX], when[17];

	dot_text(&v->id, id);
	clock_vietnamese(v->created_at, when);
	call_print(c, "%s  %s%s", id, v->form != NULL ? v->form->title[c->lang] : v->form_name,
	    v->deleted ? call_say(c, "  [đã xóa]", "  [deleted]") : "");
	call_print(c, "%s %s, %s, %s %s", call_say(c, "Ghi ngày", "Recorded"), when,
	    replica_name_of(c->ws->replica, v->created_by), call_say(c, "đơn vị", "unit"),
	    v->scope.unit);
	for (size_t i = 0; i < v->n_fields; i++) {
		const struct record_field *f = &v->fields[i];

		call_print(c, "  %s%s:", commands_view_label(c, f), f->standing == REGISTER_CONFLICT ?
		    call_say(c, "  [cần xem lại: nhiều giá trị]", "  [to review: several values]") :
		    f->standing == REGISTER_SETTLED ?
		    call_say(c, "  [đã tự xử lý]", "  [settled automatically]") : "");
		if (f->standing != REGISTER_OK) {
			commands_view_print_values(c, f);
			continue;
		}
		for (size_t k = 0; k < f->n_values; k++)
			if (f->values[k].shown)
				print_date_or_text(c, f, &f->values[k], "    ");
	}
	call_print(c, "%s %s", call_say(c, "Mã đã xem (--seen):", "Seen (--seen):"), v->seen);
	return RC_OK;
}

/* What a lawful order took away is empty; that, and the order, is told, and not an empty value. */
static const char *
order_of(struct call *c, const struct history_entry *e, const struct history_write *w,
    char order[DIRECTORY_REASON_MAX + 1])
{
	if (replica_erase_order(c->ws->replica, &e->dot, w->number, order, NULL) != RC_OK)
		order[0] = '\0';
	return order[0] == '\0' ? NULL : order;
}

static json_t *
write_json(struct call *c, const struct history_entry *e, const struct history_write *w)
{
	static const char *const kinds[] = { "set", "items", "void" };
	json_t *values = json_array(), *replaces = json_array(), *one;
	char dot[DOT_TEXT_MAX], order[DIRECTORY_REASON_MAX + 1];

	for (size_t i = 0; i < w->n_values; i++) {
		address_text(&w->values[i].address, dot);
		json_array_append_new(values, json_pack("{s:s,s:s,s:b}", "dot", dot, "value",
		    w->values[i].text, "live", w->values[i].live));
	}
	for (size_t i = 0; i < w->n_replaces; i++) {
		address_text(&w->replaces[i], dot);
		json_array_append_new(replaces, json_string(dot));
	}
	one = json_pack("{s:s,s:s,s:o,s:o}", "field", w->number == 0 ? "alive" :
	    w->field != NULL ? w->field->name : "?", "kind", kinds[w->kind], "values", values,
	    "replaces", replaces);
	if (order_of(c, e, w, order) != NULL)
		json_object_set_new(one, "erased", json_string(order));
	return one;
}

static json_t *
entry_json(struct call *c, const struct history_entry *e)
{
	static const char *const standing[] = {
		"counts", "forked", "beyond-limit", "restated", "other-scope"
	};
	json_t *writes = json_array(), *one;
	char dot[DOT_TEXT_MAX], at[21];

	dot_text(&e->dot, dot);
	clock_iso(e->at, at);
	for (size_t i = 0; i < e->n_writes; i++)
		json_array_append_new(writes, write_json(c, e, &e->writes[i]));
	one = json_pack("{s:s,s:s,s:s,s:s,s:o}", "dot", dot, "by",
	    replica_name_of(c->ws->replica, e->by), "at", at, "standing",
	    standing[e->standing], "writes", writes);
	if (e->reason != NULL)
		json_object_set_new(one, "reason", json_string(e->reason));
	if (e->hollow)
		json_object_set_new(one, "hollow", json_true());
	return one;
}

/* Why an entry does not count; NULL: it does. */
static const char *
left_out_words(const struct call *c, enum history_standing s)
{
	switch (s) {
	case HISTORY_COUNTS:
		break;
	case HISTORY_FORKED:
		return call_say(c, "không được tính: hai máy cùng ghi tiếp một nhật ký",
		    "does not count: two machines went on with one log");
	case HISTORY_BEYOND_LIMIT:
		return call_say(c, "không được tính: ghi sau khi máy bị thu hồi",
		    "does not count: written after the device was retired");
	case HISTORY_RESTATED:
		return call_say(c, "không tính thêm: đã được tính ở một lần ghi khác",
		    "does not count again: it counts as another entry");
	case HISTORY_OTHER_SCOPE:
		return call_say(c, "không được tính: ghi từ phạm vi khác",
		    "does not count: written from another scope");
	}
	return NULL;
}

static void
entry_print(struct call *c, const struct history_entry *e)
{
	char dot[DOT_TEXT_MAX], when[17], order[DIRECTORY_REASON_MAX + 1];

	dot_text(&e->dot, dot);
	clock_vietnamese(e->at, when);
	call_print(c, "%s  %s  %s%s%s", when, dot, replica_name_of(c->ws->replica, e->by),
	    e->reason != NULL ? call_say(c, "  lý do: ", "  reason: ") : "",
	    e->reason != NULL ? e->reason : "");
	if (left_out_words(c, e->standing) != NULL)
		call_print(c, "    [%s]", left_out_words(c, e->standing));
	for (size_t i = 0; i < e->n_writes; i++) {
		const struct history_write *w = &e->writes[i];
		const char *label = w->number == 0 ? call_say(c, "Hồ sơ", "Record") :
		    w->field != NULL ? w->field->label[c->lang] : "?";

		if (w->kind == WRITE_VOID)
			call_print(c, "    %s: %s", label,
			    call_say(c, "gạch bỏ một giá trị", "struck a value through"));
		if (order_of(c, e, w, order) != NULL) {
			call_print(c, call_say(c, "    %s: (đã xóa theo lệnh: %s)", "    %s: (erased by order: %s)"),
			    label, order);
			continue;
		}
		for (size_t k = 0; k < w->n_values; k++)
			call_print(c, "    %s: %s%s", label,
			    commands_label(c, w->field, w->values[k].text), w->values[k].live ? "" :
			    call_say(c, "  (đã được thay)", "  (replaced)"));
	}
}

enum rc
commands_view_history(struct call *c, const struct record_context *ctx, const struct dot *id)
{
	struct history h;
	json_t *all = NULL;
	enum rc rc;

	if ((rc = history_read(ctx, id, &h, &c->err)) != RC_OK)
		return rc;
	if (c->json)
		all = json_array();
	for (size_t i = 0; i < h.n_entries; i++) {
		if (c->json)
			json_array_append_new(all, entry_json(c, &h.entries[i]));
		else
			entry_print(c, &h.entries[i]);
	}
	history_reset(&h);
	return c->json ? call_print_json(c, all) : RC_OK;
}
