#ifndef SHARED_RECORDS_DUPLICATE_H
#define SHARED_RECORDS_DUPLICATE_H

/*
 * duplicate: pairs of records that may be one person (architecture section 5, "Duplicates"),
 * with a score and its grounds.  Only the living persons that are read here, by what is
 * displayed of them; nothing is kept.  Left out: pairs that are linked, directly or through
 * others, and pairs that somebody has decided about (duplicate_link.h), themselves or
 * as another record of the same two persons.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "shared/base/rc.h"
#include "shared/records/record.h"

enum {
	DUPLICATE_PERSONS_MAX = 1000000,
	DUPLICATE_PAIRS_MAX = 500000	/* that are kept at once; the best */
};

struct duplicate_pair {
	int64_t a, b;			/* record.id; a < b */
	unsigned percent;		/* 1 .. 99 */
	float bits;			/* what it is made of (duplicate_score.h) */
	uint32_t grounds;		/* bits 1 << enum duplicate_ground */
};

struct duplicate_list {
	struct duplicate_pair *pairs;	/* the likeliest first; free with duplicate_list_reset */
	size_t n;
	size_t total;			/* how many there are in all */
	size_t persons;			/* that were compared */
};

/* At most `limit` pairs that are at least as likely as not.  RC_LIMIT: too many persons. */
enum rc duplicate_find(const struct record_context *c, size_t limit, struct duplicate_list *out,
    struct error *err) RC_CHECK;
void duplicate_list_reset(struct duplicate_list *l);

#endif
