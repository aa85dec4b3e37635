#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "shared/base/csv.h"
#include "shared/base/embedded.h"
#include "shared/base/phrases.h"
#include "shared/base/text.h"

static const char sheet[] =
    "en,vi\n"
    "cannot %s: %s,không làm được (%s): %s\n"
    "cannot open: %s,không mở được: %s\n"
    "Permission denied,không có quyền\n"
    "more than %d values,quá %d giá trị\n"
    "%zu of %lld pages,%zu trong %lld trang\n"
    "try again,thử lại\n"
    "input or output failed,đọc hoặc ghi không được\n";

static struct phrases *
open_sheet(const char *text)
{
	struct phrases *p;

	assert_int_equal(phrases_read("sheet", text, strlen(text), &p, NULL), RC_OK);
	return p;
}

static void
says(const char *what, const char *wanted)
{
	struct phrases *p = open_sheet(sheet);
	struct error e = { .code = RC_IO };

	snprintf(e.what, sizeof(e.what), "%s", what);
	phrases_translate(p, &e);
	assert_string_equal(e.what, wanted);
	phrases_free(p);
}

static void
a_phrase_is_said_in_vietnamese_with_its_advice(void **state)
{
	struct phrases *p = open_sheet(sheet);
	struct error e = { RC_IO, "more than 12 values", "topics", "try again" };

	(void)state;
	phrases_translate(p, &e);
	assert_string_equal(e.what, "quá 12 giá trị");
	assert_string_equal(e.where, "topics");
	assert_string_equal(e.help, "thử lại");
	phrases_free(p);
}

static void
what_was_filled_in_stays_unless_it_is_a_phrase(void **state)
{
	(void)state;
	says("cannot open: Bad address", "không mở được: Bad address");
	says("cannot open: Permission denied", "không mở được: không có quyền");
	says("3 of 40 pages", "3 trong 40 trang");
	says("cannot open: ", "không mở được: ");
}

static void
the_row_with_more_words_of_its_own_counts(void **state)
{
	(void)state;
	says("cannot open: x", "không mở được: x");
	says("cannot lock: x", "không làm được (lock): x");
}

static void
a_number_is_no_word(void **state)
{
	(void)state;
	says("more than many values", "more than many values");
	says("more than  values", "more than  values");
}

static void
what_the_sheet_does_not_have_stays(void **state)
{
	(void)state;
	says("something else", "something else");
	says("try again now", "try again now");
	says("please try again", "please try again");
}

static void
an_error_without_words_says_its_kind(void **state)
{
	(void)state;
	says("", "đọc hoặc ghi không được");
}

static void
a_long_text_ends_with_a_whole_letter(void **state)
{
	static const char rows[] = "en,vi\nlong %s,ẫẫẫẫẫẫẫẫẫẫ%s\n";
	struct phrases *p = open_sheet(rows);
	struct error e = { .code = RC_IO };

	(void)state;
	for (size_t shift = 0; shift < 3; shift++) {
		size_t at = (size_t)snprintf(e.what, sizeof(e.what), "long %.*s", (int)shift, "xx");

		for (; at + 3 < sizeof(e.what); at += 3)
			memcpy(e.what + at, "ữ", 4);
		phrases_translate(p, &e);
		assert_true(strlen(e.what) > sizeof(e.what) - 5);
		assert_true(text_is_clean(e.what, strlen(e.what)));
	}
	phrases_free(p);
}

static void
a_sheet_that_lacks_a_translation_is_refused(void **state)
{
	static const char *const bad[] = { "en,vi\nx,\n", "en\nx\n", "en,vi,more\nx,y,z\n" };
	struct phrases *p;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		assert_int_equal(phrases_read("sheet", bad[i], strlen(bad[i]), &p, NULL), RC_FORMAT);
		assert_null(p);
	}
}

/* "%d %s" of "more than %d of %s" */
static void
conversions(const char *s, char *out)
{
	*out = '\0';
	for (; *s != '\0'; s++) {
		if (*s != '%')
			continue;
		size_t n = 1 + strspn(s + 1, "-.*0123456789hjlz");

		strncat(out, s, n + 1);
		s += n;
	}
}

static void
every_row_that_ships_fills_in_the_same_in_the_same_order(void **state)
{
	const struct embedded *file = embedded_find("words/errors.vi.csv");
	char en[CSV_COLUMNS_MAX], vi[CSV_COLUMNS_MAX];
	struct phrases *p;
	struct error e;
	struct csv c;

	(void)state;
	assert_non_null(file);
	assert_int_equal(csv_parse(file->name, file->data, file->len, &c, NULL), RC_OK);
	assert_int_equal(phrases_open(&p, NULL), RC_OK);
	for (size_t i = 1; i <= c.n_rows; i++) {
		conversions(csv_cell(&c, i, 0), en);
		conversions(csv_cell(&c, i, 1), vi);
		assert_string_equal(en, vi);
		if (*en != '\0')
			continue;
		memset(&e, 0, sizeof(e));
		snprintf(e.what, sizeof(e.what), "%s", csv_cell(&c, i, 0));
		phrases_translate(p, &e);
		assert_string_equal(e.what, csv_cell(&c, i, 1));
	}
	phrases_free(p);
	csv_reset(&c);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_phrase_is_said_in_vietnamese_with_its_advice),
		cmocka_unit_test(what_was_filled_in_stays_unless_it_is_a_phrase),
		cmocka_unit_test(the_row_with_more_words_of_its_own_counts),
		cmocka_unit_test(a_number_is_no_word),
		cmocka_unit_test(what_the_sheet_does_not_have_stays),
		cmocka_unit_test(an_error_without_words_says_its_kind),
		cmocka_unit_test(a_long_text_ends_with_a_whole_letter),
		cmocka_unit_test(a_sheet_that_lacks_a_translation_is_refused),
		cmocka_unit_test(every_row_that_ships_fills_in_the_same_in_the_same_order),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
