#include <stdlib.h>
#include <string.h>

#include <sqlite3.h>

#include "shared/vault/block_file.h"
#include "shared/vault/secret.h"
#include "shared/vault/wal_check.h"

/* sqlite.org/fileformat2.html, section 4: the write-ahead log. */
enum {
	WAL_HEADER = 32,
	FRAME_HEADER = 24,
	FRAME = FRAME_HEADER + BLOCK_SIZE,
	DAMAGED_AT = 2		/* commit frames in an unbroken run behind a bad place */
};

#define WAL_MAGIC 0x377f0682u	/* the lowest bit: checksums over big-endian words */

struct frame {
	uint32_t page, commit;	/* commit: pages of the database, 0: not the last frame */
	uint8_t salts[8];
	uint32_t sum[2];
	uint8_t raw[FRAME];
};

struct walk {
	struct block_file *wal;
	bool big_endian;
	struct frame now, before;
};

static uint32_t
load32(const uint8_t *p)
{
	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static uint32_t
word(const uint8_t *p, bool big_endian)
{
	return big_endian ? load32(p) :
	    (uint32_t)p[3] << 24 | (uint32_t)p[2] << 16 | (uint32_t)p[1] << 8 | p[0];
}

static void
checksum(bool big_endian, const uint8_t *p, size_t len, uint32_t sum[2])
{
	for (size_t i = 0; i + 8 <= len; i += 8) {
		sum[0] += word(p + i, big_endian) + sum[1];
		sum[1] += word(p + i + 4, big_endian) + sum[0];
	}
}

/* Does the frame's checksum follow from the one before it? */
static bool
follows(const struct walk *w, const uint32_t before[2])
{
	uint32_t sum[2] = { before[0], before[1] };

	checksum(w->big_endian, w->now.raw, 8, sum);
	checksum(w->big_endian, w->now.raw + FRAME_HEADER, BLOCK_SIZE, sum);
	return sum[0] == w->now.sum[0] && sum[1] == w->now.sum[1];
}

static int
read_frame(struct walk *w, int64_t i)
{
	struct frame *f = &w->now;
	int rc = block_file_read(w->wal, f->raw, FRAME, WAL_HEADER + i * FRAME);

	f->page = load32(f->raw);
	f->commit = load32(f->raw + 4);
	memcpy(f->salts, f->raw + 8, sizeof f->salts);
	f->sum[0] = load32(f->raw + 16);
	f->sum[1] = load32(f->raw + 20);
	return rc;
}

/* Frames as recovery takes them; *salts are those of the header. */
static int
walk_sound(struct walk *w, const uint8_t *header, struct wal_check *out)
{
	uint32_t sum[2] = { 0, 0 };
	int rc;

	checksum(w->big_endian, header, 24, sum);
	if ((load32(header) & ~1u) != WAL_MAGIC || sum[0] != load32(header + 24) ||
	    sum[1] != load32(header + 28))
		return SQLITE_OK;
	for (; out->sound < out->frames; out->sound++) {
		if ((rc = read_frame(w, out->sound)) != SQLITE_OK)
			return rc;
		if (memcmp(w->now.salts, header + 16, sizeof w->now.salts) != 0 ||
		    w->now.page == 0 || !follows(w, sum))
			break;
		memcpy(sum, w->now.sum, sizeof sum);
	}
	return SQLITE_OK;
}

/*
 * The commit frame that SQLite repeats to fill a block.  Its end lies behind the sync and is
 * written only when that has succeeded; but what was rolled back before may have left
 * the same bytes there, and then the repeat is whole.
 */
static bool
is_repeat(const struct walk *w)
{
	return w->now.page == w->before.page && w->now.commit == w->before.commit &&
	    memcmp(w->now.raw + FRAME_HEADER, w->before.raw + FRAME_HEADER, BLOCK_SIZE) == 0;
}

/*
 * Behind the last sound frame: is there an unbroken run of several commits?
 * Frames of commits that failed may lie about, but they do not continue a run.
 */
static int
walk_behind(struct walk *w, struct wal_check *out)
{
	bool linked = false;
	int run = 0, rc;

	for (int64_t i = out->sound; i < out->frames; i++) {
		if ((rc = read_frame(w, i)) != SQLITE_OK)
			return rc;
		if (!linked || memcmp(w->before.salts, w->now.salts, sizeof w->now.salts) != 0 ||
		    !follows(w, w->before.sum))
			run = 0;
		linked = w->now.page != 0;
		if (linked && w->now.commit != 0 && !(run > 0 && is_repeat(w)))
			run++;
		if (run >= DAMAGED_AT) {
			out->damaged = true;
			return SQLITE_OK;
		}
		w->before = w->now;
	}
	return SQLITE_OK;
}

int
wal_check_run(struct block_file *wal, struct wal_check *out)
{
	uint8_t header[WAL_HEADER];
	int64_t size = block_file_size(wal);
	struct walk *w;
	int rc;

	memset(out, 0, sizeof *out);
	if (size < WAL_HEADER + FRAME)
		return SQLITE_OK;
	if ((w = calloc(1, sizeof *w)) == NULL)
		return SQLITE_NOMEM;
	w->wal = wal;
	out->frames = (size - WAL_HEADER) / FRAME;
	if ((rc = block_file_read(wal, header, WAL_HEADER, 0)) != SQLITE_OK)
		goto out;
	/* A header that is gone leaves the byte order open; every computer of ours has one. */
	w->big_endian = load32(header) == (WAL_MAGIC | 1u);
	if ((rc = walk_sound(w, header, out)) != SQLITE_OK)
		goto out;
	rc = walk_behind(w, out);
out:
	secret_wipe(w, sizeof *w);
	free(w);
	return rc;
}
