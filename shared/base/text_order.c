/* The order of text.h: text_compare and text_compare_names. */
#include <stdint.h>
#include <string.h>

#include "shared/base/text.h"
#include "shared/base/text_parts.h"

enum { NOT_UTF8 = 0x110000 };	/* where single bytes that are not UTF-8 sort */

/* Reads a text as decomposed, case folded code points, one at a time. */
struct scan {
	const char *s;
	size_t len;
	size_t pos;
	int32_t part[TEXT_PARTS_MAX];
	size_t n;
	size_t next;
	bool upper;	/* the code point that the parts came from */
	int32_t before;	/* the letter before, in this syllable; 0: none */
};

/* One letter of a syllable, as it sorts. */
struct letter {
	uint32_t weight;
	unsigned tone;
	bool upper;
	bool y;		/* sorts as the i that it sounds like */
};

static void
scan_init(struct scan *scan, const char *s)
{
	memset(scan, 0, sizeof(*scan));
	scan->s = s;
	scan->len = strlen(s);
}

/* The next part, not yet taken; -1 at the end. */
static int32_t
scan_peek(struct scan *scan)
{
	size_t used;
	int32_t c;

	if (scan->next < scan->n)
		return scan->part[scan->next];
	if (scan->pos >= scan->len)
		return -1;
	c = text_parts_code_point(scan->s + scan->pos, scan->len - scan->pos, &used);
	scan->next = 0;
	scan->n = 1;
	scan->upper = c >= 0 && text_parts_is_upper(c);
	if (c < 0)
		scan->part[0] = NOT_UTF8 + (unsigned char)scan->s[scan->pos];
	else
		scan->n = text_parts_decompose(c, scan->part);
	scan->pos += used;
	return scan->part[0];
}

/* không dấu, huyền, hỏi, ngã, sắc, nặng (U+0340, U+0341 decompose to these); else 0 */
static unsigned
tone_of(int32_t mark)
{
	switch (mark) {
	case 0x0300:
		return 1;
	case 0x0309:
		return 2;
	case 0x0303:
		return 3;
	case 0x0301:
		return 4;
	case 0x0323:
		return 5;
	default:
		return 0;
	}
}

/*
 * Places between one plain Latin letter and the next: 0 the letter itself, 1
 * and 2 the Vietnamese letters made from it (ă â, ê, ô ơ, ư), 7 all others.
 */
static uint32_t
place_of(int32_t base, int32_t mark)
{
	if (mark == 0x0306 && base == 'a')
		return 1;
	if (mark == 0x0302 && base == 'a')
		return 2;
	if (mark == 0x0302 && (base == 'e' || base == 'o'))
		return 1;
	if (mark == 0x031B)
		return base == 'o' ? 2 : base == 'u' ? 1 : 7;
	return 7;
}

/* Does the syllable go on with it? */
static bool
is_inside(int32_t c)
{
	return c >= NOT_UTF8 || (c >= 0 && text_parts_is_word(c));
}

/* The next letter with its marks; false at the end of the syllable. */
static bool
scan_letter(struct scan *scan, struct letter *out)
{
	int32_t base = scan_peek(scan), mark;

	memset(out, 0, sizeof(*out));
	if (!is_inside(base))
		return false;
	out->upper = scan->upper;
	scan->next++;
	out->weight = (uint32_t)base * 8;
	if (text_parts_is_d(base))
		out->weight = 'd' * 8 + 1;
	while ((mark = scan_peek(scan)) >= TEXT_PARTS_MARK_FIRST && mark <= TEXT_PARTS_MARK_LAST) {
		if (tone_of(mark) != 0)
			out->tone = out->tone * 6 % 1296 + tone_of(mark);
		else
			out->weight = (uint32_t)base * 8 + place_of(base, mark);
		scan->next++;
	}
	if (base == 'y' && out->weight == 'y' * 8 && !is_inside(mark) &&
	    text_parts_y_is_i(scan->before)) {
		out->weight = 'i' * 8;
		out->y = true;
	}
	scan->before = text_parts_is_d(base) ? 'd' : base;
	return true;
}

/* Step to the next syllable; false when there is none. */
static bool
scan_syllable(struct scan *scan)
{
	int32_t c;

	scan->before = 0;
	while ((c = scan_peek(scan)) >= 0) {
		if (is_inside(c))
			return true;
		scan->next++;
	}
	return false;
}

static int
order(uint64_t a, uint64_t b)
{
	return (a > b) - (a < b);
}

/*
 * One syllable of each: letters first, then tones.  A tone belongs to the
 * syllable and not to a letter, so hoà and hòa are equal.
 */
static int
compare_syllable(struct scan *a, struct scan *b, int *by_case)
{
	struct letter la, lb;
	uint64_t tones_a = 0, tones_b = 0;

	for (;;) {
		bool more_a = scan_letter(a, &la), more_b = scan_letter(b, &lb);

		if (!more_a || !more_b) {
			if (more_a != more_b)
				return more_a ? 1 : -1;
			return order(tones_a, tones_b);
		}
		if (la.weight != lb.weight)
			return order(la.weight, lb.weight);
		if (la.tone != 0)
			tones_a = tones_a * 1296 + la.tone;
		if (lb.tone != 0)
			tones_b = tones_b * 1296 + lb.tone;
		if (*by_case == 0)
			*by_case = la.upper != lb.upper ? order(la.upper, lb.upper) : order(la.y, lb.y);
	}
}

static int
compare(const char *a, const char *b, int *by_case)
{
	struct scan sa, sb;
	int d;

	scan_init(&sa, a);
	scan_init(&sb, b);
	for (;;) {
		bool more_a = scan_syllable(&sa), more_b = scan_syllable(&sb);

		if (!more_a || !more_b)
			return order(more_a, more_b);
		if ((d = compare_syllable(&sa, &sb, by_case)) != 0)
			return d;
	}
}

int
text_compare(const char *a, const char *b)
{
	int by_case = 0, d = compare(a, b, &by_case);

	return d != 0 ? d : by_case;
}

/* Where the last syllable begins. */
static const char *
last_syllable(const char *s)
{
	size_t len = strlen(s), used, last = 0;
	bool inside = false;

	for (size_t i = 0; i < len; i += used) {
		int32_t c = text_parts_code_point(s + i, len - i, &used);
		bool word = c < 0 || text_parts_is_word(c);

		if (word && !inside)
			last = i;
		inside = word;
	}
	return s + last;
}

int
text_compare_names(const char *a, const char *b)
{
	int ignored = 0;
	int d = compare(last_syllable(a), last_syllable(b), &ignored);

	return d != 0 ? d : text_compare(a, b);
}
