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
	TRANSPORT_PATIENCE_MAX = 600,
	TRANSPORT_REPLY_MAX = 256 << 20
};

struct transport;

/* What stood in the way of a post; the lists in transport_trouble.c say it to people. */
enum transport_trouble {
	TROUBLE_NONE,
	TROUBLE_NO_NAME,	/* the server's name is not found */
	TROUBLE_REFUSED,	/* the machine is there, nobody listens */
	TROUBLE_NO_WAY,		/* no network, or no way to it */
	TROUBLE_NO_ANSWER,	/* no connection within the time */
	TROUBLE_SILENT,		/* connected, then nothing came for too long */
	TROUBLE_CUT,
	TROUBLE_PORTAL,		/* a network's login page answers */
	TROUBLE_PROXY_LOGIN,	/* a proxy wants a name and a password */
	TROUBLE_PROXY,		/* a proxy or gateway answers, and does not reach the server */
	TROUBLE_BUSY,
	TROUBLE_FULL,		/* the server's disk */
	TROUBLE_STRANGER,	/* an HTTP server of another kind, or of another version */
	TROUBLE_NO_TLS,
	TROUBLE_OTHER_KEY,	/* not the pinned one */
	TROUBLE_CLOCK,		/* the certificate's dates do not fit our clock */
	TROUBLE_UNTRUSTED,	/* signed by nobody that is trusted, or for another name */
	TROUBLE_TOO_LARGE,
	TROUBLE_COUNT
};

/*
 * A server's address, without a slash at its end (transport_address.c).  *loopback: of this machine.
 * RC_USAGE: none, or plain HTTP to another machine that was not allowed.
 */
enum rc transport_address(const char *url, bool allow_plain, char out[TRANSPORT_URL_MAX + 1],
    bool *loopback, struct error *err) RC_CHECK;
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

/* Errors are described in Vietnamese from now on, or again in English. */
void transport_speak(struct transport *t, bool vietnamese);
/*
 * Wait this long for a connection and, once there is one, for the next byte: 1 to
 * TRANSPORT_PATIENCE_MAX seconds instead of the two above.
 */
void transport_patience(struct transport *t, unsigned seconds);
/* Called now and then while a post is under way, with the bytes of all posts. */
void transport_watch(struct transport *t, void (*watch)(void *ctx, uint64_t up, uint64_t down),
    void *ctx);

/*
 * POST body to path; each piece of a 200 reply with our content type goes to
 * `take`.  A connection is kept between calls.
 * RC_NET: no connection, cut, or too slow; what came before was given to `take`.
 * RC_PROTOCOL: answers, but is not a sync-server (another content type: a captive
 * portal; says so).  RC_AUTH: TLS with another key than the pinned one, or with a
 * certificate that nobody vouches for.  RC_CONFIG: our clock, or a proxy's password.
 * RC_UNAVAILABLE: 5xx, 429.  RC_LIMIT: reply too large.  What `take` returns stops it.
 * Without a pin, $SSL_CERT_FILE names the authorities that are trusted instead of the system's.
 */
enum rc transport_post(struct transport *t, const char *path, const uint8_t *body,
    size_t len, enum rc (*take)(void *ctx, const void *p, size_t len), void *ctx,
    struct error *err) RC_CHECK;

void transport_stats(const struct transport *t, struct transport_stats *out);
/* What the last post met; TROUBLE_NONE when it succeeded, or when `take` stopped it. */
enum transport_trouble transport_trouble(const struct transport *t);
/* Could the same post go through a little later, without anybody doing anything? */
bool transport_trouble_passes(enum transport_trouble trouble);
/* The result that a trouble gives, and the words for it. */
enum rc transport_trouble_rc(enum transport_trouble trouble);
const char *transport_trouble_text(enum transport_trouble trouble, bool vietnamese,
    const char **help);

#endif
