#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "shared/records/register.h"
#include "tests/support/record_fixture.h"
#include "tests/support/record_made.h"

#if defined(__SANITIZE_ADDRESS__) || defined(RECORD_FEW)
enum { HISTORIES = 20000, WILD_SETS = 10000 };
#else
enum { HISTORIES = 200000, WILD_SETS = 60000 };
#endif
enum { SEED = 20261122 };

static void
apply(struct register_state *s, const struct record_made *m)
{
	bool is_new;

	assert_int_equal(register_apply(s, &m->e, &is_new), RC_OK);
}

static char *
hex_of(const struct register_state *s)
{
	struct bytes b;
	char *hex;

	bytes_init(&b);
	assert_int_equal(register_state_encode(s, &b), RC_OK);
	hex = malloc(2 * b.len + 1);
	assert_non_null(hex);
	bytes_hex(b.data, b.len, hex);
	bytes_reset(&b);
	return hex;
}

/* Histories against what happened before ------------------------------- */

enum { STEPS = 14, DEVICES = 4, FIELDS = 3 };

/*
 * An independent model: of every write it knows only which entries its author
 * had.  A value is live when no author of a write to its field had its entry.
 */
struct history {
	struct record_made made[STEPS];
	unsigned had[STEPS];		/* entries that the author had, as bits */
	unsigned writes[STEPS];		/* fields written, as bits; bit 0: a delete */
	uint64_t written[DEVICES];
};

static bool
superseded_before(const struct history *h, unsigned known, size_t i, unsigned field)
{
	for (size_t k = 0; k < STEPS; k++)
		if ((known >> k & 1) != 0 && (h->writes[k] >> field & 1) != 0 &&
		    (h->had[k] >> i & 1) != 0)
			return true;
	return false;
}

static bool
live(const struct history *h, unsigned known, size_t i, unsigned field)
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
write_step(struct history *h, size_t i, unsigned known, uint64_t *seed)
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

static void
make_history(struct history *h, uint64_t *seed)
{
	memset(h, 0, sizeof(*h));
	for (size_t i = 0; i < STEPS; i++) {
		/* mostly prefixes of what there is, sometimes with holes */
		unsigned known = (unsigned)record_fixture_next(seed) |
		    (unsigned)record_fixture_next(seed);

		write_step(h, i, known & ((1u << i) - 1), seed);
	}
}

static bool
agrees(const struct history *h, const struct register_state *s)
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

/* Apply in a random order, with repeats; sometimes through bytes and back. */
static void
apply_shuffled(struct register_state *s, const struct record_made *made, size_t n, uint64_t *seed)
{
	size_t order[2 * STEPS];
	size_t count = 0;

	for (size_t i = 0; i < n; i++)
		order[count++] = i;
	while (count < n + n / 3)
		order[count++] = record_fixture_pick(seed, n);
	shuffle(order, count, seed);
	for (size_t i = 0; i < count; i++) {
		apply(s, &made[order[i]]);
		if (record_fixture_pick(seed, 12) == 0) {
			struct register_state t;
			struct bytes b;

			bytes_init(&b);
			assert_int_equal(register_state_encode(s, &b), RC_OK);
			assert_int_equal(register_state_decode(b.data, b.len, RECORD_MADE_ID, &t), RC_OK);
			t.forget_pending = s->forget_pending;
			register_state_reset(s);
			*s = t;
			bytes_reset(&b);
		}
	}
}

static size_t
count_wrong(size_t histories, uint64_t seed, bool forget)
{
	struct history *h = malloc(sizeof(*h));
	size_t wrong = 0;

	assert_non_null(h);
	for (size_t k = 0; k < histories; k++) {
		struct register_state s[2];
		struct bytes b[2];

		make_history(h, &seed);
		for (size_t i = 0; i < 2; i++) {
			register_state_init(&s[i], RECORD_MADE_ID);
			s[i].forget_pending = forget;
			bytes_init(&b[i]);
			apply_shuffled(&s[i], h->made, STEPS, &seed);
			assert_int_equal(register_state_encode(&s[i], &b[i]), RC_OK);
		}
		if (!agrees(h, &s[0]) || b[0].len != b[1].len ||
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

static void
histories_fold_to_what_happened_before_in_any_order(void **state)
{
	(void)state;
	print_message("seed %d, %d histories\n", SEED, HISTORIES);
	assert_int_equal(count_wrong(HISTORIES, SEED, false), 0);
}

static void
without_memory_of_early_replacements_the_same_histories_go_wrong(void **state)
{
	size_t wrong = count_wrong(2000, SEED, true);

	(void)state;
	print_message("without that memory %zu of 2000 histories go wrong\n", wrong);
	assert_true(wrong > 200);
}

/* Sets without sense against the definition ---------------------------- */

enum { WILD = 10, WILD_LOGS = 4 };

struct wild {
	struct record_made made[WILD];
	size_t n;
};

static struct dot
wild_dot(uint64_t *seed)
{
	struct dot d = { 1 + record_fixture_pick(seed, WILD_LOGS),
		1 + record_fixture_pick(seed, 3) };

	if (record_fixture_pick(seed, 12) == 0)
		d = RECORD_MADE_ID;
	return d;
}

static void
wild_replaces(struct record_made *m, struct write *w, uint64_t *seed)
{
	size_t n = record_fixture_pick(seed, 4), kept = 0;
	struct address *a = m->replaces[w - m->writes];

	for (size_t i = 0; i < n; i++)
		a[i] = (struct address){ wild_dot(seed), w->kind == WRITE_SET ? 0 :
			(uint32_t)record_fixture_pick(seed, 3) };
	qsort(a, n, sizeof(*a), by_address);
	for (size_t i = 0; i < n; i++)
		if (dot_compare(&a[i].dot, &m->e.dot) != 0 &&
		    (kept == 0 || address_compare(&a[kept - 1], &a[i]) != 0))
			a[kept++] = a[i];
	w->n_replaces = kept;
}

static void
make_wild(struct wild *x, uint64_t *seed)
{
	memset(x, 0, sizeof(*x));
	while (x->n < WILD) {
		struct record_made *m = &x->made[x->n];
		struct dot d = wild_dot(seed);
		bool taken = false;

		for (size_t i = 0; i < x->n; i++)
			taken = taken || dot_compare(&x->made[i].e.dot, &d) == 0;
		if (taken) {
			if (record_fixture_pick(seed, 6) == 0)
				return;
			continue;
		}
		record_made_begin(m, d.log, d.n, (int64_t)record_fixture_pick(seed, 100));
		m->form[0] = (char)('a' + (int)record_fixture_pick(seed, 26));
		m->e.form_version = (unsigned)x->n;
		m->e.restates = wild_dot(seed);
		m->e.restated = record_fixture_pick(seed, 3) == 0 && m->e.restates.log != d.log;
		if (!m->e.restated)
			m->e.restates = (struct dot){ 0, 0 };
		for (unsigned k = 0; k < RECORD_MADE_WRITES; k++) {
			struct write *w = record_made_write(m, k / 2 + 1, k == 0 ? WRITE_SET :
			    k == 3 ? WRITE_VOID : WRITE_ITEMS);

			wild_replaces(m, w, seed);
			for (size_t v = w->kind == WRITE_VOID ? 0 : w->kind == WRITE_SET ? 1 :
			    record_fixture_pick(seed, 3); v > 0; v--)
				record_made_integer(m, w, (int64_t)record_fixture_pick(seed, 3));
		}
		x->n++;
	}
}

static const struct record_made *
wild_find(const struct wild *x, const struct dot *d)
{
	for (size_t i = 0; i < x->n; i++)
		if (dot_compare(&x->made[i].e.dot, d) == 0)
			return &x->made[i];
	return NULL;
}

static struct dot
wild_root(const struct wild *x, struct dot d)
{
	struct dot ring[2 * WILD];
	size_t n = 0;

	for (;;) {
		const struct record_made *m = wild_find(x, &d);
		struct dot least = d;

		if (m == NULL || !m->e.restated)
			return d;
		for (size_t i = 0; i < n; i++) {
			if (dot_compare(&ring[i], &d) != 0)
				continue;
			for (; i < n; i++)
				if (dot_compare(&ring[i], &least) < 0)
					least = ring[i];
			return least;
		}
		ring[n++] = d;
		d = m->e.restates;
	}
}

/* Does this entry's class count with this entry's values? */
static bool
wild_wins(const struct wild *x, const struct record_made *m)
{
	struct dot root = wild_root(x, m->e.dot);
	const struct record_made *original = wild_find(x, &root);

	if (original != NULL && !original->e.restated)
		return original == m;
	for (size_t i = 0; i < x->n; i++) {
		struct dot other = wild_root(x, x->made[i].e.dot);

		if (dot_compare(&other, &root) == 0 &&
		    dot_compare(&x->made[i].e.dot, &m->e.dot) < 0)
			return false;
	}
	return true;
}

/* The least dot that strikes root.item of a field out, or {0, 0}. */
static struct dot
wild_struck(const struct wild *x, unsigned field, struct dot root, uint32_t item, bool voids)
{
	struct dot least = { 0, 0 };

	for (size_t i = 0; i < x->n; i++) {
		const struct entry *e = &x->made[i].e;

		for (size_t k = 0; k < e->n_writes; k++) {
			const struct write *w = &e->writes[k];

			for (size_t r = 0; w->field == field && (w->kind == WRITE_VOID) == voids &&
			    r < w->n_replaces; r++) {
				struct dot at = wild_root(x, w->replaces[r].dot);

				if (dot_compare(&at, &root) == 0 && w->replaces[r].item == item &&
				    (least.log == 0 || dot_compare(&e->dot, &least) < 0))
					least = e->dot;
			}
		}
	}
	return least;
}

static size_t
wild_live(const struct wild *x, const struct record_made *m, const struct register_state *s)
{
	struct dot root = wild_root(x, m->e.dot);
	size_t count = 0;

	if (!wild_wins(x, m))
		return 0;
	for (size_t k = 0; k < m->e.n_writes; k++) {
		const struct write *w = &m->e.writes[k];

		for (size_t v = 0; v < w->n_values; v++) {
			uint32_t item = w->kind == WRITE_SET ? 0 : (uint32_t)v + 1;
			const struct register_field *f = register_find(s, w->field);
			struct dot voided;
			bool found = false;

			if (wild_struck(x, w->field, root, item, false).log != 0)
				continue;
			count++;
			voided = wild_struck(x, w->field, root, item, true);
			for (size_t i = 0; f != NULL && i < f->n_values; i++) {
				const struct register_value *have = &f->values[i];

				if (dot_compare(&have->address.dot, &m->e.dot) != 0 ||
				    have->address.item != item)
					continue;
				found = dot_compare(&have->voided, &voided) == 0 &&
				    have->len == 2 && have->bytes[1] == w->values[v].integer * 2;
			}
			assert_true(found);
		}
	}
	return count;
}

static const struct record_made *
wild_source(const struct wild *x)
{
	const struct dot record = RECORD_MADE_ID;
	const struct record_made *m = wild_find(x, &record), *least = NULL;

	for (size_t i = 0; m == NULL && i < x->n; i++)
		if (x->made[i].e.restated && dot_compare(&x->made[i].e.restates, &record) == 0 &&
		    (least == NULL || dot_compare(&x->made[i].e.dot, &least->e.dot) < 0))
			least = &x->made[i];
	for (size_t i = 0; m == NULL && least == NULL && i < x->n; i++) {
		bool smallest = true;

		for (size_t k = 0; k < x->n; k++)
			smallest = smallest && dot_compare(&x->made[i].e.dot,
			    &x->made[k].e.dot) <= 0;
		if (smallest)
			return &x->made[i];
	}
	return m != NULL ? m : least;
}

static void
any_set_folds_to_its_definition_in_any_order(void **state)
{
	struct wild *x = malloc(sizeof(*x));
	uint64_t seed = SEED + 1;

	(void)state;
	assert_non_null(x);
	print_message("seed %d, %d sets\n", SEED + 1, WILD_SETS);
	for (size_t k = 0; k < WILD_SETS; k++) {
		size_t want = 0, have = 0;
		struct register_state s[2];
		char *hex[2];

		make_wild(x, &seed);
		for (size_t i = 0; i < 2; i++) {
			register_state_init(&s[i], RECORD_MADE_ID);
			apply_shuffled(&s[i], x->made, x->n, &seed);
			hex[i] = hex_of(&s[i]);
		}
		assert_string_equal(hex[0], hex[1]);
		for (size_t i = 0; i < x->n; i++)
			want += wild_live(x, &x->made[i], &s[0]);
		for (size_t i = 0; i < s[0].n_fields; i++)
			have += s[0].fields[i].n_values;
		assert_int_equal(have, want);
		if (x->n > 0) {
			assert_string_equal(s[0].form, wild_source(x)->form);
			assert_int_equal(s[0].form_version, wild_source(x)->e.form_version);
		}
		for (size_t i = 0; i < 2; i++) {
			register_state_reset(&s[i]);
			free(hex[i]);
		}
	}
	free(x);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(histories_fold_to_what_happened_before_in_any_order),
		cmocka_unit_test(without_memory_of_early_replacements_the_same_histories_go_wrong),
		cmocka_unit_test(any_set_folds_to_its_definition_in_any_order),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
