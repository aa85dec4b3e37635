#ifndef SHARED_SYNC_CARGO_H
#define SHARED_SYNC_CARGO_H

/*
 * cargo: entries as they travel inside a frame (formats.md "Cargo columns"):
 * by column, deflated with a numbered preset dictionary that ships with the
 * program.
 */
#include <stddef.h>
#include <stdint.h>

#include "shared/base/bytes.h"
#include "shared/base/rc.h"
#include "shared/records/entry.h"

enum {
	CARGO_FORMAT = 1,
	CARGO_RAW_MAX = 8 << 20,
	CARGO_LOGS_MAX = 4096,
	CARGO_ENTRIES_MAX = 65536,
	CARGO_SHAPES_MAX = 8192,
	CARGO_COLUMNS_MAX = 8192,
	CARGO_DICTIONARY = 1	/* the one that new frames use */
};

/* One log's run in a frame, in the order of the frame's ranges. */
struct cargo_log {
	uint64_t log;
	uint64_t first;			/* n of its first entry here */
	uint64_t count;
	uint8_t key[ENTRY_LOG_KEY_BYTES];
	int keyless;			/* something of the log was erased: entries have keys of their own */
	struct entry_tip *tips;		/* when first is 1; owned after decoding */
	size_t n_tips;
};

/*
 * One entry: its body decoded, or hollow (form NULL) with its tag.  To encode many
 * without holding them all decoded, give `body` in place of `entry`.
 */
struct cargo_entry {
	struct entry entry;
	uint8_t *body;			/* the caller's; NULL: see entry; never set by cargo_decode */
	size_t body_len;
	uint8_t tag[ENTRY_TAG_BYTES];	/* hollow and redacted ones only */
	uint8_t key[ENTRY_KEY_BYTES];	/* others of a keyless log only */
	int hollow;
	int redacted;			/* of a keyless log: something of the body was erased */
};

/*
 * entries: those of logs[0] by n, then of logs[1] …  RC_LIMIT: raw size over
 * CARGO_RAW_MAX; then send fewer.  What entry_decode says of a body.
 */
enum rc cargo_encode(const struct cargo_log *logs, size_t n_logs,
    const struct cargo_entry *entries, size_t n_entries, struct bytes *out) RC_CHECK;

struct cargo {
	struct cargo_log *logs;
	size_t n_logs;
	struct cargo_entry *entries;	/* in memory that the cargo owns */
	size_t n_entries;
	void *arena;
	uint8_t *raw;
};
/*
 * log, first and count of the logs are taken from the frame's ranges (given);
 * everything is bounded and checked.  RC_FORMAT, RC_NEWER (format or
 * dictionary unknown here), RC_LIMIT, RC_NOMEM.
 */
enum rc cargo_decode(const uint8_t *p, size_t len, const struct cargo_log *ranges,
    size_t n_ranges, struct cargo *out) RC_CHECK;
void cargo_reset(struct cargo *c);

#endif
