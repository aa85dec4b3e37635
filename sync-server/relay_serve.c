#include <stdlib.h>
#include <string.h>

#include "sync-server/relay_internal.h"

/* ---- lanes ---- */

static int
by_lane(const void *a, const void *b)
{
	const struct exchange_behind *x = a, *y = b;

	return strcmp(x->lane, y->lane);
}

/* Pair the device's lanes with where it stands in each; only_behind: no other lane. */
static enum rc
place_lanes(struct relay_session *s, bool only_behind)
{
	struct relay_service *v = &s->service;
	struct exchange_behind key = { 0 }, *found;
	char *name;

	if ((v->lanes = calloc(v->n_names + 1, sizeof(*v->lanes))) == NULL)
		return RC_NOMEM;
	if (s->hello.n_behind > 1)
		qsort(s->hello.behind, s->hello.n_behind, sizeof(*s->hello.behind), by_lane);
	for (size_t i = 0; i < v->n_names; i++) {
		name = v->names[i];
		key.lane = name;
		found = s->hello.n_behind == 0 ? NULL : bsearch(&key, s->hello.behind,
		    s->hello.n_behind, sizeof(key), by_lane);
		if (found == NULL && only_behind)
			continue;
		v->lanes[v->n_lanes].name = name;
		v->lanes[v->n_lanes++].after = found != NULL ? found->position : s->hello.position;
	}
	return RC_OK;
}

static enum rc
agree_on_lanes(struct relay_session *s)
{
	static const uint8_t none[16];
	struct relay_service *v = &s->service;
	uint8_t digest[16], generation[16];
	bool named, same, lacks = v->statement < v->statements_end;
	enum rc rc;

	rc = directory_lanes(depot_directory(s->depot), s->hello.device, &v->names, &v->n_names, digest);
	if (rc == RC_NOTFOUND)
		return RC_OK;		/* its unit is not in the chain: it has no lane yet */
	if (rc != RC_OK)
		return rc;
	depot_generation(s->depot, generation);
	if (memcmp(s->hello.generation, none, sizeof(none)) != 0 &&
	    memcmp(s->hello.generation, generation, sizeof(generation)) != 0) {
		v->more = true;		/* its cursor is of another life: it starts again */
		return RC_OK;
	}
	named = memcmp(s->hello.lanes_digest, none, sizeof(none)) == 0;
	same = memcmp(s->hello.lanes_digest, digest, sizeof(digest)) == 0;
	if (!named && !same) {
		v->more = true;
		if (!lacks)
			s->status = STATUS_LANES;
		return RC_OK;
	}
	v->streams = true;
	return place_lanes(s, named);
}

/*
 * A retired device is shown the statement that retired it, which holds without those before it.
 * A refused one could be admitted after all: nothing can be proved to it.
 */
static enum rc
give_retirement(struct relay_session *s)
{
	struct relay_service *v = &s->service;
	uint64_t seq;
	enum rc rc = depot_retired_at(s->depot, s->hello.device, &seq);

	v->statement = v->statements_end = 0;
	if (rc != RC_OK)
		return rc == RC_NOTFOUND ? RC_OK : rc;
	if (s->hello.directory_seq < seq) {
		v->statement = seq;
		v->statements_end = seq + 1;
	}
	return RC_OK;
}

enum rc
relay_service_start(struct relay_session *s)
{
	struct relay_service *v = &s->service;
	enum rc rc;

	memset(v, 0, sizeof(*v));
	v->stage = STAGE_END;
	if (!s->authentic || s->chains_differ ||
	    (s->status != STATUS_OK && s->status != STATUS_RETIRED))
		return RC_OK;
	v->budget = s->hello.down_max == 0 ? RELAY_DOWN_MAX : s->hello.down_max;
	v->budget = v->budget < RELAY_DOWN_CEILING ? v->budget : RELAY_DOWN_CEILING;
	v->stage = STAGE_STATEMENTS;
	if (s->status == STATUS_RETIRED)
		return give_retirement(s);
	v->statement = s->hello.directory_seq < UINT64_MAX ? s->hello.directory_seq + 1 : UINT64_MAX;
	v->statements_end = directory_count(depot_directory(s->depot));
	if ((rc = depot_last_position(s->depot, &v->bound)) != RC_OK)
		return rc;
	return agree_on_lanes(s);
}

void
relay_service_reset(struct relay_service *v)
{
	directory_lanes_free(v->names, v->n_names);
	free(v->lanes);
	memset(v, 0, sizeof(*v));
}

/* ---- a heap of lanes, the smallest next position on top ---- */

static void
sift_down(struct relay_lane *h, size_t n, size_t i)
{
	struct relay_lane moved = h[i];
	size_t child;

	while ((child = 2 * i + 1) < n) {
		if (child + 1 < n && h[child + 1].next < h[child].next)
			child++;
		if (h[child].next >= moved.next)
			break;
		h[i] = h[child];
		i = child;
	}
	h[i] = moved;
}

/* The lane's next position; UINT64_MAX when it has none within this reply. */
static enum rc
seek(struct relay_session *s, struct relay_lane *lane)
{
	struct relay_service *v = &s->service;
	enum rc rc = RC_NOTFOUND;

	if (lane->after < v->bound)
		rc = depot_lane_after(s->depot, lane->name, lane->after, &lane->next);
	if (rc != RC_OK || lane->next > v->bound)
		lane->next = UINT64_MAX;
	return rc == RC_NOTFOUND ? RC_OK : rc;
}

static enum rc
make_heap(struct relay_session *s)
{
	struct relay_service *v = &s->service;
	size_t n = 0;
	enum rc rc;

	for (size_t i = 0; i < v->n_lanes; i++) {
		if ((rc = seek(s, &v->lanes[i])) != RC_OK)
			return rc;
		if (v->lanes[i].next != UINT64_MAX)
			v->lanes[n++] = v->lanes[i];
	}
	v->n_lanes = n;
	for (size_t i = n / 2; i > 0; i--)
		sift_down(v->lanes, n, i - 1);
	v->heaped = true;
	return RC_OK;
}

/* Go on behind the top lane's item. */
static enum rc
step(struct relay_session *s)
{
	struct relay_service *v = &s->service;
	struct relay_lane *top = &v->lanes[0];
	enum rc rc;

	top->after = top->next;
	if ((rc = seek(s, top)) != RC_OK)
		return rc;
	if (top->next == UINT64_MAX)
		*top = v->lanes[--v->n_lanes];
	if (v->n_lanes > 0)
		sift_down(v->lanes, v->n_lanes, 0);
	return RC_OK;
}

/* ---- items ---- */

/* Does it fit?  At least one item is served, so that there is progress. */
static bool
fits(struct relay_service *v, size_t len)
{
	if (v->sent > 0 && v->sent + len > v->budget)
		return false;
	v->sent += len;
	return true;
}

static enum rc
next_statement(struct relay_session *s)
{
	struct relay_service *v = &s->service;
	struct bytes statement;
	enum rc rc;

	if (v->statement >= v->statements_end) {
		v->stage = v->streams ? STAGE_STREAM : STAGE_END;
		return RC_OK;
	}
	bytes_init(&statement);
	if ((rc = depot_statement(s->depot, v->statement, &statement)) == RC_OK) {
		if (fits(v, statement.len)) {
			exchange_put(&s->out, ITEM_STATEMENT, statement.data, statement.len);
			v->statement++;
		} else {
			v->more = true;
			v->stage = STAGE_END;
		}
	}
	bytes_reset(&statement);
	return rc == RC_OK ? s->out.rc : rc;
}

/*
 * A share line is on top.  *whole: the device may have more than a quarter of its list, so
 * `list` holds all of it, and `last` is where its last line stands.
 */
static enum rc
judge_list(struct relay_session *s, uint64_t seq, bool *whole, uint64_t *last, struct bytes *list)
{
	struct relay_service *v = &s->service;
	uint64_t lines, in_lane, mine = 0;
	enum rc rc;

	*whole = false;
	*last = 0;
	if (v->list_judged == seq)
		return RC_OK;
	v->list_judged = seq;
	if ((rc = depot_share_list(s->depot, seq, &lines, last, list)) != RC_OK)
		return rc == RC_NOTFOUND ? RC_OK : rc;
	for (size_t i = 0; i < v->n_lanes && 4 * mine <= lines; i++) {
		if (v->lanes[i].name[0] != 'k' && v->lanes[i].name[0] != 'd')
			continue;
		rc = depot_lines_in(s->depot, v->lanes[i].name, v->lanes[i].after, *last, seq, &in_lane);
		if (rc != RC_OK)
			return rc;
		mine += in_lane;
	}
	/* one line alone is cheaper with its path */
	*whole = mine > 1 && 4 * mine > lines && *last <= v->bound;
	return RC_OK;
}

static bool
is_own(const struct relay_session *s, uint64_t position)
{
	size_t low = 0, high = s->n_own, middle;

	while (low < high) {
		middle = low + (high - low) / 2;
		if (s->own[middle] == position)
			return true;
		if (s->own[middle] < position)
			low = middle + 1;
		else
			high = middle;
	}
	return false;
}

/* The device's own certificate is one that it has. */
static enum rc
is_own_certificate(struct relay_session *s, const struct bytes *body, bool *own)
{
	struct bytes mine;
	enum rc rc;

	bytes_init(&mine);
	rc = depot_certificate(s->depot, s->hello.device, &mine);
	*own = rc == RC_OK && mine.len == body->len && memcmp(mine.data, body->data, mine.len) == 0;
	bytes_reset(&mine);
	return rc == RC_NOTFOUND ? RC_OK : rc;
}

/* Serve what stands at the top lane's position. */
static enum rc
serve_top(struct relay_session *s)
{
	struct relay_service *v = &s->service;
	uint64_t position = v->lanes[0].next, seq, last = 0;
	struct bytes body, list;
	enum item_type type;
	uint8_t id[FRAME_ID_BYTES];
	bool whole = false, had = false;
	enum rc rc;

	bytes_init(&body);
	bytes_init(&list);
	rc = depot_at(s->depot, position, &type, &seq, &body);
	if (rc == RC_NOTFOUND || (rc == RC_OK && body.len == 0)) {
		rc = step(s);	/* it was withdrawn in between */
		goto out;
	}
	if (rc != RC_OK ||
	    (type == ITEM_CERTIFICATE && (rc = is_own_certificate(s, &body, &had)) != RC_OK))
		goto out;
	if (type == ITEM_FRAME && s->hello.n_offered > 0) {
		frame_id(body.data, body.len, id);
		had = relay_was_offered(s, id);
	}
	if (had || (type == ITEM_SHARE && seq != 0 && seq == v->list_sent))
		goto served;
	if (type == ITEM_SHARE && seq != 0 &&
	    (rc = judge_list(s, seq, &whole, &last, &list)) != RC_OK)
		goto out;
	if (!fits(v, whole ? list.len : body.len)) {
		v->more = true;
		v->stage = STAGE_END;
		goto out;
	}
	if (whole) {
		exchange_put_down(&s->out, &s->sum, last, ITEM_SHARE_LIST, list.data, list.len);
		v->list_sent = seq;
		position = last;
	} else {
		exchange_put_down(&s->out, &s->sum, position, type, body.data, body.len);
	}
	v->position = position > v->position ? position : v->position;
served:
	rc = s->out.rc;
	if (rc == RC_OK)
		rc = step(s);
out:
	bytes_reset(&body);
	bytes_reset(&list);
	return rc;
}

static enum rc
next_of_stream(struct relay_session *s)
{
	struct relay_service *v = &s->service;
	enum rc rc;

	if (!v->heaped && (rc = make_heap(s)) != RC_OK)
		return rc;
	if (v->n_lanes == 0) {
		v->position = v->bound;
		v->stage = STAGE_END;
		return RC_OK;
	}
	return is_own(s, v->lanes[0].next) ? step(s) : serve_top(s);
}

static enum rc
put_end(struct relay_session *s)
{
	struct relay_service *v = &s->service;

	exchange_put_end_down(&s->out, &s->sum, v->position, v->more);
	v->stage = STAGE_DONE;
	return s->out.rc;
}

enum rc
relay_service_next(struct relay_session *s)
{
	switch (s->service.stage) {
	case STAGE_STATEMENTS:
		return next_statement(s);
	case STAGE_STREAM:
		return next_of_stream(s);
	case STAGE_END:
		return put_end(s);
	case STAGE_DONE:
		break;
	}
	return RC_OK;
}
