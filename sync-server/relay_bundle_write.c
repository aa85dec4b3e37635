/* Sticks that leave the relay. */
#include <stdlib.h>
#include <string.h>

#include "sync-server/relay_bundle.h"
#include "sync-server/relay_internal.h"

enum {
	PUT_BYTES = 64 << 10,	/* given out at a time */
	/* of one author, in a receipt: laptops pass on receipts of up to 64 KiB for others */
	NAMED_FRAMES = 1024
};

/* A frame that was written, and is to be named in a receipt. */
struct written {
	uint8_t author[IDENTITY_ID_BYTES], id[FRAME_ID_BYTES];
	int64_t received;
};

struct writing {
	struct depot *depot;
	struct relay_bundle_result *result;
	relay_bundle_put put;
	void *ctx;
	struct error *err;
	struct bytes pending;
	bool all;		/* lanes; else these, sorted */
	char (*lanes)[DEPOT_LANE_MAX];
	size_t n_lanes;
	uint64_t bound;		/* positions beyond came later */
	struct written *written;
	size_t n_written;
};

static enum rc
give(struct writing *w, size_t from)
{
	enum rc rc = w->pending.rc;

	if (rc != RC_OK || w->pending.len < from)
		return rc;
	w->result->bytes += w->pending.len;
	if (w->result->bytes > EXCHANGE_BUNDLE_MAX)
		return error_set(w->err, RC_LIMIT, "bundle", "write one for each unit",
		    "there is more than one file on a stick can hold");
	rc = w->put(w->ctx, w->pending.data, w->pending.len);
	w->pending.len = 0;
	return rc;
}

/* ---- for whom ---- */

static int
by_name(const void *a, const void *b)
{
	return strcmp(a, b);
}

static enum rc
add_lanes(struct writing *w, const uint8_t device[IDENTITY_ID_BYTES])
{
	char **names = NULL, (*grown)[DEPOT_LANE_MAX];
	uint8_t digest[16];
	size_t n = 0;
	enum rc rc = directory_lanes(depot_directory(w->depot), device, &names, &n, digest);

	if (rc == RC_NOTFOUND)
		return RC_OK;	/* its unit is not in the chain: it has no lane yet */
	if (rc == RC_OK && (grown = realloc(w->lanes, (w->n_lanes + n + 1) * sizeof(*grown))) != NULL) {
		w->lanes = grown;
		for (size_t i = 0; i < n; i++)
			memcpy(w->lanes[w->n_lanes++], names[i], strnlen(names[i], DEPOT_LANE_MAX - 1) + 1);
	} else if (rc == RC_OK) {
		rc = RC_NOMEM;
	}
	directory_lanes_free(names, n);
	return rc;
}

static enum rc
lanes_of_device(struct writing *w, const uint8_t device[IDENTITY_ID_BYTES])
{
	enum depot_standing standing;
	enum rc rc;

	if ((rc = depot_standing(w->depot, device, &standing)) != RC_OK)
		return rc;
	if (standing == STANDING_UNKNOWN)
		return error_set(w->err, RC_NOTFOUND, "device", "write one for its unit, or for everybody",
		    "the relay does not know this device");
	if (standing != STANDING_GOOD)
		return error_set(w->err, RC_DENIED, "device", "see sync-server devices",
		    standing == STANDING_WAITS ? "the device waits to be admitted: it gets nothing yet" :
		    "the device was retired or refused: it gets nothing");
	return add_lanes(w, device);
}

static enum rc
lanes_of_unit(struct writing *w, const char *unit)
{
	const struct directory *dir = depot_directory(w->depot);
	enum depot_standing standing;
	const struct device *d;
	bool any = false;
	enum rc rc = RC_OK;

	for (size_t i = 0; i < directory_device_count(dir) && rc == RC_OK; i++) {
		d = directory_device_at(dir, i);
		if (strcmp(d->unit, unit) != 0 ||
		    (rc = depot_standing(w->depot, d->cert.device, &standing)) != RC_OK ||
		    standing != STANDING_GOOD)
			continue;
		any = true;
		rc = add_lanes(w, d->cert.device);
	}
	if (rc == RC_OK && !any)
		rc = error_set(w->err, RC_NOTFOUND, unit, "write one for everybody",
		    "the relay knows no device of this unit");
	return rc;
}

static bool
wanted(const struct writing *w, const char *lane)
{
	return w->all || (w->n_lanes > 0 &&
	    bsearch(lane, w->lanes, w->n_lanes, sizeof(*w->lanes), by_name) != NULL);
}

/* ---- what ---- */

static enum rc
put_statements(struct writing *w, uint64_t n)
{
	struct bytes statement;
	enum rc rc = RC_OK;

	bytes_init(&statement);
	for (uint64_t seq = 0; seq < n && rc == RC_OK; seq++) {
		statement.len = 0;
		if ((rc = depot_statement(w->depot, seq, &statement)) != RC_OK)
			break;
		exchange_put(&w->pending, ITEM_STATEMENT, statement.data, statement.len);
		w->result->statements++;
		rc = give(w, PUT_BYTES);
	}
	bytes_reset(&statement);
	return rc;
}

/* Who has everything gets whole lists: lines that stand in none came to a hub one by one. */
static enum rc
put_lists(struct writing *w)
{
	uint64_t seq, from = 0, lines, last;
	struct bytes list;
	enum rc rc;

	bytes_init(&list);
	while ((rc = depot_next_share_list(w->depot, from, &seq)) == RC_OK) {
		list.len = 0;
		if ((rc = depot_share_list(w->depot, seq, &lines, &last, &list)) != RC_OK)
			break;
		exchange_put(&w->pending, ITEM_SHARE_LIST, list.data, list.len);
		if ((rc = give(w, PUT_BYTES)) != RC_OK)
			break;
		from = seq + 1;
	}
	bytes_reset(&list);
	return rc == RC_NOTFOUND ? RC_OK : rc;
}

static int
by_author(const void *a, const void *b)
{
	const struct written *x = a, *y = b;
	int order = memcmp(x->author, y->author, sizeof(x->author));

	return order != 0 ? order : memcmp(x->id, y->id, sizeof(x->id));
}

/*
 * The relay has these: their readers need not carry them.  Dated by the frames, so that
 * the same stick written twice brings the same receipts.
 */
static enum rc
put_receipt(struct writing *w, const struct written *first, size_t n)
{
	const struct identity *id = depot_identity(w->depot);
	struct receipt r = { .kind = RECEIPT_STORED, .n_frames = n };
	struct bytes payload;
	enum rc rc;

	if ((r.frames = calloc(n, sizeof(*r.frames))) == NULL)
		return RC_NOMEM;
	memcpy(r.signer, id->device, sizeof(r.signer));
	memcpy(r.device, first->author, sizeof(r.device));
	for (size_t i = 0; i < n; i++) {
		memcpy(r.frames[i], first[i].id, FRAME_ID_BYTES);
		r.at = first[i].received > r.at ? first[i].received : r.at;
	}
	bytes_init(&payload);
	if ((rc = exchange_receipt_write(&r, id->sign_seed, &payload)) == RC_OK) {
		exchange_put(&w->pending, ITEM_RECEIPT, payload.data, payload.len);
		w->result->receipts++;
		rc = give(w, PUT_BYTES);
	}
	bytes_reset(&payload);
	free(r.frames);
	return rc;
}

static enum rc
put_receipts(struct writing *w)
{
	size_t n;
	enum rc rc = RC_OK;

	if (w->n_written > 1)
		qsort(w->written, w->n_written, sizeof(*w->written), by_author);
	for (size_t i = 0; i < w->n_written && rc == RC_OK; i += n) {
		for (n = 1; i + n < w->n_written && memcmp(w->written[i].author,
		    w->written[i + n].author, IDENTITY_ID_BYTES) == 0; n++)
			;
		rc = put_receipt(w, &w->written[i], n);
	}
	w->n_written = 0;
	return rc;
}

static enum rc
note_written(struct writing *w, const struct bytes *body)
{
	struct written *to = &w->written[w->n_written];
	struct depot_frame f;
	enum rc rc;

	frame_id(body->data, body->len, to->id);
	if ((rc = depot_find_frame(w->depot, to->id, &f)) != RC_OK)
		return rc == RC_NOTFOUND ? RC_OK : rc;
	memcpy(to->author, f.author, sizeof(to->author));
	to->received = f.received;
	w->result->frames++;
	w->result->entries += f.entries;
	return ++w->n_written < NAMED_FRAMES ? RC_OK : put_receipts(w);
}

static void
count(struct writing *w, enum item_type type)
{
	w->result->certificates += type == ITEM_CERTIFICATE;
	w->result->receipts += type == ITEM_RECEIPT;
}

/* Everything of a type that stands in the sequence, in the lanes that are wanted. */
static enum rc
put_type(struct writing *w, enum item_type type)
{
	char lane[DEPOT_LANE_MAX];
	enum item_type found;
	struct bytes body;
	uint64_t at = 0, list;
	enum rc rc;

	bytes_init(&body);
	while ((rc = depot_next_of(w->depot, type, at, &at, lane, &list)) == RC_OK && at <= w->bound) {
		if (!wanted(w, lane) || (w->all && type == ITEM_SHARE && list != 0))
			continue;
		body.len = 0;
		rc = depot_at(w->depot, at, &found, &list, &body);
		if (rc == RC_NOTFOUND || (rc == RC_OK && body.len == 0))
			continue;	/* it was withdrawn in between */
		if (rc != RC_OK)
			break;
		exchange_put(&w->pending, type, body.data, body.len);
		count(w, type);
		if ((rc = give(w, PUT_BYTES)) != RC_OK ||
		    (type == ITEM_FRAME && (rc = note_written(w, &body)) != RC_OK))
			break;
	}
	bytes_reset(&body);
	return rc == RC_NOTFOUND ? RC_OK : rc;
}

static enum rc
put_all(struct writing *w)
{
	enum rc rc;

	if ((rc = put_statements(w, directory_count(depot_directory(w->depot)))) != RC_OK ||
	    (rc = put_type(w, ITEM_CERTIFICATE)) != RC_OK ||
	    (w->all && (rc = put_lists(w)) != RC_OK) ||
	    (rc = put_type(w, ITEM_SHARE)) != RC_OK ||
	    (rc = put_type(w, ITEM_FRAME)) != RC_OK ||
	    (rc = put_receipts(w)) != RC_OK ||
	    (rc = put_type(w, ITEM_RECEIPT)) != RC_OK)
		return rc;
	exchange_put(&w->pending, ITEM_END, NULL, 0);
	return give(w, 0);
}

static enum rc
note(struct writing *w, const struct clock *clock, const uint8_t *device, const char *unit)
{
	enum rc rc = depot_begin(w->depot);

	if (rc != RC_OK)
		return rc;
	return depot_end(w->depot, depot_audit(w->depot, clock_now(clock), "stick-written", device,
	    unit != NULL ? unit : device != NULL ? "" : "everything"));
}

enum rc
relay_bundle_write(struct depot *depot, const struct clock *clock, const uint8_t *device,
    const char *unit, relay_bundle_put put, void *ctx, struct relay_bundle_result *out,
    struct error *err)
{
	struct writing w = { .depot = depot, .result = out, .put = put, .ctx = ctx, .err = err,
		.all = device == NULL && unit == NULL };
	uint8_t province[DEPOT_PROVINCE_BYTES];
	enum rc rc;

	memset(out, 0, sizeof(*out));
	bytes_init(&w.pending);
	if ((rc = depot_refresh(depot)) != RC_OK)
		return rc;
	if (directory_count(depot_directory(depot)) == 0)
		return error_set(err, RC_DENIED, "relay", "let it meet the authority that made it first",
		    "the relay has no province yet");
	if ((w.written = calloc(NAMED_FRAMES, sizeof(*w.written))) == NULL)
		return RC_NOMEM;
	if (device != NULL)
		rc = lanes_of_device(&w, device);
	else if (unit != NULL)
		rc = lanes_of_unit(&w, unit);
	if (rc != RC_OK || (rc = depot_last_position(depot, &w.bound)) != RC_OK)
		goto out;
	if (w.n_lanes > 1)
		qsort(w.lanes, w.n_lanes, sizeof(*w.lanes), by_name);
	directory_province(depot_directory(depot), province);
	exchange_bundle_start(province, &w.pending);
	if ((rc = put_all(&w)) == RC_OK)
		rc = note(&w, clock, device, unit);
out:
	free(w.lanes);
	free(w.written);
	bytes_reset(&w.pending);
	return rc;
}
