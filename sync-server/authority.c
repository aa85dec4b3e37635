#include "sync-server/authority.h"

#include <stdlib.h>
#include <string.h>

#include "shared/base/embedded.h"
#include "shared/base/text.h"
#include "shared/sync/seal.h"
#include "shared/vault/query.h"
#include "shared/vault/secret.h"
#include "shared/vault/vault.h"
#include "sync-server/authority_internal.h"

/* A relay's certificate names a unit like any other, but a relay reads nothing. */
#define RELAY_UNIT "-"

enum { RELAY_YEARS_SECONDS = 20 * 366 * 86400 };

/* ---- the chain in memory and in the vault ---- */

/* Feed one column of blobs to the directory. */
static enum rc
load_rows(struct authority *a, const char *sql,
    enum rc (*load)(struct directory *, const uint8_t *, size_t, struct error *),
    struct error *err)
{
	struct sqlite3_stmt *q = NULL;
	const uint8_t *p;
	size_t len;
	bool row = false;
	enum rc rc;

	rc = query_open(a->db, err, &q, sql, "");
	while (rc == RC_OK && (rc = query_next(q, &row, err)) == RC_OK && row) {
		p = query_column_blob(q, 0, &len);
		rc = load(a->directory, p, len, err);
	}
	query_close(q);
	return rc;
}

static enum rc
load_chain(struct authority *a, struct error *err)
{
	enum rc rc;

	directory_free(a->directory);
	a->directory = NULL;
	if ((rc = directory_new(&a->directory)) != RC_OK)
		return rc;
	rc = load_rows(a, "SELECT bytes FROM statement ORDER BY seq", directory_load, err);
	if (rc == RC_OK)
		rc = load_rows(a, "SELECT bytes FROM certificate ORDER BY id",
		    directory_load_certificate, err);
	return rc;
}

enum rc
authority_begin(struct authority *a, struct error *err)
{
	return query_begin(a->db, err);
}

enum rc
authority_end(struct authority *a, enum rc rc, struct error *err)
{
	struct error ignored;

	rc = query_end(a->db, rc, err);
	if (rc != RC_OK) {
		/* What was signed in vain must not stay in memory either. */
		error_clear(&ignored);
		if (load_chain(a, &ignored) != RC_OK) {
			directory_free(a->directory);
			a->directory = NULL;
		}
	}
	return rc;
}

enum rc
authority_statement(struct authority *a, enum statement_type type,
    const struct bytes *payload, uint64_t *seq, struct error *err)
{
	struct bytes statement;
	bool forked;
	enum rc rc;

	bytes_init(&statement);
	*seq = 0;
	if (a->directory == NULL)
		return error_set(err, RC_INTERNAL, "authority", "start again",
		    "the directory could not be read again after an error");
	if (payload->rc != RC_OK)
		return payload->rc;
	if ((rc = authority_may_sign(a, err)) != RC_OK)
		return rc;
	if (payload->len > DIRECTORY_PAYLOAD_MAX)
		return error_set(err, RC_LIMIT, "directory", "do it in smaller steps",
		    "a statement would be %zu bytes, and may be %d", payload->len,
		    DIRECTORY_PAYLOAD_MAX);
	*seq = directory_count(a->directory);
	rc = directory_sign(a->directory, a->root, type, clock_now(&a->clock), payload, &statement);
	if (rc == RC_OK)
		rc = directory_add(a->directory, statement.data, statement.len, NULL, &forked, err);
	if (rc == RC_OK)
		rc = query_run(a->db, err, "INSERT INTO statement(seq, bytes) VALUES (?1, ?2)",
		    "ib", (int64_t)*seq, statement.data, statement.len);
	bytes_reset(&statement);
	return rc;
}

/* ---- making and opening ---- */

static enum rc
store_key(struct authority *a, const char *name, const struct secret *key, struct error *err)
{
	struct bytes wrapped;
	enum rc rc;

	bytes_init(&wrapped);
	rc = vault_wrap(a->vault, VAULT_IDENTITY, name, key, &wrapped);
	if (rc == RC_OK)
		rc = query_run(a->db, err,
		    "INSERT INTO authority_key(name, wrapped) VALUES (?1, ?2)", "tb",
		    name, wrapped.data, wrapped.len);
	bytes_reset(&wrapped);
	return rc;
}

static enum rc
load_key(struct authority *a, const char *name, struct secret **out, struct error *err)
{
	struct bytes wrapped;
	enum rc rc;

	*out = NULL;
	bytes_init(&wrapped);
	rc = query_blob(a->db, err, &wrapped,
	    "SELECT wrapped FROM authority_key WHERE name = ?1", "t", name);
	if (rc == RC_OK)
		rc = vault_unwrap(a->vault, VAULT_IDENTITY, name, wrapped.data, wrapped.len, out);
	bytes_reset(&wrapped);
	return rc;
}

static enum rc
attach(struct vault *v, const struct clock *clock, struct authority **out, struct error *err)
{
	const struct embedded *sql = embedded_find("authority.sql");
	struct authority *a;
	enum rc rc;

	*out = NULL;
	if (sql == NULL)
		return error_set(err, RC_INTERNAL, "authority.sql", NULL, "a built-in file is missing");
	if ((rc = vault_migrate(v, (const char *)sql->data, err)) != RC_OK)
		return rc;
	if ((a = calloc(1, sizeof(*a))) == NULL)
		return RC_NOMEM;
	a->vault = v;
	a->db = vault_db(v);
	a->clock = *clock;
	*out = a;
	return RC_OK;
}

/* Free all but the vault, which a caller that failed gets back. */
static void
detach(struct authority *a)
{
	if (a == NULL)
		return;
	secret_free(a->root);
	secret_free(a->recovery);
	directory_free(a->directory);
	free(a);
}

static enum rc
make_province(struct authority *a, const char *name, struct error *err)
{
	uint8_t root[32], recovery[32];
	struct bytes payload;
	uint64_t seq;
	enum rc rc;

	bytes_init(&payload);
	if ((rc = secret_random(SECRET_KEY_BYTES, &a->root)) != RC_OK ||
	    (rc = secret_random(SECRET_KEY_BYTES, &a->recovery)) != RC_OK ||
	    (rc = seal_sign_keys(a->root, root)) != RC_OK ||
	    (rc = seal_box_keys(a->recovery, recovery)) != RC_OK ||
	    (rc = store_key(a, "root", a->root, err)) != RC_OK ||
	    (rc = store_key(a, "recovery", a->recovery, err)) != RC_OK)
		goto out;
	/* The top unit comes with the first units (formats.md, genesis). */
	directory_write_genesis(root, recovery, name, "", &payload);
	rc = authority_statement(a, STATEMENT_GENESIS, &payload, &seq, err);
out:
	bytes_reset(&payload);
	return rc;
}

enum rc
authority_create(struct vault *v, const char *name, const struct clock *clock,
    struct authority **out, struct error *err)
{
	struct authority *a = NULL;
	char *clean = NULL;
	int64_t keys;
	enum rc rc;

	*out = NULL;
	if ((rc = authority_text("name", name, AUTHORITY_NAME_MAX, &clean, err)) != RC_OK ||
	    (rc = attach(v, clock, &a, err)) != RC_OK ||
	    (rc = query_int(a->db, err, &keys, "SELECT count(*) FROM authority_key", "")) != RC_OK)
		goto out;
	if (keys > 0) {
		rc = error_set(err, RC_EXISTS, vault_dir(v), "use another --dir",
		    "there is an authority here already");
		goto out;
	}
	if ((rc = directory_new(&a->directory)) == RC_OK &&
	    (rc = authority_begin(a, err)) == RC_OK)
		rc = authority_end(a, make_province(a, clean, err), err);
out:
	free(clean);
	if (rc != RC_OK) {
		detach(a);
		a = NULL;
	}
	*out = a;
	return rc;
}

/* The stored root must be the one that the chain is signed with. */
static enum rc
check_root(struct authority *a, struct error *err)
{
	uint8_t root[32], recovery[32];
	enum rc rc;

	if ((rc = seal_sign_keys(a->root, root)) != RC_OK ||
	    (rc = seal_box_keys(a->recovery, recovery)) != RC_OK)
		return rc;
	if (directory_count(a->directory) == 0 ||
	    memcmp(root, directory_root(a->directory), sizeof(root)) != 0 ||
	    memcmp(recovery, directory_recovery_key(a->directory), sizeof(recovery)) != 0)
		return error_set(err, RC_DAMAGED, vault_dir(a->vault),
		    "restore the last backup of the authority",
		    "the authority's keys do not belong to its directory");
	return RC_OK;
}

enum rc
authority_open(struct vault *v, const struct clock *clock, struct authority **out,
    struct error *err)
{
	struct authority *a = NULL;
	enum rc rc;

	*out = NULL;
	if ((rc = attach(v, clock, &a, err)) != RC_OK)
		return rc;
	rc = load_key(a, "root", &a->root, err);
	if (rc == RC_NOTFOUND)
		error_set(err, rc, vault_dir(v), "run `sync-server init --name TEXT` first",
		    "there is no authority in this vault");
	if (rc == RC_OK)
		rc = load_key(a, "recovery", &a->recovery, err);
	if (rc == RC_OK)
		rc = load_chain(a, err);
	if (rc == RC_OK)
		rc = check_root(a, err);
	if (rc != RC_OK) {
		detach(a);
		a = NULL;
	}
	*out = a;
	return rc;
}

void
authority_close(struct authority *a)
{
	struct vault *v;

	if (a == NULL)
		return;
	v = a->vault;
	detach(a);
	vault_close(v);
}

const struct directory *
authority_directory(const struct authority *a)
{
	return a->directory;
}

const struct secret *
authority_recovery_secret(const struct authority *a)
{
	return a->recovery;
}

void
authority_fingerprint(const struct authority *a, char out[AUTHORITY_FINGERPRINT_MAX])
{
	uint8_t hash[32];
	char hex[65];
	size_t at = 0;

	directory_fingerprint(directory_root(a->directory), hash);
	bytes_hex(hash, sizeof(hash), hex);
	for (size_t i = 0; i < 64; i++) {
		if (i > 0 && i % 4 == 0)
			out[at++] = ' ';
		out[at++] = hex[i];
	}
	out[at] = '\0';
}

enum rc
authority_text(const char *what, const char *text, size_t max, char **out, struct error *err)
{
	enum rc rc = text_normalise(text, strlen(text), out);

	if (rc == RC_NOMEM)
		return rc;
	if (rc != RC_OK)
		return error_set(err, RC_INVALID, what, "write it in plain UTF-8 text",
		    "the text holds signs that cannot be stored");
	if ((*out)[0] == '\0' || strlen(*out) > max) {
		free(*out);
		*out = NULL;
		return error_set(err, RC_INVALID, what, "write a shorter text",
		    "a text of 1 to %zu bytes is needed", max);
	}
	return RC_OK;
}

/* ---- the relay's certificate ---- */

static enum rc
certify_relay(struct authority *a, const struct identity *relay, struct bytes *certificate)
{
	struct invitation inv;
	struct secret *seed = NULL;
	struct bytes invitation;
	enum rc rc;

	memset(&inv, 0, sizeof(inv));
	bytes_init(&invitation);
	if ((rc = secret_random(SECRET_KEY_BYTES, &seed)) != RC_OK ||
	    (rc = seal_sign_keys(seed, inv.public_key)) != RC_OK)
		goto out;
	memcpy(inv.unit, RELAY_UNIT, sizeof(RELAY_UNIT));
	inv.role = ROLE_RELAY;
	inv.not_before = clock_now(&a->clock);
	inv.not_after = inv.not_before + RELAY_YEARS_SECONDS;
	rc = identity_invitation_sign(a->root, &inv, &invitation);
	if (rc == RC_OK)
		rc = identity_certificate_make(relay, invitation.data, invitation.len, seed,
		    inv.not_before, (const uint8_t *)"", 0, certificate);
out:
	secret_free(seed);
	bytes_reset(&invitation);
	return rc;
}

enum rc
authority_admit_relay(struct authority *a, const struct identity *relay,
    struct bytes *certificate, struct error *err)
{
	struct bytes payload;
	uint64_t seq;
	enum rc rc;

	bytes_init(&payload);
	if ((rc = certify_relay(a, relay, certificate)) != RC_OK)
		goto out;
	directory_write_admit(certificate, 1, &payload);
	if ((rc = authority_begin(a, err)) == RC_OK)
		rc = authority_end(a, authority_statement(a, STATEMENT_ADMIT, &payload, &seq, err),
		    err);
out:
	bytes_reset(&payload);
	return rc;
}
