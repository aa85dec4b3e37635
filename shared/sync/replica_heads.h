#ifndef SHARED_SYNC_REPLICA_HEADS_H
#define SHARED_SYNC_REPLICA_HEADS_H

/*
 * replica_heads: every frame names the head of the directory that its author knew, and signs it
 * (formats.md "Frame").  What others knew is held against what the relay gives us: two chains, and
 * statements that it keeps to itself, such as the retirement of a stolen laptop, are told.
 */
#include "shared/sync/replica_internal.h"

/* A frame whose signature holds; inside the caller's transaction. */
enum rc replica_heads_heard(struct replica *r, const struct frame_header *h,
    struct error *err) RC_CHECK;
/*
 * A sync has come to its end.  What somebody knew then and we do not at the end of the next one
 * either is kept from us; at_hub: or has not come down to that hub yet, which says nothing.
 */
enum rc replica_heads_weigh(struct replica *r, bool at_hub, struct error *err) RC_CHECK;

#endif
