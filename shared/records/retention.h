#ifndef SHARED_RECORDS_RETENTION_H
#define SHARED_RECORDS_RETENTION_H

/*
 * retention: how long what is over is kept.  The list retention_class of the forms in use (a province
 * publishes its own) says for each class of record after how many years it is to be looked at again;
 * the form retention_review says what came of that.  Nothing is ever deleted by this.
 */
#include "shared/records/case_story.h"

enum { RETENTION_YEARS_MAX = 200, RETENTION_MAX = 1000000 };

struct retention_item {
	int64_t id;			/* record.id */
	const char *form;		/* "case", "tip", "subject_request" */
	const char *unit, *code;	/* pseudonym of the person; "" */
	const char *class;		/* retention_class */
	const char *ended;		/* day from which the years count */
	const char *due;		/* last day of the term, or of what a review prolonged it to */
	enum case_due state;		/* OPEN, OVERDUE */
	bool to_erase;			/* a review proposed that, and it is still here; due: day of that review */
	const char *source;		/* basis of the term; "" if a review set it */
};
struct retention_list {
	struct retention_item *items;	/* oldest first */
	size_t n;
	struct arena arena;
};

/*
 * What is to be reviewed, or erased, and was due before today or will be within so many days.  Forms that
 * know no classes: nothing.  out is to be reset in every case.
 * RC_CONFIG: a class whose years are no number from 0 (never) to RETENTION_YEARS_MAX.
 */
enum rc retention_find(const struct case_desk *desk, long days, struct retention_list *out,
    struct error *err) RC_CHECK;
void retention_reset(struct retention_list *l);

#endif
