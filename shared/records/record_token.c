#include "shared/records/record_token.h"

#include <stdlib.h>
#include <string.h>

#include "shared/base/bytes.h"
#include "shared/records/record.h"
#include "shared/vault/digest.h"

enum { CHECK_BYTES = 4 };

static const char ALPHABET[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

static int
by_dot(const void *a, const void *b)
{
	return dot_compare(a, b);
}

enum rc
record_token_of_state(const struct register_state *s, struct record_token *out)
{
	size_t n = 0, kept = 0;

	out->dots = NULL;
	out->n = 0;
	for (size_t i = 0; i < s->n_fields; i++)
		n += s->fields[i].n_values;
	if ((out->dots = malloc((n + 1) * sizeof(*out->dots))) == NULL)
		return RC_NOMEM;
	n = 0;
	for (size_t i = 0; i < s->n_fields; i++)
		for (size_t k = 0; k < s->fields[i].n_values; k++)
			out->dots[n++] = s->fields[i].values[k].address.dot;
	if (n > 1)
		qsort(out->dots, n, sizeof(*out->dots), by_dot);
	for (size_t i = 0; i < n; i++)
		if (kept == 0 || dot_compare(&out->dots[kept - 1], &out->dots[i]) != 0)
			out->dots[kept++] = out->dots[i];
	out->n = kept;
	return RC_OK;
}

void
record_token_reset(struct record_token *t)
{
	free(t->dots);
	t->dots = NULL;
	t->n = 0;
}

bool
record_token_has(const struct record_token *t, const struct dot *d)
{
	return t->n > 0 && bsearch(d, t->dots, t->n, sizeof(*t->dots), by_dot) != NULL;
}

static void
check_of(const struct dot *record, const uint8_t *p, size_t len, uint8_t out[CHECK_BYTES])
{
	struct digest d;

	digest_start(&d, CHECK_BYTES, NULL, 0, "field-seen-1");
	digest_u64(&d, record->log);
	digest_varint(&d, record->n);
	digest_put(&d, p, len);
	digest_end(&d, out);
}

static char *
to_text(const uint8_t *p, size_t len)
{
	char *out = malloc(len / 3 * 4 + 5), *at = out;

	if (out == NULL)
		return NULL;
	for (size_t i = 0; i < len; i += 3) {
		uint32_t v = (uint32_t)p[i] << 16;
		size_t have = len - i < 3 ? len - i : 3;

		v |= have > 1 ? (uint32_t)p[i + 1] << 8 : 0;
		v |= have > 2 ? (uint32_t)p[i + 2] : 0;
		for (size_t k = 0; k <= have; k++)
			*at++ = ALPHABET[v >> (18 - 6 * k) & 63];
	}
	*at = '\0';
	return out;
}

/* False: a character that is none of the alphabet, or bits left over. */
static bool
from_text(const char *s, struct bytes *out)
{
	uint32_t v = 0;
	unsigned bits = 0;

	for (; *s != '\0'; s++) {
		const char *at = strchr(ALPHABET, *s);

		if (at == NULL)
			return false;
		v = (v << 6 | (uint32_t)(at - ALPHABET)) & 0xffff;
		bits += 6;
		if (bits >= 8) {
			bits -= 8;
			bytes_u8(out, (uint8_t)(v >> bits));
		}
	}
	return out->rc == RC_OK && bits < 6 && (v & ((1u << bits) - 1)) == 0;
}

enum rc
record_token_make(const struct register_state *s, char **out)
{
	uint8_t check[CHECK_BYTES];
	struct record_token t;
	struct bytes b;
	enum rc rc;

	*out = NULL;
	if ((rc = record_token_of_state(s, &t)) != RC_OK)
		return rc;
	bytes_init(&b);
	bytes_varint(&b, t.n);
	for (size_t i = 0; i < t.n; i++) {
		bytes_u64(&b, t.dots[i].log);
		bytes_varint(&b, t.dots[i].n);
	}
	check_of(&s->record, b.data, b.len, check);
	bytes_put(&b, check, sizeof(check));
	if (b.rc == RC_OK)
		*out = to_text(b.data, b.len);
	rc = *out == NULL ? RC_NOMEM : RC_OK;
	bytes_reset(&b);
	record_token_reset(&t);
	return rc;
}

static enum rc
read_dots(const struct bytes *b, const struct dot *record, struct record_token *out)
{
	uint8_t want[CHECK_BYTES];
	struct reader r;
	size_t n;

	if (b->len < CHECK_BYTES)
		return RC_INVALID;
	check_of(record, b->data, b->len - CHECK_BYTES, want);
	if (memcmp(want, b->data + b->len - CHECK_BYTES, CHECK_BYTES) != 0)
		return RC_INVALID;
	reader_init(&r, b->data, b->len - CHECK_BYTES);
	n = (size_t)reader_varint_max(&r, b->len / 9);
	if ((out->dots = malloc((n + 1) * sizeof(*out->dots))) == NULL)
		return RC_NOMEM;
	for (; out->n < n; out->n++) {
		out->dots[out->n].log = reader_u64(&r);
		out->dots[out->n].n = reader_varint_max(&r, INT64_MAX);
		if (out->n > 0 && dot_compare(&out->dots[out->n - 1], &out->dots[out->n]) >= 0)
			return RC_INVALID;
	}
	return reader_done(&r) ? RC_OK : RC_INVALID;
}

enum rc
record_token_read(const char *text, const struct dot *record, struct record_token *out,
    struct error *err)
{
	struct bytes b;
	enum rc rc = RC_INVALID;

	out->dots = NULL;
	out->n = 0;
	bytes_init(&b);
	if (strlen(text) <= RECORD_TOKEN_MAX && from_text(text, &b))
		rc = read_dots(&b, record, out);
	bytes_reset(&b);
	if (rc == RC_OK)
		return RC_OK;
	record_token_reset(out);
	return error_set(err, rc, "seen", "show the record again and use the token it gives",
	    "that token does not belong to this record");
}
