#ifndef SYNC_SERVER_RELAY_UPSTREAM_H
#define SYNC_SERVER_RELAY_UPSTREAM_H

/*
 * relay_upstream: a hub's other side.  A hub is a relay that stands at a sync point with a bad
 * line: laptops speak with it as with the province's, and it hands on what they left, and
 * fetches what there is for the units below its own, when the line is there.  It is a device
 * with the role relay and a unit; all it sees is sealed.
 *
 * What it remembers (its cursor, what was handed on) stands in its own depot and changes in the
 * transaction that takes in what came: a cut costs a repeat, and a repeat changes nothing.
 */
#include <stdbool.h>
#include <stdint.h>

#include "shared/base/clock.h"
#include "shared/base/rc.h"

struct depot;
struct relay_upstream;
struct transport;

struct relay_upstream_result {
	uint64_t requests;
	uint64_t frames_up, frames_down;	/* that were new there, or here */
	bool waits;				/* the province has not admitted this hub yet */
	bool full;				/* it has no room there */
};

/* The depot is this one's alone; whoever serves laptops has it open by itself. */
enum rc relay_upstream_new(struct depot *depot, const struct clock *clock,
    struct relay_upstream **out) RC_CHECK;
void relay_upstream_free(struct relay_upstream *u);	/* NULL is allowed */

/* Is there anything that was not handed on? */
enum rc relay_upstream_has_news(struct relay_upstream *u, bool *news) RC_CHECK;
/*
 * Hand on and fetch until nothing is left.  What was done before a failure stays done.
 * RC_NET, RC_UNAVAILABLE, RC_PROTOCOL, RC_FULL (here), RC_IO; RC_DENIED: this hub was retired,
 * or the server belongs to another province.
 */
enum rc relay_upstream_sync(struct relay_upstream *u, struct transport *t,
    struct relay_upstream_result *out, struct error *err) RC_CHECK;

#endif
