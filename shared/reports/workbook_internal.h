#ifndef SHARED_REPORTS_WORKBOOK_INTERNAL_H
#define SHARED_REPORTS_WORKBOOK_INTERNAL_H

#include <xlsxwriter.h>

#include "shared/reports/report.h"

/* Formats of the workbook; [1] of each is that of a row that sums up. */
struct workbook_formats {
	lxw_format *title, *plain, *heading, *part, *note;
	lxw_format *text[2], *count[2], *percent[2], *right[2];
};

/* "B4", and "B4 (2)" when it is there twice. */
void workbook_sheet_name(const struct report *const *reports, size_t at,
    char out[LXW_SHEETNAME_MAX]);

/* A sheet of this name with a report: its head, its rows, its notes, its charts. */
lxw_error workbook_sheet(lxw_workbook *book, const char *name, const struct report *r,
    const struct workbook_formats *f);

/* The sheet in front: of what and when, the tables, what is open in them, and who has not been heard. */
lxw_error workbook_cover(lxw_worksheet *to, const struct report *const *reports, size_t n,
    const struct workbook_formats *f);

/* "Đơn vị: Xã Đồng Đăng (06184)". */
enum { WORKBOOK_UNIT_LINE_MAX = REPORT_UNIT_MAX + 256 };
void workbook_unit_line(const struct report *r, char out[WORKBOOK_UNIT_LINE_MAX]);

#endif
