#ifndef TESTS_SUPPORT_MARKERS_H
#define TESTS_SUPPORT_MARKERS_H

/*
 * markers: words and keys that must not be found, in whatever clothes.  A word is looked for as it
 * stands and in other case, in normal forms C and D, folded as the search folds, as UTF-16 of both
 * orders, base64 (all three phases, both alphabets), hexadecimal, percent-encoded and as JSON
 * writes it; a key in bytes, by halves too, and as base64 and hexadecimal.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { MARKERS_LONGEST = 4096 };	/* no needle is longer */

struct markers;

struct marker_hit {
	const char *word;	/* of the markers */
	const char *form;
	bool secret;
	size_t at;
};

/* These end the program when there is no memory, or a word is none. */
struct markers *markers_new(void);
void markers_free(struct markers *m);
void markers_add_word(struct markers *m, const char *word, bool secret);
void markers_add_key(struct markers *m, const char *hex);
size_t markers_count(const struct markers *m);

/* The first one at or behind `from`; secret_only passes over the others. */
bool markers_find(const struct markers *m, const uint8_t *p, size_t len, size_t from, bool secret_only,
    struct marker_hit *out);
/*
 * In what inflates: zlib and gzip at any offset, the parts of a zip archive, and raw deflate at
 * any offset if thorough.  out->at is where the packed bytes begin.
 */
bool markers_find_packed(struct markers *m, const uint8_t *p, size_t len, bool thorough, bool secret_only,
    struct marker_hit *out);

#endif
