#include "shared/sync/replica_heads.h"

#include <string.h>

#include "shared/base/bytes.h"
#include "shared/vault/query.h"

/* Setting "heard": the earliest statement that somebody knew and we do not. */
enum { SEQ_AT = 0, HEAD_AT = 8, DEVICE_AT = 24, WAITED_AT = 40, HEARD_BYTES = 41 };

static enum rc
compare(struct replica *r, const uint8_t ours[16], const uint8_t theirs[16], const uint8_t device[16])
{
	return memcmp(ours, theirs, 16) == 0 ? RC_OK :
	    replica_event(r, "directory-fork", replica_name_of(r, device));
}

enum rc
replica_heads_heard(struct replica *r, const struct frame_header *h, struct error *err)
{
	uint8_t heard[HEARD_BYTES], head[16];
	enum rc rc;

	if (directory_head_at(r->directory, h->directory_seq, head))
		return compare(r, head, h->directory_head, h->device);
	rc = replica_setting_get(r->db, "heard", heard, sizeof(heard), err);
	/* the earliest: who invents a later one hides nothing by that */
	if (rc != RC_NOTFOUND && (rc != RC_OK || bytes_load64(heard + SEQ_AT) <= h->directory_seq))
		return rc;
	bytes_store64(heard + SEQ_AT, h->directory_seq);
	memcpy(heard + HEAD_AT, h->directory_head, sizeof(h->directory_head));
	memcpy(heard + DEVICE_AT, h->device, sizeof(h->device));
	return replica_setting_put(r->db, "heard", heard, sizeof(heard), err);
}

enum rc
replica_heads_weigh(struct replica *r, bool at_hub, struct error *err)
{
	uint8_t heard[HEARD_BYTES], head[16];
	enum rc rc = replica_setting_get(r->db, "heard", heard, sizeof(heard), err);

	if (rc != RC_OK)
		return rc == RC_NOTFOUND ? RC_OK : rc;
	if (directory_head_at(r->directory, bytes_load64(heard + SEQ_AT), head)) {
		if ((rc = compare(r, head, heard + HEAD_AT, heard + DEVICE_AT)) == RC_OK)
			rc = query_run(r->db, err, "DELETE FROM setting WHERE name = 'heard'", "");
		return rc;
	}
	if (at_hub)
		return RC_OK;
	/* its author may have come with it to the relay a moment before the statement */
	if (heard[WAITED_AT] != 0)
		return replica_event(r, "directory-withheld", replica_name_of(r, heard + DEVICE_AT));
	heard[WAITED_AT] = 1;
	return replica_setting_put(r->db, "heard", heard, sizeof(heard), err);
}
