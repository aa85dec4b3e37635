#ifndef FIELD_COMMANDS_REFERRAL_H
#define FIELD_COMMANDS_REFERRAL_H

/* commands_referral: what `show` says of a record that was handed over, or came so. */
#include "field/call.h"

struct dot;
struct json_t;
struct record_view;

/* "referrals": [...] into the object of `show`, if there are any. */
enum rc commands_referral_json(struct call *c, const struct record_view *v,
    struct json_t *into) RC_CHECK;
enum rc commands_referral_print(struct call *c, const struct record_view *v) RC_CHECK;
/* What was deleted here and stands with another unit all the same: say how to take it back. */
void commands_referral_deleted(struct call *c, const struct dot *id);

#endif
