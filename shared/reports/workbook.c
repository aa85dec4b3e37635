#include "shared/reports/workbook.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "shared/base/bytes.h"
#include "shared/base/files.h"
#include "shared/base/text.h"
#include "shared/reports/workbook_internal.h"
#include "shared/vault/secret.h"

enum {
	HEAD_ROWS = 4,			/* title, unit, period, a blank one */
	TEXT_WIDTH_MIN = 14, TEXT_WIDTH_MAX = 52,	/* characters */
	NUMBER_WIDTH = 13,
	MONEY_WIDTH = 17,
	LINE_POINTS = 15,
	HEADING_LINES_MAX = 6,
	CELL_LINES_MAX = 4,
	NAME_RANDOM = 8,
	CHART_BARS_MAX = 60,
	CHART_ROWS = 15,		/* that a chart of the library's own size covers */
	CELL_BYTES = 80,		/* in XML, beside its text; more than ever seen */
	BOOK_BYTES = 128 << 10		/* all that is no cell; the same */
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

static enum rc
rc_of(lxw_error e)
{
	switch ((int)e) {
	case LXW_NO_ERROR:
		return RC_OK;
	case LXW_ERROR_MEMORY_MALLOC_FAILED:
		return RC_NOMEM;
	case LXW_ERROR_MAX_STRING_LENGTH_EXCEEDED:
	case LXW_ERROR_WORKSHEET_INDEX_OUT_OF_RANGE:
		return RC_LIMIT;
	default:
		return RC_IO;
	}
}

/* ---- formats ---- */

static lxw_format *
bordered(lxw_workbook *book, const char *number, int align, bool total)
{
	lxw_format *f = workbook_add_format(book);

	if (f == NULL)
		return NULL;
	format_set_border(f, LXW_BORDER_THIN);
	format_set_align(f, LXW_ALIGN_VERTICAL_TOP);
	format_set_align(f, (uint8_t)align);
	if (number != NULL)
		format_set_num_format(f, number);
	else
		format_set_text_wrap(f);
	if (total)
		format_set_bold(f);
	return f;
}

static lxw_format *
line(lxw_workbook *book, bool bold, double size)
{
	lxw_format *f = workbook_add_format(book);

	if (f == NULL)
		return NULL;
	if (bold)
		format_set_bold(f);
	if (size > 0)
		format_set_font_size(f, size);
	format_set_text_wrap(f);
	format_set_align(f, LXW_ALIGN_VERTICAL_TOP);
	return f;
}

static bool
make_formats(lxw_workbook *book, struct workbook_formats *f)
{
	for (int total = 0; total < 2; total++) {
		f->text[total] = bordered(book, NULL, LXW_ALIGN_LEFT, total);
		/* Shown with the reader's own separators: 1.234.567 in Viet Nam. */
		f->count[total] = bordered(book, "#,##0", LXW_ALIGN_RIGHT, total);
		f->percent[total] = bordered(book, "0.0", LXW_ALIGN_RIGHT, total);
		f->right[total] = bordered(book, NULL, LXW_ALIGN_RIGHT, total);
		if (f->text[total] == NULL || f->count[total] == NULL ||
		    f->percent[total] == NULL || f->right[total] == NULL)
			return false;
	}
	f->title = line(book, true, 14);
	f->plain = line(book, false, 0);
	f->note = line(book, false, 10);
	f->heading = bordered(book, NULL, LXW_ALIGN_CENTER, true);
	f->part = bordered(book, NULL, LXW_ALIGN_LEFT, true);
	if (f->title == NULL || f->plain == NULL || f->note == NULL || f->heading == NULL ||
	    f->part == NULL)
		return false;
	format_set_align(f->heading, LXW_ALIGN_VERTICAL_CENTER);
	format_set_bg_color(f->heading, 0xD9E2EC);
	format_set_bg_color(f->part, 0xF0F4F8);
	return true;
}

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
cell(struct sheet *s, size_t column, const struct report_cell *c, bool total)
{
	const struct workbook_formats *f = s->formats;
	enum report_kind kind = s->report->columns[column].kind;
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
				cell(s, c, &row->cells[c], row->total);
			}
			set_height(s, lines);
			s->row++;
		}
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

static lxw_error
write_sheet(lxw_workbook *book, const char *name, const struct report *r,
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

void
workbook_sheet_name(const struct report *const *reports, size_t at, char out[LXW_SHEETNAME_MAX])
{
	char upper[REPORT_NAME_MAX];
	size_t nth = 1, n = 0;

	for (; reports[at]->name[n] != '\0'; n++) {
		char c = reports[at]->name[n];

		upper[n] = c >= 'a' && c <= 'z' ? (char)(c - 'a' + 'A') : c;
	}
	upper[n] = '\0';
	for (size_t i = 0; i < at; i++)
		nth += strcmp(reports[i]->name, reports[at]->name) == 0;
	if (nth == 1)
		snprintf(out, LXW_SHEETNAME_MAX, "%s", upper);
	else
		snprintf(out, LXW_SHEETNAME_MAX, "%s (%zu)", upper, nth);
}

static lxw_error
write_book(const struct report *const *reports, size_t n, const char *path, char *dir)
{
	lxw_workbook_options options = { .tmpdir = dir };
	lxw_workbook *book = workbook_new_opt(path, &options);
	struct workbook_formats formats;
	lxw_error failed = LXW_NO_ERROR, closed;
	lxw_worksheet *cover;

	if (book == NULL)
		return LXW_ERROR_MEMORY_MALLOC_FAILED;
	if (!make_formats(book, &formats))
		failed = LXW_ERROR_MEMORY_MALLOC_FAILED;
	if (failed == LXW_NO_ERROR) {
		cover = workbook_add_worksheet(book, reports[0]->lang == FORM_EN ? "Cover" : "Trang đầu");
		failed = cover == NULL ? LXW_ERROR_MEMORY_MALLOC_FAILED :
		    workbook_cover(cover, reports, n, &formats);
	}
	for (size_t i = 0; failed == LXW_NO_ERROR && i < n; i++) {
		char name[LXW_SHEETNAME_MAX];

		workbook_sheet_name(reports, i, name);
		failed = write_sheet(book, name, reports[i], &formats);
	}
	closed = workbook_close(book);		/* in any case: it frees the book */
	return failed != LXW_NO_ERROR ? failed : closed;
}

/* ---- the file ---- */

/* More than the library will need at any time, for its parts and for the whole. */
static size_t
room_for(const struct report *const *reports, size_t n)
{
	size_t room = BOOK_BYTES;

	for (size_t i = 0; i < n; i++) {
		for (size_t b = 0; b < reports[i]->n_blocks; b++)
			room += reports[i]->blocks[b].n_rows * reports[i]->n_columns * CELL_BYTES;
		room += reports[i]->arena.total;
	}
	return room * 2;
}

/* Where temporary files may stand: a folder in memory, else that of the target. */
static enum rc
temporary_dir(const char *path, char out[FILES_PATH_MAX])
{
	const char *memory = files_memory_dir(), *slash = strrchr(path, '/');
	size_t n = slash == NULL ? 0 : (size_t)(slash - path);

	if (memory != NULL)
		return files_join(memory, "", out);
	if (n >= FILES_PATH_MAX)
		return RC_LIMIT;
	if (slash == NULL)
		return files_join(".", "", out);
	memcpy(out, path, n);
	memcpy(out + n, "/", 2);
	return RC_OK;
}

/*
 * A new file that only its owner may read, as large as all that is to come: the library
 * does not notice when its temporary files are cut short by a full disk, so that is found
 * out before.  The library then begins the same file anew.
 */
static enum rc
reserve(const char *dir, size_t room, char out[FILES_PATH_MAX], struct error *err)
{
	uint8_t random[NAME_RANDOM], *zeros;
	char name[2 * NAME_RANDOM + 32] = ".report-", hex[2 * NAME_RANDOM + 1];
	enum rc rc;

	secret_random_bytes(random, sizeof(random));
	bytes_hex(random, sizeof(random), hex);
	snprintf(name, sizeof(name), ".report-%s.tmp", hex);
	rc = files_join(dir, name, out);
	if (rc != RC_OK)
		return rc;
	zeros = calloc(1, room);
	if (zeros == NULL)
		return RC_NOMEM;
	rc = files_create(out, zeros, room, err);
	free(zeros);
	if (rc != RC_OK)
		out[0] = '\0';
	return rc;
}

static enum rc
check(const struct report *const *reports, size_t n, struct error *err)
{
	if (n == 0)
		return error_set(err, RC_USAGE, NULL, NULL, "a workbook needs a report");
	if (n > WORKBOOK_SHEETS_MAX)
		return error_set(err, RC_LIMIT, NULL, NULL, "too many reports for one workbook");
	for (size_t i = 0; i < n; i++) {
		if (reports[i]->n_columns == 0)
			return error_set(err, RC_USAGE, reports[i]->name, NULL,
			    "the report has no columns");
	}
	return RC_OK;
}

enum rc
workbook_write(const struct report *const *reports, size_t n, const char *path,
    struct error *err)
{
	char dir[FILES_PATH_MAX], temporary[FILES_PATH_MAX] = "";
	struct bytes book;
	lxw_error failed;
	enum rc rc;

	bytes_init(&book);
	if ((rc = check(reports, n, err)) != RC_OK)
		goto out;
	if ((rc = temporary_dir(path, dir)) != RC_OK)
		goto out;
	if ((rc = reserve(dir, room_for(reports, n), temporary, err)) != RC_OK)
		goto out;
	failed = write_book(reports, n, temporary, dir);
	if (failed != LXW_NO_ERROR) {
		rc = error_set(err, rc_of(failed), path, NULL, "cannot make the workbook: %s",
		    lxw_strerror(failed));
		goto out;
	}
	if ((rc = files_read(temporary, WORKBOOK_BYTES_MAX, &book, err)) == RC_OK)
		rc = files_replace(path, book.data, book.len, err);
out:
	if (temporary[0] != '\0') {
		enum rc removed = files_remove(temporary, err);

		rc = rc != RC_OK ? rc : removed;
	}
	bytes_wipe(&book);
	return rc;
}
