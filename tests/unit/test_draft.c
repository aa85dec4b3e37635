#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "shared/records/draft.h"
#include "tests/support/record_desk.h"
#include "tests/support/record_fixture.h"

static enum rc
save(struct record_desk *d, int64_t *id, struct dot of, const char *answers)
{
	struct draft draft = { .id = *id, .of = of, .saved_at = d->now };
	enum rc rc;

	strcpy(draft.form, "thing");
	error_clear(&d->err);
	rc = draft_save(d->db, &draft, (const uint8_t *)answers, strlen(answers), &d->err);
	*id = draft.id;
	return rc;
}

static int64_t
count(struct record_desk *d)
{
	return record_fixture_int(d->db, "SELECT count(*) FROM draft");
}

static struct dot
add_thing(struct record_desk *d)
{
	struct dot id;

	assert_int_equal(record_desk_add(d, "thing", &id, "name=x", NULL), RC_OK);
	return id;
}

static const struct dot nothing = { 0, 0 };

static void
draft_is_kept_replaced_and_dropped_and_its_number_is_not_used_again(void **state)
{
	struct record_desk d;
	struct draft draft, *list;
	struct bytes text;
	int64_t first = 0, second = 0, third = 0;
	size_t n;

	(void)state;
	record_desk_open(&d, 1);
	bytes_init(&text);
	assert_int_equal(save(&d, &first, nothing, "{\"name\":\"Hoa\"}"), RC_OK);
	d.now += 10;
	assert_int_equal(save(&d, &second, nothing, "{}"), RC_OK);
	d.now += 10;
	assert_int_equal(save(&d, &first, nothing, "{\"name\":\"Hòa\"}"), RC_OK);
	assert_int_equal(draft_list(d.db, &list, &n, &d.err), RC_OK);
	assert_int_equal(n, 2);
	assert_int_equal(list[0].id, first);
	assert_int_equal(list[0].saved_at, d.now);
	assert_int_equal(list[1].id, second);
	free(list);
	assert_int_equal(draft_get(d.db, first, &draft, &text, &d.err), RC_OK);
	assert_string_equal(draft.form, "thing");
	assert_string_equal(bytes_cstr(&text), "{\"name\":\"Hòa\"}");
	assert_int_equal(draft_drop(d.db, second, &d.err), RC_OK);
	assert_int_equal(draft_drop(d.db, second, &d.err), RC_NOTFOUND);
	assert_int_equal(save(&d, &second, nothing, "{}"), RC_NOTFOUND);
	assert_int_equal(save(&d, &third, nothing, "{}"), RC_OK);
	assert_true(third > second);
	assert_int_equal(record_fixture_int(d.db, "SELECT count(*) FROM entry"), 0);
	bytes_reset(&text);
	record_desk_close(&d);
}

static void
draft_is_of_a_record_of_its_form_and_stays_so(void **state)
{
	struct record_desk d;
	int64_t id = 0, other = 0;
	struct dot a, b, part;
	char pair[64] = "thing_id=";

	(void)state;
	record_desk_open(&d, 1);
	a = add_thing(&d);
	b = add_thing(&d);
	dot_text(&a, pair + strlen(pair));
	assert_int_equal(record_desk_add(&d, "part", &part, pair, NULL), RC_OK);
	assert_int_equal(save(&d, &id, a, "{}"), RC_OK);
	assert_int_equal(save(&d, &id, b, "{}"), RC_NOTFOUND);
	assert_int_equal(save(&d, &other, part, "{}"), RC_NOTFOUND);
	b.n += 1000;
	assert_int_equal(save(&d, &other, b, "{}"), RC_NOTFOUND);
	assert_int_equal(count(&d), 1);
	record_desk_close(&d);
}

static void
size_and_number_are_bounded(void **state)
{
	char *large = malloc(DRAFT_BYTES_MAX + 2);
	struct record_desk d;
	int64_t id = 0;

	(void)state;
	assert_non_null(large);
	record_desk_open(&d, 1);
	memset(large, ' ', DRAFT_BYTES_MAX + 1);
	large[DRAFT_BYTES_MAX + 1] = '\0';
	assert_int_equal(save(&d, &id, nothing, large), RC_LIMIT);
	large[DRAFT_BYTES_MAX] = '\0';
	assert_int_equal(save(&d, &id, nothing, large), RC_OK);
	for (int i = 1; i < DRAFT_COUNT_MAX; i++) {
		id = 0;
		assert_int_equal(save(&d, &id, nothing, "{}"), RC_OK);
	}
	assert_int_equal(save(&d, &id, nothing, "{\"name\":1}"), RC_OK);
	id = 0;
	assert_int_equal(save(&d, &id, nothing, "{}"), RC_LIMIT);
	assert_int_equal(count(&d), DRAFT_COUNT_MAX);
	free(large);
	record_desk_close(&d);
}

static void
what_is_about_a_record_goes_and_nothing_else(void **state)
{
	struct record_desk d;
	int64_t of = 0, names = 0, longer = 0, other = 0;
	char text[64], answers[200];
	struct dot a, b;
	size_t n;

	(void)state;
	record_desk_open(&d, 1);
	a = add_thing(&d);
	b = add_thing(&d);
	dot_text(&a, text);
	assert_int_equal(save(&d, &of, a, "{}"), RC_OK);
	snprintf(answers, sizeof answers, "{\"x\":[\"%s\",\"%s\"]}", text, text);
	assert_int_equal(save(&d, &names, nothing, answers), RC_OK);
	/* another record's id, that begins or ends like it */
	snprintf(answers, sizeof answers, "{\"x\":\"%s7\",\"y\":\"a%s\"}", text, text);
	assert_int_equal(save(&d, &longer, nothing, answers), RC_OK);
	assert_int_equal(save(&d, &other, b, "{}"), RC_OK);
	assert_int_equal(draft_drop_about(d.db, &a, &n, &d.err), RC_OK);
	assert_int_equal(n, 2);
	assert_int_equal(count(&d), 2);
	assert_int_equal(save(&d, &longer, nothing, "{}"), RC_OK);
	assert_int_equal(save(&d, &other, b, "{}"), RC_OK);
	record_desk_close(&d);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(draft_is_kept_replaced_and_dropped_and_its_number_is_not_used_again),
		cmocka_unit_test(draft_is_of_a_record_of_its_form_and_stays_so),
		cmocka_unit_test(size_and_number_are_bounded),
		cmocka_unit_test(what_is_about_a_record_goes_and_nothing_else),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
