#ifndef SHARED_REPORTS_REPORT_LINES_H
#define SHARED_REPORTS_REPORT_LINES_H

/*
 * report_lines: the rows of a table by what they stand for, so that two versions of the table can be held
 * against each other: the part, and the texts before the first figure.
 */
#include <stdbool.h>
#include <stddef.h>

#include "shared/base/rc.h"
#include "shared/reports/report.h"

struct report_line {
	const char *part, *row;
	struct report_cell *cells;	/* its figures */
	bool seen;
};

struct report_lines {
	struct report_line *lines;	/* as they stand in the table */
	size_t n;
	struct report_line **sorted;	/* the first n_sorted, by part and row */
	size_t n_sorted, max, n_cells;
	struct arena *arena;		/* owns all */
};

enum rc report_lines_init(struct report_lines *s, struct arena *arena, size_t max,
    size_t n_cells) RC_CHECK;
/* One more, with n_cells of nothing and copies of the texts; NULL: no memory, or max. */
struct report_line *report_lines_add(struct report_lines *s, const char *part, const char *row);
/* Rows of one name become "name", "name (2)" …; then no two are the same, and all are sorted. */
enum rc report_lines_number(struct report_lines *s) RC_CHECK;
/* NULL: none. */
struct report_line *report_lines_find(const struct report_lines *s, const char *part,
    const char *row);

#endif
