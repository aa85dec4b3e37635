#include <pthread.h>
#include <stdlib.h>

#include "shared/base/memory.h"
#include "shared/base/thread.h"

struct thread_lock {
	pthread_mutex_t mutex;
};

struct start {
	void (*body)(void *ctx);
	void *ctx;
};

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
	return RC_OK;
}

void
thread_lock_free(struct thread_lock *l)
{
	if (l == NULL)
		return;
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
