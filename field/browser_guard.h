#ifndef FIELD_BROWSER_GUARD_H
#define FIELD_BROWSER_GUARD_H

/*
 * browser_guard: who may speak with the page on this computer.  Other pages in the same browser,
 * names that resolve to this machine, other users, and who comes later are kept out by, together:
 *
 *   an exact Host; the client's end of the connection is this user's; Sec-Fetch-Site and Origin;
 *   a launch code (128 bits, 30 s, once) that is exchanged for a cookie of a random name; a token of
 *   the session in a header of every POST; one content type.
 *
 * GET changes nothing.  It knows nothing of HTTP's library: it is asked with what a request says.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "shared/base/rc.h"

struct browser_guard;

enum {
	BROWSER_GUARD_CODE_CHARS = 32,		/* of a code, cookie or token: hexadecimal */
	BROWSER_GUARD_CODE_SECONDS = 30,
	BROWSER_GUARD_TEXT_MAX = 128
};

/* What a request says; NULL: it does not.  Counts are of headers with that name. */
struct browser_guard_request {
	const char *method, *path;
	const char *host, *origin, *site, *mode, *content_type, *cookie, *token;
	size_t n_hosts, n_origins, n_sites, n_cookies, n_tokens;
	bool own;		/* the other end of the connection belongs to this user */
	bool open;		/* a file without data, or the launch: needs no session */
};

enum rc browser_guard_new(uint16_t port, struct browser_guard **out) RC_CHECK;
void browser_guard_free(struct browser_guard *g);

/*
 * A new launch code, good for BROWSER_GUARD_CODE_SECONDS from now (clock_monotonic_ms) and for one
 * exchange; one that was there before is void.
 */
void browser_guard_launch(struct browser_guard *g, int64_t now_ms,
    char out[BROWSER_GUARD_CODE_CHARS + 1]);
/*
 * The code for a session: Set-Cookie's value.  The session before is over.  RC_AUTH: not this code, too
 * late, or used.  A wrong code voids the right one after three tries.
 */
enum rc browser_guard_exchange(struct browser_guard *g, int64_t now_ms, const char *code, size_t len,
    char cookie[BROWSER_GUARD_TEXT_MAX]) RC_CHECK;
/* The token of the session, for its page. */
const char *browser_guard_token(const struct browser_guard *g);

/* 0: let it in.  Else the status of a refusal: 400, 401 (no session), 403, 405, 415. */
unsigned browser_guard_check(const struct browser_guard *g, const struct browser_guard_request *r);

/* Headers of every reply; ends with a NULL name.  frame: of a sheet to print, with its own styles. */
struct browser_guard_header { const char *name, *value; };
const struct browser_guard_header *browser_guard_headers(bool sheet);

#endif
