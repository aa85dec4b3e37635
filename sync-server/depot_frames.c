#include <stdlib.h>
#include <string.h>

#include "sync-server/depot.h"
#include "sync-server/depot_internal.h"

#define FRAME_COLUMNS "key, id, state, reason, author, carrier, unit, compartment, entries, received, told"

static void
copy_unit(const char *text, char out[IDENTITY_UNIT_MAX + 1])
{
	size_t len = strnlen(text, IDENTITY_UNIT_MAX);

	memcpy(out, text, len);
	out[len] = '\0';
}

/* ---- frames ---- */

static void
read_row(struct sqlite3_stmt *q, struct depot_frame *out)
{
	out->key = depot_sql_column_int(q, 0);
	depot_sql_column_fixed(q, 1, out->id, sizeof(out->id));
	out->state = (enum depot_frame_state)depot_sql_column_int(q, 2);
	out->reason = (enum root_exchange_reason)depot_sql_column_int(q, 3);
	depot_sql_column_fixed(q, 4, out->author, sizeof(out->author));
	depot_sql_column_fixed(q, 5, out->carrier, sizeof(out->carrier));
	copy_unit(depot_sql_column_text(q, 6), out->unit);
	out->compartment = (unsigned)depot_sql_column_int(q, 7);
	out->entries = (uint64_t)depot_sql_column_int(q, 8);
	out->received = depot_sql_column_int(q, 9);
	out->told = depot_sql_column_int(q, 10) != 0;
}

/* The first frame of a question that was opened with rc; closes it.  RC_NOTFOUND. */
static enum rc
take_one(struct depot *d, enum rc rc, struct sqlite3_stmt *q, struct depot_frame *out)
{
	bool row = false;

	memset(out, 0, sizeof(*out));
	if (rc == RC_OK)
		rc = depot_sql_next(&d->sql, q, &row);
	if (rc == RC_OK && row)
		read_row(q, out);
	depot_sql_close(&d->sql, q);
	return rc == RC_OK && !row ? RC_NOTFOUND : rc;
}

enum rc
depot_find_frame(struct depot *d, const uint8_t id[FRAME_ID_BYTES], struct depot_frame *out)
{
	struct sqlite3_stmt *q;
	enum rc rc;

	rc = depot_sql_open(&d->sql, &q, "SELECT " FRAME_COLUMNS " FROM frame WHERE id = ?1", "b", id,
	    (size_t)FRAME_ID_BYTES);
	return take_one(d, rc, q, out);
}

enum rc
depot_frame_bytes(struct depot *d, int64_t key, struct bytes *out)
{
	return depot_sql_blob(&d->sql, out, "SELECT bytes FROM frame WHERE key = ?1", "i", key);
}

enum rc
depot_put_frame(struct depot *d, struct depot_frame *f, const uint8_t *p, size_t len)
{
	enum rc rc = depot_sql_run(&d->sql, "INSERT INTO frame(id, state, reason, author, carrier, unit,"
	    " compartment, entries, received, bytes) VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
	    "biibbtiiib", f->id, sizeof(f->id), (int64_t)f->state, (int64_t)f->reason, f->author,
	    sizeof(f->author), f->carrier, sizeof(f->carrier), f->unit, (int64_t)f->compartment,
	    (int64_t)f->entries, f->received, p, len);

	if (rc == RC_OK)
		rc = depot_sql_int(&d->sql, &f->key, "SELECT last_insert_rowid()", "");
	return rc;
}

enum rc
depot_change_frame(struct depot *d, const struct depot_frame *f)
{
	return depot_sql_run(&d->sql, "UPDATE frame SET state = ?2, reason = ?3, author = ?4,"
	    " unit = ?5, compartment = ?6, entries = ?7, told = ?8 WHERE key = ?1", "iiibtiii", f->key,
	    (int64_t)f->state, (int64_t)f->reason, f->author, sizeof(f->author), f->unit,
	    (int64_t)f->compartment, (int64_t)f->entries, (int64_t)f->told);
}

enum rc
depot_frame_after(struct depot *d, int64_t after, enum depot_frame_state state,
    enum root_exchange_reason reason, struct depot_frame *out)
{
	struct sqlite3_stmt *q;
	enum rc rc;

	rc = depot_sql_open(&d->sql, &q, "SELECT " FRAME_COLUMNS " FROM frame WHERE state = ?1"
	    " AND state <> 1 AND key > ?2 AND (?3 = 0 OR reason = ?3) ORDER BY key LIMIT 1", "iii",
	    (int64_t)state, after, (int64_t)reason);
	return take_one(d, rc, q, out);
}

enum rc
depot_frame_next(struct depot *d, int64_t after, struct depot_frame *out)
{
	struct sqlite3_stmt *q;
	enum rc rc;

	rc = depot_sql_open(&d->sql, &q, "SELECT " FRAME_COLUMNS " FROM frame WHERE key > ?1"
	    " ORDER BY key LIMIT 1", "i", after);
	return take_one(d, rc, q, out);
}

enum rc
depot_withdraw(struct depot *d, int64_t key)
{
	/* the position stays: whoever came past it would miss what took it again */
	return depot_sql_run(&d->sql, "UPDATE stream SET lane = '', frame = NULL WHERE frame = ?1"
	    " AND lane = (SELECT 'f' || compartment || unit FROM frame WHERE key = ?1)", "i", key);
}

enum rc
depot_drop_frame(struct depot *d, int64_t key)
{
	return depot_sql_run(&d->sql, "DELETE FROM frame WHERE key = ?1", "i", key);
}

enum rc
depot_aside_bytes(struct depot *d, const uint8_t carrier[16], uint64_t *out)
{
	int64_t n;
	enum rc rc = depot_sql_int(&d->sql, &n, "SELECT coalesce(sum(length(bytes)), 0) FROM frame"
	    " WHERE state = 3 AND carrier = ?1", "b", carrier, (size_t)IDENTITY_ID_BYTES);

	*out = (uint64_t)n;
	return rc;
}

/* ---- logs ---- */

enum rc
depot_log(struct depot *d, uint64_t log, struct depot_log *out)
{
	struct sqlite3_stmt *q;
	bool row = false;
	enum rc rc;

	memset(out, 0, sizeof(*out));
	rc = depot_sql_open(&d->sql, &q, "SELECT device, unit, compartment, n, head FROM log"
	    " WHERE id = ?1", "i", (int64_t)log);
	if (rc == RC_OK)
		rc = depot_sql_next(&d->sql, q, &row);
	if (rc == RC_OK && row) {
		out->log = log;
		depot_sql_column_fixed(q, 0, out->device, sizeof(out->device));
		copy_unit(depot_sql_column_text(q, 1), out->unit);
		out->compartment = (unsigned)depot_sql_column_int(q, 2);
		out->n = (uint64_t)depot_sql_column_int(q, 3);
		depot_sql_column_fixed(q, 4, out->head, sizeof(out->head));
	}
	depot_sql_close(&d->sql, q);
	return rc == RC_OK && !row ? RC_NOTFOUND : rc;
}

/* Is there a head at (log, n) that is not this one? */
static enum rc
head_differs(struct depot *d, const struct exchange_head *head, bool *differs)
{
	int64_t other;
	enum rc rc = depot_sql_int(&d->sql, &other, "SELECT 1 FROM edge WHERE log = ?1 AND n = ?2"
	    " AND head <> ?3 LIMIT 1", "iib", (int64_t)head->log, (int64_t)head->n, head->head,
	    sizeof(head->head));

	*differs = rc == RC_OK;
	return rc == RC_NOTFOUND ? RC_OK : rc;
}

static enum rc
note_edge(struct depot *d, uint64_t log, uint64_t n, const uint8_t head[16], bool *forked)
{
	struct exchange_head edge = { .log = log, .n = n };
	bool differs;
	enum rc rc;

	memcpy(edge.head, head, sizeof(edge.head));
	if ((rc = head_differs(d, &edge, &differs)) != RC_OK)
		return rc;
	*forked = *forked || differs;
	return depot_sql_run(&d->sql, "INSERT OR IGNORE INTO edge(log, n, head) VALUES(?1, ?2, ?3)",
	    "iib", (int64_t)log, (int64_t)n, head, sizeof(edge.head));
}

enum rc
depot_note_range(struct depot *d, const struct frame_header *h,
    const struct frame_range *range, bool *forked)
{
	uint64_t last = range->first + range->count - 1;
	enum rc rc;

	*forked = false;
	if ((rc = note_edge(d, range->log, range->first - 1, range->before, forked)) != RC_OK ||
	    (rc = note_edge(d, range->log, last, range->after, forked)) != RC_OK)
		return rc;
	return depot_sql_run(&d->sql, "INSERT INTO log(id, device, unit, compartment, n, head, serial)"
	    " VALUES(?1, ?2, ?3, ?4, ?5, ?6, (SELECT coalesce(max(serial), 0) + 1 FROM log))"
	    " ON CONFLICT(id) DO UPDATE SET n = excluded.n, head = excluded.head,"
	    " serial = excluded.serial WHERE excluded.n > n", "ibtiib", (int64_t)range->log, h->device,
	    sizeof(h->device), h->unit, (int64_t)h->compartment, (int64_t)last, range->after,
	    sizeof(range->after));
}

enum rc
depot_heads_after(struct depot *d, uint64_t after, size_t max, struct relay_head **out,
    size_t *n, uint64_t *last)
{
	struct relay_head *list = calloc(max + 1, sizeof(*list));
	struct sqlite3_stmt *q = NULL;
	bool row = false;
	enum rc rc;

	*out = NULL;
	*n = 0;
	*last = after;
	if (list == NULL)
		return RC_NOMEM;
	rc = depot_sql_open(&d->sql, &q, "SELECT device, id, n, head, serial FROM log"
	    " WHERE serial > ?1 ORDER BY serial LIMIT ?2", "ii", (int64_t)after, (int64_t)max);
	while (rc == RC_OK && *n < max && (rc = depot_sql_next(&d->sql, q, &row)) == RC_OK && row) {
		depot_sql_column_fixed(q, 0, list[*n].device, sizeof(list[*n].device));
		list[*n].head.log = (uint64_t)depot_sql_column_int(q, 1);
		list[*n].head.n = (uint64_t)depot_sql_column_int(q, 2);
		depot_sql_column_fixed(q, 3, list[*n].head.head, sizeof(list[*n].head.head));
		*last = (uint64_t)depot_sql_column_int(q, 4);
		(*n)++;
	}
	depot_sql_close(&d->sql, q);
	*out = list;
	return rc;
}
