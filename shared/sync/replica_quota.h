#ifndef SHARED_SYNC_REPLICA_QUOTA_H
#define SHARED_SYNC_REPLICA_QUOTA_H

/*
 * replica_quota: how much a replica keeps of what nobody answers for: whoever speaks to it, relay or
 * stick, could hand it such things without end.  What counts:
 *  - frames that wait or are set aside and whose signature no known device vouches for (unknown or
 *    refused author, a signature that does not hold, not a frame, or of a newer program);
 *  - frames of a retired device beyond the heads that its retirement names, and what they unfold to;
 *  - receipts whose signer the directory does not name, shares whose statement has not come.
 * A thing counts for at least REPLICA_QUOTA_ITEM_MIN bytes.  All else has an author whose
 * amount the province bounds, or the root's signature.
 *
 * What there is no room for is refused and not lost: a stick is to be kept, and the place in a
 * relay's sequence is remembered, so that the relay is asked for it again.
 */
#include "shared/sync/replica_internal.h"

struct frame_header;

enum {
	REPLICA_QUOTA_MAX = 64 << 20,		/* bytes; tests set less in struct replica */
	REPLICA_QUOTA_ITEM_MIN = 512,		/* about what a row and its index take */
	REPLICA_QUOTA_REFUSED_MAX = 8 << 20,	/* a sync that refused so much comes to its end */
	REPLICA_QUOTA_SKIP_MAX = 32		/* syncs between two tries that nothing speaks for */
};

/*
 * May so many bytes more be kept?  If so they count from now on; if not, that is told a person
 * and added to r->refused.  In the caller's transaction.
 */
enum rc replica_quota_take(struct replica *r, uint64_t bytes, bool *room, struct error *err) RC_CHECK;
/* Something that counted may have gone, or is answered for now. */
void replica_quota_recount(struct replica *r);

/* Does this device, whose signature holds, answer for the frame?  What came after its retirement: no. */
bool replica_quota_answers(const struct device *author, const struct frame_header *h);

/* Of what stands at `position` of the relay's sequence `bytes` were refused. */
enum rc replica_quota_remember(struct replica *r, uint64_t position, uint64_t bytes,
    struct error *err) RC_CHECK;
/*
 * Before the first request: back to the first place that was refused, if there is room now or the
 * directory has grown since, and once in a while without that.  Own transaction.
 */
enum rc replica_quota_go_back(struct replica *r, struct error *err) RC_CHECK;
/* The relay begins a new life, or a sync has come to its end and refused nothing. */
enum rc replica_quota_forget(struct replica *r, bool all, struct error *err) RC_CHECK;

#endif
