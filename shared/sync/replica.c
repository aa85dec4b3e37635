#include "shared/sync/replica.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "shared/base/embedded.h"
#include "shared/base/text.h"
#include "shared/forms/form.h"
#include "shared/records/fold.h"
#include "shared/sync/form_parcel.h"
#include "shared/sync/replica_internal.h"
#include "shared/sync/replica_quota.h"
#include "shared/sync/seal.h"
#include "shared/vault/query.h"
#include "shared/vault/secret.h"
#include "shared/vault/vault.h"

enum rc
replica_setting_get(struct sqlite3 *db, const char *name, void *out, size_t len,
    struct error *err)
{
	struct bytes b;
	enum rc rc;

	memset(out, 0, len);
	bytes_init(&b);
	rc = query_blob(db, err, &b, "SELECT value FROM setting WHERE name = ?1", "t", name);
	if (rc == RC_OK && b.len != len)
		rc = error_set(err, RC_DAMAGED, name, "run field verify", "a setting is damaged");
	if (rc == RC_OK)
		memcpy(out, b.data, len);
	bytes_reset(&b);
	return rc;
}

static enum rc
setting_text(struct sqlite3 *db, const char *name, char *out, size_t max,
    struct error *err)
{
	struct bytes b;
	enum rc rc;

	out[0] = '\0';
	bytes_init(&b);
	rc = query_blob(db, err, &b, "SELECT value FROM setting WHERE name = ?1", "t", name);
	if (rc == RC_OK && b.len < max) {
		memcpy(out, bytes_cstr(&b), b.len);
		out[b.len] = '\0';
	}
	bytes_reset(&b);
	return rc == RC_NOTFOUND ? RC_OK : rc;
}

enum rc
replica_setting_put(struct sqlite3 *db, const char *name, const void *p, size_t len,
    struct error *err)
{
	return query_run(db, err, "INSERT OR REPLACE INTO setting(name, value) VALUES (?1, ?2)",
	    "tb", name, p, len);
}

void
replica_scope_context(const char *unit, unsigned compartment, uint32_t epoch,
    char out[REPLICA_CONTEXT_MAX])
{
	snprintf(out, REPLICA_CONTEXT_MAX, "scope_secret %s %u %u", unit, compartment, (unsigned)epoch);
}

enum rc
replica_store_scope_secret(struct vault *v, const char *unit, unsigned compartment,
    uint32_t epoch, const struct secret *key, struct error *err)
{
	struct bytes wrapped;
	char context[REPLICA_CONTEXT_MAX];
	enum rc rc;

	bytes_init(&wrapped);
	replica_scope_context(unit, compartment, epoch, context);
	if ((rc = vault_wrap(v, VAULT_IDENTITY, context, key, &wrapped)) == RC_OK)
		rc = query_run(vault_db(v), err,
		    "INSERT OR IGNORE INTO scope_secret(unit, compartment, epoch, wrapped)"
		    " VALUES (?1, ?2, ?3, ?4)", "tiib", unit, (int64_t)compartment,
		    (int64_t)epoch, wrapped.data, wrapped.len);
	bytes_reset(&wrapped);
	return rc;
}

enum rc
replica_scope_secret(struct replica *r, const char *unit, unsigned compartment,
    uint32_t epoch, struct secret **out, struct error *err)
{
	struct bytes wrapped;
	char context[REPLICA_CONTEXT_MAX];
	enum rc rc;

	*out = NULL;
	bytes_init(&wrapped);
	replica_scope_context(unit, compartment, epoch, context);
	rc = query_blob(r->db, err, &wrapped, "SELECT wrapped FROM scope_secret"
	    " WHERE unit = ?1 AND compartment = ?2 AND epoch = ?3", "tii", unit,
	    (int64_t)compartment, (int64_t)epoch);
	if (rc == RC_OK)
		rc = vault_unwrap(r->vault, VAULT_IDENTITY, context, wrapped.data,
		    wrapped.len, out);
	bytes_reset(&wrapped);
	return rc;
}

static enum rc
load_statements(struct replica *r, struct error *err)
{
	struct sqlite3_stmt *q;
	bool row = true;
	const uint8_t *p;
	size_t len;
	enum rc rc;

	rc = query_open(r->db, err, &q, "SELECT bytes FROM statement ORDER BY seq", "");
	while (rc == RC_OK && (rc = query_next(q, &row, err)) == RC_OK && row) {
		p = query_column_blob(q, 0, &len);
		rc = directory_load(r->directory, p, len, err);
	}
	query_close(q);
	if (rc != RC_OK)
		return rc;
	rc = query_open(r->db, err, &q, "SELECT bytes FROM certificate", "");
	while (rc == RC_OK && (rc = query_next(q, &row, err)) == RC_OK && row) {
		p = query_column_blob(q, 0, &len);
		rc = directory_load_certificate(r->directory, p, len, err);
	}
	query_close(q);
	return rc;
}

enum rc
replica_begin(struct replica *r, struct error *err)
{
	r->touched = false;
	return query_begin(r->db, err);
}

static enum rc
reload_directory(struct replica *r)
{
	struct directory *old = r->directory;
	enum rc rc;

	if ((rc = directory_new(&r->directory)) == RC_OK)
		rc = load_statements(r, NULL);
	if (rc == RC_OK) {
		directory_free(old);
		return RC_OK;
	}
	directory_free(r->directory);
	r->directory = old;
	return rc;
}

enum rc
replica_end(struct replica *r, enum rc rc, struct error *err)
{
	if (rc == RC_OK)
		rc = fold_flush(r->fold, err);
	rc = query_end(r->db, rc, err);
	if (rc != RC_OK) {
		fold_discard(r->fold);
		r->look_again = true;	/* what was tried in it was undone */
		replica_quota_recount(r);
		/* the directory in memory, and its forms, must not know what was rolled back */
		if (r->touched && (reload_directory(r) != RC_OK || replica_load_forms(r, NULL) != RC_OK))
			return RC_NOMEM;
	}
	return rc;
}

static enum rc
load_identity(struct replica *r, struct error *err)
{
	static const char *const names[2] = { "sign", "box" };
	struct secret *keys[2] = { NULL, NULL };
	struct bytes wrapped;
	enum rc rc = RC_OK;

	bytes_init(&wrapped);
	for (int i = 0; i < 2 && rc == RC_OK; i++) {
		wrapped.len = 0;
		rc = query_blob(r->db, err, &wrapped,
		    "SELECT wrapped FROM identity WHERE name = ?1", "t", names[i]);
		if (rc == RC_OK)
			rc = vault_unwrap(r->vault, VAULT_IDENTITY, names[i], wrapped.data,
			    wrapped.len, &keys[i]);
	}
	bytes_reset(&wrapped);
	if (rc == RC_OK)
		return identity_load(keys[0], keys[1], &r->identity);
	secret_free(keys[0]);
	secret_free(keys[1]);
	if (rc == RC_NOTFOUND)
		return error_set(err, rc, vault_dir(r->vault), "run field join INVITATION",
		    "this vault is no device of a province yet");
	return rc;
}

/* The newest published set before statement `seq` that loads here, else the built-in one. */
static enum rc
earlier_forms(struct replica *r, uint64_t seq, struct form_set **set, struct error *err)
{
	struct sqlite3_stmt *q;
	struct statement_view v;
	const uint8_t *p;
	size_t len;
	bool row = true;
	enum rc rc;

	rc = query_open(r->db, err, &q, "SELECT bytes FROM statement WHERE seq < ?1"
	    " ORDER BY seq DESC", "i", (int64_t)seq);
	while (*set == NULL && rc == RC_OK && (rc = query_next(q, &row, err)) == RC_OK && row) {
		p = query_column_blob(q, 0, &len);
		if (directory_statement_view(p, len, &v) != RC_OK || v.type != STATEMENT_FORMS)
			continue;
		if (form_parcel_open(v.payload, v.payload_len, set, NULL) == RC_NOMEM)
			rc = RC_NOMEM;
	}
	query_close(q);
	return rc == RC_OK && *set == NULL ? form_set_load_embedded(set, err) : rc;
}

/* *set stays NULL: what is in use stays in use. */
static enum rc
open_forms(struct replica *r, const uint8_t *payload, size_t len, uint64_t seq,
    struct form_set **set, struct error *err)
{
	struct error why = { 0 };
	enum rc rc;

	if (payload == NULL)
		return form_set_load_embedded(set, err);
	if ((rc = form_parcel_open(payload, len, set, &why)) == RC_OK || rc == RC_NOMEM)
		return rc;
	/* of a newer program, or not for us: a person is told, and nothing is held up */
	if ((rc = replica_event(r, "forms-refused", rc_name(rc))) != RC_OK || r->forms != NULL)
		return rc;
	return earlier_forms(r, seq, set, err);
}

enum rc
replica_load_forms(struct replica *r, struct error *err)
{
	struct form_set *set = NULL;
	const uint8_t *payload;
	uint64_t seq = UINT64_MAX;
	size_t len;
	enum rc rc;

	payload = directory_forms(r->directory, &len, &seq);
	if (payload == NULL)
		seq = UINT64_MAX;
	if (r->forms != NULL && seq == r->forms_seq)
		return RC_OK;
	if ((rc = open_forms(r, payload, len, seq, &set, err)) != RC_OK)
		return rc;
	if (set == NULL) {
		r->forms_seq = seq;
		return RC_OK;
	}
	if (r->fold == NULL)
		rc = fold_open(r->db, set, &r->fold, err);
	else
		rc = fold_forms_changed(r->fold, set, err);
	if (rc != RC_OK) {
		form_set_free(set);
		return rc;
	}
	form_set_free(r->forms);
	r->forms = set;
	r->forms_seq = seq;
	return RC_OK;
}

/* A process that ended between taking a thing and trying what waited for it left that undone. */
static enum rc
note_waiting(struct replica *r, struct error *err)
{
	int64_t n;
	enum rc rc = query_int(r->db, err, &n, "SELECT EXISTS (SELECT 1 FROM frame WHERE state IN"
	    " (?1, ?2)) OR EXISTS (SELECT 1 FROM waiting_share)"
	    " OR EXISTS (SELECT 1 FROM waiting_receipt)", "ii", (int64_t)REPLICA_WAITING,
	    (int64_t)REPLICA_QUARANTINED);

	r->look_again = n != 0;
	return rc;
}

enum rc
replica_migrate(struct vault *v, struct error *err)
{
	const struct embedded *sql = embedded_find("vault.sql");

	return sql == NULL ? RC_INTERNAL : vault_migrate(v, (const char *)sql->data, err);
}

enum rc
replica_open(struct vault *v, const struct clock *clock, struct replica **out,
    struct error *err)
{
	struct replica *r;
	enum rc rc;

	*out = NULL;
	if ((rc = replica_migrate(v, err)) != RC_OK)
		return rc;
	if ((r = calloc(1, sizeof(*r))) == NULL)
		return RC_NOMEM;
	r->vault = v;
	r->db = vault_db(v);
	r->clock = *clock;
	r->aside_max = REPLICA_QUOTA_MAX;
	if ((rc = directory_new(&r->directory)) != RC_OK ||
	    (rc = load_identity(r, err)) != RC_OK ||
	    (rc = load_statements(r, err)) != RC_OK ||
	    (rc = setting_text(r->db, "url", r->url, sizeof(r->url), err)) != RC_OK ||
	    (rc = setting_text(r->db, "pin", r->pin, sizeof(r->pin), err)) != RC_OK ||
	    (rc = replica_load_forms(r, err)) != RC_OK ||
	    (rc = note_waiting(r, err)) != RC_OK)
		goto out;
	*out = r;
	r = NULL;
out:
	replica_close(r);
	return rc;
}

static void
forget_names(struct replica *r)
{
	while (r->names != NULL) {
		struct replica_name *next = r->names->next;

		free(r->names);
		r->names = next;
	}
}

void
replica_close(struct replica *r)
{
	if (r == NULL)
		return;
	fold_close(r->fold);
	form_set_free(r->forms);
	identity_reset(&r->identity);
	directory_free(r->directory);
	forget_names(r);
	free(r);
}

struct sqlite3 *
replica_db(struct replica *r)
{
	return r->db;
}

const struct directory *
replica_directory(const struct replica *r)
{
	return r->directory;
}

const struct form_set *
replica_forms(const struct replica *r)
{
	return r->forms;
}

struct fold *
replica_fold(struct replica *r)
{
	return r->fold;
}

const uint8_t *
replica_device(const struct replica *r)
{
	return r->identity.device;
}

const char *
replica_unit(const struct replica *r)
{
	const struct device *d = directory_device(r->directory, r->identity.device);

	return d == NULL ? "" : d->unit;
}

enum identity_role
replica_role(const struct replica *r)
{
	const struct device *d = directory_device(r->directory, r->identity.device);

	return d == NULL ? ROLE_COMMUNICATOR : d->role;
}

const char *
replica_url(const struct replica *r)
{
	return r->url;
}

const char *
replica_pin(const struct replica *r)
{
	return r->pin;
}

enum rc
replica_set_url(struct replica *r, const char *url, const char *pin, struct error *err)
{
	enum rc rc;

	if (strlen(url) >= sizeof(r->url) || strlen(pin) >= sizeof(r->pin))
		return error_set(err, RC_LIMIT, url, "use a shorter address",
		    "the server's address is too long");
	if ((rc = replica_setting_put(r->db, "url", url, strlen(url), err)) != RC_OK ||
	    (rc = replica_setting_put(r->db, "pin", pin, strlen(pin), err)) != RC_OK)
		return rc;
	snprintf(r->url, sizeof(r->url), "%s", url);
	snprintf(r->pin, sizeof(r->pin), "%s", pin);
	return RC_OK;
}

/* A holder's name is sealed to its unit's activities; any epoch may have been the one. */
static bool
open_name(struct replica *r, const struct device *d, char out[IDENTITY_NAME_MAX + 1])
{
	const struct scope_key *newest =
	    directory_scope_key(r->directory, d->cert.invitation.unit, 0);
	struct secret *key = NULL, *name = NULL;
	bool found = false;

	for (uint32_t e = newest == NULL ? 0 : newest->epoch; e > 0 && !found; e--) {
		const struct scope_key *k = directory_scope_key_at(r->directory,
		    d->cert.invitation.unit, 0, e);

		if (k == NULL || replica_scope_secret(r, k->unit, 0, e, &key, NULL) != RC_OK)
			continue;
		if (seal_box_open(k->public_key, key, d->cert.sealed_name,
		    d->cert.sealed_name_len, &name) == RC_OK &&
		    secret_len(name) <= IDENTITY_NAME_MAX) {
			memcpy(out, secret_bytes(name), secret_len(name));
			out[secret_len(name)] = '\0';
			/* the device itself wrote it: it shall hide nothing and break no line */
			found = text_is_clean(out, secret_len(name)) &&
			    strpbrk(out, "\t\n") == NULL;
		}
		secret_free(name);
		secret_free(key);
		name = key = NULL;
	}
	return found;
}

const char *
replica_name_of(struct replica *r, const uint8_t device[16])
{
	const struct device *d = directory_device(r->directory, device);
	struct replica_name *n;

	for (n = r->names; n != NULL; n = n->next)
		if (memcmp(n->device, device, IDENTITY_ID_BYTES) == 0)
			return n->text;
	if (d == NULL || (n = calloc(1, sizeof(*n))) == NULL)
		return "?";	/* may become known: not remembered */
	memcpy(n->device, device, IDENTITY_ID_BYTES);
	if (!open_name(r, d, n->text))
		bytes_hex(device, 4, n->text);
	/* each in a place of its own: what was given out before stays good */
	n->next = r->names;
	r->names = n;
	return n->text;
}

/* A day is told once of what happens again and again in it, and of one kind not without end. */
enum { EVENTS_A_DAY_MAX = 16 };

enum rc
replica_event(struct replica *r, const char *kind, const char *detail)
{
	return query_run(r->db, NULL, "INSERT INTO event(at, kind, detail) SELECT ?1, ?2, ?3"
	    " WHERE NOT EXISTS (SELECT 1 FROM event WHERE kind = ?2 AND detail = ?3"
	    " AND at BETWEEN ?1 - 86400 AND ?1 + 86400) AND (SELECT count(*) FROM event WHERE kind = ?2"
	    " AND at BETWEEN ?1 - 86400 AND ?1 + 86400) < ?4", "itti", clock_now(&r->clock), kind, detail,
	    (int64_t)EVENTS_A_DAY_MAX);
}
