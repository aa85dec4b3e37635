/* A device that was shut out: when nothing would be lost with it. */
#include "shared/records/journal.h"
#include "shared/sync/replica_internal.h"
#include "shared/vault/query.h"

enum rc
replica_may_wipe(struct replica *r, bool *out, struct error *err)
{
	const struct device *d = directory_device(r->directory, r->identity.device);
	uint64_t unsealed;
	int64_t owed;
	enum rc rc;

	*out = false;
	/* refused is not retired: it may be admitted after all */
	if (d == NULL || d->state != DEVICE_RETIRED)
		return RC_OK;
	if ((rc = journal_count_unsealed(r->db, &unsealed, err)) != RC_OK ||
	    (rc = query_int(r->db, err, &owed, "SELECT EXISTS (SELECT 1 FROM frame WHERE state = ?1"
	    " OR forward = 1)", "i", (int64_t)REPLICA_UNSENT)) != RC_OK)
		return rc;
	*out = unsealed == 0 && owed == 0;
	return RC_OK;
}
