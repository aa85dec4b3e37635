#ifndef SHARED_REPORTS_REPORT_MASK_H
#define SHARED_REPORTS_REPORT_MASK_H

/*
 * report_mask: make of a report what may leave those who are bound to secrecy (domain.md section 7.4).
 *
 * Cells that count fewer persons than the threshold (and more than none) read "<5".  What would let a
 * reader work them out from other cells of the table, with what the report's file says adds up
 * (schema/reports/README.md, "What may leave"), reads "…", which official tables use for "arose, not
 * published": so an "…" is no small figure, and a "<5" never a large one; only where the two marks together
 * would tell too much, all that is hidden reads "…".  Money, shares and
 * verdicts of hidden cells are hidden with them; free text, blocks that are withheld, and charts with
 * a hidden cell are left out.  Of every hidden figure the module knows another value that would
 * give the very same table (report_hide.h).
 *
 * It looks at one table.  Two tables that leave, of two periods or of a unit and one below it, or two of
 * the numbered tables, can tell together what neither tells.
 */
#include "shared/reports/report_definition.h"

#define REPORT_MASK_OTHER "…"

/*
 * In place; r's arena holds what is new, and r->threshold says that it was done.
 * RC_LIMIT: the table is too large; then, and with RC_NOMEM, r must not be shown.
 */
enum rc report_mask(struct report *r, const struct report_definition *d, int64_t threshold,
    struct error *err) RC_CHECK;

#endif
