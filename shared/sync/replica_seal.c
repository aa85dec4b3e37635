#include <stdlib.h>
#include <string.h>

#include "shared/records/journal.h"
#include "shared/sync/cargo.h"
#include "shared/sync/replica_internal.h"
#include "shared/vault/query.h"
#include "shared/vault/secret.h"

/*
 * Unsealed entries of one scope are cut into frames of about the wanted size.
 * How far entries shrink is learnt from one frame to the next.
 */
enum { ENTRIES_A_FRAME_MAX = 32768, RAW_SHARE = 2 };

struct packing {
	struct replica *replica;
	const struct journal_range *ranges;	/* all of one scope */
	size_t n_ranges;
	size_t at;			/* range at hand */
	uint64_t done;			/* entries of it that are sealed */
	size_t frame_bytes;
	size_t shrink;			/* body bytes for 16 bytes of cargo */
	size_t entries_max;
};

/* The entries of one frame. */
struct load {
	struct cargo_log *logs;
	struct frame_range *heads;
	size_t n_logs;
	struct cargo_entry *entries;	/* by their bodies, which are ours */
	size_t n_entries, cap;
	size_t body_bytes;
	size_t max_entries, max_bytes;
	enum rc rc;
};

static void
free_body(struct cargo_entry *e)
{
	if (e->body != NULL)
		secret_wipe(e->body, e->body_len);
	free(e->body);
}

static void
load_reset(struct load *l)
{
	for (size_t i = 0; i < l->n_entries; i++)
		free_body(&l->entries[i]);
	free(l->entries);
	free(l->logs);
	free(l->heads);
	memset(l, 0, sizeof(*l));
}

static enum rc
add_row(void *ctx, const struct journal_row *row)
{
	struct load *l = ctx;
	struct cargo_entry *e;

	if (l->n_entries >= l->max_entries || l->body_bytes >= l->max_bytes)
		return RC_OK;
	if (l->n_entries == l->cap) {
		size_t cap = l->cap ? 2 * l->cap : 64;
		void *entries = realloc(l->entries, cap * sizeof(*l->entries));

		if (entries == NULL)
			return RC_NOMEM;
		l->entries = entries;
		l->cap = cap;
	}
	e = &l->entries[l->n_entries++];
	memset(e, 0, sizeof(*e));
	if (row->body == NULL) {
		e->hollow = 1;
		memcpy(e->tag, row->tag, ENTRY_TAG_BYTES);
		return RC_OK;
	}
	if ((e->body = malloc(row->len + 1)) == NULL)
		return RC_NOMEM;
	memcpy(e->body, row->body, row->len);
	e->body_len = row->len;
	l->body_bytes += row->len;
	/* of a log in which something was erased (shared/records/redaction.h) */
	e->redacted = row->tag != NULL && row->key == NULL;
	if (row->key != NULL)
		memcpy(e->key, row->key, sizeof(e->key));
	else if (row->tag != NULL)
		memcpy(e->tag, row->tag, sizeof(e->tag));
	return RC_OK;
}

static enum rc
load_fill(const struct packing *p, struct load *l, struct error *err)
{
	struct sqlite3 *db = p->replica->db;
	uint64_t done = p->done, left;
	size_t before;
	enum rc rc = RC_OK;

	l->max_entries = p->entries_max;
	l->max_bytes = p->frame_bytes / 16 * p->shrink;
	if (l->max_bytes > CARGO_RAW_MAX / RAW_SHARE)
		l->max_bytes = CARGO_RAW_MAX / RAW_SHARE;
	if ((l->logs = calloc(p->n_ranges, sizeof(*l->logs))) == NULL ||
	    (l->heads = calloc(p->n_ranges, sizeof(*l->heads))) == NULL)
		return RC_NOMEM;
	for (size_t i = p->at; i < p->n_ranges && rc == RC_OK && l->n_logs < FRAME_RANGES_MAX &&
	    l->n_entries < l->max_entries && l->body_bytes < l->max_bytes; i++, done = 0) {
		const struct journal_range *g = &p->ranges[i];
		struct cargo_log *log = &l->logs[l->n_logs];
		struct frame_range *head = &l->heads[l->n_logs];

		before = l->n_entries;
		left = g->count - done;
		if (left > l->max_entries - l->n_entries)
			left = l->max_entries - l->n_entries;
		rc = journal_read_range(db, g->log.id, g->first + done, left, add_row, l, err);
		log->log = head->log = g->log.id;
		log->first = head->first = g->first + done;
		log->count = head->count = l->n_entries - before;
		memcpy(log->key, g->log.key, sizeof(log->key));
		log->keyless = !g->log.has_key;
		if (log->first == 1 && rc == RC_OK) {
			size_t n = g->log.n_tips;

			if ((log->tips = calloc(n + 1, sizeof(*log->tips))) == NULL)
				return RC_NOMEM;
			memcpy(log->tips, g->log.tips, n * sizeof(*log->tips));
			log->n_tips = n;
		}
		l->n_logs++;
		if (rc == RC_OK)
			rc = journal_head(db, g->log.id, head->first - 1, head->before, err);
		if (rc == RC_OK)
			rc = journal_head(db, g->log.id, head->first + head->count - 1,
			    head->after, err);
	}
	return rc;
}

static void
load_free_tips(struct load *l)
{
	for (size_t i = 0; l->logs != NULL && i < l->n_logs; i++)
		free(l->logs[i].tips);
}

static enum rc
store_frame(struct replica *r, const struct frame_header *h, const struct load *l,
    const struct bytes *frame, struct error *err)
{
	uint8_t id[FRAME_ID_BYTES];
	enum rc rc;

	frame_id(frame->data, frame->len, id);
	rc = query_run(r->db, err, "INSERT INTO frame(id, state, device, unit, compartment,"
	    " epoch, entries, added, bytes) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
	    "bibtiiiib", id, sizeof(id), (int64_t)REPLICA_UNSENT, h->device,
	    sizeof(h->device), h->unit, (int64_t)h->compartment, (int64_t)h->epoch,
	    (int64_t)l->n_entries, clock_now(&r->clock), frame->data, frame->len);
	for (size_t i = 0; i < l->n_logs && rc == RC_OK; i++)
		rc = journal_mark_sealed(r->db, l->logs[i].log,
		    l->logs[i].first + l->logs[i].count - 1, err);
	return rc;
}

static enum rc
seal_load(struct packing *p, struct load *l, const struct bytes *cargo, struct error *err)
{
	const struct journal_scope *s = &p->ranges[0].log.scope;
	const struct scope_key *key = directory_scope_key(p->replica->directory, s->unit,
	    s->compartment);
	struct frame_header h;
	struct bytes frame;
	enum rc rc;

	bytes_init(&frame);
	memset(&h, 0, sizeof(h));
	memcpy(h.device, p->replica->identity.device, sizeof(h.device));
	memcpy(h.unit, s->unit, sizeof(h.unit));
	h.compartment = s->compartment;
	h.epoch = key->epoch;
	if ((rc = replica_could_write_at(p->replica, s->unit, s->compartment, &h.directory_seq,
	    err)) != RC_OK)
		return rc;
	(void)directory_head_at(p->replica->directory, h.directory_seq, h.directory_head);
	h.ranges = l->heads;
	h.n_ranges = l->n_logs;
	rc = frame_seal(&h, key->public_key, p->replica->identity.sign_seed, cargo->data,
	    cargo->len, &frame);
	if (rc == RC_OK)
		rc = store_frame(p->replica, &h, l, &frame, err);
	bytes_reset(&frame);
	return rc;
}

static void
advance(struct packing *p, const struct load *l, size_t cargo_len)
{
	for (size_t i = 0; i < l->n_logs; i++) {
		p->done += l->logs[i].count;
		if (p->done == p->ranges[p->at].count) {
			p->at++;
			p->done = 0;
		}
	}
	if (l->n_entries > 50 && cargo_len > 16)
		p->shrink = l->body_bytes * 16 / cargo_len + 1;
	p->entries_max = ENTRIES_A_FRAME_MAX;
}

static enum rc
pack_one(struct packing *p, size_t *frames, struct error *err)
{
	struct load l;
	struct bytes cargo;
	enum rc rc;

	memset(&l, 0, sizeof(l));
	bytes_init(&cargo);
	if ((rc = load_fill(p, &l, err)) != RC_OK)
		goto out;
	rc = cargo_encode(l.logs, l.n_logs, l.entries, l.n_entries, &cargo);
	if ((rc == RC_LIMIT || cargo.len > p->frame_bytes / 4 * 5) && l.n_entries > 1) {
		/* too large: again with as many as fit, or half of them */
		p->entries_max = l.n_entries / 2;
		if (rc == RC_OK && cargo.len < 2 * p->frame_bytes)
			p->entries_max = l.n_entries * p->frame_bytes / cargo.len;
		rc = RC_OK;
		goto out;
	}
	if (rc == RC_OK)
		rc = seal_load(p, &l, &cargo, err);
	if (rc == RC_OK) {
		advance(p, &l, cargo.len);
		++*frames;
	}
out:
	load_free_tips(&l);
	load_reset(&l);
	bytes_wipe(&cargo);
	return rc;
}

/* Entries of a scope that has no key yet stay unsealed, and hold nothing else back. */
static bool
has_key(const struct replica *r, const struct journal_scope *s)
{
	return directory_scope_key(r->directory, s->unit, s->compartment) != NULL;
}

static bool
same_scope(const struct journal_range *a, const struct journal_range *b)
{
	return a->log.scope.compartment == b->log.scope.compartment &&
	    strcmp(a->log.scope.unit, b->log.scope.unit) == 0;
}

enum rc
replica_seal(struct replica *r, size_t frame_bytes, size_t max_frames, struct error *err)
{
	struct journal_range *ranges = NULL;
	struct packing p;
	size_t n = 0, end, frames = 0;
	enum rc rc;

	if ((rc = journal_unsealed(r->db, &ranges, &n, err)) != RC_OK || n == 0)
		return rc;
	if ((rc = replica_begin(r, err)) != RC_OK)
		goto out;
	for (size_t i = 0; i < n && rc == RC_OK; i = end) {
		for (end = i + 1; end < n && same_scope(&ranges[i], &ranges[end]); end++)
			;
		if (!has_key(r, &ranges[i].log.scope))
			continue;
		memset(&p, 0, sizeof(p));
		p.replica = r;
		p.ranges = &ranges[i];
		p.n_ranges = end - i;
		p.frame_bytes = frame_bytes;
		p.shrink = 16 * 4;
		p.entries_max = ENTRIES_A_FRAME_MAX;
		while (p.at < p.n_ranges && rc == RC_OK && (max_frames == 0 || frames < max_frames))
			rc = pack_one(&p, &frames, err);
	}
	rc = replica_end(r, rc, err);
out:
	free(ranges);
	return rc;
}
