#ifndef TESTS_SUPPORT_PROVINCE_H
#define TESTS_SUPPORT_PROVINCE_H

/*
 * province: a whole province in one process, for tests: a real authority, a real
 * relay behind HTTP on loopback, and devices with real vaults (opened by their
 * master key, to spare Argon2), in a temporary folder.  Everything fails loudly.
 */
#include <stdbool.h>
#include <stdint.h>

#include "field/workspace.h"
#include "shared/base/clock.h"
#include "shared/sync/exchange.h"
#include "shared/sync/identity.h"
#include "shared/sync/replica.h"

struct authority;
struct depot;
struct relay_http;

/* A household visit and a person, as pairs for province_add. */
extern const char *const PROVINCE_VISIT[], *const PROVINCE_PERSON[];

struct province {
	char dir[256];
	int64_t now;			/* the clock of everybody */
	struct clock clock;
	struct authority *authority;
	struct depot *depot;		/* the authority's own door to the relay's store */
	struct depot *served;		/* the relay's */
	struct relay_http *http;
	char url[64];
	unsigned n_devices;
};

/* Units: 20 (province), 06001 and 06002 (communes), made up for tests. */
void province_start(struct province *p);
/* Authority and relay meet until nothing is new. */
void province_meet(struct province *p);
/* The relay stops, or serves again at a new port (devices must be told the url). */
void province_stop_relay(struct province *p);
void province_serve(struct province *p);
/* A folder of it, "relay" say, over another one; and the authority again, which was closed before. */
void province_copy(const struct province *p, const char *from, const char *to);
void province_open_authority(struct province *p);
void province_end(struct province *p);	/* removes the folder */
/* The same for one test of cmocka, with the province as its state. */
int province_set_up(void **state);
int province_tear_down(void **state);

/* A new laptop; close with workspace_close. */
struct workspace *province_device(struct province *p, const char *unit,
    enum identity_role role, const char *name);
/* Where the n-th device's vault is, and its master key, to open it again or copy it. */
void province_device_dir(const struct province *p, unsigned n, char out[300]);
struct workspace *province_open(struct province *p, const char *dir);

/* One sync that must succeed. */
struct replica_sync_result province_sync(struct province *p, struct workspace *ws);
/* What it says otherwise. */
enum rc province_try_sync(struct province *p, struct workspace *ws,
    struct replica_sync_result *out, struct error *err);

/* The device is retired, keys change, and the relay knows. */
void province_retire(struct province *p, struct workspace *ws);

/* Save and edit; pairs: "name", "value", …, NULL. */
struct dot province_add(struct workspace *ws, const char *form, const char *const *pairs);
struct dot province_edit(struct workspace *ws, struct dot id, const char *seen,
    const char *name, const char *value);
/* The token of a record as it is shown now; free() it. */
char *province_seen(struct workspace *ws, struct dot id);
/* How many live values a field has, and the one displayed ("" if none). */
size_t province_values(struct workspace *ws, struct dot id, const char *field, char shown[200]);
void province_digest(struct workspace *ws, uint8_t out[32]);
bool province_same_fold(struct workspace *a, struct workspace *b);

struct replica_status province_status(struct workspace *ws);
/* The number that a statement without parameters gives. */
uint64_t province_count(struct workspace *ws, const char *sql);

/* By other ways than a sync: all sealed, and the last frame; the device's own certificate. */
void province_sealed_frame(struct workspace *ws, struct bytes *frame);
void province_certificate(struct workspace *ws, struct bytes *cert);
void province_take(struct workspace *ws, enum item_type type, const struct bytes *payload);

/* 0 … n - 1, by rand(). */
unsigned province_pick(unsigned n);

#endif
