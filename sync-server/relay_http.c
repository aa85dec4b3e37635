#include "sync-server/relay_http.h"

#include <stdlib.h>
#include <string.h>

#include "shared/base/bytes.h"
#include "shared/sync/exchange.h"
#include "shared/web/http_server.h"
#include "sync-server/relay.h"
#include "sync-server/relay_pace.h"

enum { BODY_SECONDS = 120, HEAD_SECONDS = 20, IDLE_SECONDS = 60, MINUTE_MS = 60000 };

struct relay_http {
	struct depot *depot;
	struct clock clock;
	struct relay *relay;
	struct http_server *server;
	struct relay_pace *addresses;
	bool counts_loopback;
	size_t exchanges;		/* bytes of unfinished /exchange bodies */
	struct call *waiting;		/* whose replies leave after the next commit */
	enum rc why;			/* what the last commit that failed said */
};

/* One request: a device's session, or the authority's request as far as it came. */
struct call {
	struct relay_session *session;	/* NULL: /exchange */
	struct bytes body;		/* of /exchange; of /sync the beginning of the reply */
	size_t body_at;
	enum rc failed;
	bool decided;			/* the reply only waits for what it confirms to be durable */
	uint64_t undone;		/* depot_undone when it began */
	struct http_request *request;
	struct call *next;
};

/* Our results in the numbers of HTTP; what is ours to mend is 5xx, so that clients come back. */
static unsigned
status_of(enum rc rc)
{
	if (rc == RC_PROTOCOL || rc == RC_FORMAT || rc == RC_NEWER || rc == RC_INVALID)
		return 400;
	if (rc == RC_AUTH || rc == RC_DENIED)
		return 403;
	if (rc == RC_LIMIT)
		return 413;
	if (rc == RC_BUSY || rc == RC_NOMEM)
		return 503;
	return rc == RC_FULL ? 507 : 500;
}

/* Before anything is looked at that costs a signature. */
static bool
may_ask(struct relay_http *h, const struct http_request *r)
{
	static const uint8_t here[13] = { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 127 };
	uint8_t peer[HTTP_SERVER_PEER_BYTES];
	int64_t now = clock_monotonic_ms();

	http_server_peer(r, peer);
	if (!h->counts_loopback && memcmp(peer, here, sizeof(here)) == 0)
		return true;
	if (!relay_pace_may(h->addresses, peer, now))
		return false;
	relay_pace_take(h->addresses, peer, 1, now);
	return true;
}

static unsigned
on_begin(void *ctx, struct http_request *r)
{
	struct relay_http *h = ctx;
	bool sync = strcmp(http_server_path(r), "/sync") == 0;
	struct call *call;

	if (!may_ask(h, r))
		return 429;
	if (strcmp(http_server_method(r), "POST") != 0 ||
	    (!sync && strcmp(http_server_path(r), "/exchange") != 0))
		return 404;
	if ((call = calloc(1, sizeof(*call))) == NULL)
		return 503;
	if (sync && relay_session_new(h->relay, &call->session) != RC_OK) {
		free(call);
		return 503;
	}
	call->undone = depot_undone(h->depot);
	http_server_set_user(r, call);
	return 0;
}

static void
keep_body(struct relay_http *h, struct call *call, const uint8_t *p, size_t len)
{
	if (h->exchanges + len > RELAY_HTTP_EXCHANGES_MAX) {
		call->failed = RC_BUSY;
		return;
	}
	bytes_put(&call->body, p, len);
	if ((call->failed = call->body.rc) == RC_OK)
		h->exchanges += len;
}

/* A commit that failed took with it what this session had handed in. */
static void
see_what_stands(struct relay_http *h, struct call *call)
{
	if (call->session == NULL || call->undone == depot_undone(h->depot))
		return;
	call->undone = depot_undone(h->depot);
	call->failed = h->why != RC_OK ? h->why : RC_IO;
	relay_session_undone(call->session);
}

/*
 * One commit for all that is there to be done: pieces and ends of uploads are held, and the
 * replies with their receipts leave when they are durable.
 */
static void
on_rest(void *ctx)
{
	struct relay_http *h = ctx;
	struct call *call;
	enum rc rc = depot_settle(h->depot);

	if (rc != RC_OK)
		h->why = rc;
	while ((call = h->waiting) != NULL) {
		h->waiting = call->next;
		http_server_go_on(call->request);
	}
}

/* After a failure the rest runs dry, so that the client hears the answer. */
static enum rc
on_body(void *ctx, struct http_request *r, const uint8_t *p, size_t len)
{
	struct relay_http *h = ctx;
	struct call *call = http_server_user(r);

	see_what_stands(h, call);
	if (call->failed != RC_OK)
		return RC_OK;
	if (call->session == NULL) {
		keep_body(h, call, p, len);
		return RC_OK;
	}
	depot_hold(h->depot, true);
	call->failed = relay_session_feed(call->session, p, len);
	depot_hold(h->depot, false);
	return RC_OK;
}

/* What was pulled to see whether the reply is short, then the rest. */
static enum rc
on_next(void *ctx, uint8_t *buf, size_t cap, size_t *n)
{
	struct call *call = ctx;
	size_t left = call->body.len - call->body_at;

	if (left == 0)
		return relay_reply_next(call->session, buf, cap, n);
	*n = left < cap ? left : cap;
	memcpy(buf, call->body.data + call->body_at, *n);
	call->body_at += *n;
	return RC_OK;
}

static enum rc
answer_sync(struct http_request *r, struct call *call)
{
	uint8_t *room;
	size_t n = 1;
	enum rc rc;

	if ((room = bytes_room(&call->body, RELAY_HTTP_SHORT)) == NULL)
		return RC_NOMEM;
	while (n > 0 && call->body.len < RELAY_HTTP_SHORT) {
		rc = relay_reply_next(call->session, room + call->body.len,
		    RELAY_HTTP_SHORT - call->body.len, &n);
		if (rc != RC_OK)
			return rc;
		call->body.len += n;
	}
	if (n == 0)
		http_server_reply(r, 200, EXCHANGE_CONTENT_TYPE, call->body.data, call->body.len);
	else
		http_server_stream(r, 200, EXCHANGE_CONTENT_TYPE, on_next, call);
	return RC_OK;
}

static enum rc
answer_exchange(struct relay_http *h, struct http_request *r, struct call *call)
{
	struct bytes reply;
	enum rc rc;

	bytes_init(&reply);
	if ((rc = depot_settle(h->depot)) != RC_OK) {
		h->why = rc;
		return rc;
	}
	rc = relay_exchange(h->depot, &h->clock, call->body.data, call->body.len, &reply, NULL);
	if (rc == RC_OK)
		http_server_reply(r, 200, EXCHANGE_CONTENT_TYPE, reply.data, reply.len);
	bytes_reset(&reply);
	return rc;
}

static void
decide(struct relay_http *h, struct http_request *r, struct call *call)
{
	depot_hold(h->depot, true);
	call->failed = relay_session_finish(call->session);
	depot_hold(h->depot, false);
	call->decided = true;
	call->request = r;
	call->next = h->waiting;
	h->waiting = call;
	http_server_wait(r);
}

static void
on_answer(void *ctx, struct http_request *r)
{
	struct relay_http *h = ctx;
	struct call *call = http_server_user(r);
	enum rc rc;

	see_what_stands(h, call);
	if (call->failed == RC_OK && call->session != NULL && !call->decided) {
		decide(h, r, call);
		return;
	}
	if ((rc = call->failed) == RC_OK)
		rc = call->session != NULL ? answer_sync(r, call) : answer_exchange(h, r, call);
	if (rc != RC_OK)
		http_server_reply(r, status_of(rc), NULL, "", 0);
}

static void
on_done(void *ctx, struct http_request *r)
{
	struct relay_http *h = ctx;
	struct call *call = http_server_user(r);

	if (call == NULL)
		return;
	if (call->session == NULL)
		h->exchanges -= call->body.len;
	see_what_stands(h, call);
	depot_hold(h->depot, true);
	relay_session_free(call->session);
	depot_hold(h->depot, false);
	bytes_reset(&call->body);
	free(call);
}

enum rc
relay_http_open(const struct relay_http_config *config, struct relay_http **out,
    struct error *err)
{
	struct http_config c = { .address = config->address, .port = config->port,
		.tls_cert = config->tls_cert, .tls_key = config->tls_key,
		.connections_max = config->connections_max != 0 ? config->connections_max :
		RELAY_HTTP_CONNECTIONS, .idle_seconds = IDLE_SECONDS,
		.head_seconds = HEAD_SECONDS, .body_seconds = BODY_SECONDS,
		.body_max = EXCHANGE_BODY_MAX, .no_date = true, .begin = on_begin,
		.body = on_body, .answer = on_answer, .rest = on_rest, .done = on_done };
	struct relay_http *h = calloc(1, sizeof(*h));
	enum rc rc;

	*out = NULL;
	if (h == NULL)
		return RC_NOMEM;
	h->depot = config->depot;
	h->clock = config->clock;
	c.ctx = h;
	c.per_address_max = config->per_address_max != 0 ? config->per_address_max :
	    RELAY_HTTP_PER_ADDRESS;
	rc = relay_new(config->depot, &config->clock,
	    config->per_minute != 0 ? config->per_minute : RELAY_HTTP_PER_MINUTE, &h->relay);
	if (rc == RC_OK && config->bytes_a_day != 0)
		relay_set_bytes_a_day(h->relay, config->bytes_a_day);
	h->counts_loopback = config->address_per_minute != 0;
	if (rc == RC_OK)
		rc = relay_pace_new(RELAY_HTTP_ADDRESSES, h->counts_loopback ?
		    config->address_per_minute : RELAY_HTTP_ADDRESS_PER_MINUTE, MINUTE_MS, &h->addresses);
	if (rc == RC_OK)
		rc = http_server_open(&c, &h->server, err);
	if (rc != RC_OK) {
		relay_http_close(h);
		return rc;
	}
	*out = h;
	return RC_OK;
}

uint16_t
relay_http_port(const struct relay_http *h)
{
	return http_server_port(h->server);
}

void
relay_http_step(struct relay_http *h, int milliseconds)
{
	http_server_step(h->server, milliseconds);
}

enum rc
relay_http_start(struct relay_http *h)
{
	return http_server_start(h->server);
}

void
relay_http_close(struct relay_http *h)
{
	if (h == NULL)
		return;
	http_server_close(h->server);
	if (depot_settle(h->depot) != RC_OK)
		h->why = RC_IO;		/* nobody waits for it: without a receipt it comes again */
	relay_free(h->relay);
	relay_pace_free(h->addresses);
	free(h);
}
