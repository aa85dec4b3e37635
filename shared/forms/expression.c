#include "shared/forms/expression.h"

#include <stdlib.h>
#include <string.h>

#include "shared/forms/expression_code.h"

/*
 * Compiling is Dijkstra's shunting yard: operands are emitted as they come,
 * operators and calls wait on an explicit stack until their turn.
 */
static const struct {
	const char *name;
	uint8_t function;
	uint8_t min;
	uint8_t max;
} functions[] = {
	{ "abs", FN_ABS, 1, 1 },
	{ "boolean", FN_BOOLEAN, 1, 1 },
	{ "coalesce", FN_COALESCE, 2, 2 },
	{ "concat", FN_CONCAT, 1, 32 },
	{ "contains", FN_CONTAINS, 2, 2 },
	{ "count-selected", FN_COUNT_SELECTED, 1, 1 },
	{ "date", FN_DATE, 1, 1 },
	{ "ends-with", FN_ENDS_WITH, 2, 2 },
	{ "false", FN_FALSE, 0, 0 },
	{ "format-date", FN_FORMAT_DATE, 2, 2 },
	{ "if", FN_IF, 3, 3 },
	{ "int", FN_INT, 1, 1 },
	{ "max", FN_MAX, 1, 32 },
	{ "min", FN_MIN, 1, 32 },
	{ "not", FN_NOT, 1, 1 },
	{ "number", FN_NUMBER, 1, 1 },
	{ "once", FN_ONCE, 1, 1 },
	{ "regex", FN_REGEX, 2, 2 },
	{ "round", FN_ROUND, 1, 2 },
	{ "selected", FN_SELECTED, 2, 2 },
	{ "selected-at", FN_SELECTED_AT, 2, 2 },
	{ "starts-with", FN_STARTS_WITH, 2, 2 },
	{ "string", FN_STRING, 1, 1 },
	{ "string-length", FN_STRING_LENGTH, 1, 1 },
	{ "substr", FN_SUBSTR, 2, 3 },
	{ "today", FN_TODAY, 0, 0 },
	{ "true", FN_TRUE, 0, 0 },
};

/* What waits on the stack: an operator, an open parenthesis, a call. */
struct waiting {
	enum { W_OPERATOR, W_PAREN, W_CALL } kind;
	uint8_t op;
	uint8_t precedence;
	size_t function;	/* index in functions */
	uint32_t args;		/* commas seen, plus one */
};

struct compiling {
	const char *s;
	size_t pos;
	const struct expression_names *names;
	const char *where;
	struct error *err;
	struct expression *e;
	struct waiting stack[EXPRESSION_DEPTH_MAX];
	size_t top;
	size_t height;		/* values on the run-time stack */
	bool want_operand;
	enum rc rc;
};

static void
refuse(struct compiling *c, enum rc rc, const char *what, const char *word, size_t len)
{
	if (c->rc != RC_OK)
		return;
	if (word != NULL)
		c->rc = error_set(c->err, rc, c->where, NULL, "%s: %.*s", what,
		    (int)(len > 60 ? 60 : len), word);
	else
		c->rc = error_set(c->err, rc, c->where, NULL, "%s", what);
}

static void
emit(struct compiling *c, struct expression_step step, size_t takes)
{
	if (c->rc != RC_OK)
		return;
	if (c->e->n_steps >= EXPRESSION_STEPS_MAX ||
	    c->height + 1 > EXPRESSION_DEPTH_MAX + takes) {
		refuse(c, RC_LIMIT, "the expression is too large", NULL, 0);
		return;
	}
	if (c->height < takes) {
		refuse(c, RC_FORMAT, "an operand is missing", NULL, 0);
		return;
	}
	c->height += 1 - takes;
	c->e->steps[c->e->n_steps++] = step;
}

/* A literal's text; the array never outgrows the expression's own length. */
static uint32_t
keep_text(struct compiling *c, const char *s, size_t len)
{
	struct expression *e = c->e;
	size_t at = e->texts_len;

	memcpy(e->texts + at, s, len);
	e->texts[at + len] = '\0';
	e->texts_len += len + 1;
	return (uint32_t)at;
}

static void
push(struct compiling *c, struct waiting w)
{
	if (c->top >= EXPRESSION_DEPTH_MAX) {
		refuse(c, RC_LIMIT, "the expression is nested too deeply", NULL, 0);
		return;
	}
	c->stack[c->top++] = w;
}

/* Emit waiting operators that bind at least as tightly. */
static void
flush(struct compiling *c, uint8_t precedence)
{
	while (c->top > 0 && c->stack[c->top - 1].kind == W_OPERATOR &&
	    c->stack[c->top - 1].precedence >= precedence) {
		uint8_t op = c->stack[--c->top].op;

		emit(c, (struct expression_step){ .op = op }, op == OP_NEGATE ? 1 : 2);
	}
}

static bool
is_digit(char ch)
{
	return ch >= '0' && ch <= '9';
}

static bool
is_letter(char ch)
{
	return (ch >= 'a' && ch <= 'z') || (ch >= 'A' && ch <= 'Z') || ch == '_';
}

static void
operand(struct compiling *c, struct expression_step step)
{
	emit(c, step, 0);
	c->want_operand = false;
}

static void
read_number(struct compiling *c)
{
	const char *s = c->s + c->pos;
	size_t n = 0, digits = 0;
	double v = 0, scale = 1;
	bool fraction = false;

	/* Not strtod: that asks the locale what a decimal point is. */
	for (; is_digit(s[n]) || (s[n] == '.' && !fraction); n++) {
		if (s[n] == '.') {
			fraction = true;
			continue;
		}
		v = v * 10 + (s[n] - '0');
		if (fraction)
			scale *= 10;
		digits++;
	}
	if (digits == 0 || digits > 15 || is_letter(s[n])) {
		refuse(c, RC_FORMAT, "not a number", s, n + 1);
		return;
	}
	c->pos += n;
	operand(c, (struct expression_step){ .op = OP_NUMBER, .number = v / scale });
}

static void
read_literal(struct compiling *c)
{
	const char *s = c->s + c->pos + 1;
	const char *end = strchr(s, c->s[c->pos]);

	if (end == NULL) {
		refuse(c, RC_FORMAT, "a quote is not closed", NULL, 0);
		return;
	}
	operand(c, (struct expression_step){ .op = OP_TEXT,
	    .arg = keep_text(c, s, (size_t)(end - s)) });
	c->pos += (size_t)(end - s) + 2;
}

static void
read_field(struct compiling *c)
{
	const char *s = c->s + c->pos + 2;
	const char *end = strchr(s, '}');
	size_t field;

	if (end == NULL) {
		refuse(c, RC_FORMAT, "a ${ is not closed", NULL, 0);
		return;
	}
	while (s < end && *s == ' ')
		s++;
	size_t len = (size_t)(end - s);
	while (len > 0 && s[len - 1] == ' ')
		len--;
	field = c->names->field != NULL ? c->names->field(c->names->ctx, s, len) : SIZE_MAX;
	if (field == SIZE_MAX) {
		refuse(c, RC_FORMAT, "unknown field", s, len);
		return;
	}
	operand(c, (struct expression_step){ .op = OP_FIELD, .arg = (uint32_t)field });
	c->pos = (size_t)(end - c->s) + 1;
}

/* A name where an operand is due: a call, or a column of the choice list. */
static void
read_name(struct compiling *c)
{
	const char *s = c->s + c->pos;
	size_t n = 0, column;

	while (is_letter(s[n]) || is_digit(s[n]) || s[n] == '-' || s[n] == ':')
		n++;
	c->pos += n;
	while (c->s[c->pos] == ' ')
		c->pos++;
	if (c->s[c->pos] != '(') {
		column = c->names->column != NULL ?
		    c->names->column(c->names->ctx, s, n) : SIZE_MAX;
		if (column == SIZE_MAX)
			refuse(c, RC_FORMAT, "unknown name (a field is written ${name})", s, n);
		else
			operand(c, (struct expression_step){ .op = OP_COLUMN,
			    .arg = (uint32_t)column });
		return;
	}
	for (size_t i = 0; i < sizeof(functions) / sizeof(functions[0]); i++) {
		if (strlen(functions[i].name) == n && memcmp(functions[i].name, s, n) == 0) {
			c->pos++;
			push(c, (struct waiting){ .kind = W_CALL, .function = i, .args = 0 });
			return;
		}
	}
	refuse(c, RC_FORMAT, "unknown function", s, n);
}

static void
read_operand(struct compiling *c)
{
	char ch = c->s[c->pos];

	if (ch == '$' && c->s[c->pos + 1] == '{')
		read_field(c);
	else if (ch == '\'' || ch == '"')
		read_literal(c);
	else if (is_digit(ch) || (ch == '.' && is_digit(c->s[c->pos + 1])))
		read_number(c);
	else if (ch == '.') {
		c->pos++;
		if (!c->names->current)
			refuse(c, RC_FORMAT, "\".\" has no meaning here", NULL, 0);
		operand(c, (struct expression_step){ .op = OP_CURRENT });
	} else if (ch == '(') {
		c->pos++;
		push(c, (struct waiting){ .kind = W_PAREN });
	} else if (ch == '-') {
		c->pos++;
		push(c, (struct waiting){ .kind = W_OPERATOR, .op = OP_NEGATE, .precedence = 7 });
	} else if (is_letter(ch))
		read_name(c);
	else
		refuse(c, RC_FORMAT, "an operand is missing before", c->s + c->pos, 20);
}

/* regex() wants its pattern as a literal: it is compiled here, once. */
static void
finish_regex(struct compiling *c)
{
	struct expression *e = c->e;
	struct expression_step *last = e->n_steps > 0 ? &e->steps[e->n_steps - 1] : NULL;
	struct pattern **grown, *p = NULL;
	const char *why, *text;
	enum rc rc;

	if (last == NULL || last->op != OP_TEXT) {
		refuse(c, RC_FORMAT, "regex() takes its pattern between quotes", NULL, 0);
		return;
	}
	text = e->texts + last->arg;
	grown = realloc(e->patterns, (e->n_patterns + 1) * sizeof(struct pattern *));
	if (grown == NULL) {
		c->rc = RC_NOMEM;
		return;
	}
	e->patterns = grown;
	rc = pattern_compile(text, strlen(text), &p, &why);
	if (rc != RC_OK) {
		refuse(c, rc, why, text, strlen(text));
		return;
	}
	e->patterns[e->n_patterns] = p;
	*last = (struct expression_step){ .op = OP_REGEX, .arg = (uint32_t)e->n_patterns++ };
	c->height--;
}

static void
finish_call(struct compiling *c, const struct waiting *w)
{
	size_t f = w->function;

	if (w->args < functions[f].min || w->args > functions[f].max) {
		refuse(c, RC_FORMAT, "wrong number of arguments",
		    functions[f].name, strlen(functions[f].name));
		return;
	}
	if (functions[f].function == FN_REGEX) {
		finish_regex(c);
		return;
	}
	emit(c, (struct expression_step){ .op = OP_CALL, .function = functions[f].function,
	    .arg = w->args }, w->args);
}

static void
read_close(struct compiling *c)
{
	struct waiting w;
	bool empty = c->want_operand;	/* only f() may close without an operand */

	if (empty && !(c->top > 0 && c->stack[c->top - 1].kind == W_CALL &&
	    c->stack[c->top - 1].args == 0)) {
		refuse(c, RC_FORMAT, "an operand is missing before )", NULL, 0);
		return;
	}
	c->pos++;
	flush(c, 0);
	if (c->top == 0) {
		refuse(c, RC_FORMAT, "a ) was never opened", NULL, 0);
		return;
	}
	w = c->stack[--c->top];
	c->want_operand = false;
	if (w.kind != W_CALL)
		return;
	if (!empty)
		w.args++;
	finish_call(c, &w);
}

static void
read_comma(struct compiling *c)
{
	c->pos++;
	flush(c, 0);
	if (c->top == 0 || c->stack[c->top - 1].kind != W_CALL) {
		refuse(c, RC_FORMAT, "a comma stands outside a function", NULL, 0);
		return;
	}
	c->stack[c->top - 1].args++;
	c->want_operand = true;
}

static const struct {
	const char *sign;
	uint8_t op;
	uint8_t precedence;
} operators[] = {
	{ "or", OP_OR, 1 }, { "and", OP_AND, 2 },
	{ "!=", OP_NE, 3 }, { "=", OP_EQ, 3 },
	{ "<=", OP_LE, 4 }, { ">=", OP_GE, 4 }, { "<", OP_LT, 4 }, { ">", OP_GT, 4 },
	{ "+", OP_ADD, 5 }, { "-", OP_SUBTRACT, 5 },
	{ "*", OP_MULTIPLY, 6 }, { "div", OP_DIVIDE, 6 }, { "mod", OP_MODULO, 6 },
};

static void
read_operator(struct compiling *c)
{
	const char *s = c->s + c->pos;

	if (*s == ')') {
		read_close(c);
		return;
	}
	if (*s == ',') {
		read_comma(c);
		return;
	}
	for (size_t i = 0; i < sizeof(operators) / sizeof(operators[0]); i++) {
		size_t n = strlen(operators[i].sign);

		if (strncmp(s, operators[i].sign, n) != 0 ||
		    (is_letter(s[0]) && (is_letter(s[n]) || is_digit(s[n]))))
			continue;
		c->pos += n;
		flush(c, operators[i].precedence);
		push(c, (struct waiting){ .kind = W_OPERATOR, .op = operators[i].op,
		    .precedence = operators[i].precedence });
		c->want_operand = true;
		return;
	}
	refuse(c, RC_FORMAT, "an operator is missing before", s, 20);
}

static void
compile(struct compiling *c)
{
	for (;;) {
		while (c->s[c->pos] != '\0' && strchr(" \t\r\n", c->s[c->pos]) != NULL)
			c->pos++;
		if (c->rc != RC_OK || c->s[c->pos] == '\0')
			break;
		if (c->want_operand && c->s[c->pos] != ')')
			read_operand(c);
		else
			read_operator(c);
	}
	if (c->want_operand)
		refuse(c, RC_FORMAT, "the expression ends where an operand is due", NULL, 0);
	flush(c, 0);
	if (c->top > 0)
		refuse(c, RC_FORMAT, "a ( is not closed", NULL, 0);
	if (c->rc == RC_OK && c->height != 1)
		refuse(c, RC_FORMAT, "not an expression", NULL, 0);
}

enum rc
expression_compile(const char *text, const struct expression_names *names,
    const char *where, struct expression **out, struct error *err)
{
	struct compiling c = { .s = text, .names = names, .where = where, .err = err,
	    .want_operand = true };
	size_t len = strlen(text);

	*out = NULL;
	if (len > EXPRESSION_LENGTH_MAX)
		return error_set(err, RC_LIMIT, where, NULL,
		    "the expression is longer than %d bytes", EXPRESSION_LENGTH_MAX);
	c.e = calloc(1, sizeof(*c.e));
	if (c.e == NULL)
		return RC_NOMEM;
	c.e->steps = calloc(EXPRESSION_STEPS_MAX, sizeof(*c.e->steps));
	c.e->texts = malloc(len + 1);
	if (c.e->steps == NULL || c.e->texts == NULL)
		c.rc = RC_NOMEM;
	else
		compile(&c);
	if (c.rc == RC_OK) {
		struct expression_step *fit = realloc(c.e->steps,
		    c.e->n_steps * sizeof(*c.e->steps));

		if (fit != NULL)
			c.e->steps = fit;
		*out = c.e;
	} else {
		expression_free(c.e);
	}
	return c.rc;
}

void
expression_free(struct expression *e)
{
	if (e == NULL)
		return;
	for (size_t i = 0; i < e->n_patterns; i++)
		pattern_free(e->patterns[i]);
	free(e->patterns);
	free(e->steps);
	free(e->texts);
	free(e);
}

size_t
expression_uses(const struct expression *e, size_t i)
{
	for (size_t s = 0; e != NULL && s < e->n_steps; s++)
		if (e->steps[s].op == OP_FIELD && i-- == 0)
			return e->steps[s].arg;
	return SIZE_MAX;
}
