#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "shared/records/fold.h"
#include "shared/records/tables.h"
#include "tests/support/record_desk.h"
#include "tests/support/record_fixture.h"

static void
assert_text(struct record_desk *d, const char *sql, const char *want)
{
	char *got = record_fixture_text(d->db, sql);

	assert_string_equal(got, want);
	free(got);
}

static void
columns_hold_values_in_their_own_types(void **state)
{
	struct record_desk d;
	struct dot id;

	(void)state;
	record_desk_open(&d, 1);
	assert_int_equal(record_desk_add(&d, "thing", &id, "name=Hòa", "kind=B", "born=1998-05",
	    "born_how=YEAR", "count=7", "weight=12.5", "detail=d", "unit=cái", NULL), RC_OK);
	assert_text(&d, "SELECT name || ' ' || kind || ' ' || born || ' ' || born_how || ' ' ||"
	    " count || ' ' || weight || ' ' || detail || ' ' || unit || ' ' || unit_ || ' ' ||"
	    " created_at || ' ' || alive || ' ' || conflicts FROM form_thing",
	    "Hòa B 1998-05 YEAR 7 12.5 d HN-1 cái 1764000001 1 0");
	assert_text(&d, "SELECT typeof(name) || typeof(count) || typeof(weight) || typeof(born) ||"
	    " typeof(title) || typeof(risk) FROM form_thing", "textintegerrealtextnullnull");
	record_desk_close(&d);
}

static void
calculations_are_stored_and_a_year_is_a_number(void **state)
{
	struct record_desk d;
	struct dot id;

	(void)state;
	record_desk_open(&d, 1);
	assert_int_equal(record_desk_add(&d, "thing", &id, "kind=B", "born=1998-05", NULL), RC_OK);
	assert_text(&d, "SELECT size_word || ' ' || typeof(size_word) || ' ' || year || ' ' ||"
	    " typeof(year) FROM form_thing", "big text 1998 integer");
	assert_int_equal(record_desk_edit(&d, id, NULL, NULL, "kind=A", "born=", NULL), RC_OK);
	assert_text(&d, "SELECT size_word || ' ' || (year IS NULL) FROM form_thing", "small 1");
	record_desk_close(&d);
}

static void
child_table_has_one_row_a_value_and_marks_voided_ones(void **state)
{
	struct record_desk a, b;
	struct dot id;

	(void)state;
	record_desk_open(&a, 1);
	record_desk_open(&b, 2);
	assert_int_equal(record_desk_add(&a, "thing", &id, "name=Hoa", "topics=T1", NULL), RC_OK);
	record_desk_sync(&a, &b);
	assert_int_equal(record_desk_edit(&a, id, NULL, NULL, "topics=T1,T2", "notes=x", NULL), RC_OK);
	assert_int_equal(record_desk_edit(&b, id, NULL, NULL, "topics=T1,T2,T3", "notes=x", NULL),
	    RC_OK);
	record_desk_sync(&a, &b);
	assert_text(&a, "SELECT group_concat(value, ' ') FROM (SELECT value FROM form_thing__topics"
	    " ORDER BY value)", "T1 T2 T3");	/* T2 was added twice and is one topic */
	assert_int_equal(record_fixture_int(a.db, "SELECT count(*) FROM form_thing__notes"), 2);
	assert_int_equal(record_desk_void(&a, id, "notes", (struct address){ b.dot, 1 }, "nhầm"), RC_OK);
	assert_int_equal(record_fixture_int(a.db, "SELECT count(*) FROM form_thing__notes"
	    " WHERE voided = 0"), 1);
	assert_int_equal(record_fixture_int(a.db, "SELECT count(*) FROM form_thing__notes n"
	    " JOIN form_thing t USING(id)"), 2);
	record_desk_close(&a);
	record_desk_close(&b);
}

static void
reference_is_the_number_of_a_record_that_may_come_later(void **state)
{
	struct record_desk a, b;
	struct dot thing, part;
	char pair[64] = "thing_id=";

	(void)state;
	record_desk_open(&a, 1);
	record_desk_open(&b, 2);
	assert_int_equal(record_desk_add(&a, "thing", &thing, "name=Hoa", NULL), RC_OK);
	dot_text(&thing, pair + 9);
	assert_int_equal(record_desk_add(&a, "part", &part, pair, "amount=2", NULL), RC_OK);
	/* the part comes first: n = 2 of the same log */
	record_fixture_carry(a.db, part.log, 2, 2, b.db, b.fold);
	assert_int_equal(fold_flush(b.fold, NULL), RC_OK);
	assert_int_equal(record_fixture_int(b.db, "SELECT count(*) FROM form_part p JOIN record r"
	    " ON r.id = p.thing_id WHERE r.form = ''"), 1);
	record_desk_sync(&a, &b);
	assert_text(&b, "SELECT t.name FROM form_part p JOIN form_thing t ON t.id = p.thing_id",
	    "Hoa");
	record_desk_close(&a);
	record_desk_close(&b);
}

static void
indexes_stand_on_references_alone(void **state)
{
	static const char indexes[] = "SELECT group_concat(name, ' ') FROM (SELECT name FROM"
	    " sqlite_schema WHERE type = 'index' AND tbl_name LIKE 'form%' AND sql <> '' ORDER BY name)";
	struct record_desk d;
	struct tables *t;

	(void)state;
	record_desk_open(&d, 1);
	assert_text(&d, indexes, "form_part_of_thing_id");
	/* as earlier versions of the program made them */
	record_fixture_run(d.db, "CREATE INDEX form_thing_by_unit ON form_thing(unit);"
	    "CREATE INDEX form_thing_by_born ON form_thing(born);"
	    "CREATE INDEX form_thing__topics_by_value ON form_thing__topics(value)");
	assert_int_equal(tables_open(d.db, d.forms, &t, NULL), RC_OK);
	tables_close(t);
	assert_text(&d, indexes, "form_part_of_thing_id");
	record_desk_close(&d);
}

static void
newer_form_adds_a_column_and_opening_twice_changes_nothing(void **state)
{
	struct form_set *newer = record_fixture_forms(2);
	struct tables *t;
	struct record_desk d;
	struct dot id;
	char *before, *after;

	(void)state;
	record_desk_open(&d, 1);
	assert_int_equal(record_desk_add(&d, "thing", &id, "name=Hoa", NULL), RC_OK);
	assert_int_equal(tables_open(d.db, newer, &t, NULL), RC_OK);
	tables_close(t);
	assert_text(&d, "SELECT name || (colour IS NULL) FROM form_thing", "Hoa1");
	before = record_fixture_text(d.db, "SELECT group_concat(sql, ';') FROM sqlite_schema");
	assert_int_equal(tables_open(d.db, newer, &t, NULL), RC_OK);
	tables_close(t);
	after = record_fixture_text(d.db, "SELECT group_concat(sql, ';') FROM sqlite_schema");
	assert_string_equal(before, after);
	free(before);
	free(after);
	record_desk_close(&d);
	form_set_free(newer);
}

/* Each alone, as when a program was ended, or a damaged vault was mended without it. */
static void
whatever_is_missing_is_made_again(void **state)
{
	static const char *const gone[] = {
		"DROP INDEX form_part_of_thing_id", "ALTER TABLE form_thing DROP COLUMN detail",
		"DROP TABLE form_thing__topics", "DROP TABLE form_thing", "DROP TABLE form_part"
	};
	static const char list[] = "SELECT group_concat(name, ' ') FROM (SELECT s.type || ' ' || s.name"
	    " AS name FROM sqlite_schema s UNION ALL SELECT s.name || '.' || c.name || ' ' || c.type"
	    " FROM sqlite_schema s, pragma_table_info(s.name) c WHERE s.type = 'table' ORDER BY 1)";
	struct form_set *forms = record_fixture_forms(1);
	struct tables *t;
	struct record_desk d;
	char *whole, *now;

	(void)state;
	record_desk_open(&d, 1);
	whole = record_fixture_text(d.db, list);
	for (size_t i = 0; i < sizeof(gone) / sizeof(gone[0]); i++) {
		record_fixture_run(d.db, gone[i]);
		now = record_fixture_text(d.db, list);
		assert_string_not_equal(now, whole);
		free(now);
		assert_int_equal(tables_open(d.db, forms, &t, NULL), RC_OK);
		tables_close(t);
		now = record_fixture_text(d.db, list);
		assert_string_equal(now, whole);
		free(now);
	}
	free(whole);
	record_desk_close(&d);
	form_set_free(forms);
}

/* `unit` is a column of every form already, so the field gets another, which a field may have, too. */
static void
two_fields_may_come_to_one_column(void **state)
{
	static const char sheets[3][400] = {
		"list_name,name,label::Tiếng Việt (vi),label::English (en)\n",
		"form_title::Tiếng Việt (vi),form_title::English (en),form_id,version,compartment\n"
		"T,T,odd,1,cases\n",
		"type,name,label::Tiếng Việt (vi),label::English (en),bind::field:number\n"
		"text,unit,A,A,1\ntext,unit_,B,B,2\ninteger,last,C,C,3\n" };
	static const char *const names[3] = { "choices", "settings", "survey" };
	struct sqlite3 *db = record_fixture_db();
	struct form_file files[3];
	struct form_set *forms;
	struct tables *t;
	char path[3][40], *columns;

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		snprintf(path[i], sizeof(path[i]), "forms/odd/%s.csv", names[i]);
		files[i] = (struct form_file){ path[i], (const uint8_t *)sheets[i], strlen(sheets[i]) };
	}
	assert_int_equal(form_set_load(files, 3, &forms, NULL), RC_OK);
	for (int again = 0; again < 2; again++) {
		assert_int_equal(tables_open(db, forms, &t, NULL), RC_OK);
		tables_close(t);
		columns = record_fixture_text(db, "SELECT group_concat(name || ' ' || type, ', ') FROM"
		    " pragma_table_info('form_odd') WHERE cid > 4");
		assert_string_equal(columns, again == 0 ? "unit_ TEXT, last INTEGER" :
		    "last INTEGER, unit_ TEXT");
		free(columns);
		record_fixture_run(db, "ALTER TABLE form_odd DROP COLUMN unit_");
	}
	record_fixture_close(db);
	form_set_free(forms);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(columns_hold_values_in_their_own_types),
		cmocka_unit_test(calculations_are_stored_and_a_year_is_a_number),
		cmocka_unit_test(child_table_has_one_row_a_value_and_marks_voided_ones),
		cmocka_unit_test(reference_is_the_number_of_a_record_that_may_come_later),
		cmocka_unit_test(indexes_stand_on_references_alone),
		cmocka_unit_test(newer_form_adds_a_column_and_opening_twice_changes_nothing),
		cmocka_unit_test(whatever_is_missing_is_made_again),
		cmocka_unit_test(two_fields_may_come_to_one_column),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
