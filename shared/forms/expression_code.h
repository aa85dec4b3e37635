#ifndef SHARED_FORMS_EXPRESSION_CODE_H
#define SHARED_FORMS_EXPRESSION_CODE_H

/*
 * expression_code: what expression.c (compiling), expression_run.c (the stack
 * machine), expression_call.c (functions) and expression_value.c share.
 */
#include <stddef.h>
#include <stdint.h>

#include "shared/forms/expression.h"
#include "shared/forms/pattern.h"

enum expression_op {
	OP_NUMBER,	/* push .number */
	OP_TEXT,	/* push texts + .arg */
	OP_FIELD,	/* push field .arg */
	OP_COLUMN,	/* push column .arg of the choice */
	OP_CURRENT,	/* push "." */
	OP_OR, OP_AND, OP_EQ, OP_NE, OP_LT, OP_LE, OP_GT, OP_GE,
	OP_ADD, OP_SUBTRACT, OP_MULTIPLY, OP_DIVIDE, OP_MODULO, OP_NEGATE,
	OP_CALL,	/* function .function with .arg arguments */
	OP_REGEX	/* match the top against patterns[.arg] */
};

enum expression_function {
	FN_ABS, FN_BOOLEAN, FN_COALESCE, FN_CONCAT, FN_CONTAINS, FN_COUNT_SELECTED,
	FN_DATE, FN_ENDS_WITH, FN_FALSE, FN_FORMAT_DATE, FN_IF, FN_INT, FN_MAX, FN_MIN,
	FN_NOT, FN_NUMBER, FN_ONCE, FN_REGEX, FN_ROUND, FN_SELECTED, FN_SELECTED_AT,
	FN_STARTS_WITH, FN_STRING, FN_STRING_LENGTH, FN_SUBSTR, FN_TODAY, FN_TRUE
};

struct expression_step {
	uint8_t op;
	uint8_t function;
	uint32_t arg;
	double number;
};

struct expression {
	struct expression_step *steps;
	size_t n_steps;
	char *texts;		/* string literals, each NUL-terminated */
	size_t texts_len;
	struct pattern **patterns;
	size_t n_patterns;
};

struct expression_machine {
	const struct expression *e;
	const struct expression_scope *scope;
	struct expression_value stack[EXPRESSION_DEPTH_MAX + 1];
	size_t top;
	enum rc rc;
};

struct expression_value expression_of_number(double n);
struct expression_value expression_of_truth(bool b);
/* A copy; m->rc when there is no memory. */
struct expression_value expression_of_text(struct expression_machine *m, const char *s,
    size_t len);
/* The text of a value: borrowed where there is one, else made and kept in it. */
const char *expression_as_text(struct expression_machine *m, struct expression_value *v);
/* YYYY-MM-DD, or if partial also YYYY and YYYY-MM: the days of its first day. */
bool expression_days(const char *s, bool partial, double *out);
/* May move values out of the arguments. */
struct expression_value expression_call(struct expression_machine *m, uint8_t function,
    struct expression_value *args, size_t n);

#endif
