#include "shared/sync/numbering.h"

#include <stdlib.h>
#include <string.h>

/* FNV-1a; only for the table, no one outside chooses what hangs on it. */
static size_t
hash_of(const uint8_t *p, size_t len)
{
	uint64_t h = 14695981039346656037U;

	for (size_t i = 0; i < len; i++)
		h = (h ^ p[i]) * 1099511628211U;
	return (size_t)(h ^ h >> 29);
}

void
numbering_reset(struct numbering *t)
{
	free(t->slots);
	bytes_reset(&t->store);
	memset(t, 0, sizeof(*t));
}

static struct numbering_slot *
slot_of(const struct numbering *t, const uint8_t *p, size_t len)
{
	size_t i = hash_of(p, len) & (t->cap - 1);

	while (t->slots[i].number != 0 && (t->slots[i].len != len ||
	    memcmp(t->store.data + t->slots[i].at, p, len) != 0))
		i = (i + 1) & (t->cap - 1);
	return &t->slots[i];
}

static enum rc
grow(struct numbering *t)
{
	struct numbering old = *t;
	size_t cap = t->cap ? t->cap * 2 : 256;

	if ((t->slots = calloc(cap, sizeof(*t->slots))) == NULL) {
		t->slots = old.slots;
		return RC_NOMEM;
	}
	t->cap = cap;
	for (size_t i = 0; i < old.cap; i++)
		if (old.slots[i].number != 0)
			*slot_of(t, t->store.data + old.slots[i].at, old.slots[i].len) =
			    old.slots[i];
	free(old.slots);
	return RC_OK;
}

size_t
numbering_of(struct numbering *t, const void *p, size_t len, size_t next)
{
	struct numbering_slot *s;

	if (2 * (t->used + 1) > t->cap && grow(t) != RC_OK)
		return 0;
	s = slot_of(t, p, len);
	if (s->number == 0) {
		s->at = t->store.len;
		s->len = len;
		bytes_put(&t->store, p, len);
		if (t->store.rc != RC_OK)
			return 0;
		s->number = next;
		t->used++;
	}
	return s->number;
}
