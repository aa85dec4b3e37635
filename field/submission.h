#ifndef FIELD_SUBMISSION_H
#define FIELD_SUBMISSION_H

/*
 * submission: a report that was frozen and sent: all numbered tables of a unit and a period, as they
 * were on that day, in a record `report_submission` of the unit's `reports`.  How the tables stand
 * in it: schema/forms/README.md, "Frozen reports".  What is recorded later does not change them;
 * a correction is another record, of the next version, that names the one it replaces.
 *
 * Who submits reads all three compartments of the unit (supervisor, holder); who accepts or returns
 * reads those too and stands above the unit.  For the top unit, whose receiver has no device, it
 * writes down itself what was answered.
 *
 * Whoever may write a report can add a state to it, or strike one through, as to any record.  So an
 * answer counts only by its author: a supervisor or holder, by its assignment or its invitation, and
 * not of the report's own unit unless that is the top one.  That the author's frames are of a unit
 * above was judged when they came.  What does not count stays, and is told (submission_ignored).
 */
#include "field/workspace.h"

enum {
	SUBMISSION_PIECE_MAX = 16000,	/* characters of one value */
	SUBMISSION_PIECES_MAX = 200,	/* values: 2.4 MB of packed tables */
	SUBMISSION_PIECES_ENTRY = 12,	/* of them in one entry, with a narrative beside them */
	SUBMISSION_LIST_MAX = 10000
};

struct submission_order {
	const char *plan, *kind;
	struct date from, to;		/* complete days, both included */
	const char *unit;		/* NULL: own */
	const char *receiver;		/* NULL: the unit above */
	const char *narrative;		/* NULL: none */
};

/*
 * Freeze and record as SUBMITTED, in a transaction of its own.  RC_DENIED: not this device's to
 * submit.  RC_NOTFOUND: no such unit.  RC_USAGE: no receiver, or not a period.  RC_LIMIT: the tables
 * are too large.  RC_INVALID: breaks a rule of the form.
 */
enum rc submission_submit(struct workspace *ws, const struct submission_order *o,
    enum form_lang lang, struct dot *id, struct error *err) RC_CHECK;

/* Accept, or return (then with a reason); what was answered or replaced is RC_INVALID. */
enum rc submission_answer(struct workspace *ws, const struct dot *id, bool accept,
    const char *reason, enum form_lang lang, struct dot *dot, struct error *err) RC_CHECK;

/*
 * Append the frozen tables: the JSON whose hash the record holds.  RC_DAMAGED: it is not what was
 * frozen.  RC_NOTFOUND: nothing was frozen in this record.
 */
enum rc submission_tables(const struct record_view *v, struct bytes *json,
    struct error *err) RC_CHECK;

/* Does this device read all that reports of the unit are made of, and the reports? */
bool submission_reads_all(struct workspace *ws, const char *unit);

/* What a field shows, "" if nothing; DRAFT, SUBMITTED, RETURNED or ACCEPTED. */
const char *submission_shown(const struct record_view *v, const char *field);
const char *submission_state(struct workspace *ws, const struct record_view *v);
/* The value that says so and counts; NULL if there is none. */
const struct record_value *submission_answered(struct workspace *ws, const struct record_view *v,
    const char *state);
/* Is this value of `states` an answer of somebody who may not give it? */
bool submission_ignored(struct workspace *ws, const struct record_view *v,
    const struct record_value *value);

/* A view that is a report; RC_INVALID: a record of another form. */
enum rc submission_open(struct workspace *ws, const struct dot *id, enum form_lang lang,
    struct record_view *out, struct error *err) RC_CHECK;

/* All reports that are read here, newest first; false: enough. */
enum rc submission_each(struct workspace *ws, enum form_lang lang,
    bool (*see)(void *ctx, const struct record_view *v), void *ctx, struct error *err) RC_CHECK;

#endif
