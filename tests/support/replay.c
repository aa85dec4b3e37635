#include "tests/support/replay.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "shared/base/bytes.h"
#include "shared/base/files.h"

static enum rc
run_file(const char *dir, const char *name, int (*one)(const uint8_t *, size_t))
{
	char path[FILES_PATH_MAX];
	struct bytes b;
	uint8_t *exact;
	enum rc rc = files_join(dir, name, path);

	bytes_init(&b);
	if (rc == RC_OK)
		rc = files_read(path, REPLAY_FILE_MAX, &b, NULL);
	/* A copy of just this size, so that a sanitizer sees the first byte too many. */
	exact = rc == RC_OK ? malloc(b.len > 0 ? b.len : 1) : NULL;
	if (rc == RC_OK && exact == NULL)
		rc = RC_NOMEM;
	if (rc == RC_OK) {
		if (b.len > 0)
			memcpy(exact, b.data, b.len);
		one(exact, b.len);
	} else {
		fprintf(stderr, "%s: %s\n", path, rc_name(rc));
	}
	free(exact);
	bytes_reset(&b);
	return rc;
}

int
replay_corpus(const char *dir, int (*one)(const uint8_t *data, size_t len))
{
	char **names = NULL;
	size_t n = 0, ran = 0;
	struct error err = { RC_OK, "", "", "" };
	int failed = 0;

	if (files_list(dir, &names, &n, &err) != RC_OK)
		fprintf(stderr, "%s: %s\n", dir, err.what);
	for (size_t i = 0; i < n; i++) {
		if (names[i][0] == '.')
			continue;
		if (run_file(dir, names[i], one) == RC_OK)
			ran++;
		else
			failed = 1;
	}
	files_names_free(names, n);
	if (ran == 0)
		fprintf(stderr, "%s: no corpus\n", dir);
	printf("%zu inputs\n", ran);
	return failed || ran == 0;
}
