#ifndef SHARED_FORMS_FORM_SURVEY_PARTS_H
#define SHARED_FORMS_FORM_SURVEY_PARTS_H

/*
 * form_survey_parts: what the readers of a survey sheet share: form_survey.c
 * (rows), form_survey_columns.c (our extension columns) and
 * form_survey_rules.c (expressions, and the order in which they are worked out).
 */
#include "shared/forms/form_survey.h"

/* A group of the sheet: a section on the page, and a common relevance. */
struct section {
	size_t row;
	size_t parent;		/* SIZE_MAX: none */
	int labelled;		/* of form->sections: the nearest one, itself included, or -1 */
	bool has_relevant;
};

struct survey {
	const struct form_sheet *sheet;
	const struct form_lists *own;
	const struct form_lists *shared;
	struct form *form;
	struct error *err;
	size_t label[FORM_LANGS];
	struct section sections[FORM_SECTIONS_MAX];
	size_t n_sections;
	size_t open;		/* innermost open section, or SIZE_MAX */
	size_t depth;
	size_t section_of[FORM_FIELDS_MAX];
	const struct form_list *list;	/* of the current choice filter */
};

/* Cell of a column by its header, "" if there is no such column. */
const char *form_survey_cell(const struct survey *s, size_t row, const char *column);
/* RC_FORMAT with the place; `word` (may be NULL) is quoted from the sheet. */
enum rc form_survey_refuse(const struct survey *s, size_t row, const char *column,
    const char *what, const char *word);

/* number, merge, sensitivity, refers and group of a field whose type is known. */
enum rc form_survey_columns(struct survey *s, size_t row, struct form_field *f) RC_CHECK;
/* All expressions, once all names are known; then form->order. */
enum rc form_survey_rules(struct survey *s) RC_CHECK;

#endif
