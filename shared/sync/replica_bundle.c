#include <stdlib.h>
#include <string.h>

#include "shared/sync/replica_internal.h"
#include "shared/vault/query.h"

/* bundle (formats.md): the items of a message in a file, for a stick. */
enum { BUNDLE_HEAD_BYTES = 11, BUNDLE_BYTES_MAX = EXCHANGE_BODY_MAX };

struct rows {
	const char *sql;
	enum item_type type;
};

static enum rc
put_rows(struct replica *r, const struct rows *rows, struct bytes *out,
    struct replica_sync_result *count, struct error *err)
{
	struct sqlite3_stmt *q;
	const uint8_t *p;
	size_t len;
	bool row = true;
	enum rc rc;

	rc = query_open(r->db, err, &q, rows->sql, "");
	while (rc == RC_OK && (rc = query_next(q, &row, err)) == RC_OK && row) {
		p = query_column_blob(q, 0, &len);
		exchange_put(out, rows->type, p, len);
		if (rows->type == ITEM_FRAME) {
			count->sent_frames++;
			count->sent_entries += (uint64_t)query_column_int(q, 1);
		}
		if (out->len > BUNDLE_BYTES_MAX)
			rc = error_set(err, RC_LIMIT, "bundle", "sync over the network first",
			    "there is more than one bundle can hold");
	}
	query_close(q);
	return rc != RC_OK ? rc : out->rc;
}

enum rc
replica_bundle_write(struct replica *r, struct bytes *b, struct replica_sync_result *out,
    struct error *err)
{
	static const struct rows all[] = {
		{ "SELECT bytes FROM statement ORDER BY seq", ITEM_STATEMENT },
		{ "SELECT bytes FROM certificate ORDER BY device", ITEM_CERTIFICATE },
		/* own ones, and others' that are carried or wait here (replica.h) */
		{ "SELECT bytes, entries FROM frame WHERE bytes IS NOT NULL AND state IN (1, 2, 3, 5)"
		    " ORDER BY added, id", ITEM_FRAME },
		/* after the frames: they say which of them need no carrying */
		{ "SELECT bytes FROM receipt ORDER BY id", ITEM_RECEIPT },
	};
	uint8_t province[8];
	enum rc rc;

	memset(out, 0, sizeof(*out));
	if ((rc = replica_seal(r, REPLICA_FRAME_BYTES_MAX, 0, err)) != RC_OK)
		return rc;
	bytes_text(b, "FB");
	bytes_u8(b, 1);
	directory_province(r->directory, province);
	bytes_put(b, province, sizeof(province));
	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]) && rc == RC_OK; i++)
		rc = put_rows(r, &all[i], b, out, err);
	exchange_put(b, ITEM_END, NULL, 0);
	out->bytes_up = b->len;
	return rc != RC_OK ? rc : b->rc;
}

struct importing {
	struct replica *replica;
	struct replica_sync_result *count;
	struct error *err;
};

static enum rc
import_item(void *ctx, enum item_type type, const uint8_t *payload, size_t len)
{
	struct importing *i = ctx;

	return replica_take_item(i->replica, type, payload, len, i->count, i->err);
}

static enum rc
check_head(struct replica *r, const char *name, const uint8_t *p, size_t len, struct error *err)
{
	uint8_t province[8];

	if (len < BUNDLE_HEAD_BYTES || memcmp(p, "FB", 2) != 0)
		return error_set(err, RC_FORMAT, name, "choose a file made by bundle export",
		    "this is no bundle");
	if (p[2] != 1)
		return error_set(err, RC_NEWER, name, "update the program",
		    "the bundle was made by a newer version");
	directory_province(r->directory, province);
	if (memcmp(p + 3, province, sizeof(province)) != 0)
		return error_set(err, RC_DENIED, name, "choose a bundle of your own province",
		    "the bundle is of another province");
	return RC_OK;
}

enum rc
replica_bundle_read(struct replica *r, const char *name, const uint8_t *p, size_t len,
    struct replica_sync_result *out, struct error *err)
{
	struct exchange_stream stream;
	struct importing i = { .replica = r, .count = out, .err = err };
	bool cut = false;
	enum rc rc, fed;

	memset(out, 0, sizeof(*out));
	exchange_stream_init(&stream, import_item, &i);
	if ((rc = check_head(r, name, p, len, err)) != RC_OK ||
	    (rc = replica_begin(r, err)) != RC_OK)
		goto out;
	r->by_stick = true;
	fed = exchange_stream_feed(&stream, p + BUNDLE_HEAD_BYTES, len - BUNDLE_HEAD_BYTES);
	cut = fed == RC_PROTOCOL || (fed == RC_OK && !stream.ended);
	if (cut)
		fed = RC_OK;	/* what came whole counts */
	if (fed == RC_OK)
		fed = replica_retry_waiting(r, out, err);
	r->by_stick = false;
	rc = replica_end(r, fed, err);
	out->bytes_down = len;
	if (rc == RC_OK && cut)
		rc = error_set(err, RC_FORMAT, name, "copy the bundle again; what was whole is kept",
		    "the bundle is cut off or damaged");
out:
	exchange_stream_reset(&stream);
	return rc;
}
