#include "shared/base/files.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum rc
files_join(const char *dir, const char *name, char out[FILES_PATH_MAX])
{
	size_t len = strlen(dir);
	const char *slash = len > 0 && dir[len - 1] != '/' ? "/" : "";
	int n = snprintf(out, FILES_PATH_MAX, "%s%s%s", dir, slash, name);

	if (n >= 0 && n < FILES_PATH_MAX)
		return RC_OK;
	out[0] = '\0';
	return RC_LIMIT;
}

enum rc
files_rc_of_errno(int e)
{
	return e == ENOSPC || e == EDQUOT || e == EFBIG ? RC_FULL : RC_IO;
}

void
files_names_free(char **names, size_t n)
{
	for (size_t i = 0; names != NULL && i < n; i++)
		free(names[i]);
	free(names);
}
