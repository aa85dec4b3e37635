#ifndef SYNC_SERVER_RELAY_H
#define SYNC_SERVER_RELAY_H

/*
 * relay: what the provincial server says to devices and to the authority (formats.md
 * "Messages", "Exchange between authority and relay"): bytes in, bytes out.  No HTTP, no
 * SQL, and no key that opens a frame.
 *
 * One thread.  Sessions may be open side by side; each takes its upload piece by piece
 * and gives its reply piece by piece, so memory does not grow with what is stored.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "shared/base/bytes.h"
#include "shared/base/clock.h"
#include "shared/base/rc.h"
#include "sync-server/depot.h"

struct relay;
struct relay_session;

enum {
	RELAY_DOWN_MAX = 4 << 20,		/* of a reply, when the device names no limit */
	RELAY_DOWN_CEILING = 64 << 20,		/* and whatever it names */
	RELAY_FRAMES_MAX = 65536,		/* of one request; later ones get no receipt */
	RELAY_ASIDE_MAX = 64 << 20,		/* bytes that a device may have set aside */
	RELAY_RECEIPT_BYTES_MAX = 4 << 20,	/* for a device, of another relay: a hundred thousand frames */
	RELAY_RECEIPT_AHEAD_MAX = 86400,	/* seconds; one dated later outdates no other */
	RELAY_DEVICES_PACED = 4096,		/* whose pace is kept in mind */
	RELAY_BYTES_A_DAY = 512 << 20		/* that a device may hand in */
};

/* per_minute: requests that a device may make, in bursts of as many; 0: no limit. */
enum rc relay_new(struct depot *depot, const struct clock *clock, unsigned per_minute,
    struct relay **out) RC_CHECK;
void relay_free(struct relay *r);

/* Instead of RELAY_BYTES_A_DAY; 0: no limit. */
void relay_set_bytes_a_day(struct relay *r, uint64_t bytes);

enum rc relay_session_new(struct relay *r, struct relay_session **out) RC_CHECK;
/*
 * A piece of the upload.  What is whole in it is stored when this returns RC_OK.
 * RC_PROTOCOL: not a message.  RC_FULL, RC_IO, …: what came before the piece is stored,
 * and a repeat completes it.
 */
enum rc relay_session_feed(struct relay_session *s, const uint8_t *p, size_t len) RC_CHECK;
/*
 * The upload has ended, with its end item or without.  Decides the reply.
 * RC_PROTOCOL: there was no hello.  Or what feed said.
 */
enum rc relay_session_finish(struct relay_session *s) RC_CHECK;
/* The next bytes of the reply; *n = 0 is the end. */
enum rc relay_reply_next(struct relay_session *s, uint8_t *buf, size_t cap, size_t *n) RC_CHECK;
/* What it handed in was undone (depot_undone): nothing of it is confirmed by anybody. */
void relay_session_undone(struct relay_session *s);
void relay_session_free(struct relay_session *s);	/* NULL is allowed */

/*
 * The authority's exchange.  RC_AUTH: not signed by the root, say nothing.
 * RC_FORMAT, RC_NEWER, RC_FULL, …: nothing happened.
 */
enum rc relay_exchange(struct depot *depot, const struct clock *clock, const uint8_t *request,
    size_t len, struct bytes *reply, struct error *err) RC_CHECK;

/*
 * Accept a frame that was set aside, whatever the reason was, as long as it is a frame
 * with a signature that holds and nothing of its logs was erased since it was sealed.
 * RC_NOTFOUND; RC_DENIED: it is not such a frame.
 */
enum rc relay_release(struct depot *depot, const struct clock *clock,
    const uint8_t id[FRAME_ID_BYTES], struct error *err) RC_CHECK;
/* In a few words, for the operator. */
const char *relay_reason_text(enum root_exchange_reason reason, bool vietnamese);

#endif
