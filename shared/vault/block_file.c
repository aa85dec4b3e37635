#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <sodium.h>
#include <sqlite3.h>

#include "shared/vault/block_file.h"
#include "shared/vault/secret.h"

enum {
	NONCE_BYTES = 24,
	TAG_BYTES = 16,
	AD_BYTES = BLOCK_ID_BYTES + 8,
	POOL_BYTES = 256 * NONCE_BYTES
};

_Static_assert(NONCE_BYTES == crypto_aead_xchacha20poly1305_ietf_NPUBBYTES, "nonce");
_Static_assert(TAG_BYTES == crypto_aead_xchacha20poly1305_ietf_ABYTES, "tag");
_Static_assert(NONCE_BYTES + TAG_BYTES == BLOCK_OVERHEAD, "overhead");

struct block_key {
	struct secret *key;
	uint8_t id[BLOCK_ID_BYTES];
	size_t pool_left;
	pid_t pool_owner;
	uint8_t pool[POOL_BYTES];
};

/* One block in clear; the last two bytes are the count that is sealed with it. */
struct block {
	int64_t no;		/* -1: none */
	bool dirty;
	uint8_t data[BLOCK_SLOT_TEXT];
};

struct block_file {
	sqlite3_file *below;
	struct block_key *key;
	bool zeroes;
	int slot;
	int64_t size;		/* logical */
	struct block held;	/* the block that is being written */
	struct block seen;	/* the block that was read last */
	uint8_t sealed[BLOCK_SLOT];
};

static enum rc
key_alloc(struct block_key **out)
{
	struct block_key *k;
	enum rc rc;

	*out = NULL;
	if ((k = calloc(1, sizeof *k)) == NULL)
		return RC_NOMEM;
	if ((rc = secret_new(SECRET_KEY_BYTES, &k->key)) != RC_OK) {
		free(k);
		return rc;
	}
	*out = k;
	return RC_OK;
}

enum rc
block_key_new(const struct secret *files_key, const uint8_t vault_id[BLOCK_ID_BYTES],
    enum block_kind kind, struct block_key **out)
{
	static const char label[] = "field-file-1";
	uint8_t input[sizeof label - 1 + BLOCK_ID_BYTES + 1], both[SECRET_KEY_BYTES + BLOCK_ID_BYTES];
	enum rc rc;

	if ((rc = key_alloc(out)) != RC_OK)
		return rc;
	memcpy(input, label, sizeof label - 1);
	memcpy(input + sizeof label - 1, vault_id, BLOCK_ID_BYTES);
	input[sizeof input - 1] = (uint8_t)kind;
	crypto_generichash(both, sizeof both, input, sizeof input,
	    secret_bytes(files_key), secret_len(files_key));
	memcpy(secret_data((*out)->key), both, SECRET_KEY_BYTES);
	memcpy((*out)->id, both + SECRET_KEY_BYTES, BLOCK_ID_BYTES);
	secret_wipe(both, sizeof both);
	return RC_OK;
}

enum rc
block_key_random(struct block_key **out)
{
	enum rc rc = key_alloc(out);

	if (rc == RC_OK) {
		secret_random_bytes(secret_data((*out)->key), SECRET_KEY_BYTES);
		secret_random_bytes((*out)->id, sizeof (*out)->id);
	}
	return rc;
}

void
block_key_free(struct block_key *key)
{
	if (key == NULL)
		return;
	secret_free(key->key);
	free(key);
}

/* One call of the system's generator fills many; a forked twin must not share them. */
static void
next_nonce(struct block_key *k, uint8_t out[NONCE_BYTES])
{
	pid_t me = getpid();

	if (k->pool_left == 0 || k->pool_owner != me) {
		secret_random_bytes(k->pool, sizeof k->pool);
		k->pool_left = sizeof k->pool;
		k->pool_owner = me;
	}
	k->pool_left -= NONCE_BYTES;
	memcpy(out, k->pool + k->pool_left, NONCE_BYTES);
}

static void
associated_data(const struct block_key *k, uint64_t position, uint8_t out[AD_BYTES])
{
	memcpy(out, k->id, BLOCK_ID_BYTES);
	for (int i = 0; i < 8; i++)
		out[BLOCK_ID_BYTES + i] = (uint8_t)(position >> (8 * i));
}

void
block_seal(struct block_key *key, uint64_t position, const uint8_t *in, size_t len,
    uint8_t *out)
{
	uint8_t ad[AD_BYTES];

	associated_data(key, position, ad);
	next_nonce(key, out + len);
	crypto_aead_xchacha20poly1305_ietf_encrypt_detached(out, out + len + NONCE_BYTES, NULL,
	    in, len, ad, sizeof ad, NULL, out + len, secret_bytes(key->key));
}

bool
block_unseal(const struct block_key *key, uint64_t position, const uint8_t *in, size_t len,
    uint8_t *out)
{
	uint8_t ad[AD_BYTES];

	associated_data(key, position, ad);
	return crypto_aead_xchacha20poly1305_ietf_decrypt_detached(out, NULL, in, len,
	    in + len + NONCE_BYTES, ad, sizeof ad, in + len, secret_bytes(key->key)) == 0;
}

static bool
all_zero(const uint8_t *p, size_t len)
{
	return sodium_is_zero(p, len) == 1;
}

/* Bytes of a block that are in use: all of it, but for the last block. */
static int
used_of(const struct block_file *f, int64_t no)
{
	int64_t rest = f->size - no * BLOCK_SIZE;

	return rest >= BLOCK_SIZE ? BLOCK_SIZE : (int)rest;
}

/* Read a slot that lies within the file. */
static int
load(struct block_file *f, int64_t no, struct block *b)
{
	int rc;

	b->no = -1;
	b->dirty = false;
	rc = f->below->pMethods->xRead(f->below, f->sealed, f->slot, no * f->slot);
	if (rc != SQLITE_OK && rc != SQLITE_IOERR_SHORT_READ)
		return rc;
	if (!block_unseal(f->key, (uint64_t)no, f->sealed, BLOCK_SLOT_TEXT, b->data)) {
		/* A slot that was skipped over is a hole, and holes read as zeroes. */
		if (!f->zeroes && !all_zero(f->sealed, (size_t)f->slot))
			return SQLITE_IOERR_DATA;
		memset(b->data, 0, sizeof b->data);
		b->data[BLOCK_SIZE + 1] = BLOCK_SIZE >> 8;
	}
	b->no = no;
	return SQLITE_OK;
}

static int
store(struct block_file *f, struct block *b)
{
	int used = used_of(f, b->no), rc;

	b->data[BLOCK_SIZE] = (uint8_t)(used & 255);
	b->data[BLOCK_SIZE + 1] = (uint8_t)(used >> 8);
	memset(f->sealed, 0, sizeof f->sealed);
	block_seal(f->key, (uint64_t)b->no, b->data, BLOCK_SLOT_TEXT, f->sealed);
	rc = f->below->pMethods->xWrite(f->below, f->sealed, f->slot, b->no * f->slot);
	if (rc == SQLITE_OK)
		b->dirty = false;
	return rc;
}

int
block_file_flush(struct block_file *f)
{
	return f->held.dirty ? store(f, &f->held) : SQLITE_OK;
}

int
block_file_new(struct block_key *key, sqlite3_file *below, struct block_file_options options,
    struct block_file **out)
{
	struct block_file *f;
	sqlite3_int64 below_size = 0;
	int64_t n;
	int rc;

	*out = NULL;
	if ((f = calloc(1, sizeof *f)) == NULL)
		return SQLITE_NOMEM;
	f->below = below;
	f->key = key;
	f->zeroes = options.zeroes;
	f->slot = options.slot == 0 ? BLOCK_SLOT : options.slot;
	f->held.no = f->seen.no = -1;
	if ((rc = below->pMethods->xFileSize(below, &below_size)) != SQLITE_OK)
		goto out;
	n = (below_size + f->slot - 1) / f->slot;
	f->size = n * BLOCK_SIZE;
	if (n > 0) {
		if ((rc = load(f, n - 1, &f->seen)) != SQLITE_OK)
			goto out;
		f->size += f->seen.data[BLOCK_SIZE] + (f->seen.data[BLOCK_SIZE + 1] << 8) - BLOCK_SIZE;
	}
	*out = f;
	f = NULL;
out:
	block_file_free(f);
	return rc;
}

void
block_file_free(struct block_file *f)
{
	if (f == NULL)
		return;
	secret_wipe(f, sizeof *f);
	free(f);
}

int64_t
block_file_size(const struct block_file *f)
{
	return f->size;
}

/* The block for reading: held back, seen before, or from the disk. */
static int
look(struct block_file *f, int64_t no, const uint8_t **data)
{
	int rc = SQLITE_OK;

	if (f->held.no == no) {
		*data = f->held.data;
		return SQLITE_OK;
	}
	if (f->seen.no != no)
		rc = load(f, no, &f->seen);
	*data = f->seen.data;
	return rc;
}

int
block_file_read(struct block_file *f, void *buf, int n, int64_t offset)
{
	uint8_t *out = buf;
	const uint8_t *data;
	int rc;

	while (n > 0 && offset < f->size) {
		int64_t no = offset / BLOCK_SIZE;
		int from = (int)(offset % BLOCK_SIZE);
		int take = used_of(f, no) - from;

		if (take > n)
			take = n;
		if ((rc = look(f, no, &data)) != SQLITE_OK)
			return rc;
		memcpy(out, data + from, (size_t)take);
		out += take;
		offset += take;
		n -= take;
	}
	if (n == 0)
		return SQLITE_OK;
	memset(out, 0, (size_t)n);
	return SQLITE_IOERR_SHORT_READ;
}

/* Make a block the held one, with its present contents unless all will be replaced. */
static int
hold(struct block_file *f, int64_t no, bool whole)
{
	int rc;

	if (f->held.no == no)
		return SQLITE_OK;
	if ((rc = block_file_flush(f)) != SQLITE_OK)
		return rc;
	if (f->seen.no == no) {
		f->held = f->seen;
	} else if (whole || no * BLOCK_SIZE >= f->size) {
		memset(&f->held, 0, sizeof f->held);
	} else if ((rc = load(f, no, &f->held)) != SQLITE_OK) {
		return rc;
	}
	f->held.no = no;
	/* What was seen is stale from here on. */
	if (f->seen.no == no)
		f->seen.no = -1;
	return SQLITE_OK;
}

int
block_file_write(struct block_file *f, const void *buf, int n, int64_t offset)
{
	const uint8_t *in = buf;
	int rc;

	while (n > 0) {
		int64_t no = offset / BLOCK_SIZE;
		int from = (int)(offset % BLOCK_SIZE);
		int take = BLOCK_SIZE - from < n ? BLOCK_SIZE - from : n;

		if ((rc = hold(f, no, take == BLOCK_SIZE)) != SQLITE_OK)
			return rc;
		memcpy(f->held.data + from, in, (size_t)take);
		f->held.dirty = true;
		in += take;
		offset += take;
		n -= take;
		if (offset > f->size)
			f->size = offset;
		if (from + take == BLOCK_SIZE && (rc = block_file_flush(f)) != SQLITE_OK)
			return rc;
	}
	return SQLITE_OK;
}

int
block_file_truncate(struct block_file *f, int64_t size)
{
	int64_t blocks = (size + BLOCK_SIZE - 1) / BLOCK_SIZE;
	int64_t was = f->size;
	int tail = (int)(size % BLOCK_SIZE);
	int rc;

	if (size >= f->size)
		return SQLITE_OK;
	if (f->seen.no >= blocks)
		f->seen.no = -1;
	if (f->held.no >= blocks) {
		f->held.no = -1;
		f->held.dirty = false;
	}
	if (tail > 0) {
		if ((rc = hold(f, blocks - 1, false)) != SQLITE_OK)
			return rc;
		memset(f->held.data + tail, 0, (size_t)(BLOCK_SIZE - tail));
		f->held.dirty = true;
	}
	f->size = size;
	rc = f->below->pMethods->xTruncate(f->below, blocks * f->slot);
	if (rc != SQLITE_OK)
		f->size = was;
	return rc;
}
