#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "shared/base/clock.h"
#include "shared/forms/expression.h"
#include "shared/forms/pattern.h"

/* Fields a b c d e: set by each test; "date" is one of kind date. */
static const char *const names[] = { "a", "b", "c", "date", "none" };

struct world {
	const char *values[5];
};

static size_t
find_field(void *ctx, const char *name, size_t len)
{
	(void)ctx;
	for (size_t i = 0; i < 5; i++)
		if (strlen(names[i]) == len && memcmp(names[i], name, len) == 0)
			return i;
	return SIZE_MAX;
}

static size_t
find_column(void *ctx, const char *name, size_t len)
{
	(void)ctx;
	return len == 8 && memcmp(name, "province", 8) == 0 ? 0 : SIZE_MAX;
}

static void
field_value(void *ctx, size_t field, struct expression_value *out)
{
	const struct world *w = ctx;

	out->kind = field == 3 ? EXPRESSION_DATE : EXPRESSION_TEXT;
	out->text = w->values[field] != NULL ? w->values[field] : "";
}

static void
column_value(void *ctx, size_t column, struct expression_value *out)
{
	(void)ctx;
	(void)column;
	out->text = "37";
}

static const struct expression_names all_names = { find_field, find_column, true, NULL };

/* 2026-11-22 */
static int64_t
today(void)
{
	const struct date d = { 2026, 11, 22 };

	return date_to_days(&d);
}

static struct expression_scope
scope_with(struct world *w, const char *current)
{
	return (struct expression_scope){ .field = field_value, .column = column_value, .ctx = w,
	    .current = { .kind = EXPRESSION_TEXT, .text = current }, .today_days = today() };
}

/* The result as text. */
static void
expect(struct world *w, const char *current, const char *text, const char *wanted)
{
	struct expression_scope scope = scope_with(w, current);
	struct expression *e;
	struct expression_value v;
	struct error err = { RC_OK, "", "", "" };
	char *got;

	if (expression_compile(text, &all_names, "x", &e, &err) != RC_OK)
		fail_msg("%s: %s", text, err.what);
	assert_int_equal(expression_evaluate(e, &scope, &v), RC_OK);
	assert_int_equal(expression_text(&v, &got), RC_OK);
	if (strcmp(got, wanted) != 0)
		fail_msg("%s is %s, not %s", text, got, wanted);
	free(got);
	expression_value_reset(&v);
	expression_free(e);
}

static void
refuse(const char *text, enum rc rc, const char *what)
{
	struct expression *e;
	struct error err = { RC_OK, "", "", "" };

	if (expression_compile(text, &all_names, "forms/x/survey.csv:2:relevant", &e, &err) != rc)
		fail_msg("%s: not refused as it should be: %s", text, err.what);
	assert_null(e);
	if (strstr(err.what, what) == NULL)
		fail_msg("%s: says %s, not %s", text, err.what, what);
	assert_string_equal(err.where, "forms/x/survey.csv:2:relevant");
}

static void
operators_bind_as_in_xpath(void **state)
{
	struct world w = { { "7", "2", NULL, NULL, NULL } };

	(void)state;
	expect(&w, "", "1 + 2 * 3", "7");
	expect(&w, "", "(1 + 2) * 3", "9");
	expect(&w, "", "10 - 4 - 3", "3");
	expect(&w, "", "-2 * -3", "6");
	expect(&w, "", "- - 2", "2");
	expect(&w, "", "${a} div ${b}", "3.5");
	expect(&w, "", "${a} mod ${b}", "1");
	expect(&w, "", "1 < 2 = true()", "true");
	expect(&w, "", "true() or false() and false()", "true");
	expect(&w, "", "(true() or false()) and false()", "false");
	expect(&w, "", "1 + 1 = 2 and 2 * 2 != 5", "true");
	expect(&w, "", ".5 + 0.25", "0.75");
	expect(&w, "", "${a}-${b}", "5");
	expect(&w, "", "${ a } > ${b}", "true");
}

static void
empty_fields_are_not_zero(void **state)
{
	struct world w = { { NULL } };

	(void)state;
	expect(&w, "", "${none} < 5", "false");
	expect(&w, "", "${none} >= 0", "false");
	expect(&w, "", "${none} = 0", "false");
	expect(&w, "", "${none} != 0", "true");
	expect(&w, "", "${none} = ''", "true");
	expect(&w, "", "${none} + 1", "");
	expect(&w, "", "number(${none})", "");
	expect(&w, "", "coalesce(${none}, 3)", "3");
	expect(&w, "", "if(${none}, 'x', 'y')", "y");
	expect(&w, "", "not(${none})", "true");
	expect(&w, "", "5 div 0", "");
	expect(&w, "", "5 mod 0", "");
	expect(&w, "", "5 div 0 > 1", "false");
}

static void
compares_numbers_as_numbers_and_texts_as_texts(void **state)
{
	struct world w = { { "10", "9", "010", NULL, NULL } };

	(void)state;
	expect(&w, "", "${a} > ${b}", "true");
	expect(&w, "", "${a} = 10", "true");
	expect(&w, "", "${c} = 10", "true");
	expect(&w, "", "${c} = ${a}", "false");
	expect(&w, "", "'x' = true()", "true");
	expect(&w, "", "'abc' < 5", "false");
	expect(&w, "", "'1998' = 1998", "true");	/* a text, and no partial date */
}

static void
dates_compare_and_subtract_as_days(void **state)
{
	struct world w = { { "2026-01-31", "2026-02-01", NULL, "1998", NULL } };

	(void)state;
	expect(&w, "", "${a} < ${b}", "true");
	expect(&w, "", "${b} - ${a}", "1");
	expect(&w, "", "today()", "2026-11-22");
	expect(&w, "", "today() - 22", "20757");	/* days since 1970 of 2026-10-31 */
	expect(&w, "", "date(today() - 22)", "2026-10-31");
	expect(&w, "", "date('2025-07-01') > ${a}", "false");
	expect(&w, "", "${date} < today()", "true");
	expect(&w, "", "${date} >= date('1998-01-01')", "true");
	expect(&w, "", "${date} >= date('1998-01-02')", "false");
	expect(&w, "", "format-date(${a}, '%d/%m/%Y')", "31/01/2026");
	expect(&w, "", "format-date('x', '%d')", "");
	expect(&w, "", "date('2026-02-30')", "");
	expect(&w, "", "date(99999999)", "");
	expect(&w, "", "int((today() - date('2008-11-23')) div 365.25)", "17");
}

static void
functions_do_what_the_standard_says(void **state)
{
	struct world w = { { "LAW TRICKS", "Huế", "OTHER", NULL, NULL } };

	(void)state;
	expect(&w, "", "selected(${a}, 'LAW')", "true");
	expect(&w, "", "selected(${a}, 'LA')", "false");
	expect(&w, "", "selected(${a}, 'LAWS')", "false");
	expect(&w, "", "selected(${a}, '')", "false");
	expect(&w, "", "count-selected(${a})", "2");
	expect(&w, "", "count-selected(${none})", "0");
	expect(&w, "", "selected-at(${a}, 1)", "TRICKS");
	expect(&w, "", "selected-at(${a}, 2)", "");
	expect(&w, "", "string-length(${b})", "3");
	expect(&w, "", "substr(${b}, 1)", "uế");
	expect(&w, "", "substr(${b}, 0, 2)", "Hu");
	expect(&w, "", "substr(${b}, -1)", "ế");
	expect(&w, "", "concat(${b}, '-', 2 + 3)", "Huế-5");
	expect(&w, "", "contains(${b}, 'ế')", "true");
	expect(&w, "", "starts-with(${b}, 'Hu')", "true");
	expect(&w, "", "ends-with(${b}, 'Hu')", "false");
	expect(&w, "", "round(2.5)", "3");
	expect(&w, "", "round(2.345, 2)", "2.35");
	expect(&w, "", "int(-2.7)", "-2");
	expect(&w, "", "abs(-4)", "4");
	expect(&w, "", "min(3, 1, 2)", "1");
	expect(&w, "", "max(3, 10, 2)", "10");
	expect(&w, "", "once('x')", "x");
	expect(&w, "", "string(7.50)", "7.5");
	expect(&w, "", "boolean('')", "false");
	expect(&w, "", "if(${c} = 'OTHER', if(1 > 2, 'a', 'b'), 'c')", "b");
	expect(&w, "13699", ". = 13699 and regex(., '[0-9]{5}')", "true");
	expect(&w, "136990", "regex(., '[0-9]{5}')", "false");
	expect(&w, "", "province = '37'", "true");
}

static void
says_what_is_wrong_and_where(void **state)
{
	(void)state;
	refuse("frobnicate(1)", RC_FORMAT, "unknown function: frobnicate");
	refuse("${nobody} = 1", RC_FORMAT, "unknown field: nobody");
	refuse("nobody = 1", RC_FORMAT, "unknown name");
	refuse("selected(${a})", RC_FORMAT, "wrong number of arguments: selected");
	refuse("today(1)", RC_FORMAT, "wrong number of arguments: today");
	refuse("1 +", RC_FORMAT, "ends where an operand is due");
	refuse("", RC_FORMAT, "ends where an operand is due");
	refuse("1 2", RC_FORMAT, "an operator is missing before: 2");
	refuse("(1", RC_FORMAT, "a ( is not closed");
	refuse("1)", RC_FORMAT, "a ) was never opened");
	refuse("()", RC_FORMAT, "an operand is missing before )");
	refuse("5 + today(2 +)", RC_FORMAT, "an operand is missing before )");
	refuse("concat(1,,2)", RC_FORMAT, "an operand is missing before: ,");
	refuse("concat(1,)", RC_FORMAT, "an operand is missing before )");
	refuse("1, 2", RC_FORMAT, "a comma stands outside a function");
	refuse("'abc", RC_FORMAT, "a quote is not closed");
	refuse("${a", RC_FORMAT, "a ${ is not closed");
	refuse("1.2.3", RC_FORMAT, "an operator is missing");
	refuse("12x", RC_FORMAT, "not a number");
	refuse("regex(., ${a})", RC_FORMAT, "pattern between quotes");
	refuse("regex(., '(a')", RC_FORMAT, "is not closed");
	refuse("a & b", RC_FORMAT, "unknown name");
	refuse("1 & 2", RC_FORMAT, "an operator is missing before");
	refuse("* 2", RC_FORMAT, "an operand is missing before");
}

static void
refuses_dot_where_there_is_no_current_value(void **state)
{
	struct expression_names n = all_names;
	struct expression *e;
	struct error err = { RC_OK, "", "", "" };

	(void)state;
	n.current = false;
	assert_int_equal(expression_compile(". > 1", &n, "x", &e, &err), RC_FORMAT);
	assert_null(e);
}

static void
refuses_expressions_beyond_their_limits(void **state)
{
	char *text = malloc(EXPRESSION_LENGTH_MAX + 2);

	(void)state;
	assert_non_null(text);
	memset(text, '1', EXPRESSION_LENGTH_MAX + 1);
	text[EXPRESSION_LENGTH_MAX + 1] = '\0';
	refuse(text, RC_LIMIT, "longer than 4096");
	memset(text, '(', 200);
	text[200] = '\0';
	refuse(text, RC_LIMIT, "nested too deeply");
	memset(text, '-', 200);
	refuse(text, RC_LIMIT, "nested too deeply");
	for (size_t i = 0; i < 1200; i += 2)
		memcpy(text + i, "1+", 2);
	strcpy(text + 1200, "1");
	refuse(text, RC_LIMIT, "too large");
	free(text);
}

static void
a_text_that_grows_too_large_is_an_error(void **state)
{
	struct world w = { { NULL } };
	struct expression_scope scope = scope_with(&w, "");
	struct expression *e;
	struct expression_value v;
	struct error err = { RC_OK, "", "", "" };
	char *big = malloc(50001);

	(void)state;
	assert_non_null(big);
	memset(big, 'x', 50000);
	big[50000] = '\0';
	w.values[0] = big;
	assert_int_equal(expression_compile("concat(${a}, ${a}, ${a})", &all_names, "x", &e, &err),
	    RC_OK);
	assert_int_equal(expression_evaluate(e, &scope, &v), RC_LIMIT);
	expression_value_reset(&v);
	expression_free(e);
	free(big);
}

static void
names_every_field_it_uses(void **state)
{
	struct expression *e;
	struct error err = { RC_OK, "", "", "" };

	(void)state;
	assert_int_equal(expression_compile("${b} + if(${a} = 1, ${date}, 2)", &all_names, "x",
	    &e, &err), RC_OK);
	assert_int_equal(expression_uses(e, 0), 1);
	assert_int_equal(expression_uses(e, 1), 0);
	assert_int_equal(expression_uses(e, 2), 3);
	assert_true(expression_uses(e, 3) == SIZE_MAX);
	expression_free(e);
}

static void
patterns_match_whole_texts_by_character(void **state)
{
	static const struct {
		const char *pattern, *text;
		bool matches;
	} cases[] = {
		{ "[0-9]{5}", "13699", true }, { "[0-9]{5}", "x13699", false },
		{ "^[0-9]+$", "12", true }, { "a|b*c", "bbbc", true }, { "a|b*c", "ac", false },
		{ "(ab)+c?", "ababc", true }, { ".{3}", "Huế", true }, { "[À-ỹ]", "ế", true },
		{ "[^a-z]", "đ", true }, { "a{2,4}", "a", false }, { "a{2,4}", "aaaa", true },
		{ "a{2,4}", "aaaaa", false }, { "a{0}", "", true }, { "a{0}", "a", false },
		{ "(a|b){2,}", "abab", true }, { "\\d{2}\\.\\w+", "12.ab", true },
		{ "\\D", "1", false }, { "[\\d.]+", "1.2", true }, { "[]-]+", "]-", true },
		{ "", "", true }, { "", "a", false }, { "(?:x)?y", "y", true }, { "()", "", true },
		{ "(|a)b", "b", true }, { "a$b", "ab", false }, { "https?://[^ ]+", "http://a",
		    true },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct pattern *p;
		const char *why;
		bool got;

		assert_int_equal(pattern_compile(cases[i].pattern, strlen(cases[i].pattern), &p,
		    &why), RC_OK);
		assert_int_equal(pattern_match(p, cases[i].text, &got), RC_OK);
		if (got != cases[i].matches)
			fail_msg("%s on %s", cases[i].pattern, cases[i].text);
		pattern_free(p);
	}
}

static void
refuses_patterns_outside_the_grammar(void **state)
{
	static const char *const bad[] = { "(", ")", "[a", "*a", "a{", "a{x}", "a{3,2}", "{2}",
	    "[z-a]", "\\", "(?=a)", "a\\1", "(a{100}){100}", "a{1001}", "((a{40}){40}){40}" };

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct pattern *p;
		const char *why;
		enum rc rc = pattern_compile(bad[i], strlen(bad[i]), &p, &why);

		if (rc != RC_FORMAT && rc != RC_LIMIT)
			fail_msg("%s was not refused", bad[i]);
		assert_null(p);
		assert_true(why[0] != '\0');
	}
}

static void
a_pattern_that_backtracks_elsewhere_is_quick_here(void **state)
{
	struct pattern *p;
	const char *why;
	char text[4001];
	bool got;
	int64_t start = clock_monotonic_ms();

	(void)state;
	memset(text, 'a', 4000);
	text[4000] = '\0';
	assert_int_equal(pattern_compile("(a*)*(a|aa)*b", 13, &p, &why), RC_OK);
	assert_int_equal(pattern_match(p, text, &got), RC_OK);
	assert_false(got);
	pattern_free(p);
	assert_true(clock_monotonic_ms() - start < 2000);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(operators_bind_as_in_xpath),
		cmocka_unit_test(empty_fields_are_not_zero),
		cmocka_unit_test(compares_numbers_as_numbers_and_texts_as_texts),
		cmocka_unit_test(dates_compare_and_subtract_as_days),
		cmocka_unit_test(functions_do_what_the_standard_says),
		cmocka_unit_test(says_what_is_wrong_and_where),
		cmocka_unit_test(refuses_dot_where_there_is_no_current_value),
		cmocka_unit_test(refuses_expressions_beyond_their_limits),
		cmocka_unit_test(a_text_that_grows_too_large_is_an_error),
		cmocka_unit_test(names_every_field_it_uses),
		cmocka_unit_test(patterns_match_whole_texts_by_character),
		cmocka_unit_test(refuses_patterns_outside_the_grammar),
		cmocka_unit_test(a_pattern_that_backtracks_elsewhere_is_quick_here),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
