#include <stdlib.h>
#include <string.h>

#include "shared/vault/digest.h"
#include "sync-server/depot.h"
#include "sync-server/depot_internal.h"

/* ---- the sequence ---- */

enum rc
depot_last_position(struct depot *d, uint64_t *out)
{
	int64_t n;
	enum rc rc = depot_sql_int(&d->sql, &n, "SELECT max(position) FROM stream", "");

	*out = (uint64_t)n;
	return rc == RC_NOTFOUND ? RC_OK : rc;
}

static enum rc
appended(struct depot *d, uint64_t *position)
{
	int64_t n;
	enum rc rc = depot_sql_int(&d->sql, &n, "SELECT last_insert_rowid()", "");

	*position = (uint64_t)n;
	return rc;
}

enum rc
depot_append(struct depot *d, const char *lane, enum item_type type, const struct bytes *body,
    uint64_t list, uint64_t *position)
{
	enum rc rc;

	*position = 0;
	if (body->rc != RC_OK)
		return body->rc;
	rc = depot_sql_run(&d->sql, "INSERT INTO stream(lane, type, frame, list, body)"
	    " VALUES(?1, ?2, NULL, nullif(?3, 0), ?4)", "tiib", lane, (int64_t)type, (int64_t)list,
	    body->data, body->len);
	return rc == RC_OK ? appended(d, position) : rc;
}

enum rc
depot_append_frame(struct depot *d, const char *lane, int64_t key, uint64_t *position)
{
	enum rc rc = depot_sql_run(&d->sql, "INSERT INTO stream(lane, type, frame, list, body)"
	    " VALUES(?1, ?2, ?3, NULL, NULL)", "tii", lane, (int64_t)ITEM_FRAME, key);

	*position = 0;
	return rc == RC_OK ? appended(d, position) : rc;
}

enum rc
depot_publish(struct depot *d, const uint8_t device[16], const char *lane)
{
	const struct device *known = directory_device(d->directory, device);
	struct bytes certificate;
	uint64_t position;
	int64_t there;
	enum rc rc;

	if (known == NULL || known->state == DEVICE_ADMITTED)
		return RC_OK;	/* it is in the chain, which everybody has */
	rc = depot_sql_int(&d->sql, &there, "SELECT 1 FROM published WHERE device = ?1 AND lane = ?2",
	    "bt", device, (size_t)IDENTITY_ID_BYTES, lane);
	if (rc != RC_NOTFOUND)
		return rc;
	bytes_init(&certificate);
	rc = depot_certificate(d, device, &certificate);
	if (rc == RC_OK)
		rc = depot_append(d, lane, ITEM_CERTIFICATE, &certificate, 0, &position);
	bytes_reset(&certificate);
	if (rc == RC_NOTFOUND)
		return RC_OK;
	if (rc != RC_OK)
		return rc;
	return depot_sql_run(&d->sql, "INSERT INTO published(device, lane) VALUES(?1, ?2)", "bt",
	    device, (size_t)IDENTITY_ID_BYTES, lane);
}

enum rc
depot_lane_after(struct depot *d, const char *lane, uint64_t after, uint64_t *position)
{
	int64_t n = 0;
	enum rc rc = RC_NOTFOUND;

	if (after < INT64_MAX)
		rc = depot_sql_int(&d->sql, &n, "SELECT position FROM stream WHERE lane = ?1"
		    " AND position > ?2 ORDER BY position LIMIT 1", "ti", lane, (int64_t)after);
	*position = (uint64_t)n;
	return rc;
}

enum rc
depot_next_of(struct depot *d, enum item_type type, uint64_t after, uint64_t *position,
    char lane[DEPOT_LANE_MAX], uint64_t *list)
{
	struct sqlite3_stmt *q;
	const char *name;
	bool row = false;
	enum rc rc;

	*position = *list = 0;
	lane[0] = '\0';
	rc = depot_sql_open(&d->sql, &q, "SELECT position, lane, list FROM stream WHERE type = ?1"
	    " AND position > ?2 AND lane <> '' ORDER BY position LIMIT 1", "ii", (int64_t)type, (int64_t)after);
	if (rc == RC_OK)
		rc = depot_sql_next(&d->sql, q, &row);
	if (rc == RC_OK && row) {
		*position = (uint64_t)depot_sql_column_int(q, 0);
		*list = (uint64_t)depot_sql_column_int(q, 2);
		name = depot_sql_column_text(q, 1);
		if (strlen(name) < DEPOT_LANE_MAX)
			memcpy(lane, name, strlen(name) + 1);
	}
	depot_sql_close(&d->sql, q);
	return rc == RC_OK && !row ? RC_NOTFOUND : rc;
}

enum rc
depot_at(struct depot *d, uint64_t position, enum item_type *type, uint64_t *list,
    struct bytes *body)
{
	struct sqlite3_stmt *q;
	const uint8_t *p;
	size_t len;
	int64_t frame = 0;
	bool row = false;
	enum rc rc;

	*type = ITEM_END;
	*list = 0;
	rc = depot_sql_open(&d->sql, &q, "SELECT type, list, frame, body FROM stream"
	    " WHERE position = ?1", "i", (int64_t)position);
	if (rc == RC_OK)
		rc = depot_sql_next(&d->sql, q, &row);
	if (rc == RC_OK && row) {
		*type = (enum item_type)depot_sql_column_int(q, 0);
		*list = (uint64_t)depot_sql_column_int(q, 1);
		frame = depot_sql_column_int(q, 2);
		p = depot_sql_column_blob(q, 3, &len);
		bytes_put(body, p, len);
	}
	depot_sql_close(&d->sql, q);
	if (rc != RC_OK || !row)
		return rc != RC_OK ? rc : RC_NOTFOUND;
	return frame != 0 ? depot_frame_bytes(d, frame, body) : body->rc;
}

/* ---- shares ---- */

enum rc
depot_put_share_list(struct depot *d, uint64_t seq, uint64_t lines, uint64_t last,
    const uint8_t *p, size_t len)
{
	return depot_sql_run(&d->sql, "INSERT INTO share_list(seq, lines, last, bytes)"
	    " VALUES(?1, ?2, ?3, ?4)", "iiib", (int64_t)seq, (int64_t)lines, (int64_t)last, p, len);
}

bool
depot_has_share_list(struct depot *d, uint64_t seq)
{
	int64_t lines;

	return depot_sql_int(&d->sql, &lines, "SELECT lines FROM share_list WHERE seq = ?1", "i",
	    (int64_t)seq) == RC_OK;
}

enum rc
depot_share_list(struct depot *d, uint64_t seq, uint64_t *lines, uint64_t *last,
    struct bytes *out)
{
	struct sqlite3_stmt *q;
	const uint8_t *p;
	size_t len;
	bool row = false;
	enum rc rc;

	*lines = *last = 0;
	rc = depot_sql_open(&d->sql, &q, "SELECT lines, last, bytes FROM share_list WHERE seq = ?1",
	    "i", (int64_t)seq);
	if (rc == RC_OK)
		rc = depot_sql_next(&d->sql, q, &row);
	if (rc == RC_OK && row) {
		*lines = (uint64_t)depot_sql_column_int(q, 0);
		*last = (uint64_t)depot_sql_column_int(q, 1);
		p = depot_sql_column_blob(q, 2, &len);
		bytes_put(out, p, len);
		rc = out->rc;
	}
	depot_sql_close(&d->sql, q);
	return rc == RC_OK && !row ? RC_NOTFOUND : rc;
}

enum rc
depot_next_share_list(struct depot *d, uint64_t from, uint64_t *seq)
{
	int64_t n;
	enum rc rc = depot_sql_int(&d->sql, &n, "SELECT seq FROM share_list WHERE seq >= ?1"
	    " ORDER BY seq LIMIT 1", "i", (int64_t)from);

	*seq = (uint64_t)n;
	return rc;
}

enum rc
depot_lines_in(struct depot *d, const char *lane, uint64_t after, uint64_t last,
    uint64_t list, uint64_t *out)
{
	int64_t n;
	enum rc rc = depot_sql_int(&d->sql, &n, "SELECT count(*) FROM stream WHERE lane = ?1"
	    " AND position > ?2 AND position <= ?3 AND list = ?4", "tiii", lane, (int64_t)after,
	    (int64_t)last, (int64_t)list);

	*out = (uint64_t)n;
	return rc;
}

enum rc
depot_note_receipt(struct depot *d, const uint8_t *p, size_t len, bool *added)
{
	uint8_t id[16];
	int64_t there;
	enum rc rc;

	*added = false;
	digest_of(id, sizeof(id), "field-depot-receipt-1", p, len);
	rc = depot_sql_int(&d->sql, &there, "SELECT 1 FROM receipt WHERE id = ?1", "b", id, sizeof(id));
	if (rc != RC_NOTFOUND)
		return rc;
	*added = true;
	return depot_sql_run(&d->sql, "INSERT INTO receipt(id) VALUES(?1)", "b", id, sizeof(id));
}

#define RECEIPTS_OF " FROM stream WHERE lane = ?1 AND substr(body, 1, 17) = ?2 AND type = 7"

enum rc
depot_newest_receipt(struct depot *d, const char *lane, const uint8_t *p, struct bytes *out)
{
	return depot_sql_blob(&d->sql, out, "SELECT body" RECEIPTS_OF " ORDER BY position DESC LIMIT 1",
	    "tb", lane, p, (size_t)DEPOT_RECEIPT_HEAD_BYTES);
}

/* The first one, and that it was here.  Positions are given out above the highest, which stays. */
static enum rc
drop_receipt(struct depot *d, const char *lane, const uint8_t *p)
{
	struct bytes body;
	uint8_t id[16];
	enum rc rc;

	bytes_init(&body);
	rc = depot_sql_blob(&d->sql, &body, "SELECT body" RECEIPTS_OF " ORDER BY position LIMIT 1", "tb",
	    lane, p, (size_t)DEPOT_RECEIPT_HEAD_BYTES);
	digest_of(id, sizeof(id), "field-depot-receipt-1", body.data, body.len);
	bytes_reset(&body);
	if (rc == RC_OK)
		rc = depot_sql_run(&d->sql, "DELETE FROM receipt WHERE id = ?1", "b", id, sizeof(id));
	return rc != RC_OK ? rc : depot_sql_run(&d->sql, "DELETE FROM stream WHERE position ="
	    " (SELECT min(position)" RECEIPTS_OF ")", "tb", lane, p, (size_t)DEPOT_RECEIPT_HEAD_BYTES);
}

enum rc
depot_drop_receipts(struct depot *d, const char *lane, const uint8_t *p, uint64_t position,
    uint64_t bytes)
{
	int64_t older;
	enum rc rc;

	for (;;) {
		if ((rc = depot_sql_int(&d->sql, &older, "SELECT coalesce(sum(length(body)), 0)" RECEIPTS_OF
		    " AND position < ?3", "tbi", lane, p, (size_t)DEPOT_RECEIPT_HEAD_BYTES,
		    (int64_t)position)) != RC_OK || (uint64_t)older <= bytes)
			return rc;
		if ((rc = drop_receipt(d, lane, p)) != RC_OK)
			return rc;
	}
}

/* ---- for the operator ---- */

enum rc
depot_alarm(struct depot *d, int64_t at, const char *kind, const uint8_t device[16],
    const char *detail)
{
	int64_t there;
	enum rc rc;

	rc = depot_sql_int(&d->sql, &there, "SELECT 1 FROM alarm WHERE kind = ?1 AND device = ?2"
	    " AND detail = ?3", "tbt", kind, device, (size_t)IDENTITY_ID_BYTES, detail);
	if (rc != RC_NOTFOUND)
		return rc;
	rc = depot_sql_run(&d->sql, "INSERT INTO alarm(at, kind, device, detail)"
	    " VALUES(?1, ?2, ?3, ?4)", "itbt", at, kind, device, (size_t)IDENTITY_ID_BYTES, detail);
	return rc == RC_OK ? depot_audit(d, at, kind, device, detail) : rc;
}

enum rc
depot_alarms(struct depot *d, void (*each)(void *ctx, int64_t at, const char *kind,
    const uint8_t device[16], const char *detail), void *ctx)
{
	struct sqlite3_stmt *q;
	uint8_t device[IDENTITY_ID_BYTES];
	bool row = false;
	enum rc rc;

	rc = depot_sql_open(&d->sql, &q, "SELECT at, kind, device, detail FROM alarm ORDER BY id", "");
	while (rc == RC_OK && (rc = depot_sql_next(&d->sql, q, &row)) == RC_OK && row) {
		depot_sql_column_fixed(q, 2, device, sizeof(device));
		each(ctx, depot_sql_column_int(q, 0), depot_sql_column_text(q, 1), device,
		    depot_sql_column_text(q, 3));
	}
	depot_sql_close(&d->sql, q);
	return rc;
}

enum rc
depot_count(struct depot *d, struct depot_counts *out)
{
	struct { const char *sql; uint64_t *to; } counts[] = {
		{ "SELECT count(*) FROM statement", &out->statements },
		{ "SELECT count(*) FROM certificate", &out->certificates },
		{ "SELECT count(*) FROM frame WHERE state = 1", &out->served },
		{ "SELECT count(*) FROM frame WHERE state = 2", &out->waits },
		{ "SELECT count(*) FROM frame WHERE state = 3", &out->aside },
		{ "SELECT coalesce(sum(length(bytes)), 0) FROM frame", &out->bytes },
	};
	int64_t n;
	enum rc rc = RC_OK;

	memset(out, 0, sizeof(*out));
	for (size_t i = 0; rc == RC_OK && i < sizeof(counts) / sizeof(counts[0]); i++) {
		rc = depot_sql_int(&d->sql, &n, counts[i].sql, "");
		*counts[i].to = (uint64_t)n;
	}
	return rc;
}
