#include "field/import_sheet.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "field/import_found.h"
#include "shared/base/text.h"
#include "shared/forms/answer_value.h"
#include "shared/forms/answers.h"
#include "shared/forms/expression.h"
#include "shared/records/record_rules.h"

enum {
	ZEROES_MAX = 4,		/* that a code of 5 digits can lose */
	CELL_DIGITS_MAX = 32
};

static const char zero_what[] = "a zero at the beginning is missing: a spreadsheet has dropped it";
static const char zero_help[] =
    "format the column as text in the spreadsheet, type the code again with all its digits";

/* ---- columns ---- */

static bool
is_empty_column(const struct csv *csv, size_t column)
{
	for (size_t row = 0; row <= csv->n_rows; row++)
		if (*csv_cell(csv, row, column) != '\0')
			return false;
	return true;
}

/* Fields with this label, folded; *field is the last of them. */
static enum rc
by_label(const struct form *form, const char *head, const struct form_field **field, size_t *n)
{
	char *wanted = NULL, *label = NULL;
	enum rc rc = text_fold(head, &wanted);

	*n = 0;
	for (size_t i = 0; i < form->n_fields && rc == RC_OK; i++) {
		const struct form_field *f = &form->fields[i];
		bool same = false;

		for (int lang = 0; f->number != 0 && lang < FORM_LANGS && rc == RC_OK; lang++) {
			if (f->label[lang] == NULL)
				continue;
			if ((rc = text_fold(f->label[lang], &label)) == RC_OK)
				same = same || (*wanted != '\0' && strcmp(label, wanted) == 0);
			free(label);
			label = NULL;
		}
		if (same) {
			*field = f;
			++*n;
		}
	}
	free(wanted);
	return rc == RC_FORMAT ? RC_OK : rc;
}

static enum rc
read_head(struct import_sheet *s, size_t column)
{
	const char *head = csv_cell(s->csv, 0, column);
	const struct form_field *field = form_field_named(s->form, head);
	size_t n = 1;
	enum rc rc = RC_OK;

	if (strcmp(head, "id") == 0 && field == NULL)
		return RC_OK;
	if (field == NULL && (rc = by_label(s->form, head, &field, &n)) != RC_OK)
		return rc;
	if (field == NULL && *head == '\0' && is_empty_column(s->csv, column))
		return RC_OK;
	if (field == NULL)
		import_found_say(s, 0, column, "the form has no field of this name",
		    "head the column with the field's name or its label in the form");
	else if (n > 1)
		import_found_say(s, 0, column, "several fields of the form have this label",
		    "head the column with the field's name");
	else if (field->number == 0)
		import_found_say(s, 0, column, "the field is shown or derived, it takes no value",
		    "leave the column out");
	else if (import_found_column(s, field) != SIZE_MAX)
		import_found_say(s, 0, column, "the same field heads two columns", "leave one of them out");
	else
		s->fields[column] = field;
	return RC_OK;
}

enum rc
import_sheet_open(const struct form *form, const struct form_set *forms, const struct csv *csv,
    struct import_sheet *out, struct error *err)
{
	enum rc rc = RC_OK;

	memset(out, 0, sizeof(*out));
	out->form = form;
	out->forms = forms;
	out->csv = csv;
	if (csv->n_rows > IMPORT_SHEET_ROWS_MAX)
		return error_set(err, RC_LIMIT, NULL, "split the sheet",
		    "a sheet has at most %d rows", IMPORT_SHEET_ROWS_MAX);
	out->fields = calloc(csv->n_columns, sizeof(*out->fields));
	out->found = calloc(IMPORT_SHEET_FOUND_MAX, sizeof(*out->found));
	if (out->fields == NULL || out->found == NULL)
		rc = RC_NOMEM;
	for (size_t k = 0; k < csv->n_columns && rc == RC_OK; k++)
		rc = read_head(out, k);
	if (rc != RC_OK)
		import_sheet_reset(out);
	return rc;
}

void
import_sheet_reset(struct import_sheet *s)
{
	free(s->fields);
	free(s->found);
	memset(s, 0, sizeof(*s));
}

/* ---- cells ---- */

static bool
is_digits(const char *s)
{
	size_t n = strspn(s, "0123456789");

	return n > 0 && s[n] == '\0';
}

/* 3.8123E+10, as a spreadsheet shows a long number: its last digits are gone. */
static bool
is_rounded_number(const char *s)
{
	size_t whole = strspn(s, "0123456789"), n;

	if (whole == 0)
		return false;
	s += whole;
	if (*s == '.' || *s == ',')
		s += 1 + strspn(s + 1, "0123456789");
	if (s[0] != 'E' || s[1] != '+')
		return false;
	n = strspn(s + 2, "0123456789");
	return n > 0 && s[2 + n] == '\0';
}

/* One cell.  RC_OK also when it is wrong: then that is found, and *wrong set. */
static enum rc
read_cell(struct import_sheet *s, const struct record_context *ctx, struct answers *a, size_t row,
    size_t column, bool *wrong)
{
	const struct form_field *field = s->fields[column];
	const char *cell = csv_cell(s->csv, row, column);
	struct error why = { 0 };
	enum rc rc;

	if (field->type == FORM_TEXT && is_rounded_number(cell)) {
		import_found_say(s, row, column, "a spreadsheet has rounded the number: digits are lost",
		    zero_help);
		*wrong = true;
		return RC_OK;
	}
	rc = answers_add(a, field->name, cell, &why);
	if (rc != RC_INVALID)
		return rc;
	answer_value_advise(field, ctx->lang, &why);
	import_found_pass_on(s, row, column, &why);
	*wrong = true;
	return RC_OK;
}

/* ---- rows ---- */

static bool
uses_unsure(const struct expression *e, const bool *unsure)
{
	size_t at;

	for (size_t i = 0; e != NULL && (at = expression_uses(e, i)) != SIZE_MAX; i++)
		if (unsure[at])
			return true;
	return false;
}

/* What a rule says of a field counts unless it hangs on a cell that could not be read. */
static bool
is_certain(const struct form_field *f, const struct form *form, const bool *unsure)
{
	return !unsure[f - form->fields] && !uses_unsure(f->required_if, unsure) &&
	    !uses_unsure(f->constraint, unsure) && !uses_unsure(f->expected, unsure) &&
	    !uses_unsure(f->choice_filter, unsure);
}

/* Fields whose relevance or value hangs on one that is unsure are so, too. */
static void
spread_unsure(const struct form *form, bool *unsure)
{
	for (size_t i = 0; i < form->n_fields; i++) {
		const struct form_field *f = &form->fields[form->order[i]];

		if (uses_unsure(f->relevant, unsure) || uses_unsure(f->calculation, unsure))
			unsure[form->order[i]] = true;
	}
}

/* With what stands in the answers now, is the field as it must and should be? */
static enum rc
is_fine(const struct record_context *ctx, struct answers *a, const struct form_field *field,
    bool *out)
{
	struct answers_breach *breaches, *warnings = NULL;
	struct error ignored = { 0 };
	size_t n, m = 0;
	enum rc rc = answers_check(a, record_rules_today(ctx), true, &breaches, &n, ctx->lang,
	    &ignored);

	if (rc == RC_OK || rc == RC_INVALID)
		rc = answers_warn(a, record_rules_today(ctx), &warnings, &m, &ignored);
	*out = rc == RC_OK;
	for (size_t i = 0; i < n; i++)
		*out = *out && breaches[i].field != field;
	for (size_t i = 0; i < m; i++)
		*out = *out && warnings[i].field != field;
	answers_breaches_free(breaches, n);
	answers_breaches_free(warnings, m);
	return rc;
}

/* Are the rules kept once zeroes stand before the digits? */
static enum rc
zeroes_help(const struct record_context *ctx, struct answers *a,
    const struct form_field *field, const char *cell, bool *out)
{
	char text[ZEROES_MAX + CELL_DIGITS_MAX + 1];
	struct error ignored;
	enum rc rc = RC_OK;

	*out = false;
	if (field->type != FORM_TEXT || field->many || !is_digits(cell) ||
	    strlen(cell) > CELL_DIGITS_MAX)
		return RC_OK;
	for (int zeroes = 1; zeroes <= ZEROES_MAX && rc == RC_OK && !*out; zeroes++) {
		snprintf(text, sizeof(text), "%.*s%s", zeroes, "0000", cell);
		memset(&ignored, 0, sizeof(ignored));
		if ((rc = answers_clear(a, field->name, &ignored)) != RC_OK ||
		    (rc = answers_add(a, field->name, text, &ignored)) != RC_OK)
			break;
		rc = is_fine(ctx, a, field, out);
	}
	if (rc == RC_OK && (rc = answers_clear(a, field->name, &ignored)) == RC_OK)
		rc = answers_add(a, field->name, cell, &ignored);
	return rc;
}

static enum rc
find_breaches(struct import_sheet *s, const struct record_context *ctx, struct answers *a,
    size_t row, const bool *unsure, size_t *n_told)
{
	struct answers_breach *breaches;
	struct error why = { 0 };
	size_t n;
	enum rc rc = answers_check(a, record_rules_today(ctx), true, &breaches, &n, ctx->lang, &why);

	*n_told = 0;
	rc = rc == RC_INVALID ? RC_OK : rc;
	for (size_t i = 0; i < n && rc == RC_OK; i++) {
		const struct form_field *f = breaches[i].field;
		size_t column = import_found_column(s, f);
		bool zero = false;

		if (!is_certain(f, s->form, unsure))
			continue;
		if (column != SIZE_MAX)
			rc = zeroes_help(ctx, a, f, csv_cell(s->csv, row, column), &zero);
		if (zero)
			import_found_say(s, row, column, zero_what, zero_help);
		else if (column != SIZE_MAX)
			import_found_say(s, row, column, breaches[i].message[ctx->lang], NULL);
		else if (rc == RC_OK) {
			struct import_found *found = import_found_add(s, row, column, false);

			if (found != NULL)
				(void)error_set(&found->error, RC_INVALID, NULL, "add the column",
				    "%s: %s", f->label[ctx->lang], breaches[i].message[ctx->lang]);
		}
		++*n_told;
	}
	answers_breaches_free(breaches, n);
	return rc;
}

/*
 * What is not as the form expects is told and imported; but if a zero before it would make it so,
 * a spreadsheet has dropped that zero, and then most likely in every row.
 */
static enum rc
find_warnings(struct import_sheet *s, const struct record_context *ctx, struct answers *a,
    size_t row, const bool *unsure)
{
	struct answers_breach *warnings;
	struct error why = { 0 };
	size_t n;
	enum rc rc = answers_warn(a, record_rules_today(ctx), &warnings, &n, &why);

	for (size_t i = 0; i < n && rc == RC_OK; i++) {
		const struct form_field *f = warnings[i].field;
		size_t column = import_found_column(s, f);
		struct import_found *found;
		bool zero = false;

		if (!is_certain(f, s->form, unsure))
			continue;
		if (column != SIZE_MAX)
			rc = zeroes_help(ctx, a, f, csv_cell(s->csv, row, column), &zero);
		if (zero)
			import_found_say(s, row, column, zero_what, zero_help);
		else if (rc == RC_OK && (found = import_found_add(s, row, column, true)) != NULL)
			(void)error_set(&found->error, RC_INVALID, NULL, NULL, "%s",
			    warnings[i].message[ctx->lang]);
	}
	answers_breaches_free(warnings, n);
	return rc;
}

/* A paper's number of 10 or 11 digits whose kind is not told: most likely one of 12. */
static void
warn_of_short_number(struct import_sheet *s, const struct answers *a, size_t row)
{
	const struct form_field *field = form_field_named(s->form, "id_number");
	size_t column = import_found_column(s, field), len;
	const struct answer *kind = answers_find(a, "id_kind");
	const char *cell = csv_cell(s->csv, row, column);
	struct import_found *f;

	len = strlen(cell);
	if (column == SIZE_MAX || !is_digits(cell) || (len != 10 && len != 11) ||
	    (kind != NULL && kind->n_items > 0))
		return;
	if ((f = import_found_add(s, row, column, true)) != NULL)
		(void)error_set(&f->error, RC_INVALID, NULL, zero_help,
		    "perhaps zeroes at the beginning are missing: an identity number has 12 digits");
}

/*
 * Where an error of the records belongs, which names "form.field", a field, or the form that a
 * reference leads to: then the only reference of the row to such a record.
 */
static size_t
column_named(const struct import_sheet *s, size_t row, const char *where)
{
	const char *dot = strrchr(where, '.');
	size_t at = import_found_column(s, form_field_named(s->form, dot != NULL ? dot + 1 : where));
	size_t n = 0;

	if (at != SIZE_MAX)
		return at;
	for (size_t k = 0; k < s->csv->n_columns; k++) {
		const struct form_field *f = s->fields[k];

		if (f == NULL || f->refers == NULL || strcmp(f->refers, where) != 0 ||
		    *csv_cell(s->csv, row, k) == '\0')
			continue;
		at = n++ == 0 ? k : SIZE_MAX;
	}
	return at;
}

static enum rc
make_record(struct import_sheet *s, const struct record_context *ctx, struct answers *a,
    size_t row, bool *unsure, struct error *err)
{
	struct error why = { 0 };
	struct dot id;
	size_t told, errors = s->n_errors;
	enum rc rc = record_create(ctx, NULL, a, &id, &why);

	if (rc == RC_OK) {
		warn_of_short_number(s, a, row);
		rc = find_warnings(s, ctx, a, row, unsure);
		s->n_good += s->n_errors == errors ? 1 : 0;
		return rc;
	}
	if (rc != RC_INVALID && rc != RC_FORMAT && rc != RC_LIMIT && rc != RC_NOTFOUND) {
		*err = why;
		return rc;
	}
	if ((rc = find_breaches(s, ctx, a, row, unsure, &told)) == RC_OK && told == 0)
		import_found_pass_on(s, row, column_named(s, row, why.where), &why);
	return rc == RC_OK ? find_warnings(s, ctx, a, row, unsure) : rc;
}

/* What is found in a row stands in the order of its columns, not of the form. */
static int
by_column(const void *a, const void *b)
{
	const struct import_found *x = a, *y = b;

	return (x->column > y->column) - (x->column < y->column);
}

static enum rc
read_row(struct import_sheet *s, const struct record_context *ctx, size_t row, bool *unsure,
    struct error *err)
{
	struct answers *a = NULL;
	size_t told, before = s->n_found;
	bool any = false;
	enum rc rc = answers_new(s->form, s->forms, &a);

	memset(unsure, 0, s->form->n_fields * sizeof(*unsure));
	for (size_t k = 0; k < s->csv->n_columns && rc == RC_OK; k++) {
		bool wrong = false;

		if (s->fields[k] == NULL || *csv_cell(s->csv, row, k) == '\0')
			continue;
		rc = read_cell(s, ctx, a, row, k, &wrong);
		if (wrong)
			any = unsure[s->fields[k] - s->form->fields] = true;
	}
	if (rc == RC_OK && any) {
		spread_unsure(s->form, unsure);
		rc = find_breaches(s, ctx, a, row, unsure, &told);
	} else if (rc == RC_OK) {
		rc = make_record(s, ctx, a, row, unsure, err);
	}
	answers_free(a);
	qsort(s->found + before, s->n_found - before, sizeof(*s->found), by_column);
	return rc;
}

enum rc
import_sheet_rows(struct import_sheet *s, const struct record_context *ctx, struct error *err)
{
	bool *unsure = calloc(s->form->n_fields, sizeof(*unsure));
	enum rc rc = unsure == NULL ? RC_NOMEM : RC_OK;

	for (size_t row = 1; row <= s->csv->n_rows && rc == RC_OK; row++)
		rc = read_row(s, ctx, row, unsure, err);
	free(unsure);
	return rc;
}
