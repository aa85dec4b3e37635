/* Need to know: what a device may read and write, and its lanes. */
#include <stdlib.h>
#include <string.h>

#include "shared/sync/directory_internal.h"
#include "shared/vault/digest.h"

enum { ACTIVITIES = 1, CASES = 2, REPORTS = 4, ALL = 7 };

/* The table of architecture.md section 6, one line a role. */
static const struct access {
	uint8_t reads;		/* compartments */
	uint8_t writes;
	uint8_t hands_over;	/* compartments that it may write to in every unit: referrals */
	uint8_t carries;	/* of a relay: what passes through it, sealed */
	bool below;		/* of all units below as well */
} ACCESS[ROLE_COUNT] = {
	[ROLE_COMMUNICATOR] = { ACTIVITIES, ACTIVITIES | CASES, 0, ACTIVITIES, false },
	[ROLE_CASEWORKER] = { ACTIVITIES | CASES, ACTIVITIES | CASES, CASES, ACTIVITIES | CASES, false },
	[ROLE_SUPERVISOR] = { ALL, ALL, CASES, ALL, true },
	[ROLE_ANALYST] = { REPORTS, REPORTS, 0, REPORTS, true },
	[ROLE_HOLDER] = { ALL, ALL, 0, ALL, true },
	[ROLE_RELAY] = { 0, 0, 0, ALL, true }
};

static bool
is_within(const struct unit_entry *u, const struct unit_entry *above)
{
	for (int i = 0; u != NULL && i <= DIRECTORY_DEPTH_MAX; i++, u = u->parent) {
		if (u == above)
			return true;
	}
	return false;
}

/* Does the unit, or one that it was merged into, belong to a device of `own`? */
static bool
is_covered(const struct unit_entry *u, const struct unit_entry *own, bool below)
{
	for (int i = 0; u != NULL && i <= DIRECTORY_DEPTH_MAX; i++, u = u->successor) {
		if (u == own || (below && is_within(u, own)))
			return true;
	}
	return false;
}

static const struct unit_entry *
entry_of(const struct directory *d, const char *code)
{
	bool found;
	size_t at = directory_set_find(&d->units, directory_by_code, code, &found);

	return found ? d->units.items[at] : NULL;
}

bool
directory_unit_within(const struct directory *d, const char *unit, const char *above)
{
	const struct unit_entry *u = entry_of(d, unit), *top = entry_of(d, above);

	return u != NULL && top != NULL && is_within(u, top);
}

static bool
is_allowed(const struct directory *d, const char *device_unit, const char *unit,
    uint8_t compartments, bool below, unsigned compartment)
{
	const struct unit_entry *own = entry_of(d, device_unit), *u = entry_of(d, unit);

	return compartment < DIRECTORY_COMPARTMENTS && (compartments >> compartment & 1) != 0 &&
	    own != NULL && u != NULL && is_covered(u, own, below);
}

bool
directory_may_read(const struct directory *d, const char *device_unit,
    enum identity_role role, const char *unit, unsigned compartment)
{
	return (unsigned)role < ROLE_COUNT && is_allowed(d, device_unit, unit,
	    ACCESS[role].reads, ACCESS[role].below, compartment);
}

bool
directory_may_write(const struct directory *d, const char *device_unit,
    enum identity_role role, const char *unit, unsigned compartment)
{
	if ((unsigned)role >= ROLE_COUNT || compartment >= DIRECTORY_COMPARTMENTS)
		return false;
	if (is_allowed(d, device_unit, unit, ACCESS[role].writes, ACCESS[role].below, compartment))
		return true;
	return (ACCESS[role].hands_over >> compartment & 1) != 0 &&
	    entry_of(d, device_unit) != NULL && entry_of(d, unit) != NULL;
}

/* ---- under parents of the past ---- */

enum { CLIMB_MAX = 64 };

/* Each parent that the unit has or had, and theirs; so many steps that no chain can be longer. */
static bool
was_within(const struct directory *d, const struct unit_entry *u, const struct unit_entry *above)
{
	const struct unit_entry *todo[CLIMB_MAX];
	size_t n = 0;

	for (size_t steps = 0; u != NULL && steps < CLIMB_MAX; steps++) {
		if (u == above)
			return true;
		for (size_t i = 0; i < DIRECTORY_FORMER_MAX && n < CLIMB_MAX; i++) {
			if (u->former[i][0] != '\0')
				todo[n++] = entry_of(d, u->former[i]);
		}
		u = u->parent != NULL ? u->parent : n > 0 ? todo[--n] : NULL;
	}
	return false;
}

static bool
was_allowed(const struct directory *d, const char *device_unit, const char *unit,
    uint8_t compartments, bool below, unsigned compartment)
{
	const struct unit_entry *own = entry_of(d, device_unit), *u = entry_of(d, unit);

	if (compartment >= DIRECTORY_COMPARTMENTS || (compartments >> compartment & 1) == 0 ||
	    own == NULL || !below)
		return false;
	for (int i = 0; u != NULL && i <= DIRECTORY_DEPTH_MAX; i++, u = u->successor) {
		if (was_within(d, u, own))
			return true;
	}
	return false;
}

bool
directory_once_read(const struct directory *d, const char *device_unit,
    enum identity_role role, const char *unit, unsigned compartment)
{
	return directory_may_read(d, device_unit, role, unit, compartment) ||
	    ((unsigned)role < ROLE_COUNT && was_allowed(d, device_unit, unit, ACCESS[role].reads,
	    ACCESS[role].below, compartment));
}

bool
directory_once_wrote(const struct directory *d, const char *device_unit,
    enum identity_role role, const char *unit, unsigned compartment)
{
	return directory_may_write(d, device_unit, role, unit, compartment) ||
	    ((unsigned)role < ROLE_COUNT && was_allowed(d, device_unit, unit, ACCESS[role].writes,
	    ACCESS[role].below, compartment));
}

/* ---- lanes ---- */

enum { COVERED = 1, AUTHORS = 2, LANE_MAX = 2 + 2 * IDENTITY_ID_BYTES + 1 };

/* An array of pointers with the text behind it, in one piece of memory. */
struct lane_list {
	char **lanes;
	size_t n;
	char *end;
	struct digest digest;
};

static void
put_lane(struct lane_list *l, const char *kind, const char *rest)
{
	size_t kind_len = strlen(kind), rest_len = strlen(rest);

	l->lanes[l->n++] = l->end;
	memcpy(l->end, kind, kind_len);
	memcpy(l->end + kind_len, rest, rest_len + 1);
	digest_span(&l->digest, l->end, kind_len + rest_len);
	l->end += kind_len + rest_len + 1;
}

/*
 * Which units matter: covered ones for their frames, and those with authors of such
 * frames, which are also the units above.
 */
static size_t
mark_units(const struct directory *d, const struct unit_entry *own, bool below, uint8_t *marks)
{
	size_t n = 0;

	for (size_t i = 0; i < d->units.n; i++) {
		const struct unit_entry *u = d->units.items[i];

		if (is_covered(u, own, below))
			marks[i] = COVERED | AUTHORS;
		else if (is_within(own, u))
			marks[i] = AUTHORS;
		n += marks[i] != 0;
	}
	return n;
}

static void
put_scopes(const struct directory *d, const uint8_t *marks, uint8_t compartments, char kind,
    struct lane_list *l)
{
	for (unsigned c = 0; c < DIRECTORY_COMPARTMENTS; c++) {
		char prefix[3] = { kind, (char)('0' + c), '\0' };

		for (size_t i = 0; (compartments >> c & 1) != 0 && i < d->units.n; i++) {
			if (marks[i] & COVERED)
				put_lane(l, prefix, directory_unit_at(d, i)->code);
		}
	}
}

/* The device's own, and for a relay those of the devices that come to it. */
static bool
has_lane(const struct directory *d, const struct device *of, const struct device *device,
    const uint8_t *marks)
{
	bool found;
	size_t at;

	if (of == device)
		return true;
	if (device->role != ROLE_RELAY || of->state == DEVICE_RETIRED || of->state == DEVICE_REFUSED)
		return false;
	at = directory_set_find(&d->units, directory_by_code, of->unit, &found);
	return found && (marks[at] & COVERED) != 0;
}

/* Kinds, compartments, units and devices come in the order of their bytes. */
static void
put_lanes(const struct directory *d, const struct device *device, const uint8_t *marks,
    struct lane_list *l)
{
	uint8_t compartments = ACCESS[device->role].carries;
	char hex[2 * IDENTITY_ID_BYTES + 1];

	for (size_t i = 0; i < d->units.n; i++) {
		if (marks[i] & AUTHORS)
			put_lane(l, "c", directory_unit_at(d, i)->code);
	}
	for (size_t i = 0; i < d->devices.n; i++) {
		const struct device *of = directory_device_at(d, i);

		if (of == NULL || !has_lane(d, of, device, marks))
			continue;
		bytes_hex(of->cert.device, IDENTITY_ID_BYTES, hex);
		put_lane(l, "d", hex);
	}
	put_scopes(d, marks, compartments, 'f', l);
	put_scopes(d, marks, compartments, 'k', l);
}

enum rc
directory_lanes(const struct directory *d, const uint8_t id[16], char ***lanes, size_t *n,
    uint8_t digest[16])
{
	const struct device *device = directory_device(d, id);
	const struct unit_entry *own = device == NULL ? NULL : entry_of(d, device->unit);
	struct lane_list l = { 0 };
	uint8_t *marks = NULL;
	size_t max;

	*lanes = NULL;
	*n = 0;
	memset(digest, 0, 16);
	if (own == NULL)
		return RC_NOTFOUND;
	digest_start(&l.digest, 16, NULL, 0, "field-lanes-1");
	if (device->state == DEVICE_RETIRED || device->state == DEVICE_REFUSED) {
		digest_end(&l.digest, digest);
		return RC_OK;
	}
	if ((marks = calloc(d->units.n, 1)) == NULL)
		return RC_NOMEM;
	max = mark_units(d, own, ACCESS[device->role].below, marks);
	max = max * (1 + 2 * DIRECTORY_COMPARTMENTS) +
	    (device->role == ROLE_RELAY ? d->devices.n : 1);
	if ((l.lanes = malloc(max * (sizeof *l.lanes + LANE_MAX))) == NULL) {
		free(marks);
		return RC_NOMEM;
	}
	l.end = (char *)(l.lanes + max);
	put_lanes(d, device, marks, &l);
	digest_end(&l.digest, digest);
	free(marks);
	*lanes = l.lanes;
	*n = l.n;
	return RC_OK;
}

void
directory_lanes_free(char **lanes, size_t n)
{
	(void)n;
	free(lanes);
}
