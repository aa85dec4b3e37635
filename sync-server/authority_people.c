#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "shared/sync/seal.h"
#include "shared/vault/query.h"
#include "shared/vault/secret.h"
#include "sync-server/authority_internal.h"

enum {
	DAY_SECONDS = 86400,
	PARCEL_SHARES_MAX = 8192,	/* further ones come with the first sync */
	INVITATIONS_MAX = 1000000
};

/* ---- the parcel ---- */

static enum rc
add_secret(struct authority *a, struct invitation_parcel *p, const struct invitation *inv,
    unsigned compartment, uint32_t epoch, struct error *err)
{
	struct scope_secret *s = &p->secrets[p->n_secrets];
	enum rc rc;

	snprintf(s->unit, sizeof(s->unit), "%s", inv->unit);
	s->compartment = compartment;
	s->epoch = epoch;
	if ((rc = authority_scope_secret(a, inv->unit, compartment, epoch, &s->key, err)) != RC_OK)
		return rc;
	p->n_secrets++;
	return query_run(a->db, err, "INSERT INTO invitation_secret(invitation, unit, compartment,"
	    " epoch) VALUES (?1, ?2, ?3, ?4)", "btii", inv->id, sizeof(inv->id), inv->unit,
	    (int64_t)compartment, (int64_t)epoch);
}

/* All epochs of the scopes of its own unit; those below open with the shares. */
static enum rc
add_secrets(struct authority *a, struct invitation_parcel *p, const struct invitation *inv,
    struct error *err)
{
	size_t total = 0;
	enum rc rc = RC_OK;

	for (unsigned c = 0; c < DIRECTORY_COMPARTMENTS; c++)
		total += authority_newest_epoch(a, inv->unit, c);
	if ((p->secrets = calloc(total + 1, sizeof(*p->secrets))) == NULL)
		return RC_NOMEM;
	for (unsigned c = 0; c < DIRECTORY_COMPARTMENTS; c++) {
		if (!directory_may_read(a->directory, inv->unit, inv->role, inv->unit, c))
			continue;
		for (uint32_t e = 1; e <= authority_newest_epoch(a, inv->unit, c); e++)
			if (rc == RC_OK)
				rc = add_secret(a, p, inv, c, e, err);
	}
	return rc;
}

static enum rc
add_statements(struct authority *a, struct invitation_parcel *p, struct error *err)
{
	struct sqlite3_stmt *q = NULL;
	size_t cap = (size_t)directory_count(a->directory), len;
	const uint8_t *bytes;
	bool row = false;
	enum rc rc;

	if ((p->statements = calloc(cap + 1, sizeof(*p->statements))) == NULL)
		return RC_NOMEM;
	rc = query_open(a->db, err, &q, "SELECT bytes FROM statement ORDER BY seq", "");
	while (rc == RC_OK && (rc = query_next(q, &row, err)) == RC_OK && row &&
	    p->n_statements < cap) {
		bytes = query_column_blob(q, 0, &len);
		bytes_init(&p->statements[p->n_statements]);
		bytes_put(&p->statements[p->n_statements], bytes, len);
		rc = p->statements[p->n_statements++].rc;
	}
	query_close(q);
	return rc;
}

/* Of one statement's list, the lines that open with a scope of which[]. */
static enum rc
pick_shares(struct authority *a, struct invitation_parcel *p, const bool *which,
    const struct bytes *list, size_t n, uint64_t seq)
{
	struct share_tree *tree = NULL;
	struct share share;
	size_t unit;
	enum rc rc;

	rc = directory_share_tree_new(list, n, &tree);
	for (size_t i = 0; i < n && p->n_shares < PARCEL_SHARES_MAX && rc == RC_OK; i++) {
		if ((rc = directory_share_read(list[i].data, list[i].len, &share)) != RC_OK)
			break;
		unit = share.to_device ? SIZE_MAX : authority_unit_index(a, share.to_unit);
		if (unit == SIZE_MAX ||
		    !which[unit * DIRECTORY_COMPARTMENTS + share.to_compartment])
			continue;
		bytes_init(&p->shares[p->n_shares]);
		rc = directory_share_tree_item(tree, i, seq, &p->shares[p->n_shares++]);
	}
	directory_share_tree_free(tree);
	return rc;
}

/* The list that belongs to a statement. */
static enum rc
load_list(struct authority *a, uint64_t seq, struct bytes *list, size_t n, struct error *err)
{
	struct sqlite3_stmt *q = NULL;
	const uint8_t *bytes;
	size_t len, i = 0;
	bool row = false;
	enum rc rc;

	rc = query_open(a->db, err, &q, "SELECT bytes FROM share WHERE seq = ?1 ORDER BY line", "i",
	    (int64_t)seq);
	while (rc == RC_OK && (rc = query_next(q, &row, err)) == RC_OK && row && i < n) {
		bytes = query_column_blob(q, 0, &len);
		bytes_put(&list[i], bytes, len);
		rc = list[i++].rc;
	}
	query_close(q);
	return rc;
}

static enum rc
add_shares_of(struct authority *a, struct invitation_parcel *p, const bool *which,
    uint64_t seq, size_t n, struct error *err)
{
	struct bytes *list = calloc(n + 1, sizeof(*list));
	enum rc rc;

	if (list == NULL)
		return RC_NOMEM;
	for (size_t i = 0; i < n; i++)
		bytes_init(&list[i]);
	if ((rc = load_list(a, seq, list, n, err)) == RC_OK)
		rc = pick_shares(a, p, which, list, n, seq);
	for (size_t i = 0; i < n; i++)
		bytes_reset(&list[i]);
	free(list);
	return rc;
}

/* The path below: what opens the units under a supervisor, an analyst or a holder. */
static enum rc
add_shares(struct authority *a, struct invitation_parcel *p, const struct invitation *inv,
    struct error *err)
{
	struct sqlite3_stmt *q = NULL;
	bool *which = NULL, row = false;
	int64_t total = 0;
	enum rc rc;

	rc = query_int(a->db, err, &total, "SELECT count(*) FROM share", "");
	if (rc != RC_OK || total == 0)
		return rc;
	if ((p->shares = calloc(PARCEL_SHARES_MAX, sizeof(*p->shares))) == NULL)
		return RC_NOMEM;
	if ((rc = authority_readable(a, inv->unit, inv->role, &which)) == RC_OK)
		rc = query_open(a->db, err, &q,
		    "SELECT seq, count(*) FROM share GROUP BY seq ORDER BY seq", "");
	while (rc == RC_OK && (rc = query_next(q, &row, err)) == RC_OK && row)
		rc = add_shares_of(a, p, which, (uint64_t)query_column_int(q, 0),
		    (size_t)query_column_int(q, 1), err);
	query_close(q);
	free(which);
	return rc;
}

static enum rc
pack_parcel(struct authority *a, const struct invitation *inv, const struct secret *seed,
    const struct authority_invite *request, const char *name, const struct secret *code,
    struct bytes *file, struct error *err)
{
	struct invitation_parcel p;
	uint8_t province[8];
	enum rc rc;

	memset(&p, 0, sizeof(p));
	bytes_init(&p.invitation);
	snprintf(p.name, sizeof(p.name), "%s", name);
	snprintf(p.url, sizeof(p.url), "%s", request->url);
	snprintf(p.pin, sizeof(p.pin), "%s", request->pin);
	directory_province(a->directory, province);
	if ((rc = secret_from(secret_bytes(seed), secret_len(seed), &p.seed)) != RC_OK ||
	    (rc = identity_invitation_sign(a->root, inv, &p.invitation)) != RC_OK ||
	    (rc = add_secrets(a, &p, inv, err)) != RC_OK ||
	    (rc = add_statements(a, &p, err)) != RC_OK ||
	    (rc = add_shares(a, &p, inv, err)) != RC_OK)
		goto out;
	rc = identity_parcel_seal(&p, province, inv->id, code, file);
	if (rc == RC_LIMIT)
		error_set(err, rc, inv->unit, "publish a smaller form set",
		    "the invitation would be larger than a program reads");
out:
	identity_parcel_reset(&p);
	return rc;
}

/* ---- inviting ---- */

static enum rc
check_request(struct authority *a, const struct authority_invite *request, struct error *err)
{
	if (directory_unit(a->directory, request->unit) == NULL)
		return error_set(err, RC_NOTFOUND, request->unit, "see `sync-server units`",
		    "there is no such unit");
	if (request->role >= ROLE_COUNT)
		return error_set(err, RC_INVALID, "role", "name a role of people, holder or relay",
		    "no such role");
	if (request->days < 1 || request->days > AUTHORITY_DAYS_MAX)
		return error_set(err, RC_INVALID, "days", "give 1 to 366 days",
		    "an invitation cannot live so long");
	if (strlen(request->url) >= sizeof(((struct invitation_parcel *)NULL)->url) ||
	    strlen(request->pin) >= sizeof(((struct invitation_parcel *)NULL)->pin))
		return error_set(err, RC_LIMIT, "server", "give a shorter address",
		    "the server's address or pin is too long");
	return RC_OK;
}

static enum rc
invite(struct authority *a, const struct authority_invite *request, const char *name,
    const struct secret *code, struct invitation *inv, struct bytes *file, struct error *err)
{
	struct secret *seed = NULL;
	struct bytes signed_one;
	struct invitation read;
	enum rc rc;

	bytes_init(&signed_one);
	if ((rc = secret_random(SECRET_KEY_BYTES, &seed)) != RC_OK ||
	    (rc = seal_sign_keys(seed, inv->public_key)) != RC_OK)
		goto out;
	snprintf(inv->unit, sizeof(inv->unit), "%s", request->unit);
	inv->role = request->role;
	inv->not_before = clock_now(&a->clock);
	inv->not_after = inv->not_before + (int64_t)request->days * DAY_SECONDS;
	/* Reading it back gives its id. */
	if ((rc = identity_invitation_sign(a->root, inv, &signed_one)) != RC_OK ||
	    (rc = identity_invitation_read(signed_one.data, signed_one.len,
	    directory_root(a->directory), &read)) != RC_OK)
		goto out;
	memcpy(inv->id, read.id, sizeof(inv->id));
	rc = query_run(a->db, err, "INSERT INTO invitation(id, unit, role, name, made_at, not_after,"
	    " state) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)", "btitiii", inv->id, sizeof(inv->id),
	    inv->unit, (int64_t)inv->role, name, inv->not_before, inv->not_after,
	    (int64_t)INVITATION_OPEN);
	if (rc == RC_OK)
		rc = pack_parcel(a, inv, seed, request, name, code, file, err);
out:
	bytes_reset(&signed_one);
	secret_free(seed);
	return rc;
}

enum rc
authority_invite(struct authority *a, const struct authority_invite *request,
    uint8_t id[IDENTITY_ID_BYTES], struct bytes *file, struct secret **code, struct error *err)
{
	struct invitation inv;
	char *name = NULL;
	enum rc rc;

	memset(&inv, 0, sizeof(inv));
	*code = NULL;
	if ((rc = authority_may_sign(a, err)) != RC_OK || (rc = check_request(a, request, err)) != RC_OK ||
	    (rc = authority_text("name", request->name, IDENTITY_NAME_MAX, &name, err)) != RC_OK ||
	    (rc = secret_random(IDENTITY_CODE_BYTES, code)) != RC_OK)
		goto out;
	if ((rc = authority_begin(a, err)) == RC_OK)
		rc = authority_end(a, invite(a, request, name, *code, &inv, file, err), err);
out:
	free(name);
	memcpy(id, inv.id, sizeof(inv.id));
	if (rc != RC_OK) {
		secret_free(*code);
		*code = NULL;
		bytes_reset(file);
	}
	return rc;
}

/* ---- listing and withdrawing ---- */

static void
read_invitation(struct sqlite3_stmt *q, struct authority_invitation *out)
{
	size_t len;
	const uint8_t *id = query_column_blob(q, 0, &len);

	memset(out, 0, sizeof(*out));
	memcpy(out->id, id, len < sizeof(out->id) ? len : sizeof(out->id));
	snprintf(out->unit, sizeof(out->unit), "%s", query_column_text(q, 1));
	out->role = (enum identity_role)query_column_int(q, 2);
	snprintf(out->name, sizeof(out->name), "%s", query_column_text(q, 3));
	out->made_at = query_column_int(q, 4);
	out->not_after = query_column_int(q, 5);
	out->state = (enum authority_invitation_state)query_column_int(q, 6);
}

enum rc
authority_invitations(struct authority *a, struct authority_invitation **out, size_t *n,
    struct error *err)
{
	struct sqlite3_stmt *q = NULL;
	struct authority_invitation *list = NULL;
	int64_t total;
	bool row = false;
	enum rc rc;

	*out = NULL;
	*n = 0;
	rc = query_int(a->db, err, &total, "SELECT count(*) FROM invitation", "");
	if (rc != RC_OK)
		return rc;
	if (total > INVITATIONS_MAX)
		return RC_LIMIT;
	if ((list = calloc((size_t)total + 1, sizeof(*list))) == NULL)
		return RC_NOMEM;
	rc = query_open(a->db, err, &q, "SELECT id, unit, role, name, made_at, not_after, state"
	    " FROM invitation ORDER BY made_at, id", "");
	while (rc == RC_OK && (rc = query_next(q, &row, err)) == RC_OK && row &&
	    *n < (size_t)total)
		read_invitation(q, &list[(*n)++]);
	query_close(q);
	if (rc != RC_OK) {
		free(list);
		list = NULL;
		*n = 0;
	}
	*out = list;
	return rc;
}

static enum rc
revoke(struct authority *a, const struct authority_invitation *inv, const char *reason,
    size_t *rotated, struct error *err)
{
	struct bytes payload;
	bool *which = NULL;
	uint64_t seq;
	enum rc rc;

	bytes_init(&payload);
	directory_write_revoke(inv->id, reason, &payload);
	if ((rc = authority_statement(a, STATEMENT_REVOKE, &payload, &seq, err)) == RC_OK &&
	    (rc = query_run(a->db, err, "UPDATE invitation SET state = ?1 WHERE id = ?2", "ib",
	    (int64_t)INVITATION_REVOKED, inv->id, sizeof(inv->id))) == RC_OK &&
	    (rc = authority_readable(a, inv->unit, inv->role, &which)) == RC_OK)
		rc = authority_renew(a, which, rotated, err);
	free(which);
	bytes_reset(&payload);
	return rc;
}

enum rc
authority_revoke(struct authority *a, const uint8_t id[IDENTITY_ID_BYTES], const char *reason,
    size_t *rotated, struct error *err)
{
	struct authority_invitation *list, *found = NULL;
	char *clean = NULL;
	size_t n;
	enum rc rc;

	*rotated = 0;
	if ((rc = authority_invitations(a, &list, &n, err)) != RC_OK)
		return rc;
	for (size_t i = 0; i < n; i++)
		if (memcmp(list[i].id, id, IDENTITY_ID_BYTES) == 0)
			found = &list[i];
	if (found == NULL) {
		rc = error_set(err, RC_NOTFOUND, "invitation", "see `sync-server invitations`",
		    "there is no such invitation");
		goto out;
	}
	if (found->state != INVITATION_OPEN) {
		rc = error_set(err, RC_INVALID, "invitation",
		    found->state == INVITATION_USED ? "retire the device that used it" : NULL,
		    found->state == INVITATION_USED ? "the invitation was used" :
		    "the invitation was withdrawn already");
		goto out;
	}
	if ((rc = authority_text("reason", reason, DIRECTORY_REASON_MAX, &clean, err)) == RC_OK &&
	    (rc = authority_begin(a, err)) == RC_OK)
		rc = authority_end(a, revoke(a, found, clean, rotated, err), err);
out:
	free(clean);
	free(list);
	return rc;
}
