#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "shared/records/journal.h"
#include "shared/sync/replica_events.h"
#include "shared/sync/replica_watch.h"
#include "shared/vault/secret.h"
#include "shared/vault/vault.h"
#include "sync-server/authority.h"
#include "sync-server/authority_internal.h"
#include "sync-server/depot_internal.h"
#include "sync-server/relay.h"
#include "tests/support/province.h"

/* Vaults, relays and authorities that are put back or copied, and clocks that are wrong. */

static const char *const person[] = {
	"full_name", "Lò Thị Mẩy", "sex", "F", "birth_date", "1999", NULL
};

static uint64_t
records(struct workspace *ws)
{
	return province_count(ws, "SELECT count(*) FROM record WHERE form <> ''");
}

/* How often a kind of event was told; each has words in both languages. */
static size_t
told(struct workspace *ws, const char *kind)
{
	struct replica_event_line *list;
	struct error err = { 0 };
	size_t n, found = 0;

	assert_int_equal(replica_events(ws->replica, 0, INT64_MIN, &list, &n, &err), RC_OK);
	for (size_t i = 0; i < n; i++) {
		assert_true(strlen(replica_event_text(list[i].kind, true)) > 20);
		assert_true(strlen(replica_event_text(list[i].kind, false)) > 20);
		found += strcmp(list[i].kind, kind) == 0;
	}
	free(list);
	return found;
}

/* The n-th device's vault as it is now; it is open again afterwards. */
static struct workspace *
keep_copy(struct province *p, unsigned n, struct workspace *ws)
{
	char name[40], copy[48], dir[300];

	workspace_close(ws);
	snprintf(name, sizeof(name), "device%u", n);
	snprintf(copy, sizeof(copy), "%s-copy", name);
	province_copy(p, name, copy);
	province_device_dir(p, n, dir);
	return province_open(p, dir);
}

static struct workspace *
put_back(struct province *p, unsigned n, struct workspace *ws)
{
	char name[40], copy[48], dir[300];

	workspace_close(ws);
	snprintf(name, sizeof(name), "device%u", n);
	snprintf(copy, sizeof(copy), "%s-copy", name);
	province_copy(p, copy, name);
	province_device_dir(p, n, dir);
	return province_open(p, dir);
}

static void
open_depot(struct province *p)
{
	char path[300];
	struct error err = { 0 };

	snprintf(path, sizeof(path), "%s/relay", p->dir);
	assert_int_equal(depot_open(path, &p->depot, &err), RC_OK);
	province_serve(p);
}

static void
keep_relay(struct province *p)
{
	province_stop_relay(p);
	depot_close(p->depot);
	province_copy(p, "relay", "relay-copy");
	open_depot(p);
}

/* By hand: its generation stays. */
static void
put_back_relay(struct province *p)
{
	province_stop_relay(p);
	depot_close(p->depot);
	province_copy(p, "relay-copy", "relay");
	open_depot(p);
}

static void
count_alarm(void *ctx, int64_t at, const char *kind, const uint8_t device[16], const char *detail)
{
	(void)at;
	(void)device;
	(void)detail;
	*(int *)ctx += strcmp(kind, "relay-put-back") == 0;
}

static int
alarms(struct province *p)
{
	int n = 0;

	assert_int_equal(depot_refresh(p->depot), RC_OK);
	assert_int_equal(depot_alarms(p->depot, count_alarm, &n), RC_OK);
	return n;
}

static void
a_vault_put_back_gets_its_own_work_again_and_uses_no_number_twice(void **state)
{
	struct province *p = *state;
	struct workspace *a = province_device(p, "06001", ROLE_CASEWORKER, "Hoàng Văn Pao");
	struct workspace *b = province_device(p, "06001", ROLE_CASEWORKER, "Nông Thị Lan");

	province_add(a, "outreach", PROVINCE_VISIT);
	province_sync(p, a);
	a = keep_copy(p, 0, a);
	for (int i = 0; i < 3; i++)
		province_add(a, "outreach", PROVINCE_VISIT);
	province_sync(p, a);
	a = put_back(p, 0, a);
	assert_int_equal(records(a), 1);
	province_add(a, "outreach", PROVINCE_VISIT);
	province_sync(p, a);
	assert_int_equal(records(a), 5);
	assert_int_equal(told(a, "own-returned"), 1);
	/* that is all: its work goes on, and nobody is told of a second place */
	province_add(a, "outreach", PROVINCE_VISIT);
	province_sync(p, a);
	province_sync(p, a);
	province_sync(p, b);
	assert_true(province_same_fold(a, b));
	assert_int_equal(records(b), 6);
	assert_int_equal(told(a, "own-returned"), 1);
	assert_int_equal(told(a, "two-places"), 0);
	assert_int_equal(province_count(b, "SELECT count(*) FROM log WHERE fork_n IS NOT NULL"), 0);
	assert_int_equal(told(b, "fork"), 0);
	workspace_close(a);
	workspace_close(b);
}

static void
a_vault_used_in_two_places_is_told_so_and_loses_nothing(void **state)
{
	struct province *p = *state;
	struct workspace *a = province_device(p, "06001", ROLE_CASEWORKER, "Hoàng Văn Pao");
	struct workspace *b = province_device(p, "06001", ROLE_CASEWORKER, "Nông Thị Lan");
	struct workspace *twin;
	char dir[340];

	province_add(a, "outreach", PROVINCE_VISIT);
	province_sync(p, a);
	a = keep_copy(p, 0, a);
	snprintf(dir, sizeof(dir), "%s/device0-copy", p->dir);
	twin = province_open(p, dir);
	for (int i = 0; i < 3; i++) {
		province_add(a, "outreach", PROVINCE_VISIT);
		province_add(twin, "outreach", PROVINCE_VISIT);
		province_sync(p, a);
		province_sync(p, twin);
	}
	province_sync(p, a);
	province_sync(p, b);
	assert_int_equal(told(a, "two-places"), 1);
	assert_int_equal(told(twin, "two-places"), 1);
	assert_int_equal(records(b), 7);
	assert_true(province_same_fold(a, b));
	assert_true(province_same_fold(twin, b));
	assert_int_equal(told(b, "fork") + told(b, "two-places"), 0);
	workspace_close(a);
	workspace_close(twin);
	workspace_close(b);
}

static void
work_that_only_the_province_still_has_is_told(void **state)
{
	struct province *p = *state;
	struct workspace *holder = province_device(p, "20", ROLE_HOLDER, "Sở Y tế");
	struct workspace *a = province_device(p, "06001", ROLE_COMMUNICATOR, "Lý A Sáng");
	struct error err = { 0 };
	size_t n;

	province_sync(p, holder);
	province_sync(p, a);
	province_meet(p);
	a = keep_copy(p, 1, a);
	/* into a scope that it cannot read: it does not come back */
	province_add(a, "person", person);
	province_sync(p, a);
	a = put_back(p, 1, a);
	province_sync(p, holder);
	assert_int_equal(replica_sign_held(holder->replica, &n, &err), RC_OK);
	province_sync(p, holder);
	province_sync(p, a);
	assert_int_equal(told(a, "own-ahead"), 1);
	province_add(a, "person", person);
	province_sync(p, a);
	province_sync(p, holder);
	assert_int_equal(province_count(holder, "SELECT count(*) FROM form_person"), 2);
	workspace_close(holder);
	workspace_close(a);
}

/* Whoever comes first: here one who had not spoken with the state that was lost. */
static void
a_relay_put_back_by_hand_begins_a_new_generation(void **state)
{
	struct province *p = *state;
	struct workspace *a = province_device(p, "06001", ROLE_CASEWORKER, "Hoàng Văn Pao");
	struct workspace *b = province_device(p, "06001", ROLE_CASEWORKER, "Nông Thị Lan");
	struct workspace *c = province_device(p, "06001", ROLE_CASEWORKER, "Lý A Sáng");
	uint8_t before[16], after[16];

	province_add(a, "outreach", PROVINCE_VISIT);
	province_sync(p, a);
	province_sync(p, b);
	province_sync(p, c);
	keep_relay(p);
	province_add(a, "outreach", PROVINCE_VISIT);
	province_sync(p, a);
	province_sync(p, c);
	put_back_relay(p);
	depot_generation(p->depot, before);
	assert_int_equal(alarms(p), 0);
	/* its frames take the places of those that were lost */
	for (int i = 0; i < 4; i++) {
		province_add(b, "outreach", PROVINCE_VISIT);
		province_sync(p, b);
	}
	assert_int_equal(alarms(p), 0);
	province_sync(p, c);
	assert_int_equal(alarms(p), 1);
	depot_generation(p->depot, after);
	assert_memory_not_equal(before, after, sizeof(after));
	province_sync(p, a);
	province_sync(p, b);
	province_sync(p, c);
	assert_int_equal(alarms(p), 1);
	assert_int_equal(records(c), 6);
	assert_true(province_same_fold(a, c));
	assert_true(province_same_fold(b, c));
	assert_int_equal(told(a, "relay-restored"), 1);
	assert_int_equal(told(c, "relay-restored"), 1);
	workspace_close(a);
	workspace_close(b);
	workspace_close(c);
}

/* A relay that keeps its old ways: the client sees that the sequence ends before its cursor. */
static void
a_cursor_behind_the_end_of_the_sequence_starts_again(void **state)
{
	struct province *p = *state;
	struct workspace *a = province_device(p, "06001", ROLE_CASEWORKER, "Hoàng Văn Pao");
	struct replica_syncing s;
	bool back;
	struct error err = { 0 };

	province_add(a, "outreach", PROVINCE_VISIT);
	province_sync(p, a);
	memset(&s, 0, sizeof(s));
	s.replica = a->replica;
	s.err = &err;
	s.welcome.status = STATUS_OK;
	s.welcome.directory_seq = UINT64_MAX - 1;
	s.welcome.last = 1000;
	assert_int_equal(replica_request_put_number(vault_db(a->vault), "position", 1000, &err), RC_OK);
	assert_int_equal(replica_watch_rolled_back(&s, &back), RC_OK);
	assert_false(back);
	s.welcome.last = 999;
	assert_int_equal(replica_watch_rolled_back(&s, &back), RC_OK);
	assert_true(back);
	s.welcome.last = 0;	/* it says nothing */
	assert_int_equal(replica_watch_rolled_back(&s, &back), RC_OK);
	assert_false(back);
	/* and the real relay notices such a cursor, too */
	province_sync(p, a);
	assert_int_equal(alarms(p), 1);
	assert_int_equal(records(a), 1);
	workspace_close(a);
}

static void
a_directory_that_was_put_back_is_given_the_statements_again(void **state)
{
	struct province *p = *state;
	struct workspace *a = province_device(p, "06001", ROLE_CASEWORKER, "Hoàng Văn Pao");
	struct workspace *b = province_device(p, "06001", ROLE_CASEWORKER, "Nông Thị Lan");
	struct workspace *late = province_device(p, "06001", ROLE_CASEWORKER, "Lý A Sáng");
	struct error err = { 0 };
	size_t n;

	province_sync(p, a);
	province_sync(p, b);
	province_sync(p, late);
	province_meet(p);
	keep_relay(p);
	assert_int_equal(authority_rotate(p->authority, "06001", false, &n, &err), RC_OK);
	province_meet(p);
	province_sync(p, a);
	province_add(a, "outreach", PROVINCE_VISIT);
	province_sync(p, a);
	assert_int_equal(directory_scope_key(replica_directory(a->replica), "06001", 0)->epoch, 2);
	put_back_relay(p);
	province_sync(p, a);
	assert_int_equal(told(a, "directory-behind"), 1);
	assert_int_equal(depot_refresh(p->depot), RC_OK);
	assert_int_equal(directory_count(depot_directory(p->depot)),
	    directory_count(replica_directory(a->replica)));
	/* b learns of the new epoch from there; its key comes with the authority's next visit */
	province_sync(p, b);
	province_meet(p);
	province_sync(p, b);
	province_sync(p, late);
	assert_true(province_same_fold(a, b));
	assert_true(province_same_fold(a, late));
	assert_int_equal(records(late), 1);
	workspace_close(a);
	workspace_close(b);
	workspace_close(late);
}

static enum rc
meet(struct province *p, struct error *err)
{
	struct authority_meeting m = { .again = true };
	struct bytes request, reply;
	enum rc rc = RC_OK;

	bytes_init(&request);
	bytes_init(&reply);
	while (rc == RC_OK && m.again) {
		if ((rc = authority_request(p->authority, &request, err)) == RC_OK &&
		    (rc = relay_exchange(p->depot, &p->clock, request.data, request.len, &reply, err)) ==
		    RC_OK)
			rc = authority_reply(p->authority, reply.data, reply.len, &m, err);
		bytes_reset(&request);
		bytes_reset(&reply);
	}
	return rc;
}

static void
an_authority_put_back_signs_nothing_that_anybody_takes(void **state)
{
	struct province *p = *state;
	struct workspace *a = province_device(p, "06001", ROLE_CASEWORKER, "Hoàng Văn Pao");
	uint64_t statements;
	struct error err = { 0 };
	size_t n;

	province_sync(p, a);
	province_meet(p);
	authority_close(p->authority);
	province_copy(p, "authority", "authority-copy");
	province_open_authority(p);
	assert_int_equal(authority_rotate(p->authority, "06001", false, &n, &err), RC_OK);
	province_meet(p);
	province_sync(p, a);
	statements = directory_count(replica_directory(a->replica));
	authority_close(p->authority);
	province_copy(p, "authority-copy", "authority");
	province_open_authority(p);
	/* it is told before it signs, and then signs nothing … */
	assert_int_equal(meet(p, &err), RC_CONFLICT);
	error_clear(&err);
	assert_int_equal(authority_rotate(p->authority, "06002", false, &n, &err), RC_CONFLICT);
	error_clear(&err);
	/* … and what one signs that has not asked stands at a position that is taken */
	authority_close(p->authority);
	province_copy(p, "authority-copy", "authority");
	province_open_authority(p);
	assert_int_equal(authority_rotate(p->authority, "06002", false, &n, &err), RC_OK);
	assert_int_equal(meet(p, &err), RC_CONFLICT);
	province_sync(p, a);
	assert_int_equal(directory_count(replica_directory(a->replica)), statements);
	assert_int_equal(directory_scope_key(replica_directory(a->replica), "06002", 0)->epoch, 1);
	workspace_close(a);
}

static void
a_holder_put_back_comes_to_the_same_state(void **state)
{
	struct province *p = *state;
	struct workspace *holder = province_device(p, "20", ROLE_HOLDER, "Sở Y tế");
	struct workspace *a = province_device(p, "06001", ROLE_CASEWORKER, "Hoàng Văn Pao");
	struct error err = { 0 };
	size_t n;

	province_sync(p, holder);
	province_sync(p, a);
	province_meet(p);
	province_add(a, "outreach", PROVINCE_VISIT);
	province_sync(p, a);
	holder = keep_copy(p, 0, holder);
	province_sync(p, holder);
	assert_int_equal(replica_sign_held(holder->replica, &n, &err), RC_OK);
	province_sync(p, holder);
	holder = put_back(p, 0, holder);
	province_add(a, "outreach", PROVINCE_VISIT);
	province_sync(p, a);
	province_sync(p, holder);
	assert_true(province_same_fold(a, holder));
	assert_int_equal(replica_sign_held(holder->replica, &n, &err), RC_OK);
	assert_true(n >= 1);
	province_sync(p, holder);
	province_sync(p, a);
	assert_int_equal(province_count(a,
	    "SELECT count(*) FROM log AS l LEFT JOIN held AS h ON h.log = l.id"
	    " WHERE coalesce(h.n, 0) < l.top_n"), 0);
	assert_int_equal(told(a, "held-differs"), 0);
	workspace_close(holder);
	workspace_close(a);
}

static void
clocks_that_are_years_off_or_run_backwards_decide_nothing(void **state)
{
	struct province *p = *state;
	struct workspace *a = province_device(p, "06001", ROLE_CASEWORKER, "Hoàng Văn Pao");
	struct workspace *b = province_device(p, "06001", ROLE_CASEWORKER, "Nông Thị Lan");
	int64_t years = p->now + 20 * INT64_C(31557600);
	struct dot id;
	char shown[200];
	int64_t *hands = &years;

	a->clock = a->replica->clock = clock_fixed(hands);
	b->clock = b->replica->clock = clock_fixed(&p->now);
	id = province_add(a, "outreach", PROVINCE_VISIT);
	province_sync(p, a);
	assert_int_equal(told(a, "clock-wrong"), 1);
	province_sync(p, b);
	(void)province_edit(b, id, NULL, "village", "thôn Khuổi Lào");	/* saw the one from the future */
	province_sync(p, b);
	assert_int_equal(told(b, "clock-wrong"), 0);
	years = 86400;	/* 1970 */
	province_sync(p, a);
	assert_int_equal(province_values(a, id, "village", shown), 1);
	assert_string_equal(shown, "thôn Khuổi Lào");
	(void)province_edit(a, id, NULL, "village", "thôn Nà Lầu");
	province_sync(p, a);
	province_sync(p, b);
	assert_int_equal(province_values(b, id, "village", shown), 1);
	assert_string_equal(shown, "thôn Nà Lầu");
	assert_true(province_same_fold(a, b));
	assert_true(told(a, "clock-wrong") >= 2);
	workspace_close(a);
	workspace_close(b);
}

#define T(name) cmocka_unit_test_setup_teardown(name, province_set_up, province_tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(a_vault_put_back_gets_its_own_work_again_and_uses_no_number_twice),
		T(a_vault_used_in_two_places_is_told_so_and_loses_nothing),
		T(work_that_only_the_province_still_has_is_told),
		T(a_relay_put_back_by_hand_begins_a_new_generation),
		T(a_cursor_behind_the_end_of_the_sequence_starts_again),
		T(a_directory_that_was_put_back_is_given_the_statements_again),
		T(an_authority_put_back_signs_nothing_that_anybody_takes),
		T(a_holder_put_back_comes_to_the_same_state),
		T(clocks_that_are_years_off_or_run_backwards_decide_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
