#include "shared/records/case_story.h"

#include <stdlib.h>
#include <string.h>

#include "shared/base/clock.h"
#include "shared/records/case_parts.h"
#include "shared/records/subject_request.h"
#include "shared/vault/query.h"

/* The case and its person ----------------------------------------------------- */

static const char case_sql[] =
    "SELECT c.unit, c.case_no, c.class, c.risk_level, c.recv_date, c.ident_result, c.ident_org,"
    " c.ident_doc_no, c.ident_date, c.close_reason, c.closed_on, c.legal_regime,"
    " p.pseudonym_code, p.do_not_contact, p.safe_contact_note, p.safe_contact_time, p.full_name,"
    " p.phone, p.address_text, p.current_commune, p.birth_date, p.est_age, p.est_age_asof, p.id,"
    " c.conflicts + COALESCE(p.conflicts, 0),"
    " EXISTS (SELECT 1 FROM case_child k JOIN form_referral r ON r.id = k.id"
    "  WHERE k.kind = 'R' AND k.parent = c.id AND ((r.direction = 'IN' AND COALESCE(r.outcome, '') NOT IN ('ACCEPTED', 'COMPLETED')) OR"
    "  (r.direction = 'OUT' AND r.kind = 'TRANSFER' AND EXISTS (SELECT 1 FROM form_referral__answers a"
    "   WHERE a.id = r.id AND a.voided = 0 AND a.value IN ('ACCEPTED', 'COMPLETED'))))), c.continues IS NOT NULL"
    " FROM form_case c LEFT JOIN form_person p ON p.id = c.person_id AND p.alive = 1"
    " WHERE c.id = ?1 AND c.alive = 1";

/*
 * Years as the form of persons counts them; of what is not known the latest day is taken: whoever may be
 * under 18 is treated so.
 */
static bool
is_minor(const char *birth, struct sqlite3_stmt *q, int64_t today)
{
	struct date b, t, asof;

	date_from_days(today, &t);
	if (*birth != '\0' && date_parse(birth, &b) == RC_OK) {
		int month = b.month == 0 ? 12 : b.month, day = b.day == 0 ? 31 : b.day;

		return t.year - b.year - (t.month < month || (t.month == month && t.day < day)) < 18;
	}
	if (query_column_is_null(q, 21))
		return false;
	if (date_parse(query_column_text(q, 22), &asof) != RC_OK)
		asof = t;
	return query_column_int(q, 21) + t.year - asof.year -
	    (t.month < asof.month || (t.month == asof.month && t.day < asof.day)) < 18;
}

static enum rc
take_case(const struct case_desk *d, struct sqlite3_stmt *q, struct case_story *s)
{
	const char **texts[] = { &s->unit, &s->case_no, &s->class, &s->risk, &s->received,
		&s->ident_result, &s->ident_org, &s->ident_doc_no, &s->ident_date, &s->close_reason,
		&s->closed_on, &s->regime, &s->code, &s->do_not_contact, &s->contact_note,
		&s->contact_time, &s->name, &s->phone, &s->address, &s->current_commune };
	int64_t day;

	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++)
		if ((*texts[i] = case_parts_text(s, q, (int)i)) == NULL)
			return RC_NOMEM;
	s->person = query_column_int(q, 23);
	s->unsettled = query_column_int(q, 24) > 0;
	s->handed_over = query_column_int(q, 25) != 0;
	s->continues = query_column_int(q, 26) != 0;
	s->minor = is_minor(query_column_text(q, 20), q, d->today);
	s->regime_chosen = *s->regime != '\0';
	if (!s->regime_chosen && case_parts_day(s->received, &day))
		s->regime = case_rules_regime(d->rules, day);
	s->entitlement_known = case_rules_entitled(d->rules, s->regime, s->class, &s->entitlement);
	return RC_OK;
}

static enum rc
read_case(const struct case_desk *d, struct case_story *s, struct error *err)
{
	struct sqlite3_stmt *q = NULL;
	bool row = false;
	enum rc rc = query_open(d->db, err, &q, case_sql, "i", s->id);

	if (rc == RC_OK)
		rc = query_next(q, &row, err);
	if (rc == RC_OK && !row)
		rc = error_set(err, RC_NOTFOUND, NULL, "give the id of a case", "no such case here");
	if (rc == RC_OK)
		rc = take_case(d, q, s);
	query_close(q);
	return rc;
}

/* Events: the stage ------------------------------------------------------------ */

/* Codes of stages are S01_… to S15_…, in their order; all other events stand beside them. */
static bool
is_stage(const char *code)
{
	return code[0] == 'S' && code[1] >= '0' && code[1] <= '9';
}

static bool
is_before(const char *a, const char *b)
{
	return strncmp(a, b, 3) < 0;
}

/* The earliest of days that may be "". */
static void
take_earlier(const char **day, const char *other)
{
	if (*other != '\0' && (**day == '\0' || strcmp(other, *day) < 0))
		*day = other;
}

static void
take_event(struct case_story *s, const struct case_event *e, const char *reason)
{
	if (e->voided || !is_stage(e->code))
		return;
	if (is_before(s->stage, e->code)) {
		s->stage = e->code;
		s->stage_at = e->at;
	}
	if (!is_before(e->code, "S10") && is_before(e->code, "S15"))
		take_earlier(&s->support_began, e->at);
	if (strcmp(e->code, "S15_CLOSE") == 0 && *s->close_reason == '\0') {
		s->closed_by_event = true;
		s->close_reason = *reason != '\0' ? reason : "OTHER";
		s->closed_on = e->at;
	}
}

static enum rc
read_events(const struct case_desk *d, struct case_story *s, struct error *err)
{
	struct sqlite3_stmt *q = NULL;
	struct case_event *e;
	const char *reason;
	bool row;
	enum rc rc = query_open(d->db, err, &q, "SELECT e.id, e.event, e.at, e.org, e.close_reason,"
	    " EXISTS (SELECT 1 FROM case_child v WHERE v.kind = 'V' AND v.parent = e.id)"
	    " FROM case_child k JOIN form_case_event e ON e.id = k.id"
	    " WHERE k.kind = 'E' AND k.parent = ?1 ORDER BY e.at, e.id", "i",
	    s->id);

	while (rc == RC_OK && (rc = query_next(q, &row, err)) == RC_OK && row) {
		if ((e = case_parts_more(s, s->events, s->n_events, sizeof(*e))) == NULL) {
			rc = RC_NOMEM;
			break;
		}
		s->events = e;
		e += s->n_events++;
		e->id = query_column_int(q, 0);
		e->code = case_parts_text(s, q, 1);
		e->at = case_parts_text(s, q, 2);
		e->org = case_parts_text(s, q, 3);
		e->voided = query_column_int(q, 5) != 0;
		if (e->code == NULL || e->at == NULL || e->org == NULL ||
		    (reason = case_parts_text(s, q, 4)) == NULL)
			rc = RC_NOMEM;
		else
			take_event(s, e, reason);
	}
	query_close(q);
	return rc;
}

/* Services: entitlement --------------------------------------------------------- */

/* The letter of the law that a service stands under. */
static const char *
letter_of(const struct case_desk *d, const char *service)
{
	const struct form_list *l = form_set_list(d->forms, "service");
	const struct form_choice *choice = l == NULL ? NULL : form_choice_find(l, service);

	for (size_t i = 0; choice != NULL && i < l->n_columns; i++)
		if (strcmp(l->columns[i], "law_letter") == 0 && choice->extra[i] != NULL)
			return choice->extra[i];
	return "";
}

static bool
is_outside(const struct case_story *s, const struct case_service *v)
{
	if (strcmp(v->status, "DELIVERED") != 0 && strcmp(v->status, "APPROVED") != 0)
		return false;
	return s->entitlement_known && *v->letter != '\0' &&
	    !case_rules_has_letter(s->entitlement.letters, v->letter);
}

static enum rc
read_services(const struct case_desk *d, struct case_story *s, struct error *err)
{
	struct sqlite3_stmt *q = NULL;
	struct case_service *v;
	bool row;
	enum rc rc = query_open(d->db, err, &q, "SELECT s.id, service, status, date_from, date_to"
	    " FROM case_child k JOIN form_service_delivery s ON s.id = k.id"
	    " WHERE k.kind = 'S' AND k.parent = ?1 ORDER BY date_from, s.id", "i",
	    s->id);

	while (rc == RC_OK && (rc = query_next(q, &row, err)) == RC_OK && row) {
		if ((v = case_parts_more(s, s->services, s->n_services, sizeof(*v))) == NULL) {
			rc = RC_NOMEM;
			break;
		}
		s->services = v;
		v += s->n_services++;
		v->id = query_column_int(q, 0);
		v->service = case_parts_text(s, q, 1);
		v->status = case_parts_text(s, q, 2);
		v->from = case_parts_text(s, q, 3);
		v->to = case_parts_text(s, q, 4);
		if (v->service == NULL || v->status == NULL || v->from == NULL || v->to == NULL) {
			rc = RC_NOMEM;
			break;
		}
		v->letter = letter_of(d, v->service);
		v->outside = is_outside(s, v);
		if (strcmp(v->status, "DELIVERED") == 0)
			take_earlier(&s->support_began, v->from);
	}
	query_close(q);
	return rc;
}

/* The state ----------------------------------------------------------------------- */

static enum rc
was_followed(const struct case_desk *d, const struct case_story *s, bool *out, struct error *err)
{
	int64_t n;
	enum rc rc = query_int(d->db, err, &n, "SELECT count(*) FROM case_child k JOIN"
	    " form_follow_up v ON v.id = k.id WHERE k.kind = 'F' AND k.parent = ?1 AND done_at IS NOT NULL", "i", s->id);

	*out = n > 0;
	return rc;
}

/*
 * What the form of cases calculates (case_state there), drawn finer by what else was recorded: a
 * closed case is closed for both, who is no victim is none for both.  Support and follow-up show
 * once the person is identified; a minor who came along never is.
 */
static enum rc
find_state(const struct case_desk *d, struct case_story *s, struct error *err)
{
	bool supported = *s->support_began != '\0' ||
	    (is_before("S07", s->stage) && is_before(s->stage, "S14"));
	bool identified = strcmp(s->ident_result, "VICTIM") == 0;
	bool followed;
	enum rc rc = was_followed(d, s, &followed, err);

	s->closed = *s->close_reason != '\0';
	followed = followed || strncmp(s->stage, "S14", 3) == 0;
	if (s->closed)
		s->state = strcmp(s->close_reason, "MOVED") == 0 ? "CLOSED_REFERRED" : "CLOSED";
	else if (strcmp(s->ident_result, "NOT_VICTIM") == 0)
		s->state = "NOT_VICTIM";
	else if (identified || strcmp(s->class, "U18_VN") == 0)
		s->state = followed ? "FOLLOW_UP" : supported ? "IN_SUPPORT" :
		    identified ? "IDENTIFIED" : "OPEN_INFO";
	else
		s->state = *s->ident_result != '\0' || is_before("S03", s->stage) ? "IN_VERIFICATION" :
		    "OPEN_INFO";
	return rc;
}

/* The whole --------------------------------------------------------------------- */

static enum rc
check_forms(const struct case_desk *d, struct error *err)
{
	static const char *const needed[] = { "case", "person", "case_event", "service_delivery",
		"lodging_stay", "follow_up", "consent", "relation", "referral" };

	for (size_t i = 0; i < sizeof(needed) / sizeof(*needed); i++)
		if (form_set_find(d->forms, needed[i]) == NULL)
			return error_set(err, RC_CONFIG, needed[i], "sync; if that does not help, ask the province",
			    "the forms in use know no such record");
	return RC_OK;
}

static void
story_init(struct case_story *s, int64_t id)
{
	memset(s, 0, sizeof(*s));
	arena_init(&s->arena, CASE_STORY_BYTES_MAX);
	s->id = id;
	s->stage = s->stage_at = s->support_began = s->state = "";
}

static enum rc
read_story(const struct case_desk *d, struct case_story *s, struct error *err)
{
	enum rc rc;

	if ((rc = read_case(d, s, err)) != RC_OK || (rc = read_events(d, s, err)) != RC_OK ||
	    (rc = read_services(d, s, err)) != RC_OK || (rc = find_state(d, s, err)) != RC_OK)
		return rc;
	return case_deadline_find(d, s, err);
}

/* Memory is short, or the case is larger than a story may be? */
static enum rc
explain(const struct case_story *s, enum rc rc, struct error *err)
{
	if (rc == RC_NOMEM && (s->n_events >= CASE_STORY_ROWS_MAX ||
	    s->n_services >= CASE_STORY_ROWS_MAX || s->n_deadlines >= CASE_STORY_ROWS_MAX ||
	    s->n_warnings >= CASE_STORY_ROWS_MAX || s->arena.total > CASE_STORY_BYTES_MAX / 2))
		return error_set(err, RC_LIMIT, NULL, "look at its records one by one: field list",
		    "the case has more records than can be told together");
	return rc;
}

enum rc
case_story_tell(const struct case_desk *d, int64_t id, struct case_story *out, struct error *err)
{
	enum rc rc;

	story_init(out, id);
	if ((rc = check_forms(d, err)) != RC_OK)
		return rc;
	if ((rc = case_parts_gather(d, id, err)) == RC_OK && (rc = read_story(d, out, err)) == RC_OK)
		rc = case_warning_find(d, out, err);
	return case_parts_forget(d, explain(out, rc, err), err);
}

void
case_story_reset(struct case_story *s)
{
	arena_reset(&s->arena);
	memset(s, 0, sizeof(*s));
}

/* All cases ----------------------------------------------------------------------- */

/* Takes copies of what is not of the rules. */
static enum rc
add_item(struct case_due_list *l, int64_t id, const char *unit, const char *code,
    const struct case_deadline *t, struct error *err)
{
	struct case_due_item *grown, *item;

	if (l->n == l->cap) {
		size_t cap = l->cap == 0 ? 64 : 2 * l->cap;

		if (l->cap >= CASE_STORY_DUE_MAX)
			return error_set(err, RC_LIMIT, NULL, "ask for fewer days with --days N",
			    "more is due than can be listed");
		if ((grown = realloc(l->items, cap * sizeof(*grown))) == NULL)
			return RC_NOMEM;
		l->items = grown;
		l->cap = cap;
	}
	item = &l->items[l->n];
	*item = (struct case_due_item){ id, arena_copy(&l->arena, unit, strlen(unit)),
		arena_copy(&l->arena, code, strlen(code)), *t };
	item->deadline.due = arena_copy(&l->arena, t->due, strlen(t->due));
	if (item->unit == NULL || item->code == NULL || item->deadline.due == NULL)
		return RC_NOMEM;
	l->n++;
	return RC_OK;
}

static bool
is_due(const struct case_deadline *t, int64_t last)
{
	int64_t day;

	return (t->state == CASE_DUE_OPEN || t->state == CASE_DUE_OVERDUE) &&
	    case_parts_day(t->due, &day) && day <= last;
}

static enum rc
add_case(const struct case_desk *d, int64_t id, int64_t last, struct case_due_list *l,
    struct error *err)
{
	struct case_story s;
	enum rc rc;

	story_init(&s, id);
	rc = explain(&s, read_story(d, &s, err), err);
	for (size_t i = 0; rc == RC_OK && !s.handed_over && i < s.n_deadlines; i++)
		if (is_due(&s.deadlines[i], last))
			rc = add_item(l, s.id, s.unit, s.code, &s.deadlines[i], err);
	case_story_reset(&s);
	return rc;
}

static enum rc
add_requests(const struct case_desk *d, int64_t last, struct case_due_list *l, struct error *err)
{
	struct subject_request_list requests;
	enum rc rc = subject_request_find(d, true, &requests, err);

	for (size_t i = 0; rc == RC_OK && i < requests.n; i++) {
		const struct subject_request *r = &requests.items[i];
		const struct case_deadline answer = { .rule = "REQUEST", .record = r->id, .due = r->due,
			.done = "", .state = r->state, .sure = r->sure, .source = r->source };
		const struct case_deadline promise = { .rule = "REQUEST_DO", .record = r->id,
			.due = r->do_by, .done = "", .state = r->doing, .sure = true, .source = "" };

		if (is_due(&answer, last))
			rc = add_item(l, 0, r->unit, r->code, &answer, err);
		if (rc == RC_OK && is_due(&promise, last))
			rc = add_item(l, 0, r->unit, r->code, &promise, err);
	}
	subject_request_reset(&requests);
	return rc;
}

static int
by_due(const void *a, const void *b)
{
	const struct case_due_item *x = a, *y = b;
	int order = strcmp(x->deadline.due, y->deadline.due);

	if (order == 0)
		order = (x->id > y->id) - (x->id < y->id);
	return order != 0 ? order :
	    (x->deadline.record > y->deadline.record) - (x->deadline.record < y->deadline.record);
}

enum rc
case_story_due(const struct case_desk *d, long days, struct case_due_list *out, struct error *err)
{
	struct sqlite3_stmt *q = NULL;
	bool row;
	enum rc rc;

	memset(out, 0, sizeof(*out));
	arena_init(&out->arena, 0);
	if ((rc = check_forms(d, err)) != RC_OK)
		return rc;
	if ((rc = case_parts_gather(d, 0, err)) == RC_OK)
		rc = query_open(d->db, err, &q, "SELECT id FROM form_case WHERE alive = 1", "");
	while (rc == RC_OK && (rc = query_next(q, &row, err)) == RC_OK && row)
		rc = add_case(d, query_column_int(q, 0), d->today + days, out, err);
	query_close(q);
	if (rc == RC_OK)
		rc = add_requests(d, d->today + days, out, err);
	if (rc == RC_OK && out->n > 0)
		qsort(out->items, out->n, sizeof(*out->items), by_due);
	return case_parts_forget(d, rc, err);
}

void
case_story_due_reset(struct case_due_list *l)
{
	free(l->items);
	arena_reset(&l->arena);
	memset(l, 0, sizeof(*l));
}
