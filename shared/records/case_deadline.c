#include <stdlib.h>
#include <string.h>

#include "shared/records/case_parts.h"
#include "shared/vault/query.h"

struct finding {
	const struct case_desk *d;
	struct case_story *s;
	struct error *err;
};

/* What is known of a term before it is judged. */
struct term {
	const char *rule, *source;
	long month;
	int64_t record, due;
	bool is_done, is_extended, is_over;	/* over: nothing is to be done any more */
	int64_t done;				/* day, if is_done */
	bool sure;
};

static enum case_due
judge(const struct finding *f, const struct term *t)
{
	if (t->is_done && t->done <= t->due)
		return CASE_DUE_MET;
	if (t->is_extended)
		return CASE_DUE_EXTENDED;
	if (t->is_done)
		return CASE_DUE_LATE;
	if (t->is_over)
		return CASE_DUE_ENDED;
	return t->due < f->d->today ? CASE_DUE_OVERDUE : CASE_DUE_OPEN;
}

static enum rc
add(struct finding *f, const struct term *t)
{
	struct case_story *s = f->s;
	struct case_deadline *list = case_parts_more(s, s->deadlines, s->n_deadlines, sizeof(*list));

	if (list == NULL)
		return RC_NOMEM;
	s->deadlines = list;
	list += s->n_deadlines;
	*list = (struct case_deadline){ .rule = t->rule, .month = t->month, .record = t->record,
		.due = case_parts_iso(s, t->due), .done = t->is_done ? case_parts_iso(s, t->done) : "",
		.state = judge(f, t), .sure = t->sure, .source = t->source };
	if (list->due == NULL || list->done == NULL)
		return RC_NOMEM;
	s->n_deadlines++;
	return RC_OK;
}

/* Initial verification: done by its event, or when the result is there; of the first case alone. */

static enum rc
find_verification(struct finding *f)
{
	const struct case_term *rule = case_rules_term(f->d->rules, "INITVER", f->s->regime, 0);
	struct term t = { .rule = "INITVER", .record = f->s->id, .is_over = f->s->closed };
	int64_t day;

	if (rule == NULL || f->s->continues || !case_parts_day(f->s->received, &day))
		return RC_OK;
	t.source = rule->source;
	t.due = case_rules_due(f->d->rules, rule, day, &t.sure);
	if (*f->s->ident_result != '\0' && strcmp(f->s->ident_result, "PENDING") != 0)
		t.is_done = case_parts_day(f->s->ident_date, &t.done);
	for (size_t i = 0; i < f->s->n_events; i++) {
		const struct case_event *e = &f->s->events[i];

		if (e->voided || strcmp(e->code, "S04_INITVER") != 0 || !case_parts_day(e->at, &day))
			continue;
		if (!t.is_done || day < t.done)
			t.done = day;
		t.is_done = true;
	}
	return add(f, &t);
}

/* Decisions on requests --------------------------------------------------------------- */

static enum rc
take_request(struct finding *f, struct sqlite3_stmt *q)
{
	struct term t = { .rule = "DECISION", .record = query_column_int(q, 0),
		.is_over = f->s->closed || query_column_int(q, 4) != 0 };
	const char *regime = query_column_text(q, 3);
	const struct case_term *rule;
	int64_t day;

	if (!case_parts_day(query_column_text(q, 1), &day))
		return RC_OK;
	if (*regime == '\0')
		regime = case_rules_regime(f->d->rules, day);
	if ((rule = case_rules_term(f->d->rules, "DECISION", regime, 0)) == NULL)
		return RC_OK;
	t.source = rule->source;
	t.due = case_rules_due(f->d->rules, rule, day, &t.sure);
	t.is_done = case_parts_day(query_column_text(q, 2), &t.done);
	return add(f, &t);
}

/* A request and the rows that continue it are one. */
static enum rc
find_decisions(struct finding *f)
{
	struct sqlite3_stmt *q = NULL;
	bool row;
	enum rc rc = query_open(f->d->db, f->err, &q, "SELECT COALESCE(of_delivery, s.id) AS first,"
	    " min(requested_at), min(decided_at), max(legal_regime), max(status IN ('DECLINED',"
	    " 'CANCELLED', 'APPROVED', 'DELIVERED', 'REFUSED_BY_AGENCY')) FROM case_child k"
	    " JOIN form_service_delivery s ON s.id = k.id WHERE k.kind = 'S' AND k.parent = ?1 GROUP BY first ORDER BY first", "i", f->s->id);

	while (rc == RC_OK && (rc = query_next(q, &row, f->err)) == RC_OK && row)
		rc = take_request(f, q);
	query_close(q);
	return rc;
}

/* Lodging ------------------------------------------------------------------------------ */

bool
case_deadline_stay(const struct case_desk *d, const char *regime, int64_t from, int64_t *last,
    const char **source)
{
	const struct case_term *rule;
	bool sure;

	*last = 0;
	*source = "";
	if (*regime == '\0')
		regime = case_rules_regime(d->rules, from);
	if ((rule = case_rules_term(d->rules, "LODGING", regime, 0)) == NULL)
		return false;
	*last = case_rules_due(d->rules, rule, from, &sure);
	*source = rule->source;
	return true;
}

static enum rc
find_stays(struct finding *f)
{
	struct sqlite3_stmt *q = NULL;
	bool row;
	enum rc rc = query_open(f->d->db, f->err, &q, "SELECT s.id, date_from, date_to, legal_regime,"
	    " COALESCE(extension_decision, '') <> '' FROM case_child k JOIN form_lodging_stay s"
	    " ON s.id = k.id WHERE k.kind = 'L' AND k.parent = ?1 ORDER BY date_from, s.id", "i", f->s->id);

	while (rc == RC_OK && (rc = query_next(q, &row, f->err)) == RC_OK && row) {
		struct term t = { .rule = "LODGING", .record = query_column_int(q, 0), .sure = true,
			.is_extended = query_column_int(q, 4) != 0, .is_over = f->s->closed };
		int64_t from, to;

		if (!case_parts_day(query_column_text(q, 1), &from) ||
		    !case_deadline_stay(f->d, query_column_text(q, 3), from, &t.due, &t.source))
			continue;
		/* A last day that is still to come is a plan: the limit stands until then. */
		if (case_parts_day(query_column_text(q, 2), &to) && to <= f->d->today) {
			t.is_done = true;
			t.done = to;
		}
		rc = add(f, &t);
	}
	query_close(q);
	return rc;
}

/* Follow-ups ---------------------------------------------------------------------------- */

enum { SERIES_MAX = 64 };

/* One follow-up of a series: when it is due, and the visit that counts for it. */
struct step {
	long month;
	int64_t due;
	const char *source;
	bool has, is_done;			/* a record is there; it was done */
	int64_t done, record;
};

struct series {
	struct step steps[SERIES_MAX];
	size_t n;
	int64_t begins;
	bool from_closing;			/* else from the day support began */
};

static void
add_step(struct series *r, long month, const char *source)
{
	if (r->n < SERIES_MAX)
		r->steps[r->n++] = (struct step){ .month = month, .source = source,
			.due = case_rules_months_on(r->begins, month) };
}

/* Forms of an older set do not ask from when the months count. */
static const char plan_sql[] = "SELECT follow_up_months, follow_up_from FROM form_plan"
    " WHERE alive = 1 AND follow_up_months IS NOT NULL AND ?1 BETWEEN period_year_start AND"
    " period_year_end ORDER BY unit = ?2 DESC, follow_up_months DESC, id LIMIT 1";
static const char plan_sql_before[] = "SELECT follow_up_months, NULL FROM form_plan"
    " WHERE alive = 1 AND follow_up_months IS NOT NULL AND ?1 BETWEEN period_year_start AND"
    " period_year_end ORDER BY unit = ?2 DESC, follow_up_months DESC, id LIMIT 1";

/* The plan that covers the day: the unit's own, else the one that goes furthest. */
static enum rc
ask_plan(struct finding *f, int64_t day, int64_t *months, bool *from_closing)
{
	const struct form *plan = form_set_find(f->d->forms, "plan");
	struct sqlite3_stmt *q = NULL;
	const char *iso = case_parts_iso(f->s, day);
	bool row = false;
	enum rc rc;

	*months = -1;
	*from_closing = false;
	if (iso == NULL)
		return RC_NOMEM;
	if (plan == NULL || form_field_named(plan, "follow_up_months") == NULL)
		return RC_OK;
	rc = query_open(f->d->db, f->err, &q, form_field_named(plan, "follow_up_from") != NULL ?
	    plan_sql : plan_sql_before, "tt", iso, f->s->unit);
	if (rc == RC_OK && (rc = query_next(q, &row, f->err)) == RC_OK && row) {
		*months = query_column_int(q, 0);
		*from_closing = strcmp(query_column_text(q, 1), "CLOSE") == 0;
	}
	query_close(q);
	return rc;
}

/* When the series begins, and its months: the default ones as far as the plan goes, and its last. */
static enum rc
make_series(struct finding *f, struct series *r)
{
	const struct case_term *rule;
	int64_t months, support, close;
	bool has_support = case_parts_day(f->s->support_began, &support);
	bool has_close = f->s->closed && case_parts_day(f->s->closed_on, &close);
	enum rc rc;

	memset(r, 0, sizeof(*r));
	if (!has_support && !has_close)
		return RC_OK;
	rc = ask_plan(f, has_support ? support : close, &months, &r->from_closing);
	if (rc != RC_OK || (r->from_closing ? !has_close : !has_support))
		return rc;
	r->begins = r->from_closing ? close : support;
	for (size_t i = 0; (rule = case_rules_term(f->d->rules, "FOLLOW_UP", f->s->regime, i)) != NULL; i++)
		if (months < 0 || rule->n <= months)
			add_step(r, rule->n, rule->source);
	if (months > 0 && (r->n == 0 || r->steps[r->n - 1].month < months))
		add_step(r, (long)months, "");
	return RC_OK;
}

/* The step that is nearest to a visit; of two equally near the earlier, unless it has its visit. */
static struct step *
nearest(struct series *r, int64_t day)
{
	struct step *best = NULL;
	int64_t least = INT64_MAX;

	for (size_t i = 0; day > r->begins && i < r->n; i++) {
		int64_t away = llabs(r->steps[i].due - day);

		if (away < least || (away == least && best != NULL && best->has)) {
			best = &r->steps[i];
			least = away;
		}
	}
	return best;
}

static enum rc
take_visit(struct finding *f, struct series *r, struct sqlite3_stmt *q, bool over)
{
	struct term t = { .rule = "FOLLOW_UP", .record = query_column_int(q, 0), .sure = true,
		.source = "", .is_over = over };
	bool has_due = case_parts_day(query_column_text(q, 1), &t.due), is_done;
	struct step *step;
	enum rc rc = RC_OK;

	is_done = case_parts_day(query_column_text(q, 2), &t.done);
	if (!has_due && !is_done)
		return RC_OK;
	if ((step = nearest(r, is_done ? t.done : t.due)) != NULL) {
		if (is_done && !step->is_done) {
			step->is_done = true;
			step->done = t.done;
			step->record = t.record;
		}
		step->has = true;
	}
	if (has_due && !is_done)
		rc = add(f, &t);
	/* What the visit says of the next one holds as long as no later one is recorded. */
	if (rc == RC_OK && is_done && query_column_int(q, 4) == 0 &&
	    case_parts_day(query_column_text(q, 3), &t.due)) {
		if ((step = nearest(r, t.due)) != NULL)
			step->has = true;
		rc = add(f, &t);
	}
	return rc;
}

/* Nobody is to be visited any more: no victim, or closed, unless the series is for closed cases. */
static bool
is_over(const struct finding *f, const struct series *r)
{
	if (strcmp(f->s->state, "NOT_VICTIM") == 0 || strcmp(f->s->class, "NONE") == 0)
		return true;
	return f->s->closed &&
	    (!r->from_closing || !case_rules_follows(f->d->rules, f->s->close_reason));
}

static enum rc
add_series(struct finding *f, const struct series *r, bool over)
{
	enum rc rc = RC_OK;

	for (size_t i = 0; rc == RC_OK && i < r->n; i++) {
		const struct step *p = &r->steps[i];
		struct term t = { .rule = "FOLLOW_UP", .source = p->source, .month = p->month,
			.record = p->is_done ? p->record : f->s->id, .due = p->due, .is_done = p->is_done,
			.done = p->done, .is_over = over, .sure = true };

		if (p->is_done || !p->has)
			rc = add(f, &t);
	}
	return rc;
}

static enum rc
find_follow_ups(struct finding *f)
{
	struct sqlite3_stmt *q = NULL;
	struct series r;
	bool row, over;
	enum rc rc = make_series(f, &r);

	over = is_over(f, &r);
	if (rc == RC_OK)
		rc = query_open(f->d->db, f->err, &q, "SELECT v.id, v.due, v.done_at, v.next_due,"
		    " EXISTS (SELECT 1 FROM case_child j JOIN form_follow_up o ON o.id = j.id"
		    " WHERE j.kind = 'F' AND j.parent = ?1 AND o.id <> v.id"
		    " AND COALESCE(o.done_at, o.due) > v.done_at) FROM case_child k"
		    " JOIN form_follow_up v ON v.id = k.id WHERE k.kind = 'F' AND k.parent = ?1 ORDER BY COALESCE(v.done_at, v.due), v.id", "i",
		    f->s->id);
	while (rc == RC_OK && (rc = query_next(q, &row, f->err)) == RC_OK && row)
		rc = take_visit(f, &r, q, over);
	query_close(q);
	return rc == RC_OK ? add_series(f, &r, over) : rc;
}

/* The whole ------------------------------------------------------------------------------- */

static int
by_due(const void *a, const void *b)
{
	const struct case_deadline *x = a, *y = b;
	int order = strcmp(x->due, y->due);

	return order != 0 ? order : (x->record > y->record) - (x->record < y->record);
}

enum rc
case_deadline_find(const struct case_desk *d, struct case_story *s, struct error *err)
{
	struct finding f = { d, s, err };
	enum rc rc;

	if ((rc = find_verification(&f)) != RC_OK || (rc = find_decisions(&f)) != RC_OK ||
	    (rc = find_stays(&f)) != RC_OK || (rc = find_follow_ups(&f)) != RC_OK)
		return rc;
	if (s->n_deadlines > 1)
		qsort(s->deadlines, s->n_deadlines, sizeof(*s->deadlines), by_due);
	return RC_OK;
}
