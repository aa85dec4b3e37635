#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "shared/records/fold.h"
#include "shared/records/history.h"
#include "tests/support/record_desk.h"
#include "tests/support/record_fixture.h"

static void
shows_every_write_with_what_it_replaced(void **state)
{
	struct record_desk a, b;
	struct history h;
	struct dot id, note;

	(void)state;
	record_desk_open(&a, 1);
	record_desk_open(&b, 2);
	assert_int_equal(record_desk_add(&a, "thing", &id, "name=Hoa", "born=1998",
	    "born_how=YEAR", NULL), RC_OK);
	record_desk_sync(&a, &b);
	b.now = 1;			/* a clock far behind */
	assert_int_equal(record_desk_edit(&b, id, NULL, "gọi lại", "name=Hòa", "notes=một", NULL),
	    RC_OK);
	note = b.dot;
	record_desk_sync(&a, &b);
	assert_int_equal(record_desk_void(&a, id, "notes", (struct address){ note, 1 }, "nhầm"),
	    RC_OK);
	assert_int_equal(history_read(&a.c, &id, &h, &a.err), RC_OK);
	assert_int_equal(h.n_entries, 3);
	/* what replaced another stands after it, whatever the clocks said */
	assert_true(h.entries[0].creates);
	assert_int_equal(dot_compare(&h.entries[0].dot, &id), 0);
	assert_string_equal(h.entries[0].writes[0].values[0].text, "Hoa");
	assert_false(h.entries[0].writes[0].values[0].live);
	assert_string_equal(h.entries[0].writes[1].values[0].text, "born=1998 born_how=YEAR");
	assert_string_equal(h.entries[0].writes[1].field->name, "born");
	assert_true(h.entries[0].writes[1].values[0].live);
	assert_int_equal(dot_compare(&h.entries[1].dot, &note), 0);
	assert_string_equal(h.entries[1].reason, "gọi lại");
	assert_memory_equal(h.entries[1].by, b.device, sizeof(b.device));
	assert_int_equal(h.entries[1].writes[0].n_values, 1);
	assert_string_equal(h.entries[1].writes[0].field->name, "name");
	assert_int_equal(h.entries[1].writes[0].n_replaces, 1);
	assert_int_equal(dot_compare(&h.entries[1].writes[0].replaces[0].dot, &id), 0);
	assert_int_equal(h.entries[2].writes[0].kind, WRITE_VOID);
	assert_int_equal(dot_compare(&h.entries[2].writes[0].replaces[0].dot, &note), 0);
	assert_string_equal(h.entries[2].reason, "nhầm");
	history_reset(&h);
	record_desk_close(&a);
	record_desk_close(&b);
}

static void
says_why_an_entry_does_not_count(void **state)
{
	struct record_desk d, other;
	struct history h;
	struct dot id, edit, released;
	uint64_t from;

	(void)state;
	record_desk_open(&d, 1);
	record_desk_open(&other, 2);
	assert_int_equal(record_desk_add(&d, "thing", &id, "name=Hoa", NULL), RC_OK);
	assert_int_equal(record_desk_edit(&d, id, NULL, NULL, "name=Lan", NULL), RC_OK);
	edit = d.dot;
	record_desk_sync(&d, &other);
	assert_int_equal(journal_set_limit(other.db, edit.log, 1, &from, NULL), RC_OK);
	assert_int_equal(fold_refold_log(other.fold, edit.log, from, NULL), RC_OK);
	assert_int_equal(fold_flush(other.fold, NULL), RC_OK);
	assert_int_equal(history_read(&other.c, &id, &h, &other.err), RC_OK);
	assert_int_equal(h.entries[0].standing, HISTORY_COUNTS);
	assert_int_equal(h.entries[1].standing, HISTORY_BEYOND_LIMIT);
	history_reset(&h);
	assert_int_equal(record_restate(&other.c, &edit, &released, &other.err), RC_OK);
	record_desk_sync(&d, &other);
	assert_int_equal(history_read(&d.c, &id, &h, &d.err), RC_OK);
	assert_int_equal(h.n_entries, 3);
	for (size_t i = 0; i < 3; i++)
		assert_int_equal(h.entries[i].standing, dot_compare(&h.entries[i].dot, &released) == 0 ?
		    HISTORY_RESTATED : HISTORY_COUNTS);
	history_reset(&h);
	released.n += 40;
	assert_int_equal(history_read(&d.c, &released, &h, &d.err), RC_NOTFOUND);
	record_desk_close(&d);
	record_desk_close(&other);
}

/* Does an entry that is left out hold this name, by this device? */
static bool
holds_forked(const struct history *h, const char *name)
{
	for (size_t i = 0; i < h->n_entries; i++)
		if (h->entries[i].standing == HISTORY_FORKED && h->entries[i].at > 0 &&
		    strcmp(h->entries[i].writes[0].values[0].text, name) == 0)
			return !h->entries[i].writes[0].values[0].live && h->entries[i].by[0] == 1;
	return false;
}

static void
holds_both_branches_of_a_fork(void **state)
{
	struct record_desk a, b, other;
	struct history h;
	struct dot id;

	(void)state;
	record_desk_open(&a, 1);
	record_desk_open(&b, 1);	/* a copy of the running process: the same noise */
	record_desk_open(&other, 2);
	assert_int_equal(record_desk_add(&a, "thing", &id, "name=Hoa", NULL), RC_OK);
	assert_int_equal(record_desk_add(&b, "thing", &id, "name=Hoa", NULL), RC_OK);
	assert_int_equal(record_desk_edit(&a, id, NULL, NULL, "name=Lan", NULL), RC_OK);
	assert_int_equal(record_desk_edit(&b, id, NULL, NULL, "name=Mai", NULL), RC_OK);
	assert_int_equal(record_desk_edit(&b, id, NULL, NULL, "name=Đào", NULL), RC_OK);
	record_fixture_carry_all(a.db, other.db, other.fold);
	record_fixture_carry_all(b.db, other.db, other.fold);
	record_desk_assert(&other, id, "name", "Hoa");
	assert_int_equal(history_read(&other.c, &id, &h, &other.err), RC_OK);
	assert_int_equal(h.n_entries, 4);
	assert_int_equal(h.entries[0].standing, HISTORY_COUNTS);
	assert_true(holds_forked(&h, "Lan"));
	assert_true(holds_forked(&h, "Mai"));
	assert_true(holds_forked(&h, "Đào"));
	history_reset(&h);
	record_desk_close(&a);
	record_desk_close(&b);
	record_desk_close(&other);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(shows_every_write_with_what_it_replaced),
		cmocka_unit_test(says_why_an_entry_does_not_count),
		cmocka_unit_test(holds_both_branches_of_a_fork),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
