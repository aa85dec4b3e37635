/* What a relay answers, item by item. */
#include <string.h>

#include "shared/sync/replica_quota.h"
#include "shared/sync/replica_relay.h"
#include "shared/sync/replica_syncing.h"
#include "shared/sync/replica_watch.h"
#include "shared/vault/query.h"

enum { AUDIT_BYTES = 8 + 16 };		/* number of lines, head */

static const char *
say(const struct replica_syncing *s, const char *en, const char *vi)
{
	return s->line.vietnamese ? vi : en;
}

/* An item at `position` came: every lane stands at least there. */
static enum rc
move_cursor(struct replica_syncing *s, uint64_t position, struct error *err)
{
	struct sqlite3 *db = s->replica->db;
	uint64_t base;
	int64_t behind;
	enum rc rc;

	/* a relay that lacks statements served only the lanes that it knows of: which, nobody can tell */
	if (s->other_generation || (s->with_all_lanes &&
	    s->welcome.directory_seq + 1 < directory_count(s->replica->directory)))
		return RC_OK;
	if ((rc = replica_request_number(db, "position", &base, err)) != RC_OK ||
	    (rc = query_int(db, err, &behind, "SELECT EXISTS (SELECT 1 FROM lane"
	    " WHERE position >= 0 AND position < ?1)", "i", (int64_t)position)) != RC_OK)
		return rc;
	s->moved = s->moved || behind != 0 || position > base;
	s->progress.places_left = s->welcome.last > position ? s->welcome.last - position : 0;
	if (position >= base)
		rc = query_run(db, err, "UPDATE lane SET position = -1 WHERE position >= 0", "");
	else
		rc = query_run(db, err, "UPDATE lane SET position = ?1 WHERE position >= 0"
		    " AND position < ?1", "i", (int64_t)position);
	if (rc == RC_OK && position > base)
		rc = replica_request_put_number(db, "position", position, err);
	return rc;
}

/* What the province said it has is offered to a hub: by name, as what is carried. */
static enum rc
offer_all(struct replica_syncing *s, struct error *err)
{
	s->other_generation = true;
	return query_run(s->replica->db, err, "UPDATE frame SET forward = ?1 WHERE state = ?2"
	    " OR (state = ?3 AND ?4)", "iiii", (int64_t)FORWARD_CARRIED, (int64_t)REPLICA_STORED,
	    (int64_t)REPLICA_CARRIED, (int64_t)(replica_role(s->replica) == ROLE_HOLDER));
}

/* The relay was made again or restored: it is asked, and told, everything once more. */
static enum rc
new_generation(struct replica_syncing *s, struct error *err)
{
	static const uint8_t yes = 1;
	struct sqlite3 *db = s->replica->db;
	uint8_t known[16], none[16] = { 0 };
	bool by_hand = false;
	enum rc rc;

	rc = replica_setting_get(db, "generation", known, sizeof(known), err);
	if (rc != RC_OK && rc != RC_NOTFOUND)
		return rc;
	if (memcmp(known, s->welcome.generation, sizeof(known)) == 0 &&
	    ((rc = replica_watch_rolled_back(s, &by_hand)) != RC_OK || !by_hand))
		return rc;
	if ((rc = replica_setting_put(db, "generation", s->welcome.generation, 16, err)) != RC_OK)
		return rc;
	/* a hub that was never met may know of a restored province before we do */
	if (memcmp(known, none, sizeof(known)) == 0)
		return replica_is_hub(s->replica, s->welcome.relay) ? offer_all(s, err) : RC_OK;
	if (++s->generations > 2)
		return error_set(err, RC_PROTOCOL, s->url, "tell the province",
		    "the server changes its identity from one answer to the next");
	s->other_generation = true;
	s->n_tried = 0;
	if ((rc = replica_setting_put(db, "restored", &yes, sizeof(yes), err)) != RC_OK ||
	    (rc = replica_quota_forget(s->replica, true, err)) != RC_OK ||
	    (rc = replica_forget_set_aside(s->replica, err)) != RC_OK ||
	    (rc = replica_forget_receipts(s->replica, s->welcome.relay, err)) != RC_OK)
		return rc;
	if (replica_is_hub(s->replica, s->welcome.relay)) {
		/* it was restored, or the province above it: what we left with it is handed in again */
		if ((rc = replica_forget_hub(s->replica, err)) != RC_OK ||
		    (rc = offer_all(s, err)) != RC_OK ||
		    (rc = replica_request_put_number(db, "position", 0, err)) != RC_OK ||
		    (rc = query_run(db, err, "UPDATE lane SET position = -1", "")) != RC_OK)
			return rc;
		return replica_event(s->replica, "relay-restored", "");
	}
	if (replica_role(s->replica) == ROLE_HOLDER &&
	    /* others' frames are handed in again, and what is held is said again */
	    ((rc = query_run(db, err, "UPDATE frame SET forward = 1 WHERE state = ?1", "i",
	    (int64_t)REPLICA_CARRIED)) != RC_OK ||
	    (rc = query_run(db, err, "DELETE FROM held", "")) != RC_OK))
		return rc;
	if ((rc = replica_request_put_number(db, "position", 0, err)) != RC_OK ||
	    (rc = query_run(db, err, "UPDATE lane SET position = -1", "")) != RC_OK ||
	    (rc = query_run(db, err, "UPDATE frame SET state = ?1 WHERE state = ?2", "ii",
	    (int64_t)REPLICA_UNSENT, (int64_t)REPLICA_STORED)) != RC_OK)
		return rc;
	return replica_event(s->replica, by_hand ? "relay-rolled-back" : "relay-restored", "");
}

/*
 * The head of the relay's audit log is carried away: a log that is shorter than it was, or that
 * has another head at the same length, was tampered with (or put back, in a new generation).
 */
static enum rc
carry_audit(struct replica_syncing *s)
{
	const struct welcome *w = &s->welcome;
	struct sqlite3 *db = s->replica->db;
	uint8_t known[AUDIT_BYTES], now_known[AUDIT_BYTES];
	uint64_t n;
	enum rc rc;

	rc = replica_setting_get(db, "audit", known, sizeof(known), s->err);
	if (rc != RC_OK && rc != RC_NOTFOUND)
		return rc;
	n = bytes_load64(known);
	bytes_store64(now_known, w->audit);
	memcpy(now_known + 8, w->audit_head, sizeof(w->audit_head));
	if (memcmp(known, now_known, sizeof(known)) == 0)
		return RC_OK;
	s->result->audit_cut = rc == RC_OK && !s->other_generation && w->audit <= n;
	if (s->result->audit_cut)
		return replica_event(s->replica, "audit-cut", s->url);	/* the head we have is the proof */
	return replica_setting_put(db, "audit", now_known, sizeof(now_known), s->err);
}

/* Does the relay show others another directory than ours? */
static enum rc
compare_chains(struct replica_syncing *s)
{
	uint8_t head[16];

	if (!directory_head_at(s->replica->directory, s->welcome.directory_seq, head) ||
	    memcmp(head, s->welcome.directory_head, sizeof(head)) == 0)
		return RC_OK;
	return replica_event(s->replica, "directory-fork", s->url);
}

static enum rc
take_welcome(struct replica_syncing *s, const uint8_t *p, size_t len)
{
	const char *help = say(s, "check the server's address; ask the province",
	    "kiểm tra địa chỉ máy chủ; hỏi tỉnh");
	struct replica *r = s->replica;
	const struct device *relay;
	struct welcome *w = &s->welcome;
	bool switched;
	enum rc rc;

	if ((rc = exchange_welcome_read(p, len, w)) != RC_OK)
		return error_set(s->err, rc == RC_NOMEM ? rc : RC_PROTOCOL, s->url, help, "%s",
		    say(s, "the server's welcome cannot be read", "không đọc được lời chào của máy chủ"));
	relay = directory_device(r->directory, w->relay);
	if (w->status == STATUS_OTHER_PROVINCE)
		return error_set(s->err, RC_DENIED, s->url, help, "%s",
		    say(s, "the server belongs to another province", "máy chủ thuộc tỉnh khác"));
	/* a hub that is newer than our directory: it may show us, signed by the root, who it is */
	s->stranger = relay == NULL || relay->state == DEVICE_CERTIFIED;
	if (s->stranger && memcmp(w->request, s->request, sizeof(s->request)) == 0) {
		s->welcomed = true;
		return replica_setting_put(r->db, "nonce", w->nonce, sizeof(w->nonce), s->err);
	}
	if (relay == NULL || relay->role != ROLE_RELAY || relay->state != DEVICE_ADMITTED ||
	    exchange_welcome_verify(p, len, relay->cert.sign_public) != RC_OK)
		return error_set(s->err, RC_PROTOCOL, s->url, help, "%s",
		    say(s, "the answer is not signed by a relay of this province",
		    "câu trả lời không do máy chủ của tỉnh này ký"));
	if (memcmp(w->request, s->request, sizeof(s->request)) != 0)
		return error_set(s->err, RC_PROTOCOL, s->url, say(s, "sync again", "đồng bộ lại"), "%s",
		    say(s, "the answer belongs to another request", "câu trả lời thuộc về một yêu cầu khác"));
	s->welcomed = s->met = true;
	if ((rc = replica_meet_relay(r, w->relay, &switched, s->err)) != RC_OK ||
	    (rc = replica_remember_address(r, s->url, w->relay, s->err)) != RC_OK)
		return rc;
	if (switched) {		/* the request had another's cursor */
		s->other_generation = true;
		s->n_tried = 0;
	}
	if (w->status == STATUS_FULL) {		/* all else is as ever */
		s->no_room = s->result->relay_full = true;
		w->status = STATUS_OK;
	}
	if ((rc = replica_setting_put(r->db, "nonce", w->nonce, sizeof(w->nonce), s->err)) != RC_OK)
		return rc;
	/* a retired device hands in again, too, what a restored relay has forgotten */
	if (w->status == STATUS_RETIRED)
		return (rc = replica_forget_set_aside(r, s->err)) != RC_OK ? rc :
		    new_generation(s, s->err);
	if (w->status != STATUS_OK)
		return RC_OK;
	rc = compare_chains(s);
	if (rc == RC_OK)
		rc = replica_watch_welcome(s);
	if (rc == RC_OK)
		rc = new_generation(s, s->err);
	return rc == RC_OK ? carry_audit(s) : rc;
}

enum rc
replica_reply_damaged(struct replica_syncing *s)
{
	return error_set(s->err, RC_PROTOCOL, s->url, say(s, "sync again; what came before is kept",
	    "đồng bộ lại; những gì đã nhận vẫn còn"), "%s",
	    say(s, "the answer was damaged on the way", "câu trả lời bị hỏng trên đường truyền"));
}

/* One thing, without or with a place in the relay's sequence.  What there is no room for is asked for again. */
static enum rc
take(struct replica_syncing *s, uint64_t position, enum item_type type, const uint8_t *p,
    size_t len)
{
	uint64_t before = s->replica->refused, refused;
	enum rc rc = replica_take_item(s->replica, type, p, len, s->result, s->err);

	refused = s->replica->refused - before;
	s->refused += refused;
	if (rc != RC_OK || refused == 0 || position == 0 || s->welcome.status != STATUS_OK ||
	    s->other_generation)
		return rc;
	/* the lines of a list stand before its place */
	return replica_quota_remember(s->replica, type == ITEM_SHARE_LIST ? 1 : position, refused, s->err);
}

/* Something with a place in the sequence: take it, and stand behind it. */
static enum rc
take_placed(struct replica_syncing *s, enum item_type type, const uint8_t *payload, size_t len)
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
		return replica_reply_damaged(s);
	if (rc == RC_OK)
		rc = take(s, position, type, p, n);
	else if (rc == RC_NEWER)
		rc = RC_OK;	/* of a kind to come: passed over */
	if (rc != RC_OK || s->welcome.status != STATUS_OK)
		return rc;
	return move_cursor(s, position, s->err);
}

/* What was in the request, and is by nobody, is not handed in at every sync. */
static enum rc
leave_aside(struct replica_syncing *s)
{
	enum rc rc = RC_OK;

	if (s->no_room || s->other_generation || s->sent_frames > s->n_tried)
		return RC_OK;
	for (size_t i = s->n_tried - (size_t)s->sent_frames; i < s->n_tried && rc == RC_OK; i++)
		rc = replica_was_set_aside(s->replica, s->tried[i], s->err);
	return rc;
}

static enum rc
take_end(struct replica_syncing *s, const uint8_t *payload, size_t len)
{
	uint64_t position;
	bool more;
	enum rc rc;

	if (exchange_end_read(payload, len, &position, &more) != RC_OK || position > INT64_MAX)
		return replica_reply_damaged(s);
	s->more = s->more || more;
	s->ended = true;
	if (s->welcome.status == STATUS_STALE || s->welcome.status == STATUS_UNKNOWN_DEVICE ||
	    s->welcome.status == STATUS_TOO_MANY)
		return RC_OK;	/* nothing happened there */
	if ((rc = replica_request_answered(s)) != RC_OK || s->welcome.status != STATUS_OK)
		return rc;
	if ((rc = leave_aside(s)) != RC_OK)
		return rc;
	/* those that were signed while we waited go with the next request */
	rc = query_run(s->replica->db, s->err, "UPDATE receipt SET outgoing = 2"
	    " WHERE outgoing = 1 AND id <= ?1", "i", s->last_receipt);
	return rc != RC_OK ? rc : move_cursor(s, position, s->err);
}

enum rc
replica_reply_take(void *ctx, enum item_type type, const uint8_t *payload, size_t len)
{
	struct replica_syncing *s = ctx;

	if (type == ITEM_WELCOME)
		return take_welcome(s, payload, len);
	if (!s->welcomed)
		return error_set(s->err, RC_PROTOCOL, s->url,
		    say(s, "check the server's address", "kiểm tra địa chỉ máy chủ"), "%s",
		    say(s, "the server did not begin with a welcome", "máy chủ không bắt đầu bằng lời chào"));
	if (s->stranger && type != ITEM_END)
		return type == ITEM_STATEMENT ? replica_take_item(s->replica, type, payload, len, s->result,
		    s->err) : RC_OK;
	if (s->stranger) {
		s->ended = true;
		return RC_OK;
	}
	if (type == ITEM_FRAME || type == ITEM_LANE)
		return take_placed(s, type, payload, len);
	if (type == ITEM_END)
		return take_end(s, payload, len);
	return take(s, 0, type, payload, len);
}

enum rc
replica_audit_head(struct replica *r, uint64_t *n, uint8_t head[16], struct error *err)
{
	uint8_t known[AUDIT_BYTES];
	enum rc rc = replica_setting_get(r->db, "audit", known, sizeof(known), err);

	*n = bytes_load64(known);
	memcpy(head, known + 8, 16);
	return rc;
}
