#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "shared/records/journal.h"
#include "shared/sync/replica_relay.h"
#include "shared/sync/replica_syncing.h"
#include "shared/sync/replica_watch.h"
#include "shared/sync/transport.h"
#include "shared/vault/query.h"
#include "shared/vault/secret.h"

enum {
	UP_BYTES_MAX = 8 << 20,		/* frames of one request */
	DOWN_BYTES_MAX = 16 << 20,
	OFFER_BYTES_MIN = 16 << 10	/* less is handed in without asking */
};

enum rc
replica_request_number(struct sqlite3 *db, const char *name, uint64_t *out, struct error *err)
{
	uint8_t b[8];
	enum rc rc = replica_setting_get(db, name, b, sizeof(b), err);

	*out = bytes_load64(b);
	return rc == RC_NOTFOUND ? RC_OK : rc;
}

enum rc
replica_request_put_number(struct sqlite3 *db, const char *name, uint64_t v, struct error *err)
{
	uint8_t b[8];

	bytes_store64(b, v);
	return replica_setting_put(db, name, b, sizeof(b), err);
}

/* Lanes that the directory gives us now; new ones, and those asked for again, start from the beginning. */
static enum rc
update_lanes(struct replica *r, uint64_t base, uint8_t digest[16], struct error *err)
{
	uint8_t known[16];
	char **lanes = NULL;
	size_t n = 0;
	enum rc rc;

	if ((rc = directory_lanes(r->directory, r->identity.device, &lanes, &n, digest)) != RC_OK)
		return rc;
	rc = query_run(r->db, err, "UPDATE lane SET position = 0 WHERE position = -2", "");
	if (rc == RC_OK)
		rc = replica_setting_get(r->db, "lanes", known, sizeof(known), err);
	if (rc == RC_OK && memcmp(known, digest, sizeof(known)) == 0)
		goto out;
	if (rc != RC_OK && rc != RC_NOTFOUND)
		goto out;
	rc = query_run(r->db, err, "CREATE TEMP TABLE IF NOT EXISTS lane_now(name TEXT PRIMARY KEY)", "");
	if (rc == RC_OK)
		rc = query_run(r->db, err, "DELETE FROM lane_now", "");
	for (size_t i = 0; i < n && rc == RC_OK; i++) {
		rc = query_run(r->db, err, "INSERT INTO lane_now(name) VALUES (?1)", "t", lanes[i]);
		if (rc == RC_OK)
			rc = query_run(r->db, err,
			    "INSERT OR IGNORE INTO lane(name, position) VALUES (?1, ?2)", "ti",
			    lanes[i], (int64_t)(base == 0 ? -1 : 0));
	}
	if (rc == RC_OK)
		rc = query_run(r->db, err,
		    "DELETE FROM lane WHERE name NOT IN (SELECT name FROM lane_now)", "");
	if (rc == RC_OK)
		rc = replica_setting_put(r->db, "lanes", digest, 16, err);
out:
	directory_lanes_free(lanes, n);
	return rc;
}

static enum rc
add_behind(struct replica_syncing *s, struct hello *h, struct error *err)
{
	struct sqlite3_stmt *q;
	struct exchange_behind *b;
	bool row = true;
	size_t cap = 0;
	enum rc rc;

	rc = query_open(s->replica->db, err, &q,
	    "SELECT name, position FROM lane WHERE position >= 0 OR ?1 ORDER BY name", "i",
	    (int64_t)s->with_all_lanes);
	while (rc == RC_OK && (rc = query_next(q, &row, err)) == RC_OK && row) {
		if (h->n_behind == cap) {
			cap = cap ? 2 * cap : 16;
			if ((b = realloc(h->behind, cap * sizeof(*b))) == NULL) {
				rc = RC_NOMEM;
				break;
			}
			h->behind = b;
		}
		b = &h->behind[h->n_behind];
		if ((b->lane = strdup(query_column_text(q, 0))) == NULL) {
			rc = RC_NOMEM;
			break;
		}
		b->position = query_column_int(q, 1) < 0 ? h->position :
		    (uint64_t)query_column_int(q, 1);
		h->n_behind++;
	}
	query_close(q);
	return rc;
}

/* Frames of an upload that was not answered, as note_upload wrote them down. */
static enum rc
add_offered(struct replica_syncing *s, struct hello *h, struct error *err)
{
	struct bytes ids;
	enum rc rc;

	bytes_init(&ids);
	rc = query_blob(s->replica->db, err, &ids, "SELECT value FROM setting WHERE name = 'unsure'", "");
	if (rc == RC_OK && ids.len >= FRAME_ID_BYTES && ids.len <= EXCHANGE_OFFERED_MAX * FRAME_ID_BYTES) {
		h->n_offered = ids.len / FRAME_ID_BYTES;
		if ((h->offered = malloc(ids.len)) == NULL)
			rc = RC_NOMEM;
		else
			memcpy(h->offered, ids.data, h->n_offered * FRAME_ID_BYTES);
	}
	bytes_reset(&ids);
	return rc == RC_NOTFOUND ? RC_OK : rc;
}

static enum rc
put_hello(struct replica_syncing *s, struct error *err)
{
	struct replica *r = s->replica;
	struct hello h;
	struct bytes payload;
	enum rc rc;

	memset(&h, 0, sizeof(h));
	bytes_init(&payload);
	directory_province(r->directory, h.province);
	memcpy(h.device, r->identity.device, sizeof(h.device));
	h.directory_seq = directory_count(r->directory) - 1;
	(void)directory_head_at(r->directory, h.directory_seq, h.directory_head);
	h.down_max = DOWN_BYTES_MAX;
	rc = replica_setting_get(r->db, "generation", h.generation, sizeof(h.generation), err);
	if (rc == RC_OK || rc == RC_NOTFOUND)
		rc = replica_setting_get(r->db, "nonce", h.nonce, sizeof(h.nonce), err);
	if (rc == RC_OK || rc == RC_NOTFOUND)
		rc = replica_request_number(r->db, "position", &h.position, err);
	if (rc == RC_OK)
		rc = update_lanes(r, h.position, h.lanes_digest, err);
	if (s->with_all_lanes)	/* zeroes: serve what stands in `behind`, whatever you think */
		memset(h.lanes_digest, 0, sizeof(h.lanes_digest));
	if (rc == RC_OK)
		rc = add_behind(s, &h, err);
	if (rc == RC_OK && s->unsure)
		rc = add_offered(s, &h, err);
	if (rc == RC_OK)
		rc = exchange_hello_write(&h, r->identity.sign_seed, &payload);
	if (rc == RC_OK) {
		exchange_request_id(payload.data, payload.len, s->request);
		exchange_put(&s->message, ITEM_HELLO, payload.data, payload.len);
	}
	bytes_reset(&payload);
	exchange_hello_reset(&h);
	return rc;
}

static enum rc
put_certificate(struct replica_syncing *s, struct error *err)
{
	struct bytes cert;
	enum rc rc;

	bytes_init(&cert);
	rc = query_blob(s->replica->db, err, &cert,
	    "SELECT bytes FROM certificate WHERE device = ?1", "b", s->replica->identity.device,
	    (size_t)IDENTITY_ID_BYTES);
	if (rc == RC_OK)
		exchange_put(&s->message, ITEM_CERTIFICATE, cert.data, cert.len);
	bytes_reset(&cert);
	return rc;
}

static bool
was_tried(const struct replica_syncing *s, const uint8_t *id)
{
	for (size_t i = 0; i < s->n_tried; i++)
		if (memcmp(s->tried[i], id, FRAME_ID_BYTES) == 0)
			return true;
	return false;
}

static enum rc
note_tried(struct replica_syncing *s, const uint8_t *id)
{
	void *p;

	if (s->n_tried == s->cap_tried) {
		s->cap_tried = s->cap_tried ? 2 * s->cap_tried : 64;
		if ((p = realloc(s->tried, s->cap_tried * FRAME_ID_BYTES)) == NULL)
			return RC_NOMEM;
		s->tried = p;
	}
	memcpy(s->tried[s->n_tried++], id, FRAME_ID_BYTES);
	return RC_OK;
}

/* The certificate of a frame's author, if the chain does not name it: the relay may not know it. */
static enum rc
put_author(struct replica_syncing *s, const uint8_t *device, size_t len, struct error *err)
{
	const struct device *d = len == IDENTITY_ID_BYTES ?
	    directory_device(s->replica->directory, device) : NULL;
	struct bytes cert;
	enum rc rc = RC_OK;

	if (d == NULL || d->state != DEVICE_CERTIFIED ||
	    memcmp(device, s->replica->identity.device, len) == 0)
		return RC_OK;
	bytes_init(&cert);
	rc = query_blob(s->replica->db, err, &cert,
	    "SELECT bytes FROM certificate WHERE device = ?1", "b", device, len);
	if (rc == RC_OK)
		exchange_put(&s->message, ITEM_CERTIFICATE, cert.data, cert.len);
	bytes_reset(&cert);
	return rc == RC_NOTFOUND ? RC_OK : rc;
}

/*
 * Own frames without a receipt, and others' that came by a stick, oldest first, as
 * many as fit in a request.
 */
static enum rc
put_frames(struct replica_syncing *s, struct error *err)
{
	struct sqlite3_stmt *q;
	const uint8_t *p, *id, *device;
	size_t len, id_len, device_len;
	bool row = true;
	bool hub;
	enum rc rc;

	s->more = false;
	if ((rc = replica_at_hub(s->replica, &hub, err)) != RC_OK)
		return rc;
	/* what a hub has is handed in again where the province itself answers */
	rc = query_open(s->replica->db, err, &q, "SELECT id, bytes, entries, device FROM frame"
	    " WHERE (state = ?1 AND (forward = 0 OR NOT ?2)) OR forward = 1 OR (forward = 3 AND NOT ?2)"
	    " ORDER BY added, id", "ii", (int64_t)REPLICA_UNSENT, (int64_t)hub);
	while (rc == RC_OK && (rc = query_next(q, &row, err)) == RC_OK && row) {
		id = query_column_blob(q, 0, &id_len);
		if (id_len != FRAME_ID_BYTES || was_tried(s, id))
			continue;
		if (s->no_room)
			break;
		p = query_column_blob(q, 1, &len);
		if (s->unsure || s->sent_frames >= FRAMES_A_REQUEST_MAX ||
		    (s->message.len + len > UP_BYTES_MAX && s->sent_frames > 0)) {
			s->more = true;
			break;
		}
		device = query_column_blob(q, 3, &device_len);
		if ((rc = put_author(s, device, device_len, err)) != RC_OK)
			break;
		exchange_put(&s->message, ITEM_FRAME, p, len);
		s->sent_frames++;
		s->sent_entries += (uint64_t)query_column_int(q, 2);
		rc = note_tried(s, id);
	}
	query_close(q);
	return rc;
}

static enum rc
put_receipts(struct replica_syncing *s, struct error *err)
{
	struct sqlite3_stmt *q;
	const uint8_t *p;
	size_t len;
	bool row = true;
	enum rc rc;

	s->last_receipt = 0;
	rc = query_open(s->replica->db, err, &q,
	    "SELECT bytes, id FROM receipt WHERE outgoing = 1 ORDER BY id", "");
	while (rc == RC_OK && (rc = query_next(q, &row, err)) == RC_OK && row) {
		p = query_column_blob(q, 0, &len);
		s->last_receipt = query_column_int(q, 1);
		exchange_put(&s->message, ITEM_RECEIPT, p, len);
	}
	query_close(q);
	return rc;
}

/*
 * Frames as large as the link carries in a few seconds.  What was sealed goes as it is until it is
 * receipted, and a link that was good yesterday may be bad: large ones wait until a small one passed.
 * Nothing is sealed while the relay is only asked: what it says may show how good the link is.
 */
static enum rc
seal_for_link(struct replica_syncing *s, bool *more, struct error *err)
{
	struct replica *r = s->replica;
	uint64_t rate, bytes, before, left;
	bool one;
	enum rc rc;

	*more = false;
	if (s->unsure || s->no_room)
		return RC_OK;
	if ((rc = replica_request_number(r->db, "rate", &rate, err)) != RC_OK ||
	    (rc = journal_count_unsealed(r->db, &before, err)) != RC_OK)
		return rc;
	bytes = rate * REPLICA_FRAME_SECONDS;
	if (bytes < REPLICA_FRAME_BYTES_MIN)
		bytes = REPLICA_FRAME_BYTES_MIN;
	if (bytes > REPLICA_FRAME_BYTES_MAX)
		bytes = REPLICA_FRAME_BYTES_MAX;
	one = rate == 0 || (!s->proved && bytes > REPLICA_FRAME_BYTES_FIRST);
	rc = replica_seal(r, one ? REPLICA_FRAME_BYTES_FIRST : (size_t)bytes, one ? 1 : 0, err);
	if (rc == RC_OK && one) {
		rc = journal_count_unsealed(r->db, &left, err);
		*more = left > 0 && left < before;
	}
	return rc;
}

/*
 * The frames of this request are written down before it leaves: if its reply is lost, the
 * relay may have all of them, or some; and its nonce has turned, so that even after a request
 * without frames the next one only asks.
 */
static enum rc
note_upload(struct replica_syncing *s, struct error *err)
{
	static const uint8_t none;
	size_t n = (size_t)s->sent_frames;

	if (s->unsure)
		return RC_OK;
	s->unsure = true;
	return replica_setting_put(s->replica->db, "unsure",
	    n > 0 ? s->tried[s->n_tried - n] : &none, n * FRAME_ID_BYTES, err);
}

enum rc
replica_request_offer(struct replica_syncing *s, struct error *err)
{
	struct sqlite3 *db = s->replica->db;
	struct sqlite3_stmt *q;
	struct bytes ids;
	int64_t bytes = 0;
	const uint8_t *p;
	size_t len;
	bool row = true, hub;
	enum rc rc;

	if ((rc = replica_at_hub(s->replica, &hub, err)) != RC_OK)
		return rc;
	bytes_init(&ids);
	rc = query_open(db, err, &q, "SELECT id, length(bytes) FROM frame WHERE forward = 1"
	    " OR (forward IN (2, 3) AND NOT ?2) ORDER BY added, id LIMIT ?1", "ii",
	    (int64_t)EXCHANGE_OFFERED_MAX, (int64_t)hub);
	while (rc == RC_OK && (rc = query_next(q, &row, err)) == RC_OK && row) {
		p = query_column_blob(q, 0, &len);
		if (len == FRAME_ID_BYTES)
			bytes_put(&ids, p, len);
		bytes += query_column_int(q, 1);
	}
	query_close(q);
	if (rc == RC_OK && bytes >= OFFER_BYTES_MIN && (rc = ids.rc) == RC_OK) {
		s->unsure = true;
		rc = replica_setting_put(db, "unsure", ids.data, ids.len, err);
	}
	bytes_reset(&ids);
	return rc;
}

enum rc
replica_request_answered(struct replica_syncing *s)
{
	if (!s->unsure)
		return RC_OK;
	s->unsure = false;
	return query_run(s->replica->db, s->err, "DELETE FROM setting WHERE name = 'unsure'", "");
}

enum rc
replica_request_failed(struct replica_syncing *s, enum rc why, struct error *err)
{
	enum transport_trouble trouble = transport_trouble(s->transport);
	uint64_t rate;
	enum rc rc;

	s->n_tried = 0;
	if (why != RC_NET || (trouble != TROUBLE_NONE && !transport_trouble_passes(trouble)))
		return RC_OK;
	if ((rc = replica_request_number(s->replica->db, "rate", &rate, err)) != RC_OK)
		return rc;
	return replica_request_put_number(s->replica->db, "rate", rate / 4 + 1, err);
}

/* Entries of ours that no receipt names. */
static enum rc
entries_left(struct replica_syncing *s, uint64_t *out, struct error *err)
{
	int64_t sealed = 0;
	uint64_t unsealed;
	enum rc rc;

	*out = 0;
	if ((rc = journal_count_unsealed(s->replica->db, &unsealed, err)) != RC_OK ||
	    (rc = query_int(s->replica->db, err, &sealed, "SELECT coalesce(sum(entries), 0) FROM frame"
	    " WHERE state = ?1", "i", (int64_t)REPLICA_UNSENT)) != RC_OK)
		return rc;
	*out = unsealed + (uint64_t)sealed;
	return RC_OK;
}

enum rc
replica_request_build(struct replica_syncing *s, struct error *err)
{
	struct replica *r = s->replica;
	bool unsealed, asking = s->unsure;
	enum rc rc;

	s->message.len = 0;
	s->sent_frames = s->sent_entries = 0;
	if ((rc = seal_for_link(s, &unsealed, err)) != RC_OK ||
	    (rc = replica_begin(r, err)) != RC_OK)
		return rc;
	rc = put_hello(s, err);
	if (rc == RC_OK && s->with_certificate)
		rc = put_certificate(s, err);
	if (rc == RC_OK)
		rc = replica_watch_statements(s, err);
	if (rc == RC_OK)
		rc = put_frames(s, err);
	if (rc == RC_OK)
		rc = put_receipts(s, err);
	if (rc == RC_OK)
		rc = note_upload(s, err);
	if (rc == RC_OK)
		rc = entries_left(s, &s->progress.entries_left, err);
	if ((rc = replica_end(r, rc, err)) != RC_OK)
		return rc;
	s->more = s->more || unsealed || (asking && s->progress.entries_left > 0);
	exchange_put_end_up(&s->message);
	return s->message.rc;
}
