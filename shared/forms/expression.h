#ifndef SHARED_FORMS_EXPRESSION_H
#define SHARED_FORMS_EXPRESSION_H

/*
 * expression: the subset of XLSForm's language (XPath) that forms may use in
 * relevant, constraint, required, calculation and choice_filter.  The subset
 * is described in schema/forms/README.md, "Expressions".
 *
 * A text is compiled once to a flat array of operations for a small stack
 * machine; it has no loops, so its time is bounded by its length.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "shared/base/rc.h"

enum {
	EXPRESSION_LENGTH_MAX = 4096,	/* bytes of the text */
	EXPRESSION_DEPTH_MAX = 64,	/* nesting, and values on the stack */
	EXPRESSION_STEPS_MAX = 1024,	/* operations */
	EXPRESSION_TEXT_MAX = 1 << 17	/* bytes of a text that is made */
};

enum expression_kind {
	EXPRESSION_TEXT,	/* "" is also what an empty field is */
	EXPRESSION_NUMBER,
	EXPRESSION_BOOLEAN,
	EXPRESSION_DATE		/* text: an ISO date, complete or not */
};

/* text is meant for TEXT and DATE, number for NUMBER and BOOLEAN (0 or 1). */
struct expression_value {
	enum expression_kind kind;
	double number;
	const char *text;	/* never NULL when kind is TEXT or DATE */
	char *owned;		/* what text points to when it was made here */
};

/* Who knows the names in an expression. */
struct expression_names {
	/* Number of the field in ${name}, or SIZE_MAX.  The name is not terminated. */
	size_t (*field)(void *ctx, const char *name, size_t len);
	/* Number of a column of the choice list, or SIZE_MAX; may be NULL. */
	size_t (*column)(void *ctx, const char *name, size_t len);
	bool current;		/* does "." have a meaning here? */
	void *ctx;
};

/* Where their values come from.  What the callbacks set is borrowed until the end. */
struct expression_scope {
	void (*field)(void *ctx, size_t field, struct expression_value *out);
	void (*column)(void *ctx, size_t column, struct expression_value *out);
	void *ctx;
	struct expression_value current;
	int64_t today_days;
};

struct expression;

/*
 * RC_FORMAT: an unknown function or field, wrong arguments, bad syntax.
 * RC_LIMIT.  RC_NOMEM.  `where` is repeated in the description.
 */
enum rc expression_compile(const char *text, const struct expression_names *names,
    const char *where, struct expression **out, struct error *err) RC_CHECK;
void expression_free(struct expression *e);

/* The i-th use of a field by ${}, or SIZE_MAX after the last. */
size_t expression_uses(const struct expression *e, size_t i);

/*
 * Work it out.  *out is the caller's: expression_value_reset.
 * RC_LIMIT: a text grew beyond EXPRESSION_TEXT_MAX.  RC_NOMEM.
 */
enum rc expression_evaluate(const struct expression *e,
    const struct expression_scope *scope, struct expression_value *out) RC_CHECK;
void expression_value_reset(struct expression_value *v);

/* The same as a truth: a number other than 0 and NaN, a text that is not "". */
enum rc expression_test(const struct expression *e,
    const struct expression_scope *scope, bool *out) RC_CHECK;

/* Conversions of XPath; a date as a number is its days since 1970. */
bool expression_truth(const struct expression_value *v);
double expression_number(const struct expression_value *v);
/* A new string; a number that is NaN or infinite is "". */
enum rc expression_text(const struct expression_value *v, char **out) RC_CHECK;

#endif
