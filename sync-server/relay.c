#include "sync-server/relay.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "shared/vault/secret.h"
#include "sync-server/relay_internal.h"

enum { MINUTE_MS = 60000, DAY_MS = 86400000, SECONDS_A_DAY = 86400 };

/* ---- the relay ---- */

enum rc
relay_new(struct depot *depot, const struct clock *clock, unsigned per_minute,
    struct relay **out)
{
	struct relay *r = calloc(1, sizeof(*r));
	enum rc rc;

	*out = NULL;
	if (r == NULL)
		return RC_NOMEM;
	r->depot = depot;
	r->clock = *clock;
	if ((rc = relay_pace_new(RELAY_DEVICES_PACED, per_minute, MINUTE_MS, &r->requests)) != RC_OK ||
	    (rc = relay_pace_new(RELAY_DEVICES_PACED, RELAY_BYTES_A_DAY, DAY_MS, &r->bytes)) != RC_OK) {
		relay_free(r);
		return rc;
	}
	*out = r;
	return RC_OK;
}

void
relay_free(struct relay *r)
{
	if (r == NULL)
		return;
	relay_pace_free(r->requests);
	relay_pace_free(r->bytes);
	free(r);
}

void
relay_set_bytes_a_day(struct relay *r, uint64_t bytes)
{
	relay_pace_set(r->bytes, bytes);
}

/* May this device ask again now? */
static bool
may_ask(struct relay *r, const uint8_t device[16])
{
	int64_t now = clock_monotonic_ms();

	if (!relay_pace_may(r->requests, device, now) || !relay_pace_may(r->bytes, device, now))
		return false;
	relay_pace_take(r->requests, device, 1, now);
	return true;
}

/* ---- hello ---- */

static void
refuse(struct relay_session *s, enum exchange_status status)
{
	s->status = status;
	s->phase = PHASE_REFUSED;
}

/* Has the device a chain that is not ours? */
static enum rc
compare_chains(struct relay_session *s)
{
	const struct directory *dir = depot_directory(s->depot);
	uint8_t head[16];

	if (!directory_head_at(dir, s->hello.directory_seq, head) ||
	    memcmp(head, s->hello.directory_head, sizeof(head)) == 0)
		return RC_OK;
	s->chains_differ = true;
	return depot_alarm(s->depot, clock_now(&s->clock), "chains-differ", s->hello.device,
	    "the device has another directory");
}

/* A cursor of this generation that stands behind the end of the sequence is of a later state. */
static enum rc
compare_positions(struct relay_session *s)
{
	uint8_t generation[16];
	uint64_t last;
	enum rc rc;

	depot_generation(s->depot, generation);
	if (memcmp(generation, s->hello.generation, sizeof(generation)) != 0)
		return RC_OK;
	if ((rc = depot_last_position(s->depot, &last)) != RC_OK || s->hello.position <= last)
		return rc;
	return relay_was_put_back(s->depot, clock_now(&s->clock), s->hello.device);
}

/* The device is known: is this hello its own, in time, and from one who may speak? */
static enum rc
meet(struct relay_session *s, const struct device *device)
{
	enum depot_standing standing;
	uint8_t nonce[16];
	enum rc rc;

	if (exchange_hello_verify(s->hello_bytes.data, s->hello_bytes.len,
	    device->cert.sign_public) != RC_OK) {
		refuse(s, STATUS_UNKNOWN_DEVICE);
		return RC_OK;
	}
	s->authentic = true;
	if ((rc = depot_standing(s->depot, s->hello.device, &standing)) != RC_OK ||
	    (rc = depot_nonce(s->depot, s->hello.device, nonce)) != RC_OK)
		return rc;
	s->trusted = standing == STANDING_GOOD;
	if (!may_ask(s->relay, s->hello.device)) {
		refuse(s, STATUS_TOO_MANY);
		return RC_OK;
	}
	if (memcmp(nonce, s->hello.nonce, sizeof(nonce)) != 0) {
		refuse(s, STATUS_STALE);
		return relay_nonce_is_later(s->depot, s->hello.device, s->hello.nonce, nonce) ?
		    relay_was_put_back(s->depot, clock_now(&s->clock), s->hello.device) : RC_OK;
	}
	if ((rc = compare_positions(s)) != RC_OK)
		return rc;
	s->phase = PHASE_OPEN;
	if (standing == STANDING_RETIRED || standing == STANDING_REFUSED)
		s->status = STATUS_RETIRED;
	else if (standing == STANDING_WAITS)
		s->status = STATUS_WAITING;
	if (s->status == STATUS_OK && (rc = compare_chains(s)) != RC_OK)
		return rc;
	return relay_take_offered(s);
}

static enum rc
take_hello(struct relay_session *s, const uint8_t *p, size_t len)
{
	const struct directory *dir = depot_directory(s->depot);
	const struct device *device;
	uint8_t province[DEPOT_PROVINCE_BYTES];
	enum rc rc;

	if ((rc = exchange_hello_read(p, len, &s->hello)) != RC_OK)
		return rc == RC_NOMEM ? rc : RC_PROTOCOL;
	exchange_request_id(p, len, s->request);
	bytes_put(&s->hello_bytes, p, len);
	if (s->hello_bytes.rc != RC_OK)
		return s->hello_bytes.rc;
	directory_province(dir, province);
	if (directory_count(dir) == 0 ||
	    memcmp(province, s->hello.province, sizeof(province)) != 0) {
		refuse(s, STATUS_OTHER_PROVINCE);
		return RC_OK;
	}
	device = directory_device(dir, s->hello.device);
	if (device != NULL)
		return meet(s, device);
	/* as much work as for a known one whose signature does not hold */
	rc = exchange_hello_verify(s->hello_bytes.data, s->hello_bytes.len,
	    depot_identity(s->depot)->sign_public);
	if (rc == RC_NOMEM)
		return rc;
	s->phase = PHASE_CERTIFICATE;
	return RC_OK;
}

/* A stranger shows what makes it a device of this province. */
static enum rc
take_own_certificate(struct relay_session *s, enum item_type type, const uint8_t *p, size_t len)
{
	const struct directory *dir = depot_directory(s->depot);
	const struct device *device;
	struct certificate c;
	enum rc rc;

	refuse(s, STATUS_UNKNOWN_DEVICE);
	/* who does not hold the key must not use up an invitation */
	if (type != ITEM_CERTIFICATE ||
	    identity_certificate_read(p, len, directory_root(dir), &c) != RC_OK ||
	    memcmp(c.device, s->hello.device, sizeof(c.device)) != 0 ||
	    exchange_hello_verify(s->hello_bytes.data, s->hello_bytes.len, c.sign_public) != RC_OK)
		return RC_OK;
	if ((rc = relay_unless_bad(relay_take_certificate(s->depot, clock_now(&s->clock), p, len,
	    NULL))) != RC_OK)
		return rc;
	if ((device = directory_device(dir, s->hello.device)) == NULL)
		return RC_OK;
	s->status = STATUS_OK;
	return meet(s, device);
}

/* ---- the other items ---- */

static enum rc
take_statement(struct relay_session *s, const uint8_t *p, size_t len)
{
	int64_t now = clock_now(&s->clock);
	bool grew;
	enum rc rc = relay_hear_statement(s->depot, now, s->hello.device, p, len, &grew);

	return rc == RC_OK && grew ? relay_look_again(s->depot, now) : rc;
}

static enum rc
take_open(struct relay_session *s, enum item_type type, const uint8_t *p, size_t len)
{
	relay_pace_take(s->relay->bytes, s->hello.device, len, clock_monotonic_ms());
	switch (type) {
	case ITEM_FRAME:
		return relay_take_frame(s, p, len);
	case ITEM_CERTIFICATE:
		return !s->trusted ? RC_OK : relay_unless_bad(relay_take_certificate(s->depot,
		    clock_now(&s->clock), p, len, NULL));
	case ITEM_STATEMENT:
		return s->trusted ? take_statement(s, p, len) : RC_OK;
	case ITEM_RECEIPT:
		return s->trusted ? relay_take_receipt(s->depot, clock_now(&s->clock), p, len) : RC_OK;
	case ITEM_END:
		return RC_OK;
	case ITEM_HELLO:
	case ITEM_SHARE:
	case ITEM_SHARE_LIST:
	case ITEM_WELCOME:
	case ITEM_LANE:
	case ITEM_ROOT:
	case ITEM_RELAY_STATE:
	case ITEM_RELEASE:
	case ITEM_RELAY_HEADS:
	case ITEM_QUARANTINE:
	case ITEM_RESEALED:
	case ITEM_KEY:
		break;
	}
	return RC_PROTOCOL;
}

static enum rc
take_item(void *ctx, enum item_type type, const uint8_t *payload, size_t len)
{
	struct relay_session *s = ctx;

	/* something got lost in it: what came is kept, and it is asked for all of it again */
	if (type == ITEM_END && s->stream.damaged && s->phase != PHASE_HELLO) {
		refuse(s, STATUS_STALE);
		return RC_OK;
	}
	switch (s->phase) {
	case PHASE_HELLO:
		return type == ITEM_HELLO ? take_hello(s, payload, len) : RC_PROTOCOL;
	case PHASE_CERTIFICATE:
		return take_own_certificate(s, type, payload, len);
	case PHASE_OPEN:
		return take_open(s, type, payload, len);
	case PHASE_REFUSED:
		break;
	}
	return RC_OK;
}

/* ---- the session ---- */

enum rc
relay_session_new(struct relay *r, struct relay_session **out)
{
	struct relay_session *s = calloc(1, sizeof(*s));

	*out = NULL;
	if (s == NULL)
		return RC_NOMEM;
	s->relay = r;
	s->depot = r->depot;
	s->clock = r->clock;
	s->service.stage = STAGE_DONE;
	exchange_stream_init(&s->stream, take_item, s);
	s->stream.way = EXCHANGE_UP;
	exchange_sum_init(&s->sum);
	*out = s;
	return RC_OK;
}

enum rc
relay_session_feed(struct relay_session *s, const uint8_t *p, size_t len)
{
	size_t n_accepted = s->n_accepted;
	enum rc rc, fed;

	if (s->failed != RC_OK)
		return s->failed;
	if ((rc = depot_begin(s->depot)) == RC_OK) {
		fed = exchange_stream_feed(&s->stream, p, len);
		/* a break of the protocol does not undo what came whole before it */
		rc = depot_end(s->depot, fed == RC_PROTOCOL || fed == RC_LIMIT ? RC_OK : fed);
		if (rc != RC_OK)
			s->n_accepted = n_accepted;	/* what was undone gets no receipt */
		else
			rc = fed;
	}
	return s->failed = rc;
}

/* Was all of the reply taken? */
static bool
was_answered(const struct relay_session *s)
{
	return s->finished && s->service.stage == STAGE_DONE && s->out_at == s->out.len;
}

void
relay_session_free(struct relay_session *s)
{
	if (s == NULL)
		return;
	if (s->n_accepted > 0 && !was_answered(s))
		relay_tell_later(s);
	exchange_stream_reset(&s->stream);
	exchange_hello_reset(&s->hello);
	relay_service_reset(&s->service);
	bytes_reset(&s->hello_bytes);
	bytes_reset(&s->out);
	free(s->accepted);
	free(s->own);
	free(s);
}

/* ---- the reply's beginning ---- */

/*
 * Strangers get zeroes, so that all of their replies are alike; who waits or was shut out hears
 * nothing of the directory, the sequence and the log, whatever the status is.
 */
static enum rc
put_welcome(struct relay_session *s, const uint8_t nonce[16])
{
	const struct identity *id = depot_identity(s->depot);
	const struct directory *dir = depot_directory(s->depot);
	struct welcome w = { .status = s->status, .now = clock_now(&s->clock) };
	struct bytes payload;
	enum rc rc;

	memcpy(w.request, s->request, sizeof(w.request));
	memcpy(w.relay, id->device, sizeof(w.relay));
	if (s->authentic) {
		depot_generation(s->depot, w.generation);
		memcpy(w.nonce, nonce, sizeof(w.nonce));
		w.quarantined = s->quarantined;
	}
	if (s->trusted) {
		w.directory_seq = directory_count(dir) - 1;
		(void)directory_head_at(dir, w.directory_seq, w.directory_head);
		w.last = s->service.bound;
		if ((rc = depot_audit_head(s->depot, &w.audit, w.audit_head)) != RC_OK)
			return rc;
	}
	bytes_init(&payload);
	rc = exchange_welcome_write(&w, id->sign_seed, &payload);
	if (rc == RC_OK)
		exchange_put(&s->out, ITEM_WELCOME, payload.data, payload.len);
	bytes_reset(&payload);
	return rc == RC_OK ? s->out.rc : rc;
}

/*
 * A line in the audit log: who came for the first time that day, who handed in or was turned
 * away.  A device that only asks again and again fills no disk.
 */
static enum rc
note_call(struct relay_session *s)
{
	static const char *const kinds[] = { [STATUS_OK] = "sync", [STATUS_RETIRED] = "retired-came",
		[STATUS_WAITING] = "waits", [STATUS_FULL] = "no-room" };
	int64_t now = clock_now(&s->clock), seen;
	char detail[64];
	const char *kind;
	enum rc rc;

	if (s->phase != PHASE_OPEN)
		return RC_OK;
	if ((rc = depot_seen_at(s->depot, s->hello.device, &seen)) != RC_OK && rc != RC_NOTFOUND)
		return rc;
	if (rc == RC_OK && seen / SECONDS_A_DAY == now / SECONDS_A_DAY && s->status == STATUS_OK &&
	    s->n_accepted == 0 && s->quarantined == 0 && !s->no_room)
		return RC_OK;
	kind = s->no_room ? kinds[STATUS_FULL] :
	    s->status == STATUS_RETIRED || s->status == STATUS_WAITING ? kinds[s->status] : kinds[STATUS_OK];
	snprintf(detail, sizeof(detail), "frames %zu, aside %llu", s->n_accepted,
	    (unsigned long long)s->quarantined);
	return depot_audit(s->depot, now, kind, s->hello.device, detail);
}

/* A new nonce ends this request: the same hello cannot be used again. */
static enum rc
turn_nonce(struct relay_session *s, uint8_t nonce[16])
{
	uint8_t last[16];
	enum rc rc;

	if (s->phase != PHASE_OPEN)
		return depot_nonce(s->depot, s->hello.device, nonce);
	if ((rc = depot_nonce(s->depot, s->hello.device, last)) != RC_OK)
		return rc;
	relay_nonce_next(s->depot, s->hello.device, last, nonce);
	return depot_set_nonce(s->depot, s->hello.device, nonce, clock_now(&s->clock),
	    s->hello.position, s->hello.directory_seq);
}

enum rc
relay_session_finish(struct relay_session *s)
{
	uint8_t nonce[16];
	enum rc rc;

	if (s->failed != RC_OK)
		return s->failed;
	if (s->phase == PHASE_HELLO)
		return s->failed = RC_PROTOCOL;
	if (s->phase == PHASE_CERTIFICATE)
		refuse(s, STATUS_UNKNOWN_DEVICE);
	if (!s->stream.ended && s->phase == PHASE_OPEN)
		refuse(s, STATUS_STALE);
	if ((rc = depot_begin(s->depot)) != RC_OK)
		return s->failed = rc;
	if ((rc = note_call(s)) == RC_OK && (rc = turn_nonce(s, nonce)) == RC_OK &&
	    (rc = relay_service_start(s)) == RC_OK) {
		if (s->no_room && s->status == STATUS_OK)
			s->status = STATUS_FULL;
		rc = put_welcome(s, nonce);
	}
	if (rc == RC_OK)
		rc = relay_give_receipts(s);
	rc = depot_end(s->depot, rc);
	s->finished = rc == RC_OK;
	return s->failed = rc;
}

enum rc
relay_reply_next(struct relay_session *s, uint8_t *buf, size_t cap, size_t *n)
{
	size_t left;
	enum rc rc;

	*n = 0;
	if (!s->finished)
		return RC_INTERNAL;
	while (s->out_at == s->out.len && s->service.stage != STAGE_DONE) {
		exchange_sum_take(&s->sum, &s->out);
		s->out.len = s->out_at = 0;
		if ((rc = relay_service_next(s)) != RC_OK)
			return rc;
	}
	left = s->out.len - s->out_at;
	*n = left < cap ? left : cap;
	if (*n > 0)
		memcpy(buf, s->out.data + s->out_at, *n);
	s->out_at += *n;
	return RC_OK;
}
