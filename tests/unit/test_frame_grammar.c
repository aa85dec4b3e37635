#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "shared/sync/frame.h"

/* What frame_read makes of headers that nobody would write. */

/* A header with one thing wrong; zero fields take the good value. */
struct wrong {
	uint8_t version, kind;
	const char *unit;
	uint8_t compartment;
	uint64_t epoch;
	uint64_t ranges;	/* as told; one stands there unless `count` of them do */
	uint64_t log_minus, first_minus, count;
	uint64_t ciphertext;
	enum rc want;
};

static struct bytes
bare(const struct wrong *w)
{
	struct bytes f = { 0 };
	uint64_t n = w->ranges == UINT64_MAX ? 0 : w->ranges ? w->ranges : 1;
	uint64_t length = w->ciphertext ? w->ciphertext : 80;
	uint8_t zero[128] = { 0 };

	bytes_text(&f, "FF");
	bytes_u8(&f, (uint8_t)(1 + w->version));
	bytes_u8(&f, w->kind);
	bytes_put(&f, zero, 16);
	bytes_span(&f, w->unit ? w->unit : "24", strlen(w->unit ? w->unit : "24"));
	bytes_u8(&f, w->compartment);
	bytes_varint(&f, w->epoch);
	bytes_varint(&f, 1);
	bytes_put(&f, zero, 16);
	bytes_varint(&f, n);
	for (uint64_t i = 0; i < n; i++) {
		bytes_u64(&f, 1 - w->log_minus);
		bytes_varint(&f, 1 - w->first_minus);
		bytes_varint(&f, w->count ? w->count - 1 : 1);
		bytes_put(&f, zero, 32);
	}
	bytes_put(&f, zero, 80 + 24);
	bytes_put(&f, zero, 32);
	bytes_varint(&f, length);
	bytes_put(&f, zero, 64);
	for (uint64_t i = 0; i < length && i <= FRAME_CIPHERTEXT_MAX; i += 16)
		bytes_put(&f, zero, length - i < 16 ? (size_t)(length - i) : 16);
	assert_int_equal(f.rc, RC_OK);
	return f;
}

static void
refuses_headers_that_break_the_grammar(void **state)
{
	static const struct wrong cases[] = {
		{ .want = RC_OK },
		{ .version = 1, .want = RC_NEWER },
		{ .version = 255, .want = RC_FORMAT },		/* version 0 */
		{ .kind = 1, .want = RC_OK },
		{ .kind = 2, .want = RC_NEWER },
		{ .unit = "", .want = RC_FORMAT },
		{ .unit = "24/001", .want = RC_FORMAT },
		{ .unit = "12345678901234567", .want = RC_FORMAT },
		{ .compartment = 3, .want = RC_FORMAT },
		{ .epoch = UINT32_MAX, .want = RC_OK },
		{ .epoch = (uint64_t)UINT32_MAX + 1, .want = RC_FORMAT },
		{ .ranges = UINT64_MAX, .want = RC_FORMAT },	/* none */
		{ .ranges = FRAME_RANGES_MAX, .want = RC_OK },
		{ .ranges = FRAME_RANGES_MAX + 1, .want = RC_LIMIT },
		{ .log_minus = 1, .want = RC_FORMAT },
		{ .first_minus = 1, .want = RC_FORMAT },
		{ .first_minus = 2, .want = RC_LIMIT },		/* n beyond 2^64 */
		{ .count = 1, .want = RC_FORMAT },		/* 0 entries */
		{ .count = FRAME_ENTRIES_MAX + 1, .want = RC_OK },
		{ .count = FRAME_ENTRIES_MAX + 2, .want = RC_LIMIT },
		{ .ranges = 2, .count = FRAME_ENTRIES_MAX / 2 + 1, .want = RC_OK },
		{ .ranges = 2, .count = FRAME_ENTRIES_MAX / 2 + 2, .want = RC_LIMIT },
		{ .ciphertext = 79, .want = RC_FORMAT },
		{ .ciphertext = FRAME_CIPHERTEXT_MAX, .want = RC_OK },
		{ .ciphertext = FRAME_CIPHERTEXT_MAX + 1, .want = RC_LIMIT },
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct bytes f = bare(&cases[i]);
		struct frame_header h;

		assert_int_equal(frame_read(f.data, f.len, &h), cases[i].want);
		if (cases[i].want != RC_OK)
			assert_null(h.ranges);
		frame_header_reset(&h);
		bytes_reset(&f);
	}
}

static void
refuses_numbers_that_are_spelt_too_long(void **state)
{
	struct wrong w = { 0 };
	struct bytes f = bare(&w), longer = { 0 };
	struct frame_header h;
	size_t epoch = 4 + 16 + 1 + 2 + 1;

	(void)state;
	bytes_put(&longer, f.data, epoch);
	bytes_u8(&longer, 0x80);
	bytes_u8(&longer, 0);
	bytes_put(&longer, f.data + epoch + 1, f.len - epoch - 1);
	assert_int_equal(frame_read(longer.data, longer.len, &h), RC_FORMAT);
	bytes_reset(&f);
	bytes_reset(&longer);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(refuses_headers_that_break_the_grammar),
		cmocka_unit_test(refuses_numbers_that_are_spelt_too_long),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
