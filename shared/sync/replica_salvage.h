#ifndef SHARED_SYNC_REPLICA_SALVAGE_H
#define SHARED_SYNC_REPLICA_SALVAGE_H

/*
 * replica_salvage: a device's vault whose database is damaged.  The journal, the directory,
 * keys and frames are brought over as far as they can be read; what is derived is left
 * out, to be folded again.  Logs that lost entries end before the first that is gone, as if
 * the rest had not come yet, and the next sync asks the relay for everything again.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "shared/base/rc.h"
#include "shared/records/entry.h"

struct sqlite3;
struct vault;

enum { REPLICA_LOST_NAMED_MAX = 20 };

struct replica_salvage {
	uint64_t entries, lost;		/* of the journal: here; known of and not readable */
	uint64_t own_lost;		/* of these, perhaps never sent: of this device, or whose log is gone */
	struct dot named[REPLICA_LOST_NAMED_MAX];	/* the first that are lost */
	size_t n_named;
	bool keys_lost;			/* of the device or a scope: join again */
	bool statements_lost;		/* of the directory: they come again with a sync */
};

/* Entries that the table of logs knows of and that cannot be read. */
enum rc replica_count_lost(struct sqlite3 *db, struct replica_salvage *out,
    struct error *err) RC_CHECK;

/* v is no replica yet; afterwards replica_open and fold_rebuild. */
enum rc replica_salvage(struct vault *v, struct replica_salvage *out, struct error *err) RC_CHECK;

#endif
