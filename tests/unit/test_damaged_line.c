#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>

#include "tests/support/cut_proxy.h"
#include "tests/support/province_hub.h"

/*
 * A bit turns on a line without TLS, where it makes a frame into something that is passed over: the
 * type of its item.  Whoever sent it must not count it as handed over, nor who asked as received.
 */

enum {
	BACK_UP = 3,		/* of a frame's first byte: type, and a length of two bytes */
	BACK_DOWN = 4		/* and a position of one */
};

struct line {
	struct province_hub h;
	struct cut_proxy *proxy;	/* before the province */
	struct workspace *a, *b;
	struct bytes frame;		/* of a */
};

static int
begin(void **state)
{
	struct line *l = calloc(1, sizeof(*l));

	assert_non_null(l);
	province_hub_start(&l->h);
	l->proxy = cut_proxy_open(l->h.p.url);
	l->a = province_device(&l->h.p, "06001", ROLE_CASEWORKER, "Hoàng Văn Pao");
	l->b = province_device(&l->h.p, "06001", ROLE_CASEWORKER, "Nông Thị Lan");
	province_sync(&l->h.p, l->b);
	(void)province_add(l->a, "person", PROVINCE_PERSON);
	province_sealed_frame(l->a, &l->frame);
	*state = l;
	return 0;
}

static int
end(void **state)
{
	struct line *l = *state;

	workspace_close(l->a);
	workspace_close(l->b);
	bytes_reset(&l->frame);
	cut_proxy_close(l->proxy);
	province_hub_end(&l->h);
	free(l);
	return 0;
}

static enum rc
sync_at(struct workspace *ws, const char *url)
{
	struct replica_sync_result r;
	struct error err = { 0 };

	return workspace_sync(ws, url, &r, &err);
}

static void
a_frame_that_turned_on_its_way_to_a_laptop_comes_with_the_next_sync(void **state)
{
	struct line *l = *state;

	province_sync(&l->h.p, l->a);
	cut_proxy_turn(l->proxy, CUT_PROXY_DOWN, l->frame.data, BACK_DOWN);
	assert_int_equal(sync_at(l->b, cut_proxy_url(l->proxy)), RC_PROTOCOL);
	assert_true(cut_proxy_has_turned(l->proxy));
	province_sync(&l->h.p, l->b);
	assert_int_equal(province_status(l->b).records, 1);
}

static void
a_frame_that_turned_on_its_way_to_a_hub_comes_with_the_next_sync(void **state)
{
	struct line *l = *state;
	struct relay_upstream_result n;

	province_sync(&l->h.p, l->a);
	cut_proxy_turn(l->proxy, CUT_PROXY_DOWN, l->frame.data, BACK_DOWN);
	assert_int_equal(province_hub_try_upstream(&l->h, cut_proxy_url(l->proxy), &n), RC_PROTOCOL);
	assert_true(cut_proxy_has_turned(l->proxy));
	province_hub_upstream(&l->h);
	assert_int_equal(sync_at(l->b, l->h.url), RC_OK);
	assert_int_equal(province_status(l->b).records, 1);
}

static void
a_frame_that_turned_on_its_way_from_a_hub_is_handed_on_again(void **state)
{
	struct line *l = *state;
	struct relay_upstream_result n;

	province_hub_upstream(&l->h);	/* else its first request would only be about lanes */
	assert_int_equal(sync_at(l->a, l->h.url), RC_OK);
	cut_proxy_turn(l->proxy, CUT_PROXY_UP, l->frame.data, BACK_UP);
	assert_int_equal(province_hub_try_upstream(&l->h, cut_proxy_url(l->proxy), &n), RC_OK);
	assert_true(cut_proxy_has_turned(l->proxy));
	province_sync(&l->h.p, l->b);
	assert_int_equal(province_status(l->b).records, 1);
	assert_int_equal(sync_at(l->a, l->h.url), RC_OK);
	assert_int_equal(province_status(l->a).unsent_entries, 0);
}

#define T(name) cmocka_unit_test_setup_teardown(name, begin, end)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(a_frame_that_turned_on_its_way_to_a_laptop_comes_with_the_next_sync),
		T(a_frame_that_turned_on_its_way_to_a_hub_comes_with_the_next_sync),
		T(a_frame_that_turned_on_its_way_from_a_hub_is_handed_on_again),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
