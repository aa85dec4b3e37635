#include <stdlib.h>
#include <string.h>

#include <sodium.h>
#include <sqlite3.h>

#include "shared/vault/block_file.h"
#include "shared/vault/secret.h"

enum {
	SECTOR = 512,
	FOREIGN_AT = 8,			/* slots, all of them whole */
	KEPT_BLOCKS = 16,		/* in clear, of a journal or a temporary file */
	/* Of a WAL, in clear: twice what lies between two checkpoints, for large transactions. */
	KEPT_WAL_BLOCKS = 2048,
	AHEAD_MAX = 64,			/* slots of zeroes */
	RUN_MAX = 8			/* slots in one write */
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

/* Every sector of it was written, and what stands behind the tag is as it should be. */
static bool
was_written_whole(const uint8_t slot[BLOCK_SLOT])
{
	const int used = BLOCK_SLOT_TEXT + BLOCK_OVERHEAD;

	for (size_t at = 0; at < BLOCK_SLOT; at += SECTOR)
		if (all_zero(slot + at, SECTOR))
			return false;
	return all_zero(slot + used, (size_t)(BLOCK_SLOT - used));
}

int
block_file_is_foreign(struct block_file *f, bool *out)
{
	uint8_t clear[BLOCK_SLOT_TEXT];
	sqlite3_int64 size = 0;
	size_t whole = 0;
	bool strange = true;
	int rc = f->below->pMethods->xFileSize(f->below, &size);

	for (int64_t no = 0; rc == SQLITE_OK && strange && no < size / BLOCK_SLOT; no++) {
		rc = f->below->pMethods->xRead(f->below, f->sealed, BLOCK_SLOT, no * BLOCK_SLOT);
		if (rc != SQLITE_OK || all_zero(f->sealed, BLOCK_SLOT))
			continue;
		strange = was_written_whole(f->sealed) &&
		    !block_unseal(f->key, (uint64_t)no, f->sealed, BLOCK_SLOT_TEXT, clear);
		whole++;
	}
	secret_wipe(clear, sizeof clear);
	*out = rc == SQLITE_OK && strange && whole >= FOREIGN_AT;
	return rc;
}
