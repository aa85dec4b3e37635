#include <stdio.h>
#include <string.h>

#include "shared/base/text.h"
#include "shared/reports/report_correction.h"
#include "shared/reports/workbook_internal.h"

enum {
	HEAD_ROWS = 4,			/* title, unit, period, a blank one */
	TEXT_WIDTH_MIN = 14, TEXT_WIDTH_MAX = 52,	/* characters */
	NUMBER_WIDTH = 13,
	MONEY_WIDTH = 17,
	LINE_POINTS = 15,
	HEADING_LINES_MAX = 6,
	CELL_LINES_MAX = 4,
	CHART_BARS_MAX = 60,
	CHART_ROWS = 15			/* that a chart of the library's own size covers */
};

/* One sheet while it is written; the first error stays. */
struct sheet {
	const struct report *report;
	lxw_worksheet *to;
	const char *name;
	const struct workbook_formats *formats;
	lxw_row_t row;
	double widths[REPORT_COLUMNS_MAX], width;	/* and of all columns; in characters */
	lxw_row_t first[REPORT_BLOCKS_MAX];	/* row of each block */
	lxw_row_t breaks[REPORT_CHARTS_MAX + 1];	/* rows before which a page begins; ends with 0 */
	size_t n_breaks;
	lxw_error failed;
};

/* ---- cells ---- */

static void
keep(struct sheet *s, lxw_error e)
{
	if (s->failed == LXW_NO_ERROR)
		s->failed = e;
}

/* How many lines a text takes when it is wrapped at a width. */
static size_t
lines_of(const char *text, double width, size_t most)
{
	/* words end before the edge: a tenth more */
	double lines = (double)text_width(text) * 1.1 / width;
	size_t n = 1;

	while (n < most && (double)n < lines)
		n++;
	return n;
}

static void
set_height(struct sheet *s, size_t lines)
{
	if (lines > 1)
		keep(s, worksheet_set_row(s->to, s->row, (double)(lines * LINE_POINTS), NULL));
}

/* A text over all columns. */
static void
across(struct sheet *s, const char *text, lxw_format *format)
{
	lxw_col_t last = (lxw_col_t)(s->report->n_columns - 1);

	set_height(s, lines_of(text, s->width, 20));
	if (last == 0)		/* one cell cannot be merged */
		keep(s, worksheet_write_string(s->to, s->row, 0, text, format));
	else
		keep(s, worksheet_merge_range(s->to, s->row, 0, s->row, last, text, format));
	s->row++;
}

static void
cell(struct sheet *s, size_t column, enum report_kind kind, const struct report_cell *c, bool total)
{
	const struct workbook_formats *f = s->formats;
	lxw_format *number = kind == REPORT_PERCENT ? f->percent[total] : f->count[total];
	lxw_col_t at = (lxw_col_t)column;

	switch (c->type) {
	case REPORT_INTEGER:
		keep(s, worksheet_write_number(s->to, s->row, at, (double)c->integer, number));
		break;
	case REPORT_REAL:
		keep(s, worksheet_write_number(s->to, s->row, at, c->real,
		    kind == REPORT_COUNT || kind == REPORT_PERSONS ? f->percent[total] : number));
		break;
	case REPORT_WORDS:
		/* never worksheet_write_*() that look at what a text begins with */
		keep(s, worksheet_write_string(s->to, s->row, at, c->words,
		    kind == REPORT_TEXT ? f->text[total] : f->right[total]));
		break;
	case REPORT_NOTHING:
		keep(s, worksheet_write_blank(s->to, s->row, at, f->text[total]));
		break;
	}
}

/* ---- one sheet ---- */

static void
measure(struct sheet *s)
{
	const struct report *r = s->report;

	for (size_t column = 0; column < r->n_columns; column++) {
		size_t widest = TEXT_WIDTH_MIN;

		for (size_t b = 0; b < r->n_blocks; b++) {
			for (size_t i = 0; i < r->blocks[b].n_rows; i++) {
				const struct report_cell *c = &r->blocks[b].rows[i].cells[column];
				size_t w = c->type == REPORT_WORDS ? text_width(c->words) + 2 : 0;

				widest = w > widest ? w : widest;
			}
		}
		if (r->columns[column].kind == REPORT_MONEY)
			widest = MONEY_WIDTH;
		else if (r->columns[column].kind != REPORT_TEXT)
			widest = NUMBER_WIDTH;
		s->widths[column] = (double)(widest < TEXT_WIDTH_MAX ? widest : TEXT_WIDTH_MAX);
		s->width += s->widths[column];
		keep(s, worksheet_set_column(s->to, (lxw_col_t)column, (lxw_col_t)column,
		    s->widths[column], NULL));
	}
}

static void
page_setup(struct sheet *s)
{
	worksheet_set_landscape(s->to);
	worksheet_set_paper(s->to, 9);		/* A4 */
	worksheet_set_margins(s->to, 0.5, 0.5, 0.6, 0.6);
	worksheet_fit_to_pages(s->to, 1, 0);	/* as many pages as it takes, one wide */
	keep(s, worksheet_repeat_rows(s->to, HEAD_ROWS, HEAD_ROWS));
	keep(s, worksheet_set_footer(s->to, "&C&P/&N"));
	worksheet_freeze_panes(s->to, HEAD_ROWS + 1, 1);
	if (s->n_breaks > 0)
		keep(s, worksheet_set_h_pagebreaks(s->to, s->breaks));
}

static void
head(struct sheet *s)
{
	const struct report *r = s->report;
	char unit[WORKBOOK_UNIT_LINE_MAX], period[REPORT_PERIOD_MAX];
	size_t lines = 1;

	across(s, r->title, s->formats->title);
	workbook_unit_line(r, unit);
	across(s, unit, s->formats->plain);
	report_period(r, period);
	across(s, period, s->formats->plain);
	s->row = HEAD_ROWS;
	for (size_t i = 0; i < r->n_columns; i++) {
		size_t n = lines_of(r->columns[i].title, s->widths[i] - 2, HEADING_LINES_MAX);

		lines = n > lines ? n : lines;
		keep(s, worksheet_write_string(s->to, s->row, (lxw_col_t)i, r->columns[i].title,
		    s->formats->heading));
	}
	set_height(s, lines);
	s->row++;
}

static void
body(struct sheet *s)
{
	const struct report *r = s->report;

	for (size_t b = 0; b < r->n_blocks; b++) {
		const struct report_block *block = &r->blocks[b];

		if (block->title[0] != '\0' && r->n_blocks > 1)
			across(s, block->title, s->formats->part);
		s->first[b] = s->row;
		for (size_t i = 0; i < block->n_rows; i++) {
			const struct report_row *row = &block->rows[i];
			size_t lines = 1;

			for (size_t c = 0; c < r->n_columns; c++) {
				size_t n = row->cells[c].type != REPORT_WORDS ? 1 :
				    lines_of(row->cells[c].words, s->widths[c], CELL_LINES_MAX);

				lines = n > lines ? n : lines;
				cell(s, c, r->columns[c].kind, &row->cells[c], row->total);
			}
			set_height(s, lines);
			s->row++;
		}
	}
}

static bool
same_period(const struct report_correction *a, const struct report_correction *b)
{
	return date_to_days(&a->from) == date_to_days(&b->from) &&
	    date_to_days(&a->to) == date_to_days(&b->to);
}

/* What is corrected, in the first columns: row, column, the figure that was told, now, difference. */
static void
correction(struct sheet *s, const struct report_correction *c)
{
	struct report_cell difference = report_correction_difference(c);
	const struct report_cell words[] = {
		{ .type = REPORT_WORDS, .words = c->row }, { .type = REPORT_WORDS, .words = c->column }
	};
	const struct report_cell *const cells[] = { &words[0], &words[1], &c->told, &c->now,
		&difference };
	size_t lines = lines_of(c->row, s->widths[0], CELL_LINES_MAX);
	size_t more = lines_of(c->column, s->report->n_columns > 1 ? s->widths[1] : NUMBER_WIDTH,
	    CELL_LINES_MAX);

	for (size_t k = 0; k < sizeof(cells) / sizeof(*cells); k++)
		cell(s, k, k < 2 ? REPORT_TEXT : REPORT_COUNT, cells[k], false);
	set_height(s, more > lines ? more : lines);
	s->row++;
}

static void
corrections(struct sheet *s)
{
	static const enum report_correction_head heads[] = { CORRECTION_ROW, CORRECTION_COLUMN,
		CORRECTION_TOLD, CORRECTION_NOW, CORRECTION_DIFFERENCE };
	const struct report *r = s->report;

	if (r->n_corrections == 0)
		return;
	s->row++;
	across(s, report_correction_head(r->lang, CORRECTION_TITLE), s->formats->part);
	for (size_t k = 0; k < sizeof(heads) / sizeof(*heads); k++)
		keep(s, worksheet_write_string(s->to, s->row, (lxw_col_t)k,
		    report_correction_head(r->lang, heads[k]), s->formats->heading));
	s->row++;
	for (size_t i = 0; i < r->n_corrections; i++) {
		const struct report_correction *c = &r->corrections[i];
		const struct report_correction *before = i > 0 ? c - 1 : NULL;
		char period[REPORT_PERIOD_MAX];

		report_correction_period(r, c, period);
		if (before == NULL || !same_period(before, c))
			across(s, period, s->formats->part);
		if (c->part[0] != '\0' && (before == NULL || strcmp(before->part, c->part) != 0 ||
		    !same_period(before, c)))
			across(s, c->part, s->formats->part);
		correction(s, c);
	}
}

/* Bars of one column, a row that is no sum each, below the table. */
static void
draw(struct sheet *s, lxw_workbook *book, const struct report_chart *c)
{
	const struct report *r = s->report;
	const struct report_block *block = c->block < r->n_blocks ? &r->blocks[c->block] : NULL;
	lxw_row_t first, last;
	lxw_chart *chart;
	lxw_chart_series *bars;
	size_t n = 0;

	while (block != NULL && n < block->n_rows && !block->rows[n].total)
		n++;
	if (n == 0 || n > CHART_BARS_MAX)
		return;
	first = s->first[c->block];
	last = first + (lxw_row_t)n - 1;
	chart = workbook_add_chart(book, LXW_CHART_BAR);
	bars = chart == NULL ? NULL : chart_add_series(chart, NULL, NULL);
	if (bars == NULL) {
		keep(s, LXW_ERROR_MEMORY_MALLOC_FAILED);
		return;
	}
	chart_series_set_categories(bars, s->name, first, 0, last, 0);
	chart_series_set_values(bars, s->name, first, (lxw_col_t)c->column, last, (lxw_col_t)c->column);
	chart_title_set_name(chart, r->columns[c->column].title);
	chart_legend_set_position(chart, LXW_CHART_LEGEND_NONE);
	chart_axis_set_reverse(chart->y_axis);		/* the first row on top */
	chart_axis_set_num_format(chart->x_axis, "#,##0");
	/* on a page of its own, so that the edge of a page does not cut it */
	if (s->n_breaks < REPORT_CHARTS_MAX)
		s->breaks[s->n_breaks++] = s->row + 1;
	keep(s, worksheet_insert_chart_opt(s->to, s->row + 1, 0, chart,
	    &(lxw_chart_options){ .x_scale = 1.6, .y_scale = 0.5 + (double)n / 12 }));
	s->row += 2 + (lxw_row_t)((0.5 + (double)n / 12) * CHART_ROWS);
}

lxw_error
workbook_sheet(lxw_workbook *book, const char *name, const struct report *r,
    const struct workbook_formats *formats)
{
	lxw_worksheet *to = workbook_add_worksheet(book, name);
	struct sheet s = { .report = r, .to = to, .formats = formats, .name = name,
		.failed = LXW_NO_ERROR };

	if (to == NULL)
		return LXW_ERROR_MEMORY_MALLOC_FAILED;

	measure(&s);
	head(&s);
	body(&s);
	corrections(&s);
	s.row++;
	for (size_t i = 0; i < r->n_notes; i++) {
		char note[2048];

		snprintf(note, sizeof(note), "%zu. %s", i + 1, r->notes[i]);
		across(&s, note, formats->note);
	}
	for (size_t i = 0; i < r->n_charts; i++)
		draw(&s, book, &r->charts[i]);
	page_setup(&s);
	return s.failed;
}
