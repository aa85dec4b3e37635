#ifndef SHARED_FORMS_FORM_SHEET_H
#define SHARED_FORMS_FORM_SHEET_H

/* form_sheet: one CSV sheet of a form set, its columns and its places in words. */
#include <stddef.h>
#include <stdint.h>

#include "shared/base/csv.h"
#include "shared/base/rc.h"
#include "shared/forms/form.h"

struct form_sheet {
	char name[128];		/* what errors call it */
	struct csv csv;
};

enum { FORM_SHEET_WHERE_MAX = ERROR_WHERE_MAX };

/* `prefix` goes before the name in errors ("schema/").  RC_FORMAT, RC_LIMIT, RC_NOMEM. */
enum rc form_sheet_parse(const char *prefix, const struct form_file *file,
    struct form_sheet *out, struct error *err) RC_CHECK;
void form_sheet_reset(struct form_sheet *s);

/* Column "base::… (vi)" or "base::… (en)"; else the plain "base"; else SIZE_MAX. */
size_t form_sheet_language(const struct form_sheet *s, const char *base, enum form_lang lang);

/* "file:row:column", where row is the line in the file.  Returns out. */
const char *form_sheet_where(const struct form_sheet *s, size_t row, const char *column,
    char out[FORM_SHEET_WHERE_MAX]);

/* Describe an error in a cell; `word` (may be NULL) is quoted from the sheet. */
enum rc form_sheet_refuse(const struct form_sheet *s, size_t row, const char *column,
    struct error *err, enum rc rc, const char *what, const char *word);

/* The cell in normal form, a new string; *out is NULL if it is empty. */
enum rc form_sheet_text(const struct form_sheet *s, size_t row, size_t column,
    char **out, struct error *err) RC_CHECK;

/*
 * Every header must be known, end in a language of `bases`, or begin with one of
 * `prefixes` (NULL-terminated lists): a misspelt column must not drop a rule.
 */
enum rc form_sheet_check_headers(const struct form_sheet *s, const char *const *known,
    const char *const *prefixes, struct error *err) RC_CHECK;

#endif
