#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "shared/sync/seal.h"
#include "shared/vault/query.h"
#include "shared/vault/secret.h"
#include "shared/vault/vault.h"
#include "sync-server/authority_internal.h"

enum { CONTEXT_MAX = 64 };

/* ---- the store of secrets ---- */

static void
secret_context(const char *unit, unsigned compartment, uint32_t epoch, char out[CONTEXT_MAX])
{
	snprintf(out, CONTEXT_MAX, "scope_secret/%s/%u/%u", unit, compartment, (unsigned)epoch);
}

static enum rc
store_secret(struct authority *a, const struct scope_key *key, const struct secret *s,
    struct error *err)
{
	char context[CONTEXT_MAX];
	struct bytes wrapped;
	enum rc rc;

	bytes_init(&wrapped);
	secret_context(key->unit, key->compartment, key->epoch, context);
	rc = vault_wrap(a->vault, VAULT_IDENTITY, context, s, &wrapped);
	if (rc == RC_OK)
		rc = query_run(a->db, err, "INSERT INTO scope_secret(unit, compartment, epoch,"
		    " wrapped) VALUES (?1, ?2, ?3, ?4)", "tiib", key->unit,
		    (int64_t)key->compartment, (int64_t)key->epoch, wrapped.data, wrapped.len);
	bytes_reset(&wrapped);
	return rc;
}

enum rc
authority_scope_secret(struct authority *a, const char *unit, unsigned compartment,
    uint32_t epoch, struct secret **out, struct error *err)
{
	char context[CONTEXT_MAX];
	struct bytes wrapped;
	enum rc rc;

	*out = NULL;
	bytes_init(&wrapped);
	secret_context(unit, compartment, epoch, context);
	rc = query_blob(a->db, err, &wrapped, "SELECT wrapped FROM scope_secret"
	    " WHERE unit = ?1 AND compartment = ?2 AND epoch = ?3", "tii", unit,
	    (int64_t)compartment, (int64_t)epoch);
	if (rc == RC_OK)
		rc = vault_unwrap(a->vault, VAULT_IDENTITY, context, wrapped.data, wrapped.len, out);
	if (rc == RC_NOTFOUND || rc == RC_AUTH)
		rc = error_set(err, RC_DAMAGED, context, "restore the last backup of the authority",
		    "the secret of a scope is missing");
	bytes_reset(&wrapped);
	return rc;
}

uint32_t
authority_newest_epoch(const struct authority *a, const char *unit, unsigned compartment)
{
	const struct scope_key *k = directory_scope_key(a->directory, unit, compartment);

	return k == NULL ? 0 : k->epoch;
}

size_t
authority_unit_index(const struct authority *a, const char *unit)
{
	size_t low = 0, high = directory_unit_count(a->directory);

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		int order = strcmp(unit, directory_unit_at(a->directory, middle)->code);

		if (order == 0)
			return middle;
		if (order < 0)
			high = middle;
		else
			low = middle + 1;
	}
	return SIZE_MAX;
}

/* ---- a change of keys ---- */

enum rc
authority_keys_init(struct authority_keys *k, struct authority *a)
{
	const struct scope_key *key;

	memset(k, 0, sizeof(*k));
	k->a = a;
	k->n_units = directory_unit_count(a->directory);
	k->newest = calloc(k->n_units * DIRECTORY_COMPARTMENTS + 1, sizeof(*k->newest));
	if (k->newest == NULL || secret_new(SECRET_KEY_BYTES, &k->fresh) != RC_OK)
		return RC_NOMEM;
	for (size_t i = 0; i < k->n_units; i++)
		for (unsigned c = 0; c < DIRECTORY_COMPARTMENTS; c++) {
			key = directory_scope_key(a->directory,
			    directory_unit_at(a->directory, i)->code, c);
			if (key != NULL)
				k->newest[i * DIRECTORY_COMPARTMENTS + c] = *key;
		}
	return RC_OK;
}

static void
forget_pending(struct authority_keys *k)
{
	for (size_t i = 0; i < k->n_shares; i++)
		bytes_reset(&k->shares[i]);
	k->n_shares = 0;
	k->n_keys = 0;
}

void
authority_keys_reset(struct authority_keys *k)
{
	forget_pending(k);
	free(k->shares);
	free(k->keys);
	free(k->newest);
	secret_free(k->fresh);
	memset(k, 0, sizeof(*k));
}

enum rc
authority_keys_sign(struct authority_keys *k, struct error *err)
{
	struct bytes payload;
	uint64_t seq;
	enum rc rc;

	if (k->n_keys == 0 && k->n_shares == 0)
		return RC_OK;
	bytes_init(&payload);
	directory_write_keys(k->keys, k->n_keys, k->shares, k->n_shares, &payload);
	rc = authority_statement(k->a, STATEMENT_KEYS, &payload, &seq, err);
	for (size_t i = 0; i < k->n_shares && rc == RC_OK; i++)
		rc = query_run(k->a->db, err,
		    "INSERT INTO share(seq, line, bytes) VALUES (?1, ?2, ?3)", "iib",
		    (int64_t)seq, (int64_t)i, k->shares[i].data, k->shares[i].len);
	bytes_reset(&payload);
	forget_pending(k);
	return rc;
}

static enum rc
add_key(struct authority_keys *k, const struct scope_key *key)
{
	struct scope_key *more;
	size_t cap;

	if (k->n_keys == k->cap_keys) {
		cap = k->cap_keys == 0 ? 64 : k->cap_keys * 2;
		if ((more = realloc(k->keys, cap * sizeof(*more))) == NULL)
			return RC_NOMEM;
		k->keys = more;
		k->cap_keys = cap;
	}
	k->keys[k->n_keys++] = *key;
	return RC_OK;
}

static enum rc
add_share(struct authority_keys *k, const struct share *share)
{
	struct bytes *more;
	size_t cap;

	if (k->n_shares == k->cap_shares) {
		cap = k->cap_shares == 0 ? 64 : k->cap_shares * 2;
		if ((more = realloc(k->shares, cap * sizeof(*more))) == NULL)
			return RC_NOMEM;
		k->shares = more;
		k->cap_shares = cap;
	}
	bytes_init(&k->shares[k->n_shares]);
	directory_share_write(share, &k->shares[k->n_shares]);
	return k->shares[k->n_shares++].rc;
}

/* Room for some more in this statement, or sign it and begin the next. */
static enum rc
make_room(struct authority_keys *k, struct error *err)
{
	if (k->n_keys < AUTHORITY_KEYS_MAX && k->n_shares < AUTHORITY_SHARES_MAX)
		return RC_OK;
	return authority_keys_sign(k, err);
}

/* One line of the share list: the secret, sealed to a public key. */
static enum rc
seal_share(struct authority_keys *k, struct share *share, const struct secret *s,
    const uint8_t public_key[32])
{
	struct bytes sealed;
	enum rc rc;

	bytes_init(&sealed);
	rc = seal_box(public_key, secret_bytes(s), secret_len(s), &sealed);
	if (rc == RC_OK && sealed.len != sizeof(share->sealed))
		rc = RC_INTERNAL;
	if (rc == RC_OK) {
		memcpy(share->sealed, sealed.data, sizeof(share->sealed));
		rc = add_share(k, share);
	}
	bytes_reset(&sealed);
	return rc;
}

static void
share_of(const char *unit, unsigned compartment, uint32_t epoch, struct share *out)
{
	memset(out, 0, sizeof(*out));
	snprintf(out->unit, sizeof(out->unit), "%s", unit);
	out->compartment = compartment;
	out->epoch = epoch;
}

static enum rc
share_to_scope(struct authority_keys *k, const struct scope_key *key, const struct secret *s,
    const struct scope_key *to)
{
	struct share share;

	share_of(key->unit, key->compartment, key->epoch, &share);
	snprintf(share.to_unit, sizeof(share.to_unit), "%s", to->unit);
	share.to_compartment = to->compartment;
	share.to_epoch = to->epoch;
	return seal_share(k, &share, s, to->public_key);
}

static enum rc
share_to_device(struct authority_keys *k, const struct scope_key *key, const struct secret *s,
    const struct certificate *cert)
{
	struct share share;

	share_of(key->unit, key->compartment, key->epoch, &share);
	share.to_device = true;
	memcpy(share.to_device_id, cert->device, sizeof(share.to_device_id));
	return seal_share(k, &share, s, cert->box_public);
}

/* The devices of that very unit; those above open it through its parent's scope. */
static enum rc
share_to_devices(struct authority_keys *k, const struct scope_key *key, const struct secret *s)
{
	const struct directory *d = k->a->directory;
	enum rc rc = RC_OK;

	for (size_t i = 0; i < directory_device_count(d) && rc == RC_OK; i++) {
		const struct device *device = directory_device_at(d, i);

		if (device->state == DEVICE_ADMITTED && strcmp(device->unit, key->unit) == 0 &&
		    directory_may_read(d, device->unit, device->role, key->unit,
		    key->compartment))
			rc = share_to_device(k, key, s, &device->cert);
	}
	return rc;
}

static enum rc
renew_scope(struct authority_keys *k, size_t unit, unsigned compartment, struct error *err)
{
	struct scope_key *newest = &k->newest[unit * DIRECTORY_COMPARTMENTS + compartment];
	struct scope_key key = *newest;
	struct secret *s = k->fresh;
	const struct unit *u;
	size_t above[2];
	enum rc rc;

	/* First: a statement that is signed moves what the directory handed out. */
	if ((rc = make_room(k, err)) != RC_OK)
		return rc;
	u = directory_unit_at(k->a->directory, unit);
	above[0] = authority_unit_index(k->a, u->parent);
	above[1] = authority_unit_index(k->a, u->successor);
	snprintf(key.unit, sizeof(key.unit), "%s", u->code);
	key.compartment = compartment;
	key.epoch++;
	secret_random_bytes(secret_data(s), secret_len(s));
	if ((rc = seal_box_keys(s, key.public_key)) != RC_OK ||
	    (rc = store_secret(k->a, &key, s, err)) != RC_OK ||
	    (rc = add_key(k, &key)) != RC_OK)
		return rc;
	for (size_t i = 0; i < 2 && rc == RC_OK; i++)
		if (above[i] != SIZE_MAX)
			rc = share_to_scope(k, &key, s,
			    &k->newest[above[i] * DIRECTORY_COMPARTMENTS + compartment]);
	if (rc == RC_OK)
		rc = share_to_devices(k, &key, s);
	*newest = key;
	return rc;
}

/*
 * The order of renewal: a unit comes after those whose scopes its secrets are sealed
 * to, its parent and its successor.  A circle of successors ends with the rounds.
 */
static size_t
rank_units(const struct authority_keys *k, size_t *rank)
{
	size_t highest = 0;

	for (int round = 0; round < 2 * DIRECTORY_DEPTH_MAX; round++)
		for (size_t i = 0; i < k->n_units; i++) {
			const struct unit *u = directory_unit_at(k->a->directory, i);
			size_t above[2] = { authority_unit_index(k->a, u->parent),
			    authority_unit_index(k->a, u->successor) };

			for (size_t j = 0; j < 2; j++)
				if (above[j] != SIZE_MAX && rank[i] <= rank[above[j]])
					rank[i] = rank[above[j]] + 1;
			highest = rank[i] > highest ? rank[i] : highest;
		}
	return highest;
}

enum rc
authority_keys_renew(struct authority_keys *k, const bool *which, size_t *n, struct error *err)
{
	size_t *rank = calloc(k->n_units + 1, sizeof(*rank));
	size_t highest;
	enum rc rc = RC_OK;

	*n = 0;
	if (rank == NULL)
		return RC_NOMEM;
	highest = rank_units(k, rank);
	for (size_t level = 0; level <= highest && rc == RC_OK; level++)
		for (size_t i = 0; i < k->n_units * DIRECTORY_COMPARTMENTS && rc == RC_OK; i++) {
			if (!which[i] || rank[i / DIRECTORY_COMPARTMENTS] != level)
				continue;
			rc = renew_scope(k, i / DIRECTORY_COMPARTMENTS,
			    (unsigned)(i % DIRECTORY_COMPARTMENTS), err);
			*n += 1;
		}
	free(rank);
	return rc;
}

/* One epoch of a scope, to a device or, without a certificate, to another scope. */
static enum rc
share_epoch(struct authority_keys *k, const char *unit, unsigned compartment, uint32_t epoch,
    const struct certificate *cert, const struct scope_key *to, struct error *err)
{
	const struct scope_key *key;
	struct secret *s = NULL;
	enum rc rc;

	/* First: a statement that is signed moves what the directory handed out. */
	if ((rc = make_room(k, err)) != RC_OK)
		return rc;
	key = directory_scope_key_at(k->a->directory, unit, compartment, epoch);
	if (key == NULL)
		return RC_OK;
	if ((rc = authority_scope_secret(k->a, unit, compartment, epoch, &s, err)) == RC_OK)
		rc = cert != NULL ? share_to_device(k, key, s, cert) :
		    share_to_scope(k, key, s, to);
	secret_free(s);
	return rc;
}

enum rc
authority_keys_to_device(struct authority_keys *k, const char *unit, unsigned compartment,
    uint32_t first, const struct certificate *cert, struct error *err)
{
	uint32_t last = authority_newest_epoch(k->a, unit, compartment);
	enum rc rc = RC_OK;

	for (uint32_t epoch = first; epoch <= last && rc == RC_OK; epoch++)
		rc = share_epoch(k, unit, compartment, epoch, cert, NULL, err);
	return rc;
}

enum rc
authority_keys_to_unit(struct authority_keys *k, const char *unit, unsigned compartment,
    const char *to_unit, struct error *err)
{
	size_t to = authority_unit_index(k->a, to_unit);
	uint32_t last = authority_newest_epoch(k->a, unit, compartment);
	enum rc rc = RC_OK;

	if (to == SIZE_MAX)
		return RC_INTERNAL;
	for (uint32_t epoch = 1; epoch <= last && rc == RC_OK; epoch++)
		rc = share_epoch(k, unit, compartment, epoch, NULL,
		    &k->newest[to * DIRECTORY_COMPARTMENTS + compartment], err);
	return rc;
}

/* ---- what several commands do ---- */

enum rc
authority_readable(const struct authority *a, const char *unit, enum identity_role role,
    bool **which)
{
	const struct directory *d = a->directory;
	size_t n = directory_unit_count(d);

	*which = calloc(n * DIRECTORY_COMPARTMENTS + 1, sizeof(**which));
	if (*which == NULL)
		return RC_NOMEM;
	for (size_t i = 0; i < n; i++)
		for (unsigned c = 0; c < DIRECTORY_COMPARTMENTS; c++)
			(*which)[i * DIRECTORY_COMPARTMENTS + c] =
			    directory_may_read(d, unit, role, directory_unit_at(d, i)->code, c);
	return RC_OK;
}

enum rc
authority_renew(struct authority *a, const bool *which, size_t *n, struct error *err)
{
	struct authority_keys k;
	enum rc rc;

	*n = 0;
	if ((rc = authority_keys_init(&k, a)) == RC_OK &&
	    (rc = authority_keys_renew(&k, which, n, err)) == RC_OK)
		rc = authority_keys_sign(&k, err);
	authority_keys_reset(&k);
	return rc;
}

enum rc
authority_rotate(struct authority *a, const char *unit, bool below, size_t *n, struct error *err)
{
	const struct directory *d = a->directory;
	bool *which;
	enum rc rc;

	*n = 0;
	if (directory_unit(d, unit) == NULL)
		return error_set(err, RC_NOTFOUND, unit, "see `sync-server units`",
		    "there is no such unit");
	which = calloc(directory_unit_count(d) * DIRECTORY_COMPARTMENTS + 1, sizeof(*which));
	if (which == NULL)
		return RC_NOMEM;
	for (size_t i = 0; i < directory_unit_count(d); i++) {
		const char *code = directory_unit_at(d, i)->code;
		bool in = below ? directory_unit_within(d, code, unit) : strcmp(code, unit) == 0;

		for (unsigned c = 0; c < DIRECTORY_COMPARTMENTS; c++)
			which[i * DIRECTORY_COMPARTMENTS + c] = in;
	}
	if ((rc = authority_begin(a, err)) == RC_OK)
		rc = authority_end(a, authority_renew(a, which, n, err), err);
	free(which);
	return rc;
}
