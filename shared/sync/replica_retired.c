/* A device that was shut out: by whom, and when nothing would be lost with it. */
#include <stdlib.h>

#include "shared/records/journal.h"
#include "shared/sync/replica_internal.h"
#include "shared/vault/query.h"

enum rc
replica_is_retired(struct replica *r, bool *out, struct error *err)
{
	const struct device *d = directory_device(r->directory, r->identity.device);
	struct bytes statement;
	struct device self;
	enum rc rc;

	/* refused is not retired: it may be admitted after all */
	*out = d != NULL && d->state == DEVICE_RETIRED;
	if (*out)
		return RC_OK;
	bytes_init(&statement);
	rc = query_blob(r->db, err, &statement, "SELECT value FROM setting WHERE name = 'retirement'", "");
	/* where the chain has come so far, it alone says what holds */
	if (rc == RC_OK && directory_retirement_read(r->directory, statement.data, statement.len,
	    r->identity.device, &self) == RC_OK) {
		*out = true;
		free(self.heads);
	}
	bytes_reset(&statement);
	return rc == RC_NOTFOUND ? RC_OK : rc;
}

enum rc
replica_may_wipe(struct replica *r, bool *out, struct error *err)
{
	uint64_t unsealed;
	int64_t owed;
	bool retired;
	enum rc rc;

	*out = false;
	if ((rc = replica_is_retired(r, &retired, err)) != RC_OK || !retired)
		return rc;
	if ((rc = journal_count_unsealed(r->db, &unsealed, err)) != RC_OK ||
	    (rc = query_int(r->db, err, &owed, "SELECT EXISTS (SELECT 1 FROM frame WHERE state = ?1"
	    " OR forward = 1)", "i", (int64_t)REPLICA_UNSENT)) != RC_OK)
		return rc;
	*out = unsealed == 0 && owed == 0;
	return RC_OK;
}
