#include "tests/simulate/sim_province.h"

#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "shared/sync/replica.h"
#include "shared/vault/secret.h"
#include "shared/vault/vault.h"
#include "sync-server/authority.h"
#include "sync-server/depot.h"
#include "sync-server/relay.h"
#include "tests/crash/crash_calls.h"
#include "tests/crash/crash_disk.h"
#include "tests/simulate/sim_device.h"
#include "tests/simulate/sim_relay.h"

#define FORMS "tests/simulate/forms/%d"

static const char HEAD[] = "code,full_name_vi,name_vi,level,kind,parent_code,valid_to,"
    "successor_code\n";
static const char UNITS[] =
    "20,Tỉnh Lạng Sơn,Lạng Sơn,PROV,TINH,,,\n"
    "K1,Cụm Tràng Định,Tràng Định,DIST,CUM,20,,\n"
    "A1,Xã Quốc Khánh,Quốc Khánh,COMM,XA,K1,,\n"
    "A2,Xã Thất Khê,Thất Khê,COMM,XA,K1,,\n"
    "B1,Phường Đông Kinh,Đông Kinh,COMM,PHUONG,20,,\n";

static struct secret *
master(void)
{
	uint8_t key[SECRET_KEY_BYTES];
	struct secret *s = NULL;

	memset(key, 7, sizeof key);
	sim_must(secret_from(key, sizeof key, &s) == RC_OK, "master key");
	return s;
}

/* The authority -------------------------------------------------------------- */

struct authority *
sim_province_authority(struct sim_world *w)
{
	struct secret *key;
	struct vault *v = NULL;
	struct error err = { 0 };

	if (w->authority != NULL)
		return w->authority;
	key = master();
	sim_must(vault_open_with_master(CRASH_ROOT "authority", key, &v, &err) == RC_OK, err.what);
	sim_must(authority_open(v, &w->clock, &w->authority, &err) == RC_OK, err.what);
	secret_free(key);
	return w->authority;
}

static void
import_units(struct sim_world *w, const char *rows)
{
	struct authority_import count;
	struct error err = { 0 };
	char csv[1200];

	snprintf(csv, sizeof csv, "%s%s", HEAD, rows);
	sim_must(authority_import_units(sim_province_authority(w), "units.csv", (const uint8_t *)csv,
	    strlen(csv), NULL, &count, &err) == RC_OK, err.what);
}

static void
publish(struct sim_world *w, int version)
{
	struct error err = { 0 };
	char dir[64];
	bool changed;

	snprintf(dir, sizeof dir, FORMS, version);
	sim_must(authority_publish_dir(sim_province_authority(w), dir, &changed, &err) == RC_OK,
	    err.what);
	w->forms = version;
}

void
sim_province_make(struct sim_world *w)
{
	struct secret *key = master();
	struct vault *v = NULL;
	struct error err = { 0 };

	w->authority_disk = crash_disk_new();
	crash_calls_mount("authority", w->authority_disk);
	sim_must(vault_create_with_master(CRASH_ROOT "authority", key, &v, &err) == RC_OK, err.what);
	secret_free(key);
	sim_must(authority_create(v, "Lạng Sơn", &w->clock, &w->authority, &err) == RC_OK, err.what);
	import_units(w, UNITS);
	publish(w, 1);
	sim_relay_make(w);
	sim_province_meet(w);
}

void
sim_province_open(struct sim_world *w)
{
	sim_must(sim_relay_start(w, &w->relays[0]), "relay");
}

void
sim_province_close(struct sim_world *w)
{
	authority_close(w->authority);
	w->authority = NULL;
	for (size_t i = 0; i < sizeof w->relays / sizeof *w->relays; i++)
		sim_relay_stop(&w->relays[i]);
}

/* One exchange; RC_UNAVAILABLE when the relay broke off. */
static enum rc
meet_once(struct sim_world *w, struct authority *a, struct authority_meeting *m, struct error *err)
{
	struct sim_relay *r = &w->relays[0];
	struct bytes request, reply;
	enum rc rc;

	bytes_init(&request);
	bytes_init(&reply);
	memset(m, 0, sizeof *m);
	if ((rc = authority_request(a, &request, err)) != RC_OK)
		goto out;
	if (sim_strikes(w, SIM_RELAY_CRASH, 8))
		crash_disk_cut_in(r->disk, 1 + (long)sim_pick(w, 60));
	rc = relay_exchange(r->depot, &w->clock, request.data, request.len, &reply, err);
	if (rc == RC_OK && sim_strikes(w, SIM_DROP, 6))
		rc = RC_UNAVAILABLE;	/* it was done, and the answer never came */
	if (crash_disk_is_off(r->disk))
		rc = RC_UNAVAILABLE;
	sim_relay_after(w, r);
	if (rc == RC_OK)
		rc = authority_reply(a, reply.data, reply.len, m, err);
out:
	bytes_reset(&request);
	bytes_reset(&reply);
	return rc;
}

void
sim_province_meet(struct sim_world *w)
{
	struct authority_meeting m;
	struct error err = { 0 };
	int rounds = 0;
	enum rc rc;

	do
		rc = meet_once(w, sim_province_authority(w), &m, &err);
	while (rc == RC_OK && m.again && ++rounds < 50);
	sim_trace(w, "authority and relay meet: %s; %llu admitted, %llu wait, %llu aside", rc_name(rc),
	    (unsigned long long)m.admitted, (unsigned long long)m.waiting, (unsigned long long)m.aside);
	if (rc != RC_OK && rc != RC_UNAVAILABLE)
		sim_fail(w, "authority and relay cannot meet: %s: %s", rc_name(rc), err.what);
}

void
sim_province_release(struct sim_world *w)
{
	struct authority_aside *aside = NULL;
	struct error err = { 0 };
	size_t n = 0;

	sim_must(authority_aside(sim_province_authority(w), &aside, &n, &err) == RC_OK, err.what);
	for (size_t i = 0; i < n; i++) {
		sim_trace(w, "aside: a frame, %s", relay_reason_text(
		    (enum root_exchange_reason)aside[i].reason, false));
		if (aside[i].released || (aside[i].reason != ASIDE_BY_RETIRED &&
		    !(w->on[SIM_RELEASE] && aside[i].reason == ASIDE_AUTHOR_RETIRED)))
			continue;
		sim_must(authority_release_frame(w->authority, aside[i].frame, &err) == RC_OK, err.what);
		sim_trace(w, "a frame that a retired laptop handed in is released");
	}
	free(aside);
}

/* What the province decides ---------------------------------------------------- */

void
sim_province_publish(struct sim_world *w)
{
	if (w->forms < 3)
		publish(w, w->forms + 1);
	sim_trace(w, "forms %d are published", w->forms);
}

void
sim_province_move(struct sim_world *w)
{
	if (w->moved)
		return;
	w->moved = true;
	import_units(w, "A2,Xã Thất Khê,Thất Khê,COMM,XA,20,,\n");
	sim_trace(w, "A2 moves to 20");
}

void
sim_province_merge(struct sim_world *w)
{
	if (w->merged)
		return;
	w->merged = true;
	import_units(w, "B1,Phường Đông Kinh,Đông Kinh,COMM,PHUONG,20,2026-12-31,A1\n");
	sim_trace(w, "B1 is merged into A1");
}

void
sim_province_rotate(struct sim_world *w)
{
	static const char *const units[] = { "20", "K1", "A1", "A2", "B1" };
	const char *unit = units[sim_pick(w, 5)];
	bool below = sim_pick(w, 2) == 0;
	struct error err = { 0 };
	size_t n;

	sim_must(authority_rotate(sim_province_authority(w), unit, below, &n, &err) == RC_OK,
	    err.what);
	sim_trace(w, "keys of %s change: %zu scopes", unit, n);
}

struct sim_post
sim_post_some(struct sim_world *w)
{
	static const struct sim_post posts[] = {
		{ "A1", ROLE_CASEWORKER }, { "A1", ROLE_COMMUNICATOR }, { "A2", ROLE_CASEWORKER },
		{ "A1", ROLE_CASEWORKER }, { "B1", ROLE_CASEWORKER }, { "K1", ROLE_SUPERVISOR },
		{ "20", ROLE_SUPERVISOR }, { "20", ROLE_ANALYST }, { "A2", ROLE_COMMUNICATOR },
		{ "A1", ROLE_CASEWORKER },
	};

	return posts[sim_pick(w, sizeof posts / sizeof *posts)];
}

/* The authority knows it only after it met the relay. */
static bool
is_admitted(struct sim_world *w, const struct sim_device *d)
{
	const struct device *known = directory_device(
	    authority_directory(sim_province_authority(w)), d->id);

	return known != NULL && known->state == DEVICE_ADMITTED;
}

void
sim_province_assign(struct sim_world *w, struct sim_device *d)
{
	struct sim_post post = sim_post_some(w);
	struct error err = { 0 };
	size_t n;
	enum rc rc;

	if (d->retired || d->gone || d->post.role == ROLE_HOLDER || d->n_posts == SIM_POSTS_MAX ||
	    !is_admitted(w, d) || (post.role == d->post.role && strcmp(post.unit, d->post.unit) == 0))
		return;
	rc = authority_assign(sim_province_authority(w), d->id, post.unit, post.role, &n, &err);
	sim_must(rc == RC_OK, err.what);
	for (size_t i = 0; i < w->n_devices; i++) {
		struct sim_device *copy = &w->devices[i];

		if (memcmp(copy->id, d->id, sizeof d->id) != 0)
			continue;
		copy->post = post;
		copy->posts[copy->n_posts++] = post;
	}
	sim_trace(w, "device %d is now %s in %s", d->number, identity_role_name(post.role), post.unit);
}

void
sim_province_retire(struct sim_world *w, struct sim_device *d)
{
	struct error err = { 0 };
	size_t n;

	if (d->retired || d->post.role == ROLE_HOLDER || !is_admitted(w, d))
		return;
	sim_must(authority_retire(sim_province_authority(w), d->id, "mất máy", &n, &err) == RC_OK,
	    err.what);
	for (size_t i = 0; i < w->n_devices; i++) {
		if (memcmp(w->devices[i].id, d->id, sizeof d->id) == 0)
			w->devices[i].retired = true;
	}
	sim_trace(w, "device %d is retired", d->number);
}

void
sim_province_old_authority(struct sim_world *w)
{
	struct crash_disk *now, *old;
	struct authority_meeting m;
	struct error err = { 0 };
	size_t n;
	enum rc rc;

	sim_province_meet(w);
	authority_close(sim_province_authority(w));
	w->authority = NULL;
	old = crash_disk_copy(w->authority_disk);
	sim_province_rotate(w);
	sim_province_meet(w);
	if (depot_refresh(w->relays[0].depot) != RC_OK || directory_count(
	    authority_directory(w->authority)) != directory_count(depot_directory(
	    w->relays[0].depot))) {
		crash_disk_free(old);
		return;		/* the relay did not hear of it: nobody can tell yet */
	}
	authority_close(w->authority);
	w->authority = NULL;
	now = w->authority_disk;
	crash_calls_mount("authority", old);
	sim_must(authority_rotate(sim_province_authority(w), "A1", false, &n, &err) == RC_OK, err.what);
	rc = meet_once(w, w->authority, &m, &err);
	sim_trace(w, "an old authority signs: %s", rc_name(rc));
	if (rc != RC_CONFLICT && rc != RC_UNAVAILABLE)
		sim_fail(w, "an old copy of the authority is not noticed: %s", rc_name(rc));
	authority_close(w->authority);
	w->authority = NULL;
	crash_calls_mount("authority", now);
	crash_disk_free(old);
}

/* Who reads what, by the world's own knowledge -------------------------------- */

static const char *
parent_of(const char *unit, bool moved)
{
	if (strcmp(unit, "20") == 0)
		return NULL;
	if (strcmp(unit, "A1") == 0 || (strcmp(unit, "A2") == 0 && !moved))
		return "K1";
	return "20";
}

static bool
is_within(const char *unit, const char *above, bool moved)
{
	for (; unit != NULL; unit = parent_of(unit, moved)) {
		if (strcmp(unit, above) == 0)
			return true;
	}
	return false;
}

bool
sim_post_reads(const struct sim_post *p, const char *unit, unsigned compartment, bool moved,
    bool merged)
{
	bool merged_here = merged && strcmp(unit, "B1") == 0;
	bool own = strcmp(p->unit, unit) == 0 || (merged_here && strcmp(p->unit, "A1") == 0);
	bool below = is_within(unit, p->unit, moved) ||
	    (merged_here && is_within("A1", p->unit, moved));

	switch (p->role) {
	case ROLE_COMMUNICATOR:
		return own && compartment == 0;
	case ROLE_CASEWORKER:
		return own && compartment <= 1;
	case ROLE_SUPERVISOR:
		return below && compartment <= 2;
	case ROLE_ANALYST:
		return below && compartment == 2;
	case ROLE_HOLDER:
		return below;
	case ROLE_RELAY:
	case ROLE_COUNT:
		break;
	}
	return false;
}
