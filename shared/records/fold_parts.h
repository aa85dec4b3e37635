#ifndef SHARED_RECORDS_FOLD_PARTS_H
#define SHARED_RECORDS_FOLD_PARTS_H

/* fold_parts: what the files of fold share: the session and its caches. */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "shared/records/duplicate_cluster.h"
#include "shared/records/fold.h"
#include "shared/records/journal.h"
#include "shared/records/register.h"
#include "shared/records/tables.h"

struct sqlite3_stmt;

enum { FOLD_PARTS_BUCKETS = 4096 };

/* A record whose state is held back. */
struct fold_record {
	struct fold_record *next;	/* in its bucket */
	struct dot record;
	int64_t id;			/* record.id */
	struct register_state state;
	char was_form[ENTRY_FORM_NAME_MAX + 1];
	bool dirty;
	bool oversize;			/* its state would be too large: it has none */
	bool was_oversize;		/* and table oversize names it */
	bool refold;			/* an entry more of such a one: make it again when it is written */
	char *words;			/* folded, between its rows and the index of words */
};

/* What the rules ask of a log. */
struct fold_log {
	struct fold_log *next;
	uint64_t id;
	uint8_t device[ENTRY_DEVICE_BYTES];
	struct journal_scope scope;
	uint64_t fork_n;		/* 0: none */
	uint64_t limit_n;
	bool folds;
};

struct fold {
	struct sqlite3 *db;
	const struct form_set *forms;
	struct tables *tables;
	struct fold_record *records[FOLD_PARTS_BUCKETS];
	struct fold_log *logs[FOLD_PARTS_BUCKETS];
	size_t n_records, n_bytes;
	uint64_t *unweighed;		/* logs seen for the first time */
	size_t n_unweighed, cap_unweighed;
	struct duplicate_touched touched;	/* persons whose cluster is to be made again */
	struct sqlite3_stmt *load, *make, *store, *log, *weighed, *of_log;
	struct sqlite3_stmt *words_find, *words_drop, *words_put;
	struct sqlite3_stmt *purged, *oversize;
	size_t state_max;
	int any_purged;			/* -1: not asked since the last fold_discard */
};

/* The record's cached state, loaded or empty. */
enum rc fold_parts_record(struct fold *f, const struct dot *record, struct fold_record **out,
    struct error *err) RC_CHECK;
/* A log; *out NULL if it is not in the journal. */
enum rc fold_parts_log(struct fold *f, uint64_t log, const struct fold_log **out,
    struct error *err) RC_CHECK;
/* Do the rules let this entry of this record count? */
enum rc fold_parts_counts(struct fold *f, const struct dot *entry, const struct dot *record,
    bool *out, struct error *err) RC_CHECK;
/* Apply to the cached state. */
enum rc fold_parts_apply(struct fold *f, struct fold_record *r, const struct entry *e,
    struct error *err) RC_CHECK;
/* Logs seen for the first time: refold the records that were folded without them. */
enum rc fold_parts_weigh(struct fold *f, struct error *err) RC_CHECK;
void fold_parts_forget_log(struct fold *f, uint64_t log);

/* Display again the records of forms that were displayed under another version. */
enum rc fold_parts_show_again(struct fold *f, struct error *err) RC_CHECK;

/* A growing list of dots. */
struct fold_dots {
	struct dot *all;
	size_t n, cap;
};
bool fold_parts_add_dot(struct fold_dots *d, struct dot dot);

#endif
