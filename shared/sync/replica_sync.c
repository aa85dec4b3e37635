#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "shared/records/journal.h"
#include "shared/sync/replica_internal.h"
#include "shared/sync/transport.h"
#include "shared/vault/query.h"
#include "shared/vault/secret.h"

enum {
	ROUNDS_MAX = 10000,
	FRUITLESS_MAX = 4,		/* rounds in a row that only set things straight */
	UP_BYTES_MAX = 8 << 20,		/* frames of one request */
	DOWN_BYTES_MAX = 16 << 20,
	RATE_SAMPLE_MIN = 8 << 10,	/* smaller transfers say nothing of the link */
	FRAMES_A_REQUEST_MAX = 1 << 20
};

struct lane { char *name; int64_t position; };	/* -1: with the base */

struct syncing {
	struct replica *replica;
	struct transport *transport;
	const struct replica_gate *gate;
	const char *url;		/* the transport's: the replica is only touched inside the gate */
	struct replica_sync_result *result;
	struct error *err;
	/* this round */
	struct bytes message;
	uint8_t request[16];
	struct exchange_stream stream;
	bool welcomed, ended, more, other_generation;
	bool moved;			/* something came, or the cursor went on */
	struct welcome welcome;
	uint64_t sent_frames, sent_entries;
	int64_t last_receipt;		/* of those handed in */
	/* this sync */
	bool with_certificate, with_all_lanes;
	unsigned generations;		/* that were new to us */
	bool unsure;			/* an upload may not have come to its end */
	uint64_t frames_max;		/* of one request */
	uint8_t (*tried)[FRAME_ID_BYTES];	/* frames handed in by this sync */
	size_t n_tried, cap_tried;
};

static void
enter(const struct syncing *s)
{
	if (s->gate != NULL && s->gate->enter != NULL)
		s->gate->enter(s->gate->ctx);
}

static void
leave(const struct syncing *s)
{
	if (s->gate != NULL && s->gate->leave != NULL)
		s->gate->leave(s->gate->ctx);
}

/* ---- what we ask ---- */

static enum rc
get_number(struct sqlite3 *db, const char *name, uint64_t *out, struct error *err)
{
	uint8_t b[8];
	enum rc rc = replica_setting_get(db, name, b, sizeof(b), err);

	*out = bytes_load64(b);
	return rc == RC_NOTFOUND ? RC_OK : rc;
}

static enum rc
put_number(struct sqlite3 *db, const char *name, uint64_t v, struct error *err)
{
	uint8_t b[8];

	bytes_store64(b, v);
	return replica_setting_put(db, name, b, sizeof(b), err);
}

/* Lanes that the directory gives us now; new ones start from the beginning. */
static enum rc
update_lanes(struct replica *r, uint64_t base, uint8_t digest[16], struct error *err)
{
	uint8_t known[16];
	char **lanes = NULL;
	size_t n = 0;
	enum rc rc;

	if ((rc = directory_lanes(r->directory, r->identity.device, &lanes, &n, digest)) != RC_OK)
		return rc;
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
add_behind(struct syncing *s, struct hello *h, struct error *err)
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

static enum rc
put_hello(struct syncing *s, struct error *err)
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
		rc = get_number(r->db, "position", &h.position, err);
	if (rc == RC_OK)
		rc = update_lanes(r, h.position, h.lanes_digest, err);
	if (s->with_all_lanes)	/* zeroes: serve what stands in `behind`, whatever you think */
		memset(h.lanes_digest, 0, sizeof(h.lanes_digest));
	if (rc == RC_OK)
		rc = add_behind(s, &h, err);
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
put_certificate(struct syncing *s, struct error *err)
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
was_tried(const struct syncing *s, const uint8_t *id)
{
	for (size_t i = 0; i < s->n_tried; i++)
		if (memcmp(s->tried[i], id, FRAME_ID_BYTES) == 0)
			return true;
	return false;
}

static enum rc
note_tried(struct syncing *s, const uint8_t *id)
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
put_author(struct syncing *s, const uint8_t *device, size_t len, struct error *err)
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
put_frames(struct syncing *s, struct error *err)
{
	struct sqlite3_stmt *q;
	const uint8_t *p, *id, *device;
	size_t len, id_len, device_len;
	bool row = true;
	enum rc rc;

	s->more = false;
	rc = query_open(s->replica->db, err, &q, "SELECT id, bytes, entries, device FROM frame"
	    " WHERE state = ?1 OR forward = 1 ORDER BY added, id", "i", (int64_t)REPLICA_UNSENT);
	while (rc == RC_OK && (rc = query_next(q, &row, err)) == RC_OK && row) {
		id = query_column_blob(q, 0, &id_len);
		if (id_len != FRAME_ID_BYTES || was_tried(s, id))
			continue;
		p = query_column_blob(q, 1, &len);
		if (s->sent_frames >= s->frames_max ||
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
put_receipts(struct syncing *s, struct error *err)
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

/* Frames as large as the link carries in a few seconds; one to begin with on an unknown one. */
static enum rc
seal_for_link(struct replica *r, bool *more, struct error *err)
{
	uint64_t rate, bytes, before, left;
	enum rc rc;

	*more = false;
	if ((rc = get_number(r->db, "rate", &rate, err)) != RC_OK ||
	    (rc = journal_count_unsealed(r->db, &before, err)) != RC_OK)
		return rc;
	bytes = rate * REPLICA_FRAME_SECONDS;
	if (bytes < REPLICA_FRAME_BYTES_MIN)
		bytes = REPLICA_FRAME_BYTES_MIN;
	if (bytes > REPLICA_FRAME_BYTES_MAX)
		bytes = REPLICA_FRAME_BYTES_MAX;
	rc = replica_seal(r, rate == 0 ? REPLICA_FRAME_BYTES_FIRST : (size_t)bytes,
	    rate == 0 ? 1 : 0, err);
	if (rc == RC_OK && rate == 0) {
		rc = journal_count_unsealed(r->db, &left, err);
		*more = left > 0 && left < before;
	}
	return rc;
}

/*
 * What an earlier upload brought there may be known only when it was answered whole.  After
 * one that was not, the first request carries one frame: the reply says what else came.
 */
static enum rc
note_upload(struct syncing *s, struct error *err)
{
	static const uint8_t yes = 1;

	if (s->sent_frames == 0 || s->unsure)
		return RC_OK;
	s->unsure = true;
	return replica_setting_put(s->replica->db, "unsure", &yes, sizeof(yes), err);
}

static enum rc
upload_was_answered(struct syncing *s)
{
	if (!s->unsure)
		return RC_OK;
	s->unsure = false;
	if (s->frames_max < FRAMES_A_REQUEST_MAX)
		s->frames_max *= 4;
	return query_run(s->replica->db, s->err, "DELETE FROM setting WHERE name = 'unsure'", "");
}

static enum rc
build(struct syncing *s, struct error *err)
{
	struct replica *r = s->replica;
	bool unsealed;
	enum rc rc;

	s->message.len = 0;
	s->sent_frames = s->sent_entries = 0;
	if ((rc = seal_for_link(r, &unsealed, err)) != RC_OK ||
	    (rc = replica_begin(r, err)) != RC_OK)
		return rc;
	rc = put_hello(s, err);
	if (rc == RC_OK && s->with_certificate)
		rc = put_certificate(s, err);
	if (rc == RC_OK)
		rc = put_frames(s, err);
	if (rc == RC_OK)
		rc = put_receipts(s, err);
	if (rc == RC_OK)
		rc = note_upload(s, err);
	if ((rc = replica_end(r, rc, err)) != RC_OK)
		return rc;
	s->more = s->more || unsealed;
	exchange_put(&s->message, ITEM_END, NULL, 0);
	return s->message.rc;
}

/* ---- what we are told ---- */

/* An item at `position` came: every lane stands at least there. */
static enum rc
move_cursor(struct syncing *s, uint64_t position, struct error *err)
{
	struct sqlite3 *db = s->replica->db;
	uint64_t base;
	int64_t behind;
	enum rc rc;

	if (s->other_generation)
		return RC_OK;
	if ((rc = get_number(db, "position", &base, err)) != RC_OK ||
	    (rc = query_int(db, err, &behind, "SELECT EXISTS (SELECT 1 FROM lane"
	    " WHERE position >= 0 AND position < ?1)", "i", (int64_t)position)) != RC_OK)
		return rc;
	s->moved = s->moved || behind != 0 || position > base;
	if (position >= base)
		rc = query_run(db, err, "UPDATE lane SET position = -1 WHERE position >= 0", "");
	else
		rc = query_run(db, err, "UPDATE lane SET position = ?1 WHERE position >= 0"
		    " AND position < ?1", "i", (int64_t)position);
	if (rc == RC_OK && position > base)
		rc = put_number(db, "position", position, err);
	return rc;
}

/* The relay was made again or restored: it is asked, and told, everything once more. */
static enum rc
new_generation(struct syncing *s, struct error *err)
{
	struct sqlite3 *db = s->replica->db;
	uint8_t known[16], none[16] = { 0 };
	enum rc rc;

	rc = replica_setting_get(db, "generation", known, sizeof(known), err);
	if (rc != RC_OK && rc != RC_NOTFOUND)
		return rc;
	if (memcmp(known, s->welcome.generation, sizeof(known)) == 0)
		return RC_OK;
	if ((rc = replica_setting_put(db, "generation", s->welcome.generation, 16, err)) != RC_OK)
		return rc;
	if (memcmp(known, none, sizeof(known)) == 0)
		return RC_OK;
	if (++s->generations > 2)
		return error_set(err, RC_PROTOCOL, s->url, "tell the province",
		    "the server changes its identity from one answer to the next");
	s->other_generation = true;
	s->n_tried = 0;
	if (replica_role(s->replica) == ROLE_HOLDER &&
	    /* others' frames are handed in again, and what is held is said again */
	    ((rc = query_run(db, err, "UPDATE frame SET forward = 1 WHERE state = ?1", "i",
	    (int64_t)REPLICA_CARRIED)) != RC_OK ||
	    (rc = query_run(db, err, "DELETE FROM held", "")) != RC_OK))
		return rc;
	if ((rc = put_number(db, "position", 0, err)) != RC_OK ||
	    (rc = query_run(db, err, "UPDATE lane SET position = -1", "")) != RC_OK ||
	    (rc = query_run(db, err, "UPDATE frame SET state = ?1 WHERE state = ?2", "ii",
	    (int64_t)REPLICA_UNSENT, (int64_t)REPLICA_STORED)) != RC_OK)
		return rc;
	return replica_event(s->replica, "relay-restored", "");
}

/* Does the relay show others another directory than ours? */
static enum rc
compare_chains(struct syncing *s)
{
	uint8_t head[16];

	if (!directory_head_at(s->replica->directory, s->welcome.directory_seq, head) ||
	    memcmp(head, s->welcome.directory_head, sizeof(head)) == 0)
		return RC_OK;
	return replica_event(s->replica, "directory-fork", s->url);
}

static enum rc
take_welcome(struct syncing *s, const uint8_t *p, size_t len)
{
	static const char help[] = "check the server's address; ask the province";
	struct replica *r = s->replica;
	const struct device *relay;
	struct welcome *w = &s->welcome;
	enum rc rc;

	if ((rc = exchange_welcome_read(p, len, w)) != RC_OK)
		return error_set(s->err, rc == RC_NOMEM ? rc : RC_PROTOCOL, s->url, help,
		    "the server's welcome cannot be read");
	relay = directory_device(r->directory, w->relay);
	if (w->status == STATUS_OTHER_PROVINCE)
		return error_set(s->err, RC_DENIED, s->url, help,
		    "the server belongs to another province");
	if (relay == NULL || relay->role != ROLE_RELAY || relay->state != DEVICE_ADMITTED ||
	    exchange_welcome_verify(p, len, relay->cert.sign_public) != RC_OK)
		return error_set(s->err, RC_PROTOCOL, s->url, help,
		    "the answer is not signed by a relay of this province");
	if (memcmp(w->request, s->request, sizeof(s->request)) != 0)
		return error_set(s->err, RC_PROTOCOL, s->url, "sync again",
		    "the answer belongs to another request");
	s->welcomed = true;
	if ((rc = replica_setting_put(r->db, "nonce", w->nonce, sizeof(w->nonce), s->err)) != RC_OK)
		return rc;
	if (w->status != STATUS_OK)
		return RC_OK;
	rc = compare_chains(s);
	return rc == RC_OK ? new_generation(s, s->err) : rc;
}

static enum rc
damaged(struct syncing *s)
{
	return error_set(s->err, RC_PROTOCOL, s->url,
	    "sync again; what came before is kept", "the answer was damaged on the way");
}

/* Something with a place in the sequence: take it, and stand behind it. */
static enum rc
take_placed(struct syncing *s, enum item_type type, const uint8_t *payload, size_t len)
{
	const uint8_t *p = NULL;
	uint64_t position;
	size_t n = 0;
	enum rc rc;

	if (type == ITEM_FRAME)
		rc = exchange_frame_down_read(payload, len, &position, &p, &n);
	else
		rc = exchange_lane_read(payload, len, &position, &type, &p, &n);
	if (rc == RC_FORMAT || position > INT64_MAX)
		return damaged(s);
	if (rc == RC_OK)
		rc = replica_take_item(s->replica, type, p, n, s->result, s->err);
	else if (rc == RC_NEWER)
		rc = RC_OK;	/* of a kind to come: passed over */
	if (rc != RC_OK || s->welcome.status != STATUS_OK)
		return rc;
	return move_cursor(s, position, s->err);
}

static enum rc
take_end(struct syncing *s, const uint8_t *payload, size_t len)
{
	uint64_t position;
	bool more;
	enum rc rc;

	if (exchange_end_read(payload, len, &position, &more) != RC_OK || position > INT64_MAX)
		return damaged(s);
	s->more = s->more || more;
	s->ended = true;
	if (s->welcome.status == STATUS_STALE || s->welcome.status == STATUS_UNKNOWN_DEVICE ||
	    s->welcome.status == STATUS_TOO_MANY)
		return RC_OK;	/* nothing happened there */
	if ((rc = upload_was_answered(s)) != RC_OK || s->welcome.status != STATUS_OK)
		return rc;
	/* those that were signed while we waited go with the next request */
	rc = query_run(s->replica->db, s->err, "UPDATE receipt SET outgoing = 2"
	    " WHERE outgoing = 1 AND id <= ?1", "i", s->last_receipt);
	return rc != RC_OK ? rc : move_cursor(s, position, s->err);
}

static enum rc
take_item(void *ctx, enum item_type type, const uint8_t *payload, size_t len)
{
	struct syncing *s = ctx;

	if (type == ITEM_WELCOME)
		return take_welcome(s, payload, len);
	if (!s->welcomed)
		return error_set(s->err, RC_PROTOCOL, s->url,
		    "check the server's address", "the server did not begin with a welcome");
	if (type == ITEM_FRAME || type == ITEM_LANE)
		return take_placed(s, type, payload, len);
	if (type == ITEM_END)
		return take_end(s, payload, len);
	return replica_take_item(s->replica, type, payload, len, s->result, s->err);
}

/*
 * Whatever came in one piece is one transaction: whole items in it are kept,
 * with the cursor behind them, even if nothing comes after.
 */
static enum rc
take_piece(void *ctx, const void *p, size_t len)
{
	struct syncing *s = ctx;
	enum rc rc, fed;

	enter(s);
	if ((rc = replica_begin(s->replica, s->err)) == RC_OK) {
		fed = exchange_stream_feed(&s->stream, p, len);
		/* a break of the protocol does not undo what came whole before it */
		rc = replica_end(s->replica, fed == RC_PROTOCOL ? RC_OK : fed, s->err);
		if (rc == RC_OK)
			rc = fed;
	}
	leave(s);
	return rc;
}

static enum rc
learn_rate(struct syncing *s, uint64_t bytes, int64_t ms, struct error *err)
{
	if (bytes < RATE_SAMPLE_MIN)
		return RC_OK;
	return put_number(s->replica->db, "rate", bytes * 1000 / (uint64_t)(ms > 0 ? ms : 1), err);
}

static enum rc
post(struct syncing *s)
{
	int64_t start = clock_monotonic_ms();
	enum rc rc;

	exchange_stream_init(&s->stream, take_item, s);
	s->welcomed = s->ended = s->other_generation = s->moved = false;
	rc = transport_post(s->transport, "/sync", s->message.data, s->message.len, take_piece,
	    s, s->err);
	if (rc == RC_PROTOCOL)
		(void)error_set(s->err, rc, s->url,
		    "check the network: it may ask for a login page first",
		    "something answers that is not a sync-server");
	if (rc == RC_OK && !s->ended)
		rc = error_set(s->err, RC_NET, s->url,
		    "sync again; what came is kept", "the answer was cut");
	exchange_stream_reset(&s->stream);
	enter(s);
	if (rc == RC_OK)
		rc = learn_rate(s, s->message.len, clock_monotonic_ms() - start, s->err);
	leave(s);
	return rc;
}

/* What a status other than ok asks of us.  *again: the same round once more. */
static enum rc
obey(struct syncing *s, bool *again)
{
	const char *url = s->url;

	*again = true;
	switch (s->welcome.status) {
	case STATUS_STALE:
		s->n_tried = 0;	/* nothing happened there: the frames go again */
		return RC_OK;
	case STATUS_UNKNOWN_DEVICE:
		if (s->with_certificate)
			return error_set(s->err, RC_DENIED, url, "ask the province",
			    "the server does not accept this device");
		s->with_certificate = true;
		s->n_tried = 0;
		return RC_OK;
	case STATUS_LANES:
		s->with_all_lanes = true;
		return RC_OK;
	case STATUS_RETIRED:
		return error_set(s->err, RC_DENIED, url, "hand the laptop to your province",
		    "this device has been retired");
	case STATUS_OTHER_PROVINCE:
		return RC_DENIED;
	case STATUS_TOO_MANY:
		return error_set(s->err, RC_UNAVAILABLE, url, "sync again in a while",
		    "the server asks to wait");
	case STATUS_WAITING:
		s->result->waits_for_admission = true;
		*again = false;
		s->more = false;
		return RC_OK;
	case STATUS_OK:
		break;
	}
	*again = false;
	return RC_OK;
}

static enum rc
settle(struct syncing *s)
{
	enum rc rc;

	enter(s);
	if (s->replica->directory_grew)
		s->more = s->moved = true;	/* there may be lanes now that were not asked for */
	if ((rc = replica_begin(s->replica, s->err)) == RC_OK)
		rc = replica_end(s->replica,
		    replica_retry_waiting(s->replica, s->result, s->err), s->err);
	leave(s);
	return rc;
}

static enum rc
one_round(struct syncing *s, bool *again)
{
	enum rc rc;

	*again = false;
	enter(s);
	rc = build(s, s->err);
	leave(s);
	if (rc != RC_OK || (rc = post(s)) != RC_OK || (rc = obey(s, again)) != RC_OK || *again)
		return rc;
	s->result->sent_frames += s->sent_frames;
	s->result->sent_entries += s->sent_entries;
	s->result->relay_quarantined += s->welcome.quarantined;
	if (s->other_generation)
		s->more = s->moved = true;
	return settle(s);
}

static void
finish(struct syncing *s, int64_t start)
{
	struct replica_sync_result *out = s->result;
	struct transport_stats stats;
	struct replica_status status;

	transport_stats(s->transport, &stats);
	out->requests = stats.requests;
	out->bytes_up = stats.bytes_up;
	out->bytes_down = stats.bytes_down;
	out->milliseconds = clock_monotonic_ms() - start;
	enter(s);
	if (replica_status(s->replica, &status, NULL) == RC_OK) {
		out->waiting = status.waiting;
		out->quarantined = status.quarantined;
		out->receipt_level = status.receipt_level;
		out->receipt_at = status.receipt_at;
	}
	leave(s);
}

/* Was the last upload answered? */
static enum rc
start_syncing(struct syncing *s)
{
	uint8_t yes;
	enum rc rc;

	enter(s);
	rc = replica_setting_get(s->replica->db, "unsure", &yes, sizeof(yes), s->err);
	leave(s);
	s->unsure = rc == RC_OK;
	s->frames_max = s->unsure ? 1 : FRAMES_A_REQUEST_MAX;
	return rc == RC_NOTFOUND ? RC_OK : rc;
}

enum rc
replica_sync(struct replica *r, struct transport *t, const struct replica_gate *gate,
    struct replica_sync_result *out, struct error *err)
{
	struct syncing s;
	struct error local = { 0 };
	int64_t start = clock_monotonic_ms();
	int fruitless = 0;
	bool again, more = true;
	enum rc rc = RC_OK;

	memset(out, 0, sizeof(*out));
	memset(&s, 0, sizeof(s));
	s.replica = r;
	s.transport = t;
	s.url = transport_url(t);
	s.gate = gate;
	s.result = out;
	s.err = err != NULL ? err : &local;
	if ((rc = start_syncing(&s)) != RC_OK)
		return rc;
	for (int round = 0; round < ROUNDS_MAX && more && rc == RC_OK; round++) {
		rc = one_round(&s, &again);
		fruitless = again || (!s.moved && s.sent_frames == 0) ? fruitless + 1 : 0;
		more = again || s.more;
		if (rc == RC_OK && fruitless > FRUITLESS_MAX)
			rc = error_set(s.err, RC_PROTOCOL, s.url, "sync again later",
			    "the server and this device do not come to terms");
	}
	finish(&s, start);
	bytes_reset(&s.message);
	free(s.tried);
	return rc;
}
