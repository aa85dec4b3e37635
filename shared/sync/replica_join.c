#include <string.h>

#include "shared/records/fold.h"
#include "shared/sync/replica_internal.h"
#include "shared/sync/seal.h"
#include "shared/vault/query.h"
#include "shared/vault/secret.h"
#include "shared/vault/vault.h"

/* What an invitation brings, while it is checked. */
struct joining {
	struct vault *vault;
	struct sqlite3 *db;
	struct directory *directory;
	struct invitation invitation;
	struct identity identity;
	int64_t now;
};

static enum rc
take_directory(struct joining *j, const struct invitation_parcel *parcel, struct error *err)
{
	bool forked;
	enum rc rc;

	for (size_t i = 0; i < parcel->n_statements; i++) {
		const struct bytes *s = &parcel->statements[i];

		rc = directory_add(j->directory, s->data, s->len, NULL, &forked, err);
		if (rc == RC_OK)
			rc = query_run(j->db, err,
			    "INSERT INTO statement(seq, bytes) VALUES (?1, ?2)", "ib",
			    (int64_t)i, s->data, s->len);
		if (rc != RC_OK)
			return rc;
	}
	if (directory_count(j->directory) == 0)
		return error_set(err, RC_FORMAT, "invitation", "ask for a new invitation",
		    "the invitation holds no directory");
	return RC_OK;
}

static enum rc
take_certificates(struct joining *j, const struct invitation_parcel *parcel, struct error *err)
{
	struct certificate cert;
	enum rc rc = RC_OK;

	for (size_t i = 0; i < parcel->n_certificates && rc == RC_OK; i++) {
		const struct bytes *c = &parcel->certificates[i];

		rc = identity_certificate_read(c->data, c->len, directory_root(j->directory), &cert);
		if (rc == RC_OK)
			rc = query_run(j->db, err, "INSERT OR IGNORE INTO certificate(device, bytes)"
			    " VALUES (?1, ?2)", "bb", cert.device, sizeof(cert.device),
			    c->data, c->len);
	}
	return rc;
}

static enum rc
check_invitation(struct joining *j, const struct invitation_parcel *parcel, struct error *err)
{
	uint8_t public_key[32];
	enum rc rc;

	rc = identity_invitation_read(parcel->invitation.data, parcel->invitation.len,
	    directory_root(j->directory), &j->invitation);
	if (rc == RC_OK)
		rc = seal_sign_keys(parcel->seed, public_key);
	if (rc == RC_OK && memcmp(public_key, j->invitation.public_key, sizeof(public_key)) != 0)
		rc = RC_AUTH;
	if (rc != RC_OK)
		return error_set(err, rc, "invitation", "ask for a new invitation",
		    "the invitation is not signed by its province");
	if (directory_unit(j->directory, j->invitation.unit) == NULL)
		return error_set(err, RC_FORMAT, j->invitation.unit, "ask for a new invitation",
		    "the invitation is for a unit that its directory does not have");
	return RC_OK;
}

static enum rc
make_certificate(struct joining *j, const struct invitation_parcel *parcel, struct error *err)
{
	const struct scope_key *k = directory_scope_key(j->directory, j->invitation.unit, 0);
	struct bytes name, cert;
	enum rc rc;

	bytes_init(&name);
	bytes_init(&cert);
	if (k == NULL)
		return error_set(err, RC_FORMAT, j->invitation.unit, "ask for a new invitation",
		    "the unit has no keys in the directory");
	if ((rc = seal_box(k->public_key, parcel->name, strlen(parcel->name), &name)) == RC_OK)
		rc = identity_certificate_make(&j->identity, parcel->invitation.data,
		    parcel->invitation.len, parcel->seed, j->now, name.data, name.len, &cert);
	if (rc == RC_OK)
		rc = query_run(j->db, err, "INSERT INTO certificate(device, bytes)"
		    " VALUES (?1, ?2)", "bb", j->identity.device,
		    sizeof(j->identity.device), cert.data, cert.len);
	bytes_reset(&name);
	bytes_reset(&cert);
	return rc;
}

static enum rc
store_key(struct joining *j, const char *name, const struct secret *key, struct error *err)
{
	struct bytes wrapped;
	enum rc rc;

	bytes_init(&wrapped);
	if ((rc = vault_wrap(j->vault, VAULT_IDENTITY, name, key, &wrapped)) == RC_OK)
		rc = query_run(j->db, err, "INSERT INTO identity(name, wrapped) VALUES (?1, ?2)",
		    "tb", name, wrapped.data, wrapped.len);
	bytes_reset(&wrapped);
	return rc;
}

static enum rc
join_all(struct joining *j, const struct invitation_parcel *parcel, struct error *err)
{
	enum rc rc;

	if ((rc = take_directory(j, parcel, err)) != RC_OK ||
	    (rc = check_invitation(j, parcel, err)) != RC_OK ||
	    (rc = take_certificates(j, parcel, err)) != RC_OK ||
	    (rc = identity_make(&j->identity)) != RC_OK ||
	    (rc = make_certificate(j, parcel, err)) != RC_OK ||
	    (rc = store_key(j, "sign", j->identity.sign_seed, err)) != RC_OK ||
	    (rc = store_key(j, "box", j->identity.box_key, err)) != RC_OK)
		return rc;
	for (size_t i = 0; i < parcel->n_secrets && rc == RC_OK; i++) {
		const struct scope_secret *s = &parcel->secrets[i];

		rc = replica_store_scope_secret(j->vault, s->unit, s->compartment, s->epoch,
		    s->key, err);
	}
	for (size_t i = 0; i < parcel->n_shares && rc == RC_OK; i++)
		rc = query_run(j->db, err, "INSERT OR IGNORE INTO waiting_share(bytes) VALUES (?1)",
		    "b", parcel->shares[i].data, parcel->shares[i].len);
	if (rc == RC_OK)
		rc = replica_setting_put(j->db, "url", parcel->url, strlen(parcel->url), err);
	if (rc == RC_OK)
		rc = replica_setting_put(j->db, "pin", parcel->pin, strlen(parcel->pin), err);
	return rc;
}

/* Shares are opened by the replica, which knows how; in the transaction of the join. */
static enum rc
open_shares(struct vault *v, const struct invitation_parcel *parcel, const struct clock *clock,
    struct error *err)
{
	struct replica *r = NULL;
	enum rc rc;

	if (parcel->n_shares == 0)
		return RC_OK;
	if ((rc = replica_open(v, clock, &r, err)) != RC_OK)
		return rc;
	rc = replica_retry_waiting(r, NULL, err);
	if (rc == RC_OK)
		rc = fold_flush(replica_fold(r), err);
	replica_close(r);
	return rc;
}

bool
replica_is_joined(struct vault *v)
{
	int64_t n;

	/* without its tables it is none */
	return query_int(vault_db(v), NULL, &n, "SELECT count(*) FROM identity", "") == RC_OK && n > 0;
}

enum rc
replica_join(struct vault *v, const struct invitation_parcel *parcel, const struct clock *clock,
    struct error *err)
{
	struct joining j;
	enum rc rc;

	memset(&j, 0, sizeof(j));
	j.vault = v;
	j.db = vault_db(v);
	j.now = clock_now(clock);
	if ((rc = replica_migrate(v, err)) != RC_OK)
		return rc;
	if (replica_is_joined(v))
		return error_set(err, RC_EXISTS, vault_dir(v), "use another --home",
		    "this vault is a device already");
	if ((rc = directory_new(&j.directory)) != RC_OK)
		return rc;
	if ((rc = query_begin(j.db, err)) == RC_OK) {
		if ((rc = join_all(&j, parcel, err)) == RC_OK)
			rc = open_shares(v, parcel, clock, err);
		rc = query_end(j.db, rc, err);
	}
	identity_reset(&j.identity);
	directory_free(j.directory);
	return rc;
}
