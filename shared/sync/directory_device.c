/* Devices: certificates, and the statements that admit, end and assign. */
#include <stdlib.h>
#include <string.h>

#include "shared/sync/directory_internal.h"
#include "shared/vault/digest.h"

enum { CERTIFICATE_MIN = 200, HEAD_MIN = 8 + 1 };

enum rc
directory_read_certificate(const struct directory *d, const uint8_t *p, size_t len, bool trusted,
    struct device_entry **out)
{
	struct device_entry *e = calloc(1, sizeof *e);
	enum rc rc;

	*out = NULL;
	if (e == NULL)
		return RC_NOMEM;
	rc = trusted ? identity_certificate_parse(p, len, &e->device.cert) :
	    identity_certificate_read(p, len, d->root, &e->device.cert);
	if (rc != RC_OK) {
		directory_device_free(e);
		return rc;
	}
	e->device.state = DEVICE_CERTIFIED;
	e->device.role = e->device.cert.invitation.role;
	memcpy(e->device.unit, e->device.cert.invitation.unit, sizeof e->device.unit);
	digest_of(e->digest, sizeof e->digest, "field-certificate-id-1", p, len);
	*out = e;
	return RC_OK;
}

/* The entry of a device, whether or not its certificate is here. */
static struct device_entry *
find_device(const struct directory *d, const uint8_t id[16])
{
	bool found;
	size_t at = directory_set_find(&d->devices, directory_by_device, id, &found);

	if (found)
		return d->devices.items[at];
	at = directory_set_find(&d->awaited, directory_by_device, id, &found);
	return found ? d->awaited.items[at] : NULL;
}

static void
take_certificate(struct device_entry *e, const struct device_entry *fresh, bool admitted)
{
	e->device.cert = fresh->device.cert;
	memcpy(e->digest, fresh->digest, sizeof e->digest);
	e->chained = e->chained || admitted;
	if (!e->assigned) {
		e->device.role = fresh->device.role;
		memcpy(e->device.unit, fresh->device.unit, sizeof e->device.unit);
	}
}

/*
 * A device may have made two certificates.  The chain's counts; of two that came
 * by themselves the one with the lower digest, so that the order does not matter.
 */
void
directory_place_certificate(struct directory *d, struct device_entry *fresh, bool admitted)
{
	const uint8_t *id = fresh->device.cert.device;
	struct device_entry *e;
	bool known, awaited;
	size_t at = directory_set_find(&d->devices, directory_by_device, id, &known);
	size_t from = directory_set_find(&d->awaited, directory_by_device, id, &awaited);

	if (known) {
		e = d->devices.items[at];
		if (admitted || (!e->chained &&
		    memcmp(fresh->digest, e->digest, sizeof e->digest) < 0))
			take_certificate(e, fresh, admitted);
	} else if (awaited) {
		e = directory_set_remove(&d->awaited, from);
		take_certificate(e, fresh, admitted);
		directory_set_insert(&d->devices, at, e);
	} else {
		e = fresh;
		fresh = NULL;
		e->chained = admitted;
		directory_set_insert(&d->devices, at, e);
	}
	if (admitted) {
		e->device.state = DEVICE_ADMITTED;
		e->device.reason[0] = '\0';
	}
	free(fresh);
}

static enum rc
read_admitted(const struct directory *d, struct reader *r, bool trusted,
    struct directory_set *fresh, struct error *err)
{
	size_t n = (size_t)reader_varint_max(r, DIRECTORY_DEVICES_MAX);
	enum rc rc;

	if (r->bad || n > reader_left(r) / CERTIFICATE_MIN)
		return RC_FORMAT;
	if ((rc = directory_set_reserve(fresh, n)) != RC_OK)
		return rc;
	for (size_t i = 0; i < n; i++) {
		const struct device_entry *before;
		struct device_entry *e;
		size_t len;
		const uint8_t *p = reader_span(r, IDENTITY_CERTIFICATE_MAX, &len);

		if (p == NULL)
			return RC_FORMAT;
		if ((rc = directory_read_certificate(d, p, len, trusted, &e)) != RC_OK)
			return rc;
		fresh->items[fresh->n++] = e;
		before = find_device(d, e->device.cert.device);
		if (before != NULL && before->retired)
			return error_set(err, RC_INVALID, NULL, NULL,
			    "a retired device cannot be admitted again");
	}
	return reader_done(r) ? RC_OK : RC_FORMAT;
}

enum rc
directory_apply_admit(struct directory *d, struct reader *r, bool trusted, struct error *err)
{
	struct directory_set fresh = { 0 };
	enum rc rc = read_admitted(d, r, trusted, &fresh, err);

	if (rc == RC_OK && fresh.n > DIRECTORY_DEVICES_MAX - (d->devices.n + d->awaited.n))
		rc = RC_LIMIT;
	if (rc == RC_OK)
		rc = directory_set_reserve(&d->devices, fresh.n);
	for (size_t i = 0; i < fresh.n; i++) {
		if (rc == RC_OK)
			directory_place_certificate(d, fresh.items[i], true);
		else
			directory_device_free(fresh.items[i]);
	}
	free(fresh.items);
	return rc;
}

/*
 * The entry that a statement speaks of; made, to wait for its certificate,
 * when the device is not known.  Nothing may fail after this.
 */
static enum rc
reach_device(struct directory *d, const uint8_t id[16], struct device_entry **out)
{
	struct device_entry *e = find_device(d, id);
	bool found;
	enum rc rc;

	*out = e;
	if (e != NULL)
		return RC_OK;
	if (d->devices.n + d->awaited.n >= DIRECTORY_DEVICES_MAX)
		return RC_LIMIT;
	if ((rc = directory_set_reserve(&d->awaited, 1)) != RC_OK)
		return rc;
	if ((e = calloc(1, sizeof *e)) == NULL)
		return RC_NOMEM;
	memcpy(e->device.cert.device, id, IDENTITY_ID_BYTES);
	e->device.state = DEVICE_CERTIFIED;
	directory_set_insert(&d->awaited, directory_set_find(&d->awaited, directory_by_device, id,
	    &found), e);
	*out = e;
	return RC_OK;
}

static int
compare_heads(const void *a, const void *b)
{
	const struct device_head *x = a, *y = b;

	return (x->log > y->log) - (x->log < y->log);
}

static enum rc
read_heads(struct reader *r, struct device_head **heads, size_t *n_heads)
{
	size_t n = (size_t)reader_varint_max(r, DIRECTORY_RETIRE_HEADS_MAX);
	struct device_head *list;

	if (r->bad || n > reader_left(r) / HEAD_MIN)
		return RC_FORMAT;
	if (n == 0)
		return RC_OK;
	if ((list = calloc(n, sizeof *list)) == NULL)
		return RC_NOMEM;
	*heads = list;
	*n_heads = n;
	for (size_t i = 0; i < n; i++) {
		list[i].log = reader_u64(r);
		list[i].n = reader_varint(r);
	}
	if (r->bad)
		return RC_FORMAT;
	qsort(list, n, sizeof *list, compare_heads);
	for (size_t i = 1; i < n; i++) {
		if (list[i].log == list[i - 1].log)
			return RC_FORMAT;
	}
	return RC_OK;
}

enum rc
directory_read_end(struct reader *r, enum device_state state, struct device *out)
{
	enum rc rc = RC_OK;

	memset(out, 0, sizeof *out);
	out->state = state;
	reader_copy(r, out->cert.device, sizeof out->cert.device);
	if (!directory_read_text(r, DIRECTORY_REASON_MAX, out->reason))
		rc = RC_FORMAT;
	if (rc == RC_OK && state == DEVICE_RETIRED)
		rc = read_heads(r, &out->heads, &out->n_heads);
	if (rc == RC_OK && !reader_done(r))
		rc = RC_FORMAT;
	if (rc != RC_OK) {
		free(out->heads);
		memset(out, 0, sizeof *out);
	}
	return rc;
}

enum rc
directory_apply_end(struct directory *d, struct reader *r, enum device_state state)
{
	struct device_entry *e;
	struct device said;
	enum rc rc;

	if ((rc = directory_read_end(r, state, &said)) != RC_OK)
		return rc;
	if ((rc = reach_device(d, said.cert.device, &e)) != RC_OK) {
		free(said.heads);
		return rc;
	}
	free(e->device.heads);
	e->device.heads = said.heads;
	e->device.n_heads = said.n_heads;
	e->device.state = state;
	e->retired = e->retired || state == DEVICE_RETIRED;
	memcpy(e->device.reason, said.reason, sizeof said.reason);
	return RC_OK;
}

enum rc
directory_apply_assign(struct directory *d, struct reader *r, struct error *err)
{
	uint8_t id[IDENTITY_ID_BYTES];
	char unit[IDENTITY_UNIT_MAX + 1];
	struct device_entry *e;
	unsigned role;
	enum rc rc;

	reader_copy(r, id, sizeof id);
	if (!directory_read_unit(r, false, unit))
		return RC_FORMAT;
	role = reader_u8(r);
	if (!reader_done(r) || role >= ROLE_COUNT)
		return RC_FORMAT;
	if (directory_unit(d, unit) == NULL)
		return error_set(err, RC_INVALID, unit, NULL,
		    "a device assigned to a unit that is not known");
	if ((rc = reach_device(d, id, &e)) != RC_OK)
		return rc;
	e->assigned = true;
	e->device.role = (enum identity_role)role;
	memcpy(e->device.unit, unit, sizeof unit);
	return RC_OK;
}

enum rc
directory_apply_revoke(struct directory *d, struct reader *r)
{
	char reason[DIRECTORY_REASON_MAX + 1];
	const uint8_t *id = reader_take(r, IDENTITY_ID_BYTES);
	uint8_t *copy;
	bool found;
	size_t at;
	enum rc rc;

	if (id == NULL || !directory_read_text(r, DIRECTORY_REASON_MAX, reason) || !reader_done(r))
		return RC_FORMAT;
	at = directory_set_find(&d->revoked, directory_by_id, id, &found);
	if (found)
		return RC_OK;
	if (d->revoked.n >= DIRECTORY_REVOKED_MAX)
		return RC_LIMIT;
	if ((rc = directory_set_reserve(&d->revoked, 1)) != RC_OK)
		return rc;
	if ((copy = malloc(IDENTITY_ID_BYTES)) == NULL)
		return RC_NOMEM;
	memcpy(copy, id, IDENTITY_ID_BYTES);
	directory_set_insert(&d->revoked, at, copy);
	return RC_OK;
}
