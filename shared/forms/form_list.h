#ifndef SHARED_FORMS_FORM_LIST_H
#define SHARED_FORMS_FORM_LIST_H

/* form_list: choice lists, from choices.csv of a form or a file of schema/codes. */
#include <stddef.h>

#include "shared/base/rc.h"
#include "shared/forms/form.h"
#include "shared/forms/form_sheet.h"

struct form_lists {
	struct form_list **items;	/* each its own allocation: fields point to them */
	size_t n;
};

enum {
	FORM_LIST_COUNT_MAX = 512,	/* lists in a set or a form */
	FORM_LIST_CODE_MAX = 63		/* characters of a code or list name */
};

/* Add the lists of a sheet.  A list that is there already is an error. */
enum rc form_list_read(const struct form_sheet *sheet, struct form_lists *into,
    struct error *err) RC_CHECK;
const struct form_list *form_list_named(const struct form_lists *lists, const char *name);
void form_list_free_all(struct form_lists *lists);

#endif
