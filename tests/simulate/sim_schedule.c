/* What happens in a run, and how it comes to rest. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "shared/sync/replica.h"
#include "sync-server/authority.h"
#include "sync-server/depot.h"
#include "sync-server/relay_upstream.h"
#include "tests/crash/crash_disk.h"
#include "tests/simulate/sim_device.h"
#include "tests/simulate/sim_loss.h"
#include "tests/simulate/sim_network.h"
#include "tests/simulate/sim_province.h"
#include "tests/simulate/sim_relay.h"
#include "tests/simulate/sim_release.h"
#include "tests/simulate/sim_retention.h"

enum { ROUNDS_MAX = 14, YEAR = 365 * 86400 };

static struct sim_device *
someone(struct sim_world *w)
{
	return &w->devices[sim_pick(w, (unsigned)w->n_devices)];
}

/* A laptop that runs, or that can be started; NULL. */
static struct sim_device *
somebody_at_work(struct sim_world *w)
{
	struct sim_device *d = someone(w);

	if (d->gone || d->busy)
		return NULL;
	if (d->vault == NULL)
		sim_device_endanger(w, d);
	if (!sim_device_start(w, d))
		return NULL;
	return d;
}

static void
work(struct sim_world *w, struct sim_device *d)
{
	if (sim_strikes(w, SIM_PURGE, 8)) {
		if (sim_pick(w, 3) == 0)
			sim_retention_fetch(w, d);
		else
			sim_retention_purge(w, d);
		return;
	}
	if (sim_strikes(w, SIM_RELEASE, 8)) {
		sim_release(w, d);
		return;
	}
	switch (sim_pick(w, 12)) {
	case 0:
	case 1:
	case 2:
		sim_device_create(w, d);
		break;
	case 3:
	case 4:
		sim_device_open_form(w, d);
		break;
	case 5:
		sim_device_delete(w, d);
		break;
	case 6:
		sim_device_void(w, d);
		break;
	default:
		sim_device_save_form(w, d);
	}
}

static void
sync(struct sim_world *w, struct sim_device *d)
{
	sim_device_endanger(w, d);
	(void)!sim_device_sync(w, d);
	sim_device_after(w, d);
}

void
sim_interlude(struct sim_world *w, struct sim_device *speaker)
{
	struct sim_device *d;

	if (w->depth > 0)
		return;
	w->depth++;
	if (speaker != NULL && sim_pick(w, 2) == 0 && !crash_disk_is_off(speaker->disk)) {
		work(w, speaker);
	} else if ((d = somebody_at_work(w)) != NULL) {
		if (sim_pick(w, 2) == 0)
			sync(w, d);
		else
			work(w, d);
	}
	w->depth--;
}

/* Accidents of one laptop --------------------------------------------------------- */

static void
carry(struct sim_world *w)
{
	struct sim_device *from = somebody_at_work(w), *to;
	struct bytes *stick = &w->sticks[sim_pick(w, SIM_STICKS_MAX)];

	if (from != NULL && sim_pick(w, 2) == 0) {
		sim_device_endanger(w, from);
		sim_device_export(w, from, stick);
		sim_device_after(w, from);
	}
	if ((to = somebody_at_work(w)) == NULL)
		return;
	sim_device_endanger(w, to);
	sim_device_import(w, to, stick);
	sim_device_after(w, to);
}

static void
make_image(struct sim_world *w, struct sim_device *d)
{
	if (d->busy || d->gone)
		return;
	sim_device_after(w, d);
	sim_device_stop(w, d);
	crash_disk_free(d->image);
	d->image = crash_disk_copy(d->disk);
	sim_trace(w, "device %d: an image is made", d->number);
}

/* running: the process is copied too, as when a virtual machine is. */
static void
clone(struct sim_world *w, struct sim_device *d, bool running)
{
	struct sim_device *copy;
	struct clock clock;

	if (w->n_devices == SIM_DEVICES_MAX || d->busy || d->gone ||
	    d->post.role == ROLE_HOLDER || w->n_devices > 12)
		return;
	sim_device_after(w, d);
	if (running && (d->n_logs == 0 || d->retired || d->vault == NULL))
		return;
	if (!running)
		sim_device_stop(w, d);
	copy = sim_device_new(w);
	clock = copy->clock;
	memcpy(copy->posts, d->posts, sizeof copy->posts);
	copy->n_posts = d->n_posts;
	copy->post = d->post;
	copy->retired = d->retired;
	copy->clock = clock;
	memcpy(copy->id, d->id, sizeof copy->id);
	sim_device_set_disk(copy, crash_disk_copy(d->disk));
	/* what was cut off in the middle may be on both disks */
	sim_entry_copy(&w->model.attempts[copy->number], &w->model.attempts[d->number]);
	sim_trace(w, "device %d is a copy of %d%s", copy->number, d->number,
	    running ? ", which goes on running" : "");
	if (!running || !sim_device_start(w, copy))
		return;
	memcpy(copy->logs, d->logs, sizeof copy->logs);
	copy->n_logs = d->n_logs;
	copy->twin = true;
}

static void
set_clock(struct sim_world *w, struct sim_device *d)
{
	d->backwards = sim_pick(w, 3) == 0;
	d->ahead = ((int64_t)sim_pick(w, 80) - 40) * (YEAR / 2);
	sim_trace(w, "device %d: clock %lld s ahead%s", d->number, (long long)d->ahead,
	    d->backwards ? ", running backwards" : "");
}

static void
fill_disk(struct sim_world *w, struct sim_device *d)
{
	d->full = !d->full;
	crash_disk_limit(d->disk, d->full ? crash_disk_used(d->disk) + sim_pick(w, 1 << 16) : 0);
	sim_trace(w, "device %d: the disk %s", d->number, d->full ? "is nearly full" : "has room");
}

static void
of_a_laptop(struct sim_world *w)
{
	struct sim_device *d = someone(w);

	if (sim_strikes(w, SIM_CLOCK, 8))
		set_clock(w, d);
	if (sim_strikes(w, SIM_FULL, 8))
		fill_disk(w, d);
	if (w->on[SIM_IMAGE] && sim_pick(w, 8) == 0)
		make_image(w, d);
	if (sim_strikes(w, SIM_IMAGE, 12))
		sim_loss_restore_device(w, d);
	if (sim_strikes(w, SIM_CLONE, 16))
		clone(w, d, false);
	if (sim_strikes(w, SIM_TWIN, 16))
		clone(w, d, true);
	if (sim_strikes(w, SIM_GHOST, 6))
		sim_network_replay(w);
}

/* What the province does ------------------------------------------------------------ */

static void
join(struct sim_world *w)
{
	struct sim_post post = sim_post_some(w);
	struct sim_device *d;

	if (w->n_devices > 10 && sim_pick(w, 8) != 0)
		return;
	if (w->n_devices == SIM_DEVICES_MAX)
		return;
	d = sim_device_new(w);
	sim_device_join(w, d, &post);
	sim_device_start(w, d);
}

/* A holder signs only for what it has in a backup; then it may come back from it. */
static void
hold(struct sim_world *w)
{
	struct error err = { 0 };
	size_t n = 0;
	enum rc rc;

	for (size_t i = 0; i < w->n_devices; i++) {
		struct sim_device *d = &w->devices[i];

		if (d->post.role != ROLE_HOLDER || d->busy || d->full || !sim_device_start(w, d))
			continue;
		(void)!sim_device_sync(w, d);
		make_image(w, d);
		if (!sim_device_start(w, d))
			continue;
		rc = replica_sign_held(d->replica, &n, &err);
		sim_trace(w, "device %d signs for what it holds: %s, %zu", d->number, rc_name(rc), n);
		if (rc != RC_OK)
			sim_fail(w, "a holder cannot sign: %s: %s", rc_name(rc), err.what);
		(void)!sim_device_sync(w, d);
	}
}

/* The province confirms what it holds, and laptops let go what was closed long ago. */
static void
retention_day(struct sim_world *w)
{
	hold(w);
	for (size_t i = 0; i < w->n_devices && !w->failed; i++) {
		struct sim_device *d = &w->devices[i];

		if (d->gone || d->busy || sim_pick(w, 3) == 0 || !sim_device_start(w, d))
			continue;
		sync(w, d);
		sim_retention_purge(w, d);
	}
}

static void
of_the_province(struct sim_world *w)
{
	if (sim_strikes(w, SIM_JOIN, 24))
		join(w);
	if (sim_strikes(w, SIM_RETIRE, w->on[SIM_RELEASE] ? 12 : 40))
		sim_province_retire(w, someone(w));
	if (sim_strikes(w, SIM_ASSIGN, 24))
		sim_province_assign(w, someone(w));
	if (sim_strikes(w, SIM_UNITS, 40))
		sim_province_move(w);
	if (sim_strikes(w, SIM_UNITS, 40))
		sim_province_merge(w);
	if (sim_strikes(w, SIM_FORMS, 24))
		sim_province_publish(w);
	if (sim_strikes(w, SIM_ROTATE, 24))
		sim_province_rotate(w);
	if (sim_strikes(w, SIM_OLD_AUTHORITY, 60))
		sim_province_old_authority(w);
	if (sim_strikes(w, SIM_HOLDER, 16))
		hold(w);
	if (sim_strikes(w, SIM_PURGE, 12))
		retention_day(w);
	if (!sim_hub_is_there(w) && sim_strikes(w, SIM_HUB, 6))
		sim_hub_make(w);
}

static void
make_relay_image(struct sim_world *w, struct sim_relay *r)
{
	if (r->disk == NULL)
		return;
	sim_relay_stop(r);
	crash_disk_free(r->image);
	r->image = crash_disk_copy(r->disk);
	sim_relay_start(w, r);
	sim_trace(w, "%s: a backup is made", r == w->relays ? "relay" : "hub");
}

static struct sim_relay *
some_relay(struct sim_world *w)
{
	return &w->relays[sim_hub_is_there(w) ? sim_pick(w, 2) : 0];
}

void
sim_step(struct sim_world *w)
{
	struct sim_device *d = somebody_at_work(w);
	unsigned what = sim_pick(w, 20);

	w->now_ms += (int64_t)sim_pick(w, 3600) * 1000;
	for (unsigned i = 1 + sim_pick(w, 3); d != NULL && d->vault != NULL && what < 11 && i > 0; i--)
		work(w, d);
	if (what < 11)
		;
	else if (d != NULL && what < 16)
		sync(w, d);
	else if (d != NULL && what == 16)
		sim_device_stop(w, d);
	else if (what == 17)
		sim_province_meet(w);
	else if (sim_strikes(w, SIM_STICK, 1))
		carry(w);
	of_a_laptop(w);
	of_the_province(w);
	if (w->on[SIM_RELAY_IMAGE] && sim_pick(w, 10) == 0)
		make_relay_image(w, some_relay(w));
	if (sim_strikes(w, SIM_RELAY_IMAGE, 24))
		sim_loss_restore_relay(w, some_relay(w));
	if (sim_hub_is_there(w) && sim_pick(w, 4) == 0)
		sim_hub_sync(w);
}

/* Rest -------------------------------------------------------------------------------- */

/* Everything that can still move; the same twice: rest. */
static uint64_t
movement(struct sim_world *w)
{
	uint64_t sum = directory_count(depot_directory(w->relays[0].depot));
	bool news = false;

	if (sim_hub_is_there(w)) {
		sim_must(relay_upstream_has_news(w->relays[1].upstream, &news) == RC_OK, "a hub");
		sum = 3 * sum + directory_count(depot_directory(w->relays[1].depot)) * 2 + news;
	}

	for (size_t i = 0; i < w->n_devices; i++) {
		struct replica_status s;

		if (w->devices[i].vault == NULL ||
		    replica_status(w->devices[i].replica, &s, NULL) != RC_OK)
			continue;
		sum = crash_mix(sum, s.records * 31 + s.unsent_entries * 7 + s.waiting * 3 +
		    s.conflicts + s.gaps * 17 + s.left_out * 29 + directory_count(replica_directory(w->devices[i].replica)));
	}
	return sum;
}

static void
one_round(struct sim_world *w)
{
	sim_province_meet(w);
	sim_province_release(w);
	sim_hub_sync(w);
	for (size_t i = 0; i < w->n_devices && !w->failed; i++) {
		struct sim_device *d = &w->devices[i];

		if (d->gone || !sim_device_start(w, d))
			continue;
		(void)!sim_device_sync(w, d);
		if (w->on[SIM_RELEASE])
			sim_release(w, d);
	}
	sim_hub_sync(w);
}

static void
rest(struct sim_world *w)
{
	uint64_t before = 0, now;
	int still = 0;

	for (int i = 0; i < ROUNDS_MAX && still < 2 && !w->failed; i++) {
		one_round(w);
		now = movement(w);
		still = now == before ? still + 1 : 0;
		before = now;
	}
	if (!w->failed && still < 2)
		sim_fail(w, "no rest after %d rounds without faults", ROUNDS_MAX);
}

void
sim_settle(struct sim_world *w)
{
	w->calm = true;
	sim_trace(w, "faults are over");
	for (size_t i = 0; i < w->n_devices; i++) {
		crash_disk_cut_in(w->devices[i].disk, 0);
		crash_disk_limit(w->devices[i].disk, 0);
		w->devices[i].full = false;
		w->devices[i].backwards = false;
		/* what failed in the middle of a full disk is left behind with its process */
		sim_device_stop(w, &w->devices[i]);
	}
	for (size_t i = 0; i < sizeof w->relays / sizeof *w->relays; i++) {
		struct sim_relay *r = &w->relays[i];

		if (r->disk == NULL)
			continue;
		crash_disk_cut_in(r->disk, 0);
		sim_must(sim_relay_start(w, r), "a relay");
		if (!r->withheld)
			continue;
		sim_must(depot_renew_generation(r->depot) == RC_OK, "an honest relay");
		sim_trace(w, "the %s is honest again", i == 0 ? "relay" : "hub");
	}
	rest(w);
	if (w->on[SIM_PURGE] && !w->failed) {
		sim_retention_fetch_all(w);
		rest(w);
	}
}
