#define ZLIB_CONST
#include "shared/sync/pack.h"

#include <string.h>
#include <zlib.h>

enum { RAW_DEFLATE_BITS = -15 };

enum rc
pack_squeeze(const uint8_t *p, size_t len, const struct pack_dictionary *preset,
    struct bytes *out)
{
	z_stream z;
	uint8_t *room;
	size_t bound;
	enum rc rc = RC_INTERNAL;

	if (len > PACK_RAW_MAX)
		return RC_LIMIT;
	memset(&z, 0, sizeof(z));
	if (deflateInit2(&z, 9, Z_DEFLATED, RAW_DEFLATE_BITS, 9, Z_DEFAULT_STRATEGY) != Z_OK)
		return RC_NOMEM;
	if (preset != NULL &&
	    deflateSetDictionary(&z, preset->data, (uInt)preset->len) != Z_OK)
		goto out;
	bound = deflateBound(&z, (uLong)len);
	if ((room = bytes_room(out, bound)) == NULL) {
		rc = RC_NOMEM;
		goto out;
	}
	z.next_in = p;
	z.avail_in = (uInt)len;
	z.next_out = room;
	z.avail_out = (uInt)bound;
	if (deflate(&z, Z_FINISH) == Z_STREAM_END) {
		out->len += bound - z.avail_out;
		rc = RC_OK;
	}
out:
	deflateEnd(&z);
	return rc;
}

enum rc
pack_unsqueeze(const uint8_t *p, size_t len, const struct pack_dictionary *preset,
    size_t raw_len, struct bytes *out)
{
	z_stream z;
	uint8_t *room;
	enum rc rc = RC_FORMAT;

	if (raw_len > PACK_RAW_MAX)
		return RC_LIMIT;
	if ((room = bytes_room(out, raw_len + 1)) == NULL)
		return RC_NOMEM;
	memset(&z, 0, sizeof(z));
	if (inflateInit2(&z, RAW_DEFLATE_BITS) != Z_OK)
		return RC_NOMEM;
	z.next_in = p;
	z.avail_in = (uInt)len;
	z.next_out = room;
	z.avail_out = (uInt)raw_len + 1;
	if (preset != NULL && inflateSetDictionary(&z, preset->data, (uInt)preset->len) != Z_OK)
		rc = RC_INTERNAL;
	else if (inflate(&z, Z_FINISH) == Z_STREAM_END && z.avail_in == 0 && z.avail_out == 1) {
		out->len += raw_len;
		rc = RC_OK;
	}
	inflateEnd(&z);
	return rc;
}
