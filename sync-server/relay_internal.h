#ifndef SYNC_SERVER_RELAY_INTERNAL_H
#define SYNC_SERVER_RELAY_INTERNAL_H

/* relay_internal: what the files of relay share. */
#include "shared/sync/exchange.h"
#include "sync-server/relay.h"
#include "sync-server/relay_pace.h"

struct relay {
	struct depot *depot;
	struct clock clock;
	struct relay_pace *requests, *bytes;	/* of a device, a minute and a day */
};

/* A frame of this request that is stored. */
struct relay_accepted {
	uint8_t id[FRAME_ID_BYTES], author[16];
	bool told;
};

/* One lane of the device, as far as it is served. */
struct relay_lane {
	const char *name;
	uint64_t after;		/* the device has everything up to here */
	uint64_t next;		/* the first position behind it */
};

enum relay_stage { STAGE_STATEMENTS, STAGE_STREAM, STAGE_END, STAGE_DONE };

/* What is left to serve. */
struct relay_service {
	enum relay_stage stage;
	uint64_t statement, statements_end;	/* next seq, and the one behind the last */
	char **names;				/* of directory_lanes */
	size_t n_names;
	struct relay_lane *lanes;		/* a heap by `next` once the stream is served */
	size_t n_lanes;
	bool streams;				/* the sequence is served in this reply */
	bool heaped;
	uint64_t bound;				/* positions beyond came later */
	uint64_t position;			/* reached */
	uint64_t list_sent;			/* statement whose whole list went out; 0: none */
	uint64_t list_judged;			/* statement whose lines go one by one; 0: none */
	uint64_t budget, sent;
	bool more;
};

struct relay_session {
	struct relay *relay;
	struct depot *depot;
	struct clock clock;
	struct exchange_stream stream;
	enum { PHASE_HELLO, PHASE_CERTIFICATE, PHASE_OPEN, PHASE_REFUSED } phase;
	enum rc failed;
	struct hello hello;
	struct bytes hello_bytes;
	uint8_t request[16];
	enum exchange_status status;
	bool authentic;			/* its signature holds: it may learn something */
	bool trusted;			/* and it neither waits nor was shut out: all that it may read */
	bool chains_differ;
	bool no_room;			/* a frame was not stored for want of it */
	uint64_t not_kept;		/* frames that could not be accepted, and not be set aside */
	uint64_t quarantined;
	struct relay_accepted *accepted;
	size_t n_accepted, cap_accepted;
	uint64_t *own;			/* positions that this request made, ascending */
	size_t n_own, cap_own;
	struct relay_service service;
	struct bytes out;
	struct exchange_sum sum;	/* of the reply so far */
	size_t out_at;
	bool finished;
};

/* ---- frames (relay_frames.c) ---- */
enum rc relay_take_frame(struct relay_session *s, const uint8_t *p, size_t len) RC_CHECK;
/*
 * Frames that the hello offers: those that are stored count as handed in by this request, so
 * that they get a receipt and are not served back.
 */
enum rc relay_take_offered(struct relay_session *s) RC_CHECK;
/* Is this the id of one of them? */
bool relay_was_offered(const struct relay_session *s, const uint8_t id[FRAME_ID_BYTES]);

/* ---- what it thinks of a frame (relay_judge.c) ---- */
/*
 * The checks of formats.md "Frame" that need no key, in their order.  Sets f's state, reason, and
 * what the header says; h is empty, and not to be used, when it is no frame.
 */
enum rc relay_judge(struct depot *depot, const uint8_t *p, size_t len, struct depot_frame *f,
    struct frame_header *h) RC_CHECK;
/* Sealed by who did not know of an erasure in one of its logs. */
bool relay_is_stale(struct depot *depot, const struct frame_header *h);
/* Put an accepted frame into the sequence, behind its author's certificate. */
enum rc relay_enter_stream(struct depot *depot, int64_t now, const struct depot_frame *f,
    const struct frame_header *h, uint64_t *position) RC_CHECK;
/* Look again at what is in that state for that reason. */
enum rc relay_look_at(struct depot *depot, int64_t now, enum depot_frame_state state,
    enum root_exchange_reason reason) RC_CHECK;
/* Look again at what waits, and at what an unknown author or epoch set aside. */
enum rc relay_look_again(struct depot *depot, int64_t now) RC_CHECK;
/* relay_release inside a group of changes. */
enum rc relay_release_within(struct depot *depot, const struct clock *clock,
    const uint8_t id[FRAME_ID_BYTES], struct error *err) RC_CHECK;
void relay_lane_certificates(const char *unit, char out[DEPOT_LANE_MAX]);
void relay_lane_shares(const char *unit, unsigned compartment, char out[DEPOT_LANE_MAX]);
void relay_lane_device(const uint8_t device[16], char out[DEPOT_LANE_MAX]);

/* ---- certificates, statements, erasures (relay_directory.c) ---- */
/* A certificate from anywhere: kept, published, and frames that waited for it looked at. */
enum rc relay_take_certificate(struct depot *depot, int64_t now, const uint8_t *p,
    size_t len, struct error *err) RC_CHECK;
/* The next statement of the chain, with what follows from it. */
enum rc relay_take_statement(struct depot *depot, const uint8_t *p, size_t len, bool *forked,
    struct error *err) RC_CHECK;
/*
 * The same from others' hands: taken or not, and an alarm if it is another one at its position.
 * *grew: relay_look_again is due.
 */
enum rc relay_hear_statement(struct depot *depot, int64_t now,
    const uint8_t from[IDENTITY_ID_BYTES], const uint8_t *p, size_t len, bool *grew) RC_CHECK;
/*
 * What the authority sealed again after an erasure takes the place of what it was made of; payload of
 * an item of that type.  RC_FORMAT.
 */
enum rc relay_take_resealed(struct depot *depot, int64_t now, const uint8_t *p, size_t len,
    struct error *err) RC_CHECK;
/* What others' hands can add is never a reason to break off: it is taken or not. */
enum rc relay_unless_bad(enum rc rc) RC_CHECK;

/* ---- receipts (relay_receipts.c) ---- */
/* One an author, into the reply. */
enum rc relay_give_receipts(struct relay_session *s) RC_CHECK;
/*
 * Of a holder or another relay, from anywhere, on its way to a device.  Of each signer a device's lane
 * keeps the newest `held` one, and of `stored` ones RELAY_RECEIPT_BYTES_MAX and the newest.
 */
enum rc relay_take_receipt(struct depot *depot, int64_t now, const uint8_t *p,
    size_t len) RC_CHECK;
/* Into the lanes of the authors whose frames this session handed in for them. */
enum rc relay_tell_authors(struct relay_session *s) RC_CHECK;
/* The reply will not be heard: the same, as a group of its own. */
void relay_tell_later(struct relay_session *s);

/* ---- the reply (relay_serve.c) ---- */
/* Which lanes are served from where; sets the session's status when they do not agree. */
enum rc relay_service_start(struct relay_session *s) RC_CHECK;
void relay_service_reset(struct relay_service *v);
/* Put the next item of the reply into s->out; nothing when it is done. */
enum rc relay_service_next(struct relay_session *s) RC_CHECK;

/* ---- shares (relay_shares.c) ---- */
/* A whole list of the authority: checked, kept, its lines put into their lanes. */
enum rc relay_take_share_list(struct depot *depot, const uint8_t *p, size_t len,
    struct error *err) RC_CHECK;
/* A line of such a list, from anywhere: into its recipient's lane, once. */
enum rc relay_take_share(struct depot *depot, const uint8_t *p, size_t len) RC_CHECK;

/* relay_nonce.c: the nonce behind `last`; was `shown` made after `known`, by this relay? */
void relay_nonce_next(struct depot *depot, const uint8_t device[16], const uint8_t last[16],
    uint8_t out[16]);
bool relay_nonce_is_later(struct depot *depot, const uint8_t device[16], const uint8_t shown[16],
    const uint8_t known[16]);
/* The relay was put back to an older state without a restore: a new generation, and an alarm. */
enum rc relay_was_put_back(struct depot *depot, int64_t now, const uint8_t device[16]) RC_CHECK;

#endif
