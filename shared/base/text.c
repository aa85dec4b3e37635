#include "shared/base/text.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <utf8proc.h>

#include "shared/base/bytes.h"

enum {
	DECOMPOSED_MAX = 16,	/* the longest full decomposition is shorter */
	NAME_MAX_LEN = 63,
	ASCII_END = 0x80,	/* below it a character is a byte, and no table is asked what it is */
	MARK_FIRST = 0x0300,	/* the block of combining marks */
	MARK_LAST = 0x036F,
	VIETNAMESE_FIRST = 0x1EA0,	/* Ạ … ỹ */
	VIETNAMESE_LAST = 0x1EF9,
	NOT_UTF8 = 0x110000	/* where single bytes that are not UTF-8 sort */
};

/* One code point at s; -1 when it is not UTF-8, and then *used is 1. */
static int32_t
code_point(const char *s, size_t len, size_t *used)
{
	utf8proc_int32_t c = (unsigned char)s[0];
	utf8proc_ssize_t n;

	if (c < ASCII_END) {
		*used = 1;
		return c;
	}
	c = -1;
	n = utf8proc_iterate((const utf8proc_uint8_t *)s, (utf8proc_ssize_t)len, &c);
	*used = n > 0 ? (size_t)n : 1;
	return n > 0 ? c : -1;
}

/* Does canonical order move it? */
static bool
is_mark(int32_t c)
{
	return c >= MARK_FIRST && utf8proc_get_property(c)->combining_class != 0;
}

static bool
hides(int32_t c)
{
	return (c >= 0x200B && c <= 0x200F) || (c >= 0x202A && c <= 0x202E) ||
	    (c >= 0x2060 && c <= 0x2069) || c == 0xFEFF;
}

/*
 * Well-formed, without NUL, and never more than TEXT_MARKS_MAX marks in a row:
 * sorting them into canonical order takes time that grows with the square.
 */
static bool
is_bounded_utf8(const char *s, size_t len)
{
	size_t used, marks = 0;

	for (size_t i = 0; i < len; i += used) {
		int32_t c = code_point(s + i, len - i, &used);

		if (c <= 0)
			return false;
		marks = is_mark(c) ? marks + 1 : 0;
		if (marks > TEXT_MARKS_MAX)
			return false;
	}
	return true;
}

static bool
is_control(int32_t c)
{
	return c < 0x20 || (c >= 0x7F && c < 0xA0);
}

bool
text_is_clean(const char *s, size_t len)
{
	size_t used, marks = 0;

	for (size_t i = 0; i < len; i += used) {
		int32_t c = code_point(s + i, len - i, &used);

		if (c <= 0 || (is_control(c) && c != '\t' && c != '\n') || hides(c))
			return false;
		marks = is_mark(c) ? marks + 1 : 0;
		if (marks > TEXT_MARKS_MAX)
			return false;
	}
	return true;
}

void
text_one_line(char *s)
{
	size_t used, to = 0, len = strlen(s);

	for (size_t i = 0; i < len; i += used) {
		int32_t c = code_point(s + i, len - i, &used);

		if (is_control(c) || hides(c)) {
			s[to++] = '?';
		} else {
			memmove(s + to, s + i, used);
			to += used;
		}
	}
	s[to] = '\0';
}

/*
 * Is it in NFC for certain?  Below the combining marks, and among the letters that Vietnamese
 * has beyond Latin-1, nothing decomposes and no two of them compose (Unicode's NFC_Quick_Check).
 * Nearly all that is typed here is so, and normalising costs several times as much.
 */
static bool
is_composed(const char *s, size_t len)
{
	size_t used;

	for (size_t i = 0; i < len; i += used) {
		int32_t c = code_point(s + i, len - i, &used);

		if (c >= MARK_FIRST && (c < VIETNAMESE_FIRST || c > VIETNAMESE_LAST))
			return false;
	}
	return true;
}

/* Of what is_bounded_utf8 holds for. */
static enum rc
compose(const char *s, size_t len, char **out)
{
	utf8proc_uint8_t *mapped = NULL;
	utf8proc_ssize_t n;

	*out = NULL;
	if (len > SIZE_MAX / 16)
		return RC_NOMEM;
	if (is_composed(s, len)) {
		if ((*out = malloc(len + 1)) == NULL)
			return RC_NOMEM;
		memcpy(*out, s, len);
		(*out)[len] = '\0';
		return RC_OK;
	}
	n = utf8proc_map((const utf8proc_uint8_t *)s, (utf8proc_ssize_t)len, &mapped,
	    UTF8PROC_STABLE | UTF8PROC_COMPOSE);
	if (n < 0)
		return n == UTF8PROC_ERROR_INVALIDUTF8 ? RC_FORMAT : RC_NOMEM;
	*out = (char *)mapped;
	return RC_OK;
}

enum rc
text_nfc(const char *s, size_t len, char **out)
{
	*out = NULL;
	return is_bounded_utf8(s, len) ? compose(s, len, out) : RC_FORMAT;
}

/* Blanks of any script: tab, line feed and what Unicode calls a separator. */
static bool
is_blank(int32_t c)
{
	utf8proc_category_t category;

	if (c < ASCII_END)
		return c == ' ' || c == '\t' || c == '\n';
	category = utf8proc_category(c);
	return category == UTF8PROC_CATEGORY_ZS || category == UTF8PROC_CATEGORY_ZL ||
	    category == UTF8PROC_CATEGORY_ZP;
}

/* Narrow [*from, *to) of well-formed text to what stands between outer blanks. */
static void
trim(const char *s, size_t *from, size_t *to)
{
	size_t used, end = *from;
	bool started = false;

	for (size_t i = *from; i < *to; i += used) {
		if (is_blank(code_point(s + i, *to - i, &used)))
			continue;
		if (!started)
			*from = i;
		started = true;
		end = i + used;
	}
	if (!started)
		*from = end = *to;
	*to = end;
}

enum rc
text_normalise(const char *s, size_t len, char **out)
{
	char *plain;
	size_t from = 0, to = 0;
	enum rc rc = RC_FORMAT;

	*out = NULL;
	if ((plain = malloc(len + 1)) == NULL)
		return RC_NOMEM;
	plain[0] = '\0';
	for (size_t i = 0; i < len; i++)
		if (s[i] != '\r' || i + 1 == len || s[i + 1] != '\n')
			plain[to++] = s[i];
	if (text_is_clean(plain, to)) {
		trim(plain, &from, &to);
		rc = compose(plain + from, to - from, out);
	}
	free(plain);
	return rc;
}

/* đ has no decomposition; Ð, ð and Ɖ look like it and are typed for it. */
static bool
is_d_with_stroke(int32_t folded)
{
	return folded == 0x0111 || folded == 0x00F0 || folded == 0x0256;
}

/* What holds a word together: letters, marks and numbers of any script. */
static bool
is_word(int32_t c)
{
	if (c < ASCII_END)
		return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
	switch ((int)utf8proc_category(c)) {
	case UTF8PROC_CATEGORY_LU:
	case UTF8PROC_CATEGORY_LL:
	case UTF8PROC_CATEGORY_LT:
	case UTF8PROC_CATEGORY_LM:
	case UTF8PROC_CATEGORY_LO:
	case UTF8PROC_CATEGORY_MN:
	case UTF8PROC_CATEGORY_MC:
	case UTF8PROC_CATEGORY_ME:
	case UTF8PROC_CATEGORY_ND:
	case UTF8PROC_CATEGORY_NL:
	case UTF8PROC_CATEGORY_NO:
		return true;
	default:
		return false;
	}
}

/* Case folded and canonically decomposed; returns how many, at least one. */
static size_t
decompose(int32_t c, int32_t out[DECOMPOSED_MAX])
{
	int boundary = 0;
	utf8proc_ssize_t n;

	n = utf8proc_decompose_char(c, out, DECOMPOSED_MAX,
	    UTF8PROC_DECOMPOSE | UTF8PROC_CASEFOLD, &boundary);
	if (n > 0 && n <= DECOMPOSED_MAX)
		return (size_t)n;
	out[0] = c;
	return 1;
}

static void
put_code_point(struct bytes *b, int32_t c)
{
	utf8proc_uint8_t buf[4];
	utf8proc_ssize_t n = utf8proc_encode_char(c, buf);

	if (n > 0)
		bytes_put(b, buf, (size_t)n);
}

/* A syllable ends here: its final y after a consonant is spelt i. */
static void
end_syllable(struct bytes *b)
{
	uint8_t before;

	if (b->len < 2 || b->data == NULL || b->data[b->len - 1] != 'y')
		return;
	before = b->data[b->len - 2];
	if (before >= 'a' && before <= 'z' && strchr("aeiouy", before) == NULL)
		b->data[b->len - 1] = 'i';
}

static void
fold_code_point(struct bytes *b, int32_t c)
{
	int32_t part[DECOMPOSED_MAX];
	size_t n;

	if (c >= ASCII_END && utf8proc_category(c) == UTF8PROC_CATEGORY_CF)
		return;
	if (!is_word(c)) {
		end_syllable(b);
		if (b->len > 0 && b->data != NULL && b->data[b->len - 1] != ' ')
			bytes_u8(b, ' ');
		return;
	}
	if (c < ASCII_END) {
		bytes_u8(b, (uint8_t)(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c));
		return;
	}
	n = decompose(c, part);
	for (size_t i = 0; i < n; i++) {
		if (part[i] >= MARK_FIRST && part[i] <= MARK_LAST)
			continue;
		put_code_point(b, is_d_with_stroke(part[i]) ? 'd' : part[i]);
	}
}

enum rc
text_fold(const char *s, char **out)
{
	struct bytes b;
	size_t len = strlen(s), used;
	enum rc rc = RC_OK;

	*out = NULL;
	bytes_init(&b);
	for (size_t i = 0; i < len; i += used) {
		int32_t c = code_point(s + i, len - i, &used);

		if (c < 0) {
			rc = RC_FORMAT;
			goto out;
		}
		fold_code_point(&b, c);
	}
	end_syllable(&b);
	if (b.len > 0 && b.data != NULL && b.data[b.len - 1] == ' ')
		b.len--;
	bytes_u8(&b, 0);
	if ((rc = b.rc) != RC_OK)
		goto out;
	*out = (char *)b.data;
	return RC_OK;
out:
	bytes_reset(&b);
	return rc;
}

size_t
text_length(const char *s)
{
	size_t n = 0;

	for (; *s != '\0'; s++)
		if (((unsigned char)*s & 0xC0) != 0x80)
			n++;
	return n;
}

size_t
text_width(const char *s)
{
	size_t len = strlen(s), used, width = 0;

	for (size_t i = 0; i < len; i += used) {
		int32_t c = code_point(s + i, len - i, &used);
		int columns = c < 0 ? 1 : utf8proc_charwidth(c);

		width += columns > 0 ? (size_t)columns : 0;
	}
	return width;
}

/* Reads a text as decomposed, case folded code points, one at a time. */
struct scan {
	const char *s;
	size_t len;
	size_t pos;
	int32_t part[DECOMPOSED_MAX];
	size_t n;
	size_t next;
	bool upper;	/* the code point that the parts came from */
};

/* One letter of a syllable, as it sorts. */
struct letter {
	uint32_t weight;
	unsigned tone;
	bool upper;
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
	c = code_point(scan->s + scan->pos, scan->len - scan->pos, &used);
	scan->next = 0;
	scan->n = 1;
	scan->upper = c >= 0 && utf8proc_tolower(c) != c;
	if (c < 0)
		scan->part[0] = NOT_UTF8 + (unsigned char)scan->s[scan->pos];
	else
		scan->n = decompose(c, scan->part);
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

/* The next letter with its marks; false at the end of the syllable. */
static bool
scan_letter(struct scan *scan, struct letter *out)
{
	int32_t base = scan_peek(scan), mark;

	memset(out, 0, sizeof(*out));
	if (base < 0 || (base < NOT_UTF8 && !is_word(base)))
		return false;
	out->upper = scan->upper;
	scan->next++;
	out->weight = (uint32_t)base * 8;
	if (is_d_with_stroke(base))
		out->weight = 'd' * 8 + 1;
	while ((mark = scan_peek(scan)) >= MARK_FIRST && mark <= MARK_LAST) {
		if (tone_of(mark) != 0)
			out->tone = out->tone * 6 % 1296 + tone_of(mark);
		else
			out->weight = (uint32_t)base * 8 + place_of(base, mark);
		scan->next++;
	}
	return true;
}

/* Step to the next syllable; false when there is none. */
static bool
scan_syllable(struct scan *scan)
{
	int32_t c;

	while ((c = scan_peek(scan)) >= 0) {
		if (c >= NOT_UTF8 || is_word(c))
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
			*by_case = order(la.upper, lb.upper);
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
		int32_t c = code_point(s + i, len - i, &used);
		bool word = c < 0 || is_word(c);

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

bool
text_is_name(const char *s)
{
	size_t len = strlen(s);

	return len >= 1 && len <= NAME_MAX_LEN && s[0] >= 'a' && s[0] <= 'z' &&
	    strspn(s, "abcdefghijklmnopqrstuvwxyz0123456789_") == len;
}

char *
text_dup(const char *s)
{
	size_t size = strlen(s) + 1;
	char *copy = malloc(size);

	return copy == NULL ? NULL : memcpy(copy, s, size);
}
