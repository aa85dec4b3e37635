#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "shared/base/files.h"
#include "shared/forms/form.h"

#define VI "label::Tiếng Việt (vi)"
#define EN "label::English (en)"
#define HEAD "type,name," VI "," EN ",required,relevant,constraint,calculation,choice_filter," \
	"default,appearance,bind::field:number,bind::field:merge,bind::field:group," \
	"bind::field:refers\n"
#define CHOICES "list_name,name," VI "," EN ",province\n"
#define SETTINGS "form_title::Tiếng Việt (vi),form_title::English (en),form_id,version," \
	"compartment\n"

static struct form_file
file(const char *name, const char *text)
{
	return (struct form_file){ name, (const uint8_t *)text, strlen(text) };
}

/* A set of one form "visit" with this survey below HEAD and these choices. */
static enum rc
load(const char *survey, const char *choices, struct form_set **out, struct error *err)
{
	char text[8192];
	int len = snprintf(text, sizeof(text), "%s%s", HEAD, survey);
	const struct form_file files[] = {
		file("forms/visit/settings.csv", SETTINGS "Thăm,Visit,visit,3,activities\n"),
		file("forms/visit/survey.csv", text),
		file("codes/yes_no.csv", CHOICES "yes_no,yes,Có,Yes,\nyes_no,no,Không,No,\n"),
		file("reports/b1.sql", "SELECT 1"),
		file("forms/visit/choices.csv", choices != NULL ? choices : CHOICES),
	};

	assert_in_range(len, 1, sizeof(text) - 1);
	memset(err, 0, sizeof(*err));
	return form_set_load(files, 5, out, err);
}

static void
refuse(const char *survey, const char *where, const char *what)
{
	struct form_set *set;
	struct error err;

	if (load(survey, NULL, &set, &err) != RC_FORMAT)
		fail_msg("not refused: %s", survey);
	assert_null(set);
	if (strcmp(err.where, where) != 0 || strstr(err.what, what) == NULL)
		fail_msg("says %s: %s", err.where, err.what);
}

static void
reads_fields_with_types_texts_and_rules(void **state)
{
	struct form_set *set;
	struct error err;
	const struct form *f;
	const struct form_field *field;

	(void)state;
	assert_int_equal(load(
	    "begin_group,where,Nơi,Where,,,,,,,,,,,\n"
	    "date,day,Ngày,Day,yes,,. <= today(),,,today(),partial short,1,,,\n"
	    "select_one yes_no,told,Đã báo,Told,,,,,,,,2,latest,,\n"
	    "end_group,,,,,,,,,,,,,,\n"
	    "select_multiple place,places,Địa điểm,Places,,,,,province = ${day},,,7,union,,\n"
	    "calculate,twice,,,,,,${day} + 1,,,,,,,\n"
	    "note,hello,Xin chào,Hello,,${told} = 'yes',,,,,,,,,\n",
	    CHOICES "place,a,Nhà,Home,1\nplace,b,Chợ,Market,2\n", &set, &err), RC_OK);
	assert_int_equal(form_set_count(set), 1);
	f = form_set_find(set, "visit");
	assert_ptr_equal(f, form_set_at(set, 0));
	assert_null(form_set_at(set, 1));
	assert_int_equal(f->version, 3);
	assert_string_equal(f->title[FORM_VI], "Thăm");
	assert_string_equal(f->title[FORM_EN], "Visit");
	assert_int_equal(f->compartment, FORM_ACTIVITIES);
	assert_int_equal(f->n_fields, 5);
	field = form_field_named(f, "day");
	assert_int_equal(field->type, FORM_DATE);
	assert_true(field->required);
	assert_non_null(field->constraint);
	assert_int_equal(f->n_sections, 1);
	assert_string_equal(f->sections[field->section].label[FORM_EN], "Where");
	assert_string_equal(f->sections[field->section].name, "where");
	assert_null(f->sections[field->section].relevant);
	assert_string_equal(field->default_value, "today()");
	assert_true(form_field_looks(field, "partial"));
	assert_false(form_field_looks(field, "part"));
	assert_int_equal(field->row, 3);
	field = form_field_named(f, "told");
	assert_ptr_equal(field->list, form_set_list(set, "yes_no"));
	assert_int_equal(field->policy, FORM_LATEST);
	field = form_field_numbered(f, 7);
	assert_string_equal(field->name, "places");
	assert_int_equal(field->section, -1);
	assert_true(field->many);
	assert_int_equal(form_choice_rank(field->list, "b"), 1);
	assert_int_equal(form_choice_rank(field->list, "c"), -1);
	assert_string_equal(form_choice_find(field->list, "a")->extra[0], "1");
	assert_string_equal(field->list->columns[0], "province");
	assert_int_equal(form_field_named(f, "twice")->type, FORM_CALCULATE);
	assert_int_equal(form_field_named(f, "hello")->type, FORM_NOTE);
	assert_null(form_field_numbered(f, 0));
	form_set_free(set);
}

static void
groups_of_a_sheet_lend_their_relevance(void **state)
{
	struct form_set *set;
	struct error err;
	const struct form_field *a;

	(void)state;
	assert_int_equal(load(
	    "integer,n,Số,N,,,,,,,,1,,,\n"
	    "begin group,one,Một,One,,${n} > 1,,,,,,,,,\n"
	    "begin group,two,,,,${n} < 9,,,,,,,,,\n"
	    "integer,a,A,A,,${n} != 5,,,,,,2,,,\n"
	    "end group,,,,,,,,,,,,,,\nend group,,,,,,,,,,,,,,\n", NULL, &set, &err), RC_OK);
	a = form_field_named(form_set_at(set, 0), "a");
	assert_non_null(a->relevant);
	assert_int_equal(form_set_at(set, 0)->n_sections, 1);
	assert_string_equal(form_set_at(set, 0)->sections[a->section].label[FORM_VI], "Một");
	assert_string_equal(form_set_at(set, 0)->sections[a->section].relevant, "${n} > 1");
	form_set_free(set);
}

static void
fields_of_a_statement_share_a_register(void **state)
{
	struct form_set *set;
	struct error err;
	const struct form *f;

	(void)state;
	assert_int_equal(load(
	    "text,other,K,O,,,,,,,,9,,,\n"
	    "text,result,K,R,,,,,,,,4,,ident,\n"
	    "text,agency,C,A,,,,,,,,2,,ident,\n", NULL, &set, &err), RC_OK);
	f = form_set_at(set, 0);
	assert_int_equal(f->n_groups, 1);
	assert_int_equal(f->groups[0].n_fields, 2);
	assert_int_equal(form_register_of(f, form_field_named(f, "agency")), 4);
	assert_int_equal(form_register_of(f, form_field_named(f, "result")), 4);
	assert_int_equal(form_register_of(f, form_field_named(f, "other")), 9);
	form_set_free(set);
}

static void
names_file_row_and_column_of_what_is_wrong(void **state)
{
	(void)state;
	refuse("text,a,A,A,,,,,,,,1,,,\ntext,b,B,B,,frob(1),,,,,,2,,,\n",
	    "forms/visit/survey.csv:3:relevant", "unknown function: frob");
	refuse("text,a,A,A,,,. = ${zz},,,,,1,,,\n",
	    "forms/visit/survey.csv:2:constraint", "unknown field: zz");
	refuse("select_one nolist,a,A,A,,,,,,,,1,,,\n",
	    "forms/visit/survey.csv:2:type", "unknown list: nolist");
	refuse("geopoint,a,A,A,,,,,,,,1,,,\n",
	    "forms/visit/survey.csv:2:type", "unknown type: geopoint");
	refuse("begin_repeat,a,A,A,,,,,,,,,,,\n",
	    "forms/visit/survey.csv:2:type", "a repeat is a form of its own");
	refuse("\n\ntext,a,A,A,,,,1 +,,,,1,,,\n",
	    "forms/visit/survey.csv:4:calculation", "an operand is due");
	refuse("text,a,A,A,,,,,1 = 1,,,1,,,\n",
	    "forms/visit/survey.csv:2:choice_filter", "only a select");
	refuse("select_one yes_no,a,A,A,,,,,district = 1,,,1,,,\n",
	    "forms/visit/survey.csv:2:choice_filter", "unknown name");
	refuse("text,a,A,A,maybe,,,,,,,1,,,\n",
	    "forms/visit/survey.csv:2:required", "unknown name");
	refuse("text,Tên,A,A,,,,,,,,1,,,\n", "forms/visit/survey.csv:2:name", "not a name");
	refuse("text,a,A,A,,,,,,,,1,,,\ntext,a,A,A,,,,,,,,2,,,\n",
	    "forms/visit/survey.csv:3:name", "has this field already");
	refuse("text,a,A,A,,,,,,,,1,,,\ntext,b,A,A,,,,,,,,1,,,\n",
	    "forms/visit/survey.csv:3:bind::field:number", "another field has this number");
	refuse("text,a,A,A,,,,,,,,0,,,\n",
	    "forms/visit/survey.csv:2:bind::field:number", "numbers go from 1 to 2047");
	refuse("text,a,A,A,,,,,,,,2048,,,\n",
	    "forms/visit/survey.csv:2:bind::field:number", "numbers go from 1 to 2047");
	refuse("text,a,A,A,,,,,,,,,,,\n",
	    "forms/visit/survey.csv:2:bind::field:number", "needs a number");
	refuse("note,a,A,A,,,,,,,,3,,,\n",
	    "forms/visit/survey.csv:2:bind::field:number", "has no number");
	refuse("text,a,A,A,,,,,,,,1,best,,\n",
	    "forms/visit/survey.csv:2:bind::field:merge", "unknown policy: best");
	refuse("text,a,A,A,,,,,,,,1,highest,,\n",
	    "forms/visit/survey.csv:2:bind::field:merge", "needs a select_one");
	refuse("text,a,A,A,,,,,,,,1,union,g,\n",
	    "forms/visit/survey.csv:2:bind::field:group", "hold one value");
	refuse("text,a,A,A,,,,,,,,1,,g,\ntext,b,A,A,,,,,,,,2,latest,g,\n",
	    "forms/visit/survey.csv:3:bind::field:merge", "share one policy");
	refuse("text,a,A,A,,,,,,,,1,,,nowhere\n",
	    "forms/visit/survey.csv:2:bind::field:refers", "unknown form: nowhere");
	refuse("integer,a,A,A,,,,,,many,,1,,,\n",
	    "forms/visit/survey.csv:2:default", "not a value of this field");
	refuse("text,a,,A,,,,,,,,1,,,\n",
	    "forms/visit/survey.csv:2:label", "label in both languages");
	refuse("begin_group,g,A,A,,,,,,,,,,,\ntext,a,A,A,,,,,,,,1,,,\n",
	    "forms/visit/survey.csv:2:type", "no end_group");
	refuse("end_group,,,,,,,,,,,,,,\n", "forms/visit/survey.csv:2:type", "without begin_group");
	refuse("begin_group,g,A,A,,frob(),,,,,,,,,\ntext,a,A,A,,,,,,,,1,,,\nend_group,,,,,,,,,,,,,,\n",
	    "forms/visit/survey.csv:2:relevant", "unknown function");
	refuse("text,a,Chào ${a},A,,,,,,,,1,,,\n", "forms/visit/survey.csv:2:label",
	    "inside a text");
	refuse("calculate,a,,,,,,,,,,,,,\n", "forms/visit/survey.csv:2:calculation",
	    "has a calculation");
	refuse("", "forms/visit/survey.csv:1:name", "no fields");
}

static void
refuses_cycles_of_calculations_and_relevance(void **state)
{
	(void)state;
	refuse("calculate,a,,,,,,${b} + 1,,,,,,,\ncalculate,b,,,,,,${c},,,,,,,\n"
	    "calculate,c,,,,,,${a},,,,,,,\n",
	    "forms/visit/survey.csv:2:calculation", "depends on itself");
	refuse("text,a,A,A,,${b} = 1,,,,,,1,,,\ntext,b,B,B,,${a} = 1,,,,,,2,,,\n",
	    "forms/visit/survey.csv:2:relevant", "depends on itself");
	refuse("text,x,A,A,,,,,,,,1,,,\ncalculate,a,,,,,,${a},,,,,,,\n",
	    "forms/visit/survey.csv:3:calculation", "depends on itself");
}

static void
refuses_a_misspelt_column(void **state)
{
	struct form_set *set;
	struct error err = { RC_OK, "", "", "" };
	const struct form_file files[] = {
		file("forms/visit/settings.csv", SETTINGS "Thăm,Visit,visit,3,activities\n"),
		file("forms/visit/survey.csv",
		    "type,name," VI "," EN ",relevent,bind::field:number\n"),
	};

	(void)state;
	assert_int_equal(form_set_load(files, 2, &set, &err), RC_FORMAT);
	assert_string_equal(err.where, "forms/visit/survey.csv:1:relevent");
	assert_string_equal(err.what, "unknown column: relevent");
}

static void
refuse_settings(const char *settings, const char *where, const char *what)
{
	struct form_set *set;
	struct error err = { RC_OK, "", "", "" };
	const struct form_file files[] = {
		file("forms/visit/settings.csv", settings),
		file("forms/visit/survey.csv", HEAD "text,a,A,A,,,,,,,,1,,,\n"),
	};

	assert_int_equal(form_set_load(files, 2, &set, &err), RC_FORMAT);
	assert_null(set);
	assert_string_equal(err.where, where);
	if (strstr(err.what, what) == NULL)
		fail_msg("says %s", err.what);
}

static void
refuses_settings_that_do_not_fit(void **state)
{
	(void)state;
	refuse_settings(SETTINGS "Thăm,Visit,other,3,activities\n",
	    "forms/visit/settings.csv:2:form_id", "name of the form's folder");
	refuse_settings(SETTINGS "Thăm,Visit,visit,v1,activities\n",
	    "forms/visit/settings.csv:2:version", "positive number");
	refuse_settings(SETTINGS "Thăm,Visit,visit,1,secrets\n",
	    "forms/visit/settings.csv:2:compartment", "activities, cases or reports");
	refuse_settings(SETTINGS ",Visit,visit,1,cases\n",
	    "forms/visit/settings.csv:2:form_title", "both languages");
	refuse_settings(SETTINGS, "forms/visit/settings.csv:1:form_id", "one row");
}

static void
refuses_lists_with_two_equal_codes_or_names(void **state)
{
	struct form_set *set;
	struct error err;

	(void)state;
	assert_int_equal(load("text,a,A,A,,,,,,,,1,,,\n", CHOICES "l,a,A,A,\nl,a,B,B,\n", &set,
	    &err), RC_FORMAT);
	assert_string_equal(err.where, "forms/visit/choices.csv:3:name");
	assert_int_equal(load("text,a,A,A,,,,,,,,1,,,\n", CHOICES "l,a b,A,A,\n", &set, &err),
	    RC_FORMAT);
	assert_string_equal(err.what, "not a code: a b");
	assert_int_equal(load("text,a,A,A,,,,,,,,1,,,\n", CHOICES "l,a,A,,\n", &set, &err),
	    RC_FORMAT);
	assert_string_equal(err.where, "forms/visit/choices.csv:2:label");
}

static void
references_stay_in_their_compartment(void **state)
{
	struct form_set *set;
	struct error err = { RC_OK, "", "", "" };
	const struct form_file files[] = {
		file("forms/visit/settings.csv", SETTINGS "Thăm,Visit,visit,3,activities\n"),
		file("forms/visit/survey.csv", HEAD "text,a,A,A,,,,,,,,1,,,file\n"),
		file("forms/file/settings.csv", SETTINGS "Hồ sơ,File,file,1,cases\n"),
		file("forms/file/survey.csv", HEAD "text,a,A,A,,,,,,,,1,,,\n"),
	};

	(void)state;
	assert_int_equal(form_set_load(files, 4, &set, &err), RC_FORMAT);
	assert_string_equal(err.where, "forms/visit/survey.csv:2:bind::field:refers");
	assert_string_equal(err.what, "the form is in another compartment: file");
}

static void
a_form_with_too_many_fields_is_over_the_limit(void **state)
{
	char *text = malloc(80 * (FORM_FIELDS_MAX + 8));
	size_t len;
	struct form_set *set;
	struct error err = { RC_OK, "", "", "" };

	(void)state;
	assert_non_null(text);
	len = (size_t)sprintf(text, "%s", HEAD);
	for (int i = 1; i <= FORM_FIELDS_MAX + 1; i++)
		len += (size_t)sprintf(text + len, "text,f%d,A,A,,,,,,,,%d,,,\n", i, i);
	const struct form_file files[] = {
		file("forms/visit/settings.csv", SETTINGS "Thăm,Visit,visit,3,activities\n"),
		file("forms/visit/survey.csv", text),
	};
	assert_int_equal(form_set_load(files, 2, &set, &err), RC_LIMIT);
	assert_string_equal(err.where, "forms/visit/survey.csv:402:type");
	free(text);
}

/* ---- successors ---- */

static void
succeed(const char *prev_text, const char *next_text, const char *what)
{
	struct form_set *prev, *next;
	struct error err;
	enum rc rc;

	assert_int_equal(load(prev_text, NULL, &prev, &err), RC_OK);
	assert_int_equal(load(next_text, NULL, &next, &err), RC_OK);
	rc = form_set_check_successor(prev, next, &err);
	if (what == NULL && rc != RC_OK)
		fail_msg("refused: %s: %s", err.where, err.what);
	if (what != NULL && (rc != RC_INVALID || strstr(err.what, what) == NULL))
		fail_msg("says %s, not %s", err.what, what);
	form_set_free(prev);
	form_set_free(next);
}

#define PREV "text,a,A,A,,,,,,,,1,,,\ntext,b,B,B,,,,,,,,2,union,,\n" \
	"text,g1,G,G,,,,,,,,3,,st,\ntext,g2,G,G,,,,,,,,4,,st,\ncalculate,c,,,,,,1,,,,,,,\n"

static void
a_successor_keeps_numbers_types_and_groups(void **state)
{
	(void)state;
	succeed(PREV, PREV, NULL);
	succeed("text,a,A,A,,,,,,,,1,,,\n", "text,a,Aa,Aa,yes,,,,,,,1,latest,,\n"
	    "integer,n,N,N,,,,,,,,2,,,\n", NULL);
	succeed("text,a,A,A,,,,,,,,1,,,\n", "text,a,A,A,,,,,,,,2,,,\n", "number");
	succeed("text,a,A,A,,,,,,,,1,,,\n", "integer,a,A,A,,,,,,,,1,,,\n", "type");
	succeed("text,a,A,A,,,,,,,,1,,,\n", "text,z,A,A,,,,,,,,1,,,\n", "gone");
	succeed("text,a,A,A,,,,,,,,1,,,\n", "text,a,A,A,,,,,,,,1,append,,\n", "union or append");
	succeed("text,a,A,A,,,,,,,,1,union,,\n", "text,a,A,A,,,,,,,,1,append,,\n",
	    "union or append");
	succeed("text,a,A,A,,,,,,,,1,,,\n", "text,a,A,A,,,,,,,,1,,g,\n", "statement");
	succeed("text,a,A,A,,,,,,,,1,,g,\n",
	    "text,b,A,A,,,,,,,,2,,g,\ntext,a,A,A,,,,,,,,1,,g,\n", "statement");
	succeed("text,a,A,A,,,,,,,,1,,g,\n",
	    "text,a,A,A,,,,,,,,1,,g,\ntext,b,A,A,,,,,,,,2,,g,\n", NULL);
	succeed("text,a,A,A,,,,,,,,1,,,\ncalculate,c,,,,,,1,,,,,,,\n",
	    "text,a,A,A,,,,,,,,1,,,\ntext,c,C,C,,,,,,,,2,,,\n", "type");
	succeed("text,a,A,A,,,,,,,,1,,,\n", "text,a,A,A,,,,,,,,1,,,visit\n", "type");
}

static void
a_successor_keeps_codes(void **state)
{
	static const char both[] = CHOICES "l,a,A,A,\nl,b,B,B,\n";
	static const char one[] = CHOICES "l,a,A,A,\n";
	static const char survey[] = "select_one l,a,A,A,,,,,,,,1,,,\n";
	struct form_set *prev, *next;
	struct error err;

	(void)state;
	assert_int_equal(load(survey, both, &prev, &err), RC_OK);
	assert_int_equal(load(survey, one, &next, &err), RC_OK);
	assert_int_equal(form_set_check_successor(prev, next, &err), RC_INVALID);
	assert_string_equal(err.what, "the code b of the list l is gone");
	error_clear(&err);
	assert_int_equal(form_set_check_successor(next, prev, &err), RC_OK);
	form_set_free(prev);
	form_set_free(next);
}

static void
a_successor_keeps_all_forms_and_no_lower_version(void **state)
{
	const struct form_file two[] = {
		file("forms/visit/settings.csv", SETTINGS "Thăm,Visit,visit,3,activities\n"),
		file("forms/visit/survey.csv", HEAD "text,a,A,A,,,,,,,,1,,,\n"),
		file("forms/file/settings.csv", SETTINGS "Hồ sơ,File,file,1,cases\n"),
		file("forms/file/survey.csv", HEAD "text,a,A,A,,,,,,,,1,,,\n"),
	};
	struct form_file lower[4];
	struct form_set *prev, *next;
	struct error err = { RC_OK, "", "", "" };

	(void)state;
	memcpy(lower, two, sizeof(lower));
	lower[0] = file("forms/visit/settings.csv", SETTINGS "Thăm,Visit,visit,2,activities\n");
	assert_int_equal(form_set_load(two, 4, &prev, &err), RC_OK);
	assert_int_equal(form_set_load(two, 2, &next, &err), RC_OK);
	assert_int_equal(form_set_check_successor(prev, next, &err), RC_INVALID);
	assert_string_equal(err.where, "file");
	form_set_free(next);
	error_clear(&err);
	assert_int_equal(form_set_load(lower, 4, &next, &err), RC_OK);
	assert_int_equal(form_set_check_successor(prev, next, &err), RC_INVALID);
	assert_string_equal(err.where, "visit");
	error_clear(&err);
	assert_int_equal(form_set_check_successor(next, prev, &err), RC_OK);
	form_set_free(next);
	form_set_free(prev);
}

/* ---- what ships ---- */

static void
has_fields(const struct form_set *set, const char *form, const char *names)
{
	const struct form *f = form_set_find(set, form);
	char name[64];
	int n;

	assert_non_null(f);
	while (sscanf(names, " %63s%n", name, &n) == 1) {
		bool many = name[strlen(name) - 1] == '*';
		const struct form_field *field;

		name[strlen(name) - many] = '\0';
		field = form_field_named(f, name);
		if (field == NULL || field->many != many)
			fail_msg("%s.%s", form, name);
		names += n;
	}
}

/* The names of the command contract: scripts rely on them. */
static void
shipped_forms_have_the_promised_names(void **state)
{
	struct form_set *set;
	struct error err = { RC_OK, "", "", "" };

	(void)state;
	if (form_set_load_embedded(&set, &err) != RC_OK)
		fail_msg("%s: %s", err.where, err.what);
	has_fields(set, "awareness_session", "title date_start commune_code village forms* topics* "
	    "audiences* campaigns* participants_total participants_female participants_child "
	    "participants_ethmin language note");
	has_fields(set, "outreach",
	    "date commune_code village persons_m persons_f topics* referred "
	    "note");
	has_fields(set, "person", "full_name sex birth_date birth_precision est_age ethnicity "
	    "id_number phone address_text safe_contact_note do_not_contact");
	has_fields(set, "case", "person_id recv_channel recv_date recv_commune purpose* causes* "
	    "ident_result risk_level narrative");
	has_fields(set, "follow_up",
	    "case_id due done_at mode safe living health work note next_due");
	has_fields(set, "service_delivery", "case_id service date_from status amount_vnd "
	    "decision_no legal_regime");
	form_set_free(set);
}

static void
shipped_forms_have_their_compartments_policies_and_groups(void **state)
{
	struct form_set *set;
	struct error err = { RC_OK, "", "", "" };
	const struct form *f, *p;

	(void)state;
	if (form_set_load_dir("schema", &set, &err) != RC_OK)
		fail_msg("%s: %s", err.where, err.what);
	assert_int_equal(form_set_find(set, "outreach")->compartment, FORM_ACTIVITIES);
	assert_int_equal(form_set_find(set, "awareness_session")->compartment, FORM_ACTIVITIES);
	f = form_set_find(set, "case");
	p = form_set_find(set, "person");
	assert_int_equal(f->compartment, FORM_CASES);
	assert_int_equal(p->compartment, FORM_CASES);
	assert_int_equal(form_field_named(f, "risk_level")->policy, FORM_HIGHEST);
	assert_int_equal(form_field_named(p, "do_not_contact")->policy, FORM_DENY_WINS);
	assert_int_equal(form_field_named(p, "full_name")->sensitivity, FORM_SEC);
	assert_string_equal(form_field_named(f, "person_id")->refers, "person");
	assert_int_equal(form_field_named(f, "ident_date")->group,
	    form_field_named(f, "ident_result")->group);
	assert_true(form_field_named(f, "ident_result")->group >= 0);
	assert_int_equal(form_field_named(p, "birth_date")->group,
	    form_field_named(p, "birth_precision")->group);
	assert_int_equal(form_set_list(set, "ethnicity")->n_choices, 56);
	assert_int_equal(form_choice_rank(form_set_list(set, "risk_level"), "URGENT"), 3);
	form_set_free(set);
}

static void
an_error_in_a_folder_names_the_folder(void **state)
{
	char dir[] = "/tmp/test_form_XXXXXX", path[FILES_PATH_MAX];
	struct form_set *set;
	struct error err = { RC_OK, "", "", "" };
	static const char settings[] = SETTINGS "Thăm,Visit,visit,3,activities\n";
	static const char survey[] = HEAD "text,a,A,A,,frob(1),,,,,,1,,,\n";
	char expected[ERROR_WHERE_MAX];

	(void)state;
	assert_non_null(mkdtemp(dir));
	assert_int_equal(files_join(dir, "forms/visit", path), RC_OK);
	assert_int_equal(files_make_dir(path, &err), RC_OK);
	assert_int_equal(files_join(dir, "forms/visit/settings.csv", path), RC_OK);
	assert_int_equal(files_create(path, (const uint8_t *)settings, strlen(settings), &err),
	    RC_OK);
	assert_int_equal(files_join(dir, "forms/visit/survey.csv", path), RC_OK);
	assert_int_equal(files_create(path, (const uint8_t *)survey, strlen(survey), &err), RC_OK);
	assert_int_equal(form_set_load_dir(dir, &set, &err), RC_FORMAT);
	snprintf(expected, sizeof(expected), "%s/forms/visit/survey.csv:2:relevant", dir);
	assert_string_equal(err.where, expected);
	unlink(path);
	assert_int_equal(files_join(dir, "forms/visit/settings.csv", path), RC_OK);
	unlink(path);
	assert_int_equal(files_join(dir, "forms/visit", path), RC_OK);
	rmdir(path);
	assert_int_equal(files_join(dir, "forms", path), RC_OK);
	rmdir(path);
	assert_int_equal(rmdir(dir), 0);
}

static void
keeps_the_files_it_was_read_from(void **state)
{
	struct form_set *set;
	struct error err;
	const struct form_file *files;
	size_t n;

	(void)state;
	assert_int_equal(load("text,a,A,A,,,,,,,,1,,,\n", NULL, &set, &err), RC_OK);
	files = form_set_files(set, &n);
	assert_int_equal(n, 4);
	assert_string_equal(files[0].name, "codes/yes_no.csv");
	assert_string_equal(files[3].name, "forms/visit/survey.csv");
	assert_memory_equal(files[3].data, HEAD, strlen(HEAD));
	form_set_free(set);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_fields_with_types_texts_and_rules),
		cmocka_unit_test(groups_of_a_sheet_lend_their_relevance),
		cmocka_unit_test(fields_of_a_statement_share_a_register),
		cmocka_unit_test(names_file_row_and_column_of_what_is_wrong),
		cmocka_unit_test(refuses_cycles_of_calculations_and_relevance),
		cmocka_unit_test(refuses_a_misspelt_column),
		cmocka_unit_test(refuses_settings_that_do_not_fit),
		cmocka_unit_test(refuses_lists_with_two_equal_codes_or_names),
		cmocka_unit_test(references_stay_in_their_compartment),
		cmocka_unit_test(a_form_with_too_many_fields_is_over_the_limit),
		cmocka_unit_test(a_successor_keeps_numbers_types_and_groups),
		cmocka_unit_test(a_successor_keeps_codes),
		cmocka_unit_test(a_successor_keeps_all_forms_and_no_lower_version),
		cmocka_unit_test(shipped_forms_have_the_promised_names),
		cmocka_unit_test(shipped_forms_have_their_compartments_policies_and_groups),
		cmocka_unit_test(an_error_in_a_folder_names_the_folder),
		cmocka_unit_test(keeps_the_files_it_was_read_from),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
