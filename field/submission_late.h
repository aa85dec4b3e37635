#ifndef FIELD_SUBMISSION_LATE_H
#define FIELD_SUBMISSION_LATE_H

/*
 * submission_late: reports that a unit sent of earlier periods, unpacked, to be held against what their
 * periods read today (shared/reports/report_correction.h).  Of each period it is the newest version
 * that was not returned; of the periods, the REPORT_TOLD_MAX latest that end before `to`.
 */
#include "field/workspace.h"
#include "shared/reports/report_correction.h"

struct submission_late;

/*
 * unit NULL: own.  There is nothing to hold against on a device that does not read all that reports of the
 * unit are made of: what it works out is no correction.
 */
enum rc submission_late_open(struct workspace *ws, const char *unit, const struct date *to,
    struct submission_late **out, struct error *err) RC_CHECK;
/* Put the corrections into a report of that unit whose period ends with `to`. */
enum rc submission_late_correct(const struct submission_late *late, struct report *r,
    struct error *err) RC_CHECK;
void submission_late_free(struct submission_late *late);	/* NULL is allowed */

#endif
