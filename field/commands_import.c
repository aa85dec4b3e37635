#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "field/commands.h"
#include "field/import_sheet.h"
#include "field/workspace.h"
#include "shared/base/phrases.h"
#include "shared/sync/replica.h"

enum { TOLD_BESIDE_MAX = 20, WHERE_HEADER_MAX = 60 };

/* Errors in the language of who reads them; those of a form are so already. */
static void
translate(const struct call *c, struct import_sheet *s)
{
	struct phrases *phrases;
	struct error ignored = { 0 };

	if (c->lang != FORM_VI || phrases_open(&phrases, &ignored) != RC_OK)
		return;
	for (size_t i = 0; i < s->n_found; i++)
		phrases_translate(phrases, &s->found[i].error);
	phrases_free(phrases);
}

/* file:line:column (header) */
static void
where_of(const struct call *c, const struct import_found *f, char *out, size_t max)
{
	int n = snprintf(out, max, "%s:%zu", c->args[1], f->line);

	if (f->column != 0 && n > 0 && (size_t)n < max)
		snprintf(out + n, max - (size_t)n, ":%zu (%.*s)", f->column, WHERE_HEADER_MAX, f->header);
}

/* The first error as the command's own, some more and all warnings beside it. */
static enum rc
tell_beside(struct call *c, const struct import_sheet *s)
{
	char where[ERROR_WHERE_MAX];
	size_t told = 0;

	for (size_t i = 0; i < s->n_found && told < TOLD_BESIDE_MAX; i++) {
		const struct import_found *f = &s->found[i];

		where_of(c, f, where, sizeof(where));
		if (f->warning || c->err.code != RC_OK) {
			call_note(c, "field: %s: %s", f->error.what, where);
			told++;
			continue;
		}
		(void)error_set(&c->err, RC_INVALID, where, *f->error.help != '\0' ? f->error.help :
		    "mend the row; nothing was imported", "%s", f->error.what);
	}
	return s->n_errors > 0 ? RC_INVALID : RC_OK;
}

static void
print_found(struct call *c, const struct import_found *f)
{
	char place[WHERE_HEADER_MAX * 4 + 64];

	if (f->column != 0)
		snprintf(place, sizeof(place), call_say(c, "Dòng %zu, cột %zu (%.*s)",
		    "Line %zu, column %zu (%.*s)"), f->line, f->column, WHERE_HEADER_MAX, f->header);
	else
		snprintf(place, sizeof(place), call_say(c, "Dòng %zu", "Line %zu"), f->line);
	call_print(c, "%s%s: %s%s%s", f->warning ? call_say(c, "Lưu ý: ", "Note: ") : "", place,
	    f->error.what, *f->error.help != '\0' ? ". " : "", f->error.help);
}

static void
print_dry(struct call *c, const struct import_sheet *s)
{
	for (size_t k = 0; k < s->csv->n_columns; k++)
		if (s->fields[k] != NULL)
			call_print(c, call_say(c, "Cột %zu: %s (%s)", "Column %zu: %s (%s)"), k + 1,
			    s->fields[k]->label[c->lang], s->fields[k]->name);
	for (size_t i = 0; i < s->n_found; i++)
		print_found(c, &s->found[i]);
	if (s->n_errors + s->n_warnings > s->n_found)
		call_print(c, call_say(c, "… và %zu điều khác.", "… and %zu more."),
		    s->n_errors + s->n_warnings - s->n_found);
	if (s->n_errors == 0)
		call_print(c, call_say(c, "Sẽ thêm %zu bản ghi “%s”. Chưa ghi gì.",
		    "%zu records of %s would be added.  Nothing was written."), s->n_good,
		    s->form->title[c->lang]);
	else
		call_print(c, call_say(c, "%zu lỗi; %zu trong %zu dòng không có lỗi. Chưa ghi gì; "
		    "còn lỗi thì không dòng nào được nhập.",
		    "%zu errors; %zu of %zu rows are without.  Nothing was written; no row is imported "
		    "while there are errors."), s->n_errors, s->n_good, s->csv->n_rows);
}

static enum rc
print_dry_json(struct call *c, const struct import_sheet *s)
{
	json_t *found = json_array(), *columns = json_array();

	for (size_t k = 0; k < s->csv->n_columns; k++)
		if (s->fields[k] != NULL)
			json_array_append_new(columns, json_pack("{s:i,s:s,s:s}", "column", (int)k + 1,
			    "header", csv_cell(s->csv, 0, k), "field", s->fields[k]->name));
	for (size_t i = 0; i < s->n_found; i++) {
		const struct import_found *f = &s->found[i];

		json_array_append_new(found, json_pack("{s:I,s:I,s:s,s:b,s:s,s:s}", "line",
		    (json_int_t)f->line, "column", (json_int_t)f->column, "header", f->header,
		    "warning", f->warning, "what", f->error.what, "help", f->error.help));
	}
	return call_print_json(c, json_pack("{s:b,s:I,s:I,s:I,s:I,s:I,s:o,s:o}", "dry_run", 1,
	    "rows", (json_int_t)s->csv->n_rows, "good", (json_int_t)s->n_good, "would_add",
	    s->n_errors == 0 ? (json_int_t)s->n_good : 0, "errors", (json_int_t)s->n_errors,
	    "warnings", (json_int_t)s->n_warnings, "columns", columns, "found", found));
}

static enum rc
tell(struct call *c, struct import_sheet *s, bool dry)
{
	char n[32];
	enum rc rc = RC_OK;

	translate(c, s);
	if (!dry)
		return tell_beside(c, s);
	if (c->json)
		rc = print_dry_json(c, s);
	else
		print_dry(c, s);
	if (rc != RC_OK || s->n_errors == 0)
		return rc;
	snprintf(n, sizeof(n), "%zu", s->n_errors);
	return error_set(&c->err, RC_INVALID, c->args[1], "mend them and try again",
	    "errors in the sheet: %s", n);
}

/* A dry run does all that an import does, and takes it back. */
static enum rc
import_rows(struct call *c, struct import_sheet *s, bool dry)
{
	struct record_context ctx = workspace_records(c->ws, c->lang);
	struct error ended = { 0 };
	enum rc rc = workspace_begin(c->ws, &c->err);

	if (rc != RC_OK)
		return rc;
	rc = import_sheet_rows(s, &ctx, &c->err);
	if (rc != RC_OK)
		return workspace_end(c->ws, rc, &c->err);
	if (!dry && s->n_errors == 0)
		return workspace_end(c->ws, RC_OK, &c->err);
	/* rolls back and says so with the code that it was given */
	rc = workspace_end(c->ws, RC_INVALID, &ended);
	return rc == RC_INVALID ? RC_OK : rc;
}

enum rc
commands_import(struct call *c)
{
	const struct bytes *file = call_input(c, c->args[1]);
	const struct form *form;
	bool dry = call_option(c, "dry-run") != NULL;
	struct import_sheet s;
	struct csv csv;
	size_t n;
	enum rc rc;

	if ((rc = commands_form_named(c, c->args[0], &form)) != RC_OK)
		return rc;
	if (file == NULL)
		return RC_NOTFOUND;
	if ((rc = csv_parse(c->args[1], file->data, file->len, &csv, &c->err)) != RC_OK)
		return rc;
	rc = import_sheet_open(form, replica_forms(c->ws->replica), &csv, &s, &c->err);
	if (rc == RC_OK && s.n_errors == 0)
		rc = import_rows(c, &s, dry);
	if (rc == RC_OK)
		rc = tell(c, &s, dry);
	n = s.n_good;
	import_sheet_reset(&s);
	csv_reset(&csv);
	if (rc != RC_OK || dry)
		return rc;
	if (c->json)
		call_print(c, "{\"imported\":%zu}", n);
	else
		call_print(c, call_say(c, "Đã nhập %zu bản ghi.", "Imported %zu records."), n);
	return RC_OK;
}
