#include "shared/sync/replica_relay.h"

#include <stdio.h>
#include <string.h>

#include "shared/sync/replica_internal.h"
#include "shared/vault/query.h"

enum { PREFIX_MAX = 4 + 2 * IDENTITY_ID_BYTES, NAME_MAX_BYTES = 320 };

#define OF_A_RELAY "('generation', 'nonce', 'position', 'lanes', 'audit', 'rate', 'refused')"

bool
replica_is_hub(const struct replica *r, const uint8_t relay[16])
{
	const struct device *d = directory_device(r->directory, relay);

	return d != NULL && d->role == ROLE_RELAY && directory_unit(r->directory, d->unit) != NULL;
}

enum rc
replica_at_hub(struct replica *r, bool *hub, struct error *err)
{
	uint8_t relay[IDENTITY_ID_BYTES];
	enum rc rc = replica_setting_get(r->db, "relay", relay, sizeof(relay), err);

	*hub = rc == RC_OK && replica_is_hub(r, relay);
	return rc == RC_NOTFOUND ? RC_OK : rc;
}

static void
prefix_of(const uint8_t relay[IDENTITY_ID_BYTES], char out[PREFIX_MAX + 1])
{
	memcpy(out, "of ", 3);
	bytes_hex(relay, IDENTITY_ID_BYTES, out + 3);
	strcat(out, " ");
}

/* Put the cursor of a relay aside. */
static enum rc
put_aside(struct replica *r, const uint8_t relay[IDENTITY_ID_BYTES], struct error *err)
{
	char prefix[PREFIX_MAX + 1];
	enum rc rc;

	prefix_of(relay, prefix);
	rc = query_run(r->db, err, "DELETE FROM setting WHERE name GLOB ?1 || '*'", "t", prefix);
	if (rc == RC_OK)
		rc = query_run(r->db, err, "INSERT INTO setting(name, value) SELECT ?1 || name, value"
		    " FROM setting WHERE name IN " OF_A_RELAY, "t", prefix);
	if (rc == RC_OK)
		rc = query_run(r->db, err, "INSERT INTO setting(name, value)"
		    " SELECT ?1 || 'lane ' || name, CAST(position AS TEXT) FROM lane", "t", prefix);
	return rc;
}

static enum rc
take_up(struct replica *r, const uint8_t relay[IDENTITY_ID_BYTES], struct error *err)
{
	char prefix[PREFIX_MAX + 1];
	enum rc rc;

	prefix_of(relay, prefix);
	rc = query_run(r->db, err, "DELETE FROM setting WHERE name IN " OF_A_RELAY, "");
	if (rc == RC_OK)
		rc = query_run(r->db, err, "DELETE FROM lane", "");
	if (rc == RC_OK)
		rc = query_run(r->db, err, "INSERT INTO setting(name, value)"
		    " SELECT substr(name, length(?1) + 1), value FROM setting WHERE name GLOB ?1 || '*'"
		    " AND NOT name GLOB ?1 || 'lane *'", "t", prefix);
	if (rc == RC_OK)
		rc = query_run(r->db, err, "INSERT INTO lane(name, position)"
		    " SELECT substr(name, length(?1) + 6), CAST(value AS INTEGER) FROM setting"
		    " WHERE name GLOB ?1 || 'lane *'", "t", prefix);
	return rc;
}

enum rc
replica_meet_relay(struct replica *r, const uint8_t relay[16], bool *switched, struct error *err)
{
	uint8_t before[IDENTITY_ID_BYTES], hub[IDENTITY_ID_BYTES];
	enum rc rc;

	*switched = false;
	rc = replica_setting_get(r->db, "relay", before, sizeof(before), err);
	if (rc == RC_OK && memcmp(before, relay, sizeof(before)) == 0)
		return RC_OK;
	*switched = rc == RC_OK;
	if (rc == RC_OK && (rc = put_aside(r, before, err)) == RC_OK)
		rc = take_up(r, relay, err);
	if (rc != RC_OK && rc != RC_NOTFOUND)
		return rc;
	if ((rc = replica_setting_put(r->db, "relay", relay, sizeof(before), err)) != RC_OK ||
	    !replica_is_hub(r, relay))
		return rc;
	/* what another hub has may never come from there */
	rc = replica_setting_get(r->db, "hub", hub, sizeof(hub), err);
	if (rc == RC_OK && memcmp(hub, relay, sizeof(hub)) == 0)
		return RC_OK;
	if (rc != RC_OK && rc != RC_NOTFOUND)
		return rc;
	if (rc == RC_OK)
		rc = replica_forget_receipts(r, hub, err);
	else
		rc = RC_OK;
	if (rc == RC_OK && (rc = replica_forget_hub(r, err)) == RC_OK)
		rc = replica_setting_put(r->db, "hub", relay, sizeof(hub), err);
	return rc;
}

enum rc
replica_expect_relay(struct replica *r, const char *url, struct error *err)
{
	uint8_t relay[IDENTITY_ID_BYTES];
	char name[NAME_MAX_BYTES];
	bool switched;
	enum rc rc;

	snprintf(name, sizeof(name), "at %s", url);
	rc = replica_setting_get(r->db, name, relay, sizeof(relay), err);
	if (rc != RC_OK)
		return rc == RC_NOTFOUND ? RC_OK : rc;
	/* the cursor of one relay must not stand beside the name of another when the disk is full */
	if ((rc = replica_begin(r, err)) == RC_OK)
		rc = replica_end(r, replica_meet_relay(r, relay, &switched, err), err);
	return rc;
}

enum rc
replica_remember_address(struct replica *r, const char *url, const uint8_t relay[16],
    struct error *err)
{
	uint8_t known[IDENTITY_ID_BYTES];
	char name[NAME_MAX_BYTES];
	enum rc rc;

	snprintf(name, sizeof(name), "at %s", url);
	rc = replica_setting_get(r->db, name, known, sizeof(known), err);
	if (rc == RC_OK && memcmp(known, relay, sizeof(known)) == 0)
		return RC_OK;
	return rc != RC_OK && rc != RC_NOTFOUND ? rc :
	    replica_setting_put(r->db, name, relay, sizeof(known), err);
}

enum rc
replica_ask_lane_again(struct replica *r, const char *lane, struct error *err)
{
	/* a request that is on its way does not know of it: its answer must not move this lane */
	enum rc rc = query_run(r->db, err, "UPDATE lane SET position = -2 WHERE name = ?1", "t", lane);

	return rc != RC_OK ? rc : query_run(r->db, err, "UPDATE setting SET value = '0'"
	    " WHERE name GLOB 'of *' AND substr(name, ?2) = 'lane ' || ?1", "ti", lane,
	    (int64_t)PREFIX_MAX + 1);
}

enum rc
replica_forget_hub(struct replica *r, struct error *err)
{
	enum rc rc = query_run(r->db, err, "UPDATE frame SET forward = ?1 WHERE forward = ?2", "ii",
	    (int64_t)FORWARD_NOT, (int64_t)FORWARD_OWN_AT_HUB);

	return rc != RC_OK ? rc : query_run(r->db, err, "UPDATE frame SET forward = ?1"
	    " WHERE forward = ?2", "ii", (int64_t)FORWARD_CARRIED, (int64_t)FORWARD_CARRIED_AT_HUB);
}

enum rc
replica_left_at_hub(struct replica *r, const uint8_t frame[32], struct error *err)
{
	enum rc rc = query_run(r->db, err, "UPDATE frame SET forward = ?2 WHERE id = ?1 AND state = ?3"
	    " AND forward <> ?2", "bii", frame, (size_t)FRAME_ID_BYTES, (int64_t)FORWARD_OWN_AT_HUB, (int64_t)REPLICA_UNSENT);

	return rc != RC_OK ? rc : query_run(r->db, err, "UPDATE frame SET forward = ?2 WHERE id = ?1"
	    " AND forward = ?3", "bii", frame, (size_t)FRAME_ID_BYTES,
	    (int64_t)FORWARD_CARRIED_AT_HUB, (int64_t)FORWARD_CARRIED);
}

enum rc
replica_was_set_aside(struct replica *r, const uint8_t frame[32], struct error *err)
{
	struct bytes device;
	enum rc rc;

	bytes_init(&device);
	rc = query_blob(r->db, err, &device, "SELECT device FROM frame WHERE id = ?1 AND state = ?2"
	    " AND forward = ?3", "bii", frame, (size_t)FRAME_ID_BYTES, (int64_t)REPLICA_WAITING,
	    (int64_t)FORWARD_CARRIED);
	/* what only waits for its key has been verified */
	if (rc == RC_OK && (device.len != IDENTITY_ID_BYTES ||
	    directory_device(r->directory, device.data) == NULL))
		rc = query_run(r->db, err, "UPDATE frame SET forward = ?2 WHERE id = ?1", "bi", frame,
		    (size_t)FRAME_ID_BYTES, (int64_t)FORWARD_NOT_NOW);
	bytes_reset(&device);
	return rc == RC_NOTFOUND ? RC_OK : rc;
}

enum rc
replica_forget_set_aside(struct replica *r, struct error *err)
{
	return query_run(r->db, err, "UPDATE frame SET forward = ?1 WHERE forward = ?2 AND state = ?3",
	    "iii", (int64_t)FORWARD_CARRIED, (int64_t)FORWARD_NOT_NOW, (int64_t)REPLICA_WAITING);
}
