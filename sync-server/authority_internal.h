#ifndef SYNC_SERVER_AUTHORITY_INTERNAL_H
#define SYNC_SERVER_AUTHORITY_INTERNAL_H

/* authority_internal: what the files of authority share; nobody else includes it. */
#include "sync-server/authority.h"

struct sqlite3;

/* Why this copy signs nothing (authority_head.c). */
enum authority_held { HELD_NOT, HELD_UNMET, HELD_BEHIND };

enum {
	AUTHORITY_KEYS_MAX = 15000,	/* in one statement; 1 MiB holds them */
	AUTHORITY_SHARES_MAX = 30000,	/* a share list fits one item */
	AUTHORITY_DEVICE_HEADS_MAX = 16384,	/* in one retirement */
	AUTHORITY_STATEMENT_MAX = DIRECTORY_PAYLOAD_MAX + 1024
};

struct authority {
	struct vault *vault;
	struct sqlite3 *db;
	struct clock clock;
	struct directory *directory;
	struct secret *root;		/* Ed25519 seed */
	struct secret *recovery;	/* X25519 scalar */
	enum authority_held held;
	struct authority_head known;	/* what holds it back, when it is behind */
};

/*
 * A transaction: what is done between, and the directory in memory, hold together.
 * authority_end commits when rc is RC_OK, else takes both back; returns rc or what
 * the commit said.
 */
enum rc authority_begin(struct authority *a, struct error *err) RC_CHECK;
enum rc authority_end(struct authority *a, enum rc rc, struct error *err) RC_CHECK;

/* RC_CONFLICT, described, while this copy is held back (authority_hold). */
enum rc authority_may_sign(const struct authority *a, struct error *err) RC_CHECK;
/* The relay was met, and knows nothing that is not known here. */
void authority_has_met(struct authority *a);
/* Sign the next statement, add it to the chain and store it. */
enum rc authority_statement(struct authority *a, enum statement_type type,
    const struct bytes *payload, uint64_t *seq, struct error *err) RC_CHECK;

/* The epochs of a scope, 1 … newest; 0: it has no key. */
uint32_t authority_newest_epoch(const struct authority *a, const char *unit,
    unsigned compartment);
enum rc authority_scope_secret(struct authority *a, const char *unit, unsigned compartment,
    uint32_t epoch, struct secret **out, struct error *err) RC_CHECK;

/* Place of a unit in the directory's order, or SIZE_MAX. */
size_t authority_unit_index(const struct authority *a, const char *unit);

/*
 * A change of keys that is being put together (authority_keys.c).  It becomes one
 * statement of type keys, or several where one would be too large.
 */
struct authority_keys {
	struct authority *a;
	size_t n_units;
	struct scope_key *newest;	/* [unit index * 3 + compartment]; epoch 0: none */
	struct scope_key *keys;
	size_t n_keys, cap_keys;
	struct bytes *shares;
	size_t n_shares, cap_shares;
	struct secret *fresh;		/* a new scope's secret while it is shared out */
};
/* After the units' statement is in the directory. */
enum rc authority_keys_init(struct authority_keys *k, struct authority *a) RC_CHECK;
void authority_keys_reset(struct authority_keys *k);
/* A new epoch for each scope with which[unit index * 3 + compartment], parents first. */
enum rc authority_keys_renew(struct authority_keys *k, const bool *which, size_t *n,
    struct error *err) RC_CHECK;
/* Seal epochs from `first` to the newest of a scope to a device, or to another unit's scope. */
enum rc authority_keys_to_device(struct authority_keys *k, const char *unit,
    unsigned compartment, uint32_t first, const struct certificate *cert,
    struct error *err) RC_CHECK;
enum rc authority_keys_to_unit(struct authority_keys *k, const char *unit,
    unsigned compartment, const char *to_unit, struct error *err) RC_CHECK;
/* Sign what has come together, if anything. */
enum rc authority_keys_sign(struct authority_keys *k, struct error *err) RC_CHECK;

/* which[…] for all scopes that a device of this unit and role may read; free() it. */
enum rc authority_readable(const struct authority *a, const char *unit,
    enum identity_role role, bool **which) RC_CHECK;
/* New epochs for which[…], signed.  *n: how many. */
enum rc authority_renew(struct authority *a, const bool *which, size_t *n,
    struct error *err) RC_CHECK;

/* Text of a person's or a reason: normal form C, 1..max bytes.  RC_INVALID. */
enum rc authority_text(const char *what, const char *text, size_t max, char **out,
    struct error *err) RC_CHECK;

/* The certificate that the relay reported for a device (authority_devices.c).  RC_NOTFOUND. */
enum rc authority_certificate(struct authority *a, const uint8_t device[IDENTITY_ID_BYTES],
    struct bytes *bytes, struct certificate *out, struct error *err) RC_CHECK;
/*
 * Admit devices: one statement for all, one for what was not in their invitations.
 * In the caller's transaction.
 */
enum rc authority_admit(struct authority *a, const struct bytes *certificates,
    const struct certificate *read, size_t n, struct error *err) RC_CHECK;
/* Why a person must decide about a device, or NULL: it may be admitted.  RC_NOTFOUND: unknown. */
enum rc authority_why_waits(struct authority *a, const struct certificate *cert,
    const char **why, struct error *err) RC_CHECK;

/*
 * Frames that were sealed again (authority_erase.c): into a request those that a relay of this
 * generation was not told of, and what its answer makes of them.  *more: some are left.
 */
enum rc authority_put_resealed(struct authority *a, const uint8_t generation[16],
    size_t bytes_max, struct bytes *out, struct error *err) RC_CHECK;
enum rc authority_resealed_told(struct authority *a, const uint8_t generation[16], bool *more,
    struct error *err) RC_CHECK;

/* What the relay said at the last meeting (authority_exchange.c). */
struct authority_view {
	uint8_t generation[16], nonce[16], request[16];
	int64_t statements, certificates, heads, met_at;
	/* lists of shares that a relay of another life may lack: 1 + the statement to go on with; 0: none */
	int64_t lists_due, lists_next;
};
enum rc authority_view_load(struct authority *a, struct authority_view *v, struct error *err) RC_CHECK;
enum rc authority_view_store(struct authority *a, const struct authority_view *v,
    struct error *err) RC_CHECK;

#endif
