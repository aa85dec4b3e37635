#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "shared/sync/replica_purge.h"
#include "shared/vault/query.h"
#include "shared/vault/secret.h"
#include "shared/vault/vault.h"
#include "sync-server/authority.h"
#include "sync-server/depot_internal.h"
#include "tests/support/cut_proxy.h"
#include "tests/support/province_hub.h"

/* A chain of two relays over HTTP: laptop - hub - province - laptop (tests/support/province.h). */

static struct replica_sync_result
sync_at(struct workspace *ws, const char *url)
{
	struct replica_sync_result r;
	struct error err = { 0 };
	enum rc rc = workspace_sync(ws, url, &r, &err);

	if (rc != RC_OK)
		fail_msg("%s: %s", rc_name(rc), err.what);
	return r;
}

static void
goes_by_hub_and_province_to_a_laptop_and_back(void **state)
{
	struct province_hub *h = *state;
	struct workspace *a = province_device(&h->p, "06001", ROLE_CASEWORKER, "Hoàng Văn Pao");
	struct workspace *b = province_device(&h->p, "06001", ROLE_CASEWORKER, "Nông Thị Lan");
	struct replica_sync_result r;
	struct dot id = province_add(a, "person", PROVINCE_PERSON);

	/* for days the hub has no line: a's work is with it, and said to be no further */
	r = sync_at(a, h->url);
	assert_int_equal(r.sent_entries, 1);
	assert_true(r.at_hub);
	assert_int_equal(r.receipt_level, 0);
	assert_int_equal(r.hub_entries, 1);
	assert_int_equal(province_status(a).unsent_entries, 1);
	assert_int_equal(sync_at(a, h->url).sent_entries, 0);
	assert_string_equal(replica_url(a->replica), h->p.url);

	assert_int_equal(province_hub_upstream(h).frames_up, 1);
	assert_int_equal(province_hub_upstream(h).frames_up, 0);
	assert_int_equal(province_sync(&h->p, b).received_entries, 1);
	province_edit(b, id, NULL, "phone", "0987654321");
	province_sync(&h->p, b);
	assert_int_equal(province_hub_upstream(h).frames_down, 1);
	/* the province's receipt, and b's answer, come down the same way */
	r = sync_at(a, h->url);
	assert_int_equal(r.received_entries, 1);
	assert_int_equal(r.receipt_level, 1);
	assert_int_equal(r.hub_entries, 0);
	assert_int_equal(province_status(a).unsent_entries, 0);
	assert_true(province_same_fold(a, b));
	/* where the province itself answers nothing is sent or received twice */
	r = province_sync(&h->p, a);
	assert_int_equal(r.sent_frames + r.received_entries, 0);
	r = sync_at(a, h->url);
	assert_int_equal(r.sent_frames + r.received_entries, 0);
	assert_true(r.requests <= 2);
	workspace_close(a);
	workspace_close(b);
}

static void
a_laptop_that_never_heard_of_the_hub_learns_of_it_there(void **state)
{
	struct province_hub *h = *state;
	struct province_hub second = { .p = h->p };
	struct workspace *a = province_device(&h->p, "06001", ROLE_CASEWORKER, "Hoàng Văn Pao");
	struct relay_upstream_result u;

	/* a joined before this one was invited */
	province_sync(&h->p, a);
	snprintf(second.dir, sizeof(second.dir), "%s/hub2", h->p.dir);
	province_hub_invite(&second, "06001", second.dir);
	province_hub_up(&second);
	assert_int_equal(province_hub_try_upstream(&second, h->p.url, &u), RC_OK);
	province_meet(&h->p);
	assert_int_equal(province_hub_try_upstream(&second, h->p.url, &u), RC_OK);
	province_add(a, "person", PROVINCE_PERSON);
	assert_int_equal(sync_at(a, second.url).hub_entries, 1);
	/* what is with a hub that burns is handed in at the next one again */
	assert_int_equal(sync_at(a, h->url).sent_entries, 1);
	assert_int_equal(province_hub_upstream(h).frames_up, 1);
	assert_int_equal(sync_at(a, h->url).receipt_level, 1);
	province_hub_down(&second);
	workspace_close(a);
}

static void
what_others_wrote_is_handed_over_too(void **state)
{
	struct province_hub *h = *state;
	struct workspace *far = province_device(&h->p, "06002", ROLE_CASEWORKER, "Vi Thị Mai");
	struct workspace *a = province_device(&h->p, "06001", ROLE_CASEWORKER, "Hoàng Văn Pao");
	struct workspace *colleague = province_device(&h->p, "06002", ROLE_CASEWORKER, "Lý A Sáng");
	struct replica_sync_result r;
	struct bytes stick;
	struct error err = { 0 };

	bytes_init(&stick);
	province_add(far, "outreach", PROVINCE_VISIT);
	assert_int_equal(replica_bundle_write(far->replica, &stick, &r, &err), RC_OK);
	assert_int_equal(replica_bundle_read(a->replica, "stick", stick.data, stick.len, &r, &err), RC_OK);
	assert_int_equal(sync_at(a, h->url).sent_frames, 1);
	assert_int_equal(sync_at(a, h->url).sent_frames, 0);
	province_hub_upstream(h);
	assert_int_equal(province_sync(&h->p, colleague).received_entries, 1);
	/* its author gets the receipts where it comes next */
	r = sync_at(far, h->url);
	assert_int_equal(r.receipt_level, 1);
	assert_int_equal(province_status(far).unsent_entries, 0);
	/* where the province answers, what is carried is named and found to be there */
	r = province_sync(&h->p, a);
	bytes_reset(&stick);
	workspace_close(far);
	workspace_close(a);
	workspace_close(colleague);
}

static void
new_epochs_and_retirements_come_down(void **state)
{
	struct province_hub *h = *state;
	struct workspace *a = province_device(&h->p, "06001", ROLE_CASEWORKER, "Hoàng Văn Pao");
	struct workspace *b = province_device(&h->p, "06001", ROLE_CASEWORKER, "Nông Thị Lan");
	struct replica_sync_result r;
	struct error err = { 0 };

	province_add(a, "outreach", PROVINCE_VISIT);
	province_add(b, "outreach", PROVINCE_VISIT);
	sync_at(a, h->url);
	sync_at(b, h->url);
	province_hub_upstream(h);
	province_meet(&h->p);
	province_hub_upstream(h);
	province_retire(&h->p, b);
	/* as long as the hub does not know, it serves; then no more */
	assert_int_equal(workspace_sync(b, h->url, &r, &err), RC_OK);
	province_hub_upstream(h);
	province_add(a, "person", PROVINCE_PERSON);
	sync_at(a, h->url);
	province_add(a, "outreach", PROVINCE_VISIT);
	sync_at(a, h->url);
	assert_int_equal(directory_scope_key(replica_directory(a->replica), "06001", 1)->epoch, 2);
	assert_int_equal(province_count(a, "SELECT count(*) FROM scope_secret WHERE epoch = 2"), 2);
	error_clear(&err);
	(void)!workspace_sync(b, h->url, &r, &err);
	assert_true(r.received_entries == 0);
	province_hub_upstream(h);
	workspace_close(a);
	workspace_close(b);
}

static void
a_cut_anywhere_costs_a_repeat(void **state)
{
	struct province_hub *h = *state;
	struct workspace *a = province_device(&h->p, "06001", ROLE_CASEWORKER, "Hoàng Văn Pao");
	struct workspace *b = province_device(&h->p, "06001", ROLE_CASEWORKER, "Nông Thị Lan");
	struct cut_proxy *proxy = cut_proxy_open(h->p.url);
	struct relay_upstream_result r;
	enum rc rc = RC_NET;
	int tries = 0;

	for (int i = 0; i < 5; i++) {
		province_add(a, "outreach", PROVINCE_VISIT);
		sync_at(a, h->url);
		province_add(b, "person", PROVINCE_PERSON);
		province_sync(&h->p, b);
	}
	for (size_t cut = 0; rc != RC_OK && cut < 6000; cut += 61, tries++) {
		cut_proxy_allow(proxy, cut % 2 ? cut : CUT_PROXY_WHOLE, cut % 2 ? CUT_PROXY_WHOLE : cut);
		rc = province_hub_try_upstream(h, cut_proxy_url(proxy), &r);
	}
	assert_int_equal(rc, RC_OK);
	assert_true(tries > 5);
	province_hub_upstream(h);
	sync_at(a, h->url);
	province_sync(&h->p, b);
	assert_int_equal(province_status(a).records, 10);
	assert_true(province_same_fold(a, b));
	assert_int_equal(province_status(a).unsent_entries, 0);
	cut_proxy_close(proxy);
	workspace_close(a);
	workspace_close(b);
}

static void
what_the_province_has_is_named_and_not_sent_again(void **state)
{
	struct province_hub *h = *state;
	struct workspace *a = province_device(&h->p, "06001", ROLE_CASEWORKER, "Hoàng Văn Pao");

	for (int i = 0; i < 60; i++) {
		province_add(a, "outreach", PROVINCE_VISIT);
		sync_at(a, h->url);
	}
	assert_int_equal(province_hub_upstream(h).frames_up, 60);
	/* put back from a backup of today: all is offered once more */
	province_stop_relay(&h->p);
	assert_int_equal(depot_renew_generation(h->p.depot), RC_OK);
	province_serve(&h->p);
	assert_int_equal(province_hub_upstream(h).frames_up, 0);
	workspace_close(a);
}

static void
copy_folder(const char *from, const char *to)
{
	char command[1200];

	snprintf(command, sizeof(command), "rm -rf '%s' && cp -r '%s' '%s'", to, from, to);
	assert_int_equal(system(command), 0);
}

static void
a_hub_put_back_from_an_old_backup_loses_nothing(void **state)
{
	struct province_hub *h = *state;
	struct workspace *a = province_device(&h->p, "06001", ROLE_CASEWORKER, "Hoàng Văn Pao");
	struct workspace *b = province_device(&h->p, "06001", ROLE_CASEWORKER, "Nông Thị Lan");
	struct depot *depot = NULL;
	struct error err = { 0 };
	char old[330];

	province_add(a, "outreach", PROVINCE_VISIT);
	sync_at(a, h->url);
	province_hub_upstream(h);
	province_hub_down(h);
	snprintf(old, sizeof(old), "%s-old", h->dir);
	copy_folder(h->dir, old);
	province_hub_up(h);
	/* one that was handed on since, one that was not yet */
	province_add(a, "outreach", PROVINCE_VISIT);
	sync_at(a, h->url);
	province_hub_upstream(h);
	province_add(a, "person", PROVINCE_PERSON);
	sync_at(a, h->url);
	province_hub_down(h);
	copy_folder(old, h->dir);
	assert_int_equal(depot_open(h->dir, &depot, &err), RC_OK);
	assert_int_equal(depot_renew_generation(depot), RC_OK);
	depot_close(depot);
	province_hub_up(h);
	sync_at(a, h->url);
	province_hub_upstream(h);
	sync_at(a, h->url);
	assert_int_equal(province_status(a).unsent_entries, 0);
	assert_int_equal(province_sync(&h->p, b).received_entries, 3);
	assert_true(province_same_fold(a, b));
	workspace_close(a);
	workspace_close(b);
}

static void
a_province_put_back_is_filled_again_by_its_hub(void **state)
{
	struct province_hub *h = *state;
	struct workspace *a = province_device(&h->p, "06001", ROLE_CASEWORKER, "Hoàng Văn Pao");
	struct workspace *b = province_device(&h->p, "06001", ROLE_CASEWORKER, "Nông Thị Lan");
	struct workspace *c;
	struct error err = { 0 };
	char dir[300], old[330];

	snprintf(dir, sizeof(dir), "%s/relay", h->p.dir);
	snprintf(old, sizeof(old), "%s-old", dir);
	province_meet(&h->p);
	province_stop_relay(&h->p);
	depot_close(h->p.depot);
	copy_folder(dir, old);
	assert_int_equal(depot_open(dir, &h->p.depot, &err), RC_OK);
	province_serve(&h->p);
	province_add(a, "outreach", PROVINCE_VISIT);
	province_add(b, "outreach", PROVINCE_VISIT);
	sync_at(a, h->url);
	province_sync(&h->p, b);
	province_hub_upstream(h);
	province_stop_relay(&h->p);
	depot_close(h->p.depot);
	copy_folder(old, dir);
	assert_int_equal(depot_open(dir, &h->p.depot, &err), RC_OK);
	assert_int_equal(depot_renew_generation(h->p.depot), RC_OK);
	province_serve(&h->p);
	province_hub_upstream(h);
	c = province_device(&h->p, "06001", ROLE_CASEWORKER, "Triệu Thị Dao");
	assert_int_equal(province_sync(&h->p, c).received_entries, 2);
	workspace_close(a);
	workspace_close(b);
	workspace_close(c);
}

static void
a_receipt_that_was_lost_comes_by_the_hub(void **state)
{
	struct province_hub *h = *state;
	struct workspace *a = province_device(&h->p, "06001", ROLE_CASEWORKER, "Hoàng Văn Pao");
	struct error err = { 0 };

	sync_at(a, h->url);
	province_add(a, "outreach", PROVINCE_VISIT);
	province_sync(&h->p, a);
	/* as if the answer had been cut off; from now on a comes to the hub alone, which has the frame */
	assert_int_equal(query_run(vault_db(a->vault), &err, "UPDATE frame SET state = ?1", "i",
	    (int64_t)REPLICA_UNSENT), RC_OK);
	assert_int_equal(province_hub_upstream(h).frames_down, 1);
	assert_int_equal(sync_at(a, h->url).hub_entries, 1);
	assert_int_equal(province_status(a).unsent_entries, 1);
	province_hub_upstream(h);
	sync_at(a, h->url);
	assert_int_equal(province_status(a).unsent_entries, 0);
	workspace_close(a);
}

static void
put_province_back(struct province_hub *h, const char *dir, const char *old)
{
	struct error err = { 0 };

	province_stop_relay(&h->p);
	depot_close(h->p.depot);
	copy_folder(old, dir);
	assert_int_equal(depot_open(dir, &h->p.depot, &err), RC_OK);
	assert_int_equal(depot_renew_generation(h->p.depot), RC_OK);
	province_serve(&h->p);
}

/* The province set a frame aside when the hub handed it on, without a receipt, and counts it by now. */
static void
what_the_province_did_not_answer_for_is_handed_on_again(void **state)
{
	struct province_hub *h = *state;
	struct workspace *a = province_device(&h->p, "06001", ROLE_CASEWORKER, "Hoàng Văn Pao");
	const uint8_t *self = replica_device(a->replica);
	struct error err = { 0 };

	sync_at(a, h->url);
	province_add(a, "outreach", PROVINCE_VISIT);
	sync_at(a, h->url);
	/* passed over once: what came from the province is not handed on */
	assert_int_equal(depot_sql_run(&h->own->sql, "UPDATE frame SET carrier = ?2 WHERE author = ?1", "bb",
	    self, (size_t)16, depot_identity(h->p.served)->device, (size_t)16), RC_OK);
	assert_int_equal(province_hub_upstream(h).frames_up, 0);
	assert_int_equal(depot_sql_run(&h->own->sql, "UPDATE frame SET carrier = ?1 WHERE author = ?1", "b",
	    self, (size_t)16), RC_OK);
	assert_int_equal(province_hub_upstream(h).frames_up, 0);
	/* the author hands it in once more, as when it learns that the province was put back */
	assert_int_equal(query_run(vault_db(a->vault), &err, "UPDATE frame SET forward = 0", ""), RC_OK);
	sync_at(a, h->url);
	assert_int_equal(province_hub_upstream(h).frames_up, 1);
	sync_at(a, h->url);
	assert_int_equal(province_status(a).unsent_entries, 0);
	workspace_close(a);
}

static void
what_only_the_province_had_when_it_was_put_back_is_handed_in_at_the_hub(void **state)
{
	struct province_hub *h = *state;
	struct workspace *a = province_device(&h->p, "06001", ROLE_CASEWORKER, "Hoàng Văn Pao");
	struct workspace *b = province_device(&h->p, "06001", ROLE_CASEWORKER, "Nông Thị Lan");
	struct error err = { 0 };
	char dir[300], old[330];

	snprintf(dir, sizeof(dir), "%s/relay", h->p.dir);
	snprintf(old, sizeof(old), "%s-old", dir);
	sync_at(b, h->url);
	province_meet(&h->p);
	province_stop_relay(&h->p);
	depot_close(h->p.depot);
	copy_folder(dir, old);
	assert_int_equal(depot_open(dir, &h->p.depot, &err), RC_OK);
	province_serve(&h->p);
	/* the hub gets neither; b has met it before, a never; neither ever meets the province again */
	province_add(a, "outreach", PROVINCE_VISIT);
	province_sync(&h->p, a);
	province_add(b, "outreach", PROVINCE_VISIT);
	province_sync(&h->p, b);
	put_province_back(h, dir, old);
	province_hub_upstream(h);
	sync_at(a, h->url);
	sync_at(b, h->url);
	assert_int_equal(province_hub_upstream(h).frames_up, 2);
	sync_at(a, h->url);
	sync_at(b, h->url);
	assert_int_equal(province_status(a).records, 2);
	assert_true(province_same_fold(a, b));
	assert_int_equal(province_status(a).unsent_entries, 0);
	workspace_close(a);
	workspace_close(b);
}

/* A closed case that left when the province held it, and the province was spoken with last. */
static void
what_left_and_is_fetched_comes_from_the_hub_too(void **state)
{
	struct province_hub *h = *state;
	struct workspace *a = province_device(&h->p, "06001", ROLE_CASEWORKER, "Hoàng Văn Pao");
	struct workspace *holder = province_device(&h->p, "20", ROLE_HOLDER, "Sở Y tế");
	struct replica_purge_counts left;
	struct dot who = province_add(a, "person", PROVINCE_PERSON), case_id;
	struct error err = { 0 };
	char id[DOT_TEXT_MAX];
	const char *closed[] = { "person_id", id, "recv_channel", "SELF_COMMUNE", "recv_date",
		"2025-03-01", "ident_result", "VICTIM", "ident_org", "Công an tỉnh", "ident_doc_no", "12/QĐ",
		"ident_date", "2025-04-01", "risk_level", "LOW", "narrative", "Bị lừa qua biên giới.",
		"close_reason", "REINTEGRATED", "closed_on", "2025-06-30", NULL };
	uint64_t again = 0;
	size_t n;

	dot_text(&who, id);
	province_sync(&h->p, holder);
	province_meet(&h->p);
	case_id = province_add(a, "case", closed);
	sync_at(a, h->url);
	province_hub_upstream(h);
	province_sync(&h->p, holder);
	assert_int_equal(replica_sign_held(holder->replica, &n, &err), RC_OK);
	province_sync(&h->p, holder);
	sync_at(a, h->url);
	province_sync(&h->p, a);
	assert_int_equal(replica_purge(a->replica, 90, &left, &err), RC_OK);
	assert_int_equal(left.cases, 1);
	assert_int_equal(replica_fetch(a->replica, &case_id, &again, &err), RC_OK);
	assert_int_equal(sync_at(a, h->url).received_entries, 2);
	assert_int_equal(province_status(a).records, 2);
	assert_true(province_same_fold(a, holder));
	workspace_close(a);
	workspace_close(holder);
}

/* The disk is full in the middle of the switch: a trigger stands for it. */
static void
what_stops_between_two_relays_leaves_the_cursor_of_the_first(void **state)
{
	struct province_hub *h = *state;
	struct workspace *a = province_device(&h->p, "06001", ROLE_CASEWORKER, "Hoàng Văn Pao");
	struct replica_sync_result out;
	struct error err = { 0 };
	uint64_t lanes;

	province_sync(&h->p, a);
	sync_at(a, h->url);
	province_sync(&h->p, a);
	lanes = province_count(a, "SELECT count(*) FROM lane");
	assert_true(lanes > 0);
	assert_int_equal(sqlite3_exec(vault_db(a->vault), "CREATE TRIGGER full BEFORE INSERT ON lane"
	    " BEGIN SELECT RAISE(ABORT, 'full'); END", NULL, NULL, NULL), SQLITE_OK);
	assert_int_not_equal(workspace_sync(a, h->url, &out, &err), RC_OK);
	assert_int_equal(sqlite3_exec(vault_db(a->vault), "DROP TRIGGER full", NULL, NULL, NULL),
	    SQLITE_OK);
	assert_int_equal(province_count(a, "SELECT count(*) FROM lane"), lanes);
	assert_int_equal(province_count(a, "SELECT count(*) FROM setting WHERE name = 'position'"), 1);
	province_sync(&h->p, a);
	workspace_close(a);
}

static void
a_hub_that_was_retired_is_told_so(void **state)
{
	struct province_hub *h = *state;
	struct workspace *a = province_device(&h->p, "06001", ROLE_CASEWORKER, "Hoàng Văn Pao");
	struct relay_upstream_result r;
	struct replica_sync_result s;
	struct error err = { 0 };
	size_t n = 0;

	assert_int_equal(authority_retire(h->p.authority, h->device, "mất trạm", &n, &err), RC_OK);
	assert_int_equal(n, 0);		/* it could open nothing */
	province_meet(&h->p);
	assert_int_equal(province_hub_try_upstream(h, h->p.url, &r), RC_DENIED);
	province_sync(&h->p, a);
	province_add(a, "outreach", PROVINCE_VISIT);
	assert_int_not_equal(workspace_sync(a, h->url, &s, &err), RC_OK);
	assert_int_equal(province_status(a).unsent_entries, 1);
	assert_int_equal(province_sync(&h->p, a).sent_entries, 1);
	workspace_close(a);
}

#define T(name) cmocka_unit_test_setup_teardown(name, province_hub_set_up,\
    province_hub_tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(goes_by_hub_and_province_to_a_laptop_and_back),
		T(a_laptop_that_never_heard_of_the_hub_learns_of_it_there),
		T(what_others_wrote_is_handed_over_too),
		T(new_epochs_and_retirements_come_down),
		T(a_cut_anywhere_costs_a_repeat),
		T(what_the_province_has_is_named_and_not_sent_again),
		T(a_hub_put_back_from_an_old_backup_loses_nothing),
		T(a_province_put_back_is_filled_again_by_its_hub),
		T(a_receipt_that_was_lost_comes_by_the_hub),
		T(what_the_province_did_not_answer_for_is_handed_on_again),
		T(what_only_the_province_had_when_it_was_put_back_is_handed_in_at_the_hub),
		T(what_left_and_is_fetched_comes_from_the_hub_too),
		T(what_stops_between_two_relays_leaves_the_cursor_of_the_first),
		T(a_hub_that_was_retired_is_told_so),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
