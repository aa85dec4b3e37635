#include <inttypes.h>
#include <stdio.h>
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

void
dot_text(const struct dot *d, char *out)
{
	snprintf(out, DOT_TEXT_MAX, "%016" PRIx64 ".%" PRIu64, d->log, d->n);
}

/* The whole string is a number 1..max without leading zeroes. */
static bool
parse_number(const char *s, uint64_t max, uint64_t *out)
{
	uint64_t v = 0;

	if (*s < '1' || *s > '9')
		return false;
	for (; *s >= '0' && *s <= '9'; s++) {
		uint64_t digit = (uint64_t)(*s - '0');

		if (v > (max - digit) / 10)
			return false;
		v = v * 10 + digit;
	}
	*out = v;
	return *s == '\0';
}

bool
dot_parse(const char *s, struct dot *out)
{
	uint64_t log = 0, n;

	memset(out, 0, sizeof(*out));
	for (int i = 0; i < 16; i++, s++) {
		if (*s >= '0' && *s <= '9')
			log = log << 4 | (uint64_t)(*s - '0');
		else if (*s >= 'a' && *s <= 'f')
			log = log << 4 | (uint64_t)(*s - 'a' + 10);
		else
			return false;
	}
	if (log == 0 || *s != '.' || !parse_number(s + 1, INT64_MAX, &n))
		return false;
	out->log = log;
	out->n = n;
	return true;
}
