#ifndef TESTS_SIMULATE_SIM_RELEASE_H
#define TESTS_SIMULATE_SIM_RELEASE_H

/* sim_release: late work of retired laptops, which a supervisor enters again so that it counts. */
#include "tests/simulate/sim.h"

/* A supervisor lets what waits on this laptop count; anybody else does nothing. */
void sim_release(struct sim_world *w, struct sim_device *d);
/* Nothing waits for a supervisor who has seen everything. */
void sim_release_judge(struct sim_world *w);

#endif
