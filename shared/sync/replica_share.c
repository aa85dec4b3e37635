/* Shares of scope keys: opened, or kept until what opens them comes. */
#include <stdlib.h>
#include <string.h>

#include "shared/sync/replica_quota.h"
#include "shared/sync/seal.h"
#include "shared/vault/query.h"
#include "shared/vault/secret.h"

enum rc
replica_keep_key(struct replica *r, const struct share *s, const struct secret *key,
    struct error *err)
{
	const struct scope_key *k =
	    directory_scope_key_at(r->directory, s->unit, s->compartment, s->epoch);
	uint8_t public_key[32];
	enum rc rc;

	if (k == NULL || secret_len(key) != SECRET_KEY_BYTES)
		return replica_event(r, "share-refused", s->unit);
	if ((rc = seal_box_keys(key, public_key)) != RC_OK)
		return rc;
	if (memcmp(public_key, k->public_key, sizeof(public_key)) != 0)
		return replica_event(r, "share-refused", s->unit);
	r->keys_grew = true;
	return replica_store_scope_secret(r->vault, s->unit, s->compartment, s->epoch, key, err);
}

/* RC_NOTFOUND: the key that opens it has not come. */
static enum rc
open_share(struct replica *r, const struct share *s, struct error *err)
{
	const struct scope_key *to;
	struct secret *parent = NULL, *key = NULL;
	enum rc rc;

	if (s->to_device) {
		if (memcmp(s->to_device_id, r->identity.device, IDENTITY_ID_BYTES) != 0)
			return RC_OK;	/* not for us */
		rc = seal_box_open(r->identity.box_public, r->identity.box_key, s->sealed,
		    sizeof(s->sealed), &key);
	} else {
		to = directory_scope_key_at(r->directory, s->to_unit, s->to_compartment,
		    s->to_epoch);
		if (to == NULL)
			return RC_NOTFOUND;
		if ((rc = replica_scope_secret(r, s->to_unit, s->to_compartment, s->to_epoch,
		    &parent, err)) != RC_OK)
			return rc;
		rc = seal_box_open(to->public_key, parent, s->sealed, sizeof(s->sealed), &key);
	}
	if (rc == RC_OK)
		rc = replica_keep_key(r, s, key, err);
	else if (rc == RC_AUTH)
		rc = replica_event(r, "share-refused", s->unit);
	secret_free(parent);
	secret_free(key);
	return rc;
}

static enum rc
keep_waiting(struct replica *r, const uint8_t *p, size_t len, struct error *err)
{
	return query_run(r->db, err, "INSERT OR IGNORE INTO waiting_share(bytes) VALUES (?1)",
	    "b", p, len);
}

/* Is the statement that may prove it still to come? */
static bool
may_be_proven(const struct replica *r, enum rc why, const uint8_t *p, size_t len)
{
	struct reader in;
	uint64_t seq;

	reader_init(&in, p, len);
	seq = reader_varint(&in);
	return why == RC_NOTFOUND && !in.bad && seq >= directory_count(r->directory);
}

/* A share or list that its statement does not prove. */
static enum rc
judge_unproven(struct replica *r, enum rc why, const uint8_t *p, size_t len, struct error *err)
{
	bool room = true;
	int64_t here;
	enum rc rc;

	if (why == RC_NOMEM)
		return why;
	if (!may_be_proven(r, why, p, len))
		return replica_event(r, "share-refused", rc_name(why));
	rc = query_int(r->db, err, &here, "SELECT count(*) FROM waiting_share WHERE bytes = ?1", "b", p,
	    len);
	if (rc == RC_OK && here == 0)
		rc = replica_quota_take(r, len, &room, err);
	return rc == RC_OK && room ? keep_waiting(r, p, len, err) : rc;
}

/* ---- a whole list ---- */

/* Open what can be opened; done[i] is set for what needs no other try. */
static enum rc
open_list(struct replica *r, const struct share *list, size_t n, bool *done, struct error *err)
{
	bool again = true;
	enum rc rc = RC_OK;

	/* a parent's line may stand behind its child's */
	while (again && rc == RC_OK) {
		again = false;
		for (size_t i = 0; i < n && rc == RC_OK; i++) {
			if (done[i])
				continue;
			rc = open_share(r, &list[i], err);
			done[i] = rc == RC_OK;
			again = again || done[i];
			if (rc == RC_NOTFOUND)
				rc = RC_OK;
		}
	}
	return rc;
}

/* Lines whose key may still come are kept one by one, each with its path. */
static enum rc
keep_lines(struct replica *r, const uint8_t *p, size_t len, const struct share *list,
    const bool *done, struct error *err)
{
	struct share_tree *tree = NULL;
	struct bytes *encoded = NULL, line;
	size_t n = 0;
	uint64_t seq;
	enum rc rc;

	bytes_init(&line);
	if ((rc = directory_share_list_read(p, len, &seq, &encoded, &n)) == RC_OK)
		rc = directory_share_tree_new(encoded, n, &tree);
	for (size_t i = 0; i < n && rc == RC_OK; i++) {
		if (done[i] || !directory_may_read(r->directory, replica_unit(r), replica_role(r),
		    list[i].to_unit, list[i].to_compartment))
			continue;
		line.len = 0;
		if ((rc = directory_share_tree_item(tree, i, seq, &line)) == RC_OK)
			rc = keep_waiting(r, line.data, line.len, err);
	}
	directory_share_tree_free(tree);
	for (size_t i = 0; i < n; i++)
		bytes_reset(&encoded[i]);
	free(encoded);
	bytes_reset(&line);
	return rc;
}

static enum rc
take_list(struct replica *r, const uint8_t *p, size_t len, struct error *err)
{
	struct share *list = NULL;
	bool *done = NULL, all = true;
	size_t n = 0;
	enum rc rc;

	if ((rc = directory_share_list_check(r->directory, p, len, &list, &n)) != RC_OK)
		return judge_unproven(r, rc, p, len, err);
	if ((done = calloc(n + 1, sizeof(*done))) == NULL) {
		free(list);
		return RC_NOMEM;
	}
	rc = open_list(r, list, n, done, err);
	for (size_t i = 0; i < n; i++)
		all = all && done[i];
	if (rc == RC_OK && !all)
		rc = keep_lines(r, p, len, list, done, err);
	free(done);
	free(list);
	return rc;
}

enum rc
replica_take_share(struct replica *r, enum item_type type, const uint8_t *p, size_t len,
    struct error *err)
{
	struct share one;
	enum rc rc;

	if (type != ITEM_SHARE)
		return take_list(r, p, len, err);
	if ((rc = directory_share_check(r->directory, p, len, &one)) != RC_OK)
		return judge_unproven(r, rc, p, len, err);
	rc = open_share(r, &one, err);
	return rc == RC_NOTFOUND ? keep_waiting(r, p, len, err) : rc;
}

/* ---- another try ---- */

/* What was kept is a share or, if its statement had not come, perhaps a list. */
static enum rc
try_again(struct replica *r, const uint8_t *p, size_t len, bool *over, struct error *err)
{
	struct share one, *list = NULL;
	size_t n;
	enum rc rc;

	*over = false;
	rc = directory_share_check(r->directory, p, len, &one);
	if (may_be_proven(r, rc, p, len))
		return RC_OK;	/* a share, as a list is not: it waits on */
	if (rc == RC_OK) {
		rc = open_share(r, &one, err);
		*over = rc == RC_OK;
		return rc == RC_NOTFOUND ? RC_OK : rc;
	}
	rc = directory_share_list_check(r->directory, p, len, &list, &n);
	free(list);
	if (rc == RC_NOMEM)
		return rc;
	*over = rc == RC_OK || !may_be_proven(r, rc, p, len);
	return *over ? take_list(r, p, len, err) : RC_OK;
}

enum rc
replica_retry_shares(struct replica *r, struct error *err)
{
	struct sqlite3_stmt *q;
	struct bytes *all = NULL, *grown;
	const uint8_t *p;
	size_t n = 0, cap = 0, len;
	bool row = true, over;
	enum rc rc;

	/* read first: trying one changes the table */
	rc = query_open(r->db, err, &q, "SELECT bytes FROM waiting_share", "");
	while (rc == RC_OK && (rc = query_next(q, &row, err)) == RC_OK && row) {
		if (n == cap) {
			cap = cap ? 2 * cap : 64;
			if ((grown = realloc(all, cap * sizeof(*all))) == NULL) {
				rc = RC_NOMEM;
				break;
			}
			all = grown;
		}
		bytes_init(&all[n]);
		p = query_column_blob(q, 0, &len);
		bytes_put(&all[n], p, len);
		rc = all[n++].rc;
	}
	query_close(q);
	for (size_t i = 0; i < n; i++) {
		if (rc == RC_OK && (rc = try_again(r, all[i].data, all[i].len, &over, err)) == RC_OK &&
		    over)
			rc = query_run(r->db, err, "DELETE FROM waiting_share WHERE bytes = ?1", "b",
			    all[i].data, all[i].len);
		bytes_reset(&all[i]);
	}
	free(all);
	return rc;
}
