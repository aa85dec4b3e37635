#include "shared/sync/cargo.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "shared/base/embedded.h"
#include "shared/sync/cargo_columns.h"
#include "shared/sync/pack.h"

enum {
	ARENA_MAX = 512 << 20,	/* decoded structs of the largest raw cargo */
	INFLATE_RATIO_MAX = 1100	/* deflate cannot do better than 1032 */
};

/* Preset dictionaries ship with the program as dictionaries/N.  False: not with this one. */
static bool
dictionary(uint64_t number, struct pack_dictionary *out)
{
	const struct embedded *file;
	char name[40];

	if (number > UINT32_MAX)
		return false;
	snprintf(name, sizeof(name), "dictionaries/%u", (unsigned)number);
	if ((file = embedded_find(name)) == NULL)
		return false;
	out->data = file->data;
	out->len = file->len;
	return true;
}

static enum rc
squeeze(const struct bytes *raw, struct bytes *out)
{
	struct pack_dictionary preset;

	if (!dictionary(CARGO_DICTIONARY, &preset))
		return RC_INTERNAL;
	bytes_u8(out, CARGO_FORMAT);
	bytes_varint(out, CARGO_DICTIONARY);
	bytes_varint(out, raw->len);
	return pack_squeeze(raw->data, raw->len, &preset, out);
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

enum rc
cargo_decode(const uint8_t *p, size_t len, const struct cargo_log *ranges, size_t n_ranges,
    struct cargo *out)
{
	struct pack_dictionary preset;
	struct bytes raw;
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
	if (number != 0 && !dictionary(number, &preset))
		return RC_NEWER;
	if ((arena = calloc(1, sizeof(*arena))) == NULL)
		return RC_NOMEM;
	arena_init(arena, ARENA_MAX);
	out->arena = arena;
	bytes_init(&raw);
	rc = pack_unsqueeze(p + r.pos, len - r.pos, number != 0 ? &preset : NULL,
	    (size_t)raw_len, &raw);
	out->raw = raw.data;
	if (rc == RC_OK)
		rc = cargo_columns_read(out->raw, (size_t)raw_len, ranges, n_ranges, arena, out);
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
