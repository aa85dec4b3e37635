#ifndef SHARED_SYNC_REPLICA_SENT_H
#define SHARED_SYNC_REPLICA_SENT_H

/*
 * replica_sent: what this device wrote into scopes that it may not read: tips, cases handed
 * over.  It is not folded here; all that can be said of it is how far it came.
 */
#include "shared/sync/replica.h"

enum replica_sent_way {
	REPLICA_SENT_NOT_YET,	/* on this device alone, or no receipt has come */
	REPLICA_SENT_STORED,	/* the relay has it */
	REPLICA_SENT_HELD	/* a holder has folded it */
};

struct replica_sent {
	struct dot id;
	char form[ENTRY_FORM_NAME_MAX + 1];	/* "" once its body is gone */
	char unit[IDENTITY_UNIT_MAX + 1];
	unsigned compartment;
	int64_t at;
	enum replica_sent_way way;
};

/* Records, the newest first; the caller frees *out with free(). */
enum rc replica_sent_list(struct replica *r, struct replica_sent **out, size_t *n,
    struct error *err) RC_CHECK;
/* How far an own entry came.  RC_NOTFOUND: not of this device. */
enum rc replica_sent_way(struct replica *r, const struct dot *dot, enum replica_sent_way *out,
    struct error *err) RC_CHECK;

#endif
