/* The rules of the case life cycle in force here: the province's sheets, else the program's. */
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "field/commands.h"
#include "field/workspace.h"
#include "shared/base/csv.h"
#include "shared/records/case_rules.h"
#include "shared/sync/replica.h"

enum rc
commands_rules_in_force(struct call *c, struct case_rules **out)
{
	struct error refused;
	enum rc rc = case_rules_load_set(replica_forms(c->ws->replica), out, &refused, &c->err);

	if (rc == RC_OK && refused.code != RC_OK)
		call_note(c, call_say(c, "field: không đọc được bảng quy tắc do tỉnh công bố (%s); đang dùng "
		    "bảng có sẵn trong phần mềm, hãy cập nhật phần mềm",
		    "field: the rules that the province published cannot be read here (%s); those of the "
		    "program are used: update the program"), refused.where);
	return rc;
}

/* "rules/holiday.csv" -> "holiday" */
static void
short_name(size_t sheet, char out[32])
{
	snprintf(out, 32, "%s", case_rules_sheet_name(sheet) + strlen("rules/"));
	out[strcspn(out, ".")] = '\0';
}

static const char *
from_where(const struct call *c, const struct case_rules *r, size_t sheet)
{
	return case_rules_is_published(r, sheet) ? call_say(c, "tỉnh công bố", "of the province") :
	    call_say(c, "có sẵn trong phần mềm", "of the program");
}

static enum rc
list_sheets(struct call *c, const struct case_rules *r)
{
	json_t *all = c->json ? json_array() : NULL;
	char name[32];

	for (size_t i = 0; i < CASE_RULES_SHEETS; i++) {
		size_t rows = case_rules_sheet(r, i)->n_rows;

		short_name(i, name);
		if (c->json)
			json_array_append_new(all, json_pack("{s:s,s:I,s:b}", "sheet", name, "rows",
			    (json_int_t)rows, "published", (int)case_rules_is_published(r, i)));
		else
			call_print(c, call_say(c, "%-12s %4zu dòng  %s", "%-12s %4zu rows  %s"), name, rows,
			    from_where(c, r, i));
	}
	return c->json ? call_print_json(c, all) : RC_OK;
}

static enum rc
show_sheet(struct call *c, const struct csv *csv)
{
	json_t *all = c->json ? json_array() : NULL;

	for (size_t row = c->json ? 1 : 0; row <= csv->n_rows; row++) {
		json_t *one = c->json ? json_object() : NULL;

		for (size_t k = 0; k < csv->n_columns; k++) {
			if (one != NULL)
				json_object_set_new(one, csv_cell(csv, 0, k), json_string(csv_cell(csv, row, k)));
			else
				csv_put(&c->out, csv_cell(csv, row, k), k == 0);
		}
		if (c->json)
			json_array_append_new(all, one);
		else
			bytes_text(&c->out, "\n");
	}
	return c->json ? call_print_json(c, all) : c->out.rc;
}

enum rc
commands_rules(struct call *c)
{
	struct case_rules *r = NULL;
	char name[32];
	enum rc rc = commands_rules_in_force(c, &r);

	if (rc == RC_OK && c->n_args == 0) {
		rc = list_sheets(c, r);
	} else if (rc == RC_OK) {
		rc = error_set(&c->err, RC_NOTFOUND, c->args[0], "see field rules", "there is no such sheet");
		for (size_t i = 0; rc == RC_NOTFOUND && i < CASE_RULES_SHEETS; i++) {
			short_name(i, name);
			if (strcmp(name, c->args[0]) != 0)
				continue;
			error_clear(&c->err);
			rc = show_sheet(c, case_rules_sheet(r, i));
		}
	}
	case_rules_free(r);
	return rc;
}
