#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "shared/sync/transport.h"
#include "sync-server/relay_http.h"
#include "tests/support/loopback.h"
#include "tests/support/relay_world.h"

static struct world w;
static struct relay_http *server;
static struct transport *line;

static int
setup(void **state)
{
	struct relay_http_config c = { .address = "127.0.0.1" };
	char url[64];

	(void)state;
	if (secret_start() != RC_OK)
		return -1;
	world_open(&w);
	c.depot = w.depot;
	c.clock = w.clock;
	if (relay_http_open(&c, &server, NULL) != RC_OK)
		return -1;
	snprintf(url, sizeof(url), "http://127.0.0.1:%u", relay_http_port(server));
	return relay_http_start(server) == RC_OK &&
	    transport_open(url, "", false, &line, NULL) == RC_OK ? 0 : -1;
}

static int
teardown(void **state)
{
	(void)state;
	transport_close(line);
	relay_http_close(server);
	world_close(&w);
	return 0;
}

/* A sync over the network; bytes both ways as the link carries them. */
static void
sync_over_http(struct worker *k, const struct bytes *items, struct heard *a, uint64_t *bytes)
{
	struct bytes request = worker_request(k, items, true), reply = { 0 };
	struct transport_stats before, after;

	memset(a, 0, sizeof(*a));
	transport_stats(line, &before);
	assert_int_equal(transport_post(line, "/sync", request.data, request.len, loopback_collect, &reply,
	    NULL), RC_OK);
	transport_stats(line, &after);
	*bytes = after.bytes_up + after.bytes_down - before.bytes_up - before.bytes_down;
	world_take_reply(&w, reply.data, reply.len, a);
	assert_true(a->ended);
	worker_learn(k, a);
	bytes_reset(&request);
	bytes_reset(&reply);
}

static void
an_idle_sync_fits_in_half_a_kilobyte(void **state)
{
	struct worker k;
	struct heard a;
	uint64_t bytes;

	(void)state;
	worker_join(&w, "24.1.1", ROLE_COMMUNICATOR, &k);
	sync_over_http(&k, NULL, &a, &bytes);
	heard_reset(&a);
	sync_over_http(&k, NULL, &a, &bytes);
	assert_int_equal(a.welcome.status, STATUS_OK);
	print_message("an idle sync: %llu bytes\n", (unsigned long long)bytes);
	assert_true(bytes <= 512);
	heard_reset(&a);
	worker_close(&k);
}

static void
carries_megabytes_both_ways(void **state)
{
	struct worker k, reader;
	struct bytes items = { 0 }, f;
	struct heard a;
	uint64_t bytes;

	(void)state;
	worker_join(&w, "24.1.1", ROLE_COMMUNICATOR, &k);
	worker_join(&w, "24.1.1", ROLE_COMMUNICATOR, &reader);
	for (int i = 0; i < 30; i++) {
		f = worker_frame(&k, "24.1.1", 0, 1, 10, 100000);
		exchange_put(&items, ITEM_FRAME, f.data, f.len);
		bytes_reset(&f);
	}
	sync_over_http(&k, &items, &a, &bytes);
	assert_int_equal(a.n_receipted, 30);
	heard_reset(&a);
	sync_over_http(&reader, NULL, &a, &bytes);
	assert_int_equal(a.n_frames, 30);
	assert_false(a.more);
	/* what is around the frames weighs next to nothing */
	assert_true(bytes < items.len + 4000);
	heard_reset(&a);
	bytes_reset(&items);
	worker_close(&k);
	worker_close(&reader);
}

static void
the_authority_meets_the_relay_over_http(void **state)
{
	struct bytes request, reply = { 0 };

	(void)state;
	request = world_request(&w, NULL);
	assert_int_equal(transport_post(line, "/exchange", request.data, request.len, loopback_collect, &reply,
	    NULL), RC_OK);
	assert_memory_equal(reply.data, "FX", 2);
	bytes_reset(&reply);
	request.data[request.len - 9] ^= 1;
	assert_int_equal(transport_post(line, "/exchange", request.data, request.len, loopback_collect, &reply,
	    NULL), RC_PROTOCOL);
	assert_int_equal(reply.len, 0);
	bytes_reset(&request);
}

static void
what_is_no_message_is_refused_in_few_words(void **state)
{
	static const uint8_t text[] = "GET me out of here";
	struct error err = { 0 };
	struct bytes got = { 0 };

	(void)state;
	assert_int_equal(transport_post(line, "/sync", text, sizeof(text), loopback_collect, &got, &err),
	    RC_PROTOCOL);
	assert_non_null(strstr(err.what, "400"));
	memset(&err, 0, sizeof(err));
	assert_int_equal(transport_post(line, "/", text, sizeof(text), loopback_collect, &got, &err),
	    RC_PROTOCOL);
	assert_non_null(strstr(err.what, "404"));
	assert_int_equal(got.len, 0);
}

static void
a_full_disk_asks_to_come_again(void **state)
{
	struct worker k;
	struct bytes items = { 0 }, f, request, got = { 0 };
	struct error err = { 0 };

	(void)state;
	worker_join(&w, "24.1.1", ROLE_COMMUNICATOR, &k);
	assert_int_equal(depot_limit(w.depot, 256 << 10), RC_OK);
	f = worker_frame(&k, "24.1.1", 0, 1, 1, 1 << 20);
	exchange_put(&items, ITEM_FRAME, f.data, f.len);
	request = worker_request(&k, &items, true);
	assert_int_equal(transport_post(line, "/sync", request.data, request.len, loopback_collect, &got, &err),
	    RC_UNAVAILABLE);
	assert_non_null(strstr(err.what, "507"));
	bytes_reset(&request);
	bytes_reset(&items);
	bytes_reset(&f);
	worker_close(&k);
}

/* The connection dies after so many bytes of the request. */
static void
send_and_hang_up(const struct bytes *request, size_t cut)
{
	struct sockaddr_in a = { .sin_family = AF_INET };
	char head[128], end;
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	a.sin_port = htons(relay_http_port(server));
	assert_int_equal(connect(fd, (struct sockaddr *)&a, sizeof(a)), 0);
	snprintf(head, sizeof(head), "POST /sync HTTP/1.1\r\nHost: x\r\nContent-Length: %zu\r\n\r\n",
	    request->len);
	assert_int_equal(send(fd, head, strlen(head), MSG_NOSIGNAL), (ssize_t)strlen(head));
	assert_int_equal(send(fd, request->data, cut, MSG_NOSIGNAL), (ssize_t)cut);
	/* half a farewell: the server must read everything before it sees the end */
	shutdown(fd, SHUT_WR);
	while (recv(fd, &end, 1, 0) > 0)
		;
	close(fd);
}

static void
a_cut_upload_keeps_its_whole_frames(void **state)
{
	struct worker k;
	struct bytes items = { 0 }, f, request;
	struct heard a;
	uint64_t bytes;

	(void)state;
	worker_join(&w, "24.1.1", ROLE_COMMUNICATOR, &k);
	for (int i = 0; i < 3; i++) {
		f = worker_frame(&k, "24.1.1", 0, 1, 10, 30000);
		exchange_put(&items, ITEM_FRAME, f.data, f.len);
		bytes_reset(&f);
	}
	request = worker_request(&k, &items, true);
	send_and_hang_up(&request, request.len - 100);
	/* the same hello is still good, and nothing is there twice */
	sync_over_http(&k, &items, &a, &bytes);
	assert_int_equal(a.welcome.status, STATUS_OK);
	assert_int_equal(a.n_receipted, 3);
	heard_reset(&a);
	bytes_reset(&request);
	bytes_reset(&items);
	worker_close(&k);
}

int
main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(an_idle_sync_fits_in_half_a_kilobyte),
		TEST(carries_megabytes_both_ways),
		TEST(the_authority_meets_the_relay_over_http),
		TEST(what_is_no_message_is_refused_in_few_words),
		TEST(a_full_disk_asks_to_come_again),
		TEST(a_cut_upload_keeps_its_whole_frames),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
