#ifndef SHARED_BASE_MEMORY_H
#define SHARED_BASE_MEMORY_H

/*
 * memory: nothing stays behind in it.  With the GNU C library this module takes the place of
 * free() and realloc() in the whole process, libraries included, and overwrites every block before
 * it is given back; in builds with sanitizers, and with other libraries, it does not.
 */
#include <stdbool.h>

bool memory_wipes_freed(void);

/* Overwrite what earlier calls left on this thread's stack, beyond what is in use, and in vector registers. */
void memory_wipe_stack(void);

/* Overwrite the arguments of main(), which are of no use afterwards. */
void memory_wipe_arguments(int argc, char **argv);

#endif
