#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "shared/forms/answers.h"
#include "shared/forms/form.h"
#include "tests/support/form_fixture.h"

/* A believable answer to each form, and the same with one fault. */

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
	{ "outreach", "date=2026-11-20|kind=MIGCOUNS|commune_code=05983|persons_m=0|persons_f=3", "",
	    "mode" },
	{ "outreach", "date=2026-11-20|kind=MIGCOUNS|commune_code=05983|mode=GROUP|persons_f=3", "",
	    "persons_m" },
	{ "outreach", "date=2026-11-20|kind=MIGCOUNS|commune_code=05983|mode=GROUP|persons_m=3", "",
	    "persons_f" },
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
	{ "awareness_session",
	    "title=Hội nghị|date_start=2026-12-01|commune_code=05983|status=HELD|"
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
	{ "person", "id_kind=NONE|id_number=12345", "", "id_number" },
	{ "person", "id_kind=CCCD|id_number=12345", "", NULL },	/* test_expected: a warning */
	{ "person", "phone=gọi cho mẹ", "", "phone" },
	{ "person", "phone=12345", "", NULL },
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
	{ "case", NULL, "ident_result=VICTIM|ident_org=Công an tỉnh|ident_doc_no=1/KL",
	    "ident_date" },
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
	{ "case", "recv_channel=SELF_COMMUNE|recv_date=2026-11-01|risk_level=HIGH", "",
	    "person_id" },
	{ "person_link", "person_a" ID "|person_b=00000000000000ff.7|verdict=SAME|"
	    "reasons=Đã đối chiếu thẻ căn cước", "", NULL },
	{ "person_link", "person_a" ID "|verdict=SAME", "", "person_b" },
	{ "person_link", "person_a" ID "|person_b" ID "|verdict=DIFFERENT", "", "person_b" },
	{ "person_link", "person_a" ID "|person_b=00000000000000ff.7", "", "verdict" },
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
	const struct form_set *set = *state;
	const char *good = NULL;

	for (size_t i = 0; i < sizeof(shipped) / sizeof(shipped[0]); i++) {
		struct answers *a = form_fixture_begin(set, shipped[i].form);
		enum rc rc;

		good = shipped[i].good != NULL ? shipped[i].good : good;
		form_fixture_add_all(a, good);
		form_fixture_add_all(a, shipped[i].fault);
		rc = form_fixture_check(a, shipped[i].field, NULL);
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
	const struct form_set *set = *state;

	for (size_t i = 0; i < form_set_count(set); i++) {
		const struct form *form = form_set_at(set, i);

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
	const struct form_set *set = *state;
	struct answers *a = form_fixture_begin(set, "case");

	form_fixture_add_all(a,
	    "person_id" ID "|recv_channel=HOTLINE|recv_date=2025-06-30|risk_level=LOW");
	assert_int_equal(form_fixture_check(a, NULL, NULL), RC_OK);
	assert_string_equal(answers_calculated(a, "regime_by_date"), "R2011");
	assert_string_equal(answers_calculated(a, "case_state"), "OPEN_INFO");
	form_fixture_add_all(a, "ident_result=PENDING");
	assert_int_equal(form_fixture_check(a, NULL, NULL), RC_OK);
	assert_string_equal(answers_calculated(a, "case_state"), "IN_VERIFICATION");
	form_fixture_add_all(a, "close_reason=MOVED|closed_on=2026-01-01");
	assert_int_equal(form_fixture_check(a, NULL, NULL), RC_OK);
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
	const struct form_set *set = *state;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct answers *a = form_fixture_begin(set, "person");

		form_fixture_add_all(a, cases[i][0]);
		assert_int_equal(form_fixture_check(a, NULL, NULL), RC_OK);
		assert_string_equal(answers_calculated(a, "age"), cases[i][1]);
		answers_free(a);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(shipped_forms_take_believable_answers_and_refuse_broken_ones),
		cmocka_unit_test(shipped_forms_speak_both_languages_everywhere),
		cmocka_unit_test(a_case_knows_its_state_and_law),
		cmocka_unit_test(a_person_has_an_age_on_the_day),
	};

	return cmocka_run_group_tests(tests, form_fixture_set_up, form_fixture_tear_down);
}
