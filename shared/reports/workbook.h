#ifndef SHARED_REPORTS_WORKBOOK_H
#define SHARED_REPORTS_WORKBOOK_H

/*
 * workbook: reports as one XLSX workbook, a sheet each, ready to print on A4 across.
 * It is a clear file that a user asked for; everything temporary stays in a folder in
 * memory, or, where there is none, beside the target, and is removed.
 */
#include <stddef.h>

#include "shared/base/rc.h"
#include "shared/reports/report.h"

enum {
	WORKBOOK_SHEETS_MAX = 64,
	WORKBOOK_BYTES_MAX = 256 << 20
};

/*
 * Write the workbook so that either all of it is at `path`, readable by its owner
 * alone, or what was there before.  A text is always written as a text, whatever it
 * begins with.
 * RC_USAGE: no report.  RC_LIMIT: too many, or too long a text.  RC_NOTFOUND: no such
 * folder.  RC_INVALID: path is no regular file.  RC_FULL, RC_IO, RC_NOMEM.
 */
enum rc workbook_write(const struct report *const *reports, size_t n, const char *path,
    struct error *err) RC_CHECK;

#endif
