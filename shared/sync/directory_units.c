/* Units: the tree of the province, and statements of type 2. */
#include <stdlib.h>
#include <string.h>

#include "shared/base/clock.h"
#include "shared/sync/directory_internal.h"

enum {
	UNIT_MIN = 10,		/* bytes of the shortest in a statement */
	FLAG_HIGH_RISK = 1,
	FLAG_SYNC_POINT = 2
};

static bool
read_word(struct reader *r, size_t size, char *out)
{
	size_t len;
	const uint8_t *p = reader_span(r, size - 1, &len);

	out[0] = '\0';
	if (p == NULL)
		return false;
	/* the alphabet of codes; the word may be missing */
	if (len > 0 && !identity_unit_is_valid((const char *)p, len))
		return false;
	memcpy(out, p, len);
	out[len] = '\0';
	return true;
}

static bool
read_name(struct reader *r, char **out)
{
	char text[DIRECTORY_UNIT_NAME_MAX + 1];

	if (!directory_read_text(r, DIRECTORY_UNIT_NAME_MAX, text))
		return false;
	*out = malloc(strlen(text) + 1);
	if (*out != NULL)
		strcpy(*out, text);
	return true;
}

static bool
read_date(struct reader *r, uint64_t *out)
{
	struct date date;

	*out = reader_varint_max(r, 9999 * 512);
	date.year = (int)(*out / 512);
	date.month = (int)(*out / 32 % 16);
	date.day = (int)(*out % 32);
	return !r->bad && (*out == 0 || date_is_valid(&date));
}

static enum rc
read_unit(struct reader *r, struct unit *u)
{
	uint8_t flags;

	if (!directory_read_unit(r, false, u->code) || !read_name(r, &u->full_name) ||
	    !read_name(r, &u->name) || !read_word(r, sizeof u->level, u->level) ||
	    !read_word(r, sizeof u->kind, u->kind) ||
	    !directory_read_unit(r, true, u->parent) || !read_date(r, &u->valid_from) ||
	    !read_date(r, &u->valid_to) || !directory_read_unit(r, true, u->successor))
		return RC_FORMAT;
	flags = reader_u8(r);
	if (r->bad)
		return RC_FORMAT;
	u->high_risk = (flags & FLAG_HIGH_RISK) != 0;
	u->sync_point = (flags & FLAG_SYNC_POINT) != 0;
	return u->full_name == NULL || u->name == NULL ? RC_NOMEM : RC_OK;
}

static int
compare_entries(const void *a, const void *b)
{
	const struct unit_entry *const *x = a, *const *y = b;

	return strcmp((*x)->unit.code, (*y)->unit.code);
}

/* The units of the statement, sorted; one named twice is an error. */
static enum rc
read_units(struct reader *r, struct directory_set *fresh, struct error *err)
{
	size_t n = (size_t)reader_varint_max(r, DIRECTORY_UNITS_MAX);
	enum rc rc;

	if (r->bad || n > reader_left(r) / UNIT_MIN)
		return RC_FORMAT;
	if ((rc = directory_set_reserve(fresh, n)) != RC_OK)
		return rc;
	for (size_t i = 0; i < n; i++) {
		struct unit_entry *u = calloc(1, sizeof *u);

		if (u == NULL)
			return RC_NOMEM;
		fresh->items[fresh->n++] = u;
		if ((rc = read_unit(r, &u->unit)) != RC_OK)
			return rc;
	}
	if (!reader_done(r))
		return RC_FORMAT;
	if (n > 1)
		qsort(fresh->items, n, sizeof *fresh->items, compare_entries);
	for (size_t i = 1; i < n; i++) {
		const struct unit_entry *u = fresh->items[i];

		if (compare_entries(&fresh->items[i - 1], &fresh->items[i]) == 0)
			return error_set(err, RC_INVALID, u->unit.code, NULL,
			    "the unit stands twice in one statement");
	}
	return RC_OK;
}

/* The fresh one remembers under which parents the old one stood. */
static void
remember_parents(const struct unit_entry *old, struct unit_entry *fresh)
{
	bool moved = strcmp(old->unit.parent, fresh->unit.parent) != 0 && old->unit.parent[0] != '\0';

	memcpy(fresh->former[moved ? 1 : 0], old->former,
	    sizeof old->former - (moved ? sizeof old->former[0] : 0));
	if (moved)
		memcpy(fresh->former[0], old->unit.parent, sizeof old->unit.parent);
}

/* Old and fresh units in one order; of two with one code the fresh one stays. */
static enum rc
merge(const struct directory_set *old, const struct directory_set *fresh,
    struct directory_set *merged, struct directory_set *replaced)
{
	size_t i = 0, j = 0;
	enum rc rc;

	if ((rc = directory_set_reserve(merged, old->n + fresh->n + 1)) != RC_OK ||
	    (rc = directory_set_reserve(replaced, fresh->n + 1)) != RC_OK)
		return rc;
	while (i < old->n || j < fresh->n) {
		int order = i == old->n ? 1 : j == fresh->n ? -1 :
		    compare_entries(&old->items[i], &fresh->items[j]);

		if (order == 0) {
			remember_parents(old->items[i], fresh->items[j]);
			replaced->items[replaced->n++] = old->items[i++];
		}
		if (order < 0)
			merged->items[merged->n++] = old->items[i++];
		else
			merged->items[merged->n++] = fresh->items[j++];
	}
	return merged->n > DIRECTORY_UNITS_MAX ? RC_LIMIT : RC_OK;
}

static struct unit_entry *
entry_of(const struct directory_set *units, const char *code)
{
	bool found;
	size_t at;

	if (code[0] == '\0')
		return NULL;
	at = directory_set_find(units, directory_by_code, code, &found);
	return found ? units->items[at] : NULL;
}

/* Every unit leads to the top in a bounded number of steps; so there is no circle. */
static enum rc
check_parents(const struct directory_set *units, const char *top, struct error *err)
{
	for (size_t i = 0; i < units->n; i++) {
		const struct unit_entry *u = units->items[i], *at = u;

		for (int depth = 0; at->unit.parent[0] != '\0'; depth++) {
			if (depth == DIRECTORY_DEPTH_MAX)
				return error_set(err, RC_INVALID, u->unit.code, NULL,
				    "the unit has too many parents above it, or itself");
			if ((at = entry_of(units, at->unit.parent)) == NULL)
				return error_set(err, RC_INVALID, u->unit.code, NULL,
				    "a parent of the unit is not known");
		}
		if (strcmp(at->unit.code, top) != 0)
			return error_set(err, RC_INVALID, at->unit.code, NULL,
			    "only the top unit may be without a parent");
	}
	return RC_OK;
}

/* The top of the genesis; if that named none, the one unit without a parent is it. */
static const char *
top_of(const struct directory *d, const struct directory_set *units)
{
	for (size_t i = 0; d->top_unit[0] == '\0' && i < units->n; i++) {
		const struct unit_entry *u = units->items[i];

		if (u->unit.parent[0] == '\0')
			return u->unit.code;
	}
	return d->top_unit;
}

static void
link_all(const struct directory_set *units)
{
	for (size_t i = 0; i < units->n; i++) {
		struct unit_entry *u = units->items[i];

		u->parent = entry_of(units, u->unit.parent);
		u->successor = entry_of(units, u->unit.successor);
	}
}

static void
free_units(struct directory_set *s)
{
	for (size_t i = 0; i < s->n; i++)
		directory_unit_free(s->items[i]);
	free(s->items);
}

enum rc
directory_apply_units(struct directory *d, struct reader *r, struct error *err)
{
	struct directory_set fresh = { 0 }, merged = { 0 }, replaced = { 0 };
	enum rc rc;

	if ((rc = read_units(r, &fresh, err)) != RC_OK ||
	    (rc = merge(&d->units, &fresh, &merged, &replaced)) != RC_OK ||
	    (rc = check_parents(&merged, top_of(d, &merged), err)) != RC_OK) {
		free_units(&fresh);
		free(merged.items);
		free(replaced.items);
		return rc;
	}
	free(d->units.items);
	free(fresh.items);
	memmove(d->top_unit, top_of(d, &merged), strlen(top_of(d, &merged)) + 1);
	d->units = merged;
	free_units(&replaced);
	link_all(&d->units);
	return RC_OK;
}
