/* Certificates, statements, and what an erasure does to the frames that are kept. */
#include <stdio.h>
#include <string.h>

#include "shared/sync/frame.h"
#include "sync-server/relay_internal.h"

enum rc
relay_unless_bad(enum rc rc)
{
	if (rc == RC_FORMAT || rc == RC_AUTH || rc == RC_NEWER || rc == RC_PROTOCOL ||
	    rc == RC_INVALID || rc == RC_LIMIT || rc == RC_NOTFOUND)
		return RC_OK;
	return rc;
}

/* ---- certificates ---- */

enum rc
relay_take_certificate(struct depot *depot, int64_t now, const uint8_t *p, size_t len,
    struct error *err)
{
	struct certificate c;
	enum depot_standing standing;
	char lane[DEPOT_LANE_MAX];
	bool added;
	enum rc rc;

	if ((rc = depot_add_certificate(depot, p, len, now, &added, err)) != RC_OK || !added)
		return rc;
	if ((rc = identity_certificate_read(p, len, directory_root(depot_directory(depot)), &c)) !=
	    RC_OK || (rc = depot_standing(depot, c.device, &standing)) != RC_OK)
		return rc;
	relay_lane_certificates(c.invitation.unit, lane);
	if (standing == STANDING_GOOD && (rc = depot_publish(depot, c.device, lane)) != RC_OK)
		return rc;
	return relay_look_at(depot, now, FRAME_ASIDE, ASIDE_UNKNOWN_AUTHOR);
}

/* ---- erasures ---- */

/* Nothing is served any more that was sealed without knowing of an erasure in its logs. */
static enum rc
withdraw_stale(struct depot *depot)
{
	struct frame_header h = { 0 };
	struct depot_frame f = { 0 };
	struct bytes bytes;
	enum rc rc;

	bytes_init(&bytes);
	while ((rc = depot_frame_next(depot, f.key, &f)) == RC_OK) {
		bytes.len = 0;
		if (f.state != FRAME_SERVED)
			continue;
		if ((rc = depot_frame_bytes(depot, f.key, &bytes)) != RC_OK)
			break;
		if (frame_read(bytes.data, bytes.len, &h) != RC_OK)
			continue;
		if (relay_is_stale(depot, &h)) {
			f.state = FRAME_ASIDE;
			f.reason = ASIDE_ERASED;
			if ((rc = depot_withdraw(depot, f.key)) == RC_OK)
				rc = depot_change_frame(depot, &f);
		}
		frame_header_reset(&h);
		if (rc != RC_OK)
			break;
	}
	bytes_reset(&bytes);
	return rc == RC_NOTFOUND ? RC_OK : rc;
}

/* Put what was sealed again into the sequence. */
static enum rc
serve_resealed(struct depot *depot, int64_t now, const uint8_t *p, size_t len, struct error *err)
{
	struct frame_header h = { 0 };
	struct depot_frame f = { .received = now };
	uint64_t position;
	enum rc rc;

	frame_id(p, len, f.id);
	if ((rc = relay_judge(depot, p, len, &f, &h)) != RC_OK)
		goto out;
	if (f.state != FRAME_SERVED || h.kind != FRAME_RESEALED) {
		rc = error_set(err, RC_FORMAT, NULL, NULL, "a frame that was sealed again is not accepted: %s",
		    relay_reason_text(f.reason, false));
		goto out;
	}
	if ((rc = depot_put_frame(depot, &f, p, len)) == RC_OK)
		rc = relay_enter_stream(depot, now, &f, &h, &position);
out:
	frame_header_reset(&h);
	return rc;
}

enum rc
relay_take_resealed(struct depot *depot, int64_t now, const uint8_t *p, size_t len,
    struct error *err)
{
	struct depot_frame f;
	struct reader r;
	uint8_t id[FRAME_ID_BYTES];
	const uint8_t *old;
	size_t n;
	enum rc rc;

	reader_init(&r, p, len);
	n = (size_t)reader_varint_max(&r, ROOT_EXCHANGE_RELEASE_MAX);
	old = reader_take(&r, n * FRAME_ID_BYTES);
	if (r.bad || old == NULL)
		return RC_FORMAT;
	frame_id(p + r.pos, len - r.pos, id);
	if ((rc = depot_find_frame(depot, id, &f)) == RC_NOTFOUND)
		rc = serve_resealed(depot, now, p + r.pos, len - r.pos, err);
	for (size_t i = 0; i < n && rc == RC_OK; i++) {
		rc = depot_find_frame(depot, old + i * FRAME_ID_BYTES, &f);
		if (rc == RC_OK && (rc = depot_withdraw(depot, f.key)) == RC_OK)
			rc = depot_drop_frame(depot, f.key);
		if (rc == RC_NOTFOUND)
			rc = RC_OK;
	}
	return rc;
}

/* ---- statements ---- */

enum rc
relay_take_statement(struct depot *depot, const uint8_t *p, size_t len, bool *forked,
    struct error *err)
{
	const struct device *device;
	struct statement_view v;
	char lane[DEPOT_LANE_MAX];
	enum rc rc;

	if ((rc = depot_add_statement(depot, p, len, forked, err)) != RC_OK ||
	    (rc = directory_statement_view(p, len, &v)) != RC_OK)
		return rc;
	if (v.type == STATEMENT_ERASE)
		return withdraw_stale(depot);
	if (v.type != STATEMENT_ASSIGN || v.payload_len < IDENTITY_ID_BYTES)
		return RC_OK;
	/* its new colleagues need its certificate */
	if ((device = directory_device(depot_directory(depot), v.payload)) == NULL)
		return RC_OK;
	relay_lane_certificates(device->unit, lane);
	return depot_publish(depot, device->cert.device, lane);
}

enum rc
relay_hear_statement(struct depot *depot, int64_t now, const uint8_t from[IDENTITY_ID_BYTES],
    const uint8_t *p, size_t len, bool *grew)
{
	uint64_t before = directory_count(depot_directory(depot));
	bool forked = false;
	enum rc rc = relay_take_statement(depot, p, len, &forked, NULL);

	*grew = directory_count(depot_directory(depot)) > before;
	if (rc != RC_OK && forked)
		return depot_alarm(depot, now, "chains-differ", from, "another statement at a position");
	return relay_unless_bad(rc);
}
