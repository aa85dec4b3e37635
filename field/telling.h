#ifndef FIELD_TELLING_H
#define FIELD_TELLING_H

/* telling: what commands need that speak of cases and terms: the desk, the rules, and words for codes. */
#include "shared/records/case_story.h"

struct call;

struct telling {
	struct call *c;
	struct case_desk desk;
	struct case_rules *rules;	/* in force; case_rules_free */
};

enum rc telling_open(struct call *c, struct telling *t) RC_CHECK;
/* The label of a code in a list of the forms, or the code. */
const char *telling_label(const struct telling *t, const char *list, const char *code);
/* The word of the rules for a code. */
const char *telling_word(const struct telling *t, const char *list, const char *code);

#endif
