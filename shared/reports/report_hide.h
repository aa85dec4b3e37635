#ifndef SHARED_REPORTS_REPORT_HIDE_H
#define SHARED_REPORTS_REPORT_HIDE_H

/*
 * report_hide: which figures must be hidden besides those that are too small, so that none
 * of them can be worked out from what stays to be read.
 *
 * Figures are tied by sums, each a row of terms (+1 or -1) that keeps its value, or its side of one.
 * A reader knows
 * the sums, the figures that are shown, and of a hidden one only its bounds.  A hidden figure
 * is safe when there is another table that the reader cannot tell from the true one and in which
 * it differs: a witness.  Nothing is called safe without a witness that was found, so what this
 * module does not find costs figures that could have been shown, and never gives one away.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "shared/base/rc.h"

enum {
	REPORT_HIDE_CELLS_MAX = 4000000,	/* cells, and terms of all sums */
	REPORT_HIDE_COST_MAX = 24	/* of figures hidden for the sake of one */
};

struct report_hide_cell {
	int64_t value;
	int64_t low, high;	/* what a reader knows of it when it is hidden */
	uint8_t cost;		/* of hiding it: dearer ones are spared */
	bool hidden;
	bool safe;		/* a witness is known */
	int32_t moved;		/* from its value; while a witness is looked for */
};

struct report_hide_term {
	uint32_t cell;
	int8_t sign;
};

struct report_hide {
	struct report_hide_cell *cells;
	size_t n_cells, room_cells;
	struct report_hide_term *terms;	/* of all sums */
	size_t n_terms, room_terms;
	struct report_hide_sum *sums;
	size_t n_sums, room_sums;
	struct report_hide_place *of;	/* sums of each cell, by cell */
	uint32_t *first;		/* of each cell in them */
	int cost;			/* of what the path hides */
	size_t work;			/* steps that are left */
};

void report_hide_init(struct report_hide *h);
void report_hide_reset(struct report_hide *h);

/* RC_LIMIT, RC_NOMEM.  moved and safe are ignored. */
enum rc report_hide_cell(struct report_hide *h, const struct report_hide_cell *cell,
    uint32_t *out) RC_CHECK;
/*
 * A sum that a reader knows to be from `low` below its value to `high` above it (0 and 0: exactly);
 * a cell stands in it once.
 */
enum rc report_hide_sum(struct report_hide *h, const struct report_hide_term *terms, size_t n,
    int64_t low, int64_t high) RC_CHECK;
/* Behind the last sum, before the first question. */
enum rc report_hide_ready(struct report_hide *h) RC_CHECK;
/* Make a hidden cell safe, hiding as little else as can be found; false: it could not be. */
bool report_hide_protect(struct report_hide *h, uint32_t cell);

#endif
