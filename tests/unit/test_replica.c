#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "shared/records/journal.h"
#include "shared/sync/exchange.h"
#include "shared/sync/replica.h"
#include "shared/vault/query.h"
#include "shared/vault/vault.h"
#include "sync-server/authority.h"
#include "sync-server/depot.h"
#include "tests/support/province.h"

/* Real devices, a real relay behind HTTP, a real authority: tests/support/province.h. */

static struct dot
add_case(struct workspace *ws, struct dot who)
{
	char id[DOT_TEXT_MAX];
	const char *pairs[] = {
		"person_id", id, "recv_channel", "SELF_COMMUNE", "recv_date", "2026-01-15",
		"risk_level", "MEDIUM", NULL
	};

	dot_text(&who, id);
	return province_add(ws, "case", pairs);
}

static void
first_sync_sends_everything_and_brings_a_signed_receipt(void **state)
{
	struct province *p = *state;
	struct workspace *a = province_device(p, "06001", ROLE_CASEWORKER, "Hoàng Văn Pao");
	struct replica_sync_result r;

	province_add(a, "outreach", PROVINCE_VISIT);
	province_add(a, "person", PROVINCE_PERSON);
	assert_int_equal(province_status(a).unsent_entries, 2);
	r = province_sync(p, a);
	assert_int_equal(r.sent_entries, 2);
	assert_int_equal(r.sent_frames, 2);	/* activities and cases are sealed apart */
	assert_int_equal(r.receipt_level, 1);
	assert_int_equal(province_status(a).unsent_entries, 0);
	workspace_close(a);
}

static void
idle_sync_is_one_small_request(void **state)
{
	struct province *p = *state;
	struct workspace *a = province_device(p, "06001", ROLE_CASEWORKER, "Hoàng Văn Pao");
	struct replica_sync_result r;

	province_add(a, "outreach", PROVINCE_VISIT);
	province_sync(p, a);
	r = province_sync(p, a);
	assert_int_equal(r.requests, 1);
	assert_int_equal(r.sent_frames + r.received_frames, 0);
	assert_true(r.bytes_up + r.bytes_down <= 700);
	workspace_close(a);
}

static void
two_laptops_of_a_commune_come_to_the_same_state(void **state)
{
	struct province *p = *state;
	struct workspace *a = province_device(p, "06001", ROLE_CASEWORKER, "Hoàng Văn Pao");
	struct workspace *b = province_device(p, "06001", ROLE_CASEWORKER, "Nông Thị Lan");
	struct replica_sync_result r;
	struct dot who = province_add(a, "person", PROVINCE_PERSON);
	char shown[200];

	add_case(a, who);
	province_add(b, "outreach", PROVINCE_VISIT);
	province_sync(p, a);
	r = province_sync(p, b);
	assert_int_equal(r.received_entries, 2);
	province_sync(p, a);
	assert_true(province_same_fold(a, b));
	assert_int_equal(province_values(b, who, "full_name", shown), 1);
	assert_string_equal(shown, "Đặng Thị Hòa");
	assert_string_equal(replica_name_of(b->replica, replica_device(a->replica)), "Hoàng Văn Pao");
	workspace_close(a);
	workspace_close(b);
}

static void
edits_of_one_field_meet_as_a_conflict_and_are_settled_for_all(void **state)
{
	struct province *p = *state;
	struct workspace *a = province_device(p, "06001", ROLE_CASEWORKER, "Hoàng Văn Pao");
	struct workspace *b = province_device(p, "06001", ROLE_CASEWORKER, "Nông Thị Lan");
	struct dot who = province_add(a, "person", PROVINCE_PERSON);
	char shown[200], *seen;

	province_sync(p, a);
	province_sync(p, b);
	province_edit(a, who, NULL, "phone", "0988111222");
	p->now += 60;
	province_edit(b, who, NULL, "phone", "0977333444");
	province_sync(p, a);
	province_sync(p, b);
	province_sync(p, a);
	assert_int_equal(province_values(a, who, "phone", shown), 2);
	assert_int_equal(province_values(b, who, "phone", shown), 2);
	assert_int_equal(province_status(a).conflicts, 1);
	assert_true(province_same_fold(a, b));
	seen = province_seen(a, who);
	province_edit(a, who, seen, "phone", "0977333444");
	free(seen);
	province_sync(p, a);
	province_sync(p, b);
	assert_int_equal(province_values(b, who, "phone", shown), 1);
	assert_string_equal(shown, "0977333444");
	assert_int_equal(province_status(b).conflicts, 0);
	assert_true(province_same_fold(a, b));
	workspace_close(a);
	workspace_close(b);
}

static void
a_value_that_came_between_showing_and_saving_is_not_replaced(void **state)
{
	struct province *p = *state;
	struct workspace *a = province_device(p, "06001", ROLE_CASEWORKER, "Hoàng Văn Pao");
	struct workspace *b = province_device(p, "06001", ROLE_CASEWORKER, "Nông Thị Lan");
	struct dot who = province_add(a, "person", PROVINCE_PERSON);
	char shown[200], *seen;

	province_sync(p, a);
	province_sync(p, b);
	seen = province_seen(b, who);		/* b opens the form … */
	province_edit(a, who, NULL, "phone", "0988111222");
	province_sync(p, a);
	province_sync(p, b);			/* … a pull happens behind it … */
	province_edit(b, who, seen, "phone", "0977333444");	/* … and b saves */
	free(seen);
	assert_int_equal(province_values(b, who, "phone", shown), 2);
	workspace_close(a);
	workspace_close(b);
}

static void
roles_hold_only_the_keys_they_need(void **state)
{
	struct province *p = *state;
	struct workspace *worker = province_device(p, "06001", ROLE_CASEWORKER, "Hoàng Văn Pao");
	struct workspace *talker = province_device(p, "06001", ROLE_COMMUNICATOR, "Nông Thị Lan");
	struct workspace *other = province_device(p, "06002", ROLE_CASEWORKER, "Lý A Sáng");
	struct workspace *office = province_device(p, "20", ROLE_SUPERVISOR, "Vi Thị Mai");
	int64_t n;

	province_add(worker, "person", PROVINCE_PERSON);
	province_add(worker, "outreach", PROVINCE_VISIT);
	province_sync(p, worker);
	assert_int_equal(province_sync(p, talker).received_entries, 1);
	assert_int_equal(province_sync(p, other).received_entries, 0);
	assert_int_equal(province_sync(p, office).received_entries, 2);
	assert_int_equal(query_int(vault_db(talker->vault), NULL, &n,
	    "SELECT count(*) FROM scope_secret WHERE compartment <> 0", ""), RC_OK);
	assert_int_equal(n, 0);
	assert_int_equal(query_int(vault_db(other->vault), NULL, &n,
	    "SELECT count(*) FROM scope_secret WHERE unit <> '06002'", ""), RC_OK);
	assert_int_equal(n, 0);
	assert_int_equal(province_status(talker).waiting, 0);
	workspace_close(worker);
	workspace_close(talker);
	workspace_close(other);
	workspace_close(office);
}

static void
the_province_holds_only_after_it_signed(void **state)
{
	struct province *p = *state;
	struct workspace *a = province_device(p, "06001", ROLE_CASEWORKER, "Hoàng Văn Pao");
	struct workspace *holder = province_device(p, "20", ROLE_HOLDER, "Sở Y tế");
	struct error err = { 0 };
	size_t n = 0;

	province_add(a, "outreach", PROVINCE_VISIT);
	province_add(a, "person", PROVINCE_PERSON);
	province_sync(p, a);
	assert_int_equal(replica_sign_held(a->replica, &n, &err), RC_DENIED);
	province_sync(p, holder);
	province_sync(p, a);
	assert_int_equal(province_status(a).receipt_level, 1);
	error_clear(&err);
	assert_int_equal(replica_sign_held(holder->replica, &n, &err), RC_OK);
	assert_int_equal(n, 1);
	province_sync(p, holder);
	province_sync(p, a);
	/* the authority has not admitted the holder: its word waits, and then counts */
	assert_int_equal(province_status(a).receipt_level, 1);
	province_meet(p);
	province_sync(p, a);
	assert_int_equal(province_status(a).receipt_level, 2);
	province_add(a, "outreach", PROVINCE_VISIT);	/* what is new is not held */
	assert_int_equal(province_status(a).receipt_level, 1);
	assert_int_equal(replica_sign_held(holder->replica, &n, &err), RC_OK);
	assert_int_equal(n, 0);			/* nothing new to say */
	workspace_close(a);
	workspace_close(holder);
}

static void
a_bundle_carries_the_same_and_twice_is_once(void **state)
{
	struct province *p = *state;
	struct workspace *a = province_device(p, "06001", ROLE_CASEWORKER, "Hoàng Văn Pao");
	struct workspace *b = province_device(p, "06001", ROLE_CASEWORKER, "Nông Thị Lan");
	struct replica_sync_result r;
	struct bytes stick;
	struct error err = { 0 };

	bytes_init(&stick);
	add_case(a, province_add(a, "person", PROVINCE_PERSON));
	assert_int_equal(replica_bundle_write(a->replica, &stick, &r, &err), RC_OK);
	assert_int_equal(r.sent_entries, 2);
	for (size_t cut = 0; cut < stick.len; cut += 97) {
		error_clear(&err);
		assert_int_not_equal(replica_bundle_read(b->replica, "stick", stick.data, cut, &r,
		    &err), RC_OK);
	}
	error_clear(&err);
	assert_int_equal(replica_bundle_read(b->replica, "stick", stick.data, stick.len, &r, &err),
	    RC_OK);
	assert_true(province_same_fold(a, b));
	assert_int_equal(replica_bundle_read(b->replica, "stick", stick.data, stick.len, &r, &err),
	    RC_OK);
	assert_int_equal(r.received_entries, 0);
	assert_true(province_same_fold(a, b));
	/* and the network brings nothing twice after the stick */
	province_sync(p, a);
	assert_int_equal(province_sync(p, b).received_entries, 0);
	bytes_reset(&stick);
	workspace_close(a);
	workspace_close(b);
}

static void
what_came_by_a_stick_is_carried_to_the_relay_once(void **state)
{
	struct province *p = *state;
	struct workspace *far = province_device(p, "06001", ROLE_CASEWORKER, "Hoàng Văn Pao");
	struct workspace *near = province_device(p, "06001", ROLE_CASEWORKER, "Nông Thị Lan");
	struct workspace *other = province_device(p, "06001", ROLE_CASEWORKER, "Lý A Sáng");
	struct replica_sync_result r;
	struct bytes stick;
	struct error err = { 0 };

	bytes_init(&stick);
	province_add(far, "person", PROVINCE_PERSON);	/* this laptop never meets the network */
	assert_int_equal(replica_bundle_write(far->replica, &stick, &r, &err), RC_OK);
	assert_int_equal(replica_bundle_read(near->replica, "stick", stick.data, stick.len, &r, &err),
	    RC_OK);
	r = province_sync(p, near);
	assert_int_equal(r.sent_frames, 1);
	assert_int_equal(r.relay_quarantined, 0);
	assert_int_equal(province_sync(p, near).sent_frames, 0);
	assert_int_equal(province_sync(p, other).received_entries, 1);
	assert_true(province_same_fold(far, other));
	/* and what the relay has is not carried again */
	stick.len = 0;
	province_sync(p, far);
	assert_int_equal(replica_bundle_write(far->replica, &stick, &r, &err), RC_OK);
	assert_int_equal(replica_bundle_read(near->replica, "stick", stick.data, stick.len, &r, &err),
	    RC_OK);
	assert_int_equal(province_sync(p, near).sent_frames, 0);
	bytes_reset(&stick);
	workspace_close(far);
	workspace_close(near);
	workspace_close(other);
}

static void
a_damaged_frame_is_set_aside_and_blocks_nothing(void **state)
{
	struct province *p = *state;
	struct workspace *a = province_device(p, "06001", ROLE_CASEWORKER, "Hoàng Văn Pao");
	struct workspace *b = province_device(p, "06001", ROLE_CASEWORKER, "Nông Thị Lan");
	struct replica_sync_result r;
	struct replica_aside *aside = NULL;
	struct bytes frame;
	struct error err = { 0 };
	size_t n = 0;

	bytes_init(&frame);
	province_add(a, "outreach", PROVINCE_VISIT);
	province_add(a, "person", PROVINCE_PERSON);
	assert_int_equal(replica_seal(a->replica, 1 << 16, 0, &err), RC_OK);
	assert_int_equal(query_blob(vault_db(a->vault), &err, &frame,
	    "SELECT bytes FROM frame WHERE compartment = 0", ""), RC_OK);
	/* b knows a by its certificate */
	province_sync(p, a);
	memset(&r, 0, sizeof(r));
	province_sync(p, b);
	frame.data[frame.len - 1] ^= 1;
	assert_int_equal(replica_take(b->replica, ITEM_FRAME, frame.data, frame.len, &r, &err), RC_OK);
	assert_int_equal(r.received_frames, 0);
	assert_int_equal(replica_aside(b->replica, &aside, &n, &err), RC_OK);
	/* its entries are all here: by its heads it is a repeat, and harmless */
	assert_int_equal(n, 0);
	free(aside);
	bytes_reset(&frame);
	workspace_close(a);
	workspace_close(b);
}

static void
a_changed_frame_of_new_entries_is_quarantined_by_name(void **state)
{
	struct province *p = *state;
	struct workspace *a = province_device(p, "06001", ROLE_CASEWORKER, "Hoàng Văn Pao");
	struct workspace *b = province_device(p, "06001", ROLE_CASEWORKER, "Nông Thị Lan");
	struct replica_sync_result r;
	struct replica_aside *aside = NULL;
	struct bytes frame;
	struct error err = { 0 };
	size_t n = 0;

	bytes_init(&frame);
	province_add(a, "outreach", PROVINCE_VISIT);
	province_sync(p, a);
	province_sync(p, b);
	province_add(a, "outreach", PROVINCE_VISIT);
	assert_int_equal(replica_seal(a->replica, 1 << 16, 0, &err), RC_OK);
	assert_int_equal(query_blob(vault_db(a->vault), &err, &frame,
	    "SELECT bytes FROM frame WHERE state = 1", ""), RC_OK);
	frame.data[frame.len - 1] ^= 1;
	memset(&r, 0, sizeof(r));
	assert_int_equal(replica_take(b->replica, ITEM_FRAME, frame.data, frame.len, &r, &err), RC_OK);
	assert_int_equal(replica_aside(b->replica, &aside, &n, &err), RC_OK);
	assert_int_equal(n, 1);
	assert_int_equal(aside[0].reason, REASON_SIGNATURE);
	assert_int_equal(aside[0].entries, 1);
	free(aside);
	/* the true frame still comes in */
	frame.data[frame.len - 1] ^= 1;
	assert_int_equal(replica_take(b->replica, ITEM_FRAME, frame.data, frame.len, &r, &err), RC_OK);
	assert_int_equal(r.received_entries, 1);
	bytes_reset(&frame);
	workspace_close(a);
	workspace_close(b);
}

static void
a_frame_whose_author_is_not_known_yet_waits_and_opens_later(void **state)
{
	struct province *p = *state;
	struct workspace *b = province_device(p, "06001", ROLE_CASEWORKER, "Nông Thị Lan");
	struct workspace *a = province_device(p, "06001", ROLE_CASEWORKER, "Hoàng Văn Pao");
	struct replica_sync_result r;
	struct bytes frame;
	struct error err = { 0 };

	bytes_init(&frame);
	province_add(a, "outreach", PROVINCE_VISIT);
	assert_int_equal(replica_seal(a->replica, 1 << 16, 0, &err), RC_OK);
	assert_int_equal(query_blob(vault_db(a->vault), &err, &frame,
	    "SELECT bytes FROM frame WHERE state = 1", ""), RC_OK);
	memset(&r, 0, sizeof(r));
	assert_int_equal(replica_take(b->replica, ITEM_FRAME, frame.data, frame.len, &r, &err), RC_OK);
	assert_int_equal(province_status(b).waiting, 1);
	province_sync(p, a);	/* its certificate reaches the relay */
	province_sync(p, b);
	assert_int_equal(province_status(b).waiting, 0);
	assert_true(province_same_fold(a, b));
	bytes_reset(&frame);
	workspace_close(a);
	workspace_close(b);
}

static void
a_relay_that_lost_its_store_is_filled_again(void **state)
{
	struct province *p = *state;
	struct workspace *a = province_device(p, "06001", ROLE_CASEWORKER, "Hoàng Văn Pao");
	struct workspace *b;
	struct error err = { 0 };
	struct replica_sync_result r;

	province_add(a, "outreach", PROVINCE_VISIT);
	province_sync(p, a);
	/* all frames are gone and the generation is new, as after a restore of an old backup */
	province_stop_relay(p);
	assert_int_equal(depot_renew_generation(p->depot), RC_OK);
	province_serve(p);
	r = province_sync(p, a);
	assert_true(r.sent_frames >= 1);
	b = province_device(p, "06001", ROLE_CASEWORKER, "Nông Thị Lan");
	province_sync(p, b);
	assert_true(province_same_fold(a, b));
	(void)err;
	workspace_close(a);
	workspace_close(b);
}

static void
new_epochs_reach_those_who_may_read_and_old_entries_stay(void **state)
{
	struct province *p = *state;
	struct workspace *a = province_device(p, "06001", ROLE_CASEWORKER, "Hoàng Văn Pao");
	struct workspace *office = province_device(p, "20", ROLE_SUPERVISOR, "Vi Thị Mai");
	struct error err = { 0 };
	size_t n = 0;

	province_add(a, "outreach", PROVINCE_VISIT);
	province_sync(p, a);
	assert_int_equal(authority_rotate(p->authority, "06001", false, &n, &err), RC_OK);
	province_meet(p);
	province_sync(p, a);
	province_add(a, "outreach", PROVINCE_VISIT);
	province_sync(p, a);
	province_sync(p, office);
	assert_int_equal(province_status(office).waiting, 0);
	assert_int_equal(province_status(office).records, 2);
	assert_int_equal(directory_scope_key(replica_directory(a->replica), "06001", 0)->epoch, 2);
	workspace_close(a);
	workspace_close(office);
}

static void
a_retired_device_is_told_so_and_gets_nothing(void **state)
{
	struct province *p = *state;
	struct workspace *a = province_device(p, "06001", ROLE_CASEWORKER, "Hoàng Văn Pao");
	struct workspace *b = province_device(p, "06001", ROLE_CASEWORKER, "Nông Thị Lan");
	struct replica_sync_result r;
	struct journal_left_out left;
	struct error err = { 0 };

	province_add(a, "outreach", PROVINCE_VISIT);
	province_sync(p, a);
	province_meet(p);
	province_retire(p, a);
	province_add(b, "outreach", PROVINCE_VISIT);
	province_sync(p, b);
	province_add(a, "outreach", PROVINCE_VISIT);
	assert_int_equal(province_try_sync(p, a, &r, &err), RC_DENIED);
	/* its late entry counts nowhere, is lost nowhere, and is counted */
	assert_int_equal(province_status(a).records, 1);
	assert_int_equal(journal_count_left_out(vault_db(a->vault), &left, &err), RC_OK);
	assert_int_equal(left.limited, 1);
	province_sync(p, b);
	assert_int_equal(province_status(b).records, 2);	/* the first of a, and its own */
	workspace_close(a);
	workspace_close(b);
}

static void
a_copied_vault_makes_no_fork_and_loses_nothing(void **state)
{
	struct province *p = *state;
	struct workspace *a = province_device(p, "06001", ROLE_CASEWORKER, "Hoàng Văn Pao");
	struct workspace *twin, *b = province_device(p, "06001", ROLE_CASEWORKER, "Nông Thị Lan");
	char dir[300], copy[330], command[800];

	province_add(a, "outreach", PROVINCE_VISIT);
	province_device_dir(p, 0, dir);
	workspace_close(a);
	snprintf(copy, sizeof(copy), "%s-copy", dir);
	snprintf(command, sizeof(command), "cp -r '%s' '%s'", dir, copy);
	assert_int_equal(system(command), 0);
	a = province_open(p, dir);
	twin = province_open(p, copy);
	province_add(a, "outreach", PROVINCE_VISIT);
	province_add(twin, "outreach", PROVINCE_VISIT);
	province_sync(p, a);
	province_sync(p, twin);
	province_sync(p, a);
	province_sync(p, b);
	assert_int_equal(province_status(b).records, 3);
	assert_true(province_same_fold(a, b));
	assert_true(province_same_fold(twin, b));
	workspace_close(a);
	workspace_close(twin);
	workspace_close(b);
}

static void
the_relay_holds_nothing_that_can_be_read(void **state)
{
	struct province *p = *state;
	struct workspace *a = province_device(p, "06001", ROLE_CASEWORKER, "Hoàng Văn Pao");
	char command[700];

	province_add(a, "person", PROVINCE_PERSON);
	province_sync(p, a);
	/* the text, its Latin part, the phone: nowhere in the relay's folder or the laptop's */
	snprintf(command, sizeof(command), "grep -raqE 'Hòa|0912345678|full_name' '%s'", p->dir);
	assert_int_not_equal(system(command), 0);
	workspace_close(a);
}

#define T(name) cmocka_unit_test_setup_teardown(name, province_set_up, province_tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(first_sync_sends_everything_and_brings_a_signed_receipt),
		T(idle_sync_is_one_small_request),
		T(two_laptops_of_a_commune_come_to_the_same_state),
		T(edits_of_one_field_meet_as_a_conflict_and_are_settled_for_all),
		T(a_value_that_came_between_showing_and_saving_is_not_replaced),
		T(roles_hold_only_the_keys_they_need),
		T(the_province_holds_only_after_it_signed),
		T(a_bundle_carries_the_same_and_twice_is_once),
		T(what_came_by_a_stick_is_carried_to_the_relay_once),
		T(a_damaged_frame_is_set_aside_and_blocks_nothing),
		T(a_changed_frame_of_new_entries_is_quarantined_by_name),
		T(a_frame_whose_author_is_not_known_yet_waits_and_opens_later),
		T(a_relay_that_lost_its_store_is_filled_again),
		T(new_epochs_reach_those_who_may_read_and_old_entries_stay),
		T(a_retired_device_is_told_so_and_gets_nothing),
		T(a_copied_vault_makes_no_fork_and_loses_nothing),
		T(the_relay_holds_nothing_that_can_be_read),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
