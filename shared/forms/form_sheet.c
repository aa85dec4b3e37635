#include "shared/forms/form_sheet.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "shared/base/text.h"

enum rc
form_sheet_parse(const char *prefix, const struct form_file *file,
    struct form_sheet *out, struct error *err)
{
	memset(out, 0, sizeof(*out));
	snprintf(out->name, sizeof(out->name), "%s%s", prefix, file->name);
	if (file->len > FORM_SHEET_BYTES_MAX)
		return error_set(err, RC_LIMIT, out->name, NULL,
		    "a sheet may have %d bytes", FORM_SHEET_BYTES_MAX);
	return csv_parse(out->name, file->data, file->len, &out->csv, err);
}

void
form_sheet_reset(struct form_sheet *s)
{
	csv_reset(&s->csv);
}

static bool
ends_with(const char *s, const char *end)
{
	size_t n = strlen(s), k = strlen(end);

	return n >= k && strcmp(s + n - k, end) == 0;
}

size_t
form_sheet_language(const struct form_sheet *s, const char *base, enum form_lang lang)
{
	const char *mark = lang == FORM_VI ? "(vi)" : "(en)";
	size_t n = strlen(base);

	for (size_t c = 0; c < s->csv.n_columns; c++) {
		const char *h = csv_cell(&s->csv, 0, c);

		if (strncmp(h, base, n) == 0 && strncmp(h + n, "::", 2) == 0 &&
		    ends_with(h, mark))
			return c;
	}
	return csv_column(&s->csv, base);
}

const char *
form_sheet_where(const struct form_sheet *s, size_t row, const char *column,
    char out[FORM_SHEET_WHERE_MAX])
{
	size_t line = row <= s->csv.n_rows && s->csv.lines != NULL ? s->csv.lines[row] : row + 1;

	snprintf(out, FORM_SHEET_WHERE_MAX, "%s:%zu:%.64s", s->name, line, column);
	return out;
}

enum rc
form_sheet_refuse(const struct form_sheet *s, size_t row, const char *column,
    struct error *err, enum rc rc, const char *what, const char *word)
{
	char where[FORM_SHEET_WHERE_MAX];

	form_sheet_where(s, row, column, where);
	if (word != NULL)
		return error_set(err, rc, where, NULL, "%s: %.60s", what, word);
	return error_set(err, rc, where, NULL, "%s", what);
}

enum rc
form_sheet_text(const struct form_sheet *s, size_t row, size_t column,
    char **out, struct error *err)
{
	const char *cell = csv_cell(&s->csv, row, column);
	enum rc rc;

	*out = NULL;
	if (cell[0] == '\0')
		return RC_OK;
	if (strlen(cell) > FORM_TEXT_MAX)
		return form_sheet_refuse(s, row, csv_cell(&s->csv, 0, column), err, RC_LIMIT,
		    "the cell is too long", NULL);
	rc = text_normalise(cell, strlen(cell), out);
	if (rc != RC_OK)
		return form_sheet_refuse(s, row, csv_cell(&s->csv, 0, column), err, rc,
		    rc == RC_NOMEM ? "out of memory" : "not clean text", NULL);
	if (*out != NULL && (*out)[0] == '\0') {
		free(*out);
		*out = NULL;
	}
	return RC_OK;
}

static bool
is_listed(const char *h, const char *const *list, bool prefix)
{
	for (; *list != NULL; list++) {
		size_t n = strlen(*list);

		if (prefix ? strncmp(h, *list, n) == 0 : strcmp(h, *list) == 0)
			return true;
	}
	return false;
}

enum rc
form_sheet_check_headers(const struct form_sheet *s, const char *const *known,
    const char *const *prefixes, struct error *err)
{
	for (size_t c = 0; c < s->csv.n_columns; c++) {
		const char *h = csv_cell(&s->csv, 0, c);

		if (h[0] == '\0' || is_listed(h, known, false) || is_listed(h, prefixes, true))
			continue;
		return form_sheet_refuse(s, 0, h, err, RC_FORMAT, "unknown column", h);
	}
	return RC_OK;
}
