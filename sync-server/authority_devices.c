#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "shared/vault/query.h"
#include "sync-server/authority_internal.h"
#include "sync-server/root_exchange.h"

enum { FIND_DIGITS_MIN = 4, ADMIT_BATCH = 800 };

/* ---- certificates that the relay reported ---- */

enum rc
authority_certificate(struct authority *a, const uint8_t device[IDENTITY_ID_BYTES],
    struct bytes *bytes, struct certificate *out, struct error *err)
{
	enum rc rc;

	bytes->len = 0;
	rc = query_blob(a->db, err, bytes, "SELECT bytes FROM certificate WHERE device = ?1", "b",
	    device, (size_t)IDENTITY_ID_BYTES);
	if (rc != RC_OK)
		return rc;
	return identity_certificate_read(bytes->data, bytes->len, directory_root(a->directory),
	    out);
}

static enum rc
count(struct authority *a, const char *sql, const uint8_t *one, const uint8_t *two,
    int64_t *out, struct error *err)
{
	return query_int(a->db, err, out, sql, "bb", one, (size_t)IDENTITY_ID_BYTES, two,
	    (size_t)IDENTITY_ID_BYTES);
}

enum rc
authority_why_waits(struct authority *a, const struct certificate *cert, const char **why,
    struct error *err)
{
	const struct invitation *inv = &cert->invitation;
	int64_t state, earlier, flag;
	enum rc rc;

	*why = NULL;
	rc = query_int(a->db, err, &state, "SELECT state FROM invitation WHERE id = ?1", "b",
	    inv->id, (size_t)IDENTITY_ID_BYTES);
	if (rc == RC_NOTFOUND) {
		*why = "its invitation is not known here";
		return RC_OK;
	}
	if (rc != RC_OK)
		return rc;
	/* Who came first is what the relay's order says. */
	rc = count(a, "SELECT count(*) FROM certificate WHERE invitation = ?1 AND id <"
	    " (SELECT id FROM certificate WHERE device = ?2)", inv->id, cert->device, &earlier, err);
	if (rc == RC_OK)
		rc = count(a, "SELECT coalesce(max(reason), 0) FROM relay_waiting WHERE device = ?2"
		    " AND ?1 IS NOT NULL", inv->id, cert->device, &flag, err);
	if (rc != RC_OK)
		return rc;
	if (state == INVITATION_REVOKED || flag == WHY_REVOKED)
		*why = "its invitation was withdrawn";
	else if (state == INVITATION_USED || earlier > 0 || flag == WHY_SECOND_USE)
		*why = "its invitation was used by another device before";
	else if (cert->joined_at > inv->not_after || flag == WHY_EXPIRED)
		*why = "its invitation was past its date";
	return RC_OK;
}

/* ---- admitting ---- */

/* Epochs of its unit's scopes that its invitation did not bring. */
static enum rc
seal_later_epochs(struct authority_keys *k, const struct certificate *cert, struct error *err)
{
	const struct invitation *inv = &cert->invitation;
	int64_t had;
	enum rc rc = RC_OK;

	for (unsigned c = 0; c < DIRECTORY_COMPARTMENTS && rc == RC_OK; c++) {
		if (!directory_may_read(k->a->directory, inv->unit, inv->role, inv->unit, c))
			continue;
		rc = query_int(k->a->db, err, &had, "SELECT coalesce(max(epoch), 0) FROM"
		    " invitation_secret WHERE invitation = ?1 AND unit = ?2 AND compartment = ?3",
		    "bti", inv->id, (size_t)IDENTITY_ID_BYTES, inv->unit, (int64_t)c);
		if (rc == RC_OK)
			rc = authority_keys_to_device(k, inv->unit, c, (uint32_t)had + 1, cert, err);
	}
	return rc;
}

enum rc
authority_admit(struct authority *a, const struct bytes *certificates,
    const struct certificate *read, size_t n, struct error *err)
{
	struct authority_keys k;
	struct bytes payload;
	uint64_t seq;
	enum rc rc = RC_OK;

	bytes_init(&payload);
	for (size_t i = 0; i < n && rc == RC_OK; i += ADMIT_BATCH) {
		bytes_reset(&payload);
		directory_write_admit(certificates + i, n - i < ADMIT_BATCH ? n - i : ADMIT_BATCH,
		    &payload);
		rc = authority_statement(a, STATEMENT_ADMIT, &payload, &seq, err);
	}
	bytes_reset(&payload);
	if (rc != RC_OK || (rc = authority_keys_init(&k, a)) != RC_OK)
		return rc;
	for (size_t i = 0; i < n && rc == RC_OK; i++) {
		rc = seal_later_epochs(&k, &read[i], err);
		if (rc == RC_OK)
			rc = query_run(a->db, err, "UPDATE invitation SET state = ?1 WHERE id = ?2"
			    " AND state = ?3", "ibi", (int64_t)INVITATION_USED,
			    read[i].invitation.id, (size_t)IDENTITY_ID_BYTES,
			    (int64_t)INVITATION_OPEN);
	}
	if (rc == RC_OK)
		rc = authority_keys_sign(&k, err);
	authority_keys_reset(&k);
	return rc;
}

/* A device that waits: reported, and the chain says nothing of it yet. */
static enum rc
waiting_device(struct authority *a, const uint8_t id[IDENTITY_ID_BYTES], struct bytes *bytes,
    struct certificate *cert, struct error *err)
{
	const struct device *device = directory_device(a->directory, id);
	enum rc rc = authority_certificate(a, id, bytes, cert, err);

	if (rc == RC_NOTFOUND || device == NULL)
		return error_set(err, RC_NOTFOUND, "device", "see `sync-server quarantine`",
		    "no such device waits");
	if (rc == RC_OK && device->state != DEVICE_CERTIFIED)
		return error_set(err, RC_INVALID, "device", "see `sync-server devices`",
		    "it was decided about this device already");
	return rc;
}

enum rc
authority_release(struct authority *a, const uint8_t device[IDENTITY_ID_BYTES],
    struct error *err)
{
	struct certificate cert;
	struct bytes bytes;
	enum rc rc;

	bytes_init(&bytes);
	if ((rc = waiting_device(a, device, &bytes, &cert, err)) == RC_OK &&
	    (rc = authority_begin(a, err)) == RC_OK)
		rc = authority_end(a, authority_admit(a, &bytes, &cert, 1, err), err);
	bytes_reset(&bytes);
	return rc;
}

enum rc
authority_refuse(struct authority *a, const uint8_t device[IDENTITY_ID_BYTES],
    const char *reason, struct error *err)
{
	struct certificate cert;
	struct bytes bytes, payload;
	char *clean = NULL;
	uint64_t seq;
	enum rc rc;

	bytes_init(&bytes);
	bytes_init(&payload);
	if ((rc = waiting_device(a, device, &bytes, &cert, err)) != RC_OK ||
	    (rc = authority_text("reason", reason, DIRECTORY_REASON_MAX, &clean, err)) != RC_OK)
		goto out;
	directory_write_refuse(device, clean, &payload);
	if ((rc = authority_begin(a, err)) == RC_OK)
		rc = authority_end(a, authority_statement(a, STATEMENT_REFUSE, &payload, &seq, err),
		    err);
out:
	free(clean);
	bytes_reset(&payload);
	bytes_reset(&bytes);
	return rc;
}

/* ---- listing ---- */

static enum rc
fill_device(struct authority *a, const struct device *d, struct authority_device *out,
    struct error *err)
{
	struct bytes name;
	const char *why = NULL;
	int64_t frames = 0, entries = 0;
	enum rc rc;

	memcpy(out->id, d->cert.device, sizeof(out->id));
	snprintf(out->unit, sizeof(out->unit), "%s", d->unit);
	snprintf(out->reason, sizeof(out->reason), "%s", d->reason);
	out->role = d->role;
	out->joined_at = d->cert.joined_at;
	out->state = d->state;
	bytes_init(&name);
	rc = query_blob(a->db, err, &name, "SELECT name FROM invitation WHERE id = ?1", "b",
	    d->cert.invitation.id, (size_t)IDENTITY_ID_BYTES);
	if (rc == RC_OK)
		snprintf(out->name, sizeof(out->name), "%s", bytes_cstr(&name));
	if (rc == RC_OK || rc == RC_NOTFOUND)
		rc = query_int(a->db, err, &frames, "SELECT coalesce(sum(frames), 0) FROM"
		    " relay_waiting WHERE device = ?1", "b", out->id, (size_t)IDENTITY_ID_BYTES);
	if (rc == RC_OK)
		rc = query_int(a->db, err, &entries, "SELECT coalesce(sum(n), 0) FROM relay_head"
		    " WHERE device = ?1", "b", out->id, (size_t)IDENTITY_ID_BYTES);
	out->waiting_frames = (uint64_t)frames;
	out->entries = (uint64_t)entries;
	if (rc == RC_OK && d->state == DEVICE_CERTIFIED)
		rc = authority_why_waits(a, &d->cert, &why, err);
	if (why != NULL)
		snprintf(out->reason, sizeof(out->reason), "%s", why);
	bytes_reset(&name);
	return rc;
}

enum rc
authority_devices(struct authority *a, struct authority_device **out, size_t *n,
    struct error *err)
{
	size_t total = directory_device_count(a->directory);
	struct authority_device *list = calloc(total + 1, sizeof(*list));
	enum rc rc = RC_OK;

	*out = NULL;
	*n = 0;
	if (list == NULL)
		return RC_NOMEM;
	for (size_t i = 0; i < total && rc == RC_OK; i++)
		rc = fill_device(a, directory_device_at(a->directory, i), &list[i], err);
	if (rc != RC_OK) {
		free(list);
		return rc;
	}
	*out = list;
	*n = total;
	return RC_OK;
}

/* ---- finding by the beginning of an id ---- */

static enum rc
find(struct sqlite3_stmt *q, const char *text, const char *what, uint8_t *out, size_t size,
    struct error *err)
{
	char hex[65];
	size_t digits = strlen(text), found = 0, len;
	const uint8_t *id;
	bool row = false;
	enum rc rc = RC_OK;

	memset(out, 0, size);
	while (digits >= FIND_DIGITS_MIN && digits <= 2 * size &&
	    (rc = query_next(q, &row, err)) == RC_OK && row) {
		id = query_column_blob(q, 0, &len);
		if (len != size)
			continue;
		bytes_hex(id, len, hex);
		if (strncmp(hex, text, digits) != 0)
			continue;
		found++;
		memcpy(out, id, size);
	}
	if (rc != RC_OK)
		return rc;
	if (found == 0)
		return error_set(err, RC_NOTFOUND, what,
		    "give at least 4 digits of an id as it is listed", "no id begins so");
	if (found > 1)
		return error_set(err, RC_INVALID, what, "give more digits of the id",
		    "several ids begin so");
	return RC_OK;
}

enum rc
authority_find_invitation(struct authority *a, const char *text,
    uint8_t out[IDENTITY_ID_BYTES], struct error *err)
{
	struct sqlite3_stmt *q = NULL;
	enum rc rc = query_open(a->db, err, &q, "SELECT id FROM invitation", "");

	if (rc == RC_OK)
		rc = find(q, text, "invitation", out, IDENTITY_ID_BYTES, err);
	query_close(q);
	return rc;
}

enum rc
authority_find_aside(struct authority *a, const char *text, uint8_t out[32], struct error *err)
{
	struct sqlite3_stmt *q = NULL;
	enum rc rc = query_open(a->db, err, &q, "SELECT frame FROM relay_aside", "");

	if (rc == RC_OK)
		rc = find(q, text, "frame", out, 32, err);
	query_close(q);
	return rc;
}

enum rc
authority_find_device(struct authority *a, const char *text, uint8_t out[IDENTITY_ID_BYTES],
    struct error *err)
{
	struct authority_device *list;
	char hex[2 * IDENTITY_ID_BYTES + 1];
	size_t n, digits = strlen(text), found = 0;
	enum rc rc;

	memset(out, 0, IDENTITY_ID_BYTES);
	if ((rc = authority_devices(a, &list, &n, err)) != RC_OK)
		return rc;
	for (size_t i = 0; i < n && digits >= FIND_DIGITS_MIN; i++) {
		bytes_hex(list[i].id, IDENTITY_ID_BYTES, hex);
		if (strncmp(hex, text, digits) != 0)
			continue;
		found++;
		memcpy(out, list[i].id, IDENTITY_ID_BYTES);
	}
	free(list);
	if (found == 1)
		return RC_OK;
	return found == 0 ? error_set(err, RC_NOTFOUND, "device",
	    "give at least 4 digits of an id as it is listed", "no id begins so") :
	    error_set(err, RC_INVALID, "device", "give more digits of the id",
	    "several ids begin so");
}

/* ---- retiring and assigning ---- */

static enum rc
admitted_device(struct authority *a, const uint8_t id[IDENTITY_ID_BYTES],
    const struct device **out, struct error *err)
{
	*out = directory_device(a->directory, id);
	if (*out == NULL)
		return error_set(err, RC_NOTFOUND, "device", "see `sync-server devices`",
		    "there is no such device in the directory");
	if ((*out)->state != DEVICE_ADMITTED)
		return error_set(err, RC_INVALID, "device", "see `sync-server devices`",
		    "the device is not in use");
	return RC_OK;
}

static enum rc
last_heads(struct authority *a, const uint8_t device[IDENTITY_ID_BYTES],
    struct device_head **out, size_t *n, struct error *err)
{
	struct sqlite3_stmt *q = NULL;
	struct device_head *heads = calloc(AUTHORITY_DEVICE_HEADS_MAX, sizeof(*heads));
	bool row = false;
	enum rc rc;

	*out = heads;
	*n = 0;
	if (heads == NULL)
		return RC_NOMEM;
	rc = query_open(a->db, err, &q, "SELECT log, n FROM relay_head WHERE device = ?1"
	    " ORDER BY log", "b", device, (size_t)IDENTITY_ID_BYTES);
	while (rc == RC_OK && (rc = query_next(q, &row, err)) == RC_OK && row) {
		if (*n == AUTHORITY_DEVICE_HEADS_MAX) {
			rc = error_set(err, RC_LIMIT, "device", NULL, "the device has too many logs");
			break;
		}
		heads[*n].log = (uint64_t)query_column_int(q, 0);
		heads[(*n)++].n = (uint64_t)query_column_int(q, 1);
	}
	query_close(q);
	return rc;
}

static enum rc
retire(struct authority *a, const struct device *device, const char *reason, size_t *rotated,
    struct error *err)
{
	struct device_head *heads = NULL;
	struct bytes payload;
	bool *which = NULL;
	size_t n;
	uint64_t seq;
	enum rc rc;

	bytes_init(&payload);
	if ((rc = authority_readable(a, device->unit, device->role, &which)) != RC_OK ||
	    (rc = last_heads(a, device->cert.device, &heads, &n, err)) != RC_OK)
		goto out;
	directory_write_retire(device->cert.device, reason, heads, n, &payload);
	if ((rc = authority_statement(a, STATEMENT_RETIRE, &payload, &seq, err)) == RC_OK)
		rc = authority_renew(a, which, rotated, err);
out:
	bytes_reset(&payload);
	free(heads);
	free(which);
	return rc;
}

enum rc
authority_retire(struct authority *a, const uint8_t id[IDENTITY_ID_BYTES], const char *reason,
    size_t *rotated, struct error *err)
{
	const struct device *device;
	char *clean = NULL;
	enum rc rc;

	*rotated = 0;
	if ((rc = admitted_device(a, id, &device, err)) == RC_OK &&
	    (rc = authority_text("reason", reason, DIRECTORY_REASON_MAX, &clean, err)) == RC_OK &&
	    (rc = authority_begin(a, err)) == RC_OK)
		rc = authority_end(a, retire(a, device, clean, rotated, err), err);
	free(clean);
	return rc;
}

/* Its new scopes to the device; those that it loses get new epochs. */
static enum rc
change_keys(struct authority *a, const uint8_t id[IDENTITY_ID_BYTES], const bool *before,
    size_t *rotated, struct error *err)
{
	const struct device *device = directory_device(a->directory, id);
	struct certificate cert = device->cert;
	char unit[IDENTITY_UNIT_MAX + 1];
	struct authority_keys k;
	bool *which = NULL;
	enum rc rc;

	memcpy(unit, device->unit, sizeof(unit));
	memset(&k, 0, sizeof(k));
	if ((rc = authority_readable(a, unit, device->role, &which)) != RC_OK ||
	    (rc = authority_keys_init(&k, a)) != RC_OK)
		goto out;
	for (unsigned c = 0; c < DIRECTORY_COMPARTMENTS && rc == RC_OK; c++) {
		size_t at = authority_unit_index(a, unit) * DIRECTORY_COMPARTMENTS + c;

		if (which[at])
			rc = authority_keys_to_device(&k, unit, c, 1, &cert, err);
	}
	for (size_t i = 0; i < k.n_units * DIRECTORY_COMPARTMENTS; i++)
		which[i] = before[i] && !which[i];
	if (rc == RC_OK && (rc = authority_keys_renew(&k, which, rotated, err)) == RC_OK)
		rc = authority_keys_sign(&k, err);
out:
	authority_keys_reset(&k);
	free(which);
	return rc;
}

enum rc
authority_assign(struct authority *a, const uint8_t id[IDENTITY_ID_BYTES], const char *unit,
    enum identity_role role, size_t *rotated, struct error *err)
{
	const struct device *device;
	struct bytes payload;
	bool *before = NULL;
	uint64_t seq;
	enum rc rc;

	*rotated = 0;
	bytes_init(&payload);
	if ((rc = admitted_device(a, id, &device, err)) != RC_OK)
		return rc;
	if (directory_unit(a->directory, unit) == NULL)
		return error_set(err, RC_NOTFOUND, unit, "see `sync-server units`",
		    "there is no such unit");
	if (role >= ROLE_RELAY || device->role == ROLE_RELAY)
		return error_set(err, RC_INVALID, "role", "name a role of people, or holder",
		    "a relay's role does not change, and nothing becomes a relay");
	if ((rc = authority_readable(a, device->unit, device->role, &before)) != RC_OK)
		return rc;
	directory_write_assign(id, unit, role, &payload);
	if ((rc = authority_begin(a, err)) == RC_OK) {
		rc = authority_statement(a, STATEMENT_ASSIGN, &payload, &seq, err);
		if (rc == RC_OK)
			rc = change_keys(a, id, before, rotated, err);
		rc = authority_end(a, rc, err);
	}
	bytes_reset(&payload);
	free(before);
	return rc;
}
