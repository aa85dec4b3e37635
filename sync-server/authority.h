#ifndef SYNC_SERVER_AUTHORITY_H
#define SYNC_SERVER_AUTHORITY_H

/*
 * authority: the province's root (architecture section 6).  Signs the
 * directory, holds every scope secret, invites, admits, retires.  All of it is in a
 * vault of its own, so nothing is clear on disk; schema/authority.sql is the
 * database inside.
 *
 * Every call that changes something is one transaction: the statement, the
 * secrets and the shares are all there or none of them.  Besides the results named
 * below each may return RC_NOMEM, RC_IO, RC_FULL, RC_DAMAGED, RC_INTERNAL.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "shared/base/bytes.h"
#include "shared/base/clock.h"
#include "shared/base/rc.h"
#include "shared/sync/directory.h"
#include "shared/sync/identity.h"

struct authority;
struct form_file;
struct secret;
struct vault;

enum {
	AUTHORITY_NAME_MAX = 200,		/* bytes of the province's name */
	AUTHORITY_FINGERPRINT_MAX = 80,		/* 64 hex digits in groups of four, and a NUL */
	AUTHORITY_DAYS_MAX = 366,		/* life of an invitation */
	AUTHORITY_CSV_MAX = 16 << 20,
	AUTHORITY_REPLY_MAX = 64 << 20
};

/*
 * Make a province in an open, empty vault: root, recovery key, genesis.  Takes the
 * vault when it succeeds.  RC_EXISTS: an authority is in it.  RC_INVALID: the name.
 */
enum rc authority_create(struct vault *v, const char *name, const struct clock *clock,
    struct authority **out, struct error *err) RC_CHECK;
/*
 * Read what the vault holds.  (authority_verify checks signatures.)  Takes the vault when it
 * succeeds.  RC_NOTFOUND: no authority is in it.  RC_NEWER.
 */
enum rc authority_open(struct vault *v, const struct clock *clock, struct authority **out,
    struct error *err) RC_CHECK;
/* Closes the vault too.  NULL is allowed. */
void authority_close(struct authority *a);

const struct directory *authority_directory(const struct authority *a);
/* The whole hash of the root in hex groups; people compare it by eye. */
void authority_fingerprint(const struct authority *a, char out[AUTHORITY_FINGERPRINT_MAX]);
/* Secret of the recovery key: opens any worker's vault.  Borrowed. */
const struct secret *authority_recovery_secret(const struct authority *a);
/* Check every stored chain, share list, secret and certificate; what is wrong goes to err. */
enum rc authority_verify(struct authority *a, uint64_t *checked, struct error *err) RC_CHECK;

/* Certify and admit the relay that stands in the other folder. */
enum rc authority_admit_relay(struct authority *a, const struct identity *relay,
    struct bytes *certificate, struct error *err) RC_CHECK;

/* ---- units (authority_units.c) ---- */

struct authority_import { size_t added, changed, unchanged; };
/*
 * A sheet of units: code, full_name_vi, name_vi, level, kind, parent_code and, if the
 * sheet has them, valid_from, valid_to, successor_code, high_risk, sync_point; a
 * column that is missing leaves what was.  under: that unit of the sheet alone, as the top, and
 * what is below it (one province out of a country's sheet); NULL: every row.  All or nothing.  New units get keys of
 * epoch 1; a unit with a new parent gets new ones, and the parent all its epochs.
 * RC_FORMAT, RC_INVALID, RC_LIMIT: described at `name:line:column`.
 */
enum rc authority_import_units(struct authority *a, const char *name, const uint8_t *csv,
    size_t len, const char *under,
    struct authority_import *out, struct error *err) RC_CHECK;
/*
 * New epochs of a unit's three scopes, and with `below` of all under it.
 * *n: scopes.  RC_NOTFOUND.
 */
enum rc authority_rotate(struct authority *a, const char *unit, bool below, size_t *n,
    struct error *err) RC_CHECK;

/* ---- people and devices (authority_people.c, authority_devices.c) ---- */

enum authority_invitation_state { INVITATION_OPEN, INVITATION_USED, INVITATION_REVOKED };

struct authority_invite {
	const char *unit;
	enum identity_role role;
	const char *name;	/* of the holder */
	int days;		/* 1..AUTHORITY_DAYS_MAX */
	const char *url, *pin;	/* of the server, or "" */
};
/*
 * One-use invitation: *file is the sealed parcel, *code opens it and is the caller's.
 * One for a relay (a hub) holds no scope's secret.
 * RC_NOTFOUND: the unit.  RC_INVALID: name, days or role.  RC_LIMIT: the parcel is too large.
 */
enum rc authority_invite(struct authority *a, const struct authority_invite *request,
    uint8_t id[IDENTITY_ID_BYTES], struct bytes *file, struct secret **code,
    struct error *err) RC_CHECK;

struct authority_invitation {
	uint8_t id[IDENTITY_ID_BYTES];
	char unit[IDENTITY_UNIT_MAX + 1];
	enum identity_role role;
	char name[IDENTITY_NAME_MAX + 1];
	int64_t made_at, not_after;
	enum authority_invitation_state state;
};
/* All of them, oldest first; free() the array. */
enum rc authority_invitations(struct authority *a, struct authority_invitation **out,
    size_t *n, struct error *err) RC_CHECK;
/*
 * Withdraw an open invitation; the scopes whose secrets were in it get new epochs.
 * RC_NOTFOUND.  RC_INVALID: it was used or withdrawn.
 */
enum rc authority_revoke(struct authority *a, const uint8_t id[IDENTITY_ID_BYTES],
    const char *reason, size_t *rotated, struct error *err) RC_CHECK;

struct authority_device {
	uint8_t id[IDENTITY_ID_BYTES];
	char unit[IDENTITY_UNIT_MAX + 1];
	enum identity_role role;
	char name[IDENTITY_NAME_MAX + 1];	/* from its invitation; may be empty */
	int64_t joined_at;
	enum device_state state;	/* DEVICE_CERTIFIED: waits for a decision */
	char reason[256];		/* why it waits, or was retired or refused */
	uint64_t waiting_frames;	/* that the relay keeps aside */
	uint64_t entries;		/* that the relay had of it when it was met last */
};
/* Every device of the chain and those that wait; free() the array. */
enum rc authority_devices(struct authority *a, struct authority_device **out, size_t *n,
    struct error *err) RC_CHECK;
/*
 * Shut a device out from the last heads that the relay reported on, and give new
 * epochs to every scope that it could open.  RC_NOTFOUND; RC_INVALID: it is out already.
 */
enum rc authority_retire(struct authority *a, const uint8_t device[IDENTITY_ID_BYTES],
    const char *reason, size_t *rotated, struct error *err) RC_CHECK;
/*
 * Give a device another unit and role.  What it may read from now on is sealed to
 * it; what it may no longer read gets new epochs.  RC_NOTFOUND, RC_INVALID.
 */
enum rc authority_assign(struct authority *a, const uint8_t device[IDENTITY_ID_BYTES],
    const char *unit, enum identity_role role, size_t *rotated, struct error *err) RC_CHECK;

/*
 * Find by a hex id or a beginning of it of at least 4 digits that fits only one.
 * RC_NOTFOUND, RC_INVALID: fits several.
 */
enum rc authority_find_device(struct authority *a, const char *text,
    uint8_t out[IDENTITY_ID_BYTES], struct error *err) RC_CHECK;
enum rc authority_find_invitation(struct authority *a, const char *text,
    uint8_t out[IDENTITY_ID_BYTES], struct error *err) RC_CHECK;

/* ---- forms (authority_forms.c) ---- */

/*
 * Publish the form set in a folder that holds forms/ and codes/: all its files.  *changed is
 * false when it is the one that is published already.  RC_INVALID: it cannot follow that
 * one.  RC_FORMAT, RC_LIMIT.
 */
enum rc authority_publish_dir(struct authority *a, const char *dir, bool *changed,
    struct error *err) RC_CHECK;
/* The set that ships inside the program. */
enum rc authority_publish_shipped(struct authority *a, bool *changed, struct error *err) RC_CHECK;

/*
 * Publish the sheets of rules in a folder (holiday.csv, deadline.csv ...; case_rules.h) beside the forms
 * that are published, in place of all such sheets before; dir NULL: none, the program's count again.
 * RC_FORMAT: file:row:column of a bad sheet, or the folder holds another file of this kind, or none.
 * Publishing forms leaves the rules as they are.
 */
enum rc authority_publish_rules(struct authority *a, const char *dir, bool *changed,
    struct error *err) RC_CHECK;

/* ---- old copies (authority_head.c) ---- */

/*
 * An authority that was put back from an old backup would sign other statements at positions that
 * are taken.  So whoever opens it tells it how far its chain is known to have come.
 */
struct authority_head {
	uint64_t statements;
	uint8_t head[DIRECTORY_HEAD_BYTES];
};
/*
 * How far it has: here, or as authority_hold or a relay said, if that is what holds it back.
 * False: it was put back, and what is here says nothing.
 */
bool authority_head(const struct authority *a, struct authority_head *out);
/*
 * Every call that signs gives RC_CONFLICT from now on if the chain here does not hold `known`; with
 * NULL, which says that the copy was put back, until authority_reply has compared it with a relay.
 * A reply that is RC_CONFLICT does the same with the relay's head.
 */
void authority_hold(struct authority *a, const struct authority_head *known);

/* ---- meeting the relay (authority_exchange.c, authority_reply.c; formats.md "Exchange …") ---- */

/*
 * Request for the relay: what it lacks, by what it said last, and frames to release.
 * Only the last request can be answered.
 */
enum rc authority_request(struct authority *a, struct bytes *out, struct error *err) RC_CHECK;

struct authority_meeting {
	uint64_t statements;		/* that the relay has now */
	uint64_t certificates;		/* that were new here */
	uint64_t admitted;		/* devices, without a person's decision */
	uint64_t waiting;		/* devices that need one */
	uint64_t aside;			/* frames that the relay keeps aside */
	bool again;			/* another request is due at once */
};
/*
 * Take the relay's reply: heads, what it keeps aside, certificates.  Devices whose
 * invitation is open, was used once and in time are admitted here.
 * RC_PROTOCOL: it is no reply to the last request.  RC_AUTH: not signed by a relay of
 * this province.  RC_NEWER.  RC_CONFLICT: the relay has statements that this authority
 * does not know, or not so: this is an old copy, or two of them sign.
 */
enum rc authority_reply(struct authority *a, const uint8_t *reply, size_t len,
    struct authority_meeting *out, struct error *err) RC_CHECK;
/* When the relay was met last; 0: never. */
int64_t authority_met_at(struct authority *a);

struct authority_aside {
	uint8_t frame[32], author[IDENTITY_ID_BYTES];
	unsigned reason;	/* enum root_exchange_reason */
	int64_t received;
	bool released;		/* here; the relay does not know yet */
};
/* Frames that the relay kept aside at the last meeting; free() the array. */
enum rc authority_aside(struct authority *a, struct authority_aside **out, size_t *n,
    struct error *err) RC_CHECK;
/* Accept such a frame: told to the relay at the next meeting.  RC_NOTFOUND. */
enum rc authority_release_frame(struct authority *a, const uint8_t frame[32],
    struct error *err) RC_CHECK;
/* By a hex id or a beginning of it, as below. */
enum rc authority_find_aside(struct authority *a, const char *text, uint8_t out[32],
    struct error *err) RC_CHECK;

/* ---- erasure on a lawful order (authority_erase.c; erasure.h finds what it names) ---- */

struct frame_header;
/* Sign that something of these entries (ascending) is erased.  RC_LIMIT: too many. */
enum rc authority_erase(struct authority *a, const char *order, const struct erasure *list,
    size_t n, struct error *err) RC_CHECK;
/* What opens a frame.  RC_NOTFOUND: its scope's epoch is not known. */
enum rc authority_frame_secret(struct authority *a, const struct frame_header *h,
    struct secret **out, uint8_t public_key[32], struct error *err) RC_CHECK;
/*
 * Seal another cargo in the place of a frame, signed by the root.  It is kept, and told to the
 * relay at the next meeting, and to one that was restored again.
 */
enum rc authority_reseal(struct authority *a, const struct frame_header *of,
    const uint8_t *cargo, size_t len, struct error *err) RC_CHECK;

/* Admit or refuse a device that waits.  RC_NOTFOUND; RC_INVALID: it does not wait. */
enum rc authority_release(struct authority *a, const uint8_t device[IDENTITY_ID_BYTES],
    struct error *err) RC_CHECK;
enum rc authority_refuse(struct authority *a, const uint8_t device[IDENTITY_ID_BYTES],
    const char *reason, struct error *err) RC_CHECK;

#endif
