#include "field/submission_late.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "field/submission.h"
#include "shared/sync/identity.h"
#include "shared/sync/replica.h"
#include "shared/vault/query.h"
#include "shared/vault/vault.h"

enum { CANDIDATES_MAX = 200 };		/* versions that are looked at, the latest periods first */

struct sent {
	struct date from, to;
	json_t *tables;
};

struct submission_late {
	struct workspace *ws;
	char unit[IDENTITY_UNIT_MAX + 1];
	struct sent sent[REPORT_TOLD_MAX];	/* latest first */
	size_t n;
	size_t n_damaged;
};

/* Versions of the unit's reports, by period and then the newest first. */
static enum rc
find_candidates(const struct submission_late *late, const char *before,
    int64_t ids[CANDIDATES_MAX], size_t *n, struct error *err)
{
	struct sqlite3 *db = vault_db(late->ws->vault);
	struct sqlite3_stmt *q = NULL;
	int64_t there = 0;
	bool more = false;
	enum rc rc = query_int(db, err, &there, "SELECT count(*) FROM main.sqlite_schema"
	    " WHERE type = 'table' AND name = 'form_report_submission'", "");

	*n = 0;
	if (rc != RC_OK || there == 0)
		return rc;
	rc = query_open(db, err, &q, "SELECT id FROM form_report_submission WHERE alive AND unit = ?1"
	    " AND period_end < ?2 ORDER BY period_end DESC, period_start DESC,"
	    " CAST(version AS INTEGER) DESC, created_at DESC, id DESC LIMIT ?3", "tti", late->unit,
	    before, (int64_t)CANDIDATES_MAX);
	while (rc == RC_OK && (rc = query_next(q, &more, err)) == RC_OK && more)
		ids[(*n)++] = query_column_int(q, 0);
	query_close(q);
	return rc;
}

static bool
has_period(const struct submission_late *late, const struct date *from, const struct date *to)
{
	for (size_t i = 0; i < late->n; i++) {
		if (date_to_days(&late->sent[i].from) == date_to_days(from) &&
		    date_to_days(&late->sent[i].to) == date_to_days(to))
			return true;
	}
	return false;
}

/* A draft was not sent, a returned one does not stand; the same period is there once. */
static bool
stands(const struct submission_late *late, const struct record_view *v, struct sent *s)
{
	const char *state = submission_state(late->ws, v);

	return (strcmp(state, "SUBMITTED") == 0 || strcmp(state, "ACCEPTED") == 0) &&
	    date_parse(submission_shown(v, "period_start"), &s->from) == RC_OK && s->from.day != 0 &&
	    date_parse(submission_shown(v, "period_end"), &s->to) == RC_OK && s->to.day != 0 &&
	    !has_period(late, &s->from, &s->to);
}

static enum rc
take(struct submission_late *late, int64_t local, struct error *err)
{
	struct record_context c = workspace_records(late->ws, FORM_VI);
	struct sent s = { .tables = NULL };
	struct record_view v;
	struct bytes text;
	struct dot id;
	enum rc rc;

	if ((rc = record_of_local(c.db, local, &id)) != RC_OK ||
	    (rc = record_show(&c, &id, &v, err)) != RC_OK)
		return rc;
	bytes_init(&text);
	if (!stands(late, &v, &s))
		goto out;
	if ((rc = submission_tables(&v, &text, err)) == RC_OK) {
		s.tables = json_loadb((const char *)text.data, text.len, 0, NULL);
		if (s.tables != NULL)
			late->sent[late->n++] = s;
		else
			rc = RC_DAMAGED;
	}
	if (rc == RC_DAMAGED) {
		late->n_damaged++;
		error_clear(err);
		rc = RC_OK;
	} else if (rc == RC_NOTFOUND) {		/* typed by hand, nothing frozen */
		error_clear(err);
		rc = RC_OK;
	}
out:
	bytes_reset(&text);
	record_view_reset(&v);
	return rc;
}

enum rc
submission_late_open(struct workspace *ws, const char *unit, const struct date *to,
    struct submission_late **out, struct error *err)
{
	const char *of = unit != NULL ? unit : replica_unit(ws->replica);
	struct submission_late *late = calloc(1, sizeof(*late));
	int64_t ids[CANDIDATES_MAX];
	char before[11];
	size_t n = 0;
	enum rc rc = RC_OK;

	*out = NULL;
	if (late == NULL)
		return RC_NOMEM;
	late->ws = ws;
	snprintf(late->unit, sizeof(late->unit), "%s", of);
	date_iso(to, before);
	if (submission_reads_all(ws, of))
		rc = find_candidates(late, before, ids, &n, err);
	for (size_t i = 0; rc == RC_OK && i < n && late->n < REPORT_TOLD_MAX; i++)
		rc = take(late, ids[i], err);
	if (rc == RC_OK)
		*out = late;
	else
		submission_late_free(late);
	return rc;
}

static const json_t *
table_named(const struct sent *s, const char *name)
{
	const json_t *tables = json_object_get(s->tables, "tables");

	for (size_t i = 0; i < json_array_size(tables); i++) {
		const json_t *table = json_array_get(tables, i);
		const char *its = json_string_value(json_object_get(table, "name"));

		if (its != NULL && strcmp(its, name) == 0)
			return table;
	}
	return NULL;
}

/* Frozen tables that are not those of their hash: said, and left out. */
static enum rc
note_damage(const struct submission_late *late, struct report *r)
{
	static const char *const notes[FORM_LANGS] = {
		[FORM_VI] = "Có báo cáo kỳ trước không còn đúng số liệu đã chốt, nên chưa đối chiếu được.",
		[FORM_EN] = "A report of an earlier period is not what was frozen, and is not compared."
	};
	const char *note = notes[r->lang];

	if (late->n_damaged == 0 || r->n_notes == REPORT_NOTES_MAX)
		return RC_OK;
	r->notes[r->n_notes] = arena_copy(&r->arena, note, strlen(note));
	return r->notes[r->n_notes++] != NULL ? RC_OK : RC_NOMEM;
}

enum rc
submission_late_correct(const struct submission_late *late, struct report *r, struct error *err)
{
	struct report_told told[REPORT_TOLD_MAX];
	size_t n = 0;
	enum rc rc;

	for (size_t i = late->n; i > 0; i--) {
		const struct sent *s = &late->sent[i - 1];
		const json_t *table = table_named(s, r->name);

		if (table != NULL)
			told[n++] = (struct report_told){ .from = s->from, .to = s->to, .table = table };
	}
	rc = report_correct(vault_db(late->ws->vault), replica_forms(late->ws->replica), late->unit,
	    told, n, r, err);
	return rc == RC_OK && r->threshold == 0 ? note_damage(late, r) : rc;
}

void
submission_late_free(struct submission_late *late)
{
	for (size_t i = 0; late != NULL && i < late->n; i++)
		json_decref(late->sent[i].tables);
	free(late);
}
