#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "shared/records/entry.h"

int
dot_compare(const struct dot *a, const struct dot *b)
{
	if (a->log != b->log)
		return a->log < b->log ? -1 : 1;
	if (a->n != b->n)
		return a->n < b->n ? -1 : 1;
	return 0;
}

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
dot_text(const struct dot *d, char *out)
{
	snprintf(out, DOT_TEXT_MAX, "%016" PRIx64 ".%" PRIu64, d->log, d->n);
}

void
address_text(const struct address *a, char *out)
{
	if (a->item == 0) {
		dot_text(&a->dot, out);
		return;
	}
	snprintf(out, DOT_TEXT_MAX, "%016" PRIx64 ".%" PRIu64 ".%" PRIu32,
	    a->dot.log, a->dot.n, a->item);
}

/* A number 1..max without leading zeroes; NULL if there is none, else what follows it. */
static const char *
parse_number(const char *s, uint64_t max, uint64_t *out)
{
	uint64_t v = 0;

	if (*s < '1' || *s > '9')
		return NULL;
	for (; *s >= '0' && *s <= '9'; s++) {
		uint64_t digit = (uint64_t)(*s - '0');

		if (v > (max - digit) / 10)
			return NULL;
		v = v * 10 + digit;
	}
	*out = v;
	return s;
}

/* What follows "log.n", or NULL. */
static const char *
parse_dot(const char *s, struct dot *out)
{
	uint64_t log = 0;

	for (int i = 0; i < 16; i++, s++) {
		if (*s >= '0' && *s <= '9')
			log = log << 4 | (uint64_t)(*s - '0');
		else if (*s >= 'a' && *s <= 'f')
			log = log << 4 | (uint64_t)(*s - 'a' + 10);
		else
			return NULL;
	}
	if (log == 0 || *s != '.')
		return NULL;
	out->log = log;
	return parse_number(s + 1, INT64_MAX, &out->n);
}

bool
dot_parse(const char *s, struct dot *out)
{
	struct dot d = { 0, 0 };

	memset(out, 0, sizeof(*out));
	if ((s = parse_dot(s, &d)) == NULL || *s != '\0')
		return false;
	*out = d;
	return true;
}

bool
address_parse(const char *s, struct address *out)
{
	struct address a = { { 0, 0 }, 0 };
	uint64_t item = 0;

	memset(out, 0, sizeof(*out));
	if ((s = parse_dot(s, &a.dot)) == NULL)
		return false;
	if (*s == '.') {
		if ((s = parse_number(s + 1, ENTRY_ITEMS_MAX, &item)) == NULL)
			return false;
		a.item = (uint32_t)item;
	}
	if (*s != '\0')
		return false;
	*out = a;
	return true;
}
