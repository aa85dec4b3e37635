#ifndef SHARED_BASE_TERMINAL_H
#define SHARED_BASE_TERMINAL_H

/* terminal: prompts without echo, progress, and what the user's locale says. */
#include <stdbool.h>
#include <stddef.h>

#include "shared/base/rc.h"

bool terminal_is(int fd);

/*
 * Ask on the controlling terminal without echo.  At most max - 1 bytes, the
 * line feed dropped.  RC_NOTFOUND: there is no terminal, or nothing was typed.
 * RC_LIMIT: too long.  A signal meanwhile takes effect once the echo is back.
 */
enum rc terminal_ask_secret(const char *prompt, char *out, size_t max,
    struct error *err) RC_CHECK;

/* Columns that text takes on a terminal (wide and combining ones counted). */
size_t terminal_width(const char *text);

/* "vi" or "en", from LC_ALL, LC_MESSAGES, LANG; "vi" when they say neither. */
const char *terminal_language(void);

#endif
