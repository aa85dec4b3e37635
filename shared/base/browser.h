#ifndef SHARED_BASE_BROWSER_H
#define SHARED_BASE_BROWSER_H

/* browser: the user's own, as the desktop knows it. */
#include <stdbool.h>

/* Show a file (a path, absolute or not).  false: there is no browser; what it does later is not known. */
bool browser_open(const char *path);

#endif
