#include "shared/sync/replica_purge_plan.h"

#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>

#include "shared/forms/form.h"
#include "shared/records/draft.h"
#include "shared/records/journal.h"
#include "shared/records/merged.h"
#include "shared/records/tables.h"
#include "shared/vault/query.h"

/* Sets of local record numbers; a plan is made by taking away from them. */
static const char *const SETS[] = {
	"CREATE TEMP TABLE IF NOT EXISTS purge_ref(src INTEGER NOT NULL, dst INTEGER NOT NULL,"
	    " PRIMARY KEY(dst, src)) WITHOUT ROWID",
	"CREATE TEMP TABLE IF NOT EXISTS purge_case(id INTEGER PRIMARY KEY)",
	"CREATE TEMP TABLE IF NOT EXISTS purge_person(id INTEGER PRIMARY KEY)",
	"CREATE TEMP TABLE IF NOT EXISTS purge_member(id INTEGER NOT NULL, grp INTEGER NOT NULL,"
	    " PRIMARY KEY(id, grp)) WITHOUT ROWID",
	"CREATE TEMP TABLE IF NOT EXISTS purge_more(id INTEGER NOT NULL, grp INTEGER NOT NULL,"
	    " PRIMARY KEY(id, grp)) WITHOUT ROWID",
	"CREATE TEMP TABLE IF NOT EXISTS purge_stay(id INTEGER PRIMARY KEY)",
	"CREATE TEMP TABLE IF NOT EXISTS purge_draft(log INTEGER NOT NULL, n INTEGER NOT NULL,"
	    " PRIMARY KEY(log, n)) WITHOUT ROWID",
	"CREATE INDEX IF NOT EXISTS temp.purge_member_grp ON purge_member(grp)",
	"CREATE INDEX IF NOT EXISTS temp.purge_more_grp ON purge_more(grp)",
};
static const char *const CLEAR[] = {
	"DELETE FROM purge_ref", "DELETE FROM purge_case", "DELETE FROM purge_person",
	"DELETE FROM purge_member", "DELETE FROM purge_more", "DELETE FROM purge_stay",
	"DELETE FROM purge_draft",
};

/*
 * May not leave: in conflict, or an entry that no receipt covers, or that is left out of the fold, or
 * somebody is writing about it.
 */
#define BAD "EXISTS (SELECT 1 FROM record AS c WHERE c.id = m.id AND (c.conflicts > 0" \
	" OR EXISTS (SELECT 1 FROM purge_draft AS d WHERE d.log = c.log AND d.n = c.n)" \
	" OR EXISTS (SELECT 1 FROM entry AS e JOIN log AS l ON l.id = e.log LEFT JOIN held AS h" \
	" ON h.log = e.log WHERE e.record_log = c.log AND e.record_n = c.n AND e.record_log <> 0" \
	" AND (coalesce(h.n, 0) < e.n OR l.fork_n IS NOT NULL OR l.limit_n IS NOT NULL" \
	" OR l.key IS NULL))))"
/* What refers to a record and goes with it: all but other cases, links of two persons, and what waits. */
#define GOES_ALONG "c.form NOT IN ('case', 'person_link')" \
	" AND c.id NOT IN (SELECT s.id FROM purge_stay AS s)"

static enum rc
run_all(struct sqlite3 *db, const char *const *sql, size_t n, struct error *err)
{
	enum rc rc = RC_OK;

	for (size_t i = 0; rc == RC_OK && i < n; i++)
		rc = query_run(db, err, sql[i], "");
	return rc;
}

/* ---- who refers to whom ---- */

static enum rc
add_references_of(struct sqlite3 *db, const struct form *form, const struct form_field *field,
    struct error *err)
{
	char table[TABLES_NAME_MAX], column[TABLES_NAME_MAX];
	bool many = merged_is_many(field);
	char *sql;
	enum rc rc;

	tables_name(form->name, many ? field->name : NULL, table);
	tables_column(field->name, column);
	sql = sqlite3_mprintf("INSERT OR IGNORE INTO purge_ref(src, dst) SELECT id, \"%w\" FROM \"%w\""
	    " WHERE typeof(\"%w\") = 'integer'", many ? "value" : column, table,
	    many ? "value" : column);
	if (sql == NULL)
		return RC_NOMEM;
	rc = query_run(db, err, sql, "");
	sqlite3_free(sql);
	return rc;
}

static enum rc
find_references(struct replica *r, struct error *err)
{
	enum rc rc = RC_OK;

	for (size_t i = 0; i < form_set_count(r->forms); i++) {
		const struct form *form = form_set_at(r->forms, i);

		for (size_t k = 0; rc == RC_OK && k < form->n_fields; k++)
			if (form->fields[k].refers != NULL)
				rc = add_references_of(r->db, form, &form->fields[k], err);
	}
	return rc;
}

/* ---- cases ---- */

/* A closing date may be a month or a year: its end counts. */
static enum rc
find_cases(struct replica *r, const char *closed_before, struct error *err)
{
	return query_run(r->db, err, "INSERT INTO purge_case(id) SELECT id FROM form_case WHERE alive = 1"
	    " AND coalesce(close_reason, '') <> '' AND coalesce(closed_on, '') <> ''"
	    " AND closed_on || CASE length(closed_on) WHEN 4 THEN '-12-31' WHEN 7 THEN '-31' ELSE ''"
	    " END <= ?1", "t", closed_before);
}

/* Whoever has asked about the data is owed an answer here: until then what it is about stays. */
static enum rc
find_waiting(struct replica *r, struct error *err)
{
	if (form_set_find(r->forms, "subject_request") == NULL)
		return RC_OK;
	return query_run(r->db, err, "INSERT INTO purge_stay(id) SELECT id FROM form_subject_request"
	    " WHERE alive = 1 AND (answered_at IS NULL OR (do_by IS NOT NULL AND done_at IS NULL))", "");
}

struct writing { struct replica *r; struct error *err; };

static enum rc
note_draft(void *ctx, int64_t draft, const struct dot *record)
{
	struct writing *w = ctx;

	(void)draft;
	return query_run(w->r->db, w->err, "INSERT OR IGNORE INTO purge_draft(log, n) VALUES (?1, ?2)",
	    "ii", (int64_t)record->log, (int64_t)record->n);
}

static enum rc
find_drafts(struct replica *r, struct error *err)
{
	struct writing w = { r, err };

	return draft_each_about(r->db, note_draft, &w, err);
}

static enum rc
find_members(struct replica *r, struct error *err)
{
	return query_run(r->db, err, "INSERT INTO purge_member(id, grp)"
	    " WITH RECURSIVE m(id, grp) AS (SELECT id, id FROM purge_case UNION"
	    " SELECT r.src, m.grp FROM m JOIN purge_ref AS r ON r.dst = m.id"
	    " JOIN record AS c ON c.id = r.src WHERE " GOES_ALONG ") SELECT id, grp FROM m", "");
}

/* Take groups away until each that is left may leave as a whole. */
static enum rc
leave_out(struct replica *r, struct error *err)
{
	int64_t before, left = 0;
	enum rc rc;

	rc = query_run(r->db, err, "DELETE FROM purge_case WHERE id IN"
	    " (SELECT m.grp FROM purge_member AS m WHERE " BAD ")", "");
	if (rc == RC_OK)
		rc = query_int(r->db, err, &left, "SELECT count(*) FROM purge_case", "");
	do {
		if (rc == RC_OK)
			rc = query_run(r->db, err, "DELETE FROM purge_member WHERE grp NOT IN"
			    " (SELECT id FROM purge_case)", "");
		before = left;
		if (rc == RC_OK)
			rc = query_run(r->db, err, "DELETE FROM purge_case WHERE id IN (SELECT m.grp"
			    " FROM purge_member AS m JOIN purge_ref AS r ON r.dst = m.id WHERE r.src NOT IN"
			    " (SELECT id FROM purge_member))", "");
		if (rc == RC_OK)
			rc = query_int(r->db, err, &left, "SELECT count(*) FROM purge_case", "");
	} while (rc == RC_OK && left < before);
	return rc;
}

/* ---- persons whom nothing else refers to ---- */

static enum rc
find_persons(struct replica *r, struct error *err)
{
	static const char *const steps[] = {
		"INSERT OR IGNORE INTO purge_person(id) SELECT r.dst FROM purge_ref AS r JOIN purge_case"
		    " AS k ON k.id = r.src JOIN record AS c ON c.id = r.dst WHERE c.form = 'person'",
		"INSERT INTO purge_more(id, grp) WITH RECURSIVE m(id, grp) AS"
		    " (SELECT id, id FROM purge_person UNION SELECT r.src, m.grp FROM m"
		    " JOIN purge_ref AS r ON r.dst = m.id JOIN record AS c ON c.id = r.src"
		    " WHERE " GOES_ALONG " AND r.src NOT IN (SELECT id FROM purge_member))"
		    " SELECT id, grp FROM m",
		"DELETE FROM purge_person WHERE id IN (SELECT m.grp FROM purge_more AS m WHERE " BAD ")",
		"DELETE FROM purge_person WHERE id IN (SELECT m.grp FROM purge_more AS m JOIN purge_ref"
		    " AS r ON r.dst = m.id WHERE r.src NOT IN (SELECT id FROM purge_member)"
		    " AND r.src NOT IN (SELECT x.id FROM purge_more AS x WHERE x.grp = m.grp))",
		/* they go with each case that is theirs */
		"INSERT OR IGNORE INTO purge_member(id, grp) SELECT m.id, k.id FROM purge_person AS p"
		    " JOIN purge_more AS m ON m.grp = p.id JOIN purge_ref AS r ON r.dst = p.id"
		    " JOIN purge_case AS k ON k.id = r.src",
	};

	return run_all(r->db, steps, sizeof(steps) / sizeof(steps[0]), err);
}

/* ---- held, as far as it reaches ---- */

struct spreading {
	struct sqlite3 *db;
	struct error *err;
};

/* Who holds a log holds all that its tips name. */
static enum rc
spread_log(void *ctx, const struct journal_log *log)
{
	struct spreading *s = ctx;
	int64_t held;
	enum rc rc = query_int(s->db, s->err, &held, "SELECT EXISTS (SELECT 1 FROM held WHERE log = ?1"
	    " AND n > 0)", "i", (int64_t)log->id);

	for (size_t i = 0; rc == RC_OK && held != 0 && i < log->n_tips; i++)
		rc = query_run(s->db, s->err, "INSERT INTO held(log, n) VALUES (?1, ?2)"
		    " ON CONFLICT(log) DO UPDATE SET n = excluded.n WHERE excluded.n > n", "ii",
		    (int64_t)log->tips[i].log, (int64_t)log->tips[i].n);
	return rc;
}

static enum rc
spread_held(struct replica *r, struct error *err)
{
	struct spreading s = { r->db, err };
	int before;
	enum rc rc;

	do {
		before = sqlite3_total_changes(r->db);
		rc = journal_logs(r->db, NULL, spread_log, &s, err);
	} while (rc == RC_OK && sqlite3_total_changes(r->db) != before);
	return rc;
}

/* ---- the plan ---- */

static enum rc
read_plan(struct replica *r, struct replica_purge_plan *out, struct error *err)
{
	struct replica_purge_step *s;
	struct sqlite3_stmt *q;
	size_t cap = 0;
	bool row = true;
	void *p;
	enum rc rc;

	rc = query_open(r->db, err, &q, "SELECT c.log, c.n, g.log, g.n, c.form FROM purge_member AS m"
	    " JOIN record AS c ON c.id = m.id JOIN record AS g ON g.id = m.grp ORDER BY c.log, c.n", "");
	while (rc == RC_OK && (rc = query_next(q, &row, err)) == RC_OK && row) {
		if (out->n == cap) {
			cap = cap ? 2 * cap : 64;
			if ((p = realloc(out->steps, cap * sizeof(*out->steps))) == NULL) {
				rc = RC_NOMEM;
				break;
			}
			out->steps = p;
		}
		s = &out->steps[out->n++];
		memset(s, 0, sizeof(*s));
		s->id = (struct dot){ (uint64_t)query_column_int(q, 0), (uint64_t)query_column_int(q, 1) };
		s->group = (struct dot){ (uint64_t)query_column_int(q, 2), (uint64_t)query_column_int(q, 3) };
		if (strlen(query_column_text(q, 4)) <= ENTRY_FORM_NAME_MAX)
			memcpy(s->form, query_column_text(q, 4), strlen(query_column_text(q, 4)) + 1);
	}
	query_close(q);
	return rc;
}

enum rc
replica_purge_plan(struct replica *r, const char *closed_before, struct replica_purge_plan *out,
    struct error *err)
{
	int64_t wanted = 0, cases = 0;
	enum rc rc;

	memset(out, 0, sizeof(*out));
	if (form_set_find(r->forms, "case") == NULL)
		return RC_OK;
	if ((rc = run_all(r->db, SETS, sizeof(SETS) / sizeof(SETS[0]), err)) != RC_OK ||
	    (rc = run_all(r->db, CLEAR, sizeof(CLEAR) / sizeof(CLEAR[0]), err)) != RC_OK ||
	    (rc = spread_held(r, err)) != RC_OK ||
	    (rc = find_references(r, err)) != RC_OK ||
	    (rc = find_cases(r, closed_before, err)) != RC_OK ||
	    (rc = query_int(r->db, err, &wanted, "SELECT count(*) FROM purge_case", "")) != RC_OK ||
	    (rc = find_waiting(r, err)) != RC_OK ||
	    (rc = find_drafts(r, err)) != RC_OK ||
	    (rc = find_members(r, err)) != RC_OK ||
	    (rc = leave_out(r, err)) != RC_OK ||
	    (rc = find_persons(r, err)) != RC_OK ||
	    (rc = query_int(r->db, err, &cases, "SELECT count(*) FROM purge_case", "")) != RC_OK ||
	    (rc = read_plan(r, out, err)) != RC_OK)
		return rc;
	out->cases = (uint64_t)cases;
	out->kept = (uint64_t)(wanted - cases);
	return run_all(r->db, CLEAR, sizeof(CLEAR) / sizeof(CLEAR[0]), err);
}
