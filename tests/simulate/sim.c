#include "tests/simulate/sim.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sqlite3.h>

#include "shared/vault/vault.h"
#include "sync-server/authority.h"
#include "tests/crash/crash_calls.h"
#include "tests/crash/crash_disk.h"
#include "tests/simulate/sim_device.h"
#include "tests/simulate/sim_province.h"
#include "tests/simulate/sim_relay.h"

enum { START = 1770000000, SMALL = 6, MIDDLE = 12, LARGE = 40, TEMPLATES = 3, STEPS = 36,
	WITH_HOLDER = 5 };

/* A province that is made once a process, with laptops that have joined. */
struct template {
	struct crash_disk *authority, *relay, *devices[SIM_DEVICES_MAX];
	struct sim_device members[SIM_DEVICES_MAX];
	size_t n;
	int64_t now_ms;
};

/* Once a process: see sim.h. */
static struct sim_world *NOW;
static struct template TEMPLATE[TEMPLATES];

struct sim_world *
sim_now(void)
{
	return NOW;
}

const char *
sim_accident_name(enum sim_accident a)
{
	static const char *const names[SIM_ACCIDENTS] = { "drops", "cuts", "noise", "ghosts",
	    "interludes", "crashes", "relay crashes", "full disks", "old images", "clones", "twins",
	    "relay restores", "hostile replies", "clocks", "sticks", "joins", "retirements",
	    "assignments", "moves", "forms", "rotations", "old authorities", "holders",
	    "purges", "hubs", "releases" };

	return names[a];
}

unsigned
sim_pick(struct sim_world *w, unsigned n)
{
	return (unsigned)(crash_random(&w->random) % n);
}

bool
sim_strikes(struct sim_world *w, enum sim_accident a, unsigned n)
{
	if (!w->on[a] || w->calm || sim_pick(w, n) != 0)
		return false;
	w->faults[a]++;
	return true;
}

static void
trace_line(struct sim_world *w, const char *line)
{
	digest_span(&w->trace, line, strlen(line));
	if (w->loud)
		fprintf(stderr, "%4u %8lld.%03d  %s\n", w->step, (long long)(w->now_ms / 1000 - START),
		    (int)(w->now_ms % 1000), line);
}

void
sim_trace(struct sim_world *w, const char *format, ...)
{
	char line[400];
	va_list ap;

	va_start(ap, format);
	vsnprintf(line, sizeof line, format, ap);
	va_end(ap);
	trace_line(w, line);
}

void
sim_trace_bytes(struct sim_world *w, const char *what, const void *p, size_t len)
{
	uint8_t hash[8];
	char line[100], hex[2 * sizeof hash + 1];

	digest_of(hash, sizeof hash, "bytes", p, len);
	bytes_hex(hash, sizeof hash, hex);
	snprintf(line, sizeof line, "%s of %zu bytes, %s", what, len, hex);
	trace_line(w, line);
}

void
sim_fail(struct sim_world *w, const char *format, ...)
{
	va_list ap;

	if (w->failed)
		return;
	w->failed = true;
	va_start(ap, format);
	vsnprintf(w->why, sizeof w->why, format, ap);
	va_end(ap);
	sim_trace(w, "FAILED: %s", w->why);
}

void
sim_must(bool holds, const char *what)
{
	if (holds)
		return;
	fprintf(stderr, "simulate: seed %llu, step %u: %s\n",
	    NOW == NULL ? 0ull : (unsigned long long)NOW->seed, NOW == NULL ? 0 : NOW->step, what);
	abort();
}

/* A world -------------------------------------------------------------------- */

static int64_t
true_time(void *ctx)
{
	const struct sim_world *w = ctx;

	return w->now_ms / 1000;
}

static struct sim_world *
world_new(uint64_t seed)
{
	struct sim_world *w = calloc(1, sizeof *w);

	sim_must(w != NULL, "memory");
	w->seed = seed;
	w->random = crash_mix(seed, 1);
	w->now_ms = (int64_t)START * 1000;
	w->clock = (struct clock){ true_time, w };
	w->forms = 1;
	digest_start(&w->trace, 16, NULL, 0, "trace");
	sim_model_init(&w->model, SIM_DEVICES_MAX);
	NOW = w;
	crash_calls_use(NULL);
	crash_calls_seed(crash_mix(seed, 2));
	sqlite3_test_control(SQLITE_TESTCTRL_PRNG_RESET);
	sim_oracle_reset();
	return w;
}

static void
world_free(struct sim_world *w)
{
	for (size_t i = 0; i < w->n_devices; i++) {
		sim_device_stop(w, &w->devices[i]);
		sim_device_forget_forms(&w->devices[i]);
		crash_disk_free(w->devices[i].disk);
		crash_disk_free(w->devices[i].image);
	}
	sim_province_close(w);
	for (size_t i = 0; i < sizeof w->relays / sizeof *w->relays; i++) {
		crash_disk_free(w->relays[i].disk);
		crash_disk_free(w->relays[i].image);
	}
	crash_disk_free(w->authority_disk);
	for (size_t i = 0; i < SIM_STICKS_MAX; i++)
		bytes_reset(&w->sticks[i]);
	for (size_t i = 0; i < SIM_GHOSTS_MAX; i++)
		bytes_reset(&w->ghosts[i]);
	bytes_reset(&w->old_items);
	for (size_t i = 0; i < SIM_DEVICES_MAX; i++)
		sim_entry_reset(&w->model.attempts[i]);
	sim_model_reset(&w->model);
	crash_calls_use(NULL);
	NOW = NULL;
	free(w);
}

/* Provinces to begin with ------------------------------------------------------- */

static struct sim_post
post_of(struct sim_world *w, size_t i)
{
	static const struct sim_post first[] = {
		{ "A1", ROLE_CASEWORKER }, { "A1", ROLE_CASEWORKER }, { "A1", ROLE_COMMUNICATOR },
		{ "K1", ROLE_SUPERVISOR }, { "20", ROLE_HOLDER }, { "A2", ROLE_CASEWORKER },
		{ "B1", ROLE_CASEWORKER }, { "20", ROLE_ANALYST },
	};

	return i < sizeof first / sizeof *first ? first[i] : sim_post_some(w);
}

static void
make_template(struct template *t, size_t devices, uint64_t seed)
{
	struct sim_world *w = world_new(seed);

	sim_province_make(w);
	for (size_t i = 0; i < devices; i++) {
		struct sim_post post = post_of(w, i);
		struct sim_device *d = sim_device_new(w);

		sim_device_join(w, d, &post);
		sim_must(sim_device_start(w, d), "a laptop");
		sim_must(sim_device_sync(w, d) == RC_OK, "a first sync");
		sim_province_meet(w);
		sim_must(sim_device_sync(w, d) == RC_OK, "a second sync");
	}
	t->n = devices;
	for (size_t i = 0; i < devices; i++) {
		sim_device_stop(w, &w->devices[i]);
		t->devices[i] = crash_disk_copy(w->devices[i].disk);
		t->members[i] = w->devices[i];
		t->members[i].disk = NULL;
	}
	sim_province_close(w);
	t->relay = crash_disk_copy(w->relays[0].disk);
	t->authority = crash_disk_copy(w->authority_disk);
	t->now_ms = w->now_ms;
	sim_must(!w->failed, w->why);
	world_free(w);
}

void
sim_start(void)
{
	sim_must(vault_start() == RC_OK, "start");
	crash_calls_start();
	sim_break_set(SIM_WHOLE);
	make_template(&TEMPLATE[0], SMALL, 1);
	make_template(&TEMPLATE[1], MIDDLE, 2);
	make_template(&TEMPLATE[2], LARGE, 3);
}

static void
begin(struct sim_world *w, const struct template *t, size_t devices)
{
	w->now_ms = t->now_ms;
	w->authority_disk = crash_disk_copy(t->authority);
	crash_calls_mount("authority", w->authority_disk);
	sim_relay_set_disk(&w->relays[0], 0, crash_disk_copy(t->relay));
	sim_province_open(w);
	for (size_t i = 0; i < devices; i++) {
		struct sim_device *d = sim_device_new(w);
		struct clock clock = d->clock;

		crash_disk_free(d->disk);
		*d = t->members[i];
		d->clock = clock;
		sim_device_set_disk(d, crash_disk_copy(t->devices[i]));
	}
}

/* A run --------------------------------------------------------------------------- */

/* ACCIDENT=name: in every run, beside what its seed draws. */
static bool
is_asked_for(enum sim_accident a)
{
	const char *name = getenv("ACCIDENT");

	return name != NULL && strcmp(name, sim_accident_name(a)) == 0;
}

/* Which accidents, how large a province, how long. */
static unsigned
draw(struct sim_world *w, size_t *template, size_t *devices)
{
	unsigned size = sim_pick(w, 100), many = sim_pick(w, 4);
	unsigned steps = STEPS / 2 + sim_pick(w, STEPS);

	for (int a = 0; a < SIM_ACCIDENTS; a++)
		w->on[a] = many > 0 && sim_pick(w, a < SIM_PURGE ? 7 : 5) < many;
	/* not too often: a forked log counts for nobody, which hides other mistakes */
	w->on[SIM_TWIN] = sim_pick(w, 3) == 0 && w->on[SIM_TWIN];
	for (int a = 0; a < SIM_ACCIDENTS; a++)
		w->on[a] = w->on[a] || is_asked_for((enum sim_accident)a);
	if (w->on[SIM_PURGE])
		w->on[SIM_HOLDER] = true;
	if (w->on[SIM_RELEASE])
		w->on[SIM_RETIRE] = true;
	*template = size < 90 ? 0 : size < 98 ? 1 : 2;
	*devices = *template == 0 ? 2 + sim_pick(w, SMALL - 1) : TEMPLATE[*template].n;
	if ((w->on[SIM_PURGE] || w->on[SIM_RELEASE]) && *devices < WITH_HOLDER)
		*devices = WITH_HOLDER;
	if (*template == 0)
		return steps;
	return *template == 1 ? 2 * steps : 4 * steps;
}

void
sim_run(uint64_t seed, enum sim_break broken, bool loud, struct sim_result *out)
{
	struct sim_world *w = world_new(seed);
	size_t template, devices;
	unsigned steps;

	sim_break_set(broken);
	w->loud = loud;
	steps = draw(w, &template, &devices);
	begin(w, &TEMPLATE[template], devices);
	for (w->step = 1; w->step <= steps && !w->failed; w->step++)
		sim_step(w);
	if (!w->failed)
		sim_settle(w);
	if (!w->failed)
		sim_judge(w);
	memset(out, 0, sizeof *out);
	out->failed = w->failed;
	memcpy(out->why, w->why, sizeof out->why);
	out->saves = w->saves;
	out->syncs = w->syncs;
	out->purged = w->purged;
	out->released = w->released;
	out->steps = w->step;
	out->devices = w->n_devices;
	memcpy(out->faults, w->faults, sizeof out->faults);
	digest_end(&w->trace, out->trace);
	w->loud = false;
	digest_start(&w->trace, 16, NULL, 0, "trace");
	w->calm = true;
	world_free(w);
	sim_break_set(SIM_WHOLE);
}
