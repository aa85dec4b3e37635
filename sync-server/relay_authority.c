#include <stdlib.h>
#include <string.h>

#include "shared/sync/exchange.h"
#include "shared/vault/secret.h"
#include "sync-server/relay_internal.h"
#include "sync-server/root_exchange.h"

enum {
	CERTIFICATES_BYTES = 8 << 20,	/* of a reply */
	HEADS_ITEMS = 16
};

/* A request of the authority, taken apart; everything points into its bytes. */
struct request {
	const uint8_t *bytes;
	size_t len;
	size_t root_at;			/* where the root item begins */
	const uint8_t *root;		/* its payload */
	size_t root_len;
	struct root_hello hello;
	const uint8_t *genesis;		/* the first statement, if any */
	size_t genesis_len;
	uint8_t id[16];
};

/* ---- reading ---- */

/* The next item; *type is 0 at the end of the bytes. */
static enum rc
next_item(struct reader *r, unsigned *type, const uint8_t **payload, size_t *len)
{
	*type = 0;
	*payload = NULL;
	*len = 0;
	if (reader_left(r) == 0)
		return RC_OK;
	*type = reader_u8(r);
	*payload = reader_span(r, EXCHANGE_ITEM_MAX, len);
	return *payload == NULL || *type == 0 ? RC_FORMAT : RC_OK;
}

/* Items, the root's, and the end: nothing behind it. */
static enum rc
take_apart(const uint8_t *p, size_t len, struct request *q)
{
	const uint8_t *payload;
	struct reader r;
	unsigned type;
	size_t n, at;
	enum rc rc;

	memset(q, 0, sizeof(*q));
	if ((rc = root_exchange_check_start(p, len)) != RC_OK)
		return rc;
	if (len > EXCHANGE_BODY_MAX)
		return RC_LIMIT;
	q->bytes = p;
	q->len = len;
	reader_init(&r, p, len);
	reader_take(&r, ROOT_EXCHANGE_START);
	for (;;) {
		at = r.pos;
		if ((rc = next_item(&r, &type, &payload, &n)) != RC_OK)
			return rc;
		if (type == ITEM_STATEMENT && q->genesis == NULL && q->root == NULL) {
			q->genesis = payload;
			q->genesis_len = n;
		} else if (type == ITEM_ROOT && q->root == NULL) {
			q->root = payload;
			q->root_len = n;
			q->root_at = at;
		} else if (type == ITEM_END) {
			break;
		} else if (type == 0 || q->root != NULL) {
			return RC_FORMAT;
		}
	}
	if (q->root == NULL || reader_left(&r) != 0)
		return RC_FORMAT;
	exchange_request_id(q->root, q->root_len, q->id);
	return root_exchange_read(q->root, q->root_len, &q->hello);
}

/* Signed by the root that the depot knows, or by the one of the genesis that comes along. */
static enum rc
check_root(struct depot *depot, const struct request *q, struct error *err)
{
	const struct directory *dir = depot_directory(depot);
	struct directory *fresh = NULL;
	uint8_t province[DEPOT_PROVINCE_BYTES];
	bool forked;
	enum rc rc = RC_OK;

	if (directory_count(dir) == 0) {
		if (q->genesis == NULL)
			return error_set(err, RC_AUTH, NULL, "let it meet the authority that made it first",
			    "the relay has no province yet");
		if ((rc = directory_new(&fresh)) != RC_OK)
			return rc;
		rc = directory_add(fresh, q->genesis, q->genesis_len, NULL, &forked, err);
		dir = fresh;
	}
	directory_province(dir, province);
	if (rc == RC_OK && memcmp(province, q->hello.province, sizeof(province)) != 0)
		rc = RC_AUTH;
	if (rc == RC_OK)
		rc = root_exchange_verify(q->root, q->root_len, q->bytes, q->root_at,
		    directory_root(dir));
	directory_free(fresh);
	if (rc == RC_FORMAT || rc == RC_PROTOCOL || rc == RC_INVALID)
		rc = RC_AUTH;
	return rc == RC_AUTH ? error_set(err, rc, NULL,
	    "bring a request of its own authority", "not signed by the root of this relay's province") : rc;
}

/* Does the authority's chain go on from ours, as far as can be seen before its statements? */
static bool
chains_fit(struct depot *depot, const struct root_hello *h)
{
	const struct directory *dir = depot_directory(depot);
	uint8_t head[DIRECTORY_HEAD_BYTES];

	if (h->statements < directory_count(dir))
		return false;
	directory_head(dir, head);
	return h->statements > directory_count(dir) ||
	    memcmp(head, h->directory_head, sizeof(head)) == 0;
}

/* ---- doing ---- */

static enum rc
release_all(struct depot *depot, const struct clock *clock, const uint8_t *p, size_t len)
{
	struct reader r;
	size_t n;
	const uint8_t *id;
	enum rc rc;

	reader_init(&r, p, len);
	n = (size_t)reader_varint_max(&r, ROOT_EXCHANGE_RELEASE_MAX);
	if (r.bad || reader_left(&r) != n * FRAME_ID_BYTES)
		return RC_FORMAT;
	for (size_t i = 0; i < n; i++) {
		id = reader_take(&r, FRAME_ID_BYTES);
		rc = relay_release_within(depot, clock, id, NULL);
		/* what is not there or cannot be released is in the reply's list again */
		if (rc != RC_OK && rc != RC_NOTFOUND && rc != RC_DENIED)
			return rc;
	}
	return RC_OK;
}

/* Take every item.  *forked: the chains differ. */
static enum rc
apply(struct depot *depot, const struct clock *clock, const struct request *q, bool *forked,
    struct error *err)
{
	const uint8_t *payload;
	struct reader r;
	unsigned type = ITEM_STATEMENT;
	size_t n;
	enum rc rc = RC_OK;

	*forked = false;
	reader_init(&r, q->bytes, q->root_at);
	reader_take(&r, ROOT_EXCHANGE_START);
	while (rc == RC_OK && (rc = next_item(&r, &type, &payload, &n)) == RC_OK && type != 0) {
		if (type == ITEM_STATEMENT)
			rc = relay_take_statement(depot, payload, n, forked, err);
		else if (type == ITEM_SHARE_LIST)
			rc = relay_take_share_list(depot, payload, n, err);
		else if (type == ITEM_RESEALED)
			rc = relay_take_resealed(depot, clock_now(clock), payload, n, err);
		else if (type == ITEM_RELEASE)
			rc = release_all(depot, clock, payload, n);
		else
			rc = RC_FORMAT;
	}
	return rc == RC_OK ? relay_look_again(depot, clock_now(clock)) : rc;
}

/* ---- answering ---- */

static enum rc
put_certificates(struct depot *depot, uint64_t after, struct relay_state *state,
    struct bytes *reply)
{
	struct bytes certificate;
	uint64_t serial;
	size_t start = reply->len;
	enum rc rc;

	bytes_init(&certificate);
	state->certificates = after;
	while ((rc = depot_certificate_after(depot, state->certificates, &serial, &certificate)) ==
	    RC_OK) {
		if (reply->len - start > CERTIFICATES_BYTES) {
			state->more = true;
			break;
		}
		exchange_put(reply, ITEM_CERTIFICATE, certificate.data, certificate.len);
		certificate.len = 0;
		state->certificates = serial;
	}
	bytes_reset(&certificate);
	return rc == RC_NOTFOUND ? RC_OK : rc;
}

static enum rc
put_heads(struct depot *depot, uint64_t after, struct relay_state *state, struct bytes *reply)
{
	struct relay_head *heads;
	struct bytes payload;
	size_t n = ROOT_EXCHANGE_HEADS_MAX;
	enum rc rc = RC_OK;

	bytes_init(&payload);
	state->heads = after;
	for (int i = 0; i < HEADS_ITEMS && rc == RC_OK && n == ROOT_EXCHANGE_HEADS_MAX; i++) {
		rc = depot_heads_after(depot, state->heads, ROOT_EXCHANGE_HEADS_MAX, &heads, &n,
		    &state->heads);
		if (rc == RC_OK && n > 0) {
			root_exchange_heads_write(heads, n, &payload);
			exchange_put(reply, ITEM_RELAY_HEADS, payload.data, payload.len);
			rc = payload.rc;
		}
		free(heads);
	}
	state->more = state->more || n == ROOT_EXCHANGE_HEADS_MAX;
	bytes_reset(&payload);
	return rc;
}

static enum rc
put_quarantine(struct depot *depot, struct bytes *reply)
{
	struct relay_aside *list;
	struct depot_frame f = { 0 };
	struct bytes payload;
	size_t n = 0;
	enum rc rc = RC_OK;

	if ((list = calloc(ROOT_EXCHANGE_QUARANTINE_MAX, sizeof(*list))) == NULL)
		return RC_NOMEM;
	bytes_init(&payload);
	while (n < ROOT_EXCHANGE_QUARANTINE_MAX &&
	    (rc = depot_frame_after(depot, f.key, FRAME_ASIDE, ASIDE_NOTHING, &f)) == RC_OK) {
		memcpy(list[n].frame, f.id, sizeof(list[n].frame));
		memcpy(list[n].author, f.author, sizeof(list[n].author));
		list[n].reason = f.reason;
		list[n++].received = f.received;
	}
	if (rc == RC_NOTFOUND)
		rc = RC_OK;
	if (rc == RC_OK && n > 0) {
		root_exchange_quarantine_write(list, n, &payload);
		exchange_put(reply, ITEM_QUARANTINE, payload.data, payload.len);
		rc = payload.rc;
	}
	bytes_reset(&payload);
	free(list);
	return rc;
}

static enum rc
answer(struct depot *depot, const struct request *q, enum root_exchange_status status,
    struct bytes *reply)
{
	const struct identity *id = depot_identity(depot);
	struct relay_state state = { .status = status };
	bool known;
	enum rc rc;

	root_exchange_start(reply);
	depot_generation(depot, state.generation);
	known = memcmp(q->hello.generation, state.generation, sizeof(state.generation)) == 0;
	state.statements = directory_count(depot_directory(depot));
	directory_head(depot_directory(depot), state.directory_head);
	memcpy(state.request, q->id, sizeof(state.request));
	memcpy(state.relay, id->device, sizeof(state.relay));
	rc = depot_root_nonce(depot, state.nonce);
	if (rc == RC_OK && status == ROOT_OK) {
		if ((rc = put_certificates(depot, known ? q->hello.certificates : 0, &state, reply)) ==
		    RC_OK && (rc = put_heads(depot, known ? q->hello.heads : 0, &state, reply)) ==
		    RC_OK && (rc = put_quarantine(depot, reply)) == RC_OK)
			rc = depot_waiting(depot, ROOT_EXCHANGE_WAITING_MAX, &state.waiting,
			    &state.n_waiting);
	}
	if (rc == RC_OK)
		rc = root_exchange_state_sign(&state, id->sign_seed, reply);
	root_exchange_state_reset(&state);
	return rc;
}

static enum rc
note_fork(struct depot *depot, const struct clock *clock)
{
	static const uint8_t authority[IDENTITY_ID_BYTES];
	enum rc rc;

	if ((rc = depot_begin(depot)) != RC_OK)
		return rc;
	return depot_end(depot, depot_alarm(depot, clock_now(clock), "chains-differ", authority,
	    "the authority has another directory"));
}

enum rc
relay_exchange(struct depot *depot, const struct clock *clock, const uint8_t *request,
    size_t len, struct bytes *reply, struct error *err)
{
	struct request q;
	uint8_t nonce[16];
	bool forked = false;
	enum rc rc;

	bytes_reset(reply);
	if ((rc = take_apart(request, len, &q)) != RC_OK)
		return error_set(err, rc, NULL, "bring what an authority wrote",
		    "not a request of an authority");
	if ((rc = depot_refresh(depot)) != RC_OK || (rc = check_root(depot, &q, err)) != RC_OK ||
	    (rc = depot_root_nonce(depot, nonce)) != RC_OK)
		return rc;
	if (memcmp(nonce, q.hello.nonce, sizeof(nonce)) != 0)
		return answer(depot, &q, ROOT_STALE, reply);
	if (!chains_fit(depot, &q.hello))
		return (rc = note_fork(depot, clock)) != RC_OK ? rc :
		    answer(depot, &q, ROOT_CHAINS_DIFFER, reply);
	if ((rc = depot_begin(depot)) != RC_OK)
		return rc;
	rc = apply(depot, clock, &q, &forked, err);
	secret_random_bytes(nonce, sizeof(nonce));
	if (rc == RC_OK)
		rc = depot_set_root_nonce(depot, nonce);
	if (rc == RC_OK && q.root_at > ROOT_EXCHANGE_START)
		rc = depot_audit(depot, clock_now(clock), "exchange", NULL, "the authority signed");
	rc = depot_end(depot, rc);
	if (rc != RC_OK && forked)
		return (rc = note_fork(depot, clock)) != RC_OK ? rc :
		    answer(depot, &q, ROOT_CHAINS_DIFFER, reply);
	return rc == RC_OK ? answer(depot, &q, ROOT_OK, reply) : rc;
}
