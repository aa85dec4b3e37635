#include "shared/base/text.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <utf8proc.h>

#include "shared/base/bytes.h"
#include "shared/base/text_parts.h"

enum {
	NAME_MAX_LEN = 63,
	VIETNAMESE_FIRST = 0x1EA0,	/* Ạ … ỹ */
	VIETNAMESE_LAST = 0x1EF9
};

/* One code point at s; -1 when it is not UTF-8, and then *used is 1. */
int32_t
text_parts_code_point(const char *s, size_t len, size_t *used)
{
	utf8proc_int32_t c = (unsigned char)s[0];
	utf8proc_ssize_t n;

	if (c < TEXT_PARTS_ASCII) {
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
	return c >= TEXT_PARTS_MARK_FIRST && utf8proc_get_property(c)->combining_class != 0;
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
		int32_t c = text_parts_code_point(s + i, len - i, &used);

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
		int32_t c = text_parts_code_point(s + i, len - i, &used);

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
		int32_t c = text_parts_code_point(s + i, len - i, &used);

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
		int32_t c = text_parts_code_point(s + i, len - i, &used);

		if (c >= TEXT_PARTS_MARK_FIRST && (c < VIETNAMESE_FIRST || c > VIETNAMESE_LAST))
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

	if (c < TEXT_PARTS_ASCII)
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
		if (is_blank(text_parts_code_point(s + i, *to - i, &used)))
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
bool
text_parts_is_d(int32_t folded)
{
	return folded == 0x0111 || folded == 0x00F0 || folded == 0x0256;
}

/* What holds a word together: letters, marks and numbers of any script. */
bool
text_parts_is_word(int32_t c)
{
	if (c < TEXT_PARTS_ASCII)
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
size_t
text_parts_decompose(int32_t c, int32_t out[TEXT_PARTS_MAX])
{
	int boundary = 0;
	utf8proc_ssize_t n;

	n = utf8proc_decompose_char(c, out, TEXT_PARTS_MAX,
	    UTF8PROC_DECOMPOSE | UTF8PROC_CASEFOLD, &boundary);
	if (n > 0 && n <= TEXT_PARTS_MAX)
		return (size_t)n;
	out[0] = c;
	return 1;
}

bool
text_parts_y_is_i(int32_t before)
{
	return before >= 'a' && before <= 'z' && strchr("aeiouy", before) == NULL;
}

bool
text_parts_is_upper(int32_t c)
{
	return utf8proc_tolower(c) != c;
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
	if (b->len < 2 || b->data == NULL || b->data[b->len - 1] != 'y')
		return;
	if (text_parts_y_is_i(b->data[b->len - 2]))
		b->data[b->len - 1] = 'i';
}

static void
fold_code_point(struct bytes *b, int32_t c)
{
	int32_t part[TEXT_PARTS_MAX];
	size_t n;

	if (c >= TEXT_PARTS_ASCII && utf8proc_category(c) == UTF8PROC_CATEGORY_CF)
		return;
	if (!text_parts_is_word(c)) {
		end_syllable(b);
		if (b->len > 0 && b->data != NULL && b->data[b->len - 1] != ' ')
			bytes_u8(b, ' ');
		return;
	}
	if (c < TEXT_PARTS_ASCII) {
		bytes_u8(b, (uint8_t)(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c));
		return;
	}
	n = text_parts_decompose(c, part);
	for (size_t i = 0; i < n; i++) {
		if (part[i] >= TEXT_PARTS_MARK_FIRST && part[i] <= TEXT_PARTS_MARK_LAST)
			continue;
		put_code_point(b, text_parts_is_d(part[i]) ? 'd' : part[i]);
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
		int32_t c = text_parts_code_point(s + i, len - i, &used);

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

enum rc
text_initials(const char *name, char **out)
{
	size_t len = strlen(name), used;
	struct bytes b;
	bool inside = false;
	enum rc rc;

	*out = NULL;
	bytes_init(&b);
	for (size_t i = 0; i < len; i += used) {
		int32_t c = text_parts_code_point(name + i, len - i, &used);
		bool word = c >= 0 && text_parts_is_word(c);

		if (word && !inside) {
			bytes_put(&b, name + i, used);
			bytes_u8(&b, '.');
		}
		inside = word;
	}
	bytes_u8(&b, 0);
	if ((rc = b.rc) == RC_OK)
		*out = (char *)b.data;
	else
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
		int32_t c = text_parts_code_point(s + i, len - i, &used);
		int columns = c < 0 ? 1 : utf8proc_charwidth(c);

		width += columns > 0 ? (size_t)columns : 0;
	}
	return width;
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
