#include "shared/sync/transport.h"

#include <curl/curl.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "shared/base/clock.h"
#include "shared/sync/exchange.h"

enum {
	PATH_MAX_BYTES = 64,
	PIN_MAX = 127,
	DETAIL_MAX = 200,
	/* as OpenSSL names what is wrong with a certificate */
	CERT_NOT_YET_VALID = 9,
	CERT_HAS_EXPIRED = 10
};

struct transport {
	CURL *curl;
	struct curl_slist *headers;
	char url[TRANSPORT_URL_MAX + 1];
	struct transport_stats stats;
	char detail[CURL_ERROR_SIZE];
	enum transport_trouble trouble;
	bool vietnamese;
	void (*watch)(void *ctx, uint64_t up, uint64_t down);
	void *watch_ctx;
};

/* One post on its way. */
struct post {
	struct transport *transport;
	enum rc (*take)(void *ctx, const void *p, size_t len);
	void *ctx;
	uint64_t received;
	bool judged;	/* status and type of the reply were looked at */
	long status;	/* of HTTP */
	enum transport_trouble trouble;
	enum rc rc;	/* of `take`, which stopped it */
};

/* ---- a reply ---- */

static enum transport_trouble
judge_status(long status)
{
	if (status == 200)
		return TROUBLE_NONE;
	if (status == 407)
		return TROUBLE_PROXY_LOGIN;
	if (status == 502 || status == 504)
		return TROUBLE_PROXY;
	if (status == 507)
		return TROUBLE_FULL;
	if (status == 429 || (status >= 500 && status != 511))
		return TROUBLE_BUSY;
	return status >= 400 && status != 511 ? TROUBLE_STRANGER : TROUBLE_PORTAL;
}

/* Is what answers a sync-server?  Asked before the first byte of a body is believed. */
static enum transport_trouble
judge_reply(CURL *curl, long *status)
{
	const char *type = NULL;
	enum transport_trouble trouble;

	*status = 0;
	if (curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, status) != CURLE_OK ||
	    curl_easy_getinfo(curl, CURLINFO_CONTENT_TYPE, &type) != CURLE_OK)
		return TROUBLE_STRANGER;
	if ((trouble = judge_status(*status)) != TROUBLE_NONE)
		return trouble;
	return type == NULL || strcmp(type, EXCHANGE_CONTENT_TYPE) != 0 ? TROUBLE_PORTAL : TROUBLE_NONE;
}

static size_t
on_data(char *p, size_t size, size_t n, void *ctx)
{
	struct post *post = ctx;
	size_t len = size * n;

	if (!post->judged) {
		post->judged = true;
		post->trouble = judge_reply(post->transport->curl, &post->status);
	}
	post->received += len;
	if (post->trouble == TROUBLE_NONE && post->received > TRANSPORT_REPLY_MAX)
		post->trouble = TROUBLE_TOO_LARGE;
	if (post->trouble != TROUBLE_NONE)
		return CURL_WRITEFUNC_ERROR;
	if (len > 0)
		post->rc = post->take(post->ctx, p, len);
	return post->rc == RC_OK ? len : CURL_WRITEFUNC_ERROR;
}

/* ---- errors ---- */

/* What a proxy said to our wish for a tunnel; 0: nothing, or there was none. */
static long
tunnel_status(CURL *curl)
{
	long status = 0;

	if (curl_easy_getinfo(curl, CURLINFO_HTTP_CONNECTCODE, &status) != CURLE_OK)
		return 0;
	return status;
}

static enum transport_trouble
judge_certificate(CURL *curl)
{
	long result = 0;

	if (curl_easy_getinfo(curl, CURLINFO_SSL_VERIFYRESULT, &result) == CURLE_OK &&
	    (result == CERT_NOT_YET_VALID || result == CERT_HAS_EXPIRED))
		return TROUBLE_CLOCK;
	return TROUBLE_UNTRUSTED;
}

static enum transport_trouble
judge_connect(CURL *curl)
{
	long number = 0;

	if (curl_easy_getinfo(curl, CURLINFO_OS_ERRNO, &number) == CURLE_OK &&
	    number == ECONNREFUSED)
		return TROUBLE_REFUSED;
	return TROUBLE_NO_WAY;
}

static enum transport_trouble
judge_timeout(CURL *curl)
{
	curl_off_t ready = 0;

	if (curl_easy_getinfo(curl, CURLINFO_PRETRANSFER_TIME_T, &ready) == CURLE_OK && ready > 0)
		return TROUBLE_SILENT;
	return TROUBLE_NO_ANSWER;
}

static enum transport_trouble
judge_failure(CURL *curl, CURLcode code)
{
	int c = (int)code;
	long tunnel = tunnel_status(curl);

	if (tunnel >= 300)
		return tunnel == 407 ? TROUBLE_PROXY_LOGIN : TROUBLE_PROXY;
	if (c == CURLE_PEER_FAILED_VERIFICATION)
		return judge_certificate(curl);
	if (c == CURLE_SSL_PINNEDPUBKEYNOTMATCH)
		return TROUBLE_OTHER_KEY;
	if (c == CURLE_SSL_CACERT_BADFILE)
		return TROUBLE_UNTRUSTED;
	if (c == CURLE_SSL_CONNECT_ERROR)
		return TROUBLE_NO_TLS;
	if (c == CURLE_COULDNT_RESOLVE_HOST || c == CURLE_COULDNT_RESOLVE_PROXY)
		return TROUBLE_NO_NAME;
	if (c == CURLE_COULDNT_CONNECT)
		return judge_connect(curl);
	if (c == CURLE_OPERATION_TIMEDOUT)
		return judge_timeout(curl);
	if (c == CURLE_PROXY)
		return TROUBLE_PROXY;
	if (c == CURLE_UNSUPPORTED_PROTOCOL || c == CURLE_WEIRD_SERVER_REPLY ||
	    c == CURLE_BAD_CONTENT_ENCODING || c == CURLE_TOO_MANY_REDIRECTS)
		return TROUBLE_PORTAL;
	return c == CURLE_FILESIZE_EXCEEDED ? TROUBLE_TOO_LARGE : TROUBLE_CUT;
}

/* What a person may want to know beside the words: a number, or what the clock shows. */
static void
detail_of(const struct transport *t, enum transport_trouble trouble, long status,
    char out[DETAIL_MAX])
{
	struct clock system = clock_system();
	char when[17];

	out[0] = '\0';
	if (status >= 300) {
		snprintf(out, DETAIL_MAX, " (HTTP %ld)", status);
	} else if (trouble == TROUBLE_CLOCK) {
		clock_vietnamese(clock_now(&system), when);
		snprintf(out, DETAIL_MAX, t->vietnamese ? " (đồng hồ đang chỉ %s)" :
		    " (it shows %s)", when);
	} else if (t->detail[0] != '\0' && trouble != TROUBLE_PORTAL && trouble != TROUBLE_TOO_LARGE) {
		snprintf(out, DETAIL_MAX, ": %.150s", t->detail);
	}
}

static enum rc
describe(struct transport *t, enum transport_trouble trouble, long status, struct error *err)
{
	const char *help, *what = transport_trouble_text(trouble, t->vietnamese, &help);
	char detail[DETAIL_MAX];

	t->trouble = trouble;
	detail_of(t, trouble, status, detail);
	return error_set(err, transport_trouble_rc(trouble), t->url, help, "%s%s", what, detail);
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

/* Bodies are counted when a post is over; until then libcurl says how far it is. */
static int
on_progress(void *ctx, curl_off_t total_down, curl_off_t down, curl_off_t total_up, curl_off_t up)
{
	struct transport *t = ctx;

	(void)total_down;
	(void)total_up;
	(void)up;
	if (t->watch != NULL)
		t->watch(t->watch_ctx, t->stats.bytes_up, t->stats.bytes_down + (uint64_t)down);
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
set_patience(CURL *c, unsigned connect_seconds, unsigned silence_seconds)
{
	unsigned bad = 0;

	bad |= curl_easy_setopt(c, CURLOPT_CONNECTTIMEOUT, (long)connect_seconds);
	bad |= curl_easy_setopt(c, CURLOPT_LOW_SPEED_TIME, (long)silence_seconds);
	return bad;
}

static unsigned
set_limits(CURL *c)
{
	unsigned bad = 0;

	bad |= curl_easy_setopt(c, CURLOPT_NOSIGNAL, 1L);
	bad |= curl_easy_setopt(c, CURLOPT_PROTOCOLS_STR, "http,https");
	bad |= curl_easy_setopt(c, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
	bad |= curl_easy_setopt(c, CURLOPT_FOLLOWLOCATION, 0L);
	bad |= curl_easy_setopt(c, CURLOPT_LOW_SPEED_LIMIT, 1L);
	bad |= set_patience(c, TRANSPORT_CONNECT_SECONDS, TRANSPORT_SILENCE_SECONDS);
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
	const char *authorities = getenv("SSL_CERT_FILE");
	unsigned bad = 0;

	if (pin[0] == '\0') {
		if (authorities != NULL && authorities[0] != '\0')
			bad |= curl_easy_setopt(c, CURLOPT_CAINFO, authorities);
		return bad;
	}
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
	if ((rc = transport_address(url, allow_plain, t->url, &loopback, err)) != RC_OK)
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
	bad |= curl_easy_setopt(t->curl, CURLOPT_XFERINFOFUNCTION, on_progress);
	bad |= curl_easy_setopt(t->curl, CURLOPT_XFERINFODATA, t);
	bad |= curl_easy_setopt(t->curl, CURLOPT_NOPROGRESS, 0L);
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
	t->trouble = TROUBLE_NONE;
	code = curl_easy_perform(t->curl);
	count(t);
	if (post.rc != RC_OK)
		return post.rc;
	if (code == CURLE_OUT_OF_MEMORY)
		return RC_NOMEM;
	if (code == CURLE_OK && !post.judged)	/* a reply without a body */
		post.trouble = judge_reply(t->curl, &post.status);
	if (code == CURLE_OK && post.trouble == TROUBLE_NONE)
		return RC_OK;
	if (post.trouble == TROUBLE_NONE) {
		post.trouble = judge_failure(t->curl, code);
		post.status = tunnel_status(t->curl);
	}
	return describe(t, post.trouble, post.status, err);
}

void
transport_speak(struct transport *t, bool vietnamese)
{
	t->vietnamese = vietnamese;
}

void
transport_patience(struct transport *t, unsigned seconds)
{
	unsigned n = seconds < 1 ? 1 : seconds;

	if (n > TRANSPORT_PATIENCE_MAX)
		n = TRANSPORT_PATIENCE_MAX;
	(void)set_patience(t->curl, n, n);	/* both were set before: the options are there */
}

void
transport_watch(struct transport *t, void (*watch)(void *ctx, uint64_t up, uint64_t down), void *ctx)
{
	t->watch = watch;
	t->watch_ctx = ctx;
}

void
transport_stats(const struct transport *t, struct transport_stats *out)
{
	*out = t->stats;
}

enum transport_trouble
transport_trouble(const struct transport *t)
{
	return t->trouble;
}
