#ifndef SHARED_FORMS_ANSWERS_H
#define SHARED_FORMS_ANSWERS_H

/*
 * answers: the typed answers to one form, checked against it.
 * Text arrives as typed; it is normalised (NFC), bounded and typed here, and
 * nowhere else.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "shared/base/rc.h"
#include "shared/forms/form.h"

enum { ANSWERS_ITEMS_MAX = 200 };	/* values of one list field */

/* One value as a form sees it: canonical text.  Dates ISO, integers without
 * leading zeroes, codes as in their list, references as log.n. */
struct answer {
	const struct form_field *field;
	char **items;		/* one, or several for a `many` or select_multiple field */
	size_t n_items;		/* 0: answered with nothing (cleared) */
};

struct answers;

enum rc answers_new(const struct form *form, const struct form_set *set,
    struct answers **out) RC_CHECK;
void answers_free(struct answers *a);

/*
 * Add one typed value to a field, as the user wrote it.  For a list field
 * "a,b" is two values (a comma in free text of an append field is kept).
 * RC_NOTFOUND: no such field.  RC_INVALID: wrong type, unknown code, over a
 * limit, not clean UTF-8.  Errors read "form.field", never the value.
 */
enum rc answers_add(struct answers *a, const char *field, const char *value,
    struct error *err) RC_CHECK;
/* Forget what was given for a field and make it answered with nothing. */
enum rc answers_clear(struct answers *a, const char *field, struct error *err) RC_CHECK;

/* One breach of a rule of the form. */
struct answers_breach {
	const struct form_field *field;
	char *message[FORM_LANGS];
};

/*
 * Evaluate the form: defaults for what was not given (only if with_defaults),
 * calculations, relevance, required, constraints, choice filters.  Answers of
 * fields that are not relevant are a breach unless empty.  today is the date
 * for today().
 * RC_OK: valid.  RC_INVALID: *breaches holds at least one, err the first of
 * them; free with answers_breaches_free.
 */
enum rc answers_check(struct answers *a, int64_t today_days, bool with_defaults,
    struct answers_breach **breaches, size_t *n, enum form_lang lang,
    struct error *err) RC_CHECK;
/*
 * Answers that are not as the form expects (form_field.expected): they are allowed, and people are
 * told.  today as for answers_check.  Free *warnings with answers_breaches_free.
 */
enum rc answers_warn(struct answers *a, int64_t today_days, struct answers_breach **warnings,
    size_t *n, struct error *err) RC_CHECK;
void answers_breaches_free(struct answers_breach *b, size_t n);

/* What there is, in the order of the form; borrowed until the next call. */
size_t answers_count(const struct answers *a);
const struct answer *answers_at(const struct answers *a, size_t i);
const struct answer *answers_find(const struct answers *a, const char *field);
/* The value of a calculation after answers_check, "" if not relevant. */
const char *answers_calculated(const struct answers *a, const char *field);
/* Is the field relevant, after answers_check? */
bool answers_relevant(const struct answers *a, const struct form_field *field);
/* Does the field need an answer as things stand, after answers_check?  Never what is not relevant. */
enum rc answers_required(const struct answers *a, const struct form_field *field, bool *out) RC_CHECK;
/* Does the field's choice filter let this code of its list through, after answers_check? */
enum rc answers_offers(const struct answers *a, const struct form_field *field,
    const char *code, bool *out) RC_CHECK;

#endif
