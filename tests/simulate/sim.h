#ifndef TESTS_SIMULATE_SIM_H
#define TESTS_SIMULATE_SIM_H

/*
 * sim: a province in one process, one thread and virtual time: real vaults, records,
 * replicas, authority and relay, over disks in memory (tests/crash), a network of its own
 * (sim_network.c stands in the place of transport.c) and clocks of its own.  All that happens follows
 * from the seed.  README.md beside this file tells what is simulated and how to repeat a run.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "shared/base/bytes.h"
#include "shared/base/clock.h"
#include "shared/sync/identity.h"
#include "shared/vault/digest.h"
#include "tests/simulate/sim_break.h"
#include "tests/simulate/sim_model.h"

struct authority;
struct crash_disk;
struct depot;
struct journal_writer;
struct relay;
struct relay_upstream;
struct replica;
struct vault;

enum {
	SIM_DEVICES_MAX = 48,
	SIM_FOLDER_MAX = 16,
	SIM_OPENED_MAX = 4,
	SIM_STICKS_MAX = 4,
	SIM_GHOSTS_MAX = 4,
	SIM_POSTS_MAX = 6,
	SIM_LOGS_MAX = 8,
	SIM_WHY_MAX = 500
};

/* What may go wrong.  A run switches some of them on. */
enum sim_accident {
	SIM_DROP,		/* no connection */
	SIM_CUT,		/* cut at any byte, either way, and replies that never come */
	SIM_NOISE,		/* a bit turns on the way */
	SIM_GHOST,		/* a request comes again, late */
	SIM_INTERLUDE,		/* others work while one waits for the network */
	SIM_CRASH,		/* the power goes at any write of a laptop */
	SIM_RELAY_CRASH,
	SIM_FULL,		/* a laptop's disk is full for a while */
	SIM_IMAGE,		/* a laptop is put back to an old image */
	SIM_CLONE,		/* a disk is copied, both copies are used */
	SIM_TWIN,		/* a running process is copied, both go on */
	SIM_RELAY_IMAGE,	/* the relay is restored from an old backup */
	SIM_HOSTILE,		/* the relay withholds, reorders, replays */
	SIM_CLOCK,		/* clocks are off by years, or run backwards */
	SIM_STICK,		/* bundles, also cut off and brought twice */
	SIM_JOIN,		/* new laptops */
	SIM_RETIRE,
	SIM_ASSIGN,		/* another role or unit */
	SIM_UNITS,		/* units moved and merged */
	SIM_FORMS,		/* new form versions */
	SIM_ROTATE,
	SIM_OLD_AUTHORITY,	/* an old copy of the authority signs too */
	SIM_HOLDER,		/* the province's replica signs for what it holds */
	SIM_PURGE,		/* closed cases leave laptops, and are fetched again */
	SIM_HUB,		/* a hub between laptops and the relay, with a line that comes and goes */
	SIM_RELEASE,		/* a supervisor lets late work of retired laptops count */
	SIM_ACCIDENTS
};
const char *sim_accident_name(enum sim_accident a);

/* A form as somebody opened it, to be saved later. */
struct sim_opened {
	struct dot record;
	char *token;		/* NULL: none */
	struct sim_seen seen;
};

/* Where somebody works. */
struct sim_post {
	char unit[IDENTITY_UNIT_MAX + 1];
	enum identity_role role;
};

struct sim_device {
	int number;
	char folder[SIM_FOLDER_MAX];
	struct crash_disk *disk;
	struct crash_disk *image;	/* an old one, or NULL */
	struct vault *vault;		/* NULL: not running */
	struct replica *replica;
	struct journal_writer *writer;
	struct clock clock;
	int64_t ahead;			/* of the true time */
	bool backwards;
	uint8_t id[16];
	struct sim_post post;
	struct sim_post posts[SIM_POSTS_MAX];	/* all that it ever had */
	size_t n_posts;
	bool retired;
	bool busy;			/* in a sync */
	bool full, was_full;		/* its disk, now and when it was started */
	bool gone;			/* lost for good, or wiped */
	uint64_t logs[SIM_LOGS_MAX];	/* that this process writes to */
	size_t n_logs;
	bool twin;			/* a copy of a running process: it goes on with these logs */
	struct sim_opened opened[SIM_OPENED_MAX];
};

struct sim_relay {
	struct crash_disk *disk;
	struct crash_disk *image;
	struct depot *depot;
	struct relay *relay;
	struct relay_upstream *upstream;	/* of a hub */
	int sessions;			/* open now, one inside the other */
	bool withheld;			/* was hostile: must be set right before the end */
};

struct sim_world {
	uint64_t seed, random;
	bool loud;
	bool failed;
	char why[SIM_WHY_MAX];
	bool on[SIM_ACCIDENTS];
	bool calm;			/* no more faults */
	int64_t now_ms;
	struct clock clock;		/* the true time: of the authority and the relay */
	struct digest trace;
	unsigned step;

	struct sim_relay relays[2];	/* the second: a hub in front of it, if there is one */
	struct crash_disk *authority_disk;
	struct authority *authority;	/* NULL: closed */
	int forms;			/* version published */
	bool merged, moved;

	struct sim_device devices[SIM_DEVICES_MAX];
	size_t n_devices;
	struct sim_model model;

	struct bytes sticks[SIM_STICKS_MAX];
	struct bytes ghosts[SIM_GHOSTS_MAX];
	struct sim_relay *haunted[SIM_GHOSTS_MAX];	/* where each of them was sent */
	struct bytes old_items;		/* items of earlier replies, for a hostile relay */
	struct sim_device *speaker;	/* who opens a connection now */
	int depth;			/* of interludes */

	/* counted for the report */
	unsigned long saves, syncs, purged, released, faults[SIM_ACCIDENTS];
};

/* The world that runs in this process, for what carries no context. */
struct sim_world *sim_now(void);

/* Below n; n > 0. */
unsigned sim_pick(struct sim_world *w, unsigned n);
/* One time in n, if the accident is switched on and the world is not calm; then it is counted. */
bool sim_strikes(struct sim_world *w, enum sim_accident a, unsigned n);
void sim_trace(struct sim_world *w, const char *format, ...) __attribute__((format(printf, 2, 3)));
void sim_trace_bytes(struct sim_world *w, const char *what, const void *p, size_t len);
/* The first failure is the one that is told. */
void sim_fail(struct sim_world *w, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* What can only fail by a mistake of the simulator. */
void sim_must(bool holds, const char *what);

struct sim_result {
	bool failed;
	char why[SIM_WHY_MAX];
	uint8_t trace[16];
	unsigned long saves, syncs, purged, released, steps, faults[SIM_ACCIDENTS];
	size_t devices;
};
/* Once a process, before anything else; makes the provinces that runs begin with. */
void sim_start(void);
/* One run from its beginning to its judgement. */
void sim_run(uint64_t seed, enum sim_break broken, bool loud, struct sim_result *out);

/* The schedule: one thing that happens. */
void sim_step(struct sim_world *w);
/* What others do while a request is on its way. */
void sim_interlude(struct sim_world *w, struct sim_device *speaker);
/* Faults are over: everybody meets until nothing changes, then everything is judged. */
void sim_settle(struct sim_world *w);
void sim_judge(struct sim_world *w);

#endif
