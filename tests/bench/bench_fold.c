/*
 * bench_fold [ENTRIES]: how many field writes a second of processor time the fold takes in, through SQLite
 * (a plain file, without the vault's sealing), with the shipped form `person`.
 */
#include <inttypes.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "shared/base/embedded.h"
#include "shared/records/fold.h"
#include "shared/records/journal.h"
#include "tests/support/bench_clock.h"
#include "tests/support/record_fixture.h"

enum { FIELDS = 12, EDITED = 3 };

static const char *const FAMILY[] = { "Nguyễn", "Trần", "Lê", "Phạm", "Hoàng", "Vũ", "Đặng", "Lò" };
static const char *const MIDDLE[] = { "Thị", "Văn", "Thu", "Minh", "Ngọc", "A" };
static const char *const GIVEN[] = { "Hòa", "Lan", "Mai", "Hương", "Sơn", "Dũng", "Yến", "Phượng" };

static void
must(enum rc rc, const struct error *err)
{
	if (rc == RC_OK)
		return;
	fprintf(stderr, "bench_fold: %s: %s %s\n", rc_name(rc), err->what, err->where);
	exit(1);
}

static struct value
text_of(enum value_type type, const char *s)
{
	struct value v = { .type = type, .text = s, .text_len = strlen(s) };

	return v;
}

/* A person: 12 fields of the shipped form. */
static void
fill(struct value v[FIELDS], struct write w[FIELDS], char text[3][64], uint64_t *seed)
{
	static const unsigned numbers[FIELDS] = { 1, 2, 4, 11, 12, 15, 16, 17, 22, 25, 27, 28 };

	snprintf(text[0], 64, "P-%" PRIu64, record_fixture_next(seed) % 100000);
	snprintf(text[1], 64, "%s %s %s", FAMILY[record_fixture_pick(seed, 8)],
	    MIDDLE[record_fixture_pick(seed, 6)], GIVEN[record_fixture_pick(seed, 8)]);
	snprintf(text[2], 64, "09%08" PRIu64, record_fixture_next(seed) % 100000000);
	v[0] = text_of(VALUE_TEXT, text[0]);
	v[1] = text_of(VALUE_TEXT, text[1]);
	v[2] = text_of(VALUE_CODE, record_fixture_pick(seed, 2) == 0 ? "F" : "M");
	v[3] = text_of(VALUE_CODE, "THAI");
	v[4] = text_of(VALUE_CODE, "VN");
	v[5] = text_of(VALUE_CODE, "PRIMARY");
	v[6] = text_of(VALUE_CODE, "FARMER");
	v[7] = text_of(VALUE_CODE, "MARRIED");
	v[8] = text_of(VALUE_CODE, "no");
	v[9] = text_of(VALUE_TEXT, text[2]);
	v[10] = text_of(VALUE_TEXT, "03127");
	v[11] = text_of(VALUE_TEXT, "Bản Nà Sự, gần trường tiểu học");
	for (size_t i = 0; i < FIELDS; i++)
		w[i] = (struct write){ .field = numbers[i], .values = &v[i], .n_values = 1 };
}

/* A journal of n entries: three of four create a person, one edits three fields of an earlier. */
static struct sqlite3 *
write_journal(size_t n, uint64_t *log, size_t *writes)
{
	struct sqlite3 *db = record_fixture_db();
	struct journal_scope scope = record_fixture_scope("03127", 1);
	struct journal_writer *writer = NULL;
	uint8_t device[ENTRY_DEVICE_BYTES];
	struct dot *made = calloc(n, sizeof(*made));
	struct error err = { 0 };
	uint64_t seed = 7;
	size_t records = 0;

	record_fixture_device(1, device);
	must(journal_writer_new(device, record_fixture_random(&seed), &writer), &err);
	record_fixture_run(db, "BEGIN");
	*writes = 0;
	for (size_t i = 0; made != NULL && i < n; i++) {
		bool edits = records > 0 && i % 4 == 3;
		struct value v[FIELDS];
		struct write w[FIELDS];
		struct address seen;
		char text[3][64];
		struct entry e = { .creates = !edits, .form = "person", .form_len = 6,
			.form_version = 1, .saved_at = 1764000000 + (int64_t)i, .writes = w,
			.n_writes = edits ? EDITED : FIELDS };

		fill(v, w, text, &seed);
		if (edits) {
			e.record = made[record_fixture_pick(&seed, records)];
			seen = (struct address){ e.record, 0 };
			for (size_t k = 0; k < EDITED; k++) {
				w[k].replaces = &seen;
				w[k].n_replaces = 1;
			}
		}
		must(journal_append(db, writer, &scope, true, &e, &err), &err);
		if (!edits)
			made[records++] = e.dot;
		*writes += e.n_writes;
		*log = e.dot.log;
	}
	record_fixture_run(db, "COMMIT");
	journal_writer_free(writer);
	free(made);
	return db;
}

struct folding {
	struct fold *fold;
	struct error err;
};

static enum rc
fold_row(void *ctx, const struct journal_row *row)
{
	struct folding *f = ctx;
	struct entry e;
	enum rc rc = entry_decode(row->body, row->len, row->dot, &e);

	if (rc == RC_OK)
		rc = fold_entry(f->fold, &e, &f->err);
	entry_reset(&e);
	return rc;
}

/* Per second of processor time: what others do on the machine counts least there. */
static void
print_rate(const char *what, size_t writes, struct bench_clock start)
{
	printf("%s: %.0f field writes/s\n", what, (double)writes / bench_clock_processor_since(start));
}

int
main(int argc, char **argv)
{
	size_t n = argc > 1 ? strtoul(argv[1], NULL, 10) : 20000, writes;
	struct folding f = { .fold = NULL };
	struct form_set *forms = NULL;
	char dir[] = "/tmp/bench-fold-XXXXXX", path[64];
	struct sqlite3 *db, *to = NULL;
	struct bench_clock start;
	uint64_t log = 0;

	if (mkdtemp(dir) == NULL)
		return 1;
	snprintf(path, sizeof(path), "%s/vault.db", dir);
	must(form_set_load_embedded(&forms, &f.err), &f.err);
	start = bench_clock_now();
	db = write_journal(n, &log, &writes);
	printf("append    %8zu entries  %8zu field writes  %6.2f s\n", n, writes,
	    bench_clock_processor_since(start));
	if (sqlite3_open(path, &to) != SQLITE_OK ||
	    sqlite3_exec(to, "PRAGMA journal_mode = WAL", NULL, NULL, NULL) != SQLITE_OK ||
	    sqlite3_exec(to, (const char *)embedded_find("vault.sql")->data, NULL, NULL, NULL) !=
	    SQLITE_OK)
		return 1;
	must(fold_open(to, forms, &f.fold, &f.err), &f.err);
	record_fixture_run(to, "BEGIN");
	start = bench_clock_now();
	record_fixture_carry(db, log, 1, 0, to, f.fold);
	must(fold_flush(f.fold, &f.err), &f.err);
	print_rate("receive   journal and fold of them", writes, start);
	record_fixture_run(to, "COMMIT; BEGIN");
	start = bench_clock_now();
	must(fold_rebuild(f.fold, &f.err), &f.err);
	record_fixture_run(to, "COMMIT");
	print_rate("rebuild   read, decode, fold", writes, start);
	start = bench_clock_now();
	must(journal_read_all(db, fold_row, &f, &f.err), &f.err);
	print_rate("repeat    the same once more", writes, start);
	fold_close(f.fold);
	sqlite3_close(to);
	record_fixture_close(db);
	form_set_free(forms);
	unlink(path);
	snprintf(path, sizeof(path), "%s/vault.db-wal", dir);
	unlink(path);
	snprintf(path, sizeof(path), "%s/vault.db-shm", dir);
	unlink(path);
	return rmdir(dir) == 0 ? 0 : 1;
}
