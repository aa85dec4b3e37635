#include "shared/reports/workbook.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "shared/base/bytes.h"
#include "shared/base/files.h"
#include "shared/reports/workbook_internal.h"
#include "shared/vault/secret.h"

enum {
	NAME_RANDOM = 8,
	CELL_BYTES = 80,		/* in XML, beside its text; more than ever seen */
	BOOK_BYTES = 128 << 10		/* all that is no cell; the same */
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

/* ---- the book ---- */

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
		failed = workbook_sheet(book, name, reports[i], &formats);
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
