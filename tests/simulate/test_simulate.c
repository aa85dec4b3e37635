/*
 * The simulator.  SEED=n repeats one run and tells all that happens; RUNS=n and HISTORIES=n say
 * how many there are (README.md beside this file).
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

#include "shared/base/bytes.h"
#include "tests/simulate/sim.h"
#include "tests/simulate/sim_histories.h"
#include "tests/support/register_history.h"

enum { WORKERS = 2, FIRST_SEED = 1000, BREAK_RUNS = 3000, HISTORY_SEED = 20261122,
	ON_DATABASE = 100 };

/* In `make check`; `make simulate` asks for many more. */
#if defined(__SANITIZE_ADDRESS__)
enum { RUNS = 40, HISTORIES = 10000 };
#else
enum { RUNS = 260, HISTORIES = 100000 };
#endif

struct report {
	long runs, failed;
	uint64_t seed;
	char why[SIM_WHY_MAX];
	unsigned long saves, syncs, purged, released, faults[SIM_ACCIDENTS];
};

static long
number(const char *name, long usual)
{
	const char *s = getenv(name);

	return s == NULL || *s == '\0' ? usual : strtol(s, NULL, 10);
}

static void
run_some(uint64_t seed, uint64_t step, long runs, enum sim_break broken, long most,
    struct report *out)
{
	struct sim_result r;

	memset(out, 0, sizeof *out);
	for (; out->runs < runs && out->failed < most; out->runs++, seed += step) {
		sim_run(seed, broken, false, &r);
		out->saves += r.saves;
		out->syncs += r.syncs;
		out->purged += r.purged;
		out->released += r.released;
		for (int a = 0; a < SIM_ACCIDENTS; a++)
			out->faults[a] += r.faults[a];
		if (!r.failed)
			continue;
		if (broken == SIM_WHOLE)
			print_message("%s\nRepeat it with: SEED=%llu build/tests/test_simulate\n", r.why,
			    (unsigned long long)seed);
		out->failed++;
		out->seed = seed;
		memcpy(out->why, r.why, sizeof out->why);
	}
}

/* By two workers; each tells its report through a pipe. */
static void
run_all(uint64_t seed, long runs, struct report *all)
{
	struct report one;
	int ends[WORKERS][2], status;
	pid_t pids[WORKERS];

	memset(all, 0, sizeof *all);
	for (int i = 0; i < WORKERS; i++) {
		assert_int_equal(pipe(ends[i]), 0);
		fflush(NULL);
		if ((pids[i] = fork()) == 0) {
			run_some(seed + (uint64_t)i, WORKERS, (runs + WORKERS - 1) / WORKERS, SIM_WHOLE,
			    number("FAILURES", 1), &one);
			fflush(NULL);
			_exit(write(ends[i][1], &one, sizeof one) == (ssize_t)sizeof one ? 0 : 1);
		}
		close(ends[i][1]);
	}
	for (int i = 0; i < WORKERS; i++) {
		memset(&one, 0, sizeof one);
		if (read(ends[i][0], &one, sizeof one) != (ssize_t)sizeof one) {
			one.failed = 1;
			snprintf(one.why, sizeof one.why, "a worker died");
		}
		close(ends[i][0]);
		waitpid(pids[i], &status, 0);
		all->runs += one.runs;
		all->saves += one.saves;
		all->syncs += one.syncs;
		all->purged += one.purged;
		all->released += one.released;
		for (int a = 0; a < SIM_ACCIDENTS; a++)
			all->faults[a] += one.faults[a];
		if (one.failed == 0)
			continue;
		all->failed += one.failed;
		all->seed = one.seed;
	}
}

static void
every_province_comes_to_one_state_and_loses_nothing(void **state)
{
	struct report r;

	(void)state;
	run_all((uint64_t)number("FIRST_SEED", FIRST_SEED), number("RUNS", RUNS), &r);
	print_message("%ld runs from seed %ld: %lu saves, %lu syncs, %lu records purged, %lu entries"
	    " released\n", r.runs, number("FIRST_SEED", FIRST_SEED), r.saves, r.syncs, r.purged, r.released);
	for (int a = 0; a < SIM_ACCIDENTS; a++)
		print_message("  %-18s %8lu\n", sim_accident_name((enum sim_accident)a), r.faults[a]);
	assert_int_equal(r.failed, 0);
}

static void
the_same_seed_gives_the_same_run_byte_for_byte(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed <= 6; seed++) {
		struct sim_result a, b;

		sim_run(seed, SIM_WHOLE, false, &a);
		sim_run(seed, SIM_WHOLE, false, &b);
		assert_memory_equal(a.trace, b.trace, sizeof a.trace);
	}
}

static void
histories_fold_to_what_happened_before_what(void **state)
{
	size_t n = (size_t)number("HISTORIES", HISTORIES), wrong, on_database;

	(void)state;
	wrong = register_history_count_wrong(n, HISTORY_SEED, false);
	on_database = sim_histories_wrong(n / ON_DATABASE, HISTORY_SEED + 1);
	print_message("%zu histories in memory, %zu wrong; %zu on a database, %zu wrong; seed %d\n", n,
	    wrong, n / ON_DATABASE, on_database, HISTORY_SEED);
	assert_int_equal(wrong + on_database, 0);
}

/* A protection that is switched off alone must make some run fail. */
static void
fails_without(enum sim_break broken)
{
	struct sim_result whole;
	struct report r;

	run_some(1, 1, BREAK_RUNS, broken, 1, &r);
	print_message("without %s: after %ld runs: %s\n", sim_break_name(broken), r.runs,
	    r.failed > 0 ? r.why : "nothing");
	assert_int_equal(r.failed, 1);
	/* and it is that, and nothing else */
	sim_run(r.seed, SIM_WHOLE, false, &whole);
	assert_false(whole.failed);
}

#define WITHOUT(name, what) \
	static void \
	name(void **state) \
	{ \
		(void)state; \
		fails_without(what); \
	}
WITHOUT(fails_without_the_memory_of_early_replacements, SIM_NO_MEMORY)
WITHOUT(fails_when_what_is_live_at_save_time_is_replaced, SIM_LIVE_AT_SAVE)
WITHOUT(fails_without_fresh_frame_keys, SIM_SAME_FRAME_KEY)
WITHOUT(fails_without_random_page_nonces, SIM_COUNTED_NONCES)
WITHOUT(fails_when_a_process_goes_on_with_an_old_log, SIM_SAME_LOG)
WITHOUT(fails_without_the_generation_check, SIM_SAME_GENERATION)
WITHOUT(fails_when_the_cursor_is_stored_first, SIM_CURSOR_FIRST)

static int
repeat(uint64_t seed)
{
	struct sim_result r;
	char hex[2 * sizeof r.trace + 1];

	sim_run(seed, (enum sim_break)number("BROKEN", 0), true, &r);
	bytes_hex(r.trace, sizeof r.trace, hex);
	printf("seed %llu: %u steps, %zu laptops, %lu saves, trace %s: %s\n",
	    (unsigned long long)seed, (unsigned)r.steps, r.devices, r.saves, hex,
	    r.failed ? r.why : "well");
	return r.failed ? 1 : 0;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(histories_fold_to_what_happened_before_what),
		cmocka_unit_test(the_same_seed_gives_the_same_run_byte_for_byte),
		cmocka_unit_test(every_province_comes_to_one_state_and_loses_nothing),
		cmocka_unit_test(fails_without_the_memory_of_early_replacements),
		cmocka_unit_test(fails_when_what_is_live_at_save_time_is_replaced),
		cmocka_unit_test(fails_without_fresh_frame_keys),
		cmocka_unit_test(fails_without_random_page_nonces),
		cmocka_unit_test(fails_when_a_process_goes_on_with_an_old_log),
		cmocka_unit_test(fails_without_the_generation_check),
		cmocka_unit_test(fails_when_the_cursor_is_stored_first),
	};

	const struct CMUnitTest runs[] = {
		cmocka_unit_test(every_province_comes_to_one_state_and_loses_nothing),
	};

	sim_start();
	if (getenv("ONLY") != NULL)
		return cmocka_run_group_tests(runs, NULL, NULL);
	if (number("SEED", 0) != 0)
		return repeat((uint64_t)number("SEED", 1));
	return cmocka_run_group_tests(tests, NULL, NULL);
}
