#ifndef SHARED_RECORDS_REFERRAL_H
#define SHARED_RECORDS_REFERRAL_H

/*
 * referral: a case handed to another unit (architecture section 5 "Referral and transfer",
 * formats.md "Referral").  Each side has a referral record in its own scope and edits only
 * its own; into the other's it writes as a guest (guest.h).  The receiver gets copies of case,
 * person, consent and what the consent covers, each with `continues` = the id of the original.
 *
 * Changing functions run in the caller's transaction, as those of record.h.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "shared/base/rc.h"
#include "shared/records/record.h"

enum {
	REFERRAL_COPIES_MAX = 2000,	/* records handed over at once */
	REFERRAL_DAYS_MAX = 180,	/* the longest wait for an answer */
	REFERRAL_DAYS = 30		/* unless another is given */
};

struct referral_terms {
	const char *to_unit;
	bool transfer;			/* for good */
	const struct dot *consent;	/* NULL: an emergency */
	const char *emergency_reason, *emergency_second;	/* both, or neither */
	const char *reason;		/* code of referral_reason; NULL: not said */
	const char *services;		/* codes with commas; NULL: none */
	const char *by_wish;		/* yes, no, NULL */
	unsigned days;			/* until an answer is due */
	bool to_ngo;			/* the receiver is no agency of the state */
	/* Is `unit` the same as `above` or below it? */
	bool (*within)(void *ctx, const char *unit, const char *above);
	void *within_ctx;
};

struct referral_sent {
	struct dot new_case;		/* in the receiver's scope */
	struct dot incoming;		/* the receiver's referral record */
	struct dot outgoing;		/* the sender's */
	size_t copies;			/* records handed over, these three left out */
	size_t withheld;		/* records that the consent does not cover */
};

/*
 * Hand a case over.  RC_DENIED: no consent that covers it, with what to do about it.
 * RC_INVALID: no case, the same unit.  RC_CONFLICT: a record to be copied has several values,
 * which a person settles first (not in an emergency: what is displayed goes).  RC_EXISTS: it
 * waits for an answer of that unit already.  RC_CONFIG: the forms know no referral.
 */
enum rc referral_send(const struct record_context *c, const struct dot *case_id,
    const struct referral_terms *t, struct referral_sent *out, struct error *err) RC_CHECK;

/*
 * Answer one that came; id: of the incoming referral, or of its case.  who: who answers, may be
 * NULL.  A reason is needed to decline, and to answer once more.  dot: the new entry.
 */
enum rc referral_answer(const struct record_context *c, const struct dot *id, bool accept,
    const char *reason, const char *who, struct dot *dot, struct error *err) RC_CHECK;
/*
 * Nobody answered; id: of the outgoing referral, or of its case.  Before the answer is due it
 * takes a reason: then it is withdrawn.
 */
enum rc referral_lapse(const struct record_context *c, const struct dot *id, const char *reason,
    struct dot *dot, struct error *err) RC_CHECK;

/* The story --------------------------------------------------------------- */

/* An entry of the sender that the receiver's copy does not have. */
struct referral_late {
	struct dot record, dot;
	uint8_t by[ENTRY_DEVICE_BYTES];
	int64_t at;
	char *fields;			/* names with commas; owned */
};

struct referral_link {
	struct dot id;			/* the referral record that is read here */
	struct dot peer;		/* the other side's referral record; log 0: not known */
	bool outgoing, transfer;
	char unit[JOURNAL_UNIT_MAX + 1];	/* the other one */
	char state[ENTRY_CODE_MAX + 1];	/* code of referral_outcome */
	bool contradicts;		/* answers that do not agree: a person must look */
	char sent_at[11], answer_by[11];
	bool emergency;
	struct dot own_case;		/* log 0: its case is not read here */
	struct dot other;		/* the other side's record of the one asked for; log 0: none */
	bool other_here;		/* and it can be read here */
	struct referral_late *late;	/* owned */
	size_t n_late;
};
struct referral_story {
	struct referral_link *links;	/* oldest first */
	size_t n_links;
};

/* Of one record (a case, a person, a child of a case, a referral), or of all (id NULL). */
enum rc referral_tell(const struct record_context *c, const struct dot *id,
    struct referral_story *out, struct error *err) RC_CHECK;
void referral_story_reset(struct referral_story *s);

/* How many that came to a unit nobody has answered. */
enum rc referral_count_waiting(const struct record_context *c, const char *unit, uint64_t *n,
    struct error *err) RC_CHECK;

#endif
