#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "shared/records/entry.h"

int
address_compare(const struct address *a, const struct address *b)
{
	int c = dot_compare(&a->dot, &b->dot);

	if (c != 0)
		return c;
	if (a->item != b->item)
		return a->item < b->item ? -1 : 1;
	return 0;
}

void
address_text(const struct address *a, char *out)
{
	size_t len;

	dot_text(&a->dot, out);
	len = strlen(out);
	if (a->item != 0)
		snprintf(out + len, DOT_TEXT_MAX - len, ".%" PRIu32, a->item);
}

/* 1..ENTRY_ITEMS_MAX, without leading zeroes; 0: it is none. */
static uint32_t
parse_item(const char *s)
{
	uint32_t v = 0;

	if (*s < '1' || *s > '9')
		return 0;
	for (; *s >= '0' && *s <= '9'; s++) {
		v = v * 10 + (uint32_t)(*s - '0');
		if (v > ENTRY_ITEMS_MAX)
			return 0;
	}
	return *s == '\0' ? v : 0;
}

bool
address_parse(const char *s, struct address *out)
{
	const char *first = strchr(s, '.');
	const char *second = first == NULL ? NULL : strchr(first + 1, '.');
	char dot[DOT_TEXT_MAX];

	memset(out, 0, sizeof(*out));
	if (second == NULL)
		return dot_parse(s, &out->dot);
	if ((size_t)(second - s) >= sizeof(dot))
		return false;
	memcpy(dot, s, (size_t)(second - s));
	dot[second - s] = '\0';
	if (!dot_parse(dot, &out->dot))
		return false;
	if ((out->item = parse_item(second + 1)) == 0)
		memset(out, 0, sizeof(*out));
	return out->item != 0;
}
