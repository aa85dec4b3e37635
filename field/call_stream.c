#include <stdlib.h>
#include <string.h>

#include "field/call.h"
#include "shared/base/file_stream.h"
#include "shared/base/files.h"
#include "shared/vault/digest.h"

/*
 * An output that is too large for memory: its pieces are written as they come, read
 * back from the disk when they are all there, and only then put in their place.
 */
enum { SUM_BYTES = 32, READ_BYTES = 65536 };

static const char label[] = "field-output-1";

struct call_stream {
	struct file_stream *file;
	struct digest sum;
};

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

enum rc
call_stream_put(void *ctx, const uint8_t *data, size_t len)
{
	struct call *c = ctx;
	const char *path = path_of(c, 'o');
	enum rc rc;

	if (c->stream == NULL) {
		if (path == NULL)
			return RC_INTERNAL;
		if ((c->stream = calloc(1, sizeof(*c->stream))) == NULL)
			return RC_NOMEM;
		digest_start(&c->stream->sum, SUM_BYTES, NULL, 0, label);
		if ((rc = file_stream_create(path, &c->stream->file, &c->err)) != RC_OK)
			return rc;
	}
	digest_put(&c->stream->sum, data, len);
	return file_stream_put(c->stream->file, data, len, &c->err);
}

/* Does the disk give back what was written? */
static enum rc
read_back(struct call *c)
{
	uint8_t *buf = malloc(READ_BYTES), wanted[SUM_BYTES], found[SUM_BYTES];
	struct digest sum;
	size_t n = READ_BYTES;
	enum rc rc = buf == NULL ? RC_NOMEM : file_stream_rewind(c->stream->file, &c->err);

	digest_start(&sum, SUM_BYTES, NULL, 0, label);
	while (rc == RC_OK && n == READ_BYTES) {
		rc = file_stream_get(c->stream->file, buf, READ_BYTES, &n, &c->err);
		if (rc == RC_OK)
			digest_put(&sum, buf, n);
	}
	digest_end(&sum, found);
	digest_end(&c->stream->sum, wanted);
	free(buf);
	if (rc == RC_OK && memcmp(wanted, found, SUM_BYTES) != 0)
		return error_set(&c->err, RC_DAMAGED, path_of(c, 'o'), "try another disk or stick",
		    "what was written cannot be read back: nothing was kept");
	return rc;
}

enum rc
call_stream_finish(struct call *c)
{
	enum rc rc;

	if (c->stream == NULL || c->stream->file == NULL)
		return RC_OK;
	if ((rc = read_back(c)) == RC_OK) {
		rc = file_stream_finish(c->stream->file, &c->err);
		c->stream->file = NULL;
	}
	return rc;
}

void
call_stream_reset(struct call *c)
{
	if (c->stream != NULL)
		file_stream_close(c->stream->file);
	free(c->stream);
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
