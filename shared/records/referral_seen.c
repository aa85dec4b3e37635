#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "shared/records/referral_parts.h"

/* What a text answer holds, less room for the two ids before it. */
enum { SEEN_MAX = FORM_TEXT_MAX - 2 * DOT_TEXT_MAX };

enum rc
referral_seen_write(const struct register_state *s, struct bytes *out)
{
	const struct register_dot *d = s->dots;

	for (size_t i = 0, k; i < s->n_dots; i = k) {
		for (k = i + 1; k < s->n_dots && d[k].dot.log == d[i].dot.log &&
		    d[k].dot.n == d[k - 1].dot.n + 1; k++)
			;
		bytes_printf(out, "%s%016" PRIx64 ".%" PRIu64, out->len > 0 ? " " : "",
		    d[i].dot.log, d[i].dot.n);
		if (k > i + 1)
			bytes_printf(out, "-%" PRIu64, d[k - 1].dot.n);
	}
	/* rather none than half: then nothing can be called late */
	if (out->len > SEEN_MAX)
		out->len = 0;
	return out->rc;
}

bool
referral_seen_has(const char *seen, const struct dot *dot)
{
	char *end;

	while (*seen != '\0') {
		uint64_t log = strtoull(seen, &end, 16), first, last;

		if (end == seen || *end != '.')
			return true;	/* not of this grammar: say nothing */
		first = last = strtoull(end + 1, &end, 10);
		if (*end == '-')
			last = strtoull(end + 1, &end, 10);
		if (log == dot->log && first <= dot->n && dot->n <= last)
			return true;
		if (*end != ' ' && *end != '\0')
			return true;
		seen = *end == ' ' ? end + 1 : end;
	}
	return false;
}
