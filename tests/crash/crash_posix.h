#ifndef TESTS_CRASH_CRASH_POSIX_H
#define TESTS_CRASH_CRASH_POSIX_H

/* crash_posix: the calls of POSIX that the linker leads here; see crash_calls. */

struct crash_disk;
struct crash_calls_rules;

/* Forget all open files. */
void crash_posix_reset(void);

/* From crash_calls. */
struct crash_disk *crash_calls_disk(void);
const struct crash_calls_rules *crash_calls_rules(void);
/* The name in CRASH_FOLDER; NULL: the path leads elsewhere. */
const char *crash_calls_name(const char *path);

#endif
