#include "tests/support/corpus_province.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "shared/base/clock.h"
#include "tests/support/corpus_answers.h"
#include "tests/support/corpus_fill.h"

enum {
	KEPT = 32,			/* of each form in each commune may be referred to */
	DAY_SECONDS = 86400,
	MORNING = 1800,			/* 07:30 in Viet Nam, in UTC */
	ANSWERED = 35,			/* of a hundred fields that may be left empty */
	ANSWERED_BESIDE = 10		/* of those that corpus_answers leaves */
};

/* How many of ten thousand records; what a form refers to is made first when it is missing. */
static const struct share {
	const char *form;
	unsigned of_10000;
} shares[] = {
	{ "awareness_session", 1500 }, { "outreach", 1550 }, { "person", 1000 }, { "case", 650 },
	{ "follow_up", 1300 }, { "service_delivery", 800 }, { "case_event", 900 },
	{ "needs_assessment", 220 }, { "needs_item", 340 }, { "support_plan", 150 },
	{ "support_plan_item", 280 }, { "consent", 270 }, { "referral", 60 }, { "handover", 40 },
	{ "lodging_stay", 50 }, { "protection_measure", 30 }, { "relation", 90 },
	{ "person_link", 15 }, { "case_coordination", 60 }, { "nationality_check", 15 }, { "tip", 70 },
	{ "tip_action", 90 }, { "missing_person", 50 }, { "training", 15 },
	{ "training_trainee", 140 }, { "staff", 25 }, { "material", 25 }, { "material_use", 50 },
	{ "audience_count", 60 }, { "inspection", 25 }, { "coordination_event", 30 },
	{ "community_model", 6 }, { "community_model_status", 8 }, { "facility", 2 },
	{ "facility_upgrade", 2 }, { "survey", 12 }, { "issue", 8 }, { "issued_document", 20 },
	{ "policy_note", 3 }, { "award", 5 }, { "disclosure", 5 }, { "resource", 10 },
	{ "budget_line", 30 }, { "agency_figure", 10 }, { "org_unit", 3 }, { "plan", 2 },
	{ "plan_deadline", 2 }, { "plan_lead", 2 }, { "plan_target", 3 }, { "plan_task", 5 },
	{ "report_submission", 4 },
};
enum { SHARES = sizeof(shares) / sizeof(shares[0]) };

/* The last records of one form in one commune. */
struct kept {
	size_t n;			/* made so far; it stands at n % KEPT */
	size_t index[KEPT];
	size_t of_case[KEPT];		/* the case it belongs to, or SIZE_MAX */
};

struct commune {
	char code[8];
	struct kept forms[SHARES];
	struct corpus_person persons[KEPT];	/* beside those of the form person */
	struct corpus_case cases[KEPT];
};

struct corpus_province {
	struct corpus_province_options options;
	const struct form *forms[SHARES];
	unsigned sum;			/* of the shares */
	uint64_t random;
	size_t made;
	int64_t first_day, days;
	struct commune *communes;
	char pool[CORPUS_POOL_BYTES];
};

enum rc
corpus_province_new(const struct corpus_province_options *options, struct corpus_province **out)
{
	const struct date first = { 2022, 1, 3 }, last = { 2026, 10, 30 };
	struct corpus_province *c;

	*out = NULL;
	if (options->n == 0 || options->n > CORPUS_RECORDS_MAX || options->communes == 0 ||
	    options->communes > CORPUS_PROVINCE_COMMUNES_MAX)
		return RC_LIMIT;
	if ((c = calloc(1, sizeof(*c))) == NULL ||
	    (c->communes = calloc(options->communes, sizeof(*c->communes))) == NULL) {
		free(c);
		return RC_NOMEM;
	}
	c->options = *options;
	c->random = options->seed;
	c->first_day = date_to_days(&first);
	c->days = date_to_days(&last) - c->first_day + 1;
	for (size_t i = 0; i < options->communes; i++)
		snprintf(c->communes[i].code, sizeof(c->communes[i].code), "%05zu",
		    (size_t)6001 + 7 * i);
	for (size_t i = 0; i < SHARES; i++) {
		c->sum += shares[i].of_10000;
		if ((c->forms[i] = form_set_find(options->forms, shares[i].form)) == NULL) {
			corpus_province_free(c);
			return RC_CONFIG;
		}
	}
	*out = c;
	return RC_OK;
}

void
corpus_province_free(struct corpus_province *c)
{
	if (c == NULL)
		return;
	free(c->communes);
	free(c);
}

const char *
corpus_province_commune(const struct corpus_province *c, size_t i)
{
	return c->communes[i].code;
}

/* ---- which record comes next ---- */

static size_t
share_of(const char *form)
{
	size_t i = 0;

	while (i < SHARES && strcmp(shares[i].form, form) != 0)
		i++;
	return i;
}

static size_t
draw(struct corpus_province *c)
{
	size_t at = corpus_below(&c->random, c->sum), i = 0;

	while (at >= shares[i].of_10000)
		at -= shares[i++].of_10000;
	return i;
}

static bool
has_some(const struct commune *at, const char *form)
{
	size_t i = share_of(form);

	return i < SHARES && at->forms[i].n > 0;
}

/* A person without a case, of the last ones; KEPT: none. */
static size_t
without_case(const struct commune *at)
{
	size_t i = 0, n = at->forms[share_of("person")].n;

	while (i < KEPT && (i >= n || at->persons[i].has_case))
		i++;
	return i;
}

/* What must be there before it, if it is not. */
static const char *
missing(const struct commune *at, const struct form *form)
{
	if (strcmp(form->name, "case") == 0)
		return without_case(at) == KEPT ? "person" : NULL;
	for (size_t i = 0; i < form->n_fields; i++) {
		const struct form_field *f = &form->fields[i];

		if (f->refers != NULL && f->required && !has_some(at, f->refers))
			return f->refers;
	}
	return NULL;
}

/* ---- what it refers to ---- */

static size_t
some_kept(struct corpus_province *c, const struct kept *k)
{
	return corpus_below(&c->random, k->n < KEPT ? k->n : KEPT);
}

/*
 * Its references: first to what is neither case nor person, since that knows its case.  Each field
 * is answered when it must be, else half of the time.
 */
static size_t
put_references(struct corpus_province *c, struct corpus_sheet *s, const struct commune *at,
    const struct form *form)
{
	size_t of_case = SIZE_MAX;

	for (size_t i = 0; i < 2 * form->n_fields; i++) {
		const struct form_field *f = &form->fields[i % form->n_fields];
		bool is_case = f->refers != NULL && strcmp(f->refers, "case") == 0;
		const struct kept *k;
		size_t slot;

		if (f->refers == NULL || is_case != (i >= form->n_fields) ||
		    corpus_fill_leaves(f) || !has_some(at, f->refers) ||
		    (!f->required && corpus_below(&c->random, 2) == 0))
			continue;
		k = &at->forms[share_of(f->refers)];
		slot = some_kept(c, k);
		if (is_case && of_case == SIZE_MAX)
			of_case = k->index[slot];
		corpus_put_reference(s, f->name, is_case ? of_case : k->index[slot]);
		if (!is_case && of_case == SIZE_MAX)
			of_case = k->of_case[slot];
	}
	return of_case;
}

/* ---- the record ---- */

/* Answers of forms that corpus_answers knows; false: it is none of them. */
static bool
answer_known(struct corpus_province *c, struct corpus_sheet *s, struct commune *at, size_t share,
    size_t *of_case)
{
	const char *form = shares[share].form;
	size_t here = at->forms[share].n % KEPT;
	const struct kept *cases = &at->forms[share_of("case")];

	if (strcmp(form, "awareness_session") == 0) {
		corpus_answers_session(s);
	} else if (strcmp(form, "outreach") == 0) {
		corpus_answers_outreach(s);
	} else if (strcmp(form, "person") == 0) {
		corpus_answers_person(s, &at->persons[here]);
	} else if (strcmp(form, "case") == 0) {
		struct corpus_person *person = &at->persons[without_case(at)];

		corpus_answers_case(s, person, &at->cases[here]);
		person->has_case = true;
		*of_case = s->record->index;
	} else if (strcmp(form, "follow_up") == 0 || strcmp(form, "service_delivery") == 0) {
		struct corpus_case *of = &at->cases[some_kept(c, cases)];

		*of_case = of->index;
		if (form[0] == 'f')
			corpus_answers_follow_up(s, of);
		else
			corpus_answers_service(s, of);
	} else {
		return false;
	}
	return true;
}

/* One session in ten is other work: guidance, reviews, what is integrated elsewhere. */
static void
make_other_kind(struct corpus_province *c, const struct form *form, struct corpus_record *r)
{
	const struct form_field *kind = form_field_named(form, "kind");

	if (kind == NULL || kind->list == NULL || corpus_below(&c->random, 10) != 0)
		return;
	for (size_t i = 0; i < r->n_fields; i++)
		if (strcmp(r->fields[i].name, kind->name) == 0)
			r->fields[i].value =
			    kind->list->choices[corpus_below(&c->random, kind->list->n_choices)].code;
}

static void
answer(struct corpus_province *c, struct corpus_sheet *s, struct commune *at, size_t share)
{
	struct kept *k = &at->forms[share];
	size_t slot = k->n % KEPT, of_case = SIZE_MAX;

	bool known = answer_known(c, s, at, share, &of_case);

	if (strcmp(shares[share].form, "awareness_session") == 0)
		make_other_kind(c, c->forms[share], s->record);
	if (!known)
		of_case = put_references(c, s, at, c->forms[share]);
	corpus_fill(s, c->forms[share], known ? ANSWERED_BESIDE : ANSWERED,
	    c->first_day + c->days);
	k->index[slot] = s->record->index;
	k->of_case[slot] = of_case;
	k->n++;
}

bool
corpus_province_next(struct corpus_province *c, struct corpus_record *out)
{
	struct corpus_sheet s = { &c->random, out, c->first_day, 0, c->pool, 0 };
	struct commune *at;
	const char *before;
	size_t share;

	memset(out, 0, sizeof(*out));
	if (c->made == c->options.n)
		return false;
	out->index = c->made++;
	s.day = c->first_day + (int64_t)(out->index * (size_t)c->days / c->options.n);
	out->saved_at = s.day * DAY_SECONDS + MORNING +
	    (int64_t)(out->index * (size_t)c->days % c->options.n * 30000 / c->options.n);
	at = &c->communes[corpus_below(&c->random, c->options.communes)];
	out->commune = at->code;
	share = c->options.persons ? share_of("person") : draw(c);
	while ((before = missing(at, c->forms[share])) != NULL)
		share = share_of(before);
	out->form = shares[share].form;
	answer(c, &s, at, share);
	return true;
}
