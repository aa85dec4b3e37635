#include <inttypes.h>
#include <jansson.h>
#include <stdlib.h>

#include "field/commands.h"
#include "field/workspace.h"
#include "shared/base/clock.h"
#include "shared/sync/replica_purge.h"

static enum rc
list_purged(struct call *c)
{
	struct replica_purged *list = NULL;
	json_t *all = c->json ? json_array() : NULL;
	char id[DOT_TEXT_MAX], group[DOT_TEXT_MAX], at[21], when[17];
	size_t n = 0;
	enum rc rc = replica_purged_list(c->ws->replica, &list, &n, &c->err);

	for (size_t i = 0; rc == RC_OK && i < n; i++) {
		const struct form *form = form_set_find(replica_forms(c->ws->replica), list[i].form);

		dot_text(&list[i].id, id);
		dot_text(&list[i].group, group);
		clock_iso(list[i].at, at);
		clock_vietnamese(list[i].at, when);
		if (c->json)
			json_array_append_new(all, json_pack("{s:s,s:s,s:s,s:s,s:I}", "id", id, "case",
			    group, "form", list[i].form, "at", at, "later", (json_int_t)list[i].later));
		else
			call_print(c, "%-22s %s  %s%s", id, when, form != NULL ? form->title[c->lang] :
			    list[i].form, list[i].later == 0 ? "" :
			    call_say(c, "  có ghi thêm sau khi gỡ", "  written about since"));
	}
	free(list);
	if (rc != RC_OK) {
		json_decref(all);
		return rc;
	}
	if (!c->json && n == 0)
		call_note(c, "%s", call_say(c, "Chưa có hồ sơ nào được gỡ khỏi máy này.",
		    "Nothing has left this device."));
	return c->json ? call_print_json(c, all) : RC_OK;
}

/* DAYS of --older-than.  RC_USAGE. */
static enum rc
days_of(struct call *c, unsigned *days)
{
	const char *text = call_option(c, "older-than");
	char *end = NULL;
	unsigned long n;

	*days = REPLICA_PURGE_DAYS;
	if (text == NULL)
		return RC_OK;
	n = strtoul(text, &end, 10);
	if (text[0] < '0' || text[0] > '9' || *end != '\0' || n > REPLICA_PURGE_DAYS_MAX)
		return error_set(&c->err, RC_USAGE, "older-than", call_say(c, "nhập số ngày, ví dụ 90",
		    "give a number of days, e.g. 90"), "%s", call_say(c, "không phải số ngày",
		    "not a number of days"));
	*days = (unsigned)n;
	return RC_OK;
}

enum rc
commands_purge(struct call *c)
{
	struct replica_purge_counts n;
	unsigned days;
	enum rc rc;

	if (call_option(c, "list") != NULL)
		return list_purged(c);
	if ((rc = days_of(c, &days)) != RC_OK ||
	    (rc = replica_purge(c->ws->replica, days, &n, &c->err)) != RC_OK)
		return rc;
	if (c->json)
		return call_print_json(c, json_pack("{s:I,s:I,s:I,s:I}", "cases", (json_int_t)n.cases,
		    "records", (json_int_t)n.records, "kept", (json_int_t)n.kept, "frames",
		    (json_int_t)n.frames));
	call_print(c, call_say(c, "Đã gỡ khỏi máy này %" PRIu64 " hồ sơ đã kết thúc (%" PRIu64
	    " bản ghi); tỉnh vẫn giữ đủ. Xem: field purge --list. Lấy lại: field fetch MÃ.",
	    "%" PRIu64 " closed cases (%" PRIu64 " records) have left this device; the province holds"
	    " them. See field purge --list; field fetch ID brings one back."), n.cases, n.records);
	if (n.kept > 0)
		call_note(c, call_say(c, "%" PRIu64 " hồ sơ đã kết thúc vẫn ở lại: tỉnh chưa xác nhận giữ đủ,"
		    " còn cần xem lại, hoặc hồ sơ khác còn nhắc tới.",
		    "%" PRIu64 " closed cases stay: the province has not confirmed that it holds all of"
		    " them, something waits for a decision, or another record refers to them."), n.kept);
	return RC_OK;
}

enum rc
commands_fetch(struct call *c)
{
	struct replica_sync_result r;
	struct dot id;
	uint64_t n;
	enum rc rc;

	if ((rc = commands_record_id(c, c->args[0], &id)) != RC_OK ||
	    (rc = replica_fetch(c->ws->replica, &id, &n, &c->err)) != RC_OK)
		return rc;
	/* the mark is lifted: whatever becomes of this sync, a later one or a stick brings it */
	rc = workspace_sync(c->ws, NULL, &r, &c->err);
	if (c->json && rc == RC_OK)
		return call_print_json(c, json_pack("{s:I,s:I}", "records", (json_int_t)n, "received",
		    (json_int_t)r.received_entries));
	if (rc == RC_OK)
		call_print(c, call_say(c, "Đã lấy lại %" PRIu64 " bản ghi.", "%" PRIu64
		    " records are back."), n);
	else
		call_note(c, call_say(c, "%" PRIu64 " bản ghi sẽ về trong lần đồng bộ sau.", "%" PRIu64
		    " records come with the next sync."), n);
	return rc;
}

/* Lines of status: what left, and whether something was written about it since. */
enum rc
commands_purge_status(struct call *c)
{
	struct replica_purged_counts n;
	enum rc rc = replica_purged_count(c->ws->replica, &n, &c->err);

	if (rc == RC_OK && n.records > 0)
		call_print(c, call_say(c, "Đã gỡ khỏi máy: %" PRIu64 " bản ghi (field purge --list).",
		    "Left this device: %" PRIu64 " records (field purge --list)."), n.records);
	if (rc == RC_OK && n.later > 0)
		call_note(c, call_say(c, "Có %" PRIu64 " lần ghi mới vào hồ sơ đã gỡ: lấy lại bằng field fetch MÃ.",
		    "%" PRIu64 " entries were written about records that left: field fetch ID."), n.later);
	return rc;
}
