#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdbool.h>

#include "shared/base/clock.h"
#include "shared/base/thread.h"

enum { SHORT_MS = 60, LONG_MS = 20000 };

struct shared {
	struct thread_lock *lock;
	int came, went_on;
};

static void
come_and_wake(void *ctx)
{
	struct shared *s = ctx;

	thread_lock_enter(s->lock);
	s->came++;
	thread_lock_wake(s->lock);
	thread_lock_leave(s->lock);
}

/* Once it was closed, this comes no further than the door. */
static void
come_to_go_on(void *ctx)
{
	struct shared *s = ctx;

	come_and_wake(s);
	thread_lock_enter_to_go_on(s->lock);
	s->went_on++;
	thread_lock_wake(s->lock);
	thread_lock_leave(s->lock);
}

static void
wait_for(struct shared *s, const int *what, int value, int64_t ms)
{
	int64_t end = clock_monotonic_ms() + ms, left;

	while (*what < value && (left = end - clock_monotonic_ms()) > 0)
		thread_lock_wait(s->lock, left);
}

static void
waits_no_longer_than_told(void **state)
{
	struct shared s = { NULL, 0, 0 };
	int64_t before = clock_monotonic_ms();

	(void)state;
	assert_int_equal(thread_lock_new(&s.lock), RC_OK);
	thread_lock_enter(s.lock);
	wait_for(&s, &s.came, 1, SHORT_MS);
	thread_lock_leave(s.lock);
	assert_in_range((uint64_t)(clock_monotonic_ms() - before), SHORT_MS, LONG_MS);
	thread_lock_free(s.lock);
}

static void
is_woken_and_lets_others_in_meanwhile(void **state)
{
	struct shared s = { NULL, 0, 0 };
	int64_t before = clock_monotonic_ms();

	(void)state;
	assert_int_equal(thread_lock_new(&s.lock), RC_OK);
	thread_lock_enter(s.lock);
	for (int i = 0; i < 4; i++)
		assert_int_equal(thread_start(come_and_wake, &s), RC_OK);
	wait_for(&s, &s.came, 4, LONG_MS);
	assert_int_equal(s.came, 4);
	thread_lock_leave(s.lock);
	assert_true(clock_monotonic_ms() - before < LONG_MS);
	thread_lock_free(s.lock);
}

static void
who_would_go_on_does_so_while_it_is_open(void **state)
{
	struct shared s = { NULL, 0, 0 };

	(void)state;
	assert_int_equal(thread_lock_new(&s.lock), RC_OK);
	thread_lock_enter(s.lock);
	assert_int_equal(thread_start(come_to_go_on, &s), RC_OK);
	wait_for(&s, &s.went_on, 1, LONG_MS);
	assert_int_equal(s.went_on, 1);
	thread_lock_leave(s.lock);
	thread_lock_free(s.lock);
}

static void
who_would_go_on_stays_outside_once_it_is_closed(void **state)
{
	/* the thread stays until the process ends, and what it looks at with it */
	static struct shared s;

	(void)state;
	assert_int_equal(thread_lock_new(&s.lock), RC_OK);
	thread_lock_enter(s.lock);
	thread_lock_close(s.lock);
	assert_int_equal(thread_start(come_to_go_on, &s), RC_OK);
	wait_for(&s, &s.went_on, 1, SHORT_MS);
	assert_int_equal(s.came, 1);
	assert_int_equal(s.went_on, 0);
	thread_lock_leave(s.lock);
	/* others are let in as before */
	assert_int_equal(thread_start(come_and_wake, &s), RC_OK);
	thread_lock_enter(s.lock);
	wait_for(&s, &s.came, 2, LONG_MS);
	assert_int_equal(s.came, 2);
	thread_lock_leave(s.lock);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(waits_no_longer_than_told),
		cmocka_unit_test(is_woken_and_lets_others_in_meanwhile),
		cmocka_unit_test(who_would_go_on_does_so_while_it_is_open),
		cmocka_unit_test(who_would_go_on_stays_outside_once_it_is_closed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
