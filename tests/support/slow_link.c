#include "tests/support/slow_link.h"

#include <poll.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "tests/support/loopback.h"

enum {
	SEGMENT = 536,
	ON_THE_WAY = 64,	/* segments of a direction that are on their way */
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
	struct loopback door;
	unsigned relay_port;
	uint64_t random;
};

int64_t
slow_link_now(void *unused)
{
	struct timespec t;

	(void)unused;
	loopback_must(clock_gettime(CLOCK_MONOTONIC, &t) == 0, "clock");
	return ((int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000) * SLOW_LINK_SCALE / 1000;
}

/* One of a thousand, so many times. */
static bool
happens(struct slow_link *l, unsigned per_mille)
{
	l->random = l->random * 6364136223846793005u + 1442695040888963407u;
	return (l->random >> 33) % 1000 < per_mille;
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
	pthread_mutex_lock(&l->door.lock);
	l->counts.segments++;
	l->counts.bytes[number] += s->len;
	if (happens(l, l->terms.loss_per_mille)) {
		l->counts.lost++;
		s->arrives += RETRANSMIT_MS;
	}
	pthread_mutex_unlock(&l->door.lock);
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
		if (!loopback_send(w->to, w->queue[w->first].bytes, w->queue[w->first].len))
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
	int64_t ms = LOOPBACK_TICK_MS, left;

	for (int i = 0; i < 2; i++) {
		if (ways[i].n == 0)
			continue;
		left = (ways[i].queue[ways[i].first].arrives - now) / SLOW_LINK_SCALE + 1;
		ms = left < ms ? left : ms;
	}
	return ms > 0 ? (int)ms : 0;
}

static void
carry(void *ctx, int client)
{
	struct slow_link *l = ctx;
	struct way *ways = calloc(2, sizeof(*ways));
	int relay = loopback_reach(l->relay_port);
	/* the handshake of a connection has gone to and fro before the first byte leaves */
	int64_t now = slow_link_now(NULL), ready = now + 2 * (int64_t)l->terms.delay_ms;
	bool open = relay >= 0;

	loopback_must(ways != NULL, "memory");
	pthread_mutex_lock(&l->door.lock);
	l->counts.connections++;
	pthread_mutex_unlock(&l->door.lock);
	ways[0] = (struct way){ .from = client, .to = relay, .free_at = ready };
	ways[1] = (struct way){ .from = relay, .to = client, .free_at = ready };
	while (open && !loopback_is_stopped(&l->door)) {
		struct pollfd fds[2] = { { -1, POLLIN, 0 }, { -1, POLLIN, 0 } };

		for (int i = 0; i < 2; i++)
			if (ways[i].n < ON_THE_WAY && !ways[i].ended)
				fds[i].fd = ways[i].from;
		(void)poll(fds, 2, patience(ways, now));
		for (int i = 0; i < 2 && open; i++)
			if (fds[i].fd >= 0 && fds[i].revents != 0 && !take(l, &ways[i], i)) {
				open = false;
				pthread_mutex_lock(&l->door.lock);
				l->counts.cuts++;
				pthread_mutex_unlock(&l->door.lock);
			}
		now = slow_link_now(NULL);
		for (int i = 0; i < 2 && open; i++)
			open = give(&ways[i], now);
	}
	if (relay >= 0)
		close(relay);
	free(ways);
}

struct slow_link *
slow_link_open(const char *relay_url, const struct slow_link_terms *terms)
{
	struct slow_link *l = calloc(1, sizeof(*l));

	loopback_must(l != NULL, "memory");
	l->terms = *terms;
	l->random = terms->seed;
	l->relay_port = loopback_port_of(relay_url);
	loopback_open(&l->door, carry, l);
	return l;
}

void
slow_link_close(struct slow_link *l)
{
	loopback_close(&l->door);
	free(l);
}

const char *
slow_link_url(const struct slow_link *l)
{
	return l->door.url;
}

void
slow_link_counts(struct slow_link *l, struct slow_link_counts *out)
{
	pthread_mutex_lock(&l->door.lock);
	*out = l->counts;
	pthread_mutex_unlock(&l->door.lock);
}
