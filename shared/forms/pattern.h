#ifndef SHARED_FORMS_PATTERN_H
#define SHARED_FORMS_PATTERN_H

/*
 * pattern: the regular expressions of regex() in forms.  A pattern must match
 * the whole text, as ODK Collect does it.  Text is compared by code point, the
 * time is bounded by (length of text) * (states of pattern) and never
 * exponential, and no library of the platform is asked, so that a form means
 * the same on every machine.
 *
 * Grammar: literals; . (any character); [abc] [a-z] [^...]; \d \w \s (ASCII),
 * and \D \W \S outside brackets; a backslash before any punctuation mark; ( )
 * and (?: ); |; * + ? {m} {m,} {m,n}; ^ and $.  No back references, no
 * look-around.
 */
#include <stdbool.h>
#include <stddef.h>

#include "shared/base/rc.h"

enum {
	PATTERN_LENGTH_MAX = 512,	/* bytes of a pattern */
	PATTERN_STATES_MAX = 4096,	/* after {m,n} is written out */
	PATTERN_REPEAT_MAX = 1000,	/* m and n */
	PATTERN_TEXT_MAX = 4096		/* characters; a longer text does not match */
};

struct pattern;

/* RC_FORMAT: not in the grammar above, *why says what.  RC_LIMIT, RC_NOMEM. */
enum rc pattern_compile(const char *s, size_t len, struct pattern **out,
    const char **why) RC_CHECK;
void pattern_free(struct pattern *p);

/* Does the whole of text match?  text is clean UTF-8.  RC_NOMEM. */
enum rc pattern_match(const struct pattern *p, const char *text, bool *out) RC_CHECK;

#endif
