/* The functions of expressions. */
#include <math.h>
#include <string.h>

#include "shared/base/bytes.h"
#include "shared/base/clock.h"
#include "shared/base/text.h"
#include "shared/forms/expression_code.h"

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
date_value(struct expression_machine *m, double days)
{
	struct date d;
	char iso[11];

	/* Years 1800 to 2200, as in clock.h. */
	if (!(days >= -62091 && days <= 84370))
		return expression_of_text(m, "", 0);
	date_from_days((int64_t)floor(days), &d);
	date_iso(&d, iso);
	struct expression_value v = expression_of_text(m, iso, strlen(iso));
	if (m->rc == RC_OK)
		v.kind = EXPRESSION_DATE;
	return v;
}

static struct expression_value
call_date(struct expression_machine *m, struct expression_value *a)
{
	double days;

	if (a->kind == EXPRESSION_NUMBER)
		return date_value(m, a->number);
	if (!expression_days(expression_as_text(m, a), true, &days))
		return expression_of_text(m, "", 0);
	struct expression_value v = expression_of_text(m, a->text, strlen(a->text));
	if (m->rc == RC_OK)
		v.kind = EXPRESSION_DATE;
	return v;
}

static struct expression_value
call_concat(struct expression_machine *m, struct expression_value *args, size_t n)
{
	struct bytes b;
	struct expression_value v = expression_of_number(nan(""));

	bytes_init(&b);
	for (size_t i = 0; i < n; i++) {
		bytes_text(&b, expression_as_text(m, &args[i]));
		if (b.len > EXPRESSION_TEXT_MAX)
			m->rc = RC_LIMIT;
	}
	if (b.rc != RC_OK)
		m->rc = b.rc;
	if (m->rc == RC_OK)
		v = expression_of_text(m, b.data != NULL ? (const char *)b.data : "", b.len);
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
call_substr(struct expression_machine *m, struct expression_value *args, size_t n)
{
	const char *s = expression_as_text(m, &args[0]);
	double len = (double)text_length(s);
	double start = expression_number(&args[1]);
	double end = n > 2 ? expression_number(&args[2]) : len;

	if (isnan(start) || isnan(end))
		return expression_of_text(m, "", 0);
	start = trunc(start < 0 ? start + len : start);
	end = trunc(end < 0 ? end + len : end);
	start = start < 0 ? 0 : start;
	if (end <= start)
		return expression_of_text(m, "", 0);
	size_t from = offset_of(s, start), to = offset_of(s, end);
	return expression_of_text(m, s + from, to - from);
}

static struct expression_value
call_extreme(struct expression_value *args, size_t n, bool largest)
{
	double best = expression_number(&args[0]);

	for (size_t i = 1; i < n; i++) {
		double x = expression_number(&args[i]);

		if (isnan(x) || isnan(best))
			return expression_of_number(nan(""));
		if (largest ? x > best : x < best)
			best = x;
	}
	return expression_of_number(best);
}

static struct expression_value
call_round(struct expression_value *args, size_t n)
{
	double x = expression_number(&args[0]);
	double places = n > 1 ? trunc(expression_number(&args[1])) : 0;

	if (!(places >= 0 && places <= 6))
		return expression_of_number(nan(""));
	double scale = 1;
	for (; places > 0; places -= 1)
		scale *= 10;
	return expression_of_number(floor(x * scale + 0.5) / scale);
}

static struct expression_value
call_format_date(struct expression_machine *m, struct expression_value *args)
{
	const char *s = expression_as_text(m, &args[0]), *f = expression_as_text(m, &args[1]);
	struct date d;
	struct bytes b;
	double days;
	struct expression_value v;

	if (args[0].kind == EXPRESSION_NUMBER || !expression_days(s, true, &days) ||
	    date_parse(s, &d) != RC_OK)
		return expression_of_text(m, "", 0);
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
	v = expression_of_text(m, b.data != NULL ? (const char *)b.data : "", b.len);
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
call_selected_at(struct expression_machine *m, struct expression_value *args)
{
	double n = expression_number(&args[1]);
	size_t len = 0;
	const char *w = NULL;

	if (n >= 0 && n < 10000)
		w = word_at(expression_as_text(m, &args[0]), (size_t)n, &len);
	return expression_of_text(m, w != NULL ? w : "", w != NULL ? len : 0);
}

static struct expression_value
call_on_text(struct expression_machine *m, uint8_t function, struct expression_value *args,
    size_t n)
{
	const char *a = n > 0 ? expression_as_text(m, &args[0]) : "";
	const char *b = n > 1 ? expression_as_text(m, &args[1]) : "";

	switch ((enum expression_function)function) {
	case FN_CONTAINS: return expression_of_truth(strstr(a, b) != NULL);
	case FN_STARTS_WITH: return expression_of_truth(strncmp(a, b, strlen(b)) == 0);
	case FN_ENDS_WITH: return expression_of_truth(ends_with(a, b));
	case FN_SELECTED: return expression_of_truth(is_selected(a, b));
	case FN_COUNT_SELECTED: return expression_of_number(count_words(a));
	case FN_STRING_LENGTH: return expression_of_number((double)text_length(a));
	case FN_STRING: return expression_of_text(m, a, strlen(a));
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
		return expression_of_number(nan(""));
	}
}

struct expression_value
expression_call(struct expression_machine *m, uint8_t function, struct expression_value *args,
    size_t n)
{
	switch ((enum expression_function)function) {
	case FN_TRUE: return expression_of_truth(true);
	case FN_FALSE: return expression_of_truth(false);
	case FN_TODAY: return date_value(m, (double)m->scope->today_days);
	case FN_NOT: return expression_of_truth(!expression_truth(&args[0]));
	case FN_BOOLEAN: return expression_of_truth(expression_truth(&args[0]));
	case FN_IF: return take(expression_truth(&args[0]) ? &args[1] : &args[2]);
	case FN_NUMBER: return expression_of_number(expression_number(&args[0]));
	case FN_INT: return expression_of_number(trunc(expression_number(&args[0])));
	case FN_ABS: return expression_of_number(fabs(expression_number(&args[0])));
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
