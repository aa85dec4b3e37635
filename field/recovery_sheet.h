#ifndef FIELD_RECOVERY_SHEET_H
#define FIELD_RECOVERY_SHEET_H

/* recovery_sheet: a page of plain text to print, with a recovery code and what it is for. */
#include <stdint.h>

#include "shared/base/rc.h"

struct bytes;

/*
 * Append a sheet, Vietnamese first, at most 78 columns wide.  code: as secret_code_print
 * writes it, the check group last.  RC_FORMAT: it is not one.
 */
enum rc recovery_sheet_make(const char *code, int64_t now, struct bytes *out) RC_CHECK;

#endif
