#ifndef SHARED_BASE_BYTES_H
#define SHARED_BASE_BYTES_H

/*
 * bytes: a growing byte buffer with a sticky error, and a bounded reader with
 * a sticky error.  Builders and parsers check once, at the end.
 *
 * Integers: fixed ones are little-endian.  A varint is base 128, low group
 * first, at most 10 bytes, and must be minimal (formats.md, "Conventions"): the
 * reader refuses a longer spelling, so every value has exactly one encoding.
 * zigzag maps signed to unsigned: 0 -1 1 -2 -> 0 1 2 3.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "shared/base/rc.h"

struct bytes {
	uint8_t *data;
	size_t len;
	size_t cap;
	enum rc rc;	/* RC_OK, or RC_NOMEM: then all puts are ignored */
};

void bytes_init(struct bytes *b);
/* Free the memory; the struct may be used again. */
void bytes_reset(struct bytes *b);
/* The same, but overwrite the contents first. */
void bytes_wipe(struct bytes *b);
/* Make room for `extra` more bytes; NULL on failure, else where they go. */
uint8_t *bytes_room(struct bytes *b, size_t extra);

void bytes_put(struct bytes *b, const void *p, size_t len);
void bytes_text(struct bytes *b, const char *s);
void bytes_u8(struct bytes *b, uint8_t v);
void bytes_u16(struct bytes *b, uint16_t v);
void bytes_u32(struct bytes *b, uint32_t v);
void bytes_u64(struct bytes *b, uint64_t v);
void bytes_varint(struct bytes *b, uint64_t v);
void bytes_zigzag(struct bytes *b, int64_t v);
/* varint length, then the bytes */
void bytes_span(struct bytes *b, const void *p, size_t len);
void bytes_printf(struct bytes *b, const char *fmt, ...) RC_PRINTF(2, 3);
/* NUL-terminate without counting the NUL.  "" when rc is an error: look at rc first. */
const char *bytes_cstr(struct bytes *b);

struct reader {
	const uint8_t *data;
	size_t len;
	size_t pos;
	bool bad;	/* a read went past the end or met a bad integer */
};

void reader_init(struct reader *r, const void *p, size_t len);
size_t reader_left(const struct reader *r);
/* All was read and nothing was bad. */
bool reader_done(const struct reader *r);
uint8_t reader_u8(struct reader *r);
uint16_t reader_u16(struct reader *r);
uint32_t reader_u32(struct reader *r);
uint64_t reader_u64(struct reader *r);
uint64_t reader_varint(struct reader *r);
/* A varint that must be <= max, else the reader turns bad and 0 comes back. */
uint64_t reader_varint_max(struct reader *r, uint64_t max);
int64_t reader_zigzag(struct reader *r);
/* len bytes in place; NULL (and bad) if there are fewer.  len 0 is not NULL. */
const uint8_t *reader_take(struct reader *r, size_t len);
/* varint length <= max, then that many bytes in place. */
const uint8_t *reader_span(struct reader *r, size_t max, size_t *len);
/* Copy exactly len bytes to out; zeroes when bad. */
void reader_copy(struct reader *r, void *out, size_t len);

uint64_t bytes_zigzag_of(int64_t v);
int64_t bytes_unzigzag(uint64_t v);
void bytes_store64(uint8_t out[8], uint64_t v);
uint64_t bytes_load64(const uint8_t in[8]);

/* Lower-case hex; out has 2 * len + 1 chars. */
void bytes_hex(const uint8_t *p, size_t len, char *out);
/* Exactly 2 * len hex digits, either case; false otherwise. */
bool bytes_unhex(const char *hex, uint8_t *out, size_t len);

#endif
