#ifndef TESTS_SUPPORT_LYING_RELAY_H
#define TESTS_SUPPORT_LYING_RELAY_H

/*
 * lying_relay: a relay with the province's own key that answers what the test wants, over HTTP on
 * loopback.  Every answer is a signed welcome, what `say` appends, and an end.
 */
#include <stdbool.h>
#include <stdint.h>

#include "shared/base/bytes.h"

struct province;
struct http_server;

struct lying_relay {
	struct province *p;
	struct http_server *server;
	char url[64];
	struct bytes body;		/* of the request */
	unsigned asked;			/* requests so far */
	bool other_generation;		/* a new one in every answer */
	uint8_t generation[16];
	uint64_t position, last;	/* of the end, and of the sequence; 0: not said */
	int64_t clock_off;		/* of the time that it says */
	bool over;			/* nothing comes after this answer */
	void (*say)(struct lying_relay *l, struct bytes *out);	/* items behind each welcome; may be NULL */
	void *ctx;			/* of say */
};

/* Its generation is all ones, its position 0, it always has more. */
void lying_relay_start(struct lying_relay *l, struct province *p);
void lying_relay_stop(struct lying_relay *l);

#endif
