/* Terms of laws and plans; every expected day was counted on a calendar by hand. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "shared/base/clock.h"
#include "shared/base/embedded.h"
#include "shared/records/case_rules.h"

static int64_t
days(const char *iso)
{
	struct date d;

	assert_int_equal(date_parse(iso, &d), RC_OK);
	return date_to_days(&d);
}

static void
is_day(int64_t got, const char *wanted)
{
	struct date d;
	char text[11];

	date_from_days(got, &d);
	date_iso(&d, text);
	assert_string_equal(text, wanted);
}

static int
set_up(void **state)
{
	struct case_rules *r;
	struct error err = { .code = RC_OK };

	if (case_rules_load(&r, &err) != RC_OK)
		fail_msg("%s: %s", err.where, err.what);
	*state = r;
	return 0;
}

static int
tear_down(void **state)
{
	case_rules_free(*state);
	return 0;
}

static void
due(const struct case_rules *r, const char *rule, const char *regime, const char *first,
    const char *wanted, bool wanted_sure)
{
	bool sure;

	is_day(case_rules_due(r, case_rules_term(r, rule, regime, 0), days(first), &sure), wanted);
	assert_int_equal(sure, wanted_sure);
}

static void
the_law_of_2024_begins_on_the_first_of_july_2025(void **state)
{
	const struct case_rules *r = *state;

	assert_string_equal(case_rules_regime(r, days("1990-01-01")), "R2011");
	assert_string_equal(case_rules_regime(r, days("2025-06-30")), "R2011");
	assert_string_equal(case_rules_regime(r, days("2025-07-01")), "R2024");
	assert_string_equal(case_rules_regime(r, days("2040-01-01")), "R2024");
	assert_non_null(strstr(case_rules_regime_source(r, "R2024"), "53/2024/QH15"));
	assert_null(case_rules_regime_source(r, "R1999"));
	/* The form of cases draws the same line. */
	assert_non_null(strstr((const char *)embedded_find("forms/case/survey.csv")->data,
	    "if(${recv_date} < date('2025-07-01'), 'R2011', 'R2024')"));
}

static void
verification_is_due_on_the_third_day_after_the_reception(void **state)
{
	due(*state, "INITVER", "R2024", "2026-03-02", "2026-03-05", true);
	due(*state, "INITVER", "R2024", "2028-02-27", "2028-03-01", true);	/* leap year */
	due(*state, "INITVER", "R2024", "2026-12-30", "2027-01-02", true);
	assert_null(case_rules_term(*state, "INITVER", "R2011", 0));
}

static void
the_first_day_of_a_stay_counts(void **state)
{
	due(*state, "LODGING", "R2024", "2026-01-01", "2026-04-30", true);	/* 31 + 28 + 31 + 30 */
	due(*state, "LODGING", "R2024", "2028-01-01", "2028-04-29", true);	/* 31 + 29 + 31 + 29 */
	due(*state, "LODGING", "R2011", "2025-05-01", "2025-06-29", true);	/* 31 + 29 */
}

static void
working_days_leave_out_weekends_and_holidays(void **state)
{
	/* Monday: four days of that week, five of the next. */
	due(*state, "DECISION", "R2024", "2026-03-02", "2026-03-13", true);
	/* Asked on a Saturday. */
	due(*state, "DECISION", "R2024", "2026-03-07", "2026-03-19", true);
	/* Wednesday before Tết: 12 and 13 February, then 23 February to 3 March. */
	due(*state, "DECISION", "R2024", "2026-02-11", "2026-03-03", true);
	/* 23, 24, 28, 29 April; 27 April, 30 April and 1 May are off; 4 to 8 May. */
	due(*state, "DECISION", "R2024", "2026-04-22", "2026-05-08", true);
	/* 25 to 28 and 31 August; 1 and 2 September are off; 3, 4, 7, 8. */
	due(*state, "DECISION", "R2024", "2026-08-24", "2026-09-08", true);
}

static void
a_year_whose_holidays_are_not_known_is_marked(void **state)
{
	/* 28 to 31 December; 1 January is off; 4 to 8 */
	due(*state, "DECISION", "R2024", "2026-12-25", "2027-01-08", true);
	due(*state, "DECISION", "R2024", "2026-12-18", "2026-12-31", true);
	due(*state, "DECISION", "R2024", "2027-12-24", "2028-01-06", false);
	due(*state, "DECISION", "R2024", "2027-12-17", "2027-12-30", true);
}

static void
a_term_with_a_day_in_it_that_may_be_a_holiday_is_marked(void **state)
{
	/* Tết 2027: 5 and 8 to 10 February are off; nobody has said yet of the 4th and the 11th */
	due(*state, "DECISION", "R2024", "2027-01-21", "2027-02-03", true);
	due(*state, "DECISION", "R2024", "2027-01-22", "2027-02-04", false);
	due(*state, "DECISION", "R2024", "2027-02-01", "2027-02-18", false);
	due(*state, "DECISION", "R2024", "2027-02-11", "2027-02-24", true);
	/* 16 April, 30 April and 3 May are off */
	due(*state, "DECISION", "R2024", "2027-04-12", "2027-04-26", true);
	due(*state, "DECISION", "R2024", "2027-04-26", "2027-05-11", true);
}

static void
months_end_on_the_same_day_or_the_last_of_the_month(void **state)
{
	(void)state;
	is_day(case_rules_months_on(days("2026-01-15"), 1), "2026-02-15");
	is_day(case_rules_months_on(days("2026-01-31"), 1), "2026-02-28");
	is_day(case_rules_months_on(days("2028-01-31"), 1), "2028-02-29");
	is_day(case_rules_months_on(days("2028-02-29"), 12), "2029-02-28");
	is_day(case_rules_months_on(days("2027-02-28"), 12), "2028-02-28");
	is_day(case_rules_months_on(days("2026-11-30"), 3), "2027-02-28");
	is_day(case_rules_months_on(days("2026-12-31"), 6), "2027-06-30");
	is_day(case_rules_months_on(days("2026-06-30"), 6), "2026-12-30");
}

static void
follow_ups_are_due_after_1_3_6_and_12_months(void **state)
{
	static const long months[] = { 1, 3, 6, 12 };

	for (size_t i = 0; i < 4; i++)
		assert_int_equal(case_rules_term(*state, "FOLLOW_UP", "R2011", i)->n, months[i]);
	assert_null(case_rules_term(*state, "FOLLOW_UP", "R2024", 4));
}

static void
letters_of_the_law_are_told_apart(void **state)
{
	struct case_entitlement e;

	assert_true(case_rules_entitled(*state, "R2024", "PIP_ABROAD", &e));
	assert_true(case_rules_has_letter(e.letters, "d"));
	assert_false(case_rules_has_letter(e.letters, "đ"));
	assert_false(case_rules_has_letter(e.letters, ""));
	assert_true(case_rules_entitled(*state, "R2024", "U18_VN", &e));
	assert_true(case_rules_has_letter(e.letters, "h"));
	assert_false(case_rules_has_letter(e.letters, "i"));
	assert_true(case_rules_entitled(*state, "R2024", "FOREIGN", &e));
	assert_true(e.case_by_case);
	assert_false(case_rules_has_letter(e.letters, "e"));
	assert_true(case_rules_entitled(*state, "R2024", "NONE", &e));
	assert_false(case_rules_has_letter(e.letters, "a"));
	/* What the law of 2011 gave to whom could not be confirmed. */
	assert_false(case_rules_entitled(*state, "R2011", "V_VN", &e));
}

/* Every code of a list that the forms know has what this needs. */
static void
every_class_and_reason_has_its_row(void **state)
{
	struct case_entitlement e;
	struct form_set *forms;
	struct error err;
	const struct form_list *l;

	assert_int_equal(form_set_load_embedded(&forms, &err), RC_OK);
	assert_non_null(l = form_set_list(forms, "beneficiary"));
	for (size_t i = 0; i < l->n_choices; i++)
		assert_true(case_rules_entitled(*state, "R2024", l->choices[i].code, &e));
	assert_non_null(l = form_set_list(forms, "legal_regime"));
	for (size_t i = 0; i < l->n_choices; i++)
		assert_non_null(case_rules_regime_source(*state, l->choices[i].code));
	assert_true(case_rules_follows(*state, "REINTEGRATED"));
	assert_false(case_rules_follows(*state, "DIED"));
	assert_true(case_rules_follows(*state, "SOMETHING_NEWER"));
	form_set_free(forms);
}

static void
refused(const char *deadline, const char *holiday, const char *where)
{
	const char *sheets[CASE_RULES_SHEETS] = { "regime,from,to,source\n",
		"regime,class,letters,case_by_case,source\n", deadline, holiday, "reason,follow\n",
		"list,code,vi,en\n" };
	struct case_rules *r;
	struct error err;

	assert_int_equal(case_rules_read(sheets, &r, &err), RC_FORMAT);
	assert_null(r);
	assert_string_equal(err.where, where);
}

static void
a_sheet_with_a_bad_cell_is_refused_with_its_place(void **state)
{
	(void)state;
	refused("rule,regime,n,unit,source\nX,ANY,0,DAY,s\n", "from,to,name,source\n",
	    "rules/deadline.csv:2:3");
	refused("rule,regime,n,unit,source\nX,ANY,3x,DAY,s\n", "from,to,name,source\n",
	    "rules/deadline.csv:2:3");
	refused("rule,regime,n,unit,source\nX,ANY,3,WEEK,s\n", "from,to,name,source\n",
	    "rules/deadline.csv:2:4");
	refused("rule,regime,count,unit,source\n", "from,to,name,source\n", "rules/deadline.csv:1:3");
	refused("rule,regime,n,unit,source\n", "from,to,name,source\n2026-02-30,2026-03-01,T,s\n",
	    "rules/holiday.csv:2:1");
	refused("rule,regime,n,unit,source\n", "from,to,name,source\n2026-03-02,2026-03-01,T,s\n",
	    "rules/holiday.csv:2:2");
	refused("rule,regime,n,unit,source\n", "from,to,name,source\n2026-03-02,,T,s\n",
	    "rules/holiday.csv:2:1");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_law_of_2024_begins_on_the_first_of_july_2025),
		cmocka_unit_test(verification_is_due_on_the_third_day_after_the_reception),
		cmocka_unit_test(the_first_day_of_a_stay_counts),
		cmocka_unit_test(working_days_leave_out_weekends_and_holidays),
		cmocka_unit_test(a_year_whose_holidays_are_not_known_is_marked),
		cmocka_unit_test(a_term_with_a_day_in_it_that_may_be_a_holiday_is_marked),
		cmocka_unit_test(months_end_on_the_same_day_or_the_last_of_the_month),
		cmocka_unit_test(follow_ups_are_due_after_1_3_6_and_12_months),
		cmocka_unit_test(letters_of_the_law_are_told_apart),
		cmocka_unit_test(every_class_and_reason_has_its_row),
		cmocka_unit_test(a_sheet_with_a_bad_cell_is_refused_with_its_place),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
