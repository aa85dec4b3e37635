#include <stdlib.h>
#include <string.h>

#include "field/call.h"
#include "shared/base/file_stream.h"
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

/* The first argument that names an output. */
static const char *
path_of(const struct call *c)
{
	for (size_t i = 0; i < c->n_args; i++)
		if (call_kind_of_arg(c, i) == 'o')
			return c->args[i];
	return NULL;
}

enum rc
call_stream_put(void *ctx, const uint8_t *data, size_t len)
{
	struct call *c = ctx;
	const char *path = path_of(c);
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
		return error_set(&c->err, RC_DAMAGED, path_of(c), "try another disk or stick",
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
}
