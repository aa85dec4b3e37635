#include "field/commands_discreet.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "shared/base/text.h"
#include "shared/records/entry.h"

enum { CODE_DIGITS = 4 };

const char *
commands_discreet_code(const struct dot *id, char out[COMMANDS_CODE_MAX])
{
	char text[DOT_TEXT_MAX];

	dot_text(id, text);
	snprintf(out, COMMANDS_CODE_MAX, "%.*s%s", (int)CODE_DIGITS, text, strchr(text, '.'));
	return out;
}

bool
commands_discreet_shows(const struct form_field *field)
{
	return field->sensitivity != FORM_SEC;
}

enum rc
commands_discreet_value(const struct form_field *field, const char *value, struct bytes *out)
{
	char *initials = NULL;
	enum rc rc;

	if (commands_discreet_shows(field)) {
		bytes_text(out, value);
		return out->rc;
	}
	if (field->type != FORM_TEXT || !form_field_looks(field, "name"))
		return RC_OK;
	if ((rc = text_initials(value, &initials)) != RC_OK)
		return rc;
	bytes_text(out, initials);
	free(initials);
	return out->rc;
}
