#ifndef SHARED_BASE_THREAD_H
#define SHARED_BASE_THREAD_H

/* thread: a detached thread and a lock, for the keeper and the page. */
#include "shared/base/rc.h"

struct thread_lock;
enum rc thread_lock_new(struct thread_lock **out) RC_CHECK;
void thread_lock_free(struct thread_lock *l);
void thread_lock_enter(struct thread_lock *l);
void thread_lock_leave(struct thread_lock *l);

/* Run body(ctx) beside the caller; nobody waits for it. */
enum rc thread_start(void (*body)(void *ctx), void *ctx) RC_CHECK;

#endif
