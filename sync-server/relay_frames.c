/* Frames that a device hands in, and what it is told of them. */
#include <stdlib.h>
#include <string.h>

#include "shared/sync/frame.h"
#include "sync-server/relay_internal.h"

static enum rc
note_own(struct relay_session *s, uint64_t position)
{
	size_t cap = s->cap_own ? 2 * s->cap_own : 16;
	uint64_t *p;

	if (s->n_own == s->cap_own) {
		if ((p = realloc(s->own, cap * sizeof(*p))) == NULL)
			return RC_NOMEM;
		s->own = p;
		s->cap_own = cap;
	}
	s->own[s->n_own++] = position;
	return RC_OK;
}

/*
 * A laptop hands in its own frame at this hub: it has no receipt of the province.  That was lost on its
 * way, or the province set the frame aside when the hub handed it on; only who hands a frame in is
 * answered, so the hub does it again.
 */
static bool
lacks_receipt_from_above(const struct relay_session *s, const struct depot_frame *f)
{
	const struct directory *dir = depot_directory(s->depot);
	const struct device *self = directory_device(dir, depot_identity(s->depot)->device);

	return self != NULL && directory_unit(dir, self->unit) != NULL &&
	    memcmp(f->author, s->hello.device, sizeof(f->author)) == 0;
}

static enum rc
note_accepted(struct relay_session *s, const struct depot_frame *f)
{
	size_t cap = s->cap_accepted ? 2 * s->cap_accepted : 16;
	struct relay_accepted *p;
	enum rc rc;

	if (lacks_receipt_from_above(s, f) &&
	    (rc = depot_hand_on(s->depot, f, s->hello.device)) != RC_OK)
		return rc;
	if (s->n_accepted >= RELAY_FRAMES_MAX)
		return RC_OK;	/* without a receipt the device hands it in again */
	if (s->n_accepted == s->cap_accepted) {
		if ((p = realloc(s->accepted, cap * sizeof(*p))) == NULL)
			return RC_NOMEM;
		s->accepted = p;
		s->cap_accepted = cap;
	}
	p = &s->accepted[s->n_accepted++];
	memcpy(p->id, f->id, sizeof(p->id));
	memcpy(p->author, f->author, sizeof(p->author));
	p->told = f->told;
	return RC_OK;
}

/*
 * Does a receipt name it?  A retired device is told of all that is kept of it, its own or carried, served or
 * aside: when nothing would be lost with it, it wipes itself.
 */
static bool
is_receipted(const struct relay_session *s, const struct depot_frame *f)
{
	const struct device *d;

	if (s->status != STATUS_RETIRED || f->state != FRAME_ASIDE)
		return f->state != FRAME_ASIDE;
	d = directory_device(depot_directory(s->depot), s->hello.device);
	return d != NULL && d->state == DEVICE_RETIRED && f->key != 0 &&
	    f->reason != ASIDE_NOT_A_FRAME;
}

/* Accepted or not, what was decided about a frame of this session. */
static enum rc
conclude(struct relay_session *s, const struct depot_frame *f, const struct frame_header *h,
    bool serve)
{
	uint64_t position;
	enum rc rc;

	if (f->state == FRAME_ASIDE)
		s->quarantined++;
	if (!is_receipted(s, f))
		return RC_OK;
	if (serve && f->state == FRAME_SERVED) {
		rc = relay_enter_stream(s->depot, clock_now(&s->clock), f, h, &position);
		if (rc == RC_OK)
			rc = note_own(s, position);
		if (rc != RC_OK)
			return rc;
	}
	return note_accepted(s, f);
}

static enum rc
take_again(struct relay_session *s, struct depot_frame *f, const uint8_t *p, size_t len)
{
	struct frame_header h = { 0 };
	bool retry = f->state == FRAME_ASIDE && f->reason == ASIDE_BY_RETIRED &&
	    s->status != STATUS_RETIRED;
	enum rc rc = RC_OK;

	if (retry && (rc = relay_judge(s->depot, p, len, f, &h)) == RC_OK)
		rc = depot_change_frame(s->depot, f);
	if (rc == RC_OK)
		rc = conclude(s, f, &h, retry);
	frame_header_reset(&h);
	return rc;
}

enum rc
relay_take_frame(struct relay_session *s, const uint8_t *p, size_t len)
{
	struct frame_header h = { 0 };
	struct depot_frame f;
	uint8_t id[FRAME_ID_BYTES];
	uint64_t aside = 0;
	enum rc rc;

	frame_id(p, len, id);
	if ((rc = depot_find_frame(s->depot, id, &f)) == RC_OK)
		return take_again(s, &f, p, len);
	if (rc != RC_NOTFOUND)
		return rc;
	if (!depot_has_room(s->depot, len)) {
		s->no_room = true;	/* its sender keeps it: it gets no receipt */
		return RC_OK;
	}
	memcpy(f.id, id, sizeof(f.id));
	memcpy(f.carrier, s->hello.device, sizeof(f.carrier));
	f.received = clock_now(&s->clock);
	if ((rc = relay_judge(s->depot, p, len, &f, &h)) != RC_OK)
		goto out;
	if (s->status == STATUS_RETIRED && f.reason == ASIDE_NOTHING) {
		f.state = FRAME_ASIDE;
		f.reason = ASIDE_BY_RETIRED;
	}
	if (f.state == FRAME_ASIDE &&
	    (rc = depot_aside_bytes(s->depot, f.carrier, &aside)) != RC_OK)
		goto out;
	/* beyond its share of the quarantine the device keeps its own: it gets no receipt */
	if (aside + len > RELAY_ASIDE_MAX && f.state == FRAME_ASIDE) {
		s->quarantined++;
		s->not_kept++;
	} else if ((rc = depot_put_frame(s->depot, &f, p, len)) == RC_OK) {
		rc = conclude(s, &f, &h, true);
	}
out:
	frame_header_reset(&h);
	return rc;
}

void
relay_session_undone(struct relay_session *s)
{
	s->n_accepted = 0;
	s->failed = RC_IO;
}

static int
by_id(const void *a, const void *b)
{
	return memcmp(a, b, FRAME_ID_BYTES);
}

enum rc
relay_take_offered(struct relay_session *s)
{
	struct depot_frame f;
	enum rc rc = RC_OK;

	if (s->hello.n_offered > 1)
		qsort(s->hello.offered, s->hello.n_offered, FRAME_ID_BYTES, by_id);
	for (size_t i = 0; i < s->hello.n_offered && rc == RC_OK; i++) {
		if (i > 0 && by_id(s->hello.offered[i - 1], s->hello.offered[i]) == 0)
			continue;
		rc = depot_find_frame(s->depot, s->hello.offered[i], &f);
		if (rc == RC_OK && is_receipted(s, &f))
			rc = note_accepted(s, &f);
		if (rc == RC_NOTFOUND)
			rc = RC_OK;
	}
	return rc;
}

bool
relay_was_offered(const struct relay_session *s, const uint8_t id[FRAME_ID_BYTES])
{
	return s->hello.n_offered > 0 && bsearch(id, s->hello.offered, s->hello.n_offered,
	    FRAME_ID_BYTES, by_id) != NULL;
}
