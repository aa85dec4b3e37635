#include "shared/sync/replica_peer.h"

#include <stdlib.h>
#include <string.h>

#include "shared/sync/replica_internal.h"
#include "shared/sync/seal.h"
#include "shared/vault/query.h"
#include "shared/vault/secret.h"

enum { SEALED_BYTES = 80, LOOKS_MAX = 1 << 20 };

struct held_key {
	char unit[IDENTITY_UNIT_MAX + 1];
	unsigned compartment;
	uint32_t epoch;
	struct secret *secret;		/* NULL: not asked for yet */
};

struct giving {
	struct replica *replica;
	enum rc (*each)(void *ctx, const uint8_t *share, size_t len);
	void *ctx;
	struct error *err;
	struct held_key *keys;
	size_t n, cap;
	size_t given, looks;
};

static enum rc
load_keys(struct giving *g)
{
	struct sqlite3_stmt *q;
	struct held_key *k;
	bool row = true;
	enum rc rc;

	rc = query_open(g->replica->db, g->err, &q,
	    "SELECT unit, compartment, epoch FROM scope_secret ORDER BY epoch DESC, unit, compartment", "");
	while (rc == RC_OK && (rc = query_next(q, &row, g->err)) == RC_OK && row) {
		const char *unit = query_column_text(q, 0);

		if (strlen(unit) > IDENTITY_UNIT_MAX)
			continue;
		if (g->n == g->cap) {
			g->cap = g->cap ? 2 * g->cap : 16;
			if ((k = realloc(g->keys, g->cap * sizeof(*k))) == NULL) {
				rc = RC_NOMEM;
				break;
			}
			g->keys = k;
		}
		k = &g->keys[g->n++];
		memset(k, 0, sizeof(*k));
		memcpy(k->unit, unit, strlen(unit));
		k->compartment = (unsigned)query_column_int(q, 1);
		k->epoch = (uint32_t)query_column_int(q, 2);
	}
	query_close(q);
	return rc;
}

static enum rc
seal_one(struct giving *g, struct held_key *k, const struct device *to)
{
	struct share s = { .compartment = k->compartment, .epoch = k->epoch, .to_device = true };
	struct bytes sealed, payload;
	enum rc rc = RC_OK;

	bytes_init(&sealed);
	bytes_init(&payload);
	if (k->secret == NULL)
		rc = replica_scope_secret(g->replica, k->unit, k->compartment, k->epoch, &k->secret,
		    g->err);
	if (rc == RC_OK)
		rc = seal_box(to->cert.box_public, secret_bytes(k->secret), secret_len(k->secret), &sealed);
	if (rc == RC_AUTH) {		/* its certificate has a key that nothing can be sealed to */
		rc = RC_OK;
		goto out;
	}
	if (rc == RC_OK && sealed.len != SEALED_BYTES)
		rc = RC_INTERNAL;
	if (rc == RC_OK) {
		memcpy(s.unit, k->unit, sizeof(s.unit));
		memcpy(s.to_device_id, to->cert.device, sizeof(s.to_device_id));
		memcpy(s.sealed, sealed.data, SEALED_BYTES);
		directory_share_write(&s, &payload);
		rc = payload.rc != RC_OK ? payload.rc : g->each(g->ctx, payload.data, payload.len);
		g->given++;
	}
out:
	bytes_reset(&sealed);
	bytes_reset(&payload);
	return rc;
}

static enum rc
give_to(struct giving *g, const struct device *to)
{
	const struct directory *d = g->replica->directory;
	enum rc rc = RC_OK;

	for (size_t i = 0; i < g->n && rc == RC_OK && g->given < REPLICA_PEER_KEYS_MAX &&
	    g->looks < LOOKS_MAX; i++, g->looks++)
		if (directory_may_read(d, to->unit, to->role, g->keys[i].unit, g->keys[i].compartment))
			rc = seal_one(g, &g->keys[i], to);
	return rc;
}

enum rc
replica_peer_keys(struct replica *r, enum rc (*each)(void *ctx, const uint8_t *share, size_t len),
    void *ctx, struct error *err)
{
	struct giving g = { .replica = r, .each = each, .ctx = ctx, .err = err };
	enum rc rc = load_keys(&g);

	for (int others = 0; others < 2; others++) {
		for (size_t i = 0; rc == RC_OK && i < directory_device_count(r->directory); i++) {
			const struct device *to = directory_device_at(r->directory, i);

			/* a second use of an invitation is found out by the authority alone */
			if (to != NULL && to->state == DEVICE_ADMITTED && to->role != ROLE_RELAY &&
			    (strcmp(to->unit, replica_unit(r)) != 0) == (others != 0) &&
			    memcmp(to->cert.device, r->identity.device, IDENTITY_ID_BYTES) != 0)
				rc = give_to(&g, to);
		}
	}
	for (size_t i = 0; i < g.n; i++)
		secret_free(g.keys[i].secret);
	free(g.keys);
	return rc;
}

enum rc
replica_peer_take(struct replica *r, const uint8_t *p, size_t len, struct error *err)
{
	struct secret *key = NULL;
	struct share s;
	enum rc rc;

	if (directory_share_read(p, len, &s) != RC_OK)
		return replica_event(r, "share-refused", "key");
	/* one for another device, or of an epoch that was not heard of, is no use here */
	if (!s.to_device || memcmp(s.to_device_id, r->identity.device, IDENTITY_ID_BYTES) != 0 ||
	    directory_scope_key_at(r->directory, s.unit, s.compartment, s.epoch) == NULL ||
	    !directory_may_read(r->directory, replica_unit(r), replica_role(r), s.unit, s.compartment))
		return RC_OK;
	rc = replica_scope_secret(r, s.unit, s.compartment, s.epoch, &key, err);
	if (rc != RC_NOTFOUND) {
		secret_free(key);
		return rc;
	}
	rc = seal_box_open(r->identity.box_public, r->identity.box_key, s.sealed, sizeof(s.sealed), &key);
	if (rc == RC_OK)
		rc = replica_keep_key(r, &s, key, err);
	else if (rc == RC_AUTH)
		rc = replica_event(r, "share-refused", s.unit);
	secret_free(key);
	return rc;
}
