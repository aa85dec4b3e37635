#ifndef SHARED_SYNC_REPLICA_PURGE_H
#define SHARED_SYNC_REPLICA_PURGE_H

/*
 * replica_purge: closed cases leave a device once the province holds them (architecture
 * section 5 "Retention").  Their entries become hollow, the sealed frames that hold them go too,
 * and a mark on this device drops them again when they come back by a stick or a restored relay.
 */
#include "shared/sync/replica.h"

enum { REPLICA_PURGE_DAYS = 90, REPLICA_PURGE_DAYS_MAX = 36500 };

struct replica_purge_counts {
	uint64_t cases, records;	/* that left: cases, and all records with them */
	uint64_t kept;			/* closed for long enough, and not covered, or still needed */
	uint64_t frames;		/* sealed copies that left */
};

/*
 * Cases that were closed at least `days` ago, with what refers to them and the persons whom
 * nothing else refers to.  A record leaves only if a holder's receipt covers every one of its
 * entries, nothing of it is in conflict, nothing that stays refers to it, and no draft is about it.
 * RC_DENIED: a holder keeps everything.  RC_INVALID: days.
 */
enum rc replica_purge(struct replica *r, unsigned days, struct replica_purge_counts *out,
    struct error *err) RC_CHECK;

struct replica_purged {
	struct dot id, group;		/* group: the case with which it left */
	char form[ENTRY_FORM_NAME_MAX + 1];
	int64_t at;
	uint64_t later;			/* entries that were written about it since */
};
/* What left, the newest first, one line a record and case; free() it. */
enum rc replica_purged_list(struct replica *r, struct replica_purged **out, size_t *n,
    struct error *err) RC_CHECK;
struct replica_purged_counts { uint64_t records, later; };
enum rc replica_purged_count(struct replica *r, struct replica_purged_counts *out,
    struct error *err) RC_CHECK;

/*
 * Lift the mark of a record and of all that left with the same case: the next sync, or a stick,
 * brings them again.  *n: how many.  RC_NOTFOUND: it did not leave.
 */
enum rc replica_fetch(struct replica *r, const struct dot *id, uint64_t *n,
    struct error *err) RC_CHECK;

/*
 * What this device wrote into scopes that it may not read needs to stay only until it is held.
 * Inside the caller's transaction.
 */
enum rc replica_purge_sent(struct replica *r, struct error *err) RC_CHECK;

#endif
