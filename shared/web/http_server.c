#include "shared/web/http_server_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "shared/base/clock.h"

enum { STEP_MS = 250 };

/* ---- deadlines ---- */

static struct link *
link_of(struct MHD_Connection *connection)
{
	const union MHD_ConnectionInfo *info = MHD_get_connection_info(connection,
	    MHD_CONNECTION_INFO_SOCKET_CONTEXT);

	return info == NULL ? NULL : info->socket_context;
}

static void
set_deadline(struct link *link, int64_t milliseconds)
{
	if (link != NULL)
		link->deadline = clock_monotonic_ms() + milliseconds;
}

void
http_server_set_deadline(struct http_request *r, int64_t milliseconds)
{
	int64_t end = r->since + (int64_t)r->server->config.whole_seconds * 1000;

	set_deadline(r->link, milliseconds);
	if (r->link != NULL && r->link->deadline > end)
		r->link->deadline = end;
}

int64_t
http_server_time_for(const struct http_server *s, uint64_t bytes)
{
	return ((int64_t)s->config.body_seconds + (int64_t)(bytes / s->config.rate)) * 1000;
}

static void
on_connection(void *cls, struct MHD_Connection *connection, void **socket_context,
    enum MHD_ConnectionNotificationCode code)
{
	struct http_server *s = cls;
	const union MHD_ConnectionInfo *info;
	struct link *link = *socket_context;

	if (code == MHD_CONNECTION_NOTIFY_CLOSED) {
		if (link == NULL)
			return;
		if (link->previous != NULL)
			link->previous->next = link->next;
		else
			s->links = link->next;
		if (link->next != NULL)
			link->next->previous = link->previous;
		free(link);
		*socket_context = NULL;
		return;
	}
	info = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);
	if (info == NULL || (link = calloc(1, sizeof(*link))) == NULL)
		return;		/* answered with a cut at its first request */
	link->server = s;
	link->fd = info->connect_fd;
	link->next = s->links;
	if (s->links != NULL)
		s->links->previous = link;
	s->links = link;
	set_deadline(link, (int64_t)s->config.head_seconds * 1000);
	*socket_context = link;
}

/*
 * The library's epoll is edge-triggered and does not see a client that says the last it has
 * and hangs up: such a connection would stay until its time is over.
 */
static bool
has_hung_up(MHD_socket fd)
{
	char c;

	return recv(fd, &c, 1, MSG_PEEK | MSG_DONTWAIT) == 0;
}

static void
sweep(struct http_server *s)
{
	int64_t now = clock_monotonic_ms();

	if (now - s->swept < STEP_MS)
		return;
	s->swept = now;
	for (struct link *l = s->links; l != NULL; l = l->next)
		if (l->deadline < now || (!l->busy && has_hung_up(l->fd))) {
			shutdown(l->fd, SHUT_RDWR);
			l->deadline = INT64_MAX;
		}
}

/* ---- requests ---- */

static void
request_free(struct http_request *r)
{
	if (r == NULL)
		return;
	for (size_t i = 0; i < r->n_headers; i++) {
		free(r->headers[i][0]);
		free(r->headers[i][1]);
	}
	free(r->method);
	free(r->path);
	free(r);
}

char *
http_server_copy_text(const char *text)
{
	size_t len = strnlen(text, TEXT_MAX + 1);
	char *copy;

	if (len > TEXT_MAX || (copy = malloc(len + 1)) == NULL)
		return NULL;
	memcpy(copy, text, len);
	copy[len] = '\0';
	return copy;
}

static struct http_request *
request_new(struct http_server *s, struct MHD_Connection *connection, const char *url,
    const char *method)
{
	struct http_request *r = calloc(1, sizeof(*r));

	if (r == NULL)
		return NULL;
	r->server = s;
	r->connection = connection;
	r->link = link_of(connection);
	r->since = clock_monotonic_ms();
	r->method = http_server_copy_text(method);
	r->path = http_server_copy_text(url);
	if (r->link == NULL || r->method == NULL || r->path == NULL) {
		request_free(r);
		return NULL;
	}
	return r;
}

/* What is wrong with the announced length; 0 if nothing is. */
static unsigned
judge_length(const struct http_request *r)
{
	const char *length = http_server_header(r, "Content-Length");
	size_t n_lengths = http_server_header_count(r, "Content-Length");
	size_t n_codings = http_server_header_count(r, "Transfer-Encoding");
	char *end;
	unsigned long long n;

	if (n_lengths + n_codings > 1)
		return 400;
	if (length == NULL)
		return 0;
	if (length[0] < '0' || length[0] > '9')
		return 400;
	errno = 0;
	n = strtoull(length, &end, 10);
	if (*end != '\0')
		return 400;
	return errno != 0 || n > r->server->config.body_max ? 413 : 0;
}

static enum MHD_Result
begin_request(struct http_request *r)
{
	struct http_server *s = r->server;
	unsigned refused = judge_length(r);

	http_server_set_deadline(r, http_server_time_for(s, 0));
	if (refused == 0) {
		r->begun = true;
		refused = s->config.begin(s->config.ctx, r);
	}
	if (refused == 0)
		return MHD_YES;
	http_server_reply(r, refused, NULL, "", 0);
	return r->replied ? MHD_YES : MHD_NO;
}

static enum MHD_Result
take_body(struct http_request *r, const char *p, size_t *len)
{
	struct http_server *s = r->server;
	int64_t allowed;
	enum rc rc = RC_OK;

	if (r->replied) {	/* refused already; let the rest run dry */
		*len = 0;
		return MHD_YES;
	}
	r->received += *len;
	allowed = http_server_time_for(s, r->received);
	if (r->received > s->config.body_max || clock_monotonic_ms() - r->since > allowed)
		return MHD_NO;
	http_server_set_deadline(r, r->since + allowed - clock_monotonic_ms());
	if (s->config.body != NULL)
		rc = s->config.body(s->config.ctx, r, (const uint8_t *)p, *len);
	*len = 0;
	return rc == RC_OK ? MHD_YES : MHD_NO;
}

static enum MHD_Result
on_request(void *cls, struct MHD_Connection *connection, const char *url, const char *method,
    const char *version, const char *upload_data, size_t *upload_data_size, void **con_cls)
{
	struct http_server *s = cls;
	struct http_request *r = *con_cls;

	(void)version;
	if (r == NULL) {
		if ((r = request_new(s, connection, url, method)) == NULL)
			return MHD_NO;
		*con_cls = r;
		return begin_request(r);
	}
	if (*upload_data_size > 0)
		return take_body(r, upload_data, upload_data_size);
	if (r->replied)
		return MHD_YES;
	r->link->busy = true;
	http_server_set_deadline(r, http_server_time_for(s, 0));
	r->waits = false;
	s->config.answer(s->config.ctx, r);
	if (r->waits)
		return MHD_YES;
	if (!r->replied)
		http_server_reply(r, 500, NULL, "", 0);
	return r->replied ? MHD_YES : MHD_NO;
}

static void
on_completed(void *cls, struct MHD_Connection *connection, void **con_cls,
    enum MHD_RequestTerminationCode code)
{
	struct http_server *s = cls;
	struct http_request *r = *con_cls;

	(void)connection;
	(void)code;
	if (r == NULL)
		return;
	if (r->link != NULL)
		r->link->busy = false;
	/* the next request's headers must be whole some time after the longest silence */
	set_deadline(r->link,
	    ((int64_t)s->config.idle_seconds + (int64_t)s->config.head_seconds) * 1000);
	if (r->begun && s->config.done != NULL)
		s->config.done(s->config.ctx, r);
	request_free(r);
	*con_cls = NULL;
}

/* ---- the server ---- */

static void
fill_defaults(struct http_config *c)
{
	c->connections_max = c->connections_max ? c->connections_max : HTTP_SERVER_CONNECTIONS;
	if (c->connections_max > HTTP_SERVER_CONNECTIONS_CEILING)
		c->connections_max = HTTP_SERVER_CONNECTIONS_CEILING;
	c->idle_seconds = c->idle_seconds ? c->idle_seconds : HTTP_SERVER_IDLE_SECONDS;
	c->head_seconds = c->head_seconds ? c->head_seconds : HTTP_SERVER_HEAD_SECONDS;
	c->body_seconds = c->body_seconds ? c->body_seconds : HTTP_SERVER_BODY_SECONDS;
	c->whole_seconds = c->whole_seconds ? c->whole_seconds : HTTP_SERVER_WHOLE_SECONDS;
	c->rate = c->rate ? c->rate : HTTP_SERVER_RATE;
	c->body_max = c->body_max ? c->body_max : HTTP_SERVER_BODY_MAX;
}

static enum rc
read_address(const char *text, uint16_t port, union address *out, bool *v6)
{
	memset(out, 0, sizeof(*out));
	*v6 = false;
	if (strcmp(text, "localhost") == 0)
		text = "127.0.0.1";
	if (inet_pton(AF_INET, text, &out->v4.sin_addr) == 1) {
		out->v4.sin_family = AF_INET;
		out->v4.sin_port = htons(port);
		return RC_OK;
	}
	if (inet_pton(AF_INET6, text, &out->v6.sin6_addr) == 1) {
		out->v6.sin6_family = AF_INET6;
		out->v6.sin6_port = htons(port);
		*v6 = true;
		return RC_OK;
	}
	return RC_USAGE;
}

/* %00 would end the text for who reads it: it stays as it was written, and is no path of anything. */
static size_t
unescape(void *cls, struct MHD_Connection *connection, char *text)
{
	(void)cls;
	(void)connection;
	return strstr(text, "%00") != NULL ? strlen(text) : MHD_http_unescape(text);
}

static enum rc
start_daemon(struct http_server *s, const union address *address, bool v6, struct error *err)
{
	const struct http_config *c = &s->config;
	static const char *const priorities = "SECURE128:-VERS-ALL:+VERS-TLS1.3:+VERS-TLS1.2";
	struct MHD_OptionItem tls[4] = {
		{ MHD_OPTION_HTTPS_MEM_CERT, 0, NULL },
		{ MHD_OPTION_HTTPS_MEM_KEY, 0, NULL },
		{ MHD_OPTION_HTTPS_PRIORITIES, 0, NULL },
		{ MHD_OPTION_END, 0, NULL }
	};
	unsigned flags = MHD_USE_EPOLL | MHD_ALLOW_SUSPEND_RESUME | (c->no_date ? MHD_USE_SUPPRESS_DATE_NO_CLOCK : 0);

	/* epoll: select watches no more than 1,024 files; what it does not see, sweep() does */
	if (v6)
		flags |= MHD_USE_IPv6;
	if (c->tls_cert != NULL) {
		flags |= MHD_USE_TLS;
		/* the library takes what it does not change through void pointers */
		memcpy(&tls[0].ptr_value, &c->tls_cert, sizeof(void *));
		memcpy(&tls[1].ptr_value, &c->tls_key, sizeof(void *));
		memcpy(&tls[2].ptr_value, &priorities, sizeof(void *));
	}
	errno = 0;
	s->daemon = MHD_start_daemon(flags, 0, NULL, NULL, on_request, s,
	    MHD_OPTION_SOCK_ADDR, &address->any,
	    MHD_OPTION_NOTIFY_COMPLETED, on_completed, s,
	    MHD_OPTION_NOTIFY_CONNECTION, on_connection, s,
	    MHD_OPTION_CONNECTION_LIMIT, c->connections_max,
	    MHD_OPTION_PER_IP_CONNECTION_LIMIT, c->per_address_max,
	    MHD_OPTION_CONNECTION_TIMEOUT, c->idle_seconds,
	    MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)HTTP_SERVER_HEADERS_MAX,
	    MHD_OPTION_STRICT_FOR_CLIENT, 1,
	    MHD_OPTION_UNESCAPE_CALLBACK, unescape, NULL,
	    MHD_OPTION_ARRAY, c->tls_cert != NULL ? tls : tls + 3,
	    MHD_OPTION_END);
	if (s->daemon != NULL)
		return RC_OK;
	if (errno == EADDRINUSE)
		return error_set(err, RC_BUSY, c->address, "choose another port",
		    "another program listens there");
	if (errno == EACCES)
		return error_set(err, RC_DENIED, c->address, "choose a port above 1023",
		    "not allowed to listen there");
	if (c->tls_cert != NULL)
		return error_set(err, RC_CONFIG, c->address,
		    "check the address and the TLS certificate and key", "cannot listen");
	return error_set(err, RC_NET, c->address, "check the address", "cannot listen");
}

static enum rc
open_wake(struct http_server *s)
{
	if (pipe(s->wake) != 0)
		return RC_NOMEM;
	for (int i = 0; i < 2; i++)
		if (fcntl(s->wake[i], F_SETFL, O_NONBLOCK) != 0 ||
		    fcntl(s->wake[i], F_SETFD, FD_CLOEXEC) != 0)
			return RC_IO;
	return RC_OK;
}

enum rc
http_server_open(const struct http_config *config, struct http_server **out, struct error *err)
{
	struct http_server *s = NULL;
	const union MHD_DaemonInfo *info;
	union address address;
	bool v6;
	enum rc rc;

	*out = NULL;
	if ((rc = read_address(config->address, config->port, &address, &v6)) != RC_OK)
		return error_set(err, rc, config->address, "give an IP address of this machine",
		    "not an address to listen on");
	if ((s = calloc(1, sizeof(*s))) == NULL)
		return RC_NOMEM;
	s->config = *config;
	fill_defaults(&s->config);
	atomic_init(&s->stop, false);
	s->wake[0] = s->wake[1] = -1;
	if ((rc = open_wake(s)) != RC_OK || (rc = start_daemon(s, &address, v6, err)) != RC_OK)
		goto out;
	s->config.address = s->config.tls_cert = s->config.tls_key = NULL;
	info = MHD_get_daemon_info(s->daemon, MHD_DAEMON_INFO_BIND_PORT);
	s->port = info != NULL ? info->port : config->port;
	*out = s;
	s = NULL;
out:
	http_server_close(s);
	return rc;
}

uint16_t
http_server_port(const struct http_server *s)
{
	return s->port;
}

void
http_server_wake(struct http_server *s)
{
	/* full: it is about to look anyway */
	(void)!write(s->wake[1], "", 1);
}

/* Until something comes, a thread wakes it, or that time is over. */
static void
wait_for(struct http_server *s, int64_t milliseconds)
{
	const union MHD_DaemonInfo *info = MHD_get_daemon_info(s->daemon, MHD_DAEMON_INFO_EPOLL_FD);
	struct pollfd fds[2] = { { s->wake[0], POLLIN, 0 }, { -1, POLLIN, 0 } };
	MHD_UNSIGNED_LONG_LONG least = 0;
	uint8_t drained[64];

	if (info != NULL)
		fds[1].fd = info->epoll_fd;
	if (MHD_get_timeout(s->daemon, &least) == MHD_YES && (int64_t)least < milliseconds)
		milliseconds = (int64_t)least;
	if (poll(fds, 2, (int)milliseconds) > 0 && fds[0].revents != 0)
		(void)!read(s->wake[0], drained, sizeof(drained));
}

void
http_server_step(struct http_server *s, int milliseconds)
{
	int64_t end = clock_monotonic_ms() + milliseconds, left = milliseconds;

	do {
		wait_for(s, left < STEP_MS ? left : STEP_MS);
		if (MHD_run_wait(s->daemon, 0) != MHD_YES)
			return;
		if (s->config.rest != NULL)
			s->config.rest(s->config.ctx);
		sweep(s);
		left = end - clock_monotonic_ms();
	} while (left > 0 && !atomic_load(&s->stop));
}

static void *
serve(void *p)
{
	struct http_server *s = p;

	while (!atomic_load(&s->stop))
		http_server_step(s, STEP_MS);
	return NULL;
}

enum rc
http_server_start(struct http_server *s)
{
	if (pthread_create(&s->thread, NULL, serve, s) != 0)
		return RC_NOMEM;
	s->has_thread = true;
	return RC_OK;
}

void
http_server_close(struct http_server *s)
{
	if (s == NULL)
		return;
	atomic_store(&s->stop, true);
	if (s->has_thread)
		pthread_join(s->thread, NULL);
	/* what still waits is let go: the library does not cut it */
	if (s->daemon != NULL && s->config.rest != NULL)
		s->config.rest(s->config.ctx);
	if (s->daemon != NULL)
		MHD_stop_daemon(s->daemon);
	for (int i = 0; i < 2; i++)
		if (s->wake[i] >= 0)
			close(s->wake[i]);
	free(s);
}
