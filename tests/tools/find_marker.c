/*
 * find_marker: do these words lie in these files, in whatever clothes (tests/support/markers.h)?
 *
 *   find_marker WORD... -- FILE|DIR...
 *
 * In the files' names, their bytes, and in whatever inflates in them (zlib, gzip, raw deflate) at
 * any offset.  Prints "FILE: word as form".
 * Exit code 0: nothing found.  1: found.  2: could not look everywhere.
 */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "shared/base/bytes.h"
#include "shared/base/files.h"
#include "tests/support/markers.h"

enum { FILE_MAX_BYTES = 512 << 20 };

struct search {
	struct markers *markers;
	unsigned long files, bytes, found, unread;
};

static void
give_up(const char *what)
{
	fprintf(stderr, "find_marker: %s\n", what);
	exit(2);
}

static void
look_into(struct search *s, const char *path, const uint8_t *p, size_t len)
{
	struct marker_hit hit;

	s->files++;
	s->bytes += len;
	if (markers_find(s->markers, p, len, 0, false, &hit))
		printf("%s: %s as %s\n", path, hit.word, hit.form);
	else if (markers_find_packed(s->markers, p, len, true, false, &hit))
		printf("%s: %s in %s at %zu\n", path, hit.word, hit.form, hit.at);
	else
		return;
	s->found++;
}

static void
look_at_file(struct search *s, const char *path)
{
	struct bytes b;
	const char *name = strrchr(path, '/');
	struct marker_hit hit;

	bytes_init(&b);
	if (files_read(path, FILE_MAX_BYTES, &b, NULL) == RC_OK)
		look_into(s, path, b.data, b.len);
	else
		s->unread++;
	/* names of files may tell as well */
	name = name == NULL ? path : name + 1;
	if (markers_find(s->markers, (const uint8_t *)name, strlen(name), 0, false, &hit)) {
		printf("%s: in its name\n", path);
		s->found++;
	}
	bytes_reset(&b);
}

/* A queue instead of recursion: folders are appended as they are met. */
static void
look_at(struct search *s, const char *top)
{
	char **queue = calloc(FILES_NAMES_MAX, sizeof(*queue));
	size_t head = 0, tail = 0;

	if (queue == NULL || (queue[tail++] = strdup(top)) == NULL)
		give_up("out of memory");
	for (; head < tail; head++) {
		struct stat st;
		struct dirent *e;
		char path[FILES_PATH_MAX];
		DIR *d;

		if (lstat(queue[head], &st) != 0) {
			s->unread++;
		} else if (S_ISREG(st.st_mode)) {
			look_at_file(s, queue[head]);
		} else if (S_ISDIR(st.st_mode) && (d = opendir(queue[head])) != NULL) {
			while ((e = readdir(d)) != NULL && tail < FILES_NAMES_MAX)
				if (strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0 &&
				    files_join(queue[head], e->d_name, path) == RC_OK &&
				    (queue[tail] = strdup(path)) != NULL)
					tail++;
			closedir(d);
		}
		free(queue[head]);
	}
	free(queue);
}

int
main(int argc, char **argv)
{
	struct search s = { markers_new(), 0, 0, 0, 0 };
	int i = 1;

	for (; i < argc && strcmp(argv[i], "--") != 0; i++)
		markers_add_word(s.markers, argv[i], false);
	if (markers_count(s.markers) == 0 || i + 1 >= argc)
		give_up("use: find_marker WORD... -- FILE|DIR...");
	for (i++; i < argc; i++)
		look_at(&s, argv[i]);
	markers_free(s.markers);
	printf("%lu files, %lu bytes, %lu found, %lu not read\n", s.files, s.bytes, s.found, s.unread);
	return s.found > 0 ? 1 : s.unread > 0 || s.files == 0 ? 2 : 0;
}
