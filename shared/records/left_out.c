#include "shared/records/left_out.h"

#include <stdlib.h>
#include <string.h>

#include "shared/records/branch.h"
#include "shared/records/fold.h"
#include "shared/records/statement.h"
#include "shared/vault/query.h"

/*
 * Does an entry that counts restate it?  The journal is asked and not the fold, which has no state of a
 * record that has left this device, or is too large.
 */
static enum rc
is_released(struct sqlite3 *db, const struct left_out *one, bool *out, struct error *err)
{
	const struct entry *e = &one->entry;
	const struct dot *original = e->restated ? &e->restates : &one->name;
	struct sqlite3_stmt *q = NULL;
	struct entry other;
	const uint8_t *body;
	size_t len;
	bool row = true;
	enum rc rc;

	*out = false;
	rc = query_open(db, err, &q, "SELECT e.log, e.n, e.body FROM entry AS e JOIN log AS l ON l.id = e.log"
	    " WHERE e.record_log = ?1 AND e.record_n = ?2 AND e.record_log <> 0 AND e.body IS NOT NULL"
	    " AND l.folds = 1 AND e.n <= ifnull(l.limit_n, e.n) AND e.n < ifnull(l.fork_n, e.n + 1)", "ii",
	    (int64_t)e->record.log, (int64_t)e->record.n);
	while (rc == RC_OK && !*out && (rc = query_next(q, &row, err)) == RC_OK && row) {
		body = query_column_blob(q, 2, &len);
		rc = entry_decode(body, len, (struct dot){ statement_u64(q, 0), statement_u64(q, 1) }, &other);
		*out = rc == RC_OK && other.restated && dot_compare(&other.restates, original) == 0;
		entry_reset(&other);
		rc = rc == RC_NOMEM ? rc : RC_OK;	/* of a newer program: it restates nothing here */
	}
	query_close(q);
	return rc;
}

/* The branches of this log; those of the log before are forgotten. */
static enum rc
need_branches(struct sqlite3 *db, uint64_t log, struct branches *b, struct error *err)
{
	if (b->log == log)
		return RC_OK;
	branch_close(b);
	return branch_open(db, log, b, err);
}

static enum rc
hand_on(struct sqlite3 *db, struct sqlite3_stmt *q, struct branches *b,
    enum rc (*each)(void *ctx, const struct left_out *one), void *ctx, struct error *err)
{
	struct left_out one;
	const uint8_t *body;
	size_t len;
	bool whole = true;
	enum rc rc;

	memset(&one, 0, sizeof(one));
	one.dot = one.name = (struct dot){ statement_u64(q, 0), statement_u64(q, 1) };
	one.forked = query_column_int(q, 6) != 0;
	body = query_column_blob(q, 2, &len);
	if ((rc = entry_decode(body, len, one.dot, &one.entry)) != RC_OK) {
		entry_reset(&one.entry);
		return rc == RC_NOMEM ? rc : RC_OK;	/* of a newer program: counted as unread */
	}
	if (!statement_copy(q, 3, one.device, sizeof(one.device)) ||
	    !statement_copy(q, 7, one.after, sizeof(one.after)) ||
	    strlen(query_column_text(q, 4)) > JOURNAL_UNIT_MAX)
		rc = error_set(err, RC_DAMAGED, "log", "run: field verify",
		    "a row of the journal does not follow its grammar");
	if (rc == RC_OK && one.forked) {
		one.name = branch_name(&one.dot, one.after);
		rc = need_branches(db, one.dot.log, b, err);
		if (rc == RC_OK)
			rc = branch_move(b, one.after, &one.entry, &whole);
	}
	if (rc == RC_OK) {
		strcpy(one.scope.unit, query_column_text(q, 4));
		one.scope.compartment = (unsigned)query_column_int(q, 5);
		rc = is_released(db, &one, &one.released, err);
		one.waits = !whole && !one.released;
	}
	if (rc == RC_OK)
		rc = each(ctx, &one);
	entry_reset(&one.entry);
	return rc;
}

/* CROSS JOIN: the few logs first, and of each only what lies behind its limit; not the whole journal. */
#define COLUMNS(forked) "SELECT l.id, e.n, body, device, unit, compartment, " forked ", e.after FROM log AS l"
#define OF_WHOM " WHERE l.folds = 1 AND e.body IS NOT NULL AND (?2 OR l.device = ?1)"

enum rc
left_out_each(struct sqlite3 *db, const uint8_t *device,
    enum rc (*each)(void *ctx, const struct left_out *one), void *ctx, struct error *err)
{
	struct branches b = { .log = 0 };
	struct sqlite3_stmt *q = NULL;
	bool row;
	enum rc rc;

	rc = query_open(db, err, &q, COLUMNS("0") " CROSS JOIN entry AS e ON e.log = l.id AND e.n > l.limit_n"
	    OF_WHOM " AND e.record_log <> 0 AND (l.fork_n IS NULL OR e.n < l.fork_n) UNION ALL "
	    COLUMNS("1") " CROSS JOIN entry AS e ON e.log = l.id AND e.n >= l.fork_n" OF_WHOM
	    " AND e.record_log <> 0 UNION ALL "
	    COLUMNS("1") " CROSS JOIN entry_other AS e ON e.log = l.id AND e.n >= l.fork_n" OF_WHOM
	    " ORDER BY 4, 7, 1, 2, 8", "bi", device,
	    device != NULL ? (size_t)ENTRY_DEVICE_BYTES : (size_t)0, (int64_t)(device == NULL));
	while (rc == RC_OK && (rc = query_next(q, &row, err)) == RC_OK && row)
		rc = hand_on(db, q, &b, each, ctx, err);
	query_close(q);
	branch_close(&b);
	return rc;
}

/* ---- releasing ---- */

struct open_entry {
	struct dot dot;
	bool forked;
	uint8_t after[ENTRY_HEAD_BYTES];
};

struct releasing {
	const struct dot *only;
	struct open_entry *all;
	size_t n, cap, waiting;
};

static enum rc
note_open(void *ctx, const struct left_out *one)
{
	struct releasing *r = ctx;
	struct open_entry *grown, *to;

	if (one->released || (r->only != NULL && dot_compare(&one->name, r->only) != 0))
		return RC_OK;
	if (one->waits) {
		r->waiting++;
		return RC_OK;
	}
	if (r->n == r->cap) {
		r->cap = r->cap == 0 ? 16 : r->cap * 2;
		if ((grown = realloc(r->all, r->cap * sizeof(*grown))) == NULL)
			return RC_NOMEM;
		r->all = grown;
	}
	to = &r->all[r->n++];
	to->dot = one->dot;
	to->forked = one->forked;
	memcpy(to->after, one->after, sizeof(to->after));
	return RC_OK;
}

static enum rc
release_of_branch(const struct record_context *c, const struct open_entry *o, struct branches *b,
    struct error *err)
{
	struct journal_log log;
	struct bytes body;
	struct entry e;
	bool whole;
	enum rc rc;

	bytes_init(&body);
	memset(&e, 0, sizeof(e));
	if ((rc = need_branches(c->db, o->dot.log, b, err)) != RC_OK ||
	    (rc = journal_log_get(c->db, o->dot.log, &log, err)) != RC_OK ||
	    (rc = query_blob(c->db, err, &body, "SELECT body FROM entry WHERE log = ?1 AND n = ?2"
	    " AND after = ?3 UNION ALL SELECT body FROM entry_other WHERE log = ?1 AND n = ?2"
	    " AND after = ?3", "iib", (int64_t)o->dot.log, (int64_t)o->dot.n, o->after,
	    sizeof(o->after))) != RC_OK ||
	    (rc = entry_decode(body.data, body.len, o->dot, &e)) != RC_OK ||
	    (rc = branch_move(b, o->after, &e, &whole)) != RC_OK)
		goto out;
	rc = record_enter_again(c, &log, &e, err);
out:
	entry_reset(&e);
	bytes_wipe(&body);
	return rc;
}

enum rc
left_out_release(const struct record_context *c, const uint8_t *device, const struct dot *only,
    size_t *released, struct error *err)
{
	struct releasing r = { .only = only };
	struct branches b = { .log = 0 };
	struct dot dot;
	enum rc rc = left_out_each(c->db, device, note_open, &r, err);

	*released = 0;
	if (rc == RC_OK && r.n == 0)
		rc = r.waiting > 0 ? error_set(err, RC_BUSY, "", "sync, and release it then",
		    "something that was written before has not come yet") :
		    error_set(err, RC_NOTFOUND, "", "see field quarantine",
		    "nothing of this name waits to be released");
	for (size_t i = 0; i < r.n && rc == RC_OK; i++, ++*released)
		rc = r.all[i].forked ? release_of_branch(c, &r.all[i], &b, err) :
		    record_restate(c, &r.all[i].dot, &dot, err);
	free(r.all);
	branch_close(&b);
	return rc;
}
