#include "shared/reports/report_hide.h"

#include <stdlib.h>
#include <string.h>

enum {
	DEPTH_MAX = 32,			/* steps of a witness */
	WORK_MAX = 100000,		/* terms looked at for one witness */
	PASSES = 6			/* hidden cells first, of each those that mend most */
};

struct report_hide_sum {
	size_t first, n;
	int32_t off;			/* how far the steps have put it off its value */
	int64_t low, high;		/* how far it may be */
};

/* A sum that a cell stands in. */
struct report_hide_place {
	uint32_t sum;
	int8_t sign;
};

/* A step by one, and the sum that asked for it. */
struct step {
	uint32_t cell;
	int8_t by;
	uint32_t sum;
	size_t at;			/* next term of that sum to try */
	int pass;
};

void
report_hide_init(struct report_hide *h)
{
	memset(h, 0, sizeof(*h));
}

void
report_hide_reset(struct report_hide *h)
{
	free(h->cells);
	free(h->terms);
	free(h->sums);
	free(h->of);
	free(h->first);
	report_hide_init(h);
}

static enum rc
make_room(void **items, size_t *room, size_t need, size_t size)
{
	size_t more = *room == 0 ? 64 : *room;
	void *p;

	if (need > REPORT_HIDE_CELLS_MAX)
		return RC_LIMIT;
	while (more < need)
		more *= 2;
	if (more == *room)
		return RC_OK;
	p = realloc(*items, more * size);
	if (p == NULL)
		return RC_NOMEM;
	*items = p;
	*room = more;
	return RC_OK;
}

enum rc
report_hide_cell(struct report_hide *h, const struct report_hide_cell *cell, uint32_t *out)
{
	void *items = h->cells;
	enum rc rc = make_room(&items, &h->room_cells, h->n_cells + 1, sizeof(*h->cells));

	*out = 0;
	h->cells = items;
	if (rc != RC_OK)
		return rc;
	*out = (uint32_t)h->n_cells;
	h->cells[h->n_cells] = *cell;
	h->cells[h->n_cells].moved = 0;
	h->cells[h->n_cells++].safe = false;
	return RC_OK;
}

enum rc
report_hide_sum(struct report_hide *h, const struct report_hide_term *terms, size_t n,
    int64_t low, int64_t high)
{
	void *items = h->terms;
	enum rc rc = make_room(&items, &h->room_terms, h->n_terms + n, sizeof(*h->terms));

	h->terms = items;
	if (rc != RC_OK)
		return rc;
	items = h->sums;
	rc = make_room(&items, &h->room_sums, h->n_sums + 1, sizeof(*h->sums));
	h->sums = items;
	if (rc != RC_OK)
		return rc;
	memcpy(h->terms + h->n_terms, terms, n * sizeof(*terms));
	h->sums[h->n_sums++] = (struct report_hide_sum){ h->n_terms, n, 0, -low, high };
	h->n_terms += n;
	return RC_OK;
}

/* Cheap and small figures first, so that they are hidden rather than others. */
static bool
goes_before(const struct report_hide_cell *a, const struct report_hide_cell *b)
{
	return a->cost != b->cost ? a->cost < b->cost : a->value < b->value;
}

/* By insertion: most sums are short, and come nearly sorted. */
static void
sort_terms(struct report_hide *h, const struct report_hide_sum *s)
{
	struct report_hide_term *t = h->terms + s->first;

	for (size_t i = 1; i < s->n; i++) {
		struct report_hide_term moving = t[i];
		size_t to = i;

		for (; to > 0 && goes_before(&h->cells[moving.cell], &h->cells[t[to - 1].cell]); to--)
			t[to] = t[to - 1];
		t[to] = moving;
	}
}

enum rc
report_hide_ready(struct report_hide *h)
{
	h->first = calloc(h->n_cells + 2, sizeof(*h->first));
	h->of = calloc(h->n_terms + 1, sizeof(*h->of));
	if (h->first == NULL || h->of == NULL)
		return RC_NOMEM;
	for (size_t i = 0; i < h->n_terms; i++)
		h->first[h->terms[i].cell + 2]++;
	for (size_t i = 2; i < h->n_cells + 2; i++)
		h->first[i] += h->first[i - 1];
	for (size_t s = 0; s < h->n_sums; s++) {
		sort_terms(h, &h->sums[s]);
		for (size_t i = 0; i < h->sums[s].n; i++) {
			const struct report_hide_term *t = &h->terms[h->sums[s].first + i];

			h->of[h->first[t->cell + 1]++] =
			    (struct report_hide_place){ (uint32_t)s, t->sign };
		}
	}
	return RC_OK;
}

static void
go(struct report_hide *h, uint32_t cell, int by)
{
	struct report_hide_cell *c = &h->cells[cell];
	bool before = c->moved != 0;

	c->moved += by;
	for (uint32_t i = h->first[cell]; i < h->first[cell + 1]; i++)
		h->sums[h->of[i].sum].off += h->of[i].sign * by;
	if (!c->hidden && before != (c->moved != 0))
		h->cost += before ? -(int)c->cost : (int)c->cost;
}

/* How much a sum that is so far off is to be mended, and which way. */
static int64_t
broken(const struct report_hide_sum *s, int off)
{
	return off < s->low ? off - s->low : off > s->high ? off - s->high : 0;
}

/* 0: the step mends more than it breaks, 1: as much, 2: less. */
static int
class_of(const struct report_hide *h, uint32_t cell, int by)
{
	int64_t change = 0;

	for (uint32_t i = h->first[cell]; i < h->first[cell + 1]; i++) {
		const struct report_hide_sum *s = &h->sums[h->of[i].sum];

		change += llabs(broken(s, s->off + h->of[i].sign * by)) - llabs(broken(s, s->off));
	}
	return change < 0 ? 0 : change == 0 ? 1 : 2;
}

static bool
fits(const struct report_hide *h, const struct step *s, int allow)
{
	const struct report_hide_cell *c = &h->cells[s->cell];
	int64_t value = c->value + c->moved + s->by;
	bool open = !c->hidden && c->moved == 0;

	return open == (s->pass >= PASSES / 2) && value >= c->low && value <= c->high &&
	    (c->moved == 0 || (c->moved > 0) == (s->by > 0)) &&
	    (!open || h->cost + c->cost <= allow) && class_of(h, s->cell, s->by) == s->pass % 3;
}

/* The next step that could mend the sum of s. */
static bool
find_step(struct report_hide *h, struct step *s, int allow)
{
	const struct report_hide_sum *sum = &h->sums[s->sum];

	for (; s->pass < PASSES; s->pass++, s->at = 0) {
		while (s->at < sum->n) {
			const struct report_hide_term *t = &h->terms[sum->first + s->at++];

			if (h->work == 0)
				return false;
			h->work--;
			s->cell = t->cell;
			s->by = (int8_t)(broken(sum, sum->off) > 0 ? -t->sign : t->sign);
			if (fits(h, s, allow))
				return true;
		}
	}
	return false;
}

/* Of the sums that are to be mended the shortest: it leaves the fewest ways. */
static bool
find_broken(const struct report_hide *h, const struct step *steps, size_t n, uint32_t *out)
{
	size_t shortest = SIZE_MAX;

	for (size_t k = 0; k < n; k++) {
		uint32_t cell = steps[k].cell;

		for (uint32_t i = h->first[cell]; i < h->first[cell + 1]; i++) {
			const struct report_hide_sum *s = &h->sums[h->of[i].sum];

			if (s->n < shortest && broken(s, s->off) != 0) {
				shortest = s->n;
				*out = h->of[i].sum;
			}
		}
	}
	return shortest != SIZE_MAX;
}

/* What moved in the witness is safe, and hidden with it; all is put back. */
static void
settle(struct report_hide *h, const struct step *steps, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		struct report_hide_cell *c = &h->cells[steps[i].cell];

		c->hidden = c->safe = true;
	}
	for (size_t i = 0; i < n; i++)
		go(h, steps[i].cell, -steps[i].by);
	h->cost = 0;
}

/* A witness that moves the cell by one, in so many steps, and hides no more than `allow`. */
static bool
find_witness(struct report_hide *h, uint32_t cell, int by, int allow, size_t depth)
{
	struct step steps[DEPTH_MAX] = { { .cell = cell, .by = (int8_t)by } };
	struct report_hide_cell *c = &h->cells[cell];
	size_t n = 1;
	uint32_t sum;

	if (c->value + by < c->low || c->value + by > c->high)
		return false;
	h->work = WORK_MAX;
	h->cost = 0;
	go(h, cell, by);
	while (find_broken(h, steps, n, &sum)) {
		if (n < depth) {
			steps[n] = (struct step){ .sum = sum };
			n++;
		} else {
			n--;
			go(h, steps[n].cell, -steps[n].by);
			n++;
		}
		while (n > 1 && !find_step(h, &steps[n - 1], allow)) {
			n--;
			go(h, steps[n - 1].cell, -steps[n - 1].by);
		}
		if (n == 1)
			return false;		/* the first step was put back */
		go(h, steps[n - 1].cell, steps[n - 1].by);
	}
	settle(h, steps, n);
	return true;
}

bool
report_hide_protect(struct report_hide *h, uint32_t cell)
{
	if (h->cells[cell].safe)
		return true;
	for (int allow = 0; allow <= REPORT_HIDE_COST_MAX; allow++) {
		for (size_t depth = 4; depth <= DEPTH_MAX; depth *= 2) {
			if (find_witness(h, cell, 1, allow, depth) ||
			    find_witness(h, cell, -1, allow, depth))
				return true;
		}
	}
	return false;
}
