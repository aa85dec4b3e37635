#ifndef FIELD_REPORT_DUTY_H
#define FIELD_REPORT_DUTY_H

/*
 * report_duty: which unit owes which report until when (plan_deadline.h), and what has become of it.
 * A plan names kinds of organisations.  Of those that are units here, a People's Committee or culture
 * office of a commune is each commune, a district's is each district, the province's lead agency
 * (Sở Y tế; until 2025 Sở LĐTBXH), its section and the People's Committee the province; of the unit that
 * recorded the plan and those below it.  Others (police, border guard …) send outside this program.
 */
#include "field/workspace.h"
#include "shared/base/arena.h"

enum {
	REPORT_DUTIES_MAX = 100000,
	REPORT_DUTY_DAYS = 366		/* how long a day that has passed is still told */
};

enum report_duty_state {
	DUTY_MISSING,		/* nothing was sent; the last day has not passed, or there is none */
	DUTY_OVERDUE,		/* nothing was sent, and it has passed */
	DUTY_SUBMITTED, DUTY_RETURNED, DUTY_ACCEPTED,	/* of the newest version */
	DUTY_UNKNOWN,		/* this device does not read the unit's reports */
	DUTY_OUTSIDE,		/* no unit here */
	DUTY_STATES
};

struct report_duty {
	const char *plan, *kind;	/* codes of the plan, and of report_kind */
	const char *from_kind, *via_kind, *to_kinds;	/* of org_kind; "" none; "," between */
	const char *unit, *unit_name;	/* "" outside */
	struct date from, to;		/* the period of the report */
	bool dated;
	struct date last;		/* the last day, if it is dated */
	enum report_duty_state state;
	bool late;			/* first sent after the last day, or still missing or returned then */
	const char *submitted;		/* when the first version was sent, ISO; "" */
	int64_t id, version;		/* of the newest version: its record.id; 0 */
};

struct report_duty_list {
	struct report_duty *items;	/* by last day, plan, kind, unit; without a day behind */
	size_t n, room;
	struct arena arena;
};

/*
 * As it stood on a day: what was sent later is not looked at, an answer is the one that is known now.
 * plan: of that plan alone, whatever its year; NULL: what is asked for a period that has begun, and
 * whose last day (or, without one, end) is not longer past than REPORT_DUTY_DAYS.
 * own: of this device's unit alone.  Reset in every case.  RC_LIMIT.
 */
enum rc report_duty_find(struct workspace *ws, const char *plan, const struct date *on, bool own,
    struct report_duty_list *out, struct error *err) RC_CHECK;
void report_duty_reset(struct report_duty_list *list);

const char *report_duty_code(enum report_duty_state state);	/* "MISSING" … */

#endif
