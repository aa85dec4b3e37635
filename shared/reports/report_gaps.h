#ifndef SHARED_REPORTS_REPORT_GAPS_H
#define SHARED_REPORTS_REPORT_GAPS_H

/*
 * report_gaps: what a reader must know before trusting the figures: records that wait for a
 * person to settle a field, and communes that have not been heard of since the period began.
 */
#include "shared/reports/report_definition.h"

/* Fill in what report.h has of it, with a note each.  The run's TEMP tables are there. */
enum rc report_gaps_find(struct sqlite3 *db, const struct report_definition *d,
    struct report *r, struct error *err) RC_CHECK;

#endif
