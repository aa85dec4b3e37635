/*
 * bench_vault ENGINE DIR CACHE_MB ROWS MANY: the disk work of a vault, timed.  ENGINE:
 *
 *   plain    SQLite as it is
 *   cipher   the same calls, in a process whose SQLite is SQLCipher (tests/bench/run-vault
 *            preloads it, so that the two libraries never meet)
 *   vault    ours
 *
 * Prints a line "name seconds processor-seconds" for each measurement.  All engines work in WAL mode with
 * synchronous=FULL, an exclusive lock, pages of 4,096 bytes, temporary files in memory and the
 * same statements.  Keys are raw: what is measured lies beyond the stretching of a passphrase.
 * MANY rows are only opened (0: not at all).
 */
#include <inttypes.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "shared/vault/secret.h"
#include "shared/vault/vault.h"

enum {
	COMMITS = 2000, READS = 100000, SEARCHES = 300, SCANS = 4, OPENS = 10,
	HOT_ROWS = 2000, CHANGED = 140000, CHANGED_OFTEN = 22000, FILL_STEP = 100000, PATH_MAX_BYTES = 512
};

enum engine { PLAIN, CIPHER, VAULT };

struct bench {
	enum engine engine;
	const char *dir;
	int cache_mib;
	sqlite3 *db;
	struct vault *vault;
	struct secret *master;
	uint64_t seed;
};

static void
give_up(const char *what, const char *why)
{
	fprintf(stderr, "bench_vault: %s: %s\n", what, why);
	exit(1);
}

static double
read_clock(clockid_t id)
{
	struct timespec t;

	clock_gettime(id, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* Wall clock, and what the processor did: the rest waited for the disk (or for neighbours). */
struct watch { double wall, cpu; };

static struct watch
begin(void)
{
	struct watch w = { read_clock(CLOCK_MONOTONIC), read_clock(CLOCK_PROCESS_CPUTIME_ID) };

	return w;
}

static void
print(const char *name, struct watch since)
{
	struct watch w = begin();

	printf("%s %.6f %.6f\n", name, w.wall - since.wall, w.cpu - since.cpu);
	fflush(stdout);
}

static uint64_t
next(struct bench *b)
{
	b->seed ^= b->seed << 13;
	b->seed ^= b->seed >> 7;
	b->seed ^= b->seed << 17;
	return b->seed;
}

static void
run(struct bench *b, const char *sql)
{
	if (sqlite3_exec(b->db, sql, NULL, NULL, NULL) != SQLITE_OK)
		give_up(sql, sqlite3_errmsg(b->db));
}

static sqlite3_stmt *
prepare(struct bench *b, const char *sql)
{
	sqlite3_stmt *stmt = NULL;

	if (sqlite3_prepare_v2(b->db, sql, -1, &stmt, NULL) != SQLITE_OK)
		give_up(sql, sqlite3_errmsg(b->db));
	return stmt;
}

/* All rows of a statement; the last number of its first column. */
static int64_t
drain(struct bench *b, sqlite3_stmt *stmt)
{
	int64_t last = -1;
	int rc;

	while ((rc = sqlite3_step(stmt)) == SQLITE_ROW)
		last = sqlite3_column_int64(stmt, 0);
	if (rc != SQLITE_DONE)
		give_up("step", sqlite3_errmsg(b->db));
	sqlite3_reset(stmt);
	return last;
}

static int64_t
ask(struct bench *b, const char *sql)
{
	sqlite3_stmt *stmt = prepare(b, sql);
	int64_t n = drain(b, stmt);

	sqlite3_finalize(stmt);
	return n;
}

static void
key_cipher(struct bench *b)
{
	sqlite3_stmt *stmt;

	run(b, "PRAGMA key = \"x'"
	    "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f'\";"
	    "PRAGMA cipher_page_size = 4096");
	stmt = prepare(b, "PRAGMA cipher_version");
	if (sqlite3_step(stmt) != SQLITE_ROW)
		give_up("cipher", "this SQLite is not SQLCipher");
	sqlite3_finalize(stmt);
}

static void
settings(struct bench *b)
{
	char sql[64];

	if (b->engine != VAULT)
		run(b, "PRAGMA locking_mode = EXCLUSIVE; PRAGMA page_size = 4096;"
		    "PRAGMA temp_store = MEMORY; PRAGMA secure_delete = ON;"
		    "PRAGMA synchronous = FULL; PRAGMA journal_mode = WAL");
	snprintf(sql, sizeof(sql), "PRAGMA cache_size = -%d", b->cache_mib * 1024);
	run(b, sql);
}

static void
start(struct bench *b, const char *name, int create)
{
	char path[PATH_MAX_BYTES];
	struct error err = { 0 };
	enum rc rc;

	snprintf(path, sizeof(path), "%s/%s", b->dir, name);
	if (b->engine == VAULT) {
		rc = create ? vault_create_with_master(path, b->master, &b->vault, &err) :
		    vault_open_with_master(path, b->master, &b->vault, &err);
		if (rc != RC_OK)
			give_up(path, err.what);
		b->db = vault_db(b->vault);
	} else {
		strncat(path, ".db", sizeof(path) - strlen(path) - 1);
		if (sqlite3_open(path, &b->db) != SQLITE_OK)
			give_up(path, sqlite3_errmsg(b->db));
		if (b->engine == CIPHER)
			key_cipher(b);
	}
	settings(b);
}

static void
stop(struct bench *b)
{
	if (b->engine == VAULT)
		vault_close(b->vault);
	else if (sqlite3_close(b->db) != SQLITE_OK)
		give_up("close", sqlite3_errmsg(b->db));
	b->db = NULL;
	b->vault = NULL;
}

/* A row of about 200 bytes, as a record of a person takes. */
static void
bind_row(struct bench *b, sqlite3_stmt *stmt)
{
	static const char *const family[] = { "nguyen", "tran", "le", "pham", "hoang", "lo", "vang", "giang" };
	static const char *const middle[] = { "thi", "van", "thu", "minh", "ngoc", "a", "seo", "my" };
	static const char *const given[] = { "hoa", "lan", "mai", "huong", "son", "dung", "yen", "phuong" };
	uint64_t r = next(b);
	char name[64], phone[16], note[192];

	snprintf(name, sizeof(name), "%s %s %s %u", family[r % 8], middle[r >> 3 & 7],
	    given[r >> 6 & 7], (unsigned)(r >> 9 & 1023));
	snprintf(phone, sizeof(phone), "09%08u", (unsigned)(r >> 20 & 0x3ffffff));
	snprintf(note, sizeof(note), "den tram y te xa ngay %u, nha gan truong %s, da co viec lam tai "
	    "xa, hen gap lai sau %u tuan, gia dinh %s cung biet", (unsigned)(r >> 40 & 31),
	    given[r >> 45 & 7], (unsigned)(r >> 48 & 15), family[r >> 52 & 7]);
	sqlite3_bind_text(stmt, 1, name, -1, SQLITE_TRANSIENT);
	sqlite3_bind_text(stmt, 2, phone, -1, SQLITE_TRANSIENT);
	sqlite3_bind_text(stmt, 3, note, -1, SQLITE_TRANSIENT);
}

static void
make_tables(struct bench *b)
{
	run(b, "CREATE TABLE person(id INTEGER PRIMARY KEY, name TEXT, phone TEXT, note TEXT);"
	    "CREATE INDEX person_phone ON person(phone)");
}

static void
insert(struct bench *b, int64_t rows)
{
	sqlite3_stmt *stmt = prepare(b, "INSERT INTO person(name, phone, note) VALUES(?1, ?2, ?3)");

	run(b, "BEGIN");
	for (int64_t i = 0; i < rows; i++) {
		bind_row(b, stmt);
		drain(b, stmt);
	}
	sqlite3_finalize(stmt);
	run(b, "COMMIT");
}

static void
time_commits(struct bench *b)
{
	sqlite3_stmt *stmt = prepare(b, "INSERT INTO person(name, phone, note) VALUES(?1, ?2, ?3)");
	struct watch t = begin();

	for (int i = 0; i < COMMITS; i++) {
		bind_row(b, stmt);
		drain(b, stmt);
	}
	print("commits", t);
	sqlite3_finalize(stmt);
}

static void
time_reads(struct bench *b, const char *name, int64_t rows)
{
	sqlite3_stmt *stmt = prepare(b, "SELECT length(note) FROM person WHERE id = ?1");
	struct watch t;

	/* what fits is brought in before the clock runs */
	for (int64_t i = 1; i <= rows && rows <= HOT_ROWS; i++) {
		sqlite3_bind_int64(stmt, 1, i);
		drain(b, stmt);
	}
	t = begin();
	for (int i = 0; i < READS; i++) {
		sqlite3_bind_int64(stmt, 1, (int64_t)(next(b) % (uint64_t)rows) + 1);
		drain(b, stmt);
	}
	print(name, t);
	sqlite3_finalize(stmt);
}

static void
time_scans(struct bench *b)
{
	struct watch t = begin();

	for (int i = 0; i < SCANS; i++)
		(void)ask(b, "SELECT count(*) FROM person WHERE note LIKE '%hen gap lai sau 7 tuan%'");
	print("scan", t);
}

/* The index of the vault itself; SQLCipher's builds have FTS4 where they lack FTS5. */
static void
time_search(struct bench *b)
{
	int fts5 = sqlite3_exec(b->db, "CREATE VIRTUAL TABLE words USING fts5(folded, detail = none,"
	    "tokenize = 'unicode61 remove_diacritics 0')", NULL, NULL, NULL) == SQLITE_OK;
	sqlite3_stmt *stmt;
	char match[64];
	struct watch t;

	if (!fts5)
		run(b, "CREATE VIRTUAL TABLE words USING fts4(folded)");
	t = begin();
	run(b, "BEGIN; INSERT INTO words(rowid, folded) SELECT id, name || ' ' || note FROM person"
	    " ORDER BY id LIMIT 50000; COMMIT");
	print(fts5 ? "index" : "index-fts4", t);
	stmt = prepare(b, "SELECT rowid FROM words WHERE words MATCH ?1 LIMIT 50");
	t = begin();
	for (int i = 0; i < SEARCHES; i++) {
		static const char *const words[] = { "lan", "mai", "hoa", "son", "yen", "giang", "vang" };

		snprintf(match, sizeof(match), "%s* AND %u", words[next(b) % 7], (unsigned)(next(b) % 1024));
		if (!fts5)
			snprintf(match, sizeof(match), "%s* %u", words[next(b) % 7], (unsigned)(next(b) % 1024));
		sqlite3_bind_text(stmt, 1, match, -1, SQLITE_TRANSIENT);
		drain(b, stmt);
	}
	print("search", t);
	sqlite3_finalize(stmt);
}

/* Of every seventh row up to `last`, each time others; what makes the WAL is not timed. */
static void
time_checkpoints(struct bench *b, const char *name, int times, int last)
{
	struct watch spent = { 0, 0 }, t;
	char sql[128];

	run(b, "PRAGMA wal_checkpoint(TRUNCATE); PRAGMA wal_autocheckpoint = 0");
	for (int i = 0; i < times; i++) {
		snprintf(sql, sizeof(sql), "UPDATE person SET note = note || '.' WHERE id %% 7 = %d AND id <= %d",
		    i % 7, last);
		run(b, sql);
		t = begin();
		run(b, "PRAGMA wal_checkpoint(TRUNCATE)");
		spent.wall += begin().wall - t.wall;
		spent.cpu += begin().cpu - t.cpu;
	}
	t = begin();
	t.wall -= spent.wall;
	t.cpu -= spent.cpu;
	print(name, t);
	run(b, "PRAGMA wal_autocheckpoint = 1000");
}

/* Of a vault with many rows that was closed properly: until its first row has come. */
static void
time_open(struct bench *b, int64_t rows)
{
	struct watch t;

	start(b, "many", 1);
	make_tables(b);
	for (int64_t done = 0; done < rows; done += FILL_STEP)
		insert(b, rows - done < FILL_STEP ? rows - done : FILL_STEP);
	stop(b);
	for (int i = 0; i < OPENS; i++) {
		t = begin();
		start(b, "many", 0);
		if (ask(b, "SELECT id FROM person WHERE id = 1") != 1)
			give_up("open", "the rows are gone");
		print("open", t);
		stop(b);
	}
}

static enum engine
engine_of(const char *name)
{
	return strcmp(name, "vault") == 0 ? VAULT : strcmp(name, "cipher") == 0 ? CIPHER : PLAIN;
}

int
main(int argc, char **argv)
{
	struct bench b = { .seed = 88172645463325252u };
	int64_t rows, many;
	struct watch t;

	if (argc != 6)
		give_up("use", "bench_vault plain|cipher|vault DIR CACHE_MB ROWS MANY");
	b.engine = engine_of(argv[1]);
	b.dir = argv[2];
	b.cache_mib = (int)strtol(argv[3], NULL, 10);
	rows = strtoll(argv[4], NULL, 10);
	many = strtoll(argv[5], NULL, 10);
	if (b.engine == VAULT && (vault_start() != RC_OK || secret_random(SECRET_KEY_BYTES, &b.master) != RC_OK))
		give_up("vault", "cannot start");
	start(&b, "rows", 1);
	make_tables(&b);
	t = begin();
	insert(&b, rows);
	print("bulk", t);
	time_commits(&b);
	time_reads(&b, "reads", rows);
	time_reads(&b, "reads-warm", HOT_ROWS < rows ? HOT_ROWS : rows);
	time_scans(&b);
	time_search(&b);
	time_checkpoints(&b, "checkpoint-often", 10, CHANGED_OFTEN);
	time_checkpoints(&b, "checkpoint", 1, CHANGED);
	stop(&b);
	if (many > 0)
		time_open(&b, many);
	secret_free(b.master);
	return 0;
}
