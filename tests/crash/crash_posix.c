/*
 * Each __wrap_x stands in the place of x in every object of this test.  What is not
 * about CRASH_ROOT goes to __real_x, which is x.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/crash/crash_calls.h"
#include "tests/crash/crash_disk.h"
#include "tests/crash/crash_posix.h"

enum { FIRST_FD = 1 << 20, FDS = 512, FOLDER = -2, DEVICE = 77 };

struct open_file {
	struct crash_disk *disk;	/* NULL: not open */
	int file;			/* or FOLDER */
	int64_t at;
};

struct open_folder {
	struct crash_disk *disk;
	size_t at;
	struct dirent entry;
};

/* Once a process: see crash_calls.h. */
static struct open_file FILES[FDS];
static struct open_folder LISTED;
static unsigned MADE;
static bool FIRST_COPY;		/* the name that changed last is that of the first copy */
static bool KEYED;		/* a key file was renamed since CRASH_NEW was made */

int __wrap_open(const char *path, int flags, ...);
int __real_open(const char *path, int flags, ...);
int __wrap_close(int fd);
int __real_close(int fd);
ssize_t __wrap_read(int fd, void *buf, size_t n);
ssize_t __real_read(int fd, void *buf, size_t n);
ssize_t __wrap_write(int fd, const void *buf, size_t n);
ssize_t __real_write(int fd, const void *buf, size_t n);
int __wrap_fsync(int fd);
int __real_fsync(int fd);
int __wrap_stat(const char *path, struct stat *st);
int __real_stat(const char *path, struct stat *st);
int __wrap_lstat(const char *path, struct stat *st);
int __real_lstat(const char *path, struct stat *st);
int __wrap_fstat(int fd, struct stat *st);
int __real_fstat(int fd, struct stat *st);
int __wrap_mkstemp(char *path);
int __real_mkstemp(char *path);
int __wrap_rename(const char *from, const char *to);
int __real_rename(const char *from, const char *to);
int __wrap_link(const char *from, const char *to);
int __real_link(const char *from, const char *to);
int __wrap_unlink(const char *path);
int __real_unlink(const char *path);
int __wrap_flock(int fd, int operation);
int __real_flock(int fd, int operation);
int __wrap_access(const char *path, int mode);
int __real_access(const char *path, int mode);
DIR *__wrap_opendir(const char *path);
DIR *__real_opendir(const char *path);
struct dirent *__wrap_readdir(DIR *d);
struct dirent *__real_readdir(DIR *d);
int __wrap_closedir(DIR *d);
int __real_closedir(DIR *d);

void
crash_posix_reset(void)
{
	memset(FILES, 0, sizeof FILES);
	memset(&LISTED, 0, sizeof LISTED);
	MADE = 0;
	FIRST_COPY = false;
	KEYED = false;
}

/* Is this sync of the folder one that the rules leave out? */
static bool
folder_stays(const struct crash_disk *d)
{
	const struct crash_calls_rules *rules = crash_calls_rules();

	return rules->no_folder_sync || (rules->first_copy_unsynced && FIRST_COPY) ||
	    (rules->new_name_unsynced && !KEYED && crash_disk_find(d, CRASH_NEW) >= 0);
}

static int
result(bool good)
{
	if (!good)
		errno = EIO;
	return good ? 0 : -1;
}

static struct open_file *
ours(int fd)
{
	int i = fd - FIRST_FD;

	return i >= 0 && i < FDS && FILES[i].disk != NULL ? &FILES[i] : NULL;
}

static int
open_file(struct crash_disk *d, int file)
{
	for (int i = 0; i < FDS; i++) {
		if (FILES[i].disk != NULL)
			continue;
		FILES[i] = (struct open_file){ d, file, 0 };
		return FIRST_FD + i;
	}
	errno = EMFILE;
	return -1;
}

/* Nothing is there: no such disk. */
static int
nowhere(void)
{
	errno = ENOENT;
	return -1;
}

int
__wrap_open(const char *path, int flags, ...)
{
	const char *name;
	struct crash_disk *d = crash_calls_at(path, &name);
	int file, mode = 0;
	va_list ap;

	if ((flags & O_CREAT) != 0) {
		va_start(ap, flags);
		mode = va_arg(ap, int);
		va_end(ap);
	}
	if (d == NULL)
		return crash_calls_ours(path) ? nowhere() : __real_open(path, flags, mode);
	if (name == NULL)
		return open_file(d, FOLDER);
	file = crash_disk_find(d, name);
	if (file >= 0 && (flags & O_EXCL) != 0) {
		errno = EEXIST;
		return -1;
	}
	if (file < 0 && (flags & O_CREAT) == 0)
		return nowhere();
	if (file < 0 && (file = crash_disk_make(d, name)) < 0)
		return result(false);
	return open_file(d, file);
}

int
__wrap_close(int fd)
{
	struct open_file *f = ours(fd);

	if (f == NULL)
		return __real_close(fd);
	f->disk = NULL;
	return 0;
}

ssize_t
__wrap_read(int fd, void *buf, size_t n)
{
	struct open_file *f = ours(fd);
	int64_t have;

	if (f == NULL)
		return __real_read(fd, buf, n);
	if ((have = crash_disk_read(f->disk, f->file, buf, (int64_t)n, f->at)) < 0)
		return result(false);
	f->at += have;
	return (ssize_t)have;
}

ssize_t
__wrap_write(int fd, const void *buf, size_t n)
{
	struct open_file *f = ours(fd);

	if (f == NULL)
		return __real_write(fd, buf, n);
	if (!crash_disk_fits(f->disk, f->file, f->at + (int64_t)n)) {
		errno = ENOSPC;
		return -1;
	}
	if (!crash_disk_write(f->disk, f->file, buf, (int64_t)n, f->at))
		return result(false);
	f->at += (int64_t)n;
	return (ssize_t)n;
}

int
__wrap_fsync(int fd)
{
	const struct crash_calls_rules *rules = crash_calls_rules();
	struct open_file *f = ours(fd);

	if (f == NULL)
		return __real_fsync(fd);
	if (f->file == FOLDER)
		return folder_stays(f->disk) ? 0 : result(crash_disk_sync_folder(f->disk));
	return rules->no_file_sync ? 0 : result(crash_disk_sync(f->disk, f->file));
}

static int
fill(struct stat *st, const struct crash_disk *d, bool folder, int file)
{
	memset(st, 0, sizeof *st);
	if (d == NULL || (!folder && file < 0))
		return nowhere();
	st->st_dev = DEVICE + crash_calls_number(d);
	st->st_mode = folder ? S_IFDIR | 0700 : S_IFREG | 0600;
	st->st_nlink = folder ? 2 : crash_disk_names(d, file);
	st->st_ino = folder ? 1 : (ino_t)file + 2;
	st->st_size = folder ? 0 : crash_disk_size(d, file);
	return 0;
}

int
__wrap_stat(const char *path, struct stat *st)
{
	const char *name;
	struct crash_disk *d = crash_calls_at(path, &name);

	if (!crash_calls_ours(path))
		return __real_stat(path, st);
	if (name != NULL && crash_calls_rules()->new_unseen && strcmp(name, CRASH_NEW) == 0)
		return nowhere();
	return fill(st, d, name == NULL, d == NULL || name == NULL ? -1 : crash_disk_find(d, name));
}

int
__wrap_lstat(const char *path, struct stat *st)
{
	return crash_calls_ours(path) ? __wrap_stat(path, st) : __real_lstat(path, st);
}

int
__wrap_fstat(int fd, struct stat *st)
{
	struct open_file *f = ours(fd);

	return f == NULL ? __real_fstat(fd, st) : fill(st, f->disk, f->file == FOLDER, f->file);
}

int
__wrap_mkstemp(char *path)
{
	const char *name;
	struct crash_disk *d = crash_calls_at(path, &name);
	char digits[7];
	int file;

	if (d == NULL || name == NULL)
		return crash_calls_ours(path) ? nowhere() : __real_mkstemp(path);
	do {
		snprintf(digits, sizeof digits, "%06u", MADE++ % 1000000);
		memcpy(path + strlen(path) - 6, digits, 6);
	} while (crash_disk_find(d, name) >= 0);
	if ((file = crash_disk_make(d, name)) < 0)
		return result(false);
	return open_file(d, file);
}

/* As a program would that writes over its file: a cut may leave a bit of each. */
static bool
copy_over(struct crash_disk *d, const char *from, const char *to)
{
	uint8_t buf[8192];
	int target = crash_disk_find(d, to);
	int64_t n = crash_disk_read(d, crash_disk_find(d, from), buf, sizeof buf, 0);

	return n >= 0 && crash_disk_truncate(d, target, 0) &&
	    crash_disk_write(d, target, buf, n, 0) && crash_disk_sync(d, target) &&
	    crash_disk_unlink(d, from);
}

int
__wrap_rename(const char *from, const char *to)
{
	const struct crash_calls_rules *rules = crash_calls_rules();
	const char *name, *other;
	struct crash_disk *d = crash_calls_at(from, &name), *there = crash_calls_at(to, &other);

	if (!crash_calls_ours(from) || !crash_calls_ours(to))
		return __real_rename(from, to);
	if (d == NULL || d != there || name == NULL || other == NULL || crash_disk_find(d, name) < 0)
		return nowhere();
	FIRST_COPY = strcmp(other, "vault.key") == 0;
	KEYED = FIRST_COPY || (KEYED && strcmp(name, CRASH_NEW) != 0);
	if (rules->one_copy && strcmp(other, "vault.key.b") == 0)
		return result(crash_disk_unlink(d, name));
	if (rules->write_in_place && crash_disk_find(d, other) >= 0)
		return result(copy_over(d, name, other));
	return result(crash_disk_rename(d, name, other));
}

int
__wrap_link(const char *from, const char *to)
{
	const char *name, *other;
	struct crash_disk *d = crash_calls_at(from, &name), *there = crash_calls_at(to, &other);

	if (!crash_calls_ours(from) || !crash_calls_ours(to))
		return __real_link(from, to);
	if (d == NULL || d != there || name == NULL || other == NULL || crash_disk_find(d, name) < 0)
		return nowhere();
	if (crash_disk_find(d, other) >= 0) {
		errno = EEXIST;
		return -1;
	}
	return result(crash_disk_link(d, name, other));
}

int
__wrap_unlink(const char *path)
{
	const char *name;
	struct crash_disk *d = crash_calls_at(path, &name);

	if (!crash_calls_ours(path))
		return __real_unlink(path);
	if (d == NULL || name == NULL || crash_disk_find(d, name) < 0)
		return nowhere();
	return result(crash_disk_unlink(d, name));
}

int
__wrap_flock(int fd, int operation)
{
	return ours(fd) != NULL ? 0 : __real_flock(fd, operation);
}

/* What is on these disks may be read and entered. */
int
__wrap_access(const char *path, int mode)
{
	const char *name;
	struct crash_disk *d = crash_calls_at(path, &name);

	if (!crash_calls_ours(path))
		return __real_access(path, mode);
	return d == NULL || (name != NULL && crash_disk_find(d, name) < 0) ? nowhere() : 0;
}

DIR *
__wrap_opendir(const char *path)
{
	const char *name;
	struct crash_disk *d = crash_calls_at(path, &name);

	if (!crash_calls_ours(path))
		return __real_opendir(path);
	if (d == NULL || name != NULL) {
		nowhere();
		return NULL;
	}
	LISTED.disk = d;
	LISTED.at = 0;
	return (DIR *)(void *)&LISTED;
}

struct dirent *
__wrap_readdir(DIR *d)
{
	const char *name;

	if ((void *)d != (void *)&LISTED)
		return __real_readdir(d);
	if ((name = crash_disk_name(LISTED.disk, LISTED.at)) == NULL)
		return NULL;
	LISTED.at++;
	snprintf(LISTED.entry.d_name, sizeof LISTED.entry.d_name, "%s", name);
	return &LISTED.entry;
}

int
__wrap_closedir(DIR *d)
{
	return (void *)d == (void *)&LISTED ? 0 : __real_closedir(d);
}
