#include "shared/forms/answer_value.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "shared/base/clock.h"
#include "shared/base/text.h"

enum { CODES_TOLD = 12 };	/* a longer list is not told in an error */

static const char digits[] = "0123456789";

/* -0012 -> -12, in place.  False: not an integer. */
static bool
canonical_integer(char *s)
{
	bool negative = s[0] == '-';
	char *p = s + negative;
	size_t zeroes, n = strspn(p, digits);

	if (n == 0 || p[n] != '\0')
		return false;
	zeroes = strspn(p, "0");
	zeroes = zeroes == n ? n - 1 : zeroes;
	if (n - zeroes > ANSWER_VALUE_DIGITS_MAX)
		return false;
	if (p[zeroes] == '0')
		negative = false;
	memmove(s + negative, p + zeroes, n - zeroes + 1);
	return true;
}

/* 01.50 -> 1.5, 3.0 -> 3, in place. */
static bool
canonical_decimal(char *s)
{
	char *point = strchr(s, '.');
	char fraction[ANSWER_VALUE_FRACTION_MAX + 1] = "";
	size_t n = 0;
	bool negative = s[0] == '-';

	if (point != NULL) {
		n = strspn(point + 1, digits);
		if (n == 0 || n > ANSWER_VALUE_FRACTION_MAX || point[1 + n] != '\0')
			return false;
		memcpy(fraction, point + 1, n);
		while (n > 0 && fraction[n - 1] == '0')
			n--;
		fraction[n] = '\0';
		*point = '\0';
	}
	if (!canonical_integer(s))
		return false;
	if (n == 0)
		return true;
	/* The point and zeroes that were cut leave room for what is put back. */
	size_t len = strlen(s);
	if (negative && s[0] != '-') {
		memmove(s + 1, s, len + 1);
		s[0] = '-';
		len++;
	}
	s[len] = '.';
	memcpy(s + len + 1, fraction, n + 1);
	return true;
}

/* log.n as in formats.md: a log is 16 digits of lower-case hex, n counts from 1. */
static bool
is_reference(const char *s)
{
	size_t log = strspn(s, "0123456789abcdef"), n;

	if (log != 16 || s[log] != '.')
		return false;
	s += log + 1;
	n = strspn(s, digits);
	return n > 0 && n <= 19 && s[n] == '\0' && s[0] != '0';
}

static enum rc
read_date(const struct form_field *field, char **text, const char *where, struct error *err)
{
	struct date d;
	char iso[11];

	if (date_parse(*text, &d) != RC_OK)
		return error_set(err, RC_INVALID, where, "write it as 17/05/1998 or 1998-05-17",
		    "not a date");
	if (d.day == 0 && !form_field_looks(field, "partial"))
		return error_set(err, RC_INVALID, where, "write it as 17/05/1998 or 1998-05-17",
		    "the date needs its day and month");
	date_iso(&d, iso);
	free(*text);
	*text = text_dup(iso);
	return *text != NULL ? RC_OK : RC_NOMEM;
}

static enum rc
read_typed(const struct form_field *field, char **text, const char *where, struct error *err)
{
	switch (field->type) {
	case FORM_TEXT:
		if (text_length(*text) > FORM_TEXT_MAX)
			return error_set(err, RC_INVALID, where, "shorten it",
			    "the text is longer than %d characters", FORM_TEXT_MAX);
		return RC_OK;
	case FORM_INTEGER:
		return canonical_integer(*text) ? RC_OK : error_set(err, RC_INVALID, where,
		    "digits only, at most 15", "not a whole number");
	case FORM_DECIMAL:
		return canonical_decimal(*text) ? RC_OK : error_set(err, RC_INVALID, where,
		    "digits and one point, at most 6 digits after it", "not a number");
	case FORM_DATE:
		return read_date(field, text, where, err);
	case FORM_SELECT_ONE:
	case FORM_SELECT_MULTIPLE:
		return form_choice_find(field->list, *text) != NULL ? RC_OK : error_set(err,
		    RC_INVALID, where, NULL, "not a code of the list %s", field->list->name);
	case FORM_REFERENCE:
		return is_reference(*text) ? RC_OK : error_set(err, RC_INVALID, where,
		    "take it from field list or field search", "not the id of a record");
	case FORM_NOTE:
	case FORM_CALCULATE:
	default:
		return error_set(err, RC_INVALID, where, "leave it out",
		    "the field is shown or derived, it takes no value");
	}
}

enum rc
answer_value_read(const struct form_field *field, const char *s, size_t len,
    char **out, const char *where, struct error *err)
{
	char *text = NULL;
	enum rc rc;

	*out = NULL;
	/* No character takes more than 4 bytes; outer blanks may double that. */
	if (len > (size_t)FORM_TEXT_MAX * 8)
		return error_set(err, RC_INVALID, where, "shorten it",
		    "the text is longer than %d characters", FORM_TEXT_MAX);
	rc = text_normalise(s, len, &text);
	if (rc == RC_FORMAT)
		return error_set(err, RC_INVALID, where,
		    "type it again: it holds hidden signs, or letters of another encoding (TCVN3, VNI)",
		    "not clean UTF-8 text");
	if (rc != RC_OK)
		return rc;
	if (text[0] != '\0')
		rc = read_typed(field, &text, where, err);
	if (rc != RC_OK) {
		free(text);
		return rc;
	}
	*out = text;
	return RC_OK;
}

void
answer_value_advise(const struct form_field *field, enum form_lang lang, struct error *err)
{
	const struct form_list *list = field->list;
	size_t len = 0;

	if (list == NULL || err->help[0] != '\0')
		return;
	if (list->n_choices > CODES_TOLD) {
		snprintf(err->help, sizeof(err->help), "field forms show lists the codes");
		return;
	}
	for (size_t i = 0; i < list->n_choices; i++) {
		const struct form_choice *c = &list->choices[i];
		size_t more = strlen(c->code) + strlen(c->label[lang]) + 5;

		if (len + more >= sizeof(err->help))
			break;
		len += (size_t)snprintf(err->help + len, sizeof(err->help) - len, "%s%s = %s",
		    len > 0 ? "; " : "", c->code, c->label[lang]);
	}
}
