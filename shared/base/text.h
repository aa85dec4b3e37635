#ifndef SHARED_BASE_TEXT_H
#define SHARED_BASE_TEXT_H

/*
 * text: UTF-8, Unicode normal form C, the folded form for searching, and
 * Vietnamese order.  The only file that calls utf8proc.
 */
#include <stdbool.h>
#include <stddef.h>

#include "shared/base/rc.h"

enum { TEXT_MARKS_MAX = 30 };	/* combining marks in a row (UAX #15, stream-safe text) */

/*
 * Well-formed UTF-8 without NUL, without control characters other than tab
 * and line feed, without bidirectional overrides and zero-width characters
 * that hide what is written (U+200B..200F, 202A..202E, 2060..2069, FEFF),
 * and without more than TEXT_MARKS_MAX combining marks in a row.
 */
bool text_is_clean(const char *s, size_t len);

/*
 * Normal form C of clean text, CR LF folded to LF, outer blanks removed.
 * *out is a new string, free() it; NULL on failure.
 * RC_FORMAT: not clean UTF-8.  RC_NOMEM.
 */
enum rc text_normalise(const char *s, size_t len, char **out) RC_CHECK;

/*
 * Normal form C alone, nothing removed: for passphrases, whose blanks count.
 * RC_FORMAT: not UTF-8, a NUL, or too many marks in a row.  RC_NOMEM.
 */
enum rc text_nfc(const char *s, size_t len, char **out) RC_CHECK;

/*
 * The folded form under which text is found: lower case, no tone or vowel
 * marks, đ as d, runs of blanks and punctuation as one space, a final y after
 * a consonant as i (Lý = Lí).  "Đặng Thị Hòa" -> "dang thi hoa".
 * RC_FORMAT: not UTF-8.  RC_NOMEM.
 */
enum rc text_fold(const char *s, char **out) RC_CHECK;

/* Number of characters (code points) of clean text. */
size_t text_length(const char *s);

/* Columns of a terminal that it takes: wide characters count 2, marks 0. */
size_t text_width(const char *s);

/*
 * Vietnamese dictionary order (domain.md section 11): letters first, syllable by
 * syllable, then tones (none, huyền, hỏi, ngã, sắc, nặng), lower case before
 * upper.  Digits stand before letters, other scripts after; punctuation only
 * parts syllables.  0 also for two spellings of one word (hoà, hòa); Lí and Lý stand beside each
 * other, before all that follows, with i first.
 */
int text_compare(const char *a, const char *b);

/* Persons: by the last syllable (the given name), then the whole. */
int text_compare_names(const char *a, const char *b);

/* "Đặng Thị Hòa" -> "Đ.T.H.": what a list shows of a name.  *out: free() it.  RC_NOMEM. */
enum rc text_initials(const char *name, char **out) RC_CHECK;

/* ASCII only: identifiers of forms and fields, [a-z][a-z0-9_]*, at most 63. */
bool text_is_name(const char *s);

/* One clean line, in place: what text_is_clean refuses, tabs and line feeds become '?'. */
void text_one_line(char *s);

/* strdup, or NULL. */
char *text_dup(const char *s);

#endif
