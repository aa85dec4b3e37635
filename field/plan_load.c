#include "field/plan_load.h"

#include <stdio.h>
#include <string.h>

#include "shared/base/csv.h"
#include "shared/base/embedded.h"
#include "shared/records/entry.h"
#include "shared/vault/query.h"

enum { KEYS_MAX = 2, ROW_NAME_MAX = 400, SHEET_PATH_MAX = 96, SQL_MAX = 256 };

/* The forms in the order in which they are read, and the fields that name a row. */
static const struct kind {
	const char *form;
	bool of_plan;			/* refers to the plan by plan_id */
	const char *keys[KEYS_MAX];
} kinds[PLAN_LOAD_SHEETS_MAX] = {
	{ "plan", false, { "code", NULL } },
	{ "plan_deadline", true, { "kind", "from_kind" } },
	{ "plan_lead", true, { "org_kind", "org" } },
	{ "plan_target", true, { "indicator", NULL } },
	{ "plan_task", true, { "no", NULL } },
	{ "org_unit", false, { "name_vi", "admin_code" } },
};

struct load {
	const struct record_context *c;
	bool replace;
	plan_load_tell *tell;
	void *ctx;
	struct plan_load_counts *counts;
	struct dot plan;
	int64_t plan_local;
};

static const struct embedded *
sheet_of(const char *code, const char *form)
{
	char path[SHEET_PATH_MAX];

	snprintf(path, sizeof(path), "plans/%s/%s.csv", code, form);
	return embedded_find(path);
}

const char *
plan_load_code(size_t i, char out[PLAN_LOAD_CODE_MAX])
{
	static const char before[] = "plans/", behind[] = "/plan.csv";
	size_t n = 0;

	for (unsigned long k = 0; k < embedded_count; k++) {
		const char *name = embedded_table[k].name, *code = name + strlen(before);
		size_t len = strlen(name);

		if (strncmp(name, before, strlen(before)) != 0 || len < strlen(behind) ||
		    strcmp(name + len - strlen(behind), behind) != 0 || n++ != i)
			continue;
		snprintf(out, PLAN_LOAD_CODE_MAX, "%.*s", (int)strcspn(code, "/"), code);
		return out;
	}
	return NULL;
}

enum rc
plan_load_cell(const char *code, const char *column, struct bytes *out, struct error *err)
{
	const struct embedded *file = sheet_of(code, "plan");
	struct csv csv;
	size_t at;
	enum rc rc;

	if (file == NULL)
		return RC_NOTFOUND;
	if ((rc = csv_parse(file->name, file->data, file->len, &csv, err)) != RC_OK)
		return rc;
	at = csv_column(&csv, column);
	if (at == SIZE_MAX)
		rc = RC_NOTFOUND;
	else
		bytes_text(out, csv_cell(&csv, 1, at));
	csv_reset(&csv);
	return rc;
}

/* ---- a row and the record that says the same ---- */

static enum rc
read_row(const struct load *l, const struct kind *kind, const struct csv *csv, size_t row,
    struct answers **out, struct error *err)
{
	char plan[DOT_TEXT_MAX];
	enum rc rc = answers_new(form_set_find(l->c->forms, kind->form), l->c->forms, out);

	for (size_t k = 0; k < csv->n_columns && rc == RC_OK; k++)
		if (*csv_cell(csv, row, k) != '\0')
			rc = answers_add(*out, csv_cell(csv, 0, k), csv_cell(csv, row, k), err);
	if (rc != RC_OK || !kind->of_plan)
		return rc;
	dot_text(&l->plan, plan);
	return answers_add(*out, "plan_id", plan, err);
}

static const char *
key_of(const struct answers *a, const char *field)
{
	const struct answer *found = field != NULL ? answers_find(a, field) : NULL;

	return found != NULL && found->n_items > 0 ? found->items[0] : NULL;
}

/* The oldest living record of the own unit that the row names; 0: none. */
static enum rc
find(const struct load *l, const struct kind *kind, const struct answers *a, int64_t *out,
    struct error *err)
{
	char sql[SQL_MAX];
	enum rc rc;

	snprintf(sql, sizeof(sql), "SELECT MIN(id) FROM form_%s WHERE alive AND unit = ?1"
	    " AND %s = ?2 AND %s IS ?3 AND %s = ?4", kind->form, kind->keys[0],
	    kind->keys[1] != NULL ? kind->keys[1] : "NULL", kind->of_plan ? "plan_id" : "0");
	rc = query_int(l->c->db, err, out, sql, "ttti", l->c->unit, key_of(a, kind->keys[0]),
	    key_of(a, kind->keys[1]), kind->of_plan ? l->plan_local : (int64_t)0);
	return rc == RC_NOTFOUND ? RC_OK : rc;
}

static void
name_row(const struct kind *kind, const struct answers *a, char out[ROW_NAME_MAX])
{
	const char *second = key_of(a, kind->keys[1]);

	snprintf(out, ROW_NAME_MAX, "%s%s%s", key_of(a, kind->keys[0]), second != NULL ? " " : "",
	    second != NULL ? second : "");
}

static bool
shows(const struct record_field *f, const char *text)
{
	for (size_t i = 0; f != NULL && i < f->n_values; i++)
		if (f->values[i].shown && strcmp(f->values[i].text, text) == 0)
			return true;
	return false;
}

static bool
is_same(const struct record_field *f, const struct answer *a)
{
	size_t shown = 0;

	for (size_t i = 0; f != NULL && i < f->n_values; i++)
		shown += f->values[i].shown;
	for (size_t i = 0; i < a->n_items; i++)
		if (!shows(f, a->items[i]))
			return false;
	return shown == a->n_items && (f == NULL || f->standing != REGISTER_CONFLICT);
}

static enum rc
tell(const struct load *l, const struct kind *kind, const struct answers *row,
    const struct record_field *f, const struct answer *a)
{
	struct plan_load_difference d = { .field = a->field, .form = kind->form };
	char name[ROW_NAME_MAX];
	struct bytes here, there;
	enum rc rc = RC_NOMEM;

	bytes_init(&here);
	bytes_init(&there);
	for (size_t i = 0; f != NULL && i < f->n_values; i++) {
		bytes_text(&here, here.len > 0 && f->values[i].shown ? "; " : "");
		bytes_text(&here, f->values[i].shown ? f->values[i].text : "");
	}
	for (size_t i = 0; i < a->n_items; i++) {
		bytes_text(&there, i > 0 ? "; " : "");
		bytes_text(&there, a->items[i]);
	}
	name_row(kind, row, name);
	d.row = name;
	d.here = bytes_cstr(&here);
	d.sheet = bytes_cstr(&there);
	if (d.here != NULL && d.sheet != NULL) {
		l->tell(l->ctx, &d);
		rc = RC_OK;
	}
	bytes_reset(&here);
	bytes_reset(&there);
	return rc;
}

/* Tell what the record says otherwise, and write it if that is wanted. */
static enum rc
compare(const struct load *l, const struct kind *kind, const struct dot *id, struct answers *row,
    struct error *err)
{
	struct record_view view;
	struct dot dot;
	size_t n = 0;
	enum rc rc = record_show(l->c, id, &view, err);

	if (rc != RC_OK)
		return rc;
	for (size_t i = 0; i < answers_count(row) && rc == RC_OK; i++) {
		const struct answer *a = answers_at(row, i);
		const struct record_field *f = record_view_field(&view, a->field->name);

		if (a->field->refers != NULL || is_same(f, a))
			continue;
		n++;
		rc = tell(l, kind, row, f, a);
	}
	if (rc == RC_OK && n > 0 && l->replace)
		rc = record_edit(l->c, id, row, NULL, NULL, &dot, err);
	if (n == 0)
		l->counts->same++;
	else if (l->replace)
		l->counts->changed++;
	else
		l->counts->differing++;
	record_view_reset(&view);
	return rc;
}

static enum rc
load_row(struct load *l, const struct kind *kind, const struct csv *csv, size_t row,
    struct error *err)
{
	struct answers *a = NULL;
	int64_t local = 0;
	struct dot id;
	enum rc rc = read_row(l, kind, csv, row, &a, err);

	if (rc != RC_OK)
		goto out;
	if ((rc = find(l, kind, a, &local, err)) != RC_OK)
		goto out;
	if (local == 0) {
		if ((rc = record_create(l->c, NULL, a, &id, err)) != RC_OK)
			goto out;
		l->counts->added++;
	} else {
		if ((rc = record_of_local(l->c->db, local, &id)) != RC_OK)
			goto out;
		if ((rc = compare(l, kind, &id, a, err)) != RC_OK)
			goto out;
	}
	if (kind == &kinds[0]) {
		l->plan = id;
		rc = record_to_local(l->c->db, &id, &l->plan_local);
	}
out:
	answers_free(a);
	return rc;
}

/* Where in the sheet an error is that names a field. */
static enum rc
place(const struct plan_load_sheet *sheet, const struct csv *csv, size_t row, enum rc rc,
    struct error *err)
{
	char where[ERROR_WHERE_MAX];

	if (rc == RC_NOTFOUND)		/* of a field */
		rc = RC_INVALID;
	snprintf(where, sizeof(where), "%.100s:%zu: %.100s", sheet->name, csv->lines[row], err->where);
	memcpy(err->where, where, sizeof(where));
	err->code = rc;
	return rc;
}

/* Do two rows have the same names?  They would be one record. */
static enum rc
check_names(const struct kind *kind, const struct plan_load_sheet *sheet, const struct csv *csv,
    struct error *err)
{
	size_t at[KEYS_MAX];

	for (size_t k = 0; k < KEYS_MAX; k++)
		at[k] = kind->keys[k] != NULL ? csv_column(csv, kind->keys[k]) : SIZE_MAX;
	for (size_t row = 2; row <= csv->n_rows; row++)
		for (size_t other = 1; other < row; other++) {
			if (strcmp(csv_cell(csv, row, at[0]), csv_cell(csv, other, at[0])) != 0 ||
			    strcmp(csv_cell(csv, row, at[1]), csv_cell(csv, other, at[1])) != 0)
				continue;
			(void)error_set(err, RC_INVALID, kind->keys[0], "leave one of them out",
			    "two rows have the same name");
			return place(sheet, csv, row, RC_INVALID, err);
		}
	return RC_OK;
}

static enum rc
load_sheet(struct load *l, const struct kind *kind, const struct plan_load_sheet *sheet,
    struct error *err)
{
	struct csv csv;
	enum rc rc = csv_parse(sheet->name, sheet->data, sheet->len, &csv, err);

	if (rc != RC_OK)
		return rc;
	if (csv.n_rows > PLAN_LOAD_ROWS_MAX)
		rc = error_set(err, RC_LIMIT, sheet->name, "split the sheet",
		    "a sheet of a plan has at most %d rows", PLAN_LOAD_ROWS_MAX);
	else if (kind == &kinds[0] && csv.n_rows != 1)
		rc = error_set(err, RC_INVALID, sheet->name, "give one plan",
		    "the sheet has not one row");
	else
		rc = check_names(kind, sheet, &csv, err);
	for (size_t row = 1; row <= csv.n_rows && rc == RC_OK; row++)
		if ((rc = load_row(l, kind, &csv, row, err)) != RC_OK)
			rc = place(sheet, &csv, row, rc, err);
	csv_reset(&csv);
	return rc;
}

/* The one sheet of a form; NULL: none. */
static enum rc
pick(const struct plan_load_sheet *sheets, size_t n, const char *form,
    const struct plan_load_sheet **out, struct error *err)
{
	*out = NULL;
	for (size_t i = 0; i < n; i++) {
		if (strcmp(sheets[i].form, form) != 0)
			continue;
		if (*out != NULL)
			return error_set(err, RC_INVALID, sheets[i].name, "leave one of them out",
			    "two sheets are of the same form");
		*out = &sheets[i];
	}
	return RC_OK;
}

enum rc
plan_load_run(const struct record_context *c, const struct plan_load_sheet *sheets, size_t n,
    bool replace, plan_load_tell *tell_, void *ctx, struct plan_load_counts *out,
    struct error *err)
{
	struct load l = { .c = c, .replace = replace, .tell = tell_, .ctx = ctx, .counts = out };
	const struct plan_load_sheet *sheet;
	enum rc rc = RC_OK;

	memset(out, 0, sizeof(*out));
	for (size_t i = 0; i < PLAN_LOAD_SHEETS_MAX && rc == RC_OK; i++) {
		if ((rc = pick(sheets, n, kinds[i].form, &sheet, err)) != RC_OK)
			break;
		if (sheet == NULL && i == 0)
			return error_set(err, RC_INVALID, "plan.csv", "give the sheet of the plan itself",
			    "the plan is missing");
		if (sheet == NULL)
			continue;
		if (form_set_find(c->forms, kinds[i].form) == NULL)
			return error_set(err, RC_CONFIG, kinds[i].form, "publish forms that have it",
			    "the forms in use lack one that plans need");
		rc = load_sheet(&l, &kinds[i], sheet, err);
	}
	return rc;
}

enum rc
plan_load_shipped(const char *code, struct plan_load_sheet out[PLAN_LOAD_SHEETS_MAX], size_t *n,
    struct error *err)
{
	*n = 0;
	for (size_t i = 0; i < PLAN_LOAD_SHEETS_MAX; i++) {
		const struct embedded *file = sheet_of(code, kinds[i].form);

		if (file != NULL)
			out[(*n)++] = (struct plan_load_sheet){ kinds[i].form, file->name, file->data,
				file->len };
	}
	return *n > 0 ? RC_OK : error_set(err, RC_NOTFOUND, code, "see field plans",
	    "no such plan ships");
}

enum rc
plan_load_form_of(const char *path, const char **form, struct error *err)
{
	const char *slash = strrchr(path, '/'), *name = slash != NULL ? slash + 1 : path;
	size_t len = strcspn(name, ".");

	for (size_t i = 0; i < PLAN_LOAD_SHEETS_MAX; i++)
		if (strlen(kinds[i].form) == len && strncmp(kinds[i].form, name, len) == 0) {
			*form = kinds[i].form;
			return RC_OK;
		}
	*form = NULL;
	return error_set(err, RC_USAGE, path, "call it plan.csv, plan_task.csv, plan_target.csv, "
	    "plan_deadline.csv, plan_lead.csv or org_unit.csv",
	    "the name of the sheet tells no form of a plan");
}

enum rc
plan_load_there(const struct record_context *c, const char *code, bool *out, struct error *err)
{
	int64_t local = 0;
	enum rc rc = query_int(c->db, err, &local,
	    "SELECT MIN(id) FROM form_plan WHERE alive AND unit = ? AND code = ?", "tt", c->unit, code);

	*out = local != 0;
	return rc == RC_NOTFOUND ? RC_OK : rc;
}
