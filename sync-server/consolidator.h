#ifndef SYNC_SERVER_CONSOLIDATOR_H
#define SYNC_SERVER_CONSOLIDATOR_H

/*
 * consolidator: the province's replica without a screen.  A round takes what the
 * relay has, writes the reports, backs the vault up, and only then signs for what
 * it holds (architecture section 6, receipts).
 */
#include <stdbool.h>
#include <stddef.h>

#include "shared/base/clock.h"
#include "shared/base/rc.h"
#include "shared/forms/form.h"
#include "shared/sync/replica.h"

struct transport;
struct vault;

struct consolidator_plan {
	const char *reports;	/* folder for consolidated.xlsx and a CSV a report, or NULL */
	const char *public_reports;	/* folder for the same as the public may have it, or NULL */
	int64_t threshold;	/* of what is for the public (report.h) */
	const char *backup;	/* folder for backups, or NULL: then nothing is signed */
	struct date from, to;	/* of the reports, both days included */
	enum form_lang lang;
};

struct consolidator_result {
	struct replica_sync_result sync;
	size_t reports;			/* written */
	size_t reports_left_out;	/* the published forms do not fit them */
	bool backed_up;
	size_t receipts;		/* signed and handed to the relay */
};

/*
 * One round.  What was done before an error stays done.  RC_DENIED: the vault is not
 * a holder's device.  Besides what replica_sync, workbook_write and
 * consolidator_backup return.
 */
enum rc consolidator_round(struct vault *v, struct replica *r, struct transport *t,
    const struct consolidator_plan *plan, struct consolidator_result *out,
    struct error *err) RC_CHECK;

/*
 * Copy the open vault, sealed as it is, to dir/last, synced to the disk; the copy
 * before becomes dir/previous.  There is a whole one at any time from the second on.
 */
enum rc consolidator_backup(struct vault *v, const char *dir, struct error *err) RC_CHECK;

#endif
