#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "shared/records/left_out.h"
#include "shared/sync/exchange.h"
#include "shared/sync/replica.h"
#include "shared/vault/vault.h"
#include "sync-server/authority.h"
#include "sync-server/depot.h"
#include "tests/support/province_stick.h"

/* A device that is retired: what it still had, what it may still open, and who lets its last work count. */

static bool
may_wipe(struct workspace *ws)
{
	struct error err = { 0 };
	bool may;

	assert_int_equal(replica_may_wipe(ws->replica, &may, &err), RC_OK);
	return may;
}

static enum rc
release_all(struct workspace *ws, const uint8_t *device, size_t *released)
{
	struct record_context c = workspace_records(ws, FORM_VI);
	struct error err = { 0 };
	enum rc rc;

	assert_int_equal(workspace_begin(ws, &err), RC_OK);
	rc = left_out_release(&c, device, NULL, released, &err);
	return workspace_end(ws, rc, &err);
}

static void
its_last_work_is_kept_aside_and_counts_once_when_released(void **state)
{
	struct province *p = *state;
	struct workspace *a = province_device(p, "06001", ROLE_CASEWORKER, "Hoàng Văn Pao");
	struct workspace *b = province_device(p, "06001", ROLE_CASEWORKER, "Nông Thị Lan");
	struct workspace *boss = province_device(p, "20", ROLE_SUPERVISOR, "Trần Văn Hải");
	struct workspace *second = province_device(p, "20", ROLE_SUPERVISOR, "Lý A Sáng");
	struct authority_device *devices;
	struct authority_aside *aside;
	struct replica_sync_result r;
	struct error err = { 0 };
	struct dot early;
	char shown[200];
	size_t n;

	early = province_add(a, "outreach", PROVINCE_VISIT);
	province_sync(p, a);
	province_sync(p, b);
	province_meet(p);
	/* what the authority was told of it, where the relay is elsewhere */
	assert_int_equal(authority_devices(p->authority, &devices, &n, &err), RC_OK);
	for (size_t i = 0; i < n; i++)
		assert_int_equal(devices[i].entries,
		    memcmp(devices[i].id, replica_device(a->replica), 16) == 0 ? 1 : 0);
	free(devices);
	province_add(a, "outreach", PROVINCE_VISIT);
	province_edit(a, early, NULL, "note", "Sửa sau khi máy bị báo mất.");
	assert_false(may_wipe(a));
	province_retire(p, a);
	assert_int_equal(province_try_sync(p, a, &r, &err), RC_DENIED);
	assert_true(r.may_wipe);
	assert_true(may_wipe(a));
	province_sync(p, boss);
	assert_int_equal(province_status(boss).records, 1);

	/* the province lets the frame pass: it is there for a supervisor to read, and counts not yet */
	province_meet(p);
	assert_int_equal(authority_aside(p->authority, &aside, &n, &err), RC_OK);
	assert_int_equal(n, 1);
	assert_int_equal(authority_release_frame(p->authority, aside[0].frame, &err), RC_OK);
	free(aside);
	province_meet(p);
	province_sync(p, boss);
	province_sync(p, second);
	province_sync(p, b);
	assert_int_equal(province_status(boss).records, 1);
	assert_int_equal(province_status(boss).left_out, 2);
	assert_int_equal(province_status(b).left_out, 2);

	/* two supervisors release it, neither knowing of the other */
	assert_int_equal(release_all(boss, replica_device(a->replica), &n), RC_OK);
	assert_int_equal(n, 2);
	assert_int_equal(release_all(boss, replica_device(a->replica), &n), RC_NOTFOUND);
	assert_int_equal(release_all(second, replica_device(a->replica), &n), RC_OK);
	province_sync(p, boss);
	province_sync(p, second);
	province_sync(p, boss);
	province_sync(p, b);
	assert_int_equal(province_status(b).records, 2);
	assert_int_equal(province_status(b).left_out, 0);
	assert_int_equal(province_values(b, early, "note", shown), 1);
	assert_string_equal(shown, "Sửa sau khi máy bị báo mất.");
	assert_true(province_same_fold(b, boss));
	assert_true(province_same_fold(b, second));
	workspace_close(a);
	workspace_close(b);
	workspace_close(boss);
	workspace_close(second);
}

static void
it_is_not_wiped_by_the_news_alone(void **state)
{
	struct province *p = *state;
	struct workspace *a = province_device(p, "06001", ROLE_CASEWORKER, "Hoàng Văn Pao");
	struct workspace *b = province_device(p, "06001", ROLE_CASEWORKER, "Nông Thị Lan");
	struct replica_sync_result r;
	struct error err = { 0 };

	province_sync(p, a);
	province_meet(p);
	province_add(a, "outreach", PROVINCE_VISIT);
	province_retire(p, a);
	province_sync(p, b);
	province_stick_carry(b, a);
	assert_int_equal(directory_device(replica_directory(a->replica), replica_device(a->replica))->state,
	    DEVICE_RETIRED);
	assert_false(may_wipe(a));
	/* nor by a server that is not there, or has no room for it */
	province_stop_relay(p);
	assert_int_not_equal(province_try_sync(p, a, &r, &err), RC_OK);
	assert_false(r.may_wipe);
	province_serve(p);
	depot_reserve(p->served, UINT64_MAX / 4);
	error_clear(&err);
	assert_int_equal(province_try_sync(p, a, &r, &err), RC_DENIED);
	assert_false(r.may_wipe);
	assert_true(r.requests < 10);
	depot_reserve(p->served, 0);
	error_clear(&err);
	assert_int_equal(province_try_sync(p, a, &r, &err), RC_DENIED);
	assert_true(r.may_wipe);
	workspace_close(a);
	workspace_close(b);
}

static void
what_it_carried_for_another_is_handed_in_and_promises_its_author_nothing(void **state)
{
	struct province *p = *state;
	struct workspace *a = province_device(p, "06001", ROLE_CASEWORKER, "Hoàng Văn Pao");
	struct workspace *far = province_device(p, "06002", ROLE_CASEWORKER, "Nông Thị Lan");
	struct workspace *boss = province_device(p, "20", ROLE_SUPERVISOR, "Trần Văn Hải");
	struct depot_counts counts;
	struct replica_sync_result r;
	struct error err = { 0 };

	province_sync(p, a);
	province_sync(p, far);
	province_meet(p);
	province_add(far, "outreach", PROVINCE_VISIT);
	province_stick_carry(far, a);
	province_retire(p, a);
	assert_int_equal(province_try_sync(p, a, &r, &err), RC_DENIED);
	assert_true(r.may_wipe);
	assert_int_equal(depot_count(p->depot, &counts), RC_OK);
	assert_int_equal(counts.aside, 1);
	assert_int_equal(province_status(far).unsent_entries, 1);
	province_sync(p, far);
	assert_int_equal(province_status(far).unsent_entries, 0);
	province_sync(p, boss);
	assert_int_equal(province_status(boss).records, 1);
	workspace_close(a);
	workspace_close(far);
	workspace_close(boss);
}

/* What README says of a lost laptop: the old stays open to it, and the new until others have learned. */
static void
it_opens_what_was_sealed_before_its_colleagues_learned_and_nothing_after(void **state)
{
	struct province *p = *state;
	struct workspace *a = province_device(p, "06001", ROLE_CASEWORKER, "Hoàng Văn Pao");
	struct workspace *b = province_device(p, "06001", ROLE_CASEWORKER, "Nông Thị Lan");
	struct workspace *boss = province_device(p, "20", ROLE_SUPERVISOR, "Trần Văn Hải");
	struct error err = { 0 };

	province_add(b, "outreach", PROVINCE_VISIT);
	province_sync(p, b);
	province_sync(p, a);
	assert_int_equal(province_status(a).records, 1);
	province_meet(p);
	province_retire(p, a);
	province_add(b, "outreach", PROVINCE_VISIT);	/* b does not know yet */
	assert_int_equal(replica_seal(b->replica, 1 << 16, 0, &err), RC_OK);
	province_stick_carry(b, a);
	assert_int_equal(province_status(a).records, 2);
	province_sync(p, b);
	province_add(b, "outreach", PROVINCE_VISIT);
	province_sync(p, b);
	province_stick_carry(b, a);
	assert_int_equal(province_status(a).records, 2);
	assert_int_equal(province_status(a).waiting, 1);
	/* above, too, every scope that its work lay in has new keys, and those above go on reading */
	province_sync(p, boss);
	province_add(boss, "outreach", PROVINCE_VISIT);
	province_sync(p, boss);
	province_stick_carry(boss, a);
	assert_int_equal(province_status(a).records, 2);
	assert_int_equal(province_status(boss).records, 4);
	workspace_close(a);
	workspace_close(b);
	workspace_close(boss);
}

/* What a relay shows of a device that is shut out: one statement, and not those before it. */
static void
one_statement_tells_it_and_the_rest_of_the_chain_may_come_or_not(void **state)
{
	struct province *p = *state;
	struct workspace *a = province_device(p, "06001", ROLE_CASEWORKER, "Hoàng Văn Pao");
	struct workspace *b = province_device(p, "06001", ROLE_CASEWORKER, "Nông Thị Lan");
	struct replica_sync_result r;
	struct error err = { 0 };
	uint64_t known;
	char dir[300];

	province_add(a, "outreach", PROVINCE_VISIT);
	province_sync(p, a);
	province_sync(p, b);
	province_meet(p);	/* statements of which a hears nothing */
	province_add(a, "outreach", PROVINCE_VISIT);
	province_retire(p, a);
	known = directory_count(replica_directory(a->replica));
	assert_int_equal(province_try_sync(p, a, &r, &err), RC_DENIED);
	assert_true(r.may_wipe);
	assert_int_equal(directory_count(replica_directory(a->replica)), known);
	/* what came after its last heads counts nowhere, here neither */
	assert_int_equal(province_status(a).records, 1);
	/* it is written down: the next process knows */
	workspace_close(a);
	province_device_dir(p, 0, dir);
	a = province_open(p, dir);
	assert_true(may_wipe(a));
	province_add(a, "outreach", PROVINCE_VISIT);
	assert_false(may_wipe(a));
	/* the whole chain, by a stick, says the same */
	province_sync(p, b);
	province_stick_carry(b, a);
	assert_int_equal(directory_count(replica_directory(a->replica)),
	    directory_count(replica_directory(b->replica)));
	assert_int_equal(directory_device(replica_directory(a->replica), replica_device(a->replica))->state,
	    DEVICE_RETIRED);
	error_clear(&err);
	assert_int_equal(province_try_sync(p, a, &r, &err), RC_DENIED);
	assert_true(r.may_wipe);
	workspace_close(a);
	workspace_close(b);
}

/* A relay that lies can show what was signed, to whom it likes; it cannot shut out who is in use. */
static void
a_retirement_of_another_or_a_forged_one_does_nothing_to_a_device_in_use(void **state)
{
	struct province *p = *state;
	struct workspace *a = province_device(p, "06001", ROLE_CASEWORKER, "Hoàng Văn Pao");
	struct workspace *b = province_device(p, "06001", ROLE_CASEWORKER, "Nông Thị Lan");
	struct replica_sync_result r;
	struct bytes statement;
	struct error err = { 0 };
	uint64_t seq, known;
	bool retired;

	bytes_init(&statement);
	province_sync(p, a);
	province_sync(p, b);
	province_meet(p);
	province_retire(p, a);
	known = directory_count(replica_directory(b->replica));
	assert_int_equal(depot_retired_at(p->depot, replica_device(a->replica), &seq), RC_OK);
	assert_int_equal(depot_statement(p->depot, seq, &statement), RC_OK);
	assert_true(seq > known);
	assert_int_equal(replica_take(b->replica, ITEM_STATEMENT, statement.data, statement.len, &r, &err),
	    RC_OK);
	assert_int_equal(province_count(b, "SELECT count(*) FROM event WHERE kind = 'directory-refused'"), 1);
	/* the same, with b's number in it */
	for (size_t i = 0; i + 16 <= statement.len; i++)
		if (memcmp(statement.data + i, replica_device(a->replica), 16) == 0)
			memcpy(statement.data + i, replica_device(b->replica), 16);
	assert_int_equal(replica_take(b->replica, ITEM_STATEMENT, statement.data, statement.len, &r, &err),
	    RC_OK);
	assert_int_equal(replica_is_retired(b->replica, &retired, &err), RC_OK);
	assert_false(retired || may_wipe(b));
	/* and hides nothing: the statements come, in their order */
	assert_int_equal(directory_count(replica_directory(b->replica)), known);
	province_sync(p, b);
	assert_int_equal(directory_count(replica_directory(b->replica)),
	    directory_count(depot_directory(p->depot)));
	bytes_reset(&statement);
	workspace_close(a);
	workspace_close(b);
}

static void
a_relay_that_only_says_so_is_not_believed(void **state)
{
	struct province *p = *state;
	struct workspace *a = province_device(p, "06001", ROLE_CASEWORKER, "Hoàng Văn Pao");
	struct device *there;
	struct replica_sync_result r;
	struct error err = { 0 };
	bool retired;

	province_add(a, "outreach", PROVINCE_VISIT);
	province_sync(p, a);
	province_meet(p);
	assert_int_equal(depot_refresh(p->served), RC_OK);
	there = (struct device *)(uintptr_t)directory_device(depot_directory(p->served),
	    replica_device(a->replica));
	there->state = DEVICE_RETIRED;
	assert_int_equal(province_try_sync(p, a, &r, &err), RC_DENIED);
	assert_non_null(strstr(err.what, "without an order of the province"));
	assert_false(r.may_wipe);
	assert_int_equal(replica_is_retired(a->replica, &retired, &err), RC_OK);
	assert_false(retired);
	there->state = DEVICE_ADMITTED;
	province_add(a, "outreach", PROVINCE_VISIT);
	province_sync(p, a);
	assert_int_equal(province_status(a).records, 2);
	assert_int_equal(province_status(a).unsent_entries, 0);
	workspace_close(a);
}

static void
closing_it_then_leaves_no_key(void **state)
{
	struct province *p = *state;
	struct workspace *a = province_device(p, "06001", ROLE_CASEWORKER, "Hoàng Văn Pao");
	char dir[300];

	province_device_dir(p, 0, dir);
	province_add(a, "outreach", PROVINCE_VISIT);
	assert_int_not_equal(vault_exists(dir), 0);
	a->wipe = true;
	workspace_close(a);
	assert_int_equal(vault_exists(dir), 0);
}

#define T(name) cmocka_unit_test_setup_teardown(name, province_set_up, province_tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(its_last_work_is_kept_aside_and_counts_once_when_released),
		T(it_is_not_wiped_by_the_news_alone),
		T(what_it_carried_for_another_is_handed_in_and_promises_its_author_nothing),
		T(it_opens_what_was_sealed_before_its_colleagues_learned_and_nothing_after),
		T(one_statement_tells_it_and_the_rest_of_the_chain_may_come_or_not),
		T(a_retirement_of_another_or_a_forged_one_does_nothing_to_a_device_in_use),
		T(a_relay_that_only_says_so_is_not_believed),
		T(closing_it_then_leaves_no_key),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
