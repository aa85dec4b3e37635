/*
 * bench_reports WHAT DIR N COMMUNES [FILE]: the numbered reports over a corpus of N records
 * (tests/support/corpus_province.h) in the vault in DIR.
 *
 *   fill     makes the vault
 *   persons  makes one of persons alone
 *   copy     writes its database in clear to FILE
 *   vault    runs b1 to b17 for the first half of 2026
 *   plain    the same on FILE, opened as the sqlite3 shell opens it
 *
 * Prints lines of words with blanks between them: what, seconds, seconds of processor time; the
 * last one `all`, with the peak of memory in MB behind.  ONLY=4 in the environment: b4 alone.
 */
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/support/bench_clock.h"
#include "tests/support/corpus_vault.h"

static void
fill(struct corpus_vault *v)
{
	struct bench_clock start = bench_clock_now();
	char what[64];

	bench_clock_must(corpus_vault_fill(v), "fill", &v->err);
	snprintf(what, sizeof(what), "%zu %llu", v->records, (unsigned long long)v->writes);
	bench_clock_print(what, start, true);
}

static void
copy(struct corpus_vault *v, const char *path)
{
	struct sqlite3 *to = NULL;
	struct sqlite3_backup *b = NULL;

	remove(path);
	if (sqlite3_open(path, &to) != SQLITE_OK ||
	    (b = sqlite3_backup_init(to, "main", vault_db(v->vault), "main")) == NULL ||
	    sqlite3_backup_step(b, -1) != SQLITE_DONE || sqlite3_backup_finish(b) != SQLITE_OK ||
	    sqlite3_close(to) != SQLITE_OK) {
		fprintf(stderr, "bench_reports: cannot copy: %s\n", sqlite3_errmsg(to));
		exit(1);
	}
}

static void
run_all(const struct corpus_vault *v, struct sqlite3 *db)
{
	struct report_order order = { .from = { 2026, 1, 1 }, .to = { 2026, 6, 30 },
		.unit = v->communes > 1 ? CORPUS_PROVINCE_UNIT : corpus_province_commune(v->corpus, 0),
		.lang = FORM_VI };
	struct bench_clock start = bench_clock_now();
	const char *only = getenv("ONLY");
	struct error err = { 0 };

	bench_clock_must(corpus_vault_units(v, db, &err), "units", &err);
	for (int i = 1; i <= 17; i++) {
		struct bench_clock before = bench_clock_now();
		struct report *r = NULL;
		char name[REPORT_NAME_MAX];

		snprintf(name, sizeof(name), "b%d", i);
		if (only != NULL && strcmp(only, name + 1) != 0)
			continue;
		order.name = name;
		bench_clock_must(report_run(db, v->forms, &order, &r, &err), name, &err);
		report_free(r);
		bench_clock_print(name, before, false);
	}
	bench_clock_print("all", start, true);
}

static void
run_plain(const struct corpus_vault *v, const char *path)
{
	struct sqlite3 *db = NULL;

	if (sqlite3_open(path, &db) != SQLITE_OK) {
		fprintf(stderr, "bench_reports: cannot open %s\n", path);
		exit(1);
	}
	run_all(v, db);
	sqlite3_close(db);
}

int
main(int argc, char **argv)
{
	struct corpus_province_options o = { .seed = 2026 };
	struct corpus_vault v;

	if (argc < 5)
		return 64;
	o.n = strtoul(argv[3], NULL, 10);
	o.communes = strtoul(argv[4], NULL, 10);
	o.persons = strcmp(argv[1], "persons") == 0;
	bench_clock_must(corpus_vault_open(argv[2], &o, &v), argv[2], &v.err);
	if (o.persons || strcmp(argv[1], "fill") == 0)
		fill(&v);
	else if (strcmp(argv[1], "copy") == 0 && argc == 6)
		copy(&v, argv[5]);
	else if (strcmp(argv[1], "vault") == 0)
		run_all(&v, vault_db(v.vault));
	else if (strcmp(argv[1], "plain") == 0 && argc == 6)
		run_plain(&v, argv[5]);
	else
		return 64;
	corpus_vault_close(&v);
	return 0;
}
