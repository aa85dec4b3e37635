/* Making statements: what the authority does. */
#include <string.h>

#include "shared/sync/directory_internal.h"
#include "shared/sync/seal.h"

static void
put_text(struct bytes *out, const char *s)
{
	bytes_span(out, s == NULL ? "" : s, s == NULL ? 0 : strlen(s));
}

enum rc
directory_sign(const struct directory *d, const struct secret *root_seed,
    enum statement_type type, int64_t at, const struct bytes *payload, struct bytes *out)
{
	struct bytes s = { 0 };
	uint8_t signature[SEAL_SIGNATURE_BYTES];
	enum rc rc = payload->rc;

	if (rc == RC_OK && payload->len > DIRECTORY_PAYLOAD_MAX)
		rc = RC_LIMIT;
	if (rc != RC_OK)
		return rc;
	bytes_text(&s, "FD");
	bytes_u8(&s, 1);
	bytes_u8(&s, (uint8_t)type);
	bytes_varint(&s, d->count);
	bytes_put(&s, d->head, sizeof d->head);
	bytes_zigzag(&s, at);
	bytes_span(&s, payload->data, payload->len);
	if ((rc = s.rc) == RC_OK)
		rc = seal_sign(root_seed, "field-statement-1", s.data, s.len, signature);
	if (rc == RC_OK) {
		bytes_put(&s, signature, sizeof signature);
		if ((rc = s.rc) == RC_OK) {
			bytes_put(out, s.data, s.len);
			rc = out->rc;
		}
	}
	bytes_reset(&s);
	return rc;
}

void
directory_write_genesis(const uint8_t root[32], const uint8_t recovery[32], const char *name,
    const char *top_unit, struct bytes *payload)
{
	bytes_put(payload, root, 32);
	bytes_put(payload, recovery, 32);
	put_text(payload, name);
	put_text(payload, top_unit);
}

void
directory_write_units(const struct unit *units, size_t n, struct bytes *payload)
{
	bytes_varint(payload, n);
	for (size_t i = 0; i < n; i++) {
		const struct unit *u = &units[i];

		put_text(payload, u->code);
		put_text(payload, u->full_name);
		put_text(payload, u->name);
		put_text(payload, u->level);
		put_text(payload, u->kind);
		put_text(payload, u->parent);
		bytes_varint(payload, u->valid_from);
		bytes_varint(payload, u->valid_to);
		put_text(payload, u->successor);
		bytes_u8(payload, (uint8_t)((u->high_risk ? 1 : 0) | (u->sync_point ? 2 : 0)));
	}
}

void
directory_write_keys(const struct scope_key *keys, size_t n, const struct bytes *shares,
    size_t n_shares, struct bytes *payload)
{
	uint8_t root[32];

	bytes_varint(payload, n);
	for (size_t i = 0; i < n; i++) {
		put_text(payload, keys[i].unit);
		bytes_u8(payload, (uint8_t)keys[i].compartment);
		bytes_varint(payload, keys[i].epoch);
		bytes_put(payload, keys[i].public_key, sizeof keys[i].public_key);
	}
	directory_share_root(shares, n_shares, root);
	bytes_varint(payload, n_shares);
	bytes_put(payload, root, sizeof root);
}

void
directory_write_admit(const struct bytes *certificates, size_t n, struct bytes *payload)
{
	bytes_varint(payload, n);
	for (size_t i = 0; i < n; i++)
		bytes_span(payload, certificates[i].data, certificates[i].len);
}

void
directory_write_retire(const uint8_t device[16], const char *reason,
    const struct device_head *heads, size_t n, struct bytes *payload)
{
	bytes_put(payload, device, IDENTITY_ID_BYTES);
	put_text(payload, reason);
	bytes_varint(payload, n);
	for (size_t i = 0; i < n; i++) {
		bytes_u64(payload, heads[i].log);
		bytes_varint(payload, heads[i].n);
	}
}

void
directory_write_refuse(const uint8_t device[16], const char *reason, struct bytes *payload)
{
	bytes_put(payload, device, IDENTITY_ID_BYTES);
	put_text(payload, reason);
}

void
directory_write_revoke(const uint8_t invitation[16], const char *reason, struct bytes *payload)
{
	bytes_put(payload, invitation, IDENTITY_ID_BYTES);
	put_text(payload, reason);
}

void
directory_write_assign(const uint8_t device[16], const char *unit, enum identity_role role,
    struct bytes *payload)
{
	bytes_put(payload, device, IDENTITY_ID_BYTES);
	put_text(payload, unit);
	bytes_u8(payload, (uint8_t)role);
}
