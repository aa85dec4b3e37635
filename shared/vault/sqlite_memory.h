#ifndef SHARED_VAULT_SQLITE_MEMORY_H
#define SHARED_VAULT_SQLITE_MEMORY_H

/*
 * sqlite_memory: SQLite's allocator, overwriting what it frees, so that rows do
 * not linger in the process after they were closed.  Also turns off URI file
 * names, with which an ATTACH could name another VFS.
 */
#include "shared/base/rc.h"

/*
 * Before SQLite is first used, by one thread; further calls do nothing.
 * RC_INTERNAL: SQLite was already running.
 */
enum rc sqlite_memory_start(void) RC_CHECK;

#endif
