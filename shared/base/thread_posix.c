#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "shared/base/memory.h"
#include "shared/base/thread.h"

struct thread_lock {
	pthread_mutex_t mutex;
	pthread_cond_t woken;
	bool closed;
};

struct start {
	void (*body)(void *ctx);
	void *ctx;
};

/* Its times are those of the monotonic clock. */
static int
new_condition(pthread_cond_t *out)
{
	pthread_condattr_t attr;
	int e = pthread_condattr_init(&attr);

	if (e != 0)
		return e;
	if ((e = pthread_condattr_setclock(&attr, CLOCK_MONOTONIC)) == 0)
		e = pthread_cond_init(out, &attr);
	pthread_condattr_destroy(&attr);
	return e;
}

enum rc
thread_lock_new(struct thread_lock **out)
{
	struct thread_lock *l = calloc(1, sizeof(*l));

	*out = l;
	if (l == NULL)
		return RC_NOMEM;
	if (pthread_mutex_init(&l->mutex, NULL) != 0) {
		free(l);
		*out = NULL;
		return RC_NOMEM;
	}
	if (new_condition(&l->woken) != 0) {
		pthread_mutex_destroy(&l->mutex);
		free(l);
		*out = NULL;
		return RC_NOMEM;
	}
	return RC_OK;
}

void
thread_lock_free(struct thread_lock *l)
{
	if (l == NULL)
		return;
	pthread_cond_destroy(&l->woken);
	pthread_mutex_destroy(&l->mutex);
	free(l);
}

void
thread_lock_enter(struct thread_lock *l)
{
	pthread_mutex_lock(&l->mutex);
}

void
thread_lock_leave(struct thread_lock *l)
{
	pthread_mutex_unlock(&l->mutex);
}

void
thread_lock_close(struct thread_lock *l)
{
	l->closed = true;
}

void
thread_lock_enter_to_go_on(struct thread_lock *l)
{
	thread_lock_enter(l);
	while (l->closed) {
		thread_lock_leave(l);
		pause();
		thread_lock_enter(l);
	}
}

void
thread_lock_wait(struct thread_lock *l, int64_t at_most_ms)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	t.tv_sec += (time_t)(at_most_ms / 1000);
	t.tv_nsec += (long)(at_most_ms % 1000) * 1000000;
	if (t.tv_nsec >= 1000000000) {
		t.tv_sec++;
		t.tv_nsec -= 1000000000;
	}
	(void)pthread_cond_timedwait(&l->woken, &l->mutex, &t);
}

void
thread_lock_wake(struct thread_lock *l)
{
	(void)pthread_cond_broadcast(&l->woken);
}

static void *
run(void *p)
{
	struct start s = *(struct start *)p;

	free(p);
	s.body(s.ctx);
	/* the library keeps the stacks of ended threads for the next ones */
	memory_wipe_stack();
	return NULL;
}

enum rc
thread_start(void (*body)(void *ctx), void *ctx)
{
	struct start *s = malloc(sizeof(*s));
	pthread_t id;

	if (s == NULL)
		return RC_NOMEM;
	s->body = body;
	s->ctx = ctx;
	if (pthread_create(&id, NULL, run, s) != 0) {
		free(s);
		return RC_NOMEM;
	}
	pthread_detach(id);
	return RC_OK;
}
