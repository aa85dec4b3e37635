#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "field/commands.h"
#include "field/telling.h"
#include "field/workspace.h"
#include "shared/sync/replica.h"
#include "shared/vault/vault.h"

enum { DUE_DAYS = 30, DUE_DAYS_MAX = 36525 };

enum rc
commands_desk(struct call *c, struct case_desk *out, struct case_rules **rules)
{
	struct date today;
	enum rc rc;

	date_at(clock_now(&c->ws->clock), &today);
	rc = commands_rules_in_force(c, rules);
	*out = (struct case_desk){ vault_db(c->ws->vault), replica_forms(c->ws->replica), *rules,
		date_to_days(&today) };
	return rc;
}

/* Codes and days ---------------------------------------------------------------- */

const char *
commands_due_code(enum case_due state)
{
	static const char *const codes[] = { "OPEN", "OVERDUE", "MET", "LATE", "EXTENDED", "ENDED" };

	return codes[state];
}

const char *
commands_day(const struct call *c, const char *iso, char out[11])
{
	struct date d;

	if (c->lang != FORM_VI || date_parse(iso, &d) != RC_OK)
		return iso;
	date_vietnamese(&d, out);
	return out;
}

static const char *
day(const struct telling *t, const char *iso, char out[11])
{
	return commands_day(t->c, iso, out);
}

const char *
commands_id_of(struct sqlite3 *db, int64_t local, char *out)
{
	struct dot dot;

	out[0] = '\0';
	if (local != 0 && record_of_local(db, local, &dot) == RC_OK)
		dot_text(&dot, out);
	return out;
}

static const char *
id_of(const struct telling *t, int64_t local, char out[DOT_TEXT_MAX])
{
	return commands_id_of(t->desk.db, local, out);
}

static const char *
letter_column(const struct form_list *l, const struct form_choice *choice)
{
	for (size_t i = 0; i < l->n_columns; i++)
		if (strcmp(l->columns[i], "law_letter") == 0)
			return choice->extra[i];
	return "";
}

/* Is the i-th service of the list one that the class of person is entitled to? */
static const struct form_choice *
entitled_to(const struct telling *t, const struct case_story *s, size_t i)
{
	const struct form_list *l = form_set_list(t->desk.forms, "service");
	const char *letter = letter_column(l, &l->choices[i]);

	return letter != NULL && *letter != '\0' &&
	    case_rules_has_letter(s->entitlement.letters, letter) ? &l->choices[i] : NULL;
}

static size_t
count_services(const struct telling *t)
{
	const struct form_list *l = form_set_list(t->desk.forms, "service");

	return l == NULL ? 0 : l->n_choices;
}

/* The story as JSON ---------------------------------------------------------------- */

static json_t *
deadline_json(const struct telling *t, const struct case_deadline *d)
{
	char id[DOT_TEXT_MAX];

	return json_pack("{s:s,s:s,s:I,s:s,s:s,s:s,s:s,s:b,s:s}", "rule", d->rule, "label",
	    telling_word(t, "deadline", d->rule), "month", (json_int_t)d->month, "record",
	    id_of(t, d->record, id), "due", d->due, "done", d->done,
	    "state", commands_due_code(d->state), "holidays_known", d->sure, "source", d->source);
}

static json_t *
entitlement_json(const struct telling *t, const struct case_story *s)
{
	json_t *services;

	if (!s->entitlement_known)
		return json_null();
	services = json_array();
	for (size_t i = 0; i < count_services(t); i++)
		if (entitled_to(t, s, i) != NULL)
			json_array_append_new(services, json_string(entitled_to(t, s, i)->code));
	return json_pack("{s:s,s:b,s:o,s:s}", "letters", s->entitlement.letters, "case_by_case",
	    s->entitlement.case_by_case, "services", services, "source", s->entitlement.source);
}

static json_t *
events_json(const struct telling *t, const struct case_story *s)
{
	json_t *all = json_array();
	char id[DOT_TEXT_MAX];

	for (size_t i = 0; i < s->n_events; i++)
		json_array_append_new(all, json_pack("{s:s,s:s,s:s,s:s,s:s,s:b}", "id",
		    id_of(t, s->events[i].id, id), "event", s->events[i].code, "label",
		    telling_label(t, "case_event_kind", s->events[i].code), "at", s->events[i].at,
		    "org", s->events[i].org, "voided", s->events[i].voided));
	return all;
}

static json_t *
services_json(const struct telling *t, const struct case_story *s)
{
	json_t *all = json_array();
	char id[DOT_TEXT_MAX];

	for (size_t i = 0; i < s->n_services; i++) {
		const struct case_service *v = &s->services[i];

		json_array_append_new(all, json_pack("{s:s,s:s,s:s,s:s,s:s,s:s,s:s,s:s,s:b}", "id",
		    id_of(t, v->id, id), "service", v->service, "label", telling_label(t, "service", v->service),
		    "status", v->status, "status_label", telling_label(t, "service_status", v->status), "from", v->from, "to",
		    v->to, "letter", v->letter, "outside", v->outside));
	}
	return all;
}

static json_t *
consents_json(const struct telling *t, const struct case_story *s)
{
	json_t *all = json_array();
	char id[DOT_TEXT_MAX];

	for (size_t i = 0; i < s->n_consents; i++) {
		const struct case_consent *v = &s->consents[i];

		json_array_append_new(all, json_pack("{s:s,s:s,s:s,s:s,s:s,s:s,s:s}", "kind", v->kind, "label",
		    telling_label(t, "consent_kind", v->kind), "state", v->state, "state_label",
		    telling_word(t, "consent", v->state), "at", v->at, "until", v->until, "id", id_of(t, v->id, id)));
	}
	return all;
}

static json_t *
warnings_json(const struct telling *t, const struct case_story *s)
{
	json_t *all = json_array();
	char id[DOT_TEXT_MAX];

	for (size_t i = 0; i < s->n_warnings; i++) {
		const struct case_warning *w = &s->warnings[i];

		json_array_append_new(all, json_pack("{s:s,s:s,s:s,s:s,s:s}", "code", w->code, "about",
		    w->about, "about_label", telling_label(t, w->list, w->about), "record",
		    id_of(t, w->record, id), "text", telling_word(t, "warning", w->code)));
	}
	return all;
}

static enum rc
story_json(const struct telling *t, const struct case_story *s)
{
	json_t *deadlines = json_array(), *o;
	char id[DOT_TEXT_MAX];

	for (size_t i = 0; i < s->n_deadlines; i++)
		json_array_append_new(deadlines, deadline_json(t, &s->deadlines[i]));
	o = json_pack("{s:s,s:s,s:s,s:s,s:s,s:s,s:s,s:s,s:s,s:b,s:b,s:b}", "id", id_of(t, s->id, id),
	    "case_no", s->case_no, "code", s->code, "unit", s->unit, "state", s->state, "stage", s->stage,
	    "stage_at", s->stage_at, "class", s->class, "regime", s->regime, "regime_chosen",
	    s->regime_chosen, "minor", s->minor, "handed_over", s->handed_over);
	if (o == NULL)
		json_decref(deadlines);
	else if (json_object_set_new(o, "labels", json_pack("{s:s,s:s,s:s,s:s}", "state",
	    telling_label(t, "case_state", s->state), "stage", telling_label(t, "case_event_kind", s->stage), "regime",
	    telling_label(t, "legal_regime", s->regime), "class", telling_label(t, "beneficiary", s->class))) != 0 ||
	    json_object_set_new(o, "warnings", warnings_json(t, s)) != 0 ||
	    json_object_set_new(o, "safe_contact", json_pack("{s:s,s:s,s:s,s:s}", "label",
	    telling_label(t, "do_not_contact", s->do_not_contact), "do_not_contact", s->do_not_contact,
	    "note", s->contact_note, "time", s->contact_time)) != 0 ||
	    json_object_set_new(o, "contact", json_pack("{s:s,s:s,s:s,s:s}", "name", s->name, "phone",
	    s->phone, "address", s->address, "current_commune", s->current_commune)) != 0 ||
	    json_object_set_new(o, "entitlement", entitlement_json(t, s)) != 0 ||
	    json_object_set_new(o, "deadlines", deadlines) != 0 ||
	    json_object_set_new(o, "consents", consents_json(t, s)) != 0 ||
	    json_object_set_new(o, "services", services_json(t, s)) != 0 ||
	    json_object_set_new(o, "events", events_json(t, s)) != 0) {
		json_decref(o);
		return RC_NOMEM;
	}
	return call_print_json(t->c, o);
}

/* The story for people --------------------------------------------------------------- */

static void
print_head(const struct telling *t, const struct case_story *s)
{
	const char *source = case_rules_regime_source(t->rules, s->regime);
	char id[DOT_TEXT_MAX], at[11];
	struct call *c = t->c;

	call_print(c, "%s %s  %s  %s", call_say(c, "Hồ sơ", "Case"), s->case_no, s->code,
	    id_of(t, s->id, id));
	call_print(c, "  %s: %s", call_say(c, "Tình trạng", "State"), telling_label(t, "case_state", s->state));
	if (*s->stage != '\0')
		call_print(c, "  %s: %s, %s", call_say(c, "Bước đã đến", "Stage"),
		    telling_label(t, "case_event_kind", s->stage), day(t, s->stage_at, at));
	if (*s->regime != '\0')
		call_print(c, "  %s: %s%s%s%s", call_say(c, "Quy định áp dụng", "Legal regime"),
		    telling_label(t, "legal_regime", s->regime), s->regime_chosen ? "" :
		    call_say(c, " (theo ngày tiếp nhận)", " (by the day of reception)"),
		    source != NULL ? " — " : "", source != NULL ? source : "");
	if (s->handed_over)
		call_print(c, "  %s", call_say(c,
		    "Đơn vị này không phụ trách hồ sơ: đã bàn giao, hoặc chưa tiếp nhận.",
		    "This unit is not in charge: the case was handed over, or is not accepted yet."));
}

static void
print_warnings(const struct telling *t, const struct case_story *s)
{
	char id[DOT_TEXT_MAX];

	for (size_t i = 0; i < s->n_warnings; i++) {
		const struct case_warning *w = &s->warnings[i];

		call_print(t->c, "  ! %s%s%s%s%s", telling_word(t, "warning", w->code), *w->about != '\0' ? ": " : "",
		    telling_label(t, w->list, w->about), w->record != 0 ? "  " : "", id_of(t, w->record, id));
	}
}

/* How to contact safely stands above every datum that one could contact with. */
static void
print_contact(const struct telling *t, const struct case_story *s)
{
	struct call *c = t->c;

	call_print(c, "%s", call_say(c, "Liên hệ an toàn", "Safe contact"));
	call_print(c, "  %s", *s->do_not_contact != '\0' ?
	    telling_label(t, "do_not_contact", s->do_not_contact) :
	    call_say(c, "Chưa ghi có được liên hệ hay không: hỏi lại trước khi liên hệ.",
	    "Nobody has recorded whether contact is allowed: ask first."));
	if (*s->contact_note != '\0')
		call_print(c, "  %s: %s", call_say(c, "Cách liên hệ", "How"), s->contact_note);
	if (*s->contact_time != '\0')
		call_print(c, "  %s: %s", call_say(c, "Thời gian", "When"), s->contact_time);
	if (*s->name != '\0')
		call_print(c, "  %s: %s", call_say(c, "Họ và tên", "Name"), s->name);
	if (*s->phone != '\0')
		call_print(c, "  %s: %s", call_say(c, "Số điện thoại", "Telephone"), s->phone);
	if (*s->address != '\0' || *s->current_commune != '\0')
		call_print(c, "  %s: %s%s%s", call_say(c, "Nơi ở", "Lives at"), s->address,
		    *s->address != '\0' && *s->current_commune != '\0' ? ", " : "", s->current_commune);
}

static void
print_entitlement(const struct telling *t, const struct case_story *s)
{
	struct call *c = t->c;

	call_print(c, "%s: %s", call_say(c, "Chế độ được hưởng", "Entitled to"), *s->class != '\0' ?
	    telling_label(t, "beneficiary", s->class) :
	    call_say(c, "chưa ghi diện đối tượng", "no class of person is recorded"));
	if (!s->entitlement_known) {
		call_print(c, "  %s", call_say(c, "Không có danh mục chế độ cho trường hợp này; tra văn bản.",
		    "There is no list for this; see the law itself."));
		return;
	}
	for (size_t i = 0; i < count_services(t); i++)
		if (entitled_to(t, s, i) != NULL)
			call_print(c, "  %s", entitled_to(t, s, i)->label[c->lang]);
	call_print(c, "  (%s%s)", s->entitlement.source, s->entitlement.case_by_case ?
	    call_say(c, "; xét từng trường hợp", "; decided case by case") : "");
}

static void
put_rule(const struct telling *t, const struct case_deadline *d)
{
	bytes_printf(&t->c->out, "%s", telling_word(t, "deadline", d->rule));
	if (d->month > 0)
		bytes_printf(&t->c->out, call_say(t->c, ", tháng thứ %ld", ", month %ld"), d->month);
	if (!d->sure)
		bytes_printf(&t->c->out, "%s", call_say(t->c, " (chưa có lịch nghỉ lễ của năm đó)",
		    " (holidays of that year are not known)"));
}

static void
print_deadlines(const struct telling *t, const struct case_story *s)
{
	char due[11], done[11];
	struct call *c = t->c;

	if (s->n_deadlines > 0)
		call_print(c, "%s", call_say(c, "Thời hạn", "Deadlines"));
	for (size_t i = 0; i < s->n_deadlines; i++) {
		const struct case_deadline *d = &s->deadlines[i];

		bytes_printf(&c->out, "  %s  ", day(t, d->due, due));
		put_rule(t, d);
		call_print(c, ": %s%s%s", telling_word(t, "due", commands_due_code(d->state)), *d->done != '\0' ? ", " : "",
		    day(t, d->done, done));
	}
}

static void
print_rest(const struct telling *t, const struct case_story *s)
{
	char from[11], to[11];
	struct call *c = t->c;

	call_print(c, "%s", call_say(c, "Sự đồng ý", "Consents"));
	for (size_t i = 0; i < s->n_consents; i++)
		call_print(c, "  %s: %s%s%s%s%s", telling_label(t, "consent_kind", s->consents[i].kind),
		    telling_word(t, "consent", s->consents[i].state), *s->consents[i].at != '\0' ? ", " : "",
		    day(t, s->consents[i].at, from), *s->consents[i].until != '\0' ?
		    call_say(c, ", đến hết ngày ", ", until the end of ") : "",
		    day(t, s->consents[i].until, to));
	if (s->n_services > 0)
		call_print(c, "%s", call_say(c, "Dịch vụ, chế độ", "Services"));
	for (size_t i = 0; i < s->n_services; i++)
		call_print(c, "  %s  %s: %s", day(t, s->services[i].from, from),
		    telling_label(t, "service", s->services[i].service),
		    telling_label(t, "service_status", s->services[i].status));
	if (s->n_events > 0)
		call_print(c, "%s", call_say(c, "Các bước đã ghi", "Events"));
	for (size_t i = 0; i < s->n_events; i++)
		call_print(c, "  %s  %s%s%s%s", day(t, s->events[i].at, from),
		    telling_label(t, "case_event_kind", s->events[i].code), *s->events[i].org != '\0' ? ", " : "",
		    s->events[i].org, s->events[i].voided ?
		    call_say(c, "  [ghi nhầm, đã thay]", "  [corrected]") : "");
}

enum rc
commands_case(struct call *c)
{
	struct case_story s;
	struct telling t;
	struct dot id;
	int64_t local;
	enum rc rc;

	if ((rc = commands_record_id(c, c->args[0], &id)) != RC_OK)
		return rc;
	if ((rc = record_to_local(vault_db(c->ws->vault), &id, &local)) == RC_NOTFOUND)
		return error_set(&c->err, rc, c->args[0], "give the id of a case", "no such case here");
	if (rc != RC_OK || (rc = telling_open(c, &t)) != RC_OK)
		return rc;
	rc = case_story_tell(&t.desk, local, &s, &c->err);
	if (rc == RC_OK)
		rc = commands_access_opened(c, "case", &id, false);
	if (rc == RC_OK && c->json) {
		rc = story_json(&t, &s);
	} else if (rc == RC_OK) {
		print_head(&t, &s);
		print_warnings(&t, &s);
		print_contact(&t, &s);
		print_entitlement(&t, &s);
		print_deadlines(&t, &s);
		print_rest(&t, &s);
		rc = c->out.rc;
	}
	case_story_reset(&s);
	case_rules_free(t.rules);
	return rc;
}

/* What is due ----------------------------------------------------------------------- */

static int64_t
days_left(const struct telling *t, const struct case_deadline *d)
{
	struct date due;

	return date_parse(d->due, &due) == RC_OK ? date_to_days(&due) - t->desk.today : 0;
}

static void
print_due(const struct telling *t, const struct case_due_item *v)
{
	int64_t left = days_left(t, &v->deadline);
	char id[DOT_TEXT_MAX], due[11];
	struct call *c = t->c;

	bytes_printf(&c->out, "%s  ", day(t, v->deadline.due, due));
	if (left < 0)
		bytes_printf(&c->out, call_say(c, "quá hạn %lld ngày", "%lld days late"), (long long)-left);
	else if (left == 0)
		bytes_printf(&c->out, "%s", call_say(c, "hết hạn hôm nay", "due today"));
	else
		bytes_printf(&c->out, call_say(c, "còn %lld ngày", "in %lld days"), (long long)left);
	bytes_printf(&c->out, "  %s  ", *v->code != '\0' ? v->code : "—");
	put_rule(t, &v->deadline);
	call_print(c, "  %s", id_of(t, v->id != 0 ? v->id : v->deadline.record, id));
}

static json_t *
due_json(const struct telling *t, const struct case_due_item *v)
{
	json_t *o = deadline_json(t, &v->deadline);
	char id[DOT_TEXT_MAX];

	json_object_update_new(o, json_pack("{s:s,s:s,s:s,s:I}", "case", id_of(t, v->id, id), "code",
	    v->code, "unit", v->unit, "days", (json_int_t)days_left(t, &v->deadline)));
	return o;
}

enum rc
commands_due(struct call *c)
{
	struct case_due_list list = { .n = 0 };
	struct telling t;
	json_t *all = NULL;
	size_t reports = 0;
	long days;
	enum rc rc;

	if ((rc = call_number(c, "days", 0, DUE_DAYS_MAX, DUE_DAYS, &days)) != RC_OK)
		return rc;
	if (call_option(c, "retention") != NULL)
		return commands_retention(c, days);
	if ((rc = telling_open(c, &t)) != RC_OK)
		return rc;
	rc = case_story_due(&t.desk, days, &list, &c->err);
	if (rc == RC_OK && c->json)
		all = json_array();
	for (size_t i = 0; rc == RC_OK && i < list.n; i++) {
		if (c->json)
			json_array_append_new(all, due_json(&t, &list.items[i]));
		else
			print_due(&t, &list.items[i]);
	}
	if (rc == RC_OK)
		rc = commands_duties_due(c, days, all, &reports);
	if (rc == RC_OK && !c->json && list.n == 0 && reports == 0)
		call_note(c, call_say(c, "Không có việc nào đến hạn trong %ld ngày tới.",
		    "Nothing is due within %ld days."), days);
	case_story_due_reset(&list);
	case_rules_free(t.rules);
	if (rc == RC_OK && c->json)
		return call_print_json(c, all);
	json_decref(all);
	return rc != RC_OK ? rc : c->out.rc;
}
