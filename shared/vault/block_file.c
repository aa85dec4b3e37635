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
	POOL_BYTES = 256 * NONCE_BYTES,
	KEPT_BLOCKS = 16,		/* in clear, of a journal or a temporary file */
	/* Of a WAL, in clear: twice what lies between two checkpoints, for large transactions. */
	KEPT_WAL_BLOCKS = 2048,
	AHEAD_MAX = 64,			/* slots of zeroes */
	RUN_MAX = 8			/* slots in one write */
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

/* One block in clear; the last two bytes of data are the count that is sealed with it. */
struct block {
	int64_t no;		/* -1: none */
	bool dirty;		/* not yet below */
	uint8_t data[BLOCK_SLOT_TEXT];
};

struct block_file {
	sqlite3_file *below;
	struct block_key *key;
	struct block_file_options options;
	int64_t size;		/* logical */
	int64_t laid;		/* slots that there are below */
	struct block **kept;	/* block no at no % n_kept; each allocated when first needed */
	size_t n_kept;
	int64_t dirty_from, dirty_to;	/* no block outside of these is dirty */
	uint8_t sealed[RUN_MAX * BLOCK_SLOT];
};

static const uint8_t ZEROES[RUN_MAX * BLOCK_SLOT];

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
	int slot = f->options.slot, rc;

	b->no = -1;
	b->dirty = false;
	rc = f->below->pMethods->xRead(f->below, f->sealed, slot, no * slot);
	if (rc != SQLITE_OK && rc != SQLITE_IOERR_SHORT_READ)
		return rc;
	if (!block_unseal(f->key, (uint64_t)no, f->sealed, BLOCK_SLOT_TEXT, b->data)) {
		/* A slot that was skipped over is a hole, and holes read as zeroes. */
		if (!f->options.zeroes && !all_zero(f->sealed, (size_t)slot))
			return SQLITE_IOERR_DATA;
		memset(b->data, 0, sizeof b->data);
		b->data[BLOCK_SIZE + 1] = BLOCK_SIZE >> 8;
	}
	b->no = no;
	return SQLITE_OK;
}

/*
 * Slots of zeroes behind the last one, as many as there are before it: a file that
 * need not grow is synced at half the cost.  A disk too full for them has room for the
 * slot all the same.
 */
static int
lay_ahead(struct block_file *f)
{
	int64_t slot = f->options.slot, at = f->laid;
	int64_t end = at + (at < AHEAD_MAX ? at : AHEAD_MAX);
	int rc = SQLITE_OK;

	for (; at < end && rc == SQLITE_OK; at += RUN_MAX) {
		int64_t n = end - at < RUN_MAX ? end - at : RUN_MAX;

		rc = f->below->pMethods->xWrite(f->below, ZEROES, (int)(n * slot), at * slot);
	}
	if (rc == SQLITE_OK) {
		f->laid = end;
	} else if (rc == SQLITE_FULL) {
		f->options.ahead = false;
		rc = f->below->pMethods->xTruncate(f->below, f->laid * slot);
	}
	return rc;
}

/* The block if it is kept and dirty, else NULL. */
static struct block *
dirty_block(const struct block_file *f, int64_t no)
{
	struct block *b = f->kept[(size_t)no % f->n_kept];

	return b != NULL && b->no == no && b->dirty ? b : NULL;
}

static void
seal_block(struct block_file *f, struct block *b, uint8_t *slot)
{
	int used = used_of(f, b->no);

	b->data[BLOCK_SIZE] = (uint8_t)(used & 255);
	b->data[BLOCK_SIZE + 1] = (uint8_t)(used >> 8);
	block_seal(f->key, (uint64_t)b->no, b->data, BLOCK_SLOT_TEXT, slot);
	memset(slot + BLOCK_SLOT_TEXT + BLOCK_OVERHEAD, 0,
	    (size_t)f->options.slot - BLOCK_SLOT_TEXT - BLOCK_OVERHEAD);
}

/* Write a dirty block, and with it the dirty ones right behind it. */
static int
store(struct block_file *f, int64_t no)
{
	int slot = f->options.slot, n = 0, rc;
	struct block *b;

	while (n < RUN_MAX && (b = dirty_block(f, no + n)) != NULL)
		seal_block(f, b, f->sealed + n++ * slot);
	rc = f->below->pMethods->xWrite(f->below, f->sealed, n * slot, no * slot);
	if (rc != SQLITE_OK)
		return rc;
	for (int i = 0; i < n; i++)
		f->kept[(size_t)(no + i) % f->n_kept]->dirty = false;
	if (no + n <= f->laid)
		return SQLITE_OK;
	f->laid = no + n;
	return f->options.ahead ? lay_ahead(f) : SQLITE_OK;
}

int
block_file_flush(struct block_file *f)
{
	int rc;

	for (; f->dirty_from < f->dirty_to; f->dirty_from++) {
		if (dirty_block(f, f->dirty_from) != NULL && (rc = store(f, f->dirty_from)) != SQLITE_OK)
			return rc;
	}
	return SQLITE_OK;
}

static void
mark_dirty(struct block_file *f, struct block *b)
{
	bool none = f->dirty_from >= f->dirty_to;

	b->dirty = true;
	if (none || b->no < f->dirty_from)
		f->dirty_from = b->no;
	if (none || b->no >= f->dirty_to)
		f->dirty_to = b->no + 1;
}

/* The place where a block is kept; what stood there before is written if need be. */
static int
place(struct block_file *f, int64_t no, struct block **out)
{
	struct block **at = &f->kept[(size_t)no % f->n_kept];
	int rc;

	*out = NULL;
	if (*at == NULL) {
		if ((*at = malloc(sizeof **at)) == NULL)
			return SQLITE_NOMEM;
		(*at)->no = -1;
		(*at)->dirty = false;
	}
	if ((*at)->no != no && (*at)->dirty && (rc = store(f, (*at)->no)) != SQLITE_OK)
		return rc;
	*out = *at;
	return SQLITE_OK;
}

/* The block for reading: kept, or from the disk. */
static int
look(struct block_file *f, int64_t no, struct block **out)
{
	int rc = place(f, no, out);

	return rc != SQLITE_OK || (*out)->no == no ? rc : load(f, no, *out);
}

int
block_file_new(struct block_key *key, sqlite3_file *below, struct block_file_options options,
    struct block_file **out)
{
	struct block_file *f;
	struct block *last;
	sqlite3_int64 below_size = 0;
	int rc = SQLITE_NOMEM;

	*out = NULL;
	if ((f = calloc(1, sizeof *f)) == NULL)
		return SQLITE_NOMEM;
	f->below = below;
	f->key = key;
	f->options = options;
	if (options.slot == 0)
		f->options.slot = BLOCK_SLOT;
	f->n_kept = options.kept > 0 ? (size_t)options.kept :
	    options.ahead ? KEPT_WAL_BLOCKS : KEPT_BLOCKS;
	if ((f->kept = calloc(f->n_kept, sizeof *f->kept)) == NULL ||
	    (rc = below->pMethods->xFileSize(below, &below_size)) != SQLITE_OK)
		goto out;
	f->laid = (below_size + f->options.slot - 1) / f->options.slot;
	f->size = f->laid * BLOCK_SIZE;
	if (f->laid > 0) {
		if ((rc = look(f, f->laid - 1, &last)) != SQLITE_OK)
			goto out;
		f->size += last->data[BLOCK_SIZE] + (last->data[BLOCK_SIZE + 1] << 8) - BLOCK_SIZE;
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
	for (size_t i = 0; f->kept != NULL && i < f->n_kept; i++) {
		if (f->kept[i] != NULL)
			secret_wipe(f->kept[i], sizeof **f->kept);
		free(f->kept[i]);
	}
	free(f->kept);
	secret_wipe(f, sizeof *f);
	free(f);
}

int64_t
block_file_size(const struct block_file *f)
{
	return f->size;
}

int
block_file_read(struct block_file *f, void *buf, int n, int64_t offset)
{
	uint8_t *out = buf;
	struct block *b;
	int rc;

	while (n > 0 && offset < f->size) {
		int64_t no = offset / BLOCK_SIZE;
		int from = (int)(offset % BLOCK_SIZE);
		int take = used_of(f, no) - from;

		if (take > n)
			take = n;
		if ((rc = look(f, no, &b)) != SQLITE_OK)
			return rc;
		memcpy(out, b->data + from, (size_t)take);
		out += take;
		offset += take;
		n -= take;
	}
	if (n == 0)
		return SQLITE_OK;
	memset(out, 0, (size_t)n);
	return SQLITE_IOERR_SHORT_READ;
}

/* The block for writing, with its present contents unless all will be replaced. */
static int
take_up(struct block_file *f, int64_t no, bool whole, struct block **out)
{
	struct block *b;
	int rc = place(f, no, &b);

	*out = b;
	if (rc != SQLITE_OK || b->no == no)
		return rc;
	if (!whole && no * BLOCK_SIZE < f->size)
		return load(f, no, b);
	memset(b->data, 0, sizeof b->data);
	b->no = no;
	return SQLITE_OK;
}

int
block_file_write(struct block_file *f, const void *buf, int n, int64_t offset)
{
	const uint8_t *in = buf;
	struct block *b;
	int rc;

	while (n > 0) {
		int64_t no = offset / BLOCK_SIZE;
		int from = (int)(offset % BLOCK_SIZE);
		int take = BLOCK_SIZE - from < n ? BLOCK_SIZE - from : n;

		if ((rc = take_up(f, no, take == BLOCK_SIZE, &b)) != SQLITE_OK)
			return rc;
		memcpy(b->data + from, in, (size_t)take);
		mark_dirty(f, b);
		in += take;
		offset += take;
		n -= take;
		if (offset > f->size)
			f->size = offset;
	}
	return SQLITE_OK;
}

int
block_file_truncate(struct block_file *f, int64_t size)
{
	int64_t blocks = (size + BLOCK_SIZE - 1) / BLOCK_SIZE;
	int64_t slots = blocks < f->laid ? blocks : f->laid;
	int tail = (int)(size % BLOCK_SIZE);
	struct block *b = NULL;
	int rc;

	if (size >= f->size)
		return SQLITE_OK;
	/* whatever can fail comes first: what is held back is not lost by it */
	if ((tail > 0 && (rc = take_up(f, blocks - 1, false, &b)) != SQLITE_OK) ||
	    (rc = f->below->pMethods->xTruncate(f->below, slots * f->options.slot)) != SQLITE_OK)
		return rc;
	f->laid = slots;
	f->size = size;
	for (size_t i = 0; i < f->n_kept; i++) {
		if (f->kept[i] != NULL && f->kept[i]->no >= blocks) {
			f->kept[i]->no = -1;
			f->kept[i]->dirty = false;
		}
	}
	if (b != NULL) {
		memset(b->data + tail, 0, (size_t)(BLOCK_SIZE - tail));
		mark_dirty(f, b);
	}
	return SQLITE_OK;
}
