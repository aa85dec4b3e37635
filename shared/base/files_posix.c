/* The part of files that another system does otherwise. */
#define _DEFAULT_SOURCE		/* flock: locks of an open file, not of a process */

#include "shared/base/files.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "shared/base/text.h"

enum {
	READ_STEP = 65536,
	LOCK_TRIES = 100
};

struct file_lock {
	int fd;
};

/* Describe errno, with what a person can do about a full disk. */
static enum rc
failed(struct error *err, const char *path, const char *doing)
{
	int e = errno;
	enum rc rc = files_rc_of_errno(e);

	return error_set(err, rc, path, rc == RC_FULL ? "make room on the disk" :
	    e == EACCES || e == EPERM ? "give its owner the right to it" :
	    e == EROFS ? "copy it to a disk that can be written" : NULL,
	    "cannot %s: %s", doing, strerror(e));
}

bool
files_exists(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0;
}

bool
files_is_dir(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

enum rc
files_may_enter(const char *dir, struct error *err)
{
	return access(dir, X_OK) == 0 ? RC_OK : failed(err, dir, "enter");
}

enum files_kind
files_kind_of(const char *path)
{
	struct stat st;

	if (lstat(path, &st) != 0)
		return FILES_NOTHING;
	return S_ISREG(st.st_mode) ? FILES_PLAIN : S_ISLNK(st.st_mode) ? FILES_LINK : FILES_OTHER;
}

/* The folder that a path lies in. */
static enum rc
parent_of(const char *path, char out[FILES_PATH_MAX], struct error *err)
{
	size_t len = strlen(path);

	out[0] = '\0';
	if (len == 0 || len >= FILES_PATH_MAX)
		return error_set(err, RC_LIMIT, NULL, "use a shorter path",
		    "a path is empty or longer than %d bytes", FILES_PATH_MAX - 1);
	while (len > 1 && path[len - 1] == '/')
		len--;
	while (len > 0 && path[len - 1] != '/')
		len--;
	while (len > 1 && path[len - 1] == '/')
		len--;
	if (len == 0) {
		memcpy(out, ".", 2);
		return RC_OK;
	}
	memcpy(out, path, len);
	out[len] = '\0';
	return RC_OK;
}

static int
open_again(const char *path, int flags)
{
	int fd;

	do
		fd = open(path, flags | O_CLOEXEC, 0600);
	while (fd < 0 && errno == EINTR);
	return fd;
}

enum rc
files_sync_dir(const char *dir, struct error *err)
{
	enum rc rc = RC_OK;
	int fd = open_again(dir, O_RDONLY | O_DIRECTORY);

	if (fd < 0)
		return failed(err, dir, "open the folder");
	/* some file systems of sticks have nothing to sync in a folder */
	if (fsync(fd) != 0 && errno != EINVAL && errno != ENOTSUP && errno != EROFS)
		rc = failed(err, dir, "sync the folder");
	close(fd);
	return rc;
}

static enum rc
sync_parent(const char *path, struct error *err)
{
	char dir[FILES_PATH_MAX];
	enum rc rc = parent_of(path, dir, err);

	return rc == RC_OK ? files_sync_dir(dir, err) : rc;
}

static enum rc
make_one_dir(const char *path, struct error *err)
{
	if (mkdir(path, 0700) == 0)
		return sync_parent(path, err);
	if (files_is_dir(path))
		return RC_OK;
	if (errno == EEXIST)
		return error_set(err, RC_EXISTS, path, "choose another name",
		    "a file stands where a folder is needed");
	return failed(err, path, "make the folder");
}

enum rc
files_make_dir(const char *path, struct error *err)
{
	char part[FILES_PATH_MAX], parent[FILES_PATH_MAX];
	size_t len = strlen(path);
	enum rc rc = parent_of(path, parent, err);

	if (rc != RC_OK)
		return rc;
	memcpy(part, path, len + 1);
	for (size_t i = 1; i <= len; i++) {
		if ((part[i] != '/' && part[i] != '\0') || part[i - 1] == '/')
			continue;
		part[i] = '\0';
		if (!files_is_dir(part) && (rc = make_one_dir(part, err)) != RC_OK)
			return rc;
		part[i] = path[i];
	}
	return RC_OK;
}

static enum rc
too_large(const char *path, size_t max, struct error *err)
{
	return error_set(err, RC_LIMIT, path, NULL, "larger than the %zu bytes allowed here", max);
}

/* Up to max bytes; one more is asked for, to see whether there are more. */
static enum rc
read_all(int fd, const char *path, size_t max, struct bytes *out, struct error *err)
{
	size_t total = 0;

	for (;;) {
		size_t want = max - total < READ_STEP ? max - total + 1 : READ_STEP;
		uint8_t *to = bytes_room(out, want);
		ssize_t n;

		if (to == NULL)
			return error_set(err, RC_NOMEM, path, NULL, "not enough memory to read it");
		if ((n = read(fd, to, want)) == 0)
			return RC_OK;
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return failed(err, path, "read");
		total += (size_t)n;
		if (total > max)
			return too_large(path, max, err);
		out->len += (size_t)n;
	}
}

static enum rc
open_regular(const char *path, size_t max, int *fd, size_t *size, struct error *err)
{
	struct stat st;

	*size = 0;
	/* not to wait for the other end of a pipe */
	if ((*fd = open_again(path, O_RDONLY | O_NONBLOCK)) < 0) {
		if (errno == ENOENT || errno == ENOTDIR)
			return error_set(err, RC_NOTFOUND, path, NULL, "there is no such file");
		return failed(err, path, "open");
	}
	if (fstat(*fd, &st) != 0)
		return failed(err, path, "look at");
	if (!S_ISREG(st.st_mode))
		return error_set(err, RC_INVALID, path, NULL, "not a regular file");
	if (st.st_size > 0 && (uintmax_t)st.st_size > max)
		return too_large(path, max, err);
	*size = (size_t)st.st_size;
	return RC_OK;
}

enum rc
files_read(const char *path, size_t max, struct bytes *out, struct error *err)
{
	const char *name = path;
	size_t size = 0;
	enum rc rc = RC_OK;
	int fd = STDIN_FILENO;

	bytes_wipe(out);
	if (strcmp(path, "-") == 0)
		name = "standard input";
	else
		rc = open_regular(path, max, &fd, &size, err);
	/* room for all of it at once: growing would leave copies behind in memory */
	if (rc == RC_OK && bytes_room(out, size + 1) == NULL)
		rc = error_set(err, RC_NOMEM, name, NULL, "not enough memory to read it");
	if (rc == RC_OK)
		rc = read_all(fd, name, max, out, err);
	if (rc != RC_OK)
		bytes_wipe(out);
	if (fd > STDIN_FILENO)
		close(fd);
	return rc;
}

static enum rc
write_all(int fd, const char *path, const uint8_t *data, size_t len, struct error *err)
{
	while (len > 0) {
		ssize_t n = write(fd, data, len < SSIZE_MAX ? len : SSIZE_MAX);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return failed(err, path, "write");
		data += n;
		len -= (size_t)n;
	}
	return RC_OK;
}

/* A synced new file beside `path`; its name goes to `made`, "" when there is none. */
static enum rc
write_beside(const char *path, const uint8_t *data, size_t len, char made[FILES_PATH_MAX],
    struct error *err)
{
	int fd, n = snprintf(made, FILES_PATH_MAX, "%s" FILES_BESIDE "XXXXXX", path);
	enum rc rc;

	if (n < 0 || n >= FILES_PATH_MAX) {
		made[0] = '\0';
		return error_set(err, RC_LIMIT, NULL, "use a shorter path",
		    "a path is longer than %d bytes", FILES_PATH_MAX - 1);
	}
	if ((fd = mkstemp(made)) < 0) {
		made[0] = '\0';
		if (errno == ENOENT || errno == ENOTDIR)
			return error_set(err, RC_NOTFOUND, path, NULL, "there is no such folder");
		return failed(err, path, "make");
	}
	rc = write_all(fd, path, data, len, err);
	if (rc == RC_OK && fsync(fd) != 0)
		rc = failed(err, path, "sync");
	if (close(fd) != 0 && rc == RC_OK)
		rc = failed(err, path, "close");
	if (rc != RC_OK) {
		unlink(made);
		made[0] = '\0';
	}
	return rc;
}

enum rc
files_replace(const char *path, const uint8_t *data, size_t len, struct error *err)
{
	char made[FILES_PATH_MAX];
	struct stat st;
	enum rc rc;

	/* a rename would put a file in the place of a device or a pipe */
	if (stat(path, &st) == 0 && !S_ISREG(st.st_mode))
		return error_set(err, RC_INVALID, path, "choose another name", "not a regular file");
	if ((rc = write_beside(path, data, len, made, err)) != RC_OK)
		return rc;
	if (rename(made, path) != 0) {
		rc = failed(err, path, "replace");
		unlink(made);
		return rc;
	}
	return sync_parent(path, err);
}

static enum rc
exists_already(const char *path, struct error *err)
{
	return error_set(err, RC_EXISTS, path, "choose another name", "it exists already");
}

/*
 * For file systems without links (most sticks): claim the name with an empty
 * file, then rename over it.  A power cut in between leaves the empty file.
 */
static enum rc
claim_and_rename(const char *made, const char *path, struct error *err)
{
	enum rc rc;
	int fd = open_again(path, O_WRONLY | O_CREAT | O_EXCL);

	if (fd < 0)
		return errno == EEXIST ? exists_already(path, err) : failed(err, path, "make");
	close(fd);
	if (rename(made, path) == 0)
		return RC_OK;
	rc = failed(err, path, "make");
	unlink(path);
	return rc;
}

enum rc
files_create(const char *path, const uint8_t *data, size_t len, struct error *err)
{
	char made[FILES_PATH_MAX];
	struct stat st;
	enum rc rc;

	if (lstat(path, &st) == 0)
		return exists_already(path, err);
	if ((rc = write_beside(path, data, len, made, err)) != RC_OK)
		return rc;
	if (link(made, path) == 0) {
		unlink(made);
		return sync_parent(path, err);
	}
	if (errno == EEXIST)
		rc = exists_already(path, err);
	else
		rc = claim_and_rename(made, path, err);
	if (rc == RC_OK)
		return sync_parent(path, err);
	unlink(made);
	return rc;
}

enum rc
files_rename(const char *from, const char *to, struct error *err)
{
	if (rename(from, to) != 0)
		return failed(err, from, "rename");
	return sync_parent(to, err);
}

enum rc
files_remove(const char *path, struct error *err)
{
	if (unlink(path) == 0)
		return sync_parent(path, err);
	if (errno == ENOENT || errno == ENOTDIR)
		return error_set(err, RC_NOTFOUND, path, NULL, "there is no such file");
	return failed(err, path, "remove");
}

static int
by_byte(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* Append a copy of a name; the array grows by doubling. */
static enum rc
add_name(char ***names, size_t *n, size_t *room, const char *name)
{
	if (*n == FILES_NAMES_MAX)
		return RC_LIMIT;
	if (*n == *room) {
		size_t more = *room == 0 ? 64 : *room * 2;
		char **grown = realloc(*names, more * sizeof(**names));

		if (grown == NULL)
			return RC_NOMEM;
		*names = grown;
		*room = more;
	}
	if (((*names)[*n] = text_dup(name)) == NULL)
		return RC_NOMEM;
	(*n)++;
	return RC_OK;
}

enum rc
files_list(const char *dir, char ***names, size_t *n, struct error *err)
{
	DIR *d = opendir(dir);
	struct dirent *e;
	size_t room = 0;
	enum rc rc = RC_OK;

	*names = NULL;
	*n = 0;
	if (d == NULL) {
		if (errno == ENOENT || errno == ENOTDIR)
			return error_set(err, RC_NOTFOUND, dir, NULL, "there is no such folder");
		return failed(err, dir, "open the folder");
	}
	while (rc == RC_OK && (errno = 0, e = readdir(d)) != NULL)
		if (strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0)
			rc = add_name(names, n, &room, e->d_name);
	if (rc == RC_LIMIT)
		error_set(err, rc, dir, NULL, "more than %d files in a folder", FILES_NAMES_MAX);
	else if (rc != RC_OK)
		error_set(err, rc, dir, NULL, "not enough memory to list the folder");
	else if (errno != 0)
		rc = failed(err, dir, "read the folder");
	closedir(d);
	if (rc != RC_OK) {
		files_names_free(*names, *n);
		*names = NULL;
		*n = 0;
	} else if (*n > 1) {
		qsort(*names, *n, sizeof(**names), by_byte);
	}
	return rc;
}

/* Is what we hold open still the file at this path? */
static bool
is_same_file(int fd, const char *path)
{
	struct stat held, there;

	return fstat(fd, &held) == 0 && stat(path, &there) == 0 &&
	    held.st_dev == there.st_dev && held.st_ino == there.st_ino;
}

enum rc
files_lock(const char *path, struct file_lock **out, struct error *err)
{
	enum rc rc = RC_BUSY;
	int fd = -1;

	*out = NULL;
	/* again when the file was replaced between opening and locking */
	for (int tries = 0; tries < LOCK_TRIES; tries++) {
		if ((fd = open_again(path, O_RDWR | O_CREAT)) < 0)
			return failed(err, path, "open");
		if (flock(fd, LOCK_EX | LOCK_NB) != 0) {
			rc = errno == EWOULDBLOCK || errno == EINTR ? RC_BUSY :
			    failed(err, path, "lock");
			break;
		}
		if (is_same_file(fd, path)) {
			rc = RC_OK;
			break;
		}
		close(fd);
		fd = -1;
	}
	if (rc == RC_OK && (*out = malloc(sizeof(**out))) == NULL)
		rc = error_set(err, RC_NOMEM, path, NULL, "not enough memory");
	if (rc == RC_OK) {
		(*out)->fd = fd;
		return RC_OK;
	}
	if (fd >= 0)
		close(fd);
	return rc != RC_BUSY ? rc : error_set(err, RC_BUSY, path,
	    "close the other program, or try again later", "another process has it open");
}

void
files_unlock(struct file_lock *lock)
{
	if (lock == NULL)
		return;
	/* a forked twin that holds the same open file gives it up too */
	flock(lock->fd, LOCK_UN);
	close(lock->fd);
	free(lock);
}
