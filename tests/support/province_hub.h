#ifndef TESTS_SUPPORT_PROVINCE_HUB_H
#define TESTS_SUPPORT_PROVINCE_HUB_H

/*
 * province_hub: a province (tests/support/province.h) with a hub at the unit 20: a chain of two
 * relays over HTTP on loopback.  Everything fails loudly.
 */
#include <stdint.h>

#include "sync-server/relay_upstream.h"
#include "tests/support/province.h"

struct province_hub {
	struct province p;
	char dir[300], url[64];
	uint8_t device[IDENTITY_ID_BYTES];
	struct depot *served, *own;	/* of the relay, and of what hands on */
	struct relay_http *http;
	struct relay_upstream *upstream;
};

/* The province starts, and a hub that it has admitted and that knows of it. */
void province_hub_start(struct province_hub *h);
void province_hub_end(struct province_hub *h);
/* The same for one test of cmocka, with it as its state. */
int province_hub_set_up(void **state);
int province_hub_tear_down(void **state);
/* A hub of that unit in that folder, which does not run yet. */
void province_hub_invite(struct province_hub *h, const char *unit, const char *dir);
/* The hub alone stops, or serves again, at a new port. */
void province_hub_up(struct province_hub *h);
void province_hub_down(struct province_hub *h);
/* It hands on and fetches; upstream must succeed. */
enum rc province_hub_try_upstream(struct province_hub *h, const char *url,
    struct relay_upstream_result *r);
struct relay_upstream_result province_hub_upstream(struct province_hub *h);

#endif
