#ifndef SHARED_RECORDS_REFERRAL_PARTS_H
#define SHARED_RECORDS_REFERRAL_PARTS_H

/* referral_parts: what the files of referral share; nobody else includes it. */
#include "shared/base/bytes.h"
#include "shared/records/guest.h"
#include "shared/records/record_parts.h"
#include "shared/records/referral.h"

/* One record that was handed over, or (copy.log 0) withheld. */
struct referral_copy {
	struct dot original, copy;
	char *seen;		/* entries of the original that the sender had; owned */
};

struct referral_package {
	const struct record_context *c;
	const struct referral_terms *terms;
	const char *shares;	/* codes of consent_share with blanks around each */
	struct referral_copy *copies;
	size_t n, cap;
	size_t withheld;
	struct error *err;
};
void referral_package_reset(struct referral_package *p);

/* Copy one record, its references rewritten to copies that were made before. */
enum rc referral_copy_record(struct referral_package *p, const struct dot *original,
    struct dot *copy) RC_CHECK;
/* Living records of other forms that refer to a case, each once. */
typedef enum rc referral_each_child(void *ctx, const struct form *form, const struct dot *id);
enum rc referral_children(const struct record_context *c, const struct dot *case_id,
    referral_each_child *each, void *ctx, struct error *err) RC_CHECK;
/* The records of other forms that refer to the case: copied if the consent covers them. */
enum rc referral_copy_children(struct referral_package *p, const struct dot *case_id) RC_CHECK;

/*
 * Does the consent allow it?  *shares: what it covers beyond the least, codes with blanks
 * around each; the caller's.  RC_DENIED with what to do.
 */
enum rc referral_consent_check(const struct record_context *c, const struct referral_terms *t,
    const struct dot *case_id, const struct dot *person, char **shares,
    struct error *err) RC_CHECK;

/* The forms that referrals need.  RC_CONFIG. */
enum rc referral_form(const struct record_context *c, const char *name,
    const struct form **out, struct error *err) RC_CHECK;
/* The displayed value of a field, "" if there is none. */
const char *referral_value(const struct record_view *v, const char *field);
/* Is a code among the values of a list field that are not struck through? */
bool referral_has(const struct record_view *v, const char *field, const char *code);
bool referral_is_conflict(const struct record_view *v, const char *field);
/* Today in the local time zone, ISO; and a number of days later. */
void referral_day(const struct record_context *c, unsigned later, char out[11]);

/* Entries that a state was made of: "log.n-m log.n ...", ascending. */
enum rc referral_seen_write(const struct register_state *s, struct bytes *out) RC_CHECK;
bool referral_seen_has(const char *seen, const struct dot *dot);

#endif
