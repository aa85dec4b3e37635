#ifndef TESTS_CRASH_CRASH_POSIX_H
#define TESTS_CRASH_CRASH_POSIX_H

/* crash_posix: the calls of POSIX that the linker leads here; see crash_calls. */

#include <stdbool.h>

struct crash_disk;
struct crash_calls_rules;

/* Forget all open files. */
void crash_posix_reset(void);

/* From crash_calls. */
const struct crash_calls_rules *crash_calls_rules(void);
/* The disk that a path leads to; *name is the file's, NULL for the folder.  NULL: to none. */
struct crash_disk *crash_calls_at(const char *path, const char **name);
/* Of a disk that is there: no other has it. */
unsigned crash_calls_number(const struct crash_disk *d);
/* Does the path lead below CRASH_ROOT, whether or not a disk is there? */
bool crash_calls_ours(const char *path);

#endif
