#ifndef SHARED_SYNC_NUMBERING_H
#define SHARED_SYNC_NUMBERING_H

/*
 * numbering: a number for each of many byte strings, a hash table: the forms, shapes, columns,
 * logs and texts of a cargo.  Begins as zeroes.
 */
#include <stddef.h>

#include "shared/base/bytes.h"

struct numbering {
	struct numbering_slot { size_t at, len, number; } *slots;
	size_t cap, used;
	struct bytes store;	/* the bytes themselves */
};

/* The number (from 1) of these bytes, `next` if they are new; 0: no memory. */
size_t numbering_of(struct numbering *t, const void *p, size_t len, size_t next);
void numbering_reset(struct numbering *t);

#endif
