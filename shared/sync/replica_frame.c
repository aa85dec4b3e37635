#include <stdlib.h>
#include <string.h>

#include "shared/records/redaction.h"
#include "shared/records/fold.h"
#include "shared/records/journal.h"
#include "shared/sync/cargo.h"
#include "shared/sync/replica_erase.h"
#include "shared/sync/replica_guest.h"
#include "shared/sync/replica_heads.h"
#include "shared/sync/replica_quota.h"
#include "shared/sync/replica_relay.h"
#include "shared/sync/replica_watch.h"
#include "shared/vault/query.h"
#include "shared/vault/secret.h"

/* A frame on its way in. */
struct arrival {
	struct replica *replica;
	const uint8_t *bytes;
	size_t len;
	struct frame_header header;
	const struct device *author;
	bool guest;			/* it may not read what it writes */
	bool stale;			/* sealed before an erasure: not to be kept */
	bool owed;			/* nobody answers for it: there must be room (replica_quota.h) */
	struct bytes cargo_bytes;
	struct cargo cargo;
	struct bytes bodies;
	struct journal_piece *pieces;
	size_t *places;			/* of the bodies, since their buffer moves */
	uint64_t new_entries;
};

/* Keep a frame that is not opened, with why. */
static enum rc
set_aside(struct arrival *a, enum replica_frame_state state, enum replica_reason reason,
    struct error *err)
{
	const struct frame_header *h = &a->header;
	enum replica_forward forward = FORWARD_NOT;
	bool room = true;
	int64_t here;
	enum rc rc;

	if (a->replica->by_stick)
		forward = state == REPLICA_QUARANTINED ? FORWARD_NOT_NOW : FORWARD_CARRIED;
	if (a->stale)	/* who re-seals it is the authority, or its author */
		return query_run(a->replica->db, err, "DELETE FROM frame WHERE id = ?1", "b", h->id,
		    sizeof(h->id));
	if (a->owed) {
		rc = query_int(a->replica->db, err, &here, "SELECT count(*) FROM frame WHERE id = ?1", "b",
		    h->id, sizeof(h->id));
		if (rc == RC_OK && here == 0)
			rc = replica_quota_take(a->replica, a->len, &room, err);
		if (rc != RC_OK || !room)
			return rc;
	}
	return query_run(a->replica->db, err, "INSERT INTO frame(id, state, reason, device, unit,"
	    " compartment, epoch, entries, added, bytes, forward) VALUES (?1, ?2, ?3, ?4, ?5, ?6,"
	    " ?7, ?8, ?9, ?10, ?13) ON CONFLICT(id) DO UPDATE SET state = ?2, reason = ?3, forward ="
	    " CASE WHEN forward = 0 THEN 0 WHEN ?2 = ?12 THEN ?14 WHEN forward = ?14 THEN ?15"
	    " ELSE forward END WHERE state IN (?11, ?12) AND (state <> ?2 OR reason <> ?3)",
	    "biibtiiiibiiiii", h->id, sizeof(h->id), (int64_t)state,
	    (int64_t)reason, h->device, sizeof(h->device), h->unit, (int64_t)h->compartment,
	    (int64_t)h->epoch, (int64_t)h->n_entries, clock_now(&a->replica->clock), a->bytes,
	    a->len, (int64_t)REPLICA_WAITING, (int64_t)REPLICA_QUARANTINED, (int64_t)forward,
	    (int64_t)FORWARD_NOT_NOW, (int64_t)FORWARD_CARRIED);
}

/*
 * All its entries are here already with their bodies, by the heads that its author signed, or have
 * left this device.
 */
static enum rc
is_repeat(struct arrival *a, bool *repeat, struct error *err)
{
	uint8_t head[ENTRY_HEAD_BYTES];
	int64_t n;
	enum rc rc = RC_OK;

	*repeat = false;
	for (size_t i = 0; i < a->header.n_ranges; i++) {
		const struct frame_range *g = &a->header.ranges[i];

		rc = journal_head(a->replica->db, g->log, g->first + g->count - 1, head, NULL);
		if (rc == RC_NOTFOUND || (rc == RC_OK && memcmp(head, g->after, sizeof(head)) != 0))
			return RC_OK;
		if (rc != RC_OK)
			return rc;
		/* a head may be known from another frame's header alone */
		rc = query_int(a->replica->db, err, &n, "SELECT count(*) FROM entry WHERE log = ?1"
		    " AND n BETWEEN ?2 AND ?3 AND (body IS NOT NULL OR EXISTS (SELECT 1 FROM purged AS p"
		    " WHERE p.log = record_log AND p.n = record_n))", "iii",
		    (int64_t)g->log, (int64_t)g->first, (int64_t)(g->first + g->count - 1));
		if (rc != RC_OK || (uint64_t)n != g->count)
			return rc;
	}
	*repeat = true;
	return rc;
}

/* REASON_NONE: opened.  *state says what becomes of it otherwise. */
static enum rc
open_frame(struct arrival *a, enum replica_frame_state *state, enum replica_reason *reason,
    struct error *err)
{
	struct replica *r = a->replica;
	const struct frame_header *h = &a->header;
	const struct scope_key *k;
	struct secret *key = NULL;
	bool writes = false;
	enum rc rc;

	*state = REPLICA_QUARANTINED;
	*reason = REASON_NONE;
	a->author = directory_device(r->directory, h->device);
	if (a->author == NULL) {
		*state = REPLICA_WAITING;
		*reason = REASON_NO_AUTHOR;
		return RC_OK;
	}
	if (a->author->state == DEVICE_REFUSED)
		*reason = REASON_REFUSED;
	else if ((rc = frame_verify(h, a->bytes, a->len, h->kind == FRAME_RESEALED ?
	    directory_root(r->directory) : a->author->cert.sign_public)) == RC_AUTH)
		*reason = REASON_SIGNATURE;
	else if (rc != RC_OK)
		return rc;
	if (*reason != REASON_NONE)
		return RC_OK;
	a->owed = h->kind != FRAME_RESEALED && !replica_quota_answers(a->author, h);
	if ((rc = replica_guest_judge(r, a->author, h->unit, h->compartment, &writes, &a->guest,
	    err)) != RC_OK)
		return rc;
	if (!writes) {
		*reason = REASON_NOT_ALLOWED;
		return RC_OK;
	}
	if ((rc = replica_heads_heard(r, h, err)) != RC_OK)
		return rc;
	k = directory_scope_key_at(r->directory, h->unit, h->compartment, h->epoch);
	rc = k == NULL ? RC_NOTFOUND :
	    replica_scope_secret(r, h->unit, h->compartment, h->epoch, &key, err);
	if (rc == RC_NOTFOUND) {
		/* what a stick brought for others is carried; nobody here waits for it */
		*state = r->by_stick && !directory_may_read(r->directory, replica_unit(r),
		    replica_role(r), h->unit, h->compartment) ? REPLICA_CARRIED : REPLICA_WAITING;
		*reason = REASON_NO_KEY;
		return RC_OK;
	}
	if (rc == RC_OK)
		rc = frame_open(h, a->bytes, a->len, k->public_key, key, &a->cargo_bytes);
	secret_free(key);
	if (rc == RC_AUTH || rc == RC_FORMAT) {
		*reason = REASON_SEALED;
		return RC_OK;
	}
	return rc;
}

static enum rc
unpack(struct arrival *a, enum replica_frame_state *state, enum replica_reason *reason)
{
	const struct frame_header *h = &a->header;
	struct cargo_log *ranges;
	enum rc rc;

	if ((ranges = calloc(h->n_ranges + 1, sizeof(*ranges))) == NULL)
		return RC_NOMEM;
	for (size_t i = 0; i < h->n_ranges; i++) {
		ranges[i].log = h->ranges[i].log;
		ranges[i].first = h->ranges[i].first;
		ranges[i].count = h->ranges[i].count;
	}
	rc = cargo_decode(a->cargo_bytes.data, a->cargo_bytes.len, ranges, h->n_ranges, &a->cargo);
	free(ranges);
	if (rc == RC_NEWER) {
		*state = REPLICA_WAITING;
		*reason = REASON_NEWER;
		return RC_OK;
	}
	if (rc == RC_FORMAT || rc == RC_LIMIT) {
		*reason = REASON_GRAMMAR;
		return RC_OK;
	}
	if (rc == RC_OK && a->guest && !replica_guest_allows(&a->cargo))
		*reason = REASON_NOT_ALLOWED;
	return rc;
}

/* The canonical bodies of all entries: what the journal keeps and the tags are made of. */
static enum rc
encode_bodies(struct arrival *a, enum replica_reason *reason)
{
	size_t n = a->cargo.n_entries;
	size_t start, log = 0;
	uint64_t left = 0;
	enum rc rc;

	a->pieces = calloc(n + 1, sizeof(*a->pieces));
	a->places = calloc(n + 1, sizeof(*a->places));
	if (a->pieces == NULL || a->places == NULL)
		return RC_NOMEM;
	for (size_t i = 0; i < n; i++) {
		const struct cargo_entry *e = &a->cargo.entries[i];

		while (left == 0 && log < a->cargo.n_logs)
			left = a->cargo.logs[log++].count;
		left--;
		start = a->places[i] = a->bodies.len;
		if (e->hollow) {
			memcpy(a->pieces[i].tag, e->tag, ENTRY_TAG_BYTES);
			continue;
		}
		rc = replica_erase_encode(a->replica, &a->cargo.logs[log - 1], e, &a->pieces[i], &a->bodies);
		if (rc == RC_DENIED) {	/* the statement that took something of it may come */
			*reason = REASON_NOT_ALLOWED;
			return RC_OK;
		}
		if (rc == RC_INTERNAL || rc == RC_LIMIT) {	/* not canonical, or too long */
			*reason = REASON_GRAMMAR;
			return RC_OK;
		}
		if (rc != RC_OK)
			return rc;
		a->pieces[i].len = a->bodies.len - start;
		/* columns repeat a text in one byte: what is small on the way may be no frame of ours */
		if (a->bodies.len > REPLICA_BODIES_MAX) {
			*reason = REASON_GRAMMAR;
			return RC_OK;
		}
	}
	for (size_t i = 0; i < n; i++)
		if (!a->cargo.entries[i].hollow)
			a->pieces[i].body = a->bodies.data + a->places[i];
	return RC_OK;
}

/* An own log: what of it was not here has been written in another place, or before a restore. */
static enum rc
receive_log(struct replica *r, const struct journal_log *log, const struct cargo_log *g,
    const struct frame_range *range, struct journal_piece *pieces, uint64_t *fork,
    struct error *err)
{
	uint64_t before = 0, after = 0;
	enum rc rc = RC_OK;

	if (log->own)
		rc = replica_watch_here(r, g->log, g->first, g->count, &before, err);
	if (rc == RC_OK)
		rc = journal_receive(r->db, log, g->first, range->before, range->after, pieces,
		    (size_t)g->count, fork, err);
	if (rc == RC_OK && log->own)
		rc = replica_watch_here(r, g->log, g->first, g->count, &after, err);
	return rc == RC_OK && after > before ? replica_watch_returned(r, err) : rc;
}

static enum rc
receive_range(struct arrival *a, const struct cargo_log *g, const struct frame_range *range,
    struct journal_piece *pieces, struct error *err)
{
	struct replica *r = a->replica;
	struct journal_log *log;
	uint64_t fork = 0, from;
	enum rc rc;

	if ((log = calloc(1, sizeof(*log))) == NULL)
		return RC_NOMEM;
	log->id = g->log;
	memcpy(log->device, a->header.device, sizeof(log->device));
	memcpy(log->scope.unit, a->header.unit, sizeof(log->scope.unit));
	log->scope.compartment = a->header.compartment;
	log->has_key = !g->keyless;
	memcpy(log->key, g->key, sizeof(log->key));
	log->n_tips = g->n_tips;
	if (g->n_tips > 0)
		memcpy(log->tips, g->tips, g->n_tips * sizeof(*g->tips));
	log->own = memcmp(log->device, r->identity.device, sizeof(log->device)) == 0;
	log->folds = true;
	rc = receive_log(r, log, g, range, pieces, &fork, err);
	free(log);
	if (rc == RC_OK && directory_erased_at(r->directory, g->log) > 0)
		rc = redaction_forget_key(r->db, g->log, err);
	if (rc == RC_OK && a->author->state == DEVICE_RETIRED) {
		rc = journal_set_limit(r->db, g->log, replica_limit_of(a->author, g->log), &from, err);
		if (rc == RC_OK && from != 0)
			rc = fold_refold_log(r->fold, g->log, from, err);
	}
	if (rc == RC_OK && fork != 0) {
		if ((rc = fold_refold_log(r->fold, g->log, fork, err)) == RC_OK)
			rc = replica_event(r, "fork", replica_name_of(r, a->header.device));
	}
	return rc;
}

static enum rc
receive_all(struct arrival *a, enum replica_reason *reason, struct error *err)
{
	size_t at = 0, k;
	struct error why = { 0 };
	enum rc rc = RC_OK;

	for (size_t i = 0; i < a->cargo.n_logs && rc == RC_OK; i++) {
		const struct cargo_log *g = &a->cargo.logs[i];

		rc = receive_range(a, g, &a->header.ranges[i], a->pieces + at, &why);
		for (k = 0; rc == RC_OK && k < g->count; k++, at++) {
			if (a->pieces[at].verdict != JOURNAL_NEW)
				continue;
			a->new_entries++;
			if (a->pieces[at].redacted)
				rc = fold_refold_record(a->replica->fold, &a->cargo.entries[at].entry.record,
				    &why);
			else if (!a->cargo.entries[at].hollow)
				rc = fold_entry(a->replica->fold, &a->cargo.entries[at].entry, &why);
		}
	}
	if (rc == RC_FORMAT || rc == RC_PROTOCOL) {
		*reason = REASON_CHAIN;
		return RC_OK;
	}
	if (rc != RC_OK && err != NULL)
		*err = why;
	return rc;
}

/*
 * What a retired device wrote later is kept, and counts for nobody: there must be room for it as it
 * unfolds.
 */
static enum rc
make_room(struct arrival *a, bool *room, struct error *err)
{
	uint64_t bytes = a->header.n_entries * (uint64_t)REPLICA_QUOTA_ITEM_MIN;

	*room = true;
	if (!a->owed)
		return RC_OK;
	a->owed = false;
	return replica_quota_take(a->replica, a->len + (bytes > a->bodies.len ? bytes : a->bodies.len),
	    room, err);
}

/* Into the journal and the fold; a frame that turns out not to join leaves nothing behind. */
static enum rc
receive(struct arrival *a, enum replica_reason *reason, struct error *err)
{
	struct replica *r = a->replica;
	enum rc rc;

	if ((rc = fold_flush(r->fold, err)) != RC_OK ||
	    (rc = query_run(r->db, err, "SAVEPOINT frame", "")) != RC_OK)
		return rc;
	rc = receive_all(a, reason, err);
	if (rc == RC_OK && *reason != REASON_NONE) {
		fold_discard(r->fold);
		rc = query_run(r->db, err, "ROLLBACK TO frame", "");
	}
	return rc == RC_OK ? query_run(r->db, err, "RELEASE frame", "") : rc;
}

/* Its entries are here: its row, if it waited, goes, unless it is still carried to the relay. */
static enum rc
forget_aside(struct arrival *a, struct error *err)
{
	enum rc rc;

	rc = query_run(a->replica->db, err,
	    "DELETE FROM frame WHERE id = ?1 AND state IN (?2, ?3) AND forward = 0", "bii",
	    a->header.id, sizeof(a->header.id), (int64_t)REPLICA_WAITING,
	    (int64_t)REPLICA_QUARANTINED);
	if (rc == RC_OK)
		rc = query_run(a->replica->db, err, "UPDATE frame SET state = ?2, reason = 0,"
		    " forward = CASE forward WHEN ?5 THEN ?6 ELSE forward END"
		    " WHERE id = ?1 AND state IN (?2, ?3, ?4)", "biiiii", a->header.id,
		    sizeof(a->header.id), (int64_t)REPLICA_CARRIED, (int64_t)REPLICA_WAITING,
		    (int64_t)REPLICA_QUARANTINED, (int64_t)FORWARD_NOT_NOW, (int64_t)FORWARD_CARRIED);
	return rc;
}

/*
 * Opened: its row, if it waited, goes.  The bytes are kept, a hundredth of what the records take:
 * a holder refills a relay with them, everybody a colleague who comes with a stick.  Own ones come
 * back when the vault was put back to an older state: they are receipted, and ours to refill with.
 */
static enum rc
file_away(struct arrival *a, struct error *err)
{
	bool own = memcmp(a->header.device, a->replica->identity.device, IDENTITY_ID_BYTES) == 0;
	enum rc rc = forget_aside(a, err);

	if (rc == RC_OK)
		rc = set_aside(a, own ? REPLICA_STORED : REPLICA_CARRIED, REASON_NONE, err);
	return rc;
}

static void
arrival_reset(struct arrival *a)
{
	frame_header_reset(&a->header);
	cargo_reset(&a->cargo);
	bytes_wipe(&a->cargo_bytes);
	bytes_wipe(&a->bodies);
	free(a->pieces);
	free(a->places);
}

enum rc
replica_take_frame(struct replica *r, const uint8_t *p, size_t len,
    struct replica_sync_result *count, struct error *err)
{
	struct arrival a;
	enum replica_frame_state state = REPLICA_QUARANTINED;
	enum replica_reason reason = REASON_NONE;
	bool repeat = false, room = true;
	enum rc rc;

	memset(&a, 0, sizeof(a));
	a.replica = r;
	a.owed = true;
	a.bytes = p;
	a.len = len;
	rc = frame_read(p, len, &a.header);
	if (rc == RC_FORMAT || rc == RC_LIMIT || rc == RC_NEWER) {
		/* no author can be named: the id is all that is known of it */
		frame_id(p, len, a.header.id);
		state = rc == RC_NEWER ? REPLICA_WAITING : REPLICA_QUARANTINED;
		rc = set_aside(&a, state, rc == RC_NEWER ? REASON_NEWER : REASON_GRAMMAR, err);
		goto out;
	}
	a.stale = rc == RC_OK && replica_erase_is_stale(r, &a.header);
	if (rc != RC_OK || (rc = is_repeat(&a, &repeat, err)) != RC_OK)
		goto out;
	/* what was sealed again takes the place of what went, to fill a restored relay */
	if (repeat && a.header.kind != FRAME_RESEALED) {
		rc = forget_aside(&a, err);
		goto out;
	}
	if ((rc = open_frame(&a, &state, &reason, err)) != RC_OK)
		goto out;
	if (reason == REASON_NONE && (rc = unpack(&a, &state, &reason)) != RC_OK)
		goto out;
	if (reason == REASON_NONE && (rc = encode_bodies(&a, &reason)) != RC_OK)
		goto out;
	if (reason == REASON_NONE && ((rc = make_room(&a, &room, err)) != RC_OK || !room))
		goto out;
	if (reason == REASON_NONE && (rc = receive(&a, &reason, err)) != RC_OK)
		goto out;
	if (reason != REASON_NONE) {
		rc = set_aside(&a, state, reason, err);
		goto out;
	}
	if (count != NULL) {
		count->received_frames++;
		count->received_entries += a.new_entries;
	}
	rc = file_away(&a, err);
out:
	arrival_reset(&a);
	return rc;
}
