/*
 * bench_duplicates [PERSONS] [PLANTED] [SEED]: how many of the planted duplicates are found among
 * invented persons, and how many of the suggestions are right; seconds and memory.  With
 * MISSED set, some of those that were missed, and some that are wrong.
 */
#include <inttypes.h>
#include <sqlite3.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "shared/base/clock.h"
#include "shared/records/duplicate.h"
#include "shared/records/tables.h"
#include "tests/support/record_fixture.h"
#include "tests/support/twice_registered.h"

static void
bind(sqlite3_stmt *s, int column, const char *text)
{
	if (text == NULL || text[0] == '\0')
		sqlite3_bind_null(s, column);
	else
		sqlite3_bind_text(s, column, text, -1, SQLITE_STATIC);
}

/* Their rows, in an order that has nothing to do with who is whom. */
static bool
store(struct sqlite3 *db, const struct twice_registered *all, size_t n)
{
	sqlite3_stmt *s = NULL;
	bool done = sqlite3_prepare_v2(db, "INSERT INTO form_person(id, unit, created_at, alive, conflicts,"
	    " full_name, sex, birth_date, est_age, est_age_asof, id_number, phone, registered_commune,"
	    " current_commune, address_text, ethnicity) VALUES (?1, '06001', 1767225600, 1, 0, ?2, ?3, ?4,"
	    " ?5, '2026-01-01', ?6, ?7, ?8, ?9, ?10, ?11)", -1, &s, NULL) == SQLITE_OK;

	record_fixture_run(db, "BEGIN");
	for (size_t i = 1; done && i <= n; i++) {
		const struct twice_registered *p = &all[i];

		sqlite3_bind_int64(s, 1, (int64_t)i);
		bind(s, 2, p->name);
		bind(s, 3, p->sex);
		bind(s, 4, p->birth);
		if (p->about != 0)
			sqlite3_bind_int(s, 5, p->about);
		else
			sqlite3_bind_null(s, 5);
		bind(s, 6, p->paper);
		bind(s, 7, p->phone);
		bind(s, 8, p->registered);
		bind(s, 9, p->current);
		bind(s, 10, p->address);
		bind(s, 11, p->ethnicity);
		done = sqlite3_step(s) == SQLITE_DONE;
		sqlite3_reset(s);
	}
	sqlite3_finalize(s);
	record_fixture_run(db, "COMMIT");
	return done;
}

/* Counting ------------------------------------------------------------- */

static bool
is_right(const struct twice_registered *all, int64_t a, int64_t b)
{
	return all[a].twice == (size_t)b || all[b].twice == (size_t)a;
}

static void
print_kinds(const struct twice_registered *all, size_t n, const bool *found)
{
	for (unsigned m = 0; m < TWICE_MISHAPS; m++) {
		size_t of = 0, had = 0;

		for (size_t i = 1; i <= n; i++) {
			if ((all[i].mishaps >> m & 1) == 0)
				continue;
			of++;
			had += found[i] ? 1 : 0;
		}
		if (of > 0)
			printf("  %-32s %5zu planted  %5.1f %% found\n", twice_mishap_text(m), of,
			    100 * (double)had / (double)of);
	}
}

static void
print_one(const struct twice_registered *p)
{
	printf("    %s | %s | %s %d | %s | %s | %s %s | %s | %s\n", p->name, p->sex, p->birth, p->about,
	    p->paper, p->phone, p->registered, p->current, p->address, p->ethnicity);
}

static void
print_missed(const struct twice_registered *all, size_t n, const bool *found, const struct duplicate_list *l)
{
	size_t shown = 0;

	for (size_t i = 1; i <= n && shown < 15; i++) {
		if (all[i].twice == 0 || found[all[i].twice])
			continue;
		printf("  missed:\n");
		print_one(&all[i]);
		print_one(&all[all[i].twice]);
		shown++;
	}
	shown = 0;
	for (size_t i = 0; i < l->n && shown < 25; i++) {
		if (is_right(all, l->pairs[i].a, l->pairs[i].b))
			continue;
		if (i % 7 != 0 && l->n > 500)
			continue;
		printf("  wrong, %u %%:\n", l->pairs[i].percent);
		print_one(&all[l->pairs[i].a]);
		print_one(&all[l->pairs[i].b]);
		shown++;
	}
}

static long
peak_kib(void)
{
	struct rusage u;

	return getrusage(RUSAGE_SELF, &u) == 0 ? u.ru_maxrss : 0;
}

static void
print_result(const struct twice_registered *all, size_t n, size_t planted, const struct duplicate_list *l,
    double seconds, long kib)
{
	static const unsigned at_least[] = { 50, 80, 95 };
	bool *found = calloc(n + 1, sizeof(*found));

	for (size_t t = 0; found != NULL && t < 3; t++) {
		size_t right = 0, shown = 0;

		for (size_t i = 0; i < l->n && l->pairs[i].percent >= at_least[t]; i++) {
			shown++;
			if (!is_right(all, l->pairs[i].a, l->pairs[i].b))
				continue;
			right++;
			found[l->pairs[i].a] = found[l->pairs[i].b] = true;
		}
		printf("score %2u and more: %5zu suggestions  recall %5.1f %%  precision %5.1f %%\n",
		    at_least[t], shown, 100 * (double)right / (double)planted,
		    shown == 0 ? 100 : 100 * (double)right / (double)shown);
	}
	printf("%zu persons, %zu planted: %.2f s, %.0f MB beyond the rows themselves\n", n, planted,
	    seconds, (double)kib / 1024);
	if (found != NULL)
		print_kinds(all, n, found);
	if (found != NULL && getenv("MISSED") != NULL)
		print_missed(all, n, found, l);
	free(found);
}

int
main(int argc, char **argv)
{
	size_t n = argc > 1 ? strtoul(argv[1], NULL, 10) : 100000;
	size_t planted = argc > 2 ? strtoul(argv[2], NULL, 10) : 2000;
	struct sqlite3 *db = record_fixture_db();
	struct record_context c = { .db = db, .lang = FORM_EN };
	struct form_set *forms = NULL;
	struct tables *tables = NULL;
	struct duplicate_list list;
	struct error err;
	struct twice_registered *all;
	uint64_t seed = argc > 3 ? strtoull(argv[3], NULL, 10) : 2026;
	int64_t start;
	long before;

	error_clear(&err);
	if (n < 10 || planted > n / 3)
		return 64;
	all = twice_registered_make(n, planted, seed);
	if (all == NULL || form_set_load_embedded(&forms, &err) != RC_OK ||
	    tables_open(db, forms, &tables, &err) != RC_OK || !store(db, all, n))
		return 1;
	c.forms = forms;
	before = peak_kib();
	start = clock_monotonic_ms();
	if (duplicate_find(&c, DUPLICATE_PAIRS_MAX, &list, &err) != RC_OK) {
		fprintf(stderr, "bench_duplicates: %s\n", err.what);
		return 1;
	}
	print_result(all, n, planted, &list, (double)(clock_monotonic_ms() - start) / 1000,
	    peak_kib() - before);
	duplicate_list_reset(&list);
	tables_close(tables);
	form_set_free(forms);
	record_fixture_close(db);
	free(all);
	return 0;
}
