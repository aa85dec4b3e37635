#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "shared/forms/answers.h"
#include "shared/forms/form.h"
#include "tests/support/form_fixture.h"

#define VI "label::Tiếng Việt (vi)"
#define EN "label::English (en)"

static const char survey[] =
    "type,name," VI "," EN ",required,relevant,constraint,"
    "constraint_message::Tiếng Việt (vi),constraint_message::English (en),"
    "required_message::Tiếng Việt (vi),required_message::English (en),"
    "calculation,choice_filter,default,appearance,bind::field:number,bind::field:merge,"
    "bind::field:refers\n"
    "integer,total,T,T,,,. >= 0,Không âm.,Not negative.,,,,,,,1,,\n"
    "integer,female,N,F,,,. <= ${total},Số nữ nhiều hơn tổng số.,More women than people.,"
    ",,,,,,2,,\n"
    "select_one province,province,T,P,,,,,,,,,,,,3,,\n"
    "select_one commune,commune,X,C,,,,,,,,,province = ${province},,,4,,\n"
    "select_multiple topic,topics,N,T,,,count-selected(.) <= 2,,,,,,,,,5,union,\n"
    "text,other,K,O,\"selected(${topics}, 'Z')\",\"selected(${topics}, 'Z')\",,,,"
    "Hãy ghi rõ.,Say which.,,,,,6,,\n"
    "text,names,T,N,,,string-length(.) <= 5,,,,,,,,,7,union,\n"
    "text,log,N,L,,,,,,,,,,,,8,append,\n"
    "date,day,N,D,yes,,. <= today(),,,,,,,today(),,9,,\n"
    "date,born,S,B,,,,,,,,,,,partial,10,,\n"
    "decimal,kilos,K,K,,,,,,,,,,,,11,,\n"
    "text,parent,C,P,,,,,,,,,,,,12,,visit\n"
    "calculate,male,,,,,,,,,,${total} - ${female},,,,,,\n"
    "calculate,share,,,,,,,,,,round(${male} div ${total} * 100),,,,,,\n"
    "note,few,I,F,,${share} < 10,,,,,,,,,,,,\n"
    "integer,hidden,H,H,,1 = 2,,,,,,,,5,,13,,\n"
    "calculate,sees_hidden,,,,,,,,,,\"concat('<', ${hidden}, '>')\",,,,,,\n";

static const char choices[] =
    "list_name,name," VI "," EN ",province\n"
    "province,20,Lạng Sơn,Lang Son,\nprovince,37,Ninh Bình,Ninh Binh,\n"
    "commune,13699,Thành Nam,Thanh Nam,37\ncommune,05983,Đông Kinh,Dong Kinh,20\n"
    "topic,A,A,A,\ntopic,B,B,B,\ntopic,Z,Khác,Other,\n";

static const char settings[] =
    "form_title::Tiếng Việt (vi),form_title::English (en),form_id,version,compartment\n"
    "Thăm,Visit,visit,1,activities\n";

struct fixture {
	struct form_set *small;
};

static struct form_file
file(const char *name, const char *text)
{
	return (struct form_file){ name, (const uint8_t *)text, strlen(text) };
}

static int
setup(void **state)
{
	static struct fixture f;
	struct error err = { RC_OK, "", "", "" };
	const struct form_file files[] = {
		file("forms/visit/survey.csv", survey),
		file("forms/visit/choices.csv", choices),
		file("forms/visit/settings.csv", settings),
	};

	if (form_set_load(files, 3, &f.small, &err) != RC_OK) {
		print_error("%s: %s\n", err.where, err.what);
		return -1;
	}
	*state = &f;
	return 0;
}

static int
teardown(void **state)
{
	struct fixture *f = *state;

	form_set_free(f->small);
	return 0;
}

static void
has(const struct answers *a, const char *field, const char *wanted)
{
	const struct answer *x = answers_find(a, field);
	char got[512] = "";

	assert_non_null(x);
	for (size_t i = 0; i < x->n_items; i++) {
		strncat(got, i > 0 ? "|" : "", sizeof(got) - strlen(got) - 1);
		strncat(got, x->items[i], sizeof(got) - strlen(got) - 1);
	}
	assert_string_equal(got, wanted);
}

static void
values_become_canonical(void **state)
{
	const struct fixture *f = *state;
	struct answers *a = form_fixture_begin(f->small, "visit");

	form_fixture_add(a, "total", " 0042 ");
	has(a, "total", "42");
	form_fixture_add(a, "female", "-0");
	has(a, "female", "0");
	form_fixture_add(a, "kilos", "-01.500");
	has(a, "kilos", "-1.5");
	form_fixture_add(a, "day", "5/3/2026");
	has(a, "day", "2026-03-05");
	form_fixture_add(a, "born", "05/1998");
	has(a, "born", "1998-05");
	form_fixture_add(a, "topics", "Z,A");
	form_fixture_add(a, "topics", "A");
	has(a, "topics", "A|Z");
	form_fixture_add(a, "names", "Nụ, Hoa,, Nụ");
	has(a, "names", "Nụ|Hoa");
	form_fixture_add(a, "log", "gặp, hẹn");
	form_fixture_add(a, "log", "gặp, hẹn");
	has(a, "log", "gặp, hẹn|gặp, hẹn");
	form_fixture_add(a, "parent", "00000000000000af.12");
	has(a, "parent", "00000000000000af.12");
	assert_int_equal(answers_count(a), 9);
	assert_string_equal(answers_at(a, 0)->field->name, "total");
	assert_string_equal(answers_at(a, 8)->field->name, "parent");
	assert_null(answers_at(a, 9));
	assert_null(answers_find(a, "province"));
	answers_free(a);
}

static void
decimals_keep_their_sign_and_lose_their_zeroes(void **state)
{
	static const char *const cases[][2] = { { "3.0", "3" }, { "0.50", "0.5" }, { "-0.5",
	    "-0.5" },
	    { "00.25", "0.25" }, { "-0.0", "0" }, { "7", "7" }, { "-12.000001", "-12.000001" } };
	const struct fixture *f = *state;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct answers *a = form_fixture_begin(f->small, "visit");

		form_fixture_add(a, "kilos", cases[i][0]);
		has(a, "kilos", cases[i][1]);
		answers_free(a);
	}
}

/* "Hòa" typed as o + combining grave must be stored as one character. */
static void
decomposed_text_is_composed(void **state)
{
	const struct fixture *f = *state;
	struct answers *a = form_fixture_begin(f->small, "visit");

	form_fixture_add(a, "log", "Ho\xcc\x80" "a");
	has(a, "log", "H\xc3\xb2" "a");
	answers_free(a);
}

static void
refuse(const struct form_set *set, const char *field, const char *value, enum rc rc)
{
	struct answers *a = form_fixture_begin(set, "visit");
	struct error err = { RC_OK, "", "", "" };
	char where[64];

	if (answers_add(a, field, value, &err) != rc)
		fail_msg("%s took %s", field, value);
	snprintf(where, sizeof(where), "visit.%s", field);
	assert_string_equal(err.where, where);
	assert_null(strstr(err.what, "xyzzy"));
	answers_free(a);
}

static void
refuses_values_of_the_wrong_type_without_repeating_them(void **state)
{
	const struct form_set *set = ((const struct fixture *)*state)->small;

	refuse(set, "nobody", "1", RC_NOTFOUND);
	refuse(set, "total", "xyzzy", RC_INVALID);
	refuse(set, "total", "1.5", RC_INVALID);
	refuse(set, "total", "1.000", RC_INVALID);
	refuse(set, "total", "1234567890123456", RC_INVALID);
	refuse(set, "total", "-", RC_INVALID);
	refuse(set, "kilos", "1.", RC_INVALID);
	refuse(set, "kilos", "1,5", RC_INVALID);
	refuse(set, "kilos", "1.1234567", RC_INVALID);
	refuse(set, "kilos", "1e5", RC_INVALID);
	refuse(set, "day", "2026-02-30", RC_INVALID);
	refuse(set, "day", "1998", RC_INVALID);
	refuse(set, "day", "05/1998", RC_INVALID);
	refuse(set, "province", "xyzzy", RC_INVALID);
	refuse(set, "province", "20,37", RC_INVALID);
	refuse(set, "topics", "A,Q", RC_INVALID);
	refuse(set, "parent", "12.1", RC_INVALID);
	refuse(set, "parent", "00000000000000AF.1", RC_INVALID);
	refuse(set, "parent", "00000000000000af.0", RC_INVALID);
	refuse(set, "log", "xyzzy\xff", RC_INVALID);
	refuse(set, "log", "a\xe2\x80\xae" "b", RC_INVALID);
	refuse(set, "male", "1", RC_INVALID);
	refuse(set, "few", "1", RC_INVALID);
}

static void
refuses_a_second_value_of_a_field_that_holds_one(void **state)
{
	const struct fixture *f = *state;
	struct answers *a = form_fixture_begin(f->small, "visit");
	struct error err = { RC_OK, "", "", "" };

	form_fixture_add(a, "total", "1");
	assert_int_equal(answers_add(a, "total", "2", &err), RC_INVALID);
	error_clear(&err);
	assert_int_equal(answers_clear(a, "total", &err), RC_OK);
	has(a, "total", "");
	form_fixture_add(a, "total", "2");
	has(a, "total", "2");
	answers_free(a);
}

static void
refuses_text_and_lists_over_their_limits(void **state)
{
	const struct fixture *f = *state;
	struct answers *a = form_fixture_begin(f->small, "visit");
	char *text = malloc((size_t)FORM_TEXT_MAX * 2 + 16);
	struct error err = { RC_OK, "", "", "" };
	char number[16];

	assert_non_null(text);
	for (size_t i = 0; i < FORM_TEXT_MAX; i++)
		memcpy(text + 2 * i, "đ", 2);
	text[2 * (size_t)FORM_TEXT_MAX] = '\0';
	form_fixture_add(a, "log", text);
	strcat(text, "x");
	assert_int_equal(answers_add(a, "log", text, &err), RC_INVALID);
	for (int i = 0; i < ANSWERS_ITEMS_MAX; i++) {
		snprintf(number, sizeof(number), "n%d", i);
		form_fixture_add(a, "names", number);
	}
	error_clear(&err);
	assert_int_equal(answers_add(a, "names", "one more", &err), RC_INVALID);
	assert_string_equal(err.what, "more than 200 values");
	free(text);
	answers_free(a);
}

static void
a_broken_constraint_speaks_both_languages(void **state)
{
	const struct fixture *f = *state;
	struct answers *a = form_fixture_begin(f->small, "visit");
	struct answers_breach *b;
	size_t n;
	struct error err = { RC_OK, "", "", "" };

	form_fixture_add_all(a, "total=40|female=41|day=2026-11-01");
	assert_int_equal(answers_check(a, form_fixture_today(), true, &b, &n, FORM_EN, &err),
	    RC_INVALID);
	assert_int_equal(n, 1);
	assert_string_equal(b[0].field->name, "female");
	assert_string_equal(b[0].message[FORM_VI], "Số nữ nhiều hơn tổng số.");
	assert_string_equal(b[0].message[FORM_EN], "More women than people.");
	assert_string_equal(err.where, "visit.female");
	assert_string_equal(err.what, "More women than people.");
	answers_breaches_free(b, n);
	answers_free(a);
}

static void
every_breach_is_told(void **state)
{
	const struct fixture *f = *state;
	struct answers *a = form_fixture_begin(f->small, "visit");
	struct answers_breach *b;
	size_t n;
	struct error err = { RC_OK, "", "", "" };

	form_fixture_add_all(a, "total=-1|female=2|day=2026-11-23");
	assert_int_equal(answers_check(a, form_fixture_today(), true, &b, &n, FORM_VI, &err),
	    RC_INVALID);
	assert_int_equal(n, 3);
	assert_string_equal(b[2].field->name, "day");
	assert_string_equal(b[2].message[FORM_VI], "Câu trả lời không hợp lệ.");
	answers_breaches_free(b, n);
	answers_free(a);
}

static void
a_constraint_waits_for_an_answer(void **state)
{
	const struct fixture *f = *state;
	struct answers *a = form_fixture_begin(f->small, "visit");

	form_fixture_add_all(a, "total=5|day=2026-11-01");
	assert_int_equal(form_fixture_check(a, NULL, NULL), RC_OK);
	answers_free(a);
}

static void
constraints_see_a_choice_list_whole_and_other_lists_item_by_item(void **state)
{
	const struct fixture *f = *state;
	struct answers *a = form_fixture_begin(f->small, "visit");

	form_fixture_add_all(a, "topics=A,B|names=Nụ,Hoa,Lan Anh");
	assert_int_equal(form_fixture_check(a, "names", NULL), RC_INVALID);
	answers_free(a);
	a = form_fixture_begin(f->small, "visit");
	form_fixture_add_all(a, "topics=A,B,Z|other=x|names=Nụ,Hoa");
	assert_int_equal(form_fixture_check(a, "topics", NULL), RC_INVALID);
	answers_free(a);
}

static void
choices_are_offered_by_their_filter(void **state)
{
	const struct fixture *f = *state;
	struct answers *a = form_fixture_begin(f->small, "visit");
	const struct form_field *commune;
	bool offered;

	form_fixture_add_all(a, "province=37|commune=05983");
	assert_int_equal(form_fixture_check(a, "commune", "Lựa chọn này không áp dụng ở đây."),
	    RC_INVALID);
	commune = answers_find(a, "commune")->field;
	assert_int_equal(answers_offers(a, commune, "13699", &offered), RC_OK);
	assert_true(offered);
	assert_int_equal(answers_offers(a, commune, "05983", &offered), RC_OK);
	assert_false(offered);
	assert_int_equal(answers_offers(a, commune, "99999", &offered), RC_OK);
	assert_false(offered);
	answers_free(a);
	a = form_fixture_begin(f->small, "visit");
	form_fixture_add_all(a, "province=37|commune=13699");
	assert_int_equal(form_fixture_check(a, NULL, NULL), RC_OK);
	answers_free(a);
}

static void
required_and_relevant_follow_other_answers(void **state)
{
	const struct fixture *f = *state;
	struct answers *a = form_fixture_begin(f->small, "visit");
	const struct form_field *other = form_field_named(form_set_find(f->small, "visit"),
	    "other");

	form_fixture_add(a, "topics", "Z");
	assert_int_equal(form_fixture_check(a, "other", "Hãy ghi rõ."), RC_INVALID);
	assert_true(answers_relevant(a, other));
	form_fixture_add(a, "other", "lễ hội");
	assert_int_equal(form_fixture_check(a, NULL, NULL), RC_OK);
	answers_free(a);
	a = form_fixture_begin(f->small, "visit");
	form_fixture_add_all(a, "topics=A|other=lễ hội");
	assert_int_equal(form_fixture_check(a, "other", "Mục này không áp dụng, hãy để trống."),
	    RC_INVALID);
	assert_false(answers_relevant(a, other));
	answers_free(a);
}

static void
calculations_follow_each_other_and_decide_relevance(void **state)
{
	const struct fixture *f = *state;
	struct answers *a = form_fixture_begin(f->small, "visit");
	const struct form_field *few = form_field_named(form_set_find(f->small, "visit"), "few");

	form_fixture_add_all(a, "total=40|female=38");
	assert_int_equal(form_fixture_check(a, NULL, NULL), RC_OK);
	assert_string_equal(answers_calculated(a, "male"), "2");
	assert_string_equal(answers_calculated(a, "share"), "5");
	assert_true(answers_relevant(a, few));
	answers_free(a);
	a = form_fixture_begin(f->small, "visit");
	form_fixture_add_all(a, "total=40");
	assert_int_equal(form_fixture_check(a, NULL, NULL), RC_OK);
	assert_string_equal(answers_calculated(a, "male"), "");
	assert_string_equal(answers_calculated(a, "share"), "");
	assert_false(answers_relevant(a, few));
	answers_free(a);
}

static void
what_is_not_relevant_is_empty_to_others(void **state)
{
	const struct fixture *f = *state;
	struct answers *a = form_fixture_begin(f->small, "visit");

	form_fixture_add(a, "hidden", "7");
	assert_int_equal(form_fixture_check(a, "hidden", NULL), RC_INVALID);
	assert_string_equal(answers_calculated(a, "sees_hidden"), "<>");
	answers_free(a);
}

static void
defaults_fill_only_what_is_relevant_and_was_not_given(void **state)
{
	const struct fixture *f = *state;
	struct answers *a = form_fixture_begin(f->small, "visit");
	struct answers_breach *b;
	size_t n;
	struct error err = { RC_OK, "", "", "" };

	assert_int_equal(answers_check(a, form_fixture_today(), false, &b, &n, FORM_VI, &err),
	    RC_INVALID);
	assert_string_equal(b[0].field->name, "day");
	assert_string_equal(b[0].message[FORM_VI], "Mục này chưa có câu trả lời.");
	answers_breaches_free(b, n);
	assert_int_equal(form_fixture_check(a, NULL, NULL), RC_OK);
	has(a, "day", "2026-11-22");
	assert_null(answers_find(a, "hidden"));
	assert_string_equal(answers_calculated(a, "sees_hidden"), "<>");
	assert_int_equal(answers_count(a), 1);
	answers_free(a);
	a = form_fixture_begin(f->small, "visit");
	form_fixture_add(a, "day", "");
	assert_int_equal(form_fixture_check(a, "day", NULL), RC_INVALID);
	answers_free(a);
}

static void
required_is_asked_as_things_stand(void **state)
{
	const struct fixture *f = *state;
	const struct form *form = form_set_find(f->small, "visit");
	struct answers *a = form_fixture_begin(f->small, "visit");
	bool required;

	form_fixture_add(a, "topics", "A");
	assert_int_equal(form_fixture_check(a, NULL, NULL), RC_OK);
	assert_int_equal(answers_required(a, form_field_named(form, "day"), &required), RC_OK);
	assert_true(required);
	assert_int_equal(answers_required(a, form_field_named(form, "other"), &required), RC_OK);
	assert_false(required);
	form_fixture_add(a, "topics", "Z");
	assert_int_equal(form_fixture_check(a, "other", NULL), RC_INVALID);
	assert_int_equal(answers_required(a, form_field_named(form, "other"), &required), RC_OK);
	assert_true(required);
	answers_free(a);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(values_become_canonical),
		cmocka_unit_test(decimals_keep_their_sign_and_lose_their_zeroes),
		cmocka_unit_test(decomposed_text_is_composed),
		cmocka_unit_test(refuses_values_of_the_wrong_type_without_repeating_them),
		cmocka_unit_test(refuses_a_second_value_of_a_field_that_holds_one),
		cmocka_unit_test(refuses_text_and_lists_over_their_limits),
		cmocka_unit_test(a_broken_constraint_speaks_both_languages),
		cmocka_unit_test(every_breach_is_told),
		cmocka_unit_test(a_constraint_waits_for_an_answer),
		cmocka_unit_test(constraints_see_a_choice_list_whole_and_other_lists_item_by_item),
		cmocka_unit_test(choices_are_offered_by_their_filter),
		cmocka_unit_test(required_and_relevant_follow_other_answers),
		cmocka_unit_test(calculations_follow_each_other_and_decide_relevance),
		cmocka_unit_test(what_is_not_relevant_is_empty_to_others),
		cmocka_unit_test(defaults_fill_only_what_is_relevant_and_was_not_given),
		cmocka_unit_test(required_is_asked_as_things_stand),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
