#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "shared/base/terminal.h"
#include "sync-server/operator.h"

enum { CELL_MAX = 300 };

static enum rc
print_json(json_t *value)
{
	char *text = json_dumps(value, JSON_COMPACT);

	json_decref(value);
	if (text == NULL)
		return RC_NOMEM;
	puts(text);
	free(text);
	return RC_OK;
}

/* One cell as text; numbers and truth values as people write them. */
static void
cell_text(const struct operator *c, const json_t *v, char out[CELL_MAX])
{
	if (json_is_string(v))
		snprintf(out, CELL_MAX, "%s", json_string_value(v));
	else if (json_is_integer(v))
		snprintf(out, CELL_MAX, "%lld", (long long)json_integer_value(v));
	else if (json_is_true(v))
		snprintf(out, CELL_MAX, "%s", c->vietnamese ? "có" : "yes");
	else
		snprintf(out, CELL_MAX, "%s", "");
}

static void
put_cell(const char *text, size_t width, bool last)
{
	size_t taken = terminal_width(text);

	fputs(text, stdout);
	for (; !last && taken < width + 2; taken++)
		putchar(' ');
	if (last)
		putchar('\n');
}

enum rc
operator_add_row(json_t *rows, json_t *row)
{
	return json_array_append_new(rows, row) == 0 ? RC_OK : RC_NOMEM;
}

enum rc
operator_print_rows(struct operator *c, enum rc rc, json_t *rows,
    const struct operator_column *columns, size_t n)
{
	size_t lang = c->vietnamese ? 0 : 1, *widths;
	char text[CELL_MAX];

	if (rc != RC_OK || rows == NULL) {
		json_decref(rows);
		return rc != RC_OK ? rc : RC_NOMEM;
	}
	if (c->options.json)
		return print_json(rows);
	if ((widths = calloc(n + 1, sizeof(*widths))) == NULL) {
		json_decref(rows);
		return RC_NOMEM;
	}
	for (size_t j = 0; j < n; j++) {
		widths[j] = terminal_width(columns[j].title[lang]);
		for (size_t i = 0; i < json_array_size(rows); i++) {
			size_t width;

			cell_text(c, json_object_get(json_array_get(rows, i), columns[j].key), text);
			width = terminal_width(text);
			widths[j] = width > widths[j] ? width : widths[j];
		}
	}
	for (size_t j = 0; j < n; j++)
		put_cell(columns[j].title[lang], widths[j], j + 1 == n);
	for (size_t i = 0; i < json_array_size(rows); i++)
		for (size_t j = 0; j < n; j++) {
			cell_text(c, json_object_get(json_array_get(rows, i), columns[j].key), text);
			put_cell(text, widths[j], j + 1 == n);
		}
	free(widths);
	json_decref(rows);
	return RC_OK;
}

enum rc
operator_print_object(struct operator *c, json_t *object, const struct operator_column *columns,
    size_t n)
{
	size_t lang = c->vietnamese ? 0 : 1;
	char text[CELL_MAX];

	if (object == NULL)
		return RC_NOMEM;
	if (c->options.json)
		return print_json(object);
	for (size_t j = 0; j < n; j++) {
		const json_t *v = json_object_get(object, columns[j].key);

		if (v == NULL)
			continue;
		cell_text(c, v, text);
		if (json_is_false(v))
			snprintf(text, sizeof(text), "%s", c->vietnamese ? "không" : "no");
		printf("%s: %s\n", columns[j].title[lang], text);
	}
	json_decref(object);
	return RC_OK;
}

enum rc
operator_print_rotated(struct operator *c, size_t n)
{
	static const struct operator_column columns[] = {
		{ "rotated", { "Phạm vi có khóa mới", "Scopes with a new key" } },
	};

	return operator_print_object(c, json_pack("{s:I}", "rotated", (json_int_t)n), columns, 1);
}

void
operator_note(const struct operator *c, const char *vi, const char *en)
{
	if (!c->options.quiet)
		fprintf(stderr, "sync-server: %s\n", c->vietnamese ? vi : en);
}

void
operator_warn(const struct operator *c, const struct error *what)
{
	fprintf(stderr, "sync-server: %s: %s%s%s%s%s\n", c->vietnamese ? "cảnh báo" : "warning",
	    what->what[0] != '\0' ? what->what : rc_name(what->code),
	    what->where[0] != '\0' ? ": " : "", what->where,
	    what->help[0] != '\0' ? ": " : "", what->help);
}

const char *
operator_word(const struct operator *c, const char *vi, const char *en)
{
	return c->vietnamese && !c->options.json ? vi : en;
}

void
operator_time(const struct operator *c, int64_t at, char out[21])
{
	if (c->options.json)
		clock_iso(at, out);
	else
		clock_vietnamese(at, out);
}
