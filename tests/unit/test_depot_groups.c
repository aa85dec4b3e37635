/* Several groups of changes in one commit: depot_hold, depot_settle, and the relay over HTTP. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "sync-server/depot_internal.h"
#include "sync-server/relay_http.h"
#include "tests/support/relay_world.h"

enum { TOGETHER = 5, STEPS = 50, STEP_MS = 20 };

static struct world w;

/* A group that writes one line of the audit log and ends with rc. */
static enum rc
write_line(enum rc rc)
{
	assert_int_equal(depot_begin(w.depot), RC_OK);
	assert_int_equal(depot_audit(w.depot, WORLD_NOW, "test", NULL, ""), RC_OK);
	return depot_end(w.depot, rc);
}

static uint64_t
lines(struct depot *d)
{
	uint8_t head[DEPOT_AUDIT_HEAD_BYTES];
	uint64_t n;

	assert_int_equal(depot_audit_head(d, &n, head), RC_OK);
	return n;
}

/* As another process sees it, and as it is after a crash. */
static uint64_t
lines_on_disk(void)
{
	struct depot *other;
	uint64_t n;

	assert_int_equal(depot_open(w.dir, &other, NULL), RC_OK);
	n = lines(other);
	depot_close(other);
	return n;
}

static void
what_waits_is_on_no_disk_until_it_is_settled(void **state)
{
	uint64_t before = lines(w.depot);

	(void)state;
	depot_hold(w.depot, true);
	assert_int_equal(write_line(RC_OK), RC_OK);
	assert_int_equal(write_line(RC_OK), RC_OK);
	depot_hold(w.depot, false);
	assert_int_equal(lines(w.depot), before + 2);
	assert_int_equal(lines_on_disk(), before);
	assert_int_equal(depot_settle(w.depot), RC_OK);
	assert_int_equal(lines_on_disk(), before + 2);
	assert_int_equal(depot_settle(w.depot), RC_OK);
	assert_int_equal(depot_undone(w.depot), 0);
}

static void
a_piece_that_failed_is_undone_by_itself(void **state)
{
	uint64_t before = lines(w.depot);

	(void)state;
	depot_hold(w.depot, true);
	assert_int_equal(write_line(RC_OK), RC_OK);
	assert_int_equal(write_line(RC_FULL), RC_FULL);
	assert_int_equal(write_line(RC_OK), RC_OK);
	depot_hold(w.depot, false);
	assert_int_equal(depot_settle(w.depot), RC_OK);
	assert_int_equal(lines_on_disk(), before + 2);
	assert_int_equal(depot_undone(w.depot), 0);
}

static void
a_group_that_is_not_held_takes_along_what_waits(void **state)
{
	uint64_t before = lines(w.depot);

	(void)state;
	depot_hold(w.depot, true);
	assert_int_equal(write_line(RC_OK), RC_OK);
	depot_hold(w.depot, false);
	assert_int_equal(write_line(RC_OK), RC_OK);
	assert_int_equal(lines_on_disk(), before + 2);
	/* and if it fails, all of it, and says so */
	depot_hold(w.depot, true);
	assert_int_equal(write_line(RC_OK), RC_OK);
	depot_hold(w.depot, false);
	assert_int_equal(write_line(RC_IO), RC_IO);
	assert_int_equal(depot_undone(w.depot), 1);
	assert_int_equal(lines(w.depot), before + 2);
	assert_int_equal(depot_settle(w.depot), RC_OK);
	assert_int_equal(lines_on_disk(), before + 2);
	/* nothing waited: nobody needs to be told */
	assert_int_equal(write_line(RC_IO), RC_IO);
	assert_int_equal(depot_undone(w.depot), 1);
}

static void
what_waits_is_lost_with_the_process(void **state)
{
	uint64_t before = lines(w.depot);

	(void)state;
	depot_hold(w.depot, true);
	assert_int_equal(write_line(RC_OK), RC_OK);
	depot_hold(w.depot, false);
	world_restart(&w);
	assert_int_equal(lines(w.depot), before);
}

static void
an_upload_that_was_undone_is_confirmed_by_nobody(void **state)
{
	struct relay_session *s = NULL;
	struct bytes items = { 0 }, request, f;
	struct worker k;
	struct heard a;

	(void)state;
	worker_join(&w, "24.1.1", ROLE_COMMUNICATOR, &k);
	worker_sync(&k, NULL, &a);
	heard_reset(&a);
	f = worker_put_frame(&k, &items);
	request = worker_request(&k, &items, true);
	assert_int_equal(relay_session_new(w.relay, &s), RC_OK);
	depot_hold(w.depot, true);
	assert_int_equal(relay_session_feed(s, request.data, request.len), RC_OK);
	depot_hold(w.depot, false);
	assert_int_equal(world_counts(&w).served, 1);
	assert_int_equal(write_line(RC_IO), RC_IO);
	assert_int_equal(depot_undone(w.depot), 1);
	relay_session_undone(s);
	assert_int_equal(relay_session_finish(s), RC_IO);
	relay_session_free(s);
	assert_int_equal(world_counts(&w).served, 0);
	/* the same again is taken */
	worker_sync(&k, &items, &a);
	assert_true(heard_receipts(&a, &f));
	heard_reset(&a);
	bytes_reset(&f);
	bytes_reset(&items);
	bytes_reset(&request);
	worker_close(&k);
}

/* ---- over HTTP ---- */

static int
count_commit(void *ctx)
{
	++*(unsigned *)ctx;
	return 0;
}

static int
send_whole(uint16_t port, const struct bytes *body)
{
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons(port) };
	struct bytes text = { 0 };
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	assert_true(fd >= 0);
	assert_int_equal(connect(fd, (struct sockaddr *)&to, sizeof(to)), 0);
	bytes_printf(&text, "POST /sync HTTP/1.1\r\nHost: h\r\nContent-Type: "
	    EXCHANGE_CONTENT_TYPE "\r\nContent-Length: %zu\r\n\r\n", body->len);
	bytes_put(&text, body->data, body->len);
	assert_int_equal(send(fd, text.data, text.len, 0), (ssize_t)text.len);
	bytes_reset(&text);
	return fd;
}

/* What has come so far, behind its headers, if it is all that they announce. */
static bool
whole_reply(int fd, struct bytes *got)
{
	uint8_t *room = bytes_room(got, 65536);
	ssize_t n = recv(fd, room + got->len, 65536, MSG_DONTWAIT);
	char *body, *length;

	assert_non_null(room);
	if (n > 0)
		got->len += (size_t)n;
	bytes_put(got, "", 1);
	got->len--;
	if ((body = strstr((char *)got->data, "\r\n\r\n")) == NULL ||
	    (length = strstr((char *)got->data, "Content-Length: ")) == NULL)
		return false;
	return got->len == (size_t)(body + 4 - (char *)got->data) + strtoul(length + 16, NULL, 10);
}

static void
uploads_that_come_together_share_commits(void **state)
{
	struct relay_http_config c = { .address = "127.0.0.1", .depot = w.depot, .clock = w.clock };
	struct relay_http *server;
	struct worker k[TOGETHER];
	struct bytes frames[TOGETHER], got[TOGETHER], request;
	struct heard a;
	unsigned commits = 0, done = 0;
	int fds[TOGETHER];

	(void)state;
	for (size_t i = 0; i < TOGETHER; i++) {
		worker_join(&w, "24.1.1", ROLE_COMMUNICATOR, &k[i]);
		worker_sync(&k[i], NULL, &a);
		heard_reset(&a);
	}
	assert_int_equal(relay_http_open(&c, &server, NULL), RC_OK);
	for (size_t i = 0; i < TOGETHER; i++) {
		struct bytes items = { 0 };

		frames[i] = worker_put_frame(&k[i], &items);
		request = worker_request(&k[i], &items, true);
		fds[i] = send_whole(relay_http_port(server), &request);
		bytes_reset(&request);
		bytes_reset(&items);
		bytes_init(&got[i]);
	}
	sqlite3_commit_hook(w.depot->sql.db, count_commit, &commits);
	for (unsigned step = 0; step < STEPS && done < TOGETHER; step++) {
		relay_http_step(server, STEP_MS);
		done = 0;
		for (size_t i = 0; i < TOGETHER; i++)
			done += whole_reply(fds[i], &got[i]);
	}
	assert_int_equal(done, TOGETHER);
	/* one by one it would be two each */
	print_message("%u uploads, %u commits\n", (unsigned)TOGETHER, commits);
	assert_true(commits >= 1 && commits < TOGETHER);
	sqlite3_commit_hook(w.depot->sql.db, NULL, NULL);
	for (size_t i = 0; i < TOGETHER; i++) {
		const char *body = strstr((char *)got[i].data, "\r\n\r\n") + 4;

		memset(&a, 0, sizeof(a));
		world_take_reply(&w, (const uint8_t *)body,
		    got[i].len - (size_t)(body - (char *)got[i].data), &a);
		assert_int_equal(a.welcome.status, STATUS_OK);
		assert_true(heard_receipts(&a, &frames[i]));
		heard_reset(&a);
		bytes_reset(&frames[i]);
		bytes_reset(&got[i]);
		close(fds[i]);
		worker_close(&k[i]);
	}
	relay_http_close(server);
}

/* Somebody hangs up, or the server stops, while a reply waits for its commit. */
static void
a_server_that_stops_lets_go_of_what_waits(void **state)
{
	struct relay_http_config c = { .address = "127.0.0.1", .depot = w.depot, .clock = w.clock };
	struct relay_http *server;
	struct bytes request;
	struct worker k;
	int fds[2];

	(void)state;
	worker_join(&w, "24.1.1", ROLE_COMMUNICATOR, &k);
	assert_int_equal(relay_http_open(&c, &server, NULL), RC_OK);
	request = worker_request(&k, NULL, true);
	for (size_t i = 0; i < 2; i++)
		fds[i] = send_whole(relay_http_port(server), &request);
	close(fds[0]);
	for (size_t i = 0; i < 3; i++)
		relay_http_step(server, 0);
	relay_http_close(server);
	assert_int_equal(write_line(RC_OK), RC_OK);	/* no group was left open */
	close(fds[1]);
	bytes_reset(&request);
	worker_close(&k);
}

int
main(void)
{
#define TEST(f) cmocka_unit_test_prestate_setup_teardown(f, world_set_up, world_tear_down, &w)
	const struct CMUnitTest tests[] = {
		TEST(what_waits_is_on_no_disk_until_it_is_settled),
		TEST(a_piece_that_failed_is_undone_by_itself),
		TEST(a_group_that_is_not_held_takes_along_what_waits),
		TEST(what_waits_is_lost_with_the_process),
		TEST(an_upload_that_was_undone_is_confirmed_by_nobody),
		TEST(uploads_that_come_together_share_commits),
		TEST(a_server_that_stops_lets_go_of_what_waits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
