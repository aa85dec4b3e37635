#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "shared/records/fold.h"
#include "shared/records/journal.h"
#include "shared/sync/replica_erase.h"
#include "shared/sync/replica_internal.h"
#include "shared/sync/replica_peer.h"
#include "shared/sync/replica_purge.h"
#include "shared/sync/replica_quota.h"
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

/*
 * A relay shows whom it shuts out nothing but the statement that does so, and not those before it.
 * It stands beside the chain, which goes on from where it was if it ever does; *taken: it is one of
 * this device.
 */
static enum rc
take_retirement(struct replica *r, const uint8_t *p, size_t len, bool *taken, struct error *err)
{
	struct device self;
	enum rc rc = directory_retirement_read(r->directory, p, len, r->identity.device, &self);

	*taken = rc == RC_OK;
	if (rc != RC_OK)
		return rc == RC_NOMEM ? rc : RC_OK;
	if ((rc = replica_setting_put(r->db, "retirement", p, len, err)) == RC_OK)
		rc = apply_limits(r, &self, err);
	free(self.heads);
	return rc;
}

enum rc
replica_take_statement(struct replica *r, const uint8_t *p, size_t len, struct error *err)
{
	uint64_t before = directory_count(r->directory);
	bool forked = false, taken = false;
	enum rc rc, own;

	rc = directory_add(r->directory, p, len, NULL, &forked, NULL);
	if (rc == RC_NOMEM)
		return rc;
	if (rc == RC_PROTOCOL && !forked &&
	    ((own = take_retirement(r, p, len, &taken, err)) != RC_OK || taken))
		return own;
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
	if (p[STATEMENT_TYPE_AT] == STATEMENT_ERASE)
		return replica_erase_apply(r, before, err);
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
	if (type == ITEM_KEY)
		return replica_peer_take(r, p, len, err);
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
	enum rc rc = replica_purge_sent(r, err);

	if (rc != RC_OK || (!r->directory_grew && !r->keys_grew && !r->look_again))
		return rc;
	for (int pass = 0; pass < 8 && rc == RC_OK && (pass == 0 || r->keys_grew); pass++) {
		r->keys_grew = false;
		rc = replica_retry_shares(r, err);
	}
	if (rc == RC_OK)
		rc = replica_retry_receipts(r, err);
	if (rc == RC_OK)
		rc = fold_own(r, err);
	if (rc == RC_OK)
		rc = retry_frames(r, count, err);
	if (rc == RC_OK)
		r->directory_grew = r->keys_grew = r->look_again = false;
	replica_quota_recount(r);
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
