#include <stdlib.h>
#include <string.h>

#include "field/call.h"
#include "shared/base/file_stream.h"
#include "shared/base/files.h"
#include "shared/vault/checked_file.h"

struct call_source {
	struct file_stream *file;	/* NULL: standard input */
	struct bytes all;		/* of standard input */
	size_t at;
};

/* The first argument of a kind. */
static const char *
path_of(const struct call *c, char kind)
{
	for (size_t i = 0; i < c->n_args; i++)
		if (call_kind_of_arg(c, i) == kind)
			return c->args[i];
	return NULL;
}

/* An output that is too large for memory is written as it comes, and put in its place when it is all there. */
enum rc
call_stream_put(void *ctx, const uint8_t *data, size_t len)
{
	struct call *c = ctx;
	const char *path = path_of(c, 'o');
	enum rc rc;

	if (c->stream == NULL) {
		if (path == NULL)
			return RC_INTERNAL;
		if ((rc = checked_file_create(path, &c->stream, &c->err)) != RC_OK)
			return rc;
	}
	return checked_file_put(c->stream, data, len, &c->err);
}

enum rc
call_stream_finish(struct call *c)
{
	struct checked_file *file = c->stream;

	c->stream = NULL;
	return file == NULL ? RC_OK : checked_file_finish(file, &c->err);
}

void
call_stream_reset(struct call *c)
{
	checked_file_close(c->stream);
	c->stream = NULL;
	if (c->source != NULL) {
		file_stream_close(c->source->file);
		bytes_reset(&c->source->all);
	}
	free(c->source);
	c->source = NULL;
}

enum rc
call_stream_open(struct call *c)
{
	const char *path = path_of(c, 's');

	if (path == NULL)
		return RC_OK;
	if ((c->source = calloc(1, sizeof(*c->source))) == NULL)
		return RC_NOMEM;
	bytes_init(&c->source->all);
	if (strcmp(path, "-") == 0)
		return files_read(path, CALL_INPUT_MAX, &c->source->all, &c->err);
	return file_stream_open(path, &c->source->file, &c->err);
}

enum rc
call_stream_get(void *ctx, uint8_t *buf, size_t max, size_t *n)
{
	struct call *c = ctx;
	struct call_source *s = c->source;

	*n = 0;
	if (s == NULL)
		return RC_INTERNAL;
	if (s->file != NULL)
		return file_stream_get(s->file, buf, max, n, &c->err);
	*n = s->all.len - s->at < max ? s->all.len - s->at : max;
	if (*n > 0)
		memcpy(buf, s->all.data + s->at, *n);
	s->at += *n;
	return RC_OK;
}
