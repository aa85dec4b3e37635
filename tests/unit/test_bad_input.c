#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "shared/base/phrases.h"
#include "shared/forms/answer_value.h"
#include "shared/forms/answers.h"
#include "tests/support/form_fixture.h"

/*
 * Every field of every shipped form is given what its type does not take.  It is refused, the
 * refusal says in both languages what is wrong and what to do, names the field, and never the value.
 */

#define MARKER "Qzx7"

enum { VALUES_MAX = 14 };

static const struct bad_values {
	enum form_type type;
	const char *values[VALUES_MAX];
} bad[] = {
	{ FORM_TEXT, { MARKER "\xFF", MARKER "\x01", "\xE2\x80\xAE" MARKER, MARKER "\xE2\x80\x8B",
	    MARKER "\xC3", "\xED\xA0\x80" } },
	{ FORM_INTEGER, { MARKER, "ba", "1.5", "1,5", "1.000", "1 000", "--1", "+1", "1e3", "0x10",
	    "1234567890123456", "\xEF\xBC\x91", "\xD9\xA3", "1\xFF" } },
	{ FORM_DECIMAL, { MARKER, "1,5", "1.", ".5", "1.1234567", "1.5.5", "--1", "1e3",
	    "1234567890123456", "\xEF\xBC\x91" } },
	{ FORM_DATE, { MARKER, "31/02/2026", "2026-02-30", "2026-13-01", "29/02/2025", "00/01/2026",
	    "1/1/26", "2026/05", "17-05-1998", "hôm qua", "20260517", "2026-05-17T08:00", "tháng 5" } },
	{ FORM_SELECT_ONE, { MARKER, "Nữ", "không có", "*", "\xFF" } },
	{ FORM_SELECT_MULTIPLE, { MARKER, "Nữ", "không có", "*", "\xFF" } },
	{ FORM_REFERENCE, { MARKER, "0123456789abcdef", "0123456789abcdef.", "0123456789abcdef.0",
	    "0123456789ABCDEF.1", "0123456789abcde.1", "0123456789abcdef.1.2", "0123456789abcdef.-1",
	    "0123456789abcdef.12345678901234567890", "Đặng Thị Hòa", "\xFF" } },
	{ FORM_NOTE, { MARKER, "1" } },
	{ FORM_CALCULATE, { MARKER, "1" } },
};

static void
assert_says(const struct phrases *phrases, const struct form_field *f, const struct error *err,
    const char *value)
{
	struct error vi = *err, en = *err;

	answer_value_advise(f, FORM_VI, &vi);
	answer_value_advise(f, FORM_EN, &en);
	phrases_translate(phrases, &vi);
	if (en.what[0] == '\0' || en.help[0] == '\0')
		fail_msg("%s, \"%s\": \"%s\" does not say what to do", f->name, value, en.what);
	if (strcmp(vi.what, en.what) == 0 || (strcmp(vi.help, en.help) == 0 && f->list == NULL))
		fail_msg("%s: \"%s: %s\" is not said in Vietnamese", f->name, vi.what, vi.help);
	if (strstr(err->where, f->name) == NULL)
		fail_msg("%s: \"%s\" does not name the field", f->name, err->where);
	if (strstr(err->what, MARKER) != NULL || strstr(err->where, MARKER) != NULL ||
	    strstr(en.help, MARKER) != NULL || strstr(vi.help, MARKER) != NULL)
		fail_msg("%s: the value is quoted", f->name);
}

static void
refuses(const struct phrases *phrases, const struct form_set *set, const struct form *form,
    const struct form_field *f, const char *value)
{
	struct error err = { .code = RC_OK };
	struct answers *a = form_fixture_begin(set, form->name);

	if (answers_add(a, f->name, value, &err) != RC_INVALID)
		fail_msg("%s.%s takes \"%s\"", form->name, f->name, value);
	assert_says(phrases, f, &err, value);
	answers_free(a);
}

static void
every_field_refuses_what_its_type_does_not_take_and_says_what_to_do(void **state)
{
	size_t seen[FORM_CALCULATE + 1] = { 0 };
	struct phrases *phrases;
	struct error err;

	assert_int_equal(phrases_open(&phrases, &err), RC_OK);
	for (size_t i = 0; i < form_set_count(*state); i++) {
		const struct form *form = form_set_at(*state, i);

		for (size_t k = 0; k < form->n_fields; k++)
			for (size_t b = 0; b < sizeof(bad) / sizeof(*bad); b++) {
				if (bad[b].type != form->fields[k].type)
					continue;
				seen[bad[b].type]++;
				for (size_t v = 0; v < VALUES_MAX && bad[b].values[v] != NULL; v++)
					refuses(phrases, *state, form, &form->fields[k], bad[b].values[v]);
			}
	}
	for (size_t b = 0; b < sizeof(bad) / sizeof(*bad); b++)
		if (seen[bad[b].type] == 0 && bad[b].type != FORM_DECIMAL)
			fail_msg("no form has a field of type %d", (int)bad[b].type);
	phrases_free(phrases);
}

static void
a_date_without_its_day_is_refused_where_the_form_wants_it_whole(void **state)
{
	static const char *const partial[] = { "2026", "2026-05", "05/2026", "5/2026" };
	struct phrases *phrases;
	struct error err;
	size_t whole = 0;

	assert_int_equal(phrases_open(&phrases, &err), RC_OK);
	for (size_t i = 0; i < form_set_count(*state); i++) {
		const struct form *form = form_set_at(*state, i);

		for (size_t k = 0; k < form->n_fields; k++) {
			const struct form_field *f = &form->fields[k];

			if (f->type != FORM_DATE || form_field_looks(f, "partial"))
				continue;
			whole++;
			for (size_t v = 0; v < sizeof(partial) / sizeof(*partial); v++)
				refuses(phrases, *state, form, f, partial[v]);
		}
	}
	assert_true(whole > 20);
	phrases_free(phrases);
}

/* Longer than a text may be, more values than a list may have, two where there is one. */
static void
too_much_is_refused_and_says_what_to_do(void **state)
{
	struct answers *a = form_fixture_begin(*state, "person");
	const struct form *form = form_set_find(*state, "person");
	char *text = malloc(FORM_TEXT_MAX + 2), one[24];
	struct phrases *phrases;
	struct error err;

	assert_int_equal(phrases_open(&phrases, &err), RC_OK);
	memset(text, 'a', FORM_TEXT_MAX + 1);
	text[FORM_TEXT_MAX + 1] = '\0';
	refuses(phrases, *state, form, form_field_named(form, "full_name"), text);
	for (size_t i = 0; i < ANSWERS_ITEMS_MAX; i++) {
		snprintf(one, sizeof(one), "Tên %zu", i);
		form_fixture_add(a, "other_names", one);
	}
	error_clear(&err);
	assert_int_equal(answers_add(a, "other_names", MARKER, &err), RC_INVALID);
	assert_says(phrases, form_field_named(form, "other_names"), &err, MARKER);
	form_fixture_add(a, "full_name", "Hoa");
	error_clear(&err);
	assert_int_equal(answers_add(a, "full_name", MARKER, &err), RC_INVALID);
	assert_says(phrases, form_field_named(form, "full_name"), &err, MARKER);
	answers_free(a);
	free(text);
	phrases_free(phrases);
}

/* A rule of a form that is broken speaks with the form's own words. */
static void
every_rule_of_every_form_has_words_of_its_own_in_both_languages(void **state)
{
	for (size_t i = 0; i < form_set_count(*state); i++) {
		const struct form *form = form_set_at(*state, i);

		for (size_t k = 0; k < form->n_fields; k++) {
			const struct form_field *f = &form->fields[k];

			for (int lang = 0; lang < FORM_LANGS; lang++) {
				if (f->constraint != NULL && f->constraint_message[lang] == NULL)
					fail_msg("%s.%s: constraint", form->name, f->name);
				if ((f->required || f->required_if != NULL) && f->required_message[lang] == NULL)
					fail_msg("%s.%s: required", form->name, f->name);
			}
			if (f->constraint != NULL &&
			    strcmp(f->constraint_message[FORM_VI], f->constraint_message[FORM_EN]) == 0)
				fail_msg("%s.%s: one language", form->name, f->name);
		}
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_field_refuses_what_its_type_does_not_take_and_says_what_to_do),
		cmocka_unit_test(a_date_without_its_day_is_refused_where_the_form_wants_it_whole),
		cmocka_unit_test(too_much_is_refused_and_says_what_to_do),
		cmocka_unit_test(every_rule_of_every_form_has_words_of_its_own_in_both_languages),
	};

	return cmocka_run_group_tests(tests, form_fixture_set_up, form_fixture_tear_down);
}
