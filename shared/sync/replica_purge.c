#include "shared/sync/replica_purge.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "shared/records/fold.h"
#include "shared/records/journal.h"
#include "shared/sync/replica_internal.h"
#include "shared/sync/replica_purge_plan.h"
#include "shared/sync/replica_relay.h"
#include "shared/vault/query.h"

/* ---- sealed copies ---- */

/* Is every range of the frame held, and something of it hollow? */
static enum rc
may_drop_frame(struct replica *r, const uint8_t *p, size_t len, bool *out, struct error *err)
{
	struct frame_header h;
	int64_t held = 1, hollow = 0, some;
	enum rc rc = frame_read(p, len, &h);

	*out = false;
	if (rc != RC_OK)
		return rc == RC_NOMEM ? rc : RC_OK;
	for (size_t i = 0; rc == RC_OK && held != 0 && i < h.n_ranges; i++) {
		const struct frame_range *g = &h.ranges[i];
		uint64_t last = g->first + g->count - 1;

		rc = query_int(r->db, err, &held, "SELECT EXISTS (SELECT 1 FROM held WHERE log = ?1"
		    " AND n >= ?2)", "ii", (int64_t)g->log, (int64_t)last);
		if (rc == RC_OK)
			rc = query_int(r->db, err, &some, "SELECT EXISTS (SELECT 1 FROM entry"
			    " WHERE log = ?1 AND n BETWEEN ?2 AND ?3 AND body IS NULL)", "iii",
			    (int64_t)g->log, (int64_t)g->first, (int64_t)last);
		if (rc == RC_OK && some != 0)
			hollow = 1;
	}
	*out = rc == RC_OK && held != 0 && hollow != 0;
	frame_header_reset(&h);
	return rc;
}

/* Frames that hold what left, once the holder has all that is in them. */
static enum rc
drop_frames(struct replica *r, uint64_t *n, struct error *err)
{
	struct sqlite3_stmt *q;
	struct bytes ids;
	const uint8_t *p, *id;
	size_t len, id_len;
	bool row = true, drop;
	enum rc rc;

	bytes_init(&ids);
	rc = query_open(r->db, err, &q, "SELECT id, bytes FROM frame WHERE state IN (?1, ?2)"
	    " AND bytes IS NOT NULL", "ii", (int64_t)REPLICA_STORED, (int64_t)REPLICA_CARRIED);
	while (rc == RC_OK && (rc = query_next(q, &row, err)) == RC_OK && row) {
		id = query_column_blob(q, 0, &id_len);
		p = query_column_blob(q, 1, &len);
		rc = may_drop_frame(r, p, len, &drop, err);
		if (rc == RC_OK && drop && id_len == FRAME_ID_BYTES)
			bytes_put(&ids, id, id_len);
	}
	query_close(q);
	if (rc == RC_OK)
		rc = ids.rc;
	for (size_t at = 0; rc == RC_OK && at < ids.len; at += FRAME_ID_BYTES, ++*n)
		rc = query_run(r->db, err, "DELETE FROM frame WHERE id = ?1", "b", ids.data + at,
		    (size_t)FRAME_ID_BYTES);
	bytes_reset(&ids);
	return rc;
}

/* ---- going ---- */

static enum rc
let_go(struct replica *r, const struct dot *id, struct error *err)
{
	uint64_t n;
	enum rc rc = journal_hollow_record(r->db, id, &n, err);

	return rc == RC_OK ? fold_refold_record(r->fold, id, err) : rc;
}

static enum rc
mark(struct replica *r, const struct replica_purge_plan *plan, struct error *err)
{
	enum rc rc = RC_OK;

	for (size_t i = 0; rc == RC_OK && i < plan->n; i++) {
		const struct replica_purge_step *s = &plan->steps[i];

		rc = query_run(r->db, err, "INSERT OR IGNORE INTO purged(log, n, group_log, group_n,"
		    " form, at) VALUES (?1, ?2, ?3, ?4, ?5, ?6)", "iiiiti", (int64_t)s->id.log,
		    (int64_t)s->id.n, (int64_t)s->group.log, (int64_t)s->group.n, s->form,
		    clock_now(&r->clock));
	}
	fold_marks_changed(r->fold);
	return rc;
}

static enum rc
purge(struct replica *r, const char *closed_before, struct replica_purge_counts *out,
    struct error *err)
{
	struct replica_purge_plan plan;
	enum rc rc = replica_purge_plan(r, closed_before, &plan, err);

	if (rc == RC_OK)
		rc = mark(r, &plan, err);
	for (size_t i = 0; rc == RC_OK && i < plan.n; i++) {
		if (i > 0 && dot_compare(&plan.steps[i].id, &plan.steps[i - 1].id) == 0)
			continue;	/* it goes with two cases */
		rc = let_go(r, &plan.steps[i].id, err);
		out->records++;
	}
	out->cases = plan.cases;
	out->kept = plan.kept;
	if (rc == RC_OK)
		rc = replica_purge_sent(r, err);
	if (rc == RC_OK)
		rc = drop_frames(r, &out->frames, err);
	free(plan.steps);
	return rc;
}

enum rc
replica_purge(struct replica *r, unsigned days, struct replica_purge_counts *out,
    struct error *err)
{
	char before[21];
	enum rc rc;

	memset(out, 0, sizeof(*out));
	if (replica_role(r) == ROLE_HOLDER)
		return error_set(err, RC_DENIED, "", NULL, "a holder keeps everything");
	if (days > REPLICA_PURGE_DAYS_MAX)
		return error_set(err, RC_INVALID, "older-than", "give at most 36500 days",
		    "too many days");
	clock_iso(clock_now(&r->clock) - (int64_t)days * 86400, before);
	before[10] = '\0';
	if ((rc = replica_begin(r, err)) != RC_OK)
		return rc;
	rc = replica_end(r, purge(r, before, out, err), err);
	if (rc == RC_OK && out->records > 0)
		/* words of what left stand in the index until its parts are merged */
		rc = query_run(r->db, err, "INSERT INTO words(words) VALUES ('optimize')", "");
	if (rc == RC_OK && out->records + out->frames > 0)
		rc = query_run(r->db, err, "PRAGMA wal_checkpoint(TRUNCATE)", "");
	if (rc != RC_OK)
		memset(out, 0, sizeof(*out));
	return rc;
}

/* ---- sent, and not to be read here ---- */

enum rc
replica_purge_sent(struct replica *r, struct error *err)
{
	struct sqlite3_stmt *q;
	struct bytes logs;
	struct reader in;
	uint64_t n, frames = 0;
	bool row = true;
	enum rc rc;

	bytes_init(&logs);
	rc = query_open(r->db, err, &q, "SELECT l.id, h.n, l.unit, l.compartment FROM log AS l"
	    " JOIN held AS h ON h.log = l.id"
	    " WHERE l.own = 1 AND l.folds = 0 AND l.fork_n IS NULL AND EXISTS (SELECT 1 FROM entry AS e"
	    " WHERE e.log = l.id AND e.n <= h.n AND e.body IS NOT NULL AND e.record_log <> 0)", "");
	while (rc == RC_OK && (rc = query_next(q, &row, err)) == RC_OK && row) {
		/* a new post: only the key is still to come */
		if (directory_may_read(r->directory, replica_unit(r), replica_role(r),
		    query_column_text(q, 2), (unsigned)query_column_int(q, 3)))
			continue;
		bytes_u64(&logs, (uint64_t)query_column_int(q, 0));
		bytes_u64(&logs, (uint64_t)query_column_int(q, 1));
	}
	query_close(q);
	if (rc == RC_OK)
		rc = logs.rc;
	reader_init(&in, logs.data, logs.len);
	while (rc == RC_OK && reader_left(&in) > 0) {
		uint64_t log = reader_u64(&in);

		rc = journal_hollow_range(r->db, log, 1, reader_u64(&in), &n, err);
	}
	if (rc == RC_OK && logs.len > 0)
		rc = drop_frames(r, &frames, err);
	bytes_reset(&logs);
	return rc;
}

/* ---- what left ---- */

static void
read_purged(struct sqlite3_stmt *q, struct replica_purged *p)
{
	const char *form = query_column_text(q, 4);

	memset(p, 0, sizeof(*p));
	p->id = (struct dot){ (uint64_t)query_column_int(q, 0), (uint64_t)query_column_int(q, 1) };
	p->group = (struct dot){ (uint64_t)query_column_int(q, 2), (uint64_t)query_column_int(q, 3) };
	if (strlen(form) <= ENTRY_FORM_NAME_MAX)
		memcpy(p->form, form, strlen(form) + 1);
	p->at = query_column_int(q, 5);
	p->later = (uint64_t)query_column_int(q, 6);
}

enum rc
replica_purged_list(struct replica *r, struct replica_purged **out, size_t *n,
    struct error *err)
{
	struct replica_purged *list = NULL, *grown;
	struct sqlite3_stmt *q;
	size_t cap = 0;
	bool row = true;
	enum rc rc;

	*out = NULL;
	*n = 0;
	rc = query_open(r->db, err, &q, "SELECT p.log, p.n, p.group_log, p.group_n, p.form, p.at,"
	    " (SELECT count(*) FROM entry AS e WHERE e.record_log = p.log AND e.record_n = p.n"
	    " AND e.record_log <> 0 AND e.body IS NOT NULL) FROM purged AS p"
	    " ORDER BY p.at DESC, p.group_log, p.group_n, p.log, p.n", "");
	while (rc == RC_OK && (rc = query_next(q, &row, err)) == RC_OK && row) {
		if (*n == cap) {
			cap = cap ? 2 * cap : 32;
			if ((grown = realloc(list, cap * sizeof(*list))) == NULL) {
				rc = RC_NOMEM;
				break;
			}
			list = grown;
		}
		read_purged(q, &list[(*n)++]);
	}
	query_close(q);
	if (rc != RC_OK) {
		free(list);
		*n = 0;
		return rc;
	}
	*out = list;
	return RC_OK;
}

enum rc
replica_purged_count(struct replica *r, struct replica_purged_counts *out, struct error *err)
{
	int64_t records = 0, later = 0;
	enum rc rc;

	memset(out, 0, sizeof(*out));
	rc = query_int(r->db, err, &records, "SELECT count(*) FROM (SELECT DISTINCT log, n FROM purged)", "");
	if (rc == RC_OK && records > 0)
		rc = query_int(r->db, err, &later, "SELECT count(*) FROM (SELECT DISTINCT log, n FROM purged)"
		    " AS p JOIN entry AS e ON e.record_log = p.log AND e.record_n = p.n"
		    " AND e.record_log <> 0 AND e.body IS NOT NULL", "");
	out->records = (uint64_t)records;
	out->later = (uint64_t)later;
	return rc;
}

/* ---- coming again ---- */

/* The scope of a record is asked for from its beginning. */
static enum rc
ask_again(struct replica *r, const struct dot *id, struct error *err)
{
	char lane[EXCHANGE_LANE_MAX + 1];
	struct sqlite3_stmt *q;
	bool row = true;
	enum rc rc;

	rc = query_open(r->db, err, &q, "SELECT DISTINCT l.unit, l.compartment FROM entry AS e JOIN log"
	    " AS l ON l.id = e.log WHERE e.record_log = ?1 AND e.record_n = ?2 AND e.record_log <> 0"
	    " AND e.body IS NULL", "ii", (int64_t)id->log, (int64_t)id->n);
	while (rc == RC_OK && (rc = query_next(q, &row, err)) == RC_OK && row) {
		snprintf(lane, sizeof(lane), "f%u%s", (unsigned)query_column_int(q, 1),
		    query_column_text(q, 0));
		rc = replica_ask_lane_again(r, lane, err);
	}
	query_close(q);
	return rc;
}

static enum rc
lift(struct replica *r, const struct dot *id, uint64_t *n, struct error *err)
{
	struct sqlite3_stmt *q;
	struct bytes dots;
	struct reader in;
	bool row = true;
	enum rc rc;

	bytes_init(&dots);
	rc = query_open(r->db, err, &q, "SELECT DISTINCT m.log, m.n FROM purged AS p JOIN purged AS m"
	    " ON m.group_log = p.group_log AND m.group_n = p.group_n WHERE p.log = ?1 AND p.n = ?2",
	    "ii", (int64_t)id->log, (int64_t)id->n);
	while (rc == RC_OK && (rc = query_next(q, &row, err)) == RC_OK && row) {
		bytes_u64(&dots, (uint64_t)query_column_int(q, 0));
		bytes_u64(&dots, (uint64_t)query_column_int(q, 1));
		++*n;
	}
	query_close(q);
	if (rc == RC_OK)
		rc = dots.rc;
	if (rc == RC_OK && *n == 0)
		rc = error_set(err, RC_NOTFOUND, "", "see field purge --list; what was fetched before"
		    " comes with the next field sync", "no such record has left this device");
	reader_init(&in, dots.data, dots.len);
	while (rc == RC_OK && reader_left(&in) > 0) {
		struct dot d = { .log = reader_u64(&in) };

		d.n = reader_u64(&in);
		rc = query_run(r->db, err, "DELETE FROM purged WHERE log = ?1 AND n = ?2", "ii",
		    (int64_t)d.log, (int64_t)d.n);
		fold_marks_changed(r->fold);
		if (rc == RC_OK)
			rc = ask_again(r, &d, err);
		if (rc == RC_OK)	/* what was written about it since counts from now on */
			rc = fold_refold_record(r->fold, &d, err);
	}
	bytes_reset(&dots);
	return rc;
}

enum rc
replica_fetch(struct replica *r, const struct dot *id, uint64_t *n, struct error *err)
{
	enum rc rc;

	*n = 0;
	if ((rc = replica_begin(r, err)) != RC_OK)
		return rc;
	return replica_end(r, lift(r, id, n, err), err);
}
