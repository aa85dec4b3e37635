#ifndef SYNC_SERVER_RELAY_BUNDLE_H
#define SYNC_SERVER_RELAY_BUNDLE_H

/*
 * relay_bundle: sticks at the server (formats.md "Bundle"), for communes that no network reaches.
 * What a stick brings is taken as if a device had handed it in for others: its frames are judged by
 * their own signatures, not by who carried them, and each author finds its receipt.  What a stick
 * takes along is what the relay would serve, with receipts for all of it.  Bytes in, bytes out; a
 * relay that serves meanwhile sees every piece as one change.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "shared/base/clock.h"
#include "shared/base/rc.h"

struct depot;
struct relay_bundle;

struct relay_bundle_result {
	uint64_t bytes;
	uint64_t frames, entries;	/* that were new here; that were written */
	uint64_t known;			/* frames that were here before */
	uint64_t aside;			/* frames that cannot be accepted now */
	uint64_t statements, certificates, receipts;	/* new ones; written ones */
};

/*
 * Reading one, as its bytes come.  name is what errors call it; name, out and err are borrowed
 * till the end.  Every call may also return RC_FULL, RC_IO, RC_BUSY, RC_NOMEM: what came before
 * its piece is here, and reading the stick again completes it.
 */
enum rc relay_bundle_start(struct depot *depot, const struct clock *clock, const char *name,
    struct relay_bundle_result *out, struct relay_bundle **bundle, struct error *err) RC_CHECK;
/* RC_FORMAT: no bundle.  RC_DENIED: of another province, or the relay has none yet.  RC_NEWER. */
enum rc relay_bundle_feed(struct relay_bundle *b, const uint8_t *p, size_t len) RC_CHECK;
/* False: it is damaged, and the rest is not looked at. */
bool relay_bundle_wants_more(const struct relay_bundle *b);
/*
 * RC_FORMAT: cut off or damaged.  RC_FULL: there was no room for some frames.  RC_LIMIT: more
 * than may be set aside cannot be accepted.  What could be taken is here in each case; what could
 * not has no receipt, so nobody forgets it.
 */
enum rc relay_bundle_finish(struct relay_bundle *b) RC_CHECK;
void relay_bundle_free(struct relay_bundle *b);	/* NULL is allowed */

/*
 * Writing one, given out piece by piece; what `put` returns stops it.  device: for that one alone;
 * unit: for the devices of that unit; both NULL: everything that is served, for anybody.
 * RC_NOTFOUND: no such device or unit.  RC_DENIED: it was retired or refused, or waits to be
 * admitted.  RC_LIMIT: more than EXCHANGE_BUNDLE_MAX.
 */
typedef enum rc (*relay_bundle_put)(void *ctx, const uint8_t *p, size_t len);
enum rc relay_bundle_write(struct depot *depot, const struct clock *clock, const uint8_t *device,
    const char *unit, relay_bundle_put put, void *ctx, struct relay_bundle_result *out,
    struct error *err) RC_CHECK;

#endif
