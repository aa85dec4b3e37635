#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "shared/records/record.h"
#include "tests/support/record_desk.h"
#include "tests/support/record_fixture.h"

static struct dot
add_thing(struct record_desk *d, const char *name)
{
	struct dot id;
	char pair[128] = "name=";

	strncat(pair, name, sizeof(pair) - strlen(pair) - 1);
	if (record_desk_add(d, "thing", &id, pair, "kind=A", NULL) != RC_OK)
		fail_msg("%s: %s", d->err.where, d->err.what);
	return id;
}

static void
usage_counts_living_records_and_the_late_ones_of_one_device(void **state)
{
	struct record_usage *used;
	struct record_desk a, b;
	struct dot id;
	size_t n;

	(void)state;
	record_desk_open(&a, 1);
	record_desk_open(&b, 2);
	assert_int_equal(record_usage(&a.c, a.device, 0, &used, &n, &a.err), RC_OK);
	assert_int_equal(n, 0);
	free(used);
	add_thing(&b, "of another device");
	record_desk_sync(&a, &b);
	add_thing(&a, "long ago");
	a.now += 100 * 86400;
	add_thing(&a, "lately");
	id = add_thing(&a, "deleted");
	assert_int_equal(record_desk_delete(&a, id, NULL), RC_OK);
	assert_int_equal(record_usage(&a.c, a.device, a.now - 90 * 86400, &used, &n, &a.err), RC_OK);
	assert_int_equal(n, 1);
	assert_string_equal(used[0].form, "thing");
	assert_int_equal(used[0].records, 3);
	assert_int_equal(used[0].made, 1);
	free(used);
	record_desk_close(&a);
	record_desk_close(&b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(usage_counts_living_records_and_the_late_ones_of_one_device),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
