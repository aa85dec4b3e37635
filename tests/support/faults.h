#ifndef TESTS_SUPPORT_FAULTS_H
#define TESTS_SUPPORT_FAULTS_H

/*
 * faults: the Nth allocation, read, write … of this thread fails.  Allocations and
 * system calls of our own code are caught by the linker (--wrap, see Makefile), those of
 * SQLite by its allocator, which is ours, and by a VFS that stands below all others.
 * Only binaries named test_faults_* are linked so.
 */
#include <stdbool.h>

#include "shared/base/rc.h"

enum faults_call {
	FAULTS_ALLOC, FAULTS_OPEN, FAULTS_READ, FAULTS_WRITE, FAULTS_SYNC, FAULTS_TRUNCATE,
	FAULTS_NAME,		/* rename, link, unlink, mkdir */
	FAULTS_CALLS
};
enum faults_how {
	FAULTS_FAIL,		/* no memory; EIO */
	FAULTS_FULL,		/* ENOSPC */
	FAULTS_HALF,		/* half is done; SQLite is told ENOSPC, others the true number */
	FAULTS_STAY		/* ENOSPC from the Nth on */
};

/* Once a program, before any database is opened. */
void faults_start(void);

/* Let the nth such call from now on fail; 0: none, only count. */
void faults_arm(enum faults_call call, enum faults_how how, long n);
/* Back to normal.  Did one fail? */
bool faults_disarm(void);
/* Was it a disk that stayed full to the end of the call? */
bool faults_stay(void);
/* Such calls since it was armed. */
long faults_counted(void);

/* One public operation, tried over and over. */
struct faults_task {
	const char *name;
	/* Make what run needs; without faults.  May be NULL. */
	void (*prepare)(void *ctx);
	enum rc (*run)(void *ctx, struct error *err);
	/*
	 * Assert that the state is that of before (rc is an error), or that it is done, once (RC_OK).
	 * May be NULL.
	 */
	void (*check)(void *ctx, enum rc rc);
	bool argon2;		/* slow: few tries */
	bool tolerant;		/* some faults are not told because nothing is lost by them */
};

/*
 * Every kind of fault at every N (FAULTS=all in the environment), or at a few dozen N
 * of each kind.  Asserts: a clean error that names the fault, check, and that run then succeeds.
 * Ends the test on failure, with what reproduces it.
 */
void faults_drive(const struct faults_task *task, void *ctx);

#endif
