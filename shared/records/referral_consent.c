#include <stdlib.h>
#include <string.h>

#include "shared/base/text.h"
#include "shared/records/referral_parts.h"
#include "shared/vault/query.h"

struct checking {
	const struct record_context *c;
	const struct referral_terms *terms;
	const struct record_view *view;		/* of the consent */
	char id[DOT_TEXT_MAX];
	const char *kind;			/* that sharing with this receiver needs */
	struct error *err;
};

static enum rc
deny(const struct checking *k, const char *help, const char *what)
{
	return error_set(k->err, RC_DENIED, k->id, help, "%s", what);
}

/* Fields whose values decide must not be in dispute. */
static enum rc
check_settled(const struct checking *k)
{
	static const char *const fields[] = { "person_id", "case_id", "kind", "at", "valid_to" };

	for (size_t i = 0; i < sizeof(fields) / sizeof(*fields); i++)
		if (referral_is_conflict(k->view, fields[i]))
			return error_set(k->err, RC_CONFLICT, fields[i],
			    "settle it first, see field conflicts",
			    "the consent has several values of this field");
	return RC_OK;
}

static enum rc
check_of_whom(const struct checking *k, const struct dot *case_id, const struct dot *person)
{
	char text[DOT_TEXT_MAX];

	dot_text(person, text);
	if (strcmp(referral_value(k->view, "person_id"), text) != 0)
		return deny(k, "record the consent of this person: field add consent",
		    "this is the consent of somebody else");
	dot_text(case_id, text);
	if (*referral_value(k->view, "case_id") != '\0' &&
	    strcmp(referral_value(k->view, "case_id"), text) != 0)
		return deny(k, "ask the person, and record a consent for this case",
		    "the consent was given for another case");
	return RC_OK;
}

static enum rc
check_given(const struct checking *k)
{
	const char *decision = referral_value(k->view, "decision");
	const char *until = referral_value(k->view, "valid_to");
	char today[11];

	if (strcmp(decision, "WITHDRAWN") == 0)
		return deny(k, "do not share; ask the person again before anything is handed over",
		    "the consent was withdrawn");
	if (strcmp(decision, "GIVEN") != 0)
		return deny(k, "do not share; ask the person again before anything is handed over",
		    "the person did not agree");
	if (strcmp(referral_value(k->view, "kind"), k->kind) != 0)
		return deny(k, k->terms->to_ngo ?
		    "ask the person to agree to SHARE_NGO, and record it: field add consent" :
		    "ask the person to agree to SHARE_AGENCY, and record it: field add consent",
		    "the consent was given for another purpose");
	referral_day(k->c, 0, today);
	if (*until != '\0' && strcmp(until, today) < 0)
		return deny(k, "ask the person again, and record a new consent",
		    "the consent has expired");
	return RC_OK;
}

static bool
covers_unit(const struct checking *k, const struct record_view *v, bool *any)
{
	const struct record_field *f = record_view_field(v, "receivers");
	const struct referral_terms *t = k->terms;

	*any = false;
	for (size_t i = 0; f != NULL && i < f->n_values; i++) {
		const char *unit = f->values[i].text;

		*any = true;
		if (strcmp(unit, t->to_unit) == 0 ||
		    (t->within != NULL && t->within(t->within_ctx, t->to_unit, unit)))
			return true;
	}
	return false;
}

/* Did the person say no to the same, later?  That beats what was said before. */
static enum rc
check_no_later_no(const struct checking *k, int64_t person)
{
	struct sqlite3_stmt *q = NULL;
	bool row, any;
	enum rc rc = query_open(k->c->db, k->err, &q, "SELECT r.log, r.n FROM form_consent t"
	    " JOIN record r ON r.id = t.id WHERE t.alive = 1 AND t.person_id = ?1 AND t.kind = ?2"
	    " AND t.decision IN ('REFUSED', 'WITHDRAWN') AND coalesce(t.withdrawn_at, t.at) >= ?3",
	    "itt", person, k->kind, referral_value(k->view, "at"));

	while (rc == RC_OK && (rc = query_next(q, &row, k->err)) == RC_OK && row) {
		struct dot id = { (uint64_t)query_column_int(q, 0), (uint64_t)query_column_int(q, 1) };
		struct record_view other;
		char text[DOT_TEXT_MAX];

		if ((rc = record_show(k->c, &id, &other, k->err)) != RC_OK)
			break;
		dot_text(&id, text);
		if (covers_unit(k, &other, &any) || !any)
			rc = error_set(k->err, RC_DENIED, text,
			    "do not share; ask the person again before anything is handed over",
			    "the person has said no since");
		record_view_reset(&other);
	}
	query_close(q);
	return rc;
}

/*
 * A guardian who is under suspicion decides nothing: so the consent says, or the relations of the
 * person, of whom the suspect is what the giver of the consent is.
 */
static enum rc
check_guardian(const struct checking *k, int64_t person)
{
	const char *relation = referral_value(k->view, "relation");
	int64_t n = 0;
	enum rc rc = RC_OK;

	if (strcmp(referral_value(k->view, "given_by"), "GUARDIAN") != 0)
		return RC_OK;
	if (strcmp(referral_value(k->view, "guardian_suspect"), "yes") == 0 ||
	    strcmp(relation, "SUSPECT") == 0)
		n = 1;
	else if (form_set_find(k->c->forms, "relation") != NULL)
		rc = query_int(k->c->db, k->err, &n, "SELECT count(*) FROM form_relation s"
		    " JOIN form_relation g ON g.person_a = s.person_a AND g.person_b = s.person_b"
		    " WHERE s.alive = 1 AND g.alive = 1 AND s.person_a = ?1 AND s.relation = 'SUSPECT'"
		    " AND g.relation = ?2", "it", person, relation);
	if (rc != RC_OK || n == 0)
		return rc;
	return deny(k, "ask another representative of the person, and record that consent",
	    "the guardian who gave the consent is under suspicion");
}

/* The codes of the list `shares`, a blank before and behind each. */
static enum rc
take_shares(const struct record_view *v, char **out)
{
	const struct record_field *f = record_view_field(v, "shares");
	struct bytes b;

	bytes_init(&b);
	bytes_text(&b, " ");
	for (size_t i = 0; f != NULL && i < f->n_values; i++)
		bytes_printf(&b, "%s ", f->values[i].text);
	*out = b.rc == RC_OK ? text_dup(bytes_cstr(&b)) : NULL;
	bytes_reset(&b);
	return *out != NULL ? RC_OK : RC_NOMEM;
}

static enum rc
check(const struct checking *k, const struct dot *case_id, const struct dot *person)
{
	int64_t local;
	bool any;
	enum rc rc;

	if (strcmp(k->view->form_name, "consent") != 0)
		return error_set(k->err, RC_INVALID, k->id, "give the id of a consent",
		    "this record is no consent");
	if (k->view->deleted)
		return deny(k, "record the consent: field add consent", "the consent was deleted");
	if ((rc = check_settled(k)) != RC_OK || (rc = check_of_whom(k, case_id, person)) != RC_OK ||
	    (rc = check_given(k)) != RC_OK)
		return rc;
	if (!covers_unit(k, k->view, &any))
		return deny(k, "ask the person, then add the unit: field edit ID receivers=...",
		    "the consent does not cover that unit");
	if ((rc = record_to_local(k->c->db, person, &local)) != RC_OK ||
	    (rc = check_guardian(k, local)) != RC_OK)
		return rc;
	return check_no_later_no(k, local);
}

enum rc
referral_consent_check(const struct record_context *c, const struct referral_terms *t,
    const struct dot *case_id, const struct dot *person, char **shares, struct error *err)
{
	struct record_view v;
	struct checking k = { .c = c, .terms = t, .view = &v,
		.kind = t->to_ngo ? "SHARE_NGO" : "SHARE_AGENCY", .err = err };
	enum rc rc;

	*shares = NULL;
	dot_text(t->consent, k.id);
	if ((rc = record_show(c, t->consent, &v, err)) != RC_OK)
		return rc;
	rc = check(&k, case_id, person);
	if (rc == RC_OK)
		rc = take_shares(&v, shares);
	record_view_reset(&v);
	return rc;
}
