#include <inttypes.h>
#include <jansson.h>
#include <string.h>

#include "field/commands.h"
#include "field/telling.h"
#include "field/workspace.h"
#include "shared/records/retention.h"
#include "shared/records/subject_request.h"

/* The register ------------------------------------------------------------------------ */

static const char *
due_words(const struct telling *t, enum case_due state)
{
	return telling_word(t, "due", commands_due_code(state));
}

static json_t *
request_json(const struct telling *t, const struct subject_request *r)
{
	char id[DOT_TEXT_MAX], person[DOT_TEXT_MAX], of_case[DOT_TEXT_MAX];
	struct sqlite3 *db = t->desk.db;

	return json_pack("{s:s,s:s,s:s,s:s,s:s,s:s,s:s,s:s,s:s,s:s,s:s,s:s,s:s,s:s,s:b,s:s}", "id",
	    commands_id_of(db, r->id, id), "person", commands_id_of(db, r->person, person), "case",
	    commands_id_of(db, r->case_id, of_case), "unit", r->unit, "code", r->code, "kind", r->kind,
	    "received", r->received, "due", r->due, "state", commands_due_code(r->state), "answered",
	    r->answered, "outcome", r->outcome, "do_by", r->do_by, "doing",
	    *r->do_by != '\0' ? commands_due_code(r->doing) : "", "done", r->done, "holidays_known",
	    r->sure, "source", r->source);
}

static void
print_request(const struct telling *t, const struct subject_request *r)
{
	char id[DOT_TEXT_MAX], received[11], due[11];
	struct call *c = t->c;

	call_print(c, "%-22s %s  %s  %s", commands_id_of(t->desk.db, r->id, id),
	    commands_day(c, r->received, received), telling_label(t, "subject_right", r->kind),
	    *r->code != '\0' ? r->code : "—");
	call_print(c, "    %s %s: %s%s", call_say(c, "trả lời chậm nhất hết ngày", "answer by the end of"),
	    commands_day(c, r->due, due), due_words(t, r->state), r->sure ? "" :
	    call_say(c, " (chưa có lịch nghỉ lễ của năm đó)", " (holidays of that year are not known)"));
	if (*r->outcome != '\0')
		call_print(c, "    %s: %s", call_say(c, "kết quả", "outcome"),
		    telling_label(t, "request_outcome", r->outcome));
	if (*r->do_by != '\0')
		call_print(c, "    %s %s: %s", call_say(c, "hẹn thực hiện xong chậm nhất hết ngày",
		    "to be done by the end of"), commands_day(c, r->do_by, due), due_words(t, r->doing));
}

enum rc
commands_requests(struct call *c)
{
	struct subject_request_list list = { .n = 0 };
	struct telling t;
	json_t *all = NULL;
	enum rc rc = telling_open(c, &t);

	if (rc == RC_OK)
		rc = subject_request_find(&t.desk, call_option(c, "open") != NULL, &list, &c->err);
	if (rc == RC_OK && c->json)
		all = json_array();
	for (size_t i = 0; rc == RC_OK && i < list.n; i++) {
		if (c->json)
			json_array_append_new(all, request_json(&t, &list.items[i]));
		else
			print_request(&t, &list.items[i]);
	}
	if (rc == RC_OK && !c->json && list.n == 0)
		call_note(c, "%s", call_say(c, "Không có yêu cầu nào.", "There are no requests."));
	subject_request_reset(&list);
	case_rules_free(t.rules);
	if (rc != RC_OK)
		return rc;
	return c->json ? call_print_json(c, all) : c->out.rc;
}

/* What is kept too long ---------------------------------------------------------------- */

static int64_t
days_left(const struct telling *t, const struct retention_item *r)
{
	struct date due;

	return date_parse(r->due, &due) == RC_OK ? date_to_days(&due) - t->desk.today : 0;
}

static json_t *
retention_json(const struct telling *t, const struct retention_item *r)
{
	char id[DOT_TEXT_MAX];

	return json_pack("{s:s,s:s,s:s,s:s,s:s,s:s,s:s,s:s,s:s,s:I,s:s}", "id",
	    commands_id_of(t->desk.db, r->id, id), "form", r->form, "unit", r->unit, "code", r->code,
	    "class", r->class, "ended", r->ended, "due", r->due, "state", commands_due_code(r->state),
	    "step", r->to_erase ? "ERASE" : "REVIEW", "days", (json_int_t)days_left(t, r), "source", r->source);
}

static void
print_retention(const struct telling *t, const struct retention_item *r)
{
	char id[DOT_TEXT_MAX], due[11], ended[11];
	struct call *c = t->c;

	call_print(c, "%s  %s: %s  %s  %s", commands_day(c, r->due, due), r->to_erase ?
	    call_say(c, "đã đề nghị xóa, chưa xóa", "proposed to erase, still here") :
	    call_say(c, "cần rà soát", "to be reviewed"), telling_label(t, "retention_class", r->class),
	    *r->code != '\0' ? r->code : "—", commands_id_of(t->desk.db, r->id, id));
	if (*r->source != '\0')
		call_print(c, call_say(c, "    kết thúc %s; %s", "    ended %s; %s"),
		    commands_day(c, r->ended, ended), r->source);
}

enum rc
commands_retention(struct call *c, long days)
{
	struct retention_list list = { .n = 0 };
	struct telling t;
	json_t *all = NULL;
	enum rc rc = telling_open(c, &t);

	if (rc == RC_OK)
		rc = retention_find(&t.desk, days, &list, &c->err);
	if (rc == RC_OK && c->json)
		all = json_array();
	for (size_t i = 0; rc == RC_OK && i < list.n; i++) {
		if (c->json)
			json_array_append_new(all, retention_json(&t, &list.items[i]));
		else
			print_retention(&t, &list.items[i]);
	}
	if (rc == RC_OK && !c->json && list.n == 0)
		call_note(c, call_say(c, "Không có gì hết thời hạn lưu giữ trong %ld ngày tới.",
		    "Nothing comes to the end of its time within %ld days."), days);
	retention_reset(&list);
	case_rules_free(t.rules);
	if (rc != RC_OK)
		return rc;
	return c->json ? call_print_json(c, all) : c->out.rc;
}

/* For the status ------------------------------------------------------------------------ */

enum rc
commands_rights_count(struct call *c, struct commands_rights *out)
{
	struct retention_list list = { .n = 0 };
	struct case_rules *rules = NULL;
	struct case_desk desk;
	enum rc rc = commands_desk(c, &desk, &rules);

	memset(out, 0, sizeof(*out));
	if (rc == RC_OK)
		rc = subject_request_count(&desk, &out->requests, &out->overdue, &c->err);
	/* a list of the province that cannot be read must not hide all else; due --retention says it */
	if (rc == RC_OK && (rc = retention_find(&desk, -1, &list, &c->err)) == RC_CONFIG) {
		error_clear(&c->err);
		rc = RC_OK;
	}
	out->retention = list.n;
	retention_reset(&list);
	case_rules_free(rules);
	return rc;
}
