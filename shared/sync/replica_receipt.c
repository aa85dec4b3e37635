/* Receipts on their way in: ours are kept and believed, others' passed on. */
#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>

#include "shared/records/journal.h"
#include "shared/sync/replica_quota.h"
#include "shared/sync/replica_relay.h"
#include "shared/sync/replica_watch.h"
#include "shared/vault/query.h"

/* A holder that folded a log has folded all that the log's tips name. */
static enum rc
mark_held(struct replica *r, uint64_t log, uint64_t n, struct error *err)
{
	struct { uint64_t log, n; } *todo = NULL;
	struct journal_log *l = NULL;
	size_t n_todo = 1, cap = 256;
	int64_t have;
	enum rc rc = RC_OK;

	if ((todo = malloc(cap * sizeof(*todo))) == NULL ||
	    (l = malloc(sizeof(*l))) == NULL) {
		free(todo);
		return RC_NOMEM;
	}
	todo[0].log = log;
	todo[0].n = n;
	while (n_todo > 0 && rc == RC_OK) {
		log = todo[--n_todo].log;
		n = todo[n_todo].n;
		rc = query_int(r->db, err, &have, "SELECT n FROM held WHERE log = ?1", "i",
		    (int64_t)log);
		if (rc == RC_OK && (uint64_t)have >= n)
			continue;
		if (rc != RC_OK && rc != RC_NOTFOUND)
			break;
		rc = query_run(r->db, err, "INSERT OR REPLACE INTO held(log, n) VALUES (?1, ?2)",
		    "ii", (int64_t)log, (int64_t)n);
		if (rc != RC_OK || have > 0)
			continue;	/* its tips were marked before */
		rc = journal_log_get(r->db, log, l, NULL);
		if (rc == RC_NOTFOUND) {
			rc = RC_OK;
			continue;
		}
		if (n_todo + ENTRY_TIPS_MAX > cap) {
			void *p = realloc(todo, 2 * cap * sizeof(*todo));

			if (p == NULL) {
				rc = RC_NOMEM;
				break;
			}
			todo = p;
			cap *= 2;
		}
		for (size_t i = 0; rc == RC_OK && i < l->n_tips; i++) {
			todo[n_todo].log = l->tips[i].log;
			todo[n_todo++].n = l->tips[i].n;
		}
	}
	free(l);
	free(todo);
	return rc;
}

/* The holder must have what we have: of a forked log it may hold the other branch. */
static enum rc
take_tip(struct replica *r, const struct receipt_scope *scope, const struct exchange_head *tip,
    struct error *err)
{
	uint8_t head[ENTRY_HEAD_BYTES];
	int64_t known;
	enum rc rc;

	if ((rc = query_int(r->db, err, &known, "SELECT count(*) FROM log WHERE id = ?1", "i",
	    (int64_t)tip->log)) != RC_OK)
		return rc;
	if (known == 0 && (rc = replica_watch_ahead(r, scope->unit, scope->compartment, tip->log,
	    err)) != RC_OK)
		return rc;
	if (known == 0)
		return mark_held(r, tip->log, tip->n, err);
	rc = journal_head(r->db, tip->log, tip->n, head, NULL);
	if (rc == RC_NOTFOUND)	/* more than we have ourselves: it says so again when it has more */
		return replica_watch_ahead(r, scope->unit, scope->compartment, tip->log, err);
	if (rc == RC_OK && memcmp(head, tip->head, sizeof(head)) != 0)
		return replica_event(r, "held-differs", "");
	return rc == RC_OK ? mark_held(r, tip->log, tip->n, err) : rc;
}

/* RC_NOTFOUND: the directory does not name the signer as one who gives such receipts. */
static enum rc
judge_receipt(const struct replica *r, const struct receipt *rec, const uint8_t *p, size_t len)
{
	const struct device *d = directory_device(r->directory, rec->signer);

	if (d == NULL || d->state == DEVICE_CERTIFIED)
		return RC_NOTFOUND;
	if (d->state != DEVICE_ADMITTED ||
	    d->role != (rec->kind == RECEIPT_STORED ? ROLE_RELAY : ROLE_HOLDER))
		return RC_DENIED;
	return exchange_receipt_verify(p, len, d->cert.sign_public);
}

/* Receipts of others that a stick brought, or that we got for what we carried: newest first. */
enum { OTHERS_RECEIPTS_MAX = 512, OTHERS_RECEIPT_BYTES_MAX = 64 << 10, RECEIPT_OF_ANOTHER = 3 };

static enum rc
insert_receipt(struct replica *r, const struct receipt *rec, int outgoing, const uint8_t *p,
    size_t len, struct error *err)
{
	return query_run(r->db, err, "INSERT INTO receipt(kind, signer, at, outgoing, bytes)"
	    " SELECT ?1, ?2, ?3, ?4, ?5 WHERE NOT EXISTS (SELECT 1 FROM receipt WHERE bytes = ?5)",
	    "ibiib", (int64_t)rec->kind, rec->signer, sizeof(rec->signer), rec->at,
	    (int64_t)outgoing, p, len);
}

/* Its device may meet sticks alone: with the next one of ours it learns of it. */
static enum rc
pass_on(struct replica *r, const struct receipt *rec, const uint8_t *p, size_t len,
    struct error *err)
{
	enum rc rc;

	if (len > OTHERS_RECEIPT_BYTES_MAX)
		return RC_OK;
	if ((rc = insert_receipt(r, rec, RECEIPT_OF_ANOTHER, p, len, err)) != RC_OK)
		return rc;
	return query_run(r->db, err, "DELETE FROM receipt WHERE outgoing = ?1 AND id <="
	    " (SELECT id FROM receipt WHERE outgoing = ?1 ORDER BY id DESC LIMIT 1 OFFSET ?2)", "ii",
	    (int64_t)RECEIPT_OF_ANOTHER, (int64_t)OTHERS_RECEIPTS_MAX);
}

/*
 * What was only carried may be read here by now, and the relay does not serve what we handed in: it stays,
 * and waits for its key.
 */
static enum rc
keep_if_readable(struct replica *r, const uint8_t id[FRAME_ID_BYTES], struct error *err)
{
	struct sqlite3_stmt *q;
	bool row, readable = false;
	enum rc rc = query_open(r->db, err, &q, "SELECT unit, compartment FROM frame WHERE id = ?1"
	    " AND state = ?2 AND reason = ?3", "bii", id, (size_t)FRAME_ID_BYTES, (int64_t)REPLICA_CARRIED,
	    (int64_t)REASON_NO_KEY);

	if (rc == RC_OK && (rc = query_next(q, &row, err)) == RC_OK && row)
		readable = directory_may_read(r->directory, replica_unit(r), replica_role(r),
		    query_column_text(q, 0), (unsigned)query_column_int(q, 1));
	query_close(q);
	if (rc != RC_OK || !readable)
		return rc;
	r->look_again = true;
	return query_run(r->db, err, "UPDATE frame SET state = ?2 WHERE id = ?1", "bi", id,
	    (size_t)FRAME_ID_BYTES, (int64_t)REPLICA_WAITING);
}

/* For another device: what we carry for it needs no carrying any more. */
static enum rc
stop_carrying(struct replica *r, const struct receipt *rec, struct error *err)
{
	enum rc rc = RC_OK;

	/* what cannot be read here was only carried; the rest is kept for the sticks of others */
	for (size_t i = 0; i < rec->n_frames && rc == RC_OK; i++) {
		rc = query_run(r->db, err, "UPDATE frame SET forward = 0 WHERE id = ?1", "b",
		    rec->frames[i], (size_t)FRAME_ID_BYTES);
		if (rc == RC_OK)
			rc = keep_if_readable(r, rec->frames[i], err);
		if (rc == RC_OK)
			rc = query_run(r->db, err, "DELETE FROM frame WHERE id = ?1 AND state = ?2"
			    " AND reason <> ?3", "bii", rec->frames[i], (size_t)FRAME_ID_BYTES,
			    (int64_t)REPLICA_CARRIED, (int64_t)REASON_NONE);
	}
	return rc;
}

/* ---- of our own ---- */

/*
 * What a receipt says is in tables `frame` and `held` then.  Its bytes are for two readers: a person is told
 * of the newest of each signer, and a stick shows colleagues which of our frames need no carrying.
 * So one of kind stored is kept for the frames that it was the first to name, if they are at least half
 * of what it names; and of kind held, which name all that is held, the newest.
 */
static enum rc
keep_own(struct replica *r, const struct receipt *rec, size_t news, const uint8_t *p, size_t len,
    struct error *err)
{
	int64_t have;
	enum rc rc;

	rc = query_int(r->db, err, &have, "SELECT count(*) FROM receipt WHERE outgoing = 0 AND kind = ?1"
	    " AND signer = ?2 AND (kind = ?3 OR at >= ?4)", "ibii", (int64_t)rec->kind, rec->signer,
	    sizeof(rec->signer), (int64_t)RECEIPT_STORED, rec->at);
	if (rc != RC_OK || (have > 0 && (rec->kind == RECEIPT_HELD || news == 0 ||
	    news < rec->n_frames - news)))
		return rc;
	if (rec->kind == RECEIPT_HELD && (rc = query_run(r->db, err, "DELETE FROM receipt"
	    " WHERE outgoing = 0 AND kind = ?1 AND signer = ?2", "ib", (int64_t)rec->kind, rec->signer,
	    sizeof(rec->signer))) != RC_OK)
		return rc;
	return insert_receipt(r, rec, 0, p, len, err);
}

enum rc
replica_forget_receipts(struct replica *r, const uint8_t signer[16], struct error *err)
{
	return query_run(r->db, err, "DELETE FROM receipt WHERE outgoing = 0 AND kind = ?1 AND signer = ?2"
	    " AND id <> (SELECT id FROM receipt WHERE outgoing = 0 AND kind = ?1 AND signer = ?2"
	    " ORDER BY at DESC, id DESC LIMIT 1)", "ib", (int64_t)RECEIPT_STORED, signer,
	    (size_t)IDENTITY_ID_BYTES);
}

/* A hub is on the way to the province, no more: what it has is still to arrive there. */
static enum rc
keep_of_hub(struct replica *r, const struct receipt *rec, const uint8_t *p, size_t len,
    struct error *err)
{
	uint8_t hub[IDENTITY_ID_BYTES];
	int before = sqlite3_total_changes(r->db);
	enum rc rc;

	/* of the hub that we speak with: another one's are for others */
	rc = replica_setting_get(r->db, "hub", hub, sizeof(hub), err);
	if (rc == RC_NOTFOUND || (rc == RC_OK && memcmp(hub, rec->signer, sizeof(hub)) != 0))
		return RC_OK;
	for (size_t i = 0; i < rec->n_frames && rc == RC_OK; i++)
		rc = replica_left_at_hub(r, rec->frames[i], err);
	if (rc == RC_OK && memcmp(rec->device, r->identity.device, IDENTITY_ID_BYTES) == 0)
		rc = keep_own(r, rec, (size_t)(sqlite3_total_changes(r->db) - before), p, len, err);
	return rc;
}

/* A stick may be older than the restore of a relay that we know of: what it had then it is asked for itself. */
static enum rc
is_doubtful(struct replica *r, const struct receipt *rec, bool *out, struct error *err)
{
	uint8_t restored;
	enum rc rc = RC_NOTFOUND;

	if (r->by_stick && rec->kind == RECEIPT_STORED)
		rc = replica_setting_get(r->db, "restored", &restored, sizeof(restored), err);
	*out = rc == RC_OK;
	return rc == RC_NOTFOUND ? RC_OK : rc;
}

static enum rc
keep_receipt(struct replica *r, const struct receipt *rec, const uint8_t *p, size_t len,
    struct error *err)
{
	int before = sqlite3_total_changes(r->db);
	bool doubtful;
	enum rc rc = is_doubtful(r, rec, &doubtful, err);

	if (rc != RC_OK)
		return rc;
	if (doubtful)
		return memcmp(rec->device, r->identity.device, IDENTITY_ID_BYTES) == 0 ? RC_OK :
		    pass_on(r, rec, p, len, err);
	if (rec->kind == RECEIPT_STORED && replica_is_hub(r, rec->signer))
		return keep_of_hub(r, rec, p, len, err);
	if (memcmp(rec->device, r->identity.device, IDENTITY_ID_BYTES) != 0) {
		rc = stop_carrying(r, rec, err);
		return rc == RC_OK ? pass_on(r, rec, p, len, err) : rc;
	}
	for (size_t i = 0; i < rec->n_frames && rc == RC_OK; i++)
		rc = query_run(r->db, err, "UPDATE frame SET state = ?2, forward = 0 WHERE id = ?1"
		    " AND state = ?3", "bii", rec->frames[i], (size_t)FRAME_ID_BYTES, (int64_t)REPLICA_STORED,
		    (int64_t)REPLICA_UNSENT);
	if (rc == RC_OK)
		rc = keep_own(r, rec, (size_t)(sqlite3_total_changes(r->db) - before), p, len, err);
	/* those that the province had, and that were offered to a hub */
	for (size_t i = 0; i < rec->n_frames && rc == RC_OK; i++)
		rc = query_run(r->db, err, "UPDATE frame SET forward = 0 WHERE id = ?1 AND state = ?2"
		    " AND forward <> 0", "bi", rec->frames[i], (size_t)FRAME_ID_BYTES, (int64_t)REPLICA_STORED);
	for (size_t i = 0; i < rec->n_scopes && rc == RC_OK; i++)
		for (size_t t = 0; t < rec->scopes[i].n_tips && rc == RC_OK; t++)
			rc = take_tip(r, &rec->scopes[i], &rec->scopes[i].tips[t], err);
	return rc;
}

static enum rc
keep_waiting(struct replica *r, const uint8_t *p, size_t len, struct error *err)
{
	bool room;
	int64_t here;
	enum rc rc = query_int(r->db, err, &here, "SELECT count(*) FROM waiting_receipt WHERE bytes = ?1",
	    "b", p, len);

	if (rc != RC_OK || here != 0 || (rc = replica_quota_take(r, len, &room, err)) != RC_OK || !room)
		return rc;
	return query_run(r->db, err, "INSERT INTO waiting_receipt(bytes) VALUES (?1)", "b", p, len);
}

enum rc
replica_take_receipt(struct replica *r, const uint8_t *p, size_t len, struct error *err)
{
	struct receipt rec;
	enum rc rc;

	if ((rc = exchange_receipt_read(p, len, &rec)) != RC_OK)
		return rc == RC_NOMEM ? rc : replica_event(r, "receipt-refused", rc_name(rc));
	rc = judge_receipt(r, &rec, p, len);
	if (rc == RC_OK)
		rc = keep_receipt(r, &rec, p, len, err);
	else if (rc == RC_NOTFOUND)	/* its signer may be named later */
		rc = keep_waiting(r, p, len, err);
	else if (rc == RC_DENIED || rc == RC_AUTH)
		rc = replica_event(r, "receipt-refused", rc_name(rc));
	exchange_receipt_reset(&rec);
	return rc;
}

enum rc
replica_retry_receipts(struct replica *r, struct error *err)
{
	struct sqlite3_stmt *q;
	struct receipt rec;
	const uint8_t *p;
	size_t len;
	bool row = true;
	enum rc rc, judged;

	rc = query_open(r->db, err, &q, "SELECT bytes FROM waiting_receipt", "");
	while (rc == RC_OK && (rc = query_next(q, &row, err)) == RC_OK && row) {
		p = query_column_blob(q, 0, &len);
		if (exchange_receipt_read(p, len, &rec) != RC_OK)
			continue;
		judged = judge_receipt(r, &rec, p, len);
		if (judged == RC_OK)
			rc = keep_receipt(r, &rec, p, len, err);
		else if (judged == RC_DENIED || judged == RC_AUTH)
			rc = replica_event(r, "receipt-refused", rc_name(judged));
		if (rc == RC_OK && judged != RC_NOTFOUND && judged != RC_NOMEM)
			rc = query_run(r->db, err, "DELETE FROM waiting_receipt WHERE bytes = ?1", "b", p, len);
		exchange_receipt_reset(&rec);
	}
	query_close(q);
	return rc;
}
