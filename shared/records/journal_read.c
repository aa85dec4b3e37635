#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>

#include "shared/records/journal.h"
#include "shared/records/journal_rows.h"
#include "shared/records/statement.h"
#include "shared/vault/query.h"

#define SELECT_ENTRY "SELECT log, n, record_log, record_n, body, tag, after FROM entry"

enum rc
journal_logs(struct sqlite3 *db, const uint8_t *device,
    enum rc (*each)(void *ctx, const struct journal_log *log), void *ctx, struct error *err)
{
	struct sqlite3_stmt *q = NULL;
	struct journal_log log;
	bool row;
	enum rc rc;

	/* as unsigned numbers: those with the top bit set come last */
	if (device == NULL)
		rc = query_open(db, err, &q, JOURNAL_ROWS_SELECT " ORDER BY id < 0, id", "");
	else
		rc = query_open(db, err, &q, JOURNAL_ROWS_SELECT " WHERE device = ?1"
		    " ORDER BY id < 0, id", "b", device, (size_t)ENTRY_DEVICE_BYTES);
	while (rc == RC_OK && (rc = query_next(q, &row, err)) == RC_OK && row)
		if ((rc = journal_rows_read(q, &log, err)) == RC_OK)
			rc = each(ctx, &log);
	query_close(q);
	return rc;
}

enum rc
journal_head(struct sqlite3 *db, uint64_t log, uint64_t n, uint8_t head[ENTRY_HEAD_BYTES],
    struct error *err)
{
	struct sqlite3_stmt *q = NULL;
	bool row = false;
	enum rc rc;

	memset(head, 0, ENTRY_HEAD_BYTES);
	if (n == 0)
		rc = query_open(db, err, &q, "SELECT start FROM log WHERE id = ?1", "i",
		    (int64_t)log);
	else
		rc = query_open(db, err, &q, "SELECT after FROM entry WHERE log = ?1 AND n = ?2",
		    "ii", (int64_t)log, (int64_t)n);
	if (rc == RC_OK && (rc = query_next(q, &row, err)) == RC_OK &&
	    (!row || !statement_copy(q, 0, head, ENTRY_HEAD_BYTES)))
		rc = error_set(err, RC_NOTFOUND, NULL, NULL, "that part of the log has not come");
	query_close(q);
	return rc;
}

struct gaps {
	struct journal_gap *list;
	size_t n, cap;
};

static enum rc
add_gap(struct gaps *g, uint64_t log, uint64_t first, uint64_t last)
{
	if (g->n == g->cap) {
		size_t cap = g->cap == 0 ? 8 : g->cap * 2;
		struct journal_gap *grown = realloc(g->list, cap * sizeof(*grown));

		if (grown == NULL)
			return RC_NOMEM;
		g->list = grown;
		g->cap = cap;
	}
	g->list[g->n++] = (struct journal_gap){ log, first, last };
	return RC_OK;
}

enum rc
journal_gaps(struct sqlite3 *db, struct journal_gap **out, size_t *n, struct error *err)
{
	struct gaps g = { NULL, 0, 0 };
	struct sqlite3_stmt *q = NULL;
	uint64_t log = 0, next = 0;
	bool row;
	enum rc rc;

	*out = NULL;
	*n = 0;
	rc = query_open(db, err, &q, "SELECT log.id, log.head_n, entry.n FROM log JOIN entry"
	    " ON entry.log = log.id AND entry.n > log.head_n WHERE log.top_n > log.head_n"
	    " ORDER BY log.id, entry.n", "");
	while (rc == RC_OK && (rc = query_next(q, &row, err)) == RC_OK && row) {
		uint64_t here = statement_u64(q, 2);

		if (statement_u64(q, 0) != log) {
			log = statement_u64(q, 0);
			next = statement_u64(q, 1) + 1;
		}
		if (here > next)
			rc = add_gap(&g, log, next, here - 1);
		next = here + 1;
	}
	query_close(q);
	if (rc != RC_OK) {
		free(g.list);
		return rc;
	}
	*out = g.list;
	*n = g.n;
	return RC_OK;
}

static int
by_log(const void *a, const void *b)
{
	const struct entry_tip *x = a, *y = b;

	return x->log < y->log ? -1 : x->log > y->log;
}

enum rc
journal_tips(struct sqlite3 *db, const struct journal_scope *scope,
    const uint8_t device[ENTRY_DEVICE_BYTES], struct entry_tip tips[ENTRY_TIPS_MAX],
    size_t *n, struct error *err)
{
	struct sqlite3_stmt *q = NULL;
	size_t count = 0;
	bool row;
	enum rc rc;

	*n = 0;
	rc = query_open(db, err, &q, "SELECT id, head_n, head FROM log WHERE unit = ?1"
	    " AND compartment = ?2 AND device = ?3 AND head_n > named_n ORDER BY id < 0, id",
	    "tib", scope->unit, (int64_t)scope->compartment, device, (size_t)ENTRY_DEVICE_BYTES);
	while (rc == RC_OK && count < ENTRY_TIPS_MAX &&
	    (rc = query_next(q, &row, err)) == RC_OK && row) {
		tips[count].log = statement_u64(q, 0);
		tips[count].n = statement_u64(q, 1);
		if (statement_copy(q, 2, tips[count].head, ENTRY_HEAD_BYTES))
			count++;
	}
	query_close(q);
	if (rc != RC_OK)
		return rc;
	if (count > 1)
		qsort(tips, count, sizeof(*tips), by_log);
	*n = count;
	return RC_OK;
}

enum rc
journal_get(struct sqlite3 *db, const struct dot *dot, struct bytes *body, struct error *err)
{
	struct sqlite3_stmt *q = NULL;
	const uint8_t *p;
	bool row = false;
	size_t len;
	enum rc rc;

	rc = query_open(db, err, &q, "SELECT body FROM entry WHERE log = ?1 AND n = ?2", "ii",
	    (int64_t)dot->log, (int64_t)dot->n);
	if (rc == RC_OK && (rc = query_next(q, &row, err)) == RC_OK) {
		if (row) {
			p = query_column_blob(q, 0, &len);
			bytes_put(body, p, len);
			rc = body->rc;
		} else {
			rc = error_set(err, RC_NOTFOUND, NULL, NULL, "no such entry here");
		}
	}
	query_close(q);
	return rc;
}

/* Hand on the rows of a SELECT_ENTRY, and close it. */
static enum rc
hand_on(struct sqlite3_stmt *q, enum rc rc, journal_each *each, void *ctx, struct error *err)
{
	struct journal_row out;
	bool row;
	size_t len;

	while (rc == RC_OK && (rc = query_next(q, &row, err)) == RC_OK && row) {
		out.dot = (struct dot){ statement_u64(q, 0), statement_u64(q, 1) };
		out.record = (struct dot){ statement_u64(q, 2), statement_u64(q, 3) };
		out.body = query_column_is_null(q, 4) ? NULL : query_column_blob(q, 4, &out.len);
		if (out.body == NULL)
			out.len = 0;
		out.tag = query_column_blob(q, 5, &len);
		out.key = len == ENTRY_TAG_BYTES + ENTRY_KEY_BYTES ? out.tag + ENTRY_TAG_BYTES : NULL;
		if (len < ENTRY_TAG_BYTES)
			out.tag = NULL;
		out.after = query_column_blob(q, 6, &len);
		if (len != ENTRY_HEAD_BYTES || (out.body == NULL && out.tag == NULL))
			rc = error_set(err, RC_DAMAGED, "entry", "run: field verify",
			    "a row of the journal does not follow its grammar");
		else
			rc = each(ctx, &out);
	}
	query_close(q);
	return rc;
}

enum rc
journal_read_range(struct sqlite3 *db, uint64_t log, uint64_t first, uint64_t count,
    journal_each *each, void *ctx, struct error *err)
{
	struct sqlite3_stmt *q = NULL;
	uint64_t last = first - 1;
	enum rc rc;

	last = count > JOURNAL_NO_LIMIT - last ? JOURNAL_NO_LIMIT : last + count;
	rc = query_open(db, err, &q, SELECT_ENTRY " WHERE log = ?1 AND n BETWEEN ?2 AND ?3"
	    " ORDER BY n", "iii", (int64_t)log, (int64_t)first, (int64_t)last);
	return hand_on(q, rc, each, ctx, err);
}

enum rc
journal_read_record(struct sqlite3 *db, const struct dot *record, journal_each *each,
    void *ctx, struct error *err)
{
	struct sqlite3_stmt *q = NULL;
	enum rc rc;

	rc = query_open(db, err, &q, SELECT_ENTRY " WHERE record_log = ?1 AND record_n = ?2"
	    " AND record_log <> 0 ORDER BY log < 0, log, n", "ii", (int64_t)record->log,
	    (int64_t)record->n);
	return hand_on(q, rc, each, ctx, err);
}

enum rc
journal_read_all(struct sqlite3 *db, journal_each *each, void *ctx, struct error *err)
{
	struct sqlite3_stmt *q = NULL;
	enum rc rc;

	/* two runs over the key, so that nothing is sorted */
	rc = query_open(db, err, &q, SELECT_ENTRY " WHERE log >= 0 ORDER BY log, n", "");
	rc = hand_on(q, rc, each, ctx, err);
	if (rc != RC_OK)
		return rc;
	rc = query_open(db, err, &q, SELECT_ENTRY " WHERE log < 0 ORDER BY log, n", "");
	return hand_on(q, rc, each, ctx, err);
}

enum rc
journal_count_left_out(struct sqlite3 *db, struct journal_left_out *out, struct error *err)
{
	int64_t forked = 0, others = 0, limited = 0, unread = 0;
	enum rc rc;

	memset(out, 0, sizeof(*out));
	rc = query_int(db, err, &forked, "SELECT count(*) FROM log JOIN entry ON entry.log = log.id"
	    " AND entry.n >= log.fork_n WHERE log.fork_n IS NOT NULL", "");
	if (rc == RC_OK)
		rc = query_int(db, err, &others, "SELECT count(*) FROM entry_other", "");
	if (rc == RC_OK)
		rc = query_int(db, err, &limited, "SELECT count(*) FROM log JOIN entry"
		    " ON entry.log = log.id AND entry.n > log.limit_n WHERE log.limit_n IS NOT NULL"
		    " AND (log.fork_n IS NULL OR entry.n < log.fork_n)", "");
	if (rc == RC_OK)
		rc = query_int(db, err, &unread, "SELECT count(*) FROM entry WHERE record_log = 0"
		    " AND body IS NOT NULL", "");
	out->forked = (uint64_t)(forked + others);
	out->limited = (uint64_t)limited;
	out->unread = (uint64_t)unread;
	return rc;
}
