#include <stdlib.h>
#include <string.h>

#include "tests/crash/crash_file.h"

enum { SECTORS = CRASH_CHUNK / CRASH_SECTOR, ALL_DIRTY = 255 };

static void *
need(void *p)
{
	if (p == NULL)
		abort();
	return p;
}

/* Chunks ---------------------------------------------------------------- */

static void
chunk_drop(struct crash_chunk **c)
{
	if (*c != NULL && --(*c)->refs == 0)
		free(*c);
	*c = NULL;
}

static void
chunk_share(struct crash_chunk **to, struct crash_chunk *from)
{
	if (from != NULL)
		from->refs++;
	chunk_drop(to);
	*to = from;
}

/* A chunk that nobody else looks at, to write to. */
static uint8_t *
chunk_own(struct crash_chunk **c)
{
	struct crash_chunk *mine;

	if (*c != NULL && (*c)->refs == 1) {
		(*c)->mark = 0;
		return (*c)->data;
	}
	mine = need(malloc(sizeof *mine));
	mine->refs = 1;
	mine->mark = 0;
	if (*c == NULL)
		memset(mine->data, 0, sizeof mine->data);
	else
		memcpy(mine->data, (*c)->data, sizeof mine->data);
	chunk_drop(c);
	*c = mine;
	return mine->data;
}

/* What lies past the end is gone: a file that grows again finds zeroes there. */
static void
chunks_clip(struct crash_chunk **chunks, size_t room, int64_t len)
{
	size_t first = (size_t)((len + CRASH_CHUNK - 1) / CRASH_CHUNK);
	size_t tail = (size_t)(len % CRASH_CHUNK);

	for (size_t i = first; i < room; i++)
		chunk_drop(&chunks[i]);
	if (tail > 0 && first <= room && chunks[first - 1] != NULL)
		memset(chunk_own(&chunks[first - 1]) + tail, 0, CRASH_CHUNK - tail);
}

/* Files ----------------------------------------------------------------- */

static void
file_grow(struct crash_file *f, int64_t len)
{
	size_t want = (size_t)((len + CRASH_CHUNK - 1) / CRASH_CHUNK);
	size_t room = f->room == 0 ? 8 : f->room;

	while (room < want)
		room *= 2;
	if (room == f->room)
		return;
	f->now = need(realloc(f->now, room * sizeof *f->now));
	f->safe = need(realloc(f->safe, room * sizeof *f->safe));
	f->dirty = need(realloc(f->dirty, room));
	f->touched = need(realloc(f->touched, room * sizeof *f->touched));
	memset(f->now + f->room, 0, (room - f->room) * sizeof *f->now);
	memset(f->safe + f->room, 0, (room - f->room) * sizeof *f->safe);
	memset(f->dirty + f->room, 0, room - f->room);
	f->room = room;
}

void
crash_file_reset(struct crash_file *f)
{
	for (size_t i = 0; i < f->room; i++) {
		chunk_drop(&f->now[i]);
		chunk_drop(&f->safe[i]);
	}
	free(f->now);
	free(f->safe);
	free(f->dirty);
	free(f->touched);
	memset(f, 0, sizeof *f);
}

void
crash_file_copy(const struct crash_file *from, struct crash_file *to)
{
	memset(to, 0, sizeof *to);
	if (from->room > 0) {
		file_grow(to, (int64_t)from->room * CRASH_CHUNK);
		for (size_t i = 0; i < from->room; i++) {
			chunk_share(&to->now[i], from->now[i]);
			chunk_share(&to->safe[i], from->safe[i]);
		}
		memcpy(to->dirty, from->dirty, from->room);
		memcpy(to->touched, from->touched, from->n_touched * sizeof *to->touched);
	}
	to->n_touched = from->n_touched;
	to->now_len = from->now_len;
	to->safe_len = from->safe_len;
	to->unnamed = from->unnamed;
}

/* Sectors from .. to (the last one, too) are written. */
static void
file_touch(struct crash_file *f, int64_t from, int64_t to)
{
	for (int64_t s = from / CRASH_SECTOR; s <= to / CRASH_SECTOR; s++) {
		size_t c = (size_t)(s / SECTORS);

		if (f->dirty[c] == 0)
			f->touched[f->n_touched++] = (uint32_t)c;
		f->dirty[c] = (uint8_t)(f->dirty[c] | 1u << s % SECTORS);
	}
}

void
crash_file_write(struct crash_file *f, const uint8_t *buf, int64_t len, int64_t offset)
{
	if (len == 0)
		return;
	file_grow(f, offset + len);
	if (offset > f->now_len)
		file_touch(f, f->now_len, offset - 1);
	file_touch(f, offset, offset + len - 1);
	if (offset + len > f->now_len)
		f->now_len = offset + len;
	while (len > 0) {
		int64_t from = offset % CRASH_CHUNK;
		int64_t take = CRASH_CHUNK - from < len ? CRASH_CHUNK - from : len;

		memcpy(chunk_own(&f->now[offset / CRASH_CHUNK]) + from, buf, (size_t)take);
		buf += take;
		offset += take;
		len -= take;
	}
}

void
crash_file_truncate(struct crash_file *f, int64_t size)
{
	file_grow(f, size);
	if (size < f->now_len)
		chunks_clip(f->now, f->room, size);
	f->now_len = size;
}

void
crash_file_sync(struct crash_file *f)
{
	for (size_t i = 0; i < f->n_touched; i++) {
		size_t c = f->touched[i];

		chunk_share(&f->safe[c], f->now[c]);
		f->dirty[c] = 0;
	}
	f->n_touched = 0;
	if (f->now_len < f->safe_len)
		chunks_clip(f->safe, f->room, f->now_len);
	f->safe_len = f->now_len;
}

/* How a cut treats the unsynced sectors of one file. */
enum mood { KEEP_ALL, DROP_ALL, SPOIL_ALL, MIX, TEAR, ALL_BUT_ONE, ONLY_ONE, FIRST_ONES, MOODS };
enum fate { KEEP, DROP, SPOIL };

struct choice {
	enum mood mood;
	uint64_t one;		/* of the dirty sectors, in order */
	uint64_t random;
};

static enum fate
fate_of(struct choice *c, uint64_t at)
{
	switch (c->mood) {
	case KEEP_ALL:
		return KEEP;
	case DROP_ALL:
		return DROP;
	case SPOIL_ALL:
		return SPOIL;
	case MIX:
		return (enum fate)(crash_random(&c->random) % 3);
	case TEAR:
		return crash_random(&c->random) % 2 == 0 ? KEEP : DROP;
	case ALL_BUT_ONE:
		return at != c->one ? KEEP : c->random % 2 == 0 ? DROP : SPOIL;
	case ONLY_ONE:
		return at != c->one ? DROP : c->random % 2 == 0 ? KEEP : SPOIL;
	case FIRST_ONES:
	case MOODS:
		break;
	}
	return at < c->one ? KEEP : at == c->one ? SPOIL : DROP;
}

static void
spoil(uint8_t *sector, uint64_t random)
{
	for (size_t i = 0; i < CRASH_SECTOR; i += sizeof random) {
		uint64_t word = crash_random(&random);

		memcpy(sector + i, &word, sizeof word);
	}
}

static int64_t
length_after(const struct crash_file *f, uint64_t random)
{
	int64_t grown = f->now_len - f->safe_len;

	switch (random % 4) {
	case 0:
		return f->safe_len;
	case 1:
		return grown <= 0 ? f->now_len :
		    f->safe_len + (int64_t)((random >> 8) % (uint64_t)(grown + 1));
	default:
		return f->now_len;
	}
}

static void
settle_chunk(struct crash_file *f, size_t c, struct choice *choice, uint64_t *at)
{
	enum fate fates[SECTORS];
	bool all = f->dirty[c] == ALL_DIRTY;

	for (unsigned s = 0; s < SECTORS; s++) {
		fates[s] = DROP;
		if ((f->dirty[c] >> s & 1) != 0)
			fates[s] = fate_of(choice, (*at)++);
		all = all && fates[s] == KEEP;
	}
	if (all) {
		chunk_share(&f->safe[c], f->now[c]);
		return;
	}
	for (unsigned s = 0; s < SECTORS; s++) {
		size_t from = (size_t)s * CRASH_SECTOR;

		if (fates[s] == KEEP && f->now[c] == NULL)
			memset(chunk_own(&f->safe[c]) + from, 0, CRASH_SECTOR);
		else if (fates[s] == KEEP)
			memcpy(chunk_own(&f->safe[c]) + from, f->now[c]->data + from, CRASH_SECTOR);
		else if (fates[s] == SPOIL)
			spoil(chunk_own(&f->safe[c]) + from, crash_random(&choice->random));
	}
}

void
crash_file_settle(struct crash_file *f, uint64_t fate)
{
	int64_t len = length_after(f, crash_random(&fate));
	struct choice choice = { (enum mood)(crash_random(&fate) % MOODS), 0, 0 };
	uint64_t at = 0, dirty = 0;

	choice.random = crash_random(&fate);
	for (size_t i = 0; i < f->n_touched; i++) {
		for (unsigned bits = f->dirty[f->touched[i]]; bits != 0; bits &= bits - 1)
			dirty++;
	}
	choice.one = dirty == 0 ? 0 : crash_random(&fate) % dirty;
	for (size_t i = 0; i < f->n_touched; i++)
		settle_chunk(f, f->touched[i], &choice, &at);
	chunks_clip(f->safe, f->room, len);
	/* what is now is what is safe: only where they may differ */
	for (size_t i = 0; i < f->room; i++) {
		if (f->now[i] != f->safe[i])
			chunk_share(&f->now[i], f->safe[i]);
	}
	for (size_t i = 0; i < f->n_touched; i++)
		f->dirty[f->touched[i]] = 0;
	f->n_touched = 0;
	f->now_len = f->safe_len = len;
}

int64_t
crash_file_read(const struct crash_file *f, uint8_t *out, int64_t len, int64_t offset)
{
	int64_t have = f->now_len - offset < len ? f->now_len - offset : len, done = 0;

	if (have < 0)
		have = 0;
	memset(out + have, 0, (size_t)(len - have));
	while (done < have) {
		const struct crash_chunk *c = f->now[(offset + done) / CRASH_CHUNK];
		int64_t from = (offset + done) % CRASH_CHUNK;
		int64_t take = CRASH_CHUNK - from < have - done ? CRASH_CHUNK - from : have - done;

		if (c == NULL)
			memset(out + done, 0, (size_t)take);
		else
			memcpy(out + done, c->data + from, (size_t)take);
		done += take;
	}
	return have;
}

void
crash_file_spoil(struct crash_file *f, int64_t sector, uint64_t fate)
{
	size_t c = (size_t)(sector / SECTORS);

	spoil(chunk_own(&f->now[c]) + sector % SECTORS * CRASH_SECTOR, fate);
	chunk_share(&f->safe[c], f->now[c]);
}

static bool
chunks_hold(struct crash_chunk *const *chunks, size_t room, const void *needle, size_t len)
{
	for (size_t i = 0; i < room; i++) {
		for (size_t at = 0; chunks[i] != NULL && at + len <= CRASH_CHUNK; at++) {
			if (memcmp(chunks[i]->data + at, needle, len) == 0)
				return true;
		}
	}
	return false;
}

bool
crash_file_holds(const struct crash_file *f, const void *needle, size_t len)
{
	return chunks_hold(f->now, f->room, needle, len) ||
	    chunks_hold(f->safe, f->room, needle, len);
}
