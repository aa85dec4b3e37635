#include "tests/support/vectors.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LINE_MAX_BYTES = 65536 };

static void
stop(const char *file, const char *key, const char *why)
{
	fprintf(stderr, "tests/vectors/%s.hex: %s: %s\n", file, key, why);
	abort();
}

/* The hex digits of `key`, if the line is its. */
static char *
value_of(char *line, const char *key)
{
	size_t n = strlen(key);

	if (strncmp(line, key, n) != 0 || strncmp(line + n, " = ", 3) != 0)
		return NULL;
	line[strcspn(line, "\r\n")] = '\0';
	return line + n + 3;
}

struct bytes
vectors_get(const char *file, const char *key)
{
	struct bytes out = { 0 };
	char *line = malloc(LINE_MAX_BYTES), *hex = NULL;
	char path[256];
	uint8_t *to = NULL;
	FILE *f;

	snprintf(path, sizeof path, "tests/vectors/%s.hex", file);
	if (line == NULL || (f = fopen(path, "r")) == NULL) {
		stop(file, key, "cannot open; tests run in the top folder");
		free(line);
		return out;
	}
	while (hex == NULL && fgets(line, LINE_MAX_BYTES, f) != NULL)
		hex = value_of(line, key);
	fclose(f);
	if (hex != NULL)
		to = bytes_room(&out, strlen(hex) / 2 + 1);
	if (hex == NULL || to == NULL || !bytes_unhex(hex, to, strlen(hex) / 2))
		stop(file, key, "not there, or not hex");
	else
		out.len = strlen(hex) / 2;
	free(line);
	return out;
}

struct secret *
vectors_secret(const char *file, const char *key)
{
	struct bytes b = vectors_get(file, key);
	struct secret *s = NULL;

	if (secret_from(b.data, b.len, &s) != RC_OK)
		stop(file, key, "cannot be a secret");
	bytes_reset(&b);
	return s;
}

void
vectors_copy(const char *file, const char *key, uint8_t *out, size_t len)
{
	struct bytes b = vectors_get(file, key);

	if (b.len != len)
		stop(file, key, "another length than the test wants");
	else
		memcpy(out, b.data, len);
	bytes_reset(&b);
}
