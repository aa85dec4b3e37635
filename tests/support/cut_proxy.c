#include "tests/support/cut_proxy.h"

#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { PIECE = 4096, TICK_MS = 20, KEPT_MAX = 1 << 20 };

struct cut_proxy {
	int listener;
	char url[64];
	pthread_t thread;
	pthread_mutex_t lock;
	bool stop;
	unsigned relay_port;
	unsigned round;			/* cut_proxy_allow was called so often */
	uint64_t allowed[2], passed[2];	/* up, down */
	uint8_t *kept[2];
	size_t n_kept[2];
};

static void
must(bool good, const char *what)
{
	if (!good) {
		perror(what);
		abort();
	}
}

static struct sockaddr_in
loopback(unsigned port)
{
	struct sockaddr_in a;

	memset(&a, 0, sizeof(a));
	a.sin_family = AF_INET;
	a.sin_port = htons((uint16_t)port);
	a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	return a;
}

/* What is cut must have been on its way: nothing waits for an acknowledgement. */
static void
at_once(int fd)
{
	int yes = 1;

	(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof(yes));
}

static int
reach_relay(unsigned port)
{
	struct sockaddr_in a = loopback(port);
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	if (fd >= 0 && connect(fd, (const struct sockaddr *)&a, sizeof(a)) != 0) {
		close(fd);
		fd = -1;
	}
	return fd;
}

static bool
send_all(int fd, const uint8_t *p, size_t len)
{
	ssize_t n;

	while (len > 0) {
		if ((n = send(fd, p, len, MSG_NOSIGNAL)) <= 0)
			return false;
		p += n;
		len -= (size_t)n;
	}
	return true;
}

/* Pass on what is there; false: this connection is over. */
static bool
pass(struct cut_proxy *p, int from, int to, int way)
{
	uint8_t buf[PIECE];
	ssize_t got = recv(from, buf, sizeof(buf), 0);
	size_t n = got > 0 ? (size_t)got : 0;
	bool cut = false;

	if (got <= 0)
		return false;
	pthread_mutex_lock(&p->lock);
	if (p->allowed[way] - p->passed[way] < n) {
		n = (size_t)(p->allowed[way] - p->passed[way]);
		cut = true;
	}
	p->passed[way] += n;
	if (p->n_kept[way] + n <= KEPT_MAX) {
		memcpy(p->kept[way] + p->n_kept[way], buf, n);
		p->n_kept[way] += n;
	}
	pthread_mutex_unlock(&p->lock);
	return send_all(to, buf, n) && !cut;
}

static bool
is_over(struct cut_proxy *p, unsigned round)
{
	bool over;

	pthread_mutex_lock(&p->lock);
	over = p->stop || p->round != round;
	pthread_mutex_unlock(&p->lock);
	return over;
}

static void
carry(struct cut_proxy *p, int client, unsigned relay_port, unsigned round)
{
	int relay = reach_relay(relay_port);
	struct pollfd fds[2] = { { client, POLLIN, 0 }, { relay, POLLIN, 0 } };
	bool open = relay >= 0;

	at_once(client);
	if (relay >= 0)
		at_once(relay);

	while (open && !is_over(p, round)) {
		if (poll(fds, 2, TICK_MS) <= 0)
			continue;
		if (fds[0].revents != 0)
			open = pass(p, client, relay, 0);
		if (open && fds[1].revents != 0)
			open = pass(p, relay, client, 1);
	}
	if (relay >= 0)
		close(relay);
}

static void *
run(void *ctx)
{
	struct cut_proxy *p = ctx;
	struct pollfd fd = { p->listener, POLLIN, 0 };
	unsigned round, port;
	bool stop = false;
	int client;

	while (!stop) {
		pthread_mutex_lock(&p->lock);
		stop = p->stop;
		pthread_mutex_unlock(&p->lock);
		if (stop || poll(&fd, 1, TICK_MS) <= 0 ||
		    (client = accept(p->listener, NULL, NULL)) < 0)
			continue;
		pthread_mutex_lock(&p->lock);
		round = p->round;
		port = p->relay_port;
		pthread_mutex_unlock(&p->lock);
		carry(p, client, port, round);
		close(client);
	}
	return NULL;
}

static unsigned
port_of(const char *url)
{
	const char *colon = strrchr(url, ':');

	must(colon != NULL, "the relay's address");
	return (unsigned)strtoul(colon + 1, NULL, 10);
}

struct cut_proxy *
cut_proxy_open(const char *relay_url)
{
	struct cut_proxy *p = calloc(1, sizeof(*p));
	struct sockaddr_in a = loopback(0);
	socklen_t len = sizeof(a);

	must(p != NULL, "memory");
	for (int way = 0; way < 2; way++)
		must((p->kept[way] = malloc(KEPT_MAX)) != NULL, "memory");
	p->relay_port = port_of(relay_url);
	p->allowed[0] = p->allowed[1] = CUT_PROXY_WHOLE;
	must(pthread_mutex_init(&p->lock, NULL) == 0, "lock");
	must((p->listener = socket(AF_INET, SOCK_STREAM, 0)) >= 0, "socket");
	must(bind(p->listener, (const struct sockaddr *)&a, sizeof(a)) == 0, "bind");
	must(listen(p->listener, 8) == 0, "listen");
	must(getsockname(p->listener, (struct sockaddr *)&a, &len) == 0, "port");
	snprintf(p->url, sizeof(p->url), "http://127.0.0.1:%u", (unsigned)ntohs(a.sin_port));
	must(pthread_create(&p->thread, NULL, run, p) == 0, "thread");
	return p;
}

void
cut_proxy_close(struct cut_proxy *p)
{
	pthread_mutex_lock(&p->lock);
	p->stop = true;
	pthread_mutex_unlock(&p->lock);
	pthread_join(p->thread, NULL);
	pthread_mutex_destroy(&p->lock);
	close(p->listener);
	free(p->kept[0]);
	free(p->kept[1]);
	free(p);
}

const char *
cut_proxy_url(const struct cut_proxy *p)
{
	return p->url;
}

void
cut_proxy_set_relay(struct cut_proxy *p, const char *relay_url)
{
	pthread_mutex_lock(&p->lock);
	p->relay_port = port_of(relay_url);
	pthread_mutex_unlock(&p->lock);
}

void
cut_proxy_allow(struct cut_proxy *p, uint64_t up, uint64_t down)
{
	pthread_mutex_lock(&p->lock);
	p->allowed[0] = up;
	p->allowed[1] = down;
	p->passed[0] = p->passed[1] = 0;
	p->n_kept[0] = p->n_kept[1] = 0;
	p->round++;
	pthread_mutex_unlock(&p->lock);
}

void
cut_proxy_counts(struct cut_proxy *p, uint64_t *up, uint64_t *down)
{
	pthread_mutex_lock(&p->lock);
	*up = p->passed[0];
	*down = p->passed[1];
	pthread_mutex_unlock(&p->lock);
}

static size_t
give_kept(struct cut_proxy *p, int way, uint8_t *out, size_t max)
{
	size_t n;

	pthread_mutex_lock(&p->lock);
	n = p->n_kept[way] < max ? p->n_kept[way] : max;
	memcpy(out, p->kept[way], n);
	pthread_mutex_unlock(&p->lock);
	return n;
}

size_t
cut_proxy_upload(struct cut_proxy *p, uint8_t *out, size_t max)
{
	return give_kept(p, 0, out, max);
}

size_t
cut_proxy_download(struct cut_proxy *p, uint8_t *out, size_t max)
{
	return give_kept(p, 1, out, max);
}
