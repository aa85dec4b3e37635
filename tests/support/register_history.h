#ifndef TESTS_SUPPORT_REGISTER_HISTORY_H
#define TESTS_SUPPORT_REGISTER_HISTORY_H

/*
 * register_history: random histories of one record, with an independent model: of every write it
 * knows only which entries its author had.  A value is live when no author of a write to its
 * field had its entry.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "shared/records/register.h"
#include "tests/support/record_made.h"

enum { REGISTER_HISTORY_STEPS = 14, REGISTER_HISTORY_DEVICES = 4 };

struct register_history {
	struct record_made made[REGISTER_HISTORY_STEPS];
	unsigned had[REGISTER_HISTORY_STEPS];		/* entries that the author had, as bits */
	unsigned writes[REGISTER_HISTORY_STEPS];	/* fields written, as bits; bit 0: a delete */
	uint64_t written[REGISTER_HISTORY_DEVICES];
};

void register_history_make(struct register_history *h, uint64_t *seed);
/* Does the state say what follows from the history? */
bool register_history_agrees(const struct register_history *h, const struct register_state *s);

/* Apply n entries in a random order, with repeats; sometimes through bytes and back. */
void register_history_apply(struct register_state *s, const struct record_made *made, size_t n,
    uint64_t *seed);
/* An order of n entries with repeats; out has room for 2 * n.  Returns how many. */
size_t register_history_order(size_t n, size_t *out, uint64_t *seed);

/* How many of so many histories fold to anything else, or differently in two orders. */
size_t register_history_count_wrong(size_t histories, uint64_t seed, bool forget);

#endif
