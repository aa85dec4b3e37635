#include <string.h>

#include "shared/vault/digest.h"
#include "sync-server/depot.h"
#include "sync-server/depot_internal.h"

#define LABEL "field-audit-1"

/* head(n) from head(n - 1) and line n. */
static enum rc
chain(const uint8_t before[DEPOT_AUDIT_HEAD_BYTES], uint64_t n, int64_t at, const char *kind,
    const uint8_t device[16], const char *detail, uint8_t out[DEPOT_AUDIT_HEAD_BYTES])
{
	struct bytes line;
	enum rc rc;

	bytes_init(&line);
	bytes_put(&line, before, DEPOT_AUDIT_HEAD_BYTES);
	bytes_u64(&line, n);
	bytes_zigzag(&line, at);
	bytes_span(&line, kind, strlen(kind));
	bytes_put(&line, device, IDENTITY_ID_BYTES);
	bytes_span(&line, detail, strlen(detail));
	if ((rc = line.rc) == RC_OK)
		digest_of(out, DEPOT_AUDIT_HEAD_BYTES, LABEL, line.data, line.len);
	bytes_reset(&line);
	return rc;
}

enum rc
depot_audit_head(struct depot *d, uint64_t *n, uint8_t head[DEPOT_AUDIT_HEAD_BYTES])
{
	int64_t last = 0;
	enum rc rc;

	memset(head, 0, DEPOT_AUDIT_HEAD_BYTES);
	rc = depot_sql_int(&d->sql, &last, "SELECT coalesce(max(n), 0) FROM audit", "");
	*n = (uint64_t)last;
	if (rc != RC_OK || last == 0)
		return rc;
	return depot_sql_fixed(&d->sql, head, DEPOT_AUDIT_HEAD_BYTES,
	    "SELECT head FROM audit WHERE n = ?1", "i", last);
}

enum rc
depot_audit(struct depot *d, int64_t at, const char *kind, const uint8_t device[16],
    const char *detail)
{
	static const uint8_t nobody[IDENTITY_ID_BYTES];
	uint8_t head[DEPOT_AUDIT_HEAD_BYTES];
	uint64_t n;
	enum rc rc;

	if (device == NULL)
		device = nobody;
	if (strlen(kind) > DEPOT_AUDIT_TEXT_MAX || strlen(detail) > DEPOT_AUDIT_TEXT_MAX)
		return RC_LIMIT;
	if ((rc = depot_audit_head(d, &n, head)) != RC_OK ||
	    (rc = chain(head, n + 1, at, kind, device, detail, head)) != RC_OK)
		return rc;
	return depot_sql_run(&d->sql, "INSERT INTO audit(n, at, kind, device, detail, head)"
	    " VALUES(?1, ?2, ?3, ?4, ?5, ?6)", "iitbtb", (int64_t)n + 1, at, kind, device,
	    (size_t)IDENTITY_ID_BYTES, detail, head, sizeof(head));
}

/* One row of the log against the head before it, which it replaces. */
static enum rc
check_line(struct sqlite3_stmt *q, uint64_t wanted, uint8_t head[DEPOT_AUDIT_HEAD_BYTES],
    bool *good)
{
	uint8_t device[IDENTITY_ID_BYTES], stored[DEPOT_AUDIT_HEAD_BYTES];
	enum rc rc;

	depot_sql_column_fixed(q, 3, device, sizeof(device));
	depot_sql_column_fixed(q, 5, stored, sizeof(stored));
	rc = chain(head, wanted, depot_sql_column_int(q, 1), depot_sql_column_text(q, 2), device,
	    depot_sql_column_text(q, 4), head);
	*good = (uint64_t)depot_sql_column_int(q, 0) == wanted &&
	    memcmp(head, stored, sizeof(stored)) == 0;
	return rc;
}

enum rc
depot_audit_verify(struct depot *d, uint64_t known_n, const uint8_t *known, uint64_t *lines,
    uint64_t *bad)
{
	static const uint8_t none[DEPOT_AUDIT_HEAD_BYTES];
	uint8_t head[DEPOT_AUDIT_HEAD_BYTES] = { 0 };
	struct sqlite3_stmt *q;
	bool row = false, good;
	bool met = known == NULL || (known_n == 0 && memcmp(known, none, sizeof(none)) == 0);
	enum rc rc;

	*lines = *bad = 0;
	rc = depot_sql_open(&d->sql, &q, "SELECT n, at, kind, device, detail, head FROM audit"
	    " ORDER BY n", "");
	while (rc == RC_OK && *bad == 0 && (rc = depot_sql_next(&d->sql, q, &row)) == RC_OK && row) {
		if ((rc = check_line(q, *lines + 1, head, &good)) != RC_OK)
			break;
		if (!good)
			*bad = *lines + 1;
		++*lines;
		if (known != NULL && *lines == known_n)
			met = memcmp(head, known, sizeof(head)) == 0;
	}
	depot_sql_close(&d->sql, q);
	if (rc == RC_OK && *bad == 0 && !met)
		*bad = known_n > 0 ? known_n : 1;
	return rc;
}

enum rc
depot_seen_at(struct depot *d, const uint8_t device[16], int64_t *at)
{
	*at = 0;
	return depot_sql_int(&d->sql, at, "SELECT seen_at FROM device WHERE device = ?1", "b", device,
	    (size_t)IDENTITY_ID_BYTES);
}
