#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "shared/sync/pack.h"

static struct form_file
file_of(const char *name, const char *text)
{
	struct form_file f = { name, (const uint8_t *)text, strlen(text) };

	return f;
}

/* "hello hello hello hello\n" squeezed by another program: python3 zlib, wbits -15, level 9. */
static const uint8_t known[] = { 0xcb, 0x48, 0xcd, 0xc9, 0xc9, 0x57, 0xc8, 0x40, 0x27, 0xb9, 0x00 };
static const char plain[] = "hello hello hello hello\n";

static void
reads_a_stream_of_another_program(void **state)
{
	struct bytes out;

	(void)state;
	bytes_init(&out);
	assert_int_equal(pack_unsqueeze(known, sizeof(known), strlen(plain), &out), RC_OK);
	assert_int_equal(out.len, strlen(plain));
	assert_memory_equal(out.data, plain, out.len);
	bytes_reset(&out);
}

static void
refuses_a_stream_of_another_length_or_with_a_tail(void **state)
{
	uint8_t longer[sizeof(known) + 1];
	struct bytes out;

	(void)state;
	bytes_init(&out);
	memcpy(longer, known, sizeof(known));
	longer[sizeof(known)] = 0;
	assert_int_equal(pack_unsqueeze(known, sizeof(known), strlen(plain) - 1, &out), RC_FORMAT);
	assert_int_equal(pack_unsqueeze(known, sizeof(known), strlen(plain) + 1, &out), RC_FORMAT);
	assert_int_equal(pack_unsqueeze(longer, sizeof(longer), strlen(plain), &out), RC_FORMAT);
	assert_int_equal(pack_unsqueeze(known, sizeof(known) - 2, strlen(plain), &out), RC_FORMAT);
	assert_int_equal(pack_unsqueeze(known, sizeof(known), (size_t)PACK_RAW_MAX + 1, &out),
	    RC_LIMIT);
	assert_int_equal(out.len, 0);
	bytes_reset(&out);
}

static void
gives_back_the_files_sorted_by_name(void **state)
{
	struct form_file files[3];
	struct pack_forms set;
	struct bytes out, again;

	(void)state;
	bytes_init(&out);
	bytes_init(&again);
	files[0] = file_of("forms/case/survey.csv", "type,name\ntext,a\n");
	files[1] = file_of("codes/sex.csv", "code,label\n");
	files[2] = file_of("forms/case/choices.csv", "");
	assert_int_equal(pack_forms_write(files, 3, &out), RC_OK);
	assert_int_equal(pack_forms_read(out.data, out.len, &set), RC_OK);
	assert_int_equal(set.n_files, 3);
	assert_string_equal(set.files[0].name, "codes/sex.csv");
	assert_string_equal(set.files[1].name, "forms/case/choices.csv");
	assert_int_equal(set.files[1].len, 0);
	assert_int_equal(set.files[2].len, 17);
	assert_memory_equal(set.files[2].data, "type,name\ntext,a\n", 17);
	assert_int_equal(pack_forms_write(set.files, 3, &again), RC_OK);
	assert_int_equal(again.len, out.len);
	assert_memory_equal(again.data, out.data, out.len);
	pack_forms_reset(&set);
	bytes_reset(&out);
	bytes_reset(&again);
}

static void
refuses_names_that_leave_the_folder(void **state)
{
	static const char *const bad[] = { "../a.csv", "/a.csv", "a/../b", "a//b", "a/", "",
	    "A.csv", ".a", "a\\b" };
	struct form_file file;
	struct bytes out;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		bytes_init(&out);
		file = file_of(bad[i], "x");
		assert_int_equal(pack_forms_write(&file, 1, &out), RC_INVALID);
		assert_int_equal(out.len, 0);
		bytes_reset(&out);
	}
}

static void
refuses_payloads_cut_anywhere(void **state)
{
	struct form_file files[2];
	struct pack_forms set;
	struct bytes out;

	(void)state;
	bytes_init(&out);
	files[0] = file_of("codes/a.csv", "one,two,three\n");
	files[1] = file_of("codes/b.csv", "one,two,three\n");
	assert_int_equal(pack_forms_write(files, 2, &out), RC_OK);
	for (size_t len = 0; len < out.len; len++) {
		uint8_t *copy = malloc(len + 1);

		assert_non_null(copy);
		memcpy(copy, out.data, len);
		assert_int_equal(pack_forms_read(copy, len, &set), RC_FORMAT);
		assert_null(set.files);
		free(copy);
	}
	bytes_reset(&out);
}

static void
refuses_a_name_twice(void **state)
{
	struct form_file files[2];
	struct bytes out;

	(void)state;
	bytes_init(&out);
	files[0] = file_of("codes/a.csv", "1");
	files[1] = file_of("codes/a.csv", "2");
	assert_int_equal(pack_forms_write(files, 2, &out), RC_INVALID);
	bytes_reset(&out);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_a_stream_of_another_program),
		cmocka_unit_test(refuses_a_stream_of_another_length_or_with_a_tail),
		cmocka_unit_test(gives_back_the_files_sorted_by_name),
		cmocka_unit_test(refuses_names_that_leave_the_folder),
		cmocka_unit_test(refuses_payloads_cut_anywhere),
		cmocka_unit_test(refuses_a_name_twice),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
