#ifndef TESTS_SUPPORT_RELAY_WORLD_H
#define TESTS_SUPPORT_RELAY_WORLD_H

/*
 * relay_world: a depot with a small province in it, and devices that speak with it as
 * bytes.  What fails here ends the program with a message.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "shared/base/clock.h"
#include "shared/sync/exchange.h"
#include "sync-server/depot.h"
#include "sync-server/relay.h"
#include "sync-server/root_exchange.h"
#include "tests/support/small_province.h"

enum { WORLD_NOW = 1764200000, WORLD_FRAMES_MAX = 256 };

struct world {
	char dir[64];
	struct small_province province;
	struct depot *depot;
	struct relay *relay;
	int64_t now;
	struct clock clock;
	uint8_t scope_public[32];	/* of every scope: 24.1.1 and 24.1.2, epoch 1 */
	/* the authority's side */
	uint8_t root_nonce[16], generation[16];
	uint64_t relay_statements, certificates, heads;
};
/* A province whose first statements and keys the depot has. */
void world_open(struct world *w);
void world_close(struct world *w);
/* The same for one test of cmocka, with the world as its state from before. */
int world_set_up(void **state);
int world_tear_down(void **state);
/* Close and open the depot and the relay, as a server does that was stopped. */
void world_restart(struct world *w);
void world_keys(struct world *w, uint32_t epoch);

/* What the authority heard. */
struct meeting {
	struct relay_state state;
	size_t n_certificates, n_heads, n_aside;
	struct relay_aside aside[16];
	struct relay_head last_head;
};
void meeting_reset(struct meeting *m);
/* The authority brings what the relay lacks, `extra` items besides; RC as relay_exchange. */
enum rc world_exchange(struct world *w, const struct bytes *extra, struct meeting *out);
/* The bytes of such a request. */
struct bytes world_request(struct world *w, const struct bytes *extra);

struct worker {
	struct world *world;
	struct small_province_device device;
	uint8_t nonce[16], generation[16];
	uint64_t position, directory_seq;
	uint64_t log, n;		/* the log that it writes, entries so far */
	uint8_t head[16];
	bool with_certificate;
	uint64_t down_max;
	struct exchange_behind behind[8];
	size_t n_behind;
	bool old_lanes;			/* sends a digest that is not the relay's */
	bool named_lanes;		/* sends a digest of zeroes */
};
/* A device with an invitation of its own; not known to the relay. */
void worker_join(struct world *w, const char *unit, enum identity_role role, struct worker *out);
/* A second device on the first one's invitation. */
void worker_join_again(struct worker *first, struct worker *out);
/* All of them are made anew, with one invitation. */
void worker_join_together(struct world *w, struct worker *const *all, size_t n);
void worker_close(struct worker *k);
/* Its next frame: `count` entries of its log, sealed over so many bytes. */
struct bytes worker_frame(struct worker *k, const char *unit, unsigned compartment,
    uint32_t epoch, uint64_t count, size_t cargo);

/* One more frame of 24.1.1, activities, added to the items of a request. */
struct bytes worker_put_frame(struct worker *k, struct bytes *items);

/* How often the relay raised an alarm, and what it has. */
size_t world_alarms(struct world *w);
struct depot_counts world_counts(struct world *w);

/* A reply, taken apart. */
struct heard {
	enum rc rc;			/* of the session */
	struct welcome welcome;
	size_t n_receipts, n_receipted;	/* receipts outside the sequence; frames in them */
	uint8_t receipted[WORLD_FRAMES_MAX][FRAME_ID_BYTES];
	size_t n_statements;
	size_t n_frames;
	uint8_t frames[WORLD_FRAMES_MAX][FRAME_ID_BYTES];
	uint64_t positions[WORLD_FRAMES_MAX];
	size_t n_certificates, n_shares, n_share_lists, n_lane_receipts;
	struct bytes last_lane;		/* payload of the last item from the sequence but frames */
	bool ended, more;
	uint64_t position;
	size_t bytes;
};
void heard_reset(struct heard *a);
bool heard_receipts(const struct heard *a, const struct bytes *frame);
bool heard_serves(const struct heard *a, const struct bytes *frame);

/* A request with these items behind hello (and certificate); with or without end. */
struct bytes worker_request(struct worker *k, const struct bytes *items, bool ended);
/* Give bytes to a session in pieces of `step`, and take the reply apart. */
void world_say(struct world *w, const struct bytes *request, size_t step, struct heard *out);
void world_take_reply(struct world *w, const uint8_t *p, size_t len, struct heard *out);
/* Request and reply; nonce, generation, cursor and directory go on as a device's do. */
void worker_sync(struct worker *k, const struct bytes *items, struct heard *out);
/* The same; the relay must say that all is well. */
void worker_sync_ok(struct worker *k, const struct bytes *items, struct heard *out);
/* After a reply that came by another way. */
void worker_learn(struct worker *k, const struct heard *a);

#endif
