#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "shared/base/clock.h"
#include "shared/forms/answers.h"
#include "shared/forms/form.h"

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
	struct form_set *shipped;
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

	if (form_set_load(files, 3, &f.small, &err) != RC_OK ||
	    form_set_load_dir("schema", &f.shipped, &err) != RC_OK) {
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
	form_set_free(f->shipped);
	return 0;
}

static int64_t
day_of(int year, int month, int day)
{
	const struct date d = { year, month, day };

	return date_to_days(&d);
}

static struct answers *
begin(const struct form_set *set, const char *form)
{
	struct answers *a;

	assert_int_equal(answers_new(form_set_find(set, form), set, &a), RC_OK);
	return a;
}

static void
add(struct answers *a, const char *field, const char *value)
{
	struct error err = { RC_OK, "", "", "" };

	if (answers_add(a, field, value, &err) != RC_OK)
		fail_msg("%s: %s", err.where, err.what);
}

/* "name=value|name=value" */
static void
add_all(struct answers *a, const char *list)
{
	char line[1024];

	while (*list != '\0') {
		size_t n = strcspn(list, "|");
		char *value;

		assert_true(n < sizeof(line));
		memcpy(line, list, n);
		line[n] = '\0';
		value = strchr(line, '=');
		assert_non_null(value);
		*value++ = '\0';
		add(a, line, value);
		list += n + (list[n] == '|');
	}
}

/* RC_OK, or RC_INVALID whose first breach is `field`. */
static enum rc
check(struct answers *a, const char *field, const char *message)
{
	struct answers_breach *b;
	size_t n;
	struct error err = { RC_OK, "", "", "" };
	enum rc rc = answers_check(a, day_of(2026, 11, 22), true, &b, &n, FORM_VI, &err);

	if (rc != RC_OK && (field == NULL || strcmp(b[0].field->name, field) != 0))
		fail_msg("%s: %s", err.where, err.what);
	if (message != NULL)
		assert_string_equal(err.what, message);
	answers_breaches_free(b, n);
	return rc;
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
	struct answers *a = begin(f->small, "visit");

	add(a, "total", " 0042 ");
	has(a, "total", "42");
	add(a, "female", "-0");
	has(a, "female", "0");
	add(a, "kilos", "-01.500");
	has(a, "kilos", "-1.5");
	add(a, "day", "5/3/2026");
	has(a, "day", "2026-03-05");
	add(a, "born", "05/1998");
	has(a, "born", "1998-05");
	add(a, "topics", "Z,A");
	add(a, "topics", "A");
	has(a, "topics", "A|Z");
	add(a, "names", "Nụ, Hoa,, Nụ");
	has(a, "names", "Nụ|Hoa");
	add(a, "log", "gặp, hẹn");
	add(a, "log", "gặp, hẹn");
	has(a, "log", "gặp, hẹn|gặp, hẹn");
	add(a, "parent", "00000000000000af.12");
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
	static const char *const cases[][2] = { { "3.0", "3" }, { "0.50", "0.5" }, { "-0.5", "-0.5" },
	    { "00.25", "0.25" }, { "-0.0", "0" }, { "7", "7" }, { "-12.000001", "-12.000001" } };
	const struct fixture *f = *state;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct answers *a = begin(f->small, "visit");

		add(a, "kilos", cases[i][0]);
		has(a, "kilos", cases[i][1]);
		answers_free(a);
	}
}

/* "Hòa" typed as o + combining grave must be stored as one character. */
static void
decomposed_text_is_composed(void **state)
{
	const struct fixture *f = *state;
	struct answers *a = begin(f->small, "visit");

	add(a, "log", "Ho\xcc\x80" "a");
	has(a, "log", "H\xc3\xb2" "a");
	answers_free(a);
}

static void
refuse(const struct form_set *set, const char *field, const char *value, enum rc rc)
{
	struct answers *a = begin(set, "visit");
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
	struct answers *a = begin(f->small, "visit");
	struct error err = { RC_OK, "", "", "" };

	add(a, "total", "1");
	assert_int_equal(answers_add(a, "total", "2", &err), RC_INVALID);
	error_clear(&err);
	assert_int_equal(answers_clear(a, "total", &err), RC_OK);
	has(a, "total", "");
	add(a, "total", "2");
	has(a, "total", "2");
	answers_free(a);
}

static void
refuses_text_and_lists_over_their_limits(void **state)
{
	const struct fixture *f = *state;
	struct answers *a = begin(f->small, "visit");
	char *text = malloc((size_t)FORM_TEXT_MAX * 2 + 16);
	struct error err = { RC_OK, "", "", "" };
	char number[16];

	assert_non_null(text);
	for (size_t i = 0; i < FORM_TEXT_MAX; i++)
		memcpy(text + 2 * i, "đ", 2);
	text[2 * (size_t)FORM_TEXT_MAX] = '\0';
	add(a, "log", text);
	strcat(text, "x");
	assert_int_equal(answers_add(a, "log", text, &err), RC_INVALID);
	for (int i = 0; i < ANSWERS_ITEMS_MAX; i++) {
		snprintf(number, sizeof(number), "n%d", i);
		add(a, "names", number);
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
	struct answers *a = begin(f->small, "visit");
	struct answers_breach *b;
	size_t n;
	struct error err = { RC_OK, "", "", "" };

	add_all(a, "total=40|female=41|day=2026-11-01");
	assert_int_equal(answers_check(a, day_of(2026, 11, 22), true, &b, &n, FORM_EN, &err),
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
	struct answers *a = begin(f->small, "visit");
	struct answers_breach *b;
	size_t n;
	struct error err = { RC_OK, "", "", "" };

	add_all(a, "total=-1|female=2|day=2026-11-23");
	assert_int_equal(answers_check(a, day_of(2026, 11, 22), true, &b, &n, FORM_VI, &err),
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
	struct answers *a = begin(f->small, "visit");

	add_all(a, "total=5|day=2026-11-01");
	assert_int_equal(check(a, NULL, NULL), RC_OK);
	answers_free(a);
}

static void
constraints_see_a_choice_list_whole_and_other_lists_item_by_item(void **state)
{
	const struct fixture *f = *state;
	struct answers *a = begin(f->small, "visit");

	add_all(a, "topics=A,B|names=Nụ,Hoa,Lan Anh");
	assert_int_equal(check(a, "names", NULL), RC_INVALID);
	answers_free(a);
	a = begin(f->small, "visit");
	add_all(a, "topics=A,B,Z|other=x|names=Nụ,Hoa");
	assert_int_equal(check(a, "topics", NULL), RC_INVALID);
	answers_free(a);
}

static void
choices_are_offered_by_their_filter(void **state)
{
	const struct fixture *f = *state;
	struct answers *a = begin(f->small, "visit");
	const struct form_field *commune;
	bool offered;

	add_all(a, "province=37|commune=05983");
	assert_int_equal(check(a, "commune", "Lựa chọn này không áp dụng ở đây."), RC_INVALID);
	commune = answers_find(a, "commune")->field;
	assert_int_equal(answers_offers(a, commune, "13699", &offered), RC_OK);
	assert_true(offered);
	assert_int_equal(answers_offers(a, commune, "05983", &offered), RC_OK);
	assert_false(offered);
	assert_int_equal(answers_offers(a, commune, "99999", &offered), RC_OK);
	assert_false(offered);
	answers_free(a);
	a = begin(f->small, "visit");
	add_all(a, "province=37|commune=13699");
	assert_int_equal(check(a, NULL, NULL), RC_OK);
	answers_free(a);
}

static void
required_and_relevant_follow_other_answers(void **state)
{
	const struct fixture *f = *state;
	struct answers *a = begin(f->small, "visit");
	const struct form_field *other = form_field_named(form_set_find(f->small, "visit"), "other");

	add(a, "topics", "Z");
	assert_int_equal(check(a, "other", "Hãy ghi rõ."), RC_INVALID);
	assert_true(answers_relevant(a, other));
	add(a, "other", "lễ hội");
	assert_int_equal(check(a, NULL, NULL), RC_OK);
	answers_free(a);
	a = begin(f->small, "visit");
	add_all(a, "topics=A|other=lễ hội");
	assert_int_equal(check(a, "other", "Mục này không áp dụng, hãy để trống."), RC_INVALID);
	assert_false(answers_relevant(a, other));
	answers_free(a);
}

static void
calculations_follow_each_other_and_decide_relevance(void **state)
{
	const struct fixture *f = *state;
	struct answers *a = begin(f->small, "visit");
	const struct form_field *few = form_field_named(form_set_find(f->small, "visit"), "few");

	add_all(a, "total=40|female=38");
	assert_int_equal(check(a, NULL, NULL), RC_OK);
	assert_string_equal(answers_calculated(a, "male"), "2");
	assert_string_equal(answers_calculated(a, "share"), "5");
	assert_true(answers_relevant(a, few));
	answers_free(a);
	a = begin(f->small, "visit");
	add_all(a, "total=40");
	assert_int_equal(check(a, NULL, NULL), RC_OK);
	assert_string_equal(answers_calculated(a, "male"), "");
	assert_string_equal(answers_calculated(a, "share"), "");
	assert_false(answers_relevant(a, few));
	answers_free(a);
}

static void
what_is_not_relevant_is_empty_to_others(void **state)
{
	const struct fixture *f = *state;
	struct answers *a = begin(f->small, "visit");

	add(a, "hidden", "7");
	assert_int_equal(check(a, "hidden", NULL), RC_INVALID);
	assert_string_equal(answers_calculated(a, "sees_hidden"), "<>");
	answers_free(a);
}

static void
defaults_fill_only_what_is_relevant_and_was_not_given(void **state)
{
	const struct fixture *f = *state;
	struct answers *a = begin(f->small, "visit");
	struct answers_breach *b;
	size_t n;
	struct error err = { RC_OK, "", "", "" };

	assert_int_equal(answers_check(a, day_of(2026, 11, 22), false, &b, &n, FORM_VI, &err),
	    RC_INVALID);
	assert_string_equal(b[0].field->name, "day");
	assert_string_equal(b[0].message[FORM_VI], "Mục này chưa có câu trả lời.");
	answers_breaches_free(b, n);
	assert_int_equal(check(a, NULL, NULL), RC_OK);
	has(a, "day", "2026-11-22");
	assert_null(answers_find(a, "hidden"));
	assert_string_equal(answers_calculated(a, "sees_hidden"), "<>");
	assert_int_equal(answers_count(a), 1);
	answers_free(a);
	a = begin(f->small, "visit");
	add(a, "day", "");
	assert_int_equal(check(a, "day", NULL), RC_INVALID);
	answers_free(a);
}

/* ---- the forms that ship: a believable answer, and the same with one fault ---- */

#define ID "=a1b2c3d4e5f60718.4"

static const struct {
	const char *form;
	const char *good;	/* NULL: the one before */
	const char *fault;	/* added to it; "" for none */
	const char *field;	/* NULL: no breach */
} shipped[] = {
	{ "outreach", "date=20/11/2026|kind=MIGCOUNS|commune_code=05983|village=Bản Nà Lầu|"
	    "place_kind=BORDERC,ETHAREA|mode=GROUP|persons_m=4|persons_f=9|persons_child=2|"
	    "persons_ethmin=13|audiences=JOBSEEK,WOMEN|topics=MIGRATE,JOBSCAM,HOTLINE|"
	    "destinations=CN,TW|language=tyz|materials_given=13|referred=yes|referred_to=CPC,POLC|"
	    "source=VISIT|plan_task=II.5|note=Nhiều người hỏi về xuất khẩu lao động.", "", NULL },
	{ "outreach", "date=2026-11-20|kind=HOUSEHOLD|commune_code=05983|households=6|persons_f=0",
	    "", NULL },
	{ "outreach", NULL, "mode=GROUP", "mode" },
	{ "outreach", NULL, "persons_child=1", "persons_child" },
	{ "outreach", "date=2026-11-20|commune_code=05983", "", "persons_m" },
	{ "outreach", "date=2026-11-23|commune_code=05983|persons_m=1", "", "date" },
	{ "outreach", "date=2026-11-20|commune_code=5983|persons_m=1", "", "commune_code" },
	{ "outreach", "date=2026-11-20|commune_code=05983|persons_m=1|campaigns=NONE,D30_7_NAT", "",
	    "campaigns" },
	{ "awareness_session", "title=Truyền thông phòng, chống mua bán người tại chợ phiên|"
	    "status=HELD|date_start=2026-07-30|date_end=2026-07-31|commune_code=05983|"
	    "village=Thôn 3|forms=DIRECT,LEAFLET|topics=TRICKS,HOTLINE|audiences=WOMEN,BORDER|"
	    "campaigns=D30_7_NAT,D30_7_WORLD|participants_total=120|participants_female=80|"
	    "participants_child=15|participants_ethmin=110|attendance_method=SIGNED|language=vie|"
	    "materials_given=200|budget_vnd=3500000|fund_source=LOCAL", "", NULL },
	{ "awareness_session", NULL, "media_url=https://vi.du/tin", "media_url" },
	{ "awareness_session", "title=Tin trên loa|date_start=2026-08-01|commune_code=05983|"
	    "forms=LOUDSPK|topics=LAW|audiences=COMMUN|air_count=12|air_minutes=90", "", NULL },
	{ "awareness_session", NULL, "participants_total=10|participants_female=11",
	    "participants_female" },
	{ "awareness_session", NULL, "participants_child=-1", "participants_child" },
	{ "awareness_session", NULL, "date_end=2026-07-31", "date_end" },
	{ "awareness_session", "title=Hội nghị|date_start=2026-08-01|commune_code=05983|"
	    "topics=LAW|audiences=COMMUN", "", "forms" },
	{ "awareness_session", "title=Hội nghị|date_start=2026-12-01|commune_code=05983|status=HELD|"
	    "forms=CONF|topics=LAW|audiences=COMMUN", "", "date_start" },
	{ "person", "pseudonym_code=LS-2026-017|full_name=Đặng Thị Hòa|other_names=Nụ|sex=F|"
	    "birth_date=1998|birth_precision=YEAR|id_kind=CCCD|id_number=020198001234|"
	    "ethnicity=nung|nationality=VN|languages=nut,vie|interpreter_need=no|education=E2|"
	    "do_not_contact=no|safe_contact_note=Chỉ gọi cho chị gái, tự giới thiệu là bạn học.|"
	    "phone=0912345678|current_commune=05983|address_text=Bản Nà Lầu", "", NULL },
	{ "person", NULL, "child_care=KIN", "child_care" },
	{ "person", "full_name=Vàng A|birth_date=1998-05|birth_precision=DAY", "",
	    "birth_precision" },
	{ "person", "full_name=Vàng A|birth_date=2027", "", "birth_date" },
	{ "person", "est_age=15|est_age_asof=2026-10-01|child_care=ORPHAN", "", NULL },
	{ "person", "id_kind=CCCD|id_number=12345", "", "id_number" },
	{ "person", "phone=12345", "", "phone" },
	{ "person", "phone=+86 138 1234 5678", "", NULL },
	{ "person", "disability=NONE,SEE", "", "disability" },
	{ "case", "person_id" ID "|case_no=LS/2026/017|class=V_VN|recv_channel=RESCUED_ABROAD|"
	    "recv_date=2026-09-14|recv_org_kind=BGP|recv_org=Đồn Biên phòng cửa khẩu Tân Thanh|"
	    "recv_commune=05983|rescue_org=Công an tỉnh|rescue_date=2026-09-12|"
	    "purpose=MARRIAGE,SEX|methods=DECEIVE_JOB,ONLINE|causes=POVERTY,LOWAWARE|"
	    "exploited_country=CN|left_date=2024|returned_date=2026-09-14|narrative=Bị lừa đi làm.|"
	    "ident_result=VICTIM|ident_org=Công an tỉnh Lạng Sơn|ident_doc_no=118/KL-PC02|"
	    "ident_date=2026-09-17|ident_evidence=RESCUER,STATEMENT|cert_no=33/GXN|"
	    "cert_date=2026-09-20|cert_org=Công an tỉnh Lạng Sơn|risk_level=MEDIUM|"
	    "legal_regime=R2024|notes=Đã gặp gia đình, đồng ý đón về.", "", NULL },
	{ "case", NULL, "group_size=3", "group_size" },
	{ "case", "person_id" ID "|recv_channel=SELF_COMMUNE|recv_date=2026-11-01|risk_level=HIGH",
	    "", NULL },
	{ "case", NULL, "ident_result=PENDING", NULL },
	{ "case", NULL, "ident_result=PENDING|ident_org=Công an tỉnh", "ident_org" },
	{ "case", NULL, "ident_result=VICTIM", "ident_org" },
	{ "case", NULL, "ident_result=VICTIM|ident_org=Công an tỉnh|ident_doc_no=1/KL", "ident_date" },
	{ "case", NULL, "ident_result=NOT_VICTIM|ident_org=Công an tỉnh|ident_doc_no=1/KL|"
	    "ident_date=2026-11-10|close_reason=NOT_VICTIM|closed_on=2026-11-11", NULL },
	{ "case", NULL, "close_reason=NOT_VICTIM|closed_on=2026-11-11", "close_reason" },
	{ "case", NULL, "close_reason=REINTEGRATED", "closed_on" },
	{ "case", NULL, "close_reason=OTHER|closed_on=2026-11-11", "close_note" },
	{ "case", NULL, "close_reason=SELFWISH|closed_on=2026-10-31", "closed_on" },
	{ "case", NULL, "legal_regime=R2011", "legal_regime_reason" },
	{ "case", NULL, "rescue_org=Công an", "rescue_org" },
	{ "case", "person_id" ID "|recv_channel=SELF_COMMUNE|recv_date=2026-11-23|risk_level=HIGH",
	    "", "recv_date" },
	{ "case", "recv_channel=SELF_COMMUNE|recv_date=2026-11-01|risk_level=HIGH", "", "person_id" },
	{ "follow_up", "case_id" ID "|due=2026-10-14|done_at=2026-10-16|mode=VISIT|safe=yes|"
	    "living=HARD|health=FAIR|work=NONE|income_trend=SAME|stigma=yes|retrafficking_risk=LOW|"
	    "new_needs=VOC,LOAN|note=Muốn học may.|next_due=2026-12-14", "", NULL },
	{ "follow_up", NULL, "danger_signs=Có người lạ gọi", "danger_signs" },
	{ "follow_up", "case_id" ID "|due=2026-12-14", "", NULL },
	{ "follow_up", NULL, "next_due=2026-12-14", "next_due" },
	{ "follow_up", "case_id" ID "|safe=no", "", "due" },
	{ "follow_up", "case_id" ID "|done_at=2026-11-23", "", "done_at" },
	{ "service_delivery", "case_id" ID "|service=MED|status=DELIVERED|provider_kind=HCF|"
	    "provider=Trạm y tế|requested_at=2026-09-14|decided_at=2026-09-15|"
	    "decision_org=Sở Y tế|decision_no=41/QĐ-SYT|legal_regime=R2024|date_from=2026-09-15|"
	    "date_to=2026-09-16|quantity=1.5|unit=lần|amount_vnd=850000|fund_source=LOCAL", "",
	    NULL },
	{ "service_delivery", NULL, "decline_reason=NOTNEEDED", "decline_reason" },
	{ "service_delivery", "case_id" ID "|service=PSY|status=DECLINED|decline_reason=FEARSTIGMA",
	    "", NULL },
	{ "service_delivery", "case_id" ID "|service=OTHER|status=OFFERED", "service_other=Xe đạp",
	    NULL },
	{ "service_delivery", "case_id" ID "|service=MED|status=DELIVERED", "", "date_from" },
	{ "service_delivery", NULL, "date_from=2026-09-15|date_to=2026-09-14", "date_to" },
	{ "service_delivery", NULL, "date_from=2026-09-15|amount_vnd=-5", "amount_vnd" },
	{ "service_delivery", "case_id" ID "|service=MED", "", "status" },
};

static void
shipped_forms_take_believable_answers_and_refuse_broken_ones(void **state)
{
	const struct fixture *f = *state;
	const char *good = NULL;

	for (size_t i = 0; i < sizeof(shipped) / sizeof(shipped[0]); i++) {
		struct answers *a = begin(f->shipped, shipped[i].form);
		enum rc rc;

		good = shipped[i].good != NULL ? shipped[i].good : good;
		add_all(a, good);
		add_all(a, shipped[i].fault);
		rc = check(a, shipped[i].field, NULL);
		if (rc != (shipped[i].field == NULL ? RC_OK : RC_INVALID))
			fail_msg("case %zu: %s should breach %s", i, shipped[i].form,
			    shipped[i].field);
		answers_free(a);
	}
}

/* Nothing that a person reads may lack either language. */
static void
shipped_forms_speak_both_languages_everywhere(void **state)
{
	const struct fixture *f = *state;

	for (size_t i = 0; i < form_set_count(f->shipped); i++) {
		const struct form *form = form_set_at(f->shipped, i);

		for (size_t k = 0; k < form->n_fields; k++) {
			const struct form_field *x = &form->fields[k];

			assert_true((x->hint[FORM_VI] != NULL) == (x->hint[FORM_EN] != NULL));
			if (x->constraint != NULL && (x->constraint_message[FORM_VI] == NULL ||
			    x->constraint_message[FORM_EN] == NULL))
				fail_msg("%s.%s: constraint_message", form->name, x->name);
			if ((x->required || x->required_if != NULL) &&
			    (x->required_message[FORM_VI] == NULL ||
			    x->required_message[FORM_EN] == NULL))
				fail_msg("%s.%s: required_message", form->name, x->name);
		}
	}
}

static void
a_case_knows_its_state_and_law(void **state)
{
	const struct fixture *f = *state;
	struct answers *a = begin(f->shipped, "case");

	add_all(a, "person_id" ID "|recv_channel=HOTLINE|recv_date=2025-06-30|risk_level=LOW");
	assert_int_equal(check(a, NULL, NULL), RC_OK);
	assert_string_equal(answers_calculated(a, "regime_by_date"), "R2011");
	assert_string_equal(answers_calculated(a, "case_state"), "OPEN_INFO");
	add_all(a, "ident_result=PENDING");
	assert_int_equal(check(a, NULL, NULL), RC_OK);
	assert_string_equal(answers_calculated(a, "case_state"), "IN_VERIFICATION");
	add_all(a, "close_reason=MOVED|closed_on=2026-01-01");
	assert_int_equal(check(a, NULL, NULL), RC_OK);
	assert_string_equal(answers_calculated(a, "case_state"), "CLOSED_REFERRED");
	answers_free(a);
}

static void
a_person_has_an_age_on_the_day(void **state)
{
	static const char *const cases[][2] = { { "birth_date=2008-11-23", "17" },
	    { "birth_date=2008-11-22", "18" }, { "birth_date=1998", "28" },
	    { "est_age=15|est_age_asof=2024-10-01", "17" }, { "est_age=15", "15" },
	    { "sex=F", "" } };
	const struct fixture *f = *state;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct answers *a = begin(f->shipped, "person");

		add_all(a, cases[i][0]);
		assert_int_equal(check(a, NULL, NULL), RC_OK);
		assert_string_equal(answers_calculated(a, "age"), cases[i][1]);
		answers_free(a);
	}
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
		cmocka_unit_test(shipped_forms_take_believable_answers_and_refuse_broken_ones),
		cmocka_unit_test(shipped_forms_speak_both_languages_everywhere),
		cmocka_unit_test(a_case_knows_its_state_and_law),
		cmocka_unit_test(a_person_has_an_age_on_the_day),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
