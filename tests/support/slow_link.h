#ifndef TESTS_SUPPORT_SLOW_LINK_H
#define TESTS_SUPPORT_SLOW_LINK_H

/*
 * slow_link: a bad link on loopback, in scaled time.  It stands before a relay and lets
 * bytes through at so many a second, late by so many milliseconds; of its segments some are
 * lost and come after a timeout, and now and then it cuts the connection.  What happens
 * depends on the seed and on the bytes that go, one connection at a time.
 */
#include <stdint.h>

enum { SLOW_LINK_SCALE = 50 };	/* milliseconds of the link in one of the clock */

struct slow_link_terms {
	unsigned bits_per_second;
	unsigned delay_ms;		/* one way */
	unsigned loss_per_mille;	/* of segments: late by a timeout, and all behind them */
	unsigned cut_per_mille;		/* of segments: the connection is cut */
	uint64_t seed;
};

struct slow_link;
struct slow_link *slow_link_open(const char *relay_url, const struct slow_link_terms *terms);
void slow_link_close(struct slow_link *l);
const char *slow_link_url(const struct slow_link *l);

struct slow_link_counts { uint64_t bytes[2], segments, lost, cuts, connections; };
void slow_link_counts(struct slow_link *l, struct slow_link_counts *out);

/* Milliseconds of the link's time, as struct replica_line wants them. */
int64_t slow_link_now(void *unused);

#endif
