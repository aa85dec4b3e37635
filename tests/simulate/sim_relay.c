#include "tests/simulate/sim_relay.h"

#include <stdio.h>
#include <string.h>

#include "shared/sync/transport.h"
#include "shared/vault/secret.h"
#include "sync-server/authority.h"
#include "sync-server/depot.h"
#include "sync-server/operator_hub.h"
#include "sync-server/relay.h"
#include "sync-server/relay_upstream.h"
#include "tests/crash/crash_calls.h"
#include "tests/crash/crash_disk.h"
#include "tests/simulate/sim_province.h"

/* The relay ------------------------------------------------------------------ */

void
sim_relay_set_disk(struct sim_relay *r, unsigned number, struct crash_disk *disk)
{
	char folder[SIM_FOLDER_MAX];

	snprintf(folder, sizeof folder, "relay%u", number);
	crash_disk_free(r->disk);
	r->disk = disk;
	crash_calls_mount(folder, disk);
}

bool
sim_relay_start(struct sim_world *w, struct sim_relay *r)
{
	struct error err = { 0 };
	char path[40];
	enum rc rc;

	if (r->depot != NULL)
		return true;
	snprintf(path, sizeof path, CRASH_ROOT "relay%u", (unsigned)(r - w->relays));
	rc = depot_open(path, &r->depot, &err);
	if (rc == RC_OK)
		rc = relay_new(r->depot, &w->clock, 0, &r->relay);
	if (rc == RC_OK && r == &w->relays[1])
		rc = relay_upstream_new(r->depot, &w->clock, &r->upstream);
	if (rc == RC_OK)
		return true;
	if (!crash_disk_is_off(r->disk))
		sim_fail(w, "the relay does not start: %s: %s", rc_name(rc), err.what);
	sim_relay_stop(r);
	return false;
}

void
sim_relay_stop(struct sim_relay *r)
{
	relay_upstream_free(r->upstream);
	relay_free(r->relay);
	depot_close(r->depot);
	r->upstream = NULL;
	r->relay = NULL;
	r->depot = NULL;
}

void
sim_relay_after(struct sim_world *w, struct sim_relay *r)
{
	if (r->sessions > 0)
		return;		/* the outer one finds the power gone */
	if (!crash_disk_is_off(r->disk)) {
		crash_disk_cut_in(r->disk, 0);
		return;
	}
	sim_relay_stop(r);
	crash_disk_settle(r->disk, crash_random(&w->random), false);
	sim_trace(w, "%s: the power went", r == w->relays ? "relay" : "hub");
	sim_relay_start(w, r);
}

void
sim_relay_make(struct sim_world *w)
{
	struct sim_relay *r = &w->relays[0];
	struct secret *seed = NULL;
	struct bytes certificate;
	struct error err = { 0 };
	uint8_t province[8];

	sim_relay_set_disk(r, 0, crash_disk_new());
	sim_must(secret_random(SECRET_KEY_BYTES, &seed) == RC_OK, "relay key");
	directory_province(authority_directory(w->authority), province);
	sim_must(depot_create(CRASH_ROOT "relay0", province, seed, &err) == RC_OK, err.what);
	secret_free(seed);
	sim_must(sim_relay_start(w, r), "relay");
	bytes_init(&certificate);
	sim_must(authority_admit_relay(w->authority, depot_identity(r->depot), &certificate, &err) ==
	    RC_OK, err.what);
	bytes_reset(&certificate);
}

struct sim_relay *
sim_relay_at(struct sim_world *w, const char *url)
{
	return &w->relays[strcmp(url, SIM_HUB_URL) == 0 ? 1 : 0];
}

/* The hub -------------------------------------------------------------------- */

bool
sim_hub_is_there(const struct sim_world *w)
{
	return w->relays[1].disk != NULL;
}

void
sim_hub_make(struct sim_world *w)
{
	struct authority_invite invite = { "20", ROLE_RELAY, "Trạm Đồng Đăng", 300, SIM_RELAY_URL, "" };
	struct invitation_parcel parcel;
	struct invitation invitation;
	struct secret *code = NULL;
	struct error err = { 0 };
	struct bytes file;
	uint8_t id[16], device[IDENTITY_ID_BYTES];

	if (sim_hub_is_there(w))
		return;
	bytes_init(&file);
	sim_must(authority_invite(sim_province_authority(w), &invite, id, &file, &code, &err) ==
	    RC_OK, err.what);
	sim_must(identity_parcel_open(file.data, file.len, code, &parcel, &err) == RC_OK, err.what);
	sim_relay_set_disk(&w->relays[1], 1, crash_disk_new());
	sim_must(operator_hub_join(CRASH_ROOT "relay1", &parcel, w->now_ms / 1000, &invitation, device,
	    &err) == RC_OK, err.what);
	identity_parcel_reset(&parcel);
	bytes_reset(&file);
	secret_free(code);
	sim_must(sim_relay_start(w, &w->relays[1]), "a hub");
	sim_trace(w, "a hub is set up");
}

bool
sim_hub_serves(struct sim_world *w)
{
	const struct device *known;

	if (!sim_hub_is_there(w) || !sim_relay_start(w, &w->relays[1]))
		return false;
	known = directory_device(depot_directory(w->relays[1].depot),
	    depot_identity(w->relays[1].depot)->device);
	return known != NULL && known->state == DEVICE_ADMITTED;
}

void
sim_hub_sync(struct sim_world *w)
{
	struct sim_relay *r = &w->relays[1];
	struct relay_upstream_result n;
	struct transport *t = NULL;
	struct error err = { 0 };
	enum rc rc;

	if (!sim_hub_is_there(w) || r->sessions > 0 || !sim_relay_start(w, r))
		return;
	if (sim_strikes(w, SIM_RELAY_CRASH, 10))
		crash_disk_cut_in(r->disk, 1 + (long)sim_pick(w, sim_pick(w, 2) == 0 ? 10 : 80));
	w->speaker = NULL;
	sim_must(transport_open(SIM_RELAY_URL, "", true, &t, &err) == RC_OK, "open a transport");
	r->sessions++;
	rc = relay_upstream_sync(r->upstream, t, &n, &err);
	r->sessions--;
	transport_close(t);
	sim_trace(w, "hub and province: %s; %llu frames up, %llu down%s", rc_name(rc),
	    (unsigned long long)n.frames_up, (unsigned long long)n.frames_down, n.waits ? "; it waits" : "");
	if (rc != RC_OK && !crash_disk_is_off(r->disk) && (w->calm || (rc != RC_NET &&
	    rc != RC_UNAVAILABLE && rc != RC_PROTOCOL && !(rc == RC_DENIED && w->on[SIM_NOISE]))))
		sim_fail(w, "the hub cannot sync: %s: %s", rc_name(rc), err.what);
	sim_relay_after(w, r);
}

void
sim_hub_judge(struct sim_world *w)
{
	struct depot_frame here = { 0 }, there;

	if (w->relays[0].depot == NULL || !sim_hub_serves(w))
		return;
	while (!w->failed && depot_frame_after(w->relays[1].depot, here.key, FRAME_ASIDE, ASIDE_NOTHING,
	    &here) == RC_OK) {
		if (depot_find_frame(w->relays[0].depot, here.id, &there) == RC_OK &&
		    there.state == FRAME_SERVED)
			sim_fail(w, "the hub keeps aside what the province serves: %s",
			    relay_reason_text(here.reason, false));
	}
}

const char *
sim_hub_or_relay(struct sim_world *w, const struct sim_device *d)
{
	unsigned habit = (unsigned)d->number % 3;

	/* to a retired one a hub of which it never heard says nothing, not even who it is */
	if (d->retired && w->calm)
		return SIM_RELAY_URL;
	if (!sim_hub_serves(w) || habit == 0 || (habit == 1 && sim_pick(w, 2) == 0))
		return SIM_RELAY_URL;
	return SIM_HUB_URL;
}
