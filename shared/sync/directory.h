#ifndef SHARED_SYNC_DIRECTORY_H
#define SHARED_SYNC_DIRECTORY_H

/*
 * directory: the province's signed chain of statements, and what it says
 * (formats.md "Directory").  Pure: memory only; whoever holds one stores the
 * statements' bytes and feeds them again at start, in order.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "shared/base/bytes.h"
#include "shared/base/rc.h"
#include "shared/sync/identity.h"

struct secret;
struct directory;

enum {
	DIRECTORY_HEAD_BYTES = 32,
	DIRECTORY_PAYLOAD_MAX = 1 << 20,
	DIRECTORY_UNITS_MAX = 10000,
	DIRECTORY_SHARES_MAX = 65536,
	DIRECTORY_COMPARTMENTS = 3
};

enum statement_type {
	STATEMENT_GENESIS = 1, STATEMENT_UNITS, STATEMENT_KEYS, STATEMENT_ADMIT,
	STATEMENT_RETIRE, STATEMENT_REFUSE, STATEMENT_REVOKE, STATEMENT_FORMS,
	STATEMENT_ASSIGN, STATEMENT_ERASE, STATEMENT_PLAN
};

struct unit {
	char code[IDENTITY_UNIT_MAX + 1];
	char parent[IDENTITY_UNIT_MAX + 1];	/* "" at the top */
	char successor[IDENTITY_UNIT_MAX + 1];
	char level[16], kind[16];		/* domain.md section 3 */
	char *full_name, *name;
	uint64_t valid_from, valid_to;		/* packed dates (formats.md "Entry"), 0: open */
	bool high_risk, sync_point;
};

enum device_state {
	DEVICE_CERTIFIED,	/* its certificate holds; not yet in the chain */
	DEVICE_ADMITTED,
	DEVICE_RETIRED,		/* counts up to its last heads */
	DEVICE_REFUSED		/* nothing of it counts */
};
struct device {
	struct certificate cert;
	enum device_state state;
	char unit[IDENTITY_UNIT_MAX + 1];	/* as assigned last */
	enum identity_role role;
	char reason[256];			/* of a retirement or refusal */
	struct device_head { uint64_t log, n; } *heads;	/* of a retirement */
	size_t n_heads;
};

struct scope_key {
	char unit[IDENTITY_UNIT_MAX + 1];
	unsigned compartment;
	uint32_t epoch;
	uint8_t public_key[32];
};

enum rc directory_new(struct directory **out) RC_CHECK;
void directory_free(struct directory *d);

/*
 * Add the next statement.  The first must be a genesis; `pinned` (may be NULL)
 * is the province (8 bytes) that it must belong to.
 * RC_FORMAT, RC_AUTH (signature), RC_PROTOCOL (wrong place: a gap, or
 * another statement at this position: *forked is true: an alarm), RC_NEWER.
 * A statement that is there already, byte for byte, is RC_OK.
 */
enum rc directory_add(struct directory *d, const uint8_t *p, size_t len,
    const uint8_t *pinned, bool *forked, struct error *err) RC_CHECK;
/* A certificate that came by itself (formats.md lane `c`).  Trusted as DEVICE_CERTIFIED. */
enum rc directory_add_certificate(struct directory *d, const uint8_t *p, size_t len,
    struct error *err) RC_CHECK;

/* Number of statements; seq of the last is one less. */
uint64_t directory_count(const struct directory *d);
void directory_head(const struct directory *d, uint8_t out[DIRECTORY_HEAD_BYTES]);
/* The first 16 bytes of the head after statement seq; false if it is not here. */
bool directory_head_at(const struct directory *d, uint64_t seq, uint8_t out[16]);
const uint8_t *directory_root(const struct directory *d);
const uint8_t *directory_recovery_key(const struct directory *d);
void directory_province(const struct directory *d, uint8_t out[8]);
const char *directory_name(const struct directory *d);
const char *directory_top_unit(const struct directory *d);

size_t directory_unit_count(const struct directory *d);
const struct unit *directory_unit_at(const struct directory *d, size_t i);	/* by code */
const struct unit *directory_unit(const struct directory *d, const char *code);
/* Is `unit` the same as `above` or below it? */
bool directory_unit_within(const struct directory *d, const char *unit, const char *above);

size_t directory_device_count(const struct directory *d);
const struct device *directory_device_at(const struct directory *d, size_t i);
const struct device *directory_device(const struct directory *d, const uint8_t id[16]);
bool directory_invitation_revoked(const struct directory *d, const uint8_t id[16]);
/* Number of devices (not refused) that were made with this invitation. */
size_t directory_invitation_uses(const struct directory *d, const uint8_t id[16]);

/* The newest key of a scope, or of one epoch; NULL if there is none. */
const struct scope_key *directory_scope_key(const struct directory *d, const char *unit,
    unsigned compartment);
const struct scope_key *directory_scope_key_at(const struct directory *d, const char *unit,
    unsigned compartment, uint32_t epoch);

/*
 * Need to know: may a device of this unit and role read the scope?
 * communicator: activities of its unit; caseworker: activities and cases of its
 * unit; supervisor: both, its unit and all below; analyst: reports, its unit and below;
 * holder: all compartments, its unit and below; relay: nothing.
 */
bool directory_may_read(const struct directory *d, const char *device_unit,
    enum identity_role role, const char *unit, unsigned compartment);
/* May it write there?  What it may read; and a communicator `cases` of its unit (tips). */
bool directory_may_write(const struct directory *d, const char *device_unit,
    enum identity_role role, const char *unit, unsigned compartment);

/*
 * The lanes of a device (formats.md "Lanes and the cursor"), sorted by byte, and
 * their digest.  Free each and the array with directory_lanes_free.
 */
enum rc directory_lanes(const struct directory *d, const uint8_t device[16],
    char ***lanes, size_t *n, uint8_t digest[16]) RC_CHECK;
void directory_lanes_free(char **lanes, size_t n);

/* The latest published form set: payload of the statement, NULL if none. */
const uint8_t *directory_forms(const struct directory *d, size_t *len, uint64_t *seq);

/* Shares: what a statement of type keys promised. */
struct share {
	char unit[IDENTITY_UNIT_MAX + 1];
	unsigned compartment;
	uint32_t epoch;
	bool to_device;
	char to_unit[IDENTITY_UNIT_MAX + 1];
	unsigned to_compartment;
	uint32_t to_epoch;
	uint8_t to_device_id[IDENTITY_ID_BYTES];
	uint8_t sealed[80];
};
void directory_share_write(const struct share *s, struct bytes *out);
enum rc directory_share_read(const uint8_t *p, size_t len, struct share *out) RC_CHECK;
void directory_share_root(const struct bytes *shares, size_t n, uint8_t root[32]);
/* Payload of a share item: line `index` of statement `seq` with its path. */
enum rc directory_share_item(const struct bytes *shares, size_t n, size_t index,
    uint64_t seq, struct bytes *out) RC_CHECK;
/* Check an item against the chain.  RC_AUTH: the path does not lead to the root. */
enum rc directory_share_check(const struct directory *d, const uint8_t *item, size_t len,
    struct share *out) RC_CHECK;
/* The same for a whole list (type 6); *out has n shares, free() it. */
enum rc directory_share_list_check(const struct directory *d, const uint8_t *item,
    size_t len, struct share **out, size_t *n) RC_CHECK;

/* ---- making statements (the authority) ---- */
enum rc directory_sign(const struct directory *d, const struct secret *root_seed,
    enum statement_type type, int64_t at, const struct bytes *payload,
    struct bytes *out) RC_CHECK;
void directory_write_genesis(const uint8_t root[32], const uint8_t recovery[32],
    const char *name, const char *top_unit, struct bytes *payload);
void directory_write_units(const struct unit *units, size_t n, struct bytes *payload);
void directory_write_keys(const struct scope_key *keys, size_t n, const struct bytes *shares,
    size_t n_shares, struct bytes *payload);
void directory_write_admit(const struct bytes *certificates, size_t n, struct bytes *payload);
void directory_write_retire(const uint8_t device[16], const char *reason,
    const struct device_head *heads, size_t n, struct bytes *payload);
void directory_write_refuse(const uint8_t device[16], const char *reason, struct bytes *payload);
void directory_write_revoke(const uint8_t invitation[16], const char *reason, struct bytes *payload);
void directory_write_assign(const uint8_t device[16], const char *unit,
    enum identity_role role, struct bytes *payload);

#endif
