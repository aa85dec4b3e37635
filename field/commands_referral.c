#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "field/commands.h"
#include "field/commands_referral.h"
#include "field/workspace.h"
#include "shared/records/referral.h"
#include "shared/sync/replica.h"
#include "shared/sync/replica_sent.h"

/* Handing over ------------------------------------------------------------- */

static bool
within(void *ctx, const char *unit, const char *above)
{
	const struct workspace *ws = ctx;

	return directory_unit_within(replica_directory(ws->replica), unit, above);
}

/* The receiver: known, in being, and with a key to seal to. */
static enum rc
check_receiver(struct call *c, const char *code)
{
	const struct directory *d = replica_directory(c->ws->replica);
	const struct unit *u = directory_unit(d, code);

	if (u == NULL)
		return error_set(&c->err, RC_NOTFOUND, code, "give the unit's code; sync first if it is new",
		    "no unit of the province has this code");
	if (*u->successor != '\0')
		return error_set(&c->err, RC_INVALID, u->successor, "hand the case to that unit",
		    "the unit was merged into another");
	if (directory_scope_key(d, code, FORM_CASES) == NULL)
		return error_set(&c->err, RC_UNAVAILABLE, code,
		    "sync; if that does not help, ask the province",
		    "there is no key yet to seal cases of this unit to");
	return RC_OK;
}

static enum rc
read_terms(struct call *c, struct referral_terms *t, struct dot *consent)
{
	const char *id = call_option(c, "consent");
	const struct unit *u;
	long days;
	enum rc rc;

	memset(t, 0, sizeof(*t));
	t->to_unit = call_option(c, "to");
	t->transfer = call_option(c, "transfer") != NULL;
	t->emergency_reason = call_option(c, "emergency");
	t->emergency_second = call_option(c, "second");
	t->reason = call_option(c, "reason");
	t->services = call_option(c, "services");
	t->by_wish = call_option(c, "wish");
	t->within = within;
	t->within_ctx = c->ws;
	if (t->to_unit == NULL)
		return error_set(&c->err, RC_USAGE, "--to", "name the receiving unit with --to CODE",
		    "handing over needs a receiver");
	if (id != NULL && (t->emergency_reason != NULL || t->emergency_second != NULL))
		return error_set(&c->err, RC_USAGE, "--emergency", "give one of the two",
		    "what a consent covers is no emergency");
	if (id != NULL && (rc = commands_record_id(c, id, consent)) != RC_OK)
		return rc;
	t->consent = id != NULL ? consent : NULL;
	if ((rc = call_number(c, "days", 1, REFERRAL_DAYS_MAX, REFERRAL_DAYS, &days)) != RC_OK ||
	    (rc = check_receiver(c, t->to_unit)) != RC_OK)
		return rc;
	t->days = (unsigned)days;
	u = directory_unit(replica_directory(c->ws->replica), t->to_unit);
	t->to_ngo = strcmp(u->kind, "INTL") == 0;
	return RC_OK;
}

static enum rc
print_sent(struct call *c, const struct referral_sent *s)
{
	char id[DOT_TEXT_MAX], in[DOT_TEXT_MAX], out[DOT_TEXT_MAX];

	dot_text(&s->new_case, id);
	dot_text(&s->incoming, in);
	dot_text(&s->outgoing, out);
	if (c->json)
		return call_print_json(c, json_pack("{s:s,s:s,s:s,s:i,s:i}", "id", id, "referral", out,
		    "peer", in, "records", (int)s->copies, "withheld", (int)s->withheld));
	call_print(c, "%s", id);
	call_note(c, call_say(c, "Đã chuyển %zu bản ghi; giữ lại %zu bản ghi ngoài phạm vi đồng ý."
	    " Đơn vị nhận thấy sau khi hai bên đồng bộ.",
	    "%zu records were handed over; %zu that the consent does not cover stayed here."
	    " The receiver sees them once both have synced."), s->copies, s->withheld);
	return RC_OK;
}

enum rc
commands_refer(struct call *c)
{
	struct record_context ctx = workspace_records(c->ws, c->lang);
	struct referral_terms t;
	struct referral_sent sent;
	struct dot id, consent = { 0, 0 };
	enum rc rc;

	if ((rc = commands_record_id(c, c->args[0], &id)) != RC_OK ||
	    (rc = read_terms(c, &t, &consent)) != RC_OK ||
	    (rc = workspace_begin(c->ws, &c->err)) != RC_OK)
		return rc;
	rc = referral_send(&ctx, &id, &t, &sent, &c->err);
	rc = workspace_end(c->ws, rc, &c->err);
	return rc == RC_OK ? print_sent(c, &sent) : rc;
}

/* Answers ------------------------------------------------------------------ */

static enum rc
answer(struct call *c, bool accept)
{
	struct record_context ctx = workspace_records(c->ws, c->lang);
	const uint8_t *self = replica_device(c->ws->replica);
	struct dot id, dot;
	enum rc rc;

	if ((rc = commands_record_id(c, c->args[0], &id)) != RC_OK ||
	    (rc = workspace_begin(c->ws, &c->err)) != RC_OK)
		return rc;
	rc = referral_answer(&ctx, &id, accept, call_option(c, "reason"),
	    replica_name_of(c->ws->replica, self), &dot, &c->err);
	return commands_finish(c, rc, &dot);
}

enum rc
commands_accept(struct call *c)
{
	return answer(c, true);
}

enum rc
commands_decline(struct call *c)
{
	return answer(c, false);
}

enum rc
commands_lapse(struct call *c)
{
	struct record_context ctx = workspace_records(c->ws, c->lang);
	struct dot id, dot;
	enum rc rc;

	if ((rc = commands_record_id(c, c->args[0], &id)) != RC_OK ||
	    (rc = workspace_begin(c->ws, &c->err)) != RC_OK)
		return rc;
	rc = referral_lapse(&ctx, &id, call_option(c, "reason"), &dot, &c->err);
	return commands_finish(c, rc, &dot);
}

/* The story ---------------------------------------------------------------- */

static const char *
way_name(const struct call *c, enum replica_sent_way way)
{
	if (c->json)
		return way == REPLICA_SENT_HELD ? "held" : way == REPLICA_SENT_STORED ? "stored" :
		    "unsent";
	switch (way) {
	case REPLICA_SENT_HELD:
		return call_say(c, "đã gửi, tỉnh đã nhận", "sent, held by the province");
	case REPLICA_SENT_STORED:
		return call_say(c, "đã gửi, máy chủ đã lưu", "sent, stored by the server");
	case REPLICA_SENT_NOT_YET:
		break;
	}
	return call_say(c, "chưa đồng bộ", "not synced yet");
}

/* How far a package of this device came; NULL: it is another's. */
static enum rc
way_of(struct call *c, const struct referral_link *l, const char **out)
{
	enum replica_sent_way way;
	enum rc rc;

	*out = NULL;
	if (!l->outgoing || l->peer.log == 0)
		return RC_OK;
	rc = replica_sent_way(c->ws->replica, &l->peer, &way, NULL);
	if (rc == RC_OK)
		*out = way_name(c, way);
	return rc == RC_NOTFOUND ? RC_OK : rc;
}

static json_t *
dot_json(const struct dot *d)
{
	char text[DOT_TEXT_MAX];

	dot_text(d, text);
	return d->log == 0 ? json_null() : json_string(text);
}

static json_t *
late_json(struct call *c, const struct referral_link *l)
{
	json_t *all = json_array();
	char at[21];

	for (size_t i = 0; i < l->n_late; i++) {
		clock_iso(l->late[i].at, at);
		json_array_append_new(all, json_pack("{s:o,s:o,s:s,s:s,s:s}", "id",
		    dot_json(&l->late[i].record), "dot", dot_json(&l->late[i].dot), "fields",
		    l->late[i].fields, "by", replica_name_of(c->ws->replica, l->late[i].by), "at",
		    at));
	}
	return all;
}

static enum rc
link_json(struct call *c, const struct referral_link *l, json_t **out)
{
	const char *way;
	enum rc rc = way_of(c, l, &way);

	*out = json_pack("{s:o,s:s,s:s,s:s,s:s,s:b,s:s,s:s,s:b,s:o,s:o,s:b,s:o}", "id",
	    dot_json(&l->id), "direction", l->outgoing ? "out" : "in", "kind",
	    l->transfer ? "TRANSFER" : "REFER", "unit", l->unit, "state", l->state, "conflict",
	    l->contradicts, "sent_at", l->sent_at, "answer_by", l->answer_by, "emergency",
	    l->emergency, "case", dot_json(&l->own_case), "other", dot_json(&l->other), "readable",
	    l->other_here, "late", late_json(c, l));
	if (*out != NULL && way != NULL)
		json_object_set_new(*out, "sent", json_string(way));
	return rc;
}

static const char *
state_label(const struct call *c, const char *code)
{
	const struct form_list *list = form_set_list(replica_forms(c->ws->replica),
	    "referral_outcome");
	const struct form_choice *choice = list == NULL ? NULL : form_choice_find(list, code);

	return choice == NULL ? code : choice->label[c->lang];
}

static void
day_text(const char *iso, char out[11])
{
	struct date d;

	out[0] = '\0';
	if (date_parse(iso, &d) == RC_OK)
		date_vietnamese(&d, out);
}

static void
print_late(struct call *c, const struct referral_link *l)
{
	char id[DOT_TEXT_MAX], when[17];

	for (size_t i = 0; i < l->n_late; i++) {
		dot_text(&l->late[i].record, id);
		clock_vietnamese(l->late[i].at, when);
		call_print(c, "    %s %s: %s — %s, %s", l->transfer ?
		    call_say(c, "ghi muộn sau bàn giao", "late after transfer") :
		    call_say(c, "ghi sau khi chuyển", "written since the referral"), id,
		    l->late[i].fields, replica_name_of(c->ws->replica, l->late[i].by), when);
	}
}

static enum rc
link_print(struct call *c, const struct referral_link *l, const char *lead)
{
	const struct unit *u = directory_unit(replica_directory(c->ws->replica), l->unit);
	char id[DOT_TEXT_MAX], sent[11], due[11];
	const char *way;
	enum rc rc = way_of(c, l, &way);

	day_text(l->sent_at, sent);
	day_text(l->answer_by, due);
	call_print(c, "%s%s %s %s, %s: %s%s%s", lead, l->outgoing ? l->transfer ?
	    call_say(c, "Bàn giao cho", "Transferred to") :
	    call_say(c, "Chuyển tuyến đến", "Referred to") : l->transfer ?
	    call_say(c, "Nhận bàn giao từ", "Transferred from") :
	    call_say(c, "Chuyển tuyến từ", "Referred from"), l->unit, u != NULL ? u->name : "",
	    sent, state_label(c, l->state), l->contradicts ?
	    call_say(c, "  [cần xem lại]", "  [to review]") : "", l->emergency ?
	    call_say(c, "  [khẩn cấp, chưa có sự đồng ý]", "  [emergency, without consent]") : "");
	if (strcmp(l->state, "PENDING") == 0)
		call_print(c, "    %s %s", call_say(c, "hạn phản hồi", "answer due"), due);
	if (way != NULL)
		call_print(c, "    %s", way);
	dot_text(&l->id, id);
	call_print(c, "    %s %s", call_say(c, "phiếu chuyển", "referral"), id);
	dot_text(&l->other, id);
	if (l->other.log != 0)
		call_print(c, "    %s %s%s", l->outgoing ? call_say(c, "được tiếp nối bởi", "continued by") :
		    call_say(c, "tiếp nối", "continues"), id, l->other_here ? "" :
		    call_say(c, " (đơn vị này không xem được)", " (cannot be read here)"));
	print_late(c, l);
	return rc;
}

enum rc
commands_referral_json(struct call *c, const struct record_view *v, struct json_t *into)
{
	struct record_context ctx = workspace_records(c->ws, c->lang);
	struct referral_story story;
	json_t *all, *one = NULL;
	enum rc rc = referral_tell(&ctx, &v->id, &story, &c->err);

	if (rc == RC_OK && story.n_links > 0 && (all = json_array()) != NULL) {
		for (size_t i = 0; rc == RC_OK && i < story.n_links; i++)
			if ((rc = link_json(c, &story.links[i], &one)) == RC_OK)
				json_array_append_new(all, one);
		json_object_set_new(into, "referrals", all);
	}
	referral_story_reset(&story);
	return rc;
}

void
commands_referral_deleted(struct call *c, const struct dot *id)
{
	struct record_context ctx = workspace_records(c->ws, c->lang);
	struct referral_story story;
	char referral[DOT_TEXT_MAX];
	struct error ignored = { 0 };	/* it is deleted, whatever becomes of the note */
	enum rc rc = referral_tell(&ctx, id, &story, &ignored);

	for (size_t i = 0; i < story.n_links && rc == RC_OK; i++) {
		const struct referral_link *l = &story.links[i];

		dot_text(&l->id, referral);
		if (l->outgoing && strcmp(l->state, "PENDING") == 0)
			call_note(c, call_say(c, "Hồ sơ đã gửi tới đơn vị %s vẫn còn ở đó: rút lại bằng"
			    " field lapse %s --reason LÝ_DO.", "What was handed to unit %s stays there:"
			    " take it back with field lapse %s --reason TEXT."), l->unit, referral);
		else if (l->outgoing && strcmp(l->state, "ACCEPTED") == 0)
			call_note(c, call_say(c, "Đơn vị %s đã tiếp nhận hồ sơ này (%s): hãy báo cho đơn vị đó.",
			    "Unit %s has accepted this case (%s): tell them."), l->unit, referral);
	}
	referral_story_reset(&story);
}

enum rc
commands_referral_print(struct call *c, const struct record_view *v)
{
	struct record_context ctx = workspace_records(c->ws, c->lang);
	struct referral_story story;
	enum rc rc = referral_tell(&ctx, &v->id, &story, &c->err);

	for (size_t i = 0; rc == RC_OK && i < story.n_links; i++)
		rc = link_print(c, &story.links[i], "  ");
	referral_story_reset(&story);
	return rc;
}

enum rc
commands_referrals(struct call *c)
{
	struct record_context ctx = workspace_records(c->ws, c->lang);
	bool waiting = call_option(c, "waiting") != NULL;
	struct referral_story story;
	json_t *all = c->json ? json_array() : NULL, *one = NULL;
	enum rc rc = referral_tell(&ctx, NULL, &story, &c->err);

	for (size_t i = 0; rc == RC_OK && i < story.n_links; i++) {
		if (waiting && strcmp(story.links[i].state, "PENDING") != 0)
			continue;
		if (!c->json)
			rc = link_print(c, &story.links[i], "");
		else if ((rc = link_json(c, &story.links[i], &one)) == RC_OK)
			json_array_append_new(all, one);
	}
	referral_story_reset(&story);
	if (rc != RC_OK) {
		json_decref(all);
		return rc;
	}
	return c->json ? call_print_json(c, all) : RC_OK;
}

/* Write-only intake --------------------------------------------------------- */

enum rc
commands_sent(struct call *c)
{
	struct replica_sent *list = NULL;
	json_t *all = NULL;
	char id[DOT_TEXT_MAX], when[21];
	size_t n = 0;
	enum rc rc = replica_sent_list(c->ws->replica, &list, &n, &c->err);

	if (rc != RC_OK)
		return rc;
	if (c->json)
		all = json_array();
	for (size_t i = 0; i < n; i++) {
		const struct form *form = form_set_find(replica_forms(c->ws->replica), list[i].form);

		dot_text(&list[i].id, id);
		if (c->json) {
			clock_iso(list[i].at, when);
			json_array_append_new(all, json_pack("{s:s,s:s,s:s,s:s*,s:s}", "id", id, "form",
			    list[i].form, "unit", list[i].unit, "at", list[i].form[0] == '\0' ? NULL : when,
			    "state", way_name(c, list[i].way)));
			continue;
		}
		clock_vietnamese(list[i].at, when);
		if (list[i].form[0] == '\0')	/* held, and gone from here */
			snprintf(when, sizeof(when), "%-16s", "—");
		call_print(c, "%-22s %s  %s  %s  %s", id, when, list[i].unit,
		    form != NULL ? form->title[c->lang] : list[i].form, way_name(c, list[i].way));
	}
	free(list);
	return c->json ? call_print_json(c, all) : RC_OK;
}
