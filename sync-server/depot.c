#include "sync-server/depot.h"

#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>

#include "shared/base/files.h"
#include "shared/sync/seal.h"
#include "shared/vault/digest.h"
#include "shared/vault/secret.h"
#include "sync-server/depot_internal.h"

#define DATABASE "depot.db"
#define KEY_FILE "relay.key"

enum { PAGE_MIN = 64 };

/* ---- settings ---- */

static enum rc
put_setting(struct depot_sql *s, const char *name, const void *p, size_t len)
{
	return depot_sql_run(s, "INSERT INTO setting(name, value) VALUES(?1, ?2)"
	    " ON CONFLICT(name) DO UPDATE SET value = ?2", "tb", name, p, len);
}

static enum rc
get_setting(struct depot_sql *s, const char *name, uint8_t *out, size_t len)
{
	return depot_sql_fixed(s, out, len, "SELECT value FROM setting WHERE name = ?1", "t", name);
}

enum rc
depot_root_nonce(struct depot *d, uint8_t out[16])
{
	enum rc rc = get_setting(&d->sql, "root nonce", out, 16);

	return rc == RC_NOTFOUND ? RC_OK : rc;
}

enum rc
depot_set_root_nonce(struct depot *d, const uint8_t nonce[16])
{
	return put_setting(&d->sql, "root nonce", nonce, 16);
}

/* ---- the key ---- */

/*
 * The relay opens nothing, but a certificate has a box key: it is made from the seed, so
 * that one small file is all that must be kept.
 */
static enum rc
identity_of_seed(const uint8_t *seed, struct identity *out)
{
	struct secret *sign = NULL, *box = NULL;
	struct digest digest;
	enum rc rc;

	memset(out, 0, sizeof(*out));
	if ((rc = secret_from(seed, SECRET_KEY_BYTES, &sign)) != RC_OK)
		return rc;
	if ((rc = secret_new(SECRET_KEY_BYTES, &box)) != RC_OK) {
		secret_free(sign);
		return rc;
	}
	digest_start(&digest, SECRET_KEY_BYTES, seed, SECRET_KEY_BYTES, "field-relay-box-1");
	digest_end(&digest, secret_data(box));
	return identity_load(sign, box, out);
}

static enum rc
read_key(const char *path, struct identity *out, struct error *err)
{
	struct bytes seed;
	enum rc rc;

	memset(out, 0, sizeof(*out));
	bytes_init(&seed);
	rc = files_read(path, SECRET_KEY_BYTES, &seed, err);
	if (rc == RC_OK && seed.len != SECRET_KEY_BYTES)
		rc = error_set(err, RC_DAMAGED, path, "restore it from a backup",
		    "the relay's key is not whole");
	if (rc == RC_OK)
		rc = identity_of_seed(seed.data, out);
	bytes_wipe(&seed);
	return rc;
}

/* A key that stands there alone, from an earlier try that was cut, is taken. */
static enum rc
make_key(const char *path, const struct secret *relay_seed, struct error *err)
{
	struct secret *made = NULL;
	enum rc rc = RC_OK;

	if (relay_seed == NULL && files_exists(path))
		return RC_OK;
	if (relay_seed == NULL) {
		if ((rc = secret_random(SECRET_KEY_BYTES, &made)) != RC_OK)
			return rc;
		relay_seed = made;
	}
	if (secret_len(relay_seed) != SECRET_KEY_BYTES)
		rc = RC_INTERNAL;
	if (rc == RC_OK)
		rc = files_create(path, secret_bytes(relay_seed), SECRET_KEY_BYTES, err);
	secret_free(made);
	return rc;
}

/* ---- making and opening ---- */

enum rc
depot_create(const char *dir, const uint8_t province[DEPOT_PROVINCE_BYTES],
    const struct secret *relay_seed, struct error *err)
{
	char key[FILES_PATH_MAX], database[FILES_PATH_MAX];
	struct depot_sql sql;
	uint8_t generation[16];
	enum rc rc;

	if ((rc = files_make_dir(dir, err)) != RC_OK ||
	    (rc = files_join(dir, KEY_FILE, key)) != RC_OK ||
	    (rc = files_join(dir, DATABASE, database)) != RC_OK)
		return rc;
	if (files_exists(database))
		return error_set(err, RC_EXISTS, database, NULL, "a relay is there already");
	if ((rc = make_key(key, relay_seed, err)) != RC_OK)
		return rc;
	if ((rc = depot_sql_start(&sql, database, true, err)) != RC_OK)
		return rc;
	secret_random_bytes(generation, sizeof(generation));
	rc = put_setting(&sql, "generation", generation, sizeof(generation));
	if (rc == RC_OK && province != NULL)
		rc = put_setting(&sql, "province", province, DEPOT_PROVINCE_BYTES);
	depot_sql_stop(&sql);
	if (rc == RC_OK)
		rc = files_sync_dir(dir, err);
	return rc;
}

static enum rc
load_statements(struct depot *d, uint64_t from, struct error *err)
{
	sqlite3_stmt *q;
	const uint8_t *p;
	size_t len;
	bool row = false, forked;
	enum rc rc;

	rc = depot_sql_open(&d->sql, &q, "SELECT bytes FROM statement WHERE seq >= ?1 ORDER BY seq", "i",
	    (int64_t)from);
	while (rc == RC_OK && (rc = depot_sql_next(&d->sql, q, &row)) == RC_OK && row) {
		p = depot_sql_column_blob(q, 0, &len);
		rc = directory_add(d->directory, p, len, NULL, &forked, err);
		if (rc == RC_FORMAT || rc == RC_AUTH || rc == RC_PROTOCOL)
			rc = RC_DAMAGED;
	}
	depot_sql_close(&d->sql, q);
	return rc;
}

static enum rc
load_certificates(struct depot *d, struct error *err)
{
	sqlite3_stmt *q;
	const uint8_t *p;
	size_t len;
	bool row = false;
	enum rc rc;

	rc = depot_sql_open(&d->sql, &q, "SELECT serial, bytes FROM certificate WHERE serial > ?1"
	    " ORDER BY serial", "i", d->certificate_serial);
	while (rc == RC_OK && (rc = depot_sql_next(&d->sql, q, &row)) == RC_OK && row) {
		d->certificate_serial = depot_sql_column_int(q, 0);
		p = depot_sql_column_blob(q, 1, &len);
		rc = directory_add_certificate(d->directory, p, len, err);
		if (rc == RC_FORMAT || rc == RC_AUTH)
			rc = RC_DAMAGED;
	}
	depot_sql_close(&d->sql, q);
	return rc;
}

static enum rc
load_settings(struct depot *d)
{
	enum rc rc;

	if ((rc = get_setting(&d->sql, "generation", d->generation, sizeof(d->generation))) != RC_OK)
		return rc == RC_NOTFOUND ? RC_DAMAGED : rc;
	rc = get_setting(&d->sql, "province", d->province, sizeof(d->province));
	d->pinned = rc == RC_OK;
	return rc == RC_NOTFOUND ? RC_OK : rc;
}

/* Read the directory and settings from the start. */
static enum rc
load(struct depot *d, struct error *err)
{
	struct directory *fresh = NULL;
	enum rc rc;

	if ((rc = directory_new(&fresh)) != RC_OK)
		return rc;
	directory_free(d->directory);
	d->directory = fresh;
	d->certificate_serial = 0;
	if ((rc = depot_sql_int(&d->sql, &d->data_version, "PRAGMA data_version", "")) != RC_OK ||
	    (rc = load_settings(d)) != RC_OK ||
	    (rc = load_statements(d, 0, err)) != RC_OK)
		return rc;
	return load_certificates(d, err);
}

enum rc
depot_open(const char *dir, struct depot **out, struct error *err)
{
	char key[FILES_PATH_MAX], database[FILES_PATH_MAX];
	struct depot *d = NULL;
	enum rc rc;

	*out = NULL;
	if ((rc = files_join(dir, KEY_FILE, key)) != RC_OK ||
	    (rc = files_join(dir, DATABASE, database)) != RC_OK)
		return rc;
	if (files_is_dir(dir) && (rc = files_may_enter(dir, err)) != RC_OK)
		return rc;
	if (!files_exists(database))
		return error_set(err, RC_NOTFOUND, dir, "make one with `init`", "no relay is here");
	if ((d = calloc(1, sizeof(*d))) == NULL)
		return RC_NOMEM;
	memcpy(d->dir, dir, strnlen(dir, sizeof(d->dir) - 1));
	if ((rc = read_key(key, &d->identity, err)) != RC_OK ||
	    (rc = depot_sql_start(&d->sql, database, false, err)) != RC_OK)
		goto out;
	if ((rc = load(d, err)) != RC_OK) {
		error_set(err, rc, database, "restore it from a backup", "the store does not verify");
		goto out;
	}
	*out = d;
	d = NULL;
out:
	depot_close(d);
	return rc;
}

void
depot_close(struct depot *d)
{
	if (d == NULL)
		return;
	if (d->open)
		depot_sql_undo(&d->sql);
	depot_sql_stop(&d->sql);
	directory_free(d->directory);
	identity_reset(&d->identity);
	free(d);
}

enum rc
depot_backup(struct depot *d, const char *path, struct error *err)
{
	enum rc rc;

	if (files_exists(path))
		return error_set(err, RC_EXISTS, path, NULL, "would overwrite");
	if ((rc = depot_sql_run(&d->sql, "VACUUM INTO ?1", "t", path)) != RC_OK)
		error_set(err, rc, path, d->sql.error.help, "%s", d->sql.error.what);
	return rc;
}

enum rc
depot_change_generation(struct depot *d)
{
	uint8_t generation[16];
	enum rc rc;

	secret_random_bytes(generation, sizeof(generation));
	rc = put_setting(&d->sql, "generation", generation, sizeof(generation));
	if (rc == RC_OK)
		memcpy(d->generation, generation, sizeof(generation));
	return rc;
}

enum rc
depot_renew_generation(struct depot *d)
{
	enum rc rc;

	if ((rc = depot_begin(d)) != RC_OK)
		return rc;
	if ((rc = depot_change_generation(d)) == RC_OK)
		rc = depot_audit(d, 0, "restored", NULL, "");
	return depot_end(d, rc);
}

enum rc
depot_limit(struct depot *d, uint64_t bytes)
{
	int64_t size;
	char sql[80];
	uint64_t pages;
	enum rc rc;

	if ((rc = depot_sql_int(&d->sql, &size, "PRAGMA page_size", "")) != RC_OK)
		return rc;
	pages = bytes == 0 ? 1073741823 : bytes / (uint64_t)size;
	pages = pages < PAGE_MIN ? PAGE_MIN : pages;
	sqlite3_snprintf(sizeof(sql), sql, "PRAGMA max_page_count = %lld", (long long)pages);
	/* not one of the kept statements: the text is not a literal */
	return sqlite3_exec(d->sql.db, sql, NULL, NULL, NULL) == SQLITE_OK ? RC_OK : RC_INTERNAL;
}

void
depot_reserve(struct depot *d, uint64_t bytes)
{
	d->reserve = bytes;
}

bool
depot_has_room(const struct depot *d, size_t len)
{
	uint64_t room;

	/* where it cannot be seen, the disk itself will say so */
	return d->reserve == 0 || files_room(d->dir, &room, NULL) != RC_OK ||
	    room >= d->reserve + 2 * (uint64_t)len;
}

const struct error *
depot_error(const struct depot *d)
{
	return &d->sql.error;
}

/* ---- groups of changes ---- */

enum rc
depot_refresh(struct depot *d)
{
	int64_t version;
	enum rc rc;

	if (d->busy || d->open)
		return RC_OK;
	if ((rc = depot_sql_int(&d->sql, &version, "PRAGMA data_version", "")) != RC_OK)
		return rc;
	if (version == d->data_version)
		return RC_OK;
	if ((rc = load_settings(d)) != RC_OK ||
	    (rc = load_statements(d, directory_count(d->directory), &d->sql.error)) != RC_OK ||
	    (rc = load_certificates(d, &d->sql.error)) != RC_OK)
		return rc;
	d->data_version = version;
	return RC_OK;
}

enum rc
depot_begin(struct depot *d)
{
	enum rc rc;

	if (d->busy)
		return RC_OK;
	if (!d->open) {
		if ((rc = depot_sql_run(&d->sql, "BEGIN IMMEDIATE", "")) != RC_OK)
			return rc;
		if ((rc = depot_refresh(d)) != RC_OK) {
			depot_sql_undo(&d->sql);
			return rc;
		}
		d->open = true;
	}
	if (d->held && (rc = depot_sql_run(&d->sql, "SAVEPOINT piece", "")) != RC_OK)
		return rc;
	d->busy = true;
	return RC_OK;
}

/* What is in memory is read again from what is stored. */
static enum rc
load_again(struct depot *d, enum rc why)
{
	enum rc rc = load(d, NULL);

	return rc == RC_OK ? why : rc;
}

/* All that waits is lost, too: whoever handed it in must not hear that it is here. */
static enum rc
undo_all(struct depot *d, enum rc why)
{
	depot_sql_undo(&d->sql);
	d->undone += d->pieces > 0;
	d->pieces = 0;
	d->open = false;
	return load_again(d, why);
}

static enum rc
commit(struct depot *d)
{
	enum rc rc = depot_sql_run(&d->sql, "COMMIT", "");

	if (rc != RC_OK)
		return undo_all(d, rc);
	d->pieces = 0;
	d->open = false;
	return RC_OK;
}

static enum rc
end_piece(struct depot *d, enum rc rc)
{
	if (rc == RC_OK && (rc = depot_sql_run(&d->sql, "RELEASE piece", "")) == RC_OK) {
		d->pieces++;
		return RC_OK;
	}
	return depot_sql_undo_to(&d->sql) ? load_again(d, rc) : undo_all(d, rc);
}

enum rc
depot_end(struct depot *d, enum rc rc)
{
	if (!d->busy)
		return rc;
	d->busy = false;
	if (d->held)
		return end_piece(d, rc);
	return rc == RC_OK ? commit(d) : undo_all(d, rc);
}

void
depot_hold(struct depot *d, bool held)
{
	d->held = held;
}

enum rc
depot_settle(struct depot *d)
{
	return d->open && !d->busy ? commit(d) : RC_OK;
}

uint64_t
depot_undone(const struct depot *d)
{
	return d->undone;
}

const struct directory *
depot_directory(const struct depot *d)
{
	return d->directory;
}

const struct identity *
depot_identity(const struct depot *d)
{
	return &d->identity;
}

void
depot_generation(const struct depot *d, uint8_t out[16])
{
	memcpy(out, d->generation, sizeof(d->generation));
}
