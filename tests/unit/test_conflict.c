#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "shared/records/conflict.h"
#include "tests/support/record_desk.h"

static void
open_two(struct record_desk *a, struct record_desk *b, struct dot *id)
{
	record_desk_open(a, 1);
	record_desk_open(b, 2);
	assert_int_equal(record_desk_add(a, "thing", id, "name=Hoa", "kind=A", "born=1998",
	    "born_how=YEAR", NULL), RC_OK);
	record_desk_sync(a, b);
}

static void
close_two(struct record_desk *a, struct record_desk *b)
{
	record_desk_close(a);
	record_desk_close(b);
}

static void
lists_values_authors_times_names_and_token(void **state)
{
	struct record_desk a, b;
	struct conflict_list list;
	const struct record_field *f;
	struct dot id;

	(void)state;
	open_two(&a, &b, &id);
	b.now = a.now + 50;
	assert_int_equal(record_desk_edit(&a, id, NULL, NULL, "name=Lan", NULL), RC_OK);
	assert_int_equal(record_desk_edit(&b, id, NULL, NULL, "name=Mai", NULL), RC_OK);
	record_desk_sync(&a, &b);
	assert_int_equal(conflict_list(&a.c, 1u << CONFLICT_OPEN, 10, &list, &a.err), RC_OK);
	assert_int_equal(list.n_items, 1);
	f = list.items[0].field;
	assert_string_equal(f->name, "name");
	assert_int_equal(f->n_values, 2);
	assert_string_equal(f->values[0].text, "Mai");
	assert_memory_equal(f->values[0].by, b.device, sizeof(b.device));
	assert_int_equal(f->values[0].at, b.now);
	assert_true(f->values[0].shown);
	assert_false(f->values[1].shown);
	assert_int_equal(record_desk_resolve(&a, id, f->name, f->values[1].k, NULL,
	    list.items[0].view->seen), RC_OK);
	conflict_list_reset(&list);
	assert_int_equal(conflict_list(&a.c, 1u << CONFLICT_OPEN, 10, &list, &a.err), RC_OK);
	assert_int_equal(list.n_items, 0);
	conflict_list_reset(&list);
	close_two(&a, &b);
}

static void
statement_lists_only_the_fields_in_which_its_values_differ(void **state)
{
	struct record_desk a, b;
	struct conflict_counts counts;
	struct conflict_list list;
	struct dot id;

	(void)state;
	open_two(&a, &b, &id);
	assert_int_equal(record_desk_edit(&a, id, NULL, NULL, "born=1999", NULL), RC_OK);
	assert_int_equal(record_desk_edit(&b, id, NULL, NULL, "born=1997", NULL), RC_OK);
	record_desk_sync(&a, &b);
	assert_int_equal(conflict_list(&a.c, 1u << CONFLICT_OPEN, 10, &list, &a.err), RC_OK);
	assert_int_equal(list.n_items, 1);
	assert_string_equal(list.items[0].field->name, "born");
	conflict_list_reset(&list);
	assert_int_equal(conflict_count(a.db, &counts, &a.err), RC_OK);
	assert_int_equal(counts.open, 1);	/* one register, though two fields */
	close_two(&a, &b);
}

static void
delete_beside_an_edit_stands_in_the_inbox(void **state)
{
	struct record_desk a, b;
	struct conflict_list list;
	struct dot id;

	(void)state;
	open_two(&a, &b, &id);
	assert_int_equal(record_desk_edit(&a, id, NULL, NULL, "name=Lan", "kind=B", NULL), RC_OK);
	assert_int_equal(record_desk_delete(&b, id, NULL), RC_OK);
	record_desk_sync(&a, &b);
	assert_int_equal(conflict_list(&b.c, 1u << CONFLICT_OPEN, 10, &list, &b.err), RC_OK);
	assert_int_equal(list.n_items, 1);
	assert_string_equal(list.items[0].field->name, "alive");
	assert_int_equal(list.items[0].field->n_values, 2);	/* the edit is one value */
	assert_string_equal(list.items[0].field->values[0].text, "0");
	assert_string_equal(list.items[0].field->values[1].text, "1");
	conflict_list_reset(&list);
	close_two(&a, &b);
}

static void
settled_values_and_broken_rules_are_listed_apart(void **state)
{
	struct record_desk a, b;
	struct conflict_counts counts;
	struct conflict_list list;
	struct dot id;

	(void)state;
	open_two(&a, &b, &id);
	assert_int_equal(record_desk_edit(&a, id, NULL, NULL, "kind=B", "title=x", NULL), RC_OK);
	record_desk_sync(&a, &b);
	assert_int_equal(record_desk_edit(&a, id, NULL, NULL, "detail=d", "title=y", NULL), RC_OK);
	assert_int_equal(record_desk_edit(&b, id, NULL, NULL, "kind=A", "title=z", NULL), RC_OK);
	record_desk_sync(&a, &b);
	assert_int_equal(conflict_list(&a.c, 1u << CONFLICT_OPEN, 10, &list, &a.err), RC_OK);
	assert_int_equal(list.n_items, 0);
	conflict_list_reset(&list);
	assert_int_equal(conflict_list(&a.c, 1u << CONFLICT_SETTLED, 10, &list, &a.err), RC_OK);
	assert_int_equal(list.n_items, 1);
	assert_string_equal(list.items[0].field->name, "title");
	conflict_list_reset(&list);
	assert_int_equal(conflict_list(&a.c, 1u << CONFLICT_BREACH, 10, &list, &a.err), RC_OK);
	assert_int_equal(list.n_items, 1);
	assert_string_equal(list.items[0].breached->name, "detail");
	assert_string_equal(list.items[0].message, "This does not apply here; leave it empty.");
	conflict_list_reset(&list);
	assert_int_equal(conflict_list(&a.c, 7, 10, &list, &a.err), RC_OK);
	assert_int_equal(list.n_items, 2);
	assert_int_equal(list.n_views, 1);
	conflict_list_reset(&list);
	assert_int_equal(conflict_count(a.db, &counts, &a.err), RC_OK);
	assert_true(counts.open == 0 && counts.settled == 1 && counts.breaches == 1);
	close_two(&a, &b);
}

static void
every_desk_lists_the_same(void **state)
{
	struct conflict_list one, two;
	struct record_desk a, b;
	struct dot id;

	(void)state;
	open_two(&a, &b, &id);
	assert_int_equal(record_desk_edit(&a, id, NULL, NULL, "name=Lan", "kind=B", NULL), RC_OK);
	assert_int_equal(record_desk_edit(&b, id, NULL, NULL, "name=Mai", "count=3", NULL), RC_OK);
	record_desk_sync(&a, &b);
	assert_int_equal(conflict_list(&a.c, 7, 10, &one, &a.err), RC_OK);
	assert_int_equal(conflict_list(&b.c, 7, 10, &two, &b.err), RC_OK);
	assert_int_equal(one.n_items, two.n_items);
	assert_string_equal(one.items[0].view->seen, two.items[0].view->seen);
	for (size_t i = 0; i < one.items[0].field->n_values; i++)
		assert_string_equal(one.items[0].field->values[i].k, two.items[0].field->values[i].k);
	conflict_list_reset(&one);
	conflict_list_reset(&two);
	close_two(&a, &b);
}

static void
settling_for_less_than_what_is_shown_asks_for_a_reason(void **state)
{
	static const char *const fields[] = { "risk", "no_contact" }, *const less[] = { "LOW", "no" };
	struct record_desk a, b;
	struct conflict_list list;
	struct dot id;

	(void)state;
	open_two(&a, &b, &id);
	assert_int_equal(record_desk_edit(&a, id, NULL, NULL, "risk=HIGH", "no_contact=yes", NULL),
	    RC_OK);
	assert_int_equal(record_desk_edit(&b, id, NULL, NULL, "risk=LOW", "no_contact=no", NULL),
	    RC_OK);
	record_desk_sync(&a, &b);
	assert_int_equal(conflict_list(&a.c, 1u << CONFLICT_OPEN | 1u << CONFLICT_SETTLED, 10, &list,
	    &a.err), RC_OK);
	assert_int_equal(list.n_items, 2);
	for (size_t i = 0; i < 2; i++) {
		const struct record_field *f = list.items[i].field;
		struct dot dot;

		assert_string_equal(f->name, fields[i]);
		assert_string_equal(f->values[1].text, less[i]);
		assert_int_equal(record_resolve(&a.c, &id, f->name, f->values[1].k, NULL, NULL, NULL,
		    &dot, &a.err), RC_INVALID);
		assert_int_equal(record_resolve(&a.c, &id, f->name, NULL, less[i], NULL, "", &dot,
		    &a.err), RC_INVALID);
		assert_int_equal(record_resolve(&a.c, &id, f->name, f->values[1].k, NULL, NULL,
		    "đã gặp gia đình", &dot, &a.err), RC_OK);
		record_desk_assert(&a, id, fields[i], less[i]);
	}
	conflict_list_reset(&list);
	close_two(&a, &b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lists_values_authors_times_names_and_token),
		cmocka_unit_test(statement_lists_only_the_fields_in_which_its_values_differ),
		cmocka_unit_test(delete_beside_an_edit_stands_in_the_inbox),
		cmocka_unit_test(settled_values_and_broken_rules_are_listed_apart),
		cmocka_unit_test(every_desk_lists_the_same),
		cmocka_unit_test(settling_for_less_than_what_is_shown_asks_for_a_reason),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
