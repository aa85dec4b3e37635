#ifndef TESTS_SIMULATE_SIM_LOSS_H
#define TESTS_SIMULATE_SIM_LOSS_H

/*
 * sim_loss: which saves have been physically destroyed, so that nobody can be asked for them: their
 * only copies lay on a disk that was put back to an older state.  And what a disk holds.
 */
#include "tests/simulate/sim.h"

/* A disk goes back in time.  The device is started for it and stopped after it. */
void sim_loss_restore_device(struct sim_world *w, struct sim_device *d);
/* The relay is restored from its image, with a new generation. */
void sim_loss_restore_relay(struct sim_world *w, struct sim_relay *r);
/* A mark for every save; free them. */
bool *sim_loss_marks(const struct sim_world *w);
/* Mark those in the journal of a device that runs. */
void sim_loss_mark_device(struct sim_world *w, struct sim_device *d, bool *m);
/* Has the relay set it aside, for a person to decide? */
bool sim_loss_is_aside(struct sim_world *w, int entry);
/* Is the entry still somewhere, where somebody can find it: on a laptop, or at the relay? */
bool sim_loss_is_kept(struct sim_world *w, int entry);

#endif
