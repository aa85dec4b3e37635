/* Reports that are frozen and sent, returned, accepted. */
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "field/commands.h"
#include "field/commands_view.h"
#include "field/submission.h"
#include "shared/base/terminal.h"
#include "shared/reports/report_correction.h"
#include "shared/sync/replica.h"

enum { COLUMNS_MAX = 32, WIDTH_MAX = 60, CELL_MAX = 400 };

static enum rc
read_narrative(struct call *c, struct bytes *copy, const char **out)
{
	const char *path = call_option(c, "narrative");
	const struct bytes *file = path != NULL ? call_input(c, path) : NULL;

	*out = NULL;
	if (file == NULL)
		return RC_OK;
	if (file->len == 0 || memchr(file->data, 0, file->len) != NULL)
		return error_set(&c->err, RC_FORMAT, path, "give a text in UTF-8",
		    "the file is no text");
	bytes_put(copy, file->data, file->len);
	if (copy->rc == RC_OK)
		*out = bytes_cstr(copy);
	return copy->rc;
}

enum rc
commands_report_submit(struct call *c)
{
	struct submission_order o = { .plan = c->args[0], .kind = c->args[1],
		.unit = call_option(c, "unit"), .receiver = call_option(c, "receiver") };
	struct bytes narrative;
	struct dot id;
	enum rc rc;

	bytes_init(&narrative);
	if ((rc = commands_day_of(c, "from", &o.from)) == RC_OK &&
	    (rc = commands_day_of(c, "to", &o.to)) == RC_OK &&
	    (rc = read_narrative(c, &narrative, &o.narrative)) == RC_OK &&
	    (rc = submission_submit(c->ws, &o, c->lang, &id, &c->err)) == RC_OK)
		rc = commands_print_dot(c, "id", &id);
	if (rc == RC_OK)
		call_note(c, "%s", call_say(c,
		    "Đã chốt số liệu và gửi báo cáo; đơn vị cấp trên nhận được sau khi hai bên đồng bộ.",
		    "The tables are frozen and the report is sent; the unit above has it once both have synced."));
	bytes_reset(&narrative);
	return rc;
}

static enum rc
answer(struct call *c, bool accept)
{
	struct dot id, dot;
	enum rc rc;

	if ((rc = commands_record_id(c, c->args[0], &id)) != RC_OK ||
	    (rc = submission_answer(c->ws, &id, accept, call_option(c, "reason"), c->lang, &dot,
	    &c->err)) != RC_OK)
		return rc;
	return commands_print_dot(c, "dot", &dot);
}

enum rc
commands_report_return(struct call *c)
{
	return answer(c, false);
}

enum rc
commands_report_accept(struct call *c)
{
	return answer(c, true);
}

/* The list ----------------------------------------------------------------- */

struct listing {
	struct call *call;
	json_t *all;			/* NULL: lines for people */
	size_t n;
};

static json_t *
texts_json(const struct record_view *v, const char *field)
{
	const struct record_field *f = record_view_field(v, field);
	json_t *all = json_array();

	for (size_t i = 0; f != NULL && i < f->n_values; i++) {
		if (!f->values[i].voided && f->values[i].text != NULL)
			json_array_append_new(all, json_string(f->values[i].text));
	}
	return all;
}

/* Answers that do not count, and whose they are. */
static json_t *
ignored_json(struct call *c, const struct record_view *v)
{
	const struct record_field *f = record_view_field(v, "states");
	json_t *all = json_array();

	for (size_t i = 0; f != NULL && i < f->n_values; i++) {
		const struct record_value *value = &f->values[i];

		if (!value->voided && submission_ignored(c->ws, v, value))
			json_array_append_new(all, json_pack("{s:s,s:s}", "state", value->text, "by",
			    replica_name_of(c->ws->replica, value->by)));
	}
	return all;
}

static json_t *
report_json(struct call *c, const struct record_view *v)
{
	const char *state = submission_state(c->ws, v);
	const struct record_value *last = submission_answered(c->ws, v, state);
	const char *replaces = submission_shown(v, "replaces");
	char id[DOT_TEXT_MAX];

	dot_text(&v->id, id);
	return json_pack("{s:s,s:s,s:s,s:s,s:s,s:s,s:s,s:o,s:s,s:o,s:s,s:o,s:o}", "id", id, "unit",
	    v->scope.unit, "plan", submission_shown(v, "plan"), "kind", submission_shown(v, "kind"),
	    "from", submission_shown(v, "period_start"), "to", submission_shown(v, "period_end"),
	    "state", state, "replaces", *replaces != '\0' ? json_string(replaces) :
	    json_null(), "version", submission_shown(v, "version"), "reasons",
	    texts_json(v, "return_reasons"), "submitted", submission_shown(v, "submitted_at"),
	    "state_by", last != NULL ? json_string(replica_name_of(c->ws->replica, last->by)) :
	    json_null(), "ignored", ignored_json(c, v));
}

static const char *
state_words(const struct call *c, const char *state)
{
	if (strcmp(state, "ACCEPTED") == 0)
		return call_say(c, "Đã tiếp nhận", "Accepted");
	if (strcmp(state, "RETURNED") == 0)
		return call_say(c, "Trả lại để bổ sung", "Returned for completion");
	return strcmp(state, "SUBMITTED") == 0 ? call_say(c, "Đã gửi", "Submitted") :
	    call_say(c, "Dự thảo", "Draft");
}

/* Who answered, and who did that may not. */
static void
print_answers(struct call *c, const struct record_view *v)
{
	const struct record_field *f = record_view_field(v, "states");
	const struct record_value *by = submission_answered(c->ws, v, submission_state(c->ws, v));

	if (by != NULL && strcmp(by->text, "SUBMITTED") != 0)
		call_print(c, call_say(c, "  Người trả lời: %s", "  Answered by %s"),
		    replica_name_of(c->ws->replica, by->by));
	for (size_t i = 0; f != NULL && i < f->n_values; i++) {
		if (!f->values[i].voided && submission_ignored(c->ws, v, &f->values[i]))
			call_print(c, call_say(c, "  “%s” do %s ghi không có hiệu lực: không thuộc thẩm quyền.",
			    "  “%s” by %s does not count: it is not theirs to write."),
			    state_words(c, f->values[i].text),
			    replica_name_of(c->ws->replica, f->values[i].by));
	}
}

static bool
see_report(void *ctx, const struct record_view *v)
{
	struct listing *l = ctx;
	struct call *c = l->call;
	const struct record_field *kind = record_view_field(v, "kind");
	const char *replaces = submission_shown(v, "replaces");
	char id[DOT_TEXT_MAX];

	l->n++;
	if (l->all != NULL)
		return json_array_append_new(l->all, report_json(c, v)) == 0;
	dot_text(&v->id, id);
	call_print(c, call_say(c, "%s  %s  %s  %s  %s đến %s  lần %s  %s%s%s",
	    "%s  %s  %s  %s  %s to %s  version %s  %s%s%s"), id, v->scope.unit,
	    submission_shown(v, "plan"), commands_label(c, kind != NULL ? kind->field : NULL,
	    submission_shown(v, "kind")), submission_shown(v, "period_start"),
	    submission_shown(v, "period_end"), submission_shown(v, "version"),
	    state_words(c, submission_state(c->ws, v)), *replaces != '\0' ? call_say(c, ", thay cho ",
	    ", replaces ") : "", replaces);
	print_answers(c, v);
	return true;
}

enum rc
commands_report_submissions(struct call *c)
{
	struct listing l = { .call = c };
	enum rc rc;

	if (call_option(c, "due") != NULL)
		return commands_duties(c);
	if (call_option(c, "plan") != NULL || call_option(c, "on") != NULL)
		return error_set(&c->err, RC_USAGE, call_option(c, "plan") != NULL ? "plan" : "on",
		    "give --due, too", "this is about reports that plans ask for");
	l.all = c->json ? json_array() : NULL;
	rc = submission_each(c->ws, c->lang, see_report, &l, &c->err);
	if (rc != RC_OK) {
		json_decref(l.all);
		return rc;
	}
	if (c->json)
		return call_print_json(c, l.all);
	if (l.n == 0)
		call_note(c, "%s", call_say(c, "Chưa có báo cáo nào được gửi.",
		    "No report has been sent."));
	return RC_OK;
}

/* A frozen table ----------------------------------------------------------- */

static void
cell_text(const json_t *cell, char out[CELL_MAX])
{
	if (json_is_integer(cell))
		snprintf(out, CELL_MAX, "%lld", (long long)json_integer_value(cell));
	else if (json_is_real(cell))
		snprintf(out, CELL_MAX, "%.1f", json_real_value(cell));
	else
		snprintf(out, CELL_MAX, "%s", json_is_string(cell) ? json_string_value(cell) : "");
}

static void
measure(const json_t *row, size_t widths[COLUMNS_MAX])
{
	char text[CELL_MAX];
	size_t n = json_array_size(row);

	for (size_t i = 0; i < n && i < COLUMNS_MAX; i++) {
		size_t width;

		cell_text(json_array_get(row, i), text);
		width = terminal_width(text);
		if (width > widths[i])
			widths[i] = width < WIDTH_MAX ? width : WIDTH_MAX;
	}
}

/* Figures to the right, texts to the left. */
static void
print_row(struct call *c, const json_t *row, const size_t widths[COLUMNS_MAX])
{
	size_t n = json_array_size(row);

	for (size_t i = 0; i < n && i < COLUMNS_MAX; i++) {
		const json_t *cell = json_array_get(row, i);
		char text[CELL_MAX];
		size_t width, pad;

		cell_text(cell, text);
		width = terminal_width(text);
		pad = width < widths[i] ? widths[i] - width : 0;
		bytes_printf(&c->out, "%*s%s%*s  ", json_is_number(cell) ? (int)pad : 0, "", text,
		    json_is_number(cell) ? 0 : (int)pad, "");
	}
	bytes_u8(&c->out, '\n');
}

/* Frozen tables are in Vietnamese, whatever the reader's language. */
static void
print_corrections(struct call *c, const json_t *all)
{
	static const char *const keys[] = { "part", "row", "column", "reported", "now", "difference" };
	char last[2 * CELL_MAX] = "";

	if (json_array_size(all) > 0)
		call_print(c, "— %s", report_correction_head(FORM_VI, CORRECTION_TITLE));
	for (size_t i = 0; i < json_array_size(all); i++) {
		const json_t *o = json_array_get(all, i);
		char text[6][CELL_MAX], from[CELL_MAX], to[CELL_MAX], period[sizeof(last)];

		cell_text(json_object_get(o, "from"), from);
		cell_text(json_object_get(o, "to"), to);
		snprintf(period, sizeof(period), call_say(c, "%s đến %s", "%s to %s"), from, to);
		if (strcmp(period, last) != 0)
			call_print(c, "%s", period);
		memcpy(last, period, sizeof(last));
		for (size_t k = 0; k < 6; k++)
			cell_text(json_object_get(o, keys[k]), text[k]);
		commands_correction(c, (const char *const[]){ text[0], text[1], text[2] },
		    (const char *const[]){ text[3], text[4], text[5] });
	}
}

static void
print_table(struct call *c, const json_t *table)
{
	const json_t *columns = json_object_get(table, "columns");
	const json_t *rows = json_object_get(table, "rows");
	const json_t *notes = json_object_get(table, "notes");
	size_t widths[COLUMNS_MAX] = { 0 };
	char text[CELL_MAX];

	cell_text(json_object_get(table, "title"), text);
	call_print(c, "%s", text);
	measure(columns, widths);
	for (size_t i = 0; i < json_array_size(rows); i++)
		measure(json_array_get(rows, i), widths);
	print_row(c, columns, widths);
	for (size_t i = 0; i < json_array_size(rows); i++)
		print_row(c, json_array_get(rows, i), widths);
	print_corrections(c, json_object_get(table, "corrections"));
	for (size_t i = 0; i < json_array_size(notes); i++) {
		const char *note = json_string_value(json_array_get(notes, i));

		call_print(c, "* %s", note != NULL ? note : "");
	}
}

static enum rc
print_tables(struct call *c, const json_t *tables)
{
	const char *wanted = c->n_args > 1 ? c->args[1] : NULL;

	for (size_t i = 0; i < json_array_size(tables); i++) {
		json_t *table = json_array_get(tables, i);
		const char *name = json_string_value(json_object_get(table, "name"));
		const char *title = json_string_value(json_object_get(table, "title"));

		if (wanted == NULL) {
			call_print(c, "%-4s %s", name != NULL ? name : "", title != NULL ? title : "");
		} else if (name != NULL && strcmp(name, wanted) == 0) {
			if (c->json)
				return call_print_json(c, json_incref(table));
			print_table(c, table);
			return c->out.rc;
		}
	}
	return wanted == NULL ? c->out.rc : error_set(&c->err, RC_NOTFOUND, wanted,
	    "without a name, all that were frozen are listed", "no such table was frozen");
}

enum rc
commands_report_show(struct call *c)
{
	struct record_view v;
	struct bytes text;
	json_t *all = NULL;
	struct dot id;
	enum rc rc;

	if ((rc = commands_record_id(c, c->args[0], &id)) != RC_OK ||
	    (rc = submission_open(c->ws, &id, c->lang, &v, &c->err)) != RC_OK)
		return rc;
	bytes_init(&text);
	if ((rc = submission_tables(&v, &text, &c->err)) != RC_OK)
		goto out;
	if ((all = json_loadb((const char *)text.data, text.len, 0, NULL)) == NULL) {
		rc = error_set(&c->err, RC_FORMAT, c->args[0], NULL, "the frozen tables cannot be read");
		goto out;
	}
	if (c->json && c->n_args == 1)
		bytes_put(&c->out, text.data, text.len);	/* as it is: the hash is of these bytes */
	else
		rc = print_tables(c, json_object_get(all, "tables"));
	if (rc == RC_OK)
		call_note(c, call_say(c, "Đúng số liệu đã chốt: mã băm %s.",
		    "As it was frozen: hash %s."), submission_shown(&v, "snapshot_hash"));
out:
	json_decref(all);
	bytes_reset(&text);
	record_view_reset(&v);
	return rc;
}
