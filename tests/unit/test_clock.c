#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "shared/base/clock.h"

static void
parses_to(const char *text, int year, int month, int day)
{
	struct date d;

	assert_int_equal(date_parse(text, &d), RC_OK);
	assert_int_equal(d.year, year);
	assert_int_equal(d.month, month);
	assert_int_equal(d.day, day);
}

static void
reads_partial_iso_dates(void **state)
{
	(void)state;
	parses_to("1998", 1998, 0, 0);
	parses_to("1998-05", 1998, 5, 0);
	parses_to("1998-05-17", 1998, 5, 17);
	parses_to("2024-02-29", 2024, 2, 29);
	parses_to("1800-01-01", 1800, 1, 1);
	parses_to("2200-12-31", 2200, 12, 31);
}

static void
reads_vietnamese_dates(void **state)
{
	(void)state;
	parses_to("17/05/1998", 1998, 5, 17);
	parses_to("7/5/1998", 1998, 5, 7);
	parses_to("05/1998", 1998, 5, 0);
	parses_to("5/1998", 1998, 5, 0);
}

static void
refuses_what_is_no_date(void **state)
{
	static const char *const bad[] = {
		"", "98", "199", "19980", "1998-5", "1998-05-1", "1998-05-017", "1998/05/17",
		"1998/05", "17-05-1998", "17/05/98", "17/05-1998", "1998-05/17", "1998/05-17", "1998-", "/1998",
		" 1998", "1998 ", "1998-05-17-1", "-1998", "+1998", "1998-05-17T00:00", "năm 1998",
		"99999999999999999999", "1//1998",
	};
	struct date d;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		d.year = d.month = d.day = 77;
		if (date_parse(bad[i], &d) != RC_FORMAT)
			fail_msg("'%s' is no date", bad[i]);
		assert_int_equal(d.year + d.month + d.day, 0);
	}
}

static void
refuses_days_that_do_not_exist(void **state)
{
	static const char *const bad[] = {
		"2023-02-29", "1900-02-29", "30/02/2024", "31/04/2024", "2024-13", "2024-00",
		"00/2024", "2024-01-00", "0/1/2024", "1/0/2024", "1799", "2201", "0000", "32/01/2024",
	};
	struct date d;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		if (date_parse(bad[i], &d) != RC_INVALID)
			fail_msg("'%s' does not exist", bad[i]);
		assert_int_equal(d.year, 0);
	}
}

static void
knows_valid_partial_dates(void **state)
{
	const struct date day_without_month = { 1998, 0, 3 };
	const struct date negative = { 1998, 5, -1 };
	const struct date year = { 1998, 0, 0 };
	const struct date leap = { 2000, 2, 29 };

	(void)state;
	assert_false(date_is_valid(&day_without_month));
	assert_false(date_is_valid(&negative));
	assert_true(date_is_valid(&year));
	assert_true(date_is_valid(&leap));
}

static void
writes_only_what_is_known(void **state)
{
	const struct date d[] = { { 1998, 0, 0 }, { 1998, 5, 0 }, { 1998, 5, 7 } };
	char out[11];

	(void)state;
	date_iso(&d[0], out);
	assert_string_equal(out, "1998");
	date_iso(&d[1], out);
	assert_string_equal(out, "1998-05");
	date_iso(&d[2], out);
	assert_string_equal(out, "1998-05-07");
	date_vietnamese(&d[0], out);
	assert_string_equal(out, "1998");
	date_vietnamese(&d[1], out);
	assert_string_equal(out, "05/1998");
	date_vietnamese(&d[2], out);
	assert_string_equal(out, "07/05/1998");
}

/* Every day of the years that the C library can check. */
static void
counts_days_like_the_c_library(void **state)
{
	(void)state;
	for (int64_t days = -62000; days < 84000; days++) {
		time_t at = (time_t)(days * 86400);
		struct tm tm;
		struct date d;

		assert_non_null(gmtime_r(&at, &tm));
		date_from_days(days, &d);
		assert_int_equal(d.year, tm.tm_year + 1900);
		assert_int_equal(d.month, tm.tm_mon + 1);
		assert_int_equal(d.day, tm.tm_mday);
		assert_int_equal(date_to_days(&d), days);
	}
}

static void
writes_instants_in_utc_and_locally(void **state)
{
	char iso[21], vn[17];
	struct date d;

	(void)state;
	assert_int_equal(setenv("TZ", "ICT-7", 1), 0);
	clock_iso(1795356309, iso);
	assert_string_equal(iso, "2026-11-22T14:05:09Z");
	clock_vietnamese(1795356309, vn);
	assert_string_equal(vn, "22/11/2026 21:05");
	assert_int_equal(clock_local_offset(1795356309), 25200);
	/* 17:00 UTC is already the next day in Viet Nam */
	date_at(1795366800, &d);
	assert_int_equal(d.day, 23);
	date_at(1795366799, &d);
	assert_int_equal(d.day, 22);
	clock_iso(0, iso);
	assert_string_equal(iso, "1970-01-01T00:00:00Z");
	clock_iso(-1, iso);
	assert_string_equal(iso, "1969-12-31T23:59:59Z");
}

static void
writes_absurd_clocks_within_the_buffer(void **state)
{
	char iso[21], vn[17];
	struct date d;

	(void)state;
	clock_iso(INT64_MAX, iso);
	assert_string_equal(iso, "9999-12-31T00:00:00Z");
	clock_iso(INT64_MIN, iso);
	assert_string_equal(iso, "0000-01-01T00:00:00Z");
	clock_vietnamese(INT64_MAX, vn);
	assert_int_equal(strlen(vn), 16);
	clock_vietnamese(INT64_MIN, vn);
	assert_int_equal(strlen(vn), 16);
	date_at(INT64_MIN, &d);
	assert_int_equal(d.year, 0);
	date_from_days(INT64_MAX, &d);
	assert_int_equal(d.year, 9999);
}

static void
injected_clock_stands_still(void **state)
{
	int64_t at = 1000;
	struct clock c = clock_fixed(&at);

	(void)state;
	assert_int_equal(clock_now(&c), 1000);
	at = 2000;
	assert_int_equal(clock_now(&c), 2000);
}

static void
system_clock_is_the_clock_of_the_computer(void **state)
{
	struct clock c = clock_system();
	int64_t before = (int64_t)time(NULL), now = clock_now(&c);

	(void)state;
	assert_true(now >= before && now <= (int64_t)time(NULL));
}

static void
monotonic_clock_counts_milliseconds(void **state)
{
	const struct timespec nap = { 0, 20000000 };
	int64_t before = clock_monotonic_ms(), took;

	(void)state;
	assert_int_equal(nanosleep(&nap, NULL), 0);
	took = clock_monotonic_ms() - before;
	assert_true(took >= 19 && took < 10000);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_partial_iso_dates),
		cmocka_unit_test(reads_vietnamese_dates),
		cmocka_unit_test(refuses_what_is_no_date),
		cmocka_unit_test(refuses_days_that_do_not_exist),
		cmocka_unit_test(knows_valid_partial_dates),
		cmocka_unit_test(writes_only_what_is_known),
		cmocka_unit_test(counts_days_like_the_c_library),
		cmocka_unit_test(writes_instants_in_utc_and_locally),
		cmocka_unit_test(writes_absurd_clocks_within_the_buffer),
		cmocka_unit_test(injected_clock_stands_still),
		cmocka_unit_test(system_clock_is_the_clock_of_the_computer),
		cmocka_unit_test(monotonic_clock_counts_milliseconds),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
