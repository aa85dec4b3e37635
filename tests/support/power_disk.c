#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sqlite3.h>

#include "tests/support/power_disk.h"
#include "tests/support/vfs_parts.h"

enum { SECTOR = 512, NAME = 1200 };

/* What a file holds, and which sectors of it were written since the last sync. */
struct image {
	char name[NAME];
	uint8_t *now, *safe;		/* cap bytes each */
	uint8_t *dirty;			/* one a sector */
	int64_t cap, now_len, safe_len;
	bool removed, buried, was_synced, temporary;	/* buried: removed for good */
	struct image *next;
};

struct failure {
	char ending[32];
	long left;
	int code;
	bool happened;
};

struct power_disk {
	sqlite3_vfs base;
	char vfs_name[40];
	struct image *files;
	uint64_t random;
	long operations, cut_at;
	bool off;
	struct failure failures[POWER_DISK_CALLS];
	int64_t limit;
	int sector, characteristics, temporaries;
};

struct handle {
	sqlite3_file base;
	struct power_disk *disk;
	struct image *image;
};

static struct handle *
handle_of(sqlite3_file *f)
{
	return (struct handle *)(void *)f;
}

/* SplitMix64: small, seeded, good enough to choose fates. */
static uint64_t
next_random(struct power_disk *d)
{
	uint64_t z = d->random += 0x9e3779b97f4a7c15u;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
	z = (z ^ z >> 27) * 0x94d049bb133111ebu;
	return z ^ z >> 31;
}

static bool
ends(const char *name, const char *ending)
{
	size_t a = strlen(name), b = strlen(ending);

	return a >= b && strcmp(name + a - b, ending) == 0;
}

static void *
need(void *p)
{
	if (p == NULL)
		abort();
	return p;
}

static void
image_grow(struct image *m, int64_t len)
{
	int64_t cap = m->cap == 0 ? 65536 : m->cap;

	while (cap < len)
		cap *= 2;
	if (cap == m->cap)
		return;
	m->now = need(realloc(m->now, (size_t)cap));
	m->safe = need(realloc(m->safe, (size_t)cap));
	m->dirty = need(realloc(m->dirty, (size_t)(cap / SECTOR)));
	memset(m->now + m->cap, 0, (size_t)(cap - m->cap));
	memset(m->safe + m->cap, 0, (size_t)(cap - m->cap));
	memset(m->dirty + m->cap / SECTOR, 0, (size_t)((cap - m->cap) / SECTOR));
	m->cap = cap;
}

static struct image *
image_find(const struct power_disk *d, const char *ending)
{
	for (struct image *m = d->files; m != NULL; m = m->next) {
		if (!m->removed && !m->temporary && ends(m->name, ending))
			return m;
	}
	return NULL;
}

static int
planned_failure(struct handle *h, enum power_disk_call call)
{
	struct failure *f = &h->disk->failures[call];

	if (f->left > 0 && ends(h->image->name, f->ending) && --f->left == 0) {
		f->happened = true;
		return f->code;
	}
	return SQLITE_OK;
}

/* Count an operation; the one that the cut falls into is begun and not finished. */
static void
count(struct power_disk *d)
{
	d->operations++;
	if (d->cut_at > 0 && d->operations >= d->cut_at)
		d->off = true;
}

static int
disk_read(sqlite3_file *file, void *buf, int n, sqlite3_int64 offset)
{
	struct handle *h = handle_of(file);
	struct image *m = h->image;
	int64_t have = m->now_len - offset;
	int rc = planned_failure(h, POWER_DISK_READ);

	if (rc != SQLITE_OK || h->disk->off)
		return rc != SQLITE_OK ? rc : SQLITE_IOERR_READ;
	memset(buf, 0, (size_t)n);
	if (have > 0)
		memcpy(buf, m->now + offset, (size_t)(have < n ? have : n));
	return have >= n ? SQLITE_OK : SQLITE_IOERR_SHORT_READ;
}

static int
disk_write(sqlite3_file *file, const void *buf, int n, sqlite3_int64 offset)
{
	struct handle *h = handle_of(file);
	struct image *m = h->image;
	struct power_disk *d = h->disk;
	int rc = planned_failure(h, POWER_DISK_WRITE);

	if (rc != SQLITE_OK || d->off)
		return rc != SQLITE_OK ? rc : SQLITE_IOERR_WRITE;
	if (d->limit > 0 && offset + n > m->now_len &&
	    power_disk_used(d) + offset + n - m->now_len > d->limit)
		return SQLITE_FULL;
	count(d);
	image_grow(m, offset + n);
	/* A hole reads as zeroes, whatever stood there before a truncation. */
	if (offset > m->now_len) {
		memset(m->now + m->now_len, 0, (size_t)(offset - m->now_len));
		for (int64_t s = m->now_len / SECTOR; s <= (offset - 1) / SECTOR; s++)
			m->dirty[s] = 1;
	}
	memcpy(m->now + offset, buf, (size_t)n);
	for (int64_t s = offset / SECTOR; s <= (offset + n - 1) / SECTOR; s++)
		m->dirty[s] = 1;
	if (offset + n > m->now_len)
		m->now_len = offset + n;
	return d->off ? SQLITE_IOERR_WRITE : SQLITE_OK;
}

static int
disk_truncate(sqlite3_file *file, sqlite3_int64 size)
{
	struct handle *h = handle_of(file);
	struct image *m = h->image;
	int rc = planned_failure(h, POWER_DISK_TRUNCATE);

	if (rc != SQLITE_OK || h->disk->off)
		return rc != SQLITE_OK ? rc : SQLITE_IOERR_TRUNCATE;
	count(h->disk);
	image_grow(m, size);
	if (size > m->now_len)
		memset(m->now + m->now_len, 0, (size_t)(size - m->now_len));
	m->now_len = size;
	return h->disk->off ? SQLITE_IOERR_TRUNCATE : SQLITE_OK;
}

static int
disk_sync(sqlite3_file *file, int flags)
{
	struct handle *h = handle_of(file);
	struct image *m = h->image;
	int rc = planned_failure(h, POWER_DISK_SYNC);

	(void)flags;
	if (rc != SQLITE_OK || h->disk->off)
		return rc != SQLITE_OK ? rc : SQLITE_IOERR_FSYNC;
	count(h->disk);
	if (h->disk->off)
		return SQLITE_IOERR_FSYNC;
	if (m->cap > 0) {
		memcpy(m->safe, m->now, (size_t)m->now_len);
		memset(m->safe + m->now_len, 0, (size_t)(m->cap - m->now_len));
		memset(m->dirty, 0, (size_t)(m->cap / SECTOR));
	}
	m->safe_len = m->now_len;
	/* The first sync of a new file syncs its folder too. */
	for (struct image *other = h->disk->files; other != NULL && !m->was_synced;
	    other = other->next)
		other->buried = other->removed;
	m->was_synced = true;
	return SQLITE_OK;
}

static int
disk_size(sqlite3_file *file, sqlite3_int64 *size)
{
	struct handle *h = handle_of(file);
	int rc = planned_failure(h, POWER_DISK_SIZE);

	*size = h->image->now_len;
	return rc;
}

static int
disk_sector(sqlite3_file *file)
{
	return handle_of(file)->disk->sector;
}

static int
disk_characteristics(sqlite3_file *file)
{
	return handle_of(file)->disk->characteristics;
}

static const sqlite3_io_methods METHODS = {
	.iVersion = 1,
	.xClose = vfs_parts_close,
	.xRead = disk_read,
	.xWrite = disk_write,
	.xTruncate = disk_truncate,
	.xSync = disk_sync,
	.xFileSize = disk_size,
	.xLock = vfs_parts_lock,
	.xUnlock = vfs_parts_lock,
	.xCheckReservedLock = vfs_parts_check_reserved,
	.xFileControl = vfs_parts_no_control,
	.xSectorSize = disk_sector,
	.xDeviceCharacteristics = disk_characteristics,
};

static struct power_disk *
disk_of(sqlite3_vfs *v)
{
	return v->pAppData;
}

static int
vfs_open(sqlite3_vfs *v, const char *name, sqlite3_file *file, int flags, int *out_flags)
{
	struct power_disk *d = disk_of(v);
	struct handle *h = handle_of(file);
	struct image *m = name == NULL ? NULL : image_find(d, name);

	memset(h, 0, sizeof *h);
	if (d->off)
		return SQLITE_CANTOPEN;
	if (m == NULL) {
		if (name != NULL && (flags & SQLITE_OPEN_CREATE) == 0)
			return SQLITE_CANTOPEN;
		m = need(calloc(1, sizeof *m));
		m->temporary = name == NULL;
		d->temporaries += name == NULL;
		snprintf(m->name, sizeof m->name, "%s", name == NULL ? "(temporary)" : name);
		m->next = d->files;
		d->files = m;
	}
	h->disk = d;
	h->image = m;
	h->base.pMethods = &METHODS;
	if (out_flags != NULL)
		*out_flags = flags;
	return SQLITE_OK;
}

static int
vfs_delete(sqlite3_vfs *v, const char *name, int sync_dir)
{
	struct power_disk *d = disk_of(v);
	struct image *m = image_find(d, name);

	if (d->off)
		return SQLITE_IOERR_DELETE;
	if (m == NULL)
		return SQLITE_IOERR_DELETE_NOENT;
	count(d);
	m->removed = true;
	m->buried = sync_dir != 0 && !d->off;
	return d->off ? SQLITE_IOERR_DELETE : SQLITE_OK;
}

static int
vfs_access(sqlite3_vfs *v, const char *name, int flags, int *out)
{
	(void)flags;
	*out = image_find(disk_of(v), name) != NULL;
	return SQLITE_OK;
}

static int
vfs_randomness(sqlite3_vfs *v, int n, char *out)
{
	for (int i = 0; i < n; i++)
		out[i] = (char)(next_random(disk_of(v)) & 255);
	return n;
}

struct power_disk *
power_disk_new(uint64_t seed)
{
	struct power_disk *d = need(calloc(1, sizeof *d));

	d->random = seed;
	d->sector = SECTOR;
	d->characteristics = SQLITE_IOCAP_POWERSAFE_OVERWRITE;
	snprintf(d->vfs_name, sizeof d->vfs_name, "power-disk-%p", (void *)d);
	d->base = (sqlite3_vfs){
		.iVersion = 1,
		.szOsFile = (int)sizeof(struct handle),
		.mxPathname = NAME,
		.zName = d->vfs_name,
		.pAppData = d,
		.xOpen = vfs_open,
		.xDelete = vfs_delete,
		.xAccess = vfs_access,
		.xFullPathname = vfs_parts_full_pathname,
		.xRandomness = vfs_randomness,
		.xSleep = vfs_parts_sleep,
		.xCurrentTime = vfs_parts_time,
	};
	if (sqlite3_vfs_register(&d->base, 0) != SQLITE_OK)
		abort();
	return d;
}

static void
image_free(struct image *m)
{
	free(m->now);
	free(m->safe);
	free(m->dirty);
	free(m);
}

void
power_disk_free(struct power_disk *d)
{
	struct image *next;

	if (d == NULL)
		return;
	sqlite3_vfs_unregister(&d->base);
	for (struct image *m = d->files; m != NULL; m = next) {
		next = m->next;
		image_free(m);
	}
	free(d);
}

struct sqlite3_vfs *
power_disk_vfs(struct power_disk *d)
{
	return &d->base;
}

long
power_disk_operations(const struct power_disk *d)
{
	return d->operations;
}

void
power_disk_cut_in(struct power_disk *d, long n)
{
	d->cut_at = d->operations + n;
}

bool
power_disk_is_off(const struct power_disk *d)
{
	return d->off;
}

/* A file may have grown by a part only; a truncation is done or not, as SQLite expects. */
static int64_t
length_after(struct power_disk *d, const struct image *m)
{
	int64_t grown = m->now_len - m->safe_len;

	switch (next_random(d) % 4) {
	case 0:
		return m->safe_len;
	case 1:
		return grown <= 0 ? m->now_len :
		    m->safe_len + (int64_t)(next_random(d) % (uint64_t)(grown + 1));
	default:
		return m->now_len;
	}
}

static void
settle(struct power_disk *d, struct image *m)
{
	int64_t len = length_after(d, m);
	/* Some cuts are kind, some drop everything, most do a bit of all. */
	uint64_t mood = next_random(d) % 6;

	for (int64_t s = 0; s * SECTOR < m->cap; s++) {
		uint64_t fate = mood < 3 ? mood : next_random(d) % 3;

		if (!m->dirty[s])
			continue;
		if (fate == 0) {
			memcpy(m->safe + s * SECTOR, m->now + s * SECTOR, SECTOR);
		} else if (fate == 2) {
			for (int i = 0; i < SECTOR; i++)
				m->safe[s * SECTOR + i] = (uint8_t)next_random(d);
		}
	}
	if (m->cap > 0) {
		memset(m->dirty, 0, (size_t)(m->cap / SECTOR));
		memset(m->safe + len, 0, (size_t)(m->cap - len));
		memcpy(m->now, m->safe, (size_t)m->cap);
	}
	m->now_len = m->safe_len = len;
}

void
power_disk_restart(struct power_disk *d)
{
	struct image **at = &d->files, *m;

	d->off = false;
	d->cut_at = 0;
	while ((m = *at) != NULL) {
		bool gone = m->temporary || m->buried || (!m->was_synced && next_random(d) % 2 == 0);

		if (!gone && m->removed) {
			/* back again, unless another file took the name */
			gone = next_random(d) % 2 == 0 || image_find(d, m->name) != NULL;
			m->removed = gone;
		}
		if (gone) {
			*at = m->next;
			image_free(m);
			continue;
		}
		settle(d, m);
		at = &m->next;
	}
}

void
power_disk_fail(struct power_disk *d, enum power_disk_call call, const char *ending, long n,
    int code)
{
	struct failure *f = &d->failures[call];

	snprintf(f->ending, sizeof f->ending, "%s", ending);
	f->left = n;
	f->code = code;
	f->happened = false;
}

bool
power_disk_failed(const struct power_disk *d, enum power_disk_call call)
{
	return d->failures[call].happened;
}

void
power_disk_limit(struct power_disk *d, int64_t bytes)
{
	d->limit = bytes;
}

int64_t
power_disk_used(const struct power_disk *d)
{
	int64_t used = 0;

	for (const struct image *m = d->files; m != NULL; m = m->next)
		used += m->removed ? 0 : m->now_len;
	return used;
}

void
power_disk_promise(struct power_disk *d, int sector, int characteristics)
{
	d->sector = sector;
	d->characteristics = characteristics;
}

const uint8_t *
power_disk_bytes(const struct power_disk *d, const char *ending, int64_t *len)
{
	const struct image *m = image_find(d, ending);

	*len = m == NULL ? 0 : m->now_len;
	return m == NULL ? NULL : m->now;
}

void
power_disk_spoil(struct power_disk *d, const char *ending, int64_t at, uint8_t flip)
{
	struct image *m = image_find(d, ending);

	if (m == NULL || at >= m->now_len)
		abort();
	m->now[at] ^= flip;
	m->safe[at] = m->now[at];
}

bool
power_disk_holds(const struct power_disk *d, const void *needle, size_t len)
{
	const uint8_t *p = needle;

	for (const struct image *m = d->files; m != NULL; m = m->next) {
		/* All of the memory: bytes behind a truncation were on the disk too. */
		for (int64_t i = 0; i + (int64_t)len <= m->cap; i++) {
			if (m->now[i] == p[0] && memcmp(m->now + i, p, len) == 0)
				return true;
			if (m->safe[i] == p[0] && memcmp(m->safe + i, p, len) == 0)
				return true;
		}
	}
	return false;
}

int
power_disk_temporaries(const struct power_disk *d)
{
	return d->temporaries;
}
