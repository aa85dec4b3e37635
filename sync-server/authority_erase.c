/* Erasures: the authority's side.  What is found in the relay's store is erasure.c's. */
#include <stdlib.h>
#include <string.h>

#include "shared/sync/exchange.h"
#include "shared/sync/frame.h"
#include "shared/vault/query.h"
#include "shared/vault/secret.h"
#include "sync-server/authority_internal.h"

enum rc
authority_erase(struct authority *a, const char *order, const struct erasure *list, size_t n,
    struct error *err)
{
	struct bytes payload;
	char *clean = NULL;
	uint64_t seq;
	enum rc rc;

	if ((rc = authority_text("order", order, DIRECTORY_REASON_MAX, &clean, err)) != RC_OK)
		return rc;
	bytes_init(&payload);
	directory_write_erase(clean, list, n, &payload);
	if (payload.len > DIRECTORY_PAYLOAD_MAX)
		rc = error_set(err, RC_LIMIT, "order", "split the order in several",
		    "one statement cannot name so many entries");
	else if ((rc = payload.rc) == RC_OK && (rc = authority_begin(a, err)) == RC_OK)
		rc = authority_end(a, authority_statement(a, STATEMENT_ERASE, &payload, &seq, err), err);
	bytes_reset(&payload);
	free(clean);
	return rc;
}

static enum rc
keep(struct authority *a, const uint8_t old[FRAME_ID_BYTES], const uint8_t id[FRAME_ID_BYTES],
    const struct bytes *frame, struct error *err)
{
	enum rc rc;

	rc = query_run(a->db, err, "INSERT OR REPLACE INTO resealed(frame, told, bytes)"
	    " VALUES (?1, x'', ?2)", "bb", id, (size_t)FRAME_ID_BYTES, frame->data, frame->len);
	/* what stood for others and is replaced now gives them to what replaces it */
	if (rc == RC_OK)
		rc = query_run(a->db, err, "UPDATE resealed_from SET frame = ?2 WHERE frame = ?1", "bb", old,
		    (size_t)FRAME_ID_BYTES, id, (size_t)FRAME_ID_BYTES);
	if (rc == RC_OK)
		rc = query_run(a->db, err, "DELETE FROM resealed WHERE frame = ?1", "b", old,
		    (size_t)FRAME_ID_BYTES);
	return rc != RC_OK ? rc : query_run(a->db, err, "INSERT OR REPLACE INTO resealed_from(old, frame)"
	    " VALUES (?1, ?2)", "bb", old, (size_t)FRAME_ID_BYTES, id, (size_t)FRAME_ID_BYTES);
}

enum rc
authority_reseal(struct authority *a, const struct frame_header *of, const uint8_t *cargo,
    size_t len, struct error *err)
{
	const struct scope_key *key = directory_scope_key_at(a->directory, of->unit, of->compartment,
	    of->epoch);
	struct frame_header h = *of;
	uint8_t id[FRAME_ID_BYTES];
	struct bytes frame;
	enum rc rc;

	if (key == NULL)
		return RC_INTERNAL;
	if ((rc = authority_may_sign(a, err)) != RC_OK)
		return rc;
	h.kind = FRAME_RESEALED;
	h.directory_seq = directory_count(a->directory) - 1;
	(void)directory_head_at(a->directory, h.directory_seq, h.directory_head);
	bytes_init(&frame);
	rc = frame_seal(&h, key->public_key, a->root, cargo, len, &frame);
	if (rc == RC_OK) {
		frame_id(frame.data, frame.len, id);
		if ((rc = authority_begin(a, err)) == RC_OK)
			rc = authority_end(a, keep(a, of->id, id, &frame, err), err);
	}
	bytes_reset(&frame);
	return rc;
}

enum rc
authority_frame_secret(struct authority *a, const struct frame_header *h, struct secret **out,
    uint8_t public_key[32], struct error *err)
{
	const struct scope_key *key = directory_scope_key_at(a->directory, h->unit, h->compartment,
	    h->epoch);

	*out = NULL;
	if (key == NULL)
		return RC_NOTFOUND;
	memcpy(public_key, key->public_key, sizeof(key->public_key));
	return authority_scope_secret(a, h->unit, h->compartment, h->epoch, out, err);
}

/* ---- telling the relay ---- */

static enum rc
put_item(struct authority *a, const uint8_t *id, const uint8_t *frame, size_t len,
    struct bytes *out, struct error *err)
{
	struct sqlite3_stmt *q = NULL;
	struct bytes item, ids;
	const uint8_t *p;
	size_t n = 0, old;
	bool row = false;
	enum rc rc;

	bytes_init(&item);
	bytes_init(&ids);
	rc = query_open(a->db, err, &q, "SELECT old FROM resealed_from WHERE frame = ?1", "b", id,
	    (size_t)FRAME_ID_BYTES);
	while (rc == RC_OK && (rc = query_next(q, &row, err)) == RC_OK && row) {
		p = query_column_blob(q, 0, &old);
		bytes_put(&ids, p, old);
		n++;
	}
	query_close(q);
	bytes_varint(&item, n);
	bytes_put(&item, ids.data, ids.len);
	bytes_put(&item, frame, len);
	if (rc == RC_OK)
		rc = ids.rc != RC_OK ? ids.rc : item.rc;
	if (rc == RC_OK)
		exchange_put(out, ITEM_RESEALED, item.data, item.len);
	bytes_reset(&item);
	bytes_reset(&ids);
	return rc;
}

enum rc
authority_put_resealed(struct authority *a, const uint8_t generation[16], size_t bytes_max,
    struct bytes *out, struct error *err)
{
	struct sqlite3_stmt *q = NULL;
	struct bytes sent;
	const uint8_t *id, *p;
	uint8_t copy[FRAME_ID_BYTES];
	size_t id_len, len;
	bool row = false;
	enum rc rc;

	bytes_init(&sent);
	if ((rc = query_run(a->db, err, "UPDATE resealed SET sent = 0 WHERE sent <> 0", "")) == RC_OK)
		rc = query_open(a->db, err, &q, "SELECT frame, bytes FROM resealed WHERE told <> ?1", "b",
		    generation, (size_t)16);
	while (rc == RC_OK && out->len < bytes_max && (rc = query_next(q, &row, err)) == RC_OK && row) {
		id = query_column_blob(q, 0, &id_len);
		if (id_len != sizeof(copy))
			continue;
		memcpy(copy, id, sizeof(copy));
		p = query_column_blob(q, 1, &len);
		rc = put_item(a, copy, p, len, out, err);
		bytes_put(&sent, copy, sizeof(copy));
	}
	query_close(q);
	for (size_t at = 0; rc == RC_OK && at < sent.len; at += FRAME_ID_BYTES)
		rc = query_run(a->db, err, "UPDATE resealed SET sent = 1 WHERE frame = ?1", "b",
		    sent.data + at, (size_t)FRAME_ID_BYTES);
	if (rc == RC_OK)
		rc = sent.rc;
	bytes_reset(&sent);
	return rc;
}

enum rc
authority_resealed_told(struct authority *a, const uint8_t generation[16], bool *more,
    struct error *err)
{
	int64_t left = 0;
	enum rc rc = query_run(a->db, err, "UPDATE resealed SET told = ?1, sent = 0 WHERE sent = 1", "b",
	    generation, (size_t)16);

	if (rc == RC_OK)
		rc = query_int(a->db, err, &left, "SELECT EXISTS (SELECT 1 FROM resealed WHERE told <> ?1)", "b",
		    generation, (size_t)16);
	*more = left != 0;
	return rc;
}
