#ifndef SHARED_SYNC_REPLICA_H
#define SHARED_SYNC_REPLICA_H

/*
 * replica: a device's side of sync, over an open vault: its keys, its copy of
 * the directory, what it has sealed and sent, what it has opened and folded.
 * The same code is a commune's laptop and the province's consolidator.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "shared/base/bytes.h"
#include "shared/base/clock.h"
#include "shared/base/rc.h"
#include "shared/records/entry.h"
#include "shared/sync/directory.h"
#include "shared/sync/identity.h"

struct vault;
struct sqlite3;
struct form_set;
struct fold;
struct transport;
struct replica;

/* State of a row in table frame. */
enum replica_frame_state {
	REPLICA_UNSENT = 1,	/* own, sealed, no receipt yet */
	REPLICA_STORED,		/* own, receipted; kept to refill a relay */
	REPLICA_WAITING,	/* another's, not to be opened yet: see reason */
	REPLICA_QUARANTINED,	/* set aside: see reason */
	REPLICA_CARRIED		/* another's, opened and kept for sticks, or merely carried */
};

enum replica_reason {
	REASON_NONE, REASON_NO_KEY, REASON_NO_AUTHOR, REASON_NEWER, REASON_SIGNATURE,
	REASON_SEALED, REASON_GRAMMAR, REASON_CHAIN, REASON_NOT_ALLOWED, REASON_REFUSED,
	REASON_COUNT
};
/* What to tell a person, in Vietnamese or English. */
const char *replica_reason_text(enum replica_reason reason, bool vietnamese);

/*
 * Make this vault a device: keys, certificate, secrets and directory from an
 * opened invitation.  One transaction.  *device may be NULL.
 * RC_EXISTS: the vault is a device already.
 */
enum rc replica_join(struct vault *v, const struct invitation_parcel *parcel,
    const struct clock *clock, struct error *err) RC_CHECK;
/* Bring the tables to this program's version (vault_migrate).  RC_NEWER. */
enum rc replica_migrate(struct vault *v, struct error *err) RC_CHECK;
/*
 * Wrap the keys of the device and of its scopes for another master key (struct vault_rewrap), which is
 * all that a vault of this program's version holds wrapped.
 */
enum rc replica_rewrap(struct vault *from, struct vault *to, struct error *err) RC_CHECK;
/* Is the vault a device of a province?  Not when its join was cut short. */
bool replica_is_joined(struct vault *v);

/*
 * Open what the vault holds.  Starts nothing on the network.
 * RC_NOTFOUND: the vault is no device yet.
 */
enum rc replica_open(struct vault *v, const struct clock *clock, struct replica **out,
    struct error *err) RC_CHECK;
void replica_close(struct replica *r);

struct sqlite3 *replica_db(struct replica *r);
const struct directory *replica_directory(const struct replica *r);
const struct form_set *replica_forms(const struct replica *r);
/* The fold session that every change goes through; owned by the replica. */
struct fold *replica_fold(struct replica *r);
const uint8_t *replica_device(const struct replica *r);	/* 16 bytes */
const char *replica_unit(const struct replica *r);
enum identity_role replica_role(const struct replica *r);
const char *replica_url(const struct replica *r);
const char *replica_pin(const struct replica *r);
enum rc replica_set_url(struct replica *r, const char *url, const char *pin,
    struct error *err) RC_CHECK;
/* Holder's name of a device, as far as this replica can open it; else a short device id. */
const char *replica_name_of(struct replica *r, const uint8_t device[16]);
/*
 * The lawful order by which the values that an entry wrote into a register were erased, as the
 * authority signed it (formats.md "Erasure"); "" if none was.
 */
enum rc replica_erase_order(struct replica *r, const struct dot *dot, unsigned number,
    char order[DIRECTORY_REASON_MAX + 1], struct error *err) RC_CHECK;

/* How far a sync is. */
struct replica_progress {
	uint64_t bytes_up, bytes_down;		/* so far, in this sync */
	uint64_t entries_left;			/* ours without a receipt */
	uint64_t places_left;			/* in the relay's sequence, of everybody's lanes */
	unsigned failures;			/* rounds in a row that failed */
	int64_t wait_ms;			/* until the next try; 0: at work */
};

/*
 * What a sync needs of the world to go on after a failure, and to show how far it is.
 * Called outside the gate.  Any may be NULL; without `wait` the first failure is the last.
 */
struct replica_line {
	int64_t (*now)(void *ctx);		/* milliseconds; NULL: clock_monotonic_ms */
	bool (*wait)(void *ctx, int64_t ms);	/* false: no more tries */
	void (*progress)(void *ctx, const struct replica_progress *p);
	void *ctx;
	bool vietnamese;			/* the language of errors */
	unsigned tries;				/* that may fail in a row, the first one counted; 0: see below */
	unsigned patience;			/* seconds without an answer; 0: as transport.h says */
};

/*
 * Whoever runs commands while a sync waits for the network gives a gate: the
 * replica is inside it whenever it touches the vault, and outside it
 * whenever it waits.  All may be NULL.
 */
struct replica_gate {
	void (*enter)(void *ctx);
	void (*leave)(void *ctx);
	void *ctx;
	const struct replica_line *line;
};

enum {
	REPLICA_FAILURES_MAX = 8,		/* in a row; then a sync gives up */
	REPLICA_FAILURES_UNMET = 2,		/* as long as the server was not reached at all; 1 if busy */
	REPLICA_WAIT_MIN_MS = 1000,		/* before the second try; doubled each time */
	REPLICA_WAIT_BUSY_MS = 10000,		/* the same, when the server asks for it */
	REPLICA_WAIT_MAX_MS = 60000,
	REPLICA_SYNC_MAX_MS = 60 * 60000	/* no new try after so long */
};

struct replica_sync_result {
	uint64_t requests, bytes_up, bytes_down;
	uint64_t sent_frames, sent_entries, received_frames, received_entries;
	uint64_t waiting, quarantined;		/* now, in this replica */
	uint64_t relay_quarantined;		/* frames that the relay set aside */
	bool waits_for_admission;		/* the relay keeps our frames, and serves nothing yet */
	bool audit_cut;				/* the relay's audit log is not what it was */
	bool relay_full;			/* it had no room for our frames */
	bool may_wipe;				/* retired, and everything it had is stored: replica_may_wipe */
	unsigned failures;			/* rounds that failed and were tried again */
	int64_t milliseconds;
	int receipt_level;			/* 0 none, 1 stored, 2 held: of the province */
	int64_t receipt_at;
	bool at_hub;				/* the relay was a hub, on the way to the province */
	uint64_t hub_entries;			/* as in struct replica_status */
	int64_t hub_at;
};

/*
 * Push and pull until nothing is left.  A round that fails on a link that was there
 * is tried again (struct replica_line).  What was done before an error stays done;
 * the result is filled in any case.
 * RC_NET, RC_UNAVAILABLE, RC_PROTOCOL, RC_DENIED (retired, refused, other
 * province), RC_FULL, RC_IO.
 */
enum rc replica_sync(struct replica *r, struct transport *t, const struct replica_gate *gate,
    struct replica_sync_result *out, struct error *err) RC_CHECK;

/*
 * Is this device retired by a statement of the root, in its chain or (shown alone by a relay) ahead
 * of it?
 */
enum rc replica_is_retired(struct replica *r, bool *out, struct error *err) RC_CHECK;
/*
 * Is it, and is everything that it had to say, or
 * carried for others, stored by the relay?  Then its vault is to be wiped.
 */
enum rc replica_may_wipe(struct replica *r, bool *out, struct error *err) RC_CHECK;

/*
 * Seal what is unsealed, so that it can be sent or exported, in frames of about
 * frame_bytes of cargo, at most max_frames of them (0: all there is).
 */
enum rc replica_seal(struct replica *r, size_t frame_bytes, size_t max_frames,
    struct error *err) RC_CHECK;

/*
 * Take one item of a message or bundle (formats.md) from anywhere: statements,
 * certificates, shares, receipts, frames.  Own transaction.  What cannot be
 * accepted now is kept and counted, and is no error.
 */
enum rc replica_take(struct replica *r, int item_type, const uint8_t *payload, size_t len,
    struct replica_sync_result *count, struct error *err) RC_CHECK;

/*
 * The same as the bytes of a file, for a stick, given out piece by piece: what this replica has
 * of everybody's, and keys for colleagues (replica_peer.h).  What `put` returns stops it.
 * RC_LIMIT: more than EXCHANGE_BUNDLE_MAX.
 */
enum { REPLICA_IMPORT_PIECE = 64 << 10 };
typedef enum rc (*replica_bundle_put)(void *ctx, const uint8_t *data, size_t len);
enum rc replica_bundle_export(struct replica *r, replica_bundle_put put, void *ctx,
    struct replica_sync_result *out, struct error *err) RC_CHECK;

/*
 * Reading one, as its bytes come; each piece is a transaction.  name is what errors call it;
 * it, out and err are borrowed till the end.
 * feed: RC_FORMAT no bundle, RC_DENIED of another province, RC_NEWER.  finish: RC_FORMAT cut
 * off or damaged: what was whole is kept.  RC_LIMIT: more than may be set aside cannot be
 * accepted; all else is here.
 */
struct replica_import;
enum rc replica_import_start(struct replica *r, const char *name, struct replica_sync_result *out,
    struct replica_import **import, struct error *err) RC_CHECK;
enum rc replica_import_feed(struct replica_import *i, const uint8_t *p, size_t len) RC_CHECK;
/* False: it is damaged, and the rest is not looked at. */
bool replica_import_wants_more(const struct replica_import *i);
enum rc replica_import_finish(struct replica_import *i) RC_CHECK;
void replica_import_free(struct replica_import *i);	/* NULL is allowed */

/* Both in memory. */
enum rc replica_bundle_write(struct replica *r, struct bytes *bundle,
    struct replica_sync_result *out, struct error *err) RC_CHECK;
enum rc replica_bundle_read(struct replica *r, const char *name, const uint8_t *p, size_t len,
    struct replica_sync_result *out, struct error *err) RC_CHECK;

struct replica_status {
	uint64_t records, unsent_entries, conflicts, waiting, quarantined, newer;
	int receipt_level;
	int64_t receipt_at;		/* of the last receipt of any level, 0: none */
	uint8_t receipt_signer[16];
	uint64_t hub_entries;		/* of the unsent ones: a hub has them, to hand them on */
	int64_t hub_at;			/* of the last receipt of a hub, 0: none */
	uint64_t gaps;			/* entries known of that have not come */
	uint64_t left_out;		/* entries of retired or copied devices that nobody released */
};
enum rc replica_status(struct replica *r, struct replica_status *out, struct error *err) RC_CHECK;

/* Frames kept aside; free the array. */
struct replica_aside {
	uint8_t id[32];
	uint8_t device[16];
	char unit[IDENTITY_UNIT_MAX + 1];
	unsigned compartment;
	uint64_t entries;
	int64_t added;
	enum replica_frame_state state;
	enum replica_reason reason;
};
enum rc replica_aside(struct replica *r, struct replica_aside **out, size_t *n,
    struct error *err) RC_CHECK;

/*
 * A holder's receipt for everything that is folded completely (architecture
 * section 6): one signed receipt a device, queued to be sent by the next sync.
 * Call only after the backup is synced.  RC_DENIED: not a holder.
 */
enum rc replica_sign_held(struct replica *r, size_t *n, struct error *err) RC_CHECK;

/* Lines and head of the relay's audit log, as last seen.  RC_NOTFOUND: none. */
enum rc replica_audit_head(struct replica *r, uint64_t *n, uint8_t head[16],
    struct error *err) RC_CHECK;

/* Something a person should know: table event. */
enum rc replica_event(struct replica *r, const char *kind, const char *detail) RC_CHECK;

#endif
