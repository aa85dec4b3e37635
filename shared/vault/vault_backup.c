#include "shared/vault/vault_backup.h"

#include <stdlib.h>
#include <string.h>

#include <sqlite3.h>

#include "shared/vault/digest.h"
#include "shared/vault/secret.h"
#include "shared/vault/vault.h"
#include "shared/vault/vault_backup_format.h"
#include "shared/vault/vault_db.h"
#include "shared/vault/vault_parts.h"

enum { PAGES_A_PIECE = 256, AUTOCHECKPOINT = 1000 };

struct vault_backup {
	struct vault *vault;
	struct block_key *key;
	sqlite3_file *file;
	int64_t pages, next;
	uint64_t chunk;		/* number of the one that is being filled */
	size_t filled;
	bool begun;
	uint8_t salt[VAULT_BACKUP_SALT_BYTES];
	uint8_t page[BLOCK_SIZE];
	uint8_t clear[VAULT_BACKUP_CHUNK];
};

/* The pages of a WAL that was emptied stand in the one file; it stays so without checkpoints. */
static enum rc
hold_still(struct vault_backup *b, struct error *err)
{
	sqlite3 *db = b->vault->db;
	sqlite3_int64 size = 0;
	enum rc rc;

	rc = vault_db_rc(db, sqlite3_wal_checkpoint_v2(db, "main", SQLITE_CHECKPOINT_TRUNCATE,
	    NULL, NULL), "empty the write-ahead log", err);
	if (rc == RC_OK)
		rc = vault_db_rc(db, sqlite3_file_control(db, "main", SQLITE_FCNTL_FILE_POINTER,
		    &b->file), "find the database's file", err);
	if (rc == RC_OK)
		rc = vault_db_rc(db, b->file->pMethods->xFileSize(b->file, &size),
		    "read the size of the database", err);
	b->pages = size / BLOCK_SIZE;
	sqlite3_wal_autocheckpoint(db, 0);
	b->vault->backing_up = true;
	return rc;
}

enum rc
vault_backup_begin(struct vault *v, struct vault_backup **out, struct error *err)
{
	struct vault_backup *b;
	struct secret *subkey = NULL;
	enum rc rc;

	*out = NULL;
	if (v->backing_up || sqlite3_get_autocommit(v->db) == 0)
		return error_set(err, RC_BUSY, v->dir, "wait until it is done",
		    "a backup is being written already");
	if ((b = calloc(1, sizeof *b)) == NULL)
		return RC_NOMEM;
	b->vault = v;
	secret_random_bytes(b->salt, sizeof b->salt);
	if ((rc = keyslots_subkey(v->master, VAULT_BACKUP, &subkey)) == RC_OK)
		rc = block_key_new(subkey, b->salt, BLOCK_BACKUP, &b->key);
	if (rc == RC_OK)
		rc = hold_still(b, err);
	secret_free(subkey);
	if (rc != RC_OK) {
		vault_backup_end(b);
		return rc;
	}
	*out = b;
	return RC_OK;
}

/* Seal what was filled; whether it is the last is part of the position. */
static void
seal_chunk(struct vault_backup *b, bool last, struct bytes *out)
{
	uint8_t *to = bytes_room(out, b->filled + BLOCK_OVERHEAD);

	if (to == NULL)
		return;
	block_seal(b->key, b->chunk * 2 + (last ? 1 : 0), b->clear, b->filled, to);
	out->len += b->filled + BLOCK_OVERHEAD;
	b->chunk++;
	b->filled = 0;
}

static void
put(struct vault_backup *b, const uint8_t *p, size_t len, struct bytes *out)
{
	while (len > 0) {
		size_t n;

		/* only now is it known that it is not the last */
		if (b->filled == sizeof b->clear)
			seal_chunk(b, false, out);
		n = sizeof b->clear - b->filled;
		n = n < len ? n : len;
		memcpy(b->clear + b->filled, p, n);
		b->filled += n;
		p += n;
		len -= n;
	}
}

static enum rc
begin_file(struct vault_backup *b, struct bytes *out)
{
	uint8_t prefix[VAULT_BACKUP_PREFIX_BYTES];
	struct bytes keys;
	size_t start = out->len;
	enum rc rc;

	bytes_init(&keys);
	if ((rc = keyslots_print(&b->vault->slots, b->vault->master, &keys)) != RC_OK)
		goto out;
	bytes_put(out, VAULT_BACKUP_MAGIC, VAULT_BACKUP_MAGIC_BYTES);
	bytes_u16(out, VAULT_BACKUP_VERSION);
	bytes_put(out, b->salt, sizeof b->salt);
	bytes_u16(out, (uint16_t)keys.len);
	bytes_put(out, keys.data, keys.len);
	if ((rc = out->rc) != RC_OK)
		goto out;
	digest_of(prefix, VAULT_BACKUP_DIGEST_BYTES, VAULT_BACKUP_LABEL, out->data + start,
	    out->len - start);
	bytes_store64(prefix + VAULT_BACKUP_DIGEST_BYTES, (uint64_t)b->pages);
	put(b, prefix, sizeof prefix, out);
	b->begun = true;
out:
	bytes_reset(&keys);
	return rc;
}

static enum rc
read_page(struct vault_backup *b, struct error *err)
{
	int rc;

	memset(b->page, 0, sizeof b->page);
	if (b->next == BLOCK_LOCK_PAGE)
		return RC_OK;
	rc = b->file->pMethods->xRead(b->file, b->page, BLOCK_SIZE, b->next * BLOCK_SIZE);
	if (rc == SQLITE_IOERR_DATA)
		return error_set(err, RC_DAMAGED, "vault.db", "run field verify",
		    "page %lld is not what was written: no backup was made", (long long)b->next + 1);
	return vault_db_rc(b->vault->db, rc, "read the database", err);
}

enum rc
vault_backup_next(struct vault_backup *b, struct bytes *out, bool *more, struct error *err)
{
	enum rc rc = b->begun ? RC_OK : begin_file(b, out);

	for (int i = 0; i < PAGES_A_PIECE && b->next < b->pages && rc == RC_OK; i++) {
		if ((rc = read_page(b, err)) == RC_OK)
			put(b, b->page, BLOCK_SIZE, out);
		b->next++;
	}
	*more = b->next < b->pages;
	if (rc == RC_OK && !*more)
		seal_chunk(b, true, out);
	return rc != RC_OK ? rc : out->rc;
}

void
vault_backup_end(struct vault_backup *b)
{
	if (b == NULL)
		return;
	if (b->vault->backing_up) {
		sqlite3_wal_autocheckpoint(b->vault->db, AUTOCHECKPOINT);
		b->vault->backing_up = false;
	}
	block_key_free(b->key);
	secret_wipe(b, sizeof *b);
	free(b);
}
