#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "shared/base/files.h"
#include "tests/support/relay_world.h"

static struct world w;

static void
in_dir(const char *name, char out[FILES_PATH_MAX])
{
	assert_int_equal(files_join(w.dir, name, out), RC_OK);
}

/* Behind the depot's back. */
static void
meddle(const char *sql)
{
	char path[FILES_PATH_MAX];
	sqlite3 *db;

	in_dir("depot.db", path);
	assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
	assert_int_equal(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
	sqlite3_close(db);
}

static void
the_key_is_a_file_for_the_owner_alone(void **state)
{
	char path[FILES_PATH_MAX];
	struct stat st;

	(void)state;
	in_dir("relay.key", path);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	assert_int_equal(st.st_size, 32);
	assert_int_equal(depot_create(w.dir, NULL, NULL, NULL), RC_EXISTS);
}

static void
identity_and_generation_stay_over_a_restart(void **state)
{
	uint8_t device[16], before[16], after[16];

	(void)state;
	memcpy(device, depot_identity(w.depot)->device, 16);
	depot_generation(w.depot, before);
	world_restart(&w);
	assert_memory_equal(device, depot_identity(w.depot)->device, 16);
	depot_generation(w.depot, after);
	assert_memory_equal(before, after, 16);
	assert_int_equal(depot_renew_generation(w.depot), RC_OK);
	depot_generation(w.depot, after);
	assert_memory_not_equal(before, after, 16);
	world_restart(&w);
	depot_generation(w.depot, before);
	assert_memory_equal(before, after, 16);
}

static void
takes_a_seed_that_is_given(void **state)
{
	char dir[FILES_PATH_MAX], path[FILES_PATH_MAX];
	struct secret *seed = NULL;
	struct depot *d;

	(void)state;
	in_dir("second", dir);
	assert_int_equal(secret_random(32, &seed), RC_OK);
	assert_int_equal(depot_create(dir, NULL, seed, NULL), RC_OK);
	assert_int_equal(depot_open(dir, &d, NULL), RC_OK);
	assert_true(secret_equal(depot_identity(d)->sign_seed, seed));
	assert_int_equal(directory_count(depot_directory(d)), 0);
	depot_close(d);
	assert_int_equal(files_join(dir, "depot.db", path), RC_OK);
	unlink(path);
	assert_int_equal(files_join(dir, "relay.key", path), RC_OK);
	unlink(path);
	rmdir(dir);
	secret_free(seed);
}

static void
says_when_there_is_none(void **state)
{
	struct depot *d;
	struct error err = { 0 };

	(void)state;
	assert_int_equal(depot_open("/tmp/there-is-no-relay-here", &d, &err), RC_NOTFOUND);
	assert_null(d);
	assert_string_not_equal(err.what, "");
}

static void
finds_a_line_of_the_audit_log_that_was_changed(void **state)
{
	uint8_t head[DEPOT_AUDIT_HEAD_BYTES], early[DEPOT_AUDIT_HEAD_BYTES];
	uint64_t n, lines, bad;
	struct depot *d;

	(void)state;
	assert_int_equal(depot_open(w.dir, &d, NULL), RC_OK);
	assert_int_equal(depot_begin(d), RC_OK);
	for (int i = 0; i < 5; i++) {
		assert_int_equal(depot_audit(d, 1800000000 + i, "sync", NULL, "frames 1"), RC_OK);
		if (i == 1)
			assert_int_equal(depot_audit_head(d, &n, early), RC_OK);
	}
	assert_int_equal(depot_end(d, RC_OK), RC_OK);
	assert_int_equal(depot_audit_head(d, &n, head), RC_OK);
	assert_int_equal(n, 6);	/* the first is of the exchange that made this world */
	assert_int_equal(depot_audit_verify(d, 3, early, &lines, &bad), RC_OK);
	assert_int_equal(lines, 6);
	assert_int_equal(bad, 0);
	assert_int_equal(depot_audit_verify(d, 4, early, &lines, &bad), RC_OK);
	assert_int_equal(bad, 4);
	meddle("UPDATE audit SET at = at + 1 WHERE n = 5");
	assert_int_equal(depot_audit_verify(d, 0, NULL, &lines, &bad), RC_OK);
	assert_int_equal(bad, 5);
	meddle("DELETE FROM audit WHERE n >= 5");
	assert_int_equal(depot_audit_verify(d, 0, NULL, &lines, &bad), RC_OK);
	assert_int_equal(bad, 0);
	assert_int_equal(depot_audit_verify(d, 6, head, &lines, &bad), RC_OK);
	assert_int_equal(bad, 6);
	depot_close(d);
}

static void
refuses_a_store_of_a_newer_program(void **state)
{
	struct depot *d;

	(void)state;
	meddle("PRAGMA user_version = 99");
	assert_int_equal(depot_open(w.dir, &d, NULL), RC_NEWER);
	assert_null(d);
	meddle("PRAGMA user_version = 2");
	assert_int_equal(depot_open(w.dir, &d, NULL), RC_OK);
	depot_close(d);
}

static void
refuses_a_chain_that_somebody_changed(void **state)
{
	struct depot *d;
	struct error err = { 0 };

	(void)state;
	meddle("UPDATE statement SET bytes = substr(bytes, 1, 60) || x'00' || substr(bytes, 62)"
	    " WHERE seq = 1");
	assert_int_equal(depot_open(w.dir, &d, &err), RC_DAMAGED);
	assert_null(d);
}

static void
refuses_a_key_that_is_not_whole(void **state)
{
	char path[FILES_PATH_MAX];
	struct depot *d;

	(void)state;
	in_dir("relay.key", path);
	assert_int_equal(truncate(path, 31), 0);
	assert_int_equal(depot_open(w.dir, &d, NULL), RC_DAMAGED);
}

static void
takes_the_genesis_of_its_own_province_only(void **state)
{
	struct small_province other;
	char dir[FILES_PATH_MAX], path[FILES_PATH_MAX];
	uint8_t province[8];
	struct depot *d;
	bool forked;

	(void)state;
	in_dir("pinned", dir);
	directory_province(w.province.d, province);
	small_province_open(&other);
	assert_int_equal(depot_create(dir, province, NULL, NULL), RC_OK);
	assert_int_equal(depot_open(dir, &d, NULL), RC_OK);
	assert_int_equal(depot_begin(d), RC_OK);
	assert_int_not_equal(depot_add_statement(d, other.said[0].data, other.said[0].len, &forked,
	    NULL), RC_OK);
	assert_int_equal(depot_add_statement(d, w.province.said[0].data, w.province.said[0].len,
	    &forked, NULL), RC_OK);
	assert_int_equal(depot_end(d, RC_OK), RC_OK);
	depot_close(d);
	small_province_close(&other);
	assert_int_equal(files_join(dir, "depot.db", path), RC_OK);
	unlink(path);
	assert_int_equal(files_join(dir, "relay.key", path), RC_OK);
	unlink(path);
	rmdir(dir);
}

static void
what_is_rolled_back_is_gone_from_memory_too(void **state)
{
	struct worker k;
	bool added;

	(void)state;
	worker_join(&w, "24.1.1", ROLE_COMMUNICATOR, &k);
	assert_int_equal(depot_begin(w.depot), RC_OK);
	assert_int_equal(depot_add_certificate(w.depot, k.device.certificate.data,
	    k.device.certificate.len, WORLD_NOW, &added, NULL), RC_OK);
	assert_true(added);
	assert_non_null(directory_device(depot_directory(w.depot), k.device.identity.device));
	assert_int_equal(depot_end(w.depot, RC_INTERNAL), RC_INTERNAL);
	assert_null(directory_device(depot_directory(w.depot), k.device.identity.device));
	worker_close(&k);
}

static void
two_processes_see_what_the_other_wrote(void **state)
{
	struct bytes payload = { 0 };
	struct depot *second;
	struct worker k;
	struct clock clock = w.clock;
	struct bytes request, reply = { 0 };
	struct heard a;

	(void)state;
	assert_int_equal(depot_open(w.dir, &second, NULL), RC_OK);
	/* the operator's command adds a statement while the server runs */
	directory_write_revoke((const uint8_t *)"0123456789abcdef", "thử", &payload);
	small_province_say(&w.province, STATEMENT_REVOKE, &payload);
	request = world_request(&w, NULL);
	assert_int_equal(relay_exchange(second, &clock, request.data, request.len, &reply, NULL),
	    RC_OK);
	worker_join(&w, "24.1.1", ROLE_COMMUNICATOR, &k);
	k.directory_seq--;
	worker_sync(&k, NULL, &a);
	assert_int_equal(a.welcome.status, STATUS_OK);
	assert_int_equal(a.n_statements, 1);
	heard_reset(&a);
	/* and the server's devices are there for the command */
	assert_int_equal(depot_refresh(second), RC_OK);
	assert_non_null(directory_device(depot_directory(second), k.device.identity.device));
	bytes_reset(&request);
	bytes_reset(&reply);
	depot_close(second);
	worker_close(&k);
}

static void
a_backup_taken_while_it_runs_opens(void **state)
{
	char dir[FILES_PATH_MAX], path[FILES_PATH_MAX], key[FILES_PATH_MAX], from[FILES_PATH_MAX];
	struct bytes items = { 0 }, f, bytes = { 0 };
	struct depot_counts counts;
	struct depot *copy;
	struct worker k;
	struct heard a;

	(void)state;
	worker_join(&w, "24.1.1", ROLE_COMMUNICATOR, &k);
	f = worker_frame(&k, "24.1.1", 0, 1, 1, 50);
	exchange_put(&items, ITEM_FRAME, f.data, f.len);
	worker_sync(&k, &items, &a);
	heard_reset(&a);
	in_dir("copy", dir);
	assert_int_equal(files_make_dir(dir, NULL), RC_OK);
	assert_int_equal(files_join(dir, "depot.db", path), RC_OK);
	assert_int_equal(depot_backup(w.depot, path, NULL), RC_OK);
	assert_int_equal(depot_backup(w.depot, path, NULL), RC_EXISTS);
	in_dir("relay.key", from);
	assert_int_equal(files_join(dir, "relay.key", key), RC_OK);
	assert_int_equal(files_read(from, 32, &bytes, NULL), RC_OK);
	assert_int_equal(files_create(key, bytes.data, bytes.len, NULL), RC_OK);
	assert_int_equal(depot_open(dir, &copy, NULL), RC_OK);
	assert_int_equal(depot_count(copy, &counts), RC_OK);
	assert_int_equal(counts.served, 1);
	assert_int_equal(counts.certificates, 1);
	depot_close(copy);
	unlink(path);
	unlink(key);
	rmdir(dir);
	bytes_reset(&f);
	bytes_reset(&items);
	bytes_reset(&bytes);
	worker_close(&k);
}

static void
remembers_who_was_here_and_when(void **state)
{
	struct depot_seen *seen;
	struct bytes items = { 0 }, f, g;
	struct worker k;
	struct heard a;
	size_t n;

	(void)state;
	worker_join(&w, "24.1.1", ROLE_COMMUNICATOR, &k);
	f = worker_put_frame(&k, &items);
	k.log++;	/* another process of it */
	k.n = 0;
	memset(k.head, 0, sizeof(k.head));
	g = worker_put_frame(&k, &items);
	worker_sync(&k, &items, &a);
	assert_true(heard_receipts(&a, &f) && heard_receipts(&a, &g));
	heard_reset(&a);
	assert_int_equal(depot_seen(w.depot, &seen, &n), RC_OK);
	assert_int_equal(n, 1);
	assert_memory_equal(seen[0].device, k.device.identity.device, 16);
	assert_int_equal(seen[0].seen_at, WORLD_NOW);
	assert_int_equal(seen[0].entries, 2 * k.n);
	assert_true(k.n > 0);
	free(seen);
	bytes_reset(&items);
	bytes_reset(&f);
	bytes_reset(&g);
	worker_close(&k);
}

static void
what_is_withdrawn_leaves_its_position_to_nothing_else(void **state)
{
	struct depot_frame f = { .state = FRAME_SERVED, .unit = "24", .compartment = 1 };
	uint64_t withdrawn, last, next;
	enum item_type type;
	struct bytes body;
	uint64_t list;

	(void)state;
	bytes_init(&body);
	assert_int_equal(depot_begin(w.depot), RC_OK);
	for (uint8_t i = 1; i <= 2; i++) {
		f.id[0] = i;
		assert_int_equal(depot_put_frame(w.depot, &f, &i, 1), RC_OK);
		assert_int_equal(depot_append_frame(w.depot, "f124", f.key, &next), RC_OK);
		withdrawn = next;
		if (i == 2) {
			assert_int_equal(depot_withdraw(w.depot, f.key), RC_OK);
			assert_int_equal(depot_drop_frame(w.depot, f.key), RC_OK);
		}
	}
	assert_int_equal(depot_last_position(w.depot, &last), RC_OK);
	assert_int_equal(last, withdrawn);
	assert_int_equal(depot_lane_after(w.depot, "f124", withdrawn - 1, &next), RC_NOTFOUND);
	f.id[0] = 3;
	assert_int_equal(depot_put_frame(w.depot, &f, f.id, 1), RC_OK);
	assert_int_equal(depot_append_frame(w.depot, "f124", f.key, &next), RC_OK);
	assert_true(next > withdrawn);
	assert_int_equal(depot_lane_after(w.depot, "f124", withdrawn, &last), RC_OK);
	assert_int_equal(last, next);
	assert_int_equal(depot_at(w.depot, next, &type, &list, &body), RC_OK);
	assert_int_equal(body.data[0], 3);
	assert_int_equal(depot_end(w.depot, RC_OK), RC_OK);
	bytes_reset(&body);
}

int
main(void)
{
#define TEST(f) cmocka_unit_test_prestate_setup_teardown(f, world_set_up, world_tear_down, &w)
	const struct CMUnitTest tests[] = {
		TEST(the_key_is_a_file_for_the_owner_alone),
		TEST(identity_and_generation_stay_over_a_restart),
		TEST(takes_a_seed_that_is_given),
		TEST(says_when_there_is_none),
		TEST(refuses_a_store_of_a_newer_program),
		TEST(finds_a_line_of_the_audit_log_that_was_changed),
		TEST(refuses_a_chain_that_somebody_changed),
		TEST(refuses_a_key_that_is_not_whole),
		TEST(takes_the_genesis_of_its_own_province_only),
		TEST(what_is_rolled_back_is_gone_from_memory_too),
		TEST(two_processes_see_what_the_other_wrote),
		TEST(a_backup_taken_while_it_runs_opens),
		TEST(remembers_who_was_here_and_when),
		TEST(what_is_withdrawn_leaves_its_position_to_nothing_else),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
