/* The state of a directory, and looking things up. */
#include <stdlib.h>
#include <string.h>

#include "shared/sync/directory_internal.h"
#include "shared/vault/digest.h"

/* ---- sorted pointers ---- */

size_t
directory_set_find(const struct directory_set *s, directory_compare *compare, const void *key,
    bool *found)
{
	size_t low = 0, high = s->n;

	*found = false;
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		int order = compare(key, s->items[middle]);

		if (order == 0) {
			*found = true;
			return middle;
		}
		if (order > 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

enum rc
directory_set_reserve(struct directory_set *s, size_t extra)
{
	size_t cap = s->cap ? s->cap : 16;
	void **items;

	if (s->n + extra <= s->cap)
		return RC_OK;
	while (cap < s->n + extra)
		cap *= 2;
	if ((items = realloc(s->items, cap * sizeof *items)) == NULL)
		return RC_NOMEM;
	s->items = items;
	s->cap = cap;
	return RC_OK;
}

void
directory_set_insert(struct directory_set *s, size_t at, void *item)
{
	memmove(s->items + at + 1, s->items + at, (s->n - at) * sizeof *s->items);
	s->items[at] = item;
	s->n++;
}

void *
directory_set_remove(struct directory_set *s, size_t at)
{
	void *item = s->items[at];

	s->n--;
	memmove(s->items + at, s->items + at + 1, (s->n - at) * sizeof *s->items);
	return item;
}

int
directory_by_code(const void *key, const void *item)
{
	return strcmp(key, ((const struct unit_entry *)item)->unit.code);
}

int
directory_by_device(const void *key, const void *item)
{
	return memcmp(key, ((const struct device_entry *)item)->device.cert.device,
	    IDENTITY_ID_BYTES);
}

int
directory_by_id(const void *key, const void *item)
{
	return memcmp(key, item, IDENTITY_ID_BYTES);
}

static const void *
lookup(const struct directory_set *s, directory_compare *compare, const void *key)
{
	bool found;
	size_t at = directory_set_find(s, compare, key, &found);

	return found ? s->items[at] : NULL;
}

/* ---- life ---- */

enum rc
directory_new(struct directory **out)
{
	*out = calloc(1, sizeof **out);
	return *out == NULL ? RC_NOMEM : RC_OK;
}

void
directory_unit_free(struct unit_entry *u)
{
	if (u == NULL)
		return;
	free(u->unit.full_name);
	free(u->unit.name);
	free(u);
}

void
directory_device_free(struct device_entry *e)
{
	if (e == NULL)
		return;
	free(e->device.heads);
	free(e);
}

void
directory_free(struct directory *d)
{
	if (d == NULL)
		return;
	for (size_t i = 0; i < d->units.n; i++)
		directory_unit_free(d->units.items[i]);
	for (size_t i = 0; i < d->devices.n; i++)
		directory_device_free(d->devices.items[i]);
	for (size_t i = 0; i < d->awaited.n; i++)
		directory_device_free(d->awaited.items[i]);
	for (size_t i = 0; i < d->revoked.n; i++)
		free(d->revoked.items[i]);
	free(d->units.items);
	free(d->devices.items);
	free(d->awaited.items);
	free(d->revoked.items);
	free(d->heads);
	free(d->keys);
	free(d->promises);
	free(d->name);
	bytes_reset(&d->forms);
	directory_erasures_free(d->erasures, d->n_erasures);
	free(d);
}

/* ---- what it says ---- */

uint64_t
directory_count(const struct directory *d)
{
	return d->count;
}

uint64_t
directory_newer_count(const struct directory *d)
{
	return d->newer;
}

void
directory_head(const struct directory *d, uint8_t out[DIRECTORY_HEAD_BYTES])
{
	memcpy(out, d->head, DIRECTORY_HEAD_BYTES);
}

bool
directory_head_at(const struct directory *d, uint64_t seq, uint8_t out[16])
{
	memset(out, 0, 16);
	if (seq >= d->count)
		return false;
	memcpy(out, d->heads[seq], 16);
	return true;
}

const uint8_t *
directory_root(const struct directory *d)
{
	return d->root;
}

const uint8_t *
directory_recovery_key(const struct directory *d)
{
	return d->recovery;
}

void
directory_fingerprint(const uint8_t root[32], uint8_t out[32])
{
	digest_of(out, 32, "field-province-1", root, 32);
}

void
directory_province(const struct directory *d, uint8_t out[8])
{
	uint8_t fingerprint[32];

	directory_fingerprint(d->root, fingerprint);
	memcpy(out, fingerprint, 8);
}

const char *
directory_name(const struct directory *d)
{
	return d->name == NULL ? "" : d->name;
}

const char *
directory_top_unit(const struct directory *d)
{
	return d->top_unit;
}

size_t
directory_unit_count(const struct directory *d)
{
	return d->units.n;
}

const struct unit *
directory_unit_at(const struct directory *d, size_t i)
{
	return i < d->units.n ? &((const struct unit_entry *)d->units.items[i])->unit : NULL;
}

const struct unit *
directory_unit(const struct directory *d, const char *code)
{
	const struct unit_entry *u = lookup(&d->units, directory_by_code, code);

	return u == NULL ? NULL : &u->unit;
}

size_t
directory_device_count(const struct directory *d)
{
	return d->devices.n;
}

const struct device *
directory_device_at(const struct directory *d, size_t i)
{
	return i < d->devices.n ? &((const struct device_entry *)d->devices.items[i])->device : NULL;
}

const struct device *
directory_device(const struct directory *d, const uint8_t id[16])
{
	const struct device_entry *e = lookup(&d->devices, directory_by_device, id);

	return e == NULL ? NULL : &e->device;
}

bool
directory_device_counts(const struct device *device, uint64_t log, uint64_t n)
{
	size_t low = 0, high = device->n_heads;

	if (device->state != DEVICE_RETIRED)
		return device->state != DEVICE_REFUSED;
	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (device->heads[middle].log == log)
			return n <= device->heads[middle].n;
		if (device->heads[middle].log < log)
			low = middle + 1;
		else
			high = middle;
	}
	return false;
}

bool
directory_invitation_revoked(const struct directory *d, const uint8_t id[16])
{
	return lookup(&d->revoked, directory_by_id, id) != NULL;
}

size_t
directory_invitation_uses(const struct directory *d, const uint8_t id[16])
{
	size_t n = 0;

	for (size_t i = 0; i < d->devices.n; i++) {
		const struct device_entry *e = d->devices.items[i];

		n += e->device.state != DEVICE_REFUSED &&
		    memcmp(e->device.cert.invitation.id, id, IDENTITY_ID_BYTES) == 0;
	}
	return n;
}

int
directory_key_compare(const void *a, const void *b)
{
	const struct scope_key *x = a, *y = b;
	int order = strcmp(x->unit, y->unit);

	if (order == 0)
		order = (x->compartment > y->compartment) - (x->compartment < y->compartment);
	if (order == 0)
		order = (x->epoch > y->epoch) - (x->epoch < y->epoch);
	return order;
}

/* The last key that is not beyond this epoch of the scope. */
static const struct scope_key *
key_up_to(const struct directory *d, const char *unit, unsigned compartment, uint32_t epoch)
{
	struct scope_key wanted = { .compartment = compartment, .epoch = epoch };
	size_t low = 0, high = d->n_keys, len = strlen(unit);
	const struct scope_key *key;

	if (len > IDENTITY_UNIT_MAX)
		return NULL;
	memcpy(wanted.unit, unit, len);
	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (directory_key_compare(&d->keys[middle], &wanted) <= 0)
			low = middle + 1;
		else
			high = middle;
	}
	if (low == 0)
		return NULL;
	key = &d->keys[low - 1];
	return key->compartment == compartment && strcmp(key->unit, unit) == 0 ? key : NULL;
}

const struct scope_key *
directory_scope_key(const struct directory *d, const char *unit, unsigned compartment)
{
	return key_up_to(d, unit, compartment, UINT32_MAX);
}

const struct scope_key *
directory_scope_key_at(const struct directory *d, const char *unit, unsigned compartment,
    uint32_t epoch)
{
	const struct scope_key *key = key_up_to(d, unit, compartment, epoch);

	return key != NULL && key->epoch == epoch ? key : NULL;
}

const uint8_t *
directory_forms(const struct directory *d, size_t *len, uint64_t *seq)
{
	*len = d->forms.len;
	*seq = d->forms_seq;
	return d->forms.len == 0 ? NULL : d->forms.data;
}
