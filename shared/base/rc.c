#include "shared/base/rc.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static const struct {
	int exit_code;
	const char *name;
} table[] = {
	[RC_OK] = { 0, "done" },
	[RC_USAGE] = { 64, "usage" },
	[RC_FORMAT] = { 65, "bad data" },
	[RC_INVALID] = { 65, "breaks a rule" },
	[RC_CONFLICT] = { 65, "several values" },
	[RC_LIMIT] = { 65, "over a limit" },
	[RC_NOTFOUND] = { 66, "not found" },
	[RC_UNAVAILABLE] = { 69, "service unavailable" },
	[RC_INTERNAL] = { 70, "internal error" },
	[RC_NOMEM] = { 70, "out of memory" },
	[RC_EXISTS] = { 73, "exists already" },
	[RC_CREATE] = { 73, "cannot create" },
	[RC_IO] = { 74, "input or output failed" },
	[RC_FULL] = { 74, "no space left" },
	[RC_DAMAGED] = { 74, "damaged" },
	[RC_NET] = { 75, "no connection" },
	[RC_BUSY] = { 75, "busy" },
	[RC_PROTOCOL] = { 76, "protocol error" },
	[RC_AUTH] = { 77, "not authentic" },
	[RC_DENIED] = { 77, "not allowed" },
	[RC_NEWER] = { 78, "made by a newer version" },
	[RC_CONFIG] = { 78, "configuration" },
};

enum rc
error_set(struct error *err, enum rc code, const char *where,
    const char *help, const char *what, ...)
{
	va_list ap;

	if (err == NULL || err->code != RC_OK)
		return code;
	err->code = code;
	va_start(ap, what);
	vsnprintf(err->what, sizeof(err->what), what, ap);
	va_end(ap);
	snprintf(err->where, sizeof(err->where), "%s", where ? where : "");
	snprintf(err->help, sizeof(err->help), "%s", help ? help : "");
	return code;
}

void
error_clear(struct error *err)
{
	memset(err, 0, sizeof(*err));
}

int
rc_exit_code(enum rc code)
{
	if ((size_t)code >= sizeof(table) / sizeof(table[0]))
		return 70;
	return table[code].exit_code;
}

const char *
rc_name(enum rc code)
{
	if ((size_t)code >= sizeof(table) / sizeof(table[0]))
		return "unknown";
	return table[code].name;
}
