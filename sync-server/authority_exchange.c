/* The authority's side of a meeting: what it asks, and what it remembers of the relay. */
#include <string.h>

#include "shared/sync/exchange.h"
#include "shared/vault/digest.h"
#include "shared/vault/query.h"
#include "sync-server/authority_internal.h"
#include "sync-server/root_exchange.h"

enum { REQUEST_BYTES = 32 << 20 };	/* then the rest waits for the next request */

static enum rc
get_bytes(struct authority *a, const char *name, uint8_t out[16], struct error *err)
{
	struct bytes b;
	enum rc rc;

	memset(out, 0, 16);
	bytes_init(&b);
	rc = query_blob(a->db, err, &b, "SELECT value FROM setting WHERE name = ?1", "t", name);
	if (rc == RC_OK && b.len == 16)
		memcpy(out, b.data, 16);
	bytes_reset(&b);
	return rc == RC_NOTFOUND ? RC_OK : rc;
}

static enum rc
get_number(struct authority *a, const char *name, int64_t *out, struct error *err)
{
	enum rc rc = query_int(a->db, err, out, "SELECT value FROM setting WHERE name = ?1", "t",
	    name);

	return rc == RC_NOTFOUND ? RC_OK : rc;
}

enum rc
authority_view_load(struct authority *a, struct authority_view *v, struct error *err)
{
	enum rc rc;

	memset(v, 0, sizeof(*v));
	if ((rc = get_bytes(a, "relay.generation", v->generation, err)) != RC_OK ||
	    (rc = get_bytes(a, "relay.nonce", v->nonce, err)) != RC_OK ||
	    (rc = get_bytes(a, "relay.request", v->request, err)) != RC_OK ||
	    (rc = get_number(a, "relay.statements", &v->statements, err)) != RC_OK ||
	    (rc = get_number(a, "relay.certificates", &v->certificates, err)) != RC_OK ||
	    (rc = get_number(a, "relay.heads", &v->heads, err)) != RC_OK)
		return rc;
	if ((rc = get_number(a, "relay.lists_due", &v->lists_due, err)) != RC_OK ||
	    (rc = get_number(a, "relay.lists_next", &v->lists_next, err)) != RC_OK)
		return rc;
	return get_number(a, "relay.met_at", &v->met_at, err);
}

static enum rc
put_bytes(struct authority *a, const char *name, const uint8_t p[16], struct error *err)
{
	return query_run(a->db, err, "INSERT OR REPLACE INTO setting(name, value) VALUES (?1, ?2)",
	    "tb", name, p, (size_t)16);
}

static enum rc
put_number(struct authority *a, const char *name, int64_t v, struct error *err)
{
	return query_run(a->db, err, "INSERT OR REPLACE INTO setting(name, value) VALUES (?1, ?2)",
	    "ti", name, v);
}

enum rc
authority_view_store(struct authority *a, const struct authority_view *v, struct error *err)
{
	enum rc rc;

	if ((rc = put_bytes(a, "relay.generation", v->generation, err)) != RC_OK ||
	    (rc = put_bytes(a, "relay.nonce", v->nonce, err)) != RC_OK ||
	    (rc = put_bytes(a, "relay.request", v->request, err)) != RC_OK ||
	    (rc = put_number(a, "relay.statements", v->statements, err)) != RC_OK ||
	    (rc = put_number(a, "relay.certificates", v->certificates, err)) != RC_OK ||
	    (rc = put_number(a, "relay.heads", v->heads, err)) != RC_OK)
		return rc;
	if ((rc = put_number(a, "relay.lists_due", v->lists_due, err)) != RC_OK ||
	    (rc = put_number(a, "relay.lists_next", v->lists_next, err)) != RC_OK)
		return rc;
	return put_number(a, "relay.met_at", v->met_at, err);
}

int64_t
authority_met_at(struct authority *a)
{
	int64_t at = 0;
	struct error ignored = { 0 };

	return get_number(a, "relay.met_at", &at, &ignored) == RC_OK ? at : 0;
}

/* ---- the request ---- */

/* The list that a statement of type keys promised, as one item. */
static enum rc
put_share_list(struct authority *a, uint64_t seq, struct bytes *out, struct error *err)
{
	struct sqlite3_stmt *q = NULL;
	struct bytes item;
	int64_t n;
	const uint8_t *p;
	size_t len;
	bool row = false;
	enum rc rc;

	bytes_init(&item);
	rc = query_int(a->db, err, &n, "SELECT count(*) FROM share WHERE seq = ?1", "i",
	    (int64_t)seq);
	if (rc != RC_OK || n == 0)
		return rc;
	bytes_varint(&item, seq);
	bytes_varint(&item, (uint64_t)n);
	rc = query_open(a->db, err, &q, "SELECT bytes FROM share WHERE seq = ?1 ORDER BY line", "i",
	    (int64_t)seq);
	while (rc == RC_OK && (rc = query_next(q, &row, err)) == RC_OK && row) {
		p = query_column_blob(q, 0, &len);
		bytes_span(&item, p, len);
	}
	query_close(q);
	if (rc == RC_OK)
		rc = item.rc;
	if (rc == RC_OK)
		exchange_put(out, ITEM_SHARE_LIST, item.data, item.len);
	bytes_reset(&item);
	return rc;
}

/*
 * Laptops hand in the statements that a restored relay lost, but nobody else has all the shares of
 * keys: lists of the statements that it has are given again.  It passes over those that it knows.
 */
static enum rc
put_old_lists(struct authority *a, struct authority_view *v, struct bytes *out, struct error *err)
{
	struct sqlite3_stmt *q = NULL;
	int64_t seq = 0;
	bool row = false;
	enum rc rc = RC_OK;

	v->lists_next = 0;
	if (v->lists_due == 0)
		return RC_OK;
	rc = query_open(a->db, err, &q, "SELECT DISTINCT seq FROM share WHERE seq >= ?1 AND seq < ?2"
	    " ORDER BY seq", "ii", v->lists_due - 1, v->statements);
	while (rc == RC_OK && (rc = query_next(q, &row, err)) == RC_OK && row) {
		seq = query_column_int(q, 0);
		if (out->len >= REQUEST_BYTES) {
			v->lists_next = seq + 1;
			break;
		}
		rc = put_share_list(a, (uint64_t)seq, out, err);
	}
	query_close(q);
	return rc != RC_OK ? rc : put_number(a, "relay.lists_next", v->lists_next, err);
}

/* Statements that the relay lacks, as far as one request goes; *n is where it then is. */
static enum rc
put_statements(struct authority *a, uint64_t from, struct bytes *out, uint64_t *n,
    uint8_t head[32], struct error *err)
{
	struct sqlite3_stmt *q = NULL;
	const uint8_t *p;
	size_t len;
	bool row = false;
	enum rc rc;

	*n = from;
	/* The one before the first gives the head when there is nothing to say. */
	rc = query_open(a->db, err, &q, "SELECT seq, bytes FROM statement WHERE seq >= ?1"
	    " ORDER BY seq", "i", from == 0 ? 0 : (int64_t)from - 1);
	while (rc == RC_OK && out->len < REQUEST_BYTES &&
	    (rc = query_next(q, &row, err)) == RC_OK && row) {
		p = query_column_blob(q, 1, &len);
		digest_of(head, 32, "field-head-1", p, len);
		if ((uint64_t)query_column_int(q, 0) < from)
			continue;
		exchange_put(out, ITEM_STATEMENT, p, len);
		rc = put_share_list(a, *n, out, err);
		*n += 1;
	}
	query_close(q);
	return rc;
}

static enum rc
put_releases(struct authority *a, struct bytes *out, struct error *err)
{
	struct sqlite3_stmt *q = NULL;
	struct bytes ids, item;
	const uint8_t *p;
	size_t len, n = 0;
	bool row = false;
	enum rc rc;

	bytes_init(&ids);
	bytes_init(&item);
	rc = query_open(a->db, err, &q, "SELECT frame FROM release_due ORDER BY frame", "");
	while (rc == RC_OK && n < ROOT_EXCHANGE_RELEASE_MAX &&
	    (rc = query_next(q, &row, err)) == RC_OK && row) {
		p = query_column_blob(q, 0, &len);
		bytes_put(&ids, p, len);
		n++;
	}
	query_close(q);
	if (rc == RC_OK && n > 0) {
		bytes_varint(&item, n);
		bytes_put(&item, ids.data, ids.len);
		rc = ids.rc != RC_OK ? ids.rc : item.rc;
		if (rc == RC_OK)
			rc = query_run(a->db, err, "UPDATE release_due SET sent = 1 WHERE frame IN"
			    " (SELECT frame FROM release_due ORDER BY frame LIMIT ?1)", "i",
			    (int64_t)n);
		if (rc == RC_OK)
			exchange_put(out, ITEM_RELEASE, item.data, item.len);
	}
	bytes_reset(&ids);
	bytes_reset(&item);
	return rc;
}

/* The digest by which the reply names this request: of the root item's payload. */
static enum rc
request_id(const struct bytes *request, size_t root_at, uint8_t out[16])
{
	struct reader r;
	const uint8_t *p;
	size_t len;

	reader_init(&r, request->data + root_at, request->len - root_at);
	if (reader_u8(&r) != ITEM_ROOT)
		return RC_INTERNAL;
	p = reader_span(&r, EXCHANGE_ITEM_MAX, &len);
	if (p == NULL)
		return RC_INTERNAL;
	exchange_request_id(p, len, out);
	return RC_OK;
}

static enum rc
make_request(struct authority *a, struct bytes *out, struct error *err)
{
	struct authority_view v;
	struct root_hello h;
	size_t root_at;
	enum rc rc;

	memset(&h, 0, sizeof(h));
	if ((rc = authority_view_load(a, &v, err)) != RC_OK ||
	    (rc = put_old_lists(a, &v, out, err)) != RC_OK ||
	    (rc = put_statements(a, (uint64_t)v.statements, out, &h.statements,
	    h.directory_head, err)) != RC_OK ||
	    (rc = put_releases(a, out, err)) != RC_OK)
		return rc;
	/* behind the statements that tell what they lack */
	if (h.statements == directory_count(a->directory) &&
	    (rc = authority_put_resealed(a, v.generation, REQUEST_BYTES, out, err)) != RC_OK)
		return rc;
	directory_province(a->directory, h.province);
	memcpy(h.generation, v.generation, sizeof(h.generation));
	memcpy(h.nonce, v.nonce, sizeof(h.nonce));
	h.certificates = (uint64_t)v.certificates;
	h.heads = (uint64_t)v.heads;
	root_at = out->len;
	if ((rc = root_exchange_sign(&h, a->root, out)) != RC_OK ||
	    (rc = request_id(out, root_at, v.request)) != RC_OK)
		return rc;
	return put_bytes(a, "relay.request", v.request, err);
}

enum rc
authority_request(struct authority *a, struct bytes *out, struct error *err)
{
	enum rc rc;

	root_exchange_start(out);
	if ((rc = authority_begin(a, err)) == RC_OK)
		rc = authority_end(a, make_request(a, out, err), err);
	if (rc != RC_OK)
		bytes_reset(out);
	return rc;
}
