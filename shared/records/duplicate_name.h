#ifndef SHARED_RECORDS_DUPLICATE_NAME_H
#define SHARED_RECORDS_DUPLICATE_NAME_H

/*
 * duplicate_name: names of persons as numbers, so that a hundred thousand of them compare
 * quickly.  A word of a name has a number for its folded form (text_fold: no tones, đ as d, Lý
 * as Lí), one for its marks (hoà and hòa have the same, hoa another), and one for how it
 * sounds in the mouths of the region (l and n, s and x, tr and ch, d, gi and r).
 * How much it says that two names share a word depends on how many have it here: "Thị" next
 * to nothing, "Slao" a lot.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "shared/base/rc.h"

enum {
	DUPLICATE_NAME_WORDS = 6,	/* of a longer name: the first and the last five */
	DUPLICATE_WORD_MAX = 24		/* bytes of a folded word that are compared */
};

struct duplicate_name {
	uint32_t word[DUPLICATE_NAME_WORDS];	/* from 1 */
	uint32_t marks[DUPLICATE_NAME_WORDS];
	uint8_t n;
	bool marked;		/* some word has marks: those without are meant to have none */
};

/* How alike two words are; greater is more. */
enum duplicate_likeness { DUPLICATE_UNLIKE, DUPLICATE_NEAR, DUPLICATE_SOUND, DUPLICATE_EQUAL };

struct duplicate_words;

enum rc duplicate_words_new(struct duplicate_words **out) RC_CHECK;
void duplicate_words_free(struct duplicate_words *w);
/* Words of clean text; counts: how often a word stands in a name is counted. */
enum rc duplicate_words_read(struct duplicate_words *w, const char *text, bool counts,
    struct duplicate_name *out) RC_CHECK;
/* Once all names are read: what each word says (in bits), among that many names. */
void duplicate_words_weigh(struct duplicate_words *w, size_t names);

double duplicate_words_weight(const struct duplicate_words *w, uint32_t word);
/* Number of how the word sounds: equal for words that are mistaken for each other. */
uint32_t duplicate_words_sound(const struct duplicate_words *w, uint32_t word);
enum duplicate_likeness duplicate_words_likeness(const struct duplicate_words *w, uint32_t a,
    uint32_t b);
/* "Thị", "Văn": left out as often as not. */
bool duplicate_words_is_padding(const struct duplicate_words *w, uint32_t word);

/* Are two short texts one letter apart (replaced, left out, or two exchanged)? */
bool duplicate_words_one_apart(const char *a, size_t a_len, const char *b, size_t b_len);

#endif
