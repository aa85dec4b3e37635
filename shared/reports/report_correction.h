#ifndef SHARED_REPORTS_REPORT_CORRECTION_H
#define SHARED_REPORTS_REPORT_CORRECTION_H

/*
 * report_correction: what came late.  A report that was sent stays as it was frozen
 * (schema/forms/README.md, "Frozen reports").  Where its period reads otherwise today, the table of a
 * later period says so behind its own rows: the figure that was reported, the one now, and their
 * difference.  What a report between the two has said already is not said again, so that a
 * figure and all its corrections add up to what it is now.
 */
#include "shared/reports/report.h"

struct json_t;

enum {
	REPORT_TOLD_MAX = 6,		/* earlier periods that are looked at, the latest */
	REPORT_CORRECTIONS_MAX = 1000	/* of one table; the rest is counted in a note */
};

/* A table as it was sent: the object of report_write_json, in Vietnamese. */
struct report_told {
	struct date from, to;
	const struct json_t *table;
};

/*
 * Run the earlier periods of the report again, for `unit` (NULL: all) and in Vietnamese, and put into
 * `r` where they differ from what was told: tables of this report alone, by end of period, none of
 * which ends with r's period or later.  A table that may leave (r->threshold) gets none: differences
 * of small figures are small.  A table that does not have today's columns gets a note.
 * Rows that stand for the same (part, and the texts before the first figure) are compared; nothing is 0.
 */
enum rc report_correct(struct sqlite3 *db, const struct form_set *forms, const char *unit,
    const struct report_told *told, size_t n, struct report *r, struct error *err) RC_CHECK;

/* Now less then; a text has no difference: REPORT_NOTHING. */
struct report_cell report_correction_difference(const struct report_correction *c);

enum report_correction_head {
	CORRECTION_TITLE, CORRECTION_PERIOD, CORRECTION_PART, CORRECTION_ROW, CORRECTION_COLUMN,
	CORRECTION_TOLD, CORRECTION_NOW, CORRECTION_DIFFERENCE, CORRECTION_HEADS
};
const char *report_correction_head(enum form_lang lang, enum report_correction_head which);
/* "Từ 01/01/2026 đến 14/06/2026" of the period that is corrected. */
void report_correction_period(const struct report *r, const struct report_correction *c,
    char out[REPORT_PERIOD_MAX]);

#endif
