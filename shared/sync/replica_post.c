#include <string.h>

#include "shared/sync/replica_internal.h"
#include "shared/vault/query.h"

/* Payload of an assignment (formats.md "Directory"): the device, the unit, the role. */
static bool
read_assign(const uint8_t *p, size_t len, const uint8_t device[IDENTITY_ID_BYTES],
    char unit[IDENTITY_UNIT_MAX + 1], enum identity_role *role)
{
	struct statement_view v;
	struct reader r;
	const uint8_t *text;
	size_t n;
	unsigned number;

	if (directory_statement_view(p, len, &v) != RC_OK || v.type != STATEMENT_ASSIGN ||
	    v.payload_len < IDENTITY_ID_BYTES || memcmp(v.payload, device, IDENTITY_ID_BYTES) != 0)
		return false;
	reader_init(&r, v.payload + IDENTITY_ID_BYTES, v.payload_len - IDENTITY_ID_BYTES);
	text = reader_span(&r, IDENTITY_UNIT_MAX, &n);
	number = reader_u8(&r);
	if (!reader_done(&r) || number >= ROLE_COUNT)
		return false;
	memset(unit, 0, IDENTITY_UNIT_MAX + 1);
	memcpy(unit, text, n);
	*role = (enum identity_role)number;
	return true;
}

/*
 * Unit and role that a device had for whoever knew the chain up to statement seq; *since:
 * the statement that said so, 0: its invitation.  RC_NOTFOUND: no such device.
 */
static enum rc
assigned_at(struct replica *r, const uint8_t device[IDENTITY_ID_BYTES], uint64_t seq,
    char unit[IDENTITY_UNIT_MAX + 1], enum identity_role *role, uint64_t *since,
    struct error *err)
{
	const struct device *known = directory_device(r->directory, device);
	struct sqlite3_stmt *q;
	bool row = true, found = false;
	const uint8_t *p;
	size_t len;
	enum rc rc;

	*role = ROLE_COMMUNICATOR;
	*since = 0;
	memset(unit, 0, IDENTITY_UNIT_MAX + 1);
	if (known == NULL)
		return RC_NOTFOUND;
	rc = query_open(r->db, err, &q, "SELECT bytes, seq FROM statement WHERE seq <= ?1"
	    " ORDER BY seq DESC", "i", seq > INT64_MAX ? INT64_MAX : (int64_t)seq);
	while (rc == RC_OK && !found && (rc = query_next(q, &row, err)) == RC_OK && row) {
		p = query_column_blob(q, 0, &len);
		if ((found = read_assign(p, len, device, unit, role)))
			*since = (uint64_t)query_column_int(q, 1);
	}
	query_close(q);
	if (rc == RC_OK && !found) {
		memcpy(unit, known->cert.invitation.unit, IDENTITY_UNIT_MAX + 1);
		*role = known->cert.invitation.role;
	}
	return rc;
}

enum rc
replica_could_write_at(struct replica *r, const char *scope_unit, unsigned compartment,
    uint64_t *seq, struct error *err)
{
	uint64_t at = directory_count(r->directory) - 1, since;
	char unit[IDENTITY_UNIT_MAX + 1];
	enum identity_role role;
	enum rc rc;

	*seq = at;
	for (;;) {
		rc = assigned_at(r, r->identity.device, at, unit, &role, &since, err);
		if (rc != RC_OK)
			return rc == RC_NOTFOUND ? RC_OK : rc;
		if (directory_once_wrote(r->directory, unit, role, scope_unit, compartment)) {
			*seq = at;
			return RC_OK;
		}
		if (since == 0)
			return RC_OK;
		at = since - 1;
	}
}
