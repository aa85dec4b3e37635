#ifndef FIELD_IMPORT_FOUND_H
#define FIELD_IMPORT_FOUND_H

/* import_found: what is wrong with a sheet (import_sheet.h), noted while it is read. */
#include "field/import_sheet.h"

/* Something at a place, to be described; column SIZE_MAX: no one column.  NULL once enough is
 * told; that it is there counts all the same. */
struct import_found *import_found_add(struct import_sheet *s, size_t row, size_t column, bool warning);
/* An error. */
void import_found_say(struct import_sheet *s, size_t row, size_t column, const char *what,
    const char *help);
/* An error that was described elsewhere. */
void import_found_pass_on(struct import_sheet *s, size_t row, size_t column, const struct error *why);

/* The column of a field; SIZE_MAX: none, or no field. */
size_t import_found_column(const struct import_sheet *s, const struct form_field *field);

#endif
