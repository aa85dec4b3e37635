#ifndef SHARED_RECORDS_RECORD_TOKEN_H
#define SHARED_RECORDS_RECORD_TOKEN_H

/*
 * record_token: what a listing showed, as text that a page or a script hands back:
 * base64url of n varint, n x dot, check[4].  The dots are those of the entries whose live
 * values the listing showed; the check binds them to their record.  Nothing is stored.
 */
#include <stdbool.h>
#include <stddef.h>

#include "shared/base/rc.h"
#include "shared/records/entry.h"
#include "shared/records/register.h"

struct record_token {
	struct dot *dots;	/* ascending, no repeats */
	size_t n;
};

/* The token of all that is live.  *out is the caller's. */
enum rc record_token_make(const struct register_state *s, char **out) RC_CHECK;
/* RC_INVALID: no token, or of another record. */
enum rc record_token_read(const char *text, const struct dot *record,
    struct record_token *out, struct error *err) RC_CHECK;
/* All that is live, as if a token had said so. */
enum rc record_token_of_state(const struct register_state *s, struct record_token *out) RC_CHECK;
void record_token_reset(struct record_token *t);
bool record_token_has(const struct record_token *t, const struct dot *d);

#endif
