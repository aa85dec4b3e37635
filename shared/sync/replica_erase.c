#include "shared/sync/replica_erase.h"

#include <stdlib.h>
#include <string.h>

#include "shared/records/draft.h"
#include "shared/records/fold.h"
#include "shared/records/redaction.h"
#include "shared/vault/query.h"

/* ---- what is here ---- */

bool
replica_erase_is_stale(const struct replica *r, const struct frame_header *h)
{
	for (size_t i = 0; i < h->n_ranges; i++)
		if (directory_erased_at(r->directory, h->ranges[i].log) > h->directory_seq)
			return true;
	return false;
}

/* A frame of ours that nobody has yet is sealed again, of what is left. */
static enum rc
unseal(struct replica *r, const struct frame_header *h, struct error *err)
{
	enum rc rc = RC_OK;

	for (size_t i = 0; i < h->n_ranges && rc == RC_OK; i++)
		rc = query_run(r->db, err, "UPDATE log SET sealed_n = ?2 WHERE id = ?1 AND own = 1"
		    " AND sealed_n > ?2", "ii", (int64_t)h->ranges[i].log,
		    (int64_t)(h->ranges[i].first - 1));
	return rc;
}

static enum rc
find_stale(struct replica *r, struct bytes *ids, struct error *err)
{
	struct frame_header h = { 0 };
	struct sqlite3_stmt *q = NULL;
	const uint8_t *p;
	size_t len;
	bool row;
	enum rc rc = query_open(r->db, err, &q, "SELECT id, bytes, state FROM frame"
	    " WHERE bytes IS NOT NULL", "");

	while (rc == RC_OK && (rc = query_next(q, &row, err)) == RC_OK && row) {
		p = query_column_blob(q, 1, &len);
		if (frame_read(p, len, &h) != RC_OK)
			continue;
		if (replica_erase_is_stale(r, &h)) {
			if (query_column_int(q, 2) == (int64_t)REPLICA_UNSENT)
				rc = unseal(r, &h, err);
			bytes_put(ids, h.id, sizeof(h.id));
		}
		frame_header_reset(&h);
	}
	query_close(q);
	return rc == RC_OK ? ids->rc : rc;
}

static enum rc
drop_stale(struct replica *r, struct error *err)
{
	struct bytes ids;
	enum rc rc;

	bytes_init(&ids);
	rc = find_stale(r, &ids, err);
	for (size_t at = 0; rc == RC_OK && at < ids.len; at += FRAME_ID_BYTES)
		rc = query_run(r->db, err, "DELETE FROM frame WHERE id = ?1", "b", ids.data + at,
		    (size_t)FRAME_ID_BYTES);
	bytes_reset(&ids);
	return rc;
}

/* What is being typed about the record may hold what was erased of it. */
static enum rc
drop_drafts(struct replica *r, const struct dot *record, struct error *err)
{
	size_t n;
	enum rc rc = draft_drop_about(r->db, record, &n, err);

	return rc == RC_OK && n > 0 ? replica_event(r, "draft-erased", "") : rc;
}

enum rc
replica_erase_apply(struct replica *r, uint64_t seq, struct error *err)
{
	const struct erasure *e;
	uint64_t log = 0;
	struct dot record;
	enum rc rc = RC_OK;

	for (size_t i = 0; rc == RC_OK && (e = directory_erasure_at(r->directory, i)) != NULL; i++) {
		if (e->seq != seq)
			continue;
		if (e->log != log)
			rc = redaction_forget_key(r->db, e->log, err);
		log = e->log;
		if (rc == RC_OK)
			rc = redaction_apply(r->db, &(struct dot){ e->log, e->n }, e->fields, e->n_fields,
			    &record, err);
		if (rc == RC_OK && record.log != 0)
			rc = fold_refold_record(r->fold, &record, err);
		if (rc == RC_OK && record.log != 0)
			rc = drop_drafts(r, &record, err);
	}
	if (rc == RC_OK)
		rc = drop_stale(r, err);
	if (rc == RC_OK)
		rc = fold_flush(r->fold, err);
	/* words that were taken back stand in the index until its parts are merged */
	if (rc == RC_OK)
		rc = query_run(r->db, err, "INSERT INTO words(words) VALUES('optimize')", "");
	return rc;
}

/* ---- what comes in ---- */

static enum rc
redact(const struct erasure *erasures, size_t n, struct dot dot, struct bytes *body)
{
	struct bytes left;
	struct entry e;
	enum rc rc = RC_OK;

	for (size_t i = 0; i < n && rc == RC_OK; i++) {
		bytes_init(&left);
		if ((rc = entry_decode(body->data, body->len, dot, &e)) == RC_OK)
			rc = redaction_of(&e, erasures[i].fields, erasures[i].n_fields, &left);
		entry_reset(&e);
		bytes_wipe(body);
		*body = left;
	}
	return rc;
}

enum rc
replica_erase_encode(const struct replica *r, const struct cargo_log *log,
    const struct cargo_entry *e, struct journal_piece *piece, struct bytes *bodies)
{
	const struct erasure *erasures;
	struct bytes body;
	size_t n;
	enum rc rc;

	erasures = directory_erasures(r->directory, e->entry.dot.log, e->entry.dot.n, &n);
	if (e->redacted && n == 0)
		return RC_DENIED;
	piece->redacted = e->redacted != 0;
	if (e->redacted)
		memcpy(piece->tag, e->tag, sizeof(piece->tag));
	else if (log->keyless)
		piece->key = e->key;
	if (n == 0)
		return entry_encode(&e->entry, bodies);
	bytes_init(&body);
	rc = entry_encode(&e->entry, &body);
	if (rc == RC_OK && !e->redacted) {
		if (log->keyless)
			entry_tag_by(e->key, body.data, body.len, piece->tag);
		else
			entry_tag(log->key, e->entry.dot.n, body.data, body.len, piece->tag);
		piece->redacted = true;
	}
	if (rc == RC_OK)
		rc = redact(erasures, n, e->entry.dot, &body);
	if (rc == RC_OK) {
		bytes_put(bodies, body.data, body.len);
		rc = bodies->rc;
	}
	bytes_wipe(&body);
	return rc;
}

/* ---- what is told ---- */

static bool
takes(const struct erasure *e, unsigned number)
{
	if (e->n_fields == 0)
		return number != ENTRY_ALIVE;
	for (size_t i = 0; i < e->n_fields; i++)
		if (e->fields[i] == number)
			return true;
	return false;
}

enum rc
replica_erase_order(struct replica *r, const struct dot *dot, unsigned number,
    char order[DIRECTORY_REASON_MAX + 1], struct error *err)
{
	size_t n, i = 0, len;
	const struct erasure *e = directory_erasures(r->directory, dot->log, dot->n, &n);
	struct statement_view v;
	struct bytes statement;
	struct reader in;
	const uint8_t *text;
	enum rc rc;

	order[0] = '\0';
	while (i < n && !takes(&e[i], number))
		i++;
	if (i == n)
		return RC_OK;
	bytes_init(&statement);
	if ((rc = query_blob(r->db, err, &statement, "SELECT bytes FROM statement WHERE seq = ?1", "i",
	    (int64_t)e[i].seq)) == RC_OK &&
	    (rc = directory_statement_view(statement.data, statement.len, &v)) == RC_OK) {
		reader_init(&in, v.payload, v.payload_len);
		if ((text = reader_span(&in, DIRECTORY_REASON_MAX, &len)) != NULL) {
			memcpy(order, text, len);
			order[len] = '\0';
		}
	}
	bytes_reset(&statement);
	return rc;
}
