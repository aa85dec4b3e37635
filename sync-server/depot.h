#ifndef SYNC_SERVER_DEPOT_H
#define SYNC_SERVER_DEPOT_H

/*
 * depot: the relay's store (schema/depot.sql): sealed frames, the sequence that they
 * are served in, the directory, certificates, nonces.  It keeps and finds; what may
 * be accepted and who gets what is decided in relay.
 *
 * A folder with depot.db (SQLite) and relay.key (the relay's 32-byte seed).  Several
 * processes may have it open; depot_begin and depot_refresh take in what the others
 * wrote.  Calls that change something run inside depot_begin … depot_end, and give
 * RC_FULL, RC_IO, RC_BUSY, RC_DAMAGED, RC_NOMEM or RC_INTERNAL beside what is named.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "shared/base/bytes.h"
#include "shared/base/rc.h"
#include "shared/sync/directory.h"
#include "shared/sync/exchange.h"
#include "shared/sync/frame.h"
#include "shared/sync/identity.h"
#include "sync-server/root_exchange.h"

struct depot;
struct secret;

enum {
	DEPOT_PROVINCE_BYTES = 8,
	DEPOT_LANE_MAX = EXCHANGE_LANE_MAX + 1,	/* with the NUL */
	DEPOT_INVITATION_USES_MAX = 16		/* beyond that somebody fills the directory with it */
};

/*
 * Make a depot in a folder (made if need be).  province: the only one whose genesis
 * it will take, NULL: any first one.  relay_seed: its signing seed, NULL: a new one.
 * RC_EXISTS: there is one.
 */
enum rc depot_create(const char *dir, const uint8_t province[DEPOT_PROVINCE_BYTES],
    const struct secret *relay_seed, struct error *err) RC_CHECK;
/* RC_NOTFOUND, RC_NEWER, RC_DAMAGED (also: a chain that does not verify). */
enum rc depot_open(const char *dir, struct depot **out, struct error *err) RC_CHECK;
void depot_close(struct depot *d);	/* NULL is allowed */
/* A consistent copy of depot.db into a new file, while others write. */
enum rc depot_backup(struct depot *d, const char *path, struct error *err) RC_CHECK;
/* After a restore: cursors of the old life mean nothing from now on. */
enum rc depot_renew_generation(struct depot *d) RC_CHECK;
/* The same for who takes part in it, in the caller's group: a hub, when what is above it was restored. */
enum rc depot_change_generation(struct depot *d) RC_CHECK;
/* The database may grow to so many bytes; 0: no limit.  Beyond it: RC_FULL. */
enum rc depot_limit(struct depot *d, uint64_t bytes) RC_CHECK;
/*
 * Leave so much room on the disk.  depot_has_room: may so many bytes be stored?  What is
 * small (nonces, statements, its own receipts) does not ask.
 */
void depot_reserve(struct depot *d, uint64_t bytes);
bool depot_has_room(const struct depot *d, size_t len);
/* What failed last, described. */
const struct error *depot_error(const struct depot *d);

/* Whole groups of changes.  depot_begin inside one is RC_OK and joins it. */
enum rc depot_begin(struct depot *d) RC_CHECK;
/* Commit if rc is RC_OK, else roll back (memory too); gives rc or what the commit said. */
enum rc depot_end(struct depot *d, enum rc rc) RC_CHECK;
enum rc depot_refresh(struct depot *d) RC_CHECK;
/*
 * Several groups in one commit: while held, depot_end (RC_OK) leaves a group as a piece that
 * waits, and undoes one that failed by itself.  depot_settle commits all that waits; so does
 * the depot_end of a group that is not held.  Nothing that waits may be confirmed to anybody.
 * If the commit fails, all of them are undone, and depot_undone is another number.
 */
void depot_hold(struct depot *d, bool held);
enum rc depot_settle(struct depot *d) RC_CHECK;
uint64_t depot_undone(const struct depot *d);

const struct directory *depot_directory(const struct depot *d);
const struct identity *depot_identity(const struct depot *d);	/* the relay's keys */
void depot_generation(const struct depot *d, uint8_t out[16]);
/* The nonce that the authority must show next. */
enum rc depot_root_nonce(struct depot *d, uint8_t out[16]) RC_CHECK;
enum rc depot_set_root_nonce(struct depot *d, const uint8_t nonce[16]) RC_CHECK;

/* ---- directory ---- */
/* Checks and keeps the next statement; one that is there already is RC_OK. */
enum rc depot_add_statement(struct depot *d, const uint8_t *p, size_t len, bool *forked,
    struct error *err) RC_CHECK;
/* RC_NOTFOUND. */
enum rc depot_statement(struct depot *d, uint64_t seq, struct bytes *out) RC_CHECK;
/* The last statement that retired a device.  RC_NOTFOUND. */
enum rc depot_retired_at(struct depot *d, const uint8_t device[16], uint64_t *seq) RC_CHECK;
/* Unit and role that a device had for whoever knew the chain up to seq.  RC_NOTFOUND: no device. */
enum rc depot_assigned_at(struct depot *d, const uint8_t device[16], uint64_t seq,
    char unit[IDENTITY_UNIT_MAX + 1], enum identity_role *role) RC_CHECK;

/*
 * Checks and keeps a certificate, and judges its use of the invitation.
 * *added is false when it was there.  RC_FORMAT, RC_AUTH, RC_NEWER.  RC_LIMIT: its invitation was used by
 * DEPOT_INVITATION_USES_MAX others that nobody has refused; the device keeps what it has.
 */
enum rc depot_add_certificate(struct depot *d, const uint8_t *p, size_t len, int64_t now,
    bool *added, struct error *err) RC_CHECK;
/* Bytes of a certificate that came by itself.  RC_NOTFOUND. */
enum rc depot_certificate(struct depot *d, const uint8_t device[16], struct bytes *out) RC_CHECK;
/* The first one with a number above `after`.  RC_NOTFOUND: no more. */
enum rc depot_certificate_after(struct depot *d, uint64_t after, uint64_t *serial,
    struct bytes *out) RC_CHECK;

enum depot_standing {
	STANDING_UNKNOWN, STANDING_GOOD, STANDING_WAITS, STANDING_RETIRED, STANDING_REFUSED
};
enum rc depot_standing(struct depot *d, const uint8_t device[16],
    enum depot_standing *out) RC_CHECK;
/* Devices that wait, and how many frames each; *out has n, free() it. */
enum rc depot_waiting(struct depot *d, size_t max, struct relay_waiting **out,
    size_t *n) RC_CHECK;

/* ---- devices that speak ---- */
/* Zeroes for one that has not spoken yet. */
enum rc depot_nonce(struct depot *d, const uint8_t device[16], uint8_t out[16]) RC_CHECK;
enum rc depot_set_nonce(struct depot *d, const uint8_t device[16], const uint8_t nonce[16],
    int64_t now, uint64_t position, uint64_t directory_seq) RC_CHECK;

struct depot_seen {
	uint8_t device[16];
	int64_t seen_at;
	uint64_t position, directory_seq;
	uint64_t entries;	/* that are here of its logs, and served */
};
/* Every device that has spoken; *out has n, free() it. */
enum rc depot_seen(struct depot *d, struct depot_seen **out, size_t *n) RC_CHECK;

/* ---- frames ---- */
enum depot_frame_state { FRAME_SERVED = 1, FRAME_WAITS, FRAME_ASIDE };
struct depot_frame {
	int64_t key;
	uint8_t id[FRAME_ID_BYTES], author[16], carrier[16];
	char unit[IDENTITY_UNIT_MAX + 1];
	unsigned compartment;
	uint64_t entries;
	int64_t received;
	enum depot_frame_state state;
	enum root_exchange_reason reason;
	bool told;		/* a receipt for it is on its way to its author */
};
/* RC_NOTFOUND. */
enum rc depot_find_frame(struct depot *d, const uint8_t id[FRAME_ID_BYTES],
    struct depot_frame *out) RC_CHECK;
enum rc depot_frame_bytes(struct depot *d, int64_t key, struct bytes *out) RC_CHECK;
/* Keeps a new frame; sets f->key. */
enum rc depot_put_frame(struct depot *d, struct depot_frame *f, const uint8_t *p,
    size_t len) RC_CHECK;
/* State, reason, author, unit, compartment, entries and told of a kept one. */
enum rc depot_change_frame(struct depot *d, const struct depot_frame *f) RC_CHECK;
/* The first frame that is not served with key above `after` and that state; reason 0: any.
 * RC_NOTFOUND: no more. */
enum rc depot_frame_after(struct depot *d, int64_t after, enum depot_frame_state state,
    enum root_exchange_reason reason, struct depot_frame *out) RC_CHECK;
/* The first frame of any state with key above `after`.  RC_NOTFOUND: no more. */
enum rc depot_frame_next(struct depot *d, int64_t after, struct depot_frame *out) RC_CHECK;
/* Out of the sequence, where no other thing ever takes its position; out of the store. */
enum rc depot_withdraw(struct depot *d, int64_t key) RC_CHECK;
enum rc depot_drop_frame(struct depot *d, int64_t key) RC_CHECK;
/* Bytes of frames set aside that a device handed in. */
enum rc depot_aside_bytes(struct depot *d, const uint8_t carrier[16], uint64_t *out) RC_CHECK;

/* ---- logs ---- */
struct depot_log {
	uint64_t log, n;
	uint8_t device[16], head[16];
	char unit[IDENTITY_UNIT_MAX + 1];
	unsigned compartment;
};
/* RC_NOTFOUND. */
enum rc depot_log(struct depot *d, uint64_t log, struct depot_log *out) RC_CHECK;
/* Take note of an accepted range.  *forked: another head is known at one of its edges. */
enum rc depot_note_range(struct depot *d, const struct frame_header *h,
    const struct frame_range *range, bool *forked) RC_CHECK;
/* Heads that moved after number `after`, in order: at most max; *last is the number reached. */
enum rc depot_heads_after(struct depot *d, uint64_t after, size_t max, struct relay_head **out,
    size_t *n, uint64_t *last) RC_CHECK;

/* ---- the sequence ---- */
enum rc depot_last_position(struct depot *d, uint64_t *out) RC_CHECK;
/* Append something with a body of its own; list: of a share line its statement, else 0. */
enum rc depot_append(struct depot *d, const char *lane, enum item_type type,
    const struct bytes *body, uint64_t list, uint64_t *position) RC_CHECK;
enum rc depot_append_frame(struct depot *d, const char *lane, int64_t key,
    uint64_t *position) RC_CHECK;
/* The device's certificate, unless the chain has it or the lane does. */
enum rc depot_publish(struct depot *d, const uint8_t device[16], const char *lane) RC_CHECK;
/* The first position of a lane above `after`.  RC_NOTFOUND. */
enum rc depot_lane_after(struct depot *d, const char *lane, uint64_t after,
    uint64_t *position) RC_CHECK;
/* The first thing of that type above a position, in whatever lane; not what was withdrawn.  RC_NOTFOUND. */
enum rc depot_next_of(struct depot *d, enum item_type type, uint64_t after, uint64_t *position,
    char lane[DEPOT_LANE_MAX], uint64_t *list) RC_CHECK;
/* What stands at a position; a frame's body is the frame. */
enum rc depot_at(struct depot *d, uint64_t position, enum item_type *type, uint64_t *list,
    struct bytes *body) RC_CHECK;

/* ---- shares and receipts ---- */
/* Payload of an item `share list`; last: the position of its last line. */
enum rc depot_put_share_list(struct depot *d, uint64_t seq, uint64_t lines, uint64_t last,
    const uint8_t *p, size_t len) RC_CHECK;
bool depot_has_share_list(struct depot *d, uint64_t seq);
enum rc depot_share_list(struct depot *d, uint64_t seq, uint64_t *lines, uint64_t *last,
    struct bytes *out) RC_CHECK;
/* The first list of a statement from `from` on.  RC_NOTFOUND. */
enum rc depot_next_share_list(struct depot *d, uint64_t from, uint64_t *seq) RC_CHECK;
/* Number of lines of a list in a lane above a position. */
enum rc depot_lines_in(struct depot *d, const char *lane, uint64_t after, uint64_t last,
    uint64_t list, uint64_t *out) RC_CHECK;
/* Remember a receipt; *added is false when it was there. */
enum rc depot_note_receipt(struct depot *d, const uint8_t *p, size_t len, bool *added) RC_CHECK;
/* Kind and signer, with which a receipt begins: p of these points to so many bytes. */
enum { DEPOT_RECEIPT_HEAD_BYTES = 1 + IDENTITY_ID_BYTES };
/* The last one of that kind and signer in a lane.  RC_NOTFOUND. */
enum rc depot_newest_receipt(struct depot *d, const char *lane, const uint8_t *p,
    struct bytes *out) RC_CHECK;
/* Of those below a position the newest stay, so many bytes of them; the others are forgotten. */
enum rc depot_drop_receipts(struct depot *d, const char *lane, const uint8_t *p, uint64_t position,
    uint64_t bytes) RC_CHECK;

/* ---- the audit log (depot_audit.c, formats.md "Audit log") ---- */
enum { DEPOT_AUDIT_HEAD_BYTES = 16, DEPOT_AUDIT_TEXT_MAX = 200 };
/* One line more, inside a group.  device may be NULL. */
enum rc depot_audit(struct depot *d, int64_t at, const char *kind, const uint8_t device[16],
    const char *detail) RC_CHECK;
/* Number of lines, and the head that covers them; zeroes when there is none. */
enum rc depot_audit_head(struct depot *d, uint64_t *n,
    uint8_t head[DEPOT_AUDIT_HEAD_BYTES]) RC_CHECK;
/*
 * Does every line follow from the one before?  *bad: the first that does not, 0: all do.
 * known: a head that somebody carried away when there were known_n lines, or NULL; *bad is
 * then also set when the log no longer has that head there.
 */
enum rc depot_audit_verify(struct depot *d, uint64_t known_n, const uint8_t *known,
    uint64_t *lines, uint64_t *bad) RC_CHECK;
/* When a device was seen last.  RC_NOTFOUND: never. */
enum rc depot_seen_at(struct depot *d, const uint8_t device[16], int64_t *at) RC_CHECK;

/* ---- of a hub (relay_upstream.h) ---- */
/* What it remembers by name.  RC_NOTFOUND. */
enum rc depot_keep(struct depot *d, const char *name, const void *p, size_t len) RC_CHECK;
enum rc depot_kept(struct depot *d, const char *name, struct bytes *out) RC_CHECK;
/* Frames of any state in the order of their coming: the first behind a key.  RC_NOTFOUND. */
struct depot_pending {
	int64_t key;
	uint8_t id[FRAME_ID_BYTES], carrier[16];
	enum depot_frame_state state;
	enum root_exchange_reason reason;
	size_t len;
};
enum rc depot_next_frame(struct depot *d, int64_t after, struct depot_pending *out) RC_CHECK;
enum rc depot_last_frame(struct depot *d, int64_t *key) RC_CHECK;	/* 0: there is none */
/* A frame that came from above is handed on all the same, as this carrier's: so its author is told. */
enum rc depot_hand_on(struct depot *d, const struct depot_frame *f,
    const uint8_t carrier[16]) RC_CHECK;
/* The first frame that is to be handed on so since the last call.  RC_NOTFOUND: none. */
enum rc depot_hand_on_from(struct depot *d, int64_t *key) RC_CHECK;
/* Receipts that came from the relay above: they are not handed back. */
enum rc depot_mark_from_above(struct depot *d, const uint8_t *p, size_t len) RC_CHECK;
enum rc depot_is_from_above(struct depot *d, const uint8_t *p, size_t len,
    bool *from_above) RC_CHECK;
/* The first receipt in the sequence behind a position.  RC_NOTFOUND. */
enum rc depot_next_receipt(struct depot *d, uint64_t after, uint64_t *position,
    struct bytes *out) RC_CHECK;

/* ---- for the operator ---- */
/* Once for each kind, device and detail. */
enum rc depot_alarm(struct depot *d, int64_t at, const char *kind, const uint8_t device[16],
    const char *detail) RC_CHECK;
enum rc depot_alarms(struct depot *d, void (*each)(void *ctx, int64_t at, const char *kind,
    const uint8_t device[16], const char *detail), void *ctx) RC_CHECK;
struct depot_counts { uint64_t statements, certificates, served, waits, aside, bytes; };
enum rc depot_count(struct depot *d, struct depot_counts *out) RC_CHECK;

#endif
