#ifndef SHARED_RECORDS_DUPLICATE_READ_H
#define SHARED_RECORDS_DUPLICATE_READ_H

/* duplicate_read: the persons of the typed tables, as duplicate_score compares them. */
#include "shared/base/rc.h"
#include "shared/forms/form.h"
#include "shared/records/duplicate_score.h"

struct sqlite3;

struct duplicate_persons {
	struct duplicate_person *all;	/* ascending by id */
	size_t n, cap;
	struct duplicate_name *others;
	size_t n_others, cap_others;
	struct duplicate_words *words;	/* of names */
	struct duplicate_words *places;	/* of addresses, communes, ethnicities */
	double *bits;			/* of communes and ethnicities, by their number in places */
	struct duplicate_scale scale;
};

/* Everything of living persons.  RC_LIMIT: more than DUPLICATE_PERSONS_MAX. */
enum rc duplicate_read(struct sqlite3 *db, const struct form_set *forms,
    struct duplicate_persons *out, struct error *err) RC_CHECK;
/* By record.id; NULL: not among them. */
const struct duplicate_person *duplicate_persons_find(const struct duplicate_persons *p,
    int64_t id);
void duplicate_persons_reset(struct duplicate_persons *p);

#endif
