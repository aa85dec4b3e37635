#include "shared/sync/form_parcel.h"

#include <stdlib.h>
#include <string.h>

#include "shared/forms/form.h"
#include "shared/sync/pack.h"

enum { PATH_MAX_BYTES = 200 };

enum rc
form_parcel_write(const struct form_file *files, size_t n, struct bytes *payload)
{
	struct bytes all;
	enum rc rc;

	if (n > FORM_FILES_MAX)
		return RC_LIMIT;
	bytes_init(&all);
	bytes_varint(payload, n);
	for (size_t i = 0; i < n; i++) {
		bytes_span(payload, files[i].name, strlen(files[i].name));
		bytes_varint(payload, files[i].len);
		bytes_put(&all, files[i].data, files[i].len);
	}
	rc = all.rc != RC_OK ? all.rc : pack_squeeze(all.data, all.len, NULL, payload);
	bytes_reset(&all);
	return rc != RC_OK ? rc : payload->rc;
}

static enum rc
read_list(struct reader *r, struct form_file *files, char **names, size_t n, size_t *total)
{
	const uint8_t *p;
	size_t len;

	*total = 0;
	for (size_t i = 0; i < n; i++) {
		p = reader_span(r, PATH_MAX_BYTES, &len);
		files[i].len = (size_t)reader_varint_max(r, FORM_SHEET_BYTES_MAX);
		if (r->bad)
			return RC_FORMAT;
		if ((names[i] = calloc(1, len + 1)) == NULL)
			return RC_NOMEM;
		memcpy(names[i], p, len);
		files[i].name = names[i];
		*total += files[i].len;
	}
	return RC_OK;
}

enum rc
form_parcel_open(const uint8_t *payload, size_t len, struct form_set **out, struct error *err)
{
	struct form_file *files = NULL;
	char **names = NULL;
	struct bytes all;
	struct reader r;
	size_t n, total, at = 0;
	enum rc rc;

	*out = NULL;
	bytes_init(&all);
	reader_init(&r, payload, len);
	n = (size_t)reader_varint_max(&r, FORM_FILES_MAX);
	files = calloc(n + 1, sizeof(*files));
	names = calloc(n + 1, sizeof(*names));
	if (files == NULL || names == NULL) {
		rc = RC_NOMEM;
		goto out;
	}
	if ((rc = read_list(&r, files, names, n, &total)) != RC_OK)
		goto out;
	if ((rc = pack_unsqueeze(payload + r.pos, reader_left(&r), NULL, total,
	    &all)) != RC_OK)
		goto out;
	for (size_t i = 0; i < n; i++) {
		files[i].data = all.data + at;
		at += files[i].len;
	}
	rc = form_set_load(files, n, out, err);
out:
	for (size_t i = 0; names != NULL && i < n; i++)
		free(names[i]);
	free(names);
	free(files);
	bytes_reset(&all);
	if (rc != RC_OK)
		return error_set(err, rc, "published form set",
		    "ask the province to publish its forms again", "the form set does not load");
	return RC_OK;
}
