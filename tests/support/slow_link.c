#include "tests/support/slow_link.h"

#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum {
	SEGMENT = 536,
	ON_THE_WAY = 64,	/* segments of a direction that are on their way */
	TICK_MS = 20,
	RETRANSMIT_MS = 2500	/* a lost segment comes so much later */
};

struct segment {
	uint8_t bytes[SEGMENT];
	size_t len;
	int64_t arrives;
};

struct way {
	int from, to;
	struct segment queue[ON_THE_WAY];
	size_t first, n;
	int64_t free_at;	/* when the line has let out what it took so far */
	int64_t last;		/* arrival of the segment before */
	bool ended;		/* nothing more comes */
};

struct slow_link {
	struct slow_link_terms terms;
	struct slow_link_counts counts;
	int listener;
	unsigned relay_port;
	char url[64];
	pthread_t thread;
	pthread_mutex_t lock;
	bool stop;
	uint64_t random;
};

static void
must(bool good, const char *what)
{
	if (!good) {
		perror(what);
		abort();
	}
}

int64_t
slow_link_now(void *unused)
{
	struct timespec t;

	(void)unused;
	must(clock_gettime(CLOCK_MONOTONIC, &t) == 0, "clock");
	return ((int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000) * SLOW_LINK_SCALE / 1000;
}

/* One of a thousand, so many times. */
static bool
happens(struct slow_link *l, unsigned per_mille)
{
	l->random = l->random * 6364136223846793005u + 1442695040888963407u;
	return (l->random >> 33) % 1000 < per_mille;
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

/* Take a segment from its sender; false: the line is cut. */
static bool
take(struct slow_link *l, struct way *w, int number)
{
	struct segment *s = &w->queue[(w->first + w->n) % ON_THE_WAY];
	ssize_t got = recv(w->from, s->bytes, sizeof(s->bytes), 0);
	int64_t now = slow_link_now(NULL);

	if (got <= 0) {
		w->ended = true;
		return true;
	}
	s->len = (size_t)got;
	w->free_at = (w->free_at > now ? w->free_at : now) +
	    (int64_t)s->len * 8000 / (int64_t)l->terms.bits_per_second;
	s->arrives = w->free_at + (int64_t)l->terms.delay_ms;
	pthread_mutex_lock(&l->lock);
	l->counts.segments++;
	l->counts.bytes[number] += s->len;
	if (happens(l, l->terms.loss_per_mille)) {
		l->counts.lost++;
		s->arrives += RETRANSMIT_MS;
	}
	pthread_mutex_unlock(&l->lock);
	if (s->arrives < w->last)
		s->arrives = w->last;
	w->last = s->arrives;
	w->n++;
	return !happens(l, l->terms.cut_per_mille);
}

/* Hand over what has arrived; false: this end is gone. */
static bool
give(struct way *w, int64_t now)
{
	while (w->n > 0 && w->queue[w->first].arrives <= now) {
		if (!send_all(w->to, w->queue[w->first].bytes, w->queue[w->first].len))
			return false;
		w->first = (w->first + 1) % ON_THE_WAY;
		w->n--;
	}
	return !(w->ended && w->n == 0);
}

/* Clock milliseconds until the next segment arrives. */
static int
patience(const struct way *ways, int64_t now)
{
	int64_t ms = TICK_MS, left;

	for (int i = 0; i < 2; i++) {
		if (ways[i].n == 0)
			continue;
		left = (ways[i].queue[ways[i].first].arrives - now) / SLOW_LINK_SCALE + 1;
		ms = left < ms ? left : ms;
	}
	return ms > 0 ? (int)ms : 0;
}

static bool
is_stopped(struct slow_link *l)
{
	bool stop;

	pthread_mutex_lock(&l->lock);
	stop = l->stop;
	pthread_mutex_unlock(&l->lock);
	return stop;
}

static int
reach_relay(const struct slow_link *l)
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_port = htons((uint16_t)l->relay_port) };
	int fd = socket(AF_INET, SOCK_STREAM, 0), yes = 1;

	a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	must(fd >= 0, "socket");
	if (connect(fd, (const struct sockaddr *)&a, sizeof(a)) != 0) {
		close(fd);
		return -1;
	}
	(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof(yes));
	return fd;
}

static void
carry(struct slow_link *l, int client)
{
	struct way *ways = calloc(2, sizeof(*ways));
	int relay = reach_relay(l), yes = 1;
	/* the handshake of a connection has gone to and fro before the first byte leaves */
	int64_t now = slow_link_now(NULL), ready = now + 2 * (int64_t)l->terms.delay_ms;
	bool open = relay >= 0;

	must(ways != NULL, "memory");
	(void)setsockopt(client, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof(yes));
	ways[0] = (struct way){ .from = client, .to = relay, .free_at = ready };
	ways[1] = (struct way){ .from = relay, .to = client, .free_at = ready };
	while (open && !is_stopped(l)) {
		struct pollfd fds[2] = { { -1, POLLIN, 0 }, { -1, POLLIN, 0 } };

		for (int i = 0; i < 2; i++)
			if (ways[i].n < ON_THE_WAY && !ways[i].ended)
				fds[i].fd = ways[i].from;
		(void)poll(fds, 2, patience(ways, now));
		for (int i = 0; i < 2 && open; i++)
			if (fds[i].fd >= 0 && fds[i].revents != 0 && !take(l, &ways[i], i)) {
				open = false;
				pthread_mutex_lock(&l->lock);
				l->counts.cuts++;
				pthread_mutex_unlock(&l->lock);
			}
		now = slow_link_now(NULL);
		for (int i = 0; i < 2 && open; i++)
			open = give(&ways[i], now);
	}
	if (relay >= 0)
		close(relay);
	free(ways);
}

static void *
run(void *ctx)
{
	struct slow_link *l = ctx;
	struct pollfd fd = { l->listener, POLLIN, 0 };
	int client;

	while (!is_stopped(l)) {
		if (poll(&fd, 1, TICK_MS) <= 0 || (client = accept(l->listener, NULL, NULL)) < 0)
			continue;
		pthread_mutex_lock(&l->lock);
		l->counts.connections++;
		pthread_mutex_unlock(&l->lock);
		carry(l, client);
		close(client);
	}
	return NULL;
}

struct slow_link *
slow_link_open(const char *relay_url, const struct slow_link_terms *terms)
{
	struct slow_link *l = calloc(1, sizeof(*l));
	struct sockaddr_in a = { .sin_family = AF_INET };
	socklen_t len = sizeof(a);
	const char *colon = strrchr(relay_url, ':');

	must(l != NULL && colon != NULL, "memory");
	l->terms = *terms;
	l->random = terms->seed;
	l->relay_port = (unsigned)strtoul(colon + 1, NULL, 10);
	a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	must(pthread_mutex_init(&l->lock, NULL) == 0, "lock");
	must((l->listener = socket(AF_INET, SOCK_STREAM, 0)) >= 0, "socket");
	must(bind(l->listener, (const struct sockaddr *)&a, sizeof(a)) == 0, "bind");
	must(listen(l->listener, 8) == 0, "listen");
	must(getsockname(l->listener, (struct sockaddr *)&a, &len) == 0, "port");
	snprintf(l->url, sizeof(l->url), "http://127.0.0.1:%u", (unsigned)ntohs(a.sin_port));
	must(pthread_create(&l->thread, NULL, run, l) == 0, "thread");
	return l;
}

void
slow_link_close(struct slow_link *l)
{
	pthread_mutex_lock(&l->lock);
	l->stop = true;
	pthread_mutex_unlock(&l->lock);
	pthread_join(l->thread, NULL);
	pthread_mutex_destroy(&l->lock);
	close(l->listener);
	free(l);
}

const char *
slow_link_url(const struct slow_link *l)
{
	return l->url;
}

void
slow_link_counts(struct slow_link *l, struct slow_link_counts *out)
{
	pthread_mutex_lock(&l->lock);
	*out = l->counts;
	pthread_mutex_unlock(&l->lock);
}
