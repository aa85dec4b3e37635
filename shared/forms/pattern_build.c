#include <stdlib.h>

#include "shared/forms/pattern_states.h"

/*
 * Thompson's construction with one entry and one exit state a fragment: exits
 * are joined by K_EMPTY states, which keeps the patching to one assignment.
 */
struct fragment {
	uint16_t in;
	uint16_t out;
};

static uint16_t
new_state(struct pattern *p, struct token t, uint16_t next, uint16_t other)
{
	p->states[p->n_states] = (struct state){ .t = t, .next = next, .other = other };
	return (uint16_t)p->n_states++;
}

static struct fragment
combine(struct pattern *p, struct token t, struct fragment a, struct fragment b)
{
	const struct token empty = { .kind = K_EMPTY }, split = { .kind = K_SPLIT };
	uint16_t out, in;

	switch ((enum kind)t.kind) {
	case K_CONCAT:
		p->states[a.out].next = b.in;
		return (struct fragment){ a.in, b.out };
	case K_EITHER:
		out = new_state(p, empty, NO_STATE, NO_STATE);
		in = new_state(p, split, a.in, b.in);
		p->states[a.out].next = out;
		p->states[b.out].next = out;
		return (struct fragment){ in, out };
	case K_STAR: case K_PLUS: case K_MAYBE:
		out = new_state(p, empty, NO_STATE, NO_STATE);
		in = new_state(p, split, b.in, out);
		p->states[b.out].next = t.kind == K_MAYBE ? out : in;
		return (struct fragment){ t.kind == K_PLUS ? b.in : in, out };
	case K_RANGE: case K_ANY: case K_EMPTY: case K_BEGIN: case K_END:
	case K_SPLIT: case K_MATCH:
	default:
		in = new_state(p, t, NO_STATE, NO_STATE);
		return (struct fragment){ in, in };
	}
}

static size_t
operands_of(enum kind kind)
{
	if (kind == K_CONCAT || kind == K_EITHER)
		return 2;
	return kind == K_STAR || kind == K_PLUS || kind == K_MAYBE ? 1 : 0;
}

enum rc
pattern_build(struct pattern *p, const struct token *tokens, size_t n)
{
	struct fragment *stack = calloc(n + 1, sizeof(*stack));
	const struct fragment none = { 0, 0 };
	size_t top = 0;

	p->states = calloc(2 * n + 1, sizeof(*p->states));
	if (stack == NULL || p->states == NULL) {
		free(stack);
		return RC_NOMEM;
	}
	for (size_t i = 0; i < n; i++) {
		size_t takes = operands_of((enum kind)tokens[i].kind);

		if (top < takes) {
			free(stack);
			return RC_INTERNAL;
		}
		struct fragment b = takes > 0 ? stack[top - 1] : none;
		struct fragment a = takes > 1 ? stack[top - 2] : none;
		top -= takes;
		stack[top++] = combine(p, tokens[i], a, b);
	}
	p->start = stack[0].in;
	p->states[stack[0].out].next = new_state(p,
	    (struct token){ .kind = K_MATCH }, NO_STATE, NO_STATE);
	free(stack);
	return RC_OK;
}
