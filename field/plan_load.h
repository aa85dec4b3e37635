#ifndef FIELD_PLAN_LOAD_H
#define FIELD_PLAN_LOAD_H

/*
 * plan_load: a plan as sheets, one a form (schema/plans/README.md), as records of the own unit:
 * those that ship (schema/plans/<code>/<form>.csv), or an office's own.  The row of plan.csv is
 * the plan; rows of the other sheets refer to it.  A row that is there already, known by its plan
 * and the fields that name it, is compared and not added.
 */
#include <stdbool.h>
#include <stddef.h>

#include "shared/base/bytes.h"
#include "shared/base/rc.h"
#include "shared/forms/form.h"
#include "shared/records/record.h"

enum {
	PLAN_LOAD_CODE_MAX = 41,	/* with the NUL */
	PLAN_LOAD_SHEETS_MAX = 6,
	PLAN_LOAD_ROWS_MAX = 1000	/* of a sheet */
};

/* A file of CSV; what errors call it; all borrowed. */
struct plan_load_sheet {
	const char *form;
	const char *name;
	const uint8_t *data;
	size_t len;
};

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
 * `replace` that is written as the sheets have it.  What they leave empty is let be, and so are
 * records that they do not have.
 * RC_INVALID: a row breaks a rule of its form, or two are named alike, or there is not one plan.
 * RC_FORMAT: a sheet is no CSV.  RC_LIMIT: too many rows.  RC_CONFLICT: a field to be replaced
 * has several values.  RC_CONFIG: the forms in use lack one.
 */
enum rc plan_load_run(const struct record_context *c, const struct plan_load_sheet *sheets,
    size_t n, bool replace, plan_load_tell *tell, void *ctx, struct plan_load_counts *out,
    struct error *err) RC_CHECK;

/* The sheets of a plan that ships.  RC_NOTFOUND: there is none of this code. */
enum rc plan_load_shipped(const char *code, struct plan_load_sheet out[PLAN_LOAD_SHEETS_MAX],
    size_t *n, struct error *err) RC_CHECK;
/* The form that a file is of, by its name: "2027/plan_task.csv".  RC_USAGE: none of a plan. */
enum rc plan_load_form_of(const char *path, const char **form, struct error *err) RC_CHECK;

/* Codes of the plans that ship, in their order; NULL beyond the last. */
const char *plan_load_code(size_t i, char out[PLAN_LOAD_CODE_MAX]);
/* A cell of such a plan's plan.csv, into out.  RC_NOTFOUND: no such plan or column. */
enum rc plan_load_cell(const char *code, const char *column, struct bytes *out,
    struct error *err) RC_CHECK;
/* Is a plan of this code on record in the own unit? */
enum rc plan_load_there(const struct record_context *c, const char *code, bool *out,
    struct error *err) RC_CHECK;

#endif
