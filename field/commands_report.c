#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "field/commands.h"
#include "field/submission_late.h"
#include "field/workspace.h"
#include "shared/base/files.h"
#include "shared/base/terminal.h"
#include "shared/reports/report_correction.h"
#include "shared/reports/workbook.h"
#include "shared/sync/replica.h"
#include "shared/vault/secret.h"
#include "shared/vault/vault.h"

enum { WORKBOOK_MAX = 64 << 20, CELL_MAX = 400 };

enum rc
commands_day_of(struct call *c, const char *name, struct date *out)
{
	const char *s = call_option(c, name);

	if (s != NULL && date_parse(s, out) == RC_OK && out->day != 0)
		return RC_OK;
	return error_set(&c->err, RC_USAGE, name, "write it as 2026-01-31 or 31/01/2026",
	    "a whole date is needed");
}

/* For whom the table is: 0, or the number of persons below which figures are hidden. */
static enum rc
read_threshold(struct call *c, int64_t *out)
{
	const char *s = call_option(c, "threshold");
	char *end;
	long n;

	*out = call_option(c, "public") != NULL ? REPORT_THRESHOLD : 0;
	if (s == NULL)
		return RC_OK;
	if (*out == 0)
		return error_set(&c->err, RC_USAGE, "threshold", "give --public, too",
		    "figures are hidden in what is made for the public only");
	n = strtol(s, &end, 10);
	if (*s < '0' || *s > '9' || *end != '\0' || n < REPORT_THRESHOLD_MIN || n > REPORT_THRESHOLD_MAX)
		return error_set(&c->err, RC_USAGE, "threshold", "give a number from 3 to 1000",
		    "this is no number of persons below which figures are hidden");
	*out = n;
	return RC_OK;
}

static bool
ends_with(const char *s, const char *end)
{
	size_t n = strlen(s), m = strlen(end);

	return n >= m && strcmp(s + n - m, end) == 0;
}

/*
 * A workbook is made by a library that writes files: in memory if the system has
 * such a folder, else beside the target, and removed.
 */
static enum rc
make_workbook(struct call *c, const struct report *r, const char *path, struct bytes *out)
{
	char name[FILES_PATH_MAX], random[33];
	uint8_t bytes[16];
	const struct report *one[1] = { r };
	enum rc rc, removed;

	secret_random_bytes(bytes, sizeof(bytes));
	bytes_hex(bytes, sizeof(bytes), random);
	if (files_memory_dir() != NULL)
		rc = files_join(files_memory_dir(), random, name);
	else
		rc = (size_t)snprintf(name, sizeof(name), "%s.%s", path, random) <
		    sizeof(name) ? RC_OK : RC_LIMIT;
	if (rc != RC_OK)
		return error_set(&c->err, rc, path, "use a shorter path", "the path is too long");
	if ((rc = workbook_write(one, 1, name, &c->err)) == RC_OK)
		rc = files_read(name, WORKBOOK_MAX, out, &c->err);
	removed = files_exists(name) ? files_remove(name, &c->err) : RC_OK;
	return rc != RC_OK ? rc : removed;
}

static void
cell_text(const struct report_cell *cell, char *out, size_t max)
{
	if (cell->type == REPORT_INTEGER)
		snprintf(out, max, "%lld", (long long)cell->integer);
	else if (cell->type == REPORT_REAL)
		snprintf(out, max, "%.1f", cell->real);
	else
		snprintf(out, max, "%s", cell->type == REPORT_WORDS ? cell->words : "");
}

/* Text to the left, figures to the right, as wide as the column needs. */
static void
put_padded(struct call *c, const char *text, size_t width, bool right)
{
	size_t have = terminal_width(text);
	size_t pad = have < width ? width - have : 0;

	bytes_printf(&c->out, "%*s%s%*s  ", right ? (int)pad : 0, "", text, right ? 0 : (int)pad, "");
}

static void
print_row(struct call *c, const struct report *r, const struct report_row *row,
    const size_t *widths)
{
	char text[CELL_MAX];

	for (size_t k = 0; k < r->n_columns; k++) {
		cell_text(&row->cells[k], text, sizeof(text));
		put_padded(c, text, widths[k], r->columns[k].kind != REPORT_TEXT);
	}
	bytes_u8(&c->out, '\n');
}

static void
measure(const struct report *r, size_t *widths)
{
	char text[CELL_MAX];

	for (size_t k = 0; k < r->n_columns; k++) {
		widths[k] = terminal_width(r->columns[k].title);
		for (size_t b = 0; b < r->n_blocks; b++)
			for (size_t i = 0; i < r->blocks[b].n_rows; i++) {
				cell_text(&r->blocks[b].rows[i].cells[k], text, sizeof(text));
				if (terminal_width(text) > widths[k])
					widths[k] = terminal_width(text);
			}
	}
}

/* What a correction says, in a line; texts of cells, "" for nothing. */
void
commands_correction(struct call *c, const char *const words[3], const char *const cells[3])
{
	bytes_printf(&c->out, "  %s%s%s, %s: ", words[0], *words[0] != '\0' ? ": " : "", words[1],
	    words[2]);
	call_print(c, call_say(c, "đã báo cáo %s, hiện nay %s%s%s", "reported %s, now %s%s%s"),
	    *cells[0] != '\0' ? cells[0] : "—", *cells[1] != '\0' ? cells[1] : "—",
	    *cells[2] != '\0' ? call_say(c, ", chênh lệch ", ", difference ") : "", cells[2]);
}

static void
print_corrections(struct call *c, const struct report *r)
{
	char last[REPORT_PERIOD_MAX] = "";

	if (r->n_corrections > 0)
		call_print(c, "— %s", report_correction_head(c->lang, CORRECTION_TITLE));
	for (size_t i = 0; i < r->n_corrections; i++) {
		const struct report_correction *of = &r->corrections[i];
		struct report_cell difference = report_correction_difference(of);
		char period[REPORT_PERIOD_MAX], told[CELL_MAX], now[CELL_MAX], change[CELL_MAX];

		report_correction_period(r, of, period);
		if (strcmp(period, last) != 0)
			call_print(c, "%s", period);
		memcpy(last, period, sizeof(last));
		cell_text(&of->told, told, sizeof(told));
		cell_text(&of->now, now, sizeof(now));
		cell_text(&difference, change, sizeof(change));
		commands_correction(c, (const char *const[]){ of->part, of->row, of->column },
		    (const char *const[]){ told, now, change });
	}
}

static enum rc
print_report(struct call *c, const struct report *r)
{
	size_t widths[REPORT_COLUMNS_MAX];
	char period[REPORT_PERIOD_MAX];

	measure(r, widths);
	report_period(r, period);
	call_print(c, "%s\n%s%s%s", r->title, period, r->unit_name != NULL ? ", " : "",
	    r->unit_name != NULL ? r->unit_name : "");
	for (size_t k = 0; k < r->n_columns; k++)
		put_padded(c, r->columns[k].title, widths[k], r->columns[k].kind != REPORT_TEXT);
	bytes_u8(&c->out, '\n');
	for (size_t b = 0; b < r->n_blocks; b++) {
		if (*r->blocks[b].title != '\0')
			call_print(c, "— %s", r->blocks[b].title);
		for (size_t i = 0; i < r->blocks[b].n_rows; i++)
			print_row(c, r, &r->blocks[b].rows[i], widths);
	}
	print_corrections(c, r);
	for (size_t i = 0; i < r->n_notes; i++)
		call_print(c, "* %s", r->notes[i]);
	return c->out.rc;
}

static bool
is_kind_of_file(const char *path)
{
	return ends_with(path, ".csv") || ends_with(path, ".json") || ends_with(path, ".xlsx");
}

static enum rc
write_report(struct call *c, const struct report *r)
{
	const char *path = call_option(c, "out");
	struct bytes *out;

	if (path == NULL)
		return c->json ? report_write_json(r, &c->out) : print_report(c, r);
	if (!is_kind_of_file(path))
		return error_set(&c->err, RC_USAGE, path, "end it in .xlsx, .csv or .json",
		    "the kind of file is not known");
	if ((out = call_output(c, path)) == NULL)
		return RC_NOMEM;
	call_note(c, "%s", call_say(c,
	    "Lưu ý: tệp này không được mã hóa. Xóa tệp khi dùng xong.",
	    "Note: this file is not encrypted.  Delete it when it has served."));
	if (ends_with(path, ".csv"))
		return report_write_csv(r, out);
	if (ends_with(path, ".json"))
		return report_write_json(r, out);
	return make_workbook(c, r, path, out);
}

enum rc
commands_report(struct call *c)
{
	struct submission_late *late = NULL;
	struct report_order order;
	struct report *r = NULL;
	enum rc rc;

	memset(&order, 0, sizeof(order));
	order.name = c->args[0];
	order.unit = call_option(c, "unit");
	order.lang = c->lang;
	if ((rc = commands_day_of(c, "from", &order.from)) != RC_OK ||
	    (rc = commands_day_of(c, "to", &order.to)) != RC_OK ||
	    (rc = read_threshold(c, &order.threshold)) != RC_OK ||
	    (rc = workspace_prepare_reports(c->ws, &c->err)) != RC_OK ||
	    (rc = report_run(vault_db(c->ws->vault), replica_forms(c->ws->replica), &order, &r,
	    &c->err)) != RC_OK)
		return rc;
	if ((rc = commands_access_listed(c, "report", order.name, 0, false)) == RC_OK &&
	    (rc = submission_late_open(c->ws, order.unit, &order.to, &late, &c->err)) == RC_OK &&
	    (rc = submission_late_correct(late, r, &c->err)) == RC_OK)
		rc = write_report(c, r);
	submission_late_free(late);
	report_free(r);
	return rc;
}

enum rc
commands_reports(struct call *c)
{
	struct report_summary *list = NULL;
	json_t *all = NULL;
	size_t n = 0;
	enum rc rc;

	if ((rc = report_list(&list, &n, &c->err)) != RC_OK)
		return rc;
	if (c->json)
		all = json_array();
	for (size_t i = 0; i < n; i++) {
		if (c->json)
			json_array_append_new(all, json_pack("{s:s,s:s}", "name", list[i].name,
			    "title", list[i].title[c->lang]));
		else
			call_print(c, "%-4s %s", list[i].name, list[i].title[c->lang]);
	}
	report_list_free(list, n);
	return c->json ? call_print_json(c, all) : RC_OK;
}
