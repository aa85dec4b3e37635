#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "shared/sync/directory.h"
#include "tests/support/small_province.h"

/* The tree of units, as statements change it. */

static void
a_unit_has_at_most_eight_parents_above_it(void **state)
{
	struct small_province p;
	struct bytes payload = { 0 };
	char codes[12][8];

	(void)state;
	small_province_open(&p);
	for (int depth = 1; depth <= 9; depth++) {
		struct unit u;

		snprintf(codes[depth], sizeof codes[depth], "d%d", depth);
		u = small_province_unit(codes[depth], depth == 1 ? "24" : codes[depth - 1]);
		directory_write_units(&u, 1, &payload);
		assert_int_equal(small_province_try(&p, STATEMENT_UNITS, &payload),
		    depth <= 8 ? RC_OK : RC_INVALID);
	}
	assert_true(directory_unit_within(p.d, "d8", "24"));
	assert_false(directory_unit_within(p.d, "24", "d8"));
	small_province_close(&p);
}

static void
a_later_statement_about_a_unit_holds_whole(void **state)
{
	static char code[] = "24.1.1", name[] = "Mường Khương";
	struct small_province p;
	struct bytes payload = { 0 };
	struct unit u = small_province_unit(code, "24.2");

	(void)state;
	small_province_open(&p);
	assert_true(directory_unit_within(p.d, "24.1.1", "24.1"));
	u.name = name;
	directory_write_units(&u, 1, &payload);
	small_province_say(&p, STATEMENT_UNITS, &payload);
	assert_int_equal(directory_unit_count(p.d), 7);
	assert_string_equal(directory_unit(p.d, "24.1.1")->name, name);
	assert_false(directory_unit_within(p.d, "24.1.1", "24.1"));
	assert_true(directory_unit_within(p.d, "24.1.1", "24.2"));
	assert_false(directory_unit_within(p.d, "24.1.1", "unknown"));
	assert_false(directory_unit_within(p.d, "unknown", "24"));
	small_province_close(&p);
}

static void
holds_ten_thousand_units_and_no_more(void **state)
{
	struct small_province p;
	struct bytes payload = { 0 };
	struct unit *units = calloc(DIRECTORY_UNITS_MAX, sizeof *units);
	char (*codes)[8] = calloc(DIRECTORY_UNITS_MAX, sizeof *codes);
	size_t n = 0;

	(void)state;
	assert_true(units != NULL && codes != NULL);
	small_province_open(&p);
	for (; n + 7 < DIRECTORY_UNITS_MAX; n++) {
		snprintf(codes[n], sizeof *codes, "u%05zu", (n * 7919) % 99991);
		units[n] = small_province_unit(codes[n], "24");
	}
	directory_write_units(units, n, &payload);
	small_province_say(&p, STATEMENT_UNITS, &payload);
	assert_int_equal(directory_unit_count(p.d), DIRECTORY_UNITS_MAX);
	for (size_t i = 0; i < n; i++)
		assert_string_equal(directory_unit(p.d, codes[i])->code, codes[i]);
	for (size_t i = 1; i < DIRECTORY_UNITS_MAX; i++)
		assert_true(strcmp(directory_unit_at(p.d, i - 1)->code,
		    directory_unit_at(p.d, i)->code) < 0);
	units[0] = small_province_unit(codes[0], "24");
	strcpy(units[0].code, "another");
	directory_write_units(units, 1, &payload);
	assert_int_equal(small_province_try(&p, STATEMENT_UNITS, &payload), RC_LIMIT);
	assert_int_equal(directory_unit_count(p.d), DIRECTORY_UNITS_MAX);
	small_province_close(&p);
	free(units);
	free(codes);
}

/* Moved twice; and under a parent that was moved itself. */
static void
what_was_written_under_a_former_parent_is_still_from_somebody_who_might(void **state)
{
	static char leaf[] = "24.1.1", middle[] = "24.2";
	struct small_province p;
	struct unit to_second = small_province_unit(leaf, "24.2"), to_top = small_province_unit(leaf,
	    "24"), below_first = small_province_unit(middle, "24.1");
	struct bytes payload = { 0 };

	(void)state;
	small_province_open(&p);
	assert_false(directory_once_wrote(p.d, "24.2", ROLE_SUPERVISOR, "24.1.1", 0));
	directory_write_units(&to_second, 1, &payload);
	small_province_say(&p, STATEMENT_UNITS, &payload);
	assert_false(directory_may_write(p.d, "24.1", ROLE_SUPERVISOR, "24.1.1", 0));
	assert_true(directory_once_wrote(p.d, "24.1", ROLE_SUPERVISOR, "24.1.1", 0));
	assert_true(directory_once_read(p.d, "24.1", ROLE_SUPERVISOR, "24.1.1", 1));
	assert_true(directory_once_read(p.d, "24.1", ROLE_SUPERVISOR, "24.1.1", 2));
	assert_false(directory_once_read(p.d, "24.1", ROLE_ANALYST, "24.1.1", 1));
	assert_false(directory_once_wrote(p.d, "24.1", ROLE_CASEWORKER, "24.1.1", 0));
	assert_false(directory_once_wrote(p.d, "24.1.2", ROLE_SUPERVISOR, "24.1.1", 0));
	directory_write_units(&to_top, 1, &payload);
	small_province_say(&p, STATEMENT_UNITS, &payload);
	assert_true(directory_once_wrote(p.d, "24.1", ROLE_SUPERVISOR, "24.1.1", 0));
	assert_true(directory_once_wrote(p.d, "24.2", ROLE_SUPERVISOR, "24.1.1", 0));
	assert_false(directory_may_read(p.d, "24.2", ROLE_SUPERVISOR, "24.1.1", 0));
	directory_write_units(&below_first, 1, &payload);
	small_province_say(&p, STATEMENT_UNITS, &payload);
	assert_true(directory_once_wrote(p.d, "24.1", ROLE_SUPERVISOR, "24.2.1", 0));
	assert_false(directory_once_wrote(p.d, "24.9", ROLE_SUPERVISOR, "24.2.1", 0));
	small_province_close(&p);
}

static int
start(void **state)
{
	(void)state;
	return secret_start() == RC_OK ? 0 : -1;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_unit_has_at_most_eight_parents_above_it),
		cmocka_unit_test(a_later_statement_about_a_unit_holds_whole),
		cmocka_unit_test(holds_ten_thousand_units_and_no_more),
		cmocka_unit_test(what_was_written_under_a_former_parent_is_still_from_somebody_who_might),
	};

	return cmocka_run_group_tests(tests, start, NULL);
}
