#ifndef SHARED_REPORTS_REPORT_MASK_INTERNAL_H
#define SHARED_REPORTS_REPORT_MASK_INTERNAL_H

#include "shared/reports/report_hide.h"
#include "shared/reports/report_mask.h"

/* One table under the mask. */
struct mask {
	struct report *r;
	const struct report_definition *d;
	int64_t threshold;
	struct report_hide hide;
	uint32_t *figures;		/* of each cell the number in hide, from 1; 0: none */
	size_t first[REPORT_BLOCKS_MAX];	/* cell of each block in figures */
	struct report_hide_term *terms;	/* room for the longest sum */
	uint32_t *parts;		/* the same */
	bool alike;			/* small figures read as the others, since "<5" says too much */
	bool all;			/* no witness was found: nothing that counts persons is shown */
};

static inline bool
report_mask_has(uint32_t bits, size_t column)
{
	return column < 32 && (bits >> column & 1) != 0;
}

static inline size_t
report_mask_place(const struct mask *m, size_t block, size_t row, size_t column)
{
	return m->first[block] + row * m->r->n_columns + column;
}

static inline const struct report_cell *
report_mask_cell(const struct mask *m, size_t block, size_t row, size_t column)
{
	return &m->r->blocks[block].rows[row].cells[column];
}

/* ---- report_mask_sums.c ---- */

/* What a column follows; NULL: nothing. */
const struct report_follow *report_mask_follow(const struct report_definition *d, size_t column);
/* Counts persons, or is money that was spent on them. */
bool report_mask_is_figure(const struct mask *m, size_t block, size_t row, size_t column);
/* The figures of the table, the small ones hidden, and all that adds up. */
enum rc report_mask_gather(struct mask *m) RC_CHECK;

#endif
