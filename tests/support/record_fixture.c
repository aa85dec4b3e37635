#include "tests/support/record_fixture.h"

#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "shared/base/embedded.h"

static void
check(int good, struct sqlite3 *db, const char *what)
{
	if (good)
		return;
	fprintf(stderr, "record_fixture: %s: %s\n", what, db != NULL ? sqlite3_errmsg(db) : "");
	abort();
}

struct sqlite3 *
record_fixture_db(void)
{
	const struct embedded *sql = embedded_find("vault.sql");
	struct sqlite3 *db = NULL;

	check(sql != NULL, NULL, "vault.sql is not embedded");
	check(sqlite3_open(":memory:", &db) == SQLITE_OK, db, "open");
	if (sql != NULL)
		check(sqlite3_exec(db, (const char *)sql->data, NULL, NULL, NULL) == SQLITE_OK, db,
		    "vault.sql");
	return db;
}

void
record_fixture_close(struct sqlite3 *db)
{
	check(sqlite3_close(db) == SQLITE_OK, db, "statements were left open");
}

uint64_t
record_fixture_next(uint64_t *seed)
{
	uint64_t z = (*seed += UINT64_C(0x9e3779b97f4a7c15));

	z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
	return z ^ (z >> 31);
}

size_t
record_fixture_pick(uint64_t *seed, size_t below)
{
	return (size_t)(record_fixture_next(seed) % below);
}

static void
fill(void *ctx, void *out, size_t len)
{
	uint8_t *p = out;

	for (size_t i = 0; i < len; i++)
		p[i] = (uint8_t)record_fixture_next(ctx);
}

struct journal_random
record_fixture_random(uint64_t *seed)
{
	struct journal_random r = { fill, seed };

	return r;
}

void
record_fixture_device(uint8_t n, uint8_t out[ENTRY_DEVICE_BYTES])
{
	memset(out, n, ENTRY_DEVICE_BYTES);
}

struct journal_scope
record_fixture_scope(const char *unit, unsigned compartment)
{
	struct journal_scope s;

	memset(&s, 0, sizeof(s));
	snprintf(s.unit, sizeof(s.unit), "%s", unit);
	s.compartment = compartment;
	return s;
}

static struct sqlite3_stmt *
first_row(struct sqlite3 *db, const char *sql)
{
	struct sqlite3_stmt *q = NULL;

	check(sqlite3_prepare_v2(db, sql, -1, &q, NULL) == SQLITE_OK, db, sql);
	check(sqlite3_step(q) == SQLITE_ROW, db, sql);
	return q;
}

int64_t
record_fixture_int(struct sqlite3 *db, const char *sql)
{
	struct sqlite3_stmt *q = first_row(db, sql);
	int64_t v = sqlite3_column_int64(q, 0);

	sqlite3_finalize(q);
	return v;
}

char *
record_fixture_text(struct sqlite3 *db, const char *sql)
{
	struct sqlite3_stmt *q = first_row(db, sql);
	const char *text = (const char *)sqlite3_column_text(q, 0);
	size_t len = text == NULL ? 0 : strlen(text);
	char *copy = calloc(1, len + 1);

	check(copy != NULL, db, "memory");
	if (copy != NULL && len > 0)
		memcpy(copy, text, len);
	sqlite3_finalize(q);
	return copy;
}

void
record_fixture_run(struct sqlite3 *db, const char *sql)
{
	check(sqlite3_exec(db, sql, NULL, NULL, NULL) == SQLITE_OK, db, sql);
}
