#include "field/plan_deadline.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "shared/vault/query.h"

/* The month before the day, so that the text of both sorts. */
static const char list_sql[] =
    "SELECT DISTINCT p.code, d.kind, d.from_kind, COALESCE(d.via_kind, ''),"
    "  COALESCE((SELECT group_concat(value, ',') FROM (SELECT DISTINCT value"
    "    FROM form_plan_deadline__to_kinds WHERE id = d.id AND NOT voided ORDER BY value)), ''),"
    "  COALESCE(d.wording, ''), p.year, d.month_day, COALESCE(d.strict_before = 'yes', 0)"
    " FROM form_plan_deadline AS d JOIN form_plan AS p ON p.id = d.plan_id AND p.alive"
    " WHERE d.alive AND (?1 = 0 OR p.year = ?1) AND (?2 IS NULL OR d.from_kind = ?2)"
    " ORDER BY d.month_day IS NULL, p.year,"
    "  CAST(substr(d.month_day, instr(d.month_day, '/') + 1) AS INTEGER),"
    "  CAST(d.month_day AS INTEGER), p.code, d.kind, d.from_kind";

enum rc
plan_deadline_last(int year, const char *month_day, bool strict_before, struct date *out)
{
	const char *slash = strchr(month_day, '/');
	struct date d = { .year = year };

	*out = (struct date){ 0 };
	if (slash == NULL)
		return RC_INVALID;
	d.day = (int)strtol(month_day, NULL, 10);
	d.month = (int)strtol(slash + 1, NULL, 10);
	if (d.day == 0 || d.month == 0 || !date_is_valid(&d))
		return RC_INVALID;
	date_from_days(date_to_days(&d) - strict_before, out);
	return RC_OK;
}

enum rc
plan_deadline_of(const struct date *from, const struct date *to, const char *month_day,
    bool strict_before, struct date *out)
{
	int64_t first = date_to_days(from), middle = first + (date_to_days(to) - first) / 2;

	for (int year = from->year; year <= to->year + 1; year++) {
		if (plan_deadline_last(year, month_day, strict_before, out) == RC_OK &&
		    date_to_days(out) > middle)
			return RC_OK;
	}
	*out = (struct date){ 0 };
	return RC_INVALID;
}

static enum rc
tell_row(struct sqlite3_stmt *q, plan_deadline_tell *tell, void *ctx)
{
	struct plan_deadline d = {
		.plan = query_column_text(q, 0), .kind = query_column_text(q, 1),
		.from_kind = query_column_text(q, 2), .via_kind = query_column_text(q, 3),
		.to_kinds = query_column_text(q, 4), .wording = query_column_text(q, 5),
	};

	/* 29/2 of a common year is no day: then the wording alone is told */
	d.dated = !query_column_is_null(q, 7) && plan_deadline_last((int)query_column_int(q, 6),
	    query_column_text(q, 7), query_column_int(q, 8) != 0, &d.last) == RC_OK;
	return tell(ctx, &d);
}

enum rc
plan_deadline_list(struct sqlite3 *db, int64_t year, const char *from_kind,
    plan_deadline_tell *tell, void *ctx, struct error *err)
{
	struct sqlite3_stmt *q = NULL;
	bool row = false;
	enum rc rc = query_open(db, err, &q, list_sql, "it", year, from_kind);

	while (rc == RC_OK && (rc = query_next(q, &row, err)) == RC_OK && row)
		rc = tell_row(q, tell, ctx);
	query_close(q);
	return rc;
}
