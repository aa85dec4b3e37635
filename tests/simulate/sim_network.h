#ifndef TESTS_SIMULATE_SIM_NETWORK_H
#define TESTS_SIMULATE_SIM_NETWORK_H

/* sim_network: stands in the place of shared/sync/transport.c. */
#include "tests/simulate/sim.h"

/* A request of some time ago comes again; nobody hears the answer. */
void sim_network_replay(struct sim_world *w);

#endif
