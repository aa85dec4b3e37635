#include "shared/reports/report_lines.h"

#include <stdlib.h>
#include <string.h>

enum rc
report_lines_init(struct report_lines *s, struct arena *arena, size_t max, size_t n_cells)
{
	*s = (struct report_lines){ .arena = arena, .max = max, .n_cells = n_cells };
	s->lines = arena_alloc(arena, max, sizeof(*s->lines));
	s->sorted = arena_alloc(arena, max, sizeof(struct report_line *));
	return s->lines != NULL && s->sorted != NULL ? RC_OK : RC_NOMEM;
}

static const char *
copy(struct report_lines *s, const char *text)
{
	return arena_copy(s->arena, text, strlen(text));
}

struct report_line *
report_lines_add(struct report_lines *s, const char *part, const char *row)
{
	struct report_line *l;

	if (s->n == s->max)
		return NULL;
	l = &s->lines[s->n];
	l->part = copy(s, part);
	l->row = copy(s, row);
	l->cells = arena_alloc(s->arena, s->n_cells, sizeof(*l->cells));
	if (l->part == NULL || l->row == NULL || l->cells == NULL)
		return NULL;
	s->n++;
	return l;
}

static int
by_name(const void *a, const void *b)
{
	const struct report_line *const *x = a, *const *y = b;
	int part = strcmp((*x)->part, (*y)->part);
	int row = part != 0 ? part : strcmp((*x)->row, (*y)->row);

	return row != 0 ? row : (*x > *y) - (*x < *y);
}

static void
sort(struct report_lines *s)
{
	for (size_t i = 0; i < s->n; i++)
		s->sorted[i] = &s->lines[i];
	if (s->n > 0)
		qsort(s->sorted, s->n, sizeof(struct report_line *), by_name);
	s->n_sorted = s->n;
}

enum rc
report_lines_number(struct report_lines *s)
{
	const char *part = "", *row = "";
	size_t nth = 0;

	sort(s);
	for (size_t i = 0; i < s->n; i++) {
		struct report_line *l = s->sorted[i];
		struct bytes name;

		nth = i > 0 && strcmp(l->part, part) == 0 && strcmp(l->row, row) == 0 ? nth + 1 : 1;
		part = l->part;
		row = l->row;
		if (nth == 1)
			continue;
		bytes_init(&name);
		bytes_printf(&name, "%s (%zu)", row, nth);
		l->row = name.rc == RC_OK ? copy(s, bytes_cstr(&name)) : NULL;
		bytes_reset(&name);
		if (l->row == NULL)
			return RC_NOMEM;
	}
	sort(s);
	return RC_OK;
}

struct report_line *
report_lines_find(const struct report_lines *s, const char *part, const char *row)
{
	size_t low = 0, high = s->n_sorted;

	while (low < high) {
		size_t at = low + (high - low) / 2;
		int order = strcmp(part, s->sorted[at]->part);

		if (order == 0)
			order = strcmp(row, s->sorted[at]->row);
		if (order == 0)
			return s->sorted[at];
		if (order < 0)
			high = at;
		else
			low = at + 1;
	}
	/* what was added since */
	for (size_t i = s->n_sorted; i < s->n; i++)
		if (strcmp(s->lines[i].part, part) == 0 && strcmp(s->lines[i].row, row) == 0)
			return &s->lines[i];
	return NULL;
}
