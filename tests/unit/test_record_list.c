#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "shared/records/record.h"
#include "shared/records/record_page.h"
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

/* The headlines of a page with blanks between, and its total. */
static void
assert_page(struct record_desk *d, struct record_page_wanted w, const char *headlines, size_t total)
{
	struct record_page page;
	char got[400] = "";

	w.form = form_set_find(d->forms, "thing");
	assert_int_equal(record_page_read(&d->c, &w, &page, &d->err), RC_OK);
	for (size_t i = 0; i < page.n; i++) {
		strcat(got, i > 0 ? " " : "");
		strcat(got, page.lines[i].headline);
	}
	assert_string_equal(got, headlines);
	assert_int_equal(page.total, total);
	record_page_reset(&page);
}
#define WANTED(...) (struct record_page_wanted){ .counts = true, .limit = 2, __VA_ARGS__ }

static void
page_is_a_part_of_the_list_and_says_how_long_it_is(void **state)
{
	static const char *const names[] = { "An", "Ánh", "Bình", "Chi", "Dung" };
	struct record_desk d;
	struct dot id;

	(void)state;
	record_desk_open(&d, 1);
	assert_page(&d, WANTED(.offset = 0), "", 0);
	for (size_t i = 0; i < 5; i++)
		add_thing(&d, names[i]);
	id = add_thing(&d, "Xóa");
	assert_int_equal(record_desk_delete(&d, id, NULL), RC_OK);
	assert_page(&d, WANTED(.offset = 0), "Dung Chi", 5);
	assert_page(&d, WANTED(.offset = 4), "An", 5);
	assert_page(&d, WANTED(.offset = 5), "", 5);
	assert_page(&d, WANTED(.offset = 0, .sort = "name"), "An Ánh", 5);
	assert_page(&d, WANTED(.offset = 1, .where = "${name} != 'Chi'"), "Bình Ánh", 4);
	assert_page(&d, WANTED(.offset = 0, .deleted = true), "Xóa", 1);
	record_desk_close(&d);
}

static void
page_is_narrowed_by_words_without_their_marks(void **state)
{
	struct record_desk d;

	(void)state;
	record_desk_open(&d, 1);
	add_thing(&d, "Đặng");
	add_thing(&d, "Lan");
	add_thing(&d, "Dang");
	assert_page(&d, WANTED(.match = "dang"), "Dang Đặng", 2);
	assert_page(&d, WANTED(.match = "dang", .offset = 1), "Đặng", 2);
	assert_page(&d, WANTED(.match = "da", .sort = "name"), "Dang Đặng", 2);
	assert_page(&d, WANTED(.match = ""), "Dang Lan", 3);
	assert_page(&d, WANTED(.match = "không có"), "", 0);
	record_desk_close(&d);
}

static void
order_that_was_kept_is_used_until_something_is_written(void **state)
{
	struct record_order kept = { .ids = NULL };
	struct record_desk d;

	(void)state;
	record_desk_open(&d, 1);
	add_thing(&d, "Bình");
	add_thing(&d, "An");
	assert_page(&d, WANTED(.sort = "name", .kept = &kept, .changes = 1), "An Bình", 2);
	assert_page(&d, WANTED(.sort = NULL, .kept = &kept, .changes = 1), "An Bình", 2);
	assert_page(&d, WANTED(.sort = "name", .kept = &kept, .changes = 1), "An Bình", 2);
	add_thing(&d, "Anh");
	assert_page(&d, WANTED(.sort = "name", .kept = &kept, .changes = 1), "An Bình", 2);
	assert_page(&d, WANTED(.sort = "name", .kept = &kept, .changes = 2), "An Anh", 3);
	assert_page(&d, WANTED(.sort = NULL, .kept = &kept, .changes = 2), "Anh An", 3);
	record_order_reset(&kept);
	record_desk_close(&d);
}

static enum rc
note_cell(void *ctx, size_t record, size_t field, const char *value)
{
	char *at = (char *)ctx + strlen(ctx);

	snprintf(at, 400 - (size_t)(at - (char *)ctx), "%zu.%zu=%s ", record, field, value);
	return RC_OK;
}

static void
cells_are_what_is_shown(void **state)
{
	const struct form_field *fields[3];
	const struct form *form;
	struct record_desk d;
	struct dot thing, part;
	char got[400] = "", pair[64] = "thing_id=", wanted[100];
	int64_t local;

	(void)state;
	record_desk_open(&d, 1);
	assert_int_equal(record_desk_add(&d, "thing", &thing, "name=Hoa", "topics=T2,T1", "count=5", NULL),
	    RC_OK);
	form = form_set_find(d.forms, "thing");
	fields[0] = form_field_named(form, "topics");
	fields[1] = form_field_named(form, "count");
	fields[2] = form_field_named(form, "size_word");
	assert_int_equal(record_to_local(d.db, &thing, &local), RC_OK);
	assert_int_equal(record_page_cells(&d.c, form, fields, 3, &local, 1, note_cell, got, &d.err), RC_OK);
	assert_string_equal(got, "0.0=T1 0.0=T2 0.1=5 0.2=small ");
	dot_text(&thing, pair + strlen(pair));
	assert_int_equal(record_desk_add(&d, "part", &part, pair, NULL), RC_OK);
	form = form_set_find(d.forms, "part");
	fields[0] = form_field_named(form, "thing_id");
	got[0] = '\0';
	assert_int_equal(record_to_local(d.db, &part, &local), RC_OK);
	assert_int_equal(record_page_cells(&d.c, form, fields, 1, &local, 1, note_cell, got, &d.err), RC_OK);
	snprintf(wanted, sizeof wanted, "0.0=%s ", pair + strlen("thing_id="));
	assert_string_equal(got, wanted);
	record_desk_close(&d);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(usage_counts_living_records_and_the_late_ones_of_one_device),
		cmocka_unit_test(page_is_a_part_of_the_list_and_says_how_long_it_is),
		cmocka_unit_test(page_is_narrowed_by_words_without_their_marks),
		cmocka_unit_test(order_that_was_kept_is_used_until_something_is_written),
		cmocka_unit_test(cells_are_what_is_shown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
