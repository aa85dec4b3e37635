#include "shared/vault/checked_file.h"

#include <stdlib.h>
#include <string.h>

#include "shared/base/file_stream.h"
#include "shared/base/files.h"
#include "shared/vault/digest.h"

enum { SUM_BYTES = 32, READ_BYTES = 65536 };

static const char label[] = "field-output-1";

struct checked_file {
	struct file_stream *file;
	struct digest sum;
	char path[FILES_PATH_MAX];
};

enum rc
checked_file_create(const char *path, struct checked_file **out, struct error *err)
{
	struct checked_file *f = calloc(1, sizeof(*f));
	enum rc rc;

	*out = NULL;
	if (f == NULL)
		return RC_NOMEM;
	digest_start(&f->sum, SUM_BYTES, NULL, 0, label);
	if ((rc = file_stream_create(path, &f->file, err)) != RC_OK) {
		checked_file_close(f);
		return rc;
	}
	memcpy(f->path, path, strlen(path) + 1);	/* no longer than FILES_PATH_MAX, or that had failed */
	*out = f;
	return RC_OK;
}

enum rc
checked_file_put(struct checked_file *f, const uint8_t *data, size_t len, struct error *err)
{
	digest_put(&f->sum, data, len);
	return file_stream_put(f->file, data, len, err);
}

/* Does the disk give back what was written? */
static enum rc
read_back(struct checked_file *f, struct error *err)
{
	uint8_t *buf = malloc(READ_BYTES), wanted[SUM_BYTES], found[SUM_BYTES];
	struct digest sum;
	size_t n = READ_BYTES;
	enum rc rc = buf == NULL ? RC_NOMEM : file_stream_rewind(f->file, err);

	digest_start(&sum, SUM_BYTES, NULL, 0, label);
	while (rc == RC_OK && n == READ_BYTES) {
		rc = file_stream_get(f->file, buf, READ_BYTES, &n, err);
		if (rc == RC_OK)
			digest_put(&sum, buf, n);
	}
	digest_end(&sum, found);
	digest_end(&f->sum, wanted);
	free(buf);
	if (rc == RC_OK && memcmp(wanted, found, SUM_BYTES) != 0)
		return error_set(err, RC_DAMAGED, f->path, "try another disk or stick",
		    "what was written cannot be read back: nothing was kept");
	return rc;
}

enum rc
checked_file_finish(struct checked_file *f, struct error *err)
{
	enum rc rc = read_back(f, err);

	if (rc == RC_OK) {
		rc = file_stream_finish(f->file, err);
		f->file = NULL;
	}
	checked_file_close(f);
	return rc;
}

void
checked_file_close(struct checked_file *f)
{
	if (f == NULL)
		return;
	file_stream_close(f->file);
	free(f);
}
