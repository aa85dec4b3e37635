#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "shared/base/text.h"
#include "shared/forms/form.h"
#include "tests/support/form_fixture.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

/* The next blank-separated word of a list, or false. */
static bool
next_word(const char **at, char word[64])
{
	size_t n;

	*at += strspn(*at, " ");
	n = strcspn(*at, " ");
	if (n == 0)
		return false;
	assert_true(n < 64);
	memcpy(word, *at, n);
	word[n] = '\0';
	*at += n;
	return true;
}

/* The lists of the plans, with all their codes. */
static const struct { const char *list, *codes; } lists[] = {
	{ "comm_form", "TALK CONF SEMINAR DIRECT ONLINE SCHOOL LOUDSPK TVRADIO PRESS WEB "
	    "SOCIAL VIDEO PANO POSTER LEAFLET BOOKLET EXHIB TRAINDOC LAUNCH COUNSEL "
	    "HOUSEHOLD BANNER CONTEST ARTS OTHER" },
	{ "comm_topic", "TRICKS SEXEX FLABOUR OVERSEAS DOMESTIC ORGAN SURROG SKILLS LAW "
	    "REGIMES RESULTS HOTLINE MIGRATE JOBSCAM MARRY ADOPT LICENSED DENOUNCE "
	    "GENDER EVILS OTHER" },
	{ "audience", "HIGHRISK WOMEN GIRLS CHILD PUPIL STUDENT ETHMIN BORDER REMOTE "
	    "POOR JOBSEEK RETURNEE FAMILY COMMUN OFFICIAL MEMBER OFFENDER OTHER" },
	{ "activity_kind", "COMM MATERIAL MIGCOUNS TRAIN EXCHANGE GUIDE PREVSUP "
	    "OFFENDEDU STAFFSUP INSPECT COORDMTG COORDTEAM REVIEW SURVEY MODEL FACILITY "
	    "POLICY DOCPLAN INTCOOP AWARD DISCLOSE" },
	{ "case_event_kind", "S01_INFO S02_RECEIVE S03_INITSUP S04_INITVER S05_PIP "
	    "S06_IDENT S07_CERT S08_ASSESS S09_PLAN S10_SERVE S11_REFER S12_RETURN "
	    "S13_REINT S14_FOLLOW S15_CLOSE NOTIFY FAMILY DOSSIER ADMIT ISSUE" },
	{ "service", "ESS LODGE MED INTERP LAWADV LEGALAID TRAVEL PSY EDU VOC JOB ALLOW "
	    "LOAN REINT SOCASST CHILDP IDDOC PROTECT REPATRI HEALTHINS OTHER" },
	{ "beneficiary", "V_VN U18_VN PIP_ABROAD PIP_IN FOREIGN NONE" },
	{ "legal_regime", "R2011 R2024" },
	{ "indicator", "I1a I1b I2 I3 I4 I5a I5b T1 I6 I7 I8" },
	{ "place_kind", "BORDERC MOUNT COAST HARD REMOTE RURAL ETHAREA HASVICT ADJPROV "
	    "ISLAND HIGHRISK SCHOOL OTHER" },
	{ "campaign", "D30_7_NAT D30_7_WORLD MOV_SECURITY MOV_RURAL NONE OTHER" },
	{ "programme", "CRIME EVILS DRUG PROST HIV SOCASSIST POVERTY VOCTRAIN JOB "
	    "LABEXPORT GENDER CHILDPROT ETHPOLICY NTP SOCECON" },
	{ "train_topic", "RECEIVE VERIFY RECORDKEEP PSY APPROACH LAW RIGHTS_TRAUMA "
	    "RECRUIT COMMSKILL POLICE TRICKS OTHER" },
	{ "train_group", "SUPPORT MANAGER DIRECTSTAFF CTV LOCALOFF POLICE BORDERG PPCO "
	    "HEALTH CONSULAR SCHOOL RESIDENT OTHER" },
	{ "train_level", "PROV DIST COMM FACILITY" },
	{ "insp_kind", "CHECK THANHTRA MONITOR SELF JOINT" },
	{ "insp_subject", "PLANIMPL VICTSUP JOBCENTRE LABCONTRACT LABEXPORT FOREIGNREC "
	    "ADOPTION SENSITIVE UNLICENSED" },
	{ "handled", "NONE REMIND FINE SUSPEND TRANSFER PENDING OTHER" },
	{ "coord_form", "DIRECT WRITTEN PHONE_EMAIL MEETING TEAM REVIEW OTHER" },
	{ "team_purpose", "RECEIVE PROTECT ADHOC INSPECT" },
	{ "tip_channel", "H111 HPROV COMMUNE POLICE BORDER COAST MISSION ORG FIELD "
	    "ONLINE OTHER" },
	{ "tip_kind", "TOGIAC TINBAO KIENNGHI SELF INFOREQ COUNSEL" },
	{ "tip_outcome", "FWD_POL FWD_BG FWD_CG FWD_CPC FWD_DOH FWD_111 REFERRED "
	    "COUNSELLED CASE_OPENED NOT_RELEVANT DUPLICATE PENDING" },
	{ "victim_status", "VICTIM SUSPECTED ATRISK UNKNOWN" },
	{ "tip_urgency", "IMMEDIATE SOON ROUTINE" },
	{ "ident_result", "PENDING VICTIM NOT_VICTIM UNDETERMINED WITHDRAWN" },
	{ "ident_evidence", "PROCEED RESCUER MISSION DOMORG FOREIGN STATEMENT OFFENDER "
	    "WITNESS OTHER" },
	{ "close_reason", "REINTEGRATED SELFWISH MOVED REPATRIATED LOSTCONTACT DIED "
	    "NOT_VICTIM DUPLICATE RETRAFFICKED_NEWCASE OTHER" },
	{ "recv_channel", "SELF_COMMUNE SELF_POLICE SELF_BG SELF_OTHER FWD_LOCAL "
	    "SELF_BORDER RESCUED_IN RESCUED_ABROAD HANDOVER VIA_MISSION GATE FOUND_SEA "
	    "HOTLINE REVIEW TRANSFER_IN OTHER" },
	{ "relation", "ACCOMP_U18 FATHER MOTHER GRANDPARENT GUARDIAN LEGALREP SPOUSE "
	    "CHILD SIBLING OTHERREL CONTACT OFFICIAL SUSPECT" },
	{ "child_care", "PARENTS KIN GUARDIAN ORPHAN UNSUPPORTED UNKNOWN" },
	{ "protect_measure", "SHELTER GUARD INFOSEC PREVENT RELOCATE ALERT ABROAD "
	    "REFUSED OTHER" },
	{ "purpose", "SEX LABOUR ORGAN MARRIAGE SURROG BEGGING ADOPT CHILDLAB SCAM "
	    "SERVITUDE OTHER UNKNOWN" },
	{ "method", "FORCE THREAT DECEIVE_JOB DECEIVE_LOVE DECEIVE_MARRIAGE "
	    "DECEIVE_OTHER ONLINE DEBT DRUGGED KIDNAP SOLD_BY_FAMILY UNLICENSED_BROKER "
	    "OTHER UNKNOWN" },
	{ "cause", "POVERTY UNEMPLOYED LOWAWARE DECEIVED DOMVIOL FAMCONFLICT DEBT "
	    "DROPOUT ABANDONED UNSAFE_MIG OTHER UNKNOWN" },
	{ "fund_source", "CENTRAL LOCAL RECURRENT NTP AID_DOM AID_INTL SOCIAL OTHER_LEGAL" },
	{ "budget_use", "COMM TRAIN VICTSUP TRAVEL REPATRI PROTECT FACILITY INSPECT "
	    "SURVEY STAFFSUP OTHER" },
	{ "case_state", "OPEN_INFO IN_VERIFICATION IDENTIFIED NOT_VICTIM IN_SUPPORT "
	    "FOLLOW_UP CLOSED CLOSED_REFERRED" },
	{ "referral_reason", "SERVICE MOVE WISH SAFETY NOCAPACITY OTHER" },
	{ "decline_reason", "NOTNEEDED FEARSTIGMA MOVED DISTRUST OTHER NOTSTATED" },
	{ "referral_outcome", "PENDING ACCEPTED DECLINED LAPSED COMPLETED" },
	{ "service_status", "OFFERED DECLINED APPROVED DELIVERED REFUSED_BY_AGENCY "
	    "CANCELLED" },
	{ "consent_kind", "STORE SUPPORT SHARE_AGENCY SHARE_NGO FOLLOWUP PHOTO STATS" },
	{ "consent_form", "SIGNED THUMB ORAL_WITNESS" },
	{ "followup_mode", "VISIT PHONE VIA_UNION OTHER" },
	{ "living", "STABLE HARD UNSTABLE UNKNOWN" },
	{ "health", "GOOD FAIR POOR UNKNOWN" },
	{ "work", "WORKING STUDYING TRAINING NONE OTHER UNKNOWN" },
	{ "income_trend", "UP SAME DOWN UNKNOWN" },
	{ "id_kind", "CCCD CC CCCN CMND DDCN PASSPORT TRAVELDOC BIRTH OTHER NONE" },
	{ "birth_precision", "DAY MONTH YEAR EST_AGE UNKNOWN" },
	{ "marital_status", "SINGLE MARRIED COHAB SEPARATED DIVORCED WIDOWED U" },
	{ "occupation", "FARM WORKER TRADE FREE OFFICIAL STUDENT HOME NONE OTHER U" },
	{ "household_poor", "POOR NEAR NO U" },
	{ "disability", "MOVE HEARSPEAK SEE MENTAL INTELLECT OTHER NONE U" },
	{ "recruiter_relation", "FAMILY PARTNER ACQUAINT ONLINE BROKER STRANGER UNKNOWN" },
	{ "plan_item_status", "TODO DOING DONE DROPPED" },
	{ "report_kind", "M6 Y1 ADHOC SECTION" },
	{ "counselling_mode", "INDIVIDUAL GROUP" },
	{ "attachment_kind", "SCAN DOC PHOTO LIST OTHER" },
	{ "attendance_method", "COUNTED ESTIMATED SIGNED" },
	{ "record_source", "PAPER PHONE VISIT" },
	{ "education", "E0 E1 E2 E3 E4 E5 E6 E7 U" },
	{ "model_kind", "PREVENT SUPPORT BOTH" },
	{ "model_status", "NEW KEPT REPLICATED ENDED" },
	{ "facility_kind", "SPC VSF SWC HCF OTHER" },
	{ "note_kind", "REVIEW COMMENT PROPOSE" },
	{ "award_to", "COLLECTIVE PERSON" },
	{ "missing_status", "MISSING CONTACTED RETURNED FOUND_ABROAD DIED CASE_OPENED" },
	{ "donor_kind", "PERSON ORG FIRM NGO INTORG" },
	{ "resource_kind", "CASH TECH INKIND SERVICE" },
	{ "report_state", "DRAFT SUBMITTED RETURNED ACCEPTED" },
	{ "doc_kind", "LOCALPLAN COORDPROG SELFINSP DIRECTIVE ASSIGN OTHER" },
	{ "survey_subject", "MISSING VICTIMS NEEDS SERVICES FACILITY RESULT OTHER" },
	{ "issue_area", "LAW MONEY STAFF COORD FACILITY CASE TOOL OTHER" },
	{ "issue_status", "OPEN FORWARDED SOLVED" },
	{ "nationality_result", "VN NOT_VN UNKNOWN PENDING" },
	{ "agency_figure", "RESCUED RECEIVED VERIFIED CERTIFIED NATCHECK VICT_ABROAD "
	    "RETURN_COST ESS LODGE TRAVEL PROTECT LEGALAID FEE_EXEMPT LOAN JOB MEDIA "
	    "INSPECT CRIME_CASES OFFENDERS OTHER" },
	{ "staff_role", "CTV COMMUNE_OFF SYNC_OFF FACILITY PROV_OFF PROV_CASE ANALYST "
	    "ADMIN NODEVICE" },
	{ "activity_status", "PLANNED HELD CANCELLED" },
	{ "risk_level", "LOW MEDIUM HIGH URGENT" },
	{ "ethnicity", "kinh tay thai hoa khmer muong nung hmong dao giarai ngai ede "
	    "bana xodang sanchay coho cham sandiu hre mnong raglai xtieng bruvankieu tho "
	    "giay cotu gietrieng ma khomu co taoi choro khang xinhmun hanhi churu lao "
	    "lachi laha phula lahu lu lolo chut mang pathen colao cong boy sila pupeo "
	    "brau odu romam foreign unknown" },
	{ "sex", "M F U" },
	{ "wish_destination", "HOME FACILITY OTHER UNDECIDED" },
	{ "needs_level", "0 1 2 3" },
	{ "call_class", "INFO COUNSEL REFER" },
	{ "course_kind", "TRAIN EXCHANGE" },
	{ "subject_right", "KNOW ACCESS RECTIFY ERASE RESTRICT OBJECT WITHDRAW PROTECT COMPLAIN" },
	{ "request_outcome", "DONE PARTLY ACCEPTED REFUSED NOTHING FORWARDED DROPPED" },
	{ "retention_class", "CASE_VICTIM CASE_NOT_VICTIM CASE_DUPLICATE TIP REQUEST" },
	{ "retention_outcome", "KEEP ERASE" },
	{ "access_reason", "SUPERVISE SETTLE HANDOVER REQUEST EMERGENCY REPORT INSPECT OTHER" },
	{ "org_kind", "MOH MOLISA MPS MOD MOFA SC138C SC138P PPC PPCO DOLISA DOH DOH_SVP "
	    "DOL_UNITS PFIN DOF DOIA DOJ DOET DOCST MEDIA POLP POLD POLC BGP CGR IMM "
	    "MISS FMISS POLX SPC VSF SWC HCF CHS LAC SCHOOL JOBC LEF VBSP DPC DLO CPC "
	    "CSO VFF VWU YU UNION PARTY CTV INTL" },
};

static void
every_list_of_the_plans_has_its_codes(void **state)
{
	const struct form_set *set = *state;

	for (size_t i = 0; i < COUNT(lists); i++) {
		const struct form_list *list = form_set_list(set, lists[i].list);
		const char *at = lists[i].codes;
		char code[64];
		size_t n = 0;

		if (list == NULL)
			fail_msg("there is no list %s", lists[i].list);
		for (; next_word(&at, code); n++)
			if (form_choice_find(list, code) == NULL)
				fail_msg("%s lacks %s", lists[i].list, code);
		assert_true(n > 1);
	}
}

/* Every code has both labels, each in normal form C. */
static void
every_code_and_field_speaks_both_languages(void **state)
{
	const struct form_set *set = *state;

	for (size_t i = 0; i < form_set_count(set); i++) {
		const struct form *form = form_set_at(set, i);

		for (int lang = FORM_VI; lang < FORM_LANGS; lang++)
			assert_true(form->title[lang] != NULL && form->title[lang][0] != '\0');
		for (size_t k = 0; k < form->n_fields; k++) {
			const struct form_field *f = &form->fields[k];

			for (int lang = FORM_VI; lang < FORM_LANGS; lang++) {
				if (f->label[lang] == NULL || f->label[lang][0] == '\0')
					fail_msg("%s.%s has no label", form->name, f->name);
				for (size_t c = 0; f->list != NULL && c < f->list->n_choices; c++)
					if (f->list->choices[c].label[lang] == NULL ||
					    f->list->choices[c].label[lang][0] == '\0')
						fail_msg("%s.%s has no label", f->list->name,
						    f->list->choices[c].code);
			}
		}
	}
}

/*
 * Fields of the record types: "form field:SENSITIVITY:policy".  Where last-writer-wins would
 * do, a form may ask a person instead (review); everything else is exact.
 */
static const char *const fields[][2] = {
	{ "awareness_session", "kind:PUB:latest title:PUB:latest date_start:PUB:review "
	    "date_end:PUB:review commune_code:PUB:latest village:PUB:latest "
	    "place_kind:PUB:union organiser:PUB:latest co_organisers:PUB:union "
	    "forms:PUB:union topics:PUB:union audiences:PUB:union campaigns:PUB:union "
	    "programmes:PUB:union persons_supported_m:PUB:review "
	    "persons_supported_f:PUB:review participants_total:PUB:review "
	    "participants_female:PUB:review participants_child:PUB:review "
	    "participants_ethmin:PUB:review attendance_method:PUB:latest "
	    "language:PUB:latest items_count:PUB:review air_count:PUB:review "
	    "air_minutes:PUB:review reach:PUB:review is_30_7:INT:- "
	    "result_evaluation:INT:review difficulties:INT:review budget_vnd:INT:review "
	    "fund_source:INT:review status:PUB:latest dup_of:PUB:review "
	    "plan_task:PUB:union" },
	{ "material", "form:PUB:- title:PUB:- language:PUB:- copies_printed:PUB:review "
	    "copies_distributed:PUB:review shared_with:PUB:union topics:PUB:- date:PUB:-" },
	{ "training", "title:INT:- course_kind:INT:- topics:INT:union organiser:INT:- "
	    "hours:INT:- budget_vnd:INT:- fund_source:INT:- result_evaluation:INT:- "
	    "others_m:INT:- others_f:INT:-" },
	{ "training_trainee", "staff_id:INT:- completed:INT:latest sex:INT:- "
	    "train_group:INT:- train_level:INT:-" },
	{ "inspection", "kind:INT:- subjects:INT:union inspected_org:INT:- "
	    "lead_org:INT:- team_orgs:INT:union plan_doc:INT:- date:INT:- "
	    "findings:INT:review violations:INT:- handled:INT:- recommendations:INT:- "
	    "report_to:INT:- report_date:INT:-" },
	{ "coordination_event", "form:INT:- team_purpose:INT:- orgs:INT:union "
	    "outcome:INT:review victims_count:CON:-" },
	{ "outreach", "date:PUB:- mode:PUB:- persons_m:PUB:- persons_f:PUB:- "
	    "topics:PUB:union destinations:PUB:- referred:PUB:-" },
	{ "community_model", "name:PUB:latest model_kind:PUB:latest status:PUB:latest "
	    "copied_from:PUB:latest members:INT:latest victims_helped:INT:latest" },
	{ "facility", "name:PUB:latest facility_kind:PUB:latest licence_no:PUB:latest "
	    "staff_count:INT:latest ready:INT:latest" },
	{ "policy_note", "text_reviewed:INT:latest law_ref:INT:latest "
	    "note_kind:INT:latest problem:INT:latest proposal:INT:latest "
	    "addressee:INT:latest doc_no:INT:latest outcome:INT:latest" },
	{ "award", "to_kind:PUB:latest recipient:PUB:latest level:PUB:latest "
	    "decision_no:PUB:latest" },
	{ "disclosure", "published_at:PUB:latest where_kind:PUB:latest "
	    "firms_count:PUB:latest fees_included:PUB:latest" },
	{ "tip", "received_on:INT:- channel:INT:latest tip_kind:INT:latest "
	    "reporter_name:SEC:review reporter_phone:SEC:review "
	    "reporter_anonymous:INT:deny_wins summary:CON:review "
	    "victim_status:CON:review persons_at_risk:CON:review minors:CON:review "
	    "call_class:INT:latest location_text:CON:latest commune_code:CON:latest "
	    "urgency:CON:highest outcome:CON:latest case_id:CON:review" },
	{ "tip_action", "date:CON:- action:CON:- to_org:CON:- by_whom:CON:- reply:CON:-" },
	{ "person", "pseudonym_code:CON:- full_name:SEC:review other_names:SEC:union "
	    "sex:CON:review birth_date:SEC:review birth_precision:SEC:review "
	    "est_age:CON:review est_age_asof:CON:review id_kind:SEC:review "
	    "id_number:SEC:review ethnicity:SEC:latest nationality:CON:latest "
	    "languages:CON:union registered_commune:SEC:review "
	    "current_commune:SEC:review address_text:SEC:review phone:SEC:review "
	    "safe_contact_time:SEC:review safe_contact_note:SEC:review "
	    "education:CON:latest occupation:CON:latest marital_status:CON:latest "
	    "child_care:CON:review household_poor:CON:latest health_note:SEC:review "
	    "disability:SEC:- do_not_contact:CON:deny_wins" },
	{ "case", "case_no:CON:- person_id:CON:review class:CON:review "
	    "recv_channel:CON:review recv_date:CON:review recv_org:CON:review "
	    "recv_commune:CON:review rescue_org:CON:review rescue_date:CON:review "
	    "group_size:CON:review paper_file_no:CON:latest wish_destination:CON:review "
	    "age_trafficked:CON:review previous_case:CON:review counting_org:CON:review "
	    "purpose:SEC:union methods:SEC:union causes:SEC:union "
	    "exploited_country:SEC:review exploited_place:SEC:review "
	    "left_date:SEC:review returned_date:SEC:review recruiter_relation:SEC:review "
	    "narrative:SEC:review ident_result:CON:review ident_org:CON:review "
	    "ident_doc_no:CON:review ident_date:CON:review ident_evidence:CON:union "
	    "cert_no:CON:review cert_date:CON:review cert_org:CON:review "
	    "legal_regime:INT:review assigned_worker:CON:- assigned_org:CON:- "
	    "risk_level:CON:highest linked_cases:CON:union" },
	{ "case_event", "event:CON:- at:CON:- org:CON:- worker:CON:- doc_no:CON:- "
	    "note:CON:- notified_org:CON:- close_reason:CON:- voids:CON:-" },
	{ "consent", "kind:CON:- decision:CON:deny_wins at:CON:- given_by:CON:- "
	    "relation:CON:- form:CON:- valid_to:CON:- withdrawn_at:CON:- "
	    "receivers:CON:union guardian_suspect:SEC:deny_wins child_view:SEC:-" },
	{ "needs_assessment", "date:SEC:- assessor:SEC:- strengths:SEC:- "
	    "risks_individual:SEC:- risks_household:SEC:- risks_community:SEC:- "
	    "wishes:SEC:-" },
	{ "needs_item", "service:SEC:- level:SEC:- wish:SEC:-" },
	{ "support_plan", "version:CON:- goals:CON:- agreed_with_person:CON:review" },
	{ "support_plan_item", "service:CON:review provider:CON:review due:CON:review "
	    "status:CON:review" },
	{ "service_delivery", "service:CON:- provider:CON:- requested_at:CON:- "
	    "decided_at:CON:- decision_org:CON:- decision_no:CON:- date_from:CON:- "
	    "date_to:CON:- quantity:CON:- unit:CON:- amount_vnd:CON:- fund_source:CON:- "
	    "status:CON:- decline_reason:CON:- of_delivery:CON:-" },
	{ "lodging_stay", "facility:SEC:review admission_doc:SEC:review "
	    "date_from:SEC:review date_to:SEC:review fit_sex_age:SEC:review "
	    "extension_decision:SEC:review" },
	{ "referral", "reason:CON:- services:CON:- sent_at:CON:- by_wish:CON:- "
	    "consent_id:CON:- received_at:CON:- received_by:CON:- outcome:CON:- "
	    "answers:CON:append" },
	{ "handover", "giver:CON:- receiver:CON:- at:CON:- place:CON:- persons:CON:- "
	    "papers:CON:- belongings:CON:- escort:CON:-" },
	{ "follow_up", "done_at:CON:- mode:SEC:- safe:SEC:- living:SEC:- health:SEC:- "
	    "work:SEC:- income_trend:SEC:- stigma:SEC:- retrafficking_risk:SEC:- "
	    "new_needs:SEC:-" },
	{ "protection_measure", "measure:SEC:review for_whom:SEC:review "
	    "asked_by:SEC:review danger_signs:SEC:review reported_to:SEC:- "
	    "date_from:SEC:review date_to:SEC:review org:SEC:review "
	    "decision_no:SEC:review refused:SEC:review" },
	{ "relation", "person_a:SEC:review person_b:SEC:review relation:SEC:review "
	    "lives_with:SEC:review may_be_contacted:SEC:review" },
	{ "missing_person", "full_name:SEC:review sex:CON:review birth_date:SEC:review "
	    "birth_precision:SEC:review commune_code:CON:review left_date:SEC:review "
	    "last_seen:SEC:review destination_suspected:SEC:review "
	    "reported_by:SEC:review relation:SEC:review "
	    "suspect_trafficking:CON:deny_wins police_informed_at:CON:- "
	    "police_informed_org:CON:- statuses:CON:append case_id:CON:-" },
	{ "subject_request", "kind:CON:review person_id:CON:review case_id:CON:review "
	    "received_at:CON:review asked_by:CON:review asker_name:SEC:review "
	    "identity:CON:review request:SEC:review targets:CON:union answered_at:CON:review "
	    "answered_by:CON:review outcome:CON:review refusal_reason:CON:review "
	    "refusal_note:SEC:review answer:SEC:review done_at:CON:review note:SEC:review" },
	{ "access_log", "day:INT:- opens:CON:append" },
	{ "budget_line", "plan:INT:review fund_source:INT:review budget_use:INT:review "
	    "org:INT:review estimated_vnd:INT:review allocated_vnd:INT:review "
	    "spent_vnd:INT:review doc_no:INT:review" },
	{ "resource", "donor:INT:review donor_kind:INT:review resource_kind:INT:review "
	    "value_vnd:INT:review purpose:INT:review agreement:INT:review date:INT:review" },
	{ "report_submission", "plan:INT:- kind:INT:- from_org:INT:- to_org:INT:union "
	    "snapshot_hash:INT:- signed_by:INT:- submitted_at:INT:- version:INT:- "
	    "states:INT:append" },
	{ "issued_document", "doc_kind:PUB:latest number:PUB:latest date:PUB:latest "
	    "org:PUB:latest plan:PUB:latest title:PUB:latest content_accepted:INT:review "
	    "accepted_by:INT:review accepted_at:INT:review" },
	{ "survey", "subject:INT:review commune_code:INT:review org:INT:review "
	    "date:INT:review reviewed_by:INT:review units_reviewed:INT:review "
	    "found_count:INT:review findings:INT:review proposal:INT:review" },
	{ "issue", "date:INT:review org:INT:review description:INT:review "
	    "issue_area:INT:review cause:INT:review proposal:INT:review "
	    "addressee:INT:review statuses:INT:append resolution:INT:review" },
	{ "nationality_check", "requested_by:CON:review requested_at:CON:review "
	    "handled_by:CON:review replied_at:CON:review result:CON:review "
	    "papers_given:CON:review doc_no:CON:review" },
	{ "agency_figure", "org:INT:review plan:INT:review period_start:INT:review "
	    "period_end:INT:review figure:INT:review total:INT:review male:INT:review "
	    "female:INT:review under18:INT:review relatives:INT:review "
	    "amount_vnd:INT:review doc_no:INT:review note:INT:review" },
	{ "org_unit", "name_vi:PUB:latest focal_unit:PUB:latest focal_name:INT:latest "
	    "focal_phone:INT:latest focal_email:INT:latest successor:PUB:latest" },
	{ "staff", "full_name:INT:latest role:INT:latest role_victim_support:INT:latest "
	    "phone:INT:latest assigned_from:INT:latest assigned_to:INT:latest "
	    "assignment_doc:INT:latest active_from:INT:latest" },
	{ "plan", "number:PUB:latest date:PUB:latest issuer:PUB:latest year:PUB:latest "
	    "legal_bases:PUB:union" },
};

static bool
policy_will_do(const char *policy, const struct form_field *field)
{
	const char *is = form_policy_name(field->policy);

	return strcmp(policy, "-") == 0 || strcmp(policy, is) == 0 ||
	    (strcmp(policy, "latest") == 0 && field->policy == FORM_REVIEW);
}

static void
fields_have_the_sensitivity_and_policy_of_their_record_type(void **state)
{
	static const char *const names[] = { "PUB", "INT", "CON", "SEC" };
	const struct form_set *set = *state;

	for (size_t i = 0; i < COUNT(fields); i++) {
		const struct form *form = form_set_find(set, fields[i][0]);
		const char *at = fields[i][1];
		char word[64], name[64], sensitivity[8], policy[16];

		if (form == NULL)
			fail_msg("there is no form %s", fields[i][0]);
		while (next_word(&at, word)) {
			const struct form_field *f;

			assert_int_equal(sscanf(word, "%63[^:]:%7[^:]:%15s", name, sensitivity,
			    policy), 3);
			f = form_field_named(form, name);
			if (f == NULL)
				fail_msg("%s lacks %s", form->name, name);
			if (strcmp(sensitivity, names[f->sensitivity]) != 0)
				fail_msg("%s.%s is %s", form->name, name, names[f->sensitivity]);
			if (!policy_will_do(policy, f))
				fail_msg("%s.%s is %s", form->name, name, form_policy_name(f->policy));
		}
	}
}

static void
records_of_persons_are_kept_with_the_cases(void **state)
{
	static const char *const cases[] = { "tip", "tip_action", "person", "case", "case_event",
	    "consent", "needs_assessment", "needs_item", "support_plan", "support_plan_item",
	    "service_delivery", "lodging_stay", "referral", "handover", "follow_up",
	    "protection_measure", "relation", "person_link", "case_coordination",
	    "nationality_check", "missing_person", "subject_request",
	    "retention_review", "access_log" };
	const struct form_set *set = *state;
	size_t n = 0;

	for (size_t i = 0; i < COUNT(cases); i++)
		assert_int_equal(form_set_find(set, cases[i])->compartment, FORM_CASES);
	for (size_t i = 0; i < form_set_count(set); i++)
		n += form_set_at(set, i)->compartment == FORM_CASES;
	assert_int_equal(n, COUNT(cases));
	assert_int_equal(form_set_find(set, "report_submission")->compartment, FORM_REPORTS);
}

/* domain.md section 8, "common to all": plan, task of the plan (one event may serve several), source. */
static void
records_of_work_name_plan_task_and_source(void **state)
{
	/* what is known of persons, rows of another record, what programs write, registers of their own */
	static const char without[] = " person person_link relation audience_count"
	    " community_model_status material_use needs_item support_plan_item tip_action"
	    " training_trainee consent referral report_submission org_unit staff plan plan_deadline plan_lead"
	    " plan_target plan_task subject_request retention_review access_log ";
	const struct form_set *set = *state;

	for (size_t i = 0; i < form_set_count(set); i++) {
		const struct form *form = form_set_at(set, i);
		const struct form_field *task = form_field_named(form, "plan_task");
		char name[80];

		snprintf(name, sizeof(name), " %s ", form->name);
		if (strstr(without, name) != NULL)
			continue;
		if (form_field_named(form, "plan") == NULL || task == NULL ||
		    form_field_named(form, "source") == NULL)
			fail_msg("%s lacks plan, plan_task or source", form->name);
		assert_int_equal(task->policy, FORM_UNION);
		assert_true(form->compartment != FORM_CASES || task->sensitivity >= FORM_INT);
	}
}

/* A case is handed over with its children, so each of them can say what it continues. */
static void
what_belongs_to_a_case_can_be_handed_over(void **state)
{
	const struct form_set *set = *state;

	for (size_t i = 0; i < form_set_count(set); i++) {
		const struct form *form = form_set_at(set, i);

		for (size_t k = 0; k < form->n_fields; k++)
			if (form->fields[k].refers != NULL &&
			    strcmp(form->fields[k].refers, "case") == 0 &&
			    strcmp(form->name, "referral") != 0 &&
			    form_field_named(form, "continues") == NULL)
				fail_msg("%s has no `continues`", form->name);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_list_of_the_plans_has_its_codes),
		cmocka_unit_test(every_code_and_field_speaks_both_languages),
		cmocka_unit_test(fields_have_the_sensitivity_and_policy_of_their_record_type),
		cmocka_unit_test(records_of_persons_are_kept_with_the_cases),
		cmocka_unit_test(records_of_work_name_plan_task_and_source),
		cmocka_unit_test(what_belongs_to_a_case_can_be_handed_over),
	};

	return cmocka_run_group_tests(tests, form_fixture_set_up, form_fixture_tear_down);
}
