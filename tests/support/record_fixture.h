#ifndef TESTS_SUPPORT_RECORD_FIXTURE_H
#define TESTS_SUPPORT_RECORD_FIXTURE_H

/*
 * record_fixture: a plain database in memory with the vault's tables, a seeded source of
 * noise, and small forms, for the tests of records.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "shared/forms/form.h"
#include "shared/records/entry.h"
#include "shared/records/journal.h"

struct sqlite3;
struct fold;

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

/*
 * Two small forms: `thing`, with a field of every type and policy, and `part`, which
 * refers to a thing.  Version 2 of thing has one field more (colour).
 */
struct form_set *record_fixture_forms(unsigned version);

/*
 * Bring entries first .. last of a log from one database to another as a frame would,
 * and fold the new ones.  last 0: to its end.  False if there is nothing.
 */
bool record_fixture_carry(struct sqlite3 *from, uint64_t log, uint64_t first, uint64_t last,
    struct sqlite3 *to, struct fold *fold);
/* Every log that `from` has, whole; flushes. */
void record_fixture_carry_all(struct sqlite3 *from, struct sqlite3 *to, struct fold *fold);

/* One number; the row must be there. */
int64_t record_fixture_int(struct sqlite3 *db, const char *sql);
/* One text, "" if it is NULL; free it. */
char *record_fixture_text(struct sqlite3 *db, const char *sql);
void record_fixture_run(struct sqlite3 *db, const char *sql);

#endif
