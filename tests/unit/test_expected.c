#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "shared/base/phone.h"
#include "shared/forms/answers.h"
#include "shared/forms/form.h"
#include "tests/support/form_fixture.h"

/* What the shipped forms warn of and take all the same: numbers of papers, telephones. */

/* Which field is warned of, NULL: none; it is never refused. */
static const char *
warned_of(const struct form_set *set, const char *form, const char *pairs)
{
	struct answers *a = form_fixture_begin(set, form);
	struct answers_breach *w;
	struct error err = { 0 };
	const char *field = NULL;
	size_t n;

	form_fixture_add_all(a, pairs);
	assert_int_equal(form_fixture_check(a, NULL, NULL), RC_OK);
	assert_int_equal(answers_warn(a, form_fixture_today(), &w, &n, &err), RC_OK);
	assert_in_range(n, 0, 1);
	if (n == 1) {
		field = w[0].field->name;
		assert_true(strlen(w[0].message[FORM_VI]) > 20 && strlen(w[0].message[FORM_EN]) > 20);
		assert_string_not_equal(w[0].message[FORM_VI], w[0].message[FORM_EN]);
	}
	answers_breaches_free(w, n);
	answers_free(a);
	return field;
}

static void
assert_paper(const struct form_set *set, const char *pairs, bool fine)
{
	const char *field = warned_of(set, "person", pairs);

	if (fine != (field == NULL) || (field != NULL && strcmp(field, "id_number") != 0))
		fail_msg("%s: %s", pairs, field == NULL ? "no warning" : field);
}

static void
an_identity_number_is_held_against_sex_and_year_of_birth(void **state)
{
	static const struct { const char *pairs; bool fine; } papers[] = {
		/* a man of 1985, a woman of 1998, a woman of 2004, a man of 2010 */
		{ "id_kind=CCCD|id_number=001085012345|sex=M|birth_date=1985|birth_precision=YEAR", true },
		{ "id_kind=CCCD|id_number=020198001234|sex=F|birth_date=1998-05-17|birth_precision=DAY", true },
		{ "id_kind=CC|id_number=020304001234|sex=F|birth_date=2004-05|birth_precision=MONTH", true },
		{ "id_kind=DDCN|id_number=096210001234|sex=M|birth_date=2010-01-02|birth_precision=DAY", true },
		{ "id_kind=CCCD|id_number=020198001234", true },
		{ "id_kind=CCCD|id_number=020198001234|sex=U", true },
		{ "id_kind=CCCD|id_number=020198001234|birth_date=1996|birth_precision=EST_AGE", true },
		{ "id_kind=CCCD|id_number=104198001234|sex=F", true },	/* born abroad */
		/* wrong: sex, year, century, place, length, letters */
		{ "id_kind=CCCD|id_number=020198001234|sex=M", false },
		{ "id_kind=CCCD|id_number=001085012345|sex=F", false },
		{ "id_kind=CCCD|id_number=020198001234|birth_date=1997|birth_precision=YEAR", false },
		{ "id_kind=CC|id_number=020104001234|sex=F|birth_date=2004|birth_precision=YEAR", false },
		{ "id_kind=CCCD|id_number=000198001234", false },
		{ "id_kind=CCCD|id_number=12345", false },
		{ "id_kind=CCCD|id_number=0201980012345", false },
		{ "id_kind=CCCD|id_number=02019800123O", false },
		/* others */
		{ "id_kind=CMND|id_number=082123456", true }, { "id_kind=CMND|id_number=020198001234", true },
		{ "id_kind=CMND|id_number=08212345", false }, { "id_kind=PASSPORT|id_number=C1234567", true },
		{ "id_number=12345", true },
	};

	for (size_t i = 0; i < sizeof(papers) / sizeof(*papers); i++)
		assert_paper(*state, papers[i].pairs, papers[i].fine);
}

/* Of the 63 provinces of 2012 to 2025 (Thông tư 07/2016/TT-BCA, Phụ lục I). */
static void
an_identity_number_begins_with_a_province_or_a_country(void **state)
{
	static const int codes[] = {
		1, 2, 4, 6, 8, 10, 11, 12, 14, 15, 17, 19, 20, 22, 24, 25, 26, 27, 30, 31, 33, 34, 35, 36,
		37, 38, 40, 42, 44, 45, 46, 48, 49, 51, 52, 54, 56, 58, 60, 62, 64, 66, 67, 68, 70, 72, 74,
		75, 77, 79, 80, 82, 83, 84, 86, 87, 89, 91, 92, 93, 94, 95, 96,
	};
	size_t n = sizeof(codes) / sizeof(*codes), at = 0;
	char pairs[80];

	assert_int_equal(n, 63);
	for (int code = 0; code < 100; code++) {
		bool is_there = at < n && codes[at] == code;

		at += is_there ? 1 : 0;
		snprintf(pairs, sizeof(pairs), "id_kind=CCCD|id_number=%03d198001234", code);
		assert_paper(*state, pairs, is_there);
	}
}

static void
a_telephone_number_that_nobody_can_have_is_warned_of(void **state)
{
	static const char *const numbers[] = {
		"0912345678", "0912 345 678", "0912.345.678", "+84912345678", "+84 (0)912 345 678",
		"84912345678", "0084912345678", "01685551234", "02053812345", "024 3825 1234",
		"+86 138 1234 5678", "+85620 5555 1234", "+855 12 345 678", "0085620 5555 1234",
		"091234567", "09123456789", "0412345678", "912345678", "+84 12", "12345", "01605",
		"0205381234567", "+1234567890123456", "+8491234567",
	};
	static const char *const fields[][2] = {
		{ "person", "phone" }, { "staff", "phone" }, { "org_unit", "focal_phone" },
		{ "tip", "reporter_phone" },
	};
	static const char *const hotlines[] = { "111", "113", "18001581", "1800 1581", "1900.6789" };
	char pairs[160], e164[PHONE_MAX];

	for (size_t k = 0; k < sizeof(fields) / sizeof(*fields); k++) {
		const struct form_field *f = form_field_named(form_set_find(*state, fields[k][0]),
		    fields[k][1]);

		assert_true(form_field_looks(f, "phone"));
		assert_non_null(f->expected);
	}
	for (size_t i = 0; i < sizeof(numbers) / sizeof(*numbers); i++) {
		snprintf(pairs, sizeof(pairs), "phone=%s", numbers[i]);
		if ((warned_of(*state, "person", pairs) == NULL) != phone_e164(numbers[i], e164))
			fail_msg("%s", numbers[i]);
	}
	for (size_t i = 0; i < sizeof(hotlines) / sizeof(*hotlines); i++) {
		snprintf(pairs, sizeof(pairs), "phone=%s", hotlines[i]);
		assert_null(warned_of(*state, "person", pairs));
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_identity_number_is_held_against_sex_and_year_of_birth),
		cmocka_unit_test(an_identity_number_begins_with_a_province_or_a_country),
		cmocka_unit_test(a_telephone_number_that_nobody_can_have_is_warned_of),
	};

	return cmocka_run_group_tests(tests, form_fixture_set_up, form_fixture_tear_down);
}
