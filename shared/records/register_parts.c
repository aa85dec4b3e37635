#include "shared/records/register_parts.h"

#include <stdlib.h>
#include <string.h>

uint8_t *
register_parts_room(struct register_state *s, size_t len)
{
	struct register_block *b = malloc(sizeof(*b) + len);

	if (b == NULL)
		return NULL;
	b->next = s->blocks;
	s->blocks = b;
	return b->bytes;
}

bool
register_parts_grow(void *p, size_t n, size_t *cap, size_t size)
{
	void *old, *grown;
	size_t more;

	if (n < *cap)
		return true;
	memcpy(&old, p, sizeof(old));
	more = *cap == 0 ? 4 : *cap * 2;
	if (more > SIZE_MAX / size || (grown = realloc(old, more * size)) == NULL)
		return false;
	memcpy(p, &grown, sizeof(grown));
	*cap = more;
	return true;
}

/* Where a key stands in an ordered list, or would stand. */
static size_t
search(const void *list, size_t n, const void *key,
    int (*compare)(const void *list, size_t i, const void *key), bool *found)
{
	size_t low = 0, high = n;

	*found = false;
	while (low < high) {
		size_t mid = low + (high - low) / 2;
		int c = compare(list, mid, key);

		if (c == 0) {
			*found = true;
			return mid;
		}
		if (c < 0)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

static int
compare_dot(const void *list, size_t i, const void *key)
{
	const struct register_dot *dots = list;

	return dot_compare(&dots[i].dot, key);
}

size_t
register_parts_find_dot(const struct register_state *s, const struct dot *d, bool *found)
{
	return search(s->dots, s->n_dots, d, compare_dot, found);
}

/* The dot that an applied dot restates; false: it restates nothing, or is not here. */
static bool
one_step(const struct register_state *s, const struct dot *d, struct dot *out)
{
	bool found;
	size_t i = register_parts_find_dot(s, d, &found);

	if (!found || s->dots[i].restates.log == 0)
		return false;
	*out = s->dots[i].restates;
	return true;
}

struct dot
register_parts_root(const struct register_state *s, const struct dot *d)
{
	struct dot at = *d, least;

	if (s->n_restating == 0)
		return at;
	for (size_t steps = 0; steps <= s->n_restating; steps++)
		if (!one_step(s, &at, &at))
			return at;
	/* a ring: once around it for the smallest */
	least = at;
	for (size_t steps = 0; steps <= s->n_restating && one_step(s, &at, &at); steps++)
		if (dot_compare(&at, &least) < 0)
			least = at;
	return least;
}

static int
compare_value(const void *list, size_t i, const void *key)
{
	const struct register_value *values = list;
	const struct address at = { values[i].root, values[i].address.item };

	return address_compare(&at, key);
}

size_t
register_parts_find_value(const struct register_field *f, const struct dot *root,
    uint32_t item, bool *found)
{
	const struct address want = { *root, item };

	return search(f->values, f->n_values, &want, compare_value, found);
}

static int
compare_pending(const void *list, size_t i, const void *key)
{
	const struct register_pending *pending = list;

	return address_compare(&pending[i].address, key);
}

size_t
register_parts_find_pending(const struct register_field *f, const struct address *a, bool *found)
{
	return search(f->pending, f->n_pending, a, compare_pending, found);
}

static size_t
field_at(const struct register_state *s, unsigned field)
{
	size_t i = 0;

	while (i < s->n_fields && s->fields[i].field < field)
		i++;
	return i;
}

const struct register_field *
register_find(const struct register_state *s, unsigned field)
{
	size_t i = field_at(s, field);

	return i < s->n_fields && s->fields[i].field == field ? &s->fields[i] : NULL;
}

struct register_field *
register_parts_field(struct register_state *s, unsigned field)
{
	size_t i = field_at(s, field);

	if (i < s->n_fields && s->fields[i].field == field)
		return &s->fields[i];
	if (!register_parts_grow(&s->fields, s->n_fields, &s->cap_fields, sizeof(*s->fields)))
		return NULL;
	memmove(&s->fields[i + 1], &s->fields[i], (s->n_fields - i) * sizeof(*s->fields));
	memset(&s->fields[i], 0, sizeof(s->fields[i]));
	s->fields[i].field = field;
	s->n_fields++;
	return &s->fields[i];
}

/* The creating entry itself, else the smallest that restates it. */
struct dot
register_parts_creator(const struct register_state *s)
{
	struct dot none = { 0, 0 };
	bool found;

	(void)register_parts_find_dot(s, &s->record, &found);
	if (found)
		return s->record;
	for (size_t i = 0; s->n_restating > 0 && i < s->n_dots; i++)
		if (dot_compare(&s->dots[i].restates, &s->record) == 0)
			return s->dots[i].dot;
	return none;
}

void
register_state_init(struct register_state *s, struct dot record)
{
	memset(s, 0, sizeof(*s));
	s->record = record;
}

void
register_state_reset(struct register_state *s)
{
	struct dot record = s->record;

	for (size_t i = 0; i < s->n_fields; i++) {
		free(s->fields[i].values);
		free(s->fields[i].pending);
	}
	free(s->fields);
	free(s->dots);
	while (s->blocks != NULL) {
		struct register_block *next = s->blocks->next;

		free(s->blocks);
		s->blocks = next;
	}
	register_state_init(s, record);
}
