/* What a value is as a text, a number, a truth, a date. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "shared/base/clock.h"
#include "shared/base/text.h"
#include "shared/forms/expression_code.h"

void
expression_value_reset(struct expression_value *v)
{
	free(v->owned);
	*v = (struct expression_value){ .kind = EXPRESSION_TEXT, .text = "" };
}

struct expression_value
expression_of_number(double n)
{
	return (struct expression_value){ .kind = EXPRESSION_NUMBER, .number = n, .text = "" };
}

struct expression_value
expression_of_truth(bool b)
{
	return (struct expression_value){ .kind = EXPRESSION_BOOLEAN, .number = b ? 1 : 0,
	    .text = "" };
}

struct expression_value
expression_of_text(struct expression_machine *m, const char *s, size_t len)
{
	char *p = malloc(len + 1);

	if (p == NULL) {
		m->rc = RC_NOMEM;
		return expression_of_number(nan(""));
	}
	memcpy(p, s, len);
	p[len] = '\0';
	return (struct expression_value){ .kind = EXPRESSION_TEXT, .text = p, .owned = p };
}

bool
expression_days(const char *s, bool partial, double *out)
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
		return expression_days(v->text, true, &days) ? days : nan("");
	case EXPRESSION_TEXT:
	default:
		return expression_days(v->text, false, &days) ? days : parse_number(v->text);
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

const char *
expression_as_text(struct expression_machine *m, struct expression_value *v)
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
