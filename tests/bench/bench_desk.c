/*
 * bench_desk WHAT DIR N COMMUNES: what somebody waits for at the screen, over the vault that
 * bench_reports made in DIR.
 *
 *   search   types the names of persons, letter by letter: the middle, the slowest of a hundred,
 *            and the slowest keystroke, in ms of processor time
 *   due      what is due in all cases
 *   rebuild  everything derived, again from the journal
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "shared/base/clock.h"
#include "shared/base/text.h"
#include "shared/records/case_story.h"
#include "shared/records/fold.h"
#include "shared/records/search.h"
#include "shared/vault/query.h"
#include "tests/support/bench_clock.h"
#include "tests/support/corpus_vault.h"

enum { NAMES = 100, NAME_MAX = 128, KEYS_MAX = NAMES * NAME_MAX, HITS = 20 };

static int
by_size(const void *a, const void *b)
{
	const double *x = a, *y = b;

	return *x < *y ? -1 : *x > *y;
}

/* Names of persons from all over the corpus. */
static size_t
read_names(struct corpus_vault *v, char (*names)[NAME_MAX])
{
	struct error *err = &v->err;
	struct sqlite3_stmt *q = NULL;
	size_t n = 0;
	bool row = true;

	bench_clock_must(query_open(vault_db(v->vault), err, &q, "SELECT full_name FROM form_person"
	    " WHERE full_name IS NOT NULL ORDER BY (id * 7919) % 104729 LIMIT ?1", "i",
	    (int64_t)NAMES), "names", err);
	while (row) {
		bench_clock_must(query_next(q, &row, err), "names", err);
		if (row)
			snprintf(names[n++], NAME_MAX, "%s", query_column_text(q, 0));
	}
	query_close(q);
	return n;
}

static double
search_once(const struct record_context *c, const char *text)
{
	struct bench_clock start = bench_clock_now();
	struct error err = { 0 };
	struct search_hit *hits;
	size_t n;

	bench_clock_must(search_records(c, text, NULL, HITS, &hits, &n, &err), "search", &err);
	search_hits_free(hits, n);
	return 1000 * bench_clock_processor_since(start);
}

/* Half of the names with their marks, half as who types in a hurry. */
static void
type_names(struct corpus_vault *v)
{
	struct record_context c = corpus_vault_records(v);
	static char names[NAMES][NAME_MAX];
	static double keys[KEYS_MAX];
	size_t n_names = read_names(v, names), n = 0;

	for (size_t i = 0; i < n_names; i++) {
		char *name = NULL, typed[NAME_MAX];

		bench_clock_must(i % 2 == 0 ? text_fold(names[i], &name) :
		    text_normalise(names[i], strlen(names[i]), &name), "a name", &v->err);
		for (size_t len = 1; len <= strlen(name) && len < NAME_MAX; len++) {
			if (((unsigned char)name[len] & 0xc0) == 0x80)
				continue;	/* inside a letter */
			snprintf(typed, sizeof(typed), "%.*s", (int)len, name);
			keys[n++] = search_once(&c, typed);
		}
		free(name);
	}
	qsort(keys, n, sizeof(keys[0]), by_size);
	if (n > 0)
		printf("search %.2f %.2f %.2f %zu\n", keys[n / 2], keys[n * 99 / 100], keys[n - 1], n);
}

static void
due(struct corpus_vault *v)
{
	const struct date today = { 2026, 10, 31 };
	struct bench_clock start = bench_clock_now();
	struct case_rules *rules = NULL;
	struct case_desk desk = { vault_db(v->vault), v->forms, NULL, date_to_days(&today) };
	struct case_due_list list;
	int64_t cases;
	char what[64];

	bench_clock_must(query_int(vault_db(v->vault), &v->err, &cases,
	    "SELECT count(*) FROM form_case WHERE alive", ""), "cases", &v->err);
	bench_clock_must(case_rules_load(&rules, &v->err), "rules", &v->err);
	desk.rules = rules;
	bench_clock_must(case_story_due(&desk, 14, &list, &v->err), "due", &v->err);
	snprintf(what, sizeof(what), "due %zu %lld", list.n, (long long)cases);
	bench_clock_print(what, start, true);
	case_story_due_reset(&list);
	case_rules_free(rules);
}

static void
rebuild(struct corpus_vault *v)
{
	struct bench_clock start = bench_clock_now();
	enum rc rc;

	bench_clock_must(query_begin(vault_db(v->vault), &v->err), "begin", &v->err);
	rc = fold_rebuild(v->fold, &v->err);
	if (rc == RC_OK)
		rc = fold_flush(v->fold, &v->err);
	bench_clock_must(query_end(vault_db(v->vault), rc, &v->err), "rebuild", &v->err);
	bench_clock_print("rebuild", start, true);
}

int
main(int argc, char **argv)
{
	struct corpus_province_options o = { .seed = 2026 };
	struct corpus_vault v;

	if (argc != 5)
		return 64;
	o.n = strtoul(argv[3], NULL, 10);
	o.communes = strtoul(argv[4], NULL, 10);
	bench_clock_must(corpus_vault_open(argv[2], &o, &v), argv[2], &v.err);
	if (strcmp(argv[1], "search") == 0) {
		type_names(&v);
	} else if (strcmp(argv[1], "due") == 0) {
		due(&v);
	} else if (strcmp(argv[1], "rebuild") == 0) {
		rebuild(&v);
	} else {
		return 64;
	}
	corpus_vault_close(&v);
	return 0;
}
