#ifndef SHARED_SYNC_REPLICA_ERASE_H
#define SHARED_SYNC_REPLICA_ERASE_H

/*
 * replica_erase: what a lawful erasure does to a replica: values leave the journal, the fold,
 * the index of words and the sealed frames that it keeps; and what comes later by
 * other ways loses them on the way in.
 */
#include "shared/records/journal.h"
#include "shared/sync/cargo.h"
#include "shared/sync/frame.h"
#include "shared/sync/replica_internal.h"

/* The erasures of statement `seq`, which is in the directory.  In the caller's transaction. */
enum rc replica_erase_apply(struct replica *r, uint64_t seq, struct error *err) RC_CHECK;

/*
 * Was the frame sealed by somebody who did not know of an erasure in one of its logs?  It may
 * be opened, and is not kept.
 */
bool replica_erase_is_stale(const struct replica *r, const struct frame_header *h);

/*
 * Encode the body of a received entry, without what the directory says was erased of it; sets
 * the piece's tag, key and redacted.  RC_DENIED: something is missing of it that no statement
 * here names.  Else as entry_encode.
 */
enum rc replica_erase_encode(const struct replica *r, const struct cargo_log *log,
    const struct cargo_entry *e, struct journal_piece *piece, struct bytes *bodies) RC_CHECK;

#endif
