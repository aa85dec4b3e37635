#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "shared/sync/replica_heads.h"
#include "shared/sync/replica_quota.h"
#include "shared/sync/replica_relay.h"
#include "shared/sync/replica_syncing.h"
#include "shared/sync/replica_watch.h"
#include "shared/sync/transport.h"
#include "shared/vault/query.h"
#include "shared/vault/secret.h"

enum {
	ROUNDS_MAX = 10000,
	FRUITLESS_MAX = 4,		/* rounds in a row that only set things straight */
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

	exchange_stream_init(&s->stream, replica_reply_take, s);
	s->stream.way = EXCHANGE_DOWN;
	s->welcomed = s->ended = s->other_generation = s->moved = s->stranger = false;
	s->posted = now(s);
	s->replied = 0;
	rc = transport_post(s->transport, "/sync", s->message.data, s->message.len, take_piece,
	    s, s->err);
	if (rc == RC_PROTOCOL && s->stream.damaged)
		rc = replica_reply_damaged(s);
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
	s->proved = rc == RC_OK && (s->proved || s->sent_frames > 0);
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
	bool going_on = s->sent_frames > 0 || s->more, retired = false;
	enum rc rc;

	enter(s);
	rc = replica_may_wipe(s->replica, &s->result->may_wipe, s->err);
	if (rc == RC_OK)
		rc = replica_is_retired(s->replica, &retired, s->err);
	leave(s);
	s->more = rc == RC_OK && going_on && !s->result->may_wipe;
	if (rc != RC_OK || s->more)
		return rc;
	if (s->result->may_wipe)
		return error_set(s->err, RC_DENIED, s->url, say(s, "hand the laptop to your province",
		    "nộp máy cho tỉnh"), "%s", say(s, "this device has been retired; what it had not sent is"
		    " with the server", "máy này đã ngừng sử dụng; những gì chưa gửi đã được máy chủ giữ lại"));
	if (retired)
		return error_set(s->err, RC_DENIED, s->url, say(s, "hand the laptop to your province",
		    "nộp máy cho tỉnh"), "%s", say(s, "this device has been retired",
		    "máy này đã bị ngừng sử dụng"));
	/* refused; or a relay that says so of a device in use */
	return error_set(s->err, RC_DENIED, s->url, say(s, "ask the province", "hỏi tỉnh"), "%s",
	    say(s, "the server turns this device away, without an order of the province to retire it",
	    "máy chủ từ chối máy này nhưng không đưa ra quyết định ngừng sử dụng của tỉnh"));
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
	if (rc == RC_OK)
		rc = replica_quota_go_back(s->replica, s->err);
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

	if (s->line.tries > 0)
		most = s->line.tries - 1;
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
		more = (again || s->more) && s->refused < REPLICA_QUOTA_REFUSED_MAX;
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
	if (s->refused > 0)
		return error_set(s->err, RC_PROTOCOL, s->url, say(s,
		    "tell the province; nothing here is lost, and what was left out is asked for again",
		    "báo cho tỉnh; dữ liệu trên máy này không mất, phần chưa nhận sẽ được xin lại"), "%s",
		    say(s, "the server sent more than can be kept of what no known device has signed",
		    "máy chủ gửi quá nhiều dữ liệu không do máy nào đã biết ký tên, không giữ hết được"));
	return more ? error_set(s->err, RC_PROTOCOL, s->url, say(s, "sync again later",
	    "để sau đồng bộ lại"), "%s", say(s, "the server never comes to an end",
	    "máy chủ gửi mãi không hết")) : RC_OK;
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
	if (s.line.patience > 0)
		transport_patience(t, s.line.patience);
	if ((rc = start_syncing(&s)) != RC_OK)
		return rc;
	transport_watch(t, on_bytes, &s);
	rc = all_rounds(&s, start);
	transport_watch(t, NULL, NULL);
	enter(&s);
	if (rc == RC_OK)
		rc = replica_watch_caught_up(r, s.err);
	if (rc == RC_OK && s.met && s.welcome.status == STATUS_OK)
		rc = replica_heads_weigh(r, replica_is_hub(r, s.welcome.relay), s.err);
	if (rc == RC_OK)
		rc = replica_quota_forget(r, false, s.err);
	leave(&s);
	finish(&s, start);
	bytes_reset(&s.message);
	free(s.tried);
	return rc;
}
