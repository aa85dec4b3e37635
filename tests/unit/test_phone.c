#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "shared/base/phone.h"

static void
assert_e164(const char *typed, const char *want)
{
	char got[PHONE_MAX];

	if (phone_e164(typed, got) != (*want != '\0') || strcmp(got, want) != 0)
		fail_msg("%s: \"%s\" and not \"%s\"", typed, got, want);
}

static void
one_number_has_one_form_however_it_is_typed(void **state)
{
	static const char *const typed[] = {
		"0912345678", "0912 345 678", "0912.345.678", "0912-345-678", "(0912) 345678",
		"+84912345678", "+84 912 345 678", "+84 (0)912 345 678", "84912345678", "0084912345678",
		"0912\xC2\xA0" "345\xC2\xA0" "678", " +84.912.345.678 ",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(typed) / sizeof(*typed); i++)
		assert_e164(typed[i], "+84912345678");
}

/* The plan of conversion that the ministry published on 25 May 2018. */
static void
mobile_numbers_of_eleven_digits_are_what_they_became_in_2018(void **state)
{
	static const char *const plan[][2] = {
		{ "0120", "70" }, { "0121", "79" }, { "0122", "77" }, { "0123", "83" }, { "0124", "84" },
		{ "0125", "85" }, { "0126", "76" }, { "0127", "81" }, { "0128", "78" }, { "0129", "82" },
		{ "0162", "32" }, { "0163", "33" }, { "0164", "34" }, { "0165", "35" }, { "0166", "36" },
		{ "0167", "37" }, { "0168", "38" }, { "0169", "39" }, { "0186", "56" }, { "0188", "58" },
		{ "0199", "59" },
	};
	char old[PHONE_MAX], now[PHONE_MAX];

	(void)state;
	for (size_t i = 0; i < sizeof(plan) / sizeof(*plan); i++) {
		strcpy(old, plan[i][0]);
		strcat(old, "5551234");
		strcpy(now, "+84");
		strcat(now, plan[i][1]);
		strcat(now, "5551234");
		assert_e164(old, now);
	}
	assert_e164("+841685551234", "+84385551234");
	assert_e164("01605551234", "");
}

static void
landlines_and_foreign_numbers_keep_their_digits(void **state)
{
	(void)state;
	assert_e164("0205 3812 345", "+842053812345");
	assert_e164("024 3825 1234", "+842438251234");
	assert_e164("+86 138 1234 5678", "+8613812345678");
	assert_e164("0085620 5555 1234", "+8562055551234");
	assert_e164("+855 12 345 678", "+85512345678");
}

static void
what_is_no_full_number_has_no_such_form(void **state)
{
	(void)state;
	assert_e164("111", "");
	assert_e164("18001581", "");
	assert_e164("1900 6789", "");
	assert_e164("091234567", "");
	assert_e164("09123456789", "");
	assert_e164("0412345678", "");
	assert_e164("912345678", "");
	assert_e164("+84 12", "");
	assert_e164("+1234567890123456", "");
	assert_e164("+00012345678", "");
	assert_e164("0912345678 (mẹ)", "");
	assert_e164("0912+345678", "");
	assert_e164("", "");
	assert_e164("+", "");
	assert_e164("00000000000000000000000000000000000000", "");
}

static void
it_is_dialled_with_a_zero_at_home(void **state)
{
	char got[PHONE_MAX];

	(void)state;
	phone_domestic("+84912345678", got);
	assert_string_equal(got, "0912345678");
	phone_domestic("+8613812345678", got);
	assert_string_equal(got, "008613812345678");
}

static void
digits_and_signs_between_look_like_a_number(void **state)
{
	(void)state;
	assert_true(phone_looks("0912 345", 6));
	assert_true(phone_looks("+84 9", 3));
	assert_false(phone_looks("0912", 6));
	assert_false(phone_looks("17 tháng 5", 3));
	assert_false(phone_looks("++849", 3));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_number_has_one_form_however_it_is_typed),
		cmocka_unit_test(mobile_numbers_of_eleven_digits_are_what_they_became_in_2018),
		cmocka_unit_test(landlines_and_foreign_numbers_keep_their_digits),
		cmocka_unit_test(what_is_no_full_number_has_no_such_form),
		cmocka_unit_test(it_is_dialled_with_a_zero_at_home),
		cmocka_unit_test(digits_and_signs_between_look_like_a_number),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
