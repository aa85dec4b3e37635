#include <inttypes.h>
#include <jansson.h>
#include <string.h>

#include "field/commands.h"
#include "field/person_records.h"
#include "field/workspace.h"
#include "shared/forms/form_list.h"
#include "shared/records/subject_request.h"

static const char request_form[] = "subject_request";

/* The register ------------------------------------------------------------------------ */

struct telling {
	struct call *c;
	struct case_desk desk;
	struct case_rules *rules;
};

static const char *
label(const struct telling *t, const char *list, const char *code)
{
	const struct form_list *l = form_set_list(t->desk.forms, list);
	const struct form_choice *choice = l == NULL ? NULL : form_choice_find(l, code);

	return choice == NULL ? code : choice->label[t->c->lang];
}

static const char *
due_words(const struct telling *t, enum case_due state)
{
	return case_rules_word(t->rules, "due", commands_due_code(state), t->c->lang);
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
	    commands_day(c, r->received, received), label(t, "subject_right", r->kind),
	    *r->code != '\0' ? r->code : "—");
	call_print(c, "    %s %s: %s%s", call_say(c, "trả lời trước hết", "answer by the end of"),
	    commands_day(c, r->due, due), due_words(t, r->state), r->sure ? "" :
	    call_say(c, " (chưa có lịch nghỉ lễ của năm đó)", " (holidays of that year are not known)"));
	if (*r->outcome != '\0')
		call_print(c, "    %s: %s", call_say(c, "kết quả", "outcome"),
		    label(t, "request_outcome", r->outcome));
	if (*r->do_by != '\0')
		call_print(c, "    %s %s: %s", call_say(c, "hẹn thực hiện trước hết", "to be done by the end of"),
		    commands_day(c, r->do_by, due), due_words(t, r->doing));
}

enum rc
commands_requests(struct call *c)
{
	struct subject_request_list list = { .n = 0 };
	struct telling t = { .c = c };
	json_t *all = NULL;
	enum rc rc = commands_desk(c, &t.desk, &t.rules);

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

enum rc
commands_requests_count(struct call *c, uint64_t *open, uint64_t *overdue)
{
	struct case_rules *rules = NULL;
	struct case_desk desk;
	enum rc rc = commands_desk(c, &desk, &rules);

	*open = *overdue = 0;
	if (rc == RC_OK)
		rc = subject_request_count(&desk, open, overdue, &c->err);
	case_rules_free(rules);
	return rc;
}

/* An order to erase ----------------------------------------------------------------------- */

/* What the record shows; "" where nothing is answered.  RC_CONFLICT: several values. */
static enum rc
value_of(struct call *c, const struct record_view *v, const char *field, const char **out)
{
	const struct record_field *f = record_view_field(v, field);

	*out = f == NULL || f->n_values == 0 ? "" : f->values[0].text;
	if (f != NULL && f->standing == REGISTER_CONFLICT)
		return error_set(&c->err, RC_CONFLICT, field, "settle it with field resolve",
		    "the request has several values here");
	return RC_OK;
}

struct granted {
	const char *order, *person, *of_case;
};

static enum rc
check_granted(struct call *c, const struct record_view *v, struct granted *out)
{
	const char *kind, *outcome;
	enum rc rc;

	if (strcmp(v->form_name, request_form) != 0 || v->deleted)
		return error_set(&c->err, RC_NOTFOUND, c->args[0], "see field requests",
		    "no such request here");
	if ((rc = value_of(c, v, "kind", &kind)) != RC_OK ||
	    (rc = value_of(c, v, "outcome", &outcome)) != RC_OK ||
	    (rc = value_of(c, v, "order_no", &out->order)) != RC_OK ||
	    (rc = value_of(c, v, "person_id", &out->person)) != RC_OK ||
	    (rc = value_of(c, v, "case_id", &out->of_case)) != RC_OK)
		return rc;
	if (strcmp(kind, "ERASE") != 0)
		return error_set(&c->err, RC_INVALID, c->args[0], NULL, "the request does not ask for erasure");
	if (strcmp(outcome, "ACCEPTED") != 0 && strcmp(outcome, "PARTLY") != 0 &&
	    strcmp(outcome, "DONE") != 0)
		return error_set(&c->err, RC_INVALID, c->args[0],
		    "decide it first: field edit ID answered_at=… answered_by=… outcome=ACCEPTED do_by=…",
		    "the request is not granted");
	if (*out->order == '\0' || strpbrk(out->order, "\r\n") != NULL)
		return error_set(&c->err, RC_INVALID, "order_no", "field edit ID order_no=…",
		    "the request names no decision to erase, in one line");
	return RC_OK;
}

static bool
is_about(const struct person_records *p, const struct person_record *items, size_t n,
    const struct dot *id)
{
	int64_t local;

	if (record_to_local(p->ctx->db, id, &local) != RC_OK)
		return false;
	for (size_t i = 0; i < n; i++)
		if (items[i].local == local)
			return true;
	return false;
}

/* What the request names itself. */
static void
put_targets(struct call *c, const struct person_records *p, const struct record_field *targets,
    struct bytes *out)
{
	char word[DOT_TEXT_MAX];
	struct dot id;

	for (size_t i = 0; i < targets->n_values; i++) {
		const char *text = targets->values[i].text;
		size_t n = strcspn(text, " ");

		if (!targets->values[i].shown || targets->values[i].voided || n >= sizeof(word))
			continue;
		memcpy(word, text, n);
		word[n] = '\0';
		if (!dot_parse(word, &id) || !is_about(p, p->items, p->n, &id)) {
			bytes_printf(out, "# %s\n", "Chú ý: bản ghi này không chỉ nói về người yêu cầu.");
			call_note(c, call_say(c, "Chú ý: %s không chỉ nói về người này; xem lại trước khi ký.",
			    "Note: %s is not about this person alone; look at it before you sign."), word);
		}
		bytes_printf(out, "record %s\n", text);
	}
}

/* Everything that is about the person alone, but for the register of requests itself. */
static enum rc
put_all(const struct person_records *p, const struct person_record *items, size_t n,
    const char *before, struct bytes *out, size_t *count)
{
	char text[DOT_TEXT_MAX];
	struct dot id;
	enum rc rc;

	for (size_t i = 0; i < n; i++) {
		if (strcmp(items[i].form->name, request_form) == 0)
			continue;
		if ((rc = record_of_local(p->ctx->db, items[i].local, &id)) != RC_OK)
			return rc;
		dot_text(&id, text);
		bytes_printf(out, "# %s\n%srecord %s\n", items[i].form->title[FORM_VI], before, text);
		++*count;
	}
	return out->rc;
}

static enum rc
put_order(struct call *c, const struct record_view *v, const struct person_records *p,
    const struct granted *g, struct bytes *out)
{
	const struct record_field *targets = record_view_field(v, "targets");
	size_t n = 0, others = 0;
	char id[DOT_TEXT_MAX];
	enum rc rc = RC_OK;

	dot_text(&v->id, id);
	bytes_printf(out, "# Theo yêu cầu xóa dữ liệu %s. Thử trước: sync-server erase --order TỆP --dry-run\n"
	    "order %s\n", id, g->order);
	if (targets != NULL && targets->n_values > 0) {
		put_targets(c, p, targets, out);
		n = targets->n_values;
	} else if ((rc = put_all(p, p->items, p->n, "", out, &n)) == RC_OK && p->n_others > 0) {
		bytes_printf(out, "# %s\n", "Dưới đây cũng nói về người khác: xem xét từng bản ghi, cần thì bỏ dấu # ở đầu dòng.");
		rc = put_all(p, p->others, p->n_others, "# ", out, &others);
	}
	if (rc == RC_OK && c->json)
		call_print(c, "{\"records\":%zu,\"of_others\":%zu}", n, others);
	else if (rc == RC_OK)
		call_print(c, call_say(c, "Lệnh nêu %zu bản ghi; %zu bản ghi có người khác, để xem xét.",
		    "The order names %zu records; %zu that are about others, too, are left to be judged."), n, others);
	return rc != RC_OK ? rc : out->rc;
}

enum rc
commands_request_order(struct call *c)
{
	struct record_context ctx = workspace_records(c->ws, c->lang);
	struct person_records about;
	struct record_view view;
	struct granted g = { "", "", "" };
	struct bytes *out;
	struct dot id, whose;
	enum rc rc;

	memset(&about, 0, sizeof(about));
	memset(&view, 0, sizeof(view));
	if ((rc = commands_record_id(c, c->args[0], &id)) != RC_OK ||
	    (rc = record_show(&ctx, &id, &view, &c->err)) != RC_OK)
		return rc;
	if ((rc = check_granted(c, &view, &g)) != RC_OK)
		goto out;
	if (!dot_parse(*g.person != '\0' ? g.person : g.of_case, &whose)) {
		rc = error_set(&c->err, RC_INVALID, c->args[0], "field edit ID person_id=…",
		    "the request names no person");
		goto out;
	}
	if ((rc = person_records_find(&ctx, &whose, &about, &c->err)) != RC_OK)
		goto out;
	out = call_output(c, c->args[1]);
	rc = out == NULL ? RC_NOMEM : put_order(c, &view, &about, &g, out);
out:
	person_records_reset(&about);
	record_view_reset(&view);
	return rc;
}
