#ifndef SHARED_VAULT_CHECKED_FILE_H
#define SHARED_VAULT_CHECKED_FILE_H

/*
 * checked_file: a file for a disk that is not to be trusted, a stick: written piece by piece
 * beside its place, synced, read back, and only then put there, in one step.  Until then what
 * stood there stays; a program that is killed leaves a file of another name (FILES_BESIDE).
 */
#include <stddef.h>
#include <stdint.h>

#include "shared/base/rc.h"

struct checked_file;

/* path is copied.  RC_CREATE: nothing can be made there, or it is no regular file. */
enum rc checked_file_create(const char *path, struct checked_file **out, struct error *err) RC_CHECK;
/* RC_FULL, RC_IO. */
enum rc checked_file_put(struct checked_file *f, const uint8_t *data, size_t len,
    struct error *err) RC_CHECK;
/*
 * All is written: put it in its place.  Frees it, whatever comes of it.
 * RC_DAMAGED: what was written cannot be read back, and nothing was kept.  RC_FULL, RC_IO.
 */
enum rc checked_file_finish(struct checked_file *f, struct error *err) RC_CHECK;
/* What was written and not finished is removed.  NULL is allowed. */
void checked_file_close(struct checked_file *f);

#endif
