#include "shared/records/referral.h"

#include <stdlib.h>
#include <string.h>

#include "shared/base/text.h"
#include "shared/records/referral_parts.h"
#include "shared/vault/query.h"

/* `copies` of one save: well below what a body holds. */
enum { COPIES_A_SAVE = 100, COPIES_BYTES = 100000 };

/* What the files of referral share ----------------------------------------- */

enum rc
referral_form(const struct record_context *c, const char *name, const struct form **out,
    struct error *err)
{
	*out = form_set_find(c->forms, name);
	if (*out != NULL)
		return RC_OK;
	return error_set(err, RC_CONFIG, name,
	    "ask the province to publish the forms of this version",
	    "the published forms do not have this one, which handing over needs");
}

const char *
referral_value(const struct record_view *v, const char *field)
{
	const struct record_field *f = record_view_field(v, field);

	for (size_t i = 0; f != NULL && i < f->n_values; i++)
		if (f->values[i].shown)
			return f->values[i].text;
	return "";
}

bool
referral_has(const struct record_view *v, const char *field, const char *code)
{
	const struct record_field *f = record_view_field(v, field);

	for (size_t i = 0; f != NULL && i < f->n_values; i++)
		if (!f->values[i].voided && strcmp(f->values[i].text, code) == 0)
			return true;
	return false;
}

bool
referral_is_conflict(const struct record_view *v, const char *field)
{
	const struct record_field *f = record_view_field(v, field);

	return f != NULL && f->standing == REGISTER_CONFLICT;
}

void
referral_day(const struct record_context *c, unsigned later, char out[11])
{
	struct date d;

	date_at(clock_now(c->clock), &d);
	date_from_days(date_to_days(&d) + later, &d);
	date_iso(&d, out);
}

/* Sending ------------------------------------------------------------------ */

struct sending {
	struct referral_package package;
	const struct referral_terms *terms;
	struct dot case_id, person, new_person, new_consent;
	char unit[JOURNAL_UNIT_MAX + 1];	/* whose case it is */
	char *shares;
	struct referral_sent *sent;
};

static enum rc
add(struct answers *a, const char *field, const char *value, struct error *err)
{
	return value == NULL || *value == '\0' ? RC_OK : answers_add(a, field, value, err);
}

static enum rc
add_dot(struct answers *a, const char *field, const struct dot *dot, struct error *err)
{
	char text[DOT_TEXT_MAX];

	if (dot == NULL || dot->log == 0)
		return RC_OK;
	dot_text(dot, text);
	return answers_add(a, field, text, err);
}

/* What both sides' referral records say. */
static enum rc
fill_terms(const struct sending *s, struct answers *a)
{
	const struct referral_terms *t = s->terms;
	struct error *err = s->package.err;
	char sent[11], due[11];
	enum rc rc;

	referral_day(s->package.c, 0, sent);
	referral_day(s->package.c, t->days, due);
	if ((rc = add(a, "kind", t->transfer ? "TRANSFER" : "REFER", err)) != RC_OK ||
	    (rc = add(a, "from_unit", s->unit, err)) != RC_OK ||
	    (rc = add(a, "to_unit", t->to_unit, err)) != RC_OK ||
	    (rc = add(a, "reason", t->reason, err)) != RC_OK ||
	    (rc = add(a, "services", t->services, err)) != RC_OK ||
	    (rc = add(a, "by_wish", t->by_wish, err)) != RC_OK ||
	    (rc = add(a, "emergency_reason", t->emergency_reason, err)) != RC_OK ||
	    (rc = add(a, "emergency_second", t->emergency_second, err)) != RC_OK ||
	    (rc = add(a, "sent_at", sent, err)) != RC_OK)
		return rc;
	return add(a, "answer_by", due, err);
}

static enum rc
write_outgoing(struct sending *s, const struct form *form)
{
	const struct record_context *c = s->package.c;
	struct error *err = s->package.err;
	struct answers *a = NULL;
	enum rc rc = answers_new(form, c->forms, &a);

	if (rc == RC_OK)
		rc = add(a, "direction", "OUT", err);
	if (rc == RC_OK)
		rc = fill_terms(s, a);
	if (rc == RC_OK)
		rc = add_dot(a, "case_id", &s->case_id, err);
	if (rc == RC_OK)
		rc = add_dot(a, "consent_id", s->terms->consent, err);
	if (rc == RC_OK)
		rc = record_create(c, s->unit, a, &s->sent->outgoing, err);
	answers_free(a);
	return rc;
}

static enum rc
write_incoming(struct sending *s, const struct form *form)
{
	const struct record_context *c = s->package.c;
	struct error *err = s->package.err;
	struct answers *a = NULL;
	enum rc rc = answers_new(form, c->forms, &a);

	if (rc == RC_OK)
		rc = add(a, "direction", "IN", err);
	if (rc == RC_OK)
		rc = fill_terms(s, a);
	if (rc == RC_OK)
		rc = add_dot(a, "case_id", &s->sent->new_case, err);
	if (rc == RC_OK)
		rc = add_dot(a, "consent_id", &s->new_consent, err);
	if (rc == RC_OK)
		rc = add_dot(a, "peer", &s->sent->outgoing, err);
	if (rc == RC_OK)
		rc = record_create_copy(c, s->terms->to_unit, a, &s->sent->incoming, err);
	answers_free(a);
	return rc;
}

static void
put_copy(const struct referral_copy *copy, struct bytes *out)
{
	char id[DOT_TEXT_MAX];

	dot_text(&copy->original, id);
	bytes_printf(out, "%s ", id);
	dot_text(&copy->copy, id);
	bytes_printf(out, "%s %s", copy->copy.log != 0 ? id : "-", copy->seen);
}

/* Into the sender's own record: what went where, and what the sender had of it. */
static enum rc
write_copies(struct sending *s, const struct form *form)
{
	struct referral_package *p = &s->package;
	enum rc rc = RC_OK;

	for (size_t i = 0; rc == RC_OK && i < p->n;) {
		struct answers *a = NULL;
		struct dot dot;
		size_t bytes = 0;

		rc = answers_new(form, p->c->forms, &a);
		if (rc == RC_OK && i == 0)
			rc = add_dot(a, "peer", &s->sent->incoming, p->err);
		for (size_t n = 0; rc == RC_OK && i < p->n && n < COPIES_A_SAVE &&
		    bytes < COPIES_BYTES; n++, i++) {
			struct bytes item;

			bytes_init(&item);
			put_copy(&p->copies[i], &item);
			bytes += item.len;
			rc = item.rc != RC_OK ? item.rc :
			    answers_add(a, "copies", bytes_cstr(&item), p->err);
			bytes_reset(&item);
		}
		if (rc == RC_OK)
			rc = record_edit(p->c, &s->sent->outgoing, a, NULL, NULL, &dot, p->err);
		answers_free(a);
	}
	return rc;
}

/* The case must be one, with a person, of another unit than the receiver's. */
static enum rc
open_case(struct sending *s)
{
	struct error *err = s->package.err;
	struct record_view v;
	enum rc rc = record_show(s->package.c, &s->case_id, &v, err);

	if (rc != RC_OK)
		return rc;
	memcpy(s->unit, v.scope.unit, sizeof(s->unit));
	if (strcmp(v.form_name, "case") != 0)
		rc = error_set(err, RC_INVALID, v.form_name, "give the id of a case",
		    "only a case can be handed over");
	else if (v.deleted)
		rc = error_set(err, RC_INVALID, NULL, "take that back first: field undelete ID", "the record is deleted");
	else if (strcmp(s->unit, s->terms->to_unit) == 0)
		rc = error_set(err, RC_INVALID, s->unit, "name the unit that shall receive it",
		    "the case is of that unit already");
	else if (!dot_parse(referral_value(&v, "person_id"), &s->person))
		rc = error_set(err, RC_INVALID, "person_id", "say whose case it is first",
		    "the case names no person");
	record_view_reset(&v);
	return rc;
}

static enum rc
refuse_second(struct sending *s)
{
	struct referral_story story;
	enum rc rc = referral_tell(s->package.c, &s->case_id, &story, s->package.err);

	for (size_t i = 0; rc == RC_OK && i < story.n_links; i++)
		if (story.links[i].outgoing && strcmp(story.links[i].state, "PENDING") == 0 &&
		    strcmp(story.links[i].unit, s->terms->to_unit) == 0)
			rc = error_set(s->package.err, RC_EXISTS, s->terms->to_unit,
			    "wait for the answer, or withdraw it: field lapse ID --reason TEXT",
			    "the case was handed to that unit and waits for its answer");
	referral_story_reset(&story);
	return rc;
}

static enum rc
check_ground(struct sending *s)
{
	const struct referral_terms *t = s->terms;
	bool reason = t->emergency_reason != NULL && *t->emergency_reason != '\0';
	bool second = t->emergency_second != NULL && *t->emergency_second != '\0';

	if (t->consent != NULL)
		return referral_consent_check(s->package.c, t, &s->case_id, &s->person, &s->shares,
		    s->package.err);
	if (!reason || !second)
		return error_set(s->package.err, RC_DENIED, NULL,
		    "give the id of a consent; in an emergency the reason and a second person",
		    "nothing is shared without the person's consent");
	return (s->shares = text_dup("")) == NULL ? RC_NOMEM : RC_OK;
}

static enum rc
send_all(struct sending *s, const struct form *form)
{
	struct referral_package *p = &s->package;
	enum rc rc;

	if ((rc = write_outgoing(s, form)) != RC_OK ||
	    (rc = referral_copy_record(p, &s->person, &s->new_person)) != RC_OK ||
	    (rc = referral_copy_record(p, &s->case_id, &s->sent->new_case)) != RC_OK)
		return rc;
	if (s->terms->consent != NULL)
		rc = referral_copy_record(p, s->terms->consent, &s->new_consent);
	if (rc == RC_OK)
		rc = referral_copy_children(p, &s->case_id);
	s->sent->copies = p->n - p->withheld;
	s->sent->withheld = p->withheld;
	if (rc == RC_OK)
		rc = write_incoming(s, form);
	return rc == RC_OK ? write_copies(s, form) : rc;
}

enum rc
referral_send(const struct record_context *c, const struct dot *case_id,
    const struct referral_terms *t, struct referral_sent *out, struct error *err)
{
	struct sending s = { .package = { .c = c, .terms = t, .err = err }, .terms = t,
		.case_id = *case_id, .sent = out };
	const struct form *form, *consent;
	enum rc rc;

	memset(out, 0, sizeof(*out));
	if ((rc = referral_form(c, GUEST_REFERRAL_FORM, &form, err)) != RC_OK ||
	    (rc = referral_form(c, "consent", &consent, err)) != RC_OK ||
	    (rc = open_case(&s)) != RC_OK || (rc = refuse_second(&s)) != RC_OK ||
	    (rc = check_ground(&s)) != RC_OK)
		goto out;
	s.package.shares = s.shares;
	rc = send_all(&s, form);
out:
	referral_package_reset(&s.package);
	free(s.shares);
	return rc;
}
