#include "shared/records/retention.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "shared/base/clock.h"
#include "shared/forms/form_list.h"
#include "shared/vault/query.h"

static const char class_list[] = "retention_class";
static const char review_form[] = "retention_review";

/* The last review of each; of two on one day the one that keeps longest. */
#define REVIEWS(field) "LEFT JOIN (SELECT " field " AS target, max(reviewed_at || outcome ||" \
	" COALESCE(keep_until, '')), reviewed_at, outcome, keep_until FROM form_retention_review" \
	" WHERE alive = 1 AND " field " IS NOT NULL GROUP BY " field ") v ON v.target = r.id "

#define CODE "(SELECT pseudonym_code FROM form_person WHERE id = r.person_id AND alive = 1)"

/*
 * Columns: id, unit, code, class, day it ended, and of the review: outcome, its day, keep_until.
 * ?1: no term that begins later is over.  Partial dates stand before the days they may mean.
 */
static const struct { const char *form, *sql; } kinds[] = {
	{ "case", "SELECT r.id, r.unit, " CODE ", CASE WHEN r.close_reason = 'DUPLICATE' THEN"
	    " 'CASE_DUPLICATE' WHEN r.close_reason = 'NOT_VICTIM' OR r.ident_result = 'NOT_VICTIM' THEN"
	    " 'CASE_NOT_VICTIM' ELSE 'CASE_VICTIM' END, r.closed_on, v.outcome, v.reviewed_at, v.keep_until"
	    " FROM form_case r " REVIEWS("case_id")
	    "WHERE r.alive = 1 AND r.close_reason IS NOT NULL AND (r.closed_on <= ?1 OR"
	    " (r.closed_on IS NOT NULL AND v.target IS NOT NULL))" },
	{ "tip", "SELECT r.id, r.unit, '', 'TIP', r.received_on, v.outcome, v.reviewed_at, v.keep_until"
	    " FROM form_tip r " REVIEWS("tip_id")
	    "WHERE r.alive = 1 AND r.case_id IS NULL AND COALESCE(r.outcome, 'PENDING') <> 'PENDING'"
	    " AND (r.received_on <= ?1 OR v.target IS NOT NULL)" },
	{ "subject_request", "SELECT r.id, r.unit, " CODE ", 'REQUEST',"
	    " max(r.answered_at, COALESCE(r.done_at, r.answered_at)), v.outcome, v.reviewed_at, v.keep_until"
	    " FROM form_subject_request r " REVIEWS("request_id")
	    "WHERE r.alive = 1 AND r.answered_at IS NOT NULL AND (r.do_by IS NULL OR r.done_at IS NOT NULL)"
	    " AND (r.answered_at <= ?1 OR v.target IS NOT NULL)" },
};

/* Terms ------------------------------------------------------------------------------- */

static const char *
cell(const struct form_list *l, const struct form_choice *choice, const char *column)
{
	for (size_t i = 0; i < l->n_columns; i++)
		if (strcmp(l->columns[i], column) == 0)
			return choice->extra[i] != NULL ? choice->extra[i] : "";
	return "";
}

/* *years 0: the province set no term for the class. */
static enum rc
find_term(const struct form_list *l, const char *class, long *years, const char **source,
    struct error *err)
{
	const struct form_choice *choice = form_choice_find(l, class);
	const char *text;
	char *end;

	*years = 0;
	*source = "";
	if (choice == NULL)
		return RC_OK;
	text = cell(l, choice, "years");
	*source = cell(l, choice, "basis");
	errno = 0;
	*years = strtol(text, &end, 10);
	if (errno != 0 || *text == '\0' || *end != '\0' || *years < 0 || *years > RETENTION_YEARS_MAX)
		return error_set(err, RC_CONFIG, class, "ask the province to publish the list with a whole number"
		    " in the column years", "the term of this class of records is no number of years");
	return RC_OK;
}

/* The last day that a date may mean. */
static bool
last_day(const char *text, int64_t *out)
{
	struct date day;
	long months;

	*out = 0;
	if (*text == '\0' || date_parse(text, &day) != RC_OK)
		return false;
	months = day.month == 0 ? 12 : day.day == 0 ? 1 : 0;
	day.month = day.month == 0 ? 1 : day.month;
	day.day = day.day == 0 ? 1 : day.day;
	*out = date_to_days(&day);
	if (months > 0)
		*out = case_rules_months_on(*out, months) - 1;
	return true;
}

/* What is due --------------------------------------------------------------------------- */

struct finding {
	const struct case_desk *d;
	const struct form_list *classes;
	struct retention_list *l;
	size_t cap;
	int64_t last;
	struct error *err;
};

/* When it is due; false: never, or not yet known. */
static enum rc
judge(const struct finding *f, struct sqlite3_stmt *q, struct retention_item *item, int64_t *due,
    bool *has)
{
	const char *outcome = query_column_text(q, 5);
	int64_t ended;
	long years;
	enum rc rc = find_term(f->classes, query_column_text(q, 3), &years, &item->source, f->err);

	*has = false;
	if (rc != RC_OK || !last_day(query_column_text(q, 4), &ended))
		return rc;
	item->to_erase = strcmp(outcome, "ERASE") == 0;
	if (item->to_erase || strcmp(outcome, "KEEP") == 0) {
		item->source = "";
		*has = last_day(query_column_text(q, item->to_erase ? 6 : 7), due);
	} else if (years > 0) {
		*due = case_rules_months_on(ended, 12 * years);
		*has = true;
	}
	return RC_OK;
}

static enum rc
grow(struct finding *f)
{
	struct retention_item *grown;
	size_t cap = f->cap == 0 ? 64 : 2 * f->cap;

	if (f->l->n < f->cap)
		return RC_OK;
	if (f->cap >= RETENTION_MAX)
		return error_set(f->err, RC_LIMIT, NULL, "ask for fewer days with --days N",
		    "more is to be reviewed than can be listed");
	if ((grown = realloc(f->l->items, cap * sizeof(*grown))) == NULL)
		return RC_NOMEM;
	f->l->items = grown;
	f->cap = cap;
	return RC_OK;
}

static enum rc
take(struct finding *f, const char *form, struct sqlite3_stmt *q)
{
	struct retention_item item = { .id = query_column_int(q, 0), .form = form };
	const char **texts[] = { &item.unit, &item.code, &item.class, &item.ended };
	struct date day;
	char iso[11];
	int64_t due = 0;
	bool has;
	enum rc rc;

	if ((rc = judge(f, q, &item, &due, &has)) != RC_OK || !has || due > f->last ||
	    (rc = grow(f)) != RC_OK)
		return rc;
	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
		const char *text = query_column_text(q, 1 + (int)i);

		if ((*texts[i] = arena_copy(&f->l->arena, text, strlen(text))) == NULL)
			return RC_NOMEM;
	}
	date_from_days(due, &day);
	date_iso(&day, iso);
	item.state = due < f->d->today ? CASE_DUE_OVERDUE : CASE_DUE_OPEN;
	if ((item.due = arena_copy(&f->l->arena, iso, strlen(iso))) == NULL)
		return RC_NOMEM;
	f->l->items[f->l->n++] = item;
	return RC_OK;
}

static int
by_due(const void *a, const void *b)
{
	const struct retention_item *x = a, *y = b;
	int order = strcmp(x->due, y->due);

	return order != 0 ? order : (x->id > y->id) - (x->id < y->id);
}

/* The day before which something must have ended for the shortest of the terms to be over by `last`. */
static enum rc
find_latest(const struct finding *f, char iso[11])
{
	long shortest = RETENTION_YEARS_MAX, years;
	const char *source;
	struct date day;
	enum rc rc = RC_OK;

	for (size_t i = 0; rc == RC_OK && i < f->classes->n_choices; i++) {
		rc = find_term(f->classes, f->classes->choices[i].code, &years, &source, f->err);
		if (years > 0 && years < shortest)
			shortest = years;
	}
	/* one day more: the 28th of February ends what began on the 29th */
	date_from_days(case_rules_months_on(f->last, -12 * shortest) + 1, &day);
	date_iso(&day, iso);
	return rc;
}

enum rc
retention_find(const struct case_desk *d, long days, struct retention_list *out, struct error *err)
{
	struct finding f = { d, form_set_list(d->forms, class_list), out, 0, d->today + days, err };
	char latest[11];
	bool row;
	enum rc rc;

	memset(out, 0, sizeof(*out));
	arena_init(&out->arena, 0);
	if (f.classes == NULL || form_set_find(d->forms, review_form) == NULL ||
	    form_set_find(d->forms, "person") == NULL)
		return RC_OK;
	rc = find_latest(&f, latest);
	for (size_t i = 0; rc == RC_OK && i < sizeof(kinds) / sizeof(*kinds); i++) {
		struct sqlite3_stmt *q = NULL;

		if (form_set_find(d->forms, kinds[i].form) == NULL)
			continue;
		rc = query_open(d->db, err, &q, kinds[i].sql, "t", latest);
		while (rc == RC_OK && (rc = query_next(q, &row, err)) == RC_OK && row)
			rc = take(&f, kinds[i].form, q);
		query_close(q);
	}
	if (rc == RC_OK && out->n > 1)
		qsort(out->items, out->n, sizeof(*out->items), by_due);
	return rc;
}

void
retention_reset(struct retention_list *l)
{
	free(l->items);
	arena_reset(&l->arena);
	memset(l, 0, sizeof(*l));
}
