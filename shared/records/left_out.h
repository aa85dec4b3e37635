#ifndef SHARED_RECORDS_LEFT_OUT_H
#define SHARED_RECORDS_LEFT_OUT_H

/*
 * left_out: entries that are here and that the fold leaves out: their device was retired before
 * they were known (journal.h, "limit"), or was copied while it ran, so that two went on with one
 * log (branch.h).  A supervisor reads them, and releases them by entering them again.
 */
#include "shared/records/record.h"

struct left_out {
	struct dot dot;
	struct dot name;		/* of a branch's entry its own (branch.h), else the dot */
	bool forked;
	uint8_t after[ENTRY_HEAD_BYTES];	/* h(n) */
	uint8_t device[ENTRY_DEVICE_BYTES];
	struct journal_scope scope;
	struct entry entry;		/* decoded, of a branch as it is entered again; borrowed for the call */
	bool released;			/* an entry that counts restates it */
	bool waits;			/* not released yet, since one of its branch before it has not come */
};
/* Each one of a device (NULL: of all), by device, retired before forked, then by dot. */
enum rc left_out_each(struct sqlite3 *db, const uint8_t *device,
    enum rc (*each)(void *ctx, const struct left_out *one), void *ctx,
    struct error *err) RC_CHECK;

/*
 * Enter again what was not released yet: of a device, and only the entry of this name if `only`
 * is given (device may be NULL then).  In the caller's transaction.  *released: how many.
 * RC_NOTFOUND: there is none.  RC_BUSY: there is, and something before it has not come.
 */
enum rc left_out_release(const struct record_context *c, const uint8_t *device,
    const struct dot *only, size_t *released, struct error *err) RC_CHECK;

#endif
