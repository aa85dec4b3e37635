#ifndef SHARED_WEB_HTTP_SERVER_INTERNAL_H
#define SHARED_WEB_HTTP_SERVER_INTERNAL_H

/*
 * http_server_internal: what the files of http_server share; nobody else includes it.
 * http_server.c listens and watches the time, http_server_request.c says what a request
 * holds, http_server_reply.c answers it.
 */
#include <microhttpd.h>
#include <pthread.h>
#include <stdatomic.h>

#include "shared/base/sockets.h"
#include "shared/web/http_server.h"

enum {
	REPLY_HEADERS_MAX = 16,
	TEXT_MAX = 4096			/* of a method, path or header that is kept */
};

/* A connection and the moment by which it must have got further. */
struct link {
	struct link *next, *previous;
	struct http_server *server;
	MHD_socket fd;
	int64_t deadline;
	bool busy;		/* a request came whole and is answered: who listens need not speak */
};

struct http_server {
	struct http_config config;
	struct MHD_Daemon *daemon;
	struct link *links;
	int64_t swept;
	uint16_t port;
	int wake[2];			/* a pipe: what another thread lets go on is seen at once */
	pthread_t thread;
	bool has_thread;
	atomic_bool stop;
};

struct http_request {
	struct http_server *server;
	struct MHD_Connection *connection;
	struct link *link;
	char *method, *path;
	void *user;
	int64_t since;			/* milliseconds */
	uint64_t received;
	bool begun, replied;
	bool waits;		/* `answer` put it aside; another thread may let it go on meanwhile */
	size_t n_headers;
	char *headers[REPLY_HEADERS_MAX][2];
	enum rc (*next)(void *ctx, uint8_t *buf, size_t cap, size_t *n);
	void *next_ctx;
};

union address {
	struct sockaddr any;
	struct sockaddr_in v4;
	struct sockaddr_in6 v6;
};

/* This request must have got further in so long; its time as a whole is bounded, too. */
void http_server_set_deadline(struct http_request *r, int64_t milliseconds);
/* Time that so many bytes may take. */
int64_t http_server_time_for(const struct http_server *s, uint64_t bytes);
/* The thread that serves looks again at once. */
void http_server_wake(struct http_server *s);
/* NULL: no memory, or longer than TEXT_MAX. */
char *http_server_copy_text(const char *text);

#endif
