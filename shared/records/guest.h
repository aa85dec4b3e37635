#ifndef SHARED_RECORDS_GUEST_H
#define SHARED_RECORDS_GUEST_H

/*
 * guest: what may be written into a scope by a device that may not read it: a tip of a
 * communicator, a case that another unit refers, the answer to one (formats.md "Guests").
 */
#include <stdbool.h>

#include "shared/records/entry.h"

/* The form whose records two units write to, each in the other's scope. */
#define GUEST_REFERRAL_FORM "referral"

/*
 * A guest makes new records, and adds to a referral.  It replaces nothing, strikes nothing
 * through, deletes nothing: what it writes can only stand beside what is there.
 */
bool guest_may_write(const struct entry *e);

#endif
