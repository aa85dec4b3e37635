#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <dirent.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "shared/sync/exchange.h"
#include "shared/sync/replica.h"
#include "shared/vault/query.h"
#include "shared/vault/vault.h"
#include "sync-server/depot.h"
#include "tests/support/cut_proxy.h"
#include "tests/support/province.h"

/*
 * A link that breaks at any byte and a process that dies at any moment.
 * CUT_EVERY=1 tries every byte; without it a stride keeps the test short.  CUT_FROM is the first
 * byte: with CUT_EVERY=4 and 0, 1, 2, 3 there, four processes share the bytes (make cuts).
 */
struct link {
	struct province p;
	struct cut_proxy *proxy;
};

static int
begin(void **state)
{
	struct link *l = calloc(1, sizeof(*l));

	assert_non_null(l);
	province_start(&l->p);
	l->proxy = cut_proxy_open(l->p.url);
	*state = l;
	return 0;
}

static int
end(void **state)
{
	struct link *l = *state;

	cut_proxy_close(l->proxy);
	province_end(&l->p);
	free(l);
	return 0;
}

static uint64_t
stride_of(uint64_t total, uint64_t steps)
{
	const char *every = getenv("CUT_EVERY");
	uint64_t n = every != NULL ? strtoull(every, NULL, 10) : total / steps;

	return n > 0 ? n : 1;
}

static uint64_t
first_cut(void)
{
	const char *from = getenv("CUT_FROM");

	return from != NULL ? strtoull(from, NULL, 10) : 0;
}

static void
copy_file(const char *from, const char *to)
{
	enum { PIECE = 64 << 10 };
	static uint8_t piece[PIECE];
	FILE *in = fopen(from, "rb"), *out = fopen(to, "wb");
	size_t n;

	assert_non_null(in);
	assert_non_null(out);
	while ((n = fread(piece, 1, sizeof(piece), in)) > 0)
		assert_int_equal(fwrite(piece, 1, n, out), n);
	assert_int_equal(ferror(in), 0);
	fclose(in);
	assert_int_equal(fclose(out), 0);
}

/* What stands in a folder: removed, or copied to another. */
static void
each_file(const char *dir, const char *to)
{
	DIR *d = opendir(dir);
	struct dirent *e;
	char path[700], copy[700];

	assert_non_null(d);
	while ((e = readdir(d)) != NULL) {
		if (e->d_name[0] == '.')
			continue;
		snprintf(path, sizeof(path), "%s/%s", dir, e->d_name);
		snprintf(copy, sizeof(copy), "%s/%s", to != NULL ? to : dir, e->d_name);
		if (to == NULL)
			assert_int_equal(unlink(path), 0);
		else
			copy_file(path, copy);
	}
	closedir(d);
}

static void
copy_dir(const char *from, const char *to)
{
	if (mkdir(to, 0700) != 0)
		each_file(to, NULL);
	each_file(from, to);
}

static enum rc
sync_over(struct link *l, struct workspace *ws, struct replica_sync_result *out)
{
	struct error err = { 0 };

	return workspace_sync(ws, cut_proxy_url(l->proxy), out, &err);
}

/* The device's next hello may carry the nonce that the vault's copy has. */
static void
forget_nonce(struct link *l, const uint8_t device[16])
{
	uint8_t none[16] = { 0 };

	assert_int_equal(depot_begin(l->p.depot), RC_OK);
	assert_int_equal(depot_end(l->p.depot, depot_set_nonce(l->p.depot, device, none, l->p.now, 0,
	    0)), RC_OK);
}

static void
a_reply_cut_at_any_byte_is_taken_up_again(void **state)
{
	struct link *l = *state;
	struct workspace *a = province_device(&l->p, "06001", ROLE_CASEWORKER, "Hoàng Văn Pao");
	struct workspace *b = province_device(&l->p, "06001", ROLE_CASEWORKER, "Nông Thị Lan");
	struct replica_sync_result r;
	struct dot who = province_add(a, "person", PROVINCE_PERSON);
	char dir[300], copy[340];
	uint8_t device[16], want[32], got[32];
	uint64_t up, total, step;

	province_add(a, "outreach", PROVINCE_VISIT);
	province_sync(&l->p, a);
	province_edit(a, who, NULL, "phone", "0988111222");
	province_sync(&l->p, a);
	province_digest(a, want);
	workspace_close(a);
	province_add(b, "outreach", PROVINCE_VISIT);
	memcpy(device, replica_device(b->replica), sizeof(device));
	workspace_close(b);
	province_device_dir(&l->p, 1, dir);
	snprintf(copy, sizeof(copy), "%s-copy", dir);
	/* a whole one first: how long is the reply, and what is the end state? */
	copy_dir(dir, copy);
	b = province_open(&l->p, copy);
	cut_proxy_allow(l->proxy, CUT_PROXY_WHOLE, CUT_PROXY_WHOLE);
	assert_int_equal(sync_over(l, b, &r), RC_OK);
	cut_proxy_counts(l->proxy, &up, &total);
	province_digest(b, want);
	workspace_close(b);
	step = stride_of(total, 40);
	for (uint64_t cut = first_cut(); cut < total; cut += step) {
		copy_dir(dir, copy);
		forget_nonce(l, device);
		b = province_open(&l->p, copy);
		cut_proxy_allow(l->proxy, CUT_PROXY_WHOLE, cut);
		if (sync_over(l, b, &r) == RC_OK)
			fail_msg("cut after %llu of %llu bytes was not noticed",
			    (unsigned long long)cut, (unsigned long long)total);
		workspace_close(b);	/* the process ends there */
		b = province_open(&l->p, copy);
		cut_proxy_allow(l->proxy, CUT_PROXY_WHOLE, CUT_PROXY_WHOLE);
		assert_int_equal(sync_over(l, b, &r), RC_OK);
		province_digest(b, got);
		if (memcmp(want, got, sizeof(got)) != 0 || r.waiting != 0 || r.quarantined != 0 ||
		    province_count(b, "SELECT count(*) FROM frame WHERE state = 1") != 0)
			fail_msg("after a cut behind %llu bytes the state differs",
			    (unsigned long long)cut);
		workspace_close(b);
	}
}

static void
an_upload_cut_at_any_byte_is_sent_again(void **state)
{
	struct link *l = *state;
	struct workspace *a = province_device(&l->p, "06001", ROLE_CASEWORKER, "Hoàng Văn Pao");
	struct workspace *b = province_device(&l->p, "06001", ROLE_CASEWORKER, "Nông Thị Lan");
	struct replica_sync_result r;
	char dir[300], copy[340];
	uint8_t device[16], want[32], got[32];
	uint64_t total, down, step;
	struct error err = { 0 };

	province_add(a, "person", PROVINCE_PERSON);
	province_add(a, "outreach", PROVINCE_VISIT);
	assert_int_equal(replica_seal(a->replica, 4096, 0, &err), RC_OK);
	province_digest(a, want);
	memcpy(device, replica_device(a->replica), sizeof(device));
	workspace_close(a);
	province_device_dir(&l->p, 0, dir);
	snprintf(copy, sizeof(copy), "%s-copy", dir);
	/* whole ones first: how long is it?  The second is of a device that the relay knows */
	for (int i = 0; i < 2; i++) {
		copy_dir(dir, copy);
		forget_nonce(l, device);
		a = province_open(&l->p, copy);
		cut_proxy_allow(l->proxy, CUT_PROXY_WHOLE, CUT_PROXY_WHOLE);
		assert_int_equal(sync_over(l, a, &r), RC_OK);
		cut_proxy_counts(l->proxy, &total, &down);
		workspace_close(a);
	}
	step = stride_of(total, 40);
	for (uint64_t cut = first_cut(); cut < total; cut += step) {
		copy_dir(dir, copy);
		forget_nonce(l, device);
		a = province_open(&l->p, copy);
		cut_proxy_allow(l->proxy, cut, CUT_PROXY_WHOLE);
		assert_int_not_equal(sync_over(l, a, &r), RC_OK);
		workspace_close(a);
		a = province_open(&l->p, copy);
		cut_proxy_allow(l->proxy, CUT_PROXY_WHOLE, CUT_PROXY_WHOLE);
		assert_int_equal(sync_over(l, a, &r), RC_OK);
		assert_int_equal(province_count(a,
		    "SELECT count(*) FROM frame WHERE state = 1"), 0);
		assert_int_equal(r.receipt_level, 1);
		workspace_close(a);
	}
	/* however often they came, they are served once */
	assert_int_equal(province_sync(&l->p, b).received_frames, 2);
	province_digest(b, got);
	assert_memory_equal(want, got, sizeof(got));
	workspace_close(b);
}

static void
what_came_whole_before_a_cut_is_not_sent_again(void **state)
{
	enum { VISITS = 400 };
	struct link *l = *state;
	struct workspace *a = province_device(&l->p, "06001", ROLE_CASEWORKER, "Hoàng Văn Pao");
	struct replica_sync_result r;
	uint64_t up, down, frames, bytes;
	struct error err = { 0 };
	char note[64];

	province_sync(&l->p, a);
	for (int i = 0; i < VISITS; i++) {
		const char *pairs[] = { "date", "2026-01-20", "commune_code", "06001", "kind",
			"HOUSEHOLD", "village", "thôn Bản Chu", "persons_m", "3", "persons_f", "5",
			"topics", "TRICKS", "note", note, NULL };

		snprintf(note, sizeof(note), "Lần %d, %08x%08x", i, (unsigned)rand(), (unsigned)rand());
		province_add(a, "outreach", pairs);
	}
	assert_int_equal(replica_seal(a->replica, 1024, 0, &err), RC_OK);
	frames = province_count(a, "SELECT count(*) FROM frame WHERE state = 1");
	bytes = province_count(a, "SELECT sum(length(bytes)) FROM frame WHERE state = 1");
	assert_true(frames >= 8);
	cut_proxy_allow(l->proxy, bytes * 3 / 4, CUT_PROXY_WHOLE);
	assert_int_not_equal(sync_over(l, a, &r), RC_OK);
	cut_proxy_allow(l->proxy, CUT_PROXY_WHOLE, CUT_PROXY_WHOLE);
	assert_int_equal(sync_over(l, a, &r), RC_OK);
	cut_proxy_counts(l->proxy, &up, &down);
	assert_int_equal(province_count(a, "SELECT count(*) FROM frame WHERE state = 1"), 0);
	/* a quarter, the frame that was cut, and a few heads */
	assert_true(up < bytes / 4 + 2 * (bytes / frames) + 4096);
	workspace_close(a);
}

/* Three frames of one visit each, sealed and not sent; the largest. */
static uint64_t
three_frames(struct workspace *ws)
{
	struct error err = { 0 };

	for (int i = 0; i < 3; i++) {
		province_add(ws, "outreach", PROVINCE_VISIT);
		assert_int_equal(replica_seal(ws->replica, 4096, 0, &err), RC_OK);
	}
	return province_count(ws, "SELECT max(length(bytes)) FROM frame");
}

enum {
	ASK_BYTES = 1000,	/* two requests that only ask (the nonce has turned), with their heads */
	SLACK = 16		/* positions and lengths grow by a byte now and then */
};

/* One sync over the link as it is; bytes that went. */
static enum rc
go(struct link *l, struct workspace *ws, uint64_t allow_up, uint64_t allow_down, uint64_t *up,
    uint64_t *down)
{
	struct replica_sync_result r;
	enum rc rc;

	cut_proxy_allow(l->proxy, allow_up, allow_down);
	rc = sync_over(l, ws, &r);
	cut_proxy_counts(l->proxy, up, down);
	return rc;
}

/*
 * Cut on the way up (way 0) or on the way down (1), behind every byte: what goes twice is at most
 * the frame that was cut; and a reply that is lost costs none.
 */
static void
cut_an_upload(struct link *l, int way)
{
	struct workspace *a = province_device(&l->p, "06001", ROLE_CASEWORKER, "Hoàng Văn Pao");
	uint64_t up, down, whole, reply, up2, down2, largest, n, worst = 0;

	assert_int_equal(go(l, a, CUT_PROXY_WHOLE, CUT_PROXY_WHOLE, &up, &down), RC_OK);
	largest = three_frames(a);
	assert_int_equal(go(l, a, CUT_PROXY_WHOLE, CUT_PROXY_WHOLE, &whole, &reply), RC_OK);
	n = way == 0 ? whole : reply;
	for (uint64_t cut = first_cut(); cut + SLACK < n; cut += stride_of(n, 24)) {
		three_frames(a);
		assert_int_not_equal(go(l, a, way == 0 ? cut : CUT_PROXY_WHOLE,
		    way == 1 ? cut : CUT_PROXY_WHOLE, &up, &down), RC_OK);
		assert_int_equal(go(l, a, CUT_PROXY_WHOLE, CUT_PROXY_WHOLE, &up2, &down2), RC_OK);
		assert_int_equal(province_count(a,
		    "SELECT count(*) FROM frame WHERE state = 1"), 0);
		worst = up + up2 > worst ? up + up2 : worst;
		if (up + up2 > whole + (way == 0 ? largest : 0) + ASK_BYTES)
			fail_msg("cut behind %llu bytes: %llu went up instead of %llu",
			    (unsigned long long)cut, (unsigned long long)(up + up2), (unsigned long long)whole);
	}
	print_message("%llu bytes up, at worst %llu with a cut on the way %s\n", (unsigned long long)whole,
	    (unsigned long long)worst, way == 0 ? "up" : "down");
	workspace_close(a);
}

static void
an_upload_that_is_cut_costs_at_most_one_frame(void **state)
{
	cut_an_upload(*state, 0);
}

static void
a_reply_that_is_lost_costs_no_frame(void **state)
{
	cut_an_upload(*state, 1);
}

static void
a_download_that_is_cut_costs_at_most_one_frame(void **state)
{
	struct link *l = *state;
	struct workspace *a = province_device(&l->p, "06001", ROLE_CASEWORKER, "Hoàng Văn Pao");
	struct workspace *b = province_device(&l->p, "06001", ROLE_CASEWORKER, "Nông Thị Lan");
	uint64_t up, down, whole, down2, largest, worst = 0;

	largest = three_frames(a);
	province_sync(&l->p, a);
	assert_int_equal(go(l, b, CUT_PROXY_WHOLE, CUT_PROXY_WHOLE, &up, &down), RC_OK);
	three_frames(a);
	province_sync(&l->p, a);
	assert_int_equal(go(l, b, CUT_PROXY_WHOLE, CUT_PROXY_WHOLE, &up, &whole), RC_OK);
	for (uint64_t cut = first_cut(); cut + SLACK < whole; cut += stride_of(whole, 24)) {
		three_frames(a);
		province_sync(&l->p, a);
		assert_int_not_equal(go(l, b, CUT_PROXY_WHOLE, cut, &up, &down), RC_OK);
		assert_int_equal(go(l, b, CUT_PROXY_WHOLE, CUT_PROXY_WHOLE, &up, &down2), RC_OK);
		worst = down + down2 > worst ? down + down2 : worst;
		if (down + down2 > whole + largest + ASK_BYTES)
			fail_msg("cut behind %llu bytes: %llu came down instead of %llu",
			    (unsigned long long)cut, (unsigned long long)(down + down2), (unsigned long long)whole);
	}
	print_message("%llu bytes down, at worst %llu with a cut\n", (unsigned long long)whole,
	    (unsigned long long)worst);
	workspace_close(a);
	workspace_close(b);
}

/* A child saves and syncs until it is killed; it says what was acknowledged. */
static void
work_until_killed(struct link *l, const char *dir, int out)
{
	struct workspace *ws = province_open(&l->p, dir);
	struct replica_sync_result r;
	struct error err = { 0 };

	for (;;) {
		struct dot id = province_add(ws, "outreach", PROVINCE_VISIT);

		if (write(out, &id, sizeof(id)) != sizeof(id))
			_exit(1);
		error_clear(&err);
		if (workspace_sync(ws, l->p.url, &r, &err) != RC_OK)
			_exit(1);
	}
}

static void
a_process_killed_at_any_moment_loses_nothing_it_acknowledged(void **state)
{
	enum { ROUNDS = 25, SAVES_MAX = 20000 };
	struct link *l = *state;
	struct workspace *a = province_device(&l->p, "06001", ROLE_CASEWORKER, "Hoàng Văn Pao");
	struct workspace *b = province_device(&l->p, "06001", ROLE_CASEWORKER, "Nông Thị Lan");
	static struct dot saved[SAVES_MAX];
	size_t n = 0;
	char dir[300];
	uint8_t x[32], y[32];
	int64_t there;
	int pipes[2];
	pid_t child;

	workspace_close(a);
	province_device_dir(&l->p, 0, dir);
	srand(7);
	for (int round = 0; round < ROUNDS; round++) {
		struct timespec wait = { 0, (20 + rand() % 150) * 1000000L + rand() % 1000000 };

		assert_int_equal(pipe(pipes), 0);
		assert_true((child = fork()) >= 0);
		if (child == 0) {
			close(pipes[0]);
			work_until_killed(l, dir, pipes[1]);
		}
		close(pipes[1]);
		nanosleep(&wait, NULL);
		kill(child, SIGKILL);
		while (n < SAVES_MAX && read(pipes[0], &saved[n], sizeof(saved[n])) ==
		    sizeof(saved[n]))
			n++;
		close(pipes[0]);
		assert_int_equal(waitpid(child, NULL, 0), child);
	}
	a = province_open(&l->p, dir);
	for (size_t i = 0; i < n; i++)
		assert_int_equal(query_int(vault_db(a->vault), NULL, &there, "SELECT count(*) FROM"
		    " record JOIN form_outreach ON form_outreach.id = record.id WHERE log = ?1 AND n = ?2",
		    "ii", (int64_t)saved[i].log, (int64_t)saved[i].n), RC_OK);
	province_sync(&l->p, a);
	province_sync(&l->p, b);
	assert_true(n > 0);
	for (size_t i = 0; i < n; i++) {
		assert_int_equal(query_int(vault_db(b->vault), NULL, &there, "SELECT count(*) FROM"
		    " entry WHERE log = ?1 AND n = ?2", "ii", (int64_t)saved[i].log,
		    (int64_t)saved[i].n), RC_OK);
		assert_int_equal(there, 1);
	}
	province_digest(a, x);
	province_digest(b, y);
	assert_memory_equal(x, y, sizeof(x));
	workspace_close(a);
	workspace_close(b);
}

#define T(name) cmocka_unit_test_setup_teardown(name, begin, end)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(a_reply_cut_at_any_byte_is_taken_up_again),
		T(an_upload_cut_at_any_byte_is_sent_again),
		T(what_came_whole_before_a_cut_is_not_sent_again),
		T(an_upload_that_is_cut_costs_at_most_one_frame),
		T(a_reply_that_is_lost_costs_no_frame),
		T(a_download_that_is_cut_costs_at_most_one_frame),
		T(a_process_killed_at_any_moment_loses_nothing_it_acknowledged),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
