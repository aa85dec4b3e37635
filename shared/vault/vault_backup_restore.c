#include <stdlib.h>
#include <string.h>

#include <sqlite3.h>

#include "shared/base/file_stream.h"
#include "shared/vault/digest.h"
#include "shared/vault/key_file.h"
#include "shared/vault/secret.h"
#include "shared/vault/vault.h"
#include "shared/vault/vault_backup.h"
#include "shared/vault/vault_backup_format.h"
#include "shared/vault/vault_db.h"
#include "shared/vault/vault_parts.h"
#include "shared/vault/vault_vfs.h"

enum { FIXED_BYTES = VAULT_BACKUP_MAGIC_BYTES + 2 + VAULT_BACKUP_SALT_BYTES + 2 };

/* A backup that is being read, and where its pages go. */
struct reading {
	const char *path;
	struct file_stream *file;
	struct block_key *key;
	uint64_t chunk;
	uint8_t head[FIXED_BYTES + KEYSLOTS_BYTES_MAX];
	size_t head_len, keys_len;
	uint8_t digest[VAULT_BACKUP_DIGEST_BYTES];	/* of the head */
	uint8_t prefix[VAULT_BACKUP_PREFIX_BYTES];
	uint8_t page[BLOCK_SIZE];
	uint64_t taken;			/* clear bytes so far */
	int64_t pages;			/* as the backup says, once its prefix was read */
	sqlite3_file *to;		/* NULL: only look */
	size_t len, ahead_len;		/* sealed bytes in the two buffers */
	uint8_t *now, *ahead;		/* VAULT_BACKUP_SEALED each */
	uint8_t *clear;
};

static enum rc
changed(const struct reading *r, struct error *err)
{
	return error_set(err, RC_DAMAGED, r->path, "use another copy of the backup; nothing was made",
	    "the backup is cut or was changed");
}

static void
reading_reset(struct reading *r)
{
	file_stream_close(r->file);
	block_key_free(r->key);
	if (r->clear != NULL)
		secret_wipe(r->clear, VAULT_BACKUP_CHUNK);
	free(r->clear);
	free(r->now);
	free(r->ahead);
	secret_wipe(r->page, sizeof r->page);
	memset(r, 0, sizeof *r);
}

static const uint8_t *
keys_of(const struct reading *r)
{
	return r->head + FIXED_BYTES;
}

static enum rc
read_head(struct reading *r, struct error *err)
{
	struct reader in;
	size_t n = 0;
	uint16_t version;
	enum rc rc = file_stream_get(r->file, r->head, FIXED_BYTES, &n, err);

	if (rc != RC_OK)
		return rc;
	if (n < VAULT_BACKUP_MAGIC_BYTES ||
	    memcmp(r->head, VAULT_BACKUP_MAGIC, VAULT_BACKUP_MAGIC_BYTES) != 0)
		return error_set(err, RC_FORMAT, r->path, "take a file that field backup wrote",
		    "this is no backup of a vault");
	reader_init(&in, r->head + VAULT_BACKUP_MAGIC_BYTES, n - VAULT_BACKUP_MAGIC_BYTES);
	version = reader_u16(&in);
	if (!in.bad && version > VAULT_BACKUP_VERSION)
		return error_set(err, RC_NEWER, r->path, "use the newer program",
		    "the backup was written by a newer program");
	(void)reader_take(&in, VAULT_BACKUP_SALT_BYTES);
	r->keys_len = reader_u16(&in);
	if (in.bad || version != VAULT_BACKUP_VERSION || r->keys_len > KEYSLOTS_BYTES_MAX)
		return changed(r, err);
	if ((rc = file_stream_get(r->file, r->head + FIXED_BYTES, r->keys_len, &n, err)) != RC_OK)
		return rc;
	if (n != r->keys_len)
		return changed(r, err);
	r->head_len = FIXED_BYTES + r->keys_len;
	digest_of(r->digest, sizeof r->digest, VAULT_BACKUP_LABEL, r->head, r->head_len);
	return RC_OK;
}

/* Open it from the beginning; key may be NULL as long as it is not known. */
static enum rc
begin(struct reading *r, const char *path, const struct secret *master, struct error *err)
{
	struct secret *subkey = NULL;
	enum rc rc;

	memset(r, 0, sizeof *r);
	r->path = path;
	r->pages = -1;
	r->now = malloc(VAULT_BACKUP_SEALED);
	r->ahead = malloc(VAULT_BACKUP_SEALED);
	r->clear = malloc(VAULT_BACKUP_CHUNK);
	if (r->now == NULL || r->ahead == NULL || r->clear == NULL)
		return RC_NOMEM;
	if ((rc = file_stream_open(path, &r->file, err)) != RC_OK ||
	    (rc = read_head(r, err)) != RC_OK || master == NULL)
		return rc;
	if ((rc = keyslots_subkey(master, VAULT_BACKUP, &subkey)) == RC_OK)
		rc = block_key_new(subkey, r->head + VAULT_BACKUP_MAGIC_BYTES + 2, BLOCK_BACKUP, &r->key);
	secret_free(subkey);
	return rc;
}

/* The clear bytes of a backup, whatever pieces they come in: digest, number of pages, pages. */
static enum rc
take(struct reading *r, const uint8_t *p, size_t len, struct error *err)
{
	while (len > 0) {
		bool in_prefix = r->taken < sizeof r->prefix;
		uint64_t at = in_prefix ? r->taken : (r->taken - sizeof r->prefix) % BLOCK_SIZE;
		size_t whole = in_prefix ? sizeof r->prefix : BLOCK_SIZE;
		size_t n = whole - (size_t)at < len ? whole - (size_t)at : len;
		int64_t page = in_prefix ? 0 : (int64_t)((r->taken - sizeof r->prefix) / BLOCK_SIZE);
		int rc = SQLITE_OK;

		memcpy((in_prefix ? r->prefix : r->page) + at, p, n);
		p += n;
		len -= n;
		r->taken += n;
		if (at + n < whole)
			return RC_OK;
		if (in_prefix) {
			r->pages = (int64_t)bytes_load64(r->prefix + VAULT_BACKUP_DIGEST_BYTES);
			if (memcmp(r->prefix, r->digest, sizeof r->digest) != 0 || r->pages <= 0)
				return changed(r, err);
		} else if (page >= r->pages) {
			return changed(r, err);
		} else if (r->to != NULL && page != BLOCK_LOCK_PAGE) {
			rc = r->to->pMethods->xWrite(r->to, r->page, BLOCK_SIZE, page * BLOCK_SIZE);
		}
		if (rc != SQLITE_OK)
			return vault_db_rc(NULL, rc, "write the database", err);
	}
	return RC_OK;
}

/* Read all of it: every chunk opens in its place, the last one as the last. */
static enum rc
read_all(struct reading *r, struct error *err)
{
	enum rc rc = file_stream_get(r->file, r->now, VAULT_BACKUP_SEALED, &r->len, err);

	while (rc == RC_OK) {
		uint8_t *swap = r->now;
		bool last;

		rc = file_stream_get(r->file, r->ahead, VAULT_BACKUP_SEALED, &r->ahead_len, err);
		if (rc != RC_OK)
			break;
		last = r->ahead_len == 0;
		if (r->len <= BLOCK_OVERHEAD || !block_unseal(r->key, r->chunk * 2 + (last ? 1 : 0),
		    r->now, r->len - BLOCK_OVERHEAD, r->clear))
			return changed(r, err);
		rc = take(r, r->clear, r->len - BLOCK_OVERHEAD, err);
		if (last)
			break;
		r->chunk++;
		r->now = r->ahead;
		r->ahead = swap;
		r->len = r->ahead_len;
	}
	if (rc == RC_OK && (r->pages < 0 ||
	    r->taken != sizeof r->prefix + (uint64_t)r->pages * BLOCK_SIZE))
		return changed(r, err);
	return rc;
}

static enum rc
open_keys(const struct reading *r, struct vault_backup_source from, struct keyslots *slots,
    struct secret **master, struct error *err)
{
	enum rc rc = keyslots_parse(keys_of(r), r->keys_len, slots);

	*master = NULL;
	if (rc == RC_NEWER)
		return error_set(err, rc, r->path, "use the newer program",
		    "the backup was written by a newer program");
	if (rc != RC_OK)
		return changed(r, err);
	rc = from.by_code ? keyslots_open_recovery(slots, from.key, master) :
	    keyslots_open_passphrase(slots, from.key, master);
	if (rc == RC_AUTH)
		return error_set(err, rc, r->path, "use the one from the day of the backup",
		    from.by_code ? "this is not the recovery code of the backup" :
		    "this is not the passphrase of the backup");
	if (rc == RC_OK && keyslots_check(keys_of(r), r->keys_len, *master) != RC_OK) {
		secret_free(*master);
		*master = NULL;
		return changed(r, err);
	}
	return rc;
}

/* Is every byte of the backup what was written?  Gives its keys. */
static enum rc
examine(struct vault_backup_source from, struct keyslots *slots, struct secret **master,
    struct error *err)
{
	struct reading r;
	enum rc rc;

	*master = NULL;
	if ((rc = begin(&r, from.path, NULL, err)) == RC_OK &&
	    (rc = open_keys(&r, from, slots, master, err)) == RC_OK) {
		reading_reset(&r);
		if ((rc = begin(&r, from.path, *master, err)) == RC_OK)
			rc = read_all(&r, err);
	}
	reading_reset(&r);
	return rc;
}

/* The database first, checked as a whole; with the key file the vault is there. */
static enum rc
put_back(struct vault *v, const char *path, struct error *err)
{
	struct vault_bench bench = { NULL, NULL };
	struct reading r;
	int rc_sqlite;
	enum rc rc;

	if ((rc = begin(&r, path, v->master, err)) != RC_OK ||
	    (rc = vault_make_vfs(v, VAULT_DB_NAME, bench, err)) != RC_OK)
		goto out;
	rc_sqlite = vault_vfs_open_database(v->vfs, true, &r.to);
	rc = vault_db_rc(NULL, rc_sqlite, "make the database", err);
	if (rc == RC_OK && (rc = read_all(&r, err)) == RC_OK)
		rc = vault_db_rc(NULL, r.to->pMethods->xSync(r.to, SQLITE_SYNC_FULL),
		    "sync the database", err);
	rc_sqlite = vault_vfs_close_database(r.to);
	if (rc == RC_OK)
		rc = vault_db_rc(NULL, rc_sqlite, "close the database", err);
	if (rc == RC_OK && (rc = files_sync_dir(v->dir, err)) == RC_OK &&
	    (rc = vault_db_open(v->vfs, false, NULL, &v->db, err)) == RC_OK &&
	    (rc = vault_db_verify(v->db, err)) == RC_OK)
		rc = key_file_put_back(v->dir, keys_of(&r), r.keys_len, err);
out:
	reading_reset(&r);
	return rc;
}

enum rc
vault_backup_restore(const char *dir, struct vault_backup_source from, struct error *err)
{
	struct secret *master = NULL;
	struct keyslots slots;
	struct vault *v = NULL;
	bool begun = false;
	enum rc rc;

	if (vault_exists(dir))
		return error_set(err, RC_EXISTS, dir, "give another folder with --home",
		    "there is a vault already");
	if ((rc = vault_start()) != RC_OK || (rc = examine(from, &slots, &master, err)) != RC_OK)
		goto out;
	if ((rc = files_make_dir(dir, err)) != RC_OK || (rc = vault_hold_folder(dir, &v, err)) != RC_OK ||
	    (rc = vault_make_place(dir, err)) != RC_OK)
		goto out;
	begun = true;
	v->slots = slots;
	v->master = master;
	master = NULL;
	if ((rc = put_back(v, from.path, err)) == RC_OK) {
		vault_made(dir);
		begun = false;
	}
out:
	if (begun)
		vault_unmake(v);
	else
		vault_close(v);
	secret_free(master);
	return rc;
}
