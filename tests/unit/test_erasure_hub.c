#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>

#include "shared/sync/frame.h"
#include "shared/vault/query.h"
#include "shared/vault/vault.h"
#include "sync-server/authority.h"
#include "sync-server/depot.h"
#include "sync-server/erasure.h"
#include "tests/support/province_hub.h"

/* A lawful erasure meets a hub: what it kept goes, and what passes it late brings nothing back. */

static const char *const person[] = {
	"full_name", "Đặng Thị Hòa", "sex", "F", "phone", "0912345678", "address_text", "thôn Nà Lầu", NULL
};

static const char *const erased[] = {
	"full_name", "Vestimenta", "sex", "F", "phone", "0987654321", NULL
};

static void
sync_at_hub(struct province_hub *h, struct workspace *ws)
{
	struct replica_sync_result r;
	struct error err = { 0 };
	enum rc rc = workspace_sync(ws, h->url, &r, &err);

	if (rc != RC_OK)
		fail_msg("%s: %s", rc_name(rc), err.what);
}

/* Do the words stand anywhere in the clear pages of the vault, free ones included? */
static bool
stands_in(struct workspace *ws, const char *words)
{
	size_t n = strlen(words);
	sqlite3_int64 len = 0;
	uint8_t *pages = sqlite3_serialize(vault_db(ws->vault), "main", &len, 0);
	bool found = false;

	assert_non_null(pages);
	for (size_t i = 0; i + n <= (size_t)len && !found; i++)
		found = memcmp(pages + i, words, n) == 0;
	sqlite3_free(pages);
	return found;
}

static bool
is_kept(struct depot *d, const uint8_t id[FRAME_ID_BYTES])
{
	struct depot_frame f;
	enum rc rc;

	assert_int_equal(depot_refresh(d), RC_OK);
	rc = depot_find_frame(d, id, &f);
	assert_true(rc == RC_OK || rc == RC_NOTFOUND);
	return rc == RC_OK;
}

static bool
has_frame(struct workspace *ws, const uint8_t id[FRAME_ID_BYTES])
{
	int64_t n;

	assert_int_equal(query_int(vault_db(ws->vault), NULL, &n, "SELECT count(*) FROM frame WHERE id = ?1",
	    "b", id, (size_t)FRAME_ID_BYTES), RC_OK);
	return n > 0;
}

static struct depot_counts
count(struct depot *d)
{
	struct depot_counts counts;

	assert_int_equal(depot_refresh(d), RC_OK);
	assert_int_equal(depot_count(d, &counts), RC_OK);
	return counts;
}

/* The whole entry is erased; the relay is told, and what it has is sealed again. */
static void
sign_order(struct province *p, struct dot id)
{
	struct erasure one = { .log = id.log, .n = id.n };
	struct error err = { 0 };

	assert_int_equal(authority_erase(p->authority, "Số 12/QĐ-TA", &one, 1, &err), RC_OK);
	province_meet(p);
}

static void
seal_again(struct province *p)
{
	struct error err = { 0 };
	size_t n;

	assert_int_equal(depot_refresh(p->depot), RC_OK);
	assert_int_equal(erasure_reseal(p->authority, p->depot, &n, &err), RC_OK);
	assert_true(n > 0);
	province_meet(p);
}

static void
what_a_hub_kept_of_an_erased_entry_goes_and_the_rest_stays(void **state)
{
	struct province_hub *h = *state;
	struct workspace *a = province_device(&h->p, "06001", ROLE_CASEWORKER, "Hoàng Văn Pao");
	struct workspace *b = province_device(&h->p, "06001", ROLE_CASEWORKER, "Nông Thị Lan");
	struct workspace *all[] = { a, b };
	struct dot id, other;
	struct bytes frame;
	uint8_t old[FRAME_ID_BYTES];
	char shown[200];

	bytes_init(&frame);
	id = province_add(a, "person", erased);
	province_sealed_frame(a, &frame);
	frame_id(frame.data, frame.len, old);
	other = province_add(b, "person", person);
	for (int i = 0; i < 2; i++) {
		sync_at_hub(h, a);
		sync_at_hub(h, b);
		province_hub_upstream(h);
	}
	province_meet(&h->p);
	assert_true(is_kept(h->own, old));
	sign_order(&h->p, id);
	/* the order comes before what is sealed again: it serves nothing of the old */
	province_hub_upstream(h);
	assert_int_equal(count(h->own).aside, 1);
	seal_again(&h->p);
	province_hub_upstream(h);
	for (size_t i = 0; i < 4; i++)
		sync_at_hub(h, all[i % 2]);
	assert_false(is_kept(h->own, old));
	assert_false(is_kept(h->p.depot, old));
	assert_int_equal(count(h->own).aside, 0);
	for (size_t i = 0; i < 2; i++) {
		assert_false(has_frame(all[i], old));
		assert_false(stands_in(all[i], "0987654321"));
		assert_false(stands_in(all[i], "vestimenta"));
		province_values(all[i], id, "phone", shown);
		assert_string_equal(shown, "");
		province_values(all[i], other, "phone", shown);
		assert_string_equal(shown, "0912345678");
	}
	assert_true(province_same_fold(a, b));
	bytes_reset(&frame);
	workspace_close(a);
	workspace_close(b);
}

/* Its author meets the hub alone, and comes there before it has heard of the order. */
static void
late_work_that_passes_a_hub_is_sealed_again(void **state)
{
	struct province_hub *h = *state;
	struct workspace *a = province_device(&h->p, "06001", ROLE_CASEWORKER, "Hoàng Văn Pao");
	struct workspace *b = province_device(&h->p, "06001", ROLE_CASEWORKER, "Nông Thị Lan");
	struct workspace *all[] = { a, b };
	struct dot id, late;
	struct bytes frame;
	uint8_t stale[FRAME_ID_BYTES];
	char shown[200];

	bytes_init(&frame);
	id = province_add(a, "person", erased);
	sync_at_hub(h, a);
	province_hub_upstream(h);
	province_sync(&h->p, b);
	province_meet(&h->p);
	late = province_add(a, "person", person);	/* in the same log */
	province_sealed_frame(a, &frame);
	frame_id(frame.data, frame.len, stale);
	sign_order(&h->p, id);
	seal_again(&h->p);
	province_hub_upstream(h);
	sync_at_hub(h, a);
	/* set aside at both, and named no more */
	province_hub_upstream(h);
	assert_int_equal(province_hub_upstream(h).requests, 1);
	province_sync(&h->p, b);
	assert_false(has_frame(b, stale));
	assert_true(is_kept(h->p.depot, stale));
	seal_again(&h->p);
	for (size_t i = 0; i < 4; i++) {
		province_hub_upstream(h);
		sync_at_hub(h, all[i % 2]);
	}
	assert_false(is_kept(h->own, stale));
	assert_false(is_kept(h->p.depot, stale));
	assert_int_equal(count(h->own).aside, 0);
	assert_int_equal(count(h->p.depot).aside, 0);
	for (size_t i = 0; i < 2; i++) {
		assert_false(has_frame(all[i], stale));
		assert_false(stands_in(all[i], "0987654321"));
		province_values(all[i], id, "phone", shown);
		assert_string_equal(shown, "");
		assert_int_equal(province_values(all[i], late, "phone", shown), 1);
		assert_string_equal(shown, "0912345678");
	}
	assert_true(province_same_fold(a, b));
	assert_int_equal(province_status(a).unsent_entries, 0);
	bytes_reset(&frame);
	workspace_close(a);
	workspace_close(b);
}

#define T(name) cmocka_unit_test_setup_teardown(name, province_hub_set_up,\
    province_hub_tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(what_a_hub_kept_of_an_erased_entry_goes_and_the_rest_stays),
		T(late_work_that_passes_a_hub_is_sealed_again),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
