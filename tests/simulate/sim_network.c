/*
 * In the place of shared/sync/transport.c: the bytes of a request go straight to a session of
 * the relay, in pieces, and meet with every accident on the way there and back.
 */
#include "shared/sync/transport.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "shared/sync/exchange.h"
#include "sync-server/relay.h"
#include "tests/crash/crash_disk.h"
#include "tests/simulate/sim.h"
#include "tests/simulate/sim_network.h"
#include "tests/simulate/sim_province.h"
#include "tests/simulate/sim_relay.h"

enum { OLD_ITEMS_MAX = 1 << 16, PIECE_MAX = 1 << 16 };

struct transport {
	char url[TRANSPORT_URL_MAX + 1];
	struct sim_device *device;
	struct transport_stats stats;
	enum transport_trouble trouble;		/* of the last post */
	void (*watch)(void *ctx, uint64_t up, uint64_t down);
	void *watch_ctx;
};

enum rc
transport_open(const char *url, const char *pin, bool allow_plain, struct transport **out,
    struct error *err)
{
	(void)pin;
	(void)allow_plain;
	(void)err;
	if ((*out = calloc(1, sizeof **out)) == NULL)
		return RC_NOMEM;
	snprintf((*out)->url, sizeof (*out)->url, "%s", url);
	(*out)->device = sim_now()->speaker;
	return RC_OK;
}

void
transport_close(struct transport *t)
{
	free(t);
}

const char *
transport_url(const struct transport *t)
{
	return t->url;
}

void
transport_stats(const struct transport *t, struct transport_stats *out)
{
	*out = t->stats;
}

void
transport_speak(struct transport *t, bool vietnamese)
{
	(void)t;
	(void)vietnamese;
}

/* Time is virtual: nothing here is silent for long. */
void
transport_patience(struct transport *t, unsigned seconds)
{
	(void)t;
	(void)seconds;
}

void
transport_watch(struct transport *t, void (*watch)(void *ctx, uint64_t up, uint64_t down),
    void *ctx)
{
	t->watch = watch;
	t->watch_ctx = ctx;
}

enum transport_trouble
transport_trouble(const struct transport *t)
{
	return t->trouble;
}

static void
tell(struct transport *t)
{
	if (t->watch != NULL)
		t->watch(t->watch_ctx, t->stats.bytes_up, t->stats.bytes_down);
}

/* The way there ---------------------------------------------------------------- */

static size_t
piece(struct sim_world *w, size_t left)
{
	size_t most = sim_pick(w, 3) == 0 ? 1 + sim_pick(w, 64) : 1 + sim_pick(w, PIECE_MAX);

	return left < most ? left : most;
}

static void
turn_a_bit(struct sim_world *w, uint8_t *p, size_t len)
{
	if (len > 0)
		p[sim_pick(w, (unsigned)len)] ^= (uint8_t)(1u << sim_pick(w, 8));
}

/* *rc: what the relay said of it. */
static void
upload(struct sim_world *w, struct relay_session *s, const uint8_t *p, size_t len,
    const struct transport *t, enum rc *rc)
{
	*rc = RC_OK;
	for (size_t at = 0, n; at < len && *rc == RC_OK; at += n) {
		n = piece(w, len - at);
		*rc = relay_session_feed(s, p + at, n);
		w->now_ms += 1 + (int64_t)n / 16;
		if (t != NULL && at + n < len && sim_strikes(w, SIM_INTERLUDE, 12))
			sim_interlude(w, t->device);
	}
}

/* The reply, as far as it is asked for; `most` beyond its end takes all of it. */
static enum rc
download(struct sim_world *w, struct relay_session *s, struct bytes *reply, size_t most)
{
	uint8_t buf[4096];
	size_t n = 1;
	enum rc rc = RC_OK;

	while (n > 0 && rc == RC_OK && reply->len < most) {
		rc = relay_reply_next(s, buf, 1 + sim_pick(w, sizeof buf), &n);
		if (rc == RC_OK)
			bytes_put(reply, buf, n);
	}
	return rc;
}

/* A whole request as the server lives it; RC_NET: the client hears nothing.  t NULL: nobody listens. */
static enum rc
ask(struct sim_world *w, struct sim_relay *r, const uint8_t *p, size_t len,
    const struct transport *t, struct bytes *reply)
{
	struct relay_session *s = NULL;
	size_t up = len, down = SIZE_MAX;
	enum rc rc;

	if (!sim_relay_start(w, r))
		return RC_NET;
	if (sim_strikes(w, SIM_CUT, 8))
		up = sim_pick(w, (unsigned)len + 1);
	else if (sim_strikes(w, SIM_CUT, 8))
		down = sim_pick(w, 2) == 0 ? 0 : sim_pick(w, 4000);
	if (sim_strikes(w, SIM_RELAY_CRASH, 10))
		crash_disk_cut_in(r->disk, 1 + (long)sim_pick(w, sim_pick(w, 2) == 0 ? 10 : 80));
	sim_must(relay_session_new(r->relay, &s) == RC_OK, "a session");
	r->sessions++;
	upload(w, s, p, up, t, &rc);
	if (rc == RC_OK && up < len)
		rc = RC_NET;
	else if (rc == RC_OK && (rc = relay_session_finish(s)) == RC_OK)
		rc = download(w, s, reply, down);
	if (rc == RC_OK && down != SIZE_MAX && reply->len > down)
		reply->len = down;
	if (rc == RC_OK && down == 0)
		rc = RC_NET;
	relay_session_free(s);
	r->sessions--;
	if (rc != RC_OK && rc != RC_NET && rc != RC_PROTOCOL && !crash_disk_is_off(r->disk))
		sim_fail(w, "the relay breaks off: %s", rc_name(rc));
	if (rc != RC_OK && rc != RC_NET)
		rc = crash_disk_is_off(r->disk) ? RC_NET : RC_UNAVAILABLE;
	sim_relay_after(w, r);
	return rc;
}

void
sim_network_replay(struct sim_world *w)
{
	unsigned i = sim_pick(w, SIM_GHOSTS_MAX);
	struct bytes *ghost = &w->ghosts[i], reply;

	if (ghost->len == 0)
		return;
	bytes_init(&reply);
	sim_trace(w, "an old request of %zu bytes comes again", ghost->len);
	(void)!ask(w, w->haunted[i], ghost->data, ghost->len, NULL, &reply);
	bytes_reset(&reply);
}

static void
keep_ghost(struct sim_world *w, struct sim_relay *r, const uint8_t *p, size_t len)
{
	unsigned i = sim_pick(w, SIM_GHOSTS_MAX);

	w->ghosts[i].len = 0;
	w->haunted[i] = r;
	bytes_put(&w->ghosts[i], p, len);
}

/* A hostile relay ---------------------------------------------------------------- */

struct tampering {
	struct sim_world *world;
	struct bytes items[512];	/* without their checks */
	size_t n;
	bool held_back;
	struct bytes *reply;
};

static enum rc
collect(void *ctx, enum item_type type, const uint8_t *payload, size_t len)
{
	struct tampering *t = ctx;
	struct sim_world *w = t->world;
	struct bytes *b;

	if (t->n == sizeof t->items / sizeof *t->items)
		return RC_LIMIT;
	if (type != ITEM_WELCOME && type != ITEM_END && sim_pick(w, 4) == 0) {
		t->held_back = true;
		return RC_OK;
	}
	b = &t->items[t->n++];
	bytes_init(b);
	exchange_put(b, type, payload, len);
	if (type != ITEM_WELCOME && type != ITEM_END && sim_pick(w, 3) == 0 &&
	    w->old_items.len + b->len < OLD_ITEMS_MAX)
		bytes_put(&w->old_items, b->data, b->len);
	return RC_OK;
}

/* It signs nothing for others, and can make every check fit. */
static enum rc
put_again(void *ctx, enum item_type type, const uint8_t *payload, size_t len)
{
	struct tampering *t = ctx;
	const uint8_t *body;
	uint64_t position;
	size_t n;
	bool more;

	if (type == ITEM_FRAME && exchange_frame_down_read(payload, len, &position, &body, &n) == RC_OK)
		exchange_put_down(t->reply, NULL, position, type, body, n);
	else if (type == ITEM_LANE &&
	    exchange_lane_read(payload, len, &position, &type, &body, &n) == RC_OK)
		exchange_put_down(t->reply, NULL, position, type, body, n);
	else if (type == ITEM_END && exchange_end_read(payload, len, &position, &more) == RC_OK)
		exchange_put_end_down(t->reply, NULL, position, more);
	else
		exchange_put(t->reply, type, payload, len);
	return RC_OK;
}

static void
put_items(struct tampering *t, const struct bytes *items)
{
	struct exchange_stream s;

	exchange_stream_init(&s, put_again, t);
	sim_must(exchange_stream_feed(&s, items->data, items->len) == RC_OK, "items");
	exchange_stream_reset(&s);
}

/* The same reply with items held back, in another order, twice, or from another reply. */
static void
tamper(struct sim_world *w, struct sim_relay *r, struct bytes *reply)
{
	struct tampering *t = calloc(1, sizeof *t);
	struct exchange_stream s;

	sim_must(t != NULL, "memory");
	t->world = w;
	t->reply = reply;
	exchange_stream_init(&s, collect, t);
	s.way = EXCHANGE_DOWN;
	if (exchange_stream_feed(&s, reply->data, reply->len) == RC_OK && s.ended && t->n > 2) {
		reply->len = 0;
		put_items(t, &t->items[0]);
		for (size_t i = 1; i + 1 < t->n; i++) {
			size_t k = sim_pick(w, 3) == 0 ? 1 + sim_pick(w, (unsigned)t->n - 2) : i;

			put_items(t, &t->items[k]);
		}
		if (w->old_items.len > 0 && sim_pick(w, 2) == 0)
			put_items(t, &w->old_items);
		put_items(t, &t->items[t->n - 1]);
		r->withheld = true;
		sim_trace(w, "the relay is not honest: %zu items", t->n);
	}
	exchange_stream_reset(&s);
	for (size_t i = 0; i < t->n; i++)
		bytes_reset(&t->items[i]);
	free(t);
}

/* The way back ------------------------------------------------------------------- */

static enum rc
deliver(struct sim_world *w, struct transport *t, const struct bytes *reply,
    enum rc (*take)(void *ctx, const void *p, size_t len), void *ctx)
{
	enum rc rc = RC_OK;

	for (size_t at = 0, n; at < reply->len && rc == RC_OK; at += n) {
		n = piece(w, reply->len - at);
		rc = take(ctx, reply->data + at, n);
		w->now_ms += 1 + (int64_t)n / 16;
		t->stats.bytes_down += n;
		if (rc == RC_OK && at + n < reply->len && sim_strikes(w, SIM_INTERLUDE, 20))
			sim_interlude(w, t->device);
	}
	return rc;
}

static enum rc
post(struct sim_world *w, struct transport *t, const uint8_t *body, size_t len,
    enum rc (*take)(void *ctx, const void *p, size_t len), void *ctx, struct error *err)
{
	struct sim_relay *r = sim_relay_at(w, t->url);
	struct bytes sent, reply;
	const char *help;
	enum rc rc;

	bytes_init(&sent);
	bytes_init(&reply);
	bytes_put(&sent, body, len);
	if (sim_strikes(w, SIM_NOISE, 12))
		turn_a_bit(w, sent.data, sent.len);
	if (sim_strikes(w, SIM_GHOST, 5))
		keep_ghost(w, r, sent.data, sent.len);
	rc = ask(w, r, sent.data, sent.len, t, &reply);
	sim_trace_bytes(w, "reply", reply.data, reply.len);
	if (rc == RC_OK && sim_strikes(w, SIM_HOSTILE, 4))
		tamper(w, r, &reply);
	if (sim_strikes(w, SIM_NOISE, 12))
		turn_a_bit(w, reply.data, reply.len);
	if (rc == RC_OK) {
		rc = deliver(w, t, &reply, take, ctx);
	} else {
		t->trouble = rc == RC_NET ? TROUBLE_CUT : TROUBLE_BUSY;
		error_set(err, rc, t->url, NULL, "%s", transport_trouble_text(t->trouble, false, &help));
	}
	bytes_reset(&sent);
	bytes_reset(&reply);
	return rc;
}

enum rc
transport_post(struct transport *t, const char *path, const uint8_t *body, size_t len,
    enum rc (*take)(void *ctx, const void *p, size_t len), void *ctx, struct error *err)
{
	struct sim_world *w = sim_now();

	(void)path;
	t->stats.requests++;
	t->stats.bytes_up += len;
	w->now_ms += 20 + sim_pick(w, 2000);
	t->trouble = TROUBLE_NONE;
	tell(t);
	sim_trace_bytes(w, "request", body, len);
	if (sim_strikes(w, SIM_DROP, 8)) {
		t->trouble = TROUBLE_NO_WAY;
		return error_set(err, RC_NET, t->url, NULL, "no connection");
	}
	return post(w, t, body, len, take, ctx, err);
}
