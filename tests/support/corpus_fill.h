#ifndef TESTS_SUPPORT_CORPUS_FILL_H
#define TESTS_SUPPORT_CORPUS_FILL_H

/* corpus_fill: answers to a form of which nothing is known but the form. */
#include "shared/forms/form.h"
#include "tests/support/corpus_answers.h"

/*
 * Answer what is not answered yet: what must be, and `percent` of the rest.  No references.
 * end: the first day of which nothing is known yet; a case is closed before it or not at all.
 */
void corpus_fill(struct corpus_sheet *s, const struct form *form, unsigned percent, int64_t end);
/* Is it left out, since few records answer it, and what it says must fit to others? */
bool corpus_fill_leaves(const struct form_field *field);

#endif
