#ifndef SYNC_SERVER_SERVER_BACKUP_H
#define SYNC_SERVER_SERVER_BACKUP_H

/*
 * server_backup: authority and relay of a folder as one file (formats.md "Server
 * backup"), while the relay serves.  The authority stays sealed; the relay's seed is in
 * it, so the file is for its owner alone.
 */
#include <stddef.h>
#include <stdint.h>

#include "shared/base/rc.h"

struct server_backup_counts {
	size_t files;
	uint64_t bytes;
};

/*
 * Write what is in dir, authority/ or relay/ or both, to a new file.  RC_EXISTS: it is
 * there.  RC_NOTFOUND: neither folder.  RC_BUSY: a command works on the authority.
 * RC_FULL, RC_IO.
 */
enum rc server_backup_write(const char *dir, const char *path,
    struct server_backup_counts *out, struct error *err) RC_CHECK;

/*
 * Put the folders of a backup back into dir, where neither may be.  The whole file is
 * checked first.  The relay begins a new generation, so that laptops hand in again
 * what it has forgotten.  RC_EXISTS.  RC_FORMAT, RC_DAMAGED, RC_NEWER: nothing was written.
 */
enum rc server_backup_restore(const char *path, const char *dir,
    struct server_backup_counts *out, struct error *err) RC_CHECK;

#endif
