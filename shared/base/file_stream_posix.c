/* The part of file_stream that another system does otherwise. */
#include "shared/base/file_stream.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "shared/base/files.h"

struct file_stream {
	int fd;
	char path[FILES_PATH_MAX];
	char made[FILES_PATH_MAX];	/* "" when nothing has to be removed */
};

static enum rc
failed(const struct file_stream *s, const char *doing, struct error *err)
{
	int e = errno;
	enum rc rc = files_rc_of_errno(e);

	return error_set(err, rc, s->path, rc == RC_FULL ? "make room on the disk" : NULL,
	    "cannot %s: %s", doing, strerror(e));
}

static enum rc
stream_new(const char *path, struct file_stream **out, struct error *err)
{
	*out = NULL;
	if (strlen(path) >= FILES_PATH_MAX)
		return error_set(err, RC_LIMIT, NULL, "use a shorter path",
		    "a path is longer than %d bytes", FILES_PATH_MAX - 1);
	if ((*out = calloc(1, sizeof(**out))) == NULL)
		return RC_NOMEM;
	(*out)->fd = -1;
	memcpy((*out)->path, path, strlen(path) + 1);
	return RC_OK;
}

enum rc
file_stream_create(const char *path, struct file_stream **out, struct error *err)
{
	struct file_stream *s;
	struct stat st;
	enum rc rc = stream_new(path, &s, err);
	int n;

	*out = NULL;
	if (rc != RC_OK)
		return rc;
	n = snprintf(s->made, sizeof(s->made), "%s" FILES_BESIDE "XXXXXX", path);
	/* a rename would put a file in the place of a device or a pipe */
	if (n < 0 || n >= (int)sizeof(s->made) || (stat(path, &st) == 0 && !S_ISREG(st.st_mode)))
		rc = error_set(err, RC_CREATE, path, "choose another name", "no file can be made there");
	else if ((s->fd = mkstemp(s->made)) < 0)
		rc = error_set(err, RC_CREATE, path, "choose another place", "cannot make: %s",
		    strerror(errno));
	if (rc != RC_OK) {
		s->made[0] = '\0';
		file_stream_close(s);
		return rc;
	}
	*out = s;
	return RC_OK;
}

enum rc
file_stream_put(struct file_stream *s, const uint8_t *data, size_t len, struct error *err)
{
	while (len > 0) {
		ssize_t n = write(s->fd, data, len < SSIZE_MAX ? len : SSIZE_MAX);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return failed(s, "write", err);
		data += n;
		len -= (size_t)n;
	}
	return RC_OK;
}

enum rc
file_stream_rewind(struct file_stream *s, struct error *err)
{
	if (fsync(s->fd) != 0)
		return failed(s, "sync", err);
	/* the system may drop its copy, so that the disk is asked; it need not */
	(void)posix_fadvise(s->fd, 0, 0, POSIX_FADV_DONTNEED);
	return lseek(s->fd, 0, SEEK_SET) == 0 ? RC_OK : failed(s, "read again", err);
}

/* The folder of a path must know the new name before anybody is told. */
static enum rc
sync_folder_of(const char *path, struct error *err)
{
	char dir[FILES_PATH_MAX];
	const char *slash = strrchr(path, '/');
	size_t n = slash == NULL ? 0 : slash == path ? 1 : (size_t)(slash - path);

	memcpy(dir, path, n);
	dir[n] = '\0';
	return files_sync_dir(n == 0 ? "." : dir, err);
}

enum rc
file_stream_finish(struct file_stream *s, struct error *err)
{
	char path[FILES_PATH_MAX];
	enum rc rc = RC_OK;

	memcpy(path, s->path, sizeof(path));
	if (fsync(s->fd) != 0 || rename(s->made, s->path) != 0)
		rc = failed(s, "put in its place", err);
	else
		s->made[0] = '\0';
	file_stream_close(s);
	return rc == RC_OK ? sync_folder_of(path, err) : rc;
}

enum rc
file_stream_open(const char *path, struct file_stream **out, struct error *err)
{
	struct file_stream *s;
	struct stat st;
	enum rc rc = stream_new(path, &s, err);

	*out = NULL;
	if (rc != RC_OK)
		return rc;
	/* not to wait for the other end of a pipe */
	if ((s->fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC)) < 0)
		rc = errno == ENOENT || errno == ENOTDIR ?
		    error_set(err, RC_NOTFOUND, path, NULL, "there is no such file") :
		    failed(s, "open", err);
	else if (fstat(s->fd, &st) != 0 || !S_ISREG(st.st_mode))
		rc = error_set(err, RC_INVALID, path, NULL, "not a regular file");
	if (rc != RC_OK) {
		file_stream_close(s);
		return rc;
	}
	*out = s;
	return RC_OK;
}

enum rc
file_stream_get(struct file_stream *s, uint8_t *out, size_t max, size_t *n, struct error *err)
{
	*n = 0;
	while (*n < max) {
		ssize_t got = read(s->fd, out + *n, max - *n);

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return failed(s, "read", err);
		if (got == 0)
			break;
		*n += (size_t)got;
	}
	return RC_OK;
}

void
file_stream_close(struct file_stream *s)
{
	if (s == NULL)
		return;
	if (s->fd >= 0)
		close(s->fd);
	if (s->made[0] != '\0')
		unlink(s->made);
	free(s);
}
