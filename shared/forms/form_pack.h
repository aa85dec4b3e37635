#ifndef SHARED_FORMS_FORM_PACK_H
#define SHARED_FORMS_FORM_PACK_H

/* form_pack: a form as the one workbook that ODK and KoboToolbox take. */
#include "shared/base/rc.h"
#include "shared/forms/form.h"

/*
 * Write path, replacing what is there: sheets survey, choices and settings as
 * in the form's CSV files, with the shared lists that the form uses added to
 * choices.  Our extension columns stay; the compartment goes into
 * attribute::field:compartment.  A form holds no person's data.
 * RC_NOTFOUND: the set has no such form.  RC_IO, RC_FULL, RC_LIMIT, RC_NOMEM.
 */
enum rc form_pack(const struct form_set *set, const char *form, const char *path,
    struct error *err) RC_CHECK;

#endif
