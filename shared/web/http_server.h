#ifndef SHARED_WEB_HTTP_SERVER_H
#define SHARED_WEB_HTTP_SERVER_H

/*
 * http_server: HTTP/1.1 behind one door; the only file that calls libmicrohttpd.
 *
 * Everything runs in one thread: whoever calls http_server_step, or the thread that
 * http_server_start makes.  All callbacks come from that thread, so what they use needs
 * no lock against each other.
 *
 * What libmicrohttpd leaves open is closed here: bodies are bounded by their announced
 * length and by count, headers have an absolute deadline, and bodies and replies must
 * move faster than a named rate (its own timeout only knows silence).
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "shared/base/rc.h"

struct http_server;
struct http_request;	/* one request; lives until `done` */

enum {
	HTTP_SERVER_CONNECTIONS = 256,		/* defaults for what is 0 in the configuration */
	HTTP_SERVER_CONNECTIONS_CEILING = 4096,
	HTTP_SERVER_IDLE_SECONDS = 60,
	HTTP_SERVER_HEAD_SECONDS = 15,
	HTTP_SERVER_BODY_SECONDS = 60,
	HTTP_SERVER_WHOLE_SECONDS = 3600,
	HTTP_SERVER_RATE = 256,			/* bytes a second, below the slowest link */
	HTTP_SERVER_BODY_MAX = 1 << 20,
	HTTP_SERVER_HEADERS_MAX = 64 << 10,	/* memory of a connection, headers included */
	HTTP_SERVER_PEER_BYTES = 16
};

struct http_config {
	const char *address;		/* "127.0.0.1", "::1", "0.0.0.0", "localhost" */
	uint16_t port;			/* 0: a free one is picked */
	unsigned connections_max;
	unsigned per_address_max;	/* connections of one address; 0: no limit */
	unsigned idle_seconds;		/* silence after which a connection is closed */
	unsigned head_seconds;		/* by then the headers are whole */
	unsigned body_seconds;		/* for a body or a piece of reply, and 1 s a `rate` bytes */
	unsigned whole_seconds;		/* by then a request is received and answered, whatever its pace */
	unsigned rate;
	uint64_t body_max;
	bool no_date;			/* leave the Date header out: saves 37 bytes a reply */
	const char *tls_cert, *tls_key;	/* PEM; NULL: plain HTTP */
	void *ctx;
	/*
	 * Headers are there.  0: go on; else the HTTP status of a small refusal.
	 * May set the request's user pointer.
	 */
	unsigned (*begin)(void *ctx, struct http_request *r);
	/* A piece of the body.  Not RC_OK: the connection is cut.  NULL: bodies are dropped. */
	enum rc (*body)(void *ctx, struct http_request *r, const uint8_t *p, size_t len);
	/* The request is whole: call one of the two reply functions, or http_server_wait. */
	void (*answer)(void *ctx, struct http_request *r);
	/*
	 * All that had come was handled: before more is waited for, and before close cuts what
	 * is open.  The place for http_server_go_on.  May be NULL.
	 */
	void (*rest)(void *ctx);
	/* The request is over, answered or cut.  May be NULL. */
	void (*done)(void *ctx, struct http_request *r);
};

/*
 * Bind and listen.  The configuration is copied, its strings are borrowed for the call.
 * RC_USAGE: no such address.  RC_BUSY: the port is taken.  RC_CONFIG: the certificate is
 * not usable.  RC_NET, RC_NOMEM.
 */
enum rc http_server_open(const struct http_config *config, struct http_server **out,
    struct error *err) RC_CHECK;
uint16_t http_server_port(const struct http_server *s);
/* Serve for at most so many milliseconds. */
void http_server_step(struct http_server *s, int milliseconds);
/* Serve in a thread of its own until http_server_close.  RC_NOMEM. */
enum rc http_server_start(struct http_server *s) RC_CHECK;
/* Ends the thread, cuts what is open.  NULL is allowed. */
void http_server_close(struct http_server *s);

/* ---- about a request ---- */
const char *http_server_method(const struct http_request *r);
/* Without the query, unescaped.  May be an absolute URI if the client sent one. */
const char *http_server_path(const struct http_request *r);
/* The first header of that name, NULL if there is none. */
const char *http_server_header(const struct http_request *r, const char *name);
size_t http_server_header_count(const struct http_request *r, const char *name);
/*
 * Whom it came from, for counting: an IPv6 network of 64 bits, or an IPv4 address (mapped), or
 * zeroes.
 */
void http_server_peer(const struct http_request *r, uint8_t out[HTTP_SERVER_PEER_BYTES]);
/* The port at the other end, 0 if it is not known. */
uint16_t http_server_peer_port(const struct http_request *r);
const char *http_server_query(const struct http_request *r, const char *name);
void http_server_set_user(struct http_request *r, void *user);
void *http_server_user(const struct http_request *r);

/* ---- replies ---- */
/* A header for the reply to come; at most 16.  RC_NOMEM, RC_LIMIT. */
enum rc http_server_add_header(struct http_request *r, const char *name,
    const char *value) RC_CHECK;
/* Within `answer`: it is called again after http_server_go_on. */
void http_server_wait(struct http_request *r);
/* From any thread, once for each wait. */
void http_server_go_on(struct http_request *r);
/* The body is copied.  content_type may be NULL. */
void http_server_reply(struct http_request *r, unsigned status, const char *content_type,
    const void *body, size_t len);
/*
 * A body of unknown length, pulled piece by piece: `next` writes at most cap bytes,
 * *n = 0 is the end.  Not RC_OK: the connection is cut, so that the client sees it.
 * ctx must live until `done`.
 */
void http_server_stream(struct http_request *r, unsigned status, const char *content_type,
    enum rc (*next)(void *ctx, uint8_t *buf, size_t cap, size_t *n), void *ctx);

#endif
