#ifndef SHARED_RECORDS_DUPLICATE_LINK_H
#define SHARED_RECORDS_DUPLICATE_LINK_H

/*
 * duplicate_link: what people decided about two records of persons (architecture section 5,
 * "Duplicates"): that they are one person, or that they are not.  A decision is a record of the
 * form person_link, so it syncs, shows its history, and is a conflict when two people
 * decide differently.  What follows from it: duplicate_cluster.h.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "shared/base/rc.h"
#include "shared/records/record.h"

enum duplicate_standing {
	DUPLICATE_OPEN,		/* no living record speaks of the pair */
	DUPLICATE_LINKED,
	DUPLICATE_DISMISSED,	/* not the same person */
	DUPLICATE_CONTESTED	/* both were said, or a record is in conflict: they count as two */
};

/*
 * Decide about a pair: same or not.  Where records of it are here already, they are brought
 * to that verdict, whoever wrote them and also out of a conflict; else one is made in `unit`
 * (the persons' own, or the lowest above both), compartment `cases`.
 * link: the record (the first, if there are several).  written: something had to be.
 * RC_NOTFOUND: no such person here.  RC_INVALID: one and the same, no person, deleted, a
 * link without a reason.  RC_CONFIG: the forms in use have no person_link.
 */
enum rc duplicate_link_decide(const struct record_context *c, const struct dot *a,
    const struct dot *b, bool same, const char *unit, const char *reason, struct dot *link,
    bool *written, struct error *err) RC_CHECK;

/* Every pair that a living record speaks of, by the pair. */
struct duplicate_decision {
	int64_t a, b;		/* record.id, a < b */
	enum duplicate_standing standing;
	struct dot link;	/* a record of it */
};
/* free() *out. */
enum rc duplicate_link_all(struct sqlite3 *db, struct duplicate_decision **out, size_t *n,
    struct error *err) RC_CHECK;

#endif
