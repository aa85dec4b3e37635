#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "shared/records/fold.h"
#include "tests/support/record_desk.h"
#include "tests/support/record_fixture.h"

static struct dot
add_thing(struct record_desk *d, const char *name)
{
	struct dot id;
	char pair[128] = "name=";

	strcat(pair, name);
	if (record_desk_add(d, "thing", &id, pair, "kind=A", "risk=MEDIUM", "topics=T1,T2",
	    "no_contact=no", "count=5", NULL) != RC_OK)
		fail_msg("%s: %s", d->err.where, d->err.what);
	return id;
}

static void
creates_shows_and_derives(void **state)
{
	struct record_view view;
	struct record_desk d;
	struct dot id;

	(void)state;
	record_desk_open(&d, 1);
	if (record_desk_add(&d, "thing", &id, "name=  Đặng Thị Hòa ", "born=05/1998",
	    "born_how=DAY", "weight=12.50", "notes=một, hai", "tags=đỏ,xanh", "kind=B",
	    "detail=x", NULL) != RC_OK)
		fail_msg("%s: %s", d.err.where, d.err.what);
	record_desk_assert(&d, id, "weight", "12.5");
	record_desk_assert(&d, id, "name", "Đặng Thị Hòa");
	record_desk_assert(&d, id, "born", "1998-05");
	record_desk_assert(&d, id, "born_how", "DAY");
	record_desk_assert(&d, id, "notes", "một, hai");
	record_desk_assert(&d, id, "tags", "đỏ | xanh");
	assert_int_equal(record_show(&d.c, &id, &view, &d.err), RC_OK);
	assert_string_equal(view.headline, "Đặng Thị Hòa");
	assert_string_equal(view.form_name, "thing");
	assert_string_equal(view.scope.unit, "HN-1");
	assert_int_equal(view.scope.compartment, 1);
	assert_memory_equal(view.created_by, d.device, sizeof(d.device));
	assert_int_equal(view.created_at, d.now);
	assert_null(record_view_field(&view, "title"));
	record_view_reset(&view);
	record_desk_close(&d);
}

static void
refuses_to_create_what_breaks_a_rule_and_writes_nothing(void **state)
{
	struct record_desk d;
	struct dot id;

	(void)state;
	record_desk_open(&d, 1);
	assert_int_equal(record_desk_add(&d, "thing", &id, "count=101", NULL), RC_INVALID);
	assert_string_equal(d.err.where, "thing.count");
	assert_int_equal(record_desk_add(&d, "thing", &id, "kind=A", "detail=x", NULL), RC_INVALID);
	assert_int_equal(record_desk_add(&d, "part", &id, "amount=1", NULL), RC_INVALID);
	assert_int_equal(record_fixture_int(d.db, "SELECT count(*) FROM entry"), 0);
	assert_int_equal(record_fixture_int(d.db, "SELECT count(*) FROM record"), 0);
	record_desk_close(&d);
}

static void
reference_must_name_a_record_of_its_form_in_the_same_scope(void **state)
{
	struct record_desk d;
	struct dot thing, part, id;
	char pair[64] = "thing_id=";

	(void)state;
	record_desk_open(&d, 1);
	thing = add_thing(&d, "Hoa");
	dot_text(&thing, pair + strlen(pair));
	assert_int_equal(record_desk_add(&d, "part", &part, pair, "amount=3", NULL), RC_OK);
	record_desk_assert(&d, part, "thing_id", pair + 9);
	assert_int_equal(record_fixture_int(d.db, "SELECT t.id = p.thing_id FROM form_part p,"
	    " form_thing t"), 1);
	dot_text(&part, pair + 9);		/* of the wrong form */
	assert_int_equal(record_desk_add(&d, "part", &id, pair, NULL), RC_INVALID);
	assert_int_equal(record_desk_add(&d, "part", &id, "thing_id=00000000000000aa.7", NULL),
	    RC_INVALID);
	dot_text(&thing, pair + 9);
	d.c.unit = "HN-2";			/* another unit */
	assert_int_equal(record_desk_add(&d, "part", &id, pair, NULL), RC_INVALID);
	record_desk_close(&d);
}

static void
edit_writes_only_what_changed(void **state)
{
	struct record_desk d;
	struct bytes body;
	struct entry e;
	struct dot id;

	(void)state;
	record_desk_open(&d, 1);
	id = add_thing(&d, "Hoa");
	assert_int_equal(record_desk_edit(&d, id, NULL, NULL, "name=Hoa", "kind=B", "count=5",
	    "topics=T1,T2", NULL), RC_OK);
	bytes_init(&body);
	assert_int_equal(journal_get(d.db, &d.dot, &body, NULL), RC_OK);
	assert_int_equal(entry_decode(body.data, body.len, d.dot, &e), RC_OK);
	assert_int_equal(e.n_writes, 1);
	assert_int_equal(e.writes[0].field, 2);
	assert_int_equal(e.writes[0].n_replaces, 1);
	assert_int_equal(dot_compare(&e.writes[0].replaces[0].dot, &id), 0);
	entry_reset(&e);
	bytes_reset(&body);
	assert_int_equal(record_desk_edit(&d, id, NULL, NULL, "name=Hoa", "title=", NULL), RC_OK);
	assert_int_equal(d.dot.log, 0);			/* nothing to write */
	assert_int_equal(record_fixture_int(d.db, "SELECT count(*) FROM entry"), 2);
	record_desk_close(&d);
}

static void
set_of_a_union_is_written_as_what_came_and_what_went(void **state)
{
	struct record_desk d;
	struct dot id;

	(void)state;
	record_desk_open(&d, 1);
	id = add_thing(&d, "Hoa");
	assert_int_equal(record_desk_edit(&d, id, NULL, NULL, "topics=T2,T3", NULL), RC_OK);
	record_desk_assert(&d, id, "topics", "T2 | T3");
	assert_int_equal(record_fixture_int(d.db, "SELECT count(*) FROM form_thing__topics"), 2);
	assert_int_equal(record_desk_edit(&d, id, NULL, NULL, "topics=", NULL), RC_OK);
	record_desk_assert(&d, id, "topics", "");
	assert_int_equal(record_desk_edit(&d, id, NULL, NULL, "notes=a", NULL), RC_OK);
	assert_int_equal(record_desk_edit(&d, id, NULL, NULL, "notes=a", NULL), RC_OK);
	record_desk_assert(&d, id, "notes", "a | a");
	record_desk_close(&d);
}

static void
group_is_written_whole_with_the_members_that_were_seen(void **state)
{
	struct record_desk d;
	struct dot id;

	(void)state;
	record_desk_open(&d, 1);
	id = add_thing(&d, "Hoa");
	assert_int_equal(record_desk_edit(&d, id, NULL, NULL, "born=1998", "born_how=YEAR", NULL), RC_OK);
	assert_int_equal(record_desk_edit(&d, id, NULL, NULL, "born=17/05/1998", NULL), RC_OK);
	record_desk_assert(&d, id, "born", "1998-05-17");
	record_desk_assert(&d, id, "born_how", "YEAR");
	assert_int_equal(record_desk_edit(&d, id, NULL, NULL, "born=", "born_how=", NULL), RC_OK);
	record_desk_assert(&d, id, "born", "");
	record_desk_assert(&d, id, "born_how", "");
	record_desk_close(&d);
}

static void
value_pulled_between_show_and_save_is_not_silently_replaced(void **state)
{
	struct record_desk a, b;
	struct dot id;
	char *seen;

	(void)state;
	record_desk_open(&a, 1);
	record_desk_open(&b, 2);
	id = add_thing(&a, "Hoa");
	record_desk_sync(&a, &b);
	seen = record_desk_seen(&a, id);
	assert_int_equal(record_desk_edit(&b, id, NULL, NULL, "name=Huệ", "topics=T1,T3", NULL), RC_OK);
	record_desk_sync(&a, &b);		/* while the form is open at a */
	assert_int_equal(record_desk_edit(&a, id, seen, NULL, "name=Hòa", "topics=T2", NULL), RC_OK);
	record_desk_assert(&a, id, "name", "Hòa | Huệ conflict");
	record_desk_assert(&a, id, "topics", "T2 | T3");	/* T2 went at b, and a kept it */
	record_desk_sync(&a, &b);
	record_desk_assert(&b, id, "name", "Hòa | Huệ conflict");
	free(seen);
	record_desk_close(&a);
	record_desk_close(&b);
}

static void
without_a_token_what_is_live_now_is_replaced_but_no_conflict(void **state)
{
	struct record_desk a, b;
	struct dot id;
	char *seen;

	(void)state;
	record_desk_open(&a, 1);
	record_desk_open(&b, 2);
	id = add_thing(&a, "Hoa");
	record_desk_sync(&a, &b);
	assert_int_equal(record_desk_edit(&a, id, NULL, NULL, "name=Lan", NULL), RC_OK);
	assert_int_equal(record_desk_edit(&b, id, NULL, NULL, "name=Mai", "title=x", NULL), RC_OK);
	record_desk_sync(&a, &b);
	assert_int_equal(record_desk_edit(&a, id, NULL, NULL, "name=Cúc", NULL), RC_CONFLICT);
	assert_string_equal(a.err.where, "name");
	assert_int_equal(record_desk_edit(&a, id, NULL, NULL, "title=y", NULL), RC_OK);
	seen = record_desk_seen(&a, id);
	assert_int_equal(record_desk_edit(&a, id, seen, NULL, "name=Cúc", NULL), RC_OK);
	record_desk_assert(&a, id, "name", "Cúc");
	record_desk_sync(&a, &b);
	record_desk_assert(&b, id, "name", "Cúc");
	free(seen);
	record_desk_close(&a);
	record_desk_close(&b);
}

static void
refuses_a_token_that_is_damaged_or_of_another_record(void **state)
{
	struct record_desk d;
	struct dot one, two;
	char *seen;

	(void)state;
	record_desk_open(&d, 1);
	one = add_thing(&d, "Hoa");
	two = add_thing(&d, "Lan");
	seen = record_desk_seen(&d, one);
	assert_int_equal(record_desk_edit(&d, two, seen, NULL, "name=x", NULL), RC_INVALID);
	assert_string_equal(d.err.where, "seen");
	seen[3] = seen[3] == 'A' ? 'B' : 'A';
	assert_int_equal(record_desk_edit(&d, one, seen, NULL, "name=x", NULL), RC_INVALID);
	assert_int_equal(record_desk_edit(&d, one, "", NULL, "name=x", NULL), RC_INVALID);
	assert_int_equal(record_desk_edit(&d, one, "*", NULL, "name=x", NULL), RC_INVALID);
	free(seen);
	record_desk_close(&d);
}

static void
lowering_or_lifting_asks_for_a_reason(void **state)
{
	struct record_desk d;
	struct dot id;

	(void)state;
	record_desk_open(&d, 1);
	id = add_thing(&d, "Hoa");
	assert_int_equal(record_desk_edit(&d, id, NULL, NULL, "risk=LOW", NULL), RC_INVALID);
	assert_int_equal(record_desk_edit(&d, id, NULL, NULL, "risk=", NULL), RC_INVALID);
	assert_int_equal(record_desk_edit(&d, id, NULL, NULL, "risk=HIGH", "no_contact=yes", NULL),
	    RC_OK);
	assert_int_equal(record_desk_edit(&d, id, NULL, NULL, "no_contact=no", NULL), RC_INVALID);
	assert_int_equal(record_desk_edit(&d, id, NULL, "đã an toàn", "risk=LOW", "no_contact=no",
	    NULL), RC_OK);
	record_desk_assert(&d, id, "risk", "LOW");
	record_desk_assert(&d, id, "no_contact", "no");
	record_desk_close(&d);
}

static void
rule_that_is_broken_elsewhere_does_not_stand_in_the_way(void **state)
{
	struct record_desk a, b;
	struct dot id;

	(void)state;
	record_desk_open(&a, 1);
	record_desk_open(&b, 2);
	id = add_thing(&a, "Hoa");
	record_desk_sync(&a, &b);
	assert_int_equal(record_desk_edit(&a, id, NULL, NULL, "kind=B", "detail=x", NULL), RC_OK);
	record_desk_sync(&a, &b);
	assert_int_equal(record_desk_edit(&a, id, NULL, NULL, "detail=y", NULL), RC_OK);
	assert_int_equal(record_desk_edit(&b, id, NULL, NULL, "kind=A", "detail=", NULL), RC_OK);
	record_desk_sync(&a, &b);	/* detail: y | "", and kind A: not relevant */
	assert_int_equal(record_fixture_int(a.db, "SELECT breaches FROM record"), 1);
	assert_int_equal(record_fixture_int(a.db, "SELECT detail IS NULL FROM form_thing"), 1);
	assert_int_equal(record_desk_edit(&a, id, NULL, NULL, "count=6", NULL), RC_OK);
	assert_int_equal(record_desk_edit(&a, id, NULL, NULL, "count=600", NULL), RC_INVALID);
	record_desk_close(&a);
	record_desk_close(&b);
}

static void
picking_a_value_settles_a_conflict_on_every_desk(void **state)
{
	struct record_desk a, b;
	const struct record_field *f;
	struct record_view view;
	struct dot id;

	(void)state;
	record_desk_open(&a, 1);
	record_desk_open(&b, 2);
	id = add_thing(&a, "Hoa");
	record_desk_sync(&a, &b);
	assert_int_equal(record_desk_edit(&a, id, NULL, NULL, "name=Lan", NULL), RC_OK);
	assert_int_equal(record_desk_edit(&b, id, NULL, NULL, "name=Mai", "count=7", NULL), RC_OK);
	record_desk_sync(&a, &b);
	assert_int_equal(record_show(&a.c, &id, &view, &a.err), RC_OK);
	f = record_view_field(&view, "name");
	assert_int_equal(f->n_values, 2);
	assert_int_equal(strlen(f->values[0].k), 4);
	assert_string_not_equal(f->values[0].k, f->values[1].k);
	assert_int_equal(record_desk_resolve(&a, id, "name", "ffff0", NULL, view.seen), RC_NOTFOUND);
	assert_int_equal(record_desk_resolve(&a, id, "topics", f->values[1].k, NULL, view.seen),
	    RC_INVALID);
	for (size_t i = 0; i < 2; i++)
		if (strcmp(f->values[i].text, "Lan") == 0)
			assert_int_equal(record_desk_resolve(&a, id, "name", f->values[i].k, NULL,
			    view.seen), RC_OK);
	record_view_reset(&view);
	record_desk_assert(&a, id, "name", "Lan");
	record_desk_sync(&a, &b);
	record_desk_assert(&b, id, "name", "Lan");
	record_desk_assert(&b, id, "count", "7");
	assert_int_equal(record_desk_resolve(&b, id, "name", NULL, "Cúc", NULL), RC_OK);
	record_desk_assert(&b, id, "name", "Cúc");
	record_desk_close(&a);
	record_desk_close(&b);
}

static void
resolving_replaces_only_what_the_listing_showed(void **state)
{
	struct record_desk a, b, third;
	struct dot id;
	char *seen;

	(void)state;
	record_desk_open(&a, 1);
	record_desk_open(&b, 2);
	record_desk_open(&third, 3);
	id = add_thing(&a, "Hoa");
	record_desk_sync(&a, &b);
	record_desk_sync(&a, &third);
	assert_int_equal(record_desk_edit(&a, id, NULL, NULL, "name=Lan", NULL), RC_OK);
	assert_int_equal(record_desk_edit(&b, id, NULL, NULL, "name=Mai", NULL), RC_OK);
	assert_int_equal(record_desk_edit(&third, id, NULL, NULL, "name=Cúc", NULL), RC_OK);
	record_desk_sync(&a, &b);
	seen = record_desk_seen(&a, id);
	record_desk_sync(&a, &third);
	assert_int_equal(record_desk_resolve(&a, id, "name", NULL, "Lan", seen), RC_OK);
	record_desk_assert(&a, id, "name", "Lan | Cúc conflict");
	free(seen);
	record_desk_close(&a);
	record_desk_close(&b);
	record_desk_close(&third);
}

static void
delete_and_unseen_edit_are_a_conflict_that_either_side_can_win(void **state)
{
	struct record_desk a, b;
	struct dot id;

	(void)state;
	for (int round = 0; round < 2; round++) {
		const struct record_field *f;
		struct record_view view;

		record_desk_open(&a, 1);
		record_desk_open(&b, 2);
		id = add_thing(&a, "Hoa");
		record_desk_sync(&a, &b);
		assert_int_equal(record_desk_edit(&b, id, NULL, NULL, "name=Mai", NULL), RC_OK);
		assert_int_equal(record_desk_delete(&a, id, NULL), RC_OK);
		assert_int_equal(record_fixture_int(a.db, "SELECT alive FROM form_thing"), 0);
		assert_int_equal(record_desk_edit(&a, id, NULL, NULL, "name=x", NULL), RC_INVALID);
		record_desk_sync(&a, &b);
		record_desk_assert(&a, id, "alive", "0 | 1 conflict");
		assert_int_equal(record_fixture_int(b.db, "SELECT alive FROM form_thing"), 1);
		assert_int_equal(record_show(&b.c, &id, &view, &b.err), RC_OK);
		f = record_view_field(&view, "alive");
		assert_memory_equal(f->values[0].by, a.device, sizeof(a.device));
		assert_memory_equal(f->values[1].by, b.device, sizeof(b.device));
		assert_int_equal(record_desk_resolve(&b, id, "alive", f->values[round].k, NULL,
		    view.seen), RC_OK);
		record_view_reset(&view);
		record_desk_sync(&a, &b);
		record_desk_assert(&a, id, "alive", round == 0 ? "0" : "1");
		assert_int_equal(record_fixture_int(a.db, "SELECT alive FROM record"), round);
		record_desk_close(&a);
		record_desk_close(&b);
	}
}

static void
deleted_record_can_be_restored_with_all_its_values(void **state)
{
	struct record_desk d;
	struct dot id, dot;

	(void)state;
	record_desk_open(&d, 1);
	id = add_thing(&d, "Hoa");
	assert_int_equal(record_desk_restore(&d, id), RC_INVALID);
	assert_int_equal(record_desk_delete(&d, id, NULL), RC_OK);
	assert_int_equal(record_desk_delete(&d, id, NULL), RC_INVALID);
	assert_int_equal(record_desk_restore(&d, id), RC_OK);
	record_desk_assert(&d, id, "name", "Hoa");
	record_desk_assert(&d, id, "alive", "1");
	assert_int_equal(record_delete(&d.c, &id, NULL, "", &dot, &d.err), RC_INVALID);
	record_desk_close(&d);
}

static void
voided_value_stays_visible_with_reason_and_author(void **state)
{
	const struct record_field *f;
	struct record_view view;
	struct record_desk a, b;
	struct dot id, note;

	(void)state;
	record_desk_open(&a, 1);
	record_desk_open(&b, 2);
	id = add_thing(&a, "Hoa");
	assert_int_equal(record_desk_edit(&a, id, NULL, NULL, "notes=đã gọi", NULL), RC_OK);
	note = a.dot;
	record_desk_sync(&a, &b);
	assert_int_equal(record_desk_void(&b, id, "notes", (struct address){ note, 1 }, ""),
	    RC_INVALID);
	assert_int_equal(record_desk_void(&b, id, "notes", (struct address){ note, 2 }, "nhầm"),
	    RC_NOTFOUND);
	assert_int_equal(record_desk_void(&b, id, "topics", (struct address){ id, 1 }, "nhầm"),
	    RC_INVALID);
	assert_int_equal(record_desk_void(&b, id, "notes", (struct address){ note, 1 }, "nhầm"),
	    RC_OK);
	assert_int_equal(record_desk_void(&b, id, "notes", (struct address){ note, 1 }, "lại"),
	    RC_NOTFOUND);
	record_desk_sync(&a, &b);
	record_desk_assert(&a, id, "notes", "đã gọi!");
	assert_int_equal(record_show(&a.c, &id, &view, &a.err), RC_OK);
	f = record_view_field(&view, "notes");
	assert_string_equal(f->values[0].void_reason, "nhầm");
	assert_memory_equal(f->values[0].void_by, b.device, sizeof(b.device));
	record_view_reset(&view);
	assert_int_equal(record_fixture_int(a.db, "SELECT voided FROM form_thing__notes"), 1);
	record_desk_close(&a);
	record_desk_close(&b);
}

static void
hidden_values_of_a_settled_field_are_replaced_by_an_edit_that_saw_them(void **state)
{
	struct record_desk a, b;
	struct dot id;
	char *seen;

	(void)state;
	record_desk_open(&a, 1);
	record_desk_open(&b, 2);
	id = add_thing(&a, "Hoa");
	record_desk_sync(&a, &b);
	b.now = a.now + 100;
	assert_int_equal(record_desk_edit(&a, id, NULL, NULL, "title=cũ", NULL), RC_OK);
	assert_int_equal(record_desk_edit(&b, id, NULL, NULL, "title=mới", NULL), RC_OK);
	record_desk_sync(&a, &b);
	record_desk_assert(&a, id, "title", "mới | cũ settled");
	assert_int_equal(record_fixture_int(a.db, "SELECT settled FROM record"), 1);
	seen = record_desk_seen(&a, id);
	assert_int_equal(record_desk_edit(&a, id, seen, NULL, "title=nữa", NULL), RC_OK);
	record_desk_assert(&a, id, "title", "nữa");
	free(seen);
	record_desk_close(&a);
	record_desk_close(&b);
}

static bool
reads_nothing(void *ctx, const char *unit, unsigned compartment)
{
	(void)ctx;
	(void)unit;
	(void)compartment;
	return false;
}

static void
tip_into_a_scope_that_is_not_read_here_is_written_and_not_folded(void **state)
{
	struct record_view view;
	struct record_desk a, b;
	struct dot id;

	(void)state;
	record_desk_open(&a, 1);
	record_desk_open(&b, 2);
	a.c.reads = reads_nothing;
	id = add_thing(&a, "Hoa");
	assert_int_equal(record_show(&a.c, &id, &view, &a.err), RC_NOTFOUND);
	record_desk_sync(&a, &b);
	record_desk_assert(&b, id, "name", "Hoa");
	record_desk_close(&a);
	record_desk_close(&b);
}

static void
released_entry_counts_once_under_a_new_dot(void **state)
{
	struct record_desk a, b;
	struct dot id, edit, released;
	uint64_t from;

	(void)state;
	record_desk_open(&a, 1);
	record_desk_open(&b, 2);
	id = add_thing(&a, "Hoa");
	assert_int_equal(record_desk_edit(&a, id, NULL, NULL, "name=Lan", NULL), RC_OK);
	edit = a.dot;
	record_desk_sync(&a, &b);
	assert_int_equal(record_restate(&b.c, &edit, &released, &b.err), RC_INVALID);
	assert_int_equal(journal_set_limit(b.db, edit.log, 1, &from, NULL), RC_OK);
	assert_int_equal(fold_refold_log(b.fold, edit.log, from, NULL), RC_OK);
	assert_int_equal(fold_flush(b.fold, NULL), RC_OK);
	record_desk_assert(&b, id, "name", "Hoa");
	error_clear(&b.err);
	assert_int_equal(record_restate(&b.c, &edit, &released, &b.err), RC_OK);
	record_desk_assert(&b, id, "name", "Lan");
	assert_true(released.log != edit.log);
	record_desk_sync(&a, &b);		/* a has no limit: the original counts there */
	record_desk_assert(&a, id, "name", "Lan");
	record_desk_close(&a);
	record_desk_close(&b);
}

static void
lists_the_newest_first_and_by_a_condition(void **state)
{
	struct record_line *lines;
	struct record_desk d;
	struct dot id;
	size_t n;

	(void)state;
	record_desk_open(&d, 1);
	add_thing(&d, "Hoa");
	add_thing(&d, "Lan");
	id = add_thing(&d, "Mai");
	assert_int_equal(record_desk_edit(&d, id, NULL, NULL, "count=50", "topics=T3", NULL), RC_OK);
	id = add_thing(&d, "Cúc");
	assert_int_equal(record_desk_delete(&d, id, NULL), RC_OK);
	assert_int_equal(record_list(&d.c, "thing", NULL, false, 2, &lines, &n, &d.err), RC_OK);
	assert_int_equal(n, 2);
	assert_string_equal(lines[0].headline, "Mai");
	assert_string_equal(lines[1].headline, "Lan");
	record_lines_free(lines, n);
	assert_int_equal(record_list(&d.c, "thing", "${count} > 10 and selected(${topics}, 'T3')",
	    false, 10, &lines, &n, &d.err), RC_OK);
	assert_int_equal(n, 1);
	assert_string_equal(lines[0].headline, "Mai");
	record_lines_free(lines, n);
	assert_int_equal(record_list(&d.c, "thing", "selected(${topics}, 'T1') and"
	    " selected(${topics}, 'T2')", false, 10, &lines, &n, &d.err), RC_OK);
	assert_int_equal(n, 2);
	record_lines_free(lines, n);
	assert_int_equal(record_list(&d.c, "thing", "${nothing} = 1", false, 10, &lines, &n, &d.err),
	    RC_FORMAT);
	assert_int_equal(record_list(&d.c, "thing", NULL, true, 10, &lines, &n, &d.err), RC_OK);
	assert_int_equal(n, 1);
	assert_string_equal(lines[0].headline, "Cúc");
	record_lines_free(lines, n);
	assert_int_equal(record_list(&d.c, "nothing", NULL, false, 10, &lines, &n, &d.err), RC_NOTFOUND);
	record_desk_close(&d);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(creates_shows_and_derives),
		cmocka_unit_test(refuses_to_create_what_breaks_a_rule_and_writes_nothing),
		cmocka_unit_test(reference_must_name_a_record_of_its_form_in_the_same_scope),
		cmocka_unit_test(edit_writes_only_what_changed),
		cmocka_unit_test(set_of_a_union_is_written_as_what_came_and_what_went),
		cmocka_unit_test(group_is_written_whole_with_the_members_that_were_seen),
		cmocka_unit_test(value_pulled_between_show_and_save_is_not_silently_replaced),
		cmocka_unit_test(without_a_token_what_is_live_now_is_replaced_but_no_conflict),
		cmocka_unit_test(refuses_a_token_that_is_damaged_or_of_another_record),
		cmocka_unit_test(lowering_or_lifting_asks_for_a_reason),
		cmocka_unit_test(rule_that_is_broken_elsewhere_does_not_stand_in_the_way),
		cmocka_unit_test(picking_a_value_settles_a_conflict_on_every_desk),
		cmocka_unit_test(resolving_replaces_only_what_the_listing_showed),
		cmocka_unit_test(delete_and_unseen_edit_are_a_conflict_that_either_side_can_win),
		cmocka_unit_test(deleted_record_can_be_restored_with_all_its_values),
		cmocka_unit_test(voided_value_stays_visible_with_reason_and_author),
		cmocka_unit_test(hidden_values_of_a_settled_field_are_replaced_by_an_edit_that_saw_them),
		cmocka_unit_test(tip_into_a_scope_that_is_not_read_here_is_written_and_not_folded),
		cmocka_unit_test(released_entry_counts_once_under_a_new_dot),
		cmocka_unit_test(lists_the_newest_first_and_by_a_condition),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
