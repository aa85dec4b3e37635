/* Matching keeps the set of live states, so nothing backtracks. */
#include <stdlib.h>
#include <string.h>

#include "shared/forms/pattern.h"
#include "shared/forms/pattern_states.h"

/* The set of live states between two characters. */
struct live {
	uint16_t *list;
	size_t n;
	uint32_t *seen;		/* step + 1 in which a state was last added */
	uint16_t *stack;
};

/* Follow the states that take no character. */
static void
enter(const struct pattern *p, struct live *l, uint16_t from, uint32_t step, bool at_end)
{
	size_t top = 0;

	l->stack[top++] = from;
	while (top > 0) {
		uint16_t i = l->stack[--top];
		const struct state *s;

		if (i == NO_STATE || l->seen[i] == step + 1)
			continue;
		l->seen[i] = step + 1;
		s = &p->states[i];
		switch ((enum kind)s->t.kind) {
		case K_SPLIT:
			l->stack[top++] = s->other;
			l->stack[top++] = s->next;
			break;
		case K_EMPTY:
			l->stack[top++] = s->next;
			break;
		case K_BEGIN:
			if (step == 0)
				l->stack[top++] = s->next;
			break;
		case K_END:
			if (at_end)
				l->stack[top++] = s->next;
			break;
		case K_RANGE: case K_ANY: case K_MATCH: case K_CONCAT: case K_EITHER:
		case K_STAR: case K_PLUS: case K_MAYBE:
		default:
			l->list[l->n++] = i;
			break;
		}
	}
}

static bool
takes(const struct pattern *p, const struct state *s, uint32_t c)
{
	if (s->t.kind == K_ANY)
		return c != '\n';
	if (s->t.kind != K_RANGE)
		return false;
	for (size_t i = 0; i < s->t.b; i++) {
		const struct range *r = &p->ranges[s->t.a + i];

		if (c >= r->lo && c <= r->hi)
			return !s->t.negated;
	}
	return s->t.negated;
}

static bool
simulate(const struct pattern *p, struct live *now, struct live *next, const char *text)
{
	size_t len = strlen(text), pos = 0;
	uint32_t step = 0;

	enter(p, now, p->start, 0, len == 0);
	while (pos < len) {
		uint32_t c = pattern_next_char(text, len, &pos);
		struct live *swap = now;

		if (now->n == 0 || step >= PATTERN_TEXT_MAX)
			return false;
		step++;
		next->n = 0;
		for (size_t i = 0; i < now->n; i++) {
			const struct state *s = &p->states[now->list[i]];

			if (takes(p, s, c))
				enter(p, next, s->next, step, pos >= len);
		}
		now = next;
		next = swap;
	}
	for (size_t i = 0; i < now->n; i++)
		if (p->states[now->list[i]].t.kind == K_MATCH)
			return true;
	return false;
}

enum rc
pattern_match(const struct pattern *p, const char *text, bool *out)
{
	size_t n = p->n_states;
	uint16_t *lists = calloc(4 * n + 2, sizeof(*lists));
	uint32_t *seen = calloc(n, sizeof(*seen));
	enum rc rc = RC_NOMEM;

	*out = false;
	if (lists != NULL && seen != NULL) {
		/* Every state is pushed by at most two others. */
		struct live now = { lists, 0, seen, lists + 2 * n };
		struct live next = { lists + n, 0, seen, lists + 2 * n };

		*out = simulate(p, &now, &next, text);
		rc = RC_OK;
	}
	free(lists);
	free(seen);
	return rc;
}
