#ifndef TESTS_SUPPORT_RECORD_FIXTURE_H
#define TESTS_SUPPORT_RECORD_FIXTURE_H

/*
 * record_fixture: a plain database in memory with the vault's tables, a seeded source of
 * noise, and small forms, for the tests of records.
 */
#include <stddef.h>
#include <stdint.h>

#include "shared/forms/form.h"
#include "shared/records/entry.h"
#include "shared/records/journal.h"

struct sqlite3;

/* The tables of schema/vault.sql, in memory.  Ends the test on failure. */
struct sqlite3 *record_fixture_db(void);
void record_fixture_close(struct sqlite3 *db);

/* splitmix64: never 0 as a state. */
uint64_t record_fixture_next(uint64_t *seed);
/* 0 .. below - 1 */
size_t record_fixture_pick(uint64_t *seed, size_t below);
/* Noise for a writer; the seed must outlive it. */
struct journal_random record_fixture_random(uint64_t *seed);

/* device n: 16 bytes n */
void record_fixture_device(uint8_t n, uint8_t out[ENTRY_DEVICE_BYTES]);
struct journal_scope record_fixture_scope(const char *unit, unsigned compartment);

/* One number; the row must be there. */
int64_t record_fixture_int(struct sqlite3 *db, const char *sql);
/* One text, "" if it is NULL; free it. */
char *record_fixture_text(struct sqlite3 *db, const char *sql);
void record_fixture_run(struct sqlite3 *db, const char *sql);

#endif
