#ifndef SHARED_SYNC_TRANSPORT_H
#define SHARED_SYNC_TRANSPORT_H

/*
 * transport: one HTTP POST, streamed both ways.  The only file that calls
 * libcurl.  No redirects, no proxies' cookies, bounded in size and in silence.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "shared/base/bytes.h"
#include "shared/base/rc.h"

enum {
	TRANSPORT_URL_MAX = 255,
	TRANSPORT_CONNECT_SECONDS = 30,
	TRANSPORT_SILENCE_SECONDS = 60,		/* below 1 byte a second for so long: cut */
	TRANSPORT_REPLY_MAX = 256 << 20
};

struct transport;

/*
 * url: http://HOST:PORT or https://…; plain HTTP only to loopback unless
 * allow_plain.  pin: "sha256//BASE64" of the server's public key, or ""; with a pin
 * the key alone counts, not who signed its certificate.
 * RC_USAGE: not such a URL or pin.
 */
enum rc transport_open(const char *url, const char *pin, bool allow_plain,
    struct transport **out, struct error *err) RC_CHECK;
void transport_close(struct transport *t);
/* The address as it was given, without a slash at its end. */
const char *transport_url(const struct transport *t);

struct transport_stats {
	uint64_t requests;
	uint64_t bytes_up, bytes_down;	/* HTTP headers included, TLS not */
};

/*
 * POST body to path; each piece of a 200 reply with our content type goes to
 * `take`.  A connection is kept between calls.
 * RC_NET: no connection, cut, or too slow; what came before was given to `take`.
 * RC_PROTOCOL: answers, but is not a sync-server (another content type: a captive
 * portal; says so).  RC_AUTH: TLS with another key than the pinned one.
 * RC_UNAVAILABLE: 5xx, 429.  RC_LIMIT: reply too large.  What `take` returns stops it.
 */
enum rc transport_post(struct transport *t, const char *path, const uint8_t *body,
    size_t len, enum rc (*take)(void *ctx, const void *p, size_t len), void *ctx,
    struct error *err) RC_CHECK;

void transport_stats(const struct transport *t, struct transport_stats *out);

#endif
