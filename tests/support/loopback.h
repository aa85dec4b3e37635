#ifndef TESTS_SUPPORT_LOOPBACK_H
#define TESTS_SUPPORT_LOOPBACK_H

/*
 * loopback: a door on loopback that stands before a relay, for the links that tests make bad
 * (cut_proxy, slow_link): a thread takes one connection after the other and hands each to a
 * function.  What fails ends the program with a message.
 */
#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "shared/base/rc.h"

struct transport;

enum { LOOPBACK_TICK_MS = 20 };	/* a door looks so often whether it is to be closed */

struct loopback {
	char url[64];
	int listener;
	pthread_t thread;
	pthread_mutex_t lock;	/* of all that the thread shares, the owner's own included */
	bool stop;
	/* in the thread; the door closes `client` afterwards */
	void (*carry)(void *ctx, int client);
	void *ctx;
};

/* In the caller's memory. */
void loopback_open(struct loopback *l, void (*carry)(void *ctx, int client), void *ctx);
/* The thread has ended when this returns. */
void loopback_close(struct loopback *l);
bool loopback_is_stopped(struct loopback *l);

void loopback_must(bool good, const char *what);
/* Of http://127.0.0.1:PORT. */
unsigned loopback_port_of(const char *url);
/* A connection to the port, -1: nobody listens there. */
int loopback_reach(unsigned port);
/* What is cut must have been on its way: nothing waits for an acknowledgement. */
void loopback_at_once(int fd);
/* A client of the program's own at the port; what takes its reply, with a struct bytes as ctx. */
struct transport *loopback_line(unsigned port);
enum rc loopback_collect(void *ctx, const void *p, size_t len);
/* False: the other end is gone. */
bool loopback_send(int fd, const uint8_t *p, size_t len);

#endif
