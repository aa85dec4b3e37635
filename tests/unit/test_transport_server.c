#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "shared/sync/exchange.h"
#include "shared/sync/transport.h"
#include "shared/web/http_server.h"
#include "tests/support/loopback.h"

/* The client (transport) against the real server (http_server). */

struct echo {
	struct bytes body;
	size_t at;
	unsigned requests;
	bool stream;
};

static unsigned
echo_begin(void *ctx, struct http_request *r)
{
	struct echo *e = ctx;

	if (strcmp(http_server_method(r), "POST") != 0 || strcmp(http_server_path(r), "/sync") != 0)
		return 404;
	bytes_reset(&e->body);
	e->at = 0;
	e->requests++;
	return 0;
}

static enum rc
echo_body(void *ctx, struct http_request *r, const uint8_t *p, size_t len)
{
	struct echo *e = ctx;

	(void)r;
	bytes_put(&e->body, p, len);
	return e->body.rc;
}

static enum rc
echo_next(void *ctx, uint8_t *buf, size_t cap, size_t *n)
{
	struct echo *e = ctx;

	*n = e->body.len - e->at < cap ? e->body.len - e->at : cap;
	memcpy(buf, e->body.data + e->at, *n);
	e->at += *n;
	return RC_OK;
}

static void
echo_answer(void *ctx, struct http_request *r)
{
	struct echo *e = ctx;

	if (e->stream)
		http_server_stream(r, 200, EXCHANGE_CONTENT_TYPE, echo_next, e);
	else
		http_server_reply(r, 200, EXCHANGE_CONTENT_TYPE, e->body.data, e->body.len);
}

static struct http_server *
echo_server(struct echo *e, struct http_config c)
{
	struct http_server *s = NULL;
	struct error err = { 0 };

	c.address = "127.0.0.1";
	c.no_date = true;
	c.ctx = e;
	c.begin = echo_begin;
	c.body = echo_body;
	c.answer = echo_answer;
	assert_int_equal(http_server_open(&c, &s, &err), RC_OK);
	assert_int_not_equal(http_server_port(s), 0);
	assert_int_equal(http_server_start(s), RC_OK);
	return s;
}

static void
speaks_with_a_real_server_over_one_connection(void **state)
{
	struct echo e = { 0 };
	struct http_server *s = echo_server(&e, (struct http_config){ .connections_max = 1 });
	struct transport *t = loopback_line(http_server_port(s));
	struct transport_stats before, after;
	struct bytes got;

	(void)state;
	bytes_init(&got);
	for (int i = 0; i < 5; i++) {
		transport_stats(t, &before);
		bytes_reset(&got);
		assert_int_equal(transport_post(t, "/sync", (const uint8_t *)"hello", 5, loopback_collect, &got,
		    NULL), RC_OK);
		assert_int_equal(got.len, 5);
		transport_stats(t, &after);
		/* "HTTP/1.1 200 OK", Content-Length, Content-Type, blank line, body */
		assert_int_equal(after.bytes_down - before.bytes_down, 17 + 19 + 35 + 2 + 5);
	}
	assert_int_equal(e.requests, 5);
	transport_close(t);
	http_server_close(s);
	bytes_reset(&e.body);
	bytes_reset(&got);
}

static void
streams_megabytes_both_ways(void **state)
{
	struct echo e = { .stream = true };
	struct http_server *s = echo_server(&e, (struct http_config){ .body_max = 8 << 20 });
	struct transport *t = loopback_line(http_server_port(s));
	size_t len = 5 << 20;
	uint8_t *big = malloc(len);
	struct bytes got;

	(void)state;
	assert_non_null(big);
	for (size_t i = 0; i < len; i++)
		big[i] = (uint8_t)(i * 2654435761u >> 13);
	bytes_init(&got);
	assert_int_equal(transport_post(t, "/sync", big, len, loopback_collect, &got, NULL), RC_OK);
	assert_int_equal(got.len, len);
	assert_memory_equal(got.data, big, len);
	transport_close(t);
	http_server_close(s);
	bytes_reset(&e.body);
	bytes_reset(&got);
	free(big);
}

static void
server_refuses_a_body_over_its_limit(void **state)
{
	struct echo e = { 0 };
	struct http_server *s = echo_server(&e, (struct http_config){ .body_max = 1000 });
	struct transport *t = loopback_line(http_server_port(s));
	uint8_t body[1001] = { 0 };
	struct bytes got;
	struct error err = { 0 };

	(void)state;
	bytes_init(&got);
	assert_int_equal(transport_post(t, "/sync", body, 1001, loopback_collect, &got, &err), RC_PROTOCOL);
	assert_non_null(strstr(err.what, "413"));
	assert_int_equal(transport_post(t, "/sync", body, 1000, loopback_collect, &got, NULL), RC_OK);
	assert_int_equal(transport_post(t, "/other", body, 10, loopback_collect, &got, NULL), RC_PROTOCOL);
	transport_close(t);
	http_server_close(s);
	bytes_reset(&e.body);
	bytes_reset(&got);
}

/* Says a little, then waits; milliseconds until the server hangs up. */
static long
time_until_cut(uint16_t port, const char *first, const char *drip)
{
	struct sockaddr_in a = { .sin_family = AF_INET };
	struct timeval pause = { 0, 200000 };
	char buf[256];
	ssize_t n = -1;
	int fd = socket(AF_INET, SOCK_STREAM, 0), rounds;

	a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	a.sin_port = htons(port);
	assert_int_equal(connect(fd, (struct sockaddr *)&a, sizeof(a)), 0);
	assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &pause, sizeof(pause)), 0);
	assert_int_equal(send(fd, first, strlen(first), MSG_NOSIGNAL), (ssize_t)strlen(first));
	for (rounds = 0; rounds < 50; rounds++) {
		if ((n = recv(fd, buf, sizeof(buf), 0)) == 0)
			break;
		if (send(fd, drip, 1, MSG_NOSIGNAL) < 0)
			break;
	}
	close(fd);
	return rounds * 200L;
}

static void
server_gives_no_request_more_than_its_time(void **state)
{
	struct echo e = { 0 };
	struct http_server *s = echo_server(&e, (struct http_config){ .head_seconds = 5,
		.body_seconds = 30, .rate = 1, .whole_seconds = 1 });

	(void)state;
	/* faster than the slowest rate, and still no end in sight */
	assert_in_range(time_until_cut(http_server_port(s),
	    "POST /sync HTTP/1.1\r\nHost: x\r\nContent-Length: 90000\r\n\r\n", "x"), 400, 4000);
	http_server_close(s);
	bytes_reset(&e.body);
}

static void
server_cuts_those_who_drip(void **state)
{
	struct echo e = { 0 };
	struct http_server *s = echo_server(&e, (struct http_config){ .head_seconds = 1,
		.body_seconds = 1, .idle_seconds = 5 });
	uint16_t port = http_server_port(s);

	(void)state;
	/* headers, a byte at a time: never silent, never done */
	assert_true(time_until_cut(port, "POST /sync HTTP/1.1\r\nX-Slow: ", "a") < 4000);
	/* a body, a byte at a time */
	assert_true(time_until_cut(port,
	    "POST /sync HTTP/1.1\r\nHost: x\r\nContent-Length: 5000\r\n\r\n", "a") < 4000);
	http_server_close(s);
	bytes_reset(&e.body);
}

static void
server_refuses_two_lengths(void **state)
{
	static const char *const bad[] = {
		"POST /sync HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nabcd",
		"POST /sync HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\nabcd",
		"POST /sync HTTP/1.1\r\nHost: x\r\nContent-Length: -3\r\n\r\nabc",
		"POST /sync HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999999999999999\r\n\r\nabc",
		"POST /sync HTTP/1.1\r\nContent-Length: 3\r\n\r\nabc",	/* no Host */
	};
	struct echo e = { 0 };
	struct http_server *s = echo_server(&e, (struct http_config){ .idle_seconds = 2 });
	struct sockaddr_in a = { .sin_family = AF_INET };
	char buf[512];
	ssize_t n;
	int fd;

	(void)state;
	a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	a.sin_port = htons(http_server_port(s));
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		fd = socket(AF_INET, SOCK_STREAM, 0);
		assert_int_equal(connect(fd, (struct sockaddr *)&a, sizeof(a)), 0);
		assert_true(write(fd, bad[i], strlen(bad[i])) > 0);
		n = read(fd, buf, sizeof(buf) - 1);
		if (n > 0) {
			buf[n] = '\0';
			if (strncmp(buf, "HTTP/1.1 4", 10) != 0)
				fail_msg("request %zu was answered: %s", i, buf);
		}
		close(fd);
	}
	assert_int_equal(e.requests, 0);
	http_server_close(s);
	bytes_reset(&e.body);
}

static void
server_says_when_its_port_is_taken(void **state)
{
	struct echo e = { 0 };
	struct http_server *s = echo_server(&e, (struct http_config){ 0 }), *second;
	struct http_config c = { .address = "127.0.0.1", .port = http_server_port(s),
		.begin = echo_begin, .answer = echo_answer };
	struct error err = { 0 };

	(void)state;
	assert_int_equal(http_server_open(&c, &second, &err), RC_BUSY);
	assert_null(second);
	c.address = "no.such.address";
	assert_int_equal(http_server_open(&c, &second, NULL), RC_USAGE);
	http_server_close(s);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(speaks_with_a_real_server_over_one_connection),
		cmocka_unit_test(streams_megabytes_both_ways),
		cmocka_unit_test(server_refuses_a_body_over_its_limit),
		cmocka_unit_test(server_cuts_those_who_drip),
		cmocka_unit_test(server_gives_no_request_more_than_its_time),
		cmocka_unit_test(server_refuses_two_lengths),
		cmocka_unit_test(server_says_when_its_port_is_taken),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
