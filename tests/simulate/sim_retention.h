#ifndef TESTS_SIMULATE_SIM_RETENTION_H
#define TESTS_SIMULATE_SIM_RETENTION_H

/* sim_retention: closed cases leave a laptop once the province holds them, and come back. */
#include "tests/simulate/sim.h"

/* Let go what may go: each entry of it must be with a holder. */
void sim_retention_purge(struct sim_world *w, struct sim_device *d);
/* Ask for something that left. */
void sim_retention_fetch(struct sim_world *w, struct sim_device *d);
/* Everybody asks for everything that left. */
void sim_retention_fetch_all(struct sim_world *w);

#endif
