#ifndef SHARED_BASE_FILE_STREAM_H
#define SHARED_BASE_FILE_STREAM_H

/*
 * file_stream: a file too large for memory, written from its beginning to its end
 * beside the place where it will stand, or read.
 */
#include <stddef.h>
#include <stdint.h>

#include "shared/base/rc.h"

struct file_stream;

/* A new file beside path.  RC_CREATE: nothing can be made there, or path is no regular file. */
enum rc file_stream_create(const char *path, struct file_stream **out, struct error *err) RC_CHECK;
enum rc file_stream_put(struct file_stream *s, const uint8_t *data, size_t len,
    struct error *err) RC_CHECK;
/* Sync what was written, so that file_stream_get reads it from the disk, from the beginning. */
enum rc file_stream_rewind(struct file_stream *s, struct error *err) RC_CHECK;
/* Put it in its place, in one step; frees it, whatever comes of it. */
enum rc file_stream_finish(struct file_stream *s, struct error *err) RC_CHECK;

/* RC_NOTFOUND, RC_INVALID (not a regular file), RC_IO. */
enum rc file_stream_open(const char *path, struct file_stream **out, struct error *err) RC_CHECK;
/* *n < max only at the end. */
enum rc file_stream_get(struct file_stream *s, uint8_t *out, size_t max, size_t *n,
    struct error *err) RC_CHECK;

/* Close; what was written and not finished is removed.  NULL is allowed. */
void file_stream_close(struct file_stream *s);

#endif
