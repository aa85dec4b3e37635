#include <malloc.h>
#include <stdlib.h>
#include <string.h>

#include <sodium.h>
#include <sqlite3.h>

#include "tests/crash/crash_calls.h"
#include "tests/crash/crash_disk.h"
#include "tests/crash/crash_posix.h"
#include "tests/support/vfs_parts.h"

enum { PATH_BYTES = 1024, TRIM_BYTES = 256 << 20, SHARED_MAX = 64 };

struct handle {
	sqlite3_file base;
	struct crash_disk *disk;
	int file;
	void *shared[SHARED_MAX];	/* the index of a WAL; one connection a file at a time */
	bool slots;		/* opened to be overwritten */
	bool folder_too;	/* the first sync of a new journal or WAL syncs the folder */
	bool rekeyed;		/* CRASH_NEW or its WAL */
};

/* Once a process: see the header. */
static struct { char folder[CRASH_FOLDER_MAX]; struct crash_disk *disk; } DISKS[CRASH_DISKS_MAX];
static struct crash_calls_rules RULES;
static uint64_t RANDOM = 1;
static sqlite3_vfs VFS;

const struct crash_calls_rules *
crash_calls_rules(void)
{
	return &RULES;
}

void
crash_calls_use(struct crash_disk *d)
{
	memset(DISKS, 0, sizeof DISKS);
	crash_posix_reset();
	if (d != NULL)
		crash_calls_mount(&CRASH_FOLDER[sizeof CRASH_ROOT - 1], d);
}

void
crash_calls_mount(const char *folder, struct crash_disk *d)
{
	size_t at = CRASH_DISKS_MAX;

	if (strlen(folder) >= CRASH_FOLDER_MAX)
		abort();
	for (size_t i = CRASH_DISKS_MAX; i-- > 0;) {
		if (DISKS[i].disk == NULL)
			at = i;
	}
	for (size_t i = 0; i < CRASH_DISKS_MAX; i++) {
		if (DISKS[i].disk != NULL && strcmp(DISKS[i].folder, folder) == 0)
			at = i;
	}
	if (at == CRASH_DISKS_MAX)
		abort();
	memcpy(DISKS[at].folder, folder, strlen(folder) + 1);
	DISKS[at].disk = d;
}

void
crash_calls_break(struct crash_calls_rules rules)
{
	RULES = rules;
}

void
crash_calls_seed(uint64_t seed)
{
	RANDOM = seed;
}

bool
crash_calls_ours(const char *path)
{
	return strncmp(path, CRASH_ROOT, sizeof CRASH_ROOT - 1) == 0;
}

struct crash_disk *
crash_calls_at(const char *path, const char **name)
{
	const char *folder = path + sizeof CRASH_ROOT - 1, *end;

	*name = NULL;
	if (!crash_calls_ours(path))
		return NULL;
	end = strchr(folder, '/');
	for (size_t i = 0; i < CRASH_DISKS_MAX; i++) {
		size_t len = strlen(DISKS[i].folder);

		if (DISKS[i].disk == NULL || strncmp(folder, DISKS[i].folder, len) != 0 ||
		    (end == NULL ? folder[len] != '\0' : end != folder + len))
			continue;
		*name = end == NULL ? NULL : end + 1;
		return DISKS[i].disk;
	}
	return NULL;
}

unsigned
crash_calls_number(const struct crash_disk *d)
{
	for (unsigned i = 0; i < CRASH_DISKS_MAX; i++) {
		if (DISKS[i].disk == d)
			return i;
	}
	return CRASH_DISKS_MAX;
}

static struct handle *
handle_of(sqlite3_file *f)
{
	return (struct handle *)(void *)f;
}

static int
io_read(sqlite3_file *file, void *buf, int n, sqlite3_int64 offset)
{
	struct handle *h = handle_of(file);
	int64_t have = crash_disk_read(h->disk, h->file, buf, n, offset);

	if (have < 0)
		return SQLITE_IOERR_READ;
	return have == n ? SQLITE_OK : SQLITE_IOERR_SHORT_READ;
}

static int
io_write(sqlite3_file *file, const void *buf, int n, sqlite3_int64 offset)
{
	struct handle *h = handle_of(file);

	if (RULES.no_overwrite && h->slots)
		return SQLITE_OK;
	if (!crash_disk_fits(h->disk, h->file, offset + n))
		return SQLITE_FULL;
	return crash_disk_write(h->disk, h->file, buf, n, offset) ? SQLITE_OK : SQLITE_IOERR_WRITE;
}

static int
io_truncate(sqlite3_file *file, sqlite3_int64 size)
{
	struct handle *h = handle_of(file);

	return crash_disk_truncate(h->disk, h->file, size) ? SQLITE_OK : SQLITE_IOERR_TRUNCATE;
}

static int
io_sync(sqlite3_file *file, int flags)
{
	struct handle *h = handle_of(file);

	(void)flags;
	if (!(RULES.new_unsynced && h->rekeyed) && !crash_disk_sync(h->disk, h->file))
		return SQLITE_IOERR_FSYNC;
	if (h->folder_too && !(RULES.new_name_unsynced && h->rekeyed) &&
	    !crash_disk_sync_folder(h->disk))
		return SQLITE_IOERR_DIR_FSYNC;
	h->folder_too = false;
	return SQLITE_OK;
}

static int
io_size(sqlite3_file *file, sqlite3_int64 *size)
{
	*size = crash_disk_size(handle_of(file)->disk, handle_of(file)->file);
	return SQLITE_OK;
}

static int
io_sector(sqlite3_file *file)
{
	(void)file;
	return CRASH_SECTOR;
}

/* As the system's VFS promises; the vault must not pass it on. */
static int
io_characteristics(sqlite3_file *file)
{
	(void)file;
	return SQLITE_IOCAP_POWERSAFE_OVERWRITE;
}

static int
io_shared_map(sqlite3_file *file, int i, int size, int make, void volatile **out)
{
	struct handle *h = handle_of(file);

	*out = NULL;
	if (i >= SHARED_MAX)
		return SQLITE_IOERR_SHMMAP;
	if (h->shared[i] == NULL && make != 0 && (h->shared[i] = calloc(1, (size_t)size)) == NULL)
		return SQLITE_NOMEM;
	*out = h->shared[i];
	return SQLITE_OK;
}

static int
io_shared_lock(sqlite3_file *file, int offset, int n, int flags)
{
	(void)file;
	(void)offset;
	(void)n;
	(void)flags;
	return SQLITE_OK;
}

static void
io_shared_barrier(sqlite3_file *file)
{
	(void)file;
}

static int
io_shared_unmap(sqlite3_file *file, int drop)
{
	struct handle *h = handle_of(file);

	(void)drop;
	for (size_t i = 0; i < SHARED_MAX; i++) {
		free(h->shared[i]);
		h->shared[i] = NULL;
	}
	return SQLITE_OK;
}

static const sqlite3_io_methods METHODS = {
	.iVersion = 2,
	.xClose = vfs_parts_close,
	.xRead = io_read,
	.xWrite = io_write,
	.xTruncate = io_truncate,
	.xSync = io_sync,
	.xFileSize = io_size,
	.xLock = vfs_parts_lock,
	.xUnlock = vfs_parts_lock,
	.xCheckReservedLock = vfs_parts_check_reserved,
	.xFileControl = vfs_parts_no_control,
	.xSectorSize = io_sector,
	.xDeviceCharacteristics = io_characteristics,
	.xShmMap = io_shared_map,
	.xShmLock = io_shared_lock,
	.xShmBarrier = io_shared_barrier,
	.xShmUnmap = io_shared_unmap,
};

/* A temporary file without a name lies on whatever disk there is. */
static struct crash_disk *
any_disk(void)
{
	for (size_t i = 0; i < CRASH_DISKS_MAX; i++) {
		if (DISKS[i].disk != NULL)
			return DISKS[i].disk;
	}
	return NULL;
}

static int
vfs_open(sqlite3_vfs *v, const char *path, sqlite3_file *file, int flags, int *out_flags)
{
	const char *name = NULL;
	struct handle *h = handle_of(file);

	(void)v;
	memset(h, 0, sizeof *h);
	h->disk = path == NULL ? any_disk() : crash_calls_at(path, &name);
	if (h->disk == NULL || crash_disk_is_off(h->disk) || (path != NULL && name == NULL))
		return SQLITE_CANTOPEN;
	h->file = name == NULL ? -1 : crash_disk_find(h->disk, name);
	if (h->file < 0) {
		if (name != NULL && (flags & SQLITE_OPEN_CREATE) == 0)
			return SQLITE_CANTOPEN;
		if ((h->file = crash_disk_make(h->disk, name)) < 0)
			return SQLITE_CANTOPEN;
		h->folder_too = (flags & (SQLITE_OPEN_MAIN_JOURNAL | SQLITE_OPEN_WAL)) != 0;
	}
	h->rekeyed = name != NULL && strncmp(name, CRASH_NEW, sizeof CRASH_NEW - 1) == 0;
	h->slots = (flags & SQLITE_OPEN_SUPER_JOURNAL) != 0;
	h->base.pMethods = &METHODS;
	if (out_flags != NULL)
		*out_flags = flags;
	return SQLITE_OK;
}

static int
vfs_delete(sqlite3_vfs *v, const char *path, int sync_folder)
{
	const char *name;
	struct crash_disk *d = crash_calls_at(path, &name);

	(void)v;
	if (d == NULL || name == NULL || crash_disk_is_off(d))
		return SQLITE_IOERR_DELETE;
	if (crash_disk_find(d, name) < 0)
		return SQLITE_IOERR_DELETE_NOENT;
	if (!crash_disk_unlink(d, name))
		return SQLITE_IOERR_DELETE;
	return sync_folder == 0 || crash_disk_sync_folder(d) ? SQLITE_OK : SQLITE_IOERR_DIR_FSYNC;
}

static int
vfs_access(sqlite3_vfs *v, const char *path, int flags, int *out)
{
	const char *name;
	struct crash_disk *d = crash_calls_at(path, &name);

	(void)v;
	(void)flags;
	*out = d != NULL && name != NULL && crash_disk_find(d, name) >= 0;
	return SQLITE_OK;
}

static int
vfs_randomness(sqlite3_vfs *v, int n, char *out)
{
	(void)v;
	randombytes_buf(out, (size_t)n);
	return n;
}

static const char *
random_name(void)
{
	return "crash";
}

static void
random_fill(void *const out, const size_t len)
{
	uint8_t *p = out;

	for (size_t i = 0; i < len; i += sizeof RANDOM) {
		uint64_t word = crash_random(&RANDOM);

		memcpy(p + i, &word, len - i < sizeof word ? len - i : sizeof word);
	}
}

static uint32_t
random_word(void)
{
	return (uint32_t)crash_random(&RANDOM);
}

void
crash_calls_start(void)
{
	static struct randombytes_implementation seeded = {
		.implementation_name = random_name, .random = random_word, .buf = random_fill
	};

	if (VFS.zName != NULL)
		return;
	randombytes_set_implementation(&seeded);
	VFS = (sqlite3_vfs){
		.iVersion = 1,
		.szOsFile = (int)sizeof(struct handle),
		.mxPathname = PATH_BYTES,
		.zName = "crash",
		.xOpen = vfs_open,
		.xDelete = vfs_delete,
		.xAccess = vfs_access,
		.xFullPathname = vfs_parts_full_pathname,
		.xRandomness = vfs_randomness,
		.xSleep = vfs_parts_sleep,
		.xCurrentTime = vfs_parts_time,
	};
	sqlite3_vfs_register(&VFS, 1);
	/* memory that is given back after each cut is asked for again by the next */
	mallopt(M_TRIM_THRESHOLD, TRIM_BYTES);
	mallopt(M_MMAP_THRESHOLD, TRIM_BYTES);
}

struct sqlite3_vfs *
crash_calls_vfs(void)
{
	return &VFS;
}

/* In the place of Argon2id, which would cost a second a cut. */
int __wrap_crypto_pwhash(unsigned char *out, unsigned long long out_len, const char *passphrase,
    unsigned long long len, const unsigned char *salt, unsigned long long passes, size_t memory,
    int alg);
int
__wrap_crypto_pwhash(unsigned char *out, unsigned long long out_len, const char *passphrase,
    unsigned long long len, const unsigned char *salt, unsigned long long passes, size_t memory,
    int alg)
{
	(void)passes;
	(void)memory;
	(void)alg;
	return crypto_generichash(out, (size_t)out_len, (const unsigned char *)passphrase, len,
	    salt, crypto_pwhash_SALTBYTES);
}

/* In the place of guarded pages, which would cost more system calls than all the rest. */
void *__wrap_sodium_malloc(size_t len);
void __wrap_sodium_free(void *p);
void *
__wrap_sodium_malloc(size_t len)
{
	return calloc(1, len);
}

void
__wrap_sodium_free(void *p)
{
	free(p);
}
