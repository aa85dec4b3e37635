#include "field/report_duty.h"

#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>

#include "field/plan_deadline.h"
#include "field/submission.h"
#include "shared/sync/replica.h"
#include "shared/vault/query.h"
#include "shared/vault/vault.h"

enum { BYTES_MAX = 256 << 20 };

struct finding {
	struct workspace *ws;
	const char *plan;
	struct date on;
	bool own;
	struct report_duty_list *out;
	struct error *err;
};

/* The tiers are those of B16: who must issue a plan of its own, and who reports, are found alike. */
static const char duties_sql[] =
    "SELECT p.code, d.kind, d.from_kind, COALESCE(d.via_kind, ''),"
    "  COALESCE((SELECT group_concat(value, ',') FROM (SELECT DISTINCT value"
    "    FROM form_plan_deadline__to_kinds WHERE id = d.id AND NOT voided ORDER BY value)), ''),"
    "  d.month_day, COALESCE(d.strict_before = 'yes', 0), p.unit, p.year,"
    "  CASE d.kind WHEN 'M6' THEN p.period_6m_start ELSE p.period_year_start END,"
    "  CASE d.kind WHEN 'M6' THEN p.period_6m_end ELSE p.period_year_end END,"
    "  tier.column1 IS NULL, COALESCE(u.code, ''), COALESCE(u.full_name, ''),"
    "  COALESCE(u.valid_from, ''), COALESCE(u.valid_to, '')"
    " FROM form_plan_deadline AS d JOIN form_plan AS p ON p.id = d.plan_id AND p.alive"
    " LEFT JOIN (VALUES ('CPC', 'COMM'), ('CSO', 'COMM'), ('DPC', 'DIST'), ('DLO', 'DIST'),"
    "  ('PPC', 'PROV'), ('DOH', 'PROV'), ('DOH_SVP', 'PROV'), ('DOLISA', 'PROV')) AS tier"
    "  ON tier.column1 = d.from_kind"
    " LEFT JOIN temp.unit AS u ON u.level = tier.column2"
    " WHERE d.alive AND d.kind <> 'ADHOC' AND (?1 IS NULL OR p.code = ?1)";

enum { CODE, KIND, FROM_KIND, VIA, TO, MONTH_DAY, STRICT, OWNER, YEAR, START, END, IS_OUTSIDE, UNIT,
	UNIT_NAME, VALID_FROM, VALID_TO };

/* Each version that was sent by the day, the newest first: its state, and when it was sent. */
static const char versions_sql[] =
    "SELECT s.id, COALESCE(CAST(s.version AS INTEGER), 0), COALESCE(s.submitted_at, '')"
    " FROM form_report_submission AS s"
    " JOIN form_report_submission__states AS t ON t.id = s.id AND NOT t.voided"
    " WHERE s.alive AND s.unit = ?1 AND s.plan = ?2 AND s.kind = ?3 AND s.period_end >= ?4"
    " AND s.period_start <= ?5 AND COALESCE(s.submitted_at, '') <= ?6"
    " GROUP BY s.id HAVING MAX(t.value = 'SUBMITTED')"
    " ORDER BY CAST(s.version AS INTEGER) DESC, s.created_at DESC, s.id DESC";

/* ---- days ---- */

/* A year, a month or a day as a day; of a month or year its first, or its last. */
static bool
read_day(const char *text, bool last, struct date *out)
{
	if (*text == '\0' || date_parse(text, out) != RC_OK)
		return false;
	if (out->month == 0)
		out->month = last ? 12 : 1;
	if (out->day != 0)
		return true;
	out->day = 1;
	if (last) {
		struct date next = *out;

		next.year += out->month == 12;
		next.month = out->month == 12 ? 1 : out->month + 1;
		date_from_days(date_to_days(&next) - 1, out);
	}
	return true;
}

/* The period that the plan names, else that of the calendar. */
static void
read_period(struct sqlite3_stmt *q, struct report_duty *d)
{
	int year = (int)query_column_int(q, YEAR);

	if (read_day(query_column_text(q, START), false, &d->from) &&
	    read_day(query_column_text(q, END), true, &d->to))
		return;
	d->from = (struct date){ year, 1, 1 };
	d->to = strcmp(query_column_text(q, KIND), "M6") == 0 ? (struct date){ year, 6, 30 } :
	    (struct date){ year, 12, 31 };
}

/* Was the unit there on the day by which it has to report? */
static bool
is_there(struct sqlite3_stmt *q, const struct report_duty *d)
{
	const char *from = query_column_text(q, VALID_FROM), *to = query_column_text(q, VALID_TO);
	char day[11];

	date_iso(d->dated ? &d->last : &d->to, day);
	return strcmp(from, day) <= 0 && (*to == '\0' || strcmp(to, day) >= 0);
}

/* ---- who ---- */

static bool
reads(const struct finding *f, const char *unit, unsigned compartment)
{
	const struct replica *r = f->ws->replica;

	return directory_may_read(replica_directory(r), replica_unit(r), replica_role(r), unit,
	    compartment);
}

/* Others' duties are told where their reports are read; those outside where the province's plan is. */
static bool
is_told(const struct finding *f, struct sqlite3_stmt *q, struct report_duty *d)
{
	const struct directory *dir = replica_directory(f->ws->replica);
	const char *unit = query_column_text(q, UNIT), *owner = query_column_text(q, OWNER);
	int64_t on = date_to_days(&f->on);

	if (query_column_int(q, IS_OUTSIDE) != 0) {
		d->state = DUTY_OUTSIDE;
		if (f->own || strcmp(owner, directory_top_unit(dir)) != 0)
			return false;
	} else {
		bool own = strcmp(unit, replica_unit(f->ws->replica)) == 0;

		d->state = reads(f, unit, FORM_REPORTS) ? DUTY_MISSING : DUTY_UNKNOWN;
		if (*unit == '\0' || !directory_unit_within(dir, unit, owner) || !is_there(q, d) ||
		    (!own && (f->own || d->state == DUTY_UNKNOWN)))
			return false;
	}
	return f->plan != NULL || (date_to_days(&d->from) <= on &&
	    date_to_days(d->dated ? &d->last : &d->to) >= on - REPORT_DUTY_DAYS);
}

/* ---- what has become of it ---- */

/* An answer counts by its author, which the tables do not tell. */
static enum rc
read_state(const struct finding *f, struct report_duty *d)
{
	struct record_context c = workspace_records(f->ws, FORM_VI);
	struct record_view v;
	const char *state;
	struct dot id;
	enum rc rc;

	if ((rc = record_of_local(c.db, d->id, &id)) != RC_OK ||
	    (rc = record_show(&c, &id, &v, f->err)) != RC_OK)
		return rc;
	state = submission_state(f->ws, &v);
	d->state = strcmp(state, "ACCEPTED") == 0 ? DUTY_ACCEPTED :
	    strcmp(state, "RETURNED") == 0 ? DUTY_RETURNED : DUTY_SUBMITTED;
	record_view_reset(&v);
	return RC_OK;
}

static enum rc
look_up(const struct finding *f, struct report_duty *d)
{
	struct sqlite3_stmt *q = NULL;
	char from[11], to[11], on[11], last[11];
	bool row = false, first = true;
	enum rc rc;

	date_iso(&d->from, from);
	date_iso(&d->to, to);
	date_iso(&f->on, on);
	date_iso(&d->last, last);
	rc = query_open(vault_db(f->ws->vault), f->err, &q, versions_sql, "tttttt", d->unit, d->plan,
	    d->kind, from, to, on);
	while (rc == RC_OK && (rc = query_next(q, &row, f->err)) == RC_OK && row) {
		const char *sent = query_column_text(q, 2);

		if (first) {
			d->id = query_column_int(q, 0);
			d->version = query_column_int(q, 1);
			rc = read_state(f, d);
		}
		first = false;
		if (*d->submitted == '\0' || strcmp(sent, d->submitted) < 0)
			d->submitted = arena_copy(&f->out->arena, sent, strlen(sent));
		if (rc == RC_OK && d->submitted == NULL)
			rc = RC_NOMEM;
	}
	query_close(q);
	if (rc != RC_OK)
		return rc;
	if (d->dated && strcmp(on, last) > 0) {
		d->late = first || d->state == DUTY_RETURNED || strcmp(d->submitted, last) > 0;
		if (first)
			d->state = DUTY_OVERDUE;
	}
	return RC_OK;
}

/* ---- all of them ---- */

static const char *
take(const struct finding *f, struct sqlite3_stmt *q, int column)
{
	const char *s = query_column_text(q, column);

	return arena_copy(&f->out->arena, s, strlen(s));
}

static enum rc
add(const struct finding *f, struct sqlite3_stmt *q, const struct report_duty *duty)
{
	struct report_duty_list *out = f->out;
	struct report_duty *d;

	if (out->n == REPORT_DUTIES_MAX)
		return error_set(f->err, RC_LIMIT, NULL, "name one with --plan",
		    "the plans ask for too many reports");
	if (out->n == out->room) {
		size_t room = out->room > 0 ? 2 * out->room : 64;

		d = realloc(out->items, room * sizeof(*d));
		if (d == NULL)
			return RC_NOMEM;
		out->items = d;
		out->room = room;
	}
	d = &out->items[out->n];
	*d = *duty;
	d->plan = take(f, q, CODE);
	d->kind = take(f, q, KIND);
	d->from_kind = take(f, q, FROM_KIND);
	d->via_kind = take(f, q, VIA);
	d->to_kinds = take(f, q, TO);
	d->unit = take(f, q, UNIT);
	d->unit_name = take(f, q, UNIT_NAME);
	d->submitted = "";
	if (d->plan == NULL || d->kind == NULL || d->from_kind == NULL || d->via_kind == NULL ||
	    d->to_kinds == NULL || d->unit == NULL || d->unit_name == NULL)
		return RC_NOMEM;
	out->n++;
	return RC_OK;
}

static int
by_day(const void *a, const void *b)
{
	const struct report_duty *x = a, *y = b;
	int64_t left = x->dated ? date_to_days(&x->last) : INT64_MAX;
	int64_t right = y->dated ? date_to_days(&y->last) : INT64_MAX;
	int order = (left > right) - (left < right);

	if (order == 0)
		order = strcmp(x->plan, y->plan);
	if (order == 0)
		order = strcmp(x->kind, y->kind);
	if (order == 0)
		order = (x->state == DUTY_OUTSIDE) - (y->state == DUTY_OUTSIDE);
	if (order == 0)
		order = strcmp(x->unit, y->unit);
	/* a province has one report of a kind, whichever of its agencies is named */
	return order == 0 && x->state == DUTY_OUTSIDE ? strcmp(x->from_kind, y->from_kind) : order;
}

/* What a plan and a copy of it ask for is one duty. */
static void
join_copies(struct report_duty_list *out)
{
	size_t n = 0;

	if (out->n > 0)
		qsort(out->items, out->n, sizeof(*out->items), by_day);
	for (size_t i = 0; i < out->n; i++)
		if (n == 0 || by_day(&out->items[n - 1], &out->items[i]) != 0)
			out->items[n++] = out->items[i];
	out->n = n;
}

static enum rc
read_duties(const struct finding *f)
{
	struct sqlite3_stmt *q = NULL;
	bool row = false;
	enum rc rc = query_open(vault_db(f->ws->vault), f->err, &q, duties_sql, "t", f->plan);

	while (rc == RC_OK && (rc = query_next(q, &row, f->err)) == RC_OK && row) {
		struct report_duty d = { .dated = false };

		read_period(q, &d);
		d.dated = !query_column_is_null(q, MONTH_DAY) && plan_deadline_of(&d.from, &d.to,
		    query_column_text(q, MONTH_DAY), query_column_int(q, STRICT) != 0, &d.last) == RC_OK;
		if (is_told(f, q, &d))
			rc = add(f, q, &d);
	}
	query_close(q);
	return rc;
}

enum rc
report_duty_find(struct workspace *ws, const char *plan, const struct date *on, bool own,
    struct report_duty_list *out, struct error *err)
{
	struct finding f = { .ws = ws, .plan = plan, .on = *on, .own = own, .out = out, .err = err };
	const struct form_set *forms = replica_forms(ws->replica);
	enum rc rc;

	*out = (struct report_duty_list){ .n = 0 };
	arena_init(&out->arena, BYTES_MAX);
	if (form_set_find(forms, "plan_deadline") == NULL || form_set_find(forms, "plan") == NULL ||
	    form_set_find(forms, "report_submission") == NULL)
		return RC_OK;		/* forms that know of no plans */
	if ((rc = workspace_prepare_reports(ws, err)) != RC_OK || (rc = read_duties(&f)) != RC_OK)
		return rc;
	join_copies(out);
	for (size_t i = 0; rc == RC_OK && i < out->n; i++) {
		if (out->items[i].state == DUTY_MISSING)
			rc = look_up(&f, &out->items[i]);
	}
	return rc;
}

void
report_duty_reset(struct report_duty_list *list)
{
	free(list->items);
	arena_reset(&list->arena);
	*list = (struct report_duty_list){ .n = 0 };
}

const char *
report_duty_code(enum report_duty_state state)
{
	static const char *const codes[DUTY_STATES] = {
		[DUTY_MISSING] = "MISSING", [DUTY_OVERDUE] = "OVERDUE", [DUTY_SUBMITTED] = "SUBMITTED",
		[DUTY_RETURNED] = "RETURNED", [DUTY_ACCEPTED] = "ACCEPTED", [DUTY_UNKNOWN] = "UNKNOWN",
		[DUTY_OUTSIDE] = "OUTSIDE"
	};

	return codes[state];
}
