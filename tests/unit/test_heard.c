#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "shared/records/heard.h"
#include "tests/support/record_desk.h"
#include "tests/support/record_fixture.h"

struct last { int64_t of[4]; };

static enum rc
note(void *ctx, const uint8_t device[ENTRY_DEVICE_BYTES], int64_t saved_at)
{
	struct last *l = ctx;

	assert_in_range(device[0], 1, 3);
	if (saved_at > l->of[device[0]])
		l->of[device[0]] = saved_at;
	return RC_OK;
}

static void
each_device_is_heard_as_late_as_its_latest_entry_that_is_here(void **state)
{
	struct record_desk a, b;
	struct last last;
	struct dot id;
	int64_t first, second;

	(void)state;
	record_desk_open(&a, 1);
	record_desk_open(&b, 2);
	memset(&last, 0, sizeof last);
	assert_int_equal(heard_each(a.db, note, &last, NULL), RC_OK);
	assert_int_equal(last.of[1], 0);
	assert_int_equal(record_desk_add(&b, "thing", &id, "name=x", NULL), RC_OK);
	first = b.now;
	b.now += 500;
	assert_int_equal(record_desk_edit(&b, id, NULL, NULL, "name=y", NULL), RC_OK);
	second = b.now;
	assert_true(second > first);
	record_desk_sync(&a, &b);
	a.now = b.now + 1000;
	assert_int_equal(record_desk_edit(&a, id, NULL, NULL, "name=z", NULL), RC_OK);
	assert_int_equal(heard_each(a.db, note, &last, NULL), RC_OK);
	assert_int_equal(last.of[1], a.now);
	assert_int_equal(last.of[2], second);
	/* what a has written is not at b yet; a latest entry that became hollow gives way to one before it */
	record_fixture_run(b.db, "UPDATE entry SET body = NULL WHERE n = (SELECT max(n) FROM entry)");
	memset(&last, 0, sizeof last);
	assert_int_equal(heard_each(b.db, note, &last, NULL), RC_OK);
	assert_int_equal(last.of[1], 0);
	assert_int_equal(last.of[2], first);
	record_desk_close(&a);
	record_desk_close(&b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_device_is_heard_as_late_as_its_latest_entry_that_is_here),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
