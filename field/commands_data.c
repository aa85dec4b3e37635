#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "field/commands.h"
#include "field/workspace.h"
#include "shared/base/csv.h"
#include "shared/records/record.h"
#include "shared/sync/replica.h"

/* The displayed values of a field, several joined by commas. */
static void
put_field(struct bytes *out, const struct record_field *f, int first)
{
	struct bytes cell;

	bytes_init(&cell);
	for (size_t i = 0; f != NULL && i < f->n_values; i++) {
		if (!f->values[i].shown || f->values[i].voided)
			continue;
		if (cell.len > 0)
			bytes_u8(&cell, ',');
		bytes_text(&cell, f->values[i].text);
	}
	if (cell.rc != RC_OK)
		out->rc = cell.rc;
	csv_put(out, bytes_cstr(&cell), first);
	bytes_wipe(&cell);
}

static enum rc
export_record(const struct record_context *ctx, const struct form *form, const struct dot *id,
    struct bytes *out, struct error *err)
{
	struct record_view view;
	char text[DOT_TEXT_MAX];
	enum rc rc;

	if ((rc = record_show(ctx, id, &view, err)) != RC_OK)
		return rc;
	dot_text(id, text);
	csv_put(out, text, 1);
	for (size_t k = 0; k < form->n_fields; k++)
		if (form->fields[k].type != FORM_NOTE && form->fields[k].type != FORM_CALCULATE)
			put_field(out, record_view_field(&view, form->fields[k].name), 0);
	bytes_text(out, "\r\n");
	record_view_reset(&view);
	return out->rc;
}

enum rc
commands_export(struct call *c)
{
	struct record_context ctx = workspace_records(c->ws, c->lang);
	const struct form *form;
	struct record_line *lines = NULL;
	struct bytes *out;
	size_t n = 0;
	enum rc rc;

	if ((rc = commands_form_named(c, c->args[0], &form)) != RC_OK)
		return rc;
	if ((out = call_output(c, c->args[1])) == NULL)
		return RC_NOMEM;
	rc = record_list(&ctx, form->name, call_option(c, "where"), false, RECORD_LIST_MAX, &lines, &n,
	    &c->err);
	if (rc == RC_OK && n == RECORD_LIST_MAX)
		rc = error_set(&c->err, RC_LIMIT, form->name, "export them in parts, with --where",
		    "there are more than %d records", RECORD_LIST_MAX - 1);
	csv_put(out, "id", 1);
	for (size_t k = 0; k < form->n_fields; k++)
		if (form->fields[k].type != FORM_NOTE && form->fields[k].type != FORM_CALCULATE)
			csv_put(out, form->fields[k].name, 0);
	bytes_text(out, "\r\n");
	for (size_t i = 0; i < n && rc == RC_OK; i++)
		rc = export_record(&ctx, form, &lines[i].id, out, &c->err);
	record_lines_free(lines, n);
	if (rc == RC_OK && form->compartment == FORM_CASES)
		rc = commands_access_listed(c, "export", form->name, n, true);
	if (rc != RC_OK)
		return rc;
	call_note(c, "%s", call_say(c,
	    "Lưu ý: tệp này không được mã hóa. Xóa tệp khi dùng xong.",
	    "Note: this file is not encrypted.  Delete it when it has served."));
	if (c->json)
		call_print(c, "{\"exported\":%zu}", n);
	else
		call_print(c, call_say(c, "Đã xuất %zu bản ghi.", "Exported %zu records."), n);
	return RC_OK;
}
