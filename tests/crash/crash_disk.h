#ifndef TESTS_CRASH_CRASH_DISK_H
#define TESTS_CRASH_CRASH_DISK_H

/*
 * crash_disk: one folder on a disk in memory, whose power can be cut.
 *
 * What a cut may do, and no more: every 512-byte sector that was written and not
 * synced is kept, dropped or filled with noise, the bytes of a synced write that share
 * it included; a file that grew or shrank has the old length, the new one, or one
 * between; what happened to names since the folder was last synced is done or not, in
 * order or not, and (if that is asked for) a rename may have lost its name half-way.
 * Sectors that nobody wrote are never touched.
 *
 * Contents are held in chunks that copies of a disk share, so that a copy costs
 * microseconds.  A disk may write down all that happens to it; the same can then be
 * done again to a copy, step by step, and cut anywhere.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { CRASH_SECTOR = 512, CRASH_CHUNK = 4096, CRASH_NAME_MAX = 48 };

/* mark: for whoever looks at the bytes; 0 again when they change. */
struct crash_chunk {
	unsigned refs;
	uint64_t mark;
	uint8_t data[CRASH_CHUNK];
};

enum crash_op_kind {
	CRASH_WRITE, CRASH_TRUNCATE, CRASH_SYNC, CRASH_MAKE, CRASH_LINK, CRASH_RENAME,
	CRASH_UNLINK, CRASH_SYNC_FOLDER
};

struct crash_op {
	enum crash_op_kind kind;
	int file;
	int64_t offset, len;			/* truncate: len is the new size */
	uint8_t *data;
	char name[CRASH_NAME_MAX], to[CRASH_NAME_MAX];
};

struct crash_log {
	struct crash_op *ops;
	size_t n, room;
};
void crash_log_reset(struct crash_log *log);

struct crash_disk;

struct crash_disk *crash_disk_new(void);
/* A copy as it is at this moment, unsynced writes included; it writes nothing down. */
struct crash_disk *crash_disk_copy(const struct crash_disk *from);
void crash_disk_free(struct crash_disk *d);

/* Append to a log from now on; NULL: no more. */
void crash_disk_record(struct crash_disk *d, struct crash_log *log);
/* Do again what a log holds. */
void crash_disk_apply(struct crash_disk *d, const struct crash_op *op);

/* The power goes in the middle of the nth operation from now; 0: never. */
void crash_disk_cut_in(struct crash_disk *d, long n);
bool crash_disk_is_off(const struct crash_disk *d);
/* The nth sync from now fails, and nothing of it is safe; 0: none. */
void crash_disk_fail_sync_in(struct crash_disk *d, long n);
/*
 * The disk has room for so many bytes in all its files, from now on; 0: no end.  It is for whoever
 * writes to ask first whether a file that reaches to `end` would fit.
 */
void crash_disk_limit(struct crash_disk *d, int64_t bytes);
bool crash_disk_fits(const struct crash_disk *d, int file, int64_t end);
/* Bytes of all its files now. */
int64_t crash_disk_used(const struct crash_disk *d);
/*
 * Decide by the fate what is left, and switch on again.  tears: the folder keeps no log of its
 * own, and a rename may have lost its name.
 */
void crash_disk_settle(struct crash_disk *d, uint64_t fate, bool tears);

/*
 * Files are numbers.  -1 or false: the power is off; for find: there is none.  A file that
 * lost its name lives on until the disk is settled.
 */
int crash_disk_find(const struct crash_disk *d, const char *name);
int crash_disk_make(struct crash_disk *d, const char *name);	/* NULL: no name */
bool crash_disk_link(struct crash_disk *d, const char *name, const char *to);
bool crash_disk_rename(struct crash_disk *d, const char *name, const char *to);
bool crash_disk_unlink(struct crash_disk *d, const char *name);
bool crash_disk_sync_folder(struct crash_disk *d);
/* Number of names of a file. */
unsigned crash_disk_names(const struct crash_disk *d, int file);
/* The name at this place in the folder; NULL past the last. */
const char *crash_disk_name(const struct crash_disk *d, size_t i);

int64_t crash_disk_size(const struct crash_disk *d, int file);
/* Bytes read, the rest zeroed; -1. */
int64_t crash_disk_read(const struct crash_disk *d, int file, void *buf, int64_t len,
    int64_t offset);
bool crash_disk_write(struct crash_disk *d, int file, const void *buf, int64_t len,
    int64_t offset);
bool crash_disk_truncate(struct crash_disk *d, int file, int64_t size);
bool crash_disk_sync(struct crash_disk *d, int file);

/* The chunk that holds these bytes of a file now; NULL: zeroes. */
struct crash_chunk *crash_disk_chunk(const struct crash_disk *d, int file, size_t i);
/* A sector goes bad, synced or not. */
void crash_disk_spoil(struct crash_disk *d, int file, int64_t sector, uint64_t fate);
/* Do these bytes lie where a file lies or lay, though it may have no name any more? */
bool crash_disk_holds(const struct crash_disk *d, int file, const void *needle, size_t len);

/* splitmix64 */
uint64_t crash_random(uint64_t *state);
uint64_t crash_mix(uint64_t a, uint64_t b);

#endif
