#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "shared/forms/answers.h"
#include "shared/forms/form.h"
#include "tests/support/form_fixture.h"

/* What the shipped forms take, refuse and derive. */

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))
#define ID "=a1b2c3d4e5f60718.4"

/* A believable answer to each form, and the same with one fault. */
static const struct {
	const char *form;
	const char *good;	/* NULL: the one before */
	const char *fault;
	const char *field;	/* NULL: no breach */
} answers[] = {
	{ "material", "form=LEAFLET|title=Tờ rơi phòng, chống mua bán người|date=2026-06-01|"
	    "copies_printed=5000|copies_distributed=0|topics=TRICKS,HOTLINE|"
	    "shared_with=Bộ đội Biên phòng tỉnh", "", NULL },
	{ "material", NULL, "budget_vnd=-1", "budget_vnd" },
	{ "training", "title=Tập huấn tiếp nhận, hỗ trợ nạn nhân|course_kind=TRAIN|"
	    "date_start=2026-05-04|date_end=2026-05-05|topics=RECEIVE,PSY|hours=12.5|others_f=3", "",
	    NULL },
	{ "training", NULL, "topics_other=Khác", "topics_other" },
	{ "training", "title=Hội thảo|course_kind=EXCHANGE|date_start=2026-05-04|"
	    "date_end=2026-05-03", "", "date_end" },
	{ "training_trainee", "training_id" ID "|completed=yes|name=Hoàng Văn Thụ|sex=M|"
	    "train_group=CTV|train_level=COMM", "", NULL },
	{ "training_trainee", "training_id" ID "|completed=yes", "", "name" },
	{ "inspection", "kind=CHECK|subjects=JOBCENTRE,UNLICENSED|date=2026-08-11|"
	    "inspected_org=Trung tâm dịch vụ việc làm|violations=2|handled=FINE", "", NULL },
	{ "inspection", "kind=CHECK|subjects=JOBCENTRE|date=2026-08-11|inspected_org=Trung tâm|"
	    "violations=2|handled=NONE", "", "handled" },
	{ "coordination_event", "form=TEAM|team_purpose=RECEIVE|date=2026-08-11|"
	    "subject=Tiếp nhận công dân do phía bạn trao trả|lead_org=Công an tỉnh|victims_count=5",
	    "", NULL },
	{ "coordination_event", "form=TEAM|date=2026-08-11|subject=Tiếp nhận|lead_org=Công an", "",
	    "team_purpose" },
	{ "tip", "received_on=2026-11-20|received_time=08:30|channel=H111|tip_kind=TOGIAC|"
	    "urgency=SOON|summary=Có người rủ đi làm việc nhẹ, lương cao|"
	    "victim_status=SUSPECTED|persons_at_risk=2|minors=1|outcome=FWD_POL", "", NULL },
	{ "tip", NULL, "reporter_name=Lò Thị Mai|reporter_anonymous=yes", "reporter_name" },
	{ "tip", NULL, "source=PHONE|plan=LS-2026|plan_task=II.5", NULL },
	{ "tip", "received_on=2026-11-20|channel=H111|tip_kind=TINBAO|urgency=SOON|summary=Tin", "",
	    NULL },
	{ "tip", "received_on=2026-11-20|tip_kind=TINBAO|urgency=SOON|summary=Tin", "", "channel" },
	{ "tip", "received_on=2026-11-20|channel=H111|urgency=SOON|summary=Tin", "", "tip_kind" },
	{ "tip", "received_on=2026-11-20|channel=H111|tip_kind=TINBAO|summary=Tin", "", "urgency" },
	{ "tip", "received_on=2026-11-20|channel=H111|tip_kind=TINBAO|urgency=SOON", "", "summary" },
	{ "tip", "received_on=2026-11-20|received_time=25:10|channel=H111|tip_kind=TOGIAC|"
	    "urgency=SOON|summary=Có người rủ đi|victim_status=SUSPECTED", "", "received_time" },
	{ "tip", "received_on=2026-11-20|channel=H111|tip_kind=TOGIAC|urgency=SOON|"
	    "summary=Có người rủ đi|victim_status=SUSPECTED|persons_at_risk=2|minors=3", "",
	    "minors" },
	{ "case_event", "case_id" ID "|event=NOTIFY|at=2026-11-02|notified_org=Sở Y tế", "", NULL },
	{ "case_event", "case_id" ID "|event=NOTIFY|at=2026-11-02", "", "notified_org" },
	{ "case_event", "case_id" ID "|event=S15_CLOSE|at=2026-11-02", "", "close_reason" },
	{ "needs_item", "case_id" ID "|assessment_id" ID "|service=VOC|level=3|wish=yes", "", NULL },
	{ "needs_item", "case_id" ID "|assessment_id" ID "|service=VOC|wish=yes", "", "level" },
	{ "lodging_stay", "case_id" ID "|facility=Cơ sở trợ giúp xã hội tổng hợp|"
	    "date_from=2026-03-01|date_to=2026-04-01|fit_sex_age=yes|admission_doc=12/QĐ", "", NULL },
	{ "lodging_stay", "case_id" ID "|facility=Cơ sở|date_from=2026-03-01|date_to=2026-02-01|"
	    "fit_sex_age=yes", "", "date_to" },
	{ "handover", "case_id" ID "|giver=Đồn Biên phòng|receiver=Sở Y tế|at=2026-09-15|"
	    "persons" ID "|papers=Giấy thông hành|escort_minor=no", "", NULL },
	{ "handover", NULL, "escort=Xe của đồn", "escort" },
	{ "protection_measure", "case_id" ID "|measure=ALERT|for_whom=RELATIVE|date_from=2026-09-15|"
	    "reported_to=POLP,BGP", "", NULL },
	{ "protection_measure", "case_id" ID "|measure=REFUSED|for_whom=VICTIM|"
	    "date_from=2026-09-15|refused=no", "", "refused" },
	{ "relation", "person_a" ID "|person_b=00000000000000ff.7|relation=SIBLING|"
	    "may_be_contacted=yes", "", NULL },
	{ "relation", "person_a" ID "|person_b=00000000000000ff.7|relation=SUSPECT|"
	    "may_be_contacted=yes", "", "may_be_contacted" },
	{ "relation", "person_a" ID "|person_b" ID "|relation=CHILD", "", "person_b" },
	{ "nationality_check", "requested_by_kind=MISS|requested_at=2026-09-01|handled_by=POLP|"
	    "result=VN|replied_at=2026-09-12|doc_no=77/CV", "", NULL },
	{ "nationality_check", "requested_by_kind=MISS|requested_at=2026-09-01|handled_by=POLP|"
	    "result=VN", "", "replied_at" },
	{ "missing_person", "full_name=Vàng Thị Dợ|sex=F|birth_date=2009|birth_precision=YEAR|"
	    "commune_code=05983|left_date=2026-02|suspect_trafficking=yes|statuses=MISSING", "",
	    NULL },
	{ "missing_person", "commune_code=05983|statuses=MISSING", "", "suspect_trafficking" },
	{ "issued_document", "doc_kind=LOCALPLAN|number=15/KH-UBND|date=2026-02-20|"
	    "org=UBND xã Đồng Đăng|plan=LS-2026|content_accepted=yes|accepted_by=Sở Y tế|"
	    "accepted_at=2026-03-01", "", NULL },
	{ "issued_document", "doc_kind=LOCALPLAN|number=15/KH-UBND|date=2026-02-20|"
	    "org=UBND xã Đồng Đăng|plan=LS-2026|content_accepted=yes", "", "accepted_by" },
	{ "survey", "subject=MISSING|date=2026-06-10|commune_code=05983|reviewed_by=Công an xã|"
	    "found_count=0", "", NULL },
	{ "survey", "subject=MISSING|date=2026-06-10|commune_code=05983|reviewed_by=Công an xã", "",
	    "found_count" },
	{ "survey", "subject=MISSING|date=2026-06-10|reviewed_by=Công an xã|found_count=0", "",
	    "org" },
	{ "agency_figure", "org=Công an tỉnh|plan=LS-2026|period_start=2026-01-01|"
	    "period_end=2026-06-14|figure=RESCUED|total=7|female=6", "", NULL },
	{ "agency_figure", NULL, "under18=8", "under18" },
	{ "budget_line", "plan=LS-2026|year=2026|fund_source=LOCAL|budget_use=COMM|"
	    "estimated_vnd=120000000|spent_vnd=80000000", "", NULL },
	{ "budget_line", "plan=LS-2026|year=1926|fund_source=LOCAL|budget_use=COMM", "", "year" },
	{ "plan", "code=HUE-2026|number=59/KH-UBND|date=2026-01-31|issuer=UBND thành phố Huế|"
	    "year=2026|period_6m_start=2026-01-01|period_6m_end=2026-06-14|"
	    "period_year_start=2026-01-01|period_year_end=2026-12-14|"
	    "legal_bases=QĐ 3888/QĐ-UBND", "", NULL },
	{ "plan_deadline", "plan_id" ID "|kind=M6|from_kind=CPC|to_kinds=DOH|month_day=20/6|"
	    "strict_before=yes", "", NULL },
	{ "plan_deadline", "plan_id" ID "|kind=M6|from_kind=CPC|to_kinds=DOH|month_day=32/6", "",
	    "month_day" },
	{ "plan_target", "plan_id" ID "|indicator=T1|rising=yes", "", NULL },
	{ "plan_target", "plan_id" ID "|indicator=I1a", "", "value" },
	{ "issue", "date=2026-05-05|org=UBND xã|description=Thiếu kinh phí tuyên truyền|"
	    "issue_area=MONEY|statuses=OPEN,SOLVED|resolution=Đã cấp bổ sung|solved_at=2026-07-01",
	    "", NULL },
	{ "issue", "date=2026-05-05|org=UBND xã|description=Thiếu kinh phí|issue_area=MONEY",
	    "resolution=Đã cấp", "resolution" },
	{ "consent", "person_id" ID "|kind=SUPPORT|decision=GIVEN|at=2026-11-01|given_by=GUARDIAN|"
	    "relation=MOTHER|giver_name=Hoàng Thị Sen|child_agrees=yes|guardian_suspect=no", "",
	    NULL },
	{ "consent", "person_id" ID "|kind=SUPPORT|decision=GIVEN|at=2026-11-01|given_by=SELF",
	    "child_agrees=yes", "child_agrees" },
	{ "subject_request", "kind=ERASE|person_id" ID "|received_at=2026-11-19|channel=DIRECT|"
	    "asked_by=GUARDIAN|asker_name=Hoàng Thị Sen|relation=MOTHER|identity=PROXY_PAPERS|"
	    "request=Đề nghị xóa số điện thoại|targets=a1b2c3d4e5f60718.4 phone safe_contact_note|"
	    "answered_at=2026-11-20|answered_by=Nông Văn Pao|outcome=ACCEPTED|"
	    "order_no=Quyết định số 12/QĐ-UBND", "do_by=2026-12-01", NULL },
	{ "subject_request", NULL, "do_by=2026-12-01|targets=phone", "targets" },
	{ "subject_request", NULL, "do_by=2026-11-18", "do_by" },
	{ "subject_request", NULL, "do_by=2026-12-01|done_at=2026-11-23", "done_at" },	/* to come */
	{ "subject_request", "kind=ACCESS|received_at=2026-11-19|asked_by=SELF|identity=PENDING", "", NULL },
	{ "subject_request", NULL, "asker_name=Lò Thị Mai", "asker_name" },
	{ "subject_request", NULL, "answered_at=2026-11-20|answered_by=Pao", "outcome" },
	{ "subject_request", NULL, "answered_at=2026-11-20|answered_by=Pao|outcome=DONE", "outcome" },
	{ "subject_request", NULL, "answered_at=2026-11-20|answered_by=Pao|outcome=NOTHING", NULL },
	{ "subject_request", NULL, "answered_at=2026-11-20|answered_by=Pao|outcome=REFUSED",
	    "refusal_reason" },
	{ "subject_request", NULL, "answered_at=2026-11-20|answered_by=Pao|outcome=REFUSED|"
	    "refusal_reason=OTHER", "refusal_note" },
	{ "subject_request", NULL, "answered_at=2026-11-20|answered_by=Pao|outcome=ACCEPTED", "do_by" },
	{ "subject_request", NULL, "answered_at=2026-11-18|answered_by=Pao|outcome=NOTHING",
	    "answered_at" },
	{ "subject_request", "kind=WITHDRAW|received_at=2026-11-19|asked_by=SELF|identity=PENDING|"
	    "answered_at=2026-11-19|answered_by=Pao|outcome=DONE|consent_id" ID, "", NULL },
	{ "subject_request", NULL, "order_no=12/QĐ", "order_no" },
	{ "access_log", "day=2026-11-22|opens=08:05 show a1b2c3d4e5f60718.4", "opens=08:06 list person 24 SUPERVISE",
	    NULL },
	{ "access_log", NULL, "opens=23:59 case a1b2c3d4e5f60718.4 -", NULL },
	{ "access_log", NULL, "opens=24:00 list person 24", "opens" },
	{ "access_log", NULL, "opens=08:05 search Hòa", "opens" },
	{ "retention_review", "case_id" ID "|reviewed_at=2026-11-19|reviewed_by=Lan|outcome=KEEP|"
	    "reason=Vụ án chưa xét xử", "keep_until=2028-01-01", NULL },
	{ "retention_review", NULL, "", "keep_until" },
	{ "retention_review", NULL, "keep_until=2026-11-19", "keep_until" },
	{ "retention_review", NULL, "keep_until=2028-01-01|tip_id" ID, "tip_id" },
	{ "retention_review", "reviewed_at=2026-11-19|reviewed_by=Lan|outcome=ERASE|"
	    "reason=Hết thời hạn|order_no=9/QĐ-UBND", "", "request_id" },
	{ "retention_review", NULL, "tip_id" ID, NULL },
};

static void
forms_take_believable_answers_and_refuse_broken_ones(void **state)
{
	const struct form_set *set = *state;
	const char *good = NULL;

	for (size_t i = 0; i < COUNT(answers); i++) {
		struct answers *a = form_fixture_begin(set, answers[i].form);
		enum rc rc;

		good = answers[i].good != NULL ? answers[i].good : good;
		form_fixture_add_all(a, good);
		form_fixture_add_all(a, answers[i].fault);
		rc = form_fixture_check(a, answers[i].field, NULL);
		if (rc != (answers[i].field == NULL ? RC_OK : RC_INVALID))
			fail_msg("case %zu: %s should breach %s", i, answers[i].form,
			    answers[i].field);
		answers_free(a);
	}
}

#define TIP "received_on=2026-11-20|channel=H111|urgency=SOON|summary=Tin|victim_status=UNKNOWN|"
#define STAY "case_id" ID "|facility=Cơ sở|fit_sex_age=yes|"
#define ISSUE "date=2026-05-05|org=UBND xã|description=Thiếu kinh phí|issue_area=MONEY|"

static const struct { const char *form, *answers, *name, *value; } derived[] = {
	{ "tip", TIP "outcome=FWD_111|tip_kind=COUNSEL", "call_class_derived", "REFER" },
	{ "tip", TIP "outcome=COUNSELLED|tip_kind=TINBAO", "call_class_derived", "COUNSEL" },
	{ "tip", TIP "outcome=PENDING|tip_kind=INFOREQ", "call_class_derived", "INFO" },
	{ "inspection", "kind=SELF|subjects=PLANIMPL|date=2026-08-11|inspected_org=Phòng",
	    "is_self_inspection", "yes" },
	{ "facility", "name=Cơ sở|facility_kind=SPC|commune_code=05983|beds_m=4|beds_child_f=3",
	    "beds", "7" },
	{ "lodging_stay", STAY "date_from=2026-01-01|date_to=2026-03-01", "days", "60" },
	{ "lodging_stay", STAY "date_from=2026-01-01", "days_limit", "120" },
	{ "lodging_stay", STAY "date_from=2025-06-30", "days_limit", "60" },
	{ "issue", ISSUE "statuses=OPEN,FORWARDED", "status", "FORWARDED" },
	{ "issue", ISSUE "cause=Chưa rõ", "status", "OPEN" },
	{ "missing_person", "commune_code=05983|suspect_trafficking=no|"
	    "statuses=MISSING,CONTACTED,RETURNED", "status", "RETURNED" },
	{ "report_submission", "plan=LS-2026|kind=M6|period_start=2026-01-01|"
	    "period_end=2026-06-14|from_org=UBND xã|to_org=Sở Y tế|version=1|"
	    "states=DRAFT,SUBMITTED", "state", "SUBMITTED" },
};

static void
states_and_sums_are_derived(void **state)
{
	const struct form_set *set = *state;

	for (size_t i = 0; i < COUNT(derived); i++) {
		struct answers *a = form_fixture_begin(set, derived[i].form);

		form_fixture_add_all(a, derived[i].answers);
		assert_int_equal(form_fixture_check(a, NULL, NULL), RC_OK);
		if (answers_calculated(a, derived[i].name) == NULL ||
		    strcmp(answers_calculated(a, derived[i].name), derived[i].value) != 0)
			fail_msg("case %zu: %s", i, answers_calculated(a, derived[i].name));
		answers_free(a);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(forms_take_believable_answers_and_refuse_broken_ones),
		cmocka_unit_test(states_and_sums_are_derived),
	};

	return cmocka_run_group_tests(tests, form_fixture_set_up, form_fixture_tear_down);
}
