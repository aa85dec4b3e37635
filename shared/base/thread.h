#ifndef SHARED_BASE_THREAD_H
#define SHARED_BASE_THREAD_H

/* thread: a detached thread and a lock, for the keeper and the page. */
#include <stdint.h>

#include "shared/base/rc.h"

struct thread_lock;
enum rc thread_lock_new(struct thread_lock **out) RC_CHECK;
void thread_lock_free(struct thread_lock *l);
void thread_lock_enter(struct thread_lock *l);
void thread_lock_leave(struct thread_lock *l);

/*
 * In the lock: what it guarded is no more.  thread_lock_enter() enters as before, but who enters
 * to go on with that never comes back; such a thread ends with the process.
 */
void thread_lock_close(struct thread_lock *l);
void thread_lock_enter_to_go_on(struct thread_lock *l);

/* In the lock: leave it until somebody calls thread_lock_wake(), at most so long, and enter again. */
void thread_lock_wait(struct thread_lock *l, int64_t at_most_ms);
void thread_lock_wake(struct thread_lock *l);

/* Run body(ctx) beside the caller; nobody waits for it. */
enum rc thread_start(void (*body)(void *ctx), void *ctx) RC_CHECK;

#endif
