/* Shares of scope keys and the hash tree over a statement's list of them. */
#include <stdlib.h>
#include <string.h>

#include "shared/sync/directory_internal.h"
#include "shared/vault/digest.h"

enum { HASH = 32, PATH_MAX_NODES = 15, SHARE_MIN = 90 };

_Static_assert(1 << PATH_MAX_NODES == DIRECTORY_SHARES_MAX, "a path of the fullest tree");

/* ---- one share ---- */

void
directory_share_write(const struct share *s, struct bytes *out)
{
	bytes_span(out, s->unit, strlen(s->unit));
	bytes_u8(out, (uint8_t)s->compartment);
	bytes_varint(out, s->epoch);
	bytes_u8(out, s->to_device);
	if (s->to_device) {
		bytes_put(out, s->to_device_id, sizeof s->to_device_id);
	} else {
		bytes_span(out, s->to_unit, strlen(s->to_unit));
		bytes_u8(out, (uint8_t)s->to_compartment);
		bytes_varint(out, s->to_epoch);
	}
	bytes_put(out, s->sealed, sizeof s->sealed);
}

static bool
read_scope(struct reader *r, char unit[IDENTITY_UNIT_MAX + 1], unsigned *compartment,
    uint32_t *epoch)
{
	if (!directory_read_unit(r, false, unit))
		return false;
	*compartment = reader_u8(r);
	*epoch = (uint32_t)reader_varint_max(r, UINT32_MAX);
	return !r->bad && *compartment < DIRECTORY_COMPARTMENTS;
}

enum rc
directory_share_read(const uint8_t *p, size_t len, struct share *out)
{
	struct reader r;
	uint8_t kind;
	bool good;

	memset(out, 0, sizeof *out);
	reader_init(&r, p, len);
	good = len <= DIRECTORY_SHARE_MAX && read_scope(&r, out->unit, &out->compartment, &out->epoch);
	kind = reader_u8(&r);
	out->to_device = kind == 1;
	if (kind == 1)
		reader_copy(&r, out->to_device_id, sizeof out->to_device_id);
	else if (kind == 0)
		good = good && read_scope(&r, out->to_unit, &out->to_compartment, &out->to_epoch);
	else
		good = false;
	reader_copy(&r, out->sealed, sizeof out->sealed);
	if (good && reader_done(&r))
		return RC_OK;
	memset(out, 0, sizeof *out);
	return RC_FORMAT;
}

/* ---- the tree ---- */

static void
hash_leaf(const void *share, size_t len, uint8_t out[HASH])
{
	digest_of(out, HASH, "field-share-leaf-1", share, len);
}

static void
hash_node(const uint8_t left[HASH], const uint8_t right[HASH], uint8_t out[HASH])
{
	struct digest d;

	digest_start(&d, HASH, NULL, 0, "field-share-node-1");
	digest_put(&d, left, HASH);
	digest_put(&d, right, HASH);
	digest_end(&d, out);
}

/* Full subtrees stand on a stack, the largest first, as the ones of n in binary. */
struct climb {
	uint8_t nodes[PATH_MAX_NODES + 1][HASH];
	size_t depth, n;
};

static void
climb_add(struct climb *c, const void *share, size_t len)
{
	hash_leaf(share, len, c->nodes[c->depth++]);
	for (size_t n = c->n++; n & 1; n >>= 1) {
		c->depth--;
		hash_node(c->nodes[c->depth - 1], c->nodes[c->depth], c->nodes[c->depth - 1]);
	}
}

static void
climb_end(struct climb *c, uint8_t root[HASH])
{
	memset(root, 0, HASH);
	if (c->depth == 0)
		return;
	for (; c->depth > 1; c->depth--)
		hash_node(c->nodes[c->depth - 2], c->nodes[c->depth - 1], c->nodes[c->depth - 2]);
	memcpy(root, c->nodes[0], HASH);
}

void
directory_share_root(const struct bytes *shares, size_t n, uint8_t root[32])
{
	struct climb c = { .depth = 0 };

	memset(root, 0, HASH);
	if (n > DIRECTORY_SHARES_MAX)
		return;
	for (size_t i = 0; i < n; i++)
		climb_add(&c, shares[i].data, shares[i].len);
	climb_end(&c, root);
}

struct share_tree {
	const struct bytes *shares;
	size_t n;
	uint8_t (*nodes)[HASH];		/* the leaves, then each floor above */
};

enum rc
directory_share_tree_new(const struct bytes *shares, size_t n, struct share_tree **out)
{
	struct share_tree *t;
	size_t total = n, size, at = 0;

	*out = NULL;
	if (n == 0 || n > DIRECTORY_SHARES_MAX)
		return RC_LIMIT;
	for (size = n; size > 1; total += size)
		size = (size + 1) / 2;
	if ((t = calloc(1, sizeof *t)) == NULL)
		return RC_NOMEM;
	t->shares = shares;
	t->n = n;
	if ((t->nodes = calloc(total, sizeof *t->nodes)) == NULL) {
		free(t);
		return RC_NOMEM;
	}
	for (size_t i = 0; i < n; i++)
		hash_leaf(shares[i].data, shares[i].len, t->nodes[i]);
	for (size = n; size > 1; at += size, size = (size + 1) / 2) {
		uint8_t (*from)[HASH] = t->nodes + at, (*to)[HASH] = from + size;

		for (size_t i = 0; i + 1 < size; i += 2)
			hash_node(from[i], from[i + 1], to[i / 2]);
		if (size % 2 != 0)
			memcpy(to[size / 2], from[size - 1], HASH);
	}
	*out = t;
	return RC_OK;
}

void
directory_share_tree_free(struct share_tree *t)
{
	if (t == NULL)
		return;
	free(t->nodes);
	free(t);
}

enum rc
directory_share_tree_item(const struct share_tree *t, size_t index, uint64_t seq,
    struct bytes *out)
{
	uint8_t path[PATH_MAX_NODES][HASH];
	size_t n = 0, at = 0, i = index;

	if (index >= t->n)
		return RC_NOTFOUND;
	for (size_t size = t->n; size > 1; at += size, size = (size + 1) / 2, i /= 2) {
		if ((i ^ 1) < size)
			memcpy(path[n++], t->nodes[at + (i ^ 1)], HASH);
	}
	bytes_varint(out, seq);
	bytes_varint(out, index);
	bytes_span(out, t->shares[index].data, t->shares[index].len);
	bytes_varint(out, n);
	bytes_put(out, path, n * HASH);
	return out->rc;
}

enum rc
directory_share_item(const struct bytes *shares, size_t n, size_t index, uint64_t seq,
    struct bytes *out)
{
	struct share_tree *t = NULL;
	enum rc rc = directory_share_tree_new(shares, n, &t);

	if (rc == RC_OK)
		rc = directory_share_tree_item(t, index, seq, out);
	directory_share_tree_free(t);
	return rc;
}

/* ---- checking against the chain ---- */

/* NULL when the statement is not here or promised nothing. */
static const struct share_promise *
promise_of(const struct directory *d, uint64_t seq)
{
	size_t low = 0, high = d->n_promises;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (d->promises[middle].seq == seq)
			return d->promises[middle].n > 0 ? &d->promises[middle] : NULL;
		if (d->promises[middle].seq < seq)
			low = middle + 1;
		else
			high = middle;
	}
	return NULL;
}

/* Climb from a leaf along its path; every node of the path must be used. */
static enum rc
follow_path(const struct share_promise *promise, size_t index, uint8_t node[HASH],
    const uint8_t *path, size_t n)
{
	size_t used = 0;

	for (size_t size = promise->n; size > 1; size = (size + 1) / 2, index /= 2) {
		const uint8_t *other = path + used * HASH;

		if ((index ^ 1) >= size)
			continue;
		if (used == n)
			return RC_AUTH;
		if (index & 1)
			hash_node(other, node, node);
		else
			hash_node(node, other, node);
		used++;
	}
	return used == n && memcmp(node, promise->root, HASH) == 0 ? RC_OK : RC_AUTH;
}

enum rc
directory_share_check(const struct directory *d, const uint8_t *item, size_t len,
    struct share *out)
{
	const struct share_promise *promise;
	const uint8_t *share, *path;
	uint8_t node[HASH];
	struct reader r;
	size_t index, share_len, n;
	uint64_t seq;
	enum rc rc;

	memset(out, 0, sizeof *out);
	reader_init(&r, item, len);
	seq = reader_varint(&r);
	index = (size_t)reader_varint_max(&r, DIRECTORY_SHARES_MAX - 1);
	share = reader_span(&r, DIRECTORY_SHARE_MAX, &share_len);
	n = (size_t)reader_varint_max(&r, PATH_MAX_NODES);
	path = reader_take(&r, n * HASH);
	if (share == NULL || path == NULL || !reader_done(&r))
		return RC_FORMAT;
	if ((promise = promise_of(d, seq)) == NULL)
		return RC_NOTFOUND;
	if (index >= promise->n)
		return RC_AUTH;
	hash_leaf(share, share_len, node);
	if ((rc = follow_path(promise, index, node, path, n)) != RC_OK)
		return rc;
	return directory_share_read(share, share_len, out);
}

void
directory_share_list_write(const struct bytes *shares, size_t n, uint64_t seq,
    struct bytes *out)
{
	bytes_varint(out, seq);
	bytes_varint(out, n);
	for (size_t i = 0; i < n; i++)
		bytes_span(out, shares[i].data, shares[i].len);
}

/* The head of a list; the reader then stands before its first share. */
static enum rc
read_list(struct reader *r, uint64_t *seq, size_t *n)
{
	*seq = reader_varint(r);
	*n = (size_t)reader_varint_max(r, DIRECTORY_SHARES_MAX);
	return r->bad || *n > reader_left(r) / SHARE_MIN ? RC_FORMAT : RC_OK;
}

enum rc
directory_share_list_check(const struct directory *d, const uint8_t *item, size_t len,
    struct share **out, size_t *n)
{
	const struct share_promise *promise;
	struct climb c = { .depth = 0 };
	struct share *shares;
	struct reader r;
	uint8_t root[HASH];
	uint64_t seq;
	size_t count;
	enum rc rc;

	*out = NULL;
	*n = 0;
	reader_init(&r, item, len);
	if ((rc = read_list(&r, &seq, &count)) != RC_OK)
		return rc;
	if ((promise = promise_of(d, seq)) == NULL)
		return RC_NOTFOUND;
	if (count != promise->n)
		return RC_AUTH;
	if ((shares = calloc(count, sizeof *shares)) == NULL)
		return RC_NOMEM;
	for (size_t i = 0; rc == RC_OK && i < count; i++) {
		size_t share_len;
		const uint8_t *share = reader_span(&r, DIRECTORY_SHARE_MAX, &share_len);

		rc = share == NULL ? RC_FORMAT : directory_share_read(share, share_len, &shares[i]);
		if (rc == RC_OK)
			climb_add(&c, share, share_len);
	}
	if (rc == RC_OK && !reader_done(&r))
		rc = RC_FORMAT;
	climb_end(&c, root);
	if (rc == RC_OK && memcmp(root, promise->root, HASH) != 0)
		rc = RC_AUTH;
	if (rc != RC_OK) {
		free(shares);
		return rc;
	}
	*out = shares;
	*n = count;
	return RC_OK;
}

enum rc
directory_share_list_read(const uint8_t *item, size_t len, uint64_t *seq,
    struct bytes **shares, size_t *n)
{
	struct bytes *list = NULL;
	struct reader r;
	size_t count = 0;
	enum rc rc;

	*shares = NULL;
	*n = 0;
	reader_init(&r, item, len);
	if ((rc = read_list(&r, seq, &count)) != RC_OK)
		return rc;
	if ((list = calloc(count + 1, sizeof *list)) == NULL)
		return RC_NOMEM;
	for (size_t i = 0; rc == RC_OK && i < count; i++) {
		size_t share_len;
		const uint8_t *share = reader_span(&r, DIRECTORY_SHARE_MAX, &share_len);

		bytes_put(&list[i], share, share == NULL ? 0 : share_len);
		rc = share == NULL ? RC_FORMAT : list[i].rc;
	}
	if (rc == RC_OK && !reader_done(&r))
		rc = RC_FORMAT;
	if (rc != RC_OK) {
		for (size_t i = 0; i < count; i++)
			bytes_reset(&list[i]);
		free(list);
		return rc;
	}
	*shares = list;
	*n = count;
	return RC_OK;
}
