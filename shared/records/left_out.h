#ifndef SHARED_RECORDS_LEFT_OUT_H
#define SHARED_RECORDS_LEFT_OUT_H

/*
 * left_out: entries that are here and that the fold leaves out, since their device was retired
 * before they were known (journal.h, "limit").  A supervisor reads them, and releases
 * them by entering them again (record_restate).
 */
#include "shared/records/record.h"

struct left_out {
	struct dot dot;
	uint8_t device[ENTRY_DEVICE_BYTES];
	struct journal_scope scope;
	struct entry entry;		/* decoded; borrowed for the call */
	bool released;			/* an entry that counts restates it */
};
/* Each one of a device (NULL: of all), by device, then by dot. */
enum rc left_out_each(struct sqlite3 *db, const uint8_t *device,
    enum rc (*each)(void *ctx, const struct left_out *one), void *ctx,
    struct error *err) RC_CHECK;

/*
 * Enter again what was not released yet: of a device, and only one entry of it if `only` is
 * given (device may be NULL then).  In the caller's transaction.  *released: how many.
 * RC_NOTFOUND: there is none.
 */
enum rc left_out_release(const struct record_context *c, const uint8_t *device,
    const struct dot *only, size_t *released, struct error *err) RC_CHECK;

#endif
