#ifndef TESTS_SIMULATE_SIM_PROVINCE_H
#define TESTS_SIMULATE_SIM_PROVINCE_H

/*
 * sim_province: the authority and the relay, and what the province decides.  Units: 20; K1 below it
 * with A1 and A2; B1 right below 20.  A2 may move to 20, B1 may be merged into A1.
 */
#include "tests/simulate/sim.h"

#define SIM_MARKER "Tr\xe1\xba\xafng-q7Kx-"	/* in every text that is saved */

/* A new province on empty disks: authority, relay, the first forms. */
void sim_province_make(struct sim_world *w);
/* On disks that are there. */
void sim_province_open(struct sim_world *w);
void sim_province_close(struct sim_world *w);
/* Opened if need be. */
struct authority *sim_province_authority(struct sim_world *w);

/* Authority and relay meet until nothing is new. */
void sim_province_meet(struct sim_world *w);

/* Somebody looks at what the relay has set aside, and lets in what retired laptops handed in. */
void sim_province_release(struct sim_world *w);

void sim_province_publish(struct sim_world *w);
void sim_province_move(struct sim_world *w);
void sim_province_merge(struct sim_world *w);
void sim_province_rotate(struct sim_world *w);
void sim_province_assign(struct sim_world *w, struct sim_device *d);
void sim_province_retire(struct sim_world *w, struct sim_device *d);
/* An old copy of the authority comes back and signs; the relay must notice. */
void sim_province_old_authority(struct sim_world *w);

/* Might somebody at this post ever have read the scope?  By the world's own knowledge. */
bool sim_post_reads(const struct sim_post *p, const char *unit, unsigned compartment, bool moved,
    bool merged);
/* A post for a new laptop. */
struct sim_post sim_post_some(struct sim_world *w);

#endif
