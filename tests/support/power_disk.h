#ifndef TESTS_SUPPORT_POWER_DISK_H
#define TESTS_SUPPORT_POWER_DISK_H

/*
 * power_disk: a disk in memory, as a SQLite VFS, whose power can be cut.
 * A write is safe when its file was synced after it.  At a cut every sector
 * (512 bytes) that was written and not synced is kept, dropped or garbled; a
 * file that grew has any size between the old and the new one; a truncation is
 * done or not; a file that was removed without a sync of its folder may be back,
 * and one that was made and not synced may be gone.
 * Sectors that nobody wrote are never touched.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct sqlite3_vfs;
struct power_disk;

struct power_disk *power_disk_new(uint64_t seed);
void power_disk_free(struct power_disk *d);
struct sqlite3_vfs *power_disk_vfs(struct power_disk *d);

/* Writes, truncations, syncs and removals so far. */
long power_disk_operations(const struct power_disk *d);
/* Cut the power in the middle of the nth operation from now (1 is the next). */
void power_disk_cut_in(struct power_disk *d, long n);
bool power_disk_is_off(const struct power_disk *d);
/* Decide what is left, and switch on.  Also without a cut before. */
void power_disk_restart(struct power_disk *d);

/* What fails, and how, for the tests of errors. */
enum power_disk_call {
	POWER_DISK_READ, POWER_DISK_WRITE, POWER_DISK_SYNC, POWER_DISK_TRUNCATE, POWER_DISK_SIZE,
	POWER_DISK_CALLS
};
/* The nth such call from now on files whose names end so returns code; 0: none. */
void power_disk_fail(struct power_disk *d, enum power_disk_call call, const char *ending,
    long n, int code);
/* Did the failure that was planned last for this call happen? */
bool power_disk_failed(const struct power_disk *d, enum power_disk_call call);
/* Writes that would make all files together larger than this return SQLITE_FULL; 0: no limit. */
void power_disk_limit(struct power_disk *d, int64_t bytes);
int64_t power_disk_used(const struct power_disk *d);

/* Sizes of the device's promises, as xSectorSize and xDeviceCharacteristics report. */
void power_disk_promise(struct power_disk *d, int sector, int characteristics);

/*
 * The bytes of the file whose name ends so, to look at and to spoil (synced and
 * unsynced alike after power_disk_spoil); NULL if there is none.
 */
const uint8_t *power_disk_bytes(const struct power_disk *d, const char *ending, int64_t *len);
void power_disk_spoil(struct power_disk *d, const char *ending, int64_t at, uint8_t flip);
/* Does any file, removed and temporary ones included, hold these bytes? */
bool power_disk_holds(const struct power_disk *d, const void *needle, size_t len);
/* Number of files ever opened without a name. */
int power_disk_temporaries(const struct power_disk *d);

#endif
