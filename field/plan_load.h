#ifndef FIELD_PLAN_LOAD_H
#define FIELD_PLAN_LOAD_H

/*
 * plan_load: the plans that ship as sheets (schema/plans/<code>/<form>.csv), as records of the
 * own unit.  The row of plan.csv is the plan; rows of the other sheets refer to it.  A row that
 * is there already, known by its plan and the fields that name it, is compared and not added.
 */
#include <stdbool.h>
#include <stddef.h>

#include "shared/base/bytes.h"
#include "shared/base/rc.h"
#include "shared/forms/form.h"
#include "shared/records/record.h"

enum { PLAN_LOAD_CODE_MAX = 41 };	/* with the NUL */

/* One field of a record that says something else than the sheet. */
struct plan_load_difference {
	const struct form_field *field;
	const char *form;
	const char *row;		/* what names it: "II.3", "M6 CPC" */
	const char *here, *sheet;	/* values, several with "; " between; "" nothing */
};

struct plan_load_counts { size_t added, changed, differing, same; };	/* rows */

typedef void plan_load_tell(void *ctx, const struct plan_load_difference *d);

/*
 * Add what is missing of a plan, in the caller's transaction, and tell what differs; with
 * `replace` that is written as the sheet has it.  What the sheet leaves empty is let be, and so
 * are records that it does not have.
 * RC_NOTFOUND: no such plan ships.  RC_CONFLICT: a field to be replaced has several values.
 */
enum rc plan_load_run(const struct record_context *c, const char *code, bool replace,
    plan_load_tell *tell, void *ctx, struct plan_load_counts *out, struct error *err) RC_CHECK;

/* Codes of the plans that ship, in their order; NULL beyond the last. */
const char *plan_load_code(size_t i, char out[PLAN_LOAD_CODE_MAX]);
/* A cell of such a plan's plan.csv, into out.  RC_NOTFOUND: no such plan or column. */
enum rc plan_load_cell(const char *code, const char *column, struct bytes *out,
    struct error *err) RC_CHECK;
/* Is a plan of this code on record in the own unit? */
enum rc plan_load_there(const struct record_context *c, const char *code, bool *out,
    struct error *err) RC_CHECK;

#endif
