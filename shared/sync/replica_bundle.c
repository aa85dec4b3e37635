#include <stdlib.h>
#include <string.h>

#include "shared/sync/replica_internal.h"
#include "shared/sync/replica_peer.h"
#include "shared/vault/query.h"

/* bundle (formats.md): the items of a message in a file, for a stick. */
enum {
	PUT_BYTES = 64 << 10,		/* given out at a time */
	FRAME_BYTES = 128 << 10		/* of cargo: whoever reads it holds one frame in memory */
};

/* ---- writing ---- */

struct exporting {
	struct replica *replica;
	struct replica_sync_result *result;
	replica_bundle_put put;
	void *ctx;
	struct bytes pending;
	struct error *err;
};

static enum rc
give(struct exporting *e, size_t from)
{
	enum rc rc = e->pending.rc;

	if (rc != RC_OK || e->pending.len < from)
		return rc;
	e->result->bytes_up += e->pending.len;
	if (e->result->bytes_up > EXCHANGE_BUNDLE_MAX)
		return error_set(e->err, RC_LIMIT, "bundle", "sync over the network",
		    "there is more than one file on a stick can hold");
	rc = e->put(e->ctx, e->pending.data, e->pending.len);
	e->pending.len = 0;
	return rc;
}

struct rows {
	const char *sql;
	enum item_type type;
};

static enum rc
put_rows(struct exporting *e, const struct rows *rows)
{
	struct sqlite3_stmt *q;
	const uint8_t *p;
	size_t len;
	bool row = true;
	enum rc rc;

	rc = query_open(e->replica->db, e->err, &q, rows->sql, "");
	while (rc == RC_OK && (rc = query_next(q, &row, e->err)) == RC_OK && row) {
		p = query_column_blob(q, 0, &len);
		exchange_put(&e->pending, rows->type, p, len);
		if (rows->type == ITEM_FRAME) {
			e->result->sent_frames++;
			e->result->sent_entries += (uint64_t)query_column_int(q, 1);
		}
		rc = give(e, PUT_BYTES);
	}
	query_close(q);
	return rc;
}

static enum rc
put_key(void *ctx, const uint8_t *share, size_t len)
{
	struct exporting *e = ctx;

	exchange_put(&e->pending, ITEM_KEY, share, len);
	return give(e, PUT_BYTES);
}

static enum rc
put_all(struct exporting *e)
{
	static const struct rows first[] = {
		{ "SELECT bytes FROM statement ORDER BY seq", ITEM_STATEMENT },
		{ "SELECT bytes FROM certificate ORDER BY device", ITEM_CERTIFICATE },
	}, then[] = {
		/* own ones, and others' that are kept, carried, or wait here (replica.h) */
		{ "SELECT bytes, entries FROM frame WHERE bytes IS NOT NULL AND state IN (1, 2, 3, 5)"
		    " ORDER BY added, id", ITEM_FRAME },
		/* after the frames: they say which of them need no carrying */
		{ "SELECT bytes FROM receipt ORDER BY id", ITEM_RECEIPT },
	};
	enum rc rc = RC_OK;

	for (size_t i = 0; i < sizeof(first) / sizeof(first[0]) && rc == RC_OK; i++)
		rc = put_rows(e, &first[i]);
	/* before the frames, so that these open at once */
	if (rc == RC_OK)
		rc = replica_peer_keys(e->replica, put_key, e, e->err);
	for (size_t i = 0; i < sizeof(then) / sizeof(then[0]) && rc == RC_OK; i++)
		rc = put_rows(e, &then[i]);
	return rc;
}

enum rc
replica_bundle_export(struct replica *r, replica_bundle_put put, void *ctx,
    struct replica_sync_result *out, struct error *err)
{
	struct exporting e = { .replica = r, .result = out, .put = put, .ctx = ctx, .err = err };
	uint8_t province[8];
	enum rc rc;

	memset(out, 0, sizeof(*out));
	if ((rc = replica_seal(r, FRAME_BYTES, 0, err)) != RC_OK)
		return rc;
	bytes_init(&e.pending);
	directory_province(r->directory, province);
	exchange_bundle_start(province, &e.pending);
	/* all of it is of one moment */
	if ((rc = query_begin(r->db, err)) == RC_OK)
		rc = query_end(r->db, put_all(&e), err);
	if (rc == RC_OK) {
		exchange_put(&e.pending, ITEM_END, NULL, 0);
		rc = give(&e, 0);
	}
	bytes_reset(&e.pending);
	return rc;
}

static enum rc
put_in_memory(void *ctx, const uint8_t *data, size_t len)
{
	struct bytes *b = ctx;

	bytes_put(b, data, len);
	return b->rc;
}

enum rc
replica_bundle_write(struct replica *r, struct bytes *b, struct replica_sync_result *out,
    struct error *err)
{
	return replica_bundle_export(r, put_in_memory, b, out, err);
}

/* ---- reading ---- */

struct replica_import {
	struct replica *replica;
	const char *name;		/* borrowed */
	struct replica_sync_result *result;
	struct error *err;
	struct bytes head;
	struct exchange_stream stream;
	bool damaged;			/* what comes from now on is not looked at */
	bool refused;			/* there was no room for some of it (replica_quota.h) */
};

static enum rc
import_item(void *ctx, enum item_type type, const uint8_t *payload, size_t len)
{
	struct replica_import *i = ctx;
	uint64_t refused = i->replica->refused;
	enum rc rc = replica_take_item(i->replica, type, payload, len, i->result, i->err);

	i->refused = i->refused || i->replica->refused != refused;
	return rc;
}

enum rc
replica_import_start(struct replica *r, const char *name, struct replica_sync_result *out,
    struct replica_import **import, struct error *err)
{
	struct replica_import *i;

	*import = NULL;
	memset(out, 0, sizeof(*out));
	if ((i = calloc(1, sizeof(*i))) == NULL)
		return RC_NOMEM;
	i->replica = r;
	i->name = name;
	i->result = out;
	i->err = err;
	bytes_init(&i->head);
	exchange_stream_init(&i->stream, import_item, i);
	i->stream.max = EXCHANGE_BUNDLE_MAX;
	*import = i;
	return RC_OK;
}

static enum rc
check_head(struct replica_import *i)
{
	uint8_t province[8];

	directory_province(i->replica->directory, province);
	return exchange_bundle_check(i->head.data, i->head.len, province, i->name, i->err);
}

/* What came in one piece is one transaction: memory does not grow with the file. */
static enum rc
take_piece(struct replica_import *i, const uint8_t *p, size_t len, bool last)
{
	struct replica *r = i->replica;
	enum rc rc, fed = RC_OK;

	if ((rc = replica_begin(r, i->err)) != RC_OK)
		return rc;
	r->by_stick = true;
	if (len > 0 && !i->damaged)
		fed = exchange_stream_feed(&i->stream, p, len);
	if (fed == RC_PROTOCOL || (fed == RC_LIMIT && i->stream.total > EXCHANGE_BUNDLE_MAX)) {
		i->damaged = true;
		fed = RC_OK;	/* what came whole before it counts */
	}
	if (fed == RC_OK && last)
		fed = replica_retry_waiting(r, i->result, i->err);
	r->by_stick = false;
	return replica_end(r, fed, i->err);
}

enum rc
replica_import_feed(struct replica_import *i, const uint8_t *p, size_t len)
{
	size_t n = EXCHANGE_BUNDLE_HEAD_BYTES - i->head.len;
	enum rc rc;

	i->result->bytes_down += len;
	n = n < len ? n : len;
	if (n > 0) {
		bytes_put(&i->head, p, n);
		if (i->head.rc != RC_OK)
			return i->head.rc;
		if (i->head.len == EXCHANGE_BUNDLE_HEAD_BYTES && (rc = check_head(i)) != RC_OK)
			return rc;
	}
	for (size_t at = n; at < len && !i->damaged; at += n) {
		n = len - at < REPLICA_IMPORT_PIECE ? len - at : REPLICA_IMPORT_PIECE;
		if ((rc = take_piece(i, p + at, n, false)) != RC_OK)
			return rc;
	}
	return RC_OK;
}

bool
replica_import_wants_more(const struct replica_import *i)
{
	return !i->damaged;
}

enum rc
replica_import_finish(struct replica_import *i)
{
	enum rc rc;

	if (i->head.len < EXCHANGE_BUNDLE_HEAD_BYTES)
		return check_head(i);
	if ((rc = take_piece(i, NULL, 0, true)) != RC_OK)
		return rc;
	if (i->damaged || !i->stream.ended)
		return exchange_bundle_broken(&i->stream, i->name, i->err);
	if (i->refused)
		return error_set(i->err, RC_LIMIT, i->name, "keep the stick and ask your province;"
		    " what could be accepted is here", "so much on the stick cannot be accepted that not"
		    " all of it was set aside");
	return RC_OK;
}

void
replica_import_free(struct replica_import *i)
{
	if (i == NULL)
		return;
	exchange_stream_reset(&i->stream);
	bytes_reset(&i->head);
	free(i);
}

enum rc
replica_bundle_read(struct replica *r, const char *name, const uint8_t *p, size_t len,
    struct replica_sync_result *out, struct error *err)
{
	struct replica_import *import;
	enum rc rc;

	if ((rc = replica_import_start(r, name, out, &import, err)) != RC_OK)
		return rc;
	if ((rc = replica_import_feed(import, p, len)) == RC_OK)
		rc = replica_import_finish(import);
	replica_import_free(import);
	return rc;
}
