#include "field/submission.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "field/submission_late.h"
#include "field/submission_pack.h"
#include "shared/reports/report.h"
#include "shared/sync/replica.h"
#include "shared/vault/vault.h"

static const char FORM[] = "report_submission";

/* Reading ------------------------------------------------------------------ */

const char *
submission_shown(const struct record_view *v, const char *field)
{
	const struct record_field *f = record_view_field(v, field);

	return f != NULL && f->n_values > 0 && f->values[0].shown && !f->values[0].voided &&
	    f->values[0].text != NULL ? f->values[0].text : "";
}

static bool
is_above(enum identity_role role, const char *unit, const char *of)
{
	return (role == ROLE_SUPERVISOR || role == ROLE_HOLDER) && strcmp(unit, of) != 0;
}

/* May this device have answered?  By its invitation, too: a move takes nothing back. */
static bool
may_answer(struct workspace *ws, const uint8_t device[ENTRY_DEVICE_BYTES], const char *of)
{
	const struct directory *d = replica_directory(ws->replica);
	const struct device *by = directory_device(d, device);
	const struct invitation *inv = by != NULL ? &by->cert.invitation : NULL;

	return by != NULL && (strcmp(of, directory_top_unit(d)) == 0 ||
	    is_above(by->role, by->unit, of) || is_above(inv->role, inv->unit, of));
}

static bool
is_answer(const struct record_value *value)
{
	return value->text != NULL &&
	    (strcmp(value->text, "ACCEPTED") == 0 || strcmp(value->text, "RETURNED") == 0);
}

bool
submission_ignored(struct workspace *ws, const struct record_view *v,
    const struct record_value *value)
{
	return is_answer(value) && !may_answer(ws, value->by, v->scope.unit);
}

/* An answer is struck through by who may answer, any other state by whoever may write. */
const struct record_value *
submission_answered(struct workspace *ws, const struct record_view *v, const char *state)
{
	const struct record_field *f = record_view_field(v, "states");

	for (size_t i = 0; f != NULL && i < f->n_values; i++) {
		const struct record_value *value = &f->values[i];

		if (value->text == NULL || strcmp(value->text, state) != 0 ||
		    submission_ignored(ws, v, value))
			continue;
		if (!value->voided || (is_answer(value) && !may_answer(ws, value->void_by, v->scope.unit)))
			return value;
	}
	return NULL;
}

const char *
submission_state(struct workspace *ws, const struct record_view *v)
{
	static const char *const states[] = { "ACCEPTED", "RETURNED", "SUBMITTED" };

	for (size_t i = 0; i < sizeof(states) / sizeof(*states); i++) {
		if (submission_answered(ws, v, states[i]) != NULL)
			return states[i];
	}
	return "DRAFT";
}

enum rc
submission_open(struct workspace *ws, const struct dot *id, enum form_lang lang,
    struct record_view *out, struct error *err)
{
	struct record_context c = workspace_records(ws, lang);
	char text[DOT_TEXT_MAX];
	enum rc rc;

	if ((rc = record_show(&c, id, out, err)) != RC_OK)
		return rc;
	if (strcmp(out->form_name, FORM) == 0 && !out->deleted)
		return RC_OK;
	record_view_reset(out);
	dot_text(id, text);
	return error_set(err, RC_INVALID, text, "`report submissions` lists them",
	    "this record is no report that was sent");
}

enum rc
submission_each(struct workspace *ws, enum form_lang lang,
    bool (*see)(void *ctx, const struct record_view *v), void *ctx, struct error *err)
{
	struct record_context c = workspace_records(ws, lang);
	struct record_line *lines = NULL;
	size_t n = 0;
	bool more = true;
	enum rc rc = record_list(&c, FORM, NULL, false, SUBMISSION_LIST_MAX, &lines, &n, err);

	for (size_t i = 0; rc == RC_OK && more && i < n; i++) {
		struct record_view v;

		if ((rc = record_show(&c, &lines[i].id, &v, err)) != RC_OK)
			break;
		more = see(ctx, &v);
		record_view_reset(&v);
	}
	record_lines_free(lines, n);
	return rc;
}

static int
by_address(const void *a, const void *b)
{
	const struct record_value *const *x = a, *const *y = b;

	return address_compare(&(*x)->address, &(*y)->address);
}

/* The pieces in the order in which they were written. */
static enum rc
join_pieces(const struct record_field *f, struct bytes *text)
{
	const struct record_value **sorted = calloc(f->n_values + 1, sizeof(*sorted));
	size_t n = 0;

	if (sorted == NULL)
		return RC_NOMEM;
	for (size_t i = 0; i < f->n_values; i++) {
		if (!f->values[i].voided && f->values[i].text != NULL)
			sorted[n++] = &f->values[i];
	}
	qsort(sorted, n, sizeof(*sorted), by_address);
	for (size_t i = 0; i < n; i++)
		bytes_text(text, sorted[i]->text);
	free(sorted);
	return text->rc;
}

enum rc
submission_tables(const struct record_view *v, struct bytes *json, struct error *err)
{
	const struct record_field *f = record_view_field(v, "snapshot_data");
	char id[DOT_TEXT_MAX], hash[SUBMISSION_PACK_HEX];
	struct bytes text, tables;
	enum rc rc;

	dot_text(&v->id, id);
	if (f == NULL || f->n_values == 0)
		return error_set(err, RC_NOTFOUND, id, NULL, "nothing was frozen in this record");
	bytes_init(&text);
	bytes_init(&tables);
	if ((rc = join_pieces(f, &text)) == RC_OK)
		rc = submission_pack_read(&text, &tables);
	if (rc == RC_OK) {
		submission_pack_hash(&tables, hash);
		if (strcmp(hash, submission_shown(v, "snapshot_hash")) != 0)
			rc = RC_DAMAGED;
	}
	if (rc == RC_OK) {
		bytes_put(json, tables.data, tables.len);
		rc = json->rc;
	} else if (rc != RC_NOMEM) {
		rc = error_set(err, RC_DAMAGED, id, "ask the sender for another version",
		    "the frozen tables are not those whose hash the report holds");
	}
	bytes_reset(&text);
	bytes_reset(&tables);
	return rc;
}

/* Who may ------------------------------------------------------------------ */

bool
submission_reads_all(struct workspace *ws, const char *unit)
{
	const struct directory *d = replica_directory(ws->replica);
	bool all = true;

	for (unsigned c = FORM_ACTIVITIES; c <= FORM_REPORTS; c++)
		all = all && directory_may_read(d, replica_unit(ws->replica),
		    replica_role(ws->replica), unit, c);
	return all;
}

static enum rc
check_holds(struct workspace *ws, const char *unit, struct error *err)
{
	const struct directory *d = replica_directory(ws->replica);

	if (directory_unit(d, unit) == NULL)
		return error_set(err, RC_NOTFOUND, unit, "sync first if it is new",
		    "no unit of the province has this code");
	return submission_reads_all(ws, unit) && directory_may_write(d, replica_unit(ws->replica),
	    replica_role(ws->replica), unit, FORM_REPORTS) ? RC_OK : error_set(err, RC_DENIED, unit,
	    "this is done by a supervisor or holder of the unit, or of one above it",
	    "this device does not read all that reports of the unit are made of");
}

/* The units above answer; for the top unit it is its own device that writes down the answer. */
static enum rc
check_answers(struct workspace *ws, const char *unit, struct error *err)
{
	const struct unit *u = directory_unit(replica_directory(ws->replica), unit);
	enum rc rc = check_holds(ws, unit, err);

	if (rc != RC_OK)
		return rc;
	if (*u->parent != '\0' && strcmp(replica_unit(ws->replica), unit) == 0)
		return error_set(err, RC_DENIED, unit, "the unit above does that",
		    "nobody accepts or returns a report of the own unit");
	return RC_OK;
}

/* Freezing ----------------------------------------------------------------- */

struct earlier {
	const struct submission_order *order;
	const char *unit;
	char from[11], to[11];
	struct dot id;			/* of the newest version; 0: none */
	long version;
};

static bool
see_earlier(void *ctx, const struct record_view *v)
{
	struct earlier *e = ctx;
	long version = strtol(submission_shown(v, "version"), NULL, 10);

	if (strcmp(v->scope.unit, e->unit) == 0 && version > e->version &&
	    strcmp(submission_shown(v, "plan"), e->order->plan) == 0 &&
	    strcmp(submission_shown(v, "kind"), e->order->kind) == 0 &&
	    strcmp(submission_shown(v, "period_start"), e->from) == 0 &&
	    strcmp(submission_shown(v, "period_end"), e->to) == 0) {
		e->id = v->id;
		e->version = version;
	}
	return true;
}

/* {"tables":[…]} with the objects of `report`, and their names with blanks between them. */
static enum rc
run_tables(struct workspace *ws, const struct submission_order *o, const char *unit,
    struct bytes *json, struct bytes *names, struct error *err)
{
	struct report_summary *list = NULL;
	struct submission_late *late = NULL;
	size_t n = 0;
	enum rc rc;

	if ((rc = workspace_prepare_reports(ws, err)) != RC_OK ||
	    (rc = submission_late_open(ws, unit, &o->to, &late, err)) != RC_OK ||
	    (rc = report_list(&list, &n, err)) != RC_OK)
		goto out;
	bytes_text(json, "{\"tables\":[");
	for (size_t i = 0; rc == RC_OK && i < n; i++) {
		struct report_order order = { .name = list[i].name, .from = o->from, .to = o->to,
			.unit = unit, .lang = FORM_VI };
		struct report *r = NULL;

		bytes_printf(names, "%s%s", i > 0 ? " " : "", list[i].name);
		if (i > 0)
			bytes_text(json, ",");
		rc = report_run(vault_db(ws->vault), replica_forms(ws->replica), &order, &r, err);
		if (rc == RC_OK)
			rc = submission_late_correct(late, r, err);
		if (rc == RC_OK)
			rc = report_write_json(r, json);
		/* all of it is one line */
		if (rc == RC_OK && json->len > 0 && json->data[json->len - 1] == '\n')
			json->len--;
		report_free(r);
	}
	bytes_text(json, "]}\n");
	if (rc == RC_OK)
		rc = json->rc != RC_OK ? json->rc : names->rc;
out:
	submission_late_free(late);
	report_list_free(list, n);
	return rc;
}

static enum rc
add_pieces(struct answers *a, struct bytes *text, size_t *at, struct error *err)
{
	char *piece = malloc(SUBMISSION_PIECE_MAX + 1);
	enum rc rc = piece != NULL ? RC_OK : RC_NOMEM;

	for (int i = 0; rc == RC_OK && i < SUBMISSION_PIECES_ENTRY && *at < text->len; i++) {
		size_t left = text->len - *at;
		size_t n = left < SUBMISSION_PIECE_MAX ? left : SUBMISSION_PIECE_MAX;

		memcpy(piece, text->data + *at, n);
		piece[n] = '\0';
		*at += n;
		rc = answers_add(a, "snapshot_data", piece, err);
	}
	free(piece);
	return rc;
}

static enum rc
fill_head(struct workspace *ws, struct answers *a, const struct earlier *e, struct error *err)
{
	const struct directory *d = replica_directory(ws->replica);
	const struct unit *u = directory_unit(d, e->unit);
	const struct unit *above = *u->parent != '\0' ? directory_unit(d, u->parent) : NULL;
	const char *receiver = e->order->receiver;
	char version[24], replaces[DOT_TEXT_MAX], day[11];
	struct date today;
	const char *const given[][2] = {
		{ "plan", e->order->plan }, { "kind", e->order->kind }, { "period_start", e->from },
		{ "period_end", e->to }, { "from_org", u->full_name }, { "version", version },
		{ "submitted_at", day }, { "states", "SUBMITTED" }, { "replaces", replaces },
		{ "narrative", e->order->narrative }
	};
	enum rc rc;

	if (receiver == NULL && above == NULL)
		return error_set(err, RC_USAGE, "--receiver", "name it with --receiver TEXT",
		    "no unit stands above this one: the receiver must be given");
	date_at(clock_now(&ws->clock), &today);
	date_iso(&today, day);
	snprintf(version, sizeof(version), "%ld", e->version + 1);
	dot_text(&e->id, replaces);
	rc = answers_add(a, "to_org", receiver != NULL ? receiver : above->full_name, err);
	for (size_t i = 0; rc == RC_OK && i < sizeof(given) / sizeof(*given); i++) {
		if (given[i][1] != NULL && (given[i][1] != replaces || e->id.log != 0))
			rc = answers_add(a, given[i][0], given[i][1], err);
	}
	return rc;
}

/* One record; what does not fit into its first entry goes into further ones. */
static enum rc
write_record(const struct record_context *c, const struct earlier *e, struct answers *a,
    struct bytes *text, struct dot *id, struct error *err)
{
	const struct form *form = form_set_find(c->forms, FORM);
	size_t at = 0;
	enum rc rc;

	if ((rc = add_pieces(a, text, &at, err)) == RC_OK)
		rc = record_create(c, e->unit, a, id, err);
	while (rc == RC_OK && at < text->len) {
		struct answers *more = NULL;
		struct dot dot;

		if ((rc = answers_new(form, c->forms, &more)) == RC_OK &&
		    (rc = add_pieces(more, text, &at, err)) == RC_OK)
			rc = record_edit(c, id, more, NULL, NULL, &dot, err);
		answers_free(more);
	}
	return rc;
}

static enum rc
save(struct workspace *ws, const struct earlier *e, struct bytes *json, struct bytes *names,
    enum form_lang lang, struct dot *id, struct error *err)
{
	struct record_context c = workspace_records(ws, lang);
	const struct form *form = form_set_find(c.forms, FORM);
	char hash[SUBMISSION_PACK_HEX];
	struct answers *a = NULL;
	struct bytes text;
	enum rc rc;

	bytes_init(&text);
	submission_pack_hash(json, hash);
	if (form == NULL || form_field_named(form, "snapshot_data") == NULL) {
		rc = error_set(err, RC_CONFIG, FORM, "the province publishes newer forms",
		    "the forms in use have no place for frozen tables");
		goto out;
	}
	if ((rc = submission_pack_text(json, &text)) == RC_OK &&
	    text.len > (size_t)SUBMISSION_PIECE_MAX * SUBMISSION_PIECES_MAX)
		rc = RC_LIMIT;
	if (rc == RC_LIMIT)
		rc = error_set(err, rc, e->unit, NULL, "the tables are too large for one record");
	if (rc == RC_OK && (rc = answers_new(form, c.forms, &a)) == RC_OK &&
	    (rc = fill_head(ws, a, e, err)) == RC_OK &&
	    (rc = answers_add(a, "snapshot_hash", hash, err)) == RC_OK &&
	    (rc = answers_add(a, "snapshot_tables", bytes_cstr(names), err)) == RC_OK &&
	    (rc = workspace_begin(ws, err)) == RC_OK) {
		rc = write_record(&c, e, a, &text, id, err);
		rc = workspace_end(ws, rc, err);
	}
out:
	answers_free(a);
	bytes_reset(&text);
	return rc;
}

enum rc
submission_submit(struct workspace *ws, const struct submission_order *o, enum form_lang lang,
    struct dot *id, struct error *err)
{
	struct earlier e = { .order = o,
		.unit = o->unit != NULL ? o->unit : replica_unit(ws->replica) };
	struct bytes json, names;
	enum rc rc;

	*id = (struct dot){ 0, 0 };
	bytes_init(&json);
	bytes_init(&names);
	date_iso(&o->from, e.from);
	date_iso(&o->to, e.to);
	if ((rc = check_holds(ws, e.unit, err)) == RC_OK &&
	    (rc = submission_each(ws, lang, see_earlier, &e, err)) == RC_OK &&
	    (rc = run_tables(ws, o, e.unit, &json, &names, err)) == RC_OK)
		rc = save(ws, &e, &json, &names, lang, id, err);
	if (rc != RC_OK)
		*id = (struct dot){ 0, 0 };
	bytes_reset(&json);
	bytes_reset(&names);
	return rc;
}

/* Answers ------------------------------------------------------------------ */

struct successor { char id[DOT_TEXT_MAX]; bool found; };

static bool
see_successor(void *ctx, const struct record_view *v)
{
	struct successor *s = ctx;

	s->found = strcmp(submission_shown(v, "replaces"), s->id) == 0;
	return !s->found;
}

static enum rc
check_waits(struct workspace *ws, const struct record_view *v, enum form_lang lang,
    struct error *err)
{
	struct successor s = { .found = false };
	enum rc rc;

	dot_text(&v->id, s.id);
	if (strcmp(submission_state(ws, v), "SUBMITTED") != 0)
		return error_set(err, RC_INVALID, s.id, "a correction is a new version",
		    "the report does not wait for an answer: %s", submission_state(ws, v));
	if ((rc = submission_each(ws, lang, see_successor, &s, err)) != RC_OK)
		return rc;
	return !s.found ? RC_OK : error_set(err, RC_INVALID, s.id, "answer the newer version",
	    "another version has replaced this report");
}

enum rc
submission_answer(struct workspace *ws, const struct dot *id, bool accept, const char *reason,
    enum form_lang lang, struct dot *dot, struct error *err)
{
	struct record_context c = workspace_records(ws, lang);
	struct record_view v;
	struct answers *a = NULL;
	enum rc rc;

	*dot = (struct dot){ 0, 0 };
	if (!accept && (reason == NULL || *reason == '\0'))
		return error_set(err, RC_USAGE, "--reason", "say what is missing with --reason TEXT",
		    "a report is returned with a reason");
	if ((rc = submission_open(ws, id, lang, &v, err)) != RC_OK)
		return rc;
	if ((rc = check_answers(ws, v.scope.unit, err)) == RC_OK &&
	    (rc = check_waits(ws, &v, lang, err)) == RC_OK &&
	    (rc = answers_new(v.form, c.forms, &a)) == RC_OK &&
	    (rc = answers_add(a, "states", accept ? "ACCEPTED" : "RETURNED", err)) == RC_OK &&
	    (accept || (rc = answers_add(a, "return_reasons", reason, err)) == RC_OK) &&
	    (rc = workspace_begin(ws, err)) == RC_OK) {
		rc = record_edit(&c, id, a, NULL, NULL, dot, err);
		rc = workspace_end(ws, rc, err);
	}
	answers_free(a);
	record_view_reset(&v);
	return rc;
}
