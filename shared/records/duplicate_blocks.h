#ifndef SHARED_RECORDS_DUPLICATE_BLOCKS_H
#define SHARED_RECORDS_DUPLICATE_BLOCKS_H

/*
 * duplicate_blocks: which pairs of persons are worth comparing.  Two records of one person
 * nearly always share one of: telephone, papers, day of birth (day and month in either order),
 * all words of the name as they sound, two words of the name and the year of birth or a
 * commune.  Persons who share one stand in a block; pairs of a block are handed on, some of them
 * several times.
 *
 * Memory: one list of keys at a time, at most DUPLICATE_KEYS_MAX for a person.  Time: a block of
 * more than DUPLICATE_BLOCK_MAX is parted by commune, then by year; what is larger even
 * then (a telephone of a whole shelter, the name of half a village) is left to the other keys.
 */
#include <stddef.h>
#include <stdint.h>

#include "shared/base/rc.h"
#include "shared/records/duplicate_score.h"

enum { DUPLICATE_BLOCK_MAX = 200, DUPLICATE_KEYS_MAX = 30 };

typedef enum rc duplicate_each_pair(void *ctx, const struct duplicate_person *a,
    const struct duplicate_person *b);

/* a stands before b in the list. */
enum rc duplicate_blocks_each(const struct duplicate_person *persons, size_t n,
    const struct duplicate_scale *scale, duplicate_each_pair *each, void *ctx) RC_CHECK;

/* Fill `phones` of each person. */
enum rc duplicate_blocks_count_phones(struct duplicate_person *persons, size_t n) RC_CHECK;

#endif
