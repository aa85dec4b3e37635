/* Erasures: which values of which entries a lawful order took away (formats.md "Erasure"). */
#include <stdlib.h>
#include <string.h>

#include "shared/sync/directory_internal.h"

enum { ERASURE_MIN = 8 + 1 + 1 };

static enum rc
read_fields(struct reader *r, struct erasure *e)
{
	size_t n = (size_t)reader_varint_max(r, ERASURE_FIELDS_MAX);
	uint16_t *fields;

	if (r->bad || n > reader_left(r))
		return RC_FORMAT;
	if (n == 0)
		return RC_OK;
	if ((fields = calloc(n, sizeof *fields)) == NULL)
		return RC_NOMEM;
	e->fields = fields;
	e->n_fields = n;
	for (size_t i = 0; i < n; i++) {
		fields[i] = (uint16_t)reader_varint_max(r, ERASURE_FIELD_MAX);
		if (r->bad || fields[i] == 0 || (i > 0 && fields[i] <= fields[i - 1]))
			return RC_FORMAT;
	}
	return RC_OK;
}

static int
compare(const void *a, const void *b)
{
	const struct erasure *x = a, *y = b;

	if (x->log != y->log)
		return x->log < y->log ? -1 : 1;
	if (x->n != y->n)
		return x->n < y->n ? -1 : 1;
	return (x->seq > y->seq) - (x->seq < y->seq);
}

static enum rc
read_list(struct reader *r, uint64_t seq, struct erasure *list, size_t n)
{
	enum rc rc;

	for (size_t i = 0; i < n; i++) {
		list[i].seq = seq;
		list[i].log = reader_u64(r);
		list[i].n = reader_varint_max(r, INT64_MAX);
		if (r->bad || list[i].log == 0 || list[i].n == 0)
			return RC_FORMAT;
		if ((rc = read_fields(r, &list[i])) != RC_OK)
			return rc;
		if (i > 0 && compare(&list[i - 1], &list[i]) >= 0)
			return RC_FORMAT;
	}
	return reader_done(r) ? RC_OK : RC_FORMAT;
}

void
directory_erasures_free(struct erasure *list, size_t n)
{
	for (size_t i = 0; i < n; i++)
		free(list[i].fields);
	free(list);
}

enum rc
directory_apply_erase(struct directory *d, struct reader *r, uint64_t seq)
{
	char order[DIRECTORY_REASON_MAX + 1];
	struct erasure *list, *all;
	size_t n;
	enum rc rc;

	if (!directory_read_text(r, DIRECTORY_REASON_MAX, order))
		return RC_FORMAT;
	n = (size_t)reader_varint_max(r, DIRECTORY_ERASURES_MAX);
	if (r->bad || n == 0 || n > reader_left(r) / ERASURE_MIN)
		return RC_FORMAT;
	if (n > DIRECTORY_ERASURES_MAX - d->n_erasures)
		return RC_LIMIT;
	if ((list = calloc(n, sizeof *list)) == NULL)
		return RC_NOMEM;
	if ((rc = read_list(r, seq, list, n)) == RC_OK) {
		all = realloc(d->erasures, (d->n_erasures + n) * sizeof *all);
		rc = all == NULL ? RC_NOMEM : RC_OK;
		if (all != NULL)
			d->erasures = all;
	}
	if (rc != RC_OK) {
		directory_erasures_free(list, n);
		return rc;
	}
	memcpy(d->erasures + d->n_erasures, list, n * sizeof *list);
	d->n_erasures += n;
	qsort(d->erasures, d->n_erasures, sizeof *d->erasures, compare);
	free(list);
	return RC_OK;
}

const struct erasure *
directory_erasures(const struct directory *d, uint64_t log, uint64_t n, size_t *count)
{
	size_t low = 0, high = d->n_erasures, end;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		const struct erasure *e = &d->erasures[middle];

		if (e->log < log || (e->log == log && e->n < n))
			low = middle + 1;
		else
			high = middle;
	}
	for (end = low; end < d->n_erasures && d->erasures[end].log == log &&
	    (n == 0 || d->erasures[end].n == n); end++)
		;
	*count = end - low;
	return *count == 0 ? NULL : &d->erasures[low];
}

uint64_t
directory_erased_at(const struct directory *d, uint64_t log)
{
	size_t n;
	const struct erasure *e = directory_erasures(d, log, 0, &n);
	uint64_t last = 0;

	for (size_t i = 0; i < n; i++)
		last = e[i].seq > last ? e[i].seq : last;
	return last;
}

const struct erasure *
directory_erasure_at(const struct directory *d, size_t i)
{
	return i < d->n_erasures ? &d->erasures[i] : NULL;
}

void
directory_write_erase(const char *order, const struct erasure *list, size_t n,
    struct bytes *payload)
{
	bytes_span(payload, order, strlen(order));
	bytes_varint(payload, n);
	for (size_t i = 0; i < n; i++) {
		bytes_u64(payload, list[i].log);
		bytes_varint(payload, list[i].n);
		bytes_varint(payload, list[i].n_fields);
		for (size_t k = 0; k < list[i].n_fields; k++)
			bytes_varint(payload, list[i].fields[k]);
	}
}
