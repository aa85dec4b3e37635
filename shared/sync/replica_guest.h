#ifndef SHARED_SYNC_REPLICA_GUEST_H
#define SHARED_SYNC_REPLICA_GUEST_H

/*
 * replica_guest: what the author of a frame might write in a scope (formats.md "Guests").
 * Nobody but replica_frame.c includes it.
 */
#include "shared/sync/replica_internal.h"

struct cargo;

/*
 * Whether the device may write into the scope, and whether it is a guest there: one that
 * may not read it.  All that it was ever assigned counts: a role that shrank, or a move to another
 * unit, does not take back what was written before, and only so does the answer not depend on
 * when the frame came.
 */
enum rc replica_guest_judge(struct replica *r, const struct device *author, const char *unit,
    unsigned compartment, bool *writes, bool *guest, struct error *err) RC_CHECK;
/* Does every entry keep to what a guest may do? */
bool replica_guest_allows(const struct cargo *cargo);

#endif
