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
#include "shared/sync/replica_events.h"
#include "shared/sync/replica_internal.h"
#include "shared/vault/query.h"
#include "shared/vault/secret.h"
#include "shared/vault/vault.h"
#include "sync-server/authority.h"
#include "sync-server/authority_internal.h"
#include "sync-server/depot.h"
#include "sync-server/relay.h"
#include "tests/support/province.h"

/* What cannot be taken now, and what must become of it: tests/support/province.h. */

static void
a_frame_that_waited_is_tried_by_the_next_process(void **state)
{
	struct province *p = *state;
	struct workspace *a = province_device(p, "06001", ROLE_CASEWORKER, "Hoàng Văn Pao");
	struct workspace *b = province_device(p, "06001", ROLE_CASEWORKER, "Nông Thị Lan");
	struct bytes frame, cert;
	struct error err = { 0 };
	char dir[300];

	bytes_init(&frame);
	bytes_init(&cert);
	province_add(a, "outreach", PROVINCE_VISIT);
	province_sealed_frame(a, &frame);
	province_certificate(a, &cert);
	province_take(b, ITEM_FRAME, &frame);
	assert_int_equal(province_status(b).waiting, 1);
	/* the certificate is committed; then the process is killed */
	assert_int_equal(replica_begin(b->replica, &err), RC_OK);
	assert_int_equal(replica_end(b->replica, replica_take_certificate(b->replica, cert.data,
	    cert.len, &err), &err), RC_OK);
	workspace_close(b);
	province_device_dir(p, 1, dir);
	b = province_open(p, dir);
	province_sync(p, b);
	assert_int_equal(province_status(b).waiting, 0);
	assert_true(province_same_fold(a, b));
	bytes_reset(&frame);
	bytes_reset(&cert);
	workspace_close(a);
	workspace_close(b);
}

static void
a_scope_without_a_key_holds_nothing_else_back(void **state)
{
	struct province *p = *state;
	struct workspace *a = province_device(p, "06001", ROLE_CASEWORKER, "Hoàng Văn Pao");
	struct journal_scope nowhere = { "05999", 1 };
	struct replica_sync_result r;
	struct entry e;
	struct error err = { 0 };

	memset(&e, 0, sizeof(e));
	e.creates = true;
	e.form = "person";
	e.form_len = 6;
	e.form_version = 1;
	assert_int_equal(workspace_begin(a, &err), RC_OK);
	assert_int_equal(workspace_end(a, journal_append(vault_db(a->vault), a->writer, &nowhere,
	    false, &e, &err), &err), RC_OK);
	province_add(a, "outreach", PROVINCE_VISIT);
	r = province_sync(p, a);
	assert_int_equal(r.sent_entries, 1);
	assert_true(r.requests <= 4);
	assert_int_equal(province_status(a).unsent_entries, 1);	/* and it is still counted */
	workspace_close(a);
}

static void
a_waiting_frame_whose_entries_came_another_way_waits_no_more(void **state)
{
	struct province *p = *state;
	struct workspace *a = province_device(p, "06001", ROLE_CASEWORKER, "Hoàng Văn Pao");
	struct workspace *b = province_device(p, "06001", ROLE_CASEWORKER, "Nông Thị Lan");
	struct bytes frame;
	struct error err = { 0 };

	bytes_init(&frame);
	province_add(a, "outreach", PROVINCE_VISIT);
	province_sealed_frame(a, &frame);
	province_take(b, ITEM_FRAME, &frame);
	assert_int_equal(province_status(b).waiting, 1);
	/* a copy of the vault had sealed the same entry on its own */
	assert_int_equal(query_run(vault_db(a->vault), &err, "DELETE FROM frame", ""), RC_OK);
	assert_int_equal(query_run(vault_db(a->vault), &err, "UPDATE log SET sealed_n = 0", ""), RC_OK);
	province_sync(p, a);
	province_sync(p, b);
	assert_int_equal(province_status(b).records, 1);
	assert_int_equal(province_status(b).waiting, 0);
	bytes_reset(&frame);
	workspace_close(a);
	workspace_close(b);
}

static void
forms_that_do_not_load_here_block_nothing(void **state)
{
	static const uint8_t noise[] = { 1, 5, 'x', '.', 'c', 's', 'v', 3, 0xff, 0xff, 0xff };
	struct province *p = *state;
	struct workspace *a = province_device(p, "06001", ROLE_CASEWORKER, "Hoàng Văn Pao");
	struct workspace *b = province_device(p, "06001", ROLE_CASEWORKER, "Nông Thị Lan");
	struct bytes payload;
	struct error err = { 0 };
	char dir[300];
	uint64_t seq;

	bytes_init(&payload);
	bytes_put(&payload, noise, sizeof(noise));
	assert_int_equal(authority_begin(p->authority, &err), RC_OK);
	assert_int_equal(authority_end(p->authority, authority_statement(p->authority,
	    STATEMENT_FORMS, &payload, &seq, &err), &err), RC_OK);
	province_meet(p);
	province_add(a, "outreach", PROVINCE_VISIT);
	province_sync(p, a);
	province_sync(p, b);
	assert_true(province_same_fold(a, b));
	assert_int_equal(province_count(b,
	    "SELECT count(*) FROM event WHERE kind = 'forms-refused'"), 1);
	workspace_close(b);
	province_device_dir(p, 1, dir);
	b = province_open(p, dir);
	province_add(b, "outreach", PROVINCE_VISIT);	/* with the forms before */
	province_sync(p, b);
	province_sync(p, a);
	assert_true(province_same_fold(a, b));
	bytes_reset(&payload);
	workspace_close(a);
	workspace_close(b);
}

static void
forms_of_an_undone_statement_are_forgotten(void **state)
{
	struct province *p = *state;
	struct workspace *a = province_device(p, "06001", ROLE_CASEWORKER, "Hoàng Văn Pao");
	struct bytes again, statement;
	const uint8_t *forms;
	struct error err = { 0 };
	uint64_t seq;
	size_t len;

	bytes_init(&again);
	bytes_init(&statement);
	province_sync(p, a);
	/* the set once more, as another statement */
	forms = directory_forms(replica_directory(a->replica), &len, &seq);
	bytes_put(&again, forms, len);
	assert_int_equal(authority_begin(p->authority, &err), RC_OK);
	assert_int_equal(authority_end(p->authority, authority_statement(p->authority,
	    STATEMENT_FORMS, &again, &seq, &err), &err), RC_OK);
	province_meet(p);
	assert_int_equal(query_blob(p->authority->db, &err, &statement,
	    "SELECT bytes FROM statement WHERE seq = ?1", "i", (int64_t)seq), RC_OK);
	/* it is taken; then the disk is full */
	assert_int_equal(replica_begin(a->replica, &err), RC_OK);
	assert_int_equal(replica_take_statement(a->replica, statement.data, statement.len, &err), RC_OK);
	assert_int_equal(a->replica->forms_seq, seq);
	assert_int_equal(replica_end(a->replica, RC_FULL, &err), RC_FULL);
	assert_int_not_equal(a->replica->forms_seq, seq);
	province_add(a, "outreach", PROVINCE_VISIT);
	province_sync(p, a);
	assert_int_equal(a->replica->forms_seq, seq);
	bytes_reset(&again);
	bytes_reset(&statement);
	workspace_close(a);
}

/* How often; and that it is said in both languages. */
static int64_t
told(struct workspace *ws, const char *kind)
{
	int64_t n;

	assert_string_not_equal(replica_event_text(kind, true), "");
	assert_string_not_equal(replica_event_text(kind, false), "");
	assert_int_equal(query_int(vault_db(ws->vault), NULL, &n, "SELECT count(*) FROM event"
	    " WHERE kind = ?1", "t", kind), RC_OK);
	return n;
}

/* One bit of each: nothing of ours changes, what comes behind is taken, and a person is told once. */
static void
what_does_not_hold_is_passed_over_and_told(void **state)
{
	static const struct { const char *sql, *kind; enum item_type type; } things[] = {
		{ "SELECT bytes FROM statement ORDER BY seq DESC", "directory-refused", ITEM_STATEMENT },
		{ "SELECT bytes FROM certificate ORDER BY length(bytes) DESC", "certificate-refused",
		    ITEM_CERTIFICATE },
		{ "SELECT bytes FROM receipt WHERE outgoing = 0", "receipt-refused", ITEM_RECEIPT },
	};
	struct province *p = *state;
	struct workspace *a = province_device(p, "06001", ROLE_CASEWORKER, "Hoàng Văn Pao");
	struct workspace *b = province_device(p, "06001", ROLE_CASEWORKER, "Nông Thị Lan");
	struct bytes thing;
	uint64_t statements;

	bytes_init(&thing);
	province_sync(p, b);
	province_meet(p);
	province_add(a, "outreach", PROVINCE_VISIT);
	province_sync(p, a);
	province_sync(p, b);
	statements = directory_count(replica_directory(b->replica));
	for (size_t i = 0; i < sizeof(things) / sizeof(things[0]); i++) {
		bytes_reset(&thing);
		assert_int_equal(query_blob(vault_db(a->vault), NULL, &thing, things[i].sql, ""), RC_OK);
		thing.data[thing.len / 2] ^= 1;
		for (int k = 0; k < 2; k++)
			province_take(b, things[i].type, &thing);
		assert_int_equal(told(b, things[i].kind), 1);
	}
	assert_int_equal(directory_count(replica_directory(b->replica)), statements);
	province_add(a, "outreach", PROVINCE_VISIT);
	province_sync(p, a);
	province_sync(p, b);
	assert_int_equal(province_status(b).records, 2);
	assert_int_equal(province_status(b).quarantined, 0);
	bytes_reset(&thing);
	workspace_close(a);
	workspace_close(b);
}

static void
held_is_not_believed_of_another_branch(void **state)
{
	struct province *p = *state;
	struct workspace *a = province_device(p, "06001", ROLE_CASEWORKER, "Hoàng Văn Pao");
	struct workspace *holder = province_device(p, "20", ROLE_HOLDER, "Sở Y tế");
	struct dot visited = province_add(a, "outreach", PROVINCE_VISIT);
	struct exchange_head tip = { visited.log, visited.n, { 1, 2, 3 } };
	struct receipt_scope scope = { .compartment = 0, .tips = &tip, .n_tips = 1 };
	struct receipt rec = { .kind = RECEIPT_HELD, .at = 1, .scopes = &scope, .n_scopes = 1 };
	struct bytes payload;

	bytes_init(&payload);
	strcpy(scope.unit, "06001");
	province_sync(p, holder);
	province_meet(p);
	province_sync(p, a);
	memcpy(rec.signer, replica_device(holder->replica), sizeof(rec.signer));
	memcpy(rec.device, replica_device(a->replica), sizeof(rec.device));
	assert_int_equal(exchange_receipt_write(&rec, holder->replica->identity.sign_seed, &payload),
	    RC_OK);
	province_take(a, ITEM_RECEIPT, &payload);
	assert_int_equal(province_status(a).receipt_level, 1);
	assert_int_equal(told(a, "held-differs"), 1);
	assert_int_equal(journal_head(vault_db(a->vault), visited.log, visited.n, tip.head, NULL), RC_OK);
	assert_int_equal(exchange_receipt_write(&rec, holder->replica->identity.sign_seed, &payload),
	    RC_OK);
	province_take(a, ITEM_RECEIPT, &payload);
	assert_int_equal(province_status(a).receipt_level, 2);
	assert_int_equal(told(a, "held-differs"), 1);
	bytes_reset(&payload);
	workspace_close(a);
	workspace_close(holder);
}

static void
an_unsealed_entry_is_sent_though_a_later_one_came_from_outside(void **state)
{
	struct province *p = *state;
	struct workspace *a = province_device(p, "06001", ROLE_CASEWORKER, "Hoàng Văn Pao");
	struct workspace *b = province_device(p, "06001", ROLE_CASEWORKER, "Nông Thị Lan");
	struct bytes frame;
	char dir[300], copy[330], command[800];
	struct error err = { 0 };

	bytes_init(&frame);
	province_add(a, "outreach", PROVINCE_VISIT);
	/* a backup of the disk; then two frames, of which only the second got away */
	province_device_dir(p, 0, dir);
	snprintf(copy, sizeof(copy), "%s-copy", dir);
	snprintf(command, sizeof(command), "cp -r '%s' '%s'", dir, copy);
	assert_int_equal(system(command), 0);
	province_sealed_frame(a, &frame);
	assert_int_equal(query_run(vault_db(a->vault), &err, "DELETE FROM frame", ""), RC_OK);
	province_add(a, "outreach", PROVINCE_VISIT);
	province_sealed_frame(a, &frame);
	workspace_close(a);
	a = province_open(p, copy);
	province_take(a, ITEM_FRAME, &frame);
	assert_int_equal(province_status(a).records, 2);
	assert_true(province_status(a).unsent_entries >= 1);
	province_sync(p, a);
	province_sync(p, b);
	assert_true(province_same_fold(a, b));
	assert_int_equal(province_status(b).records, 2);
	bytes_reset(&frame);
	workspace_close(a);
	workspace_close(b);
}

static int64_t
waiting_shares(struct workspace *ws)
{
	struct error err = { 0 };
	int64_t n = -1;

	assert_int_equal(query_int(vault_db(ws->vault), &err, &n, "SELECT count(*) FROM waiting_share",
	    ""), RC_OK);
	return n;
}

/* Whatever else comes meanwhile. */
static void
a_share_before_its_statement_waits_through_every_other_try(void **state)
{
	struct province *p = *state;
	struct workspace *a = province_device(p, "06001", ROLE_CASEWORKER, "Hoàng Văn Pao");
	struct share share = { .unit = "06001", .epoch = 2, .to_device = true };
	struct bytes lines[8], item;
	struct error err = { 0 };

	bytes_init(&item);
	memcpy(share.to_device_id, replica_device(a->replica), IDENTITY_ID_BYTES);
	for (uint32_t i = 0; i < 8; i++) {
		share.epoch = 2 + i;
		bytes_init(&lines[i]);
		directory_share_write(&share, &lines[i]);
	}
	assert_int_equal(directory_share_item(lines, 8, 3,
	    directory_count(replica_directory(a->replica)) + 3, &item), RC_OK);
	province_take(a, ITEM_SHARE, &item);
	assert_int_equal(waiting_shares(a), 1);
	assert_int_equal(replica_begin(a->replica, &err), RC_OK);
	assert_int_equal(replica_end(a->replica, replica_retry_shares(a->replica, &err), &err), RC_OK);
	assert_int_equal(waiting_shares(a), 1);
	for (size_t i = 0; i < 8; i++)
		bytes_reset(&lines[i]);
	bytes_reset(&item);
	workspace_close(a);
}

/* As an invitation does, or a stick of somebody who was invited. */
static void
tell_of_statements(struct province *p, struct workspace *ws, uint64_t from)
{
	struct sqlite3_stmt *q = NULL;
	struct bytes statement;
	bool row = true;

	bytes_init(&statement);
	assert_int_equal(query_open(p->authority->db, NULL, &q, "SELECT bytes FROM statement"
	    " WHERE seq >= ?1 ORDER BY seq", "i", (int64_t)from), RC_OK);
	while (query_next(q, &row, NULL) == RC_OK && row) {
		size_t len;
		const uint8_t *bytes = query_column_blob(q, 0, &len);

		statement.len = 0;
		bytes_put(&statement, bytes, len);
		province_take(ws, ITEM_STATEMENT, &statement);
	}
	query_close(q);
	bytes_reset(&statement);
}

/* The relay has the statement of new keys from a laptop before the authority comes with their shares. */
static void
keys_come_though_a_new_laptop_was_the_first_to_tell_of_them(void **state)
{
	struct province *p = *state;
	struct workspace *a = province_device(p, "06001", ROLE_CASEWORKER, "Hoàng Văn Pao");
	struct workspace *b = province_device(p, "06001", ROLE_CASEWORKER, "Nông Thị Lan");
	struct bytes request, reply;
	struct error err = { 0 };
	uint64_t statements;
	int64_t keys = 0;
	size_t n;

	bytes_init(&request);
	bytes_init(&reply);
	province_sync(p, a);
	province_sync(p, b);
	province_meet(p);
	statements = directory_count(authority_directory(p->authority));
	/* what the relay answered is lost: the authority's next word is stale */
	assert_int_equal(authority_request(p->authority, &request, &err), RC_OK);
	assert_int_equal(relay_exchange(p->depot, &p->clock, request.data, request.len, &reply, &err),
	    RC_OK);
	assert_int_equal(authority_rotate(p->authority, "06001", false, &n, &err), RC_OK);
	tell_of_statements(p, b, directory_count(replica_directory(b->replica)));
	province_sync(p, b);
	assert_int_equal(depot_refresh(p->depot), RC_OK);
	assert_true(directory_count(depot_directory(p->depot)) > statements);
	province_meet(p);
	province_sync(p, a);
	assert_int_equal(query_int(vault_db(a->vault), &err, &keys, "SELECT count(*) FROM scope_secret"
	    " WHERE epoch = 2", ""), RC_OK);
	assert_int_equal(keys, 2);
	bytes_reset(&request);
	bytes_reset(&reply);
	workspace_close(a);
	workspace_close(b);
}

#define T(name) cmocka_unit_test_setup_teardown(name, province_set_up, province_tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(a_frame_that_waited_is_tried_by_the_next_process),
		T(a_scope_without_a_key_holds_nothing_else_back),
		T(a_waiting_frame_whose_entries_came_another_way_waits_no_more),
		T(forms_that_do_not_load_here_block_nothing),
		T(forms_of_an_undone_statement_are_forgotten),
		T(what_does_not_hold_is_passed_over_and_told),
		T(a_share_before_its_statement_waits_through_every_other_try),
		T(keys_come_though_a_new_laptop_was_the_first_to_tell_of_them),
		T(held_is_not_believed_of_another_branch),
		T(an_unsealed_entry_is_sent_though_a_later_one_came_from_outside),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
