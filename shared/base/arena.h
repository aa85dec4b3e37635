#ifndef SHARED_BASE_ARENA_H
#define SHARED_BASE_ARENA_H

/* arena: many small pieces of memory that are freed together. */
#include <stddef.h>

struct arena {
	struct arena_chunk *chunks;
	size_t used, cap;	/* of the newest chunk */
	size_t total;		/* bytes handed out */
	size_t limit;		/* beyond it arena_alloc gives NULL; 0: none */
};

void arena_init(struct arena *a, size_t limit);
/* n * size zeroed bytes, aligned for anything; NULL: no memory, or the limit. n 0 is not NULL. */
void *arena_alloc(struct arena *a, size_t n, size_t size);
/* A copy with a NUL behind it. */
char *arena_copy(struct arena *a, const void *p, size_t len);
void arena_reset(struct arena *a);

#endif
