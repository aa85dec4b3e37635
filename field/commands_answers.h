#ifndef FIELD_COMMANDS_ANSWERS_H
#define FIELD_COMMANDS_ANSWERS_H

/* commands_answers: answers to a form as a command was given them: name=value, and --answers FILE. */
#include <stddef.h>

#include "shared/base/rc.h"
#include "shared/forms/form.h"

struct answers;
struct call;

/* Values that their fields do not take, one for a field: the first. */
struct commands_answers_refused {
	struct error of[FORM_FIELDS_MAX];	/* as the form's fields; code RC_OK: none */
};

/*
 * Answers to form: pairs in the arguments from number `first` on, after those of --answers.  An
 * empty value clears its field.  refused NULL: the first value that its field does not take is
 * RC_INVALID; else it is left out and noted there.
 * RC_USAGE, RC_FORMAT (no JSON of answers), RC_NOTFOUND (no such field).
 */
enum rc commands_answers_read(struct call *c, const struct form *form, size_t first,
    struct commands_answers_refused *refused, struct answers **out) RC_CHECK;

#endif
