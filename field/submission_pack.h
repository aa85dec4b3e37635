#ifndef FIELD_SUBMISSION_PACK_H
#define FIELD_SUBMISSION_PACK_H

/*
 * submission_pack: frozen tables as text that a form can hold: varint length, raw deflate of the JSON;
 * all that in base64url without padding (schema/forms/README.md, "Frozen reports").
 */
#include "shared/base/bytes.h"

enum { SUBMISSION_PACK_HEX = 65 };	/* of the hash, and the NUL */

/* The hash that a record holds of its tables. */
void submission_pack_hash(const struct bytes *json, char out[SUBMISSION_PACK_HEX]);
/* Append the text.  RC_LIMIT: too large. */
enum rc submission_pack_text(const struct bytes *json, struct bytes *text) RC_CHECK;
/* And back.  RC_FORMAT, RC_LIMIT. */
enum rc submission_pack_read(const struct bytes *text, struct bytes *json) RC_CHECK;

#endif
