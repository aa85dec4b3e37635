#ifndef SYNC_SERVER_OPERATOR_HUB_H
#define SYNC_SERVER_OPERATOR_HUB_H

/* operator_hub: beside the relay that serves, a thread that hands on upward (relay_upstream.h). */
#include <stdbool.h>

#include "shared/base/rc.h"
#include "shared/sync/identity.h"

struct operator;
struct operator_hub;

/*
 * Make a hub's folder from an opened invitation.  RC_EXISTS: there is a relay.  RC_DENIED: the
 * invitation is for a person.  What fails leaves nothing.
 */
enum rc operator_hub_join(const char *folder, const struct invitation_parcel *parcel, int64_t now,
    struct invitation *inv, uint8_t device[IDENTITY_ID_BYTES], struct error *err) RC_CHECK;

/* *out is NULL when this relay is no hub: it has no address of a server above it. */
enum rc operator_hub_start(struct operator *c, const char *folder, struct operator_hub **out) RC_CHECK;
/* Has it given up for good?  NULL is allowed. */
bool operator_hub_ended(struct operator_hub *h);
/* Why it gave up (c->err says it), RC_OK when it was only told to stop. */
enum rc operator_hub_stop(struct operator_hub *h) RC_CHECK;

#endif
