#include "shared/base/terminal.h"

#include <stdlib.h>
#include <string.h>

#include "shared/base/text.h"

size_t
terminal_width(const char *text)
{
	return text_width(text);
}

/* Does a locale such as vi_VN.UTF-8 name this language? */
static bool
names(const char *locale, const char *language)
{
	size_t len = strlen(language);

	return strncmp(locale, language, len) == 0 && strchr("_.@-", locale[len]) != NULL;
}

const char *
terminal_language(void)
{
	static const char *const variables[] = { "LC_ALL", "LC_MESSAGES", "LANG" };

	/* the first that is set decides, as for every program (POSIX, XBD 8.2) */
	for (size_t i = 0; i < sizeof(variables) / sizeof(variables[0]); i++) {
		const char *locale = getenv(variables[i]);

		if (locale != NULL && locale[0] != '\0')
			return names(locale, "en") ? "en" : "vi";
	}
	return "vi";
}
