#include <stdio.h>

#include "shared/reports/workbook_internal.h"

enum { NAME, TITLE, OPEN, COLUMNS };	/* of the list of tables */

/* What stands in a line over all columns. */
static lxw_error
across(lxw_worksheet *to, lxw_row_t *row, const char *text, lxw_format *format, unsigned lines)
{
	lxw_error e = worksheet_merge_range(to, *row, 0, *row, COLUMNS - 1, text, format);

	if (e == LXW_NO_ERROR && lines > 1)
		e = worksheet_set_row(to, *row, 15.0 * lines, NULL);
	(*row)++;
	return e;
}

void
workbook_unit_line(const struct report *r, char out[WORKBOOK_UNIT_LINE_MAX])
{
	bool english = r->lang == FORM_EN;

	if (r->unit == NULL)
		snprintf(out, WORKBOOK_UNIT_LINE_MAX, "%s", english ? "Unit: all records here" :
		    "Đơn vị: toàn bộ số liệu hiện có");
	else
		snprintf(out, WORKBOOK_UNIT_LINE_MAX, "%s: %s (%s)", english ? "Unit" : "Đơn vị",
		    r->unit_name != NULL ? r->unit_name : "", r->unit);
}

/* The tables, and how many records of each wait for a decision. */
static lxw_error
tables(lxw_worksheet *to, lxw_row_t *row, const struct report *const *reports, size_t n,
    const struct workbook_formats *f)
{
	static const char *const heads[FORM_LANGS][COLUMNS] = {
		{ "Bảng", "Tên bảng", "Bản ghi chờ thống nhất" },
		{ "Table", "Title", "Records that wait for a decision" },
	};
	lxw_error e;

	e = worksheet_set_row(to, *row, 30, NULL);	/* two lines */
	for (lxw_col_t c = 0; e == LXW_NO_ERROR && c < COLUMNS; c++)
		e = worksheet_write_string(to, *row, c, heads[reports[0]->lang][c], f->heading);
	for (size_t i = 0; e == LXW_NO_ERROR && i < n; i++) {
		char name[LXW_SHEETNAME_MAX], few[REPORT_SMALL_MAX];

		++*row;
		workbook_sheet_name(reports, i, name);
		e = worksheet_write_string(to, *row, NAME, name, f->text[0]);
		if (e == LXW_NO_ERROR)
			e = worksheet_write_string(to, *row, TITLE, reports[i]->title, f->text[0]);
		if (e == LXW_NO_ERROR && report_open_words(reports[i], few))
			e = worksheet_write_string(to, *row, OPEN, few, f->right[0]);
		else if (e == LXW_NO_ERROR)
			e = worksheet_write_number(to, *row, OPEN, (double)reports[i]->open_conflicts,
			    f->count[0]);
	}
	*row += 2;
	return e;
}

lxw_error
workbook_cover(lxw_worksheet *to, const struct report *const *reports, size_t n,
    const struct workbook_formats *f)
{
	const struct report *r = reports[0];
	char unit[WORKBOOK_UNIT_LINE_MAX], period[REPORT_PERIOD_MAX];
	bool english = r->lang == FORM_EN;
	lxw_row_t row = 0;
	lxw_error e;

	workbook_unit_line(r, unit);
	report_period(r, period);
	if ((e = worksheet_set_column(to, NAME, NAME, 12, NULL)) != LXW_NO_ERROR ||
	    (e = worksheet_set_column(to, TITLE, TITLE, 70, NULL)) != LXW_NO_ERROR ||
	    (e = worksheet_set_column(to, OPEN, OPEN, 18, NULL)) != LXW_NO_ERROR ||
	    (e = across(to, &row, english ? "Prevention of trafficking, support to victims: figures" :
	    "Số liệu công tác phòng ngừa, hỗ trợ nạn nhân bị mua bán", f->title, 2)) != LXW_NO_ERROR ||
	    (e = across(to, &row, unit, f->plain, 1)) != LXW_NO_ERROR ||
	    (e = across(to, &row, period, f->plain, 1)) != LXW_NO_ERROR)
		return e;
	row++;
	if ((e = tables(to, &row, reports, n, f)) != LXW_NO_ERROR)
		return e;
	if (r->silent != NULL && (e = across(to, &row, r->silent, f->plain, 6)) != LXW_NO_ERROR)
		return e;
	worksheet_set_portrait(to);
	worksheet_set_paper(to, 9);		/* A4 */
	worksheet_fit_to_pages(to, 1, 0);
	return LXW_NO_ERROR;
}
