#ifndef SHARED_SYNC_EXCHANGE_H
#define SHARED_SYNC_EXCHANGE_H

/*
 * exchange: the messages between a device and a relay (formats.md "Messages"),
 * as bytes and as structs.  No HTTP, no database.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "shared/base/bytes.h"
#include "shared/base/rc.h"
#include "shared/sync/frame.h"
#include "shared/sync/identity.h"
#include "shared/vault/digest.h"

struct secret;

enum {
	EXCHANGE_ITEM_MAX = FRAME_MAX + 64,
	EXCHANGE_BODY_MAX = 64 << 20,		/* a whole message */
	EXCHANGE_BUNDLE_MAX = INT32_MAX,	/* a whole bundle */
	EXCHANGE_BUNDLE_HEAD_BYTES = 11,	/* before its items */
	EXCHANGE_BEHIND_MAX = 40000,
	EXCHANGE_HEADS_MAX = 4096,
	EXCHANGE_OFFERED_MAX = 4096,
	EXCHANGE_LANE_MAX = 40,			/* bytes of a lane's name */
	EXCHANGE_RECEIPT_FRAMES_MAX = 65536
};
#define EXCHANGE_CONTENT_TYPE "application/x-field"

enum item_type {
	ITEM_HELLO = 1, ITEM_CERTIFICATE, ITEM_FRAME, ITEM_STATEMENT, ITEM_SHARE,
	ITEM_SHARE_LIST, ITEM_RECEIPT, ITEM_WELCOME, ITEM_END, ITEM_LANE,
	ITEM_ROOT, ITEM_RELAY_STATE, ITEM_RELEASE, ITEM_RELAY_HEADS, ITEM_QUARANTINE,
	ITEM_KEY,		/* of bundles alone */
	ITEM_RESEALED		/* from the authority to a relay alone */
};

enum exchange_status {
	STATUS_OK, STATUS_STALE, STATUS_UNKNOWN_DEVICE, STATUS_RETIRED, STATUS_LANES,
	STATUS_OTHER_PROVINCE, STATUS_TOO_MANY, STATUS_WAITING, STATUS_FULL
};

/* Append one item. */
void exchange_put(struct bytes *out, enum item_type type, const void *payload, size_t len);

/*
 * Checks (formats.md "Messages"): a turned bit must neither move a cursor past what was never taken, nor
 * let a frame, a certificate or a receipt get lost that its sender counts as handed over.  A check
 * covers all of the message before it.  Who writes into a buffer that is emptied on the way keeps a sum.
 */
struct exchange_sum {
	struct digest digest;
	size_t at;		/* so many bytes of the buffer are in it */
};
void exchange_sum_init(struct exchange_sum *s);
/* All of out is in it; to be called before out is emptied. */
void exchange_sum_take(struct exchange_sum *s, const struct bytes *out);

/*
 * What goes downward with its place in the sequence: a whole item, a frame, or a lane item of another
 * type.  And the ends of a reply and of a request.  sum NULL: out is the message from its beginning, as
 * a request always is.
 */
void exchange_put_down(struct bytes *out, struct exchange_sum *sum, uint64_t position,
    enum item_type type, const void *body, size_t len);
void exchange_put_end_down(struct bytes *out, struct exchange_sum *sum, uint64_t position, bool more);
void exchange_put_end_up(struct bytes *out);

/*
 * Cuts a stream into items, however it arrives.  Feed bytes; each whole item is
 * handed to `each` (payload borrowed for the call); a result other than RC_OK stops,
 * and every later call gives the same one.  Types of 128 and more are skipped.
 * RC_PROTOCOL: not such a stream (e.g. HTML), an item over the limit of its type
 * (at most EXCHANGE_ITEM_MAX), or anything after `end`.  RC_LIMIT: the whole is
 * over EXCHANGE_BODY_MAX, or what `max` says.  RC_NOMEM.
 *
 * Set `way` before the first byte of a request or a reply: then checks are looked at, and taken off.  Where
 * one does not fit, `damaged` is set; a reply ends there, RC_PROTOCOL, a request's end is handed out.
 */
enum exchange_way { EXCHANGE_UNCHECKED, EXCHANGE_UP, EXCHANGE_DOWN };
struct exchange_stream {
	enum rc (*each)(void *ctx, enum item_type type, const uint8_t *payload, size_t len);
	void *ctx;
	struct bytes pending;
	bool ended;		/* the end item came */
	uint64_t total;
	uint64_t max;		/* of all of it; 0: EXCHANGE_BODY_MAX */
	enum rc failed;		/* what stopped it */
	enum exchange_way way;
	bool damaged;
	struct digest sum;	/* of all items so far */
};
void exchange_stream_init(struct exchange_stream *s,
    enum rc (*each)(void *ctx, enum item_type type, const uint8_t *payload, size_t len), void *ctx);
enum rc exchange_stream_feed(struct exchange_stream *s, const void *p, size_t len) RC_CHECK;
void exchange_stream_reset(struct exchange_stream *s);

/* ---- bundles: the same items in a file (exchange_bundle.c) ---- */
void exchange_bundle_start(const uint8_t province[8], struct bytes *out);
/* The first bytes of a bundle.  RC_FORMAT: it is none.  RC_NEWER.  RC_DENIED: of another province. */
enum rc exchange_bundle_check(const uint8_t *p, size_t len, const uint8_t province[8],
    const char *name, struct error *err) RC_CHECK;
/* RC_FORMAT, with where the items of a bundle broke off; s did not come to its end. */
enum rc exchange_bundle_broken(const struct exchange_stream *s, const char *name,
    struct error *err) RC_CHECK;

/* Payloads that came down, without their checks.  RC_FORMAT. */
enum rc exchange_end_read(const uint8_t *p, size_t len, uint64_t *position, bool *more) RC_CHECK;
/* *frame points into p. */
enum rc exchange_frame_down_read(const uint8_t *p, size_t len, uint64_t *position,
    const uint8_t **frame, size_t *frame_len) RC_CHECK;
/*
 * A lane item: type is certificate, share, share list or receipt; *inner points into p.
 * RC_NEWER: of a type to be passed over; all is set.
 */
enum rc exchange_lane_read(const uint8_t *p, size_t len, uint64_t *position,
    enum item_type *type, const uint8_t **inner, size_t *inner_len) RC_CHECK;

struct exchange_behind { char *lane; uint64_t position; };
struct exchange_head { uint64_t log, n; uint8_t head[16]; };

struct hello {
	uint8_t province[8], device[16], generation[16], nonce[16];
	uint64_t directory_seq;		/* of the last statement known */
	uint8_t directory_head[16];
	uint64_t position;
	uint8_t lanes_digest[16];
	struct exchange_behind *behind;	/* owned when decoded */
	size_t n_behind;
	uint8_t (*offered)[FRAME_ID_BYTES];	/* of an upload whose reply was lost; owned when decoded */
	size_t n_offered;
	uint64_t down_max;		/* bytes the device wants at most */
};
enum rc exchange_hello_write(const struct hello *h, const struct secret *device_seed,
    struct bytes *payload) RC_CHECK;
/* Grammar only.  RC_FORMAT, RC_NEWER, RC_LIMIT, RC_NOMEM; then *out is empty. */
enum rc exchange_hello_read(const uint8_t *p, size_t len, struct hello *out) RC_CHECK;
enum rc exchange_hello_verify(const uint8_t *p, size_t len, const uint8_t sign_public[32]) RC_CHECK;
void exchange_hello_reset(struct hello *h);

struct welcome {
	enum exchange_status status;
	uint8_t generation[16], nonce[16];
	uint64_t directory_seq;
	uint8_t directory_head[16];
	int64_t now;
	uint8_t request[16];		/* H(16) of the hello it answers */
	uint64_t quarantined;		/* frames of this request that were set aside */
	uint8_t relay[16];
	uint64_t last;			/* position of the last thing in the sequence */
	uint64_t audit;			/* lines of the relay's audit log, and its head */
	uint8_t audit_head[16];
};
enum rc exchange_welcome_write(const struct welcome *w, const struct secret *relay_seed,
    struct bytes *payload) RC_CHECK;
enum rc exchange_welcome_read(const uint8_t *p, size_t len, struct welcome *out) RC_CHECK;
enum rc exchange_welcome_verify(const uint8_t *p, size_t len, const uint8_t sign_public[32]) RC_CHECK;
void exchange_request_id(const uint8_t *hello, size_t len, uint8_t out[16]);

enum receipt_kind { RECEIPT_STORED = 1, RECEIPT_HELD = 2 };
struct receipt_scope {
	char unit[IDENTITY_UNIT_MAX + 1];
	unsigned compartment;
	struct exchange_head *tips;
	size_t n_tips;
};
struct receipt {
	enum receipt_kind kind;
	uint8_t signer[16];
	int64_t at;
	uint8_t device[16];
	uint8_t (*frames)[FRAME_ID_BYTES];	/* stored; owned when decoded */
	size_t n_frames;
	struct receipt_scope *scopes;		/* held; owned when decoded */
	size_t n_scopes;
};
enum rc exchange_receipt_write(const struct receipt *r, const struct secret *seed,
    struct bytes *payload) RC_CHECK;
enum rc exchange_receipt_read(const uint8_t *p, size_t len, struct receipt *out) RC_CHECK;
enum rc exchange_receipt_verify(const uint8_t *p, size_t len, const uint8_t sign_public[32]) RC_CHECK;
void exchange_receipt_reset(struct receipt *r);

#endif
