/* Sticks that come to the relay. */
#include "sync-server/relay_bundle.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sync-server/relay_internal.h"

enum { PIECE = 256 << 10 };	/* of the file: one transaction, and one receipt for each author */

struct relay_bundle {
	struct depot *depot;
	struct clock clock;
	const char *name;		/* borrowed */
	struct relay_bundle_result *result;
	struct error *err;
	struct bytes head;
	struct exchange_stream stream;
	struct relay_session intake;	/* frames are taken as from a carrier: the relay itself */
	bool damaged;			/* what comes from now on is not looked at */
	bool grew;			/* what waits for a statement is to be looked at again */
	bool noted;			/* in the audit log */
};

/* ---- items ---- */

static enum rc
take_frame(struct relay_bundle *b, const uint8_t *p, size_t len)
{
	struct depot_frame f;
	uint8_t id[FRAME_ID_BYTES];
	bool known;
	enum rc rc;

	frame_id(p, len, id);
	rc = depot_find_frame(b->depot, id, &f);
	known = rc == RC_OK;
	if ((rc != RC_OK && rc != RC_NOTFOUND) ||
	    (rc = relay_take_frame(&b->intake, p, len)) != RC_OK)
		return rc;
	b->result->known += known;
	if (known || (rc = depot_find_frame(b->depot, id, &f)) != RC_OK)
		return rc == RC_NOTFOUND ? RC_OK : rc;	/* there was no room for it */
	if (f.state != FRAME_ASIDE) {
		b->result->frames++;
		b->result->entries += f.entries;
	}
	return RC_OK;
}

static enum rc
take_statement(struct relay_bundle *b, const uint8_t *p, size_t len)
{
	static const uint8_t nobody[IDENTITY_ID_BYTES];
	bool grew;
	enum rc rc = relay_hear_statement(b->depot, clock_now(&b->clock), nobody, p, len, &grew);

	b->grew = b->grew || grew;
	b->result->statements += grew;
	return rc;
}

static enum rc
take_certificate(struct relay_bundle *b, const uint8_t *p, size_t len)
{
	size_t before = directory_device_count(depot_directory(b->depot));
	enum rc rc = relay_unless_bad(relay_take_certificate(b->depot, clock_now(&b->clock), p, len,
	    NULL));

	b->result->certificates += directory_device_count(depot_directory(b->depot)) - before;
	return rc;
}

/* Keys are of no use here: colleagues sealed them to each other, and the authority's shares are kept. */
static enum rc
take_item(void *ctx, enum item_type type, const uint8_t *p, size_t len)
{
	struct relay_bundle *b = ctx;

	if (type == ITEM_FRAME)
		return take_frame(b, p, len);
	if (type == ITEM_STATEMENT)
		return take_statement(b, p, len);
	if (type == ITEM_CERTIFICATE)
		return take_certificate(b, p, len);
	if (type == ITEM_SHARE)
		return relay_take_share(b->depot, p, len);
	if (type == ITEM_SHARE_LIST)
		return relay_unless_bad(relay_take_share_list(b->depot, p, len, NULL));
	if (type == ITEM_RECEIPT)
		return relay_take_receipt(b->depot, clock_now(&b->clock), p, len);
	return RC_OK;
}

/* ---- pieces ---- */

/* What came whole in a piece, with all that follows from it, and its authors' receipts. */
static enum rc
take_piece(struct relay_bundle *b, const uint8_t *p, size_t len)
{
	struct relay_bundle_result before = *b->result;
	struct relay_session *s = &b->intake;
	enum rc rc, fed = RC_OK;

	if ((rc = depot_begin(b->depot)) != RC_OK)
		return error_set(b->err, rc, "relay", NULL, "%s", depot_error(b->depot)->what);
	if (len > 0)
		fed = exchange_stream_feed(&b->stream, p, len);
	if (fed == RC_PROTOCOL || (fed == RC_LIMIT && b->stream.total > EXCHANGE_BUNDLE_MAX)) {
		b->damaged = true;
		fed = RC_OK;	/* what came whole before it counts */
	}
	if (fed == RC_OK && b->grew)
		fed = relay_look_again(b->depot, clock_now(&b->clock));
	if (fed == RC_OK)
		fed = relay_tell_authors(s);
	b->grew = false;
	s->n_accepted = s->n_own = 0;
	if ((rc = depot_end(b->depot, fed)) == RC_OK)
		return RC_OK;
	before.bytes = b->result->bytes;
	*b->result = before;
	return error_set(b->err, rc, b->name, "read it again; what was whole is kept", "%s",
	    depot_error(b->depot)->what[0] != '\0' ? depot_error(b->depot)->what :
	    "the relay cannot take it");
}

/* One line a stick, when it brought something. */
static enum rc
note(struct relay_bundle *b)
{
	const struct relay_bundle_result *r = b->result;
	char detail[DEPOT_AUDIT_TEXT_MAX];
	enum rc rc;

	if (b->noted || r->frames + r->aside + r->statements + r->certificates == 0)
		return RC_OK;
	b->noted = true;
	snprintf(detail, sizeof(detail), "frames %llu, aside %llu", (unsigned long long)r->frames,
	    (unsigned long long)r->aside);
	if ((rc = depot_begin(b->depot)) != RC_OK)
		return rc;
	return depot_end(b->depot, depot_audit(b->depot, clock_now(&b->clock), "stick-read", NULL, detail));
}

/* ---- the whole ---- */

enum rc
relay_bundle_start(struct depot *depot, const struct clock *clock, const char *name,
    struct relay_bundle_result *out, struct relay_bundle **bundle, struct error *err)
{
	struct relay_bundle *b;
	enum rc rc;

	*bundle = NULL;
	memset(out, 0, sizeof(*out));
	if ((rc = depot_refresh(depot)) != RC_OK)
		return rc;
	if (directory_count(depot_directory(depot)) == 0)
		return error_set(err, RC_DENIED, "relay", "let it meet the authority that made it first",
		    "the relay has no province yet");
	if ((b = calloc(1, sizeof(*b))) == NULL)
		return RC_NOMEM;
	b->depot = b->intake.depot = depot;
	b->clock = b->intake.clock = *clock;
	b->name = name;
	b->result = out;
	b->err = err;
	memcpy(b->intake.hello.device, depot_identity(depot)->device, IDENTITY_ID_BYTES);
	exchange_stream_init(&b->stream, take_item, b);
	b->stream.max = EXCHANGE_BUNDLE_MAX;
	*bundle = b;
	return RC_OK;
}

static enum rc
check_head(struct relay_bundle *b)
{
	uint8_t province[DEPOT_PROVINCE_BYTES];

	directory_province(depot_directory(b->depot), province);
	return exchange_bundle_check(b->head.data, b->head.len, province, b->name, b->err);
}

enum rc
relay_bundle_feed(struct relay_bundle *b, const uint8_t *p, size_t len)
{
	size_t n = EXCHANGE_BUNDLE_HEAD_BYTES - b->head.len;
	enum rc rc;

	b->result->bytes += len;
	n = n < len ? n : len;
	if (n > 0) {
		bytes_put(&b->head, p, n);
		if (b->head.rc != RC_OK)
			return b->head.rc;
		if (b->head.len == EXCHANGE_BUNDLE_HEAD_BYTES && (rc = check_head(b)) != RC_OK)
			return rc;
	}
	for (size_t at = n; at < len && !b->damaged; at += n) {
		n = len - at < PIECE ? len - at : PIECE;
		rc = take_piece(b, p + at, n);
		b->result->aside = b->intake.quarantined;
		if (rc != RC_OK)
			return rc;
	}
	return RC_OK;
}

bool
relay_bundle_wants_more(const struct relay_bundle *b)
{
	return !b->damaged;
}

enum rc
relay_bundle_finish(struct relay_bundle *b)
{
	enum rc rc;

	if (b->head.len < EXCHANGE_BUNDLE_HEAD_BYTES)
		return check_head(b);
	if ((rc = note(b)) != RC_OK)
		return rc;
	if (b->damaged || !b->stream.ended)
		return exchange_bundle_broken(&b->stream, b->name, b->err);
	if (b->intake.no_room)
		return error_set(b->err, RC_FULL, b->name, "make room, and read the stick again",
		    "there was no room for all of it");
	if (b->intake.not_kept > 0)
		return error_set(b->err, RC_LIMIT, b->name, "keep the stick, and look into quarantine",
		    "so much on sticks cannot be accepted that not all of it was set aside");
	return RC_OK;
}

void
relay_bundle_free(struct relay_bundle *b)
{
	if (b == NULL)
		return;
	if (note(b) != RC_OK)
		b->noted = true;	/* it was pulled out while the disk failed: there is nobody to tell */
	exchange_stream_reset(&b->stream);
	bytes_reset(&b->head);
	free(b->intake.accepted);
	free(b->intake.own);
	free(b);
}
