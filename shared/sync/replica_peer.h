#ifndef SHARED_SYNC_REPLICA_PEER_H
#define SHARED_SYNC_REPLICA_PEER_H

/*
 * replica_peer: keys of scopes from one laptop to another, by a stick.  Who is told of a new
 * epoch by a stick alone could not open it: shares come from the relay, each device's to itself.
 * So whoever holds a scope's keys seals them to the colleagues that may read it.  What
 * comes so is checked against the directory, which has every epoch's public key.
 */
#include "shared/sync/replica.h"

enum { REPLICA_PEER_KEYS_MAX = 4096 };	/* of one bundle */

/*
 * Payloads of key items (formats.md "Bundle"): for every other device that the authority has admitted,
 * the keys held here of scopes that it may read, newest epochs first, its own unit's devices first.
 */
enum rc replica_peer_keys(struct replica *r, enum rc (*each)(void *ctx, const uint8_t *share,
    size_t len), void *ctx, struct error *err) RC_CHECK;

/* One that came.  For another device, or had already: nothing happens. */
enum rc replica_peer_take(struct replica *r, const uint8_t *p, size_t len,
    struct error *err) RC_CHECK;

#endif
