#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <sqlite3.h>

#include "shared/vault/secret.h"
#include "tests/crash/crash_pages.h"
#include "tests/crash/crash_story.h"

enum { LIVES = 6, NESTED_MAX = 3, NO_MARK = -1, DAMAGED_FATES = 2, FATE_DAMAGED = 1000, UNMARKED_LOSS = 2,
	EARLY = 6, LATE = 40 };

static void *
need(void *p)
{
	if (p == NULL)
		abort();
	return p;
}

unsigned
crash_story_pick(struct crash_story *s, unsigned n)
{
	return (unsigned)(crash_random(&s->random) % n);
}

struct crash_mark *
crash_story_mark(struct crash_story *s)
{
	struct crash_mark *m;

	if (s->n_marks == s->room) {
		s->room = s->room == 0 ? 64 : s->room * 2;
		s->marks = need(realloc(s->marks, s->room * sizeof *s->marks));
	}
	m = &s->marks[s->n_marks++];
	if (s->n_marks > 1)
		*m = m[-1];
	else
		memset(m, 0, sizeof *m);
	m->op = s->log.n;
	m->loose = false;
	return m;
}

struct crash_mark *
crash_story_mark_pages(struct crash_story *s)
{
	struct crash_mark *m = crash_story_mark(s);

	m->pages = crash_pages_seen(vault_db(s->vault));
	return m;
}

bool
crash_story_fail(char why[CRASH_WHY_MAX], const char *what, int code)
{
	snprintf(why, CRASH_WHY_MAX, "%s (%d)", what, code);
	return false;
}

/* The last mark that is reached when op operations are done. */
static size_t
mark_at(const struct crash_story *s, size_t op)
{
	size_t k = 0;

	while (k + 1 < s->n_marks && s->marks[k + 1].op <= op)
		k++;
	return k;
}

static int
mark_with(const struct crash_story *s, uint64_t pages)
{
	for (size_t i = s->n_marks; i-- > 0; ) {
		if (s->marks[i].pages == pages)
			return (int)i;
	}
	return NO_MARK;
}

bool
crash_story_begin(struct crash_story *s, char why[CRASH_WHY_MAX])
{
	int found = mark_with(s, crash_pages_seen(vault_db(s->vault)));

	if (found == NO_MARK)
		return crash_story_fail(why, "a life begins with what nobody saved", s->n_marks > 0);
	s->marks[0] = s->marks[found];
	s->marks[0].op = 0;
	s->n_marks = 1;
	return true;
}

static bool
was_good(const struct crash_story *s, uint64_t pages)
{
	for (size_t i = s->n_good; i-- > 0; ) {
		if (s->good[i] == pages)
			return true;
	}
	return false;
}

static void
remember_good(struct crash_story *s, uint64_t pages)
{
	if (was_good(s, pages))
		return;
	if (s->n_good == s->good_room) {
		s->good_room = s->good_room == 0 ? 256 : s->good_room * 2;
		s->good = need(realloc(s->good, s->good_room * sizeof *s->good));
	}
	s->good[s->n_good++] = pages;
}

/*
 * The pages must be those of mark k or k + 1.  All else that is asked of a state (its
 * structure, its rows, its fold) follows from its pages, so it is asked once a state,
 * and now and then again.
 */
static bool
judge_pages(struct crash_story *s, struct vault *v, struct crash_disk *disk, size_t k,
    uint64_t fate, char why[CRASH_WHY_MAX])
{
	bool last = k + 1 >= s->n_marks;
	struct crash_mark found = s->marks[k];
	uint64_t pages;
	int rc = crash_pages_stored(vault_db(v), disk, &pages);

	if (rc != SQLITE_OK) {
		snprintf(why, CRASH_WHY_MAX, "a page cannot be read (%d)", rc);
		return false;
	}
	if (pages != s->marks[k].pages && !last && pages == s->marks[k + 1].pages)
		found = s->marks[k + 1];
	if (pages != found.pages) {
		/* A commit that failed has no mark; it may be there, and whole. */
		if (s->marks[k].loose) {
			memset(found.digest, 0, sizeof found.digest);
			found.n = NO_MARK;
			return s->work->look(s, v, &found, why);
		}
		snprintf(why, CRASH_WHY_MAX, "the pages are not those of what was saved: they are %s",
		    mark_with(s, pages) == NO_MARK ? "those of nothing" :
		    mark_with(s, pages) < (int)k ? "older" : "newer");
		return false;
	}
	if (was_good(s, pages) && fate % 256 != 0)
		return true;
	if (!s->work->look(s, v, &found, why))
		return false;
	remember_good(s, pages);
	return true;
}

/* At which operation of an opening: most do few, and some empty a long WAL. */
static long
early_or_late(uint64_t random)
{
	return 1 + (long)((random >> 1) % (random % 2 == 0 ? EARLY : LATE));
}

/* Open what is left, perhaps with further cuts on the way.  Returns those that fell into it. */
static int
open_with_cuts(struct crash_story *s, struct crash_disk *img, size_t k, uint64_t fate,
    struct vault **out, bool *good, char why[CRASH_WHY_MAX])
{
	int nested = 0;

	for (;;) {
		bool cut = nested < NESTED_MAX && crash_random(&fate) % 4 == 0;

		crash_calls_use(img);
		if (cut)
			crash_disk_cut_in(img, early_or_late(crash_random(&fate)));
		*good = s->work->open(s, k, out, why);
		if (!crash_disk_is_off(img)) {
			crash_disk_cut_in(img, 0);
			return nested;
		}
		vault_close(*out);
		*out = NULL;
		nested++;
		crash_disk_settle(img, crash_random(&fate), !s->marks[k].bad_copy);
	}
}

struct cut {
	size_t op;
	long fate;
	uint64_t random;
};

static bool
judge(struct crash_story *s, struct crash_disk *img, struct cut cut, struct crash_report *r)
{
	struct vault *v = NULL;
	size_t k = mark_at(s, cut.op);
	bool good;
	int nested;

	crash_calls_seed(cut.random);
	nested = open_with_cuts(s, img, k, cut.random, &v, &good, r->why);
	r->cuts += nested + 1;
	r->nested += nested;
	if (good && v != NULL)
		good = judge_pages(s, v, img, k, cut.random >> 8, r->why);
	vault_close(v);
	if (good && s->work->ask != NULL)
		good = s->work->ask(s, img, k, cut.op, cut.random, r->why);
	if (!good) {
		r->bad = true;
		r->life = s->life;
		r->op = (long)cut.op;
		r->fate = cut.fate;
	}
	return good;
}

static struct cut
cut_of(const struct crash_story *s, size_t op, long fate)
{
	struct cut c = { op, fate, crash_mix(crash_mix(s->seed, s->life),
	    crash_mix(op, (uint64_t)fate)) };

	return c;
}

/* The disk as it is in the middle of operation op, without power, then settled. */
static struct crash_disk *
image_of(const struct crash_story *s, const struct crash_disk *before, struct cut cut)
{
	struct crash_disk *img = crash_disk_copy(before);
	const struct crash_op *op = cut.op < s->log.n ? &s->log.ops[cut.op] : NULL;

	if (op != NULL && op->kind != CRASH_SYNC && op->kind != CRASH_SYNC_FOLDER)
		crash_disk_apply(img, op);
	/* two faults at once are not promised: a bad copy and a folder that loses the other */
	crash_disk_settle(img, cut.random, !s->marks[mark_at(s, cut.op)].bad_copy);
	return img;
}

/* Transactions between two marks; what was done and changed nothing is none. */
static int
transactions(const struct crash_story *s, size_t from, size_t to)
{
	int n = 0;

	for (size_t i = from; i < to; i++)
		n += s->marks[i].pages != s->marks[i + 1].pages;
	return n;
}

/*
 * No cut, but a sector that went bad under the program.  It is noticed, or did not matter,
 * or cannot be told from a cut (architecture section 4): then at most the end is gone.
 * Not so for a WAL that was copied to the database and not yet emptied: its beginning over
 * what the database has of its end is a mixture.  in_database: that is so, or may be.
 */
static bool
judge_damage(struct crash_story *s, const struct crash_disk *at, struct cut cut,
    bool in_database, struct crash_report *r)
{
	const char *name = cut.random % 2 == 0 ? "vault.db" : "vault.db-wal";
	struct crash_disk *img = crash_disk_copy(at);
	int file = crash_disk_find(img, name), found, rc;
	size_t k = mark_at(s, cut.op);
	struct vault *v = NULL;
	int64_t sectors = file < 0 ? 0 : crash_disk_size(img, file) / CRASH_SECTOR;
	bool good = true, known = cut.random % 2 == 0 || (!in_database &&
	    (k >= UNMARKED_LOSS || s->life == 0));
	uint64_t pages;

	/* what was saved before this life has no marks */
	if (sectors > 0 && known) {
		crash_disk_spoil(img, file, (int64_t)((cut.random >> 8) % (uint64_t)sectors),
		    cut.random);
		crash_calls_use(img);
		if (s->work->open(s, k, &v, r->why) && v != NULL) {
			rc = crash_pages_stored(vault_db(v), img, &pages);
			found = mark_with(s, pages);
			good = rc != SQLITE_OK || (found != NO_MARK &&
			    transactions(s, (size_t)found, k) <= UNMARKED_LOSS);
			snprintf(r->why, sizeof r->why, "a bad sector of %s went by unnoticed", name);
		}
		vault_close(v);
		r->damaged++;
	}
	crash_disk_free(img);
	if (!good) {
		r->bad = true;
		r->life = s->life;
		r->op = (long)cut.op;
		r->fate = cut.fate;
	}
	return good;
}

/* May the database hold frames that are in the WAL, when this operation is done? */
static bool
copied(const struct crash_disk *d, const struct crash_op *op, bool before)
{
	if (op->kind == CRASH_WRITE && op->file == crash_disk_find(d, "vault.db"))
		return true;
	if (op->kind == CRASH_TRUNCATE && op->len == 0 &&
	    op->file == crash_disk_find(d, "vault.db-wal"))
		return false;
	return before;
}

static bool
damage_life(struct crash_story *s, const struct crash_disk *at, size_t k, bool in_database,
    const struct crash_order *order, struct crash_report *r)
{
	for (long f = 0; f < DAMAGED_FATES; f++) {
		long fate = FATE_DAMAGED + f + DAMAGED_FATES * (long)k;

		if (order->life >= 0 && ((unsigned)order->life != s->life || order->fate != fate))
			continue;
		if (!judge_damage(s, at, cut_of(s, s->marks[k].op, fate), in_database, r))
			return false;
	}
	return true;
}

/* Cut the life that was lived at every operation, or only there where it is asked for. */
static bool
cut_life(struct crash_story *s, struct crash_disk *base, const struct crash_order *order,
    struct crash_report *r)
{
	bool in_database = s->life > 0;
	size_t k = 0;

	for (size_t op = 0; op <= s->log.n; op++) {
		for (unsigned f = 0; f < s->work->fates; f++) {
			struct cut cut = cut_of(s, op, (long)f);
			struct crash_disk *img;
			bool good;

			if (order->life >= 0 && ((unsigned)order->life != s->life ||
			    order->op != (long)op || order->fate != (long)f))
				continue;
			img = image_of(s, base, cut);
			good = judge(s, img, cut, r);
			crash_disk_free(img);
			if (!good)
				return false;
		}
		for (; k < s->n_marks && s->marks[k].op <= op; k++) {
			if (s->work->damage && !damage_life(s, base, k, in_database, order, r))
				return false;
		}
		if (op < s->log.n) {
			in_database = copied(base, &s->log.ops[op], in_database);
			crash_disk_apply(base, &s->log.ops[op]);
		}
		if (order->life < 0 && r->cuts >= order->cuts)
			return true;
	}
	return true;
}

/* Where the next life begins: some place of this one, cut. */
static struct crash_disk *
next_base(struct crash_story *s, const struct crash_disk *start, size_t *k)
{
	struct crash_disk *at = crash_disk_copy(start), *img;
	struct cut cut = cut_of(s, crash_mix(s->seed, s->life) % (s->log.n + 1), 999);

	for (size_t i = 0; i < cut.op; i++)
		crash_disk_apply(at, &s->log.ops[i]);
	img = image_of(s, at, cut);
	crash_disk_free(at);
	*k = mark_at(s, cut.op);
	return img;
}

static void
end_life(struct crash_story *s)
{
	/* what closing writes is not part of the story */
	crash_disk_record(s->disk, NULL);
	crash_calls_use(s->disk);
	vault_close(s->vault);
	s->vault = NULL;
	crash_disk_free(s->disk);
	s->disk = NULL;
}

/* The first mark of a life is what the one before left, by what was found after opening. */
static void
begin_marks(struct crash_story *s, const struct crash_mark *left)
{
	s->n_marks = 0;
	crash_log_reset(&s->log);
	if (left != NULL) {
		*crash_story_mark(s) = *left;
		s->marks[0].op = 0;
		s->marks[0].loose = false;
	}
}

/* One life on *base; *base becomes that of the next one. */
static bool
one_life(struct crash_story *s, struct crash_disk **base, const struct crash_order *order,
    struct crash_report *r)
{
	struct crash_disk *start, *next;
	struct crash_mark left[2];
	size_t k;
	bool good;

	s->random = crash_mix(s->seed, s->life);
	crash_calls_seed(s->random);
	s->disk = crash_disk_copy(*base);
	crash_disk_record(s->disk, &s->log);
	crash_calls_use(s->disk);
	good = s->work->live(s, r->why);
	end_life(s);
	if (!good) {
		r->bad = true;
		r->life = s->life;
		r->op = r->fate = -1;
		return false;
	}
	start = crash_disk_copy(*base);
	next = next_base(s, start, &k);
	good = cut_life(s, *base, order, r);
	crash_disk_free(start);
	crash_disk_free(*base);
	*base = next;
	if (!good)
		return false;
	left[0] = s->marks[k];
	left[1] = s->marks[k + 1 < s->n_marks ? k + 1 : k];
	/* there may be a state without a mark, or no vault: a story cannot go on from there */
	if (left[0].loose || left[0].absent || left[1].wiped)
		s->life = LIVES;
	begin_marks(s, &left[0]);
	*crash_story_mark(s) = left[1];
	s->marks[1].op = 0;
	return true;
}

static void
one_story(const struct crash_order *order, uint64_t seed, struct crash_report *r)
{
	struct crash_story s = { .work = order->work, .seed = seed, .rules = order->rules,
		.calls = order->calls };
	struct crash_disk *base = crash_disk_new();
	bool good;

	if (secret_new(SECRET_KEY_BYTES, &s.master) != RC_OK)
		abort();
	memset(secret_data(s.master), (int)(seed & 255), SECRET_KEY_BYTES);
	s.random = seed;
	crash_calls_seed(seed);
	crash_calls_use(base);
	crash_calls_break((struct crash_calls_rules){ 0 });
	s.disk = base;
	if (!(good = s.work->make(&s, r->why))) {
		r->bad = true;
		r->op = r->fate = -1;
	}
	vault_close(s.vault);
	s.vault = NULL;
	s.disk = NULL;
	crash_calls_break(order->calls);
	for (; good && s.life < LIVES; s.life++) {
		good = one_life(&s, &base, order, r);
		if (order->life < 0 && r->cuts >= order->cuts)
			break;
	}
	r->stories++;
	r->states += (long)s.n_good;
	crash_disk_free(base);
	begin_marks(&s, NULL);
	free(s.marks);
	free(s.good);
	form_set_free(s.forms);
	secret_free(s.master);
}

void
crash_story_tell(const struct crash_order *order, uint64_t step, struct crash_report *out)
{
	struct timespec a, b;

	memset(out, 0, sizeof *out);
	clock_gettime(CLOCK_MONOTONIC, &a);
	for (out->seed = order->seed; ; out->seed += step) {
		one_story(order, out->seed, out);
		if (out->bad || order->life >= 0 || out->cuts >= order->cuts)
			break;
	}
	clock_gettime(CLOCK_MONOTONIC, &b);
	out->seconds = (double)(b.tv_sec - a.tv_sec) + (double)(b.tv_nsec - a.tv_nsec) / 1e9;
}
