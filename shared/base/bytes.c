#include "shared/base/bytes.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FIRST_CAP = 64 };

void
bytes_init(struct bytes *b)
{
	memset(b, 0, sizeof(*b));
}

void
bytes_reset(struct bytes *b)
{
	free(b->data);
	bytes_init(b);
}

void
bytes_wipe(struct bytes *b)
{
	volatile uint8_t *p = b->data;

	for (size_t i = 0; p != NULL && i < b->cap; i++)
		p[i] = 0;
	bytes_reset(b);
}

uint8_t *
bytes_room(struct bytes *b, size_t extra)
{
	size_t cap = b->cap ? b->cap : FIRST_CAP;
	uint8_t *data;

	if (b->rc != RC_OK)
		return NULL;
	/* and one for the NUL of bytes_cstr, which then cannot fail */
	if (extra >= SIZE_MAX / 2 - b->len) {
		b->rc = RC_NOMEM;
		return NULL;
	}
	if (b->data == NULL || b->len + extra >= b->cap) {
		while (cap <= b->len + extra)
			cap *= 2;
		if ((data = realloc(b->data, cap)) == NULL) {
			b->rc = RC_NOMEM;
			return NULL;
		}
		b->data = data;
		b->cap = cap;
	}
	return b->data + b->len;
}

void
bytes_put(struct bytes *b, const void *p, size_t len)
{
	uint8_t *to = bytes_room(b, len);

	if (to == NULL || len == 0)
		return;
	memcpy(to, p, len);
	b->len += len;
}

void
bytes_text(struct bytes *b, const char *s)
{
	bytes_put(b, s, strlen(s));
}

void
bytes_u8(struct bytes *b, uint8_t v)
{
	bytes_put(b, &v, 1);
}

void
bytes_u16(struct bytes *b, uint16_t v)
{
	uint8_t t[2] = { (uint8_t)v, (uint8_t)(v >> 8) };

	bytes_put(b, t, sizeof(t));
}

void
bytes_u32(struct bytes *b, uint32_t v)
{
	uint8_t t[4];

	for (int i = 0; i < 4; i++)
		t[i] = (uint8_t)(v >> (8 * i));
	bytes_put(b, t, sizeof(t));
}

void
bytes_store64(uint8_t out[8], uint64_t v)
{
	for (int i = 0; i < 8; i++)
		out[i] = (uint8_t)(v >> (8 * i));
}

uint64_t
bytes_load64(const uint8_t in[8])
{
	uint64_t v = 0;

	for (int i = 7; i >= 0; i--)
		v = v << 8 | in[i];
	return v;
}

void
bytes_u64(struct bytes *b, uint64_t v)
{
	uint8_t t[8];

	bytes_store64(t, v);
	bytes_put(b, t, sizeof(t));
}

void
bytes_varint(struct bytes *b, uint64_t v)
{
	uint8_t t[10];
	size_t n = 0;

	while (v >= 0x80) {
		t[n++] = (uint8_t)(v | 0x80);
		v >>= 7;
	}
	t[n++] = (uint8_t)v;
	bytes_put(b, t, n);
}

uint64_t
bytes_zigzag_of(int64_t v)
{
	return ((uint64_t)v << 1) ^ (v < 0 ? UINT64_MAX : 0);
}

int64_t
bytes_unzigzag(uint64_t v)
{
	uint64_t u = (v >> 1) ^ (v & 1 ? UINT64_MAX : 0);
	int64_t out;

	memcpy(&out, &u, sizeof(out));
	return out;
}

void
bytes_zigzag(struct bytes *b, int64_t v)
{
	bytes_varint(b, bytes_zigzag_of(v));
}

void
bytes_span(struct bytes *b, const void *p, size_t len)
{
	bytes_varint(b, len);
	bytes_put(b, p, len);
}

void
bytes_printf(struct bytes *b, const char *fmt, ...)
{
	va_list ap;
	int n;
	uint8_t *to;

	va_start(ap, fmt);
	n = vsnprintf(NULL, 0, fmt, ap);
	va_end(ap);
	if (n < 0 || (to = bytes_room(b, (size_t)n + 1)) == NULL)
		return;
	va_start(ap, fmt);
	vsnprintf((char *)to, (size_t)n + 1, fmt, ap);
	va_end(ap);
	b->len += (size_t)n;
}

const char *
bytes_cstr(struct bytes *b)
{
	if (b->rc != RC_OK || b->data == NULL)
		return "";
	b->data[b->len] = 0;
	return (const char *)b->data;
}

void
reader_init(struct reader *r, const void *p, size_t len)
{
	r->data = p;
	r->len = len;
	r->pos = 0;
	r->bad = false;
}

size_t
reader_left(const struct reader *r)
{
	return r->bad ? 0 : r->len - r->pos;
}

bool
reader_done(const struct reader *r)
{
	return !r->bad && r->pos == r->len;
}

const uint8_t *
reader_take(struct reader *r, size_t len)
{
	static const uint8_t nothing[1];
	const uint8_t *p;

	if (r->bad || len > r->len - r->pos) {
		r->bad = true;
		return NULL;
	}
	p = r->data == NULL ? nothing : r->data + r->pos;
	r->pos += len;
	return p;
}

uint8_t
reader_u8(struct reader *r)
{
	const uint8_t *p = reader_take(r, 1);

	return p == NULL ? 0 : *p;
}

static uint64_t
take_le(struct reader *r, size_t n)
{
	const uint8_t *p = reader_take(r, n);
	uint64_t v = 0;

	if (p == NULL)
		return 0;
	while (n-- > 0)
		v = v << 8 | p[n];
	return v;
}

uint16_t
reader_u16(struct reader *r)
{
	return (uint16_t)take_le(r, 2);
}

uint32_t
reader_u32(struct reader *r)
{
	return (uint32_t)take_le(r, 4);
}

uint64_t
reader_u64(struct reader *r)
{
	return take_le(r, 8);
}

uint64_t
reader_varint(struct reader *r)
{
	uint64_t v = 0;

	for (unsigned shift = 0; shift < 64; shift += 7) {
		uint8_t c = reader_u8(r);

		if (r->bad)
			return 0;
		/* the tenth byte holds one bit; a last byte of 0 is not minimal */
		if ((shift == 63 && c > 1) || (shift > 0 && c == 0))
			break;
		v |= (uint64_t)(c & 0x7f) << shift;
		if ((c & 0x80) == 0)
			return v;
	}
	r->bad = true;
	return 0;
}

uint64_t
reader_varint_max(struct reader *r, uint64_t max)
{
	uint64_t v = reader_varint(r);

	if (v > max) {
		r->bad = true;
		return 0;
	}
	return v;
}

int64_t
reader_zigzag(struct reader *r)
{
	return bytes_unzigzag(reader_varint(r));
}

const uint8_t *
reader_span(struct reader *r, size_t max, size_t *len)
{
	*len = (size_t)reader_varint_max(r, max);
	if (r->bad)
		return NULL;
	return reader_take(r, *len);
}

void
reader_copy(struct reader *r, void *out, size_t len)
{
	const uint8_t *p = reader_take(r, len);

	if (p == NULL)
		memset(out, 0, len);
	else
		memcpy(out, p, len);
}

void
bytes_hex(const uint8_t *p, size_t len, char *out)
{
	static const char digit[] = "0123456789abcdef";

	for (size_t i = 0; i < len; i++) {
		out[2 * i] = digit[p[i] >> 4];
		out[2 * i + 1] = digit[p[i] & 15];
	}
	out[2 * len] = '\0';
}

static int
nibble(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

bool
bytes_unhex(const char *hex, uint8_t *out, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		int hi = nibble(hex[2 * i]);
		int lo = hi < 0 ? -1 : nibble(hex[2 * i + 1]);

		if (lo < 0)
			return false;
		out[i] = (uint8_t)(hi << 4 | lo);
	}
	return hex[2 * len] == '\0';
}
