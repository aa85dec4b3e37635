#include <string.h>

#include "shared/base/clock.h"
#include "shared/records/case_parts.h"
#include "shared/vault/query.h"

/* Of the person of the case, and of whoever is known to be the same. */
#define SAME_PERSON "(SELECT id FROM form_person WHERE id = ?1 OR (cluster IS NOT NULL AND" \
    " cluster = (SELECT cluster FROM form_person WHERE id = ?1)))"
/* Relations whose holder may decide for a minor. */
#define GUARDIANS "('FATHER', 'MOTHER', 'GRANDPARENT', 'GUARDIAN', 'LEGALREP')"

struct warning {
	const struct case_desk *d;
	struct case_story *s;
	struct error *err;
	bool suspect;				/* a guardian is one */
	bool not_heard;				/* a minor did not agree to what a guardian gave */
};

static enum rc
warn(struct warning *w, const char *code, const char *list, const char *about, int64_t record)
{
	struct case_story *s = w->s;
	struct case_warning *all = case_parts_more(s, s->warnings, s->n_warnings, sizeof(*all));

	if (all == NULL)
		return RC_NOMEM;
	s->warnings = all;
	all[s->n_warnings++] = (struct case_warning){ code, list, about, record };
	return RC_OK;
}

/* Consents -------------------------------------------------------------------------- */

/* What the consents of one kind come to. */
struct verdict {
	char no_at[11];				/* day of the latest no */
	bool withdrawn;
	int64_t no_id;
	struct case_consent best;
	int rank;				/* of its state */
};

static int
rank_of(const char *state)
{
	static const char *const states[] = { "MISSING", "EXPIRED", "BLOCKED", "NO_GUARDIAN", "GIVEN" };

	for (int i = 0; i < 5; i++)
		if (strcmp(states[i], state) == 0)
			return i;
	return -1;
}

static const char *
state_of_yes(const struct warning *w, struct sqlite3_stmt *q)
{
	int64_t until;

	if (query_column_int(q, 5) != 0)
		return "BLOCKED";
	if (case_parts_day(query_column_text(q, 3), &until) && until < w->d->today)
		return "EXPIRED";
	if (w->s->minor && strcmp(query_column_text(q, 4), "SELF") == 0)
		return "NO_GUARDIAN";
	return "GIVEN";
}

/* The rows come latest first, so that every no has been seen before an earlier yes. */
static enum rc
take_consent(struct warning *w, struct verdict *v, struct sqlite3_stmt *q)
{
	const char *decision = query_column_text(q, 1), *at = query_column_text(q, 2);
	const char *state;

	if (query_column_int(q, 5) != 0)
		w->suspect = true;
	if (strcmp(decision, "GIVEN") != 0) {
		if (v->no_id == 0) {
			memcpy(v->no_at, at, strlen(at) < 10 ? strlen(at) : 10);
			v->no_id = query_column_int(q, 0);
			v->withdrawn = strcmp(decision, "WITHDRAWN") == 0;
		}
		return RC_OK;
	}
	if (v->no_id != 0 && strcmp(v->no_at, at) >= 0)
		return RC_OK;			/* a no of the same day or later beats it */
	state = state_of_yes(w, q);
	if (rank_of(state) <= v->rank)
		return RC_OK;
	if (query_column_int(q, 6) != 0 && strcmp(state, "GIVEN") == 0)
		w->not_heard = true;
	v->rank = rank_of(state);
	v->best.state = state;
	v->best.id = query_column_int(q, 0);
	v->best.at = case_parts_copy(w->s, at);
	v->best.until = case_parts_text(w->s, q, 3);
	return v->best.at == NULL || v->best.until == NULL ? RC_NOMEM : RC_OK;
}

/* What was said of one kind: a no beats what was given on the same day or before. */
static enum rc
ask_kind(struct warning *w, const char *kind, struct verdict *v)
{
	struct sqlite3_stmt *q = NULL;
	bool row;
	enum rc rc;

	memset(v, 0, sizeof(*v));
	v->best = (struct case_consent){ kind, "MISSING", "", "", 0 };
	rc = query_open(w->d->db, w->err, &q, "SELECT t.id, t.decision,"
	    " CASE WHEN t.decision = 'GIVEN' THEN t.at ELSE COALESCE(t.withdrawn_at, t.at) END AS day,"
	    " t.valid_to, t.given_by, COALESCE(t.guardian_suspect, '') = 'yes' OR"
	    " COALESCE(t.relation, '') = 'SUSPECT' OR EXISTS (SELECT 1 FROM form_relation s"
	    "  JOIN form_relation g ON g.person_a = s.person_a AND g.person_b = s.person_b"
	    "  WHERE s.alive = 1 AND g.alive = 1 AND s.person_a IN " SAME_PERSON
	    "  AND s.relation = 'SUSPECT' AND g.relation = t.relation),"
	    " t.given_by = 'GUARDIAN' AND COALESCE(t.child_agrees, '') <> 'yes'"
	    " FROM form_consent t WHERE t.alive = 1 AND t.kind = ?3 AND t.person_id IN " SAME_PERSON
	    " AND (t.case_id IS NULL OR t.case_id = ?2) ORDER BY day DESC, t.id DESC", "iit",
	    w->s->person, w->s->id, kind);
	while (rc == RC_OK && (rc = query_next(q, &row, w->err)) == RC_OK && row)
		rc = take_consent(w, v, q);
	query_close(q);
	return rc;
}

static enum rc
find_consents(struct warning *w)
{
	const struct form_list *kinds = form_set_list(w->d->forms, "consent_kind");
	struct case_story *s = w->s;
	struct verdict v;
	enum rc rc = RC_OK;

	for (size_t i = 0; rc == RC_OK && kinds != NULL && i < kinds->n_choices; i++) {
		struct case_consent *all = case_parts_more(s, s->consents, s->n_consents, sizeof(*all));

		if (all == NULL)
			return RC_NOMEM;
		s->consents = all;
		if ((rc = ask_kind(w, kinds->choices[i].code, &v)) != RC_OK)
			return rc;
		if (v.rank == 0 && v.no_id != 0) {
			v.best.state = v.withdrawn ? "WITHDRAWN" : "REFUSED";
			v.best.id = v.no_id;
			if ((v.best.at = case_parts_copy(s, v.no_at)) == NULL)
				return RC_NOMEM;
		}
		all[s->n_consents++] = v.best;
	}
	return rc;
}

/* That nobody was asked matters before support and sharing; all else always. */
static enum rc
warn_of_consents(struct warning *w)
{
	static const char *const codes[][2] = {
		{ "MISSING", "CONSENT_MISSING" }, { "EXPIRED", "CONSENT_EXPIRED" },
		{ "BLOCKED", "CONSENT_BLOCKED" }, { "REFUSED", "CONSENT_REFUSED" },
		{ "WITHDRAWN", "CONSENT_WITHDRAWN" }
	};
	enum rc rc = RC_OK;

	for (size_t i = 0; i < w->s->n_consents; i++) {
		const struct case_consent *c = &w->s->consents[i];
		bool needed = strcmp(c->kind, "SHARE_AGENCY") == 0 ||
		    (strcmp(c->kind, "SUPPORT") == 0 && w->s->n_services > 0);

		for (size_t k = 0; rc == RC_OK && k < sizeof(codes) / sizeof(*codes); k++)
			if (strcmp(c->state, codes[k][0]) == 0 && (needed || c->id != 0))
				rc = warn(w, codes[k][1], "consent_kind", c->kind, c->id);
	}
	return rc;
}

static enum rc
warn_of_minor(struct warning *w)
{
	bool given = false, alone = false;
	enum rc rc = RC_OK;

	for (size_t i = 0; i < w->s->n_consents; i++) {
		given = given || strcmp(w->s->consents[i].state, "GIVEN") == 0;
		alone = alone || strcmp(w->s->consents[i].state, "NO_GUARDIAN") == 0;
	}
	if (w->s->minor && (alone || !given))
		rc = warn(w, "MINOR_NO_GUARDIAN", "", "", 0);
	if (rc == RC_OK && w->s->minor && w->not_heard)
		rc = warn(w, "MINOR_NOT_HEARD", "", "", 0);
	return rc;
}

/* The person ---------------------------------------------------------------------------- */

static enum rc
warn_of_guardian(struct warning *w)
{
	int64_t n = 0;
	enum rc rc = query_int(w->d->db, w->err, &n, "SELECT count(*) FROM form_relation s"
	    " JOIN form_relation g ON g.person_a = s.person_a AND g.person_b = s.person_b"
	    " WHERE s.alive = 1 AND g.alive = 1 AND s.person_a IN " SAME_PERSON
	    " AND s.relation = 'SUSPECT' AND g.relation IN " GUARDIANS, "i", w->s->person);

	if (rc == RC_OK && (n > 0 || w->suspect))
		rc = warn(w, "GUARDIAN_SUSPECT", "", "", 0);
	return rc;
}

static enum rc
warn_of_safety(struct warning *w)
{
	struct sqlite3_stmt *q = NULL;
	bool row = false;
	enum rc rc = RC_OK;

	if (strcmp(w->s->do_not_contact, "yes") == 0)
		rc = warn(w, "DO_NOT_CONTACT", "", "", w->s->person);
	if (rc == RC_OK)
		rc = query_open(w->d->db, w->err, &q, "SELECT id, safe FROM form_follow_up"
		    " WHERE alive = 1 AND case_id = ?1 AND done_at IS NOT NULL AND safe IS NOT NULL"
		    " ORDER BY done_at DESC, id DESC LIMIT 1", "i", w->s->id);
	if (rc == RC_OK && (rc = query_next(q, &row, w->err)) == RC_OK && row &&
	    strcmp(query_column_text(q, 1), "no") == 0)
		rc = warn(w, "UNSAFE", "", "", query_column_int(q, 0));
	query_close(q);
	return rc;
}

/* What the person has asked about the data: it waits, or holds whoever looks at the case back. */
static enum rc
warn_of_requests(struct warning *w)
{
	struct sqlite3_stmt *q = NULL;
	bool row;
	enum rc rc;

	if (form_set_find(w->d->forms, "subject_request") == NULL)
		return RC_OK;
	rc = query_open(w->d->db, w->err, &q, "SELECT id, kind, answered_at IS NULL FROM form_subject_request"
	    " WHERE alive = 1 AND (case_id = ?2 OR (case_id IS NULL AND person_id IN " SAME_PERSON "))"
	    " AND (answered_at IS NULL OR (kind IN ('RESTRICT', 'OBJECT') AND"
	    "  outcome IN ('DONE', 'PARTLY', 'ACCEPTED'))) ORDER BY received_at, id", "ii",
	    w->s->person, w->s->id);
	while (rc == RC_OK && (rc = query_next(q, &row, w->err)) == RC_OK && row) {
		const char *kind = case_parts_text(w->s, q, 1);

		rc = kind == NULL ? RC_NOMEM : warn(w, query_column_int(q, 2) != 0 ? "REQUEST_OPEN" :
		    "RESTRICTED", "subject_right", kind, query_column_int(q, 0));
	}
	query_close(q);
	return rc;
}

/* The case ------------------------------------------------------------------------------ */

static enum rc
warn_of_services(struct warning *w)
{
	enum rc rc = RC_OK;

	if (w->s->n_services > 0 && *w->s->class == '\0')
		rc = warn(w, "CLASS_MISSING", "", "", 0);
	for (size_t i = 0; rc == RC_OK && i < w->s->n_services; i++) {
		const struct case_service *v = &w->s->services[i];
		bool lodged = strcmp(v->service, "LODGE") == 0 || strcmp(v->service, "ESS") == 0;
		const char *source;
		int64_t from, to, last;

		if (v->outside)
			rc = warn(w, "NOT_ENTITLED", "service", v->service, v->id);
		if (rc == RC_OK && lodged && case_parts_day(v->from, &from) &&
		    case_parts_day(v->to, &to) && case_deadline_stay(w->d, "", from, &last, &source) &&
		    to > last)
			rc = warn(w, "STAY_TOO_LONG", "service", v->service, v->id);
	}
	return rc;
}

static enum rc
warn_of_case(struct warning *w)
{
	const struct case_story *s = w->s;
	enum rc rc = RC_OK;

	for (size_t i = 0; rc == RC_OK && i < s->n_deadlines; i++) {
		const struct case_deadline *t = &s->deadlines[i];

		if (strcmp(t->rule, "LODGING") == 0 &&
		    (t->state == CASE_DUE_OVERDUE || t->state == CASE_DUE_LATE))
			rc = warn(w, "STAY_TOO_LONG", "", "", t->record);
	}
	if (rc == RC_OK && strcmp(s->ident_result, "VICTIM") == 0 &&
	    (*s->ident_org == '\0' || *s->ident_doc_no == '\0' || *s->ident_date == '\0'))
		rc = warn(w, "VICTIM_NO_DOCUMENT", "", "", 0);
	if (rc == RC_OK && s->closed_by_event)
		rc = warn(w, "CLOSING_DIFFERS", "", "", 0);
	if (rc == RC_OK && s->unsettled)
		rc = warn(w, "UNSETTLED", "", "", 0);
	return rc;
}

enum rc
case_warning_find(const struct case_desk *d, struct case_story *s, struct error *err)
{
	struct warning w = { .d = d, .s = s, .err = err };
	enum rc rc;

	if ((rc = find_consents(&w)) != RC_OK || (rc = warn_of_safety(&w)) != RC_OK ||
	    (rc = warn_of_requests(&w)) != RC_OK || (rc = warn_of_guardian(&w)) != RC_OK)
		return rc;
	/* Nothing more is shared, given or asked once a case is closed. */
	if (!s->closed && ((rc = warn_of_minor(&w)) != RC_OK || (rc = warn_of_consents(&w)) != RC_OK))
		return rc;
	return (rc = warn_of_services(&w)) == RC_OK ? warn_of_case(&w) : rc;
}
