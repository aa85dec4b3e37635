#include <stdlib.h>
#include <string.h>

#include "shared/records/record_draft.h"
#include "shared/records/referral_parts.h"
#include "shared/vault/query.h"

/* Finding it --------------------------------------------------------------- */

/*
 * The referral that is meant: by its own id, or by its case's: then the one that waits, else the
 * latest.  RC_CONFLICT: several of the case wait.
 */
static enum rc
find(const struct record_context *c, const struct dot *id, bool outgoing, struct dot *out,
    struct error *err)
{
	struct referral_story story;
	const struct referral_link *found = NULL;
	bool waiting = false, several = false, otherwise = false;
	enum rc rc = referral_tell(c, id, &story, err);

	for (size_t i = 0; rc == RC_OK && i < story.n_links; i++) {
		const struct referral_link *l = &story.links[i];
		bool waits = strcmp(l->state, "PENDING") == 0;

		otherwise = otherwise || l->outgoing != outgoing;
		if (l->outgoing != outgoing)
			continue;
		several = several || (waits && waiting);
		if (waits || !waiting)
			found = l;
		waiting = waiting || waits;
	}
	if (rc == RC_OK && several)
		rc = error_set(err, RC_CONFLICT, NULL, "give the referral's id, see field referrals",
		    "several referrals of this case wait for an answer");
	else if (rc == RC_OK && found == NULL && otherwise)
		rc = error_set(err, RC_INVALID, NULL, outgoing ?
		    "field accept or field decline is for the receiver" :
		    "it is for the receiver to answer; field lapse takes it back", outgoing ?
		    "this case came from another unit" : "this case was handed over from here");
	else if (rc == RC_OK && found == NULL)
		rc = error_set(err, RC_NOTFOUND, NULL, "see field referrals", outgoing ?
		    "this case was not handed over from here" :
		    "this case did not come from another unit");
	if (rc == RC_OK)
		*out = found->id;
	referral_story_reset(&story);
	return rc;
}

/* Telling the other side --------------------------------------------------- */

static enum rc
write_text(struct record_draft *d, const struct form *form, const char *name, const char *text,
    struct error *err)
{
	const struct form_field *f = form_field_named(form, name);
	struct write *w;
	struct value *to;

	if (f == NULL)
		return error_set(err, RC_CONFIG, name, NULL, "the form of referrals lacks a field");
	w = record_draft_write(d, f->number, merged_is_many(f) ? WRITE_ITEMS : WRITE_SET);
	to = w == NULL ? NULL : record_draft_values(d, w, 1);
	return to == NULL ? RC_NOMEM : record_draft_value(d, f, text, to);
}

/*
 * An entry in the other side's referral record, in its scope: a guest's, beside what is
 * there, whether or not it can be read here.
 */
static enum rc
tell(const struct record_context *c, const struct record_view *own, const char *unit,
    const char *field, const char *code, const char *note, struct error *err)
{
	struct journal_scope scope = { .compartment = FORM_CASES };
	const struct form *form = own->form;
	struct record_draft d;
	struct dot peer, dot;
	enum rc rc;

	if (!dot_parse(referral_value(own, "peer"), &peer) || *unit == '\0' ||
	    strlen(unit) > JOURNAL_UNIT_MAX)
		return error_set(err, RC_INVALID, "peer", "tell the other unit by another way",
		    "the referral does not name the other unit's record");
	memcpy(scope.unit, unit, strlen(unit) + 1);
	record_draft_init(&d, form, clock_now(c->clock));
	d.entry.record = peer;
	rc = write_text(&d, form, field, code, err);
	if (rc == RC_OK && note != NULL && *note != '\0')
		rc = write_text(&d, form, "answer_notes", note, err);
	if (rc == RC_OK)
		rc = record_draft_commit(&d, c, &scope, NULL, &dot, err);
	record_draft_reset(&d);
	return rc;
}

/* What a person typed, as the forms take it: normalised, and within its limit. */
static enum rc
clean_note(const struct record_context *c, const struct form *form, const char *note,
    struct answers **out, struct error *err)
{
	enum rc rc = answers_new(form, c->forms, out);

	if (rc == RC_OK && note != NULL && *note != '\0')
		rc = answers_add(*out, "answer_notes", note, err);
	return rc;
}

static const char *
note_of(const struct answers *a)
{
	const struct answer *note = answers_find(a, "answer_notes");

	return note != NULL && note->n_items > 0 ? note->items[0] : NULL;
}

/* Accepting and declining -------------------------------------------------- */

static enum rc
may_answer(const struct record_view *v, bool accept, const char *reason, struct error *err)
{
	const char *outcome = referral_value(v, "outcome");

	if (referral_is_conflict(v, "outcome"))
		return error_set(err, RC_CONFLICT, "outcome", "settle it: field resolve ID outcome",
		    "the referral has several outcomes");
	if (strcmp(outcome, accept ? "ACCEPTED" : "DECLINED") == 0)
		return error_set(err, RC_EXISTS, outcome, NULL, "it was answered so already");
	if (reason == NULL || *reason == '\0') {
		if (!accept)
			return error_set(err, RC_USAGE, "--reason", "say why, with --reason TEXT",
			    "declining needs a reason");
		if (*outcome != '\0')
			return error_set(err, RC_INVALID, outcome,
			    "agree with the other unit, then answer with --reason TEXT",
			    "it has an outcome already");
	}
	return RC_OK;
}

static enum rc
write_answer(const struct record_context *c, const struct record_view *v, bool accept,
    const char *reason, const char *who, struct dot *dot, struct error *err)
{
	const char *code = accept ? "ACCEPTED" : "DECLINED";
	struct answers *a = NULL;
	char today[11];
	enum rc rc = clean_note(c, v->form, reason, &a, err);

	referral_day(c, 0, today);
	/* the sender's calendar may be ahead of ours */
	if (strcmp(today, referral_value(v, "sent_at")) < 0)
		today[0] = '\0';
	if (rc == RC_OK)
		rc = answers_add(a, "outcome", code, err);
	if (rc == RC_OK && today[0] != '\0')
		rc = answers_add(a, "received_at", today, err);
	if (rc == RC_OK && who != NULL && *who != '\0')
		rc = answers_add(a, "received_by", who, err);
	if (rc == RC_OK)
		rc = record_edit(c, &v->id, a, v->seen, reason, dot, err);
	if (rc == RC_OK)
		rc = tell(c, v, referral_value(v, "from_unit"), "answers", code, note_of(a), err);
	answers_free(a);
	return rc;
}

enum rc
referral_answer(const struct record_context *c, const struct dot *id, bool accept,
    const char *reason, const char *who, struct dot *dot, struct error *err)
{
	const struct form *form;
	struct record_view v;
	struct dot found;
	enum rc rc;

	*dot = (struct dot){ 0, 0 };
	if ((rc = referral_form(c, GUEST_REFERRAL_FORM, &form, err)) != RC_OK ||
	    (rc = find(c, id, false, &found, err)) != RC_OK ||
	    (rc = record_show(c, &found, &v, err)) != RC_OK)
		return rc;
	rc = may_answer(&v, accept, reason, err);
	if (rc == RC_OK)
		rc = write_answer(c, &v, accept, reason, who, dot, err);
	record_view_reset(&v);
	return rc;
}

/* Lapse -------------------------------------------------------------------- */

static enum rc
may_lapse(const struct record_context *c, const struct record_view *v, const char *reason,
    struct error *err)
{
	static const char *const codes[] = { "ACCEPTED", "DECLINED", "LAPSED", "COMPLETED" };
	char today[11];

	for (size_t i = 0; i < sizeof(codes) / sizeof(*codes); i++)
		if (referral_has(v, "answers", codes[i]))
			return error_set(err, RC_EXISTS, codes[i], NULL,
			    "the referral has an outcome already");
	referral_day(c, 0, today);
	if ((reason == NULL || *reason == '\0') && strcmp(today, referral_value(v, "answer_by")) <= 0)
		return error_set(err, RC_INVALID, referral_value(v, "answer_by"),
		    "wait, or withdraw it with --reason TEXT",
		    "an answer is not overdue before that day has passed");
	return RC_OK;
}

enum rc
referral_lapse(const struct record_context *c, const struct dot *id, const char *reason,
    struct dot *dot, struct error *err)
{
	const struct form *form;
	struct answers *a = NULL;
	struct record_view v;
	struct dot found;
	enum rc rc;

	*dot = (struct dot){ 0, 0 };
	if ((rc = referral_form(c, GUEST_REFERRAL_FORM, &form, err)) != RC_OK ||
	    (rc = find(c, id, true, &found, err)) != RC_OK ||
	    (rc = record_show(c, &found, &v, err)) != RC_OK)
		return rc;
	if ((rc = may_lapse(c, &v, reason, err)) != RC_OK ||
	    (rc = clean_note(c, v.form, reason, &a, err)) != RC_OK ||
	    (rc = answers_add(a, "answers", "LAPSED", err)) != RC_OK ||
	    (rc = record_edit(c, &found, a, v.seen, reason, dot, err)) != RC_OK)
		goto out;
	rc = tell(c, &v, referral_value(&v, "to_unit"), "outcome", "LAPSED", note_of(a), err);
out:
	answers_free(a);
	record_view_reset(&v);
	return rc;
}

/* Waiting ------------------------------------------------------------------ */

enum rc
referral_count_waiting(const struct record_context *c, const char *unit, uint64_t *n,
    struct error *err)
{
	int64_t count = 0;
	enum rc rc = RC_OK;

	if (form_set_find(c->forms, GUEST_REFERRAL_FORM) != NULL)
		rc = query_int(c->db, err, &count, "SELECT count(*) FROM form_referral WHERE alive = 1"
		    " AND direction = 'IN' AND outcome IS NULL AND unit = ?1", "t", unit);
	*n = (uint64_t)count;
	return rc;
}
