#ifndef SHARED_RECORDS_REGISTER_PARTS_H
#define SHARED_RECORDS_REGISTER_PARTS_H

/* register_parts: what the files of register share. */
#include "shared/records/register.h"

struct register_block {
	struct register_block *next;
	uint8_t bytes[];
};

/* Room for len bytes that live as long as the state. */
uint8_t *register_parts_room(struct register_state *s, size_t len);

/* Room for one more of n objects in *p; false: no memory. */
bool register_parts_grow(void *p, size_t n, size_t *cap, size_t size);

/* Index of a dot among the applied ones, or where it would stand; *found. */
size_t register_parts_find_dot(const struct register_state *s, const struct dot *d, bool *found);
/* Root of the class of a dot. */
struct dot register_parts_root(const struct register_state *s, const struct dot *d);
/* Index of the value with that root and item, or where it would stand; *found. */
size_t register_parts_find_value(const struct register_field *f, const struct dot *root,
    uint32_t item, bool *found);
size_t register_parts_find_pending(const struct register_field *f, const struct address *a,
    bool *found);
/* The field of that number, made if need be; NULL: no memory. */
struct register_field *register_parts_field(struct register_state *s, unsigned field);
/* Who created the record, from the dots. */
struct dot register_parts_creator(const struct register_state *s);

#endif
