#include "tests/support/faults.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <sqlite3.h>

/* What stands between the linker's __wrap_x and the function itself. */
void *__real_malloc(size_t n);
void *__real_calloc(size_t n, size_t size);
void *__real_realloc(void *p, size_t n);
char *__real_strdup(const char *s);
void *__real_sodium_malloc(size_t n);
int __real_open(const char *path, int flags, ...);
int __real_mkstemp(char *path);
DIR *__real_opendir(const char *path);
ssize_t __real_read(int fd, void *p, size_t n);
ssize_t __real_write(int fd, const void *p, size_t n);
int __real_fsync(int fd);
int __real_rename(const char *from, const char *to);
int __real_link(const char *from, const char *to);
int __real_unlink(const char *path);
int __real_mkdir(const char *path, mode_t mode);

void *__wrap_malloc(size_t n);
void *__wrap_calloc(size_t n, size_t size);
void *__wrap_realloc(void *p, size_t n);
char *__wrap_strdup(const char *s);
void *__wrap_sodium_malloc(size_t n);
int __wrap_open(const char *path, int flags, ...);
int __wrap_mkstemp(char *path);
DIR *__wrap_opendir(const char *path);
ssize_t __wrap_read(int fd, void *p, size_t n);
ssize_t __wrap_write(int fd, const void *p, size_t n);
int __wrap_fsync(int fd);
int __wrap_rename(const char *from, const char *to);
int __wrap_link(const char *from, const char *to);
int __wrap_unlink(const char *path);
int __wrap_mkdir(const char *path, mode_t mode);

/* The plan of this thread: a server that answers in another one has none. */
static _Thread_local struct {
	bool armed, happened;
	enum faults_call call;
	enum faults_how how;
	long n, counted;
} plan;

void
faults_arm(enum faults_call call, enum faults_how how, long n)
{
	plan.call = call;
	plan.how = how;
	plan.n = n;
	plan.counted = 0;
	plan.happened = false;
	plan.armed = true;
}

bool
faults_disarm(void)
{
	plan.armed = false;
	return plan.happened;
}

bool
faults_stay(void)
{
	return plan.how == FAULTS_STAY;
}

long
faults_counted(void)
{
	return plan.counted;
}

/* Is this the call?  Then errno says why. */
static bool
hit(enum faults_call call)
{
	if (!plan.armed || plan.call != call)
		return false;
	plan.counted++;
	if (plan.n == 0 || (plan.how == FAULTS_STAY ? plan.counted < plan.n : plan.counted != plan.n))
		return false;
	plan.happened = true;
	if (call == FAULTS_ALLOC)
		errno = ENOMEM;
	else
		errno = plan.how == FAULTS_FAIL ? EIO : ENOSPC;
	return true;
}

/* Ours ------------------------------------------------------------------ */

void *
__wrap_malloc(size_t n)
{
	return hit(FAULTS_ALLOC) ? NULL : __real_malloc(n);
}

void *
__wrap_calloc(size_t n, size_t size)
{
	return hit(FAULTS_ALLOC) ? NULL : __real_calloc(n, size);
}

void *
__wrap_realloc(void *p, size_t n)
{
	return hit(FAULTS_ALLOC) ? NULL : __real_realloc(p, n);
}

char *
__wrap_strdup(const char *s)
{
	return hit(FAULTS_ALLOC) ? NULL : __real_strdup(s);
}

/* Guarded memory has a limit of its own. */
void *
__wrap_sodium_malloc(size_t n)
{
	return hit(FAULTS_ALLOC) ? NULL : __real_sodium_malloc(n);
}

int
__wrap_open(const char *path, int flags, ...)
{
	va_list ap;
	mode_t mode;

	if (hit(FAULTS_OPEN))
		return -1;
	va_start(ap, flags);
	mode = (flags & O_CREAT) != 0 ? va_arg(ap, mode_t) : 0;
	va_end(ap);
	return __real_open(path, flags, mode);
}

int
__wrap_mkstemp(char *path)
{
	return hit(FAULTS_OPEN) ? -1 : __real_mkstemp(path);
}

DIR *
__wrap_opendir(const char *path)
{
	return hit(FAULTS_OPEN) ? NULL : __real_opendir(path);
}

ssize_t
__wrap_read(int fd, void *p, size_t n)
{
	if (hit(FAULTS_READ)) {
		if (plan.how != FAULTS_HALF || n < 2)
			return -1;
		n /= 2;
	}
	return __real_read(fd, p, n);
}

ssize_t
__wrap_write(int fd, const void *p, size_t n)
{
	if (hit(FAULTS_WRITE)) {
		if (plan.how != FAULTS_HALF || n < 2)
			return -1;
		n /= 2;
	}
	return __real_write(fd, p, n);
}

int
__wrap_fsync(int fd)
{
	return hit(FAULTS_SYNC) ? -1 : __real_fsync(fd);
}

int
__wrap_rename(const char *from, const char *to)
{
	return hit(FAULTS_NAME) ? -1 : __real_rename(from, to);
}

int
__wrap_link(const char *from, const char *to)
{
	return hit(FAULTS_NAME) ? -1 : __real_link(from, to);
}

int
__wrap_unlink(const char *path)
{
	return hit(FAULTS_NAME) ? -1 : __real_unlink(path);
}

int
__wrap_mkdir(const char *path, mode_t mode)
{
	return hit(FAULTS_NAME) ? -1 : __real_mkdir(path, mode);
}

/* SQLite's --------------------------------------------------------------- */

struct handle {
	sqlite3_file base;
	sqlite3_file *below;		/* stands behind this struct */
};

static sqlite3_vfs *system_vfs;
static sqlite3_vfs shim;

static sqlite3_file *
below_of(sqlite3_file *f)
{
	return ((struct handle *)(void *)f)->below;
}

static int
shim_close(sqlite3_file *f)
{
	return below_of(f)->pMethods->xClose(below_of(f));
}

static int
shim_read(sqlite3_file *f, void *p, int n, sqlite3_int64 at)
{
	/* half a read is read on by the system's own VFS: not for this place */
	if (plan.how != FAULTS_HALF && hit(FAULTS_READ))
		return SQLITE_IOERR_READ;
	return below_of(f)->pMethods->xRead(below_of(f), p, n, at);
}

static int
shim_write(sqlite3_file *f, const void *p, int n, sqlite3_int64 at)
{
	int ignored;

	if (hit(FAULTS_WRITE)) {
		if (plan.how == FAULTS_HALF) {
			ignored = below_of(f)->pMethods->xWrite(below_of(f), p, n / 2, at);
			(void)ignored;
			errno = ENOSPC;
		}
		return plan.how == FAULTS_FAIL ? SQLITE_IOERR_WRITE : SQLITE_FULL;
	}
	return below_of(f)->pMethods->xWrite(below_of(f), p, n, at);
}

static int
shim_truncate(sqlite3_file *f, sqlite3_int64 size)
{
	if (hit(FAULTS_TRUNCATE))
		return SQLITE_IOERR_TRUNCATE;
	return below_of(f)->pMethods->xTruncate(below_of(f), size);
}

static int
shim_sync(sqlite3_file *f, int flags)
{
	if (hit(FAULTS_SYNC))
		return SQLITE_IOERR_FSYNC;
	return below_of(f)->pMethods->xSync(below_of(f), flags);
}

static int
shim_size(sqlite3_file *f, sqlite3_int64 *size)
{
	return below_of(f)->pMethods->xFileSize(below_of(f), size);
}

static int
shim_lock(sqlite3_file *f, int level)
{
	return below_of(f)->pMethods->xLock(below_of(f), level);
}

static int
shim_unlock(sqlite3_file *f, int level)
{
	return below_of(f)->pMethods->xUnlock(below_of(f), level);
}

static int
shim_check_reserved(sqlite3_file *f, int *out)
{
	return below_of(f)->pMethods->xCheckReservedLock(below_of(f), out);
}

static int
shim_control(sqlite3_file *f, int op, void *arg)
{
	return below_of(f)->pMethods->xFileControl(below_of(f), op, arg);
}

static int
shim_sector(sqlite3_file *f)
{
	return below_of(f)->pMethods->xSectorSize(below_of(f));
}

static int
shim_characteristics(sqlite3_file *f)
{
	return below_of(f)->pMethods->xDeviceCharacteristics(below_of(f));
}

/* A relay's store beside the vaults is an ordinary database, with shared memory. */
static int
shim_shm_map(sqlite3_file *f, int region, int size, int extend, void volatile **out)
{
	return below_of(f)->pMethods->xShmMap(below_of(f), region, size, extend, out);
}

static int
shim_shm_lock(sqlite3_file *f, int offset, int n, int flags)
{
	return below_of(f)->pMethods->xShmLock(below_of(f), offset, n, flags);
}

static void
shim_shm_barrier(sqlite3_file *f)
{
	below_of(f)->pMethods->xShmBarrier(below_of(f));
}

static int
shim_shm_unmap(sqlite3_file *f, int remove)
{
	return below_of(f)->pMethods->xShmUnmap(below_of(f), remove);
}

static const sqlite3_io_methods SHIM_METHODS = {
	.iVersion = 2,
	.xClose = shim_close,
	.xRead = shim_read,
	.xWrite = shim_write,
	.xTruncate = shim_truncate,
	.xSync = shim_sync,
	.xFileSize = shim_size,
	.xLock = shim_lock,
	.xUnlock = shim_unlock,
	.xCheckReservedLock = shim_check_reserved,
	.xFileControl = shim_control,
	.xSectorSize = shim_sector,
	.xDeviceCharacteristics = shim_characteristics,
	.xShmMap = shim_shm_map,
	.xShmLock = shim_shm_lock,
	.xShmBarrier = shim_shm_barrier,
	.xShmUnmap = shim_shm_unmap,
};

static int
shim_open(sqlite3_vfs *v, const char *name, sqlite3_file *file, int flags, int *out_flags)
{
	struct handle *h = (struct handle *)(void *)file;
	int rc;

	(void)v;
	h->base.pMethods = NULL;
	if (hit(FAULTS_OPEN))
		return SQLITE_CANTOPEN;
	h->below = (sqlite3_file *)(void *)(h + 1);
	rc = system_vfs->xOpen(system_vfs, name, h->below, flags, out_flags);
	if (rc == SQLITE_OK)
		h->base.pMethods = &SHIM_METHODS;
	return rc;
}

static int
shim_delete(sqlite3_vfs *v, const char *name, int sync_dir)
{
	(void)v;
	if (hit(FAULTS_NAME))
		return SQLITE_IOERR_DELETE;
	return system_vfs->xDelete(system_vfs, name, sync_dir);
}

void
faults_start(void)
{
	if (system_vfs != NULL)
		return;
	if (sqlite3_initialize() != SQLITE_OK || (system_vfs = sqlite3_vfs_find(NULL)) == NULL)
		abort();
	shim = *system_vfs;
	shim.zName = "faults";
	shim.pNext = NULL;
	shim.szOsFile = (int)sizeof(struct handle) + system_vfs->szOsFile;
	shim.xOpen = shim_open;
	shim.xDelete = shim_delete;
	if (sqlite3_vfs_register(&shim, 1) != SQLITE_OK)
		abort();
}
