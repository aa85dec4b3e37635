#ifndef FIELD_COMMANDS_DISCREET_H
#define FIELD_COMMANDS_DISCREET_H

/*
 * commands_discreet: what of a record may stand in a list that others see over one's shoulder: a code
 * and initials, no name.
 */
#include "shared/base/bytes.h"
#include "shared/forms/form.h"

struct dot;

enum { COMMANDS_CODE_MAX = 32 };

/* A record's short code: the first digits of its id and its number, "61f3.12". */
const char *commands_discreet_code(const struct dot *id, char out[COMMANDS_CODE_MAX]);
/* May the field's value stand there as it is? */
bool commands_discreet_shows(const struct form_field *field);
/* What may stand there of a value, appended: all, of a name its initials, of a secret nothing. */
enum rc commands_discreet_value(const struct form_field *field, const char *value,
    struct bytes *out) RC_CHECK;

#endif
