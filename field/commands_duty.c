/* Which reports are owed: who has sent, who has not, who is late. */
#include <jansson.h>
#include <string.h>

#include "field/commands.h"
#include "field/report_duty.h"
#include "shared/vault/vault.h"

enum { LABELS_MAX = 600 };

static const char *
state_words(const struct call *c, const struct report_duty *d)
{
	switch (d->state) {
	case DUTY_OVERDUE:
		return call_say(c, "quá hạn, chưa gửi", "overdue, not sent");
	case DUTY_SUBMITTED:
		return d->late ? call_say(c, "đã gửi sau hạn", "sent late") :
		    call_say(c, "đã gửi", "sent");
	case DUTY_RETURNED:
		return d->late ? call_say(c, "bị trả lại, đã quá hạn", "returned, overdue") :
		    call_say(c, "bị trả lại để bổ sung", "returned for completion");
	case DUTY_ACCEPTED:
		return d->late ? call_say(c, "đã tiếp nhận, gửi sau hạn", "accepted, sent late") :
		    call_say(c, "đã tiếp nhận", "accepted");
	case DUTY_UNKNOWN:
		return call_say(c, "máy này không xem được báo cáo của đơn vị",
		    "this device does not read the unit's reports");
	case DUTY_OUTSIDE:
		return call_say(c, "gửi ngoài phần mềm", "sent outside this program");
	case DUTY_MISSING:
	case DUTY_STATES:
		break;
	}
	return call_say(c, "chưa gửi", "not sent yet");
}

static json_t *
text_or_null(const char *s)
{
	return *s != '\0' ? json_string(s) : json_null();
}

static json_t *
codes_json(const char *codes)
{
	json_t *all = json_array();

	while (*codes != '\0') {
		size_t n = strcspn(codes, ",");

		json_array_append_new(all, json_stringn(codes, n));
		codes += n;
		codes += *codes == ',';
	}
	return all;
}

static json_t *
duty_json(struct call *c, const struct report_duty *d)
{
	char from[11], to[11], last[11] = "", id[DOT_TEXT_MAX];

	date_iso(&d->from, from);
	date_iso(&d->to, to);
	if (d->dated)
		date_iso(&d->last, last);
	return json_pack("{s:s,s:s,s:s,s:s,s:o,s:o,s:s,s:o,s:o,s:o,s:s,s:b,s:o,s:o,s:o}", "plan",
	    d->plan, "kind", d->kind, "from", from, "to", to, "unit", text_or_null(d->unit),
	    "unit_name", text_or_null(d->unit_name), "by", d->from_kind, "receivers",
	    codes_json(d->to_kinds), "through", text_or_null(d->via_kind), "last_day",
	    text_or_null(last), "state", report_duty_code(d->state), "late", d->late, "submitted",
	    text_or_null(d->submitted), "id",
	    text_or_null(commands_id_of(vault_db(c->ws->vault), d->id, id)), "version",
	    d->version > 0 ? json_integer(d->version) : json_null());
}

static void
print_duty(struct call *c, const struct report_duty *d)
{
	char last[11] = "", day[11], who[LABELS_MAX], kind[LABELS_MAX], to[LABELS_MAX];

	if (d->dated)
		date_iso(&d->last, last);
	commands_plan_labels(c, "from_kind", d->from_kind, who, sizeof(who));
	commands_plan_labels(c, "kind", d->kind, kind, sizeof(kind));
	commands_plan_labels(c, "to_kinds", d->to_kinds, to, sizeof(to));
	bytes_printf(&c->out, "%s  %s%s%s  %s  %s → %s: %s", d->dated ? commands_day(c, last, day) :
	    "–         ", d->unit, *d->unit != '\0' ? " " : "", *d->unit != '\0' ? d->unit_name : who, d->plan,
	    kind, to, state_words(c, d));
	if (*d->submitted != '\0')
		bytes_printf(&c->out, call_say(c, ", gửi lần đầu %s, lần %lld", ", first sent %s, version %lld"),
		    commands_day(c, d->submitted, day), (long long)d->version);
	bytes_u8(&c->out, '\n');
}

static void
note_counts(struct call *c, const struct report_duty_list *list)
{
	size_t n[DUTY_STATES] = { 0 };

	for (size_t i = 0; i < list->n; i++)
		n[list->items[i].state]++;
	if (list->n == 0)
		call_note(c, "%s", call_say(c, "Các kế hoạch có trên máy này không yêu cầu báo cáo nào.",
		    "The plans on this device ask for no report."));
	else
		call_note(c, call_say(c,
		    "Quá hạn chưa gửi: %zu; chưa gửi: %zu; đã gửi: %zu; bị trả lại: %zu; đã tiếp nhận: %zu.",
		    "Overdue: %zu; not sent yet: %zu; sent: %zu; returned: %zu; accepted: %zu."),
		    n[DUTY_OVERDUE], n[DUTY_MISSING], n[DUTY_SUBMITTED], n[DUTY_RETURNED],
		    n[DUTY_ACCEPTED]);
}

enum rc
commands_duties(struct call *c)
{
	struct report_duty_list list;
	json_t *all = NULL;
	struct date on;
	enum rc rc = RC_OK;

	date_at(clock_now(&c->ws->clock), &on);
	if (call_option(c, "on") != NULL && (rc = commands_day_of(c, "on", &on)) != RC_OK)
		return rc;
	rc = report_duty_find(c->ws, call_option(c, "plan"), &on, false, &list, &c->err);
	if (rc == RC_OK && c->json)
		all = json_array();
	for (size_t i = 0; rc == RC_OK && i < list.n; i++) {
		if (c->json)
			json_array_append_new(all, duty_json(c, &list.items[i]));
		else
			print_duty(c, &list.items[i]);
	}
	if (rc == RC_OK && !c->json)
		note_counts(c, &list);
	report_duty_reset(&list);
	if (rc != RC_OK)
		return rc;
	return c->json ? call_print_json(c, all) : c->out.rc;
}

/* The next ones of the own unit ---------------------------------------------------- */

/* Is there something to do about it within so many days? */
static bool
is_open(const struct report_duty *d, int64_t today, long days)
{
	int64_t left = d->dated ? date_to_days(&d->last) - today : INT64_MAX;

	if (left > days)
		return false;
	/* whether a day that has passed was kept is not known where reports are not read */
	return d->state == DUTY_MISSING || d->state == DUTY_OVERDUE || d->state == DUTY_RETURNED ||
	    (d->state == DUTY_UNKNOWN && left >= 0);
}

/* The keys that cases have, so that all is read alike; and the report's. */
static json_t *
due_json(struct call *c, const struct report_duty *d, int64_t left)
{
	char last[11], id[DOT_TEXT_MAX];

	date_iso(&d->last, last);
	return json_pack("{s:s,s:i,s:s,s:s,s:s,s:s,s:b,s:s,s:s,s:s,s:s,s:I,s:s,s:s}", "rule", "report",
	    "month", 0, "record", commands_id_of(vault_db(c->ws->vault), d->id, id), "due", last, "done",
	    "", "state", left < 0 ? "OVERDUE" : "OPEN", "holidays_known", 1, "source", d->plan, "case",
	    "", "code", d->plan, "unit", d->unit, "days", (json_int_t)left, "kind", d->kind, "report",
	    report_duty_code(d->state));
}

static void
print_due(struct call *c, const struct report_duty *d, int64_t left)
{
	char last[11], day[11], kind[LABELS_MAX], to[LABELS_MAX];

	date_iso(&d->last, last);
	commands_plan_labels(c, "kind", d->kind, kind, sizeof(kind));
	commands_plan_labels(c, "to_kinds", d->to_kinds, to, sizeof(to));
	bytes_printf(&c->out, "%s  ", commands_day(c, last, day));
	if (left < 0)
		bytes_printf(&c->out, call_say(c, "quá hạn %lld ngày", "%lld days late"), (long long)-left);
	else if (left == 0)
		bytes_printf(&c->out, "%s", call_say(c, "hết hạn hôm nay", "due today"));
	else
		bytes_printf(&c->out, call_say(c, "còn %lld ngày", "in %lld days"), (long long)left);
	call_print(c, "  %s  %s → %s%s", d->plan, kind, to, d->state == DUTY_RETURNED ?
	    call_say(c, " (bị trả lại)", " (returned)") : "");
}

enum rc
commands_duties_due(struct call *c, long days, json_t *all, size_t *n)
{
	struct report_duty_list list;
	struct date today;
	enum rc rc;

	*n = 0;
	date_at(clock_now(&c->ws->clock), &today);
	rc = report_duty_find(c->ws, NULL, &today, true, &list, &c->err);
	for (size_t i = 0; rc == RC_OK && i < list.n; i++) {
		const struct report_duty *d = &list.items[i];
		int64_t left;

		if (!is_open(d, date_to_days(&today), days))
			continue;
		left = date_to_days(&d->last) - date_to_days(&today);
		++*n;
		if (all != NULL)
			json_array_append_new(all, due_json(c, d, left));
		else
			print_due(c, d, left);
	}
	report_duty_reset(&list);
	return rc;
}
