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
#include "tests/support/register_history.h"

#if defined(__SANITIZE_ADDRESS__) || defined(RECORD_FEW)
enum { HISTORIES = 20000, WILD_SETS = 10000 };
#else
enum { HISTORIES = 50000, WILD_SETS = 60000 };	/* many more in tests/simulate */
#endif
enum { SEED = 20261122 };

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

static void
histories_fold_to_what_happened_before_in_any_order(void **state)
{
	(void)state;
	print_message("seed %d, %d histories\n", SEED, HISTORIES);
	assert_int_equal(register_history_count_wrong(HISTORIES, SEED, false), 0);
}

static void
without_memory_of_early_replacements_the_same_histories_go_wrong(void **state)
{
	size_t wrong = register_history_count_wrong(2000, SEED, true);

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

static int
by_address(const void *a, const void *b)
{
	return address_compare(a, b);
}

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
			register_history_apply(&s[i], x->made, x->n, &seed);
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
