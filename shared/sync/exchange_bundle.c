/* How a bundle begins (formats.md "Bundle"); what follows is a stream of items. */
#include <string.h>

#include "shared/sync/exchange.h"

enum { VERSION = 1, VERSION_AT = 2, PROVINCE_AT = 3, PROVINCE_BYTES = 8 };

void
exchange_bundle_start(const uint8_t province[8], struct bytes *out)
{
	bytes_text(out, "FB");
	bytes_u8(out, VERSION);
	bytes_put(out, province, PROVINCE_BYTES);
}

enum rc
exchange_bundle_check(const uint8_t *p, size_t len, const uint8_t province[8], const char *name,
    struct error *err)
{
	if (len < EXCHANGE_BUNDLE_HEAD_BYTES || memcmp(p, "FB", 2) != 0)
		return error_set(err, RC_FORMAT, name, "choose a file made by bundle export",
		    "this is no bundle");
	if (p[VERSION_AT] != VERSION)
		return error_set(err, RC_NEWER, name, "update the program",
		    "the bundle was made by a newer version");
	if (memcmp(p + PROVINCE_AT, province, PROVINCE_BYTES) != 0)
		return error_set(err, RC_DENIED, name, "choose a bundle of your own province",
		    "the bundle is of another province");
	return RC_OK;
}

enum rc
exchange_bundle_broken(const struct exchange_stream *s, const char *name, struct error *err)
{
	unsigned long long at = EXCHANGE_BUNDLE_HEAD_BYTES + s->total;

	if (s->failed != RC_OK)
		return error_set(err, RC_FORMAT, name, "copy the bundle again; what was whole is kept",
		    "the bundle is damaged before byte %llu: what stands behind that place is missing", at);
	return error_set(err, RC_FORMAT, name, "copy the bundle again; what was whole is kept",
	    "the bundle is cut off behind byte %llu: the rest of it is missing", at);
}
