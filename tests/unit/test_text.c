#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <utf8proc.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "shared/base/text.h"

static void
folds_to(const char *text, const char *expected)
{
	char *folded;

	assert_int_equal(text_fold(text, &folded), RC_OK);
	assert_string_equal(folded, expected);
	free(folded);
}

static void
normalises_to(const char *text, const char *expected)
{
	char *out;

	assert_int_equal(text_normalise(text, strlen(text), &out), RC_OK);
	assert_string_equal(out, expected);
	free(out);
}

static void
folds_vietnamese_names_to_plain_letters(void **state)
{
	(void)state;
	folds_to("Đặng Thị Hòa", "dang thi hoa");
	folds_to("dang thi hoa", "dang thi hoa");
	folds_to("Nguyễn Văn Lộc", "nguyen van loc");
	folds_to("ĐÀO Ước", "dao uoc");
	folds_to("Ướt", "uot");
	folds_to("ẮẰẲẴẶ ấầẩẫậ ếềểễệ ốồổỗộ ớờởỡợ ứừửữự ỳỷỹỵý",
	    "aaaaa aaaaa eeeee ooooo ooooo uuuuu yyyyy");
}

static void
folds_both_spellings_of_a_tone_alike(void **state)
{
	(void)state;
	folds_to("hoà", "hoa");
	folds_to("hòa", "hoa");
	folds_to("Thuý", "thuy");
	folds_to("Thúy", "thuy");
}

static void
folds_decomposed_input_like_composed(void **state)
{
	(void)state;
	/* Nguyễn, Ức in normal form D, as a Mac types them */
	folds_to("Nguye\xCC\x82\xCC\x83n", "nguyen");
	folds_to("U\xCC\x9B\xCC\x81" "c", "uc");
	folds_to("o\xCC\xA3\xCC\x82", "o");
	/* the deprecated tone marks U+0340 and U+0341 */
	folds_to("ha\xCD\x80 ha\xCD\x81", "ha ha");
}

static void
folds_look_alikes_of_d_with_stroke(void **state)
{
	(void)state;
	folds_to("đ Đ ð Ð Ɖ ɖ", "d d d d d d");
}

static void
folds_final_y_after_a_consonant_to_i(void **state)
{
	(void)state;
	folds_to("Lý", "li");
	folds_to("Lí", "li");
	folds_to("Kỳ Mỹ", "ki mi");
	folds_to("Kì Mĩ", "ki mi");
	folds_to("Sỹ-Hy, Vy", "si hi vi");
}

static void
keeps_y_after_a_vowel_alone_or_inside(void **state)
{
	(void)state;
	folds_to("quý Quy", "quy quy");
	folds_to("Thuỷ Thủy", "thuy thuy");
	folds_to("y tế, Ý Yên", "y te y yen");
	folds_to("Nguyệt Lynh", "nguyet lynh");
	folds_to("tây máy", "tay may");
}

static void
folds_blanks_and_punctuation_to_one_space(void **state)
{
	(void)state;
	folds_to("  a\t–\n(b)  ", "a b");
	folds_to("H'Mông", "h mong");
	folds_to("a\xC2\xA0" "b", "a b");
	folds_to("12/05/1998", "12 05 1998");
	folds_to("…", "");
	folds_to("", "");
}

static void
folds_other_scripts_by_case_only(void **state)
{
	(void)state;
	folds_to("ЛАО ລາວ 中国", "лао ລາວ 中国");
	folds_to("Straße", "strasse");
}

static void
refuses_to_fold_what_is_not_utf8(void **state)
{
	char *out;

	(void)state;
	assert_int_equal(text_fold("ab\xFF", &out), RC_FORMAT);
	assert_null(out);
	assert_int_equal(text_fold("\xC3", &out), RC_FORMAT);
	assert_null(out);
}

static void
accepts_clean_text(void **state)
{
	static const char *const clean[] = {
		"", "Xã Mường Khương", "a\tb\nc", "Nguye\xCC\x82\xCC\x83n", "😀 中国",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(clean) / sizeof(clean[0]); i++)
		assert_true(text_is_clean(clean[i], strlen(clean[i])));
}

static void
refuses_text_that_is_not_clean(void **state)
{
	static const struct {
		const char *s;
		size_t len;
	} bad[] = {
		{ "a\0b", 3 }, { "\x1B[31m", 5 }, { "a\rb", 3 }, { "\x7F", 1 },
		{ "\xC2\x85", 2 },		/* a C1 control */
		{ "\xC0\x80", 2 },		/* overlong NUL */
		{ "\xED\xA0\x80", 3 },		/* a surrogate */
		{ "\xF4\x90\x80\x80", 4 },	/* beyond U+10FFFF */
		{ "\xE2\x82", 2 },		/* cut off */
		{ "\x80", 1 },
		{ "a\xE2\x80\xAE" "b", 5 },	/* U+202E turns the writing around */
		{ "a\xE2\x80\x8B" "b", 5 },	/* U+200B zero width */
		{ "\xE2\x80\x8F", 3 },		/* U+200F */
		{ "\xE2\x81\xA6", 3 },		/* U+2066 */
		{ "\xEF\xBB\xBF", 3 },		/* U+FEFF */
	};

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_false(text_is_clean(bad[i].s, bad[i].len));
}

static void
bounds_combining_marks_in_a_row(void **state)
{
	char s[2 * (TEXT_MARKS_MAX + 1) + 2] = "a";
	char *out;

	(void)state;
	for (size_t i = 0; i < TEXT_MARKS_MAX; i++)
		memcpy(s + 1 + 2 * i, "\xCC\x81", 3);
	assert_true(text_is_clean(s, strlen(s)));
	memcpy(s + strlen(s), "\xCC\x81", 3);
	assert_false(text_is_clean(s, strlen(s)));
	assert_int_equal(text_nfc(s, strlen(s), &out), RC_FORMAT);
	assert_null(out);
}

static void
normalises_to_composed_trimmed_text(void **state)
{
	(void)state;
	normalises_to("Nguye\xCC\x82\xCC\x83n", "Nguyễn");
	normalises_to(" \t Hà Nội \n", "Hà Nội");
	normalises_to("\xC2\xA0x\xE3\x80\x80", "x");
	normalises_to("a\r\nb\nc\r\n", "a\nb\nc");
	normalises_to(" \n ", "");
	normalises_to("", "");
}

static void
refuses_to_normalise_text_that_is_not_clean(void **state)
{
	char *out = NULL;

	(void)state;
	assert_int_equal(text_normalise("a\rb", 3, &out), RC_FORMAT);
	assert_null(out);
	assert_int_equal(text_normalise("\xFF", 1, &out), RC_FORMAT);
	assert_null(out);
}

static size_t
put(int32_t c, char *out)
{
	return (size_t)utf8proc_encode_char(c, (utf8proc_uint8_t *)out);
}

/* What is taken as it stands is what a whole normalisation makes of it, for any two in a row. */
static void
nfc_of_vietnamese_letters_is_themselves(void **state)
{
	enum { BELOW_MARKS = 0x300, FIRST = 0x1EA0, LAST = 0x1EF9, N = BELOW_MARKS + LAST - FIRST + 1 };

	(void)state;
	for (int i = 1; i < N; i++)
		for (int k = 1; k < N; k += 1 + i % 3) {
			char s[9], *ours, *whole;
			size_t n = put(i < BELOW_MARKS ? i : FIRST + i - BELOW_MARKS, s);

			n += put(k < BELOW_MARKS ? k : FIRST + k - BELOW_MARKS, s + n);
			s[n] = '\0';
			whole = (char *)utf8proc_NFC((const utf8proc_uint8_t *)s);
			assert_int_equal(text_nfc(s, n, &ours), RC_OK);
			assert_string_equal(ours, whole);
			free(whole);
			free(ours);
		}
}

static void
nfc_keeps_blanks_of_a_passphrase(void **state)
{
	char *out;

	(void)state;
	assert_int_equal(text_nfc("  ma\xCC\xA3t \t", 9, &out), RC_OK);
	assert_string_equal(out, "  mạt \t");
	free(out);
	assert_int_equal(text_nfc("", 0, &out), RC_OK);
	assert_string_equal(out, "");
	free(out);
	assert_int_equal(text_nfc("a\0b", 3, &out), RC_FORMAT);
	assert_null(out);
}

static void
counts_characters_and_not_bytes(void **state)
{
	(void)state;
	assert_int_equal(text_length(""), 0);
	assert_int_equal(text_length("Đặng"), 4);
	assert_int_equal(text_length("😀 a"), 3);
}

static void
measures_columns_of_a_terminal(void **state)
{
	(void)state;
	assert_int_equal(text_width(""), 0);
	assert_int_equal(text_width("Đặng"), 4);
	assert_int_equal(text_width("Nguye\xCC\x82\xCC\x83n"), 6);
	assert_int_equal(text_width("中国 a"), 6);
	assert_int_equal(text_width("\xFF" "a"), 2);
}

static int
by_text(const void *a, const void *b)
{
	return text_compare(*(const char *const *)a, *(const char *const *)b);
}

/* Every pair of a list that is in order, both ways. */
static void
in_order(const char *const *list, size_t n, int (*cmp)(const char *, const char *))
{
	for (size_t i = 0; i < n; i++) {
		assert_int_equal(cmp(list[i], list[i]), 0);
		for (size_t j = i + 1; j < n; j++) {
			if (cmp(list[i], list[j]) >= 0 || cmp(list[j], list[i]) <= 0)
				fail_msg("'%s' must come before '%s'", list[i], list[j]);
		}
	}
}

static void
sorts_letters_in_alphabet_order(void **state)
{
	static const char *const list[] = {
		"a", "ă", "â", "b", "c", "d", "đ", "e", "ê", "f", "g", "h", "i", "j", "k",
		"l", "m", "n", "o", "ô", "ơ", "p", "q", "r", "s", "t", "u", "ư", "v", "w",
		"x", "y", "z",
	};

	(void)state;
	in_order(list, sizeof(list) / sizeof(list[0]), text_compare);
}

static void
sorts_tones_in_dictionary_order(void **state)
{
	static const char *const list[] = {
		"ma", "mà", "mả", "mã", "má", "mạ", "mai", "mài", "măn", "mằn", "mẳn", "mẵn",
		"mắn", "mặn", "mân", "mần",
	};

	(void)state;
	in_order(list, sizeof(list) / sizeof(list[0]), text_compare);
}

static void
sorts_syllable_by_syllable(void **state)
{
	static const char *const list[] = {
		"an", "an ninh", "an toàn", "án", "án mạng", "ang", "Bà Rịa", "bà xã",
		"Bắc Giang", "Bắc Kạn", "Bình Định", "Cà Mau", "Cao Bằng", "Đà Nẵng", "Đồng Nai",
		"Đồng Tháp", "Xã 1", "Xã 2", "Xã A",
	};
	const char *shuffled[sizeof(list) / sizeof(list[0])];
	size_t n = sizeof(list) / sizeof(list[0]);

	(void)state;
	in_order(list, n, text_compare);
	for (size_t i = 0; i < n; i++)
		shuffled[i] = list[i * 7 % n];
	qsort(shuffled, n, sizeof(shuffled[0]), by_text);
	for (size_t i = 0; i < n; i++)
		assert_string_equal(shuffled[i], list[i]);
}

static void
compares_spellings_of_one_word_as_equal(void **state)
{
	(void)state;
	assert_int_equal(text_compare("hoà", "hòa"), 0);
	assert_int_equal(text_compare("Nguyễn", "Nguye\xCC\x82\xCC\x83n"), 0);
	assert_int_equal(text_compare("ộ", "o\xCC\xA3\xCC\x82"), 0);
	assert_int_equal(text_compare("à á", "a\xCD\x80 a\xCD\x81"), 0);
	assert_int_equal(text_compare("a-b", "a  b"), 0);
	assert_int_equal(text_compare("", " . "), 0);
}

static void
case_decides_only_between_equals(void **state)
{
	static const char *const list[] = { "an", "An", "AN", "an b", "AN C", "án", "đ", "Đ", "e" };

	(void)state;
	in_order(list, sizeof(list) / sizeof(list[0]), text_compare);
}

static void
compares_broken_utf8_without_reading_on(void **state)
{
	(void)state;
	assert_true(text_compare("a\xFF", "a") > 0);
	assert_true(text_compare("\xE2\x82", "\xE2") > 0);
	assert_int_equal(text_compare("\xFF", "\xFF"), 0);
	assert_true(text_compare_names("a \xFF", "a b") > 0);
}

static void
sorts_persons_by_given_name(void **state)
{
	static const char *const list[] = {
		"Vàng A", "Trần Thị An", "Lê Văn Bình", "Nguyễn Thị Hoa", "Đặng Thị Hòa",
		"Hoàng Phủ Ngọc Tường", "Lê Thị Ý", "Trần Ý",
	};

	(void)state;
	in_order(list, sizeof(list) / sizeof(list[0]), text_compare_names);
	assert_true(text_compare_names("Lan", "Lê Lan") < 0);
	assert_int_equal(text_compare_names("", ""), 0);
	/* the case of a given name does not outweigh the family name */
	assert_true(text_compare_names("Bùi AN", "Trần an") < 0);
}

static void
sorts_y_beside_the_i_that_it_sounds_like(void **state)
{
	static const char *const list[] = {
		"Kĩ", "Kỹ", "Kí", "Ký", "Kỵ", "lì xì", "Lí", "Lý", "Lí A", "Lý A", "Lí B", "Lim",
	};
	static const char *const persons[] = {
		"Đặng Thị Lí", "Lê Lý", "Nguyễn Thị Lí", "Nguyễn Thị Lý", "Vàng Lý", "Lý Thúy",
	};

	(void)state;
	in_order(list, sizeof(list) / sizeof(list[0]), text_compare);
	in_order(persons, sizeof(persons) / sizeof(persons[0]), text_compare_names);
	/* y is a letter of its own where it is no i: at the beginning, after a vowel, before others */
	assert_true(text_compare("yên", "xuân") > 0);
	assert_true(text_compare("tay", "tai") > 0);
	assert_true(text_compare("ly\xFF", "lz") < 0);
	assert_true(text_compare("ly\xFF", "lia") > 0);
}

static void
initials_of_a_name_are_its_first_letters(void **state)
{
	static const char *const names[][2] = {
		{ "Đặng Thị Hòa", "Đ.T.H." }, { "Vàng A", "V.A." }, { "  Ý  ", "Ý." }, { "", "" },
		{ "Sùng A Pao-Lý", "S.A.P.L." },
	};
	char *got;

	(void)state;
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		assert_int_equal(text_initials(names[i][0], &got), RC_OK);
		assert_string_equal(got, names[i][1]);
		free(got);
	}
}

static void
knows_names_of_fields(void **state)
{
	char longest[65];

	(void)state;
	memset(longest, 'a', sizeof(longest));
	longest[63] = '\0';
	assert_true(text_is_name(longest));
	longest[63] = 'a';
	longest[64] = '\0';
	assert_false(text_is_name(longest));
	assert_true(text_is_name("full_name"));
	assert_true(text_is_name("a2"));
	assert_false(text_is_name(""));
	assert_false(text_is_name("2a"));
	assert_false(text_is_name("_a"));
	assert_false(text_is_name("Name"));
	assert_false(text_is_name("tên"));
	assert_false(text_is_name("a b"));
}

static void
makes_one_clean_line_of_anything(void **state)
{
	static const struct { const char *from, *to; } cases[] = {
		{ "Đặng Thị Hòa", "Đặng Thị Hòa" },
		{ "a\nb\tc\r", "a?b?c?" },
		{ "\033[31mred\033[0m", "?[31mred?[0m" },
		{ "x\xff\xfey", "x??y" },
		{ "cut in the middle: \xe1\xba", "cut in the middle: ??" },
		{ "\xc2\x9b" "31m\xe2\x80\xae" "abc", "?31m?abc" },
		{ "", "" }
	};
	char line[80];

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		snprintf(line, sizeof(line), "%s", cases[i].from);
		text_one_line(line);
		assert_string_equal(line, cases[i].to);
	}
}

static void
copies_text(void **state)
{
	char *copy = text_dup("Lào Cai");

	(void)state;
	assert_string_equal(copy, "Lào Cai");
	free(copy);
}

/* What Unicode's tables say of the first 128: letters and digits are words, blanks are three. */
static void
plain_characters_are_what_unicode_says(void **state)
{
	char in[] = "Xa?b", expected[8], *out;

	(void)state;
	for (char c = 1; c > 0 && c < 127; c++) {
		bool word = strchr("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz",
		    c) != NULL;
		bool blank = c == ' ' || c == '\t' || c == '\n';

		in[2] = c;
		snprintf(expected, sizeof expected, "xa%cb", word ? (c < 'a' && c > '9' ? c + 32 : c) : ' ');
		assert_int_equal(text_fold(in, &out), RC_OK);
		assert_string_equal(out, expected);
		free(out);
		/* at the end it is cut off, or stays, or was no clean text */
		snprintf(expected, sizeof expected, blank ? "Xa" : "Xa%c", c);
		if (text_normalise(in, 3, &out) == RC_OK)
			assert_string_equal(out, expected);
		else
			assert_true(c < ' ' && !blank);
		free(out);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(plain_characters_are_what_unicode_says),
		cmocka_unit_test(folds_vietnamese_names_to_plain_letters),
		cmocka_unit_test(folds_both_spellings_of_a_tone_alike),
		cmocka_unit_test(folds_decomposed_input_like_composed),
		cmocka_unit_test(folds_look_alikes_of_d_with_stroke),
		cmocka_unit_test(folds_final_y_after_a_consonant_to_i),
		cmocka_unit_test(keeps_y_after_a_vowel_alone_or_inside),
		cmocka_unit_test(folds_blanks_and_punctuation_to_one_space),
		cmocka_unit_test(folds_other_scripts_by_case_only),
		cmocka_unit_test(refuses_to_fold_what_is_not_utf8),
		cmocka_unit_test(accepts_clean_text),
		cmocka_unit_test(refuses_text_that_is_not_clean),
		cmocka_unit_test(bounds_combining_marks_in_a_row),
		cmocka_unit_test(normalises_to_composed_trimmed_text),
		cmocka_unit_test(refuses_to_normalise_text_that_is_not_clean),
		cmocka_unit_test(nfc_of_vietnamese_letters_is_themselves),
		cmocka_unit_test(nfc_keeps_blanks_of_a_passphrase),
		cmocka_unit_test(counts_characters_and_not_bytes),
		cmocka_unit_test(measures_columns_of_a_terminal),
		cmocka_unit_test(sorts_letters_in_alphabet_order),
		cmocka_unit_test(sorts_tones_in_dictionary_order),
		cmocka_unit_test(sorts_syllable_by_syllable),
		cmocka_unit_test(compares_spellings_of_one_word_as_equal),
		cmocka_unit_test(case_decides_only_between_equals),
		cmocka_unit_test(compares_broken_utf8_without_reading_on),
		cmocka_unit_test(sorts_persons_by_given_name),
		cmocka_unit_test(initials_of_a_name_are_its_first_letters),
		cmocka_unit_test(sorts_y_beside_the_i_that_it_sounds_like),
		cmocka_unit_test(knows_names_of_fields),
		cmocka_unit_test(makes_one_clean_line_of_anything),
		cmocka_unit_test(copies_text),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
