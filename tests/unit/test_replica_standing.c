#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "shared/records/journal.h"
#include "shared/sync/exchange.h"
#include "shared/sync/replica_internal.h"
#include "shared/vault/secret.h"
#include "shared/vault/vault.h"
#include "sync-server/authority.h"
#include "sync-server/authority_internal.h"
#include "sync-server/depot_internal.h"
#include "tests/support/province.h"

/* Devices whose standing changes, logs that fork, units and roles that grow. */

static void
say_of(struct province *p, enum statement_type type, const uint8_t device[16],
    const struct bytes *cert)
{
	struct bytes payload;
	struct error err = { 0 };
	uint64_t seq;

	bytes_init(&payload);
	if (type == STATEMENT_ADMIT)
		directory_write_admit(cert, 1, &payload);
	else
		directory_write_refuse(device, "kiểm tra", &payload);
	assert_int_equal(authority_begin(p->authority, &err), RC_OK);
	assert_int_equal(authority_end(p->authority, authority_statement(p->authority, type,
	    &payload, &seq, &err), &err), RC_OK);
	bytes_reset(&payload);
	province_meet(p);
}

static void
a_refused_device_that_is_admitted_after_all_counts_everywhere_again(void **state)
{
	struct province *p = *state;
	struct workspace *a = province_device(p, "06001", ROLE_CASEWORKER, "Hoàng Văn Pao");
	struct workspace *early = province_device(p, "06001", ROLE_CASEWORKER, "Nông Thị Lan");
	struct workspace *late = province_device(p, "06001", ROLE_CASEWORKER, "Lý A Sáng");
	struct bytes frame, cert;

	bytes_init(&frame);
	bytes_init(&cert);
	province_certificate(a, &cert);
	province_add(a, "outreach", PROVINCE_VISIT);
	province_sealed_frame(a, &frame);
	province_sync(p, a);
	province_sync(p, early);
	assert_int_equal(province_status(early).records, 1);
	say_of(p, STATEMENT_REFUSE, replica_device(a->replica), NULL);
	province_sync(p, early);
	province_sync(p, late);
	province_take(late, ITEM_FRAME, &frame);	/* by a stick, after the refusal */
	assert_int_equal(province_status(early).records, 0);
	assert_int_equal(province_status(late).records, 0);
	say_of(p, STATEMENT_ADMIT, NULL, &cert);
	province_sync(p, early);
	province_sync(p, late);
	assert_int_equal(province_status(early).records, 1);
	assert_int_equal(province_status(late).records, 1);
	assert_int_equal(province_status(late).quarantined, 0);
	assert_true(province_same_fold(early, late));
	assert_true(province_same_fold(early, a));
	bytes_reset(&frame);
	bytes_reset(&cert);
	workspace_close(a);
	workspace_close(early);
	workspace_close(late);
}

/* Another certificate of the same device, on an invitation to another unit. */
static void
certify_again(struct province *p, struct workspace *a, struct bytes *cert)
{
	struct authority_invite invite = { "06002", ROLE_COMMUNICATOR, "Hoàng Văn Pao", 14, p->url, "" };
	struct invitation_parcel parcel;
	struct secret *code = NULL;
	struct bytes file;
	struct error err = { 0 };
	uint8_t id[16];

	bytes_init(&file);
	assert_int_equal(authority_invite(p->authority, &invite, id, &file, &code, &err), RC_OK);
	assert_int_equal(identity_parcel_open(file.data, file.len, code, &parcel, &err), RC_OK);
	assert_int_equal(identity_certificate_make(&a->replica->identity, parcel.invitation.data,
	    parcel.invitation.len, parcel.seed, p->now, (const uint8_t *)"x", 1, cert), RC_OK);
	identity_parcel_reset(&parcel);
	secret_free(code);
	bytes_reset(&file);
}

static void
of_two_certificates_every_replica_takes_the_same(void **state)
{
	struct province *p = *state;
	struct workspace *a = province_device(p, "06001", ROLE_CASEWORKER, "Hoàng Văn Pao");
	struct workspace *ws[2];
	struct bytes certs[2];
	uint8_t device[16];
	char dir[300], units[2][IDENTITY_UNIT_MAX + 1];

	bytes_init(&certs[0]);
	bytes_init(&certs[1]);
	province_certificate(a, &certs[0]);
	certify_again(p, a, &certs[1]);
	memcpy(device, replica_device(a->replica), sizeof(device));
	for (unsigned i = 0; i < 2; i++) {
		ws[i] = province_device(p, "06001", ROLE_CASEWORKER, "Nông Thị Lan");
		province_take(ws[i], ITEM_CERTIFICATE, &certs[i]);
		province_take(ws[i], ITEM_CERTIFICATE, &certs[1 - i]);
		workspace_close(ws[i]);
		province_device_dir(p, 1 + i, dir);
		ws[i] = province_open(p, dir);
		strcpy(units[i], directory_device(replica_directory(ws[i]->replica), device)->unit);
		workspace_close(ws[i]);
	}
	assert_string_equal(units[0], units[1]);
	bytes_reset(&certs[0]);
	bytes_reset(&certs[1]);
	workspace_close(a);
}

/* A machine that was copied while the program ran: both go on with one log. */
static void
a_forked_log_ends_alike_everywhere_and_blocks_nothing(void **state)
{
	struct province *p = *state;
	struct workspace *a = province_device(p, "06001", ROLE_CASEWORKER, "Hoàng Văn Pao");
	struct workspace *b = province_device(p, "06001", ROLE_CASEWORKER, "Nông Thị Lan");
	struct workspace *c = province_device(p, "06001", ROLE_CASEWORKER, "Lý A Sáng");
	struct workspace *twin;
	struct journal_writer *own;
	struct journal_left_out left;
	struct replica_sync_result r;
	struct bytes stick;
	char dir[300], copy[330], command[800];
	struct error err = { 0 };

	bytes_init(&stick);
	province_add(a, "outreach", PROVINCE_VISIT);
	province_device_dir(p, 0, dir);
	snprintf(copy, sizeof(copy), "%s-copy", dir);
	snprintf(command, sizeof(command), "cp -r '%s' '%s'", dir, copy);
	assert_int_equal(system(command), 0);
	twin = province_open(p, copy);
	province_add(a, "outreach", PROVINCE_VISIT);
	p->now += 5;
	own = twin->writer;
	twin->writer = a->writer;
	province_add(twin, "outreach", PROVINCE_VISIT);
	province_add(twin, "outreach", PROVINCE_VISIT);
	twin->writer = own;
	assert_int_equal(replica_bundle_write(twin->replica, &stick, &r, &err), RC_OK);
	/* c hears of the other branch first */
	assert_int_equal(replica_bundle_read(c->replica, "stick", stick.data, stick.len, &r, &err),
	    RC_OK);
	province_sync(p, a);
	province_sync(p, b);
	province_sync(p, twin);
	province_sync(p, a);
	/* they know: what each writes now is in logs of its own */
	province_add(a, "outreach", PROVINCE_VISIT);
	province_add(twin, "outreach", PROVINCE_VISIT);
	for (int i = 0; i < 2; i++) {
		province_sync(p, a);
		province_sync(p, twin);
		province_sync(p, b);
		province_sync(p, c);
	}
	assert_true(province_same_fold(a, b));
	assert_true(province_same_fold(twin, b));
	assert_true(province_same_fold(c, b));
	/* the one before the fork, and two after it */
	assert_int_equal(province_status(b).records, 3);
	assert_int_equal(journal_count_left_out(vault_db(b->vault), &left, &err), RC_OK);
	assert_int_equal(left.forked, 3);		/* kept, and counted */
	assert_true(province_count(b, "SELECT count(*) FROM event WHERE kind = 'fork'") >= 1);
	bytes_reset(&stick);
	workspace_close(a);
	workspace_close(b);
	workspace_close(c);
	workspace_close(twin);
}

static void
a_unit_that_is_new_below_a_supervisor_brings_all_of_its_work(void **state)
{
	static const char more[] =
	    "code,full_name_vi,name_vi,level,kind,parent_code\n"
	    "20,Tỉnh Lạng Sơn,Lạng Sơn,PROV,TINH,\n"
	    "06001,Xã Thử Một,Thử Một,COMM,XA,20\n"
	    "06002,Xã Thử Hai,Thử Hai,COMM,XA,20\n"
	    "06003,Xã Thử Ba,Thử Ba,COMM,XA,20\n";
	struct province *p = *state;
	struct workspace *office = province_device(p, "20", ROLE_SUPERVISOR, "Vi Thị Mai");
	struct workspace *old = province_device(p, "06001", ROLE_CASEWORKER, "Hoàng Văn Pao");
	struct workspace *new;
	struct authority_import units;
	struct error err = { 0 };

	province_add(old, "outreach", PROVINCE_VISIT);
	province_sync(p, old);
	province_sync(p, office);	/* its cursor is beyond 0 */
	assert_int_equal(authority_import_units(p->authority, "units.csv", (const uint8_t *)more,
	    sizeof(more) - 1, NULL, &units, &err), RC_OK);
	province_meet(p);
	new = province_device(p, "06003", ROLE_CASEWORKER, "Lý A Sáng");
	province_add(new, "outreach", PROVINCE_VISIT);
	province_sync(p, new);
	province_add(old, "outreach", PROVINCE_VISIT);
	province_sync(p, old);
	province_meet(p);
	province_sync(p, office);
	assert_int_equal(province_status(office).records, 3);
	assert_int_equal(province_status(office).waiting, 0);
	workspace_close(office);
	workspace_close(old);
	workspace_close(new);
}

static void
a_role_that_grows_brings_what_was_written_before(void **state)
{
	static const char *const person[] = { "full_name", "Đặng Thị Hòa", "sex", "F", NULL };
	struct province *p = *state;
	struct workspace *a = province_device(p, "06001", ROLE_COMMUNICATOR, "Hoàng Văn Pao");
	struct workspace *b = province_device(p, "06001", ROLE_CASEWORKER, "Nông Thị Lan");
	struct error err = { 0 };
	size_t n;

	province_add(a, "person", person);	/* it may write there, and not read */
	province_add(b, "person", person);
	province_sync(p, a);
	province_sync(p, b);
	province_sync(p, a);
	assert_int_equal(province_status(a).records, 0);
	province_meet(p);
	assert_int_equal(authority_assign(p->authority, replica_device(a->replica), "06001",
	    ROLE_CASEWORKER, &n, &err), RC_OK);
	province_meet(p);
	province_sync(p, a);
	province_sync(p, b);
	assert_int_equal(province_status(a).records, 2);
	assert_int_equal(province_status(a).waiting, 0);
	assert_true(province_same_fold(a, b));
	workspace_close(a);
	workspace_close(b);
}

/*
 * Only one frame goes with the first request on a line that is not known yet.  What is sealed after
 * that, when the news of the move has come, was written before it all the same; and so
 * again for the unit in between.
 */
static void
what_was_written_before_a_move_arrives_after_it(void **state)
{
	static const char *const person[] = { "full_name", "Đặng Thị Hòa", "sex", "F", NULL };
	struct province *p = *state;
	struct workspace *a = province_device(p, "06001", ROLE_CASEWORKER, "Nông Thị Lan");
	struct workspace *first = province_device(p, "06001", ROLE_CASEWORKER, "Hoàng Văn Pao");
	struct workspace *second = province_device(p, "06002", ROLE_CASEWORKER, "Lý Văn Sáng");
	struct error err = { 0 };
	struct replica_sync_result r;
	size_t n;

	province_sync(p, a);
	province_sync(p, first);
	province_sync(p, second);
	province_meet(p);
	province_add(a, "outreach", PROVINCE_VISIT);
	province_add(a, "person", person);
	assert_int_equal(authority_assign(p->authority, replica_device(a->replica), "06002",
	    ROLE_CASEWORKER, &n, &err), RC_OK);
	province_meet(p);
	r = province_sync(p, a);
	assert_int_equal(r.sent_frames, 2);
	assert_int_equal(r.relay_quarantined, 0);
	assert_int_equal(province_status(a).unsent_entries, 0);
	province_add(a, "outreach", PROVINCE_VISIT);
	province_add(a, "person", person);
	assert_int_equal(authority_assign(p->authority, replica_device(a->replica), "20",
	    ROLE_ANALYST, &n, &err), RC_OK);
	province_meet(p);
	assert_int_equal(province_sync(p, a).relay_quarantined, 0);
	province_sync(p, first);
	province_sync(p, second);
	assert_int_equal(province_status(first).records, 2);
	assert_int_equal(province_status(second).records, 2);
	assert_int_equal(province_status(first).quarantined, 0);
	assert_int_equal(province_status(second).quarantined, 0);
	workspace_close(a);
	workspace_close(first);
	workspace_close(second);
}

/* The relay's disk as it was before; a is not there to hand in its work again. */
static void
a_holder_fills_a_restored_relay_for_a_laptop_that_is_gone(void **state)
{
	struct province *p = *state;
	struct workspace *holder = province_device(p, "20", ROLE_HOLDER, "Sở Y tế");
	struct workspace *a = province_device(p, "06001", ROLE_CASEWORKER, "Hoàng Văn Pao");
	struct workspace *b = province_device(p, "06001", ROLE_CASEWORKER, "Nông Thị Lan");
	char command[1100];
	struct error err = { 0 };
	size_t n;

	province_sync(p, holder);
	province_sync(p, a);
	province_meet(p);
	province_stop_relay(p);
	depot_close(p->depot);
	snprintf(command, sizeof(command), "cp -r '%s/relay' '%s/relay-old'", p->dir, p->dir);
	assert_int_equal(system(command), 0);
	snprintf(command, sizeof(command), "%s/relay", p->dir);
	assert_int_equal(depot_open(command, &p->depot, &err), RC_OK);
	province_serve(p);
	province_add(a, "outreach", PROVINCE_VISIT);
	province_sync(p, a);
	province_sync(p, holder);
	assert_int_equal(replica_sign_held(holder->replica, &n, &err), RC_OK);
	province_sync(p, holder);
	province_stop_relay(p);
	depot_close(p->depot);
	snprintf(command, sizeof(command), "rm -r '%s/relay' && mv '%s/relay-old' '%s/relay'", p->dir,
	    p->dir, p->dir);
	assert_int_equal(system(command), 0);
	snprintf(command, sizeof(command), "%s/relay", p->dir);
	assert_int_equal(depot_open(command, &p->depot, &err), RC_OK);
	assert_int_equal(depot_renew_generation(p->depot), RC_OK);
	province_serve(p);
	province_sync(p, holder);
	province_sync(p, b);
	assert_int_equal(province_status(b).records, 1);
	/* and it says again what it holds: the relay had lost that too */
	assert_int_equal(replica_sign_held(holder->replica, &n, &err), RC_OK);
	assert_true(n >= 1);
	province_sync(p, holder);
	province_sync(p, a);
	assert_int_equal(province_status(a).receipt_level, 2);
	workspace_close(holder);
	workspace_close(a);
	workspace_close(b);
}

/* Its receipts are of the relay's other life: what it holds may be the only copy. */
static void
a_retired_device_hands_in_again_what_a_restored_relay_lost(void **state)
{
	struct province *p = *state;
	struct workspace *a = province_device(p, "06001", ROLE_CASEWORKER, "Hoàng Văn Pao");
	struct depot_counts counts;
	struct replica_sync_result r;
	struct error err = { 0 };

	province_sync(p, a);
	province_meet(p);
	province_add(a, "outreach", PROVINCE_VISIT);
	province_sync(p, a);
	assert_int_equal(province_status(a).unsent_entries, 0);
	province_retire(p, a);
	assert_int_equal(depot_renew_generation(p->depot), RC_OK);
	assert_int_equal(province_try_sync(p, a, &r, &err), RC_DENIED);
	assert_int_equal(province_status(a).unsent_entries, 1);
	assert_int_equal(sqlite3_exec(p->depot->sql.db, "DELETE FROM stream; DELETE FROM frame", NULL,
	    NULL, NULL), SQLITE_OK);
	error_clear(&err);
	assert_int_equal(province_try_sync(p, a, &r, &err), RC_DENIED);
	assert_int_equal(depot_count(p->depot, &counts), RC_OK);
	assert_int_equal(counts.aside, 1);
	workspace_close(a);
}

/* Two misfortunes: the laptop comes back from an old copy, then the relay from an old backup. */
static void
own_work_that_came_back_refills_a_restored_relay(void **state)
{
	struct province *p = *state;
	struct workspace *a = province_device(p, "06001", ROLE_CASEWORKER, "Hoàng Văn Pao");
	struct workspace *b = province_device(p, "06001", ROLE_CASEWORKER, "Nông Thị Lan");
	char dir[300], command[1100];

	province_sync(p, a);
	province_meet(p);
	workspace_close(a);
	province_device_dir(p, 0, dir);
	snprintf(command, sizeof(command), "cp -r '%s' '%s-old'", dir, dir);
	assert_int_equal(system(command), 0);
	a = province_open(p, dir);
	province_add(a, "outreach", PROVINCE_VISIT);
	province_sync(p, a);
	workspace_close(a);
	snprintf(command, sizeof(command), "rm -r '%s' && mv '%s-old' '%s'", dir, dir, dir);
	assert_int_equal(system(command), 0);
	a = province_open(p, dir);
	province_sync(p, a);
	assert_int_equal(province_status(a).records, 1);
	assert_int_equal(depot_renew_generation(p->depot), RC_OK);
	assert_int_equal(sqlite3_exec(p->depot->sql.db, "DELETE FROM stream; DELETE FROM frame", NULL,
	    NULL, NULL), SQLITE_OK);
	province_sync(p, a);
	province_sync(p, b);
	assert_int_equal(province_status(b).records, 1);
	workspace_close(a);
	workspace_close(b);
}

/* The restored relay counts certificates from an earlier number, and knows an older nonce. */
static void
a_laptop_that_is_new_after_a_restore_is_admitted(void **state)
{
	static const uint8_t nonce[16] = { 1 };
	struct province *p = *state;
	struct workspace *a = province_device(p, "06001", ROLE_CASEWORKER, "Hoàng Văn Pao"), *b;
	const struct device *known;
	struct error err = { 0 };
	char dir[300];

	province_sync(p, a);
	province_meet(p);
	province_stop_relay(p);
	assert_int_equal(sqlite3_exec(p->depot->sql.db, "DELETE FROM certificate;"
	    "DELETE FROM sqlite_sequence", NULL, NULL, NULL), SQLITE_OK);
	assert_int_equal(depot_set_root_nonce(p->depot, nonce), RC_OK);
	assert_int_equal(depot_renew_generation(p->depot), RC_OK);
	depot_close(p->depot);
	snprintf(dir, sizeof(dir), "%s/relay", p->dir);
	assert_int_equal(depot_open(dir, &p->depot, &err), RC_OK);
	province_serve(p);
	b = province_device(p, "06001", ROLE_CASEWORKER, "Nông Thị Lan");
	province_sync(p, b);
	province_meet(p);
	known = directory_device(authority_directory(p->authority), replica_device(b->replica));
	assert_non_null(known);
	assert_int_equal(known->state, DEVICE_ADMITTED);
	workspace_close(a);
	workspace_close(b);
}

#define T(name) cmocka_unit_test_setup_teardown(name, province_set_up, province_tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(a_refused_device_that_is_admitted_after_all_counts_everywhere_again),
		T(of_two_certificates_every_replica_takes_the_same),
		T(a_forked_log_ends_alike_everywhere_and_blocks_nothing),
		T(a_unit_that_is_new_below_a_supervisor_brings_all_of_its_work),
		T(a_holder_fills_a_restored_relay_for_a_laptop_that_is_gone),
		T(a_role_that_grows_brings_what_was_written_before),
		T(what_was_written_before_a_move_arrives_after_it),
		T(own_work_that_came_back_refills_a_restored_relay),
		T(a_laptop_that_is_new_after_a_restore_is_admitted),
		T(a_retired_device_hands_in_again_what_a_restored_relay_lost),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
