/* What a person is told of a replica: counts, receipts, what is set aside and why. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "shared/records/conflict.h"
#include "shared/records/journal.h"
#include "shared/records/left_out.h"
#include "shared/sync/replica_internal.h"
#include "shared/sync/replica_relay.h"
#include "shared/vault/query.h"

static const char *const reason_text[REASON_COUNT][2] = {
	[REASON_NONE] = { "", "" },
	[REASON_NO_KEY] = { "chưa có khóa của đơn vị này", "the key of this unit has not come" },
	[REASON_NO_AUTHOR] = { "chưa biết máy đã ghi", "its device is not known yet" },
	[REASON_NEWER] = { "cần phiên bản phần mềm mới hơn", "needs a newer version of the program" },
	[REASON_SIGNATURE] = { "chữ ký không đúng", "the signature does not hold" },
	[REASON_SEALED] = { "không mở được niêm phong", "the seal does not open" },
	[REASON_GRAMMAR] = { "dữ liệu không đúng khuôn dạng", "the data does not follow the format" },
	[REASON_CHAIN] = { "không nối với các lần ghi trước", "it does not join what came before" },
	[REASON_NOT_ALLOWED] = { "máy này không được ghi vào đơn vị đó", "its device may not write there" },
	[REASON_REFUSED] = { "máy này đã bị từ chối", "its device was refused" },
};

const char *
replica_reason_text(enum replica_reason reason, bool vietnamese)
{
	return (unsigned)reason < REASON_COUNT ? reason_text[reason][vietnamese ? 0 : 1] : "";
}

static enum rc
count_frames(struct replica *r, enum replica_frame_state state, uint64_t *out,
    struct error *err)
{
	int64_t n;
	enum rc rc = query_int(r->db, err, &n,
	    "SELECT ifnull(sum(entries), 0) FROM frame WHERE state = ?1", "i", (int64_t)state);

	*out = (uint64_t)n;
	return rc;
}

static enum rc
last_receipt(struct replica *r, struct replica_status *out, struct error *err)
{
	struct sqlite3_stmt *q;
	const uint8_t *p;
	size_t len;
	bool row;
	int64_t open;
	enum rc rc;

	rc = query_open(r->db, err, &q,
	    "SELECT at, signer FROM receipt WHERE outgoing = 0 ORDER BY at DESC, id DESC", "");
	while (rc == RC_OK && out->receipt_level == 0 && (rc = query_next(q, &row, err)) == RC_OK && row) {
		p = query_column_blob(q, 1, &len);
		if (len != sizeof(out->receipt_signer))
			continue;
		if (replica_is_hub(r, p)) {
			out->hub_at = out->hub_at != 0 ? out->hub_at : query_column_int(q, 0);
			continue;
		}
		out->receipt_at = query_column_int(q, 0);
		memcpy(out->receipt_signer, p, len);
		out->receipt_level = 1;
	}
	query_close(q);
	if (rc != RC_OK || out->receipt_level == 0 || out->unsent_entries > 0)
		return rc;
	/* held: a holder has signed for every entry of every own log */
	rc = query_int(r->db, err, &open, "SELECT count(*) FROM log LEFT JOIN held"
	    " ON held.log = log.id WHERE own = 1 AND ifnull(held.n, 0) < top_n", "");
	if (rc == RC_OK && open == 0)
		out->receipt_level = 2;
	return rc;
}

static enum rc
count_left_out(void *ctx, const struct left_out *one)
{
	uint64_t *n = ctx;

	*n += !one->released;
	return RC_OK;
}

enum rc
replica_status(struct replica *r, struct replica_status *out, struct error *err)
{
	struct conflict_counts conflicts;
	struct journal_gap *gaps = NULL;
	uint64_t sealed, unsealed;
	size_t n_gaps = 0;
	int64_t n;
	enum rc rc;

	memset(out, 0, sizeof(*out));
	if ((rc = query_int(r->db, err, &n, "SELECT count(*) FROM record"
	    " WHERE form <> '' AND alive = 1", "")) != RC_OK)
		return rc;
	out->records = (uint64_t)n;
	if ((rc = query_int(r->db, err, &n, "SELECT ifnull(sum(newer), 0) FROM record"
	    " WHERE newer > 0", "")) != RC_OK)
		return rc;
	out->newer = (uint64_t)n;
	if ((rc = conflict_count(r->db, &conflicts, err)) != RC_OK ||
	    (rc = journal_count_unsealed(r->db, &unsealed, err)) != RC_OK ||
	    (rc = count_frames(r, REPLICA_UNSENT, &sealed, err)) != RC_OK ||
	    (rc = count_frames(r, REPLICA_WAITING, &out->waiting, err)) != RC_OK ||
	    (rc = count_frames(r, REPLICA_QUARANTINED, &out->quarantined, err)) != RC_OK ||
	    (rc = left_out_each(r->db, NULL, count_left_out, &out->left_out, err)) != RC_OK ||
	    (rc = journal_gaps(r->db, &gaps, &n_gaps, err)) != RC_OK)
		return rc;
	out->conflicts = conflicts.open + conflicts.breaches;	/* all that waits for a person */
	out->unsent_entries = unsealed + sealed;
	if ((rc = query_int(r->db, err, &n, "SELECT ifnull(sum(entries), 0) FROM frame"
	    " WHERE state = ?1 AND forward = ?2", "ii", (int64_t)REPLICA_UNSENT,
	    (int64_t)FORWARD_OWN_AT_HUB)) != RC_OK) {
		free(gaps);
		return rc;
	}
	out->hub_entries = (uint64_t)n;
	for (size_t i = 0; i < n_gaps; i++)
		out->gaps += gaps[i].last - gaps[i].first + 1;
	free(gaps);
	return last_receipt(r, out, err);
}

static void
read_aside(struct sqlite3_stmt *q, struct replica_aside *a)
{
	size_t len;
	const uint8_t *p;

	p = query_column_blob(q, 0, &len);
	if (len == sizeof(a->id))
		memcpy(a->id, p, len);
	p = query_column_blob(q, 1, &len);
	if (len == sizeof(a->device))
		memcpy(a->device, p, len);
	snprintf(a->unit, sizeof(a->unit), "%s", query_column_text(q, 2));
	a->compartment = (unsigned)query_column_int(q, 3);
	a->entries = (uint64_t)query_column_int(q, 4);
	a->added = query_column_int(q, 5);
	a->state = (enum replica_frame_state)query_column_int(q, 6);
	a->reason = (enum replica_reason)query_column_int(q, 7);
}

enum rc
replica_aside(struct replica *r, struct replica_aside **out, size_t *n, struct error *err)
{
	struct replica_aside *list = NULL;
	struct sqlite3_stmt *q;
	size_t cap = 0;
	bool row;
	void *p;
	enum rc rc;

	*out = NULL;
	*n = 0;
	rc = query_open(r->db, err, &q, "SELECT id, device, unit, compartment, entries, added,"
	    " state, reason FROM frame WHERE state IN (?1, ?2) ORDER BY added, id", "ii",
	    (int64_t)REPLICA_WAITING, (int64_t)REPLICA_QUARANTINED);
	while (rc == RC_OK && (rc = query_next(q, &row, err)) == RC_OK && row) {
		if (*n == cap) {
			cap = cap ? 2 * cap : 16;
			if ((p = realloc(list, cap * sizeof(*list))) == NULL) {
				rc = RC_NOMEM;
				break;
			}
			list = p;
		}
		memset(&list[*n], 0, sizeof(*list));
		read_aside(q, &list[(*n)++]);
	}
	query_close(q);
	if (rc != RC_OK) {
		free(list);
		*n = 0;
		return rc;
	}
	*out = list;
	return RC_OK;
}
