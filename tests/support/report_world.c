#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "tests/support/report_world.h"

#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "shared/base/embedded.h"

void
report_world_sql(struct report_world *w, const char *text)
{
	char *said = NULL;

	if (sqlite3_exec(w->db, text, NULL, NULL, &said) != SQLITE_OK)
		fail_msg("%s", said);
}

static const struct report_unit units[] = {
	{ "20", "Lạng Sơn", "Tỉnh Lạng Sơn", NULL, "PROV", false, NULL, NULL },
	{ "06004", "Quốc Khánh", "Xã Quốc Khánh", "20", "COMM", false, "2025-07-01", NULL },
	{ "06184", "Đồng Đăng", "Xã Đồng Đăng", "20", "COMM", true, "", "" },
	{ "06196", "Ba Sơn", "Xã Ba Sơn", "20", "COMM", false, "2025-07-01", NULL },
	{ "06541", "Mẫu Sơn", "Xã Mẫu Sơn", "20", "COMM", true, NULL, NULL },
	{ "06625", "Kiên Mộc", "Xã Kiên Mộc", "20", "COMM", false, NULL, NULL },
	{ "06000", "Cũ", "Xã Cũ", "20", "COMM", true, NULL, "2025-06-30" },
	{ "99", "Khác", "Tỉnh Khác", NULL, "PROV", false, NULL, NULL },
	{ "99001", "Xa", "Xã Xa", "99", "COMM", true, NULL, NULL },
};

/*
 * What is put into a typed table has a log of its unit, as the fold has it, and stands in the table
 * record when it is in conflict.
 */
static void
follow_rows(struct report_world *w)
{
	for (size_t i = 0; i < form_set_count(w->forms); i++) {
		const char *form = form_set_at(w->forms, i)->name;
		char text[1024];

		snprintf(text, sizeof(text), "CREATE TRIGGER conflict_of_%s AFTER INSERT ON form_%s"
		    " WHEN new.conflicts > 0 BEGIN INSERT INTO record(id, log, n, form, unit, conflicts)"
		    " SELECT 1000000 + count(*), 1000000, count(*), '%s', new.unit, new.conflicts"
		    " FROM record; END;"
		    "CREATE TRIGGER log_of_%s AFTER INSERT ON form_%s"
		    " WHEN NOT EXISTS (SELECT 1 FROM log WHERE unit = new.unit) BEGIN"
		    " INSERT INTO log(device, unit, compartment) VALUES (x'', new.unit, 0); END",
		    form, form, form, form, form);
		report_world_sql(w, text);
	}
}

int
report_world_set_up(void **state)
{
	struct report_world *w = calloc(1, sizeof(*w));

	assert_non_null(w);
	assert_int_equal(sqlite3_open(":memory:", &w->db), SQLITE_OK);
	report_world_sql(w, (const char *)embedded_find("vault.sql")->data);
	assert_int_equal(form_set_load_embedded(&w->forms, &w->err), RC_OK);
	assert_int_equal(tables_open(w->db, w->forms, &w->tables, &w->err), RC_OK);
	follow_rows(w);
	assert_int_equal(report_units(w->db, units, sizeof(units) / sizeof(units[0]), &w->err), RC_OK);
	*state = w;
	return 0;
}

int
report_world_tear_down(void **state)
{
	struct report_world *w = *state;

	tables_close(w->tables);
	assert_int_equal(sqlite3_close(w->db), SQLITE_OK);
	form_set_free(w->forms);
	free(w);
	return 0;
}

const struct report_order report_world_order = {
	.name = "", .from = { 2026, 1, 1 }, .to = { 2026, 6, 30 }, .unit = "20", .lang = FORM_VI
};

struct report *
report_world_run(struct report_world *w, const char *name, const char *unit)
{
	struct report_order o = report_world_order;
	struct report *r;
	enum rc rc;

	o.name = name;
	o.unit = unit;
	rc = report_run(w->db, w->forms, &o, &r, &w->err);
	if (rc != RC_OK)
		fail_msg("%s: %s", w->err.where, w->err.what);
	return r;
}

/* A row as "label|2|0|…", an empty cell as nothing. */
static const char *
row_text(const struct report *r, const struct report_row *row, char *out, size_t room)
{
	size_t used = 0;

	out[0] = '\0';
	for (size_t i = 0; i < r->n_columns && used < room; i++) {
		const struct report_cell *c = &row->cells[i];
		const char *bar = i == 0 ? "" : "|";
		int n = 0;

		if (c->type == REPORT_INTEGER)
			n = snprintf(out + used, room - used, "%s%lld", bar, (long long)c->integer);
		else if (c->type == REPORT_REAL)
			n = snprintf(out + used, room - used, "%s%.1f", bar, c->real);
		else
			n = snprintf(out + used, room - used, "%s%s", bar,
			    c->type == REPORT_WORDS ? c->words : "");
		used += (size_t)n;
	}
	return out;
}

/* The one row of a block that begins like this. */
void
report_world_has(const struct report *r, size_t block, const char *label, const char *rest)
{
	char text[512], expected[512];
	size_t found = 0;

	assert_true(block < r->n_blocks);
	snprintf(expected, sizeof(expected), "%s|%s", label, rest);
	for (size_t i = 0; i < r->blocks[block].n_rows; i++) {
		row_text(r, &r->blocks[block].rows[i], text, sizeof(text));
		if (strncmp(text, label, strlen(label)) != 0 || text[strlen(label)] != '|')
			continue;
		assert_string_equal(text, expected);
		found++;
	}
	assert_int_equal(found, 1);
}

/* What a list of the forms calls a code in Vietnamese. */
const char *
report_world_label(const struct report_world *w, const char *list, const char *code)
{
	const struct form_list *l = form_set_list(w->forms, list);
	const struct form_choice *c = l == NULL ? NULL : form_choice_find(l, code);

	if (c == NULL)
		fail_msg("%s has no %s", list, code);
	return c != NULL ? c->label[FORM_VI] : "";
}
