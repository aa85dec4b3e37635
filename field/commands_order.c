/* A draft of the order that `sync-server erase` carries out. */
#include <stdio.h>
#include <string.h>

#include "field/commands.h"
#include "field/person_records.h"
#include "field/workspace.h"
#include "shared/records/tables.h"
#include "shared/vault/query.h"

static const char request_form[] = "subject_request", review_form[] = "retention_review";

struct drafting {
	struct call *c;
	struct record_context ctx;
	struct record_view view;	/* of the request, or the review */
	struct person_records about;	/* of a request */
	struct bytes *out;
	size_t n, others;		/* records that it names; that are left to be judged */
};

/* What the record shows; "" where nothing is answered.  RC_CONFLICT: several values. */
static enum rc
value_of(struct drafting *d, const char *field, const char **out)
{
	const struct record_field *f = record_view_field(&d->view, field);

	*out = f == NULL || f->n_values == 0 ? "" : f->values[0].text;
	if (f != NULL && f->standing == REGISTER_CONFLICT)
		return error_set(&d->c->err, RC_CONFLICT, field, "settle it with field resolve",
		    "the record has several values here");
	return RC_OK;
}

static enum rc
put_head(struct drafting *d)
{
	char id[DOT_TEXT_MAX];
	const char *order;
	enum rc rc = value_of(d, "order_no", &order);

	if (rc == RC_OK && (*order == '\0' || strpbrk(order, "\r\n") != NULL))
		return error_set(&d->c->err, RC_INVALID, "order_no", "field edit ID order_no=…",
		    "no decision to erase is named, in one line");
	if (rc != RC_OK)
		return rc;
	dot_text(&d->view.id, id);
	bytes_printf(d->out, "# Theo bản ghi %s. Thử trước: sync-server erase --order TỆP --dry-run\n"
	    "order %s\n", id, order);
	return d->out->rc;
}

/* One record; behind a '#' if it is left to be judged. */
static enum rc
put_record(struct drafting *d, const struct form *form, int64_t local, bool judge)
{
	char text[DOT_TEXT_MAX];
	struct dot id;
	enum rc rc = record_of_local(d->ctx.db, local, &id);

	if (rc != RC_OK)
		return rc;
	dot_text(&id, text);
	bytes_printf(d->out, "# %s\n%srecord %s\n", form->title[FORM_VI], judge ? "# " : "", text);
	*(judge ? &d->others : &d->n) += 1;
	return d->out->rc;
}

/* The register of requests, and the reviews, tell why something is gone: they stay. */
static bool
stays(const struct form *form)
{
	return strcmp(form->name, request_form) == 0 || strcmp(form->name, review_form) == 0;
}

/* A request ------------------------------------------------------------------------------ */

static enum rc
check_granted(struct drafting *d)
{
	const char *kind, *outcome;
	enum rc rc;

	if ((rc = value_of(d, "kind", &kind)) != RC_OK ||
	    (rc = value_of(d, "outcome", &outcome)) != RC_OK)
		return rc;
	if (strcmp(kind, "ERASE") != 0)
		return error_set(&d->c->err, RC_INVALID, d->c->args[0], NULL,
		    "the request does not ask for erasure");
	if (strcmp(outcome, "ACCEPTED") != 0 && strcmp(outcome, "PARTLY") != 0 &&
	    strcmp(outcome, "DONE") != 0)
		return error_set(&d->c->err, RC_INVALID, d->c->args[0],
		    "decide it first: field edit ID answered_at=… answered_by=… outcome=ACCEPTED do_by=…",
		    "the request is not granted");
	return RC_OK;
}

static enum rc
find_about(struct drafting *d)
{
	const char *person, *of_case;
	struct dot whose;
	enum rc rc;

	if ((rc = value_of(d, "person_id", &person)) != RC_OK ||
	    (rc = value_of(d, "case_id", &of_case)) != RC_OK)
		return rc;
	if (!dot_parse(*person != '\0' ? person : of_case, &whose))
		return error_set(&d->c->err, RC_INVALID, d->c->args[0], "field edit ID person_id=…",
		    "the request names no person");
	return person_records_find(&d->ctx, &whose, &d->about, &d->c->err);
}

static bool
is_about(const struct drafting *d, const struct dot *id)
{
	int64_t local;

	if (record_to_local(d->ctx.db, id, &local) != RC_OK)
		return false;
	for (size_t i = 0; i < d->about.n; i++)
		if (d->about.items[i].local == local)
			return true;
	return false;
}

/* What the request names itself. */
static void
put_targets(struct drafting *d, const struct record_field *targets)
{
	char word[DOT_TEXT_MAX];
	struct dot id;

	for (size_t i = 0; i < targets->n_values; i++) {
		const char *text = targets->values[i].text;
		size_t n = strcspn(text, " ");

		if (!targets->values[i].shown || n >= sizeof(word))
			continue;
		memcpy(word, text, n);
		word[n] = '\0';
		if (!dot_parse(word, &id) || !is_about(d, &id)) {
			bytes_text(d->out, "# Chú ý: bản ghi này không chỉ nói về người yêu cầu.\n");
			call_note(d->c, call_say(d->c, "Chú ý: %s không chỉ nói về người này; xem lại trước khi ký.",
			    "Note: %s is not about this person alone; look at it before you sign."), word);
		}
		bytes_printf(d->out, "record %s\n", text);
		d->n++;
	}
}

static enum rc
put_all(struct drafting *d, const struct person_record *items, size_t n, bool judge)
{
	enum rc rc = RC_OK;

	for (size_t i = 0; i < n && rc == RC_OK; i++)
		if (!stays(items[i].form))
			rc = put_record(d, items[i].form, items[i].local, judge);
	return rc;
}

static const char to_judge[] =
    "# Dưới đây cũng nói về người khác: xem xét từng bản ghi, cần thì bỏ dấu # ở đầu dòng.\n";

static enum rc
draft_request(struct drafting *d)
{
	const struct record_field *targets = record_view_field(&d->view, "targets");
	enum rc rc;

	if ((rc = check_granted(d)) != RC_OK || (rc = find_about(d)) != RC_OK ||
	    (rc = put_head(d)) != RC_OK)
		return rc;
	if (targets != NULL && targets->n_values > 0) {
		put_targets(d, targets);
		return d->out->rc;
	}
	if ((rc = put_all(d, d->about.items, d->about.n, false)) == RC_OK && d->about.n_others > 0) {
		bytes_text(d->out, to_judge);
		rc = put_all(d, d->about.others, d->about.n_others, true);
	}
	return rc;
}

/* A review of retention ------------------------------------------------------------------ */

static enum rc
put_referring(struct drafting *d, const struct form *form, const struct form_field *f, int64_t to)
{
	char table[TABLES_NAME_MAX], column[TABLES_NAME_MAX], sql[2 * TABLES_NAME_MAX + 80];
	struct sqlite3_stmt *q = NULL;
	bool row;
	enum rc rc;

	tables_name(form->name, NULL, table);
	tables_column(f->name, column);
	snprintf(sql, sizeof(sql), "SELECT id FROM main.\"%s\" WHERE alive AND \"%s\" = ?1 ORDER BY id", table,
	    column);
	rc = query_open(d->ctx.db, &d->c->err, &q, sql, "i", to);
	while (rc == RC_OK && (rc = query_next(q, &row, &d->c->err)) == RC_OK && row)
		rc = put_record(d, form, query_column_int(q, 0), false);
	query_close(q);
	return rc;
}

/* What was reviewed, and what belongs to it alone. */
static enum rc
put_reviewed(struct drafting *d, const struct form *form, int64_t local)
{
	enum rc rc = put_record(d, form, local, false);

	for (size_t i = 0; i < form_set_count(d->ctx.forms); i++) {
		const struct form *child = form_set_at(d->ctx.forms, i);

		for (size_t k = 0; rc == RC_OK && !stays(child) && child != form && k < child->n_fields; k++)
			if (child->fields[k].refers != NULL && !child->fields[k].many &&
			    strcmp(child->fields[k].refers, form->name) == 0)
				rc = put_referring(d, child, &child->fields[k], local);
	}
	return rc;
}

static enum rc
draft_review(struct drafting *d)
{
	static const char *const about[][2] = { { "case_id", "case" }, { "tip_id", "tip" },
		{ "request_id", "subject_request" } };
	const char *outcome, *text = "";
	int64_t local, person = 0;
	struct dot id;
	size_t i = 0;
	enum rc rc = value_of(d, "outcome", &outcome);

	if (rc == RC_OK && strcmp(outcome, "ERASE") != 0)
		return error_set(&d->c->err, RC_INVALID, d->c->args[0], NULL, "the review does not propose to erase");
	for (; rc == RC_OK && i < sizeof(about) / sizeof(*about); i++)
		if ((rc = value_of(d, about[i][0], &text)) == RC_OK && *text != '\0')
			break;
	if (rc != RC_OK || (rc = put_head(d)) != RC_OK)
		return rc;
	if (!dot_parse(text, &id) || record_to_local(d->ctx.db, &id, &local) != RC_OK)
		return error_set(&d->c->err, RC_NOTFOUND, d->c->args[0], NULL, "what was reviewed is not here");
	rc = put_reviewed(d, form_set_find(d->ctx.forms, about[i][1]), local);
	if (rc == RC_OK && i == 0)
		rc = query_int(d->ctx.db, &d->c->err, &person,
		    "SELECT COALESCE((SELECT person_id FROM main.form_case WHERE id = ?1), 0)", "i", local);
	if (rc == RC_OK && person != 0) {
		bytes_text(d->out, "# Người của hồ sơ: chỉ xóa khi không còn hồ sơ nào khác; cần thì bỏ dấu #.\n");
		rc = put_record(d, form_set_find(d->ctx.forms, "person"), person, true);
	}
	return rc;
}

/* ---- the command ---- */

static enum rc
draft(struct drafting *d)
{
	bool is_review = strcmp(d->view.form_name, review_form) == 0;

	if ((!is_review && strcmp(d->view.form_name, request_form) != 0) || d->view.deleted)
		return error_set(&d->c->err, RC_NOTFOUND, d->c->args[0], "see field requests",
		    "no such request or review here");
	if ((d->out = call_output(d->c, d->c->args[1])) == NULL)
		return RC_NOMEM;
	return is_review ? draft_review(d) : draft_request(d);
}

enum rc
commands_request_order(struct call *c)
{
	struct drafting d = { .c = c, .ctx = workspace_records(c->ws, c->lang) };
	struct dot id;
	enum rc rc;

	if ((rc = commands_record_id(c, c->args[0], &id)) != RC_OK ||
	    (rc = record_show(&d.ctx, &id, &d.view, &c->err)) != RC_OK)
		return rc;
	rc = draft(&d);
	if (rc == RC_OK && c->json)
		call_print(c, "{\"records\":%zu,\"of_others\":%zu}", d.n, d.others);
	else if (rc == RC_OK)
		call_print(c, call_say(c, "Lệnh nêu %zu bản ghi; còn %zu bản ghi để xem xét.",
		    "The order names %zu records; %zu more are left to be judged."), d.n, d.others);
	person_records_reset(&d.about);
	record_view_reset(&d.view);
	return rc;
}
