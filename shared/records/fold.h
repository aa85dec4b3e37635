#ifndef SHARED_RECORDS_FOLD_H
#define SHARED_RECORDS_FOLD_H

/*
 * fold: from the journal to what people see (architecture section 5 "Fold"): the
 * table record (states), the typed tables, and the index of words.  A pure function
 * of the set of entries and of what the directory said about their logs.
 *
 * Left out: entries from a log's fork_n on, beyond its limit_n, of logs that do
 * not fold here, and entries that stand in another scope than their record's log (the
 * log of the record's id).  While that log has not come, every scope counts; when it
 * comes, the record is folded again.  On this device alone, entries of records that left it
 * (table purged): such a record has no state, and what is written about it later waits.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "shared/base/rc.h"
#include "shared/forms/form.h"
#include "shared/records/entry.h"

struct sqlite3;
struct fold;

enum {
	FOLD_CACHE_BYTES = 8 << 20,	/* states held back before they are written */
	FOLD_DIGEST_BYTES = 32
};

/*
 * A session: prepared statements and a write-back cache of states.  forms is
 * borrowed until fold_close or fold_forms_changed.  Makes the typed tables and columns that
 * are missing, and displays again what another version of a form had displayed (in a
 * transaction of its own if none is open; best call it outside of one).
 */
enum rc fold_open(struct sqlite3 *db, const struct form_set *forms, struct fold **out,
    struct error *err) RC_CHECK;
/* Drops what was not flushed. */
void fold_close(struct fold *f);

/*
 * Fold one entry that is in the journal already.  Inside the caller's
 * transaction.  What the rules leave out does nothing and is RC_OK.
 */
enum rc fold_entry(struct fold *f, const struct entry *e, struct error *err) RC_CHECK;
/* Rows of table purged were added or removed; then refold those records. */
void fold_marks_changed(struct fold *f);
/*
 * A record whose state would be larger than this (REGISTER_STATE_MAX) has none, and is named in
 * table oversize.  For tests.
 */
void fold_limit_states(struct fold *f, size_t bytes);
/* Write everything that is held back: before COMMIT and before any read. */
enum rc fold_flush(struct fold *f, struct error *err) RC_CHECK;
/* After a ROLLBACK: forget what is held back and all that was remembered. */
void fold_discard(struct fold *f);

/* Make one record again from the journal.  Flush afterwards, as with fold_entry. */
enum rc fold_refold_record(struct fold *f, const struct dot *record, struct error *err) RC_CHECK;
/* The standing of entries from n on changed (fork, limit): refold their records. */
enum rc fold_refold_log(struct fold *f, uint64_t log, uint64_t from_n, struct error *err) RC_CHECK;
/*
 * Everything derived is dropped and made again from the journal, with the same result; local
 * numbers stay.  Bodies that only this version of the program can read are taken in.  Inside
 * the caller's transaction; no other statement may be open on the typed tables.
 */
enum rc fold_rebuild(struct fold *f, struct error *err) RC_CHECK;

/*
 * From now on `next` (borrowed): new tables and columns are made, and the records of forms
 * whose version changed are displayed again from their states.  Nothing is folded again.
 */
enum rc fold_forms_changed(struct fold *f, const struct form_set *next,
    struct error *err) RC_CHECK;

/*
 * Over all records with a state, by record dot: equal on replicas that hold the same.  A record
 * that left a device is not in its digest, as if it had never come; fetched again, it is.
 */
enum rc fold_digest(struct sqlite3 *db, uint8_t out[FOLD_DIGEST_BYTES],
    struct error *err) RC_CHECK;

#endif
