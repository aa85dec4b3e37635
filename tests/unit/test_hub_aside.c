#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>

#include "sync-server/authority.h"
#include "tests/support/province_hub.h"

/* What a person lets in above a hub (tests/support/province_hub.h). */

static uint64_t
received_at_hub(struct province_hub *h, struct workspace *ws)
{
	struct replica_sync_result r;
	struct error err = { 0 };

	assert_int_equal(workspace_sync(ws, h->url, &r, &err), RC_OK);
	return r.received_entries;
}

/* What waits at the province for a person is let in. */
static void
release_all(struct province_hub *h, size_t expected)
{
	struct authority_aside *aside = NULL;
	struct error err = { 0 };
	size_t n = 0;

	province_meet(&h->p);
	assert_int_equal(authority_aside(h->p.authority, &aside, &n, &err), RC_OK);
	assert_int_equal(n, expected);
	for (size_t i = 0; i < n; i++)
		assert_int_equal(authority_release_frame(h->p.authority, aside[i].frame, &err), RC_OK);
	free(aside);
	province_meet(&h->p);
}

static void
what_is_released_at_the_province_comes_to_who_speaks_with_the_hub_alone(void **state)
{
	struct province_hub *h = *state;
	struct workspace *a = province_device(&h->p, "06001", ROLE_CASEWORKER, "Hoàng Văn Pao");
	struct workspace *b = province_device(&h->p, "06001", ROLE_CASEWORKER, "Nông Thị Lan");
	struct replica_sync_result r;
	struct error err = { 0 };

	province_add(b, "outreach", PROVINCE_VISIT);
	province_sync(&h->p, b);
	province_meet(&h->p);
	province_hub_upstream(h);
	assert_int_equal(received_at_hub(h, a), 1);
	province_retire(&h->p, b);
	province_hub_upstream(h);
	/* late work, handed in where the province answers, and at the hub, which sets it aside as well */
	province_add(b, "outreach", PROVINCE_VISIT);
	assert_int_not_equal(workspace_sync(b, h->p.url, &r, &err), RC_OK);
	province_add(b, "outreach", PROVINCE_VISIT);
	assert_int_not_equal(workspace_sync(b, h->url, &r, &err), RC_OK);
	province_hub_upstream(h);
	assert_int_equal(received_at_hub(h, a), 0);
	release_all(h, 2);
	province_hub_upstream(h);
	assert_int_equal(received_at_hub(h, a), 2);
	workspace_close(a);
	workspace_close(b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
		    what_is_released_at_the_province_comes_to_who_speaks_with_the_hub_alone, province_hub_set_up,
		    province_hub_tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
