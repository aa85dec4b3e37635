/* What was freed, and what calls left on the stack, is looked at through /proc/self/mem, as a stranger would. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <jansson.h>
#include <sqlite3.h>

#include "shared/base/memory.h"
#include "shared/base/thread.h"
#include "shared/vault/sqlite_memory.h"

enum { MANY = 100000, FEW = 40, DEEP = 300000, LINKS = 16,
	PADDING = 64	/* of the frame of the call that wipes */
};

static const uint8_t pattern = 0xa7;

/* How many bytes of the pattern there are at a place that is no object of ours any more. */
static size_t
left_at(uintptr_t at, size_t len)
{
	uint8_t *copy = malloc(len);
	int fd = open("/proc/self/mem", O_RDONLY | O_CLOEXEC);
	ssize_t got;
	size_t n = 0;

	assert_non_null(copy);
	assert_true(fd >= 0);
	got = pread(fd, copy, len, (off_t)at);
	close(fd);
	for (ssize_t i = 0; i < got; i++)
		n += copy[i] == pattern;
	free(copy);
	return n;
}

static uintptr_t
filled(size_t len, uint8_t **out)
{
	*out = malloc(len);
	assert_non_null(*out);
	memset(*out, pattern, len);
	return (uintptr_t)*out;
}

static void
overwrites_what_is_freed(void **state)
{
	static const size_t sizes[] = { FEW, 1000, MANY };
	uint8_t *p;

	(void)state;
	if (!memory_wipes_freed())
		skip();
	for (size_t i = 0; i < 3; i++) {
		uintptr_t at = filled(sizes[i], &p);

		assert_int_equal(left_at(at, sizes[i]), sizes[i]);
		free(p);
		assert_int_equal(left_at(at, sizes[i]), 0);
	}
}

static void
overwrites_what_grew_and_moved(void **state)
{
	uintptr_t at;
	uint8_t *p, *other;

	(void)state;
	if (!memory_wipes_freed())
		skip();
	at = filled(FEW, &p);
	other = malloc(FEW);
	p = realloc(p, MANY);
	assert_non_null(p);
	assert_int_not_equal((uintptr_t)p, at);
	assert_int_equal(left_at((uintptr_t)p, FEW), FEW);
	assert_int_equal(left_at(at, FEW), 0);
	/* what shrinks a lot moves too, and keeps its beginning */
	memset(p, pattern, MANY);
	at = (uintptr_t)p;
	p = realloc(p, FEW);
	assert_non_null(p);
	assert_int_equal(left_at((uintptr_t)p, FEW), FEW);
	assert_int_equal(left_at(at + FEW, MANY - FEW), 0);
	free(p);
	free(other);
}

/* SQLite lets some blocks grow page by page. */
static void
copies_a_growing_block_of_sqlite_seldom(void **state)
{
	enum { PAGE = 4096, PAGES = 1000, COPIES = 20 };
	uint8_t *p, *before;
	size_t moves = 0;

	(void)state;
	assert_int_equal(sqlite_memory_start(), RC_OK);
	assert_non_null(p = sqlite3_malloc(PAGE));
	memset(p, pattern, PAGE);
	for (int i = 2; i <= PAGES; i++) {
		before = p;
		assert_non_null(p = sqlite3_realloc(p, i * PAGE));
		moves += p != before;
		assert_true(sqlite3_msize(p) >= (sqlite3_uint64)i * PAGE);
	}
	assert_int_equal(left_at((uintptr_t)p, PAGE), PAGE);
	assert_true(moves > 0 && moves < COPIES);
	/* what it needs no more is given back */
	assert_non_null(p = sqlite3_realloc(p, PAGE));
	assert_int_equal(sqlite3_msize(p), PAGE);
	sqlite3_free(p);
}

static void
overwrites_what_libraries_free(void **state)
{
	json_t *value = json_string("một câu chuyện dài hơn mười sáu byte");
	const char *text = json_string_value(value);
	uintptr_t at = (uintptr_t)text;
	size_t len = strlen(text), n = 0;
	uint8_t copy[100];
	int fd = open("/proc/self/mem", O_RDONLY | O_CLOEXEC);

	(void)state;
	if (!memory_wipes_freed()) {
		json_decref(value);
		close(fd);
		skip();
	}
	assert_true(len < sizeof(copy));
	json_decref(value);
	assert_int_equal(pread(fd, copy, len, (off_t)at), (ssize_t)len);
	close(fd);
	/* the allocator links what is free through its first bytes */
	for (size_t i = LINKS; i < len; i++)
		n += copy[i] != 0;
	assert_int_equal(n, 0);
}

static void __attribute__((noinline))
fill_stack(uintptr_t *at)
{
	volatile uint8_t deep[DEEP];

	for (size_t i = 0; i < DEEP; i++)
		deep[i] = pattern;
	*at = (uintptr_t)deep;
}

static void
overwrites_what_calls_left_on_the_stack(void **state)
{
	uintptr_t at = 0;

	(void)state;
	if (!memory_wipes_freed())
		skip();
	fill_stack(&at);
	assert_true(left_at(at, DEEP) > DEEP / 2);
	fill_stack(&at);
	memory_wipe_stack();
	assert_true(left_at(at, DEEP) < PADDING);
}

/* What the linker's first call into a library would save. */
static void
overwrites_what_copying_left_in_registers(void **state)
{
#if defined(__x86_64__)
	uint8_t held[16];

	(void)state;
	if (!memory_wipes_freed())
		skip();
	memset(held, pattern, sizeof(held));
	__asm__ volatile("movdqu %0, %%xmm13" : : "m"(held) : "xmm13");
	memory_wipe_stack();
	__asm__ volatile("movdqu %%xmm13, %0" : "=m"(held));
	for (size_t i = 0; i < sizeof(held); i++)
		assert_int_equal(held[i], 0);
#else
	(void)state;
	skip();
#endif
}

struct shared {
	struct thread_lock *gate;
	uintptr_t at;
	int ended;
};

static void
fill_in_thread(void *ctx)
{
	struct shared *s = ctx;

	fill_stack(&s->at);
	thread_lock_enter(s->gate);
	s->ended++;
	thread_lock_leave(s->gate);
}

static void
overwrites_the_stack_of_an_ended_thread(void **state)
{
	struct shared s = { NULL, 0, 0 };
	const struct timespec nap = { 0, 1000000 };
	bool ended = false;

	(void)state;
	if (!memory_wipes_freed())
		skip();
	assert_int_equal(thread_lock_new(&s.gate), RC_OK);
	assert_int_equal(thread_start(fill_in_thread, &s), RC_OK);
	while (!ended) {
		thread_lock_enter(s.gate);
		ended = s.ended > 0;
		thread_lock_leave(s.gate);
	}
	/* it wipes right behind that; the stack itself stays, for the next thread */
	for (int i = 0; i < 1000 && left_at(s.at, DEEP) >= PADDING; i++)
		nanosleep(&nap, NULL);
	assert_true(left_at(s.at, DEEP) < PADDING);
	thread_lock_free(s.gate);
}

static void
overwrites_arguments_but_not_the_name(void **state)
{
	char name[] = "field", word[] = "Nông Thị Lan", last[] = "x";
	char *argv[] = { name, word, last, NULL };

	(void)state;
	memory_wipe_arguments(3, argv);
	assert_string_equal(name, "field");
	assert_int_equal(word[0] | word[4] | word[sizeof(word) - 2] | last[0], 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(overwrites_what_is_freed),
		cmocka_unit_test(overwrites_what_grew_and_moved),
		cmocka_unit_test(copies_a_growing_block_of_sqlite_seldom),
		cmocka_unit_test(overwrites_what_libraries_free),
		cmocka_unit_test(overwrites_what_calls_left_on_the_stack),
		cmocka_unit_test(overwrites_what_copying_left_in_registers),
		cmocka_unit_test(overwrites_the_stack_of_an_ended_thread),
		cmocka_unit_test(overwrites_arguments_but_not_the_name),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
