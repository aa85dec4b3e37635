#ifndef SHARED_SYNC_REPLICA_WATCH_H
#define SHARED_SYNC_REPLICA_WATCH_H

/*
 * replica_watch: vaults, relays and directories that were put back to an older state or copied, and
 * clocks that are wrong (architecture section 6): noticed, told, and dealt with as ordinary states.
 */
#include "shared/sync/replica_syncing.h"

/* How many of these entries are here; of an own log, before and after a frame was taken. */
enum rc replica_watch_here(struct replica *r, uint64_t log, uint64_t first, uint64_t count,
    uint64_t *n, struct error *err) RC_CHECK;
/*
 * Entries of this device came that its vault did not have: it was put back to an older copy, or
 * is used in two places.  Once a sync has come to its end after that, they can only mean the latter.
 */
enum rc replica_watch_returned(struct replica *r, struct error *err) RC_CHECK;
enum rc replica_watch_caught_up(struct replica *r, struct error *err) RC_CHECK;
/* A holder has more of our own work than we: tip of a log that is not here, or not so far. */
enum rc replica_watch_ahead(struct replica *r, const char *unit, unsigned compartment,
    uint64_t log, struct error *err) RC_CHECK;

/* The relay's sequence ends before our cursor, in the same generation: it was put back by hand. */
enum rc replica_watch_rolled_back(struct replica_syncing *s, bool *out) RC_CHECK;
/* The relay's clock, and how much of the directory it has: what it lacks goes with the next request. */
enum rc replica_watch_welcome(struct replica_syncing *s) RC_CHECK;
/* Append the statements that the relay lacks, as many as fit. */
enum rc replica_watch_statements(struct replica_syncing *s, struct error *err) RC_CHECK;

#endif
