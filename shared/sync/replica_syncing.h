#ifndef SHARED_SYNC_REPLICA_SYNCING_H
#define SHARED_SYNC_REPLICA_SYNCING_H

/*
 * replica_syncing: one sync while it runs: replica_sync.c leads it, replica_request.c
 * makes the requests, replica_reply.c takes what is answered.  Nobody else includes it.
 */
#include "shared/sync/replica_internal.h"

struct transport;

enum { FRAMES_A_REQUEST_MAX = EXCHANGE_OFFERED_MAX };

struct replica_syncing {
	struct replica *replica;
	struct transport *transport;
	const struct replica_gate *gate;
	struct replica_line line;
	const char *url;		/* the transport's: the replica is only touched inside the gate */
	struct replica_sync_result *result;
	struct error *err;
	/* this round */
	struct bytes message;
	uint8_t request[16];
	struct exchange_stream stream;
	bool welcomed, ended, more, other_generation;
	bool moved;			/* something came, or the cursor went on */
	int64_t posted, replied;	/* when the upload began, and the reply; 0: it did not */
	struct welcome welcome;
	uint64_t sent_frames, sent_entries;
	int64_t last_receipt;		/* of those handed in */
	/* this sync */
	bool with_certificate, with_all_lanes;
	uint64_t statements_from;	/* the relay lacks those from here on; 0: none */
	uint64_t statements_given;	/* from where they were handed in last */
	unsigned generations;		/* that were new to us */
	bool unsure;			/* an upload may have come whole, and its reply did not */
	bool stranger;			/* who answers is not in our directory (yet) */
	bool met;			/* the relay has answered in this sync */
	bool proved;			/* an upload passed in this sync, and no round failed since */
	bool no_room;			/* it has none: no more frames */
	uint64_t refused;		/* bytes that it sent and that we have no room for */
	struct replica_progress progress;
	uint8_t (*tried)[FRAME_ID_BYTES];	/* frames handed in by this sync */
	size_t n_tried, cap_tried;
};

/*
 * Seal what the link can carry and write the next request into s->message.  Inside
 * the gate.  s->more: there is more to send than this request holds.
 */
enum rc replica_request_build(struct replica_syncing *s, struct error *err) RC_CHECK;
/*
 * The answer to the request came whole.  After one that did not, the next request carries no
 * frame: it names those of the upload, and is told which of them are stored.
 */
enum rc replica_request_answered(struct replica_syncing *s) RC_CHECK;

/*
 * What is carried for others may have reached the relay another way.  If there is much of it, the
 * first request names it and carries nothing, as after an upload that was not answered.
 */
enum rc replica_request_offer(struct replica_syncing *s, struct error *err) RC_CHECK;

/* A round failed with `why`: on a link that breaks, smaller frames from now on. */
enum rc replica_request_failed(struct replica_syncing *s, enum rc why, struct error *err) RC_CHECK;

/* An item of the reply to s->message; inside the gate, in a transaction.  ctx: the replica_syncing. */
enum rc replica_reply_take(void *ctx, enum item_type type, const uint8_t *payload,
    size_t len) RC_CHECK;
/* Says so.  RC_PROTOCOL. */
enum rc replica_reply_damaged(struct replica_syncing *s) RC_CHECK;

/* Settings that are numbers; 0 when there is none. */
enum rc replica_request_number(struct sqlite3 *db, const char *name, uint64_t *out,
    struct error *err) RC_CHECK;
enum rc replica_request_put_number(struct sqlite3 *db, const char *name, uint64_t v,
    struct error *err) RC_CHECK;

#endif
