#include "tests/support/corpus_fill.h"

#include <stdio.h>
#include <string.h>

#include "shared/base/clock.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

enum { CLOSED = 80 };	/* of a hundred cases of earlier years */

/* Where the first codes of a list are not the common ones. */
static const struct fixed {
	const char *form, *field;	/* form NULL: any */
	const char *code;
	unsigned percent;		/* of those that answer; else another of the list */
} fixed[] = {
	{ "training", "status", "HELD", 95 }, { "training", "course_kind", "TRAIN", 85 },
	{ "training_trainee", "completed", "yes", 92 }, { "referral", "direction", "OUT", 92 },
	{ "referral", "outcome", "ACCEPTED", 80 }, { "person_link", "verdict", "SAME", 85 },
	{ "consent", "decision", "GIVEN", 88 }, { "protection_measure", "refused", "no", 90 },
	{ "facility", "operating", "yes", 95 }, { "community_model", "status", "ACTIVE", 80 },
	{ "case", "class", "V_VN", 75 }, { "case", "close_reason", "REINTEGRATED", 60 }, { "staff", "role_victim_support", "yes", 60 },
	{ "missing_person", "suspect_trafficking", "unknown", 60 },
};

bool
corpus_fill_leaves(const struct form_field *field)
{
	static const char *const names[] = { "continues", "voids", "dup_of", "linked_cases",
		"previous_case", "of_delivery", "replaces", "successor", "copied_from", "parent",
		"snapshot_hash", "snapshot_tables", "snapshot_data", "valid_to", "active_to",
		"legal_regime_reason", "close_reason", "closed_on", "close_note", "group_size" };

	for (size_t i = 0; i < COUNT(names); i++)
		if (strcmp(field->name, names[i]) == 0)
			return true;
	return false;
}

static size_t
below(struct corpus_sheet *s, size_t n)
{
	return corpus_below(s->random, n);
}

static bool
has(const struct corpus_sheet *s, const char *name)
{
	for (size_t i = 0; i < s->record->n_fields; i++)
		if (strcmp(s->record->fields[i].name, name) == 0)
			return true;
	return false;
}

static bool
ends(const char *name, const char *with)
{
	size_t n = strlen(name), m = strlen(with);

	return n >= m && strcmp(name + n - m, with) == 0;
}

/* ---- by type ---- */

/* Codes that stand first are the common ones. */
static const char *
some_code(struct corpus_sheet *s, const struct form *form, const struct form_field *f)
{
	size_t a = below(s, f->list->n_choices), b = below(s, f->list->n_choices);

	for (size_t i = 0; i < COUNT(fixed); i++)
		if (strcmp(fixed[i].form, form->name) == 0 && strcmp(fixed[i].field, f->name) == 0 &&
		    form_choice_find(f->list, fixed[i].code) != NULL && below(s, 100) < fixed[i].percent)
			return fixed[i].code;
	return f->list->choices[a < b ? a : b].code;
}

static void
put_codes(struct corpus_sheet *s, const struct form *form, const struct form_field *f)
{
	size_t n = 1 + below(s, 3);

	for (size_t i = 0, from = s->record->n_fields; i < n; i++) {
		const char *code = some_code(s, form, f);
		bool there = false;

		for (size_t k = from; k < s->record->n_fields; k++)
			there = there || strcmp(s->record->fields[k].value, code) == 0;
		if (!there)
			corpus_put(s, f->name, code);
	}
}

static void
put_number(struct corpus_sheet *s, const struct form_field *f)
{
	struct date d;
	size_t n = below(s, 12);

	date_from_days(s->day, &d);
	if (strcmp(f->name, "year") == 0)
		n = (size_t)d.year;
	else if (strcmp(f->name, "version") == 0)
		n = 1;
	else if (ends(f->name, "_vnd"))
		n = (1 + below(s, 80)) * 500000;
	else if (strncmp(f->name, "participants", 12) == 0 || strcmp(f->name, "reach") == 0 ||
	    strncmp(f->name, "copies", 6) == 0)
		n = 10 + below(s, 300);
	else if (strcmp(f->name, "est_age") == 0 || strcmp(f->name, "age_trafficked") == 0)
		n = 12 + below(s, 35);
	corpus_put_text(s, f->name, "%zu", n);
}

static void
put_date(struct corpus_sheet *s, const struct form_field *f)
{
	static const char *const later[] = { "date_to", "date_end", "due", "answer_by", "due_date",
		"solved_at", "replied_at", "received_at", "withdrawn_at", "accepted_at" };
	struct date d;
	int64_t day = s->day - (int64_t)below(s, 6);

	date_from_days(s->day, &d);
	for (size_t i = 0; i < COUNT(later); i++)
		if (strcmp(f->name, later[i]) == 0)
			day = s->day + (int64_t)below(s, 60);
	if (strncmp(f->name, "period_", 7) == 0) {
		bool second = d.month > 6, end = ends(f->name, "_end");

		corpus_put_text(s, f->name, "%d-%s", d.year, second ? (end ? "12-31" : "07-01") :
		    end ? "06-30" : "01-01");
		return;
	}
	if (strcmp(f->name, "birth_date") == 0)
		day = s->day - 4380 - (int64_t)below(s, 12000);
	else if (strcmp(f->name, "active_from") == 0 || strcmp(f->name, "assigned_from") == 0)
		day = s->day - (int64_t)below(s, 900);
	corpus_put_day(s, f->name, day);
}

static void
put_words(struct corpus_sheet *s, const struct form_field *f)
{
	static const char *const orgs[] = { "Công an xã", "Hội Liên hiệp Phụ nữ xã", "Trạm Y tế xã",
		"Đồn Biên phòng", "Ủy ban nhân dân xã", "Phòng Văn hóa – Xã hội", "Sở Y tế",
		"Trung tâm Công tác xã hội", "Đoàn Thanh niên xã", "Trường Trung học cơ sở" };
	const struct corpus_words *stocks[] = { &corpus_session_notes, &corpus_outreach_notes,
		&corpus_follow_up_notes, &corpus_narratives };
	struct date d;

	date_from_days(s->day, &d);
	if (form_field_looks(f, "commune") || ends(f->name, "_commune") ||
	    ends(f->name, "_unit") || strcmp(f->name, "admin_code") == 0)
		corpus_put(s, f->name, s->record->commune);
	else if (strcmp(f->name, "plan") == 0)
		corpus_put_text(s, f->name, "KH-%d", d.year);
	else if (strcmp(f->name, "plan_task") == 0)
		corpus_put_text(s, f->name, "%zu.%zu", 1 + below(s, 5), 1 + below(s, 9));
	else if (strcmp(f->name, "month_day") == 0)
		corpus_put(s, f->name, "06-20");
	else if (form_field_looks(f, "multiline"))
		corpus_put(s, f->name, corpus_word(s, stocks[below(s, 4)]));
	else if (ends(f->name, "name") || ends(f->name, "_by") || ends(f->name, "worker"))
		corpus_put_name(s, f->name, corpus_some_people(s), below(s, 2) == 0);
	else if (ends(f->name, "phone"))
		corpus_put_text(s, f->name, "09%08zu", below(s, 100000000));
	else if (ends(f->name, "_no") || ends(f->name, "number") || ends(f->name, "_doc"))
		corpus_put_text(s, f->name, "%zu/QĐ-UBND", 1 + below(s, 900));
	else if (ends(f->name, "url"))
		corpus_put(s, f->name, "https://example.vn/tin");
	else
		corpus_put(s, f->name, orgs[below(s, COUNT(orgs))]);
}

/* ---- the whole form ---- */

static void
answer(struct corpus_sheet *s, const struct form *form, const struct form_field *f)
{
	switch (f->type) {
	case FORM_TEXT:
		put_words(s, f);
		break;
	case FORM_INTEGER:
	case FORM_DECIMAL:
		put_number(s, f);
		break;
	case FORM_DATE:
		put_date(s, f);
		break;
	case FORM_SELECT_ONE:
		corpus_put(s, f->name, some_code(s, form, f));
		break;
	case FORM_SELECT_MULTIPLE:
		put_codes(s, form, f);
		break;
	case FORM_NOTE:
	case FORM_REFERENCE:
	case FORM_CALCULATE:
		break;
	}
}

/* Most cases of earlier years are closed. */
static void
close_case(struct corpus_sheet *s, const struct form *form, int64_t end)
{
	const struct form_field *f = form_field_named(form, "close_reason");
	int64_t day = s->day + 90 + (int64_t)below(s, 500);

	if (has(s, "close_reason") || f == NULL || day >= end || below(s, 100) >= CLOSED)
		return;
	corpus_put(s, "close_reason", some_code(s, form, f));
	corpus_put_day(s, "closed_on", day);
}

/* A statement of several fields is answered as a whole, at its first one. */
static void
answer_statement(struct corpus_sheet *s, const struct form *form, const struct form_field *f)
{
	const struct form_group *g = f->group < 0 ? NULL : &form->groups[f->group];

	if (g == NULL)
		answer(s, form, f);
	for (size_t i = 0; g != NULL && i < g->n_fields; i++)
		answer(s, form, &form->fields[g->fields[i]]);
}

static bool
is_begun(const struct corpus_sheet *s, const struct form *form, const struct form_field *f)
{
	const struct form_group *g = f->group < 0 ? NULL : &form->groups[f->group];

	for (size_t i = 0; g != NULL && i < g->n_fields; i++)
		if (has(s, form->fields[g->fields[i]].name))
			return true;
	return has(s, f->name);
}

void
corpus_fill(struct corpus_sheet *s, const struct form *form, unsigned percent, int64_t end)
{
	if (strcmp(form->name, "case") == 0)
		close_case(s, form, end);
	for (size_t i = 0; i < form->n_fields; i++) {
		const struct form_field *f = &form->fields[i];

		if (f->number != 0 && !corpus_fill_leaves(f) && !is_begun(s, form, f) &&
		    (f->required || below(s, 100) < percent))
			answer_statement(s, form, f);
	}
}
