#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "shared/records/fold.h"
#include "shared/records/journal.h"
#include "shared/sync/replica_internal.h"
#include "shared/vault/query.h"

/* Where a statement's type stands in its bytes (formats.md "Directory"). */
enum { STATEMENT_TYPE_AT = 3 };

uint64_t
replica_limit_of(const struct device *d, uint64_t log)
{
	if (d->state != DEVICE_RETIRED)
		return d->state == DEVICE_REFUSED ? 0 : JOURNAL_NO_LIMIT;
	for (size_t i = 0; i < d->n_heads; i++)
		if (d->heads[i].log == log)
			return d->heads[i].n;
	return 0;
}

/* Logs whose standing a statement changes. */
struct limits {
	const struct device *device;
	struct { uint64_t log, n; } *all;
	size_t n, cap;
};

static enum rc
limit_of_log(void *ctx, const struct journal_log *log)
{
	struct limits *l = ctx;
	void *p;

	if (l->n == l->cap) {
		l->cap = l->cap ? 2 * l->cap : 16;
		if ((p = realloc(l->all, l->cap * sizeof(*l->all))) == NULL)
			return RC_NOMEM;
		l->all = p;
	}
	l->all[l->n].log = log->id;
	l->all[l->n++].n = replica_limit_of(l->device, log->id);
	return RC_OK;
}

/* Entries of a device count as far as the directory says. */
static enum rc
apply_limits(struct replica *r, const struct device *d, struct error *err)
{
	struct limits l;
	uint64_t from;
	enum rc rc;

	memset(&l, 0, sizeof(l));
	l.device = d;
	rc = journal_logs(r->db, d->cert.device, limit_of_log, &l, err);
	for (size_t i = 0; i < l.n && rc == RC_OK; i++) {
		rc = journal_set_limit(r->db, l.all[i].log, l.all[i].n, &from, err);
		if (rc == RC_OK && from != 0)
			rc = fold_refold_log(r->fold, l.all[i].log, from, err);
	}
	free(l.all);
	return rc;
}

/* A refused device may be admitted later: then all of it counts again. */
static enum rc
lift_limits(struct replica *r, struct error *err)
{
	int64_t limited;
	enum rc rc;

	rc = query_int(r->db, err, &limited, "SELECT count(*) FROM log WHERE limit_n IS NOT NULL", "");
	for (size_t i = 0; rc == RC_OK && limited > 0 &&
	    i < directory_device_count(r->directory); i++)
		rc = apply_limits(r, directory_device_at(r->directory, i), err);
	return rc;
}

/* What follows from a statement about a device for the entries that are here. */
static enum rc
weigh_entries(struct replica *r, const uint8_t *p, size_t len, struct error *err)
{
	const struct device *d;
	struct statement_view v;
	enum rc rc;

	if ((rc = directory_statement_view(p, len, &v)) != RC_OK)
		return rc;
	if (v.type == STATEMENT_ADMIT)
		return lift_limits(r, err);
	if ((v.type != STATEMENT_RETIRE && v.type != STATEMENT_REFUSE) ||
	    v.payload_len < IDENTITY_ID_BYTES ||
	    (d = directory_device(r->directory, v.payload)) == NULL)
		return RC_OK;
	return apply_limits(r, d, err);
}

enum rc
replica_take_statement(struct replica *r, const uint8_t *p, size_t len, struct error *err)
{
	uint64_t before = directory_count(r->directory);
	bool forked = false;
	enum rc rc;

	rc = directory_add(r->directory, p, len, NULL, &forked, NULL);
	if (rc == RC_NOMEM)
		return rc;
	if (rc != RC_OK)	/* nothing of ours is touched, and a person is told */
		return replica_event(r, forked ? "directory-fork" : "directory-refused",
		    rc_name(rc));
	if (directory_count(r->directory) == before)
		return RC_OK;
	r->directory_grew = r->touched = true;
	if ((rc = query_run(r->db, err, "INSERT INTO statement(seq, bytes) VALUES (?1, ?2)", "ib",
	    (int64_t)before, p, len)) != RC_OK)
		return rc;
	if (p[STATEMENT_TYPE_AT] == STATEMENT_FORMS)
		return replica_load_forms(r, err);
	return weigh_entries(r, p, len, err);
}

/* Of several certificates of a device the directory says which one counts. */
static bool
counts(const struct replica *r, const struct certificate *c)
{
	const struct device *d = directory_device(r->directory, c->device);

	return d != NULL && d->cert.joined_at == c->joined_at &&
	    memcmp(d->cert.invitation.id, c->invitation.id, sizeof(c->invitation.id)) == 0 &&
	    d->cert.sealed_name_len == c->sealed_name_len &&
	    memcmp(d->cert.sealed_name, c->sealed_name, c->sealed_name_len) == 0;
}

enum rc
replica_take_certificate(struct replica *r, const uint8_t *p, size_t len, struct error *err)
{
	struct certificate cert;
	int64_t known;
	enum rc rc;

	if (identity_certificate_read(p, len, directory_root(r->directory), &cert) != RC_OK)
		return replica_event(r, "certificate-refused", "");
	rc = query_int(r->db, err, &known, "SELECT count(*) FROM certificate WHERE device = ?1"
	    " AND bytes = ?2", "bb", cert.device, sizeof(cert.device), p, len);
	if (rc != RC_OK || known > 0)
		return rc;
	if (directory_add_certificate(r->directory, p, len, NULL) != RC_OK)
		return replica_event(r, "certificate-refused", "");
	r->touched = true;
	if (!counts(r, &cert))
		return RC_OK;
	r->directory_grew = true;
	return query_run(r->db, err, "INSERT OR REPLACE INTO certificate(device, bytes)"
	    " VALUES (?1, ?2)", "bb", cert.device, sizeof(cert.device), p, len);
}

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
take_tip(struct replica *r, const struct exchange_head *tip, struct error *err)
{
	uint8_t head[ENTRY_HEAD_BYTES];
	int64_t known;
	enum rc rc;

	if ((rc = query_int(r->db, err, &known, "SELECT count(*) FROM log WHERE id = ?1", "i",
	    (int64_t)tip->log)) != RC_OK)
		return rc;
	if (known == 0)
		return mark_held(r, tip->log, tip->n, err);
	rc = journal_head(r->db, tip->log, tip->n, head, NULL);
	if (rc == RC_NOTFOUND)
		return RC_OK;	/* more than we have ourselves: it says so again when it has more */
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

/* For another device: what we carry for it needs no carrying any more. */
static enum rc
stop_carrying(struct replica *r, const struct receipt *rec, struct error *err)
{
	enum rc rc = RC_OK;

	for (size_t i = 0; i < rec->n_frames && rc == RC_OK; i++) {
		rc = query_run(r->db, err, "UPDATE frame SET forward = 0 WHERE id = ?1", "b",
		    rec->frames[i], (size_t)FRAME_ID_BYTES);
		if (rc == RC_OK && replica_role(r) != ROLE_HOLDER)
			rc = query_run(r->db, err, "DELETE FROM frame WHERE id = ?1 AND state = ?2",
			    "bi", rec->frames[i], (size_t)FRAME_ID_BYTES, (int64_t)REPLICA_CARRIED);
	}
	return rc;
}

static enum rc
keep_receipt(struct replica *r, const struct receipt *rec, const uint8_t *p, size_t len,
    struct error *err)
{
	enum rc rc;

	if (memcmp(rec->device, r->identity.device, IDENTITY_ID_BYTES) != 0)
		return stop_carrying(r, rec, err);
	rc = query_run(r->db, err, "INSERT INTO receipt(kind, signer, at, outgoing, bytes)"
	    " VALUES (?1, ?2, ?3, 0, ?4)", "ibib", (int64_t)rec->kind, rec->signer,
	    sizeof(rec->signer), rec->at, p, len);
	for (size_t i = 0; i < rec->n_frames && rc == RC_OK; i++)
		rc = query_run(r->db, err, "UPDATE frame SET state = ?2 WHERE id = ?1 AND state = ?3",
		    "bii", rec->frames[i], (size_t)FRAME_ID_BYTES, (int64_t)REPLICA_STORED,
		    (int64_t)REPLICA_UNSENT);
	for (size_t i = 0; i < rec->n_scopes && rc == RC_OK; i++)
		for (size_t t = 0; t < rec->scopes[i].n_tips && rc == RC_OK; t++)
			rc = take_tip(r, &rec->scopes[i].tips[t], err);
	return rc;
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
		rc = query_run(r->db, err,
		    "INSERT OR IGNORE INTO waiting_receipt(bytes) VALUES (?1)", "b", p, len);
	else if (rc == RC_DENIED || rc == RC_AUTH)
		rc = replica_event(r, "receipt-refused", rc_name(rc));
	exchange_receipt_reset(&rec);
	return rc;
}

static enum rc
retry_receipts(struct replica *r, struct error *err)
{
	struct sqlite3_stmt *q;
	struct receipt rec;
	const uint8_t *p;
	size_t len;
	bool row = true;
	enum rc rc;

	rc = query_open(r->db, err, &q, "SELECT bytes FROM waiting_receipt", "");
	while (rc == RC_OK && (rc = query_next(q, &row, err)) == RC_OK && row) {
		p = query_column_blob(q, 0, &len);
		if (exchange_receipt_read(p, len, &rec) != RC_OK)
			continue;
		if (judge_receipt(r, &rec, p, len) == RC_OK) {
			rc = keep_receipt(r, &rec, p, len, err);
			if (rc == RC_OK)
				rc = query_run(r->db, err,
				    "DELETE FROM waiting_receipt WHERE bytes = ?1", "b", p, len);
		}
		exchange_receipt_reset(&rec);
	}
	query_close(q);
	return rc;
}

enum rc
replica_take_item(struct replica *r, enum item_type type, const uint8_t *p, size_t len,
    struct replica_sync_result *count, struct error *err)
{
	if (type == ITEM_STATEMENT)
		return replica_take_statement(r, p, len, err);
	if (type == ITEM_CERTIFICATE)
		return replica_take_certificate(r, p, len, err);
	if (type == ITEM_SHARE || type == ITEM_SHARE_LIST)
		return replica_take_share(r, type, p, len, err);
	if (type == ITEM_RECEIPT)
		return replica_take_receipt(r, p, len, err);
	if (type == ITEM_FRAME)
		return replica_take_frame(r, p, len, count, err);
	return RC_OK;	/* not meant for a replica: no harm */
}

/* Frames that may be acceptable now; their ids first, since taking one changes the table. */
static enum rc
retry_frames(struct replica *r, struct replica_sync_result *count, struct error *err)
{
	struct sqlite3_stmt *q;
	struct bytes ids, frame;
	const uint8_t *p;
	size_t len;
	bool row = true;
	enum rc rc;

	bytes_init(&ids);
	bytes_init(&frame);
	rc = query_open(r->db, err, &q, "SELECT id FROM frame WHERE state = ?1 OR (state = ?2"
	    " AND reason IN (?3, ?4)) OR (state = ?5 AND reason = ?6) ORDER BY added, id", "iiiiii",
	    (int64_t)REPLICA_WAITING, (int64_t)REPLICA_QUARANTINED, (int64_t)REASON_NOT_ALLOWED,
	    (int64_t)REASON_REFUSED, (int64_t)REPLICA_CARRIED, (int64_t)REASON_NO_KEY);
	while (rc == RC_OK && (rc = query_next(q, &row, err)) == RC_OK && row) {
		p = query_column_blob(q, 0, &len);
		if (len == FRAME_ID_BYTES)
			bytes_put(&ids, p, len);
	}
	query_close(q);
	if (rc == RC_OK)
		rc = ids.rc;
	for (size_t at = 0; rc == RC_OK && at < ids.len; at += FRAME_ID_BYTES) {
		frame.len = 0;
		rc = query_blob(r->db, err, &frame, "SELECT bytes FROM frame WHERE id = ?1", "b",
		    ids.data + at, (size_t)FRAME_ID_BYTES);
		if (rc == RC_OK)
			rc = replica_take_frame(r, frame.data, frame.len, count, err);
		else if (rc == RC_NOTFOUND)
			rc = RC_OK;	/* gone with one before it */
	}
	bytes_reset(&ids);
	bytes_reset(&frame);
	return rc;
}

/* What was written here into scopes that could not be read here, and now can. */
static enum rc
fold_own(struct replica *r, struct error *err)
{
	struct sqlite3_stmt *q;
	struct bytes logs;
	struct reader in;
	uint64_t log;
	bool row = true;
	enum rc rc;

	bytes_init(&logs);
	rc = query_open(r->db, err, &q, "SELECT id, unit, compartment FROM log WHERE folds = 0", "");
	while (rc == RC_OK && (rc = query_next(q, &row, err)) == RC_OK && row)
		if (directory_may_read(r->directory, replica_unit(r), replica_role(r),
		    query_column_text(q, 1), (unsigned)query_column_int(q, 2)))
			bytes_u64(&logs, (uint64_t)query_column_int(q, 0));
	query_close(q);
	if (rc == RC_OK)
		rc = logs.rc;
	reader_init(&in, logs.data, logs.len);
	while (rc == RC_OK && reader_left(&in) > 0) {
		log = reader_u64(&in);
		rc = query_run(r->db, err, "UPDATE log SET folds = 1 WHERE id = ?1", "i", (int64_t)log);
		if (rc == RC_OK)
			rc = fold_refold_log(r->fold, log, 1, err);
	}
	bytes_reset(&logs);
	return rc;
}

enum rc
replica_retry_waiting(struct replica *r, struct replica_sync_result *count, struct error *err)
{
	enum rc rc = RC_OK;

	if (!r->directory_grew && !r->keys_grew && !r->look_again)
		return RC_OK;
	for (int pass = 0; pass < 8 && rc == RC_OK && (pass == 0 || r->keys_grew); pass++) {
		r->keys_grew = false;
		rc = replica_retry_shares(r, err);
	}
	if (rc == RC_OK)
		rc = retry_receipts(r, err);
	if (rc == RC_OK)
		rc = fold_own(r, err);
	if (rc == RC_OK)
		rc = retry_frames(r, count, err);
	if (rc == RC_OK)
		r->directory_grew = r->keys_grew = r->look_again = false;
	return rc;
}

enum rc
replica_take(struct replica *r, int item_type, const uint8_t *payload, size_t len,
    struct replica_sync_result *count, struct error *err)
{
	enum rc rc;

	if ((rc = replica_begin(r, err)) != RC_OK)
		return rc;
	rc = replica_take_item(r, (enum item_type)item_type, payload, len, count, err);
	if (rc == RC_OK)
		rc = replica_retry_waiting(r, count, err);
	return replica_end(r, rc, err);
}
