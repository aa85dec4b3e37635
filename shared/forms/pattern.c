#include "shared/forms/pattern.h"

#include <stdlib.h>
#include <string.h>

#include "shared/forms/pattern_states.h"

/*
 * Reading: an operator-precedence parse into postfix, where each operand is a
 * contiguous run of tokens, so that x{2,4} is written out by copying a run.
 * pattern_build then makes states of the postfix.  Nothing recurses.
 */
enum { GROUPS_MAX = 64 };

/* One open group: where its operands begin. */
struct level {
	size_t alternatives;	/* finished ones before a | */
	size_t parts;		/* operands of the current alternative, 0 or 1 after joining */
	size_t last;		/* token where the last operand begins */
	size_t joined;		/* a concatenation is pending between two operands */
};

struct reading {
	struct pattern *p;
	const char *s;
	size_t len;
	size_t pos;
	struct token *tokens;	/* PATTERN_STATES_MAX */
	size_t n_tokens;
	struct level levels[GROUPS_MAX];
	size_t depth;
	const char *why;
	enum rc rc;
};

static void
refuse(struct reading *r, enum rc rc, const char *why)
{
	if (r->rc == RC_OK) {
		r->rc = rc;
		r->why = why;
	}
}

static void
emit(struct reading *r, struct token t)
{
	if (r->n_tokens >= PATTERN_STATES_MAX) {
		refuse(r, RC_LIMIT, "the pattern is too large");
		return;
	}
	r->tokens[r->n_tokens++] = t;
}

static void
emit_kind(struct reading *r, enum kind kind)
{
	emit(r, (struct token){ .kind = (uint8_t)kind });
}

static void
add_range(struct reading *r, uint32_t lo, uint32_t hi)
{
	if (r->p->n_ranges >= RANGES_MAX) {
		refuse(r, RC_LIMIT, "too many characters in brackets");
		return;
	}
	r->p->ranges[r->p->n_ranges++] = (struct range){ lo, hi };
}

/* The ranges of \d \w \s; false for any other letter. */
static bool
add_shorthand(struct reading *r, char c)
{
	switch (c) {
	case 'd': case 'D':
		add_range(r, '0', '9');
		return true;
	case 'w': case 'W':
		add_range(r, '0', '9');
		add_range(r, 'A', 'Z');
		add_range(r, 'a', 'z');
		add_range(r, '_', '_');
		return true;
	case 's': case 'S':
		add_range(r, ' ', ' ');
		add_range(r, '\t', '\n');
		return true;
	default:
		return false;
	}
}

uint32_t
pattern_next_char(const char *s, size_t len, size_t *pos)
{
	uint8_t c = (uint8_t)s[*pos];
	size_t more = c >= 0xF0 ? 3 : c >= 0xE0 ? 2 : c >= 0xC0 ? 1 : 0;
	uint32_t v = more == 3 ? c & 0x07u : more == 2 ? c & 0x0Fu : more == 1 ? c & 0x1Fu : c;

	(*pos)++;
	while (more-- > 0 && *pos < len && ((uint8_t)s[*pos] & 0xC0) == 0x80)
		v = v << 6 | ((uint8_t)s[(*pos)++] & 0x3Fu);
	return v;
}

static bool
is_letter_or_digit(uint32_t c)
{
	return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
}

/* After a backslash: the character meant literally. */
static uint32_t
escaped(struct reading *r)
{
	uint32_t c;

	if (r->pos >= r->len) {
		refuse(r, RC_FORMAT, "the pattern ends in a backslash");
		return 0;
	}
	c = pattern_next_char(r->s, r->len, &r->pos);
	if (c == 't')
		return '\t';
	if (c == 'n')
		return '\n';
	if (is_letter_or_digit(c))
		refuse(r, RC_FORMAT, "the pattern uses an unknown backslash sequence");
	return c;
}

static void
read_brackets(struct reading *r)
{
	struct token t = { .kind = K_RANGE, .a = (uint16_t)r->p->n_ranges };
	bool first = true;

	if (r->pos < r->len && r->s[r->pos] == '^') {
		t.negated = true;
		r->pos++;
	}
	for (;; first = false) {
		uint32_t lo, hi;

		if (r->rc != RC_OK)
			return;
		if (r->pos >= r->len) {
			refuse(r, RC_FORMAT, "a [ in the pattern is not closed");
			return;
		}
		lo = pattern_next_char(r->s, r->len, &r->pos);
		if (lo == ']' && !first)
			break;
		if (lo == '\\') {
			if (r->pos < r->len && strchr("dws", r->s[r->pos]) != NULL &&
			    add_shorthand(r, r->s[r->pos])) {
				r->pos++;
				continue;
			}
			lo = escaped(r);
		}
		hi = lo;
		if (r->pos + 1 < r->len && r->s[r->pos] == '-' && r->s[r->pos + 1] != ']') {
			r->pos++;
			hi = pattern_next_char(r->s, r->len, &r->pos);
			if (hi == '\\')
				hi = escaped(r);
		}
		if (hi < lo)
			refuse(r, RC_FORMAT, "a range in the pattern runs backwards");
		add_range(r, lo, hi);
	}
	t.b = (uint16_t)(r->p->n_ranges - t.a);
	emit(r, t);
}

/* A new operand begins: an unfinished concatenation is written first. */
static void
begin_operand(struct reading *r)
{
	struct level *l = &r->levels[r->depth];

	if (l->joined)
		emit_kind(r, K_CONCAT);
	l->joined = l->parts > 0;
	l->parts = 1;
	l->last = r->n_tokens;
}

static void
end_alternative(struct reading *r)
{
	struct level *l = &r->levels[r->depth];

	if (l->parts == 0)
		emit_kind(r, K_EMPTY);
	if (l->joined)
		emit_kind(r, K_CONCAT);
	if (l->alternatives > 0)
		emit_kind(r, K_EITHER);
	l->alternatives = 1;
	l->parts = 0;
	l->joined = 0;
}

static size_t
read_count(struct reading *r, bool *any)
{
	size_t n = 0;

	*any = false;
	while (r->pos < r->len && r->s[r->pos] >= '0' && r->s[r->pos] <= '9') {
		*any = true;
		n = n * 10 + (size_t)(r->s[r->pos++] - '0');
		if (n > PATTERN_REPEAT_MAX) {
			refuse(r, RC_LIMIT, "the pattern repeats too often");
			return 0;
		}
	}
	return n;
}

/* The last operand, `from` long at the end of the tokens, once more. */
static void
copy_operand(struct reading *r, size_t from, size_t n)
{
	for (size_t i = 0; i < n && r->rc == RC_OK; i++)
		emit(r, r->tokens[from + i]);
}

/* x{m,n}: m copies, then (n - m) optional ones or a star. */
static void
write_out(struct reading *r, size_t from, size_t min, size_t max, bool open)
{
	size_t len = r->n_tokens - from;
	size_t copies = open ? min + 1 : max;

	if (copies == 0) {
		r->n_tokens = from;
		emit_kind(r, K_EMPTY);
		return;
	}
	for (size_t i = 0; i < copies && r->rc == RC_OK; i++) {
		if (i > 0)
			copy_operand(r, from, len);
		if (i >= min)
			emit_kind(r, open ? K_STAR : K_MAYBE);
		if (i > 0)
			emit_kind(r, K_CONCAT);
	}
}

static void
read_braces(struct reading *r)
{
	struct level *l = &r->levels[r->depth];
	bool any, open = false;
	size_t min = read_count(r, &any), max = min;

	if (!any)
		refuse(r, RC_FORMAT, "a { in the pattern has no number");
	if (r->pos < r->len && r->s[r->pos] == ',') {
		r->pos++;
		max = read_count(r, &any);
		open = !any;
	}
	if (r->pos >= r->len || r->s[r->pos] != '}')
		refuse(r, RC_FORMAT, "a { in the pattern is not closed");
	else if (!open && max < min)
		refuse(r, RC_FORMAT, "a {m,n} in the pattern runs backwards");
	else if (l->parts == 0)
		refuse(r, RC_FORMAT, "nothing stands before a { in the pattern");
	else if (r->rc == RC_OK) {
		r->pos++;
		/* A copied operand must not be the copied part's own optional tail. */
		write_out(r, l->last, min, max, open);
	}
}

static void
read_repeat(struct reading *r, enum kind kind)
{
	if (r->levels[r->depth].parts == 0)
		refuse(r, RC_FORMAT, "nothing stands before a * + or ? in the pattern");
	emit_kind(r, kind);
}

static void
read_open(struct reading *r)
{
	if (r->pos < r->len && r->s[r->pos] == '?') {
		if (r->pos + 1 >= r->len || r->s[r->pos + 1] != ':') {
			refuse(r, RC_FORMAT, "look-around is not known in patterns");
			return;
		}
		r->pos += 2;
	}
	begin_operand(r);
	if (r->depth + 1 >= GROUPS_MAX) {
		refuse(r, RC_LIMIT, "the pattern is nested too deeply");
		return;
	}
	r->depth++;
	memset(&r->levels[r->depth], 0, sizeof(r->levels[r->depth]));
}

static void
read_close(struct reading *r)
{
	if (r->depth == 0) {
		refuse(r, RC_FORMAT, "a ) in the pattern was never opened");
		return;
	}
	end_alternative(r);
	r->depth--;
}

static void
read_literal(struct reading *r, uint32_t c)
{
	struct token t = { .kind = K_RANGE, .a = (uint16_t)r->p->n_ranges, .b = 1 };

	add_range(r, c, c);
	emit(r, t);
}

static void
read_backslash(struct reading *r)
{
	struct token t = { .kind = K_RANGE, .a = (uint16_t)r->p->n_ranges };
	char c = r->pos < r->len ? r->s[r->pos] : '\0';

	if (c != '\0' && add_shorthand(r, c)) {
		r->pos++;
		t.b = (uint16_t)(r->p->n_ranges - t.a);
		t.negated = c >= 'A' && c <= 'Z';
		emit(r, t);
		return;
	}
	read_literal(r, escaped(r));
}

static void
read_operand(struct reading *r, uint32_t c)
{
	begin_operand(r);
	switch (c) {
	case '.': emit_kind(r, K_ANY); break;
	case '^': emit_kind(r, K_BEGIN); break;
	case '$': emit_kind(r, K_END); break;
	case '[': read_brackets(r); break;
	case '\\': read_backslash(r); break;
	default: read_literal(r, c); break;
	}
}

static void
read_pattern(struct reading *r)
{
	while (r->rc == RC_OK && r->pos < r->len) {
		uint32_t c = pattern_next_char(r->s, r->len, &r->pos);

		switch (c) {
		case '(': read_open(r); break;
		case ')': read_close(r); break;
		case '|': end_alternative(r); break;
		case '*': read_repeat(r, K_STAR); break;
		case '+': read_repeat(r, K_PLUS); break;
		case '?': read_repeat(r, K_MAYBE); break;
		case '{': read_braces(r); break;
		default: read_operand(r, c); break;
		}
	}
	if (r->depth > 0)
		refuse(r, RC_FORMAT, "a ( in the pattern is not closed");
	end_alternative(r);
}

enum rc
pattern_compile(const char *s, size_t len, struct pattern **out, const char **why)
{
	struct reading *r = NULL;
	enum rc rc = RC_NOMEM;

	*out = NULL;
	*why = "out of memory";
	if (len > PATTERN_LENGTH_MAX) {
		*why = "the pattern is too long";
		return RC_LIMIT;
	}
	r = calloc(1, sizeof(*r));
	if (r == NULL)
		goto out;
	r->p = calloc(1, sizeof(*r->p));
	r->tokens = calloc(PATTERN_STATES_MAX, sizeof(*r->tokens));
	if (r->p == NULL || r->tokens == NULL)
		goto out;
	r->s = s;
	r->len = len;
	read_pattern(r);
	rc = r->rc;
	if (rc == RC_OK)
		rc = pattern_build(r->p, r->tokens, r->n_tokens);
	else
		*why = r->why;
	if (rc == RC_OK) {
		*why = "";
		*out = r->p;
		r->p = NULL;
	}
out:
	if (r != NULL) {
		pattern_free(r->p);
		free(r->tokens);
	}
	free(r);
	return rc;
}

void
pattern_free(struct pattern *p)
{
	if (p == NULL)
		return;
	free(p->states);
	free(p);
}
