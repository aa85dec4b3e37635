#ifndef SHARED_SYNC_DIRECTORY_H
#define SHARED_SYNC_DIRECTORY_H

/*
 * directory: the province's signed chain of statements, and what it says
 * (formats.md "Directory").  Pure: memory only; whoever holds one stores the
 * statements' bytes and feeds them again at start, in order.
 *
 * What it says is a function of the chain and of the set of certificates that
 * came beside it: the order in which the two arrive does not matter.  Pointers that
 * it hands out live until something is added.
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
	DIRECTORY_STATEMENT_MAX = DIRECTORY_PAYLOAD_MAX + 128,
	DIRECTORY_STATEMENTS_MAX = 1 << 20,
	DIRECTORY_UNITS_MAX = 10000,
	DIRECTORY_DEPTH_MAX = 8,		/* parents above a unit; also steps to successors */
	DIRECTORY_FORMER_MAX = 4,		/* parents of a unit that are remembered */
	DIRECTORY_UNIT_NAME_MAX = 200,		/* bytes */
	DIRECTORY_DEVICES_MAX = 50000,
	DIRECTORY_REVOKED_MAX = 50000,
	DIRECTORY_KEYS_MAX = 200000,
	DIRECTORY_RETIRE_HEADS_MAX = 65536,
	DIRECTORY_REASON_MAX = 255,		/* bytes */
	DIRECTORY_SHARES_MAX = 32768,		/* of one statement: a list must fit an item */
	DIRECTORY_SHARE_MAX = 128,		/* bytes of one */
	DIRECTORY_FORM_BYTES_MAX = 8 << 20,	/* all files of a set, inflated */
	DIRECTORY_COMPARTMENTS = 3,
	DIRECTORY_ERASURES_MAX = 200000,	/* entries named by all of them */
	ERASURE_FIELDS_MAX = 512,
	ERASURE_FIELD_MAX = 2047
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
	char reason[DIRECTORY_REASON_MAX + 1];	/* of a retirement or refusal */
	struct device_head { uint64_t log, n; } *heads;	/* of a retirement, by log */
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
 * is the province (8 bytes) that it must belong to.  When it fails, the directory is as before.
 * RC_FORMAT: the grammar.  RC_INVALID: breaks a rule (an unknown unit, a circle of
 * parents, an epoch that is not newer, …).  RC_LIMIT.  RC_AUTH: signature, or another
 * province.  RC_PROTOCOL: wrong place: a gap, or another statement of this root at this
 * position or after another past; then *forked is true: an alarm.  RC_NEWER: a newer version.
 * A statement that is there already, byte for byte, is RC_OK.  A statement of a type
 * that this program does not know (from 10) joins the chain, is counted
 * (directory_newer_count), and says nothing here.
 */
enum rc directory_add(struct directory *d, const uint8_t *p, size_t len,
    const uint8_t *pinned, bool *forked, struct error *err) RC_CHECK;
/*
 * A certificate that came by itself (formats.md lane `c`).  Trusted as
 * DEVICE_CERTIFIED, or as what the chain already said of the device.
 * RC_PROTOCOL: there is no genesis yet.
 */
enum rc directory_add_certificate(struct directory *d, const uint8_t *p, size_t len,
    struct error *err) RC_CHECK;
/*
 * The same two for bytes that were added once and lay since where nobody else can
 * write (the vault): everything is checked but signatures.  5,000 devices
 * would otherwise cost seconds at every start of a slow laptop.
 */
enum rc directory_load(struct directory *d, const uint8_t *p, size_t len,
    struct error *err) RC_CHECK;
enum rc directory_load_certificate(struct directory *d, const uint8_t *p, size_t len,
    struct error *err) RC_CHECK;

/* The outside of a statement, nothing checked but its grammar. */
struct statement_view {
	unsigned type;			/* enum statement_type, or newer */
	uint64_t seq;
	int64_t made_at;
	const uint8_t *previous;	/* 32 bytes, inside p */
	const uint8_t *payload;		/* inside p */
	size_t payload_len;
};
enum rc directory_statement_view(const uint8_t *p, size_t len,
    struct statement_view *out) RC_CHECK;

/* Number of statements; seq of the last is one less. */
uint64_t directory_count(const struct directory *d);
/* Of these, the ones whose type this program does not know. */
uint64_t directory_newer_count(const struct directory *d);
void directory_head(const struct directory *d, uint8_t out[DIRECTORY_HEAD_BYTES]);
/* The first 16 bytes of the head after statement seq; false (and zeroes) if it is not here. */
bool directory_head_at(const struct directory *d, uint64_t seq, uint8_t out[16]);
/* 32 bytes each; zeroes (which verify nothing) before the genesis. */
const uint8_t *directory_root(const struct directory *d);
const uint8_t *directory_recovery_key(const struct directory *d);
void directory_province(const struct directory *d, uint8_t out[8]);
/* The 32 bytes whose first 8 are the province: the fingerprint that people compare. */
void directory_fingerprint(const uint8_t root[32], uint8_t out[32]);
const char *directory_name(const struct directory *d);
const char *directory_top_unit(const struct directory *d);

size_t directory_unit_count(const struct directory *d);
const struct unit *directory_unit_at(const struct directory *d, size_t i);	/* by code */
const struct unit *directory_unit(const struct directory *d, const char *code);
/* Is `unit` the same as `above` or below it?  False when either is unknown. */
bool directory_unit_within(const struct directory *d, const char *unit, const char *above);

size_t directory_device_count(const struct directory *d);
const struct device *directory_device_at(const struct directory *d, size_t i);	/* by id */
/* NULL when its certificate is not here (whatever the chain says of it). */
const struct device *directory_device(const struct directory *d, const uint8_t id[16]);
/*
 * A statement of type retire, judged by itself, for the device that it shuts out: the statements
 * before it need not be here, since the root signed it and nobody is admitted again after it.
 * *out: its id, state, reason and last heads, nothing else; free the heads.
 * RC_NOTFOUND: it says something else, or of another device, or this chain has come so far and says
 * itself what holds.  RC_PROTOCOL: it does not follow the end of this chain.  RC_AUTH, RC_FORMAT,
 * RC_LIMIT, RC_NEWER, RC_NOMEM.
 */
enum rc directory_retirement_read(const struct directory *d, const uint8_t *p, size_t len,
    const uint8_t device[16], struct device *out) RC_CHECK;
/* Does entry n of a log of this device count?  Nothing of a refused one does, and of
   a retired one what its last heads cover. */
bool directory_device_counts(const struct device *device, uint64_t log, uint64_t n);
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
 * unit; supervisor: both and reports, its unit and all below (reports are made of what it reads
 * anyway, and it answers for their being there on time); analyst: reports alone, its unit and
 * below; holder: all compartments, its unit and below; relay: nothing.
 * A unit that was merged counts as its successor's own too.  Both units must be known.
 */
bool directory_may_read(const struct directory *d, const char *device_unit,
    enum identity_role role, const char *unit, unsigned compartment);
/*
 * May it write there?  What it may read; a communicator `cases` of its unit (tips); case workers
 * and supervisors `cases` of every unit (referrals).  What a device that may not read the scope
 * writes there is bounded: formats.md "Guests".
 */
bool directory_may_write(const struct directory *d, const char *device_unit,
    enum identity_role role, const char *unit, unsigned compartment);
/*
 * The same two for work that comes late: under a parent that the unit had once, too.  A unit that is
 * moved does not take back what was written before those who wrote it heard of that.
 */
bool directory_once_read(const struct directory *d, const char *device_unit,
    enum identity_role role, const char *unit, unsigned compartment);
bool directory_once_wrote(const struct directory *d, const char *device_unit,
    enum identity_role role, const char *unit, unsigned compartment);

/*
 * The lanes of a device (formats.md "Lanes and the cursor"), sorted by byte, and
 * their digest.  A retired or refused device has none.  Free with directory_lanes_free.
 * RC_NOTFOUND: no such device, or its unit is not known yet.
 */
enum rc directory_lanes(const struct directory *d, const uint8_t device[16],
    char ***lanes, size_t *n, uint8_t digest[16]) RC_CHECK;
void directory_lanes_free(char **lanes, size_t n);

/*
 * The latest published form set: payload of the statement, NULL if none.  Its list of
 * paths was checked (relative, no "..", within the limits), its deflate stream was not.
 */
const uint8_t *directory_forms(const struct directory *d, size_t *len, uint64_t *seq);

/* What a lawful order took away of one entry. */
struct erasure {
	uint64_t log, n;
	uint64_t seq;		/* of the statement */
	uint16_t *fields;	/* registers, ascending; NULL: all */
	size_t n_fields;
};
/* Of one entry, or (n 0) of a log, ascending; NULL: nothing. */
const struct erasure *directory_erasures(const struct directory *d, uint64_t log, uint64_t n,
    size_t *count);
/* All of them, by log and n; NULL behind the last. */
const struct erasure *directory_erasure_at(const struct directory *d, size_t i);
/* The last statement that took something of this log; 0: none. */
uint64_t directory_erased_at(const struct directory *d, uint64_t log);
void directory_erasures_free(struct erasure *list, size_t n);

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
/* `shares` below are n encoded shares, each as directory_share_write made it. */
void directory_share_write(const struct share *s, struct bytes *out);
enum rc directory_share_read(const uint8_t *p, size_t len, struct share *out) RC_CHECK;
void directory_share_root(const struct bytes *shares, size_t n, uint8_t root[32]);
/* Payload of a share item: line `index` of statement `seq` with its path. */
enum rc directory_share_item(const struct bytes *shares, size_t n, size_t index,
    uint64_t seq, struct bytes *out) RC_CHECK;
/* The same for many lines of one list: hash it once.  The shares are borrowed till free. */
struct share_tree;
enum rc directory_share_tree_new(const struct bytes *shares, size_t n,
    struct share_tree **out) RC_CHECK;
void directory_share_tree_free(struct share_tree *t);
enum rc directory_share_tree_item(const struct share_tree *t, size_t index, uint64_t seq,
    struct bytes *out) RC_CHECK;
/* Payload of a share list item: the whole list of statement `seq`. */
void directory_share_list_write(const struct bytes *shares, size_t n, uint64_t seq,
    struct bytes *out);
/*
 * Check an item against the chain.  RC_AUTH: the path does not lead to the root.
 * RC_NOTFOUND: statement `seq` is not here yet, or promised no shares.  RC_FORMAT.
 * Whether the sealed key is that of the scope is for who opens it to see.
 */
enum rc directory_share_check(const struct directory *d, const uint8_t *item, size_t len,
    struct share *out) RC_CHECK;
/* The same for a whole list (type 6); *out has n shares, free() it. */
enum rc directory_share_list_check(const struct directory *d, const uint8_t *item,
    size_t len, struct share **out, size_t *n) RC_CHECK;
/* Cut a list (type 6) that was checked into its encoded shares, e.g. for a tree.  Free
   each with bytes_reset and the array with free().  RC_FORMAT, RC_LIMIT, RC_NOMEM. */
enum rc directory_share_list_read(const uint8_t *item, size_t len, uint64_t *seq,
    struct bytes **shares, size_t *n) RC_CHECK;

/*
 * ---- making statements (the authority) ----
 * directory_sign appends the next statement of the chain `d` (whose first may only
 * be a genesis) to out; it does not add it.  The others append a payload and judge
 * nothing: directory_add does.
 */
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
void directory_write_refuse(const uint8_t device[16], const char *reason,
    struct bytes *payload);
void directory_write_revoke(const uint8_t invitation[16], const char *reason,
    struct bytes *payload);
void directory_write_erase(const char *order, const struct erasure *list, size_t n,
    struct bytes *payload);
void directory_write_assign(const uint8_t device[16], const char *unit,
    enum identity_role role, struct bytes *payload);

#endif
