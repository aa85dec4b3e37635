/* What a replica keeps wrapped under the master key of its vault, under another one. */
#include <inttypes.h>

#include "shared/sync/replica.h"
#include "shared/sync/replica_internal.h"
#include "shared/vault/query.h"
#include "shared/vault/secret.h"
#include "shared/vault/vault.h"

struct wrapping {
	struct vault *from, *to;
	struct error *err;
};

static enum rc
wrap_again(struct wrapping *w, const char *context, const uint8_t *p, size_t len, struct bytes *out)
{
	struct secret *s = NULL;
	enum rc rc = vault_unwrap(w->from, VAULT_IDENTITY, context, p, len, &s);

	out->len = 0;
	if (rc == RC_OK)
		rc = vault_wrap(w->to, VAULT_IDENTITY, context, s, out);
	secret_free(s);
	return rc == RC_OK ? RC_OK : error_set(w->err, rc, "vault.db", "run field verify",
	    "a key that the vault holds cannot be opened");
}

static enum rc
identities(struct wrapping *w)
{
	struct sqlite3_stmt *q = NULL;
	struct bytes wrapped;
	bool row = false;
	enum rc rc = query_open(vault_db(w->from), w->err, &q, "SELECT name, wrapped FROM identity", "");

	bytes_init(&wrapped);
	while (rc == RC_OK && (rc = query_next(q, &row, w->err)) == RC_OK && row) {
		const char *name = query_column_text(q, 0);
		size_t len;
		const uint8_t *p = query_column_blob(q, 1, &len);

		if ((rc = wrap_again(w, name, p, len, &wrapped)) == RC_OK)
			rc = query_run(vault_db(w->to), w->err,
			    "UPDATE identity SET wrapped = ?2 WHERE name = ?1", "tb", name, wrapped.data,
			    wrapped.len);
	}
	query_close(q);
	bytes_reset(&wrapped);
	return rc;
}

static enum rc
scope_secrets(struct wrapping *w)
{
	struct sqlite3_stmt *q = NULL;
	struct bytes wrapped;
	char context[REPLICA_CONTEXT_MAX];
	bool row = false;
	enum rc rc = query_open(vault_db(w->from), w->err, &q,
	    "SELECT unit, compartment, epoch, wrapped FROM scope_secret", "");

	bytes_init(&wrapped);
	while (rc == RC_OK && (rc = query_next(q, &row, w->err)) == RC_OK && row) {
		const char *unit = query_column_text(q, 0);
		int64_t compartment = query_column_int(q, 1), epoch = query_column_int(q, 2);
		size_t len;
		const uint8_t *p = query_column_blob(q, 3, &len);

		replica_scope_context(unit, (unsigned)compartment, (uint32_t)epoch, context);
		if ((rc = wrap_again(w, context, p, len, &wrapped)) == RC_OK)
			rc = query_run(vault_db(w->to), w->err, "UPDATE scope_secret SET wrapped = ?4"
			    " WHERE unit = ?1 AND compartment = ?2 AND epoch = ?3", "tiib", unit,
			    compartment, epoch, wrapped.data, wrapped.len);
	}
	query_close(q);
	bytes_reset(&wrapped);
	return rc;
}

enum rc
replica_rewrap(struct vault *from, struct vault *to, struct error *err)
{
	struct wrapping w = { from, to, err };
	enum rc rc = query_begin(vault_db(to), err);

	if (rc != RC_OK)
		return rc;
	if ((rc = identities(&w)) == RC_OK)
		rc = scope_secrets(&w);
	return query_end(vault_db(to), rc, err);
}
