#ifndef SYNC_SERVER_RELAY_UPSTREAM_INTERNAL_H
#define SYNC_SERVER_RELAY_UPSTREAM_INTERNAL_H

/* relay_upstream_internal: relay_upstream.c leads and listens, relay_upstream_request.c remembers and asks. */
#include "shared/sync/exchange.h"
#include "sync-server/depot.h"
#include "sync-server/relay_internal.h"
#include "sync-server/relay_upstream.h"

struct upstream_lane {
	char name[DEPOT_LANE_MAX];
	uint64_t position;
	bool behind;			/* else it stands with all the others */
};

struct relay_upstream {
	struct depot *depot;
	struct clock clock;
	struct relay_session intake;	/* frames from above are taken as from a carrier */
	/* ---- remembered ---- */
	uint8_t relay[16], generation[16], nonce[16];
	uint64_t position;
	int64_t sent;			/* frames up to this key were handed on, or came from there */
	int64_t refill;			/* up to this one also those that came from there */
	uint64_t certificates, receipts;	/* handed on up to */
	uint8_t lanes_digest[16];
	struct upstream_lane *lanes;	/* sorted by name */
	size_t n_lanes;
	/* ---- this request ---- */
	struct bytes message;
	uint8_t request[16];
	int64_t batch;			/* the last key of its frames, or of those it offers */
	uint64_t batch_certificates, batch_receipts, n_frames;
	bool offers, more;
	struct welcome welcome;
	bool welcomed, ended, other_generation, moved, grew;
	/* ---- this sync ---- */
	bool with_certificate, with_all_lanes, no_room;
	bool ask;			/* before frames are sent: which of them are there? */
	uint8_t (*known)[FRAME_ID_BYTES];	/* they are */
	size_t n_known, cap_known;
	struct relay_upstream_result *result;
	struct exchange_stream stream;
	const char *url;
	struct error *err;
};

enum rc relay_upstream_load(struct relay_upstream *u) RC_CHECK;
enum rc relay_upstream_save(struct relay_upstream *u, bool lanes) RC_CHECK;
/* The next request into u->message. */
enum rc relay_upstream_build(struct relay_upstream *u) RC_CHECK;
/* An item at this position came. */
void relay_upstream_move(struct relay_upstream *u, uint64_t position);
/* The next frame behind `after` that is to be handed on.  RC_NOTFOUND. */
enum rc relay_upstream_next(struct relay_upstream *u, int64_t after, struct depot_pending *out) RC_CHECK;

#endif
