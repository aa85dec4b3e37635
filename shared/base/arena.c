#include "shared/base/arena.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* Many arenas hold one entry: the first chunk is small, the later ones double. */
enum { CHUNK_MIN = 1024, CHUNK_MAX = 65536, ALIGN = 16 };

struct arena_chunk {
	_Alignas(16) struct arena_chunk *next;
};

void
arena_init(struct arena *a, size_t limit)
{
	memset(a, 0, sizeof(*a));
	a->limit = limit;
}

void *
arena_alloc(struct arena *a, size_t n, size_t size)
{
	struct arena_chunk *c;
	size_t bytes, room;
	void *p;

	if (size != 0 && n > (SIZE_MAX / 2) / size)
		return NULL;
	bytes = (n * size + ALIGN - 1) / ALIGN * ALIGN;
	if (bytes == 0)
		bytes = ALIGN;
	if (a->limit != 0 && (a->total > a->limit || bytes > a->limit - a->total))
		return NULL;
	if (a->chunks == NULL || bytes > a->cap - a->used) {
		room = a->chunks == NULL ? CHUNK_MIN : a->cap < CHUNK_MAX / 2 ? 2 * a->cap : CHUNK_MAX;
		if (room < bytes)
			room = bytes;
		if ((c = malloc(sizeof(*c) + room)) == NULL)
			return NULL;
		c->next = a->chunks;
		a->chunks = c;
		a->used = 0;
		a->cap = room;
	}
	p = (uint8_t *)(a->chunks + 1) + a->used;
	a->used += bytes;
	a->total += bytes;
	memset(p, 0, bytes);
	return p;
}

char *
arena_copy(struct arena *a, const void *p, size_t len)
{
	char *to = arena_alloc(a, len + 1, 1);

	if (to != NULL && len > 0)
		memcpy(to, p, len);
	return to;
}

void
arena_reset(struct arena *a)
{
	struct arena_chunk *next;

	for (struct arena_chunk *c = a->chunks; c != NULL; c = next) {
		next = c->next;
		free(c);
	}
	arena_init(a, a->limit);
}
