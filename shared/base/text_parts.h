#ifndef SHARED_BASE_TEXT_PARTS_H
#define SHARED_BASE_TEXT_PARTS_H

/* text_parts: what text.c (cleaning, folding) and text_order.c (sorting) share. */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	TEXT_PARTS_MAX = 16,		/* the longest full decomposition is shorter */
	TEXT_PARTS_ASCII = 0x80,	/* below it a character is a byte, and no table is asked */
	TEXT_PARTS_MARK_FIRST = 0x0300,	/* the block of combining marks */
	TEXT_PARTS_MARK_LAST = 0x036F
};

/* One code point at s; -1 when it is not UTF-8, and then *used is 1. */
int32_t text_parts_code_point(const char *s, size_t len, size_t *used);
/* What holds a word together: letters, marks and numbers of any script. */
bool text_parts_is_word(int32_t c);
/* đ has no decomposition; Ð, ð and Ɖ look like it and are typed for it.  Of case folded ones. */
bool text_parts_is_d(int32_t folded);
bool text_parts_is_upper(int32_t c);
/* Is a y that ends a syllable spelt i behind this letter (0: none)?  Lower case, without marks. */
bool text_parts_y_is_i(int32_t before);
/* Case folded and canonically decomposed; returns how many, at least one. */
size_t text_parts_decompose(int32_t c, int32_t out[TEXT_PARTS_MAX]);

#endif
