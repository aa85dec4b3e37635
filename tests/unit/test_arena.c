#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#include "shared/base/arena.h"

enum { SMALL_MAX = 1024, LARGE_MIN = 65536, MANY = 20000 };

/* A frame decodes tens of thousands of entries, each into an arena of its own. */
static void
takes_little_memory_when_little_is_asked_for(void **state)
{
	struct arena a;

	(void)state;
	arena_init(&a, 0);
	assert_non_null(arena_alloc(&a, 1, 10));
	assert_in_range(a.cap, 16, SMALL_MAX);
	arena_reset(&a);
}

static void
takes_larger_chunks_the_more_is_asked_for(void **state)
{
	struct arena a;
	size_t cap = 0, chunks = 0;

	(void)state;
	arena_init(&a, 0);
	for (size_t i = 0; i < MANY; i++) {
		const struct arena_chunk *before = a.chunks;

		assert_non_null(arena_alloc(&a, 1, 64));
		chunks += a.chunks != before;
		assert_true(a.cap >= cap);
		cap = a.cap;
	}
	assert_int_equal(cap, LARGE_MIN);
	assert_in_range(chunks, 2, 2 + 6 + MANY * 64 / LARGE_MIN);
	arena_reset(&a);
}

static void
gives_zeroed_pieces_that_do_not_overlap(void **state)
{
	static const uint8_t zeroes[700];
	uint8_t *p[200];
	struct arena a;

	(void)state;
	arena_init(&a, 0);
	for (size_t i = 0; i < 200; i++) {
		p[i] = arena_alloc(&a, 1 + i * 3, 1);
		assert_non_null(p[i]);
		assert_int_equal((uintptr_t)p[i] % 16, 0);
		assert_memory_equal(p[i], zeroes, 1 + i * 3);
		memset(p[i], (int)i, 1 + i * 3);
	}
	for (size_t i = 0; i < 200; i++)
		for (size_t k = 0; k < 1 + i * 3; k++)
			assert_int_equal(p[i][k], i);
	arena_reset(&a);
}

static void
gives_one_piece_larger_than_any_chunk(void **state)
{
	struct arena a;
	uint8_t *p;

	(void)state;
	arena_init(&a, 0);
	p = arena_alloc(&a, 3, 100000);
	assert_non_null(p);
	memset(p, 7, 300000);
	assert_string_equal(arena_copy(&a, "Hòa bình", 4), "Hòa");
	arena_reset(&a);
}

static void
gives_nothing_beyond_its_limit_or_when_sizes_overflow(void **state)
{
	struct arena a;

	(void)state;
	arena_init(&a, 4096);
	assert_non_null(arena_alloc(&a, 1, 4000));
	assert_null(arena_alloc(&a, 1, 100));
	assert_null(arena_alloc(&a, SIZE_MAX / 2, 3));
	assert_non_null(arena_alloc(&a, 0, 8));
	arena_reset(&a);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(takes_little_memory_when_little_is_asked_for),
		cmocka_unit_test(takes_larger_chunks_the_more_is_asked_for),
		cmocka_unit_test(gives_zeroed_pieces_that_do_not_overlap),
		cmocka_unit_test(gives_one_piece_larger_than_any_chunk),
		cmocka_unit_test(gives_nothing_beyond_its_limit_or_when_sizes_overflow),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
