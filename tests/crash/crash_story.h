#ifndef TESTS_CRASH_CRASH_STORY_H
#define TESTS_CRASH_CRASH_STORY_H

/*
 * crash_story: what happens to one vault: lives, each of which begins on what a cut left of
 * the one before.  A life is lived once, and written down: the operations of the disk,
 * and the marks between them, at which something was acknowledged.  Then it is cut at
 * every operation, by several fates, and what is left is opened and judged against the marks.
 *
 * A story follows from its seed; so does each cut from its place in the story.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "shared/forms/form.h"
#include "shared/vault/vault.h"
#include "shared/vault/vault_vfs_rules.h"
#include "tests/crash/crash_calls.h"
#include "tests/crash/crash_disk.h"

enum { CRASH_WHY_MAX = 400, CRASH_DIGEST_MAX = 32, CRASH_SLOT_BYTES = 32 };

/* What is acknowledged when `op` operations are done. */
struct crash_mark {
	size_t op;
	uint64_t pages;			/* crash_pages */
	int64_t n;			/* rows or entries */
	uint8_t digest[CRASH_DIGEST_MAX];	/* of the fold */
	bool loose;			/* a commit failed on the way to the next mark: may be there */
	/* the key file */
	unsigned passphrase;		/* the number of the one that opens; 0: no slots */
	uint8_t recovery[VAULT_RECOVERY_BYTES];
	bool absent;			/* no vault was promised yet */
	bool wiped;
	bool bad_copy;			/* one copy of the key file is bad already */
};

struct crash_story {
	const struct crash_work *work;
	uint64_t seed, random;
	unsigned life;
	struct vault_vfs_rules rules;
	struct crash_calls_rules calls;
	struct secret *master;
	struct form_set *forms;
	uint8_t slot[CRASH_SLOT_BYTES];	/* of the key file that was wiped */
	int slot_files[2];

	/* the life that is being lived, and then cut */
	struct crash_disk *disk;
	struct crash_log log;
	struct crash_mark *marks;
	size_t n_marks, room;
	struct vault *vault;

	/* states that were looked at closely, of the whole story */
	uint64_t *good;
	size_t n_good, good_room;
};

struct crash_work {
	const char *name;
	/* Make the vault on the disk, and the first mark; nothing is written down. */
	bool (*make)(struct crash_story *s, char why[CRASH_WHY_MAX]);
	/*
	 * Open the vault, work and mark; the vault may be left open in s->vault.  The marks at
	 * hand are those that the last life left.  false: it did not open or did not work.
	 */
	bool (*live)(struct crash_story *s, char why[CRASH_WHY_MAX]);
	/*
	 * Open what a cut left between marks k and k + 1 (if there is one).  *out NULL and true:
	 * rightly not there.  false: bad, unless the power went meanwhile.
	 */
	bool (*open)(struct crash_story *s, size_t k, struct vault **out, char why[CRASH_WHY_MAX]);
	/* Look closely at an open vault that should be as marked; may change it. */
	bool (*look)(struct crash_story *s, struct vault *v, const struct crash_mark *m,
	    char why[CRASH_WHY_MAX]);
	/* More to be asked of what a cut left; may be NULL.  Opened and closed before. */
	bool (*ask)(struct crash_story *s, struct crash_disk *disk, size_t k, size_t op,
	    uint64_t fate, char why[CRASH_WHY_MAX]);
	unsigned fates;			/* an operation */
	bool damage;			/* also let sectors go bad at the marks */
};

extern const struct crash_work CRASH_RECORDS, CRASH_TABLES, CRASH_KEYS, CRASH_REKEY;

/* Below n. */
unsigned crash_story_pick(struct crash_story *s, unsigned n);
/* A mark like the last one, here; what changed is then set. */
struct crash_mark *crash_story_mark(struct crash_story *s);
/* The same, with the pages as the open vault has them. */
struct crash_mark *crash_story_mark_pages(struct crash_story *s);

/*
 * After the opening of a life: which of the marks that the last one left is it?  That one is
 * then the first of this life.  false: none.
 */
bool crash_story_begin(struct crash_story *s, char why[CRASH_WHY_MAX]);
bool crash_story_fail(char why[CRASH_WHY_MAX], const char *what, int code);

struct crash_order {
	const struct crash_work *work;
	uint64_t seed;
	long cuts;			/* at least so many, if nothing is wrong */
	struct vault_vfs_rules rules;
	struct crash_calls_rules calls;
	/* only this cut; life -1: all */
	int life;
	long op, fate;
};

struct crash_report {
	long cuts, nested, damaged, stories, states;
	double seconds;
	bool bad;
	uint64_t seed;
	unsigned life;
	long op, fate;			/* where; op -1: while living */
	char why[CRASH_WHY_MAX];
};

/* Stories from the seed on (in steps of `step`) until there were enough cuts, or one was bad. */
void crash_story_tell(const struct crash_order *order, uint64_t step, struct crash_report *out);

#endif
