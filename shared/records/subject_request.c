#include "shared/records/subject_request.h"

#include <stdlib.h>
#include <string.h>

#include "shared/base/clock.h"
#include "shared/vault/query.h"

static const char request_sql[] =
    "SELECT q.id, COALESCE(q.person_id, c.person_id), q.case_id, q.unit, p.pseudonym_code, q.kind,"
    " q.received_at, q.answered_at, q.outcome, q.do_by, q.done_at"
    " FROM form_subject_request q LEFT JOIN form_case c ON c.id = q.case_id AND c.alive = 1"
    " LEFT JOIN form_person p ON p.id = COALESCE(q.person_id, c.person_id) AND p.alive = 1"
    " WHERE q.alive = 1 AND (?1 = 0 OR q.answered_at IS NULL OR"
    "  (q.do_by IS NOT NULL AND q.done_at IS NULL)) ORDER BY q.received_at, q.id";

static bool
day_of(const char *text, int64_t *out)
{
	struct date d;

	*out = 0;
	if (*text == '\0' || date_parse(text, &d) != RC_OK || d.day == 0)
		return false;
	*out = date_to_days(&d);
	return true;
}

static enum case_due
judge(const struct case_desk *d, int64_t due, const char *done)
{
	int64_t day;

	if (day_of(done, &day))
		return day <= due ? CASE_DUE_MET : CASE_DUE_LATE;
	return due < d->today ? CASE_DUE_OVERDUE : CASE_DUE_OPEN;
}

/* When the answer is due, as the sheets say; a request whose day is not known stays open. */
static enum rc
find_due(const struct case_desk *d, struct subject_request_list *l, struct subject_request *r)
{
	const struct case_term *term;
	struct date last;
	int64_t received, due;
	char iso[11];

	r->due = r->source = "";
	r->sure = true;
	r->state = *r->answered != '\0' ? CASE_DUE_MET : CASE_DUE_OPEN;
	if (day_of(r->do_by, &due))
		r->doing = judge(d, due, r->done);
	if (!day_of(r->received, &received))
		return RC_OK;
	if ((term = case_rules_term(d->rules, "REQUEST", "", 0)) == NULL)
		return RC_OK;
	due = case_rules_due(d->rules, term, received, &r->sure);
	date_from_days(due, &last);
	date_iso(&last, iso);
	r->source = term->source;
	r->state = judge(d, due, r->answered);
	r->due = arena_copy(&l->arena, iso, strlen(iso));
	return r->due == NULL ? RC_NOMEM : RC_OK;
}

static enum rc
take(const struct case_desk *d, struct subject_request_list *l, struct sqlite3_stmt *q)
{
	struct subject_request *r = &l->items[l->n];
	const char **texts[] = { &r->unit, &r->code, &r->kind, &r->received, &r->answered, &r->outcome,
		&r->do_by, &r->done };

	memset(r, 0, sizeof(*r));
	r->id = query_column_int(q, 0);
	r->person = query_column_int(q, 1);
	r->case_id = query_column_int(q, 2);
	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
		const char *text = query_column_text(q, 3 + (int)i);

		if ((*texts[i] = arena_copy(&l->arena, text, strlen(text))) == NULL)
			return RC_NOMEM;
	}
	l->n++;
	return find_due(d, l, r);
}

enum rc
subject_request_find(const struct case_desk *d, bool open_only, struct subject_request_list *out,
    struct error *err)
{
	struct subject_request *grown;
	struct sqlite3_stmt *q = NULL;
	size_t cap = 0;
	bool row;
	enum rc rc;

	memset(out, 0, sizeof(*out));
	arena_init(&out->arena, 0);
	if (form_set_find(d->forms, "subject_request") == NULL ||
	    form_set_find(d->forms, "case") == NULL || form_set_find(d->forms, "person") == NULL)
		return RC_OK;
	rc = query_open(d->db, err, &q, request_sql, "i", (int64_t)open_only);
	while (rc == RC_OK && (rc = query_next(q, &row, err)) == RC_OK && row) {
		if (out->n == SUBJECT_REQUEST_MAX) {
			rc = error_set(err, RC_LIMIT, NULL, "look at them with field list",
			    "there are more requests than can be listed");
			break;
		}
		if (out->n == cap) {
			cap = cap == 0 ? 16 : 2 * cap;
			if ((grown = realloc(out->items, cap * sizeof(*grown))) == NULL) {
				rc = RC_NOMEM;
				break;
			}
			out->items = grown;
		}
		rc = take(d, out, q);
	}
	query_close(q);
	return rc;
}

void
subject_request_reset(struct subject_request_list *l)
{
	free(l->items);
	arena_reset(&l->arena);
	memset(l, 0, sizeof(*l));
}

enum rc
subject_request_count(const struct case_desk *d, uint64_t *open, uint64_t *overdue,
    struct error *err)
{
	struct subject_request_list l;
	enum rc rc = subject_request_find(d, true, &l, err);

	*open = *overdue = 0;
	for (size_t i = 0; rc == RC_OK && i < l.n; i++) {
		const struct subject_request *r = &l.items[i];

		++*open;
		*overdue += r->state == CASE_DUE_OVERDUE ||
		    (*r->do_by != '\0' && r->doing == CASE_DUE_OVERDUE);
	}
	subject_request_reset(&l);
	return rc;
}
