#include "shared/sync/replica_watch.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "shared/sync/replica_relay.h"
#include "shared/vault/query.h"

enum { CLOCK_SECONDS = 86400, STATEMENTS_BYTES = 8 << 20 };

/* Setting "returned": own entries came back; and a sync has come to its end since. */
enum { RETURNED_NOW = 1, RETURNED_BEFORE = 2 };

/* ---- own entries from elsewhere ---- */

enum rc
replica_watch_here(struct replica *r, uint64_t log, uint64_t first, uint64_t count, uint64_t *n,
    struct error *err)
{
	int64_t found = 0;
	enum rc rc = query_int(r->db, err, &found, "SELECT count(*) FROM entry WHERE log = ?1"
	    " AND n BETWEEN ?2 AND ?3", "iii", (int64_t)log, (int64_t)first,
	    (int64_t)(first + count - 1));

	*n = (uint64_t)found;
	return rc;
}

enum rc
replica_watch_returned(struct replica *r, struct error *err)
{
	uint64_t state;
	enum rc rc = replica_request_number(r->db, "returned", &state, err);

	if (rc != RC_OK || state == RETURNED_NOW)
		return rc;
	/* an old stick may bring at any time what was written before the vault was put back */
	if (state == RETURNED_BEFORE && !r->by_stick)
		return replica_event(r, "two-places", "");
	if (state == RETURNED_BEFORE)
		return RC_OK;
	if ((rc = replica_request_put_number(r->db, "returned", RETURNED_NOW, err)) != RC_OK)
		return rc;
	return replica_event(r, "own-returned", "");
}

enum rc
replica_watch_caught_up(struct replica *r, struct error *err)
{
	uint64_t state;
	enum rc rc = replica_request_number(r->db, "returned", &state, err);

	if (rc != RC_OK || state != RETURNED_NOW)
		return rc;
	return replica_request_put_number(r->db, "returned", RETURNED_BEFORE, err);
}

enum rc
replica_watch_ahead(struct replica *r, const char *unit, unsigned compartment, uint64_t log,
    struct error *err)
{
	int64_t own = 0;
	enum rc rc = query_int(r->db, err, &own, "SELECT own FROM log WHERE id = ?1", "i",
	    (int64_t)log);

	if (rc != RC_OK && rc != RC_NOTFOUND)
		return rc;
	/* of a scope that is not read here only own logs are named, and they do not come back */
	if (rc == RC_NOTFOUND)
		own = !directory_may_read(r->directory, replica_unit(r), replica_role(r), unit,
		    compartment);
	return own != 0 ? replica_event(r, "own-ahead", "") : RC_OK;
}

/* ---- the relay ---- */

enum rc
replica_watch_rolled_back(struct replica_syncing *s, bool *out)
{
	uint64_t position;
	uint8_t head[16];
	enum rc rc;

	*out = false;
	if (s->welcome.status != STATUS_OK || s->welcome.last == 0)
		return RC_OK;	/* it says nothing of its sequence */
	if (directory_head_at(s->replica->directory, s->welcome.directory_seq, head) &&
	    memcmp(head, s->welcome.directory_head, sizeof(head)) != 0)
		return RC_OK;
	if ((rc = replica_request_number(s->replica->db, "position", &position, s->err)) == RC_OK)
		*out = s->welcome.last < position;
	return rc;
}

static enum rc
watch_clock(struct replica_syncing *s)
{
	int64_t off = clock_now(&s->replica->clock) - s->welcome.now;
	char days[24];

	off = off < 0 ? -off : off;
	if (off < CLOCK_SECONDS)
		return RC_OK;
	snprintf(days, sizeof(days), "%" PRId64, off / 86400);
	return replica_event(s->replica, "clock-wrong", days);
}

enum rc
replica_watch_welcome(struct replica_syncing *s)
{
	uint64_t ours = directory_count(s->replica->directory);
	uint8_t head[16];
	enum rc rc = watch_clock(s);

	if (rc != RC_OK || s->welcome.directory_seq + 1 >= ours ||
	    s->welcome.directory_seq + 1 <= s->statements_given ||
	    !directory_head_at(s->replica->directory, s->welcome.directory_seq, head) ||
	    memcmp(head, s->welcome.directory_head, sizeof(head)) != 0)
		return rc;
	s->statements_from = s->statements_given = s->welcome.directory_seq + 1;
	s->more = s->moved = true;
	/* a hub is behind whenever its line is down */
	return replica_is_hub(s->replica, s->welcome.relay) ? RC_OK :
	    replica_event(s->replica, "directory-behind", "");
}

enum rc
replica_watch_statements(struct replica_syncing *s, struct error *err)
{
	struct sqlite3_stmt *q;
	const uint8_t *p;
	size_t len, start = s->message.len;
	bool row = true;
	enum rc rc;

	if (s->statements_from == 0)
		return RC_OK;
	rc = query_open(s->replica->db, err, &q, "SELECT bytes FROM statement WHERE seq >= ?1"
	    " ORDER BY seq", "i", (int64_t)s->statements_from);
	while (rc == RC_OK && s->message.len - start < STATEMENTS_BYTES &&
	    (rc = query_next(q, &row, err)) == RC_OK && row) {
		p = query_column_blob(q, 0, &len);
		exchange_put(&s->message, ITEM_STATEMENT, p, len);
	}
	query_close(q);
	s->statements_from = 0;
	return rc;
}
