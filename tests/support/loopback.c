#include "tests/support/loopback.h"

#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "shared/base/bytes.h"
#include "shared/sync/transport.h"

void
loopback_must(bool good, const char *what)
{
	if (!good) {
		perror(what);
		abort();
	}
}

static struct sockaddr_in
address(unsigned port)
{
	struct sockaddr_in a;

	memset(&a, 0, sizeof(a));
	a.sin_family = AF_INET;
	a.sin_port = htons((uint16_t)port);
	a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	return a;
}

unsigned
loopback_port_of(const char *url)
{
	const char *colon = strrchr(url, ':');

	loopback_must(colon != NULL, "the relay's address");
	return (unsigned)strtoul(colon + 1, NULL, 10);
}

void
loopback_at_once(int fd)
{
	int yes = 1;

	(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof(yes));
}

int
loopback_reach(unsigned port)
{
	struct sockaddr_in a = address(port);
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	loopback_must(fd >= 0, "socket");
	if (connect(fd, (const struct sockaddr *)&a, sizeof(a)) != 0) {
		close(fd);
		return -1;
	}
	loopback_at_once(fd);
	return fd;
}

bool
loopback_send(int fd, const uint8_t *p, size_t len)
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

bool
loopback_is_stopped(struct loopback *l)
{
	bool stop;

	pthread_mutex_lock(&l->lock);
	stop = l->stop;
	pthread_mutex_unlock(&l->lock);
	return stop;
}

static void *
run(void *ctx)
{
	struct loopback *l = ctx;
	struct pollfd fd = { l->listener, POLLIN, 0 };
	int client;

	while (!loopback_is_stopped(l)) {
		if (poll(&fd, 1, LOOPBACK_TICK_MS) <= 0 ||
		    (client = accept(l->listener, NULL, NULL)) < 0)
			continue;
		loopback_at_once(client);
		l->carry(l->ctx, client);
		close(client);
	}
	return NULL;
}

void
loopback_open(struct loopback *l, void (*carry)(void *ctx, int client), void *ctx)
{
	struct sockaddr_in a = address(0);
	socklen_t len = sizeof(a);

	memset(l, 0, sizeof(*l));
	l->carry = carry;
	l->ctx = ctx;
	loopback_must(pthread_mutex_init(&l->lock, NULL) == 0, "lock");
	loopback_must((l->listener = socket(AF_INET, SOCK_STREAM, 0)) >= 0, "socket");
	loopback_must(bind(l->listener, (const struct sockaddr *)&a, sizeof(a)) == 0, "bind");
	loopback_must(listen(l->listener, 8) == 0, "listen");
	loopback_must(getsockname(l->listener, (struct sockaddr *)&a, &len) == 0, "port");
	snprintf(l->url, sizeof(l->url), "http://127.0.0.1:%u", (unsigned)ntohs(a.sin_port));
	loopback_must(pthread_create(&l->thread, NULL, run, l) == 0, "thread");
}

void
loopback_close(struct loopback *l)
{
	pthread_mutex_lock(&l->lock);
	l->stop = true;
	pthread_mutex_unlock(&l->lock);
	pthread_join(l->thread, NULL);
	pthread_mutex_destroy(&l->lock);
	close(l->listener);
}

struct transport *
loopback_line(unsigned port)
{
	struct transport *t = NULL;
	char url[64];

	snprintf(url, sizeof(url), "http://127.0.0.1:%u", port);
	loopback_must(transport_open(url, "", false, &t, NULL) == RC_OK, "a line to the port");
	return t;
}

enum rc
loopback_collect(void *ctx, const void *p, size_t len)
{
	struct bytes *got = ctx;

	bytes_put(got, p, len);
	return got->rc;
}
