#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "shared/vault/secret.h"
#include "sync-server/authority.h"
#include "tests/support/province_stick.h"
#include "tests/support/relay_world.h"

/*
 * Who may read and write what when a role or unit was changed (sync-server assign).  A role that
 * grows: test_replica_standing; work from before a move: there, and in test_relay_aside.
 */

static const char *const tip[] = { "full_name", "Nghe nói ở chợ", "sex", "F", NULL };

static void
assign(struct province *p, struct workspace *ws, const char *unit, enum identity_role role)
{
	struct error err = { 0 };
	size_t rotated;

	assert_int_equal(authority_assign(p->authority, replica_device(ws->replica), unit, role, &rotated,
	    &err), RC_OK);
	assert_true(rotated > 0);
	province_meet(p);
}

static void
a_role_that_shrank_gets_no_frame_and_no_key_of_what_it_lost(void **state)
{
	struct province *p = *state;
	struct workspace *a = province_device(p, "06001", ROLE_CASEWORKER, "Hoàng Văn Pao");
	struct workspace *b = province_device(p, "06001", ROLE_CASEWORKER, "Nông Thị Lan");
	struct workspace *boss = province_device(p, "20", ROLE_SUPERVISOR, "Trần Văn Hải");

	province_add(b, "person", PROVINCE_PERSON);
	province_sync(p, b);
	province_sync(p, a);
	province_sync(p, boss);
	assert_int_equal(province_status(a).records, 1);
	province_meet(p);
	assign(p, a, "06001", ROLE_COMMUNICATOR);
	province_sync(p, b);
	province_add(b, "person", PROVINCE_PERSON);
	province_add(b, "outreach", PROVINCE_VISIT);
	province_sync(p, b);
	/* of two frames it gets the one of the activities, and nothing that it could not open */
	assert_int_equal(province_sync(p, a).received_frames, 1);
	assert_int_equal(province_status(a).records, 2);
	assert_int_equal(province_status(a).waiting, 0);
	assert_int_equal(province_count(a, "SELECT count(*) FROM scope_secret"
	    " WHERE compartment = 1 AND epoch > 1"), 0);
	/* nor from a stick */
	province_stick_carry(b, a);
	assert_int_equal(province_status(a).records, 2);
	assert_int_equal(province_count(a, "SELECT count(*) FROM scope_secret"
	    " WHERE compartment = 1 AND epoch > 1"), 0);
	/* those above and beside go on reading */
	province_sync(p, boss);
	assert_int_equal(province_status(boss).records, 3);
	workspace_close(a);
	workspace_close(b);
	workspace_close(boss);
}

static void
an_assignment_taken_away_ends_access_with_the_next_epoch(void **state)
{
	struct province *p = *state;
	struct workspace *a = province_device(p, "06001", ROLE_CASEWORKER, "Hoàng Văn Pao");
	struct workspace *b = province_device(p, "06001", ROLE_CASEWORKER, "Nông Thị Lan");
	struct error err = { 0 };

	province_sync(p, a);
	province_sync(p, b);
	province_meet(p);
	assign(p, a, "06002", ROLE_CASEWORKER);
	province_add(b, "outreach", PROVINCE_VISIT);	/* b has not heard: the old key */
	assert_int_equal(replica_seal(b->replica, 1 << 16, 0, &err), RC_OK);
	province_stick_carry(b, a);
	assert_int_equal(province_status(a).records, 1);
	province_sync(p, b);
	province_add(b, "outreach", PROVINCE_VISIT);
	province_add(b, "person", PROVINCE_PERSON);
	province_sync(p, b);
	assert_int_equal(province_sync(p, a).received_frames, 0);
	province_stick_carry(b, a);
	assert_int_equal(province_status(a).records, 1);
	assert_int_equal(province_count(a, "SELECT count(*) FROM scope_secret"
	    " WHERE unit = '06001' AND epoch > 1"), 0);
	/* in its new unit it reads */
	assert_true(province_count(a, "SELECT count(*) FROM scope_secret WHERE unit = '06002'") >= 2);
	workspace_close(a);
	workspace_close(b);
}

/* Its author's laptop was put back to before it was written: not even then. */
static void
a_tip_comes_back_to_its_author_by_no_way(void **state)
{
	struct province *p = *state;
	struct workspace *a = province_device(p, "06001", ROLE_COMMUNICATOR, "Mông Thị Tâm");
	struct workspace *b = province_device(p, "06001", ROLE_CASEWORKER, "Nông Thị Lan");
	char dir[300], command[1100];

	province_sync(p, a);
	province_sync(p, b);
	province_meet(p);
	workspace_close(a);
	province_device_dir(p, 0, dir);
	snprintf(command, sizeof(command), "cp -r '%s' '%s-old'", dir, dir);
	assert_int_equal(system(command), 0);
	a = province_open(p, dir);
	province_add(a, "person", tip);
	assert_int_equal(province_status(a).records, 0);
	province_sync(p, a);
	province_sync(p, b);
	assert_int_equal(province_status(b).records, 1);
	workspace_close(a);
	snprintf(command, sizeof(command), "rm -r '%s' && mv '%s-old' '%s'", dir, dir, dir);
	assert_int_equal(system(command), 0);
	a = province_open(p, dir);
	assert_int_equal(province_sync(p, a).received_frames, 0);
	province_stick_carry(b, a);
	assert_int_equal(province_status(a).records, 0);
	assert_int_equal(province_count(a, "SELECT count(*) FROM entry"), 0);
	assert_int_equal(province_count(a, "SELECT count(*) FROM scope_secret WHERE compartment = 1"), 0);
	workspace_close(a);
	workspace_close(b);
}

/* Knowing that it may not, it wrote in the unit that it had left; a person lets it pass. */
/* The authority alone knows of it so far. */
static void
assign_in_secret(struct province *p, struct workspace *ws, enum identity_role role)
{
	struct error err = { 0 };
	size_t rotated;

	assert_int_equal(authority_assign(p->authority, replica_device(ws->replica), "06001", role, &rotated,
	    &err), RC_OK);
}

/* What a new invitation brings, before the relay has it. */
static void
bring_news(struct province *p, struct workspace *ws)
{
	struct authority_invite invite = { "06001", ROLE_CASEWORKER, "Lý A Sáng", 14, p->url, "" };
	struct invitation_parcel parcel;
	struct secret *code = NULL;
	struct error err = { 0 };
	struct bytes file = { 0 };
	uint8_t id[16];

	assert_int_equal(authority_invite(p->authority, &invite, id, &file, &code, &err), RC_OK);
	assert_int_equal(identity_parcel_open(file.data, file.len, code, &parcel, &err), RC_OK);
	for (size_t i = 0; i < parcel.n_statements; i++)
		province_take(ws, ITEM_STATEMENT, &parcel.statements[i]);
	identity_parcel_reset(&parcel);
	bytes_reset(&file);
	secret_free(code);
}

static void
a_relay_that_hears_of_a_role_from_its_device_serves_all_of_it(void **state)
{
	struct province *p = *state;
	struct workspace *a = province_device(p, "06001", ROLE_CASEWORKER, "Hoàng Văn Pao");
	struct workspace *b = province_device(p, "06001", ROLE_COMMUNICATOR, "Nông Thị Lan");

	province_add(a, "person", PROVINCE_PERSON);
	province_sync(p, a);
	province_sync(p, b);
	province_meet(p);
	assign_in_secret(p, b, ROLE_CASEWORKER);
	bring_news(p, b);
	province_sync(p, b);
	province_meet(p);
	province_sync(p, b);
	assert_int_equal(province_status(b).records, 1);
	workspace_close(a);
	workspace_close(b);
}

static void
what_was_carried_is_read_by_who_may_by_then(void **state)
{
	struct province *p = *state;
	struct workspace *a = province_device(p, "06001", ROLE_CASEWORKER, "Hoàng Văn Pao");
	struct workspace *b = province_device(p, "06001", ROLE_COMMUNICATOR, "Nông Thị Lan");
	struct workspace *c = province_device(p, "06001", ROLE_COMMUNICATOR, "Lý A Sáng");

	province_sync(p, a);
	province_sync(p, b);
	province_sync(p, c);
	province_meet(p);
	province_add(a, "person", PROVINCE_PERSON);
	province_stick_carry(a, b);
	assign_in_secret(p, b, ROLE_CASEWORKER);
	province_meet(p);
	/* it hears of its new role from a colleague, and hands in what it carries */
	province_sync(p, c);
	province_stick_carry(c, b);
	province_sync(p, b);
	province_sync(p, b);
	assert_int_equal(province_status(b).records, 1);
	workspace_close(a);
	workspace_close(b);
	workspace_close(c);
}

static void
a_tip_stays_with_who_is_given_a_role_that_reads_it(void **state)
{
	struct province *p = *state;
	struct workspace *holder = province_device(p, "20", ROLE_HOLDER, "Sở Y tế");
	struct workspace *a = province_device(p, "06001", ROLE_COMMUNICATOR, "Hoàng Văn Pao");
	struct error err = { 0 };
	size_t n;

	province_sync(p, holder);
	province_meet(p);
	province_add(a, "person", tip);
	province_sync(p, a);
	province_sync(p, holder);
	province_meet(p);
	assert_int_equal(replica_sign_held(holder->replica, &n, &err), RC_OK);
	assign_in_secret(p, a, ROLE_CASEWORKER);
	province_meet(p);
	province_sync(p, holder);
	/* one stick tells it of its new role, and that the tip is held */
	province_stick_carry(holder, a);
	assert_int_equal(province_count(a, "SELECT count(*) FROM held"), 1);
	assert_int_equal(province_count(a, "SELECT count(*) FROM entry WHERE body IS NULL"), 0);
	province_sync(p, a);
	assert_int_equal(province_status(a).records, 1);
	assert_int_equal(province_count(a, "SELECT count(*) FROM entry WHERE body IS NULL"), 0);
	workspace_close(holder);
	workspace_close(a);
}

static void
what_is_written_after_the_news_is_kept_aside_and_can_be_released(void **state)
{
	struct world w;
	struct worker k, reader;
	struct bytes items = { 0 }, late, payload = { 0 };
	struct meeting m;
	struct heard a;
	uint8_t id[FRAME_ID_BYTES];

	(void)state;
	world_open(&w);
	worker_join(&w, "24.1.1", ROLE_CASEWORKER, &k);
	worker_join(&w, "24.1.1", ROLE_CASEWORKER, &reader);
	worker_sync(&k, NULL, &a);
	heard_reset(&a);
	directory_write_assign(k.device.identity.device, "24.1.2", ROLE_CASEWORKER, &payload);
	small_province_say(&w.province, STATEMENT_ASSIGN, &payload);
	assert_int_equal(world_exchange(&w, NULL, &m), RC_OK);
	meeting_reset(&m);
	k.directory_seq = directory_count(w.province.d) - 1;
	late = worker_put_frame(&k, &items);
	worker_sync(&k, &items, &a);
	assert_int_equal(a.welcome.quarantined, 1);
	assert_false(heard_receipts(&a, &late));
	heard_reset(&a);
	worker_sync(&reader, NULL, &a);
	assert_false(heard_serves(&a, &late));
	heard_reset(&a);
	bytes_reset(&items);
	frame_id(late.data, late.len, id);
	bytes_varint(&payload, 1);
	bytes_put(&payload, id, sizeof(id));
	exchange_put(&items, ITEM_RELEASE, payload.data, payload.len);
	assert_int_equal(world_exchange(&w, &items, &m), RC_OK);
	assert_int_equal(m.n_aside, 0);
	meeting_reset(&m);
	worker_sync(&reader, NULL, &a);
	assert_true(heard_serves(&a, &late));
	heard_reset(&a);
	worker_sync(&k, NULL, &a);	/* who wrote it does not read there any more */
	assert_false(heard_serves(&a, &late));
	heard_reset(&a);
	bytes_reset(&items);
	bytes_reset(&late);
	bytes_reset(&payload);
	worker_close(&k);
	worker_close(&reader);
	world_close(&w);
}

#define T(name) cmocka_unit_test_setup_teardown(name, province_set_up, province_tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(a_role_that_shrank_gets_no_frame_and_no_key_of_what_it_lost),
		T(an_assignment_taken_away_ends_access_with_the_next_epoch),
		T(a_tip_comes_back_to_its_author_by_no_way),
		T(a_relay_that_hears_of_a_role_from_its_device_serves_all_of_it),
		T(what_was_carried_is_read_by_who_may_by_then),
		T(a_tip_stays_with_who_is_given_a_role_that_reads_it),
		T(what_is_written_after_the_news_is_kept_aside_and_can_be_released),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
