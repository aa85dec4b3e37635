#ifndef TESTS_SIMULATE_SIM_DEVICE_H
#define TESTS_SIMULATE_SIM_DEVICE_H

/* sim_device: the life of a laptop: started, stopped, cut off; what is done on it. */
#include "shared/base/rc.h"
#include "shared/records/record.h"
#include "tests/simulate/sim.h"

struct sqlite3;

/* A new one, with an empty disk. */
struct sim_device *sim_device_new(struct sim_world *w);
/* Make its vault and join with an invitation that the authority gives. */
void sim_device_join(struct sim_world *w, struct sim_device *d, const struct sim_post *post);
/* Running after this; false: the power went, or the disk is full. */
bool sim_device_start(struct sim_world *w, struct sim_device *d);
/* Is this the failure of a full disk? */
bool sim_device_is_full(const struct sim_device *d, enum rc rc);
void sim_device_stop(struct sim_world *w, struct sim_device *d);
/* The power goes by the chance of the run, in the middle of what comes next; and after it. */
void sim_device_endanger(struct sim_world *w, struct sim_device *d);
void sim_device_after(struct sim_world *w, struct sim_device *d);
/* Put another disk in; the process must have ended. */
void sim_device_set_disk(struct sim_device *d, struct crash_disk *disk);
struct sqlite3 *sim_device_db(const struct sim_device *d);
/* 64 bits of the head after an entry that it has. */
uint64_t sim_device_head(struct sim_device *d, const struct dot *dot);
struct record_context sim_device_records(struct sim_device *d);

/* Entries of a record that count on this device, as indexes; free them. */
int *sim_device_known(struct sim_world *w, struct sim_device *d, const struct dot *record,
    size_t *n);
/* Any record that it shows.  log 0: none. */
struct dot sim_device_some_record(struct sim_world *w, struct sim_device *d, char form[16]);

/* The end of a change that was begun. */
enum rc sim_device_commit(struct sim_device *d, enum rc rc, struct error *err);
void sim_device_create(struct sim_world *w, struct sim_device *d);
void sim_device_open_form(struct sim_world *w, struct sim_device *d);
void sim_device_save_form(struct sim_world *w, struct sim_device *d);
void sim_device_delete(struct sim_world *w, struct sim_device *d);
void sim_device_void(struct sim_world *w, struct sim_device *d);
void sim_device_forget_forms(struct sim_device *d);

enum rc sim_device_sync(struct sim_world *w, struct sim_device *d);
void sim_device_export(struct sim_world *w, struct sim_device *d, struct bytes *stick);
void sim_device_import(struct sim_world *w, struct sim_device *d, const struct bytes *stick);

#endif
