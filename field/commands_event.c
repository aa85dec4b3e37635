#include <inttypes.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "field/commands.h"
#include "field/workspace.h"
#include "shared/base/clock.h"
#include "shared/sync/replica_events.h"

/* A month of them; who has not looked for longer than that has the vault's table. */
enum { SHOWN_SECONDS = 30 * 86400 };

static bool
was_said(const struct replica_event_line *list, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (strcmp(list[i].kind, list[n].kind) == 0 && strcmp(list[i].detail, list[n].detail) == 0)
			return true;
	return false;
}

static void
say(struct call *c, const struct replica_event_line *e)
{
	const char *text = replica_event_text(e->kind, c->lang == FORM_VI);
	char when[17];

	clock_vietnamese(e->at, when);
	if (text[0] == '\0')
		text = e->kind;
	if (e->detail[0] == '\0')
		call_note(c, "%s  %s", when, text);
	else
		call_note(c, "%s  %s [%s]", when, text, e->detail);
}

/* Each sentence once, the newest first. */
enum rc
commands_events_say(struct call *c, int64_t after)
{
	struct replica_event_line *list = NULL;
	size_t n = 0;
	enum rc rc = replica_events(c->ws->replica, after, after > 0 ? INT64_MIN :
	    clock_now(&c->ws->clock) - SHOWN_SECONDS, &list, &n, &c->err);

	for (size_t i = 0; i < n; i++)
		if (!was_said(list, i))
			say(c, &list[i]);
	free(list);
	return rc;
}

/* A line of status. */
enum rc
commands_too_large(struct call *c)
{
	uint64_t n;
	enum rc rc = replica_too_large(c->ws->replica, &n, &c->err);

	if (rc == RC_OK && n > 0)
		call_note(c, call_say(c, "%" PRIu64 " bản ghi quá lớn, không hiển thị được; các lần ghi vẫn được"
		    " giữ. Báo cho tỉnh.", "%" PRIu64 " records are too large to be shown; their entries are"
		    " kept. Tell the province."), n);
	return rc;
}

enum rc
commands_events_json(struct call *c, struct json_t **out)
{
	struct replica_event_line *list = NULL;
	json_t *all = json_array();
	char at[21];
	size_t n = 0;
	enum rc rc = replica_events(c->ws->replica, 0, clock_now(&c->ws->clock) - SHOWN_SECONDS,
	    &list, &n, &c->err);

	for (size_t i = 0; i < n; i++) {
		clock_iso(list[i].at, at);
		json_array_append_new(all, json_pack("{s:s,s:s,s:s,s:s}", "at", at, "kind",
		    list[i].kind, "text", replica_event_text(list[i].kind, c->lang == FORM_VI), "detail",
		    list[i].detail));
	}
	free(list);
	*out = all;
	return all == NULL ? RC_NOMEM : rc;
}
