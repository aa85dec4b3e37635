/* Receipts: what a device is told of the frames that it, or somebody for it, handed in. */
#include <stdlib.h>
#include <string.h>

#include "sync-server/relay_internal.h"

static int
by_author(const void *a, const void *b)
{
	const struct relay_accepted *x = a, *y = b;

	return memcmp(x->author, y->author, sizeof(x->author));
}

static enum rc
sign_receipt(struct relay_session *s, const struct relay_accepted *first, size_t n,
    struct bytes *payload)
{
	const struct identity *id = depot_identity(s->depot);
	struct receipt r = { .kind = RECEIPT_STORED, .at = clock_now(&s->clock), .n_frames = n };
	enum rc rc;

	if ((r.frames = calloc(n, sizeof(*r.frames))) == NULL)
		return RC_NOMEM;
	memcpy(r.signer, id->device, sizeof(r.signer));
	memcpy(r.device, first->author, sizeof(r.device));
	for (size_t i = 0; i < n; i++)
		memcpy(r.frames[i], first[i].id, FRAME_ID_BYTES);
	rc = exchange_receipt_write(&r, id->sign_seed, payload);
	free(r.frames);
	return rc;
}

/* Frames that somebody else handed in: their author is told through its own lane, once. */
static enum rc
tell_author(struct relay_session *s, struct relay_accepted *first, size_t n,
    const struct bytes *receipt)
{
	char lane[DEPOT_LANE_MAX];
	struct depot_frame f;
	uint64_t position;
	bool news = false;
	enum rc rc;

	for (size_t i = 0; i < n; i++) {
		if (first[i].told)
			continue;
		if ((rc = depot_find_frame(s->depot, first[i].id, &f)) != RC_OK)
			return rc;
		news = news || !f.told;
		f.told = true;
		if ((rc = depot_change_frame(s->depot, &f)) != RC_OK)
			return rc;
	}
	if (!news)
		return RC_OK;
	relay_lane_device(first->author, lane);
	return depot_append(s->depot, lane, ITEM_RECEIPT, receipt, 0, &position);
}

/* How many of the sorted list, from the i-th on, are of one author. */
static size_t
of_one_author(const struct relay_session *s, size_t i)
{
	size_t n = 1;

	while (i + n < s->n_accepted && by_author(&s->accepted[i], &s->accepted[i + n]) == 0)
		n++;
	return n;
}

/* One receipt an author: into the reply, where there is one, and to authors that are elsewhere. */
static enum rc
give_receipts(struct relay_session *s, bool in_reply)
{
	/* what a retired device brought is aside: its author shall hand it in, too */
	bool tell_others = !in_reply || s->status != STATUS_RETIRED;
	struct relay_accepted *first;
	struct bytes payload;
	size_t n;
	enum rc rc = RC_OK;

	bytes_init(&payload);
	if (s->n_accepted > 1)
		qsort(s->accepted, s->n_accepted, sizeof(*s->accepted), by_author);
	for (size_t i = 0; rc == RC_OK && i < s->n_accepted; i += n) {
		bool other;

		first = &s->accepted[i];
		n = of_one_author(s, i);
		other = memcmp(first->author, s->hello.device, sizeof(first->author)) != 0;
		if (!in_reply && !other)
			continue;
		rc = sign_receipt(s, first, n, &payload);
		if (rc == RC_OK && other && tell_others)
			rc = tell_author(s, first, n, &payload);
		if (rc == RC_OK && in_reply) {
			exchange_put(&s->out, ITEM_RECEIPT, payload.data, payload.len);
			rc = s->out.rc;
		}
	}
	bytes_reset(&payload);
	return rc;
}

enum rc
relay_give_receipts(struct relay_session *s)
{
	return give_receipts(s, true);
}

enum rc
relay_tell_authors(struct relay_session *s)
{
	return give_receipts(s, false);
}

/*
 * The link broke before the receipts were out: authors whose frames somebody else carried find
 * them in their own lanes.  The device itself asks when it comes again.
 */
void
relay_tell_later(struct relay_session *s)
{
	if (s->status == STATUS_RETIRED || depot_begin(s->depot) != RC_OK)
		return;
	if (depot_end(s->depot, relay_tell_authors(s)) != RC_OK)
		return;	/* without a receipt it is handed in again */
}

/* ---- of holders, and of other relays ---- */

/* What this relay has it tells by itself; and what it had before a restore it may not have now. */
static bool
is_believed(struct depot *depot, const struct receipt *r, const uint8_t *p, size_t len)
{
	const struct directory *dir = depot_directory(depot);
	const struct device *signer = directory_device(dir, r->signer);

	return signer != NULL && exchange_receipt_verify(p, len, signer->cert.sign_public) == RC_OK &&
	    (signer->state == DEVICE_ADMITTED || signer->state == DEVICE_CERTIFIED) &&
	    signer->role == (r->kind == RECEIPT_HELD ? ROLE_HOLDER : ROLE_RELAY) &&
	    memcmp(r->signer, depot_identity(depot)->device, sizeof(r->signer)) != 0 &&
	    directory_device(dir, r->device) != NULL;
}

/*
 * A `held` receipt names all that its holder has: the last one says it all, and an older one nothing.
 * One from the time to come, of a wrong clock, is in nobody's way.
 */
static enum rc
is_outdated(struct depot *depot, const char *lane, int64_t now, const struct receipt *r,
    const uint8_t *p, size_t len, bool *outdated)
{
	struct receipt newest;
	struct bytes body;
	bool replaces = false;
	enum rc rc = RC_NOTFOUND;

	bytes_init(&body);
	*outdated = false;
	if (r->kind == RECEIPT_HELD)
		rc = depot_newest_receipt(depot, lane, p, &body);
	if (rc == RC_OK && (rc = exchange_receipt_read(body.data, body.len, &newest)) == RC_OK) {
		*outdated = r->at < newest.at && newest.at <= now + RELAY_RECEIPT_AHEAD_MAX;
		replaces = body.len >= len;
		exchange_receipt_reset(&newest);
	}
	*outdated = *outdated || (!replaces && !depot_has_room(depot, len));
	bytes_reset(&body);
	return rc == RC_NOTFOUND ? RC_OK : rc;
}

static enum rc
keep_receipt(struct depot *depot, int64_t now, const struct receipt *r, const uint8_t *p, size_t len)
{
	char lane[DEPOT_LANE_MAX];
	struct bytes body;
	uint64_t position;
	bool added, outdated;
	enum rc rc;

	relay_lane_device(r->device, lane);
	if ((rc = is_outdated(depot, lane, now, r, p, len, &outdated)) != RC_OK || outdated ||
	    (rc = depot_note_receipt(depot, p, len, &added)) != RC_OK || !added)
		return rc;
	bytes_init(&body);
	bytes_put(&body, p, len);
	if ((rc = depot_append(depot, lane, ITEM_RECEIPT, &body, 0, &position)) == RC_OK)
		rc = depot_drop_receipts(depot, lane, p, position, r->kind == RECEIPT_HELD ? 0 :
		    RELAY_RECEIPT_BYTES_MAX);
	bytes_reset(&body);
	return rc;
}

enum rc
relay_take_receipt(struct depot *depot, int64_t now, const uint8_t *p, size_t len)
{
	struct receipt r;
	enum rc rc;

	if ((rc = exchange_receipt_read(p, len, &r)) != RC_OK)
		return rc == RC_NOMEM ? rc : RC_OK;	/* taken or not: never a reason to break off */
	if (is_believed(depot, &r, p, len))
		rc = keep_receipt(depot, now, &r, p, len);
	exchange_receipt_reset(&r);
	return rc;
}
