/* The expressions of a survey sheet, compiled once all names are known. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "shared/base/bytes.h"
#include "shared/forms/expression.h"
#include "shared/forms/form_survey_parts.h"

static size_t
find_field(void *ctx, const char *name, size_t len)
{
	const struct survey *s = ctx;

	for (size_t i = 0; i < s->form->n_fields; i++) {
		const struct form_field *f = &s->form->fields[i];

		if (strlen(f->name) == len && memcmp(f->name, name, len) == 0 &&
		    f->type != FORM_NOTE)
			return i;
	}
	return SIZE_MAX;
}

/* Columns of a list by number; the code itself ("name") is the one after them. */
static size_t
find_column(void *ctx, const char *name, size_t len)
{
	const struct survey *s = ctx;

	if (len == 4 && memcmp(name, "name", 4) == 0)
		return s->list->n_columns;
	for (size_t i = 0; i < s->list->n_columns; i++)
		if (strlen(s->list->columns[i]) == len &&
		    memcmp(s->list->columns[i], name, len) == 0)
			return i;
	return SIZE_MAX;
}

static enum rc
compile(struct survey *s, const char *text, size_t row, const char *column, bool current,
    struct expression **out)
{
	char where[FORM_SHEET_WHERE_MAX];
	struct expression_names names = { .field = find_field, .current = current, .ctx = s,
	    .column = s->list != NULL ? find_column : NULL };

	form_sheet_where(s->sheet, row, column, where);
	return expression_compile(text, &names, where, out, s->err);
}

static enum rc
compile_cell(struct survey *s, size_t row, const char *column, bool current,
    struct expression **out)
{
	const char *text = form_survey_cell(s, row, column);

	*out = NULL;
	return text[0] != '\0' ? compile(s, text, row, column, current, out) : RC_OK;
}

/* Each group's own relevance, so that an error names the group's row. */
static enum rc
check_sections(struct survey *s)
{
	for (size_t i = 0; i < s->n_sections; i++) {
		struct expression *e;
		enum rc rc = compile_cell(s, s->sections[i].row, "relevant", false, &e);

		expression_free(e);
		if (rc != RC_OK)
			return rc;
	}
	return RC_OK;
}

/* The field's own relevance and those of all groups around it, joined by "and". */
static enum rc
compile_relevant(struct survey *s, size_t row, size_t index, struct form_field *f)
{
	struct bytes joined;
	size_t sec = s->section_of[index];
	enum rc rc = compile_cell(s, row, "relevant", false, &f->relevant);

	bytes_init(&joined);
	for (; rc == RC_OK && sec != SIZE_MAX; sec = s->sections[sec].parent)
		if (s->sections[sec].has_relevant)
			bytes_printf(&joined, "%s(%s)", joined.len > 0 ? " and " : "",
			    form_survey_cell(s, s->sections[sec].row, "relevant"));
	if (rc == RC_OK && joined.len > 0) {
		if (f->relevant != NULL)
			bytes_printf(&joined, " and (%s)", form_survey_cell(s, row, "relevant"));
		expression_free(f->relevant);
		f->relevant = NULL;
		rc = joined.rc != RC_OK ? joined.rc :
		    compile(s, bytes_cstr(&joined), row, "relevant", false, &f->relevant);
	}
	bytes_reset(&joined);
	return rc;
}

static enum rc
compile_required(struct survey *s, size_t row, struct form_field *f)
{
	static const char *const yes[] = { "yes", "true", "true()", "TRUE", "Yes", NULL };
	static const char *const no[] = { "", "no", "false", "false()", "FALSE", "No", NULL };
	const char *v = form_survey_cell(s, row, "required");

	for (size_t i = 0; yes[i] != NULL; i++)
		if (strcmp(v, yes[i]) == 0)
			f->required = true;
	for (size_t i = 0; no[i] != NULL; i++)
		if (strcmp(v, no[i]) == 0)
			return RC_OK;
	if (f->type == FORM_NOTE || f->type == FORM_CALCULATE)
		return form_survey_refuse(s, row, "required",
		    "a note or calculation is never answered", NULL);
	return f->required ? RC_OK : compile_cell(s, row, "required", false, &f->required_if);
}

static enum rc
compile_field(struct survey *s, size_t row, size_t index)
{
	struct form_field *f = &s->form->fields[index];
	enum rc rc = compile_relevant(s, row, index, f);

	if (rc == RC_OK)
		rc = compile_required(s, row, f);
	if (rc == RC_OK)
		rc = compile_cell(s, row, "constraint", true, &f->constraint);
	if (rc == RC_OK)
		rc = compile_cell(s, row, "bind::field:expect", true, &f->expected);
	if (rc == RC_OK)
		rc = compile_cell(s, row, "calculation", false, &f->calculation);
	if (rc != RC_OK)
		return rc;
	if ((f->type == FORM_CALCULATE) != (f->calculation != NULL))
		return form_survey_refuse(s, row, "calculation",
		    "a calculate has a calculation, and nothing else has", f->name);
	if (f->list == NULL && form_survey_cell(s, row, "choice_filter")[0] != '\0')
		return form_survey_refuse(s, row, "choice_filter",
		    "only a select has a choice filter", f->name);
	s->list = f->list;
	rc = compile_cell(s, row, "choice_filter", false, &f->choice_filter);
	s->list = NULL;
	return rc;
}

static enum rc
compile_all(struct survey *s)
{
	enum rc rc = check_sections(s);
	size_t index = 0;

	for (size_t row = 1; rc == RC_OK && row <= s->sheet->csv.n_rows; row++) {
		const char *type = form_survey_cell(s, row, "type");

		if (type[0] != '\0' && strncmp(type, "begin", 5) != 0 && strncmp(type, "end",
		    3) != 0)
			rc = compile_field(s, row, index++);
	}
	return rc;
}

/* ---- an order in which fields can be worked out ---- */

static void
mark_uses(const struct expression *e, uint8_t *uses)
{
	size_t used;

	for (size_t i = 0; e != NULL && (used = expression_uses(e, i)) != SIZE_MAX; i++)
		uses[used] = 1;
}

static enum rc
find_order(struct survey *s)
{
	struct form *form = s->form;
	size_t n = form->n_fields, done = 0;
	uint8_t *uses = calloc(n * n + 1, 1), *placed = calloc(n + 1, 1);
	size_t *waits = calloc(n + 1, sizeof(*waits));
	enum rc rc = RC_OK;

	form->order = calloc(n + 1, sizeof(*form->order));
	if (uses == NULL || placed == NULL || waits == NULL || form->order == NULL) {
		rc = RC_NOMEM;
		goto out;
	}
	for (size_t i = 0; i < n; i++) {
		mark_uses(form->fields[i].relevant, uses + i * n);
		mark_uses(form->fields[i].calculation, uses + i * n);
		for (size_t k = 0; k < n; k++)
			waits[i] += uses[i * n + k];
		if (waits[i] == 0)
			form->order[done++] = i;
	}
	for (size_t at = 0; at < done; at++) {
		placed[form->order[at]] = 1;
		for (size_t i = 0; i < n; i++)
			if (uses[i * n + form->order[at]] && --waits[i] == 0)
				form->order[done++] = i;
	}
	for (size_t i = 0; rc == RC_OK && done < n && i < n; i++) {
		char where[FORM_SHEET_WHERE_MAX];

		if (placed[i])
			continue;
		snprintf(where, sizeof(where), "%s:%zu:%s", s->sheet->name, form->fields[i].row,
		    form->fields[i].calculation != NULL ? "calculation" : "relevant");
		rc = error_set(s->err, RC_FORMAT, where, NULL,
		    "the field depends on itself, through others or at once: %s",
		    form->fields[i].name);
	}
out:
	free(uses);
	free(placed);
	free(waits);
	return rc;
}

enum rc
form_survey_rules(struct survey *s)
{
	enum rc rc = compile_all(s);

	return rc == RC_OK ? find_order(s) : rc;
}
