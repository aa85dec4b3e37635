#include "shared/forms/form_pack.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <xlsxwriter.h>

#include "shared/base/files.h"
#include "shared/forms/form_sheet.h"

enum { COLUMNS_MAX = 64 };

static const char compartment_column[] = "attribute::field:compartment";

/* A sheet being written, and the first thing that went wrong. */
struct target {
	lxw_worksheet *sheet;
	lxw_format *bold;
	lxw_error rc;
};

static void
put(struct target *t, size_t row, size_t column, const char *text)
{
	lxw_error rc = LXW_NO_ERROR;

	if (text == NULL || text[0] == '\0')
		return;
	rc = worksheet_write_string(t->sheet, (lxw_row_t)row, (lxw_col_t)column, text,
	    row == 0 ? t->bold : NULL);
	if (t->rc == LXW_NO_ERROR)
		t->rc = rc;
}

/* "select_one_from_file codes/sex.csv" is "select_one sex" in one workbook. */
static void
put_type(struct target *t, size_t row, size_t column, const char *type)
{
	const char *file = strstr(type, "_from_file ");
	const char *base = file != NULL ? strrchr(file, '/') : NULL;
	char text[256];
	size_t n;

	if (file == NULL) {
		put(t, row, column, type);
		return;
	}
	base = base != NULL ? base + 1 : file + strlen("_from_file ");
	n = strlen(base) - strlen(".csv");
	snprintf(text, sizeof(text), "%.*s %.*s", (int)(file - type), type, (int)n, base);
	put(t, row, column, text);
}

static void
write_survey(struct target *t, const struct form_sheet *s)
{
	size_t type = csv_column(&s->csv, "type");

	for (size_t row = 0; row <= s->csv.n_rows; row++)
		for (size_t c = 0; c < s->csv.n_columns; c++) {
			if (c == type && row > 0)
				put_type(t, row, c, csv_cell(&s->csv, row, c));
			else
				put(t, row, c, csv_cell(&s->csv, row, c));
		}
}

/* The standard has one title; the second language rides in the labels alone. */
static void
write_settings(struct target *t, const struct form_sheet *s)
{
	size_t at = 0, title = form_sheet_language(s, "form_title", FORM_VI);

	for (size_t c = 0; c < s->csv.n_columns; c++) {
		const char *h = csv_cell(&s->csv, 0, c);

		if (strncmp(h, "form_title", strlen("form_title")) == 0) {
			if (c != title)
				continue;
			h = "form_title";
		} else if (strcmp(h, "compartment") == 0) {
			h = compartment_column;
		}
		put(t, 0, at, h);
		put(t, 1, at, csv_cell(&s->csv, 1, c));
		at++;
	}
}

/* Further columns of all lists of a form, each once. */
struct columns {
	const char *names[COLUMNS_MAX];
	size_t n;
};

static enum rc
column_of(struct columns *cols, const char *name, size_t *out)
{
	for (*out = 0; *out < cols->n; (*out)++)
		if (strcmp(cols->names[*out], name) == 0)
			return RC_OK;
	if (cols->n >= COLUMNS_MAX)
		return RC_LIMIT;
	cols->names[cols->n++] = name;
	return RC_OK;
}

enum { FIXED_COLUMNS = 4 };

static enum rc
write_list(struct target *t, const struct form_list *l, struct columns *cols, size_t *row)
{
	for (size_t i = 0; i < l->n_choices; i++, (*row)++) {
		const struct form_choice *c = &l->choices[i];

		put(t, *row, 0, l->name);
		put(t, *row, 1, c->code);
		put(t, *row, 2, c->label[FORM_VI]);
		put(t, *row, 3, c->label[FORM_EN]);
		for (size_t k = 0; k < l->n_columns; k++) {
			size_t at;

			if (column_of(cols, l->columns[k], &at) != RC_OK)
				return RC_LIMIT;
			put(t, *row, FIXED_COLUMNS + at, c->extra[k]);
		}
	}
	return RC_OK;
}

static enum rc
write_choices(struct target *t, const struct form *form)
{
	static const char *const fixed[FIXED_COLUMNS] = { "list_name", "name",
	    "label::Tiếng Việt (vi)", "label::English (en)" };
	struct columns cols = { .n = 0 };
	size_t row = 1;
	enum rc rc = RC_OK;

	for (size_t i = 0; rc == RC_OK && i < form->n_fields; i++) {
		const struct form_list *l = form->fields[i].list;
		bool written = l == NULL;

		for (size_t k = 0; k < i && !written; k++)
			written = form->fields[k].list == l;
		if (!written)
			rc = write_list(t, l, &cols, &row);
	}
	for (size_t c = 0; c < FIXED_COLUMNS; c++)
		put(t, 0, c, fixed[c]);
	for (size_t c = 0; c < cols.n; c++)
		put(t, 0, FIXED_COLUMNS + c, cols.names[c]);
	return rc;
}

static enum rc
read_sheet(const struct form_set *set, const char *form, const char *which,
    struct form_sheet *out, struct error *err)
{
	char name[160];
	size_t n;
	const struct form_file *files = form_set_files(set, &n);

	memset(out, 0, sizeof(*out));
	snprintf(name, sizeof(name), "forms/%s/%s.csv", form, which);
	for (size_t i = 0; i < n; i++)
		if (strcmp(files[i].name, name) == 0)
			return form_sheet_parse("", &files[i], out, err);
	return error_set(err, RC_NOTFOUND, name, NULL, "the form set has no such sheet");
}

/* Where the library may keep its temporary files: in memory, else beside the target. */
static enum rc
temporary_dir(const char *path, char out[FILES_PATH_MAX])
{
	const char *memory = files_memory_dir(), *slash = strrchr(path, '/');
	const char *dir = memory != NULL ? memory : slash == path ? "/" : ".";
	size_t n = memory == NULL && slash != NULL && slash != path ? (size_t)(slash - path) :
	    strlen(dir);

	if (n >= FILES_PATH_MAX)
		return RC_LIMIT;
	memcpy(out, n == strlen(dir) ? dir : path, n);
	out[n] = '\0';
	return RC_OK;
}

static enum rc
rc_of(lxw_error e)
{
	if (e == LXW_NO_ERROR)
		return RC_OK;
	return e == LXW_ERROR_MEMORY_MALLOC_FAILED ? RC_NOMEM : RC_IO;
}

static enum rc
write_workbook(const struct form *form, const struct form_sheet *survey,
    const struct form_sheet *settings, const char *path)
{
	char dir[FILES_PATH_MAX];
	lxw_workbook_options options = { .constant_memory = LXW_FALSE, .tmpdir = dir };
	lxw_workbook *book;
	struct target t = { .rc = LXW_NO_ERROR };
	lxw_error closed;
	enum rc rc = temporary_dir(path, dir);

	if (rc != RC_OK)
		return rc;
	book = workbook_new_opt(path, &options);
	if (book == NULL)
		return RC_NOMEM;
	t.bold = workbook_add_format(book);
	if (t.bold != NULL)
		format_set_bold(t.bold);
	t.sheet = workbook_add_worksheet(book, "survey");
	if (t.sheet != NULL)
		write_survey(&t, survey);
	t.sheet = t.sheet != NULL ? workbook_add_worksheet(book, "choices") : NULL;
	if (t.sheet != NULL)
		rc = write_choices(&t, form);
	t.sheet = t.sheet != NULL ? workbook_add_worksheet(book, "settings") : NULL;
	if (t.sheet != NULL)
		write_settings(&t, settings);
	else
		rc = RC_NOMEM;
	closed = workbook_close(book);
	if (rc == RC_OK)
		rc = rc_of(t.rc != LXW_NO_ERROR ? t.rc : closed);
	return rc;
}

enum rc
form_pack(const struct form_set *set, const char *form, const char *path, struct error *err)
{
	const struct form *f = form_set_find(set, form);
	struct form_sheet survey, settings = { .csv = { .cells = NULL } };
	enum rc rc;

	if (f == NULL)
		return error_set(err, RC_NOTFOUND, form, NULL, "there is no form of this name");
	rc = read_sheet(set, form, "survey", &survey, err);
	if (rc == RC_OK)
		rc = read_sheet(set, form, "settings", &settings, err);
	/* First an empty file: what forbids it is told here, and not by the library. */
	if (rc == RC_OK)
		rc = files_replace(path, (const uint8_t *)"", 0, err);
	if (rc == RC_OK) {
		rc = write_workbook(f, &survey, &settings, path);
		if (rc != RC_OK) {
			rc = error_set(err, rc, path, "is there space left?",
			    "the workbook could not be written");
			if (files_remove(path, NULL) != RC_OK)
				rc = RC_IO;
		}
	}
	form_sheet_reset(&survey);
	form_sheet_reset(&settings);
	return rc;
}
