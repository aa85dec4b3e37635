#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "shared/records/fold.h"
#include "shared/records/journal.h"
#include "tests/support/record_fixture.h"

/* A device: its database, fold and writer. */
struct desk {
	struct sqlite3 *db;
	struct fold *fold;
	struct form_set *forms;
	struct journal_writer *writer;
	struct journal_scope scope;
	uint8_t device[ENTRY_DEVICE_BYTES];
	uint64_t seed;
};

static void
desk_open(struct desk *d, uint8_t device)
{
	struct error err = { 0 };

	memset(d, 0, sizeof(*d));
	d->db = record_fixture_db();
	d->forms = record_fixture_forms(1);
	d->seed = 1000 + device;
	d->scope = record_fixture_scope("HN-1", 1);
	record_fixture_device(device, d->device);
	if (fold_open(d->db, d->forms, &d->fold, &err) != RC_OK)
		fail_msg("%s: %s", err.where, err.what);
	assert_int_equal(journal_writer_new(d->device, record_fixture_random(&d->seed), &d->writer),
	    RC_OK);
}

static void
desk_close(struct desk *d)
{
	journal_writer_free(d->writer);
	fold_close(d->fold);
	form_set_free(d->forms);
	record_fixture_close(d->db);
}

/* Write one text to a field of a thing; record NULL creates it. */
static struct dot
write_field(struct desk *d, const struct dot *record, const char *form, unsigned field,
    const char *text, const struct dot *replaced)
{
	struct value v = { .type = VALUE_TEXT, .text = text, .text_len = strlen(text) };
	struct address at = { { 0, 0 }, 0 };
	struct write w = { .field = field, .values = &v, .n_values = 1 };
	struct entry e = { .creates = record == NULL, .form = form, .form_len = strlen(form),
		.form_version = 1, .saved_at = 1000, .writes = &w, .n_writes = 1 };
	struct error err = { 0 };

	if (record != NULL)
		e.record = *record;
	if (replaced != NULL) {
		at.dot = *replaced;
		w.replaces = &at;
		w.n_replaces = 1;
	}
	if (journal_append(d->db, d->writer, &d->scope, true, &e, &err) != RC_OK ||
	    fold_entry(d->fold, &e, &err) != RC_OK || fold_flush(d->fold, &err) != RC_OK)
		fail_msg("%s", err.what);
	return e.dot;
}

static struct dot
write_name(struct desk *d, const struct dot *record, const char *name, const struct dot *replaced)
{
	return write_field(d, record, "thing", 1, name, replaced);
}

static void
assert_text(struct desk *d, const char *sql, const char *want)
{
	char *got = record_fixture_text(d->db, sql);

	assert_string_equal(got, want);
	free(got);
}

static void
assert_same_fold(struct desk *a, struct desk *b)
{
	uint8_t x[FOLD_DIGEST_BYTES], y[FOLD_DIGEST_BYTES];

	assert_int_equal(fold_digest(a->db, x, NULL), RC_OK);
	assert_int_equal(fold_digest(b->db, y, NULL), RC_OK);
	assert_memory_equal(x, y, sizeof(x));
}

/* Everything derived, as text; ids are local, so records go by their dots. */
static char *
dump(struct desk *d)
{
	return record_fixture_text(d->db,
	    "SELECT group_concat(line, char(10)) FROM (SELECT hex(r.log) || ' ' || r.n || ' ' || r.form"
	    " || ' ' || r.unit || ' ' || r.created_at || ' ' || hex(coalesce(r.created_by, '')) || ' '"
	    " || r.alive || r.conflicts || r.settled || r.breaches || r.newer || ' ' || hex(r.state)"
	    " || ' ' || coalesce(t.name, '-') || ' ' || coalesce(t.conflicts, '-') || ' ' ||"
	    " coalesce(w.folded, '-') AS line FROM record r LEFT JOIN form_thing t USING(id)"
	    " LEFT JOIN words w ON w.rowid = r.id WHERE length(r.state) > 0 ORDER BY r.log, r.n)");
}

static void
entry_shows_in_record_typed_table_and_words(void **state)
{
	struct desk d;

	(void)state;
	desk_open(&d, 1);
	write_name(&d, NULL, "Đặng Thị Hòa", NULL);
	assert_text(&d, "SELECT name FROM form_thing", "Đặng Thị Hòa");
	assert_text(&d, "SELECT folded FROM words", "dang thi hoa");
	assert_text(&d, "SELECT form || unit || compartment || alive FROM record", "thingHN-111");
	assert_text(&d, "SELECT hex(created_by) FROM record", "01010101010101010101010101010101");
	assert_int_equal(record_fixture_int(d.db, "SELECT created_at FROM record"), 1000);
	desk_close(&d);
}

static void
two_desks_that_edit_apart_show_the_same_conflict(void **state)
{
	struct desk a, b;
	struct dot id;

	(void)state;
	desk_open(&a, 1);
	desk_open(&b, 2);
	id = write_name(&a, NULL, "Hoa", NULL);
	record_fixture_carry_all(a.db, b.db, b.fold);
	assert_same_fold(&a, &b);
	write_name(&a, &id, "Hòa", &id);
	write_name(&b, &id, "Huệ", &id);
	record_fixture_carry_all(a.db, b.db, b.fold);
	record_fixture_carry_all(b.db, a.db, a.fold);
	assert_same_fold(&a, &b);
	assert_int_equal(record_fixture_int(a.db, "SELECT conflicts FROM record"), 1);
	assert_int_equal(record_fixture_int(b.db, "SELECT conflicts FROM form_thing"), 1);
	desk_close(&a);
	desk_close(&b);
}

enum { LOGS = 4, PER_LOG = 12 };

/* Four desks that know little of each other write to few records. */
static void
write_tangle(struct desk *all, uint64_t *seed)
{
	static const char *const names[] = { "Hoa", "Lan", "Mai", "Cúc" };
	struct dot made[LOGS * PER_LOG], of[LOGS * PER_LOG];
	size_t n = 0;

	for (size_t i = 0; i < LOGS * PER_LOG; i++) {
		struct desk *d = &all[record_fixture_pick(seed, LOGS)];
		const char *name = names[record_fixture_pick(seed, 4)];
		unsigned field = record_fixture_pick(seed, 2) == 0 ? 1 : 9;

		if (n == 0 || record_fixture_pick(seed, 4) == 0) {
			made[n] = write_field(d, NULL, "thing", field, name, NULL);
			of[n] = made[n];
		} else {
			size_t k = record_fixture_pick(seed, n);

			made[n] = write_field(d, &of[k], "thing", field, name, &made[k]);
			of[n] = of[k];
		}
		n++;
	}
}

struct piece {
	struct sqlite3 *db;
	uint64_t log, n;
};

struct pieces {
	struct piece all[LOGS * PER_LOG];
	size_t n;
	struct sqlite3 *db;
};

static enum rc
cut_log(void *ctx, const struct journal_log *log)
{
	struct pieces *p = ctx;

	for (uint64_t n = 1; n <= log->head_n; n++)
		p->all[p->n++] = (struct piece){ p->db, log->id, n };
	return RC_OK;
}

static void
any_order_of_frames_gives_the_same_tables(void **state)
{
	struct desk writers[LOGS], first, to;
	struct pieces p = { .n = 0 };
	uint64_t seed = 77;
	char *want, *got;

	(void)state;
	for (uint8_t i = 0; i < LOGS; i++)
		desk_open(&writers[i], (uint8_t)(i + 1));
	write_tangle(writers, &seed);
	desk_open(&first, 9);
	for (size_t i = 0; i < LOGS; i++) {
		p.db = writers[i].db;
		assert_int_equal(journal_logs(p.db, NULL, cut_log, &p, NULL), RC_OK);
		record_fixture_carry_all(p.db, first.db, first.fold);
	}
	assert_int_equal(p.n, LOGS * PER_LOG);
	want = dump(&first);
	for (int round = 0; round < 40; round++) {
		desk_open(&to, 9);
		for (size_t i = p.n; i > 1; i--) {
			size_t k = record_fixture_pick(&seed, i);
			struct piece t = p.all[i - 1];

			p.all[i - 1] = p.all[k];
			p.all[k] = t;
		}
		for (size_t i = 0; i < p.n; i++) {
			record_fixture_carry(p.all[i].db, p.all[i].log, p.all[i].n, p.all[i].n, to.db,
			    to.fold);
			if (record_fixture_pick(&seed, 3) == 0)
				assert_int_equal(fold_flush(to.fold, NULL), RC_OK);
		}
		assert_int_equal(fold_flush(to.fold, NULL), RC_OK);
		got = dump(&to);
		assert_string_equal(got, want);
		free(got);
		desk_close(&to);
	}
	free(want);
	desk_close(&first);
	for (size_t i = 0; i < LOGS; i++)
		desk_close(&writers[i]);
}

static void
rebuild_gives_an_identical_result(void **state)
{
	struct desk writers[LOGS], d;
	uint64_t seed = 78;
	char *before, *after;

	(void)state;
	desk_open(&d, 9);
	for (uint8_t i = 0; i < LOGS; i++)
		desk_open(&writers[i], (uint8_t)(i + 1));
	write_tangle(writers, &seed);
	for (size_t i = 0; i < LOGS; i++)
		record_fixture_carry_all(writers[i].db, d.db, d.fold);
	before = dump(&d);
	record_fixture_run(d.db, "UPDATE record SET conflicts = 7, state = x''; DELETE FROM form_thing;"
	    " DELETE FROM words WHERE rowid < 3; BEGIN");
	assert_int_equal(fold_rebuild(d.fold, NULL), RC_OK);
	record_fixture_run(d.db, "COMMIT");
	after = dump(&d);
	assert_string_equal(before, after);
	free(before);
	free(after);
	for (size_t i = 0; i < LOGS; i++)
		desk_close(&writers[i]);
	desk_close(&d);
}

static void
entries_beyond_a_limit_neither_show_nor_replace(void **state)
{
	struct dot id, second;
	uint64_t from;
	struct desk a, b;

	(void)state;
	desk_open(&a, 1);
	desk_open(&b, 2);
	id = write_name(&a, NULL, "Hoa", NULL);
	second = write_name(&a, &id, "Lan", &id);
	record_fixture_carry_all(a.db, b.db, b.fold);
	assert_text(&b, "SELECT name FROM form_thing", "Lan");
	assert_int_equal(journal_set_limit(b.db, id.log, 1, &from, NULL), RC_OK);
	assert_int_equal(from, second.n);
	assert_int_equal(fold_refold_log(b.fold, id.log, from, NULL), RC_OK);
	assert_int_equal(fold_flush(b.fold, NULL), RC_OK);
	assert_text(&b, "SELECT name FROM form_thing", "Hoa");
	assert_int_equal(journal_set_limit(b.db, id.log, 0, &from, NULL), RC_OK);
	assert_int_equal(fold_refold_log(b.fold, id.log, from, NULL), RC_OK);
	assert_int_equal(fold_flush(b.fold, NULL), RC_OK);
	assert_int_equal(record_fixture_int(b.db, "SELECT count(*) FROM form_thing"), 0);
	assert_int_equal(record_fixture_int(b.db, "SELECT count(*) FROM words"), 0);
	assert_int_equal(journal_set_limit(b.db, id.log, JOURNAL_NO_LIMIT, &from, NULL), RC_OK);
	assert_int_equal(fold_refold_log(b.fold, id.log, from, NULL), RC_OK);
	assert_int_equal(fold_flush(b.fold, NULL), RC_OK);
	assert_same_fold(&a, &b);
	assert_text(&b, "SELECT name FROM form_thing", "Lan");
	desk_close(&a);
	desk_close(&b);
}

static void
both_branches_of_a_fork_are_left_out_whichever_came_first(void **state)
{
	struct desk a, b, first, second;
	struct dot id;

	(void)state;
	desk_open(&a, 1);
	desk_open(&b, 1);	/* a copy of the running process: the same noise */
	id = write_name(&a, NULL, "Hoa", NULL);
	write_name(&b, NULL, "Hoa", NULL);
	write_name(&a, &id, "Lan", &id);
	write_name(&b, &id, "Mai", &id);
	write_name(&b, &id, "Cúc", &id);
	desk_open(&first, 3);
	desk_open(&second, 4);
	record_fixture_carry_all(a.db, first.db, first.fold);
	record_fixture_carry_all(b.db, first.db, first.fold);
	record_fixture_carry_all(b.db, second.db, second.fold);
	record_fixture_carry_all(a.db, second.db, second.fold);
	assert_text(&first, "SELECT name FROM form_thing", "Hoa");
	assert_same_fold(&first, &second);
	desk_close(&a);
	desk_close(&b);
	desk_close(&first);
	desk_close(&second);
}

static void
entry_in_another_scope_than_its_record_is_left_out(void **state)
{
	struct desk a, b, first, second;
	struct dot id;

	(void)state;
	desk_open(&a, 1);
	desk_open(&b, 2);
	id = write_name(&a, NULL, "Hoa", NULL);
	b.scope = record_fixture_scope("HN-1", 0);
	write_name(&b, &id, "Lan", &id);	/* b has never seen the record */
	assert_text(&b, "SELECT name FROM form_thing", "Lan");
	desk_open(&first, 3);
	desk_open(&second, 4);
	record_fixture_carry_all(a.db, first.db, first.fold);
	record_fixture_carry_all(b.db, first.db, first.fold);
	record_fixture_carry_all(b.db, second.db, second.fold);
	record_fixture_carry_all(a.db, second.db, second.fold);
	assert_text(&first, "SELECT name FROM form_thing", "Hoa");
	assert_same_fold(&first, &second);
	assert_text(&second, "SELECT compartment FROM record", "1");
	desk_close(&a);
	desk_close(&b);
	desk_close(&first);
	desk_close(&second);
}

static void
log_that_does_not_fold_here_shows_nothing_until_it_does(void **state)
{
	struct desk d;

	(void)state;
	desk_open(&d, 1);
	write_name(&d, NULL, "Hoa", NULL);
	record_fixture_run(d.db, "BEGIN");
	record_fixture_run(d.db, "UPDATE log SET folds = 0");
	assert_int_equal(fold_rebuild(d.fold, NULL), RC_OK);
	assert_int_equal(record_fixture_int(d.db, "SELECT count(*) FROM form_thing"), 0);
	record_fixture_run(d.db, "UPDATE log SET folds = 1");
	assert_int_equal(fold_rebuild(d.fold, NULL), RC_OK);
	record_fixture_run(d.db, "COMMIT");
	assert_text(&d, "SELECT name FROM form_thing", "Hoa");
	desk_close(&d);
}

static void
fields_and_forms_of_a_newer_version_wait_and_are_counted(void **state)
{
	struct form_set *newer = record_fixture_forms(2);
	struct dot id;
	struct desk d;

	(void)state;
	desk_open(&d, 1);
	id = write_name(&d, NULL, "Hoa", NULL);
	write_field(&d, &id, "thing", 15, "đỏ", NULL);
	write_field(&d, NULL, "unheard_of", 1, "x", NULL);
	assert_int_equal(record_fixture_int(d.db, "SELECT sum(newer) FROM record"), 2);
	assert_int_equal(record_fixture_int(d.db, "SELECT count(*) FROM form_thing"), 1);
	assert_int_equal(fold_forms_changed(d.fold, newer, NULL), RC_OK);
	assert_text(&d, "SELECT colour FROM form_thing", "đỏ");
	assert_text(&d, "SELECT folded FROM words", "hoa do");
	assert_int_equal(record_fixture_int(d.db, "SELECT sum(newer) FROM record"), 1);
	assert_int_equal(record_fixture_int(d.db, "SELECT version FROM shown_form"
	    " WHERE form = 'thing'"), 2);
	desk_close(&d);
	form_set_free(newer);
}

static void
opening_with_a_newer_form_set_shows_what_waited(void **state)
{
	struct form_set *newer = record_fixture_forms(2);
	struct dot id;
	struct desk d;

	(void)state;
	desk_open(&d, 1);
	id = write_name(&d, NULL, "Hoa", NULL);
	write_field(&d, &id, "thing", 15, "đỏ", NULL);
	fold_close(d.fold);
	assert_int_equal(fold_open(d.db, newer, &d.fold, NULL), RC_OK);
	assert_text(&d, "SELECT colour FROM form_thing", "đỏ");
	desk_close(&d);
	form_set_free(newer);
}

static void
discarding_after_a_rollback_forgets_what_was_held_back(void **state)
{
	struct dot id, lost;
	struct desk d;

	(void)state;
	desk_open(&d, 1);
	id = write_name(&d, NULL, "Hoa", NULL);
	record_fixture_run(d.db, "BEGIN");
	lost = write_name(&d, &id, "Lan", &id);
	record_fixture_run(d.db, "ROLLBACK");
	fold_discard(d.fold);
	assert_text(&d, "SELECT name FROM form_thing", "Hoa");
	assert_true(dot_compare(&lost, &(struct dot){ id.log, 2 }) == 0);
	write_name(&d, &id, "Mai", &id);
	assert_text(&d, "SELECT name FROM form_thing", "Mai");
	desk_close(&d);
}

static void
texts_longer_than_the_form_takes_do_not_stop_the_fold(void **state)
{
	enum { LONG = 50000, ITEMS = 5 };
	struct value values[ITEMS];
	struct write w = { .field = 7, .kind = WRITE_ITEMS, .values = values, .n_values = ITEMS };
	struct entry e = { .creates = true, .form = "thing", .form_len = 5, .form_version = 1,
		.writes = &w, .n_writes = 1 };
	char *text = malloc(LONG);
	struct desk d;

	(void)state;
	assert_non_null(text);
	memset(text, 'a', LONG);
	for (size_t i = 0; i < ITEMS; i++) {
		text[0] = (char)('a' + (int)i);
		values[i] = (struct value){ .type = VALUE_TEXT, .text = text, .text_len = LONG };
	}
	desk_open(&d, 1);
	assert_int_equal(journal_append(d.db, d.writer, &d.scope, true, &e, NULL), RC_OK);
	assert_int_equal(fold_entry(d.fold, &e, NULL), RC_OK);
	assert_int_equal(fold_flush(d.fold, NULL), RC_OK);
	assert_int_equal(record_fixture_int(d.db, "SELECT count(*) FROM form_thing__notes"), ITEMS);
	free(text);
	desk_close(&d);
}

/* What a device that means harm may do to a record that it can write to. */
static void
a_record_that_is_too_large_holds_up_nothing_else(void **state)
{
	char text[1001];
	struct desk d;
	struct dot big, small, last = { 0, 0 };
	uint8_t before[FOLD_DIGEST_BYTES], after[FOLD_DIGEST_BYTES];

	(void)state;
	memset(text, 'x', sizeof(text) - 1);
	text[1000] = '\0';
	desk_open(&d, 1);
	fold_limit_states(d.fold, 4000);
	big = write_name(&d, NULL, "lớn", NULL);
	for (int i = 0; i < 6; i++) {
		text[0] = (char)('a' + i);
		last = write_name(&d, &big, text, NULL);
	}
	assert_int_not_equal(last.n, 0);
	small = write_name(&d, NULL, "nhỏ", NULL);
	assert_int_not_equal(small.n, 0);
	assert_text(&d, "SELECT count(*) FROM record WHERE form <> ''", "1");
	assert_text(&d, "SELECT count(*) FROM oversize", "1");
	assert_text(&d, "SELECT count(*) FROM entry", "8");
	/* in whatever order it is made, it is the same */
	assert_int_equal(fold_digest(d.db, before, NULL), RC_OK);
	assert_int_equal(fold_rebuild(d.fold, NULL), RC_OK);
	assert_int_equal(fold_digest(d.db, after, NULL), RC_OK);
	assert_memory_equal(before, after, sizeof(after));
	assert_text(&d, "SELECT count(*) FROM oversize", "1");
	/* one entry more makes it again; within the limit it is there */
	fold_limit_states(d.fold, 100000);
	(void)write_name(&d, &big, "vừa", NULL);
	assert_text(&d, "SELECT count(*) FROM record WHERE form <> ''", "2");
	assert_text(&d, "SELECT count(*) FROM oversize", "0");
	desk_close(&d);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_record_that_is_too_large_holds_up_nothing_else),
		cmocka_unit_test(entry_shows_in_record_typed_table_and_words),
		cmocka_unit_test(two_desks_that_edit_apart_show_the_same_conflict),
		cmocka_unit_test(any_order_of_frames_gives_the_same_tables),
		cmocka_unit_test(rebuild_gives_an_identical_result),
		cmocka_unit_test(entries_beyond_a_limit_neither_show_nor_replace),
		cmocka_unit_test(both_branches_of_a_fork_are_left_out_whichever_came_first),
		cmocka_unit_test(entry_in_another_scope_than_its_record_is_left_out),
		cmocka_unit_test(log_that_does_not_fold_here_shows_nothing_until_it_does),
		cmocka_unit_test(fields_and_forms_of_a_newer_version_wait_and_are_counted),
		cmocka_unit_test(opening_with_a_newer_form_set_shows_what_waited),
		cmocka_unit_test(texts_longer_than_the_form_takes_do_not_stop_the_fold),
		cmocka_unit_test(discarding_after_a_rollback_forgets_what_was_held_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
