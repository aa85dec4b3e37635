#include <stdlib.h>
#include <string.h>

#include "sync-server/relay_upstream_internal.h"

enum {
	STATE_BYTES = 3 * 16 + 5 * 8,
	UP_BYTES_MAX = 1 << 20,		/* frames of a request: a bad line carries that in minutes */
	CERTIFICATE_BYTES_MAX = 256 << 10,
	ASK_BYTES_MIN = 16 << 10,	/* less is handed in without asking */
	DOWN_BYTES_MAX = 4 << 20
};

/* ---- what is remembered ---- */

static enum rc
load_lanes(struct relay_upstream *u, const struct bytes *b)
{
	struct upstream_lane *lane;
	struct reader r;
	const uint8_t *p;
	size_t n, len;

	reader_init(&r, b->data, b->len);
	p = reader_take(&r, sizeof(u->lanes_digest));
	if (p != NULL)
		memcpy(u->lanes_digest, p, sizeof(u->lanes_digest));
	n = (size_t)reader_varint_max(&r, b->len);
	if ((u->lanes = calloc(n + 1, sizeof(*u->lanes))) == NULL)
		return RC_NOMEM;
	for (size_t i = 0; i < n && !r.bad; i++) {
		lane = &u->lanes[u->n_lanes++];
		p = reader_span(&r, EXCHANGE_LANE_MAX, &len);
		if (p != NULL)
			memcpy(lane->name, p, len);
		lane->position = reader_varint(&r);
		lane->behind = lane->position > 0;
		if (lane->behind)
			lane->position--;
	}
	return reader_done(&r) ? RC_OK : RC_DAMAGED;
}

enum rc
relay_upstream_load(struct relay_upstream *u)
{
	struct bytes b;
	enum rc rc;

	bytes_init(&b);
	rc = depot_kept(u->depot, "state", &b);
	if (rc == RC_OK && b.len == STATE_BYTES) {
		memcpy(u->relay, b.data, 16);
		memcpy(u->generation, b.data + 16, 16);
		memcpy(u->nonce, b.data + 32, 16);
		u->position = bytes_load64(b.data + 48);
		u->sent = (int64_t)bytes_load64(b.data + 56);
		u->refill = (int64_t)bytes_load64(b.data + 64);
		u->certificates = bytes_load64(b.data + 72);
		u->receipts = bytes_load64(b.data + 80);
	} else if (rc == RC_OK) {
		rc = RC_DAMAGED;
	}
	b.len = 0;
	if (rc == RC_OK && (rc = depot_kept(u->depot, "lanes", &b)) == RC_OK)
		rc = load_lanes(u, &b);
	bytes_reset(&b);
	return rc == RC_NOTFOUND ? RC_OK : rc;
}

enum rc
relay_upstream_save(struct relay_upstream *u, bool lanes)
{
	struct bytes b;
	enum rc rc;

	bytes_init(&b);
	bytes_put(&b, u->relay, 16);
	bytes_put(&b, u->generation, 16);
	bytes_put(&b, u->nonce, 16);
	bytes_u64(&b, u->position);
	bytes_u64(&b, (uint64_t)u->sent);
	bytes_u64(&b, (uint64_t)u->refill);
	bytes_u64(&b, u->certificates);
	bytes_u64(&b, u->receipts);
	if ((rc = b.rc) == RC_OK)
		rc = depot_keep(u->depot, "state", b.data, b.len);
	if (rc == RC_OK && lanes) {
		b.len = 0;
		bytes_put(&b, u->lanes_digest, sizeof(u->lanes_digest));
		bytes_varint(&b, u->n_lanes);
		for (size_t i = 0; i < u->n_lanes; i++) {
			bytes_span(&b, u->lanes[i].name, strlen(u->lanes[i].name));
			bytes_varint(&b, u->lanes[i].behind ? u->lanes[i].position + 1 : 0);
		}
		if ((rc = b.rc) == RC_OK)
			rc = depot_keep(u->depot, "lanes", b.data, b.len);
	}
	bytes_reset(&b);
	return rc;
}

/* ---- lanes ---- */

static int
by_name(const void *a, const void *b)
{
	const struct upstream_lane *x = a, *y = b;

	return strcmp(x->name, y->name);
}

/* Lanes that the directory gives this hub now; new ones start from the beginning. */
static enum rc
update_lanes(struct relay_upstream *u)
{
	struct upstream_lane *now, *was;
	uint8_t digest[16];
	char **names = NULL;
	size_t n = 0;
	enum rc rc;

	rc = directory_lanes(depot_directory(u->depot), depot_identity(u->depot)->device, &names, &n,
	    digest);
	if (rc != RC_OK || memcmp(digest, u->lanes_digest, sizeof(digest)) == 0)
		goto out;
	if ((now = calloc(n + 1, sizeof(*now))) == NULL) {
		rc = RC_NOMEM;
		goto out;
	}
	for (size_t i = 0; i < n; i++) {
		memcpy(now[i].name, names[i], strlen(names[i]) + 1);
		was = u->n_lanes == 0 ? NULL :
		    bsearch(&now[i], u->lanes, u->n_lanes, sizeof(*was), by_name);
		if (was != NULL)
			now[i] = *was;
		else
			now[i].behind = u->position > 0;
	}
	qsort(now, n, sizeof(*now), by_name);
	free(u->lanes);
	u->lanes = now;
	u->n_lanes = n;
	memcpy(u->lanes_digest, digest, sizeof(digest));
	rc = relay_upstream_save(u, true);
out:
	directory_lanes_free(names, n);
	return rc;
}

void
relay_upstream_move(struct relay_upstream *u, uint64_t position)
{
	bool ahead = position >= u->position;

	/* a relay that lacks statements served only the lanes that it knows of: which, nobody can tell */
	if (u->other_generation || (u->with_all_lanes &&
	    u->welcome.directory_seq + 1 < directory_count(depot_directory(u->depot))))
		return;
	for (size_t i = 0; i < u->n_lanes; i++) {
		struct upstream_lane *lane = &u->lanes[i];

		if (!lane->behind || (!ahead && lane->position >= position))
			continue;
		lane->behind = !ahead;
		lane->position = ahead ? 0 : position;
		u->moved = true;
	}
	u->moved = u->moved || position > u->position;
	u->position = ahead ? position : u->position;
}

/* ---- the request ---- */

static int
by_id(const void *a, const void *b)
{
	return memcmp(a, b, FRAME_ID_BYTES);
}

static bool
is_known(const struct relay_upstream *u, const uint8_t id[FRAME_ID_BYTES])
{
	return u->n_known > 0 && bsearch(id, u->known, u->n_known, FRAME_ID_BYTES, by_id) != NULL;
}

enum rc
relay_upstream_next(struct relay_upstream *u, int64_t after, struct depot_pending *out)
{
	enum rc rc;

	/* what no relay will ever accept stays here */
	while ((rc = depot_next_frame(u->depot, after, out)) == RC_OK) {
		if ((memcmp(out->carrier, u->relay, sizeof(u->relay)) != 0 || out->key <= u->refill) &&
		    !(out->state == FRAME_ASIDE && (out->reason == ASIDE_NOT_A_FRAME ||
		    out->reason == ASIDE_SIGNATURE)))
			return RC_OK;
		after = out->key;
	}
	return rc;
}

/* Much is waiting, and some of it may be there: only its names go up. */
static enum rc
offer(struct relay_upstream *u, struct hello *h)
{
	struct depot_pending f = { .key = u->sent };
	size_t bytes = 0, n = 0;
	uint8_t (*ids)[FRAME_ID_BYTES];
	enum rc rc;

	u->offers = false;
	if (!u->ask || u->no_room)
		return RC_OK;
	u->n_known = 0;
	if ((ids = malloc(EXCHANGE_OFFERED_MAX * sizeof(*ids))) == NULL)
		return RC_NOMEM;
	while (n < EXCHANGE_OFFERED_MAX && (rc = relay_upstream_next(u, f.key, &f)) == RC_OK) {
		memcpy(ids[n++], f.id, FRAME_ID_BYTES);
		bytes += f.len;
		u->batch = f.key;
	}
	rc = n < EXCHANGE_OFFERED_MAX && rc != RC_NOTFOUND ? rc : RC_OK;
	if (rc == RC_OK && bytes >= ASK_BYTES_MIN) {
		h->offered = ids;
		h->n_offered = n;
		u->offers = true;
		return RC_OK;
	}
	u->ask = false;
	free(ids);
	return rc;
}

static enum rc
put_hello(struct relay_upstream *u)
{
	const struct directory *dir = depot_directory(u->depot);
	const struct identity *id = depot_identity(u->depot);
	struct hello h = { .position = u->position, .down_max = DOWN_BYTES_MAX };
	struct bytes payload;
	enum rc rc;

	bytes_init(&payload);
	directory_province(dir, h.province);
	memcpy(h.device, id->device, sizeof(h.device));
	memcpy(h.generation, u->generation, sizeof(h.generation));
	memcpy(h.nonce, u->nonce, sizeof(h.nonce));
	h.directory_seq = directory_count(dir) - 1;
	(void)directory_head_at(dir, h.directory_seq, h.directory_head);
	memcpy(h.lanes_digest, u->lanes_digest, sizeof(h.lanes_digest));
	if ((h.behind = calloc(u->n_lanes + 1, sizeof(*h.behind))) == NULL)
		return RC_NOMEM;
	for (size_t i = 0; i < u->n_lanes; i++) {
		if (!u->lanes[i].behind && !u->with_all_lanes)
			continue;
		h.behind[h.n_behind].lane = u->lanes[i].name;
		h.behind[h.n_behind++].position = u->lanes[i].behind ? u->lanes[i].position : u->position;
	}
	if (u->with_all_lanes)
		memset(h.lanes_digest, 0, sizeof(h.lanes_digest));
	if ((rc = offer(u, &h)) == RC_OK &&
	    (rc = exchange_hello_write(&h, id->sign_seed, &payload)) == RC_OK) {
		exchange_request_id(payload.data, payload.len, u->request);
		exchange_put(&u->message, ITEM_HELLO, payload.data, payload.len);
	}
	free(h.offered);
	free(h.behind);
	bytes_reset(&payload);
	return rc;
}

static enum rc
put_certificates(struct relay_upstream *u)
{
	const struct identity *id = depot_identity(u->depot);
	struct bytes cert;
	uint64_t serial;
	size_t start = u->message.len;
	enum rc rc = RC_OK;

	bytes_init(&cert);
	if (u->with_certificate && (rc = depot_certificate(u->depot, id->device, &cert)) == RC_OK)
		exchange_put(&u->message, ITEM_CERTIFICATE, cert.data, cert.len);
	if (rc == RC_NOTFOUND)
		rc = RC_OK;	/* the chain names it: they know us */
	u->batch_certificates = u->certificates;
	while (rc == RC_OK && u->message.len - start < CERTIFICATE_BYTES_MAX) {
		cert.len = 0;
		if ((rc = depot_certificate_after(u->depot, u->batch_certificates, &serial, &cert)) != RC_OK)
			break;
		exchange_put(&u->message, ITEM_CERTIFICATE, cert.data, cert.len);
		u->batch_certificates = serial;
	}
	u->more = u->more || rc == RC_OK;
	bytes_reset(&cert);
	return rc == RC_NOTFOUND ? RC_OK : rc;
}

static enum rc
put_frames(struct relay_upstream *u)
{
	struct depot_pending f = { .key = u->sent };
	struct bytes frame;
	int64_t last = 0;
	size_t bytes = 0;
	enum rc rc = RC_OK;

	u->n_frames = 0;
	if (u->offers || u->no_room) {
		u->more = u->more || u->offers;
		return RC_OK;
	}
	/* asked for first: what comes while we look is for the next time */
	if ((rc = depot_last_frame(u->depot, &last)) != RC_OK)
		return rc;
	bytes_init(&frame);
	u->batch = u->sent;
	while ((rc = relay_upstream_next(u, f.key, &f)) == RC_OK) {
		if (!is_known(u, f.id)) {
			if (u->n_frames > 0 && (bytes + f.len > UP_BYTES_MAX ||
			    u->n_frames >= EXCHANGE_OFFERED_MAX)) {
				u->more = true;
				break;
			}
			frame.len = 0;
			if ((rc = depot_frame_bytes(u->depot, f.key, &frame)) != RC_OK)
				break;
			exchange_put(&u->message, ITEM_FRAME, frame.data, frame.len);
			bytes += f.len;
			u->n_frames++;
		}
		u->batch = f.key;
	}
	bytes_reset(&frame);
	/* behind the last there are only such as need no handing on */
	if (rc == RC_NOTFOUND && last > u->batch)
		u->batch = last;
	return rc == RC_NOTFOUND ? RC_OK : rc;
}

/* Of holders: those of relays find their way from where they were signed. */
static enum rc
put_receipts(struct relay_upstream *u)
{
	struct receipt r;
	struct bytes receipt;
	uint64_t position;
	bool had;
	enum rc rc;

	bytes_init(&receipt);
	u->batch_receipts = u->receipts;
	while ((rc = depot_next_receipt(u->depot, u->batch_receipts, &position, &receipt)) == RC_OK) {
		u->batch_receipts = position;
		if ((rc = depot_is_from_above(u->depot, receipt.data, receipt.len, &had)) != RC_OK)
			break;
		if (had || exchange_receipt_read(receipt.data, receipt.len, &r) != RC_OK)
			continue;
		if (r.kind == RECEIPT_HELD)
			exchange_put(&u->message, ITEM_RECEIPT, receipt.data, receipt.len);
		exchange_receipt_reset(&r);
	}
	bytes_reset(&receipt);
	return rc == RC_NOTFOUND ? RC_OK : rc;
}

/* What is to be handed on once more, for a receipt, is named first. */
static enum rc
begin_again(struct relay_upstream *u)
{
	int64_t key;
	enum rc rc = depot_hand_on_from(u->depot, &key);

	if (rc == RC_OK && key <= u->sent) {
		u->sent = key - 1;
		u->ask = true;
		rc = relay_upstream_save(u, false);
	}
	return rc == RC_NOTFOUND ? RC_OK : rc;
}

enum rc
relay_upstream_build(struct relay_upstream *u)
{
	enum rc rc = begin_again(u);

	if (rc != RC_OK)
		return rc;
	u->message.len = 0;
	u->more = false;
	u->batch = u->sent;
	if ((rc = update_lanes(u)) != RC_OK || (rc = put_hello(u)) != RC_OK ||
	    (rc = put_certificates(u)) != RC_OK || (rc = put_frames(u)) != RC_OK ||
	    (rc = put_receipts(u)) != RC_OK)
		return rc;
	exchange_put_end_up(&u->message);
	return u->message.rc;
}
