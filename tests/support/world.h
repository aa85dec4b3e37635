#ifndef TESTS_SUPPORT_WORLD_H
#define TESTS_SUPPORT_WORLD_H

/*
 * world: an authority in a vault of its own, laptops that join it with plain calls, and
 * a relay's answers signed by the relay's key; for the tests of authority.  All is
 * checked with cmocka's asserts.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "shared/base/bytes.h"
#include "shared/base/clock.h"
#include "shared/sync/identity.h"
#include "shared/vault/secret.h"
#include "sync-server/authority.h"
#include "sync-server/root_exchange.h"

struct vault;

/* A province with a middle tier: 20; K1 below it with 06004 and 06040; and 05977 right below 20. */
extern const char world_province[];

struct world {
	char dir[64];
	int64_t now;
	struct clock clock;
	struct secret *master;
	struct vault *vault;		/* borrowed: a has it */
	struct authority *a;
	struct identity relay;
	struct error err;
};

/* Setup and teardown of a test. */
int world_make(void **state);
int world_end(void **state);
void world_open_again(struct world *w);
enum rc world_import(struct world *w, const char *csv, struct authority_import *out);
void world_import_province(struct world *w);

/* A device, made from an invitation as a laptop makes it. */
struct laptop {
	struct invitation_parcel parcel;
	struct invitation invitation;
	struct identity identity;
	struct bytes certificate;
};
void world_invite(struct world *w, const char *unit, enum identity_role role,
    uint8_t id[IDENTITY_ID_BYTES], struct bytes *file, struct secret **code);
void world_use(struct world *w, const struct bytes *file, const struct secret *code,
    struct laptop *out);
/* Both. */
void world_join(struct world *w, const char *unit, enum identity_role role, struct laptop *out);
/* The same, and the authority has admitted it. */
void world_join_and_admit(struct world *w, const char *unit, enum identity_role role,
    struct laptop *out);
void world_laptop_reset(struct laptop *l);

/* What a relay answers. */
struct answer {
	const struct laptop *laptops[4];
	struct relay_waiting waiting[4];
	size_t n_waiting;
	struct relay_head heads[4];
	size_t n_heads;
	struct relay_aside aside[1];
	size_t n_aside;
	bool is_ahead;			/* it has one statement more than it was sent */
	bool differs;			/* it has another last statement */
};
/* The root item of a request, its digest, and the number of its statements. */
void world_read_request(const struct bytes *request, struct root_hello *hello, uint8_t id[16],
    size_t *statements);
/* Ask for a request, and answer it. */
void world_answer(struct world *w, const struct answer *what, struct bytes *out);
/* The same, and the authority takes it. */
void world_meet(struct world *w, const struct answer *what, struct authority_meeting *out);

uint32_t world_newest(struct world *w, const char *unit, unsigned compartment);
/*
 * Could a laptop come to this epoch's secret, from its invitation and all share lists
 * that were ever published, whoever they are for?
 */
bool world_opens(struct world *w, const struct laptop *l, const char *unit,
    unsigned compartment, uint32_t epoch);

#endif
