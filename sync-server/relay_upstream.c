#include "sync-server/relay_upstream.h"

#include <stdlib.h>
#include <string.h>

#include "shared/sync/transport.h"
#include "sync-server/relay_upstream_internal.h"

enum { ROUNDS_MAX = 100000, FRUITLESS_MAX = 4 };

enum rc
relay_upstream_new(struct depot *depot, const struct clock *clock, struct relay_upstream **out)
{
	struct relay_upstream *u = calloc(1, sizeof(*u));
	enum rc rc;

	*out = NULL;
	if (u == NULL)
		return RC_NOMEM;
	u->depot = depot;
	u->clock = *clock;
	u->intake.depot = depot;
	u->intake.clock = *clock;
	u->ask = true;
	if ((rc = depot_refresh(depot)) != RC_OK || (rc = relay_upstream_load(u)) != RC_OK) {
		relay_upstream_free(u);
		return rc;
	}
	*out = u;
	return RC_OK;
}

void
relay_upstream_free(struct relay_upstream *u)
{
	if (u == NULL)
		return;
	bytes_reset(&u->message);
	free(u->intake.accepted);
	free(u->intake.own);
	free(u->lanes);
	free(u->known);
	free(u);
}

enum rc
relay_upstream_has_news(struct relay_upstream *u, bool *news)
{
	struct depot_pending f;
	enum rc rc;

	*news = false;
	if ((rc = depot_refresh(u->depot)) != RC_OK)
		return rc;
	rc = relay_upstream_next(u, u->sent, &f);
	*news = rc == RC_OK;
	return rc == RC_NOTFOUND ? RC_OK : rc;
}

/* ---- the welcome ---- */

/* Another relay than before, or one that was restored: all is asked, and offered, once more. */
static enum rc
meet_anew(struct relay_upstream *u)
{
	static const uint8_t none[16];
	enum rc rc;
	bool first = memcmp(u->generation, none, sizeof(none)) == 0;

	if (memcmp(u->generation, u->welcome.generation, sizeof(u->generation)) == 0)
		return RC_OK;
	memcpy(u->generation, u->welcome.generation, sizeof(u->generation));
	memcpy(u->relay, u->welcome.relay, sizeof(u->relay));
	if (first)
		return RC_OK;
	u->other_generation = u->ask = u->more = true;
	u->position = u->certificates = u->receipts = 0;
	u->sent = 0;
	u->n_known = 0;
	for (size_t i = 0; i < u->n_lanes; i++)
		u->lanes[i].behind = false;
	/* laptops that speak with this hub alone hear of it so, and hand in what the hub never had */
	if ((rc = depot_change_generation(u->depot)) != RC_OK)
		return rc;
	return depot_last_frame(u->depot, &u->refill);
}

static enum rc
protocol(struct relay_upstream *u, const char *what)
{
	return error_set(u->err, RC_PROTOCOL, u->url, "check the address of --upstream", "%s", what);
}

static enum rc
take_welcome(struct relay_upstream *u, const uint8_t *p, size_t len)
{
	const struct identity *id = depot_identity(u->depot);
	const struct device *relay;
	struct welcome *w = &u->welcome;
	enum rc rc;

	if ((rc = exchange_welcome_read(p, len, w)) != RC_OK)
		return rc == RC_NOMEM ? rc : protocol(u, "the server's welcome cannot be read");
	if (w->status == STATUS_OTHER_PROVINCE)
		return error_set(u->err, RC_DENIED, u->url, "check the address of --upstream",
		    "the server belongs to another province");
	if (memcmp(w->relay, id->device, sizeof(w->relay)) == 0)
		return error_set(u->err, RC_CONFIG, u->url, "give the province's address",
		    "this hub would speak to itself");
	relay = directory_device(depot_directory(u->depot), w->relay);
	if (relay == NULL || relay->role != ROLE_RELAY || relay->state != DEVICE_ADMITTED ||
	    exchange_welcome_verify(p, len, relay->cert.sign_public) != RC_OK)
		return protocol(u, "the answer is not signed by a relay of this province");
	if (memcmp(w->request, u->request, sizeof(u->request)) != 0)
		return protocol(u, "the answer belongs to another request");
	u->welcomed = true;
	u->no_room = u->no_room || w->status == STATUS_FULL;
	if (w->status == STATUS_UNKNOWN_DEVICE)
		return RC_OK;	/* it says nothing else */
	memcpy(u->nonce, w->nonce, sizeof(u->nonce));
	if (w->status == STATUS_FULL)
		w->status = STATUS_OK;
	return w->status == STATUS_OK ? meet_anew(u) : RC_OK;
}

/* ---- what comes ---- */

static enum rc
take_statement(struct relay_upstream *u, const uint8_t *p, size_t len)
{
	bool grew;
	enum rc rc = relay_hear_statement(u->depot, clock_now(&u->clock), u->welcome.relay, p, len, &grew);

	u->grew = u->grew || grew;
	return rc;
}

/*
 * What is served above and set aside here a person has released there: nobody else is asked, and laptops
 * that speak with this hub alone would never have it.  What nobody can release stays aside.
 */
static enum rc
follow_release(struct relay_upstream *u, const uint8_t id[FRAME_ID_BYTES])
{
	struct depot_frame f;
	enum rc rc = depot_find_frame(u->depot, id, &f);

	if (rc == RC_OK && f.state == FRAME_ASIDE)
		rc = relay_release_within(u->depot, &u->clock, id, NULL);
	/* not found: its sender's share of what is set aside is used up */
	return rc == RC_DENIED || rc == RC_NOTFOUND ? RC_OK : rc;
}

static enum rc
take_frame(struct relay_upstream *u, const uint8_t *p, size_t len)
{
	struct relay_session *s = &u->intake;
	struct depot_frame f;
	uint8_t id[FRAME_ID_BYTES];
	enum rc rc;

	frame_id(p, len, id);
	rc = depot_find_frame(u->depot, id, &f);
	if (rc == RC_OK)
		return follow_release(u, id);
	if (rc != RC_NOTFOUND)
		return rc;
	memcpy(s->hello.device, u->welcome.relay, sizeof(s->hello.device));
	s->status = STATUS_OK;
	s->no_room = false;
	rc = relay_take_frame(s, p, len);
	s->n_accepted = s->n_own = 0;
	if (rc == RC_OK && s->no_room)	/* the cursor stays before it */
		return error_set(u->err, RC_FULL, "relay", "free some space",
		    "there is no room for what the province has");
	u->result->frames_down += rc == RC_OK;
	return rc == RC_OK ? follow_release(u, id) : rc;
}

static int
by_id(const void *a, const void *b)
{
	return memcmp(a, b, FRAME_ID_BYTES);
}

/* What a receipt of the relay above names is there. */
static enum rc
note_known(struct relay_upstream *u, const uint8_t *p, size_t len)
{
	struct receipt r;
	size_t cap = u->n_known;
	void *grown;

	if (exchange_receipt_read(p, len, &r) != RC_OK)
		return RC_OK;
	if (r.kind == RECEIPT_STORED && memcmp(r.signer, u->welcome.relay, sizeof(r.signer)) == 0) {
		cap += r.n_frames;
		if (cap > u->cap_known) {
			if ((grown = realloc(u->known, cap * FRAME_ID_BYTES)) == NULL) {
				exchange_receipt_reset(&r);
				return RC_NOMEM;
			}
			u->known = grown;
			u->cap_known = cap;
		}
		if (r.n_frames > 0)
			memcpy(u->known[u->n_known], r.frames, r.n_frames * FRAME_ID_BYTES);
		u->n_known += r.n_frames;
	}
	exchange_receipt_reset(&r);
	return RC_OK;
}

static enum rc
take_receipt(struct relay_upstream *u, const uint8_t *p, size_t len)
{
	enum rc rc;

	if ((rc = note_known(u, p, len)) != RC_OK ||
	    (rc = relay_take_receipt(u->depot, clock_now(&u->clock), p, len)) != RC_OK)
		return rc;
	return depot_mark_from_above(u->depot, p, len);
}

static enum rc
take_one(struct relay_upstream *u, enum item_type type, const uint8_t *p, size_t len)
{
	if (type == ITEM_FRAME)
		return take_frame(u, p, len);
	if (type == ITEM_STATEMENT)
		return take_statement(u, p, len);
	if (type == ITEM_CERTIFICATE)
		return relay_unless_bad(relay_take_certificate(u->depot, clock_now(&u->clock), p, len, NULL));
	if (type == ITEM_SHARE)
		return relay_take_share(u->depot, p, len);
	if (type == ITEM_SHARE_LIST)
		return relay_unless_bad(relay_take_share_list(u->depot, p, len, NULL));
	if (type == ITEM_RECEIPT)
		return take_receipt(u, p, len);
	return RC_OK;
}

static enum rc
take_placed(struct relay_upstream *u, enum item_type type, const uint8_t *payload, size_t len)
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
		return protocol(u, "the answer was damaged on the way");
	if (rc == RC_OK)
		rc = take_one(u, type, p, n);
	else if (rc == RC_NEWER)
		rc = RC_OK;
	if (rc == RC_OK && u->welcome.status == STATUS_OK)
		relay_upstream_move(u, position);
	return rc;
}

/* The answer came whole: what went up with its request is there, or refused for good. */
static enum rc
take_end(struct relay_upstream *u, const uint8_t *payload, size_t len)
{
	uint64_t position;
	bool more;

	if (exchange_end_read(payload, len, &position, &more) != RC_OK || position > INT64_MAX)
		return protocol(u, "the answer was damaged on the way");
	u->more = u->more || more;
	u->ended = true;
	if ((u->welcome.status != STATUS_OK && u->welcome.status != STATUS_WAITING) ||
	    u->other_generation)
		return RC_OK;
	u->certificates = u->batch_certificates;
	u->receipts = u->batch_receipts;
	if (u->n_known > 1)
		qsort(u->known, u->n_known, FRAME_ID_BYTES, by_id);
	if (u->offers) {
		u->ask = false;
	} else if (!u->no_room) {
		u->moved = u->moved || u->batch > u->sent;
		u->sent = u->batch > u->sent ? u->batch : u->sent;
		u->result->frames_up += u->n_frames;
		u->ask = u->sent < u->refill;	/* name the next ones first as well */
	}
	if (u->welcome.status == STATUS_OK)
		relay_upstream_move(u, position);
	return RC_OK;
}

static enum rc
take_item(void *ctx, enum item_type type, const uint8_t *payload, size_t len)
{
	struct relay_upstream *u = ctx;

	if (type == ITEM_WELCOME)
		return take_welcome(u, payload, len);
	if (!u->welcomed)
		return protocol(u, "the server did not begin with a welcome");
	if (type == ITEM_FRAME || type == ITEM_LANE)
		return take_placed(u, type, payload, len);
	return type == ITEM_END ? take_end(u, payload, len) : take_one(u, type, payload, len);
}

/* A piece with all that follows from it, and the cursor behind it: one transaction. */
static enum rc
take_piece(void *ctx, const void *p, size_t len)
{
	struct relay_upstream *u = ctx;
	enum rc rc, fed;

	if ((rc = depot_begin(u->depot)) != RC_OK)
		return rc;
	fed = exchange_stream_feed(&u->stream, p, len);
	rc = fed == RC_PROTOCOL || fed == RC_DENIED ? RC_OK : fed;
	if (rc == RC_OK && u->grew)
		rc = relay_look_again(u->depot, clock_now(&u->clock));
	u->grew = false;
	if (rc == RC_OK)
		rc = relay_upstream_save(u, true);
	rc = depot_end(u->depot, rc);
	return rc != RC_OK ? rc : fed;
}

/* ---- rounds ---- */

static enum rc
post(struct relay_upstream *u, struct transport *t)
{
	enum rc rc;

	exchange_stream_init(&u->stream, take_item, u);
	u->stream.way = EXCHANGE_DOWN;
	u->welcomed = u->ended = u->other_generation = u->moved = u->grew = false;
	rc = transport_post(t, "/sync", u->message.data, u->message.len, take_piece, u, u->err);
	if (rc == RC_PROTOCOL && u->stream.damaged)
		(void)protocol(u, "the answer was damaged on the way");
	if (rc == RC_OK && !u->ended)
		rc = error_set(u->err, RC_NET, u->url, "it goes on by itself when the line is there",
		    "the answer was cut");
	exchange_stream_reset(&u->stream);
	u->result->requests++;
	return rc;
}

static enum rc
obey(struct relay_upstream *u, bool *again)
{
	*again = true;
	switch (u->welcome.status) {
	case STATUS_STALE:
		return RC_OK;
	case STATUS_UNKNOWN_DEVICE:
		if (u->with_certificate)
			return error_set(u->err, RC_DENIED, u->url, "ask the province",
			    "the server does not accept this hub");
		u->with_certificate = true;
		return RC_OK;
	case STATUS_LANES:
		u->with_all_lanes = true;
		return RC_OK;
	case STATUS_RETIRED:
		return error_set(u->err, RC_DENIED, u->url, "ask the province",
		    "this hub has been retired");
	case STATUS_OTHER_PROVINCE:
		return RC_DENIED;
	case STATUS_TOO_MANY:
		return error_set(u->err, RC_UNAVAILABLE, u->url, "it goes on by itself",
		    "the server asks to wait");
	case STATUS_WAITING:
		u->result->waits = true;
		*again = u->offers;
		return RC_OK;
	case STATUS_OK:
	case STATUS_FULL:
		u->with_all_lanes = false;
		break;
	}
	*again = false;
	return RC_OK;
}

static enum rc
all_rounds(struct relay_upstream *u, struct transport *t)
{
	bool again = true;
	uint64_t statements;
	int fruitless = 0;
	enum rc rc;

	for (int round = 0; round < ROUNDS_MAX && again; round++) {
		if ((rc = depot_refresh(u->depot)) != RC_OK || (rc = depot_begin(u->depot)) != RC_OK ||
		    (rc = depot_end(u->depot, relay_upstream_build(u))) != RC_OK)
			return rc;
		statements = directory_count(depot_directory(u->depot));
		if ((rc = post(u, t)) != RC_OK || (rc = obey(u, &again)) != RC_OK)
			return rc;
		fruitless = again || (!u->moved && u->n_frames == 0) ? fruitless + 1 : 0;
		if (u->welcome.status == STATUS_OK)
			again = u->more || u->other_generation ||
			    directory_count(depot_directory(u->depot)) > statements;
		if (fruitless > FRUITLESS_MAX)
			return protocol(u, "server and hub do not come to terms");
	}
	return RC_OK;
}

enum rc
relay_upstream_sync(struct relay_upstream *u, struct transport *t,
    struct relay_upstream_result *out, struct error *err)
{
	struct error local = { 0 };
	enum rc rc;

	memset(out, 0, sizeof(*out));
	u->result = out;
	u->err = err != NULL ? err : &local;
	u->url = transport_url(t);
	u->no_room = false;
	u->n_known = 0;
	rc = all_rounds(u, t);
	out->full = u->no_room;
	if (rc == RC_OK)
		return RC_OK;
	u->ask = true;		/* some of what was on its way may be there */
	free(u->lanes);		/* and what was undone must not be known */
	u->lanes = NULL;
	u->n_lanes = 0;
	memset(u->lanes_digest, 0, sizeof(u->lanes_digest));
	if (relay_upstream_load(u) != RC_OK)
		return RC_DAMAGED;
	return rc;
}
