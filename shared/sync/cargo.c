#define ZLIB_CONST
#include "shared/sync/cargo.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <zlib.h>

#include "shared/base/embedded.h"
#include "shared/sync/cargo_columns.h"

enum {
	RAW_DEFLATE_BITS = -15,
	ARENA_MAX = 512 << 20,	/* decoded structs of the largest raw cargo */
	INFLATE_RATIO_MAX = 1100	/* deflate cannot do better than 1032 */
};

/* Preset dictionaries ship with the program as dictionaries/N. */
static const struct embedded *
dictionary(uint64_t number)
{
	char name[40];

	snprintf(name, sizeof(name), "dictionaries/%u", (unsigned)number);
	return number > UINT32_MAX ? NULL : embedded_find(name);
}

static enum rc
squeeze(const struct bytes *raw, struct bytes *out)
{
	const struct embedded *preset = dictionary(CARGO_DICTIONARY);
	z_stream z;
	size_t bound;
	uint8_t *room;
	enum rc rc = RC_INTERNAL;

	memset(&z, 0, sizeof(z));
	if (preset == NULL)
		return RC_INTERNAL;
	if (deflateInit2(&z, 9, Z_DEFLATED, RAW_DEFLATE_BITS, 9, Z_DEFAULT_STRATEGY) != Z_OK)
		return RC_NOMEM;
	if (deflateSetDictionary(&z, preset->data, (uInt)preset->len) != Z_OK)
		goto out;
	bytes_u8(out, CARGO_FORMAT);
	bytes_varint(out, CARGO_DICTIONARY);
	bytes_varint(out, raw->len);
	bound = deflateBound(&z, (uLong)raw->len);
	if ((room = bytes_room(out, bound)) == NULL) {
		rc = RC_NOMEM;
		goto out;
	}
	z.next_in = raw->data;
	z.avail_in = (uInt)raw->len;
	z.next_out = room;
	z.avail_out = (uInt)bound;
	if (deflate(&z, Z_FINISH) != Z_STREAM_END)
		goto out;
	out->len += bound - z.avail_out;
	rc = RC_OK;
out:
	deflateEnd(&z);
	return rc;
}

enum rc
cargo_encode(const struct cargo_log *logs, size_t n_logs, const struct cargo_entry *entries,
    size_t n_entries, struct bytes *out)
{
	struct bytes raw;
	enum rc rc;

	bytes_init(&raw);
	if (n_entries > CARGO_ENTRIES_MAX || n_logs > CARGO_LOGS_MAX)
		return RC_LIMIT;
	if ((rc = cargo_columns_write(logs, n_logs, entries, n_entries, &raw)) != RC_OK)
		goto out;
	if (raw.len > CARGO_RAW_MAX) {
		rc = RC_LIMIT;
		goto out;
	}
	rc = squeeze(&raw, out);
out:
	bytes_wipe(&raw);
	return rc;
}

static enum rc
unsqueeze(const uint8_t *p, size_t len, const struct embedded *preset, uint8_t *raw, size_t raw_len)
{
	z_stream z;
	enum rc rc = RC_FORMAT;

	memset(&z, 0, sizeof(z));
	if (inflateInit2(&z, RAW_DEFLATE_BITS) != Z_OK)
		return RC_NOMEM;
	if (preset != NULL &&
	    inflateSetDictionary(&z, preset->data, (uInt)preset->len) != Z_OK) {
		rc = RC_INTERNAL;
		goto out;
	}
	z.next_in = p;
	z.avail_in = (uInt)len;
	z.next_out = raw;
	z.avail_out = (uInt)raw_len;
	if (inflate(&z, Z_FINISH) == Z_STREAM_END && z.avail_in == 0 && z.avail_out == 0)
		rc = RC_OK;
out:
	inflateEnd(&z);
	return rc;
}

enum rc
cargo_decode(const uint8_t *p, size_t len, const struct cargo_log *ranges, size_t n_ranges,
    struct cargo *out)
{
	const struct embedded *preset = NULL;
	struct reader r;
	struct arena *arena;
	uint64_t number, raw_len;
	enum rc rc;

	memset(out, 0, sizeof(*out));
	reader_init(&r, p, len);
	if (reader_u8(&r) != CARGO_FORMAT)
		return r.bad ? RC_FORMAT : RC_NEWER;
	number = reader_varint(&r);
	raw_len = reader_varint(&r);
	if (r.bad)
		return RC_FORMAT;
	if (raw_len > CARGO_RAW_MAX || raw_len / INFLATE_RATIO_MAX > reader_left(&r) + 1)
		return RC_LIMIT;
	if (number != 0 && (preset = dictionary(number)) == NULL)
		return RC_NEWER;
	if ((arena = calloc(1, sizeof(*arena))) == NULL)
		return RC_NOMEM;
	arena_init(arena, ARENA_MAX);
	out->arena = arena;
	if ((out->raw = malloc((size_t)raw_len + 1)) == NULL) {
		rc = RC_NOMEM;
		goto out;
	}
	rc = unsqueeze(p + r.pos, len - r.pos, preset, out->raw, (size_t)raw_len);
	if (rc == RC_OK)
		rc = cargo_columns_read(out->raw, (size_t)raw_len, ranges, n_ranges, arena, out);
out:
	if (rc != RC_OK)
		cargo_reset(out);
	return rc;
}

void
cargo_reset(struct cargo *c)
{
	if (c->arena != NULL) {
		arena_reset(c->arena);
		free(c->arena);
	}
	free(c->raw);
	memset(c, 0, sizeof(*c));
}
