#ifndef SHARED_RECORDS_CASE_STORY_H
#define SHARED_RECORDS_CASE_STORY_H

/*
 * case_story: what the records of one case say together, from the typed tables (tables.h):
 * stage, state, law in force, entitlement, deadlines, consents, warnings.  All of it is
 * derived at the moment of asking and nothing is stored.  The rules are schema/rules/.
 *
 * Days are ISO texts, "" where nobody wrote one; codes are those of schema/codes/; a
 * record is its record.id (record_of_local gives its dot).
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "shared/base/arena.h"
#include "shared/base/rc.h"
#include "shared/forms/form.h"
#include "shared/records/case_rules.h"

struct sqlite3;

enum {
	CASE_STORY_ROWS_MAX = 20000,		/* of each list of a case */
	CASE_STORY_BYTES_MAX = 32 << 20
};

/* Where stories are told. */
struct case_desk {
	struct sqlite3 *db;
	const struct form_set *forms;
	const struct case_rules *rules;
	int64_t today;				/* days since 1970-01-01 */
};

struct case_event {
	int64_t id;
	const char *code, *at, *org;
	bool voided;				/* another event corrects it */
};

struct case_service {
	int64_t id;
	const char *service, *status, *from, *to;
	const char *letter;			/* of the law; "" if it is in none */
	bool outside;				/* the class of person is not entitled to it */
};

enum case_due { CASE_DUE_OPEN, CASE_DUE_OVERDUE, CASE_DUE_MET, CASE_DUE_LATE, CASE_DUE_EXTENDED,
    CASE_DUE_ENDED };

struct case_deadline {
	const char *rule;			/* list "deadline" of words.csv */
	long month;				/* of a series of follow-ups; 0: none */
	int64_t record;				/* stay, request or follow-up; else the case */
	const char *due;			/* last day in time */
	const char *done;			/* "" if it is not */
	enum case_due state;
	bool sure;				/* false: holidays of that year are not known */
	const char *source;			/* "": a worker set the day */
};

struct case_consent {
	const char *kind;			/* consent_kind */
	const char *state;			/* list "consent" of words.csv */
	const char *at, *until;			/* of the consent that decides */
	int64_t id;				/* 0: none */
};

struct case_warning {
	const char *code;			/* list "warning" of words.csv */
	const char *list, *about;		/* a code that it is about, and its list; or "" */
	int64_t record;				/* 0: the case */
};

struct case_story {
	int64_t id, person;			/* person 0: not here */
	const char *unit, *case_no;
	const char *code;			/* in place of the name; may be "" */
	const char *class, *risk;
	const char *received, *ident_result, *ident_org, *ident_doc_no, *ident_date;
	const char *close_reason, *closed_on;	/* of the case, or of its event of closing */
	bool closed, closed_by_event;		/* only an event says so */
	bool handed_over;			/* another unit took it for good, or ours has not taken it */
	bool continues;				/* it came from another unit, which verified */
	bool unsettled;				/* fields of case or person are in conflict */
	const char *stage, *stage_at;		/* furthest event that is not voided; "" */
	const char *state;			/* case_state */
	const char *regime;			/* "" if none is known */
	bool regime_chosen;			/* on the case; else by the day of reception */
	bool entitlement_known;
	struct case_entitlement entitlement;
	const char *support_began;		/* first support delivered */
	bool minor;				/* under 18 today, or may be */
	/* To be read before the contact data behind it. */
	const char *do_not_contact, *contact_note, *contact_time;
	const char *name, *phone, *address, *current_commune;
	struct case_event *events;		/* by day */
	size_t n_events;
	struct case_service *services;
	size_t n_services;
	struct case_deadline *deadlines;	/* by due day */
	size_t n_deadlines;
	struct case_consent *consents;		/* one a kind */
	size_t n_consents;
	struct case_warning *warnings;
	size_t n_warnings;
	struct arena arena;			/* all that the pointers lead to */
};

/*
 * Tell the story of a case.  RC_NOTFOUND: no living case has this id.  RC_CONFIG: the forms in
 * use know no cases.  out is to be reset in every case.
 */
enum rc case_story_tell(const struct case_desk *desk, int64_t id, struct case_story *out,
    struct error *err) RC_CHECK;
void case_story_reset(struct case_story *s);

/* One thing that is due, with no name of a person. */
struct case_due_item {
	int64_t id;				/* of the case; 0: of a request (subject_request.h) */
	const char *unit, *code;
	struct case_deadline deadline;		/* OPEN or OVERDUE */
};
struct case_due_list {
	struct case_due_item *items;		/* oldest first */
	size_t n, cap;
	struct arena arena;
};
/*
 * What is overdue, or due within so many days from today (0: today), over all cases and requests of data
 * subjects that are here.  out is to be reset in every case.
 */
enum { CASE_STORY_DUE_MAX = 1000000 };
enum rc case_story_due(const struct case_desk *desk, long days, struct case_due_list *out,
    struct error *err) RC_CHECK;
void case_story_due_reset(struct case_due_list *l);

#endif
