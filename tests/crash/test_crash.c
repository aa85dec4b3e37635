/*
 * The crash harness.  CRASH_CUTS=N cuts in all (100,000; 5,000 under a sanitizer), from the
 * seed CRASH_SEED (1).  What fails prints CRASH_REPLAY=WORK:SEED:LIFE:OP:FATE, which cuts there
 * and only there.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "shared/vault/vault.h"
#include "tests/crash/crash_story.h"

enum { WORKERS = 2, WORKS = 4, RULE_CUTS = 40000, REPLAY_PARTS = 4 };

#if defined(__SANITIZE_ADDRESS__)
enum { CUTS = 5000 };
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
enum { CUTS = 5000 };
#else
enum { CUTS = 100000 };
#endif
#else
enum { CUTS = 100000 };
#endif

static const struct vault_vfs_rules NO_RULE_BROKEN;

static long
number(const char *name, long usual)
{
	const char *s = getenv(name);

	return s == NULL || *s == '\0' ? usual : strtol(s, NULL, 10);
}

/* One worker's part of an order; its report goes through the pipe. */
static pid_t
start_worker(const struct crash_order *order, uint64_t i, int *from)
{
	struct crash_order mine = *order;
	struct crash_report report;
	int ends[2];
	pid_t pid;

	assert_int_equal(pipe(ends), 0);
	fflush(NULL);
	if ((pid = fork()) == 0) {
		close(ends[0]);
		mine.seed += i;
		mine.cuts = (order->cuts + WORKERS - 1) / WORKERS;
		crash_story_tell(&mine, WORKERS, &report);
		_exit(write(ends[1], &report, sizeof report) == (ssize_t)sizeof report ? 0 : 1);
	}
	assert_true(pid > 0);
	close(ends[1]);
	*from = ends[0];
	return pid;
}

static void
tell_bad(const struct crash_order *order, const struct crash_report *r)
{
	print_message("%s\nCRASH_REPLAY=%s%s:%llu:%u:%ld:%ld\n", r->why,
	    order->rules.few_blocks ? "early-" : "", order->work->name,
	    (unsigned long long)r->seed, r->life, r->op, r->fate);
}

/* By two workers, since that is how many processors there are at least. */
static bool
cut_all(const struct crash_order *order)
{
	struct crash_report all = { 0 }, one;
	pid_t pids[WORKERS];
	int from[WORKERS], status;

	for (int i = 0; i < WORKERS; i++)
		pids[i] = start_worker(order, (uint64_t)i, &from[i]);
	for (int i = 0; i < WORKERS; i++) {
		memset(&one, 0, sizeof one);
		if (read(from[i], &one, sizeof one) != (ssize_t)sizeof one) {
			one.bad = true;
			snprintf(one.why, sizeof one.why, "a worker died");
		}
		close(from[i]);
		waitpid(pids[i], &status, 0);
		if (one.bad)
			tell_bad(order, &one);
		all.bad = all.bad || one.bad;
		all.cuts += one.cuts;
		all.nested += one.nested;
		all.damaged += one.damaged;
		all.stories += one.stories;
		all.states += one.states;
		all.seconds += one.seconds;
	}
	print_message("%s: %ld cuts, %ld of them during recovery, and %ld bad sectors; %ld stories"
	    " from seed %llu, %ld states; %.2f ms a cut\n", order->work->name, all.cuts, all.nested,
	    all.damaged, all.stories, (unsigned long long)order->seed, all.states,
	    1000 * all.seconds / (double)(all.cuts > 0 ? all.cuts : 1));
	return !all.bad;
}

static bool
survives(const struct crash_work *work, struct vault_vfs_rules rules, long percent)
{
	struct crash_order order = { .work = work, .life = -1, .rules = rules,
		.cuts = number("CRASH_CUTS", CUTS) * percent / 100,
		.seed = (uint64_t)number("CRASH_SEED", 1) };

	return cut_all(&order);
}

static void
entries_survive_every_cut(void **state)
{
	(void)state;
	assert_true(survives(&CRASH_RECORDS, NO_RULE_BROKEN, 15));
}

static void
tables_survive_every_cut(void **state)
{
	(void)state;
	assert_true(survives(&CRASH_TABLES, NO_RULE_BROKEN, 45));
}

/* A transaction that is larger than what the WAL's cache holds. */
static void
tables_survive_every_cut_when_the_wal_is_written_early(void **state)
{
	(void)state;
	assert_true(survives(&CRASH_TABLES, (struct vault_vfs_rules){ .few_blocks = true }, 15));
}

static void
key_files_survive_every_cut(void **state)
{
	(void)state;
	assert_true(survives(&CRASH_KEYS, NO_RULE_BROKEN, 15));
}

static void
new_keys_survive_every_cut(void **state)
{
	(void)state;
	assert_true(survives(&CRASH_REKEY, NO_RULE_BROKEN, 10));
}

/* A rule that is switched off alone must make some cut end badly. */
static void
fails_without(const struct crash_work *work, struct vault_vfs_rules rules,
    struct crash_calls_rules calls)
{
	struct crash_order order = { .work = work, .seed = 1, .cuts = RULE_CUTS, .life = -1,
		.rules = rules, .calls = calls };
	struct crash_report r;

	crash_story_tell(&order, 1, &r);
	print_message("after %ld cuts: %s\n", r.cuts, r.bad ? r.why : "nothing");
	assert_true(r.bad);
}

#define WITHOUT_VAULT_RULE(name, rule) \
	static void \
	name(void **state) \
	{ \
		(void)state; \
		fails_without(&CRASH_TABLES, (struct vault_vfs_rules){ .rule = true }, \
		    (struct crash_calls_rules){ 0 }); \
	}
#define WITHOUT_KEY_RULE(name, rule) \
	static void \
	name(void **state) \
	{ \
		(void)state; \
		fails_without(&CRASH_KEYS, (struct vault_vfs_rules){ 0 }, \
		    (struct crash_calls_rules){ .rule = true }); \
	}

#define WITHOUT_REKEY_RULE(name, rule) \
	static void \
	name(void **state) \
	{ \
		(void)state; \
		fails_without(&CRASH_REKEY, (struct vault_vfs_rules){ 0 }, \
		    (struct crash_calls_rules){ .rule = true }); \
	}

WITHOUT_VAULT_RULE(fails_when_powersafe_overwrite_is_promised, promise_powersafe)
WITHOUT_VAULT_RULE(fails_when_a_page_that_is_not_authentic_is_trusted, trust_pages)
WITHOUT_VAULT_RULE(fails_when_a_torn_wal_block_is_an_error, strict_wal)
WITHOUT_VAULT_RULE(fails_when_a_torn_first_page_hides_the_header, no_header)
WITHOUT_VAULT_RULE(fails_when_no_checkpoint_follows_open, no_checkpoint_at_open)
WITHOUT_VAULT_RULE(fails_when_a_damaged_wal_is_not_noticed, no_damage_check)
WITHOUT_VAULT_RULE(fails_when_slots_share_sectors, tight_slots)
WITHOUT_VAULT_RULE(fails_when_a_new_wal_is_written_over_the_old, reuse_wal)
WITHOUT_VAULT_RULE(fails_when_errors_of_the_disk_are_hidden, hide_errors)
WITHOUT_VAULT_RULE(fails_when_reserved_bytes_are_kept, keep_reserved)
WITHOUT_VAULT_RULE(fails_when_sqlite_buffers_are_sealed_in_place, seal_in_place)
WITHOUT_KEY_RULE(fails_when_a_key_file_is_not_synced_before_its_rename, no_file_sync)
WITHOUT_KEY_RULE(fails_when_the_folder_is_not_synced_after_a_rename, no_folder_sync)
WITHOUT_KEY_RULE(fails_when_the_second_copy_does_not_wait_for_the_first, first_copy_unsynced)
WITHOUT_KEY_RULE(fails_when_a_key_file_is_written_in_place, write_in_place)
WITHOUT_KEY_RULE(fails_when_there_is_one_copy_of_the_key_file, one_copy)
WITHOUT_KEY_RULE(fails_when_a_wipe_does_not_overwrite, no_overwrite)
WITHOUT_REKEY_RULE(fails_when_a_new_database_is_not_synced_before_its_keys, new_unsynced)
WITHOUT_REKEY_RULE(fails_when_its_name_is_not_synced_before_its_keys, new_name_unsynced)
WITHOUT_REKEY_RULE(fails_when_no_opening_looks_for_a_new_database, new_unseen)

/* WORK:SEED:LIFE:OP:FATE, "early-" before it with few blocks in memory.  0: it ended well. */
static int
replay(const char *where)
{
	static const struct crash_work *const works[WORKS] = { &CRASH_RECORDS, &CRASH_TABLES,
	    &CRASH_KEYS, &CRASH_REKEY };
	static const char early[] = "early-";
	bool is_early = strncmp(where, early, sizeof early - 1) == 0;
	struct crash_order order = { 0 };
	struct crash_report r;
	long parts[REPLAY_PARTS];
	const char *at;

	where += is_early ? sizeof early - 1 : 0;
	order.rules.few_blocks = is_early;
	at = strchr(where, ':');
	for (int i = 0; i < WORKS && at != NULL; i++) {
		if (strncmp(where, works[i]->name, (size_t)(at - where)) == 0)
			order.work = works[i];
	}
	for (int i = 0; i < REPLAY_PARTS; i++) {
		if (at == NULL || order.work == NULL) {
			print_error("CRASH_REPLAY=WORK:SEED:LIFE:OP:FATE\n");
			return 2;
		}
		parts[i] = strtol(at + 1, NULL, 10);
		at = strchr(at + 1, ':');
	}
	order.seed = (uint64_t)parts[0];
	order.life = (int)parts[1];
	order.op = parts[2];
	order.fate = parts[3];
	crash_story_tell(&order, 1, &r);
	print_message("%s: %ld cuts: %s\n", where, r.cuts, r.bad ? r.why : "well");
	return r.bad ? 1 : 0;
}

static void
cuts_that_once_ended_badly_end_well(void **state)
{
	(void)state;
	/* the sync of an emptied WAL failed, and the next commit took it for done */
	assert_int_equal(replay("tables:2:0:26:0"), 0);
	/* a repeated commit frame, made whole by what was rolled back, was taken for two */
	assert_int_equal(replay("tables:3:0:49:4"), 0);
	/* what lay beside a key file was overwritten, and was the key file under a second name */
	assert_int_equal(replay("keys:19:0:91:4"), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(entries_survive_every_cut),
		cmocka_unit_test(tables_survive_every_cut),
		cmocka_unit_test(tables_survive_every_cut_when_the_wal_is_written_early),
		cmocka_unit_test(key_files_survive_every_cut),
		cmocka_unit_test(new_keys_survive_every_cut),
		cmocka_unit_test(cuts_that_once_ended_badly_end_well),
		cmocka_unit_test(fails_when_powersafe_overwrite_is_promised),
		cmocka_unit_test(fails_when_a_page_that_is_not_authentic_is_trusted),
		cmocka_unit_test(fails_when_a_torn_wal_block_is_an_error),
		cmocka_unit_test(fails_when_a_torn_first_page_hides_the_header),
		cmocka_unit_test(fails_when_no_checkpoint_follows_open),
		cmocka_unit_test(fails_when_a_damaged_wal_is_not_noticed),
		cmocka_unit_test(fails_when_slots_share_sectors),
		cmocka_unit_test(fails_when_a_new_wal_is_written_over_the_old),
		cmocka_unit_test(fails_when_errors_of_the_disk_are_hidden),
		cmocka_unit_test(fails_when_reserved_bytes_are_kept),
		cmocka_unit_test(fails_when_sqlite_buffers_are_sealed_in_place),
		cmocka_unit_test(fails_when_a_key_file_is_not_synced_before_its_rename),
		cmocka_unit_test(fails_when_the_folder_is_not_synced_after_a_rename),
		cmocka_unit_test(fails_when_the_second_copy_does_not_wait_for_the_first),
		cmocka_unit_test(fails_when_a_key_file_is_written_in_place),
		cmocka_unit_test(fails_when_there_is_one_copy_of_the_key_file),
		cmocka_unit_test(fails_when_a_wipe_does_not_overwrite),
		cmocka_unit_test(fails_when_a_new_database_is_not_synced_before_its_keys),
		cmocka_unit_test(fails_when_its_name_is_not_synced_before_its_keys),
		cmocka_unit_test(fails_when_no_opening_looks_for_a_new_database),
	};

	if (vault_start() != RC_OK)
		return 1;
	crash_calls_start();
	if (getenv("CRASH_REPLAY") != NULL)
		return replay(getenv("CRASH_REPLAY"));
	return cmocka_run_group_tests(tests, NULL, NULL);
}
