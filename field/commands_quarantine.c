/* What is kept aside: frames that cannot be opened, entries of devices that were retired or copied. */
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "field/commands.h"
#include "field/workspace.h"
#include "shared/base/clock.h"
#include "shared/records/left_out.h"
#include "shared/records/value.h"
#include "shared/sync/replica.h"

enum { ID_DIGITS = 2 * IDENTITY_ID_BYTES, VALUES_SHOWN_MAX = 400 };

/* ---- the list ---- */

static enum rc
list_frames(struct call *c, json_t *all, size_t *n)
{
	struct replica_aside *list = NULL;
	char id[65], when[17], at[21];
	enum rc rc;

	if ((rc = replica_aside(c->ws->replica, &list, n, &c->err)) != RC_OK)
		return rc;
	for (size_t i = 0; i < *n; i++) {
		const char *why = replica_reason_text(list[i].reason, c->lang == FORM_VI);
		const char *by = replica_name_of(c->ws->replica, list[i].device);

		bytes_hex(list[i].id, sizeof(list[i].id), id);
		clock_vietnamese(list[i].added, when);
		clock_iso(list[i].added, at);
		if (c->json)
			json_array_append_new(all, json_pack("{s:s,s:s,s:s,s:s,s:I,s:s,s:s}", "id", id,
			    "state", list[i].state == REPLICA_WAITING ? "waiting" : "quarantined",
			    "by", by, "unit", list[i].unit, "entries", (json_int_t)list[i].entries,
			    "at", at, "why", why));
		else
			call_print(c, "%.12s  %s  %s  %s  %" PRIu64 "  %s", id, when, list[i].unit, by,
			    list[i].entries, why);
	}
	free(list);
	return RC_OK;
}

/* Entries of one device that are left out for one reason, one line. */
struct device_line {
	struct call *call;
	json_t *all;
	size_t lines;
	uint64_t entries;		/* those that wait */
	uint8_t device[ENTRY_DEVICE_BYTES];
	bool forked;
	struct journal_scope scope;	/* of the last of them */
	int64_t at;
};

static void
print_device(struct device_line *l)
{
	struct call *c = l->call;
	const char *by = replica_name_of(c->ws->replica, l->device), *why = l->forked ? call_say(c,
	    "máy bị sao chép khi đang mở, hai bản cùng ghi tiếp; giám sát viên có thể cho nhận",
	    "its device was copied while it ran, and both copies went on; a supervisor may release it") :
	    call_say(c, "máy đã ngừng sử dụng trước đó; giám sát viên có thể cho nhận",
	    "its device was retired before; a supervisor may release it");
	char when[17], at[21], id[ID_DIGITS + 1];

	if (l->entries == 0)
		return;
	bytes_hex(l->device, sizeof(l->device), id);
	clock_vietnamese(l->at, when);
	clock_iso(l->at, at);
	l->lines++;
	if (c->json)
		json_array_append_new(l->all, json_pack("{s:s,s:s,s:s,s:s,s:I,s:s,s:s}", "id", id,
		    "state", l->forked ? "forked" : "retired", "by", by, "unit", l->scope.unit, "entries",
		    (json_int_t)l->entries, "at", at, "why", why));
	else
		call_print(c, "%s  %s  %s  %s  %" PRIu64 "  %s", id, when, l->scope.unit, by, l->entries,
		    why);
}

static enum rc
add_to_line(void *ctx, const struct left_out *one)
{
	struct device_line *l = ctx;

	if (one->released)
		return RC_OK;
	if (l->forked != one->forked || memcmp(l->device, one->device, sizeof(l->device)) != 0) {
		print_device(l);
		l->entries = 0;
		l->forked = one->forked;
		memcpy(l->device, one->device, sizeof(l->device));
	}
	l->entries++;
	l->scope = one->scope;
	l->at = one->entry.saved_at;
	return RC_OK;
}

static enum rc
list_all(struct call *c)
{
	struct device_line l = { .call = c, .all = c->json ? json_array() : NULL };
	size_t frames = 0;
	enum rc rc;

	if ((rc = list_frames(c, l.all, &frames)) != RC_OK ||
	    (rc = left_out_each(replica_db(c->ws->replica), NULL, add_to_line, &l, &c->err)) != RC_OK) {
		json_decref(l.all);
		return rc;
	}
	print_device(&l);
	if (c->json)
		return call_print_json(c, l.all);
	if (frames + l.lines == 0)
		call_note(c, "%s", call_say(c, "Không có gì được giữ riêng.", "Nothing is set aside."));
	return RC_OK;
}

/* ---- what stands in them ---- */

struct reading {
	struct call *call;
	json_t *all;
	const struct dot *only;
	size_t found;
};

static void
put_value(const struct form *form, unsigned number, const struct value *v, struct bytes *text,
    json_t *object)
{
	const struct form_field *field = form == NULL ? NULL : form_field_numbered(form, number);
	const char *name = field != NULL ? field->name : "?";
	struct bytes one;

	if (v->type == VALUE_GROUP) {
		for (size_t i = 0; i < v->n_members; i++)
			put_value(form, v->members[i].field, &v->members[i].value, text, object);
		return;
	}
	bytes_init(&one);
	value_text(v, &one);
	if (object != NULL)
		json_object_set_new(object, name, json_string(bytes_cstr(&one)));
	if (text->len > 0)
		bytes_put(text, "  ", 2);
	bytes_put(text, name, strlen(name));
	bytes_put(text, "=", 1);
	bytes_put(text, one.data, one.len);
	bytes_wipe(&one);
}

static enum rc
show_one(void *ctx, const struct left_out *one)
{
	struct reading *r = ctx;
	struct call *c = r->call;
	char dot[DOT_TEXT_MAX], record[DOT_TEXT_MAX], form_name[ENTRY_FORM_NAME_MAX + 1], when[17], at[21];
	json_t *values = c->json ? json_object() : NULL;
	const struct form *form;
	struct bytes text;

	if (r->only != NULL && dot_compare(&one->name, r->only) != 0) {
		json_decref(values);
		return RC_OK;
	}
	r->found++;
	bytes_init(&text);
	memcpy(form_name, one->entry.form, one->entry.form_len);
	form_name[one->entry.form_len] = '\0';
	form = form_set_find(replica_forms(c->ws->replica), form_name);
	for (size_t i = 0; i < one->entry.n_writes; i++)
		for (size_t k = 0; k < one->entry.writes[i].n_values; k++)
			put_value(form, one->entry.writes[i].field, &one->entry.writes[i].values[k], &text,
			    values);
	dot_text(&one->name, dot);
	dot_text(&one->entry.record, record);
	clock_vietnamese(one->entry.saved_at, when);
	clock_iso(one->entry.saved_at, at);
	if (c->json)
		json_array_append_new(r->all, json_pack("{s:s,s:s,s:s,s:s,s:b,s:b,s:o}", "dot", dot, "record",
		    record, "form", form_name, "at", at, "released", (int)one->released, "waits", (int)one->waits,
		    "values", values));
	else
		call_print(c, "%s  %s  %s  %s%s  %.*s", dot, when, form_name, record, one->released ?
		    call_say(c, " (đã cho nhận)", " (released)") : one->waits ?
		    call_say(c, " (thiếu lần ghi trước đó)", " (what it followed has not come)") : "",
		    (int)VALUES_SHOWN_MAX, bytes_cstr(&text));
	bytes_wipe(&text);
	return RC_OK;
}

/* What was meant: all of a device, as it is listed, or one entry. */
struct meant {
	uint8_t id[IDENTITY_ID_BYTES];
	struct dot dot;
	const uint8_t *device;		/* NULL: any */
	const struct dot *only;		/* NULL: all */
};

static enum rc
read_id(struct call *c, const char *text, struct meant *m)
{
	memset(m, 0, sizeof(*m));
	if (dot_parse(text, &m->dot)) {
		m->only = &m->dot;
		return RC_OK;
	}
	if (strlen(text) == ID_DIGITS && bytes_unhex(text, m->id, sizeof(m->id))) {
		m->device = m->id;
		return RC_OK;
	}
	return error_set(&c->err, RC_USAGE, text, "take it from field quarantine; what waits for a key or an"
	    " author needs no release", "this is no id of what was left out");
}

static enum rc
show_entries(struct call *c, const struct meant *m)
{
	struct reading r = { .call = c, .all = c->json ? json_array() : NULL, .only = m->only };
	enum rc rc = left_out_each(replica_db(c->ws->replica), m->device, show_one, &r, &c->err);

	if (rc == RC_OK && r.found == 0)
		rc = error_set(&c->err, RC_NOTFOUND, c->args[0], "see field quarantine",
		    "nothing of this name was left out");
	if (rc == RC_OK && c->json)
		return call_print_json(c, r.all);
	json_decref(r.all);
	return rc;
}

static enum rc
release(struct call *c, const struct meant *m)
{
	struct record_context ctx = workspace_records(c->ws, c->lang);
	size_t released = 0;
	enum rc rc;

	if (replica_role(c->ws->replica) != ROLE_SUPERVISOR)
		return error_set(&c->err, RC_DENIED, c->args[1], "ask the supervisor of the unit",
		    "only a supervisor releases what was left out");
	if ((rc = workspace_begin(c->ws, &c->err)) != RC_OK)
		return rc;
	rc = left_out_release(&ctx, m->device, m->only, &released, &c->err);
	if ((rc = workspace_end(c->ws, rc, &c->err)) != RC_OK)
		return rc;
	if (c->json)
		return call_print_json(c, json_pack("{s:I}", "released", (json_int_t)released));
	call_print(c, call_say(c, "Đã cho nhận %zu lần ghi; mọi máy sẽ thấy sau khi đồng bộ.",
	    "%zu entries were released; every device sees them once it has synced."), released);
	return RC_OK;
}

enum rc
commands_quarantine(struct call *c)
{
	bool releases = c->n_args > 0 && strcmp(c->args[0], "release") == 0;
	struct meant m;
	enum rc rc;

	if (c->n_args == 0)
		return list_all(c);
	if (c->n_args != (releases ? 2 : 1))
		return error_set(&c->err, RC_USAGE, "quarantine", "write field quarantine release ID",
		    "one id is needed");
	if ((rc = read_id(c, c->args[c->n_args - 1], &m)) != RC_OK)
		return rc;
	return releases ? release(c, &m) : show_entries(c, &m);
}
