#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "shared/forms/expression_code.h"

/* Equality as in XPath: as truths, else as numbers, else as texts. */
static bool
equal(struct expression_machine *m, struct expression_value *a, struct expression_value *b)
{
	if (a->kind == EXPRESSION_BOOLEAN || b->kind == EXPRESSION_BOOLEAN)
		return expression_truth(a) == expression_truth(b);
	if (a->kind == EXPRESSION_NUMBER || b->kind == EXPRESSION_NUMBER) {
		double x = expression_number(a), y = expression_number(b);

		return x >= y && x <= y;
	}
	return strcmp(expression_as_text(m, a), expression_as_text(m, b)) == 0;
}

static double
modulo(double a, double b)
{
	return b < 0 || b > 0 ? fmod(a, b) : nan("");
}

static double
divide(double a, double b)
{
	return b < 0 || b > 0 ? a / b : nan("");
}

static struct expression_value
operate(struct expression_machine *m, uint8_t op, struct expression_value *a,
    struct expression_value *b)
{
	double x = expression_number(a), y = expression_number(b);

	switch ((enum expression_op)op) {
	case OP_OR: return expression_of_truth(expression_truth(a) || expression_truth(b));
	case OP_AND: return expression_of_truth(expression_truth(a) && expression_truth(b));
	case OP_EQ: return expression_of_truth(equal(m, a, b));
	case OP_NE: return expression_of_truth(!equal(m, a, b));
	case OP_LT: return expression_of_truth(x < y);
	case OP_LE: return expression_of_truth(x <= y);
	case OP_GT: return expression_of_truth(x > y);
	case OP_GE: return expression_of_truth(x >= y);
	case OP_ADD: return expression_of_number(x + y);
	case OP_SUBTRACT: return expression_of_number(x - y);
	case OP_MULTIPLY: return expression_of_number(x * y);
	case OP_DIVIDE: return expression_of_number(divide(x, y));
	case OP_MODULO: return expression_of_number(modulo(x, y));
	case OP_NUMBER: case OP_TEXT: case OP_FIELD: case OP_COLUMN: case OP_CURRENT:
	case OP_NEGATE: case OP_CALL: case OP_REGEX:
	default:
		m->rc = RC_INTERNAL;
		return expression_of_number(nan(""));
	}
}

/* Replace the top n values by one. */
static void
replace(struct expression_machine *m, size_t n, struct expression_value v)
{
	for (size_t i = 0; i < n; i++)
		free(m->stack[--m->top].owned);
	m->stack[m->top++] = v;
}

static void
push_operand(struct expression_machine *m, const struct expression_step *s)
{
	const struct expression_scope *scope = m->scope;
	struct expression_value v = { .kind = EXPRESSION_TEXT, .text = "" };

	switch ((enum expression_op)s->op) {
	case OP_NUMBER: v = expression_of_number(s->number); break;
	case OP_TEXT: v.text = m->e->texts + s->arg; break;
	case OP_FIELD: scope->field(scope->ctx, s->arg, &v); break;
	case OP_COLUMN: scope->column(scope->ctx, s->arg, &v); break;
	case OP_CURRENT: v = scope->current; break;
	case OP_OR: case OP_AND: case OP_EQ: case OP_NE: case OP_LT: case OP_LE: case OP_GT:
	case OP_GE: case OP_ADD: case OP_SUBTRACT: case OP_MULTIPLY: case OP_DIVIDE:
	case OP_MODULO: case OP_NEGATE: case OP_CALL: case OP_REGEX:
	default: break;
	}
	v.owned = NULL;
	if (v.text == NULL)
		v.text = "";
	m->stack[m->top++] = v;
}

static void
step(struct expression_machine *m, const struct expression_step *s)
{
	struct expression_value *top = m->top > 0 ? &m->stack[m->top - 1] : &m->stack[0];
	bool matches = false;

	switch ((enum expression_op)s->op) {
	case OP_NUMBER: case OP_TEXT: case OP_FIELD: case OP_COLUMN: case OP_CURRENT:
		push_operand(m, s);
		break;
	case OP_NEGATE:
		replace(m, 1, expression_of_number(-expression_number(top)));
		break;
	case OP_REGEX:
		if (m->rc == RC_OK)
			m->rc = pattern_match(m->e->patterns[s->arg], expression_as_text(m, top),
			    &matches);
		replace(m, 1, expression_of_truth(matches));
		break;
	case OP_CALL:
		replace(m, s->arg, expression_call(m, s->function, &m->stack[m->top - s->arg],
		    s->arg));
		break;
	case OP_OR: case OP_AND: case OP_EQ: case OP_NE: case OP_LT: case OP_LE: case OP_GT:
	case OP_GE: case OP_ADD: case OP_SUBTRACT: case OP_MULTIPLY: case OP_DIVIDE:
	case OP_MODULO:
	default:
		replace(m, 2, operate(m, s->op, top - 1, top));
		break;
	}
}

enum rc
expression_evaluate(const struct expression *e, const struct expression_scope *scope,
    struct expression_value *out)
{
	struct expression_machine m = { .e = e, .scope = scope };

	*out = (struct expression_value){ .kind = EXPRESSION_TEXT, .text = "" };
	for (size_t i = 0; i < e->n_steps && m.rc == RC_OK; i++)
		step(&m, &e->steps[i]);
	if (m.rc == RC_OK && m.top == 1) {
		*out = m.stack[0];
		return RC_OK;
	}
	while (m.top > 0)
		free(m.stack[--m.top].owned);
	return m.rc != RC_OK ? m.rc : RC_INTERNAL;
}

enum rc
expression_test(const struct expression *e, const struct expression_scope *scope, bool *out)
{
	struct expression_value v;
	enum rc rc = expression_evaluate(e, scope, &v);

	*out = rc == RC_OK && expression_truth(&v);
	expression_value_reset(&v);
	return rc;
}
