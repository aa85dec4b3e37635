/* Statements about the whole province: genesis, scope keys, forms; and the way to the others. */
#include <stdlib.h>
#include <string.h>

#include "shared/forms/form.h"
#include "shared/sync/directory_internal.h"

enum {
	KEY_MIN = 2 + 1 + 1 + 32,
	PATH_MAX_BYTES = 200
};

bool
directory_read_unit(struct reader *r, bool optional, char out[IDENTITY_UNIT_MAX + 1])
{
	size_t len;
	const uint8_t *p = reader_span(r, IDENTITY_UNIT_MAX, &len);

	memset(out, 0, IDENTITY_UNIT_MAX + 1);
	if (p == NULL || !(identity_unit_is_valid((const char *)p, len) || (optional && len == 0)))
		return false;
	memcpy(out, p, len);
	return true;
}

bool
directory_read_text(struct reader *r, size_t max, char *out)
{
	size_t len;
	const uint8_t *p = reader_span(r, max, &len);

	out[0] = '\0';
	if (p == NULL || !identity_text_is_valid(p, len))
		return false;
	memcpy(out, p, len);
	out[len] = '\0';
	return true;
}

/* ---- genesis ---- */

static enum rc
apply_genesis(struct directory *d, struct reader *r)
{
	uint8_t root[32], recovery[32];
	char name[DIRECTORY_UNIT_NAME_MAX + 1], top[IDENTITY_UNIT_MAX + 1];
	char *copy;

	reader_copy(r, root, sizeof root);
	reader_copy(r, recovery, sizeof recovery);
	if (!directory_read_text(r, DIRECTORY_UNIT_NAME_MAX, name) ||
	    !directory_read_unit(r, true, top) || !reader_done(r))
		return RC_FORMAT;
	if ((copy = malloc(strlen(name) + 1)) == NULL)
		return RC_NOMEM;
	strcpy(copy, name);
	d->name = copy;
	memcpy(d->root, root, sizeof root);
	memcpy(d->recovery, recovery, sizeof recovery);
	memcpy(d->top_unit, top, sizeof top);
	return RC_OK;
}

/* ---- scope keys ---- */

static enum rc
read_keys(struct reader *r, struct scope_key *keys, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (!directory_read_unit(r, false, keys[i].unit))
			return RC_FORMAT;
		keys[i].compartment = reader_u8(r);
		keys[i].epoch = (uint32_t)reader_varint_max(r, UINT32_MAX);
		reader_copy(r, keys[i].public_key, sizeof keys[i].public_key);
		if (r->bad || keys[i].compartment >= DIRECTORY_COMPARTMENTS)
			return RC_FORMAT;
	}
	if (n > 1)
		qsort(keys, n, sizeof *keys, directory_key_compare);
	return RC_OK;
}

static enum rc
read_promise(struct reader *r, struct share_promise *promise)
{
	static const uint8_t zeroes[32];

	promise->n = (size_t)reader_varint_max(r, DIRECTORY_SHARES_MAX);
	reader_copy(r, promise->root, sizeof promise->root);
	if (!reader_done(r) ||
	    (promise->n == 0 && memcmp(promise->root, zeroes, sizeof zeroes) != 0))
		return RC_FORMAT;
	return RC_OK;
}

/* An epoch is given once, and each new one is higher than all before. */
static enum rc
check_keys(const struct directory *d, const struct scope_key *keys, size_t n, struct error *err)
{
	for (size_t i = 0; i < n; i++) {
		const struct scope_key *last = directory_scope_key(d, keys[i].unit,
		    keys[i].compartment);

		if (directory_unit(d, keys[i].unit) == NULL)
			return error_set(err, RC_INVALID, keys[i].unit, NULL,
			    "a scope key of a unit that is not known");
		if ((last != NULL && keys[i].epoch <= last->epoch) ||
		    (i > 0 && directory_key_compare(&keys[i - 1], &keys[i]) == 0))
			return error_set(err, RC_INVALID, keys[i].unit, NULL,
			    "a scope key that is not newer than the last one");
	}
	return RC_OK;
}

static enum rc
reserve_promise(struct directory *d)
{
	size_t cap = d->promises_cap ? d->promises_cap * 2 : 16;
	struct share_promise *promises;

	if (d->n_promises < d->promises_cap)
		return RC_OK;
	if ((promises = realloc(d->promises, cap * sizeof *promises)) == NULL)
		return RC_NOMEM;
	d->promises = promises;
	d->promises_cap = cap;
	return RC_OK;
}

/* Merge from the end, in place: d->keys has room for n more. */
static void
merge_keys(struct directory *d, const struct scope_key *keys, size_t n)
{
	size_t i = d->n_keys, to = d->n_keys + n;

	d->n_keys = to;
	while (n > 0) {
		if (i > 0 && directory_key_compare(&d->keys[i - 1], &keys[n - 1]) > 0)
			d->keys[--to] = d->keys[--i];
		else
			d->keys[--to] = keys[--n];
	}
}

static enum rc
apply_keys(struct directory *d, struct reader *r, uint64_t seq, struct error *err)
{
	struct share_promise promise = { .seq = seq };
	struct scope_key *keys = NULL, *all;
	size_t n = (size_t)reader_varint_max(r, DIRECTORY_KEYS_MAX);
	enum rc rc;

	if (r->bad || n > reader_left(r) / KEY_MIN)
		return RC_FORMAT;
	if (n > DIRECTORY_KEYS_MAX - d->n_keys)
		return RC_LIMIT;
	if ((keys = calloc(n + 1, sizeof *keys)) == NULL)
		return RC_NOMEM;
	if ((rc = read_keys(r, keys, n)) != RC_OK || (rc = read_promise(r, &promise)) != RC_OK ||
	    (rc = check_keys(d, keys, n, err)) != RC_OK || (rc = reserve_promise(d)) != RC_OK)
		goto out;
	if ((all = realloc(d->keys, (d->n_keys + n + 1) * sizeof *all)) == NULL) {
		rc = RC_NOMEM;
		goto out;
	}
	d->keys = all;
	merge_keys(d, keys, n);
	d->promises[d->n_promises++] = promise;
out:
	free(keys);
	return rc;
}

/* ---- forms ---- */

/* A relative path of plain characters that stays where it is unpacked. */
static bool
path_is_valid(const uint8_t *p, size_t len)
{
	size_t start = 0;

	for (size_t i = 0; i <= len; i++) {
		if (i < len && p[i] != '/') {
			if (!identity_unit_is_valid((const char *)p + i, 1))
				return false;
			continue;
		}
		/* a component ends here: not empty, and no hidden or upper one */
		if (i == start || p[start] == '.')
			return false;
		start = i + 1;
	}
	return true;
}

static enum rc
apply_forms(struct directory *d, const struct statement_view *s)
{
	struct bytes copy = { 0 };
	struct reader r;
	uint64_t n, total = 0;

	reader_init(&r, s->payload, s->payload_len);
	n = reader_varint_max(&r, FORM_FILES_MAX);
	for (uint64_t i = 0; i < n; i++) {
		size_t len;
		const uint8_t *path = reader_span(&r, PATH_MAX_BYTES, &len);

		total += reader_varint_max(&r, DIRECTORY_FORM_BYTES_MAX);
		if (path == NULL || r.bad || !path_is_valid(path, len))
			return RC_FORMAT;
	}
	if (r.bad || n == 0)
		return RC_FORMAT;
	if (total > DIRECTORY_FORM_BYTES_MAX)
		return RC_LIMIT;
	bytes_put(&copy, s->payload, s->payload_len);
	if (copy.rc != RC_OK)
		return copy.rc;
	bytes_reset(&d->forms);
	d->forms = copy;
	d->forms_seq = s->seq;
	return RC_OK;
}

enum rc
directory_apply(struct directory *d, const struct statement_view *s, bool trusted,
    struct error *err)
{
	struct reader r;

	reader_init(&r, s->payload, s->payload_len);
	switch (s->type) {
	case STATEMENT_GENESIS:
		return apply_genesis(d, &r);
	case STATEMENT_UNITS:
		return directory_apply_units(d, &r, err);
	case STATEMENT_KEYS:
		return apply_keys(d, &r, s->seq, err);
	case STATEMENT_ADMIT:
		return directory_apply_admit(d, &r, trusted, err);
	case STATEMENT_RETIRE:
		return directory_apply_end(d, &r, DEVICE_RETIRED);
	case STATEMENT_REFUSE:
		return directory_apply_end(d, &r, DEVICE_REFUSED);
	case STATEMENT_REVOKE:
		return directory_apply_revoke(d, &r);
	case STATEMENT_FORMS:
		return apply_forms(d, s);
	case STATEMENT_ASSIGN:
		return directory_apply_assign(d, &r, err);
	case STATEMENT_ERASE:
		return directory_apply_erase(d, &r, s->seq);
	default:
		return RC_INTERNAL;
	}
}
