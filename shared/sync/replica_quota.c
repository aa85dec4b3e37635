#include "shared/sync/replica_quota.h"

#include <string.h>

#include "shared/vault/query.h"

/* ---- what counts ---- */

static uint64_t
charge(uint64_t bytes)
{
	return bytes < REPLICA_QUOTA_ITEM_MIN ? REPLICA_QUOTA_ITEM_MIN : bytes;
}

bool
replica_quota_answers(const struct device *author, const struct frame_header *h)
{
	if (author->state == DEVICE_REFUSED)
		return false;
	for (size_t i = 0; author->state == DEVICE_RETIRED && i < h->n_ranges; i++)
		if (!directory_device_counts(author, h->ranges[i].log,
		    h->ranges[i].first + h->ranges[i].count - 1))
			return false;
	return true;
}

/* A frame of a retired device: its header says whether the retirement covers it. */
static enum rc
is_covered(struct replica *r, const struct device *author, const uint8_t *id, bool *out,
    struct error *err)
{
	struct frame_header h = { 0 };
	struct bytes frame;
	enum rc rc;

	*out = false;
	bytes_init(&frame);
	rc = query_blob(r->db, err, &frame, "SELECT bytes FROM frame WHERE id = ?1", "b", id,
	    (size_t)FRAME_ID_BYTES);
	if (rc == RC_OK && frame_read(frame.data, frame.len, &h) == RC_OK) {
		*out = h.kind == FRAME_RESEALED || replica_quota_answers(author, &h);
		frame_header_reset(&h);
	}
	bytes_reset(&frame);
	return rc == RC_NOTFOUND ? RC_OK : rc;
}

static enum rc
counts(struct replica *r, struct sqlite3_stmt *q, bool *out, struct error *err)
{
	enum replica_frame_state state = (enum replica_frame_state)query_column_int(q, 2);
	enum replica_reason reason = (enum replica_reason)query_column_int(q, 3);
	const struct device *author = NULL;
	const uint8_t *id, *device;
	size_t id_len, len;
	bool covered = false;
	enum rc rc = RC_OK;

	id = query_column_blob(q, 0, &id_len);
	device = query_column_blob(q, 1, &len);
	if (len == IDENTITY_ID_BYTES)
		author = directory_device(r->directory, device);
	*out = state != REPLICA_CARRIED;
	if (author == NULL || author->state == DEVICE_REFUSED || reason == REASON_NO_AUTHOR ||
	    reason == REASON_SIGNATURE || reason == REASON_REFUSED)
		return RC_OK;
	*out = false;
	if (author->state == DEVICE_RETIRED && id_len == FRAME_ID_BYTES) {
		rc = is_covered(r, author, id, &covered, err);
		*out = !covered;
	}
	return rc;
}

static enum rc
count_frames(struct replica *r, uint64_t *sum, struct error *err)
{
	struct sqlite3_stmt *q;
	bool row = true, it;
	enum rc rc;

	rc = query_open(r->db, err, &q, "SELECT id, device, state, reason, length(bytes) FROM frame"
	    " WHERE state IN (?1, ?2, ?3) AND bytes IS NOT NULL", "iii", (int64_t)REPLICA_WAITING,
	    (int64_t)REPLICA_QUARANTINED, (int64_t)REPLICA_CARRIED);
	while (rc == RC_OK && (rc = query_next(q, &row, err)) == RC_OK && row)
		if ((rc = counts(r, q, &it, err)) == RC_OK && it)
			*sum += charge((uint64_t)query_column_int(q, 4));
	query_close(q);
	return rc;
}

static enum rc
count_shares(struct replica *r, uint64_t *sum, struct error *err)
{
	enum { VARINT_MAX = 10 };
	struct sqlite3_stmt *q;
	struct reader in;
	const uint8_t *p;
	size_t len;
	bool row = true;
	uint64_t seq;
	enum rc rc;

	rc = query_open(r->db, err, &q, "SELECT substr(bytes, 1, ?1), length(bytes) FROM waiting_share",
	    "i", (int64_t)VARINT_MAX);
	while (rc == RC_OK && (rc = query_next(q, &row, err)) == RC_OK && row) {
		p = query_column_blob(q, 0, &len);
		reader_init(&in, p, len);
		seq = reader_varint(&in);
		if (in.bad || seq >= directory_count(r->directory))
			*sum += charge((uint64_t)query_column_int(q, 1));
	}
	query_close(q);
	return rc;
}

static enum rc
count(struct replica *r, struct error *err)
{
	uint64_t sum = 0;
	int64_t receipts = 0, left_out = 0;
	enum rc rc;

	if (r->aside_counted)
		return RC_OK;
	if ((rc = count_frames(r, &sum, err)) != RC_OK || (rc = count_shares(r, &sum, err)) != RC_OK ||
	    (rc = query_int(r->db, err, &receipts, "SELECT ifnull(sum(max(?1, length(bytes))), 0)"
	    " FROM waiting_receipt", "i", (int64_t)REPLICA_QUOTA_ITEM_MIN)) != RC_OK ||
	    (rc = query_int(r->db, err, &left_out, "SELECT ifnull(sum(max(?1, ifnull(length(body), 0))), 0)"
	    " FROM log JOIN entry ON entry.log = log.id AND entry.n > log.limit_n"
	    " WHERE log.limit_n IS NOT NULL", "i", (int64_t)REPLICA_QUOTA_ITEM_MIN)) != RC_OK)
		return rc;
	r->aside = sum + (uint64_t)receipts + (uint64_t)left_out;
	r->aside_counted = true;
	return RC_OK;
}

void
replica_quota_recount(struct replica *r)
{
	r->aside_counted = false;
}

enum rc
replica_quota_take(struct replica *r, uint64_t bytes, bool *room, struct error *err)
{
	enum rc rc = count(r, err);

	*room = false;
	if (rc != RC_OK)
		return rc;
	bytes = charge(bytes);
	if (bytes <= r->aside_max && r->aside <= r->aside_max - bytes) {
		r->aside += bytes;
		*room = true;
		return RC_OK;
	}
	r->refused += bytes;
	return replica_event(r, "aside-full", "");
}

/* ---- what was refused ---- */

/* Setting "refused", of one relay. */
struct refused {
	uint64_t position;	/* the first place; 0: none now */
	uint64_t need;		/* room that the smallest of it takes */
	uint64_t known;		/* statements and devices of the directory when it was refused */
	uint64_t left;		/* syncs until the next try that nothing speaks for */
	uint64_t skip;		/* how many are skipped then */
};
enum { REFUSED_BYTES = 5 * 8 };

static enum rc
read_refused(struct replica *r, struct refused *f, struct error *err)
{
	uint8_t b[REFUSED_BYTES];
	enum rc rc = replica_setting_get(r->db, "refused", b, sizeof(b), err);

	f->position = bytes_load64(b);
	f->need = bytes_load64(b + 8);
	f->known = bytes_load64(b + 16);
	f->left = bytes_load64(b + 24);
	f->skip = bytes_load64(b + 32);
	return rc;
}

static enum rc
write_refused(struct replica *r, const struct refused *f, struct error *err)
{
	uint8_t b[REFUSED_BYTES];

	bytes_store64(b, f->position);
	bytes_store64(b + 8, f->need);
	bytes_store64(b + 16, f->known);
	bytes_store64(b + 24, f->left);
	bytes_store64(b + 32, f->skip);
	return replica_setting_put(r->db, "refused", b, sizeof(b), err);
}

static uint64_t
known_now(const struct replica *r)
{
	return directory_count(r->directory) + directory_device_count(r->directory);
}

enum rc
replica_quota_remember(struct replica *r, uint64_t position, uint64_t bytes, struct error *err)
{
	struct refused f;
	enum rc rc = read_refused(r, &f, err);

	if (rc != RC_OK && rc != RC_NOTFOUND)
		return rc;
	if (f.position == 0) {
		f.position = position;
		f.need = bytes;
		f.known = known_now(r);
		f.left = f.skip = f.skip > 0 ? f.skip : 1;
	}
	f.position = position < f.position ? position : f.position;
	f.need = bytes < f.need ? bytes : f.need;
	return write_refused(r, &f, err);
}

/* Everything from `position` on is asked for again; what is here already changes nothing. */
static enum rc
move_back(struct replica *r, uint64_t position, struct error *err)
{
	uint8_t b[8];
	enum rc rc = replica_setting_get(r->db, "position", b, sizeof(b), err);

	if (rc != RC_OK && rc != RC_NOTFOUND)
		return rc;
	if (position - 1 < bytes_load64(b)) {
		bytes_store64(b, position - 1);
		if ((rc = replica_setting_put(r->db, "position", b, sizeof(b), err)) != RC_OK)
			return rc;
	}
	return query_run(r->db, err, "UPDATE lane SET position = -1 WHERE position >= ?1", "i",
	    (int64_t)bytes_load64(b));
}

enum rc
replica_quota_go_back(struct replica *r, struct error *err)
{
	struct refused f;
	enum rc rc;

	if ((rc = replica_begin(r, err)) != RC_OK)
		return rc;
	rc = read_refused(r, &f, err);
	if (rc != RC_OK || f.position == 0)
		goto out;
	replica_quota_recount(r);
	if ((rc = count(r, err)) != RC_OK)
		goto out;
	if (f.left > 0 && f.known == known_now(r) &&
	    (r->aside >= r->aside_max || f.need > r->aside_max - r->aside)) {
		f.left--;
		rc = write_refused(r, &f, err);
		goto out;
	}
	if ((rc = move_back(r, f.position, err)) == RC_OK) {
		f.position = 0;
		f.skip = 2 * f.skip < REPLICA_QUOTA_SKIP_MAX ? 2 * f.skip : REPLICA_QUOTA_SKIP_MAX;
		rc = write_refused(r, &f, err);
	}
out:
	return replica_end(r, rc == RC_NOTFOUND ? RC_OK : rc, err);
}

enum rc
replica_quota_forget(struct replica *r, bool all, struct error *err)
{
	struct refused f;
	enum rc rc = read_refused(r, &f, err);

	if (rc != RC_OK)
		return rc == RC_NOTFOUND ? RC_OK : rc;
	return all || f.position == 0 ?
	    query_run(r->db, err, "DELETE FROM setting WHERE name = 'refused'", "") : RC_OK;
}
