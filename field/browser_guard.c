#include "field/browser_guard.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "shared/base/bytes.h"
#include "shared/vault/secret.h"

enum { CODE_BYTES = BROWSER_GUARD_CODE_CHARS / 2, NAME_BYTES = 6, TRIES = 3 };

struct browser_guard {
	char host[32], origin[40];
	char code[BROWSER_GUARD_CODE_CHARS + 1];	/* "": there is none */
	int64_t code_until;
	int tries;
	char cookie_name[1 + 2 * NAME_BYTES + 1];
	char cookie[BROWSER_GUARD_CODE_CHARS + 1];	/* "": no session */
	char token[BROWSER_GUARD_CODE_CHARS + 1];
};

static void
draw(size_t bytes, char *out)
{
	uint8_t raw[CODE_BYTES];

	secret_random_bytes(raw, bytes);
	bytes_hex(raw, bytes, out);
	secret_wipe(raw, sizeof(raw));
}

/* Takes as long wherever they differ. */
static bool
same(const char want[BROWSER_GUARD_CODE_CHARS + 1], const char *got, size_t len)
{
	unsigned char differ = 0;

	if (*want == '\0' || len != BROWSER_GUARD_CODE_CHARS)
		return false;
	for (size_t i = 0; i < BROWSER_GUARD_CODE_CHARS; i++)
		differ |= (unsigned char)(want[i] ^ got[i]);
	return differ == 0;
}

enum rc
browser_guard_new(uint16_t port, struct browser_guard **out)
{
	struct browser_guard *g = calloc(1, sizeof(*g));

	*out = g;
	if (g == NULL)
		return RC_NOMEM;
	snprintf(g->host, sizeof(g->host), "127.0.0.1:%u", (unsigned)port);
	snprintf(g->origin, sizeof(g->origin), "http://%s", g->host);
	return RC_OK;
}

void
browser_guard_free(struct browser_guard *g)
{
	if (g != NULL)
		secret_wipe(g, sizeof(*g));
	free(g);
}

void
browser_guard_launch(struct browser_guard *g, int64_t now_ms, char out[BROWSER_GUARD_CODE_CHARS + 1])
{
	draw(CODE_BYTES, g->code);
	g->code_until = now_ms + BROWSER_GUARD_CODE_SECONDS * 1000;
	g->tries = 0;
	memcpy(out, g->code, sizeof(g->code));
}

enum rc
browser_guard_exchange(struct browser_guard *g, int64_t now_ms, const char *code, size_t len,
    char cookie[BROWSER_GUARD_TEXT_MAX])
{
	bool good = now_ms <= g->code_until && same(g->code, code, len);

	if (good || ++g->tries >= TRIES)
		secret_wipe(g->code, sizeof(g->code));
	if (!good)
		return RC_AUTH;
	g->cookie_name[0] = 'f';
	draw(NAME_BYTES, g->cookie_name + 1);
	draw(CODE_BYTES, g->cookie);
	draw(CODE_BYTES, g->token);
	snprintf(cookie, BROWSER_GUARD_TEXT_MAX, "%s=%s; HttpOnly; SameSite=Strict; Path=/",
	    g->cookie_name, g->cookie);
	return RC_OK;
}

const char *
browser_guard_token(const struct browser_guard *g)
{
	return g->token;
}

/* Cookies of other programs on other ports come along; ours has its own name. */
static bool
has_session(const struct browser_guard *g, const char *cookies)
{
	size_t name = strlen(g->cookie_name), len;

	if (*g->cookie == '\0' || cookies == NULL)
		return false;
	for (const char *at = cookies; *at != '\0'; at += len) {
		at += strspn(at, "; ");
		len = strcspn(at, ";");
		if (len > name && memcmp(at, g->cookie_name, name) == 0 && at[name] == '=')
			return same(g->cookie, at + name + 1, len - name - 1);
	}
	return false;
}

/* A change comes from our own page, and says so. */
static unsigned
check_post(const struct browser_guard *g, const struct browser_guard_request *r)
{
	if (r->origin == NULL && r->site == NULL)
		return 403;
	if (r->origin != NULL && strcmp(r->origin, g->origin) != 0)
		return 403;
	if (r->site != NULL && strcmp(r->site, "same-origin") != 0)
		return 403;
	if (r->content_type == NULL || (strcmp(r->content_type, "application/json") != 0 &&
	    strcmp(r->content_type, "application/octet-stream") != 0))
		return 415;
	return 0;
}

/*
 * A link from elsewhere may lead to the launch, which is empty without its code, and to nothing
 * else: not even to find out that the page is there.
 */
static unsigned
check_get(const struct browser_guard *g, const struct browser_guard_request *r)
{
	bool launch = strcmp(r->path, "/launch") == 0;

	if (r->origin != NULL && strcmp(r->origin, g->origin) != 0)
		return 403;
	if (r->site == NULL || strcmp(r->site, "same-origin") == 0)
		return 0;
	if (launch)
		return r->mode == NULL || strcmp(r->mode, "navigate") == 0 ? 0 : 403;
	return strcmp(r->site, "none") == 0 ? 0 : 403;
}

unsigned
browser_guard_check(const struct browser_guard *g, const struct browser_guard_request *r)
{
	bool post = strcmp(r->method, "POST") == 0;
	unsigned status;

	if (r->n_hosts != 1 || r->host == NULL || strcmp(r->host, g->host) != 0 || !r->own)
		return 403;
	if (r->n_origins > 1 || r->n_sites > 1 || r->n_cookies > 1 || r->n_tokens > 1 ||
	    r->path[0] != '/')
		return 400;
	if (!post && strcmp(r->method, "GET") != 0)
		return 405;
	if ((status = post ? check_post(g, r) : check_get(g, r)) != 0)
		return status;
	if (r->open)
		return 0;
	if (!has_session(g, r->cookie))
		return 401;
	if (post && (r->token == NULL || !same(g->token, r->token, strlen(r->token))))
		return 403;
	return 0;
}

const struct browser_guard_header *
browser_guard_headers(bool sheet)
{
	static const struct browser_guard_header page[] = {
		{ "Content-Security-Policy", "default-src 'none'; script-src 'self'; style-src 'self';"
		    " img-src 'self' data:; connect-src 'self'; form-action 'self'; frame-ancestors 'none';"
		    " base-uri 'none'" },
		{ "Cache-Control", "no-store" },
		{ "X-Content-Type-Options", "nosniff" },
		{ "Referrer-Policy", "same-origin" },
		{ "Cross-Origin-Opener-Policy", "same-origin" },
		{ "Cross-Origin-Resource-Policy", "same-origin" },
		{ NULL, NULL }
	};
	/* a document of our own making, which holds what persons wrote: nothing in it runs or loads */
	static const struct browser_guard_header print[] = {
		{ "Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline';"
		    " img-src data:; form-action 'none'; frame-ancestors 'none'; base-uri 'none';"
		    " sandbox allow-modals" },
		{ "Cache-Control", "no-store" },
		{ "X-Content-Type-Options", "nosniff" },
		{ "Referrer-Policy", "no-referrer" },
		{ "Cross-Origin-Opener-Policy", "same-origin" },
		{ "Cross-Origin-Resource-Policy", "same-origin" },
		{ NULL, NULL }
	};

	return sheet ? print : page;
}
