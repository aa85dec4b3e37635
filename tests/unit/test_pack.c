#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "shared/sync/pack.h"

/* "hello hello hello hello\n" squeezed by another program: python3 zlib, wbits -15, level 9. */
static const uint8_t known[] = { 0xcb, 0x48, 0xcd, 0xc9, 0xc9, 0x57, 0xc8, 0x40, 0x27, 0xb9, 0x00 };
static const char plain[] = "hello hello hello hello\n";

static void
reads_a_stream_of_another_program(void **state)
{
	struct bytes out;

	(void)state;
	bytes_init(&out);
	assert_int_equal(pack_unsqueeze(known, sizeof(known), NULL, strlen(plain), &out), RC_OK);
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
	assert_int_equal(pack_unsqueeze(known, sizeof(known), NULL, strlen(plain) - 1, &out), RC_FORMAT);
	assert_int_equal(pack_unsqueeze(known, sizeof(known), NULL, strlen(plain) + 1, &out), RC_FORMAT);
	assert_int_equal(pack_unsqueeze(longer, sizeof(longer), NULL, strlen(plain), &out), RC_FORMAT);
	assert_int_equal(pack_unsqueeze(known, sizeof(known) - 2, NULL, strlen(plain), &out), RC_FORMAT);
	assert_int_equal(pack_unsqueeze(known, sizeof(known), NULL, (size_t)PACK_RAW_MAX + 1, &out),
	    RC_LIMIT);
	assert_int_equal(out.len, 0);
	bytes_reset(&out);
}

static void
gives_back_what_was_squeezed(void **state)
{
	struct bytes squeezed, out;
	uint8_t data[5000];

	(void)state;
	bytes_init(&squeezed);
	bytes_init(&out);
	for (size_t i = 0; i < sizeof(data); i++)
		data[i] = (uint8_t)(i * i >> 3);
	bytes_put(&squeezed, "x", 1);
	bytes_put(&out, "y", 1);
	assert_int_equal(pack_squeeze(data, sizeof(data), NULL, &squeezed), RC_OK);
	assert_int_equal(pack_unsqueeze(squeezed.data + 1, squeezed.len - 1, NULL, sizeof(data), &out),
	    RC_OK);
	assert_int_equal(out.len, sizeof(data) + 1);
	assert_memory_equal(out.data + 1, data, sizeof(data));
	bytes_reset(&squeezed);
	bytes_reset(&out);
}

static void
squeezes_nothing_to_a_stream_of_nothing(void **state)
{
	struct bytes squeezed, out;
	const uint8_t nothing[1] = { 0 };

	(void)state;
	bytes_init(&squeezed);
	bytes_init(&out);
	assert_int_equal(pack_squeeze(nothing, 0, NULL, &squeezed), RC_OK);
	assert_true(squeezed.len > 0);
	assert_int_equal(pack_unsqueeze(squeezed.data, squeezed.len, NULL, 0, &out), RC_OK);
	assert_int_equal(out.len, 0);
	bytes_reset(&squeezed);
	bytes_reset(&out);
}

static void
refuses_a_stream_cut_anywhere(void **state)
{
	struct bytes out;

	(void)state;
	bytes_init(&out);
	for (size_t len = 0; len < sizeof(known); len++) {
		uint8_t *copy = malloc(len + 1);

		assert_non_null(copy);
		memcpy(copy, known, len);
		assert_int_equal(pack_unsqueeze(copy, len, NULL, strlen(plain), &out), RC_FORMAT);
		free(copy);
	}
	assert_int_equal(out.len, 0);
	bytes_reset(&out);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_a_stream_of_another_program),
		cmocka_unit_test(refuses_a_stream_of_another_length_or_with_a_tail),
		cmocka_unit_test(gives_back_what_was_squeezed),
		cmocka_unit_test(squeezes_nothing_to_a_stream_of_nothing),
		cmocka_unit_test(refuses_a_stream_cut_anywhere),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
