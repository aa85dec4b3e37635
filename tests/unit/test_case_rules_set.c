#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "shared/base/clock.h"
#include "shared/base/csv.h"
#include "shared/records/case_rules.h"

/* Sheets of rules that a province publishes beside its forms. */

struct published {
	struct form_set *set;
	struct case_rules *rules;
	struct error refused, err;
};

/* The shipped forms with one or two sheets beside them. */
static void
publish(struct published *p, const char *name, const char *sheet, const char *name2,
    const char *sheet2)
{
	struct form_set *shipped;
	struct form_file *files = calloc(FORM_FILES_MAX, sizeof(*files));
	const struct form_file *all;
	size_t n;

	memset(p, 0, sizeof(*p));
	assert_int_equal(form_set_load_embedded(&shipped, &p->err), RC_OK);
	all = form_set_files(shipped, &n);
	memcpy(files, all, n * sizeof(*files));
	if (name != NULL)
		files[n++] = (struct form_file){ name, (const uint8_t *)sheet, strlen(sheet) };
	if (name2 != NULL)
		files[n++] = (struct form_file){ name2, (const uint8_t *)sheet2, strlen(sheet2) };
	assert_int_equal(form_set_load(files, n, &p->set, &p->err), RC_OK);
	form_set_free(shipped);
	free(files);
	assert_int_equal(case_rules_load_set(p->set, &p->rules, &p->refused, &p->err), RC_OK);
	assert_non_null(p->rules);
}

static void
end(struct published *p)
{
	case_rules_free(p->rules);
	form_set_free(p->set);
}

static int64_t
days(const char *iso)
{
	struct date d;

	assert_int_equal(date_parse(iso, &d), RC_OK);
	return date_to_days(&d);
}

static void
without_published_sheets_the_programs_count(void **state)
{
	struct published p;

	(void)state;
	publish(&p, NULL, NULL, NULL, NULL);
	assert_int_equal(p.refused.code, RC_OK);
	for (size_t i = 0; i < CASE_RULES_SHEETS; i++)
		assert_false(case_rules_is_published(p.rules, i));
	assert_string_equal(case_rules_regime(p.rules, days("2026-01-01")), "R2024");
	assert_int_equal(case_rules_check_set(p.set, &p.err), RC_OK);
	end(&p);
}

static void
a_published_sheet_stands_in_place_of_the_programs(void **state)
{
	static const char holidays[] = "from,to,name,source\n"
	    "2028-01-03,2028-01-03,Nghỉ bù Tết Dương lịch,Quyết định của tỉnh\n";
	struct published p;
	bool sure;

	(void)state;
	publish(&p, "rules/holiday.csv", holidays, NULL, NULL);
	assert_int_equal(case_rules_check_set(p.set, &p.err), RC_OK);
	assert_true(case_rules_is_published(p.rules, 3));
	assert_false(case_rules_is_published(p.rules, 0));
	assert_int_equal(case_rules_sheet(p.rules, 3)->n_rows, 1);
	/* 27 to 31 December, then 4 to 7 January */
	assert_int_equal(case_rules_due(p.rules, case_rules_term(p.rules, "DECISION", "R2024", 0),
	    days("2027-12-24"), &sure), days("2028-01-07"));
	assert_true(sure);
	assert_string_equal(case_rules_regime(p.rules, days("2026-01-01")), "R2024");
	end(&p);
}

/* A sheet of before the program knew of a rule, or of a word, does not take it away. */
static void
what_a_published_sheet_does_not_know_is_the_programs(void **state)
{
	struct published p;

	(void)state;
	publish(&p, "rules/deadline.csv", "rule,regime,n,unit,source\n"
	    "FOLLOW_UP,ANY,2,MONTH,Kế hoạch của tỉnh\nINITVER,R2011,5,DAY,Kế hoạch của tỉnh\n",
	    "rules/words.csv", "list,code,vi,en\ndue,OPEN,còn hạn,open\n");
	assert_int_equal(case_rules_check_set(p.set, &p.err), RC_OK);
	assert_int_equal(case_rules_term(p.rules, "FOLLOW_UP", "R2024", 0)->n, 2);
	assert_null(case_rules_term(p.rules, "FOLLOW_UP", "R2024", 1));
	assert_null(case_rules_term(p.rules, "INITVER", "R2024", 0));	/* it knows the rule */
	assert_int_equal(case_rules_term(p.rules, "LODGING", "R2024", 0)->n, 120);
	assert_string_equal(case_rules_word(p.rules, "due", "OPEN", FORM_VI), "còn hạn");
	assert_string_equal(case_rules_word(p.rules, "due", "OVERDUE", FORM_VI), "quá hạn");
	assert_string_equal(case_rules_word(p.rules, "due", "NONE", FORM_VI), "NONE");
	end(&p);
}

static void
sheets_that_cannot_be_read_leave_the_programs_in_force(void **state)
{
	struct published p;

	(void)state;
	publish(&p, "rules/deadline.csv", "rule,regime,n,unit,source\nINITVER,R2024,3,FORTNIGHT,s\n",
	    NULL, NULL);
	assert_int_equal(p.refused.code, RC_FORMAT);
	assert_string_equal(p.refused.where, "rules/deadline.csv:2:4");
	assert_int_equal(case_rules_term(p.rules, "INITVER", "R2024", 0)->n, 3);
	assert_false(case_rules_is_published(p.rules, 2));
	assert_int_equal(case_rules_check_set(p.set, &p.err), RC_FORMAT);
	end(&p);
}

static void
a_bad_sheet_is_not_published_and_its_line_is_named(void **state)
{
	static const char *const bad[][3] = {
		{ "rules/regime.csv", "regime,from,to,source\nR1999,,,Luật\n", "regime.csv:2:1" },
		{ "rules/regime.csv", "regime,from,to,source\nR2011,,2025-06-30,Luật\n"
		    "R2024,2025-06-30,,Luật\n", "regime.csv:3:2" },
		{ "rules/regime.csv", "regime,from,to,source\nR2011,2020-01-01,2020-12-31,Luật\n"
		    "R2024,,,Luật\n", "regime.csv:3:2" },
		{ "rules/regime.csv", "regime,from,to,source\nR2011,,,\n", "regime.csv:2:4" },
		{ "rules/entitlement.csv", "regime,class,letters,case_by_case,source\n"
		    "R2024,NOBODY,a,no,s\n", "entitlement.csv:2:2" },
		{ "rules/entitlement.csv", "regime,class,letters,case_by_case,source\n"
		    "R2024,V_VN,a z,no,s\n", "entitlement.csv:2:3" },
		{ "rules/entitlement.csv", "regime,class,letters,case_by_case,source\n"
		    "R2024,V_VN,a đ,perhaps,s\n", "entitlement.csv:2:4" },
		{ "rules/deadline.csv", "rule,regime,n,unit,source\nSOMETHING,ANY,3,DAY,s\n",
		    "deadline.csv:2:1" },
		{ "rules/deadline.csv", "rule,regime,n,unit,source\n\nINITVER,R1,3,DAY,s\n",
		    "deadline.csv:3:2" },
		{ "rules/deadline.csv", "rule,regime,n,unit,source\nINITVER,ANY,3,DAY,\n",
		    "deadline.csv:2:5" },
		{ "rules/holiday.csv", "from,to,name,source\n2027-02-29,2027-03-01,Tết,s\n",
		    "holiday.csv:2:1" },
		{ "rules/holiday.csv", "from,to,name,source\n2027-02-05,2027-02-10,,s\n",
		    "holiday.csv:2:3" },
		{ "rules/holiday.csv", "from,to,name,source,sure\n2027-02-05,2027-02-10,Tết,s,perhaps\n",
		    "holiday.csv:2:5" },
		{ "rules/holiday.csv", "from,name,to,source\n", "holiday.csv:1:2" },
		{ "rules/closing.csv", "reason,follow\nTIRED,no\n", "closing.csv:2:1" },
		{ "rules/closing.csv", "reason,follow\nDIED,nope\n", "closing.csv:2:2" },
		{ "rules/words.csv", "list,code,vi,en\ndue,SOON,sắp,soon\n", "words.csv:2:2" },
		{ "rules/words.csv", "list,code,vi,en\ndue,OPEN,,open\n", "words.csv:2:3" },
	};
	struct published p;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		publish(&p, bad[i][0], bad[i][1], NULL, NULL);
		if (case_rules_check_set(p.set, &p.err) != RC_FORMAT ||
		    strstr(p.err.where, bad[i][2]) == NULL)
			fail_msg("%zu: at %s: %s", i, p.err.where, p.err.what);
		end(&p);
	}
}

static void
the_programs_own_sheets_could_be_published(void **state)
{
	struct form_set *set;
	struct error err;

	(void)state;
	assert_int_equal(form_set_load_dir("schema", &set, &err), RC_OK);
	if (case_rules_check_set(set, &err) != RC_OK)
		fail_msg("%s: %s", err.where, err.what);
	form_set_free(set);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(without_published_sheets_the_programs_count),
		cmocka_unit_test(a_published_sheet_stands_in_place_of_the_programs),
		cmocka_unit_test(what_a_published_sheet_does_not_know_is_the_programs),
		cmocka_unit_test(sheets_that_cannot_be_read_leave_the_programs_in_force),
		cmocka_unit_test(a_bad_sheet_is_not_published_and_its_line_is_named),
		cmocka_unit_test(the_programs_own_sheets_could_be_published),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
