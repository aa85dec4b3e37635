#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "field/browser_guard.h"
#include "shared/vault/secret.h"

enum { PORT = 40123 };

struct desk {
	struct browser_guard *guard;
	char cookie[BROWSER_GUARD_TEXT_MAX];
	struct browser_guard_request get, post;
};

/* A request as our own page sends it in a browser of today. */
static int
set_up(void **state)
{
	static struct desk d;
	char code[BROWSER_GUARD_CODE_CHARS + 1];

	memset(&d, 0, sizeof(d));
	assert_int_equal(secret_start(), 0);
	assert_int_equal(browser_guard_new(PORT, &d.guard), 0);
	browser_guard_launch(d.guard, 1000, code);
	assert_int_equal(browser_guard_exchange(d.guard, 2000, code, strlen(code), d.cookie), 0);
	*strchr(d.cookie, ';') = '\0';
	d.get = (struct browser_guard_request){ .method = "GET", .path = "/", .host = "127.0.0.1:40123",
		.n_hosts = 1, .site = "same-origin", .n_sites = 1, .mode = "navigate", .cookie = d.cookie,
		.n_cookies = 1, .own = true };
	d.post = d.get;
	d.post.method = "POST";
	d.post.path = "/api/run";
	d.post.mode = "cors";
	d.post.origin = "http://127.0.0.1:40123";
	d.post.n_origins = 1;
	d.post.content_type = "application/json";
	d.post.token = browser_guard_token(d.guard);
	d.post.n_tokens = 1;
	*state = &d;
	return 0;
}

static int
tear_down(void **state)
{
	struct desk *d = *state;

	browser_guard_free(d->guard);
	return 0;
}

#define REFUSED(d, which, field, value, status) do { \
	struct browser_guard_request q_ = (d)->which; \
	q_.field = (value); \
	assert_int_equal(browser_guard_check((d)->guard, &q_), (status)); \
} while (0)

static void
our_own_page_is_let_in(void **state)
{
	struct desk *d = *state;

	assert_int_equal(browser_guard_check(d->guard, &d->get), 0);
	assert_int_equal(browser_guard_check(d->guard, &d->post), 0);
	REFUSED(d, get, site, "none", 0);	/* typed, or a bookmark */
	REFUSED(d, post, content_type, "application/octet-stream", 0);
	/* older browsers send one of the two */
	REFUSED(d, post, site, NULL, 0);
	REFUSED(d, post, origin, NULL, 0);
}

static void
only_one_name_is_ours(void **state)
{
	static const char *const names[] = { "evil.com", "127.0.0.1.evil.com", "127.0.0.1", "127.0.0.1:40124",
		"127.0.0.1:040123", "[::1]:40123", "0.0.0.0:40123", "2130706433:40123", "localhost:40123",
		"127.1:40123", "127.0.0.1:40123.", "a@127.0.0.1:40123", "127.0.0.1.:40123", "LOCALHOST:40123", "" };
	struct desk *d = *state;

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		REFUSED(d, get, host, names[i], 403);
		REFUSED(d, post, host, names[i], 403);
	}
	REFUSED(d, get, host, NULL, 403);
	REFUSED(d, get, n_hosts, 2, 403);
	REFUSED(d, get, path, "http://127.0.0.1:40123/", 400);
}

static void
another_page_of_the_browser_gets_nothing(void **state)
{
	static const char *const origins[] = { "null", "http://127.0.0.1:40124", "https://127.0.0.1:40123", "file://",
		"http://localhost:40123", "http://evil.com", "http://127.0.0.1:40123.evil.com", "" };
	static const char *const sites[] = { "cross-site", "same-site", "none", "", "SAME-ORIGIN" };
	struct browser_guard_request bare;
	struct desk *d = *state;

	for (size_t i = 0; i < sizeof(origins) / sizeof(origins[0]); i++) {
		REFUSED(d, post, origin, origins[i], 403);
		REFUSED(d, get, origin, origins[i], 403);
	}
	for (size_t i = 0; i < sizeof(sites) / sizeof(sites[0]); i++)
		REFUSED(d, post, site, sites[i], 403);
	REFUSED(d, get, site, "cross-site", 403);
	REFUSED(d, get, site, "same-site", 403);
	REFUSED(d, post, n_origins, 2, 400);
	REFUSED(d, post, n_sites, 2, 400);
	bare = d->post;
	bare.origin = bare.site = NULL;
	assert_int_equal(browser_guard_check(d->guard, &bare), 403);
}

static void
forms_of_other_kinds_are_refused(void **state)
{
	static const char *const types[] = { "text/plain", "multipart/form-data; boundary=x",
		"application/x-www-form-urlencoded", "application/json; charset=utf-8", "" };
	static const char *const methods[] = { "PUT", "DELETE", "HEAD", "OPTIONS", "TRACE", "get", "" };
	struct desk *d = *state;

	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++)
		REFUSED(d, post, content_type, types[i], 415);
	REFUSED(d, post, content_type, NULL, 415);
	for (size_t i = 0; i < sizeof(methods) / sizeof(methods[0]); i++)
		REFUSED(d, get, method, methods[i], 405);
}

static void
without_the_session_there_is_nothing(void **state)
{
	struct desk *d = *state;
	char wrong[BROWSER_GUARD_TEXT_MAX], among[2 * BROWSER_GUARD_TEXT_MAX], *digit;

	REFUSED(d, get, cookie, NULL, 401);
	REFUSED(d, get, cookie, "", 401);
	REFUSED(d, get, cookie, "session=1", 401);
	REFUSED(d, get, n_cookies, 2, 400);
	/* cookies of other ports of this computer come along */
	snprintf(among, sizeof(among), "a=1; %s; b=2", d->cookie);
	REFUSED(d, get, cookie, among, 0);
	snprintf(wrong, sizeof(wrong), "%s", d->cookie);
	digit = &wrong[strlen(wrong) - 1];
	*digit = *digit == '0' ? '1' : '0';
	REFUSED(d, get, cookie, wrong, 401);
	*digit = '\0';
	REFUSED(d, get, cookie, wrong, 401);
	REFUSED(d, post, token, NULL, 403);
	REFUSED(d, post, token, "", 403);
	REFUSED(d, post, token, "00000000000000000000000000000000", 403);
	REFUSED(d, post, n_tokens, 2, 400);
	REFUSED(d, get, own, false, 403);	/* another user of the computer, with the cookie */
	REFUSED(d, post, own, false, 403);
}

static void
a_link_from_elsewhere_leads_to_the_launch_alone(void **state)
{
	struct desk *d = *state;
	struct browser_guard_request q = d->get;

	q.open = true;
	q.cookie = NULL;
	q.n_cookies = 0;
	q.site = "cross-site";
	q.path = "/launch";
	assert_int_equal(browser_guard_check(d->guard, &q), 0);
	q.mode = "no-cors";		/* as a picture, or a script */
	assert_int_equal(browser_guard_check(d->guard, &q), 403);
	q.path = "/style.css";
	assert_int_equal(browser_guard_check(d->guard, &q), 403);
	q.path = "/";
	q.mode = "navigate";
	assert_int_equal(browser_guard_check(d->guard, &q), 403);
}

static void
a_launch_code_is_good_once_and_for_half_a_minute(void **state)
{
	struct desk *d = *state;
	char code[BROWSER_GUARD_CODE_CHARS + 1], cookie[BROWSER_GUARD_TEXT_MAX];
	char token[BROWSER_GUARD_CODE_CHARS + 1];

	snprintf(token, sizeof(token), "%s", browser_guard_token(d->guard));
	browser_guard_launch(d->guard, 5000, code);
	assert_int_equal(browser_guard_exchange(d->guard, 35001, code, 32, cookie), RC_AUTH);
	assert_int_equal(browser_guard_exchange(d->guard, 35000, code, 32, cookie), RC_OK);
	assert_int_equal(browser_guard_exchange(d->guard, 35000, code, 32, cookie), RC_AUTH);
	/* the session before is over */
	assert_int_equal(browser_guard_check(d->guard, &d->get), 401);
	assert_string_not_equal(token, browser_guard_token(d->guard));
	assert_non_null(strstr(cookie, "HttpOnly; SameSite=Strict; Path=/"));
}

static void
who_guesses_a_code_voids_it(void **state)
{
	struct desk *d = *state;
	char code[BROWSER_GUARD_CODE_CHARS + 1], cookie[BROWSER_GUARD_TEXT_MAX];

	browser_guard_launch(d->guard, 5000, code);
	for (int i = 0; i < 3; i++)
		assert_int_equal(browser_guard_exchange(d->guard, 6000, "00000000000000000000000000000000", 32,
		    cookie), RC_AUTH);
	assert_int_equal(browser_guard_exchange(d->guard, 6000, code, 32, cookie), RC_AUTH);
	assert_int_equal(browser_guard_exchange(d->guard, 6000, "", 0, cookie), RC_AUTH);
	/* who guessed has not ended the session that there was */
	assert_int_equal(browser_guard_check(d->guard, &d->get), 0);
}

static void
every_reply_says_what_may_be_loaded_and_kept(void **state)
{
	static const char *const names[] = { "Content-Security-Policy", "Cache-Control",
		"X-Content-Type-Options", "Referrer-Policy", "Cross-Origin-Opener-Policy",
		"Cross-Origin-Resource-Policy" };

	(void)state;
	for (int sheet = 0; sheet < 2; sheet++) {
		size_t n = 0;

		for (const struct browser_guard_header *h = browser_guard_headers(sheet != 0);
		    h->name != NULL; h++, n++) {
			assert_string_equal(h->name, names[n]);
			if (n == 0)
				assert_non_null(strstr(h->value, "default-src 'none'"));
		}
		assert_int_equal(n, sizeof(names) / sizeof(names[0]));
	}
}

#define T(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(our_own_page_is_let_in),
		T(only_one_name_is_ours),
		T(another_page_of_the_browser_gets_nothing),
		T(forms_of_other_kinds_are_refused),
		T(without_the_session_there_is_nothing),
		T(a_link_from_elsewhere_leads_to_the_launch_alone),
		T(a_launch_code_is_good_once_and_for_half_a_minute),
		T(who_guesses_a_code_voids_it),
		T(every_reply_says_what_may_be_loaded_and_kept),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
