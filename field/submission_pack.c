#include "field/submission_pack.h"

#include <string.h>

#include "shared/sync/pack.h"
#include "shared/vault/digest.h"

static const char DIGITS[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

enum { HASH_BYTES = 32 };

void
submission_pack_hash(const struct bytes *json, char out[SUBMISSION_PACK_HEX])
{
	uint8_t hash[HASH_BYTES];

	digest_of(hash, sizeof(hash), "report submission", json->data, json->len);
	bytes_hex(hash, sizeof(hash), out);
}

enum rc
submission_pack_text(const struct bytes *json, struct bytes *text)
{
	struct bytes packed;
	uint32_t have = 0;
	unsigned bits = 0;
	enum rc rc;

	bytes_init(&packed);
	bytes_varint(&packed, json->len);
	rc = pack_squeeze(json->data, json->len, NULL, &packed);
	for (size_t i = 0; rc == RC_OK && packed.rc == RC_OK && i < packed.len; i++) {
		have = have << 8 | packed.data[i];
		for (bits += 8; bits >= 6; bits -= 6)
			bytes_u8(text, (uint8_t)DIGITS[have >> (bits - 6) & 63]);
		have &= (1U << bits) - 1;
	}
	if (bits > 0)
		bytes_u8(text, (uint8_t)DIGITS[have << (6 - bits) & 63]);
	if (rc == RC_OK)
		rc = packed.rc != RC_OK ? packed.rc : text->rc;
	bytes_reset(&packed);
	return rc;
}

/* Each text has one spelling: bits that are left over are zeroes. */
static enum rc
read_digits(const struct bytes *text, struct bytes *out)
{
	uint32_t have = 0;
	unsigned bits = 0;

	for (size_t i = 0; i < text->len; i++) {
		const char *at = text->data[i] == 0 ? NULL : strchr(DIGITS, text->data[i]);

		if (at == NULL)
			return RC_FORMAT;
		have = have << 6 | (uint32_t)(at - DIGITS);
		bits += 6;
		if (bits >= 8) {
			bits -= 8;
			bytes_u8(out, (uint8_t)(have >> bits));
		}
		have &= (1U << bits) - 1;
	}
	return bits >= 6 || have != 0 ? RC_FORMAT : out->rc;
}

enum rc
submission_pack_read(const struct bytes *text, struct bytes *json)
{
	struct bytes packed;
	struct reader r;
	uint64_t len;
	enum rc rc;

	bytes_init(&packed);
	if ((rc = read_digits(text, &packed)) != RC_OK)
		goto out;
	reader_init(&r, packed.data, packed.len);
	len = reader_varint_max(&r, PACK_RAW_MAX);
	rc = r.bad ? RC_FORMAT :
	    pack_unsqueeze(packed.data + r.pos, packed.len - r.pos, NULL, (size_t)len, json);
out:
	bytes_reset(&packed);
	return rc;
}
