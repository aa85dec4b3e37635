#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "shared/base/clock.h"
#include "shared/sync/replica.h"
#include "tests/support/cut_proxy.h"
#include "tests/support/province.h"
#include "tests/support/slow_link.h"

/* Bad links: slow, lossy, cut; and what a sync does between two tries. */

/* A line in the link's time that remembers what it was asked and shown. */
struct line {
	struct replica_line terms;
	int64_t waited[64];
	size_t n_waits;
	size_t n_shown;
	struct replica_progress last;
	uint64_t most_left;
	void (*mend)(struct line *line);	/* while it waits */
	void *ctx;
};

static bool
wait_for(void *ctx, int64_t ms)
{
	struct line *line = ctx;

	assert_true(line->n_waits < sizeof(line->waited) / sizeof(line->waited[0]));
	line->waited[line->n_waits++] = ms;
	if (line->mend != NULL)
		line->mend(line);
	clock_pause_ms(ms / SLOW_LINK_SCALE);
	return true;
}

static void
show(void *ctx, const struct replica_progress *p)
{
	struct line *line = ctx;

	line->n_shown++;
	line->last = *p;
	line->most_left = p->entries_left > line->most_left ? p->entries_left : line->most_left;
}

static void
line_start(struct line *line)
{
	memset(line, 0, sizeof(*line));
	line->terms = (struct replica_line){ .now = slow_link_now, .wait = wait_for,
		.progress = show, .ctx = line };
}

static void
work_a_day(struct workspace *ws, unsigned forms)
{
	char note[256], village[40];
	size_t len;

	for (unsigned i = 0; i < forms; i++) {
		const char *pairs[] = { "date", "2026-01-20", "commune_code", "06001", "kind",
			"HOUSEHOLD", "village", village, "persons_m", "3", "persons_f", "5",
			"topics", "TRICKS", "note", note, NULL };

		snprintf(village, sizeof(village), "thôn số %u", i % 17);
		/* words that no dictionary shortens much */
		len = (size_t)snprintf(note, sizeof(note), "Lần %u:", i);
		while (len < 200)
			len += (size_t)snprintf(note + len, sizeof(note) - len, " %x", (unsigned)rand());
		province_add(ws, "outreach", pairs);
	}
}

static void
sync_over(struct workspace *ws, const char *url, struct line *line, struct replica_sync_result *r)
{
	struct error err = { 0 };

	if (workspace_sync_on(ws, url, false, &line->terms, r, &err) != RC_OK)
		fail_msg("%s: %s", err.what, err.help);
}

static void
a_days_work_passes_a_link_of_20_kbit_that_loses_and_cuts(void **state)
{
	enum { FORMS = 500 };
	const struct slow_link_terms terms = { .bits_per_second = 20000, .delay_ms = 500,
		.loss_per_mille = 50, .cut_per_mille = 25, .seed = 7 };
	struct province p;
	struct workspace *a, *b;
	struct replica_sync_result r;
	struct slow_link_counts counts;
	struct slow_link *link;
	struct line line;
	uint8_t x[32], y[32];

	(void)state;
	province_start(&p);
	a = province_device(&p, "06001", ROLE_CASEWORKER, "Hoàng Văn Pao");
	b = province_device(&p, "06001", ROLE_CASEWORKER, "Nông Thị Lan");
	link = slow_link_open(p.url, &terms);
	srand(3);
	work_a_day(b, 100);
	province_sync(&p, b);
	work_a_day(a, FORMS);
	line_start(&line);
	sync_over(a, slow_link_url(link), &line, &r);
	slow_link_counts(link, &counts);
	print_message("%d forms up and 100 down: %.0f s of the link's time, %llu bytes up, %llu down,"
	    " %llu of %llu segments lost, %llu cuts, %u rounds again\n", FORMS,
	    (double)r.milliseconds / 1000, (unsigned long long)counts.bytes[0],
	    (unsigned long long)counts.bytes[1], (unsigned long long)counts.lost,
	    (unsigned long long)counts.segments, (unsigned long long)counts.cuts, r.failures);
	assert_true(counts.cuts > 0 && counts.lost > 0);
	assert_int_equal(r.failures, line.n_waits);
	assert_true(r.milliseconds < 15 * 60000);
	assert_int_equal(province_count(a, "SELECT count(*) FROM frame WHERE state = 1"), 0);
	assert_int_equal(r.sent_entries >= FORMS, 1);
	/* frames of this link: small ones */
	assert_true(province_count(a, "SELECT max(length(bytes)) FROM frame") < 20 << 10);
	assert_int_equal(line.most_left, FORMS);
	assert_int_equal(line.last.wait_ms, 0);
	province_sync(&p, b);
	province_digest(a, x);
	province_digest(b, y);
	assert_memory_equal(x, y, sizeof(x));
	slow_link_close(link);
	workspace_close(a);
	workspace_close(b);
	province_end(&p);
}

/* ---- tries ---- */

struct cut {
	struct province p;
	struct cut_proxy *proxy;
	struct workspace *ws;
	struct line line;
};

static int
begin(void **state)
{
	struct cut *c = calloc(1, sizeof(*c));

	assert_non_null(c);
	province_start(&c->p);
	c->proxy = cut_proxy_open(c->p.url);
	c->ws = province_device(&c->p, "06001", ROLE_CASEWORKER, "Hoàng Văn Pao");
	line_start(&c->line);
	c->line.ctx = c;
	*state = c;
	return 0;
}

static int
end(void **state)
{
	struct cut *c = *state;

	workspace_close(c->ws);
	cut_proxy_close(c->proxy);
	province_end(&c->p);
	free(c);
	return 0;
}

static void
mend_at_the_third(struct line *line)
{
	struct cut *c = line->ctx;

	if (line->n_waits == 3)
		cut_proxy_allow(c->proxy, CUT_PROXY_WHOLE, CUT_PROXY_WHOLE);
}

static void
a_round_that_failed_is_tried_again_later_and_later(void **state)
{
	struct cut *c = *state;
	struct replica_sync_result r;

	province_sync(&c->p, c->ws);
	work_a_day(c->ws, 3);
	c->line.mend = mend_at_the_third;
	cut_proxy_allow(c->proxy, 300, CUT_PROXY_WHOLE);
	sync_over(c->ws, cut_proxy_url(c->proxy), &c->line, &r);
	assert_int_equal(c->line.n_waits, 3);
	assert_int_equal(c->line.waited[0], REPLICA_WAIT_MIN_MS);
	assert_int_equal(c->line.waited[1], 2 * REPLICA_WAIT_MIN_MS);
	assert_int_equal(c->line.waited[2], 4 * REPLICA_WAIT_MIN_MS);
	assert_int_equal(r.failures, 3);
	assert_int_equal(r.sent_entries, 3);
	assert_int_equal(province_count(c->ws, "SELECT count(*) FROM frame WHERE state = 1"), 0);
}

static void
a_link_that_stays_broken_is_given_up(void **state)
{
	struct cut *c = *state;
	struct replica_sync_result r;
	struct error err = { 0 };
	int64_t all = 0;

	province_sync(&c->p, c->ws);
	work_a_day(c->ws, 3);
	cut_proxy_allow(c->proxy, 300, CUT_PROXY_WHOLE);
	assert_int_equal(workspace_sync_on(c->ws, cut_proxy_url(c->proxy), false, &c->line.terms, &r,
	    &err), RC_NET);
	assert_string_not_equal(err.what, "");
	assert_int_equal(c->line.n_waits, REPLICA_FAILURES_MAX);
	for (size_t i = 0; i < c->line.n_waits; i++) {
		assert_true(c->line.waited[i] <= REPLICA_WAIT_MAX_MS);
		all += c->line.waited[i];
	}
	assert_true(all < 5 * 60000);
	assert_int_equal(c->line.last.entries_left, 3);
	assert_int_equal(c->line.last.failures, REPLICA_FAILURES_MAX);
	/* nothing was lost by it */
	province_sync(&c->p, c->ws);
	assert_int_equal(province_count(c->ws, "SELECT count(*) FROM frame WHERE state = 1"), 0);
}

/* A good link yesterday: what is sealed for a bad one today must pass it. */
static void
seals_a_small_frame_first_whatever_the_link_was(void **state)
{
	struct cut *c = *state;
	struct replica_sync_result r;
	struct error err = { 0 };

	work_a_day(c->ws, 100);
	province_sync(&c->p, c->ws);
	work_a_day(c->ws, 400);
	c->line.terms.tries = 1;
	cut_proxy_allow(c->proxy, 300, CUT_PROXY_WHOLE);
	assert_int_equal(workspace_sync_on(c->ws, cut_proxy_url(c->proxy), false, &c->line.terms, &r,
	    &err), RC_NET);
	assert_int_equal(province_count(c->ws, "SELECT count(*) FROM frame WHERE state = 1"), 1);
	/* 16, a quarter over, padding */
	assert_true(province_count(c->ws,
	    "SELECT max(length(bytes)) FROM frame WHERE state = 1") <= 24 << 10);
	/* on one that carries it, the rest goes in one piece */
	cut_proxy_allow(c->proxy, CUT_PROXY_WHOLE, CUT_PROXY_WHOLE);
	assert_int_equal(workspace_sync_on(c->ws, cut_proxy_url(c->proxy), false, &c->line.terms, &r,
	    &err), RC_OK);
	assert_int_equal(province_count(c->ws, "SELECT count(*) FROM frame WHERE state = 1"), 0);
}

static void
tries_as_often_as_it_is_told(void **state)
{
	struct cut *c = *state;
	struct replica_sync_result r;
	struct error err = { 0 };

	for (unsigned tries = 1; tries <= 3; tries++) {
		c->line.n_waits = 0;
		c->line.terms.tries = tries;
		cut_proxy_allow(c->proxy, 300, CUT_PROXY_WHOLE);
		assert_int_equal(workspace_sync_on(c->ws, cut_proxy_url(c->proxy), false,
		    &c->line.terms, &r, &err), RC_NET);
		assert_int_equal(c->line.n_waits, tries - 1);
	}
}

static void
who_is_not_there_at_all_is_not_waited_for(void **state)
{
	struct cut *c = *state;
	struct replica_sync_result r;
	struct error err = { 0 };

	province_stop_relay(&c->p);
	assert_int_equal(workspace_sync_on(c->ws, c->p.url, false, &c->line.terms, &r, &err), RC_NET);
	assert_int_equal(c->line.n_waits, 0);
	province_serve(&c->p);
}

static void
speaks_the_language_of_its_user(void **state)
{
	struct cut *c = *state;
	struct replica_sync_result r;
	struct error err = { 0 };

	province_stop_relay(&c->p);
	c->line.terms.vietnamese = true;
	assert_int_equal(workspace_sync_on(c->ws, c->p.url, false, &c->line.terms, &r, &err), RC_NET);
	assert_non_null(strstr(err.what, "không có máy chủ đồng bộ nào ở đó"));
	province_serve(&c->p);
}

#define T(name) cmocka_unit_test_setup_teardown(name, begin, end)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_days_work_passes_a_link_of_20_kbit_that_loses_and_cuts),
		T(a_round_that_failed_is_tried_again_later_and_later),
		T(a_link_that_stays_broken_is_given_up),
		T(seals_a_small_frame_first_whatever_the_link_was),
		T(tries_as_often_as_it_is_told),
		T(who_is_not_there_at_all_is_not_waited_for),
		T(speaks_the_language_of_its_user),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
