#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "shared/base/process.h"
#include "shared/sync/exchange.h"
#include "shared/sync/transport.h"
#include "sync-server/relay_http.h"
#include "sync-server/relay_pace.h"
#include "tests/support/loopback.h"
#include "tests/support/relay_world.h"

/* What one device, one address or a thousand silent ones may take from a relay. */
static struct world w;
static struct relay_http *server;
static struct transport *line;

static void
serve(unsigned address_per_minute, uint64_t bytes_a_day)
{
	struct relay_http_config config = { .clock = w.clock, .depot = w.depot, .address = "127.0.0.1",
		.address_per_minute = address_per_minute, .bytes_a_day = bytes_a_day };
	struct error err = { 0 };
	char url[64];

	assert_int_equal(relay_http_open(&config, &server, &err), RC_OK);
	snprintf(url, sizeof(url), "http://127.0.0.1:%u", relay_http_port(server));
	assert_int_equal(relay_http_start(server), RC_OK);
	assert_int_equal(transport_open(url, "", false, &line, NULL), RC_OK);
}

static int
setup(void **state)
{
	(void)state;
	if (secret_start() != RC_OK)
		return -1;
	world_open(&w);
	server = NULL;
	line = NULL;
	return 0;
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

static enum rc
ask(struct worker *k, const struct bytes *items, struct heard *a)
{
	struct bytes request = worker_request(k, items, true), reply = { 0 };
	enum rc rc;

	memset(a, 0, sizeof(*a));
	rc = transport_post(line, "/sync", request.data, request.len, loopback_collect, &reply, NULL);
	if (rc == RC_OK) {
		world_take_reply(&w, reply.data, reply.len, a);
		worker_learn(k, a);
	}
	bytes_reset(&request);
	bytes_reset(&reply);
	return rc;
}

/* A frame of so many bytes as an item. */
static void
put_frame(struct bytes *items, struct worker *k, size_t bytes)
{
	struct bytes f = worker_frame(k, "24.1.1", 0, 1, 10, bytes);

	exchange_put(items, ITEM_FRAME, f.data, f.len);
	bytes_reset(&f);
}

static long
resident_pages(void)
{
	long size, resident = 0;
	FILE *f = fopen("/proc/self/statm", "r");

	assert_non_null(f);
	assert_int_equal(fscanf(f, "%ld %ld", &size, &resident), 2);
	fclose(f);
	return resident;
}

/* A connection from one of this machine's many addresses, that says a little and waits. */
static int
idle_connection(unsigned n)
{
	struct sockaddr_in from = { .sin_family = AF_INET }, to = { .sin_family = AF_INET };
	static const char begun[] = "POST /sync HTTP/1.1\r\nHost: x\r\nContent-Le";
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	assert_true(fd >= 0);
	from.sin_addr.s_addr = htonl(INADDR_LOOPBACK + 1 + n / 50);
	to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	to.sin_port = htons(relay_http_port(server));
	assert_int_equal(bind(fd, (const struct sockaddr *)&from, sizeof(from)), 0);
	assert_int_equal(connect(fd, (const struct sockaddr *)&to, sizeof(to)), 0);
	assert_int_equal(send(fd, begun, sizeof(begun) - 1, MSG_NOSIGNAL), (ssize_t)sizeof(begun) - 1);
	return fd;
}

static void
a_thousand_idle_connections_do_not_keep_others_waiting(void **state)
{
	enum { IDLE = 1000 };
	static int fds[IDLE];
	struct worker k;
	struct heard a;
	struct timespec before, after;
	long pages;

	(void)state;
	if (process_allow_files(2 * IDLE + 100) < 2 * IDLE + 100)
		skip();
	serve(0, 0);
	worker_join(&w, "24.1.1", ROLE_COMMUNICATOR, &k);
	pages = resident_pages();
	for (unsigned i = 0; i < IDLE; i++)
		fds[i] = idle_connection(i);
	clock_gettime(CLOCK_MONOTONIC, &before);
	for (int i = 0; i < 10; i++) {
		assert_int_equal(ask(&k, NULL, &a), RC_OK);
		assert_int_equal(a.welcome.status, STATUS_OK);
		heard_reset(&a);
	}
	clock_gettime(CLOCK_MONOTONIC, &after);
	pages = resident_pages() - pages;
	print_message("ten syncs beside %d idle connections: %.3f s; %ld kB for them all\n", IDLE,
	    (double)(after.tv_sec - before.tv_sec) + (double)(after.tv_nsec - before.tv_nsec) / 1e9,
	    pages * 4);
	assert_true(after.tv_sec - before.tv_sec < 10);
	assert_true(pages * 4 < 40 << 10);
	for (unsigned i = 0; i < IDLE; i++)
		close(fds[i]);
	worker_close(&k);
}

static void
an_address_that_asks_too_often_is_told_to_wait(void **state)
{
	struct bytes got = { 0 };
	struct error err = { 0 };

	(void)state;
	serve(3, 0);
	for (int i = 0; i < 3; i++)
		assert_int_equal(transport_post(line, "/sync", (const uint8_t *)"x", 1, loopback_collect, &got,
		    NULL), RC_PROTOCOL);
	assert_int_equal(transport_post(line, "/sync", (const uint8_t *)"x", 1, loopback_collect, &got, &err),
	    RC_UNAVAILABLE);
	assert_non_null(strstr(err.what, "429"));
}

static void
a_device_has_so_many_bytes_a_day(void **state)
{
	struct worker k, other;
	struct bytes items = { 0 };
	struct heard a;

	(void)state;
	serve(0, 100000);
	worker_join(&w, "24.1.1", ROLE_COMMUNICATOR, &k);
	worker_join(&w, "24.1.1", ROLE_COMMUNICATOR, &other);
	put_frame(&items, &k, 150000);
	assert_int_equal(ask(&k, &items, &a), RC_OK);
	assert_int_equal(a.n_receipted, 1);	/* what began within the limit is taken whole */
	heard_reset(&a);
	assert_int_equal(ask(&k, NULL, &a), RC_OK);
	assert_int_equal(a.welcome.status, STATUS_TOO_MANY);
	heard_reset(&a);
	assert_int_equal(ask(&other, NULL, &a), RC_OK);
	assert_int_equal(a.welcome.status, STATUS_OK);
	assert_int_equal(a.n_frames, 1);
	heard_reset(&a);
	bytes_reset(&items);
	worker_close(&k);
	worker_close(&other);
}

static void
a_disk_without_room_takes_no_frame_and_serves_all_the_same(void **state)
{
	struct worker k, other;
	struct bytes items = { 0 };
	struct heard a;

	(void)state;
	serve(0, 0);
	worker_join(&w, "24.1.1", ROLE_COMMUNICATOR, &k);
	worker_join(&w, "24.1.1", ROLE_COMMUNICATOR, &other);
	put_frame(&items, &k, 5000);
	assert_int_equal(ask(&k, &items, &a), RC_OK);
	heard_reset(&a);
	bytes_reset(&items);
	put_frame(&items, &other, 5000);
	depot_reserve(w.depot, UINT64_MAX / 4);
	assert_int_equal(ask(&other, &items, &a), RC_OK);
	assert_int_equal(a.welcome.status, STATUS_FULL);
	assert_int_equal(a.n_receipted, 0);
	assert_int_equal(a.n_frames, 1);
	heard_reset(&a);
	depot_reserve(w.depot, 0);
	assert_int_equal(ask(&other, &items, &a), RC_OK);
	assert_int_equal(a.welcome.status, STATUS_OK);
	assert_int_equal(a.n_receipted, 1);
	heard_reset(&a);
	bytes_reset(&items);
	worker_close(&k);
	worker_close(&other);
}

/* ---- receipts ---- */

/* That a holder has n entries of the other's log. */
static void
put_held(struct bytes *items, struct worker *holder, struct worker *of, uint64_t n, int64_t at)
{
	struct exchange_head tip = { .log = 7, .n = n };
	struct receipt_scope scope = { .unit = "24.1.1", .tips = &tip, .n_tips = 1 };
	struct receipt r = { .kind = RECEIPT_HELD, .at = at, .scopes = &scope, .n_scopes = 1 };
	struct bytes payload = { 0 };

	memcpy(r.signer, holder->device.identity.device, sizeof(r.signer));
	memcpy(r.device, of->device.identity.device, sizeof(r.device));
	assert_int_equal(exchange_receipt_write(&r, holder->device.identity.sign_seed, &payload), RC_OK);
	exchange_put(items, ITEM_RECEIPT, payload.data, payload.len);
	bytes_reset(&payload);
}

/* That a hub has frames of it that nobody has ever seen. */
static void
put_stored(struct bytes *items, struct worker *hub, struct worker *of, size_t frames, uint8_t mark)
{
	struct receipt r = { .kind = RECEIPT_STORED, .at = WORLD_NOW, .n_frames = frames };
	struct bytes payload = { 0 };

	memcpy(r.signer, hub->device.identity.device, sizeof(r.signer));
	memcpy(r.device, of->device.identity.device, sizeof(r.device));
	assert_non_null(r.frames = calloc(frames, FRAME_ID_BYTES));
	memset(r.frames, mark, frames * FRAME_ID_BYTES);
	assert_int_equal(exchange_receipt_write(&r, hub->device.identity.sign_seed, &payload), RC_OK);
	exchange_put(items, ITEM_RECEIPT, payload.data, payload.len);
	free(r.frames);
	bytes_reset(&payload);
}

static void
hand_in(struct worker *k, struct bytes *items)
{
	struct heard a;

	worker_sync_ok(k, items, &a);
	heard_reset(&a);
	bytes_reset(items);
}

/* The receipts in a device's lane, and their bytes. */
static size_t
kept_for(struct worker *k, size_t *bytes)
{
	char lane[DEPOT_LANE_MAX] = "d", found[DEPOT_LANE_MAX];
	uint64_t at = 0, list;
	struct bytes body = { 0 };
	enum item_type type;
	size_t n = 0;

	*bytes = 0;
	bytes_hex(k->device.identity.device, 16, lane + 1);
	while (depot_next_of(w.depot, ITEM_RECEIPT, at, &at, found, &list) == RC_OK) {
		if (strcmp(lane, found) != 0)
			continue;
		body.len = 0;
		assert_int_equal(depot_at(w.depot, at, &type, &list, &body), RC_OK);
		*bytes += body.len;
		n++;
	}
	bytes_reset(&body);
	return n;
}

/* Its next sync brings one receipt, and the holder's last one is of that many entries. */
static void
assert_told(struct worker *k, struct worker *holder, uint64_t n)
{
	uint8_t head[DEPOT_RECEIPT_HEAD_BYTES] = { RECEIPT_HELD };
	char lane[DEPOT_LANE_MAX] = "d";
	struct bytes body = { 0 };
	struct receipt r;
	struct heard a;

	worker_sync_ok(k, NULL, &a);
	assert_int_equal(a.n_lane_receipts, 1);
	heard_reset(&a);
	memcpy(head + 1, holder->device.identity.device, 16);
	bytes_hex(k->device.identity.device, 16, lane + 1);
	assert_int_equal(depot_newest_receipt(w.depot, lane, head, &body), RC_OK);
	assert_int_equal(exchange_receipt_read(body.data, body.len, &r), RC_OK);
	assert_int_equal(r.scopes[0].tips[0].n, n);
	exchange_receipt_reset(&r);
	bytes_reset(&body);
}

static void
of_what_a_holder_says_to_a_device_the_last_is_kept(void **state)
{
	struct worker k, holder, second, nobody;
	struct bytes items = { 0 };
	struct heard a;
	size_t bytes;

	(void)state;
	worker_join(&w, "24.1.1", ROLE_COMMUNICATOR, &k);
	worker_join(&w, "24", ROLE_HOLDER, &holder);
	worker_join(&w, "24", ROLE_HOLDER, &second);
	worker_join(&w, "24.1.1", ROLE_COMMUNICATOR, &nobody);
	worker_sync_ok(&k, NULL, &a);
	heard_reset(&a);
	for (unsigned i = 1; i <= 100; i++) {
		put_held(&items, &holder, &k, i, WORLD_NOW - 200 + i);
		hand_in(&holder, &items);
	}
	assert_int_equal(kept_for(&k, &bytes), 1);
	/* an older one that somebody plays again is not believed more than the last */
	put_held(&items, &holder, &k, 3, WORLD_NOW - 200 + 3);
	hand_in(&second, &items);
	assert_told(&k, &holder, 100);
	/* one of a clock gone wild keeps none out that comes after it */
	put_held(&items, &holder, &k, 101, WORLD_NOW + 9 * 86400);
	put_held(&items, &holder, &k, 102, WORLD_NOW);
	hand_in(&holder, &items);
	assert_told(&k, &holder, 102);
	/* each holder speaks for itself; to a device that nobody knows nothing is said */
	put_held(&items, &second, &k, 50, WORLD_NOW);
	put_held(&items, &second, &nobody, 50, WORLD_NOW);
	hand_in(&second, &items);
	assert_int_equal(kept_for(&k, &bytes), 2);
	assert_int_equal(kept_for(&nobody, &bytes), 0);
	worker_close(&k);
	worker_close(&holder);
	worker_close(&second);
	worker_close(&nobody);
}

static void
receipts_of_another_relay_take_so_many_bytes_a_device(void **state)
{
	enum { FRAMES = 16384, N = 20 };
	struct worker k, hub;
	struct bytes items = { 0 };
	struct heard a;
	size_t bytes;

	(void)state;
	worker_join(&w, "24.1.1", ROLE_COMMUNICATOR, &k);
	worker_join(&w, "24.1", ROLE_RELAY, &hub);
	worker_sync_ok(&k, NULL, &a);
	heard_reset(&a);
	for (uint8_t i = 0; i < N; i++) {
		put_stored(&items, &hub, &k, FRAMES, i);
		hand_in(&hub, &items);
	}
	assert_in_range(kept_for(&k, &bytes), 7, 9);
	assert_in_range(bytes, RELAY_RECEIPT_BYTES_MAX / 2, RELAY_RECEIPT_BYTES_MAX + FRAMES * 40);
	/* the newest is among them: it is known, and not taken twice */
	put_stored(&items, &hub, &k, FRAMES, N - 1);
	hand_in(&hub, &items);
	assert_in_range(kept_for(&k, &bytes), 7, 9);
	worker_close(&k);
	worker_close(&hub);
}

static void
a_disk_without_room_takes_no_more_receipts_than_it_has(void **state)
{
	struct worker k, holder;
	struct bytes items = { 0 };
	struct heard a;
	size_t bytes;

	(void)state;
	worker_join(&w, "24.1.1", ROLE_COMMUNICATOR, &k);
	worker_join(&w, "24", ROLE_HOLDER, &holder);
	worker_sync_ok(&k, NULL, &a);
	heard_reset(&a);
	depot_reserve(w.depot, UINT64_MAX / 4);
	put_held(&items, &holder, &k, 5, WORLD_NOW);
	hand_in(&holder, &items);
	assert_int_equal(kept_for(&k, &bytes), 0);
	depot_reserve(w.depot, 0);
	put_held(&items, &holder, &k, 5, WORLD_NOW);
	hand_in(&holder, &items);
	assert_int_equal(kept_for(&k, &bytes), 1);
	/* what takes the place of another needs none */
	depot_reserve(w.depot, UINT64_MAX / 4);
	put_held(&items, &holder, &k, 6, WORLD_NOW);
	hand_in(&holder, &items);
	depot_reserve(w.depot, 0);
	assert_told(&k, &holder, 6);
	worker_close(&k);
	worker_close(&holder);
}

/* ---- refusals ---- */

/* Bytes of an answer with all its headers; *status: what it says. */
static uint64_t
answer_to(const struct bytes *request, enum exchange_status *status)
{
	struct transport_stats before, after;
	struct bytes reply = { 0 };
	struct heard a;

	transport_stats(line, &before);
	assert_int_equal(transport_post(line, "/sync", request->data, request->len, loopback_collect, &reply, NULL),
	    RC_OK);
	transport_stats(line, &after);
	memset(&a, 0, sizeof(a));
	world_take_reply(&w, reply.data, reply.len, &a);
	*status = a.welcome.status;
	assert_int_equal(a.n_statements + a.n_frames + a.n_certificates + a.n_receipts, 0);
	heard_reset(&a);
	bytes_reset(&reply);
	return after.bytes_down - before.bytes_down;
}

/* By its length an answer tells a stranger nothing: who is known here, how much there is, what was wrong. */
static void
who_is_refused_gets_as_many_bytes_whatever_the_reason(void **state)
{
	struct worker known, stranger, foreign;
	struct world elsewhere;
	struct bytes requests[5] = { { 0 } }, items = { 0 };
	enum exchange_status status;
	uint64_t sizes[5];
	struct heard a;

	(void)state;
	serve(0, 0);
	world_open(&elsewhere);
	worker_join(&w, "24.1.1", ROLE_COMMUNICATOR, &known);
	worker_join(&w, "24.1.1", ROLE_COMMUNICATOR, &stranger);
	worker_join(&elsewhere, "24.1.1", ROLE_COMMUNICATOR, &foreign);
	stranger.with_certificate = false;
	requests[0] = worker_request(&stranger, NULL, true);
	sizes[0] = answer_to(&requests[0], &status);
	put_frame(&items, &known, 20000);
	assert_int_equal(ask(&known, &items, &a), RC_OK);
	heard_reset(&a);
	/* now there is something, and a device */
	requests[1] = worker_request(&stranger, NULL, true);
	requests[2] = worker_request(&stranger, &items, true);
	requests[3] = worker_request(&known, NULL, false);
	requests[3].data[requests[3].len - 8] ^= 1;	/* in the signature of its hello */
	exchange_put_end_up(&requests[3]);
	requests[4] = worker_request(&foreign, NULL, true);
	for (size_t i = 1; i < 5; i++) {
		sizes[i] = answer_to(&requests[i], &status);
		assert_int_equal(status, i == 4 ? STATUS_OTHER_PROVINCE : STATUS_UNKNOWN_DEVICE);
		assert_int_equal(sizes[i], sizes[0]);
	}
	for (size_t i = 0; i < 5; i++)
		bytes_reset(&requests[i]);
	bytes_reset(&items);
	worker_close(&known);
	worker_close(&stranger);
	worker_close(&foreign);
	world_close(&elsewhere);
}

/* ---- buckets ---- */

static void
a_bucket_fills_again_with_time(void **state)
{
	static const uint8_t one[16] = { 1 }, two[16] = { 2 };
	struct relay_pace *p;

	(void)state;
	assert_int_equal(relay_pace_new(64, 10, 1000, &p), RC_OK);
	for (int i = 0; i < 10; i++) {
		assert_true(relay_pace_may(p, one, 5000));
		relay_pace_take(p, one, 1, 5000);
	}
	assert_false(relay_pace_may(p, one, 5000));
	assert_true(relay_pace_may(p, two, 5000));
	assert_false(relay_pace_may(p, one, 5050));
	assert_true(relay_pace_may(p, one, 5110));
	/* who took too much waits the longer, but not for ever */
	relay_pace_take(p, one, 1000000, 5110);
	assert_false(relay_pace_may(p, one, 9000));
	assert_true(relay_pace_may(p, one, 9400));
	/* a clock that runs backwards gives nothing */
	relay_pace_take(p, two, 10, 6000);
	assert_false(relay_pace_may(p, two, 3000));
	relay_pace_set(p, 0);
	assert_true(relay_pace_may(p, two, 3000));
	relay_pace_free(p);
}

static void
one_invitation_makes_so_many_devices_and_no_more(void **state)
{
	enum { N = DEPOT_INVITATION_USES_MAX + 3 };
	struct worker worker[N], *all[N];
	struct heard a;

	(void)state;
	for (size_t i = 0; i < N; i++)
		all[i] = &worker[i];
	worker_join_together(&w, all, N);
	for (size_t i = 0; i < N; i++) {
		worker_sync(all[i], NULL, &a);
		assert_int_equal(a.welcome.status, i == 0 ? STATUS_OK : i < DEPOT_INVITATION_USES_MAX ?
		    STATUS_WAITING : STATUS_UNKNOWN_DEVICE);
		heard_reset(&a);
	}
	assert_int_equal(directory_device_count(depot_directory(w.depot)), DEPOT_INVITATION_USES_MAX);
	/* those who came before go on */
	worker_sync_ok(all[0], NULL, &a);
	heard_reset(&a);
	for (size_t i = 0; i < N; i++)
		worker_close(all[i]);
}

int
main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(a_thousand_idle_connections_do_not_keep_others_waiting),
		TEST(an_address_that_asks_too_often_is_told_to_wait),
		TEST(a_device_has_so_many_bytes_a_day),
		TEST(a_disk_without_room_takes_no_frame_and_serves_all_the_same),
		TEST(of_what_a_holder_says_to_a_device_the_last_is_kept),
		TEST(receipts_of_another_relay_take_so_many_bytes_a_device),
		TEST(a_disk_without_room_takes_no_more_receipts_than_it_has),
		TEST(one_invitation_makes_so_many_devices_and_no_more),
		TEST(who_is_refused_gets_as_many_bytes_whatever_the_reason),
		cmocka_unit_test(a_bucket_fills_again_with_time),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
