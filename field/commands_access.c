/*
 * The access log: what is opened is noted before it is shown.
 *
 * Where a note cannot be made (the disk is full), reading on the screen wins: how to reach
 * somebody safely must never depend on room for a log.  It is said, counted, and noted as missed
 * with the next note that succeeds.  What leaves in the clear, a print or an export, has no
 * such haste and may harm for good: there the log wins, and without it there is no file.
 */
#include <inttypes.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "field/commands.h"
#include "field/person_records.h"
#include "field/workspace.h"
#include "shared/forms/form_list.h"
#include "shared/records/access_log.h"
#include "shared/sync/directory.h"
#include "shared/sync/replica.h"
#include "shared/vault/query.h"

static const char reason_list[] = "access_reason";
/* For a page: nothing is opened or noted of another unit's record until a reason was given. */
static const char reason_asked[] = "ASK";

enum { ACCESS_DEFAULT = 200, ACCESS_LIMIT_MAX = 100000 };

/* Noting ----------------------------------------------------------------------------------- */

static bool
reads_cases_of(const struct workspace *ws, enum identity_role role, const char *unit)
{
	return directory_may_read(replica_directory(ws->replica), replica_unit(ws->replica), role, unit,
	    FORM_CASES);
}

/* Is there a log to write into?  Not on a device without the key of its unit's cases. */
static bool
keeps_log(const struct workspace *ws)
{
	return form_set_find(replica_forms(ws->replica), ACCESS_LOG_FORM) != NULL &&
	    reads_cases_of(ws, replica_role(ws->replica), replica_unit(ws->replica));
}

/* Write what waits, if it is time. */
static enum rc
write_waiting(struct call *c, struct error *err)
{
	struct record_context ctx = workspace_records(c->ws, c->lang);
	bool due;
	enum rc rc = access_log_is_due(&ctx, &due, err);

	if (rc != RC_OK || !due || !keeps_log(c->ws) || (rc = workspace_begin(c->ws, err)) != RC_OK)
		return rc;
	rc = access_log_write(&ctx, err);
	return workspace_end(c->ws, rc, err);
}

static enum rc
note_aside(struct call *c, const struct access_log_open *o, bool *is_new, struct error *err)
{
	struct record_context ctx = workspace_records(c->ws, c->lang);
	const struct access_log_open missed = { .command = "missed", .what = "opens", .reason = "",
		.adds = true, .count = c->ws->unlogged };
	int64_t before;
	bool ignored;
	enum rc rc = workspace_begin_aside(c->ws, &before, err);

	*is_new = false;
	if (rc != RC_OK)
		return rc;
	rc = access_log_note(&ctx, o, is_new, err);
	if (rc == RC_OK && missed.count > 0)
		rc = access_log_note(&ctx, &missed, &ignored, err);
	if ((rc = workspace_end_aside(c->ws, before, rc, err)) == RC_OK)
		c->ws->unlogged = 0;
	return rc;
}

static enum rc
note(struct call *c, const struct access_log_open *o, bool leaves, bool *is_new)
{
	struct error err = { 0 };
	enum rc rc = note_aside(c, o, is_new, &err);

	if (rc == RC_OK && (rc = write_waiting(c, &err)) == RC_OK)
		return RC_OK;
	if (leaves) {
		c->err = err;
		return rc;
	}
	c->ws->unlogged++;
	call_note(c, "%s%s", call_say(c, "Lưu ý: chưa ghi được nhật ký truy cập; sẽ ghi bù. ",
	    "Note: the access log could not be written; that is made up for later.  "), err.what);
	return RC_OK;
}

/* --reason of the call, "" if none was given. */
static enum rc
reason_of(struct call *c, const char **out)
{
	const struct form_list *l = form_set_list(replica_forms(c->ws->replica), reason_list);
	const char *given = call_option(c, "reason");

	*out = given == NULL ? "" : given;
	if (given == NULL || strcmp(given, reason_asked) == 0 || (l != NULL && form_choice_find(l, given) != NULL))
		return RC_OK;
	return error_set(&c->err, RC_USAGE, "--reason",
	    "use SUPERVISE, SETTLE, HANDOVER, REQUEST, EMERGENCY, REPORT, INSPECT or OTHER",
	    "there is no such reason");
}

/* Where the record stands; unit "" if there is none, or nothing of it has come. */
static enum rc
scope_of(struct call *c, const struct dot *id, char unit[JOURNAL_UNIT_MAX + 1], bool *is_case)
{
	struct sqlite3_stmt *q = NULL;
	bool row = false;
	enum rc rc = query_open(workspace_records(c->ws, c->lang).db, &c->err, &q, "SELECT unit,"
	    " compartment, form FROM record WHERE log = ?1 AND n = ?2 AND form <> ''", "ii",
	    (int64_t)id->log, (int64_t)id->n);

	unit[0] = '\0';
	*is_case = false;
	if (rc == RC_OK && (rc = query_next(q, &row, &c->err)) == RC_OK && row &&
	    strlen(query_column_text(q, 0)) <= JOURNAL_UNIT_MAX) {
		strcpy(unit, query_column_text(q, 0));
		*is_case = query_column_int(q, 1) == FORM_CASES &&
		    strcmp(query_column_text(q, 2), ACCESS_LOG_FORM) != 0;
	}
	query_close(q);
	return rc;
}

enum rc
commands_access_opened(struct call *c, const char *command, const struct dot *id, bool leaves)
{
	char unit[JOURNAL_UNIT_MAX + 1], what[DOT_TEXT_MAX];
	struct access_log_open o = { .command = command, .what = what };
	bool is_case, is_new, outside;
	enum rc rc;

	dot_text(id, what);
	if ((rc = reason_of(c, &o.reason)) != RC_OK || (rc = scope_of(c, id, unit, &is_case)) != RC_OK)
		return rc;
	if (!is_case || !keeps_log(c->ws))
		return RC_OK;
	outside = !reads_cases_of(c->ws, ROLE_CASEWORKER, unit);
	if (strcmp(o.reason, reason_asked) == 0 && outside)
		return error_set(&c->err, RC_DENIED, unit, "say why with --reason",
		    "another unit's record is opened for a reason");
	if (strcmp(o.reason, reason_asked) == 0)
		o.reason = "";
	if (outside && *o.reason == '\0')
		o.reason = "-";
	if ((rc = note(c, &o, leaves, &is_new)) == RC_OK && is_new && strcmp(o.reason, "-") == 0)
		call_note(c, "%s", call_say(c,
		    "Lưu ý: bản ghi của đơn vị khác; lần mở này được ghi vào nhật ký. Nêu lý do bằng --reason.",
		    "Note: this record is another unit's, and opening it is logged.  Say why with --reason."));
	return rc;
}

enum rc
commands_access_listed(struct call *c, const char *command, const char *what, uint64_t count,
    bool leaves)
{
	const struct access_log_open o = { .command = command, .what = what, .count = count, .reason = "" };
	bool is_new;

	/* a report shows figures and nobody: that it was made is all there is to say */
	if ((count == 0 && strcmp(command, "report") != 0) || strcmp(what, ACCESS_LOG_FORM) == 0 ||
	    !keeps_log(c->ws))
		return RC_OK;
	return note(c, &o, leaves, &is_new);
}

bool
commands_access_is_logged(const struct call *c, const char *form)
{
	const struct form *f = form_set_find(replica_forms(c->ws->replica), form);

	return f != NULL && f->compartment == FORM_CASES;
}

void
commands_access_flush(struct call *c)
{
	struct error err = { 0 };

	if (write_waiting(c, &err) != RC_OK)
		call_note(c, "%s%s", call_say(c, "Lưu ý: nhật ký truy cập chưa gửi được. ",
		    "Note: the access log is not sent this time.  "), err.what);
}

/* Reading ---------------------------------------------------------------------------------- */

struct listing {
	struct call *c;
	struct record_context ctx;
	const char *by;			/* begins a device's id; NULL: any */
	bool about_one;			/* only lines of the records in locals, or of id */
	char id[DOT_TEXT_MAX];
	int64_t *locals;		/* ascending */
	size_t n_locals;
	json_t *all;
	size_t n, limit;
};

static int
by_number(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

	return (x > y) - (x < y);
}

/* The person of --case, the cases, and what belongs to them. */
static enum rc
find_about(struct listing *l, const char *text)
{
	struct person_records p;
	struct dot id;
	enum rc rc;

	if ((rc = commands_record_id(l->c, text, &id)) != RC_OK)
		return rc;
	l->about_one = true;
	dot_text(&id, l->id);
	rc = person_records_find(&l->ctx, &id, &p, &l->c->err);
	if (rc == RC_OK && (l->locals = calloc(p.n + p.n_others + 1, sizeof(*l->locals))) == NULL)
		rc = RC_NOMEM;
	for (size_t i = 0; rc == RC_OK && i < p.n + p.n_others; i++)
		l->locals[l->n_locals++] = (i < p.n ? p.items : p.others)[i < p.n ? i : i - p.n].local;
	if (rc == RC_OK)
		qsort(l->locals, l->n_locals, sizeof(*l->locals), by_number);
	person_records_reset(&p);
	/* of a record that stands alone, or left this device, the lines name it itself */
	if (rc == RC_INVALID || rc == RC_NOTFOUND) {
		error_clear(&l->c->err);
		rc = RC_OK;
	}
	return rc;
}

static bool
is_wanted(const struct listing *l, const struct access_log_line *line, const char *device)
{
	struct dot id;
	int64_t local;

	if (l->by != NULL && strncmp(device, l->by, strlen(l->by)) != 0)
		return false;
	if (!l->about_one || strcmp(line->what, l->id) == 0)
		return true;
	return dot_parse(line->what, &id) && record_to_local(l->ctx.db, &id, &local) == RC_OK &&
	    l->n_locals > 0 &&
	    bsearch(&local, l->locals, l->n_locals, sizeof(local), by_number) != NULL;
}

static void
print_line(const struct listing *l, const struct access_log_line *line, const uint8_t *device)
{
	const struct form_list *reasons = form_set_list(l->ctx.forms, reason_list);
	const struct form_choice *reason = reasons == NULL ? NULL : form_choice_find(reasons, line->reason);
	struct call *c = l->c;
	char count[40] = "";

	if (line->count > 0)
		snprintf(count, sizeof(count), call_say(c, "  %" PRIu64 " bản ghi", "  %" PRIu64 " records"),
		    line->count);
	call_print(c, "%s  %s  %s %s%s%s%s%s", line->at, replica_name_of(c->ws->replica, device),
	    *line->command != '\0' ? line->command : line->text, line->what, count,
	    *line->reason != '\0' ? "  " : "", strcmp(line->reason, "-") == 0 ?
	    call_say(c, "[đơn vị khác, không nêu lý do]", "[another unit's, no reason given]") :
	    reason != NULL ? reason->label[c->lang] : line->reason, line->struck ?
	    call_say(c, "  [đã gạch bỏ]", "  [struck through]") : "");
}

static enum rc
take_line(void *ctx, const struct access_log_line *line)
{
	struct listing *l = ctx;
	const uint8_t *device = line->device != NULL ? line->device : replica_device(l->c->ws->replica);
	char hex[2 * ENTRY_DEVICE_BYTES + 1];

	bytes_hex(device, ENTRY_DEVICE_BYTES, hex);
	if (!is_wanted(l, line, hex))
		return RC_OK;
	if (l->n++ >= l->limit)
		return RC_OK;
	if (l->all == NULL) {
		print_line(l, line, device);
		return RC_OK;
	}
	return json_array_append_new(l->all, json_pack("{s:s,s:s,s:s,s:s,s:s,s:s,s:I,s:s,s:b,s:b}", "at",
	    line->at, "by", replica_name_of(l->c->ws->replica, device), "device", hex, "unit",
	    *line->unit != '\0' ? line->unit : l->ctx.unit, "command", line->command, "what", line->what,
	    "count", (json_int_t)line->count, "reason", line->reason, "waits", line->waits, "struck",
	    line->struck)) == 0 ? RC_OK : RC_NOMEM;
}

/* A day as an option; NULL if it was not given. */
static enum rc
day_option(struct call *c, const char *name, char out[11], const char **iso)
{
	struct date d;
	enum rc rc;

	*iso = NULL;
	if (call_option(c, name) == NULL)
		return RC_OK;
	if ((rc = commands_day_of(c, name, &d)) != RC_OK)
		return rc;
	date_iso(&d, out);
	*iso = out;
	return RC_OK;
}

enum rc
commands_access(struct call *c)
{
	struct listing l = { .c = c, .ctx = workspace_records(c->ws, c->lang), .by = call_option(c, "by") };
	const char *about = call_option(c, "case"), *from, *to;
	char days[2][11];
	long limit;
	enum rc rc;

	if ((rc = call_number(c, "limit", 1, ACCESS_LIMIT_MAX, ACCESS_DEFAULT, &limit)) != RC_OK ||
	    (rc = day_option(c, "from", days[0], &from)) != RC_OK ||
	    (rc = day_option(c, "to", days[1], &to)) != RC_OK)
		return rc;
	l.limit = (size_t)limit;
	if (about != NULL && (rc = find_about(&l, about)) != RC_OK)
		goto out;
	l.all = c->json ? json_array() : NULL;
	rc = access_log_lines(&l.ctx, from, to, take_line, &l, &c->err);
	if (rc == RC_OK && l.n > l.limit)
		call_note(c, call_say(c, "Chỉ hiện %ld dòng đầu trong %zu dòng; dùng --limit, --from, --to.",
		    "Only the first %ld of %zu lines are shown; use --limit, --from, --to."), limit, l.n);
	if (rc == RC_OK && c->json) {
		rc = call_print_json(c, l.all);
		l.all = NULL;
	}
	json_decref(l.all);
out:
	free(l.locals);
	return rc;
}
