#ifndef SHARED_REPORTS_HTCDS_H
#define SHARED_REPORTS_HTCDS_H

/*
 * htcds: cases without identities, as a sheet by the Human Trafficking Case Data Standard 2.0
 * (domain.md section 13).  What is told of a case, and when a row is made coarser or left out, is
 * schema/exchange/htcds.sql; what our fields and codes are called there is schema/exchange/htcds.csv:
 * field, code, variable, value.  Code `*` is any other code, value `*` the code as it is.
 */
#include <stddef.h>

#include "shared/base/bytes.h"
#include "shared/base/rc.h"
#include "shared/reports/report.h"

enum {
	HTCDS_SMALLEST_MIN = 5,		/* persons of a group; fewer are as good as named */
	HTCDS_SMALLEST = 11,		/* what the global data set asks for */
	HTCDS_SMALLEST_MAX = 1000
};

struct htcds_counts {
	size_t exported;
	size_t coarser;		/* of them, with less detail than is known */
	size_t left_out;	/* too rare however coarse */
	size_t unwilling;	/* who did not want to be in figures */
};

/*
 * Append the sheet of a period (order.name, folder and lang are set here).  Case numbers are
 * random, other ones in each file, and the rows stand in their order.
 */
enum rc htcds_export(struct sqlite3 *db, const struct form_set *forms,
    const struct report_order *order, struct bytes *out, struct htcds_counts *counts,
    struct error *err) RC_CHECK;

#endif
