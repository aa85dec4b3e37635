#ifndef SHARED_RECORDS_SUBJECT_REQUEST_H
#define SHARED_RECORDS_SUBJECT_REQUEST_H

/*
 * subject_request: the register of what persons ask about their own data (form
 * subject_request), with the clock of schema/rules/: an answer is due so many working days
 * after the request came (rule REQUEST), what was promised is due on the day that was named.
 *
 * A request stands by itself: it is there for a person of whom nothing is known, and while
 * its case is closed or with another unit.
 */
#include "shared/records/case_story.h"

struct subject_request {
	int64_t id, person, case_id;	/* record.id; 0: none */
	const char *unit, *code;	/* pseudonym of the person; "" */
	const char *kind;		/* subject_right */
	const char *received, *answered, *outcome;
	const char *due;		/* last day to answer; "": the day it came is not known */
	enum case_due state;		/* OPEN, OVERDUE, MET or LATE */
	bool sure;			/* as in struct case_deadline */
	const char *source;
	const char *do_by, *done;	/* do_by: "" if nothing was promised */
	enum case_due doing;		/* of do_by: as state */
};
struct subject_request_list {
	struct subject_request *items;	/* oldest first */
	size_t n;
	struct arena arena;
};

enum { SUBJECT_REQUEST_MAX = 100000 };

/*
 * Every living request, or those of which something is left to do.  Forms that know no requests: none.
 * out is to be reset in every case.  RC_LIMIT: more than SUBJECT_REQUEST_MAX.
 */
enum rc subject_request_find(const struct case_desk *desk, bool open_only,
    struct subject_request_list *out, struct error *err) RC_CHECK;
void subject_request_reset(struct subject_request_list *l);

/* How many wait for an answer or for what was promised, and how many of these are overdue. */
enum rc subject_request_count(const struct case_desk *desk, uint64_t *open, uint64_t *overdue,
    struct error *err) RC_CHECK;

#endif
