#ifndef SHARED_RECORDS_BRANCH_H
#define SHARED_RECORDS_BRANCH_H

/*
 * branch: the branches of a log that forked (formats.md "Forked logs").  From its fork on a dot
 * stands for an entry of each branch; so each has a name of its own besides: a dot that only its
 * place in the chain gives, the same on every replica, by which it is entered again.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "shared/base/rc.h"
#include "shared/records/entry.h"

struct sqlite3;

/* At one n; of more, nobody can tell which follows which. */
enum { BRANCH_MAX = 16 };

struct branch_entry {
	uint64_t n;
	uint8_t after[ENTRY_HEAD_BYTES];	/* h(n) */
	size_t before;				/* index of the entry before it; SIZE_MAX: not known */
};

/* What is here of a log from its fork on, by n. */
struct branches {
	uint64_t log, fork_n;
	struct branch_entry *entries;
	size_t n, cap;
};

/* Nothing, if the log has no fork.  branch_close in any case. */
enum rc branch_open(struct sqlite3 *db, uint64_t log, struct branches *out,
    struct error *err) RC_CHECK;
void branch_close(struct branches *b);

/* The name of the entry at `dot` after which the head is h(n) = `after`. */
struct dot branch_name(const struct dot *dot, const uint8_t after[ENTRY_HEAD_BYTES]);

/*
 * Make of a decoded entry of a branch what enters it again: it restates its name, and where it
 * speaks of entries and records of its own branch, it speaks of their names.  *whole: false if
 * one of those has not come, so that it cannot be told which it is.  RC_NOTFOUND: the entry is
 * not in b.
 */
enum rc branch_move(const struct branches *b, const uint8_t after[ENTRY_HEAD_BYTES],
    struct entry *e, bool *whole) RC_CHECK;

#endif
