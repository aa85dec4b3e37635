#ifndef SHARED_FORMS_FORM_SURVEY_H
#define SHARED_FORMS_FORM_SURVEY_H

/* form_survey: the survey and settings sheets of one form, made into a struct form. */
#include "shared/base/rc.h"
#include "shared/forms/form.h"
#include "shared/forms/form_list.h"
#include "shared/forms/form_sheet.h"

enum {
	FORM_NESTING_MAX = 16,		/* groups in groups */
	FORM_SECTIONS_MAX = 200,	/* groups of a form */
	FORM_STATEMENTS_MAX = 100,	/* groups that are one statement */
	FORM_STATEMENT_FIELDS_MAX = 64	/* fields of one: formats.md, "Entry" */
};

/*
 * Fill *form, which is zeroed and whose name is set.  Lists come from `own`
 * first, then from `shared`.  On failure what was filled is left to
 * form_survey_reset.
 */
enum rc form_survey_settings(const struct form_sheet *settings, struct form *form,
    struct error *err) RC_CHECK;
enum rc form_survey_read(const struct form_sheet *survey, const struct form_lists *own,
    const struct form_lists *shared, struct form *form, struct error *err) RC_CHECK;
void form_survey_reset(struct form *form);

#endif
