#include <stdlib.h>
#include <string.h>

#include "shared/sync/seal.h"
#include "shared/vault/query.h"
#include "shared/vault/secret.h"
#include "shared/vault/vault.h"
#include "sync-server/authority_internal.h"

static enum rc
damaged(const char *where, const char *what, struct error *err)
{
	return error_set(err, RC_DAMAGED, where, "restore the last backup of the authority",
	    "%s", what);
}

/* The whole chain again, signatures included. */
static enum rc
verify_chain(struct authority *a, uint64_t *checked, struct error *err)
{
	struct directory *d = NULL;
	struct sqlite3_stmt *q = NULL;
	const uint8_t *p;
	size_t len;
	bool row = false, forked;
	enum rc rc;

	if ((rc = directory_new(&d)) != RC_OK)
		return rc;
	rc = query_open(a->db, err, &q, "SELECT bytes FROM statement ORDER BY seq", "");
	while (rc == RC_OK && (rc = query_next(q, &row, err)) == RC_OK && row) {
		p = query_column_blob(q, 0, &len);
		rc = directory_add(d, p, len, NULL, &forked, err);
		*checked += 1;
	}
	query_close(q);
	q = NULL;
	if (rc == RC_OK)
		rc = query_open(a->db, err, &q, "SELECT bytes FROM certificate", "");
	while (rc == RC_OK && (rc = query_next(q, &row, err)) == RC_OK && row) {
		p = query_column_blob(q, 0, &len);
		rc = directory_add_certificate(d, p, len, err);
		*checked += 1;
	}
	query_close(q);
	directory_free(d);
	return rc;
}

/* Each list leads to the root that its statement promised. */
static enum rc
verify_list(struct authority *a, uint64_t seq, size_t n, struct error *err)
{
	struct bytes *list = calloc(n + 1, sizeof(*list)), item;
	struct sqlite3_stmt *q = NULL;
	struct share *shares = NULL;
	const uint8_t *p;
	size_t len, i = 0, found;
	bool row = false;
	enum rc rc;

	bytes_init(&item);
	if (list == NULL)
		return RC_NOMEM;
	rc = query_open(a->db, err, &q, "SELECT bytes FROM share WHERE seq = ?1 ORDER BY line", "i",
	    (int64_t)seq);
	while (rc == RC_OK && (rc = query_next(q, &row, err)) == RC_OK && row && i < n) {
		p = query_column_blob(q, 0, &len);
		bytes_init(&list[i]);
		bytes_put(&list[i], p, len);
		rc = list[i++].rc;
	}
	query_close(q);
	if (rc == RC_OK) {
		directory_share_list_write(list, i, seq, &item);
		rc = item.rc;
	}
	if (rc == RC_OK && (rc = directory_share_list_check(a->directory, item.data, item.len,
	    &shares, &found)) != RC_OK && rc != RC_NOMEM)
		rc = damaged("share", "a share list is not the one that was signed", err);
	free(shares);
	for (size_t j = 0; j < i; j++)
		bytes_reset(&list[j]);
	free(list);
	bytes_reset(&item);
	return rc;
}

static enum rc
verify_shares(struct authority *a, uint64_t *checked, struct error *err)
{
	struct sqlite3_stmt *q = NULL;
	bool row = false;
	enum rc rc;

	rc = query_open(a->db, err, &q, "SELECT seq, count(*) FROM share GROUP BY seq", "");
	while (rc == RC_OK && (rc = query_next(q, &row, err)) == RC_OK && row) {
		rc = verify_list(a, (uint64_t)query_column_int(q, 0),
		    (size_t)query_column_int(q, 1), err);
		*checked += 1;
	}
	query_close(q);
	return rc;
}

/* Every key of the chain has its secret here. */
static enum rc
verify_secrets(struct authority *a, uint64_t *checked, struct error *err)
{
	const struct directory *d = a->directory;
	uint8_t public_key[32];
	struct secret *s;
	enum rc rc = RC_OK;

	for (size_t i = 0; i < directory_unit_count(d) * DIRECTORY_COMPARTMENTS; i++) {
		const char *unit = directory_unit_at(d, i / DIRECTORY_COMPARTMENTS)->code;
		unsigned c = (unsigned)(i % DIRECTORY_COMPARTMENTS);

		for (uint32_t e = 1; e <= authority_newest_epoch(a, unit, c); e++) {
			const struct scope_key *k = directory_scope_key_at(d, unit, c, e);

			if (k == NULL)
				continue;
			if ((rc = authority_scope_secret(a, unit, c, e, &s, err)) != RC_OK)
				return rc;
			rc = seal_box_keys(s, public_key);
			secret_free(s);
			if (rc != RC_OK)
				return rc;
			if (memcmp(public_key, k->public_key, sizeof(public_key)) != 0)
				return damaged(unit, "the secret of a scope is another", err);
			*checked += 1;
		}
	}
	return RC_OK;
}

enum rc
authority_verify(struct authority *a, uint64_t *checked, struct error *err)
{
	enum rc rc;

	*checked = 0;
	if ((rc = vault_verify(a->vault, err)) != RC_OK ||
	    (rc = verify_chain(a, checked, err)) != RC_OK ||
	    (rc = verify_shares(a, checked, err)) != RC_OK)
		return rc;
	return verify_secrets(a, checked, err);
}
