#ifndef SHARED_BASE_EMBEDDED_H
#define SHARED_BASE_EMBEDDED_H

/* embedded: the files of schema/ that ship inside the programs. */
#include <stddef.h>

struct embedded {
	const char *name;		/* path below schema/ */
	const unsigned char *data;	/* followed by a NUL that len leaves out */
	size_t len;
};

extern const struct embedded embedded_table[];	/* sorted by name */
extern const unsigned long embedded_count;

/* The file of that name, or NULL. */
const struct embedded *embedded_find(const char *name);

#endif
