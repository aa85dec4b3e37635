#ifndef SHARED_SYNC_REPLICA_RELAY_H
#define SHARED_SYNC_REPLICA_RELAY_H

/*
 * replica_relay: which relay is spoken with: the province's, or a hub that stands at a sync point
 * and hands on.  Each numbers what it serves for itself, so each has a cursor of its own here.
 */
#include "shared/sync/replica.h"

/* What `forward` in table frame says. */
enum replica_forward {
	FORWARD_NOT,
	FORWARD_CARRIED,	/* another's, by stick: to be handed to a relay */
	FORWARD_OWN_AT_HUB,	/* our own: a hub has it, the province has not said so */
	FORWARD_CARRIED_AT_HUB,	/* another's likewise */
	FORWARD_NOT_NOW		/* by stick, set aside here or there: when its author is known and may */
};

/* Does a relay stand at a unit?  The province's own does not. */
bool replica_is_hub(const struct replica *r, const uint8_t relay[16]);
/* Is the one spoken with last a hub? */
enum rc replica_at_hub(struct replica *r, bool *hub, struct error *err) RC_CHECK;

/*
 * Speak with this relay from now on.  *switched: it is another one than before; cursor, nonce and
 * generation are those of the last time with it, or none.  In the caller's transaction.
 */
enum rc replica_meet_relay(struct replica *r, const uint8_t relay[16], bool *switched,
    struct error *err) RC_CHECK;
/* The relay that answered at this address the last time, before it has said a word; a transaction of
 * its own. */
enum rc replica_expect_relay(struct replica *r, const char *url, struct error *err) RC_CHECK;
enum rc replica_remember_address(struct replica *r, const char *url, const uint8_t relay[16],
    struct error *err) RC_CHECK;

/* Whatever relay is spoken with next, what lies in this lane is asked for from its beginning. */
enum rc replica_ask_lane_again(struct replica *r, const char *lane, struct error *err) RC_CHECK;

/* A hub was restored, or another one is met: what was left with it is handed in again. */
enum rc replica_forget_hub(struct replica *r, struct error *err) RC_CHECK;
/*
 * A relay has answered and did not receipt this one, which is by nobody that is known here: it is with
 * what the relay sets aside.  It is not handed in again until it verifies.
 */
enum rc replica_was_set_aside(struct replica *r, const uint8_t frame[32], struct error *err) RC_CHECK;
/* The relay was restored, or is to receipt all that it keeps: hand in once more what it set aside. */
enum rc replica_forget_set_aside(struct replica *r, struct error *err) RC_CHECK;
/* A receipt of a hub, for our frame or one that we carry. */
enum rc replica_left_at_hub(struct replica *r, const uint8_t frame[32], struct error *err) RC_CHECK;

#endif
