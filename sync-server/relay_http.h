#ifndef SYNC_SERVER_RELAY_HTTP_H
#define SYNC_SERVER_RELAY_HTTP_H

/*
 * relay_http: the relay on the network.  POST /sync and POST /exchange; everything else
 * is a small 404.  Uploads go into the relay as they arrive, replies leave as they
 * are made.  Replies carry Content-Type and, when they are short, Content-Length;
 * errors have no body: 400 not a message, 403 not the authority, 413 too large, 429 too
 * many requests from there, 503 try again, 507 the disk is full, 500 our fault.
 */
#include <stdint.h>

#include "shared/base/clock.h"
#include "shared/base/rc.h"

struct depot;
struct relay_http;

enum {
	RELAY_HTTP_SHORT = 64 << 10,		/* a reply up to here is sent with its length */
	RELAY_HTTP_PER_ADDRESS = 64,		/* several offices may come from one address */
	RELAY_HTTP_PER_MINUTE = 120,		/* requests of a device */
	RELAY_HTTP_ADDRESS_PER_MINUTE = 1200,	/* requests of an address */
	RELAY_HTTP_ADDRESSES = 8192,		/* whose pace is kept in mind */
	RELAY_HTTP_CONNECTIONS = 2000,
	RELAY_HTTP_EXCHANGES_MAX = 192 << 20	/* bytes of unfinished /exchange bodies, all together */
};

struct relay_http_config {
	struct depot *depot;		/* borrowed */
	struct clock clock;
	const char *address;		/* of this machine, an IP address */
	uint16_t port;			/* 0: a free one */
	const char *tls_cert, *tls_key;	/* PEM texts; NULL: plain HTTP */
	unsigned connections_max;	/* 0: RELAY_HTTP_CONNECTIONS */
	unsigned per_address_max;	/* 0: RELAY_HTTP_PER_ADDRESS */
	unsigned per_minute;		/* 0: RELAY_HTTP_PER_MINUTE */
	/* 0: RELAY_HTTP_ADDRESS_PER_MINUTE, and this machine itself as often as it likes: a
	   proxy may stand there */
	unsigned address_per_minute;
	uint64_t bytes_a_day;		/* of a device; 0: RELAY_BYTES_A_DAY */
};

/* Results of http_server_open. */
enum rc relay_http_open(const struct relay_http_config *config, struct relay_http **out,
    struct error *err) RC_CHECK;
uint16_t relay_http_port(const struct relay_http *h);
/* Serve for at most so many milliseconds; or in a thread of its own until close. */
void relay_http_step(struct relay_http *h, int milliseconds);
enum rc relay_http_start(struct relay_http *h) RC_CHECK;
void relay_http_close(struct relay_http *h);	/* NULL is allowed */

#endif
