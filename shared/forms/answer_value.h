#ifndef SHARED_FORMS_ANSWER_VALUE_H
#define SHARED_FORMS_ANSWER_VALUE_H

/* answer_value: one typed value, from what was typed in to its canonical text. */
#include <stddef.h>

#include "shared/base/rc.h"
#include "shared/forms/form.h"

enum {
	ANSWER_VALUE_DIGITS_MAX = 15,	/* of an integer: what a double holds exactly */
	ANSWER_VALUE_FRACTION_MAX = 6	/* digits after the point of a decimal */
};

/*
 * s is len bytes as typed; blanks around it do not count.  *out is a new
 * string, "" if nothing was typed: text in form C, integers without leading
 * zeroes, decimals without trailing ones, dates ISO, codes, references log.n.
 * RC_INVALID: not a value of the field's type, not clean UTF-8, too long.
 * RC_NOMEM.  The description names `where`, never the value.
 */
enum rc answer_value_read(const struct form_field *field, const char *s, size_t len,
    char **out, const char *where, struct error *err) RC_CHECK;

/*
 * What to do about a value that was refused, where the refusal does not say: the codes of a short
 * list with their labels, or how to see those of a long one.
 */
void answer_value_advise(const struct form_field *field, enum form_lang lang, struct error *err);

#endif
