/* What a hub remembers of the relay above it, and finds for it. */
#include <stdlib.h>
#include <string.h>

#include "shared/sync/exchange.h"
#include "shared/vault/digest.h"
#include "sync-server/depot_internal.h"

enum rc
depot_keep(struct depot *d, const char *name, const void *p, size_t len)
{
	return depot_sql_run(&d->sql, "INSERT INTO setting(name, value) VALUES('up ' || ?1, ?2)"
	    " ON CONFLICT(name) DO UPDATE SET value = ?2", "tb", name, p, len);
}

enum rc
depot_kept(struct depot *d, const char *name, struct bytes *out)
{
	return depot_sql_blob(&d->sql, out, "SELECT value FROM setting WHERE name = 'up ' || ?1", "t",
	    name);
}

enum rc
depot_next_frame(struct depot *d, int64_t after, struct depot_pending *out)
{
	struct sqlite3_stmt *q;
	bool row = false;
	enum rc rc;

	memset(out, 0, sizeof(*out));
	rc = depot_sql_open(&d->sql, &q, "SELECT key, id, carrier, state, reason, length(bytes)"
	    " FROM frame WHERE key > ?1 ORDER BY key LIMIT 1", "i", after);
	if (rc == RC_OK && (rc = depot_sql_next(&d->sql, q, &row)) == RC_OK && row) {
		out->key = depot_sql_column_int(q, 0);
		depot_sql_column_fixed(q, 1, out->id, sizeof(out->id));
		depot_sql_column_fixed(q, 2, out->carrier, sizeof(out->carrier));
		out->state = (enum depot_frame_state)depot_sql_column_int(q, 3);
		out->reason = (enum root_exchange_reason)depot_sql_column_int(q, 4);
		out->len = (size_t)depot_sql_column_int(q, 5);
	}
	depot_sql_close(&d->sql, q);
	return rc == RC_OK && !row ? RC_NOTFOUND : rc;
}

enum rc
depot_last_frame(struct depot *d, int64_t *key)
{
	enum rc rc = depot_sql_int(&d->sql, key, "SELECT max(key) FROM frame", "");

	return rc == RC_NOTFOUND ? RC_OK : rc;
}

enum rc
depot_hand_on(struct depot *d, const struct depot_frame *f, const uint8_t carrier[16])
{
	enum rc rc = depot_sql_run(&d->sql, "UPDATE frame SET carrier = ?2 WHERE key = ?1", "ib", f->key,
	    carrier, (size_t)IDENTITY_ID_BYTES);

	return rc != RC_OK ? rc : depot_sql_run(&d->sql, "INSERT INTO setting(name, value)"
	    " VALUES('up from', ?1) ON CONFLICT(name) DO UPDATE SET value = min(value, ?1)", "i", f->key);
}

enum rc
depot_hand_on_from(struct depot *d, int64_t *key)
{
	enum rc rc = depot_sql_int(&d->sql, key, "SELECT value FROM setting WHERE name = 'up from'", "");

	return rc != RC_OK ? rc : depot_sql_run(&d->sql, "DELETE FROM setting WHERE name = 'up from'", "");
}

enum rc
depot_next_receipt(struct depot *d, uint64_t after, uint64_t *position, struct bytes *out)
{
	struct sqlite3_stmt *q;
	const uint8_t *p;
	bool row = false;
	size_t len;
	enum rc rc;

	*position = 0;
	out->len = 0;
	rc = depot_sql_open(&d->sql, &q, "SELECT position, body FROM stream WHERE position > ?1"
	    " AND type = ?2 ORDER BY position LIMIT 1", "ii", (int64_t)after, (int64_t)ITEM_RECEIPT);
	if (rc == RC_OK && (rc = depot_sql_next(&d->sql, q, &row)) == RC_OK && row) {
		*position = (uint64_t)depot_sql_column_int(q, 0);
		p = depot_sql_column_blob(q, 1, &len);
		bytes_put(out, p, len);
		rc = out->rc;
	}
	depot_sql_close(&d->sql, q);
	return rc == RC_OK && !row ? RC_NOTFOUND : rc;
}

enum rc
depot_mark_from_above(struct depot *d, const uint8_t *p, size_t len)
{
	uint8_t id[16];

	digest_of(id, sizeof(id), "field-depot-above-1", p, len);
	return depot_sql_run(&d->sql, "INSERT OR IGNORE INTO receipt(id) VALUES(?1)", "b", id, sizeof(id));
}

enum rc
depot_is_from_above(struct depot *d, const uint8_t *p, size_t len, bool *from_above)
{
	uint8_t id[16];
	int64_t there;
	enum rc rc;

	digest_of(id, sizeof(id), "field-depot-above-1", p, len);
	rc = depot_sql_int(&d->sql, &there, "SELECT 1 FROM receipt WHERE id = ?1", "b", id, sizeof(id));
	*from_above = rc == RC_OK;
	return rc == RC_NOTFOUND ? RC_OK : rc;
}
