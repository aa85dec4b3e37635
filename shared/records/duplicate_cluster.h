#ifndef SHARED_RECORDS_DUPLICATE_CLUSTER_H
#define SHARED_RECORDS_DUPLICATE_CLUSTER_H

/*
 * duplicate_cluster: persons that were linked as one (architecture section 5, "Duplicates"),
 * kept in the column `cluster` of form_person by the fold, in its transaction.
 *
 * Links are records of the form person_link: two persons and a verdict.  A pair is linked
 * if a living link says SAME, none says DIFFERENT, and none of them is in conflict: while
 * people disagree, they are two.  A copy that came with a referral (`continues`) is linked to
 * its original, whatever people say.  A cluster is a connected component of linked pairs; its
 * number is the record.id of the person with the least id (dot) in it, also when that person is
 * not read here.  NULL: stands alone.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "shared/base/rc.h"
#include "shared/forms/form.h"

struct sqlite3;

#define DUPLICATE_PERSON_FORM "person"
#define DUPLICATE_LINK_FORM "person_link"
#define DUPLICATE_SAME "SAME"
#define DUPLICATE_DIFFERENT "DIFFERENT"

/* The column, and the indexes that finding links needs, where the forms are in use. */
enum rc duplicate_cluster_schema(struct sqlite3 *db, const struct form_set *forms,
    struct error *err) RC_CHECK;

/* Persons (record.id) whose links or rows changed since the last update. */
struct duplicate_touched {
	int64_t *persons;
	size_t n, cap;
};
void duplicate_touched_reset(struct duplicate_touched *t);

/*
 * Note whom a record concerns, before its row is written (with the form whose row of it stands
 * in the tables, "" for none) and after.
 */
enum rc duplicate_cluster_touch_before(struct sqlite3 *db, struct duplicate_touched *t,
    const char *form, int64_t record, struct error *err) RC_CHECK;
enum rc duplicate_cluster_touch_after(struct sqlite3 *db, struct duplicate_touched *t,
    const char *form, int64_t record, struct error *err) RC_CHECK;
/* Make the clusters of those persons again, and forget them. */
enum rc duplicate_cluster_update(struct sqlite3 *db, struct duplicate_touched *t,
    struct error *err) RC_CHECK;

#endif
