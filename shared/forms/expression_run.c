#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "shared/base/bytes.h"
#include "shared/base/clock.h"
#include "shared/base/text.h"
#include "shared/forms/expression.h"
#include "shared/forms/expression_code.h"

struct machine {
	const struct expression *e;
	const struct expression_scope *scope;
	struct expression_value stack[EXPRESSION_DEPTH_MAX + 1];
	size_t top;
	enum rc rc;
};

void
expression_value_reset(struct expression_value *v)
{
	free(v->owned);
	*v = (struct expression_value){ .kind = EXPRESSION_TEXT, .text = "" };
}

static struct expression_value
number_value(double n)
{
	return (struct expression_value){ .kind = EXPRESSION_NUMBER, .number = n, .text = "" };
}

static struct expression_value
truth_value(bool b)
{
	return (struct expression_value){ .kind = EXPRESSION_BOOLEAN, .number = b ? 1 : 0,
	    .text = "" };
}

/* Takes over `owned`. */
static struct expression_value
text_value(char *owned, enum expression_kind kind)
{
	return (struct expression_value){ .kind = kind, .text = owned, .owned = owned };
}

/* YYYY-MM-DD, or for a date also YYYY and YYYY-MM: the days of its first day. */
static bool
days_of(const char *s, bool partial, double *out)
{
	struct date d;

	if (s[0] < '0' || s[0] > '9' || strchr(s, '/') != NULL || date_parse(s, &d) != RC_OK)
		return false;
	if (!partial && d.day == 0)
		return false;
	d.month = d.month > 0 ? d.month : 1;
	d.day = d.day > 0 ? d.day : 1;
	*out = (double)date_to_days(&d);
	return true;
}

/* [-]digits[.digits], nothing else; the locale is not asked. */
static double
parse_number(const char *s)
{
	double v = 0, scale = 1;
	bool negative = *s == '-', fraction = false;
	size_t digits = 0;

	for (s += negative; *s != '\0'; s++) {
		if (*s == '.' && !fraction) {
			fraction = true;
			continue;
		}
		if (*s < '0' || *s > '9' || ++digits > 30)
			return nan("");
		v = v * 10 + (*s - '0');
		if (fraction)
			scale *= 10;
	}
	if (digits == 0)
		return nan("");
	return negative ? -v / scale : v / scale;
}

double
expression_number(const struct expression_value *v)
{
	double days;

	switch (v->kind) {
	case EXPRESSION_NUMBER:
	case EXPRESSION_BOOLEAN:
		return v->number;
	case EXPRESSION_DATE:
		return days_of(v->text, true, &days) ? days : nan("");
	case EXPRESSION_TEXT:
	default:
		return days_of(v->text, false, &days) ? days : parse_number(v->text);
	}
}

bool
expression_truth(const struct expression_value *v)
{
	if (v->kind == EXPRESSION_NUMBER || v->kind == EXPRESSION_BOOLEAN)
		return !isnan(v->number) && (v->number < 0 || v->number > 0);
	return v->text[0] != '\0';
}

static char *
format_number(double n)
{
	char buf[64];
	size_t len;

	if (!isfinite(n))
		return text_dup("");
	if (n >= -1e15 && n <= 1e15 && !(n < trunc(n)) && !(n > trunc(n))) {
		snprintf(buf, sizeof(buf), "%lld", (long long)n);
		return text_dup(buf);
	}
	snprintf(buf, sizeof(buf), "%.6f", n < -1e30 ? -1e30 : n > 1e30 ? 1e30 : n);
	/* A locale may have put a comma there. */
	for (char *p = buf; *p != '\0'; p++)
		if (*p == ',')
			*p = '.';
	for (len = strlen(buf); len > 0 && buf[len - 1] == '0'; len--)
		buf[len - 1] = '\0';
	if (len > 0 && buf[len - 1] == '.')
		buf[len - 1] = '\0';
	return text_dup(strcmp(buf, "-0") == 0 ? "0" : buf);
}

enum rc
expression_text(const struct expression_value *v, char **out)
{
	if (v->kind == EXPRESSION_NUMBER)
		*out = format_number(v->number);
	else if (v->kind == EXPRESSION_BOOLEAN)
		*out = text_dup(v->number > 0 ? "true" : "false");
	else
		*out = text_dup(v->text);
	return *out != NULL ? RC_OK : RC_NOMEM;
}

/* The text of an argument: borrowed where there is one, else made and kept in it. */
static const char *
text_of(struct machine *m, struct expression_value *v)
{
	char *made;

	if (v->kind == EXPRESSION_TEXT || v->kind == EXPRESSION_DATE)
		return v->text;
	if (v->owned == NULL) {
		if (expression_text(v, &made) != RC_OK) {
			m->rc = RC_NOMEM;
			return "";
		}
		v->owned = made;
	}
	return v->owned;
}

/* Equality as in XPath: as truths, else as numbers, else as texts. */
static bool
equal(struct machine *m, struct expression_value *a, struct expression_value *b)
{
	if (a->kind == EXPRESSION_BOOLEAN || b->kind == EXPRESSION_BOOLEAN)
		return expression_truth(a) == expression_truth(b);
	if (a->kind == EXPRESSION_NUMBER || b->kind == EXPRESSION_NUMBER) {
		double x = expression_number(a), y = expression_number(b);

		return x >= y && x <= y;
	}
	return strcmp(text_of(m, a), text_of(m, b)) == 0;
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
operate(struct machine *m, uint8_t op, struct expression_value *a, struct expression_value *b)
{
	double x = expression_number(a), y = expression_number(b);

	switch ((enum expression_op)op) {
	case OP_OR: return truth_value(expression_truth(a) || expression_truth(b));
	case OP_AND: return truth_value(expression_truth(a) && expression_truth(b));
	case OP_EQ: return truth_value(equal(m, a, b));
	case OP_NE: return truth_value(!equal(m, a, b));
	case OP_LT: return truth_value(x < y);
	case OP_LE: return truth_value(x <= y);
	case OP_GT: return truth_value(x > y);
	case OP_GE: return truth_value(x >= y);
	case OP_ADD: return number_value(x + y);
	case OP_SUBTRACT: return number_value(x - y);
	case OP_MULTIPLY: return number_value(x * y);
	case OP_DIVIDE: return number_value(divide(x, y));
	case OP_MODULO: return number_value(modulo(x, y));
	case OP_NUMBER: case OP_TEXT: case OP_FIELD: case OP_COLUMN: case OP_CURRENT:
	case OP_NEGATE: case OP_CALL: case OP_REGEX:
	default:
		m->rc = RC_INTERNAL;
		return number_value(nan(""));
	}
}

/* The n-th word of a list of chosen codes; NULL after the last. */
static const char *
word_at(const char *list, size_t n, size_t *len)
{
	for (;;) {
		list += strspn(list, " \n");
		*len = strcspn(list, " \n");
		if (*len == 0)
			return NULL;
		if (n-- == 0)
			return list;
		list += *len;
	}
}

static bool
is_selected(const char *list, const char *code)
{
	size_t len, want = strlen(code);
	const char *w;

	for (size_t i = 0; want > 0 && (w = word_at(list, 0, &len)) != NULL; i++) {
		if (len == want && memcmp(w, code, len) == 0)
			return true;
		list = w + len;
	}
	return false;
}

static double
count_words(const char *list)
{
	size_t len, n = 0;
	const char *w;

	while ((w = word_at(list, 0, &len)) != NULL) {
		list = w + len;
		n++;
	}
	return (double)n;
}

static struct expression_value
copy_text(struct machine *m, const char *s, size_t len)
{
	char *p = malloc(len + 1);

	if (p == NULL) {
		m->rc = RC_NOMEM;
		return number_value(nan(""));
	}
	memcpy(p, s, len);
	p[len] = '\0';
	return text_value(p, EXPRESSION_TEXT);
}

static struct expression_value
date_value(struct machine *m, double days)
{
	struct date d;
	char iso[11];

	/* Years 1800 to 2200, as in clock.h. */
	if (!(days >= -62091 && days <= 84370))
		return copy_text(m, "", 0);
	date_from_days((int64_t)floor(days), &d);
	date_iso(&d, iso);
	struct expression_value v = copy_text(m, iso, strlen(iso));
	if (m->rc == RC_OK)
		v.kind = EXPRESSION_DATE;
	return v;
}

static struct expression_value
call_date(struct machine *m, struct expression_value *a)
{
	double days;

	if (a->kind == EXPRESSION_NUMBER)
		return date_value(m, a->number);
	if (!days_of(text_of(m, a), true, &days))
		return copy_text(m, "", 0);
	struct expression_value v = copy_text(m, a->text, strlen(a->text));
	if (m->rc == RC_OK)
		v.kind = EXPRESSION_DATE;
	return v;
}

static struct expression_value
call_concat(struct machine *m, struct expression_value *args, size_t n)
{
	struct bytes b;
	struct expression_value v = number_value(nan(""));

	bytes_init(&b);
	for (size_t i = 0; i < n; i++) {
		bytes_text(&b, text_of(m, &args[i]));
		if (b.len > EXPRESSION_TEXT_MAX)
			m->rc = RC_LIMIT;
	}
	if (b.rc != RC_OK)
		m->rc = b.rc;
	if (m->rc == RC_OK)
		v = copy_text(m, b.data != NULL ? (const char *)b.data : "", b.len);
	bytes_reset(&b);
	return v;
}

/* Byte offset of the n-th character. */
static size_t
offset_of(const char *s, double n)
{
	size_t i = 0;

	for (; s[i] != '\0'; i++) {
		if (((uint8_t)s[i] & 0xC0) == 0x80)
			continue;
		if (n < 1)
			break;
		n -= 1;
	}
	return i;
}

/* substr(text, start[, end]): characters from 0; below 0 counts from the end. */
static struct expression_value
call_substr(struct machine *m, struct expression_value *args, size_t n)
{
	const char *s = text_of(m, &args[0]);
	double len = (double)text_length(s);
	double start = expression_number(&args[1]);
	double end = n > 2 ? expression_number(&args[2]) : len;

	if (isnan(start) || isnan(end))
		return copy_text(m, "", 0);
	start = trunc(start < 0 ? start + len : start);
	end = trunc(end < 0 ? end + len : end);
	start = start < 0 ? 0 : start;
	if (end <= start)
		return copy_text(m, "", 0);
	size_t from = offset_of(s, start), to = offset_of(s, end);
	return copy_text(m, s + from, to - from);
}

static struct expression_value
call_extreme(struct expression_value *args, size_t n, bool largest)
{
	double best = expression_number(&args[0]);

	for (size_t i = 1; i < n; i++) {
		double x = expression_number(&args[i]);

		if (isnan(x) || isnan(best))
			return number_value(nan(""));
		if (largest ? x > best : x < best)
			best = x;
	}
	return number_value(best);
}

static struct expression_value
call_round(struct expression_value *args, size_t n)
{
	double x = expression_number(&args[0]);
	double places = n > 1 ? trunc(expression_number(&args[1])) : 0;

	if (!(places >= 0 && places <= 6))
		return number_value(nan(""));
	double scale = 1;
	for (; places > 0; places -= 1)
		scale *= 10;
	return number_value(floor(x * scale + 0.5) / scale);
}

static struct expression_value
call_format_date(struct machine *m, struct expression_value *args)
{
	const char *s = text_of(m, &args[0]), *f = text_of(m, &args[1]);
	struct date d;
	struct bytes b;
	double days;
	struct expression_value v;

	if (args[0].kind == EXPRESSION_NUMBER || !days_of(s, true, &days) ||
	    date_parse(s, &d) != RC_OK)
		return copy_text(m, "", 0);
	bytes_init(&b);
	for (; *f != '\0' && b.len <= EXPRESSION_TEXT_MAX; f++) {
		if (*f != '%' || f[1] == '\0') {
			bytes_u8(&b, (uint8_t)*f);
			continue;
		}
		switch (*++f) {
		case 'Y': bytes_printf(&b, "%04d", d.year); break;
		case 'y': bytes_printf(&b, "%02d", d.year % 100); break;
		case 'm': bytes_printf(&b, "%02d", d.month); break;
		case 'n': bytes_printf(&b, "%d", d.month); break;
		case 'd': bytes_printf(&b, "%02d", d.day); break;
		case 'e': bytes_printf(&b, "%d", d.day); break;
		default: bytes_u8(&b, (uint8_t)*f); break;
		}
	}
	if (b.rc != RC_OK)
		m->rc = b.rc;
	v = copy_text(m, b.data != NULL ? (const char *)b.data : "", b.len);
	bytes_reset(&b);
	return v;
}

/* Move a value out of the arguments. */
static struct expression_value
take(struct expression_value *v)
{
	struct expression_value out = *v;

	v->owned = NULL;
	return out;
}

static bool
ends_with(const char *s, const char *end)
{
	size_t n = strlen(s), k = strlen(end);

	return n >= k && strcmp(s + n - k, end) == 0;
}

static struct expression_value
call_selected_at(struct machine *m, struct expression_value *args)
{
	double n = expression_number(&args[1]);
	size_t len = 0;
	const char *w = NULL;

	if (n >= 0 && n < 10000)
		w = word_at(text_of(m, &args[0]), (size_t)n, &len);
	return copy_text(m, w != NULL ? w : "", w != NULL ? len : 0);
}

static struct expression_value
call_on_text(struct machine *m, uint8_t function, struct expression_value *args, size_t n)
{
	const char *a = n > 0 ? text_of(m, &args[0]) : "";
	const char *b = n > 1 ? text_of(m, &args[1]) : "";

	switch ((enum expression_function)function) {
	case FN_CONTAINS: return truth_value(strstr(a, b) != NULL);
	case FN_STARTS_WITH: return truth_value(strncmp(a, b, strlen(b)) == 0);
	case FN_ENDS_WITH: return truth_value(ends_with(a, b));
	case FN_SELECTED: return truth_value(is_selected(a, b));
	case FN_COUNT_SELECTED: return number_value(count_words(a));
	case FN_STRING_LENGTH: return number_value((double)text_length(a));
	case FN_STRING: return copy_text(m, a, strlen(a));
	case FN_COALESCE: return a[0] != '\0' ? take(&args[0]) : take(&args[1]);
	case FN_CONCAT: return call_concat(m, args, n);
	case FN_SUBSTR: return call_substr(m, args, n);
	case FN_SELECTED_AT: return call_selected_at(m, args);
	case FN_FORMAT_DATE: return call_format_date(m, args);
	case FN_DATE: return call_date(m, &args[0]);
	case FN_ABS: case FN_BOOLEAN: case FN_FALSE: case FN_IF: case FN_INT: case FN_MAX:
	case FN_MIN: case FN_NOT: case FN_NUMBER: case FN_ONCE: case FN_REGEX: case FN_ROUND:
	case FN_TODAY: case FN_TRUE:
	default:
		m->rc = RC_INTERNAL;
		return number_value(nan(""));
	}
}

static struct expression_value
call(struct machine *m, uint8_t function, struct expression_value *args, size_t n)
{
	switch ((enum expression_function)function) {
	case FN_TRUE: return truth_value(true);
	case FN_FALSE: return truth_value(false);
	case FN_TODAY: return date_value(m, (double)m->scope->today_days);
	case FN_NOT: return truth_value(!expression_truth(&args[0]));
	case FN_BOOLEAN: return truth_value(expression_truth(&args[0]));
	case FN_IF: return take(expression_truth(&args[0]) ? &args[1] : &args[2]);
	case FN_NUMBER: return number_value(expression_number(&args[0]));
	case FN_INT: return number_value(trunc(expression_number(&args[0])));
	case FN_ABS: return number_value(fabs(expression_number(&args[0])));
	case FN_ROUND: return call_round(args, n);
	case FN_MIN: return call_extreme(args, n, false);
	case FN_MAX: return call_extreme(args, n, true);
	/* In a calculation that is derived anew each time, once() is its argument. */
	case FN_ONCE: return take(&args[0]);
	case FN_CONTAINS: case FN_STARTS_WITH: case FN_ENDS_WITH: case FN_SELECTED:
	case FN_COUNT_SELECTED: case FN_STRING_LENGTH: case FN_STRING: case FN_COALESCE:
	case FN_CONCAT: case FN_SUBSTR: case FN_SELECTED_AT: case FN_FORMAT_DATE: case FN_DATE:
	case FN_REGEX:
	default:
		return call_on_text(m, function, args, n);
	}
}

/* Replace the top n values by one. */
static void
replace(struct machine *m, size_t n, struct expression_value v)
{
	for (size_t i = 0; i < n; i++)
		free(m->stack[--m->top].owned);
	m->stack[m->top++] = v;
}

static void
push_operand(struct machine *m, const struct expression_step *s)
{
	const struct expression_scope *scope = m->scope;
	struct expression_value v = { .kind = EXPRESSION_TEXT, .text = "" };

	switch ((enum expression_op)s->op) {
	case OP_NUMBER: v = number_value(s->number); break;
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
step(struct machine *m, const struct expression_step *s)
{
	struct expression_value *top = m->top > 0 ? &m->stack[m->top - 1] : &m->stack[0];
	bool matches = false;

	switch ((enum expression_op)s->op) {
	case OP_NUMBER: case OP_TEXT: case OP_FIELD: case OP_COLUMN: case OP_CURRENT:
		push_operand(m, s);
		break;
	case OP_NEGATE:
		replace(m, 1, number_value(-expression_number(top)));
		break;
	case OP_REGEX:
		if (m->rc == RC_OK)
			m->rc = pattern_match(m->e->patterns[s->arg], text_of(m, top), &matches);
		replace(m, 1, truth_value(matches));
		break;
	case OP_CALL:
		replace(m, s->arg, call(m, s->function, &m->stack[m->top - s->arg], s->arg));
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
	struct machine m = { .e = e, .scope = scope };

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
