#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "shared/sync/replica_relay.h"
#include "shared/sync/replica_syncing.h"
#include "shared/sync/transport.h"
#include "shared/vault/query.h"
#include "shared/vault/secret.h"

enum {
	ROUNDS_MAX = 10000,
	FRUITLESS_MAX = 4,		/* rounds in a row that only set things straight */
	AUDIT_BYTES = 8 + 16,		/* number of lines, head */
	RATE_SAMPLE_MIN = 4 << 10	/* smaller transfers say nothing of the link */
};

static void
enter(const struct replica_syncing *s)
{
	if (s->gate != NULL && s->gate->enter != NULL)
		s->gate->enter(s->gate->ctx);
}

static void
leave(const struct replica_syncing *s)
{
	if (s->gate != NULL && s->gate->leave != NULL)
		s->gate->leave(s->gate->ctx);
}

static int64_t
now(const struct replica_syncing *s)
{
	return s->line.now != NULL ? s->line.now(s->line.ctx) : clock_monotonic_ms();
}

static const char *
say(const struct replica_syncing *s, const char *en, const char *vi)
{
	return s->line.vietnamese ? vi : en;
}

/* Outside the gate. */
static void
show_progress(struct replica_syncing *s)
{
	if (s->line.progress != NULL)
		s->line.progress(s->line.ctx, &s->progress);
}

static void
on_bytes(void *ctx, uint64_t up, uint64_t down)
{
	struct replica_syncing *s = ctx;

	s->progress.bytes_up = up;
	s->progress.bytes_down = down;
	show_progress(s);
}

/* An item at `position` came: every lane stands at least there. */
static enum rc
move_cursor(struct replica_syncing *s, uint64_t position, struct error *err)
{
	struct sqlite3 *db = s->replica->db;
	uint64_t base;
	int64_t behind;
	enum rc rc;

	if (s->other_generation)
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

/* The relay was made again or restored: it is asked, and told, everything once more. */
static enum rc
new_generation(struct replica_syncing *s, struct error *err)
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
	if (replica_is_hub(s->replica, s->welcome.relay)) {
		/* it fetches what it lost from above; what we left with it is handed in again */
		if ((rc = replica_forget_hub(s->replica, err)) != RC_OK ||
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
	return replica_event(s->replica, "relay-restored", "");
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
		return new_generation(s, s->err);
	if (w->status != STATUS_OK)
		return RC_OK;
	rc = compare_chains(s);
	if (rc == RC_OK)
		rc = new_generation(s, s->err);
	return rc == RC_OK ? carry_audit(s) : rc;
}

static enum rc
damaged(struct replica_syncing *s)
{
	return error_set(s->err, RC_PROTOCOL, s->url, say(s, "sync again; what came before is kept",
	    "đồng bộ lại; những gì đã nhận vẫn còn"), "%s",
	    say(s, "the answer was damaged on the way", "câu trả lời bị hỏng trên đường truyền"));
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
take_end(struct replica_syncing *s, const uint8_t *payload, size_t len)
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
	if ((rc = replica_request_answered(s)) != RC_OK || s->welcome.status != STATUS_OK)
		return rc;
	/* those that were signed while we waited go with the next request */
	rc = query_run(s->replica->db, s->err, "UPDATE receipt SET outgoing = 2"
	    " WHERE outgoing = 1 AND id <= ?1", "i", s->last_receipt);
	return rc != RC_OK ? rc : move_cursor(s, position, s->err);
}

static enum rc
take_item(void *ctx, enum item_type type, const uint8_t *payload, size_t len)
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
	return replica_take_item(s->replica, type, payload, len, s->result, s->err);
}

/*
 * Whatever came in one piece is one transaction: whole items in it are kept,
 * with the cursor behind them, even if nothing comes after.
 */
static enum rc
take_piece(void *ctx, const void *p, size_t len)
{
	struct replica_syncing *s = ctx;
	enum rc rc, fed;

	if (s->replied == 0)
		s->replied = now(s);
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

/* How fast the request went up, until the first word of the reply. */
static enum rc
learn_rate(struct replica_syncing *s, struct error *err)
{
	uint64_t bytes = s->message.len;
	int64_t ms = s->replied - s->posted;

	if (bytes < RATE_SAMPLE_MIN || s->replied == 0)
		return RC_OK;
	return replica_request_put_number(s->replica->db, "rate",
	    bytes * 1000 / (uint64_t)(ms > 0 ? ms : 1), err);
}

static enum rc
post(struct replica_syncing *s)
{
	enum rc rc, noted;

	exchange_stream_init(&s->stream, take_item, s);
	s->welcomed = s->ended = s->other_generation = s->moved = s->stranger = false;
	s->posted = now(s);
	s->replied = 0;
	rc = transport_post(s->transport, "/sync", s->message.data, s->message.len, take_piece,
	    s, s->err);
	if (rc == RC_PROTOCOL)
		(void)error_set(s->err, rc, s->url, say(s, "check the network: it may ask for a login"
		    " page first", "kiểm tra mạng: có thể mạng đòi đăng nhập trước"), "%s",
		    say(s, "something answers that is not a sync-server",
		    "nơi trả lời không phải máy chủ đồng bộ"));
	if (rc == RC_OK && !s->ended)
		rc = error_set(s->err, RC_NET, s->url, say(s, "sync again; what came is kept",
		    "đồng bộ lại; những gì đã nhận vẫn còn"), "%s",
		    say(s, "the answer was cut", "câu trả lời bị cắt giữa chừng"));
	exchange_stream_reset(&s->stream);
	enter(s);
	noted = rc == RC_OK ? learn_rate(s, s->err) : replica_request_failed(s, rc, NULL);
	leave(s);
	return rc == RC_OK ? noted : rc;
}

/* It did nothing with this request: what was handed in is not there. */
static enum rc
undone(struct replica_syncing *s)
{
	enum rc rc;

	s->n_tried = 0;
	if (s->sent_frames == 0)
		return RC_OK;
	enter(s);
	rc = replica_request_answered(s);
	leave(s);
	return rc;
}

/*
 * Shut out.  What this device still had is handed in first, the relay keeps it aside; then the
 * vault may go.  s->more: there is something that this sync has not handed in yet.
 */
static enum rc
take_leave(struct replica_syncing *s)
{
	bool going_on = s->sent_frames > 0 || s->more;
	enum rc rc;

	enter(s);
	rc = replica_may_wipe(s->replica, &s->result->may_wipe, s->err);
	leave(s);
	s->more = rc == RC_OK && going_on && !s->result->may_wipe;
	if (rc != RC_OK || s->more)
		return rc;
	if (s->result->may_wipe)
		return error_set(s->err, RC_DENIED, s->url, say(s, "hand the laptop to your province",
		    "nộp máy cho tỉnh"), "%s", say(s, "this device has been retired; what it had not sent is"
		    " with the server", "máy này đã ngừng sử dụng; những gì chưa gửi đã được máy chủ giữ lại"));
	return error_set(s->err, RC_DENIED, s->url, say(s, "hand the laptop to your province",
	    "nộp máy cho tỉnh"), "%s", say(s, "this device has been retired",
	    "máy này đã bị ngừng sử dụng"));
}

/* One that is not in our directory answered.  Is it now?  Of what else it said nothing counts. */
static enum rc
meet_stranger(struct replica_syncing *s)
{
	const struct device *relay;
	bool known;
	enum rc rc;

	if ((rc = undone(s)) != RC_OK)
		return rc;
	enter(s);
	relay = directory_device(s->replica->directory, s->welcome.relay);
	known = relay != NULL && relay->state == DEVICE_ADMITTED;
	leave(s);
	if (s->welcome.status == STATUS_UNKNOWN_DEVICE && !s->with_certificate)
		s->with_certificate = known = true;
	if (known || s->welcome.status == STATUS_STALE)
		return RC_OK;
	return error_set(s->err, RC_PROTOCOL, s->url, say(s, "check the server's address; ask the province",
	    "kiểm tra địa chỉ máy chủ; hỏi tỉnh"), "%s",
	    say(s, "the answer is not signed by a relay of this province",
	    "câu trả lời không do máy chủ của tỉnh này ký"));
}

/* What a status other than ok asks of us.  *again: the same round once more. */
static enum rc
obey(struct replica_syncing *s, bool *again)
{
	enum rc rc;

	*again = true;
	if (s->stranger)
		return meet_stranger(s);
	switch (s->welcome.status) {
	case STATUS_STALE:
		return undone(s);
	case STATUS_UNKNOWN_DEVICE:
		if (s->with_certificate)
			return error_set(s->err, RC_DENIED, s->url, say(s, "ask the province",
			    "hỏi tỉnh"), "%s", say(s, "the server does not accept this device",
			    "máy chủ không nhận máy này"));
		s->with_certificate = true;
		return undone(s);
	case STATUS_LANES:
		s->with_all_lanes = true;
		return RC_OK;
	case STATUS_RETIRED:
		*again = false;
		return take_leave(s);
	case STATUS_OTHER_PROVINCE:
		return RC_DENIED;
	case STATUS_TOO_MANY:
		if ((rc = undone(s)) != RC_OK)
			return rc;
		return error_set(s->err, RC_UNAVAILABLE, s->url, say(s, "sync again in a while",
		    "lát nữa đồng bộ lại"), "%s", say(s, "the server asks to wait",
		    "máy chủ yêu cầu chờ"));
	case STATUS_WAITING:
		s->result->waits_for_admission = true;
		*again = false;
		s->more = false;
		return RC_OK;
	case STATUS_OK:
	case STATUS_FULL:
		break;
	}
	*again = false;
	return RC_OK;
}

static enum rc
settle(struct replica_syncing *s)
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
one_round(struct replica_syncing *s, bool *again)
{
	enum rc rc;

	*again = false;
	enter(s);
	rc = replica_request_build(s, s->err);
	leave(s);
	show_progress(s);
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
finish(struct replica_syncing *s, int64_t start)
{
	struct replica_sync_result *out = s->result;
	struct transport_stats stats;
	struct replica_status status;

	transport_stats(s->transport, &stats);
	out->requests = stats.requests;
	out->bytes_up = stats.bytes_up;
	out->bytes_down = stats.bytes_down;
	out->milliseconds = now(s) - start;
	enter(s);
	out->at_hub = s->met && replica_is_hub(s->replica, s->welcome.relay);
	if (replica_status(s->replica, &status, NULL) == RC_OK) {
		out->waiting = status.waiting;
		out->quarantined = status.quarantined;
		out->receipt_level = status.receipt_level;
		out->receipt_at = status.receipt_at;
		out->hub_entries = status.hub_entries;
		out->hub_at = status.hub_at;
	}
	leave(s);
}

/* Was the last upload answered? */
static enum rc
start_syncing(struct replica_syncing *s)
{
	uint8_t generation[16];
	int64_t unsure = 0;
	enum rc rc;

	enter(s);
	/* a relay that we never spoke to does not know us */
	rc = replica_setting_get(s->replica->db, "generation", generation, sizeof(generation),
	    s->err);
	s->with_certificate = rc == RC_NOTFOUND;
	if (rc == RC_OK || rc == RC_NOTFOUND)
		rc = query_int(s->replica->db, s->err, &unsure,
		    "SELECT count(*) FROM setting WHERE name = 'unsure'", "");
	s->unsure = unsure != 0;
	if (rc == RC_OK || rc == RC_NOTFOUND)
		rc = replica_expect_relay(s->replica, s->url, s->err);
	if (rc == RC_OK && !s->unsure)
		rc = replica_request_offer(s, s->err);
	leave(s);
	return rc;
}

/*
 * A round failed.  Is another try worth it?  Then it has waited, twice as long each time.
 * Who was not reached at all in this sync is not waited for, unless time may help.
 */
static bool
try_again(struct replica_syncing *s, enum rc rc, int64_t start)
{
	enum transport_trouble trouble = transport_trouble(s->transport);
	int64_t wait = rc == RC_UNAVAILABLE ? REPLICA_WAIT_BUSY_MS : REPLICA_WAIT_MIN_MS;
	bool there = s->met || trouble == TROUBLE_CUT || trouble == TROUBLE_SILENT;
	unsigned most = there ? REPLICA_FAILURES_MAX : rc == RC_NET ? REPLICA_FAILURES_UNMET : 1;

	if (s->line.wait == NULL || (rc != RC_NET && rc != RC_UNAVAILABLE))
		return false;
	if (trouble == TROUBLE_FULL || (trouble != TROUBLE_NONE &&
	    !transport_trouble_passes(trouble) && !s->met))
		return false;
	s->progress.failures = s->moved ? 1 : s->progress.failures + 1;
	if (s->progress.failures > most)
		return false;
	for (unsigned i = 1; i < s->progress.failures && wait < REPLICA_WAIT_MAX_MS; i++)
		wait *= 2;
	wait = wait < REPLICA_WAIT_MAX_MS ? wait : REPLICA_WAIT_MAX_MS;
	if (now(s) - start + wait > REPLICA_SYNC_MAX_MS)
		return false;
	s->progress.wait_ms = wait;
	show_progress(s);
	if (!s->line.wait(s->line.ctx, wait))
		return false;
	s->progress.wait_ms = 0;
	s->result->failures++;
	error_clear(s->err);
	return true;
}

/* Rounds until nothing is left, or a failure that no waiting mends. */
static enum rc
all_rounds(struct replica_syncing *s, int64_t start)
{
	int fruitless = 0;
	bool again, more = true;
	enum rc rc;

	for (int round = 0; round < ROUNDS_MAX && more; round++) {
		if ((rc = one_round(s, &again)) != RC_OK) {
			if (!try_again(s, rc, start))
				return rc;
			fruitless = 0;
			continue;
		}
		s->progress.failures = 0;
		fruitless = again || (!s->moved && s->sent_frames == 0) ? fruitless + 1 : 0;
		more = again || s->more;
		if (fruitless > FRUITLESS_MAX)
			return error_set(s->err, RC_PROTOCOL, s->url, say(s, "sync again later",
			    "để sau đồng bộ lại"), "%s", say(s,
			    "the server and this device do not come to terms",
			    "máy chủ và máy này không thống nhất được với nhau"));
	}
	if (s->no_room && s->progress.entries_left > 0)
		return error_set(s->err, RC_UNAVAILABLE, s->url, say(s,
		    "tell the province; nothing here is lost", "báo cho tỉnh; dữ liệu trên máy này không mất"),
		    "%s", say(s, "the server has no room for what this device sends",
		    "máy chủ không còn chỗ cho dữ liệu máy này gửi lên"));
	return RC_OK;
}

enum rc
replica_sync(struct replica *r, struct transport *t, const struct replica_gate *gate,
    struct replica_sync_result *out, struct error *err)
{
	struct replica_syncing s;
	struct error local = { 0 };
	int64_t start;
	enum rc rc;

	memset(out, 0, sizeof(*out));
	memset(&s, 0, sizeof(s));
	s.replica = r;
	s.transport = t;
	s.url = transport_url(t);
	s.gate = gate;
	if (gate != NULL && gate->line != NULL)
		s.line = *gate->line;
	s.result = out;
	s.err = err != NULL ? err : &local;
	start = now(&s);
	transport_speak(t, s.line.vietnamese);
	if ((rc = start_syncing(&s)) != RC_OK)
		return rc;
	transport_watch(t, on_bytes, &s);
	rc = all_rounds(&s, start);
	transport_watch(t, NULL, NULL);
	finish(&s, start);
	bytes_reset(&s.message);
	free(s.tried);
	return rc;
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
