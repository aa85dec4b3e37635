#ifndef SHARED_RECORDS_RECORD_RULES_H
#define SHARED_RECORDS_RECORD_RULES_H

/* record_rules: what a change must obey, and the register `alive`. */
#include "shared/records/record_parts.h"

/*
 * Would the record, with these changes, break a rule of its form?  A rule that is broken
 * already, in a field that is not being written, does not stand in the way.
 */
enum rc record_rules_check(const struct record_context *c, const struct record_opened *o,
    const struct answers *changes, struct error *err) RC_CHECK;
/* `highest` lowered or `deny_wins` lifted: RC_INVALID without a reason. */
enum rc record_rules_lowering(const struct merged_field *f, const struct value *to,
    const char *reason, struct error *err) RC_CHECK;
/* Write `alive`, replacing what was seen (seen: a token, or NULL for what is live). */
enum rc record_rules_set_alive(const struct record_context *c, const struct record_opened *o,
    bool alive, const char *seen, const char *reason, struct dot *dot,
    struct error *err) RC_CHECK;
void record_rules_sort_members(struct value_member *m, size_t n);
/* Today in the local time zone, in days since 1970. */
int64_t record_rules_today(const struct record_context *c);

#endif
