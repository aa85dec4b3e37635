#include "tests/support/cut_proxy.h"

#include <poll.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/support/loopback.h"

enum { PIECE = 4096, KEPT_MAX = 1 << 20 };

struct cut_proxy {
	struct loopback door;
	unsigned relay_port;
	unsigned round;			/* cut_proxy_allow was called so often */
	uint64_t allowed[2], passed[2];	/* up, down */
	uint8_t *kept[2];
	size_t n_kept[2];
	uint8_t mark[CUT_PROXY_MARK];
	size_t back;			/* 0: nothing is to be turned */
	enum cut_proxy_way turn_way;
};

static void
turn(struct cut_proxy *p, int way, uint8_t *buf, size_t n)
{
	if (p->back == 0 || (int)p->turn_way != way)
		return;
	for (size_t i = p->back; i + CUT_PROXY_MARK <= n; i++) {
		if (memcmp(buf + i, p->mark, CUT_PROXY_MARK) != 0)
			continue;
		buf[i - p->back] ^= 0x80;
		p->back = 0;
		return;
	}
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
	pthread_mutex_lock(&p->door.lock);
	if (p->allowed[way] - p->passed[way] < n) {
		n = (size_t)(p->allowed[way] - p->passed[way]);
		cut = true;
	}
	turn(p, way, buf, n);
	p->passed[way] += n;
	if (p->n_kept[way] + n <= KEPT_MAX) {
		memcpy(p->kept[way] + p->n_kept[way], buf, n);
		p->n_kept[way] += n;
	}
	pthread_mutex_unlock(&p->door.lock);
	return loopback_send(to, buf, n) && !cut;
}

static bool
is_over(struct cut_proxy *p, unsigned round)
{
	bool over;

	pthread_mutex_lock(&p->door.lock);
	over = p->door.stop || p->round != round;
	pthread_mutex_unlock(&p->door.lock);
	return over;
}

static void
carry(void *ctx, int client)
{
	struct cut_proxy *p = ctx;
	struct pollfd fds[2] = { { client, POLLIN, 0 }, { -1, POLLIN, 0 } };
	unsigned round, port;
	int relay;
	bool open;

	pthread_mutex_lock(&p->door.lock);
	round = p->round;
	port = p->relay_port;
	pthread_mutex_unlock(&p->door.lock);
	fds[1].fd = relay = loopback_reach(port);
	open = relay >= 0;
	while (open && !is_over(p, round)) {
		if (poll(fds, 2, LOOPBACK_TICK_MS) <= 0)
			continue;
		if (fds[0].revents != 0)
			open = pass(p, client, relay, 0);
		if (open && fds[1].revents != 0)
			open = pass(p, relay, client, 1);
	}
	if (relay >= 0)
		close(relay);
}

struct cut_proxy *
cut_proxy_open(const char *relay_url)
{
	struct cut_proxy *p = calloc(1, sizeof(*p));

	loopback_must(p != NULL, "memory");
	for (int way = 0; way < 2; way++)
		loopback_must((p->kept[way] = malloc(KEPT_MAX)) != NULL, "memory");
	p->relay_port = loopback_port_of(relay_url);
	p->allowed[0] = p->allowed[1] = CUT_PROXY_WHOLE;
	loopback_open(&p->door, carry, p);
	return p;
}

void
cut_proxy_close(struct cut_proxy *p)
{
	loopback_close(&p->door);
	free(p->kept[0]);
	free(p->kept[1]);
	free(p);
}

const char *
cut_proxy_url(const struct cut_proxy *p)
{
	return p->door.url;
}

void
cut_proxy_set_relay(struct cut_proxy *p, const char *relay_url)
{
	pthread_mutex_lock(&p->door.lock);
	p->relay_port = loopback_port_of(relay_url);
	pthread_mutex_unlock(&p->door.lock);
}

void
cut_proxy_allow(struct cut_proxy *p, uint64_t up, uint64_t down)
{
	pthread_mutex_lock(&p->door.lock);
	p->allowed[0] = up;
	p->allowed[1] = down;
	p->passed[0] = p->passed[1] = 0;
	p->n_kept[0] = p->n_kept[1] = 0;
	p->round++;
	pthread_mutex_unlock(&p->door.lock);
}

void
cut_proxy_turn(struct cut_proxy *p, enum cut_proxy_way way, const uint8_t mark[CUT_PROXY_MARK],
    size_t back)
{
	pthread_mutex_lock(&p->door.lock);
	memcpy(p->mark, mark, CUT_PROXY_MARK);
	p->back = back;
	p->turn_way = way;
	pthread_mutex_unlock(&p->door.lock);
}

bool
cut_proxy_has_turned(struct cut_proxy *p)
{
	bool turned;

	pthread_mutex_lock(&p->door.lock);
	turned = p->back == 0;
	pthread_mutex_unlock(&p->door.lock);
	return turned;
}

void
cut_proxy_counts(struct cut_proxy *p, uint64_t *up, uint64_t *down)
{
	pthread_mutex_lock(&p->door.lock);
	*up = p->passed[0];
	*down = p->passed[1];
	pthread_mutex_unlock(&p->door.lock);
}

static size_t
give_kept(struct cut_proxy *p, int way, uint8_t *out, size_t max)
{
	size_t n;

	pthread_mutex_lock(&p->door.lock);
	n = p->n_kept[way] < max ? p->n_kept[way] : max;
	memcpy(out, p->kept[way], n);
	pthread_mutex_unlock(&p->door.lock);
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
