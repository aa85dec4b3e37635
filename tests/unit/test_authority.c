#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "shared/vault/query.h"
#include "shared/vault/vault.h"
#include "tests/support/world.h"

static void
keeps_its_province_over_a_restart(void **state)
{
	struct world *w = *state;
	char before[AUTHORITY_FINGERPRINT_MAX], after[AUTHORITY_FINGERPRINT_MAX];
	uint64_t checked;

	world_import_province(w);
	authority_fingerprint(w->a, before);
	assert_int_equal(strlen(before), 79);
	world_open_again(w);
	authority_fingerprint(w->a, after);
	assert_string_equal(before, after);
	assert_string_equal(directory_name(authority_directory(w->a)), "Lạng Sơn");
	assert_string_equal(directory_top_unit(authority_directory(w->a)), "20");
	if (authority_verify(w->a, &checked, &w->err) != RC_OK)
		fail_msg("%s: %s", w->err.where, w->err.what);
	/* genesis, relay, units, keys; their one list; five units' three secrets */
	assert_int_equal(checked, 4 + 1 + 15);
}

static void
refuses_a_second_province_in_one_vault(void **state)
{
	struct world *w = *state;
	struct authority *second;
	struct vault *v;

	authority_close(w->a);
	w->a = NULL;
	assert_int_equal(vault_open_with_master(w->dir, w->master, &v, &w->err), RC_OK);
	assert_int_equal(authority_create(v, "Khác", &w->clock, &second, &w->err), RC_EXISTS);
	assert_null(second);
	vault_close(v);
	world_open_again(w);
}

#define HEAD_VALID "code,full_name_vi,name_vi,level,kind,parent_code,valid_from,valid_to,successor_code\n"

/* Two provinces and what was merged: 00004 into 00008 of the first. */
static const char country[] = HEAD_VALID
    "01,Thành phố Hà Nội,Hà Nội,PROV,TPTW,,,,\n"
    "20,Tỉnh Lạng Sơn,Lạng Sơn,PROV,TINH,,,,\n"
    "00004,Phường Ba Đình,Ba Đình,COMM,PHUONG,01,,2025-06-30,00008\n"
    "00008,Phường Ngọc Hà,Ngọc Hà,COMM,PHUONG,01,,,\n"
    "06004,Xã Quốc Khánh,Quốc Khánh,COMM,XA,20,,,\n"
    "99999,Xã Lạc,Lạc,COMM,XA,98,,,\n";

static enum rc
import_under(struct world *w, const char *under, struct authority_import *n)
{
	error_clear(&w->err);
	return authority_import_units(w->a, "units.csv", (const uint8_t *)country, strlen(country), under,
	    n, &w->err);
}

static void
takes_one_province_out_of_a_countrys_sheet(void **state)
{
	struct world *w = *state;
	const struct directory *d;
	struct authority_import n;

	assert_int_equal(import_under(w, NULL, &n), RC_INVALID);
	assert_non_null(strstr(w->err.help, "--under"));
	assert_int_equal(import_under(w, "97", &n), RC_NOTFOUND);
	assert_int_equal(import_under(w, "01", &n), RC_OK);
	assert_int_equal(n.added, 3);
	d = authority_directory(w->a);
	assert_int_equal(directory_unit_count(d), 3);
	assert_string_equal(directory_top_unit(d), "01");
	assert_string_equal(directory_unit(d, "00004")->successor, "00008");
	assert_null(directory_unit(d, "06004"));
	assert_int_equal(import_under(w, "01", &n), RC_OK);
	assert_int_equal(n.unchanged, 3);
	/* a province does not become another one */
	assert_int_equal(import_under(w, "20", &n), RC_INVALID);
	assert_int_equal(directory_unit_count(d), 3);
}

static void
imports_units_once_and_then_only_changes(void **state)
{
	struct world *w = *state;
	struct authority_import count;
	uint64_t before;
	static const char changed[] =
	    "code,full_name_vi,name_vi,level,kind,parent_code\n"
	    "06004,Xã Quốc Khánh,Quốc Khánh,COMM,XA,K1\n"
	    "05977,Phường Đông Kinh mới,Đông Kinh,COMM,PHUONG,20\n";

	world_import_province(w);
	before = directory_count(authority_directory(w->a));
	assert_int_equal(world_import(w, world_province, &count), RC_OK);
	assert_int_equal(count.unchanged, 5);
	assert_int_equal(directory_count(authority_directory(w->a)), before);
	assert_int_equal(world_import(w, changed, &count), RC_OK);
	assert_int_equal(count.added, 0);
	assert_int_equal(count.changed, 1);
	assert_int_equal(count.unchanged, 1);
	/* A new name costs one statement and no keys; columns that are missing leave what was. */
	assert_int_equal(directory_count(authority_directory(w->a)), before + 1);
	assert_int_equal(world_newest(w, "05977", 1), 1);
	assert_true(directory_unit(authority_directory(w->a), "20")->sync_point);
}

static void
a_failure_midway_takes_all_back(void **state)
{
	struct world *w = *state;
	struct authority_import count;
	uint64_t before = directory_count(authority_directory(w->a));
	uint8_t head[32], after[32];

	directory_head(authority_directory(w->a), head);
	assert_int_equal(query_run(vault_db(w->vault), &w->err, "CREATE TRIGGER stop BEFORE INSERT"
	    " ON scope_secret BEGIN SELECT RAISE(ABORT, 'stop'); END", ""), RC_OK);
	assert_int_not_equal(world_import(w, world_province, &count), RC_OK);
	assert_int_equal(count.added, 0);
	assert_int_equal(directory_count(authority_directory(w->a)), before);
	directory_head(authority_directory(w->a), after);
	assert_memory_equal(head, after, 32);
	assert_int_equal(query_run(vault_db(w->vault), &w->err, "DROP TRIGGER stop", ""), RC_OK);
	assert_int_equal(world_import(w, world_province, &count), RC_OK);
	assert_int_equal(count.added, 5);
}

struct bad_sheet { const char *csv, *where; };

static void
refuses_a_bad_row_with_its_place_and_leaves_nothing(void **state)
{
	struct world *w = *state;
	struct authority_import count;
#define HEAD "code,full_name_vi,name_vi,level,kind,parent_code\n"
#define TOP "20,Tỉnh Lạng Sơn,Lạng Sơn,PROV,TINH,\n"
	static const struct bad_sheet sheets[] = {
		{ HEAD TOP "06004,Xã A,A,COMM,XA,99\n", "units.csv:3:6" },
		{ HEAD TOP "06004,Xã A,A,COMM,XA,06004\n", "units.csv:3:6" },
		{ HEAD TOP "1,Xã A,A,COMM,XA,2\n2,Xã B,B,COMM,XA,1\n", "units.csv:3:6" },
		{ HEAD TOP "06004,,A,COMM,XA,20\n", "units.csv:3:2" },
		{ HEAD TOP "06004,Xã A,A,XXXX,XA,20\n", "units.csv:3:4" },
		{ HEAD TOP "06004,Xã A,A,COMM,LANG,20\n", "units.csv:3:5" },
		{ HEAD TOP "0 6,Xã A,A,COMM,XA,20\n", "units.csv:3:1" },
		{ HEAD TOP "06004,Xã A,A,COMM,XA,20\n06004,Xã A,A,COMM,XA,20\n", "units.csv:4:1" },
		{ HEAD TOP "06004,Xã A,A,COMM,XA,\n", "units.csv:2:6" },
		{ "code,full_name_vi,name_vi,level,kind,parent_code,color\n" TOP, "units.csv:1:7" },
		{ "code,full_name_vi,name_vi,level,kind,parent_code,valid_from\n"
		    "20,Tỉnh Lạng Sơn,Lạng Sơn,PROV,TINH,,2025-13-01\n", "units.csv:2:7" },
	};

	for (size_t i = 0; i < sizeof(sheets) / sizeof(sheets[0]); i++) {
		uint64_t before = directory_count(authority_directory(w->a));
		enum rc rc = world_import(w, sheets[i].csv, &count);

		assert_true(rc == RC_INVALID || rc == RC_FORMAT);
		assert_string_equal(w->err.where, sheets[i].where);
		assert_int_equal(count.added, 0);
		assert_int_equal(directory_count(authority_directory(w->a)), before);
		assert_int_equal(directory_unit_count(authority_directory(w->a)), 0);
	}
}

static void
a_unit_under_a_new_parent_leaves_the_old_one_behind(void **state)
{
	struct world *w = *state;
	struct authority_import count;
	struct laptop old_parent, new_parent;
	static const char moved[] =
	    "code,full_name_vi,name_vi,level,kind,parent_code\n"
	    "K2,Cụm Hữu Lũng,Hữu Lũng,DIST,CUM,20\n"
	    "06004,Xã Quốc Khánh,Quốc Khánh,COMM,XA,K2\n";

	world_import_province(w);
	world_join_and_admit(w, "K1", ROLE_SUPERVISOR, &old_parent);
	assert_int_equal(world_import(w, moved, &count), RC_OK);
	assert_int_equal(count.added, 1);
	assert_int_equal(count.changed, 1);
	world_join(w, "K2", ROLE_SUPERVISOR, &new_parent);
	assert_true(world_opens(w, &old_parent, "06004", 1, 1));
	assert_false(world_opens(w, &old_parent, "06004", 1, 2));
	assert_true(world_opens(w, &new_parent, "06004", 1, 1));
	assert_true(world_opens(w, &new_parent, "06004", 1, 2));
	world_laptop_reset(&old_parent);
	world_laptop_reset(&new_parent);
}

static void
a_merged_unit_opens_for_its_successor(void **state)
{
	struct world *w = *state;
	struct authority_import count;
	struct laptop l;
	size_t n;
	static const char merged[] =
	    "code,full_name_vi,name_vi,level,kind,parent_code,valid_to,successor_code\n"
	    "06004,Xã Quốc Khánh,Quốc Khánh,COMM,XA,K1,2026-06-30,05977\n";

	world_import_province(w);
	assert_int_equal(world_import(w, merged, &count), RC_OK);
	assert_int_equal(authority_rotate(w->a, "06004", false, &n, &w->err), RC_OK);
	world_join(w, "05977", ROLE_CASEWORKER, &l);
	assert_true(world_opens(w, &l, "06004", 1, 1));
	assert_true(world_opens(w, &l, "06004", 1, 2));
	assert_false(world_opens(w, &l, "06040", 1, 1));
	world_laptop_reset(&l);
}

static void
refuses_a_reply_that_is_not_the_relays(void **state)
{
	struct world *w = *state;
	struct authority_meeting m;
	struct answer answer = { .n_heads = 0 };
	struct bytes reply, again;
	size_t n;

	world_import_province(w);
	world_answer(w, &answer, &reply);
	reply.data[reply.len - 20] ^= 1;
	assert_int_equal(authority_reply(w->a, reply.data, reply.len, &m, &w->err), RC_AUTH);
	reply.data[reply.len - 20] ^= 1;
	for (size_t len = 0; len < reply.len; len++) {
		error_clear(&w->err);
		assert_int_equal(authority_reply(w->a, reply.data, len, &m, &w->err), RC_PROTOCOL);
	}
	/* Another request was made since. */
	assert_int_equal(authority_rotate(w->a, "20", false, &n, &w->err), RC_OK);
	world_answer(w, &answer, &again);
	error_clear(&w->err);
	assert_int_equal(authority_reply(w->a, reply.data, reply.len, &m, &w->err), RC_PROTOCOL);
	assert_int_equal(authority_met_at(w->a), 0);
	assert_int_equal(authority_reply(w->a, again.data, again.len, &m, &w->err), RC_OK);
	assert_int_equal(authority_met_at(w->a), w->now);
	assert_int_equal(authority_reply(w->a, again.data, again.len, &m, &w->err), RC_PROTOCOL);
	bytes_reset(&reply);
	bytes_reset(&again);
}

static void
refuses_to_go_on_when_the_relay_knows_more(void **state)
{
	struct world *w = *state;
	struct authority_meeting m;
	struct answer ahead = { .is_ahead = true }, other = { .differs = true };
	struct bytes reply;

	world_import_province(w);
	world_answer(w, &ahead, &reply);
	assert_int_equal(authority_reply(w->a, reply.data, reply.len, &m, &w->err), RC_CONFLICT);
	bytes_reset(&reply);
	error_clear(&w->err);
	world_answer(w, &other, &reply);
	assert_int_equal(authority_reply(w->a, reply.data, reply.len, &m, &w->err), RC_CONFLICT);
	bytes_reset(&reply);
}

static void
signs_nothing_while_its_chain_is_known_to_have_come_further(void **state)
{
	struct world *w = *state;
	struct authority_meeting m;
	struct authority_head head, further;
	struct answer fits = { .is_ahead = false };
	struct bytes reply;
	uint64_t before;
	size_t n;

	world_import_province(w);
	before = directory_count(authority_directory(w->a));
	assert_true(authority_head(w->a, &head));
	assert_int_equal(head.statements, before);
	authority_hold(w->a, &head);
	assert_int_equal(authority_rotate(w->a, "20", false, &n, &w->err), RC_OK);
	/* what was signed since goes on from that head; another one at its place does not */
	authority_hold(w->a, &head);
	assert_int_equal(authority_rotate(w->a, "20", false, &n, &w->err), RC_OK);
	before = directory_count(authority_directory(w->a));
	further = head;
	further.statements = before + 1;
	authority_hold(w->a, &further);
	assert_int_equal(authority_rotate(w->a, "20", false, &n, &w->err), RC_CONFLICT);
	assert_true(authority_head(w->a, &head));
	assert_int_equal(head.statements, before + 1);
	further.statements = before;
	authority_hold(w->a, &further);
	error_clear(&w->err);
	assert_int_equal(authority_rotate(w->a, "20", false, &n, &w->err), RC_CONFLICT);
	/* put back: nothing, until a relay has been met that knows no more */
	authority_hold(w->a, NULL);
	error_clear(&w->err);
	assert_int_equal(authority_rotate(w->a, "20", false, &n, &w->err), RC_CONFLICT);
	assert_false(authority_head(w->a, &head));
	assert_int_equal(directory_count(authority_directory(w->a)), before);
	error_clear(&w->err);
	world_answer(w, &fits, &reply);
	assert_int_equal(authority_reply(w->a, reply.data, reply.len, &m, &w->err), RC_OK);
	assert_int_equal(authority_rotate(w->a, "20", false, &n, &w->err), RC_OK);
	bytes_reset(&reply);
}

static void
tells_the_relay_only_what_it_lacks(void **state)
{
	struct world *w = *state;
	struct authority_meeting m;
	struct answer answer = { .n_heads = 0 };
	struct root_hello hello;
	struct bytes request;
	uint8_t id[16];
	size_t statements, n;

	world_import_province(w);
	world_meet(w, &answer, &m);
	assert_false(m.again);
	assert_int_equal(authority_rotate(w->a, "06004", false, &n, &w->err), RC_OK);
	bytes_init(&request);
	assert_int_equal(authority_request(w->a, &request, &w->err), RC_OK);
	world_read_request(&request, &hello, id, &statements);
	assert_int_equal(statements, 1);
	assert_int_equal(hello.statements, directory_count(authority_directory(w->a)));
	bytes_reset(&request);
}

static void
publishes_forms_once(void **state)
{
	struct world *w = *state;
	bool changed;
	size_t len;
	uint64_t seq;

	assert_int_equal(authority_publish_shipped(w->a, &changed, &w->err), RC_OK);
	assert_true(changed);
	assert_non_null(directory_forms(authority_directory(w->a), &len, &seq));
	assert_int_equal(authority_publish_shipped(w->a, &changed, &w->err), RC_OK);
	assert_false(changed);
	assert_int_equal(authority_publish_dir(w->a, "schema", &changed, &w->err), RC_OK);
	assert_false(changed);
}

#define WITH_WORLD(test) cmocka_unit_test_setup_teardown(test, world_make, world_end)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_WORLD(keeps_its_province_over_a_restart),
		WITH_WORLD(refuses_a_second_province_in_one_vault),
		WITH_WORLD(imports_units_once_and_then_only_changes),
		WITH_WORLD(takes_one_province_out_of_a_countrys_sheet),
		WITH_WORLD(a_failure_midway_takes_all_back),
		WITH_WORLD(refuses_a_bad_row_with_its_place_and_leaves_nothing),
		WITH_WORLD(a_unit_under_a_new_parent_leaves_the_old_one_behind),
		WITH_WORLD(a_merged_unit_opens_for_its_successor),
		WITH_WORLD(refuses_a_reply_that_is_not_the_relays),
		WITH_WORLD(refuses_to_go_on_when_the_relay_knows_more),
		WITH_WORLD(signs_nothing_while_its_chain_is_known_to_have_come_further),
		WITH_WORLD(tells_the_relay_only_what_it_lacks),
		WITH_WORLD(publishes_forms_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
