#include "tests/support/register_history.h"

#include <stdlib.h>
#include <string.h>

#include "tests/support/record_fixture.h"

enum { STEPS = REGISTER_HISTORY_STEPS, DEVICES = REGISTER_HISTORY_DEVICES, FIELDS = 3 };

static void
must(enum rc rc)
{
	if (rc != RC_OK)
		abort();
}

static bool
superseded_before(const struct register_history *h, unsigned known, size_t i, unsigned field)
{
	for (size_t k = 0; k < STEPS; k++)
		if ((known >> k & 1) != 0 && (h->writes[k] >> field & 1) != 0 &&
		    (h->had[k] >> i & 1) != 0)
			return true;
	return false;
}

static bool
live(const struct register_history *h, unsigned known, size_t i, unsigned field)
{
	return (known >> i & 1) != 0 && (h->writes[i] >> field & 1) != 0 &&
	    !superseded_before(h, known, i, field);
}

static int
by_address(const void *a, const void *b)
{
	return address_compare(a, b);
}

/* The author sees the state of what it has, in any order; that is what it replaces. */
static void
write_step(struct register_history *h, size_t i, unsigned known, uint64_t *seed)
{
	size_t device = record_fixture_pick(seed, DEVICES);
	struct record_made *m = &h->made[i];

	record_made_begin(m, device + 1, ++h->written[device], (int64_t)record_fixture_pick(seed, 5));
	h->had[i] = known;
	h->writes[i] = 1u << (1 + record_fixture_pick(seed, FIELDS));
	if (record_fixture_pick(seed, 3) == 0)
		h->writes[i] |= 1u << (1 + record_fixture_pick(seed, FIELDS));
	if (record_fixture_pick(seed, 8) == 0)
		h->writes[i] = 1;
	for (unsigned field = 0; field <= FIELDS; field++) {
		struct write *w;

		if ((h->writes[i] >> field & 1) == 0)
			continue;
		w = record_made_write(m, field, WRITE_SET);
		record_made_integer(m, w, field == 0 ? 0 : (int64_t)record_fixture_pick(seed, 3));
		for (size_t k = 0; k < i; k++) {
			bool names = live(h, known, k, field);

			for (unsigned other = 1; field == 0 && other <= FIELDS; other++)
				names = names || live(h, known, k, other);
			if (names)
				record_made_replaced(m, w, h->made[k].e.dot.log, h->made[k].e.dot.n, 0);
		}
		qsort(m->replaces[w - m->writes], w->n_replaces, sizeof(struct address), by_address);
	}
}

void
register_history_make(struct register_history *h, uint64_t *seed)
{
	memset(h, 0, sizeof(*h));
	for (size_t i = 0; i < STEPS; i++) {
		/* mostly prefixes of what there is, sometimes with holes */
		unsigned known = (unsigned)record_fixture_next(seed) |
		    (unsigned)record_fixture_next(seed);

		write_step(h, i, known & ((1u << i) - 1), seed);
	}
}

bool
register_history_agrees(const struct register_history *h, const struct register_state *s)
{
	const unsigned all = (1u << STEPS) - 1;
	bool deleted = false, unseen = false;

	for (unsigned field = 0; field <= FIELDS; field++) {
		const struct register_field *f = register_find(s, field);
		size_t count = 0;

		for (size_t i = 0; i < STEPS; i++) {
			bool found = false;

			if (!live(h, all, i, field))
				continue;
			count++;
			for (size_t k = 0; f != NULL && k < f->n_values; k++)
				found = found || dot_compare(&f->values[k].address.dot,
				    &h->made[i].e.dot) == 0;
			if (!found)
				return false;
			deleted = deleted || field == 0;
		}
		if ((f == NULL ? 0 : f->n_values) != count || (f != NULL && f->n_pending > 0))
			return false;
	}
	/* a live value that no author of a live delete had */
	for (size_t i = 0; i < STEPS; i++) {
		bool lives = false, had = false;

		for (unsigned field = 1; field <= FIELDS; field++)
			lives = lives || live(h, all, i, field);
		for (size_t k = 0; k < STEPS; k++)
			had = had || (live(h, all, k, 0) && (h->had[k] >> i & 1) != 0);
		unseen = unseen || (lives && !had);
	}
	return register_alive(s).conflict == (deleted && unseen) &&
	    register_alive(s).deleted == (deleted && !unseen);
}

static void
shuffle(size_t *order, size_t n, uint64_t *seed)
{
	for (size_t i = n; i > 1; i--) {
		size_t k = record_fixture_pick(seed, i), t = order[i - 1];

		order[i - 1] = order[k];
		order[k] = t;
	}
}

size_t
register_history_order(size_t n, size_t *order, uint64_t *seed)
{
	size_t count = 0;

	for (size_t i = 0; i < n; i++)
		order[count++] = i;
	while (count < n + n / 3)
		order[count++] = record_fixture_pick(seed, n);
	shuffle(order, count, seed);
	return count;
}

void
register_history_apply(struct register_state *s, const struct record_made *made, size_t n,
    uint64_t *seed)
{
	size_t order[2 * STEPS];
	size_t count = register_history_order(n, order, seed);
	bool is_new;

	for (size_t i = 0; i < count; i++) {
		must(register_apply(s, &made[order[i]].e, &is_new));
		if (record_fixture_pick(seed, 12) == 0) {
			struct register_state t;
			struct bytes b;

			bytes_init(&b);
			must(register_state_encode(s, &b));
			must(register_state_decode(b.data, b.len, RECORD_MADE_ID, &t));
			t.forget_pending = s->forget_pending;
			register_state_reset(s);
			*s = t;
			bytes_reset(&b);
		}
	}
}

size_t
register_history_count_wrong(size_t histories, uint64_t seed, bool forget)
{
	struct register_history *h = malloc(sizeof(*h));
	size_t wrong = 0;

	if (h == NULL)
		abort();
	for (size_t k = 0; k < histories; k++) {
		struct register_state s[2];
		struct bytes b[2];

		register_history_make(h, &seed);
		for (size_t i = 0; i < 2; i++) {
			register_state_init(&s[i], RECORD_MADE_ID);
			s[i].forget_pending = forget;
			bytes_init(&b[i]);
			register_history_apply(&s[i], h->made, STEPS, &seed);
			must(register_state_encode(&s[i], &b[i]));
		}
		if (!register_history_agrees(h, &s[0]) || b[0].len != b[1].len ||
		    memcmp(b[0].data, b[1].data, b[0].len) != 0)
			wrong++;
		for (size_t i = 0; i < 2; i++) {
			register_state_reset(&s[i]);
			bytes_reset(&b[i]);
		}
	}
	free(h);
	return wrong;
}
