#ifndef TESTS_SIMULATE_SIM_RELAY_H
#define TESTS_SIMULATE_SIM_RELAY_H

/*
 * sim_relay: the province's relay, and a hub in front of it, if there is one.  Who wants to speak to
 * them opens a transport to SIM_RELAY_URL or SIM_HUB_URL.
 */
#include "tests/simulate/sim.h"

#define SIM_RELAY_URL "http://relay"
#define SIM_HUB_URL "http://hub"

/* The province's, on an empty disk; the authority is open. */
void sim_relay_make(struct sim_world *w);
/* Running after this; false: the power went. */
bool sim_relay_start(struct sim_world *w, struct sim_relay *r);
void sim_relay_stop(struct sim_relay *r);
/* After the power went in the middle of something. */
void sim_relay_after(struct sim_world *w, struct sim_relay *r);
void sim_relay_set_disk(struct sim_relay *r, unsigned number, struct crash_disk *disk);
struct sim_relay *sim_relay_at(struct sim_world *w, const char *url);

/* A hub is invited and joins, if there is none. */
void sim_hub_make(struct sim_world *w);
bool sim_hub_is_there(const struct sim_world *w);
/* Does it know that it was admitted?  Before that laptops have no use for it. */
bool sim_hub_serves(struct sim_world *w);
/* It hands on and fetches, as far as the line lets it. */
void sim_hub_sync(struct sim_world *w);
/* At the end: laptops that speak with the hub alone miss nothing that a person released. */
void sim_hub_judge(struct sim_world *w);
/* Where this laptop syncs today. */
const char *sim_hub_or_relay(struct sim_world *w, const struct sim_device *d);

#endif
