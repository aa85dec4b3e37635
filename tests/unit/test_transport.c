#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "shared/sync/exchange.h"
#include "shared/sync/transport.h"
#include "tests/support/loopback.h"

/* ---- a server that says exactly these bytes, once a connection ---- */

struct script {
	const char *reply;
	size_t len;
	bool endless;		/* then zeroes until the client goes */
	int listener;
	uint16_t port;
	pthread_t thread;
	size_t received;	/* raw bytes of the request */
	char request[4096];
};

/* Read a request with a body of `expected` bytes; counts what came. */
static void
read_request(struct script *s, int fd)
{
	char *end;
	size_t body;
	ssize_t n;

	while (s->received < sizeof(s->request) - 1) {
		n = read(fd, s->request + s->received, sizeof(s->request) - 1 - s->received);
		if (n <= 0)
			return;
		s->received += (size_t)n;
		s->request[s->received] = '\0';
		if ((end = strstr(s->request, "\r\n\r\n")) == NULL)
			continue;
		body = (size_t)strtoul(strstr(s->request, "Content-Length:") + 15, NULL, 10);
		if (s->received >= (size_t)(end - s->request) + 4 + body)
			return;
	}
}

static void *
play(void *p)
{
	static const char zeroes[4096];
	struct script *s = p;
	int fd = accept(s->listener, NULL, NULL);

	if (fd < 0)
		return NULL;
	read_request(s, fd);
	if (write(fd, s->reply, s->len) == (ssize_t)s->len && s->endless)
		while (send(fd, zeroes, sizeof(zeroes), MSG_NOSIGNAL) > 0)
			;
	close(fd);
	return NULL;
}

static void
script_start(struct script *s)
{
	struct sockaddr_in a = { .sin_family = AF_INET };
	socklen_t len = sizeof(a);

	a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	s->listener = socket(AF_INET, SOCK_STREAM, 0);
	assert_true(s->listener >= 0);
	assert_int_equal(bind(s->listener, (struct sockaddr *)&a, sizeof(a)), 0);
	assert_int_equal(listen(s->listener, 4), 0);
	assert_int_equal(getsockname(s->listener, (struct sockaddr *)&a, &len), 0);
	s->port = ntohs(a.sin_port);
	assert_int_equal(pthread_create(&s->thread, NULL, play, s), 0);
}

static void
script_end(struct script *s)
{
	pthread_join(s->thread, NULL);
	close(s->listener);
}

/* Post three bytes to a server that says `reply`. */
static enum rc
post_to(const char *reply, bool endless, struct bytes *got, struct transport_stats *stats,
    struct error *err)
{
	struct script s = { .reply = reply, .len = strlen(reply), .endless = endless };
	struct transport *t;
	enum rc rc;

	script_start(&s);
	t = loopback_line(s.port);
	rc = transport_post(t, "/sync", (const uint8_t *)"abc", 3, loopback_collect, got, err);
	transport_stats(t, stats);
	transport_close(t);
	script_end(&s);
	if (!endless && stats->bytes_up != s.received)
		fail_msg("counted %llu bytes up, %zu came", (unsigned long long)stats->bytes_up,
		    s.received);
	return rc;
}

#define TYPE "Content-Type: " EXCHANGE_CONTENT_TYPE "\r\n"

static void
refuses_odd_addresses(void **state)
{
	static const char *const bad[] = { "", "ftp://host", "http://", "https://", "host:80",
		"https://user:pass@host", "https://host/path", "https://host:0", "https://host:65536",
		"https://host:", "https://ho st", "https://host?x", "https://[::1", "http://example.org" };
	struct transport *t;
	struct error err;
	char longer[400];

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		memset(&err, 0, sizeof(err));
		assert_int_equal(transport_open(bad[i], "", false, &t, &err), RC_USAGE);
		assert_null(t);
		assert_string_not_equal(err.what, "");
	}
	memset(longer, 'a', sizeof(longer));
	memcpy(longer, "https://", 8);
	longer[399] = '\0';
	assert_int_equal(transport_open(longer, "", false, &t, NULL), RC_USAGE);
	assert_int_equal(transport_open("https://h", "md5//x", false, &t, NULL), RC_USAGE);
}

static void
takes_proper_addresses(void **state)
{
	static const char *const good[] = { "https://sync.example.vn", "https://10.0.0.1:8443",
		"http://localhost:80", "http://[::1]:8080", "https://[2001:db8::1]/" };
	struct transport *t;

	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		assert_int_equal(transport_open(good[i], "", false, &t, NULL), RC_OK);
		transport_close(t);
	}
	assert_int_equal(transport_open("http://10.0.0.1", "", true, &t, NULL), RC_OK);
	transport_close(t);
}

static void
counts_every_byte_both_ways(void **state)
{
	static const char reply[] = "HTTP/1.1 200 OK\r\n" TYPE "Content-Length: 4\r\n\r\nwxyz";
	struct transport_stats stats;
	struct bytes got;

	(void)state;
	bytes_init(&got);
	assert_int_equal(post_to(reply, false, &got, &stats, NULL), RC_OK);
	assert_int_equal(got.len, 4);
	assert_memory_equal(got.data, "wxyz", 4);
	assert_int_equal(stats.bytes_down, sizeof(reply) - 1);
	assert_int_equal(stats.requests, 1);
	bytes_reset(&got);
}

static void
sends_no_header_that_is_not_needed(void **state)
{
	struct script s = { .reply = "HTTP/1.1 200 OK\r\n" TYPE "Content-Length: 0\r\n\r\n" };
	struct transport *t;
	struct bytes got;
	char wanted[128];

	(void)state;
	bytes_init(&got);
	s.len = strlen(s.reply);
	script_start(&s);
	t = loopback_line(s.port);
	assert_int_equal(transport_post(t, "/sync", (const uint8_t *)"abc", 3, loopback_collect, &got, NULL),
	    RC_OK);
	transport_close(t);
	script_end(&s);
	snprintf(wanted, sizeof(wanted),
	    "POST /sync HTTP/1.1\r\nHost: 127.0.0.1:%u\r\nContent-Length: 3\r\n\r\nabc", s.port);
	assert_string_equal(s.request, wanted);
}

static void
says_when_nobody_listens(void **state)
{
	struct script s = { .reply = "", .len = 0 };
	struct transport *t;
	struct error err = { 0 };
	struct bytes got;
	int fd;
	struct sockaddr_in a = { .sin_family = AF_INET };

	(void)state;
	bytes_init(&got);
	script_start(&s);	/* only to learn a port that is free afterwards */
	a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	a.sin_port = htons(s.port);
	fd = socket(AF_INET, SOCK_STREAM, 0);
	assert_int_equal(connect(fd, (struct sockaddr *)&a, sizeof(a)), 0);
	close(fd);
	script_end(&s);
	t = loopback_line(s.port);
	assert_int_equal(transport_post(t, "/sync", NULL, 0, loopback_collect, &got, &err), RC_NET);
	assert_string_not_equal(err.help, "");
	transport_close(t);
}

static void
knows_a_login_page_for_what_it_is(void **state)
{
	struct transport_stats stats;
	struct error err = { 0 };
	struct bytes got;

	(void)state;
	bytes_init(&got);
	assert_int_equal(post_to("HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 6\r\n\r\n"
	    "<html>", false, &got, &stats, &err), RC_PROTOCOL);
	assert_int_equal(got.len, 0);
	assert_non_null(strstr(err.what, "login page"));
	memset(&err, 0, sizeof(err));
	assert_int_equal(post_to("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", false, &got, &stats,
	    &err), RC_PROTOCOL);
	assert_int_equal(post_to("<html>hello</html>\r\n", false, &got, &stats, NULL), RC_PROTOCOL);
	assert_int_equal(got.len, 0);
}

static void
follows_no_redirect(void **state)
{
	struct transport_stats stats;
	struct error err = { 0 };
	struct bytes got;

	(void)state;
	bytes_init(&got);
	assert_int_equal(post_to("HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\n" TYPE
	    "Content-Length: 2\r\n\r\nok", false, &got, &stats, &err), RC_PROTOCOL);
	assert_non_null(strstr(err.what, "302"));
	assert_int_equal(got.len, 0);
	assert_int_equal(stats.requests, 1);
}

static void
tells_a_busy_server_from_a_wrong_one(void **state)
{
	struct transport_stats stats;
	struct bytes got;

	(void)state;
	bytes_init(&got);
	assert_int_equal(post_to("HTTP/1.1 503 No\r\nContent-Length: 0\r\n\r\n", false, &got, &stats,
	    NULL), RC_UNAVAILABLE);
	assert_int_equal(post_to("HTTP/1.1 429 No\r\n" TYPE "Content-Length: 1\r\n\r\nx", false, &got,
	    &stats, NULL), RC_UNAVAILABLE);
	assert_int_equal(post_to("HTTP/1.1 404 No\r\nContent-Length: 0\r\n\r\n", false, &got, &stats,
	    NULL), RC_PROTOCOL);
	assert_int_equal(got.len, 0);
}

static void
gives_what_came_and_an_error_when_cut(void **state)
{
	struct transport_stats stats;
	struct bytes got;

	(void)state;
	bytes_init(&got);
	assert_int_equal(post_to("HTTP/1.1 200 OK\r\n" TYPE "Content-Length: 100\r\n\r\nhalf", false,
	    &got, &stats, NULL), RC_NET);
	assert_int_equal(got.len, 4);
	bytes_reset(&got);
	assert_int_equal(post_to("HTTP/1.1 200 OK\r\n" TYPE "Transfer-Encoding: chunked\r\n\r\n"
	    "4\r\nhalf\r\n", false, &got, &stats, NULL), RC_NET);
	assert_int_equal(got.len, 4);
	bytes_reset(&got);
	assert_int_equal(post_to("", false, &got, &stats, NULL), RC_NET);
	assert_int_equal(post_to("HTTP/1.1 200", false, &got, &stats, NULL), RC_NET);
}

static enum rc
only_count(void *ctx, const void *p, size_t len)
{
	uint64_t *n = ctx;

	(void)p;
	*n += len;
	return RC_OK;
}

static void
ends_an_endless_reply(void **state)
{
	struct script s = { .reply = "HTTP/1.1 200 OK\r\n" TYPE "\r\n", .endless = true };
	struct transport *t;
	struct error err = { 0 };
	uint64_t n = 0;

	(void)state;
	s.len = strlen(s.reply);
	script_start(&s);
	t = loopback_line(s.port);
	assert_int_equal(transport_post(t, "/sync", NULL, 0, only_count, &n, &err), RC_LIMIT);
	assert_true(n <= TRANSPORT_REPLY_MAX);
	transport_close(t);
	script_end(&s);
}

static enum rc
refuse(void *ctx, const void *p, size_t len)
{
	(void)ctx;
	(void)p;
	(void)len;
	return RC_FULL;
}

static void
stops_when_its_reader_says_so(void **state)
{
	struct script s = { .reply = "HTTP/1.1 200 OK\r\n" TYPE "\r\n", .endless = true };
	struct transport *t;

	(void)state;
	s.len = strlen(s.reply);
	script_start(&s);
	t = loopback_line(s.port);
	assert_int_equal(transport_post(t, "/sync", NULL, 0, refuse, NULL, NULL), RC_FULL);
	transport_close(t);
	script_end(&s);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(refuses_odd_addresses),
		cmocka_unit_test(takes_proper_addresses),
		cmocka_unit_test(counts_every_byte_both_ways),
		cmocka_unit_test(sends_no_header_that_is_not_needed),
		cmocka_unit_test(says_when_nobody_listens),
		cmocka_unit_test(knows_a_login_page_for_what_it_is),
		cmocka_unit_test(follows_no_redirect),
		cmocka_unit_test(tells_a_busy_server_from_a_wrong_one),
		cmocka_unit_test(gives_what_came_and_an_error_when_cut),
		cmocka_unit_test(ends_an_endless_reply),
		cmocka_unit_test(stops_when_its_reader_says_so),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
