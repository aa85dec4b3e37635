#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "shared/base/bytes.h"

static void
writes_fixed_integers_little_endian(void **state)
{
	static const uint8_t expected[] = {
		0x01, 0x34, 0x12, 0x78, 0x56, 0x34, 0x12,
		0xEF, 0xCD, 0xAB, 0x89, 0x67, 0x45, 0x23, 0x01,
	};
	struct bytes b;
	struct reader r;

	(void)state;
	bytes_init(&b);
	bytes_u8(&b, 0x01);
	bytes_u16(&b, 0x1234);
	bytes_u32(&b, 0x12345678);
	bytes_u64(&b, 0x0123456789ABCDEF);
	assert_int_equal(b.rc, RC_OK);
	assert_int_equal(b.len, sizeof(expected));
	assert_memory_equal(b.data, expected, sizeof(expected));
	reader_init(&r, b.data, b.len);
	assert_int_equal(reader_u8(&r), 0x01);
	assert_int_equal(reader_u16(&r), 0x1234);
	assert_int_equal(reader_u32(&r), 0x12345678);
	assert_int_equal(reader_u64(&r), 0x0123456789ABCDEF);
	assert_true(reader_done(&r));
	bytes_reset(&b);
}

/* Value and spelling, worked by hand from "base 128, low group first". */
static const struct {
	uint64_t value;
	uint8_t bytes[10];
	size_t len;
} varints[] = {
	{ 0, { 0 }, 1 },
	{ 1, { 1 }, 1 },
	{ 127, { 0x7F }, 1 },
	{ 128, { 0x80, 0x01 }, 2 },
	{ 300, { 0xAC, 0x02 }, 2 },
	{ 16383, { 0xFF, 0x7F }, 2 },
	{ 16384, { 0x80, 0x80, 0x01 }, 3 },
	{ UINT64_MAX >> 1, { 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x7F }, 9 },
	{ UINT64_MAX, { 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x01 }, 10 },
};

static void
spells_varints_in_one_way(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(varints) / sizeof(varints[0]); i++) {
		struct bytes b;
		struct reader r;

		bytes_init(&b);
		bytes_varint(&b, varints[i].value);
		assert_int_equal(b.len, varints[i].len);
		assert_memory_equal(b.data, varints[i].bytes, b.len);
		reader_init(&r, b.data, b.len);
		assert_true(reader_varint(&r) == varints[i].value);
		assert_true(reader_done(&r));
		/* cut anywhere it is no varint */
		for (size_t cut = 0; cut < b.len; cut++) {
			reader_init(&r, b.data, cut);
			assert_int_equal(reader_varint(&r), 0);
			assert_true(r.bad);
		}
		bytes_reset(&b);
	}
}

static void
refuses_varints_in_a_longer_spelling(void **state)
{
	static const struct {
		uint8_t bytes[11];
		size_t len;
	} bad[] = {
		{ { 0x80, 0x00 }, 2 },
		{ { 0xFF, 0x80, 0x00 }, 3 },
		/* 2^64, and eleven groups */
		{ { 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x02 }, 10 },
		{ { 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x81, 0x00 }, 11 },
		{ { 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x81, 0x01 }, 11 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct reader r;

		reader_init(&r, bad[i].bytes, bad[i].len);
		assert_int_equal(reader_varint(&r), 0);
		assert_true(r.bad);
		assert_false(reader_done(&r));
	}
}

static void
maps_signed_to_unsigned_by_zigzag(void **state)
{
	static const struct {
		int64_t value;
		uint64_t mapped;
	} pairs[] = {
		{ 0, 0 }, { -1, 1 }, { 1, 2 }, { -2, 3 }, { 2, 4 },
		{ INT64_MAX, UINT64_MAX - 1 }, { INT64_MIN, UINT64_MAX },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++) {
		struct bytes b;
		struct reader r;

		assert_true(bytes_zigzag_of(pairs[i].value) == pairs[i].mapped);
		assert_true(bytes_unzigzag(pairs[i].mapped) == pairs[i].value);
		bytes_init(&b);
		bytes_zigzag(&b, pairs[i].value);
		reader_init(&r, b.data, b.len);
		assert_true(reader_zigzag(&r) == pairs[i].value);
		assert_true(reader_done(&r));
		bytes_reset(&b);
	}
}

static void
carries_spans_with_their_length(void **state)
{
	struct bytes b;
	struct reader r;
	const uint8_t *p;
	size_t len;

	(void)state;
	bytes_init(&b);
	bytes_span(&b, "xyz", 3);
	bytes_span(&b, NULL, 0);
	reader_init(&r, b.data, b.len);
	p = reader_span(&r, 3, &len);
	assert_non_null(p);
	assert_int_equal(len, 3);
	assert_memory_equal(p, "xyz", 3);
	p = reader_span(&r, 3, &len);
	assert_non_null(p);
	assert_int_equal(len, 0);
	assert_true(reader_done(&r));
	/* longer than allowed, and longer than what is there */
	reader_init(&r, b.data, b.len);
	assert_null(reader_span(&r, 2, &len));
	assert_int_equal(len, 0);
	assert_true(r.bad);
	reader_init(&r, b.data, 3);
	assert_null(reader_span(&r, 100, &len));
	assert_true(r.bad);
	bytes_reset(&b);
}

static void
reading_past_the_end_sticks(void **state)
{
	const uint8_t data[3] = { 1, 2, 3 };
	uint8_t copy[4] = { 9, 9, 9, 9 };
	struct reader r;

	(void)state;
	reader_init(&r, data, sizeof(data));
	assert_int_equal(reader_left(&r), 3);
	reader_copy(&r, copy, 4);
	for (size_t i = 0; i < 4; i++)
		assert_int_equal(copy[i], 0);
	assert_true(r.bad);
	assert_int_equal(reader_left(&r), 0);
	/* also what would have fitted */
	assert_int_equal(reader_u8(&r), 0);
	assert_int_equal(reader_u16(&r), 0);
	assert_int_equal(reader_u64(&r), 0);
	assert_int_equal(reader_varint(&r), 0);
	assert_null(reader_take(&r, 0));
	assert_false(reader_done(&r));
}

static void
refuses_sizes_that_would_wrap(void **state)
{
	const uint8_t data[3] = { 1, 2, 3 };
	struct reader r;
	struct bytes b;

	(void)state;
	reader_init(&r, data, sizeof(data));
	assert_int_equal(reader_u8(&r), 1);
	assert_null(reader_take(&r, SIZE_MAX));
	assert_true(r.bad);
	bytes_init(&b);
	bytes_u8(&b, 1);
	assert_null(bytes_room(&b, SIZE_MAX));
	assert_int_equal(b.rc, RC_NOMEM);
	bytes_reset(&b);
}

static void
bounds_a_varint_by_its_maximum(void **state)
{
	const uint8_t data[2] = { 5, 6 };
	struct reader r;

	(void)state;
	reader_init(&r, data, sizeof(data));
	assert_int_equal(reader_varint_max(&r, 5), 5);
	assert_int_equal(reader_varint_max(&r, 5), 0);
	assert_true(r.bad);
}

static void
reads_nothing_from_nothing(void **state)
{
	struct reader r;

	(void)state;
	reader_init(&r, NULL, 0);
	assert_true(reader_done(&r));
	assert_non_null(reader_take(&r, 0));
	assert_null(reader_take(&r, 1));
	assert_true(r.bad);
}

static void
failed_builder_ignores_all_further_puts(void **state)
{
	struct bytes b;
	size_t len;

	(void)state;
	bytes_init(&b);
	bytes_text(&b, "abc");
	len = b.len;
	assert_null(bytes_room(&b, SIZE_MAX / 2));
	bytes_u64(&b, 1);
	bytes_varint(&b, 1);
	bytes_printf(&b, "%d", 1);
	assert_int_equal(b.len, len);
	assert_int_equal(b.rc, RC_NOMEM);
	assert_string_equal(bytes_cstr(&b), "");
	bytes_reset(&b);
	assert_int_equal(b.rc, RC_OK);
	bytes_text(&b, "again");
	assert_string_equal(bytes_cstr(&b), "again");
	bytes_wipe(&b);
	assert_null(b.data);
	assert_int_equal(b.len + b.cap, 0);
}

static void
grows_through_many_small_puts(void **state)
{
	struct bytes b;

	(void)state;
	bytes_init(&b);
	for (unsigned i = 0; i < 100000; i++)
		bytes_u8(&b, (uint8_t)(i % 251));
	assert_int_equal(b.rc, RC_OK);
	assert_int_equal(b.len, 100000);
	for (unsigned i = 0; i < 100000; i++)
		assert_int_equal(b.data[i], i % 251);
	bytes_reset(&b);
}

static void
prints_formatted_text_without_counting_the_nul(void **state)
{
	struct bytes b;

	(void)state;
	bytes_init(&b);
	assert_string_equal(bytes_cstr(&b), "");
	bytes_printf(&b, "%s=%d;", "tuổi", 17);
	bytes_printf(&b, "%s", "");
	bytes_printf(&b, "%0100d", 0);
	assert_int_equal(b.len, strlen("tuổi=17;") + 100);
	assert_memory_equal(b.data, "tuổi=17;000", strlen("tuổi=17;000"));
	bytes_reset(&b);
}

static void
reads_and_writes_hex(void **state)
{
	static const char *const bad[] = { "", "0", "00a", "0g", "00ab12x", "00ab1", "00ab1 " };
	const uint8_t data[3] = { 0x00, 0xAB, 0x1F };
	uint8_t back[3];
	char hex[7];

	(void)state;
	bytes_hex(data, 3, hex);
	assert_string_equal(hex, "00ab1f");
	assert_true(bytes_unhex("00Ab1F", back, 3));
	assert_memory_equal(back, data, 3);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		/* a block of just that size, so that reading past the end is seen */
		char *exact = strdup(bad[i]);

		assert_non_null(exact);
		assert_false(bytes_unhex(exact, back, 3));
		free(exact);
	}
}

static void
stores_and_loads_64_bits(void **state)
{
	uint8_t t[8];

	(void)state;
	bytes_store64(t, 0x0123456789ABCDEF);
	assert_int_equal(t[0], 0xEF);
	assert_int_equal(t[7], 0x01);
	assert_true(bytes_load64(t) == 0x0123456789ABCDEF);
}

static void
error_keeps_its_first_description(void **state)
{
	struct error err = { 0 };

	(void)state;
	assert_int_equal(error_set(&err, RC_IO, "vault.db", NULL, "cannot %s", "write"), RC_IO);
	assert_int_equal(error_set(&err, RC_NET, "x", "y", "later"), RC_NET);
	assert_int_equal(err.code, RC_IO);
	assert_string_equal(err.what, "cannot write");
	assert_string_equal(err.where, "vault.db");
	assert_string_equal(err.help, "");
	assert_int_equal(error_set(NULL, RC_FULL, NULL, NULL, "no record"), RC_FULL);
	error_clear(&err);
	assert_int_equal(error_set(&err, RC_NET, NULL, "y", "later"), RC_NET);
	assert_string_equal(err.what, "later");
}

/* The exit codes are a promise to scripts. */
static void
result_codes_have_exit_codes_and_names(void **state)
{
	static const struct {
		enum rc rc;
		int exit_code;
	} promised[] = {
		{ RC_OK, 0 }, { RC_USAGE, 64 }, { RC_FORMAT, 65 }, { RC_NOTFOUND, 66 },
		{ RC_UNAVAILABLE, 69 }, { RC_INTERNAL, 70 }, { RC_EXISTS, 73 }, { RC_FULL, 74 },
		{ RC_DAMAGED, 74 }, { RC_NET, 75 }, { RC_BUSY, 75 }, { RC_PROTOCOL, 76 },
		{ RC_AUTH, 77 }, { RC_DENIED, 77 }, { RC_CONFIG, 78 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(promised) / sizeof(promised[0]); i++)
		assert_int_equal(rc_exit_code(promised[i].rc), promised[i].exit_code);
	for (int rc = RC_OK; rc <= RC_CONFIG; rc++) {
		const char *name = rc_name((enum rc)rc);

		assert_non_null(name);
		assert_true(strlen(name) > 0);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(writes_fixed_integers_little_endian),
		cmocka_unit_test(spells_varints_in_one_way),
		cmocka_unit_test(refuses_varints_in_a_longer_spelling),
		cmocka_unit_test(maps_signed_to_unsigned_by_zigzag),
		cmocka_unit_test(carries_spans_with_their_length),
		cmocka_unit_test(reading_past_the_end_sticks),
		cmocka_unit_test(refuses_sizes_that_would_wrap),
		cmocka_unit_test(bounds_a_varint_by_its_maximum),
		cmocka_unit_test(reads_nothing_from_nothing),
		cmocka_unit_test(failed_builder_ignores_all_further_puts),
		cmocka_unit_test(grows_through_many_small_puts),
		cmocka_unit_test(prints_formatted_text_without_counting_the_nul),
		cmocka_unit_test(reads_and_writes_hex),
		cmocka_unit_test(stores_and_loads_64_bits),
		cmocka_unit_test(error_keeps_its_first_description),
		cmocka_unit_test(result_codes_have_exit_codes_and_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
