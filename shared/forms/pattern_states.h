#ifndef SHARED_FORMS_PATTERN_STATES_H
#define SHARED_FORMS_PATTERN_STATES_H

/* pattern_states: what pattern.c (reading), pattern_build.c and pattern_match.c share. */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "shared/base/rc.h"

enum kind {
	K_RANGE,	/* one character in ranges[a .. a + b), or outside if negated */
	K_ANY,
	K_EMPTY,
	K_BEGIN,
	K_END,
	K_CONCAT,
	K_EITHER,
	K_STAR,
	K_PLUS,
	K_MAYBE,
	K_SPLIT,	/* states only */
	K_MATCH		/* states only */
};

enum { RANGES_MAX = 1024, NO_STATE = 0xFFFF };

struct range {
	uint32_t lo;
	uint32_t hi;
};

struct token {
	uint8_t kind;
	bool negated;
	uint16_t a;
	uint16_t b;
};

struct state {
	struct token t;
	uint16_t next;
	uint16_t other;
};

struct pattern {
	struct state *states;
	size_t n_states;
	uint16_t start;
	struct range ranges[RANGES_MAX];
	size_t n_ranges;
};

/* Make the states of a pattern whose ranges stand, from n tokens in postfix.  RC_NOMEM. */
enum rc pattern_build(struct pattern *p, const struct token *tokens, size_t n) RC_CHECK;

/* One code point of well-formed UTF-8 at *pos; bytes that are not pass alone. */
uint32_t pattern_next_char(const char *s, size_t len, size_t *pos);

#endif
