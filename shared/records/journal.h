#ifndef SHARED_RECORDS_JOURNAL_H
#define SHARED_RECORDS_JOURNAL_H

/*
 * journal: the tables log, entry, entry_other and entry_head: entries as they were
 * written, by this device and by others (architecture section 5 "Entry",
 * formats.md "Chain").  All functions run inside the caller's transaction.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "shared/base/bytes.h"
#include "shared/base/rc.h"
#include "shared/records/entry.h"

struct sqlite3;

enum { JOURNAL_UNIT_MAX = 16 };
#define JOURNAL_NO_LIMIT ((uint64_t)INT64_MAX)

struct journal_scope {
	char unit[JOURNAL_UNIT_MAX + 1];
	unsigned compartment;
};

/* A row of the table log. */
struct journal_log {
	uint64_t id;
	uint8_t device[ENTRY_DEVICE_BYTES];
	struct journal_scope scope;
	bool has_key;
	uint8_t key[ENTRY_LOG_KEY_BYTES];
	bool own;			/* of the device of this vault */
	bool folds;			/* false: written here, but not to be read here */
	bool has_start;			/* tips and start are known */
	struct entry_tip tips[ENTRY_TIPS_MAX];
	size_t n_tips;
	uint8_t start[ENTRY_HEAD_BYTES];	/* h(0) */
	uint64_t head_n;		/* entries 1..head_n are here, on one chain */
	uint8_t head[ENTRY_HEAD_BYTES];	/* h(head_n) */
	uint64_t top_n;			/* highest n that is here; > head_n: a gap */
	uint64_t sealed_n;		/* own: entries up to here are in a frame */
	uint64_t named_n;		/* a later log of the device named h(named_n) as a tip */
	uint64_t fork_n;		/* entries from here on are left out; 0: no fork */
	uint64_t limit_n;		/* entries beyond are left out; JOURNAL_NO_LIMIT */
};

/* RC_NOTFOUND: no such log. */
enum rc journal_log_get(struct sqlite3 *db, uint64_t log, struct journal_log *out,
    struct error *err) RC_CHECK;

/* Writing -------------------------------------------------------------- */

struct journal_random {
	void (*fill)(void *ctx, void *out, size_t len);
	void *ctx;
};
struct journal_random journal_random_system(void);

/*
 * One writer a process.  It starts a new log per scope at its first append there
 * and never appends to a log of an earlier process, nor to one that turned out
 * forked or limited, or whose key was erased.  It remembers only log ids; n and the head are read from the
 * row, so a rollback leaves nothing wrong.  Free it before the handle is closed.
 */
struct journal_writer;
enum rc journal_writer_new(const uint8_t device[ENTRY_DEVICE_BYTES],
    struct journal_random random, struct journal_writer **out) RC_CHECK;
void journal_writer_free(struct journal_writer *w);

/*
 * Append an entry to the writer's log of that scope.  Sets e->dot, and e->record
 * when it creates and does not restate.  folds: false if this device may not
 * read the scope (a tip): remembered with the log, fold leaves it out.
 * RC_INTERNAL: not canonical; RC_LIMIT; errors of SQLite.
 */
enum rc journal_append(struct sqlite3 *db, struct journal_writer *w,
    const struct journal_scope *scope, bool folds, struct entry *e,
    struct error *err) RC_CHECK;

/* Sealing -------------------------------------------------------------- */

/* Entries n = first .. first + count - 1 of an own log that are in no frame yet. */
struct journal_range {
	struct journal_log log;
	uint64_t first, count;
	uint8_t before[ENTRY_HEAD_BYTES], after[ENTRY_HEAD_BYTES];
};
/* Sorted by unit, compartment, log.  *out is freed with free(). */
enum rc journal_unsealed(struct sqlite3 *db, struct journal_range **out, size_t *n,
    struct error *err) RC_CHECK;
/* Number of own entries that are in no frame. */
enum rc journal_count_unsealed(struct sqlite3 *db, uint64_t *n, struct error *err) RC_CHECK;
/* Never goes back. */
enum rc journal_mark_sealed(struct sqlite3 *db, uint64_t log, uint64_t n,
    struct error *err) RC_CHECK;
/* h(n) of a log; n 0 is its start.  RC_NOTFOUND if it is not known. */
enum rc journal_head(struct sqlite3 *db, uint64_t log, uint64_t n,
    uint8_t head[ENTRY_HEAD_BYTES], struct error *err) RC_CHECK;

/* Receiving ------------------------------------------------------------ */

enum journal_verdict {
	JOURNAL_NEW,		/* stored (or a hollow one got its body): fold it */
	JOURNAL_REPEAT,		/* was here, the same */
	JOURNAL_FORK,		/* lies on a forked part: kept, not folded */
	JOURNAL_UNREAD		/* stored, but no entry that this program can read */
};

/* One entry of a received range: a body, or hollow (body NULL) with its tag. */
struct journal_piece {
	const uint8_t *body;
	size_t len;
	const struct entry *entry;	/* the body decoded; NULL: decoded here */
	uint8_t tag[ENTRY_TAG_BYTES];	/* hollow and redacted ones; OUT for those with a key */
	const uint8_t *key;		/* its entry key, where the log's key is not known; else NULL */
	bool redacted;			/* something of the body was erased: the tag stands for it */
	enum journal_verdict verdict;	/* OUT */
};

/*
 * Store a range of a log as one frame brought it: log.id, device, scope, key (if
 * has_key) and, when first is 1, tips; heads before and after from the frame's
 * header.  own: the log's device is that of this vault.
 * *fork_n: 0, or the first n that is now left out because this range showed
 * a fork, or one earlier than known; then call fold_refold_log.
 * RC_FORMAT: the bodies do not lead from `before` to `after`, or tips do not lead to
 * `before`; nothing was stored.  RC_PROTOCOL: another device, scope, key or
 * other tips than this log is known to have.
 */
enum rc journal_receive(struct sqlite3 *db, const struct journal_log *log, uint64_t first,
    const uint8_t before[ENTRY_HEAD_BYTES], const uint8_t after[ENTRY_HEAD_BYTES],
    struct journal_piece *pieces, size_t n, uint64_t *fork_n, struct error *err) RC_CHECK;

/*
 * Leave out entries beyond limit_n (JOURNAL_NO_LIMIT: none).  *from: 0 if nothing
 * changed, else the first n whose standing changed: call fold_refold_log.
 */
enum rc journal_set_limit(struct sqlite3 *db, uint64_t log, uint64_t limit_n,
    uint64_t *from, struct error *err) RC_CHECK;

/*
 * Drop the bodies of a record's entries; tags stand for them, and the chain holds as before.
 * They keep the record's id, and while table purged names it a body that comes again is not
 * taken (JOURNAL_REPEAT).  *n: how many were dropped.  Then refold the record.
 */
enum rc journal_hollow_record(struct sqlite3 *db, const struct dot *record, uint64_t *n,
    struct error *err) RC_CHECK;
/* The same for entries first..last of a log. */
enum rc journal_hollow_range(struct sqlite3 *db, uint64_t log, uint64_t first, uint64_t last,
    uint64_t *n, struct error *err) RC_CHECK;

/* Asking --------------------------------------------------------------- */

/* Each log of a device (NULL: of all), ascending by id. */
enum rc journal_logs(struct sqlite3 *db, const uint8_t *device,
    enum rc (*each)(void *ctx, const struct journal_log *log), void *ctx,
    struct error *err) RC_CHECK;
/* Missing runs between entries that are here, or before the first one. */
struct journal_gap { uint64_t log, first, last; };
/* *out is freed with free(). */
enum rc journal_gaps(struct sqlite3 *db, struct journal_gap **out, size_t *n,
    struct error *err) RC_CHECK;
/*
 * Heads of the device's logs in a scope that no later log named: what a new log
 * of it names.  At most ENTRY_TIPS_MAX (the greatest log ids wait for the next).
 */
enum rc journal_tips(struct sqlite3 *db, const struct journal_scope *scope,
    const uint8_t device[ENTRY_DEVICE_BYTES], struct entry_tip tips[ENTRY_TIPS_MAX],
    size_t *n, struct error *err) RC_CHECK;

/* The body of an entry; empty if hollow.  RC_NOTFOUND: not here. */
enum rc journal_get(struct sqlite3 *db, const struct dot *dot, struct bytes *body,
    struct error *err) RC_CHECK;

/* One row of the journal; body NULL: hollow.  Borrowed for the call. */
struct journal_row {
	struct dot dot;
	struct dot record;		/* log 0: came hollow, or not readable */
	const uint8_t *body;
	size_t len;
	const uint8_t *tag;		/* hollow ones, and those of a log whose key is gone; else NULL */
	const uint8_t *key;		/* own ones of such a log, unless redacted; else NULL */
	const uint8_t *after;		/* h(n) */
};
typedef enum rc journal_each(void *ctx, const struct journal_row *row);
/* Entries first .. first + count - 1 of a log that are here. */
enum rc journal_read_range(struct sqlite3 *db, uint64_t log, uint64_t first, uint64_t count,
    journal_each *each, void *ctx, struct error *err) RC_CHECK;
/* All entries of a record, by dot. */
enum rc journal_read_record(struct sqlite3 *db, const struct dot *record,
    journal_each *each, void *ctx, struct error *err) RC_CHECK;
/* The whole journal, by dot. */
enum rc journal_read_all(struct sqlite3 *db, journal_each *each, void *ctx,
    struct error *err) RC_CHECK;
/* Entries kept but not folded: forked, beyond a limit, not readable by this program. */
struct journal_left_out { uint64_t forked, limited, unread; };
enum rc journal_count_left_out(struct sqlite3 *db, struct journal_left_out *out,
    struct error *err) RC_CHECK;

#endif
