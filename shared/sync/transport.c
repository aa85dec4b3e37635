#include "shared/sync/transport.h"

#include <ctype.h>
#include <curl/curl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "shared/sync/exchange.h"

enum {
	PATH_MAX_BYTES = 64,
	PIN_MAX = 127,
	STATUS_MIN_UNAVAILABLE = 500,
	STATUS_REDIRECT = 300,
	STATUS_BAD = 400
};

struct transport {
	CURL *curl;
	struct curl_slist *headers;
	char url[TRANSPORT_URL_MAX + 1];
	struct transport_stats stats;
	char detail[CURL_ERROR_SIZE];
};

/* One post on its way. */
struct post {
	struct transport *transport;
	enum rc (*take)(void *ctx, const void *p, size_t len);
	void *ctx;
	uint64_t received;
	bool judged;	/* status and type of the reply were looked at */
	enum rc rc;	/* what stopped it */
};

/* ---- the address ---- */

static bool
is_loopback(const char *host, size_t len)
{
	static const char *const names[] = { "localhost", "127.0.0.1", "[::1]" };

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (strlen(names[i]) == len && memcmp(names[i], host, len) == 0)
			return true;
	return false;
}

/* "host", "host:port", "[v6]:port" with a port of 1..65535. */
static bool
host_is_valid(const char *host, size_t len, size_t *name_len)
{
	const char *colon, *bracket;
	unsigned long port = 0;
	size_t n;

	if (len > 0 && host[0] == '[') {
		if ((bracket = memchr(host, ']', len)) == NULL)
			return false;
		*name_len = (size_t)(bracket - host) + 1;
	} else {
		colon = memchr(host, ':', len);
		*name_len = colon != NULL ? (size_t)(colon - host) : len;
	}
	for (size_t i = 0; i < *name_len; i++)
		if (!isalnum((unsigned char)host[i]) && strchr(".-_[]:", host[i]) == NULL)
			return false;
	n = len - *name_len;
	if (*name_len == 0 || n == 0)
		return *name_len > 0;
	if (host[*name_len] != ':' || n < 2 || n > 6)
		return false;
	for (size_t i = *name_len + 1; i < len; i++) {
		if (!isdigit((unsigned char)host[i]))
			return false;
		port = port * 10 + (unsigned long)(host[i] - '0');
	}
	return port >= 1 && port <= 65535;
}

static enum rc
check_url(const char *url, bool allow_plain, char out[TRANSPORT_URL_MAX + 1], bool *loopback,
    struct error *err)
{
	static const char help[] = "use https://HOST:PORT";
	size_t len = strnlen(url, TRANSPORT_URL_MAX + 1), name_len, scheme;
	bool plain = strncmp(url, "http://", 7) == 0;

	*loopback = false;
	if (len > TRANSPORT_URL_MAX || (!plain && strncmp(url, "https://", 8) != 0))
		return error_set(err, RC_USAGE, "--server", help, "not a server's address");
	scheme = plain ? 7 : 8;
	while (len > scheme && url[len - 1] == '/')
		len--;
	if (!host_is_valid(url + scheme, len - scheme, &name_len))
		return error_set(err, RC_USAGE, "--server", help, "not a server's address");
	*loopback = is_loopback(url + scheme, name_len);
	if (plain && !allow_plain && !*loopback)
		return error_set(err, RC_USAGE, "--server", help,
		    "plain HTTP is for this machine only");
	memcpy(out, url, len);
	out[len] = '\0';
	return RC_OK;
}

/* ---- a reply ---- */

static enum rc
judge_status(long status, struct error *err)
{
	if (status >= STATUS_MIN_UNAVAILABLE || status == 429)
		return error_set(err, RC_UNAVAILABLE, NULL, "try again later",
		    "the server is not able to serve now (HTTP %ld)", status);
	if (status >= STATUS_REDIRECT && status < STATUS_BAD)
		return error_set(err, RC_PROTOCOL, NULL,
		    "sign in to the network first, or check the address",
		    "sent elsewhere (HTTP %ld): not a sync-server, perhaps a network's login page", status);
	if (status >= STATUS_BAD)
		return error_set(err, RC_PROTOCOL, NULL, "check the address and both versions",
		    "the server refused (HTTP %ld)", status);
	return RC_OK;
}

/* Is what answers a sync-server?  Asked before the first byte of a body is believed. */
static enum rc
judge_reply(CURL *curl, struct error *err)
{
	const char *type = NULL;
	long status = 0;
	enum rc rc;

	if (curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status) != CURLE_OK ||
	    curl_easy_getinfo(curl, CURLINFO_CONTENT_TYPE, &type) != CURLE_OK)
		return RC_INTERNAL;
	if ((rc = judge_status(status, err)) != RC_OK)
		return rc;
	if (status != 200 || type == NULL || strcmp(type, EXCHANGE_CONTENT_TYPE) != 0)
		return error_set(err, RC_PROTOCOL, NULL,
		    "sign in to the network first, or check the address",
		    "what answers is not a sync-server, perhaps a network's login page");
	return RC_OK;
}

static size_t
on_data(char *p, size_t size, size_t n, void *ctx)
{
	struct post *post = ctx;
	size_t len = size * n;

	if (!post->judged) {
		post->judged = true;
		post->rc = judge_reply(post->transport->curl, NULL);
	}
	post->received += len;
	if (post->rc == RC_OK && post->received > TRANSPORT_REPLY_MAX)
		post->rc = RC_LIMIT;
	if (post->rc == RC_OK && len > 0)
		post->rc = post->take(post->ctx, p, len);
	return post->rc == RC_OK ? len : CURL_WRITEFUNC_ERROR;
}

/* ---- errors ---- */

static enum rc
describe(struct transport *t, CURLcode code, struct error *err)
{
	const char *detail = t->detail[0] != '\0' ? t->detail : curl_easy_strerror(code);
	int c = (int)code;

	if (c == CURLE_OUT_OF_MEMORY)
		return RC_NOMEM;
	if (c == CURLE_PEER_FAILED_VERIFICATION || c == CURLE_SSL_PINNEDPUBKEYNOTMATCH ||
	    c == CURLE_SSL_CACERT_BADFILE)
		return error_set(err, RC_AUTH, t->url,
		    "somebody may be listening in, or the network wants you to sign in first",
		    "the server is not the one of the invitation: %s", detail);
	if (c == CURLE_UNSUPPORTED_PROTOCOL || c == CURLE_WEIRD_SERVER_REPLY ||
	    c == CURLE_BAD_CONTENT_ENCODING || c == CURLE_TOO_MANY_REDIRECTS)
		return error_set(err, RC_PROTOCOL, t->url, "check the address",
		    "what answers is not a sync-server: %s", detail);
	if (c == CURLE_FILESIZE_EXCEEDED)
		return error_set(err, RC_LIMIT, t->url, "check the address",
		    "the reply is larger than %d bytes", TRANSPORT_REPLY_MAX);
	return error_set(err, RC_NET, t->url, "try again when there is a connection",
	    "no connection, or it was cut: %s", detail);
}

/*
 * Header and body bytes as they went over the link.  libcurl counts a small body that
 * leaves together with the headers in REQUEST_SIZE or not, by version; so the
 * headers are counted where they are written (on_debug), and bodies by their own figures.
 */
static int
on_debug(CURL *curl, curl_infotype type, char *p, size_t len, void *ctx)
{
	struct transport_stats *stats = ctx;

	(void)curl;
	(void)p;
	if (type == CURLINFO_HEADER_OUT || type == CURLINFO_DATA_OUT)
		stats->bytes_up += len;
	else if (type == CURLINFO_HEADER_IN)
		stats->bytes_down += len;
	return 0;
}

static void
count(struct transport *t)
{
	curl_off_t down = 0;

	t->stats.requests++;
	if (curl_easy_getinfo(t->curl, CURLINFO_SIZE_DOWNLOAD_T, &down) == CURLE_OK && down > 0)
		t->stats.bytes_down += (uint64_t)down;
}

/* ---- the door ---- */

/* CURLcode values are ORed: any failure leaves something behind. */
static unsigned
set_limits(CURL *c)
{
	unsigned bad = 0;

	bad |= curl_easy_setopt(c, CURLOPT_NOSIGNAL, 1L);
	bad |= curl_easy_setopt(c, CURLOPT_PROTOCOLS_STR, "http,https");
	bad |= curl_easy_setopt(c, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
	bad |= curl_easy_setopt(c, CURLOPT_FOLLOWLOCATION, 0L);
	bad |= curl_easy_setopt(c, CURLOPT_CONNECTTIMEOUT, (long)TRANSPORT_CONNECT_SECONDS);
	bad |= curl_easy_setopt(c, CURLOPT_LOW_SPEED_LIMIT, 1L);
	bad |= curl_easy_setopt(c, CURLOPT_LOW_SPEED_TIME, (long)TRANSPORT_SILENCE_SECONDS);
	bad |= curl_easy_setopt(c, CURLOPT_MAXFILESIZE_LARGE, (curl_off_t)TRANSPORT_REPLY_MAX);
	bad |= curl_easy_setopt(c, CURLOPT_TCP_KEEPALIVE, 1L);
	bad |= curl_easy_setopt(c, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
	return bad;
}

/*
 * With a pin, the key itself is the proof: certificates of small servers are signed by
 * nobody and their dates are wrong as often as the laptops' clocks.
 */
static unsigned
set_pin(CURL *c, const char *pin)
{
	unsigned bad = 0;

	if (pin[0] == '\0')
		return 0;
	bad |= curl_easy_setopt(c, CURLOPT_PINNEDPUBLICKEY, pin);
	bad |= curl_easy_setopt(c, CURLOPT_SSL_VERIFYPEER, 0L);
	bad |= curl_easy_setopt(c, CURLOPT_SSL_VERIFYHOST, 0L);
	return bad;
}

/* libcurl's own headers cost about 90 bytes a request; a "Name:" takes one away. */
static enum rc
drop_headers(struct transport *t)
{
	static const char *const names[] = { "Accept:", "Content-Type:", "Expect:", "User-Agent:" };
	struct curl_slist *more;

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if ((more = curl_slist_append(t->headers, names[i])) == NULL)
			return RC_NOMEM;
		t->headers = more;
	}
	return RC_OK;
}

enum rc
transport_open(const char *url, const char *pin, bool allow_plain, struct transport **out,
    struct error *err)
{
	struct transport *t = NULL;
	bool loopback;
	unsigned bad;
	enum rc rc;

	*out = NULL;
	if ((t = calloc(1, sizeof(*t))) == NULL)
		return RC_NOMEM;
	if ((rc = check_url(url, allow_plain, t->url, &loopback, err)) != RC_OK)
		goto out;
	if (strnlen(pin, PIN_MAX + 1) > PIN_MAX ||
	    (pin[0] != '\0' && strncmp(pin, "sha256//", 8) != 0)) {
		rc = error_set(err, RC_USAGE, "--pin", "it looks like sha256//BASE64",
		    "not the pin of a server's key");
		goto out;
	}
	rc = RC_NOMEM;
	if ((t->curl = curl_easy_init()) == NULL || drop_headers(t) != RC_OK)
		goto out;
	bad = set_limits(t->curl) | set_pin(t->curl, pin);
	bad |= curl_easy_setopt(t->curl, CURLOPT_HTTPHEADER, t->headers);
	bad |= curl_easy_setopt(t->curl, CURLOPT_ERRORBUFFER, t->detail);
	bad |= curl_easy_setopt(t->curl, CURLOPT_WRITEFUNCTION, on_data);
	bad |= curl_easy_setopt(t->curl, CURLOPT_VERBOSE, 1L);
	bad |= curl_easy_setopt(t->curl, CURLOPT_DEBUGFUNCTION, on_debug);
	bad |= curl_easy_setopt(t->curl, CURLOPT_DEBUGDATA, &t->stats);
	if (loopback)
		bad |= curl_easy_setopt(t->curl, CURLOPT_PROXY, "");
	if (bad != 0) {
		rc = error_set(err, RC_INTERNAL, "libcurl", NULL, "lacks an option that is needed");
		goto out;
	}
	rc = RC_OK;
	*out = t;
	t = NULL;
out:
	transport_close(t);
	return rc;
}

const char *
transport_url(const struct transport *t)
{
	return t->url;
}

void
transport_close(struct transport *t)
{
	if (t == NULL)
		return;
	curl_easy_cleanup(t->curl);
	curl_slist_free_all(t->headers);
	free(t);
}

enum rc
transport_post(struct transport *t, const char *path, const uint8_t *body, size_t len,
    enum rc (*take)(void *ctx, const void *p, size_t len), void *ctx, struct error *err)
{
	struct post post = { .transport = t, .take = take, .ctx = ctx };
	char url[TRANSPORT_URL_MAX + PATH_MAX_BYTES + 1];
	CURLcode code;
	unsigned bad = 0;
	enum rc rc;

	if (strnlen(path, PATH_MAX_BYTES + 1) > PATH_MAX_BYTES)
		return RC_LIMIT;
	snprintf(url, sizeof(url), "%s%s", t->url, path);
	t->detail[0] = '\0';
	bad |= curl_easy_setopt(t->curl, CURLOPT_URL, url);
	bad |= curl_easy_setopt(t->curl, CURLOPT_POST, 1L);
	bad |= curl_easy_setopt(t->curl, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)len);
	bad |= curl_easy_setopt(t->curl, CURLOPT_POSTFIELDS, len > 0 ? (const char *)body : "");
	bad |= curl_easy_setopt(t->curl, CURLOPT_WRITEDATA, &post);
	if (bad != 0)
		return RC_NOMEM;
	code = curl_easy_perform(t->curl);
	count(t);
	if (post.rc != RC_OK && post.judged && judge_reply(t->curl, err) == RC_OK)
		return post.rc == RC_LIMIT ? error_set(err, RC_LIMIT, t->url, "check the address",
		    "the reply is larger than it may be") : post.rc;
	if (code == CURLE_OK || code == CURLE_WRITE_ERROR || code == CURLE_FILESIZE_EXCEEDED) {
		if ((rc = judge_reply(t->curl, err)) != RC_OK)
			return rc;
	}
	return code == CURLE_OK ? RC_OK : describe(t, code, err);
}

void
transport_stats(const struct transport *t, struct transport_stats *out)
{
	*out = t->stats;
}
