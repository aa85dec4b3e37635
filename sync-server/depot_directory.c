#include <stdlib.h>
#include <string.h>

#include "sync-server/depot.h"
#include "sync-server/depot_internal.h"

/* ---- statements ---- */

static bool
has_subject(unsigned type)
{
	return type == STATEMENT_RETIRE || type == STATEMENT_REFUSE || type == STATEMENT_REVOKE ||
	    type == STATEMENT_ASSIGN;
}

enum rc
depot_add_statement(struct depot *d, const uint8_t *p, size_t len, bool *forked,
    struct error *err)
{
	uint64_t seq = directory_count(d->directory);
	const uint8_t *pinned = d->pinned ? d->province : NULL;
	struct statement_view v;
	enum rc rc;

	if ((rc = directory_add(d->directory, p, len, pinned, forked, err)) != RC_OK)
		return rc;
	if (directory_count(d->directory) == seq)
		return RC_OK;
	if ((rc = directory_statement_view(p, len, &v)) != RC_OK)
		return rc;
	if (has_subject(v.type) && v.payload_len >= IDENTITY_ID_BYTES)
		return depot_sql_run(&d->sql, "INSERT INTO statement(seq, type, subject, bytes)"
		    " VALUES(?1, ?2, ?3, ?4)", "iibb", (int64_t)seq, (int64_t)v.type, v.payload,
		    (size_t)IDENTITY_ID_BYTES, p, len);
	return depot_sql_run(&d->sql, "INSERT INTO statement(seq, type, subject, bytes)"
	    " VALUES(?1, ?2, NULL, ?3)", "iib", (int64_t)seq, (int64_t)v.type, p, len);
}

enum rc
depot_statement(struct depot *d, uint64_t seq, struct bytes *out)
{
	return depot_sql_blob(&d->sql, out, "SELECT bytes FROM statement WHERE seq = ?1", "i",
	    (int64_t)seq);
}

enum rc
depot_retired_at(struct depot *d, const uint8_t device[16], uint64_t *seq)
{
	int64_t at;
	enum rc rc = depot_sql_int(&d->sql, &at, "SELECT max(seq) FROM statement WHERE subject = ?1"
	    " AND type = 5", "b", device, (size_t)IDENTITY_ID_BYTES);

	*seq = (uint64_t)at;
	return rc;
}

/* assign: device[16], unit span, role u8 */
static enum rc
read_assign(const struct bytes *statement, char unit[IDENTITY_UNIT_MAX + 1],
    enum identity_role *role)
{
	struct statement_view v;
	struct reader r;
	const uint8_t *code;
	size_t code_len;
	uint8_t n;

	if (directory_statement_view(statement->data, statement->len, &v) != RC_OK)
		return RC_DAMAGED;
	reader_init(&r, v.payload, v.payload_len);
	reader_take(&r, IDENTITY_ID_BYTES);
	code = reader_span(&r, IDENTITY_UNIT_MAX, &code_len);
	n = reader_u8(&r);
	if (code == NULL || !reader_done(&r) || n >= ROLE_COUNT)
		return RC_DAMAGED;
	memcpy(unit, code, code_len);
	unit[code_len] = '\0';
	*role = (enum identity_role)n;
	return RC_OK;
}

enum rc
depot_assigned_at(struct depot *d, const uint8_t device[16], uint64_t seq,
    char unit[IDENTITY_UNIT_MAX + 1], enum identity_role *role)
{
	const struct device *known = directory_device(d->directory, device);
	struct bytes statement;
	enum rc rc;

	*role = ROLE_COMMUNICATOR;
	memset(unit, 0, IDENTITY_UNIT_MAX + 1);
	if (known == NULL)
		return RC_NOTFOUND;
	bytes_init(&statement);
	rc = depot_sql_blob(&d->sql, &statement, "SELECT bytes FROM statement WHERE subject = ?1"
	    " AND type = 9 AND seq <= ?2 ORDER BY seq DESC LIMIT 1", "bi", device,
	    (size_t)IDENTITY_ID_BYTES, seq > INT64_MAX ? INT64_MAX : (int64_t)seq);
	if (rc == RC_OK) {
		rc = read_assign(&statement, unit, role);
	} else if (rc == RC_NOTFOUND) {
		memcpy(unit, known->cert.invitation.unit, IDENTITY_UNIT_MAX + 1);
		*role = known->cert.invitation.role;
		rc = RC_OK;
	}
	bytes_reset(&statement);
	return rc;
}

/* ---- certificates ---- */

/* Is the invitation used for the first time, in time and not withdrawn? */
static enum root_exchange_why
judge_use(const struct depot *d, const struct certificate *c, int64_t now, size_t uses_before)
{
	if (directory_invitation_revoked(d->directory, c->invitation.id))
		return WHY_REVOKED;
	if (uses_before > 0)
		return WHY_SECOND_USE;
	return now > c->invitation.not_after ? WHY_EXPIRED : WHY_NOTHING;
}

enum rc
depot_add_certificate(struct depot *d, const uint8_t *p, size_t len, int64_t now,
    bool *added, struct error *err)
{
	struct certificate c;
	enum root_exchange_why why;
	size_t uses;
	int64_t there;
	enum rc rc;

	*added = false;
	if (directory_count(d->directory) == 0)
		return error_set(err, RC_AUTH, NULL, NULL, "no province is known yet");
	if ((rc = identity_certificate_read(p, len, directory_root(d->directory), &c)) != RC_OK)
		return error_set(err, rc, NULL, NULL, "the certificate does not hold");
	rc = depot_sql_int(&d->sql, &there, "SELECT serial FROM certificate WHERE device = ?1", "b",
	    c.device, sizeof(c.device));
	if (rc != RC_NOTFOUND)
		return rc;
	uses = directory_invitation_uses(d->directory, c.invitation.id);
	if (directory_device(d->directory, c.device) != NULL)
		return RC_OK;		/* the chain has it */
	if (uses >= DEPOT_INVITATION_USES_MAX)
		return error_set(err, RC_LIMIT, NULL, NULL, "its invitation was used too often");
	why = judge_use(d, &c, now, uses);
	if ((rc = directory_add_certificate(d->directory, p, len, err)) != RC_OK)
		return rc;
	rc = depot_sql_run(&d->sql, "INSERT INTO certificate(device, why, first_seen, bytes)"
	    " VALUES(?1, ?2, ?3, ?4)", "biib", c.device, sizeof(c.device), (int64_t)why, now, p, len);
	if (rc != RC_OK)
		return rc;
	*added = true;
	return depot_sql_int(&d->sql, &d->certificate_serial,
	    "SELECT max(serial) FROM certificate", "");
}

enum rc
depot_certificate(struct depot *d, const uint8_t device[16], struct bytes *out)
{
	return depot_sql_blob(&d->sql, out, "SELECT bytes FROM certificate WHERE device = ?1", "b",
	    device, (size_t)IDENTITY_ID_BYTES);
}

enum rc
depot_certificate_after(struct depot *d, uint64_t after, uint64_t *serial, struct bytes *out)
{
	int64_t n;
	enum rc rc = depot_sql_int(&d->sql, &n, "SELECT min(serial) FROM certificate"
	    " WHERE serial > ?1", "i", (int64_t)after);

	*serial = (uint64_t)n;
	if (rc != RC_OK)
		return rc;
	return depot_sql_blob(&d->sql, out, "SELECT bytes FROM certificate WHERE serial = ?1", "i", n);
}

enum rc
depot_standing(struct depot *d, const uint8_t device[16], enum depot_standing *out)
{
	const struct device *known = directory_device(d->directory, device);
	int64_t why;
	enum rc rc;

	*out = STANDING_UNKNOWN;
	if (known == NULL)
		return RC_OK;
	switch (known->state) {
	case DEVICE_ADMITTED:
		*out = STANDING_GOOD;
		return RC_OK;
	case DEVICE_RETIRED:
		*out = STANDING_RETIRED;
		return RC_OK;
	case DEVICE_REFUSED:
		*out = STANDING_REFUSED;
		return RC_OK;
	case DEVICE_CERTIFIED:
		break;
	}
	rc = depot_sql_int(&d->sql, &why, "SELECT why FROM certificate WHERE device = ?1", "b",
	    device, (size_t)IDENTITY_ID_BYTES);
	*out = rc == RC_OK && why == WHY_NOTHING ? STANDING_GOOD : STANDING_WAITS;
	return rc == RC_NOTFOUND ? RC_OK : rc;
}

enum rc
depot_waiting(struct depot *d, size_t max, struct relay_waiting **out, size_t *n)
{
	struct relay_waiting *list = calloc(max + 1, sizeof(*list)), *w;
	const struct device *known;
	struct sqlite3_stmt *q = NULL;
	bool row = false;
	enum rc rc;

	*out = NULL;
	*n = 0;
	if (list == NULL)
		return RC_NOMEM;
	rc = depot_sql_open(&d->sql, &q, "SELECT c.device, c.why, (SELECT count(*) FROM frame f"
	    " WHERE f.state = 2 AND f.reason = 0 AND f.author = c.device)"
	    " FROM certificate c WHERE c.why <> 0 ORDER BY c.serial", "");
	while (rc == RC_OK && *n < max && (rc = depot_sql_next(&d->sql, q, &row)) == RC_OK && row) {
		w = &list[*n];
		depot_sql_column_fixed(q, 0, w->device, sizeof(w->device));
		known = directory_device(d->directory, w->device);
		if (known == NULL || known->state != DEVICE_CERTIFIED)
			continue;	/* the authority has decided */
		w->why = (enum root_exchange_why)depot_sql_column_int(q, 1);
		w->frames = (uint64_t)depot_sql_column_int(q, 2);
		(*n)++;
	}
	depot_sql_close(&d->sql, q);
	if (rc != RC_OK) {
		free(list);
		*n = 0;
		return rc;
	}
	*out = list;
	return RC_OK;
}

/* ---- devices that speak ---- */

enum rc
depot_nonce(struct depot *d, const uint8_t device[16], uint8_t out[16])
{
	enum rc rc = depot_sql_fixed(&d->sql, out, 16, "SELECT nonce FROM device WHERE device = ?1",
	    "b", device, (size_t)IDENTITY_ID_BYTES);

	return rc == RC_NOTFOUND ? RC_OK : rc;
}

enum rc
depot_set_nonce(struct depot *d, const uint8_t device[16], const uint8_t nonce[16],
    int64_t now, uint64_t position, uint64_t directory_seq)
{
	return depot_sql_run(&d->sql, "INSERT INTO device(device, nonce, seen_at, position,"
	    " directory_seq) VALUES(?1, ?2, ?3, ?4, ?5) ON CONFLICT(device) DO UPDATE SET"
	    " nonce = ?2, seen_at = ?3, position = ?4, directory_seq = ?5", "bbiii", device,
	    (size_t)IDENTITY_ID_BYTES, nonce, (size_t)16, now, (int64_t)position,
	    (int64_t)directory_seq);
}

enum rc
depot_seen(struct depot *d, struct depot_seen **out, size_t *n)
{
	struct depot_seen *list;
	struct sqlite3_stmt *q = NULL;
	int64_t count;
	bool row = false;
	enum rc rc;

	*out = NULL;
	*n = 0;
	if ((rc = depot_sql_int(&d->sql, &count, "SELECT count(*) FROM device", "")) != RC_OK)
		return rc;
	if ((list = calloc((size_t)count + 1, sizeof(*list))) == NULL)
		return RC_NOMEM;
	rc = depot_sql_open(&d->sql, &q, "SELECT d.device, seen_at, position, directory_seq,"
	    " coalesce(l.entries, 0) FROM device d LEFT JOIN (SELECT device, sum(n) AS entries FROM log"
	    " GROUP BY device) l ON l.device = d.device ORDER BY d.device", "");
	while (rc == RC_OK && *n < (size_t)count &&
	    (rc = depot_sql_next(&d->sql, q, &row)) == RC_OK && row) {
		depot_sql_column_fixed(q, 0, list[*n].device, sizeof(list[*n].device));
		list[*n].seen_at = depot_sql_column_int(q, 1);
		list[*n].position = (uint64_t)depot_sql_column_int(q, 2);
		list[*n].directory_seq = (uint64_t)depot_sql_column_int(q, 3);
		list[*n].entries = (uint64_t)depot_sql_column_int(q, 4);
		(*n)++;
	}
	depot_sql_close(&d->sql, q);
	*out = list;
	return rc;
}
