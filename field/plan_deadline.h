#ifndef FIELD_PLAN_DEADLINE_H
#define FIELD_PLAN_DEADLINE_H

/*
 * plan_deadline: which reports the plans on record ask for, of whom, and until when.
 * "Before 20 June" (strict_before) means that the 19th is the last day.
 */
#include <stdbool.h>

#include "shared/base/clock.h"
#include "shared/base/rc.h"

struct sqlite3;

struct plan_deadline {
	const char *plan;		/* its code */
	const char *kind;		/* code of report_kind */
	const char *from_kind, *via_kind;	/* codes of org_kind; via "" none */
	const char *to_kinds;		/* such codes, with "," between */
	const char *wording;
	bool dated;			/* else the plan prints no day */
	struct date last;		/* the last day */
};

typedef enum rc plan_deadline_tell(void *ctx, const struct plan_deadline *d);

/*
 * Those of plans of a year, or of all with 0; by their last day, those without one behind.
 * from_kind: of such units alone; NULL: all.  A line that two units record the same is told once.
 */
enum rc plan_deadline_list(struct sqlite3 *db, int64_t year, const char *from_kind,
    plan_deadline_tell *tell, void *ctx, struct error *err) RC_CHECK;

/* "20/6" of a year.  RC_INVALID: there is no such day in it. */
enum rc plan_deadline_last(int year, const char *month_day, bool strict_before,
    struct date *out) RC_CHECK;

/*
 * The same for a period that is reported: the first such day in the second half of the period or after it,
 * so that "before 15/1" of an annual report is in the year that follows.
 */
enum rc plan_deadline_of(const struct date *from, const struct date *to, const char *month_day,
    bool strict_before, struct date *out) RC_CHECK;

#endif
